"""The index of a frame: its frequency, its continuation, and refusals of an index without a frequency.

Stamps are never turned into integers: pandas 2 counts nanoseconds, pandas 3 microseconds, and both are right.
"""

from collections.abc import Callable, Hashable
from datetime import tzinfo

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument, sentences, split_advice
from .._types import Integers
from .fixes import Source, nearest_step
from .patterns import Pattern
from .seen_patterns import pattern_seen
from .stamps import refuse_no_stamp
from .text_dates import code_of_stamps

__all__ = ["continue_stamps", "frequency_of", "season_length"]


def _listed(labels: pd.DatetimeIndex, limit: int = 3) -> str:
    """The first labels as text, and how many there are where not all are shown."""
    shown = ", ".join(str(label) for label in labels[:limit])
    return shown if len(labels) <= limit else f"{shown}, ... ({len(labels)} in all)"


def frequency_of(index: pd.Index) -> pd.DateOffset | int:
    """Frequency of a regular index; an irregular one is refused.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or integer pandas.Index
        Index in ascending order, no stamp twice, no gap. `index.freq` is believed where it is set, else inferred (3
        rows or more).

    Returns
    -------
    pandas.tseries.offsets.BaseOffset, Pattern or int
        The offset of a time index, the step of an integer one.

    Raises
    ------
    TypeError
        The index is of another kind.
    ValueError
        Empty, NaT, duplicates, disorder, gaps, or too short to infer a frequency.

    Examples
    --------
    >>> import pandas as pd
    >>> frequency_of(pd.to_datetime(["2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]))
    <BusinessDay>
    >>> frequency_of(pd.RangeIndex(0, 50, 5))
    5
    """
    _refuse_kind(index)
    if len(index) == 0:
        raise ValueError(Refusal("is empty: 0 rows", where="the frame", expected="a row per time step"))
    refuse_disorder(index)
    if isinstance(index, pd.PeriodIndex):
        _refuse_step_gaps(index, index.astype("int64").to_numpy(), index.freq.n)
        return index.freq
    if isinstance(index, pd.DatetimeIndex):
        return index.freq if index.freq is not None else _inferred(index)
    if isinstance(index, pd.RangeIndex):
        return index.step
    steps = index.to_numpy(dtype=np.int64)
    if len(steps) == 1:
        return 1
    step = int(np.diff(steps).min())
    _refuse_step_gaps(index, steps, step)
    return step


def _refuse_kind(index: pd.Index) -> None:
    if isinstance(index, pd.MultiIndex):
        times = [isinstance(level, (pd.DatetimeIndex, pd.PeriodIndex)) for level in index.levels]
        names = [name for name, time in zip(index.names, times, strict=True) if name is not None and not time]
        code: str | None = argument("series", names[0]) if names else None
        if not any(index.names) and len(times) == 2 and not times[0]:
            code = "df.index.names = ['series', 'time']"
        raise TypeError(
            Refusal(
                f"has {index.nlevels} levels ({list(index.names)})",
                where="the index",
                expected=Words(
                    "one level of time stamps, and the level that names the series as series=",
                    "one level of time stamps, and the level that names the series as --series",
                ),
                fix=code,
            )
        )
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) or pd.api.types.is_integer_dtype(index.dtype):
        return
    first = f", starting with {index[0]!r}" if len(index) else ""
    raise TypeError(
        Refusal(
            f"holds {index.dtype} values{first}",
            where="the index",
            expected="a DatetimeIndex, a PeriodIndex or regular integer steps",
            fix=code_of_stamps(index, Source()),
        )
    )


def refuse_disorder(index: pd.Index, source: Source | None = None) -> None:
    """Refuse missing stamps, stamps that come twice, and disorder.

    Parameters
    ----------
    index : pandas.Index
        Index of one series.
    source : Source or None, default=None

    Raises
    ------
    ValueError
    """
    source = Source() if source is None else source
    missing = index.isna()
    if missing.any():
        refuse_no_stamp(source, missing)
    if not index.is_unique:
        twice = index[index.duplicated()].unique()
        clock = isinstance(index, pd.DatetimeIndex) and index.tz is None
        raise ValueError(
            Refusal(
                f"has {int(index.duplicated().sum())} duplicates",
                where=source.where,
                got=_listed(twice),
                expected=Words(
                    "every stamp once, or series= where these are several series",
                    "every stamp once, or a column that names several series",
                ),
                advice=_TWO_HOURS if clock else "",
                fix=Fix(source.merged(), "--series COLUMN"),
            )
        )
    if not index.is_monotonic_increasing:
        later = index[1:] < index[:-1]
        row = int(np.argmax(later)) + 1
        raise ValueError(
            Refusal(
                "is not in time order",
                where=source.where,
                got=f"row {row} ({index[row]}) comes after {index[row - 1]}",
                expected="ascending stamps",
                advice=split_advice(),
                fix=_sorted(source),
            )
        )


_TWO_HOURS = Words(
    "Hours that come twice in autumn: tz_localize(zone, ambiguous='infer').", "Hours twice in autumn: --timezone ZONE."
)


