"""The generated series for pretraining: what they promise of moments, spectra and seeds."""

import numpy as np
import pytest
from generators import GENERATORS
from generators.linear import arma, walk
from generators.parts import cycle, of_spectrum, rbf, trend
from generators.shapes import censored, stepwise
from series import series

N, LENGTH = 48, 600


@pytest.mark.parametrize("name", list(GENERATORS))
def test_a_generator_gives_finite_series_that_move(name):
    found = GENERATORS[name](np.random.default_rng(0), N, LENGTH)
    assert found.shape == (N, LENGTH)
    assert np.isfinite(found).all()
    assert (found.std(axis=1) > 0).mean() > 0.9


@pytest.mark.parametrize("name", list(GENERATORS))
def test_the_seed_fixes_every_bit(name):
    first, again, other = (GENERATORS[name](np.random.default_rng(seed), 4, 200) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_all_generators_have_the_same_share_and_the_mixture_repeats():
    first, again = (series(np.random.default_rng(5), 64, 256) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (64, 256)
    assert np.isfinite(first).all()


def power(values):
    return (np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True), axis=1)) ** 2).mean(axis=0)


def test_a_cycle_has_power_at_the_harmonics_of_its_period_alone():
    found = cycle(np.random.default_rng(0), 200, 480, np.full(200, 24.0))
    share = power(found) / power(found).sum()
    harmonics = np.arange(20, 241, 20)[:8]  # of 480 / 24 = 20 cycles
    assert share[harmonics].sum() > 0.999
    np.testing.assert_allclose(found.std(axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(found[:, :456], found[:, 24:], atol=1e-6)


def test_noise_of_a_spectrum_has_that_spectrum():
    frequencies = np.fft.rfftfreq(2048)[None]
    density = 1 / (1 + (frequencies / 0.02) ** 2)
    found = of_spectrum(np.random.default_rng(0), np.repeat(density, 400, axis=0), 1024)
    measured = power(found)
    low, high = measured[5:15].mean(), measured[205:215].mean()  # about 0.01 and 0.2 a step
    f_low, f_high = 10 / 1024, 210 / 1024
    expected = (1 + (f_high / 0.02) ** 2) / (1 + (f_low / 0.02) ** 2)
    assert 0.7 < low / high / expected < 1.4


@pytest.mark.parametrize("scale", [10, 40])
def test_a_squared_exponential_process_has_its_covariance(scale):
    found = rbf(np.random.default_rng(0), 600, 1000, scale, scale * 1.0001)
    lag = np.mean(found[:, :-scale] * found[:, scale:])
    assert abs(lag - np.exp(-0.5)) < 0.08


def test_an_autoregressive_process_comes_back_to_its_mean_and_a_walk_does_not():
    rng = np.random.default_rng(0)
    still, moving = arma(rng, 100, 2000, 0.9), walk(rng, 100, 2000)

    def halves(x):
        return np.abs(x[:, :1000].mean(axis=1) - x[:, 1000:].mean(axis=1)) / x.std(axis=1)

    assert np.median(halves(still)) < 0.2
    assert np.median(halves(moving)) > 0.7
    change = np.diff(moving, axis=1)
    similar = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in change]
    assert abs(np.median(similar)) < 0.05


def test_trends_are_slow():
    found = trend(np.random.default_rng(0), 100, 500)
    assert np.abs(np.diff(found, axis=1)).max(axis=1).mean() < 0.1


def test_counts_are_whole_numbers_and_intermittent_ones_mostly_zero():
    rng = np.random.default_rng(0)
    many, few = GENERATORS["counts"](rng, N, LENGTH), GENERATORS["intermittent"](rng, N, LENGTH)
    for found in (many, few):
        np.testing.assert_array_equal(found, np.round(found))
        assert found.min() >= 0
    assert (few == 0).mean() > 0.6
    assert many.var(axis=1).mean() > 0


def test_censored_series_stay_at_their_bounds_and_steps_last():
    rng = np.random.default_rng(0)
    cut, held = censored(rng, 100, LENGTH), stepwise(rng, 100, LENGTH)
    at_bounds = ((cut == cut.min(axis=1, keepdims=True)) | (cut == cut.max(axis=1, keepdims=True))).mean(axis=1)
    assert np.mean(at_bounds > 0.05) > 0.5
    assert (np.diff(held, axis=1) == 0).mean() > 0.4
