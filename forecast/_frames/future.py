"""Future rows of the user: exactly those that follow the fitted data, aligned by series and time, never by position."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .index import SPLIT_ADVICE
from .infer import jumps_forward
from .names import blocks_of, quoted, refuse_retyped, sorting
from .roles import Layout
from .schema import encoded, float_dtype
from .stamps import kind_of, read_stamps, ticks_of
from .time_column import time_columns

__all__ = ["Future", "read_future"]

FIX = "X = model.future_frame()"
HINT = "model.future_frame(n) gives the rows to fill"


@dataclass(frozen=True)
class Future:
    """Future rows by series.

    Parameters
    ----------
    keys : list
        Series in order of first appearance; `[None]` for one series without a name.
    labels : list of pandas.Index
        Time labels of each.
    values : list of ndarray of shape (rows of the series, encoded future covariates)
    rows : list of ndarray of int
        Position of each row in the user's frame.
    index : pandas.Index
        Index of the user's frame.
    """

    keys: list
    labels: list
    values: list
    rows: list
    index: pd.Index


def read_future(frame, roles, schema, axis, expected, *, what="X", at_least=None):
    """Read future rows and their future covariates.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows after the fitted ones: of some or all series, ascending in time within each.
    roles : Roles
    schema : Schema
    axis : TimeAxis
    expected : dict
        The last known time label of each series; of one series without a name under None.
    what : str, default="X"
    at_least : int or None, default=None
        Rows that each series must have where there are future covariates; None is any number.

    Returns
    -------
    Future

    Raises
    ------
    TypeError, ValueError
        Naming the first series, time label and column that is missing or wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> from forecast._frames import Roles, TimeAxis
    >>> from forecast._frames.schema import Schema
    >>> rows = pd.DataFrame(index=pd.RangeIndex(10, 12))
    >>> future = read_future(rows, Roles(["y"]), Schema(), TimeAxis(1, "integer", ranged=True), {None: 9})
    >>> future.labels
    [RangeIndex(start=10, stop=12, step=1)]
    """
    if len(frame) == 0:
        raise ValueError(
            f"{what} has no rows; expected the future rows to forecast, one row per step. {HINT}. Fix: {FIX}."
        )
    try:
        roles.check(frame, only=("future",))
    except ValueError as error:
        raise ValueError(f"{error} It must be known ahead: {HINT}.") from error
    layout = Layout.of(frame, roles, what)
    labels = read_stamps(layout.labels(frame), layout, what)
    _refuse_counted(frame, layout, axis, labels, what)
    keys, rows = _by_series(frame, layout, expected, what)
    parts = [labels if len(keys) == 1 and len(part) == len(labels) else labels.take(part) for part in rows]
    for key, part in zip(keys, parts, strict=True):
        _check_rows(axis, key, expected[key], part, what, at_least if schema.future else None, layout)
    return Future(keys, parts, _covariates(frame, schema, keys, labels, rows), rows, frame.index)


def _refuse_counted(frame, layout, axis, labels, what):
    """Refuse future rows whose index is row numbers although one column holds their time."""
    found = time_columns(frame) if kind_of(labels) == "integer" and axis.kind != "integer" else []
    if len(found) == 1 and layout.time_at == "index" and len(layout.levels) == 1:
        raise ValueError(
            f"the index of {what} counts rows, and the model was fitted on an index of {axis.kind}s; expected the "
            f"time of each row there. Fix: {what} = {what}.set_index({found[0]!r})."
        )


def _by_series(frame, layout, expected, what):
    if layout.series_at is None:
        return [None], [np.arange(len(frame))]
    blocks = blocks_of(frame, layout, what, f"{HINT}. Fix: {FIX}.")
    codes, keys = blocks.by_row(), blocks.keys.tolist()
    unknown = [key for key in keys if key not in expected]
    if unknown:
        refuse_retyped(unknown, expected, layout, what)
        known = ", ".join(map(quoted, list(expected)[:5])) + (", ..." if len(expected) > 5 else "")
        raise ValueError(
            f"{what} has rows of the unknown series {', '.join(map(quoted, unknown[:3]))}; expected some of {known}. "
            f"Past rows of a new series: predict(history=frame). {HINT}. Fix: {FIX}."
        )
    order = np.argsort(codes, kind="stable")
    return keys, np.split(order, np.bincount(codes).cumsum()[:-1])


def _check_rows(axis, key, last, labels, what, at_least, layout):
    """The labels of one series against those that must follow."""
    series = "" if key is None else f"series {quoted(key)}: "
    count = len(labels)
    if axis.irregular and _comes_later(last, labels):
        follows = labels.append(axis.after(labels[-1], max((at_least or 0) - count, 0)))
    else:
        follows = axis.after(last, max(count, at_least or 0))
    same = _equal(follows[:count], labels)
    if not same.all() and not (axis.pause and jumps_forward(axis, last, labels)):
        row = int(np.argmin(same))
        missing = follows[row] if row < len(follows) else None
        ordered = labels.sort_values()
        if _equal(follows[:count], ordered).all():
            raise ValueError(
                f"{series}{what} does not continue the fitted data in the order of its rows: row {row} is "
                f"{labels[row]}, expected {missing}. Answers have the index of {what}. Fix: {what} = "
                f"{what}.{sorting(layout)}."
            )
        raise ValueError(
            f"{series}{what} does not continue the fitted data, which end at {last}: its row {row} is {labels[row]}, "
            f"expected {missing}. {SPLIT_ADVICE}. To forecast after other rows than the fitted ones: "
            f"predict(history=frame). {HINT}. Fix: X = model.future_frame({max(count, at_least or 1)})."
        )
    if at_least is not None and count < at_least:
        raise ValueError(
            f"{series}{what} has {count} rows after {last}, but the future covariates of {at_least} are needed; the "
            f"first missing one is {follows[count]}. {HINT}. Fix: {FIX}."
        )


def _comes_later(last, labels):
    """Whether labels are later than the last known one, in order and of its kind: any such times can be asked for."""
    alike = kind_of(labels) == kind_of(pd.Index([last])) and (
        (getattr(labels, "tz", None) is None) == (getattr(last, "tzinfo", None) is None)
    )
    return alike and labels[0] > last and labels.is_monotonic_increasing and labels.is_unique


def _equal(follows, labels):
    """Label by label, whatever the resolution and the zone: instants are compared."""
    aware = getattr(follows, "tz", None) is not None, getattr(labels, "tz", None) is not None
    if kind_of(follows) != kind_of(labels) or aware[0] != aware[1]:
        return np.zeros(len(labels), dtype=bool)
    if isinstance(follows, pd.PeriodIndex) and follows.freq != labels.freq:
        return np.zeros(len(labels), dtype=bool)
    if getattr(follows, "unit", None) == getattr(labels, "unit", None):
        return ticks_of(follows) == ticks_of(labels)
    return np.asarray(follows == labels)


def _covariates(frame, schema, keys, labels, rows):
    if not schema.future:
        return [np.empty((len(part), 0)) for part in rows]
    places = _Places(keys, labels, rows)
    dtype = float_dtype(frame, [part.label for part in schema.future if part.categories is None])
    for part in schema.future:
        _refuse_missing(frame[part.label], part.label, places)
    values = encoded(frame, schema.future, dtype, places)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"column {schema.future_names[column]!r} has infinite values, the first at {places.place(row)}; expected "
            "finite numbers."
        )
    return [values if len(rows) == 1 else values[part] for part in rows]


def _refuse_missing(column, label, places):
    absent = np.flatnonzero(column.isna().to_numpy())
    if len(absent):
        raise ValueError(
            f"future covariate {label!r} has {len(absent)} missing values (NaN), the first at {places.place(absent[0])}"
            "; expected a value in every row: fill the frame of model.future_frame(n)."
        )


class _Places:
    """Rows of a future frame as text for messages."""

    def __init__(self, keys, labels, rows):
        self._keys, self._labels, self._rows = keys, labels, rows

    def place(self, row):
        stamp = str(self._labels[int(row)])
        if self._keys == [None]:
            return stamp
        series = next(key for key, part in zip(self._keys, self._rows, strict=True) if row in part)
        return f"({quoted(series)}, {stamp})"

    place_in_frame = place
