"""Frames for the user, laid out as theirs: the forecast, and the future frame to fill."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._types import Floats, Integers

if TYPE_CHECKING:
    from .roles import Layout, Roles
    from .schema import Schema

__all__ = ["answer", "answer_rows", "future_frame", "with_static"]


def answer(
    layout: Layout,
    roles: Roles,
    keys: Sequence[Any] | pd.Index,
    labels: list[pd.Index],
    arrays: Sequence[Floats],
    columns: Sequence[Hashable],
) -> pd.DataFrame:
    """A frame of results, laid out as the user's.

    Parameters
    ----------
    layout : Layout
    roles : Roles
    keys : list or pandas.Index
        Names of the series; `[None]` for a frame of one series.
    labels : list of pandas.Index
        Time labels of each series.
    arrays : list of ndarray of shape (len(labels[i]), len(columns))
    columns : list of labels

    Returns
    -------
    pandas.DataFrame
        Series and time as the user has them: one series without a time column is indexed by time; a column of series
        comes first; a column of time comes next, over a RangeIndex.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast._frames import Roles
    >>> from forecast._frames.roles import Layout
    >>> roles = Roles(["y"], series="shop")
    >>> layout = Layout.of(pd.DataFrame({"shop": ["a"], "y": [1.0]}), roles)
    >>> answer(layout, roles, ["a"], [pd.RangeIndex(1, 3)], [np.zeros((2, 1))], ["y"])
      shop    y
    1    a  0.0
    2    a  0.0
    """
    values = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    columns = pd.Index(columns, tupleize_cols=False)
    index = labels[0] if len(labels) == 1 else labels[0].append(labels[1:])
    if layout.series_at is None and layout.time_at == "index":
        return pd.DataFrame(values, index=index, columns=columns)
    frame = pd.DataFrame(values, columns=columns)
    return _laid_out(frame, layout, roles, keys, [len(part) for part in labels], index)


def answer_rows(
    index: pd.Index, order: list[Integers], arrays: Sequence[Floats], columns: Sequence[Hashable]
) -> pd.DataFrame:
    """A frame of results, one row for each row of the user's frame: its index, and numbers alone.

    Parameters
    ----------
    index : pandas.Index
        Index of the user's frame.
    order : list of ndarray of int
        Positions of the rows of each series in it.
    arrays : list of ndarray of shape (len(order[i]), len(columns))
    columns : list of labels

    Returns
    -------
    pandas.DataFrame

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> answer_rows(pd.RangeIndex(3), [np.array([0, 2]), np.array([1])], [np.zeros((2, 1)), np.ones((1, 1))], ["y"])
         y
    0  0.0
    1  1.0
    2  0.0
    """
    values = arrays[0]
    if len(arrays) > 1:
        values = np.concatenate(arrays)[np.argsort(np.concatenate(order), kind="stable")]
    return pd.DataFrame(values, index=index, columns=pd.Index(columns, tupleize_cols=False))


def _laid_out(
    frame: pd.DataFrame, layout: Layout, roles: Roles, keys: Any, lengths: list[int], stamps: pd.Index
) -> pd.DataFrame:
    names = _names(layout, keys, lengths)
    if layout.time_at == "column":
        frame.insert(0, roles.time, stamps)
    for one, values in reversed(list(zip(layout.ids, names, strict=True))):
        if one.at == "column":
            frame.insert(0, one.label, values)
    given = {one.level: values for one, values in zip(layout.ids, names, strict=True) if one.at == "level"}
    if given:
        if layout.time_at == "index":
            given[layout.time_level] = stamps
        levels = [pd.Index(given[level]) for level in range(len(layout.levels))]
        index = levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
        return frame.set_axis(index.set_names(list(layout.levels) if len(levels) > 1 else layout.levels[0]))
    return frame.set_axis(stamps.rename(layout.time_name)) if layout.time_at == "index" else frame


def _names(layout: Layout, keys: Sequence[Any] | pd.Index, lengths: list[int]) -> list[pd.Index | pd.Categorical]:
    """The values of each id column in all rows."""
    if len(layout.ids) < 2:
        return [_in_dtype(pd.Index(keys), one.dtype, lengths) for one in layout.ids]
    columns = zip(*keys, strict=True)
    return [_in_dtype(pd.Index(part), one.dtype, lengths) for one, part in zip(layout.ids, columns, strict=True)]


def _in_dtype(names: pd.Index, dtype: Any, lengths: list[int]) -> pd.Index | pd.Categorical:
    """Names of all rows in the user's dtype; where that does not know one of them, in their own."""
    repeated = names.repeat(lengths)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical(repeated, dtype=dtype) if names.isin(dtype.categories).all() else repeated
    return repeated.astype(dtype) if repeated.dtype != dtype else repeated


def future_frame(
    layout: Layout, roles: Roles, schema: Schema, keys: list[Hashable], labels: list[pd.Index]
) -> pd.DataFrame:
    """The future rows to fill: series and time as the user has them, and a missing value for each future covariate.

    Parameters
    ----------
    layout : Layout
    roles : Roles
    schema : Schema
    keys : list or pandas.Index
    labels : list of pandas.Index
        Time labels of each series.

    Returns
    -------
    pandas.DataFrame
        Categorical covariates have the categories that are known.

    Examples
    --------
    >>> import pandas as pd
    >>> from forecast._frames import Roles
    >>> from forecast._frames.roles import Layout
    >>> from forecast._frames.schema import Encoding, Schema
    >>> roles, schema = Roles(["y"], future=["price"]), Schema((), (Encoding("price"),))
    >>> layout = Layout.of(pd.DataFrame({"y": [1.0], "price": [2.0]}), roles)
    >>> future_frame(layout, roles, schema, [None], [pd.RangeIndex(1, 3)])
       price
    1    NaN
    2    NaN
    """
    empty = [np.empty((len(part), 0)) for part in labels]
    frame = answer(layout, roles, keys, labels, empty, [])
    order = {label: position for position, label in enumerate(layout.columns)}
    for part in sorted(schema.future, key=lambda part: order.get(part.label, len(order))):
        if part.categories is None:
            frame[part.label] = np.full(len(frame), np.nan)
        else:
            frame[part.label] = pd.Categorical([None] * len(frame), categories=list(part.categories))
    return frame


def with_static(frame: pd.DataFrame, roles: Roles, schema: Schema, static: Floats) -> pd.DataFrame:
    """A frame with its static covariates as the user has them; NaN where they are to be filled.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : Roles
    schema : Schema
    static : ndarray of shape (rows, encoded static covariates)

    Returns
    -------
    pandas.DataFrame
        Without those that are names of series.
    """
    columns, first = {}, 0
    for part in schema.static:
        values = static[:, first : first + len(part.names)]
        first += len(part.names)
        if part.categories is None:
            columns[part.label] = values[:, 0]
        else:
            found = values[:, 0] if part.coded else np.nan_to_num(values).argmax(axis=1)
            codes = np.where(np.isnan(values).any(axis=1), -1, np.nan_to_num(found)).astype(np.int64)
            columns[part.label] = pd.Categorical.from_codes(codes, categories=list(part.categories))
    for label, values in columns.items():
        if label not in roles.ids:
            frame[label] = values
    return frame
