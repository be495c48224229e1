"""Errors of point forecasts and scores of quantiles and intervals, with their usual names.

All functions take the actual values first and the forecast second, in any common shape, and return a float. Missing
values (NaN) are refused: the caller decides which rows count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from ._distributions import Distribution, crps_of, log_score, neg_crps, neg_log_score
from ._energy import energy_score, neg_energy_score
from ._numbers import finite as _finite
from ._refusals import Fix, Refusal
from ._scorers import interval_loss, neg_coverage_error, neg_interval_score, neg_pinball, pinball_loss
from ._shares import share

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike

    from ._types import Floats

__all__ = [
    "bias",
    "coverage",
    "crps",
    "energy_score",
    "interval_score",
    "log_score",
    "mae",
    "mase",
    "neg_coverage_error",
    "neg_crps",
    "neg_energy_score",
    "neg_interval_score",
    "neg_log_score",
    "neg_pinball",
    "pinball",
    "rmse",
    "rmsse",
    "skill",
    "smape",
]


def _pair(actual: ArrayLike, forecast: ArrayLike) -> list[Floats]:
    return _alike(actual=actual, forecast=forecast)


def _alike(**named: Any) -> list[Floats]:
    """All as finite float64 of the same shape; a column of one is as good as a flat array."""
    arrays = [_finite(name, numbers) for name, numbers in named.items()]
    if {array.ndim for array in arrays} == {1, 2}:
        arrays = [array[:, 0] if array.shape[1:] == (1,) else array for array in arrays]
    if len({array.shape for array in arrays}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(named, arrays, strict=True))
        raise ValueError(Refusal("the shapes differ", got=f"{shapes}", expected="the same shape"))
    if not arrays[0].size:
        raise ValueError(Refusal("are empty", where=f"{' and '.join(named)}", expected="at least one value"))
    return arrays


def mae(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error, in the units of the series.

    Parameters
    ----------
    actual, forecast : array-like of the same shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, nothing to compare, NaN or infinite values.

    Examples
    --------
    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    actual, forecast = _pair(actual, forecast)
    return float(np.abs(actual - forecast).mean())


def bias(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean of forecast minus actual, in the units of the series: positive if the forecast is too high.

    Parameters
    ----------
    actual, forecast : array-like of the same shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, nothing to compare, NaN or infinite values.

    Examples
    --------
    >>> bias([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    actual, forecast = _pair(actual, forecast)
    return float((forecast - actual).mean())


def rmse(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Root of the mean squared error, in the units of the series.

    Parameters
    ----------
    actual, forecast : array-like of the same shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, nothing to compare, NaN or infinite values.

    Examples
    --------
    >>> rmse([0.0, 0.0], [3.0, -3.0])
    3.0
    """
    actual, forecast = _pair(actual, forecast)
    return float(np.sqrt(np.square(actual - forecast).mean()))


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Symmetric mean absolute percentage error, in percent from 0 to 200; 0 where both values are 0.

    Parameters
    ----------
    actual, forecast : array-like of the same shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, nothing to compare, NaN or infinite values.

    References
    ----------
    Makridakis, Spiliotis, Assimakopoulos: The M4 Competition. Int. J. Forecasting 36 (2020), 54-74.

    Examples
    --------
    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0
    """
    actual, forecast = _pair(actual, forecast)
    size = np.abs(actual) + np.abs(forecast)
    return float(200.0 * np.divide(np.abs(actual - forecast), size, out=np.zeros_like(size), where=size > 0).mean())


def mase(actual: ArrayLike, forecast: ArrayLike, *, history: ArrayLike, period: int = 1) -> float:
    """Mean absolute scaled error: MAE over the in-sample MAE of the seasonal naive forecast.

    Parameters
    ----------
    actual, forecast : array-like of the same shape
        Values of one series.
    history : array-like of shape (n,)
        The values before the forecast, in time order; more than `period` of them.
    period : int, default=1
        Steps of the season; 1 scales by the naive forecast of the last value.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, NaN or infinite values, `history` too short or (seasonally) constant, so that there is no scale.

    References
    ----------
    Hyndman, Koehler: Another look at measures of forecast accuracy. Int. J. Forecasting 22 (2006), 679-688.

    Examples
    --------
    >>> mase([5.0, 6.0], [5.0, 5.0], history=[1.0, 2.0, 3.0, 4.0])
    0.5
    """
    return mae(actual, forecast) / float(np.abs(_seasonal_differences(history, period)).mean())


def rmsse(actual: ArrayLike, forecast: ArrayLike, *, history: ArrayLike, period: int = 1) -> float:
    """Root mean squared scaled error: RMSE over the in-sample RMSE of the seasonal naive forecast.

    Parameters
    ----------
    actual, forecast : array-like of the same shape
        Values of one series.
    history : array-like of shape (n,)
        The values before the forecast, in time order; more than `period` of them.
    period : int, default=1
        Steps of the season; 1 scales by the naive forecast of the last value.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `mase`.

    References
    ----------
    Makridakis, Spiliotis, Assimakopoulos: The M5 competition. Int. J. Forecasting 38 (2022), 1325-1336.

    Examples
    --------
    >>> rmsse([5.0, 6.0], [6.0, 5.0], history=[1.0, 3.0, 1.0])
    0.5
    """
    return rmse(actual, forecast) / float(np.sqrt(np.square(_seasonal_differences(history, period)).mean()))


def _seasonal_differences(history: ArrayLike, period: int) -> Floats:
    known = _finite("history", history)
    if known.ndim == 2 and known.shape[1] == 1:
        known = known[:, 0]
    if known.ndim != 1:
        raise ValueError(
            Refusal(f"has shape {known.shape}", where="history", expected="the values of one series, shape (n,)")
        )
    if isinstance(period, bool) or not isinstance(period, (int, np.integer)) or period < 1:
        raise ValueError(Refusal(f"is {period!r}", where="period", expected="a whole number of steps, 1 or more"))
    if len(known) <= period:
        raise ValueError(
            Refusal(f"has {len(known)} values; more than period = {period} are needed for a scale", where="history")
        )
    differences: Floats = known[period:] - known[:-period]
    if not differences.any():
        raise ValueError(
            Refusal(f"history repeats itself exactly with period {period}: the seasonal naive error is 0, no scale")
        )
    return differences


def skill(error: Any, naive: Any, *, floor: float = 0.0) -> Any:
    """Share by which a forecast reduces the error of a naive forecast: `1 - error / naive`.

    Parameters
    ----------
    error, naive : float or array-like of shapes that broadcast
        Errors of the same kind, such as two mean absolute errors. NaN: the skill is NaN.
    floor : float or array-like, default=0.0
        Smallest error of the naive forecast to divide by.

    Returns
    -------
    float or ndarray
        1 is perfect, 0 is as good as the naive forecast, below 0 is worse; -inf if the naive forecast has no error.

    Raises
    ------
    ValueError
        An error is negative.

    Examples
    --------
    >>> skill(3.0, 4.0)
    0.25
    >>> skill([0.0, 1.0], 0.0)
    array([  0., -inf])
    """
    error, naive = np.asarray(error, dtype=np.float64), np.asarray(naive, dtype=np.float64)
    if (error < 0).any() or (naive < 0).any():
        raise ValueError(Refusal("an error is negative", expected="absolute or squared errors, 0 or more"))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(error == naive, 0.0, 1 - error / np.maximum(naive, floor))
    return found if found.ndim else float(found)


def pinball(actual: ArrayLike, forecast: ArrayLike, level: float) -> float:
    """Mean pinball (quantile) loss of forecasts of one quantile, in the units of the series.

    A value above the forecast costs `level` per unit, a value below it `1 - level`; at level 0.5 the loss is half of
    the MAE.

    Parameters
    ----------
    actual, forecast : array-like of the same shape
    level : float
        Level of the quantile, between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Shapes differ, nothing to compare, NaN or infinite values, or a level out of range.

    References
    ----------
    Koenker, Bassett: Regression quantiles. Econometrica 46 (1978), 33-50.

    Examples
    --------
    >>> pinball([10.0, 10.0], [8.0, 12.0], 0.75)
    1.0
    """
    actual, forecast = _pair(actual, forecast)
    return float(pinball_loss(actual, forecast, share(level, "level")).mean())


def crps(actual: ArrayLike, quantiles: ArrayLike | Distribution, levels: ArrayLike | None = None) -> float:
    """Continuous ranked probability score, in the units of the series: exact for distributions, approximate for
    quantiles.

    The score is twice the pinball loss integrated over all levels. For quantiles it is the mean of twice the pinball
    loss at the given levels. This is a good approximation for many levels spread evenly over 0 to 1 (0.05, 0.15, ...
    0.95); only scores for the same levels can be compared. For the median alone it is the MAE, like the exact score of
    a point forecast.

    Parameters
    ----------
    actual : array-like
    quantiles : array-like of shape (*actual.shape, levels), or Distribution of shape actual.shape
        Forecasts with the levels on the last axis. For a `forecast.Distribution` the score is exact.
    levels : array-like of float, default=None
        Ascending levels between 0 and 1. None with a distribution.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Shapes do not fit, nothing to compare, NaN or infinite values, or levels out of range or order.

    References
    ----------
    Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA 102 (2007), 359-378.

    Examples
    --------
    >>> crps([10.0], [[8.0, 10.0, 14.0]], [0.25, 0.5, 0.75])
    1.0
    >>> from forecast import Distribution
    >>> round(crps([10.0], Distribution("normal", mean=[9.0], std=[2.0])), 6)
    0.662807
    """
    if isinstance(quantiles, Distribution):
        if levels is not None:
            raise TypeError(
                Refusal(f"is {levels!r}", where="levels", expected="None with a distribution, which has all of them")
            )
        return crps_of(actual, quantiles)
    true, values = _finite("actual", actual), _finite("quantiles", quantiles)
    at = _finite("levels", cast("ArrayLike", levels))  # None is refused there
    if at.ndim != 1 or not at.size or not ((at > 0) & (at < 1)).all() or (np.diff(at) <= 0).any():
        raise ValueError(Refusal(f"is {at.tolist()}", where="levels", expected="numbers between 0 and 1 that rise"))
    if true.ndim == 2 and true.shape[1] == 1 and values.shape == (len(true), len(at)):
        true = true[:, 0]
    if values.shape != (*true.shape, len(at)):
        raise ValueError(
            Refusal(
                f"has shape {true.shape}, quantiles {values.shape}",
                where="actual",
                expected=f"{(*true.shape, len(at))}: on the last axis the {len(at)} levels",
            )
        )
    return float(np.mean([2 * pinball(true, values[..., k], level) for k, level in enumerate(at)]))


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of values within their interval, bounds included, from 0 to 1.

    Parameters
    ----------
    actual, lower, upper : array-like of the same shape

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Shapes differ, nothing to compare, NaN or infinite values, or a lower bound above its upper one.

    Examples
    --------
    >>> coverage([1.0, 2.0, 3.0, 4.0], [0.0] * 4, [3.0] * 4)
    0.75
    """
    actual, lower, upper = _interval(actual, lower, upper)
    return float(((lower <= actual) & (actual <= upper)).mean())


