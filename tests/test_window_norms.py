"""What is subtracted from windows: fractions of the lookback, seasons, floors of noise, and the way back."""

import pickle

import numpy as np
import pandas as pd
import pytest
from model_bytes import with_tree
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster, Windows, _core, make_windows
from forecast._series import windows_of_frame
from forecast._series.backtesting import read_rows
from forecast._series.forecasting import from_origins
from forecast._windows import noise_floor, without_motion
from forecast.cli.options import window_norm as from_text

LOOKBACK, HORIZON = 10, 5
NORMS = [("mean", 0.1), ("mean", 0.25), ("standard", 0.3), ("standard", 0.01), ("season", 4), ("season", 10)]
PLAIN = [None, "last", "mean", "standard"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(70, 3)).cumsum(axis=0) + 5
    return pd.DataFrame(values, columns=list("abc"), index=pd.date_range("2024-03-20", periods=70, freq="h"))


def level_of(norm, past, n, floor):
    """What is subtracted from one past (T,) and the n steps after it, and what that is divided by."""
    kind, number = norm
    if kind == "season":
        return np.array([past[t % number :: number].mean() for t in range(len(past) + n)]), 1.0
    newest = past[-max(int(np.ceil(number * len(past))), 2 if kind == "standard" else 1) :]
    return newest.mean(), max(newest.std(), floor) if kind == "standard" else 1.0


@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_past_and_future_of_every_target_lose_their_level_and_get_it_back(frame, norm, dtype):
    arguments = dict(target=["b", "a"], lookback=LOOKBACK, horizon=HORIZON, past_covariates="c")
    plain = make_windows(frame.astype(dtype), **arguments)[::7]
    windows = make_windows(frame.astype(dtype), **arguments, window_norm=norm)[::7]
    past = np.asarray(plain, dtype=float).reshape(-1, LOOKBACK, 3)
    future = np.asarray(plain.y, dtype=float).reshape(-1, HORIZON, 2)
    floors = 0.25 * frame[["b", "a"]].diff().abs().median().to_numpy()
    for w in range(len(plain)):
        for target in range(2):
            level, scale = level_of(norm, past[w, :, target], HORIZON, floors[target])
            level = np.broadcast_to(level, LOOKBACK + HORIZON)
            past[w, :, target] = (past[w, :, target] - level[:LOOKBACK]) / scale
            future[w, :, target] = (future[w, :, target] - level[LOOKBACK:]) / scale
    near = dict(rtol=0, atol=1e-12 if dtype is np.float64 else 1e-4)
    np.testing.assert_allclose(np.asarray(windows).reshape(past.shape), past, **near)
    np.testing.assert_allclose(np.asarray(windows.y).reshape(future.shape), future, **near)
    assert windows.dtype == np.asarray(windows).dtype == dtype
    np.testing.assert_allclose(windows.restore(windows.y), np.asarray(plain.y), **near)
    np.testing.assert_allclose(windows.normalize(plain.y), np.asarray(windows.y), **near)


