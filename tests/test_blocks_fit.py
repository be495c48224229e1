"""A forecaster trained on blocks: the same bits for every layout, and what it refuses."""

import os
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from forecast import (
    ArrayBlocks,
    FrameBlocks,
    ParquetBlocks,
    RNNForecaster,
    SeriesForecaster,
    SkippedSeriesWarning,
    load,
)
from forecast._callbacks import CALLBACKS
from forecast._network import Moments
from forecast._training import PartsTraining, Recipe, shares

N, STEPS = 24, 40
DAYS = pd.date_range("2024-01-01", periods=STEPS)


def values(n=N, seed=0):
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(STEPS) * 2 * np.pi / 7 + np.arange(n)[:, None])
    return (10 * np.arange(1.0, n + 1)[:, None] + 3 * wave + rng.normal(size=(n, STEPS)) / 5).astype(np.float32)


def panel(n=N):
    return pd.DataFrame({"item": np.repeat(np.arange(n), STEPS), "day": np.tile(DAYS, n), "y": values(n).ravel()})


def network(**changes):
    return RNNForecaster(**dict(cell="gru", hidden_size=4, max_iter=2, batch_size=32, random_state=0) | changes)


def forecaster(regressor=None, **changes):
    own = dict(target="y", series="item", time="day", lookback=7, horizon=2, validation_fraction=None)
    return SeriesForecaster(network() if regressor is None else regressor, **own | changes)


def made(frame=None, n_blocks=4, **more):
    """Blocks of a frame, made by a function."""
    frame = panel() if frame is None else frame
    parts = np.array_split(frame["item"].unique(), n_blocks)
    return FrameBlocks(lambda number: frame[frame["item"].isin(parts[number])].reset_index(drop=True), n_blocks, **more)


def weights(model):
    return model.regressor_._network.theta


# -------------------- the same bits


def test_the_bits_depend_on_the_series_alone_not_on_files_row_groups_or_threads(tmp_path):
    frame = panel()
    frame.to_parquet(tmp_path / "one.parquet", index=False)
    (tmp_path / "many").mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(frame)), 5)):
        frame.iloc[rows].to_parquet(tmp_path / "many" / f"{number}.parquet", row_group_size=33, index=False)
    rows = 6 * STEPS
    array = ArrayBlocks(values(), start="2024-01-01", freq="D", series="item", time="day", block_rows=rows, sample=10)
    each = [
        forecaster(network(n_jobs=threads)).fit(blocks)
        for threads, blocks in (
            (1, ParquetBlocks(tmp_path / "one.parquet", block_rows=rows, sample=10)),
            (2, ParquetBlocks(tmp_path / "many", block_rows=rows, sample=10)),
            (3, array),
            (None, made(sample=10)),
        )
    ]
    first = each[0].predict(history=frame)
    for other in each[1:]:
        np.testing.assert_array_equal(weights(other), weights(each[0]))
        pd.testing.assert_frame_equal(other.predict(history=frame), first, check_exact=True)


def test_another_seed_gives_other_bits():
    one, other = (forecaster(network(random_state=seed)).fit(made()) for seed in (0, 1))
    assert not np.array_equal(weights(one), weights(other))
    again = forecaster(network(random_state=None), random_state=0).fit(made())
    np.testing.assert_array_equal(weights(again), weights(one))


def test_it_trains_on_the_windows_of_a_fit_in_memory_and_scales_them_alike():
    all_windows = network(early_stopping=False)
    here, there = (forecaster(all_windows).fit(data) for data in (panel(), made(sample=3)))
    assert there.n_windows_ == here.n_windows_ == N * (STEPS - 7 - 2 + 1)
    for name in ("past_mean", "past_scale", "target_mean", "target_scale"):
        own, expected = (getattr(model.regressor_._network.scaling, name) for model in (there, here))
        np.testing.assert_allclose(own, expected, rtol=1e-12)


def test_it_forecasts_as_well_as_a_fit_in_memory():
    frame = panel()
    known, ahead = frame[frame["day"] < DAYS[-2]], frame[frame["day"] >= DAYS[-2]]

    def error(model):
        return (model.predict(history=known)["y"].to_numpy() - ahead["y"].to_numpy()).astype(float)

    long = network(hidden_size=8, max_iter=15, learning_rate=0.01)
    here, there = (forecaster(long).fit(data) for data in (known, made(known)))
    assert np.abs(error(there)).mean() < 1.1 * np.abs(error(here)).mean()


MODELS = {
    "plain": dict(),
    "transform": dict(transform="standard"),
    "standard": dict(window_norm="standard"),
    "mask": dict(missing="mask"),
    "calendar": dict(calendar=["dayofweek"], level=True),
}


