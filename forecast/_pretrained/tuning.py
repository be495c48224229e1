"""Fine-tuning: the weights of the package, trained on for some steps on the user's own windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .._seeds import generator
from .._windows import Windows
from .ahead import newest, units_of
from .network import HORIZON, LOOKBACK, source
from .reading import read
from .windows import future_of, past_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._network import Network
    from .._types import Integers, Seed

__all__ = ["tuned"]

_BATCH = 32  # windows of a step, or all where there are fewer
_TOGETHER = 16  # steps of a call
_WARM_UP = 0.1  # share of the steps in which the rate rises
_FARTHEST = 20.0  # standard deviations; targets beyond are clipped


def tuned(
    network: Network,
    X: Any,
    y: Any,
    weight: NDArray[np.float64] | None,
    *,
    steps: int,
    rate: float,
    random_state: Seed,
    n_jobs: int | None,
) -> Network:
    """The network after some optimiser steps on windows; the given one is not changed.

    With a horizon beyond 64 steps, each window counts several times: once for each pass, which begins 64 steps later.

    Parameters
    ----------
    network : Network
    X : Windows or ndarray of shape (n, lookback) or (n, lookback, channels)
    y : array-like of shape (n,) or (n, horizon)
    weight : ndarray of shape (n,) or None
    steps : int
    rate : float
    random_state : int, RandomState instance or None
    n_jobs : int or None

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        The loss is not finite.
    """
    horizon = X.horizon if isinstance(X, Windows) else int(np.prod(np.shape(y)[1:]))
    targets = X.n_targets if isinstance(X, Windows) else 1
    passes = -(-horizon // HORIZON)
    n = len(X) * targets * passes
    batch = min(_BATCH, n)
    order = _order(generator(random_state), n, steps * batch)
    done = np.arange(steps) + 1
    rates = rate * np.minimum(1, done / (1 + _WARM_UP * steps)) * (0.5 + 0.5 * np.cos(np.pi * (done - 1) / steps))
    theta, optimizer = network.theta.copy(), network.new_optimizer("adamw", 0.0, 0.01)
    scratch, threads = network.new_scratch(), network.threads(n_jobs, 3 * batch)
    for first in range(0, steps, _TOGETHER):
        some = order[first * batch : (first + _TOGETHER) * batch]
        window, rest = np.divmod(some, targets * passes)
        windows, ahead = _part(X, y, window, rest // passes, HORIZON * (rest % passes))
        found = network.compiled.train(
            theta, optimizer, source(windows, ahead, None if weight is None else weight[window]),
            np.arange(len(some)), batch, rates=rates[first : first + _TOGETHER], clip_norm=1.0, threads=threads,
            scratch=scratch,
        )  # fmt: skip
        if not found["finite"]:
            raise ValueError(Refusal("the loss is not finite", where="fine_tune:", advice="Use a lower learning_rate."))
    return network.with_theta(theta)


def _order(rng: np.random.Generator, n: int, wanted: int) -> Integers:
    """Numbers of windows; none repeats before all have occurred."""
    return np.concatenate([rng.permutation(n) for _ in range(-(-wanted // n))])[:wanted]


def _part(X: Any, y: Any, window: Integers, target: Integers, skipped: Integers) -> tuple[Any, Any]:
    """What the network reads of some windows, and what it should answer, (n, 64), NaN where nothing is known."""
    past, ahead = np.full((len(window), LOOKBACK), np.nan), np.full((len(window), HORIZON), np.nan)
    for column in np.unique(target):
        mine = np.flatnonzero(target == column)
        past[mine] = newest(past_of(X, window[mine], column, LOOKBACK))
        future = future_of(X, y, window[mine], column)
        at = skipped[mine][:, None] + np.arange(HORIZON)
        there = at < future.shape[1]
        ahead[mine] = np.where(there, np.take_along_axis(future, np.where(there, at, 0), axis=1), np.nan)
    middle, unit = units_of(past)
    unit = np.where(unit > 0, unit, 1.0)
    windows = read((past / 2 - middle / 2) / unit, HORIZON, skipped)
    scaled = ((ahead / 2 - middle / 2) / unit - windows.centre) / windows.scale
    return windows, np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)
