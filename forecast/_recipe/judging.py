"""The windows on which candidates are judged, and the comparison of two candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .._preparation import Settings, prepared
from .._types import Floats, Integers
from .validation import known_before

if TYPE_CHECKING:
    from .._preparation import Rows, Task

__all__ = ["BLOCKS", "TIE", "Fold", "Jury", "deviations", "folds_of", "is_better", "judged_steps"]

BLOCKS = 3  # stretches of a validation part: one of them alone decides nothing
_FOLDS = 3
_LEAST_ORIGINS = 10  # of a fold that says anything
TIE = 0.005  # of the loss
_STEPS = 24  # of the horizon that tell candidates apart
_MOST = 3000  # windows of a single target
_LEAST, _WIDE = 200, 12_000  # origins of some targets, and windows from which on there are fewer origins
_FEWEST = 40  # origins, however many targets


@dataclass(frozen=True)
class Jury:
    """Origins to judge forecasts at.

    Attributes
    ----------
    origins : ndarray of int
        Rows; every target of a horizon after them lies behind `ends`.
    blocks : ndarray of int of shape (n,)
        The stretch of the validation part in which an origin is, 0 or more.
    scales : ndarray of shape (n, targets)
        For each origin, the deviation of its series' rows before `ends`.
    actual : ndarray of shape (n, horizon, targets)
    squared : bool
        Whether errors are squared.
    """

    origins: Integers
    blocks: Integers
    scales: Floats
    actual: Floats
    squared: bool

    @classmethod
    def of(cls, task: Task, rows: Rows, ends: Integers, lookback: int, squared: bool) -> Self:
        """Origins with a known target, spread evenly over the validation part of all series.

        Parameters
        ----------
        task : Task
        rows : Rows
        ends : ndarray of int
        lookback : int
            Rows that every candidate may look back on.
        squared : bool

        Returns
        -------
        Jury
        """
        n = rows.targets.shape[1]
        plain = prepared(Settings(None, lookback, window_norm=None), task, rows).fit(rows.until(ends))
        windows = plain.training_windows(rows, 1, None)
        windows = windows[windows.origins >= ends[windows.which] - 1]
        some = _spread_evenly(len(windows), max(_MOST // n, min(_LEAST, max(_FEWEST, _WIDE // n))))
        windows = windows[some]
        which, first = windows.which, ends - 1
        length = np.maximum(rows.starts[1:] - task.horizon - first, 1)
        blocks = np.minimum((windows.origins - first[which]) * BLOCKS // length[which], BLOCKS - 1)
        scales = deviations(rows.targets, rows.starts[:-1], ends)[which]
        return cls(windows.origins.astype(np.int64), blocks, scales, plain.actual(rows, windows), squared)

    def __len__(self) -> int:
        return len(self.origins)

    def losses(self, forecast: Floats, steps: Integers | None = None) -> Floats:
        """Mean losses in each block.

        Parameters
        ----------
        forecast : ndarray of shape (n, horizon, targets)
        steps : ndarray of int, default=None
            Steps of the horizon that count; None: all.

        Returns
        -------
        ndarray of shape (2, BLOCKS)
            The loss, and the squared error. NaN where no target of a block is known.
        """
        some = slice(None) if steps is None else steps
        return self.losses_of((forecast[:, some] - self.actual[:, some]) / self.scales[:, None])

    def losses_of(self, errors: Floats) -> Floats:
        """The same of errors over scales, shape (n, ...)."""
        errors = errors.reshape(len(errors), -1)
        seen = ~np.isnan(errors)
        errors = np.where(seen, errors, 0.0)
        square = np.square(errors).sum(axis=1)
        count = np.bincount(self.blocks, seen.sum(axis=1), minlength=BLOCKS)
        totals = [
            np.bincount(self.blocks, loss, minlength=BLOCKS)
            for loss in (square if self.squared else np.abs(errors).sum(axis=1), square)
        ]
        return np.array(totals) / np.where(count > 0, count, np.nan)


@dataclass(frozen=True)
class Fold:
    """Rows: those before `ends` are for training, those after them for judging.

    Attributes
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    jury : Jury
    """

    rows: Rows
    ends: Integers
    jury: Jury


def folds_of(task: Task, rows: Rows, ends: Integers, lookback: int, squared: bool) -> list[Fold]:
    """The validation part and, if there are enough rows, earlier parts of the same length.

    One validation part may be unlike all that follows. Each fold is judged by fits that saw nothing behind its own
    `ends`, which have at least half of the rows to learn from.

    Parameters
    ----------
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    lookback : int
        Rows that every candidate may look back on.
    squared : bool

    Returns
    -------
    list of Fold
        The newest first; empty where there is nothing to judge by.
    """
    found = []
    for number in range(_FOLDS):
        length = np.maximum(rows.starts[1:] - ends, task.horizon)
        begin = ends - number * np.minimum(length, (ends - rows.starts[:-1]) // 4)
        part = rows
        if number:
            part = rows.until(np.minimum(begin + length, ends))
            begin = begin - rows.starts[:-1] + part.starts[:-1]
            if not (begin - part.starts[:-1] >= lookback + task.horizon).any() or not known_before(part, begin).all():
                break
        jury = Jury.of(task, part, begin, lookback, squared)
        if len(jury) >= (_LEAST_ORIGINS if number else 1) and not np.isnan(jury.actual).all():
            found.append(Fold(part, begin, jury))
    return found


def is_better(losses: Floats, than: Floats, margin: float = TIE) -> bool:
    """Whether losses are better by more than a margin, and in most blocks.

    Parameters
    ----------
    losses, than : ndarray of shape (2, blocks)
        `than` of the simpler candidate.
    margin : float, default=0.005

    Returns
    -------
    bool
    """
    losses, than = losses[0], than[0]
    wins = (losses < than).sum()
    return bool(np.nanmean(losses) < (1 - margin) * np.nanmean(than) and 2 * wins > (~np.isnan(than)).sum())


def judged_steps(horizon: int, most: int = _STEPS) -> Integers:
    """Steps of the horizon on which candidates are judged, if all of them would take long.

    Parameters
    ----------
    horizon : int
    most : int, default=24

    Returns
    -------
    ndarray of int
    """
    return np.unique(np.linspace(0, horizon - 1, most).round().astype(int))


def deviations(values: Floats, starts: Integers, ends: Integers) -> Floats:
    """Standard deviation of each column of each series, 1 where it is 0 or nothing is known; (series, columns)."""
    found = np.ones((len(starts), values.shape[1]))
    for number, (first, end) in enumerate(zip(starts, ends, strict=True)):
        for column in range(values.shape[1]):
            part = values[first:end, column]
            part = part[~np.isnan(part)]
            size = part.std(dtype=np.float64) if len(part) else 0.0
            found[number, column] = size if size > 0 else 1.0
    return found


def _spread_evenly(n: int, most: int) -> Integers:
    """Up to `most` of n positions, in order: by the golden ratio, which keeps step with no season."""
    if n <= most:
        return np.arange(n)
    return np.flatnonzero(np.arange(n) * 0.6180339887498949 % 1 < most / n)
