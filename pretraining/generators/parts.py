"""What the generators are built of: stationary noise of a given spectrum, cycles, trends, random sizes."""

import numpy as np
from scipy import fft

__all__ = ["chosen", "cycle", "log_uniform", "of_spectrum", "periods", "rbf", "standardised", "trend"]

# Steps of a cycle as calendars have them: (short, long) at a sampling interval.
CALENDARS = np.array(
    [(144, 1008), (96, 672), (48, 336), (24, 168), (24, 168), (24, 720), (7, 365), (7, 30), (5, 21), (52, 13), (12, 48),
     (4, 16), (288, 2016), (60, 1440)],
    dtype=np.float64,
)  # fmt: skip


def log_uniform(rng, low, high, size):
    """Draws of equal density in the logarithm."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def chosen(rng, probability, n):
    """A column of 0 and 1."""
    return (rng.random((n, 1)) < probability).astype(np.float64)


def standardised(series):
    """Each row with mean 0 and deviation 1; a constant row becomes 0."""
    series = series - series.mean(axis=1, keepdims=True)
    deviation = series.std(axis=1, keepdims=True)
    return series / np.where(deviation > 0, deviation, 1.0)


def of_spectrum(rng, density, length):
    """Gaussian noise of a spectral density (n, m // 2 + 1) on m > length points, by one inverse FFT a row.

    The points beyond `length` are cut off, so that the end knows nothing of the beginning.
    """
    m = 2 * (density.shape[1] - 1)
    phase = rng.standard_normal((2, *density.shape), dtype=np.float32)
    found = fft.irfft((phase[0] + 1j * phase[1]) * np.sqrt(density), n=m, axis=1)[:, :length]
    return standardised(found)


def _frequencies(length):
    m = 1 << int(np.ceil(np.log2(2 * length)))
    return np.fft.rfftfreq(m)[None]


def rbf(rng, n, length, shortest, longest):
    """Draws of a Gaussian process with a squared-exponential kernel of a random length scale."""
    scale = log_uniform(rng, shortest, longest, (n, 1))
    return of_spectrum(rng, np.exp(-2 * (np.pi * scale * _frequencies(length)) ** 2) + 1e-12, length)


def rational_quadratic(rng, n, length, shortest, longest):
    """A mixture of length scales: a heavy-tailed spectrum f^-beta beyond a corner frequency."""
    corner = 1 / log_uniform(rng, shortest, longest, (n, 1))
    beta = rng.uniform(1.0, 4.0, (n, 1))
    return of_spectrum(rng, (1 + (_frequencies(length) / corner) ** 2) ** (-beta / 2), length)


def periods(rng, n):
    """A short and a longer period of each series, two thirds of them as calendars have them."""
    found = CALENDARS[rng.integers(len(CALENDARS), size=n)]
    free = rng.random(n) < 1 / 3
    short = log_uniform(rng, 3, 200, n)
    long = short * rng.choice([2.0, 3.0, 4.0, 5.0, 7.0, 12.0, 30.0], size=n)
    return np.where(free[:, None], np.stack([short, long], 1), found)


def cycle(rng, n, length, period, *, sharpest=8):
    """A repeating shape of random harmonics, from a sine to narrow peaks; (n, length), deviation about 1."""
    harmonics = np.arange(1, sharpest + 1)
    decay = rng.uniform(0.5, 3.0, (n, 1))
    size = harmonics**-decay * rng.standard_normal((n, sharpest)) * (2 * harmonics < period[:, None])
    phase = rng.uniform(0, 2 * np.pi, (n, sharpest))
    angle = 2 * np.pi * np.arange(length)[None] / period[:, None]
    found = np.zeros((n, length))
    for k in range(sharpest):
        found += size[:, k, None] * np.sin((k + 1) * angle + phase[:, k, None])
    return standardised(found)


def trend(rng, n, length):
    """Straight, bent in one place, or slowly wandering; deviation 1."""
    time = np.linspace(-1, 1, length)[None]
    kind = rng.random((n, 1))
    bend = rng.uniform(-0.9, 0.9, (n, 1))
    straight = time * np.ones((n, 1))
    bent = np.where(time < bend, time, bend + rng.uniform(-2, 2, (n, 1)) * (time - bend))
    wander = rbf(rng, n, length, length / 4, 2 * length)
    found = np.where(kind < 0.4, straight, np.where(kind < 0.7, bent, wander))
    return standardised(found) * rng.choice([-1.0, 1.0], size=(n, 1))
