"""Blocks that a function makes as they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._frames import enter
from .._refusals import Refusal
from .reading import Blocks, Columns, Reading, positive

if TYPE_CHECKING:
    import pandas as pd

    from .._types import FrameLike

__all__ = ["FrameBlocks"]


class FrameBlocks(Blocks):
    """A panel larger than memory whose blocks a function makes: from a database, from other files, or computed.

    Pass it to `SeriesForecaster.fit` in place of a frame.

    Parameters
    ----------
    make : callable
        `make(number)` returns block `number` (from 0) as a frame: all rows of some whole series, in long format. It is
        called in every pass over the data, also from another thread, and must return the same rows each time.
    n_blocks : int
        Number of blocks. All blocks together hold each series once.
    sample : int, default=1000
        Number of series that `fit` reads into memory together, to choose the settings and for `report_` and intervals.

    See Also
    --------
    ParquetBlocks : Blocks of a Parquet file or a folder of files.
    ArrayBlocks : Blocks of an array, such as a memory-mapped one.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import FrameBlocks, RNNForecaster, SeriesForecaster
    >>> days = pd.date_range("2024-01-01", periods=40)
    >>> def make(number):  # two series in each block
    ...     items = [2 * number, 2 * number + 1]
    ...     waves = [np.sin(np.arange(40) + item) for item in items]
    ...     return pd.DataFrame({"item": np.repeat(items, 40), "day": days.append(days), "y": np.concatenate(waves)})
    >>> model = SeriesForecaster(
    ...     RNNForecaster(hidden_size=4, max_iter=1, random_state=0), target="y", series="item", time="day", lookback=7,
    ...     horizon=2, validation_fraction=None,
    ... )
    >>> model.fit(FrameBlocks(make, 10)).n_windows_
    640
    >>> model.predict(history=make(0)).shape
    (4, 3)
    """

    def __init__(self, make: Callable[[int], FrameLike], n_blocks: int, *, sample: int = 1000) -> None:
        if not callable(make):
            raise TypeError(
                Refusal(f"is a {type(make).__name__}", where="make", expected="a function of the number of a block")
            )
        self.make = make
        self.n_blocks = positive("n_blocks", n_blocks)
        self.sample = positive("sample", sample)

    def _open(self, columns: Columns) -> Reading:
        """Return the blocks of these columns; `SeriesForecaster` calls it."""
        return _Made(self.make, self.n_blocks)


class _Made(Reading):
    def __init__(self, make: Callable[[int], FrameLike], n_blocks: int) -> None:
        self.make, self.n_blocks = make, n_blocks

    def read(self, number: int) -> pd.DataFrame:
        frame, _ = enter(self.make(number), self.place(number))
        return frame

    def place(self, number: int) -> str:
        return f"block {number}"
