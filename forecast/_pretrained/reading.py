"""What the pretrained network reads of a window: the standardised past and its seasons, continued.

A recurrent state is poor at remembering the shape of a season, and worse at its length. So seasons are found by
autocorrelation and continued, and the network learns how far to trust each continuation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from forecast._types import Floats, Integers

__all__ = ["CHANNELS", "FARTHEST", "KNOWN", "STATIC", "Windows", "mirrored", "read"]

CHANNELS, KNOWN, STATIC = 2, 5, 39  # of a past step, of a future step, of a window
FARTHEST = 960  # steps between the window and the first forecast that the network has seen
_FEW = 1e-6
_LARGEST = 8.0  # standard deviations; beyond, values are clipped
_LONGEST = 384  # the longest season, in steps
_CYCLES = 4  # of the mean
_NEWEST = 16  # steps that the decoder reads one by one: the newest segment
_TRIED = (64, 16)  # newest steps that the simple forecasts are tried on
_TURNED = np.ones(STATIC, dtype=np.float32)  # signs of static values if a window is turned upside down
_TURNED[8:13] = _TURNED[-_NEWEST:] = -1
_TOGETHER = 512  # windows whose arrays stay in the second-level cache


class Windows(NamedTuple):
    """Windows as arrays: past (n, T, 2), known (n, H, 5), static (n, 39), centre and scale (n, 1), error (n,).

    `error` says how hard a window is, in units of its scale: the mean absolute difference of values one season apart,
    or four times that of neighbours, whichever is less.
    """

    past: NDArray[np.float32]
    known: NDArray[np.float32]
    static: NDArray[np.float32]
    centre: Floats
    scale: Floats
    error: NDArray[np.float32]


def read(values: Floats, horizon: int, skipped: Integers | int = 0) -> Windows:
    """Return what the network reads of values (n, T), NaN where missing; the forecast begins after `skipped` steps."""
    skipped = np.broadcast_to(skipped, len(values))
    parts = [
        _read(values[first : first + _TOGETHER], horizon, skipped[first : first + _TOGETHER])
        for first in range(0, max(len(values), 1), _TOGETHER)
    ]
    return Windows(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def mirrored(windows: Windows) -> Windows:
    """Return what the network reads of the same windows upside down, to the bit."""
    past = windows.past * np.array([-1, 1], dtype=np.float32)
    return windows._replace(past=past, known=-windows.known, static=windows.static * _TURNED, centre=-windows.centre)


def _read(values: Floats, horizon: int, skipped: Integers) -> Windows:
    observed = np.isfinite(values)
    z, centre, scale = _standardised(values, observed)
    mask = observed.astype(np.float32)
    first, second, strength = _seasons(z, mask)
    known = np.stack(_simple(z, mask, first, second, skipped[:, None] + np.arange(horizon))[1:], axis=2)
    count = np.maximum(observed.sum(axis=1), 1)
    rough, error = _change(z, mask, np.ones_like(first)), _change(z, mask, first)
    static = np.stack(
        [
            strength[:, 0], strength[:, 1], np.log2(first) / 8, np.log2(second) / 8, np.log(count) / 3 - 1.5, rough,
            error, np.log2(1 + np.minimum(skipped, FARTHEST) / horizon) / 4, _newest(z, mask, 1), _newest(z, mask, 8),
            _newest(z, mask, 64), _level(z, mask, first, 0), _level(z, mask, first, 1),
            *(part for steps in _TRIED for part in _tried(z, mask, first, second, steps)), *z[:, -_NEWEST:].T,
        ],
        axis=1,
    ).astype(np.float32)  # fmt: skip
    return Windows(np.stack([z, mask], axis=2), known, static, centre, scale, np.minimum(error, 4 * rough))


def _simple(
    z: NDArray[np.float32],
    mask: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    ahead: NDArray[np.int64],
) -> list[Floats]:
    """Six simple forecasts: the newest value, both seasons repeated, as means, and the first at the newest level."""
    repeated = _continued(z, mask, first, ahead, 1)
    newest = np.arange(-8, 0)
    recent = (slice(None), slice(z.shape[1] - 8, None))
    before = _continued(z, mask, first, np.broadcast_to(newest, (len(z), 8)), 1, past=True)
    shift = (mask[recent] * (z[recent] - before)).sum(axis=1) / np.maximum(mask[recent].sum(axis=1), 1)
    shift = np.where(first > 1, shift, np.float32(0))[:, None]
    return [
        np.broadcast_to(_newest(z, mask, 1)[:, None], ahead.shape),
        repeated,
        _continued(z, mask, first, ahead, _CYCLES),
        _continued(z, mask, second, ahead, 1),
        _continued(z, mask, second, ahead, _CYCLES),
        repeated + shift,
    ]


def _tried(
    z: NDArray[np.float32],
    mask: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    steps: int,
) -> list[Floats]:
    """Logarithms of the mean absolute errors that the simple forecasts, one left out, have on the newest steps."""
    ahead = np.broadcast_to(np.arange(steps), (len(z), steps))
    seen, actual = mask[:, -steps:], z[:, -steps:]
    count = seen.sum(axis=1)
    simple = _simple(z[:, :-steps], mask[:, :-steps], first, second, ahead)
    errors: list[Floats] = [
        (seen * np.abs(actual - one)).sum(axis=1) / np.maximum(count, 1) for one in simple[:4] + simple[5:]
    ]
    return [np.where(count > 0, np.log(error + np.float32(0.01)), np.float32(0)) / 2 for error in errors]


def _standardised(values: Floats, observed: NDArray[np.bool_]) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Values of mean 0 and deviation 1, 0 where missing; a constant window becomes 0."""
    count = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    centre = np.where(observed, values, 0.0).sum(axis=1, keepdims=True) / count
    off = np.where(observed, values - centre, 0.0)
    scale = np.sqrt((off**2).sum(axis=1, keepdims=True) / count)
    scale = np.where(scale > _FEW * np.abs(centre), scale, np.maximum(np.abs(centre), 1.0))
    return np.clip(off / scale, -_LARGEST, _LARGEST).astype(np.float32), centre, scale


