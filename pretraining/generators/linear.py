"""Linear processes: autoregressive and moving-average, integrated, walks with drift."""

import numpy as np
from scipy.signal import lfilter

from .parts import chosen, cycle, log_uniform, periods, standardised

__all__ = ["arma", "autoregressive", "integrated", "walk"]

_WARM = 200  # steps before the first that is kept


def _polynomial(rng, order, largest):
    """Coefficients 1, -a_1, ..., with all roots inside the circle of that radius."""
    found = np.ones(1)
    while len(found) <= order:
        radius = largest * np.sqrt(rng.random())
        if len(found) + 1 <= order and rng.random() < 0.5:
            angle = rng.uniform(0, np.pi)
            found = np.convolve(found, [1, -2 * radius * np.cos(angle), radius**2])
        else:
            found = np.convolve(found, [1, -radius * rng.choice([-0.3, 1.0, 1.0])])
    return found


def arma(rng, n, length, largest=0.995):
    """ARMA(p, q) with p up to 4 and q up to 2; heavy tails in a fifth of the series."""
    noise = rng.standard_normal((n, length + _WARM))
    heavy = rng.random((n, 1)) < 0.2
    noise = np.where(heavy, rng.standard_t(4, noise.shape) / np.sqrt(2), noise)
    found = np.empty((n, length))
    for i in range(n):
        ar = _polynomial(rng, rng.integers(1, 5), largest)
        ma = _polynomial(rng, rng.integers(0, 3), 0.9)
        found[i] = lfilter(ma, ar, noise[i])[_WARM:]
    return standardised(found)


def autoregressive(rng, n, length):
    """ARMA, with a season in half of the series."""
    season = cycle(rng, n, length, periods(rng, n)[:, 0])
    return arma(rng, n, length) + season * chosen(rng, 0.5, n) * log_uniform(rng, 0.3, 3, (n, 1))


def integrated(rng, n, length):
    """ARIMA: sums of ARMA, once or, in a fifth of the series, twice smoothed by a strong root."""
    change = arma(rng, n, length, 0.9)
    found = np.cumsum(change + rng.normal(0, 0.05, (n, 1)), axis=1)
    twice = rng.random(n) < 0.2
    found[twice] = np.cumsum(lfilter([0.1], [1, -0.9], found[twice], axis=1), axis=1)
    season = cycle(rng, n, length, periods(rng, n)[:, 0])
    return standardised(found) + season * chosen(rng, 0.3, n) * log_uniform(rng, 0.05, 0.5, (n, 1))


def walk(rng, n, length):
    """Random walks with drift, plain and geometric."""
    step = rng.standard_normal((n, length))
    heavy = rng.random((n, 1)) < 0.3
    step = np.where(heavy, rng.standard_t(3, step.shape) / np.sqrt(3), step)
    found = np.cumsum(step + rng.normal(0, 0.03, (n, 1)), axis=1)
    geometric = chosen(rng, 0.4, n)
    scale = log_uniform(rng, 0.003, 0.03, (n, 1))
    return np.where(geometric > 0, np.exp(np.clip(scale * found, -20, 20)) / scale, found)
