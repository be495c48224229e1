"""Panels that are larger than memory, read block by block; a block is some whole series.

`reading` is the interface between a source and its readers. The sources: `parquet` (`index` finds its series),
`arrays` and `frames`. `ahead` reads the next block while this one is used; `writing` writes a Parquet file in parts.
"""

from .ahead import read_ahead
from .arrays import ArrayBlocks
from .frames import FrameBlocks
from .parquet import ParquetBlocks
from .reading import STRETCH, Blocks, Columns, Reading
from .writing import parquet_parts

__all__ = [
    "STRETCH", "ArrayBlocks", "Blocks", "Columns", "FrameBlocks", "ParquetBlocks", "Reading", "parquet_parts",
    "read_ahead",
]  # fmt: skip
