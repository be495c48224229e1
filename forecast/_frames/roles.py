"""Which column plays which role, and where a frame holds time and the names of its series."""

import difflib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .._files import stored
from .fixes import fix
from .stamps import read_stamps
from .time_column import time_of

__all__ = ["Layout", "Roles"]

ROLES = {
    "target": "target",
    "past": "past covariate",
    "future": "future covariate",
    "static": "static covariate",
}


@stored("roles")
@dataclass(frozen=True)
class Roles:
    """Labels of columns by what they are for.

    Parameters
    ----------
    target, past, future, static : list of labels
        Columns to forecast, columns known up to now only, columns known ahead, columns that never change in a series.
    series : label or None, default=None
        Column or index level that names the series; None is a frame of one series.
    time : label or None, default=None
        Column of time stamps; None is the index, or the level beside `series`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0], "x": [2.0], "shop": ["a"]})
    >>> roles = Roles.of(frame, past_covariates="x", series="shop")
    >>> roles.target, roles.past
    (['y'], ['x'])
    """

    target: list
    past: list = field(default_factory=list)
    future: list = field(default_factory=list)
    static: list = field(default_factory=list)
    series: object = None
    time: object = None

    @classmethod
    def of(
        cls,
        frame,
        target=None,
        past_covariates=None,
        future_covariates=None,
        static_covariates=None,
        series=None,
        time=None,
        answer_in=None,
    ):
        """The roles of a frame's columns, each given as a label, a list of labels or None.

        Parameters
        ----------
        frame : pandas.DataFrame
        target : label, list of labels or None, default=None
            None is right where one numeric column is left beside the other roles.
        past_covariates, future_covariates, static_covariates : label, list of labels or None, default=None
        series, time : label or None, default=None
        answer_in : object or None, default=None
            As `interchange.enter` returns it: a frame that came from elsewhere has no index.

        Returns
        -------
        Roles
            Where `time` is None and the index only counts rows, with the one column of time stamps as `time`.

        Raises
        ------
        ValueError
            A column is not there, stands twice, has two roles, or the target or the time cannot be told.
        """
        given = {
            "past": _as_list(past_covariates),
            "future": _as_list(future_covariates),
            "static": _as_list(static_covariates),
        }
        if time is None:
            taken = [*_as_list(target), *given["past"], *given["future"], *given["static"]]
            time = time_of(frame, _as_list(series), taken, answer_in)
        if target is None:
            taken = [*given["past"], *given["future"], *given["static"], series, time]
            target = _only_one(frame, taken)
        elif not _as_list(target):
            raise ValueError(f"target is empty; expected one or several of the columns {list(frame.columns)}.")
        roles = cls(_as_list(target), **given, series=series, time=time)
        roles._refuse_two_roles()
        roles.check(frame)
        if roles.static and series is None:
            raise ValueError(
                f"static_covariates is {roles.static}, but series is None: one series has nothing to tell it apart "
                "from. Name the column or index level that names the series as series=. Fix: static_covariates=None."
            )
        return roles

    def _refuse_two_roles(self):
        seen = {}
        for role, label in self.labelled():
            if label in seen:
                where = f"twice as {role}" if seen[label] == role else f"as {seen[label]} and as {role}"
                raise ValueError(f"column {label!r} is named {where}; expected one role for each column.")
            seen[label] = role

    def labelled(self):
        """Pairs of a role's name and a label, `series` and `time` included."""
        pairs = [(name, label) for key, name in ROLES.items() for label in getattr(self, key)]
        return pairs + [(key, getattr(self, key)) for key in ("series", "time") if getattr(self, key) is not None]

    def check(self, frame, only=tuple(ROLES)):
        """Refuse a frame in which a column of the roles in `only` is missing or stands twice."""
        columns = frame.columns
        for key in only:
            for label in getattr(self, key):
                if label in columns and (columns.is_unique or list(columns).count(label) == 1):
                    continue
                count = list(columns).count(label)
                got = "is not in the frame" if count == 0 else f"stands {count} times in the frame"
                more = " Fix: df = df.loc[:, ~df.columns.duplicated()]." if count else _close(label, columns)
                raise ValueError(f"{ROLES[key]} {label!r} {got}; its columns are {list(columns)}.{more}")


def _as_list(names):
    if names is None:
        return []
    return list(names) if isinstance(names, (list, np.ndarray, pd.Index)) else [names]


def _only_one(frame, taken):
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
    raise ValueError(
        f"target is None, but the frame has {len(frame.columns)} columns: {list(frame.columns)}, of which "
        f"{len(numeric)} are numeric and without a role.{fix(f'target={(numeric or left)[0]!r}' if left else None)}"
    )


def _close(label, labels):
    others = list(dict.fromkeys(str(other) for other in labels if other != label))
    near = difflib.get_close_matches(str(label), others, n=3)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


