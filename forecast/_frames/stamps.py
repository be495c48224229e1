"""Time labels of a frame: the kinds that are accepted, and the refusal of others."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .._types import Booleans, Integers
from .fixes import Source
from .text_dates import code_of_numbers, code_of_stamps
from .zones import zone_of_offsets

if TYPE_CHECKING:
    from .roles import Layout

__all__ = ["CHUNK", "as_stamps", "kind_of", "read_stamps", "ticks_of"]

CHUNK = 1 << 19  # rows looked at together, so that temporaries stay small compared with the frame


def kind_of(index: pd.Index) -> str:
    """ "datetime", "period" or "integer"."""
    if isinstance(index, pd.DatetimeIndex):
        return "datetime"
    return "period" if isinstance(index, pd.PeriodIndex) else "integer"


def ticks_of(index: pd.Index) -> Integers:
    """Time labels as whole numbers in the unit of the index: its own, or the ordinals of periods. No copy."""
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return index.asi8
    return index.to_numpy(dtype=np.int64)


def read_stamps(labels: pd.Index, layout: Layout, what: str = "X") -> pd.Index:
    """Time labels as a DatetimeIndex, PeriodIndex or integer Index; everything else is refused with its fix.

    Parameters
    ----------
    labels : pandas.Index
        Labels of all rows.
    layout : Layout
        Names their place, for messages and fixes.
    what : str, default="X"

    Returns
    -------
    pandas.Index

    Raises
    ------
    TypeError
        Strings, floats, objects.
    ValueError
        Empty, NaT, or stamps of several zones.

    Examples
    --------
    >>> import pandas as pd
    >>> from forecast._frames.roles import Layout, Roles
    >>> frame = pd.DataFrame({"y": [1.0]}, index=pd.DatetimeIndex(["2024-01-01"]))
    >>> kind_of(read_stamps(frame.index, Layout.of(frame, Roles(["y"]))))
    'datetime'
    """
    if len(labels) == 0:
        raise ValueError(Refusal(f"is empty: 0 rows in {what}", where="the frame", expected="a row per time step"))
    labels = as_stamps(labels)
    if not isinstance(labels, (pd.DatetimeIndex, pd.PeriodIndex)):
        labels = _other(labels, Source(None, layout, what))
    if labels.hasnans:
        refuse_no_stamp(Source(None, layout, what), labels.isna())
    return labels


def refuse_no_stamp(source: Source, missing: Booleans) -> NoReturn:
    """Refuse rows without a stamp.

    Parameters
    ----------
    source : Source
    missing : ndarray of bool
        Mask of the missing rows.

    Raises
    ------
    ValueError
    """
    raise ValueError(
        Refusal(
            f"has {int(missing.sum())} missing stamps (NaT), the first in row {int(missing.argmax())}",
            where=source.where,
            expected="a stamp in every row",
            fix=source.kept("{}.notna()"),
        )
    )


def as_stamps(labels: pd.Index) -> pd.Index:
    """Labels that are stamps or periods under another dtype (Arrow's, or Python objects) under pandas' own.

    Parameters
    ----------
    labels : pandas.Index

    Returns
    -------
    pandas.Index
        Anything else as it is.

    Examples
    --------
    >>> import datetime, pandas as pd
    >>> kind_of(as_stamps(pd.Index([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)])))
    'datetime'
    """
    dtype = labels.dtype
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind == "M":  # timestamps and dates
        return pd.DatetimeIndex(labels, name=labels.name)
    if not (isinstance(dtype, np.dtype) and dtype.kind == "O"):
        return labels
    kind = pd.api.types.infer_dtype(labels, skipna=True)
    try:
        if kind == "period":
            return pd.PeriodIndex(labels, name=labels.name)
        if kind == "date":  # Python's dates have no time of day
            dates: Any = np.where(labels.isna(), None, labels)
            return pd.DatetimeIndex(dates.astype("datetime64[s]"), name=labels.name)
        if kind in ("datetime", "datetime64"):
            return pd.DatetimeIndex(labels, name=labels.name)
    except (TypeError, ValueError):  # of several zones or frequencies
        pass
    return labels


def _other(labels: pd.Index, source: Source) -> pd.Index:
    dtype = labels.dtype
    if pd.api.types.is_integer_dtype(dtype):
        code = code_of_numbers(labels)
        if code is None:
            return labels
        raise TypeError(
            Refusal(
                f"holds whole numbers that are written dates, starting with {labels[0]}: as numbers they are not one "
                "step apart",
                where=source.where,
                expected="time stamps",
                fix=source.read(code),
            )
        )
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        _refuse_zones(labels, source)
    missing = np.flatnonzero(labels.isna())
    hole = f", and {len(missing)} missing ones, the first in row {int(missing[0])}" if len(missing) else ""
    raise TypeError(
        Refusal(
            f"holds {dtype} values, starting with {labels[0]!r}{hole}",
            where=source.where,
            expected="time stamps (datetime64, with or without a zone), periods or regular integer steps",
            fix=code_of_stamps(labels, source),
        )
    )


def _refuse_zones(labels: pd.Index, source: Source) -> None:
    """Stamps of several offsets from UTC, or with and without a zone, end up as objects in pandas."""
    offsets, places, every = [], [], []
    for row, label in enumerate(labels):
        if not isinstance(label, datetime.datetime) or label is pd.NaT:
            continue
        offset = "no zone" if label.tzinfo is None else label.utcoffset()
        every.append((label, offset))
        if offset not in offsets:
            offsets.append(offset)
            places.append(f"row {row}: {label}")
    if len(offsets) < 2:
        return
    refusal = Refusal(
        "mixes zones", where=source.where, got="; ".join(places[:3]), expected="one zone, or none, for all rows"
    )
    if "no zone" in offsets:
        raise ValueError(refusal.but(advice="Give those without a zone theirs first, with tz_localize."))
    zone = zone_of_offsets(pd.to_datetime([label for label, _ in every], utc=True), [offset for _, offset in every])
    made = f"pd.DatetimeIndex(pd.to_datetime({{}}, utc=True)).tz_convert({zone!r})"
    raise ValueError(refusal.but(fix=source.read(made)))
