"""The columns of a table: found by name, chosen as the target, read as numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .clocks import TIME_NAMES, folded, part_of
from .numerals import DOUBT, are_numerals, as_numbers, decimal_of, to_numbers
from .problems import ProblemError, close_to, listed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .._types import Floats

__all__ = ["find_columns", "first_number", "is_counter", "names_as_written", "numbers_among_text", "read_numbers"]

_COUNTERS = {"index", "id", "no", "nr", "number", "rownames", "rownum", "rownumber", "row", "instant", "idx", "seq"}


def find_columns(table: pd.DataFrame, names: Sequence[str], option: str) -> list[str]:
    """Columns that an option names, each by itself or several with commas between them.

    Parameters
    ----------
    table : pandas.DataFrame
    names : list of str or None
    option : str
        Option for the message.

    Returns
    -------
    list of str

    Raises
    ------
    ProblemError
        There is no such column, or the name appears several times in the header.
    """
    found = []
    for name in names or ():
        parts = [name] if name in table.columns else [part.strip() for part in name.split(",")]
        for part in parts:
            if part not in table.columns:
                raise ProblemError(
                    f"{option}: there is no column {shown(part, 30)}; the columns are {listed(table.columns, 60)}."
                    f"{close_to(part, table.columns)}"
                )
            if part in table.attrs.get("twice", ()):
                raise ProblemError(
                    f"{option}: column {shown(part)} appears several times in the header; expected once. Rename one."
                )
        found += parts
    return list(dict.fromkeys(found))


def is_counter(values: pd.Series) -> bool:
    """Whether a column only counts the rows: whole numbers, one more or one less in each row, from 0 or 1."""
    if not pd.api.types.is_numeric_dtype(values.dtype) or len(values) < 3 or values.isna().any():
        return False
    numbers = values.to_numpy(dtype="float64")
    if not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    return bool(abs(steps[0]) == 1 and (steps == steps[0]).all() and min(numbers[0], numbers[-1]) in (0, 1))


def first_number(frame: pd.DataFrame, taken: Sequence[Any], notes: list[str]) -> str:
    """The first numeric column that has no other role, and is neither a counter of the rows nor a part of the time.

    Parameters
    ----------
    frame : pandas.DataFrame
    taken : list of str
        Columns with another role.
    notes : list of str
        Where there are several, the choice is added here.

    Returns
    -------
    str

    Raises
    ------
    ProblemError
        There is none.
    """
    free = [column for column in frame.columns if column not in taken]
    numeric = [column for column in free if _mostly_numbers(frame[column])]
    values = [column for column in numeric if not _is_index(frame[column], column)]
    counters = [column for column in values if is_counter(frame[column])]
    values = [column for column in values if column not in counters]
    likely = [column for column in values if not _says_nothing(frame[column], column)]
    if not values:
        left = f"; {listed(numeric, 60)} count the rows or their time" if numeric else ""
        raise ProblemError(
            f"no column holds numbers to forecast{left}; the columns are {listed(frame.columns, 60)}."
            + (" Choose one with --target." if numeric else "")
        )
    if len(values) > 1:
        target = (likely or values)[0]
        first = "first numeric column" if target == values[0] else "first numeric column that varies,"
        notes.append(f"Target is {target!r}, the {first} of {listed(values)} (choose with --target).")
    return (likely or values)[0]


def _mostly_numbers(values: pd.Series) -> bool:
    """Numbers, or text that is mostly numbers: what is wrong with the rest is said when it is read."""
    if pd.api.types.is_bool_dtype(values.dtype) or _is_time(values):
        return False
    if pd.api.types.is_numeric_dtype(values.dtype):
        return bool(values.notna().any())
    there = values.dropna().iloc[:1000]
    return len(there) > 0 and are_numerals(there).mean() > 0.5


def _says_nothing(values: pd.Series, name: str) -> bool:
    """One number in every row, or the same step from each to the next: a station's number, days since a date."""
    numbers = as_numbers(values).dropna().to_numpy(dtype="float64")
    if len(numbers) < 3 or not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    return bool(np.abs(steps - steps[0]).max() <= 1e-9 * np.abs(numbers).max()) or str(name).casefold().endswith("_id")


