"""Walks over metrics, baselines, transforms, splitters, the backtest, data sets and diagnostics."""

import warnings
from dataclasses import fields
from functools import cache

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import QuantileTransformer, RobustScaler
from walks import IGNORED, Also, Each, Walk
from walks_of_models import RIDGE, XY, days, network, shops

from forecast import SeriesForecaster, baselines, datasets, diagnostics, metrics, model_selection, preprocessing
from forecast.model_selection import RollingOrigin, backtest

ONE, TWO, THREE = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.5, 3.2]), np.array([9.0, 8.0, 7.0])
PAIR = dict(actual=ONE, forecast=TWO)
BOTH = dict(actual=THREE, forecast=ONE)
SCALED = dict(PAIR, history=np.arange(9.0) ** 2)
BOUNDS = dict(actual=ONE, lower=TWO, upper=THREE)

METRICS = {
    **{f"metrics.{name}": Walk(getattr(metrics, name), PAIR, BOTH) for name in ("bias", "mae", "rmse", "smape")},
    **{
        f"metrics.{name}": Walk(getattr(metrics, name), SCALED, BOTH | {"history": np.arange(9.0) ** 3, "period": 2})
        for name in ("mase", "rmsse")
    },
    "metrics.skill": Walk(metrics.skill, {"error": 3.0, "naive": 4.0}, {"error": 2.0, "naive": 5.0, "floor": 8.0}),
    "metrics.pinball": Walk(metrics.pinball, dict(PAIR, level=0.3), BOTH | {"level": 0.6}),
    "metrics.coverage": Walk(metrics.coverage, BOUNDS, {"actual": TWO, "lower": TWO - 1, "upper": TWO + 0.5}),
    "metrics.interval_score": Walk(
        metrics.interval_score,
        dict(BOUNDS, coverage=0.8),
        {"actual": TWO, "lower": TWO - 1, "upper": TWO + 1, "coverage": 0.5},
    ),
    "metrics.energy_score": Walk(
        metrics.energy_score,
        dict(actual=ONE, paths=np.stack([TWO, THREE], 1)),
        {"actual": TWO, "paths": np.stack([ONE, THREE], 1)},
    ),
    "metrics.crps": Walk(
        metrics.crps,
        dict(actual=ONE, quantiles=np.stack([TWO, THREE], 1), levels=[0.2, 0.7]),
        {"actual": TWO, "quantiles": np.stack([ONE, THREE], 1), "levels": [0.3, 0.7]},
    ),
}

# -------------------- baselines and data sets


def shown(kind, **parameters):
    """A baseline's forecast, from the arguments of its fit."""
    made = getattr(baselines, kind)(**parameters)

    def call(X=XY["X"], y=XY["y"], at=XY["X"][:2]):
        return made.fit(X, y).predict(at), made.n_features_in_

    return call


SHAPES = {"X": XY["X"][:, :4], "y": XY["y"][:, :1]}
BASELINES = {
    "baselines.SeasonalNaive": Walk(
        lambda period: shown("SeasonalNaive", period=period)(), {"period": 2}, {"period": 3}
    )
}
for _name, _parameters in (("LastValue", {}), ("Drift", {}), ("SeasonalNaive", {"period": 2})):
    _call = shown(_name, **_parameters)
    BASELINES[f"baselines.{_name}.fit"] = Walk(_call, {}, {"X": Also(SHAPES["X"], at=SHAPES["X"]), "y": SHAPES["y"]})
    BASELINES[f"baselines.{_name}.predict"] = Walk(
        lambda X, call=_call: call(at=X), {"X": XY["X"][:2]}, {"X": XY["X"][2:4]}
    )
BASELINES["baselines.seasonal_naive"] = Walk(
    baselines.seasonal_naive, dict(values=ONE, horizon=2), {"values": TWO, "horizon": 3, "period": 2}
)
BASELINES["datasets.make_ar1"] = Walk(
    datasets.make_ar1, dict(n=9, random_state=0), {"n": 8, "phi": 0.5, "scale": 2.0, "random_state": 1}
)

# -------------------- transforms

