"""RNNForecaster: shapes, what is kept, what a second fit does, the same bits, weights of windows, awkward data."""

import pickle
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from forecast import RNNForecaster, _training, make_windows

CELLS = ("lstm", "gru", "rnn")
ROWS = {"lstm": 4, "gru": 3, "rnn": 1}  # products of a step
BIASES = {"lstm": 4, "gru": 4, "rnn": 1}  # the candidate of the GRU has two, one in front of the reset gate
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
CURVES = {"loss_curve_", "validation_loss_curve_", "gradient_norm_curve_"}


def small(**changes):
    return RNNForecaster(**dict(hidden_size=4, max_iter=3, random_state=0) | changes)


def table(n=120, lookback=6, outputs=None, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, lookback))
    return X, X[:, -1] if outputs is None else X[:, -outputs:] * 0.5 + 1


def bits(model, X):
    return model._network.theta.tobytes(), model.predict(X).tobytes()


# -------------------- shapes


@every_dtype
@every_cell
def test_forecasts_are_float64_in_the_shape_of_the_targets(cell, dtype):
    X, _ = table()
    for y in (X[:, -1], X[:, -1:], X[:, -3:], X[:, -3:].astype(np.float32)):
        model = small(cell=cell, dtype=dtype).fit(X, y)
        forecast = model.predict(X[:7])
        assert (forecast.dtype, forecast.shape) == (np.float64, (7, *y.shape[1:]))
        assert model.n_outputs_ == (y.shape[1] if y.ndim == 2 else 1)
        assert model.n_features_in_ == 6


@every_cell
def test_channels_in_columns_are_those_of_the_third_axis_to_the_bit(cell):
    X, y = table(lookback=8)
    flat, deep = small(cell=cell, n_channels=2).fit(X, y), small(cell=cell).fit(X.reshape(120, 4, 2), y)
    assert bits(flat, X) == bits(deep, X.reshape(120, 4, 2)) == bits(deep, X)
    assert flat.n_features_in_ == deep.n_features_in_ == 8
    assert {view.shape for name, view in deep.weights_.items() if name.startswith("0.W")} == {(4, 2)}
    nested = small(cell=cell).fit(X.reshape(120, 4, 2).tolist(), y.tolist())
    assert bits(nested, X) == bits(flat, X)


@pytest.mark.parametrize("layers", [1, 2, 3])
@every_cell
def test_the_weights_are_named_views_of_one_vector(cell, layers):
    X, y = table(outputs=2)
    model = small(cell=cell, num_layers=layers).fit(X.reshape(120, 3, 2), y)
    weights, rows, biases = model.weights_, ROWS[cell], BIASES[cell]
    assert model.n_parameters_ == sum(view.size for view in weights.values())
    widths = [2, 4, 4][:layers]
    assert model.n_parameters_ == sum(4 * (rows * (width + 4) + biases) for width in widths) + 2 * (4 + 1)
    for name, view in weights.items():
        layer, kind = name.split(".")
        width = 2 if layer == "0" else 4
        expected = {"W": (4, width), "R": (4, 4), "b": (4,)}[kind[0]]
        assert view.shape == ({"W": (2, 4), "b": (2,)}[kind] if layer == "head" else expected), name
    assert all(view.flags.writeable for view in weights.values())
    before = model.predict(X)
    model.weights_["head.b"][...] += 1
    np.testing.assert_allclose(model.predict(X), before + y.std(axis=0), rtol=1e-4)


def test_nothing_fitted_is_there_before_the_fit():
    model = small()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        model.predict(np.zeros((1, 3)))
    with pytest.raises(NotFittedError):
        _ = model.weights_
    assert [name for name in vars(model) if name.endswith("_")] == []


