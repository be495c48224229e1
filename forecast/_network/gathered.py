"""Scaled windows as arrays, a piece at a time: what the kernels gather, for sums that Python makes itself."""

import numpy as np

__all__ = ["scaled_windows"]


def scaled_windows(arguments, scaling, index, clip=None):
    """Past and targets of some windows as the network sees them.

    Parameters
    ----------
    arguments : dict
        Of `_core.Source`, which documents what each means.
    scaling : Scaling
    index : ndarray of int64
    clip : float, default=None
        Largest size of a scaled input.

    Returns
    -------
    past : ndarray of shape (windows, steps, inputs), float64
    targets : ndarray of shape (windows, targets), float64
        NaN where one is missing.
    """
    origin, steps = arguments.get("origin"), arguments["lookback"]
    base = index if origin is None else np.asarray(origin)[index].astype(np.int64)
    first = base * arguments.get("past_stride", 1) + arguments.get("past_shift", 0)
    past = arguments["past"][first[:, None] + np.arange(steps)].astype(np.float64)
    centre, spread = _anchors(past, arguments.get("anchor"))
    past = ((past - centre[:, None]) / spread[:, None] - scaling.past_mean) / scaling.past_scale
    ahead = base * arguments.get("target_stride", 1) + arguments.get("target_shift", 0)
    targets = arguments["target"][ahead[:, None] + np.arange(arguments["horizon"])].astype(np.float64)
    anchored = arguments.get("target_anchor")
    for column, channel in enumerate(() if anchored is None else anchored):
        if channel >= 0:
            targets[..., column] = (targets[..., column] - centre[:, channel, None]) / spread[:, channel, None]
    targets = (targets.reshape(len(index), -1) - scaling.target_mean) / scaling.target_scale
    return past if clip is None else past.clip(-clip, clip), targets


def _anchors(past, anchor):
    """What is taken off each window and channel, and what it is divided by: `Source` has the kinds."""
    kinds = np.zeros(past.shape[2], dtype=np.int32) if anchor is None else np.asarray(anchor)
    centre, spread = np.zeros((len(past), past.shape[2])), np.ones((len(past), past.shape[2]))
    centre[:, kinds == 1] = past[:, -1, kinds == 1]
    averaged, divided = kinds >= 2, kinds == 3
    centre[:, averaged] = past[:, :, averaged].mean(axis=1)
    least = 1e-3 * np.abs(centre[:, divided])
    found = np.maximum(past[:, :, divided].std(axis=1), least)
    spread[:, divided] = np.where(found > 0, found, 1.0)
    return centre, spread
