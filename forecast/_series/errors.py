"""Errors of forecasts on rows that came after the fit."""

from dataclasses import dataclass

import numpy as np

from .forecasting import from_origins

__all__ = ["Errors", "errors_since"]


@dataclass(frozen=True)
class Errors:
    """What forecasts missed by.

    Attributes
    ----------
    labels : pandas.Index
        Of the newest known row of each forecast.
    series : list
        Name of the series of each.
    residuals : ndarray of shape (n, horizon, targets)
        Actual minus forecast, in the units of the series; NaN where the actual value is missing or not yet known.
    units : ndarray of shape (n, targets)
        What residuals of their series are measured in.
    """

    labels: object
    series: list
    residuals: np.ndarray
    units: np.ndarray

    @property
    def relative(self):
        """Residuals in the units of their series."""
        return self.residuals / self.units[:, None, :]


def errors_since(state, rows, after, most):
    """Errors of forecasts from rows that were not trained on.

    Parameters
    ----------
    state : FittedState
    rows : Rows
        What is known, to the newest row.
    after : dict of key to label
        The newest row of each series that was trained on; a series that is not there has none.
    most : int
        Origins of a series: the newest ones.

    Returns
    -------
    Errors or None
        None: there is no forecast of which an actual value is known.
    """
    origins = np.concatenate(
        [_origins_of(state, rows, number, after.get(key), most) for number, key in enumerate(rows.keys)]
    )
    if not len(origins):
        return None
    which = np.searchsorted(rows.starts, origins, side="right") - 1
    forecasts = from_origins(state, rows, origins, state.horizon)
    ahead = origins[:, None] + np.arange(1, state.horizon + 1)
    last = rows.ends[which][:, None]
    actual = rows.true_targets[np.minimum(ahead, last)].astype(np.float64)
    actual[ahead > last] = np.nan
    seen = ~np.isnan(actual).all(axis=(1, 2))
    if not seen.any():
        return None
    origins, which = origins[seen], which[seen]
    units = np.array([_unit(state, rows, number) for number in range(rows.n_series)])
    return Errors(
        rows.index[origins], [rows.keys[number] for number in which], (actual - forecasts)[seen], units[which]
    )


def _origins_of(state, rows, number, trained, most):
    begin, end = int(rows.starts[number]), int(rows.starts[number + 1])
    first = begin + state.looks_back - 1
    if trained is not None:
        first = max(first, begin + int(rows.index[begin:end].searchsorted(trained, side="left")))
    reach = state.horizon if state.roles.future else 1  # known values ahead are known of the rows alone
    origins = np.arange(max(first, end - reach - most), end - reach)
    if rows.made_up is not None:
        origins = origins[~rows.made_up[origins]]
    if state.preparation.masked:
        known = np.logical_or.accumulate(~np.isnan(rows.targets[begin:end]), axis=0).all(axis=1)
        origins = origins[known[origins - begin]]
    return origins


def _unit(state, rows, number):
    known = rows.targets[rows.starts[number] : rows.starts[number + 1]]
    if state.calibration is None:
        return np.ones(known.shape[1])
    return state.calibration.unit(rows.keys[number], known, alone=len(state.calibration.scales) == 1)
