"""Where windows are: the phase of a stamp whatever was before it, and the rows of their series in a list of names."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, Windows, _core, make_windows
from forecast._arrays import read_inputs, read_training
from forecast._frames import step_numbers
from forecast._series import windows_of_frame

N, LOOKBACK = 90, 5
SESSIONS = pd.offsets.CustomBusinessDay(calendar=USFederalHolidayCalendar())
INDEXES = {
    "hours": pd.date_range("2024-03-30 05:30", periods=N, freq="h"),
    "hours in a zone, over a change of clocks": pd.date_range("2024-03-30", periods=N, freq="h", tz="Europe/Berlin"),
    "hours back": pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Berlin"),
    "minutes": pd.date_range("1969-12-31 21:07", periods=N, freq="15min"),
    "90 minutes": pd.date_range("2024-03-30", periods=N, freq="90min", tz="Asia/Kolkata"),
    "milliseconds": pd.date_range("2024-03-30", periods=N, freq="250ms").as_unit("ms"),
    "days": pd.date_range("2024-01-01", periods=N, freq="D", tz="America/New_York"),
    "days without midnight": pd.date_range("2018-10-01", periods=N, freq="D").tz_localize(
        "America/Sao_Paulo", nonexistent="shift_forward", ambiguous=np.ones(N, bool)
    ),
    "three days": pd.date_range("2024-01-01", periods=N, freq="3D"),
    "weeks": pd.date_range("2024-01-01", periods=N, freq="W-WED"),
    "two weeks": pd.date_range("2024-01-01", periods=N, freq="2W-SUN"),
    "business days": pd.bdate_range("2024-01-01", periods=N, tz="Europe/London"),
    "sessions": pd.date_range("2024-05-01", periods=N, freq=SESSIONS),
    "months": pd.date_range("1960-03-01", periods=N, freq="MS"),
    "ends of months": pd.date_range("2010-01-31", periods=N, freq="ME", tz="America/New_York"),
    "business ends of months": pd.date_range("2010-01-31", periods=N, freq="BME"),
    "quarters": pd.date_range("2010-01-31", periods=N, freq="QE-FEB"),
    "two months": pd.date_range("2010-02-01", periods=N, freq="2MS"),
    "years": pd.date_range("1950-01-01", periods=N, freq="YS-JUL"),
    "half months": pd.date_range("1968-01-01", periods=N, freq="SME"),
    "business hours": pd.date_range("1970-02-02", periods=N, freq="bh"),
    "period days": pd.period_range("2024-01-01", periods=N, freq="D"),
    "period two hours": pd.period_range("2024-01-01", periods=N, freq="2h"),
    "period months": pd.period_range("1965-01", periods=N, freq="M"),
    "numbers": pd.RangeIndex(100, 100 + 3 * N, 3),
    "numbers of no range": pd.Index(np.arange(N, dtype=np.int32) - 40),
    "counted": pd.RangeIndex(N),
}


def windows_at(index, **changes):
    frame = pd.DataFrame({"y": np.arange(float(len(index)))}, index=index)
    return make_windows(frame, **{"lookback": LOOKBACK, "horizon": 1} | changes)


@pytest.mark.parametrize("length", [1, 4, 7, 24])
@pytest.mark.parametrize("kind", INDEXES)
def test_a_stamp_has_one_phase_whatever_history_it_is_seen_in(kind, length):
    index = INDEXES[kind]
    phase = windows_at(index).phase(length)
    assert phase.dtype == np.int64
    np.testing.assert_array_equal(np.diff(phase) % length, 1 % length)
    assert ((phase >= 0) & (phase < length)).all()
    for first in (1, 13, 40):
        np.testing.assert_array_equal(windows_at(index[first:]).phase(length), phase[first:])
    np.testing.assert_array_equal(windows_at(index, lookback=LOOKBACK + 3).phase(length), phase[:-3])


def test_the_phase_is_that_of_the_oldest_row():
    days = pd.date_range("2024-01-01", periods=30)  # a Monday; 1970-01-01 was a Thursday
    expected = (days[: 30 - LOOKBACK].day_of_week + 4) % 7
    np.testing.assert_array_equal(windows_at(days).phase(7), expected)
    hours = pd.date_range("2024-03-30 22:00", periods=30, freq="h", tz="Europe/Berlin")
    np.testing.assert_array_equal(windows_at(hours).phase(24), hours[: 30 - LOOKBACK].tz_convert("UTC").hour)
    quarters = pd.date_range("2024-01-01", periods=200, freq="15min")
    np.testing.assert_array_equal(
        windows_at(quarters).phase(96), (quarters.hour * 4 + quarters.minute // 15)[: 200 - LOOKBACK]
    )


def test_the_unit_and_the_zone_of_a_stamp_have_no_part():
    hours = pd.date_range("2024-03-30", periods=50, freq="h", tz="UTC")
    expected = windows_at(hours).phase(24)
    for other in (hours.as_unit("s"), hours.tz_convert("Europe/Berlin"), hours.tz_localize(None)):
        np.testing.assert_array_equal(windows_at(other).phase(24), expected)


def test_steps_are_counted_on_either_side_of_the_epoch():
    for freq in ("h", "D", "W", "B", "MS", "SME", "YE"):
        index = pd.date_range("1969-06-01", periods=800, freq=freq)
        assert (np.diff(step_numbers(index, index.freq)) == 1).all(), freq
    assert step_numbers(pd.DatetimeIndex([]), pd.offsets.SemiMonthEnd()).tolist() == []


def panel():
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    parts = [("b", 0, 50), ("a", 7, 60), ("ä", 20, 45)]
    series = {name: pd.DataFrame({"y": np.arange(end - first) / 2}, hours[first:end]) for name, first, end in parts}
    return pd.concat([part.assign(shop=name) for name, part in series.items()]), hours


def test_windows_of_a_panel_keep_phases_and_series_through_all_that_is_done_to_them():
    frame, hours = panel()
    windows = make_windows(frame, target="y", series="shop", lookback=LOOKBACK, horizon=2)
    oldest = frame.index[windows.origins - LOOKBACK + 1]
    expected = oldest.tz_convert("UTC").hour
    names = pd.Index(["ä", "nobody", "b"])
    rows = frame["shop"].to_numpy()[windows.origins]
    rows = np.array([{"ä": 0, "b": 2}.get(name, -1) for name in rows])
    keys = (slice(None), slice(3, 40, 2), [5, 1, 90], -1)
    for key in keys:
        part = pickle.loads(pickle.dumps(windows[key]))
        np.testing.assert_array_equal(part.phase(24), np.atleast_1d(expected[key]))
        np.testing.assert_array_equal(part.series_rows(names), np.atleast_1d(rows[key]))
        assert part.series_rows(names).dtype == np.int64
    assert list(windows.series_names) == ["b", "a", "ä"]
    np.testing.assert_array_equal(windows.series_rows(windows.series_names), windows.which)
    late = frame[frame.index >= hours[25]]
    again = make_windows(late, target="y", series="shop", lookback=LOOKBACK, horizon=2)
    np.testing.assert_array_equal(again.phase(24), late.index[again.origins - LOOKBACK + 1].tz_convert("UTC").hour)


def test_rows_without_labels_are_counted_in_each_series():
    values, starts = np.ones((12, 1)), np.array([0, 5, 12])
    arguments = dict(lookback=2, horizon=1, starts=starts)
    np.testing.assert_array_equal(Windows(values, [1, 3, 6, 9], **arguments).phase(4), [0, 2, 0, 3])
    np.testing.assert_array_equal(Windows(values, [1, 3, 6, 9], **arguments, clock=[2, 7]).phase(4), [2, 0, 3, 2])
    with pytest.raises(ValueError, match="windows of 2 series without names"):
        Windows(values, [1, 6], **arguments).series_rows(pd.Index(["a"]))


def test_one_series_without_a_name_is_found_again():
    windows = windows_at(INDEXES["days"])
    assert list(windows.series_names) == [None]
    assert (windows.series_rows(windows.series_names) == 0).all()
    assert (windows.series_rows(pd.Index(["a", "b"])) == -1).all()
    with pytest.raises(ValueError, match="names has 1 names twice"):
        windows.series_rows(pd.Index(["a", "a"]))
    for length, error in ((0, ValueError), (2.5, TypeError)):
        with pytest.raises(error, match=f"length is {length}"):
            windows.phase(length)


STAMPS = [pd.Timestamp("2024"), pd.Timestamp("2025")]


@pytest.mark.parametrize("names", [["a", "b"], [3, 1], [("a", 1), ("b", 2)], STAMPS], ids=str)
def test_series_are_found_by_names_of_every_kind(names):
    index = pd.Index(names, tupleize_cols=False)
    windows = Windows(np.ones((8, 1)), [1, 5], lookback=2, horizon=1, starts=np.array([0, 4, 8]), series=index)
    np.testing.assert_array_equal(windows.series_rows(pd.Index(names[::-1], tupleize_cols=False)), [1, 0])


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_the_windows_of_a_forecaster_know_series_and_time(multi_target):
    frame, _ = panel()
    frame["z"] = frame["y"] * 2
    seen = []

    class Spy(RNNForecaster):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X, y)

        def predict(self, X):
            seen.append(X)
            return super().predict(X)

    spy = Spy(max_iter=1, hidden_size=2, random_state=0, early_stopping=False)
    model = SeriesForecaster(
        spy, target=["y", "z"], series="shop", lookback=LOOKBACK, horizon=2, multi_target=multi_target,
        validation_fraction=None,
    ).fit(frame)  # fmt: skip
    model.predict()
    fitted, predicted = seen
    split = multi_target == "shared"
    keys = [(name, column) for name in ("b", "a", "ä") for column in (0, 1)] if split else ["b", "a", "ä"]
    assert sorted(fitted.series_names) == sorted(keys)
    assert predicted.series_rows(fitted.series_names).tolist() == list(range(len(keys)))
    ends = [predicted.timestamps[row] for row in range(len(keys))]
    expected = [(end - pd.Timedelta(hours=LOOKBACK - 1)).tz_convert("UTC").hour for end in ends]
    assert predicted.phase(24).tolist() == expected
    np.testing.assert_array_equal(windows_of_frame(model, frame).phase(24), fitted.phase(24))


# -------------------- on the way to the core


def test_datasets_say_what_was_asked_and_nothing_else():
    frame, _ = panel()
    windows = make_windows(frame, target="y", series="shop", lookback=LOOKBACK, horizon=2)[::3]
    model = RNNForecaster()
    names = pd.Index(["a", "b"])
    apart = np.asarray(windows.y)
    read = {
        "fit": read_training(model, windows, windows.y),
        "other targets": read_training(model, windows, apart),
        "predict": read_inputs(model, windows, LOOKBACK, 1),
    }
    for what, data in read.items():
        assert not {"phase", "series_row"} & set(data.arguments), what
        assert data.placed(model) == data, what
        both = data.placed(model, names, 24)
        np.testing.assert_array_equal(both.arguments["phase"], windows.phase(24), err_msg=what)
        np.testing.assert_array_equal(both.arguments["series_row"], windows.series_rows(names), err_msg=what)
        assert set(data.placed(model, cycle=7).arguments) - set(data.arguments) == {"phase"}
        assert set(data.placed(model, series=names).arguments) - set(data.arguments) == {"series_row"}
        assert list(data.series_names(model)) == ["b", "a", "ä"]
        _core.Source(**both.arguments)


def test_arrays_have_neither_series_nor_time():
    X = np.random.default_rng(0).normal(size=(20, 6))
    model = RNNForecaster()
    for data in (read_training(model, X, X[:, 0]), read_inputs(model, X, 6, 1)):
        with pytest.raises(ValueError, match=r"RNNForecaster with cycle needs the time.*an array does not say it"):
            data.placed(model, cycle=24)
        with pytest.raises(ValueError, match=r"RNNForecaster with series_size needs the series.*make_windows"):
            data.placed(model, pd.Index(["a"]))
        with pytest.raises(ValueError, match="series_size needs the series"):
            data.series_names(model)


def test_other_regressors_get_the_same_matrix_as_before():
    frame, _ = panel()
    model = SeriesForecaster(Ridge(), target="y", series="shop", lookback=LOOKBACK, horizon=2).fit(frame)
    assert model.predict().notna().all().all()
