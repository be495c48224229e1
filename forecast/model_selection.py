"""Evaluation in time order: a splitter with a rolling origin, and the backtest beside naive forecasts."""

import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from sklearn.base import clone

from ._frames import as_frame, check_length, column_names, frequency_of, read_values, season_length
from ._series import SeriesForecaster
from .baselines import seasonal_naive
from .metrics import mae, mase, rmse

__all__ = ["BacktestReport", "RollingOrigin", "backtest"]


class RollingOrigin:
    """Folds that test the `horizon` rows after an origin that moves forward; the last fold ends with the data.

    Parameters
    ----------
    n_splits : int, default=5
        Number of origins.
    horizon : int, default=1
        Test rows of each fold.
    step : int, default=None
        Rows from one origin to the next; None is `horizon`, so that no row is tested twice.
    gap : int, default=0
        Rows before the origin that are left out of training. `backtest` still looks back on them.
    max_train_size : int, default=None
        The newest rows to train on; None takes all before the origin.

    Raises
    ------
    ValueError
        A count is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> for train, test in RollingOrigin(n_splits=2, horizon=3).split(np.zeros(10)):
    ...     print(train, test)
    [0 1 2 3] [4 5 6]
    [0 1 2 3 4 5 6] [7 8 9]
    """

    def __init__(self, n_splits=5, horizon=1, step=None, gap=0, max_train_size=None):
        counts = {"n_splits": (n_splits, 1), "horizon": (horizon, 1), "step": (step, 1), "gap": (gap, 0)}
        counts["max_train_size"] = max_train_size, 1
        for name, (value, least) in counts.items():
            if value is None and name in ("step", "max_train_size"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise ValueError(f"{name} is {value!r}; expected a whole number, {least} or more.")
        self.n_splits = n_splits
        self.horizon = horizon
        self.step = step
        self.gap = gap
        self.max_train_size = max_train_size

    def split(self, X, y=None, groups=None):
        """Row positions of each fold, oldest origin first.

        Parameters
        ----------
        X : array-like or frame with a length
        y, groups : ignored

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            There are too few rows for `n_splits` origins.
        """
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        step = self.horizon if self.step is None else self.step
        first = n_rows - self.horizon - (self.n_splits - 1) * step
        if first - self.gap < 1:
            raise ValueError(
                f"{n_rows} rows are too few for {self.n_splits} origins {step} rows apart with horizon {self.horizon} "
                f"and gap {self.gap}: the first fold would have nothing to train on; expected at least "
                f"{n_rows + 1 - first + self.gap} rows. Fix: fewer splits or a shorter horizon."
            )
        for start in range(first, n_rows - self.horizon + 1, step):
            end = start - self.gap
            begin = 0 if self.max_train_size is None else max(0, end - self.max_train_size)
            yield np.arange(begin, end), np.arange(start, start + self.horizon)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Count the folds.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        int
        """
        return self.n_splits

    def __repr__(self):
        return (
            f"RollingOrigin(n_splits={self.n_splits}, horizon={self.horizon}, step={self.step}, gap={self.gap}, "
            f"max_train_size={self.max_train_size})"
        )


@dataclass(frozen=True)
class BacktestReport:
    """What a backtest found.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per model, origin, step and target: columns `model`, `origin` (label of the newest known row), `step` (1
        to horizon), `timestamp` (label forecast), `series` (name of the target), `actual`, `forecast`.
    seconds : dict of str to float
        Time of all fits and forecasts of each model.
    period : int
        Season of the seasonal naive forecast and of MASE, in steps.
    histories : dict
        The training values of each origin and target, `(origin, series) -> ndarray`, by which MASE scales.
    """

    frame: pd.DataFrame
    seconds: dict
    period: int
    histories: dict = field(repr=False)

    def summary(self):
        """Errors per model, best MAE first.

        Returns
        -------
        pandas.DataFrame
            Index `model`; columns `MAE` and `RMSE` in the units of the series, over all origins, steps and targets;
            `MASE`, the mean over origins and targets; `seconds`. NaN for MASE where a training series repeats itself
            exactly.
        """
        rows = {name: self._errors(rows) for name, rows in self.frame.groupby("model", sort=False)}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["MAE", "RMSE", "MASE"])
        table["seconds"] = pd.Series(self.seconds)
        return table.rename_axis("model").sort_values("MAE", kind="stable")

    def _errors(self, rows):
        scaled = [
            self._scaled(part["actual"], part["forecast"], self.histories[key])
            for key, part in rows.groupby(["origin", "series"], sort=False)
        ]
        return mae(rows["actual"], rows["forecast"]), rmse(rows["actual"], rows["forecast"]), float(np.mean(scaled))

    def _scaled(self, actual, forecast, history):
        if not (history[self.period :] != history[: -self.period]).any():
            return np.nan
        return mase(actual, forecast, history=history, period=self.period)


def backtest(model, df, cv, *, refit=True, n_jobs=None):
    """Forecast from several origins as if each were today, and compare with naive forecasts.

    Parameters
    ----------
    model : SeriesForecaster or dict of str to SeriesForecaster
        Several models are compared on the same origins. Models are cloned, never changed.
    df : pandas.DataFrame or pandas.Series
        The series, as for `SeriesForecaster.fit`.
    cv : splitter
        `RollingOrigin`, or another splitter (TimeSeriesSplit) whose test rows follow each other right after an origin
        and after all training rows.
    refit : bool or int, default=True
        True fits anew on the training rows of every origin. An int fits at every so many origins. False fits once, on
        the training rows of the first origin, and forecasts from all origins in one call: quicker, with an older model.
    n_jobs : int, default=None
        Fits at a time, as joblib counts them; None is one.

    Returns
    -------
    BacktestReport
        The models beside `"last value"` and `"seasonal naive"` (of the usual season of the frequency).

    Raises
    ------
    TypeError, ValueError
        The model is not a `SeriesForecaster`, the splitter does not follow time, models have different targets, or the
        data are refused by `fit`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from forecast.datasets import make_ar1
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=4)
    >>> report = backtest({"ridge": model}, make_ar1(400, random_state=0), RollingOrigin(n_splits=5, horizon=4))
    >>> report.frame.shape, list(report.summary().columns)
    ((60, 7), ['MAE', 'RMSE', 'MASE', 'seconds'])
    """
    models = model if isinstance(model, dict) else {_name(model): model}
    frame = as_frame(df, "df")
    targets = _targets(models, frame)
    values = read_values(frame, targets)
    freq = frequency_of(frame.index)
    folds = _folds(cv, frame)
    every = _refit_every(refit, len(folds))
    forecasts, seconds = {}, {}
    for name, one in models.items():
        forecasts[name], seconds[name] = _run(one, frame, folds, every, n_jobs)
    period = season_length(freq)
    period = period if min(len(train) for train, _ in folds) > period else 1
    for name, season in {"last value": 1, "seasonal naive": period}.items():
        started = time.perf_counter()
        past = ((values[: test[0]], len(test)) for _, test in folds)
        forecasts[name] = [seasonal_naive(known, steps, season) for known, steps in past]
        seconds[name] = time.perf_counter() - started
    origins = [frame.index[test[0] - 1] for _, test in folds]
    histories = {
        (origin, target): values[train, column].astype(np.float64)
        for origin, (train, _) in zip(origins, folds, strict=True)
        for column, target in enumerate(targets)
    }
    return BacktestReport(_long(forecasts, frame.index, values, targets, folds), seconds, period, histories)


def _name(model):
    regressor = getattr(model, "regressor", None)
    return "RNNForecaster" if regressor is None else type(regressor).__name__


def _targets(models, frame):
    """The targets that all models share."""
    found = {}
    for name, model in models.items():
        if not isinstance(model, SeriesForecaster):
            raise TypeError(
                f"model {name!r} is a {type(model).__name__}; expected a SeriesForecaster around a regressor."
            )
        if name in ("last value", "seasonal naive"):
            raise ValueError(f"{name!r} is the name of a naive forecast that is always there; expected another name.")
        found[name] = column_names(frame, model.target)[0]
    if not found:
        raise ValueError("model is an empty dict; expected at least one SeriesForecaster.")
    first = next(iter(found.values()))
    if any(targets != first for targets in found.values()):
        raise ValueError(f"the models have different targets: {found}; expected the same ones in the same order.")
    return first


def _folds(cv, frame):
    folds = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(frame)]
    for number, (train, test) in enumerate(folds):
        joined = all((np.diff(rows) == 1).all() for rows in (train, test))
        if not (len(train) and len(test) and joined and train[-1] < test[0]):
            raise ValueError(
                f"fold {number} of {cv} does not follow time: its training rows go from {train.min()} to "
                f"{train.max()}, its test rows from {test.min()} to {test.max()}; expected adjoining rows, training "
                "before test. Fix: cv=RollingOrigin(...) or sklearn.model_selection.TimeSeriesSplit(...)."
            )
    return folds


def _refit_every(refit, n_folds):
    """Origins from one fit to the next."""
    if refit is True:
        return 1
    if refit is False:
        return n_folds
    if not isinstance(refit, (int, np.integer)) or refit < 1:
        raise ValueError(f"refit is {refit!r}; expected True, False or a number of origins, 1 or more.")
    return int(refit)


def _run(model, frame, folds, every, n_jobs):
    """Forecasts of one model for each fold, and its seconds."""
    from joblib import Parallel, delayed

    check_length(min(len(folds[start][0]) for start in range(0, len(folds), every)), model.lookback, model.horizon)
    groups = [folds[start : start + every] for start in range(0, len(folds), every)]
    done = Parallel(n_jobs=n_jobs)(delayed(partial(_fit_and_forecast, clone(model)))(frame, group) for group in groups)
    return [forecast for forecasts, _ in done for forecast in forecasts], sum(seconds for _, seconds in done)


def _fit_and_forecast(model, frame, folds):
    """Fit on the training rows of the first fold and forecast all folds, in one call for all origins."""
    started = time.perf_counter()
    model.fit(frame.iloc[folds[0][0]])
    origins = np.array([test[0] - 1 for _, test in folds])
    steps = max(len(test) for _, test in folds)
    forecasts = model._forecast_from(frame, origins, steps)
    cut = [forecast[: len(test)] for forecast, (_, test) in zip(forecasts, folds, strict=True)]
    return cut, time.perf_counter() - started


def _long(forecasts, index, values, targets, folds):
    """One row per model, origin, step and target."""
    parts = []
    for name, per_fold in forecasts.items():
        for forecast, (_, test) in zip(per_fold, folds, strict=True):
            for column, target in enumerate(targets):
                part = {
                    "model": name,
                    "origin": index[np.full(len(test), test[0] - 1)],
                    "step": np.arange(1, len(test) + 1),
                    "timestamp": index[test],
                    "series": [target] * len(test),
                    "actual": values[test, column].astype(np.float64),
                    "forecast": forecast[:, column].astype(np.float64),
                }
                parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)