def interval_score(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, coverage: float) -> float:
    """Mean interval (Winkler) score, in the units of the series: the width plus a penalty for values outside.

    A value outside costs 2 / (1 - coverage) times its distance to the interval. Lower is better; in expectation the
    best interval lies between the true quantiles (1 - coverage) / 2 and (1 + coverage) / 2.

    Parameters
    ----------
    actual, lower, upper : array-like of the same shape
    coverage : float
        Nominal coverage of the intervals, between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Shapes differ, nothing to compare, NaN or infinite values, a lower bound above its upper one, or `coverage` out
        of range.

    References
    ----------
    Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA 102 (2007), 359-378.

    Examples
    --------
    >>> interval_score([1.0, 5.0], [0.0, 0.0], [2.0, 4.0], coverage=0.5)
    5.0
    """
    actual, lower, upper = _interval(actual, lower, upper)
    return float(interval_loss(actual, lower, upper, share(coverage, "coverage")).mean())


def _interval(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> tuple[Floats, Floats, Floats]:
    actual, lower, upper = _alike(actual=actual, lower=lower, upper=upper)
    crossed = lower > upper
    if crossed.any():
        at = tuple(int(i) for i in np.argwhere(crossed)[0])
        raise ValueError(
            Refusal(
                f"is above upper in {int(crossed.sum())} intervals, the first at position {at}",
                where="lower",
                got=f"{lower[at]:g} > {upper[at]:g}",
                expected="lower <= upper",
                fix=Fix("lower, upper = upper, lower", ""),
            )
        )
    return actual, lower, upper
