"""The time of the rows of a table: which column, in which zone; and rows in its order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .clocks import (
    TIME_NAMES,
    dates_of,
    find_clock,
    find_parts,
    folded,
    is_clock,
    part_of,
    put_together,
    speaks_of_time,
)  # fmt: skip
from .columns import find_columns, is_counter
from .dates import UNITS, checked_form, numbers_as_stamps, read_stamps
from .forms import looks_like_date
from .numerals import as_numbers
from .problems import ProblemError, close_to, listed, shown
from .wide import refuse_wide

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from .._types import Booleans

__all__ = ["in_time_order", "put_time_in_index"]

COUNTED = "No column holds dates: the rows are counted as steps (choose a column with --time)."


def put_time_in_index(
    table: pd.DataFrame,
    time: str | None = None,
    *,
    taken: Sequence[Any] = (),
    form: str | None = None,
    zone: str | None = None,
    series: Sequence[Any] = (),
    earlier: Any = None,
    ends: Any = None,
    notes: list[str],
) -> pd.DataFrame:
    """The table with its time as the index.

    Parameters
    ----------
    table : pandas.DataFrame
    time : str, default=None
        Column of the time, or several with commas between them (Date,Time; year,month,day,hour); "none" counts the
        rows; None looks for one.
    taken : list of str, default=()
        Columns that are something else.
    form : str, default=None
        Format of the stamps, such as "%d/%m/%Y", or s, ms, us, ns since 1970; None tries the usual ones.
    zone : str, default=None
        Stamps without an offset are wall time there; those with one are turned into it (None: into UTC).
    series : list of str, default=()
        Columns that name the series: an hour that comes twice in autumn does so in each of them.
    earlier : pandas.Index, default=None
        The time of earlier rows: what it was called, whether it had clocks, and which of two days a date may be.
    ends : dict, default=None
        The newest known stamp of each series, by its name as text, where the rows follow these.
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
    form = None if form is None else checked_form(form)
    near = _last(earlier)
    if time == "none" and "none" not in table.columns:
        chosen = []
        if form is not None:
            raise ProblemError("--time-format is for dates; got --time none. Leave one of them out.")
        notes.append("The rows are counted as steps (--time none).")
    elif time is not None:
        chosen = find_columns(table, [time], "--time")
    else:
        chosen = _found(table, taken, form, list(series), earlier, notes)
        if not chosen:
            notes.append(COUNTED)
    if not chosen:
        if zone is not None:
            raise ProblemError(f"--timezone is {shown(zone)}, but no column of the file holds dates.")
        return table
    if len(chosen) > 1:
        stamps, name = put_together(table, chosen, form, notes, near), "time"
        if time is None:
            notes.append(f"The time is put together from the columns {', '.join(chosen)}.")
    else:
        name = chosen[0]
        stamps = _column(table[name], name, form, near, notes)
        name = "time" if name.startswith("Unnamed: ") else name
    keys = [table[key].to_numpy() for key in series]
    stamps = _in_zone(stamps, name, zone, keys, ends or {}, notes)
    return table.drop(columns=chosen).set_axis(pd.Index(stamps, name=name), axis=0)


def _last(earlier: Any) -> pd.Timestamp | None:
    """The newest of earlier stamps, as a clock there shows it; None where there are none."""
    if isinstance(earlier, pd.PeriodIndex):
        earlier = earlier.to_timestamp()
    if not isinstance(earlier, pd.DatetimeIndex) or not len(earlier):
        return None
    return earlier.max().tz_localize(None)


def _found(
    table: pd.DataFrame, taken: Sequence[Any], form: str | None, series: Sequence[Any], earlier: Any, notes: list[str]
) -> Any:
    """The columns that hold the time; empty where the rows can only be counted."""
    before = None if earlier is None else earlier.name
    clocks = isinstance(earlier, pd.DatetimeIndex) and bool((earlier != earlier.normalize()).any())
    free = [column for column in table.columns if column not in taken]
    free.sort(key=lambda column: column != before)
    dates = [column for column in free if _holds_dates(table[column], column, form)]
    if form is not None and not dates:
        raise ProblemError(
            f"--time-format {shown(form, 30)} fits no column; the columns are {listed(free, 60)}. Choose the "
            "column with --time."
        )
    if before in free and before not in dates and not (dates and is_clock(table[before])):
        return [before]
    if dates:
        first = _best_of(table, dates, form, series, notes)
        if form is not None:
            return [first]
        stamps = dates_of(table[first], first)
        others = [column for column in free if column not in dates]
        return [first, *find_clock(table, stamps, others, series, clocks)]
    parts = find_parts(table, free, series)
    if parts:
        return parts
    refuse_wide(table)
    for column in free:
        _refuse_unread(table[column], column)
    return _whole_numbers(table, free, series)[:1]


