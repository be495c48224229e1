"""The registry of tasks: how each is loaded, which half it is in, what a baseline must show first, and the bars.

The two halves. Defaults are chosen on "choosing" and on nothing else; "held back" is only reported. They are split by
the origin of the data, so that no series is in both: the transformer (ETTh1, ETTm1, ett1 of GIFT-Eval), Beijing,
Melbourne, M4 Hourly and ILI choose; Jena (weather and its tasks of GIFT-Eval and fev-bench), exchange rates, Valencia,
S&P 500, M4 Weekly, CO2 and the notebooks are held back. Both halves have hourly, finer and weekly series, daily ones,
covariates, and a panel. Weather at 96 steps and CO2 had been looked at before the split was made.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from . import competitions, long_horizon, stations

CHOOSING, HELD_BACK = "choosing", "held back"


@dataclass(frozen=True)
class Task:
    """One line of the table.

    Attributes
    ----------
    name, group : str
    half : str
        CHOOSING or HELD_BACK.
    load : callable
        Returns the Problem; needs the data.
    metrics : tuple of str
        What is reported; lower is better.
    baseline : str
        The model whose value is published or that stands for "no effort": "last value" or "seasonal naive".
    published : dict of str to float
        Metrics of the baseline as published, or as computed from the files in two independent ways.
    tolerance : float
        Largest difference from them.
    must, aim : dict of str to float, (str, float) or list of these
        Bars per metric: a number, or a model and a factor on its value in the same run; of a list the lowest counts.
    rivals : tuple of str
        Models beyond the usual ones.
    """

    name: str
    group: str
    half: str
    load: Callable
    metrics: tuple
    baseline: str = "seasonal naive"
    published: dict = field(default_factory=dict)
    tolerance: float = 0.00051
    must: dict = field(default_factory=dict)
    aim: dict = field(default_factory=dict)
    rivals: tuple = ()


TASKS = {}


def register(name, group, half, load, metrics, **options):
    if name in TASKS:
        raise ValueError(f"task {name!r} is registered twice.")
    TASKS[name] = Task(name, group, half, load, tuple(metrics), **options)


REPEAT = {  # MSE, MAE of the last value over all windows
    "ETTh1": ((1.294, 0.713), (1.325, 0.733), (1.330, 0.746), (1.335, 0.755)),
    "ETTm1": ((1.214, 0.665), (1.261, 0.690), (1.287, 0.707), (1.322, 0.729)),
    "weather": ((0.259, 0.254), (0.309, 0.292), (0.376, 0.338), (0.465, 0.394)),
    "exchange": ((0.081, 0.196), (0.167, 0.289), (0.306, 0.398), (0.810, 0.676)),
    "ILI": ((6.213, 1.622), (7.714, 1.906), (7.851, 1.952), (6.885, 1.788)),
}
LONG_BARS = {  # MSE: must, aim
    "ETTh1": ((0.355, 0.395, 0.428, 0.445), (0.345, 0.382, 0.408, 0.425)),
    "ETTm1": ((0.286, 0.324, 0.355, 0.405), (0.276, 0.312, 0.342, 0.390)),
    "weather": ((0.150, 0.194, 0.246, 0.318), (0.141, 0.184, 0.234, 0.304)),
    "exchange": ((("last value", 1.02),) * 4, (("last value", 1.0),) * 4),
    "ILI": ((2.018, 1.938, 1.917, 1.954), (1.60,) * 4),  # 1.03 x the ridge of lookback 104 in the protocol's notes
}
for _set, _repeat in REPEAT.items():
    for _i, _steps in enumerate((24, 36, 48, 60) if _set == "ILI" else (96, 192, 336, 720)):
        register(
            f"{_set} {_steps}", "long horizon", CHOOSING if _set in {"ETTh1", "ETTm1", "ILI"} else HELD_BACK,
            partial(long_horizon.load, _set, _steps), ("MSE", "MAE"), baseline="last value",
            published=dict(zip(("MSE", "MAE"), _repeat[_i], strict=True)),
            must={"MSE": LONG_BARS[_set][0][_i]}, aim={"MSE": LONG_BARS[_set][1][_i]},
        )  # fmt: skip

GIFT = {  # MASE and WQL of the seasonal naive
    ("ett1", "15T", "short"): (0.934, 0.2414),
    ("ett1", "15T", "medium"): (1.188, 0.3216),
    ("ett1", "15T", "long"): (1.191, 0.3402),
    ("ett1", "H", "short"): (0.977, 0.2404),
    ("ett1", "H", "medium"): (1.568, 0.4349),
    ("ett1", "H", "long"): (1.479, 0.4711),
    ("jena", "10T", "short"): (0.743, 0.1552),
    ("jena", "10T", "medium"): (0.716, 0.2118),
    ("jena", "10T", "long"): (0.761, 0.2372),
    ("jena", "H", "short"): (0.723, 0.1542),
}
GIFT_BARS = {"MASE": (0.88, 0.82), "WQL": (0.48, 0.44)}  # geometric mean over the seasonal naive: must, aim
for (_source, _freq, _term), _scores in GIFT.items():
    register(
        f"{_source}/{_freq} {_term}", "GIFT-Eval", CHOOSING if _source == "ett1" else HELD_BACK,
        partial(competitions.gift, _source, _freq, _term), ("MASE", "WQL"),
        published=dict(zip(("MASE", "WQL"), _scores, strict=True)),
    )  # fmt: skip

for _freq, _scores, _must, _aim in (
    ("10T", (0.730, 0.673), (0.56, 0.47), (0.50, 0.40)),
    ("H", (0.740, 0.655), (0.54, 0.45), (0.46, 0.38)),
):
    register(
        f"fev jena {_freq}", "fev-bench", HELD_BACK, partial(competitions.fev, _freq), ("MASE", "SQL"),
        published=dict(zip(("MASE", "SQL"), _scores, strict=True)), must=dict(zip(("MASE", "SQL"), _must, strict=True)),
        aim=dict(zip(("MASE", "SQL"), _aim, strict=True)),
    )  # fmt: skip

for _group, _half, _smape, _mase, _must, _aim in (
    ("Hourly", CHOOSING, 13.912, 1.193, 0.50, 0.44),
    ("Weekly", HELD_BACK, 9.161, 2.777, 0.90, 0.80),
):
    register(
        f"M4 {_group}", "M4", _half, partial(competitions.m4, _group), ("OWA", "sMAPE", "MASE"),
        published={"sMAPE": _smape, "MASE": _mase}, must={"OWA": _must}, aim={"OWA": _aim},
    )  # fmt: skip
    register(
        f"M4 {_group} 64", "M4", _half, partial(competitions.m4, _group, newest=64), ("MASE", "sMAPE", "OWA"),
        published={"sMAPE": _smape, "MASE": _mase}, rivals=("pretrained", "autoets"),
        must={"MASE": [("seasonal naive", 1.0), ("ridge", 1.0), ("autoets", 1.0)]},
    )  # fmt: skip

for _name, _ahead, _must, _aim in (("D1a", False, 42.5, 40.5), ("D1b", True, 28.5, 26.0)):
    register(
        f"Beijing {_name}", "stations", CHOOSING, partial(stations.beijing, _ahead), ("MAE",),
        must={"MAE": [_must, ("ridge", 1.0), ("lightgbm", 1.0), ("neuralforecast LSTM", 1.0)]}, aim={"MAE": _aim},
    )  # fmt: skip
for _steps in (5, 24):
    register(
        f"Valencia o3 {_steps}", "stations", HELD_BACK, partial(stations.valencia, _steps), ("MAE",),
        must={"MAE": [("ridge", 1.0), ("lightgbm", 1.0)]},
    )  # fmt: skip
for _steps in (1, 7):
    register(
        f"Melbourne {_steps}", "stations", CHOOSING, partial(stations.melbourne, _steps), ("RMSE",),
        must={"RMSE": [("ridge", 1.0), ("lightgbm", 1.0)]},
    )  # fmt: skip
for _steps in (1, 5, 22):
    register(
        f"sp500 variance {_steps}", "finance", HELD_BACK, partial(stations.variance, _steps), ("QLIKE",),
        baseline="last value", must={"QLIKE": ("har", 1.0)}, aim={"QLIKE": ("log-har", 1.0)},
        rivals=("har", "log-har", "rolling mean"),
    )  # fmt: skip
for _name, _load in (
    ("CO2", stations.co2),
    ("notebook 01", stations.quickstart),
    ("notebook 02", stations.greensboro),
    ("notebook 06", partial(stations.fertility, False)),
    ("notebook 06 unseen", partial(stations.fertility, True)),
):
    register(_name, "packages", HELD_BACK, _load, ("MAE",), must={"MAE": ("ridge", 1.0)})


def chosen(names):
    """Tasks in the order in which they are asked for, each once.

    Parameters
    ----------
    names : list of str
        Names, beginnings of names ("ETTh1"), groups, halves or "all".

    Returns
    -------
    list of Task

    Raises
    ------
    ValueError
        No task has that name.
    """
    found = {}
    for name in names:
        meant = [
            task
            for task in TASKS.values()
            if name in {"all", task.group, task.half} or f"{task.name} ".startswith(f"{name} ")
        ]
        if not meant:
            raise ValueError(f"no task is called {name!r}; expected some of {list(TASKS)}, a group or a half.")
        found |= {task.name: task for task in meant}
    return list(found.values())
