"""Values such as -9999 that stand for a missing one: found and named, never taken out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, Words, argument, joined
from .._types import Booleans, Floats, Integers
from .fixes import frame_named
from .roles import time_labels

if TYPE_CHECKING:
    from .panel import Panel
    from .roles import Roles

__all__ = ["SentinelWarning", "note_later_sentinels", "note_sentinels", "placed", "sentinels_of"]

LEAST_TIMES = 2  # of the very same value
LEAST_DISTINCT = 10  # other values: fewer are a column of classes, switches or prices
AS_SUCH = 1.0  # ranges of the other values that a value written in nines lies away from them
LATER = 2.0  # the same of a single value in new rows
ANY = 100.0  # and any other value
OTHER_SIGN = 0.05  # and one written in nines that alone is below (or above) zero
MOST_SERIES = 20_000
NINES = r"-?(9{2,}|9{2,}\.9+|9+\.9{2,}|9{2,}\.0+|8{3,}|7{3,}|6{3,})"
BITS = (15, 16, 31, 32, 63, 64)
LIMITS = {float(limit) for bits in BITS for limit in (2**bits - 1, 2**bits, -(2**bits), 1 - 2**bits)}
HUGE = 1e15  # fill values of netCDF and GRIB are about 1e20 and 1e36


class SentinelWarning(UserWarning):
    """A value that looks like a code for "missing", such as -9999, is trained on as if it were measured.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SentinelWarning, SeriesForecaster
    >>> df = pd.DataFrame({"y": np.sin(np.arange(60.0))}, index=pd.date_range("2024-01-01", periods=60))
    >>> df.iloc[[7, 8, 30]] = -9999
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     model = SeriesForecaster(Ridge(), lookback=7, horizon=2).fit(df)
    >>> print(str(said[0].message).partition(", far")[0])
    column 'y' holds -9999 in 3 of 60 rows, the first at 2024-01-08
    """


def note_sentinels(panel: Panel, roles: Roles, stacklevel: int, frame: pd.DataFrame | None = None) -> None:
    """Warn of values that look like codes for missing ones in targets and numeric covariates.

    Parameters
    ----------
    panel : Panel
    roles : Roles
    stacklevel : int
        Stacklevel of the caller.
    frame : pandas.DataFrame or None, default=None
        Where the covariates are that the panel was read without; None: the panel has them.
    """
    parts = [("target", roles.target, panel.targets)]
    parts += [("past", panel.schema.past_names, panel.past), ("future", panel.schema.future_names, panel.future)]
    found: list[tuple[Any, ...]] = [
        (role, label, column, panel.starts, placed(panel))
        for role, names, values in parts
        for label, column in zip(names, values.T, strict=True)
    ]
    if frame is not None:
        labels = time_labels(frame, roles, "df")
        found += [(role, label, frame[label].to_numpy(dtype=np.float64, na_value=np.nan), None, labels.__getitem__)
                  for role in ("past", "future") for label in getattr(roles, role)
                  if pd.api.types.is_numeric_dtype(frame[label].dtype)]  # fmt: skip
    for role, label, column, starts, place in found:
        for value, others in sentinels_of(column, starts):
            text = _looks_missing(role, label, column == value, value, others, place)
            warnings.warn(text, SentinelWarning, stacklevel=stacklevel + 1)


def placed(panel: Any) -> Callable[[int], str]:  # Panel, or rows made of one
    """From the number of a row of a panel to its stamp, and its series where there are several, as text.

    Parameters
    ----------
    panel : Panel or Rows

    Returns
    -------
    callable
    """
    keys = None if panel.keys is None else list(panel.keys)

    def place(row: int) -> str:
        stamp = str(panel.index[row]).removesuffix(" 00:00:00")
        if keys in (None, [None]):
            return stamp
        return f"({panel.keys[int(np.searchsorted(panel.starts, row, side='right')) - 1]!r}, {stamp})"

    return place


def _looks_missing(
    role: str,
    label: Hashable,
    rows: Booleans,
    value: float,
    others: tuple[float, float],
    place: Callable[[int], Any],
    what: str | None = None,
) -> Refusal:
    text, name = _text(value), what or "df"
    known = "known values" if what else "others"
    code = f"{name}[{label!r}] = {name}[{label!r}].replace({text}, float('nan'))"
    mask = argument("missing", "mask")
    ways = "" if role == "future" else joined("; ", mask, " then leaves it out")
    first = place(int(rows.argmax()))
    return Refusal(
        f"holds {text} in {rows.sum()} of {len(rows)} rows, the first at {first}, far from all {known} "
        f"({others[0]:.4g} to {others[1]:.4g}); it is {'taken' if what else 'trained on'} as a number",
        where=joined(f"column {label!r}", joined(" of ", frame_named(what)) if what else ""),
        advice=joined("If it stands for a missing value, ", Words("replace it by NaN", "name it"), ways, "."),
        fix=Fix(code, f"--na {text}"),
    )


def note_later_sentinels(what: str, rows: Any, columns: Any, stacklevel: int) -> None:
    """Warn of values in new rows that look like codes for missing ones; there one is enough, next to the known values.

    Parameters
    ----------
    what : str
        Name of the new rows.
    rows : Rows
        The new ones.
    columns : list of (str, label, ndarray, ndarray)
        Role, name, new values and known ones of each.
    stacklevel : int
        Stacklevel of the caller.
    """
    for role, label, column, known in columns:
        for value, ends in _unlike(column, known):
            text = _looks_missing(role, label, column == value, value, ends, placed(rows), what)
            warnings.warn(text, SentinelWarning, stacklevel=stacklevel + 1)


def _unlike(column: Floats, known: Floats) -> Iterator[tuple[float, tuple[float, float]]]:
    """The least and the greatest value, if they are written as codes and lie far from all known ones."""
    if not len(column) or len(known) < LEAST_DISTINCT:
        return
    # These leave NaN out.
    low, high, *ends = (end.reduce(values) for values in (column, known) for end in (np.fmin, np.fmax))
    for value, gap in ((low, ends[0] - low), (high, high - ends[1])):
        if gap > 0 and _is_code(value) and np.isfinite(ends).all():
            alone = (value < 0 <= ends[0]) or (value > 0 >= ends[1])
            if gap > (OTHER_SIGN if alone else LATER) * (ends[1] - ends[0]) and _is_varied(known[~np.isnan(known)]):
                yield float(value), (float(ends[0]), float(ends[1]))


def sentinels_of(column: Floats, starts: Integers | None = None) -> list[tuple[float, tuple[float, float]]]:
    """Values of a column that look like codes for missing ones.

    The smallest or the largest value is one where it comes at least twice, is not zero, the other values are at least
    ten different ones, and it lies

    - more than their whole range away from them, and is written in nines (-99.9, -999, 9999; also 888 and so on) or is
      the limit of an integer type or 1e15 and more;
    - or, written so, alone on its side of zero;
    - or, whatever it is, more than a hundred times their range away.

    What lies as far out on the other side counts with neither. In a panel each series is looked at as well.

    Parameters
    ----------
    column : ndarray of shape (rows,)
        NaN is missing.
    starts : ndarray of shape (n_series + 1,), default=None

    Returns
    -------
    list of (float, (float, float))
        Each value, and the least and the greatest of the others.

    Examples
    --------
    >>> sentinels_of(np.r_[np.linspace(-20, 40, 100), [-9999.0, -9999.0]])
    [(-9999.0, (-20.0, 40.0))]
    >>> sentinels_of(np.r_[np.zeros(50), np.linspace(1000, 1100, 100)])
    []
    """
    found = _found(column)
    if starts is not None and 2 < len(starts) <= MOST_SERIES:
        for first, end in _suspicious(column, starts):
            found += [value for value in _found(column[first:end]) if value not in found]
    if not found:
        return []
    rest = column[np.isfinite(column) & ~np.isin(column, found)]
    return [(float(value), (float(rest.min()), float(rest.max()))) for value in found]


def _suspicious(column: Floats, starts: Integers) -> Iterator[tuple[int, int]]:
    """Series whose least or greatest value is written as a code and comes twice."""
    whole = np.isfinite(column)
    for end, fill in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        extremes = end.reduceat(np.where(whole, column, fill), starts[:-1])
        same = column == np.repeat(extremes, np.diff(starts))
        times = np.add.reduceat(same.astype(np.int64), starts[:-1])
        known: dict[float, bool] = {}
        for number in np.flatnonzero(times >= LEAST_TIMES):
            value = extremes[number]
            if known.setdefault(value, _is_code(value)):
                yield int(starts[number]), int(starts[number + 1])


def _found(column: Floats) -> list[float]:
    finite, found = np.isfinite(column), []
    values = column if finite.all() else column[finite]
    while len(values) > LEAST_DISTINCT:
        low, high = values.min(), values.max()
        twice = [value != 0 and np.count_nonzero(values == value) >= LEAST_TIMES for value in (low, high)]
        if not any(twice):  # as of nearly all columns, whose values need not be copied
            break
        inner = values[(values != low) & (values != high)]
        if not len(inner):
            break
        ends = inner.min(), inner.max()
        for value, gap, often in ((low, ends[0] - low, twice[0]), (high, high - ends[1], twice[1])):
            if often and _is_far(value, gap, ends) and _is_varied(inner):
                found.append(value)
                values = values[values != value]
                break
        else:
            break
    return found


def _is_far(value: float, gap: float, ends: tuple[float, float]) -> bool:
    span = float(ends[1] - ends[0])
    if gap > ANY * span:
        return True
    alone = (value < 0 <= ends[0]) or (value > 0 >= ends[1])
    return gap > (OTHER_SIGN if alone else AS_SUCH) * span and _is_code(value)


def _is_varied(values: Floats) -> bool:
    return len(np.unique(values[:10_000])) >= LEAST_DISTINCT


def _is_code(value: float) -> bool:
    return abs(value) >= HUGE or float(value) in LIMITS or re.fullmatch(NINES, _text(value)) is not None


def _text(value: float) -> str:
    """A number as short as its dtype allows; of one that float32 holds, as that writes it: -99.9."""
    if abs(value) >= HUGE:
        return repr(float(value))
    short = np.float32(value)
    return np.format_float_positional(short if short == value else value, trim="-")
