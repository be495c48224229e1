"""Series for training: one generator each, then mixed and changed at random."""

import numpy as np
from generators import GENERATORS
from generators.parts import log_uniform, rbf, standardised

__all__ = ["series"]

_LONGER = 3  # the longest factor of down-sampling


def series(rng, n, length):
    """`n` series of (n, length) floats, equal shares of all generators, in random order."""
    names = list(GENERATORS)
    which = np.arange(n) % len(names)
    found = np.empty((n, _LONGER * length))
    for i, name in enumerate(names):
        rows = which == i
        if rows.any():
            found[rows] = GENERATORS[name](rng, int(rows.sum()), _LONGER * length)
    found = _mixed(rng, found[rng.permutation(n)])
    found = _thinned(rng, found, length)
    found = _modulated(rng, found)
    return _flipped(rng, found)


def _mixed(rng, found):
    """A weighted sum with a neighbour, for a quarter of the series (TSMixup)."""
    rows = rng.random(len(found)) < 0.25
    weight = rng.uniform(0.3, 0.9, (len(found), 1))
    both = weight * standardised(found) + (1 - weight) * standardised(np.roll(found, 1, axis=0))
    return np.where(rows[:, None], both, found)


def _thinned(rng, found, length):
    """Every step, every second or every third one, or means over them."""
    by = rng.choice([1, 1, 2, 3], size=len(found))
    mean = rng.random(len(found)) < 0.5
    out = np.empty((len(found), length))
    for k in (1, 2, 3):
        blocks = found[by == k][:, : k * length].reshape(-1, length, k)
        out[by == k] = np.where(mean[by == k][:, None], blocks.mean(axis=2), blocks[:, :, 0])
    return out


def _modulated(rng, found):
    """A slowly changing amplitude about the mean, for a sixth of the series."""
    rows = rng.random((len(found), 1)) < 1 / 6
    slowly = np.exp(0.5 * np.clip(rbf(rng, len(found), found.shape[1], 60, 2000), -2, 2))
    mean = found.mean(axis=1, keepdims=True)
    return np.where(rows, mean + (found - mean) * slowly, found)


def _flipped(rng, found):
    """Backwards in time for a sixth, upside down for a third, with a level far from 0 for half of the series."""
    found = np.where(rng.random((len(found), 1)) < 1 / 6, found[:, ::-1], found)
    found = np.where(rng.random((len(found), 1)) < 1 / 3, -found, found)
    level = rng.standard_normal((len(found), 1)) * log_uniform(rng, 0.1, 10, (len(found), 1))
    return found + level * found.std(axis=1, keepdims=True)
