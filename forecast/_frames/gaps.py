"""Rows for stamps that are not there: missing values, or values linear in time between the neighbours."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .index import SPLIT_ADVICE
from .stamps import ticks_of

__all__ = ["Filling", "refuse_gaps"]

FEW = 10_000  # rows that may be put in whatever the length of the frame
MOST = 10  # times the rows of the frame


def refuse_gaps(rows, axis, before, steps, fix=None):
    """Refuse a frame with gaps: how many stamps are missing, the first three, and the fix.

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
    calendar = " Holidays: trading_calendar=." if axis.freq == pd.offsets.BusinessDay() else ""
    if fix is None:
        fix = f"gaps='mask' or gaps='interpolate', or another freq=.{calendar} {SPLIT_ADVICE}"
    raise ValueError(
        f"the index has gaps: at frequency {axis.step_text}, {count} of {len(rows.index) + count} stamps are missing: "
        f"{', '.join(shown[:3])}{more}; expected a row for each. Fix: {fix}."
    )


@dataclass(frozen=True)
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

    source: np.ndarray
    inserted: np.ndarray
    weight: np.ndarray
    index: pd.Index
    starts: np.ndarray

    @classmethod
    def of(cls, rows, axis, before, steps):
        """Rows for all gaps of a frame.

        Raises
        ------
        ValueError
            More rows would be put in than there are by far.
        """
        count = int((steps - 1).sum())
        if count > max(FEW, MOST * len(rows.index)):
            longest = int(steps.argmax())
            raise ValueError(
                f"{count} rows would be put in for stamps that are missing among {len(rows.index)} rows, "
                f"{int(steps.max()) - 1} of them after {rows.place(int(before[longest]))}; expected at most {MOST} "
                "for each row. Fix: drop the stamps that lie far apart, or another freq=."
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

    def previous(self, values):
        """Values of the new rows: an inserted one has those of the row before it."""
        return values[self.source]

    def missing(self, values):
        """Values of the new rows, NaN in inserted ones."""
        filled = values[self.source]
        filled[self.inserted] = np.nan
        return filled

    def linear(self, values):
        """Values of the new rows, those of inserted ones linear in time; NaN beside a missing neighbour."""
        filled = values[self.source]
        first = self.source[self.inserted]
        weight = self.weight[:, None]
        filled[self.inserted] = (1 - weight) * values[first] + weight * values[first + 1]
        return filled


def _alike(inside, labels):
    return inside.as_unit(labels.unit) if isinstance(labels, pd.DatetimeIndex) else inside
