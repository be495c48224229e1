"""A table from a file of text, JSON lines, Excel or Parquet, with messages that help where the file is odd."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pandas as pd

from .layout import plain_cells
from .numerals import as_numbers
from .opening import PARQUET, ZIP, read_bytes
from .problems import ProblemError, listed, shown
from .separated import read_separated, unmet
from .sheets import read_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["read_table"]

_BYTES = re.compile(rb"[\x80-\x9f]")  # what Windows-1252 has and ISO 8859-1 has not


def read_table(
    path: str,
    missing: Sequence[str] = (),
    decimal: str | None = None,
    sheet: str | None = None,
    aside: bool = False,
    wanted: Sequence[Any] = (),
) -> tuple[pd.DataFrame, list[str]]:
    r"""Read a table with a header.

    Parameters
    ----------
    path : str or path
        CSV, JSON lines, Excel (xlsx) or Parquet, also in gzip, bzip2, xz or zip. Text in UTF-8 (UTF-16 with its mark;
        else Latin-1), separated by comma, semicolon, tab, bar or blanks. "-" is the standard input.
    missing : list of str, default=()
        Cells that mean a missing value, in addition to the usual ones (empty, NA, NaN, null).
    decimal : str, default=None
        "." or "," in text; None takes the one that the cells show.
    sheet : str, default=None
        Sheet of an Excel file; None takes the first.
    aside : bool, default=False
        A table that goes with another, for which `decimal` was given: it need not be text.
    wanted : list of str, default=()
        Columns of the sheet to read, for a table that belongs to another.

    Returns
    -------
    table : pandas.DataFrame
        Table with a plain index; what Parquet has as an index are columns.
    notes : list of str
        What was taken for granted.

    Raises
    ------
    ProblemError
        The file cannot be read, is empty or no table.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rain.csv"
    ...     _ = path.write_text("day;rain\n2024-01-02;1.000,5\n2024-01-01;1,5\n")
    ...     table, notes = read_table(path)
    >>> table["rain"].tolist(), notes
    ([1000.5, 1.5], [])
    """
    name, data = read_bytes(path)
    notes: list[str] = []
    excel = data.startswith(ZIP)
    if sheet is not None and not excel:
        option = "--static-sheet" if aside else "--sheet"
        raise ProblemError(f"{option} is for Excel files; {name} is not one. Leave {option} out.")
    if data[:4] == PARQUET or excel:
        if decimal is not None and not aside:
            raise ProblemError(f"--decimal is for text; {name} holds numbers already. Leave --decimal out.")
        table = read_sheet(name, data, sheet, notes, aside, wanted) if excel else _parquet(name, data)
        table = _without(table, missing, notes)
    else:
        text = _text(name, data, notes)
        if text.lstrip()[:1] in ("{", "["):
            table = _without(_json(name, text), missing, notes)
        else:
            table = read_separated(name, text, missing, decimal, notes)
    return table.reset_index(drop=True), notes


def _parquet(name: str, data: bytes) -> pd.DataFrame:
    try:
        import pyarrow  # noqa: F401  (pandas' own message says less)
    except ImportError:
        raise ProblemError(
            f"{name} is Parquet, which needs pyarrow, and that is not installed. Fix: pip install pyarrow."
        ) from None
    try:
        table = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    except (OSError, ValueError) as error:
        raise ProblemError(f"{name} is not a readable Parquet file: {shown(error, 80)}.") from None
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index(names=[name or "time" for name in table.index.names])
    if not len(table):
        raise ProblemError(f"{name} has no rows; its columns are {listed(table.columns)}.")
    table.columns = [" ".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in table.columns]
    return plain_cells(table)


def _json(name: str, text: str) -> pd.DataFrame:
    """Records, one on each line or in one list."""
    if text.lstrip().startswith("["):
        try:
            records = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProblemError(f"{name} is not readable JSON: {shown(error, 80)}.") from None
    else:
        records = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                records += [json.loads(line)] if line.strip() else []
            except (ValueError, RecursionError):
                raise ProblemError(
                    f"{name} does not hold one JSON record per line: line {number} is {shown(line.strip(), 40)}."
                ) from None
    if not records or not all(isinstance(record, dict) for record in records):
        raise ProblemError(f"{name} is JSON, but no list of records such as {{'when': '2024-01-31', 'load': 1.5}}.")
    if len(records) == 1 and any(isinstance(value, (list, dict)) for value in records[0].values()):
        raise ProblemError(f"{name} is one JSON object with {listed(records[0], 60)}; expected a record for each row.")
    table = pd.json_normalize(records)
    table.columns = table.columns.astype(str)
    return plain_cells(table)


def _without(table: pd.DataFrame, missing: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """The table with no value where a cell is one of `missing`."""
    for mark in missing:
        number = as_numbers(mark)
        same = table.eq(mark) if pd.isna(number) else table.eq(number) | table.eq(mark)
        if not same.to_numpy().any():
            notes.append(unmet(mark))
        table = table.mask(same)
    return table


def _text(name: str, data: bytes, notes: list[str]) -> str:
    """The text of a file, with a note where its encoding was taken for granted."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            data = b"\0"
    if b"\0" in data:
        raise ProblemError(f"{name} is not text in UTF-8; expected CSV, JSON lines, Excel or Parquet.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        notes.append(f"{name} is not in UTF-8 (line {line}): its letters were read as Latin-1.")
        text = data.decode("cp1252" if _BYTES.search(data) else "latin-1", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
