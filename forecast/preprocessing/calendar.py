"""Calendar features of a time index, computed in its local time."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, argument, install
from .._types import Array, Floats, Integers

__all__ = ["calendar_features", "completed"]

HOLIDAYS = "holidays:"
_ROUNDING = 1e-15  # of a sine, in a table of up to 10,000 places
MONDAY = np.datetime64("1970-01-05", "D")


def calendar_features(index: pd.DatetimeIndex, names: str | Sequence[str]) -> tuple[Floats, list[str]]:
    """Return the calendar features of every row.

    Parameters
    ----------
    index : pandas.DatetimeIndex or pandas.PeriodIndex
        Index in any zone: features follow its local time. A period counts from its start.
    names : str or list of str
        "minute" (of the hour), "hour", "dayofweek", "dayofmonth", "dayofyear", "week" (ISO), "month" and "quarter"
        become a sine and a cosine, so that the last value is next to the first; months, years and ISO years have their
        true length. "weekend" is 1 on Saturday and Sunday. "holidays:DE" is 1 on the public holidays of a country (ISO
        3166 code), "holidays:DE-BY" on those of a subdivision; both need the `holidays` package.

    Returns
    -------
    features : ndarray of shape (rows, F), float64
    feature_names : list of F str

    Raises
    ------
    TypeError
        The index holds no time.
    ValueError
        An unknown name, country or subdivision, a duplicate name, NaT, or a year for which no holidays are known.
    ImportError
        Holidays are requested, but `holidays` is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> features, names = calendar_features(pd.date_range("2024-01-01", periods=2, freq="6h"), ["hour", "weekend"])
    >>> names
    ['hour_sin', 'hour_cos', 'weekend']
    >>> features.round(6).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    names = [names] if isinstance(names, str) else list(names)
    _refuse_names(names)
    clock = _Clock(_wall(index))
    columns, labels = [], []
    for name in names:
        if name in CYCLES:
            columns.append(_circle(*CYCLES[name](clock)))
            labels += [f"{name}_sin", f"{name}_cos"]
        else:
            columns.append(clock.weekend() if name == "weekend" else _holidays(clock, name))
            labels.append(name)
    if not columns:
        return np.empty((len(index), 0)), []
    return np.concatenate(columns, axis=1), labels


