"""Naive forecasts, which a model must beat to be worth training.

They are regressors on windows, so they work with `SeriesForecaster` and `backtest` like any other. On `Windows` they
read the underlying series, so a season may be longer than the lookback; on arrays they see only the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_array, check_is_fitted

from ._dlpack import as_numpy
from ._files import stored
from ._frames import season_length
from ._numbers import refuse_overflow
from ._refusals import Refusal
from ._windows import Windows

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

    from ._types import Array, Floats, Integers
    from ._windows import WindowTargets

__all__ = ["Drift", "LastValue", "SeasonalNaive", "seasonal_naive"]

NAIVE = ("last value", "seasonal naive", "drift", "mean")  # what every model is compared with


def seasonal_naive(values: ArrayLike, horizon: int, period: int = 1) -> Array:
    """Repeat the last season; with period 1, the last value.

    Parameters
    ----------
    values : array-like of shape (rows,) or (rows, targets)
        Values in time order, at least `period` rows.
    horizon : int
        Steps to forecast.
    period : int, default=1
        Steps of the season.

    Returns
    -------
    ndarray of shape (horizon,) or (horizon, targets)

    Raises
    ------
    ValueError
        There are fewer rows than `period`.

    Examples
    --------
    >>> seasonal_naive([1, 2, 3, 4], horizon=3, period=2)
    array([3, 4, 3])
    """
    values = np.asarray(values)
    if len(values) < period:
        raise ValueError(Refusal(f"a season of {period} steps cannot be repeated from {len(values)} rows"))
    return values[len(values) - period + np.arange(horizon) % period]


def naive_forecasts(
    known: Floats, observed: Floats, first: Integers, rows: Integers, horizon: int, *, period: int, lookback: int
) -> dict[str, Floats]:
    """Last value, seasonal naive, drift and mean after some rows of series.

    Parameters
    ----------
    known : ndarray of shape (rows, targets)
        Values of all series, one after the other, in their own units and without gaps.
    observed : ndarray of shape (rows, targets)
        The same with NaN where no value was observed: the mean is over the others.
    first, rows : ndarray of int, shape (n,)
        First row of the series, and the newest known row, of each forecast.
    horizon : int
    period : int
        Length of the season; if a series has fewer rows, its last value is repeated.
    lookback : int
        Number of rows over which the drift is measured; fewer if the series is shorter.

    Returns
    -------
    dict of str to ndarray of shape (n, horizon, targets), float64
        By the names of `NAIVE`.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[1.0], [2.0], [4.0]])
    >>> found = naive_forecasts(values, values, np.array([0]), np.array([2]), 2, period=2, lookback=3)
    >>> {name: forecast[0, :, 0].round(2).tolist() for name, forecast in found.items()}
    {'last value': [4.0, 4.0], 'seasonal naive': [2.0, 4.0], 'drift': [5.5, 7.0], 'mean': [2.33, 2.33]}
    """
    first, rows, steps = first[:, None], rows[:, None].astype(np.int64), np.arange(horizon)
    newest = known[rows].astype(np.float64)
    last = np.repeat(newest, horizon, axis=1)
    back = rows + 1 - period + steps % period
    there = (back[:, :1] >= first)[..., None]
    seasonal = np.where(there, known[np.maximum(back, 0)].astype(np.float64), last)
    oldest = np.maximum(rows - max(lookback - 1, 1), first)
    slope = (newest - known[oldest]) / np.maximum(rows - oldest, 1)[..., None]
    mean = np.repeat(_mean_so_far(observed, first, rows), horizon, axis=1)
    return dict(zip(NAIVE, (last, seasonal, newest + slope * (steps + 1)[:, None], mean), strict=True))


def _mean_so_far(values: Floats, first: Integers, row: Integers) -> Floats:
    """Mean of the known values of a series at a row: for returns, by far the best naive forecast.

    Parameters
    ----------
    values : ndarray of shape (rows, targets)
        NaN where missing.
    first, row : ndarray of int, shape (n, 1)
        First row of the series, and the newest known row.

    Returns
    -------
    ndarray of shape (n, 1, targets)
        0 where nothing is known.
    """
    out = np.empty((len(row), 1, values.shape[1]))
    for start in np.unique(first):  # one sum over all series would carry roundings from one to the next
        mine = first[:, 0] == start
        part = values[start : row[mine].max() + 1]
        seen, at = ~np.isnan(part), row[mine] - start
        total = np.cumsum(np.where(seen, part, 0), axis=0, dtype=np.float64)
        out[mine] = total[at] / np.maximum(np.cumsum(seen, axis=0)[at], 1)
    return out


class _Baseline(RegressorMixin, BaseEstimator):
    """Base of the baselines: shapes, and past values before an origin in a series or in an array of windows."""

    _accepts_windows = True
    _learns = False  # so that weights have nothing to change
    _needs_windows = False  # of `fit`

    def fit(self, X: ArrayLike | Windows, y: ArrayLike | WindowTargets) -> Self:
        """Store the shapes of the data; nothing is learned.

        Parameters
        ----------
        X : Windows or array-like of shape (n, lookback) or (n, lookback, channels)
            The first channel of an array is the target.
        y : array-like of shape (n,) or (n, horizon)
            Only its shape is used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Shapes do not fit together.
        """
        X, y = as_numpy(X, "X"), as_numpy(y, "y")
        given: Array | Windows = X if isinstance(X, Windows) else check_array(X, allow_nd=True)
        shape = np.shape(y)
        if len(shape) not in (1, 2) or shape[0] != len(given):
            raise ValueError(
                Refusal(f"has shape {shape} for {len(given)} windows", where="y", expected="(n,) or (n, horizon)")
            )
        self._check(given)
        self.n_features_in_ = int(np.prod(given.shape[1:]))
        self.n_outputs_ = 1 if len(shape) == 1 else shape[1]
        self._flat = len(shape) == 1
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags

    def _check(self, X: Array | Windows) -> None:
        """Refuse windows that the baseline cannot forecast from."""

    def predict(self, X: ArrayLike | Windows) -> Floats:
        """Forecast every window.

        Parameters
        ----------
        X : Windows or array-like of shape (n, lookback) or (n, lookback, channels)

        Returns
        -------
        ndarray of the shape of `fit`'s y, float64
            Forecasts in the units of `Windows.y`, so normalised if the windows are.

        Raises
        ------
        ValueError
            Another number of features than in `fit`.
        """
        check_is_fitted(self)
        given: Array | Windows = (
            X if isinstance(X, Windows) else check_array(as_numpy(X, "X"), allow_nd=True, dtype=np.float64)
        )
        if int(np.prod(given.shape[1:])) != self.n_features_in_:
            raise ValueError(
                Refusal(f"has {int(np.prod(given.shape[1:]))} features, but fit saw {self.n_features_in_}", where="X")
            )
        forecast = self._forecast(given, X.horizon if isinstance(X, Windows) else self.n_outputs_)
        forecast = forecast.astype(np.float64).reshape(len(given), -1)
        forecast = X.normalize(forecast) if isinstance(X, Windows) else forecast
        return forecast.ravel() if self._flat else forecast


def _lookback(X: Array | Windows) -> int:
    return X.lookback if isinstance(X, Windows) else X.shape[1]


def _look(X: Array | Windows, offsets: Integers) -> Floats:
    """Target values at rows counted from the newest one (0, -1, ...), shape (n, offsets, targets), never normalised."""
    if not isinstance(X, Windows):
        return X.reshape(*X.shape[:2], -1)[:, X.shape[1] - 1 + offsets, :1]
    rows = X.origins.astype(np.int64)[:, None] + offsets
    outside = rows.min(axis=1) < X.first_rows if rows.size else np.zeros(0, dtype=bool)
    if outside.any():
        raise ValueError(
            Refusal(
                f"looking {-offsets.min()} steps back from row {X.origins[outside][0]} leaves the series",
                advice="Use a later first origin or a shorter period.",
            )
        )
    return X.values[rows, : X.n_targets]


def _look_seasonal(X: Array | Windows, horizon: int, period: int) -> Floats:
    return _look(X, 1 - period + np.arange(horizon) % period)


@stored("LastValue")
class LastValue(_Baseline):
    """The newest value, for every step of the horizon.

    Attributes
    ----------
    n_features_in_ : int
    n_outputs_ : int

    Examples
    --------
    >>> LastValue().fit([[1.0, 2.0]], [[3.0, 4.0]]).predict([[5.0, 6.0]])
    array([[6., 6.]])
    """

    def _forecast(self, X: Array | Windows, horizon: int) -> Floats:
        return _look_seasonal(X, horizon, 1)


@stored("SeasonalNaive")
class SeasonalNaive(_Baseline):
    """The value one season ago.

    Parameters
    ----------
    period : int, default=None
        Length of the season in steps. None: the usual season for the frequency of the windows (24 for hours, 7 for
        days, 52 for weeks, 12 for months; 1, the last value, if there is none). On arrays it is required and at most
        the lookback.

    Attributes
    ----------
    period_ : int
    n_history_ : int
        Number of rows that a series needs up to an origin.
    n_features_in_ : int
    n_outputs_ : int

    Examples
    --------
    >>> SeasonalNaive(period=2).fit([[1.0, 2.0, 3.0]], [[2.0, 3.0, 2.0]]).predict([[4.0, 5.0, 6.0]])
    array([[5., 6., 5.]])
    """

    def __init__(self, period: int | None = None) -> None:
        self.period = period

    def _check(self, X: Array | Windows) -> None:
        period = self.period
        if period is None:
            if not isinstance(X, Windows):
                raise ValueError(
                    Refusal(
                        "is None, and an array has no frequency to tell it",
                        where="period",
                        advice="Set the length of the season in steps, such as SeasonalNaive(period=7) for days.",
                    )
                )
            period = season_length(X.freq)
        if isinstance(period, bool) or not isinstance(period, (int, np.integer)) or period < 1:
            raise ValueError(Refusal(f"is {period!r}", where="period", expected="a whole number of steps, 1 or more"))
        rows = int(np.diff(X.starts).max()) if isinstance(X, Windows) else X.shape[1]
        if period > rows:
            raise ValueError(
                Refusal(
                    f"is {period}, but there are {rows} rows to look back on",
                    where="period",
                    expected="a shorter season",
                )
            )
        self.period_ = self.n_history_ = int(period)

    def _forecast(self, X: Array | Windows, horizon: int) -> Floats:
        return _look_seasonal(X, horizon, self.period_)


@stored("Drift")
class Drift(_Baseline):
    """The newest value plus, per step, the mean change over the window.

    Attributes
    ----------
    n_features_in_ : int
    n_outputs_ : int

    References
    ----------
    Hyndman, Athanasopoulos: Forecasting: Principles and Practice, 3rd ed., section 5.2 (there over the whole history).

    Examples
    --------
    >>> Drift().fit([[1.0, 2.0, 3.0]], [[4.0, 5.0]]).predict([[0.0, 1.0, 4.0]])
    array([[6., 8.]])
    """

    def _forecast(self, X: Array | Windows, horizon: int) -> Floats:
        steps = _lookback(X) - 1
        last = _look(X, np.zeros(1, dtype=np.intp)).astype(np.float64)
        if steps == 0:  # one value has no slope
            return np.repeat(last, horizon, axis=1)
        first = _look(X, np.array([-steps]))
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at
            forecast = last + (last - first) / steps * np.arange(1, horizon + 1)[:, None]
        return refuse_overflow(forecast, "Drift.predict:")
