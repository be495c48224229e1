"""Errors of point forecasts, by the literature's names: MAE, RMSE, sMAPE, MASE, RMSSE.

All take actual values first and the forecast second, in any shape as long as it is the same, and return a float.
"""

import numpy as np

__all__ = ["mae", "mase", "rmse", "rmsse", "smape"]


def _pair(actual, forecast):
    """Both as finite float64 of the same shape; a column of one is as good as a flat array."""
    actual, forecast = _finite("actual", actual), _finite("forecast", forecast)
    if actual.shape != forecast.shape and {actual.ndim, forecast.ndim} == {1, 2}:
        actual, forecast = (part[:, 0] if part.shape[1:] == (1,) else part for part in (actual, forecast))
    if actual.shape != forecast.shape:
        raise ValueError(f"actual has shape {actual.shape}, forecast {forecast.shape}; expected the same shape.")
    if not actual.size:
        raise ValueError("actual and forecast are empty; expected at least one value.")
    return actual, forecast


def _finite(name, numbers):
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iufb":
        raise TypeError(f"{name} holds {numbers.dtype} values; expected numbers.")
    numbers = numbers.astype(np.float64)
    if not np.isfinite(numbers).all():
        bad = ~np.isfinite(numbers)
        raise ValueError(
            f"{name} has {int(bad.sum())} values that are NaN or infinite, the first at position "
            f"{tuple(int(i) for i in np.argwhere(bad)[0])}; expected finite numbers."
        )
    return numbers


def mae(actual, forecast):
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


def rmse(actual, forecast):
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


def smape(actual, forecast):
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


def mase(actual, forecast, *, history, period=1):
    """Mean absolute scaled error: MAE over the in-sample MAE of the seasonal naive forecast.

    Parameters
    ----------
    actual, forecast : array-like of the same shape
        Of one series.
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


def rmsse(actual, forecast, *, history, period=1):
    """Root mean squared scaled error: RMSE over the in-sample RMSE of the seasonal naive forecast.

    Parameters
    ----------
    actual, forecast : array-like of the same shape
        Of one series.
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


def _seasonal_differences(history, period):
    history = _finite("history", history)
    if history.ndim == 2 and history.shape[1] == 1:
        history = history[:, 0]
    if history.ndim != 1:
        raise ValueError(f"history has shape {history.shape}; expected the values of one series, shape (n,).")
    if isinstance(period, bool) or not isinstance(period, (int, np.integer)) or period < 1:
        raise ValueError(f"period is {period!r}; expected a whole number of steps, 1 or more.")
    if len(history) <= period:
        raise ValueError(f"history has {len(history)} values; more than period = {period} are needed for a scale.")
    differences = history[period:] - history[:-period]
    if not differences.any():
        raise ValueError(
            f"history repeats itself exactly with period {period}: the seasonal naive error is 0, no scale."
        )
    return differences
