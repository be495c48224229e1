"""The place of the table in a text file or sheet: separator, lines before the header, headers of two rows, the end."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .forms import looks_like_date
from .numerals import is_numeral
from .problems import ProblemError, listed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "Header", "find_header", "find_separator", "named_twice", "plain_cells", "records_of", "tidied", "unique_names",
    "without_footer",
]  # fmt: skip

_HEAD = 80  # records that are looked at
_START = 1 << 20  # characters
_EMPTY = {"", "na", "nan", "n/a", "null", "none", "#n/a", "-"}


@dataclass
class Header:
    """The first rows of a table.

    Attributes
    ----------
    start : int
        Records before the header.
    names : list of str
        Names of the columns; "" has no name.
    end : int
        Record at which the rows begin.
    shift : bool
        The rows have a first cell for which the header has no name, as R writes tables.
    notes : list of str
        What was left out, or put together.
    """

    start: int
    names: list[str]
    end: int
    shift: bool = False
    notes: list[str] = field(default_factory=list)


def records_of(text: str, separator: str, most: int = _HEAD) -> tuple[list[list[str]], list[int]]:
    """The first records of a text, and the line on which each ends.

    Parameters
    ----------
    text : str
    separator : str
    most : int, default=80

    Returns
    -------
    records : list of list of str
        Cells without blanks around them; records without any cell are left out.
    lines : list of int
        Numbers of the lines, from 1.
    """
    start = text[:_START]
    reader = csv.reader(start.split("\n"), delimiter=separator, skipinitialspace=True)
    records, lines = [], []
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells) or len(cells) > 1:
                records.append(cells)
                lines.append(reader.line_num)
            if len(records) == most:
                break
    except csv.Error:
        return [], []
    if len(start) < len(text) and 1 < len(records) < most:
        del records[-1], lines[-1]  # it may be cut
    return records, lines


def find_separator(text: str) -> str:
    """Comma, semicolon, tab or bar, by which the lines have the same number of cells; or blanks.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        " " stands for blanks of any number.

    Examples
    --------
    >>> find_separator("day;rain\\n2024-01-01;1,5\\n2024-01-02;2,5"), find_separator("day rain\\n1 0.5\\n2 0.0")
    (';', ' ')
    """
    best = (0.0, 0, "")
    for separator in ",;\t|":
        counts = [len(record) for record in records_of(text, separator)[0]]
        width = _width(counts)
        if width < 2:
            continue
        # The header counts as much as the rows: 1,5;2,5 has commas, and day;rain has none.
        agree = sum(count == width for count in counts) / len(counts) + (width in counts[: len(counts) // 2 + 1])
        first = next((place for place, count in enumerate(counts) if count == width), 0)
        best = max(best, (agree - 0.001 * first, width, separator), key=lambda found: found[:2])
    if best[2]:
        return best[2]
    lines = [line.split() for line in text[:_START].split("\n")[:_HEAD] if line.strip()]
    width = _width([len(line) for line in lines])
    even = sum(len(line) == width for line in lines) >= 0.9 * len(lines)
    return " " if width > 1 and even else ","


def _width(counts: list[int]) -> int:
    """The usual number of cells, in the second half of the records."""
    return Counter(counts[len(counts) // 2 :]).most_common(1)[0][0] if counts else 0


def find_header(name: str, records: list[list[str]]) -> Header:
    """Which of the first records are the header.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    records : list of list of str

    Returns
    -------
    Header

    Raises
    ------
    ProblemError
        There is none.
    """
    width = _width([len(record) for record in records])
    wanted = max(2, (width + 1) // 2) if width > 1 else 1
    start, shift = 0, False
    for place, record in enumerate(records[: max(len(records) - 1, 1)]):
        named = sum(cell != "" for cell in record)
        after = [len(other) for other in records[place + 1 :]]
        if len(record) >= width and (named >= wanted or (named == width - 1 and not record[0])):
            start = place
            break
        if width > 2 and len(record) == width - 1 and named == width - 1 and after and min(after) == width:
            first = [other[0] for other in records[place + 1 :]]
            if not record[0].startswith("#") and (len(set(first)) == len(first) or all(map(looks_like_date, first))):
                start, shift = place, any(other[-1] for other in records[place + 1 :])
                break
    first = [cell.lstrip("#").strip() if place == 0 else cell for place, cell in enumerate(records[start])]
    rows = records[start + 1 :]
    if not rows and width > 1 and all(map(_is_value, filter(None, first))):
        raise ProblemError(f"{name} has one row and no header; expected names of the columns in its first line.")
    _refuse_without(name, first, rows)
    first = ["", *first] if shift else first
    more = _further(first, rows)
    header = Header(start, first, start + 1 + more, shift)
    if more:
        header.names = _joined(first, rows[:more], rows[more:])
        header.notes.append(
            f"The header has {more + 1} rows; the second is {listed(filter(None, rows[0]), 40)}. The columns are "
            f"{listed(header.names, 60)}."
        )
    return header


def _is_value(cell: Any) -> bool:
    return is_numeral(cell) or looks_like_date(cell)


def _kind(cell: Any) -> str:
    if cell.casefold() in _EMPTY:
        return "empty"
    return "date" if looks_like_date(cell) else "number" if is_numeral(cell) else "text"


def _refuse_without(name: str, first: list[str], rows: list[list[str]]) -> None:
    """Refuse a file without a header: its first record looks like the rows of values below it."""
    kinds = [_kind(cell) for cell in first]
    years = sum(bool(re.fullmatch(r"(1[89]|20)\d\d", cell)) for cell in first)
    if not {"date", "number"} & set(kinds) or years > 2 or not rows:
        return
    under = [_kind(cell) for cell in rows[0]]
    if len(under) == len(kinds) and all(a == b or "empty" in (a, b) for a, b in zip(kinds, under, strict=True)):
        raise ProblemError(
            f"{name} has no header: its first line is {shown(', '.join(first), 60)}; expected the names of the columns "
            "there."
        )


def _further(first: list[str], rows: list[list[str]]) -> int:
    """How many rows of a header come after its first: text over columns of numbers."""
    body = rows[3:] if len(rows) > 6 else rows[1:]
    numeric = [
        place
        for place in range(len(first))
        if _share([row[place] for row in body if place < len(row) and row[place].casefold() not in _EMPTY]) >= 0.8
    ]
    count, said = 0, False
    for row in rows[:3]:
        over = [row[place] for place in numeric if place < len(row)]
        kinds = {_kind(cell) for cell in over}
        if not numeric or kinds - {"text", "empty"} or any(_kind(cell) == "date" for cell in row):
            break
        said = said or "text" in kinds
        count += 1
    return count if said and count < len(rows) else 0


def _share(cells: Sequence[Any]) -> float:
    return sum(map(is_numeral, cells)) / len(cells) if cells else 0.0


def _joined(first: list[str], more: list[list[str]], body: list[list[str]]) -> list[str]:
    """One name for each column: the first row's, with the second's where the first says nothing or says it twice."""
    names, group = [], ""
    width = max(len(first), *(len(row) for row in more))
    top = [*first, *[""] * (width - len(first))]
    for place, name in enumerate(top):
        under = [row[place] for row in more if place < len(row) and row[place]]
        group = name or group
        values = [row[place] for row in body if place < len(row) and row[place].casefold() not in _EMPTY]
        if _share(values) < 0.8:  # dates or text: the row that names them alone, as pandas writes an index
            alone = [row[place] for row in more if place < len(row) and row[place] and sum(map(bool, row)) == 1]
            names.append((alone or [name or " ".join(under)])[-1])
        elif not name or top.count(name) > 1:
            names.append(" ".join([part for part in (group, *under) if part]))
        else:
            names.append(name)
    return names


def without_footer(text: str, separator: str, width: int) -> tuple[str, str | None]:
    """A text without the lines after its table: empty ones, and those with a single cell of words.

    Parameters
    ----------
    text : str
    separator : str
    width : int
        Columns of the table.

    Returns
    -------
    text : str
    left_out : str or None
        The first of these lines that says something.

    Examples
    --------
    >>> without_footer("day,rain\\n1,0.5\\n,\\nSource: a station", ",", 2)
    ('day,rain\\n1,0.5', 'Source: a station')
    """
    end, said = len(text), None
    while width > 1:
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin:end].strip("\r\n")
        cells = [cell.strip(" \"'") for cell in next(csv.reader([line], delimiter=separator), [])]
        told = [cell for cell in cells if cell]
        words = len(told) == 1 and told[0] == cells[0] and re.search(r"[^\W\d]{2}", told[0]) and not _is_value(told[0])
        if begin == 0 or line.count('"') % 2 or (told and not words):
            break
        said = told[0] if told else said
        end = begin - 1
    return text[:end], said


def unique_names(names: Sequence[str], width: int) -> list[str]:
    """Names for `width` columns: those of the header, and as pandas does where one is missing or comes twice."""
    found = {}
    for place in range(width):
        name = names[place] if place < len(names) and names[place] else f"Unnamed: {place}"
        number, plain = 0, name
        while name in found:
            number += 1
            name = f"{plain}.{number}"
        found[name] = place
    return list(found)


def named_twice(names: Sequence[str]) -> list[str]:
    """Names that several columns have."""
    return sorted(name for name, count in Counter(names).items() if name and count > 1)


def tidied(table: pd.DataFrame) -> pd.DataFrame:
    """Without rows and unnamed columns in which every cell is empty."""
    empty = table.isna()
    rows = empty.all(axis=1)
    unnamed = [column for column in table.columns if column.startswith("Unnamed: ") and empty[column].all()]
    attrs = table.attrs
    table = (table[~rows] if rows.any() else table).drop(columns=unnamed)
    table.attrs = attrs
    return table


def plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Lists, dicts, dates and times of day in cells as text: every cell is a number, text or a stamp."""
    for column in table.columns:
        if table[column].dtype == object:
            odd = table[column].map(
                lambda cell: isinstance(cell, (list, dict, set, tuple, bytes, np.ndarray)) or hasattr(cell, "isoformat")
            )
            if odd.any():
                table[column] = table[column].map(lambda cell: cell if _is_none(cell) else str(cell))
        elif isinstance(table[column].dtype, pd.PeriodDtype):
            table[column] = table[column].dt.to_timestamp()
    return table


def _is_none(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell) or cell is pd.NaT
