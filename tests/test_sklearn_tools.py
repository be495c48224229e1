"""Each of scikit-learn's tools means something with a forecaster or is refused by name."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.impute import IterativeImputer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import RANSACRegressor, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)  # fmt: skip
from sklearn.multioutput import RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import SeriesForecaster, make_windows

CV = TimeSeriesSplit(3, test_size=5)


def frame(rows=100):
    days = pd.date_range("2024-01-01", periods=rows, freq="D")
    rng = np.random.default_rng(0)
    promo = rng.integers(0, 2, rows).astype(float)
    load = 10 + np.sin(np.arange(rows) * 0.9) + 2 * promo + rng.normal(size=rows) / 5
    return pd.DataFrame({"load": load, "wind": rng.normal(size=rows), "promo": promo}, index=days)


DF = frame()
TRAIN, TEST, Y = DF[:-5], DF[-5:], DF["load"]


def ridge(**changes):
    plain = dict(target="load", lookback=7, horizon=5, validation_fraction=None)
    return SeriesForecaster(Ridge(), **plain | changes)


def fitted(**changes):
    return ridge(**changes).fit(TRAIN, TRAIN["load"])


# -------------------- what shuffles or sets a column of future rows


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_importance_of_columns_that_are_not_read_is_refused(n_jobs):
    words = r"permutation_importance changes the columns \['load', 'wind', 'promo'\].*channel_importance"
    with pytest.raises(ValueError, match=words):
        permutation_importance(fitted(), TEST, TEST["load"], n_jobs=n_jobs)
    known = fitted(future_covariates="promo")
    with pytest.raises(ValueError, match=r"\['load', 'wind'\] of future.*permutation_importance of \['promo'\] al"):
        permutation_importance(known, TEST, TEST["load"], n_jobs=n_jobs)


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: VotingRegressor([("one", m)]).fit(TRAIN, TRAIN["load"])])
def test_it_is_refused_through_other_tools_too(wrap):
    with pytest.raises(ValueError, match="permutation_importance changes the columns"):
        permutation_importance(wrap(fitted()), TEST, TEST["load"], scoring="neg_mean_absolute_error")


def test_the_importance_of_what_is_known_ahead_means_something():
    known = fitted(future_covariates="promo")
    found = permutation_importance(known, TEST[["promo"]], TEST["load"], scoring="r2", n_repeats=9, random_state=0)
    assert found.importances_mean[0] > 0.1


def test_so_does_the_importance_of_lags_on_windows():
    windows = make_windows(DF, target="load", lookback=7, horizon=5, window_norm="last")
    found = permutation_importance(fitted().regressor_, np.asarray(windows), np.asarray(windows.y), random_state=0)
    assert found.importances_mean.max() > 0.01


def test_partial_dependence_is_for_what_is_known_ahead():
    known = fitted(future_covariates="promo")
    low, high = partial_dependence(known, TEST, ["promo"], kind="average")["average"][0]
    assert 0.5 < high - low < 3.0
    for model, name in ((known, "load"), (fitted(), "promo")):
        with pytest.raises(ValueError, match=rf"partial_dependence changes the columns \['{name}'\] of future rows"):
            partial_dependence(model, TEST, [name], kind="average")


# -------------------- what shuffles rows, or leaves none out that follow

SPLITTERS = [KFold(3), KFold(3, shuffle=True, random_state=0), ShuffleSplit(2, random_state=0), LeaveOneOut()]


@pytest.mark.parametrize("cv", SPLITTERS, ids=str)
def test_folds_that_do_not_follow_time_are_refused(cv):
    with pytest.raises(ValueError, match=r"RollingOrigin"):
        cross_val_score(ridge(), DF, Y, cv=cv, error_score="raise")


@pytest.mark.parametrize("tool", [learning_curve, permutation_test_score], ids=lambda tool: tool.__name__)
@pytest.mark.parametrize("y", [Y, Y.to_numpy()], ids=["series", "array"])
def test_tools_that_leave_no_series_are_refused_by_name(tool, y):
    with pytest.raises(ValueError, match=f"{tool.__name__} cannot judge a forecaster.*RollingOrigin"):
        tool(ridge(), DF, y, cv=CV)
    with pytest.raises(ValueError, match=f"{tool.__name__} cannot judge a forecaster"):
        tool(GridSearchCV(ridge(), {"lookback": [7]}, cv=CV, error_score="raise"), DF, y, cv=CV)


def test_cross_val_predict_is_refused():
    for cv, message in ((CV, "only works for partitions"), (KFold(3), "does not continue the fitted data")):
        with pytest.raises(ValueError, match=message):
            cross_val_predict(ridge(), DF, Y, cv=cv)
    with pytest.raises(ValueError, match="does not continue the fitted data"):
        StackingRegressor([("one", ridge())]).fit(TRAIN, TRAIN["load"])
    with pytest.raises(ValueError, match="not in time order"):
        ridge().fit(train_test_split(DF, random_state=0)[0])


def test_samples_are_no_resource_and_training_rows_no_test():
    halving = HalvingGridSearchCV(ridge(), {"lookback": [3, 7]}, cv=CV, min_resources=40, random_state=0)
    with pytest.raises(ValueError, match="All the 6 fits failed"):
        halving.fit(DF, Y)
    search = GridSearchCV(ridge(), {"lookback": [3]}, cv=CV, return_train_score=True)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        search.fit(DF, Y)
    assert any("does not continue the fitted data" in str(warning.message) for warning in told)
    assert np.isnan(search.cv_results_["mean_train_score"]).all()
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_validation_curves_mean_something():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Scoring failed", category=UserWarning)  # of the training rows
        _, found = validation_curve(ridge(), DF, Y, param_name="lookback", param_range=[3, 7], cv=CV)
    assert np.isfinite(found).all()
    assert (found[0] != found[1]).all()


# -------------------- what makes arrays of frames

ARRAYS = {
    "AdaBoostRegressor": lambda m: AdaBoostRegressor(m, n_estimators=2),
    "BaggingRegressor": lambda m: BaggingRegressor(m, n_estimators=2),
    "IterativeImputer": lambda m: IterativeImputer(m),
    "Pipeline": lambda m: make_pipeline(StandardScaler(), m),
    "RANSACRegressor": lambda m: RANSACRegressor(m, min_samples=50),
    "RFE": lambda m: RFE(m, n_features_to_select=1),
    "RegressorChain": lambda m: RegressorChain(m),
    "SequentialFeatureSelector": lambda m: SequentialFeatureSelector(m, n_features_to_select=1, cv=CV),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_tools_that_take_the_time_away_are_named(name):
    y = TRAIN[["load", "wind"]] if name == "RegressorChain" else TRAIN["load"]
    X = TRAIN.mask(TRAIN["wind"] > 1) if name == "IterativeImputer" else TRAIN
    named = "cross_validate|cross_val_score" if name == "SequentialFeatureSelector" else name
    with pytest.raises((TypeError, ValueError), match=f"({named}) gives its regressor a ndarray without time stamps"):
        ARRAYS[name](ridge()).fit(X, y)


def test_transformers_that_answer_with_frames_work():
    scaler = StandardScaler().set_output(transform="pandas")
    found = make_pipeline(scaler, ridge(past_covariates="wind")).fit(TRAIN, TRAIN["load"]).predict(TEST)
    expected = ridge(past_covariates="wind").fit(TRAIN.assign(wind=scaler.fit_transform(TRAIN)["wind"])).predict(TEST)
    pd.testing.assert_series_equal(found, expected["load"])


def test_what_no_tool_made_is_told_as_before():
    with pytest.raises(TypeError, match=r"X is a numpy\.ndarray; expected a pandas DataFrame or Series"):
        ridge().fit(TRAIN.to_numpy(), TRAIN["load"])


def test_what_is_for_classifiers_or_coefficients_is_refused_by_scikit_learn():
    with pytest.raises(ValueError, match="'estimator' parameter of CalibratedClassifierCV"):
        CalibratedClassifierCV(ridge()).fit(TRAIN, (TRAIN["load"] > 10).astype(int))
    with pytest.raises(ValueError, match="should have `coef_`"):
        SelectFromModel(ridge()).fit(TRAIN, TRAIN["load"]).get_support()
