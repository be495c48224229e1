"""Dates, stamps, durations, periods, zones and offsets, of Python and of pandas."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .errors import ModelFileError
from .expected import expect

if TYPE_CHECKING:
    from .expected import Tree
    from .values import Reader, Writer

__all__ = ["READERS", "as_zone", "write"]

MOST_STEPS = 10_000  # of an offset that the calendar decides
ZONE = 1 << 14  # bytes of one zone at most, which Python keeps, so a small file may name about sixty
HOLIDAY = 80  # bytes of a date in the lists that pandas keeps
UNITS = ("s", "ms", "us", "ns")
OFFSETS = {
    name: cls
    for name, cls in vars(pd.offsets).items()
    if isinstance(cls, type) and issubclass(cls, pd.offsets.BaseOffset) and cls.__name__ == name
}
SECOND = datetime.timedelta(seconds=1)


def write(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    """The tree of a value of this room, or None."""
    if value is pd.NaT:
        return {"is": "NaT"}
    if value is pd.NA:
        return {"is": "NA"}
    kind = type(value)
    if kind is pd.Timestamp:
        zone = writer(value.tz, f"{place}.tz", depth + 1)
        return {"is": "stamp", "count": int(value.asm8.view(np.int64)), "unit": value.unit, "zone": zone}
    if kind is pd.Timedelta:
        return {"is": "duration", "count": int(value.asm8.view(np.int64)), "unit": value.unit}
    if kind is pd.Period:
        return {"is": "period", "ordinal": int(value.ordinal), "freq": writer(value.freq, f"{place}.freq", depth + 1)}
    if isinstance(value, pd.offsets.BaseOffset):
        return _write_offset(writer, value, place, depth)
    if isinstance(value, datetime.tzinfo):
        return _write_zone(value)
    if kind is datetime.date or (kind is datetime.time and value.tzinfo is None):
        return {"is": kind.__name__, "text": value.isoformat()}
    if kind is datetime.datetime:
        zone = writer(value.tzinfo, f"{place}.tzinfo", depth + 1)
        return {"is": "datetime", "text": value.replace(tzinfo=None).isoformat(), "zone": zone, "fold": value.fold}
    if kind is np.busdaycalendar:
        weekmask = "".join(str(int(day)) for day in value.weekmask)
        return {"is": "business days", "weekmask": weekmask, "holidays": writer(np.array(value.holidays), place, depth)}
    if kind is datetime.timedelta:
        return {"is": "timedelta", "days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
    return None


def _write_offset(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    kind, name = type(value), type(value).__name__
    if OFFSETS.get(name) is not kind:
        return None
    options = dict(value.kwds)
    if "holidays" in options:
        options["holidays"] = np.array(options["holidays"], dtype="datetime64[D]")
    calendar = options.pop("calendar", None)
    if calendar is not None:
        made = np.busdaycalendar(options["weekmask"], options["holidays"])
        parts = ("weekmask", "holidays")
        if not all(np.array_equal(getattr(calendar, part), getattr(made, part)) for part in parts):
            options["calendar"] = calendar  # one that was given; weekmask and holidays then have no effect
    return {
        "is": "offset",
        "name": name,
        "n": int(value.n),
        "normalize": bool(value.normalize),
        "options": writer(options, f"{place}.options", depth + 1),
    }


def _offset(reader: Reader, depth: int, name: Tree, n: Tree, normalize: Tree, options: Tree) -> pd.offsets.BaseOffset:
    if not isinstance(name, str) or name not in OFFSETS:
        raise ModelFileError(Refusal(f"an offset {str(name)[:40]!r}, which pandas {pd.__version__} does not have"))
    options = expect(reader(options, depth), dict, "the options of an offset")
    if "holidays" in options:
        options["holidays"] = _holidays(reader, options["holidays"])
    n, normalize = expect(n, int, "steps of an offset"), expect(normalize, bool, "whether an offset normalises")
    cls = OFFSETS[name]
    if abs(n) > MOST_STEPS and not issubclass(cls, pd.offsets.Tick):  # pandas may count up to them
        raise ModelFileError(Refusal(f"an offset of {n} steps of {name}"))
    return cls(n) if issubclass(cls, pd.offsets.Tick) else cls(n, normalize=normalize, **options)


def _holidays(reader: Reader, days: object) -> list[datetime.date]:
    if not isinstance(days, np.ndarray) or days.ndim != 1 or days.dtype.kind != "M":
        raise ModelFileError(Refusal("the holidays of an offset are not a vector of dates"))
    reader.spend(days.size * HOLIDAY)
    return days.tolist()


def _business_days(reader: Reader, depth: int, weekmask: Tree, holidays: Tree) -> np.busdaycalendar:
    return np.busdaycalendar(expect(weekmask, str, "the week of a calendar"), reader(holidays, depth))


def _write_zone(value: Any) -> dict[str, Any] | None:
    """Of the libraries that name zones, the name; it is read by the library at hand."""
    if value is datetime.UTC:
        return {"is": "zone", "from": "datetime", "name": "UTC"}
    if type(value) is datetime.timezone:
        return {"is": "fixed zone", "seconds": value.utcoffset(None) / SECOND, "name": value.tzname(None)}
    if type(value) is zoneinfo.ZoneInfo and value.key is not None:
        return {"is": "zone", "from": "zoneinfo", "name": value.key}
    if type(value).__module__.partition(".")[0] == "pytz" and getattr(value, "zone", None):
        return {"is": "zone", "from": "pytz", "name": value.zone}
    return None


def _zone(reader: Reader, depth: int, name: Tree, **named: Tree) -> datetime.tzinfo:
    name, source = expect(name, str, "a zone"), named["from"]
    if source == "datetime" and name == "UTC":
        return datetime.UTC
    if name not in reader.zones:
        reader.zones.add(name)
        reader.spend(ZONE)
    if source == "pytz":
        try:
            import pytz
        except ImportError:  # pandas 3 does without it
            return zoneinfo.ZoneInfo(name)
        return pytz.timezone(name)
    if source != "zoneinfo":
        raise ModelFileError(
            Refusal(f"a zone {name[:40]!r} from {str(source)[:40]!r}", expected="datetime, zoneinfo or pytz")
        )
    return zoneinfo.ZoneInfo(name)


def _fixed_zone(reader: Reader, depth: int, seconds: Tree, name: Tree) -> datetime.timezone:
    offset = datetime.timedelta(seconds=expect(seconds, float, "a zone's offset"))
    unnamed = datetime.timezone(offset)
    return unnamed if unnamed.tzname(None) == name else datetime.timezone(offset, expect(name, str, "a zone"))


def as_zone(value: object) -> datetime.tzinfo | None:
    """The value, where it is a zone or None; pandas would take numbers and paths for zones as well."""
    if value is not None and not isinstance(value, datetime.tzinfo):
        raise ModelFileError(Refusal(f"a {type(value).__name__} in place of a zone"))
    return value


def _counted(kind: Literal["M", "m"], count: Tree, unit: Tree) -> Any:
    if unit not in UNITS:
        raise ModelFileError(Refusal(f"a unit of time {str(unit)[:20]!r}", expected=f"one of {list(UNITS)}"))
    return np.int64(expect(count, int, "a time")).view(f"{kind}8[{unit}]")


def _stamp(reader: Reader, depth: int, count: Tree, unit: Tree, zone: Tree) -> pd.Timestamp:
    stamp, zone = pd.Timestamp(_counted("M", count, unit)), as_zone(reader(zone, depth))
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)


def _duration(reader: Reader, depth: int, count: Tree, unit: Tree) -> pd.Timedelta:
    return pd.Timedelta(_counted("m", count, unit))


def _period(reader: Reader, depth: int, ordinal: Tree, freq: Tree) -> pd.Period:
    return pd.Period(ordinal=expect(ordinal, int, "a period"), freq=reader(freq, depth))


def _date(reader: Reader, depth: int, text: Tree) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _time(reader: Reader, depth: int, text: Tree) -> datetime.time:
    return datetime.time.fromisoformat(text)


def _datetime(reader: Reader, depth: int, text: Tree, zone: Tree, fold: Tree) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=as_zone(reader(zone, depth)), fold=fold)


def _timedelta(reader: Reader, depth: int, days: Tree, seconds: Tree, microseconds: Tree) -> datetime.timedelta:
    return datetime.timedelta(days, seconds, microseconds)


READERS = {
    "NaT": ((), lambda reader, depth: pd.NaT),
    "NA": ((), lambda reader, depth: pd.NA),
    "stamp": (("count", "unit", "zone"), _stamp),
    "duration": (("count", "unit"), _duration),
    "period": (("ordinal", "freq"), _period),
    "offset": (("name", "n", "normalize", "options"), _offset),
    "business days": (("weekmask", "holidays"), _business_days),
    "zone": (("from", "name"), _zone),
    "fixed zone": (("seconds", "name"), _fixed_zone),
    "date": (("text",), _date),
    "time": (("text",), _time),
    "datetime": (("text", "zone", "fold"), _datetime),
    "timedelta": (("days", "seconds", "microseconds"), _timedelta),
}
