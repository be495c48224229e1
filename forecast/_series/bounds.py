"""Bounds that forecasts, intervals and quantiles keep to."""

from numbers import Real

import numpy as np

from .._distributions import FAMILIES
from .._preparation import accepts_windows

__all__ = ["check_bounds", "lowest_of", "within"]


def check_bounds(lower, upper):
    """Refuse bounds that are none.

    Parameters
    ----------
    lower, upper : float or None
        In the units of the targets. None: no bound.

    Raises
    ------
    TypeError
        A bound is neither a number nor None.
    ValueError
        A bound is NaN or infinite, or `lower` is not below `upper`.

    Examples
    --------
    >>> check_bounds(0, None)
    """
    for name, bound in (("lower", lower), ("upper", upper)):
        if bound is None:
            continue
        if isinstance(bound, (bool, np.bool_)) or not isinstance(bound, Real):
            raise TypeError(f"{name} is {bound!r}; expected a number in the units of the targets, or None.")
        if not np.isfinite(bound):
            raise ValueError(f"{name} is {bound!r}; expected a finite number, or None for no bound.")
    if lower is not None and upper is not None and not lower < upper:
        raise ValueError(f"lower is {lower!r} and upper is {upper!r}; expected lower below upper.")


def within(array, lower, upper):
    """Values, with those beyond a bound put on it.

    Parameters
    ----------
    array : ndarray of float
        Forecasts, bounds of intervals or quantiles, of any shape. NaN stays NaN.
    lower, upper : float or None
        As `check_bounds` takes them.

    Returns
    -------
    ndarray of the same shape and dtype
        The array itself where there is no bound.

    Examples
    --------
    >>> within(np.array([-0.5, 0.5, 1.5]), 0, 1)
    array([0. , 0.5, 1. ])
    """
    if lower is None and upper is None:
        return array
    return np.clip(array, None if lower is None else float(lower), None if upper is None else float(upper))


def lowest_of(model):
    """The lower bound of a forecaster: what it was given, or 0 where its distributions are of what is never negative.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    float or None

    Examples
    --------
    >>> from forecast import RNNForecaster, SeriesForecaster
    >>> lowest_of(SeriesForecaster(RNNForecaster(loss="poisson"))), lowest_of(SeriesForecaster(RNNForecaster()))
    (0.0, None)
    """
    if model.lower is not None:
        return model.lower
    losses = [model.loss] if model.regressor is None and model.members is None else _losses_of(model)
    never = [loss in FAMILIES and FAMILIES[loss].least == 0 for loss in losses]
    return 0.0 if never and all(never) and not (model.upper is not None and model.upper <= 0) else None


def _losses_of(model):
    given = [model.regressor] if model.members is None else [one.get("regressor") for one in model.members.values()]
    return [getattr(one, "loss", None) if accepts_windows(one) else None for one in given]
