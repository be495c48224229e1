"""Linear regression on windows in closed form.

`inputs` says which values of a window are inputs; `level` what a window norm does to a window as a linear map;
`moments` adds up products over windows, which `contiguous` does by a recursion where no window is left out; `ridge`
solves; `forecaster` is the estimator; `coefficients` writes a fitted one as a matrix on the whole window.
"""

from .coefficients import window_coefficients
from .forecaster import LinearForecaster
from .inputs import MOST, Inputs
from .level import Level
from .moments import WHOLE, Moments, complete, moments_of
from .ridge import normal_equations, penalties_of, ridges, solved

__all__ = [
    "MOST",
    "WHOLE",
    "Inputs",
    "Level",
    "LinearForecaster",
    "Moments",
    "complete",
    "moments_of",
    "normal_equations",
    "penalties_of",
    "ridges",
    "solved",
    "window_coefficients",
]
