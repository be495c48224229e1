"""A table from a file of text, JSON lines, Excel or Parquet, with messages that help where the file is odd."""

import io
import json
import re

import pandas as pd

from .layout import find_header, find_separator, records_of, without_footer
from .numerals import DOUBT, are_numerals, decimal_of, to_numbers
from .opening import PARQUET, ZIP, read_bytes
from .problems import ProblemError, close_to, listed, shown

__all__ = ["read_table"]

_BYTES = re.compile(rb"[\x80-\x9f]")  # what Windows-1252 has and ISO 8859-1 has not


def read_table(path, missing=(), decimal=None, sheet=None):
    r"""Read a table with a header.

    Parameters
    ----------
    path : str or path
        CSV, JSON lines, Excel (xlsx) or Parquet, also in gzip, bzip2, xz or zip. Text in UTF-8 (UTF-16 with its mark;
        else Latin-1), separated by comma, semicolon, tab, bar or blanks. "-" is the standard input.
    missing : list of str, default=()
        Cells that mean no value, besides the usual ones (empty, NA, NaN, null).
    decimal : str, default=None
        "." or "," in text; None takes the one that the cells show.
    sheet : str, default=None
        Of an Excel file; None takes the first.

    Returns
    -------
    table : pandas.DataFrame
        With a plain index; what Parquet has as an index are columns.
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
    notes = []
    excel = data.startswith(ZIP)
    if sheet is not None and not excel:
        raise ProblemError(f"--sheet is for Excel files; {name} is none. Fix: leave --sheet out.")
    if data[:4] == PARQUET or excel:
        if decimal is not None:
            raise ProblemError(f"--decimal is for text; {name} holds numbers already. Fix: leave --decimal out.")
        table = _excel(name, data, sheet, notes) if excel else _parquet(name, data)
        table = _without(table, missing, notes)
    else:
        text = _text(name, data, notes)
        if text.lstrip()[:1] in ("{", "["):
            table = _without(_json(name, text), missing, notes)
        else:
            table = _csv(name, text, missing, decimal, notes)
    return table.reset_index(drop=True), notes


def _parquet(name, data):
    try:
        import pyarrow  # noqa: F401  (pandas' own message says less)
    except ImportError:
        raise ProblemError(
            f"{name} is Parquet, which needs pyarrow, and that is not installed. Fix: pip install pyarrow."
        ) from None
    try:
        table = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    except (OSError, ValueError) as error:
        raise ProblemError(f"{name} is no Parquet file that can be read: {shown(error, 80)}.") from None
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index(names=[name or "time" for name in table.index.names])
    if not len(table):
        raise ProblemError(f"{name} has no rows; its columns are {listed(table.columns)}.")
    table.columns = [" ".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in table.columns]
    return _plain(_marked(table))


def _excel(name, data, sheet, notes):
    try:
        import openpyxl
    except ImportError:
        raise ProblemError(
            f"{name} is an Excel file, which needs openpyxl. Fix: pip install 'rnn-forecast[excel]', or save it as CSV."
        ) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [page.title for page in book.worksheets]
        if sheet is not None and sheet not in sheets:
            raise ProblemError(
                f"--sheet: there is no sheet {shown(sheet, 30)}; the sheets are {listed(sheets)}."
                f"{close_to(sheet, sheets)}"
            )
        if not sheets:
            raise ProblemError(f"{name} has no sheet with cells.")
        grid = [list(row) for row in book[sheet or sheets[0]].iter_rows(values_only=True)]
    except ProblemError:
        raise
    except Exception as error:  # openpyxl raises whatever the XML and its parts lead to
        raise ProblemError(f"{name} is no Excel file that can be read: {shown(error, 80)}.") from None
    if sheet is None and len(sheets) > 1:
        notes.append(f"Sheet {shown(sheets[0])} was read, the first of {listed(sheets)} (choose with --sheet).")
    return _from_grid(name, grid, notes)


def _from_grid(name, grid, notes):
    """A table out of the cells of a sheet."""
    grid = [row for row in grid if any(not _blank(cell) for cell in row)]
    width = max((place + 1 for row in grid for place, cell in enumerate(row) if not _blank(cell)), default=0)
    if not width:
        raise ProblemError(f"{name} is empty; expected a header and rows.")
    records = [[_as_text(cell) for cell in row[:width]] for row in grid[:80]]
    header = find_header(name, records)
    if header.start:
        notes.append(f"{header.start} rows above the table were left out.")
    notes += header.notes
    rows = [row[:width] for row in grid[header.end :]]
    while len(rows) > 1 and width > 1 and sum(not _blank(cell) for cell in rows[-1]) == 1:
        notes.append(f"The last row, {shown(next(cell for cell in rows[-1] if not _blank(cell)))}, was left out.")
        rows.pop()
    if not rows:
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")
    rows = [[None if _blank(cell) else cell for cell in row] for row in rows]
    table = pd.DataFrame(rows, columns=_unique(header.names, width)).infer_objects()
    table.attrs["twice"] = _twice(header.names)
    return _plain(_tidied(table))


def _blank(cell):
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _as_text(cell):
    return "" if _blank(cell) else str(cell).strip()


def _json(name, text):
    """Records, one on each line or in one list."""
    if text.lstrip().startswith("["):
        try:
            records = json.loads(text)
        except ValueError as error:
            raise ProblemError(f"{name} is no JSON that can be read: {shown(error, 80)}.") from None
    else:
        records = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                records += [json.loads(line)] if line.strip() else []
            except ValueError:
                raise ProblemError(
                    f"{name} is no JSON with a record on each line: line {number} is {shown(line.strip(), 40)}."
                ) from None
    if not records or not all(isinstance(record, dict) for record in records):
        raise ProblemError(f"{name} is JSON, but no list of records such as {{'when': '2024-01-31', 'load': 1.5}}.")
    if len(records) == 1 and any(isinstance(value, (list, dict)) for value in records[0].values()):
        raise ProblemError(f"{name} is one JSON object with {listed(records[0], 60)}; expected a record for each row.")
    table = pd.json_normalize(records)
    table.columns = table.columns.astype(str)
    return _plain(table)


def _plain(table):
    """Lists, dicts, dates and times of day in cells as text: every cell is a number, text or a stamp."""
    for column in table.columns:
        if table[column].dtype == object:
            odd = table[column].map(
                lambda cell: isinstance(cell, (list, dict, set, tuple)) or hasattr(cell, "isoformat")
            )
            if odd.any():
                table[column] = table[column].map(lambda cell: cell if _none(cell) else str(cell))
        elif isinstance(table[column].dtype, pd.PeriodDtype):
            table[column] = table[column].dt.to_timestamp()
    return table


def _none(cell):
    return cell is None or (isinstance(cell, float) and cell != cell) or cell is pd.NaT


def _without(table, missing, notes):
    """The table with no value where a cell is one of `missing`."""
    for mark in missing:
        number = pd.to_numeric(mark, errors="coerce")
        same = table.eq(mark) if pd.isna(number) else table.eq(number) | table.eq(mark)
        if not same.to_numpy().any():
            notes.append(_unmet(mark))
        table = table.mask(same)
    return table


def _unmet(mark):
    return f"No cell is {shown(mark)} (--na)."


def _text(name, data, notes):
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


def _csv(name, text, missing, decimal, notes):
    separator = find_separator(text)
    if separator == " ":
        text, separator = re.sub(r"[ \t]+", "\t", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)), "\t"
    records, lines = records_of(text, separator)
    if not records:
        raise ProblemError(f"{name} is not a regular table of text; expected a header and rows.")
    header = find_header(name, records)
    if len(records) <= header.end:
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")
    if header.start:
        notes.append(f"The table begins in line {lines[header.start]}: the lines above it were left out.")
    notes += header.notes
    text, footer = without_footer(text, separator, len(header.names))
    if footer is not None:
        notes.append(f"The lines after the table were left out: {shown(footer, 60)}.")
    width = max(len(header.names), max(len(record) for record in records[header.end :]))
    extra = [record[len(header.names) :] for record in records[header.end :]]
    if any(any(cells) for cells in extra):
        raise ProblemError(f"{name} is not a regular table: its rows have more cells than its header has names.")
    names = _unique(header.names, width)
    options = {
        "sep": separator, "header": None, "names": names, "index_col": False, "skipinitialspace": True,
        "na_values": list(missing), "low_memory": False,
    }  # fmt: skip
    text = "".join(text.split("\n", lines[header.end - 1])[lines[header.end - 1] :])
    table = _parsed(name, text, options)
    table.attrs["twice"] = _twice(header.names)
    if missing:
        _note_unmet(table, text, missing, separator, notes)
    table = _tidied(table)
    if not len(table):
        raise ProblemError(f"{name} has no rows under its header, {listed(header.names)}.")
    return _with_numbers(table, lambda columns: _parsed(name, text, options | {"dtype": dict.fromkeys(columns, str)}),
                         separator, decimal, notes)  # fmt: skip


def _parsed(name, text, options):
    try:
        return pd.read_csv(io.StringIO(text), **options)
    except pd.errors.EmptyDataError:
        raise ProblemError(f"{name} has no rows under its header, {listed(options['names'])}.") from None
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise ProblemError(f"{name} is not a regular table: {shown(str(error).strip(), 90)}.") from None


def _note_unmet(table, text, missing, separator, notes):
    for mark in missing:
        if mark not in text:
            notes.append(_unmet(mark))


def _unique(names, width):
    """Names for `width` columns: those of the header, and as pandas does where one is missing or comes twice."""
    found = []
    for place in range(width):
        name = names[place] if place < len(names) and names[place] else f"Unnamed: {place}"
        number, plain = 0, name
        while name in found:
            number += 1
            name = f"{plain}.{number}"
        found.append(name)
    return found


def _twice(names):
    return sorted({name for name in names if name and names.count(name) > 1})


def _tidied(table):
    """Without rows and unnamed columns in which every cell is empty."""
    empty = table.isna()
    rows = empty.all(axis=1)
    unnamed = [column for column in table.columns if column.startswith("Unnamed: ") and empty[column].all()]
    attrs = table.attrs
    table = (table[~rows] if rows.any() else table).drop(columns=unnamed)
    table.attrs = attrs
    return table


def _with_numbers(table, again, separator, decimal, notes):
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
            _reread(table, column, written[column], sure, notes)
    for column, values in text.items():
        mark = decimal or marks[column]
        if mark == DOUBT:
            mark = sure or DOUBT
            if mark == "." and decimal is None:
                cell = values.dropna().loc[lambda cells: cells.astype(str).str.contains(",")].iloc[0]
                notes.append(
                    f"The commas of column {shown(column)} separate thousands, as in {cell} (else: --decimal ,)."
                )
        if mark in (".", ","):
            table[column] = _whole(to_numbers(values, mark))
    return table


def _all_numerals(values):
    there = values.dropna()
    return len(there) > 0 and bool(are_numerals(there.iloc[:50]).all()) and bool(are_numerals(there).all())


def _may_be_thousands(values):
    """Floats with at most three decimals, among which are whole numbers of one to three digits."""
    there = values.dropna()
    whole = there == there.round()
    return bool(((there * 1000).round(6) % 1 == 0).all() and whole.any() and not whole.all())


def _reread(table, column, written, sure, notes):
    """Points that separate thousands: every cell with one has three digits after it."""
    cells = written.dropna().str.strip()
    pointed = cells.str.contains(".", regex=False)
    grouped = cells[pointed].str.fullmatch(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+")
    if not pointed.any() or not grouped.all():
        return
    if sure != ",":
        plain = cells[~pointed]
        if not plain.str.fullmatch(r"[-+]?\d{1,3}").all() or not plain.str.fullmatch(r"[-+]?\d{3}").any():
            return
        cell = cells[pointed].iloc[0]
        notes.append(f"The points of column {shown(column)} separate thousands, as in {cell} (else: --decimal .).")
    table[column] = _whole(to_numbers(written, ","))


def _whole(numbers):
    """Whole numbers as such, where every cell is one."""
    values = numbers.dropna()
    if len(values) == len(numbers) and (values == values.round()).all() and (values.abs() < 2**53).all():
        return numbers.astype("int64")
    return numbers


def _marked(table):
    table.attrs.setdefault("twice", [])
    return table
