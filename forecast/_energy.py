"""The energy score: the quality of sample paths as a forecast of all steps together."""

import numpy as np

from ._numbers import finite

__all__ = ["energy_score"]


def energy_score(actual, paths):
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
    actual, paths = finite("actual", actual), finite("paths", paths)
    if actual.ndim == 2 and actual.shape[1] == 1 and paths.ndim == 2:  # the column of a frame
        actual = actual[:, 0]
    if actual.ndim not in (1, 2) or paths.shape[:-1] != actual.shape or not actual.size:
        raise ValueError(
            f"actual has shape {actual.shape}, paths {paths.shape}; expected (steps,) and (steps, n_paths), or (n, "
            "steps) and (n, steps, n_paths)."
        )
    if paths.shape[-1] < 2:
        raise ValueError(f"paths has {paths.shape[-1]} path; expected two or more, as distances between them count.")
    if actual.ndim == 1:
        actual, paths = actual[None], paths[None]
    return float(np.mean([_one(*pair) for pair in zip(actual, paths, strict=True)]))


def _one(actual, paths):
    """The score of one forecast, of (steps,) and (steps, n_paths)."""
    n = paths.shape[1]
    if len(actual) == 1:
        rank = np.arange(1 - n, n, 2)
        return np.abs(paths - actual).mean() - (rank * np.sort(paths[0])).sum() / (n * (n - 1))
    from scipy.spatial.distance import pdist  # here, because importing it takes longer than all of this package

    distances = np.sqrt(((paths - actual[:, None]) ** 2).sum(axis=0))
    return distances.mean() - pdist(paths.T).mean() / 2
