"""Support for backtests of fitted forecasters: rows of a whole frame, intervals at many origins."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._conformal import AdaptiveState, largest_known, within_errors
from .._distributions import Distribution
from .._energy import crps_of_paths, energy_score
from .._frames import Layout, blocks_of, time_labels
from .._preparation import PARAMETERS, SHARE
from .._refusals import Refusal, argument
from .._types import Floats, Integers
from .continuing import with_members_trained_on
from .error_scale import Yardstick
from .report import is_copy
from .weights import row_weights

if TYPE_CHECKING:
    import pandas as pd

    from .._preparation import Rows
    from .calibration import Calibration
    from .error_scale import ErrorScales
    from .forecaster import SeriesForecaster
    from .state import FittedState

__all__ = [
    "SCORES", "intervals_at", "is_copy", "path_scores_at", "quantile_bounds", "read_rows", "scores_at",
    "state_trained_on", "static_bounds",
]  # fmt: skip

SCORES = ("crps", "log_score", "energy_score")  # of distributions and sample paths


class _Origins(Protocol):
    """Where the forecasts of a backtest start."""

    @property
    def fold(self) -> Integers:
        """The fold of each."""

    @property
    def series(self) -> Integers:
        """The number of its series."""

    @property
    def row(self) -> Integers:
        """Its newest known row."""

    @property
    def steps(self) -> Integers:
        """The steps to forecast."""


def read_rows(model: SeriesForecaster, frame: pd.DataFrame) -> Rows:
    """All rows of a frame, as a fitted model reads them.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted on some rows of `frame`.
    frame : pandas.DataFrame

    Returns
    -------
    Rows
    """
    return model._state.read(frame, model._rules(), "df")


def state_trained_on(
    model: SeriesForecaster, frame: pd.DataFrame, rows: Rows, train: Integers, sample_weight: Any = None
) -> FittedState:
    """What a fitted model knows, its members trained on at a later origin; the model itself is not changed.

    Networks go on from their weights and so need few steps: a fifth of those that a fit has, or, where more of the rows
    are new to them, that share. All else is fitted anew.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted on early rows of `frame`.
    frame : pandas.DataFrame
    rows : Rows
        Rows of the whole frame.
    train : ndarray of int
        Rows of `frame` that are known at the origin.
    sample_weight : ndarray of shape (rows of the frame,), default=None

    Returns
    -------
    FittedState
    """
    state = model._state
    known = rows.parts(_bounds(frame, rows, train, state))
    given = None if sample_weight is None else sample_weight[train]
    weights = row_weights(model, frame.iloc[train], state.roles, state.axis, given)
    assert state.span is not None  # as every state of this version has
    share = max(SHARE, 1 - state.span.n_rows / len(known))
    return with_members_trained_on(state, model._steps(), known, weights, share)


def _bounds(frame: pd.DataFrame, rows: Rows, train: Integers, state: FittedState) -> list[Any]:
    """Where the rows of a frame lie that are trained on: (number of the series, first row, end row) of each."""
    labels = time_labels(frame, state.roles, "df")[train]
    if rows.n_series == 1:
        mine = {0: labels}
    else:
        blocks = blocks_of(frame, Layout.of(frame, state.roles, "df"), "df")
        number = {key: place for place, key in enumerate(rows.keys)}
        of_row = np.array([number[key] for key in blocks.keys])[blocks.by_row()[train]]
        mine = {place: labels[of_row == place] for place in np.unique(of_row)}
    found = []
    for place, own in mine.items():
        first, end = rows.starts[place : place + 2]
        index = rows.index[first:end]
        begin, last = index.searchsorted(own.min()), index.searchsorted(own.max(), side="right")
        found.append((int(place), int(first + begin), int(first + last)))
    return found


def intervals_at(
    truth: Rows,
    origins: _Origins,
    forecast: Floats,
    levels: list[float],
    initial: Calibration | None,
    scales: ErrorScales,
) -> dict[str, Floats]:
    """Adaptive conformal bounds, at each origin from the errors known there.

    Parameters
    ----------
    truth : Rows
    origins : Origins
    forecast : ndarray of shape (n, steps, targets)
    levels : list of float
    initial : Calibration or None
        Calibration of the first fit.
    scales : ErrorScales
        Scales of the first fit.

    Returns
    -------
    dict of str to ndarray of shape (n, steps, targets)
        `lower_0.8`, `upper_0.8` and so on.
    """
    out = {name: np.full(forecast.shape, np.nan) for name in _names(levels)}
    steps, n = np.arange(1, forecast.shape[1] + 1), forecast.shape[2]
    started = AdaptiveState(levels) if initial is None else initial.started(levels, n, len(steps))
    for number in np.unique(origins.series):
        mine = np.flatnonzero(origins.series == number)
        mine = mine[np.argsort(origins.row[mine], kind="stable")]
        rows = origins.row[mine][:, None] + steps
        inside = rows < truth.starts[number + 1]
        actual: Floats = truth.targets[np.minimum(rows, len(truth) - 1)].astype(np.float64)
        actual[~inside] = np.nan
        absent = np.isnan(forecast[mine])  # a test part shorter than the others: nothing to learn from
        actual[absent] = np.nan
        given = forecast[mine]
        first = origins.row[mine[0]]
        known = truth.targets[truth.starts[number] : first + 1]
        yardstick = Yardstick.of(initial, scales, truth.keys[number], known, alone=truth.n_series == 1)
        unit, divisor, actual = yardstick.unit, yardstick.divisor, yardstick.image(actual)
        images = np.where(absent, 0.0, yardstick.image(given))
        at = origins.row[mine] - first
        learnt = np.stack(started.bounds(actual / divisor, images / divisor, at))
        errors = np.abs(actual - images) / divisor
        largest = largest_known(errors, at, None if initial is None else initial.largest(n))
        learnt = images / divisor + within_errors(learnt - images / divisor, largest)
        bounds = (np.where(unit > 0, side * unit, np.where(np.isnan(side), np.nan, images)) for side in learnt)
        lower, upper = (yardstick.original(np.where(absent, np.nan, side)) for side in bounds)
        for position, level in enumerate(levels):
            out[f"lower_{level:g}"][mine], out[f"upper_{level:g}"][mine] = lower[position], upper[position]
    return out


def static_bounds(
    state: FittedState, rows: Rows, origins: _Origins, forecast: Floats, levels: list[float]
) -> dict[str, Floats]:
    """Split conformal bounds from the validation windows of one fit.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    origins : Origins
    forecast : ndarray of shape (n, steps, targets)
    levels : list of float

    Returns
    -------
    dict of str to ndarray of shape (n, steps, targets)
    """
    if state.calibration is None:
        raise ValueError(
            Refusal(
                "no validation windows",
                got="there are too few to hold any out, so that intervals have nothing to rest on",
                advice="Use more rows or a shorter lookback.",
                fix=argument("validation_fraction", 0.2),
            )
        )
    out = {name: np.full(forecast.shape, np.nan) for name in _names(levels)}
    scales = state.error_scales
    n = min(forecast.shape[1], state.calibration.residuals.shape[1])
    for number in np.unique(origins.series):
        mine = np.flatnonzero(origins.series == number)
        # A series that was not there in fit is measured by what is known of it at the first of these origins.
        known = rows.targets[rows.starts[number] : origins.row[mine].min() + 1]
        yardstick = Yardstick.of(state.calibration, scales, rows.keys[number], known, alone=rows.n_series == 1)
        middle = forecast[mine, :n]
        both = (side * yardstick.unit for side in state.calibration.offsets(levels, len(yardstick.unit)))
        for name, offsets in zip(("lower", "upper"), both, strict=True):
            bounds = yardstick.image(middle) + offsets[:, None, :n]
            for position, level in enumerate(levels):
                out[f"{name}_{level:g}"][mine, :n] = yardstick.original(bounds[position])
    return out


def quantile_bounds(state: FittedState, rows: Rows, origins: _Origins, levels: list[float]) -> dict[str, Floats]:
    """Bounds from the network's own quantiles.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    origins : Origins
    levels : list of float

    Returns
    -------
    dict of str to ndarray of shape (n, steps, targets)
    """
    from .forecasting import from_origins

    asked = sorted({tail for level in levels for tail in (round((1 - level) / 2, 10), round((1 + level) / 2, 10))})
    cube = from_origins(state, rows, origins.row, int(origins.steps.max()), levels=asked)
    out = {}
    for level in levels:
        out[f"lower_{level:g}"] = cube[..., asked.index(round((1 - level) / 2, 10))]
        out[f"upper_{level:g}"] = cube[..., asked.index(round((1 + level) / 2, 10))]
    return out


def scores_at(state: FittedState, truth: Rows, rows: Rows, origins: _Origins) -> dict[str, Floats]:
    """Scores of the distributions that a network forecasts.

    Parameters
    ----------
    state : FittedState
    truth, rows : Rows
        Two readings of the same frame: actual values, and what the model reads.
    origins : Origins

    Returns
    -------
    dict of str to ndarray of shape (n, steps, targets)
        `crps` and `log_score` within the horizon, NaN beyond it and without an actual value; empty where the
        model has no distribution.
    """
    from .forecasting import from_origins

    if state.family is None:
        return {}
    steps = min(int(origins.steps.max()), state.horizon)
    values = from_origins(state, rows, origins.row, steps, PARAMETERS)
    ahead = origins.row[:, None] + np.arange(1, steps + 1)
    actual = truth.targets[np.minimum(ahead, len(truth) - 1)].astype(np.float64)
    known = ~np.isnan(actual) & (np.arange(1, steps + 1) <= origins.steps[:, None])[..., None]
    known &= np.isfinite(values).all(axis=-1)
    distribution, out = Distribution._of(state.family, values[known]), {}
    for name, score in (("crps", distribution.crps), ("log_score", lambda y: -distribution.log_density(y))):
        out[name] = np.full(actual.shape, np.nan)
        out[name][known] = score(actual[known])
    return out


def path_scores_at(
    model: SeriesForecaster, state: FittedState, truth: Rows, rows: Rows, origins: _Origins, n_paths: int
) -> dict[str, Floats]:
    """Scores of sample paths: those of `sample` with all rows up to an origin as its history.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted.
    state : FittedState
        State of the model, or one that was trained further.
    truth, rows : Rows
        As in `scores_at`.
    origins : Origins
        The number of a fold is the seed of its paths.
    n_paths : int
        2 or more.

    Returns
    -------
    dict of str to ndarray of shape (n, steps, targets)
        `energy_score` of all known steps of a forecast together, the same at each of them, and `crps`; NaN beyond the
        horizon and without an actual value.
    """
    from .verbs.requests import after_origins  # whose package imports all verbs

    steps, drawing = min(int(origins.steps.max()), state.horizon), copy(model)
    drawing._state = state
    shape = len(origins.row), steps, truth.targets.shape[1]
    energy, crps = np.full(shape, np.nan), np.full(shape, np.nan)
    for fold in np.unique(origins.fold):
        mine = np.flatnonzero(origins.fold == fold)
        request = after_origins(state, rows, origins.row[mine], steps)
        for place, paths in zip(mine, drawing._sampled(request, n_paths, int(fold)), strict=True):
            first = origins.row[place] + 1
            actual = truth.targets[first : first + min(steps, origins.steps[place])].astype(np.float64)
            for column, values in enumerate(actual.T):
                known = np.flatnonzero(~np.isnan(values))
                if len(known):
                    drawn = paths[known, column]
                    energy[place, known, column] = energy_score(values[known], drawn)
                    crps[place, known, column] = crps_of_paths(values[known], drawn)
    return {"energy_score": energy, "crps": crps}


def _names(levels: list[float]) -> list[str]:
    return [f"{side}_{level:g}" for level in levels for side in ("lower", "upper")]
