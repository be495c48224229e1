"""A fitted network as a function of its inputs: what it puts out, and how that changes with each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .weights import Network

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Floats

__all__ = ["Sensitivity"]


class Sensitivity:
    """A network in double precision, whatever it was trained in, so that differences of outputs keep their digits.

    Parameters
    ----------
    network : Network
    n_jobs : int or None
        It changes no bit.
    """

    def __init__(self, network: Network, n_jobs: int | None = None) -> None:
        architecture = replace(network.architecture, dtype="float64")
        self.network = Network(architecture, network.scaling, network.theta.astype(np.float64))
        self.n_jobs = n_jobs

    def outputs(self, arguments: dict[str, Any], n: int) -> Floats:
        """Outputs of windows in the units of the targets.

        Parameters
        ----------
        arguments : dict
            Arguments of `_core.Source`.
        n : int
            Windows.

        Returns
        -------
        ndarray of shape (n, targets, outputs of a target)
        """
        return self.network.predict(arguments, n, self.n_jobs).reshape(n, -1, self.network.outputs.of_a_target)

    def point(self, outputs: Array) -> tuple[Floats, Floats]:
        """The forecast, shape (n, targets), and how it changes with each output, in the shape of the outputs."""
        point = self.network.outputs.point
        if outputs.shape[-1] == 1:
            return point(outputs), np.ones_like(outputs)
        slopes = np.empty_like(outputs)
        for number in range(outputs.shape[-1]):  # levels in order and between them: straight but for ties
            step = np.zeros(outputs.shape[-1])
            step[number] = 1e-6
            step = step * (np.ptp(outputs, axis=-1, keepdims=True) + np.finfo(float).tiny)
            wide = 2 * step[..., number]
            slopes[..., number] = (point(outputs + step) - point(outputs - step)) / np.where(wide > 0, wide, 1.0)
        return point(outputs), slopes

    def pulled(self, arguments: dict[str, Any], n: int, upstream: Floats) -> tuple[Floats, Floats]:
        """The gradient of a weighted sum of each window's outputs, by the inputs before they are scaled.

        Parameters
        ----------
        arguments, n
            As in `outputs`.
        upstream : ndarray of shape (n, targets, outputs of a target)
            The weights.

        Returns
        -------
        past : ndarray of shape (n, lookback, channels)
        extra : ndarray of shape (n, extra values)
        """
        network, scaling, a = self.network, self.network.scaling, self.network.architecture
        sent = upstream * scaling.output_scale[:, None]
        found = network.compiled.gradient(
            network.theta, network.source(arguments), np.arange(n, dtype=np.int64),
            upstream=np.ascontiguousarray(sent.reshape(n, -1)), threads=network.threads(self.n_jobs, n, passes=3),
        )  # fmt: skip
        padding, past = a.padded_steps - a.steps, found["past"]
        if padding:  # copies of the oldest step
            oldest = past[:, : padding + 1].sum(axis=1, keepdims=True)
            past = np.concatenate([oldest, past[:, padding + 1 :]], axis=1)
        past = past / scaling.past_scale
        if a.input_clip is not None:
            given = np.asarray(arguments["past"], dtype=np.float64).reshape(past.shape)
            past = np.where(np.abs((given - scaling.past_mean) / scaling.past_scale) < a.input_clip, past, 0.0)
        return past, found["extra"] if scaling.extra_scale is None else found["extra"] / scaling.extra_scale
