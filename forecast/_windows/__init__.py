"""Windows of series: a lazy table that scikit-learn can index and the core can gather from.

Shapes: n windows, T lookback, C channels (targets first, then covariates), K horizon times targets, horizon-major, F
known future values of a row, S static values of a series. A window is its origin, the position of its newest past row;
the values are stored once, in the buffer of the series.
"""

from .build import make_windows, windows_of
from .norm import Norm, noise_floor, without_motion
from .source import no_past
from .table import Windows
from .targets import WindowTargets, at_every_step

__all__ = [
    "Norm", "WindowTargets", "Windows", "at_every_step", "make_windows", "no_past", "noise_floor", "windows_of",
    "without_motion",
]  # fmt: skip
