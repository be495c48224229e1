"""Attributions add up to the difference of forecasts, are those of the formulas, and find what was planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from explanations import first, models, planted
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import forecast
from forecast import LinearForecaster, RNNForecaster, SeriesForecaster
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.diagnostics import explain

BAR = 0.01  # of the difference that integrated gradients may miss
SHARED = {"target": "load", "lookback": 12, "horizon": 4}


def network(**changes):
    return RNNForecaster(**dict(hidden_size=8, max_iter=6, random_state=0) | changes)


def framed(rows=220, seed=0, **more):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=rows, freq="h")
    wind, noise, plan = rng.normal(size=(3, rows))
    load = 50 + 8 * np.sin(2 * np.pi * np.arange(rows) / 24) + 3 * np.roll(wind, 2) + 2 * plan + rng.normal(size=rows)
    return pd.DataFrame({"load": load, "wind": wind, "noise": noise, "plan": plan}, index).assign(**more)


DF = framed()
COVARIATES = {"past_covariates": ["wind", "noise"], "future_covariates": "plan", "calendar": ["hour"]}
AHEAD = pd.DataFrame({"plan": [1.0, -2.0, 0.5, 3.0]}, pd.date_range(DF.index[-1], periods=5, freq="h")[1:])


def panel():
    parts = [framed(150, seed).assign(shop=name, size=float(seed)) for seed, name in enumerate("xyz")]
    for scale, part in enumerate(parts):
        part["load"] *= 10.0**scale
    return pd.concat(parts).rename_axis("hour").reset_index()


def gone(attribution):
    """The largest missing part of a difference."""
    gap = np.abs(attribution.forecast - attribution.baseline)
    assert (gap > 0).all()
    return float((np.abs(attribution.missing) / gap).max())


# -------------------- completeness

REGRESSORS = {
    "lstm": network(),
    "gru": network(cell="gru"),
    "rnn": network(cell="rnn"),
    "relu": network(cell="rnn", activation="relu"),
    "mlstm": network(cell="mlstm"),
    "indrnn": network(cell="indrnn"),
    "bidirectional": network(bidirectional=True),
    "two layers, normed": network(num_layers=2, layer_norm=True, cell="gru"),
    "segments": network(decoder="segments", segment=2),
    "padded segments": network(segment=5),
    "steps": network(decoder="steps", future_size=4),
    "recurrent": network(decoder="recurrent"),
    "attention": network(decoder="recurrent", attention="additive"),
    "skip": network(skip="linear-all"),
    "cycle": network(cycle=24),
    "clipped": network(input_clip=1.0),
    "quantiles": network(loss="quantile", quantile=[0.1, 0.5, 0.9]),
    "quantiles without a median": network(loss="quantile", quantile=[0.1, 0.4, 0.7]),
    "huber": network(loss="huber"),
    "linear": LinearForecaster(),
    "ridge": Ridge(),
    "one output": BayesianRidge(),
    "pipeline": make_pipeline(StandardScaler(), Ridge()),
    "search": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
    "last value": LastValue(),
    "seasonal naive": SeasonalNaive(24),
    "drift": Drift(),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_attributions_add_up_to_the_difference_from_the_baseline(name):
    model = SeriesForecaster(REGRESSORS[name], **SHARED, **COVARIATES).fit(DF)
    found = explain(model, AHEAD, step="each")
    assert gone(found) < BAR
    expected = model.predict(AHEAD)["load"].to_numpy()
    np.testing.assert_allclose(found.forecast[0], expected, rtol=1e-5)
    assert found.columns == ["load", "wind", "noise", "plan", "hour"]


@pytest.mark.parametrize("norm", [None, "last", "mean", ("mean", 0.3), "standard", ("standard", 0.5), ("season", 6)])
@pytest.mark.parametrize("regressor", [network(), Ridge()], ids=["network", "ridge"])
def test_the_norm_of_the_window_is_part_of_the_function(norm, regressor):
    model = SeriesForecaster(regressor, window_norm=norm, **SHARED, **COVARIATES).fit(DF)
    found = explain(model, AHEAD, step="each")
    assert gone(found) < BAR
    np.testing.assert_allclose(found.forecast[0], model.predict(AHEAD)["load"].to_numpy(), rtol=1e-5)


TRANSFORMS = ["log", "difference", "log_return", "seasonal_difference", ["boxcox", "standard"]]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_are_undone_on_the_way(transform):
    model = SeriesForecaster(network(), transform=transform, **SHARED, **COVARIATES).fit(DF)
    found = explain(model, AHEAD, step="each")
    assert gone(found) < BAR
    np.testing.assert_allclose(found.forecast[0], model.predict(AHEAD)["load"].to_numpy(), rtol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"transform": "log"}, {"window_norm": "standard"}, {"calendar": "hour"}])
def test_every_series_of_a_panel_is_explained(changes):
    df = panel()
    known = {"series": "shop", "time": "hour", "static_covariates": "size", "past_covariates": "wind"}
    model = SeriesForecaster(network(series_size=2), **SHARED, **known, **changes).fit(df)
    found = explain(model, history=df, n_origins=3)
    assert found.series == [name for name in "xyz" for _ in range(3)]
    np.testing.assert_allclose(found.missing, 0, atol=1e-2 * np.abs(found.forecast - found.baseline).max())
    expected = model.predict().groupby("shop")["load"].mean().to_numpy()
    np.testing.assert_allclose(found.forecast[2::3, 0], expected, rtol=1e-4)
    assert np.abs(found.static[..., found.columns.index("size")]).max() > 0
    frame = found.to_frame()
    assert frame["lag"].isna().sum() == 9
    assert np.isclose(frame["value"].sum(), found.values.sum() + found.static.sum())


@pytest.mark.parametrize("multi_target", ["shared", "joint"])
def test_one_of_several_targets_is_explained(multi_target):
    shared = SHARED | {"target": ["load", "wind"], "multi_target": multi_target}
    model = SeriesForecaster(network(), **shared).fit(DF)
    for target in ("load", "wind"):
        found = explain(model, target=target, step="each")
        assert gone(found) < BAR
        np.testing.assert_allclose(found.forecast[0], model.predict()[target].to_numpy(), rtol=1e-4, atol=1e-5)
        other = found.by_column()["size"][{"load": "wind", "wind": "load"}[target]]
        assert (other == 0) == (multi_target == "shared")


def test_members_are_explained_with_their_weights_whatever_each_of_them_looks_at():
    """As the recipe has them: other lookbacks, norms, transforms and calendars."""
    members = {
        "network": {"regressor": network(decoder="steps"), "lookback": 12, "window_norm": "standard", "weight": 0.5},
        "linear": {"regressor": LinearForecaster(), "lookback": 30, "transform": "log", "weight": 0.3},
        "naive": {"regressor": SeasonalNaive(24), "lookback": 1, "window_norm": None, "weight": 0.2},
    }
    known = {"target": "load", "horizon": 4, "past_covariates": "wind", "future_covariates": "plan"}
    model = SeriesForecaster(members=members, **known).fit(DF)
    same = {"step": "each", "baseline": {"load": 50.0, "wind": 0.0, "plan": 0.0}}  # whatever is looked back on
    found = explain(model, AHEAD, **same)
    assert gone(found) < BAR
    np.testing.assert_allclose(found.forecast[0], model.predict(AHEAD)["load"].to_numpy(), rtol=1e-5)
    alone = {name: explain(one, AHEAD, **same) for name, one in model.members_.items()}
    plan = found.columns.index("plan")
    expected = sum(members[name]["weight"] * one.values[0, :, -4:, plan] for name, one in alone.items())
    np.testing.assert_allclose(found.values[0, :, -4:, plan], expected, rtol=1e-9)


def test_the_recipe_itself_is_explained():
    model = SeriesForecaster(target="load", past_covariates="wind", horizon=2, random_state=0, pretrained=False)
    model.fit(framed(150))
    found = explain(model, step="each")
    assert gone(found) < BAR
    np.testing.assert_allclose(found.forecast[0], model.predict()["load"].to_numpy(), rtol=1e-5)


# -------------------- what they are


def test_of_a_linear_model_they_are_coefficients_times_deviations():
    """Two values, no norm, one step: small enough to be written down."""
    model = SeriesForecaster(Ridge(), target="load", past_covariates="wind", lookback=2, horizon=1, window_norm=None)
    model.fit(DF)
    tail = DF[["load", "wind"]].to_numpy()[-2:]
    expected = model.regressor_.coef_.reshape(2, 2) * (tail - tail.mean(axis=0))
    for method in ("integrated_gradients", "gradient_x_input"):
        found = explain(model, method=method)
        np.testing.assert_allclose(found.values[0, 0], expected, rtol=1e-8)
        np.testing.assert_allclose(found.missing, 0, atol=1e-10)
    zero = explain(model, baseline="zero")
    np.testing.assert_allclose(zero.values[0, 0], model.regressor_.coef_.reshape(2, 2) * tail, rtol=1e-8)
    ten = explain(model, baseline={"wind": 10.0})
    np.testing.assert_allclose(ten.values[0, 0, :, 1], model.regressor_.coef_[1::2] * (tail[:, 1] - 10), rtol=1e-8)


def test_gradient_x_input_is_the_slope_of_the_forecast():
    """Central differences of `predict` itself, in double precision, along the way from the baseline."""
    model = SeriesForecaster(network(dtype="float64"), window_norm="standard", **SHARED, past_covariates="wind").fit(DF)
    found = explain(model, history=DF[["load", "wind"]], method="gradient_x_input")
    tail = DF[["load", "wind"]].to_numpy()[-12:]
    for row, column in ((11, 0), (3, 0), (9, 1)):
        ends = []
        for step in (1e-4, -1e-4):
            moved = DF.copy()
            moved.iloc[len(DF) - 12 + row, column] += step
            ends.append(model.predict(history=moved)["load"].mean())
        expected = (ends[0] - ends[1]) / 2e-4 * (tail[row, column] - tail[:, column].mean())
        assert np.isclose(found.values[0, 0, row, column], expected, rtol=1e-4, atol=1e-7)


def test_naive_forecasts_come_from_the_rows_that_they_repeat():
    model = SeriesForecaster(SeasonalNaive(24), **SHARED).fit(DF)
    values = explain(model, step="each").values[0, :, :, 0]
    assert [np.flatnonzero(row).tolist() for row in values] == [[0], [1], [2], [3]]
    assert explain(model).lags[[0, -1]].tolist() == [23, 0]


def test_known_future_stands_at_negative_lags():
    model = SeriesForecaster(network(decoder="steps"), **SHARED, **COVARIATES).fit(DF)
    lags = explain(model, AHEAD).by_lag()
    assert lags.index.tolist() == [*range(11, -1, -1), -1, -2, -3, -4]
    assert (lags.loc[-4:, ["load", "wind", "noise"]] == 0).all(axis=None)
    assert (lags.loc[[-1, -4], ["plan", "hour"]] != 0).all(axis=None)


def test_only_the_steps_that_were_asked_for_are_explained():
    model = SeriesForecaster(network(), **SHARED).fit(DF)
    each, mean = explain(model, step="each"), explain(model)
    np.testing.assert_allclose(mean.values[0, 0], each.values[0].mean(axis=0), atol=1e-3 * np.abs(mean.values).max())
    assert explain(model, 2, step="each").steps == [1, 2]
    assert np.isclose(explain(model, 2).forecast[0, 0], each.forecast[0, :2].mean())


def test_what_is_missing_masked_or_a_code_is_held():
    df = DF.assign(sky=np.where(DF["wind"] > 0, "clear", "grey"))
    df.iloc[-3, 0] = df.iloc[-2, 1] = np.nan
    past = {"past_covariates": ["wind", "sky"]}
    coded = SeriesForecaster(network(), missing="mask", categorical="embedding", **SHARED, **past).fit(df)
    found = explain(coded, step="each")
    assert found.held == ["sky"]
    assert found.by_column()["size"]["sky"] == 0
    assert gone(found) < BAR
    plain = SeriesForecaster(network(), missing="mask", **SHARED, **past).fit(df)
    found = explain(plain)
    assert found.held == []
    assert found.by_column()["size"]["sky"] > 0


@pytest.mark.parametrize("changes", [{}, {"window_norm": "standard"}, {"transform": "log"}])
def test_a_series_that_never_moved_is_its_newest_value(changes):
    df = panel()
    df["load"] = df["load"].where(df["shop"] != "y", 7.0)
    model = SeriesForecaster(network(), series="shop", time="hour", **SHARED, **changes).fit(df)
    found = explain(model, step="each", baseline={"load": 5.0})
    assert (found.forecast[1] == 7.0).all()
    np.testing.assert_allclose(found.values[1, :, -1, 0], 2.0, rtol=1e-6)
    assert np.abs(found.missing[1]).max() < 1e-9


def test_copies_of_the_oldest_row_count_as_that_row():
    """The recipe's members repeat the oldest row of a short history."""
    model = SeriesForecaster(target="load", horizon=2, lookback=24, pretrained=False).fit(framed(150)[["load"]])
    with pytest.warns(forecast.ShortHistoryWarning):
        found = explain(model, history=DF[["load"]][-5:])
    assert np.flatnonzero(np.abs(found.values[0, 0, :, 0])).min() == found.lags.tolist().index(4)


