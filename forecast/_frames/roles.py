"""The roles of columns, and the places of time and series names in a frame."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._files import stored
from .._records import record
from .._refusals import Refusal, Words, argument
from .._types import Integers
from .stamps import read_stamps
from .static import StaticTable
from .time_column import time_of
from .wide import no_target, refuse_steps_as_columns, shown

if TYPE_CHECKING:
    from .interchange import Exchange

__all__ = ["Layout", "Roles"]

ROLES = {
    "target": "target",
    "past": "past covariate",
    "future": "future covariate",
    "static": "static covariate",
}


@stored("roles")
@record(frozen=True)
class Roles:
    """Labels of columns by role.

    Parameters
    ----------
    target, past, future, static : list of labels
        Columns to forecast, columns known up to now only, columns known ahead, columns that never change in a series.
    series : label, list of labels or None, default=None
        Column or index level that names the series, or several that name them together; None is a frame of one series.
    time : label or None, default=None
        Column of time stamps; None is the index, or the level that is left over.
    outside : StaticTable or None, default=None
        Where the static covariates are, if not among the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0], "x": [2.0], "shop": ["a"]})
    >>> roles = Roles.of(frame, past_covariates="x", series="shop")
    >>> roles.target, roles.past
    (['y'], ['x'])
    """

    target: list[Hashable]
    past: list[Hashable] = field(default_factory=list)
    future: list[Hashable] = field(default_factory=list)
    static: list[Hashable] = field(default_factory=list)
    series: Any = None
    time: Hashable = None
    outside: StaticTable | None = None

    def __post_init__(self) -> None:
        ids = _as_list(self.series)
        if self.series is not None and not ids:
            raise ValueError(
                Refusal("is empty", where="series", expected="the column or index level that names the series, or None")
            )
        object.__setattr__(self, "series", ids if len(ids) > 1 else ids[0] if ids else None)

    @property
    def ids(self) -> list[Hashable]:
        """Labels of the columns or levels that name the series; none where there is one series."""
        return _as_list(self.series)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        target: Hashable | Sequence[Hashable] | None = None,
        past_covariates: Hashable | Sequence[Hashable] | None = None,
        future_covariates: Hashable | Sequence[Hashable] | None = None,
        static_covariates: Hashable | Sequence[Hashable] | None = None,
        series: Hashable | Sequence[Hashable] | None = None,
        time: Hashable | None = None,
        answer_in: Exchange | None = None,
        static: pd.DataFrame | None = None,
    ) -> Roles:
        """The roles of a frame's columns, each given as a label, a list of labels or None.

        Parameters
        ----------
        frame : pandas.DataFrame
        target : label, list of labels or None, default=None
            None works if exactly one numeric column has no other role.
        past_covariates, future_covariates, static_covariates : label, list of labels or None, default=None
        series : label, list of labels or None, default=None
        time : label or None, default=None
        answer_in : object or None, default=None
            As `interchange.enter` returns it: a frame that came from elsewhere has no index.
        static : pandas.DataFrame or None, default=None
            A table of the static covariates, a row for each series; `static_covariates` are those of its columns, None
            all of them, an empty list none.

        Returns
        -------
        Roles
            Where `time` is None and the index only counts rows, with the one column of time stamps as `time`.

        Raises
        ------
        ValueError
            A column is missing, appears twice or has two roles, or the target or the time is not known.
        """
        given = {
            "past": _as_list(past_covariates),
            "future": _as_list(future_covariates),
            "static": _as_list(static_covariates),
        }
        outside = None
        if static is not None:
            if series is None:
                raise ValueError(
                    Refusal(
                        "static is given, but series is None: one series has nothing to tell it apart from",
                        expected=Words(
                            "the column or index level that names the series as series=, or no static",
                            "the column that names the series as --series, or no --static",
                        ),
                    )
                )
            if static_covariates is None or given["static"]:
                outside = StaticTable.of(static, _as_list(series), given["static"] or None)
                given["static"] = outside.labels
        taken = [*given["past"], *given["future"], *given["static"]]
        refuse_steps_as_columns(frame, _as_list(target), [*taken, *_as_list(series), time])
        if time is None:
            time = time_of(frame, _as_list(series), [*_as_list(target), *taken], answer_in)
        taken = [*taken, *_as_list(series), time]
        if target is None:
            target = _only_one(frame, taken)
        elif not _as_list(target):
            raise ValueError(
                Refusal("is empty", where="target", expected=f"one or several of the columns {shown(frame.columns)}")
            )
        roles = cls(_as_list(target), **given, series=series, time=time, outside=outside)
        roles._refuse_two_roles()
        roles.check(frame)
        if roles.static and series is None:
            raise ValueError(
                Refusal(
                    f"static_covariates is {roles.static}, but series is None",
                    got="one series has nothing to tell it apart from",
                    advice=Words(
                        "Name the column or index level that names the series as series=.",
                        "Name the column that names the series by --series.",
                    ),
                    fix=argument("static_covariates", None),
                )
            )
        return roles

    def _refuse_two_roles(self) -> None:
        seen: dict[Hashable, str] = {}
        for role, label in self.labelled():
            if label in seen and {seen[label], role} != {ROLES["static"], "series"}:
                where = f"twice as {role}" if seen[label] == role else f"as {seen[label]} and as {role}"
                raise ValueError(
                    Refusal(f"is named {where}", where=f"column {label!r}", expected="one role for each column")
                )
            seen[label] = role

    def labelled(self) -> list[tuple[str, Hashable]]:
        """Pairs of a role's name and a label, `series` and `time` included."""
        pairs = [(name, label) for key, name in ROLES.items() for label in getattr(self, key)]
        pairs += [("series", label) for label in self.ids]
        return pairs + ([] if self.time is None else [("time", self.time)])

    def check(self, frame: pd.DataFrame, only: tuple[str, ...] = tuple(ROLES)) -> None:
        """Refuse a frame in which a column of the roles in `only` is missing or appears twice."""
        columns = frame.columns
        for key in only:
            if key == "static" and self.outside is not None:
                continue
            for label in getattr(self, key):
                if label in columns and (columns.is_unique or list(columns).count(label) == 1):
                    continue
                count = list(columns).count(label)
                if key == "static" and count == 0 and label in self.ids and label in frame.index.names:
                    continue
                got = "is not in the frame" if count == 0 else f"appears {count} times in the frame"
                more = {"fix": EACH_ONCE} if count else {"advice": _close(label, columns)}
                raise ValueError(Refusal(f"{ROLES[key]} {label!r} {got}; its columns are {shown(columns)}", **more))


