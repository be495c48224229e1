"""Grids that pandas has no offset for: days of months and years, opening hours, few weekdays."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from continued import continue_index
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, load, make_windows
from forecast._frames import Roles, Rules, frequency_of, read_panel, season_length, step_numbers
from forecast._frames.patterns import Pattern
from forecast._frames.seen_patterns import pattern_seen
from forecast._recipe.seasons import _usual
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

BERLIN = "Europe/Berlin"


def monthly(*days, start="2018-01", periods=60, months=1):
    """Some days of each month, as dates by hand."""
    first = pd.period_range(start, periods=periods, freq="M")[::months]
    return pd.DatetimeIndex([f"{m}-{min(d, m.days_in_month):02d}" for m in first for d in days])


def yearly(*days, first=1970, periods=40):
    return pd.DatetimeIndex([f"{year}-{day}" for year in range(first, first + periods) for day in days])


def opened(hours, freq="h", days="2024-01-01", periods=60, weekdays=range(7), closed=()):
    """Rows of some hours on some weekdays."""
    whole = pd.date_range(days, pd.Timestamp(days) + pd.Timedelta(days=periods), freq=freq, inclusive="left")
    kept = whole.hour.isin(hours) & whole.day_of_week.isin(weekdays)
    return whole[kept & ~whole.normalize().isin(pd.to_datetime(list(closed)))]


GRIDS = {
    "15th": monthly(15),
    "30th": monthly(30),
    "29th": monthly(29),
    "28th": monthly(28),
    "10th of quarters": monthly(10, months=3),
    "20th of every second month": monthly(20, months=2),
    "1st and 15th": monthly(1, 15),
    "15th and last": monthly(15, 31),
    "5th and 20th": monthly(5, 20),
    "dekads": monthly(1, 11, 21),
    "pentads": monthly(1, 6, 11, 16, 21, 26),
    "10th, 20th, last": monthly(10, 20, 31),
    "15 June": yearly("06-15"),
    "29 February": pd.DatetimeIndex([pd.Timestamp(f"{y}-02-01") + pd.offsets.MonthEnd(0) for y in range(1970, 2010)]),
    "April and October": yearly("04-15", "10-20"),
    "four terms": yearly("01-08", "04-15", "07-01", "10-20"),
    "Mon, Wed, Fri": pd.DatetimeIndex([d for d in pd.date_range("2024-01-01", periods=90) if d.weekday() in (0, 2, 4)]),
    "Tue, Fri": pd.DatetimeIndex([d for d in pd.date_range("2024-01-01", periods=90) if d.weekday() in (1, 4)]),
    "hours of every day": opened(range(9, 17)),
    "hours of a few days": opened(range(9, 17), periods=9),
    "hours of weekdays": opened(range(9, 17), weekdays=range(5)),
    "other hours of weekdays": opened(range(10, 18), weekdays=range(5)),
    "hours of Tuesday to Saturday": opened(range(10, 20), weekdays=range(1, 6)),
    "half hours": opened(range(8, 18), freq="30min", periods=40),
    "trading minutes": opened(range(10, 16), freq="5min", weekdays=range(5)),
    "over midnight": opened([0, 1, 20, 21, 22, 23]),
    "three readings a day": opened([6, 14, 20]),
    "short Saturdays": opened(range(9, 17)).delete([i for i, h in enumerate(opened(range(9, 17)))
                                                   if h.weekday() == 6 or (h.weekday() == 5 and h.hour > 12)]),
    "a market from Sunday night to Friday": pd.DatetimeIndex(
        [h for h in pd.date_range("2024-01-01", periods=60 * 24, freq="h")
         if not (h.weekday() == 5 or (h.weekday() == 4 and h.hour >= 22) or (h.weekday() == 6 and h.hour < 22))]
    ),
}  # fmt: skip


def axis_of(index, **rules):
    return read_panel(pd.DataFrame({"y": 0.0}, index=index), Roles(["y"]), Rules(**rules)).axis


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_is_inferred_and_goes_on(name):
    index = GRIDS[name].rename("time")
    cut = len(index) - 30 if len(index) > 60 else len(index) - 9
    if name == "hours of a few days":
        cut = len(index) - 8
    for zone in (None, BERLIN):
        whole = index if zone is None else index.tz_localize(zone)
        axis = axis_of(whole[:cut])
        got = axis.after(whole[cut - 1], len(whole) - cut)
        assert list(got) == list(whole[cut:])
        assert got.dtype == whole.dtype
        assert got.name == "time"
        assert axis.note is None
        assert len(axis.jumps(whole)[0]) == 0
        assert np.diff(step_numbers(whole, axis.freq)).tolist() == [1] * (len(whole) - 1)
        assert axis.positions(whole).tolist() == list(range(len(whole)))
        assert pickle.loads(pickle.dumps(axis)) == axis
        assert frequency_of(whole[:cut]) == axis.freq
        assert list(continue_index(whole[:cut], 3)) == list(whole[cut : cut + 3])


@pytest.mark.parametrize("name", ["15th", "dekads", "15 June", "April and October", "half hours"])
def test_a_missing_label_is_a_gap_and_another_day_is_off_the_grid(name):
    index = GRIDS[name]
    missing = index[[5, 17, 18]]
    with pytest.raises(ValueError, match=rf"3 of {len(index)} stamps are missing: {missing[0]}, {missing[1]}"):
        axis_of(index.drop(missing))
    frame = pd.DataFrame({"y": np.arange(len(index), dtype=float)}, index=index).drop(index=missing)
    panel = read_panel(frame, Roles(["y"]), Rules(gaps="mask"))
    assert list(panel.index) == list(index)
    assert np.flatnonzero(panel.inserted).tolist() == [5, 17, 18]
    moved = index[:20].append(index[20:21] + pd.Timedelta(minutes=7)).append(index[21:])
    with pytest.raises(ValueError, match=r"not regular|not on the grid|gaps"):
        axis_of(moved)


@pytest.mark.parametrize(
    ("name", "text", "season", "seasons"),
    [
        ("15th", "day 15 of each month", 12, [12]),
        ("10th of quarters", "day 10 of every quarter", 4, [4]),
        ("15 June", "day 15 of one month of each year", 1, []),
        ("dekads", "days 1, 11, 21 of each month", 36, [3, 36]),
        ("10th, 20th, last", "days 10, 20, last of each month", 36, [3, 36]),
        ("April and October", "15 Apr, 20 Oct of each year", 2, [2]),
        ("hours of every day", "every 1 h from 09:00 to 16:00, Mon to Sun", 8, [8, 56]),
        ("hours of Tuesday to Saturday", "every 1 h from 10:00 to 19:00, Tue to Sat", 10, [10, 50]),
        ("three readings a day", "06:00, 14:00, 20:00, Mon to Sun", 3, [3, 21]),
        ("short Saturdays", "44 times of each week", 44, [44]),
    ],
)
def test_a_grid_has_words_and_seasons(name, text, season, seasons):
    freq = axis_of(GRIDS[name]).freq
    assert isinstance(freq, Pattern)
    assert freq.freqstr == text
    assert repr(freq) == f"<Pattern: {text}>"
    assert season_length(freq) == season
    assert _usual(freq) == seasons


def test_what_pandas_has_an_offset_for_gets_that():
    assert axis_of(GRIDS["1st and 15th"]).freq == pd.offsets.SemiMonthBegin()
    assert axis_of(GRIDS["15th and last"]).freq == pd.offsets.SemiMonthEnd()
    assert axis_of(GRIDS["Tue, Fri"]).freq == pd.offsets.CustomBusinessDay(weekmask="Tue Fri")
    assert axis_of(monthly(31)).freq == pd.offsets.MonthEnd()
    assert axis_of(monthly(1)).freq == pd.offsets.MonthBegin()


@pytest.mark.parametrize(
    ("freq", "name"),
    [
        (pd.DateOffset(months=1), "15th"),
        (pd.DateOffset(months=1), "30th"),
        (pd.DateOffset(months=1, day=30), "30th"),
        (pd.DateOffset(months=3), "10th of quarters"),
        (pd.DateOffset(years=1), "15 June"),
        (pd.offsets.SemiMonthBegin(), "1st and 15th"),
        ("SME", "15th and last"),
        (pd.offsets.CustomBusinessHour(start="09:00", end="17:00", weekmask="1111111"), "hours of every day"),
    ],
    ids=str,
)
def test_an_offset_that_is_given_goes_on_without_drifting(freq, name):
    index = GRIDS[name]
    axis = axis_of(index[:15], freq=freq)
    assert list(axis.after(index[14], len(index) - 15)) == list(index[15:])
    with pytest.raises(ValueError, match=f"1 of 15 stamps are missing: {index[10]}"):
        axis_of(index[:15].delete(10), freq=freq)


# -------------------- closed days


def test_days_on_which_a_shop_is_closed_are_no_gaps_and_a_missing_hour_is_one():
    closed = ["2024-01-15", "2024-02-05", "2024-02-06"]
    index = opened(range(9, 17), closed=closed)
    axis = axis_of(index)
    assert axis.freq == axis_of(GRIDS["hours of every day"]).freq
    assert "on 2 occasions whole days are missing" in axis.note
    assert list(axis.after(index[-1], 9)) == [index[-1] + pd.Timedelta(hours=17 + h) for h in range(8)] + [
        index[-1] + pd.Timedelta(hours=41)
    ]
    with pytest.raises(ValueError, match="1 of 456 stamps are missing: 2024-01-02 11:00:00"):
        axis_of(index.delete(10))
    frame = pd.DataFrame({"y": 1.0}, index=index.delete(10))
    with pytest.warns(UserWarning, match="opening hours were inferred"):
        model = SeriesForecaster(Ridge(), lookback=8, horizon=4, gaps="mask").fit(frame)
    assert len(model.history_) == 8
    reopened = index[-1] + pd.Timedelta(days=1, hours=17)  # closed for a day
    future = pd.DataFrame(index=pd.date_range(reopened, periods=4, freq="h"))
    assert list(model.predict(future).index) == list(future.index)
    with pytest.raises(ValueError, match="does not continue"):
        model.predict(future.iloc[1:])


@pytest.mark.parametrize(
    "index",
    [
        opened(range(24)).delete([100, 101, 300]),  # hours with holes
        opened(range(9, 17), periods=3),  # three days show no pattern
        opened(range(9, 17), periods=12, weekdays=range(5)),  # nor do two weeks show weekends
        pd.DatetimeIndex(sorted(np.random.default_rng(0).choice(opened(range(24)), 900, replace=False))),
        pd.DatetimeIndex(["2024-01-03", "2024-02-07", "2024-03-06", "2024-04-03"]),  # first Wednesdays
    ],
    ids=["holes", "three days", "two weeks", "random hours", "another rule"],
)
def test_other_rows_show_no_pattern(index):
    assert not isinstance(pattern_seen(index), Pattern)


# -------------------- through everything


@pytest.mark.parametrize("name", ["15th", "hours of weekdays", "dekads"])
def test_models_forecast_on_a_grid_and_files_keep_it(name, tmp_path):
    index = GRIDS[name][-60:] if name == "15th" else GRIDS[name]
    rng = np.random.default_rng(0)
    df = pd.DataFrame({"y": 10 + np.sin(np.arange(len(index))) + 0.1 * rng.normal(size=len(index))}, index=index)
    for model in (
        SeriesForecaster(Ridge(), target="y", lookback=8, horizon=3, calendar=["month"]),
        SeriesForecaster(RNNForecaster(hidden_size=4, max_iter=2, random_state=0), target="y", lookback=8, horizon=3),
    ):
        model.fit(df.iloc[:-3])
        answer = model.predict()
        assert list(answer.index) == list(index[-3:])
        model.save(tmp_path / "model.forecast")
        again = load(tmp_path / "model.forecast")
        pd.testing.assert_frame_equal(again.predict(), answer)
        assert again.freq_ == model.freq_
        pd.testing.assert_frame_equal(model.predict(history=df.iloc[:-3]), answer)
        assert model.predict(df.iloc[-3:])["y"].to_list() == answer["y"].to_list()
        assert isinstance(model.score(df.iloc[-3:]), float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkillWarning)
        report = backtest(model, df, RollingOrigin(3, horizon=3), refit=False)
    assert list(report.frame["timestamp"].iloc[:3]) == list(index[-9:-6])
    assert len(make_windows(df, lookback=8, horizon=3)) == len(df) - 10


def test_a_panel_keeps_to_the_grid_of_its_longest_series():
    index = GRIDS["15th"]
    parts = [pd.DataFrame({"shop": name, "y": 1.0}, index=one) for name, one in (("a", index), ("b", index[7:40]))]
    frame = pd.concat(parts)
    panel = read_panel(frame, Roles(["y"], series="shop"), Rules())
    assert panel.axis.freq.freqstr == "day 15 of each month"
    other = pd.concat([frame, pd.DataFrame({"shop": "c", "y": 2.0}, index=monthly(16)[:20])])
    with pytest.raises(ValueError, match=r"not regular|not on the grid"):
        read_panel(other, Roles(["y"], series="shop"), Rules())


def test_years_before_nanoseconds_go_on():
    for days in (("06-15",), ("04-15", "10-20"), ("01-01",), ("12-31",)):
        index = pd.DatetimeIndex(np.array([f"{y}-{d}" for y in range(1500, 1560) for d in days], dtype="datetime64[s]"))
        axis = axis_of(index[:-4])
        assert list(axis.after(index[-5], 4)) == list(index[-4:])
