"""The learning rate of every optimiser step, and how many steps there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .recipe import Recipe

from .._refusals import Refusal

__all__ = ["Schedule"]


class Schedule:
    """The learning rate of every optimiser step of one fit, and the fit's last step.

    By epoch, e from 0 of N: cosine `rate (1 + cos(pi e / N)) / 2`; step `rate 2^-floor(4 e / N)`. With warm-up or a
    number of steps it goes by step: over the first W steps s (from 0) the rate is `rate (s + 1) / W`, after them the
    formulas above hold with s - W of N - W steps in place of e of N. Constant and plateau have no end.

    Parameters
    ----------
    recipe : Recipe
    batches : int
        Optimiser steps of a whole epoch.

    Raises
    ------
    ValueError
        Warm-up is as long as the training or longer.

    References
    ----------
    Loshchilov and Hutter (2017), without restarts; Goyal et al. (2017), warm-up.
    """

    def __init__(self, recipe: Recipe, batches: int) -> None:
        self.recipe, self.batches = recipe, batches
        self.steps = recipe.max_iter * batches  # of the whole fit
        if recipe.max_steps is not None:
            self.steps = min(self.steps, recipe.max_steps)
        if recipe.warmup_steps >= self.steps:
            raise ValueError(
                Refusal(
                    f"warmup_steps={recipe.warmup_steps}, but training has {self.steps} optimiser steps in all "
                    f"({batches} an epoch): lower warmup_steps, or raise max_iter or max_steps"
                )
            )
        self._factor, self._waited, self._best = 1.0, 0, math.inf  # of plateau
        self._tail: tuple[int, float] | None = None  # (first step, share of the schedule that is behind there)

    @property
    def epochs(self) -> int:
        """Epochs until the last step; the last one may be cut."""
        return -(-self.steps // self.batches)

    def rates(self, epoch: int, first: int, n: int) -> npt.NDArray[np.float64]:
        """The rates of n steps of `epoch` (from 0), of which the first has the number `first` (from 0)."""
        if self._tail is not None or self.recipe.by_step:
            return self._by_step(first + np.arange(n, dtype=float))
        return np.full(n, self._by_epoch(epoch))

    def _by_epoch(self, epoch: int) -> float:
        r = self.recipe
        if r.schedule == "cosine":
            return r.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / r.max_iter))
        if r.schedule == "step":
            return r.learning_rate * 0.5 ** (4 * epoch // r.max_iter)
        return r.learning_rate * self._factor

    def _by_step(self, step: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        r = self.recipe
        done = self._done(step)
        if r.schedule == "cosine":
            shape = 0.5 * (1 + np.cos(np.pi * done))
        elif r.schedule == "step":
            shape = 0.5 ** np.floor(4 * done)
        else:
            shape = np.full(len(step), self._factor)
        warm = np.minimum(1.0, (step + 1) / r.warmup_steps) if r.warmup_steps and self._tail is None else 1.0
        return r.learning_rate * warm * shape

    def _done(self, step: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Which share of the schedule is behind before `step`."""
        if self._tail is not None:
            first, behind = self._tail
            return behind + (1 - behind) * (step - first) / (self.steps - first)
        warm = self.recipe.warmup_steps
        return np.maximum(step - warm, 0.0) / (self.steps - warm)

    def finish(self, step: int, epochs: int) -> None:
        """From `step` on: the rest of the schedule in at most `epochs` epochs, the last of the fit."""
        behind = float(self._done(np.array([float(step)]))[0])
        self.steps = min(self.steps, step + epochs * self.batches)
        self._tail = step, behind

    def saw(self, loss: float) -> None:
        """The loss that an epoch is judged by."""
        if self.recipe.schedule != "plateau":
            return
        self._waited = 0 if loss < self._best - self.recipe.tol else self._waited + 1
        self._best = min(self._best, loss)
        if self._waited >= max(1, self.recipe.patience // 4):
            self._factor, self._waited = self._factor * 0.5, 0
