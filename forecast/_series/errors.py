"""Errors of forecasts on rows that came after the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._records import record
from .._types import Floats
from .calibration import over
from .due import origins_since
from .error_scale import Yardstick
from .forecasting import from_origins

if TYPE_CHECKING:
    import pandas as pd

    from .._preparation import Rows
    from .state import FittedState

__all__ = ["Errors", "errors_since"]


@record(frozen=True)
class Errors:
    """Errors of forecasts.

    Attributes
    ----------
    labels : pandas.Index
        Labels of the newest known row of each forecast.
    series : list
        Name of the series of each.
    relative : ndarray of shape (n, horizon, targets)
        Actual minus forecast, as intervals have it: on the scale of errors, in the unit of the series; NaN where the
        actual value is missing or not yet known.
    """

    labels: pd.Index
    series: list[Any]
    relative: Floats


def errors_since(state: FittedState, rows: Rows, after: dict[Any, Any], most: int) -> Errors | None:
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
    reach = state.horizon if state.roles.future else 1  # known values ahead are known of the rows alone
    origins, which = origins_since(state, rows, after, most, reach)
    if not len(origins):
        return None
    forecasts = from_origins(state, rows, origins, state.horizon)
    ahead = origins[:, None] + np.arange(1, state.horizon + 1)
    last = rows.ends[which][:, None]
    actual = rows.true_targets[np.minimum(ahead, last)].astype(np.float64)
    actual[ahead > last] = np.nan
    seen = ~np.isnan(actual).all(axis=(1, 2))
    if not seen.any():
        return None
    origins, which, actual, forecasts = origins[seen], which[seen], actual[seen], forecasts[seen]
    relative = np.empty_like(actual)
    for number in np.unique(which):
        mine, yardstick = which == number, _yardstick(state, rows, number)
        relative[mine] = over(yardstick.image(actual[mine]) - yardstick.image(forecasts[mine]), yardstick.unit)
    return Errors(rows.index[origins], [rows.keys[number] for number in which], relative)


def _yardstick(state: FittedState, rows: Rows, number: int) -> Yardstick:
    key, known = rows.keys[number], rows.targets[rows.starts[number] : rows.starts[number + 1]]
    alone = state.calibration is not None and len(state.calibration.scales) == 1
    return Yardstick.of(state.calibration, state.error_scales, key, known, alone)
