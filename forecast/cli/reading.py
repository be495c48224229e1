"""A table from a CSV or Parquet file, or from the standard input, with messages that help where the file is odd."""

import csv
import gzip
import io
import re
import sys
from pathlib import Path

import pandas as pd

from .problems import ProblemError, close_to

__all__ = ["find_columns", "first_number", "read_numbers", "read_table"]

_PARQUET = b"PAR1"
_BYTES = re.compile(rb"[\x80-\x9f]")  # what Windows-1252 has and ISO 8859-1 has not


def read_table(path, missing=()):
    r"""Read a table whose first row names the columns.

    Parameters
    ----------
    path : str or path
        Parquet; or text, also gzip'd, in UTF-8 (UTF-16 with its mark; else Latin-1), separated by comma, semicolon or
        tab, with a decimal comma where that is seen. "-" is the standard input.
    missing : list of str, default=()
        Cells that mean no value, beside the usual ones (empty, NA, NaN, null).

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
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rain.csv"
    ...     _ = path.write_text("day;rain\n2024-01-02;0,5\n2024-01-01;1,5\n")
    ...     table, notes = read_table(path)
    >>> table["rain"].tolist(), notes
    ([0.5, 1.5], [])
    """
    name, data = _bytes(path)
    if data[:4] == _PARQUET:
        return _parquet(name, data, missing), []
    text, notes = _text(name, data)
    return _csv(name, text, missing), notes


def _bytes(path):
    if str(path) == "-":
        return "the standard input", _unpacked("the standard input", sys.stdin.buffer.read())
    name, path = f"the file {str(path)!r}", Path(path)
    try:
        return name, _unpacked(name, path.read_bytes())
    except FileNotFoundError:
        folder = path.absolute().parent
        near = close_to(path.name, sorted(other.name for other in folder.iterdir()), 1) if folder.is_dir() else ""
        raise ProblemError(f"there is no file {str(path)!r}.{near}") from None
    except IsADirectoryError:
        raise ProblemError(f"{str(path)!r} is a folder; it cannot be read as a file. Fix: name a file in it.") from None
    except OSError as error:
        raise ProblemError(f"{name} cannot be read: {error.strerror}.") from None


def _unpacked(name, data):
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise ProblemError(f"{name} is damaged: {error}.") from None
    if not data.strip():
        raise ProblemError(f"{name} is empty; expected a header and rows.")
    return data


def _parquet(name, data, missing):
    try:
        import pyarrow  # noqa: F401  (pandas' own message says less)
    except ImportError:
        raise ProblemError(
            f"{name} is Parquet, which needs pyarrow, and that is not installed. Fix: pip install pyarrow, or "
            "a CSV file."
        ) from None
    try:
        table = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    except (OSError, ValueError) as error:
        raise ProblemError(f"{name} is no Parquet file that can be read: {error}.") from None
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index(names=[name or "time" for name in table.index.names])
    if not len(table):
        raise ProblemError(f"{name} has no rows; its columns are {list(table.columns)}.")
    table.columns = table.columns.astype(str)
    for mark in missing:
        number = pd.to_numeric(mark, errors="coerce")
        table = table.mask(table.eq(mark) if pd.isna(number) else table.eq(number) | table.eq(mark))
    return table


