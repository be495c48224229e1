"""A network of windows that lie in several shards: its start, and one shard's part of a round.

Means and scales come from the moments of all shards, added in their order. What a shard computes is a function of the
shard, the weights and the numbers of shard and round: no state is kept in between.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._network import Moments, Scaling
from .._refusals import Refusal
from .._tail import MANY
from .._training import Recipe, Run
from .._windows import at_every_step
from .arguments import check_combinations, cycle_of, momentum_of, recipe_of, refuse_freeze
from .categories import levels_of, with_rows_of_unread_codes
from .placing import placed_for_fit
from .start import start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._arrays import Dataset
    from .._network import Network, Optimizer
    from .._types import Floats
    from .._windows import Windows
    from .estimator import RNNForecaster

__all__ = ["begun", "finished", "loss_on", "moments_of", "pooled", "refuse_unsharded", "schedule_of", "stepped"]

_PIECE = 1 << 16  # windows whose targets are looked at at once

_LEAST_BATCH = 8  # windows: fewer leave most of a vector register empty

_MOST_FASTER = 2.0  # times the learning rate; see `_faster`

_OF_A_FIT = {  # what a round of one shard must not repeat
    "warm_start": True, "max_iter": 1, "learning_rate_schedule": "constant", "early_stopping": False, "verbose": 0,
    "callbacks": None, "finish_schedule": "auto",
}  # fmt: skip


def refuse_unsharded(model: RNNForecaster) -> None:
    """Refuse arguments that mean something only for a fit in one place.

    Parameters
    ----------
    model : RNNForecaster

    Raises
    ------
    ValueError
    """
    cycle, shared = cycle_of(model)
    why = "each series is in one shard only, and the mean over shards would shrink what is learned of it"
    steps = "rounds count passes, not optimiser steps"
    given = {
        "series_size": (model.series_size > 0, 0, why),
        "cycle": (bool(cycle) and not shared, (cycle, "shared"), why),
        "stateful": (bool(model.stateful), False, "windows of a round are drawn, so none continues another"),
        "warm_start": (bool(model.warm_start), False, "resume= continues a distributed fit"),
        "warmup_steps": (model.warmup_steps > 0, 0, steps),
        "max_steps": (model.max_steps is not None, None, steps),
        "weight_average": (model.weight_average is not None, None, "the weights are averaged over the shards"),
        "finish_schedule": (model.finish_schedule is True, "auto", steps),
    }
    for name, (is_given, instead, reason) in given.items():
        if is_given:
            raise ValueError(
                Refusal(
                    f"{name}={getattr(model, name)!r} does not work with shards: {reason}",
                    where="regressor:",
                    expected=f"{name}={instead!r}",
                )
            )


def moments_of(model: RNNForecaster, windows: Windows) -> Moments:
    """Moments of the windows of one shard.

    Parameters
    ----------
    model : RNNForecaster
        Not changed.
    windows : Windows
        Training windows, 1 or more.

    Returns
    -------
    Moments
    """
    n: int = len(windows)
    known: Any = None
    if not at_every_step(model):  # there the targets are rows of the past too, of which all but a few are known
        pieces = (windows[first : first + _PIECE] for first in range(0, n, _PIECE))
        known = np.sum([np.isfinite(np.asarray(piece.y)).sum(axis=0) for piece in pieces], axis=0)
    moments = Moments()
    moments.add(_read(model, windows).arguments, np.arange(0, n, -(-n // MANY), dtype=np.int64), n, known)
    return moments


def pooled(parts: Sequence[Moments]) -> dict[str, Floats]:
    """The moments of all windows from those of the shards, added in their order.

    Parameters
    ----------
    parts : sequence of Moments

    Returns
    -------
    dict of str to ndarray
        As `forecast._network.Moments.found` returns it.
    """
    together = Moments()
    for part in parts:
        together.merge(part)
    return together.found()


def begun(model: RNNForecaster, windows: Windows, moments: dict[str, Floats], seed: int) -> RNNForecaster:
    """A network before its first round, with means and scales of all shards.

    Parameters
    ----------
    model : RNNForecaster
        Changed: it holds the initial weights.
    windows : Windows
        Windows of one shard; the skip's ridge regression is computed on them.
    moments : dict of str to ndarray
        As `pooled` returns it.
    seed : int

    Returns
    -------
    RNNForecaster
        The same.
    """
    refuse_freeze(model)
    data = _read(model, windows)
    data = replace(data, levels=levels_of(model, data, None))
    data, _, names = placed_for_fit(model, data, None, None)
    index = np.arange(len(windows), dtype=np.int64)
    network, optimizer = start(model, data, None, index, np.random.default_rng(seed), False, Scaling.of(moments))
    model._keep(network, optimizer, data, names, Run(network.theta, norms=[np.empty(0)]), False)
    model._carried = None
    return model


def schedule_of(model: RNNForecaster) -> Recipe:
    """How to train, as the model's arguments say.

    Parameters
    ----------
    model : RNNForecaster

    Returns
    -------
    Recipe
    """
    return recipe_of(model, int(model.max_iter), False)


def stepped(
    model: RNNForecaster, windows: Windows, rate: float, forcing: float, seed: int, shards: int, n_jobs: int | None
) -> tuple[float, int]:
    """Train on some windows once, from the weights and the optimiser's state on.

    Parameters
    ----------
    model : RNNForecaster
        Begun; changed.
    windows : Windows
    rate : float
        Learning rate of a whole batch.
    forcing : float
        Probability of reading the true target of the step before, for `decoder="recurrent"`.
    seed : int
    shards : int
        Number of shards that train at the same time: a batch is divided among them, so that an epoch has about as many
        optimiser steps as in one place. A shard's part has 8 windows or more.
    n_jobs : int or None
        Number of threads; the result does not depend on it.

    Returns
    -------
    loss : float
        NaN if it was not finite.
    steps : int
        Number of optimiser steps.
    """
    more: dict[str, Any] = {"teacher_forcing": forcing} if model.decoder == "recurrent" else {}
    batch_size = min(model.batch_size, max(_LEAST_BATCH, -(-model.batch_size // shards)))
    faster = _faster(model, batch_size)
    own = {"learning_rate": rate * faster, "batch_size": batch_size, "random_state": seed, "n_jobs": n_jobs}
    if model.optimizer == "adamw":  # whose decay is multiplied by the rate
        own["weight_decay"] = model.weight_decay / faster
    model.set_params(**_OF_A_FIT, **own, **more)
    model.fit(windows, windows.y)
    return (float(model.loss_curve_[-1]) if model.loss_curve_ else math.nan), len(model.gradient_norm_curve_)


def _faster(model: RNNForecaster, batch_size: int) -> float:
    """What the learning rate is multiplied with for a batch that is divided among the shards.

    Adam and RMSprop divide a step by the root of the mean squared gradient. With a k-th of the windows, noise makes it
    up to sqrt(k) times as large, so a network learns more slowly; the mean over the shards has the noise of a whole
    batch again. The whole sqrt(k) is too much: between two means the shards move apart with the rate.
    """
    return 1.0 if model.optimizer == "sgd" else min(_MOST_FASTER, math.sqrt(model.batch_size / batch_size))


def loss_on(model: RNNForecaster, windows: Windows, n_jobs: int | None) -> float:
    """The loss of a begun or fitted network on windows.

    Parameters
    ----------
    model : RNNForecaster
    windows : Windows
    n_jobs : int or None

    Returns
    -------
    float
    """
    network, data = model._network, _read(model, windows)
    data = replace(data, levels=levels_of(model, data, network.architecture))
    data, _, _ = placed_for_fit(model, data, None, getattr(model, "_series_names", None))
    index = np.arange(len(windows), dtype=np.int64)
    threads = network.threads(n_jobs, len(windows), passes=1)
    return float(network.compiled.loss(network.theta, network.source(data.arguments), index, threads=threads))


def finished(model: RNNForecaster, run: Run) -> RNNForecaster:
    """A network after its last round.

    Parameters
    ----------
    model : RNNForecaster
        Begun, with the optimiser's state of the last round; changed.
    run : Run
        Weights to keep, and the curves.

    Returns
    -------
    RNNForecaster
        The same.
    """
    network = model._network
    optimizer = _optimizer(model, network)
    theta = with_rows_of_unread_codes(network, optimizer, run.theta)
    model._network = network.with_theta(theta)
    model.n_iter_, model.loss_curve_ = run.n_iter, run.loss_curve
    model.validation_loss_curve_, model.best_loss_ = run.validation_loss_curve, float(run.best_loss)
    model.gradient_norm_curve_ = np.concatenate([np.empty(0), *run.norms])
    return model


def _optimizer(model: RNNForecaster, network: Network) -> Optimizer:
    state = model._optimizer_state
    optimizer = network.new_optimizer(model.optimizer, momentum_of(model), model.weight_decay)
    optimizer.steps, optimizer.first, optimizer.second = state["steps"], state["first"], state["second"]
    return optimizer


def _read(model: RNNForecaster, windows: Windows) -> Dataset:
    check_combinations(model)
    return model._read(windows, windows.y, None)[0]
