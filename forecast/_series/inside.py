"""The windows that a fitted forecaster makes of a frame, for a look inside its regressor."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .targets import entered

__all__ = ["windows_of_frame"]


def windows_of_frame(model, X, y=None):
    """All windows of a frame that have a future, made as in `fit` with what `fit` learnt: transforms, means, encodings.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted; it is not changed.
    X : frame
        Rows as `fit` had them: the fitted ones, later ones, or other series.
    y : array-like of shape (rows,) or (rows, targets), default=None
        As in `fit`.

    Returns
    -------
    Windows
        Of the frame that `fit` had, those that the regressor was fitted on.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError, ValueError
        The frame is not as in `fit`, or too short for one window.
    """
    check_is_fitted(model)
    state = model._state
    frame, _ = entered(X, "X", y, list(state.roles.target))
    rows = state.read(frame, model._rules(), "X")
    rows = rows.split() if state.split else rows
    preparation = state.preparation.knowing(rows)
    clock = state.axis.positions(rows.index[rows.starts[:-1]]) if rows.n_series > 1 else None
    windows = preparation.training_windows(rows, model.step, clock)
    if not len(windows):
        raise ValueError(
            f"X: no series has the {preparation.n_lost} (lost to the transform) + {preparation.lookback} (lookback) + "
            f"{preparation.horizon} (horizon) rows of a window with a known target; the longest has "
            f"{int(np.diff(rows.starts).max())} rows. Give more rows."
        )
    return windows
