"""Wide frames: many columns and no target, and frames whose columns are the steps of time."""

import re
import warnings
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._refusals import Refusal, Words, argument
from .text_dates import code_of_dates

__all__ = ["no_target", "refuse_steps_as_columns", "shown"]

LEAST = 12  # columns that are taken for steps of time
USUAL = ("y", "target", "value", "sales", "demand", "close")


def shown(labels: Iterable[Hashable], limit: int = 12) -> str:
    """Labels as a list for messages, shortened for wide frames.

    Examples
    --------
    >>> shown(range(100))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..., 99] (100 in all)'
    """
    labels = list(labels)
    if len(labels) <= limit:
        return repr(labels)
    return f"[{', '.join(map(repr, labels[: limit - 2]))}, ..., {labels[-1]!r}] ({len(labels)} in all)"


def no_target(frame: pd.DataFrame, numeric: Sequence[Hashable]) -> Refusal:
    """The refusal if the target was not named and several columns could be it.

    Parameters
    ----------
    frame : pandas.DataFrame
    numeric : list of labels
        Columns that could be it.

    Returns
    -------
    Refusal

    Examples
    --------
    >>> refusal = no_target(pd.DataFrame({"a": [1.0], "b": [2.0]}), ["a", "b"])
    >>> str(refusal)
    "target is None, but the frame has 2 columns that could be it: ['a', 'b']. All of them together: target=list(df). \
Fix: target='a'."
    >>> refusal.command
    "there is no --target, and 2 columns could be it: ['a', 'b']. Fix: --target a."
    """
    likely = next((label for label in numeric or frame.columns if str(label).lower() in USUAL), None)
    if not numeric:
        texts = [label for label in frame.columns if pd.api.types.is_string_dtype(frame[label])]
        column = f"df[{likely if likely in texts else texts[-1]!r}]" if texts else ""
        return Refusal(
            Words(
                "target is None, but no column of the frame is numeric and without a role",
                "there is no --target, and no column is numeric and without a role",
            ),
            got=shown(frame.columns),
            expected="the column to forecast",
            fix=f"{column} = pd.to_numeric({column})" if column else None,
        )
    likely = numeric[0] if likely is None else likely
    others = [label for label in frame.columns if label not in numeric]
    every = "list(df)"
    if others and len(numeric) <= len(others):
        every = repr(numeric)
    elif others:
        every = f"list(df.drop(columns={others!r}))"
    count = f"{len(numeric)} columns"
    return Refusal(
        Words(
            f"target is None, but the frame has {count} that could be it",
            f"there is no --target, and {count} could be it",
        ),
        got=shown(numeric),
        advice=Words(f"All of them together: target={every}.", ""),
        fix=argument("target", likely),
    )


def refuse_steps_as_columns(frame: pd.DataFrame, target: Sequence[Hashable], taken: Sequence[Hashable]) -> None:
    """Refuse a frame that has a row for each series and a column for each step of time, with the code that turns it.

    Parameters
    ----------
    frame : pandas.DataFrame
    target : list of labels
        As it was given; empty where it was not.
    taken : list of labels
        Columns that have a role.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> days = [f"2024-01-{day:02d}" for day in range(1, 21)]
    >>> pages = pd.DataFrame([range(20), range(20)], columns=days).assign(page=["a", "b"])
    >>> try:
    ...     refuse_steps_as_columns(pages, [], [])
    ... except ValueError as error:
    ...     print(str(error)[:77])
    the columns '2024-01-01' to '2024-01-20' are 20 steps of time, and each row a
    """
    index = frame.index
    if len(frame.columns) < LEAST or isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.MultiIndex)):
        return
    labels = [label for label in frame.columns if label not in taken]
    dates = [label for label in labels if _is_date(label)]
    named = _is_text(index.dtype)
    if len(dates) >= max(LEAST, len(frame.columns) // 2):
        steps, read = dates, _reading(dates)
    else:
        texts = [label for label in labels if _is_text(frame[label].dtype) and code_of_dates(frame[label], "") is None]
        steps = _numbered([label for label in labels if label not in texts])
        if len(steps) < max(LEAST, len(frame.columns) // 2) or not (named or texts):
            return
        start = next(re.finditer(r"\D*", str(steps[0]))).end()
        read = f"rows['time'].astype(str).str[{start}:].astype(int)" if start else "rows['time'].astype(int)"
    if (
        target
        and all(label in frame.columns for label in target)
        and not (len(dates) > 0 and set(target) >= set(dates))
    ):
        return
    others = [label for label in frame.columns if label not in steps]
    head = ""
    if named or not others:
        name = index.name if index.name is not None else "series"
        head = f".rename_axis({name!r}).reset_index()" if index.name is None else ".reset_index()"
        others = [name, *others]
    series = next((label for label in others if label not in frame.columns or _names_rows(frame[label])), others)
    raise ValueError(
        Refusal(
            f"are {len(steps)} steps of time, and each row a series",
            where=f"the columns {str(steps[0])!r} to {str(steps[-1])!r}",
            expected=Words(
                f"a row for each step, and target='y', series={series!r}, time='time'", "a row for each step"
            ),
            fix=f"df = df{head}.melt({others[0] if len(others) == 1 else others!r}, var_name='time', value_name='y')"
            f".dropna(subset='y').assign(time=lambda rows: {read})",
        )
    )


def _is_text(dtype: Any) -> bool:
    return pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)


def _names_rows(column: pd.Series) -> bool:
    return column.is_unique and not pd.api.types.is_float_dtype(column.dtype)


def _is_date(label: Hashable) -> bool:
    """Whether the label of a column is a date: a stamp, a period, or a text that begins with a year or has 3 parts."""
    if isinstance(label, (pd.Timestamp, pd.Period, np.datetime64)):
        return True
    text = str(label)
    if not re.match(r"\s*((19|20)\d\d[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})\b|(19|20)\d{6}$)", text):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return not pd.isna(pd.to_datetime(text, errors="coerce"))


def _reading(labels: Sequence[Hashable]) -> str:
    """The code that turns such labels into stamps: the way in which most of them rise."""
    found = []
    forms = [{"format": form} for form in ("%Y%m%d", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y")]
    ways: list[dict[str, Any]] = [{}, {"dayfirst": True}, *forms]
    for number, options in enumerate(ways):
        with warnings.catch_warnings(record=True, action="always") as warned:
            try:
                stamps = pd.DatetimeIndex(pd.to_datetime(pd.Index([str(label) for label in labels]), **options))
            except (ValueError, TypeError, OverflowError):
                continue
        if warned:
            continue
        call = "".join(f", {key}={value!r}" for key, value in options.items())
        found.append((int(np.sum(stamps[1:] < stamps[:-1])), number, call))
    return f"pd.to_datetime(rows['time']{min(found)[2] if found else ''})"


def _numbered(labels: Sequence[Hashable]) -> list[Hashable]:
    """The most labels that are one text with a number behind it that rises by one: V2, V3, ...; or numbers alone."""
    parts: dict[str, list[tuple[int, Hashable]]] = {}
    for label in labels:
        match = re.fullmatch(r"(\D*)(\d{1,6})", str(label))
        if match:
            parts.setdefault(match[1], []).append((int(match[2]), label))
    found: list[tuple[int, Hashable]] = max(parts.values(), key=len, default=[])
    numbers = [number for number, _ in found]
    if len(numbers) > 1 and not (np.diff(numbers) == 1).all():
        return []
    return [label for _, label in found]
