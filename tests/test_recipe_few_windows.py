"""The recipe where there are fewer windows than rows: large steps, joint targets, targets that are rarely seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_recipe_networks import read, wide

from forecast import LinearForecaster, RNNForecaster, SeriesForecaster
from forecast._preparation import Settings, trained
from forecast._recipe.counts import training_windows
from forecast._recipe.networks import network_settings
from forecast._recipe.validation import origins_behind

SEVEN = [f"y{column}" for column in range(7)]


def rarely_seen(n, every=7):
    """A target of every seventh day, with a covariate of every day."""
    frame = wide(n, 2).rename(columns={"y0": "y", "y1": "x"})
    frame.loc[frame.index % every != 0, "y"] = np.nan
    return frame


def holed(n, columns, share):
    rng = np.random.default_rng(n)
    frame = wide(n, columns)
    frame[rng.random(frame.shape) < share] = np.nan
    return frame


COUNTED = {
    "whole": lambda: read(wide(200, 2), 5, target=["y0", "y1"]),
    "holes": lambda: read(holed(200, 2, 0.7), 2, masked=True, target=["y0", "y1"]),
    "every seventh": lambda: read(rarely_seen(300), 1, masked=True, target="y", past_covariates="x"),
}


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("step", [1, 3, 10])
def test_windows_are_counted_as_they_are_made(kind, joint, step):
    (task, rows, ends), _ = COUNTED[kind]()
    network = RNNForecaster(hidden_size=1, max_iter=1, random_state=0)
    settings = Settings(network, 50, "last", multi_target="joint" if joint else "shared", step=step)
    made = len(trained(settings, task, rows, ends)[1])
    assert training_windows(rows, ends, task.horizon, 50, step, joint) == made > 0


def test_windows_that_start_from_a_row_that_was_put_in_are_not_counted():
    (_, rows, ends), _ = read(wide(200), 5)
    made_up = np.zeros(200, bool)
    made_up[100:110] = True
    assert training_windows(replace(rows, made_up=made_up), ends, 5, 50, 1, joint=True) == 160 - 50 - 4 - 10


NETWORKS = {
    "one at every row": (lambda: read(wide(3000), 24), {}),
    "every 24th row": (lambda: read(wide(9000), 24), {"step": 24}),
    "seven targets, joint": (lambda: read(wide(3000, 7), 24, target=SEVEN), {"multi_target": "joint"}),
    "every seventh row": (
        lambda: read(rarely_seen(4000), 1, freq="D", masked=True, target="y", past_covariates="x"), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_epochs_hold_all_optimiser_steps(kind):
    make, more = NETWORKS[kind]
    arguments, rest = make()
    more = dict(more)
    rest["linear"] = replace(rest["linear"], step=more.pop("step", 1))
    found = network_settings(*arguments, **rest, **more)
    assert found
    for settings in found.values():
        network = settings.regressor
        few = type(network)(**(network.get_params() | {"max_steps": 1, "max_iter": 1, "warmup_steps": 0}))
        windows = trained(replace(settings, regressor=few), *arguments)[1]
        epochs = network.max_steps / -(-len(windows) // network.batch_size)
        assert epochs <= network.max_iter <= 1.1 * epochs + 1


def test_a_joint_network_is_weighed_by_all_that_it_forecasts():
    """A window of seven targets costs more than one of a single target: fewer steps are affordable."""
    arguments, rest = read(wide(60_000, 7), 96, target=SEVEN)
    shared = network_settings(*arguments, **rest)
    joint = network_settings(*arguments, **rest, multi_target="joint")
    assert {one.multi_target for one in shared.values()} == {"shared"}
    assert {one.multi_target for one in joint.values()} == {"joint"}
    steps = [
        min(one.regressor.max_steps * one.regressor.batch_size for one in found.values()) for found in (shared, joint)
    ]
    assert steps[1] < steps[0]


def test_origins_are_thinned_among_those_that_show_a_target():
    (_, rows, _), _ = read(rarely_seen(60_000), 1, freq="min", masked=True, target="y", past_covariates="x")
    for end in range(30_000, 30_007):
        origins = origins_behind(rows, np.array([end]), 1, 20)
        assert (~np.isnan(rows.targets[origins.rows + 1])).all()
        assert len(origins) >= 1_000


CALLS = {
    "a window of every day": (lambda: wide(9000), {"target": "y0", "step": 24, "horizon": 24}, "h"),
    "joint targets": (lambda: wide(1500, 7), {"target": SEVEN, "multi_target": "joint", "horizon": 24}, "h"),
    "a target of every week": (
        lambda: rarely_seen(3500), {"target": "y", "past_covariates": "x", "missing": "mask", "horizon": 1}, "D",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLS)
def test_networks_are_trained_and_judged(kind):
    make, arguments, freq = CALLS[kind]
    frame = make()
    frame.index = pd.date_range("2010-01-01", periods=len(frame), freq=freq)
    model = SeriesForecaster(**arguments, lookback=48, pretrained=False, random_state=0).fit(frame)
    assert model.report_.candidates.loc["GRU", "loss"] > 0
    assert np.isfinite(model.predict()).all(axis=None)


@pytest.mark.parametrize("transform", ["auto", "difference"])
@pytest.mark.parametrize("lookback", [23, 24, 32])
def test_a_lookback_that_fits_only_without_validation_rows_is_not_refused(lookback, transform):
    frame = wide(35).set_axis(pd.date_range("2024-01-01", periods=35))
    settings = {"target": "y0", "horizon": 3, "lookback": lookback, "transform": transform, "random_state": 0}
    model = SeriesForecaster(**settings).fit(frame)
    assert "too few rows to hold any out" in str(model.report_)
    assert np.isfinite(model.predict()).all(axis=None)


def test_validation_rows_of_ones_own_are_not_learnt_from_where_they_cannot_judge():
    frame = wide(60).set_axis(pd.date_range("2024-01-01", periods=60))
    model = SeriesForecaster(target="y0", horizon=3, lookback=33, random_state=0)
    other = frame[35:] + 9.0
    forecasts = [model.fit(frame[:35], X_val=late).predict(history=frame) for late in (frame[35:], other)]
    pd.testing.assert_frame_equal(*forecasts)


@pytest.mark.parametrize("months", [20, 26, 30, 34])
def test_a_year_of_months_can_be_named_where_validation_rows_leave_less_than_two(months):
    frame = wide(months, season=12).set_axis(pd.date_range("2020-01-01", periods=months, freq="MS"))
    models = [SeriesForecaster(target="y0", horizon=3, season=season, random_state=0) for season in (12, "auto")]
    named, found = (model.fit(frame) for model in models)
    assert np.isfinite(named.predict()).all(axis=None)
    pd.testing.assert_frame_equal(named.predict(), found.predict())


def test_a_half_life_is_not_in_the_recipe_of_naive_members():
    frame = wide(60, season=5).set_axis(pd.date_range("2024-01-01", periods=60, freq="B"))
    model = SeriesForecaster(target="y0", horizon=24, half_life=50, random_state=0).fit(frame)
    assert set(model.recipe_["members"]) == {"pretrained", "seasonal naive"}
    again = SeriesForecaster(**model.recipe_).fit(frame)
    pd.testing.assert_frame_equal(model.predict(), again.predict())


def late(n, known, columns=("y", "z")):
    """Random numbers of which the first column begins late."""
    values = np.random.default_rng(n).normal(size=(n, len(columns)))
    frame = pd.DataFrame(values, columns=list(columns), index=pd.date_range("2021-01-01", periods=n))
    frame.iloc[:-known, 0] = np.nan
    return frame


@pytest.mark.parametrize("known", [5, 20, 38, 45, 60])
@pytest.mark.parametrize("horizon", [1, 7])
@pytest.mark.parametrize("roles", [{"target": "y", "past_covariates": "z"}, {"target": ["y", "z"]}], ids=["one", "two"])
def test_a_target_that_begins_late_is_forecast(known, horizon, roles):
    """What is held out, and in earlier parts too, leaves values of every target to learn from."""
    frame = late(400, known)
    model = SeriesForecaster(**roles, horizon=horizon, missing="mask", random_state=0).fit(frame)
    forecast = model.predict()
    assert np.isfinite(forecast).all(axis=None)
    again = SeriesForecaster(**model.recipe_).fit(frame)
    pd.testing.assert_frame_equal(forecast, again.predict())


def test_rows_before_the_first_target_change_nothing_of_a_recipe():
    frame = late(400, 150)
    models = [
        SeriesForecaster(target="y", past_covariates="z", horizon=3, missing="mask", random_state=0).fit(rows)
        for rows in (frame, frame[-150:])
    ]
    pd.testing.assert_frame_equal(*(model.predict() for model in models))


def test_members_without_a_window_before_the_validation_rows_are_not_judged():
    frame = wide(35).set_axis(pd.date_range("2024-01-01", periods=35))
    members = {"linear": {"regressor": LinearForecaster(), "lookback": 28, "weight": 1.0}}
    model = SeriesForecaster(members=members, target="y0", horizon=3).fit(frame)
    assert model.report_.table is None
    assert np.isfinite(model.predict()).all(axis=None)


@pytest.mark.parametrize("weeks", [36, 40, 50, 60])
def test_a_recipe_of_quantiles_gives_the_same_bits_where_few_windows_could_be_judged(weeks):
    frame = wide(weeks).set_axis(pd.date_range("2021-01-01", periods=weeks, freq="W"))
    model = SeriesForecaster(target="y0", horizon=12, loss="quantile", random_state=0).fit(frame)
    again = SeriesForecaster(**model.recipe_).fit(frame)
    pd.testing.assert_frame_equal(model.predict_quantiles(), again.predict_quantiles())


def test_earlier_parts_hold_the_season_that_a_naive_forecast_repeats():
    frame = wide(40).set_axis(pd.date_range("2021-01-01", periods=40, freq="h"))
    model = SeriesForecaster(target="y0", horizon=4, step=24, random_state=0).fit(frame)
    assert np.isfinite(model.report_.candidates.loc["seasonal naive", "loss"])
