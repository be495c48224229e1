"""Static covariates: what never changes within a series, out of columns of the rows or out of a table of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._files import ModelFileError, stored
from .._records import record
from .._refusals import Fix, Refusal, Words
from .._types import Booleans, Floats, Integers
from .names import blocks_of, changes, quoted
from .wide import shown

if TYPE_CHECKING:
    from .roles import Layout, Roles
    from .series import FrameRows

__all__ = ["StaticTable", "heads_of", "refuse_changing", "static_columns"]

TABLE = Words("static", "--static")


@stored("static table")
@record(frozen=True)
class StaticTable:
    """Static covariates of many series, a row for each.

    Parameters
    ----------
    keys : list
        Names of the series.
    values : dict of label to ndarray or list
        Numbers as float64; of other columns what they hold, None where it is missing.
    categories : dict of label to list
        Known values of each column that is not numeric, in order.

    Examples
    --------
    >>> import pandas as pd
    >>> shops = pd.DataFrame({"shop": ["a", "b"], "kind": ["mall", "corner"], "size": [120, 30]})
    >>> table = StaticTable.of(shops, ["shop"])
    >>> table.labels, table.rows(["b"])["size"].tolist()
    (['kind', 'size'], [30.0])
    """

    keys: list[Hashable]
    values: dict[Hashable, Any]
    categories: dict[Hashable, Any]

    @classmethod
    def of(cls, frame: pd.DataFrame, ids: Sequence[Hashable], labels: Sequence[Hashable] | None = None) -> StaticTable:
        """The table that a user gave.

        Parameters
        ----------
        frame : pandas.DataFrame
            Indexed by the names of the series, or with columns of them.
        ids : list of labels
            Columns or levels that name the series.
        labels : list of labels, default=None
            The columns to read; None: all that do not name series.

        Raises
        ------
        TypeError, ValueError
            The names are missing or duplicated, or a column cannot be a covariate.
        """
        parts = [_names_in(frame, label, ids) for label in ids]
        for label, part in zip(ids, parts, strict=True):
            if part.isna().any():
                raise ValueError(
                    Refusal(
                        f"has no name in {label!r} in row {int(np.argmax(part.isna()))}", where="static", expected="one"
                    )
                )
        keys = parts[0].tolist() if len(ids) == 1 else list(zip(*(part.tolist() for part in parts), strict=True))
        twice = pd.Index(keys, tupleize_cols=False).duplicated()
        if twice.any():
            columns = all(label in frame.columns for label in ids)
            code = f"static.drop_duplicates({ids!r})" if columns else "static[~static.index.duplicated()]"
            raise ValueError(
                Refusal(
                    f"has {int(twice.sum()) + 1} rows of series {quoted(keys[int(np.argmax(twice))])} or of others "
                    "that come twice",
                    where=TABLE,
                    expected="one row for each series",
                    fix=Fix(f"static = {code}", ""),
                )
            )
        labels = [label for label in frame.columns if label not in ids] if labels is None else labels
        missing = [label for label in labels if label not in frame.columns]
        if missing:
            raise ValueError(
                Refusal(
                    f"names {missing[0]!r}, which is not a column of static; its columns are {shown(frame.columns)}",
                    where="static_covariates",
                    advice="Where static is given, all static covariates are read from it.",
                )
            )
        if not labels:
            raise ValueError(
                Refusal(f"has no columns but {ids!r}", where="static", expected="those of the static covariates")
            )
        values, categories = {}, {}
        for label in labels:
            values[label], known = _read(frame[label], label)
            if known is not None:
                categories[label] = known
        return cls(keys, values, categories)

    def _check_loaded(self) -> None:
        """Refuse a table out of a file whose parts do not fit together."""
        if any(len(values) != len(self.keys) for values in self.values.values()):
            raise ModelFileError(Refusal(f"static covariates of {len(self.keys)} series in columns of another length"))

    @property
    def labels(self) -> list[Hashable]:
        """Labels of the covariates."""
        return list(self.values)

    def rows(self, keys: Any = None) -> pd.DataFrame:
        """A frame of the values of some series, in this order; of one that is not there they are missing.

        Parameters
        ----------
        keys : list, default=None
            None: all.

        Returns
        -------
        pandas.DataFrame
            Columns of numbers, and of categories.
        """
        number = {key: row for row, key in enumerate(self.keys)}
        where = np.array([number.get(key, -1) for key in (self.keys if keys is None else keys)], dtype=np.int64)
        found = {}
        for label, values in self.values.items():
            if label in self.categories:
                known = pd.Index(self.categories[label], tupleize_cols=False)
                codes = np.append(known.get_indexer(pd.Index(values, dtype=known.dtype, tupleize_cols=False)), -1)
                found[label] = pd.Categorical.from_codes(codes[where], known)
            else:
                found[label] = np.append(values, np.nan)[where]
        return pd.DataFrame(found)

    def absent(self, keys: Any) -> Booleans:
        """Which of some series have no row, an ndarray of bool."""
        known = set(self.keys)
        return np.fromiter((key not in known for key in keys), dtype=bool, count=len(keys))

    def refuse_other(self, newer: StaticTable) -> None:
        """Refuse a newer table that has other values of a series of this one.

        Parameters
        ----------
        newer : StaticTable
        """
        mine = ~newer.absent(self.keys)
        keys = [key for key, there in zip(self.keys, mine, strict=True) if there]
        old, new = self.rows(keys), newer.rows(keys)
        for label in self.labels:
            one, other = (table[label].astype(object) for table in (old, new))
            differs = ((one != other) & ~(one.isna() & other.isna())).to_numpy()
            if differs.any():
                row = int(np.argmax(differs))
                raise ValueError(
                    Refusal(
                        f"gives series {quoted(keys[row])} the {label!r} {other[row]!r}, and fit had {one[row]!r}; a "
                        "fitted model keeps that",
                        where="static",
                        expected="static of new series alone, or another fit",
                    )
                )

    def joined_to(self, frame: pd.DataFrame, layout: Layout, what: str) -> pd.DataFrame:
        """A frame with the values of this table as columns of each row of its series; of others, its own columns.

        Parameters
        ----------
        frame : pandas.DataFrame
        layout : Layout
        what : str

        Returns
        -------
        pandas.DataFrame
        """
        blocks = blocks_of(frame, layout, what)
        keys, by_row = blocks.keys.tolist(), blocks.by_row()
        rows = self.rows(keys).iloc[by_row].set_axis(frame.index)
        others = self.absent(keys)[by_row]
        own = [label for label in rows if label in frame.columns]
        for label in own if others.any() else ():
            theirs = frame[label].iloc[np.flatnonzero(others)].infer_objects()
            numeric = label not in self.categories and pd.api.types.is_numeric_dtype(theirs.dtype)
            dtype, nothing = (np.float64, np.nan) if numeric else (object, None)
            values = rows[label].to_numpy(dtype=dtype, na_value=nothing, copy=True)
            values[others] = theirs.to_numpy(dtype=dtype, na_value=nothing)
            rows[label] = values
        return pd.concat([frame.drop(columns=own), rows], axis=1)


def _names_in(frame: pd.DataFrame, label: Hashable, ids: Sequence[Hashable]) -> pd.Index:
    """Names of the series in a table: its column, its level, or its only level whatever that is called."""
    if label in frame.columns:
        return pd.Index(frame[label], dtype=frame[label].dtype)
    if label in frame.index.names:
        return frame.index.get_level_values(label)
    counts = isinstance(frame.index, pd.RangeIndex) and frame.index.equals(pd.RangeIndex(len(frame)))
    if frame.index.nlevels == len(ids) and not counts and not set(ids) & {*frame.columns, *frame.index.names}:
        return frame.index.get_level_values(ids.index(label))
    raise ValueError(
        Refusal(
            f"has neither a column nor a level of its index with the name {label!r}, which names the series; its "
            f"columns are {shown(frame.columns)}, its levels {list(frame.index.names)}",
            where="static",
        )
    )


def _read(column: pd.Series, label: Hashable) -> tuple[Floats | list[Hashable], list[str] | None]:
    """Values of a column, and its categories where it holds no numbers."""
    dtype = column.dtype
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype) or dtype.kind in "mc":
        raise TypeError(
            Refusal(
                f"holds {dtype} values",
                where=f"static covariate {label!r}",
                expected=Words(
                    f"numbers or categories, such as static[{label!r}].dt.year", "numbers or categories, such as a year"
                ),
                fix=f"static = static.drop(columns={label!r})",
            )
        )
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        if infinite.any():
            raise ValueError(
                Refusal(
                    f"has {int(infinite.sum())} infinite values, the first in row {int(np.argmax(infinite))} of static",
                    where=f"static covariate {label!r}",
                    expected="finite numbers",
                )
            )
        return values, None
    present = column[column.notna()]
    if isinstance(dtype, pd.CategoricalDtype):
        known = list(dtype.categories)
    else:
        known = sorted(present.unique().tolist(), key=lambda value: (type(value).__name__, value))
    known = [value.item() if isinstance(value, np.generic) else value for value in known]
    plain = column.astype(object).where(column.notna(), None).tolist()
    return [value.item() if isinstance(value, np.generic) else value for value in plain], known


def heads_of(frame: pd.DataFrame, roles: Roles, keys: Any, heads: Integers) -> pd.DataFrame:
    """Static covariates of some series, a row for each.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the series.
    roles : Roles
    keys : list
        Names of the series.
    heads : ndarray of int
        The first row of each.

    Returns
    -------
    pandas.DataFrame
    """
    if roles.outside is None:
        return pd.DataFrame({label: _column(frame, label).iloc[heads].array for label in roles.static})
    found = roles.outside.rows(keys)[roles.static]
    away = np.flatnonzero(roles.outside.absent(keys))
    if len(away) == 0 or not set(roles.static) <= set(frame.columns):
        return found
    for label in roles.static:  # a series that the table does not have brings its own
        own = frame[label].iloc[heads[away]]
        if isinstance(found[label].dtype, pd.CategoricalDtype):
            found[label] = found[label].astype(object)
            found.loc[away, label] = own.astype(object).to_numpy()
        else:
            found.loc[away, label] = own.to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def static_columns(frame: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Columns of the static covariates: of the table, or of all rows of the frame."""
    if roles.outside is not None:
        return roles.outside.rows()
    return pd.DataFrame({label: _column(frame, label) for label in roles.static})


