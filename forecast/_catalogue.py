"""The public names, all imported when the first one is used, so that `forecast --help` need not wait for pandas."""

from ._blocks import ArrayBlocks, FrameBlocks, ParquetBlocks
from ._classifier import RNNClassifier
from ._config import show_config
from ._distributions import Distribution
from ._files import ModelFileError, load, read_card
from ._frames import SentinelWarning, TimeColumnWarning
from ._linear import LinearForecaster
from ._paths import path_interval
from ._pretrained import PretrainedForecaster
from ._rnn import RNNForecaster
from ._series import (
    BoundsWarning,
    LateSeriesWarning,
    OldRowsWarning,
    RecursiveForecastWarning,
    SeriesForecaster,
    ShortHistoryWarning,
    SkippedSeriesWarning,
)
from ._windows import Windows, WindowTargets, make_windows

__all__ = [
    "ArrayBlocks",
    "BoundsWarning",
    "Distribution",
    "FrameBlocks",
    "LateSeriesWarning",
    "LinearForecaster",
    "ModelFileError",
    "OldRowsWarning",
    "ParquetBlocks",
    "PretrainedForecaster",
    "RNNClassifier",
    "RNNForecaster",
    "RecursiveForecastWarning",
    "SentinelWarning",
    "SeriesForecaster",
    "ShortHistoryWarning",
    "SkippedSeriesWarning",
    "TimeColumnWarning",
    "WindowTargets",
    "Windows",
    "load",
    "make_windows",
    "path_interval",
    "read_card",
    "show_config",
]
