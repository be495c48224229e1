"""Walks over training, forecasts and backtests in shards, without a cluster."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from walks import Also, Walk

from forecast import RNNForecaster, SeriesForecaster, distributed
from forecast.model_selection import RollingOrigin

TIME = np.arange(60)
PANEL = pd.concat(
    [pd.DataFrame({"shop": n, "day": TIME, "y": np.sin(TIME * (n + 2) / 5) + n}) for n in range(5)], ignore_index=True
)
OTHER = PANEL.assign(y=PANEL["y"] * 2)
PLACE = dict(target="y", series="shop", time="day", lookback=8, horizon=3)
NETWORK = SeriesForecaster(RNNForecaster(hidden_size=2, max_iter=2, random_state=0), **PLACE)
BIGGER = SeriesForecaster(RNNForecaster(hidden_size=3, max_iter=2, random_state=0), **PLACE)
LINEAR = SeriesForecaster(Ridge(), **PLACE)
COMMON = {"client": Also("here", says="expected a distributed.Client"), "timeout": 0}
SHARDS = {"n_shards": 4, "rounds_per_epoch": 2}


def trained(checkpoint=None, **arguments):
    """Forecasts, and whether a checkpoint was written."""
    with tempfile.TemporaryDirectory() as folder:
        path = None if checkpoint is None else Path(folder) / checkpoint
        fitted = distributed.fit(checkpoint=path, **arguments)
        return fitted.predict(), path is not None and path.is_file()


def judged(**arguments):
    return distributed.backtest(**arguments).frame


def models(**arguments):
    return distributed.predict_each(distributed.fit_each(**arguments))


CLUSTERS = {
    "distributed.fit": Walk(
        trained,
        dict(model=NETWORK, ddf=PANEL, n_shards=2),
        {
            "model": BIGGER, "ddf": OTHER, "checkpoint": "fit.checkpoint",
            "resume": Also(__file__, says="not a forecast model file"), **SHARDS, **COMMON,
        },
    ),
    "distributed.predict": Walk(
        distributed.predict,
        dict(model=LINEAR.fit(PANEL), ddf=PANEL),
        {"model": Also(NETWORK, says="not fitted"), "ddf": OTHER, **COMMON},
    ),
    "distributed.backtest": Walk(
        judged,
        dict(model=NETWORK, ddf=PANEL, cv=RollingOrigin(n_splits=2, horizon=3), n_shards=2),
        {
            "model": BIGGER, "ddf": OTHER, "cv": RollingOrigin(n_splits=3, horizon=3), "refit": False, **SHARDS,
            **COMMON,
        },
    ),
    "distributed.fit_each": Walk(
        models,
        dict(model=LINEAR, ddf=PANEL),
        {"model": SeriesForecaster(Ridge(alpha=99.0), **PLACE), "ddf": OTHER, "recipe_from": 0, **COMMON},
    ),
    "distributed.predict_each": Walk(
        distributed.predict_each,
        dict(models=distributed.fit_each(LINEAR, PANEL)),
        {"models": distributed.fit_each(LINEAR, OTHER)},
    ),
}  # fmt: skip
