"""The series of a long frame: their rows, and the order of the rows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Fix, Refusal, argument, split_advice
from .._types import Array, Integers
from .fixes import Source
from .glued import naming, repeats_message
from .index import refuse_disorder
from .names import blocks_of, quoted, sorting
from .stamps import CHUNK, ticks_of

if TYPE_CHECKING:
    from .roles import Layout, Roles

__all__ = ["FrameRows", "series_of"]


class Placing(Protocol):
    """What tells where the rows of a frame are."""

    def place_in_frame(self, row: int) -> str:
        """A row as text, for messages."""


@record(frozen=True)
class FrameRows:
    """Rows of a frame, series after series.

    Parameters
    ----------
    keys : pandas.Index or None
        Names of the series in order of first appearance; None is one series without a name.
    starts : ndarray of shape (n_series + 1,), int64
        First row of each series, and the end.
    index : pandas.Index
        Time labels of all rows.
    order : ndarray of int or None
        Rows of the frame in this order; None if they already are.
    """

    keys: Any
    starts: Integers
    index: pd.Index
    order: Integers | None

    def series_at(self, row: int) -> int:
        """Number of the series that a row belongs to."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    def place(self, row: int) -> str:
        """A row as text for messages."""
        stamp = str(self.index[row])
        return stamp if self.keys is None else f"({quoted(self.keys[self.series_at(row)])}, {stamp})"

    def place_in_frame(self, row: int) -> str:
        """A row of the frame, before it was put in order, as text."""
        return self.place(int(row) if self.order is None else int(np.flatnonzero(self.order == row)[0]))

    def places(self, rows: Integers, limit: int = 3) -> str:
        """The first of some rows as text, and how many there are where not all are shown."""
        shown = ", ".join(self.place(int(row)) for row in rows[:limit])
        return shown if len(rows) <= limit else f"{shown}, ... ({len(rows)} in all)"

    def longest(self) -> pd.Index:
        """Time labels of the longest series."""
        if self.keys is None:
            return self.index
        number = int(np.diff(self.starts).argmax())
        return self.index[self.starts[number] : self.starts[number + 1]]

    def arranged(self, values: Array) -> Array:
        """Values of the frame's rows in the order of these."""
        return values if self.order is None else values[self.order]


def series_of(
    frame: pd.DataFrame, layout: Layout, index: pd.Index, what: str = "X", roles: Roles | None = None
) -> FrameRows:
    """The series of a frame.

    Parameters
    ----------
    frame : pandas.DataFrame
    layout : Layout
    index : pandas.Index
        Time labels of all rows, as `read_stamps` returns them.
    what : str, default="X"
        Name of the frame in messages.
    roles : Roles, default=None
        Roles whose targets advice never suggests as `series`.

    Returns
    -------
    FrameRows

    Raises
    ------
    ValueError
        A series without a name, one stamp twice in a series, rows that are neither grouped by series nor in the order
        of time.
    """
    if layout.series_at is None:
        if not (index.is_monotonic_increasing and index.is_unique):
            _refuse_one(frame, layout, roles, index, what)
        return FrameRows(None, np.array([0, len(index)], dtype=np.int64), index, None)
    blocks = blocks_of(frame, layout, what)
    heads, lengths, codes, keys = blocks.heads, blocks.lengths, blocks.codes, blocks.keys
    if blocks.are_whole:
        rows = FrameRows(keys, np.append(heads, len(index)).astype(np.int64), index, None)
        if len(_backward(index, rows.starts)):
            _refuse_order(rows, codes, lengths, frame, layout, roles)
        return rows
    by_row = blocks.by_row()
    starts = np.concatenate([[0], np.bincount(by_row).cumsum()]).astype(np.int64)
    order = np.argsort(by_row, kind="stable")
    if not index.is_monotonic_increasing:
        _refuse_order(FrameRows(keys, starts, index, order), codes, lengths, frame, layout, roles)
    rows = FrameRows(keys, starts, index.take(order), order)
    if len(_backward(rows.index, starts)):
        _refuse_order(FrameRows(keys, starts, index, order), codes, lengths, frame, layout, roles)
    return rows


def _backward(index: pd.Index, starts: Integers) -> Integers:
    """Rows that do not come after the one before them in their series."""
    ticks, found = ticks_of(index), []
    for first in range(0, max(len(ticks) - 1, 0), CHUNK):
        part = ticks[first : first + CHUNK + 1]
        found.append(np.flatnonzero(part[1:] <= part[:-1]) + first + 1)
    rows = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    return rows[~np.isin(rows, starts)]