@pytest.mark.parametrize("name", MODELS)
def test_forecasts_in_a_file_are_those_of_predict(tmp_path, name):
    frame = panel()
    if name == "mask":
        frame.loc[frame.index % 11 == 3, "y"] = np.nan
    model = forecaster(**MODELS[name]).fit(made(frame, sample=5))
    path = tmp_path / "forecasts.parquet"
    assert model.predict_to_parquet(path, history=made(frame)) == 2 * N
    pd.testing.assert_frame_equal(pd.read_parquet(path), model.predict(history=frame), check_exact=True)
    assert os.listdir(tmp_path) == ["forecasts.parquet"]


def test_a_model_of_a_frame_forecasts_into_a_file_too(tmp_path):
    frame = panel().set_index(["item", "day"])
    model = forecaster(Ridge(), time=None).fit(frame)
    blocks = FrameBlocks(lambda number: frame.loc[8 * number : 8 * number + 7], 3)
    model.predict_to_parquet(tmp_path / "forecasts.parquet", history=blocks)
    found = pd.read_parquet(tmp_path / "forecasts.parquet").set_index(["item", "day"])
    pd.testing.assert_frame_equal(found, model.predict(history=frame), check_exact=True, check_freq=False)


@pytest.mark.parametrize("name", ["transform", "standard"])
def test_series_of_the_sample_are_forecast_as_any_other(name):
    """What the fit in memory learned of them is dropped, so that a forecast depends on the history alone."""
    newest = panel()[lambda rows: rows["day"] >= DAYS[20]].reset_index(drop=True)
    model = forecaster(**MODELS[name]).fit(made(sample=5))
    known, unknown = (model.predict(history=newest.assign(item=newest["item"] + more)) for more in (0, 100))
    np.testing.assert_array_equal(known["y"], unknown["y"])


def test_a_saved_model_gives_the_same_forecasts(tmp_path):
    model = forecaster().fit(made(sample=5))
    model.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    pd.testing.assert_frame_equal(again.predict(history=panel()), model.predict(history=panel()), check_exact=True)
    data = again.card_["data"]
    assert (data["n_series"], data["n_rows"], data["known_until"]) == (N, N * STEPS, "2024-02-09 00:00:00")


# -------------------- passes and memory


def test_max_steps_takes_a_share_of_each_block_in_one_pass():
    model = forecaster(network(max_steps=12, max_iter=50)).fit(made())
    assert (model.regressor_.n_steps_, model.regressor_.n_iter_) == (12, 1)