@pytest.mark.parametrize("norm", [*PLAIN, *NORMS], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_core_gathers_the_bits_of_the_matrix(frame, norm, dtype):
    floor = 1.0 if "standard" in (norm, norm and norm[0]) else None
    windows = make_windows(
        frame.astype(dtype), target=["b", "a"], lookback=LOOKBACK, horizon=HORIZON, past_covariates="c",
        window_norm=norm, window_floor=floor,
    )[::3]  # fmt: skip
    found = _core.gathered(_core.Source(**windows.source_arguments()), np.arange(len(windows)), dtype=dtype)
    assert found.tobytes() == np.asarray(windows).reshape(found.shape).tobytes()


@pytest.mark.parametrize("kind", ["mean", "standard"])
def test_the_whole_lookback_is_the_plain_norm_to_the_bit(frame, kind):
    arguments = dict(target="a", lookback=LOOKBACK, horizon=HORIZON)
    for norm in ((kind, 1.0), (kind, 1), (kind, 0.91), [kind, 1.0]):
        windows, plain = (make_windows(frame, **arguments, window_norm=one) for one in (norm, kind))
        assert np.asarray(windows).tobytes() == np.asarray(plain).tobytes()
        assert np.asarray(windows.y).tobytes() == np.asarray(plain.y).tobytes()


def test_a_fraction_is_rounded_up_to_whole_steps_and_no_further():
    values = np.arange(120.0)[:, None] ** 2
    assert 0.07 * 100 > 7
    for fraction, steps in ((0.07, 7), (0.3, 30), (0.55, 55), (0.071, 8), (1 / 4, 25), (1e-9, 1)):
        windows = Windows(values, [105], lookback=100, horizon=1, window_norm=("mean", fraction))
        assert windows.restore([[0.0]])[0, 0] == pytest.approx(values[106 - steps : 106].mean(), rel=1e-12)


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_windows_keep_their_norm_through_indexing_and_pickle(frame, norm):
    floor = [0.5, 2.0] if norm[0] == "standard" else None
    arguments = dict(target=["a", "b"], lookback=LOOKBACK, horizon=HORIZON)
    windows = make_windows(frame, **arguments, window_norm=norm, window_floor=floor)
    part = pickle.loads(pickle.dumps(windows))[3:9]
    assert np.asarray(part).tobytes() == np.asarray(windows)[3:9].tobytes()
    assert part.restore(part.y).tobytes() == windows.restore(windows.y)[3:9].tobytes()
    assert windows.y[3:9].belongs_to(windows[3:9])
    for other in (dict(window_norm="mean"), dict(window_norm=norm, window_floor=9.0) if floor else dict()):
        assert not windows.y.belongs_to(make_windows(frame, **arguments, **other))


BAD = {
    "an unknown kind": ("median", 'expected None, "last", "mean"'),
    "a season without a length": ("season", "expected None"),
    "an unknown kind with a number": (("last", 0.1), "expected None"),
    "three parts": (("mean", 0.1, 2), "expected None"),
    "no number": (("mean", None), "expected None"),
    "a number alone": (3, "expected None"),
    "nothing of the lookback": (("mean", 0.0), "expected a fraction over 0 and up to 1"),
    "more than all": (("standard", 1.5), "expected a fraction over 0 and up to 1"),
    "a truth": (("mean", True), "expected a fraction over 0 and up to 1"),
    "half a season": (("season", 3.5), "expected a season of a whole number of steps"),
    "no season": (("season", 0), "expected a season of a whole number of steps"),
    "more than a lookback": (("season", 11), "lookback is 10: .* Expected a lookback of 11"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_norm_that_makes_no_sense_is_refused_by_name(frame, what):
    norm, message = BAD[what]
    with pytest.raises(ValueError, match=f"window_norm.*{message}"):
        make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm=norm)
    with pytest.raises(ValueError, match="window_norm"):
        SeriesForecaster(Ridge(), target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm=norm).fit(frame)


@pytest.mark.parametrize(
    ("floor", "message"),
    [
        ([1.0, 2.0, 3.0], r"window_floor has shape \(1, 3\)"),
        (np.ones((2, 2)), r"window_floor has shape \(2, 2\)"),
        (-1.0, "0 or more"),
        (np.nan, "finite"),
    ],
)
def test_a_floor_that_makes_no_sense_is_refused_by_name(frame, floor, message):
    arguments = dict(target=["a", "b"], lookback=LOOKBACK, horizon=HORIZON)
    with pytest.raises(ValueError, match=message):
        make_windows(frame, **arguments, window_norm="standard", window_floor=floor)
    with pytest.raises(ValueError, match="window_floor is for window_norm='standard'"):
        make_windows(frame, **arguments, window_norm="mean", window_floor=1.0)


# -------------------- floors


def test_the_floor_is_the_least_that_a_window_is_divided_by():
    values = np.array([3.0, 3.0, 3.0, 3.5, 3.0, 9.0, 1.0, 4.0])[:, None]
    arguments = dict(lookback=3, horizon=1, window_norm="standard")
    for floor in (None, 0.0, 0.5, 1e3):
        windows = Windows(values, np.arange(2, 7), **arguments, window_floor=floor)
        found = windows.restore(np.ones((5, 1))) - windows.restore(np.zeros((5, 1)))
        deviation = np.lib.stride_tricks.sliding_window_view(values[:7, 0], 3).std(axis=1)
        expected = np.maximum(deviation, 3e-3 if floor is None else floor)
        expected[expected == 0] = 1.0
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


def test_noise_is_measured_where_there_is_some_and_never_below_roundings():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4001, 1))
    typical = 0.25 * np.median(np.abs(np.diff(noise[:, 0])))
    assert noise_floor(noise)[0] == pytest.approx(typical)
    np.testing.assert_allclose(noise_floor(noise + 1e6), typical, rtol=1e-6)
    np.testing.assert_allclose(noise_floor(noise * 1e-5), typical * 1e-5)
    jump = noise + 1e9 * (np.arange(4001) > 2000)[:, None]
    np.testing.assert_allclose(noise_floor(jump), typical, rtol=1e-2)
    rare = np.where(rng.random((4001, 1)) < 0.05, 7.0, 0.0)
    assert noise_floor(rare)[0] == 0.25 * 7
    holes = noise.copy()
    holes[::9] = np.nan
    assert noise_floor(holes)[0] == pytest.approx(typical, rel=0.1)
    assert noise_floor(np.full((9, 1), 7.1))[0] == noise_floor(np.full((9, 1), np.nan))[0] == 0.0
    rounded = np.float32(1000) + np.float32(6.1e-5) * (np.arange(99) % 2).astype(np.float32)[:, None]
    assert noise_floor(rounded)[0] == pytest.approx(4 * 1.19e-7 * 1000, rel=1e-2)
    assert noise_floor(np.concatenate([noise, 10 * noise], axis=1))[1] == pytest.approx(10 * typical)


