"""The time axis: how it goes on in every zone across every change of the clock, and what counts as business data."""

import pickle

import numpy as np
import pandas as pd
import pytest

from forecast._frames import Roles, Rules, TimeAxis, read_panel

# In each zone a date near a change of the clock in spring and one in autumn; Kolkata has none.
CHANGES = {
    "Europe/Amsterdam": ("2024-03-31", "2024-10-27"),
    "Europe/London": ("2024-03-31", "2024-10-27"),
    "America/New_York": ("2024-03-10", "2024-11-03"),
    "America/St_Johns": ("2024-03-10", "2024-11-03"),
    "America/Havana": ("2024-03-10", "2024-11-03"),  # at midnight
    "America/Santiago": ("2024-09-08", "2024-04-07"),  # at midnight
    "Australia/Lord_Howe": ("2024-10-06", "2024-04-07"),  # by half an hour
    "Pacific/Chatham": ("2024-09-29", "2024-04-07"),
    "Africa/Casablanca": ("2024-04-14", "2024-03-10"),  # around Ramadan
    "Asia/Kolkata": ("2024-03-31", "2024-10-27"),
}
FREQUENCIES = ["15min", "h", "D", "B", "W-SUN", "MS"]


def whole(zone, change, freq, n=60):
    """Labels around a change of the clock, as pandas makes them: instants up to hours, wall time from days on."""
    if freq in ("15min", "h"):
        middle = pd.Timestamp(change, tz=zone) if zone not in ("America/Havana", "America/Santiago") else None
        middle = pd.Timestamp(change + " 12:00", tz=zone) - pd.Timedelta(hours=12) if middle is None else middle
        start = middle - pd.Timedelta(hours=24) if freq == "h" else middle - pd.Timedelta(hours=6)
        return pd.date_range(start.tz_convert("UTC"), periods=n, freq=freq, name="time").tz_convert(zone)
    offset = pd.tseries.frequencies.to_offset(freq)
    start = offset.rollback(pd.Timestamp(change)) - (n // 2) * offset
    wall = pd.date_range(start, periods=n, freq=freq, name="time")
    return wall.tz_localize(zone, ambiguous=np.ones(n, dtype=bool), nonexistent="shift_forward")


def axis_of(index, **rules):
    return read_panel(pd.DataFrame({"y": 0.0}, index=index), Roles(["y"]), Rules(**rules)).axis


@pytest.mark.parametrize("freq", FREQUENCIES)
@pytest.mark.parametrize("season", [0, 1], ids=["spring", "autumn"])
@pytest.mark.parametrize("zone", CHANGES)
def test_forecasts_go_on_as_pandas_does_across_a_change_of_the_clock(zone, season, freq):
    index = whole(zone, CHANGES[zone][season], freq)
    for cut in (20, 29, 30, 31, 32, 45):
        seen = pd.DatetimeIndex(index[:cut], freq=None)
        axis = axis_of(seen)
        got = axis.after(seen[-1], len(index) - cut)
        assert got.equals(index[cut:]), (cut, got[:3], index[cut : cut + 3])
        assert got.dtype == index.dtype
        assert got.name == "time"
        given = axis_of(seen, freq=freq)
        assert given.after(seen[-1], len(index) - cut).equals(index[cut:])


def test_there_are_a_hundred_and_twenty_of_them():
    assert len(CHANGES) * 2 * len(FREQUENCIES) == 120


@pytest.mark.parametrize("zone", ["America/Havana", "America/Santiago"])
def test_days_at_a_midnight_that_does_not_exist_are_one_step_apart(zone):
    index = whole(zone, CHANGES[zone][0], "D")
    pushed = [stamp for stamp in index if stamp.hour]
    assert len(pushed) == 1
    axis = axis_of(pd.DatetimeIndex(index, freq=None))
    assert axis.after(pushed[0], 1)[0].hour == 0
    assert len(axis.jumps(index)[0]) == 0
    with pytest.raises(ValueError, match="1 of 60 stamps are missing"):
        axis_of(pd.DatetimeIndex(index.delete(25), freq=None))


def test_series_of_one_panel_may_have_times_of_day_of_their_own():
    days = pd.date_range("2024-03-26", periods=12, freq="D")
    index = [(days + pd.Timedelta(hours=hour)).tz_localize("Europe/Berlin") for hour in (6, 18)]
    frame = pd.DataFrame({"y": 0.0, "place": np.repeat(["a", "b"], 12)}, index=index[0].append(index[1]))
    axis = read_panel(frame, Roles(["y"], series="place"), Rules()).axis
    for whole_days in index:
        assert axis.after(whole_days[3], 8).equals(whole_days[4:])


OTHERS = {
    "seconds of a coarse unit": pd.date_range("2024-01-01", periods=50, freq="s", unit="s"),
    "milliseconds": pd.date_range("2024-01-01", periods=50, freq="250ms", unit="ns"),
    "two weeks": pd.date_range("2024-01-01", periods=50, freq="2W-WED"),
    "quarters": pd.date_range("2000-01-01", periods=50, freq="QE-MAR"),
    "years": pd.date_range("1960-01-01", periods=50, freq="YS-JUL"),
    "business month ends": pd.date_range("2000-01-01", periods=50, freq="BME"),
    "two months": pd.date_range("2000-01-01", periods=50, freq="2MS"),
    "periods of months": pd.period_range("2020-01", periods=50, freq="M"),
    "periods of two hours": pd.period_range("2020-01", periods=50, freq="2h"),
    "steps": pd.RangeIndex(10, 360, 7),
    "bare steps": pd.Index(np.arange(0, 100, 2, dtype=np.int32)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_kind_of_label_goes_on_and_comes_back_from_a_pickle(name):
    index = OTHERS[name]
    seen = index[:30] if not isinstance(index, pd.DatetimeIndex) else pd.DatetimeIndex(index[:30], freq=None)
    axis = axis_of(seen)
    assert axis.after(seen[-1], 20).equals(index[30:])
    assert axis.after(seen[-1], 20).dtype == index.dtype
    assert len(axis.after(seen[-1], 0)) == 0
    assert pickle.loads(pickle.dumps(axis)) == axis
    assert axis.after(index[-1], 3)[0] > index[-1]


def test_a_stamp_in_a_finer_unit_than_fitted_loses_nothing():
    axis = TimeAxis(pd.offsets.Hour(), "datetime", unit="s")
    got = axis.after(pd.Timestamp("2024-01-01 00:00:00.5").as_unit("ns"), 2)
    assert got[0] == pd.Timestamp("2024-01-01 01:00:00.5")


# -------------------- business data

HOLIDAYS = ["2024-03-29", "2024-04-01", "2024-05-01", "2024-05-09"]
WEEKDAYS = pd.date_range("2024-02-01", "2024-06-28", freq="B")
SESSIONS = pd.DatetimeIndex(WEEKDAYS.drop(pd.to_datetime(HOLIDAYS)), freq=None)


def test_missing_weekdays_are_sessions_that_did_not_take_place():
    axis = axis_of(SESSIONS)
    assert isinstance(axis.freq, pd.offsets.CustomBusinessDay)
    assert axis.freq.weekmask == "Mon Tue Wed Thu Fri"
    assert axis.note.startswith("no trading calendar was given")
    assert "Mon to Fri" in axis.note
    assert [str(stamp.date()) for stamp in axis.after(SESSIONS[-1], 2)] == ["2024-07-01", "2024-07-02"]
    assert axis.season_length == 5


def test_weekdays_without_a_hole_are_plain_business_days_without_a_note():
    axis = axis_of(pd.DatetimeIndex(WEEKDAYS, freq=None))
    assert axis.freq == pd.offsets.BusinessDay()
    assert axis.note is None


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_sessions_in_a_zone_close_at_one_time_on_the_wall(zone):
    closes = (SESSIONS + pd.Timedelta(hours=16)).tz_localize(zone)
    axis = axis_of(closes)
    assert str(axis.after(closes[-1], 1)[0].tz_localize(None)) == "2024-07-01 16:00:00"


@pytest.mark.parametrize(
    ("mask", "words"), [("Sun Mon Tue Wed Thu", "Mon, Tue, Wed, Thu, Sun"), ("Mon Tue Wed Thu Fri Sat", "Mon to Sat")]
)
def test_other_weeks_are_inferred_too(mask, words):
    freq = pd.offsets.CustomBusinessDay(weekmask=mask)
    index = pd.DatetimeIndex(pd.date_range("2024-02-01", periods=80, freq=freq), freq=None)
    axis = axis_of(index.delete([20, 41]))
    assert words in axis.note
    assert axis.after(index[-1], 9).equals(pd.date_range(index[-1], periods=10, freq=freq)[1:])
    assert axis.season_length == len(mask.split())


DAYS = pd.date_range("2024-02-01", periods=60, freq="D")


@pytest.mark.parametrize(
    "index",
    [
        DAYS[:17].drop("2024-02-10"),
        DAYS[3:20].drop(["2024-02-10", "2024-02-17"]),
        DAYS.drop(["2024-02-10", "2024-02-17", "2024-02-24"]),
        DAYS[~np.isin(np.arange(60) % 7, [1, 4])],
        pd.date_range("2024-02-01", periods=60, freq="2B"),
        pd.date_range("2024-02-01", periods=200, freq="h").drop("2024-02-03 07:00"),
    ],
    ids=["one Saturday", "all two Saturdays", "some Saturdays", "two days apart", "every second weekday", "hours"],
)
def test_holes_in_daily_data_are_gaps_and_no_weekend(index):
    with pytest.raises(ValueError, match=r"gaps|not regular"):
        axis_of(pd.DatetimeIndex(index, freq=None))


def test_a_missing_weekday_is_a_gap_where_the_frequency_or_the_calendar_says_so():
    with pytest.raises(ValueError, match=r"'B', 4 of 107 stamps are missing: 2024-03-29.*trading_calendar"):
        axis_of(SESSIONS, freq="B")
    assert axis_of(SESSIONS, trading_calendar=HOLIDAYS).note is None
    with pytest.raises(ValueError, match="1 of 104 stamps are missing: 2024-05-01"):
        axis_of(SESSIONS, trading_calendar=[day for day in HOLIDAYS if day != "2024-05-01"])


def test_a_calendar_skips_its_holidays_and_refuses_rows_on_them():
    calendar = pd.offsets.CustomBusinessDay(holidays=[*HOLIDAYS, "2024-07-01"])
    for given in (calendar, [*HOLIDAYS, "2024-07-01"], pd.to_datetime([*HOLIDAYS, "2024-07-01"])):
        axis = axis_of(SESSIONS, trading_calendar=given)
        assert [stamp.day for stamp in axis.after(SESSIONS[-1], 2)] == [2, 3]
        with pytest.raises(ValueError, match=r"1 of [0-9]* stamps are not on the grid.*2024-05-01"):
            axis_of(
                pd.DatetimeIndex(WEEKDAYS.drop(pd.to_datetime(HOLIDAYS[:2] + HOLIDAYS[3:])), freq=None),
                trading_calendar=given,
            )


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ({"freq": "D", "trading_calendar": HOLIDAYS}, ValueError, "expected one of them"),
        ({"trading_calendar": "NYSE"}, TypeError, "'NYSE'; expected a pandas CustomBusinessDay or a list"),
        ({"trading_calendar": ["Easter"]}, TypeError, "holds a value that is not a date"),
        ({"freq": "fortnight"}, ValueError, "'fortnight'; expected a frequency that pandas knows"),
        ({"freq": 2}, TypeError, "time labels are datetimes"),
        ({"gaps": "fill"}, ValueError, "gaps is 'fill'; expected one of"),
        ({"missing": "drop"}, ValueError, "missing is 'drop'; expected one of"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules, error, message):
    with pytest.raises(error, match=message):
        axis_of(SESSIONS, **rules)


def test_a_calendar_is_for_one_row_per_session():
    hours = pd.date_range("2024-02-01", periods=50, freq="h")
    with pytest.raises(ValueError, match="one row per session"):
        axis_of(hours, trading_calendar=HOLIDAYS)


# -------------------- a frequency that is given


@pytest.mark.parametrize(
    ("index", "freq", "message"),
    [
        (DAYS[::2], "D", r"'D', 29 of 59 stamps are missing: 2024-02-02.*gaps='mask'"),
        (DAYS, "2D", "59 of 60 stamps are not on the grid of frequency '2D'"),
        (DAYS[:10], "W-SUN", "not on the grid"),
        (
            pd.date_range("2024-01-02", periods=9, freq="7D"),
            "W-SUN",
            "not on the grid of frequency 'W-SUN': 2024-01-02",
        ),
        (pd.RangeIndex(0, 20, 2), 1, "9 of 19 stamps are missing: 1, 3, 5"),
        (pd.RangeIndex(0, 20, 2), 3, "not on the grid"),
        (pd.period_range("2020-01", periods=9, freq="M"), "D", "periods have frequency 'M'"),
    ],
)
def test_a_frequency_that_is_given_is_believed(index, freq, message):
    with pytest.raises(ValueError, match=message):
        axis_of(pd.DatetimeIndex(index, freq=None) if isinstance(index, pd.DatetimeIndex) else index, freq=freq)


def test_two_rows_are_enough_where_the_frequency_is_given():
    axis = axis_of(pd.DatetimeIndex(["2024-01-01", "2024-01-02"]), freq="D")
    assert str(axis.after(pd.Timestamp("2024-01-02"), 1)[0].date()) == "2024-01-03"