def test_without_a_past_the_known_future_is_explained():
    dense = network(encoder="dense", decoder="recurrent")
    model = SeriesForecaster(dense, target="load", lookback=0, horizon=4, future_covariates="plan").fit(DF)
    found = explain(model, AHEAD, step="each")
    assert gone(found) < BAR
    assert found.by_column().index[0] == "plan"


# -------------------- the same result, and what is refused


def test_the_result_is_the_same_for_any_threads_saved_or_not(tmp_path):
    model = SeriesForecaster(network(decoder="steps"), **SHARED, **COVARIATES).fit(DF)
    expected = explain(model, AHEAD, step="each", n_jobs=1)
    before = model.predict(AHEAD)
    model.save(tmp_path / "model.forecast")
    for other, threads in ((model, 3), (model, None), (forecast.load(tmp_path / "model.forecast"), 2)):
        found = explain(other, AHEAD, step="each", n_jobs=threads)
        assert found.values.tobytes() == expected.values.tobytes()
    pd.testing.assert_frame_equal(model.predict(AHEAD), before)


def test_float32_frames_are_explained_as_exactly():
    model = SeriesForecaster(Ridge(), **SHARED, past_covariates="wind").fit(DF.astype("float32"))
    assert gone(explain(model)) < 1e-9


class Squared(Ridge):
    """Has coefficients and is not linear."""

    def predict(self, X):
        return super().predict(X) ** 2


