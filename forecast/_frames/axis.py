"""The time axis: the time of the fitted data, the distance between two labels, and how time continues."""

from collections.abc import Hashable, Sequence
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd

from .._files import stored
from .._records import record
from .._types import Array, Booleans, Integers
from .index import continue_stamps, is_clockless, on_the_clock, season_length
from .patterns import Pattern
from .sessions import wall_days
from .stamps import CHUNK, ticks_of

__all__ = ["TimeAxis"]

MONTHS = {
    pd.offsets.MonthBegin: (1, True),
    pd.offsets.MonthEnd: (1, False),
    pd.offsets.QuarterBegin: (3, True),
    pd.offsets.QuarterEnd: (3, False),
    pd.offsets.YearBegin: (12, True),
    pd.offsets.YearEnd: (12, False),
}


@stored("axis")
@record(frozen=True)
class TimeAxis:
    """The steps of time in a frame.

    Hours and shorter steps count instants, days and longer ones follow local time, so that both are right across a
    change to or from daylight saving time.

    Parameters
    ----------
    freq : offset, Pattern or int
        The step.
    kind : {"datetime", "period", "integer"}
    tz : tzinfo or None
        Zone of the stamps.
    unit : str or None
        Resolution of the stamps, such as "us".
    name : label
        Name of the index.
    dtype : dtype or None
        Dtype of integer labels.
    ranged : bool
        Whether integer labels are a RangeIndex.
    clock : numpy.timedelta64 or None
        Time of day of zoned stamps a day or more apart, so that a stamp that the clock once pushed on comes back to it.
    pause : int
        Where sessions were inferred, and a missing one is not a gap: the longest step between two of them, counted in
        sessions; else 0.
    note : str or None
        What the user should know about it.
    irregular : bool
        Whether rows may be at any times: `freq` is then the step of forecasts, and what time is counted in.

    Examples
    --------
    >>> import pandas as pd
    >>> axis = TimeAxis(pd.offsets.Hour(), "datetime", tz="Europe/Berlin", unit="s", name="hour")
    >>> [str(stamp) for stamp in axis.after(pd.Timestamp("2024-03-31 01:00", tz="Europe/Berlin"), 2)]
    ['2024-03-31 03:00:00+02:00', '2024-03-31 04:00:00+02:00']
    >>> axis.season_length
    24
    """

    freq: Any
    kind: str
    tz: tzinfo | None = None
    unit: str | None = None
    name: Hashable = None
    dtype: Any = None
    ranged: bool = False
    clock: np.timedelta64 | None = None
    pause: int = 0
    note: str | None = None
    irregular: bool = False

    @property
    def season_length(self) -> int:
        """Steps of the usual season, 1 where there is none; rows at any times count none."""
        return 1 if self.irregular else season_length(self.freq)

    @property
    def step_text(self) -> str:
        """The step as pandas writes it."""
        return repr(getattr(self.freq, "freqstr", self.freq))

    @property
    def follows_the_clock(self) -> bool:
        """Whether steps follow local time."""
        return self.kind == "datetime" and not is_clockless(self.freq)

    def after(self, last: pd.Timestamp | pd.Period | int, n: int) -> pd.Index:
        """The `n` labels after `last`: kind, zone, frequency, resolution and name as fitted.

        Parameters
        ----------
        last : Timestamp, Period or int
        n : int

        Returns
        -------
        pandas.Index
            Of length `n`.
        """
        if self.kind == "integer":
            start = int(last) + self.freq
            labels = pd.RangeIndex(start, start + n * self.freq, self.freq, name=self.name)
            return labels if self.ranged else pd.Index(labels.to_numpy(), dtype=self.dtype, name=self.name)
        if self.kind == "period":
            return pd.period_range(last + 1, periods=n, freq=self.freq, name=self.name)
        last = pd.Timestamp(last)
        unit = self.unit if last.as_unit(self.unit) == last else last.unit
        freq = self.freq
        if isinstance(freq, pd.offsets.Week) and freq.weekday is not None:
            # Weeks of another weekday than the longest series has: the step is the same.
            freq = pd.offsets.Week(freq.n, weekday=last.weekday())
        start = last if self.clock is None else self._unpushed(last)
        stamps = continue_stamps(start, n, freq, unit, self.name)
        return stamps if start.tz == last.tz else on_the_clock(stamps, last.tz)

    def _unpushed(self, last: pd.Timestamp) -> pd.Timestamp:
        """The wall time meant by a stamp that is later than its time of day because the clock skipped that."""
        meant = last.tz_localize(None).normalize() + self.clock
        if meant == last.tz_localize(None):
            return last
        real = meant.tz_localize(last.tz, ambiguous=True, nonexistent="shift_forward")
        return meant if real == last else last

    def jumps(self, index: pd.Index) -> tuple[Integers, Integers]:
        """Rows that the next one does not follow by one step.

        Parameters
        ----------
        index : pandas.Index
            Time labels, of several series behind each other if need be: the step from one to the next is one of them.

        Returns
        -------
        rows : ndarray of int
            Each the earlier row of its pair.
        steps : ndarray of int
            Steps to the next row: more than 1 is a gap, 0 is off the grid, less goes back in time.
        """
        rows, steps = [], []
        for first in range(0, 0 if self.irregular else max(len(index) - 1, 0), CHUNK):
            odd, count = self._jumps(index[first : first + CHUNK + 1] if len(index) > CHUNK + 1 else index)
            rows.append(odd + first)
            steps.append(count)
        return (np.concatenate(rows), np.concatenate(steps)) if rows else (np.zeros(0, int), np.zeros(0, int))

    def _jumps(self, index: pd.Index) -> tuple[Integers, Integers]:
        if self.kind != "datetime":
            return _uneven(ticks_of(index), self.freq if self.kind == "integer" else self.freq.n)
        if is_clockless(self.freq):
            return _uneven_stamps(index, pd.Timedelta(self.freq))
        wall = _wall(index)
        odd, count = self._wall_jumps(wall)
        if index.tz is not None and (count == 0).any():
            odd, count = self._wall_jumps(self._on_its_clock(index, wall))
        return odd, count

    def _wall_jumps(self, wall: pd.DatetimeIndex) -> tuple[Integers, Integers]:
        freq = self.freq
        if isinstance(freq, pd.offsets.Day):
            return _uneven_stamps(wall, pd.Timedelta(days=freq.n))
        if isinstance(freq, pd.offsets.Week):
            return _uneven_stamps(wall, pd.Timedelta(days=7 * freq.n))
        if isinstance(freq, pd.offsets.BusinessDay):
            return _uneven_sessions(wall, freq)
        if type(freq) in MONTHS:
            return _uneven_months(wall, freq)
        if isinstance(freq, Pattern):
            numbers, off = freq.numbers(wall)
            clocks = np.zeros(len(wall)) if freq.within == "week" else wall_days(wall)[1]
            return _uneven_marked(numbers, freq.every, off, clocks)
        return _uneven_otherwise(wall, freq)

    def _on_its_clock(self, index: pd.DatetimeIndex, wall: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Wall times with those put back that the clock pushed on from the time of day that most rows have."""
        days, clocks = wall_days(wall)
        clock = self.clock
        if clock is None:
            values, counts = np.unique(clocks, return_counts=True)
            clock = values[counts.argmax()]
        meant = pd.DatetimeIndex(days + clock)
        pushed = np.asarray(on_the_clock(meant, index.tz) == index)
        return pd.DatetimeIndex(np.where(pushed, meant.to_numpy(), wall.to_numpy()))

    def positions(self, labels: pd.Index) -> Integers:
        """Steps from the earliest of some labels to each: how series that begin at other times lie to each other.

        Parameters
        ----------
        labels : pandas.Index

        Returns
        -------
        ndarray of int64
            A label between two steps counts with the one before it.
        """
        earliest = labels.min()
        if self.kind != "datetime":
            ticks = ticks_of(labels)
            return (ticks - ticks.min()) // (self.freq if self.kind == "integer" else self.freq.n)
        if is_clockless(self.freq):
            return np.asarray((labels - earliest) // pd.Timedelta(self.freq), dtype=np.int64)
        if isinstance(self.freq, Pattern):
            numbers = self.freq.numbers(_wall(labels))[0]
            return (numbers - numbers.min()) // self.freq.every
        grid, steps = labels[labels == earliest][:1], 64
        while grid[-1] < labels.max():
            grid, steps = self.after(earliest, steps).insert(0, earliest), 2 * steps
        return np.asarray(grid.searchsorted(labels, side="right") - 1, dtype=np.int64)

    def off_anchor(self, index: pd.Index) -> Booleans:
        """Labels that the frequency cannot produce, such as a Saturday for business days."""
        if self.irregular or not self.follows_the_clock or isinstance(self.freq, pd.offsets.Day):
            return np.zeros(len(index), dtype=bool)
        if isinstance(self.freq, pd.offsets.BusinessDay):
            return ~np.is_busday(wall_days(index)[0], busdaycal=_busdays(self.freq))
        wall = _wall(index)
        if isinstance(self.freq, Pattern):
            return self.freq.numbers(wall)[1]
        return ~np.fromiter((self.freq.is_on_offset(stamp) for stamp in wall), dtype=bool, count=len(wall))

    def pauses(self, before: pd.Index, behind: pd.Index) -> Booleans:
        """Whether the steps that are missing between labels are days without a session, where sessions were inferred.

        Parameters
        ----------
        before, behind : pandas.Index
            The labels at both ends of each gap.

        Returns
        -------
        ndarray of bool
        """
        if self.pause and isinstance(self.freq, Pattern):
            return self.freq.leaves_whole_days(_wall(before), _wall(behind))
        return np.full(len(before), bool(self.pause))

    def between(self, earlier: pd.Index, steps: Integers) -> pd.Index:
        """The labels inside of gaps.

        Parameters
        ----------
        earlier : pandas.Index
            The label before each gap.
        steps : ndarray of int
            Steps over each gap; one label less lies inside.

        Returns
        -------
        pandas.Index
            Gap after gap.
        """
        step = self._fixed_step()
        if step is None:
            inside = [self.after(label, int(count) - 1) for label, count in zip(earlier, steps, strict=True)]
            return inside[0].append(inside[1:]) if len(inside) > 1 else inside[0]
        count = np.concatenate([np.arange(1, n) for n in steps])
        if self.kind == "integer":
            return pd.Index(np.repeat(ticks_of(earlier), steps - 1) + count * step, dtype=earlier.dtype)
        clocked = not is_clockless(self.freq)
        wall = earlier.tz_localize(None) if clocked and earlier.tz is not None else earlier
        stamps = wall.repeat(steps - 1) + count * step
        return on_the_clock(stamps, earlier.tz) if wall.tz != earlier.tz else stamps

    def _fixed_step(self) -> pd.Timedelta | int | None:
        """The step as one amount of time or labels, where it has one and no stamp was ever pushed on; else None."""
        if self.kind == "integer":
            return self.freq
        if self.kind == "period" or self.clock is not None:
            return None
        if is_clockless(self.freq):
            return pd.Timedelta(self.freq)
        days = {pd.offsets.Day: 1, pd.offsets.Week: 7}.get(type(self.freq))
        return None if days is None else pd.Timedelta(days=days * self.freq.n)


def _wall(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return index if index.tz is None else index.tz_localize(None)


def _busdays(freq: pd.DateOffset) -> np.busdaycalendar:
    return freq.calendar if isinstance(freq, pd.offsets.CustomBusinessDay) else np.busdaycalendar()


def _uneven(ticks: Integers, step: int) -> tuple[Integers, Integers]:
    """Pairs of whole numbers that are not `step` apart, and how many steps they are."""
    apart = np.diff(ticks)
    odd = np.flatnonzero(apart != step)
    apart = apart[odd]
    return odd, np.where(apart % step == 0, apart // step, 0)


def _uneven_stamps(index: pd.DatetimeIndex, step: pd.Timedelta) -> tuple[Integers, Integers]:
    whole = pd.Timedelta(1, index.unit)
    if step % whole != pd.Timedelta(0):
        index, whole = index.as_unit(step.unit), pd.Timedelta(1, step.unit)
    return _uneven(index.asi8, step // whole)


def _uneven_sessions(wall: pd.DatetimeIndex, freq: pd.DateOffset) -> tuple[Integers, Integers]:
    days, clocks = wall_days(wall)
    calendar = _busdays(freq)
    # Dates are counted from one day on, so that the steps between sessions are differences of whole numbers.
    count = np.busday_count(np.datetime64("1970-01-01"), days, busdaycal=calendar)
    return _uneven_marked(count, freq.n, ~np.is_busday(days, busdaycal=calendar), clocks)


def _uneven_months(wall: pd.DatetimeIndex, freq: pd.DateOffset) -> tuple[Integers, Integers]:
    months, at_start = MONTHS[type(freq)]
    days, clocks = wall_days(wall)
    month = days.astype("datetime64[M]")
    off = days != month if at_start else (days + 1).astype("datetime64[M]") == month
    return _uneven_marked(month.astype(np.int64), months * freq.n, off, clocks)


def _uneven_marked(number: Integers, step: int, off: Booleans, clocks: Array) -> tuple[Integers, Integers]:
    """As `_uneven`, and off the grid wherever one of the pair is `off` or the time of day changes."""
    apart = np.diff(number)
    bad = off[1:] | off[:-1] | (clocks[1:] != clocks[:-1])
    odd = np.flatnonzero((apart != step) | bad)
    apart = apart[odd]
    return odd, np.where((apart % step == 0) & ~bad[odd], apart // step, 0)


def _uneven_otherwise(wall: pd.DatetimeIndex, freq: pd.DateOffset) -> tuple[Integers, Integers]:
    """Any other offset, pair by pair."""
    stamps = list(wall)
    odd = [row for row, stamp in enumerate(stamps[:-1]) if stamp + freq != stamps[row + 1]]
    steps = [_steps_over(stamps[row], stamps[row + 1], freq) for row in odd]
    return np.array(odd, dtype=np.int64), np.array(steps, dtype=np.int64)


def _steps_over(earlier: pd.Timestamp, later: pd.Timestamp, freq: pd.DateOffset) -> int:
    grid: Sequence[Any] = pd.date_range(earlier, later, freq=freq) if later > earlier else ()
    return len(grid) - 1 if len(grid) and grid[0] == earlier and grid[-1] == later else 0
