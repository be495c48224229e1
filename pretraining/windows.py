"""Windows for training, out of a pool of series that is renewed little by little."""

import numpy as np
from series import series

from forecast._pretrained.network import HORIZON, LOOKBACK
from forecast._pretrained.reading import FARTHEST, read

__all__ = ["LENGTH", "Pool", "batch_of"]

LENGTH = LOOKBACK + FARTHEST + 2 * HORIZON + 448  # of a series, from which several windows are cut
_TOGETHER = 512  # windows whose arrays stay in the second-level cache


class Pool:
    """Series of which windows are cut; `renew` replaces the oldest."""

    def __init__(self, seed, size):
        self.rng = np.random.default_rng(seed)
        self.oldest = 0
        self.series = np.empty((size, LENGTH), dtype=np.float32)
        for first in range(0, size, 1024):
            n = min(1024, size - first)
            self.series[first : first + n] = series(self.rng, n, LENGTH)

    def renew(self, n):
        places = (self.oldest + np.arange(n)) % len(self.series)
        self.series[places] = series(self.rng, n, LENGTH)
        self.oldest = (self.oldest + n) % len(self.series)


def batch_of(rng, pool, n):
    """`n` windows: what the network reads, scaled targets (n, horizon), and the steps between the two."""
    parts = [_part(rng, pool, min(_TOGETHER, n - first)) for first in range(0, n, _TOGETHER)]
    windows, targets, skipped = zip(*parts, strict=True)
    joined = type(windows[0])(*(np.concatenate(part) for part in zip(*windows, strict=True)))
    return joined, np.concatenate(targets), np.concatenate(skipped)


def _part(rng, pool, n):
    which = rng.integers(len(pool), size=n)
    skipped = _skipped(rng, n)
    start = rng.integers(0, pool.shape[1] - LOOKBACK - HORIZON + 1 - skipped)
    past = pool[which[:, None], start[:, None] + np.arange(LOOKBACK)].astype(np.float64)
    future = pool[which[:, None], (start + LOOKBACK + skipped)[:, None] + np.arange(HORIZON)]
    windows = read(_shortened(rng, _with_gaps(rng, past)), HORIZON, skipped)
    targets = np.clip((future - windows.centre) / windows.scale, -20, 20)
    return windows, targets.astype(np.float32), skipped


def _skipped(rng, n):
    """Whole passes between the window and the forecast: none for half of the windows, else evenly in the logarithm."""
    passes = np.floor(np.exp(rng.uniform(0, np.log(FARTHEST / HORIZON + 1), n))).astype(np.int64)
    return HORIZON * np.where(rng.random(n) < 0.5, 0, passes)


def _shortened(rng, past):
    """Half of the windows begin later: from 12 steps to all of them, evenly in the logarithm."""
    n, steps = past.shape
    length = np.exp(rng.uniform(np.log(12), np.log(steps), n))
    length = np.where(rng.random(n) < 0.5, steps, length)
    past[np.arange(steps)[None] < steps - length[:, None]] = np.nan
    return past


def _with_gaps(rng, past):
    """In a tenth of the windows, single values or a block are missing."""
    n, steps = past.shape
    single = (rng.random((n, 1)) < 0.05) & (rng.random((n, steps)) < 0.2)
    begin, length = rng.integers(0, steps, (n, 1)), rng.integers(1, 64, (n, 1))
    at = np.arange(steps)[None]
    block = (rng.random((n, 1)) < 0.05) & (at >= begin) & (at < begin + length) & (at < steps - 8)
    past[single | block] = np.nan
    return past
