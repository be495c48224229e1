"""What the pretrained network reads of a window: the standardised past and its seasons, continued.

A recurrent state is poor at remembering the shape of a season, and worse at its length. So seasons are found by
autocorrelation and continued, and the network learns how far to trust each continuation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from forecast._types import Floats, Integers

__all__ = [
    "CHANNELS", "FARTHEST", "KNOWN", "LARGEST", "STATIC", "TURNED", "Past", "Windows", "known_of", "mirrored", "read",
    "static_of",
]  # fmt: skip

CHANNELS, KNOWN, STATIC = 2, 5, 39  # of a past step, of a future step, of a window
FARTHEST = 960  # steps between the window and the first forecast that the network has seen
_FEW = 1e-6
LARGEST = 8.0  # standard deviations; beyond, values are clipped
_LONGEST = 384  # the longest season, in steps
_CYCLES = 4  # of the mean
_LEVEL = 8  # newest steps whose mean is the newest level
_NEWEST = 16  # steps that the decoder reads one by one: the newest segment
_TRIED = (64, 16)  # newest steps that the simple forecasts are tried on
TURNED = np.ones(STATIC, dtype=np.float32)  # signs of static values if a window is turned upside down
TURNED[8:13] = TURNED[-_NEWEST:] = -1
_ROUGH, _ERROR, _DISTANCE = 5, 6, 7  # numbers of static values; the last: how far away the forecast begins
_TOGETHER = 512  # windows whose arrays stay in the second-level cache


Seasons = tuple[NDArray[np.int64], NDArray[np.int64]]  # the first and the second of each window


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
        Past(values[first : first + _TOGETHER]).windows(horizon, skipped[first : first + _TOGETHER])
        for first in range(0, max(len(values), 1), _TOGETHER)
    ]
    return Windows(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def mirrored(windows: Windows) -> Windows:
    """Return what the network reads of the same windows upside down, to the bit."""
    past = windows.past * np.array([-1, 1], dtype=np.float32)
    return windows._replace(past=past, known=-windows.known, static=windows.static * TURNED, centre=-windows.centre)


class Past:
    """All that is read of values (n, T), NaN where missing; a forecast may then begin anywhere after them.

    Attributes
    ----------
    z, mask : ndarray of shape (n, T)
        The standardised past, 0 where missing, and 1 where observed.
    seasons : tuple of two ndarrays of shape (n,)
        The first season, 1 if there is none, and the second, equal to the first if there is none.
    centre, scale : ndarray of shape (n, 1)
    """

    def __init__(self, values: Floats) -> None:
        observed = np.isfinite(values)
        self.z, self.centre, self.scale = _standardised(values, observed)
        self.mask = observed.astype(np.float32)
        similar, pairs = _similar(self.z, self.mask)
        self.seasons = _seasons(similar, pairs)
        static = _static(self.z, self.mask, self.seasons, similar)
        self._static = static.astype(np.float32)
        self._error = np.minimum(static[:, _ERROR], 4 * static[:, _ROUGH]).astype(np.float32)

    def windows(self, horizon: int, skipped: Integers | int = 0) -> Windows:
        """Return what the network reads for a forecast of `horizon` steps after `skipped` ones."""
        skipped = np.broadcast_to(skipped, len(self.z))
        static = self._static.copy()
        static[:, _DISTANCE] = np.log2(1 + np.minimum(skipped, FARTHEST) / horizon) / 4
        past = np.stack([self.z, self.mask], axis=2)
        known = known_of(self.z, self.mask, self.seasons, horizon, skipped)
        return Windows(past, known, static, self.centre, self.scale, self._error)


def known_of(z: Floats, mask: NDArray[np.float32], seasons: Seasons, horizon: int, skipped: Integers) -> Floats:
    """Return what is known of the future, (n, horizon, 5): linear in z for given seasons."""
    return np.stack(_simple(z, mask, *seasons, skipped[:, None] + np.arange(horizon)), axis=2)


def static_of(z: Floats, mask: NDArray[np.float32], seasons: Seasons) -> Floats:
    """Return the static values of windows with given seasons, (n, 39), all but the distance of the forecast."""
    return _static(z, mask, seasons, _similar(z, mask)[0])


def _static(z: Floats, mask: NDArray[np.float32], seasons: Seasons, similar: Floats) -> Floats:
    (first, second), n = seasons, np.arange(len(z))
    one = np.where(first > 1, similar[n, first], np.float32(0))
    two = np.where(second != first, similar[n, second], np.float32(0))
    count = np.maximum(mask.sum(axis=1, dtype=np.int64), 1)
    rough, error = _change(z, mask, np.ones_like(first)), _change(z, mask, first)
    distance = np.zeros(len(z))  # of each forecast
    return np.stack(
        [
            one, two, np.log2(first) / 8, np.log2(second) / 8, np.log(count) / 3 - 1.5, rough, error, distance,
            *_newest(z, mask, (1, 8, 64)), _level(z, mask, first, 0), _level(z, mask, first, 1),
            *(part for steps in _TRIED for part in _tried(z, mask, first, second, steps)), *z[:, -_NEWEST:].T,
        ],
        axis=1,
    )  # fmt: skip


def _simple(
    z: NDArray[np.float32],
    mask: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    ahead: Integers,
) -> list[Floats]:
    """Five simple forecasts: both seasons, repeated and as means, and the first one repeated at the newest level."""
    repeated, mean = _continued(z, mask, first, ahead)
    other = (repeated, mean) if (second == first).all() else _continued(z, mask, second, ahead)
    newest = np.broadcast_to(np.arange(-_LEVEL, 0), (len(z), _LEVEL))
    recent = (slice(None), slice(z.shape[1] - _LEVEL, None))
    before = _continued(z, mask, first, newest, 1, past=True)[0]
    shift = (mask[recent] * (z[recent] - before)).sum(axis=1) / np.maximum(mask[recent].sum(axis=1), 1)
    shift = np.where(first > 1, shift, np.float32(0))[:, None]
    return [repeated, mean, *other, repeated + shift]


def _tried(
    z: NDArray[np.float32],
    mask: NDArray[np.float32],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    steps: int,
) -> list[Floats]:
    """Logarithms of the mean absolute errors that five forecasts have on the newest steps: the newest value and four
    of the simple ones."""
    ahead = np.broadcast_to(np.arange(steps), (len(z), steps))
    seen, actual = mask[:, -steps:], z[:, -steps:]
    count = seen.sum(axis=1)
    z, mask = z[:, :-steps], mask[:, :-steps]
    last = np.where(mask > 0, np.arange(z.shape[1]), 0).max(axis=1)
    newest = np.broadcast_to(z[np.arange(len(z)), last][:, None], actual.shape)
    repeated, mean, second_repeated, _, shifted = _simple(z, mask, first, second, ahead)
    tried = np.stack([newest, repeated, mean, second_repeated, shifted])
    errors = (seen * np.abs(actual - tried)).sum(axis=2) / np.maximum(count, 1)
    return list(np.where(count > 0, np.log(errors + np.float32(0.01)), np.float32(0)) / 2)


def _standardised(values: Floats, observed: NDArray[np.bool_]) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Values of mean 0 and deviation 1, 0 where missing; a constant window becomes 0."""
    count = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    centre = np.where(observed, values, 0.0).sum(axis=1, keepdims=True) / count
    off = np.where(observed, values - centre, 0.0)
    scale = np.sqrt((off**2).sum(axis=1, keepdims=True) / count)
    scale = np.where(scale > _FEW * np.abs(centre), scale, np.maximum(np.abs(centre), 1.0))
    return np.clip(off / scale, -LARGEST, LARGEST).astype(np.float32), centre, scale


