"""Which pattern of a week, a month or a year the labels of an index show, where pandas infers no frequency."""

import numpy as np
import pandas as pd

from .._types import Array, Integers
from .patterns import DAY, MONDAY, SHORTEST_MONTH, Pattern, days_in_month
from .sessions import WEEKS_TO_TELL, wall_days, weekmask_text

__all__ = ["code_of_hours", "pattern_seen"]

HELD = 0.5  # of the labels of a pattern must be there, else it is a coincidence
HOURS_HELD = 0.75  # of the labels on open days
MOST_OF_WEEK = 6 / 7  # of the labels of a week without pause; more is a regular step with holes
MOST_A_MONTH, MOST_A_YEAR, MOST_WEEKDAYS = 6, 12, 4
LEAST_DATES = 4  # days with rows that show the times of a day
LEAST_YEARS = 3
WEEKS_WITHOUT_HOLES = 4  # that show sessions on few weekdays


def pattern_seen(index: pd.DatetimeIndex) -> Pattern | pd.DateOffset | None:
    """The pattern that all labels of an index keep to, or None.

    Parameters
    ----------
    index : pandas.DatetimeIndex
        Ascending, of one series.

    Returns
    -------
    Pattern, offset or None
        An offset where pandas has one for the pattern.

    Examples
    --------
    >>> import pandas as pd
    >>> pattern_seen(pd.DatetimeIndex(["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"]))
    <Pattern: day 15 of each month>
    >>> hours = pd.date_range("2024-01-01", periods=96, freq="h")
    >>> pattern_seen(hours[(hours.hour == 8) | (hours.hour == 18)])
    <Pattern: 08:00, 18:00, Mon to Sun>
    """
    if len(index) < 3:
        return None
    wall = index if index.tz is None else index.tz_localize(None)
    days, clocks = wall_days(wall)
    found = None
    if (clocks == clocks[0]).all():
        found = _of_months(days) or _of_years(days) or _of_weekdays(days)
    elif (clocks.astype("timedelta64[s]") == clocks).all():
        found = _of_hours(days, clocks.astype("timedelta64[s]").astype(np.int64), (index[1:] - index[:-1]).min())
    if isinstance(found, Pattern):
        if found.numbers(wall)[1].any():
            return None
        return _as_offset(found)
    return found


def code_of_hours(index: pd.DatetimeIndex) -> str | None:
    """The argument that says which business hours an index keeps to, where it is too short to show them; or None.

    Parameters
    ----------
    index : pandas.DatetimeIndex

    Returns
    -------
    str or None
    """
    wall = index if index.tz is None else index.tz_localize(None)
    days, clocks = wall_days(wall)
    hours = np.unique(clocks / np.timedelta64(1, "h"))
    mask = np.bincount((days.astype(np.int64) + MONDAY) % 7, minlength=7) > 0
    if len(hours) < 2 or (np.diff(hours) != 1).any() or (hours % 1).any() or hours[-1] == 23:
        return None
    start, end, names = f"{int(hours[0]):02d}:00", f"{int(hours[-1]) + 1:02d}:00", weekmask_text(mask.tolist())
    freq = pd.offsets.CustomBusinessHour(weekmask=names, start=start, end=end)
    if list(pd.date_range(wall[0], periods=len(wall), freq=freq)) != list(wall):
        return None
    return f"freq=pd.offsets.CustomBusinessHour(weekmask={names!r}, start={start!r}, end={end!r})"


def _as_offset(pattern: Pattern) -> Pattern | pd.DateOffset:
    """The offset of pandas that is the same, where there is one."""
    if pattern.within == "month" and len(pattern.anchors) == 2:
        first, second = pattern.anchors
        if first == 1 and 2 <= second <= 27:
            return pd.offsets.SemiMonthBegin(day_of_month=second)
        if second == 31 and first <= 27:
            return pd.offsets.SemiMonthEnd(day_of_month=first)
    return pattern


