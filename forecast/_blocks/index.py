"""Where the series of Parquet files lie: found by reading only the columns that name them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from .._records import record
from .._refusals import Refusal
from .._types import Integers
from .arrow import arrow

__all__ = ["Groups", "series_starts"]


@record(frozen=True)
class Groups:
    """The row groups of some files, in order; rows are numbered through all of them.

    Attributes
    ----------
    paths : list of str
    file : ndarray of int
        Number of the file of each row group.
    within : ndarray of int
        Number of each row group in its file.
    first : ndarray of int, one longer
        First row of each, and the end.
    """

    paths: list[str]
    file: Integers
    within: Integers
    first: Integers

    @property
    def n_rows(self) -> int:
        """Rows of all files."""
        return int(self.first[-1])

    def of_row(self, row: int) -> int:
        """The row group that holds a row."""
        return int(np.searchsorted(self.first, row, side="right")) - 1

    def place(self, group: int) -> str:
        """A row group for messages."""
        return f"{self.paths[self.file[group]]}, row group {self.within[group]}"


def series_starts(groups: Groups, series: Sequence[Hashable]) -> Integers:
    """The first row of each series, and the end.

    Parameters
    ----------
    groups : Groups
    series : list of str
        Columns that together name a series.

    Returns
    -------
    ndarray of int64 of shape (n_series + 1,)

    Raises
    ------
    ValueError
        The rows of a series do not lie together, or a name is missing.
    """
    pa, _, pq = arrow()
    names, starts, file = list(map(str, series)), [], -1
    opened: Any = None
    heads: list[Any] = []
    last = None  # the name of the newest series so far, a table of one row
    for group in range(len(groups.file)):
        if groups.file[group] != file:
            file = int(groups.file[group])
            opened = pq.ParquetFile(groups.paths[file])
        table = _plain(opened.read_row_group(int(groups.within[group]), columns=names, use_threads=False), names)
        _refuse_nameless(table, groups, group)
        if not len(table):
            continue
        joined = table if last is None else pa.concat_tables([last, table])
        new = _changes(joined)  # with a row before the table, they count the table's own rows
        new = np.concatenate([[0], new + 1]) if last is None else new
        starts.append(groups.first[group] + new)
        heads.append(table.take(new))
        last = table.slice(len(table) - 1)
    if not starts:
        raise ValueError(Refusal("hold no rows", where="the files"))
    found = np.concatenate(starts)
    _refuse_split(pa.concat_tables(heads), found, groups)
    return np.append(found, groups.n_rows).astype(np.int64)


def _plain(table: Any, names: Sequence[str]) -> Any:
    """The columns in order, those of categories as their values, so that row groups may number them differently."""
    pa, _, _ = arrow()
    columns = [table.column(name) for name in names]
    plain = [one.cast(one.type.value_type) if pa.types.is_dictionary(one.type) else one for one in columns]
    return pa.table(plain, names=list(names))


def _changes(table: Any) -> Integers:
    """Rows after which another name begins."""
    _, pc, _ = arrow()
    changed = np.zeros(len(table) - 1, dtype=bool)
    for column in table.columns:
        one = column.combine_chunks()
        changed |= pc.not_equal(one.slice(1), one.slice(0, len(one) - 1)).to_numpy(zero_copy_only=False)
    return np.flatnonzero(changed)


def _refuse_nameless(table: Any, groups: Groups, group: int) -> None:
    for name in table.column_names:
        count = table.column(name).null_count
        if count:
            raise ValueError(
                Refusal(
                    f"{groups.place(group)}: column {name!r} has {count} missing names of series",
                    expected="the name of the series in every row",
                )
            )


def _refuse_split(heads: Any, starts: Integers, groups: Groups) -> None:
    """Refuse a series whose rows lie in two places."""
    counted = heads.group_by(heads.column_names).aggregate([([], "count_all")])
    if len(counted) == len(heads):
        return
    seen: dict[tuple[Any, ...], int] = {}
    for number, row in enumerate(zip(*(column.to_pylist() for column in heads.columns), strict=True)):
        if row in seen:
            name = repr(row[0] if len(row) == 1 else row)
            first, again = (groups.place(groups.of_row(int(starts[at]))) for at in (seen[row], number))
            by = f"[{', '.join(map(repr, heads.column_names))}]"
            raise ValueError(
                Refusal(
                    f"series {name} begins in {first} and again in {again}, with other series between",
                    expected="all rows of a series together, in the order of time",
                    advice=f"Sort the rows by {by} and the time, and write the files again.",
                )
            )
        seen[row] = number
