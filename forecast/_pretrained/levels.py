"""Quantiles of the pretrained network at any level: its own nine, those between, and a tail beyond."""

from collections.abc import Sequence

import numpy as np

from forecast._quantiles import at_levels, levels_between
from forecast._refusals import Refusal
from forecast._types import Floats

from .network import LEVELS

__all__ = ["OUTERMOST", "at", "wanted"]

OUTERMOST = 0.01  # the lowest level, and the distance of the highest one from 1
_MEDIAN = LEVELS.index(0.5)
_SAME = 1e-9


def wanted(levels: float | Sequence[float] | Floats) -> Floats:
    """Levels as an array; those in the outermost hundredth are refused.

    Raises
    ------
    ValueError
    """
    found = levels_between(levels)
    beyond = (found < OUTERMOST - _SAME) | (found > 1 - OUTERMOST + _SAME)
    if beyond.any():
        raise ValueError(
            Refusal(
                f"{found[beyond].tolist()} beyond {OUTERMOST:g} to {1 - OUTERMOST:g}; the pretrained network has "
                f"levels from {LEVELS[0]:g} to {LEVELS[-1]:g}, and farther out its tail is a guess",
                where="levels:",
                advice="Ask for levels in this range.",
            )
        )
    return found


def at(quantiles: Floats, levels: Floats) -> Floats:
    """Quantiles (..., 9) at the levels, (..., levels).

    Linear in the level between two of the network's. Beyond the outermost ones the distance from the median grows as
    that of a Laplace distribution, so with the logarithm of what is left.
    """
    middle = quantiles[..., _MEDIAN, None]
    inside = at_levels(quantiles, LEVELS, levels.clip(LEVELS[0], LEVELS[-1]))
    left = np.minimum(levels, 1 - levels)
    stretch = np.where(left < LEVELS[0] - _SAME, np.log(2 * left) / np.log(2 * LEVELS[0]), 1.0)
    return np.where(stretch > 1, middle + (inside - middle) * stretch, inside)