def _of_months(days: Array) -> Pattern | None:
    """Up to six days of each month, or one day every few months."""
    months = days.astype("datetime64[M]")
    groups = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    counts = np.diff(np.append(groups, len(days)))
    day = (days - months).astype(np.int64) + 1
    if counts.max() > 1:
        span = int((months[-1] - months[0]).astype(np.int64)) + 1
        anchors = _anchors(day, days_in_month(months), groups, counts, MOST_A_MONTH, span)
        return None if anchors is None else Pattern("month", anchors)
    longest = days_in_month(months)
    if (day == longest).all() or (day == 1).all() or (day != np.minimum(day.max(), longest)).any():
        return None  # pandas knows the first and the last day
    apart: Array = np.diff(months.astype(np.int64))
    every = int(apart.min())
    if (apart % every).any() or (12 % every and every % 12) or len(days) - 1 < HELD * apart.sum() / every:
        return None
    return Pattern("month", (int(day.max()),), every)


def _of_years(days: Array) -> Pattern | None:
    """Two to twelve days of each year."""
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    groups = np.flatnonzero(np.append(True, years[1:] != years[:-1]))
    counts = np.diff(np.append(groups, len(days)))
    if counts.max() < 2 or len(groups) < LEAST_YEARS:
        return None
    month = months.astype(np.int64) % 12 + 1
    day = (days - months).astype(np.int64) + 1
    span = int((years[-1] - years[0]).astype(np.int64)) + 1
    anchors = _anchors(100 * month + day, 0 * day, groups, counts, MOST_A_YEAR, span)
    return None if anchors is None else Pattern("year", anchors)


def _anchors(
    places: Integers, longest: Integers, groups: Integers, counts: Integers, most: int, span: int
) -> tuple[int, ...] | None:
    """The places that all full periods have in common; those are full that have the most labels."""
    k = int(counts.max())
    full = groups[counts == k]
    if not 2 <= k <= most or len(full) < 2 or len(full) < HELD * (span - 2):
        return None
    table = places[full[:, None] + np.arange(k)]
    anchors, last, ends = table[0].copy(), table[:, -1], longest[full]
    if (last == ends).all():
        anchors[-1] = 31
    elif (last == np.minimum(last.max(), ends)).all():
        anchors[-1] = last.max()
    elif (last != last[0]).any():
        return None
    same = (table[:, :-1] == anchors[:-1]).all() and (longest[0] == 0 or (anchors[:-1] <= SHORTEST_MONTH).all())
    return tuple(anchors.tolist()) if same else None


def _of_weekdays(days: Array) -> pd.DateOffset | None:
    """Sessions on up to four weekdays, none of them missing: Mondays, Wednesdays and Fridays."""
    weekday = (days.astype(np.int64) + MONDAY) % 7
    mask = np.isin(np.arange(7), weekday)
    if not 2 <= mask.sum() <= MOST_WEEKDAYS or (days[-1] - days[0]).astype(np.int64) < 7 * WEEKS_WITHOUT_HOLES:
        return None
    if len(days) != np.busday_count(days[0], days[-1] + 1, weekmask=mask.tolist()):
        return None
    return pd.offsets.CustomBusinessDay(weekmask=weekmask_text(mask.tolist()))


def _of_hours(days: Array, clocks: Integers, step: pd.Timedelta) -> Pattern | None:
    """Opening hours: the same times of the week, every week; in less than three weeks the same times every day."""
    step = step / pd.Timedelta(seconds=1)
    if step <= 0:
        return None
    dates = np.unique(days)
    span = int((dates[-1] - dates[0]).astype(np.int64)) + 1
    weekday = (days.astype(np.int64) + MONDAY) % 7
    if span < 7 * WEEKS_TO_TELL:
        times = np.unique(clocks)
        if len(dates) < max(LEAST_DATES, span) or len(times) > MOST_OF_WEEK * DAY / step:
            return None
        anchors = (np.arange(7)[:, None] * DAY + times).ravel()
        expected = len(times) * len(dates)
        rare = np.bincount(np.searchsorted(times, clocks)) < HELD * len(dates)
    else:
        anchors, counts = np.unique(weekday * DAY + clocks, return_counts=True)
        if len(anchors) > MOST_OF_WEEK * 7 * DAY / step:
            return None
        opened = np.bincount((dates.astype(np.int64) + MONDAY) % 7, minlength=7)
        if (opened[opened > 0] < HELD * (span // 7)).any():
            return None
        rare = counts < HELD * opened[anchors // DAY]
        expected = (opened * np.bincount(anchors // DAY, minlength=7)).sum()
    if rare.any() or len(days) < HOURS_HELD * expected:
        return None
    return Pattern("week", tuple(anchors.tolist()))
