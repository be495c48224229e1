"""What is sent between rounds: the weights and the optimiser's state, as bytes that hold numbers and no code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._files import FORMAT, VERSION, pack, unpacked

if TYPE_CHECKING:
    from .._rnn import RNNForecaster
    from .._types import Floats

__all__ = ["State", "ahead", "averaged"]

MOMENTUM = 0.3  # over rounds

_ARRAYS = ("theta", "first", "second")


@dataclass(frozen=True)
class State:
    """Weights, and the state of the optimiser.

    Attributes
    ----------
    theta, first, second : ndarray of shape (parameters,)
        Weights, and the optimiser's two arrays; those that it does not use are empty or zeros.
    steps : int
        Number of the optimiser's steps.
    """

    theta: Floats
    first: Floats
    second: Floats
    steps: int

    @classmethod
    def of(cls, model: RNNForecaster) -> Self:
        """The state of a network.

        Parameters
        ----------
        model : RNNForecaster
            Begun or fitted.

        Returns
        -------
        State
        """
        own = model._optimizer_state
        return cls(model._network.theta, own["first"], own["second"], int(own["steps"]))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The state that `as_bytes` wrote.

        Parameters
        ----------
        data : bytes

        Returns
        -------
        State
        """
        tensors, metadata = unpacked(data, "the weights of a round")
        return cls(tensors["theta"], tensors["first"], tensors["second"], int(metadata["steps"]))

    @property
    def arrays(self) -> dict[str, Any]:
        """The arrays by name, in C order."""
        return {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}

    def as_bytes(self) -> bytes:
        """A safetensors file with a checksum, as model files are; the same state gives the same bytes.

        Returns
        -------
        bytes
        """
        return pack(self.arrays, {"format": FORMAT, "version": str(VERSION), "steps": str(self.steps)})

    def put_into(self, model: RNNForecaster) -> RNNForecaster:
        """Give these weights and moments to a network.

        Parameters
        ----------
        model : RNNForecaster
            Begun; changed.

        Returns
        -------
        RNNForecaster
            The same.
        """
        model._network = model._network.with_theta(self.theta)
        own = {"steps": self.steps, "first": self.first, "second": self.second}
        model._optimizer_state = model._optimizer_state | own
        return model


def ahead(before: State, mean: State, velocity: Floats | None) -> tuple[State, Floats]:
    """The weights of the next round: the mean plus a momentum over the last rounds.

    Nesterov's momentum over rounds. The mean of K shards moves less far than one network would, because the noise
    in their steps cancels out.

    Parameters
    ----------
    before : State
        State at the start of the round.
    mean : State
        Mean of its shards.
    velocity : ndarray or None
        Velocity of the rounds before.

    Returns
    -------
    State, ndarray of float64
        And the velocity of this round.
    """
    way = mean.theta.astype(np.float64) - before.theta
    velocity = way if velocity is None else way + MOMENTUM * velocity
    theta = (mean.theta + MOMENTUM * velocity).astype(mean.theta.dtype)
    return replace(mean, theta=theta), velocity


def averaged(states: Sequence[State], weights: Sequence[float]) -> State:
    """The weighted mean of the states of all shards, added in their order in float64.

    Parameters
    ----------
    states : sequence of State
    weights : sequence of float
        Windows of each shard.

    Returns
    -------
    State
        The number of steps is the largest one.
    """
    total, mean = float(np.sum(np.asarray(weights, dtype=np.float64))), {}
    for name in _ARRAYS:
        added = np.zeros(getattr(states[0], name).shape)
        for state, weight in zip(states, weights, strict=True):
            added += weight * getattr(state, name).astype(np.float64)
        mean[name] = (added / total).astype(getattr(states[0], name).dtype)
    return State(**mean, steps=max(state.steps for state in states))
