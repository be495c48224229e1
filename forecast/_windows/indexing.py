"""How windows and their targets are indexed: rows in every form that scikit-learn uses, never columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from .._refusals import Refusal
from .._types import Floats, Integers

__all__ = ["Table"]


class Table:
    """The indexing protocol that windows and their targets share."""

    ndim = 2

    if TYPE_CHECKING:  # what each of them has

        @property
        def shape(self) -> tuple[int, int]:
            """Rows and columns."""

        origins: Any

        def _at(self, origins: Integers) -> Self:
            """The rows with these origins."""

        def _matrix(self) -> Floats:
            """All values."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Self:
        return self._at(self.origins[row_key(key)])

    def __iter__(self) -> Iterator[Self]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Floats:
        if copy is False:
            raise ValueError(
                Refusal("are computed on demand: an array of them is always a copy", where=f"{type(self).__name__}")
            )
        matrix = self._matrix()
        return matrix if dtype is None else matrix.astype(dtype, copy=False)


def row_key(key: Any) -> Any:
    """Rows asked for, in scikit-learn's forms too: `(rows, Ellipsis)`, lists, masks; an int selects a table of one."""
    if isinstance(key, tuple):
        if len(key) != 2 or not (key[1] is Ellipsis or (isinstance(key[1], slice) and key[1] == slice(None))):
            raise IndexError(
                Refusal(f"got the index {key!r}; only rows can be selected: windows[rows] or windows[rows, ...]")
            )
        key = key[0]
    if isinstance(key, slice) or key is Ellipsis:
        return key
    key = np.asarray(key)
    if key.dtype.kind not in "iub":
        if key.size:
            raise IndexError(Refusal(f"got an index of {key.dtype}", expected="whole numbers, a mask or a slice"))
        key = key.astype(np.intp)
    if key.ndim > 1:
        raise IndexError(Refusal(f"got an index with {key.ndim} dimensions", expected="1"))
    return key.reshape(1) if key.ndim == 0 and key.dtype.kind != "b" else key
