"""F10: 840 fits that are bound to explode leave finite weights and finite forecasts, or say that they cannot."""

import warnings

import numpy as np
import pytest

from forecast import RNNForecaster

pytestmark = pytest.mark.reliability

RATES = [1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3]
SCALES = {"scaled": (1.0, 0.0), "unscaled": (1e4, 1e5)}


def explosive(cell, rate, seed, scale):
    factor, level = SCALES[scale]
    X = level + factor * np.random.default_rng(seed).normal(size=(40, 6)).cumsum(axis=1)
    model = RNNForecaster(
        cell=cell, hidden_size=4, max_iter=4, batch_size=8, learning_rate=rate, random_state=seed, n_jobs=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it diverged, or had too few epochs: the subject of other tests
        return model.fit(X, X[:, -1]), X


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_weights_and_forecasts_stay_finite(cell, rate, scale):
    for seed in range(20):
        model, X = explosive(cell, rate, seed, scale)
        assert all(np.isfinite(weights).all() for weights in model.weights_.values()), seed
        assert np.isfinite(model.predict(X)).all(), seed
