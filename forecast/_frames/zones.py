"""Stamps that are regular in another zone than their own: days of Berlin in UTC are 22:00 and 23:00."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .._types import Array
from .fixes import frame_named

if TYPE_CHECKING:
    from .axis import TimeAxis
    from .fixes import Source

__all__ = ["localizing", "refuse_other_zone", "regular_zone", "zone_of_offsets"]

# Zones that move their clocks, or did; a few of those with the same rules first, so that a well-known one is named.
KNOWN = (
    "Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Halifax", "America/Sao_Paulo", "Australia/Sydney", "Australia/Adelaide",
    "Pacific/Auckland", "America/Mexico_City", "America/Santiago", "Asia/Jerusalem", "Africa/Cairo", "Asia/Tehran",
    "Asia/Beirut", "America/Havana", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca",
    "America/Asuncion", "Europe/Istanbul", "Europe/Moscow",
)  # fmt: skip
SAMPLE = 5000  # stamps that a zone is tried on


def regular_zone(index: pd.DatetimeIndex, is_regular: Callable[[pd.DatetimeIndex], bool]) -> str | None:
    """The zone in which stamps are regular that are not so in their own, or None.

    Parameters
    ----------
    index : pandas.DatetimeIndex
        Stamps; those without a zone are taken for UTC.
    is_regular : callable
        Function of an index in another zone.

    Returns
    -------
    str or None
        One in which they are midnights, where there is one.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2024-03-01", periods=60, tz="Europe/Vienna").tz_convert("UTC")
    >>> regular_zone(days, lambda index: len(set(index.hour)) == 1)  # Vienna and Berlin have the same rules
    'Europe/Berlin'
    """
    sample = index[:: max(1, len(index) // SAMPLE)]
    clocks = _clocks(sample)
    own, found, fewer = len(clocks), [], False
    # Clocks are moved by whole or half hours: times of day that differ in minutes come from elsewhere.
    if len(np.unique(clocks % np.timedelta64(30, "m"))) > own / 2:
        return None
    sample = sample.tz_localize("UTC") if index.tz is None else sample
    for zone in (*KNOWN, *sorted(zoneinfo.available_timezones() - set(KNOWN))):
        if fewer and zone not in KNOWN:
            break
        try:
            clocks = _clocks(sample.tz_convert(zone))
        except (ValueError, KeyError, OSError):  # a file that is not a zone
            continue
        # As many where the clock skips the time of day once, as midnight in some zones.
        if len(clocks) < own or (len(clocks) == own == 2 and zone in KNOWN):
            fewer |= len(clocks) < own
            found.append((zone, len(clocks), bool(clocks[0].astype(np.int64))))
    whole = index.tz_localize("UTC") if index.tz is None else index
    for zone, *_ in sorted(found, key=lambda one: one[1:]):
        if is_regular(whole.tz_convert(zone)):
            return zone
    return None


def _clocks(index: pd.DatetimeIndex) -> Array:
    """The times of day of an index, each once."""
    stamps = (index if index.tz is None else index.tz_localize(None)).to_numpy()
    return np.unique(stamps - stamps.astype("datetime64[D]"))


def zone_of_offsets(stamps: pd.DatetimeIndex, offsets: list[Any]) -> str:
    """A zone that has these offsets from UTC at these instants; UTC where none has.

    Parameters
    ----------
    stamps : pandas.DatetimeIndex
        Stamps in UTC.
    offsets : list of timedelta

    Returns
    -------
    str
    """
    for zone in KNOWN:
        wall = stamps.tz_convert(zone).tz_localize(None)
        if ((wall - stamps.tz_localize(None)) == pd.TimedeltaIndex(offsets)).all():
            return zone
    return "UTC"


def localizing(index: pd.DatetimeIndex, zone: tzinfo, last: pd.Index | None = None, whole: bool = True) -> str | None:
    """The call that gives stamps without a zone theirs, where an hour comes twice in autumn too.

    Parameters
    ----------
    index : pandas.DatetimeIndex
        Stamps without a zone.
    zone : tzinfo
    last : pandas.Index, default=None
        The newest stamps that are known, which these follow.
    whole : bool, default=True
        Whether they are of one series, in time order.

    Returns
    -------
    str or None
        None where the clock of the zone skips one of them, or their order does not tell which hour is which.
    """
    early = index.tz_localize(zone, ambiguous=np.ones(len(index), dtype=bool), nonexistent="NaT")
    twice = index[index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").isna()]
    if early.isna().any():
        return None
    if not len(twice):
        call = ""
    elif whole and (twice.value_counts() == 2).all():
        call = ", ambiguous='infer'"
    elif last is not None and getattr(last, "tz", None) is not None:
        call = f", ambiguous={bool(early.min() > last.max())}"
    else:
        return None
    return f"tz_localize({str(zone)!r}{call})"


def refuse_other_zone(
    index: pd.Index, axis: TimeAxis, what: str, source: Source, last: pd.Index | None = None, whole: bool = True
) -> None:
    """Refuse stamps of another zone than fitted, with the line that gives them that one.

    Parameters
    ----------
    index : pandas.Index
    axis : TimeAxis
    what : str
    source : Source
    last : pandas.Index, default=None
        As in `check_axis`.
    whole : bool, default=True
        Whether they are of one series.

    Raises
    ------
    ValueError
    """
    if not isinstance(index, pd.DatetimeIndex) or axis.kind != "datetime" or str(index.tz) == str(axis.tz):
        return
    more = ""
    call: str | None = f"tz_convert({str(axis.tz)!r})"
    if axis.tz is None:
        call = "tz_localize(None)"
    elif index.tz is None:
        call = localizing(index, axis.tz, last, whole)
        more = "" if call else "Some of them do not exist in that zone, or come twice: give each its offset."
    raise ValueError(
        Refusal(
            f"stamps have zone {index.tz}, but the model was fitted on zone {axis.tz}",
            where=frame_named(what, "'s"),
            expected="the same",
            advice=more,
            fix=source.stamps("{}." + call) if call else None,
        )
    )
