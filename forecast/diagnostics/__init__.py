"""Looks at a model: `leakage`: does the future reach its forecasts? `gradients`: how far back do gradients reach in
time? `gates`: what do its gates and states do?
"""

from .attribution import Attribution
from .explaining import explain
from .gates import GateActivity, gate_activity
from .gradients import GradientFlow, gradient_flow
from .leakage import LeakageError, LeakageReport, check_no_leakage

__all__ = [
    "Attribution",
    "GateActivity",
    "GradientFlow",
    "LeakageError",
    "LeakageReport",
    "check_no_leakage",
    "explain",
    "gate_activity",
    "gradient_flow",
]
