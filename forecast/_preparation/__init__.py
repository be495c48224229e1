"""Rows of series to windows, windows to a regressor, and its predictions back to the units of the series.

`rows` holds series as arrays; `preparation` stands between rows and windows (transforms, calendar, filling, masks,
norms); `regression` between windows and any regressor; `member` is all three together: settings, trained on rows, that
forecast at rows; `continuing` trains one on.
"""

from .continuing import goes_on_from_weights, trained_on
from .member import Member, Settings, Task, prepared, trained
from .preparation import Preparation
from .regression import accepts_windows, fit_regressor, predict_windows
from .rows import Rows

__all__ = [
    "Member",
    "Preparation",
    "Rows",
    "Settings",
    "Task",
    "accepts_windows",
    "fit_regressor",
    "goes_on_from_weights",
    "predict_windows",
    "prepared",
    "trained",
    "trained_on",
]
