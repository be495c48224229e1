"""Forecasts longer than the horizon: said once for each call of the user's, and by name."""

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_backend
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from forecast import RecursiveForecastWarning, SeriesForecaster
from forecast.baselines import LastValue
from forecast.model_selection import RollingOrigin, backtest


def wave(rows=120):
    hours = pd.date_range("2024-01-01", periods=rows, freq="h")
    return pd.DataFrame({"load": 5 + np.sin(np.arange(rows) / 4)}, index=hours)


def ridge(**changes):
    return SeriesForecaster(Ridge(), **dict(target="load", lookback=12, horizon=4) | changes)


def told(call):
    """The warnings of a call, whatever was said before it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [warning for warning in caught if warning.category is RecursiveForecastWarning]


def test_more_rows_than_the_horizon_are_told_once_in_every_call():
    df = wave()
    model = ridge().fit(df[:-10])
    for call in (lambda: model.predict(df[-10:]), lambda: model.score(df[-10:]), lambda: model.predict(df[-10:])):
        (warning,) = told(call)
        assert warning.filename == __file__
        text = str(warning.message)
        assert text.startswith("10 steps were asked for, but horizon is 4")
        for way in ("backtest(model, df, RollingOrigin(n_splits=5, horizon=4))", "predict(X, recursive=True)"):
            assert way in text


def test_a_panel_is_told_once():
    shops = pd.concat([wave().assign(shop=name) for name in "abc"])
    model = ridge(series="shop").fit(shops)
    assert len(told(lambda: model.predict(model.future_frame(9)))) == 1


def test_what_is_meant_is_silent_and_the_same():
    df = wave()
    model = ridge().fit(df[:-10])
    assert told(lambda: model.predict(df[-10:-6])) == []
    with pytest.warns(RecursiveForecastWarning):
        expected = model.predict(df[-10:])
    pd.testing.assert_frame_equal(model.predict(df[-10:], recursive=True), expected)
    with pytest.raises(ValueError, match=r"10 steps .* is 4, and recursive=False; .* Fix: horizon=10"):
        model.predict(df[-10:], recursive=False)
    with pytest.raises(TypeError, match="recursive is 'yes'; expected True, False or None"):
        model.predict(df[-10:], recursive="yes")
    assert len(model.predict(df[-10:-6], recursive=False)) == 4


def test_what_is_refused_is_not_told_before():
    df = wave().assign(wind=1.0)
    model = ridge(past_covariates="wind").fit(df[:-10])
    with pytest.raises(ValueError, match="past covariates"):
        model.predict(df[-10:])
    with pytest.raises(ValueError, match="intervals of 10 steps"):
        ridge().fit(df[:-10]).predict_interval(df[-10:])
    assert len(told(lambda: ridge().fit(df[:-10]).predict_quantiles(0.5, df[-10:]))) == 1


FOLDS = TimeSeriesSplit(3)


@pytest.mark.parametrize(
    "run",
    [
        lambda df: cross_val_score(ridge(), df, df["load"], cv=FOLDS),
        lambda df: cross_val_score(ridge(), df, df["load"], cv=FOLDS, scoring="neg_mean_absolute_error"),
        lambda df: GridSearchCV(ridge(), {"regressor__alpha": [1.0, 2.0]}, cv=FOLDS).fit(df, df["load"]),
        lambda df: GridSearchCV(ridge(), {"horizon": [2, 3, 60]}, cv=FOLDS).fit(df, df["load"]),
        lambda df: cross_val_score(
            GridSearchCV(ridge(), {"lookback": [8, 12]}, cv=FOLDS, scoring="r2"), df, df["load"], cv=FOLDS
        ),
    ],
    ids=["score", "scorer", "search", "horizons", "search in a search"],
)
def test_a_search_says_it_once_and_the_next_one_again(run):
    df = wave(160)
    assert [len(told(lambda: run(df))) for _ in range(2)] == [1, 1]


def test_threads_say_it_once_too():
    df = wave()
    with parallel_backend("threading", n_jobs=2):
        found = told(lambda: cross_val_score(ridge(lookback=11, horizon=3), df, df["load"], cv=FOLDS))
    assert len(found) == 1


def test_a_backtest_names_the_models_that_are_too_short():
    models = {"short": SeriesForecaster(LastValue(), target="load", lookback=12, horizon=4), "long": ridge(horizon=6)}
    df = wave() + np.random.default_rng(0).normal(size=(120, 1))
    (warning,) = told(lambda: backtest(models, df, RollingOrigin(n_splits=3, horizon=6)))
    text = "short: test parts have 6 steps and horizon is 4"
    assert str(warning.message).startswith(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = backtest(models, df, RollingOrigin(n_splits=3, horizon=6))
    assert any(note.startswith(text) for note in report.notes)
    assert told(lambda: backtest(models, df, RollingOrigin(n_splits=3, horizon=4))) == []
