"""Recurrent networks for time series, as pleasant as scikit-learn and as fast as the machine allows."""

try:
    from . import _core  # noqa: F401  (imported to be there, or to say what to do)
except ImportError as error:
    if "FORECAST_ISA" in str(error) or "processor" in str(error):
        raise
    raise ImportError(
        f"forecast's compiled core cannot be imported ({error}). In a source tree, install the package "
        "(`pip install .`) and start Python outside of the tree, or build in place: "
        "`pip install -e . --no-build-isolation`."
    ) from error

from ._config import show_config
from ._files import ModelFileError, load, read_card
from ._rnn import RNNForecaster
from ._series import SeriesForecaster
from ._windows import Windows, WindowTargets, make_windows

__version__ = "0.1.0"

__all__ = [
    "ModelFileError",
    "RNNForecaster",
    "SeriesForecaster",
    "WindowTargets",
    "Windows",
    "load",
    "make_windows",
    "read_card",
    "show_config",
]
