"""First weights, by kind of layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .architecture import CELLS, MATRIX_CELLS

if TYPE_CHECKING:
    from .._core import CellInfo
    from .._types import Array, Floats
    from .spec import NetworkSpec

__all__ = ["draw"]

_SLOW = 0.1  # most that a state decays at first, per standard deviation of the time, as an exponent
_DRAWN_WHOLE = 512  # units whose recurrent weights are drawn in one piece
_BLOCK, _ROUNDS = 64, 3
_SMALL = 0.1  # standard deviation of what is learned of a position or a series: well inside the range of the states


def draw(spec: NetworkSpec, weights: dict[str, Array], rng: np.random.Generator) -> None:
    """Set the first weights of a network, which are zeros before, in their order.

    Input weights and dense layers are Glorot-uniform, recurrent weights orthogonal, the learned positions of the
    decoder and the vectors of series and codes small and normal; the biases of a cell are those of its own header, all
    others 0, and so are the vectors that a cell owns, unless its header says between which numbers they are drawn,
    uniformly. The weights of a decay are small and positive: states decay slowly at first. The query and the key of
    a matrix memory have biases of 1, so that at first it is a mean of all values.
    The gain of a normalisation begins with 1.
    A cycle begins with zeros, so that the first forecast is that without it; the skip too, unless it gets a start.

    Parameters
    ----------
    spec : NetworkSpec
    weights : dict of str to ndarray
        Views into the parameter vector.
    rng : numpy.random.Generator

    References
    ----------
    Glorot and Bengio (2010); Saxe, McClelland and Ganguli (2014); Jozefowicz, Zaremba and Sutskever (2015).
    """
    layers = {layer.name: layer for layer in spec.layers}
    alike = {stream for layer in spec.layers if layer.kind in MATRIX_CELLS for stream in layer.inputs[:2]}
    for name, view in weights.items():
        prefix, _, kind = name.rpartition(".")
        layer = layers[name if name in layers else prefix]
        if layer.kind == "recurrent":
            _draw_recurrent(view, kind, CELLS[layer.cell], rng)
        elif layer.kind == "dense" and layer.inputs and layer.name != "skip":
            if kind == "W":
                _glorot(view, rng)
            elif layer.output in alike:
                view[...] = 1.0
        elif layer.kind == "norm":
            view[...] = 1.0 if kind == "g" else 0.0
        elif layer.kind == "attention_additive":
            view[...] = rng.uniform(-1.0, 1.0, view.shape) * np.sqrt(3.0 / view.size)  # Glorot's limit, to one score
        elif layer.kind in ("lookup", "embedding") or (layer.kind == "dense" and not layer.inputs and not layer.added):
            view[...] = rng.normal(0.0, _SMALL, view.shape)


def _draw_recurrent(view: Array, kind: str, cell: CellInfo, rng: np.random.Generator) -> None:
    if kind.startswith("W_"):
        _glorot(view, rng)
    elif kind.startswith("R_"):
        view[...] = _orthogonal(len(view), rng)
    elif kind.startswith("b_"):
        view[...] = cell["initial_bias"][cell["rows"].index(kind.removeprefix("b_"))]
    elif kind.startswith("decay_"):
        view[...] = rng.uniform(0.0, _SLOW, view.shape)  # above 0, where there is a gradient
    else:
        low, high = cell["initial_vectors"][cell["vectors"].index(kind.removeprefix("p_"))]
        if high > low:
            view[...] = rng.uniform(low, high, view.shape)


def _glorot(view: Array, rng: np.random.Generator) -> None:
    limit = np.sqrt(6.0 / sum(view.shape))
    view[...] = rng.uniform(-limit, limit, view.shape)


def _orthogonal(n: int, rng: np.random.Generator) -> Floats:
    """A random rotation: up to `_DRAWN_WHOLE` uniform over all of them, above that a product of rotations in blocks.

    The decomposition takes n^3 operations and a minute for 2,048 units. Blocks take n^2 times their size: three rounds
    of blocks, the rows shuffled after each, so that every entry is a sum over all rows, orthogonal to rounding.
    """
    if n <= _DRAWN_WHOLE:
        q, r = np.linalg.qr(rng.standard_normal((n, n)))
        return q * np.sign(np.diag(r))  # without the signs the draw is not uniform over the rotations
    rotation = np.eye(n)
    for _ in range(_ROUNDS):
        for first in range(0, n, _BLOCK):
            rows = slice(first, min(first + _BLOCK, n))
            rotation[rows] = _orthogonal(rows.stop - first, rng) @ rotation[rows]
        rotation = rotation[rng.permutation(n)]
    return rotation
