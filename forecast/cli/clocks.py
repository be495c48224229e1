"""Time in several columns: a date and a clock, a date and the hour, or year, month, day, hour, week, quarter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .dates import disorder, distance, iso_text, numbers_as_stamps, read_stamps
from .forms import looks_like_date
from .numerals import as_numbers
from .problems import ProblemError, listed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from .._types import Array

__all__ = [
    "PARTS", "TIME_NAMES", "dates_of", "find_clock", "find_parts", "folded", "is_clock", "part_of", "put_together",
    "speaks_of_time",
]  # fmt: skip

PARTS = {
    "year": ("year", "yr", "yyyy", "yy", "isoyear", "jahr", "annee", "año", "ano"),
    "quarter": ("quarter", "qtr", "quartal", "trimestre"),
    "month": ("month", "mo", "mon", "mm", "mnth", "monat", "mois", "mes"),
    "week": ("week", "wk", "isoweek", "weekofyear", "weekno", "weeknumber", "kw", "woche", "semaine"),
    "dayofyear": ("doy", "dayofyear", "yday", "jday"),
    "day": ("day", "dy", "dd", "dom", "dayofmonth", "tag", "jour", "dia"),
    "hour": ("hour", "hr", "hrs", "hh", "hours", "he", "hourending", "hourend", "stunde", "heure", "hora"),
    "period": ("period", "sp", "settlementperiod", "pte", "interval", "settlementpte"),
    "minute": ("minute", "min", "mins", "minutes", "minuten"),
    "second": ("second", "sec", "secs", "seconds"),
}
_SETS = (
    ("year", "month", "day"), ("year", "dayofyear"), ("year", "month"), ("year", "week"), ("year", "quarter"),
)  # fmt: skip
TIME_NAMES = {
    "date", "datetime", "timestamp", "time", "ts", "ds", "dt", "datum", "zeit", "zeitstempel", "fecha", "epoch",
    "unix", "unixtime", "when", "localtime", "utc",
}  # fmt: skip
_CLOCK_NAMES = {"time", "hhmm", "clock", "uhrzeit", "zeit", "timeofday", "localtime", "timehhmm", "hourminute"}
_CLOCK = r"(?P<h>\d{1,2})(?:[:.h](?P<m>\d\d))?(?:[:.](?P<s>\d\d(?:\.\d+)?))?\s*h?\s*(?P<half>[apAP]\.?[mM]\.?)?"


def folded(name: str) -> str:
    """A column's name as small letters and digits alone."""
    return re.sub(r"[\W_]+", "", str(name).casefold())


def part_of(name: str) -> str | None:
    """Which part of a time a name speaks of, such as "hour", or None."""
    if str(name).strip("# ") == "mm":  # buoys: MM is the month, mm the minute
        return "minute"
    plain = folded(name)
    return next((part for part, words in PARTS.items() if plain in words), None)


def _parts_of(names: Sequence[str]) -> dict[str, str | None]:
    """`part_of` of each name; mm is the month where no MM is."""
    found = {name: part_of(name) for name in names}
    months = [name for name, part in found.items() if part == "month"]
    return {name: "month" if str(name).strip("# ") == "mm" and not months else part for name, part in found.items()}


def speaks_of_time(name: str) -> bool:
    """Whether a column's name says that it holds times."""
    words = set(re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)).casefold()))
    plain = folded(name)
    ends = plain.endswith(("date", "time", "stamp", "datum")) and not plain.endswith("update")
    return bool(words & TIME_NAMES) or ends or part_of(name) is not None or plain.startswith(("date", "timestamp"))


def _keys(table: pd.DataFrame, series: Sequence[Any]) -> list[Array]:
    return [table[name].to_numpy() for name in series]


def _unique(table: pd.DataFrame, series: Sequence[Any], *columns: str) -> bool:
    return not pd.MultiIndex.from_arrays([*_keys(table, series), *columns, np.zeros(len(table))]).has_duplicates


def find_clock(
    table: pd.DataFrame, stamps: pd.DatetimeIndex, free: list[str], series: Sequence[Any], needed: bool = False
) -> list[str]:
    """The column with the time of day, where dates alone repeat.

    Parameters
    ----------
    table : pandas.DataFrame
    stamps : pandas.DatetimeIndex
        Stamps of the column of dates.
    free : list of str
        Columns without another role.
    series : list of str
        Columns that name the series.
    needed : bool, default=False
        Whether clocks are looked for even where dates alone do not repeat.

    Returns
    -------
    list of str
        One column, or hour and minute; empty where there is none, or none is needed.
    """
    if not isinstance(stamps, pd.DatetimeIndex) or (stamps != stamps.normalize()).any():
        return []
    if not needed and _unique(table, series, stamps):
        return []
    for name in free:
        column = table[name]
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        if is_clock(column) if text else _names_clock(name) and _whole(column):
            minute = [other for other in free if part_of(other) == "minute" and other != name and _whole(table[other])]
            for found in ([name], [name, *minute[:1]]):
                if _unique(table, series, stamps, *(table[part].to_numpy() for part in found)):
                    return found
    return []


