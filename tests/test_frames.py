"""What a frame means: frequencies, the index that goes on, and refusals that help."""

import numpy as np
import pandas as pd
import pytest
from continued import continue_index

from forecast import SeriesForecaster
from forecast._frames import (
    as_frame,
    check_length,
    column_names,
    frequency_of,
    read_values,
    season_length,
)
from forecast.baselines import LastValue

BERLIN = "Europe/Berlin"


def bare(index):
    """The same labels without a frequency, as a file gives them."""
    return pd.DatetimeIndex(list(index), name=index.name).as_unit(index.unit)


CONTINUED = {
    "hour": pd.date_range("2024-01-30 20:00", periods=40, freq="h"),
    "quarter of an hour": pd.date_range("2024-01-30", periods=40, freq="15min"),
    "day": pd.date_range("2024-02-01", periods=40, freq="D", name="day"),
    "business day": pd.date_range("2024-02-01", periods=40, freq="B"),
    "week": pd.date_range("2024-02-01", periods=40, freq="W-SAT"),
    "month end": pd.date_range("2024-01-31", periods=40, freq="ME"),
    "month start": pd.date_range("2024-02-01", periods=40, freq="MS"),
    "quarter": pd.date_range("2024-01-01", periods=40, freq="QS"),
    "year": pd.date_range("1980-12-31", periods=40, freq="YE"),
    "two days": pd.date_range("2024-02-01", periods=40, freq="2D"),
    "seconds": pd.date_range("2024-02-01", periods=40, freq="s", unit="s"),
    "hours over spring": pd.date_range("2024-03-30", periods=80, freq="h", tz=BERLIN),
    "hours over autumn": pd.date_range("2024-10-26", periods=80, freq="h", tz=BERLIN),
    "days over spring": pd.date_range("2024-03-01", periods=80, freq="D", tz=BERLIN),
    "days over autumn": pd.date_range("2024-10-01", periods=80, freq="D", tz=BERLIN),
    "weeks over autumn": pd.date_range("2024-10-01", periods=20, freq="W-SUN", tz=BERLIN),
    "business days over spring": pd.date_range("2024-03-01", periods=60, freq="B", tz="America/New_York"),
}


@pytest.mark.parametrize("known", [True, False], ids=["frequency set", "frequency inferred"])
@pytest.mark.parametrize("name", CONTINUED)
def test_index_continues_as_pandas_would_have_made_it(name, known):
    whole = CONTINUED[name]
    start = whole[:15] if known else bare(whole[:15])
    got = continue_index(start, len(whole) - 15)
    assert got.equals(whole[15:])
    assert got.dtype == whole.dtype
    assert got.name == whole.name
    # Quarters from January and from October are the same stamps under two names.
    assert got.freq == whole.freq or (not known and got.freq is not None)


@pytest.mark.parametrize("freq", ["M", "D", "2h", "W-SUN"])
def test_periods_continue(freq):
    whole = pd.period_range("2024-01-01", periods=9, freq=freq, name="p")
    got = continue_index(whole[:4], 5)
    assert got.equals(whole[4:])
    assert got.name == "p"
    assert got.freq == whole.freq


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.RangeIndex(3, 30, 3), pd.RangeIndex(30, 36, 3)),
        (pd.Index([5, 7, 9], name="step"), pd.Index([11, 13], name="step")),
        (pd.Index([5, 7], dtype="int32"), pd.Index([9, 11], dtype="int32")),
        (pd.Index([5, 7], dtype="uint8"), pd.Index([9, 11], dtype="uint8")),
    ],
)
def test_integer_steps_continue(index, expected):
    got = continue_index(index, 2)
    pd.testing.assert_index_equal(got, expected, exact=True)


def test_wall_time_that_the_clock_skips_or_repeats_is_placed_once():
    skipped = pd.date_range("2024-03-28 02:30", periods=3, freq="D", tz=BERLIN)
    assert [str(stamp) for stamp in continue_index(skipped, 2)] == [
        "2024-03-31 03:00:00+02:00",
        "2024-04-01 02:30:00+02:00",
    ]
    twice = pd.date_range("2024-10-24 02:30", periods=3, freq="D", tz=BERLIN)
    assert str(continue_index(twice, 1)[0]) == "2024-10-27 02:30:00+02:00"


