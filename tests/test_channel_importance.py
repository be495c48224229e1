"""Importance of columns by exchanging their windows: whole, of the same series, far apart; for any regressor."""

import numpy as np
import pandas as pd
import pytest
from explanations import first, models, planted
from matplotlib import pyplot
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast.diagnostics import channel_importance, explain
from forecast.diagnostics.importance import _Pieces
from forecast.plotting import AttributionDisplay, ImportanceDisplay

pytestmark = pytest.mark.usefixtures("closed_figures")
SHARED = {"target": "load", "lookback": 6, "horizon": 2}


def framed(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    wind, noise, plan = rng.normal(size=(3, rows))
    load = 10 + 3 * np.roll(wind, 1) + 2 * plan + 0.3 * rng.normal(size=rows)
    index = pd.date_range("2024-01-01", periods=rows, freq="D")
    return pd.DataFrame({"load": load, "wind": wind, "noise": noise, "plan": plan}, index)


DF = framed()
COVARIATES = {"past_covariates": ["wind", "noise"], "future_covariates": "plan"}
REGRESSORS = {
    "ridge": Ridge(),
    "trees": HistGradientBoostingRegressor(max_iter=20),
    "network": RNNForecaster(hidden_size=8, max_iter=40, random_state=0),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_what_a_forecast_rests_on_is_important_and_the_rest_is_not(name):
    model = SeriesForecaster(REGRESSORS[name], **SHARED, **COVARIATES).fit(DF[:140])
    found = channel_importance(model, DF[140:], gap=5)
    table = found.to_frame()
    assert set(table.index.drop("load")[:2]) == {"wind", "plan"}
    assert table.loc["noise", "importance"] < 0.2 * table.loc["wind", "importance"]
    assert found.error > 0
    assert found.n_origins == 60 - 8 + 1


def test_a_column_that_is_not_read_changes_nothing():
    model = SeriesForecaster(Ridge(), **SHARED | {"target": ["load", "wind"]}, multi_target="shared").fit(DF)
    rises = channel_importance(model, DF, target="wind").to_frame()["importance"]
    assert rises["load"] == 0.0
    assert rises["wind"] > 0.0


def test_windows_are_exchanged_whole_far_apart_and_within_their_series():
    parts = [framed(90, seed).assign(shop=name) for seed, name in enumerate("xy")]
    df = pd.concat(parts).rename_axis("day").reset_index()
    model = SeriesForecaster(Ridge(), series="shop", time="day", **SHARED, **COVARIATES).fit(df)
    rows = model._state.read(df, model._rules(), "df")
    pieces = _Pieces.of(model._state, rows, 40, None)
    donors = pieces.exchanged(np.random.default_rng(0))
    assert (pieces.series[donors] == pieces.series).all()
    assert (np.abs(pieces.at[donors] - pieces.at) >= pieces.back + 2).all()
    assert sorted(donors) == list(range(len(donors)))
    changed = pieces.with_others("past", [0], donors, None)
    whole = changed.past.reshape(len(donors), -1, 2)
    np.testing.assert_array_equal(whole[..., 0], pieces.rows.past.reshape(whole.shape)[donors][..., 0])
    np.testing.assert_array_equal(whole[..., 1], pieces.rows.past.reshape(whole.shape)[..., 1])
    later = np.arange(len(pieces.rows)).reshape(len(donors), -1)[:, pieces.back :]
    assert np.isnan(pieces.rows.targets[later]).all()  # no forecast sees what comes


def test_the_error_is_that_of_the_forecasts_of_predict():
    model = SeriesForecaster(Ridge(), **SHARED, past_covariates=["wind", "noise"]).fit(DF)
    found = channel_importance(model, DF[["load", "wind", "noise"]], n_origins=1000)
    errors = []
    for end in range(6, len(DF) - 1):
        after = model.predict(history=DF[["load", "wind", "noise"]][:end])["load"]
        errors.append(np.abs(after - DF["load"].reindex(after.index)).to_numpy())
    assert np.isclose(found.error, np.mean(errors))


CHANGES = [{"transform": "difference"}, {"window_norm": "standard"}, {"calendar": "dayofweek"}]


@pytest.mark.parametrize("changes", CHANGES)
def test_series_transforms_static_covariates_and_the_calendar(changes):
    parts = [framed(90, seed).assign(shop=name, size=float(seed)) for seed, name in enumerate("xyz")]
    df = pd.concat(parts).rename_axis("day").reset_index()
    known = {"series": "shop", "time": "day", "static_covariates": "size"}
    model = SeriesForecaster(Ridge(), **SHARED, **COVARIATES, **known, **changes).fit(df)
    found = channel_importance(model, df, random_state=np.random.RandomState(0))
    expected = {"load", "wind", "noise", "plan", "size"} | {name for name in changes if name == "calendar"}
    assert set(found.columns) == expected
    assert set(found.to_frame().index[:3]) & {"wind", "plan"}
    again = channel_importance(model, df, random_state=np.random.RandomState(0))
    assert found.rises.tobytes() == again.rises.tobytes()


def test_the_model_stays_as_it_is_and_threads_change_no_bit(tmp_path):
    network = RNNForecaster(hidden_size=8, max_iter=3, random_state=0, n_jobs=1)
    model = SeriesForecaster(network, **SHARED, past_covariates="wind").fit(DF)
    before = model.predict()
    expected = channel_importance(model, DF)
    pd.testing.assert_frame_equal(model.predict(), before)
    model.save(tmp_path / "model.forecast")
    again = forecast.load(tmp_path / "model.forecast")
    again.regressor_.set_params(n_jobs=2)
    assert channel_importance(again, DF).rises.tobytes() == expected.rises.tobytes()


def test_what_cannot_be_exchanged_is_refused():
    model = SeriesForecaster(Ridge(), **SHARED)
    with pytest.raises(NotFittedError):
        channel_importance(model, DF)
    with pytest.raises(TypeError, match="model is a Ridge"):
        channel_importance(Ridge(), DF)
    model.fit(DF[["load"]])
    with pytest.raises(ValueError, match=r"X has 20 rows; expected at least 24, .* or a smaller gap="):
        channel_importance(model, DF[["load"]][:20])
    assert channel_importance(model, DF[["load"]][:20], gap=3).n_origins == 13
    for wrong, words in (
        ({"metric": "mape"}, "metric is 'mape'"),
        ({"n_repeats": 0}, "n_repeats is 0"),
        ({"n_origins": 0}, "n_origins is 0"),
        ({"gap": 0}, "gap is 0"),
        ({"target": "wind"}, "target 'wind' is not there"),
    ):
        with pytest.raises(ValueError, match=words):
            channel_importance(model, DF[["load"]], **wrong)


@pytest.mark.parametrize("name", ["ridge", "boosted trees"])
def test_the_planted_column_is_found_first(name):
    """Some of the series of benchmarks/explanations.py, which takes 20."""
    for seed in range(2):
        df, driver = planted(seed)
        model = models(seed)[name].fit(df[:500])
        assert first(channel_importance(model, df[500:], n_repeats=2).to_frame()) == driver


# -------------------- pictures


def test_bars_are_effects_and_those_without_room_are_one():
    wide = DF.assign(**{f"noise {n}": DF["noise"] * n for n in range(2, 30)})
    more = [name for name in wide.columns if name != "load"]
    model = SeriesForecaster(Ridge(), **SHARED, past_covariates=more).fit(wide)
    found = explain(model)
    ax = pyplot.subplots(figsize=(6, 3))[1]
    display = AttributionDisplay.from_attribution(found, ax=ax)
    widths = [bar.get_width() for bar in display.bars_]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(widths) < len(found.columns)
    assert names[-1] == f"{len(found.columns) - len(widths) + 1} others"
    np.testing.assert_allclose(sum(widths), found.by_column()["effect"].sum())
    np.testing.assert_allclose(widths[:-1], found.by_column()["effect"][: len(widths) - 1])


def test_the_heat_map_has_a_row_per_column_and_a_column_per_lag():
    model = SeriesForecaster(Ridge(), **SHARED, **COVARIATES).fit(DF)
    ahead = model.future_frame().assign(plan=1.0)
    display = AttributionDisplay.from_estimator(model, ahead, kind="lags")
    found = explain(model, ahead)
    order = [label.get_text() for label in display.ax_.get_yticklabels()]
    np.testing.assert_allclose(display.mesh_.get_array(), found.by_lag()[order].to_numpy().T)
    low, high = display.mesh_.get_clim()
    assert low == -high


def test_the_importance_of_columns_is_drawn_from_the_top():
    model = SeriesForecaster(Ridge(), **SHARED, **COVARIATES).fit(DF)
    display = ImportanceDisplay.from_estimator(model, DF, metric="rmse", unit="MW")
    table = channel_importance(model, DF, metric="rmse").to_frame()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == table.index.tolist()
    np.testing.assert_allclose([bar.get_width() for bar in display.bars_], table["importance"])
    assert display.ax_.get_xlabel().startswith("rise of the RMSE of load, from ")
    with pytest.raises(TypeError, match="importance is dict; expected a ChannelImportance"):
        ImportanceDisplay.from_importance({})
    with pytest.raises(TypeError, match="attribution is dict; expected an Attribution"):
        AttributionDisplay.from_attribution({})
    with pytest.raises(ValueError, match="kind 'rows' is not there"):
        AttributionDisplay.from_attribution(explain(model, model.future_frame().assign(plan=1.0)), kind="rows")
