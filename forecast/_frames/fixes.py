"""The code of fixes: after "Fix:" a message has one statement, or one argument, that can be pasted."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Words, extended, refusal_of

__all__ = ["Source", "frame_named", "named_in_fixes", "nearest_step"]

STEPS = ("s", "min", "5min", "15min", "30min", "h", "3h", "6h", "12h", "D", "W", "MS", "QS", "YS")
SECONDS = (1, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_629_746, 7_889_238, 31_556_952)


def frame_named(what: str, after: str = "") -> str:
    """A frame by its name in messages: of an argument in Python, and what the command calls it.

    Parameters
    ----------
    what : str
    after : str, default=""
        What follows the name.

    Returns
    -------
    Words

    Examples
    --------
    >>> frame_named("new_rows", "'s").command
    "the file's"
    """
    return Words(f"{what}{after}", f"{_FILES.get(what, what)}{after}")


_FILES = {"X": "the file", "df": "the file", "new_rows": "the file"}


@contextmanager
def named_in_fixes(what: str) -> Iterator[None]:
    """In refusals within this context, the code after "Fix:" uses the frame's name in the user's call.

    Parameters
    ----------
    what : str
        Name of the frame in messages; a frame X is `df` in code.

    Examples
    --------
    >>> from forecast._refusals import Refusal
    >>> with named_in_fixes("new_rows"):
    ...     raise ValueError(Refusal("'df' is wrong", fix="df['df'] = 1"))
    Traceback (most recent call last):
        ...
    ValueError: 'df' is wrong. Fix: new_rows['df'] = 1.
    """
    name = Source(what=what).name
    try:
        yield
    except (TypeError, ValueError) as error:
        given = refusal_of(error).fix
        if given is None or type(error) not in (TypeError, ValueError):
            raise
        other = given.renamed(lambda code: re.sub(r"(?<![\w.'\"])df(?=[\[. ])", name, code))
        if other == given:
            raise
        raise type(error)(extended(error, fix=other)) from None


@record(frozen=True)
class Source:
    """A user's frame, for the code of a fix.

    Parameters
    ----------
    frame : pandas.DataFrame or None, default=None
        None: an index alone.
    layout : Layout or None, default=None
    what : str, default="X"
        Name of the frame in messages.

    Examples
    --------
    >>> Source().stamps("{}.tz_convert('Europe/Berlin')")
    "df.index = df.index.tz_convert('Europe/Berlin')"
    """

    frame: Any = None
    layout: Any = None
    what: str = "X"

    @property
    def name(self) -> str:
        """The variable that a user's frame is called by."""
        return {"X": "df", "the history": "history"}.get(self.what, self.what)

    @property
    def time_at(self) -> str:
        """Where the stamps are: "column", "index" or "level"."""
        if self.layout is None or (self.layout.time_at == "index" and len(self.layout.levels) == 1):
            return "index"
        return "column" if self.layout.time_at == "column" else "level"

    @property
    def where(self) -> str:
        """Where the stamps are, for messages."""
        return f"column {self.layout.time!r}" if self.time_at == "column" else "the index"

    @property
    def ids(self) -> list[Hashable]:
        """Labels of the columns or levels that name the series."""
        series = None if self.layout is None else self.layout.series
        return [] if series is None else list(series) if isinstance(series, list) else [series]

    def stamps(self, call: str) -> str:
        """The statement that replaces the time stamps by others.

        Parameters
        ----------
        call : str
            Expression with "{}" for the present ones, a DatetimeIndex.

        Returns
        -------
        str
        """
        if self.time_at == "column":
            column = f"{self.name}[{self.layout.time!r}]"
            return f"{column} = {call.format(f'pd.DatetimeIndex({column})')}"
        if self.time_at == "index":
            return f"{self.name}.index = {call.format(f'{self.name}.index')}"
        level = self.layout.time_level
        made = call.format(f"{self.name}.index.levels[{level}]")
        return f"{self.name}.index = {self.name}.index.set_levels({made}, level={level})"

    def read(self, call: str) -> str:
        """The statement that reads stamps from text or other values.

        Parameters
        ----------
        call : str
            Expression with "{}" for the present values.

        Returns
        -------
        str
        """
        if self.time_at == "column":
            column = f"{self.name}[{self.layout.time!r}]"
            return f"{column} = {call.format(column)}"
        return self.stamps(call)

    def kept(self, condition: str) -> str:
        """The statement that keeps some rows.

        Parameters
        ----------
        condition : str
            Condition with "{}" for the stamps.

        Returns
        -------
        str
        """
        stamps = {
            "column": f"{self.name}[{None if self.layout is None else self.layout.time!r}]",
            "index": f"{self.name}.index",
            "level": f"{self.name}.index.get_level_values({None if self.layout is None else self.layout.time_level})",
        }[self.time_at]
        return f"{self.name} = {self.name}[{condition.format(stamps)}]"

    def merged(self) -> str:
        """The statement that makes one row of those that have one stamp; of columns that are not all numbers the first.

        Returns
        -------
        str
        """
        if not self._is_numeric():
            return self.kept("~{}.duplicated()")
        by = f"{self.layout.time!r}, as_index=False" if self.time_at == "column" else "level=0"
        return f"{self.name} = {self.name}.groupby({by}).mean()"

    def resampled(self, freq: str) -> str | None:
        """The statement that makes one row per step, series by series; None where columns are not all numbers.

        Parameters
        ----------
        freq : str

        Returns
        -------
        str or None
        """
        if not self._is_numeric():
            return None
        name, time = self.name, None if self.layout is None else self.layout.time_name
        step = f".resample({freq!r}).mean().interpolate()"
        if not self.ids:
            if self.time_at == "column":
                return f"{name} = {name}.set_index({time!r}){step}.reset_index()"
            return f"{name} = {name}{step}"
        levels = [label for label in self.ids if label in self.layout.levels]
        flat = f"{name}.reset_index({levels!r})" if levels else name
        flat = f"{flat}.set_index({time!r})" if self.time_at == "column" else flat
        columns = [label for label in self.frame.columns if label not in (*self.ids, time)]
        made = f"{flat}.groupby({self.ids!r})[{columns!r}]{step}"
        if self.time_at == "column":
            return f"{name} = {made}.reset_index()"
        return f"{name} = {made}" if levels else f"{name} = {made}.reset_index({self.ids!r})"

    def _is_numeric(self) -> bool:
        if self.frame is None:
            return True
        time = self.layout.time_name
        return all(
            pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype)
            for label, dtype in zip(self.frame.columns, self.frame.dtypes, strict=True)
            if label not in (*self.ids, time)
        )


def nearest_step(index: pd.DatetimeIndex) -> str:
    """The usual step of an index, as pandas writes one that people use.

    Parameters
    ----------
    index : pandas.DatetimeIndex

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> nearest_step(pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 01:02", "2024-01-01 01:58"]))
    'h'
    """
    if len(index) < 2:
        return "D"
    usual = float(np.median((index[1:] - index[:-1]) / pd.Timedelta(seconds=1)))
    apart = np.abs(np.log(np.asarray(SECONDS)) - np.log(max(usual, 1e-9)))
    return STEPS[int(apart.argmin())]
