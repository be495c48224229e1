"""Walks over the estimators, their windows and files."""

import os
import tempfile
from copy import deepcopy
from functools import cache, partial

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from walks import Also, Each, Walk

import forecast
from forecast import (
    LinearForecaster,
    PretrainedForecaster,
    RNNForecaster,
    SeriesForecaster,
    Windows,
    make_windows,
    show_config,
)
from forecast.baselines import LastValue

# -------------------- data


@cache
def days(rows=60, seed=0):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=rows, freq="D", name="day")
    a = 5 + np.sin(np.arange(rows) * 2 * np.pi / 7) + rng.normal(size=rows) / 10
    return pd.DataFrame({"a": a, "b": 2 * a + rng.normal(size=rows)}, index=index)


@cache
def shops():
    parts = [days().assign(shop="x", size=1.0), days(seed=1).assign(shop="y", size=3.0) * 1]
    return pd.concat(parts)


@cache
def business():
    return days().set_axis(pd.bdate_range("2024-01-01", periods=60, name="day"))


def table(n=40, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 6))
    return X, X[:, -2:] @ [[1.0, 0.5], [0.5, 1.0]] + 0.1 * X[:, :2]


def network(**changes):
    return RNNForecaster(**dict(hidden_size=3, max_iter=1, early_stopping=False, random_state=0) | changes)


# -------------------- SeriesForecaster


def forecaster(data=None, fit=None, **parameters):
    """What a fit says and forecasts."""
    model = SeriesForecaster(**parameters).fit(days() if data is None else data, **(fit or {}))
    known = parameters.get("future_covariates") is not None
    future = model.future_frame().assign(b=7.0) if known else None
    return model.predict(future), model.report_.n_windows, model.n_windows_, model.report_.candidates


RIDGE = dict(target="a", lookback=6, horizon=3, validation_fraction=0.3)
RECIPE = dict(
    regressor=None, lookback="auto", validation_fraction=0.1, random_state=0, horizon=2, max_seconds=1e-3
)  # fmt: skip
GAP = days().drop(days().index[20])
HOLE = days().assign(a=days()["a"].where(np.arange(60) != 20))
KINDS = days().assign(kind=np.tile(["p", "q", "r"], 20))
NAMED = dict(series="shop", data=shops())
LONG = days(80)


@cache
def fitted(**changes):
    data = shops() if "series" in changes else days()
    return SeriesForecaster(Ridge(), **RIDGE | changes).fit(data)


def ask(method, **plain):
    """A method of the fitted forecaster; `of` are parameters of another one."""

    def call(of=(), **arguments):
        return getattr(fitted(**dict(of)), method)(**plain | arguments)

    return call


def drawn(n_samples=3, random_state=0, of=(), **arguments):
    """Samples of a network with dropout in place of the usual regressor; `of` as in `ask`."""
    data = shops() if "series" in dict(of) else days()
    model = SeriesForecaster(network(dropout=0.3, max_iter=2), **RIDGE | dict(of)).fit(data)
    return model.sample_y(n_samples=n_samples, random_state=random_state, **arguments)


def saved(save):
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        os.chdir(folder)
        try:
            save()
            return sorted(os.listdir(folder))
        finally:
            os.chdir(here)


def as_file(read):
    """What is read of one of two files."""

    def call(path, **more):
        with tempfile.TemporaryDirectory() as folder:
            fitted().save(f"{folder}/one")
            fitted(lookback=9).save(f"{folder}/other")
            found = read(f"{folder}/{path}", **more)
            return found if isinstance(found, dict) else found.predict()

    return call


LATER = days(75)[60:]
AHEAD = dict(X=days(63)[60:])
FITS = dict(regressor=network(early_stopping=True, max_iter=3, n_iter_no_change=1, tol=10.0), **RIDGE)