REFUSED = {
    "trees": (SeriesForecaster(HistGradientBoostingRegressor(max_iter=3), **SHARED), "HistGradientBoosting"),
    "no coefficients": (SeriesForecaster(DummyRegressor(), **SHARED), "DummyRegressor is neither"),
    "not linear": (SeriesForecaster(Squared(), **SHARED), "Squared is neither"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_regressor_without_a_derivative_is_refused_with_the_way_out(name):
    model, words = REFUSED[name]
    with pytest.raises(TypeError, match=f"{words}.*channel_importance"):
        explain(model.fit(DF[["load"]]))


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(NotFittedError):
        explain(SeriesForecaster(Ridge(), **SHARED))
    with pytest.raises(TypeError, match="model is a Ridge; expected a fitted SeriesForecaster"):
        explain(Ridge())
    stateful = SeriesForecaster(network(stateful=True), **SHARED, window_norm=None).fit(DF[["load"]])
    with pytest.raises(ValueError, match="stateful=True reads all rows"):
        explain(stateful)
    logs = SeriesForecaster(network(), transform="log", **SHARED).fit(DF[["load"]])
    with pytest.raises(ValueError, match="baseline='zero': the transform of the target does not take it"):
        explain(logs, baseline="zero")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"method": "shap"}, "method is 'shap'"),
        ({"baseline": "median"}, "baseline is 'median'"),
        ({"baseline": {"rain": 1.0}}, "baseline has 'rain'"),
        ({"baseline": {"wind": np.nan}}, "baseline has nan for 'wind'"),
        ({"target": "wind"}, "target 'wind' is not there"),
        ({"step": 5}, "step is 5"),
        ({"step": []}, r"step is \[\]"),
        ({"n_nodes": 0}, "n_nodes is 0"),
        ({"tolerance": 0}, "tolerance is 0"),
        ({"n_origins": 900}, "n_origins=900 needs 911 rows, and"),
        ({"X": 5}, "5 steps were asked for, but horizon is 4"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(wrong, words):
    model = SeriesForecaster(Ridge(), **SHARED, past_covariates="wind").fit(DF)
    if "X" in wrong:
        model = SeriesForecaster(Ridge(), **SHARED).fit(DF[["load"]])
    with pytest.raises(ValueError, match=words):
        explain(model, **wrong)


# -------------------- what was planted


@pytest.mark.parametrize("name", ["LSTM", "ridge"])
def test_the_planted_column_is_found_first(name):
    """Some of the series of benchmarks/explanations.py, which takes 20."""
    for seed in range(3):
        df, driver = planted(seed)
        model = models(seed)[name].fit(df[:500])
        for method in ("integrated_gradients", "gradient_x_input"):
            assert first(explain(model, history=df, n_origins=100, method=method).by_column()) == driver


def test_tables_are_sums_of_the_values():
    model = SeriesForecaster(network(), **SHARED, **COVARIATES).fit(DF)
    found = explain(model, AHEAD, step=[1, 4])
    table = found.by_column()
    assert table["size"].is_monotonic_decreasing
    np.testing.assert_allclose(table["effect"].sum(), (found.forecast - found.baseline - found.missing).mean())
    np.testing.assert_allclose(found.by_lag().sum()[table.index], table["effect"])
    frame = found.to_frame()
    assert frame["step"].unique().tolist() == [1, 4]
    sums = frame.groupby("column")["value"].sum() / 2
    np.testing.assert_allclose(sums[table.index], table["effect"])
    doubled = replace(found, values=2 * found.values)
    np.testing.assert_allclose(doubled.by_column()["size"], 2 * table["size"])