def _sorted(source: Source) -> str:
    by = f"sort_values({source.layout.time!r})" if source.time_at == "column" else "sort_index()"
    return f"{source.name} = {source.name}.{by}"


def _refuse_step_gaps(index: pd.Index, steps: Integers, step: int) -> None:
    jumps = np.flatnonzero(np.diff(steps) != step)
    if len(jumps):
        row = int(jumps[0])
        code = f"df = df.reindex(pd.period_range(df.index[0], df.index[-1], freq={getattr(index, 'freqstr', None)!r}))"
        if not isinstance(index, pd.PeriodIndex):
            code = f"df = df.reindex(range(df.index[0], df.index[-1] + 1, {step}))"
        code = f"{code}.interpolate()"
        if (np.diff(steps) % step).any():
            code = "df = df.reset_index(drop=True)"
        raise ValueError(
            Refusal(
                f"has {len(jumps)} gaps at step {step}",
                where="the index",
                got=f"the first between {index[row]} and {index[row + 1]}",
                expected="equal steps",
                advice=split_advice(),
                fix=code,
            )
        )


def _inferred(index: pd.DatetimeIndex) -> pd.DateOffset:
    refuse_too_few(index)
    freq = seen_in(index)
    if freq is not None and not isinstance(freq, pd.offsets.BusinessHour):
        return freq
    pattern = pattern_seen(index)
    if pattern is not None and _keeps_to(index, pattern):
        return pattern
    if freq is not None:
        return freq
    best = best_grid(index)
    # Days at a wall time that the clock skips once, as midnight in some zones, are regular though nothing is inferred.
    if best is not None and len(best[1]) == len(index):
        return best[0]
    raise ValueError(_irregular(index, best))


def refuse_too_few(index: pd.DatetimeIndex, fix: Callable[[str], str] | None = None) -> None:
    """Refuse to infer a frequency from less than three stamps; `fix` is made of the likeliest one."""
    if len(index) < 3:
        step = nearest_step(index)
        raise ValueError(
            Refusal(
                f"no frequency can be inferred from {len(index)} rows",
                expected="at least 3, or the frequency of the data",
                fix=f"df = df.asfreq({step!r})" if fix is None else fix(step),
            )
        )


def seen_in(stamps: pd.DatetimeIndex) -> pd.DateOffset | None:
    """Return the inferred offset or None, the same type in all versions of pandas (unlike `pandas.infer_freq`)."""
    freq = pd.DatetimeIndex(stamps, freq="infer").freq if len(stamps) > 2 else None
    # pandas takes eight hours a day for business hours, whatever hours they are and whether or not on weekdays.
    return freq if not isinstance(freq, pd.offsets.BusinessHour) or _keeps_to(stamps, freq) else None


def _keeps_to(index: pd.DatetimeIndex, freq: pd.DateOffset) -> bool:
    """Whether each label follows the one before it by one step."""
    wall = index if index.tz is None else index.tz_localize(None)
    return bool((_following(wall[0], len(wall) - 1, freq) == wall[1:]).all())


def best_grid(index: pd.DatetimeIndex) -> tuple[pd.DateOffset, pd.DatetimeIndex] | None:
    """The likeliest frequency and all its stamps from the first to the last, where that holds every stamp; or None."""
    best = None
    for freq in _likely_frequencies(index):
        grid = _grid(index, freq)
        # A grid that leaves a stamp out is not the frequency of this index, however few stamps it misses.
        if grid is not None and index.isin(grid).all() and (best is None or len(grid) < len(best[1])):
            best = freq, grid
    return best


def _irregular(index: pd.DatetimeIndex, best: tuple[pd.DateOffset, pd.DatetimeIndex] | None) -> Refusal:
    """Why no frequency fits: the gaps at the likeliest one, or the first step that differs."""
    if best is None:
        return irregular(index).but(advice=split_advice(), fix=Fix(Source().resampled(nearest_step(index)), ""))
    freq, grid = best
    holes = grid.difference(index)
    name = freq.freqstr
    holidays = Words("Holidays: give the index a CustomBusinessDay frequency.", "Holidays: --holidays FILE.")
    return Refusal(
        f"has gaps: at frequency {name!r}, {len(holes)} of {len(grid)} stamps are missing",
        where="the index",
        got=_listed(holes),
        expected="a row for each",
        advice=sentences(holidays if name == "B" else "", split_advice()),
        fix=f"df = df.asfreq({name!r}).interpolate()",
    )


def irregular(index: pd.DatetimeIndex) -> Refusal:
    """The refusal of an index that is not regular, with the first step that differs from the usual one."""
    steps = index[1:] - index[:-1]
    usual = steps.value_counts().index[0]
    row = int(np.argmax(steps != usual))
    return Refusal(
        "is not regular",
        where="the index",
        got=f"the usual step is {usual}, but {index[row + 1]} follows {index[row]} after {steps[row]}",
        expected="one row per step",
    )


