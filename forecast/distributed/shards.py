"""Shards: which series each holds, its windows to train on, and those that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._preparation import Preparation, Rows, Settings, Task, prepared
from .._series.fitting import unlearnable
from .panel import in_order

if TYPE_CHECKING:
    from .._series import SeriesForecaster
    from .._types import Floats, Integers
    from .._windows import Windows

__all__ = ["Shard", "Summary", "assigned", "cut_of", "first_label", "known_sums", "prepare", "summary"]


def assigned(lengths: dict[Any, int], n_shards: int, seed: int) -> list[list[Any]]:
    """The series of each shard: drawn by the seed, so that all shards have about as many rows.

    Parameters
    ----------
    lengths : dict of key to int
        Rows of each series.
    n_shards : int
    seed : int

    Returns
    -------
    list of list of keys
        In the order of their names. Depends on nothing but the arguments, not on their order.

    Examples
    --------
    >>> assigned({"a": 9, "b": 9, "c": 9, "d": 9}, 2, seed=0)
    [['a', 'c'], ['b', 'd']]
    """
    keys = sorted(lengths, key=in_order)
    order = np.random.default_rng([seed, 0]).permutation(len(keys))
    rows = np.array([lengths[keys[number]] for number in order], dtype=np.float64)
    middle = np.cumsum(rows) - rows / 2
    n = min(n_shards, len(keys))
    which = np.minimum((middle * n / rows.sum()).astype(np.int64), n - 1)
    found = [sorted((keys[number] for number in order[which == one]), key=in_order) for one in range(n)]
    return [one for one in found if one]


@dataclass(frozen=True)
class Shard:
    """Whole series, and their windows.

    Attributes
    ----------
    rows : Rows
        Rows of all of them, as the regressor sees them.
    raw : Rows
        The same before targets are split into series of their own.
    preparation : Preparation
        Fitted on `rows`.
    windows : Windows
        All of these.
    span : int or ndarray
        Steps that the targets of each window reach forward.
    left_out : dict of key to reason
        Series that are too short.
    """

    rows: Rows
    raw: Rows
    preparation: Preparation
    windows: Windows
    span: Any
    left_out: dict[Any, Any] = field(default_factory=dict)

    def early(self, cut: int | None) -> Windows:
        """The windows to train on: those whose targets are known before the cut."""
        if cut is None:
            return self.windows
        return self.windows[np.flatnonzero(self.windows.time + self.span <= cut)]

    def late(self, cut: int | None) -> Windows:
        """The windows to judge by: those from the cut on."""
        return self.windows[np.flatnonzero(self.windows.time >= cut) if cut is not None else slice(0, 0)]


@dataclass(frozen=True)
class Summary:
    """What every shard reports before the first round.

    Attributes
    ----------
    times, counts : ndarray of int
        Times of windows, and how many each has.
    left_out : dict of key to reason
        Series that are too short.
    n_lost : int
        Rows at the start of a series that its transform leaves without a value.
    """

    times: Integers
    counts: Integers
    left_out: dict[Any, Any]
    n_lost: int


def first_label(rows: Rows) -> Any:
    """The earliest time of a shard."""
    return rows.index[rows.starts[:-1]].min()


def known_sums(rows: Rows) -> tuple[Floats, Floats]:
    """The sums of the known values of targets and past covariates, and how many there are."""
    table = np.concatenate([rows.targets, rows.past], axis=1).astype(np.float64)
    known = ~np.isnan(table)
    return np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64)


def prepare(
    model: SeriesForecaster, settings: Settings, task: Task, rows: Rows, fill: Floats | None, origin: Any
) -> Shard:
    """The windows of a shard.

    Parameters
    ----------
    model : SeriesForecaster
    settings : Settings
    task : Task
    rows : Rows
    fill : ndarray or None
        Means of all shards, which replace values before the first known one.
    origin : label
        The earliest time of all shards.

    Returns
    -------
    Shard
    """
    reasons = {
        key: unlearnable(model, task, rows.targets[first:end])
        for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
    }
    left_out = {key: reason for key, reason in reasons.items() if reason is not None}
    raw, own = rows, rows.only([key for key in rows.keys if key not in left_out])
    split = settings.multi_target == "shared" and rows.targets.shape[1] > 1
    channels = own.split() if split else own
    preparation = prepared(settings, task, channels).fit(channels)
    if fill is not None:
        preparation.fill = _filled(preparation, fill, split)
    if channels.n_series:
        first = channels.index[channels.starts[:-1]]
        clock = task.axis.positions(first.insert(0, origin))[1:]
        windows = preparation.training_windows(channels, settings.step, clock)
    else:
        windows = preparation.training_windows(channels, settings.step, np.empty(0, dtype=np.int64))
    return Shard(channels, raw, preparation, windows, np.asarray(windows.span), left_out)


def _filled(preparation: Preparation, fill: Floats, split: bool) -> Floats:
    n = len(preparation.fill)
    own = fill if not split else np.concatenate([[fill[: len(fill) - n + 1].mean()], fill[len(fill) - n + 1 :]])
    return np.where(preparation.fill == -1, preparation.fill, own) if preparation.levels is not None else own


def summary(shard: Shard) -> Summary:
    """The times of its windows, and the series that are too short."""
    times, counts = np.unique(np.asarray(shard.windows.time), return_counts=True)
    return Summary(times, counts, shard.left_out, shard.preparation.n_lost)


def cut_of(parts: Sequence[Summary], fraction: float, span: int, least: int) -> int | None:
    """The time from which on windows are held out, in all shards alike.

    Parameters
    ----------
    parts : sequence of Summary
    fraction : float
        Share of all windows to hold out, or a little more: those of one time stay together.
    span : int
        Steps that the targets of a window reach forward.
    least : int
        Fewer windows are not held out.

    Returns
    -------
    int or None
        None: there are too few.
    """
    times, inverse = np.unique(np.concatenate([part.times for part in parts]), return_inverse=True)
    counts = np.bincount(inverse, weights=np.concatenate([part.counts for part in parts])).astype(np.int64)
    late = np.cumsum(counts[::-1])[::-1]
    n = int(late[0]) if len(late) else 0
    at = int(np.flatnonzero(late >= fraction * n)[-1]) if n else 0
    if n == 0 or late[at] < least or counts[times <= times[at] - span].sum() < 2 * late[at]:
        return None
    return int(times[at])
