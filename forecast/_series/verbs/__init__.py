"""The methods of a fitted forecaster: `answers` forecasts, `uncertainty` returns intervals and quantiles, `paths`
samples whole paths, `streamed` forecasts block by block, `update` appends rows, `tune` continues training for some
series, `monitor` watches the errors.

`requests` translates their arguments into rows, and results into the layout of the data.
"""

from .answers import Answers
from .judged import Judged
from .monitor import Monitors
from .paths import Paths
from .requests import Requests
from .streamed import Streams
from .tune import Tunes
from .uncertainty import Uncertainty
from .update import Updates

__all__ = ["Answers", "Judged", "Monitors", "Paths", "Requests", "Streams", "Tunes", "Uncertainty", "Updates"]
