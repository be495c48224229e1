"""What training keeps: the curves, the best weights, the average of the weights, the state to go back to."""

import math
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Average", "Checkpoint", "Patience", "Run"]


@dataclass
class Run:
    """What one training gave: the weights to keep and the curves."""

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
        """Returns whether these are the best weights so far."""
        self.waited = 0 if loss < self.run.best_loss - self.recipe.tol else self.waited + 1
        if not loss < self.run.best_loss:
            return False
        self.run.best_loss, self.run.best_epoch, self.run.theta = loss, self.run.n_iter, theta.copy()
        return True

    @property
    def exhausted(self):
        return self.waited >= self.recipe.patience


class Average:
    """Exponential average of the weights after each step, without the initial weights in it.

    The core keeps m = decay m + (1 - decay) theta from m = 0; m / (1 - decay^n) after n steps is the mean of the n
    weights with the weights decay^(n - i), which sum to 1 by this division (as Adam's moments: Kingma and Ba 2015).
    Without a decay the weights themselves are handed on.
    """

    def __init__(self, theta, decay):
        self.decay, self.steps = decay, 0
        self.sum = None if decay is None else np.zeros_like(theta)

    @property
    def arguments(self):
        """Of the core's `train`."""
        return {} if self.sum is None else {"average": self.sum, "average_decay": self.decay}

    def of(self, theta):
        """The weights to judge and to keep."""
        return theta if self.sum is None or not self.steps else self.sum / (1 - self.decay**self.steps)


class Checkpoint:
    """Weights, optimiser and average as they were after the best epoch, to go on from there."""

    def __init__(self, theta, optimizer, average):
        self._arrays = [theta, optimizer.first, optimizer.second] + ([] if average.sum is None else [average.sum])
        self._copies = [array.copy() for array in self._arrays]
        self._optimizer, self._average = optimizer, average
        self._steps = optimizer.steps, average.steps

    def restore(self):
        for array, copy in zip(self._arrays, self._copies, strict=True):
            array[...] = copy
        self._optimizer.steps, self._average.steps = self._steps
