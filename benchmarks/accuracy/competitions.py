"""GIFT-Eval, fev-bench and M4: the last windows of whole files, scores of medians, quantiles and intervals."""

from functools import partial
from math import ceil

import numpy as np
import pandas as pd

from . import sources
from .problem import TEST, TRAIN, Problem, ends, single, split
from .scores import M4, Quantiles

HORIZONS = {"short": 48, "medium": 480, "long": 720}
SEASONS = {"15T": 96, "H": 24, "10T": 144}


def hourly_means(frame):
    """Means of clock hours."""
    return frame.resample("h").mean()


def gift_frame(source, freq):
    """The whole file of "ett1" or "jena" at a frequency of GIFT-Eval."""
    if source == "ett1":
        frame = sources.transformer("ETTm1")
    else:
        frame = sources.jena() if freq == "H" else sources.jena_regular()
    return hourly_means(frame) if freq == "H" else frame


def gift_windows(n, horizon):
    """How many windows at the end of n rows are tested."""
    return min(20, ceil(0.1 * n / horizon))


def gift(source, freq, term):
    """A task of GIFT-Eval; one fit on the rows before the first window."""
    frame, horizon = gift_frame(source, freq), HORIZONS[term]
    return last_windows(frame, horizon, gift_windows(len(frame), horizon), SEASONS[freq])


def fev(freq):
    """Jena weather of fev-bench, 20 windows; one fit, where fev-bench allows one for each window.

    Its seasonal naive forecast sees the newest 1,000 rows: the published SQL comes out with 1,000 or 1,024, and
    with none of the other numbers that were tried (500, 512, 1,500 to all). The file's -9999 lie before them and would
    widen all quantiles.
    """
    horizon = {"10T": 144, "H": 24}[freq]
    return last_windows(gift_frame("jena", freq), horizon, 20, SEASONS[freq], naive_rows=1000)


def last_windows(frame, horizon, windows, season, naive_rows=None):
    """The problem of windows that do not overlap, at the end of a frame."""
    n = len(frame)
    origins = ends(n, horizon, windows)
    frame = frame.set_axis([f"variable {number}" for number in range(frame.shape[1])], axis=1).astype(np.float64)
    return Problem(
        frame=frame,
        part=split(n, origins[0] + 1, origins[0] + 1),
        target=list(frame.columns),
        horizon=horizon,
        loss="quantile",
        mean=False,
        season=season,
        new_score=Quantiles,
        missing="mask" if frame.isna().any(axis=None) else "error",  # an hour of Jena has no reading
        quantiles=True,
        intervals=True,
        naive_rows=naive_rows,
        **single(n, origins),
    )


def m4(group, newest=None):
    """M4: one panel of all series. It has no dates: the training values of all end at the same made-up stamp.

    With `newest`, each series is cut to that many training values; errors are still scaled by the whole series.
    """
    train, test, naive2 = sources.m4(group)
    freq, season, horizon = {"Hourly": ("h", 24, 48), "Weekly": ("W-SUN", 1, 13)}[group]
    values = [row[~np.isnan(row)] for row in train.to_numpy(np.float64)]
    scales = np.array([np.abs(row[season:] - row[:-season]).mean() for row in values])
    values = [row[-newest:] for row in values] if newest else values
    longest = max(map(len, values))
    stamps = pd.date_range(end="2000-01-02", periods=longest, freq=freq)
    stamps = stamps.append(pd.date_range(stamps[-1], periods=horizon + 1, freq=freq)[1:])
    parts, which, row = [], np.arange(len(values)), []
    for key, past, after in zip(train.index, values, test.to_numpy(np.float64), strict=True):
        y = np.concatenate([past, after])
        part = np.repeat([TRAIN, TEST], [len(past), horizon])
        frame = pd.DataFrame({"id": key, "y": y, "part": part}, index=stamps[longest - len(past) :])
        parts.append(frame)
        row.append(len(past) - 1)
    frame = pd.concat(parts)
    return Problem(
        frame=frame[["id", "y"]],
        part=frame["part"].to_numpy(),
        target=["y"],
        horizon=horizon,
        loss="absolute_error",
        mean=False,
        season=season,
        which=which,
        row=np.array(row),
        new_score=partial(M4, naive2=naive2.loc[train.index].to_numpy(np.float64), whole=scales),
        series="id",
        intervals=newest is None,
    )
