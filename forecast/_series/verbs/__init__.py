"""What a fitted forecaster does: `answers` forecasts, `uncertainty` gives intervals and quantiles, `paths`
samples whole paths, `update` takes rows, `tune` trains on for some series, `monitor` watches the errors.

`requests` turns what is asked into rows, and answers in the layout of the data.
"""

from .answers import Answers
from .monitor import Monitors
from .paths import Paths
from .requests import Requests
from .tune import Tunes
from .uncertainty import Uncertainty
from .update import Updates

__all__ = ["Answers", "Monitors", "Paths", "Requests", "Tunes", "Uncertainty", "Updates"]
