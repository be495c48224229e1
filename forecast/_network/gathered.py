"""Scaled windows as arrays, a piece at a time: what the kernels gather, for sums that Python makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from .._types import Floats, Integers
    from .scaling import Scaling

__all__ = ["scaled_windows"]


def scaled_windows(
    arguments: dict[str, Any],
    scaling: Scaling,
    index: NDArray[np.int64],
    clip: float | None = None,
    channels: int | None = None,
) -> tuple[Floats, Floats]:
    """Past and targets of some windows as the network sees them.

    Parameters
    ----------
    arguments : dict
        Arguments of `_core.Source`, which documents what each means.
    scaling : Scaling
    index : ndarray of int64
    clip : float, default=None
        Largest size of a scaled input.
    channels : int, default=None
        How many of the inputs are wanted, the first ones; None for all.

    Returns
    -------
    past : ndarray of shape (windows, steps, channels), float64
    targets : ndarray of shape (windows, targets), float64
        NaN if a target is missing.
    """
    origin, steps = arguments.get("origin"), arguments["lookback"]
    base = index if origin is None else np.asarray(origin)[index].astype(np.int64)
    first = base * arguments.get("past_stride", 1) + arguments.get("past_shift", 0)
    past = arguments["past"][first[:, None] + np.arange(steps)].astype(np.float64)
    centre, spread = _anchors(past, first + steps - 1, arguments)
    seasons = centre.shape[1]
    some = slice(channels)
    past = past[..., some] - (centre if seasons == 1 else centre[:, np.arange(steps) % seasons])[..., some]
    past /= spread[:, None, some]
    past -= scaling.past_mean[some]
    past /= scaling.past_scale[some]
    ahead = base * arguments.get("target_stride", 1) + arguments.get("target_shift", 0)
    horizon = np.arange(arguments["horizon"])
    targets = arguments["target"][ahead[:, None] + horizon].astype(np.float64)
    anchored = arguments.get("target_anchor")
    for column, channel in enumerate(() if anchored is None else anchored):
        if channel >= 0:
            targets[..., column] -= centre[:, (steps + horizon) % seasons, channel]
            targets[..., column] /= spread[:, channel, None]
    targets = (targets.reshape(len(index), -1) - scaling.target_mean) / scaling.target_scale
    return past if clip is None else past.clip(-clip, clip, out=past), targets


def _anchors(past: Floats, newest: Integers, arguments: dict[str, Any]) -> tuple[Floats, Floats]:
    """What is subtracted from each window's channels, and their divisors: `Source` has the kinds.

    Returns
    -------
    centre : ndarray of shape (windows, season or 1, inputs)
        Step s, counted from the oldest, has entry s modulo the season.
    spread : ndarray of shape (windows, inputs)
    """
    n, steps, inputs = past.shape
    anchor, season = arguments.get("anchor"), arguments.get("season", 0) or 1
    kinds = np.zeros(inputs, dtype=np.int32) if anchor is None else np.asarray(anchor)
    centre, spread = np.zeros((n, season, inputs)), np.ones((n, inputs))
    recent = past[:, steps - (arguments.get("anchor_steps", 0) or steps) :]
    centre[:, :, kinds == 1] = past[:, -1:, kinds == 1]
    averaged, divided = (kinds == 2) | (kinds == 3), kinds == 3
    centre[:, :, averaged] = recent[:, :, averaged].mean(axis=1, keepdims=True)
    for phase in range(season):
        centre[:, phase, kinds == 4] = past[:, phase::season, kinds == 4].mean(axis=1)
    floor = arguments.get("anchor_floor")
    if floor is None:
        least = 1e-3 * np.abs(centre[:, 0])
    else:
        one = len(floor) == 1
        least = np.asarray(floor)[0 if one else np.searchsorted(arguments["starts"], newest, side="right") - 1]
    found = np.maximum(recent.std(axis=1), least)[:, divided]
    spread[:, divided] = np.where(found > 0, found, 1.0)
    return centre, spread