EACH_ONCE = "df = df.loc[:, ~df.columns.duplicated()]"


def _as_list(names: Hashable | Sequence[Hashable] | None) -> list[Hashable]:
    if names is None:
        return []
    return list(names) if isinstance(names, (list, np.ndarray, pd.Index)) else [names]


def _only_one(frame: pd.DataFrame, taken: Sequence[Hashable]) -> list[str]:
    left = [label for label in frame.columns if label not in taken]
    numeric = [
        label
        for label, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if label in left and pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    ]
    if len(numeric) == 1:
        return numeric
    if len(left) == 1:
        return left
    raise ValueError(no_target(frame, numeric))


def _close(label: Hashable, labels: Iterable[Hashable]) -> str:
    others = list(dict.fromkeys(str(other) for other in labels if other != label))
    near = difflib.get_close_matches(str(label), others, n=3)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


@record(frozen=True)
class IdColumn:
    """A column, or a level of the index, that names series by itself or together with others.

    Parameters
    ----------
    label : label
    at : {"column", "level"}
    level : int or None
        Its position among the levels.
    dtype : dtype
    """

    label: Hashable
    at: str
    level: int | None
    dtype: Any

    @property
    def place(self) -> str:
        """Its place, for messages."""
        return f"column {self.label!r}" if self.at == "column" else f"level {self.label!r} of the index"

    @property
    def access(self) -> str:
        """How the names are taken from `df`, for fixes."""
        return f"[{self.label!r}]" if self.at == "column" else f".index.get_level_values({self.label!r})"

    def read(
        self, frame: pd.DataFrame
    ) -> tuple[pd.api.extensions.ExtensionArray | Integers | pd.Categorical, pd.Index | None]:
        """Names of all rows: an array and None, or the codes of a level and the level."""
        if self.at == "column":
            return frame[self.label].array, None
        if isinstance(frame.index, pd.MultiIndex):
            return np.asarray(frame.index.codes[self.level]), frame.index.levels[self.level]
        return frame.index.array, None

    def column(self, frame: pd.DataFrame) -> pd.Series:
        """Names of all rows as a Series under the index of the frame."""
        if self.at == "column":
            return frame[self.label]
        return frame.index.get_level_values(self.level).to_series(index=frame.index, name=self.label)


