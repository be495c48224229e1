"""The series of a long frame: which rows are whose, and in what order they must come."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .fixes import Source
from .index import SPLIT_ADVICE, refuse_disorder
from .stamps import CHUNK, ticks_of

__all__ = ["Rows", "changes", "quoted", "series_of"]


def quoted(key):
    """A name as Python writes it, numpy's numbers as plain ones."""
    return repr(key.item() if isinstance(key, np.generic) else key)


@dataclass(frozen=True)
class Rows:
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
        Rows of the frame in this order; None where they stand so already.
    """

    keys: pd.Index | None
    starts: np.ndarray
    index: pd.Index
    order: np.ndarray | None

    def series_at(self, row):
        """Number of the series that a row belongs to."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    def place(self, row):
        """A row as text for messages."""
        stamp = str(self.index[row])
        return stamp if self.keys is None else f"({quoted(self.keys[self.series_at(row)])}, {stamp})"

    def place_in_frame(self, row):
        """A row of the frame, before it was put in order, as text."""
        return self.place(int(row) if self.order is None else int(np.flatnonzero(self.order == row)[0]))

    def places(self, rows, limit=3):
        """The first of some rows as text, and how many there are where not all are shown."""
        shown = ", ".join(self.place(int(row)) for row in rows[:limit])
        return shown if len(rows) <= limit else f"{shown}, ... ({len(rows)} in all)"

    def longest(self):
        """Time labels of the longest series."""
        if self.keys is None:
            return self.index
        number = int(np.diff(self.starts).argmax())
        return self.index[self.starts[number] : self.starts[number + 1]]

    def arranged(self, values):
        """Values of the frame's rows in the order of these."""
        return values if self.order is None else values[self.order]


def series_of(frame, layout, index):
    """The series of a frame.

    Parameters
    ----------
    frame : pandas.DataFrame
    layout : Layout
    index : pandas.Index
        Time labels of all rows, as `read_stamps` returns them.

    Returns
    -------
    Rows

    Raises
    ------
    ValueError
        A series without a name, one stamp twice in a series, rows that are neither grouped by series nor in the order
        of time.
    """
    if layout.series_at is None:
        if not (index.is_monotonic_increasing and index.is_unique):
            _refuse_one(frame, layout, index)
        return Rows(None, np.array([0, len(index)], dtype=np.int64), index, None)
    values, level = layout.names(frame)
    heads = np.concatenate([[0], changes(values) + 1])
    lengths = np.diff(np.append(heads, len(index)))
    names = _names(values, level, heads)
    _refuse_unnamed(names, heads, layout)
    codes, keys = pd.factorize(names)
    keys = pd.Index(keys, name=layout.series)
    if len(keys) == len(heads):
        rows = Rows(keys, np.append(heads, len(index)).astype(np.int64), index, None)
        if len(_backward(index, rows.starts)):
            _refuse_order(rows, codes, lengths, layout)
        return rows
    by_row = np.repeat(codes.astype(np.int32), lengths)
    starts = np.concatenate([[0], np.bincount(by_row).cumsum()]).astype(np.int64)
    order = np.argsort(by_row, kind="stable")
    if not index.is_monotonic_increasing:
        _refuse_order(Rows(keys, starts, index, order), codes, lengths, layout)
    rows = Rows(keys, starts, index.take(order), order)
    if len(_backward(rows.index, starts)):
        _refuse_order(Rows(keys, starts, index, order), codes, lengths, layout)
    return rows


def changes(values):
    """Rows whose successor holds another value; missing values differ from everything."""
    if isinstance(values, pd.Categorical):
        values = values.codes
    values = getattr(values, "_ndarray", values) if isinstance(values, pd.arrays.NumpyExtensionArray) else values
    found = []
    for first in range(0, max(len(values) - 1, 0), CHUNK):
        part = values[first : first + CHUNK + 1]
        differs = part[1:] != part[:-1]
        if not isinstance(differs, np.ndarray):
            differs = differs.to_numpy(dtype=bool, na_value=True)
        found.append(np.flatnonzero(differs) + first)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _names(values, level, rows):
    """Names of the series in some rows, as an Index."""
    part = values.take(rows)
    if level is not None:
        names = _plain(level.take(np.maximum(part, 0)))
        return names.where(part >= 0) if (part < 0).any() else names
    if isinstance(part, pd.Categorical):
        part = pd.CategoricalIndex(part)
    return _plain(pd.Index(part))