def _holds_dates(values: pd.Series, name: str, form: str | None) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype) or not values.notna().any():
        return False
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return form is None
    if form in UNITS and not as_numbers(values).between(*UNITS[form]).all():
        return False
    if form is not None:
        return all(bool(_read_as(part, form)[0].notna().all()) for part in (values.iloc[:50], values))
    values = _weekly(values, name)
    if pd.api.types.is_numeric_dtype(values.dtype) or _digits(values):
        named = speaks_of_time(name) and part_of(name) in (None, "month", "period", "quarter")
        return all(numbers_as_stamps(part, named)[0] is not None for part in (values.iloc[:50], values))
    return all(map(looks_like_date, values.dropna().iloc[:5].astype(str)))


def _weekly(values: pd.Series, name: str) -> pd.Series:
    """Weeks such as 202305 or 2023-05 as 2023-W05, where the name says that they are weeks."""
    if part_of(name) != "week" or pd.api.types.is_float_dtype(values.dtype):
        return values
    text = values.astype(str)
    weeks = text.str.fullmatch(r"(?:19|20)\d\d-?[0-5]\d").all()
    return text.str.replace(r"^(\d{4})-?", r"\1-W", regex=True) if weeks else values


def _digits(values: pd.Series) -> bool:
    return bool(values.notna().all() and values.iloc[:5].astype(str).str.fullmatch(r"\d{6,20}").all())


def _read_as(values: pd.Series, form: str | None) -> tuple[pd.DatetimeIndex, list[Any]]:
    """Values in a form that was given; whole numbers that pandas holds as floats lose their .0."""
    if form in UNITS:
        number = as_numbers(values)
        return read_stamps(number.where(number.abs() < UNITS[form][1]), form)
    if pd.api.types.is_float_dtype(values.dtype) and np.isfinite(values).all() and (values == values.round()).all():
        values = values.astype("int64")
    if pd.api.types.is_integer_dtype(values.dtype):  # 1022024 was 01022024
        values = values.astype(str).str.zfill(len(pd.Timestamp("2024-11-23 22:33:44").strftime(form)))
    return read_stamps(values, form)


def _best_of(table: pd.DataFrame, dates: list[str], form: str | None, series: Sequence[Any], notes: list[str]) -> Any:
    """Of several columns of dates the first that tells the rows of a series apart, or else the first."""
    if len(dates) == 1:
        return dates[0]
    keys = [table[key].to_numpy() for key in series]
    chosen = dates[0]
    for column in dates:
        if not pd.MultiIndex.from_arrays([*keys, table[column].to_numpy(), np.zeros(len(table))]).has_duplicates:
            chosen = column
            break
    notes.append(f"The time is column {shown(chosen)}, of the columns of dates {listed(dates, 60)} (--time chooses).")
    return chosen


def _refuse_unread(values: pd.Series, name: str) -> None:
    """A column that is plainly meant as the time, and cannot be read as such."""
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    start = values.dropna()
    if not len(start):
        return
    meant = folded(name) in ("date", "datetime", "timestamp", "datum", "fecha", "ds", "epoch", "unixtime")
    text = not numeric and speaks_of_time(name) and bool(start.iloc[:5].astype(str).str.contains(r"\d").all())
    if (meant and not (numeric and is_counter(values))) or text:
        raise ProblemError(
            f"column {shown(name)} holds {shown(start.iloc[0], 30)}, no date of a known form. Give its form with "
            "--time-format, or another column with --time, or count the rows with --time none."
        )


def _whole_numbers(table: pd.DataFrame, free: list[str], series: Sequence[Any]) -> list[Any]:
    """Columns that count time in whole numbers, such as years: named so, with the same step from each to the next."""
    found = []
    for name in free:
        column, part = table[name], part_of(name)
        named = folded(name) in TIME_NAMES | {"t", "step", "period"} or part in ("year", "day", "week", "period")
        if not named or not pd.api.types.is_integer_dtype(column.dtype):
            continue
        rows = pd.MultiIndex.from_arrays([*(table[key].to_numpy() for key in series), column.to_numpy()])
        regular = part == "year" or len(set(np.diff(np.unique(column.to_numpy())))) == 1
        if regular and (part == "year" or not rows.has_duplicates):
            found.append(name)
        elif (folded(name) in TIME_NAMES or part == "week") and not rows.has_duplicates:
            raise ProblemError(
                f"column {shown(name)} holds {', '.join(map(str, column.iloc[:2]))}, ..., no dates of a known form and "
                "no regular steps. Give its form with --time-format, or count the rows with --time none."
            )
    return found