@stored("layout")
@record(frozen=True)
class Layout:
    """Where a frame holds the names of its series and its time stamps, so that it is answered alike.

    Parameters
    ----------
    series_at : {None, "column", "level"} or tuple of "column" and "level"
        A tuple, as of `series_level` and `series_dtype`, where several columns or levels name the series.
    time_at : {"index", "column"}
        "index" also where the stamps are a level of the index.
    series, time : label
        Labels of the columns; of levels that have no name, None. Several that name the series: a list.
    levels : tuple of labels
        Names of the levels of the index, in the user's order.
    series_level, time_level : int or None
        Their positions among the levels.
    series_dtype : dtype or None
        Series dtype of the names.
    columns : tuple of labels
        Columns of the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"shop": ["a"], "y": [1.0]}, index=pd.RangeIndex(1, name="day"))
    >>> layout = Layout.of(frame, Roles(["y"], series="shop"))
    >>> layout.series_at, layout.time_at
    ('column', 'index')
    """

    series_at: str | tuple[str, ...] | None
    time_at: str
    series: Any
    time: Hashable
    levels: tuple[Hashable, ...]
    series_level: Any
    time_level: int | None
    series_dtype: Any
    columns: tuple[Hashable, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles, what: str = "X") -> Layout:
        """The layout of a frame under some roles; a series or a time that is not there is refused.

        Raises
        ------
        ValueError
            `series` or `time` is neither a column nor a level of the index, or levels are left over.
        """
        levels = tuple(frame.index.names)
        ids = [_id_column(frame, label, what) for label in roles.ids]
        taken = [one.level for one in ids if one.at == "level"]
        time_at, time_level = "index", None
        if roles.time is not None:
            time_at, time_level = _found(frame, roles.time, "time", what)
            time_at = "index" if time_at == "level" else time_at
        left = taken
        if time_at == "index":
            free = [level for level in range(len(levels)) if level not in taken]
            time_level = free[0] if time_level is None and free else time_level
            left = [*taken, time_level]
        several = isinstance(frame.index, pd.MultiIndex)
        if None in left or (several and sorted(one for one in left if one is not None) != list(range(len(levels)))):
            raise ValueError(_odd_levels(frame.index, roles, what))
        parts: list[Any] = [tuple(getattr(one, name) for one in ids) for name in ("at", "level", "dtype")]
        if len(ids) < 2:
            parts = [part[0] if part else None for part in parts]
        series_at, series_level, dtype = parts
        return cls(
            series_at, time_at, roles.series, roles.time, levels, series_level, time_level, dtype, tuple(frame.columns)
        )

    @property
    def ids(self) -> list[IdColumn]:
        """The columns and levels that name the series; none where there is one series."""
        if self.series_at is None:
            return []
        if not isinstance(self.series_at, tuple):
            return [IdColumn(self.series, self.series_at, self.series_level, self.series_dtype)]
        parts = zip(self.series, self.series_at, self.series_level, self.series_dtype, strict=True)
        return [IdColumn(*part) for part in parts]

    @property
    def time_name(self) -> Hashable:
        """Name of the time labels."""
        return self.time if self.time_at == "column" else self.levels[self.time_level or 0]

    def labels(self, frame: pd.DataFrame) -> pd.Index:
        """Time labels of all rows as the user has them; an Index that shares their memory where it can."""
        if self.time_at == "column":
            column = frame[self.time]
            return pd.Index(column, dtype=column.dtype, name=self.time, copy=False)
        if isinstance(frame.index, pd.MultiIndex):
            return frame.index.get_level_values(self.time_level)
        return frame.index