def _refuse_one(frame: pd.DataFrame, layout: Layout, roles: Roles | None, index: pd.Index, what: str) -> None:
    """A frame of one series out of order; where one stamp comes twice, columns may name several series."""
    message = None if index.is_unique else repeats_message(frame, _targets(roles), layout, index)
    if message is not None:
        raise ValueError(message)
    refuse_disorder(index, Source(frame, layout, what))


def _refuse_order(
    rows: FrameRows, blocks: Integers, lengths: Integers, frame: pd.DataFrame, layout: Layout, roles: Roles | None
) -> None:
    """Duplicates first, then a series in pieces, then disorder: the first three places and the fix.

    `rows` has the frame's own order of labels; `blocks` are the numbers of the series of consecutive rows, and
    `lengths` how many rows each has.
    """
    index, keys = rows.index, rows.keys
    by_row = np.repeat(blocks, lengths)
    grouped = len(blocks) == len(keys)
    ticks = ticks_of(index)
    twice = np.flatnonzero(pd.DataFrame({"series": by_row, "stamp": ticks}).duplicated())
    by = [*(one.label for one in layout.ids), layout.time_name]
    put_in_order = f"df = df.{sorting(layout)}"

    def at(row: int) -> str:
        return f"({quoted(keys[by_row[row]])}, {index[row]})"

    if len(twice):
        more = _more_ids(frame, layout, roles, by_row, ticks)
        code = argument("series", [*by[:-1], *more]) if more else f"df = {_each_once(frame, by)}"
        shown = ", ".join(f"{at(row)} in row {row}" for row in twice[:3])
        raise ValueError(
            Refusal(
                f"{len(twice)} rows are duplicates",
                got=f"{shown}{', ...' if len(twice) > 3 else ''}",
                expected="every stamp once in a series",
                fix=code if more else Fix(code, ""),
            )
        )
    if not grouped and len(blocks) <= 2 * len(keys):
        split = int(np.flatnonzero(np.bincount(blocks) > 1)[0])
        heads = np.cumsum(lengths) - lengths
        first, second = np.flatnonzero(blocks == split)[:2]
        where = " and ".join(f"{heads[block]} to {heads[block] + lengths[block] - 1}" for block in (first, second))
        raise ValueError(
            Refusal(
                "is split in two",
                where=f"series {quoted(keys[split])}",
                got=f"rows {where} (from {index[heads[first]]} and from {index[heads[second]]})",
                expected="the rows of a series together, or all rows in the order of time",
                advice=split_advice(),
                fix=put_in_order,
            )
        )
    later = _backward(index, rows.starts) if grouped else np.flatnonzero(ticks[1:] < ticks[:-1]) + 1
    shown = ", ".join(f"row {row} {at(row)} comes after {index[row - 1]}" for row in later[:3])
    raise ValueError(
        Refusal(
            f"are not in time order in {len(later)} places",
            where="the rows",
            got=shown,
            expected=(
                "ascending stamps in each series, the series one after the other, or all rows in the order of time"
            ),
            advice=split_advice(),
            fix=put_in_order,
        )
    )


def _targets(roles: Roles | None) -> list[Hashable]:
    return [] if roles is None else roles.target


def _each_once(frame: pd.DataFrame, by: Sequence[Hashable]) -> str:
    """The newest of the rows that have names and stamp in common, as code."""
    if set(by) <= set(frame.columns):
        return f"df.drop_duplicates({by}, keep='last')"
    if None not in by:
        return f"df[~df.reset_index().duplicated({by}, keep='last').to_numpy()]"
    if frame.index.nlevels > 1:
        return "df[~df.index.duplicated(keep='last')]"
    by = ["time" if label is None else label for label in by]
    return f"df[~df.rename_axis('time').reset_index().duplicated({by}, keep='last').to_numpy()]"


def _more_ids(
    frame: pd.DataFrame, layout: Layout, roles: Roles | None, by_row: Integers, ticks: Integers
) -> list[Hashable]:
    """Columns that tell rows apart which have the names of their series and their stamps in common."""
    pairs = pd.MultiIndex.from_arrays([by_row, ticks])
    codes, _ = pd.factorize(pairs)
    return naming(frame, pd.Index(codes), [*_targets(roles), *(one.label for one in layout.ids), layout.time_name])
