"""Evaluation in time order: splitters that follow time, and the backtest beside naive forecasts."""

from .backtest import backtest
from .report import BacktestReport, SkillWarning
from .splitters import PurgedTimeSeriesSplit, RollingOrigin

__all__ = ["BacktestReport", "PurgedTimeSeriesSplit", "RollingOrigin", "SkillWarning", "backtest"]
