"""Pictures of forecasts: Display objects in scikit-learn's manner, drawn with matplotlib (extra `plot`)."""

from .attention import AttentionDisplay
from .backtests import BacktestDisplay
from .calibration import CoverageDisplay
from .forecasts import ForecastDisplay
from .gates import GateActivityDisplay
from .gradients import GradientFlowDisplay
from .losses import LossCurveDisplay
from .residuals import ResidualDisplay
from .several import ForecastGridDisplay
from .skill import SkillDisplay

__all__ = [
    "AttentionDisplay",
    "BacktestDisplay",
    "CoverageDisplay",
    "ForecastDisplay",
    "ForecastGridDisplay",
    "GateActivityDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "ResidualDisplay",
    "SkillDisplay",
]
