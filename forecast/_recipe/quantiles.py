"""Quantiles of members that forecast one value: from their errors on rows they were not trained on, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._preparation import Spread
from .._preparation.spread import error_quantiles
from .._types import Floats, Integers

if TYPE_CHECKING:
    from .._preparation import Member, Rows
    from .validation import Origins

__all__ = ["spread_out", "spreads_of"]


def spreads_of(
    members: dict[str, Member], rows: Rows, origins: Origins, forecasts: dict[str, Floats], actual: Floats
) -> dict[str, Spread]:
    """The spreads that give quantiles to members without their own.

    Parameters
    ----------
    members : dict of str to Member
    rows : Rows
    origins : Origins
        Behind what the members learnt from.
    forecasts : dict of str to ndarray
        Forecasts of each member at the origins.
    actual : ndarray of shape (n, horizon, targets)

    Returns
    -------
    dict of str to Spread
    """
    return {
        name: Spread.of(actual - forecasts[name], rows, origins)
        for name, member in members.items()
        if not member.has_quantiles
    }


def spread_out(
    forecasts: dict[str, Floats], actual: Floats, blocks: Integers, scales: Floats, worth: Floats
) -> dict[str, Floats]:
    """Single values as quantiles, those of each block with the errors of the others, so that none judges itself.

    Parameters
    ----------
    forecasts : dict of str to ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
    actual : ndarray of shape (n, horizon, targets)
    blocks : ndarray of int of shape (n,)
    scales : ndarray of shape (n, targets)
    worth : ndarray of shape (n,)
        Number of horizons that each origin represents, see `horizons`.

    Returns
    -------
    dict of str to ndarray of shape (n, horizon, targets, levels)
    """
    return {
        name: forecast if forecast.ndim == 4 else _spread(forecast, actual, blocks, scales, worth)
        for name, forecast in forecasts.items()
    }


def _spread(forecast: Floats, actual: Floats, blocks: Integers, scales: Floats, worth: Floats) -> Floats:
    errors, found = actual - forecast, np.empty(0)
    numbers = np.unique(blocks)
    for number in numbers:
        mine = blocks == number
        others = ~mine if len(numbers) > 1 else mine
        offsets = error_quantiles(errors[others], scales[others], worth[others])
        if number == numbers[0]:
            found = np.empty((*forecast.shape, offsets.shape[-1]))
        found[mine] = forecast[mine][..., None] + offsets * scales[mine][:, None, :, None]
    return found
