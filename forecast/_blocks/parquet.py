"""Blocks of Parquet files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .arrow import arrow
from .index import Groups, series_starts
from .reading import Blocks, Columns, Reading, positive

if TYPE_CHECKING:
    from .._types import Integers

__all__ = ["ParquetBlocks"]


class ParquetBlocks(Blocks):
    """A panel larger than memory in a Parquet file or a folder of Parquet files; needs pyarrow.

    Pass it to `SeriesForecaster.fit` in place of a frame. The rows of a series must lie together, in the order of time;
    a series may continue in the next row group or file. Files of a folder are read in the order of their names.
    The result depends on the order of the series, not on the row groups and files in which their rows lie.

    Parameters
    ----------
    path : str, os.PathLike or list of them
        A file, a folder (all files below it whose names end with .parquet), or a list of files in order.
    block_rows : int, default=500_000
        Number of rows of a block, rounded down to whole series (at least one). Memory grows with it, and with the
        largest row group of the files.
    sample : int, default=1000
        Number of series that `fit` reads into memory together, to choose the settings and for `report_` and intervals.

    See Also
    --------
    ArrayBlocks : Blocks of an array, such as a memory-mapped one.
    FrameBlocks : Blocks that a function makes.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, pandas as pd
    >>> from forecast import ParquetBlocks, RNNForecaster, SeriesForecaster
    >>> days = pd.date_range("2024-01-01", periods=40)
    >>> rows = pd.DataFrame({
    ...     "item": np.repeat(np.arange(30), 40), "day": days.append([days] * 29), "y": np.sin(np.arange(1200.0)),
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "sales.parquet")
    ...     rows.to_parquet(path)
    ...     model = SeriesForecaster(
    ...         RNNForecaster(hidden_size=4, max_iter=1, random_state=0), target="y", series="item", time="day",
    ...         lookback=7, horizon=2, validation_fraction=None,
    ...     ).fit(ParquetBlocks(path))
    ...     model.predict_to_parquet(os.path.join(folder, "forecasts.parquet"), history=ParquetBlocks(path))
    60
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        block_rows: int = 500_000,
        sample: int = 1000,
    ) -> None:
        self.path = path
        self.block_rows, self.sample = positive("block_rows", block_rows), positive("sample", sample)

    def _open(self, columns: Columns) -> Reading:
        """Find the series of the files and cut them into blocks; `SeriesForecaster` calls it."""
        return _OfFiles(_files(self.path), columns, self.block_rows)


def _files(path: Any) -> list[str]:
    if not isinstance(path, str | os.PathLike):
        found = [os.fspath(one) for one in path]
    elif os.path.isdir(path):
        found = sorted(str(one) for one in Path(path).rglob("*.parquet") if one.is_file())
        if not found:
            raise FileNotFoundError(Refusal("contains no .parquet file", where=f"the folder {path}"))
    else:
        found = [os.fspath(path)]
    for one in found:
        if not os.path.isfile(one):
            raise FileNotFoundError(
                Refusal("does not exist", where=one, expected="a Parquet file, or a folder of them")
            )
    return found


