"""A fitted LinearForecaster as one matrix of coefficients on the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._types import Array, Floats, Integers
from .inputs import Inputs

if TYPE_CHECKING:
    from .._windows import Windows
    from .forecaster import LinearForecaster

__all__ = ["window_coefficients"]


def window_coefficients(model: LinearForecaster, windows: Windows) -> tuple[Integers, list[Floats], list[Floats]]:
    """Coefficients of all values of a window, 0 of those that are no inputs.

    Parameters
    ----------
    model : LinearForecaster
        Fitted.
    windows : Windows
        As it was fitted on.

    Returns
    -------
    which : ndarray of int of shape (n_windows,)
        Number of the matrix of each window.
    matrices : list of ndarray of shape (values of a window, outputs)
        Matrices in the order of `numpy.asarray(windows)`.
    intercepts : list of ndarray of shape (outputs,)
    """
    if not model.inputs_:  # fitted on an array, of which all columns are inputs
        return np.zeros(len(windows), dtype=np.intp), [model.coef_], [model.intercept_]
    rows = np.full(len(windows), -1)
    if len(model.series_):
        rows = windows.series_rows(pd.Index(model.series_, tupleize_cols=False))
    values, which = np.unique(rows, return_inverse=True)
    places, columns, shares = _places(Inputs(**model.inputs_), windows)
    matrices: list[Floats] = []
    intercepts: list[Floats] = []
    for row in values:
        coefficients, intercept = model._weights_of(row)
        matrix = np.zeros((windows.shape[1], coefficients.shape[1]))
        matrix[places] = coefficients[columns] * shares[:, None]
        matrices.append(matrix)
        intercepts.append(intercept)
    return which.reshape(-1), matrices, intercepts


def _places(inputs: Inputs, windows: Windows) -> list[Array]:
    """Where in a window the values of each column of the inputs are, and their share in it."""
    channels, past, first = windows.n_channels, windows.lookback * windows.n_channels, inputs.targets * inputs.lags
    target, lag = np.divmod(np.arange(first), max(inputs.lags, 1))
    found = [((inputs.lookback - inputs.lags + lag) * channels + target, np.arange(first), np.ones(first))]
    back, other = np.divmod(np.arange(inputs.others * len(inputs.backs)), max(inputs.others, 1))
    steps = inputs.lookback - 1 - np.array(inputs.backs, dtype=np.intp)
    found.append((steps[back] * channels + inputs.targets + other, first + np.arange(len(back)), np.ones(len(back))))
    first += len(back)
    n_ahead = 0 if windows.future is None else windows.horizon * windows.future.shape[1]
    step, feature = np.divmod(np.arange(inputs.horizon * inputs.features), max(inputs.features, 1))
    block = step // inputs.block
    sizes = np.bincount(block, minlength=1) // max(inputs.features, 1)
    found.append((past + np.arange(len(step)), first + block * inputs.features + feature, 1.0 / sizes[block]))
    first += inputs.blocks * inputs.features
    static = np.arange(inputs.static)
    found.append((past + n_ahead + static, first + static, np.ones(inputs.static)))
    return [np.concatenate(part) for part in zip(*found, strict=True)]
