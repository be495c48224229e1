"""The results of training: curves, best weights, average of the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._records import record
from .._types import Floats

if TYPE_CHECKING:
    from .recipe import Recipe

__all__ = ["Average", "Patience", "Run"]


@record
class Run:
    """The result of one training: the weights to keep and the curves."""

    theta: Floats
    best_loss: float = math.inf
    best_epoch: int = 0  # from 1; 0: none yet
    loss_curve: list[float] = field(default_factory=list)
    validation_loss_curve: list[float] = field(default_factory=list)
    norms: list[Floats] = field(default_factory=list)
    threads: int = 1
    diverged: bool = False

    @property
    def n_iter(self) -> int:
        return len(self.loss_curve)


class Patience:
    """Keeps the best weights and counts the epochs that did not improve on them by more than `tol`."""

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self.run, self.recipe, self.waited = run, recipe, 0

    def saw(self, loss: float, theta: Floats) -> None:
        self.waited = 0 if loss < self.run.best_loss - self.recipe.tol else self.waited + 1
        if loss < self.run.best_loss:
            self.run.best_loss, self.run.best_epoch, self.run.theta = loss, self.run.n_iter, theta.copy()

    @property
    def exhausted(self) -> bool:
        return self.waited >= self.recipe.patience


class Average:
    """Exponential average of the weights after each step, without the initial weights in it.

    The core keeps m = decay m + (1 - decay) theta from m = 0; m / (1 - decay^n) after n steps is the mean of the n
    weights with the weights decay^(n - i), which sum to 1 by this division (as Adam's moments: Kingma and Ba 2015).
    Without a decay the weights themselves are handed on. Frozen ranges are not averaged: they keep their bits.
    """

    def __init__(self, theta: Floats, decay: float | None, frozen: Sequence[tuple[int, int]] = ()) -> None:
        self.decay, self.steps, self.frozen = decay, 0, frozen
        self.sum = None if decay is None else np.zeros_like(theta)

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the core's `train`."""
        return {} if self.sum is None else {"average": self.sum, "average_decay": self.decay}

    def of(self, theta: Floats) -> Floats:
        """The weights to judge and to keep."""
        if self.sum is None or self.decay is None or not self.steps:
            return theta
        mean = self.sum / (1 - self.decay**self.steps)
        for first, n in self.frozen:
            mean[first : first + n] = theta[first : first + n]
        return mean
