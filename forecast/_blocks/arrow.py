"""pyarrow, imported when a Parquet file is read or written."""

from __future__ import annotations

from types import ModuleType

from .._refusals import Refusal, install

__all__ = ["arrow"]


def arrow() -> tuple[ModuleType, ModuleType, ModuleType]:
    """Import pyarrow, pyarrow.compute and pyarrow.parquet.

    Returns
    -------
    modules

    Raises
    ------
    ImportError
        pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(Refusal("Parquet files need pyarrow", fix=install("'rnn-forecast[parquet]'"))) from error
    return pa, pc, pq
