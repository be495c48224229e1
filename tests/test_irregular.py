"""`gaps="irregular"`: rows at any times, each a step; forecasts at steps of `freq`, or at any times that are asked."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import LinearForecaster, RNNForecaster, SeriesForecaster, Windows, load, make_windows
from forecast._frames import steps_since_epoch
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def stamps_of(n=160, seed=0, tz=None, unit="s"):
    """Seconds between 1 minute and some hours apart."""
    apart = np.random.default_rng(seed).exponential(3600.0, size=n).astype(np.int64) + 60
    return (pd.Timestamp("2024-03-29", tz=tz) + pd.to_timedelta(apart.cumsum(), unit="s")).as_unit(unit).rename("time")


def frame_of(n=160, seed=0, **more):
    index = stamps_of(n, seed, **more)
    hours = np.asarray((index - index[0]) / pd.Timedelta(hours=1))
    rng = np.random.default_rng(seed + 1)
    wave = np.sin(2 * np.pi * hours / 24) + 0.1 * rng.normal(size=n)
    return pd.DataFrame({"y": wave, "x": rng.normal(size=n)}, index=index)


def panel_of(**more):
    parts = [frame_of(120 + 20 * seed, seed, **more).assign(sensor=name) for seed, name in enumerate("ab")]
    return pd.concat(parts)


def network(**changes):
    return RNNForecaster(**dict(cell="gru_decay", decoder="steps", hidden_size=4, max_iter=3, random_state=0) | changes)


def model(regressor=None, **changes):
    arguments = dict(target="y", lookback=8, horizon=4, freq="h", gaps="irregular", past_covariates="x") | changes
    return SeriesForecaster(network() if regressor is None else regressor, **arguments)


FRAME = frame_of()


# -------------------- what windows read


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_times_are_instants_counted_from_the_newest_row(tz, unit):
    """Across the change of clocks of 31 March; the resolution of the stamps does not matter."""
    frame = frame_of(tz=tz, unit=unit)
    fitted = model(Ridge()).fit(frame)
    (member, _), *_ = fitted._state.parts
    rows = fitted._state.read(frame, fitted._rules(), "X")
    windows = member.preparation.windows(rows, [20, 60])
    assert windows.channel_names == ["y", "x", "time", "time since the row before"]
    assert (windows.stamps, windows.elapsed) == ((2, 0), 3)
    past, ahead = np.split(np.asarray(windows), [8 * 4], axis=1)
    hours = np.asarray((frame.index.tz_convert("UTC") if tz else frame.index).as_unit("s").asi8) / 3600
    for window, newest in enumerate((20, 60)):
        channels = past[window].reshape(8, 4)
        assert channels[:, 2] == pytest.approx(hours[newest - 7 : newest + 1] - hours[newest], abs=1e-9)
        assert channels[:, 3] == pytest.approx(np.diff(hours[newest - 8 : newest + 1]), abs=1e-9)
        assert ahead[window] == pytest.approx(hours[newest + 1 : newest + 5] - hours[newest], abs=1e-9)


def test_the_core_gathers_what_the_matrix_of_the_windows_holds():
    """The same forecast of windows and of their matrix, in which times are counted already."""
    fitted = model().fit(FRAME)
    (member, _), *_ = fitted._state.parts
    rows = fitted._state.read(FRAME, fitted._rules(), "X")
    windows = member.preparation.windows(rows, np.arange(10, 150))
    found = member.regressor.predict(windows)
    assert np.allclose(found, member.regressor.predict(np.asarray(windows)), atol=1e-6)


def test_whole_numbers_and_steps_that_stamps_do_not_divide():
    assert steps_since_epoch(pd.Index([7, 10, 20]), 4).tolist() == [1.75, 2.5, 5.0]
    stamps = pd.DatetimeIndex(["1970-01-01 00:00:01", "1970-01-01 00:00:02"]).as_unit("s")
    assert steps_since_epoch(stamps, pd.offsets.Milli(1500)).tolist() == pytest.approx([2 / 3, 4 / 3])


def test_the_date_does_not_matter():
    early = model().fit(FRAME).predict()["y"].to_numpy()
    late = FRAME.set_axis(FRAME.index + pd.Timedelta(days=7 * 52 * 20))
    assert np.allclose(model().fit(late).predict()["y"].to_numpy(), early, atol=1e-5)


@pytest.mark.parametrize("regressor", [None, Ridge(), network(cell="lstm"), network(decoder="recurrent")])
def test_nothing_after_the_origin_is_read_but_the_times_asked_for(regressor):
    fitted = model(regressor).fit(FRAME[:120])
    changed = FRAME.copy()
    changed.iloc[100:] += 50.0
    assert fitted.predict(history=FRAME[:100]).equals(fitted.predict(history=changed[:100]))
    asked = pd.DataFrame(index=FRAME.index[120:124])
    moved = pd.DataFrame(index=FRAME.index[120:124] + pd.Timedelta(minutes=50))
    assert not np.array_equal(fitted.predict(asked)["y"], fitted.predict(moved)["y"])


# -------------------- steps of the forecast


def test_forecasts_stand_at_steps_of_freq_after_the_newest_row():
    fitted = model().fit(FRAME)
    expected = pd.DatetimeIndex([FRAME.index[-1] + pd.Timedelta(hours=k) for k in range(1, 5)], name="time")
    assert fitted.predict().index.equals(expected)
    assert fitted.predict(2).index.equals(expected[:2])
    assert fitted.future_frame().index.equals(expected)


def test_without_freq_it_is_the_usual_step():
    assert model(freq=None).fit(FRAME)._state.axis.freq == pd.offsets.Hour()
    rare = FRAME.set_axis(FRAME.index[0] + (FRAME.index - FRAME.index[0]) * 24 * 40)
    assert model(freq=None).fit(rare)._state.axis.freq.n >= 20  # days, in place of months
    counted = FRAME.set_axis(np.cumsum(np.random.default_rng(0).integers(1, 9, len(FRAME))))
    fitted = model(freq=None).fit(counted)
    usual = round(np.median(np.diff(counted.index)))
    assert fitted.predict().index.tolist() == [counted.index[-1] + usual * k for k in range(1, 5)]


def test_days_follow_the_calendar_and_their_length_does_not():
    fitted = model(freq="D").fit(frame_of(tz="Europe/Berlin"))
    last = fitted.predict().index
    assert len({stamp.time() for stamp in last}) == 1


@pytest.mark.parametrize("regressor", [None, Ridge()])
def test_any_later_times_can_be_asked_for(regressor):
    fitted = model(regressor).fit(FRAME)
    when = FRAME.index[-1] + pd.to_timedelta([7, 20, 301], unit="min")
    found = fitted.predict(pd.DataFrame(index=when.rename("time")))
    assert found.index.equals(when)
    full = fitted.predict(pd.DataFrame(index=when.append(when[-1:] + pd.Timedelta(hours=1)).rename("time")))
    assert np.array_equal(full["y"][:3], found["y"])
    for wrong in (when[::-1], when - pd.Timedelta(days=1), when.tz_localize("UTC")):
        with pytest.raises(ValueError, match="does not continue the fitted data"):
            fitted.predict(pd.DataFrame(index=wrong))


def test_more_steps_than_the_horizon_are_fed_back():
    fitted = model(past_covariates=None).fit(FRAME[["y"]])
    with pytest.warns(UserWarning, match="horizon"):
        found = fitted.predict(9)
    assert np.array_equal(found["y"][:4], fitted.predict()["y"])
    assert (np.diff(found.index) == pd.Timedelta(hours=1)).all()


def test_known_future_covariates_and_a_calendar_stand_next_to_the_times():
    fitted = model(past_covariates=None, future_covariates="x", calendar=["hour"]).fit(FRAME)
    future = fitted.future_frame()
    future["x"] = 1.0
    assert fitted.predict(future).notna().all(axis=None)
    later = FRAME[-4:].set_axis(FRAME.index[-4:] + pd.Timedelta(days=3))
    assert fitted.predict(later[["x"]]).index.equals(later.index)


# -------------------- the life of a model


@pytest.mark.parametrize("regressor", [None, Ridge(), network(cell="gru", decoder="recurrent")])
@pytest.mark.parametrize("make", [frame_of, panel_of])
def test_update_is_the_history_and_a_file_keeps_both(make, regressor, tmp_path):
    whole = make()
    series = {"series": "sensor"} if "sensor" in whole else {}
    cut = whole.index.sort_values()[-30]
    fitted = model(regressor, **series).fit(whole[whole.index <= cut])
    fitted.save(tmp_path / "model.forecast")
    other = load(tmp_path / "model.forecast")
    expected = fitted.predict(history=whole)
    for one in (fitted, other):
        one.update(whole[whole.index > cut])
        assert one.predict().equals(expected)
    late = whole[whole.index > cut]
    with pytest.raises(ValueError, match="rows are not new"):
        fitted.update(late)
    assert fitted.update(late, overlap="skip").predict().equals(expected)
    later = late.set_axis(late.index + pd.Timedelta(days=9))
    assert fitted.update(later, refit="continue").predict().notna().all(axis=None)


@pytest.mark.parametrize("refit", [False, True, "weights"])
def test_a_backtest_forecasts_each_row_at_its_own_time(refit):
    report = backtest(model(), FRAME, RollingOrigin(n_splits=3, horizon=4), refit=refit, coverage=0.8)
    mine = report.frame[report.frame["model"] == "RNNForecaster"]
    assert mine["timestamp"].isin(FRAME.index).all()
    assert np.array_equal(mine["actual"], FRAME.loc[mine["timestamp"], "y"])
    if refit is False:
        origin = mine["origin"].iloc[0]
        fitted = model().fit(FRAME[:origin])
        ahead = pd.DataFrame(index=FRAME.index[FRAME.index > origin][:4])
        assert np.array_equal(fitted.predict(ahead)["y"], mine["forecast"][:4])


def test_longer_test_parts_are_forecast_at_the_times_of_their_rows():
    one = model(past_covariates=None)
    with pytest.warns(UserWarning, match="horizon"):
        report = backtest(one, FRAME[["y"]], RollingOrigin(n_splits=2, horizon=7), refit=False)
    mine = report.frame[report.frame["model"] == "RNNForecaster"][:7]
    fitted = one.fit(FRAME.loc[: mine["origin"].iloc[0], ["y"]])
    with pytest.warns(UserWarning, match="horizon"):
        expected = fitted.predict(pd.DataFrame(index=pd.DatetimeIndex(mine["timestamp"])))
    assert np.array_equal(expected["y"], mine["forecast"])


def test_missing_values_are_masked_and_intervals_stand_around_the_forecast():
    holed = FRAME.copy()
    holed.iloc[5::7, 0] = np.nan
    fitted = model(missing="mask", validation_fraction=0.2).fit(holed)
    found = fitted.predict_interval(coverage=0.8)
    assert found.notna().all(axis=None)
    assert fitted.predict().notna().all(axis=None)


def test_x_val_follows_at_any_time_and_weights_belong_to_rows():
    fitted = model(Ridge()).fit(FRAME[:120], X_val=FRAME[120:], sample_weight=np.ones(120))
    assert fitted.report_ is not None
    with pytest.raises(ValueError, match="X_val begins at"):
        model(Ridge()).fit(FRAME[:120], X_val=FRAME[110:])


def test_several_targets_shared_members_and_a_transform():
    both = dict(target=["y", "x"], past_covariates=None)
    for changes in (dict(multi_target="shared"), dict(transform="difference"), dict(window_norm="standard")):
        assert model(**both, **changes).fit(FRAME).predict().shape == (4, 2)
    members = {"a": {"regressor": Ridge()}, "b": {"regressor": network(), "lookback": 5}}
    mixed = SeriesForecaster(members=members, target="y", lookback=8, horizon=4, gaps="irregular").fit(FRAME[["y"]])
    assert mixed.predict().notna().all(axis=None)


def test_the_command_line_takes_rows_at_any_times(tmp_path):
    from forecast.cli.command import main

    FRAME.to_csv(tmp_path / "rows.csv")
    file = tmp_path / "model.forecast"
    words = ["fit", str(tmp_path / "rows.csv"), "--time", "time", "--target", "y", "--horizon", "4", "--lookback", "8"]
    words += ["--gaps", "irregular", "--cell", "gru_decay", "--max-iter", "2", "--freq", "h", "--output", str(file)]
    assert main(words) == 0
    assert load(file).predict().index[0] == FRAME.index[-1] + pd.Timedelta(hours=1)


# -------------------- refusals


def test_an_irregular_index_names_the_way_out():
    with pytest.raises(ValueError, match=r"gaps='irregular'\) takes rows at any times"):
        model(gaps="error", freq=None).fit(FRAME)


REFUSED = {
    "'irregular' is for a regressor": dict(regressor=None, lookback="auto"),
    "is not a season": dict(window_norm=("season", 4)),
    "lookback=0 with gaps='irregular'": dict(lookback=0, regressor=network(encoder="dense", decoder="recurrent"),
                                             calendar=["hour"]),
    "return_sequences or stateful": dict(regressor=network(decoder="dense", return_sequences=True)),
    "trading_calendar says which sessions": dict(freq=None, trading_calendar=[]),
    "'MS' has no one length": dict(freq="MS"),
    "cycle=24: rows at irregular times": dict(regressor=network(cycle=24)),
    "LinearForecaster has a weight for each lag": dict(regressor=LinearForecaster()),
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_needs_equal_steps_is_refused_by_name(message):
    arguments = dict(target="y", lookback=8, horizon=4, freq="h", gaps="irregular") | REFUSED[message]
    regressor = arguments.pop("regressor", Ridge())
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        SeriesForecaster(regressor, **arguments).fit(FRAME)


def test_periods_stand_on_a_grid():
    periods = FRAME.set_axis(pd.period_range("2024-01-01", periods=len(FRAME), freq="h"))
    with pytest.raises(ValueError, match="periods of 'h', which are on a grid"):
        model(freq=None).fit(periods)


def test_rows_are_read_as_those_of_the_fit_were():
    fitted = model().fit(FRAME)
    fitted.set_params(gaps="mask")
    with pytest.raises(ValueError, match="was fitted with gaps='irregular'"):
        fitted.predict(history=FRAME)
    regular = FRAME[["y"]].set_axis(pd.date_range("2024-01-01", periods=len(FRAME), freq="h", name="time"))
    on_grid = model(Ridge(), past_covariates=None, gaps="error").fit(regular)
    on_grid.set_params(gaps="irregular")
    with pytest.raises(ValueError, match="was fitted on rows at frequency 'h'"):
        on_grid.predict(history=regular)


def test_the_decaying_cell_on_a_grid_says_what_it_needs():
    regular = FRAME[["y"]].set_axis(pd.date_range("2024-01-01", periods=len(FRAME), freq="h", name="time"))
    with pytest.raises(ValueError, match=r"set gaps='irregular', or, on a regular grid .* missing='mask'"):
        model(past_covariates=None, gaps="error").fit(regular)
    model(past_covariates=None, gaps="mask").fit(regular)


@pytest.mark.parametrize("stamps", [(0, 0), (1, 3), (5, 0)])
def test_windows_refuse_times_that_are_not_there(stamps):
    with pytest.raises(ValueError, match="stamps is"):
        Windows(np.ones((20, 3)), [8], lookback=4, horizon=2, future=np.ones((20, 1)), stamps=stamps)


def test_rows_in_disorder_are_still_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="not in time order"):
            model().fit(FRAME[::-1])
    with pytest.raises(ValueError, match="not regular"):
        make_windows(FRAME[["y"]], lookback=4, horizon=2)