class _OfFiles(Reading):
    def __init__(self, paths: list[str], columns: Columns, block_rows: int) -> None:
        self.columns = columns
        self.names = list(map(str, columns.all))
        self.groups = _groups(paths, self.names)
        self.starts = series_starts(self.groups, columns.series)
        self.bounds = _bounds(self.starts, block_rows)  # numbers of series
        self.n_blocks = len(self.bounds) - 1
        self._file: tuple[int, Any] = (-1, None)
        self._newest: tuple[int, Any] = (-1, None)  # the next block often begins in the row group where this one ends

    def _rows(self, number: int) -> tuple[int, int]:
        return int(self.starts[self.bounds[number]]), int(self.starts[self.bounds[number + 1]])

    def place(self, number: int) -> str:
        first, last = self._rows(number)
        begin, end = self.groups.of_row(first), self.groups.of_row(last - 1)
        if begin == end:
            return self.groups.place(begin)
        return f"{self.groups.place(begin)}, to {self.groups.place(end)}"

    def read(self, number: int) -> pd.DataFrame:
        pa, _, _ = arrow()
        first, end = self._rows(number)
        begin, last = self.groups.of_row(first), self.groups.of_row(end - 1)
        parts = []
        for group in range(begin, last + 1):
            low = int(self.groups.first[group])
            table = self._group(group)
            parts.append(table.slice(max(first - low, 0), min(end - low, len(table)) - max(first - low, 0)))
        frame = pa.concat_tables(parts).to_pandas(ignore_metadata=True, use_threads=False)
        self._refuse_disorder(frame, number, first)
        return frame

    def _group(self, group: int) -> Any:
        _, _, pq = arrow()
        if self._newest[0] != group:
            file = int(self.groups.file[group])
            if self._file[0] != file:
                self._file = file, pq.ParquetFile(self.groups.paths[file])
            self._newest = -1, None  # before the next one is in memory
            within = int(self.groups.within[group])
            self._newest = group, self._file[1].read_row_group(within, columns=self.names, use_threads=False)
        return self._newest[1]

    def _refuse_disorder(self, frame: pd.DataFrame, number: int, first: int) -> None:
        """Refuse time stamps that do not rise within a series, with the row group."""
        stamps = frame[self.columns.time].to_numpy()
        if stamps.dtype == object:  # text is read, and put in order, later
            return
        back = np.flatnonzero(~(stamps[1:] > stamps[:-1])) + 1
        back = np.setdiff1d(back, self.starts[self.bounds[number] : self.bounds[number + 1]] - first)
        if len(back):
            row = int(back[0])
            (key,) = frame[self.columns.series].iloc[[row]].itertuples(index=False, name=None)
            name = key[0] if len(key) == 1 else key
            raise ValueError(
                Refusal(
                    f"series {name!r} goes from {frame[self.columns.time].iloc[row - 1]} to "
                    f"{frame[self.columns.time].iloc[row]}",
                    where=f"{self.groups.place(self.groups.of_row(first + row))}:",
                    expected="the rows of a series in the order of time, each time stamp once",
                    advice="Sort the rows by series and time, and write the files again.",
                )
            )


def _groups(paths: list[str], names: list[str]) -> Groups:
    """The row groups of the files, whose columns have the same types."""
    _, _, pq = arrow()
    file: list[int] = []
    within: list[int] = []
    rows: list[int] = []
    types: dict[str, Any] = {}
    for number, path in enumerate(paths):
        try:
            opened = pq.ParquetFile(path)
        except Exception as error:  # pyarrow raises several classes for damaged files
            raise ValueError(Refusal(f"{path} is not a Parquet file: {error}")) from error
        with opened:
            schema, metadata = opened.schema_arrow, opened.metadata
            for name in names:
                _check_type(path, name, schema, types, paths[0])
            for group in range(metadata.num_row_groups):
                file.append(number)
                within.append(group)
                rows.append(metadata.row_group(group).num_rows)
    first: Integers = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    return Groups(paths, np.array(file, dtype=np.int64), np.array(within, dtype=np.int64), first)


def _check_type(path: str, name: str, schema: Any, types: dict[str, Any], first: str) -> None:
    if name not in schema.names:
        raise ValueError(Refusal(f"{path} has no column {name!r}", expected=f"some of {list(schema.names)}"))
    found = schema.field(name).type
    if types.setdefault(name, found) != found:
        raise ValueError(Refusal(f"column {name!r} of {path} is {found}", expected=f"{types[name]}, as in {first}"))


def _bounds(starts: Integers, block_rows: int) -> Integers:
    """Numbers of the series that begin a block, and the end: as many whole series as fit into `block_rows`."""
    found, n = [0], len(starts) - 1
    while found[-1] < n:
        begin = found[-1]
        end = int(np.searchsorted(starts, starts[begin] + block_rows, side="right")) - 1
        found.append(max(end, begin + 1))
    return np.array(found, dtype=np.int64)
