"""Regressors with one output are fitted for each step and target; those with several are left alone."""

import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import BaggingRegressor, GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast._series import windows_of_frame
from forecast.model_selection import RollingOrigin, backtest


def wave(rows=90, **columns):
    days = pd.date_range("2024-01-01", periods=rows, freq="D")
    noise = np.random.default_rng(0).normal(size=(2, rows)) / 10
    angle = np.arange(rows) * 2 * np.pi / 7
    return pd.DataFrame({"a": np.sin(angle) + noise[0], "b": 5 + np.cos(angle) + noise[1], **columns}, index=days)


def model(regressor, **changes):
    return SeriesForecaster(regressor, **dict(target="a", lookback=7, horizon=3, validation_fraction=None) | changes)


class Bare:
    """Not even a `BaseEstimator`: it says nothing of itself."""

    def __init__(self, several=True):
        self.several = several

    def get_params(self, deep=True):
        return {"several": self.several}

    def set_params(self, **changes):
        vars(self).update(changes)
        return self

    def fit(self, X, y):
        if np.ndim(y) > 1 and not self.several:
            raise RuntimeError("one column")
        self.inner_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class Flattening(RegressorMixin, BaseEstimator):
    """Takes several columns and answers with one."""

    def fit(self, X, y):
        self.inner_ = LinearRegression().fit(X, y if np.ndim(y) == 1 else y[:, 0])
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return self.inner_.predict(X)


ONE = {
    "gradient boosting": lambda: GradientBoostingRegressor(n_estimators=3, random_state=0),
    "histograms": lambda: HistGradientBoostingRegressor(max_iter=3, random_state=0),
    "vectors": SVR,
    "a pipeline": lambda: make_pipeline(StandardScaler(), SVR()),
    "a search": lambda: GridSearchCV(SVR(), {"C": [1.0, 2.0]}, cv=TimeSeriesSplit(2)),
    "bagging": lambda: BaggingRegressor(SVR(), n_estimators=2, random_state=0),
    "a class that says nothing": lambda: Bare(several=False),
    "a class that flattens": Flattening,
}
if find_spec("lightgbm"):
    from lightgbm import LGBMRegressor

    ONE["LightGBM"] = lambda: LGBMRegressor(n_estimators=3, min_child_samples=5, verbose=-1, random_state=0)
SEVERAL = {
    "ridge": Ridge,
    "network": lambda: RNNForecaster(hidden_size=4, max_iter=2, random_state=0),
    "perceptron": lambda: MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0),
    "bagging": lambda: BaggingRegressor(Ridge(), n_estimators=2, random_state=0),
    "a search": lambda: GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=TimeSeriesSplit(2)),
    "a pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "a class that says nothing": Bare,
    "what is wrapped": lambda: MultiOutputRegressor(BayesianRidge()),
}


@pytest.mark.parametrize("several", [False, True], ids=["one target", "two targets"])
@pytest.mark.parametrize("name", ONE)
def test_a_regressor_with_one_output_is_cloned_for_each(name, several):
    df, make = wave(), ONE[name]
    fitted = model(make(), target=["a", "b"] if several else "a").fit(df)
    assert len(fitted.regressor_.estimators_) == (6 if several else 3)
    windows = windows_of_frame(fitted, df)
    X, y = np.asarray(windows), np.asarray(windows.y)
    alone = clone(make()).fit(X, y[:, 2])
    np.testing.assert_array_equal(fitted.regressor_.predict(X)[:, 2], alone.predict(X))
    assert fitted.predict().shape == (3, 2 if several else 1)