def _plain(names):
    """Names as they are, without the dtype of their categories."""
    return names.astype(names.categories.dtype) if isinstance(names, pd.CategoricalIndex) else names


def _refuse_unnamed(names, heads, layout):
    missing = names.isna()
    if missing.any():
        row = int(heads[int(missing.argmax())])
        where = f"column {layout.series!r}" if layout.series_at == "column" else f"level {layout.series!r} of the index"
        place = f"[{layout.series!r}]"
        if layout.series_at == "level":
            place = f".index.get_level_values({layout.series!r})"
        raise ValueError(
            f"{where} names no series in row {row}; expected the name of the series in every row. Fix: "
            f"df = df[df{place}.notna()]."
        )


def _backward(index, starts):
    """Rows that do not come after the one before them in their series."""
    ticks, found = ticks_of(index), []
    for first in range(0, max(len(ticks) - 1, 0), CHUNK):
        part = ticks[first : first + CHUNK + 1]
        found.append(np.flatnonzero(part[1:] <= part[:-1]) + first + 1)
    rows = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    return rows[~np.isin(rows, starts)]


def _refuse_one(frame, layout, index):
    """A frame of one series out of order; where one stamp comes twice a column may name several series."""
    source = Source(frame, layout)
    if index.is_unique:
        refuse_disorder(index, source)
    labels = pd.Series(ticks_of(index))
    for name in frame.columns:
        if name == layout.time or pd.api.types.is_float_dtype(frame[name].dtype) or list(frame.columns).count(name) > 1:
            continue
        pairs = pd.DataFrame({"name": frame[name].astype(str).array, "stamp": labels.array})
        if not pairs.duplicated().any():
            twice = index[index.duplicated()].unique()
            raise ValueError(
                f"the index has {int(index.duplicated().sum())} duplicates, the first of {twice[0]}; but every stamp "
                f"comes once for each value of column {name!r}: are these several series? Fix: series={name!r}."
            )
    refuse_disorder(index, source)


def _refuse_order(rows, blocks, lengths, layout):
    """Duplicates first, then a series in pieces, then disorder: the first three places and the fix.

    `rows` has the frame's own order of labels; `blocks` are the numbers of the series of rows that stand together, and
    `lengths` how many rows each has.
    """
    index, keys = rows.index, rows.keys
    by_row = np.repeat(blocks, lengths)
    grouped = len(blocks) == len(keys)
    ticks = ticks_of(index)
    twice = np.flatnonzero(pd.DataFrame({"series": by_row, "stamp": ticks}).duplicated())
    by = f"[{layout.series!r}, {layout.time_name!r}]"
    order = "df = df.sort_index(kind='stable')" if layout.time_at == "index" else f"df = df.sort_values({by})"

    def at(row):
        return f"({quoted(keys[by_row[row]])}, {index[row]})"

    if len(twice):
        code = f"df = df[~df.reset_index().duplicated({by}, keep='last').to_numpy()]"
        shown = ", ".join(f"{at(row)} in row {row}" for row in twice[:3])
        raise ValueError(
            f"{len(twice)} rows are duplicates: {shown}{', ...' if len(twice) > 3 else ''}; expected every stamp once "
            f"in a series. Fix: {code}."
        )
    if not grouped and len(blocks) <= 2 * len(keys):
        split = int(np.flatnonzero(np.bincount(blocks) > 1)[0])
        heads = np.cumsum(lengths) - lengths
        first, second = np.flatnonzero(blocks == split)[:2]
        where = " and ".join(f"{heads[block]} to {heads[block] + lengths[block] - 1}" for block in (first, second))
        raise ValueError(
            f"series {quoted(keys[split])} is split in two: rows {where} (from {index[heads[first]]} and from "
            f"{index[heads[second]]}); expected the rows of a series together, or all rows in the order of time. "
            f"{SPLIT_ADVICE}. Fix: {order}."
        )
    later = _backward(index, rows.starts) if grouped else np.flatnonzero(ticks[1:] < ticks[:-1]) + 1
    shown = ", ".join(f"row {row} {at(row)} comes after {index[row - 1]}" for row in later[:3])
    raise ValueError(
        f"the rows are not in time order in {len(later)} places: {shown}; expected ascending stamps in each series, "
        f"the series one after the other, or all rows in the order of time. {SPLIT_ADVICE}. Fix: {order}."
    )