@pytest.mark.parametrize("level", [7.78, 50.0, 293.0, 1000.0])
@pytest.mark.parametrize("norm", ["standard", ("standard", 0.5)], ids=str)
def test_a_constant_added_to_a_series_is_added_to_its_forecast_and_nothing_else(norm, level):
    rng = np.random.default_rng(1)
    wave = 1e-3 * np.sin(np.arange(300) * np.pi / 6) + 5e-5 * rng.normal(size=300)

    def predicted(values):
        frame = pd.DataFrame({"y": values}, index=pd.date_range("2024", periods=300, freq="min"))
        model = SeriesForecaster(Ridge(), lookback=24, horizon=12, window_norm=norm).fit(frame)
        return model.predict()["y"].to_numpy()

    low = predicted(wave)
    np.testing.assert_allclose(predicted(level + wave) - level, low, rtol=0, atol=1e-8)


def several(quiet=1e-3):
    days = pd.date_range("2024-01-01", periods=120)
    rng = np.random.default_rng(2)
    calm = np.where(np.arange(120) < 40, 1.0, 1e-2)
    parts = {"loud": rng.normal(size=120) * 5, "quiet": 100 + quiet * rng.normal(size=120)}
    parts["new"] = rng.normal(size=120) * calm  # its later windows barely move
    return pd.concat([pd.DataFrame({"shop": name, "y": y}, index=days) for name, y in parts.items()])


def on_shops(**changes):
    settings = dict(target="y", series="shop", lookback=12, horizon=3, window_norm="standard") | changes
    return SeriesForecaster(Ridge(), **settings)


def test_every_series_has_a_floor_of_its_own_from_the_training_rows():
    frame = several()
    train = frame[(frame["shop"] != "new") & (frame.index < "2024-04-01")]
    preparation = on_shops().fit(train)._state.preparation
    assert set(preparation.floors) == {"loud", "quiet"}
    for name, floor in preparation.floors.items():
        rows = train[train["shop"] == name]["y"]
        assert floor == pytest.approx(0.25 * rows.diff().abs().median())
    for transform in ("difference", "log"):
        values = frame.assign(y=frame["y"] - frame["y"].min() + 1)
        floors = on_shops(transform=transform).fit(values)._state.preparation.floors
        changed = values.groupby("shop")["y"].diff() if transform == "difference" else np.log(values["y"])
        for name, floor in floors.items():
            assert floor == pytest.approx(0.25 * changed[values["shop"] == name].diff().abs().median())


def test_a_series_that_fit_did_not_have_is_measured_up_to_each_origin():
    frame = several()
    model = on_shops().fit(frame[frame["shop"] != "new"])
    rows = read_rows(model, frame)
    first = rows.starts[rows.keys.index("new")]
    origins = first + np.array([60, 80, 100])
    found = from_origins(model._state, rows, origins, 3)
    for origin, forecasts in zip(origins - first, found, strict=True):
        history = frame[frame["shop"] == "new"].iloc[: origin + 1]
        np.testing.assert_array_equal(model.predict(history=history)["y"].to_numpy(), forecasts[:, 0])
    changed = frame.copy()
    changed.iloc[first + 61 :, 1] *= 1e3
    moved = from_origins(model._state, read_rows(model, changed), origins, 3)
    assert moved[0].tobytes() == found[0].tobytes()
    assert (moved[1:] != found[1:]).any()


# -------------------- through the forecaster


def wavy(n=200):
    rng = np.random.default_rng(3)
    t = np.arange(n)
    values = 50 + 0.05 * t + 8 * np.sin(t * np.pi / 12) + rng.normal(size=n)
    return pd.DataFrame({"y": values}, index=pd.date_range("2024-01-01", periods=n, freq="h", name="hour"))


EVERY = ["standard", ("mean", 0.1), ("standard", 0.3), ("season", 24)]


@pytest.mark.parametrize("norm", EVERY, ids=str)
@pytest.mark.parametrize("regressor", ["ridge", "network"])
def test_a_model_file_keeps_the_norm_and_its_forecast(norm, regressor, tmp_path):
    network = RNNForecaster(hidden_size=4, max_iter=3, random_state=0)
    model = SeriesForecaster(
        Ridge() if regressor == "ridge" else network, lookback=48, horizon=24, window_norm=norm
    ).fit(wavy())
    model.save(tmp_path / "model.forecast")
    loaded = forecast.load(tmp_path / "model.forecast")
    assert loaded.window_norm == norm
    pd.testing.assert_frame_equal(loaded.predict(), model.predict(), check_exact=True)
    history = wavy(230)
    pd.testing.assert_frame_equal(loaded.predict(history=history), model.predict(history=history), check_exact=True)