def test_shares_are_whole_batches_of_every_part():
    recipe = Recipe(0.1, "constant", 10, 9, True, 5, 0.0, None, None, max_steps=30)
    counts = np.array([95, 205, 400, 7])
    found = shares(counts, recipe, 0)
    assert found.shape == (1, 4)
    assert (-(-found // 10)).sum() == 30
    assert (found <= counts).all()
    assert shares(counts, Recipe(0.1, "constant", 10, 3, True, 5, 0.0, None, None), 0).tolist() == [counts.tolist()] * 3


def test_more_steps_than_a_pass_has_are_spread_over_passes():
    recipe = Recipe(0.1, "constant", 10, 9, True, 5, 0.0, None, None, max_steps=25)
    found = shares(np.array([100, 100]), recipe, 0)
    assert (-(-found // 10)).sum(axis=1).tolist() == [12, 13]


def test_moments_of_parts_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    rows = 1e6 + rng.normal(size=(50, 2))
    arguments = dict(past=rows, lookback=3, past_stride=1, target=rows[:, :1], horizon=1, target_stride=1)
    whole, parts = Moments(), Moments()
    whole.add(arguments, np.arange(40))
    for some in np.split(np.arange(40), [1, 7, 30]):
        parts.add(arguments, some)
    for name, expected in whole.found().items():
        np.testing.assert_allclose(parts.found()[name], expected, rtol=1e-9)


def test_moments_count_known_targets_and_the_windows_that_a_sample_is_of():
    rows = np.array([[0.0], [1.0], [2.0], [np.nan], [np.nan], [6.0]])
    arguments = dict(past=np.arange(6.0)[:, None], lookback=1, past_stride=1, target=rows, horizon=1, target_stride=1)
    together, late = Moments(), Moments()
    together.add(arguments, np.arange(3))
    late.add(arguments, np.arange(3, 6), known=[1])
    together.merge(late)
    assert together.found()["target_mean"][0] == pytest.approx(9 / 4)
    assert together.found()["target_std"][0] == pytest.approx(np.nanstd(rows))
    sample = Moments()
    sample.add(arguments, np.array([0, 2]), n=3)
    assert sample.n == 3


def test_at_most_three_blocks_are_in_memory_at_once(tmp_path):
    """The one that is used, the next one, and that which is being made."""
    frame, alive, most = panel(24), weakref.WeakSet(), []

    class Rows(pd.DataFrame):
        __hash__ = object.__hash__

    def make(number):
        rows = Rows(frame.iloc[number * 2 * STEPS : (number + 1) * 2 * STEPS])
        alive.add(rows)
        most.append(len(alive))
        return rows

    model = forecaster().fit(FrameBlocks(make, 12, sample=2))
    model.predict_to_parquet(tmp_path / "forecasts.parquet", history=FrameBlocks(make, 12))
    assert max(most) <= 3
    assert len(most) > 40


def test_a_callback_follows_the_passes_and_stops_them():
    seen = []

    def second(told):
        seen.append(told["epoch"])
        return told["epoch"] == 2

    model = forecaster(network(max_iter=5, early_stopping=False, callbacks=second)).fit(made(sample=2))
    assert seen == [1, 2, 1, 2]  # of the fit on the sample, and of the blocks
    assert model.regressor_.n_iter_ == 2


def test_a_training_that_diverges_keeps_finite_weights():
    wild = network(optimizer="sgd", learning_rate=1e30, max_iter=1, early_stopping=False)
    with pytest.warns(ConvergenceWarning, match="Training diverged"):
        model = forecaster(wild).fit(made())
    assert np.isfinite(weights(model)).all()


def test_a_part_that_diverges_leaves_the_weights_before_it():
    X = np.random.default_rng(0).normal(size=(64, 6))
    net = network().fit(X, X[:, -1])._network
    good = dict(past=X.reshape(-1, 1), lookback=6, past_stride=6, target=X[:, -1:], horizon=1, target_stride=1)
    bad = np.append(X[:-1, -1:], [[1e300]], axis=0)  # in the second of two batches
    recipe = Recipe(0.01, "constant", 32, 1, False, 5, 0.0, None, None)
    training = PartsTraining(net, net.new_optimizer("adam", 0.0, 0.0), np.array([64, 64]), recipe, 0)
    training.train(0, 0, net.source(good), 64)
    before = training.theta.copy()
    with pytest.warns(ConvergenceWarning, match="those before that part of the data"):
        training.train(0, 1, net.source(good | {"target": bad}), 64)
    assert training.over
    assert not np.array_equal(before, net.theta)
    np.testing.assert_array_equal(training.run.theta, before)


@pytest.mark.slow
def test_a_recipe_chooses_on_the_sample_and_trains_its_networks_on_all():
    frame = panel(60)
    model = SeriesForecaster(target="y", series="item", time="day", horizon=2, random_state=0)
    model.fit(made(frame, sample=40))
    assert "measured by a fit in memory on 40 of 60 series" in str(model.report_)
    again = SeriesForecaster(**model.recipe_).fit(made(frame, sample=40))
    pd.testing.assert_frame_equal(again.predict(history=frame), model.predict(history=frame), check_exact=True)


# -------------------- what is refused, and what warns


@pytest.mark.parametrize(("call", "words"), [
    (lambda model: model.predict(), "a forecast without history needs"),
    (lambda model: model.predict_interval(), "a forecast without history needs"),
    (lambda model: model.future_frame(), "future_frame without history needs"),
    (lambda model: model.update(panel()), "update needs"),
    (lambda model: model.score(panel()), "a forecast without history needs"),
    (lambda model: model.monitor(), "monitor needs"),
])  # fmt: skip
def test_a_model_of_blocks_keeps_no_rows_and_says_so(call, words):
    model = forecaster().fit(made(sample=3))
    with pytest.raises(ValueError, match=rf"{words} the newest rows of the series, and a fit on blocks keeps none"):
        call(model)
    with pytest.raises(AttributeError, match="a fit on blocks keeps no rows"):
        model.history_  # noqa: B018


def test_fine_tuning_for_some_series_gives_a_model_that_has_their_rows():
    tuned = forecaster().fit(made()).fine_tune(panel(3), max_iter=1)
    assert tuned.predict()["item"].unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize(("changes", "words"), [
    (dict(regressor=Ridge()), "regressor: Ridge needs all windows at once"),
    (dict(members={"one": {"regressor": Ridge()}}), "members: Ridge needs all windows at once"),
    (dict(regressor=network(stateful=True), window_norm=None, horizon=1), "stateful=True carries states"),
    (dict(regressor=network(series_size=2)), r"series_size=2 learns values of each series.* Fix: series_size=0\."),
    (dict(regressor=network(cycle=7)), r"cycle=7 learns values of each series.* Fix: cycle=\(7, 'shared'\)\."),
    (dict(regressor=network(early_stopping=True)), r"early_stopping=True holds out .* Fix: early_stopping='auto'\."),
    (dict(regressor=network(warm_start=True)), r"warm_start=True a fit on blocks starts .* Fix: warm_start=False\."),
    (dict(half_life=5.0), r"half_life=5\.0 weighs rows .* Fix: half_life=None\."),
    (dict(gaps="irregular"), "gaps='irregular' is not for blocks"),
    (dict(target=None), "target is None, and X is read in blocks; expected the columns to forecast"),
    (dict(series=None), "series is None, and X is read in blocks; expected the columns that name the series"),
])  # fmt: skip
def test_what_blocks_cannot_do_is_refused_by_name(changes, words):
    model = forecaster(**changes).set_params(**{"regressor": None} if "members" in changes else {})
    with pytest.raises((TypeError, ValueError), match=words):
        model.fit(made())


@pytest.mark.parametrize("name", ["y", "X_val", "y_val", "static", "sample_weight"])
def test_other_arguments_of_fit_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is given, and X is read in blocks"):
        forecaster().fit(made(), **{name: panel()})


def test_callbacks_of_scikit_learn_are_refused():
    model = forecaster()
    setattr(model, CALLBACKS, [object()])
    with pytest.raises(ValueError, match=r"set_callbacks: follow fits in memory.* Fix: model\.set_callbacks\(\)\."):
        model.fit(made())


def test_targets_that_share_a_network_are_series_of_their_own(tmp_path):
    frame = panel().assign(x=lambda rows: 100 - rows["y"])
    model = forecaster(target=["y", "x"], multi_target="shared").fit(made(frame))
    assert model.n_windows_ == 2 * N * (STEPS - 7 - 2 + 1)
    model.predict_to_parquet(tmp_path / "forecasts.parquet", history=made(frame))
    found = pd.read_parquet(tmp_path / "forecasts.parquet")
    pd.testing.assert_frame_equal(found, model.predict(history=frame), check_exact=True)


def test_series_too_short_for_a_transform_are_counted(tmp_path):
    frame = panel()
    frame = frame[(frame["item"] % 6 != 5) | (frame["day"] >= DAYS[-1])]
    with pytest.warns(SkippedSeriesWarning, match="4 of 24 series take no part in training"):
        forecaster(transform="standard").fit(made(frame, sample=1))


def test_members_are_trained_on_the_same_blocks():
    members = {"one": {"regressor": network()}, "two": {"regressor": network(cell="lstm"), "lookback": 5}}
    model = SeriesForecaster(
        target="y", series="item", time="day", horizon=2, members=members, lookback=7, validation_fraction=None
    ).fit(made())
    alone = forecaster(**members["two"]).fit(made())
    np.testing.assert_array_equal(weights(model.members_["two"]), weights(alone))


def test_files_need_the_name_of_the_time(tmp_path):
    with pytest.raises(ValueError, match="time is None, and X is read in blocks"):
        forecaster(time=None).fit(ParquetBlocks(tmp_path))


def test_a_refusal_of_rows_names_the_block():
    frame = panel()
    frame.loc[20 * STEPS + 3, "y"] = np.nan
    with pytest.raises(ValueError, match=r"block 3: target 'y' has 1 missing values.*\(20, 2024-01-04"):
        forecaster().fit(made(frame, sample=1))


def test_a_series_in_two_blocks_is_refused():
    blocks = FrameBlocks(lambda number: panel(3), 2, sample=1)
    with pytest.raises(
        ValueError, match=r"series 0 is in block 0 and in block 1; expected all rows of a series in one"
    ):
        forecaster().fit(blocks)


def test_rows_that_change_between_passes_are_refused():
    calls = []

    def make(number):
        calls.append(number)
        return panel(4).iloc[: -1 if len(calls) > 3 else None].assign(item=lambda rows: rows["item"] + 10 * number)

    with pytest.raises(ValueError, match=r"block . has 127 windows now, and had 128 in the first pass"):
        forecaster().fit(FrameBlocks(make, 2, sample=1))


def test_short_series_are_left_out_with_a_warning(tmp_path):
    frame = panel()
    frame = frame[(frame["item"] % 6 != 5) | (frame["day"] >= DAYS[-4])]
    with pytest.warns(SkippedSeriesWarning, match="4 of 24 series take no part in training"):
        model = forecaster().fit(made(frame, sample=1))
    with pytest.warns(SkippedSeriesWarning):
        written = model.predict_to_parquet(tmp_path / "forecasts.parquet", history=made(frame, n_blocks=24))
    assert written == 2 * 20


def test_a_file_of_forecasts_needs_blocks_without_known_future(tmp_path):
    frame = panel().assign(holiday=0.0)
    model = forecaster(future_covariates="holiday").fit(made(frame))
    with pytest.raises(ValueError, match=r"future covariates \['holiday'\], and blocks have none of the steps ahead"):
        model.predict_to_parquet(tmp_path / "a.parquet", history=made(frame))
    with pytest.raises(TypeError, match="history is a DataFrame; expected ParquetBlocks"):
        model.predict_to_parquet(tmp_path / "a.parquet", history=frame)
    assert os.listdir(tmp_path) == []