def _names_clock(name: str) -> bool:
    return part_of(name) in ("hour", "period") or folded(name) in _CLOCK_NAMES


def _whole(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and bool(
        column.notna().all() and (column == column.round()).all() and column.between(0, 2400).all()
    )


def is_clock(column: pd.Series) -> bool:
    """Whether cells are times of day, such as 13:45, or numbers that may be."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _whole(column)
    start = column.dropna().astype(str).str.strip().iloc[:20]
    start = start.str.split(r"\s*-\s*", n=1, regex=True).str[0]
    return len(start) > 0 and bool(start.str.fullmatch(_CLOCK).all()) and bool(start.str.contains(r"[:.h]|[mM]$").all())


def find_parts(table: pd.DataFrame, free: list[str], series: Sequence[Any]) -> list[str]:
    """Columns of year, month, day, hour and so on that give each row a time of its own; empty where there are none."""
    named = {}
    for name, part in _parts_of(free).items():
        numeric = pd.api.types.is_numeric_dtype(table[name].dtype) and not pd.api.types.is_bool_dtype(table[name].dtype)
        if part is not None and part not in named and (numeric or part == "month"):
            named[part] = name
    for parts in _SETS:
        if set(parts) <= set(named):
            more = [part for part in ("hour", "minute", "second") if part in named] if "day" in parts[-1] else []
            found = [named[part] for part in (*parts, *more)]
            if not _plausible(table[named["year"]]) or not all(table[name].notna().all() for name in found):
                continue
            if len(parts) > 2 or parts[1] == "dayofyear" or _unique(table, series, *(table[name] for name in found)):
                return found
    return []


def _plausible(year: pd.Series) -> bool:
    return bool(
        year.between(1000, 2200).all() or (year.between(0, 99).all() and year.nunique() < 60 and year.max() > 1)
    )


def put_together(
    table: pd.DataFrame, columns: list[str], form: str | None, notes: list[str], near: Any = None
) -> pd.DatetimeIndex:
    """Stamps out of several columns.

    Parameters
    ----------
    table : pandas.DataFrame
    columns : list of str
        Dates and a clock, or parts of a date, in any order.
    form : str or None
        Format of the cells with a blank between them.
    notes : list of str
        How hours were read is added here.
    near : pandas.Timestamp, default=None
        Stamp that decides between two equally good readings: the nearer one is taken.

    Returns
    -------
    pandas.DatetimeIndex

    Raises
    ------
    ProblemError
    """
    if form is not None:
        text = [table[name].astype(str).str.strip() for name in columns]
        return _all_there(read_stamps(text[0].str.cat(text[1:], sep=" "), form)[0], table, columns)
    day, parts = None, {part: name for name, part in _parts_of(columns).items() if part is not None}
    if set(parts) <= set(PARTS) and len(parts) == len(columns) and any(set(group) <= set(parts) for group in _SETS):
        days = _from_parts(table, parts)
        clock = [parts[part] for part in ("hour", "minute", "second", "period") if part in parts]
    else:
        day = next((name for name in columns if dates_of(table[name], name) is not None), None)
        clock = [name for name in columns if name != day]
        known = [part_of(name) for name in clock]
        if day is None or not clock or (len(clock) > 1 and not {"hour", "minute", "second"} >= set(known)):
            raise ProblemError(
                f"--time names the columns {listed(columns, 40)}; expected one column of dates, dates and a clock, or "
                "year,month,day,hour in this order."
            )
        days = dates_of(table[day], day)
    since = pd.to_timedelta(np.zeros(len(table)), unit="s")
    for name in clock:
        since = since + _time_of_day(table[name], name, notes)
    days = _all_there(days, table, columns)
    return days + since if day is None else _likelier(table[day], day, days, since, near, notes)


def _likelier(
    column: pd.Series, name: str, days: pd.DatetimeIndex, since: pd.TimedeltaIndex, near: Any, notes: list[str]
) -> pd.DatetimeIndex:
    """Of two forms that dates fit, the one that gives regular stamps together with their clock."""
    if not pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_datetime64_any_dtype(column.dtype):
        others = [read_stamps(column, form)[0] for form in read_stamps(column)[1]]
        found = sorted([days, *others], key=lambda read: (disorder(read + since), distance(read, near)))
        if others:
            row = int((found[0] != found[1]).argmax())
            notes.append(
                f"The dates of column {shown(name)} fit two forms; {column.iloc[row]} was read as "
                f"{found[0][row].date()} (else: --time-format for the columns with a blank between them)."
            )
        days = found[0]
    return days + since


def dates_of(column: pd.Series, name: str) -> pd.DatetimeIndex | None:
    """A column as dates, or None where it holds none."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return pd.DatetimeIndex(column)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return numbers_as_stamps(column, speaks_of_time(name) and part_of(name) is None)[0]
    start = column.dropna().iloc[:5].astype(str)
    if not len(start) or not all(map(looks_like_date, start)):
        return None
    return read_stamps(column)[0]


def _all_there(stamps: pd.DatetimeIndex, table: pd.DataFrame, columns: list[str]) -> pd.DatetimeIndex:
    if stamps.isna().any():
        row = int(stamps.isna().argmax())
        cells = listed(table[columns].iloc[row].tolist(), 50)
        raise ProblemError(f"the columns {listed(columns, 50)} are not a date in row {row + 1}: {cells}.")
    return stamps


def _from_parts(table: pd.DataFrame, parts: dict[str, str]) -> pd.DatetimeIndex:
    columns = {part: table[name] for part, name in parts.items()}
    year = as_numbers(columns["year"])
    year = year.where(year >= 100, year + np.where(year < 70, 2000, 1900))
    if "dayofyear" in parts:
        start = pd.to_datetime({"year": year, "month": 1, "day": 1}, errors="coerce")
        days = as_numbers(columns["dayofyear"])
        return pd.DatetimeIndex(start + pd.to_timedelta(days.where(days.between(1, 366)) - 1, unit="D"))
    if "month" in parts:
        month = _months(columns["month"])
        day = columns.get("day", pd.Series(1, index=table.index))
        return pd.DatetimeIndex(pd.to_datetime({"year": year, "month": month, "day": day}, errors="coerce"))
    if "quarter" in parts:
        quarter = as_numbers(columns["quarter"].astype(str).str.strip("Qq "))
        return pd.DatetimeIndex(pd.to_datetime({"year": year, "month": 3 * quarter - 2, "day": 1}, errors="coerce"))
    week = as_numbers(columns["week"])
    day = pd.Series(1, index=table.index)
    return pd.DatetimeIndex(pd.to_datetime(iso_text(year, week, day), format="%G-W%V-%u", errors="coerce"))


def _months(column: pd.Series) -> pd.Series:
    numbers = as_numbers(column)
    if numbers.notna().all():
        return numbers
    names = column.astype(str).str.strip().str[:3].str.title()
    return numbers.fillna(pd.Series(pd.to_datetime(names, format="%b", errors="coerce"), index=column.index).dt.month)


def _time_of_day(column: pd.Series, name: str, notes: list[str]) -> pd.TimedeltaIndex:
    """Cells as the time since midnight."""
    part = part_of(name)
    if part in ("minute", "second"):
        return pd.TimedeltaIndex(pd.to_timedelta(as_numbers(column), unit=part[0]))
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return _from_text(column, name)
    if not _whole(column):
        row = int((~column.between(0, 24) | (column != column.round())).to_numpy().argmax())
        _refuse_clock(column, name, row, "13:45 or the hours 0 to 23")
    most = column.max()
    if part_of(name) == "period":
        return _periods(column, name, notes)
    if most <= 24 and (most < 24 or column.min() >= 1):
        if most == 24:
            notes.append(f"Column {shown(name)} counts hours from 1 to 24: each is read as its end, 24 as midnight.")
        return pd.TimedeltaIndex(pd.to_timedelta(column, unit="h"))
    if most <= 2400 and (column % 100 < 60).all():
        return pd.TimedeltaIndex(pd.to_timedelta(column // 100 * 60 + column % 100, unit="min"))
    row = int((column > 24).to_numpy().argmax())
    _refuse_clock(column, name, row, "13:45 or the hours 0 to 23")


def _periods(column: pd.Series, name: str, notes: list[str]) -> pd.TimedeltaIndex:
    """Periods of a day that are counted from 1; the days on which the clock changes have an hour more or less."""
    most = int(column.max())
    count = next((count for count in (24, 48, 96, 288) if abs(most - count) <= count // 24), None)
    if count is None or column.min() < 1:
        raise ProblemError(
            f"column {shown(name)} counts from {int(column.min())} to {most}; expected the periods of a day, from 1 to "
            "24, 48, 96 or 288."
        )
    notes.append(f"Column {shown(name)} counts {count} periods a day from 1: each is read as its start.")
    return pd.TimedeltaIndex(pd.to_timedelta((column - 1) * (86_400 // count), unit="s"))


def _refuse_clock(column: pd.Series, name: str, row: int, examples: str) -> NoReturn:
    raise ProblemError(
        f"column {shown(name)} holds {shown(column.iloc[row])} in row {row + 1}; expected a time of day, such as "
        f"{examples}."
    )


def _from_text(column: pd.Series, name: str) -> pd.TimedeltaIndex:
    text = column.astype(str).str.strip().str.split(r"\s*-\s*", n=1, regex=True).str[0]
    found = text.str.extract(f"^{_CLOCK}$")
    hour, minute, second = (as_numbers(found[part]) for part in ("h", "m", "s"))
    half = found["half"].fillna("").str[:1].str.lower()
    hour = hour.where(half == "", hour % 12 + np.where(half == "p", 12, 0))
    wrong = (hour.isna() | (hour > 24) | (minute > 59) | (second > 59)).to_numpy()
    if wrong.any():
        _refuse_clock(column, name, int(wrong.argmax()), "13:45 or 1:45 PM")
    return pd.TimedeltaIndex(pd.to_timedelta(3600 * hour + 60 * minute.fillna(0) + second.fillna(0), unit="s"))
