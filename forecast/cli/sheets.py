"""A table from a sheet of an Excel file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd

from .layout import find_header, named_twice, plain_cells, tidied, unique_names
from .problems import ProblemError, close_to, listed, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["read_sheet"]


def read_sheet(
    name: str, data: bytes, sheet: str | None, notes: list[str], aside: bool = False, wanted: Sequence[Any] = ()
) -> pd.DataFrame:
    """The table of a sheet: its header may have rows above it and columns before it.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    data : bytes
    sheet : str or None
        None takes the first with two rows of two cells, if there is one with the columns that are wanted.
    notes : list of str
        What was left out is added here.
    aside : bool, default=False
        Whether it is that of --static.
    wanted : list of str, default=()
        Columns.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ProblemError
        openpyxl is not installed, the file cannot be read, or there is no such sheet or table.
    """
    try:
        import openpyxl
    except ImportError:
        raise ProblemError(
            f"{name} is an Excel file, which needs openpyxl; or save it as CSV. Fix: pip install 'rnn-forecast[excel]'."
        ) from None
    option = "--static-sheet" if aside else "--sheet"
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [page.title for page in book.worksheets]
        if sheet is not None and sheet not in sheets:
            raise ProblemError(
                f"{option}: there is no sheet {shown(sheet, 30)}; the sheets are {listed(sheets)}."
                f"{close_to(sheet, sheets)}"
            )
        if not sheets:
            raise ProblemError(f"{name} has no sheet with cells.")
        grids = {title: _cells(book[title]) for title in ([sheet] if sheet is not None else sheets)}
        tables = [title for title, cells in grids.items() if _is_table(cells)] or list(grids)[:1]
        found = next((title for title in tables if _has(grids[title], wanted)), tables[0])
    except ProblemError:
        raise
    except Exception as error:  # openpyxl raises whatever the XML and its parts lead to
        raise ProblemError(f"{name} is not a readable Excel file: {shown(error, 80)}.") from None
    if sheet is None and len(sheets) > 1:
        first = listed(wanted) if wanted and _has(grids[found], wanted) else "a table"
        of = f" of {name}" if aside else ""
        notes.append(
            f"Sheet {shown(found)}{of} was read, the first with {first} of {listed(sheets)} (choose with {option})."
        )
    return _from_grid(name, grids[found], notes)


def _cells(page: Any) -> list[list[Any]]:
    return [list(row) for row in page.iter_rows(values_only=True)]


def _is_table(cells: list[list[Any]]) -> bool:
    return sum(sum(not _is_blank(cell) for cell in row) > 1 for row in cells) > 1


def _has(cells: list[list[Any]], wanted: Sequence[Any]) -> bool:
    """Whether a row of a sheet has the names of some columns."""
    names = {str(name) for name in wanted}
    return any(names <= {_as_text(cell) for cell in row} for row in cells[:80])


def _from_grid(name: str, grid: list[list[Any]], notes: list[str]) -> pd.DataFrame:
    """A table out of the cells of a sheet."""
    grid = [row for row in grid if any(not _is_blank(cell) for cell in row)]
    width = max((place + 1 for row in grid for place, cell in enumerate(row) if not _is_blank(cell)), default=0)
    if not width:
        raise ProblemError(f"{name} is empty; expected a header and rows.")
    records = [[_as_text(cell) for cell in row[:width]] for row in grid[:80]]
    header = find_header(name, records)
    if header.start:
        notes.append(f"{header.start} rows above the table were left out.")
    notes += header.notes
    rows = [row[:width] for row in grid[header.end :]]
    while len(rows) > 1 and width > 1 and sum(not _is_blank(cell) for cell in rows[-1]) == 1:
        notes.append(f"The last row, {shown(next(cell for cell in rows[-1] if not _is_blank(cell)))}, was left out.")
        rows.pop()
    if not rows:
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")
    rows = [[None if _is_blank(cell) else cell for cell in row] for row in rows]
    table = pd.DataFrame(rows, columns=unique_names(header.names, width)).infer_objects()
    table.attrs["twice"] = named_twice(header.names)
    return plain_cells(tidied(table))


def _as_text(cell: Any) -> str:
    return "" if _is_blank(cell) else str(cell).strip()


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
