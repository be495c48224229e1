"""Intervals between the quantiles of a model, as far from its median as the errors since the fit ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._preparation import LEVELS, widths_of
from .._types import Floats
from .due import Due
from .forecasting import from_ends, from_origins
from .fresh import came, seen

if TYPE_CHECKING:
    from .state import FittedState
    from .verbs.requests import Request

__all__ = ["own_bounds"]

_WIDEST = round(LEVELS[-1] - LEVELS[0], 12)  # interval that quantiles of a recipe are the bounds of
_COVERAGES = [LEVELS[-1 - number] - LEVELS[number] for number in range(len(LEVELS) // 2)]
_HORIZONS = 20  # newest ones of a series whose errors count
_EACH = 4  # forecasts per horizon: those of neighbouring rows have nearly the same errors
_MOST = 200  # forecasts
_DOUBT = 2.0  # horizons that count as much as the widths of the fit
_FACTOR = 4.0  # that the errors may ask for


def own_bounds(
    state: FittedState, request: Request, levels: list[float]
) -> tuple[list[int], list[Floats], list[Floats]] | None:
    """Bounds between quantiles, where these enclose the level.

    Parameters
    ----------
    state : FittedState
        State of a model that has quantiles.
    request : Request
    levels : list of float
        Coverages.

    Returns
    -------
    None, or the numbers of the levels that lie within, and for each series their lower and their upper bounds
        Of shape (levels, steps, targets).
    """
    at = [number for number, level in enumerate(levels) if level <= _WIDEST]
    if not at:
        return None
    tails = [round((1 + sign * levels[number]) / 2, 12) for sign in (-1, 1) for number in at]
    cubes = from_ends(state, request.past, request.labels, request.future, [0.5, *tails])
    widths = np.interp([levels[number] for number in at], _COVERAGES[::-1], _widths(state, request)[::-1])
    lower, upper = [], []
    for cube in cubes:
        middle, low, high = np.split(np.moveaxis(cube, -1, 0), [1, 1 + len(at)])
        lower.append(middle + widths[:, None, None] * (low - middle))
        upper.append(middle + widths[:, None, None] * (high - middle))
    return at, lower, upper


def _widths(state: FittedState, request: Request) -> Floats:
    """Factors on the widths of the intervals of `_COVERAGES`, from forecasts since the fit whose values have come."""
    keys = [key for key in request.keys if key not in request.cold] if request.cold else list(request.keys)
    if request.fresh is not None:
        keys = [key for key in keys if key not in state.unlearnt(keys)]
    if request.fresh is None or not keys:
        return np.ones(len(_COVERAGES))
    name = seen(state, request.fresh, keys, None)
    if name is None:
        return _found(state, request, keys)
    return state.once.of(("widths", *name), lambda: _found(state, request, keys))


def _found(state: FittedState, request: Request, keys: list[Any]) -> Floats:
    assert request.fresh is not None
    due, horizon = Due.of(state, request.fresh.only(keys)), state.horizon
    chosen = due.ages <= _HORIZONS * horizon
    if state.roles.future:  # the newest ones read values that are not known yet
        chosen &= due.ages >= horizon
    chosen &= due.ages % max(1, horizon // _EACH) == 0
    if chosen.sum() > _MOST:
        places = np.flatnonzero(chosen)
        chosen[:] = False
        chosen[places[np.linspace(0, len(places) - 1, _MOST).round().astype(np.int64)]] = True
    due = due.only(chosen)
    if not len(due.origins):
        return np.ones(len(_COVERAGES))
    quantiles = from_origins(state, due.rows, due.origins, horizon, list(LEVELS))
    actual = came(due.rows.true_targets, due.origins, due.ages, horizon)
    oldest = np.zeros(due.rows.n_series)
    np.maximum.at(oldest, due.which, due.ages)
    return np.array(widths_of(quantiles, actual, oldest.sum() / horizon, _DOUBT, _FACTOR))
