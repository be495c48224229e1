"""What a fitted forecaster does: `answers` forecasts, `uncertainty` gives intervals and quantiles.

`requests` turns what is asked into rows, and answers in the layout of the data.
"""

from .answers import Answers
from .requests import Requests
from .uncertainty import Uncertainty

__all__ = ["Answers", "Requests", "Uncertainty"]
