"""Panels that outgrow one machine: training, forecasts and backtests on the workers of a Dask cluster.

`fitting` is the call and its refusals; `sharding` makes shards of partitions, which `panel` reads and checks; `shards`
holds what a shard is, `steps` the tasks of a round, `rounds` the loop over them, `state` the weights that travel,
`checkpoint` what a fit goes on from, `gathered` the fitted forecaster. `engine` is where tasks run.
"""

from .answers import predict
from .backtesting import backtest
from .each import fit_each, predict_each
from .fitting import fit

__all__ = ["backtest", "fit", "fit_each", "predict", "predict_each"]
