"""Forecasts of the pretrained network in units of the series, any number of steps ahead.

Each pass reads the same observed window and forecasts 64 steps that begin some whole passes later, so no forecast is
fed back as if it had been observed, and intervals widen as the network has learned.
"""

from typing import Any

import numpy as np

from forecast._network import Network
from forecast._types import Floats

from .network import HORIZON, LEVELS, LOOKBACK, quantiles
from .reading import Past, Windows, mirrored

__all__ = ["newest", "quantiles_ahead", "units_of"]

_TOGETHER = 512  # windows of a call, each also mirrored


def quantiles_ahead(network: Network, theta: Any, values: Floats, horizon: int, threads: int = 1) -> Floats:
    """Return quantiles (n, horizon, 9) of the steps that follow values (n, T), NaN where missing.

    `theta` holds the weights, as a vector or packed. A constant window is forecast as its value, without any spread.
    """
    values = newest(values)
    found = np.empty((len(values), horizon, len(LEVELS)))
    for first in range(0, len(values), _TOGETHER):
        rows = slice(first, first + _TOGETHER)
        middle, unit = units_of(values[rows])
        inside = (values[rows] / 2 - middle / 2) / np.where(unit > 0, unit, 1.0)
        past = Past(inside)
        for skipped in range(0, horizon, HORIZON):
            ahead = _pass(network, theta, past, skipped, threads)
            found[rows, skipped : skipped + HORIZON] = ahead[:, : horizon - skipped]
        found[rows] = 2 * (found[rows] * unit[:, :, None]) + middle[:, :, None]
    return found


def newest(values: Floats) -> Floats:
    """The newest steps that the network reads; NaN before the first one of a short series."""
    values = values[:, -LOOKBACK:]
    missing = np.full((len(values), LOOKBACK - values.shape[1]), np.nan)
    return np.concatenate([missing, values], axis=1)


def units_of(values: Floats) -> tuple[Floats, Floats]:
    """The newest value of each window, and a power of two above half the largest distance from it, (n, 1).

    In these units no digits are lost and no square overflows, whatever the level and the scale. The unit is 0 for a
    constant window.
    """
    steps = np.where(np.isfinite(values), np.arange(values.shape[1]), -1)
    middle = np.take_along_axis(values, steps.max(axis=1, keepdims=True).clip(0), axis=1)
    farthest = np.fmax.reduce(np.abs(values / 2 - middle / 2), axis=1, keepdims=True)  # halves do not overflow
    return middle, np.where(farthest > 0, np.ldexp(1.0, np.frexp(farthest)[1]), 0.0)


def _pass(network: Network, theta: Any, past: Past, skipped: int, threads: int) -> Floats:
    """The mean of the forecast and of that of the mirrored values, mirrored back."""
    windows = past.windows(HORIZON, skipped)
    n = len(windows.past)
    both = Windows(*(np.concatenate(pair) for pair in zip(windows, mirrored(windows), strict=True)))
    found = quantiles(network, theta, both, threads).astype(np.float64)
    found = (found[:n] - found[n:, :, ::-1]) / 2
    return found * windows.scale[:, :, None] + windows.centre[:, :, None]
