"""A Parquet file that is written in parts and appears whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._files import whole_file
from .arrow import arrow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ParquetParts", "parquet_parts"]


class ParquetParts:
    """A Parquet file to which frames are appended; `parquet_parts` opens one.

    Parameters
    ----------
    file : file object

    Attributes
    ----------
    n_rows : int
        Rows written so far.
    """

    def __init__(self, file: Any) -> None:
        self.n_rows, self._file = 0, file
        self._writer: Any = None
        self._schema: Any = None

    def append(self, frame: pd.DataFrame) -> None:
        """Write the rows of a frame as a row group.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns as those of the first frame.
        """
        pa, _, pq = arrow()
        table = pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)
        if self._writer is None:
            self._schema = table.schema
            self._writer = pq.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)
        self.n_rows += len(table)

    def close(self) -> None:
        """Write what Parquet keeps at the end of a file."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def parquet_parts(path: str | os.PathLike[str]) -> Iterator[ParquetParts]:
    """Open a Parquet file that is written in parts; it takes its name when all are written.

    Until then the rows go to a temporary file of the same folder. On any failure that file is removed, and an older
    file of the name stays as it was.

    Parameters
    ----------
    path : str or os.PathLike

    Yields
    ------
    ParquetParts

    Examples
    --------
    >>> import os, tempfile
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "rows.parquet")
    ...     with parquet_parts(path) as parts:
    ...         parts.append(pd.DataFrame({"y": [1.0]}))
    ...         parts.append(pd.DataFrame({"y": [2.0]}))
    ...     pd.read_parquet(path)["y"].tolist(), os.listdir(folder)
    ([1.0, 2.0], ['rows.parquet'])
    """
    arrow()  # before a file is made
    with whole_file(path) as part, open(part, "r+b") as file:
        parts = ParquetParts(file)
        try:
            yield parts
        finally:
            parts.close()
        file.flush()
        os.fsync(file.fileno())
