"""Epochs: order of the windows, schedules, validation tail, early stopping, history, and what a divergence does."""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._progress import Progress
from ._tail import MANY

__all__ = ["SCHEDULES", "Recipe", "Run", "train"]

SCHEDULES = ("constant", "cosine", "step", "plateau")
_SAMPLE = 256  # windows that show whether the last weights still give numbers: those that went too far fail everywhere


@dataclass(frozen=True)
class Recipe:
    """How to train: the estimator's parameters, with every default resolved."""

    learning_rate: float
    schedule: str
    batch_size: int
    max_iter: int
    shuffle: bool
    patience: int  # epochs without improvement before training stops
    tol: float
    clip_norm: float | None
    clip_value: float | None
    verbose: int = 0
    callbacks: tuple = ()
    groups: tuple = ()  # (offset, size, factor of the learning rate, weight decay): weights with rules of their own


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


def _epoch_order(train, batch_size, shuffle, rng):
    """The windows of one epoch. Within a batch they stand in time order: the sum is the same, the memory nearer."""
    if not shuffle or len(train) <= batch_size:
        return train
    order = rng.permutation(train)
    full = len(order) // batch_size * batch_size
    order[:full].reshape(-1, batch_size).sort(axis=1)
    order[full:].sort()
    return order


class _Rate:
    """The learning rate of each epoch."""

    def __init__(self, recipe):
        self.recipe, self.factor, self.waited, self.best = recipe, 1.0, 0, math.inf

    def at(self, epoch):
        r = self.recipe
        if r.schedule == "cosine":  # Loshchilov and Hutter 2017, without restarts
            return r.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / r.max_iter))
        if r.schedule == "step":
            return r.learning_rate * 0.5 ** (4 * epoch // r.max_iter)
        return r.learning_rate * self.factor

    def saw(self, loss):
        if self.recipe.schedule != "plateau":
            return
        self.waited = 0 if loss < self.best - self.recipe.tol else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= max(1, self.recipe.patience // 4):
            self.factor, self.waited = self.factor * 0.5, 0


class _Patience:
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


def _epoch(compiled, theta, optimizer, source, order, recipe, rate, rng, threads, scratch):
    """All batches once. Of millions of windows a part at a time, because the core takes numbers of 64 bits."""
    part = max(1, MANY // recipe.batch_size) * recipe.batch_size
    results = []
    for first in range(0, len(order), part):
        result = compiled.train(
            theta, optimizer, source, order[first : first + part].astype(np.int64, copy=False), recipe.batch_size,
            rate=rate, clip_norm=recipe.clip_norm, clip_value=recipe.clip_value, seed=int(rng.integers(2**63)),
            threads=threads, scratch=scratch, **({"groups": list(recipe.groups)} if recipe.groups else {}),
        )  # fmt: skip
        results.append(result)
        if not result["finite"]:
            break
    joined = {name: np.concatenate([result[name] for result in results]) for name in ("losses", "norms")}
    return results[-1] | joined


def train(network, optimizer, source, windows, validation, recipe, rng, n_jobs=None):
    """Train from the network's weights on; they are not changed.

    Parameters
    ----------
    network : Network
    optimizer : _core.Optimizer
        Its state goes on.
    source : _core.Source
    windows, validation : ndarrays of int64
        Windows to train on, and to hold out (may be empty: then all epochs run and the last weights are kept).
    recipe : Recipe
    rng : numpy.random.Generator
    n_jobs : int or None

    Returns
    -------
    Run

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        A loss or gradient was not finite: training stops there and the best finite weights are kept.
    """
    theta, compiled = network.theta.copy(), network.compiled
    validation = validation.astype(np.int64, copy=False)
    run = Run(theta.copy(), threads=network.threads(n_jobs, min(recipe.batch_size, len(windows)), passes=3))
    rate, patience, wanted = _Rate(recipe), _Patience(run, recipe), run.threads
    scratch = network.new_scratch()
    with Progress(recipe.verbose, recipe.callbacks) as progress:
        progress.begins(*_subject(network, windows, validation), recipe.max_iter, wanted)
        reason = "finished"
        for epoch in range(recipe.max_iter):
            order = _epoch_order(windows, recipe.batch_size, recipe.shuffle, rng)
            step = rate.at(epoch)
            result = _epoch(compiled, theta, optimizer, source, order, recipe, step, rng, wanted, scratch)
            run.threads = result["threads"]
            run.norms.append(result["norms"])
            loss = float(np.mean(result["losses"])) if len(result["losses"]) else math.nan
            judged = compiled.loss(theta, source, validation, threads=wanted) if len(validation) else loss
            sound = result["finite"] and math.isfinite(judged) and np.isfinite(theta).all()
            if sound and not len(validation) and epoch == recipe.max_iter - 1:  # no later batch shows the last steps
                sound = _gives_numbers(compiled, theta, source, windows, wanted)
            if not sound:
                _give_up(run, network, source, windows, progress, epoch + 1, len(result["losses"]), step)
                return run
            run.loss_curve.append(loss)
            if len(validation):
                run.validation_loss_curve.append(judged)
            patience.saw(judged, theta)
            rate.saw(judged)
            stop = progress.epoch(
                epoch + 1, loss=loss, validation_loss=judged if len(validation) else None, learning_rate=step,
                norms=result["norms"], best=len(validation) and run.best_epoch == epoch + 1,
            )  # fmt: skip
            if len(validation) and patience.exhausted:
                reason = "stopped early"
            elif stop:
                reason = "stopped by a callback"
            if reason != "finished":
                break
        if not len(validation):
            if reason == "stopped by a callback" and not _gives_numbers(compiled, theta, source, windows, wanted):
                _give_up(run, network, source, windows, progress, epoch + 1, len(result["losses"]), step)
                return run
            run.theta = theta
        progress.ends(reason, **_kept(run, best=len(validation)))
    return run


def _subject(network, windows, validation):
    """What is trained and on what, in words for the line before the first epoch."""
    a, held_out = network.architecture, f"{len(validation):,} held out" if len(validation) else "none held out"
    layers = f"{a.layers} layer{'s' if a.layers > 1 else ''} of {a.hidden} units"
    return (
        f"{a.cell_word}, {layers}, {network.theta.size:,} parameters",
        f"{len(windows):,} windows of {a.steps} steps, {held_out}",
    )


def _gives_numbers(compiled, theta, source, windows, threads):
    some = np.ascontiguousarray(windows[:: -(-len(windows) // _SAMPLE)], dtype=np.int64)
    return math.isfinite(compiled.loss(theta, source, some, threads=threads))


def _give_up(run, network, source, windows, progress, epoch, step, rate):
    """After a divergence: the best weights, or the initial ones where those are not usable either."""
    run.diverged = True
    index = windows.astype(np.int64, copy=False)
    if not (run.n_iter and math.isfinite(network.compiled.loss(run.theta, source, index, threads=run.threads))):
        # an epoch with finite losses, whose last steps went too far
        run.theta, run.best_epoch = network.theta.copy(), 0
    progress.ends("diverged", **_kept(run, best=True))
    kept = f"those of epoch {run.best_epoch}" if run.best_epoch else "the initial ones"
    warnings.warn(
        f"Training diverged: loss or gradient is not finite in epoch {epoch}, step {step}, at learning rate {rate:g}. "
        f"The last finite best weights are kept ({kept}). Lower learning_rate, or set clip_norm or clip_value.",
        ConvergenceWarning,
        stacklevel=6,  # train, _fit, fit, scikit-learn's wrapper, the caller
    )


def _kept(run, best):
    """The epoch whose weights are kept, and its loss; for the sentence at the end."""
    epoch, curve = run.best_epoch if best else run.n_iter, run.validation_loss_curve or run.loss_curve
    loss = curve[epoch - 1] if epoch else None
    return {"kept": epoch, "loss": loss, "held_out": bool(run.validation_loss_curve)}
