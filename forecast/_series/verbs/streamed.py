"""Forecasts of a panel that is larger than memory, block by block into a Parquet file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..._blocks import Blocks, Columns, parquet_parts, read_ahead
from ..._frames import enter
from ..._refusals import Refusal, extended
from ..skipping import SkippedSeriesWarning, check_errors, rows_by_series, warn_of
from .host import Host

if TYPE_CHECKING:
    from ..._blocks import Reading
    from ..._types import FrameLike

__all__ = ["Streams"]


class Streams(Host):
    """The part of `SeriesForecaster` that forecasts block by block."""

    def predict_to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        history: Blocks,
        n: int | None = None,
        recursive: bool | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> int:
        """Forecast after every series of a panel larger than memory, and write the forecasts to a Parquet file.

        The file has the rows that `predict(history=...)` would return for all series at once, equal to the bit, and a
        row group for each block. It appears under its name when it is complete. At most two blocks are in memory.
        Needs pyarrow.

        Parameters
        ----------
        path : str or os.PathLike
            An existing file is replaced.
        history : ParquetBlocks, ArrayBlocks or FrameBlocks
            Rows to forecast after: all rows of each series, or its newest ones.
        n, recursive, errors
            As in `predict`.

        Returns
        -------
        int
            Number of rows written.

        Raises
        ------
        TypeError, ValueError
            As `predict`, with the place of the block; or the model has future covariates, which blocks do not hold for
            the steps ahead.
        ImportError
            pyarrow is not installed.

        Warns
        -----
        SkippedSeriesWarning
            Some series are left out.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np, pandas as pd
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import ArrayBlocks, SeriesForecaster
        >>> values = np.sin(np.arange(40) + np.arange(6.0)[:, None])
        >>> blocks = ArrayBlocks(values, start="2024-01-01", freq="D", block_rows=80)
        >>> days = pd.date_range("2024-01-01", periods=40)
        >>> some = pd.DataFrame({"series": np.repeat([0, 1], 40), "time": [*days, *days], "y": values[:2].ravel()})
        >>> model = SeriesForecaster(Ridge(), target="y", series="series", time="time", lookback=7, horizon=2).fit(some)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "forecasts.parquet")
        ...     model.predict_to_parquet(path, history=blocks), pd.read_parquet(path).columns.tolist()
        (12, ['series', 'time', 'y'])
        """
        check_is_fitted(self)
        check_errors(errors)
        if not isinstance(history, Blocks):
            raise TypeError(
                Refusal(
                    f"is a {type(history).__name__}",
                    where="history",
                    expected="ParquetBlocks, ArrayBlocks or FrameBlocks; predict(history=frame) takes a frame",
                )
            )
        roles = self._state.roles
        if roles.future:
            raise ValueError(
                Refusal(
                    f"the model was fitted with future covariates {roles.future}, and blocks have none of the steps "
                    "ahead",
                    expected="predict(X, history=frame), with the rows of X for the series of each frame",
                )
            )
        reading = history._open(self._columns())
        left_out = 0
        with parquet_parts(path) as parts:
            for number, frame in read_ahead(range(reading.n_blocks), reading.read):
                found, short = self._of_block(reading, number, frame, dict(n=n, recursive=recursive, errors=errors))
                left_out += short
                if found is not None:
                    parts.append(found)
            if not parts.n_rows:
                raise ValueError(Refusal("no series is long enough to forecast", where="history:"))
        if left_out:
            text = f"{left_out:,} series are not forecast: their history is shorter than a forecast looks back on."
            warn_of(SkippedSeriesWarning, text, {}, 2)
        return parts.n_rows

    def _columns(self) -> Columns:
        roles = self._state.roles
        if roles.series is None:
            raise ValueError(Refusal("the model was fitted on one series", expected="a model of a panel, with series="))
        return Columns(list(roles.ids), roles.time, [*roles.target, *roles.past, *roles.static])

    def _of_block(
        self, reading: Reading, number: int, frame: pd.DataFrame, how: dict[str, Any]
    ) -> tuple[pd.DataFrame | None, int]:
        """Forecasts of a block in columns, and how many series are too short for one."""
        try:
            return _in_columns(self.predict(history=frame, **how)), 0
        except ValueError as error:  # of every series of the block; where all are too short, it adds no row
            pieces = rows_by_series(frame, self._state.roles, "history")
            least = self._state.least_history
            long = [rows for rows in pieces.values() if len(rows) >= least]
            if how["errors"] == "raise" or len(long) == len(pieces):
                raise ValueError(extended(error, f"{reading.place(number)}: ")) from error
            if not long:
                return None, len(pieces)
            some = frame.iloc[np.sort(np.concatenate(long))]
            return self._of_block(reading, number, some, how)[0], len(pieces) - len(long)


def _in_columns(forecasts: FrameLike) -> pd.DataFrame:
    frame, _ = enter(forecasts)
    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
