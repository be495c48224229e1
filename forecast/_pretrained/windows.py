"""What the pretrained network reads of `Windows` and of arrays: the newest values of one target before each origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .._windows import Windows

if TYPE_CHECKING:
    from .._types import Floats, Integers

__all__ = ["future_of", "past_of"]


def past_of(X: Any, rows: Integers, target: int, steps: int) -> Floats:
    """Values of a target up to some windows' newest row, NaN where missing.

    Parameters
    ----------
    X : Windows or ndarray of shape (n, lookback) or (n, lookback, channels)
        `Windows` are read beyond their lookback, up to the beginning of their series.
    rows : ndarray of int
        Numbers of windows.
    target : int
        Number of the target; 0 of an array, whose first channel it is.
    steps : int
        Maximum number of steps.

    Returns
    -------
    ndarray of shape (len(rows), steps or fewer), float64

    Raises
    ------
    ValueError
        A window has no known value.
    """
    if isinstance(X, Windows):
        origins, first = X.origins[rows].astype(np.int64), X.first_rows[rows]
        length = min(steps, int((origins - first + 1).max(initial=1)))
        at = origins[:, None] + np.arange(1 - length, 1)
        values = X.target_values[np.maximum(at, 0), target].astype(np.float64)
        values = np.where(at >= first[:, None], values, np.nan)
    else:
        values = X[rows].reshape(len(rows), X.shape[1], -1)[:, -steps:, 0]
    unknown = np.isnan(values).all(axis=1)
    if unknown.any():
        raise ValueError(
            Refusal(
                f"window {int(rows[unknown.argmax()])} has no value to forecast from",
                where="X:",
                expected="one at least",
            )
        )
    return values


def future_of(X: Any, y: Any, rows: Integers, target: int) -> Floats:
    """Values after some windows, (len(rows), horizon), in units of the series, NaN where missing.

    Parameters
    ----------
    X : Windows or ndarray
    y : WindowTargets or array-like of shape (n,) or (n, horizon)
        Targets; not read where X is `Windows`, which have their own.
    rows, target
        As in `past_of`.
    """
    if isinstance(X, Windows):
        at = X.origins[rows].astype(np.int64)[:, None] + np.arange(1, X.horizon + 1)
        return X.target_values[at, target].astype(np.float64)
    return np.asarray(y, dtype=np.float64).reshape(len(X), -1)[rows]
