"""The loop over the epochs: order of the windows, training, validation, when to stop, what a divergence leaves."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from .._progress import Progress
from .._refusals import Refusal
from .._tail import MANY
from .._types import Floats, Integers
from .kept import Average, Patience, Run
from .schedule import Schedule
from .streams import Streams

if TYPE_CHECKING:
    from .._network import Network
    from .recipe import Recipe

__all__ = ["train"]

_SAMPLE = 256  # windows that show whether the last weights still give numbers: those that went too far fail everywhere


def _epoch_order(train: Integers, batch_size: int, shuffle: bool, rng: np.random.Generator) -> Integers:
    """The windows of one epoch. Within a batch they are in time order: the sum is the same, the memory nearer."""
    if not shuffle or len(train) <= batch_size:
        return train
    order = rng.permutation(train)
    full = len(order) // batch_size * batch_size
    order[:full].reshape(-1, batch_size).sort(axis=1)
    order[full:].sort()
    return order


class _Training:
    """One fit: what changes from batch to batch, and what an epoch does with it."""

    def __init__(
        self,
        network: Network,
        optimizer: Any,
        source: Any,
        windows: Integers,
        validation: tuple[Any, npt.NDArray[np.int64]],
        recipe: Recipe,
        rng: np.random.Generator,
        n_jobs: int | None,
    ) -> None:
        self.network, self.compiled, self.optimizer, self.recipe, self.rng = (
            network, network.compiled, optimizer, recipe, rng,
        )  # fmt: skip
        self.source, self.windows = source, windows
        self.validation_source, self.validation = validation
        self.theta = network.theta.copy()
        self.streams: Streams | None = None
        self.judging: Streams | None = None
        if recipe.begins is not None:
            self.streams = Streams(windows, recipe.begins, recipe.batch_size)
            judge: Any = recipe.begins_to_judge  # given with the others
            self.judging = Streams(self.validation, judge, recipe.batch_size)
        self.size = recipe.batch_size if self.streams is None else self.streams.size
        self.threads = network.threads(n_jobs, min(self.size, len(windows)), passes=3)
        self.run = Run(self.theta.copy(), threads=self.threads)
        self.schedule = Schedule(recipe, -(-len(windows) // self.size))
        self.epochs = self.schedule.epochs
        self.patience = Patience(self.run, recipe)
        self.average = Average(self.theta, recipe.average_decay, recipe.frozen)
        self.scratch, self.steps, self.finishing = network.new_scratch(), 0, False

    @property
    def held_out(self) -> bool:
        return len(self.validation) > 0

    @property
    def over(self) -> bool:
        return self.steps >= self.schedule.steps

    def epoch(self, epoch: int) -> dict[str, Any]:
        """All batches once, or as many as are left. Of millions of windows a part at a time, because the core takes
        numbers of 64 bits. Returns the core's answer, the parts' losses and norms joined, and the last step's rate."""
        recipe, size, begins = self.recipe, self.size, None
        if self.streams is None:
            order = _epoch_order(self.windows, size, recipe.shuffle, self.rng)
        else:
            order, begins = self.streams.order(self.rng if recipe.shuffle else None)
        carried = self._states(size)
        order = order[: (self.schedule.steps - self.steps) * size]
        begins = None if begins is None else begins[: len(order)]
        rates = self.schedule.rates(epoch, self.steps, -(-len(order) // size))
        part, results = max(1, MANY // size) * size, []
        for first in range(0, len(order), part):
            result = self.compiled.train(
                self.theta, self.optimizer, self.source, order[first : first + part].astype(np.int64, copy=False), size,
                rates=rates[first // size : -(-min(first + part, len(order)) // size)],
                clip_norm=recipe.clip_norm, clip_value=recipe.clip_value, noise=recipe.noise, groups=recipe.groups,
                forced=recipe.forced(epoch, self.epochs),
                seed=int(self.rng.integers(2**63)), threads=self.threads, scratch=self.scratch, carried=carried,
                begins=None if begins is None else begins[first : first + part], **self.average.arguments,
            )  # fmt: skip
            results.append(result)
            self.steps += len(result["losses"])
            self.average.steps += len(result["losses"])
            if not result["finite"]:
                break
        joined = {name: np.concatenate([result[name] for result in results]) for name in ("losses", "norms")}
        rate = rates[min(len(joined["losses"]), len(rates) - 1)]
        return results[-1] | joined | {"rate": float(rate)}

    def judged(self, loss: float) -> float:
        """The loss that says which weights are best: on what is held out, else the mean of the training's own."""
        if not self.held_out:
            return loss
        weights = self.average.of(self.theta)
        if self.judging is None:
            return self.compiled.loss(weights, self.validation_source, self.validation, threads=self.threads)
        order, begins = self.judging.order()
        size = self.judging.size
        return self.compiled.loss(
            weights, self.validation_source, order, threads=self.threads, carried=self._states(size), batch_size=size,
            begins=begins,
        )  # fmt: skip

    def _states(self, size: int) -> Floats | None:
        """Zeros for each stream, if states are carried."""
        return None if self.streams is None else np.zeros(self.compiled.n_states * size, dtype=self.theta.dtype)

    def so_far(self) -> Run:
        """What would be kept if the training ended here."""
        theta = self.run.theta if self.held_out else self.average.of(self.theta)
        return replace(self.run, theta=theta.copy(), validation_loss_curve=list(self.run.validation_loss_curve))

    def gives_numbers(self) -> bool:
        """Whether the last weights do, where no later batch shows it."""
        windows = self.windows
        some = np.ascontiguousarray(windows[:: -(-len(windows) // _SAMPLE)], dtype=np.int64)
        weights = self.average.of(self.theta)
        return math.isfinite(self.compiled.loss(weights, self.source, some, threads=self.threads))

    def saw(self, judged: float) -> None:
        """Keep these weights, where they are the best so far."""
        self.patience.saw(judged, self.average.of(self.theta))
        self.schedule.saw(judged)

    def stops_early(self) -> bool:
        """Patience is exhausted: whether that is the end, or the beginning of the rest of the schedule."""
        if self.finishing or not (self.held_out and self.patience.exhausted):
            return False
        if not self.recipe.finish:
            return True
        # From the last weights, a long patience behind the best ones, the tail would anneal an overfitted network.
        self.theta[...] = self.run.theta
        self.average = Average(self.theta, self.recipe.average_decay, self.recipe.frozen)
        self.schedule.finish(self.steps, max(1, self.recipe.patience // 4))
        self.finishing = True
        return self.over


def train(
    network: Network,
    optimizer: Any,
    source: Any,
    windows: Integers,
    validation: Integers,
    recipe: Recipe,
    rng: np.random.Generator,
    n_jobs: int | None = None,
    validation_source: Any = None,
    task: Any = None,
) -> Run:
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
    validation_source : _core.Source, default=None
        Where the windows to hold out come from; None: from `source`.
    task : EpochTasks, default=None
        Follows the epochs, and may stop the training, as a callback may.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        Warm-up is as long as the training or longer.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        A loss or gradient was not finite: training stops there and the best finite weights are kept.
    """
    held_out = validation_source or source, validation.astype(np.int64, copy=False)
    fit = _Training(network, optimizer, source, windows, held_out, recipe, rng, n_jobs)
    run, reason = fit.run, "finished"
    with Progress(recipe.verbose, recipe.callbacks) as progress:
        progress.begins(*_subject(network, windows, validation), fit.schedule.epochs, fit.threads)
        while reason == "finished" and not fit.over:
            if task is not None:
                task.begins()
            result = fit.epoch(run.n_iter)
            run.threads = result["threads"]
            run.norms.append(result["norms"])
            loss = float(np.mean(result["losses"])) if len(result["losses"]) else math.nan
            judged = fit.judged(loss)
            sound = result["finite"] and math.isfinite(judged) and np.isfinite(fit.theta).all()
            if sound and not fit.held_out and fit.over:  # no later batch shows the last steps
                sound = fit.gives_numbers()
            if not sound:
                _give_up(fit, progress, run.n_iter + 1, len(result["losses"]), result["rate"])
                return run
            run.loss_curve.append(loss)
            if fit.held_out:
                run.validation_loss_curve.append(judged)
            fit.saw(judged)
            stop = progress.epoch(
                run.n_iter, loss=loss, validation_loss=judged if fit.held_out else None, learning_rate=result["rate"],
                norms=result["norms"], best=fit.held_out and run.best_epoch == run.n_iter,
            )  # fmt: skip
            if task is not None:
                stop = task.ends(fit.so_far) or stop
            if fit.stops_early():
                reason = "stopped early"
            elif stop:
                reason = "stopped by a callback"
        if fit.finishing and reason == "finished":
            reason = "stopped early"
        if not fit.held_out:
            if reason == "stopped by a callback" and not fit.gives_numbers():
                _give_up(fit, progress, run.n_iter, len(result["losses"]), result["rate"])
                return run
            run.theta = fit.average.of(fit.theta)
        progress.ends(reason, **_kept(run, best=fit.held_out))
    return run


def _subject(network: Network, windows: Integers, validation: Integers) -> tuple[str, str]:
    """What is trained and on what, in words for the line before the first epoch."""
    a, held_out = network.architecture, f"{len(validation):,} held out" if len(validation) else "none held out"
    layers = f"{a.layers} layer{'s' if a.layers > 1 else ''} of {a.hidden} units"
    return (
        f"{a.cell_word}, {layers}, {network.theta.size:,} parameters",
        f"{len(windows):,} windows of {a.steps} steps, {held_out}",
    )


def _give_up(fit: _Training, progress: Progress, epoch: int, step: int, rate: float) -> None:
    """After a divergence: the best weights, or the initial ones where those are not usable either."""
    run, network = fit.run, fit.network
    run.diverged = True
    index = fit.windows.astype(np.int64, copy=False)
    if not (run.n_iter and math.isfinite(network.compiled.loss(run.theta, fit.source, index, threads=run.threads))):
        # an epoch with finite losses, whose last steps went too far
        run.theta, run.best_epoch = network.theta.copy(), 0
    progress.ends("diverged", **_kept(run, best=True))
    kept = f"those of epoch {run.best_epoch}" if run.best_epoch else "the initial ones"
    warnings.warn(
        Refusal(
            f"Training diverged: loss or gradient is not finite in epoch {epoch}, step {step}, at learning rate "
            f"{rate:g}. The last finite best weights are kept ({kept})",
            advice="Lower learning_rate, or set clip_norm or clip_value.",
        ),
        ConvergenceWarning,
        stacklevel=6,  # train, _fit, fit, scikit-learn's wrapper, the caller
    )


def _kept(run: Run, best: bool) -> dict[str, Any]:
    """The epoch whose weights are kept, and its loss; for the sentence at the end."""
    epoch, curve = run.best_epoch if best else run.n_iter, run.validation_loss_curve or run.loss_curve
    loss = curve[epoch - 1] if epoch else None
    return {"kept": epoch, "loss": loss, "held_out": bool(run.validation_loss_curve)}
