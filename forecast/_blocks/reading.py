"""What a source of blocks and its readers agree on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from numbers import Integral
from typing import TYPE_CHECKING, Any

from .._records import record
from .._refusals import Refusal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STRETCH", "Blocks", "Columns", "Reading", "positive"]

STRETCH = 8  # blocks that are always read one after the other


@record(frozen=True)
class Columns:
    """The columns that a reader needs.

    Attributes
    ----------
    series : list of labels
        Columns that together name a series.
    time : label or None
        Column of the time stamps; None: the index of a frame.
    others : list of labels
        Targets and covariates.
    """

    series: list[Hashable]
    time: Hashable | None
    others: list[Hashable]

    @property
    def all(self) -> list[Hashable]:
        """Each column once."""
        named = [*self.series, *([] if self.time is None else [self.time]), *self.others]
        return list(dict.fromkeys(named))


class Reading(ABC):
    """An opened source: its blocks by number.

    Attributes
    ----------
    n_blocks : int
    """

    n_blocks: int

    @abstractmethod
    def read(self, number: int) -> pd.DataFrame:
        """Read a block: all rows of some series, in the order of the source.

        Parameters
        ----------
        number : int

        Returns
        -------
        pandas.DataFrame
        """

    @abstractmethod
    def place(self, number: int) -> str:
        """Where a block lies, for messages.

        Parameters
        ----------
        number : int

        Returns
        -------
        str
        """


class Blocks(ABC):
    """A panel of many series that is read block by block.

    Attributes
    ----------
    sample : int
        Number of series that `fit` reads into memory together.
    """

    sample: int

    @abstractmethod
    def _open(self, columns: Columns) -> Reading:
        """Check that the columns are there, and find the blocks.

        Parameters
        ----------
        columns : Columns

        Returns
        -------
        Reading
        """


def positive(name: str, value: Any) -> int:
    """A parameter that has to be a whole number, 1 or more.

    Parameters
    ----------
    name : str
    value : object

    Returns
    -------
    int

    Raises
    ------
    ValueError
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(Refusal(f"is {value!r}", where=name, expected="a whole number, 1 or more"))
    return int(value)
