"""Forecasts next to the actual values of the same rows: what scorers ask a fitted forecaster for."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._types import Floats

__all__ = ["Judged"]


class Judged:
    """The part of `SeriesForecaster` that scorers of quantiles and intervals use."""

    _request: Any
    _actual: Any
    _bounded: Any
    _quantile_cubes: Any

    def _judged_quantiles(self, X: Any, y: Any, levels: list[float]) -> Iterator[tuple[Floats, Floats]]:
        """Of each series: the known values (n,) of its targets, and quantiles of them, (n, levels)."""
        check_is_fitted(self)
        request = self._request(X, None)
        actual = self._actual(X, y, request)
        return _known(actual, self._quantile_cubes(request, levels))

    def _judged_intervals(self, X: Any, y: Any, coverage: float) -> Iterator[tuple[Floats, Floats]]:
        """The same with the lower and the upper bound of an interval, (n, 2)."""
        check_is_fitted(self)
        request = self._request(X, None)
        actual = self._actual(X, y, request)
        bounds = ((lower[0], upper[0]) for _, lower, upper in self._bounded(request, [coverage]))
        return _known(actual, (np.stack(pair, axis=-1) for pair in bounds))


def _known(actual: list[Floats], cubes: Any) -> Iterator[tuple[Floats, Floats]]:
    for values, cube in zip(actual, cubes, strict=True):
        known = ~np.isnan(values)
        yield values[known], cube[known]
