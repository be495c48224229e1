"""Walks over distributions: what they say, networks and forecasters that forecast them, and their scores."""

from copy import deepcopy
from functools import cache

import numpy as np
from walks import Also, Walk
from walks_of_models import OTHER, RIDGE, XY, days, network, shops
from walks_of_updates import PART

from forecast import Distribution, SeriesForecaster, metrics

__all__ = ["DISTRIBUTIONS"]

ONE, TWO = np.array([1.0, 2.0, 4.0]), np.array([0.5, 3.0, 3.0])
NORMAL = Distribution("normal", mean=ONE, std=1.0)
NETWORK = network(loss="normal", decoder="recurrent").fit(**XY)
CARRYING = network(loss="normal", stateful=True).fit(XY["X"], OTHER["X"])


@cache
def fitted(**changes):
    data = shops() if "series" in changes else days()
    return SeriesForecaster(network(loss="normal"), **RIDGE | changes).fit(data)


def ask(of=(), **arguments):
    """`predict_distribution` of a forecaster; `of` are its parameters."""
    return fitted(**dict(of)).predict_distribution(**arguments)


def asked(stateful=False, **given):
    return (deepcopy(CARRYING) if stateful else NETWORK).predict_distribution(**given).parameters


def made(name, **parameters):
    return Distribution(name, **parameters).quantiles(0.9)


SCORED = dict(estimator=NETWORK, X=XY["X"], y=XY["y"])
RESCORED = {"estimator": network(loss="normal", hidden_size=4).fit(**XY), "X": OTHER["X"], "y": XY["y"] + 1.0}

LATER = days(63)[60:]

DISTRIBUTIONS = {
    "Distribution": Walk(
        made,
        dict(name="gamma", mean=ONE, shape=2.0),
        {"name": Also("negative_binomial", says="has the parameters"), "parameters": Also(None, mean=TWO)},
    ),
    "Distribution.cdf": Walk(NORMAL.cdf, {"y": ONE}, {"y": TWO}),
    "Distribution.crps": Walk(NORMAL.crps, {"y": ONE}, {"y": TWO}),
    "Distribution.log_density": Walk(NORMAL.log_density, {"y": ONE}, {"y": TWO}),
    "Distribution.quantiles": Walk(NORMAL.quantiles, {"levels": 0.3}, {"levels": 0.4}),
    "RNNForecaster.predict_distribution": Walk(
        asked, {"X": XY["X"]}, {"X": OTHER["X"], "horizon": 3, "starts": Also([5], stateful=True)}
    ),
    "SeriesForecaster.predict_distribution": Walk(ask, {}, {"X": days(62)[60:], "history": days()[:40], "n": 2} | PART),
    "metrics.log_score": Walk(
        metrics.log_score,
        {"actual": ONE, "distribution": NORMAL},
        {"actual": TWO, "distribution": Distribution("normal", mean=ONE, std=2.0)},
    ),
    "metrics.neg_crps": Walk(metrics.neg_crps, SCORED, RESCORED),
    "metrics.neg_log_score": Walk(metrics.neg_log_score, SCORED, RESCORED),
    "metrics.neg_energy_score": Walk(
        metrics.neg_energy_score,
        dict(estimator=fitted(validation_fraction=0.4), X=LATER, y=LATER["a"]),
        {
            "estimator": fitted(validation_fraction=0.4, lookback=4),
            "X": LATER[:2],
            "y": LATER["a"] + 1.0,
            "n_paths": 50,
            "random_state": 1,
        },
    ),
}
