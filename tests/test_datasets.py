"""Data sets: what they are said to be."""

import sys

import numpy as np
import pandas as pd
import pytest

from forecast._frames import frequency_of, season_length
from forecast.datasets import load_co2, load_fertility, load_sp500, load_vix, load_weather, make_ar1


def test_co2_is_weekly_and_has_its_gaps():
    frame = load_co2()
    assert frame.shape == (2284, 1)
    assert list(frame.columns) == ["co2"]
    assert frame["co2"].isna().sum() == 59
    assert frame["co2"].between(310, 375).sum() == 2284 - 59
    assert frame.index.freqstr == "W-SAT"
    assert season_length(frequency_of(frame.index)) == 52


def test_fertility_is_a_panel_of_countries_of_different_lengths():
    frame = load_fertility()
    lengths = frame.groupby("country").size()
    assert frame.shape == (10076, 1)
    assert len(lengths) == 206
    assert (lengths == 52).sum() == 188
    assert frame.index.is_unique
    assert list(lengths.index) != list(frame.index.unique("country"))  # the order of the World Bank
    assert frame["births"].between(0.8, 9.3).all()
    assert not {"World", "OECD members"} & set(lengths.index)


def test_weather_is_hourly_in_standard_time_and_jumps_at_the_ends_of_months():
    frame = load_weather()
    assert frame.shape == (8760, 6)
    assert frame.notna().all(axis=None)
    assert frame.index.freqstr == "h"
    assert frame.index[0] == pd.Timestamp("2019-01-01 01:00", tz="Etc/GMT+5")
    assert frame["temperature"].between(-20, 40).all()
    assert frame["pressure"].between(960, 1010).all()
    first_hours = frame["pressure"].diff().abs()[frame.index.hour == 1]
    border = first_hours.index.day == 1
    assert first_hours[border].mean() > 10 * first_hours[~border].mean()


def test_prices_are_those_of_trading_days():
    frame = load_sp500()
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert frame.shape == (5031, 5)
    assert (frame["low"] <= frame[["open", "close"]].min(axis=1)).all()
    assert (frame["high"] >= frame[["open", "close"]].max(axis=1)).all()
    assert frame.index.day_of_week.max() == 4
    assert pd.Timestamp("2018-12-25") not in frame.index


def test_vix_has_a_value_in_every_row():
    frame = load_vix()
    assert frame.shape == (1259, 1)
    assert frame["vix"].between(9, 50).all()
    assert frame.index.is_monotonic_increasing


@pytest.mark.parametrize(
    ("load", "package", "extra"),
    [
        (load_co2, "statsmodels.datasets", "demo"),
        (load_fertility, "statsmodels.datasets", "demo"),
        (load_weather, "pvlib", "notebooks"),
        (load_sp500, "arch.data", "notebooks"),
        (load_vix, "arch.data", "notebooks"),
    ],
    ids=["co2", "fertility", "weather", "sp500", "vix"],
)
def test_a_loader_without_its_package_names_the_extra(monkeypatch, load, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{package.split('.')[0]}.*rnn-forecast\[{extra}\]"):
        load()


@pytest.mark.parametrize("phi", [0.95, 0.0, -0.5])
def test_ar1_has_its_autocorrelation_and_variance(phi):
    values = make_ar1(60_000, phi=phi, scale=2.0, random_state=0)["y"]
    assert values.autocorr() == pytest.approx(phi, abs=0.02)
    assert values.std() == pytest.approx(2 / np.sqrt(1 - phi**2), rel=0.05)


def test_ar1_starts_in_its_stationary_distribution():
    starts = [make_ar1(1, phi=0.95, random_state=seed)["y"].iloc[0] for seed in range(2000)]
    assert np.std(starts) == pytest.approx(1 / np.sqrt(1 - 0.95**2), rel=0.05)


def test_ar1_obeys_its_seed_and_leaves_the_global_state_alone():
    before = np.random.get_state()[1].copy()
    one, same, other = (make_ar1(9, random_state=seed)["y"] for seed in (0, 0, 1))
    assert one.equals(same)
    assert not one.equals(other)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("arguments", [{"phi": 1.0}, {"n": 0}, {"scale": -1.0}])
def test_ar1_refuses_what_is_out_of_range(arguments):
    with pytest.raises(ValueError, match="expected"):
        make_ar1(**arguments)
