"""RNNForecaster: what its arguments mean, what training starts from, quantiles out of its outputs."""

from .estimator import RNNForecaster

__all__ = ["RNNForecaster"]
