"""A series from a CSV file, with messages that help where the file is odd."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["CsvError", "read_series"]

# ISO 8601 first; then month before day, as pandas reads it, and day before month where that does not fit every row.
_DAYS = ("%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y")
_FORMS = ("ISO8601", "%Y%m%d", *(day + clock for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S")))


class CsvError(ValueError):
    """A file from which no series can be read, and why."""


def read_series(path, *, target=None, time=None):
    r"""Read one column of a CSV file and the time of its rows.

    Parameters
    ----------
    path : str or path
        Text in UTF-8 with a header; the separator is a comma, semicolon or tab.
    target : str, default=None
        Column to read; None takes the first numeric one that is not the time.
    time : str, default=None
        Column of the time; None takes the first column that holds dates, else the rows are counted.

    Returns
    -------
    frame : pandas.DataFrame of shape (rows, 1)
        The target as float64, NaN where the file has none, in ascending time.
    notes : list of str
        What was chosen for the user.

    Raises
    ------
    CsvError
        The file cannot be read, is empty, has no such column, or a column holds something else than expected.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rain.csv"
    ...     _ = path.write_text("day;rain\n2024-01-02;0,5\n2024-01-01;1,5\n")
    ...     frame, notes = read_series(path)
    >>> frame["rain"].tolist(), str(frame.index[0])
    ([1.5, 0.5], '2024-01-01 00:00:00')
    """
    table = _read_table(path)
    notes = []
    time, stamps = _time_of(table, time, target)
    if time is None:
        notes.append("No column holds dates: the rows are counted as steps (choose a column with --time).")
    target = _target_of(table, target, time, notes)
    frame = pd.DataFrame({target: _numbers(table[target], target)})
    if time is not None:
        frame.index = pd.Index(stamps, name=time)
        if len(frame) > 1 and frame.index.is_monotonic_decreasing:
            frame = frame.iloc[::-1]
            notes.append("The file has the newest row first: the order was reversed.")
    return frame, notes


def _read_table(path):
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as lines:
            head = [line for _, line in zip(range(20), lines, strict=False)]
        separator = max(",;\t", key=(head[0] if head else "").count)
        decimal = "," if separator != "," and any(re.search(r"\d,\d", line) for line in head[1:]) else "."
        table = pd.read_csv(path, sep=separator, decimal=decimal, encoding="utf-8-sig", skipinitialspace=True)
    except FileNotFoundError:
        raise CsvError(f"there is no file {str(path)!r}.") from None
    except OSError as error:
        raise CsvError(f"the file {str(path)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CsvError(f"the file {str(path)!r} is not text in UTF-8; expected a CSV file.") from None
    except pd.errors.EmptyDataError:
        raise CsvError(f"the file {str(path)!r} is empty; expected a header and rows.") from None
    except pd.errors.ParserError as error:
        raise CsvError(f"the file {str(path)!r} is not a regular table: {str(error).strip()}") from None
    if not len(table):
        raise CsvError(f"the file {str(path)!r} has no rows under its header, {list(table.columns)}.")
    return table


def _time_of(table, name, target):
    """Name and labels of the time; None where there are no dates."""
    if name is not None:
        if name not in table.columns:
            raise CsvError(f"--time is {name!r}, which is not a column; the columns are {list(table.columns)}.")
        if pd.api.types.is_integer_dtype(table[name].dtype):
            return name, table[name].to_numpy()
        return name, _dates(table[name], name)
    for column in table.columns:
        if column != target and _is_text(table[column]):
            start = table[column].dropna().iloc[:5]
            if len(start) and _parsed(start).notna().all():
                return column, _dates(table[column], column)
    return None, None


def _is_text(column):
    return not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype))


def _dates(column, name):
    """Every row as a stamp; the first that is none is named."""
    stamps = _parsed(column)
    missing = stamps.isna()
    if missing.any():
        row = int(missing.argmax())
        raise CsvError(
            f"column {name!r} holds {str(column.iloc[row])!r} in row {row + 1}; expected dates of one form, such as "
            "2024-01-31 or 2024-01-31 13:00. Fix: choose another column with --time, or mend the file."
        )
    return stamps


def _parsed(column):
    """Text as stamps in the form that fits most rows, NaT where it does not; stamps with an offset come out in UTC."""
    text = column.astype(str)
    if re.search(r"\d(Z|[+-]\d\d:?\d\d)$", text.iloc[0]):
        return pd.DatetimeIndex(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    best = None
    for form in _FORMS:
        stamps = pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce"))
        if stamps.notna().all():
            return stamps
        if best is None or stamps.isna().sum() < best.isna().sum():
            best = stamps
    return best


def _target_of(table, target, time, notes):
    others = [column for column in table.columns if column != time]
    if target is not None:
        if target not in table.columns:
            raise CsvError(f"there is no column {target!r}; the columns are {list(table.columns)}.")
        if target == time:
            raise CsvError(f"column {target!r} is the time of the rows; expected another one of {others} as --target.")
        return target
    numeric = [column for column in others if not _is_text(table[column])]
    if not numeric:
        raise CsvError(f"no column holds numbers to forecast; the columns are {list(table.columns)}.")
    if len(numeric) > 1:
        notes.append(f"Target is {numeric[0]!r}, the first numeric column of {numeric} (choose with --target).")
    return numeric[0]


def _numbers(column, name):
    if _is_text(column):
        bad = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        row = int(np.argmax(bad.to_numpy()))
        raise CsvError(
            f"column {name!r} holds text: {column.iloc[row]!r} in row {row + 1}, and {int(bad.sum())} such values in "
            "all; expected numbers. Fix: choose another column with --target, or mend the file."
        )
    numbers = column.to_numpy(dtype=np.float64)
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax()) + 1
        raise CsvError(f"column {name!r} has {int(infinite.sum())} infinite values, the first in row {row}.")
    return numbers
