"""Time-series forecasts with recurrent neural networks and linear models, as scikit-learn estimators."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if find_spec("._core", __name__) is None:
    from ._source_tree import installed_instead

    __path__ = [installed_instead(__path__[0]) or __path__[0]]

try:
    from . import _core  # noqa: F401  (imported to be there, or to say what to do)
except ImportError:
    if find_spec("._core", __name__) is not None:
        raise  # it says itself what is wrong
    raise ImportError("forecast is not installed: these are its sources, not compiled. Fix: pip install .") from None

if TYPE_CHECKING:
    from ._catalogue import (
        ArrayBlocks,
        BoundsWarning,
        Distribution,
        FrameBlocks,
        LateSeriesWarning,
        LinearForecaster,
        ModelFileError,
        OldRowsWarning,
        ParquetBlocks,
        PretrainedForecaster,
        RecursiveForecastWarning,
        RNNClassifier,
        RNNForecaster,
        SentinelWarning,
        SeriesForecaster,
        ShortHistoryWarning,
        SkippedSeriesWarning,
        TimeColumnWarning,
        Windows,
        WindowTargets,
        load,
        make_windows,
        path_interval,
        read_card,
        show_config,
    )

__version__ = "0.2.0.dev0"

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


# What is there without the whole package: a network needs no forecaster of frames, and that one no network until it is
# fitted.
_HOMES = {
    "PretrainedForecaster": "._pretrained",
    "RNNClassifier": "._classifier",
    "RNNForecaster": "._rnn",
    "SeriesForecaster": "._series",
    "show_config": "._config",
}


def __getattr__(name: str) -> Any:
    """The public names and modules, imported on first use; `_catalogue.py` has the list."""
    if name in _HOMES:
        globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
        return globals()[name]
    if name in __all__:
        catalogue = import_module("._catalogue", __name__)
        globals().update({public: getattr(catalogue, public) for public in __all__})
        return globals()[name]
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
