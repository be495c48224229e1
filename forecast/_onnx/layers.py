"""Layers without states, as nodes: what each makes of the streams that it reads, (windows, steps, width)."""

import numpy as np

from .._network import Layer
from .._types import Array
from .graph import Graph

__all__ = ["attention", "concat", "dense", "embedding", "lookup", "norm"]

Weights = dict[str, Array]


def dense(
    g: Graph,
    layer: Layer,
    x: list[str],
    p: Weights,
    widths: list[int],
    shape: tuple[int, int],
    windows: str,
    at: int | None,
) -> str:
    """W [a ; b ; ...] + bias + added, and the activation.

    Parameters
    ----------
    g : Graph
    layer : Layer
    x : list of str
        Inputs, and `added` last where there is one.
    p : dict of str to ndarray
    widths : list of int
        Widths of the inputs.
    shape : tuple of int
        Steps and width of the output.
    windows : str
        How many windows there are, a value of shape (1,).
    at : int or None
        The step that is computed; None: all.

    Returns
    -------
    str
    """
    terms: list[str | Array] = []
    for part, first, width in zip(x, np.cumsum([0, *widths]), widths, strict=False):  # without `added`
        terms.append(g.matmul(part, p["W"][:, first : first + width].T))
    if layer.bias != "none":
        b = p["b"].reshape(-1, shape[1])  # (1 or steps, width)
        terms.append(b[at : at + 1] if layer.bias == "steps" and at is not None else b)
    if layer.added:
        terms.append(x[-1])
    out = g.add(*terms)
    if not widths:
        out = g.expand(out, [windows, *shape])
    return g.op("Relu", out) if layer.activation == "relu" else out


def concat(g: Graph, x: list[str], x_steps: list[int], steps: int) -> str:
    """Streams next to each other; one of a single step is used at every step."""
    wide = [part if n == steps else g.expand(part, [1, steps, 1]) for part, n in zip(x, x_steps, strict=True)]
    return g.concat(wide, 2)


def norm(g: Graph, x: str, p: Weights) -> str:
    """The normalisation over the features of each step, with the epsilon of cpp/layer/norm.h."""
    return g.op("LayerNormalization", x, p["g"], p["b"], axis=-1, epsilon=1e-5)


def lookup(g: Graph, layer: Layer, series: str, table: Array) -> str:
    """The vector of each window's series; -1 is the series that is not known, which has the last row."""
    last = np.array([layer.rows - 1], np.int64)
    row = g.op("Where", g.op("Less", series, np.zeros(1, np.int64)), last, series)
    return g.op("Unsqueeze", g.gather(table, row, 0), np.array([1], np.int64))


def embedding(g: Graph, layer: Layer, codes: str, table: Array) -> str:
    """The vector of each step's code, of codes (windows, steps, 1) as the user gives them.

    Without a row for unknown codes, such a code is beyond the table, which the runtime refuses.
    """
    known = layer.rows - (layer.rate > 0)
    code = g.cast(g.op("Round", g.op("Squeeze", codes, np.array([2], np.int64))), np.int64)
    below = g.op("Less", code, np.zeros(1, np.int64))
    beyond = g.op("GreaterOrEqual", code, np.array([known], np.int64))
    row = g.op("Where", g.op("Or", below, beyond), np.array([known], np.int64), code)
    return g.gather(table, row, 0)


def attention(g: Graph, kind: str, query: str, key: str, value: str, p: Weights) -> str:
    """The context of every query: the mean of the values with softmax weights."""
    if kind == "attention_additive":
        together = g.add(
            g.op("Unsqueeze", query, np.array([2], np.int64)), g.op("Unsqueeze", key, np.array([1], np.int64))
        )
        scores = g.op("Squeeze", g.matmul(g.op("Tanh", together), p["v"][:, None]), np.array([3], np.int64))
    else:
        scores = g.matmul(query, g.op("Transpose", key, perm=[0, 2, 1]))
    return g.matmul(g.op("Softmax", scores, axis=-1), value)
