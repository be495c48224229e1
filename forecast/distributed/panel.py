"""Partitions of a panel: what each holds, whether it is sound, and its rows as arrays, cut into shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone

from .._callbacks import CALLBACKS
from .._files import ModelFileError
from .._frames import Encoding, Layout, Roles, Schema, read_panel
from .._frames.series import series_of
from .._frames.stamps import read_stamps
from .._preparation import Rows
from .._refusals import Fix, Refusal, extended, refusal_of

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import TimeAxis
    from .._frames.series import FrameRows
    from .._series import SeriesForecaster

__all__ = [
    "Frame", "Look", "agreed", "bare", "begun_axis", "in_order", "in_pieces", "joined", "look", "part_of", "read",
    "refused_in", "refused_unsavable", "rows_by_series",
]  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What a partition holds, without its values.

    Attributes
    ----------
    lengths : dict of key to int
        Rows of each series.
    dtypes : dict of label to str
        Dtypes of the columns that the model reads.
    schema : Schema
    """

    lengths: dict[Any, int]
    dtypes: dict[Any, str]
    schema: Schema


class Frame(NamedTuple):
    """What all partitions share: roles, layout, axis, schema, and the columns."""

    roles: Roles
    layout: Layout
    axis: TimeAxis
    schema: Schema
    columns: list[Any]


def bare(model: SeriesForecaster) -> SeriesForecaster:
    """A clone for tasks: not fitted, and without callbacks, which belong to the process of the caller.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    SeriesForecaster
    """
    own = clone(model).set_params(verbose=0)
    if hasattr(own.regressor, "callbacks"):
        own.regressor.set_params(callbacks=None, verbose=0)
    for one in (own, own.regressor):
        getattr(one, "__dict__", {}).pop(CALLBACKS, None)
    return own


def refused_unsavable(error: ModelFileError, call: str, advice: str) -> ModelFileError:
    """The refusal of a model that no file can hold as that of a call whose models are sent as model files.

    Parameters
    ----------
    error : ModelFileError
    call, advice : str

    Returns
    -------
    ModelFileError
    """
    return ModelFileError(extended(error, f"{call} sends models as model files: ", advice=advice))


def roles_of(model: SeriesForecaster, frame: pd.DataFrame) -> Roles:
    """The roles of a frame's columns, as `SeriesForecaster.fit` has them."""
    return Roles.of(
        frame,
        target=model.target,
        past_covariates=model.past_covariates,
        future_covariates=model.future_covariates,
        static_covariates=model.static_covariates,
        series=model.series,
        time=model.time,
    )


def look(model: SeriesForecaster, frame: pd.DataFrame, number: int) -> Look:
    """What a partition holds; refused if its rows are not in order.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read.
    frame : pandas.DataFrame
    number : int
        Number of the partition.

    Returns
    -------
    Look
    """
    if not len(frame):
        return Look({}, {}, Schema())
    try:
        roles = roles_of(model, frame)
        rows = _rows_of(frame, roles)
        schema = Schema.of(frame, roles, rows, model.categorical == "embedding")
    except (TypeError, ValueError) as error:
        raise refused_in(error, number) from error
    lengths = dict(zip(rows.keys, np.diff(rows.starts).tolist(), strict=True))
    read = {*roles.target, *roles.past, *roles.future, *roles.static}
    used = {str(label): str(frame[label].dtype) for label in frame.columns if label in read}
    return Look(lengths, used | {"time": str(rows.index.dtype)}, schema)


def _rows_of(frame: pd.DataFrame, roles: Roles) -> FrameRows:
    layout = Layout.of(frame, roles, "ddf")
    return series_of(frame, layout, read_stamps(layout.labels(frame), layout, "ddf"), "ddf", roles)


def refused_in(error: Exception, number: int) -> Exception:
    """The refusal of a frame as that of a partition, with the fix for all of them.

    Parameters
    ----------
    error : TypeError or ValueError
    number : int

    Returns
    -------
    Exception
        Of the same class.
    """
    fix = str(refusal_of(error).parts["fix"] or "")
    code = f"ddf = ddf.map_partitions(lambda df: {fix.removeprefix('df = ')})"
    return type(error)(extended(error, f"partition {number}: ", fix=Fix(code) if fix.startswith("df = ") else None))


