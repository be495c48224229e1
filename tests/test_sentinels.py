"""Codes for missing values, such as -9999: named in a warning, and nothing else is."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SentinelWarning, SeriesForecaster
from forecast._frames.sentinels import sentinels_of
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

RNG = np.random.default_rng(0)
N = 400
TEMPERATURE = 10 + 12 * np.sin(np.arange(N) / 20) + RNG.normal(0, 2, N)
FLOW = np.exp(RNG.normal(2, 1.2, N))  # 0.2 to 300
TENTHS = np.round(10 * TEMPERATURE)
SHARE = RNG.uniform(0, 1, N)


def spoilt(column, *values, times=5):
    column = column.copy()
    for number, value in enumerate(values):
        column[37 + 11 * number : 37 + 11 * number + times] = value
    return column


CODES = {
    "temperature, -9999": (spoilt(TEMPERATURE, -9999), [-9999]),
    "temperature, -999": (spoilt(TEMPERATURE, -999), [-999]),
    "temperature, -99.9": (spoilt(TEMPERATURE, -99.9), [-99.9]),
    "temperature, 9999": (spoilt(TEMPERATURE, 9999), [9999]),
    "temperature, 999.9 twice": (spoilt(TEMPERATURE, 999.9, times=2), [999.9]),
    "temperature, 1e20": (spoilt(TEMPERATURE, 1e20), [1e20]),
    "temperature, both ends": (spoilt(TEMPERATURE, -9999, 9999), [-9999, 9999]),
    "temperature, two codes": (spoilt(TEMPERATURE, -9999, -999), [-9999, -999]),
    "temperature, no nines": (spoilt(TEMPERATURE, -10000), [-10000]),
    "more codes than values": (spoilt(TEMPERATURE, -9999, times=300), [-9999]),
    "flow, -999": (spoilt(FLOW, -999), [-999]),
    "flow of thousands, -999": (spoilt(100 * FLOW, -999), [-999]),
    "tenths of degrees, -9999": (spoilt(TENTHS, -9999), [-9999]),
    "whole numbers of 16 bits": (spoilt(TENTHS, -32768), [-32768]),
    "share, 99": (spoilt(SHARE, 99), [99]),
    "counts, -999": (spoilt(RNG.poisson(30, N).astype(float), -999), [-999]),
    "float32, -99.9": (spoilt(TEMPERATURE, -99.9).astype(np.float32), [np.float32(-99.9)]),
}


@pytest.mark.parametrize("name", CODES)
def test_a_code_for_missing_is_found(name):
    column, codes = CODES[name]
    found = sentinels_of(column)
    assert sorted(value for value, _ in found) == pytest.approx(sorted(codes))
    rest = column[~np.isin(column, codes)]
    assert all(others == (rest.min(), rest.max()) for _, others in found)
    with_holes = column.astype(float)
    with_holes[:3] = np.nan
    assert len(sentinels_of(with_holes)) == len(codes)


HONEST = {
    "once": spoilt(TEMPERATURE, -9999, times=1),
    "few counts": RNG.poisson(0.4, N).astype(float),
    "counts": RNG.poisson(20, N).astype(float),
    "counts with a long tail": RNG.negative_binomial(0.3, 0.01, N).astype(float),
    "rounded counts with a long tail": np.round(RNG.negative_binomial(0.3, 0.01, N), -2).astype(float),
    "many zeros": np.where(RNG.random(N) < 0.6, 0.0, RNG.lognormal(3, 1, N)),
    "closed days of a large shop": np.where(np.arange(N) % 7 == 6, 0.0, 1000 + 10 * RNG.random(N)),
    "a cap": np.minimum(FLOW, 20.0),
    "a cap of 99": np.minimum(FLOW, 99.0),
    "a floor": np.maximum(TEMPERATURE, 0.0),
    "humidity up to 99": np.minimum(np.round(100 * SHARE), 99),
    "visibility up to 9999": np.where(SHARE > 0.4, 9999.0, np.round(22_000 * SHARE, -2)),
    "pressure around 999": np.round(1000 + RNG.normal(0, 1, N)),
    "a promotion": spoilt(RNG.poisson(20, N).astype(float), 500, times=3),
    "spikes of prices": spoilt(40 + 10 * SHARE, 300.0, -50.0, times=2),
    "a switch": np.where(SHARE > 0.5, 9999.0, 0.0),
    "classes": RNG.choice([1.0, 2.0, 3.0, 999.0], N),
    "constant": np.full(N, -999.0),
    "cents": np.round(RNG.normal(0, 100, N), 2),
    "an exchange rate": 1.1 + np.cumsum(RNG.normal(0, 1e-3, N)),
    "level with a step": np.r_[TEMPERATURE[:200], TEMPERATURE[200:] + 500],
    "nothing": np.array([]),
    "all missing": np.full(9, np.nan),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_values_are_left_alone(name):
    assert sentinels_of(HONEST[name]) == []
    halves = np.array([0, len(HONEST[name]) // 2, len(HONEST[name])])
    if halves[1]:
        assert sentinels_of(HONEST[name], halves) == []


def test_of_a_panel_each_series_is_looked_at():
    small, large = SHARE[:200], 1e5 * SHARE[200:]
    column = np.r_[spoilt(small, 999.0), large]
    assert sentinels_of(column) == []
    assert [value for value, _ in sentinels_of(column, np.array([0, 200, 400]))] == [999.0]
    assert [value for value, _ in sentinels_of(np.r_[small, spoilt(large, -9999.0)])] == [-9999.0]


DAYS = pd.date_range("2024-01-01", periods=N)


def model(**more):
    return SeriesForecaster(Ridge(), target="y", lookback=7, horizon=3, **more)


def test_fit_warns_with_column_number_place_and_a_fix_that_works():
    df = pd.DataFrame({"y": spoilt(TEMPERATURE, -9999), "wind": spoilt(FLOW, -99.9), "sun": SHARE}, index=DAYS)
    with pytest.warns(SentinelWarning) as said:
        model(past_covariates=["wind", "sun"]).fit(df)
    texts = [str(one.message) for one in said]
    assert len(texts) == 2
    assert texts[0].startswith("column 'y' holds -9999 in 5 of 400 rows, the first at 2024-02-07, far from all others")
    assert texts[1].startswith("column 'wind' holds -99.9 in 5 of 400 rows")
    assert said[0].filename == __file__
    for text in texts:
        exec(text.partition("Fix: ")[2].removesuffix("."), {"df": df})
    assert df["y"].isna().sum() == df["wind"].isna().sum() == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(past_covariates=["wind", "sun"], missing="mask").fit(df)


def test_a_future_covariate_and_whole_numbers_are_looked_at_too():
    df = pd.DataFrame({"y": TENTHS.astype(int), "x": spoilt(TENTHS, -9999).astype(np.int32)}, index=DAYS)
    with pytest.warns(SentinelWarning, match=r"'x' holds -9999.*Fix: df\['x'\] = df\['x'\]\.replace\(-9999, float"):
        model(future_covariates="x").fit(df)
    frame = pd.concat([df.assign(shop="a"), df.assign(shop="b")])
    with pytest.warns(SentinelWarning, match=r"in 10 of 800 rows, the first at \('a', 2024-02-07\)"):
        model(future_covariates="x", series="shop").fit(frame)


def test_a_backtest_says_it_once_and_the_warning_can_be_silenced():
    df = pd.DataFrame({"y": spoilt(TEMPERATURE, -999), "x": spoilt(FLOW, -999)}, index=DAYS)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", SkillWarning)
        backtest(model(past_covariates="x"), df, RollingOrigin(3, horizon=3))
    assert [one.category for one in said] == [SentinelWarning] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", SentinelWarning)
        model().fit(df)
