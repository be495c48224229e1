"""Forecasts that need no training, and those of volatility in closed form."""

import numpy as np

from .scores import LEVELS


def filled(values):
    """Missing values take the value before them; those at the start the first one."""
    values = np.asarray(values, dtype=np.float64)
    out = values.copy()
    for column in out.T:
        seen = np.flatnonzero(~np.isnan(column))
        if len(seen):
            column[:] = column[seen[np.maximum(np.searchsorted(seen, np.arange(len(column)), side="right") - 1, 0)]]
    return out


class SeasonalNaive:
    """The values one season before; quantiles are normal around them, as statsforecast has them."""

    def __init__(self, seed=0, threads=1, last=False):
        self.last = last

    def fit(self, problem):
        self.problem = problem
        self.season = 1 if self.last else problem.season
        self.values = [filled(series.targets) for series in problem.arrays]
        return self

    def forecast(self, which, row):
        steps = np.arange(1, self.problem.horizon + 1)
        back = steps - self.season * -(-steps // self.season)  # 1 - season to 0
        out = np.empty((len(which), len(steps), len(self.problem.target)))
        for number in np.unique(which):
            mine = which == number
            out[mine] = self.values[number][np.maximum(row[mine, None] + back, 0)]
        return out

    def quantiles(self, which, row, forecast):
        from scipy.stats import norm

        steps = np.arange(self.problem.horizon)
        grows = np.sqrt(steps // self.season + 1)
        out = np.empty((*forecast.shape, len(LEVELS)))
        for i, (number, newest) in enumerate(zip(which, row, strict=True)):
            known = self.problem.arrays[number].targets[: newest + 1]
            known = known[-self.problem.naive_rows :] if self.problem.naive_rows else known
            change = known[self.season :] - known[: -self.season]
            sigma = np.sqrt(np.nanmean(change**2, axis=0))
            out[i] = forecast[i][..., None] + (grows[:, None] * sigma)[..., None] * norm.ppf(LEVELS)
        return out


class RollingMean:
    """The mean of the newest 22 values, for every step."""

    def __init__(self, seed=0, threads=1):
        pass

    def fit(self, problem):
        self.problem = problem
        return self

    def forecast(self, which, row):
        mean = _means(self.problem.arrays[0].targets[:, 0], (22,))[row, 0]
        return np.repeat(mean[:, None, None], self.problem.horizon, axis=1)


class HAR:
    """Heterogeneous autoregression of Corsi (2009): the coming mean from the means of a day, a week and a month.

    The same regression of logarithms, with half the variance of its residuals added before the exponential, is log-HAR.
    """

    def __init__(self, seed=0, threads=1, logarithm=False):
        self.logarithm = logarithm

    def fit(self, problem):
        self.problem = problem
        series, horizon = problem.arrays[0], problem.horizon
        values = series.targets[:, 0]
        self.floor = 0.01 * np.median(values[: series.known_end])
        rows = np.arange(21, series.known_end - horizon)
        coming = np.array([values[row + 1 : row + 1 + horizon].mean() for row in rows])
        X, y = self._design(rows), np.log(np.maximum(coming, self.floor)) if self.logarithm else coming
        self.weights = np.linalg.lstsq(X, y, rcond=None)[0]
        self.correction = np.var(y - X @ self.weights) / 2 if self.logarithm else 0.0
        return self

    def _design(self, row):
        means = _means(self.problem.arrays[0].targets[:, 0], (1, 5, 22))[row]
        means = np.log(np.maximum(means, self.floor)) if self.logarithm else means
        return np.column_stack([np.ones(len(row)), means])

    def forecast(self, which, row):
        found = self._design(row) @ self.weights + self.correction
        found = np.exp(found) if self.logarithm else np.maximum(found, self.floor)
        return np.repeat(found[:, None, None], self.problem.horizon, axis=1)


def _means(values, lengths):
    """Means of the newest values of some lengths, at every row; shape (rows, lengths)."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    out = np.full((len(values), len(lengths)), np.nan)
    for place, length in enumerate(lengths):
        out[length - 1 :, place] = (total[length:] - total[:-length]) / length
    return out