def test_holidays_of_a_custom_business_day_are_kept():
    freq = pd.offsets.CustomBusinessDay(holidays=["2024-05-01"])
    index = pd.date_range("2024-04-22", periods=7, freq=freq)
    assert [stamp.day for stamp in continue_index(index, 3)] == [2, 3, 6]


@pytest.mark.parametrize(
    ("freq", "season"),
    [
        ("h", 24),
        ("2h", 12),
        ("10min", 144),
        ("s", 86400),
        ("D", 7),
        ("B", 5),
        ("W-MON", 52),
        ("ME", 12),
        ("QE", 4),
        ("YE", 1),
        ("5h", 1),
        ("2D", 1),
        ("3MS", 4),
    ],
)
def test_season_is_the_usual_one(freq, season):
    assert season_length(pd.tseries.frequencies.to_offset(freq)) == season


DAYS = pd.date_range("2024-01-01", periods=60, freq="D")
REFUSED = {
    "empty": (DAYS[:0], "0 rows"),
    "gap": (DAYS.delete([20, 21]), r"gaps: at frequency 'D', 2 of 60 stamps are missing: 2024-01-21"),
    "gap of business days": (
        pd.date_range("2024-01-01", periods=60, freq="B").delete(30),
        "1 of 60.*CustomBusinessDay",
    ),
    "gap of months": (pd.date_range("2020-01-31", periods=40, freq="ME").delete([9, 20]), "2 of 40.*2020-10-31"),
    "gap in a zone": (pd.date_range("2024-03-25", periods=300, freq="h", tz=BERLIN).delete(200), "1 of 300"),
    "irregular": (
        pd.DatetimeIndex(["2024-01-01", "2024-01-03 05:00", "2024-01-04 07:12", "2024-01-09"]),
        "not regular",
    ),
    "far away": (pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 00:01", "2054-01-01"]), "not regular"),
    "duplicate": (DAYS.insert(3, DAYS[3]), "1 duplicates: 2024-01-04.*tz_localize"),
    "disorder": (DAYS[::-1], "not in time order: row 1.*sort_index"),
    "NaT": (DAYS.insert(4, pd.NaT), "1 missing stamps .NaT., the first in row 4"),
    "two rows": (pd.DatetimeIndex(["2024-01-01", "2024-01-02"]), "2 rows"),
    "gap of integers": (pd.Index([0, 5, 10, 20]), "gaps at step 5: the first between 10 and 20"),
    "gap of periods": (pd.period_range("2020-01", periods=9, freq="M").delete(3), "between 2020-03 and 2020-05"),
    "integers in disorder": (pd.RangeIndex(5, 0, -1), "not in time order"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_irregular_index_is_refused_with_place_and_fix(name):
    index, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        frequency_of(index)


@pytest.mark.parametrize(
    "index",
    [pd.Index(["2024-01-01", "x"]), pd.Index([0.0, 1.0]), pd.MultiIndex.from_product([[1], [2, 3]])],
    ids=["text", "float", "levels"],
)
def test_other_kinds_of_index_are_refused(index):
    with pytest.raises(TypeError, match=r"expected .*Fix|Forecast one series"):
        frequency_of(index)


def test_a_long_index_is_checked_quickly_and_its_gap_found():
    index = pd.date_range("2020-01-01", periods=200_000, freq="min").delete(77_777)
    with pytest.raises(ValueError, match="1 of 200000 stamps are missing: 2020-02-24 00:17:00"):
        frequency_of(index)


def fitted(index):
    """A forecaster of two steps whose data end with an index."""
    df = pd.DataFrame({"y": np.arange(float(len(index)))}, index)
    return SeriesForecaster(LastValue(), target="y", lookback=3, horizon=2).fit(df)


def test_rows_that_continue_are_accepted_in_any_resolution_and_zone():
    index = pd.date_range("2024-03-30", periods=10, freq="h", tz=BERLIN)
    future = continue_index(index, 2).tz_convert("UTC").as_unit("s")
    assert fitted(index).predict(pd.DataFrame({"y": 0.0}, future)).index.equals(future)


@pytest.mark.parametrize(
    "future",
    [DAYS[11:13], DAYS[9:11], DAYS[10:13:2], DAYS[10:12].tz_localize("UTC"), pd.RangeIndex(2), DAYS[10:12].to_period()],
    ids=["hole", "overlap", "step", "zone", "integers", "periods"],
)
def test_rows_that_do_not_continue_are_refused_with_the_way_out(future):
    with pytest.raises(ValueError, match=r"does not continue.*predict\(history=frame\).*Fix: X = model\.future_frame"):
        fitted(DAYS[:10]).predict(pd.DataFrame({"y": 0.0}, future))


def test_history_at_another_frequency_is_refused():
    model = fitted(DAYS[:10])
    for index, words in (
        (pd.date_range("2030", periods=9, freq="2D"), "frequency '2D'.*fitted at 'D'"),
        (pd.RangeIndex(9), "same kind"),
        (DAYS.delete(30), "gaps"),
    ):
        with pytest.raises(ValueError, match=words):
            model.predict(history=pd.DataFrame({"y": 0.0}, index))


def frame_with(column):
    return pd.DataFrame({"a": np.arange(4.0), "b": column}, index=DAYS[:4])


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        ([1.0, np.nan, 2.0, np.nan], ValueError, r"'b' has 2 missing.* first at 2024-01-02.*interpolate\(\)"),
        ([np.nan, 1.0, 2.0, 3.0], ValueError, r"limit_direction='both'"),
        ([1.0, 2.0, np.inf, 3.0], ValueError, "'b' has 1 infinite.* first at 2024-01-03"),
        (["1", "2", "x", "4"], TypeError, r"'b' holds .*pd.to_numeric"),
        ([1j, 2j, 3j, 4j], TypeError, "'b' holds complex128"),
        (DAYS[:4], TypeError, "'b' holds datetime64.*set_index"),
        (pd.Categorical([1, 2, 1, 2]), TypeError, "'b' holds category"),
        (pd.array([1, None, 3, 4], dtype="Int64"), ValueError, "1 missing"),
    ],
)
def test_column_that_is_not_finite_numbers_is_refused_by_name(column, kind, message):
    with pytest.raises(kind, match=message):
        read_values(frame_with(column), ["a", "b"])


def test_float32_and_float64_blocks_are_read_without_a_copy():
    for dtype in (np.float32, np.float64):
        frame = pd.DataFrame(np.ones((9, 4), dtype=dtype), columns=list("abcd"))
        for names in (["a"], ["c"], ["a", "b", "c", "d"], ["b", "d"], ["d", "b"], ["b", "a"]):
            values = read_values(frame, names)
            assert values.dtype == dtype
            assert values.shape == (9, len(names))
            assert np.shares_memory(values, frame.to_numpy())


@pytest.mark.parametrize("column", [[1, 2, 3, 4], [True, False, True, True], pd.array([1, 2, 3, 4], dtype="Int64")])
def test_other_numbers_become_float64(column):
    values = read_values(frame_with(column), ["b", "a"])
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values[:, 0], np.asarray(column, dtype=float))