@pytest.mark.parametrize("batch_size", [7, 64, 1000])
def test_curves_have_an_entry_an_epoch_and_the_norms_one_a_step(batch_size):
    X, y = table(300)
    model = small(batch_size=batch_size, early_stopping=True).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_loss_curve_) == 3
    assert model.gradient_norm_curve_.shape == (3 * -(-270 // batch_size),)
    model.set_params(early_stopping=False).fit(X, y)
    assert (len(model.loss_curve_), model.validation_loss_curve_) == (3, [])
    assert model.best_loss_ == min(model.loss_curve_)


@every_cell
def test_the_weights_kept_are_the_best_on_what_was_held_out(cell):
    X, _ = table(300)
    y = X[:, -1] + np.random.default_rng(1).normal(size=300)
    model = small(cell=cell, hidden_size=32, max_iter=60, early_stopping=True, dtype="float64", learning_rate=0.05)
    curve = model.fit(X, y).validation_loss_curve_
    assert min(curve) < curve[-1], "the last epoch is not the best, or this shows nothing"
    residual = (model.predict(X[270:]) - y[270:]) / y[:270].std()
    assert np.mean(residual**2) == pytest.approx(min(curve), rel=1e-9)
    assert model.best_loss_ == min(curve)


# -------------------- windows by reference


@pytest.mark.parametrize("window_norm", [None, "last"])
@every_cell
def test_windows_by_reference_are_as_good_as_arrays(cell, window_norm):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(150, 2)).cumsum(axis=0), columns=["a", "b"])
    options = dict(target="a", past_covariates="b", lookback=7, horizon=3, window_norm=window_norm)
    windows = make_windows(frame, **options)
    model = small(cell=cell, dtype="float64", n_channels=2)
    lazy = model.fit(windows).predict(windows)
    assert lazy.shape == (len(windows), 3)
    assert model.n_features_in_ == 14
    assert lazy.tobytes() == model.fit(windows, windows.y).predict(windows).tobytes()
    plain = small(cell=cell, dtype="float64", n_channels=2, early_stopping=model.early_stopping)
    np.testing.assert_allclose(plain.fit(windows, np.asarray(windows.y)).predict(windows), lazy, rtol=1e-8, atol=1e-9)
    arrays = plain.fit(np.asarray(windows), np.asarray(windows.y)).predict(np.asarray(windows))
    np.testing.assert_allclose(arrays, lazy, rtol=1e-8, atol=1e-9)


# -------------------- a second fit


@every_cell
def test_a_second_fit_starts_clean(cell):
    X, y = table()
    other, target = table(seed=5, outputs=2)
    model = small(cell=cell).fit(other * 100, target)
    assert bits(model.fit(X, y), X) == bits(small(cell=cell).fit(X, y), X)


@every_cell
def test_a_warm_start_goes_on(cell):
    X, y = table()
    model = small(cell=cell, warm_start=True, learning_rate_schedule="constant", early_stopping=False)
    first = model.fit(X, y).loss_curve_
    second = model.fit(X, y).loss_curve_
    assert second[0] < first[-1]
    cold = small(cell=cell, learning_rate_schedule="constant", early_stopping=False).fit(X, y).fit(X, y)
    assert cold.loss_curve_ == first


def test_a_warm_start_keeps_optimiser_and_scaling():
    X, y = table()
    options = dict(warm_start=True, learning_rate_schedule="constant", early_stopping=False, shuffle=False)
    twice = small(max_iter=4, **options).fit(X, y).fit(X, y)
    once = small(max_iter=8, **options).fit(X, y)
    assert bits(twice, X) == bits(once, X), "without shuffling and dropout two halves are the whole"
    scaling = twice._network.scaling
    assert twice.fit(X * 10, y).predict(X).shape == (120,)
    assert twice._network.scaling is scaling


@pytest.mark.parametrize("change", [{"hidden_size": 5}, {"num_layers": 2}, {"cell": "gru"}, {"dtype": "float64"}])
def test_a_warm_start_of_another_architecture_is_refused(change):
    X, y = table()
    model = small(warm_start=True).fit(X, y)
    before = bits(model, X)
    with pytest.raises(ValueError, match=r"another architecture.*warm_start=False"):
        model.set_params(**change).fit(X, y)
    model.set_params(**{name: small().get_params()[name] for name in change})
    assert bits(model, X) == before


