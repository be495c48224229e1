"""Reading the series as published. The folder is named by `FORECAST_DATA`."""

import os
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd


def folder():
    """The folder with the series."""
    if "FORECAST_DATA" not in os.environ:
        sys.exit("FORECAST_DATA is not set; expected the folder that holds ETTh1, weather, m4 and so on.")
    return Path(os.environ["FORECAST_DATA"])


def read(path, time):
    return pd.read_csv(folder() / path, parse_dates=[time], index_col=time)


@lru_cache(maxsize=1)
def transformer(which):
    """Load and oil temperature, "ETTh1" hourly or "ETTm1" every quarter of an hour."""
    frame = read(f"{which}/{which}.csv.gz", "date")
    return frame.asfreq("h" if which == "ETTh1" else "15min")


@lru_cache(maxsize=1)
def jena():
    """The weather of 2020 under the stamps as published: one is repeated, one is missing; -9999 is left in."""
    return read("weather/weather.csv.gz", "date")


def jena_regular():
    """The same rows, 10 minutes apart. Long-horizon protocols count rows."""
    frame = jena()
    return frame.set_axis(pd.date_range(frame.index[0], periods=len(frame), freq="10min"))


def exchange():
    """Eight currencies. The dates of the file are not real, so rows are counted."""
    return read("exchange_rate/exchange_rate.csv.gz", "date").reset_index(drop=True)


def illness():
    return read("ILI/national_illness.csv.gz", "date").asfreq("7D")


def m4(group):
    """Training, test and Naive2 tables of "Hourly" or "Weekly": one row per series, empty on the right."""
    names = (f"{group}-train", f"{group}-test", f"{group}-forecast-Naive2")
    return [pd.read_csv(folder() / "m4" / f"{name}.csv.gz", index_col=0) for name in names]


def beijing():
    """PM2.5 and weather from the first observed value on, hourly."""
    frame = pd.read_csv(folder() / "beijing_pm25" / "PRSA_data_2010.1.1-2014.12.31.csv.gz")
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame[["year", "month", "day", "hour"]]), freq="h")
    return frame[["pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"]].iloc[24:]


def valencia():
    return read("air_quality_valencia/air_quality_valencia.csv.gz", "datetime").asfreq("h")


def melbourne():
    """Two days are absent from the file: they are missing values here."""
    return read("melbourne_min_temp/daily-min-temperatures.csv.gz", "Date").asfreq("D")


def parkinson():
    """Daily variance of the S&P 500 in percent squared, from the range of prices of a day, from 1962 on.

    Before 1962 the published high, low, open and close are equal on most days. Parkinson (1980): the squared range of
    log prices divided by 4 log 2.
    """
    frame = read("sp500/sp500_1950_2018.csv.gz", "Date")["1962-01-02":]
    span = 100 * np.log(frame["High"] / frame["Low"])
    return (span**2 / (4 * np.log(2))).to_frame("variance")
