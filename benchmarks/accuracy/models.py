"""What can be run on a task, by name: classes with `fit(problem)`, `forecast(which, row)` and, where they have them,
`quantiles(which, row, forecast)`, `intervals(which, row, forecast)` and `notes()`."""

from functools import partial

from .naive import HAR, RollingMean, SeasonalNaive
from .others import AutoETS, NeuralForecast
from .recipe import Recipe
from .ridge import TunedRidge
from .trees import Trees

MODELS = {
    "recipe": Recipe,
    "pretrained": partial(Recipe, settings={"regressor": "pretrained"}),
    "ridge": TunedRidge,
    "lightgbm": Trees,
    "seasonal naive": SeasonalNaive,
    "last value": partial(SeasonalNaive, last=True),
    "har": HAR,
    "log-har": partial(HAR, logarithm=True),
    "rolling mean": RollingMean,
    "neuralforecast LSTM": partial(NeuralForecast, "LSTM"),
    "neuralforecast NHITS": partial(NeuralForecast, "NHITS"),
    "neuralforecast PatchTST": partial(NeuralForecast, "PatchTST"),
    "autoets": AutoETS,
}
SEEDED = {"recipe"}  # run once for every seed; of the others one seed has to do
ONLY = {"har": "finance", "log-har": "finance", "rolling mean": "finance"}  # the group that a model is for


def make(name, seed=0, threads=1):
    """A new model.

    Parameters
    ----------
    name : str
    seed : int, default=0
    threads : int, default=1

    Returns
    -------
    object
    """
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; expected one of {list(MODELS)}.")
    return MODELS[name](seed=seed, threads=threads)