@every_cell
def test_partial_fits_are_epochs_of_one_fit(cell):
    X, y = table()
    options = dict(cell=cell, learning_rate_schedule="constant", early_stopping=False, shuffle=False)
    whole, parts = small(max_iter=4, **options).fit(X, y), small(**options)
    for epoch in range(1, 5):
        assert parts.partial_fit(X, y).n_iter_ == epoch
    assert bits(parts, X) == bits(whole, X)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.gradient_norm_curve_.tolist() == whole.gradient_norm_curve_.tolist()


def test_a_partial_fit_goes_on_from_a_fit():
    X, y = table()
    options = dict(learning_rate_schedule="constant", early_stopping=False, shuffle=False)
    model = small(max_iter=4, **options).fit(X, y)
    assert bits(small(max_iter=3, **options).fit(X, y).partial_fit(X, y), X) == bits(model, X)


# -------------------- the same bits


@every_dtype
@every_cell
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(cell, dtype):
    X, y = table()
    options = dict(cell=cell, dtype=dtype, num_layers=2, dropout=0.2)
    assert bits(small(**options).fit(X, y), X) == bits(small(**options).fit(X, y), X)
    assert bits(small(**options).fit(X, y), X) != bits(small(**options | {"random_state": 1}).fit(X, y), X)
    states = [small(**options | {"random_state": np.random.RandomState(3)}).fit(X, y) for _ in range(2)]
    assert bits(states[0], X) == bits(states[1], X)


def test_without_a_seed_each_fit_draws_its_own():
    X, y = table()
    assert bits(small(random_state=None).fit(X, y), X) != bits(small(random_state=None).fit(X, y), X)


def test_numpys_global_random_state_is_neither_used_nor_moved():
    X, y = table()
    before = np.random.get_state(legacy=True)[1:]
    small(random_state=None, dropout=0.3).fit(X, y).predict(X)
    after = np.random.get_state(legacy=True)[1:]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@every_cell
def test_weights_and_forecasts_have_the_same_bits_for_any_number_of_threads(cell):
    X, y = table(1500, outputs=3)
    options = dict(cell=cell, batch_size=512, num_layers=2, dropout=0.1, max_iter=2)
    models = {n: small(n_jobs=n, **options).fit(X, y) for n in (1, 2, 3, 7, None)}
    assert len({bits(model, X) for model in models.values()}) == 1
    assert models[7].n_threads_ >= models[1].n_threads_ == 1


@every_dtype
@every_cell
def test_one_window_gives_the_bits_of_many(cell, dtype):
    X, y = table(outputs=2)
    model = small(cell=cell, dtype=dtype, num_layers=2, hidden_size=13).fit(X, y)
    many = model.predict(X)
    assert np.concatenate([model.predict(X[i : i + 1]) for i in range(40)]).tobytes() == many[:40].tobytes()
    assert np.concatenate([model.predict(part) for part in np.array_split(X, 7)]).tobytes() == many.tobytes()


@pytest.mark.parametrize("arranged", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], np.ndarray.tolist])
def test_the_layout_of_memory_does_not_matter(arranged):
    X, y = table()
    assert bits(small().fit(arranged(X), y), X) == bits(small().fit(X, y), arranged(X))


def test_a_pickle_keeps_the_bits():
    X, y = table()
    model = small(num_layers=2).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert bits(copy, X) == bits(model, X)
    assert copy.n_threads_ == model.n_threads_
    for name in CURVES:
        assert np.array_equal(getattr(copy, name), getattr(model, name))


# -------------------- weights of windows


@every_cell
def test_zero_weights_are_as_if_the_rows_were_not_there(cell):
    X, y = table(40, outputs=2)
    keep = np.arange(40) % 3 > 0
    spoiled = np.where(keep[:, None], X, 1e6)
    one = small(cell=cell, dtype="float64").fit(spoiled, y, sample_weight=keep.astype(float))
    other = small(cell=cell, dtype="float64").fit(X[keep], y[keep])
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9, atol=1e-11)


