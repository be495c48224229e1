"""By which windows candidates are judged, and which of two is better."""

from dataclasses import dataclass, replace

import numpy as np

from .._preparation import Settings, prepared

__all__ = ["BLOCKS", "TIE", "Jury", "is_better"]

BLOCKS = 3  # stretches of the validation part: one of them alone decides nothing
TIE = 0.005  # of the loss
_MOST = 3000  # windows of a single target
_LEAST = 400  # origins, however many targets


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
        Of each origin's series: the deviation of its rows before `ends`.
    actual : ndarray of shape (n, horizon, targets)
    squared : bool
        Whether errors are squared.
    """

    origins: np.ndarray
    blocks: np.ndarray
    scales: np.ndarray
    actual: np.ndarray
    squared: bool

    @classmethod
    def of(cls, task, rows, ends, lookback, squared):
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
        some = _spread_evenly(len(windows), max(_LEAST, _MOST // n))
        windows = windows[some]
        which, first = windows.which, ends - 1
        length = np.maximum(rows.starts[1:] - task.horizon - first, 1)
        blocks = np.minimum((windows.origins - first[which]) * BLOCKS // length[which], BLOCKS - 1)
        scales = deviations(rows.targets, rows.starts[:-1], ends)[which]
        return cls(windows.origins.astype(np.int64), blocks, scales, plain.actual(rows, windows), squared)

    def __len__(self):
        return len(self.origins)

    def losses(self, forecast):
        """Mean loss in each block.

        Parameters
        ----------
        forecast : ndarray of shape (n, horizon, targets)

        Returns
        -------
        ndarray of shape (BLOCKS,)
            NaN where no target of a block is known.
        """
        return self.losses_of((forecast - self.actual) / self.scales[:, None])

    def losses_of(self, errors):
        """The same of errors over scales, shape (n, ...)."""
        errors = np.square(errors) if self.squared else np.abs(errors)
        errors = errors.reshape(len(errors), -1)
        seen = ~np.isnan(errors)
        total = np.bincount(self.blocks, np.where(seen, errors, 0.0).sum(axis=1), minlength=BLOCKS)
        count = np.bincount(self.blocks, seen.sum(axis=1), minlength=BLOCKS)
        return np.divide(total, count, out=np.full(BLOCKS, np.nan), where=count > 0)

    def narrowed(self, most):
        """The same with fewer origins."""
        some = _spread_evenly(len(self), most)
        names = ("origins", "blocks", "scales", "actual")
        return replace(self, **{name: getattr(self, name)[some] for name in names})


def is_better(losses, than):
    """Whether losses are better by more than a tie, and not in one block alone.

    Parameters
    ----------
    losses, than : ndarray of shape (BLOCKS,)
        `than` of the simpler candidate.

    Returns
    -------
    bool
    """
    known = ~np.isnan(than)
    wins = (losses < than)[known].sum()
    return bool(np.nanmean(losses) < (1 - TIE) * np.nanmean(than) and 2 * wins > known.sum())


def deviations(values, starts, ends):
    """Standard deviation of each column of each series, 1 where it is 0 or nothing is known; (series, columns)."""
    found = np.ones((len(starts), values.shape[1]))
    for number, (first, end) in enumerate(zip(starts, ends, strict=True)):
        for column in range(values.shape[1]):
            part = values[first:end, column]
            part = part[~np.isnan(part)]
            size = part.std(dtype=np.float64) if len(part) else 0.0
            found[number, column] = size if size > 0 else 1.0
    return found


def _spread_evenly(n, most):
    """Up to `most` of n positions, in order: by the golden ratio, which keeps step with no season."""
    if n <= most:
        return np.arange(n)
    return np.flatnonzero(np.arange(n) * 0.6180339887498949 % 1 < most / n)
