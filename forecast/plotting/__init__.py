"""Plots of forecasts: display objects in the style of scikit-learn, drawn with matplotlib (extra `plot`)."""

from .attention import AttentionDisplay
from .attributions import AttributionDisplay
from .backtests import BacktestDisplay
from .calibration import CoverageDisplay
from .forecasts import ForecastDisplay
from .gates import GateActivityDisplay
from .gradients import GradientFlowDisplay
from .importances import ImportanceDisplay
from .losses import LossCurveDisplay
from .residuals import ResidualDisplay
from .several import ForecastGridDisplay
from .skill import SkillDisplay

__all__ = [
    "AttentionDisplay",
    "AttributionDisplay",
    "BacktestDisplay",
    "CoverageDisplay",
    "ForecastDisplay",
    "ForecastGridDisplay",
    "GateActivityDisplay",
    "GradientFlowDisplay",
    "ImportanceDisplay",
    "LossCurveDisplay",
    "ResidualDisplay",
    "SkillDisplay",
]
