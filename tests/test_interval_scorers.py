"""Scorers of quantiles and intervals: their values, and their use in scikit-learn's tools."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.metrics import (
    coverage,
    interval_score,
    neg_coverage_error,
    neg_interval_score,
    neg_pinball,
    pinball,
)

SCORERS = [neg_pinball, neg_interval_score, neg_coverage_error]
every = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.__name__)
FOLDS = TimeSeriesSplit(3, test_size=6)


def walk(seed=0, factor=1.0, rows=300):
    rng = np.random.default_rng(seed)
    y = 50 + np.cumsum(rng.normal(size=rows)) * 0.3 + 5 * np.sin(2 * np.pi * np.arange(rows) / 24)
    return pd.DataFrame({"y": factor * y}, pd.date_range("2026-01-01", periods=rows, freq="h", name="hour"))


def forecaster(**changes):
    return SeriesForecaster(
        Ridge(), **{"target": "y", "lookback": 24, "horizon": 6, "validation_fraction": 0.3} | changes
    )


def network(**changes):
    return RNNForecaster(**dict(loss="normal", hidden_size=6, max_iter=4, random_state=0) | changes)


def table(outputs=None):
    X = np.random.default_rng(0).normal(size=(150, 5))
    return X, X[:, -1] if outputs is None else X[:, -outputs:]


# -------------------- of a forecaster


def test_the_scores_are_those_of_the_metrics():
    df, model = walk(), forecaster()
    model.fit(df[:-6])
    later, y = df[-6:], df["y"][-6:]
    found = model.predict_interval(later, coverage=0.8)
    bounds = found["y_lower"], found["y_upper"]
    assert -neg_interval_score(model, later, y, coverage=0.8) == pytest.approx(interval_score(y, *bounds, coverage=0.8))
    assert -neg_coverage_error(model, later, y, coverage=0.8) == pytest.approx(abs(coverage(y, *bounds) - 0.8))
    quantiles = model.predict_quantiles(later, [0.1, 0.7])
    each = [pinball(y, quantiles["y_0.1"], 0.1), pinball(y, quantiles["y_0.7"], 0.7)]
    assert -neg_pinball(model, later, y, level=0.7) == pytest.approx(each[1])
    assert -neg_pinball(model, later, y, level=[0.1, 0.7]) == pytest.approx(np.mean(each))


def test_all_series_and_targets_count():
    df = pd.concat([walk(seed, factor).assign(shop=f"s{seed}") for seed, factor in ((0, 1.0), (1, 5.0))])
    df["z"] = df["y"] * 3
    later = df[df.index >= df.index.unique()[-6]].sort_index(kind="stable")  # row by row of both shops
    model = forecaster(series="shop", target=["y", "z"]).fit(df[df.index < later.index.min()])
    found = model.predict_interval(later, coverage=0.8)
    each = [
        interval_score(later[name], found[f"{name}_lower"], found[f"{name}_upper"], coverage=0.8) for name in ("y", "z")
    ]
    assert -neg_interval_score(model, later, later[["y", "z"]], coverage=0.8) == pytest.approx(np.mean(each))
    each = [pinball(later[name], found[f"{name}_upper"], 0.9) for name in ("y", "z")]
    assert -neg_pinball(model, later, later[["y", "z"]], level=0.9) == pytest.approx(np.mean(each))


def test_missing_values_are_left_out():
    df, model = walk(), forecaster(missing="mask")
    model.fit(df[:-6])
    later = df[-6:].copy()
    later.iloc[2] = np.nan
    known = later["y"].notna()
    quantile = model.predict_quantiles(later, 0.9)["y"]
    assert -neg_pinball(model, later, later["y"]) == pytest.approx(pinball(later["y"][known], quantile[known], 0.9))
    with pytest.raises(ValueError, match="nothing to judge"):
        neg_pinball(model, later * np.nan, later["y"] * np.nan)


# -------------------- of a network


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("parameters", [{"loss": "normal"}, {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}])
def test_the_bounds_of_a_network_are_its_quantiles(outputs, parameters):
    X, y = table(outputs)
    model = network(**parameters).fit(X, y)
    lower, middle, upper = np.moveaxis(model.predict_quantiles(X, [0.1, 0.5, 0.9]), -1, 0)
    assert -neg_interval_score(model, X, y, coverage=0.8) == pytest.approx(
        interval_score(y, lower, upper, coverage=0.8)
    )
    assert -neg_coverage_error(model, X, y, coverage=0.8) == pytest.approx(abs(coverage(y, lower, upper) - 0.8))
    assert -neg_pinball(model, X, y, level=0.5) == pytest.approx(pinball(y, middle, 0.5))


@every
def test_a_pipeline_and_windows_are_judged_too(scorer):
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), network()).fit(X, y)
    assert scorer(pipeline, X, y) == scorer(pipeline[-1], pipeline[:-1].transform(X), y)
    windows = make_windows(walk(), lookback=12, horizon=3)
    model = network().fit(windows)
    assert scorer(model, windows, windows.y) == scorer(model, np.asarray(windows), np.asarray(windows.y))


# -------------------- in scikit-learn's tools


@every
def test_a_scorer_works_in_cross_validation(scorer):
    df = walk()
    scores = cross_val_score(forecaster(), df, df["y"], scoring=scorer, cv=FOLDS, error_score="raise")
    assert (scores <= 0).all()
    X, y = table()
    assert (cross_val_score(network(), X, y, scoring=scorer, cv=FOLDS, error_score="raise") <= 0).all()


def test_a_search_chooses_by_an_interval():
    df = walk()
    scoring = {"interval": partial(neg_interval_score, coverage=0.8), "pinball": partial(neg_pinball, level=0.1)}
    arguments = dict(cv=FOLDS, scoring=scoring, error_score="raise")
    search = GridSearchCV(forecaster(), {"lookback": [2, 24]}, refit="interval", **arguments).fit(df, df["y"])
    assert search.best_params_ == {"lookback": 24}
    each = cross_validate(forecaster(), df, df["y"], **arguments)
    assert each["test_interval"].mean() == search.cv_results_["mean_test_interval"][1]
    later = walk(rows=306)[-6:]
    assert neg_pinball(search, later, later["y"]) == neg_pinball(search.best_estimator_, later, later["y"])


# -------------------- what is refused


@every
def test_an_estimator_without_quantiles_is_refused_by_name(scorer):
    X, y = table()
    with pytest.raises(TypeError, match="is a Ridge, which has no quantiles"):
        scorer(Ridge().fit(X, y), X, y)
    with pytest.raises(TypeError, match=r"is a RNNForecaster, which has no quantiles; .* loss='quantile'"):
        scorer(network(loss="squared_error").fit(X, y), X, y)


def test_numbers_out_of_range_and_of_another_length_are_refused():
    X, y = table()
    model = network().fit(X, y)
    with pytest.raises(ValueError, match=r"level is 1\.5"):
        neg_pinball(model, X, y, level=1.5)
    with pytest.raises(ValueError, match="coverage is 0"):
        neg_interval_score(model, X, y, coverage=0)
    with pytest.raises(ValueError, match="y has 149 values, but the forecast has 150"):
        neg_coverage_error(model, X, y[1:])
