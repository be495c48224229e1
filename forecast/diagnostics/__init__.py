"""Diagnostics of a model. `leakage`: does the future reach its forecasts? `gradients`: how far back in time do
gradients reach? `gates`: what do its gates and states do? `explaining`: what does each column and row contribute to a
forecast? `importance`: how much worse is the model without a column?
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
