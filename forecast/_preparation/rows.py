"""Rows of series as plain arrays: cut, extended into the future, filled, and split into channels."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._files import stored
from .._frames import steps_since_epoch
from .._records import record
from .._types import Booleans, Floats, Integers

if TYPE_CHECKING:
    from .._frames import Panel
    from .._network import Carried

__all__ = ["Rows"]


@stored("rows")
@record(frozen=True)
class Rows:
    """Series after series, row after row; the arrays share one numbering of rows.

    Attributes
    ----------
    keys : list
        Names of the series; `[None]` where the frame is one series.
    starts : ndarray of int64 of shape (n_series + 1,)
    index : pandas.Index
        Time labels of all rows.
    targets : ndarray of shape (rows, n_targets)
        NaN where missing.
    past, future : ndarray of shape (rows, P) and (rows, F)
        Encoded covariates.
    static : ndarray of shape (n_series, S)
    made_up : ndarray of bool of shape (rows,) or None
        Rows that were put in on a straight line to the next one, which they so know; None where there are none.
    padding : ndarray of bool of shape (rows,) or None
        Copies of the oldest row before a short series, which were not observed; None without any.
    carried : dict of key to Carried, or None
        The states of a network after the newest row of each series, where it carries them.
    """

    keys: list[Hashable]
    starts: Integers
    index: pd.Index
    targets: Floats
    past: Floats
    future: Floats
    static: Floats
    made_up: Booleans | None = None
    padding: Booleans | None = None
    carried: dict[Hashable, Carried] | None = None

    @classmethod
    def of(cls, panel: Panel) -> Rows:
        """The rows of a panel.

        Parameters
        ----------
        panel : Panel

        Returns
        -------
        Rows
        """
        keys = [None] if panel.keys is None else list(panel.keys)
        return cls(
            keys, panel.starts, panel.index, panel.targets, panel.past, panel.future, panel.static, panel.made_up
        )

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.keys)

    @property
    def ends(self) -> Integers:
        """The last row of each series, shape (n_series,)."""
        return self.starts[1:] - 1

    @property
    def last_labels(self) -> dict[Hashable, pd.Timestamp | pd.Period | int]:
        """The last label of each series, by its key."""
        return {key: self.index[end] for key, end in zip(self.keys, self.ends, strict=True)}

    def parts(self, bounds: Sequence[tuple[int, int, int]]) -> Rows:
        """Some rows of some series, copied.

        Parameters
        ----------
        bounds : list of (number of the series, first row, end row)

        Returns
        -------
        Rows
        """
        lengths = [end - first for _, first, end in bounds]
        if len(bounds) == 1:
            rows: Any = slice(*bounds[0][1:])
        else:
            rows = np.concatenate([np.arange(*ends) for _, *ends in bounds]) if bounds else np.empty(0, np.intp)
        which = [number for number, _, _ in bounds]
        return Rows(
            [self.keys[number] for number in which],
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            self.index[rows].copy(deep=True),
            self.targets[rows].copy(),
            self.past[rows].copy(),
            self.future[rows].copy(),
            self.static[which],
            None if self.made_up is None else self.made_up[rows].copy(),
            None if self.padding is None else self.padding[rows].copy(),
            self._carried_at([self.keys[number] for number, _, end in bounds if end == self.starts[number + 1]]),
        )

    def _carried_at(self, keys: Sequence[Hashable]) -> dict[Hashable, Carried] | None:
        return None if self.carried is None else {key: self.carried[key] for key in keys if key in self.carried}

    def tail(self, needed: int, whole: Collection[Hashable] = ()) -> Rows:
        """The newest rows of each series, as many as a forecast can need, and the last value seen of each column.

        Parameters
        ----------
        needed : int
        whole : collection of keys, default=()
            Series of which all rows are kept.

        Returns
        -------
        Rows
        """
        return replace(self.newest(needed, whole), made_up=None)

    def newest(self, needed: int, whole: Collection[Hashable] = ()) -> Rows:
        """As `tail`, and which rows were made up is kept."""
        begins = np.maximum(self.starts[:-1], self.starts[1:] - needed)
        if whole:
            begins = np.where([key in whole for key in self.keys], self.starts[:-1], begins)
        holes = np.isnan(self.targets[begins]).any(axis=1) | np.isnan(self.past[begins]).any(axis=1)
        for number in np.flatnonzero(holes):
            first, begin = self.starts[number], begins[number]
            for column in (*self.targets.T, *self.past.T):
                if np.isnan(column[begin]):  # the value that fills it comes before
                    seen = np.flatnonzero(~np.isnan(column[first:begin]))
                    begin = first + seen[-1] if len(seen) else begin
            begins[number] = begin
        bounds = zip(begins.tolist(), self.starts[1:].tolist(), strict=True)
        return self.parts([(number, begin, end) for number, (begin, end) in enumerate(bounds)])

    def until(self, ends: Integers) -> Rows:
        """The rows of each series before a row of it.

        Parameters
        ----------
        ends : ndarray of int of shape (n_series,)

        Returns
        -------
        Rows
        """
        bounds = zip(self.starts[:-1], ends, strict=True)
        return self.parts([(number, int(first), int(end)) for number, (first, end) in enumerate(bounds)])

    def lengthened(self, origins: Integers, least: int) -> tuple[Rows, Integers]:
        """With copies of a series' oldest row before it, so that its origins have enough rows to look back on.

        Parameters
        ----------
        origins : ndarray of int
        least : int
            Rows up to an origin, itself included.

        Returns
        -------
        Rows, ndarray of int
            And where the origins are in them.
        """
        origins = np.asarray(origins, dtype=np.int64)
        which = np.searchsorted(self.starts, origins, side="right") - 1
        more = np.zeros(self.n_series, dtype=np.int64)
        np.maximum.at(more, which, least - (origins - self.starts[which] + 1))
        if not more.any():
            return self, origins
        lengths = np.diff(self.starts)
        parts = zip(more, lengths, self.starts[:-1], strict=True)
        order = np.concatenate([first + np.maximum(np.arange(-n, length), 0) for n, length, first in parts])
        arrays = {name: getattr(self, name)[order] for name in ("targets", "past", "future")}
        starts = np.concatenate([[0], np.cumsum(lengths + more)]).astype(np.int64)
        made_up = None if self.made_up is None else self.made_up[order]
        padding = np.concatenate([np.arange(-n, length) < 0 for n, length in zip(more, lengths, strict=True)])
        longer = replace(self, starts=starts, index=self.index[order], made_up=made_up, padding=padding, **arrays)
        return longer, origins + np.cumsum(more)[which]

    def followed_by(self, later: Rows) -> Rows:
        """With the rows of a later part behind those of each series.

        Parameters
        ----------
        later : Rows
            Rows of some of these series.

        Returns
        -------
        Rows
        """
        number = {key: n for n, key in enumerate(later.keys)}
        parts, lengths = [], []
        for n, key in enumerate(self.keys):
            mine = [np.arange(self.starts[n], self.starts[n + 1])]
            if key in number:
                mine.append(len(self) + np.arange(later.starts[number[key]], later.starts[number[key] + 1]))
            parts += mine
            lengths.append(sum(map(len, mine)))
        order = np.concatenate(parts)
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(later, name)])[order]
            for name in ("targets", "past", "future")
        }
        made_up = None
        if self.made_up is not None or later.made_up is not None:
            made_up = np.concatenate([_made_up(self), _made_up(later)])[order]
        return replace(
            self,
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            index=self.index.append(later.index)[order],
            made_up=made_up,
            carried=None,
            **arrays,
        )

    def grown(self, later: Rows) -> Rows:
        """With the rows of a later part behind those of each series, and series that were not there behind the others.

        Parameters
        ----------
        later : Rows

        Returns
        -------
        Rows
        """
        known = set(self.keys)
        new = [key for key in later.keys if key not in known]
        if not new:
            return self.followed_by(later)
        none = np.zeros(len(new), dtype=np.int64)
        static = np.concatenate([self.static, later.only(new).static])
        starts = np.concatenate([self.starts, self.starts[-1] + none])
        return replace(self, keys=[*self.keys, *new], starts=starts, static=static).followed_by(later)

    def only(self, keys: Sequence[Hashable]) -> Rows:
        """These series, in this order.

        Parameters
        ----------
        keys : list

        Returns
        -------
        Rows
        """
        if keys == self.keys:
            return self
        number = {key: n for n, key in enumerate(self.keys)}
        return self.parts([(n, int(self.starts[n]), int(self.starts[n + 1])) for n in (number[key] for key in keys)])

    def extended(self, labels: list[pd.Index], future: list[Floats]) -> Rows:
        """With rows after each series: nothing is known of them but their labels and future covariates.

        Parameters
        ----------
        labels : list of pandas.Index, one of each series
        future : list of ndarray of shape (n, F)

        Returns
        -------
        Rows
        """
        blocks: dict[str, list[Floats]] = {name: [] for name in ("targets", "past", "future")}
        index = None
        for number, (first, end) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            ahead = len(labels[number])
            for name, block in blocks.items():
                array = getattr(self, name)
                new = future[number] if name == "future" else np.full((ahead, array.shape[1]), np.nan)
                block += [array[first:end], new.astype(array.dtype, copy=False)]
            piece = self.index[first:end].append(labels[number])
            index = piece if index is None else index.append(piece)
        lengths = np.diff(self.starts) + [len(part) for part in labels]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        arrays: dict[str, Any] = {name: np.concatenate(block) for name, block in blocks.items()}
        return replace(self, starts=starts, index=index, made_up=None, carried=None, **arrays)

    def filled(self, name: Literal["targets", "past"], fill: Floats) -> Floats:
        """An array without gaps: the last value before them, and `fill` where there is none.

        Parameters
        ----------
        name : {"targets", "past"}
        fill : ndarray of shape (columns,)

        Returns
        -------
        ndarray of the array's shape
        """
        array = getattr(self, name)
        missing = np.isnan(array)
        if not missing.any():
            return array
        rows = np.arange(len(array))
        out = array.copy()
        for column in np.flatnonzero(missing.any(axis=0)):
            seen = np.where(missing[:, column], -1, rows)
            seen[self.starts[:-1][np.diff(self.starts) > 0]] = rows[self.starts[:-1][np.diff(self.starts) > 0]]
            last = np.maximum.accumulate(seen)  # no series takes from the one before: its first row is its own
            out[:, column] = array[last, column]
            out[np.isnan(out[:, column]), column] = fill[column]
        return out

    def unknown_after(self, origins: Integers) -> Rows:
        """Without targets and past covariates behind the newest of some origins of each series.

        A transform, which takes all rows of a series at once, so refuses nothing that comes later.

        Parameters
        ----------
        origins : ndarray of int

        Returns
        -------
        Rows
        """
        newest = self.starts[:-1] - 1
        np.maximum.at(newest, np.searchsorted(self.starts, origins, side="right") - 1, origins)
        later = np.arange(len(self)) > np.repeat(newest, np.diff(self.starts))
        if not later.any():
            return self
        targets, past = (
            np.where(later[:, None], np.nan, array).astype(array.dtype) for array in (self.targets, self.past)
        )
        return replace(self, targets=targets, past=past, carried=None)

    def times(self, freq: pd.DateOffset | int) -> tuple[Floats, Floats]:
        """The time of each row in steps of `freq`, and that since the row before, each (rows, 1)."""
        time = steps_since_epoch(self.index, freq)[:, None]
        since = np.diff(time, axis=0, prepend=time[:1])
        since[self.starts[:-1][np.diff(self.starts) > 0]] = 0.0
        return time, since

    def since_observed(self) -> Floats:
        """Steps of each row since the last one before it in which a target was observed, (rows, 1).

        As the intervals of GRU-D (Che et al. 2018, equation 2). 0 where none was, so that it does not depend on how
        many rows without any value are kept.
        """
        observed = ~np.isnan(self.targets).all(axis=1)
        if self.padding is not None:
            observed &= ~self.padding
        before = np.concatenate([[-1], np.maximum.accumulate(np.where(observed, np.arange(len(self)), -1))[:-1]])
        before = before[: len(self)]
        first = np.repeat(self.starts[:-1], np.diff(self.starts))
        since = np.where(before >= first, np.arange(len(self)) - before, 0)
        return since[:, None].astype(self.targets.dtype)

    @property
    def settled(self) -> Integers | None:
        """The row by which the values of each row are known, its own or that of the line's end; None: its own."""
        if self.made_up is None:
            return None
        ends = np.where(self.made_up, len(self), np.arange(len(self)))
        return np.minimum.accumulate(ends[::-1])[::-1]

    @property
    def true_targets(self) -> Floats:
        """Targets with NaN in rows that were made up: what a forecast is judged by."""
        return self.targets if self.made_up is None else np.where(self.made_up[:, None], np.nan, self.targets)

    def split(self) -> Rows:
        """Every target of every series as a series of its own, with all covariates.

        Returns
        -------
        Rows
            Series-major: the targets of the first series, then those of the second.
        """
        n = self.targets.shape[1]
        spans = list(zip(self.starts[:-1], self.starts[1:], strict=True))
        order = np.concatenate([np.tile(np.arange(first, end), n) for first, end in spans])
        targets = np.concatenate([self.targets[first:end].T.reshape(-1, 1) for first, end in spans])
        return Rows(
            [(key, column) for key in self.keys for column in range(n)],
            np.concatenate([[0], np.cumsum(np.repeat(np.diff(self.starts), n))]).astype(np.int64),
            self.index[order],
            targets,
            self.past[order],
            self.future[order],
            np.repeat(self.static, n, axis=0),
            None if self.made_up is None else self.made_up[order],
            None if self.padding is None else self.padding[order],
        )

    def spread(self, origins: npt.ArrayLike) -> Integers:
        """Rows of every target in `split()`.

        Parameters
        ----------
        origins : array-like of int
            Rows.

        Returns
        -------
        ndarray of int64 of shape (n * n_targets,)
            Origin by origin, target by target.
        """
        n, origins = self.targets.shape[1], np.asarray(origins, dtype=np.int64)
        which = np.searchsorted(self.starts, origins, side="right") - 1
        # A series of n targets takes the rows of n series: the first of them begins at n times its own first row.
        first = n * self.starts[which]
        length = self.starts[which + 1] - self.starts[which]
        begin = first[:, None] + np.arange(n) * length[:, None]
        return (begin + (origins - self.starts[which])[:, None]).ravel()


def _made_up(rows: Rows) -> Booleans:
    return np.zeros(len(rows), dtype=bool) if rows.made_up is None else rows.made_up
