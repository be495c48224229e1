"""Bounds on forecasts, intervals and quantiles, and known target values beyond them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from .._distributions import FAMILIES
from .._frames import frame_named, placed
from .._preparation import accepts_windows
from .._refusals import Refusal, argument, joined
from .._types import Booleans, Floats, Integers
from .parameters import regressors_of

if TYPE_CHECKING:
    from .._frames import Panel
    from .._preparation import Rows
    from .forecaster import SeriesForecaster

__all__ = ["BoundsWarning", "check_bounds", "lowest_of", "note_beyond", "within"]


class BoundsWarning(UserWarning):
    """Known values of a target are beyond `lower` or `upper`, which no forecast can be.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> df = make_ar1(200, random_state=0)
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     model = SeriesForecaster(Ridge(), lookback=7, horizon=2, lower=100).fit(df)
    >>> print(str(said[0].message).partition(", the first")[0])
    target 'y' is below lower=100 in 200 of 200 rows
    """


def check_bounds(lower: float | None, upper: float | None) -> None:
    """Refuse invalid bounds.

    Parameters
    ----------
    lower, upper : float or None
        Bounds in the units of the targets. None: no bound.

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
            raise TypeError(
                Refusal(f"is {bound!r}", where=name, expected="a number in the units of the targets, or None")
            )
        if not np.isfinite(bound):
            raise ValueError(Refusal(f"is {bound!r}", where=name, expected="a finite number, or None for no bound"))
    if lower is not None and upper is not None and not lower < upper:
        raise ValueError(Refusal(f"is {lower!r} and upper is {upper!r}", where="lower", expected="lower below upper"))


def within(array: Floats, lower: float | None, upper: float | None) -> Floats:
    """Values clipped to the bounds.

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


def lowest_of(model: SeriesForecaster) -> float | None:
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


def _losses_of(model: SeriesForecaster) -> list[str | None]:
    return [getattr(one, "loss", None) if accepts_windows(one) else None for one in regressors_of(model)]


def note_beyond(
    lower: float | None,
    upper: float | None,
    names: list[Any],
    rows: Panel | Rows,
    stacklevel: int,
    what: str | None = None,
    trained: Callable[[], dict[Any, Any]] | None = None,
) -> None:
    """Warn of known values of targets beyond a bound.

    Parameters
    ----------
    lower, upper : float or None
    names : list
        Names of the targets.
    rows : Panel or Rows
        Values that were made up do not count.
    stacklevel : int
        Stacklevel of the caller.
    what : str, default=None
        Name of rows that came after the fit; None: those of the fit.
    trained : callable, default=None
        Gives a dict of key to label up to where each series was trained on: of these rows it was said in `fit`.

    Warns
    -----
    BoundsWarning
        Once for each bound.
    """
    for name, bound, side, worst in (("lower", lower, "below", "least"), ("upper", upper, "above", "greatest")):
        if bound is None:
            continue
        kind = rows.targets.dtype.type  # 0.1 of float32 is a little more than 0.1
        beyond: Booleans = rows.targets < kind(bound) if name == "lower" else rows.targets > kind(bound)
        if rows.made_up is not None:
            beyond &= ~rows.made_up[:, None]
        at = np.flatnonzero(beyond.any(axis=1))
        if trained is not None and len(at):
            at = at[_later(rows, at, trained())]
        if not len(at):
            continue
        of_these = beyond[at]
        values = rows.targets[at][of_these]
        value = float(values.min() if name == "lower" else values.max())
        labels = [repr(label) for label, some in zip(names, np.asarray(of_these.any(axis=0)), strict=True) if some]
        text = joined(
            f"target{'s' if len(labels) > 1 else ''} {', '.join(labels)}",
            joined(" of ", frame_named(what)) if what else "",
            f" {'are' if len(labels) > 1 else 'is'} {side} {name}={bound:g} in {len(at):,} of {len(rows.targets):,} "
            f"rows, the first at {placed(rows)(int(at[0]))}, the {worst} {value:g}, which no forecast, interval or "
            "quantile can reach",
        )
        other = argument(name, value)
        advice: str
        if what:
            advice = joined("They are taken as they are. If they are right, fit again with ", other, ".")
            found = Refusal(text, advice=advice)
        else:
            advice = "Expected a bound that known values keep to, or NaN in place of wrong ones."
            found = Refusal(text, advice=advice, fix=other)
        warnings.warn(found, BoundsWarning, stacklevel=stacklevel + 1)


def _later(rows: Panel | Rows, at: Integers, trained: dict[Any, Any]) -> list[bool]:
    """Which of some rows came after those that their series was trained on."""
    keys = [None] if rows.keys is None else list(rows.keys)
    labels = [trained.get(keys[number]) for number in np.searchsorted(rows.starts, at, side="right") - 1]
    return [label is None or rows.index[row] > label for row, label in zip(at, labels, strict=True)]
