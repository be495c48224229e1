"""What follows "Fix:" in the refusal of a setting of a model runs, and then the call works."""

import copy
import os
import warnings

import numpy as np
import pandas as pd
import pytest
from pasted_fixes import chosen, runs_and_helps
from recording_callback import Recorder
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

from forecast import (
    BoundsWarning,
    FrameBlocks,
    PretrainedForecaster,
    RNNForecaster,
    SeriesForecaster,
    TimeColumnWarning,
    make_windows,
)
from forecast._refusals import refusal_of
from forecast.model_selection import PurgedTimeSeriesSplit, RollingOrigin, backtest

N = 80
DAYS = pd.date_range("2024-01-01", periods=N)
Y = 10 + np.sin(np.arange(float(N)))
DF = pd.DataFrame({"y": Y, "x": np.cos(np.arange(float(N)))}, index=DAYS)
KINDS = DF.assign(kind=pd.Categorical(np.resize(["a", "b"], N)))
SHOPS = pd.concat([DF.assign(shop=shop, size=float(size)) for size, shop in enumerate("ab")])
LONG = SHOPS.rename_axis("day").reset_index()
LATER = pd.DataFrame({"y": Y[:6], "x": 0.0}, pd.date_range("2024-03-21", periods=6))
SIZE = {"hidden_size": 2, "max_iter": 1, "random_state": 0}
WINDOWS = make_windows(DF, target="y", lookback=4, horizon=2)
HOLED = DF.assign(y=np.where(np.arange(N) % 2 == 0, np.nan, Y))
ROLLING = RollingOrigin(3, horizon=2)
ANY_TIME = {"gaps": "irregular", "freq": "D"}
SHALLOW = MLPRegressor(hidden_layer_sizes=(2,), max_iter=2)
NO_PAST = {"lookback": 0, "horizon": 2, "calendar": ["month"]}


def network(**more):
    return RNNForecaster(**SIZE | more)


def decay(**more):
    return network(cell="gru_decay", decoder="steps", **more)


def stateful():
    return network(stateful=True)


def series(regressor=None, **more):
    return SeriesForecaster(
        Ridge() if regressor is None else regressor, **{"target": "y", "lookback": 4, "horizon": 2} | more
    )


def recipe(**more):
    return SeriesForecaster(target="y", horizon=2, random_state=0, **more)


def counted(windows):
    return network(loss="poisson").fit(windows, windows.y)


def judged(model, **more):
    return backtest(model, DF, ROLLING, **more)


def in_blocks(s, callback=None, **more):
    regressor = network(**{name: s.get(name, more.pop(name)) for name in list(more) if name in network().get_params()})
    own = {"series": "shop", "time": "day", "validation_fraction": None} | chosen(s, **more)
    model = s.setdefault("model", series(regressor))
    if callback is None or "asked" not in s:
        s["asked"] = True
        model = s["model"] = series(regressor, **own)
        if callback is not None:
            model.set_callbacks(callback)
    return model.fit(FrameBlocks(lambda number: LONG, 1))


def refitted(model, frame=DF):
    """The same settings, fitted again: a fix may have set one that only `fit` reads."""
    return model.fit(frame)


def refused(s):
    s["refused"] = True
    return s["model"].update(s["new_rows"], errors="raise")