def _column(column: pd.Series, name: str, form: str | None, near: Any, notes: list[str]) -> Any:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if form is not None:
            raise ProblemError(f"--time-format is for text; column {shown(name)} holds dates already. Leave it out.")
        stamps = pd.DatetimeIndex(column)
        if stamps.hasnans:
            raise ProblemError(f"column {shown(name)} holds no date in row {int(stamps.isna().argmax()) + 1}.")
        return stamps
    column = _weekly(column, name) if form is None else column
    if form is None and (pd.api.types.is_numeric_dtype(column.dtype) or _digits(column)):
        stamps, words = numbers_as_stamps(column, part_of(name) in (None, "month", "period", "quarter"))
        if stamps is not None:
            if words:
                notes.append(f"Column {shown(name)} was read as {words}: row 1 is {stamps[0]}.")
            return stamps
        if pd.api.types.is_integer_dtype(column.dtype):
            return column.to_numpy()
    stamps, others = read_stamps(column, near=near) if form is None else _read_as(column, form)
    missing = stamps.isna()
    if missing.any():
        row = int(missing.argmax())
        if pd.isna(column.iloc[row]):
            raise ProblemError(f"column {shown(name)} is empty in row {row + 1}; expected a date in each row.")
        expected = f"dates of the form {shown(form, 30)}" if form else "dates of one form, such as 2024-01-31 13:00"
        raise ProblemError(
            f"column {shown(name)} holds {shown(column.iloc[row], 30)} in row {row + 1}; expected {expected}. Give "
            "the form with --time-format, or another column with --time."
        )
    if others:
        row = int((stamps != read_stamps(column, others[0])[0]).argmax())
        notes.append(
            f"The dates of column {shown(name)} fit two forms; {column.iloc[row]} was read as {stamps[row].date()} "
            f"(--time-format '{others[0]}' reads them the other way)."
        )
    return stamps


def _in_zone(
    stamps: pd.DatetimeIndex, name: str, zone: str | None, keys: Any, ends: Any, notes: list[str]
) -> pd.DatetimeIndex:
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
    return stamps.tz_convert(zone) if stamps.tz is not None else _localized(stamps, name, zone, keys, ends, notes)


def _refuse_unknown(zone: str) -> None:
    import zoneinfo

    known = zoneinfo.available_timezones()
    if zone not in known:
        near = close_to(zone, sorted(known))
        raise ProblemError(f"--timezone is {zone!r}, which is not a zone; expected one such as Europe/Paris.{near}")


def _localized(
    stamps: pd.DatetimeIndex, name: str, zone: str | None, keys: Any, ends: Any, notes: list[str]
) -> pd.DatetimeIndex:
    """Wall time of a zone; of an hour that comes twice in autumn, the order of the rows tells which is which.

    An hour that comes once and first in the file is the second one, where the first is known already.
    """
    keep = "last" if len(stamps) and stamps[0] > stamps[-1] else "first"
    rows = pd.MultiIndex.from_arrays([*keys, stamps]) if keys else stamps
    early = ~rows.duplicated(keep)
    placed = stamps.tz_localize(zone, ambiguous=early, nonexistent="NaT")
    late = _second_hours(stamps, placed, zone, keys, ends) & ~rows.duplicated(keep=False)
    if late.any():
        placed = stamps.tz_localize(zone, ambiguous=early & ~late, nonexistent="NaT")
        notes.append(f"{stamps[late.argmax()]} is read as {placed[late.argmax()]}: the model knows the hour before it.")
    skipped = placed.isna()
    if skipped.any():
        raise ProblemError(
            f"column {name!r} is not local time of --timezone {zone}: the clock skips {stamps[skipped.argmax()]} (row "
            f"{int(skipped.argmax()) + 1}). Give another zone, or none if the dates have no daylight saving time, or "
            "write the offsets into the file."
        )
    return placed


def _second_hours(
    stamps: pd.DatetimeIndex, placed: pd.DatetimeIndex, zone: str | None, keys: Any, ends: Any
) -> Booleans:
    """Rows of an hour that comes twice, before which a series has no other row, and of which the first is known."""
    found = np.zeros(len(stamps), dtype=bool)
    twice = stamps.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").isna() & ~placed.isna()
    if not twice.any() or not ends:
        return found
    names = _names(keys, len(stamps))
    for name in set(names[twice]):
        end, mine = ends.get(name), names == name
        if end is not None and (placed[mine & ~twice] > end).all():
            found |= mine & twice & np.asarray(placed <= end)
    return found


def _names(keys: Any, length: int) -> Any:
    """The series of each row as text, several columns with a comma; of a file of one series empty."""
    if not keys:
        return np.full(length, "", dtype=object)
    return np.array([", ".join(map(str, part)) for part in zip(*keys, strict=True)], dtype=object)


