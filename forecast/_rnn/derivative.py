"""A fitted RNNForecaster as a function of the rows of a matrix, with its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._arrays import matrix_arguments, read_inputs
from .._network import Sensitivity
from .placing import placed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._types import Floats, Integers
    from .._windows import Windows

__all__ = ["NetworkDerivative"]


class NetworkDerivative:
    """The point forecast of an `RNNForecaster`, and its derivative by the values of a window.

    Parameters
    ----------
    model : RNNForecaster
        Fitted.
    windows : Windows
        Windows of which the rows of a matrix are variants: a row has the series and the phase of its window.
    n_jobs : int or None
    """

    def __init__(self, model: Any, windows: Windows, n_jobs: int | None = None) -> None:
        model = model._at_newest
        extra = getattr(model, "_n_extra", 0)  # models of version 0.1.0 have none
        data = placed(model, read_inputs(model, windows, model._lookback, model._n_channels, extra))
        self._place = {name: data.arguments[name] for name in ("phase", "series_row") if name in data.arguments}
        self._sizes = data.lookback, data.n_channels
        self._sensitivity = Sensitivity(model._network, n_jobs)

    def __call__(self, X: Floats, which: Integers) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Forecasts, and a function that gives gradients of weighted sums of them.

        Parameters
        ----------
        X : ndarray of shape (n, inputs), float64
            Windows as `numpy.asarray(windows)` gives them.
        which : ndarray of int of shape (n,)
            Number of the window that each row is a variant of.

        Returns
        -------
        forecast : ndarray of shape (n, outputs)
        pull : callable
            Function from weights of the outputs, shape (n, outputs), to the gradient, shape (n, inputs).
        """
        arguments = matrix_arguments(X, *self._sizes) | {name: values[which] for name, values in self._place.items()}
        forecast, slopes = self._sensitivity.point(self._sensitivity.outputs(arguments, len(X)))

        def pull(weights: Floats) -> Floats:
            past, extra = self._sensitivity.pulled(arguments, len(X), weights[..., None] * slopes)
            past = past.reshape(len(X), -1)[:, : self._sizes[0] * self._sizes[1]]
            return np.concatenate([past, extra], axis=1)

        return forecast, pull
