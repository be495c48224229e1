"""Proper scores of distributions, and scikit-learn's scorers of them; `forecast.metrics` has them for users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._energy import crps_of_paths, judged_paths
from .._numbers import finite
from .._refusals import Refusal
from .._types import Floats
from .distribution import Distribution

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["crps_of", "log_score", "neg_crps", "neg_log_score"]

_PATHS = 1000  # of a forecaster without a distribution


def crps_of(actual: npt.ArrayLike, distribution: Distribution) -> float:
    """Mean CRPS of distributions; `forecast.metrics.crps` says the rest."""
    came, distribution = _of_each(actual, distribution)
    return float(distribution.crps(came).mean())


def log_score(actual: npt.ArrayLike, distribution: Distribution) -> float:
    """Mean negative logarithm of the density that was forecast at the actual value: smaller is better.

    Proper as the CRPS, and harder on values in the far tail. Of counts the probability takes the place of the density.

    Parameters
    ----------
    actual : array-like
    distribution : Distribution of shape actual.shape

    Returns
    -------
    float
        The score, in logarithms of the series' units: only scores of the same series can be compared. inf if a value is
        impossible.

    Raises
    ------
    TypeError, ValueError
        Shapes do not fit, nothing to compare, NaN or infinite values, or no distribution.

    References
    ----------
    Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA 102 (2007), 359-378.

    Examples
    --------
    >>> from forecast import Distribution
    >>> from forecast.metrics import log_score
    >>> round(log_score([0.0, 1.0], Distribution("poisson", mean=[0.5, 0.5])), 6)
    0.846574
    """
    if not isinstance(distribution, Distribution):
        raise TypeError(
            Refusal(f"is a {type(distribution).__name__}", where="distribution", expected="a forecast.Distribution")
        )
    came, distribution = _of_each(actual, distribution)
    return float(-distribution.log_density(came).mean())


def _of_each(actual: npt.ArrayLike, distribution: Distribution) -> tuple[Floats, Distribution]:
    came = finite("actual", actual)
    if came.ndim == 2 and came.shape[1:] == (1,) and len(distribution.shape) == 1:
        came = came[:, 0]
    if came.ndim == 1 and distribution.shape == (len(came), 1):
        distribution = distribution[:, 0]
    if came.shape != distribution.shape:
        raise ValueError(
            Refusal(
                f"has shape {came.shape}, the distribution {distribution.shape}",
                where="actual",
                expected="the same shape",
            )
        )
    if not came.size:
        raise ValueError(Refusal("is empty", where="actual", expected="at least one value"))
    return came, distribution


def neg_crps(estimator: Any, X: Any, y: Any) -> float:
    """Scorer for scikit-learn's tools: minus the CRPS of the distribution that an estimator forecasts.

    A `SeriesForecaster` without a distribution, such as one around a linear regressor, is scored by 1,000 sample paths
    with a fixed seed, so that a search can compare it with others.

    Parameters
    ----------
    estimator : RNNForecaster or SeriesForecaster
        Fitted, an `RNNForecaster` with the loss of a distribution; or a search over one.
    X : array-like, Windows or frame
        As `predict_distribution` takes it.
    y : array-like
        Actual values; NaN are left out if the estimator has `missing="mask"`.

    Returns
    -------
    float
        Greater is better.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from forecast import RNNForecaster
    >>> from forecast.metrics import neg_crps
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> model = RNNForecaster(loss="normal", hidden_size=8, max_iter=5, random_state=0)
    >>> scores = cross_val_score(model, X, X[:, -1], scoring=neg_crps, cv=TimeSeriesSplit(3))
    >>> scores.shape, bool((scores < 0).all())
    ((3,), True)
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "predict_distribution") or not hasattr(estimator, "_judged_paths"):
        return -crps_of(*_judged(estimator, X, y))
    pairs = judged_paths(estimator, X, y, _PATHS, 0)
    return -float(np.concatenate([crps_of_paths(*pair) for pair in pairs]).mean())


def neg_log_score(estimator: Any, X: Any, y: Any) -> float:
    """Scorer for scikit-learn's tools: minus the log score of the distribution that an estimator forecasts.

    Parameters
    ----------
    estimator, X, y
        As in `neg_crps`.

    Returns
    -------
    float
        Greater is better.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> from forecast.metrics import log_score, neg_log_score
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> model = RNNForecaster(loss="normal", hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
    >>> neg_log_score(model, X, X[:, -1]) == -log_score(X[:, -1], model.predict_distribution(X))
    True
    """
    return -log_score(*_judged(getattr(estimator, "best_estimator_", estimator), X, y))


def _judged(estimator: Any, X: Any, y: Any) -> tuple[Floats, Distribution]:
    """Actual values, and the distributions that an estimator forecasts of them."""
    found = estimator.predict_distribution(X)
    if isinstance(found, Distribution):
        return y, found
    found, y = estimator._distribution(X), np.asarray(y, dtype=np.float64)
    if estimator.missing != "mask" or y.size != np.prod(found.shape):
        return y, found
    known = ~np.isnan(y).reshape(found.shape)
    return y.reshape(found.shape)[known], found[known]