def test_columns_keep_the_order_asked_for():
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("abcd"))
    for names in (["d", "a", "b"], ["c", "b", "a"], ["a", "c"], ["a", "d", "b", "c"]):
        np.testing.assert_array_equal(read_values(frame, names), frame[names].to_numpy())


@pytest.mark.parametrize(
    ("target", "covariates", "message"),
    [
        ("x", None, "target 'x' is not in the frame; its columns are"),
        ("a", ["x"], "past covariate 'x' is not in the frame"),
        (["a", "a"], None, "twice"),
        ([], None, "empty"),
        (None, None, "2 columns"),
    ],
)
def test_columns_that_are_not_there_are_refused(target, covariates, message):
    with pytest.raises(ValueError, match=message):
        column_names(frame_with([1.0] * 4), target, covariates)


def test_column_that_stands_twice_in_the_frame_is_refused():
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "a"])
    with pytest.raises(ValueError, match="appears 2 times"):
        column_names(frame, "a")


def test_too_short_a_series_is_told_the_longest_lookback():
    with pytest.raises(ValueError, match=r"30 rows.*48 \+ 12 = 60.*longest lookback that works here is 18"):
        check_length(30, 48, 12)
    with pytest.raises(ValueError, match="no lookback works"):
        check_length(12, 48, 12)
    check_length(60, 48, 12)


@pytest.mark.parametrize("X", [np.ones((3, 2)), [1.0, 2.0], None, {"a": [1.0]}])
def test_what_is_no_frame_is_refused(X):
    with pytest.raises(TypeError, match="expected a pandas DataFrame"):
        as_frame(X)
