"""From partitions to shards: partitions are looked at, read and checked, and each shard gets its series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._preparation import Settings, Task
from .engine import Engine, partitions_of
from .panel import Frame, Look, agreed, begun_axis, in_order, joined, look, part_of, read
from .shards import Summary, assigned, first_label, known_sums, prepare, summary

if TYPE_CHECKING:
    from .._series import SeriesForecaster
    from .._types import Floats

__all__ = ["Sharded", "prepared_shards", "sharded"]


@dataclass(frozen=True)
class Sharded:
    """A panel in shards.

    Attributes
    ----------
    tasks : list
        Tasks whose results are shards.
    rows : list
        Tasks whose results are the rows of each.
    keys : list of list of keys
        Series of each.
    frame : Frame
    task : Task
    settings : Settings
    summaries : list of Summary
    n_rows : int
    """

    tasks: list[Any]
    rows: list[Any]
    keys: list[list[Any]]
    frame: Frame
    task: Task
    settings: Settings
    summaries: list[Summary]
    n_rows: int

    @property
    def n_series(self) -> int:
        """Number of all series."""
        return sum(map(len, self.keys))


def sharded(engine: Engine, model: SeriesForecaster, settings: Settings, ddf: Any, n_shards: int, seed: int) -> Sharded:
    """Read the partitions, check them, and make the shards.

    Parameters
    ----------
    engine : Engine
    model : SeriesForecaster
    settings : Settings
    ddf : dask.dataframe.DataFrame or pandas.DataFrame
    n_shards, seed : int

    Returns
    -------
    Sharded
    """
    partitions = partitions_of(engine, ddf)
    looked = {f"partition {n}": engine.submit("look", look, model, part, n) for n, part in enumerate(partitions)}
    looks: list[Look] = engine.gather(looked)
    by = [model.series] if not isinstance(model.series, list | tuple) else list(model.series)
    home, schema = agreed(looks, by)
    lengths = {key: n for one in looks for key, n in one.lengths.items()}
    longest = min(lengths, key=lambda key: (-lengths[key], in_order(key)))
    number = home[longest]
    axis = engine.submit("axis", begun_axis, model, partitions[number], number, longest)
    frame: Frame = engine.gather({f"partition {number}": axis})[0]._replace(schema=schema)
    keys = assigned(lengths, n_shards, seed)
    which = {key: shard for shard, own in enumerate(keys) for key in own}
    pieces: list[list[Any]] = [[] for _ in keys]
    read_tasks = {}
    for number, (part, one) in enumerate(zip(partitions, looks, strict=True)):
        rows = engine.submit("read", read, model, part, number, frame)
        read_tasks[f"partition {number}"] = engine.submit("read-ok", _is_read, rows)
        mine: dict[int, list[Any]] = {}
        for key in one.lengths:
            mine.setdefault(which[key], []).append(key)
        for shard, own in mine.items():
            pieces[shard].append(engine.submit("piece", part_of, rows, own))
    engine.gather(read_tasks)  # refuses a partition by its number before anything is computed of it
    rows_of = [engine.submit("rows", _joined, *parts) for parts in pieces]
    return prepared_shards(engine, model, settings, frame, keys, rows_of, sum(lengths.values()))


def _is_read(rows: Any) -> bool:
    return rows is not None


def _joined(*parts: Any) -> Any:
    return joined(parts)


def prepared_shards(
    engine: Engine, model: SeriesForecaster, settings: Settings, frame: Frame, keys: list[list[Any]], rows: list[Any],
    n_rows: int,
) -> Sharded:  # fmt: skip
    """Make the shards of rows that were read.

    Parameters
    ----------
    engine : Engine
    model : SeriesForecaster
    settings : Settings
    frame : Frame
    keys : list of list of keys
        Series of each shard.
    rows : list
        Tasks whose results are the rows of each.
    n_rows : int

    Returns
    -------
    Sharded
    """
    task = Task(
        horizon=int(model.horizon),
        axis=frame.axis,
        target_names=list(frame.roles.target),
        past_names=frame.schema.past_names,
        future_names=frame.schema.future_names,
        masked=model.missing == "mask" or model.gaps == "mask",
        static_names=frame.schema.static_names,
        levels=frame.schema.levels,
    )
    settings = replace(settings, pads=task.masked)
    origin = min(engine.gather({_name(n): engine.submit("begin", first_label, one) for n, one in enumerate(rows)}))
    fill: Floats | None = None
    if task.masked:
        sums = engine.gather({_name(n): engine.submit("sums", known_sums, one) for n, one in enumerate(rows)})
        total, count = (np.sum([one[at] for one in sums], axis=0) for at in (0, 1))
        fill = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    tasks = [engine.submit("shard", prepare, model, settings, task, one, fill, origin) for one in rows]
    summaries = engine.gather({_name(n): engine.submit("summary", summary, one) for n, one in enumerate(tasks)})
    return Sharded(tasks, rows, keys, frame, task, settings, summaries, n_rows)


def _name(number: int) -> str:
    return f"shard {number}"
