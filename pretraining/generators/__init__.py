"""Kinds of generated series. Each takes a generator of random numbers, n and a length, and returns (n, length) floats.

No public data set is read anywhere in this folder, so that every benchmark stays clean.
"""

from .counts import counts, intermittent
from .gaussian import locally_periodic, smooth
from .linear import autoregressive, integrated, walk
from .seasonal import calendar, multiplicative, seasonal
from .shapes import censored, saturating, stepwise
from .shocks import shifted, spiked, volatile

__all__ = ["GENERATORS"]

# All have the same weight.
GENERATORS = {
    "smooth": smooth,
    "locally periodic": locally_periodic,
    "seasonal": seasonal,
    "multiplicative": multiplicative,
    "calendar": calendar,
    "autoregressive": autoregressive,
    "integrated": integrated,
    "walk": walk,
    "shifted": shifted,
    "spiked": spiked,
    "volatile": volatile,
    "counts": counts,
    "intermittent": intermittent,
    "saturating": saturating,
    "stepwise": stepwise,
    "censored": censored,
}
