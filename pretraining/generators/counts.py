"""Whole numbers: Poisson and negative binomial rates, demand with gaps."""

import numpy as np

from .parts import chosen, cycle, log_uniform, periods, rbf, trend

__all__ = ["counts", "intermittent"]


def _rate(rng, n, length):
    found = cycle(rng, n, length, periods(rng, n)[:, 0]) * rng.uniform(0, 0.7, (n, 1))
    found += 0.3 * rbf(rng, n, length, length / 8, 2 * length) + 0.3 * chosen(rng, 0.4, n) * trend(rng, n, length)
    return np.exp(np.clip(found, -4, 3)) * log_uniform(rng, 0.3, 100, (n, 1))


def counts(rng, n, length):
    """Poisson, with an overdispersed rate in half of the series."""
    rate = _rate(rng, n, length)
    shape = log_uniform(rng, 0.5, 50, (n, 1))
    mixed = np.where(chosen(rng, 0.5, n) > 0, rng.gamma(shape, 1 / shape, (n, length)), 1.0)
    return rng.poisson(np.minimum(rate * mixed, 1e6)).astype(np.float64)


def intermittent(rng, n, length):
    """Mostly zeros, and now and then a demand, whose probability may have a season."""
    wave = cycle(rng, n, length, periods(rng, n)[:, 0]) * chosen(rng, 0.4, n)
    probability = np.clip(log_uniform(rng, 0.03, 0.5, (n, 1)) * np.exp(0.7 * wave), 0, 0.9)
    size = 1 + rng.poisson(log_uniform(rng, 0.2, 20, (n, 1)), (n, length))
    return (rng.random((n, length)) < probability) * size.astype(np.float64)
