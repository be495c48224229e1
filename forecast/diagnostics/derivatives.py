"""Regressors as functions of a window's values, with their derivatives: networks, linear and naive regressors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._linear import LinearForecaster, window_coefficients
from .._pretrained import PretrainedForecaster
from .._refusals import Refusal
from .._rnn import NetworkDerivative, RNNForecaster
from ..baselines import Drift, LastValue, SeasonalNaive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .._types import Floats, Integers
    from .._windows import Windows

__all__ = ["derivative_of", "reads_back"]

_TOGETHER = 256  # unit windows that a pipeline is asked about at once
_ALIKE = 1e-5  # of the largest forecast: how near the coefficients must come to it


def reads_back(regressor: Any) -> int | None:
    """Number of steps that a naive forecaster reads beyond any lookback; None for other regressors.

    Parameters
    ----------
    regressor : estimator
        Fitted.

    Returns
    -------
    int or None
    """
    if isinstance(regressor, SeasonalNaive):
        return regressor.period_
    return 1 if isinstance(regressor, LastValue) else None


def derivative_of(
    regressor: Any, windows: Windows, past: Sequence[Floats] = (), n_jobs: int | None = None
) -> Callable[[Floats, Integers], tuple[Floats, Callable[[Floats], Floats]]]:
    """A fitted regressor as a function of the rows of a matrix, with its derivative.

    Parameters
    ----------
    regressor : estimator
    windows : Windows
        Windows of which the rows are variants. A naive or pretrained forecaster needs them without a norm, and as long
        as it reads back.
    past : sequence of ndarrays of shape (n, steps)
        Values of each target that the pretrained forecaster reads, NaN where missing.
    n_jobs : int or None

    Returns
    -------
    callable
        As `NetworkDerivative`.

    Raises
    ------
    TypeError
        The regressor has no derivative.
    """
    regressor = getattr(regressor, "best_estimator_", regressor)
    if isinstance(regressor, RNNForecaster):
        return NetworkDerivative(regressor, windows, n_jobs)
    if isinstance(regressor, PretrainedForecaster):
        return _Pretrained(regressor, windows, past, n_jobs)
    if isinstance(regressor, LinearForecaster):
        return _Affine(*window_coefficients(regressor, windows))
    if isinstance(regressor, (LastValue, SeasonalNaive, Drift)):
        return _Affine(np.zeros(len(windows), dtype=np.intp), [_naive(regressor, windows)], [0.0])
    matrix, intercept = _coefficients(regressor, windows.shape[1])
    if matrix is not None:
        found = _Affine(np.zeros(len(windows), dtype=np.intp), [matrix], [intercept])
        matrix = np.asarray(windows, dtype=np.float64)
        forecast, expected = found(matrix, np.arange(len(windows)))[0], _outputs(regressor, matrix)
        scale = np.abs(expected).max(initial=0.0) + np.finfo(float).tiny
        if forecast.shape == expected.shape and np.abs(forecast - expected).max(initial=0.0) <= _ALIKE * scale:
            return found
    kind = type(getattr(regressor, "estimator", regressor)).__name__
    raise TypeError(
        Refusal(
            f"{kind} is neither a network nor linear, so that it has no derivative to explain a forecast by",
            where="model:",
            expected=(
                "a SeriesForecaster with RNNForecaster, LinearForecaster, a linear regressor of scikit-learn (one "
                "with coef_, alone or at the end of a pipeline) or no regressor"
            ),
            advice="For any regressor there is forecast.diagnostics.channel_importance(model, df).",
        )
    )


class _Affine:
    """`X @ matrix + intercept`, with a matrix of each group of windows."""

    def __init__(self, groups: Integers, matrices: Sequence[Floats], intercepts: Sequence[Any]) -> None:
        self._groups, self._matrices, self._intercepts = groups, matrices, intercepts

    def __call__(self, X: Floats, which: Integers) -> tuple[Floats, Callable[[Floats], Floats]]:
        groups = self._groups[which]
        parts = [(number, groups == number) for number in np.unique(groups)]
        forecast = np.empty((len(X), self._matrices[0].shape[1]))
        for number, mine in parts:
            forecast[mine] = X[mine] @ self._matrices[number] + self._intercepts[number]

        def pull(weights: Floats) -> Floats:
            gradient = np.empty(X.shape)
            for number, mine in parts:
                gradient[mine] = weights[mine] @ self._matrices[number].T
            return gradient

        return forecast, pull


class _Pretrained:
    """The pretrained forecaster, which reads each target by itself, where it was observed."""

    def __init__(
        self, regressor: PretrainedForecaster, windows: Windows, past: Sequence[Floats], n_jobs: int | None
    ) -> None:
        self._median = regressor._derivative(n_jobs)
        self._sizes, self._horizon = (windows.lookback, windows.n_channels), windows.horizon
        self._observed = [np.isfinite(values) for values in past]

    def __call__(self, X: Floats, which: Integers) -> tuple[Floats, Callable[[Floats], Floats]]:
        n, inputs = len(X), self._sizes[0] * self._sizes[1]
        values = X[:, :inputs].reshape(n, *self._sizes)
        parts = []
        for target, observed in enumerate(self._observed):
            own = np.where(observed[which], values[:, -observed.shape[1] :, target], np.nan)
            parts.append(self._median(own, self._horizon))

        def pull(weights: Floats) -> Floats:
            weights = weights.reshape(n, self._horizon, len(parts))
            gradient = np.zeros(values.shape)
            for target, (_, one) in enumerate(parts):
                of_past = one(weights[:, :, target])
                gradient[:, -of_past.shape[1] :, target] = of_past
            others = np.zeros((n, X.shape[1] - inputs))  # it reads nothing else
            return np.concatenate([gradient.reshape(n, -1), others], axis=1)

        return np.stack([forecast for forecast, _ in parts], axis=2).reshape(n, -1), pull


def _naive(regressor: Any, windows: Windows) -> Floats:
    """Shape (values of a window, horizon * targets): every forecast is a sum of past values of its own target."""
    steps, channels, n, horizon = windows.lookback, windows.n_channels, windows.n_targets, windows.horizon
    matrix = np.zeros((windows.shape[1], horizon * n))
    ahead = np.arange(horizon)
    newest = steps - 1
    for target in range(n):
        outputs = ahead * n + target
        if isinstance(regressor, SeasonalNaive):
            matrix[(steps - regressor.period_ + ahead % regressor.period_) * channels + target, outputs] = 1.0
            continue
        matrix[newest * channels + target, outputs] = 1.0
        if isinstance(regressor, Drift) and newest:
            matrix[newest * channels + target, outputs] += (ahead + 1) / newest
            matrix[target, outputs] -= (ahead + 1) / newest
    return matrix


def _coefficients(regressor: Any, n_inputs: int) -> tuple[Floats, Floats] | tuple[None, None]:
    """Coefficients (inputs, outputs) and intercepts of a linear regressor; (None, None) of any other."""
    each = getattr(regressor, "estimators_", None)
    if each is not None and hasattr(regressor, "estimator"):  # a clone for each output
        found = [_coefficients(one, n_inputs) for one in each]
        if any(matrix is None or matrix.shape[1] != 1 for matrix, _ in found):
            return None, None
        return np.concatenate([matrix for matrix, _ in found], axis=1), np.concatenate([one for _, one in found])
    steps = getattr(regressor, "steps", None)
    if steps and hasattr(steps[-1][1], "coef_"):
        origin = _outputs(regressor, np.zeros((1, n_inputs)))[0]
        unit = np.eye(n_inputs)
        parts = [_outputs(regressor, unit[at : at + _TOGETHER]) for at in range(0, n_inputs, _TOGETHER)]
        return np.concatenate(parts) - origin, origin
    coefficients = getattr(regressor, "coef_", None)
    if not isinstance(coefficients, np.ndarray) or coefficients.shape[-1] != n_inputs:
        return None, None
    matrix = np.atleast_2d(coefficients).T.astype(np.float64)
    return matrix, np.broadcast_to(np.asarray(regressor.intercept_, dtype=np.float64), matrix.shape[1]).copy()


def _outputs(regressor: Any, X: Floats) -> Floats:
    return np.asarray(regressor.predict(X), dtype=np.float64).reshape(len(X), -1)
