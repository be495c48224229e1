"""RNNClassifier: labels for sequences, with the networks and the training of RNNForecaster."""

from .estimator import RNNClassifier

__all__ = ["RNNClassifier"]
