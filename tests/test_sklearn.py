"""The estimator among scikit-learn's own tools: its checks, copies, searches, pipelines and scorers."""

import pickle
import warnings
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes the next line possible)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from forecast import RNNForecaster, SeriesForecaster, make_windows

CELLS = ("lstm", "gru", "rnn")
every_cell = pytest.mark.parametrize("cell", CELLS)


def small(**changes):
    return RNNForecaster(**dict(hidden_size=4, max_iter=5, random_state=0) | changes)


def table(n=90, lookback=6, outputs=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, lookback))
    return X, X[:, -1] if outputs is None else X[:, -outputs:] * 0.5


def series(n=160):
    return pd.Series(np.sin(np.arange(n) / 4) + np.arange(n) * 0.01)


# -------------------- scikit-learn's checks

SHAPES = [(cell, layers) for cell in CELLS for layers in (1, 2)]
EXACT = [
    RNNForecaster(cell=cell, num_layers=layers, hidden_size=8, max_iter=200, dtype="float64") for cell, layers in SHAPES
]
ROUNDED = [RNNForecaster(cell=cell, num_layers=layers, hidden_size=8, max_iter=200) for cell, layers in SHAPES[1::2]]
ROUNDED.append(RNNForecaster())  # the defaults, as they are
ANOTHER_INPUT = {"check_array_api_input"}  # about arrays of other libraries, which the tags do not promise
BEYOND_ROUNDING = {"check_sample_weight_equivalence_on_dense_data"}  # wants 1e-7; the last test here has the bound


def checks(estimators, without):
    """Every check of scikit-learn for every estimator."""
    found = []
    for estimator in estimators:
        for checked, check in estimator_checks_generator(estimator, legacy=True):
            name = getattr(check, "func", check).__name__
            if name not in without:
                words = [name, *(f"{k}={v}" for k, v in getattr(check, "keywords", {}).items())]
                found.append(pytest.param(checked, check, id=f"{estimator}-{'-'.join(words)}"))
    return found


@pytest.mark.parametrize(("estimator", "check"), checks(EXACT, ANOTHER_INPUT))
def test_every_check_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("estimator", "check"), checks(ROUNDED, ANOTHER_INPUT | BEYOND_ROUNDING))
def test_every_check_passes_in_single_precision(estimator, check):
    check(estimator)


def test_the_tags_hide_nothing():
    tags = get_tags(RNNForecaster())
    assert tags.estimator_type == "regressor"
    assert tags.regressor_tags.poor_score is False
    assert tags.non_deterministic is False
    assert tags.target_tags.multi_output
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.sparse
    assert is_regressor(RNNForecaster())


def test_a_series_forecaster_is_a_regressor_of_frames():
    assert is_regressor(SeriesForecaster(small(), lookback=4, horizon=2))
    with pytest.raises((TypeError, ValueError), match=r"frame|DataFrame|Series"):
        SeriesForecaster(small(), lookback=4, horizon=2).fit(np.zeros((30, 2)))


# -------------------- copies


@every_cell
def test_a_clone_has_the_parameters_and_nothing_fitted(cell):
    X, y = table()
    model = small(cell=cell, num_layers=2, dropout=0.1).fit(X, y)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X)
    assert copy.fit(X, y).predict(X).tobytes() == model.predict(X).tobytes()


@every_cell
@pytest.mark.parametrize("copied", [deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_a_copy_of_a_fitted_model_forecasts_the_same_bits_and_goes_on_the_same(cell, copied):
    X, y = table()
    model = small(cell=cell, num_layers=2).fit(X, y)
    copy = copied(model)
    assert copy.predict(X).tobytes() == model.predict(X).tobytes()
    before = model.predict(X)
    copy.partial_fit(X, y)
    assert model.predict(X).tobytes() == before.tobytes(), "a copy shares nothing"
    model.partial_fit(X, y)
    assert copy.predict(X).tobytes() == model.predict(X).tobytes()


def test_a_pickle_before_the_fit_is_as_good():
    X, y = table()
    model = pickle.loads(pickle.dumps(small()))
    assert model.fit(X, y).predict(X).tobytes() == small().fit(X, y).predict(X).tobytes()


def test_the_representation_shows_what_was_changed():
    assert repr(RNNForecaster(cell="gru", hidden_size=8)) == "RNNForecaster(cell='gru', hidden_size=8)"


# -------------------- searches


def test_a_grid_search_in_two_processes_finds_what_one_finds():
    X, y = table()
    grid = {"hidden_size": [1, 4], "cell": ["gru", "lstm"]}
    searches = [
        GridSearchCV(small(max_iter=20), grid, cv=TimeSeriesSplit(2), n_jobs=n, error_score="raise").fit(X, y)
        for n in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in searches)
    assert one.tobytes() == two.tobytes()
    assert searches[0].predict(X).tobytes() == searches[1].predict(X).tobytes()


def test_a_grid_search_on_windows_in_two_processes():
    windows = make_windows(series(), lookback=8, horizon=3, window_norm="last")
    search = GridSearchCV(small(), {"hidden_size": [2, 4]}, cv=TimeSeriesSplit(2), n_jobs=2, error_score="raise")
    search.fit(windows, windows.y)
    assert search.predict(windows[-5:]).shape == (5, 3)


def test_a_halving_search_spends_epochs():
    X, y = table()
    search = HalvingGridSearchCV(
        small(), {"hidden_size": [1, 2, 4], "learning_rate": [1e-2, 1e-4]}, resource="max_iter", min_resources=2,
        max_resources=18, cv=TimeSeriesSplit(2), error_score="raise", random_state=0,
    ).fit(X, y)  # fmt: skip
    assert sorted(set(search.cv_results_["n_resources"])) == [2, 6]
    assert search.best_estimator_.n_iter_ == 6


# -------------------- pipelines and scorers


def test_a_pipeline_scales_before():
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), small(hidden_size=8, max_iter=150)).fit(X * 100 + 7, y)
    assert pipeline.score(X * 100 + 7, y) > 0.9
    weighted = make_pipeline(StandardScaler(), small()).fit(X, y, rnnforecaster__sample_weight=np.arange(90.0))
    assert weighted.predict(X).shape == (90,)


