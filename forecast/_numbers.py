"""Numbers that a user or a file gives, checked."""

import numpy as np
import numpy.typing as npt

from ._refusals import Refusal
from ._types import Booleans, Floats

__all__ = ["LARGEST", "beyond", "finite", "usable"]

LARGEST = 1e150  # float64 holds its square, and the sum of many of them


def usable(values: Floats) -> bool:
    """Whether all values are numbers up to `LARGEST`, so that a variance can be computed.

    Parameters
    ----------
    values : ndarray of float

    Returns
    -------
    bool
        False where a value is NaN, infinite or larger.
    """
    limit = min(LARGEST, float(np.finfo(values.dtype).max))  # of float32: 3.4e38
    return bool((np.abs(values) <= limit).all())


def beyond(values: Floats) -> Booleans:
    """Which values are finite, but larger than `LARGEST`.

    Parameters
    ----------
    values : ndarray of float

    Returns
    -------
    ndarray of bool
    """
    wide = np.abs(values.astype(np.float64))
    return (wide > LARGEST) & np.isfinite(wide)


def finite(name: str, numbers: npt.ArrayLike) -> Floats:
    """As a float64 array.

    Parameters
    ----------
    name : str
        Name in messages.
    numbers : array-like

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError, ValueError
        There are no numbers, or some that are NaN or infinite.
    """
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iufb":
        raise TypeError(Refusal(f"holds {numbers.dtype} values", where=name, expected="numbers"))
    numbers = numbers.astype(np.float64)
    if not np.isfinite(numbers).all():
        bad = ~np.isfinite(numbers)
        raise ValueError(
            Refusal(
                f"has {int(bad.sum())} values that are NaN or infinite, the first at position "
                f"{tuple(int(i) for i in np.argwhere(bad)[0])}",
                where=name,
                expected="finite numbers",
            )
        )
    return numbers