@pytest.mark.parametrize("name", SEVERAL)
def test_a_regressor_with_several_outputs_is_left_alone(name):
    make = SEVERAL[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = model(make(), target=["a", "b"]).fit(wave())
    assert type(fitted.regressor_) is type(make())
    if name != "what is wrapped":
        assert not hasattr(fitted.regressor_, "estimators_") or name == "bagging"


def test_one_step_of_one_target_needs_nothing():
    assert type(model(SVR(), horizon=1).fit(wave()).regressor_) is SVR
    shared = model(SVR(), horizon=1, target=["a", "b"], multi_target="shared").fit(wave())
    assert type(shared.regressor_) is SVR
    assert shared.predict().shape == (1, 2)


def test_a_fault_that_has_nothing_to_do_with_outputs_is_told_as_it_is():
    with pytest.raises(ValueError, match="'C' parameter of SVR must be"):
        model(SVR(C=-1.0)).fit(wave())

    class Broken(SVR):
        def fit(self, X, y):
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        model(Broken()).fit(wave())


def test_parameters_clones_and_searches_see_the_regressor_itself():
    one = model(GradientBoostingRegressor(n_estimators=3, random_state=0)).fit(wave())
    assert one.get_params()["regressor__learning_rate"] == 0.1
    pd.testing.assert_frame_equal(clone(one).fit(wave()).predict(), one.predict())
    grid = {"regressor__learning_rate": [0.1, 0.5], "lookback": [7, 14]}
    search = GridSearchCV(one, grid, cv=TimeSeriesSplit(2, test_size=3), error_score="raise").fit(wave(), wave()["a"])
    assert len(search.cv_results_["params"]) == 4
    assert len(set(search.cv_results_["mean_test_score"])) == 4


def test_reports_cards_and_backtests_call_it_by_its_own_name():
    df = wave(200)
    fitted = model(BayesianRidge(), validation_fraction=0.2).fit(df)
    assert fitted.report_.table.index[0] == "BayesianRidge"
    assert fitted.card_["model"]["regressor"] == {"class": "BayesianRidge"}
    assert {"a_lower", "a_upper"} <= set(fitted.predict_interval(coverage=0.8).columns)
    report = backtest(fitted, df, RollingOrigin(n_splits=2, horizon=3))
    assert "BayesianRidge" in report.summary().index
    again = fitted.fit(df[:-3]).predict()["a"]
    last = report.frame.query("model == 'BayesianRidge' and origin == @df.index[-4]")["forecast"]
    np.testing.assert_array_equal(again, last)


def test_files_and_pickles_hold_all_clones(tmp_path):
    fitted = model(BayesianRidge(), target=["a", "b"]).fit(wave())
    fitted.save(tmp_path / "each.forecast")
    pd.testing.assert_frame_equal(forecast.load(tmp_path / "each.forecast").predict(), fitted.predict())
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(fitted)).predict(), fitted.predict())
    boosted = model(ONE["gradient boosting"]()).fit(wave())
    with pytest.raises(forecast.ModelFileError, match="joblib"):
        boosted.save(tmp_path / "boosted.forecast")


def test_members_panels_and_missing_targets_are_served_too():
    df = wave()
    members = {"boost": {"regressor": ONE["histograms"]()}, "dummy": {"regressor": DummyRegressor()}}
    mixed = SeriesForecaster(members=members, target="a", lookback=7, horizon=3).fit(df)
    assert len(mixed.members_["boost"].regressor_.estimators_) == 3
    assert type(mixed.members_["boost"].regressor) is HistGradientBoostingRegressor
    assert type(mixed.members_["dummy"].regressor_) is DummyRegressor
    shops = pd.concat([df.assign(shop=name) for name in "xy"])
    assert model(SVR(), series="shop").fit(shops).predict().shape == (6, 2)
    gappy = df.assign(a=df["a"].where(np.arange(90) != 40))
    assert np.isfinite(model(SVR(), missing="mask").fit(gappy).predict()["a"]).all()


def test_a_warm_start_of_clones_is_refused_by_name():
    one = model(SGDRegressor(warm_start=True, random_state=0)).fit(wave())
    with pytest.raises(ValueError, match="warm_start=True has no effect: a SGDRegressor has one output"):
        one.fit(wave())
    one.set_params(regressor__warm_start=False).fit(wave())
