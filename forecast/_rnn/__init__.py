"""RNNForecaster: what its arguments mean, what training starts from, quantiles out of its outputs, a look inside.

What else trains a network on windows takes `Learns`, and what belongs to it, from here.
"""

from .card import card_parts, check_state
from .derivative import NetworkDerivative
from .estimator import RNNForecaster
from .fitting import Learns
from .inside import activity_of, flow_of
from .parameters import CONSTRAINTS
from .parts import OnParts, add_moments, refuse_parts
from .start import LEAST_HELD_OUT

__all__ = [
    "CONSTRAINTS",
    "LEAST_HELD_OUT",
    "Learns",
    "NetworkDerivative",
    "OnParts",
    "RNNForecaster",
    "activity_of",
    "add_moments",
    "card_parts",
    "check_state",
    "flow_of",
    "refuse_parts",
]
