"""Rows at irregular times: each row is a step; the step of forecasts is given, or it is the usual one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument, joined
from .._types import Floats
from .axis import TimeAxis
from .fixes import frame_named, nearest_step
from .stamps import kind_of, ticks_of

if TYPE_CHECKING:
    from .rules import Rules
    from .series import FrameRows

__all__ = ["irregular_axis", "refuse_other_gaps", "steps_since_epoch"]


IRREGULAR = argument("gaps", "irregular")


def irregular_axis(rows: FrameRows, rules: Rules) -> TimeAxis:
    """The time axis of rows at any times.

    Parameters
    ----------
    rows : FrameRows
    rules : Rules

    Returns
    -------
    TimeAxis

    Raises
    ------
    ValueError
        `freq` has no one length, or there is no time between rows to learn it from.
    """
    kind, longest = kind_of(rows.index), rows.longest()
    if kind == "period":
        raise ValueError(
            Refusal(
                f"is for rows at any times, but the index holds periods of {longest.freqstr!r}, which are on a grid",
                where=IRREGULAR,
                expected="stamps",
                fix=argument("gaps", "mask"),
            )
        )
    if rules.trading_calendar is not None:
        raise ValueError(
            Refusal(
                "says which sessions there are",
                where=joined(IRREGULAR, " is for rows at any times, but ", Words("trading_calendar", "--holidays")),
                expected="one of both",
                fix=Fix("trading_calendar=None", "leave out --holidays"),
            )
        )
    if rules.freq is None and len(longest) < 2:
        raise ValueError(
            Refusal(
                f"with {len(longest)} rows: there is no time between rows",
                where=IRREGULAR,
                expected=Words("freq=, the step of the forecast", "--freq, the step of the forecast"),
                fix=argument("freq", "h"),
            )
        )
    index = rows.index
    if kind == "integer":
        freq = max(round(np.median(np.diff(ticks_of(longest)))), 1) if rules.freq is None else rules.offset(kind)
        return TimeAxis(int(freq), kind, name=index.name, dtype=index.dtype, irregular=True)
    freq = pd.tseries.frequencies.to_offset(nearest_step(longest)) if rules.freq is None else rules.offset(kind)
    if rules.freq is None and not _is_fixed(freq):  # a usual step of months or years
        freq = pd.offsets.Day(max(round(float(np.median((longest[1:] - longest[:-1]) / pd.Timedelta(days=1)))), 1))
    if not _is_fixed(freq):
        raise ValueError(
            Refusal(
                f"measures the time between rows in steps of freq, and {rules.freq!r} has no one length",
                where=IRREGULAR,
                expected="minutes, hours, days or weeks",
                fix=argument("freq", "D"),
            )
        )
    return TimeAxis(freq, kind, tz=index.tz, unit=index.unit, name=index.name, irregular=True)


def _is_fixed(freq: pd.DateOffset) -> bool:
    return isinstance(freq, (pd.offsets.Tick, pd.offsets.Day, pd.offsets.Week))


def _length(freq: pd.DateOffset) -> pd.Timedelta:
    if isinstance(freq, pd.offsets.Week):
        return pd.Timedelta(days=7 * freq.n)
    return pd.Timedelta(days=freq.n) if isinstance(freq, pd.offsets.Day) else pd.Timedelta(freq)


def steps_since_epoch(index: pd.Index, freq: pd.DateOffset | int) -> Floats:
    """The time of each row, in steps from one fixed instant: the same label has the same number in every frame.

    Parameters
    ----------
    index : pandas.Index
        Stamps or whole numbers.
    freq : offset or int
        The step, of one length.

    Returns
    -------
    ndarray of float64 of shape (rows,)
        Instants are counted, also across a change of clocks.

    Examples
    --------
    >>> index = pd.to_datetime(["1970-01-01 00:00", "1970-01-01 00:30", "1970-01-01 03:30"])
    >>> steps_since_epoch(index, pd.offsets.Hour()).tolist()
    [0.0, 0.5, 3.5]
    """
    step = freq
    if isinstance(index, pd.DatetimeIndex):
        step, whole = _length(freq), pd.Timedelta(1, index.unit)
        if step % whole != pd.Timedelta(0):
            index, whole = index.as_unit(step.unit), pd.Timedelta(1, step.unit)
        step //= whole
    ticks = ticks_of(index)  # whole steps apart from the rest, so that neither loses a digit
    return ticks // step + (ticks % step) / step


def refuse_other_gaps(rules: Rules, axis: TimeAxis, what: str) -> None:
    """Refuse to read rows on a grid as irregular ones, or the other way round.

    Parameters
    ----------
    rules : Rules
    axis : TimeAxis
        The fitted one.
    what : str
        Name of the frame in messages.

    Raises
    ------
    ValueError
    """
    if (rules.gaps == "irregular") == axis.irregular:
        return
    fitted = joined("with ", IRREGULAR) if axis.irregular else f"on rows at frequency {axis.step_text}"
    gaps = "irregular" if axis.irregular else "error"
    raise ValueError(
        Refusal(
            joined(
                f"gaps is {rules.gaps!r}, but the model was fitted ", fitted, ", and ", frame_named(what),
                " is read as the rows of fit were",
            ),
            expected="the same",
            fix=Fix(f"model.set_params(gaps={gaps!r})", f"--gaps {gaps}"),
        )
    )  # fmt: skip
