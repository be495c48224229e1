"""Numbers that a user gives, checked."""

import numpy as np
import numpy.typing as npt

from ._refusals import Refusal
from ._types import Floats

__all__ = ["finite"]


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