VALUES = np.array([1.0, 2.0, 4.0, 9.0, 3.0, 6.0])
PARAMETERS = {
    "Asinh": {},
    "BoxCox": {"lmbda": 0.5},
    "Chain": {"steps": [preprocessing.Log(), preprocessing.Difference()]},
    "Difference": {"period": 2},
    "Log": {},
    "Log1p": {},
    "LogReturn": {},
    "Pointwise": {"transformer": RobustScaler()},
    "Scale": {"method": "minmax"},
}
OTHERS = {
    "lmbda": 1.5,
    "steps": Also([preprocessing.Log()]),
    "period": 3,
    "transformer": QuantileTransformer(n_quantiles=6),
    "method": "standard",
}


def transformed(kind):
    def call(X=VALUES, y=None, at=VALUES, **parameters):
        made = getattr(preprocessing, kind)(**PARAMETERS[kind] | parameters).fit(X, y)
        return made.transform(at), made.n_lost_, {k: v for k, v in vars(made).items() if k.endswith("_")}

    return call


def undone(kind):
    made = getattr(preprocessing, kind)(**PARAMETERS[kind]).fit(VALUES)
    return lambda X, past=VALUES[None, : made.n_lost]: made.inverse_transform(X, past)


def of_transform(kind):
    call, lost = transformed(kind), getattr(preprocessing, kind)(**PARAMETERS[kind]).n_lost
    # What `fit` learns shows in what it keeps; of those that learn nothing, in what it refuses.
    learns = VALUES[1:] * 2
    if kind == "Difference":
        learns = Also(VALUES[:2], "the series has 2 rows")
    elif kind.startswith("Log") or kind == "Chain":
        learns = Also(-VALUES, "6 of 6 values are", at=VALUES)
    full = f"preprocessing.{kind}"
    past = {"past": VALUES[None, 1 : 1 + lost] if lost else VALUES[None, :1]}
    found = {
        f"{full}.fit": Walk(call, {}, {"X": learns, "y": IGNORED}),
        f"{full}.transform": Walk(lambda X: call(at=X)[0], {"X": VALUES}, {"X": VALUES[::-1]}),
        f"{full}.inverse_transform": Walk(undone(kind), {"X": np.full((1, 2), 0.5)}, past | {"X": np.ones((1, 2))}),
    }
    if PARAMETERS[kind]:
        found[full] = Walk(call, {}, {name: OTHERS[name] for name in PARAMETERS[kind]})
    return found


TRANSFORMS = {name: walk for kind in PARAMETERS for name, walk in of_transform(kind).items()}
TRANSFORMS["preprocessing.calendar_features"] = Walk(
    preprocessing.calendar_features,
    dict(index=days().index, names=["dayofweek"]),
    {"index": days().index[9:], "names": ["month"]},
)
TRANSFORMS["preprocessing.make_transform"] = Walk(
    preprocessing.make_transform, {"spec": "log"}, {"spec": "asinh", "period": Also(7, spec="seasonal_difference")}
)

# -------------------- splitters and the backtest


def folds(kind):
    def call(X=None, **parameters):
        splitter = getattr(model_selection, kind)(**parameters)
        return [np.concatenate(fold) for fold in splitter.split(days() if X is None else X)]

    return call


STACKED = shops().reset_index()
STACKED["printed"] = STACKED["day"]  # without a second column of stamps, the only one is taken
SPLITTERS = {
    "model_selection.RollingOrigin": Walk(
        folds("RollingOrigin"),
        {},
        {"n_splits": 3, "horizon": 2, "step": 4, "gap": 1, "max_train_size": 9, "time": Also("day", X=STACKED)},
    ),
    "model_selection.PurgedTimeSeriesSplit": Walk(
        folds("PurgedTimeSeriesSplit"),
        {},
        {
            "n_splits": 3, "test_size": 4, "purge": 2, "embargo": 2, "past_only": True, "time": Also("day", X=STACKED),
        },
    ),
}  # fmt: skip
for _name in ("RollingOrigin", "PurgedTimeSeriesSplit"):
    _ignored = {"y": IGNORED, "groups": IGNORED}
    SPLITTERS[f"model_selection.{_name}.split"] = Walk(folds(_name), {}, {"X": days(50)} | _ignored)
    SPLITTERS[f"model_selection.{_name}.get_n_splits"] = Walk(folds(_name), {}, {"X": IGNORED} | _ignored)

