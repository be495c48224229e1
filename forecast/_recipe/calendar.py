"""Automatic calendar features: cycles that the rows contain twice and show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._types import Floats, Integers
from .seasons import peak, sampled, shown

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._preparation import Rows

__all__ = ["calendar_of"]

DAY = 86_400.0  # seconds
WEEK, YEAR = 7 * DAY, 365.25 * DAY
HELD = 2  # times a cycle must be held
NEWEST = 500_000  # rows of a series that are looked at: years of minutes are few weeks


def calendar_of(rows: Rows, ends: Integers, axis: TimeAxis, years_show: bool = True) -> tuple[str, ...]:
    """The calendar features for the frequency and the rows of each series before a row of it.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Only rows before these are read.
    axis : TimeAxis
    years_show : bool, default=True
        Whether the day of the year must show in the autocorrelation.

    Returns
    -------
    tuple of str
        Names of `calendar_features`: "hour" for steps below a day, "dayofweek" for steps up to a day, and "dayofyear"
        for steps up to a week or "month" for longer ones. The rows must hold two days, weeks or years. Days of the week
        and times of the year must also show in the autocorrelation: of means of days and weeks, where steps are
        shorter. Empty where labels are whole numbers.
    """
    if axis.kind == "integer":
        return ()
    series = [(_seconds(rows.index[first:end]), x) for first, end, x in sampled(rows, ends, NEWEST)]
    step = min((float(np.median(np.diff(at))) for at, _ in series if len(at) > 1), default=np.inf)
    span = max((at[-1] - at[0] + step for at, _ in series if len(at) > 1), default=0.0)
    found = []
    if step <= DAY / 2 and span >= HELD * DAY:
        found.append("hour")
    # A day of daylight saving time has 23 hours.
    if step <= DAY + 3600 and span >= HELD * WEEK and _shows(series, DAY, _days_in_week(series)):
        found.append("dayofweek")
    if span >= HELD * YEAR:
        if step <= WEEK:
            found += ["dayofyear"] if not years_show or _shows(series, WEEK, 52) else []
        elif step <= YEAR / 3:  # months and quarters, of which each is a step
            found += ["month"] if shown([peak(x, round(YEAR / step)) for _, x in series]) else []
    return tuple(found)


def _seconds(labels: pd.DatetimeIndex) -> Floats:
    """Local time in seconds since 1970; a period counts from its start."""
    stamps = labels.to_timestamp() if isinstance(labels, pd.PeriodIndex) else labels
    wall = stamps if stamps.tz is None else stamps.tz_localize(None)
    return wall.to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9


def _days_in_week(series: list[tuple[Floats, Floats]]) -> int:
    """Number of different weekdays among the labels, usually 7."""
    days = np.concatenate([(at // DAY) % 7 for at, _ in series])
    return len(np.unique(days))


def _shows(series: list[tuple[Floats, Floats]], width: float, length: int) -> bool:
    """Whether the means over some seconds have a season of some of these."""
    if length < 2:
        return False
    return shown([peak(_means(at, x, width), length) for at, x in series])


def _means(at: Floats, x: Floats, width: float) -> Floats:
    """Of the known values in each span of time that has a label; spans in between that have none are left out."""
    known = ~np.isnan(x)
    _, span = np.unique(at // width, return_inverse=True)
    n = np.bincount(span, known)
    return np.where(n > 0, np.bincount(span, np.where(known, x, 0.0)) / np.maximum(n, 1), np.nan)
