"""Windows for training, out of a pool of series that is renewed little by little."""

import numpy as np
from features import read
from series import series

__all__ = ["Pool", "batch_of"]


class Pool:
    """Series of which windows are cut; `renew` replaces the oldest."""

    def __init__(self, seed, size, length):
        self.rng = np.random.default_rng(seed)
        self.length, self.oldest = length, 0
        self.series = np.empty((size, length), dtype=np.float32)
        for first in range(0, size, 1024):
            n = min(1024, size - first)
            self.series[first : first + n] = series(self.rng, n, length)

    def renew(self, n):
        places = (self.oldest + np.arange(n)) % len(self.series)
        self.series[places] = series(self.rng, n, self.length)
        self.oldest = (self.oldest + n) % len(self.series)


def batch_of(rng, pool, n, lookback, horizon):
    """`n` windows: what the network reads, and scaled targets (n, horizon)."""
    which = rng.integers(len(pool), size=n)
    start = rng.integers(0, pool.shape[1] - lookback - horizon + 1, size=n)
    values = pool[which[:, None], start[:, None] + np.arange(lookback + horizon)].astype(np.float64)
    past, future = values[:, :lookback], values[:, lookback:]
    past = _shortened(rng, _with_gaps(rng, past))
    windows = read(past, horizon)
    targets = np.clip((future - windows.centre) / windows.scale, -20, 20)
    return windows, targets.astype(np.float32)


def _shortened(rng, past):
    """Half of the windows begin later: from 12 steps to all of them, evenly in the logarithm."""
    n, steps = past.shape
    length = np.exp(rng.uniform(np.log(12), np.log(steps), n))
    length = np.where(rng.random(n) < 0.5, steps, length)
    past[np.arange(steps)[None] < steps - length[:, None]] = np.nan
    return past


def _with_gaps(rng, past):
    """A tenth of the windows lacks single values or a block."""
    n, steps = past.shape
    single = (rng.random((n, 1)) < 0.05) & (rng.random((n, steps)) < 0.2)
    begin, length = rng.integers(0, steps, (n, 1)), rng.integers(1, 64, (n, 1))
    at = np.arange(steps)[None]
    block = (rng.random((n, 1)) < 0.05) & (at >= begin) & (at < begin + length) & (at < steps - 8)
    past[single | block] = np.nan
    return past