def _seasons(
    z: NDArray[np.float32], mask: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Two lags with high autocorrelation (1 where there is none), and these autocorrelations."""
    n, steps = z.shape
    similar, pairs = _autocorrelation(_without_line(z, mask), mask, min(_LONGEST, steps - 8) + 2)
    # Seen at least one and a half times, and less trusted the fewer pairs there are.
    lag = np.arange(similar.shape[1])
    similar = np.where(2 * pairs >= lag, similar * pairs / (pairs + 8), np.float32(-1))
    value = np.full_like(similar, -1)
    inner = similar[:, 2:-1]
    value[:, 2:-1] = np.where((inner >= similar[:, 1:-2]) & (inner > similar[:, 3:]), inner, np.float32(-1))
    best = value.max(axis=1, keepdims=True)
    first = np.argmax(value >= np.maximum(best - 0.08 * np.abs(best), 0.1), axis=1)  # the shortest of the best
    later = np.where(lag > 1.5 * first[:, None], value, np.float32(-1))
    second = np.argmax(later, axis=1)
    one, two = value[np.arange(n), first], later[np.arange(n), second]
    none = (best[:, 0] < 0.1) | (first < 2)
    first, one = np.where(none, 1, first), np.where(none, 0, one)
    none = none | (two < 0.1) | (second < 2)
    return first, np.where(none, first, second), np.stack([one, np.where(none, 0, two)], axis=1)


def _without_line(z: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """The window without the line through its observed values: a trend is autocorrelated at every lag."""
    time = np.linspace(-1, 1, z.shape[1], dtype=np.float32)
    # No matrix product: its bits depend on the number of windows.
    middle = (mask * time).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    centred = mask * (time - middle[:, None])
    slope = (centred * z).sum(axis=1) / np.maximum((centred * time).sum(axis=1), np.float32(1e-6))
    return z * mask - slope[:, None] * centred


def _autocorrelation(
    x: NDArray[np.float32], mask: NDArray[np.float32], lags: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The autocorrelation of each window at each lag, and the number of observed pairs."""
    size = 2 * x.shape[1]
    spectrum, of_mask = fft.rfft(x, size), fft.rfft(mask, size)
    products = fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:, :lags]
    pairs = fft.irfft(of_mask.real**2 + of_mask.imag**2, size)[:, :lags]
    few = np.maximum(pairs, 1)
    variance = products[:, :1] / few[:, :1]
    return products / few / np.maximum(variance, np.float32(1e-9)), pairs


def _continued(
    z: NDArray[np.float32],
    mask: NDArray[np.float32],
    lag: NDArray[np.int64],
    ahead: Integers,
    cycles: int,
    *,
    past: bool = False,
) -> Floats:
    """The mean of the last `cycles` values at the same phase; the mean of the window where none was observed.

    Where `past`, the steps lie in the window and `ahead` is negative: the values of one lag before.
    """
    rows, lag, back = np.arange(len(z))[:, None, None], lag[:, None, None], np.arange(1, cycles + 1)[:, None]
    ahead = ahead[:, None, :]
    at = z.shape[1] + (ahead if past else ahead % lag) - back * lag
    here = np.where(at >= 0, mask[rows, np.maximum(at, 0)], np.float32(0))
    total = (here * z[rows, np.maximum(at, 0)]).sum(axis=1)
    return total / np.maximum(here.sum(axis=1), 1)


def _change(z: NDArray[np.float32], mask: NDArray[np.float32], lag: NDArray[np.int64]) -> Floats:
    """The mean absolute difference of values that are `lag` steps apart; 1 where there is no such pair."""
    rows, at = np.arange(len(z))[:, None], np.arange(z.shape[1]) - lag[:, None]
    both = np.where(at >= 0, mask * mask[rows, np.maximum(at, 0)], np.float32(0))
    total = (both * np.abs(z - z[rows, np.maximum(at, 0)])).sum(axis=1)
    count = both.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(1))


def _newest(z: NDArray[np.float32], mask: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """The mean of the newest `steps` observed values."""
    after = np.cumsum(mask[:, ::-1], axis=1)[:, ::-1]  # this value and the observed ones after it
    taken = mask * (after <= steps)
    return (taken * z).sum(axis=1) / np.maximum(taken.sum(axis=1), 1)


def _level(z: NDArray[np.float32], mask: NDArray[np.float32], lag: NDArray[np.int64], back: int) -> NDArray[np.float32]:
    """The mean of the newest cycle, or of the one `back` cycles before."""
    at = z.shape[1] - 1 - np.arange(z.shape[1])
    taken = mask * ((at >= back * lag[:, None]) & (at < (back + 1) * lag[:, None]))
    return (taken * z).sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
