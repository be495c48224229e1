"""Text and numbers as stamps: forms of dates, 12-hour clocks, quarters, weeks, compact days, seconds since 1970."""

import re

import numpy as np
import pandas as pd

from .problems import ProblemError, shown

__all__ = ["UNITS", "checked_form", "looks_like_date", "numbers_as_stamps", "read_stamps"]

# Month before day, as pandas reads it, and day before month where that does not fit every row.
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y")
_DAYS += ("%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%d%b%Y")
_DAYS += (
    "%d. %B %Y",
    "%d. %b %Y",
    "%Y-%b-%d",
    "%Y %b %d",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%y",
    "%d %b %y",
    "%m-%d-%y",
    "%d-%m-%y",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I %p", " %H.%M", " %H.%M.%S")
_CLOCKS += (" %H", ":%H:%M", ":%H:%M:%S", "-%H.%M.%S", " %I.%M %p", " %I.%M.%S %p")
_MONTHS = ("%Y/%m", "%Y %m", "%YM%m", "%m/%Y", "%m-%Y", "%m.%Y", "%b-%y", "%b %y", "%b %Y", "%b-%Y", "%B %Y", "%B-%Y")
_MONTHS += ("%Y%b", "%Y %b", "%Y-%b", "%Y %B", "%b, %Y", "%B, %Y", "%y-%b")
_COMPACT = ("%Y%m%d", "%Y%m%d %H%M", "%Y%m%d %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%dT%H%M%S", "%Y%m%d%H%M")
_FORMS = ("ISO8601", *_COMPACT, *(day + clock for day in _DAYS for clock in _CLOCKS), "%b %d %H:%M:%S %Y", *_MONTHS)
_WHOLE = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # digits of a compact stamp
_OFFSET = re.compile(r"\d\s?(Z|[+-]\d\d(:?\d\d)?)$")
_QUARTER = re.compile(
    r"(?:(?P<y1>\d{4})[-\s:/.]*[Qq](?P<q1>[1-4])|[Qq](?P<q2>[1-4])[-\s:/.']*(?P<y2>\d{4}|\d\d)"
    r"|(?P<q3>[1-4])[Qq][-\s:/.']*(?P<y3>\d{4}|\d\d))"
)
_WEEK = re.compile(
    r"(?:(?P<y1>\d{4})[-\s/.]*(?:[Ww]|[Ww]eek|KW|CW)[-\s]*(?P<w1>\d{1,2})(?:-(?P<d1>[1-7]))?"
    r"|(?:[Ww]|[Ww]eek|KW|CW)[-\s]*(?P<w2>\d{1,2})[-\s/.,]+(?P<y2>\d{4}))"
)
_DAY_NAME = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
UNITS = {"s": (1e8, 4.2e9), "ms": (1e11, 4.2e12), "us": (1e14, 4.2e15), "ns": (1e17, 4.2e18)}  # 1973 to 2103
_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def looks_like_date(cell):
    """Whether a cell alone reads as a date; a number does not.

    Examples
    --------
    >>> [looks_like_date(cell) for cell in ("2024-01-31", "1/31/2024 7:00 PM", "2024Q1", "20240131", "load")]
    [True, True, True, False, False]
    """
    text = str(cell).strip()
    if len(text) > 60 or not re.search(r"\d", text) or re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?%?", text, re.IGNORECASE):
        return bool(re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}\.\d{1,2}\.\d{1,2}", text))
    return bool(read_stamps(pd.Series([text]))[0].notna().all())


def checked_form(form):
    """`--time-format`, or a refusal where no date can have it.

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
        raise ProblemError(f"--time-format {shown(form, 30)} is no form of dates: {shown(error, 80)}.") from None
    if "%" not in form and form != "ISO8601":
        raise ProblemError(
            f"--time-format {shown(form, 30)} has no %; expected a form such as %d/%m/%Y, or s, ms, us or ns since "
            "1970."
        )
    return form


def read_stamps(column, form=None):
    """Text as stamps, NaT where it is none.

    Parameters
    ----------
    column : pandas.Series
    form : str, default=None
        None takes the form that fits most rows; of two that fit all, the one that puts the rows in time order, with
        regular steps.

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
        return _since_1970(pd.to_numeric(column, errors="coerce"), form), []
    text = column.astype(str).str.strip()
    if form is not None:
        return _stamps(text, form, _OFFSET.search(text.iloc[0]) is not None and "%z" in form), []
    text, late = _usual(text)
    distinct = text.drop_duplicates()
    first = distinct.iloc[0] if len(distinct) else ""
    if _OFFSET.search(first) and ":" in first:
        return _later(_stamps(text, "ISO8601", True), late), []
    for pattern, read in ((_QUARTER, _quarters), (_WEEK, _weeks)):
        if pattern.fullmatch(first):
            return read(text), []
    return _by_forms(text, distinct, late)


def _usual(text):
    """Text with clocks and intervals as the forms expect them, and the rows of 24:00."""
    start = text.str.split(r"\s+-\s+|\s*/\s*(?=\d{4}-\d\d-\d\dT)", n=1, regex=True).str[0]
    text = start if (start != text).all() and start.str.contains(r"\d").all() else text
    text = text.str.replace(_DAY_NAME, "", regex=True)
    if text.str.contains(r"[apAP]\.?\s?[mM]\.?$").any():
        text = text.str.replace(r"\s*([apAP])\.?\s?[mM]\.?$", lambda half: f" {half[1].upper()}M", regex=True)
    text = text.str.replace(r"(?<=\d{4}),?\s+(?=\d{1,2}[:.\s])", " ", regex=True)
    text = text.str.replace(r"\bSept\b", "Sep", regex=True).str.replace(r"(?<=:\d\d) ?(?:UTC|GMT)$", "Z", regex=True)
    late = text.str.contains(r"[\sT]24:00(?::00)?$").to_numpy()
    return (text.str.replace(r"([\sT])24:00", r"\g<1>00:00", regex=True) if late.any() else text), late


def _later(stamps, late):
    return stamps.where(~late, stamps + pd.Timedelta(days=1)) if late.any() else stamps


def _by_forms(text, distinct, late):
    sample = (
        distinct if len(distinct) <= 60 else pd.concat([distinct.iloc[:30], distinct.iloc[30 :: len(distinct) // 30]])
    )
    scores = {}
    for form in _FORMS:
        fits = int(_stamps(sample, form, False).notna().sum())
        if fits:
            scores[form] = fits
            if fits == len(sample) and form == "ISO8601":
                break
    best = sorted(scores, key=scores.get, reverse=True)[:4]
    fitting = [(form, _stamps(text, form, False)) for form in best]
    whole = [pair for pair in fitting if pair[1].notna().all()]
    if not whole:
        most = max((stamps for _, stamps in fitting), key=lambda stamps: stamps.notna().sum(), default=None)
        return pd.DatetimeIndex([pd.NaT] * len(text)) if most is None else most, []
    order = sorted(whole, key=lambda pair: _disorder(pair[1]))
    chosen = order[0][1]
    return _later(chosen, late), [form for form, stamps in order[1:] if not stamps.equals(chosen)]


def _disorder(stamps):
    """Whether the stamps, each once, are out of order, in either direction, and whether their steps differ."""
    stamps = stamps.drop_duplicates()
    ordered = stamps.is_monotonic_increasing or stamps.is_monotonic_decreasing
    irregular = len(stamps) > 2 and pd.DatetimeIndex(stamps.sort_values(), freq="infer").freq is None
    return (not ordered, irregular)


def _stamps(text, form, zoned):
    return pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce", utc=zoned))


def _quarters(text):
    parts = text.str.extract(f"^{_QUARTER.pattern}$")
    year = _first(parts, "y1", "y2", "y3")
    year = year.where(year >= 100, year + np.where(year < 70, 2000, 1900))
    month = 3 * _first(parts, "q1", "q2", "q3") - 2
    return pd.DatetimeIndex(pd.to_datetime({"year": year, "month": month, "day": 1.0}, errors="coerce"))


def _weeks(text):
    """ISO weeks, by their Monday where the text names no day."""
    parts = text.str.extract(f"^{_WEEK.pattern}$")
    year, week, day = _first(parts, "y1", "y2"), _first(parts, "w1", "w2"), _first(parts, "d1").fillna(1)
    return pd.DatetimeIndex(pd.to_datetime(iso_text(year, week, day), format="%G-W%V-%u", errors="coerce"))


def iso_text(year, week, day):
    """Text such as 2024-W05-1, and an empty one where a part is missing."""
    whole = (year.notna() & week.notna()).to_numpy()
    numbers = [part.fillna(0).astype(int).astype(str) for part in (year, week, day)]
    return (numbers[0] + "-W" + numbers[1].str.zfill(2) + "-" + numbers[2]).where(whole, "")


def _first(parts, *names):
    found = pd.to_numeric(parts[names[0]], errors="coerce")
    for name in names[1:]:
        found = found.fillna(pd.to_numeric(parts[name], errors="coerce"))
    return found


def _since_1970(numbers, unit):
    return pd.DatetimeIndex(pd.to_datetime(numbers, unit=unit, errors="coerce", utc=True))


# -------------------- numbers


def numbers_as_stamps(column, named):
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
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if numbers.isna().any() or len(numbers) < 2 or not np.isfinite(numbers).all():
        return None, None
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
        if fits and (named or _disorder(stamps) == (False, False)):
            return stamps, "year and month"
    found = _seconds_since_1970(numbers, named)
    if found[0] is None and named and numbers.between(20_000, 80_000).all():
        return pd.DatetimeIndex(pd.to_datetime(numbers, unit="D", origin="1899-12-30")), "days as Excel counts them"
    return found


def _seconds_since_1970(numbers, named):
    for unit, (least, most) in UNITS.items():
        if numbers.between(least, most).all():
            steps = np.diff(numbers.drop_duplicates().to_numpy())
            even = len(steps) > 1 and bool((steps == steps[0]).all())
            if named or even:
                return _since_1970(numbers, unit), f"{_NAMES[unit]} since 1970"
    return None, None


def _decimal_years(numbers):
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
