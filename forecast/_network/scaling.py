"""Means and scales that give the network's numbers their units, learned from the windows to train on."""

from dataclasses import dataclass

import numpy as np

from .. import _core
from .._files import stored
from .._tail import MANY

__all__ = ["Scaling", "windows_scaling"]


@stored("scaling")
@dataclass(frozen=True)
class Scaling:
    """Means and scales of inputs (per channel), targets (per output) and extra inputs, learned from the windows."""

    past_mean: np.ndarray
    past_scale: np.ndarray
    target_mean: np.ndarray
    target_scale: np.ndarray
    extra_mean: np.ndarray | None = None  # None: no extra inputs, as in every fit before there were any
    extra_scale: np.ndarray | None = None


def windows_scaling(arguments, weight, index):
    """Scaling learned from the windows `index`; a constant channel, target or extra input gets the scale 1.

    Parameters
    ----------
    arguments : dict
        Of `_core.Source`.
    weight : ndarray of shape (windows,) or None
    index : ndarray of int64

    Returns
    -------
    Scaling
    """
    # Of millions of windows every so many give the same means, in a fraction of the time and memory.
    some = np.ascontiguousarray(index[:: -(-len(index) // MANY) or 1], dtype=np.int64)
    found = _core.moments(_core.Source(**arguments, weight=weight), some)
    learned = {}
    for of, name in (("past", "X"), ("target", "y"), ("extra", "X, known future and static values")):
        mean, deviation = found[f"{of}_mean"], found[f"{of}_std"]
        if not np.isfinite(deviation).all():
            raise ValueError(f"{name}: expected numbers with a finite variance, got some beyond 1e150; rescale them.")
        if mean.size or of != "extra":
            learned.update({f"{of}_mean": mean, f"{of}_scale": _positive_scale(mean, deviation)})
    return Scaling(**learned)


def _positive_scale(mean, deviation):
    rounding = 10 * np.finfo(float).eps * np.abs(mean)  # what is left of a constant's deviation
    return np.where(deviation > np.maximum(rounding, np.finfo(float).tiny), deviation, 1.0)
