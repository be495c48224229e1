"""Evaluation in time order: splitters that follow time, and the backtest, which compares with naive forecasts."""

from .backtest import backtest
from .report import BacktestReport, BacktestWarning, SkillWarning
from .splitters import PurgedTimeSeriesSplit, RollingOrigin

__all__ = ["BacktestReport", "BacktestWarning", "PurgedTimeSeriesSplit", "RollingOrigin", "SkillWarning", "backtest"]
