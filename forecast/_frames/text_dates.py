"""Labels that are not time stamps yet, such as dates as text: recognised, and the code that converts them."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .fixes import Source

__all__ = ["code_of_dates", "code_of_stamps"]

# What dates look like as text: 2024-01-31 and 2024-01, 31/01/2024, 31 Jan 2024, Jan 31, 2024; a time may follow.
CLOCK = r"([ T,]+\d{1,2}:\d{2}\S*( ?[AaPp][Mm])?)?"
DATES = (
    rf"\s*\d{{4}}([-/.]\d{{1,2}}[-/.]\d{{1,2}}|[-/]\d{{1,2}}){CLOCK}\s*",
    rf"\s*\d{{1,2}}[-/.]\d{{1,2}}[-/.](\d{{4}}|\d{{2}}){CLOCK}\s*",
    rf"\s*\d{{1,2}}[- ][A-Za-z]{{3,9}}\.?[-, ]+\d{{2,4}}{CLOCK}\s*",
    rf"\s*[A-Za-z]{{3,9}}\.? \d{{1,2}}, \d{{4}}{CLOCK}\s*",
)
DIGITS = r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"


def code_of_dates(values: pd.Series | pd.Index, name: str) -> str | None:
    """The expression that turns dates which are text, or numbers such as 20240131, into stamps; None of others.

    Parameters
    ----------
    values : pandas.Series or pandas.Index
    name : str
        What they are called in the expression.

    Returns
    -------
    str or None

    Examples
    --------
    >>> code_of_dates(pd.Series(["13.01.2024", "14.01.2024"]), "df['day']")
    "pd.to_datetime(df['day'], dayfirst=True)"
    """
    values = pd.Series(values).dropna()
    texts = pd.api.types.infer_dtype(values) == "string"  # is_string_dtype holds for any object dtype
    if not len(values) or not (texts or pd.api.types.is_integer_dtype(values.dtype)):
        return None
    head = values.iloc[:3].tolist()
    if all(re.fullmatch(DIGITS, str(one)) for one in head) and (texts or values.is_monotonic_increasing):
        return _first_that_reads(values.astype(str), name if texts else f"{name}.astype(str)", [{"format": "%Y%m%d"}])
    if not texts or not any(all(re.fullmatch(form, one) for one in head) for form in DATES):
        return None
    return _first_that_reads(values, name, [{}, {"dayfirst": True}, {"format": "mixed"}, {"utc": True}])


def _first_that_reads(values: pd.Series, name: str, ways: Any) -> str | None:
    """The call of `pd.to_datetime` that reads all values, without a warning; the first that has them rise, if any."""
    found = []
    for options in ways:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                stamps = pd.DatetimeIndex(pd.to_datetime(values, **options))
            except (ValueError, TypeError, OverflowError):
                continue
        if not said:
            more = "".join(f", {key}={value!r}" for key, value in options.items())
            found.append((f"pd.to_datetime({name}{more})", _falls(stamps)))
    return min(found, key=lambda one: one[1])[0] if found else None


def _falls(stamps: pd.DatetimeIndex) -> int:
    """How often a stamp comes before the one above it."""
    return int(np.sum(np.asarray(stamps[1:] < stamps[:-1])))


def code_of_stamps(labels: pd.Index, source: Source) -> str | None:
    """The statement that replaces labels of another kind by time stamps or row numbers; None: there is none.

    Parameters
    ----------
    labels : pandas.Index
        Neither stamps nor periods nor whole numbers.
    source : Source

    Returns
    -------
    str or None
    """
    code = code_of_dates(labels, "{}")
    if code is not None:
        return source.read(code)
    if isinstance(labels, pd.TimedeltaIndex):
        return source.read("pd.Timestamp('2000-01-01') + {}")
    if pd.api.types.is_float_dtype(labels.dtype) and (labels.dropna() % 1 == 0).all() and not labels.hasnans:
        return source.read("{}.astype('int64')")
    if pd.api.types.infer_dtype(labels) == "integer":  # whole numbers in a column of objects
        return source.read("{}.astype('int64')")
    return None if source.time_at != "index" else f"{source.name} = {source.name}.reset_index(drop=True)"


def code_of_numbers(labels: pd.Index) -> str | None:
    """How whole numbers that are written dates become stamps: 20240131 and 20240201 are a day apart and not 70.

    Parameters
    ----------
    labels : pandas.Index
        Whole numbers.

    Returns
    -------
    str or None
        With "{}" for the labels. None: they are not dates, or too few to tell.

    Examples
    --------
    >>> import pandas as pd
    >>> code_of_numbers(pd.Index([20240130, 20240131, 20240201]))
    "pd.to_datetime({}.astype(str), format='%Y%m%d')"
    >>> code_of_numbers(pd.Index([1, 2, 3])) is None
    True
    """
    if len(labels) < _TELLING or labels.hasnans:
        return None
    numbers = labels.to_numpy(dtype=np.int64)
    for digits, form in ((6, "%Y%m"), (8, "%Y%m%d"), (10, "%Y%m%d%H")):
        if not ((numbers >= 1900 * 10 ** (digits - 4)) & (numbers < 2101 * 10 ** (digits - 4))).all():
            continue
        if not pd.to_datetime(pd.Series(numbers.astype(str)), format=form, errors="coerce").isna().any():
            return f"pd.to_datetime({{}}.astype(str), format={form!r})"
        if digits == 6 and ((numbers % 100 >= 1) & (numbers % 100 <= 53)).all():
            return "pd.to_datetime({}.astype(str) + '1', format='%G%V%u')"
    return None


_TELLING = 3  # numbers that are all dates by no chance
