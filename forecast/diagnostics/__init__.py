"""Looks at a model: `leakage`: does the future reach its forecasts? `gradients`: how far back do gradients reach in
time? `gates`: what do its gates and states do? `explaining`: what has each column and row added to a forecast?
`importance`: how much worse is it without a column?
"""

from .attribution import Attribution
from .explaining import explain
from .gates import GateActivity, gate_activity
from .gradients import GradientFlow, gradient_flow
from .importance import ChannelImportance, channel_importance
from .leakage import LeakageError, LeakageReport, check_no_leakage

__all__ = [
    "Attribution",
    "ChannelImportance",
    "GateActivity",
    "GradientFlow",
    "LeakageError",
    "LeakageReport",
    "channel_importance",
    "check_no_leakage",
    "explain",
    "gate_activity",
    "gradient_flow",
]
