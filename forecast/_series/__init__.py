"""`SeriesForecaster`: frame in, frame out, around any regressor on windows.

`forecaster` has the parameters and the public calls; `requests` turns what is asked into rows and answers in kind;
`fitting` trains, by way of `forecast._preparation`; `uncertainty` gives intervals and quantiles; `report` the first
verdict; `inside` the windows of a frame.
"""

from .forecaster import SeriesForecaster
from .inside import windows_of_frame
from .report import ModelReport

__all__ = ["ModelReport", "SeriesForecaster", "windows_of_frame"]
