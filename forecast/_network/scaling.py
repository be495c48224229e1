"""Means and scales that give the network's numbers their units, learned from the windows to train on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from .._files import stored
from .._records import record
from .._refusals import Refusal
from .._tail import MANY, some_of

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Booleans, Floats, Integers
    from .architecture import Architecture

__all__ = ["Scaling", "windows_scaling"]


@stored("scaling")
@record(frozen=True)
class Scaling:
    """Means and scales of inputs (per channel), targets (per output) and extra inputs, learned from the windows.

    `target_constant` says which outputs never varied, if any: their forecast is that value, to the bit.
    """

    past_mean: Array
    past_scale: Array
    target_mean: Array
    target_scale: Array
    extra_mean: Array | None = None  # None: no extra inputs, as in every fit before there were any
    extra_scale: Array | None = None
    target_constant: Array | None = None

    @classmethod
    def of(cls, found: dict[str, Any]) -> Scaling:
        """The scaling of windows with these moments.

        Parameters
        ----------
        found : dict of str to ndarray
            Means and standard deviations, as the core's `moments` returns them.

        Returns
        -------
        Scaling
        """
        learned: dict[str, Any] = {}
        for of, name in (("past", "X"), ("target", "y"), ("extra", "X, known future and static values")):
            mean, deviation = found[f"{of}_mean"], found[f"{of}_std"]
            if not np.isfinite(deviation).all():
                raise ValueError(
                    Refusal(
                        where=name, got="some beyond 1e150; rescale them", expected="numbers with a finite variance"
                    )
                )
            if mean.size or of != "extra":
                varies = _varies(mean, deviation)
                learned.update({f"{of}_mean": mean, f"{of}_scale": np.where(varies, deviation, 1.0)})
            if of == "target" and not varies.all():
                learned["target_constant"] = ~varies
        return cls(**learned)

    def is_learned(self, of: str) -> bool:
        """Whether the means and scales of one kind are such as `windows_scaling` finds."""
        mean, scale = getattr(self, f"{of}_mean"), getattr(self, f"{of}_scale")
        finite = np.isfinite(mean).all() and np.isfinite(scale).all()
        return finite and bool(((scale == 1) | _varies(mean, 2 * scale)).all())

    @property
    def output_scale(self) -> Floats:
        """What outputs are multiplied with: nothing is added to a constant target, whatever its unit."""
        if self.target_constant is None:
            return self.target_scale
        return np.where(self.target_constant, 0.0, self.target_scale)

    def with_labels(self, targets: int) -> Scaling:
        """The same for targets that are numbers of classes, which have no unit.

        Parameters
        ----------
        targets : int

        Returns
        -------
        Scaling
        """
        return replace(self, target_mean=np.zeros(targets), target_scale=np.ones(targets), target_constant=None)

    def over_steps(self, architecture: Architecture) -> Scaling:
        """One scale of the targets of all steps that the same weights make, and of each known future column.

        A decoder that reads its own forecasts, and a head at every step, have the same weights at every step, so a
        step's numbers must mean the same as the next one's.

        Parameters
        ----------
        architecture : Architecture

        Returns
        -------
        Scaling
        """
        a, steps = architecture, architecture.alike
        constant = np.zeros(a.targets, dtype=bool) if self.target_constant is None else self.target_constant
        mean, scale, varies = _pooled(self.target_mean, np.where(constant, 0.0, self.target_scale), steps)
        pooled = replace(self, target_mean=mean, target_scale=scale, target_constant=None if varies.all() else ~varies)
        if not a.future or self.extra_mean is None or self.extra_scale is None:
            return pooled
        ahead = slice(a.own, a.own + steps * a.future)
        extra_mean, extra_scale = self.extra_mean.copy(), self.extra_scale.copy()
        extra_mean[ahead], extra_scale[ahead], _ = _pooled(extra_mean[ahead], extra_scale[ahead], steps)
        return replace(pooled, extra_mean=extra_mean, extra_scale=extra_scale)

    def uncentred(self) -> Scaling:
        """The same for targets that are never negative: divided by their mean, and nothing is subtracted.

        Of a constant target the network learns the value, as any other: the distribution around it is asked for.

        Returns
        -------
        Scaling
        """
        scale = np.where(self.target_mean > 0, self.target_mean, 1.0)
        return replace(self, target_mean=np.zeros_like(scale), target_scale=scale, target_constant=None)

    def longer(self, architecture: Architecture, horizon: int) -> Scaling:
        """That of `over_steps` for another number of steps.

        Parameters
        ----------
        architecture : Architecture
            Architecture with the horizon that it was learned for.
        horizon : int

        Returns
        -------
        Scaling
        """
        a = architecture
        changes: dict[str, Any] = {}
        for name in ("target_mean", "target_scale", "target_constant"):
            value = getattr(self, name)
            changes[name] = None if value is None else np.tile(value[: a.columns], horizon)
        if a.future:
            for name in ("extra_mean", "extra_scale"):
                value = getattr(self, name)
                static = value[a.extra - a.static :]
                changes[name] = np.concatenate([np.tile(value[a.own : a.own + a.future], horizon), static])
        return replace(self, **changes)

    def at_steps(self, architecture: Architecture, steps: int) -> Scaling:
        """That of `over_steps` of a head at every step, for another number of steps.

        Parameters
        ----------
        architecture : Architecture
            Architecture that the scaling was learned for.
        steps : int

        Returns
        -------
        Scaling
        """
        changes: dict[str, Any] = {}
        for name in ("target_mean", "target_scale", "target_constant"):
            value = getattr(self, name)
            changes[name] = None if value is None else np.tile(value[: architecture.step_targets], steps)
        return replace(self, **changes)

    def going_on(self, later: Scaling) -> Scaling:
        """The same for further windows: a target is constant where it stays what it was.

        Parameters
        ----------
        later : Scaling
            Learned from them.

        Returns
        -------
        Scaling
        """
        if self.target_constant is None:
            return self
        constant = self.target_constant & (self.target_mean == later.target_mean)
        constant &= False if later.target_constant is None else later.target_constant
        return replace(self, target_constant=constant if constant.any() else None)


def windows_scaling(
    arguments: dict[str, Any], weight: Array | None, index: Integers, most: int | None = None
) -> Scaling:
    """Scaling learned from the windows `index`; a constant channel, target or extra input gets the scale 1.

    Parameters
    ----------
    arguments : dict
        Arguments of `_core.Source`.
    weight : ndarray of shape (windows,) or None
    index : ndarray of int64
    most : int, default=None
        Largest number of windows to use. None: as many as fit well in memory.

    Returns
    -------
    Scaling
    """
    # Of millions of windows, an even sample gives the same means in a fraction of the time and memory.
    some = index[:: -(-len(index) // MANY) or 1]
    chosen = np.ascontiguousarray(some if most is None else some_of(some, most), dtype=np.int64)
    return Scaling.of(_core.moments(_core.Source(**arguments, weight=weight), chosen))


def _pooled(mean: Floats, deviation: Floats, steps: int) -> tuple[Floats, Floats, Booleans]:
    """Mean, scale and whether it varies, of columns over all steps, each repeated for every step."""
    means, deviations = mean.reshape(steps, -1), deviation.reshape(steps, -1)
    centre = means.mean(axis=0)
    deviation = np.sqrt((deviations**2).mean(axis=0) + ((means - centre) ** 2).mean(axis=0))
    varies = _varies(centre, deviation)
    return np.tile(centre, steps), np.tile(np.where(varies, deviation, 1.0), steps), np.tile(varies, steps)


def _varies(mean: Floats, deviation: Floats) -> Booleans:
    rounding = 10 * np.finfo(float).eps * np.abs(mean)  # what is left of a constant's deviation
    return deviation > np.maximum(rounding, np.finfo(float).tiny)
