"""Tables of which a row is a whole series and a column a stamp: refused, with the way to a row for each stamp."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from .forms import looks_like_date
from .problems import ProblemError, shown

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["refuse_wide"]

_LEAST = 10  # numbered columns


def refuse_wide(table: pd.DataFrame) -> None:
    """Refuse a table whose columns are the stamps.

    Parameters
    ----------
    table : pandas.DataFrame
        Table without a column of dates.

    Raises
    ------
    ProblemError
        The names of the columns are dates, years or consecutive numbers.

    Examples
    --------
    >>> refuse_wide(pd.DataFrame({"page": ["a"], "2024-01-01": [1], "2024-01-02": [2], "2024-01-03": [3]}))
    Traceback (most recent call last):
    ...
    forecast.cli.problems.ProblemError: columns '2024-01-01' to '2024-01-03' are dates: each row is a whole series; ...
    """
    columns = [column for column in table.columns if pd.api.types.is_numeric_dtype(table[column].dtype)]
    dated = [column for column in columns if re.fullmatch(r"(1[89]|20)\d\d", column) or looks_like_date(column)]
    if len(dated) >= 3 and 2 * len(dated) > len(columns):
        _refuse(table, dated, "dates")
    found = [re.fullmatch(r"(.*?)(\d+)", column) for column in columns]
    numbered = [match for match in found if match and match[1] == (found[-1] or match)[1]]
    places = [int(match[2]) for match in numbered]
    if len(places) >= _LEAST and 5 * len(places) >= 4 * len(columns) and places == [*range(places[0], places[-1] + 1)]:
        texts = [column for column in table.columns if column not in columns and table[column].is_unique]
        if texts:
            _refuse(table, [match[0] for match in numbered], "numbered steps")


def _refuse(table: pd.DataFrame, stamps: pd.DatetimeIndex, kind: str) -> NoReturn:
    names = [column for column in table.columns if column not in stamps]
    kept = repr(names) if len(repr(names)) < 40 else "[the other columns]"
    raise ProblemError(
        f"columns {shown(stamps[0], 20)} to {shown(stamps[-1], 20)} are {kind}: each row is a whole series; expected a "
        f"row for each stamp. Fix in pandas: df.melt({kept}, var_name='time')."
    )
