"""`SeriesForecaster`: frame in, frame out, around any regressor on windows.

`forecaster` has the parameters and `fit`; `verbs` what a fitted one does; `remembered` its attributes; `fitting`
trains, by way of `forecast._preparation`; `report` is the first verdict; `inside` the windows of a frame.
"""

from .bounds import BoundsWarning
from .continuing import OldRowsWarning
from .feeding import RecursiveForecastWarning
from .forecaster import SeriesForecaster
from .inside import rows_of_frame, rows_to_forecast, windows_of_frame
from .report import ModelReport
from .skipping import LateSeriesWarning, ShortHistoryWarning, SkippedSeriesWarning

__all__ = [
    "BoundsWarning", "LateSeriesWarning", "ModelReport", "OldRowsWarning", "RecursiveForecastWarning",
    "SeriesForecaster", "ShortHistoryWarning", "SkippedSeriesWarning", "rows_of_frame", "rows_to_forecast",
    "windows_of_frame",
]  # fmt: skip
