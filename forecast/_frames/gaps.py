"""Rows for stamps that are not there: missing values, or values linear in time between the neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Fix, Refusal, Words, joined, sentences, split_advice
from .._types import Booleans, Floats, Integers
from .sessions import wall_days
from .stamps import ticks_of

if TYPE_CHECKING:
    from .axis import TimeAxis
    from .series import FrameRows

__all__ = ["Filling", "missed_sessions", "refuse_gaps"]

FEW = 10_000  # rows that may be put in whatever the length of the frame
MOST = 10  # times the rows of the frame


def refuse_gaps(
    rows: FrameRows, axis: TimeAxis, before: Integers, steps: Integers, fix: Fix | None = None, fitted: bool = False
) -> None:
    """Refuse a frame with gaps: how many stamps are missing, the first three, and the fix.

    Parameters
    ----------
    rows : FrameRows
    axis : TimeAxis
    before, steps : ndarray of int
        As `gaps_of` returns them.
    fix : Fix or None, default=None
        None: an argument of the forecaster.
    fitted : bool, default=False
        Whether a fitted model reads the rows, whose frequency stays.

    Raises
    ------
    ValueError
    """
    count = int((steps - 1).sum())
    shown = []
    for row, step in zip(before[:3], steps[:3], strict=True):
        series = "" if rows.keys is None else f"{rows.place(int(row)).rsplit(', ', 1)[0]}, "
        stamps = axis.after(rows.index[row], min(int(step) - 1, 3))
        shown += [f"{series}{stamp}{')' if series else ''}" for stamp in stamps]
    more = f", ... ({count} in all)" if count > 3 else ""
    weekdays = axis.freq == pd.offsets.BusinessDay()
    calendar = Words("Holidays: trading_calendar=.", "Holidays: --holidays FILE.") if weekdays else ""
    ways = ""
    if fix is None:
        ways = Words(f", or gaps='interpolate'{'' if fitted else ', or another freq='}", "")
        fix = Fix("gaps='mask'", f"--gaps mask or --gaps interpolate{'' if fitted else ', or another --freq'}")
    raise ValueError(
        Refusal(
            f"has gaps: at frequency {axis.step_text}, {count} of {len(rows.index) + count} stamps are missing",
            where="the index",
            got=f"{', '.join(shown[:3])}{more}",
            expected=joined("a row for each", ways),
            advice=sentences(calendar, split_advice()),
            fix=fix,
        )
    )


def missed_sessions(rows: FrameRows, axis: TimeAxis) -> tuple[Integers, Integers]:
    """Where a series has no row on a day on which another one has, and sessions were inferred.

    Parameters
    ----------
    rows : FrameRows
    axis : TimeAxis

    Returns
    -------
    before : ndarray of int
        The row before each gap.
    steps : ndarray of int
        Sessions over it, 2 or more; days without a row in any series are none.
    """
    none = np.zeros(0, dtype=np.int64)
    if not axis.pause or rows.keys is None:
        return none, none
    sessions = _sessions(rows, axis)
    odd, steps = sessions.jumps(rows.index)
    inside = ~np.isin(odd + 1, rows.starts)
    odd, steps = odd[inside], steps[inside]
    if sessions is axis and len(odd):  # hours: a whole day that is missing counts where another series has rows on it
        known = np.unique(wall_days(rows.index)[0])
        first, last = (wall_days(rows.index[at])[0] for at in (odd, odd + 1))
        missed = np.searchsorted(known, last) - np.searchsorted(known, first, side="right") > 0
        odd, steps = odd[missed], steps[missed]
    return odd, steps


def _sessions(rows: FrameRows, axis: TimeAxis) -> TimeAxis:
    """The axis whose steps are the days on which any series has a row; of hours as it is."""
    if not axis.pause or rows.keys is None or not isinstance(axis.freq, pd.offsets.BusinessDay):
        return axis
    days = np.unique(wall_days(rows.index)[0])
    mask = axis.freq.weekmask if isinstance(axis.freq, pd.offsets.CustomBusinessDay) else "Mon Tue Wed Thu Fri"
    weekdays = np.arange(days[0], days[-1] + 1)
    weekdays = weekdays[np.is_busday(weekdays, weekmask=mask)]
    closed = weekdays[~np.isin(weekdays, days)]
    return replace(axis, freq=pd.offsets.CustomBusinessDay(weekmask=mask, holidays=closed.tolist()))


@record(frozen=True)
class Filling:
    """Where rows are put in.

    Parameters
    ----------
    source : ndarray of int, shape (new rows,)
        The row before the change that each new row is, or follows.
    inserted : ndarray of bool, shape (new rows,)
    weight : ndarray of float, shape (inserted rows,)
        How far in time an inserted row is on the way to the next that there was.
    index : pandas.Index
        Time labels of all new rows.
    starts : ndarray of int, shape (n_series + 1,)
    """

    source: Integers
    inserted: Booleans
    weight: Floats
    index: pd.Index
    starts: Integers

    @classmethod
    def of(cls, rows: FrameRows, axis: TimeAxis, before: Integers, steps: Integers) -> Filling:
        """Rows for all gaps of a frame.

        Raises
        ------
        ValueError
            More rows would be put in than there are by far.
        """
        axis, count = _sessions(rows, axis), int((steps - 1).sum())
        if count > max(FEW, MOST * len(rows.index)):
            longest = int(steps.argmax())
            raise ValueError(
                Refusal(
                    f"{count} rows would be put in for stamps that are missing among {len(rows.index)} rows, "
                    f"{int(steps.max()) - 1} of them after {rows.place(int(before[longest]))}",
                    expected=f"at most {MOST} for each row",
                    advice=Words(
                        "Drop the stamps that lie far apart, or give another freq=.",
                        "Drop the stamps that lie far apart, or give another --freq.",
                    ),
                )
            )
        inside = axis.between(rows.index[before], steps)
        times = np.ones(len(rows.index), dtype=np.int64)
        times[before] = steps
        source = np.repeat(np.arange(len(rows.index)), times)
        inserted = np.zeros(len(source), dtype=bool)
        inserted[1:] = source[1:] == source[:-1]
        labels = rows.index.take(source)
        if len(inside):
            # Labels behind each other, then each to its place: an Index has no assignment.
            place = np.arange(len(source))
            place[inserted] = len(source) + np.arange(count)
            labels = labels.append(_alike(inside, labels)).take(place)
        starts = np.concatenate([[0], np.cumsum(times)])[rows.starts]
        ticks = ticks_of(labels).astype(np.float64)
        old = ticks_of(rows.index)
        first = source[inserted]
        span = (old[first + 1] - old[first]).astype(np.float64)
        weight = (ticks[inserted] - old[first]) / span
        return cls(source, inserted, weight, labels.rename(rows.index.name), starts)

    def previous(self, values: Floats) -> Floats:
        """Values of the new rows: an inserted one has those of the row before it."""
        return values[self.source]

    def missing(self, values: Floats) -> Floats:
        """Values of the new rows, NaN in inserted ones."""
        filled = values[self.source]
        filled[self.inserted] = np.nan
        return filled

    def linear(self, values: Floats) -> Floats:
        """Values of the new rows, those of inserted ones linear in time; NaN next to a missing neighbour."""
        filled = values[self.source]
        first = self.source[self.inserted]
        weight = self.weight[:, None]
        filled[self.inserted] = (1 - weight) * values[first] + weight * values[first + 1]
        return filled


def _alike(inside: pd.Index, labels: pd.Index) -> pd.Index:
    return inside.as_unit(labels.unit) if isinstance(labels, pd.DatetimeIndex) else inside
