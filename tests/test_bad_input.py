"""Bad input: a message that says what was got and what was expected, before any work, and an earlier fit stays."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import ElasticNet, Ridge, RidgeCV

from forecast import RNNForecaster, SeriesForecaster, Windows, make_windows
from forecast._rnn import fitting, start

N, T = 60, 8
X = np.random.default_rng(0).normal(size=(N, T))
Y = X[:, -1] * 2.0 + 1.0
WINDOWS = make_windows(pd.Series(np.sin(np.arange(80.0))), lookback=T, horizon=2)


def model(**changes):
    return RNNForecaster(**dict(hidden_size=4, max_iter=2, random_state=0) | changes)


def with_cell(a, value):
    changed = np.array(a, dtype=object if isinstance(value, str) else None)
    changed[(3,) * changed.ndim] = value
    return changed


def frame(**columns):
    return pd.DataFrame(X, columns=[f"x{k}" for k in range(T)]).assign(**columns)


def holed(row, value=np.nan):
    """Windows over a series with a hole, as only direct construction can have them."""
    values = np.arange(80.0)[:, None].copy()
    values[row] = value
    return Windows(values, np.arange(T - 1, 78), lookback=T, horizon=2)


BAD_X = {  # of fit and predict alike: X, exception, message
    "one dimension": (X[:, 0], ValueError, "Expected 2D array, got 1D array"),
    "four dimensions": (X.reshape(N, 4, 2, 1), ValueError, r"n_channels\), got 4 dimensions, shape \(60, 4, 2, 1\)"),
    "a number": (3.0, ValueError, "Expected 2D array, got scalar array"),
    "nothing": (None, ValueError, "Expected 2D array, got scalar array"),
    "nan": (with_cell(X, np.nan), ValueError, "Input X contains NaN"),
    "infinite": (with_cell(X, np.inf), ValueError, "Input X contains infinity"),
    "nan in three dimensions": (with_cell(X, np.nan).reshape(N, T, 1), ValueError, "Input X contains NaN"),
    "missing in a frame": (pd.DataFrame(X).astype("Float64").mask(X > 2), ValueError, "Input X contains NaN"),
    "numeric text": (X.astype(str), ValueError, r"X: expected numbers, got text \(<U32\).*pandas.to_numeric"),
    "text": (np.full((N, T), "warm"), ValueError, "X: expected numbers, got text"),
    "text among numbers": (with_cell(X, "3.5"), ValueError, r"X: expected numbers, got text \(object\)"),
    "nested lists of text": ([["1", "2"]] * N, ValueError, "X: expected numbers, got text"),
    "text in a frame": (frame(x2="3.5"), ValueError, "X, column 'x2': expected numbers, got text"),
    "a category": (frame(x2=pd.Categorical(["a"] * N)), ValueError, "X, column 'x2': expected numbers, got text"),
    "dates": (X.astype("datetime64[s]"), TypeError, r"X: expected numbers, got datetime64\[s\].*time stamps"),
    "durations": (X.astype("timedelta64[s]"), TypeError, r"X: expected numbers, got timedelta64\[s\]"),
    "dates in a frame": (frame(x2=pd.Timestamp("2020")), TypeError, "X, column 'x2': expected numbers, got datetime64"),
    "zoned dates": (frame(x2=pd.Timestamp("2020", tz="UTC")), TypeError, "X, column 'x2': expected numbers.*UTC"),
    "periods": (frame(x2=pd.Period("2020-01")), TypeError, "X, column 'x2': expected numbers, got period"),
    "complex": (X + 1j, ValueError, "Complex data not supported: X: expected real numbers, got complex128"),
    "sparse": (scipy.sparse.csr_matrix(X), TypeError, "Sparse data was passed for X, but dense data is required"),
    "no row": (X[:0], ValueError, r"0 sample\(s\) \(shape=\(0, 8\)\) while a minimum of 1 is required"),
    "no column": (X[:, :0], ValueError, r"0 feature\(s\) \(shape=\(60, 0\)\) while a minimum of 1 is required"),
    "no channel": (X.reshape(N, T, 1)[:, :, :0], ValueError, r"without an empty axis, got shape \(60, 8, 0\)"),
    "ragged": ([[1.0, 2.0], [1.0]], ValueError, "inhomogeneous"),
    "a hole in the windows": (holed(30), ValueError, "got NaN or infinity in (8|10) of 71 windows, first in row 30"),
    "infinite windows": (holed(30, -np.inf), ValueError, "expected finite numbers, got NaN or infinity"),
}
BAD_Y = {  # of fit: y, exception, message
    "nothing": (None, ValueError, "requires y to be passed, but the target y is None"),
    "another length": (Y[:5], ValueError, r"inconsistent numbers of samples: \[60, 5\]"),
    "three dimensions": (X.reshape(N, 4, 2), ValueError, r"y: expected \(n_windows,\).*got 3 dimensions.*\(60, 4, 2\)"),
    "horizon 0": (X[:, :0], ValueError, r"0 feature\(s\) \(shape=\(60, 0\)\) while a minimum of 1 is required"),
    "nan": (with_cell(Y, np.nan), ValueError, "Input y contains NaN"),
    "infinite": (with_cell(Y, np.inf), ValueError, "Input y contains infinity"),
    "numeric text": (Y.astype(str), ValueError, r"y: expected numbers, got text \(<U32\)"),
    "text": (["warm"] * N, ValueError, "y: expected numbers, got text"),
    "dates": (Y.astype("datetime64[s]"), TypeError, r"y: expected numbers, got datetime64\[s\]"),
    "durations": (Y.astype("timedelta64[s]"), TypeError, r"y: expected numbers, got timedelta64\[s\]"),
    "complex": (Y + 1j, ValueError, "Complex data not supported: y: expected real numbers, got complex128"),
    "sparse": (scipy.sparse.csr_matrix(X), TypeError, "y: expected a dense array, got csr_matrix"),
    "a number": (3.0, TypeError, "at least 1 dimension"),
    "variance that overflows": (Y * 1e200, ValueError, "y: expected numbers with a finite variance"),
}
BAD_WEIGHT = {
    "negative": (-np.ones(N), ValueError, "Negative values in data passed to `sample_weight`"),
    "all zero": (np.zeros(N), ValueError, "(?i)sample.weight.*(non-zero|is 0)"),
    "another length": (np.ones(5), ValueError, r"sample_weight.shape == \(5,\), expected \(60,\)"),
    "two dimensions": (np.ones((N, 1)), ValueError, "Sample weights must be 1D array or scalar"),
    "nan": (np.full(N, np.nan), ValueError, "Input sample_weight contains NaN"),
    "infinite": (np.full(N, np.inf), ValueError, "Input sample_weight contains infinity"),
}


@pytest.fixture(autouse=True)
def no_work(request, monkeypatch):
    """An earlier fit; after it training, and the drawing of weights, are out of bounds."""
    fitted = model().fit(X, Y)
    before = dict(vars(fitted))
    forecast = fitted.predict(X)

    def refuse(*arguments, **named):
        raise AssertionError("work began on bad input")

    monkeypatch.setattr(fitting, "train", refuse)
    monkeypatch.setattr(start.Network, "initial", refuse)
    yield fitted
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[k] is v for k, v in before.items() if k not in fitted.get_params())
    assert fitted.predict(X).tobytes() == forecast.tobytes()


def cases(table):
    return pytest.mark.parametrize(("value", "error", "message"), table.values(), ids=table.keys())


# -------------------- X, y, sample_weight


@cases(BAD_X)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fit_refuses_bad_windows(no_work, method, value, error, message):
    y = None if isinstance(value, Windows) else Y
    with pytest.raises(error, match=message):
        getattr(no_work, method)(value, y)


@cases(BAD_X)
def test_predict_refuses_bad_windows(no_work, value, error, message):
    with pytest.raises(error, match=message):
        no_work.predict(value)


@cases(BAD_Y)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_fit_refuses_bad_targets(no_work, method, value, error, message):
    fitted = no_work if method == "fit" else model()  # a first partial_fit: a later one keeps the scaling
    with pytest.raises(error, match=message):
        getattr(fitted, method)(X, value)


@cases(BAD_WEIGHT)
def test_fit_refuses_bad_weights(no_work, value, error, message):
    with pytest.raises(error, match=message):
        no_work.fit(X, Y, sample_weight=value)


def test_values_whose_variance_overflows_are_refused(no_work):
    with pytest.raises(ValueError, match="X: expected numbers with a finite variance, got some beyond 1e150"):
        no_work.fit(X * 1e300, Y)


def test_another_number_of_features_is_refused(no_work):
    with pytest.raises(ValueError, match="X has 5 features, but RNNForecaster is expecting 8 features"):
        no_work.predict(X[:, :5])
    with pytest.raises(ValueError, match="X has 5 features, but RNNForecaster is expecting 8 features"):
        no_work.partial_fit(X[:, :5], Y)
    with pytest.raises(ValueError, match="expected 8 steps of 1 channels as in fit, got 4 steps of 2 channels"):
        no_work.predict(X.reshape(N, 4, 2))


def test_windows_of_another_lookback_are_refused(no_work):
    other = make_windows(pd.Series(np.sin(np.arange(80.0))), lookback=5, horizon=2)
    with pytest.raises(ValueError, match=r"windows of lookback 5 with 1 channels, but .* fitted on lookback 8 with 1"):
        no_work.predict(other)


def test_columns_that_are_no_whole_number_of_steps_are_refused():
    with pytest.raises(ValueError, match="8 columns are not a whole number of steps of n_channels=3 channels"):
        model(n_channels=3).fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 channels on its last axis, but n_channels=3"):
        model(n_channels=3).fit(X.reshape(N, 4, 2), Y)
    with pytest.raises(ValueError, match="windows of 1 channels, but n_channels=3"):
        model(n_channels=3).fit(WINDOWS)


def test_windows_and_targets_that_do_not_match_are_refused(no_work):
    with pytest.raises(ValueError, match=r"X has 71 windows but y has 10 rows: pass windows.y indexed as windows is"):
        no_work.fit(WINDOWS, WINDOWS.y[:10])
    with pytest.raises(ValueError, match=r"y: expected .* got 3 dimensions"):
        no_work.fit(WINDOWS, np.zeros((71, 2, 1)))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        no_work.fit(WINDOWS, np.full((71, 2), np.nan))
    with pytest.raises(ValueError, match="expected at least 1 window, got 0"):
        no_work.fit(WINDOWS[:0])


def test_windows_without_a_future_cannot_be_trained_on(no_work):
    with pytest.raises(ValueError, match="1 of 2 windows have no targets: fewer than horizon = 2 rows follow"):
        no_work.fit(WINDOWS.at([10, 79]))


def test_holes_outside_of_the_windows_are_nobodys_business(no_work):
    windows = holed(30)
    beside = windows.at([*range(T - 1, 28), *range(38, 78)])
    assert np.isfinite(no_work.predict(beside)).all()


# -------------------- lengths and steps


@pytest.mark.parametrize(("lookback", "horizon"), [(20, 1), (5, 8), (12, 1)])
def test_a_lookback_longer_than_the_series_is_refused(lookback, horizon):
    with pytest.raises(ValueError, match=rf"has 12 rows, but lookback \+ horizon = {lookback} \+ {horizon} = "):
        make_windows(pd.Series(np.arange(12.0)), lookback=lookback, horizon=horizon)
    with pytest.raises(ValueError, match="12 rows"):
        SeriesForecaster(model(), lookback=lookback, horizon=horizon).fit(pd.Series(np.arange(12.0)).to_frame("y"))


@pytest.mark.parametrize("name", ["lookback", "horizon", "step"])
@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)])
def test_steps_are_whole_numbers_from_one(name, value, error):
    with pytest.raises(error, match=f"{name} is {value!r}; expected a whole number of steps, 1 or more"):
        make_windows(pd.Series(np.arange(12.0)), **dict(lookback=2, horizon=1) | {name: value})


def test_early_stopping_that_leaves_nothing_to_train_on_is_refused(no_work):
    no_work.set_params(early_stopping=True, validation_fraction=0.999)
    with pytest.raises(ValueError, match=r"of 60 windows 60 would be held out and none is left.*validation_fraction"):
        no_work.fit(X, Y)


# -------------------- parameters

BAD_PARAMETERS = {
    "cell": "transformer",
    "hidden_size": 0,
    "num_layers": 1.5,
    "activation": "sigmoid",
    "heads": 0,
    "elapsed": 0.5,
    "dropout": 1.0,
    "segment": 0,
    "segment_activation": "tanh",
    "bidirectional": "both",
    "residual": "every",
    "layer_norm": "before",
    "dilation": 0,
    "recurrent_dropout": 1.0,
    "zoneout": -0.1,
    "skip": "ridge",
    "skip_start": "ones",
    "skip_penalty": -1e-3,
    "skip_learning_rate": 0.0,
    "encoder": "attention",
    "decoder": "attention",
    "decoder_size": 0,
    "decoder_tied": "yes",
    "teacher_forcing": 1.5,
    "attention": "self",
    "return_sequences": "last",
    "stateful": "auto",
    "future_size": -1,
    "series_size": 1.5,
    "series_left_out": 1.0,
    "cycle": 1,
    "loss": "mse",
    "quantile": 1.0,
    "huber_delta": 0.0,
    "optimizer": "lbfgs",
    "momentum": 1.0,
    "learning_rate": np.inf,
    "learning_rate_schedule": "linear",
    "weight_decay": -1.0,
    "clip_norm": 0.0,
    "clip_value": "auto",
    "batch_size": 0,
    "max_iter": 0,
    "warmup_steps": -1,
    "max_steps": 0,
    "finish_schedule": "never",
    "weight_average": 1.0,
    "input_noise": -0.1,
    "input_clip": 0.0,
    "shuffle": "yes",
    "early_stopping": "always",
    "validation_fraction": 1.0,
    "n_iter_no_change": 0,
    "tol": -1e-4,
    "warm_start": "no",
    "freeze": "encoder",
    "categories": [1],
    "embedding_size": 0,
    "category_left_out": 1.0,
    "n_channels": 0,
    "n_jobs": 0,
    "random_state": "seed",
    "verbose": -1,
    "callbacks": "print",
    "dtype": "float16",
}


def test_every_parameter_has_a_bad_value_here():
    assert set(BAD_PARAMETERS) == set(RNNForecaster().get_params())


@pytest.mark.parametrize(("name", "value"), BAD_PARAMETERS.items())
def test_a_parameter_out_of_range_is_named_with_what_is_allowed(no_work, name, value):
    no_work.set_params(**{name: value})
    with pytest.raises(ValueError, match=rf"(?s)The '{name}' parameter of RNNForecaster must be .*\. Got .* instead"):
        no_work.fit(X, Y)
    no_work.set_params(**{name: model().get_params()[name]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation": "relu"}, "activation='relu' is for cell='rnn'.*, not 'lstm'; leave it 'tanh'"),
        ({"momentum": 0.5}, "momentum is for optimizer='sgd' or 'rmsprop', not 'adam'"),
        ({"quantile": 0.9}, "quantile=0.9 is for loss='quantile', not 'squared_error'"),
        ({"huber_delta": 2.0}, "huber_delta=2.0 is for loss='huber', not 'squared_error'"),
        ({"segment_activation": "identity"}, "segment_activation='identity' is for segment of 2 steps or more, not"),
        ({"skip_start": "zero"}, "skip_start='zero' is for skip 'linear' or 'linear-all', not skip=None; leave it 'ri"),
        ({"skip_penalty": 1.0}, r"skip_penalty=1.0 is for skip .* leave it 0.001"),
        ({"skip_learning_rate": 0.1}, "skip_learning_rate=0.1 is for skip"),
        ({"decoder_size": 64}, "decoder_size=64 is for decoder 'steps', not decoder='dense'"),
        ({"decoder_tied": True}, "decoder_tied=True is for decoder 'segments', not decoder='dense'"),
        ({"series_left_out": 0.5}, "series_left_out=0.5 is for series_size of 1 or more, not series_size=0"),
        ({"cycle": (24, "own")}, r"cycle=\(24, 'own'\): expected the number of steps of a cycle, 2 or more, or"),
        ({"cycle": ()}, r"cycle=\(\): expected"),
        ({"cycle": (True, "shared")}, "cycle=.*expected"),
    ],
)
def test_a_parameter_without_effect_beside_the_others_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        model(**changes).fit(X, Y)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'units'"):
        RNNForecaster(units=3)
    with pytest.raises(ValueError, match=r"Invalid parameter 'units' for estimator RNNForecaster.*Valid param"):
        model().set_params(units=3)
    with pytest.raises(TypeError, match="positional argument"):
        RNNForecaster("lstm")


def test_windows_whose_squares_overflow_are_refused_by_name_for_any_regressor():
    """The values may be in a frame, but not their distance from the mean in deviations of a calm window."""
    series = pd.Series(np.sin(np.arange(60.0)) / 1e9, pd.date_range("2024", periods=60, freq="h"), name="y")
    series.iloc[30] = 1e149
    with pytest.raises(ValueError, match=r"Ridge.fit: expected at most 1e\+150, .*got values up to .*e\+\d+"):
        SeriesForecaster(Ridge(), lookback=6, horizon=2, window_norm="standard").fit(series)


@pytest.mark.parametrize("regressor", [Ridge(), RidgeCV(), ElasticNet()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("horizon", [1, 2])
def test_a_forecast_that_overflows_is_refused_and_never_returned(regressor, horizon):
    series = pd.Series(np.sin(np.arange(60.0)) * 9, pd.date_range("2024", periods=60, freq="h"), name="y")
    fitted = SeriesForecaster(regressor, lookback=6, horizon=horizon).fit(series)
    fitted.regressor_.coef_[..., 0] = 1e308
    with pytest.raises(ValueError, match=rf"{type(regressor).__name__}.predict: {horizon} of .* NaN, infinite"):
        fitted.predict()