def _column(frame: pd.DataFrame, label: Hashable) -> pd.Series:
    """A column, or a level that names series and is a covariate as well."""
    if label in frame.columns:
        return frame[label]
    return frame.index.get_level_values(label).to_series(index=frame.index)


def refuse_changing(frame: pd.DataFrame, roles: Roles, rows: FrameRows, what: str) -> None:
    """Refuse static covariates that change within a series, are missing, or have no row.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
    rows : FrameRows
    what : str
        Name of the frame in messages.

    Raises
    ------
    ValueError
    """
    keys = rows.keys.tolist()
    if roles.outside is None:
        _refuse_columns(frame, roles.static, rows, np.ones(len(keys), dtype=bool))
        return
    away = roles.outside.absent(keys)
    if away.any() and set(roles.static) <= set(frame.columns):
        _refuse_columns(frame, roles.static, rows, away)
    elif away.any():
        columns = f"or columns {roles.static} in"
        raise ValueError(
            Refusal(
                Words(
                    f"has no row for {int(away.sum())} of {len(keys)} series of {what}",
                    f"has no row for {int(away.sum())} of {len(keys)} series",
                ),
                where=TABLE,
                got=_listed(keys, away),
                expected=Words(
                    f"one for each, such as that of {quoted(roles.outside.keys[0])}, {columns} {what}",
                    f"one for each, {columns} the file",
                ),
                fix=Fix(None, "--static FILE"),
            )
        )
    table = roles.outside.rows(keys)
    for label in roles.static:
        absent = table[label].isna().to_numpy() & ~away
        if absent.any():
            numeric = label not in roles.outside.categories
            fill = f"static[{label!r}].median()" if numeric else "'unknown'"
            raise ValueError(_missing(label, keys, absent, f"static[{label!r}] = static[{label!r}].fillna({fill})"))