def completed(names: str | Sequence[str] | None, found: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    """Names of calendar features, with those that are found instead of "auto".

    Parameters
    ----------
    names : str, sequence of str or None
    found : callable
        Called where "auto" is among the names.

    Returns
    -------
    tuple of str

    Raises
    ------
    TypeError
        Neither names nor None.
    ValueError
        An unknown name, or one that is there twice.
    """
    if names is not None and not isinstance(names, Iterable):
        expected = "'auto', None or a list of names"
        raise TypeError(Refusal(f"is {names!r}", where="calendar", expected=expected, fix=argument("calendar", "auto")))
    names = (names,) if isinstance(names, str) else tuple(names or ())
    _refuse_names(list(names), also=("auto",))
    if "auto" not in names:
        return names
    place = names.index("auto")
    before, after = names[:place], names[place + 1 :]
    return before + tuple(name for name in found() if name not in before + after) + after


def _refuse_names(names: list[str], also: tuple[str, ...] = ()) -> None:
    known = [*CYCLES, "weekend", *also, f"{HOLIDAYS}COUNTRY"]
    for name in names:
        if not isinstance(name, str) or not (name in known[:-1] or name.startswith(HOLIDAYS)):
            near = difflib.get_close_matches(str(name).replace("_", ""), known, n=1)
            meant = f"Did you mean {near[0]!r}?" if near else ""
            raise ValueError(Refusal(f"unknown calendar feature {name!r}", expected=f"one of {known}", advice=meant))
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(Refusal(f"calendar feature {twice[0]!r} is named twice", got=f"{names}", expected="each once"))


def _wall(index: pd.DatetimeIndex) -> Array:
    """Local time, as numpy's datetime64 in the unit of the index."""
    if isinstance(index, pd.PeriodIndex):
        index = index.start_time
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(
            Refusal(
                f"holds {index.dtype} values; calendar features need a DatetimeIndex or a PeriodIndex: a number of "
                "steps has no date",
                where="the index",
                fix=Fix("df.index = pd.date_range('2024-01-01', periods=len(df), freq='D')", "--time COLUMN"),
            )
        )
    stamps = (index if index.tz is None else index.tz_localize(None)).to_numpy()
    missing = np.isnat(stamps)
    if missing.any():
        raise ValueError(
            Refusal(
                f"has {int(missing.sum())} missing stamps (NaT), first in row {missing.argmax()}", where="the index"
            )
        )
    return stamps


class _Clock:
    """Parts of wall times; each counts from 0 and comes with the length of its cycle, one number or one per row."""

    def __init__(self, stamps: Array) -> None:
        self.stamps = stamps
        self.days = stamps.astype("M8[D]")
        self.weekday = _count(self.days - MONDAY) % 7

    def minute(self) -> tuple[Integers, int]:
        return _count(self.stamps.astype("M8[m]") - self.stamps.astype("M8[h]")), 60

    def hour(self) -> tuple[Integers, int]:
        return _count(self.stamps.astype("M8[h]") - self.days), 24

    def dayofweek(self) -> tuple[Integers, int]:
        return self.weekday, 7

    def weekend(self) -> Floats:
        return (self.weekday >= 5).astype(np.float64)[:, None]

    def dayofmonth(self) -> tuple[Integers, Integers]:
        return _within(self.days, "M8[M]")

    def dayofyear(self) -> tuple[Integers, Integers]:
        return _within(self.days, "M8[Y]")

    def week(self) -> tuple[Integers, Integers]:
        # An ISO week belongs to the year of its Thursday, so a year has as many weeks as Thursdays.
        thursday = self.days + (3 - self.weekday)
        day, length = _within(thursday, "M8[Y]")
        first = day % 7
        return day // 7, (length - 1 - first) // 7 + 1

    def month(self) -> tuple[Integers, int]:
        return _count(self.stamps.astype("M8[M]") - self.stamps.astype("M8[Y]")), 12

    def quarter(self) -> tuple[Integers, int]:
        return self.month()[0] // 3, 4


CYCLES: dict[str, Callable[[_Clock], tuple[Integers, Any]]] = {
    "minute": _Clock.minute,
    "hour": _Clock.hour,
    "dayofweek": _Clock.dayofweek,
    "dayofmonth": _Clock.dayofmonth,
    "dayofyear": _Clock.dayofyear,
    "week": _Clock.week,
    "month": _Clock.month,
    "quarter": _Clock.quarter,
}


def _count(durations: Array) -> Integers:
    """Durations as whole numbers of their own unit."""
    return durations.astype(np.int64)


def _within(days: Array, unit: str) -> tuple[Integers, Integers]:
    """Day within its month or year, and how many days that has."""
    start = days.astype(unit)
    first = start.astype("M8[D]")
    return _count(days - first), _count((start + 1).astype("M8[D]") - first)


def _circle(position: Integers, length: int | Integers) -> Floats:
    """Sine and cosine, looked up, so that a row has the same bits among 24 as among a million."""
    if isinstance(length, int):
        return _table(length)[position]
    table, offsets = _tables()
    return table[offsets[length] + position]


@lru_cache
def _table(length: int) -> Floats:
    angle = 2 * np.pi * np.arange(length) / length
    circle = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    # The sine of half a turn is 0: what is left of rounding would be a scale where windows see no other phase.
    circle[np.abs(circle) < _ROUNDING] = 0.0
    return circle


@lru_cache
def _tables() -> tuple[Floats, Integers]:
    """One table under another for every length that a month, an ISO year or a year can have."""
    lengths = [28, 29, 30, 31, 52, 53, 365, 366]
    offsets = np.zeros(367, dtype=np.int64)
    offsets[lengths] = np.cumsum([0, *lengths[:-1]])
    return np.concatenate([_table(length) for length in lengths]), offsets


# -------------------- holidays


def _holidays(clock: _Clock, name: str) -> Floats:
    days = clock.days
    place = name.removeprefix(HOLIDAYS)
    if len(days) == 0:
        _known_place(place)
        return np.empty((0, 1))
    first, last = (int(day.astype("M8[Y]").astype(np.int64)) + 1970 for day in (days.min(), days.max()))
    free = _holidays_between(place, first, last)
    return (free[np.searchsorted(free[:-1], days)] == days).astype(np.float64)[:, None]


@lru_cache
def _holidays_between(place: str, first: int, last: int) -> Array:
    """The holidays of some years in ascending order, followed by NaT."""
    parts = [_holidays_of(place, year) for year in range(first, last + 1)]
    return np.concatenate([*parts, [np.datetime64("NaT")]])


@lru_cache(maxsize=4096)
def _holidays_of(place: str, year: int) -> Array:
    """The holidays of a year in ascending order."""
    known = _known_place(place)
    if not known.start_year <= year <= known.end_year:
        raise ValueError(
            Refusal(
                f"the holidays of {place!r} are known from {known.start_year} to {known.end_year}, but the index has "
                f"a row in {year}",
                advice=f"Leave '{HOLIDAYS}{place}' out, or give rows of those years.",
            )
        )
    country, _, part = place.partition("-")
    found = _package().country_holidays(country, subdiv=part or None, years=year)
    days = np.array([day for day in found if day.year == year], dtype="M8[D]")
    return np.sort(days)


@lru_cache
def _known_place(place: str) -> Any:
    package = _package()
    country, _, part = place.partition("-")
    countries = package.list_supported_countries(include_aliases=True)
    if country not in countries:
        near = difflib.get_close_matches(country, countries, n=3) or sorted(countries)[:3]
        raise ValueError(
            Refusal(
                f"no holidays are known for the country {country!r} of '{HOLIDAYS}{place}'",
                expected=f"an ISO 3166 code such as {', '.join(near)} (holidays.list_supported_countries() has all)",
            )
        )
    known = package.country_holidays(country)
    parts = {*known.subdivisions, *known.subdivisions_aliases}
    if part and part not in parts:
        raise ValueError(
            Refusal(
                f"no part {part!r} of {country} is known for '{HOLIDAYS}{place}'",
                expected=f"one of {sorted(parts)}, or none",
            )
        )
    return known


def _package() -> ModuleType:
    try:
        import holidays
    except ImportError as error:
        raise ImportError(
            Refusal("holidays need the `holidays` package", fix=install('"rnn-forecast[holidays]"'))
        ) from error
    return holidays
