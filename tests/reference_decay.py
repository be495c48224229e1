"""The oracle's states that decay with the time since the step before, read like the equations."""

import numpy as np


def decay_at(layer, elapsed, p, t):
    """e, the time since the step before, and g, by which the states have decayed at step t: (B, 1), (B, H)."""
    e = elapsed[:, min(t + layer.reverse, elapsed.shape[1] - 1)]
    return e, np.exp(-np.maximum(0.0, e * p["decay_w"] + p["decay_b"]))


def decay_backward(layer, elapsed, p, t, h, dstates, dp, delapsed):
    """From the gradients of what the cell has read, g h, to those of h; the others are added up."""
    e, g = decay_at(layer, elapsed, p, t)
    da = -dstates[0] * h * g * (e * p["decay_w"] + p["decay_b"] > 0.0)
    dp["decay_w"] += (da * e).sum(axis=0)
    dp["decay_b"] += da.sum(axis=0)
    delapsed[:, min(t + layer.reverse, elapsed.shape[1] - 1), 0] += da @ p["decay_w"]
    return [g * dstates[0]]
