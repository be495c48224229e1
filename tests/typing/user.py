"""A user's program as `mypy --strict` reads it: what fit, predict, backtest and load give has a type."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast import Distribution, RNNClassifier, RNNForecaster, SeriesForecaster, load, read_card
from forecast.diagnostics import LeakageReport, check_no_leakage
from forecast.metrics import mae
from forecast.model_selection import BacktestReport, RollingOrigin, backtest
from forecast.plotting import LossCurveDisplay


def of_windows(X: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    model = RNNForecaster(cell="gru", hidden_size=8, quantile=[0.1, 0.5, 0.9], loss="quantile", random_state=0)
    assert_type(model.fit(X, y), RNNForecaster)
    assert_type(model.partial_fit(X, y), RNNForecaster)
    assert_type(model.predict(X), npt.NDArray[np.floating[Any]])
    assert_type(model.predict_quantiles(X, [0.1, 0.9]), npt.NDArray[np.floating[Any]])
    assert_type(model.predict_distribution(X), Distribution)
    assert_type(model.n_iter_, int)
    assert_type(model.loss_curve_, list[float])
    assert_type(LossCurveDisplay.from_estimator(model), LossCurveDisplay)
    return mae(y, model.predict(X))


def of_labels(X: list[npt.NDArray[np.float64]], y: list[str]) -> float:
    model = RNNClassifier(hidden_size=8, class_weight="balanced").fit(X, y)
    assert_type(model, RNNClassifier)
    return assert_type(model.score(X, y), float)


def of_series(df: pd.DataFrame) -> LeakageReport:
    model = SeriesForecaster(target="load", horizon=24, series="meter")
    assert_type(model.fit(df), SeriesForecaster)
    forecast: pd.DataFrame = model.predict()
    interval: pd.DataFrame = model.predict_interval(coverage=0.8)
    print(forecast, interval)
    report = backtest({"recipe": model}, df, cv=RollingOrigin(3, horizon=24))
    assert_type(report, BacktestReport)
    return check_no_leakage(model, df)


def from_file(path: str) -> dict[str, Any]:
    model = assert_type(load(path, SeriesForecaster), SeriesForecaster)
    model.save(path)
    assert_type(load(path, kind=RNNClassifier), RNNClassifier)
    assert_type(load(path), Any)
    return read_card(path)
