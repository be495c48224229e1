"""Steps of time that repeat within a week, a month or a year, and for which pandas has no offset.

Opening hours, the 15th of every month, the 1st, 11th and 21st, 15 April and 20 October. Every label of such a grid has
a number: that of its period times the labels in a period, plus its place among them. So steps are differences of whole
numbers, and every number has its label.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._files import stored
from .._records import record
from .._types import Array, Booleans, Integers
from .sessions import WEEKDAYS, wall_days

__all__ = ["Pattern", "as_pattern", "days_in_month"]

DAY = 86_400  # seconds
MONDAY = 3  # 1970-01-01 was a Thursday: the week that holds day 0 began three days before it
SHORTEST_MONTH = 28


@stored("pattern")
@record(frozen=True)
class Pattern:
    """Labels at fixed places of every week, month or year, in local time.

    Parameters
    ----------
    within : {"week", "month", "year"}
    anchors : tuple of int
        The places, ascending: seconds since Monday 00:00 of a week; days of a month, 31 is its last; 100 * month + day
        of a year. Of a day that a month does not have the last is meant; only the last anchor may be such a day.
    every : int, default=1
        Periods from one label to the next; more than 1 only with a single anchor.

    Examples
    --------
    >>> import pandas as pd
    >>> [str(stamp) for stamp in Pattern("month", (30,)).after(pd.Timestamp("2024-01-30 06:00"), 2)]
    ['2024-02-29 06:00:00', '2024-03-30 06:00:00']
    """

    within: str
    anchors: tuple[int, ...]
    every: int = 1

    def __repr__(self) -> str:
        return f"<Pattern: {self.freqstr}>"

    @property
    def n(self) -> int:
        """Periods from one label to the next."""
        return self.every

    @property
    def freqstr(self) -> str:
        """The pattern in words."""
        if self.within == "week":
            return _week_text(self.anchors)
        if self.within == "year":
            return ", ".join(f"{day % 100} {_month_name(day // 100)}" for day in self.anchors) + " of each year"
        days = ["last" if day == 31 else str(day) for day in self.anchors]
        which = {1: "each month", 3: "every quarter", 12: "one month of each year"}.get(self.every)
        return f"day{'s' * (len(days) > 1)} {', '.join(days)} of {which or f'every {self.every} months'}"

    @property
    def per_day(self) -> int:
        """Labels of an open day of the week; 0 if that differs, or if the pattern is not weekly."""
        if self.within != "week":
            return 0
        counts = np.bincount(np.asarray(self.anchors) // DAY, minlength=7)
        return int(counts.max()) if len(set(counts[counts > 0].tolist())) == 1 else 0

    @property
    def seasons(self) -> list[int]:
        """Steps of the usual seasons, ascending: a day and a week, or a month and a year."""
        if self.within == "week":
            lengths = {self.per_day, len(self.anchors)}
        elif self.within == "month":
            year = 12 * len(self.anchors) / self.every
            lengths = {len(self.anchors), int(year) if year == int(year) else 1}
        else:
            lengths = {len(self.anchors)}
        return sorted(length for length in lengths if length >= 2)

    @property
    def season_length(self) -> int:
        """Steps of the season that people expect, 1 where there is none: a day of hours, else the longest."""
        if not self.seasons:
            return 1
        return self.per_day if self.per_day > 1 else self.seasons[-1]

    def numbers(self, wall: pd.DatetimeIndex) -> tuple[Integers, Booleans]:
        """The number of each label, and which labels are off the grid; these have the number of the one before.

        Parameters
        ----------
        wall : pandas.DatetimeIndex
            Local time, without a zone.

        Returns
        -------
        numbers : ndarray of int64
        off : ndarray of bool
        """
        days, clocks = wall_days(wall)
        anchors, k = np.asarray(self.anchors), len(self.anchors)
        if self.within == "week":
            count = days.astype(np.int64) + MONDAY
            seconds = clocks.astype("timedelta64[s]")
            places = (count % 7) * DAY + seconds.astype(np.int64)
            found = np.searchsorted(anchors, places, side="right") - 1
            off = (anchors[found] != places) | (seconds != clocks)
            return (count // 7) * k + found, off
        periods = days.astype("datetime64[M]").astype(np.int64)
        if self.within == "year":
            periods = periods // 12
        dates = self._dates(periods)
        found = (dates <= days[:, None]).sum(axis=1) - 1
        return periods * k + found, ~(dates == days[:, None]).any(axis=1)

    def stamps(self, numbers: Integers) -> Array:
        """Labels by their numbers: those of a week whole, the dates of the others.

        Parameters
        ----------
        numbers : ndarray of int64

        Returns
        -------
        ndarray of datetime64[s]
        """
        periods, places = np.divmod(numbers, len(self.anchors))
        if self.within == "week":
            days = (7 * periods - MONDAY).astype("datetime64[D]")
            return days.astype("datetime64[s]") + np.asarray(self.anchors)[places].astype("timedelta64[s]")
        dates = self._dates(periods)
        return dates[np.arange(len(periods)), places].astype("datetime64[s]")

    def _dates(self, periods: Integers) -> Array:
        """Dates of all anchors in some months or years, shape (periods, anchors)."""
        anchors = np.asarray(self.anchors)
        if self.within == "month":
            months, days = np.broadcast_to(periods[:, None], (len(periods), len(anchors))), anchors
        else:
            months, days = 12 * periods[:, None] + anchors // 100 - 1, anchors % 100
        first = months.astype("datetime64[M]")
        return first.astype("datetime64[D]") + np.minimum(days, days_in_month(first)) - 1

    def after(self, last: pd.Timestamp, n: int) -> pd.DatetimeIndex:
        """The `n` labels after one, with its time of day.

        Parameters
        ----------
        last : Timestamp
            Local time, without a zone.
        n : int

        Returns
        -------
        pandas.DatetimeIndex
        """
        wall = pd.DatetimeIndex(np.array([last.to_datetime64()]))  # pandas 2 would turn a list into nanoseconds
        stamps = self.stamps(self.numbers(wall)[0][0] + self.every * np.arange(1, n + 1))
        clock = wall_days(wall)[1][0]
        return pd.DatetimeIndex(stamps if self.within == "week" or not clock else stamps + clock)

    def leaves_whole_days(self, before: pd.DatetimeIndex, behind: pd.DatetimeIndex) -> Booleans:
        """Whether what is missing between labels are whole days, as where a shop stays closed.

        Parameters
        ----------
        before, behind : pandas.DatetimeIndex
            Labels at both ends of each gap, without a zone.

        Returns
        -------
        ndarray of bool
        """
        if self.within != "week":
            return np.zeros(len(before), dtype=bool)
        days = np.asarray(self.anchors) // DAY
        ends, begins = np.append(days[1:] != days[:-1], True), np.append(True, days[1:] != days[:-1])
        places = [self.numbers(labels)[0] % len(days) for labels in (before, behind)]
        return ends[places[0]] & begins[places[1]]


def days_in_month(months: Array) -> Integers:
    """Days of some months, of datetime64[M]."""
    return ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)


def as_pattern(freq: Any, index: pd.DatetimeIndex) -> pd.DateOffset | Pattern:
    """A pattern in place of an offset of whole months that takes its day from the labels; any other as it is.

    Parameters
    ----------
    freq : offset or int
    index : pandas.DatetimeIndex
        Labels at this frequency, of one series.

    Returns
    -------
    Pattern, offset or int

    Examples
    --------
    >>> import pandas as pd
    >>> as_pattern(pd.DateOffset(months=3), pd.DatetimeIndex(["2024-02-10", "2024-05-10"]))
    <Pattern: day 10 of every quarter>
    """
    options = freq.kwds if type(freq) is pd.offsets.DateOffset else {}
    if not options or not set(options) <= {"months", "years", "day"}:
        return freq
    months = freq.n * (options.get("months", 0) + 12 * options.get("years", 0))
    if months < 1 or freq.normalize:
        return freq
    # A day that not every month has shows in the longest months only.
    return Pattern("month", (int(options.get("day", index.day.max())),), months)


def _month_name(month: int) -> str:
    return ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[month - 1]


def _week_text(anchors: tuple[int, ...]) -> str:
    days: dict[int, list[int]] = {}
    for anchor in anchors:
        days.setdefault(anchor // DAY, []).append(anchor % DAY)
    clocks = next(iter(days.values()))
    if any(other != clocks for other in days.values()):
        return f"{len(anchors)} times of each week"
    names = [WEEKDAYS[day] for day in days]
    joined = len(names) > 2 and " ".join(names) in " ".join(WEEKDAYS)
    week = f"{names[0]} to {names[-1]}" if joined else ", ".join(names)
    steps = set(np.diff(clocks).tolist())
    if len(clocks) > 3 and len(steps) == 1:
        return f"every {_span(steps.pop())} from {_clock(clocks[0])} to {_clock(clocks[-1])}, {week}"
    shown = ", ".join(_clock(clock) for clock in clocks[:4]) + (", ..." if len(clocks) > 4 else "")
    return f"{shown}, {week}"


def _span(seconds: int) -> str:
    unit, length = next(pair for pair in (("h", 3600), ("min", 60), ("s", 1)) if seconds % pair[1] == 0)
    return f"{seconds // length} {unit}"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
