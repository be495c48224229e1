"""Columns of text and of numbers as stamps: dates, quarters, weeks, compact days, seconds since 1970."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .forms import LATE, OFFSET, QUARTER, WEEK, forms_of, usual
from .numerals import as_numbers
from .problems import ProblemError, shown

if TYPE_CHECKING:
    from typing import Any

__all__ = ["UNITS", "checked_form", "disorder", "distance", "iso_text", "numbers_as_stamps", "read_stamps"]

_WHOLE = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # digits of a compact stamp
UNITS = {"s": (1e8, 4.2e9), "ms": (1e11, 4.2e12), "us": (1e14, 4.2e15), "ns": (1e17, 4.2e18)}  # 1973 to 2103
_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def checked_form(form: str) -> str:
    """Return the value of `--time-format`; refuse one that is not a date format.

    Parameters
    ----------
    form : str
        As of `strftime`; or s, ms, us or ns (and %s): since 1970.

    Returns
    -------
    str
    """
    if form in UNITS or form == "%s":
        return "s" if form == "%s" else form
    try:
        pd.to_datetime(pd.Series(["2024-01-31"]), format=form, errors="coerce")
    except (ValueError, re.error, IndexError, KeyError, OverflowError) as error:
        raise ProblemError(f"--time-format {shown(form, 30)} is not a date format: {shown(error, 80)}.") from None
    if "%" not in form and form != "ISO8601":
        raise ProblemError(
            f"--time-format {shown(form, 30)} has no %; expected a form such as %d/%m/%Y, or s, ms, us or ns since "
            "1970."
        )
    return form


def read_stamps(column: pd.Series, form: str | None = None, near: Any = None) -> tuple[pd.DatetimeIndex, list[str]]:
    """Text as stamps, NaT where it is not a date.

    Parameters
    ----------
    column : pandas.Series
    form : str, default=None
        None takes the form that fits most rows; of two that fit all, the one that puts the rows in time order, with
        regular steps.
    near : pandas.Timestamp, default=None
        Stamp that decides between two equally good forms: the one whose first stamp is nearer is taken.

    Returns
    -------
    stamps : pandas.DatetimeIndex
        Those with an offset come out in UTC. A quarter, month or week is its first day; of "a - b" it is a.
    others : list of str
        Forms that fit all rows as well and mean other days.

    Examples
    --------
    >>> stamps, others = read_stamps(pd.Series(["01/02/2024", "01/03/2024", "01/04/2024", "01/05/2024"]))
    >>> str(stamps[1].date()), others
    ('2024-01-03', ['%d/%m/%Y'])
    """
    if form in UNITS:
        return _since_1970(as_numbers(column), form), []
    text = column.astype(str).where(column.notna(), "").str.strip()
    if form is not None:
        return _stamps(text, form, "%z" in form), []
    stamps, others = _as_it_stands(text, near)
    if stamps.isna().any():
        plain = usual(text, lambda pattern, words, cells: cells.str.replace(pattern, words, regex=True))
        again, more = _as_it_stands(plain, near)
        if again.notna().sum() > stamps.notna().sum():
            late = text.str.contains(LATE).to_numpy()
            stamps, others = again.where(~late, again + pd.Timedelta(days=1)) if late.any() else again, more
    return stamps, others


def _as_it_stands(text: pd.Series, near: Any) -> tuple[pd.DatetimeIndex, list[str]]:
    distinct = text.drop_duplicates()
    first = next(filter(None, distinct), "")
    if OFFSET.search(first) and ":" in first:
        return _stamps(text, "ISO8601", True), []
    for pattern, read in ((QUARTER, _quarters), (WEEK, _weeks)):
        if pattern.fullmatch(first):
            return read(text), []
    sample = distinct.iloc[:: max(len(distinct) // 60, 1)]
    forms = dict.fromkeys(form for cell in distinct.iloc[:3] for form in forms_of(cell))
    scores = {form: int(_stamps(sample, form, False).notna().sum()) for form in ("ISO8601", *forms)}
    if scores["ISO8601"] == len(sample):
        scores = {"ISO8601": len(sample)}
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:4]
    fitting = [(form, _stamps(text, form, False)) for form in best]
    whole = [pair for pair in fitting if pair[1].notna().all()]
    if not whole:
        return max((stamps for _, stamps in fitting), key=lambda stamps: stamps.notna().sum()), []
    order = sorted(whole, key=lambda pair: (disorder(pair[1]), distance(pair[1], near)))
    chosen = order[0][1]
    return chosen, [form for form, stamps in order[1:] if not stamps.equals(chosen)]


def distance(stamps: pd.DatetimeIndex, near: Any) -> float:
    """How far the first stamp is from another, in seconds; 0 where there is no other."""
    return 0.0 if near is None or not len(stamps) else abs((stamps[0] - near).total_seconds())


def disorder(stamps: pd.DatetimeIndex) -> tuple[bool, bool]:
    """Whether the stamps, each once, are out of order, in either direction, and whether their steps differ."""
    stamps = stamps.drop_duplicates()
    ordered = stamps.is_monotonic_increasing or stamps.is_monotonic_decreasing
    irregular = len(stamps) > 2 and pd.DatetimeIndex(stamps.sort_values(), freq="infer").freq is None
    return (not ordered, irregular)


def _stamps(text: pd.Series, form: str | None, zoned: bool) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce", utc=zoned))


def _quarters(text: pd.Series) -> pd.DatetimeIndex:
    parts = text.str.extract(f"^{QUARTER.pattern}$")
    year = _first(parts, "y1", "y2", "y3")
    year = year.where(year >= 100, year + np.where(year < 70, 2000, 1900))
    month = 3 * _first(parts, "q1", "q2", "q3") - 2
    return pd.DatetimeIndex(pd.to_datetime({"year": year, "month": month, "day": 1.0}, errors="coerce"))


def _weeks(text: pd.Series) -> pd.DatetimeIndex:
    """ISO weeks, by their Monday where the text names no day."""
    parts = text.str.extract(f"^{WEEK.pattern}$")
    year, week, day = _first(parts, "y1", "y2"), _first(parts, "w1", "w2"), _first(parts, "d1").fillna(1)
    return pd.DatetimeIndex(pd.to_datetime(iso_text(year, week, day), format="%G-W%V-%u", errors="coerce"))


def iso_text(year: pd.Series, week: pd.Series, day: pd.Series) -> pd.Series:
    """Text such as 2024-W05-1, and an empty one where a part is missing."""
    whole = (year.notna() & week.notna()).to_numpy()
    numbers = [part.fillna(0).astype(int).astype(str) for part in (year, week, day)]
    return (numbers[0] + "-W" + numbers[1].str.zfill(2) + "-" + numbers[2]).where(whole, "")


def _first(parts: pd.DataFrame, *names: str) -> pd.Series:
    found = as_numbers(parts[names[0]])
    for name in names[1:]:
        found = found.fillna(as_numbers(parts[name]))
    return found


def _since_1970(numbers: pd.Series, unit: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True))


# -------------------- numbers


def numbers_as_stamps(column: pd.Series, named: bool) -> tuple[pd.DatetimeIndex | None, str | None]:
    """Numbers that are plainly stamps.

    Parameters
    ----------
    column : pandas.Series
        Numbers, or text of digits alone.
    named : bool
        The column's name speaks of time; else only days such as 20240131 are taken, and steps that are all the same.

    Returns
    -------
    stamps : pandas.DatetimeIndex or None
        None: they are not.
    words : str or None
        How they were read, where that had to be chosen.

    Examples
    --------
    >>> numbers_as_stamps(pd.Series([20240131, 20240201]), False)[0].strftime("%d %b").tolist()
    ['31 Jan', '01 Feb']
    >>> stamps, words = numbers_as_stamps(pd.Series([1704067200000, 1704070800000]), True)
    >>> str(stamps[1]), words
    ('2024-01-01 01:00:00+00:00', 'milliseconds since 1970')
    """
    numbers = as_numbers(column).astype("float64")
    if not len(numbers) or numbers.iloc[0] < (1_000 if named else 100_000) or not np.isfinite(numbers).all():
        return None, None  # also what is too small for a stamp, at once: there may be 100,000 columns
    if not (numbers == numbers.round()).all():
        return _decimal_years(numbers) if named else _seconds_since_1970(numbers, named)
    text = numbers.astype("int64").astype(str)
    digits = len(text.iloc[0])
    if digits in _WHOLE and text.str.len().eq(digits).all():
        stamps = pd.DatetimeIndex(pd.to_datetime(text, format=_WHOLE[digits], errors="coerce"))
        if stamps.notna().all() and stamps.year.min() >= 1800 and stamps.year.max() <= 2100:
            return stamps, None
    if digits == 6 and text.str.len().eq(6).all():
        stamps = pd.DatetimeIndex(pd.to_datetime(text, format="%Y%m", errors="coerce"))
        fits = stamps.notna().all() and stamps.year.min() >= 1800 and stamps.year.max() <= 2100
        if fits and (named or disorder(stamps) == (False, False)):
            return stamps, "year and month"
    found = _seconds_since_1970(numbers, named)
    if found[0] is None and named and numbers.between(20_000, 80_000).all():
        return pd.DatetimeIndex(pd.to_datetime(numbers, unit="D", origin="1899-12-30")), "days as Excel counts them"
    return found


def _seconds_since_1970(numbers: pd.Series, named: bool) -> tuple[pd.DatetimeIndex | None, str | None]:
    for unit, (least, most) in UNITS.items():
        if numbers.between(least, most).all():
            steps = np.diff(numbers.drop_duplicates().to_numpy())
            even = len(steps) > 1 and bool((steps == steps[0]).all())
            if named or even:
                return _since_1970(numbers, unit), f"{_NAMES[unit]} since 1970"
    return None, None


def _decimal_years(numbers: pd.Series) -> tuple[pd.DatetimeIndex | None, str | None]:
    """1949.083 as February 1949, where the steps are months or quarters."""
    if not numbers.between(1000, 2200).all():
        return None, None
    for parts, words in ((4, "quarters"), (12, "months")):
        places = numbers * parts
        if ((places - places.round()).abs() < 0.03).all():
            whole = places.round().astype("int64")
            year, month = whole // parts, (whole % parts) * (12 // parts) + 1
            days = pd.to_datetime({"year": year, "month": month, "day": 1}, errors="coerce")
            return pd.DatetimeIndex(days), f"years with {words} as fractions"
    return None, None
