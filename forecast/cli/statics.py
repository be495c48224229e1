"""Static covariates as a file of their own (`--static`): a row for each series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .columns import find_columns, is_counter, names_as_written, numbers_among_text
from .forms import looks_like_date
from .problems import ProblemError, listed, shown, shown_path
from .reading import read_table
from .separated import unmet

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

__all__ = ["named_alike", "read_static"]


def read_static(
    arguments: Namespace, ids: list[Any], labels: Any, known: Any, notes: list[str], option: str = "--static-covariates"
) -> pd.DataFrame | None:
    """The table of static covariates that `--static` names; None where it is not given.

    Parameters
    ----------
    arguments : argparse.Namespace
    ids : list of str
        Columns that name the series.
    labels : list of str or None
        Columns to read; None: all but those that name the series or only count the rows.
    known : dict of str to iterable
        Names of the series, and known categories, by the column that holds them: see `named_alike`.
    notes : list of str
        What was chosen for the user is added here.
    option : str, default="--static-covariates"
        Option that named the columns, for messages.

    Returns
    -------
    pandas.DataFrame or None

    Raises
    ------
    ProblemError
        The file cannot be read, no column identifies the series, or a column holds dates.
    """
    path, sheet = arguments.static, arguments.static_sheet
    if path is None:
        if sheet is not None:
            raise ProblemError("--static-sheet is a sheet of --static, which is not given. Give --static FILE.")
        return None
    if path == "-":
        raise ProblemError("--static is -, but the standard input is for DATA. Name a file.")
    where = shown_path(path, 30)
    table, more = read_table(path, arguments.na, arguments.decimal, sheet, aside=True, wanted=ids)
    notes += [note for note in more if note not in map(unmet, arguments.na)]
    find_columns(table, ids, f"--static {where}")
    table = names_as_written(table, ids)
    if labels is None:
        counts = [name for name in table.columns if name not in ids and _counts(table[name], name)]
        if counts:
            notes.append(f"Column {shown(counts[0])} of {where} counts its rows, so it is not used as a covariate.")
        labels = [name for name in table.columns if name not in [*ids, *counts]]
        option = f"--static {where}"
    labels = find_columns(table, labels, option)
    if not labels:
        raise ProblemError(f"--static {where} has no columns but {listed(ids)}; expected static covariates.")
    for name in labels:
        _refuse_dates(table[name], name, where)
    table = table[list(dict.fromkeys([*ids, *labels]))]
    words = [name for name in table.columns if name in known]
    table = numbers_among_text(table, [name for name in labels if name not in words], option)
    return named_alike(table, known, words)


def _counts(values: pd.Series, name: str) -> bool:
    return str(name).startswith("Unnamed: ") and is_counter(values)


def _refuse_dates(values: pd.Series, name: str, where: str) -> None:
    there = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        dates = len(there) > 0
    else:
        text = not pd.api.types.is_numeric_dtype(values.dtype)
        dates = text and len(there) > 0 and all(map(looks_like_date, there.iloc[:5].astype(str)))
    if dates:
        raise ProblemError(
            f"column {shown(name, 30)} of --static {where} holds dates, the first {shown(there.iloc[0], 20)}; expected "
            "numbers or categories, such as the year. Name the other columns with --static-covariates."
        )


def named_alike(table: pd.DataFrame, known: Any, columns: list[str]) -> pd.DataFrame:
    """A table with the names of its series as other rows have them: a name may look like a number in one file alone.

    Parameters
    ----------
    table : pandas.DataFrame
    known : dict of str to iterable
        The names that there are, or categories, by the column that holds them.
    columns : list of str
        Those to look at.

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> numbers, names = pd.DataFrame({"shop": [1, 2]}), pd.DataFrame({"shop": ["01", "02", "A"]})
    >>> named_alike(numbers, names, ["shop"])["shop"].tolist()
    ['01', '02']
    >>> named_alike(names, numbers, ["shop"])["shop"].tolist()
    [1, 2, 'A']
    """
    for name in columns:
        there = {_number(key): key for key in known[name]}
        here = table[name].drop_duplicates()
        other = {key: there[_number(key)] for key in here if _number(key) in there}
        if any(type(key) is not type(value) for key, value in other.items()) and not set(here) <= set(known[name]):
            table = table.assign(**{name: [other.get(key, key) for key in table[name]]})
    return table


def _number(name: str) -> int | str:
    """A name as the whole number that it says, or as it is."""
    text = str(name)
    return int(text) if text.isascii() and text.isdigit() else name
