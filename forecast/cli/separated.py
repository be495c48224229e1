"""A table from text with separators: where it begins and ends, and numbers in any spelling."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pandas as pd

from .layout import find_header, find_separator, named_twice, records_of, tidied, unique_names, without_footer
from .numerals import DOUBT, are_numerals, decimal_of, to_numbers
from .problems import ProblemError, listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

__all__ = ["MOST_COLUMNS", "read_separated", "unmet"]

MOST_COLUMNS = 10_000  # each is looked at in many ways, which takes about a millisecond


def read_separated(name: str, text: str, missing: Sequence[str], decimal: str | None, notes: list[str]) -> pd.DataFrame:
    """The table of a text.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    text : str
    missing : list of str
        Cells that mean a missing value, in addition to the usual ones.
    decimal : str or None
        "." or ","; None takes the one that the cells show.
    notes : list of str
        What was left out or chosen is added here.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ProblemError
        The header or all rows are missing, or a row has more cells than the header.
    """
    text = _without_comments(text)
    separator = find_separator(text)
    if separator == " ":
        text, separator = re.sub(r"[ \t]+", "\t", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)), "\t"
    records, lines = records_of(text, separator)
    if not records:
        raise ProblemError(f"{name} is not a regular table of text; expected a header and rows.")
    columns = max(map(len, records))
    if columns > MOST_COLUMNS:
        raise ProblemError(
            f"{name} has {columns} columns; expected at most {MOST_COLUMNS}. Save those that are needed, or one row "
            "for each series and time with --series."
        )
    header = find_header(name, records)
    if len(records) <= header.end:
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")
    if header.start:
        notes.append(f"The table begins in line {lines[header.start]}: the lines above it were left out.")
    notes += header.notes
    text, footer = without_footer(text, separator, len(header.names))
    if footer is not None:
        notes.append(f"The lines after the table were left out: {shown(footer, 60)}.")
    width = max(len(header.names), *(len(record) for record in records[header.end :]))
    extra = [record[len(header.names) :] for record in records[header.end :]]
    if any(any(cells) for cells in extra):
        raise ProblemError(f"{name} is not a regular table: its rows have more cells than its header has names.")
    names = unique_names(header.names, width)
    options = {
        "sep": separator, "header": None, "names": names, "index_col": False, "skipinitialspace": True,
        "na_values": list(missing), "low_memory": False,
    }  # fmt: skip
    above = lines[header.end - 1]
    text = "".join(text.split("\n", above)[above:])
    table = _parsed(name, text, options, above)
    table.attrs["twice"] = named_twice(header.names)
    if missing:
        _note_unmet(text, missing, separator, notes)
    table = tidied(table)
    if not len(table):
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")

    def again(columns: list[str]) -> pd.DataFrame:
        return _parsed(name, text, options | {"dtype": dict.fromkeys(columns, str)})

    table.attrs["padded"] = _padded(table, text, separator, again)
    return _with_numbers(table, again, separator, decimal, notes)


def _padded(table: pd.DataFrame, text: str, separator: str, again: Callable[[list[str]], pd.DataFrame]) -> Any:
    """Cells of whole numbers in which some begin with a zero, as they are written, by column: names such as 01."""
    edge = rf"[{re.escape(separator)}\n\"]"
    if not re.search(rf"(?:^|{edge})\s*0\d+\s*(?=$|{edge})", text):
        return {}
    whole = [column for column in table.columns if pd.api.types.is_integer_dtype(table[column].dtype)]
    written = again(whole).loc[table.index, whole] if whole else table[[]]
    return {
        column: tuple(cells)
        for column, cells in written.items()
        if cells.str.fullmatch(r"\d+").all() and cells.str.match(r"0\d").any()
    }


def _without_comments(text: str) -> str:
    """Lines with # at the start are empty, but for the last of them that have as many cells as the first row."""
    count = len(next(re.finditer(r"(?:[ \t]*(?:#.*)?\n)*", text))[0].split("\n")) - 1
    *lines, rest = text.split("\n", count)
    row = rest.split("\n", 1)[0]
    header = True
    for place in reversed(range(len(lines))):
        line = lines[place].strip().lstrip("#").strip()
        header = header and (not line or any(len(line.split(s)) == len(row.split(s)) > 1 for s in (*",;\t|", None)))
        lines[place] = lines[place] if header else ""
    return "\n".join([*lines, rest])


def _parsed(name: str, text: str, options: dict[str, Any], above: int = 0) -> pd.DataFrame:
    try:
        return pd.read_csv(io.StringIO(text), **options)
    except pd.errors.EmptyDataError:
        raise ProblemError(f"{name} has no rows under its header, {listed(options['names'])}.") from None
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if found:
            raise ProblemError(
                f"{name} is not a regular table: line {int(found[2]) + above} has {found[3]} cells, and the header has "
                f"{found[1]} names."
            ) from None
        raise ProblemError(f"{name} is not a regular table: {shown(str(error).strip(), 90)}.") from None


