"""What the network reads of a window: the standardised past, and how its seasons would go on.

A recurrent state remembers the shape of a season badly and its length worse. So the seasons are found by
autocorrelation and continued, and the network learns how far to trust each continuation.
"""

import numpy as np
from scipy import fft

__all__ = ["CHANNELS", "KNOWN", "STATIC", "Read", "read"]

CHANNELS, KNOWN, STATIC = 2, 4, 6
_FEW = 1e-6
_LARGEST = 8.0  # standard deviations; beyond, values are clipped
_LONGEST = 384  # the longest season, in steps
_CYCLES = 4  # of the mean


class Read:
    """Windows as arrays: past (n, T, 2), known (n, H, 4), static (n, 6), centre and scale (n, 1)."""

    def __init__(self, past, known, static, centre, scale):
        self.past, self.known, self.static, self.centre, self.scale = past, known, static, centre, scale


def read(values, horizon):
    """Values (n, T), NaN where missing, as what the network reads of them."""
    observed = np.isfinite(values)
    count = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    zeroed = np.where(observed, values, 0.0)
    centre = zeroed.sum(axis=1, keepdims=True) / count
    off = np.where(observed, values - centre, 0.0)
    scale = np.sqrt((off**2).sum(axis=1, keepdims=True) / count)
    scale = np.where(scale > _FEW * np.abs(centre), scale, np.maximum(np.abs(centre), 1.0))
    z = np.clip(off / scale, -_LARGEST, _LARGEST)
    mask = observed.astype(z.dtype)
    first, second, strength = _seasons(z, mask)
    rows = np.arange(len(z))[:, None]
    known = np.empty((len(z), horizon, KNOWN), dtype=np.float32)
    known[:, :, 0] = _continued(z, mask, rows, first, horizon, 1)
    known[:, :, 1] = _continued(z, mask, rows, first, horizon, _CYCLES)
    known[:, :, 2] = _continued(z, mask, rows, second, horizon, 1)
    known[:, :, 3] = _continued(z, mask, rows, second, horizon, _CYCLES)
    past = np.stack([z, mask], axis=2).astype(np.float32)
    jumps = np.abs(np.diff(z, axis=1)) * mask[:, 1:] * mask[:, :-1]
    rough = jumps.sum(axis=1) / np.maximum((mask[:, 1:] * mask[:, :-1]).sum(axis=1), 1)
    static = np.stack(
        [strength[:, 0], strength[:, 1], np.log2(first) / 8, np.log2(second) / 8, np.log(count[:, 0]) / 3 - 1.5, rough],
        1,
    ).astype(np.float32)
    return Read(past, known, static, centre, scale)


def _seasons(z, mask):
    """Two lags at which a window resembles itself, 1 where there is none, and how much."""
    n, steps = z.shape
    time = np.arange(steps) - (steps - 1) / 2
    # Without the line through the observed values: a trend resembles itself at every lag.
    total = mask.sum(axis=1, keepdims=True)
    mean_t = (mask * time).sum(axis=1, keepdims=True) / np.maximum(total, 1)
    centred = mask * (time - mean_t)
    slope = (centred * z).sum(axis=1, keepdims=True) / np.maximum((centred * time).sum(axis=1, keepdims=True), 1e-9)
    x = (mask * (z - slope * (time - mean_t))).astype(np.float32)
    m = mask.astype(np.float32)
    size = 2 * steps
    spectrum, of_mask = fft.rfft(x, size), fft.rfft(m, size)
    lags = min(_LONGEST, steps - 8) + 2
    products = fft.irfft(np.abs(spectrum) ** 2, size)[:, :lags]
    pairs = fft.irfft(np.abs(of_mask) ** 2, size)[:, :lags]
    variance = products[:, :1] / np.maximum(pairs[:, :1], 1)
    similar = products / np.maximum(pairs, 1) / np.maximum(variance, 1e-9)
    # Seen at least one and a half times, and less trusted the fewer pairs there are.
    lag = np.arange(lags)
    similar = np.where(2 * pairs >= lag, similar * pairs / (pairs + 8), -1.0)
    peak = np.zeros_like(similar, dtype=bool)
    peak[:, 2:-1] = (similar[:, 2:-1] >= similar[:, 1:-2]) & (similar[:, 2:-1] > similar[:, 3:])
    value = np.where(peak, similar, -1.0)
    best = value.max(axis=1, keepdims=True)
    first = np.argmax(value >= np.maximum(best - 0.08 * np.abs(best), 0.1), axis=1)  # the shortest of the best
    later = np.where(lag[None] > 1.5 * first[:, None], value, -1.0)
    second = np.argmax(later, axis=1)
    rows = np.arange(n)
    one, two = value[rows, first], later[rows, second]
    none = (best[:, 0] < 0.1) | (first < 2)
    first, one = np.where(none, 1, first), np.where(none, 0.0, one)
    none = none | (two < 0.1) | (second < 2)
    return first, np.where(none, first, second), np.stack([one, np.where(none, 0.0, two)], axis=1)


def _continued(z, mask, rows, lag, horizon, cycles):
    """The mean of the last `cycles` values at the same phase; the mean of the window where none was observed."""
    steps = z.shape[1]
    lag = lag[:, None]
    ahead = np.arange(horizon)[None] % lag
    total, seen = np.zeros((len(z), horizon)), np.zeros((len(z), horizon))
    for k in range(1, cycles + 1):
        at = steps - k * lag + ahead
        inside = at >= 0
        at = np.maximum(at, 0)
        here = mask[rows, at] * inside
        total += here * z[rows, at]
        seen += here
    return total / np.maximum(seen, 1)
