"""`Windows` as keyword arguments of the core's source."""

import numpy as np

from .norm import KINDS

__all__ = ["no_past", "source_arguments"]


def no_past(rows, dtype, shift=1):
    """Of windows without a past: the core gathers a row of zeros, which no layer reads.

    Parameters
    ----------
    rows : int
    dtype : numpy.dtype
    shift : int, default=1
        The row after the origin tells the series, because a window may begin before the first row of its own.

    Returns
    -------
    dict
        Of `_core.Source`.
    """
    return {"past": np.zeros((rows, 1), dtype=dtype), "lookback": 1, "past_stride": 1, "past_shift": shift}


def source_arguments(windows):
    """Keyword arguments with which the core gathers windows from their series.

    Parameters
    ----------
    windows : Windows

    Returns
    -------
    dict
        Of `_core.Source`; without targets (`target=None`) where some window has no future.
    """
    known, n = windows.has_future, windows.n_targets
    norm = windows._norm
    kind = KINDS[norm.kind]
    arguments = {
        "past": windows.values,
        "lookback": windows.lookback,
        "origin": windows.origins,
        "past_stride": 1,
        "past_shift": -(windows.lookback - 1),
        "target": windows.target_values if known else None,
        "horizon": windows.horizon if known else 0,
        "target_stride": 1,
        "target_shift": 1,
        "anchor": (kind * (np.arange(windows.n_channels) < n)).astype(np.int32) if kind else None,
        "target_anchor": np.arange(n, dtype=np.int32) if kind and known else None,
    }
    if not windows.lookback:
        arguments |= no_past(len(windows.values), windows.dtype)
    if norm.steps < windows.lookback:
        arguments["anchor_steps"] = norm.steps
    if norm.season:
        arguments["season"] = norm.season
    if windows.future is not None:
        arguments["future"] = windows.future
    if windows.static is not None:
        arguments |= {"static": windows.static, "starts": windows.starts}
    if windows.window_floor is not None:
        floor = np.zeros((len(windows.window_floor), windows.n_channels))
        floor[:, :n] = windows.window_floor
        arguments["anchor_floor"] = floor
        if len(floor) > 1:
            arguments["starts"] = windows.starts
    return arguments
