"""Training on windows that come in parts, each of which is in memory only while it is used."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from .._progress import Progress
from .._refusals import Refusal
from .._types import Floats, Integers
from .kept import Average, Run
from .schedule import Schedule

if TYPE_CHECKING:
    from types import TracebackType

    from .._network import Network
    from .recipe import Recipe

__all__ = ["PartsTraining", "shares"]

_SAMPLE = 256  # windows that show whether the last weights still give numbers


def shares(counts: Integers, recipe: Recipe, seed: int) -> Integers:
    """How many windows of each part a pass trains on.

    Without `max_steps`, `max_iter` passes train on all windows. With it, there are as few passes as the steps need,
    and a pass takes the same share of every part, in whole batches; which parts round up is drawn anew in each pass.

    Parameters
    ----------
    counts : ndarray of int of shape (parts,)
        Windows of each.
    recipe : Recipe
    seed : int

    Returns
    -------
    ndarray of int of shape (passes, parts)

    Examples
    --------
    >>> import numpy as np
    >>> from forecast._training import Recipe
    >>> recipe = Recipe(0.1, "constant", 10, 2, True, 5, 0.0, None, None, max_steps=6)
    >>> shares(np.array([100, 100, 100]), recipe, seed=0)
    array([[20, 20, 20]])
    """
    size, total = recipe.batch_size, int(counts.sum())
    whole = int((-(-counts // size)).sum())  # batches of a pass over all windows
    steps = recipe.max_iter * whole
    if recipe.max_steps is None or recipe.max_steps >= steps:
        return np.tile(counts, (recipe.max_iter, 1))
    passes = math.ceil(recipe.max_steps / whole)
    ends = np.cumsum(counts) / total
    rng = np.random.default_rng([seed, 1])
    found = np.empty((passes, len(counts)), dtype=np.int64)
    for at in range(passes):
        batches = recipe.max_steps * (at + 1) // passes - recipe.max_steps * at // passes
        # The last end is 1, so that rounding loses no batch.
        cuts = np.minimum(np.floor(ends * batches + rng.random()), batches)
        found[at] = np.minimum(np.diff(cuts, prepend=0).astype(np.int64) * size, counts)
    return found


class PartsTraining:
    """The training of one network on parts; a context that ends well with every way out of it.

    The caller passes every part of a pass to `train`, then calls `ends_pass`. The bits follow from the seed, the parts
    and their order, not from the number of threads.

    Parameters
    ----------
    network : Network
        It is not changed.
    optimizer : _core.Optimizer
        Its state goes on.
    counts : ndarray of int of shape (parts,)
        Windows of each part.
    recipe : Recipe
        The schedule runs over the optimiser steps of all passes. There is no early stopping.
    seed : int
        Seed of the windows that are drawn, their order, and the random numbers of the training.
    n_jobs : int, default=None

    Attributes
    ----------
    shares : ndarray of int of shape (passes, parts)
        How many windows of each part a pass trains on.
    over : bool
        Whether no further part is needed.
    """

    def __init__(
        self, network: Network, optimizer: Any, counts: Integers, recipe: Recipe, seed: int, n_jobs: int | None = None
    ) -> None:
        self.network, self.compiled, self.optimizer = network, network.compiled, optimizer
        self.shares, self.seed = shares(counts, recipe, seed), seed
        size = recipe.batch_size
        self.total = int((-(-self.shares // size)).sum())
        self.recipe = replace(recipe, max_iter=len(self.shares), max_steps=self.total)
        self.schedule = Schedule(self.recipe, -(-self.total // len(self.shares)))
        self.threads = network.threads(n_jobs, min(size, int(self.shares.max())), passes=3)
        self.theta, self.scratch, self.steps = network.theta.copy(), network.new_scratch(), 0
        self.average = Average(self.theta, recipe.average_decay, recipe.frozen)
        self.run = Run(self.theta.copy(), threads=self.threads)
        self.progress = Progress(recipe.verbose, recipe.callbacks)
        self.reason = "finished"
        self._losses: list[Floats] = []
        self._norms: list[Floats] = []
        self._newest: Any = None  # a source, and some windows of it

    def __enter__(self) -> Self:
        self.progress.__enter__()
        a = self.network.architecture
        self.progress.begins(
            f"{a.cell_word}, {a.layers} layer{'s' if a.layers > 1 else ''} of {a.hidden} units, "
            f"{self.network.theta.size:,} parameters",
            f"{int(self.shares.sum()):,} windows of {a.steps} steps in {len(self.shares)} passes, read in parts",
            len(self.shares), self.threads,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.__exit__(kind, error, trace)

    @property
    def over(self) -> bool:
        return self.reason != "finished" or self.run.n_iter == len(self.shares)

    def wants(self, epoch: int, number: int) -> bool:
        """Whether a pass (from 0) trains on any window of a part."""
        return not self.over and epoch < len(self.shares) and self.shares[epoch, number] > 0

    def train(self, epoch: int, number: int, source: Any, n_windows: int) -> None:
        """Train on the share of a part's windows.

        Parameters
        ----------
        epoch : int
            Number of the pass, from 0.
        number : int
            Number of the part.
        source : _core.Source
            Its windows, as the network scales them.
        n_windows : int
        """
        recipe, size = self.recipe, self.recipe.batch_size
        rng = np.random.default_rng([self.seed, 2, epoch, number])
        order = _order(n_windows, int(self.shares[epoch, number]), size, recipe.shuffle, rng)
        before = self.theta.copy()
        result = self.compiled.train(
            self.theta, self.optimizer, source, order, size,
            rates=self.schedule.rates(epoch, self.steps, -(-len(order) // size)), clip_norm=recipe.clip_norm,
            clip_value=recipe.clip_value, noise=recipe.noise, groups=recipe.groups,
            forced=recipe.forced(epoch, len(self.shares)), seed=int(rng.integers(2**63)), threads=self.threads,
            scratch=self.scratch, **self.average.arguments,
        )  # fmt: skip
        self.run.threads = result["threads"]
        if not (result["finite"] and np.isfinite(self.theta).all()):
            self.theta[...] = before
            self._give_up(epoch, len(result["losses"]))
            return
        self.steps += len(result["losses"])
        self.average.steps += len(result["losses"])
        self._losses.append(result["losses"])
        self._norms.append(result["norms"])
        self._newest = source, np.sort(order[:_SAMPLE])

    def ends_pass(self) -> None:
        """All parts of the pass were trained on."""
        run = self.run
        if run.diverged:
            return
        losses, norms = np.concatenate(self._losses), np.concatenate(self._norms)
        self._losses, self._norms = [], []
        loss = float(losses.mean())
        run.loss_curve.append(loss)
        run.norms.append(norms)
        self.schedule.saw(loss)
        rate = float(self.schedule.rates(run.n_iter - 1, max(self.steps - 1, 0), 1)[0])
        stop = self.progress.epoch(
            run.n_iter, loss=loss, validation_loss=None, learning_rate=rate, norms=norms, best=False
        )
        if stop:
            self.reason = "stopped by a callback"
        if self.over:
            self._finish(loss)

    def _finish(self, loss: float) -> None:
        source, some = self._newest
        self._newest = None
        weights = self.average.of(self.theta)
        if not math.isfinite(self.compiled.loss(weights, source, some, threads=self.threads)):
            self._give_up(self.run.n_iter - 1, self.steps)
            return
        self.run.theta = weights
        self.progress.ends(self.reason, kept=self.run.n_iter, loss=loss, held_out=False)

    def _give_up(self, epoch: int, step: int) -> None:
        """After a divergence: the weights before the part in which it happened, or the initial ones."""
        self.reason, self.run.diverged = "diverged", True
        weights = self.average.of(self.theta)
        sound = self._newest is not None and math.isfinite(
            self.compiled.loss(weights, *self._newest, threads=self.threads)
        )
        self.run.theta = weights if sound else self.network.theta.copy()
        self._newest = None
        self.progress.ends("diverged", kept=0, loss=None, held_out=False)
        kept = "those before that part of the data" if sound else "the initial ones"
        warnings.warn(
            Refusal(
                f"Training diverged: loss or gradient is not finite in pass {epoch + 1}, step {step}. The last finite "
                f"weights are kept ({kept})",
                advice="Lower learning_rate, or set clip_norm or clip_value.",
            ),
            ConvergenceWarning,
            stacklevel=6,  # train, the passes, fit of blocks, fit, scikit-learn's wrapper, the caller
        )


def _order(n_windows: int, wanted: int, size: int, shuffle: bool, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The windows to train on. Within a batch they are in time order: the sum is the same, the memory nearer."""
    order: Any = rng.permutation(n_windows)[:wanted] if shuffle or wanted < n_windows else np.arange(n_windows)
    if not shuffle:
        order.sort()
    full = len(order) // size * size
    order[:full].reshape(-1, size).sort(axis=1)
    order[full:].sort()
    return order.astype(np.int64, copy=False)
