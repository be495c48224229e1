"""Conformal intervals around point forecasts: fixed offsets from a calibration set, and levels that adapt in time.

Shapes: n origins, K steps, M targets, L coverages, W residuals of a window. A residual is actual less forecast; it is
known at an origin once the row that it judges is not after that origin.
"""

from .adaptive import AdaptiveState, largest_known, nested, resumes, within_errors
from .fixed import needed_by, residuals_needed, static_offsets

__all__ = [
    "AdaptiveState", "largest_known", "needed_by", "nested", "residuals_needed", "resumes", "static_offsets",
    "within_errors",
]  # fmt: skip
