"""Estimators of scikit-learn as transforms and regressors: output settings, model files, the leak check."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LassoLars, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler
from sklearn.utils import all_estimators

import forecast
from forecast import ModelFileError, RNNForecaster, SeriesForecaster
from forecast.diagnostics import LeakageError, check_no_leakage
from forecast.model_selection import RollingOrigin

DAYS = pd.date_range("2024-01-01", periods=120)
FRAME = pd.DataFrame({"y": 10 + np.sin(np.arange(120)) + 0.1 * np.random.default_rng(0).normal(size=120)}, index=DAYS)


def model(regressor=None, **parameters):
    regressor = Ridge() if regressor is None else regressor
    return SeriesForecaster(regressor, **{"target": "y", "lookback": 7, "horizon": 3} | parameters)


# -------------------- sklearn.set_config(transform_output=...)


def first_column(x):
    return x[:, [0]] * 2


def half_of_it(x):
    return x[:, [0]] / 2


NETWORK = RNNForecaster(hidden_size=4, max_iter=1, random_state=0)
MODELS = {
    "transform": model(transform=StandardScaler()),
    "transform with an output of its own": model(transform=StandardScaler().set_output(transform="pandas")),
    "pipeline as transform": model(
        transform=make_pipeline(StandardScaler(), FunctionTransformer(first_column, half_of_it))
    ),
    "chain": model(transform=["log", PowerTransformer()]),
    "own transform": model(transform="boxcox", calendar=["dayofweek"]),
    "pipeline as regressor": model(make_pipeline(StandardScaler(), PCA(3), Ridge())),
    "network in a pipeline": model(make_pipeline(StandardScaler(), NETWORK)),
    "transformed target": model(TransformedTargetRegressor(Ridge(), transformer=StandardScaler())),
}


@pytest.mark.parametrize("output", ["pandas", "polars"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_output_that_transformers_are_set_to_moves_no_bit(kind, output):
    one = MODELS[kind]
    want = one.fit(FRAME)
    want = want.predict(), want.predict_interval(coverage=0.5)
    with config_context(transform_output=output):
        inside = one.fit(FRAME)
        pd.testing.assert_frame_equal(inside.predict(), want[0], check_exact=True)
        pd.testing.assert_frame_equal(inside.predict_interval(coverage=0.5), want[1], check_exact=True)
    pd.testing.assert_frame_equal(inside.predict(), want[0], check_exact=True)


def test_a_transformer_set_to_polars_is_a_transform():
    scaler = StandardScaler().set_output(transform="polars")
    want = MODELS["transform"].fit(FRAME).predict()
    pd.testing.assert_frame_equal(model(transform=scaler).fit(FRAME).predict(), want, check_exact=True)


# -------------------- model files


@pytest.mark.parametrize(
    "regressor",
    [DummyRegressor(), make_pipeline(PCA(3), Ridge()), LassoLars()],
    ids=["dummy", "pipeline", "a parameter with a default in the class"],
)
def test_regressors_of_modules_without_a_list_of_names_are_saved(regressor, tmp_path):
    fitted = model(regressor).fit(FRAME)
    fitted.save(tmp_path / "model")
    assert forecast.load(tmp_path / "model").predict().equals(fitted.predict())


def test_names_that_such_a_module_only_imports_are_refused():
    from forecast._files.scikit import class_of

    assert class_of("sklearn.dummy.DummyRegressor") is DummyRegressor
    for name in ("BaseEstimator", "check_array", "__loader__", "np", "nothing of the kind"):
        assert class_of(f"sklearn.dummy.{name}") is None
    assert class_of("sklearn.linear_model.BaseEstimator") is None
    assert class_of("os.system") is None


def _made(name, cls):
    if name in ("StackingRegressor", "VotingRegressor"):
        return cls([("one", Ridge()), ("two", Ridge(2.0))])
    return cls(Ridge()) if name in ("MultiOutputRegressor", "RegressorChain") else cls()


@pytest.mark.parametrize("horizon", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_regressor_that_can_be_fitted_is_saved_or_refused_with_the_way_out(horizon, tmp_path):
    saved, told = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # regressors that do not converge on sixty rows
        for name, cls in all_estimators(type_filter="regressor"):
            try:
                fitted = model(_made(name, cls), horizon=horizon, validation_fraction=None).fit(FRAME[:60])
            except (TypeError, ValueError, IndexError):  # one of its own, such as y with two columns
                continue
            try:
                fitted.save(tmp_path / name)
            except ModelFileError as error:
                told[name] = str(error)
                continue
            assert forecast.load(tmp_path / name).predict().equals(fitted.predict()), name
            saved.append(name)
    assert {"DummyRegressor", "LassoLars", "Ridge", "TransformedTargetRegressor"} <= set(saved)
    assert {"DecisionTreeRegressor", "KernelRidge", "KNeighborsRegressor", "SVR"} <= set(told)
    assert all("joblib.dump(model, path)" in message for message in told.values())
    assert len(saved) > 20


# -------------------- the leak check


def logit(x):
    with np.errstate(all="ignore"):
        return np.log(x / (1 - x))


def expit(x):
    return 1 / (1 + np.exp(-x))


WAVE = 10 + 2 * np.sin(2 * np.pi * np.arange(300) / 24) + 0.1 * np.random.default_rng(0).normal(size=300)
BOUNDED = {
    "power": (PowerTransformer(), WAVE),
    "logit": (FunctionTransformer(logit, expit), WAVE / 20),
    "boxcox": ("boxcox", WAVE),
}


@pytest.mark.parametrize("kind", BOUNDED)
def test_absurd_values_that_a_transform_refuses_are_no_leak(kind):
    transform, values = BOUNDED[kind]
    df = pd.DataFrame({"y": values}, index=pd.date_range("2024-01-01", periods=300))
    one = model(lookback=14, horizon=5, transform=transform)
    assert check_no_leakage(one, df).n_forecasts == 250


def test_a_leak_behind_such_a_transform_is_found():
    class Peeking(RollingOrigin):
        def split(self, X, y=None, groups=None):
            skip = int(1e4 * abs(X["y"].iloc[-1])) % 100
            for train, test in super().split(X):
                yield train[skip:], test

    df = pd.DataFrame({"y": WAVE / 20}, index=pd.date_range("2024-01-01", periods=300))
    with pytest.raises(LeakageError):
        check_no_leakage(model(transform=BOUNDED["logit"][0]), df, cv=Peeking(4, 3))
