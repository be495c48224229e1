"""Calendar features are taken where the rows hold their cycle twice and show it, whatever the labels are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast._frames import TimeAxis
from forecast._preparation import Rows
from forecast._recipe.calendar import calendar_of
from forecast.preprocessing import calendar_features
from forecast.preprocessing.calendar import completed


def chosen(index, values, ends=None):
    values = np.asarray(values, dtype=float).reshape(len(index), -1)
    nothing = np.empty((len(index), 0))
    rows = Rows([None], np.array([0, len(index)]), index, values, nothing, nothing, np.empty((1, 0)))
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        axis = TimeAxis(index.freq, "period" if isinstance(index, pd.PeriodIndex) else "datetime")
    else:
        axis = TimeAxis(1, "integer")
    return calendar_of(rows, np.array([len(index)]) if ends is None else ends, axis)


def wave(index, *names, seed=0, noise=0.3):
    """The sum of some cycles of the calendar, with noise."""
    cycles = calendar_features(index, list(names))[0].sum(axis=1) if names else 0.0
    return cycles + noise * np.random.default_rng(seed).normal(size=len(index))


def days(freq, length, tz=None):
    return pd.date_range("2020-01-01", periods=length, freq=freq, tz=tz)


CASES = [
    ("h", 24 * 60, ("hour",)),
    ("h", 24 * 60, ("hour", "dayofweek")),
    ("h", 24 * 800, ("hour", "dayofweek", "dayofyear")),
    ("h", 24 * 800, ("hour", "dayofyear")),
    ("15min", 96 * 60, ("hour", "dayofweek")),
    ("15min", 96 * 800, ("hour", "dayofyear")),
    ("D", 100, ("dayofweek",)),
    ("D", 1200, ("dayofweek", "dayofyear")),
    ("D", 1200, ("dayofyear",)),
    ("D", 1200, ()),
    ("B", 900, ("dayofweek",)),
    ("B", 900, ("dayofyear",)),
    ("W-SUN", 200, ("dayofyear",)),
    ("MS", 60, ("month",)),
    ("ME", 60, ()),
    ("QS", 40, ("month",)),
    ("YS", 40, ()),
]


@pytest.mark.parametrize(("freq", "rows", "names"), CASES, ids=str)
def test_the_cycles_that_are_there_are_taken(freq, rows, names):
    index = days(freq, rows)
    assert chosen(index, wave(index, *names)) == names


@pytest.mark.parametrize(("freq", "rows", "names"), CASES[:8:3] + CASES[12:15], ids=str)
def test_periods_and_zones_make_no_difference(freq, rows, names):
    index = days(freq, rows)
    zoned = days(freq, rows, tz="Europe/Berlin")
    assert chosen(zoned, wave(zoned, *names)) == names
    if freq not in {"MS", "ME"}:
        periods = pd.period_range("2020-01-01", periods=rows, freq=freq)
        assert chosen(periods, wave(periods, *names)) == chosen(index, wave(index, *names))


def test_a_cycle_must_be_held_twice():
    index = days("h", 24 * 731)
    x = wave(index, "hour", "dayofweek", "dayofyear")
    assert chosen(index[:47], x[:47]) == ()
    assert chosen(index[:48], x[:48]) == ("hour",)
    assert "dayofweek" not in chosen(index[: 24 * 13], x[: 24 * 13])
    assert "dayofyear" not in chosen(index[: 24 * 700], x[: 24 * 700])


def test_two_years_are_more_than_104_weeks():
    index = days("W-SUN", 105)
    x = wave(index, "dayofyear")
    assert chosen(index[:104], x[:104]) == ()
    assert chosen(index, x) == ("dayofyear",)


def test_whole_numbers_have_no_calendar():
    index = pd.RangeIndex(500)
    assert chosen(index, np.sin(np.arange(500) * 2 * np.pi / 24)) == ()


def test_rows_behind_the_end_are_not_read():
    index = days("D", 1200)
    x = wave(index, "dayofweek", "dayofyear")
    before = chosen(index, x, np.array([300]))
    x[300:] = np.random.default_rng(1).normal(size=900)
    assert before == chosen(index, x, np.array([300])) == ("dayofweek",)


def test_missing_values_are_left_out():
    index = days("D", 300)
    x = wave(index, "dayofweek")
    x[np.random.default_rng(0).random(300) < 0.3] = np.nan
    assert chosen(index, x) == ("dayofweek",)
    assert chosen(index, np.full(300, np.nan)) == ()


def test_every_name_is_a_calendar_feature():
    index = days("h", 24 * 800)
    names = chosen(index, wave(index, "hour", "dayofweek", "dayofyear"))
    assert calendar_features(index[:3], list(names))[0].shape == (3, 2 * len(names))


def test_auto_among_names_is_what_is_found():
    found = ("hour", "dayofyear")
    assert completed(["auto", "holidays:DE"], lambda: found) == (*found, "holidays:DE")
    assert completed(["dayofyear", "auto"], lambda: found) == ("dayofyear", "hour")
    assert completed("auto", lambda: found) == found
    for names in (["hour"], "hour", (), None):  # nothing is looked for
        assert completed(names, lambda: pytest.fail("looked")) == (("hour",) if names else ())


@pytest.mark.parametrize("regressor", [None, Ridge()], ids=["recipe", "Ridge"])
@pytest.mark.parametrize(
    ("calendar", "kind", "message"),
    [
        (5, TypeError, "calendar is 5; expected 'auto', None or a list of names"),
        (["auto", 3], ValueError, "unknown calendar feature 3"),
        (["auto", "auto"], ValueError, "calendar feature 'auto' is named twice"),
        (["auto", "holiday:DE"], ValueError, "unknown calendar feature 'holiday:DE'; expected one of .*'auto'"),
    ],
    ids=str,
)
def test_what_is_no_calendar_is_refused(regressor, calendar, kind, message):
    index = days("D", 100)
    frame = pd.DataFrame({"y": wave(index, "dayofweek")}, index=index)
    settings = {} if regressor is None else {"lookback": 3}
    with pytest.raises(kind, match=message):
        SeriesForecaster(regressor, target="y", horizon=2, calendar=calendar, **settings).fit(frame)


def test_holidays_can_be_added_to_the_chosen_calendar():
    """A week of days with holidays, which no lag tells: the named ones make the forecast of a holiday better."""
    index = days("D", 1500)
    closed = calendar_features(index, "holidays:DE")[0][:, 0]
    values = wave(index, "dayofweek") - 6 * closed
    frame = pd.DataFrame({"y": values}, index=index)
    known = SeriesForecaster(
        target="y", horizon=3, calendar=["auto", "holidays:DE"], lookback=14, pretrained=False, random_state=0
    ).fit(frame[:-90])
    members = known.recipe_["members"]
    assert {tuple(one["calendar"]) for one in members.values() if one["calendar"]} == {("dayofweek", "holidays:DE")}
    rows = np.flatnonzero(closed[-80:]) + len(index) - 80
    assert len(rows) > 2
    for row in rows:
        forecast = known.predict(history=frame[: row - 1])
        assert abs(forecast.loc[index[row], "y"] - values[row]) < 2


def test_with_a_regressor_auto_among_names_adds_nothing():
    index = days("D", 400)
    frame = pd.DataFrame({"y": wave(index, "dayofweek")}, index=index)
    plain, auto = (
        SeriesForecaster(Ridge(), target="y", horizon=2, lookback=3, calendar=names).fit(frame)
        for names in (["weekend"], ["auto", "weekend"])
    )
    pd.testing.assert_frame_equal(plain.predict(), auto.predict(), check_exact=True)