SERIES = {
    "SeriesForecaster": Walk(
        forecaster,
        dict(regressor=Ridge(), **RIDGE),
        {
            "regressor": Each([LastValue(), "pretrained"]),
            "target": "b",
            "lookback": 8,
            "horizon": 4,
            "past_covariates": "b",
            "future_covariates": "b",
            "static_covariates": Also("size", **NAMED),
            "series": Also("shop", data=shops()),
            "time": Also("day", data=days().reset_index()),
            "freq": Also("B", data=business().drop(business().index[17])),
            "trading_calendar": Also([pd.Timestamp("2024-03-25")], data=business()),
            "gaps": Each([Also("mask", data=GAP), Also("interpolate", data=GAP), "irregular"]),
            "missing": Also("mask", data=HOLE),
            "categorical": Also("embedding", regressor=network(), past_covariates="kind", data=KINDS),
            "season": Each([5, Also([3], data=days(150), **RECIPE)]),
            "transform": Each(["asinh", Also("difference", **RECIPE)]),
            "calendar": Each([["dayofweek"], Also(None, **RECIPE)]),
            "window_norm": Each([None, ("mean", 0.5), "standard"]),
            "multi_target": Also("shared", target=["a", "b"]),
            "loss": Each(["squared_error", Also("squared_error", **RECIPE)]),
            "lower": 5.5,
            "upper": 4.2,
            "level": True,
            "clip_covariates": Also(True, past_covariates="b", data=days(400)),
            "step": 2,
            "half_life": 10,
            "members": Also({"one": {"regressor": Ridge(9.0)}, "two": {"regressor": LastValue()}}, regressor=None),
            "validation_fraction": Each([0.5, None, Also(0.5, **RECIPE)]),
            "max_seconds": 1.0,  # of a recipe: test_recipe.py, because networks take seconds
            "pretrained": Each([False, Also(False, **RECIPE)]),
            "n_jobs": 2,
            "random_state": Also(1, regressor=network(random_state=None), random_state=0),
            "verbose": 1,
        },
    ),
    "SeriesForecaster.fit": Walk(
        lambda **fit: forecaster(**FITS, data=fit.pop("X"), fit=fit),
        dict(X=days(), y=None),
        {
            "X": days(50),
            "y": days()["a"] * 2,
            "X_val": LATER,
            "y_val": Also(LATER["a"] * 2, y=days()["a"], X_val=LATER, y_val=LATER["a"]),
            "sample_weight": np.linspace(0.1, 2, 60),
        },
    ),
    "SeriesForecaster.predict": Walk(
        ask("predict"),
        {},
        {
            "X": days(62)[60:],
            "history": days()[:40],
            "recursive": Each([Also(True, X=LONG[60:]), Also(False, X=LONG[60:])]),
        },
    ),
    "SeriesForecaster.predict_interval": Walk(
        ask("predict_interval", coverage=0.5), {}, {"X": days(62)[60:], "history": days()[:40], "coverage": 0.4}
    ),
    "SeriesForecaster.predict_quantiles": Walk(
        ask("predict_quantiles", levels=[0.3, 0.5]),
        {},
        {"levels": [0.4], "X": days(62)[60:], "history": days()[:40]},
    ),
    "SeriesForecaster.sample_y": Walk(
        drawn, {}, {"X": days(62)[60:], "n_samples": 2, "random_state": 1, "history": days()[:40]}
    ),
    "SeriesForecaster.sample": Walk(
        ask("sample", n_paths=3, random_state=0),
        {},
        {"X": days(62)[60:], "n_paths": 2, "random_state": 1, "history": days()[:40]},
    ),
    "SeriesForecaster.future_frame": Walk(ask("future_frame"), {}, {"n": 2, "history": days()[:40]}),
    "SeriesForecaster.score": Walk(ask("score"), AHEAD, {"X": days(62)[60:], "y": days(63)["a"][60:] + 1.0}),
    "SeriesForecaster.save": Walk(
        lambda path: saved(lambda: fitted().save(path)), {"path": "a.forecast"}, {"path": "b.forecast"}
    ),
    "load": Walk(as_file(forecast.load), {"path": "one"}, {"path": "other", "kind": RNNForecaster}),
    "read_card": Walk(as_file(forecast.read_card), {"path": "one"}, {"path": "other"}),
    "path_interval": Walk(
        forecast.path_interval,
        {"paths": fitted().sample(5, random_state=0)},
        {"paths": fitted().sample(5, random_state=1), "coverage": 0.4},
    ),
    "show_config": Walk(show_config, {}, {"mode": "dict"}),
}

# -------------------- estimators on windows


@cache
def of_shops():
    return make_windows(
        shops(), target="a", past_covariates="b", series="shop", lookback=4, horizon=2
    )  # fmt: skip


def linear(X=None, y=None, sample_weight=None, at=None, **parameters):
    windows = of_shops()
    X, y = (windows, windows.y) if X is None else (X, y)
    model = LinearForecaster(**parameters).fit(X, y, sample_weight=sample_weight)
    return model.predict(X[:3] if at is None else at)


def trained(method="fit", of=(), at=None, **data):
    model = network(**dict(of))
    getattr(model, method)(**data)
    return model.predict(table()[0][:3] if at is None else at), model.validation_loss_curve_


