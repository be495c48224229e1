"""Sudden changes: level shifts, spikes, clusters of volatility, over a background."""

import numpy as np
from scipy.signal import lfilter

from .linear import arma
from .parts import chosen, cycle, log_uniform, periods, rbf

__all__ = ["shifted", "spiked", "volatile"]


def _background(rng, n, length):
    season = cycle(rng, n, length, periods(rng, n)[:, 0]) * chosen(rng, 0.6, n) * log_uniform(rng, 0.3, 3, (n, 1))
    return season + arma(rng, n, length, 0.97) * log_uniform(rng, 0.1, 1, (n, 1))


def _moments(rng, n, length, expected):
    """Where something happens, a few times a series."""
    return rng.random((n, length)) < rng.uniform(0.2, 1, (n, 1)) * expected / length


def shifted(rng, n, length):
    """A level that jumps and stays."""
    jumps = _moments(rng, n, length, 4) * rng.standard_normal((n, length)) * log_uniform(rng, 0.5, 4, (n, 1))
    return _background(rng, n, length) + np.cumsum(jumps, axis=1)


def spiked(rng, n, length):
    """Spikes that fade within some steps, at random or at equal distances."""
    at_random = _moments(rng, n, length, 20)
    apart = rng.integers(5, 200, (n, 1))
    regular = (np.arange(length)[None] + rng.integers(0, 200, (n, 1))) % apart == 0
    where = np.where(chosen(rng, 0.5, n) > 0, at_random, regular)
    size = np.abs(rng.standard_normal((n, length))) * log_uniform(rng, 1, 8, (n, 1)) * rng.choice([-1, 1, 1], (n, 1))
    fading = rng.choice([0.0, 0.3, 0.6, 0.9], n)
    spikes = where * size
    for value in np.unique(fading):
        spikes[fading == value] = lfilter([1], [1, -value], spikes[fading == value], axis=1)
    return _background(rng, n, length) + spikes


def volatile(rng, n, length):
    """Noise whose deviation has memory, as returns; or its walk; or with a season of the deviation."""
    deviation = np.exp(0.8 * np.clip(rbf(rng, n, length, 5, length / 2), -3, 3) * rng.uniform(0.2, 1, (n, 1)))
    deviation *= 1 + chosen(rng, 0.3, n) * 0.8 * np.tanh(cycle(rng, n, length, periods(rng, n)[:, 0]))
    noise = deviation * rng.standard_t(5, (n, length))
    sums = np.cumsum(noise, axis=1) / np.sqrt(length) * 5
    return np.where(chosen(rng, 0.4, n) > 0, sums, noise)
