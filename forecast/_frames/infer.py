"""The time axis of a frame: the frequency that was given or is seen, and how far all series keep to it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from .axis import TimeAxis
from .gaps import missed_sessions
from .index import SPLIT_ADVICE, best_grid, frequency_of, irregular, refuse_too_few, seen_in
from .patterns import Pattern, as_pattern
from .seen_patterns import pattern_seen
from .sessions import calendar_of, inferred_weekmask, wall_days, weekdays_text
from .stamps import kind_of

__all__ = ["axis_of", "check_axis", "gaps_of"]

SHORT = 300  # labels from which a frequency is guessed before it is checked on all


def axis_of(rows, rules):
    """The time axis of a frame and its gaps.

    Parameters
    ----------
    rows : Rows
    rules : Rules

    Returns
    -------
    axis : TimeAxis
    gaps : tuple of ndarray
        As `gaps_of`.

    Raises
    ------
    TypeError, ValueError
        No frequency can be told, or a stamp is off the one that was given.
    """
    kind, index = kind_of(rows.index), rows.index
    if rules.trading_calendar is not None:
        freq = calendar_of(rules.trading_calendar, index, rows.starts)
    elif rules.freq is not None:
        freq = rules.offset(kind)
        freq = as_pattern(freq, rows.longest()) if kind == "datetime" else freq
        if kind == "period" and freq != index.freq:
            raise ValueError(
                f"freq is {rules.freq!r}, but the periods have frequency {index.freqstr!r}; expected the same. Fix: "
                "leave freq out, or df.index.asfreq(...)."
            )
    else:
        return _inferred(rows, kind, rules)
    axis = _axis(rows, freq, kind)
    return axis, gaps_of(rows, axis, anchored=True)


def _axis(rows, freq, kind, **more):
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


def _inferred(rows, kind, rules):
    longest = rows.longest()
    if kind != "datetime":
        freq = longest.freq if kind == "period" else _integer_step(longest)
        axis = _axis(rows, freq, kind)
        return axis, gaps_of(rows, axis)
    freq, off = _seen(longest), None
    if freq is not None:
        axis = _axis(rows, freq, kind)
        try:
            gaps = gaps_of(rows, axis)
        except ValueError as error:
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
        raise off
    if freq is not None:
        return axis, gaps
    refuse_too_few(longest)
    best = best_grid(longest)
    if best is None:
        raise ValueError(f"{irregular(longest)} {SPLIT_ADVICE}.")
    axis = _axis(rows, best[0], kind)
    return axis, gaps_of(rows, axis)


def _with_pattern(rows):
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


def _wall(index):
    return index if index.tz is None else index.tz_localize(None)


def _integer_step(index):
    if isinstance(index, pd.RangeIndex):
        return index.step
    steps = np.diff(index.to_numpy(dtype=np.int64))
    return int(steps.min()) if len(steps) else 1


def _seen(index):
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


def _business(rows, mask, rules):
    freq = pd.offsets.CustomBusinessDay(weekmask=mask)
    axis = _axis(rows, freq, "datetime")
    _, steps = gaps_of(rows, axis)
    note = (
        "no trading calendar was given: the forecast's index takes the next weekdays "
        f"({weekdays_text(freq)}), holidays unknown. Give trading_calendar=."
    )
    axis = replace(axis, pause=int(steps.max()) if len(steps) else 1)
    if rows.keys is None and rules.gaps != "error" and len(steps):
        note += (
            f" gaps={rules.gaps!r} leaves the {int((steps - 1).sum())} missing weekdays alone, which may be holidays; "
            "with freq='B' they are gaps."
        )
    missed = int((missed_sessions(rows, axis)[1] - 1).sum()) if rules.gaps == "error" else 0
    if missed:
        note += (
            f" On days on which other series have a row, {missed} rows are missing, and count as days without a "
            "session; gaps='mask' puts them in."
        )
    none = np.zeros(0, dtype=np.int64)
    return replace(axis, note=note), (none, none)


def gaps_of(rows, axis, anchored=False):
    """Gaps in all series of a frame.

    Parameters
    ----------
    rows : Rows
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
    off = np.zeros(0, dtype=np.int64)
    if anchored or not isinstance(axis.freq, pd.offsets.Week):
        off = heads[axis.off_anchor(rows.index[heads] if len(heads) > 1 else rows.index[:1])]
    if len(off) or (steps < 1).any():
        off = np.union1d(off, odd[steps < 1] + 1)
        if axis.off_anchor(rows.index[off]).any():
            off = off[axis.off_anchor(rows.index[off])]
        raise ValueError(
            f"{len(off)} of {len(rows.index)} stamps are not on the grid of frequency {axis.step_text}: "
            f"{rows.places(off)}; expected stamps one or several steps apart. Fix: another freq=, none at all "
            "to infer it, df.resample(...), or, of a trading calendar, its dates: these rows are no sessions of it."
        )
    if axis.pause and len(odd):
        gap = ~axis.pauses(rows.index[odd], rows.index[odd + 1])
        odd, steps = odd[gap], steps[gap]
    return odd, steps


def check_axis(rows, axis, what):
    """Refuse labels of another kind, zone or frequency than fitted; return the gaps.

    Raises
    ------
    ValueError
        Saying what was fitted, and the fix.
    """
    index, kind = rows.index, kind_of(rows.index)
    what = what.removeprefix("the ")
    subject = "the history" if what == "history" else what
    if kind != axis.kind:
        raise ValueError(
            f"{subject}'s time labels hold {index.dtype} values, but the model was fitted at frequency "
            f"{axis.step_text} on {axis.kind}s; expected labels of the same kind."
        )
    if kind == "period" and index.freq != axis.freq:
        raise ValueError(
            f"{subject} has frequency {index.freqstr!r}, but the model was fitted at {axis.step_text}. Fix: "
            "asfreq(...) to the fitted frequency."
        )
    if kind == "datetime" and str(index.tz) != str(axis.tz):
        fix = f"{what}.tz_convert({str(axis.tz)!r})"
        if index.tz is None or axis.tz is None:
            fix = f"{what}.tz_localize({None if axis.tz is None else str(axis.tz)!r})"
        raise ValueError(
            f"{subject}'s stamps have zone {index.tz}, but the model was fitted on zone {axis.tz}; expected the same. "
            f"Fix: {fix}."
        )
    if len(axis.jumps(index)[0]) and len(index) > 2 and not axis.pause:
        own = _own_frequency(rows)
        if own is not None and own != axis.freq:
            raise ValueError(
                f"{subject} has frequency {getattr(own, 'freqstr', own)!r}, but the model was fitted at "
                f"{axis.step_text}. Fix: {what}.resample(...) to the fitted frequency."
            )
    return gaps_of(rows, axis)


def _own_frequency(rows):
    """The frequency of the longest series, where it is regular; else None."""
    try:
        return frequency_of(rows.longest())
    except ValueError:
        return None


def jumps_forward(axis, last, labels):
    """Whether labels are sessions after `last` where no calendar is known: on its weekdays, no longer pause than seen.

    Parameters
    ----------
    axis : TimeAxis
        With `pause`: sessions were inferred.
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
