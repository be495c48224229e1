"""The columns of a frame: names, roles, finite floats, and the refusals of everything else."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._numbers import LARGEST, beyond, usable
from .._refusals import Fix, Refusal, Words, argument
from .._types import Floats, FrameLike
from .wide import no_target, refuse_steps_as_columns, shown

__all__ = ["as_frame", "check_length", "column_names", "read_values"]


def as_frame(X: FrameLike, what: str = "X") -> pd.DataFrame:
    """A frame from a frame or a named series; anything else is refused.

    Parameters
    ----------
    X : pandas.DataFrame or pandas.Series
    what : str, default="X"
        Name of the argument in messages.

    Returns
    -------
    pandas.DataFrame
        The same data, not copied.

    Raises
    ------
    TypeError
        Neither frame nor series.

    Examples
    --------
    >>> import pandas as pd
    >>> list(as_frame(pd.Series([1.0, 2.0])).columns)
    ['y']
    """
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, pd.Series):
        return X.to_frame("y" if X.name is None else X.name)
    name, columns = what.removeprefix("the "), ", columns=['y']" if np.ndim(X) == 1 else ""
    refusal = Refusal(f"is a {type(X).__module__}.{type(X).__name__}", where=what)
    if name == "static":
        raise TypeError(refusal.but(expected="a DataFrame with a row for each series and a column that names them"))
    if name != "X":
        alike = "a DataFrame or Series laid out as the fitted data, with the time of its rows"
        raise TypeError(refusal.but(expected=alike))
    raise TypeError(
        refusal.but(
            expected="a pandas DataFrame or Series with a time index",
            fix=f"df = pd.DataFrame({name}{columns}, index=pd.date_range('2024-01-01', periods=len({name})))",
        )
    )


def column_names(
    frame: pd.DataFrame,
    target: Hashable | Sequence[Hashable] | None,
    past_covariates: Hashable | Sequence[Hashable] | None = None,
) -> tuple[list[Hashable], list[Hashable]]:
    """Names of the targets and of all channels: targets first, then past covariates, each once.

    Parameters
    ----------
    frame : pandas.DataFrame
    target : label, list of labels or None
        None is right for a frame of one column.
    past_covariates : label, list of labels or None, default=None

    Returns
    -------
    targets, channels : list of labels

    Raises
    ------
    ValueError
        A column is missing or appears twice in the frame, a target twice in the list, or the target was not named.

    Examples
    --------
    >>> import pandas as pd
    >>> column_names(pd.DataFrame({"a": [1.0], "b": [2.0]}), "b", ["a", "b"])
    (['b'], ['b', 'a'])
    """
    columns = list(frame.columns)
    if target is None:
        if len(columns) != 1:
            refuse_steps_as_columns(frame, [], [])
            raise ValueError(no_target(frame, columns))
        target = columns
    targets = _as_list(target)
    if not targets:
        raise ValueError(
            Refusal("is empty", where="target", expected=f"one or several of the columns {shown(columns)}")
        )
    if len(set(targets)) != len(targets):
        raise ValueError(Refusal(f"names a column twice: {targets}", where="target"))
    channels = list(dict.fromkeys(targets + ([] if past_covariates is None else _as_list(past_covariates))))
    for name in channels:
        count = columns.count(name)
        if count != 1:
            role = "target" if name in targets else "past covariate"
            got = "is not in the frame" if count == 0 else f"appears {count} times in the frame"
            raise ValueError(Refusal(f"{role} {name!r} {got}; its columns are {shown(columns)}"))
    return targets, channels


def _as_list(names: Hashable | Sequence[Hashable]) -> list[Hashable]:
    return list(names) if isinstance(names, (list, np.ndarray, pd.Index)) else [names]


def read_values(frame: pd.DataFrame, names: Sequence[Hashable]) -> Floats:
    """Finite floats of some columns, in memory of the frame where its layout allows.

    Parameters
    ----------
    frame : pandas.DataFrame
    names : list of labels
        Each a column of `frame`, in the order wanted.

    Returns
    -------
    ndarray of shape (rows, len(names))
        float32 where all columns are float32, else float64. A view of the frame, and then read-only, where all columns
        have that dtype, lie in one block and are equally spaced in it.

    Raises
    ------
    TypeError
        A column is not numeric.
    ValueError
        A value is NaN, infinite or beyond 1e150, whose square would overflow.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame(np.zeros((4, 2), dtype=np.float32), columns=["a", "b"])
    >>> values = read_values(frame, ["a"])
    >>> values.dtype, values.shape, np.shares_memory(values, frame.to_numpy())
    (dtype('float32'), (4, 1), True)
    """
    positions = [frame.columns.get_loc(name) for name in names]
    for name, position in zip(names, positions, strict=True):
        refuse_dtype(name, frame.dtypes.iloc[position])
    part = frame.iloc[:, as_slice(positions)]
    if all(dtype == np.float32 for dtype in part.dtypes):
        values = part.to_numpy()
    else:
        values = part.to_numpy(dtype=np.float64, na_value=np.nan)
    if not usable(values):
        _refuse_unusable(names, values, frame.index)
    return values


def as_slice(positions: list[int]) -> slice | list[int]:
    """Equally spaced positions as a slice, because only a slice of a frame is a view."""
    steps = set(np.diff(positions).tolist())
    if len(steps) > 1 or 0 in steps:
        return positions
    step = steps.pop() if steps else 1
    stop = positions[-1] + step
    return slice(positions[0], stop if stop >= 0 else None, step)


def refuse_dtype(name: Hashable, dtype: Any) -> None:
    numeric = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    if numeric and not pd.api.types.is_complex_dtype(dtype):
        return
    fix: str = Fix(f"df[{name!r}] = pd.to_numeric(df[{name!r}], errors='coerce')", "")
    more = ""
    if pd.api.types.is_complex_dtype(dtype):
        fix, more = f"df[{name!r}] = df[{name!r}].to_numpy().real", "Or its imaginary part, or both as two columns."
    elif pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        said = "Is it the time of the rows? Then"
        fix, more = argument("time", name), Words(f"{said} time= or set_index says so.", f"{said} --time says so.")
    elif pd.api.types.is_timedelta64_dtype(dtype):
        fix = f"df[{name!r}] = df[{name!r}].dt.total_seconds()"
    raise TypeError(
        Refusal(
            f"holds {dtype} values",
            where=f"column {name!r}",
            expected="numbers (float, integer or bool)",
            advice=more,
            fix=fix,
        )
    )


def _refuse_unusable(names: Sequence[Hashable], values: Floats, index: pd.Index) -> None:
    for name, column in zip(names, values.T, strict=True):
        missing = np.isnan(column)
        if missing.any():
            ends = ", limit_direction='both'" if missing[0] else ""
            code = f"df[{name!r}] = df[{name!r}].interpolate({ends[2:]})"
            raise ValueError(
                Refusal(
                    f"has {int(missing.sum())} missing values (NaN) in {len(column)} rows, the first at "
                    f"{index[int(missing.argmax())]}",
                    where=f"column {name!r}",
                    expected="a number in every row",
                    advice=Words("Fill them first.", "Fill the cells of the file."),
                    fix=Fix(code, ""),
                )
            )
        infinite = np.isinf(column)
        if infinite.any():
            raise ValueError(
                Refusal(
                    f"has {int(infinite.sum())} infinite values, the first at {index[int(infinite.argmax())]}",
                    where=f"column {name!r}",
                    expected="finite numbers",
                    advice=Words("", "Fill the cells of the file."),
                    fix=Fix(code_of_infinite(name), ""),
                )
            )
        large = beyond(column)
        if large.any():
            raise ValueError(too_large(name, int(large.sum()), f"the first at {index[int(large.argmax())]}"))


def too_large(name: Hashable, count: int, places: str) -> Refusal:
    """The refusal of values whose squares overflow, so that no window has a deviation.

    Parameters
    ----------
    name : label
    count : int
    places : str
        Where they are.

    Returns
    -------
    Refusal
    """
    column = f"df[{name!r}]"
    code = f"{column} = {column}.mask({column}.abs() > {LARGEST:g}).interpolate(limit_direction='both')"
    return Refusal(
        f"has {count} values beyond {LARGEST:g}",
        where=f"column {name!r}",
        got=places,
        expected=f"numbers up to {LARGEST:g}, whose squares float64 still holds",
        advice=Words("Use other units.", "Use other units, or correct the cells of the file."),
        fix=Fix(code, ""),
    )


def code_of_infinite(name: Hashable) -> str:
    """The statement that replaces infinite values by interpolated ones."""
    column = f"df[{name!r}]"
    return f"{column} = {column}.replace([np.inf, -np.inf], np.nan).interpolate(limit_direction='both')"


def check_length(n_rows: int, lookback: int, horizon: int) -> None:
    """Refuse a series too short for one window.

    Parameters
    ----------
    n_rows, lookback, horizon : int
        Numbers of rows.

    Raises
    ------
    ValueError
        Saying what is needed, what there is, and the longest lookback that would work.

    Examples
    --------
    >>> check_length(60, 48, 12)
    """
    if n_rows >= lookback + horizon:
        return
    longest = n_rows - horizon
    way = "no lookback works: use a shorter horizon"
    if longest > 0:
        way = f"the longest lookback that works here is {longest}"
    raise ValueError(
        Refusal(
            f"has {n_rows} rows, but lookback + horizon = {lookback} + {horizon} = {lookback + horizon} are needed "
            f"for one window; {way}",
            where="the series",
        )
    )
