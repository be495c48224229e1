"""Recurrent layers: by an operator of ONNX where there is one, else by a loop over time with the cell's formula."""

import numpy as np

from .._network import CELLS, Layer
from .._types import Array
from .cells import STEPS
from .graph import Graph
from .operators import OPERATORS, whole_layer

__all__ = ["one_step", "over_steps", "zeros"]

Weights = dict[str, Array]


def zeros(g: Graph, windows: str, *shape: int) -> str:
    """A tensor of zeros for every window."""
    return g.expand(np.zeros((1,) * (1 + len(shape)), g.real), [windows, *shape])


def over_steps(
    g: Graph, layer: Layer, x: list[str], steps: int, p: Weights, start: list[str] | None, windows: str
) -> tuple[str, list[str]]:
    """A layer over all of its steps.

    Parameters
    ----------
    g : Graph
    layer : Layer
    x : list of str
        Inputs, (windows, steps, width), and for states that decay the time since the step before.
    steps : int
    p : dict of str to ndarray
        Weights by short name.
    start : list of str or None
        First states; None: zeros.
    windows : str
        How many windows there are, a value of shape (1,).

    Returns
    -------
    h : str
        (windows, steps, hidden)
    last : list of str
        The last states, each (windows, hidden).
    """
    if layer.restart:
        return _restarted(g, layer, x[0], steps, p, start), []
    decay = _decay(g, layer, x[1], steps, p) if len(x) > 1 else None
    by_time = g.op("Transpose", x[0], perm=[1, 0, 2])
    order = list(range(steps))[:: -1 if layer.reverse else 1]
    if layer.dilation == 1 and (decay is None and not layer.zoneout and layer.cell in OPERATORS):
        h, last = whole_layer(g, layer.cell, by_time, p, start, layer.reverse)
        return g.op("Transpose", h, perm=[1, 0, 2]), last
    parts, last = [], []
    for chain in range(layer.dilation):
        own = np.array(order[chain :: layer.dilation], np.int64)
        h, states = _chain(g, layer, by_time, own, decay, p, start, windows)
        parts.append(h)
        last = states if chain == (steps - 1) % layer.dilation else last
    places = np.concatenate([order[chain :: layer.dilation] for chain in range(layer.dilation)])
    h = g.gather(g.concat(parts, 0), np.argsort(places).astype(np.int64), 0)
    return g.op("Transpose", h, perm=[1, 0, 2]), last


def _chain(
    g: Graph,
    layer: Layer,
    x: str,
    own: Array,
    decay: str | None,
    p: Weights,
    start: list[str] | None,
    windows: str,
) -> tuple[str, list[str]]:
    """The steps `own` of x, (steps, windows, width), in this order, each going on from the one before."""
    x = g.gather(x, own, 0)
    if layer.cell in OPERATORS and decay is None and not layer.zoneout:
        return whole_layer(g, layer.cell, x, p, start, reverse=False)
    states = start or [zeros(g, windows, _hidden(p)) for _ in CELLS[layer.cell]["states"]]
    inputs = [_from_input(g, layer.cell, x, p)]
    if decay is not None:
        inputs.append(g.gather(decay, own, 0))
    last, h = g.scan(states, inputs, lambda body, before, read: _step(body, layer, read, before, p))
    return h, last


def one_step(g: Graph, layer: Layer, x: str, p: Weights, states: list[str]) -> list[str]:
    """The states after one more step, of inputs (windows, 1, width)."""
    x = g.op("Squeeze", x, np.array([1], np.int64))
    return _step(g, layer, [_from_input(g, layer.cell, x, p)], states, p)


def _restarted(g: Graph, layer: Layer, x: str, steps: int, p: Weights, start: list[str] | None) -> str:
    """Every step from the first states: windows times steps in one step of the cell."""
    width = p[f"W_{CELLS[layer.cell]['rows'][0]}"].shape[1]
    states = []
    for state in start or ():
        wide = g.op("Unsqueeze", state, np.array([1], np.int64))
        states.append(g.shaped(g.expand(wide, [1, steps, 1]), [-1, _hidden(p)]))
    after = _step(g, layer, [_from_input(g, layer.cell, g.shaped(x, [-1, width]), p)], states, p)
    return g.shaped(after[0], [-1, steps, _hidden(p)])


def _hidden(p: Weights) -> int:
    return next(len(value) for name, value in p.items() if name.startswith("b_"))


def _from_input(g: Graph, cell: str, x: str, p: Weights) -> str:
    """What a step's rows have without the states: biases and the products with x, (..., rows * hidden)."""
    rows, (first, last) = CELLS[cell]["rows"], CELLS[cell]["input"]
    hidden, width = p[f"W_{rows[first]}"].shape
    W = np.concatenate([p[f"W_{row}"] if first <= k < last else np.zeros((hidden, width), g.real)
                        for k, row in enumerate(rows)])  # fmt: skip
    b = np.concatenate([p[f"b_{row}"] for row in rows])
    return g.add(g.matmul(x, W.T), b)


def _step(g: Graph, layer: Layer, read: list[str], before: list[str], p: Weights) -> list[str]:
    """One step of the cell and what is around it: states that decay before, and units that keep theirs after."""
    cell = CELLS[layer.cell]
    if len(read) > 1:
        before = [g.mul(before[0], read[1])]
    rows, (first, last) = cell["rows"], cell["state"]
    sizes = np.full(len(rows), _hidden(p), np.int64)
    split = g.ops("Split", read[0], sizes, outputs=len(rows), axis=-1) if len(rows) > 1 else [read[0]]
    a = dict(zip(rows, split, strict=True))
    for row in rows[first:last]:
        a[row] = g.add(a[row], g.matmul(before[0], p[f"R_{row}"].T))
    vectors = {name: p[f"p_{name}"] for name in cell["vectors"]}
    after = STEPS[layer.cell](g, a, before, vectors)
    if not layer.zoneout:
        return after
    kept = float(layer.zoneout)  # the mean of what a training draws
    return [g.add(g.mul(s, kept), g.mul(new, 1.0 - kept)) for s, new in zip(before, after, strict=True)]


def _decay(g: Graph, layer: Layer, elapsed: str, steps: int, p: Weights) -> str:
    """By what the states decay before each step, (steps, windows, hidden)."""
    times = np.minimum(np.arange(steps) + layer.reverse, steps - 1).astype(np.int64)
    e = g.gather(g.op("Transpose", elapsed, perm=[1, 0, 2]), times, 0)
    rate = g.op("Relu", g.add(g.mul(e, p["decay_w"]), p["decay_b"]))
    return g.op("Exp", g.op("Neg", rate))
