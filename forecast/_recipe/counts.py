"""How many windows there are to train on, without making them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from .._preparation import needs_windows
from .._types import Integers
from .candidates import prepared_lost
from .validation import known_before, known_up_to

if TYPE_CHECKING:
    from .._preparation import Rows, Settings, Task

__all__ = ["can_learn", "training_windows"]


def training_windows(rows: Rows, ends: Integers, horizon: int, looks_back: int, step: int, joint: bool) -> int:
    """The number of windows that have seen and show a target, and end before the rows to learn from do.

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
    if not np.isnan(rows.targets).any() and rows.made_up is None:
        return targets * int(numbers.sum())
    which = np.repeat(np.arange(rows.n_series), numbers)
    place = np.arange(len(which)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    begin: Integers = rows.starts[which] + looks_back + step * place  # first row that is forecast
    known = known_up_to(rows)
    shows, saw = known[begin + horizon] > known[begin], known[begin] > known[rows.starts[which]]
    if joint:
        shows, saw = np.asarray(shows.any(axis=1, keepdims=True)), np.asarray(saw.all(axis=1, keepdims=True))
    if looks_back:
        shows &= saw
    if rows.made_up is not None and looks_back:
        shows &= ~rows.made_up[begin - 1][:, None]
    return int(shows.sum())


def can_learn(members: Iterable[Settings], task: Task, rows: Rows, ends: Integers) -> bool:
    """Whether each of some members has values, and windows if it needs them, to learn from.

    Parameters
    ----------
    members : iterable of Settings
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)

    Returns
    -------
    bool
    """
    if not known_before(rows, ends).all():
        return False
    for one in members:
        looks_back, joint = one.lookback + prepared_lost(one, task), one.multi_target == "joint"
        windows = training_windows(rows, ends, task.horizon, looks_back, one.step, joint)
        if needs_windows(one.regressor) and not windows:
            return False
    return True
