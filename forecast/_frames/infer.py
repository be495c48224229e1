"""The time axis of a frame: the frequency that was given or is seen, and how far all series keep to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument, extended, joined, sentences, split_advice
from .._types import Integers
from .axis import TimeAxis
from .fixes import Source, frame_named, nearest_step
from .gaps import missed_sessions
from .index import best_grid, frequency_of, irregular, refuse_too_few, seen_in
from .irregular import irregular_axis
from .patterns import Pattern, as_pattern
from .rules import Rules
from .seen_patterns import code_of_hours, pattern_seen
from .sessions import calendar_of, inferred_weekmask, wall_days, weekdays_text
from .stamps import kind_of
from .time_column import time_columns
from .zones import refuse_other_zone, regular_zone

if TYPE_CHECKING:
    from .series import FrameRows

__all__ = ["axis_of", "check_axis", "gaps_of"]

MOSTLY_GAPS = 1.5  # labels of a grid for each that is there: more may be opening hours of another zone
SHORT = 300  # labels from which a frequency is guessed before it is checked on all


class _OffGridError(ValueError):
    """A stamp is not on the grid of its series."""


def axis_of(rows: FrameRows, rules: Rules, source: Source | None = None) -> tuple[TimeAxis, tuple[Integers, Integers]]:
    """The time axis of a frame and its gaps.

    Parameters
    ----------
    rows : FrameRows
    rules : Rules
    source : Source or None, default=None
        Where the rows come from, for fixes.

    Returns
    -------
    axis : TimeAxis
    gaps : tuple of ndarray
        As `gaps_of`.

    Raises
    ------
    TypeError, ValueError
        No frequency can be inferred, or a stamp does not fit the one that was given.
    """
    kind, index = kind_of(rows.index), rows.index
    source = Source() if source is None else source
    if rules.gaps == "irregular":
        return irregular_axis(rows, rules), (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    if rules.trading_calendar is not None:
        freq = calendar_of(rules.trading_calendar, index, rows.starts)
    elif rules.freq is not None:
        freq = rules.offset(kind)
        freq = as_pattern(freq, rows.longest()) if kind == "datetime" else freq
        if kind == "period" and freq != index.freq:
            raise ValueError(
                Refusal(
                    f"freq is {rules.freq!r}, but the periods have frequency {index.freqstr!r}",
                    expected="the same",
                    fix=argument("freq", None),
                )
            )
    else:
        return _inferred(rows, kind, rules, source)
    axis = _axis(rows, freq, kind)
    try:
        return axis, gaps_of(rows, axis, anchored=True)
    except _OffGridError as error:
        raise ValueError(extended(error, fix=_fix_of_given(rows, kind, rules, source))) from None


def _fix_of_given(rows: FrameRows, kind: str, rules: Rules, source: Source) -> str | None:
    """What helps where rows do not keep to a frequency or a calendar that was given."""
    name = "freq" if rules.freq is not None else "trading_calendar"
    if kind == "datetime" and name == "freq":
        zone = regular_zone(rows.longest(), lambda index: _is_regular(_moved(rows, index), kind, rules))
        if zone is not None:
            return _code_of_zone(rows.index, zone, source)
    free = replace(rules, freq=None, trading_calendar=None)
    if not _is_regular(rows, kind, free):
        return None
    return argument("freq", None) if name == "freq" else Fix("trading_calendar=None", "leave out --holidays")


def _is_regular(rows: FrameRows, kind: str, rules: Rules) -> bool:
    try:
        if rules.freq is None and rules.trading_calendar is None:
            _inferred(rows, kind, rules, Source(), advise=False)
        else:
            gaps_of(rows, _axis(rows, as_pattern(rules.offset(kind), rows.longest()), kind), anchored=True)
    except (TypeError, ValueError):
        return False
    return True


def _moved(rows: FrameRows, longest: pd.DatetimeIndex) -> FrameRows:
    """The rows of a frame in another zone, that of some stamps of theirs."""
    index = rows.index.tz_localize("UTC") if rows.index.tz is None else rows.index
    return replace(rows, index=index.tz_convert(longest.tz))


def _code_of_zone(index: pd.DatetimeIndex, zone: str, source: Source) -> str:
    first = ".tz_localize('UTC')" if index.tz is None else ""
    return source.stamps(f"{{}}{first}.tz_convert({zone!r})")


def _axis(rows: FrameRows, freq: pd.DateOffset | int, kind: str, **more: Any) -> TimeAxis:
    index = rows.index
    if kind != "datetime":
        return TimeAxis(freq, kind, name=index.name, dtype=index.dtype, ranged=isinstance(index, pd.RangeIndex), **more)
    axis = TimeAxis(freq, kind, tz=index.tz, unit=index.unit, name=index.name, **more)
    hours = isinstance(freq, Pattern) and freq.within == "week"
    if index.tz is not None and axis.follows_the_clock and not hours:
        clocks = wall_days(rows.longest()[:SHORT])[1]
        values, counts = np.unique(clocks, return_counts=True)
        axis = replace(axis, clock=values[counts.argmax()])
    return axis


def _inferred(
    rows: FrameRows, kind: str, rules: Rules, source: Source, advise: bool = True
) -> tuple[TimeAxis, tuple[Integers, Integers]]:
    longest = rows.longest()
    if kind != "datetime":
        freq = longest.freq if kind == "period" else _integer_step(longest)
        axis = _axis(rows, freq, kind)
        try:
            return axis, gaps_of(rows, axis)
        except _OffGridError as error:
            counted = f"{source.name} = {source.name}.reset_index(drop=True)"
            code = counted if source.time_at == "index" and rows.keys is None else None
            raise ValueError(extended(error, advice=split_advice(), fix=code)) from None
    freq, off = _seen(longest), None
    if freq is not None:
        axis = _axis(rows, freq, kind)
        try:
            gaps = gaps_of(rows, axis)
        except _OffGridError as error:
            off = error
        hours = longest.freq is None and isinstance(freq, pd.offsets.BusinessHour)
        if off is None and not len(gaps[0]) and not hours:
            # Weekdays that were seen and not given may have holidays later on.
            loose = longest.freq is None and freq == pd.offsets.BusinessDay()
            return (replace(axis, pause=1) if loose else axis), gaps
    mask = inferred_weekmask(rows.index, rows.starts)
    if mask is not None:
        return _business(rows, mask, rules)
    found = _with_pattern(rows)
    if found is not None:
        return found
    if off is not None:
        raise ValueError(extended(off, **_advice(rows, kind, rules, source, advise)))
    if freq is not None:
        return axis, gaps
    refuse_too_few(longest, lambda step: argument("freq", step))
    best = best_grid(longest)
    if best is None:
        raise ValueError(irregular(longest).but(where=source.where, **_advice(rows, kind, rules, source, advise)))
    axis = _axis(rows, best[0], kind)
    if advise and rules.gaps == "error" and len(best[1]) > MOSTLY_GAPS * len(longest):
        zone = regular_zone(longest, lambda index: _has_pattern(_moved(rows, index)))
        if zone is not None:
            raise ValueError(irregular(longest).but(**_zone_advice(rows, zone, source)))
        code = code_of_hours(longest)
        if code is not None:
            asked = sentences("Are these business hours?", split_advice())
            raise ValueError(irregular(longest).but(advice=asked, fix=code))
    try:
        return axis, gaps_of(rows, axis)
    except _OffGridError as error:
        raise ValueError(extended(error, **_advice(rows, kind, rules, source, advise))) from None


def _advice(rows: FrameRows, kind: str, rules: Rules, source: Source, wanted: bool = True) -> dict[str, Any]:
    """How rows without a regular step become regular: another zone, periods, or one row per step."""
    if not wanted:
        return {}
    zone = regular_zone(
        rows.longest(), lambda index: _is_regular(_moved(rows, index), kind, replace(rules, gaps="mask"))
    )
    if zone is not None:
        return _zone_advice(rows, zone, source)
    period = _one_row_a_period(rows)
    if period is not None:
        local = "" if rows.index.tz is None else ".tz_localize(None)"
        return {
            "advice": sentences(f"Each has one row per period {period!r}.", split_advice()),
            "fix": source.stamps(f"{{}}{local}.to_period({period!r})"),
        }
    kept = Words(
        "SeriesForecaster(gaps='irregular') takes rows at any times as they are.",
        "--gaps irregular takes rows at any times as they are.",
    )
    code = source.resampled(nearest_step(rows.longest()))
    return {"advice": sentences(kept, split_advice()), "fix": Fix(code, "")}


def _zone_advice(rows: FrameRows, zone: str, source: Source) -> dict[str, Any]:
    return {
        "advice": sentences(f"In zone {zone} these stamps are regular.", split_advice()),
        "fix": _code_of_zone(rows.index, zone, source),
    }


def _one_row_a_period(rows: FrameRows) -> str | None:
    """The period of which each series has one row after the other, such as "M"; or None."""
    wall = _wall(rows.index)
    for freq in ("h", "D", "W", "M", "Q", "Y"):
        apart = np.diff(wall.to_period(freq).asi8)
        apart = apart[~np.isin(np.arange(1, len(wall)), rows.starts)]
        if (apart == 1).all():
            return freq
        if (apart < 1).any():
            return None
    return None


def _with_pattern(rows: FrameRows) -> tuple[TimeAxis, tuple[Integers, Integers]] | None:
    """The axis and the gaps of a pattern that the longest series shows and all series keep to; or None."""
    freq = pattern_seen(rows.longest())
    if freq is None:
        return None
    axis = _axis(rows, freq, "datetime")
    try:
        before, steps = gaps_of(rows, axis)
    except ValueError:
        return None
    if isinstance(freq, pd.offsets.BusinessDay):
        return replace(axis, pause=1), (before, steps)
    if not isinstance(freq, Pattern) or freq.within != "week":
        return axis, (before, steps)
    closed = freq.leaves_whole_days(*(_wall(rows.index[at]) for at in (before, before + 1)))
    pause = int(steps[closed].max(initial=(freq.per_day or 1) + 1))
    note = None
    if closed.any():
        note = (
            f"opening hours were inferred from the rows ({freq.freqstr}), and on {int(closed.sum())} occasions whole "
            "days are missing: the forecast's index takes the next opening hours, closed days ahead unknown."
        )
    return replace(axis, pause=pause, note=note), (before[~closed], steps[~closed])


def _has_pattern(rows: FrameRows) -> bool:
    found = _with_pattern(rows)
    return found is not None and not len(found[1][0])


def _wall(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return index if index.tz is None else index.tz_localize(None)


def _integer_step(index: pd.Index) -> int:
    if isinstance(index, pd.RangeIndex):
        return index.step
    steps = np.diff(index.to_numpy(dtype=np.int64))
    return int(steps.min()) if len(steps) else 1


def _seen(index: pd.DatetimeIndex) -> pd.DateOffset | None:
    """The frequency that an index has or shows in its first labels, whether or not all keep to it; or None."""
    if index.freq is not None:
        return index.freq
    if len(index) <= SHORT:
        return seen_in(index)
    freq = seen_in(index[:SHORT])
    if freq is not None:
        axis = TimeAxis(freq, "datetime", tz=index.tz, unit=index.unit)
        if not len(axis.jumps(index)[0]):
            return freq
    return seen_in(index)


def _business(rows: FrameRows, mask: str, rules: Rules) -> tuple[TimeAxis, tuple[Integers, Integers]]:
    freq = pd.offsets.CustomBusinessDay(weekmask=mask)
    axis = _axis(rows, freq, "datetime")
    _, steps = gaps_of(rows, axis)
    note = joined(
        "no trading calendar was given: the forecast's index takes the next weekdays "
        f"({weekdays_text(freq)}), holidays unknown. Give ",
        Words("trading_calendar=.", "--holidays FILE."),
    )
    axis = replace(axis, pause=int(steps.max()) if len(steps) else 1)
    if rows.keys is None and rules.gaps != "error" and len(steps):
        note = joined(
            note, " ", argument("gaps", rules.gaps),
            f" leaves the {int((steps - 1).sum())} missing weekdays alone, which may be holidays; with ",
            argument("freq", "B"), " they are gaps.",
        )  # fmt: skip
    missed = int((missed_sessions(rows, axis)[1] - 1).sum()) if rules.gaps == "error" else 0
    if missed:
        note = joined(
            note, f" On days on which other series have a row, {missed} rows are missing, and count as days without a "
            "session; ", argument("gaps", "mask"), " puts them in.",
        )  # fmt: skip
    none = np.zeros(0, dtype=np.int64)
    return replace(axis, note=note), (none, none)


def gaps_of(rows: FrameRows, axis: TimeAxis, anchored: bool = False) -> tuple[Integers, Integers]:
    """Gaps in all series of a frame.

    Parameters
    ----------
    rows : FrameRows
    axis : TimeAxis
    anchored : bool, default=False
        Whether the frequency was given, so that weeks must end on its weekday.

    Returns
    -------
    before : ndarray of int
        The row before each gap.
    steps : ndarray of int
        Steps over it, 2 or more.

    Raises
    ------
    ValueError
        A stamp is not on the grid of its series.
    """
    odd, steps = axis.jumps(rows.index)
    if rows.keys is not None:
        inside = ~np.isin(odd + 1, rows.starts)
        odd, steps = odd[inside], steps[inside]
    heads = rows.starts[:-1]
    off: Integers = np.zeros(0, dtype=np.int64)
    if anchored or not isinstance(axis.freq, pd.offsets.Week):
        off = heads[axis.off_anchor(rows.index[heads] if len(heads) > 1 else rows.index[:1])]
    if len(off) or (steps < 1).any():
        off = np.union1d(off, odd[steps < 1] + 1)
        if axis.off_anchor(rows.index[off]).any():
            off = off[axis.off_anchor(rows.index[off])]
        sessions = " and on its sessions" if isinstance(axis.freq, pd.offsets.BusinessDay) else ""
        raise _OffGridError(
            Refusal(
                f"{len(off)} of {len(rows.index)} stamps are not on the grid of frequency {axis.step_text}",
                got=rows.places(off),
                expected=f"stamps one or several steps apart{sessions}",
            )
        )
    if axis.pause and len(odd):
        gap = ~axis.pauses(rows.index[odd], rows.index[odd + 1])
        odd, steps = odd[gap], steps[gap]
    return odd, steps


def check_axis(
    rows: FrameRows, axis: TimeAxis, what: str, source: Source | None = None, last: pd.Index | None = None
) -> tuple[Integers, Integers]:
    """Refuse labels of another kind, zone or frequency than fitted; return the gaps.

    Parameters
    ----------
    rows : FrameRows
    axis : TimeAxis
    what : str
        Name of the frame in messages.
    source : Source or None, default=None
        Where the rows come from, for fixes.
    last : pandas.Index, default=None
        The newest known stamps, where the rows follow these.

    Returns
    -------
    before, steps : ndarray of int
        As `gaps_of`.

    Raises
    ------
    ValueError
        Saying what was fitted, and the fix.
    """
    index, kind = rows.index, kind_of(rows.index)
    source = Source(what=what) if source is None else source
    if kind != axis.kind:
        raise ValueError(
            Refusal(
                f"time labels hold {index.dtype} values, but the model was fitted at frequency {axis.step_text} on "
                f"{axis.kind}s",
                where=frame_named(what, "'s"),
                expected="labels of the same kind",
                fix=_code_of_kind(kind, axis, source),
            )
        )
    if kind == "period" and index.freq != axis.freq:
        raise ValueError(
            Refusal(
                f"has frequency {index.freqstr!r}, but the model was fitted at {axis.step_text}",
                where=frame_named(what),
                expected="periods of that",
            )
        )
    refuse_other_zone(index, axis, what, source, last, rows.keys is None)
    if len(axis.jumps(index)[0]) and len(index) > 2 and not axis.pause:
        own = _own_frequency(rows)
        if own is not None and own != axis.freq:
            raise ValueError(
                Refusal(
                    f"has frequency {getattr(own, 'freqstr', own)!r}, but the model was fitted at {axis.step_text}",
                    where=frame_named(what),
                    expected="the same: resample it",
                    fix=_code_of_finer(own, axis, source),
                )
            )
    try:
        return gaps_of(rows, axis)
    except _OffGridError as error:
        zone = None
        if kind == "datetime":
            rules = Rules(gaps="mask")
            zone = regular_zone(rows.longest(), lambda found: _is_regular(_moved(rows, found), kind, rules))
        more = "" if zone is None else f"In zone {zone} they are regular: fit a model on stamps of that zone."
        raise ValueError(extended(error, advice=more)) from None


def _code_of_kind(kind: str, axis: TimeAxis, source: Source) -> str | None:
    """How a frame gets labels of the fitted kind, where that is plain."""
    if (kind, axis.kind) == ("datetime", "period"):
        return source.stamps(f"{{}}.to_period({pd.PeriodIndex([], freq=axis.freq).freqstr!r})")  # M, and not ME
    if (kind, axis.kind) == ("period", "datetime") and axis.tz is None and source.time_at == "index":
        return source.stamps("{}.to_timestamp()")
    if kind == "integer" and axis.kind == "datetime" and source.time_at == "index" and source.frame is not None:
        found = time_columns(source.frame, source.ids)
        return f"{source.name} = {source.name}.set_index({found[0]!r})" if len(found) == 1 else None
    return None


def _code_of_finer(own: pd.DateOffset, axis: TimeAxis, source: Source) -> str | None:
    """How rows at a finer step become rows at the fitted one; None of others."""
    steps = [pd.Timedelta(days=one.n) if isinstance(one, pd.offsets.Day) else one for one in (own, axis.freq)]
    if not all(isinstance(step, (pd.Timedelta, pd.offsets.Tick)) for step in steps):
        return None
    fine, coarse = (pd.Timedelta(step) for step in steps)
    return source.resampled(axis.freq.freqstr) if coarse > fine and coarse % fine == pd.Timedelta(0) else None


def _own_frequency(rows: FrameRows) -> pd.DateOffset | None:
    """The frequency of the longest series, where it is regular; else None. Two rows of each may be a gap."""
    labels = rows.longest()
    if len(labels) < 3:
        return None
    try:
        return frequency_of(labels)
    except ValueError:
        return None


def jumps_forward(axis: TimeAxis, last: pd.Timestamp, labels: pd.Index) -> bool:
    """Whether labels are sessions after `last` where no calendar is known: on its weekdays, no longer pause than seen.

    Parameters
    ----------
    axis : TimeAxis
        Axis with `pause`: sessions were inferred.
    last : Timestamp
    labels : pandas.Index
        Future labels.
    """
    if kind_of(labels) != "datetime" or str(labels.tz) != str(axis.tz):
        return False
    first = pd.DatetimeIndex(np.array([pd.Timestamp(last).to_datetime64()]))
    first = first if labels.tz is None else first.tz_localize("UTC").tz_convert(labels.tz)
    whole = first.append(labels)
    odd, steps = axis.jumps(whole)
    return bool((steps >= 1).all() and (steps <= axis.pause).all() and axis.pauses(whole[odd], whole[odd + 1]).all())
