"""Real series, end to end: NaN and gaps as published, a panel of 414 series, trading days, naive forecasts.

`FORECAST_DATA` names the folder with the series, which are not part of this project; without it nothing here is
collected. With it: `pytest -m data`.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

__test__ = "FORECAST_DATA" in os.environ
pytestmark = pytest.mark.data
FOLDER = Path(os.environ.get("FORECAST_DATA", "."))
NAIVE = ["last value", "seasonal naive", "drift", "mean"]


def read(path, time):
    return pd.read_csv(FOLDER / path, parse_dates=[time], index_col=time)


def beijing():
    frame = pd.read_csv(FOLDER / "beijing_pm25" / "PRSA_data_2010.1.1-2014.12.31.csv.gz")
    return frame.set_index(pd.to_datetime(frame[["year", "month", "day", "hour"]]))


def valencia():
    return read("air_quality_valencia/air_quality_valencia.csv.gz", "datetime")


def melbourne():
    return read("melbourne_min_temp/daily-min-temperatures.csv.gz", "Date")


def close():
    return read("sp500/sp500_1950_2018.csv.gz", "Date")[["Close"]]


def returns():
    return 100 * np.log(close()).diff().iloc[1:].set_axis(["return"], axis=1)  # in percent


def hourly(which):
    """M4 Hourly in long format. It has no dates: the training values of all series end at the same made-up hour."""
    wide = pd.read_csv(FOLDER / "m4" / f"Hourly-{which}.csv.gz", index_col=0)
    row, column = np.nonzero(wide.notna().to_numpy())
    step = column if which == "test" else column - wide.notna().sum(axis=1).to_numpy()[row]
    hours = pd.Timestamp("2000-01-01") + pd.to_timedelta(step, unit="h")
    return pd.DataFrame({"id": wide.index[row], "y": wide.to_numpy()[row, column]}, index=hours)


def network(**parameters):
    return RNNForecaster(hidden_size=32, random_state=0, **{"max_iter": 10, **parameters})


def backtested(model, frame, cv, **options):
    """The report; what it warns of is what its notes say, and these agree with the errors in its frame."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = backtest({"network": model}, frame, cv, refit=False, **options)
    assert [str(warning.message) for warning in caught if warning.category is SkillWarning] == report.notes
    assert [str(warning.message) for warning in caught if warning.category is not SkillWarning] == []
    rows = report.frame[report.frame["actual"].notna()]
    mae = (rows["forecast"] - rows["actual"]).abs().groupby(rows["model"], observed=True).mean()
    best = mae[NAIVE].min()
    assert report.summary().loc["network", "skill"] == pytest.approx(1 - mae["network"] / best, rel=1e-9, abs=1e-12)
    assert any("does not beat" in note for note in report.notes) == (mae["network"] >= best)
    assert report.frame["forecast"].notna().all()
    return report, mae


POLLUTION = {"lookback": 48, "horizon": 24, "missing": "mask", "step": 3}
PM25 = {"target": "pm2.5", "past_covariates": ["DEWP", "TEMP", "PRES", "Iws", "cbwd"], **POLLUTION}
O3 = {"target": "o3", "past_covariates": ["no2", "nox", "veloc.", "direc."], "calendar": ["hour"], **POLLUTION}
TEMPERATURE = {"target": "Temp", "lookback": 28, "horizon": 7, "gaps": "mask"}
RETURN = {"target": "return", "lookback": 20, "horizon": 5, "window_norm": None}


@pytest.mark.parametrize(
    ("load", "options", "cv"),
    [
        (beijing, PM25, RollingOrigin(1_200, 24, step=7)),
        (valencia, O3, RollingOrigin(1_200, 24, step=7)),
        (melbourne, TEMPERATURE, RollingOrigin(1_095, 7, step=1)),
    ],
    ids=["beijing", "valencia", "melbourne"],
)
def test_network_beats_naive_forecasts_and_its_intervals_cover(load, options, cv):
    frame = load()
    model = SeriesForecaster(network(), **options)
    report, mae = backtested(model, frame, cv, coverage=[0.8, 0.95])
    assert report.frame["origin"].nunique() > 1_000
    assert mae["network"] < mae[NAIVE].min()
    summary = report.summary().loc["network"]
    assert abs(summary["coverage_0.8"] - 0.8) <= 0.02
    assert abs(summary["coverage_0.95"] - 0.95) <= 0.02


@pytest.mark.parametrize(("load", "options"), [(beijing, PM25), (valencia, O3)], ids=["beijing", "valencia"])
def test_nan_as_published_goes_in_and_forecasts_that_continue_the_index_come_out(load, options):
    frame = load()
    assert frame[options["target"]].isna().sum() > 1_000
    model = SeriesForecaster(network(max_iter=2), **options)
    forecast = model.fit(frame).predict()
    assert forecast.index.equals(pd.date_range(frame.index[-1], periods=25, freq="h")[1:])
    assert np.isfinite(forecast.to_numpy()).all()
    with pytest.raises(ValueError, match=f"'{options['target']}' has .* missing values"):
        SeriesForecaster(network(), **{**options, "missing": "error"}).fit(frame)


def test_one_network_for_414_hourly_series_beats_naive_forecasts():
    frame, after = hourly("train"), hourly("test")
    assert frame["id"].nunique() == 414
    model = SeriesForecaster(
        network(max_iter=15, batch_size=128, loss="absolute_error"),
        target="y", series="id", lookback=96, horizon=48, step=12, transform=["standard", "seasonal_difference"],
        window_norm=None,
    )  # fmt: skip
    report, mae = backtested(model, frame, RollingOrigin(2, 48))
    assert set(report.frame["series"]) == set(frame["id"])
    assert mae["network"] < mae[NAIVE].min()
    forecast = model.fit(frame).predict()
    assert len(forecast) == 414 * 48
    ours, actual, past = (part.pivot(columns="id", values="y") for part in (forecast, after, frame))
    assert ours.index.equals(actual.index)
    season = np.tile(past.iloc[-24:], (2, 1))
    assert (ours - actual).abs().to_numpy().mean() < np.abs(season - actual.to_numpy()).mean()


def test_trading_days_are_inferred_and_levels_of_the_index_show_no_skill():
    frame = close()
    model = SeriesForecaster(network(), target="Close", lookback=20, horizon=5, transform="log_return")
    with pytest.warns(UserWarning, match="no trading calendar"):
        model.fit(frame)
    assert isinstance(model.freq_, pd.offsets.CustomBusinessDay)
    assert model.predict().index.equals(pd.bdate_range("2018-12-10", periods=5))
    report, mae = backtested(model, frame, RollingOrigin(1_000, 5, step=1))
    assert mae["network"] > 0.98 * mae["last value"]
    days = report.frame["timestamp"]
    assert days.isin(frame.index).all()


def test_returns_of_the_index_show_no_skill_and_their_intervals_cover():
    """Compared with the last value alone, any constant would look like skill."""
    frame = returns()
    report, mae = backtested(
        SeriesForecaster(network(), **RETURN), frame, RollingOrigin(4_000, 5, step=1), coverage=[0.8, 0.95]
    )
    assert mae["network"] < 0.75 * mae["last value"]
    assert report.summary().loc["network", "skill"] < 0.02
    summary = report.summary().loc["network"]
    assert abs(summary["coverage_0.8"] - 0.8) <= 0.02
    assert abs(summary["coverage_0.95"] - 0.95) <= 0.02