@every_cell
def test_whole_weights_are_repeats(cell):
    X, y = table(40, outputs=2)
    weight = np.random.default_rng(0).integers(0, 4, size=40)
    options = dict(cell=cell, dtype="float64", batch_size=500)
    one = small(**options).fit(X, y, sample_weight=weight)
    other = small(**options).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0))
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("factor", [1e-310, 1e-30, 0.5, 7.0, 1e30, 1e307])
def test_only_the_ratios_of_the_weights_count(factor):
    X, y = table(40)
    weight = np.random.default_rng(0).integers(1, 4, size=40).astype(float)
    one, other = (small(dtype="float64").fit(X, y, sample_weight=w) for w in (weight, weight * factor))
    np.testing.assert_allclose(other.predict(X), one.predict(X), rtol=1e-6, atol=1e-9)


# -------------------- awkward data


def test_constant_columns_and_targets_are_harmless():
    X, y = table(outputs=2)
    X, y = np.where(np.arange(6) < 3, 5.0, X), np.where(np.arange(2) == 0, -1e7, y)
    forecast = small(max_iter=20).fit(X, y).predict(X)
    assert np.isfinite(forecast).all()
    np.testing.assert_allclose(forecast[:, 0], -1e7, atol=1.0)
    constant = small().fit(np.full((30, 6), 0.1), np.full(30, 0.3)).predict(np.full((2, 6), 0.1))
    np.testing.assert_allclose(constant, 0.3, atol=0.5)


@pytest.mark.parametrize("level", [0.0, 1e9, -1e12])
def test_a_huge_level_does_not_swallow_the_signal_in_single_precision(level):
    wave = level + np.sin(np.arange(260) / 3)
    X = np.lib.stride_tricks.sliding_window_view(wave, 10)[:-1]
    model = small(hidden_size=8, max_iter=80).fit(X, wave[10:])
    assert model.score(X, wave[10:]) > 0.98


@every_cell
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 1), (3, 2)])
def test_tiny_data_is_enough(cell, shape):
    X = np.arange(np.prod(shape), dtype=float).reshape(shape)
    model = small(cell=cell).fit(X, X[:, 0])
    assert np.isfinite(model.predict(X)).all()
    assert model.predict(X).shape == shape[:1]


def test_values_far_from_those_fitted_give_finite_forecasts():
    X, y = table()
    forecast = small().fit(X, y).predict(np.array([[1e300, -1e300] * 3, [1e38] * 6, [-1e5] * 6]))
    assert np.isfinite(forecast).all()


@pytest.mark.parametrize("kind", [np.float16, np.int8, np.uint32, bool, object, np.longdouble])
def test_any_kind_of_number_will_do(kind):
    X = np.round(table()[0] * 3).clip(0, 5).astype(kind)
    assert small().fit(X, X[:, -1]).predict(X).dtype == np.float64


# -------------------- a fit that does not end well


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fit_that_is_broken_off_leaves_the_model_as_it_was(monkeypatch, method, error):
    X, y = table()
    model = small(warm_start=True).fit(X, y)
    state, before = vars(model).copy(), bits(model, X)

    def broken_off(*arguments):
        raise error

    monkeypatch.setattr(_training.schedule.Schedule, "saw", broken_off)  # after the first epoch
    with pytest.raises(error):
        getattr(model, method)(X, y)
    assert bits(model, X) == before
    assert vars(model).keys() == state.keys()
    assert all(vars(model)[name] is value for name, value in state.items())


@pytest.fixture
def answered_interrupts():
    """A job in the background begins with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("answered_interrupts")
def test_an_interrupt_in_the_middle_of_a_fit_leaves_the_former_one():
    X, y = table(2000, lookback=30)
    model = small(hidden_size=16, n_jobs=1).fit(X, y)
    before = bits(model, X)
    model.set_params(max_iter=100_000, early_stopping=False)
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X + 1, -y)
    timer.join()
    assert bits(model, X) == before
    assert model.n_iter_ == 3


def test_a_first_fit_that_fails_leaves_nothing():
    X, y = table()
    model = small()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X > 2, np.nan, X), y)
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, y[:4])
    assert vars(model).keys() == model.get_params().keys()
