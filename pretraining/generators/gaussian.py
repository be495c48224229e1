"""Gaussian processes: sums and products of kernels, drawn by FFT.

Products with a periodic kernel are harmonics whose amplitudes are processes of their own, which have the covariance
sum_k c_k cos(2 pi k t / p) k_rbf(t).
"""

import numpy as np

from .parts import chosen, log_uniform, periods, rational_quadratic, rbf, standardised, trend

__all__ = ["locally_periodic", "smooth"]


def smooth(rng, n, length):
    """Sums of squared-exponential and rational-quadratic processes and a line, with noise."""
    found = rbf(rng, n, length, 4, length) * log_uniform(rng, 0.1, 1, (n, 1))
    found += rational_quadratic(rng, n, length, 2, length) * log_uniform(rng, 0.1, 1, (n, 1))
    found += chosen(rng, 0.4, n) * trend(rng, n, length) * log_uniform(rng, 0.3, 3, (n, 1))
    product = rbf(rng, n, length, 8, length) * rational_quadratic(rng, n, length, 8, length)
    found += chosen(rng, 0.3, n) * product
    return found + rng.standard_normal((n, length)) * log_uniform(rng, 0.01, 0.3, (n, 1))


def locally_periodic(rng, n, length):
    """A periodic kernel times a squared-exponential one, one or two of them, with a smooth level and noise."""
    found = np.zeros((n, length))
    both = periods(rng, n)
    for which, share in ((0, 1.0), (1, 0.5)):
        period = both[:, which]
        angle = 2 * np.pi * np.arange(length)[None] / period[:, None]
        width = log_uniform(rng, 0.3, 2.0, (n, 1))
        part = np.zeros((n, length))
        for k in range(1, 6):
            size = np.exp(-((k * width) ** 2) / 4) * (2 * k < period[:, None])
            slowly = [rbf(rng, n, length, length / 2, 8 * length) for _ in range(2)]
            # Amplitudes barely change in half of the series, and clearly in the others.
            steady = log_uniform(rng, 0.02, 1.0, (n, 1))
            base = rng.standard_normal((2, n, 1))
            part += size * sum(
                (base[i] + steady * slowly[i]) * wave(k * angle) for i, wave in enumerate((np.sin, np.cos))
            )
        found += share * standardised(part) * (1.0 if which == 0 else chosen(rng, 0.6, n))
    found += rational_quadratic(rng, n, length, 8, length) * log_uniform(rng, 0.03, 1, (n, 1))
    return found + rng.standard_normal((n, length)) * log_uniform(rng, 0.01, 0.5, (n, 1))
