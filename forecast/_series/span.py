"""The extent and the number of the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .._files import stored
from .._records import record
from .._types import Integers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Span"]


@stored("span")
@record(frozen=True)
class Span:
    """The extent of the training rows.

    Attributes
    ----------
    start, end : label
        The first and the last stamp of all series.
    n_rows : int
        Number of rows of all series together, with those that `gaps` inserted.
    """

    start: Any
    end: Any
    n_rows: int

    @classmethod
    def of(cls, index: pd.Index, starts: Integers) -> Self:
        """The extent of concatenated series, each in time order.

        Parameters
        ----------
        index : pandas.Index
        starts : ndarray of shape (n_series + 1,)

        Returns
        -------
        Span
        """
        return cls(min(index[starts[:-1]]), max(index[starts[1:] - 1]), len(index))
