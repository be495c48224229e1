"""LightGBM with one model for all steps: the step is a feature, next to lags, seasonal lags, calendar, covariates."""

import numpy as np
import pandas as pd

from .scores import LEVELS
from .windows import Flat, Residuals, drawn

ROWS = 100_000  # drawn to learn from
TREES = 400
LAGS = 24
MOST = 3_000_000  # rows to forecast; of larger tasks every k-th origin is tested


class Trees:
    """400 trees of 63 leaves, learning rate 0.05.

    Whether values are taken as they are or minus the newest one is tried on the rows to tune on, with a quarter of the
    trees.
    """

    def __init__(self, seed=0, threads=1):
        self.seed, self.threads = seed, threads

    def fit(self, problem):
        self.problem, self.flat = problem, Flat.of(problem)
        self.seasons = [j for j in (1, 2, 3, 7) if j == 1 or problem.season > 1]
        self.total = np.concatenate([[0.0], np.cumsum(self.flat.values)])
        index = self.flat.stamps
        self.stamps = index.start_time if isinstance(index, pd.PeriodIndex) else index
        rng = np.random.default_rng(self.seed)
        tune = self._drawn(rng, "tuned", ROWS // 4)
        learn = self._drawn(rng, "learnt", ROWS // 2)
        best = None
        for relative in (False, True):
            self.relative = relative
            model = self._trained(learn, TREES // 4)
            gone = self._target(*tune) - model.predict(self._features(*tune))
            loss = np.mean(gone**2 if problem.mean else np.abs(gone))
            if best is None or loss < best[0]:
                best = loss, relative, gone
        _, self.relative, gone = best
        self.residuals = self._residuals(tune, gone)
        self.model = self._trained(self._drawn(rng, "known", ROWS), TREES)
        return self

    def _drawn(self, rng, part, most):
        """Column, row and step of cells with an observed target."""
        flat, horizon = self.flat, self.problem.horizon
        column, row = flat.window_ends(part, horizon, least=min(LAGS, int(flat.learnt[flat.learnt > 0].min()) // 2))
        keep = drawn(rng, len(column) * horizon, int(1.2 * most))
        column, row, step = column[keep // horizon], row[keep // horizon], keep % horizon + 1
        seen = np.flatnonzero(~np.isnan(flat.raw[flat.start[column] + row + step]))
        seen = seen[drawn(rng, len(seen), most)]
        return column[seen], row[seen], step[seen]

    def _target(self, column, row, step):
        found = self.flat.raw[self.flat.start[column] + row + step]
        return found - self.flat.newest(column, row) if self.relative else found

    def _trained(self, cells, trees):
        from lightgbm import LGBMRegressor

        model = LGBMRegressor(
            n_estimators=trees, num_leaves=63, learning_rate=0.05, objective="l2" if self.problem.mean else "l1",
            n_jobs=self.threads, random_state=self.seed, verbosity=-1,
        )  # fmt: skip
        return model.fit(self._features(*cells), self._target(*cells))

    def _features(self, column, row, step):
        flat, season = self.flat, self.problem.season
        base = flat.start[column]
        newest = flat.values[base + row]
        values = []
        for lag in range(1, LAGS):
            values.append(flat.values[base + np.maximum(row - lag, 0)])
        for j in self.seasons:  # of the stamp that is forecast: the newest known one, and earlier ones
            back = step - season * (-(-step // season) + j - 1)
            values.append(np.where(row + back >= 0, flat.raw[base + np.maximum(row + back, 0)], np.nan))
        for length in sorted({7, max(season, 2), 7 * season}):
            first = np.maximum(row + 1 - length, 0)
            values.append((self.total[base + row + 1] - self.total[base + first]) / (row + 1 - first))
        values = np.column_stack(values)
        values = values - newest[:, None] if self.relative else values
        at = flat.first[flat.series[column]] + row
        other = [newest, step, flat.target[column]]
        if flat.past.shape[1]:
            day = np.maximum(row - 24, 0) - row
            other += [flat.past[at].T, flat.past[at + day].T]
        if flat.future.shape[1]:
            other += [flat.future[at].T, flat.future[at + step].T]
        other += self._calendar(at, step)
        return np.column_stack([values, np.concatenate([np.atleast_2d(part) for part in other]).T])

    def _calendar(self, at, step):
        """Of the stamp that is forecast; of the year only where the rows to learn from hold it twice."""
        if not isinstance(self.stamps, pd.DatetimeIndex) or self.problem.series is not None:
            return []
        stamps = self.stamps[np.minimum(at + step, len(self.stamps) - 1)]
        found = [stamps.hour + stamps.minute / 60, stamps.day_of_week]
        known = self.stamps[self.flat.known[0] - 1] - self.stamps[0]
        return found + ([stamps.day_of_year, stamps.month] if known >= pd.Timedelta(days=730) else [])

    def _residuals(self, cells, gone):
        """Quantiles of the errors of ten stretches of the horizon each, as few cells are known of a single step."""
        column, _, step = cells
        horizon = self.problem.horizon
        stretch = (step - 1) * min(10, horizon) // horizon
        table = np.full((len(column), min(10, horizon)), np.nan)
        table[np.arange(len(column)), stretch] = gone
        found = Residuals(self.flat, self.problem, column, table, LEVELS)
        place = np.arange(horizon) * min(10, horizon) // horizon
        found.table = {group: rows[place] for group, rows in found.table.items()}
        return found

    def every(self):
        """Of a task with too many cells every k-th origin is tested; this is k."""
        cells = len(self.problem.which) * self.problem.horizon * len(self.problem.target)
        return -(-cells // MOST)

    def _found(self, column, row):
        horizon, found = self.problem.horizon, []
        for some in np.array_split(np.arange(len(row)), max(1, len(row) * horizon // 400_000)):
            cells = np.repeat(column[some], horizon), np.repeat(row[some], horizon)
            steps = np.tile(np.arange(1, horizon + 1), len(some))
            found.append(self.model.predict(self._features(*cells, steps)).reshape(-1, horizon))
        found = np.concatenate(found)
        return found + self.flat.newest(column, row)[:, None] if self.relative else found

    def forecast(self, which, row):
        column, row = self.flat.columns_of(self.problem, which, row)
        return self.flat.restored(self.problem, column, self._found(column, row))

    def quantiles(self, which, row, forecast):
        column, row = self.flat.columns_of(self.problem, which, row)
        return self.flat.restored(self.problem, column, self.residuals.around(column, self._found(column, row)))

    def notes(self):
        return {"relative": self.relative}
