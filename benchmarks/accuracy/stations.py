"""Series with covariates, gaps, trading days: Beijing, Valencia, Melbourne, S&P 500, and those of the notebooks."""

from functools import partial

import numpy as np
import pandas as pd

from forecast.datasets import load_co2, load_fertility, load_weather

from . import sources
from .problem import TEST, TRAIN, Problem, ends, every_window, single, split
from .scores import Errors, Variance


def one(frame, target, horizon, origins, **options):
    """The problem of one series; the rows up to the first origin are there to be learnt from."""
    known = int(origins[0]) + 1
    given = {"loss": "absolute_error", "mean": False, "new_score": Errors, **options}
    part = split(len(frame), known, known)
    return Problem(frame=frame, part=part, target=[target], horizon=horizon, **given, **single(len(frame), origins))


def beijing(known_ahead):
    """PM2.5 of the next 24 hours, forecast at midnight on each day of 2014; the weather is known ahead or not."""
    frame = sources.beijing()
    weather = [name for name in frame.columns if name != "pm2.5"]
    return one(
        frame, "pm2.5", 24, ends(len(frame), 24, 365), season=24, missing="mask", intervals=True,
        **{"future" if known_ahead else "past": weather},
    )  # fmt: skip


def valencia(horizon):
    """Ozone in 2023, windows that do not overlap; all other columns are past covariates."""
    frame = sources.valencia()
    first = frame.index.get_loc(pd.Timestamp("2023-01-01"))
    past = [name for name in frame.columns if name != "o3"]
    origins = every_window(first, len(frame), horizon, horizon)
    return one(frame, "o3", horizon, origins, season=24, missing="mask", past=past)


def melbourne(horizon):
    """Minimum temperature of the last 730 days, from every day."""
    frame = sources.melbourne()
    origins = every_window(len(frame) - 730, len(frame), horizon)
    return one(frame, "Temp", horizon, origins, season=365, missing="mask", loss="squared_error", mean=True)


def variance(horizon):
    """Mean variance of the S&P 500 over the next days, from every day of 2013 to 2018."""
    frame = sources.parkinson()
    first = frame.index.searchsorted(pd.Timestamp("2013-01-01"))
    floor = 0.01 * float(frame["variance"].iloc[:first].median())
    return one(
        frame, "variance", horizon, every_window(first, len(frame), horizon), season=1, loss="squared_error", mean=True,
        new_score=partial(Variance, least=floor),
    )  # fmt: skip


def co2():
    """Weekly CO2 with its gaps, the next half year, from every week of the last five years."""
    frame = load_co2()
    return one(frame, "co2", 26, every_window(len(frame) - 260, len(frame), 26), season=52, missing="mask")


def quickstart():
    """Notebook 01: CO2 with its gaps filled, eight half years."""
    frame = load_co2().interpolate()
    return one(frame, "co2", 26, ends(len(frame), 26, 8), season=52)


def greensboro():
    """Notebook 02: the temperature of the next 24 hours, 80 origins 25 hours apart."""
    frame = load_weather().tz_convert("America/New_York")
    past = [name for name in frame.columns if name != "temperature"]
    return one(frame, "temperature", 24, ends(len(frame), 24, 80, 25), season=24, past=past)


def fertility(unseen):
    """Notebook 06: births per woman in the next five years.

    Parameters
    ----------
    unseen : bool
        False: countries of the panel, from 1996, 2001 and 2006. True: forty others, from 2006, of which the model has
        seen nothing in `fit`.
    """
    frame, held_back = births()
    if not unseen:
        frame = frame[~frame["country"].isin(held_back)]
    origin_years = [2006] if unseen else [1996, 2001, 2006]
    learnt = frame.index.year <= origin_years[0]
    rows = pd.Series(learnt).groupby(frame["country"].to_numpy()).transform("sum").to_numpy()
    frame, learnt = frame[rows >= 18], learnt[rows >= 18]  # as the notebook wants of the whole series
    if unseen:
        learnt &= ~frame["country"].isin(held_back).to_numpy()
    which, row = [], []
    for number, (country, mine) in enumerate(frame.groupby("country", sort=False)):
        for origin in origin_years if not unseen or country in held_back else []:
            found = np.flatnonzero(mine.index.year == origin)
            if len(found) and 15 <= found[0] < len(mine) - 5:
                which.append(number)
                row.append(found[0])
    return Problem(
        frame=frame, part=np.where(learnt, TRAIN, TEST), target=["births"], horizon=5, loss="absolute_error",
        mean=False, season=1, which=np.array(which), row=np.array(row), new_score=Errors, series="country",
    )  # fmt: skip


def births():
    """Countries without gaps and with at least 18 years, and the forty names that the notebook holds back."""
    frame = load_fertility()
    lengths = frame.groupby("country").size()
    years = frame.reset_index("year").groupby("country")["year"].agg(lambda year: year.max().year - year.min().year + 1)
    whole = lengths[(lengths == years) & (lengths >= 18)].index
    held_back = np.random.default_rng(0).choice(lengths[lengths == 52].index, 40, replace=False)
    frame = frame.reset_index("country")
    return frame[frame["country"].isin(whole)], set(held_back)
