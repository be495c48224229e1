"""What follows "Fix:" in the refusal of an argument, an array or a plot runs, and then the call works."""

import os
import re
import tomllib
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn.base
from pasted_fixes import chosen, runs_and_helps, tried
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.model_selection import KFold, permutation_test_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline

import forecast
from forecast import LinearForecaster, RNNClassifier, RNNForecaster, SeriesForecaster, Windows, make_windows
from forecast._files import container
from forecast._linear import inputs
from forecast._refusals import install
from forecast.baselines import SeasonalNaive
from forecast.diagnostics import explain, gate_activity, gates, gradient_flow
from forecast.metrics import coverage
from forecast.model_selection import PurgedTimeSeriesSplit, RollingOrigin, backtest
from forecast.preprocessing import Log, make_transform

PACKAGE = Path(forecast.__file__).parent
N = 80
DAYS = pd.date_range("2024-01-01", periods=N)
Y = 10 + np.sin(np.arange(float(N)))
DF = pd.DataFrame({"y": Y, "x": np.cos(np.arange(float(N)))}, index=DAYS)
SHOPS = pd.concat([DF.assign(shop=shop, size=float(size)) for size, shop in enumerate("ab")])
LATER = pd.DataFrame({"y": Y[:6]}, pd.date_range("2024-03-21", periods=6))
SIZE = {"hidden_size": 2, "max_iter": 1, "random_state": 0}
MATRIX = np.random.default_rng(0).normal(size=(40, 6))
CLASSES = np.arange(40) % 2
WINDOWS = make_windows(DF, target="y", lookback=4, horizon=2)


def network(**more):
    return RNNForecaster(**SIZE | more)


def series(regressor=None, **more):
    return SeriesForecaster(regressor or Ridge(), **{"target": "y", "lookback": 4, "horizon": 2} | more)


def panel(regressor=None, **more):
    return series(regressor, series="shop", **more)


MEMBERS = {"one": {"regressor": Ridge()}}
HELD_OUT = {"validation_fraction": 0.2}
ANY_TIME = {"gaps": "irregular", "freq": "D"}
ROLLING = RollingOrigin(3, horizon=2)
TWICE = DF.set_axis(pd.MultiIndex.from_arrays([DAYS, DAYS], names=["day", "sent"]))
VALUES = np.column_stack([Y, np.ones(N)])  # the second column is a time, or a code
TIMED = Windows(VALUES, np.arange(3, N - 2), lookback=4, horizon=2, n_targets=1, elapsed=1)
CODED = Windows(VALUES, np.arange(3, N - 2), lookback=4, horizon=2, n_targets=1, levels={"past": [0, 3]})


# -------------------- what there is, and the call that is refused, and that works after the fix


def warm(s, **more):
    return network(**chosen(s, warm_start=True), **more)