def _likely_frequencies(index: pd.DatetimeIndex) -> list[pd.DateOffset]:
    """Frequencies seen in short runs of the index, and the commonest steps."""
    wall = index if index.tz is None else index.tz_localize(None)
    steps = [*_commonest_steps(index), *_commonest_steps(wall)]
    found = {pd.tseries.frequencies.to_offset(step) for step in steps if step > pd.Timedelta(0)}
    whole = {step.days for step in steps if step.days and step == pd.Timedelta(days=step.days)}
    found |= {pd.offsets.Day(days) for days in whole}
    if index.tz is not None:  # days of 24 hours, whatever the clock does
        found |= {pd.offsets.Hour(24 * days) for days in whole}
    for length in (10, 4):
        for start in np.unique(np.linspace(0, max(len(index) - length, 0), 20, dtype=int)):
            freq = seen_in(index[start : start + length])
            if freq is not None:
                found.add(freq)
    # Of two that fit alike the first is taken: a day before 24 hours.
    return sorted(found, key=lambda freq: (is_clockless(freq), str(freq)))


def _commonest_steps(index: pd.DatetimeIndex) -> pd.TimedeltaIndex:
    return (index[1:] - index[:-1]).value_counts().index[:2]


def _grid(index: pd.DatetimeIndex, freq: pd.DateOffset) -> pd.DatetimeIndex | None:
    """Every stamp from the first to the last at `freq`; None where that would be absurdly long."""
    span = index[-1] - index[0]
    if span / (index[1:] - index[:-1]).min() > 100 * len(index):
        return None
    if index.tz is None:
        return pd.date_range(index[0], index[-1], freq=freq)
    if is_clockless(freq):
        return pd.date_range(index[0].tz_convert("UTC"), index[-1].tz_convert("UTC"), freq=freq).tz_convert(index.tz)
    wall = pd.date_range(index[0].tz_localize(None), index[-1].tz_localize(None), freq=freq)
    return on_the_clock(wall, index.tz)


def is_clockless(freq: pd.DateOffset) -> bool:
    """Hours and shorter count instants; days and longer follow local time."""
    return isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day)


def season_length(freq: pd.DateOffset | int) -> int:
    """Steps of the season that people expect at a frequency, 1 where there is none.

    A day for hours and shorter steps, a week for days (five business days), a year for weeks, months and quarters.

    Parameters
    ----------
    freq : pandas.tseries.offsets.BaseOffset, Pattern or int
        As `frequency_of` returns it.

    Returns
    -------
    int

    Examples
    --------
    >>> from pandas.tseries.frequencies import to_offset
    >>> [season_length(to_offset(name)) for name in ("30min", "h", "D", "B", "W-SUN", "MS", "QS", "YS")]
    [48, 24, 7, 5, 52, 12, 4, 1]
    >>> season_length(1)
    1
    """
    if isinstance(freq, Pattern):
        return freq.season_length
    if not isinstance(freq, pd.offsets.BaseOffset):
        return 1
    if is_clockless(freq):
        length = pd.Timedelta(days=1) / pd.Timedelta(freq)
    else:
        if isinstance(freq, pd.offsets.CustomBusinessDay) and freq.n == 1:
            return int(freq.calendar.weekmask.sum())
        letter = freq.freqstr.split("-")[0].lstrip("0123456789")
        seasons = {"D": 7, "B": 5, "C": 5, "W": 52, "bh": 8}
        seasons |= dict.fromkeys(("M", "ME", "MS", "BME", "BMS", "SME", "SMS"), 12)
        seasons |= dict.fromkeys(("Q", "QE", "QS", "BQE", "BQS"), 4)
        length = seasons.get(letter, 1) / freq.n
    return int(length) if length >= 1 and length == int(length) else 1


def continue_stamps(
    last: pd.Timestamp, n: int, freq: pd.DateOffset, unit: str | None, name: Hashable = None
) -> pd.DatetimeIndex:
    """The next `n` stamps of `freq` after a stamp, in its zone."""
    zone = last.tz
    if zone is None:
        stamps = _following(last, n, freq)
    elif is_clockless(freq):
        stamps = _following(last.tz_convert("UTC"), n, freq).tz_convert(zone)
    else:
        wall = _following(last.tz_localize(None), n, freq)
        stamps = wall.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        if stamps.isna().any():
            stamps = on_the_clock(wall, zone)
        elif n and not isinstance(freq, Pattern):
            stamps = pd.DatetimeIndex(stamps, freq=freq)
    return stamps.as_unit(unit).rename(name)


def _following(last: pd.Timestamp, n: int, freq: pd.DateOffset) -> pd.DatetimeIndex:
    if isinstance(freq, Pattern):
        return freq.after(last, n)
    # pandas 2 counts nanoseconds unless a unit is given, and these cannot hold the years before 1678.
    finer = is_clockless(freq) and pd.Timedelta(freq) % pd.Timedelta(1, last.unit)
    grid = pd.date_range(last, periods=n + 1, freq=freq, unit=None if finer else last.unit)
    return grid[:n] if grid[0] != last else grid[1:]


def on_the_clock(wall: pd.DatetimeIndex, zone: tzinfo | None) -> pd.DatetimeIndex:
    """Wall times in a zone: one that is skipped moves to the first that exists, one that comes twice is its first."""
    return wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
