"""Shares such as a coverage or the level of a quantile: one check for everything that takes them."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ._refusals import Refusal

__all__ = ["share", "shares"]


def share(given: float, what: str) -> float:
    """A number between 0 and 1.

    Parameters
    ----------
    given : float
    what : str
        Name of the argument in messages.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        It is not a number.
    ValueError
        It is 0 or less, 1 or more, or NaN.
    """
    _check(given, Refusal(f"is {given!r}", where=what, expected="a number between 0 and 1, such as 0.9 for 90 %"))
    return float(given)


def shares(given: npt.ArrayLike, what: str, *, least: int = 0) -> list[float]:
    """Several of them, or one.

    Parameters
    ----------
    given : float or array-like of float
    what : str
    least : int, default=0
        How many there must be.

    Returns
    -------
    list of float
        In the order given.

    Raises
    ------
    TypeError, ValueError
        As `share`, or there are fewer.
    """
    found = np.ravel(np.asarray(given, dtype=object)).tolist()
    words = Refusal(f"is {given!r}", where=what, expected="numbers between 0 and 1, such as 0.9 for 90 %")
    if len(found) < least:
        raise ValueError(words)
    for one in found:
        _check(one, words)
    return [float(one) for one in found]


def _check(one: Any, words: str) -> None:
    number = isinstance(one, (Real, np.number)) and not isinstance(one, (bool, np.bool_))
    if not number:
        raise TypeError(words)
    if not 0 < one < 1:
        raise ValueError(words)
