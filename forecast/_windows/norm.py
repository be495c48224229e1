"""Per-window normalisation of the targets: what is taken off a window's values, and what they are divided by.

Read from the window's own past alone, so nothing is learnt and nothing can leak. The core does the same arithmetic
while it gathers (`anchor` of its Source); here it serves other regressors and the way back.
"""

import numpy as np

__all__ = ["KINDS", "centre_and_scale"]

KINDS = {None: 0, "last": 1, "mean": 2, "standard": 3}  # the core's numbers
FLOOR = 1e-3  # of the mean: a window that hardly moves is not blown up


def centre_and_scale(kind, values, origins, lookback, n_targets):
    """What normalisation takes off each target of each window, and what it divides by.

    Parameters
    ----------
    kind : {"last", "mean", "standard"}
    values : ndarray of shape (rows, channels)
        Targets first.
    origins : ndarray of int
    lookback, n_targets : int

    Returns
    -------
    centre : ndarray of shape (n, targets)
        The newest value ("last", in the dtype of `values`) or the mean over the window (float64).
    scale : ndarray of shape (n, targets) or None
        "standard": the population standard deviation over the window, at least `1e-3 * |mean|`, and 1 where that is 0.
    """
    if kind == "last":
        return values[origins, :n_targets], None
    centre = _mean(lambda rows: values[rows, :n_targets].astype(np.float64), origins, lookback)
    if kind == "mean":
        return centre, None
    square = _mean(lambda rows: np.square(values[rows, :n_targets].astype(np.float64) - centre), origins, lookback)
    scale = np.maximum(np.sqrt(square), FLOOR * np.abs(centre))
    scale[scale == 0] = 1.0
    return centre, scale


def _mean(read, origins, lookback):
    """Step by step and not along an axis: little memory, and the core's order of addition."""
    total = read(origins - (lookback - 1))
    for back in range(lookback - 2, -1, -1):
        total = total + read(origins - back)
    return total / lookback