@stored("layout")
@dataclass(frozen=True)
class Layout:
    """Where a frame holds the names of its series and its time stamps, so that it is answered alike.

    Parameters
    ----------
    series_at : {None, "column", "level"}
    time_at : {"index", "column"}
        "index" also where the stamps are a level of the index.
    series, time : label
        Labels of the columns; of levels that have no name, None.
    levels : tuple of labels
        Names of the levels of the index, in the user's order.
    series_level, time_level : int or None
        Their positions among the levels.
    series_dtype : dtype or None
        Of the names of the series.
    columns : tuple of labels
        Of the frame.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"shop": ["a"], "y": [1.0]}, index=pd.RangeIndex(1, name="day"))
    >>> layout = Layout.of(frame, Roles(["y"], series="shop"))
    >>> layout.series_at, layout.time_at
    ('column', 'index')
    """

    series_at: str | None
    time_at: str
    series: object
    time: object
    levels: tuple
    series_level: int | None
    time_level: int | None
    series_dtype: object
    columns: tuple

    @classmethod
    def of(cls, frame, roles, what="X"):
        """The layout of a frame under some roles; a series or a time that is not there is refused.

        Raises
        ------
        ValueError
            `series` or `time` is neither a column nor a level of the index, or levels are left over.
        """
        levels = tuple(frame.index.names)
        series_at, series_level, dtype = None, None, None
        if roles.series is not None:
            series_at, series_level = _found(frame, roles.series, "series", what)
            dtype = frame[roles.series].dtype if series_at == "column" else _level_dtype(frame.index, series_level)
        time_at, time_level = "index", None
        if roles.time is not None:
            time_at, time_level = _found(frame, roles.time, "time", what)
            time_at = "index" if time_at == "level" else time_at
        if time_at == "column":
            left = [] if series_level is None else [series_level]
        else:
            free = [level for level in range(len(levels)) if level != series_level]
            time_level = free[0] if time_level is None and free else time_level
            left = [time_level] if series_level is None else [series_level, time_level]
        several = isinstance(frame.index, pd.MultiIndex)
        if None in left or (several and sorted(left) != list(range(len(levels)))):
            raise ValueError(_levels_message(levels, roles, what))
        return cls(
            series_at, time_at, roles.series, roles.time, levels, series_level, time_level, dtype, tuple(frame.columns)
        )

    @property
    def time_name(self):
        """Name of the time labels."""
        return self.time if self.time_at == "column" else self.levels[self.time_level]

    def labels(self, frame):
        """Time labels of all rows as the user has them; an Index that shares their memory where it can."""
        if self.time_at == "column":
            column = frame[self.time]
            return pd.Index(column, dtype=column.dtype, name=self.time, copy=False)
        if isinstance(frame.index, pd.MultiIndex):
            return frame.index.get_level_values(self.time_level)
        return frame.index

    def names(self, frame):
        """Names of the series of all rows: an array, or the codes of a level and the level."""
        if self.series_at == "column":
            return frame[self.series].array, None
        if isinstance(frame.index, pd.MultiIndex):
            return np.asarray(frame.index.codes[self.series_level]), frame.index.levels[self.series_level]
        return frame.index.array, None


def time_labels(frame, roles, what="X"):
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


def _level_dtype(index, level):
    return index.levels[level].dtype if isinstance(index, pd.MultiIndex) else index.dtype


def _found(frame, label, role, what):
    column, level = label in frame.columns, label in frame.index.names
    if column and level:
        raise ValueError(
            f"{role} {label!r} is a column and a level of the index of {what}; expected one of them. Fix: "
            f"df = df.drop(columns=[{label!r}])."
        )
    if column and list(frame.columns).count(label) > 1:
        raise ValueError(f"{role} {label!r} stands several times in {what}; its columns are {list(frame.columns)}.")
    if column:
        return "column", None
    if level:
        return "level", list(frame.index.names).index(label)
    names = [name for name in frame.index.names if name is not None]
    raise ValueError(
        f"{role} {label!r} is neither a column nor a level of the index of {what}; its columns are "
        f"{list(frame.columns)}, its levels {list(frame.index.names)}.{_close(label, [*frame.columns, *names])}"
    )


def _levels_message(levels, roles, what):
    if roles.series is None:
        names = [name for name in levels if name is not None]
        return (
            f"the index of {what} has {len(levels)} levels ({list(levels)}); expected one level of time stamps, and "
            f"the level that names the series as series=.{fix(f'series={names[0]!r}' if names else None)}"
        )
    return (
        f"the index of {what} has the levels {list(levels)}, series is {roles.series!r} and time is {roles.time!r}; "
        "expected one level or column for each of them and no other level, with the column of the stamps as time=. "
        "Fix: df = df.reset_index()."
    )
