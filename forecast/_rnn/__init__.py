"""RNNForecaster: what its arguments mean, what training starts from, quantiles out of its outputs, a look inside."""

from .derivative import NetworkDerivative
from .estimator import RNNForecaster
from .inside import activity_of, flow_of

__all__ = ["NetworkDerivative", "RNNForecaster", "activity_of", "flow_of"]