def _text(name, data):
    """The text of a file, and a note where its encoding was taken for granted."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16"), []
        except UnicodeDecodeError:
            data = b"\0"
    if b"\0" in data:
        raise ProblemError(f"{name} is not text in UTF-8; expected a CSV or Parquet file.")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return data.decode("cp1252" if _BYTES.search(data) else "latin-1", errors="replace"), [
            f"{name} is not in UTF-8 (line {line}): its letters were read as Latin-1."
        ]


def _csv(name, text, missing):
    first = next(line for line in text.splitlines() if line.strip())
    separator = max(",;\t", key=first.count)
    between = re.escape(separator)
    comma = rf"(?:^|{between})[ \"]*[-+]?\d*,\d+(?:[eE][-+]?\d+)?[ \"]*(?={between}|\r?$)"
    decimal = "," if separator != "," and re.search(comma, text, re.MULTILINE) else "."
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, decimal=decimal, skipinitialspace=True, na_values=list(missing),
            low_memory=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise ProblemError(f"{name} is not a regular table: {str(error).strip()}.") from None
    if not len(table):
        raise ProblemError(f"{name} has no rows under its header, {list(table.columns)}.")
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes columns without a name at the left for an index
        raise ProblemError(f"{name} is not a regular table: its rows have more cells than its header has names.")
    header = next(csv.reader([first], delimiter=separator, skipinitialspace=True))
    table.attrs["twice"] = sorted({column for column in header if header.count(column) > 1})
    return table.rename(columns={column: str(column).strip() for column in table.columns})


def find_columns(table, names, option):
    """Columns that an option names, each by itself or several with commas between them.

    Parameters
    ----------
    table : pandas.DataFrame
    names : list of str or None
    option : str
        For the message.

    Returns
    -------
    list of str

    Raises
    ------
    ProblemError
        There is no such column, or the name stands several times in the header.
    """
    found = []
    for name in names or ():
        parts = [name] if name in table.columns else [part.strip() for part in name.split(",")]
        for part in parts:
            if part not in table.columns:
                raise ProblemError(
                    f"{option}: there is no column {part!r}; the columns are {_listed(table.columns)}."
                    f"{close_to(part, table.columns)}"
                )
            if part in table.attrs.get("twice", ()):
                raise ProblemError(
                    f"{option}: column {part!r} stands several times in the header; expected once. Fix: rename one."
                )
        found += parts
    return list(dict.fromkeys(found))


def _listed(columns, limit=20):
    shown = ", ".join(repr(str(column)) for column in columns[:limit])
    return f"[{shown}]" if len(columns) <= limit else f"[{shown}, ... ({len(columns)} in all)]"


def first_number(frame, taken, notes):
    """The first numeric column that has no other role.

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
    numeric = [
        column
        for column in frame.columns
        if column not in taken
        and pd.api.types.is_numeric_dtype(frame[column].dtype)
        and not pd.api.types.is_bool_dtype(frame[column].dtype)
    ]
    if not numeric:
        raise ProblemError(f"no column holds numbers to forecast; the columns are {list(frame.columns)}.")
    if len(numeric) > 1:
        notes.append(
            f"Target is {numeric[0]!r}, the first numeric column of {_listed(numeric, 5)} (choose with --target)."
        )
    return numeric[0]


def read_numbers(column, name, option="--target"):
    """A column as float64; text and infinite numbers in it are refused by their row.

    Parameters
    ----------
    column : pandas.Series
    name : str
    option : str, default="--target"
        That named the column.

    Returns
    -------
    ndarray of shape (rows,), float64
        NaN where a cell is empty.

    Raises
    ------
    ProblemError
    """
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)):
        bad = (pd.to_numeric(column, errors="coerce").isna() & column.notna()).to_numpy()
        if not bad.any():  # numbers as objects, or a column without any value
            return pd.to_numeric(column).to_numpy(dtype="float64", na_value=float("nan"))
        row = int(bad.argmax())
        mark = str(column.iloc[row])
        raise ProblemError(
            f"column {name!r} holds text: {mark!r} in row {row + 1}, and {int(bad.sum())} such values in all; expected "
            f"numbers. Fix: --na {_quoted(mark)} where that means no value, another column with {option}, or mend the "
            "file."
        )
    numbers = column.to_numpy(dtype="float64", na_value=float("nan"))
    infinite = abs(numbers) == float("inf")
    if infinite.any():
        row = int(infinite.argmax()) + 1
        raise ProblemError(f"column {name!r} has {int(infinite.sum())} infinite values, the first in row {row}.")
    return numbers


def _quoted(text):
    return text if re.fullmatch(r"[\w./]+", text) else f"'{text}'"
