"""What the fitted forecaster keeps of each shard, and these parts put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._files import from_bytes
from .._preparation import Member, Preparation, Rows, kind_of
from .._preparation.learnt import still_series
from .._series.bounds import lowest_of
from .._series.growing import room_for
from .._series.span import Span
from .._series.state import FittedState
from .._series.verdict import held_out_of, verdict_of_parts
from .._windows import Norm
from .engine import share_of_cores
from .panel import in_order, joined

if TYPE_CHECKING:
    from .._preparation import Task
    from .._rnn import RNNForecaster
    from .._series import SeriesForecaster
    from .._series.verdict import HeldOut
    from .engine import Engine
    from .sharding import Sharded
    from .shards import Shard

__all__ = ["Learnt", "errors", "forecaster_of", "learnt", "merged", "tails"]

_MOST = 20_000  # windows whose errors the report and intervals rest on


@dataclass(frozen=True)
class Learnt:
    """What the fitted forecaster keeps of a shard.

    Attributes
    ----------
    keys : list
        Series that were trained on, as the regressor sees them.
    preparation : Preparation
        The shard's own.
    still : dict of key to ndarray of bool
        Its series that never moved.
    tail, newest : Rows
        Rows for forecasts, and rows to train on again.
    bounds : tuple of labels
        The first and the last time of the shard.
    n_windows : int
    """

    keys: list[Any]
    preparation: Preparation
    still: dict[Any, Any]
    tail: Rows
    newest: Rows
    bounds: tuple[Any, Any]
    n_windows: int


def learnt(shard: Shard, needed: int, room: int) -> Learnt:
    """What to keep of a shard.

    Parameters
    ----------
    shard : Shard
    needed : int
        Rows of each series that a forecast can look back on.
    room : int
        Rows of each series that are kept to train on again.

    Returns
    -------
    Learnt
    """
    raw = shard.raw
    bounds = raw.index[raw.starts[:-1]].min(), raw.index[raw.ends].max()
    keys, still = list(shard.rows.keys), still_series(shard.rows)
    return Learnt(keys, shard.preparation, still, raw.tail(needed), raw.newest(room), bounds, len(shard.windows))


def merged(parts: Sequence[Learnt]) -> Preparation:
    """The preparation of all shards.

    Parameters
    ----------
    parts : sequence of Learnt

    Returns
    -------
    Preparation
    """
    preparation = parts[0].preparation
    chains = {key: chain for part in parts for key, chain in part.preparation.chains.items()}
    preparation = replace(preparation, chains=_sorted(chains), still={}, named=None)
    if Norm.of(preparation.window_norm, preparation.lookback).kind == "standard":
        floors = {key: one for part in parts for key, one in (part.preparation.floors or {}).items()}
        return replace(preparation, floors=_sorted(floors))
    named = sorted((key for part in parts for key in part.keys), key=in_order)
    if preparation.transform is not None or len(named) == 1 or not preparation.lookback:
        return preparation
    still = {key: one for part in parts for key, one in part.still.items()}
    return replace(preparation, still=_sorted(still), named=named)


def _sorted(found: dict[Any, Any]) -> dict[Any, Any]:
    return {key: found[key] for key in sorted(found, key=in_order)}


def tails(parts: Sequence[Learnt], needed: int, room: int) -> tuple[Rows, Rows | None]:
    """The rows that a forecaster keeps of all series: for forecasts, and to train on again.

    Parameters
    ----------
    parts : sequence of Learnt
    needed, room : int
        As in `learnt`.

    Returns
    -------
    Rows, Rows or None
    """
    newest = joined([part.newest for part in parts])
    return joined([part.tail for part in parts]), None if room <= needed and newest.made_up is None else newest


def errors(shard: Shard, task: Task, regressor: bytes, split: bool, pads: bool, cut: int, most: int) -> HeldOut | None:
    """Errors of the fitted network on the windows of a shard that were held out.

    Parameters
    ----------
    shard : Shard
    task : Task
    regressor : bytes
        The fitted network.
    split, pads : bool
        As in `Member`.
    cut : int
    most : int
        Maximum number of windows; if there are more, evenly spaced ones are taken.

    Returns
    -------
    HeldOut or None
        None: there are no such windows.
    """
    late = shard.late(cut)
    if not len(late):
        return None
    late = late[:: -(-len(late) // most)]
    network = from_bytes(regressor, "the fitted network").set_params(n_jobs=share_of_cores())
    member = Member(network, shard.preparation, split, len(shard.windows), pads)
    return held_out_of(task, shard.rows, member, late)


def forecaster_of(
    engine: Engine, shards: Sharded, model: SeriesForecaster, network: RNNForecaster, cut: int | None
) -> SeriesForecaster:
    """The fitted forecaster of all shards.

    Parameters
    ----------
    engine : Engine
    shards : Sharded
    model : SeriesForecaster
        Not fitted; changed.
    network : RNNForecaster
        Fitted.
    cut : int or None

    Returns
    -------
    SeriesForecaster
        The same.
    """
    task, frame, settings = shards.task, shards.frame, shards.settings
    split = settings.multi_target == "shared" and len(frame.roles.target) > 1
    lost = shards.summaries[0].n_lost
    needed = settings.lookback + lost
    needed, room = max(needed, task.axis.season_length), room_for(shards.n_series)
    parts = engine.gather(
        {
            f"shard {number}": engine.submit("learnt", learnt, one, needed, max(room, needed))
            for number, one in enumerate(shards.tasks)
        }
    )
    report, calibration = _verdict(engine, shards, network, split, cut)
    tail, newest = tails(parts, needed, room)
    state = FittedState(
        regressor=network,
        preparation=merged(parts),
        roles=frame.roles,
        schema=frame.schema,
        axis=replace(task.axis, note=task.axis.note and str(task.axis.note)),
        layout=frame.layout,
        split=split,
        tail=tail,
        needed=needed,
        n_windows=sum(part.n_windows for part in parts),
        report=report,
        calibration=calibration,
        span=Span(min(one.bounds[0] for one in parts), max(one.bounds[1] for one in parts), shards.n_rows),
        lower=lowest_of(model),
        upper=model.upper,
        pads=settings.pads,
        kept=newest,
    )
    model._remember(state, frame.columns, None)
    model.recipe_ = model.get_params(deep=False)
    return model


def _verdict(engine: Engine, shards: Sharded, network: RNNForecaster, split: bool, cut: int | None) -> tuple[Any, Any]:
    """Errors on the held-out windows, if there are any."""
    found: list[Any] = []
    if cut is not None:
        fitted = engine.submit("fitted", bytes, network._as_bytes())
        most = max(1, _MOST // len(shards.tasks))
        tasks = {
            f"shard {number}": engine.submit(
                "errors", errors, one, shards.task, fitted, split, shards.settings.pads, cut, most
            )
            for number, one in enumerate(shards.tasks)
        }
        found = [one for one in engine.gather(tasks) if one is not None]
    return verdict_of_parts(shards.task, found, kind_of(network), True)
