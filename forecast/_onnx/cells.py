"""One step of every recurrent cell, as nodes: the formulas of docs/equations.md, with their names.

`a` are the pre-activations by row: biases, and the products with the input and the state, where these feed the row.
`p` are the vectors of a cell. Each function returns the new states, h first.
"""

from collections.abc import Callable

from .._types import Array
from .graph import Graph

__all__ = ["STEPS"]

Rows = dict[str, str]
Vectors = dict[str, Array]


def rnn_tanh(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    return [g.op("Tanh", a["h"])]


def rnn_relu(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    return [g.op("Relu", a["h"])]


def indrnn_tanh(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    return [g.op("Tanh", g.add(a["h"], g.mul(states[0], p["h"])))]


def indrnn_relu(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    return [g.op("Relu", g.add(a["h"], g.mul(states[0], p["h"])))]


def gru(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    (h,) = states
    r, z = g.op("Sigmoid", a["r"]), g.op("Sigmoid", a["z"])
    n = g.op("Tanh", g.add(a["nx"], g.mul(r, a["nh"])))
    return [_between(g, n, h, z)]


def mingru(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    return [_between(g, a["n"], states[0], g.op("Sigmoid", a["z"]))]


def minlstm(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    f, i = g.op("Sigmoid", a["f"]), g.op("Sigmoid", a["i"])
    return [_between(g, a["n"], states[0], g.op("Div", f, g.add(f, i)))]


def _between(g: Graph, n: str, h: str, share: str) -> str:
    """n + share (h - n)."""
    return g.add(n, g.mul(share, g.sub(h, n)))


def lstm(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    _, c = states
    i, f = g.op("Sigmoid", a["i"]), g.op("Sigmoid", a["f"])
    c = g.add(g.mul(f, c), g.mul(i, g.op("Tanh", a["g"])))
    return [g.mul(g.op("Sigmoid", a["o"]), g.op("Tanh", c)), c]


def lstm_peephole(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    _, c = states
    i = g.op("Sigmoid", g.add(a["i"], g.mul(c, p["i"])))
    f = g.op("Sigmoid", g.add(a["f"], g.mul(c, p["f"])))
    c = g.add(g.mul(f, c), g.mul(i, g.op("Tanh", a["g"])))
    return [g.mul(g.op("Sigmoid", g.add(a["o"], g.mul(c, p["o"]))), g.op("Tanh", c)), c]


def slstm(g: Graph, a: Rows, states: list[str], p: Vectors) -> list[str]:
    _, c, n, m = states
    kept = g.add(a["f"], m)
    begun = g.op("Greater", n, 0.0)
    highest = g.op("Where", begun, g.op("Max", kept, a["i"]), a["i"])
    i, f = g.op("Exp", g.sub(a["i"], highest)), g.op("Exp", g.sub(kept, highest))
    f = g.op("Where", begun, f, g.mul(n, 0.0))  # before the first step f may be infinite, and c and n are 0
    c = g.add(g.mul(f, c), g.mul(i, g.op("Tanh", a["g"])))
    n = g.add(g.mul(f, n), i)
    return [g.mul(g.op("Sigmoid", a["o"]), g.op("Div", c, n)), c, n, highest]


STEPS: dict[str, Callable[[Graph, Rows, list[str], Vectors], list[str]]] = {
    "rnn_tanh": rnn_tanh,
    "rnn_relu": rnn_relu,
    "indrnn_tanh": indrnn_tanh,
    "indrnn_relu": indrnn_relu,
    "gru": gru,
    "mingru": mingru,
    "minlstm": minlstm,
    "lstm": lstm,
    "lstm_peephole": lstm_peephole,
    "slstm": slstm,
}
