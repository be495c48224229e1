"""The energy score: the quality of sample paths as a forecast of all steps together."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ._numbers import finite
from ._refusals import Refusal
from ._types import Floats, Seed

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["crps_of_paths", "energy_score", "judged_paths", "neg_energy_score"]


def energy_score(actual: npt.ArrayLike, paths: npt.ArrayLike) -> float:
    """Energy score of sample paths, in the units of the series; lower is better.

    It generalises the CRPS to several values together [1]_: the mean distance of a path from the actual values, minus
    half of the mean distance between two different paths. So it depends on whether the steps of a path depend on each
    other as the actual values do. Distances are Euclidean over steps (and other values in a row). The score is unbiased
    in the number of paths, because no path is paired with itself [2]_. For a single value it is the fair CRPS, computed
    from the order of the paths.

    Parameters
    ----------
    actual : array-like of shape (steps,) or (n, steps)
        Actual values, of n forecasts.
    paths : array-like of shape (steps, n_paths) or (n, steps, n_paths)
        Paths from `SeriesForecaster.sample`, on the last axis.

    Returns
    -------
    float
        Mean over the forecasts.

    Raises
    ------
    TypeError, ValueError
        Shapes do not match, there are fewer than two paths, or values are NaN or infinite.

    References
    ----------
    .. [1] Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA 102 (2007), 359-378.
    .. [2] Ferro: Fair scores for ensemble forecasts. Quarterly Journal of the Royal Meteorological Society 140 (2014),
       1917-1923.

    Examples
    --------
    >>> energy_score([0.0, 0.0], [[3.0, -3.0], [4.0, -4.0]])  # 5 from either path, 10 between them
    0.0
    >>> energy_score([0.0, 0.0], [[3.0, 3.0], [4.0, 4.0]])
    5.0
    """
    came, drawn = finite("actual", actual), finite("paths", paths)
    if came.ndim == 2 and came.shape[1] == 1 and drawn.ndim == 2:  # the column of a frame
        came = came[:, 0]
    if came.ndim not in (1, 2) or drawn.shape[:-1] != came.shape or not came.size:
        raise ValueError(
            Refusal(
                f"has shape {came.shape}, paths {drawn.shape}",
                where="actual",
                expected="(steps,) and (steps, n_paths), or (n, steps) and (n, steps, n_paths)",
            )
        )
    if drawn.shape[-1] < 2:
        raise ValueError(
            Refusal(
                f"has {drawn.shape[-1]} path", where="paths", expected="two or more, as distances between them count"
            )
        )
    if came.ndim == 1:
        came, drawn = came[None], drawn[None]
    return float(np.mean([_one(*pair) for pair in zip(came, drawn, strict=True)]))


def crps_of_paths(actual: Floats, paths: Floats) -> Floats:
    """The fair CRPS of each value: unbiased for the number of paths, computed from their order.

    Parameters
    ----------
    actual : ndarray of shape (n,)
    paths : ndarray of shape (n, n_paths)

    Returns
    -------
    ndarray of shape (n,)
    """
    n = paths.shape[1]
    rank = np.arange(1 - n, n, 2)
    return np.abs(paths - actual[:, None]).mean(axis=1) - (rank * np.sort(paths, axis=1)).sum(axis=1) / (n * (n - 1))


def neg_energy_score(estimator: Any, X: Any, y: Any, *, n_paths: int = 200, random_state: Seed = 0) -> float:
    """Scorer for scikit-learn's tools: minus the energy score of an estimator's sample paths.

    Parameters
    ----------
    estimator : SeriesForecaster
        Fitted, or a search over one.
    X : frame
        Rows that continue the fitted data, as `SeriesForecaster.sample` takes them; at most `horizon` of each series.
    y : array-like
        Actual values.
    n_paths : int, default=200
        2 or more.
    random_state : int, default=0
        Seed of the paths, the same for all candidates of a search.

    Returns
    -------
    float
        Mean over series and targets; greater is better.

    Raises
    ------
    TypeError, ValueError
        The estimator has no sample paths, `SeriesForecaster.sample` refuses `X`, or there is nothing to compare.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import TimeSeriesSplit, cross_val_score
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> from forecast.metrics import neg_energy_score
    >>> df = make_ar1(500, random_state=0)
    >>> model = SeriesForecaster(Ridge(), target="y", lookback=12, horizon=6)
    >>> cv = TimeSeriesSplit(4, test_size=6)
    >>> scores = cross_val_score(model, df, df["y"], scoring=neg_energy_score, cv=cv)
    >>> scores.shape, bool((scores < 0).all())
    ((4,), True)
    """
    pairs = judged_paths(estimator, X, y, n_paths, random_state)
    return -float(np.mean([energy_score(*pair) for pair in pairs]))


def judged_paths(estimator: Any, X: Any, y: Any, n_paths: int, random_state: Seed) -> list[tuple[Floats, Floats]]:
    """The known values of each series and target, and sample paths of them.

    Parameters
    ----------
    estimator, X, y, n_paths, random_state
        As in `neg_energy_score`.

    Returns
    -------
    list of (ndarray of shape (steps,), ndarray of shape (steps, n_paths))
    """
    estimator = getattr(estimator, "best_estimator_", estimator)  # of a search within another one
    if not hasattr(estimator, "_judged_paths"):
        raise TypeError(
            Refusal(
                f"is a {type(estimator).__name__}, which has no sample paths",
                where="the estimator",
                expected="a SeriesForecaster, around any regressor",
            )
        )
    if not isinstance(n_paths, Integral) or isinstance(n_paths, bool) or n_paths < 2:
        raise ValueError(
            Refusal(
                where=f"n_paths={n_paths!r}", expected="a whole number, 2 or more, as distances between paths count"
            )
        )
    pairs = list(estimator._judged_paths(X, y, int(n_paths), random_state))
    if not pairs:
        raise ValueError(Refusal("no row of X has an actual value: there is nothing to judge the paths by"))
    return pairs


def _one(actual: Floats, paths: Floats) -> float:
    """The score of one forecast, of (steps,) and (steps, n_paths)."""
    if len(actual) == 1:
        return crps_of_paths(actual, paths)[0]
    from scipy.spatial.distance import pdist  # here, because importing it takes longer than all of this package

    distances = np.sqrt(((paths - actual[:, None]) ** 2).sum(axis=0))
    return distances.mean() - pdist(paths.T).mean() / 2
