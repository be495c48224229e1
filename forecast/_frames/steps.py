"""Which step of time a label is, counted from one fixed instant: the same label has the same number in every frame."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from .._types import Integers
from .index import is_clockless
from .patterns import Pattern
from .sessions import wall_days
from .stamps import ticks_of

__all__ = ["step_numbers"]

MONTHS = {  # offsets, and their number of months per label
    1: ("MonthBegin", "MonthEnd", "BMonthBegin", "BMonthEnd", "CBMonthBegin", "CBMonthEnd", "WeekOfMonth",
        "LastWeekOfMonth"),
    3: ("QuarterBegin", "QuarterEnd", "BQuarterBegin", "BQuarterEnd"),
    12: ("YearBegin", "YearEnd", "BYearBegin", "BYearEnd"),
}  # fmt: skip
MONTHS_OF = {getattr(pd.offsets, name): months for months, names in MONTHS.items() for name in names}
EPOCH = pd.Timestamp(1970, 1, 1)


def step_numbers(labels: pd.Index, freq: Any) -> Integers:
    """Steps from a fixed instant to each label.

    Parameters
    ----------
    labels : pandas.Index
        Labels of one kind: stamps, periods or whole numbers; in any order, of several series if need be.
    freq : offset or int
        The step from one row to the next.

    Returns
    -------
    ndarray of int64
        It grows by one from a label to the next of the same series. Whole numbers and periods count from 0. Hours and
        shorter steps count real time (UTC), so that nothing jumps where clocks change; days and longer ones count local
        dates. Business days count the sessions of their calendar: one that the data leave out is counted as well.

    Examples
    --------
    >>> hours = pd.date_range("2024-03-31", periods=4, freq="h", tz="Europe/Berlin")
    >>> np.diff(step_numbers(hours, hours.freq)).tolist()
    [1, 1, 1]
    >>> int(step_numbers(hours[:1], hours.freq)[0]) % 24  # midnight in Berlin is 23:00 in winter
    23
    """
    if not isinstance(labels, pd.DatetimeIndex):
        return ticks_of(labels) // (freq.n if isinstance(labels, pd.PeriodIndex) else freq)
    if is_clockless(freq):
        step, whole = pd.Timedelta(freq), pd.Timedelta(1, labels.unit)
        if step % whole != pd.Timedelta(0):
            labels, whole = labels.as_unit(step.unit), pd.Timedelta(1, step.unit)
        return labels.asi8 // (step // whole)
    days, _ = wall_days(labels)
    if isinstance(freq, pd.offsets.Day):
        return days.astype(np.int64) // freq.n
    if isinstance(freq, pd.offsets.Week):
        return days.astype(np.int64) // (7 * freq.n)
    if isinstance(freq, pd.offsets.BusinessDay):  # those of a calendar are business days as well
        calendar = getattr(freq, "calendar", None)
        calendar = calendar if isinstance(calendar, np.busdaycalendar) else np.busdaycalendar()
        return np.busday_count(EPOCH.to_numpy().astype("datetime64[D]"), days, busdaycal=calendar) // freq.n
    if isinstance(freq, Pattern):
        return freq.numbers(labels if labels.tz is None else labels.tz_localize(None))[0] // freq.every
    if type(freq) in MONTHS_OF:
        return days.astype("datetime64[M]").astype(np.int64) // (MONTHS_OF[type(freq)] * freq.n)
    return _on_a_grid(labels if labels.tz is None else labels.tz_localize(None), freq)


def _on_a_grid(wall: pd.DatetimeIndex, freq: pd.DateOffset) -> Integers:
    """Any other offset: its own stamps since 1970, counted."""
    if not len(wall):
        return np.zeros(0, dtype=np.int64)
    first, last = min(wall.min().year, EPOCH.year), max(wall.max().year, EPOCH.year)
    grid = _grid(freq.base, first, last + 1)
    return (grid.searchsorted(wall, side="right") - grid.searchsorted(EPOCH, side="right")) // freq.n


@lru_cache(maxsize=8)  # offsets such as business hours are counted one by one
def _grid(freq: pd.DateOffset, first: int, last: int) -> pd.DatetimeIndex:
    return pd.date_range(pd.Timestamp(first, 1, 1), pd.Timestamp(last, 1, 1), freq=freq)