WEIGHT = np.linspace(0.1, 2.0, 40)
TUNED = dict(fine_tune=2, random_state=0)


def pretrained(X=None, y=None, sample_weight=None, **parameters):
    X, y = (X, y) if X is not None else table()
    return PretrainedForecaster(**parameters).fit(X, y, sample_weight=sample_weight).predict(table()[0])


XY = dict(zip(("X", "y"), table(), strict=True))
OTHER = dict(zip(("X", "y"), table(seed=1), strict=True))
QUANTILES = network(
    loss="quantile", quantile=[0.1, 0.5, 0.9], max_iter=3, decoder="recurrent", attention="dot"
).fit(**XY)  # fmt: skip
MASKED = network(dropout=0.3, max_iter=3).fit(**XY)
CARRIES = dict(of=(("stateful", True),), y=OTHER["X"])
CARRYING = network(stateful=True, loss="quantile", quantile=[0.1, 0.9], max_iter=2).fit(XY["X"], OTHER["X"])


def asked(method, stateful=False, **given):
    """Of a network without carried states, or of one with them, which is left as it was."""
    return getattr(deepcopy(CARRYING) if stateful else QUANTILES, method)(**given)


STOPS = dict(of=tuple(dict(early_stopping=True).items()), X_val=OTHER["X"], y_val=OTHER["y"])

NETWORKS = {
    # The constructor of RNNForecaster has a table of its own in test_promises.py.
    "RNNForecaster.fit": Walk(
        trained,
        XY,
        {
            "X": OTHER["X"],
            "y": OTHER["y"],
            "sample_weight": WEIGHT,
            "X_val": Also(XY["X"], **STOPS),
            "y_val": Also(XY["y"], **STOPS),
            "starts": Also([5, 20], at=XY["X"], **CARRIES),
        },
    ),
    "RNNForecaster.partial_fit": Walk(
        lambda **data: trained("partial_fit", **data),
        XY,
        {"X": OTHER["X"], "y": OTHER["y"], "sample_weight": WEIGHT, "starts": Also([5, 20], at=XY["X"], **CARRIES)},
    ),
    "RNNForecaster.predict": Walk(
        partial(asked, "predict"),
        {"X": XY["X"]},
        {"X": OTHER["X"], "horizon": 3, "starts": Also([5], stateful=True)},
    ),
    "RNNForecaster.attention_weights": Walk(
        QUANTILES.attention_weights, {"X": XY["X"]}, {"X": OTHER["X"], "horizon": 3}
    ),
    "RNNForecaster.predict_quantiles": Walk(
        partial(asked, "predict_quantiles"),
        {"X": XY["X"]},
        {"X": OTHER["X"], "levels": [0.3], "horizon": 3, "starts": Also([5], stateful=True)},
    ),
    "RNNForecaster.sample_y": Walk(
        lambda **given: MASKED.sample_y(**{"n_samples": 3, "random_state": 0} | given),
        {"X": XY["X"]},
        {"X": OTHER["X"], "n_samples": 2, "random_state": 1},
    ),
    "RNNForecaster.update": Walk(
        partial(asked, "update", stateful=True), {"rows": [[0.5]]}, {"rows": [[0.7]], "levels": [0.1]}
    ),
    "RNNForecaster.reset_states": Walk(
        lambda n_sequences=1: asked("reset_states", stateful=True, n_sequences=n_sequences)._carried.states.shape,
        {},
        {"n_sequences": 2},
    ),
    "RNNForecaster.save": Walk(
        lambda path: saved(lambda: QUANTILES.save(path)), {"path": "a.forecast"}, {"path": "b.forecast"}
    ),
    "RNNForecaster.to_onnx": Walk(
        lambda path: saved(lambda: QUANTILES.to_onnx(path)), {"path": "a.onnx"}, {"path": "b.onnx"}
    ),
    "PretrainedForecaster": Walk(
        pretrained,
        {},
        {
            "fine_tune": Also(1, random_state=0),
            "learning_rate": Also(1e-2, **TUNED),
            "random_state": Also(1, fine_tune=12),
            "n_jobs": 0,
        },
    ),
    "PretrainedForecaster.fit": Walk(
        pretrained, XY | TUNED, {"X": OTHER["X"], "y": OTHER["y"], "sample_weight": WEIGHT}
    ),
    "PretrainedForecaster.predict": Walk(PretrainedForecaster().fit(**XY).predict, {"X": XY["X"]}, {"X": OTHER["X"]}),
    "PretrainedForecaster.predict_quantiles": Walk(
        PretrainedForecaster().fit(**XY).predict_quantiles, {"X": XY["X"]}, {"X": OTHER["X"], "levels": [0.3]}
    ),
    "LinearForecaster": Walk(linear, {}, {"penalty": 10.0, "per_series": True, "covariates": None}),
    "LinearForecaster.fit": Walk(
        linear, XY | {"at": XY["X"]}, {"X": OTHER["X"], "y": OTHER["y"], "sample_weight": WEIGHT}
    ),
    "LinearForecaster.predict": Walk(LinearForecaster().fit(**XY).predict, {"X": XY["X"]}, {"X": OTHER["X"]}),
}

