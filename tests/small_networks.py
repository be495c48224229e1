"""Networks and tables that are trained in milliseconds."""

import numpy as np

from forecast import RNNForecaster

__all__ = ["small", "table"]


def small(**changes):
    """A network of four units, six epochs at most."""
    return RNNForecaster(**dict(hidden_size=4, max_iter=6, random_state=0) | changes)


def table(n=120, lookback=6, seed=0):
    """Windows of noise whose newest value is to be forecast."""
    X = np.random.default_rng(seed).normal(size=(n, lookback))
    return X, X[:, -1]
