"""The results of training: curves, best weights, average of the weights."""

import math
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Average", "Patience", "Run"]


@dataclass
class Run:
    """The result of one training: the weights to keep and the curves."""

    theta: np.ndarray
    best_loss: float = math.inf
    best_epoch: int = 0  # from 1; 0: none yet
    loss_curve: list = field(default_factory=list)
    validation_loss_curve: list = field(default_factory=list)
    norms: list = field(default_factory=list)
    threads: int = 1
    diverged: bool = False

    @property
    def n_iter(self):
        return len(self.loss_curve)


class Patience:
    """Keeps the best weights and counts the epochs that did not improve on them by more than `tol`."""

    def __init__(self, run, recipe):
        self.run, self.recipe, self.waited = run, recipe, 0

    def saw(self, loss, theta):
        self.waited = 0 if loss < self.run.best_loss - self.recipe.tol else self.waited + 1
        if loss < self.run.best_loss:
            self.run.best_loss, self.run.best_epoch, self.run.theta = loss, self.run.n_iter, theta.copy()

    @property
    def exhausted(self):
        return self.waited >= self.recipe.patience


class Average:
    """Exponential average of the weights after each step, without the initial weights in it.

    The core keeps m = decay m + (1 - decay) theta from m = 0; m / (1 - decay^n) after n steps is the mean of the n
    weights with the weights decay^(n - i), which sum to 1 by this division (as Adam's moments: Kingma and Ba 2015).
    Without a decay the weights themselves are handed on. Frozen ranges are not averaged: they keep their bits.
    """

    def __init__(self, theta, decay, frozen=()):
        self.decay, self.steps, self.frozen = decay, 0, frozen
        self.sum = None if decay is None else np.zeros_like(theta)

    @property
    def arguments(self):
        """Of the core's `train`."""
        return {} if self.sum is None else {"average": self.sum, "average_decay": self.decay}

    def of(self, theta):
        """The weights to judge and to keep."""
        if self.sum is None or not self.steps:
            return theta
        mean = self.sum / (1 - self.decay**self.steps)
        for first, n in self.frozen:
            mean[first : first + n] = theta[first : first + n]
        return mean
