"""What a backtest needs of fitted forecasters besides forecasts: rows of a whole frame, intervals at many origins."""

from copy import deepcopy

import numpy as np

from .._conformal import AdaptiveState, static_offsets
from .error_scale import Yardstick
from .report import is_copy

__all__ = ["intervals_at", "is_copy", "quantile_bounds", "read_rows", "static_bounds"]


def read_rows(model, frame):
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


def intervals_at(truth, origins, forecast, levels, initial, scales):
    """Adaptive conformal bounds, at each origin from what was known at it.

    Parameters
    ----------
    truth : Rows
    origins : Origins
    forecast : ndarray of shape (n, steps, targets)
    levels : list of float
    initial : Calibration or None
        Of the first fit.
    scales : ErrorScales
        Of the first fit.

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
        actual = truth.targets[np.minimum(rows, len(truth) - 1)].astype(np.float64)
        actual[~inside] = np.nan
        absent = np.isnan(forecast[mine])  # a test part shorter than the others: nothing to learn from
        actual[absent] = np.nan
        given = forecast[mine]
        first = origins.row[mine[0]]
        known = truth.targets[truth.starts[number] : first + 1]
        yardstick = Yardstick.of(initial, scales, truth.keys[number], known, alone=truth.n_series == 1)
        unit, divisor, actual = yardstick.unit, yardstick.divisor, yardstick.image(actual)
        images = np.where(absent, 0.0, yardstick.image(given))
        bounds = deepcopy(started).bounds(actual / divisor, images / divisor, origins.row[mine] - first)
        bounds = (np.where(unit > 0, side * unit, np.where(np.isnan(side), np.nan, images)) for side in bounds)
        lower, upper = (yardstick.original(np.where(absent, np.nan, side)) for side in bounds)
        for position, level in enumerate(levels):
            out[f"lower_{level:g}"][mine], out[f"upper_{level:g}"][mine] = lower[position], upper[position]
    return out


def static_bounds(state, rows, origins, forecast, levels):
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
            "no validation windows: there are too few to hold any out, so that intervals have nothing to rest on. Use "
            "more rows or a shorter lookback. Fix: validation_fraction=0.2."
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
        both = static_offsets(state.calibration.of_series(yardstick), levels)
        for name, offsets in zip(("lower", "upper"), both, strict=True):
            bounds = yardstick.image(middle) + offsets[:, None, :n]
            for position, level in enumerate(levels):
                out[f"{name}_{level:g}"][mine, :n] = yardstick.original(bounds[position])
    return out


def quantile_bounds(state, rows, origins, levels):
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


def _names(levels):
    return [f"{side}_{level:g}" for level in levels for side in ("lower", "upper")]
