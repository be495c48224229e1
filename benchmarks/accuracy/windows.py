"""What ridge and trees share: filled and scaled series as flat arrays, origins to learn from and to tune on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .naive import filled

SHARE = 0.15  # of the known rows, the newest, to tune on where the protocol has no validation rows


@dataclass
class Flat:
    """All series and targets, one after another, in one array.

    Attributes
    ----------
    raw, values : ndarray of shape (cells,)
        Values on the scale of their series; `values` are filled forward.
    start : ndarray of int of shape (columns,)
        Where each column (series and target) begins; of length `lengths`.
    series : ndarray of int of shape (columns,)
    target : ndarray of int of shape (columns,)
    center, scale : ndarray of shape (columns,)
    past, future : ndarray of shape (rows, P) and (rows, F)
        Filled, on the scale of all training rows; series after series.
    first : ndarray of int of shape (series,)
        Where the rows of each series begin in `past`, `future` and `stamps`.
    stamps : pandas.Index of length rows
    learnt, tuned, known : ndarray of int of shape (columns,)
        Rows of each column to learn from before tuning; where the rows to tune on end; rows to learn from at last.
    """

    raw: np.ndarray
    values: np.ndarray
    start: np.ndarray
    lengths: np.ndarray
    series: np.ndarray
    target: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    past: np.ndarray
    future: np.ndarray
    first: np.ndarray
    stamps: pd.Index
    learnt: np.ndarray
    tuned: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, problem):
        arrays, n = problem.arrays, len(problem.target)
        raw, values, center, scale, learnt, tuned, known = [], [], [], [], [], [], []
        origin = {int(number): int(problem.row[problem.which == number].min()) for number in np.unique(problem.which)}
        for number, series in enumerate(arrays):
            seen = series.train_end or origin.get(number, 0) + 1  # of a series that was never learnt: its history
            table, whole = series.targets[:seen], filled(series.targets)
            middle = np.nanmean(table, axis=0)
            spread = np.nanstd(table, axis=0) if problem.series is None else np.nanmean(abs(np.diff(table, axis=0)), 0)
            spread = np.where(spread > 0, spread, 1.0)
            raw.append(((series.targets - middle) / spread).T.ravel())
            values.append(((whole - middle) / spread).T.ravel())
            center += [*middle]
            scale += [*spread]
            if series.known_end > series.train_end:
                cut = series.train_end, series.known_end, series.train_end
            else:
                held = max(int(SHARE * series.train_end), min(2 * problem.horizon, series.train_end // 3))
                cut = series.train_end - held, series.train_end, series.train_end
            for part, rows in zip((learnt, tuned, known), cut, strict=True):
                part += [rows] * n
        lengths = np.repeat([len(series.targets) for series in arrays], n)
        index = arrays[0].index
        for series in arrays[1:]:
            index = index.append(series.index)
        return cls(
            np.concatenate(raw), np.concatenate(values), np.r_[0, np.cumsum(lengths)[:-1]], lengths,
            np.repeat(np.arange(len(arrays)), n), np.tile(np.arange(n), len(arrays)), np.array(center), np.array(scale),
            _scaled([series.past for series in arrays], arrays), _scaled([series.future for series in arrays], arrays),
            np.r_[0, np.cumsum([len(series.targets) for series in arrays])[:-1]], index, np.array(learnt),
            np.array(tuned), np.array(known),
        )  # fmt: skip

    def window_ends(self, part, horizon, least=1):
        """Column and row of the newest value of all windows of a part: "learnt", "tuned" or "known".

        The targets of "tuned" windows lie in the rows to tune on, those of the others before the end of the part. Each
        has `least` rows of history and, among its targets, an observed value.
        """
        columns, rows = [], []
        for column in range(len(self.start)):
            begin = self.learnt[column] - 1 if part == "tuned" else least - 1
            end = getattr(self, part)[column] - horizon
            row = np.arange(max(begin, 0), end)
            columns.append(np.full(len(row), column))
            rows.append(row)
        return np.concatenate(columns), np.concatenate(rows)

    def ahead(self, column, row, horizon):
        """Targets of windows on the scale of their series, NaN where missing, shape (n, horizon)."""
        return self.raw[(self.start[column] + row)[:, None] + np.arange(1, horizon + 1)]

    def newest(self, column, row):
        return self.values[self.start[column] + row]

    def columns_of(self, problem, which, row):
        """Column and row of every target of some origins, origin after origin."""
        n = len(problem.target)
        return np.repeat(which * n, n) + np.tile(np.arange(n), len(which)), np.repeat(row, n)

    def restored(self, problem, column, found):
        """From (n * targets, horizon, ...) on the scale of the series to (n, horizon, targets, ...) in its units."""
        shape = (-1, *[1] * (found.ndim - 1))
        found = found * self.scale[column].reshape(shape) + self.center[column].reshape(shape)
        return np.moveaxis(found.reshape(-1, len(problem.target), *found.shape[1:]), 1, 2)


def _scaled(tables, arrays):
    """Covariates of all series, filled, by mean and deviation of the rows to learn from."""
    learnt = np.concatenate([table[: series.train_end] for table, series in zip(tables, arrays, strict=True)])
    whole = np.concatenate([filled(table) for table in tables])
    if not whole.shape[1]:
        return whole
    spread = np.nanstd(learnt, axis=0)
    return (whole - np.nanmean(learnt, axis=0)) / np.where(spread > 0, spread, 1.0)


def drawn(rng, n, most):
    """Positions of at most `most` of n, ascending."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


class Residuals:
    """Quantiles of errors on the rows to tune on, per step, and per target where there are few series."""

    def __init__(self, flat, problem, column, gone, levels):
        self.flat, self.pooled = flat, problem.series is not None
        groups = np.zeros(len(column), int) if self.pooled else column
        self.table = {g: np.nanquantile(gone[groups == g], levels, axis=0).T for g in np.unique(groups)}

    def around(self, column, found):
        """Quantiles (n, horizon, levels) around forecasts (n, horizon), both on the scale of the series."""
        offsets = np.stack([self.table[0 if self.pooled else g] for g in column])
        return found[..., None] + offsets
