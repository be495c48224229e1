"""`Windows` as keyword arguments of the core's source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._types import Floats
from .norm import KINDS

if TYPE_CHECKING:
    from .table import Windows

__all__ = ["count_from_newest", "no_past", "source_arguments"]


def no_past(rows: int, dtype: npt.DTypeLike, shift: int = 1) -> dict[str, Any]:
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
        Arguments of `_core.Source`.
    """
    return {"past": np.zeros((rows, 1), dtype=dtype), "lookback": 1, "past_stride": 1, "past_shift": shift}


def count_from_newest(windows: Windows, past: Floats) -> Floats | float:
    """Count the times of some windows from their newest row.

    Parameters
    ----------
    windows : Windows
    past : ndarray of shape (n, lookback, channels)
        Changed in place.

    Returns
    -------
    ndarray of shape (n, 1, F) or float
        What is subtracted from the known future.
    """
    if windows.stamps is None:
        return 0.0
    channel, column = windows.stamps
    ahead: Any = windows.future  # which holds the times, too
    newest = past[:, -1:, channel].copy()
    past[:, :, channel] -= newest
    off = np.zeros((len(past), 1, ahead.shape[1]))
    off[:, :, column] = newest
    return off


def source_arguments(windows: Windows) -> dict[str, Any]:
    """Keyword arguments with which the core gathers windows from their series.

    Parameters
    ----------
    windows : Windows

    Returns
    -------
    dict
        Arguments of `_core.Source`, without targets (`target=None`) if some window has no future.
    """
    known, n = windows.has_future, windows.n_targets
    norm = windows._norm
    kind = KINDS[norm.kind]
    anchor = (kind * (np.arange(windows.n_channels) < n)).astype(np.int32)
    if windows.stamps is not None:
        anchor[windows.stamps[0]] = KINDS["last"]
    arguments: dict[str, Any] = {
        "past": windows.values,
        "lookback": windows.lookback,
        "origin": windows.origins,
        "past_stride": 1,
        "past_shift": -(windows.lookback - 1),
        "target": windows.target_values if known else None,
        "horizon": windows.horizon if known else 0,
        "target_stride": 1,
        "target_shift": 1,
        "anchor": anchor if anchor.any() else None,
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
    if windows.future is not None and windows.stamps is not None:
        arguments["future_anchor"] = np.full(windows.future.shape[1], -1, dtype=np.int32)
        arguments["future_anchor"][windows.stamps[1]] = windows.stamps[0]
    if windows.static is not None:
        arguments |= {"static": windows.static, "starts": windows.starts}
    if windows.window_floor is not None:
        floor = np.zeros((len(windows.window_floor), windows.n_channels))
        floor[:, :n] = windows.window_floor
        arguments["anchor_floor"] = floor
        if len(floor) > 1:
            arguments["starts"] = windows.starts
    return arguments
