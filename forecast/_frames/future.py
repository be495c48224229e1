"""Future rows of the user: exactly those that follow the fitted data, aligned by series and time, never by position."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._numbers import beyond, usable
from .._records import record
from .._refusals import Fix, Refusal, Words, extended, joined, sentences, split_advice
from .._types import Booleans, Floats, Integers
from .columns import too_large
from .infer import jumps_forward
from .names import blocks_of, quoted, refuse_retyped, sorting
from .roles import Layout
from .schema import encoded, float_dtype
from .stamps import kind_of, read_stamps, ticks_of
from .time_column import time_columns

if TYPE_CHECKING:
    from .axis import TimeAxis
    from .roles import Roles
    from .schema import Schema

__all__ = ["Future", "read_future"]

HINT = Words("model.future_frame(n) gives the rows to fill.", "--future-template FILE writes the rows to fill.")
FIX = Fix("X = model.future_frame()", "")  # the hint says what the command does
OTHER_ROWS = Words("predict(history=frame)", "give a data file after the model")


def named(what: str) -> str:
    """The future rows by their name: of the argument, and of the option."""
    return Words(what, "--future" if what == "X" else what)


@record(frozen=True)
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

    keys: list[Hashable]
    labels: list[pd.Index]
    values: list[Floats]
    rows: list[Integers]
    index: pd.Index


def read_future(
    frame: pd.DataFrame,
    roles: Roles,
    schema: Schema,
    axis: TimeAxis,
    expected: dict[Hashable, Any],
    *,
    what: str = "X",
    at_least: int | None = None,
) -> Future:
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
            Refusal(
                "has no rows",
                where=named(what),
                expected="the future rows to forecast, one row per step",
                advice=HINT,
                fix=FIX,
            )
        )
    try:
        roles.check(frame, only=("future",))
    except ValueError as error:
        raise ValueError(extended(error, advice=sentences("It must be known ahead.", HINT))) from error
    layout = Layout.of(frame, roles, what)
    labels = read_stamps(layout.labels(frame), layout, what)
    _refuse_counted(frame, layout, axis, labels, what)
    keys, rows = _by_series(frame, layout, expected, what)
    parts = [labels if len(keys) == 1 and len(part) == len(labels) else labels.take(part) for part in rows]
    for key, part in zip(keys, parts, strict=True):
        _check_rows(axis, key, expected[key], part, what, at_least if schema.future else None, layout)
    return Future(keys, parts, _covariates(frame, schema, keys, labels, rows), rows, frame.index)


def _refuse_counted(frame: pd.DataFrame, layout: Layout, axis: TimeAxis, labels: pd.Index, what: str) -> None:
    """Refuse future rows whose index is row numbers although one column holds their time."""
    found = time_columns(frame) if kind_of(labels) == "integer" and axis.kind != "integer" else []
    if len(found) == 1 and layout.time_at == "index" and len(layout.levels) == 1:
        raise ValueError(
            Refusal(
                f"counts rows, and the model was fitted on an index of {axis.kind}s",
                where=f"the index of {what}",
                expected="the time of each row there",
                fix=f"{what} = {what}.set_index({found[0]!r})",
            )
        )


def _by_series(
    frame: pd.DataFrame, layout: Layout, expected: dict[Hashable, pd.Timestamp | pd.Period | int], what: str
) -> tuple[list[Hashable], list[Integers]]:
    if layout.series_at is None:
        return [None], [np.arange(len(frame))]
    blocks = blocks_of(frame, layout, what, {"advice": HINT, "fix": FIX})
    codes, keys = blocks.by_row(), blocks.keys.tolist()
    unknown = [key for key in keys if key not in expected]
    if unknown:
        refuse_retyped(unknown, expected, layout, what)
        known = ", ".join(map(quoted, list(expected)[:5])) + (", ..." if len(expected) > 5 else "")
        raise ValueError(
            Refusal(
                f"has rows of the unknown series {', '.join(map(quoted, unknown[:3]))}",
                where=named(what),
                expected=f"some of {known}",
                advice=sentences(_after("Past rows of a new series: "), HINT),
                fix=FIX,
            )
        )
    order = np.argsort(codes, kind="stable")
    return keys, np.split(order, np.bincount(codes).cumsum()[:-1])


def _after(start: str) -> str:
    """How to forecast after rows that are given."""
    return Words(f"{start}{OTHER_ROWS}.", f"{start}{OTHER_ROWS.command}.")


def _check_rows(
    axis: TimeAxis,
    key: Hashable,
    last: pd.Timestamp | pd.Period | int,
    labels: pd.Index,
    what: str,
    at_least: int | None,
    layout: Layout,
) -> None:
    """The labels of one series against those that must follow."""
    where = joined("" if key is None else f"series {quoted(key)}: ", named(what))
    count = len(labels)
    if axis.irregular and _comes_later(last, labels):
        follows = labels.append(axis.after(labels[-1], max((at_least or 0) - count, 0)))
    else:
        follows = axis.after(last, max(count, at_least or 0))
    same = _equal(follows[:count], labels)
    if not same.all() and not (axis.pause and jumps_forward(axis, last, labels)):
        row = int(np.argmin(same))
        missing = str(follows[row]) if row < len(follows) else "None"
        ordered = labels.sort_values()
        if _equal(follows[:count], ordered).all():
            raise ValueError(
                Refusal(
                    "does not continue the fitted data in the order of its rows",
                    where=where,
                    got=f"row {row} is {labels[row]}",
                    expected=missing,
                    advice=Words(f"Answers have the index of {what}.", "Answers have the order of its rows."),
                    fix=f"{what} = {what}.{sorting(layout)}",
                )
            )
        raise ValueError(
            Refusal(
                f"does not continue the fitted data, which end at {last}",
                where=where,
                got=f"its row {row} is {labels[row]}",
                expected=missing,
                advice=sentences(split_advice(), _after("To forecast after other rows than the fitted ones: "), HINT),
                fix=Fix(f"X = model.future_frame({max(count, at_least or 1)})", ""),
            )
        )
    if at_least is not None and count < at_least:
        raise ValueError(
            Refusal(
                f"has {count} rows after {last}, but the future covariates of {at_least} are needed",
                where=where,
                got=f"the first missing one is {follows[count]}",
                advice=HINT,
                fix=FIX,
            )
        )


def _comes_later(last: Any, labels: pd.Index) -> bool:
    """Whether labels are later than the last known one, in order and of its kind: any such times can be asked for."""
    alike = kind_of(labels) == kind_of(pd.Index([last])) and (
        (getattr(labels, "tz", None) is None) == (getattr(last, "tzinfo", None) is None)
    )
    return alike and labels[0] > last and labels.is_monotonic_increasing and labels.is_unique


def _equal(follows: pd.Index, labels: pd.Index) -> Booleans:
    """Label by label, whatever the resolution and the zone: instants are compared."""
    aware = getattr(follows, "tz", None) is not None, getattr(labels, "tz", None) is not None
    if kind_of(follows) != kind_of(labels) or aware[0] != aware[1]:
        return np.zeros(len(labels), dtype=bool)
    if isinstance(follows, pd.PeriodIndex) and follows.freq != labels.freq:
        return np.zeros(len(labels), dtype=bool)
    if getattr(follows, "unit", None) == getattr(labels, "unit", None):
        return ticks_of(follows) == ticks_of(labels)
    return np.asarray(follows == labels)


def _covariates(
    frame: pd.DataFrame, schema: Schema, keys: list[Hashable], labels: pd.Index, rows: list[Integers]
) -> list[Floats]:
    if not schema.future:
        return [np.empty((len(part), 0)) for part in rows]
    places = _Places(keys, labels, rows)
    dtype = float_dtype(frame, [part.label for part in schema.future if part.categories is None])
    for part in schema.future:
        _refuse_missing(frame[part.label], part.label, places)
    values = encoded(frame, schema.future, dtype, places)
    if not usable(values):
        large = beyond(values)
        if large.any():
            row, column = np.argwhere(large)[0]
            raise ValueError(
                too_large(schema.future_names[column], int(large[:, column].sum()), f"the first at {places.place(row)}")
            )
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            Refusal(
                f"has infinite values, the first at {places.place(row)}",
                where=f"column {schema.future_names[column]!r}",
                expected="finite numbers",
            )
        )
    return [values if len(rows) == 1 else values[part] for part in rows]


def _refuse_missing(column: pd.Series, label: Hashable, places: _Places) -> None:
    absent = np.flatnonzero(column.isna().to_numpy())
    if len(absent):
        raise ValueError(
            Refusal(
                f"has {len(absent)} missing values (NaN), the first at {places.place(absent[0])}",
                where=f"future covariate {label!r}",
                expected=Words(
                    "a value in every row: fill the frame of model.future_frame(n)",
                    "a value in every row: fill the file that --future-template writes",
                ),
            )
        )


class _Places:
    """Rows of a future frame as text for messages."""

    def __init__(self, keys: list[Hashable], labels: pd.Index, rows: list[Integers]) -> None:
        self._keys, self._labels, self._rows = keys, labels, rows

    def place(self, row: int) -> str:
        stamp = str(self._labels[int(row)])
        if self._keys == [None]:
            return stamp
        series = next(key for key, part in zip(self._keys, self._rows, strict=True) if row in part)
        return f"({quoted(series)}, {stamp})"

    place_in_frame = place
