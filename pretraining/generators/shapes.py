"""Bounded shapes: growth to a limit, steps that last, values that are cut off."""

import numpy as np

from .linear import arma
from .parts import chosen, cycle, log_uniform, periods, standardised

__all__ = ["censored", "saturating", "stepwise"]


def _season(rng, n, length):
    return cycle(rng, n, length, periods(rng, n)[:, 0]) * log_uniform(rng, 0.5, 3, (n, 1))


def saturating(rng, n, length):
    """Logistic and exponential growth or decay to a limit, with a season and noise."""
    time = np.linspace(0, 1, length)[None]
    speed, middle = log_uniform(rng, 2, 40, (n, 1)), rng.uniform(-0.3, 1.3, (n, 1))
    logistic = 1 / (1 + np.exp(-np.clip(speed * (time - middle), -50, 50)))
    exponential = 1 - np.exp(-speed * time)
    found = np.where(chosen(rng, 0.5, n) > 0, logistic, exponential)
    found = standardised(found) * rng.choice([-1.0, 1.0], size=(n, 1))
    found += chosen(rng, 0.4, n) * 0.3 * _season(rng, n, length)
    return found + arma(rng, n, length, 0.95) * log_uniform(rng, 0.01, 0.4, (n, 1))


def stepwise(rng, n, length):
    """Levels that last for some time, as states and prices do; rounded values of a background in half of the series."""
    change = rng.random((n, length)) < 1 / log_uniform(rng, 5, 150, (n, 1))
    index = np.cumsum(change, axis=1)
    levels = rng.standard_normal((n, index.max() + 1))
    held = np.take_along_axis(levels, index, axis=1)
    walk = np.take_along_axis(np.cumsum(levels, axis=1), index, axis=1)
    held = np.where(chosen(rng, 0.5, n) > 0, held, walk)
    step = rng.uniform(0.2, 1, (n, 1))
    rounded = np.round((_season(rng, n, length) + arma(rng, n, length, 0.99)) / step) * step
    return np.where(chosen(rng, 0.5, n) > 0, held, rounded)


def censored(rng, n, length):
    """A seasonal background cut off below, above or both, as sunshine, rain and full capacity are."""
    found = standardised(_season(rng, n, length) + arma(rng, n, length, 0.98) * log_uniform(rng, 0.05, 1, (n, 1)))
    low = np.where(chosen(rng, 0.7, n) > 0, rng.uniform(-1.2, 0.8, (n, 1)), -10)
    high = np.where(chosen(rng, 0.3, n) > 0, low + rng.uniform(0.8, 2.5, (n, 1)), 10)
    return np.clip(found, low, high)
