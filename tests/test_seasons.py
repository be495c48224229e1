"""Seasons are found where rows show them, and nowhere else: not in noise, in a level that wanders, or after the cut."""

import numpy as np
import pandas as pd
import pytest

from forecast._frames import TimeAxis
from forecast._preparation import Rows
from forecast._recipe.seasons import seasons_of


def rows_of(*series):
    """Series of one or more targets, as rows with whole numbers as labels, and where they end."""
    series = [x[:, None] if x.ndim == 1 else x for x in map(np.asarray, series)]
    starts = np.concatenate([[0], np.cumsum([len(x) for x in series])])
    targets = np.concatenate(series)
    nothing = np.empty((len(targets), 0))
    index = pd.Index(np.concatenate([np.arange(len(x)) for x in series]))
    rows = Rows(list(range(len(series))), starts, index, targets, nothing, nothing, np.empty((len(series), 0)))
    return rows, starts[1:]


def found(freq, *series, season="auto"):
    offset = pd.tseries.frequencies.to_offset(freq) if isinstance(freq, str) else freq
    rows, ends = rows_of(*series)
    return seasons_of(rows, ends, TimeAxis(offset, "datetime"), season)


def seasonal(lengths, rows, seed=0, noise=0.5, level=0.0):
    """One random pattern per season, noise, and a level that walks at random."""
    rng = np.random.default_rng(seed)
    x = noise * rng.normal(size=rows) + level * rng.normal(size=rows).cumsum()
    for length in lengths:
        pattern = np.convolve(rng.normal(size=3 * length), np.ones(max(length // 4, 1)) / max(length // 4, 1), "same")
        pattern = pattern[length : 2 * length]
        x += ((pattern - pattern.mean()) / pattern.std())[np.arange(rows) % length]
    return x


USUAL = [
    ("h", [24], 500), ("30min", [48], 600), ("2h", [12], 300), ("15min", [96], 1000), ("10min", [144], 1500),
    ("min", [60], 1000), ("D", [7], 100), ("D", [365], 1500), ("B", [5], 100), ("W-SUN", [52], 300), ("MS", [12], 80),
    ("ME", [12], 80), ("2MS", [6], 60), ("QS", [4], 40), ("h", [24, 168], 1500), ("D", [7, 365], 2000),
]  # fmt: skip


@pytest.mark.parametrize(("freq", "lengths", "rows"), USUAL, ids=[f"{freq}-{lengths}" for freq, lengths, _ in USUAL])
def test_the_usual_seasons_of_a_frequency_are_found(freq, lengths, rows):
    assert sorted(found(freq, seasonal(lengths, rows))) == lengths


@pytest.mark.parametrize("level", [0.0, 0.3], ids=["flat", "wandering"])
def test_a_season_is_found_on_a_level_that_wanders(level):
    assert found("h", seasonal([24], 800, level=level)) == [24]


@pytest.mark.parametrize("freq", ["h", "D", "B", "W-SUN", "MS", 1])
@pytest.mark.parametrize("kind", ["white", "walk", "smooth", "growth", "step", "outliers"])
def test_no_season_is_found_where_there_is_none(freq, kind):
    rng = np.random.default_rng(3)
    e = rng.normal(size=1200)
    series = {
        "white": e,
        "walk": e.cumsum(),
        "smooth": np.convolve(e, np.hanning(30), "valid"),
        "growth": np.exp(np.linspace(0, 4, 1200)) + 0.01 * e,
        "step": e + 20 * (np.arange(1200) > 700),
        "outliers": np.where(np.isin(np.arange(1200), [100, 465]), 1e6, e),
    }
    assert found(freq, series[kind]) == []


def test_a_decay_is_no_season():
    """A day is much like the day a week before, and more like the days between: no reason to look back a week."""
    e = np.random.default_rng(0).normal(size=2000)
    x = np.zeros(2000)
    for t in range(1, 2000):
        x[t] = 0.97 * x[t - 1] + e[t]
    assert found("D", x) == []


def test_a_season_of_a_day_is_none_of_a_week():
    assert found("h", seasonal([24], 3000, level=0.1)) == [24]


@pytest.mark.parametrize(("lengths", "rows"), [([24], 800), ([12], 150), ([24, 168], 1500), ([52], 400)], ids=str)
def test_without_a_frequency_the_season_is_found_in_the_series(lengths, rows):
    assert sorted(found(1, seasonal(lengths, rows))) == lengths


@pytest.mark.parametrize("seed", range(4))
def test_a_long_season_in_noise_is_found_to_a_few_steps(seed):
    x = np.sin(2 * np.pi * np.arange(3650) / 365) + np.random.default_rng(seed).normal(size=3650)
    assert found(1, x)[0] == pytest.approx(365, abs=5)


def test_the_best_season_to_repeat_comes_first():
    weak = seasonal([24], 3000) + 4 * seasonal([168], 3000, noise=0)
    strong = 4 * seasonal([24], 3000, noise=0.1) + seasonal([168], 3000, noise=0.3)
    assert found("h", weak) == [168, 24]
    assert sorted(found("h", strong, strong + 1.0)) == [24, 168]


def test_a_season_must_fit_in_the_rows_twice():
    x = seasonal([24], 100, noise=0.1)
    assert found("h", x[:47]) == []
    assert found("h", x[:96]) == [24]


def test_rows_behind_the_end_are_not_read():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=400), 50 * seasonal([24], 4000)])
    rows, _ = rows_of(x)
    axis = TimeAxis(pd.offsets.Hour(), "datetime")
    assert seasons_of(rows, np.array([400]), axis) == []
    assert seasons_of(rows, np.array([4400]), axis) == [24]


