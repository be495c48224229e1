"""A fitted network as the bytes of an ONNX model, or a refusal by name."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._network import MATRIX_CELLS, Network
from .._refusals import Refusal, install
from .._types import Array
from .ends import Ends, forecasts, labels, streams_of
from .graph import Graph
from .walk import Walk

__all__ = ["onnx_model"]


def onnx_model(
    network: Network,
    *,
    is_flat: bool = False,
    series: Sequence[Any] | None = None,
    classes: Array | None = None,
) -> bytes:
    """The bytes of an ONNX model that gives what `predict` gives.

    Parameters
    ----------
    network : Network
    is_flat : bool, default=False
        Whether `fit` had a one-dimensional y.
    series : sequence, default=None
        Names of the fitted series, in the order of their rows; None: the network has nothing of each series.
    classes : ndarray, default=None
        Labels of a classifier.

    Returns
    -------
    bytes

    Raises
    ------
    ImportError
        onnx is not installed.
    ValueError
        The network has something that the graph of one window cannot say.
    """
    _refuse_unsayable(network)
    g, ends = _graph(network), Ends()
    streams = streams_of(g, ends, network)
    if not ends.inputs:
        raise ValueError(_NO_INPUT)
    windows = g.op("Shape", next(iter(ends.inputs)), start=0, end=1)
    out = Walk(g, ends, network, network.spec, streams, windows).outputs()
    if classes is None:
        forecasts(g, ends, network, out, is_flat)
    else:
        labels(g, ends, network.architecture, out, classes)
    notes = {}
    if series is not None:
        notes["series"] = json.dumps([str(name) for name in series])
    if "quantiles" in ends.outputs:
        notes["levels"] = json.dumps(list(network.outputs.levels))
    infos = ({name: g.value_info(name, *rest) for name, rest in part.items()} for part in (ends.inputs, ends.outputs))
    inputs, outputs = (list(part.values()) for part in infos)
    return g.model(inputs, outputs, notes)


def _graph(network: Network) -> Graph:
    # A matrix memory gives a ratio, whose denominator may be a difference of nearly equal numbers: float32 shows it.
    real = np.float64 if network.architecture.cell in MATRIX_CELLS else np.float32
    try:
        return Graph(real)
    except ImportError as error:
        raise ImportError(Refusal("to_onnx needs the package onnx", fix=install("'rnn-forecast[onnx]'"))) from error


_NO_INPUT = Refusal(
    "windows without a past, known future and static values leave the graph without an input", where="to_onnx:"
)


def _refuse_unsayable(network: Network) -> None:
    a = network.architecture
    if a.stateful:
        raise ValueError(
            Refusal(
                "stateful=True: the states go on from one call of predict to the next, and a graph keeps none",
                where="to_onnx:",
                advice="Fit with stateful=False.",
            )
        )
    if a.ragged:
        raise ValueError(
            Refusal(
                "the model was fitted on sequences of unequal length, and a graph has one number of steps",
                where="to_onnx:",
                advice="Cut the sequences to one length before fit.",
            )
        )