def _note_unmet(text: str, missing: Sequence[str], separator: str, notes: list[str]) -> None:
    edge = rf"[{re.escape(separator)}\n\"]"
    for mark in missing:
        number = r"(?:\.0*)?" if re.fullmatch(r"[-+]?\d+", mark) else ""
        if not re.search(rf"(?:^|{edge})\s*{re.escape(mark)}{number}\s*(?=$|{edge})", text):
            notes.append(unmet(mark))


def _with_numbers(
    table: pd.DataFrame,
    again: Callable[[list[str]], pd.DataFrame],
    separator: str,
    decimal: str | None,
    notes: list[str],
) -> pd.DataFrame:
    """The table with text that is numbers in some spelling as numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        As pandas read it, with points as decimals.
    again : callable
        The table once more, with some columns as text.
    separator : str
    decimal : str or None
        As given.
    notes : list of str
    """
    text = {
        column: table[column]
        for column in table.columns
        if not pd.api.types.is_numeric_dtype(table[column].dtype)  # bool is one
    }
    text = {column: values for column, values in text.items() if _all_numerals(values)}
    marks = {column: decimal_of(values.drop_duplicates()) for column, values in text.items()}
    sure = decimal or ("," if "," in marks.values() else "." if separator == "," else None)
    if separator != "," or decimal == ",":
        floats = [column for column in table.columns if pd.api.types.is_float_dtype(table[column].dtype)]
        floats = [column for column in floats if sure == "," or _may_be_thousands(table[column])]
        written = again(floats).loc[table.index] if floats and sure != "." else table
        for column in floats if sure != "." else ():
            _reread(table, column, written[column], sure, decimal == ",", notes)
    for column, values in text.items():
        mark: Any = decimal or marks[column]
        if mark == DOUBT:
            mark = sure or DOUBT
            if mark == "." and decimal is None:
                cell = values.dropna().loc[lambda cells: cells.astype(str).str.contains(",")].iloc[0]
                notes.append(
                    f"The commas of column {shown(column)} separate thousands, as in {cell} (else: --decimal ,)."
                )
        numbers = to_numbers(values, mark) if mark in (".", ",") else None
        if numbers is not None and not (numbers.isna() & values.notna()).any():
            table[column] = _whole(numbers)
        elif decimal is not None and marks[column] is not None:
            _refuse_decimal(values, column, decimal)
    return table


def _refuse_decimal(values: pd.Series, column: str, decimal: str) -> NoReturn:
    there = values.dropna()
    cell = there[to_numbers(there, decimal).isna()].iloc[0]
    raise ProblemError(
        f"--decimal {decimal}: column {shown(column)} holds {shown(cell, 20)}, not a number with this mark. Leave "
        "--decimal out."
    )


def _all_numerals(values: pd.Series) -> bool:
    there = values.dropna()
    return len(there) > 0 and bool(are_numerals(there.iloc[:50]).all()) and bool(are_numerals(there).all())


def _may_be_thousands(values: pd.Series) -> bool:
    """Floats with at most three decimals, among which are whole numbers of one to three digits."""
    there = values.dropna()
    whole = there == there.round()
    return bool(((there * 1000).round(6) % 1 == 0).all() and whole.any() and not whole.all())


def _reread(
    table: pd.DataFrame, column: str, written: pd.Series, sure: str | None, given: Any, notes: list[str]
) -> None:
    """Points that separate thousands: every cell with one has three digits after it."""
    cells = written.dropna().str.strip()
    pointed = cells.str.contains(".", regex=False)
    grouped = cells[pointed].str.fullmatch(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+")
    if not pointed.any():
        return
    if not grouped.all():
        if given:
            _refuse_decimal(cells, column, ",")
        return
    if sure != ",":
        plain = cells[~pointed]
        if not plain.str.fullmatch(r"[-+]?\d{1,3}").all() or not plain.str.fullmatch(r"[-+]?\d{3}").any():
            return
        cell = cells[pointed].iloc[0]
        notes.append(f"The points of column {shown(column)} separate thousands, as in {cell} (else: --decimal .).")
    table[column] = _whole(to_numbers(written, ","))


def _whole(numbers: pd.Series) -> pd.Series:
    """Whole numbers as such, where every cell is one."""
    values = numbers.dropna()
    if len(values) == len(numbers) and (values == values.round()).all() and (values.abs() < 2**53).all():
        return numbers.astype("int64")
    return numbers


def unmet(mark: str) -> str:
    """What is said of a value of `--na` that no cell has."""
    return f"No cell is {shown(mark)} (--na)."