def test_missing_values_are_left_out():
    x = seasonal([24], 800)
    x[np.random.default_rng(1).random(800) < 0.4] = np.nan
    x[100:200] = np.nan
    assert found("h", x) == [24]
    assert found("h", np.full(100, np.nan)) == []


def test_constants_do_not_vote():
    assert found("h", np.full(300, 0.1)) == []
    assert found("h", *[np.full(300, 5.0)] * 3, seasonal([24], 300)) == []
    assert found("h", np.full(300, 5.0), seasonal([24], 300)) == [24]


def test_the_series_of_a_panel_vote():
    noise = [np.random.default_rng(seed).normal(size=300) for seed in range(10, 22)]
    assert found("h", *noise, seasonal([24], 300)) == []
    assert found("h", *noise[:2], seasonal([24], 300)) == []  # one of three may be chance
    assert found("h", noise[0], seasonal([24], 300)) == [24]
    assert found("h", *noise[:3], *[seasonal([24], 300, seed) for seed in range(3)]) == [24]
    assert found("h", np.column_stack([seasonal([24], 300, seed) for seed in range(3)])) == [24]
    assert found("h", seasonal([24], 300), np.empty(0), np.ones(1)) == []


def test_units_do_not_matter():
    x = seasonal([24, 168], 1500)
    assert found("h", 1e-9 * x + 1e-3) == found("h", 1e9 * x) == found("h", x)


def test_what_is_given_is_taken():
    x = np.zeros(100)
    assert found("h", x, season=30) == [30]
    assert found("h", x, season=[50, np.int64(7)]) == [50, 7]
    assert found("h", x, season=[]) == []


def test_a_season_that_the_rows_to_learn_from_do_not_hold_is_left_out():
    rows, _ = rows_of(np.zeros(34))
    assert seasons_of(rows, np.array([23]), TimeAxis(pd.offsets.MonthBegin(), "datetime"), [12, 30]) == [12]


@pytest.mark.parametrize("season", [2.5, [24, "7"], True, None], ids=str)
def test_a_season_that_is_no_number_of_steps_is_refused(season):
    with pytest.raises(TypeError, match=r"season is .*expected 'auto', a whole number of steps"):
        found("h", np.zeros(100), season=season)


@pytest.mark.parametrize("season", [1, 0, -24, 101, [7, 7], "day"], ids=str)
def test_a_season_that_cannot_be_is_refused(season):
    with pytest.raises(ValueError, match=r"season is .*expected"):
        found("h", np.zeros(100), season=season)


def test_a_year_of_sessions_is_that_of_the_calendar():
    from forecast._recipe.seasons import _usual

    assert _usual(pd.offsets.BusinessDay()) == [5, 261]
    days = pd.date_range("2020-01-01", "2023-12-31", freq="37D")
    calendar = pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat", holidays=list(days))
    assert _usual(calendar)[0] == 6
    assert 295 < _usual(calendar)[1] < 313
    assert _usual(pd.offsets.YearBegin()) == []
    assert _usual(pd.offsets.BusinessHour()) is None
