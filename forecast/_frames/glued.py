"""Several series in a frame that was given as one: which columns tell them apart, and the refusal.

Behind each other they would be one series that jumps where the next begins, and no forecast of it would mean anything.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument, joined
from .._types import Integers
from .names import changes
from .roles import Layout
from .stamps import ticks_of

if TYPE_CHECKING:
    from .roles import Roles

__all__ = ["naming", "refuse_glued", "refuse_numbered_steps", "refuse_several", "repeats_message"]

MOST = 3  # columns that may name series together
CANDIDATES = 8  # columns that are looked at together: their combinations grow fast
WIDESPREAD = 0.1  # of the rows repeat a stamp: fewer are a clock change or rows that came twice
CLOCKS = {24: (1, "h"), 48: (30, "min"), 96: (15, "min")}  # parts of a day that are numbered, and what they last
PARTS = (
    "year quarter month week day date hour minute second weekday dayofweek dayofyear yr mon dow doy hr min sec he time "
    "jahr quartal monat woche tag stunde"
)
NAMES = (
    "id key series store shop item sku product station sensor site location city country region state customer client "
    "meter device machine ticker symbol patient subject household building zone unit group"
)


def naming(frame: pd.DataFrame, stamps: pd.Index, taken: Sequence[Hashable]) -> list[Hashable]:
    """Columns and levels that tell the rows of one stamp apart, so that they name several series.

    Parameters
    ----------
    frame : pandas.DataFrame
    stamps : pandas.Index
        Time labels of all rows, some of which come several times.
    taken : list of labels
        Columns that cannot: targets and time.

    Returns
    -------
    list of labels
        The fewest that do; empty where none do, or where few stamps are repeated.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DatetimeIndex(["2024-01-01", "2024-01-02"] * 2)
    >>> frame = pd.DataFrame({"row": range(4), "shop": list("aabb"), "y": [1.0, 2.0, 3.0, 4.0]}, index=days)
    >>> naming(frame, frame.index, ["y"])
    ['shop']
    """
    numbers, known = pd.factorize(stamps)
    if len(stamps) - len(known) < WIDESPREAD * len(stamps):
        return []
    ticks, found = ticks_of(stamps), {}
    for label, values in _columns(frame, taken):
        codes, names = pd.factorize(values)
        if 1 < len(names) <= len(frame) / 2 and (codes >= 0).all():
            found[label] = codes.astype(np.int64), _is_text(values.dtype)
    for size in range(1, MOST + 1):
        best = None
        for labels in combinations(list(found)[:CANDIDATES] if size > 1 else found, size):
            codes = _together([found[label][0] for label in labels])
            count, texts = int(codes.max()) + 1, any(found[label][1] for label in labels)
            if count <= len(frame) / 2 and (best is None or count < best[0]):
                if _are_apart(codes, numbers, len(known)) and (texts or _are_regular(codes, ticks)):
                    best = count, list(labels)
        if best is not None:
            return best[1]
    return []


def _columns(frame: pd.DataFrame, taken: Iterable[Hashable]) -> Iterator[tuple[Hashable, pd.Index]]:
    """Columns and named levels that could name series: texts, categories and whole numbers."""
    columns = frame.columns
    for position, label in enumerate(columns):
        values = frame.iloc[:, position]
        if label in taken or not (columns.is_unique or list(columns).count(label) == 1):
            continue
        if pd.api.types.is_float_dtype(values.dtype):  # whole numbers, some of which were missing once
            plain = values.to_numpy(dtype=np.float64, na_value=np.nan)
            if not (np.isfinite(plain).all() and (plain % 1 == 0).all()):
                continue
        elif not _may_name(values.dtype):
            continue
        yield label, pd.Index(values)
    for level, name in enumerate(frame.index.names):
        if name is not None and name not in taken and name not in columns:
            values = frame.index.get_level_values(level)
            if _may_name(values.dtype):
                yield name, values


def _may_name(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype) or _is_text(dtype):
        return True
    return pd.api.types.is_integer_dtype(dtype)


def _is_text(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)


def _together(codes: list[Integers]) -> Integers:
    combined = codes[0]
    for more in codes[1:]:
        combined = pd.factorize(combined * (int(more.max()) + 1) + more)[0].astype(np.int64)
    return combined


def _are_apart(codes: Integers, numbers: Integers, count: int) -> bool:
    """Whether no stamp comes twice under one name."""
    return len(pd.unique(codes * count + numbers)) == len(codes)


def _are_regular(codes: Integers, ticks: Integers) -> bool:
    """Whether rows of one name mostly lie one step apart, as those of a series and not those of any number do."""
    order = np.lexsort((ticks, codes))
    apart, same = np.diff(ticks[order]), np.diff(codes[order]) == 0
    apart = apart[same].astype(np.float64)
    return len(apart) > 0 and np.mean(np.abs(apart - np.median(apart)) <= 0.2 * np.median(apart)) >= 0.5


# -------------------- stamps that repeat


def repeats_message(
    frame: pd.DataFrame, target: Sequence[Hashable], layout: Layout, stamps: pd.Index
) -> Refusal | None:
    """The refusal of a frame whose stamps repeat because it holds several series; None if it seems to hold one.

    Parameters
    ----------
    frame : pandas.DataFrame
    target : list of labels
    layout : Layout
    stamps : pandas.Index

    Returns
    -------
    Refusal or None
    """
    taken = [*target, layout.time_name]
    clock = None
    for label, values in _columns(frame, taken):
        clock = clock or _clock(label, values, stamps, layout)
    labels = naming(frame, stamps, [*taken, *(() if clock is None or clock[2] else [clock[0]])])
    if clock is not None and (not labels or labels == [clock[0]]):
        other = joined(" (or, if these are several series, their names: ", argument("series", clock[0]), ")")
        end = joined(f", and column {clock[0]!r} holds the time of day", other if clock[2] else "")
        return _repeats(layout, stamps, end, clock[1])
    if not labels:
        return None
    several = f"; but every stamp comes once for each {_listed(labels)}: these are several series"
    return _repeats(layout, stamps, several, argument("series", labels[0] if len(labels) == 1 else labels))


def _repeats(layout: Layout, stamps: pd.Index, end: str, fix: Fix | str) -> Refusal:
    twice = stamps[stamps.duplicated()]
    where = f"column {layout.time!r}" if layout.time_at == "column" else "the index"
    return Refusal(joined(f"has {len(twice)} duplicates, the first of {twice[0]}", end), where=where, fix=fix)


def _listed(labels: Sequence[Hashable]) -> str:
    if len(labels) == 1:
        return f"value of column {labels[0]!r}"
    return f"combination of the columns {', '.join(map(repr, labels[:-1]))} and {labels[-1]!r}"


def _clock(label: Hashable, values: pd.Index, stamps: pd.Index, layout: Layout) -> tuple[Hashable, str, bool] | None:
    """A column with the time of day of stamps that are days: its label, the fix, and whether it may name series."""
    if not isinstance(stamps, pd.DatetimeIndex) or not (stamps == stamps.normalize()).all():
        return None
    known = pd.unique(values)
    day = f"df[{layout.time!r}]" if layout.time_at == "column" else "df.index"
    column = f"df[{label!r}]"
    if _is_text(values.dtype) and all(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", str(one)) for one in known):
        texts = all(isinstance(one, str) for one in known)
        column = column if texts else f"{column}.astype(str)"
        column += " + ':00'" if str(known[0]).count(":") == 1 else ""
        return label, f"{day} = {day} + pd.to_timedelta({column})", False
    if not pd.api.types.is_integer_dtype(values.dtype):
        return None
    low, count = int(min(known)), len(known)
    size = next((size for size in CLOCKS if abs(count - size) <= max(1, size // 24)), None)
    if size is None or low not in (0, 1) or int(max(known)) - low != count - 1:
        return None
    length, unit = CLOCKS[size]
    since = f"({column} - 1)" if low else column
    return label, f"{day} = {day} + pd.to_timedelta({since}{f' * {length}' if length > 1 else ''}, unit={unit!r})", True


# -------------------- rows that are only counted


def refuse_glued(frame: pd.DataFrame, roles: Roles, layout: Layout, of_model: bool = True) -> None:
    """Refuse a frame of one series whose index counts rows, or names series, where columns show several.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
    layout : Layout
    of_model : bool, default=True
        Whether the arguments to name are those of a model.

    Raises
    ------
    ValueError
        Naming the columns for `series` and `time`.
    """
    if layout.series_at is not None or layout.time_at == "column" or isinstance(frame.index, pd.MultiIndex):
        return
    index = frame.index
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) or len(index) < 4:
        return
    used = {*roles.target}
    found = {label: pd.factorize(values) for label, values in _columns(frame.reset_index(drop=True), used)}
    counted = pd.api.types.is_integer_dtype(index.dtype) and index.name is None and index.is_unique
    if not counted:
        if index.is_unique or index.hasnans:
            return
        found = {index.name: pd.factorize(index)} | found
    labels = [label for label, (_, names) in found.items() if 1 < len(names) <= len(frame) / 2]
    labels.sort(key=lambda label: len(found[label][1]))  # of two that take turns, that which has fewer values
    times = list(_times(frame, used))
    rising = [one for one in times if not (one[2] < 0).any()]
    for label in labels if counted else [index.name]:
        if _is_part(label, found[label][1]):
            continue
        # Times that fall begin again with the next block; with series in no blocks they count no steps.
        whole = np.count_nonzero(np.diff(found[label][0])) == len(found[label][1]) - 1
        for time, ticks, apart in times if whole else rising:
            if time != label and _begins_again(found[label][0], found[label][1], ticks, apart):
                if not _is_part_of_years(found[label][1], frame[time]):
                    raise ValueError(_counted_message(label, found[label][1], time, frame, counted, of_model))
    given = {*used, *roles.past, *roles.future}
    for label in [label for label in labels if label not in given] if counted else ():
        if not _is_part(label, found[label][1]) and _looks_like_names(label, *found[label]):
            raise ValueError(_blocks_message(label, found[label][1]))


def refuse_several(frame: pd.DataFrame, roles: Roles) -> None:
    """Refuse a frame that is to be one series and shows several, by stamps that repeat or under row numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles

    Raises
    ------
    ValueError
        Naming the columns for `series` and `time`.
    """
    if isinstance(frame.index, pd.MultiIndex):
        return  # refused for its levels
    layout = Layout.of(frame, roles, "df")
    refuse_glued(frame, roles, layout, of_model=False)
    if isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex)) and not frame.index.is_unique:
        message = repeats_message(frame, roles.target, layout, frame.index)
        if message is not None:
            raise ValueError(message)


def refuse_numbered_steps(frame: pd.DataFrame, layout: Layout) -> None:
    """Refuse a column of time whose steps are texts with a number, such as "d_12", with the code that takes it.

    Parameters
    ----------
    frame : pandas.DataFrame
    layout : Layout

    Raises
    ------
    TypeError
    """
    if layout.time_at != "column" or not len(frame) or not _is_text(frame[layout.time].dtype):
        return
    column = frame[layout.time]
    if not re.search(r"[^\W\d]", str(column.iloc[0])) or _numbered(column) is None:
        return
    raise TypeError(
        Refusal(
            f"holds {column.dtype} values, starting with {column.iloc[0]!r}",
            where=f"column {layout.time!r}",
            expected="time stamps or whole numbers",
            fix=_steps_code(layout.time, column),
        )
    )


def _steps_code(label: Hashable, column: pd.Series) -> str:
    """The code that takes the numbers off texts such as "d_12"."""
    first = str(column.iloc[0])
    start = len(first) - len(next(re.finditer(r"\d+$", first))[0])
    plain = f"df[{label!r}]{'.astype(str)' if isinstance(column.dtype, pd.CategoricalDtype) else ''}"
    return f"df[{label!r}] = {plain}.str[{start}:].astype(int)"


def _times(frame: pd.DataFrame, taken: Iterable[Hashable]) -> Iterator[tuple[Hashable, Integers, Integers]]:
    """Columns that could count the steps of each series: stamps, whole numbers, texts that end in a number.

    Yields
    ------
    label, ticks, apart
        Its values as whole numbers, and the step from each to the next.
    """
    columns = frame.columns
    for label in columns:
        if label in taken or not (columns.is_unique or list(columns).count(label) == 1):
            continue
        ticks = _ticks(frame[label])
        if ticks is not None and (ticks[1:] != ticks[:-1]).any():
            apart = np.diff(ticks)
            if (apart < 0).any() or (apart == 0).any():  # others only count rows
                yield label, ticks, apart


def _numbered(values: pd.Series) -> pd.Series | None:
    """The numbers at the end of strings that are otherwise equal, such as "d_12"; None for other strings."""
    if not len(values) or not re.fullmatch(r"\D*\d{1,9}", str(values.iloc[0])):
        return None
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    parts = values.astype(str).str.extract(r"^(\D*)(\d{1,9})$")
    if parts.isna().any(axis=None) or parts[0].nunique() != 1:
        return None
    return parts[1].astype(np.int64)


def _ticks(values: pd.Series) -> Integers | None:
    """Values of a column as whole numbers that rise with time; None of one that cannot count steps."""
    dtype = values.dtype
    if pd.api.types.is_integer_dtype(dtype):
        return None if values.isna().any() else values.to_numpy(dtype=np.int64)
    if isinstance(dtype, pd.PeriodDtype) or pd.api.types.is_datetime64_any_dtype(dtype):
        labels = pd.Index(values)
        return None if labels.hasnans or not hasattr(labels, "asi8") else labels.asi8
    if not _is_text(dtype):
        return None
    numbers = _numbered(values)
    return None if numbers is None else numbers.to_numpy()


def _begins_again(codes: Integers, names: pd.Index, ticks: Integers, apart: Integers) -> bool:
    """Whether a column of time rises in every series and begins anew in the next, or has all series at each stamp."""
    falls = apart < 0
    if falls.any():  # one after the other
        border = np.flatnonzero(np.diff(codes))
        if len(border) != len(names) - 1 or len(border) == 0 or (codes < 0).any():
            return False
        inside = np.delete(apart, border)
        return len(inside) > 0 and bool((inside > 0).all() and falls[border].any() and _is_even(inside))
    if not (apart == 0).any() or not apart.any() or (codes < 0).any():
        return False
    counts = np.unique(ticks, return_counts=True)[1]
    many = int(counts.max()) == len(names) and bool(2 * np.sum(counts > 1) >= len(counts))
    return many and _are_apart(codes.astype(np.int64), *_factorized(ticks)) and _are_regular(codes, ticks)


def _is_even(steps: Integers) -> bool:
    return np.mean(steps == np.median(steps)) >= 0.5


def _factorized(ticks: Integers) -> tuple[Integers, int]:
    numbers, known = pd.factorize(ticks)
    return numbers, len(known)


def _words(label: Hashable) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(label)).lower())


def _is_part(label: Hashable, names: pd.Index) -> bool:
    """Whether a column is a part of a date or a time: by its name, its values, or the names of days and months."""
    if set(_words(label)) & set(PARTS.split()):
        return True
    if pd.api.types.is_integer_dtype(names.dtype):
        return _are_years(np.asarray(names, dtype=np.int64))
    known = [*calendar.day_name, *calendar.day_abbr, *calendar.month_name, *calendar.month_abbr, "am", "pm"]
    if {str(name).lower() for name in names} <= {name.lower() for name in known}:
        return True
    return all(re.match(r"(19|20)\d\d([^\d]|$)", str(name)) for name in names)


def _are_years(values: Integers) -> bool:
    return len(values) > 1 and bool((np.diff(values) == 1).all() and values[0] >= 1500 and values[-1] <= 2200)


def _is_part_of_years(names: pd.Index, time: pd.Series) -> bool:
    """Whether the years of a column have a row for each month, quarter, week or day, which others number."""
    if not (pd.api.types.is_integer_dtype(names.dtype) and pd.api.types.is_integer_dtype(time.dtype)):
        return False
    parts = len(names) in (4, 12, 52, 53, 365, 366) and set(names) == set(range(1, len(names) + 1))
    return parts and time.is_monotonic_increasing and _are_years(np.unique(time))


def _looks_like_names(label: Hashable, codes: Integers, names: pd.Index) -> bool:
    """Whether a column without a role holds names: each in one block of rows, or all of them in turn."""
    if (codes < 0).any():
        return False
    border = changes(codes)
    texts, lengths = _is_text(names.dtype), np.diff(np.concatenate([[0], border + 1, [len(codes)]]))
    if len(border) != len(names) - 1:
        called = bool(set(_words(label)) & set(NAMES.split()))  # other texts come in turn as well, such as flags
        if not (texts and called and len(border) == len(codes) - 1):
            return False
        return bool((codes == np.arange(len(codes)) % len(names)).all())
    if lengths.max() < 4:
        return False
    if texts or set(_words(label)) & set(NAMES.split()):
        return True
    values = np.asarray(names, dtype=np.float64)
    rises = bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())
    parts = {4, 7, 12, 24, 48, 52, 60, 96, 168, 1440}
    even = len(set(lengths.tolist())) == 1 and int(lengths[0]) not in parts
    return even or not rises


def _count_of(names: pd.Index) -> str:
    shown = ", ".join(repr(name.item() if isinstance(name, np.generic) else name) for name in names[:2])
    return f"{len(names)} values ({shown}, ...)" if len(names) > 2 else f"the values {shown}"


def _counted_message(
    label: Hashable, names: pd.Index, time: Hashable, frame: pd.DataFrame, counted: bool, of_model: bool
) -> Refusal:
    where = f"column {label!r} holds" if counted else f"the index{f' {label!r}' if label is not None else ''} holds"
    rows = "the index counts rows, but " if counted else ""
    series, at = argument("series", "series" if label is None else label), argument("time", time)
    wanted, code = Words(f"{series}, {at}", f"{series.command} {at.command}"), None
    if label is None:
        code = "df = df.rename_axis('series')"
    elif _is_text(frame[time].dtype):
        code = _steps_code(time, frame[time])
    elif of_model:
        code = Fix(f"model.set_params({wanted})", wanted.command)
    return Refusal(
        f"{rows}{where} {_count_of(names)}, and {time!r} begins again under each of them: these are several series, "
        "and series is None",
        expected=wanted,
        fix=code,
    )


def _blocks_message(label: Hashable, names: pd.Index) -> Refusal:
    return Refusal(
        f"the index counts rows, but column {label!r}, which has no role, holds {_count_of(names)} one after the other",
        got="as one series they would be glued together",
        advice="If they are one series, drop the column.",
        fix=argument("series", label),
    )
