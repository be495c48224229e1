"""How many windows there are to train on, without making them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._types import Integers

if TYPE_CHECKING:
    from .._preparation import Rows

__all__ = ["training_windows"]


def training_windows(rows: Rows, ends: Integers, horizon: int, looks_back: int, step: int, joint: bool) -> int:
    """The number of windows that show a target and end before the rows to learn from do.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Where the rows to learn from end in each series.
    horizon : int
    looks_back : int
        Rows before the first step of a forecast, those lost to a transform among them.
    step : int
        Rows from one window to the next.
    joint : bool
        Whether a window forecasts all targets. Otherwise each target has windows of its own.

    Returns
    -------
    int
    """
    lengths = np.maximum(ends - rows.starts[:-1], 0)
    numbers = np.maximum(lengths - looks_back - horizon + 1, 0)
    numbers = -(-numbers // step)
    targets = 1 if joint else rows.targets.shape[1]
    seen = ~np.isnan(rows.targets)
    if seen.all() and rows.made_up is None:
        return targets * int(numbers.sum())
    which = np.repeat(np.arange(rows.n_series), numbers)
    place = np.arange(len(which)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    begin: Integers = rows.starts[which] + looks_back + step * place  # first row that is forecast
    shown = seen.any(axis=1, keepdims=True) if joint else seen
    total = np.concatenate([np.zeros((1, shown.shape[1]), np.int64), np.cumsum(shown, axis=0)])
    shows = total[begin + horizon] > total[begin]
    if rows.made_up is not None and looks_back:
        shows &= ~rows.made_up[begin - 1][:, None]
    return int(shows.sum())
