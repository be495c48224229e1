"""A frame as arrays: series after series, row after row, after every check."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Refusal, argument
from .._types import Booleans, Floats, Integers
from .axis import TimeAxis
from .fixes import Source
from .gaps import Filling, missed_sessions, refuse_gaps
from .glued import refuse_glued, refuse_numbered_steps
from .infer import axis_of, check_axis
from .irregular import refuse_other_gaps
from .roles import Layout
from .schema import Schema, encoded, float_dtype, numbers, refuse_values
from .series import series_of
from .stamps import read_stamps
from .static import heads_of, refuse_changing
from .zones import refuse_other_zone

if TYPE_CHECKING:
    from .ends import Ends
    from .roles import Roles
    from .rules import Rules
    from .series import FrameRows

__all__ = ["Panel", "read_panel", "read_static"]


@record(frozen=True)
class Panel:
    """Series of a frame as arrays; one numbering of rows for all of them.

    Parameters
    ----------
    keys : pandas.Index or None
        Names of the series in order of first appearance, tuples where several columns name them; None is a frame of
        one series without a name.
    starts : ndarray of shape (n_series + 1,), int64
        First row of each series, and the end.
    index : pandas.Index
        Time labels of all rows.
    axis : TimeAxis
    targets : ndarray of shape (rows, n_targets)
        float32 where all numeric columns are, else float64; NaN is missing. A view of the frame where possible.
    past : ndarray of shape (rows, encoded past covariates)
        NaN is missing.
    future : ndarray of shape (rows, encoded future covariates)
    static : ndarray of shape (n_series, encoded static covariates)
    schema : Schema
    layout : Layout
    inserted : ndarray of bool, shape (rows,), or None
        Rows that the gap policy put in; None where there are none.
    made_up : ndarray of bool, shape (rows,), or None
        Those of them that lie on a straight line to the next row, and so know it.
    """

    keys: Any
    starts: Integers
    index: pd.Index
    axis: TimeAxis
    targets: Floats
    past: Floats
    future: Floats
    static: Floats
    schema: Schema
    layout: Layout
    inserted: Booleans | None = None
    made_up: Booleans | None = None


def read_panel(
    frame: pd.DataFrame,
    roles: Roles,
    rules: Rules,
    *,
    schema: Schema | None = None,
    axis: TimeAxis | None = None,
    what: str = "X",
    ends: Ends | None = None,
) -> Panel:
    """Read a frame of one or many series.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per time step and series: each series together, or all rows in the order of time.
    roles : Roles
    rules : Rules
    schema : Schema or None, default=None
        How the covariates of the fitted frame were encoded; None reads it off this one.
    axis : TimeAxis or None, default=None
        The fitted one; None reads it off this frame.
    what : str, default="X"
        Name of the frame in messages.
    ends : Ends or None, default=None
        Where the series end that these rows have to follow.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        Anything that is not regular, finite and complete, unless `rules` allow it: column, first stamps and fix.

    Examples
    --------
    >>> import pandas as pd
    >>> from forecast._frames import Roles, Rules
    >>> days = pd.date_range("2024-01-01", periods=3, freq="D")
    >>> frame = pd.DataFrame({"shop": ["a"] * 3 + ["b"] * 3, "y": range(6)}, index=days.append(days))
    >>> panel = read_panel(frame, Roles(["y"], series="shop"), Rules())
    >>> list(panel.keys), panel.starts.tolist(), panel.axis.freq
    (['a', 'b'], [0, 3, 6], <Day>)
    """
    rules.check()
    roles.check(frame)
    layout, fitted = Layout.of(frame, roles, what), axis is not None
    refuse_glued(frame, roles, layout)
    refuse_numbered_steps(frame, layout)
    stamps, last = read_stamps(layout.labels(frame), layout, what), None if ends is None else ends.index
    if axis is not None:
        refuse_other_zone(stamps, axis, what, Source(frame, layout, what), last, layout.series_at is None)
    rows = series_of(frame, layout, stamps, what, roles)
    if axis is None:
        _refuse_forgotten_time(frame, roles, layout)
        axis, (before, steps) = axis_of(rows, rules, Source(frame, layout, what))
    else:
        refuse_other_gaps(rules, axis, what)
        before, steps = check_axis(rows, axis, what, Source(frame, layout, what), last)
    own = rows
    if ends is not None:  # a gap may lie between the newest known row and the first one here
        rows = ends.before(own, what)
        before, steps = check_axis(rows, axis, what, Source(frame, layout, what))
    if rules.gaps != "error" and not len(before):
        before, steps = missed_sessions(rows, axis)
    if len(before) and rules.gaps == "error":
        refuse_gaps(rows, axis, before, steps, None if ends is None else ends.gap_fix, fitted)
    schema = Schema.of(frame, roles, own, rules.categorical == "embedding") if schema is None else schema
    targets, past, future, static = _values(frame, roles, rules, schema, own, what, fitted)
    if ends is not None:
        targets, past, future = ends.values_before(own, targets, past, future)
    starts, index, inserted = rows.starts, rows.index, None
    if len(before):
        filling = Filling.of(rows, axis, before, steps)
        starts, index, inserted = filling.starts, filling.index, filling.inserted
        targets = filling.linear(targets) if rules.gaps == "interpolate" else filling.missing(targets)
        past = _filled_past(filling, past, schema, rules)
        future = filling.previous(future)
    made_up = inserted if rules.gaps == "interpolate" else None
    panel = Panel(rows.keys, starts, index, axis, targets, past, future, static, schema, layout, inserted, made_up)
    return panel if ends is None else ends.without(panel)


def _refuse_forgotten_time(frame: pd.DataFrame, roles: Roles, layout: Layout) -> None:
    """Refuse several series whose index only counts rows although a column holds their time stamps."""
    if roles.series is None or layout.time_at == "column" or not isinstance(frame.index, pd.RangeIndex):
        return
    for label, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
            raise ValueError(
                Refusal(
                    f"time is None and the index counts rows, but column {label!r} holds time stamps",
                    expected="the time of each row",
                    fix=argument("time", label),
                )
            )


def _values(
    frame: pd.DataFrame, roles: Roles, rules: Rules, schema: Schema, rows: FrameRows, what: str, fitted: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    dtype = float_dtype(frame, [*roles.target, *schema.numeric()])
    targets = rows.arranged(numbers(frame, roles.target, dtype, rows))
    refuse_values(targets, roles.target, rows, role="target", missing=rules.missing, fitted=fitted)
    past = rows.arranged(encoded(frame, schema.past, dtype, rows))
    refuse_values(past, schema.past_names, rows, role="past covariate", missing=rules.missing, fitted=fitted)
    future = rows.arranged(encoded(frame, schema.future, dtype, rows))
    refuse_values(future, schema.future_names, rows, role="future covariate")
    return targets, past, future, _static(frame, roles, schema, dtype, rows, what)


def _filled_past(filling: Filling, past: Floats, schema: Schema, rules: Rules) -> Floats:
    if rules.gaps == "mask":
        return filling.missing(past)
    numeric = [part.categories is None for part in schema.past for _ in part.names]
    return np.where(numeric, filling.linear(past), filling.previous(past))


def _static(
    frame: pd.DataFrame, roles: Roles, schema: Schema, dtype: np.dtype[Any], rows: FrameRows, what: str
) -> Floats:
    """Static covariates of each series, after a look at all of its rows."""
    heads = rows.starts[:-1] if rows.order is None else rows.order[rows.starts[:-1]]
    if not schema.static:
        return np.empty((len(heads), 0), dtype=dtype)
    firsts = _Heads(rows)
    refuse_changing(frame, roles, rows, what)
    static = encoded(heads_of(frame, roles, rows.keys.tolist(), heads), schema.static, dtype, firsts)
    refuse_values(static, schema.static_names, firsts, role="static covariate")
    return static


def read_static(frame: pd.DataFrame, roles: Roles, schema: Schema, what: str = "X") -> tuple[list[Hashable], Floats]:
    """Static covariates of the series in a frame that may hold nothing else.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
    schema : Schema
    what : str, default="X"
        Name of the frame in messages.

    Returns
    -------
    list
        Names of the series.
    ndarray of shape (n_series, encoded static covariates)

    Raises
    ------
    ValueError
        A value is missing, changes within a series, or is a category that the fitted data did not have.
    """
    layout = Layout.of(frame, roles, what)
    rows = series_of(frame, layout, read_stamps(layout.labels(frame), layout, what), what, roles)
    return rows.keys.tolist(), _static(frame, roles, schema, np.dtype(np.float64), rows, what)


class _Heads:
    """The first rows of the series, where messages place rows of a frame of them alone."""

    def __init__(self, rows: FrameRows) -> None:
        self._rows = rows

    def place(self, row: int) -> str:
        return self._rows.place(int(self._rows.starts[row]))

    place_in_frame = place

    def places(self, rows: Integers) -> str:
        return self._rows.places(self._rows.starts[np.asarray(rows)])