SETTINGS = {
    # -------------------- rows at any times
    "a recipe of rows at any times": (
        {"SeriesForecaster": SeriesForecaster, "RNNForecaster": RNNForecaster},
        lambda s: s.get("made", recipe(gaps="irregular")).set_params(freq="D", lookback=4).fit(DF[["y"]]),
    ),
    "no rows before the times": (
        {},
        lambda s: series(Ridge(), **ANY_TIME, **chosen(s, lookback=0)).fit(DF),
    ),
    "times and an answer at every step": (
        {"RNNForecaster": RNNForecaster},
        lambda s: series(s.get("made", network(return_sequences=True)), **ANY_TIME).fit(DF),
    ),
    "a season of rows at any times": (
        {},
        lambda s: series(decay(), **ANY_TIME, **chosen(s, window_norm=("season", 3))).fit(DF),
    ),
    "periods at any times": (
        {},
        lambda s: series(decay(), **chosen(s, gaps="irregular")).fit(DF.to_period("D")),
    ),
    "sessions at any times": (
        {},
        lambda s: series(decay(), gaps="irregular", **chosen(s, trading_calendar=["2024-01-01"])).fit(DF),
    ),
    "months between rows": (
        {},
        lambda s: series(decay(), gaps="irregular", **chosen(s, freq="MS")).fit(DF),
    ),
    "rows at any times that were regular": (
        {"model": series().fit(DF).set_params(**ANY_TIME)},
        lambda s: s["model"].predict(history=DF),
    ),
    # -------------------- forecasts from no past
    "a level of no past": ({}, lambda s: series(**NO_PAST, **chosen(s, level=True)).fit(DF)),
    "a norm of no past": ({}, lambda s: series(**NO_PAST, **chosen(s, window_norm="last")).fit(DF)),
    "a transform of no past": ({}, lambda s: series(**NO_PAST, **chosen(s, transform="difference")).fit(DF)),
    # -------------------- the calendar
    "a number for the calendar": ({}, lambda s: series(**chosen(s, calendar=5)).fit(DF)),
    # -------------------- states, categories, losses
    "states of each target": (
        {},
        lambda s: series(stateful(), target=["y", "x"], **chosen(s, multi_target="shared")).fit(DF),
    ),
    "states of overlapping windows": ({}, lambda s: series(stateful(), **chosen(s, step=2)).fit(DF)),
    "vectors of no categories": (
        {},
        lambda s: series(network(), past_covariates="x", **chosen(s, categorical="embedding")).fit(DF),
    ),
    "vectors of categories for a linear model": (
        {},
        lambda s: series(past_covariates="kind", **chosen(s, categorical="embedding")).fit(KINDS),
    ),
    "quantiles of changes": (
        {},
        lambda s: recipe(loss="quantile", max_seconds=1, **chosen(s, transform="difference")).fit(DF),
    ),
    "counts less a level": (
        {},
        lambda s: counted(make_windows(DF.round(), target="y", lookback=4, horizon=2, **chosen(s, window_norm="last"))),
    ),
    "a distribution of too few rows": (
        {},
        lambda s: recipe(**chosen(s, loss="normal")).fit(DF[:14]),
    ),
    "windows that all miss a target": (
        {"RNNForecaster": RNNForecaster},
        lambda s: series(missing="mask", **chosen(s, regressor=None)).fit(HOLED),
    ),
    # -------------------- the pretrained network
    "a rate without steps": (
        {"PretrainedForecaster": PretrainedForecaster},
        lambda s: s.get("made", PretrainedForecaster(learning_rate=0.1)).fit(WINDOWS, WINDOWS.y),
    ),
    "no window to fine-tune on": (
        {},
        lambda s: PretrainedForecaster(**chosen(s, fine_tune=True)).fit(WINDOWS[:0], WINDOWS.y[:0]),
    ),
    # -------------------- blocks
    "the size of series in blocks": ({}, lambda s: in_blocks(s, series_size=2)),
    "a cycle of each series in blocks": ({}, lambda s: in_blocks(s, cycle=7)),
    "early stopping in blocks": ({}, lambda s: in_blocks(s, early_stopping=True)),
    "a warm start in blocks": ({}, lambda s: in_blocks(s, warm_start=True)),
    "a half-life in blocks": ({}, lambda s: in_blocks(s, half_life=9)),
    "callbacks in blocks": ({}, lambda s: in_blocks(s, callback=Recorder(os.devnull))),
    # -------------------- validation, intervals, backtests
    "intervals without validation": (
        {},
        lambda s: series(**chosen(s, validation_fraction=None)).fit(DF).predict_interval(coverage=0.5),
    ),
    "a monitor without validation": (
        {"model": series(validation_fraction=None).fit(DF)},
        lambda s: refitted(s["model"]).monitor(LATER),
    ),
    "intervals beyond the horizon": (
        {},
        lambda s: series(validation_fraction=0.2, **chosen(s, horizon=2)).fit(DF).predict_interval(3, coverage=0.5),
    ),
    "intervals without a coverage": (
        {},
        lambda s: judged(series(validation_fraction=0.4), intervals="static", **chosen(s, coverage=None)),
    ),
    "static intervals without validation": (
        {},
        lambda s: judged(series(**chosen(s, validation_fraction=None)), coverage=0.5, intervals="static"),
    ),
    "static intervals of too few windows": (
        {},
        lambda s: judged(series(**chosen(s, validation_fraction=0.01)), coverage=0.5, intervals="static"),
    ),
    "quantiles of a linear model": (
        {},
        lambda s: judged(series(), coverage=0.5, **chosen(s, intervals="quantile")),
    ),
    "more folds than steps": (
        {},
        lambda s: list(PurgedTimeSeriesSplit(**chosen(s, n_splits=N + 1)).split(DF)),
    ),
    # -------------------- longer forecasts
    "no feeding back": (
        {},
        lambda s: series(**chosen(s, horizon=2)).fit(DF).predict(3, recursive=False),
    ),
    "past covariates that end": (
        {},
        lambda s: series(past_covariates="x", **chosen(s, horizon=2)).fit(DF).predict(3, recursive=True),
    ),
    "samples beyond the horizon": (
        {},
        lambda s: series(network(dropout=0.5), **chosen(s, horizon=2)).fit(DF).sample_y(3, n_samples=2),
    ),
    "fewer known rows than the horizon": (
        {"model": series(future_covariates="x").fit(DF), "X": LATER[["x"]][:1]},
        lambda s: s["model"].predict(s["X"].fillna(0.0)),
    ),
    "a forecast without what is known ahead": (
        {"model": series(future_covariates="x").fit(DF)},
        lambda s: s["model"].predict(s["X"].fillna(0.0) if "X" in s else None),
    ),
    # -------------------- updates
    "an update of some series": (
        {"model": series(series="shop").fit(SHOPS), "new_rows": LATER.assign(shop="a")},
        lambda s: s["model"].predict() if s.pop("refused", False) else refused(s),
    ),
    "a history that trains nothing": (
        {"model": series(network()).fit(DF)},
        lambda s: copy.deepcopy(s["model"]).update(LATER, history=DF, **chosen(s, refit="no")),
    ),
    "another class in an update": (
        {"model": series(network()).fit(DF).set_params(regressor=SHALLOW), "X": DF},
        lambda s: s["model"].update(LATER, history=DF, refit="continue"),
    ),
    "other members in an update": (
        {"model": series(network()).fit(DF).set_params(regressor=None), "X": DF},
        lambda s: s["model"].update(LATER, history=DF, refit="continue"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore")
def test_a_fix_of_a_setting_runs_and_helps(name):
    runs_and_helps(*SETTINGS[name])


def test_a_fix_of_a_bound_runs_and_helps():
    with pytest.warns(BoundsWarning) as said:
        series(lower=9.5).fit(DF)
    scope = {}
    exec(str(refusal_of(said[0].message).fix), scope)
    with warnings.catch_warnings():
        warnings.simplefilter("error", BoundsWarning)
        series(**chosen(scope, lower=9.5)).fit(DF)


def test_a_fix_of_one_row_at_any_time_runs_and_helps():
    """The step of the forecast is known then; one row is too few all the same."""
    scope = {}
    with pytest.raises(ValueError, match="there is no time between rows") as refused:
        series(decay(), gaps="irregular").fit(DF[:1])
    exec(str(refusal_of(refused.value).fix), scope)
    with pytest.raises(ValueError, match="the series has 1 rows"):
        series(decay(), gaps="irregular", freq=scope["freq"]).fit(DF[:1])


def test_a_fix_of_a_time_column_runs_and_helps():
    counted, scope = LONG[LONG["shop"] == "a"], {}
    with pytest.warns(TimeColumnWarning) as said:
        series().fit(counted)
    exec(str(refusal_of(said[0].message).fix), scope)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TimeColumnWarning)
        series(time=scope["time"]).fit(counted)


def test_a_fix_of_levels_in_the_place_of_rows_runs_and_helps():
    quantiles = network(loss="quantile", quantile=[0.1, 0.5, 0.9])
    scope = {"model": series(quantiles).fit(DF)}
    with pytest.warns(DeprecationWarning, match="takes X first") as said:
        old = scope["model"].predict_quantiles([0.1, 0.9])
    assert old.equals(eval(str(refusal_of(said[0].message).fix), scope))
