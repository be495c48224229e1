"""Places of windows: their series, and their phase of a cycle."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._frames import step_numbers
from .._refusals import Refusal
from .._types import Integers

if TYPE_CHECKING:
    from .table import Windows

__all__ = ["phases", "series_at", "series_names", "series_rows"]


def phases(windows: Windows, length: int) -> Integers:
    """Phase of each window's oldest row in a cycle, as `Windows.phase`.

    Parameters
    ----------
    windows : Windows
    length : int

    Returns
    -------
    ndarray of int64 of shape (n,)
    """
    try:
        length = operator.index(length)
    except TypeError:
        raise TypeError(
            Refusal(f"is {length!r}", where="length", expected="the steps of the cycle, 1 or more")
        ) from None
    if length < 1:
        raise ValueError(Refusal(f"is {length}", where="length", expected="the steps of the cycle, 1 or more"))
    back = windows.lookback - 1
    if _is_counted(windows):
        return (windows.time.astype(np.int64) - back) % length
    return np.asarray(step_numbers(windows.index[windows.origins - back], windows.freq) % length, dtype=np.int64)


def _is_counted(windows: Windows) -> bool:
    """Whether labels are only row numbers, which are not times if there are several series."""
    return isinstance(windows.index, pd.RangeIndex) and windows.index.equals(pd.RangeIndex(len(windows.index)))


def series_at(starts: Integers, rows: Integers) -> Integers:
    """Number of the series of each row.

    Parameters
    ----------
    starts : ndarray of int of shape (n_series + 1,)
    rows : ndarray of int of shape (n,)

    Returns
    -------
    ndarray of int64 of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> starts = np.array([0, 3, 3, 7])
    >>> series_at(starts, np.array([0, 2, 3, 6])), series_at(starts, np.array([6, 0]))
    (array([0, 0, 2, 2]), array([2, 0]))
    """
    if len(rows) > len(starts) and (rows[1:] >= rows[:-1]).all():  # in order, as all windows are: far fewer searches
        ends = np.searchsorted(rows, starts[1:-1], side="left")
        return np.repeat(np.arange(len(starts) - 1), np.diff(ends, prepend=0, append=len(rows)))
    return np.searchsorted(starts, rows, side="right") - 1


def series_names(windows: Windows) -> pd.Index:
    """Names of the series, as `Windows.series_names`.

    Parameters
    ----------
    windows : Windows

    Returns
    -------
    pandas.Index
    """
    if windows.series is not None:
        return windows.series
    if len(windows.starts) > 2:
        raise ValueError(
            Refusal(
                f"windows of {len(windows.starts) - 1} series without names, so they cannot be distinguished",
                where="X:",
                advice="Pass their names: series=pandas.Index([...]).",
            )
        )
    return pd.Index([None], dtype=object)


def series_rows(windows: Windows, names: pd.Index) -> Integers:
    """Number of each window's series among some names, as `Windows.series_rows`.

    Parameters
    ----------
    windows : Windows
    names : pandas.Index

    Returns
    -------
    ndarray of int64 of shape (n,)
    """
    number = {name: row for row, name in enumerate(names)}
    if len(number) != len(names):
        raise ValueError(Refusal(f"has {len(names) - len(number)} names twice", where="names", expected="each once"))
    rows = np.array([number.get(name, -1) for name in series_names(windows)], dtype=np.int64)
    return rows[windows.which]