ESTIMATORS = {
    "other classes": (
        {"model": RNNClassifier(**SIZE, warm_start=True).fit(MATRIX, CLASSES), "X": MATRIX, "y": np.arange(40) % 3},
        lambda s: s["model"].fit(s["X"], s["y"]),
    ),
    "y of other windows": (
        {"model": LinearForecaster(), "X": WINDOWS, "y": np.zeros(WINDOWS.y.shape)},
        lambda s: s["made"].predict(s["X"]) if "made" in s else s["model"].fit(s["X"], s["y"]),
    ),
    "a linear model of rows at any times": (
        {"RNNForecaster": RNNForecaster},
        lambda s: series(network(**s["made"].get_params()) if "made" in s else LinearForecaster(), **ANY_TIME).fit(DF),
    ),
    "other windows": (
        {"model": series(network(warm_start=True)).fit(DF)},
        lambda s: s["model"].set_params(regressor=warm(s), lookback=5).fit(DF),
    ),
    "one output at a time": (
        {"model": series(SGDRegressor(warm_start=True, random_state=0)).fit(DF)},
        lambda s: s["model"].fit(DF),
    ),
    "another regressor": (
        {"model": series(network(warm_start=True)).fit(DF)},
        lambda s: (
            s["model"]
            .set_params(regressor=Ridge() if "warm_start" in s else MLPRegressor((2,), warm_start=True))
            .fit(DF)
        ),
    ),
    "a regressor inside": (
        {"model": series(TransformedTargetRegressor(network(warm_start=True))).fit(DF)},
        lambda s: s["model"].fit(DF),
    ),
    "other static covariates": (
        {"model": panel(network(warm_start=True)).fit(SHOPS)},
        lambda s: s["model"].set_params(regressor=warm(s), static_covariates="size").fit(SHOPS),
    ),
    "freezing in a first fit": (
        {"model": network(freeze=["head"]), "X": MATRIX, "y": MATRIX[:, 0]},
        lambda s: s["model"].fit(s["X"], s["y"]),
    ),
    "freezing without a warm start": (
        {"model": network().fit(MATRIX, MATRIX[:, 0]).set_params(freeze=["head"]), "X": MATRIX, "y": MATRIX[:, 0]},
        lambda s: s["model"].fit(s["X"], s["y"]),
    ),
    "elapsed time twice": (
        {"model": network(cell="gru_decay", elapsed=1), "X": TIMED},
        lambda s: s["model"].fit(s["X"], s["X"].y),
    ),
    "codes named twice": (
        {"model": network(categories={"past": {1: 3}}), "X": CODED},
        lambda s: s["model"].fit(s["X"], s["X"].y),
    ),
    "a cycle at any times": (
        {"model": network(cell="gru_decay", cycle=7), "X": TIMED},
        lambda s: s["model"].fit(s["X"], s["X"].y),
    ),
    "windows that overlap": (
        {},
        lambda s: network(stateful=True).fit(make_windows(DF, target="y", lookback=4, horizon=2, **chosen(s, step=1))),
    ),
    "an update without states": (
        {"RNNForecaster": RNNForecaster},
        lambda s: s.get("made", network()).fit(MATRIX, MATRIX).reset_states(),
    ),
    "no past for the recipe": (
        {"RNNForecaster": RNNForecaster},
        lambda s: SeriesForecaster(
            **chosen(s, regressor=None), target="y", lookback=0, horizon=2, calendar=["month"]
        ).fit(DF),
    ),
    "more steps than the horizon": (
        {"model": series(network()).fit(DF)},
        lambda s: explain(s["model"], **chosen(s, X=4) if "n" not in s else {"X": s["n"]}),
    ),
    "two shares to hold out": (
        {"RNNForecaster": RNNForecaster},
        lambda s: series(
            s.get("made", network(early_stopping=True, validation_fraction=0.3)), validation_fraction=0.2
        ).fit(DF),
    ),
    "a regressor and members": (
        {},
        lambda s: SeriesForecaster(**chosen(s, regressor=Ridge()), members=MEMBERS, lookback=4, horizon=2).fit(DF["y"]),
    ),
    "y with another index": (
        {"X": DF, "y": DF["y"].iloc[::-1]},
        lambda s: series().fit(s["X"], s["y"]),
    ),
    "weights with another index": (
        {"X": DF, "sample_weight": pd.Series(1.0, DAYS[::-1])},
        lambda s: series().fit(s["X"], sample_weight=s["sample_weight"]),
    ),
    "weights of what learns nothing": (
        {"sample_weight": np.ones(N)},
        lambda s: series(SeasonalNaive()).fit(DF, sample_weight=s["sample_weight"]),
    ),
    "a half-life of what learns nothing": (
        {},
        lambda s: series(SeasonalNaive(), **chosen(s, half_life=9)).fit(DF),
    ),
    "nothing to fine-tune": (
        {"model": series().fit(DF), "sklearn": sklearn, "X": LATER},
        lambda s: s["model"].fine_tune(s["X"]) if "made" not in s else s["made"].predict(),
    ),
    "too many threads": (
        {"model": series(network()).fit(DF)},
        lambda s: explain(s["model"], **chosen(s, n_jobs=10**6)),
    ),
    "a norm over later steps": (
        {},
        lambda s: make_windows(DF, target="y", lookback=4, horizon=2, **chosen(s, window_norm="mean")).y_sequences,
    ),
    "a number as text": (
        {"model": series().fit(DF)},
        lambda s: s["model"].predict(**chosen(s, n=None)) if "n" in s else s["model"].predict("2"),
    ),
    "labels for a frame": (
        {"model": series().fit(DF), "X": LATER.index[:2], "pd": pd},
        lambda s: s["model"].predict(s["X"]),
    ),
    "a number of folds": (
        {"cv": 3, "RollingOrigin": RollingOrigin},
        lambda s: backtest(series(), DF, s["cv"]),
    ),
    "a class for a transform": (
        {"Log": Log},
        lambda s: make_transform(s.get("made", Log)),
    ),
    "a transform without its season": (
        {},
        lambda s: make_transform(s.get("transform", "seasonal_difference")),
    ),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fix_of_an_estimator_runs_and_helps(name):
    runs_and_helps(*ESTIMATORS[name])


# -------------------- files, metrics, splitters


def test_a_fix_of_a_file_runs_and_helps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = network().fit(MATRIX, MATRIX[:, 0])
    runs_and_helps({"os": os}, lambda s: model.save("new/folder/model"))
    assert forecast.load("new/folder/model").n_features_in_ == 6
    cached = {"memory": "cache"}
    runs_and_helps({}, lambda s: series(make_pipeline(Ridge(), **cached | chosen(s, **cached))).fit(DF).save("model"))
    monkeypatch.setattr(container, "LONGEST_HEADER", 10)
    _, code = tried(lambda s: model.save("long"), {})
    exec(code, {"joblib": joblib, "model": model, "path": "long"})
    assert joblib.load("long").n_features_in_ == 6


JUDGED = {
    "bounds the wrong way round": (
        {"lower": np.ones(3), "upper": np.zeros(3)},
        lambda s: coverage([0.5] * 3, s["lower"], s["upper"]),
    ),
    "a column of time that is not there": (
        {},
        lambda s: list(PurgedTimeSeriesSplit(3, **chosen(s, time="when")).split(DF)),
    ),
    "two levels of time": (
        {},
        lambda s: list(PurgedTimeSeriesSplit(3, **chosen(s, time=None)).split(TWICE)),
    ),
    "folds that do not follow time": (
        {"RollingOrigin": RollingOrigin},
        lambda s: backtest(series(), DF, s.get("cv", KFold(3))),
    ),
    "one path": (
        {},
        lambda s: backtest(series(**HELD_OUT), DF, ROLLING, **chosen(s, n_paths=1)),
    ),
    "paths without errors": (
        {},
        lambda s: backtest(series(**chosen(s, validation_fraction=None)), DF, ROLLING, n_paths=9),
    ),
    "permuted targets": (
        {"model": series(), "df": DF, "backtest": backtest, "RollingOrigin": RollingOrigin},
        lambda s: s["made"].summary() if "made" in s else permutation_test_score(s["model"], DF, DF["y"], cv=ROLLING),
    ),
    "weights of windows of a frame": (
        {"model": series(network()).fit(DF)},
        lambda s: gradient_flow(s["model"], DF, **chosen(s, sample_weight=np.ones(N))),
    ),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_fix_of_a_judgement_runs_and_helps(name):
    runs_and_helps(*JUDGED[name])


def test_a_fix_of_too_many_gates_runs_and_helps(monkeypatch):
    monkeypatch.setattr(gates, "_MOST_BYTES", 4000)
    model = network().fit(MATRIX, MATRIX[:, 0])
    runs_and_helps({"X": MATRIX}, lambda s: gate_activity(model, s["X"]))


def test_a_fix_of_a_gradient_that_explodes_runs_and_helps():
    def call(s):
        model = network(cell="rnn", activation="relu", **chosen(s, dtype="float32")).fit(MATRIX, MATRIX[:, 0])
        model._network.theta[:] = 1e8
        return gradient_flow(model, MATRIX, MATRIX[:, 0])

    assert np.isfinite(runs_and_helps({}, call).norms).all()


def test_a_fix_of_too_many_inputs_runs_and_helps(monkeypatch):
    monkeypatch.setattr(inputs, "MOST", 2)
    windows = make_windows(DF, target="y", past_covariates=["x"], lookback=4, horizon=2)
    runs_and_helps({"model": LinearForecaster()}, lambda s: s["model"].fit(windows, windows.y))


# -------------------- packages


def test_packages_of_fixes_exist():
    """What pip installs is narwhals, this package, or one of its extras."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    places = [path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))]
    named = {code for text in places for code in re.findall(r"install\(f?['\"]+([^)]*?)['\"]+\)", text)}
    assert len(named) >= 4
    for code in named - {"narwhals", "rnn-forecast[{extra}]"}:
        assert re.fullmatch(r"rnn-forecast\[(\w+)\]", code)[1] in extras
    text = (PACKAGE / "datasets.py").read_text(encoding="utf-8")
    assert set(re.findall(r"_missing\(.*, \"(\w+)\"\)", text)) <= extras
    assert install("narwhals").command == "pip install narwhals"