def _id_column(frame: pd.DataFrame, label: Hashable, what: str) -> IdColumn:
    at, level = _found(frame, label, "series", what)
    return IdColumn(label, at, level, frame[label].dtype if at == "column" else _level_dtype(frame.index, level))


def time_labels(frame: pd.DataFrame, roles: Roles, what: str = "X") -> pd.Index:
    """Time labels of all rows of a frame, as `read_stamps` reads them.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
    what : str, default="X"

    Returns
    -------
    pandas.Index
    """
    layout = Layout.of(frame, roles, what)
    return read_stamps(layout.labels(frame), layout, what)


def _level_dtype(index: pd.Index, level: int | None) -> Any:
    return index.levels[level].dtype if isinstance(index, pd.MultiIndex) else index.dtype


def _found(frame: pd.DataFrame, label: Hashable, role: str, what: str) -> tuple[str, int | None]:
    column, level = label in frame.columns, label in frame.index.names
    if column and level:
        raise ValueError(
            Refusal(
                f"{role} {label!r} is a column and a level of the index of {what}",
                expected="one of them",
                fix=f"df = df.drop(columns=[{label!r}])",
            )
        )
    if column and list(frame.columns).count(label) > 1:
        several = f"{role} {label!r} appears several times in {what}; its columns are {shown(frame.columns)}"
        raise ValueError(Refusal(several, fix=EACH_ONCE))
    if column:
        return "column", None
    if level:
        return "level", list(frame.index.names).index(label)
    names = [name for name in frame.index.names if name is not None]
    if isinstance(label, tuple) and role == "series" and set(label) <= {*frame.columns, *names}:
        raise ValueError(
            Refusal(
                f"series is the tuple {label!r}, a single label, but {what} has no such column",
                expected="a list of labels",
                fix=argument("series", list(label)),
            )
        )
    raise ValueError(
        Refusal(
            f"{role} {label!r} is neither a column nor a level of the index of {what}; its columns are "
            f"{shown(frame.columns)}, its levels {list(frame.index.names)}",
            advice=_close(label, [*frame.columns, *names]),
        )
    )


def _odd_levels(index: pd.MultiIndex, roles: Roles, what: str) -> Refusal:
    levels, where = list(index.names), f"the index of {what}"
    if roles.series is None:
        several = isinstance(index, pd.MultiIndex)
        names = [name for level, name in enumerate(levels) if several and not _is_time(index.levels[level].dtype)]
        code = None
        if names and None not in names and len(names) < len(levels):
            code = argument("series", names if len(names) > 1 else names[0])
        return Refusal(
            f"has {len(levels)} levels ({levels})",
            where=where,
            expected="one level of time stamps, and the levels that name the series as series=",
            fix=code,
        )
    has = f"has the levels {levels}, series is {roles.series!r} and time is {roles.time!r}"
    left = [name for name in levels if name is not None and name not in (*roles.ids, roles.time)]
    if len(left) < len(levels) and len(left) > 1:
        times = [name for level, name in enumerate(levels) if _is_time(index.levels[level].dtype)]
        more = [name for name in left if name not in times]
        if roles.time is not None or len(times) == 1:
            return Refusal(
                has,
                where=where,
                expected=f"no other level (df.droplevel({more!r}) leaves it out)",
                fix=argument("series", [*roles.ids, *more]),
            )
    return Refusal(
        has,
        where=where,
        expected="one level or column for each of them and no other level, with the column of the stamps as time=",
        fix="df = df.reset_index()",
    )


def _is_time(dtype: Any) -> bool:
    return pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype)
