"""Quantiles of whole numbers: the smallest count at which a distribution function reaches a level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._types import Floats

__all__ = ["smallest_counts"]

_MANY = 32  # levels of one distribution, from which on a table of it is worth making
_WIDEST = 1 << 14  # counts of such a table


def smallest_counts(reached: Callable[..., Floats], guess: Floats, levels: Floats, parameters: list[Floats]) -> Floats:
    """The smallest whole number k >= 0 with reached(k) >= level.

    Parameters
    ----------
    reached : callable
        Function from counts and parameters to the distribution function, rising with the count.
    guess : ndarray of shape (..., 1)
        Mean plus a standard deviation, about: where the search begins.
    levels : ndarray of shape (m,) or (..., m)
        Levels in (0, 1).
    parameters : list of ndarray of shape (..., 1)

    Returns
    -------
    ndarray of shape (..., m), float64
    """
    shape = np.broadcast_shapes(guess.shape, levels.shape)
    if levels.shape[-1] <= _MANY:
        return _bisected(reached, np.broadcast_to(guess, shape), np.broadcast_to(levels, shape), parameters)
    ends = np.stack([levels.min(axis=-1), levels.max(axis=-1)], axis=-1)
    both = (*shape[:-1], 2)
    ends = _bisected(reached, np.broadcast_to(guess, both), np.broadcast_to(ends, both), parameters)
    low, width = ends[..., :1], int(np.max(ends[..., 1] - ends[..., 0])) + 1
    if width > _WIDEST:
        return _bisected(reached, np.broadcast_to(guess, shape), np.broadcast_to(levels, shape), parameters)
    table = reached(low + np.arange(width), parameters).reshape(-1, width)
    table[:, -1] = 1.0  # the highest level is reached there at the latest
    wanted = np.broadcast_to(levels, shape).reshape(-1, shape[-1])
    found = np.stack([np.searchsorted(row, level) for row, level in zip(table, wanted, strict=True)])
    return low + found.reshape(shape)


def _bisected(reached: Callable[..., Floats], guess: Floats, levels: Floats, parameters: list[Floats]) -> Floats:
    low, high = np.full(levels.shape, -1.0), np.ceil(np.maximum(guess, 1.0))
    short = reached(high, parameters) < levels
    while short.any():
        low, high = np.where(short, high, low), np.where(short, 2.0 * high, high)
        short = reached(high, parameters) < levels
    while True:
        middle = np.floor((low + high) / 2)
        inside = (low < middle) & (middle < high)  # not `high - low > 1`: neighbours beyond 2^53 are farther apart
        if not inside.any():
            return high
        enough = reached(np.maximum(middle, 0.0), parameters) >= levels
        enough |= middle < 0
        low, high = np.where(inside & ~enough, middle, low), np.where(inside & enough, middle, high)
