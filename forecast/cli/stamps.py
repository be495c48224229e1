"""The time of the rows of a table: which column, in which form, in which zone; and rows in its order."""

import re

import numpy as np
import pandas as pd

from .problems import ProblemError, close_to
from .reading import find_columns

__all__ = ["in_time_order", "put_time_in_index", "read_stamps"]

# ISO 8601 first; then month before day, as pandas reads it, and day before month where that does not fit every row.
_DAYS = ("%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y")
_DAYS += ("%m/%d/%y", "%d/%m/%y", "%d.%m.%y")
_FORMS = ("ISO8601", "%Y%m%d", *(day + clock for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S")))
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_OFFSET = re.compile(r"\d\s?(Z|[+-]\d\d(:?\d\d)?)$")


def put_time_in_index(table, time=None, *, taken=(), form=None, zone=None, series=None, notes):
    """The table with its time as the index.

    Parameters
    ----------
    table : pandas.DataFrame
    time : str, default=None
        Column of the time, or several with commas between them (year,month,day,hour); None looks for one.
    taken : list of str, default=()
        Columns that are something else.
    form : str, default=None
        Of the stamps, such as "%d/%m/%Y"; None tries the usual ones.
    zone : str, default=None
        Stamps without an offset are wall time there; those with one are turned into it (None: into UTC).
    series : str, default=None
        Column that names the series: an hour that comes twice in autumn does so in each of them.
    notes : list of str
        What was chosen for the user is added here.

    Returns
    -------
    pandas.DataFrame
        With whole numbers as index where there are no dates.

    Raises
    ------
    ProblemError
    """
    if time is None:
        chosen = _found(table, taken)
    else:
        chosen = find_columns(table, [time], "--time")
    if not chosen:
        notes.append("No column holds dates: the rows are counted as steps (choose a column with --time).")
        return table
    if len(chosen) > 1:
        stamps, name = _assembled(table, chosen), "time"
        if time is None:
            notes.append(f"The time is put together from the columns {', '.join(chosen)}.")
    else:
        name = chosen[0]
        stamps = _column(table[name], name, form, notes)
        name = "time" if name.startswith("Unnamed: ") else name
    stamps = _in_zone(stamps, name, zone, None if series is None else table[series].to_numpy(), notes)
    return table.drop(columns=chosen).set_axis(pd.Index(stamps, name=name), axis=0)


def _found(table, taken):
    """The column that holds dates, or those that hold their parts; empty where there are none."""
    free = [column for column in table.columns if column not in taken]
    for column in free:
        values = table[column]
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            return [column]
        if not (pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)):
            start = values.dropna().iloc[:5]
            if len(start) and read_stamps(start)[0].notna().all():
                return [column]
    words = {column.casefold(): column for column in free}
    parts = [words[part] for part in _PARTS if part in words]
    whole = all(pd.api.types.is_integer_dtype(table[part].dtype) for part in parts)
    return parts if whole and {"year", "month", "day"} <= set(words) else []


def _assembled(table, columns):
    names = [column.casefold() for column in columns]
    if names != list(_PARTS[: len(names)]) or len(names) < 3:
        raise ProblemError(
            f"--time names the columns {columns}; expected one column of dates, or the columns {', '.join(_PARTS[:4])} "
            "in this order (three of them, or more)."
        )
    stamps = pd.DatetimeIndex(pd.to_datetime(table[columns].set_axis(names, axis=1), errors="coerce"))
    if stamps.isna().any():
        row = int(stamps.isna().argmax())
        raise ProblemError(f"the columns {columns} are no date in row {row + 1}: {table[columns].iloc[row].tolist()}.")
    return stamps


def _column(column, name, form, notes):
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = pd.DatetimeIndex(column)
        if stamps.hasnans:
            raise ProblemError(f"column {name!r} holds no date in row {int(stamps.isna().argmax()) + 1}.")
        return stamps
    if pd.api.types.is_integer_dtype(column.dtype):
        compact = column.between(10_000_101, 99_991_231).all()
        days = pd.to_datetime(column.astype(str), format="%Y%m%d", errors="coerce") if compact else None
        if form is None:
            return column.to_numpy() if days is None or days.isna().any() else pd.DatetimeIndex(days)
    stamps, others = read_stamps(column, form)
    missing = stamps.isna()
    if missing.any():
        row = int(missing.argmax())
        expected = f"dates of the form {form}" if form else "dates of one form, such as 2024-01-31 or 2024-01-31 13:00"
        raise ProblemError(
            f"column {name!r} holds {str(column.iloc[row])!r} in row {row + 1}; expected {expected}. Fix: choose "
            "another column with --time, give the form with --time-format, or mend the file."
        )
    if others:
        row = int((stamps != read_stamps(column, others[0])[0]).argmax())
        notes.append(
            f"The dates of column {name!r} fit two forms; {column.iloc[row]} was read as {stamps[row].date()} "
            f"(--time-format '{others[0]}' reads them the other way)."
        )
    return stamps


def read_stamps(column, form=None):
    """Text as stamps, NaT where it is none.

    Parameters
    ----------
    column : pandas.Series
    form : str, default=None
        None takes the form that fits most rows; of two that fit all, the one that puts the rows in time order, with
        regular steps.

    Returns
    -------
    stamps : pandas.DatetimeIndex
        Those with an offset come out in UTC.
    others : list of str
        Forms that fit all rows as well and mean other days.

    Examples
    --------
    >>> stamps, others = read_stamps(pd.Series(["01/02/2024", "01/03/2024", "01/04/2024", "01/05/2024"]))
    >>> str(stamps[1].date()), others
    ('2024-01-03', ['%d/%m/%Y'])
    """
    text = column.astype(str).str.strip()
    if form is not None:
        return _stamps(text, form, _OFFSET.search(text.iloc[0]) is not None and "%z" in form), []
    if _OFFSET.search(text.iloc[0]) and ":" in text.iloc[0]:
        return _stamps(text, "ISO8601", True), []
    fitting, best = [], None
    for form in _FORMS:
        stamps = _stamps(text, form, False)
        if stamps.notna().all():
            fitting.append((form, stamps))
            if form in _FORMS[:2]:
                break
        elif best is None or stamps.isna().sum() < best.isna().sum():
            best = stamps
    if not fitting:
        return best, []
    order = sorted(fitting, key=lambda pair: (not pair[1].is_monotonic_increasing, _irregular(pair[1])))
    chosen = order[0][1]
    return chosen, [form for form, stamps in order[1:] if not stamps.equals(chosen)]


def _irregular(stamps):
    return len(stamps) > 2 and stamps.is_unique and pd.DatetimeIndex(stamps, freq="infer").freq is None


def _stamps(text, form, zoned):
    return pd.DatetimeIndex(pd.to_datetime(text, format=form, errors="coerce", utc=zoned))


def _in_zone(stamps, name, zone, series, notes):
    if not isinstance(stamps, pd.DatetimeIndex):
        if zone is not None:
            raise ProblemError(f"--timezone is {zone!r}, but column {name!r} holds whole numbers and no dates.")
        return stamps
    if zone is None:
        if stamps.tz is not None and str(stamps.tz) == "UTC":
            notes.append(
                f"The stamps of column {name!r} are in UTC here (--timezone Europe/Paris, say, for another zone)."
            )
        return stamps
    if isinstance(zone, str):
        _refuse_unknown(zone)
    return stamps.tz_convert(zone) if stamps.tz is not None else _localized(stamps, name, zone, series)


def _refuse_unknown(zone):
    import zoneinfo

    known = zoneinfo.available_timezones()
    if zone not in known:
        near = close_to(zone, sorted(known))
        raise ProblemError(f"--timezone is {zone!r}, which is no zone; expected one such as Europe/Paris.{near}")


def _localized(stamps, name, zone, series):
    """Wall time of a zone; of an hour that comes twice in autumn, the order of the rows tells which is which."""
    keep = "last" if len(stamps) and stamps[0] > stamps[-1] else "first"
    rows = stamps if series is None else pd.MultiIndex.from_arrays([series, stamps])
    placed = stamps.tz_localize(zone, ambiguous=~rows.duplicated(keep), nonexistent="NaT")
    skipped = placed.isna()
    if skipped.any():
        raise ProblemError(
            f"column {name!r} is no wall time of --timezone {zone}: the clock skips {stamps[skipped.argmax()]} (row "
            f"{int(skipped.argmax()) + 1}). Fix: another zone; none, where the dates know no daylight saving time, or "
            "write the offsets into the file."
        )
    return placed


def in_time_order(frame, series, notes):
    """Rows in the order of time, of each series; with a note where they were not.

    Parameters
    ----------
    frame : pandas.DataFrame
    series : str or None
        Column that names the series.
    notes : list of str

    Returns
    -------
    pandas.DataFrame
    """
    index = frame.index
    if series is None and not index.is_unique:
        _refuse_repeated(frame)
    if index.is_monotonic_increasing:
        return frame
    if series is None:
        if index.is_monotonic_decreasing:
            notes.append("The file has the newest row first: the order was reversed.")
            return frame.iloc[::-1]
        row = int(np.argmax(index[1:] < index[:-1])) + 1
        notes.append(f"The rows are not in time order ({index[row]} comes after {index[row - 1]}): they were sorted.")
        return frame.sort_index(kind="stable")
    ordered = index.to_series().groupby(frame[series].to_numpy(), sort=False).is_monotonic_increasing
    if ordered.all():
        return frame
    notes.append(f"The rows of series {ordered.index[ordered.argmin()]!r} are not in time order: they were sorted.")
    return frame.sort_index(kind="stable")


def _refuse_repeated(frame):
    """Stamps that stand several times: hours of autumn, several series, or a mistake."""
    twice = frame.index[frame.index.duplicated()]
    text = [column for column in frame.columns if not pd.api.types.is_float_dtype(frame[column].dtype)]
    naming = [column for column in text if not pd.MultiIndex.from_arrays([frame.index, frame[column]]).has_duplicates]
    fix = "keep one row for each stamp"
    if naming:
        fix = f"--series {naming[0]!r}, which names a series in each of them, or keep one"
    elif isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is None and _autumn(twice):
        fix = "--timezone ZONE where these are the hours that come twice in autumn, or keep one row for each stamp"
    shown = ", ".join([*map(str, twice[:3]), *(["..."] if len(twice) > 3 else [])])
    rows = "1 row repeats" if len(twice) == 1 else f"{len(twice)} rows repeat"
    raise ProblemError(f"{rows} the time of another: {shown}; expected every stamp once. Fix: {fix}.")


def _autumn(stamps):
    """Whether these may be the hours that come twice when the clock goes back, north or south."""
    return bool(stamps.is_unique and (stamps.hour <= 3).all() and stamps.month.isin([3, 4, 9, 10, 11]).all())
