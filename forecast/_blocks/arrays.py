"""Blocks of an array of series of one length, such as a memory-mapped one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .reading import Blocks, Columns, Reading, positive

if TYPE_CHECKING:
    from .._types import Array

__all__ = ["ArrayBlocks"]


class ArrayBlocks(Blocks):
    """A panel larger than memory in an array of series that have all the same time stamps.

    Pass it to `SeriesForecaster.fit` in place of a frame. A block is read from the array only when it is needed, so use
    `numpy.load(path, mmap_mode="r")` or `numpy.memmap` for arrays larger than memory.

    Parameters
    ----------
    values : array-like of shape (n_series, n_steps) or (n_series, n_steps, n_columns)
        float32 or float64.
    columns : list of str, default=("y",)
        Names of the columns, for `target` and covariates of the forecaster.
    start : str or timestamp, default=None
        Time stamp of the first step. None: the steps are counted from 0.
    freq : str or offset, default=None
        Frequency of the steps, with `start`.
    names : sequence of length n_series, default=None
        Names of the series. None: they are numbered from 0.
    series, time : str, default="series" and "time"
        Names of the columns of series and time stamps, for the arguments `series` and `time` of the forecaster.
    block_rows : int, default=500_000
        Number of rows of a block, rounded down to whole series (at least one). Memory grows with it.
    sample : int, default=1000
        Number of series that `fit` reads into memory together, to choose the settings and for `report_` and intervals.

    See Also
    --------
    ParquetBlocks : Blocks of a Parquet file or a folder of files.
    FrameBlocks : Blocks that a function makes.

    Examples
    --------
    >>> import numpy as np
    >>> from forecast import ArrayBlocks, RNNForecaster, SeriesForecaster
    >>> values = np.sin(np.arange(40) + np.arange(30.0)[:, None]).astype("float32")
    >>> blocks = ArrayBlocks(values, start="2024-01-01", freq="D", block_rows=400)
    >>> model = SeriesForecaster(
    ...     RNNForecaster(hidden_size=4, max_iter=1, random_state=0), target="y", series="series", time="time",
    ...     lookback=7, horizon=2, validation_fraction=None,
    ... )
    >>> model.fit(blocks).n_windows_
    960
    """

    def __init__(
        self,
        values: Array,
        *,
        columns: Sequence[str] = ("y",),
        start: Any = None,
        freq: Any = None,
        names: Sequence[Hashable] | None = None,
        series: str = "series",
        time: str = "time",
        block_rows: int = 500_000,
        sample: int = 1000,
    ) -> None:
        shape, dtype = np.shape(values), getattr(values, "dtype", None)
        if len(shape) not in (2, 3) or 0 in shape or dtype not in (np.float32, np.float64):
            raise ValueError(
                Refusal(
                    where="values",
                    got=f"shape {shape} and dtype {dtype}",
                    expected="an array of float32 or float64, (n_series, n_steps) or (n_series, n_steps, n_columns)",
                )
            )
        given = [columns] if isinstance(columns, str) else list(columns)
        width = shape[2] if len(shape) == 3 else 1
        if len(given) != width or len({*given, series, time}) != width + 2:
            raise ValueError(
                Refusal(
                    where="columns",
                    got=f"{given}",
                    expected=f"{width} names, other than {series!r} and {time!r}, one for each column of values",
                )
            )
        if (start is None) != (freq is None):
            raise ValueError(Refusal("one of start and freq is given", expected="both, or neither to count the steps"))
        if names is not None and (len(names) != shape[0] or not pd.Index(names).is_unique):
            raise ValueError(Refusal(where="names", got=f"{len(names)}", expected=f"{shape[0]} different names"))
        self.values, self.columns, self.names = values, given, names
        self.start, self.freq, self.series, self.time = start, freq, series, time
        self.block_rows, self.sample = positive("block_rows", block_rows), positive("sample", sample)

    def _open(self, columns: Columns) -> Reading:
        """Return the blocks of these columns; `SeriesForecaster` calls it."""
        for name, wanted, own in (
            ("series", columns.series, [self.series]),
            ("time", [columns.time], [self.time]),
        ):
            if wanted != own:
                raise ValueError(
                    Refusal(
                        f"of the forecaster is {wanted[0] if len(wanted) == 1 else wanted!r}",
                        where=name,
                        expected=f"{own[0]!r}, as the column of the array's blocks is called",
                    )
                )
        absent = [name for name in columns.others if name not in (*self.columns, self.series, self.time)]
        if absent:
            raise ValueError(Refusal(f"the array has no column {absent[0]!r}", expected=f"some of {self.columns}"))
        return _OfArray(self, columns)


class _OfArray(Reading):
    def __init__(self, of: ArrayBlocks, columns: Columns) -> None:
        self.of, self.columns = of, columns
        n, self.steps = of.values.shape[:2]
        self.size = max(1, of.block_rows // self.steps)
        self.n_blocks = -(-n // self.size)
        self.stamps = (
            pd.RangeIndex(self.steps) if of.start is None else pd.date_range(of.start, periods=self.steps, freq=of.freq)
        )

    def _bounds(self, number: int) -> tuple[int, int]:
        return number * self.size, min((number + 1) * self.size, len(self.of.values))

    def read(self, number: int) -> pd.DataFrame:
        first, end = self._bounds(number)
        values = np.array(self.of.values[first:end]).reshape((end - first) * self.steps, -1)
        names = np.arange(first, end) if self.of.names is None else np.asarray(self.of.names[first:end])
        own = {name: values[:, at] for at, name in enumerate(self.of.columns) if name in self.columns.others}
        stamps = self.stamps.repeat(0).append([self.stamps] * (end - first))
        return pd.DataFrame({self.of.series: np.repeat(names, self.steps), self.of.time: stamps} | own)

    def place(self, number: int) -> str:
        first, end = self._bounds(number)
        return f"series {first} to {end - 1} of the array"