def members(tree):
    """Every dict in a tree."""
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from members(part)


def test_a_file_without_floors_divides_by_a_thousandth_of_the_level_as_it_did(tmp_path):
    frame = wavy() * 1e-3 + 1e3
    model = SeriesForecaster(Ridge(), lookback=48, horizon=24, window_norm="standard").fit(frame)
    model._state.preparation.floors = None

    def change(tree):
        found = [one for one in members(tree) if "floors" in one]
        assert len(found) == 1
        del found[0]["floors"]

    (tmp_path / "old").write_bytes(with_tree(model, tmp_path, change))
    loaded = forecast.load(tmp_path / "old")
    windows = windows_of_frame(loaded, frame)
    sizes = {"lookback": 48, "horizon": 24, "window_norm": "standard"}
    plain = Windows(frame.to_numpy(), windows.origins, **sizes)  # make_windows measures a floor
    measured = SeriesForecaster(Ridge(), **sizes).fit(frame)
    own = windows_of_frame(measured, frame)
    assert np.array_equal(np.asarray(make_windows(frame, **sizes)), np.asarray(own)[: len(frame) - 48 - 24 + 1])
    assert windows.window_floor is None
    assert np.asarray(windows).tobytes() == np.asarray(plain).tobytes()
    spread = windows[:1].restore(np.ones((1, 24))) - windows[:1].restore(np.zeros((1, 24)))
    np.testing.assert_allclose(spread, 1e-3 * frame["y"].iloc[:48].mean(), rtol=1e-9)
    pd.testing.assert_frame_equal(loaded.predict(), model.predict(), check_exact=True)


def test_a_season_is_repeated_where_the_regressor_says_nothing():
    class Nothing(Ridge):
        def predict(self, X):
            return np.zeros((len(X), 24))

    frame = wavy()
    found = SeriesForecaster(Nothing(), lookback=48, horizon=24, window_norm=("season", 24)).fit(frame).predict()
    expected = frame["y"].to_numpy()[-48:].reshape(2, 24).mean(axis=0)
    np.testing.assert_allclose(found["y"], expected, rtol=1e-12)


@pytest.mark.parametrize("norm", EVERY, ids=str)
def test_the_newest_observation_moves_the_first_step(norm):
    frame = wavy()
    model = SeriesForecaster(Ridge(), lookback=48, horizon=24, window_norm=norm).fit(frame)
    changed = frame.copy()
    changed.iloc[-1] += 3.0
    first, other = (model.predict(history=rows)["y"].iloc[0] for rows in (frame, changed))
    assert abs(first - other) > 1e-3


def test_norms_are_written_on_the_command_line_as_name_and_number():
    texts = {
        "last": "last", "none": "none", "mean:0.1": ("mean", 0.1), "standard:0.3": ("standard", 0.3),
        "season:24": ("season", 24),
    }  # fmt: skip
    for text, norm in texts.items():
        assert from_text(text) == norm
    for text in ("median", "last:3", "season", "season:1.5", "mean:", "mean:a", "", ":3"):
        with pytest.raises(Exception, match="is not last, mean, standard, none, mean:SHARE"):
            from_text(text)


def two_series():
    """One that never moves, and one that does; each with a floor of its own."""
    values = np.concatenate([np.full(20, 3.0), np.sin(np.arange(20.0))])[:, None]
    origins = np.r_[9:15, 29:35]
    options = dict(window_norm="standard", window_floor=[[0.0], [2.0]], starts=np.array([0, 20, 40]))
    return Windows(values, origins, lookback=LOOKBACK, horizon=HORIZON, **options)


def test_the_core_reads_the_floor_of_each_of_two_series():
    windows = two_series()
    found = _core.gathered(_core.Source(**windows.source_arguments()), np.arange(len(windows)), dtype="float64")
    assert found.tobytes() == np.asarray(windows).reshape(found.shape).tobytes()
    assert np.abs(np.asarray(windows)[6:]).max() < 1, "the deviation of the second is below its floor"


def test_a_series_that_never_moved_is_without_motion_and_no_other():
    assert without_motion(two_series()).ravel().tolist() == [True] * 6 + [False] * 6


def test_static_values_of_another_number_of_series_are_refused_with_both_numbers():
    options = dict(lookback=1, horizon=1, static=np.zeros((3, 1)), starts=np.array([0, 20, 40]))
    with pytest.raises(ValueError, match="static has 3 rows, there are 2 series"):
        Windows(np.zeros((40, 1)), [1], **options)