def _listed(keys: Any, which: Booleans) -> str:
    """The first names of some series as text."""
    numbers = np.flatnonzero(which)
    return ", ".join(quoted(keys[number]) for number in numbers[:3]) + (", ..." if len(numbers) > 3 else "")


def _missing(label: Hashable, keys: pd.Index | list[str], which: Booleans, code: str) -> Refusal:
    """The refusal of a static covariate that some series do not have."""
    return Refusal(
        f"is missing (NaN) for {int(which.sum())} of {len(which)} series",
        where=f"static covariate {label!r}",
        got=_listed(keys, which),
        expected="a value for each",
        advice=Words("", f"Fill the cells, or leave {label!r} out of --static-covariates."),
        fix=Fix(code, ""),
    )


def _refuse_without(column: pd.Series, label: Hashable, absent: Integers, rows: FrameRows) -> None:
    """Refuse series all of whose rows miss a static covariate."""
    counts = np.diff(np.searchsorted(absent, rows.starts))
    without = (counts > 0) & (counts == np.diff(rows.starts))
    if without.any() and counts[without].sum() == len(absent):
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        fill = f"df[{label!r}].median()" if numeric else "'unknown'"
        raise ValueError(_missing(label, rows.keys, without, f"df[{label!r}] = df[{label!r}].fillna({fill})"))


def _refuse_columns(frame: pd.DataFrame, labels: Sequence[Hashable], rows: FrameRows, wanted: Booleans) -> None:
    """As `refuse_changing`, of columns of the rows; `wanted` are the series to look at."""
    mine = np.repeat(wanted, np.diff(rows.starts))
    for label in labels:
        column = _column(frame, label)
        if column.isna().any():
            absent = np.flatnonzero(rows.arranged(column.isna().to_numpy()) & mine)
            if len(absent):
                _refuse_without(column, label, absent, rows)
                raise ValueError(
                    Refusal(
                        f"has {len(absent)} missing values (NaN)",
                        where=f"static covariate {label!r}",
                        got=rows.places(absent),
                        expected="one value for each series",
                        fix=f"df = df.dropna(subset=[{label!r}])",
                    )
                )
        values = column.array if rows.order is None else column.array.take(rows.order)
        differs = changes(values) + 1
        differs = differs[~np.isin(differs, rows.starts) & mine[differs]]
        if len(differs):
            row = int(differs[0])
            raise ValueError(
                Refusal(
                    f"changes within series {quoted(rows.keys[rows.series_at(row)])}",
                    where=f"static covariate {label!r}",
                    got=f"from {quoted(values[row - 1])} to {quoted(values[row])} at {rows.index[row]}",
                    expected="one value in each series",
                    advice=Words(
                        "What changes goes into past_covariates or future_covariates.",
                        "What changes goes into --past-covariates or --future-covariates.",
                    ),
                )
            )
