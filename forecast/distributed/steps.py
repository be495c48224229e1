"""The tasks of a fit: functions of a shard, of bytes and of numbers, which may run anywhere and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from .._files import from_bytes
from .._rnn.shards import begun, loss_on, moments_of, stepped
from .engine import share_of_cores
from .state import State

if TYPE_CHECKING:
    from .._network import Moments
    from .._preparation import Settings
    from .._types import Floats
    from .shards import Shard

__all__ = ["BEGUN", "Order", "Part", "begin", "judge", "moments", "step"]

BEGUN = "the network before its first round"


def moments(shard: Shard, settings: Settings, cut: int | None) -> Moments | None:
    """Moments of the windows to train on; None if there are none."""
    windows = shard.early(cut)
    return moments_of(_fresh(settings), windows) if len(windows) else None


def begin(shard: Shard, settings: Settings, cut: int | None, found: dict[str, Floats], seed: int) -> bytes:
    """The network before its first round, as the bytes of a model file.

    Parameters
    ----------
    shard : Shard
        The first one with windows.
    settings : Settings
    cut : int or None
    found : dict of str to ndarray
        Moments of all shards.
    seed : int

    Returns
    -------
    bytes
    """
    return begun(_fresh(settings), shard.early(cut), found, seed)._as_bytes()


def _fresh(settings: Settings) -> Any:
    return clone(settings.regressor).set_params(callbacks=None, verbose=0, n_jobs=share_of_cores())


@dataclass(frozen=True)
class Order:
    """The part of a shard in a round.

    Attributes
    ----------
    shard, shards : int
        Number of the shard, and how many there are.
    epoch, part, parts : int
        Number of the epoch; which part of its windows, of how many.
    seed : int
    rate : float
        Learning rate.
    forcing : float
        As in `forecast._rnn.shards.stepped`.
    """

    shard: int
    shards: int
    epoch: int
    part: int
    parts: int
    seed: int
    rate: float
    forcing: float


@dataclass(frozen=True)
class Part:
    """What a shard gave in a round.

    Attributes
    ----------
    state : bytes
    loss : float
    n_windows, steps : int
    norm : float
        Mean norm of its gradients.
    """

    state: bytes
    loss: float
    n_windows: int
    steps: int
    norm: float


def step(shard: Shard, template: bytes, state: bytes, order: Order, cut: int | None) -> Part:
    """Train on one part of the shard's windows, from the weights of all shards on. A function of its arguments.

    Parameters
    ----------
    shard : Shard
    template : bytes
        As `begin` returns it.
    state : bytes
        As `State.as_bytes` returns it.
    order : Order
    cut : int or None

    Returns
    -------
    Part
    """
    early = shard.early(cut)
    draw = np.random.default_rng([order.seed, 1, order.shard, order.epoch]).permutation(len(early))
    mine = np.sort(np.array_split(draw, order.parts)[order.part])
    if not len(mine):
        return Part(state, 0.0, 0, 0, 0.0)
    model = _going_on(template, state)
    seed = int(np.random.default_rng([order.seed, 2, order.shard, order.epoch, order.part]).integers(2**31))
    loss, steps = stepped(model, early[mine], order.rate, order.forcing, seed, order.shards, share_of_cores())
    norm = float(np.mean(model.gradient_norm_curve_)) if steps else 0.0
    return Part(State.of(model).as_bytes(), loss, len(mine), steps, norm)


def judge(shard: Shard, template: bytes, state: bytes, cut: int) -> tuple[float, int]:
    """The loss on the windows that are held out, and how many there are.

    Parameters
    ----------
    shard, template, state, cut
        As in `step`.

    Returns
    -------
    float, int
    """
    late = shard.late(cut)
    if not len(late):
        return 0.0, 0
    return loss_on(_going_on(template, state), late, share_of_cores()), len(late)


def _going_on(template: bytes, state: bytes) -> Any:
    return State.read(state).put_into(from_bytes(template, BEGUN))
