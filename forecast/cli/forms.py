"""The forms that dates have in files, and which of them a cell has."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["LATE", "OFFSET", "QUARTER", "WEEK", "forms_of", "looks_like_date", "usual"]

# Month before day, as pandas reads it, and day before month where that does not fit every row.
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y",
    "%d-%b-%Y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%d%b%Y", "%d. %B %Y",
    "%d. %b %Y", "%Y-%b-%d", "%Y %b %d", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y", "%d %b %y", "%m-%d-%y",
    "%d-%m-%y",
)  # fmt: skip
_CLOCKS = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I %p", " %H.%M", " %H.%M.%S", " %H",
    ":%H:%M", ":%H:%M:%S", "-%H.%M.%S", " %I.%M %p", " %I.%M.%S %p",
)  # fmt: skip
_MONTHS = (
    "%Y/%m", "%Y %m", "%YM%m", "%m/%Y", "%m-%Y", "%m.%Y", "%b-%y", "%b %y", "%b %Y", "%b-%Y", "%B %Y", "%B-%Y", "%Y%b",
    "%Y %b", "%Y-%b", "%Y %B", "%b, %Y", "%B, %Y", "%y-%b",
)  # fmt: skip
_COMPACT = ("%Y%m%d", "%Y%m%d %H%M", "%Y%m%d %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%dT%H%M%S", "%Y%m%d%H%M")
_FORMS = (*_COMPACT, *(day + clock for day in _DAYS for clock in _CLOCKS), "%b %d %H:%M:%S %Y", *_MONTHS)
_PARTS = {
    "Y": r"\d{4}", "y": r"\d\d", "m": r"\d{1,2}", "d": r"\d{1,2}", "b": "[a-z]{3}", "B": "[a-z]{3,9}",
    "H": r"\d{1,2}", "I": r"\d{1,2}", "M": r"\d{1,2}", "S": r"\d{1,2}", "f": r"\d{1,9}", "p": "[ap]m",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]?\d+)?%?", re.IGNORECASE)
_POINTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}\.\d{1,2}\.\d{1,2}")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")

OFFSET = re.compile(r"\d\s?(Z|[+-]\d\d(:?\d\d)?)$")
LATE = re.compile(r"(?<=[\sT])24:00(?::00)?$")
QUARTER = re.compile(
    r"(?:(?P<y1>\d{4})[-\s:/.]*[Qq](?P<q1>[1-4])|[Qq](?P<q2>[1-4])[-\s:/.']*(?P<y2>\d{4}|\d\d)"
    r"|(?P<q3>[1-4])[Qq][-\s:/.']*(?P<y3>\d{4}|\d\d))"
)
WEEK = re.compile(
    r"(?:(?P<y1>\d{4})[-\s/.]*(?:[Ww]|[Ww]eek|KW|CW)[-\s]*(?P<w1>\d{1,2})(?:-(?P<d1>[1-7]))?"
    r"|(?:[Ww]|[Ww]eek|KW|CW)[-\s]*(?P<w2>\d{1,2})[-\s/.,]+(?P<y2>\d{4}))"
)
# What text is turned into before it is compared with the forms: of "a - b" it is a, then no name of the day, AM and PM
# after a blank, one blank before the clock, three letters of September, Z.
_USUAL = (
    (r"^(.*\d.*?)(?:\s+-\s+|\s*/\s*(?=\d{4}-\d\d-\d\dT)).*\d.*$", r"\1"),
    (r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", ""),
    (r"\s*([apAP])\.?\s?[mM]\.?$", r" \1M"),
    (r"(?<=\d{4}),?\s+(?=\d{1,2}[:.\s])", " "),
    (r"\bSept\b", "Sep"),
    (r"(?<=:\d\d) ?(?:UTC|GMT)$", "Z"),
    (LATE.pattern, "00:00"),
)


def usual(text: Any, replace: Callable[..., Any] = re.sub) -> Any:
    """Text with its clock and intervals as the forms expect them.

    Parameters
    ----------
    text : str or pandas.Series
    replace : callable, default=re.sub
        Takes a pattern, what it becomes and the text.

    Returns
    -------
    str or pandas.Series

    Examples
    --------
    >>> usual("Sunday, 01/21/2024, 7:00 p.m."), usual("01.01.2024 00:00 - 01.01.2024 01:00")
    ('01/21/2024 7:00 pM', '01.01.2024 00:00')
    """
    for pattern, words in _USUAL:
        text = replace(pattern, words, text)
    return text


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Each form with the pattern of its text."""
    found = []
    for form in _FORMS:
        parts = [_PARTS[part[1]] if part.startswith("%") else re.escape(part) for part in re.findall("%.|[^%]+", form)]
        found.append((form, re.compile("".join(parts), re.IGNORECASE)))
    return found


@lru_cache(maxsize=4096)
def forms_of(cell: Any) -> tuple[str, ...]:
    """The forms that a cell has, and dates in them that exist.

    Parameters
    ----------
    cell : str

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> forms_of("01/02/2024"), forms_of("13/02/2024"), forms_of("load")
    (('%m/%d/%Y', '%d/%m/%Y'), ('%d/%m/%Y',), ())
    """
    return tuple(form for form, pattern in _patterns() if pattern.fullmatch(cell) and _is_date(cell, form))


def _is_date(cell: Any, form: str) -> bool:
    try:
        datetime.strptime(cell, form)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def looks_like_date(cell: Any) -> bool:
    """Whether a cell alone reads as a date; a number does not.

    Parameters
    ----------
    cell : object

    Returns
    -------
    bool

    Examples
    --------
    >>> [looks_like_date(cell) for cell in ("2024-01-31", "1/31/2024 7:00 PM", "2024Q1", "20240131", "load")]
    [True, True, True, False, False]
    """
    text = str(cell).strip()
    if _NUMBER.fullmatch(text) and not _POINTED.fullmatch(text):
        return False
    if len(text) > 60 or not re.search(r"\d", text):
        return False
    return any(map(_alone, dict.fromkeys((text, usual(text)))))


def _alone(text: str) -> bool:
    if forms_of(text) or QUARTER.fullmatch(text) or WEEK.fullmatch(text) or _MONTH.fullmatch(text):
        return True
    if not re.match(r"\d{4}-?\d\d-?\d\d(?:[T ]|$)", text):
        return False
    try:
        datetime.fromisoformat(OFFSET.sub(lambda end: end[0][0] + end[1], text))
    except ValueError:
        return False
    return True
