"""A forecast that overflows is refused: of extreme values, weights or scales of a file, or at extreme levels.

Values of up to 1e150 are `test_too_large.py`'s.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import LinearForecaster, PretrainedForecaster, RNNClassifier, RNNForecaster, SeriesForecaster
from forecast._numbers import LARGEST_FORECAST, are_forecasts
from forecast.baselines import Drift

X = np.random.default_rng(0).normal(size=(60, 5))
Y = X[:, -1]
REFUSED = r"the network: .* forecasts are NaN, infinite or beyond 4e\+307, the first for window {}: its weights are"


def small(**more):
    return RNNForecaster(**{"hidden_size": 4, "max_iter": 2, "random_state": 0, "n_jobs": 1} | more)


# -------------------- files


def large_weights(network):
    network.theta *= np.float32(3e38) / np.abs(network.theta).max()


def tiny_scale(network):
    network.scaling.past_mean[...], network.scaling.past_scale[...] = 0.0, 2.6e-169


@pytest.mark.parametrize("fault", [large_weights, tiny_scale])
@pytest.mark.parametrize("kind", [RNNForecaster, RNNClassifier])
def test_a_file_whose_network_overflows_forecasts_nothing(kind, fault, tmp_path):
    """Three of a million mutants of files once forecast NaN: finite weights of 1e37, and a scale of 3e-169."""
    model = kind(cell="rnn", activation="relu", hidden_size=4, max_iter=2, random_state=0, n_jobs=1)
    model.fit(X, Y if kind is RNNForecaster else Y > 0)
    fault(model._network)
    model.save(tmp_path / "model")
    loaded = forecast.load(tmp_path / "model")
    for answer in (loaded.predict, getattr(loaded, "predict_proba", loaded.predict)):
        with pytest.raises(ValueError, match=REFUSED.format(r"\d+") + ".*overflow float32; expected finite numbers"):
            answer(X)


def test_a_pretrained_network_with_such_weights_forecasts_nothing():
    model = PretrainedForecaster().fit(X, Y)
    model._weights = model._weights.with_theta(model._weights.theta * np.float32(1e37))
    with pytest.raises(ValueError, match=REFUSED.format(0)):
        model.predict(X)


@pytest.mark.parametrize("unit", [np.inf, np.nan])
@pytest.mark.parametrize("panel", [False, True])
def test_a_file_whose_remembered_errors_are_no_numbers_gives_no_interval(panel, unit, tmp_path):
    """A unit of the errors that is infinite was found as soon as the fuzzer asked for quantiles, too."""
    days = pd.date_range("2024-01-01", periods=150, name="day")
    data = pd.concat([pd.DataFrame({"shop": shop, "y": np.sin(np.arange(150.0))}, days) for shop in "ab"])
    data = data if panel else data[["y"]][:150]
    model = SeriesForecaster(Ridge(), target="y", lookback=7, horizon=3, series="shop" if panel else None).fit(data)
    model.predict_interval(coverage=0.5)
    model._state.calibration.scales["b" if panel else None][...] = unit
    model.save(tmp_path / "model")
    loaded = forecast.load(tmp_path / "model")
    assert np.isfinite(loaded.predict()["y"]).all()
    where = "of series 'b' is .* at 2024-05-30" if panel else "is .* at 2024-05-30"
    with pytest.raises(ValueError, match=rf"the forecast 'y_0.1' {where}.*expected a finite number"):
        loaded.predict_quantiles()
    with pytest.raises(ValueError, match=rf"the forecast 'y_lower' {where}.*expected a finite number"):
        loaded.predict_interval(coverage=0.5)


# -------------------- fitted models

OVERFLOW = {  # and values at which
    "slstm": ({"cell": "slstm"}, 1e39),
    "mlstm": ({"cell": "mlstm"}, 1e39),
    "relu": ({"cell": "rnn", "activation": "relu"}, 1e39),
    "segment": ({"segment": 5}, 1e39),
    "skip": ({"skip": "linear"}, 1e39),
    "recurrent decoder": ({"decoder": "recurrent", "encoder": "dense"}, 1e39),
    "float64": ({"cell": "rnn", "activation": "relu", "dtype": "float64"}, 1.5e308),
    "quantiles": ({"loss": "quantile", "quantile": [0.1, 0.9], "skip": "linear"}, 1e39),
}


@pytest.mark.parametrize("kind", OVERFLOW)
def test_values_at_which_a_fitted_network_overflows_are_refused_by_window(kind):
    more, value = OVERFLOW[kind]
    model = small(**more).fit(X, Y)
    before = model.predict(X)
    far = X.copy()
    far[7] = value / np.abs(X[7]).max() * X[7]
    with pytest.raises(ValueError, match=REFUSED.format(7)):
        model.predict(far)
    np.testing.assert_array_equal(model.predict(X), before)


def test_samples_and_the_states_of_a_sequence_are_refused_too():
    dropped = small(cell="rnn", activation="relu", dropout=0.2).fit(X, Y)
    with pytest.raises(ValueError, match=REFUSED.format(0)):
        dropped.sample_y(X * 1e39, n_samples=2, random_state=0)
    model = small(cell="rnn", activation="relu", stateful=True).fit(X, np.roll(X, -1))
    again = small(cell="rnn", activation="relu", stateful=True).fit(X, np.roll(X, -1))
    for rows in ([[1e39]], [[1.0], [1e39]]):
        with pytest.raises(ValueError, match=REFUSED.format(0)):
            model.update(rows)
    np.testing.assert_array_equal(model.update([[0.5]]), again.update([[0.5]]))  # states stayed as they were
    with pytest.raises(ValueError, match=REFUSED.format(r"\d+")):
        model.predict(X * 1e39)


def test_attention_that_overflows_is_refused_too():
    model = small(decoder="recurrent", attention="dot", cell="rnn", activation="relu").fit(X, X[:, ::-1])
    assert np.isfinite(model.attention_weights(X)).all()
    with pytest.raises(ValueError, match=REFUSED.format(0)):
        model.attention_weights(X * 1e39)


@pytest.mark.parametrize("kind", [Drift, LinearForecaster, PretrainedForecaster])
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_other_forecasters_refuse_what_overflows_double_precision(kind):
    ramp = np.arange(16.0) + np.arange(60.0)[:, None]
    model = kind().fit(ramp[:, :14], ramp[:, 14:])
    assert np.isfinite(model.predict(1e300 * ramp[:, :14])).all()
    largest = np.where(np.arange(14) < 7, -1.7e308, 1.7e308)
    if kind is LinearForecaster:
        model.coef_[...] = 1.0
        largest = np.abs(largest)
    with pytest.raises(ValueError, match=rf"{kind.__name__}.*forecasts are NaN, infinite or beyond"):
        model.predict(largest[None])


# -------------------- honest models


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-100, 1e-6, 1e6, 1e100, 1e149])
def test_a_network_forecasts_in_any_unit(unit, dtype):
    model = small(skip="linear", dtype=dtype).fit(unit * X, unit * Y)
    expected = small(skip="linear", dtype=dtype).fit(X, Y).predict(X)
    np.testing.assert_allclose(model.predict(unit * X) / unit, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ["poisson", "negative_binomial"])
def test_quantiles_of_counts_that_double_precision_does_not_tell_apart_are_found(loss):
    """Beyond 2^53 neighbours are more than 1 apart, and the search for a quantile once never ended."""
    counts = np.random.default_rng(0).poisson(5, size=(60, 5)) + 1.0
    model = small(loss=loss).fit(1e30 * counts, 1e30 * counts[:, -1])
    middle = model.predict_quantiles(1e30 * counts, [0.5])[:, 0]
    np.testing.assert_allclose(middle, model.predict(1e30 * counts), rtol=0.5)


def test_levels_too_near_to_0_for_a_quantile_are_refused():
    model = small(loss="student_t").fit(X, Y)
    assert np.isfinite(model.predict_quantiles(X, [1e-12, 0.5, 1 - 1e-12])).all()
    with pytest.raises(ValueError, match=r"quantiles of 'student_t': .*infinite.*farther from 0 and 1"):
        model.predict_quantiles(X, [1e-300])


# -------------------- the check


@pytest.mark.parametrize("size", [1, 24, 4096, 4097, 20_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_value_that_is_no_forecast_is_seen_wherever_it_is(size, dtype):
    values = np.full(size, 1e30 if dtype is np.float32 else 1e300, dtype=dtype)  # their squares overflow
    assert all(are_forecasts(honest) for honest in (values, -values.reshape(1, -1), values[:0]))
    for bad in (np.nan, np.inf, -np.inf):
        for place in (0, size // 2, size - 1):
            wrong = values.copy()
            wrong[place] = bad
            assert not are_forecasts(wrong)
    assert [are_forecasts(np.array([part * LARGEST_FORECAST])) for part in (1, 1.01)] == [True, False]
