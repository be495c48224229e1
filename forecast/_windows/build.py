"""Frames and panels into `Windows`."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._frames import (
    Roles,
    Rules,
    as_frame,
    check_length,
    column_names,
    enter,
    frequency_of,
    note_time,
    only_counts,
    read_panel,
    read_values,
    refuse_several,
)
from .._refusals import Refusal
from .._tail import index_type
from .._types import Floats, FrameLike, Integers, WindowNorm
from .norm import Norm, noise_floor
from .table import Windows

if TYPE_CHECKING:
    from .._frames import Panel

__all__ = ["make_windows", "windows_of"]


def make_windows(
    df: FrameLike,
    *,
    target: Hashable | Sequence[Hashable] | None = None,
    lookback: int,
    horizon: int,
    past_covariates: Hashable | Sequence[Hashable] | None = None,
    future_covariates: Hashable | Sequence[Hashable] | None = None,
    static_covariates: Hashable | Sequence[Hashable] | None = None,
    series: Hashable | Sequence[Hashable] | None = None,
    time: Hashable | None = None,
    step: int = 1,
    window_norm: WindowNorm = None,
    window_floor: npt.ArrayLike | None = None,
    static: FrameLike | None = None,
) -> Windows:
    """Return a table of all windows of one or many series that have both a past and a future.

    Parameters
    ----------
    df : pandas.DataFrame or pandas.Series
        One row per time step (and series), regular index (DatetimeIndex, PeriodIndex or integer steps), finite numbers.
    target : label or list of labels, default=None
        Columns to forecast. None works for a series or a frame of one column.
    lookback : int
        Number of past steps in a window.
    horizon : int
        Number of steps to forecast after the newest row of a window.
    past_covariates : label or list of labels, default=None
        Further columns to read up to the origin. A target that is also named here is used once.
    future_covariates : label or list of labels, default=None
        Columns known ahead: their past and the `horizon` rows after the origin are read.
    static_covariates : label or list of labels, default=None
        Columns that do not change within a series.
    series : label or list of labels, default=None
        Column or index level that names the series of a panel in long format, or several that name them together.
    time : label, default=None
        Column of the time stamps. None: the index or, if that only counts rows, the only column of time stamps, with a
        `TimeColumnWarning`.
    step : int, default=1
        Number of rows from one window to the next; the first window starts at the first row, so `make_windows(...,
        step=s)` is `make_windows(...)[::s]`.
    window_norm : {None, "last", "mean", "standard"} or tuple, default=None
        What is subtracted from the past and future of each target, window by window, so that a drifting level does not
        matter. Covariates are unchanged. `Windows.restore` inverts it.

        - "last": the newest value of the window.
        - "mean" or ("mean", fraction): the mean over the window, or over the newest fraction of its lookback (rounded
          up to whole steps).
        - "standard" or ("standard", fraction): that mean; the rest is divided by the standard deviation over the same
          steps (at least 2), which is at least `window_floor`, and 1 if it is 0.
        - ("season", length): the mean of the values of the window at the same phase of a season of `length` steps. A
          forecast step gets the mean of its phase, so a forecast of 0 repeats the mean season of the window. The
          lookback has to contain at least one season, and more than one for anything to be left of the past.
    window_floor : float or array-like of shape (n_targets,) or (n_series, n_targets), default=None
        With "standard": the smallest deviation to divide by, in units of the target, so that an almost constant window
        is not blown up. None: a quarter of the usual change from row to row, as in `SeriesForecaster`: the median of
        the absolute nonzero changes over the rows of `df`, for each series and target. If you train on only some of the
        windows, compute it from those: `make_windows(df, ..., window_floor=make_windows(df[:split],
        ...).window_floor)`.
    static : frame, default=None
        The static covariates as a table with a row for each series, as in `SeriesForecaster.fit`: indexed by their
        names or with the columns `series`. `static_covariates` names the columns to read; None: all.

    Returns
    -------
    Windows
        Shape `(n, lookback * channels + horizon * future + static)`; `.y` has the targets.

    Raises
    ------
    TypeError, ValueError
        The frame is not a regular, numeric, finite series long enough for one window, or a parameter is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> series = pd.Series([1.0, 2.0, 4.0, 8.0, 16.0])
    >>> windows = make_windows(series, lookback=2, horizon=1)
    >>> windows.shape, windows.y.shape
    ((3, 2), (3, 1))
    >>> import numpy as np
    >>> np.asarray(windows[1:])
    array([[2., 4.],
           [4., 8.]])
    """
    lookback, horizon, step = (
        _positive(name, value) for name, value in (("lookback", lookback), ("horizon", horizon), ("step", step))
    )
    frame = as_frame(df, "df")
    others = (future_covariates, static_covariates, static, series, time)
    if only_counts(frame.index) or not all(given is None for given in others):
        table = None if static is None else enter(static, "static")[0]
        names = past_covariates, future_covariates, static_covariates, series, time
        roles = Roles.of(frame, target, *names, static=table)
        if roles.time is not None and time is None:
            note_time(roles.time, stacklevel=2)
        others = (*others[:-1], roles.time)
    if not all(given is None for given in others):
        return _of_panel(
            read_panel(frame, roles, Rules(), what="df"),
            roles,
            lookback=lookback,
            horizon=horizon,
            step=step,
            window_norm=window_norm,
            window_floor=window_floor,
        )
    targets, channels = column_names(frame, target, past_covariates)
    refuse_several(frame, Roles(targets, past=channels[len(targets) :]))
    freq = frequency_of(frame.index)
    check_length(len(frame), lookback, horizon)
    values, starts = read_values(frame, channels), np.array([0, len(frame)], dtype=np.int64)
    if window_floor is None:
        window_floor = _floors(values[:, : len(targets)], starts, window_norm, lookback)
    return windows_of(
        values,
        starts,
        lookback=lookback,
        horizon=horizon,
        step=step,
        n_targets=len(targets),
        window_norm=window_norm,
        window_floor=window_floor,
        index=frame.index,
        freq=freq,
        channel_names=channels,
    )


def _of_panel(panel: Panel, roles: Roles, **sizes: Any) -> Windows:
    check_length(int(np.diff(panel.starts).max()), sizes["lookback"], sizes["horizon"])
    parts = [part for part in (panel.targets, panel.past, panel.future) if part.shape[1]]
    if sizes["window_floor"] is None:
        sizes["window_floor"] = _floors(panel.targets, panel.starts, sizes["window_norm"], sizes["lookback"])
    return windows_of(
        parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1),
        panel.starts,
        **sizes,
        n_targets=len(roles.target),
        index=panel.index,
        freq=panel.axis.freq,
        channel_names=[*roles.target, *panel.schema.past_names, *panel.schema.future_names],
        future=panel.future if panel.future.shape[1] else None,
        static=panel.static if panel.static.shape[1] else None,
        series=panel.keys,
        clock=None if panel.keys is None else panel.axis.positions(panel.index[panel.starts[:-1]]),
    )


def _floors(targets: Floats, starts: Integers, window_norm: WindowNorm, lookback: int) -> Floats | None:
    """The least deviation of each series and target, where windows are divided by theirs."""
    if Norm.of(window_norm, lookback).kind != "standard":
        return None
    return np.stack([noise_floor(targets[first:end]) for first, end in pairwise(starts)])


def windows_of(
    values: Floats, starts: Integers, *, lookback: int, horizon: int, step: int = 1, lost: int = 0, **more: Any
) -> Windows:
    """All windows of some series that have both a past and a future.

    Parameters
    ----------
    values : ndarray of shape (rows, channels)
    starts : ndarray of int64 of shape (n_series + 1,)
    lookback, horizon, step : int
    lost : int, default=0
        Rows at the start of each series that no window may look back on.
    more : dict
        Further arguments of `Windows`.

    Returns
    -------
    Windows
        Perhaps of no window.

    Examples
    --------
    >>> import numpy as np
    >>> windows_of(np.arange(7.0)[:, None], np.array([0, 3, 7]), lookback=2, horizon=1).origins
    array([1, 4, 5])
    """
    reach = np.maximum(np.diff(starts) - horizon - lost - lookback + step, 0) // step
    kind = index_type(len(values))
    first = starts[:-1] + lost + lookback - 1 - step * (np.cumsum(reach) - reach)  # less the steps of earlier series
    origins = np.repeat(first.astype(kind), reach)
    origins += step * np.arange(len(origins), dtype=kind)
    return Windows(values, origins, lookback=lookback, horizon=horizon, starts=starts, **more)


def _positive(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(Refusal(f"is {value!r}", where=name, expected="a whole number of steps, 1 or more")) from None
    if number < 1 or isinstance(value, (bool, np.bool_)):
        raise ValueError(Refusal(f"is {value!r}", where=name, expected="a whole number of steps, 1 or more"))
    return number