ORIGINS = RollingOrigin(n_splits=3, horizon=3)


def ridge(**changes):
    return SeriesForecaster(Ridge(), **RIDGE | changes)


def compared(**arguments):
    report = backtest(**dict(model={"ridge": ridge()}, df=days(), cv=ORIGINS) | arguments)
    return report.frame, sorted(report.seconds)


@cache
def reports():
    """A report of two targets, and the one of two shops."""
    two = RIDGE | {"target": ["a", "b"]}
    models = {"ridge": SeriesForecaster(Ridge(), **two), "heavy": SeriesForecaster(Ridge(50.0), **two)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of skill
        many = backtest(models, days(), ORIGINS, coverage=[0.3, 0.5])
        return many, backtest({"ridge": ridge(series="shop")}, shops(), ORIGINS, coverage=0.5)


def of_report(**arguments):
    report = model_selection.BacktestReport(**arguments)
    by = report.ids[0] if report.ids else None  # which `summary` takes as a name for the series
    return report.summary(), report.notes, report.period, report.ids, by and report.summary(by=by)


def parts_of(report):
    return {part.name: getattr(report, part.name) for part in fields(report)}


QUANTILES = dict(
    model={"net": SeriesForecaster(network(loss="quantile", quantile=[0.1, 0.5, 0.9]), **RIDGE)}, coverage=0.6
)
REPORTS = {
    "model_selection.backtest": Walk(
        compared,
        {},
        {
            "model": {"last": ridge(transform="standard")},
            "df": days(58),
            "cv": RollingOrigin(n_splits=2, horizon=3),
            "refit": False,
            "coverage": 0.5,
            "intervals": Each(["static", Also("static", coverage=0.5), Also("quantile", **QUANTILES)]),
            "sample_weight": np.linspace(0.1, 2, 60),
            "n_jobs": Also("two", coverage=None),
            "verbose": 1,
            "static": Also(days(), says="series is None"),
            "n_paths": Also(20, model={"ridge": ridge(validation_fraction=0.4)}),
        },
    ),
    "model_selection.BacktestReport": Walk(
        of_report,
        parts_of(reports()[1]),
        {
            "frame": reports()[1].frame.iloc[:-9],
            "seconds": {"ridge": 99.0},
            "period": 99,
            "scales": reports()[1].scales.assign(absolute=9.0),
            "coverage": [],
            "notes": ["said"],
            "ids": [],
        },
    ),
    "model_selection.BacktestReport.summary": Walk(reports()[1].summary, {}, {"by": "step"}),
}

# -------------------- diagnostics

NET = network(max_iter=2).fit(**XY)
FLOW = diagnostics.gradient_flow(NET, **XY)
ACTIVITY = diagnostics.gate_activity(NET, XY["X"][:3])


def framed(kind, extra):
    def call(**arguments):
        made = getattr(diagnostics, kind)(**arguments)
        return made.to_frame(), [getattr(made, name) for name in extra]

    return call


def proved(prepare=None, **arguments):
    """And the frames that were tried."""
    tried = []

    def see(df):
        tried.append(df)
        return df if prepare is None else prepare(df)

    return diagnostics.check_no_leakage(**arguments, prepare=see), tried


NETS = [SeriesForecaster(network(random_state=seed), **RIDGE | {"past_covariates": "b"}).fit(days()) for seed in (0, 1)]
PAIRED = SeriesForecaster(network(), **RIDGE | {"target": ["a", "b"]}).fit(days())
ADDED, RISEN = diagnostics.explain(NETS[0]), diagnostics.channel_importance(NETS[0], days())


def explained(**arguments):
    found = diagnostics.explain(**arguments)
    return found.to_frame(), found.forecast, found.baseline, found.method


def shown_parts(kind):
    """Everything that an object holds and shows, from its fields."""

    def call(**arguments):
        made = getattr(diagnostics, kind)(**arguments)
        return made.to_frame(), [str(getattr(made, part.name)) for part in fields(made)]

    return call


MIX = dict(model=ridge(), df=days(40), cv=RollingOrigin(n_splits=2, horizon=3), n_cuts=1)
DIAGNOSTICS = {
    "diagnostics.check_no_leakage": Walk(
        proved,
        MIX,
        {
            "model": ridge(target=["a", "b"]),
            "df": days(36),
            "cv": None,
            "prepare": lambda df: df.iloc[:36],
            "n_cuts": 2,
            "random_state": 1,
            "static": Also(days(), says="series is None"),
        },
    ),
    "diagnostics.explain": Walk(
        explained,
        dict(model=NETS[0]),
        {
            "model": NETS[1],
            "X": 2,
            "history": days(50),
            "method": "gradient_x_input",
            "baseline": Each(["zero", {"b": 7.0}]),
            "target": Also("b", model=PAIRED),
            "step": Each(["each", 2, [1, 3]]),
            "n_origins": Also(2, history=days()),
            "tolerance": Also(1e-12, n_nodes=4),
            "n_nodes": 1,
            "n_jobs": 0,
        },
    ),
    "diagnostics.channel_importance": Walk(
        lambda **a: diagnostics.channel_importance(**a).to_frame(),
        dict(model=NETS[0], X=days()),
        {
            "model": NETS[1],
            "X": days(50),
            "metric": Each(["rmse", lambda actual, forecast: float(np.abs(actual - forecast).max())]),
            "n_repeats": 2,
            "n_origins": 9,
            "gap": 3,
            "target": Also("b", model=PAIRED),
            "random_state": 1,
        },
    ),
    "diagnostics.Attribution": Walk(
        shown_parts("Attribution"),
        parts_of(ADDED),
        {
            "values": ADDED.values * 2, "static": ADDED.static + 1, "columns": ["x", "y"], "lags": ADDED.lags + 1,
            "steps": [1], "origins": ADDED.origins.shift(1, "D"),
            "series": ["s"], "forecast": ADDED.forecast * 2, "baseline": ADDED.baseline * 2, "target": "y",
            "method": "gradient_x_input", "held": ["b"],
        },
    ),
    "diagnostics.ChannelImportance": Walk(
        shown_parts("ChannelImportance"),
        parts_of(RISEN),
        {
            "columns": ["x", "y"], "rises": RISEN.rises * 2, "error": 9.0, "metric": "rmse", "target": "y",
            "n_origins": 2,
        },
    ),
    "diagnostics.gate_activity": Walk(
        lambda **a: diagnostics.gate_activity(**a).to_frame(),
        dict(model=NET, X=XY["X"]),
        {"model": network(max_iter=3).fit(**XY), "X": XY["X"][:9], "n_jobs": 0},
    ),
    "diagnostics.gradient_flow": Walk(
        lambda **a: diagnostics.gradient_flow(**a).to_frame(),
        dict(model=NET, **XY),
        {
            "model": network(max_iter=3).fit(**XY),
            "X": XY["X"][::-1],
            "y": XY["y"][::-1],
            "sample_weight": np.linspace(0.1, 2, 40),
            "n_jobs": 0,
        },
    ),
    "diagnostics.GradientFlow": Walk(
        framed("GradientFlow", ("cell", "loss", "segment")),
        parts_of(FLOW),
        {
            "norms": FLOW.norms * 2, "steps": FLOW.steps - 1, "cell": "gru", "loss": 9.0, "layers": ("x",),
            "segment": 2,
        },
    ),
    "diagnostics.GateActivity": Walk(
        framed("GateActivity", ("cell", "segment")),
        parts_of(ACTIVITY),
        {
            "gates": {}, "states": {"h": ACTIVITY.states["h"] * 2}, "steps": ACTIVITY.steps - 1, "cell": "gru",
            "layers": ("x",), "segment": 2,
        },
    ),
    "diagnostics.LeakageReport": Walk(
        diagnostics.LeakageReport,
        dict(cuts=[], n_forecasts=1, n_scrambled=1),
        {"cuts": [1], "n_forecasts": 2, "n_scrambled": 2},
    ),
}  # fmt: skip

TOOLS = METRICS | BASELINES | TRANSFORMS | SPLITTERS | REPORTS | DIAGNOSTICS
