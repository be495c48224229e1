"""The windows that a fitted forecaster makes from a frame, for diagnostics of its regressor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._refusals import Fix, Refusal
from .._types import FrameLike, Integers
from .forecasting import with_future
from .targets import entered

if TYPE_CHECKING:
    from .._preparation import Rows
    from .._windows import Windows
    from .forecaster import SeriesForecaster
    from .state import FittedState

__all__ = ["rows_of_frame", "rows_to_forecast", "windows_of_frame"]


def windows_of_frame(model: SeriesForecaster, X: FrameLike, y: Any = None) -> Windows:
    """All windows of a frame that have a future, made with the transforms, means and encodings of `fit`.

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
            Refusal(
                f"no series has the {preparation.n_lost} (lost to the transform) + {preparation.lookback} (lookback) "
                f"+ {preparation.horizon} (horizon) rows of a window with a known target; the longest has "
                f"{int(np.diff(rows.starts).max())} rows",
                where="X:",
                advice="Give more rows.",
            )
        )
    return windows


def rows_to_forecast(
    model: SeriesForecaster, X: FrameLike, history: FrameLike, n_origins: int = 1
) -> tuple[FittedState, Rows, Integers, int]:
    """The rows that a fitted forecaster reads for the forecasts of `predict` and for some from earlier rows.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted; it is not changed.
    X, history
        As in its `predict`.
    n_origins : int, default=1
        Number of origins of each series: after its newest row, after the one before it, and so on.

    Returns
    -------
    state : FittedState
        State that includes statistics of series that `fit` did not see.
    rows : Rows
        Known rows, and what is known ahead.
    origins : ndarray of int
        Series by series, the earliest first.
    n_steps : int
        Asked for of each, at most `horizon`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    ValueError
        As `predict`; more than `horizon` steps, carried states, or a series with too few rows.
    """
    check_is_fitted(model)
    state = model._state
    _refuse_carried(state)
    request = model._request(X, history)
    longest, shortest = max(map(len, request.labels)), min(map(len, request.labels))
    if longest != shortest:
        raise ValueError(
            Refusal(f"has {shortest} to {longest} rows of its series", where="X", expected="as many of each")
        )
    if longest > state.horizon:
        raise ValueError(
            Refusal(
                f"{longest} steps were asked for, but horizon is {state.horizon}, and what is fed back is a forecast",
                expected="fewer steps",
                fix=Fix(f"n={state.horizon}", ""),
            )
        )
    past = request.past
    state, longer = state.knowing(past), state.rows if request.fresh is None else request.fresh
    if n_origins > 1 and set(past.keys) <= set(longer.keys):
        past = longer.only(past.keys)
    back = max(1, *(member.reads for member, _ in state.parts)) + n_origins - 1
    past = past.tail(back)
    rows, newest = with_future(state, past, request.labels, request.future)
    for key, length in zip(past.keys, np.diff(past.starts), strict=True) if n_origins > 1 else ():
        if length < back:
            name = "" if key is None else f" of series {key!r}"
            raise ValueError(
                Refusal(
                    f"n_origins={n_origins} needs {back} rows{name}, and {length} are there",
                    expected="fewer, or a longer history: history=df, with the rows of fit",
                )
            )
    return state, rows, (newest[:, None] - np.arange(n_origins)[::-1]).ravel(), longest


def _refuse_carried(state: FittedState) -> None:
    if state.carries:
        raise ValueError(
            Refusal("stateful=True reads all rows since the first", where="model:", expected="a network without it")
        )


def rows_of_frame(model: SeriesForecaster, X: FrameLike) -> tuple[FittedState, Rows]:
    """Rows of a frame as a fitted forecaster reads them.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted; it is not changed.
    X : frame
        As for its `fit`.

    Returns
    -------
    state : FittedState
        State that includes statistics of series that `fit` did not see.
    rows : Rows

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    ValueError
        The frame is not as in `fit`, or states are carried.
    """
    check_is_fitted(model)
    state = model._state
    _refuse_carried(state)
    frame, _ = entered(X, "X")
    rows = state.read(frame, model._rules(), "X")
    return state.knowing(rows), rows
