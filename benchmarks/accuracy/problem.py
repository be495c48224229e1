"""A loaded task: a frame, its split, the origins that are tested, and the same rows as plain arrays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True)
class Series:
    """One series in plain arrays.

    Attributes
    ----------
    key : label or None
    index : pandas.Index of length T
    targets : ndarray of shape (T, n), float64, NaN where missing
    past, future : ndarray of shape (T, P) and (T, F), float64; text is one-hot
    train_end, known_end : int
        Rows that may be learnt from; rows before the test part, validation rows included.
    """

    key: object
    index: pd.Index
    targets: np.ndarray
    past: np.ndarray
    future: np.ndarray
    train_end: int
    known_end: int


@dataclass
class Problem:
    """What a model gets, and what its forecasts are compared with.

    Attributes
    ----------
    frame : pandas.DataFrame
        All rows in time order; of a panel, series after series, named in the column `series`.
    part : ndarray of int of shape (rows,)
        TRAIN, VALIDATION or TEST. Validation rows are given to `fit` as `X_val`, and only where there are any.
    target, past, future : list of str
        Columns to forecast, and covariates known up to the origin or ahead.
    horizon : int
    loss : {"absolute_error", "squared_error", "quantile"}
        What our forecaster is asked for.
    mean : bool
        Whether the metric asks for the mean; rivals then minimise the squared error, else the absolute one.
    season : int
        Steps of the season of the seasonal naive forecast; 1 is the last value.
    which, row : ndarray of int of shape (n,)
        Series and row in it of the newest known value, of each tested forecast.
    new_score : callable
        Takes the problem, makes the score that is fed with forecasts.
    quantiles, intervals : bool
        Whether quantiles 0.1 to 0.9, or intervals of 80 and 95 %, are scored.
    naive_rows : int or None
        Newest rows from which the seasonal naive forecast takes the width of its quantiles; None for all.
    series : str or None
        Column that names the series of a panel.
    missing : {"error", "mask"}
        "mask" where targets or past covariates have gaps.
    """

    frame: pd.DataFrame
    part: np.ndarray
    target: list
    horizon: int
    loss: str
    mean: bool
    season: int
    which: np.ndarray
    row: np.ndarray
    new_score: Callable
    past: list = field(default_factory=list)
    future: list = field(default_factory=list)
    series: str | None = None
    missing: str = "error"
    quantiles: bool = False
    intervals: bool = False
    naive_rows: int | None = None

    @property
    def train(self):
        """The rows that `fit` gets."""
        return self.frame[self.part == TRAIN]

    @property
    def validation(self):
        """The rows that `fit` gets as `X_val`; None where there are none."""
        return self.frame[self.part == VALIDATION] if (self.part == VALIDATION).any() else None

    @cached_property
    def arrays(self):
        """The series as plain arrays, in the order of the frame."""
        past, future = _encoded(self.frame, self.past), _encoded(self.frame, self.future)
        targets = self.frame[self.target].to_numpy(np.float64)
        if self.series is None:
            groups = [(None, np.arange(len(self.frame)))]
        else:
            names = self.frame[self.series].to_numpy()
            firsts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
            groups = [(names[rows[0]], rows) for rows in np.split(np.arange(len(names)), firsts[1:])]
        found = []
        for key, rows in groups:
            part = self.part[rows]
            known = int((part != TEST).sum())
            train = int((part == TRAIN).sum())
            index = self.frame.index[rows]
            found.append(Series(key, index, targets[rows], past[rows], future[rows], train, known))
        return found

    def actual(self, which, row):
        """What happened after some origins, shape (n, horizon, targets); NaN after the end and where missing."""
        out = np.full((len(which), self.horizon, len(self.target)), np.nan)
        steps = np.arange(1, self.horizon + 1)
        for number in np.unique(which):
            mine, values = np.flatnonzero(which == number), self.arrays[number].targets
            ahead = row[mine, None] + steps
            found = values[np.minimum(ahead, len(values) - 1)]
            found[ahead >= len(values)] = np.nan
            out[mine] = found
        return out

    def blocks(self, values=4_000_000):
        """Slices of the origins, so that the forecasts of a block are at most `values` numbers."""
        size = max(1, values // (self.horizon * len(self.target)))
        return [slice(first, first + size) for first in range(0, len(self.which), size)]

    def thinned(self, every):
        """The same with every `every`-th origin."""
        return Problem(**{**self._fields(), "which": self.which[::every], "row": self.row[::every]})

    def _fields(self):
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _encoded(frame, names):
    """Columns as float64, text one-hot."""
    if not names:
        return np.empty((len(frame), 0))
    return pd.get_dummies(frame[names], dtype=np.float64).to_numpy(np.float64)


def split(n, train, known):
    """The parts of the rows of one series: `train` rows, validation up to `known`, test."""
    return np.repeat([TRAIN, VALIDATION, TEST], [train, known - train, n - known])


def single(n, origins):
    """`which` and `row` of the origins of one series."""
    origins = np.asarray(origins, dtype=np.int64)
    if len(origins) and (origins.min() < 0 or origins.max() >= n - 1):
        raise ValueError(f"origins {origins.min()} to {origins.max()} do not lie in {n} rows with a row after them.")
    return {"which": np.zeros(len(origins), np.int64), "row": origins}


def ends(n, horizon, windows, step=None):
    """Origins of the last `windows` windows of a series of n rows, `step` rows apart (None: they do not overlap)."""
    return n - 1 - horizon - (horizon if step is None else step) * np.arange(windows)[::-1]


def every_window(first, n, horizon, step=1):
    """Origins of all windows whose targets lie in rows `first` to n."""
    return np.arange(first - 1, n - horizon, step)
