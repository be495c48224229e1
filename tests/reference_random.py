"""The oracle's random numbers: Philox4x32-10 (Salmon et al. 2011) once more, and the dropout masks made of it."""

import numpy as np


def philox(counter, seed):
    """Four 32-bit words for each of the counters (..., 4), as uint64."""
    word, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    x = [np.asarray(counter[..., i], dtype=np.uint64) for i in range(4)]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * x[0], np.uint64(0xCD9E8D57) * x[2]
        x = [(b >> word) ^ x[1] ^ np.uint64(keys[0]), b & low, (a >> word) ^ x[3] ^ np.uint64(keys[1]), a & low]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(x, axis=-1)


def dropout_mask(seed, rate, B, times, width, number):
    """(B, steps, width): 0 with probability `rate`, else 1 / (1 - rate). `times` (steps,) are those of the stream."""
    return np.where(below(seed, rate, B, times, width, number), 0.0, 1.0 / (1.0 - rate))


def hidden_mask(seed, rate, B, width, number):
    """(B, width), for all steps: 0 with probability `rate`, else 1 / (1 - rate)."""
    return dropout_mask(seed, rate, B, [2**32 - 1], width, number)[:, 0]


def kept_mask(seed, rate, B, steps, width, number):
    """(B, steps, width): 1 with probability `rate`, else 0."""
    return np.where(below(seed, rate, B, np.arange(steps), width, number), 1.0, 0.0)


def below(seed, rate, B, times, width, number):
    """(B, steps, width): whether the draw of a window, a step and a unit is below `rate`."""
    counter = np.zeros((B, len(times), -(-width // 4), 4), dtype=np.uint64)
    counter[..., 0] = np.arange(B)[:, None, None]  # window in the batch
    counter[..., 1] = np.arange(counter.shape[2])  # unit / 4
    counter[..., 2] = np.asarray(times)[:, None]
    counter[..., 3] = number
    draws = philox(counter, seed).reshape(B, len(times), -1)[:, :, :width]
    return draws < np.uint64(rate * 2.0**32)


def mixed(seed):
    """The key of a call's random numbers: splitmix64 of its seed, so that neighbouring seeds give unrelated draws."""
    word = (1 << 64) - 1
    x = (seed + 0x9E3779B97F4A7C15) & word
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & word
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & word
    return x ^ (x >> 31)
