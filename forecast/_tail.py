"""The latest windows in time, to hold out, and those before them: in little memory, because there may be millions."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._types import Booleans, Integers

__all__ = ["MANY", "index_type", "some_of", "time_tail"]

MANY = 1 << 20  # windows: from here on their numbers are stored in 32 bits and looked at piece by piece


def index_type(n: int) -> np.dtype[Any]:
    """The dtype that stores the numbers of a given count of windows.

    Parameters
    ----------
    n : int

    Returns
    -------
    numpy.dtype
    """
    return np.dtype(np.int64 if n <= MANY else np.int32)


def some_of(windows: Integers, most: int) -> Integers:
    """About a given number of the windows, in order: by the golden ratio, which is out of step with every season.

    Parameters
    ----------
    windows : ndarray
    most : int

    Returns
    -------
    ndarray
        All of them, where there are no more.
    """
    if len(windows) <= most:
        return windows
    return windows[np.arange(len(windows)) * 0.6180339887498949 % 1 < most / len(windows)]


def time_tail(order_key: Integers, fraction: float, span: int | Integers) -> tuple[Integers, Integers]:
    """Split windows in time: the latest for validation, the earliest for training, a gap between.

    Parameters
    ----------
    order_key : ndarray of int of shape (n,)
        Position in time of each window's newest row; for plain arrays the row number.
    fraction : float
        Share of the windows to hold out.
    span : int or ndarray of int of shape (n,)
        Steps that a window's targets reach forward: the horizon, or more where they were known later. Training windows
        end `span` before the first held-out one, so that no target is in both.

    Returns
    -------
    train, validation : ndarrays of int64 (int32 where there are more than 2**20 windows)
        Positions of windows, ascending; either may be empty.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in time_tail(np.arange(10), 0.2, span=3)]
    [[0, 1, 2, 3, 4, 5], [8, 9]]
    """
    n = len(order_key)
    held_out = math.ceil(round(fraction * n, 9))  # 0.07 of 100 is 7, whatever the product's last bit
    if not held_out:
        return _positions(n, lambda part: np.ones(len(part), dtype=bool), order_key), np.empty(0, dtype=np.int64)
    # The value from which on windows are held out; of those at it, the last ones in the order given.
    cut = _cut(order_key, held_out)
    late = _positions(n, lambda part: part > cut, order_key)
    level = _positions(n, lambda part: part == cut, order_key)
    validation = np.sort(np.concatenate([late, level[len(level) - (held_out - len(late)) :]]))
    if np.ndim(span):
        return _positions(n, lambda part: part <= cut, order_key + span), validation
    return _positions(n, lambda part: part <= cut - span, order_key), validation


def _cut(order_key: Integers, held_out: int) -> int:
    """The `held_out`-th largest value."""
    n = len(order_key)
    if n <= MANY:
        return int(np.partition(order_key, n - held_out)[n - held_out])
    first, last = int(order_key.min()), int(order_key.max())
    counts = np.zeros(last - first + 1, dtype=np.int64)
    for piece in range(0, n, MANY):
        counts += np.bincount(order_key[piece : piece + MANY] - first, minlength=len(counts))
    from_the_end = np.cumsum(counts[::-1])
    return last - int(np.searchsorted(from_the_end, held_out))


def _positions(n: int, wanted: Callable[[Integers], Booleans], order_key: Integers) -> Integers:
    """Where a condition holds, piece by piece: apart from the answer, no array has the size of all windows."""
    pieces = range(0, n, MANY)
    counts = [int(np.count_nonzero(wanted(order_key[first : first + MANY]))) for first in pieces]
    found, done = np.empty(sum(counts), dtype=index_type(n)), 0
    for first, count in zip(pieces, counts, strict=True):
        found[done : done + count] = np.flatnonzero(wanted(order_key[first : first + MANY])) + first
        done += count
    return found