def _similar(z: Floats, mask: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """By lag: how much a window resembles itself, less trusted the fewer pairs there are, and their number."""
    similar, pairs = _autocorrelation(_without_line(z, mask), mask, min(_LONGEST, z.shape[1] - 8) + 2)
    return similar * pairs / (pairs + 8), pairs


def _seasons(similar: Floats, pairs: Floats) -> Seasons:
    """Two lags with high autocorrelation; 1, or the first again, where there is none."""
    lag = np.arange(similar.shape[1])
    similar = np.where(2 * pairs >= lag, similar, np.float32(-1))  # seen at least one and a half times
    value = np.full_like(similar, -1)
    inner = similar[:, 2:-1]
    value[:, 2:-1] = np.where((inner >= similar[:, 1:-2]) & (inner > similar[:, 3:]), inner, np.float32(-1))
    best = value.max(axis=1, keepdims=True)
    first = np.argmax(value >= np.maximum(best - 0.08 * np.abs(best), 0.1), axis=1)  # the shortest of the best
    later = np.where(lag > 1.5 * first[:, None], value, np.float32(-1))
    second = np.argmax(later, axis=1)
    none = (best[:, 0] < 0.1) | (first < 2)
    first = np.where(none, 1, first)
    none = none | (later.max(axis=1) < 0.1) | (second < 2)
    return first, np.where(none, first, second)


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
    cycles: int = _CYCLES,
    *,
    past: bool = False,
) -> tuple[Floats, Floats]:
    """The newest value at the same phase, and the mean of the last `cycles` ones; 0 where none was observed.

    Where `past`, the steps lie in the window and `ahead` is negative: the values of one lag before.
    """
    rows, lag, back = np.arange(len(z))[:, None, None], lag[:, None, None], np.arange(1, cycles + 1)[:, None]
    ahead = ahead[:, None, :]
    at = z.shape[1] + (ahead if past else ahead % lag) - back * lag
    inside = np.maximum(at, 0)
    here = np.where(at >= 0, mask[rows, inside], np.float32(0))
    values = here * z[rows, inside]
    return values[:, 0], values.sum(axis=1) / np.maximum(here.sum(axis=1), 1)


def _change(z: NDArray[np.float32], mask: NDArray[np.float32], lag: NDArray[np.int64]) -> Floats:
    """The mean absolute difference of values that are `lag` steps apart; 1 where there is no such pair."""
    rows, at = np.arange(len(z))[:, None], np.arange(z.shape[1]) - lag[:, None]
    both = np.where(at >= 0, mask * mask[rows, np.maximum(at, 0)], np.float32(0))
    total = (both * np.abs(z - z[rows, np.maximum(at, 0)])).sum(axis=1)
    count = both.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.float32(1))


def _newest(z: NDArray[np.float32], mask: NDArray[np.float32], counts: tuple[int, ...]) -> list[NDArray[np.float32]]:
    """The mean of the newest observed values, for each of some counts of them."""
    after = np.cumsum(mask[:, ::-1], axis=1)[:, ::-1]  # this value and the observed ones after it
    means = []
    for count in counts:
        taken = mask * (after <= count)
        means.append((taken * z).sum(axis=1) / np.maximum(taken.sum(axis=1), 1))
    return means


def _level(z: NDArray[np.float32], mask: NDArray[np.float32], lag: NDArray[np.int64], back: int) -> NDArray[np.float32]:
    """The mean of the newest cycle, or of the one `back` cycles before."""
    at = z.shape[1] - 1 - np.arange(z.shape[1])
    taken = mask * ((at >= back * lag[:, None]) & (at < (back + 1) * lag[:, None]))
    return (taken * z).sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