# -------------------- windows

VALUES = np.random.default_rng(0).normal(size=(20, 2))
TWO = np.array([0, 10, 20])
PLACES = dict(values=VALUES, origins=[5, 7, 15], lookback=3, horizon=2)
NAMES = pd.Index(["x", "y"])
NORMED = Windows(**PLACES, window_norm="standard")
OTHERS = Windows(VALUES, [6, 7, 15], lookback=3, horizon=2)


def windows(**arguments):
    made = Windows(**arguments)
    named = len(made.starts) == 2 or made.series is not None
    return (
        np.asarray(made), np.asarray(made.y), made.timestamps, made.time, made.span, repr(made), made.which,
        made.series, made.phase(3) if named else None,
    )  # fmt: skip


def built(**arguments):
    made = make_windows(**arguments)
    return np.asarray(made), np.asarray(made.y), repr(made), made.timestamps


WINDOWS = {
    "Windows": Walk(
        windows,
        PLACES,
        {
            "values": VALUES * 2,
            "origins": [6, 8],
            "lookback": 4,
            "horizon": 3,
            "n_targets": 2,
            "window_norm": "last",
            "index": pd.RangeIndex(100, 120),
            "freq": Also(2, index=pd.RangeIndex(0, 40, 2)),
            "channel_names": ["one", "two"],
            "targets": VALUES[:, :1] * 3,
            "future": VALUES,
            "static": Also(np.ones((2, 1)), starts=TWO, series=NAMES),
            "starts": TWO,
            "series": Also(NAMES, starts=TWO),
            "clock": Also(np.array([0, 4]), starts=TWO, series=NAMES),
            "settled": np.minimum(np.arange(20) + 2, 19),
            "window_floor": Also(5.0, window_norm="standard"),
            "levels": {"past": [2, 0]},
            "elapsed": 1,
            "stamps": Also((1, 0), future=VALUES),
        },
    ),
    "Windows.at": Walk(lambda **a: np.asarray(NORMED.at(**a)), {"origins": [5]}, {"origins": [6]}),
    "Windows.normalize": Walk(NORMED.normalize, {"forecast": np.ones((3, 2))}, {"forecast": np.zeros((3, 2))}),
    "Windows.restore": Walk(NORMED.restore, {"prediction": np.ones((3, 2))}, {"prediction": np.zeros((3, 2))}),
    "Windows.normalized": Walk(
        Windows(**PLACES, window_norm=("season", 2)).normalized,
        {"values": np.ones((3, 1, 1))},
        {"values": np.zeros((3, 1, 1)), "first": 0},
    ),
    "Windows.phase": Walk(NORMED.phase, {"length": 3}, {"length": 4}),
    "Windows.series_rows": Walk(of_shops().series_rows, {"names": NAMES}, {"names": NAMES[::-1]}),
    "WindowTargets": Walk(
        lambda **a: np.asarray(forecast.WindowTargets(**a)),
        {"windows": NORMED},
        {"windows": OTHERS, "at_every_step": Also(True, windows=Windows(**PLACES))},
    ),
    "WindowTargets.belongs_to": Walk(NORMED.y.belongs_to, {"windows": NORMED}, {"windows": OTHERS}),
    "make_windows": Walk(
        built,
        dict(df=days(20), target="a", lookback=3, horizon=2),
        {
            "df": days(21),
            "target": "b",
            "lookback": 4,
            "horizon": 3,
            "past_covariates": "b",
            "future_covariates": "b",
            "static_covariates": Also("size", df=shops(), series="shop"),
            "static": Also(pd.DataFrame({"size": [1, 2]}, index=shops()["shop"].unique()), df=shops(), series="shop"),
            "series": Also("shop", df=shops()),
            "time": Also("day", df=days(20).reset_index()),
            "step": 2,
            "window_norm": "mean",
            "window_floor": Also(5.0, window_norm="standard"),
        },
    ),
}

MODELS = SERIES | NETWORKS | WINDOWS