def test_a_target_is_transformed_and_back():
    X, y = table()
    model = TransformedTargetRegressor(small(max_iter=60), func=np.log, inverse_func=np.exp).fit(X, np.exp(y))
    assert model.score(X, np.exp(y)) > 0.5
    assert np.all(model.predict(X) > 0)


def test_scores_on_windows_are_those_on_their_matrix():
    windows = make_windows(series(), lookback=8, horizon=3)
    arguments = dict(cv=TimeSeriesSplit(3), scoring="neg_mean_absolute_error", error_score="raise")
    lazy = cross_val_score(small(), windows, windows.y, **arguments)
    plain = cross_val_score(small(), np.asarray(windows), np.asarray(windows.y), **arguments)
    assert lazy.shape == (3,)
    np.testing.assert_allclose(lazy, plain, rtol=1e-4)


def test_out_of_fold_forecasts_have_the_shape_of_the_targets():
    X, y = table(outputs=2)
    assert cross_val_predict(small(), X, y, cv=3).shape == (90, 2)
    assert cross_val_predict(small(), X, y[:, 0], cv=3).shape == (90,)


def test_several_scorers_at_once():
    X, y = table()
    scores = cross_validate(small(), X, y, cv=3, scoring=["r2", "neg_root_mean_squared_error"], error_score="raise")
    assert np.isfinite(scores["test_r2"]).all()
    assert np.isfinite(scores["test_neg_root_mean_squared_error"]).all()


def test_three_dimensions_go_through_cross_validation():
    X, y = table(lookback=8)
    scores = [cross_val_score(small(), X.reshape(90, 4, 2), y, cv=3), cross_val_score(small(n_channels=2), X, y, cv=3)]
    assert scores[0].tobytes() == scores[1].tobytes()


@pytest.mark.parametrize("meta", [MultiOutputRegressor, RegressorChain])
def test_one_model_per_output(meta):
    X, y = table(outputs=3)
    assert meta(small()).fit(X, y).predict(X).shape == (90, 3)


# -------------------- frames


def test_column_names_are_kept_and_checked():
    X, y = table()
    frame = pd.DataFrame(X, columns=[f"lag {k}" for k in range(6, 0, -1)])
    model = small().fit(frame, y)
    assert model.feature_names_in_.tolist() == frame.columns.tolist()
    assert model.predict(frame).tobytes() == small().fit(X, y).predict(X).tobytes()
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_"), "a second fit forgets them"


def test_a_frame_of_targets_gives_an_array():
    X, y = table(outputs=2)
    model = small().fit(X, pd.DataFrame(y, columns=["a", "b"]))
    assert type(model.predict(X)) is np.ndarray
    assert model.predict(X).shape == (90, 2)


def test_pandas_output_of_the_steps_before_names_the_features():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    steps = ColumnTransformer([("scaled", StandardScaler(), list("abc"))], remainder="passthrough")
    pipeline = make_pipeline(steps, small()).set_output(transform="pandas").fit(frame, y)
    assert pipeline[-1].feature_names_in_[0] == "scaled__a"
    assert type(pipeline.predict(frame)) is np.ndarray


def test_a_column_vector_of_targets_keeps_its_shape_without_a_warning():
    X, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataConversionWarning)
        assert small().fit(X, y[:, None]).predict(X).shape == (90, 1)


# -------------------- sample weights in single precision


@every_cell
@pytest.mark.parametrize("layers", [1, 2])
def test_zero_weights_and_repeats_agree_in_single_precision(cell, layers):
    rng = np.random.default_rng(0)
    X, y = table(40, outputs=2)
    weight = rng.integers(0, 4, size=40)
    model = small(cell=cell, num_layers=layers, max_iter=60, batch_size=500)
    forecast = model.fit(X, y, sample_weight=weight).predict(X)
    repeated = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)).predict(X)
    removed = model.fit(X[weight > 0], y[weight > 0], sample_weight=weight[weight > 0]).predict(X)
    np.testing.assert_allclose(repeated, forecast, atol=1e-4, rtol=0)
    np.testing.assert_allclose(removed, forecast, atol=1e-4, rtol=0)
