"""A frame whose index only counts rows, with a column of stamps: the column is the time, and a warning says so."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from forecast import SeriesForecaster, TimeColumnWarning, make_windows
from forecast.diagnostics import check_no_leakage
from forecast.model_selection import PurgedTimeSeriesSplit, RollingOrigin, backtest

DAYS = pd.date_range("2024-02-20", periods=60, freq="D")
Y = 10 + np.sin(np.arange(60.0))
NEXT = [datetime.date(2024, 4, 20), datetime.date(2024, 4, 21), datetime.date(2024, 4, 22)]


def model(**more):
    return SeriesForecaster(Ridge(), target="y", lookback=7, horizon=3, **more)


STAMPS = {
    "datetime64": DAYS,
    "seconds": DAYS.as_unit("s"),
    "a zone": DAYS.tz_localize("Europe/Berlin"),
    "periods": DAYS.to_period("D"),
    "dates": list(DAYS.date),
    "objects": pd.Series(list(DAYS), dtype=object),
    "objects of periods": pd.Series(list(DAYS.to_period("D")), dtype=object),
    "Arrow timestamps": pd.Series(DAYS).astype(pd.ArrowDtype(pa.timestamp("us"))),
    "Arrow timestamps in a zone": pd.Series(DAYS.tz_localize("America/New_York")).astype(
        pd.ArrowDtype(pa.timestamp("ms", "America/New_York"))
    ),
    "Arrow dates": pd.Series(DAYS.date).astype(pd.ArrowDtype(pa.date32())),
}


def dates(column):
    return [stamp.date() if isinstance(stamp, pd.Timestamp) else stamp.to_timestamp().date() for stamp in column]


@pytest.mark.parametrize("kind", STAMPS)
def test_the_one_column_of_stamps_is_taken(kind):
    df = pd.DataFrame({"day": STAMPS[kind], "y": Y})
    with pytest.warns(TimeColumnWarning, match="column 'day' is taken as their time.*time='day'"):
        fitted = model().fit(df)
    told = model(time="day").fit(df)  # without a warning
    assert fitted.time is None
    for one in (fitted, told):
        answer = one.predict()
        assert list(answer.columns) == ["day", "y"]
        assert dates(answer["day"]) == NEXT
    np.testing.assert_array_equal(fitted.predict()["y"], told.predict()["y"])
    np.testing.assert_array_equal(fitted.predict(answer[["day"]])["y"], answer["y"])
    with pytest.raises(ValueError, match="does not continue"):
        fitted.predict(df.iloc[:3])
    assert fitted.predict(history=df.iloc[:50])["day"].iloc[0] == told.predict(history=df.iloc[:50])["day"].iloc[0]
    again = pd.DataFrame({"y": Y}, index=pd.Index(df["day"], dtype=df["day"].dtype, name="day"))
    assert dates(model().fit(again).predict().index) == NEXT


@pytest.mark.parametrize(
    "index",
    [pd.RangeIndex(60), pd.RangeIndex(1, 61, name="row"), pd.Index(range(0, 180, 3)), pd.Index(range(60), name="id")],
    ids=["counted", "counted from 1", "every third", "named"],
)
def test_an_index_that_counts_is_no_time_beside_a_column_of_stamps(index):
    df = pd.DataFrame({"day": DAYS, "y": Y}).set_axis(index)
    with pytest.warns(TimeColumnWarning):
        assert dates(model().fit(df).predict()["day"]) == NEXT


def test_an_index_of_the_names_alone_is_no_time_beside_a_column_of_stamps():
    one = pd.DataFrame({"day": DAYS, "y": Y, "store": 1})
    df = pd.concat([one.assign(item=item) for item in "ab"]).set_index(["store", "item"])
    with pytest.warns(TimeColumnWarning):
        answer = model(series=["store", "item"]).fit(df).predict()
    assert answer.index.names == ["store", "item"]
    assert dates(answer["day"]) == NEXT * 2


def test_a_column_that_was_taken_shows_several_series():
    one = pd.DataFrame({"day": DAYS, "y": Y, "store": 1})
    df = pd.concat([one.assign(item=item) for item in "ab"], ignore_index=True)
    with pytest.raises(ValueError, match=r"column 'day' has 60 duplicates.*several series\. Fix: series='item'\.$"):
        model().fit(df)


def test_whole_numbers_with_a_name_of_their_own_are_believed():
    df = pd.DataFrame({"sent": DAYS, "y": Y}, index=pd.RangeIndex(1900, 1960, name="year"))
    assert list(model().fit(df).predict().index) == [1960, 1961, 1962]


def test_without_stamps_rows_are_counted():
    assert list(model().fit(pd.DataFrame({"y": Y, "kind": "a"})).predict().index) == [60, 61, 62]
    assert list(model().fit(pd.DataFrame({"y": Y, "day": pd.NaT})).predict().index) == [60, 61, 62]


def test_a_column_with_a_role_is_not_the_time():
    with pytest.raises(TypeError, match="column 'day' holds datetime64"):
        model(future_covariates="day").fit(pd.DataFrame({"day": DAYS, "y": Y}))


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (DAYS.strftime("%Y-%m-%d"), "pd.to_datetime(df['day'])"),
        (DAYS.strftime("%Y-%m-%d %H:%M"), "pd.to_datetime(df['day'])"),
        (DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"), "pd.to_datetime(df['day'])"),
        (DAYS.strftime("%d.%m.%Y"), "pd.to_datetime(df['day'], dayfirst=True)"),
        (DAYS.strftime("%m/%d/%Y"), "pd.to_datetime(df['day'])"),
        (DAYS.strftime("%b %d, %Y"), "pd.to_datetime(df['day'])"),
        (DAYS.strftime("%Y%m%d"), "pd.to_datetime(df['day'], format='%Y%m%d')"),
        (DAYS.strftime("%Y%m%d").astype(int), "pd.to_datetime(df['day'].astype(str), format='%Y%m%d')"),
    ],
)
def test_dates_as_text_or_numbers_are_refused_with_what_reads_them(column, code):
    df = pd.DataFrame({"day": column, "y": Y})
    with pytest.raises(ValueError, match=r"'day' holds dates as") as caught:
        model().fit(df)
    fix = str(caught.value).partition("Fix: ")[2].removesuffix(".")
    assert fix == f"df['day'] = {code}"
    exec(fix, {"pd": pd, "df": df})
    with pytest.warns(TimeColumnWarning):
        assert dates(model().fit(df).predict()["day"]) == NEXT


def test_objects_of_all_kinds_are_no_dates():
    df = pd.DataFrame({"kind": pd.Series([1, "2024-01-01", None] * 20, dtype=object), "y": Y})
    assert list(model().fit(df).predict().index) == [60, 61, 62]


@pytest.mark.parametrize("texts", [["1013.2", "9.1"], ["1.2.3", "1.2.4"], ["2024", "2025"], ["may", "june"], ["", "-"]])
def test_other_text_is_no_date(texts):
    df = pd.DataFrame({"kind": np.resize([*texts, texts[0]], 60), "y": Y})
    assert list(model().fit(df).predict().index) == [60, 61, 62]


def test_several_columns_of_stamps_are_refused_and_the_likeliest_is_named():
    df = pd.DataFrame({"sent": DAYS[::-1], "day": DAYS, "y": Y})
    with pytest.raises(ValueError, match=r"columns \['sent', 'day'\] hold time stamps.*Fix: time='day'\.$"):
        model().fit(df)
    for call in (lambda: backtest(model(), df, RollingOrigin(2, 3)), lambda: check_no_leakage(model(), df)):
        with pytest.raises(ValueError, match="Fix: time='day'"):
            call()


def test_a_frame_that_cannot_be_the_time_names_the_column():
    df = pd.DataFrame({"ds": DAYS.append(DAYS), "unique_id": ["a"] * 60 + ["b"] * 60, "y": np.r_[Y, Y]})
    with pytest.raises(ValueError, match=r"series='unique_id'"):
        model().fit(df)


# -------------------- panels, splitters, the other doors


def panel():
    parts = [pd.DataFrame({"shop": name, "day": DAYS, "y": size * Y}) for name, size in (("a", 1.0), ("b", 3.0))]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("at", ["column", "index"])
def test_a_panel_is_read_by_its_stamps(at):
    df = panel() if at == "column" else panel().set_index("shop")
    with pytest.warns(TimeColumnWarning):
        fitted = model(series="shop").fit(df)
    assert dates(fitted.predict()["day"]) == NEXT * 2
    with pytest.warns(TimeColumnWarning) as told:
        report = backtest(model(series="shop"), df, RollingOrigin(2, horizon=3))
    assert len(told) == 1
    frame = report.frame
    assert set(frame.loc[frame["series"] == "a", "timestamp"]) == set(DAYS[-6:])
    assert set(frame.loc[frame["series"] == "b", "timestamp"]) == set(DAYS[-6:])


def test_a_backtest_and_the_leakage_check_say_it_once_and_find_the_same():
    days = pd.date_range("2024-02-20", periods=120)
    df = pd.DataFrame({"day": days, "y": 10 + np.sin(np.arange(120.0))})
    with pytest.warns(TimeColumnWarning) as told:
        report = backtest(model(), df, RollingOrigin(3, horizon=3), coverage=0.5)
    assert len(told) == 1
    indexed = backtest(model(), df.set_index("day"), RollingOrigin(3, horizon=3), coverage=0.5)
    pd.testing.assert_frame_equal(report.frame, indexed.frame)
    with pytest.warns(TimeColumnWarning) as told:
        assert check_no_leakage(model(), df, n_cuts=1).n_forecasts > 0
    assert len(told) == 1


@pytest.mark.parametrize("cv", [RollingOrigin(2, horizon=3), PurgedTimeSeriesSplit(3)], ids=str)
def test_splitters_count_stamps_and_not_rows(cv):
    for frame in (panel(), panel().set_index("shop"), pl.from_pandas(panel())):
        told = type(cv)(**(vars(cv) | {"time": "day"}))
        for (train, test), (other, tested) in zip(cv.split(frame), told.split(panel()), strict=True):
            np.testing.assert_array_equal(train, other)
            np.testing.assert_array_equal(test, tested)
    single = pd.DataFrame({"day": DAYS, "y": Y})
    for (train, test), (other, tested) in zip(cv.split(single), cv.split(np.zeros(60)), strict=True):
        np.testing.assert_array_equal(train, other)
        np.testing.assert_array_equal(test, tested)


def test_a_splitter_is_told_the_time_of_the_model():
    df = panel().assign(sent=DAYS[0])
    told = backtest(model(series="shop", time="day"), df, RollingOrigin(2, horizon=3))
    assert set(told.frame["timestamp"]) == set(DAYS[-6:])


def test_scores_of_sklearn_go_over_the_column():
    df = pd.DataFrame({"day": DAYS, "y": Y})
    with pytest.warns(TimeColumnWarning):
        scores = cross_val_score(model(), df, df["y"], cv=TimeSeriesSplit(2, test_size=3))
    assert np.isfinite(scores).all()


def test_windows_are_made_by_the_column():
    df = pd.DataFrame({"day": DAYS, "y": Y})
    with pytest.warns(TimeColumnWarning):
        windows = make_windows(df, target="y", lookback=7, horizon=3)
    assert windows.timestamps[0] == DAYS[6]


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("ms"), pl.Datetime("us", "Europe/Berlin")], ids=str)
def test_polars_is_answered_in_its_own_dtype_and_its_one_column_of_stamps_is_taken(dtype):
    zone = getattr(dtype, "time_zone", None)
    frame = pl.DataFrame({"day": list(DAYS.tz_localize(zone) if zone else DAYS), "y": Y})
    frame = frame.with_columns(pl.col("day").cast(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = model(time="day").fit(frame)
    with pytest.warns(TimeColumnWarning):
        fitted = model().fit(frame)
    for one in (told, fitted):
        answer = one.predict()
        assert answer.schema["day"] == dtype
        assert answer["day"].dt.date().to_list() == NEXT
        assert one.future_frame().schema["day"] == dtype
        assert one.predict(one.future_frame())["y"].to_list() == answer["y"].to_list()
        assert one.predict(history=frame[:50])["day"].dt.date()[0] == DAYS[50].date()
    with pytest.warns(TimeColumnWarning):
        assert len(backtest(model(), frame, RollingOrigin(2, horizon=3)).frame)


def test_stamps_that_polars_holds_as_objects_are_answered_as_stamps():
    """`to_numpy()` of an index with a zone has Timestamps."""
    hours = DAYS.tz_localize("Europe/Berlin").to_numpy()
    frame = pl.DataFrame({"day": hours, "shop": ["a"] * len(Y), "y": Y})
    assert frame.schema["day"] == pl.Object
    answer = model(time="day", series="shop").fit(frame).predict()
    assert answer.schema["day"] == pl.Datetime("us", "Europe/Berlin")
    assert answer["day"].dt.date().to_list() == NEXT


@pytest.mark.parametrize("kind", ["Arrow timestamps", "Arrow dates", "dates", "objects"])
def test_an_index_under_another_dtype_is_evaluated_as_well(kind):
    df = pd.DataFrame({"y": Y}, index=pd.Index(STAMPS[kind], dtype=getattr(STAMPS[kind], "dtype", object)))
    plain = pd.DataFrame({"y": Y}, index=DAYS)
    found, expected = (backtest(model(), one, RollingOrigin(2, horizon=3)).frame for one in (df, plain))
    np.testing.assert_array_equal(found["forecast"], expected["forecast"])
    assert list(found["timestamp"]) == list(expected["timestamp"])
    assert check_no_leakage(model(), df, n_cuts=1).n_forecasts > 0
