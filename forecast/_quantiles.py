"""Quantiles at levels: the levels that a user names, checked, and arrays with levels on the last axis."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from ._refusals import Refusal
from ._types import Array, Floats

__all__ = ["at_levels", "fitted_levels", "in_order", "levels_between", "median_level", "wanted_levels"]

_SAME_LEVEL = 1e-6  # nearer levels are the same: 1 - 0.9 is not 0.1 in double, nor is 0.1 in single precision


def fitted_levels(quantile: float | Sequence[float] | Array) -> tuple[float, ...]:
    """The parameter `quantile`, a level or several, as a tuple of levels.

    Raises
    ------
    ValueError
        Not numbers in (0, 1), strictly ascending.
    """
    levels = _as_tuple(quantile)
    if levels and _are_levels(levels) and all(a < b for a, b in pairwise(levels)):
        return tuple(float(level) for level in levels)
    raise ValueError(  # in the words of scikit-learn's own check of a single level
        Refusal(
            "The 'quantile' parameter of RNNForecaster must be a level in (0, 1) or a list of them, strictly "
            "ascending, such as [0.1, 0.5, 0.9]",
            advice=f"Got {quantile!r} instead.",
        )
    )


def levels_between(levels: float | Sequence[float] | Array) -> Floats:
    """Levels to forecast at, as an array.

    Raises
    ------
    ValueError
        Not numbers in (0, 1).
    """
    wanted = _as_tuple(levels)
    if not wanted or not _are_levels(wanted):
        raise ValueError(Refusal(where="levels", got=f"{levels!r}", expected="a level in (0, 1) or a list of them"))
    return np.array(wanted, dtype=np.float64)


def wanted_levels(levels: float | Sequence[float] | Array, fitted: Sequence[float] | Floats) -> Floats:
    """Levels to forecast at, as an array; those that the fitted ones do not enclose are refused.

    Raises
    ------
    ValueError
        Not numbers in (0, 1), or beyond the outermost fitted levels.
    """
    wanted = levels_between(levels)
    beyond = (wanted < fitted[0] - _SAME_LEVEL) | (wanted > fitted[-1] + _SAME_LEVEL)
    if beyond.any():
        raise ValueError(
            Refusal(
                f"{wanted[beyond].tolist()} beyond the fitted levels, {fitted[0]:g} to {fitted[-1]:g}; only between "
                "those a forecast can be interpolated",
                where="levels:",
                advice=f"Fit again with quantile={np.union1d(fitted, wanted[beyond]).tolist()}.",
            )
        )
    return wanted.clip(fitted[0], fitted[-1])


def median_level(fitted: Sequence[float]) -> float:
    """The level used as the median: 0.5, or the fitted one nearest to it if all are on one side."""
    return min(max(0.5, fitted[0]), fitted[-1])


def in_order(outputs: Floats) -> Floats:
    """Outputs with levels on the last axis, sorted along it, so that quantiles do not cross.

    A rearrangement never has a larger pinball loss, summed over the levels, whatever the observation.

    References
    ----------
    Chernozhukov, Fernández-Val and Galichon: Quantile and probability curves without crossing. Econometrica 78 (2010),
    1093-1125.
    """
    return outputs if outputs.shape[-1] == 1 else np.sort(outputs, axis=-1)


def at_levels(quantiles: Floats, fitted: Sequence[float], wanted: Sequence[float] | Floats) -> Floats:
    """Quantiles at the wanted levels, which the fitted ones enclose, linear in the level between two fitted ones.

    Parameters
    ----------
    quantiles : ndarray of shape (..., n_fitted)
        Ascending on the last axis.
    fitted : sequence of float
        Strictly ascending levels.
    wanted : sequence of float

    Returns
    -------
    ndarray of shape (..., n_wanted)
        The very bits of `quantiles` where a wanted level is a fitted one; never crossing.
    """
    known, asked = np.asarray(fitted, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if np.array_equal(known, asked):
        return quantiles
    below = np.searchsorted(known, asked, side="right") - 1
    above = np.minimum(below + 1, len(known) - 1)
    gap = np.where(above > below, known[above] - known[below], 1.0)
    low, high = quantiles[..., below], quantiles[..., above]
    return low + (asked - known[below]) / gap * (high - low)  # the share is below 1, so no sum rounds beyond `high`


def _as_tuple(levels: Any) -> tuple[Any, ...]:
    if isinstance(levels, Real):
        return (levels,)
    if isinstance(levels, list | tuple) or np.ndim(levels) == 1:
        return tuple(levels)
    return ()


def _are_levels(levels: tuple[Any, ...]) -> bool:
    return all(isinstance(level, Real) for level in levels) and all(0 < level < 1 for level in levels)
