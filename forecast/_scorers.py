"""Pinball loss and interval score of single values, and scikit-learn's scorers of quantiles and intervals.

`forecast.metrics` has the scorers for users.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from ._numbers import finite
from ._refusals import Refusal
from ._shares import share, shares
from ._types import Floats

__all__ = ["interval_loss", "neg_coverage_error", "neg_interval_score", "neg_pinball", "pinball_loss"]


class _Fitted(Protocol):
    """An estimator with quantiles: `predict_quantiles(X, levels)`."""

    def predict_quantiles(self, X: Any, levels: Sequence[float]) -> Any: ...


def pinball_loss(actual: Floats, forecast: Floats, level: float) -> Floats:
    """The pinball loss of each value.

    Parameters
    ----------
    actual, forecast : ndarray
        Shapes broadcast.
    level : float

    Returns
    -------
    ndarray
    """
    return np.maximum(level * (actual - forecast), (level - 1) * (actual - forecast))


def interval_loss(actual: Floats, lower: Floats, upper: Floats, coverage: float) -> Floats:
    """The interval score of each value: the width, plus a penalty outside.

    Parameters
    ----------
    actual, lower, upper : ndarray of the same shape
    coverage : float

    Returns
    -------
    ndarray
    """
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return upper - lower + 2 / (1 - coverage) * outside


def neg_pinball(estimator: Any, X: Any, y: Any, *, level: float | Sequence[float] = 0.9) -> float:
    """Scorer for scikit-learn's tools: minus the pinball loss of an estimator's quantiles.

    Parameters
    ----------
    estimator : SeriesForecaster or RNNForecaster
        Fitted, an `RNNForecaster` with quantiles or the loss of a distribution; or a pipeline or search with one.
    X : array-like, Windows or frame
        As `predict_quantiles` takes it: for a `SeriesForecaster` at most `horizon` rows of each series.
    y : array-like
        Actual values; NaN are left out if a `SeriesForecaster` has `missing="mask"`.
    level : float or list of float, default=0.9
        Level of the quantile; for several, the mean over them. `functools.partial(neg_pinball, level=0.1)` passes it.

    Returns
    -------
    float
        Mean over all values, in the units of y; greater is better.

    Raises
    ------
    TypeError, ValueError
        The estimator has no quantiles, refuses `X` or a level, or there is nothing to compare.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.metrics import neg_pinball
    >>> df = make_ar1(500, random_state=0)
    >>> model = SeriesForecaster(Ridge(), target="y", lookback=12, horizon=6)
    >>> scoring = partial(neg_pinball, level=[0.1, 0.9])
    >>> scores = cross_val_score(model, df, df["y"], scoring=scoring, cv=TimeSeriesSplit(4, test_size=6))
    >>> scores.shape, bool((scores < 0).all())
    ((4,), True)
    """
    levels = shares(level, "level", least=1)
    actual, quantiles = _quantiles(estimator, X, y, levels)
    return -float(np.mean([pinball_loss(actual, column, one) for column, one in zip(quantiles.T, levels, strict=True)]))


def neg_interval_score(estimator: Any, X: Any, y: Any, *, coverage: float = 0.9) -> float:
    """Scorer for scikit-learn's tools: minus the interval score of an estimator's intervals.

    Parameters
    ----------
    estimator, X, y
        As in `neg_pinball`. The intervals are those of `SeriesForecaster.predict_interval`; of an `RNNForecaster` they
        lie between its quantiles at `(1 - coverage) / 2` and `(1 + coverage) / 2`.
    coverage : float, default=0.9
        Nominal coverage of the intervals, in (0, 1).

    Returns
    -------
    float
        Mean over all values, in the units of y; greater is better.

    Raises
    ------
    TypeError, ValueError
        As `neg_pinball`.

    See Also
    --------
    forecast.metrics.interval_score : The score of given bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> from forecast.metrics import interval_score, neg_interval_score
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> model = RNNForecaster(loss="normal", hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
    >>> lower, upper = model.predict_quantiles(X, [0.1, 0.9]).T
    >>> score = interval_score(X[:, -1], lower, upper, coverage=0.8)
    >>> bool(np.isclose(neg_interval_score(model, X, X[:, -1], coverage=0.8), -score))
    True
    """
    coverage = share(coverage, "coverage")
    return -float(interval_loss(*_intervals(estimator, X, y, coverage), coverage).mean())


def neg_coverage_error(estimator: Any, X: Any, y: Any, *, coverage: float = 0.9) -> float:
    """Scorer for scikit-learn's tools: minus the distance of the actual coverage of intervals from the nominal one.

    It ignores how wide the intervals are, so use it next to `neg_interval_score` and not to choose a model. With few
    values it is mostly noise.

    Parameters
    ----------
    estimator, X, y, coverage
        As in `neg_interval_score`.

    Returns
    -------
    float
        From -1 to 0; greater is better.

    Raises
    ------
    TypeError, ValueError
        As `neg_pinball`.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import RNNForecaster
    >>> from forecast.metrics import neg_coverage_error
    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> model = RNNForecaster(loss="normal", hidden_size=8, max_iter=5, random_state=0).fit(X, X[:, -1])
    >>> -1 <= neg_coverage_error(model, X, X[:, -1]) <= 0
    True
    """
    coverage = share(coverage, "coverage")
    actual, lower, upper = _intervals(estimator, X, y, coverage)
    return -float(abs(((lower <= actual) & (actual <= upper)).mean() - coverage))


# -------------------- what is judged


def _quantiles(estimator: Any, X: Any, y: Any, levels: list[float]) -> tuple[Floats, Floats]:
    """Actual values (n,), and the quantiles of them, (n, levels)."""
    estimator, X = _last(estimator, X)
    if hasattr(estimator, "_judged_quantiles"):
        return _joined(estimator._judged_quantiles(X, y, levels))
    fitted: _Fitted = estimator
    actual, quantiles = finite("y", y).ravel(), np.asarray(fitted.predict_quantiles(X, levels))
    quantiles = quantiles.reshape(-1, len(levels))
    if len(actual) != len(quantiles):
        raise ValueError(
            Refusal(
                f"has {len(actual)} values, but the forecast has {len(quantiles)}", where="y", expected="one for each"
            )
        )
    return actual, quantiles


def _intervals(estimator: Any, X: Any, y: Any, coverage: float) -> tuple[Floats, Floats, Floats]:
    """Actual values and their bounds, each (n,)."""
    estimator, X = _last(estimator, X)
    if hasattr(estimator, "_judged_intervals"):
        actual, bounds = _joined(estimator._judged_intervals(X, y, coverage))
    else:
        tail = round((1 - coverage) / 2, 12)
        actual, bounds = _quantiles(estimator, X, y, [tail, 1 - tail])
    return actual, bounds[:, 0], bounds[:, 1]


def _joined(parts: Iterable[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    several = list(parts)
    actual, found = (np.concatenate([pair[which] for pair in several]) for which in (0, 1))
    if not len(actual):
        raise ValueError(Refusal("no row of X has an actual value: there is nothing to judge a forecast by"))
    return actual, found


def _last(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The estimator that forecasts, within a search or a pipeline, and the X that it gets."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(getattr(estimator, "steps", None), list):
        X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
        return _last(estimator.steps[-1][1], X)
    if not hasattr(estimator, "predict_quantiles"):
        raise TypeError(
            Refusal(
                f"is a {type(estimator).__name__}, which has no quantiles",
                where="the estimator",
                expected="a SeriesForecaster around any regressor, or an RNNForecaster with loss='quantile' or the "
                "loss of a distribution",
            )
        )
    return estimator, X
