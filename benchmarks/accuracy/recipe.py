"""Our forecaster without a setting: it gets target, covariates, horizon, loss and what the frame is like."""

import warnings
from types import SimpleNamespace

import numpy as np

from forecast import SeriesForecaster
from forecast._series.backtesting import intervals_at, read_rows, static_bounds
from forecast._series.forecasting import from_origins

from .scores import LEVELS

COVERAGES = [0.8, 0.95]


class Recipe:
    """`SeriesForecaster(target=..., horizon=...)` and nothing that depends on the data set.

    Parameters
    ----------
    seed : int
    threads : int
    settings : dict, default=None
        Arguments in place of the defaults: for ablations.
    """

    def __init__(self, seed=0, threads=1, settings=None):
        self.seed, self.threads, self.settings = seed, threads, settings or {}

    def fit(self, problem):
        self.problem = problem
        options = {
            "target": problem.target if len(problem.target) > 1 else problem.target[0],
            "horizon": problem.horizon,
            "loss": problem.loss,
            "past_covariates": problem.past or None,
            "future_covariates": problem.future or None,
            "missing": problem.missing,
            "series": problem.series,
            "random_state": self.seed,
            "n_jobs": self.threads,
        }
        if "regressor" in self.settings:  # which has a loss and threads of its own
            options = {name: value for name, value in options.items() if name not in ("loss", "n_jobs")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no trading calendar; skill
            self.model = fitted(options | self.settings, problem)
            self.rows = read_rows(self.model, problem.frame)
        keys = {key: number for number, key in enumerate(self.rows.keys)}
        self.starts = self.rows.starts[[keys[series.key] for series in problem.arrays]]
        return self

    def forecast(self, which, row):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return from_origins(self.model._state, self.rows, self.starts[which] + row, self.problem.horizon)

    def quantiles(self, which, row, forecast):
        """Those of the members where all have them, else conformal ones, as right after `fit`."""
        state = self.model._state
        if state.has_quantiles:
            levels = [float(level) for level in LEVELS]
            return from_origins(state, self.rows, self.starts[which] + row, self.problem.horizon, levels)
        bounds = static_bounds(state, self.rows, self._places(which, row), forecast, [0.2, 0.4, 0.6, 0.8])
        lower, upper = ([bounds[f"{side}_{level}"] for level in (0.8, 0.6, 0.4, 0.2)] for side in ("lower", "upper"))
        return np.stack([*lower, forecast, *upper[::-1]], axis=-1)

    def intervals(self, which, row, forecast):
        """Intervals at each origin from what was known at it; conformal ones of a few far windows are those of the fit.

        Where the model has quantiles, they are what `predict_interval` returns at each origin with the rows up to it.
        """
        state, places = self.model._state, self._places(which, row)
        if self.problem.quantiles and state.has_quantiles:
            return self._as_rows_arrive(row)
        if self.problem.quantiles:
            bounds = static_bounds(state, self.rows, places, forecast, COVERAGES)
        else:
            bounds = intervals_at(self.rows, places, forecast, COVERAGES, state.calibration, state.error_scales)
        return {level: (bounds[f"lower_{level:g}"], bounds[f"upper_{level:g}"]) for level in COVERAGES}

    def _as_rows_arrive(self, row):
        """Of one series, (lower, upper) by coverage."""
        found = {(side, level): [] for side in ("lower", "upper") for level in COVERAGES}
        for newest in row:
            frame = self.model.predict_interval(history=self.problem.frame.iloc[: newest + 1], coverage=COVERAGES)
            for (side, level), parts in found.items():
                parts.append(frame[[f"{name}_{side}_{level:g}" for name in self.problem.target]].to_numpy())
        return {level: tuple(np.stack(found[side, level]) for side in ("lower", "upper")) for level in COVERAGES}

    def _places(self, which, row):
        """Origins as the package's backtest has them."""
        origins = self.starts[which] + row
        number = np.searchsorted(self.rows.starts, origins, side="right") - 1
        return SimpleNamespace(series=number, row=origins, steps=np.arange(1, self.problem.horizon + 1))

    def notes(self):
        """What was chosen."""
        return {"recipe": str(getattr(self.model, "recipe_", None)), "report": str(self.model.report_)}


def fitted(options, problem):
    """The forecaster fitted on the training rows, with the validation rows where the protocol has them."""
    given = {"X_val": problem.validation} if problem.validation is not None else {}
    return SeriesForecaster(**options).fit(problem.train, **given)
