"""Levels of the quantile loss that a user names, checked."""

from itertools import pairwise
from numbers import Real

import numpy as np

__all__ = ["fitted_levels", "wanted_levels"]

_SAME_LEVEL = 1e-6  # nearer levels are the same: 1 - 0.9 is not 0.1 in double, nor is 0.1 in single precision


def fitted_levels(quantile):
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
        "The 'quantile' parameter of RNNForecaster must be a level in (0, 1) or a list of them, strictly ascending, "
        f"such as [0.1, 0.5, 0.9]. Got {quantile!r} instead."
    )


def wanted_levels(levels, fitted):
    """Levels to forecast at, as an array; those that the fitted ones do not enclose are refused.

    Raises
    ------
    ValueError
        Not numbers in (0, 1), or beyond the outermost fitted levels.
    """
    wanted = _as_tuple(levels)
    if not wanted or not _are_levels(wanted):
        raise ValueError(f"levels: expected a level in (0, 1) or a list of them, got {levels!r}.")
    wanted = np.array(wanted, dtype=np.float64)
    beyond = (wanted < fitted[0] - _SAME_LEVEL) | (wanted > fitted[-1] + _SAME_LEVEL)
    if beyond.any():
        raise ValueError(
            f"levels: {wanted[beyond].tolist()} beyond the fitted levels, {fitted[0]:g} to {fitted[-1]:g}; only "
            f"between those a forecast can be interpolated. Fit again with quantile="
            f"{np.union1d(fitted, wanted[beyond]).tolist()}."
        )
    return wanted.clip(fitted[0], fitted[-1])


def _as_tuple(levels):
    if isinstance(levels, Real):
        return (levels,)
    if isinstance(levels, list | tuple) or np.ndim(levels) == 1:
        return tuple(levels)
    return ()


def _are_levels(levels):
    return all(isinstance(level, Real) and 0 < level < 1 for level in levels)
