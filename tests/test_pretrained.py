"""The pretrained network as a regressor: symmetries, lengths, gaps, levels, bits, and what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils.estimator_checks import estimator_checks_generator

import forecast
from forecast import PretrainedForecaster, make_windows
from forecast._pretrained.ahead import quantiles_ahead
from forecast._pretrained.levels import at
from forecast._pretrained.network import LEVELS, LOOKBACK
from forecast._pretrained.reading import KNOWN, STATIC, mirrored, read
from forecast._pretrained.weights import PATH, packed, shipped

EXPECTED_NO = {"check_array_api_input"}  # about arrays of other libraries, which the tags do not promise


def waves(n=4, steps=200, seed=0):
    """Series with a season of 24 steps, a level and noise."""
    rng = np.random.default_rng(seed)
    season = np.sin(2 * np.pi * np.arange(steps) / 24 + rng.uniform(0, 6, (n, 1)))
    return 3 + rng.uniform(1, 4, (n, 1)) * season + 0.3 * rng.normal(size=(n, steps))


def fitted(horizon=12, lookback=200, **parameters):
    return PretrainedForecaster(**parameters).fit(np.zeros((1, lookback)), np.zeros((1, horizon)))


# -------------------- the file of the weights


def test_the_weights_fit_in_a_wheel_and_say_where_they_come_from():
    assert PATH.stat().st_size <= 320_000
    card = forecast.read_card(PATH)
    assert card == fitted().weights_card_
    assert card["licence"] == "Apache-2.0"
    assert len(card["training"]["generators"]) == 16
    assert card["training"]["windows"] > 500_000


def test_the_weights_are_those_of_the_architecture_that_the_card_names():
    network = shipped()
    assert network.theta.shape == (network.compiled.n_parameters,)
    assert np.array_equal(network.theta, network.theta.astype(np.float16))
    assert shipped() is network  # one object for all


def test_the_same_weights_give_the_same_bytes():
    card = forecast.read_card(PATH)
    assert packed(shipped().theta, card) == PATH.read_bytes()
    with pytest.raises(ValueError, match="half precision"):
        packed(np.array([1e6], dtype=np.float32), card)


# -------------------- symmetries


def test_a_mirrored_window_reads_as_the_window_of_the_mirrored_values():
    values = np.concatenate([waves(40, LOOKBACK), waves(4, LOOKBACK).cumsum(axis=1), np.ones((1, LOOKBACK))])
    values[:9, :300], values[3:30:2, -5:-2] = np.nan, np.nan
    skipped = 64 * (np.arange(len(values)) % 3)
    found, expected = mirrored(read(values, 64, skipped)), read(-values, 64, skipped)
    assert found.static.shape[1:] == (STATIC,)
    assert found.known.shape[1:] == (64, KNOWN)
    for name, value in expected._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


def test_a_season_goes_on_at_the_newest_level():
    season = np.tile(np.sin(2 * np.pi * np.arange(24) / 24), 10)
    values = np.where(np.arange(240) < 216, season, season + 0.5)
    padded = np.concatenate([np.full(LOOKBACK - 240, np.nan), values])[None]
    windows = read(padded, 64)
    repeated, raised = (windows.known[0, :, at] * windows.scale[0] + windows.centre[0] for at in (0, 4))
    np.testing.assert_allclose(repeated[:24], values[-24:], atol=1e-5)
    np.testing.assert_allclose(raised - repeated, 0.5, atol=1e-5)


def test_the_forecast_of_the_mirrored_series_is_the_mirrored_forecast():
    values, model = waves(), fitted()
    np.testing.assert_array_equal(model.predict(-values), -model.predict(values))
    quantiles = model.predict_quantiles(values, LEVELS)
    np.testing.assert_array_equal(model.predict_quantiles(-values, LEVELS), -quantiles[..., ::-1])


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**300, 1e-3, 7e5])
@pytest.mark.parametrize("shift", [0.0, -50.0, 1e4])
def test_a_forecast_follows_scale_and_shift(scale, shift):
    values, model = waves(), fitted()
    got = (model.predict(scale * (values + shift)) / scale) - shift
    np.testing.assert_allclose(got, model.predict(values), rtol=0, atol=1e-4)


def test_a_high_level_costs_no_digits():
    noise = np.random.default_rng(0).normal(size=(3, 200))
    model = fitted()
    np.testing.assert_allclose(model.predict(noise + 1e9) - 1e9, model.predict(noise), rtol=0, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, -3.7, 1e12, 1e-12])
def test_a_series_that_never_moves_stays_where_it_is(value):
    found = fitted().predict_quantiles(np.full((1, 200), value), LEVELS)
    np.testing.assert_array_equal(found, np.full((1, 12, 9), value))


# -------------------- lengths and gaps


@pytest.mark.parametrize("horizon", [1, 12, 64, 65, 200, 1100])
def test_any_horizon_is_forecast(horizon):
    found = fitted(horizon).predict_quantiles(waves(2), [0.1, 0.5, 0.9])
    assert found.shape == (2, horizon, 3)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=2) >= 0).all()


def test_a_longer_horizon_begins_with_the_same_steps():
    np.testing.assert_array_equal(fitted(300).predict(waves())[:, :64], fitted(64).predict(waves()))


@pytest.mark.parametrize("steps", [1, 2, 12, 40])
def test_a_short_series_is_enough(steps):
    found = fitted(lookback=steps).predict(waves(3, steps))
    assert np.isfinite(found).all()
    assert np.abs(found - waves(3, steps).mean()).max() < 50


def test_steps_beyond_512_are_not_read_and_missing_ones_before_a_series_change_nothing():
    values = waves(2, 600)
    long, newest = fitted(lookback=600).predict(values), fitted(lookback=512).predict(values[:, -512:])
    np.testing.assert_array_equal(long, newest)
    short = values[:, -40:]
    before = np.concatenate([np.full((2, 60), np.nan), short], axis=1)
    np.testing.assert_array_equal(fitted(lookback=100).predict(before), fitted(lookback=40).predict(short))


def test_gaps_are_read_as_gaps():
    values = waves(2, 400)
    whole = fitted(lookback=400).predict(values)
    values[:, 100:130] = np.nan
    values[0, 350] = np.nan
    with_gaps = fitted(lookback=400).predict(values)
    assert not np.array_equal(with_gaps, whole)
    assert np.abs(with_gaps - whole).mean() < 0.5


def test_the_newest_observation_moves_the_first_step():
    values = waves(1)
    other = values.copy()
    other[0, -1] += 1.0
    assert fitted().predict(values)[0, 0] != fitted().predict(other)[0, 0]


def test_a_season_is_continued():
    season = np.sin(2 * np.pi * np.arange(260) / 24)
    found = fitted(60).predict(season[None, :200])[0]
    assert np.abs(found - season[200:]).mean() < 0.1


# -------------------- levels


def test_medians_are_the_forecast_and_levels_between_are_linear():
    model, values = fitted(), waves()
    own = model.predict_quantiles(values)
    assert own.shape == (4, 12, 9)
    np.testing.assert_array_equal(model.predict(values), own[..., 4])
    np.testing.assert_array_equal(model.quantiles_, LEVELS)
    between = model.predict_quantiles(values, [0.15])[..., 0]
    np.testing.assert_allclose(between, (own[..., 0] + own[..., 1]) / 2, rtol=1e-12)


def test_the_tail_is_that_of_a_laplace_distribution():
    laplace = lambda levels: np.sign(levels - 0.5) * -np.log(1 - np.abs(2 * levels - 1))  # noqa: E731
    asked = np.array([0.01, 0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 0.99])
    np.testing.assert_allclose(at(laplace(np.array(LEVELS)), asked), laplace(asked), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("level", [0.005, 0.995])
def test_levels_far_out_are_refused(level):
    with pytest.raises(ValueError, match=r"beyond 0\.01 to 0\.99"):
        fitted().predict_quantiles(waves(), [0.5, level])


# -------------------- bits


def test_a_forecast_has_the_same_bits_alone_among_others_and_for_any_number_of_threads():
    values = waves(70, 300)
    whole = fitted(80, 300, n_jobs=1).predict_quantiles(values)
    np.testing.assert_array_equal(fitted(80, 300, n_jobs=2).predict_quantiles(values), whole)
    for rows in (slice(3, 4), slice(0, 7), slice(10, 43)):
        np.testing.assert_array_equal(fitted(80, 300).predict_quantiles(values[rows]), whole[rows])


def test_windows_and_arrays_give_the_same_and_windows_read_beyond_the_lookback():
    series = pd.Series(waves(1, 700)[0], pd.date_range("2024", periods=700, freq="h"))
    windows = make_windows(series, lookback=600, horizon=4)
    X, y = np.asarray(windows), np.asarray(windows.y)
    lazy = PretrainedForecaster().fit(windows, windows.y).predict(windows)
    for array in (X, X[:, :, None]):
        np.testing.assert_array_equal(PretrainedForecaster().fit(array, y).predict(array), lazy)
    short = make_windows(series, lookback=1, horizon=4, window_norm="last")[-len(windows) :]
    found = PretrainedForecaster().fit(short, short.y).predict(short)
    np.testing.assert_allclose(short.restore(found), lazy, rtol=1e-9)


def test_a_series_of_a_panel_reads_no_other():
    table = np.concatenate([waves(1, 60, seed)[0] for seed in (1, 2)])[:, None]
    starts = np.array([0, 60, 120])
    windows = forecast.Windows(table, [70], lookback=1, horizon=12, starts=starts)
    found = PretrainedForecaster().fit(windows, windows.y).predict(windows)
    alone = fitted(lookback=11).predict(table[60:71].T)
    np.testing.assert_array_equal(found, alone)


# -------------------- scikit-learn's tools


@pytest.mark.slow
def test_it_passes_scikit_learns_checks():
    for estimator, check in estimator_checks_generator(PretrainedForecaster()):
        if getattr(check, "func", check).__name__ not in EXPECTED_NO:
            check(estimator)


def test_copies_forecast_the_same_bits():
    model = fitted(n_jobs=1)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(waves()), model.predict(waves()))
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        clone(model).predict(waves())


def test_a_search_over_its_parameters_runs():
    X = waves(12, 40)
    search = GridSearchCV(PretrainedForecaster(random_state=0), {"fine_tune": [False, 2]}, cv=TimeSeriesSplit(2))
    search.fit(X[:, :-3], X[:, -3:])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# -------------------- fine-tuning


def tuned(**changes):
    values = waves(6, 90, seed=3)
    return PretrainedForecaster(**{"fine_tune": 2, "random_state": 0} | changes).fit(values[:, :-70], values[:, -70:])


def test_fine_tuning_moves_the_weights_by_the_seed_and_leaves_those_of_the_package():
    before = shipped().theta.copy()
    values = waves(5, 20)
    first, again = tuned().predict(values), tuned(n_jobs=1).predict(values)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, tuned(random_state=1).predict(values))
    assert not np.array_equal(first, fitted(70, 20).predict(values))
    np.testing.assert_array_equal(shipped().theta, before)


def test_fine_tuning_lowers_the_error_on_the_windows_that_it_sees():
    values = waves(20, 90, seed=3)
    X, y = values[:, :-70], values[:, -70:]
    tuned = PretrainedForecaster(fine_tune=12, learning_rate=2e-3, random_state=0)
    error = [np.abs(model.fit(X, y).predict(X) - y).mean() for model in (PretrainedForecaster(), tuned)]
    assert error[1] < 0.95 * error[0]


def test_windows_of_weight_0_teach_nothing():
    values = waves(20, 60, seed=5)
    X, y, weight = values[:, :40], values[:, 40:], np.r_[np.ones(10), np.zeros(10)]
    other = y.copy()
    other[10:] += 100.0
    found = [
        PretrainedForecaster(fine_tune=3, random_state=0).fit(X, target, sample_weight=weight).predict(X)
        for target in (y, other)
    ]
    np.testing.assert_array_equal(*found)


# -------------------- what is refused


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (dict(fine_tune=0), "fine_tune is 0"),
        (dict(fine_tune="yes"), "fine_tune is 'yes'"),
        (dict(fine_tune=True, learning_rate=-1.0), r"learning_rate is -1\.0"),
        (dict(learning_rate=0.1), "has no effect without fine_tune"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        fitted(**parameters)


def test_a_window_without_any_value_is_refused():
    values = waves()
    values[2] = np.nan
    with pytest.raises(ValueError, match="window 2 has no value"):
        fitted().predict(values)
    with pytest.raises(ValueError, match="100 features"):
        fitted().predict(waves(2, 100))


def test_infinity_is_refused_and_other_kinds_of_arrays_give_the_same_forecast():
    values = waves()
    expected = fitted().predict(values)
    for same in (values.tolist(), np.asfortranarray(values), pd.DataFrame(values).to_numpy(dtype=object)):
        np.testing.assert_array_equal(fitted().predict(same), expected)
    values[2, 5] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted().predict(values)


def test_extreme_numbers_neither_overflow_nor_vanish():
    values = waves(2, 100)
    network = shipped()
    for scale in (2.0**1000, 2.0**-1000):
        found = quantiles_ahead(network, network.theta, values * scale, 5) / scale
        np.testing.assert_allclose(found, quantiles_ahead(network, network.theta, values, 5), rtol=1e-12)
    assert LOOKBACK == 512
