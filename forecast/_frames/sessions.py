"""Business data: on which weekdays there are sessions, and the calendar that a user gave."""

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words
from .._types import Array, Booleans, Integers
from .stamps import CHUNK

__all__ = ["calendar_of", "count_weekdays", "inferred_weekmask", "wall_days", "weekdays_text", "weekmask_text"]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SESSIONS_HELD = 0.75  # of the sessions of the weekdays; fewer are steps of another kind, as every second weekday
WEEKS_TO_TELL = 3  # a weekday that never comes in as many weeks is one without sessions


def wall_days(index: pd.DatetimeIndex) -> tuple[Array, Array]:
    """Local dates and times of day of a DatetimeIndex, both as numpy arrays."""
    wall = index if index.tz is None else index.tz_localize(None)
    stamps = wall.to_numpy()
    days = stamps.astype("datetime64[D]")
    return days, stamps - days


def _weekday(days: Array) -> Integers:
    """0 is Monday; 1970-01-01 was a Thursday."""
    return (days.astype(np.int64) + 3) % 7


def count_weekdays(index: pd.DatetimeIndex) -> Integers | None:
    """Rows on each weekday, Monday first; None where the time of day is not the same in all rows."""
    counts, clock = np.zeros(7, dtype=np.int64), None
    for first in range(0, len(index), CHUNK):
        days, clocks = wall_days(index[first : first + CHUNK])
        clock = clocks[0] if clock is None else clock
        if (clocks != clock).any():
            return None
        counts += np.bincount(_weekday(days), minlength=7)
    return counts


def inferred_weekmask(index: pd.DatetimeIndex, starts: Integers) -> str | None:
    """The weekdays with sessions, where rows come daily and one or two weekdays side by side never come; or None.

    A weekday is without sessions only where it never comes in the whole frame and the longest series spans three weeks,
    and where at least three quarters of the sessions that are left took place: a hole in daily data is not a weekend.

    Parameters
    ----------
    index : pandas.DatetimeIndex
        Stamps of all rows, series after series.
    starts : ndarray of shape (n_series + 1,)

    Returns
    -------
    str or None
        As pandas writes it, such as "Mon Tue Wed Thu Fri".

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> days = pd.date_range("2024-04-01", "2024-05-10", freq="B").drop("2024-05-01")
    >>> inferred_weekmask(days, np.array([0, len(days)]))
    'Mon Tue Wed Thu Fri'
    """
    counts = count_weekdays(index)
    if counts is None:
        return None
    absent = np.flatnonzero(counts == 0)
    side_by_side = len(absent) == 1 or (len(absent) == 2 and (absent[1] - absent[0]) in (1, 6))
    if not side_by_side:
        return None
    mask = (counts > 0).tolist()
    first, last = _ends(index, starts)
    if (last - first).max() < np.timedelta64(7 * WEEKS_TO_TELL, "D"):
        return None
    if len(index) < SESSIONS_HELD * np.busday_count(first, last + 1, weekmask=mask).sum():
        return None
    return weekmask_text(mask)


def _ends(index: pd.DatetimeIndex, starts: Integers) -> tuple[Array, Array]:
    """Dates of the first and the last row of each series."""
    ends = index[np.concatenate([starts[:-1], starts[1:] - 1])]
    days, _ = wall_days(ends)
    return days[: len(starts) - 1], days[len(starts) - 1 :]


def weekmask_text(mask: list[bool] | Booleans) -> str:
    """Names of the weekdays in a mask of seven booleans."""
    return " ".join(name for name, open_ in zip(WEEKDAYS, mask, strict=True) if open_)


def weekdays_text(freq: pd.DateOffset) -> str:
    """The weekdays of a calendar in a few words: "Mon to Fri"."""
    names = weekmask_text(freq.calendar.weekmask).split()
    text = " ".join(names)
    return f"{names[0]} to {names[-1]}" if text in " ".join(WEEKDAYS) and len(names) > 2 else text.replace(" ", ", ")


def calendar_of(
    given: list[str] | pd.DateOffset | pd.DatetimeIndex | str, index: pd.DatetimeIndex, starts: Integers
) -> pd.DateOffset:
    """The sessions that a user gave, as an offset.

    Parameters
    ----------
    given : CustomBusinessDay, BusinessDay, or list-like of dates
        Dates are holidays on the weekdays that the data show: Monday to Friday, where the rows keep to it.
    index, starts
        As in `inferred_weekmask`.

    Returns
    -------
    CustomBusinessDay

    Raises
    ------
    TypeError, ValueError
        Neither a calendar nor dates, or the rows have several times of day.
    """
    counts = count_weekdays(index) if isinstance(index, pd.DatetimeIndex) else None
    if counts is None:
        raise ValueError(
            Refusal(
                "is for one row per session, all at the same time of day, with time stamps",
                where=Words("trading_calendar", "--holidays"),
                expected="such rows",
                fix=Fix("trading_calendar=None", "leave out --holidays"),
            )
        )
    if isinstance(given, pd.offsets.BusinessDay):
        return given
    if isinstance(given, (str, pd.offsets.BaseOffset)) or not np.iterable(given):
        raise TypeError(
            Refusal(
                f"is {given!r}",
                where="trading_calendar",
                expected="a pandas CustomBusinessDay or a list of dates without session",
            )
        )
    try:
        holidays = pd.DatetimeIndex(list(given)).tz_localize(None).normalize()
    except (TypeError, ValueError) as error:
        raise TypeError(
            Refusal(
                "holds a value that is not a date",
                where="trading_calendar",
                got=f"{error}",
                expected="a list of the dates without session",
            )
        ) from error
    mask = inferred_weekmask(index, starts)
    if not counts[5:].any():
        mask = weekmask_text([True] * 5 + [False] * 2)
    return pd.offsets.CustomBusinessDay(
        weekmask=mask or " ".join(WEEKDAYS), holidays=holidays.to_numpy().astype("datetime64[D]").tolist()
    )
