"""Metrics by the formulas of their benchmarks; each is fed with blocks of forecasts and has a result at the end.

Every score is called with `which` and `row` of the origins, the actual values and the forecast of shape
(n, horizon, targets), quantiles of shape (n, horizon, targets, 9) or None, and bounds, a dict of coverage to (lower,
upper) of the shape of the forecast, or None. Cells without an actual value do not count.
"""

from collections import defaultdict

import numpy as np

LEVELS = np.arange(1, 10) / 10


def mase_scale(values, season, row):
    """Mean absolute seasonal change of a series up to some rows.

    Parameters
    ----------
    values : ndarray of shape (T, n)
    season : int
    row : ndarray of int of shape (k,)
        Newest rows that count.

    Returns
    -------
    ndarray of shape (k, n)
    """
    change = np.abs(values[season:] - values[:-season])
    seen = ~np.isnan(change)
    total = np.cumsum(np.where(seen, change, 0.0), axis=0)
    count = np.cumsum(seen, axis=0)
    return total[row - season] / np.maximum(count[row - season], 1)


def pinball(actual, quantiles, levels=LEVELS):
    """Twice the pinball loss of each quantile, as GIFT-Eval has it; actual (...), quantiles (..., levels)."""
    gone = actual[..., None] - quantiles
    return 2 * np.maximum(levels * gone, (levels - 1) * gone)


def smape(actual, forecast):
    """Symmetric absolute percentage errors, 0 to 200, cell by cell."""
    return 200 * np.abs(actual - forecast) / (np.abs(actual) + np.abs(forecast))


def owa(smape_, mase, naive2_smape, naive2_mase):
    """Overall weighted average of M4, from the averages of a frequency."""
    return 0.5 * (smape_ / naive2_smape + mase / naive2_mase)


def qlike(actual, forecast):
    """Loss of variances: zero where the forecast is right, and more if it is too low than if it is too high."""
    ratio = actual / forecast
    return ratio - np.log(ratio) - 1


def interval_score(actual, lower, upper, coverage):
    """Width of intervals, plus 2 / (1 - coverage) for every unit that a value lies outside."""
    miss = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return upper - lower + 2 / (1 - coverage) * miss


class Score:
    """Sums over blocks; a mean is taken at the end."""

    def __init__(self, problem):
        self.problem = problem
        self.sums, self.counts = defaultdict(float), defaultdict(float)

    def put(self, name, cells):
        """Add cells to the mean of a name; NaN does not count."""
        self.sums[name] += float(np.nansum(cells))
        self.counts[name] += int(np.count_nonzero(~np.isnan(cells)))

    def mean(self, name):
        return self.sums[name] / self.counts[name] if self.counts[name] else float("nan")

    def add(self, which, row, actual, forecast, quantiles=None, bounds=None):
        """Feed a block."""
        if not np.isfinite(forecast).all():
            raise ValueError(f"{np.count_nonzero(~np.isfinite(forecast))} forecasts are not finite.")
        self.take(which, row, actual, forecast, quantiles)
        for coverage, (lower, upper) in (bounds or {}).items():
            inside = np.where(np.isnan(actual), np.nan, (lower <= actual) & (actual <= upper))
            self.put(f"coverage {coverage:.0%}", inside)
            self.bounded(which, row, actual, lower, upper, coverage)

    def bounded(self, which, row, actual, lower, upper, coverage):
        """Scores of intervals other than coverage."""

    def result(self):
        """Metrics by name."""
        return self.named() | {name: self.mean(name) for name in self.sums if name.startswith("coverage")}

    def scales(self, which, row, season):
        """The scale of MASE of each window and target, shape (n, 1, targets)."""
        out = np.empty((len(which), len(self.problem.target)))
        for number in np.unique(which):
            mine = which == number
            out[mine] = mase_scale(self.problem.arrays[number].targets, season, row[mine])
        return out[:, None]


class Errors(Score):
    """MSE, RMSE and MAE over windows, steps and targets."""

    def take(self, which, row, actual, forecast, quantiles):
        gone = forecast - actual
        self.put("MSE", gone**2)
        self.put("MAE", np.abs(gone))

    def named(self):
        return {"MSE": self.mean("MSE"), "RMSE": self.mean("MSE") ** 0.5, "MAE": self.mean("MAE")}


class Quantiles(Score):
    """MASE of the median, WQL and SQL of nine quantiles; without quantiles all nine are the point forecast.

    MASE and SQL: each window and target on its own scale, then the plain mean. WQL: the sum of the losses over the sum
    of absolute values.
    """

    def take(self, which, row, actual, forecast, quantiles):
        scale = self.scales(which, row, self.problem.season)
        if quantiles is None:
            quantiles = np.repeat(forecast[..., None], len(LEVELS), axis=-1)
        loss = pinball(actual, quantiles).mean(axis=-1)
        self.put("MASE", np.nanmean(np.abs(actual - forecast) / scale, axis=1))
        self.put("SQL", np.nanmean(loss / scale, axis=1))
        self.put("loss", loss)
        self.put("size", np.abs(actual))

    def named(self):
        return {"MASE": self.mean("MASE"), "WQL": self.sums["loss"] / self.sums["size"], "SQL": self.mean("SQL")}


class M4(Score):
    """sMAPE, MASE and OWA of the competition, MSIS of 95 % intervals.

    Parameters
    ----------
    problem : Problem
    naive2 : ndarray of shape (series, horizon)
        The competition's own forecasts, by which OWA is weighted.
    whole : ndarray of shape (series,)
        The scales of the competition's whole series, also where a problem has only their newest values.
    """

    def __init__(self, problem, naive2, whole):
        super().__init__(problem)
        self.naive2, self.whole = naive2, whole[:, None, None]

    def take(self, which, row, actual, forecast, quantiles):
        scale = self.whole[which]
        for prefix, given in (("", forecast), ("naive2 ", self.naive2[which][..., None])):
            self.put(f"{prefix}sMAPE", smape(actual, given))
            self.put(f"{prefix}MASE", (np.abs(actual - given) / scale).mean(axis=1))

    def bounded(self, which, row, actual, lower, upper, coverage):
        if coverage == 0.95:
            scale = self.whole[which]
            self.put("MSIS", (interval_score(actual, lower, upper, coverage) / scale).mean(axis=1))

    def named(self):
        found = {name: self.mean(name) for name in ("sMAPE", "MASE", "naive2 sMAPE", "naive2 MASE")}
        found["OWA"] = owa(*found.values())
        return found | ({"MSIS": self.mean("MSIS")} if self.counts["MSIS"] else {})


class Variance(Score):
    """QLIKE and MSE of the mean variance over the horizon.

    Parameters
    ----------
    problem : Problem
    least : float
        Actual values and forecasts are at least this: a logarithm is taken of them.
    """

    def __init__(self, problem, least):
        super().__init__(problem)
        self.least = least

    def take(self, which, row, actual, forecast, quantiles):
        actual, forecast = (np.maximum(cube.mean(axis=1), self.least) for cube in (actual, forecast))
        self.put("QLIKE", qlike(actual, forecast))
        self.put("MSE", (actual - forecast) ** 2)

    def named(self):
        return {"QLIKE": self.mean("QLIKE"), "MSE": self.mean("MSE")}
