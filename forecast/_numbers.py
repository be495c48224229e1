"""Numbers that a user or a file gives, checked."""

import math

import numpy as np
import numpy.typing as npt

from ._refusals import Refusal
from ._types import Booleans, Floats

__all__ = ["LARGEST", "LARGEST_FORECAST", "are_forecasts", "beyond", "finite", "refuse_overflow", "usable"]

LARGEST = 1e150  # float64 holds its square, and the sum of many of them
LARGEST_FORECAST = np.finfo(np.float64).max / 4  # float64 holds the difference of two
_FEW = 4096  # numbers: the product of two vectors is quickest, and takes no threads of its own


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


def are_forecasts(values: Floats) -> bool:
    """Whether all values are finite, and so is the difference of any two.

    Parameters
    ----------
    values : ndarray of float

    Returns
    -------
    bool

    Examples
    --------
    >>> are_forecasts(np.array([[1.0, -1e300]])), are_forecasts(np.array([1.0, np.nan]))
    (True, False)
    """
    # It follows every call of `predict`, which may take 15 us: the sum of squares takes half a microsecond.
    if values.size <= _FEW and math.isfinite(np.vdot(values, values)):
        return True
    return bool((np.abs(values) <= LARGEST_FORECAST).all())


def refuse_overflow(forecasts: Floats, where: str, got: str = "", advice: str = "") -> Floats:
    """Refuse forecasts that are NaN, infinite or nearly so.

    Parameters
    ----------
    forecasts : ndarray of shape (n_windows, ...)
    where : str
        What made them.
    got : str, default=""
        Why they may have overflowed.
    advice : str, default=""
        The way out.

    Returns
    -------
    ndarray
        The same.

    Raises
    ------
    ValueError
    """
    if are_forecasts(forecasts):
        return forecasts
    bad = ~(np.abs(forecasts) <= LARGEST_FORECAST)
    raise ValueError(
        Refusal(
            f"{int(bad.sum())} of {bad.size} forecasts are NaN, infinite or beyond {LARGEST_FORECAST:.0e}, the first "
            f"for window {int(np.argwhere(bad)[0, 0])}",
            where=where,
            got=got,
            expected="finite numbers",
            advice=advice or "Pass values nearer to those of fit, or fit again.",
        )
    )
