"""The straight line past the network, in closed form: a ridge regression on the windows to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from .._registries import EVERY_LOSS
from .._tail import some_of
from .gathered import scaled_windows

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from .._types import Array, Floats, Integers
    from .weights import Network

__all__ = ["start_with_line"]

_ENTRIES = 1 << 22  # of a piece of windows or of Gram matrices: 32 MB
_AT_ONCE = 1 << 15  # entries that are scaled together: the arrays in between stay in the cache
_PRODUCTS = 2e10  # windows times squared inputs: more windows say nothing new of so few numbers
_BOUNDED = 5e9  # the same where optimiser steps are bounded: the line is trained on, and its start took half of a fit
_LEAST_PENALTY = 1e-10  # of the mean square: a window's steps may depend on each other


def start_with_line(
    network: Network,
    arguments: dict[str, Any],
    weight: Array | None,
    windows: Integers,
    penalty: float,
    bounded: bool = False,
) -> None:
    """Set the skip's first weights to the ridge regression, and the head's to 0: the first forecast is that line.

    The regression is on scaled windows, so it needs no constant. A missing target is left out of its output's sums.
    Several outputs of a target, such as quantiles, all begin with the same line; of a distribution only its location.
    `head.W` and `head.b` begin with 0; they get a gradient at once, the layers before them from the second step on.

    Parameters
    ----------
    network : Network
        Network with `skip.W`; its theta is changed.
    arguments : dict
        Arguments of `_core.Source`.
    weight : ndarray of shape (windows,) or None
    windows : ndarray of int
        Windows to train on.
    penalty : float
        L2 penalty relative to the mean square of the inputs.
    bounded : bool, default=False
        Whether the time of the fit is, so that fewer windows serve.
    """
    a, views = network.architecture, network.weights
    channels = None if a.skip == "linear-all" else a.columns
    inputs = views["skip.W"].shape[1]
    some = windows[:: max(1, len(windows) // max(8 * inputs, int(_PRODUCTS / inputs**2)))]
    some = some_of(some, max(8 * inputs, int(_BOUNDED / inputs**2))) if bounded else some

    def gathered(index: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        x, targets = np.empty((len(index), inputs)), np.empty((len(index), a.targets))
        size = max(2, _AT_ONCE // (a.steps * a.inputs))
        for first in range(0, len(index), size):
            part = slice(first, first + size)
            past, targets[part] = scaled_windows(arguments, network.scaling, index[part], a.input_clip, channels)
            x[part] = past.reshape(len(past), inputs)
        return x, targets, np.ones(len(index)) if weight is None else weight[index]

    size = max(1, _ENTRIES // (a.steps * a.inputs + a.targets))
    pieces = [some[first : first + size].astype(np.int64) for first in range(0, len(some), size)]
    with threadpool_limits(limits=1, user_api="blas"):  # its sums depend on how many threads share them
        line = _ridge(pieces, gathered, inputs, a.targets, penalty)
    views["skip.W"][...] = 0  # also of outputs behind the horizon
    own = a.levels if EVERY_LOSS[a.loss]["outputs"] == 0 else 1
    for number in range(own):
        views["skip.W"][number : a.targets * a.levels : a.levels] = line.T
    views["head.W"][...] = 0
    views["head.b"][...] = 0


def _ridge(
    pieces: list[NDArray[np.int64]],
    gathered: Callable[[NDArray[np.int64]], tuple[Floats, Floats, Floats]],
    inputs: int,
    outputs: int,
    penalty: float,
) -> Floats:
    """Coefficients (inputs, outputs) from weighted sums, in double.

    Parameters
    ----------
    pieces : list of ndarray of int
        Windows whose sums are made together.
    gathered : callable
        Function that returns inputs, targets (NaN where one is missing) and weights of some windows.
    inputs, outputs : int
    penalty : float

    Returns
    -------
    ndarray of shape (inputs, outputs)
    """
    gram, cross = np.zeros((inputs, inputs)), np.zeros((inputs, outputs))
    holed, incomplete = np.zeros(outputs, dtype=bool), []
    for index in pieces:
        x, y, weight = gathered(index)
        missing = np.isnan(y)
        weighted = (x * weight[:, None]).T
        gram += weighted @ x
        cross += weighted @ np.where(missing, 0.0, y)
        holed |= missing.any(axis=0)
        incomplete.append(index[missing.any(axis=1)])
    line = np.zeros((inputs, outputs))
    line[:, ~holed] = _solved(gram, cross[:, ~holed], penalty)
    holed = np.flatnonzero(holed)
    together = max(1, _ENTRIES // inputs**2)
    for first in range(0, len(holed), together):
        some = holed[first : first + together]
        own = np.repeat(gram[None], len(some), axis=0)
        for index in filter(len, incomplete):  # the others have nothing to subtract
            x, y, weight = gathered(index)
            for n, output in enumerate(some):
                missing = np.isnan(y[:, output])
                own[n] -= (x[missing] * weight[missing, None]).T @ x[missing]
        for n, output in enumerate(some):
            line[:, output] = _solved(own[n], cross[:, output], penalty)
    return line


def _solved(gram: Floats, cross: Floats, penalty: float) -> Floats:
    size = np.trace(gram) / len(gram)
    if not size > 0:
        return np.zeros_like(cross)
    return np.linalg.solve(gram + max(penalty, _LEAST_PENALTY) * size * np.eye(len(gram)), cross)
