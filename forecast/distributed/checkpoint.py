"""A checkpoint: what a fit needs to go on after any of its rounds, as one file that is written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import FORMAT, VERSION, ModelFileError, pack, unpacked, write_whole
from .._refusals import Refusal
from .state import State, ahead

if TYPE_CHECKING:
    from .._types import Floats

__all__ = ["Course", "read_checkpoint", "write_checkpoint"]


@dataclass(frozen=True)
class Course:
    """The progress of a fit.

    Attributes
    ----------
    state : State
        State after the last round.
    rounds : int
        Number of finished rounds.
    best : ndarray or None
        The weights with the lowest loss on what is held out; None: nothing is held out, or no epoch is over.
    velocity : ndarray or None
        Velocity of the last round, as `ahead` returns it.
    losses, judged, norms : tuple of float
        For each epoch, its loss, the loss on what is held out, and the mean norm of its gradients.
    parts : tuple of (float, int, float)
        Loss, windows and norm of each round of an epoch that is not over.
    """

    state: State
    rounds: int = 0
    best: Floats | None = None
    velocity: Floats | None = None
    losses: tuple[float, ...] = ()
    judged: tuple[float, ...] = ()
    norms: tuple[float, ...] = ()
    parts: tuple[tuple[float, int, float], ...] = field(default=())

    def after(self, mean: State, part: tuple[float, int, float]) -> Course:
        """After one more round.

        Parameters
        ----------
        mean : State
            Mean of all shards.
        part : (float, int, float)
            As in `parts`.

        Returns
        -------
        Course
        """
        state, velocity = ahead(self.state, mean, self.velocity)
        return replace(self, state=state, velocity=velocity, rounds=self.rounds + 1, parts=(*self.parts, part))


def write_checkpoint(path: str | os.PathLike[str], course: Course, mark: str) -> None:
    """Write the progress of a fit; an older checkpoint is replaced in one step.

    Parameters
    ----------
    path : str or os.PathLike
    course : Course
    mark : str
        What the fit is, so that no other one goes on from here.
    """
    more = {"best": course.best, "velocity": course.velocity}
    tensors = course.state.arrays | {name: np.ascontiguousarray(one) for name, one in more.items() if one is not None}
    told = {
        "mark": mark, "steps": course.state.steps, "rounds": course.rounds, "losses": course.losses,
        "judged": course.judged, "norms": course.norms, "parts": course.parts,
    }  # fmt: skip
    metadata = {"format": FORMAT, "version": str(VERSION), "checkpoint": json.dumps(told)}
    write_whole(path, pack(tensors, metadata))


def read_checkpoint(path: str | os.PathLike[str], mark: str) -> Course:
    """The progress of a fit, read from a checkpoint.

    Parameters
    ----------
    path : str or os.PathLike
    mark : str
        What this fit is.

    Returns
    -------
    Course

    Raises
    ------
    ValueError
        It is of another fit, or no checkpoint.
    """
    tensors, metadata = unpacked(Path(path).read_bytes(), str(path))
    if "checkpoint" not in metadata:
        raise ModelFileError(Refusal("is a model file", where=f"{path}", expected="a checkpoint of a distributed fit"))
    told: dict[str, Any] = json.loads(metadata["checkpoint"])
    if told["mark"] != mark:
        raise ValueError(
            Refusal(
                "is a checkpoint of another fit",
                where=f"{path}",
                expected="the same data, model, random_state, n_shards and rounds_per_epoch",
            )
        )
    best, velocity = tensors.pop("best", None), tensors.pop("velocity", None)
    state = State(**tensors, steps=int(told["steps"]))
    losses, judged, norms = (tuple(map(float, told[name])) for name in ("losses", "judged", "norms"))
    return Course(state, int(told["rounds"]), best, velocity, losses, judged, norms, _parts(told["parts"]))


def _parts(given: Sequence[Any]) -> tuple[tuple[float, int, float], ...]:
    return tuple((float(loss), int(n), float(norm)) for loss, n, norm in given)
