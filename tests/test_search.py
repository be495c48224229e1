"""scikit-learn's searches, folds, pipelines and meta-estimators around and inside `SeriesForecaster`."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.model_selection import PurgedTimeSeriesSplit, RollingOrigin

N, HORIZON = 400, 6


@pytest.fixture(scope="module")
def df():
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=N, freq="h", name="hour")
    wave = 5 + np.sin(np.arange(N) / 5) + 0.1 * rng.normal(size=N)
    return pd.DataFrame({"load": wave, "wind": rng.normal(size=N)}, index=hours)


def network(**changes):
    regressor = RNNForecaster(hidden_size=4, max_iter=3, random_state=0)
    return SeriesForecaster(**{"regressor": regressor, "target": "load", "lookback": 12, "horizon": HORIZON} | changes)


GRID = {"regressor__hidden_size": [4, 8], "lookback": [12, 18]}


def search(df, **options):
    cv = TimeSeriesSplit(3, test_size=HORIZON)
    return GridSearchCV(network(), GRID, cv=cv, error_score="raise", **options).fit(df, df["load"])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_parallel_searches_have_the_bits_of_a_sequential_one(df, backend):
    alone = search(df)
    with joblib.parallel_backend(backend):
        beside = search(df, n_jobs=2)
    for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
        np.testing.assert_array_equal(alone.cv_results_[name], beside.cv_results_[name])
    newest = [found.best_estimator_.predict().to_numpy().tobytes() for found in (alone, beside)]
    assert newest[0] == newest[1]


def test_halving_gives_the_promising_more_epochs(df):
    halving = HalvingGridSearchCV(
        network(),
        {"regressor__hidden_size": [2, 4, 8, 16]},
        resource="regressor__max_iter",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=TimeSeriesSplit(2, test_size=HORIZON),
        scoring="neg_mean_absolute_error",
        return_train_score=False,
        error_score="raise",
    ).fit(df, df["load"])
    assert halving.n_resources_ == [1, 2, 4]
    assert halving.best_estimator_.regressor_.n_iter_ == 4


@pytest.mark.parametrize("scoring", ["neg_mean_absolute_error", "r2", "neg_root_mean_squared_error"])
def test_scorers_compare_on_the_rows_of_the_fold(df, scoring):
    cv = RollingOrigin(3, HORIZON)
    scores = cross_val_score(network(), df, df["load"], cv=cv, scoring=scoring, error_score="raise")
    train, test = list(cv.split(df))[-1]
    fitted = network().fit(df.iloc[train])
    expected = sklearn.metrics.get_scorer(scoring)(fitted, df.iloc[test], df["load"].iloc[test])
    assert scores[-1] == expected


def test_the_target_may_be_transformed_around_and_inside(df):
    outside = TransformedTargetRegressor(network(regressor=Ridge(1e-9)), transformer=StandardScaler())
    outside.fit(df[["wind"]].iloc[:390], df["load"].iloc[:390])
    inside = network(regressor=TransformedTargetRegressor(Ridge(1e-9), transformer=StandardScaler())).fit(df.iloc[:390])
    plain = network(regressor=Ridge(1e-9)).fit(df.iloc[:390])
    expected = plain.predict()["load"]
    assert outside.predict(df[["wind"]].iloc[390:396]) == pytest.approx(expected, rel=1e-6)
    assert inside.predict()["load"].to_numpy() == pytest.approx(expected, rel=1e-6)


def test_a_pipeline_on_windows_is_a_regressor(df):
    fitted = network(regressor=make_pipeline(StandardScaler(), Ridge())).fit(df)
    assert np.isfinite(fitted.predict().to_numpy()).all()
    assert fitted.set_params(regressor__ridge__alpha=3.0).get_params()["regressor__ridge__alpha"] == 3.0


def test_metadata_goes_where_it_is_asked_for(df):
    """The series level asks for none; the network's sample weights are routed to windows."""
    windows = make_windows(df, target="load", lookback=12, horizon=HORIZON)
    weight = np.linspace(0.1, 1.0, len(windows))
    with sklearn.config_context(enable_metadata_routing=True):
        regressor = RNNForecaster(hidden_size=4, max_iter=2, random_state=0).set_fit_request(sample_weight=True)
        regressor.set_score_request(sample_weight=False)
        options = dict(cv=TimeSeriesSplit(2), error_score="raise")
        with_weight = cross_val_score(regressor, windows, windows.y, params={"sample_weight": weight}, **options)
        plain = cross_val_score(network(), df, df["load"], cv=TimeSeriesSplit(2, test_size=HORIZON))
    without = cross_val_score(RNNForecaster(hidden_size=4, max_iter=2, random_state=0), windows, windows.y, **options)
    assert np.isfinite(plain).all()
    assert (with_weight != without).all()


def test_folds_of_windows_share_the_series(df):
    windows = make_windows(df, target="load", lookback=12, horizon=HORIZON)
    seen = []

    class Spy(RNNForecaster):
        def fit(self, X, y=None, sample_weight=None):
            seen.append((X.values, y.windows.values))
            return super().fit(X, y, sample_weight)

    cv = PurgedTimeSeriesSplit(3, purge=HORIZON - 1)
    spy = Spy(hidden_size=2, max_iter=1, random_state=0)
    assert np.isfinite(cross_val_score(spy, windows, windows.y, cv=cv, error_score="raise")).all()
    assert all(np.shares_memory(array, windows.values) for pair in seen for array in pair)


def test_predictions_of_folds_stand_in_the_order_of_the_rows(df):
    windows = make_windows(df, target="load", lookback=12, horizon=HORIZON)
    cv = [(np.arange(200), np.arange(200, len(windows))), (np.arange(200, len(windows)), np.arange(200))]
    found = cross_val_predict(Ridge(), np.asarray(windows), np.asarray(windows.y), cv=cv)
    expected = Ridge().fit(np.asarray(windows)[:200], np.asarray(windows.y)[:200]).predict(np.asarray(windows)[200:])
    np.testing.assert_allclose(found[200:], expected)
