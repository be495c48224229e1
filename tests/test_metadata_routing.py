"""What `fit` takes next to X and y reaches it through pipelines and searches with scikit-learn's metadata routing."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from small_networks import small, table

from forecast import RNNClassifier, SeriesForecaster

X, Y = table()
X_VAL, Y_VAL = table(40, seed=1)
WEIGHT = np.random.default_rng(2).uniform(size=120)
FOLDS = TimeSeriesSplit(2)


@pytest.fixture(autouse=True)
def routed():
    with config_context(enable_metadata_routing=True):
        yield


def network(**changes):
    return small(**dict(max_iter=12, n_iter_no_change=2, tol=0.01) | changes)


def classifier():
    return RNNClassifier(hidden_size=4, max_iter=4, random_state=0)


def requested(model):
    return model.set_fit_request(sample_weight=True, X_val=True, y_val=True)


def unweighted(name):
    """A scorer that counts all rows equally."""
    return get_scorer(name).set_score_request(sample_weight=False)


def scaler():
    return StandardScaler().set_fit_request(sample_weight=False)


# -------------------- requests

TAKEN = {
    "network": (network, {"sample_weight", "X_val", "y_val", "starts"}),
    "classifier": (classifier, {"sample_weight", "X_val", "y_val"}),
    "forecaster": (lambda: SeriesForecaster(Ridge()), {"sample_weight", "X_val", "y_val", "static"}),
}


@pytest.mark.parametrize("name", TAKEN)
def test_everything_that_fit_takes_can_be_requested(name):
    make, taken = TAKEN[name]
    assert set(make().get_metadata_routing().fit.requests) == taken
    model = make().set_fit_request(**dict.fromkeys(sorted(taken), True))
    assert all(model.get_metadata_routing().fit.requests.values())


@pytest.mark.parametrize("make", [network, classifier], ids=["network", "classifier"])
def test_what_is_passed_without_a_request_is_refused(make):
    pipeline = Pipeline([("scale", StandardScaler()), ("network", make())])
    with pytest.raises(ValueError, match=r"\[sample_weight\] are passed but are not explicitly set as requested"):
        pipeline.fit(X, Y > 0, sample_weight=WEIGHT)


# -------------------- pipelines


@pytest.mark.parametrize(("make", "y", "y_val"), [(network, Y, Y_VAL), (classifier, Y > 0, Y_VAL > 0)])
def test_a_validation_set_is_transformed_as_X_is(make, y, y_val):
    steps = [("scale", scaler()), ("network", requested(make()))]
    pipeline = Pipeline(steps, transform_input=["X_val"]).fit(
        X * 9 + 5, y, sample_weight=WEIGHT, X_val=X_VAL * 9 + 5, y_val=y_val
    )
    scale = StandardScaler().fit(X * 9 + 5)
    given = scale.transform(X * 9 + 5), y, WEIGHT, scale.transform(X_VAL * 9 + 5), y_val
    expected = make().fit(*given)
    assert pipeline[-1].validation_loss_curve_ == expected.validation_loss_curve_
    assert len(expected.validation_loss_curve_) == expected.n_iter_
    assert pipeline.predict(X).tobytes() == expected.predict(pipeline[0].transform(X)).tobytes()


def test_without_transform_input_it_is_passed_as_it_is():
    pipeline = Pipeline([("scale", StandardScaler()), ("network", requested(network()))])
    pipeline.fit(X * 9 + 5, Y, X_val=X_VAL, y_val=Y_VAL)
    expected = network().fit(pipeline[0].transform(X * 9 + 5), Y, X_val=X_VAL, y_val=Y_VAL)
    assert pipeline[-1].validation_loss_curve_ == expected.validation_loss_curve_


# -------------------- searches


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_search_passes_weights_of_its_folds_and_the_whole_validation_set(in_pipeline):
    model, grid = requested(network()), {"hidden_size": [2, 4]}
    if in_pipeline:
        model = Pipeline([("scale", scaler()), ("network", model)], transform_input=["X_val"])
        grid = {"network__hidden_size": [2, 4]}
    search = GridSearchCV(model, grid, cv=FOLDS, scoring=unweighted("neg_mean_squared_error"), error_score="raise")
    search.fit(X, Y, sample_weight=WEIGHT, X_val=X_VAL, y_val=Y_VAL)
    for number, (train, test) in enumerate(FOLDS.split(X)):
        scale = StandardScaler().fit(X[train]) if in_pipeline else None
        seen = (lambda x, scale=scale: x) if scale is None else scale.transform
        one = network(hidden_size=2).fit(seen(X[train]), Y[train], WEIGHT[train], seen(X_VAL), Y_VAL)
        error = np.square(one.predict(seen(X[test])) - Y[test]).mean()
        score = search.cv_results_[f"split{number}_test_score"][0]
        assert score == pytest.approx(-error, rel=1e-12)
        equal = network(hidden_size=2).fit(seen(X[train]), Y[train], None, seen(X_VAL), Y_VAL)
        assert score != pytest.approx(-np.square(equal.predict(seen(X[test])) - Y[test]).mean(), rel=1e-6)


def test_a_forecaster_gets_the_weights_of_its_rows():
    df = pd.DataFrame({"y": np.sin(np.arange(90) / 3)}, pd.date_range("2024-01-01", periods=90))
    df["y"] += np.random.default_rng(0).normal(size=90)
    weight = np.linspace(0.1, 3, 90)

    def ridge():
        return SeriesForecaster(Ridge(), target="y", lookback=6, horizon=2, validation_fraction=None)

    cv = TimeSeriesSplit(2, test_size=2)
    found = cross_validate(
        ridge().set_fit_request(sample_weight=True), df, df["y"], cv=cv, params={"sample_weight": weight},
        scoring=unweighted("neg_mean_absolute_error"), error_score="raise",
    )["test_score"]  # fmt: skip
    for score, (train, test) in zip(found, cv.split(df), strict=True):
        one = ridge().fit(df.iloc[train], df["y"].iloc[train], sample_weight=weight[train])
        assert -score == abs(one.predict(df.iloc[test]) - df["y"].iloc[test]).mean()


def test_the_static_table_of_a_panel_goes_through_a_search_whole():
    days = pd.date_range("2024-01-01", periods=60)
    rows = [pd.DataFrame({"shop": n, "y": np.sin(np.arange(60) / 3) + n}, days) for n in range(3)]
    df, table_ = pd.concat(rows).sort_index(kind="stable"), pd.DataFrame({"size": [1.0, 2.0, 3.0]}, [0, 1, 2])
    model = SeriesForecaster(Ridge(), target="y", series="shop", lookback=6, horizon=2, static_covariates="size")
    model.set_fit_request(static=True)
    folds = [(np.arange(54 * 3), np.arange(54 * 3, 56 * 3))]
    search = GridSearchCV(model, {"lookback": [4, 6]}, cv=folds, error_score="raise")
    search.fit(df, df["y"], static=table_)
    assert search.best_estimator_._state.roles.static == ["size"]


class Doubled(BaseEstimator):
    """Twice the windows."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X

    def __sklearn_is_fitted__(self):
        return True


def test_requests_of_predict_reach_it():
    model = small(decoder="recurrent").set_predict_request(horizon=True)
    pipeline = Pipeline([("double", Doubled()), ("network", model)]).fit(X, X[:, :2])
    expected = small(decoder="recurrent").fit(2 * X, X[:, :2]).predict(2 * X, horizon=5)
    assert pipeline.predict(X, horizon=5).tobytes() == expected.tobytes()
