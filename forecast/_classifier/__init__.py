"""RNNClassifier: sequences to labels, by the networks and the training of RNNForecaster."""

from .estimator import RNNClassifier

__all__ = ["RNNClassifier"]
