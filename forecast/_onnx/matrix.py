"""Layers of a matrix memory, `cell="mlstm"`: a loop over time with a matrix, a vector and a maximum for each head."""

import numpy as np

from .._network import Layer
from .graph import Graph
from .recurrent import zeros

__all__ = ["mlstm"]


def mlstm(g: Graph, layer: Layer, x: list[str], steps: int, width: int, windows: str) -> str:
    """A layer over all of its steps.

    Parameters
    ----------
    g : Graph
    layer : Layer
    x : list of str
        q, k, v (windows, steps, width) and the gates (windows, steps, width + 2 * heads): o, and i and f of every head.
    steps, width : int
    windows : str
        How many windows there are, a value of shape (1,).

    Returns
    -------
    str
        h (windows, steps, width).
    """
    heads, size = layer.heads, width // layer.heads
    order = np.arange(steps)[:: -1 if layer.reverse else 1].astype(np.int64)
    by_time = [g.gather(g.op("Transpose", part, perm=[1, 0, 2]), order, 0) for part in x]
    q, k, v = (g.shaped(part, [steps, -1, heads, size]) for part in by_time[:3])
    k = g.mul(k, float(1.0 / np.sqrt(size)))
    o, i, f = g.ops("Split", by_time[3], np.array([width, heads, heads], np.int64), outputs=3, axis=2)
    o = g.shaped(g.op("Sigmoid", o), [steps, -1, heads, size])
    shapes = ((heads, size), (heads, size, size), (heads, size), (heads,))
    states = [zeros(g, windows, *shape) for shape in shapes]
    _, h = g.scan(states, [q, k, v, o, i, f], _step)
    h = g.shaped(g.gather(h, np.argsort(order).astype(np.int64), 0), [steps, -1, width])
    return g.op("Transpose", h, perm=[1, 0, 2])


def _step(g: Graph, before: list[str], read: list[str]) -> list[str]:
    """States: h, which no step reads, C, n, m."""
    _, C, n, m = before
    q, k, v, o, a_i, a_f = read
    kept = g.add(a_f, m)
    highest = g.op("Max", kept, a_i)
    i, f = (_wide(g, g.op("Exp", g.sub(a, highest)), 2) for a in (a_i, kept))
    C = g.add(g.mul(_wide(g, f, 3), C), g.mul(_wide(g, i, 3), g.matmul(_wide(g, v, 3), _wide(g, k, 2))))
    n = g.add(g.mul(f, n), g.mul(i, k))
    total = g.op("ReduceSum", g.mul(n, q), np.array([2], np.int64), keepdims=1)
    least = g.op("Exp", g.op("Neg", _wide(g, highest, 2)))
    seen = g.op("Squeeze", g.matmul(C, _wide(g, q, 3)), np.array([3], np.int64))
    return [g.mul(o, g.op("Div", seen, g.op("Max", g.op("Abs", total), least))), C, n, highest]


def _wide(g: Graph, x: str, axis: int) -> str:
    return g.op("Unsqueeze", x, np.array([axis], np.int64))