def rows_by_series(model: SeriesForecaster, frame: pd.DataFrame) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The rows of each series of a partition.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read.
    frame : pandas.DataFrame

    Yields
    ------
    key, pandas.DataFrame
    """
    rows = _rows_of(frame, roles_of(model, frame))
    for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True):
        mine = slice(first, end)
        yield key, frame.iloc[mine if rows.order is None else rows.order[mine]]


def in_pieces(model: SeriesForecaster, frame: pd.DataFrame, n: int) -> list[pd.DataFrame]:
    """Whole series of a frame in pieces, with about as many series in each.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read.
    frame : pandas.DataFrame
    n : int
        Number of pieces; fewer where there are fewer series.

    Returns
    -------
    list of pandas.DataFrame
    """
    rows = _rows_of(frame, roles_of(model, frame))
    bounds = rows.starts[np.unique(np.linspace(0, len(rows.keys), n + 1).astype(np.int64))]
    places = np.arange(len(frame)) if rows.order is None else rows.order
    return [frame.iloc[places[first:end]] for first, end in pairwise(bounds)]


def agreed(looks: Sequence[Look], by: Sequence[Any]) -> tuple[dict[Any, int], Schema]:
    """Series and schema of all partitions; refused where they do not fit together.

    Parameters
    ----------
    looks : sequence of Look
    by : sequence of labels
        Columns that name the series, for the fix.

    Returns
    -------
    dict of key to int, Schema
        The partition of each series, and the encoding of all.
    """
    full = [(number, one) for number, one in enumerate(looks) if one.lengths]
    if not full:
        raise ValueError(Refusal("has no rows", where="ddf", expected="a partition with rows"))
    home: dict[Any, int] = {}
    first, known = full[0]
    for number, one in full:
        for key in one.lengths:
            if home.setdefault(key, number) != number:
                _refuse_split(key, home[key], number, by)
        for label, dtype in one.dtypes.items():
            if dtype != known.dtypes.get(label):
                raise TypeError(
                    Refusal(
                        f"{'the time' if label == 'time' else f'column {label!r}'} has dtype {dtype}",
                        where=f"partition {number}:",
                        expected=f"{known.dtypes.get(label)}, as in partition {first}",
                    )
                )
    return home, _joined_schema([one.schema for _, one in full])


def _refuse_split(key: Any, first: int, second: int, by: Sequence[Any]) -> None:
    on = list(by) if len(by) > 1 else by[0]
    raise ValueError(
        Refusal(
            f"is in the partitions {first} and {second}",
            where=f"series {key!r}",
            expected="all rows of a series in one partition",
            fix=Fix(f"ddf = ddf.shuffle({on!r}).map_partitions(lambda part: part.sort_index(kind='stable'))"),
        )
    )


def _joined_schema(schemas: Sequence[Schema]) -> Schema:
    roles = [
        tuple(_joined_encoding(parts) for parts in zip(*(getattr(one, role) for one in schemas), strict=True))
        for role in ("past", "future", "static")
    ]
    return Schema(*roles)


def _joined_encoding(parts: Sequence[Encoding]) -> Encoding:
    known = [one.categories for one in parts if one.categories is not None]
    if not known:
        return parts[0]
    if all(one == known[0] for one in known):
        return replace(parts[0], categories=known[0])
    everything = {value for one in known for value in one}
    return replace(parts[0], categories=tuple(sorted(everything, key=in_order)))


def in_order(value: Any) -> tuple[Any, ...]:
    """The order of names of series and of categories: by type, then by value."""
    if isinstance(value, tuple):
        return ("tuple", *(in_order(one) for one in value))
    return type(value).__name__, value


def begun_axis(model: SeriesForecaster, frame: pd.DataFrame, number: int, key: Any) -> Frame:
    """The axis of time, read from one series of a partition.

    Parameters
    ----------
    model : SeriesForecaster
    frame : pandas.DataFrame
    number : int
        Number of the partition.
    key : label
        The longest series.

    Returns
    -------
    Frame
        With the schema of this partition.
    """
    roles = roles_of(model, frame)
    alone = dict(rows_by_series(model, frame))[key]
    try:
        panel = read_panel(alone, roles, model._rules())
    except (TypeError, ValueError) as error:
        raise refused_in(error, number) from error
    return Frame(roles, Layout.of(frame, roles), panel.axis, panel.schema, list(frame.columns))


def read(model: SeriesForecaster, frame: pd.DataFrame, number: int, shared: Frame) -> Rows | None:
    """The rows of a partition as arrays, after every check.

    Parameters
    ----------
    model : SeriesForecaster
    frame : pandas.DataFrame
    number : int
        Number of the partition.
    shared : Frame

    Returns
    -------
    Rows or None
        None: the partition is empty.
    """
    if not len(frame):
        return None
    try:
        panel = read_panel(frame, shared.roles, model._rules(), schema=shared.schema, axis=shared.axis, what="ddf")
    except (TypeError, ValueError) as error:
        raise refused_in(error, number) from error
    return Rows.of(panel)


def part_of(rows: Rows, keys: list[Any]) -> Rows:
    """Some series of a partition.

    Parameters
    ----------
    rows : Rows
    keys : list

    Returns
    -------
    Rows
    """
    return rows.only(keys)


def joined(parts: Sequence[Rows]) -> Rows:
    """The series of several parts, in the order of their names; the order of the parts has no effect.

    Parameters
    ----------
    parts : sequence of Rows

    Returns
    -------
    Rows
    """
    found = parts[0] if len(parts) == 1 else _behind_each_other(parts)
    return found.only(sorted(found.keys, key=in_order))


def _behind_each_other(parts: Sequence[Rows]) -> Rows:
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    starts = [part.starts[:-1] + offset for part, offset in zip(parts, offsets, strict=False)]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("targets", "past", "future", "static")
    }
    made_up = None
    if any(part.made_up is not None for part in parts):
        made_up = np.concatenate(
            [np.zeros(len(part), dtype=bool) if part.made_up is None else part.made_up for part in parts]
        )
    return Rows(
        [key for part in parts for key in part.keys],
        np.concatenate([*starts, offsets[-1:]]).astype(np.int64),
        parts[0].index.append([part.index for part in parts[1:]]),
        made_up=made_up,
        **arrays,
    )
