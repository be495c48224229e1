"""Origins whose forecasts have known actual values: after the training rows and before the newest row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from .._records import record
from .._types import Booleans, Floats, Integers

if TYPE_CHECKING:
    from .._preparation import Rows
    from .since import Since
    from .state import FittedState

__all__ = ["NEWEST", "Due", "origins_since"]

NEWEST = 500  # origins of a history whose residuals intervals are calibrated on


def origins_since(
    state: FittedState, rows: Rows, trained: dict[Any, Any], most: int = NEWEST, reach: int = 1
) -> tuple[Integers, Integers]:
    """Possible origins after the training rows, without the last row of each series; the newest ones.

    Made up rows are left out, and those up to which nothing is known of a target.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    trained : dict of key to label
        The newest row of each series that was trained on; a series that is not there has none.
    most : int, default=500
        Origins of a series.
    reach : int, default=1
        Rows of a series behind its last origin, at least.

    Returns
    -------
    origins : ndarray of int64
        Series by series, the oldest first.
    which : ndarray of int64
        Number of the series of each.
    """
    begins, ends = rows.starts[:-1], rows.starts[1:]
    first = np.maximum(begins + state.looks_back - 1, _last_trained(rows, trained))
    first = np.maximum(first, ends - reach - most)
    counts = np.maximum(ends - reach - first, 0)
    which = np.repeat(np.arange(rows.n_series), counts)
    origins = np.arange(len(which)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    there = None
    if rows.made_up is not None:
        there = ~rows.made_up[origins]
    if state.preparation.masked:
        seen = np.cumsum(~np.isnan(rows.targets), axis=0)
        before = np.where(begins[:, None] > 0, seen[begins - 1], 0)  # in the series before
        seen = (seen[origins] > before[which]).all(axis=1)
        there = seen if there is None else there & seen
    return (origins, which) if there is None else (origins[there], which[there])


def _last_trained(rows: Rows, trained: dict[Any, Any]) -> Integers:
    """Position of the last row of each series that is used in training; the first of others."""
    found = rows.starts[:-1].copy()
    labels: list[Any] = [trained.get(key) for key in rows.keys]
    numbers = [number for number, label in enumerate(labels) if label is not None]
    if not numbers:
        return found
    ticks, marks = rows.index, dict.fromkeys(labels[number] for number in numbers)
    if isinstance(rows.index, pd.DatetimeIndex):  # plain numbers: slices of an index take longer than the search
        finer = {label: label.as_unit(rows.index.unit) for label in marks}
        if all(label == mark for label, mark in finer.items()):
            ticks = rows.index.asi8
            marks = {label: int(mark.asm8.view("i8")) for label, mark in finer.items()}
    for number in numbers:
        first, end = rows.starts[number : number + 2]
        mark = labels[number] if ticks is rows.index else marks[labels[number]]
        found[number] += ticks[first:end].searchsorted(mark)
    return found


@record
class Due:
    """The origins since the fit in some rows, and the forecasts from them that have been made.

    Attributes
    ----------
    rows : Rows
    origins, which : ndarray of int64 of shape (n,)
        As `origins_since` gives them.
    forecasts : ndarray of shape (n, horizon, targets)
        0 where they are not there.
    there : ndarray of bool of shape (n,)
    """

    rows: Rows
    origins: Integers
    which: Integers
    forecasts: Floats
    there: Booleans

    @classmethod
    def of(cls, state: FittedState, rows: Rows, since: Since | None = None) -> Self:
        """Those of some rows.

        Parameters
        ----------
        state : FittedState
        rows : Rows
        since : Since, default=None
            Forecasts that were made already.

        Returns
        -------
        Due
        """
        origins, which = origins_since(state, rows, state.trained_until)
        if since is None:
            forecasts: Floats = np.zeros((len(origins), state.horizon, rows.targets.shape[1]))
            there: Booleans = np.zeros(len(origins), dtype=bool)
        else:
            forecasts, there = since.forecasts_of(rows.keys, which, rows.ends[which] - origins)
        return cls(rows, origins, which, forecasts, there)

    @property
    def ages(self) -> Integers:
        """Rows from each origin to the newest row of its series."""
        return self.rows.ends[self.which] - self.origins

    def only(self, chosen: Booleans) -> Self:
        """Some of them.

        Parameters
        ----------
        chosen : ndarray of bool of shape (n,)

        Returns
        -------
        Due
        """
        origins, which = self.origins[chosen], self.which[chosen]
        return type(self)(self.rows, origins, which, self.forecasts[chosen], self.there[chosen])
