"""The column of time stamps in a frame whose index only counts rows, if `time` is None.

Row numbers are never taken for the time if a column holds time stamps. A single such column is taken, with a warning;
several are refused, and so are dates that are still text or numbers.
"""

import warnings
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument
from .stamps import as_stamps
from .text_dates import code_of_dates

__all__ = ["TimeColumnWarning", "note_time", "only_counts", "time_columns", "time_of"]


class TimeColumnWarning(UserWarning):
    """The index only counts rows, so the one column of time stamps was taken as their time; `time=` says it.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster, TimeColumnWarning
    >>> df = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=30), "y": np.arange(30.0)})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", TimeColumnWarning)
    ...     model = SeriesForecaster(Ridge(), target="y", lookback=7, horizon=2).fit(df)
    >>> list(model.predict()["day"].astype(str))
    ['2024-01-31', '2024-02-01']
    """


def note_time(label: Hashable, stacklevel: int) -> None:
    """Warn that a column was taken as the time of the rows."""
    warnings.warn(
        Refusal(
            f"the index only counts rows, so column {label!r} is taken as their time",
            advice="To count rows instead, drop the column.",
            fix=argument("time", label),
        ),
        TimeColumnWarning,
        stacklevel=stacklevel + 1,
    )


def time_of(
    frame: pd.DataFrame, series: Sequence[Hashable], taken: Sequence[Hashable], foreign: Any = None
) -> Hashable:
    """Return the column of time stamps if the index only counts rows, or None if the index is the time.

    Parameters
    ----------
    frame : pandas.DataFrame
    series : list of labels
        Columns or levels that name the series.
    taken : list of labels
        Columns that have a role.
    foreign : object or None, default=None
        The kind of a frame that came from elsewhere and has no index.

    Returns
    -------
    label or None
        Also None if no column holds time stamps; the row numbers are then the time.

    Raises
    ------
    ValueError
        Several columns hold stamps, or dates are still text or numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> time_of(pd.DataFrame({"day": days, "y": [1.0, 2.0, 3.0]}), [], ["y"])
    'day'
    >>> time_of(pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index=days), [], ["y"]) is None
    True
    """
    if not only_counts(frame.index, series):
        return None
    found = time_columns(frame, [*series, *taken])
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            Refusal(
                f"time is None and the index counts rows, but the columns {found} hold time stamps",
                expected="the time of each row in one of them",
                fix=argument("time", _likeliest(frame, found)),
            )
        )
    _refuse_text(frame, [*series, *taken])
    if foreign is not None:
        raise ValueError(
            Refusal(
                f"a frame of {foreign} has no index, and time is None",
                expected=f"the column that holds the stamps as time=, one of {list(frame.columns)}",
            )
        )
    return None


def only_counts(index: pd.Index, series: Sequence[Hashable] = ()) -> bool:
    """Whether an index is not a time: whole numbers without a name or from 0 or 1 on, or only the names of series.

    Parameters
    ----------
    index : pandas.Index
    series : list of labels, default=()

    Returns
    -------
    bool
    """
    if isinstance(index, pd.MultiIndex):
        return set(index.names) <= set(series)
    if index.name is not None and index.name in series:
        return True
    if not pd.api.types.is_integer_dtype(index.dtype) or not len(index):
        return False
    if index.name is None:
        return True
    return index[0] in (0, 1) and index[-1] - index[0] == len(index) - 1


def time_columns(frame: pd.DataFrame, taken: Sequence[Hashable] = ()) -> list[Hashable]:
    """Labels of the columns that hold time stamps or periods, and not only missing ones, and have no role.

    Parameters
    ----------
    frame : pandas.DataFrame
    taken : list of labels, default=()

    Returns
    -------
    list of labels
    """
    found = []
    for position, (label, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        if label not in taken and may_be_time(dtype):
            labels = as_stamps(pd.Index(frame.iloc[:, position], dtype=dtype))
            if isinstance(labels, (pd.DatetimeIndex, pd.PeriodIndex)) and not labels.isna().all():
                found.append(label)
    return found


def may_be_time(dtype: Any) -> bool:
    """Whether a column of this dtype can hold stamps: of objects they have to be looked at."""
    return isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype) or _holds_objects(dtype)


def _holds_objects(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _likeliest(frame: pd.DataFrame, found: Sequence[Hashable]) -> Hashable:
    """Of several columns of stamps the first whose stamps rise without a repetition, else the first."""
    for label in found:
        labels = as_stamps(pd.Index(frame[label], dtype=frame[label].dtype))
        if labels.is_unique and labels.is_monotonic_increasing:
            return label
    return found[0]


def _refuse_text(frame: pd.DataFrame, taken: Sequence[Hashable]) -> None:
    for position, (label, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        if label in taken:
            continue
        code = code_of_dates(frame.iloc[:, position], f"df[{label!r}]")
        if code is None:
            continue
        kind = "numbers" if pd.api.types.is_integer_dtype(dtype) else "text"
        raise ValueError(
            Refusal(
                f"time is None and the index counts rows, but column {label!r} holds dates as {kind}, the first "
                f"{frame.iloc[0, position]!r}",
                expected="time stamps",
                advice=Words("To count rows, drop the column.", ""),
                fix=Fix(f"df[{label!r}] = {code}", argument("time", label).command),
            )
        )
