"""Layers of cells that ONNX has an operator for, LSTM, GRU and RNN, with the weights in the order of the operator."""

from dataclasses import dataclass

import numpy as np

from .._types import Array
from .graph import Graph

__all__ = ["OPERATORS", "whole_layer"]


@dataclass(frozen=True)
class Operator:
    """Which rows of a cell are the operator's gates, in its order."""

    kind: str
    input_rows: tuple[str, ...]
    state_rows: tuple[str, ...]
    second_bias: dict[str, str]  # gate (by its row in `state_rows`) whose second bias is used -> our bias
    vectors: tuple[str, ...] = ()  # peepholes
    activation: str = ""
    states: int = 1


# ONNX orders the gates of LSTM i, o, f, c; its peepholes i, o, f; the gates of GRU z, r, h.
OPERATORS = {
    "rnn_tanh": Operator("RNN", ("h",), ("h",), {}, activation="Tanh"),
    "rnn_relu": Operator("RNN", ("h",), ("h",), {}, activation="Relu"),
    "gru": Operator("GRU", ("z", "r", "nx"), ("z", "r", "nh"), {"nh": "nh"}),
    "lstm": Operator("LSTM", ("i", "o", "f", "g"), ("i", "o", "f", "g"), {}, states=2),
    "lstm_peephole": Operator("LSTM", ("i", "o", "f", "g"), ("i", "o", "f", "g"), {}, ("i", "o", "f"), states=2),
}


def whole_layer(
    g: Graph, cell: str, x: str, p: dict[str, Array], initial: list[str] | None, reverse: bool
) -> tuple[str, list[str]]:
    """A layer over all steps.

    Parameters
    ----------
    g : Graph
    cell : str
        A key of `OPERATORS`.
    x : str
        Inputs, (steps, windows, width).
    p : dict of str to ndarray
        Weights of the layer by their short names.
    initial : list of str or None
        First states, each (windows, hidden); None: zeros.
    reverse : bool
        Whether steps are taken from the last to the first.

    Returns
    -------
    h : str
        (steps, windows, hidden)
    last : list of str
        The last states, each (windows, hidden).
    """
    found = OPERATORS[cell]
    hidden = len(p[f"b_{found.input_rows[0]}"])
    first = [p[f"b_{row}"] for row in found.input_rows]
    second = [
        p[f"b_{found.second_bias[row]}"] if row in found.second_bias else np.zeros(hidden, first[0].dtype)
        for row in found.state_rows
    ]
    weights = [
        np.concatenate([p[f"W_{row}"] for row in found.input_rows])[None],
        np.concatenate([p[f"R_{row}"] for row in found.state_rows])[None],
        np.concatenate([*first, *second])[None],
    ]
    attributes: dict[str, object] = {"hidden_size": hidden, "direction": "reverse" if reverse else "forward"}
    if found.kind == "GRU":
        attributes["linear_before_reset"] = 1
    if found.activation:
        attributes["activations"] = [found.activation]
    further: list[str | Array] = ["", *(_as_direction(g, state) for state in initial or ())]
    if found.vectors:
        further += [""] * (3 - len(further)) + [np.concatenate([p[f"p_{name}"] for name in found.vectors])[None]]
    if len(further) == 1:
        further = []
    h, *last = g.ops(found.kind, x, *weights, *further, outputs=1 + found.states, **attributes)
    axis = np.array([1], np.int64)
    return g.op("Squeeze", h, axis), [g.op("Squeeze", state, np.array([0], np.int64)) for state in last]


def _as_direction(g: Graph, state: str) -> str:
    """States as those of the one direction of an operator, (1, windows, hidden)."""
    return g.op("Unsqueeze", state, np.array([0], np.int64))
