"""The ends of the known rows of some series, and frames of later rows that have to follow them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Fix, Refusal, Words, joined
from .._types import Booleans, Floats, Integers
from .fixes import Source, frame_named
from .infer import check_axis
from .names import quoted
from .roles import Layout
from .series import FrameRows, series_of
from .stamps import kind_of, read_stamps
from .zones import refuse_other_zone

if TYPE_CHECKING:
    from .axis import TimeAxis
    from .panel import Panel
    from .roles import Roles

__all__ = ["Ends"]


@record(frozen=True)
class Ends:
    """The newest known row of each series.

    Parameters
    ----------
    keys : list
        Names of the series; `[None]` for one series without a name.
    index : pandas.Index
        Time label of each.
    targets, past, future : ndarray of shape (n_series, columns)
    overlap_fix : Fix
        What to do about rows that are known already.
    gap_fix : Fix
        What to do about missing stamps.
    """

    keys: list[Hashable]
    index: pd.Index
    targets: Floats
    past: Floats
    future: Floats
    overlap_fix: Fix
    gap_fix: Fix

    def places(self, rows: FrameRows | Panel) -> Integers:
        """Number of each series of some rows among these, -1 for one that is not there."""
        number = {key: place for place, key in enumerate(self.keys)}
        return np.array([number.get(key, -1) for key in ([None] if rows.keys is None else rows.keys)], dtype=np.int64)

    def alike(self, index: pd.Index) -> pd.Index:
        """Labels in the zone object and the resolution of the known ones, where that loses nothing."""
        if kind_of(index) != "datetime" or kind_of(self.index) != "datetime":
            return index
        if index.tz is not None and self.index.tz is not None:
            index = index.tz_convert(self.index.tz)
        same = index.as_unit(self.index.unit)
        return same if (same == index).all() else index

    def newer(self, frame: pd.DataFrame, roles: Roles, axis: TimeAxis, what: str) -> pd.DataFrame:
        """The rows of a frame that are later than the end of their series.

        Parameters
        ----------
        frame : pandas.DataFrame
        roles : Roles
        axis : TimeAxis
        what : str
            Name of the frame in messages.

        Returns
        -------
        pandas.DataFrame
            The same where all are.
        """
        layout = Layout.of(frame, roles, what)
        stamps, source = read_stamps(layout.labels(frame), layout, what), Source(frame, layout, what)
        refuse_other_zone(stamps, axis, what, source, self.index, layout.series_at is None)
        rows = series_of(frame, layout, stamps, what, roles)
        check_axis(rows, axis, what, source, self.index)
        known = np.flatnonzero(self.known(replace(rows, index=self.alike(rows.index))))
        if not len(known):
            return frame
        keep = np.ones(len(frame), dtype=bool)
        keep[known if rows.order is None else rows.order[known]] = False
        return frame[keep]

    def known(self, rows: FrameRows) -> Booleans:
        """Which rows are not later than the end of their series.

        Parameters
        ----------
        rows : FrameRows
            As `series_of` returns them.

        Returns
        -------
        ndarray of bool of shape (rows,)
        """
        found = np.zeros(len(rows.index), dtype=bool)
        for place, first, end in zip(self.places(rows), rows.starts[:-1], rows.starts[1:], strict=True):
            if place >= 0:
                found[first:end] = np.asarray(rows.index[first:end] <= self.index[place])
        return found

    def before(self, rows: FrameRows, what: str) -> FrameRows:
        """The rows, with the newest known row before those of each series that has one.

        Raises
        ------
        ValueError
            Rows that are known already.
        """
        rows, places = replace(rows, index=self.alike(rows.index)), self.places(rows)
        self._refuse_known(rows, what)
        index = self.index.append(rows.index)[self._order(rows, places)]
        return FrameRows(rows.keys, self._starts(rows, places), index, None)

    def values_before(self, rows: FrameRows, *arrays: Floats) -> list[Floats]:
        """Targets, past and future covariates of these rows, in the same order."""
        order = self._order(rows, self.places(rows))
        own = self.targets, self.past, self.future
        return [np.concatenate([known, later])[order] for known, later in zip(own, arrays, strict=True)]

    def without(self, panel: Panel) -> Panel:
        """A panel of such rows without those that were known."""
        known = np.flatnonzero(self.places(panel) >= 0)
        keep = np.ones(len(panel.index), dtype=bool)
        keep[panel.starts[known]] = False
        lengths = np.diff(panel.starts)
        lengths[known] -= 1
        cut: dict[str, Any] = {
            name: None if getattr(panel, name) is None else getattr(panel, name)[keep] for name in _ROWS
        }
        return replace(panel, starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), **cut)

    def _order(self, rows: FrameRows, places: Integers) -> Integers:
        n, parts = len(self.keys), []
        for place, first, end in zip(places, rows.starts[:-1], rows.starts[1:], strict=True):
            parts += [np.array([place] if place >= 0 else [], dtype=np.int64), n + np.arange(first, end)]
        return np.concatenate(parts)

    def _starts(self, rows: FrameRows, places: Integers) -> Integers:
        return np.concatenate([[0], np.cumsum(np.diff(rows.starts) + (places >= 0))]).astype(np.int64)

    def _refuse_known(self, rows: FrameRows, what: str) -> None:
        known = np.flatnonzero(self.known(rows))
        if not len(known):
            return
        number = rows.series_at(known[0])
        place = self.places(rows)[number]
        series = "" if rows.keys is None else f"series {quoted(rows.keys[number])}: "
        first, last = rows.index[rows.starts[number]], self.index[place]
        if len(known) == len(rows.index) and isinstance(rows.index, pd.RangeIndex) and first == 0 < last:
            begin = last + rows.index.step
            raise ValueError(  # to skip these rows would skip all of them
                Refusal(
                    f"is counted from 0, but the model already has rows up to {last}",
                    where=frame_named(what),
                    expected=f"the rows to be counted from {begin} on",
                    fix=f"{what}.index += {begin}",
                )
            )
        raise ValueError(
            Refusal(
                f"begins at {first}, but the model already has rows up to {last}",
                where=joined(series, frame_named(what)),
                got=f"{len(known)} of {len(rows.index)} rows are not new",
                expected="rows from the next stamp on",
                advice=_repeated_hour(first, last),
                fix=self.overlap_fix,
            )
        )


def _repeated_hour(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """A hint where the first new stamp may be of the hour that comes twice in autumn, which only a zone tells apart."""
    if not isinstance(last, pd.Timestamp) or last.tz is not None or last == last.normalize():
        return ""
    if last.day_of_week != 6 or last.hour > 3 or last.month not in _AUTUMN or last - first >= pd.Timedelta(hours=1):
        return ""
    start = f"If {first} comes twice because clocks were set back, the rows of fit need a zone too, as in"
    return Words(
        f"{start} df.index.tz_localize('Europe/Berlin', ambiguous='infer').", f"{start} --timezone Europe/Berlin."
    )


_AUTUMN = (3, 4, 5, 9, 10, 11)  # of both hemispheres
_ROWS = ("index", "targets", "past", "future", "inserted", "made_up")
