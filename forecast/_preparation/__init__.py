"""Rows of series to windows, windows to a regressor, and its predictions back to the units of the series.

`rows` holds series as arrays; `preparation` turns rows into windows (transforms, calendar, filling, masks,
norms); `regression` between windows and any regressor; `member` is all three together: settings, trained on rows, that
forecast at rows; `continuing` trains one on. `spread` makes quantiles of a forecast out of its errors, `weighting`
weights of windows out of those of rows.
"""

from .continuing import SHARE, anew, goes_on_from_weights, on_all_rows, trained_on, with_parameters
from .member import PARAMETERS, Member, Settings, Task, prepared, trained
from .outputs import as_given, kind_of
from .preparation import Preparation
from .regression import (
    accepts_windows,
    fit_regressor,
    goes_on,
    needs_windows,
    predict_windows,
    reads_series,
    unfrozen,
)
from .rows import Rows
from .spread import LEVELS, Spread, widths_of
from .weighting import RowWeights, learns

__all__ = [
    "LEVELS",
    "PARAMETERS",
    "SHARE",
    "Member",
    "Preparation",
    "RowWeights",
    "Rows",
    "Settings",
    "Spread",
    "Task",
    "accepts_windows",
    "anew",
    "as_given",
    "fit_regressor",
    "goes_on",
    "goes_on_from_weights",
    "kind_of",
    "learns",
    "needs_windows",
    "on_all_rows",
    "predict_windows",
    "prepared",
    "reads_series",
    "trained",
    "trained_on",
    "unfrozen",
    "widths_of",
    "with_parameters",
]