def _is_time(values: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_timedelta64_dtype(values.dtype)


def _is_index(values: pd.Series, name: str) -> bool:
    plain = folded(name)
    if str(name).startswith("Unnamed: ") or plain in TIME_NAMES or part_of(name) is not None:
        return True
    return plain in _COUNTERS and pd.api.types.is_numeric_dtype(values.dtype) and values.is_unique


def read_numbers(column: pd.Series, name: str, option: str = "--target") -> Floats:
    """A column as float64; text and infinite numbers in it are refused by their row.

    Parameters
    ----------
    column : pandas.Series
    name : str
    option : str, default="--target"
        Option that named the column.

    Returns
    -------
    ndarray of shape (rows,), float64
        NaN where a cell is empty.

    Raises
    ------
    ProblemError
    """
    if _is_time(column):
        raise ProblemError(f"column {shown(name)} holds times; expected numbers. Choose another one with {option}.")
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
        column = _from_text(column, name, option)
    numbers = column.to_numpy(dtype="float64", na_value=float("nan"))
    infinite = abs(numbers) == float("inf")
    if infinite.any():
        row = int(infinite.argmax()) + 1
        raise ProblemError(f"column {shown(name)} has {int(infinite.sum())} infinite values, the first in row {row}.")
    return numbers


def names_as_written(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Names of series such as 01 as they are written, which a table of numbers has as 1.

    Parameters
    ----------
    table : pandas.DataFrame
        As `read_table` has it.
    columns : list of str
        Columns that name the series.

    Returns
    -------
    pandas.DataFrame
    """
    padded = {name: list(cells) for name, cells in table.attrs.get("padded", {}).items() if name in columns}
    return table.assign(**padded) if padded else table


def numbers_among_text(frame: pd.DataFrame, columns: list[str], option: str) -> pd.DataFrame:
    """Text is a covariate of categories; a column of numbers in which some cell is text is a mistake in the file."""
    for name in columns:
        column = frame[name]
        there = column.dropna()
        numeric = pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)
        if not numeric and len(there) and are_numerals(there).mean() > 0.5:
            frame = frame.assign(**{name: read_numbers(column, name, option)})
    return frame


def _na(mark: str) -> str:
    """The option for a mark, as a shell takes it."""
    quoted = mark if re.fullmatch(r"[\w./]+", mark) else "'" + mark.replace("'", "'\\''") + "'"
    return f"--na={quoted}" if mark.startswith("-") and len(mark) > 1 else f"--na {quoted}"


def _from_text(column: pd.Series, name: str, option: str) -> pd.Series:
    column = column.map(lambda cell: None if isinstance(cell, str) and not cell.strip() else cell)
    bad = ~are_numerals(column) & column.notna().to_numpy()
    if bad.any():
        row = int(bad.argmax())
        mark = str(column.iloc[row])
        other = option.startswith("--")  # of a model's own columns there is no other
        fix = f" Choose another column with {option}." if other else ""
        fix = f", or a mark of missing values. Fix: {_na(mark)}." if len(mark) <= 20 else f".{fix}"
        raise ProblemError(
            f"column {shown(name)} holds text: {shown(mark, 20)} in row {row + 1}, and {int(bad.sum())} such values in "
            f"all; expected numbers{fix}"
        )
    decimal = decimal_of(column) if column.notna().any() else "."
    if decimal == DOUBT:
        cell = column.dropna().loc[lambda text: text.astype(str).str.contains(",")].iloc[0]
        raise ProblemError(
            f"column {shown(name)} holds {shown(cell, 20)}, which may be a thousand or a decimal. Give --decimal . if "
            "commas separate thousands, or --decimal , if they are decimal marks."
        )
    if decimal is None:
        cells = column.dropna().astype(str)
        first = cells[cells.str.contains(r"\d[.,]\d")].iloc[0]
        raise ProblemError(
            f"column {shown(name)} has points and commas as decimal marks in turn, the first {shown(first, 20)}; "
            "expected one of them in the whole column."
        )
    return to_numbers(column, decimal)