def in_time_order(
    frame: pd.DataFrame, series: Sequence[Any], notes: list[str], time: str | None = None, taken: Sequence[Any] = ()
) -> pd.DataFrame:
    """Rows in the order of time, of each series; with a note where they were not.

    Parameters
    ----------
    frame : pandas.DataFrame
    series : list of str
        Columns that name the series.
    notes : list of str
    time : str, default=None
        What --time named, for advice.
    taken : list of str, default=()
        Columns with a role, which name no series.

    Returns
    -------
    pandas.DataFrame
    """
    index, keys = frame.index, [frame[key].to_numpy() for key in series]
    rows = pd.MultiIndex.from_arrays([*keys, index]) if keys else index
    if not rows.is_unique:
        _refuse_repeated(frame.drop(columns=[name for name in taken if name not in series]), rows, series, time)
    if index.is_monotonic_increasing:
        return frame
    if not series:
        if index.is_monotonic_decreasing:
            notes.append("The file has the newest row first: the order was reversed.")
            return frame.iloc[::-1]
        row = int(np.argmax(index[1:] < index[:-1])) + 1
        notes.append(f"The rows are not in time order ({index[row]} comes after {index[row - 1]}): they were sorted.")
        return frame.sort_index(kind="stable")
    groups = index.to_series().groupby(keys[0] if len(keys) == 1 else keys, sort=False)
    ordered = groups.is_monotonic_increasing
    if ordered.all():
        return frame
    first = ordered.index[ordered.argmin()]
    name = ", ".join(map(str, first)) if isinstance(first, tuple) else str(first)
    notes.append(f"The rows of series {shown(name)} are not in time order: they were sorted.")
    return frame.sort_index(kind="stable")


def _refuse_repeated(frame: pd.DataFrame, rows: pd.DatetimeIndex, series: Sequence[Any], time: str | None) -> NoReturn:
    """Stamps that occur several times: hours of autumn, several series, or a mistake."""
    repeated = rows.duplicated()
    twice = frame.index[repeated]
    fix = _way_out(frame, twice, series, time)
    count = "1 row repeats" if len(twice) == 1 else f"{len(twice)} rows repeat"
    name = "" if frame.index.name is None else f" of column {shown(frame.index.name, 30)}"
    once = "each once in a series" if series else "each once"
    raise ProblemError(f"{count} a time{name} (row {int(repeated.argmax()) + 1}: {twice[0]}); expected {once}.{fix}")


def _way_out(frame: pd.DataFrame, twice: pd.DatetimeIndex, series: Sequence[Any], time: str | None) -> str:
    ids = _ids(frame, series)
    if isinstance(frame.index, pd.DatetimeIndex) and not ids:
        table, stamps = frame.reset_index(drop=True), frame.index.tz_localize(None)
        for more in ([], *([name] for name in _naming(frame, series))):
            free = [column for column in frame.columns if column not in [*series, *more]]
            clock = find_clock(table, stamps, free, [*series, *more])
            if clock:
                both = f" --series '{','.join([*series, *more])}'" if more else ""
                return f" Fix: --time '{','.join([time or str(frame.index.name), *clock])}'{both}."
    if ids:
        text = ",".join([*series, *ids])
        return f" To keep one series, keep one row for each stamp. Fix: --series '{text}'."
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.tz is None and _autumn(twice):
        return " For the hours that come twice in autumn, give --timezone ZONE; else keep one row for each stamp."
    return " Keep one row for each stamp."


def _naming(frame: pd.DataFrame, series: Sequence[Any]) -> list[str]:
    """Columns that may name series: each of their values comes again and again."""
    most = max(len(frame) // 4, 1)
    ids = []
    for column in frame.columns:
        values = frame[column]
        number = pd.api.types.is_float_dtype(values.dtype)
        if column in series or number or part_of(column) is not None or is_counter(values) or values.nunique() > most:
            continue
        ids.append(column)
    return ids[:12]


def _ids(frame: pd.DataFrame, series: Sequence[Any]) -> list[str]:
    """The fewest columns that tell repeated stamps apart."""
    ids = _naming(frame, series)
    for count in (1, 2, 3):
        for names in itertools.combinations(ids, count):
            keys = [frame[name] for name in [*series, *names]]
            if not pd.MultiIndex.from_arrays([frame.index, *keys]).has_duplicates:
                return list(names)
    return []


def _autumn(stamps: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Whether these may be the hours that come twice when the clock goes back, north or south."""
    return bool(stamps.is_unique and (stamps.hour <= 3).all() and stamps.month.isin([3, 4, 9, 10, 11]).all())
