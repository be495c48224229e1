"""The rounds of a fit: every shard trains from the same weights, and the next round begins with their mean."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._progress import Progress
from .._refusals import Refusal, extended
from .._training import Patience, Run, Schedule
from .checkpoint import Course, write_checkpoint
from .engine import itself
from .state import State, averaged
from .steps import Order, judge, step

if TYPE_CHECKING:
    from .._training import Recipe
    from .engine import Engine

__all__ = ["Plan", "train"]


@dataclass(frozen=True)
class Plan:
    """What all rounds have in common.

    Attributes
    ----------
    engine : Engine
    shards : list
        Tasks whose results are the shards, in their order.
    template : bytes
        The network before its first round.
    cut : int or None
        Time from which on windows are held out.
    seed : int
    parts : int
        Rounds of an epoch.
    recipe : Recipe
    subject : tuple of str
        Descriptions of the network and of the data, for progress messages.
    checkpoint : path or None
    mark : str
        Hash of the initial network, the seed and the sizes, which a checkpoint must match.
    """

    engine: Engine
    shards: list[Any]
    template: bytes
    cut: int | None
    seed: int
    parts: int
    recipe: Recipe
    subject: tuple[str, str]
    checkpoint: str | os.PathLike[str] | None
    mark: str


def train(plan: Plan, course: Course) -> tuple[Run, State]:
    """Train from a point on, to the end.

    Parameters
    ----------
    plan : Plan
    course : Course
        Course at the beginning, or from a checkpoint.

    Returns
    -------
    Run, State
        The weights to keep with the curves, and the state after the last round.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        The loss of a shard was not finite.
    """
    recipe, held_out = plan.recipe, plan.cut is not None
    run, patience, schedule = _told_again(plan, course)
    reason = "finished"
    with Progress(recipe.verbose, recipe.callbacks) as progress:
        progress.begins(*plan.subject, recipe.max_iter, 1)
        while run.n_iter < recipe.max_iter and not (held_out and patience.exhausted):
            epoch = run.n_iter
            with _resumable(plan, course):
                template = plan.engine.submit("network", itself, plan.template)
            rate = float(schedule.rates(epoch, 0, 1)[0])
            while len(course.parts) < plan.parts:
                with _resumable(plan, course):
                    course = _round(plan, course, template, epoch, rate)
                if not _is_sound(course):
                    _give_up(run, progress, course, held_out)
                    return _kept(run, course), course.state
                if len(course.parts) < plan.parts:
                    _write(plan, course)
            loss, norm = _mean(course.parts, 0), _mean(course.parts, 2)
            with _resumable(plan, course):
                judged = _judged(plan, course, template) if held_out else loss
            run.loss_curve.append(loss)
            run.norms.append(np.array([norm]))
            if held_out:
                run.validation_loss_curve.append(judged)
            patience.saw(judged, course.state.theta)
            schedule.saw(judged)
            course = replace(
                course, best=run.theta if held_out else None, losses=(*course.losses, loss),
                judged=(*course.judged, judged), norms=(*course.norms, norm), parts=(),
            )  # fmt: skip
            _write(plan, course)
            stop = progress.epoch(
                run.n_iter, loss=loss, validation_loss=judged if held_out else None, learning_rate=rate, norms=[norm],
                best=held_out and run.best_epoch == run.n_iter,
            )  # fmt: skip
            if stop:
                reason = "stopped by a callback"
                break
        if held_out and patience.exhausted:
            reason = "stopped early"
        run = _kept(run, course) if not held_out else run
        kept = run.best_epoch if held_out else run.n_iter
        curve = run.validation_loss_curve or run.loss_curve
        progress.ends(reason, kept=kept, loss=curve[kept - 1] if kept else None, held_out=held_out)
    return run, course.state


def _told_again(plan: Plan, course: Course) -> tuple[Run, Patience, Schedule]:
    """Curves, patience and schedule as they were after the epochs of a checkpoint."""
    run = Run(course.state.theta)
    patience, schedule = Patience(run, plan.recipe), Schedule(plan.recipe, plan.parts)
    for loss, judged, norm in zip(course.losses, course.judged, course.norms, strict=True):
        run.loss_curve.append(loss)
        run.norms.append(np.array([norm]))
        if plan.cut is not None:
            run.validation_loss_curve.append(judged)
        patience.saw(judged, course.state.theta)
        schedule.saw(judged)
    if course.best is not None:
        run.theta = course.best
    return run, patience, schedule


def _round(plan: Plan, course: Course, template: Any, epoch: int, rate: float) -> Course:
    """All shards train from the same weights; their mean, in the order of the shards."""
    part = len(course.parts)
    state = plan.engine.submit("weights", itself, course.state.as_bytes())
    forcing = plan.recipe.forced(epoch, plan.recipe.max_iter)
    tasks = {}
    for number, shard in enumerate(plan.shards):
        order = Order(number, len(plan.shards), epoch, part, plan.parts, plan.seed, rate, forcing)
        tasks[_name(number, course.rounds)] = plan.engine.submit("step", step, shard, template, state, order, plan.cut)
    found = plan.engine.gather(tasks)
    trained = [one for one in found if one.n_windows]
    windows = [one.n_windows for one in trained]
    mean = averaged([State.read(one.state) for one in trained], windows)
    loss = float(np.average([one.loss for one in trained], weights=windows))
    norm = float(np.average([one.norm for one in trained], weights=windows))
    return course.after(mean, (loss, sum(windows), norm))


def _judged(plan: Plan, course: Course, template: Any) -> float:
    """The loss on the windows that are held out, over all shards."""
    state = plan.engine.submit("weights", itself, course.state.as_bytes())
    tasks = {
        _name(number, course.rounds): plan.engine.submit("judge", judge, shard, template, state, plan.cut)
        for number, shard in enumerate(plan.shards)
    }
    found = [one for one in plan.engine.gather(tasks) if one[1]]
    return float(np.average([loss for loss, _ in found], weights=[n for _, n in found]))


@contextmanager
def _resumable(plan: Plan, course: Course) -> Iterator[None]:
    """Errors that end the fit say how to resume it."""
    try:
        yield
    except (ConnectionError, TimeoutError, RuntimeError) as error:
        if plan.checkpoint is None:
            raise
        held = f"The checkpoint holds {course.rounds} rounds; go on with resume={str(plan.checkpoint)!r}."
        raise type(error)(extended(error, advice=held)) from error


def _write(plan: Plan, course: Course) -> None:
    if plan.checkpoint is not None:
        write_checkpoint(plan.checkpoint, course, plan.mark)


def _name(number: int, rounds: int) -> str:
    return f"shard {number} in round {rounds + 1}"


def _mean(parts: tuple[tuple[float, int, float], ...], column: int) -> float:
    return float(np.average([part[column] for part in parts], weights=[part[1] for part in parts]))


def _is_sound(course: Course) -> bool:
    return math.isfinite(course.parts[-1][0]) and bool(np.isfinite(course.state.theta).all())


def _kept(run: Run, course: Course) -> Run:
    """The run with the last weights, unless a better epoch or a divergence decided."""
    if not run.diverged:
        run.theta = course.state.theta
    return run


def _give_up(run: Run, progress: Progress, course: Course, held_out: bool) -> None:
    """After a divergence: the weights of the best epoch stay."""
    run.diverged = True
    kept = run.best_epoch
    progress.ends("diverged", kept=kept, loss=None, held_out=held_out)
    where = f"those of epoch {kept}" if kept else "the initial ones"
    warnings.warn(
        Refusal(
            f"Training diverged: the loss of a shard is not finite in round {course.rounds}. The last finite best "
            f"weights are kept ({where})",
            advice="Lower learning_rate, or set clip_norm or clip_value.",
        ),
        ConvergenceWarning,
        stacklevel=4,  # _give_up, train, fit, the caller
    )
