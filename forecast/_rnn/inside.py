"""What a fitted network does inside on given windows: the gradient of its loss at each step, its gates and states."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._arrays import read_examined, read_inputs, read_weights
from .._network import MATRIX_CELLS
from .._refusals import Fix, Refusal
from .placing import placed

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike

    from .._arrays import Dataset
    from .._network import Architecture, Network, Stream
    from .._types import Array, Floats
    from .._windows import Windows, WindowTargets

__all__ = ["Activity", "Flow", "activity_of", "flow_of"]


class Flow(NamedTuple):
    """Gradients of the mean loss with respect to the state h after each step."""

    cell: str
    loss: float
    norms: Floats  # (layers, steps): L2 over windows and units
    layers: tuple[str, ...] | None = None  # names of the layers; None: a stack of them, numbered from the input
    segment: int = 1  # rows of a step


class Activity(NamedTuple):
    """Values of gates and states after each step, each of shape (windows, layers, steps, hidden)."""

    cell: str
    gates: dict[str, Array]
    states: dict[str, Array]
    layers: tuple[str, ...] | None = None
    segment: int = 1


def flow_of(
    model: Any,
    X: ArrayLike | Windows,
    y: ArrayLike | WindowTargets | None,
    sample_weight: ArrayLike | None,
    n_jobs: int | None,
) -> Flow:
    """Gradients inside a fitted `RNNForecaster`, which is not changed.

    Parameters
    ----------
    model : RNNForecaster or RNNClassifier
    X, y, sample_weight
        As in its `fit`.
    n_jobs : int or None

    Returns
    -------
    Flow

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError, ValueError
        X or y are not as in `fit`; a gradient is beyond the numbers of the model's `dtype`.
    """
    check_is_fitted(model)
    _refuse_matrix(model._network.architecture, "gradients of states")
    _refuse_vector(model._network.architecture, "gradients of states")
    if hasattr(model, "_examined"):  # a classifier, whose sequences may differ in length
        network, data = model._examined(X, y, loss=True)
    else:
        fitted = model._lookback, model._n_channels, getattr(model, "_n_extra", 0), model.n_outputs_
        network, data = model._network, placed(model, read_examined(model, X, y, *fitted))
    loss, norms = _flow(network, data, read_weights(sample_weight, data), n_jobs)
    if not np.isfinite(norms).all():
        layer, step = np.argwhere(~np.isfinite(norms))[-1]
        name = network.spec.encoder[layer]
        raise ValueError(
            Refusal(
                f"is not finite at step {step - norms.shape[1] + 1} of layer {name}: it exploded beyond "
                f"{network.architecture.dtype}",
                where="the gradient",
                advice="Train weights that do not explode (clip_norm, a lower learning_rate), or with more digits.",
                fix=Fix("dtype='float64'", ""),
            )
        )
    return Flow(network.architecture.cell_word, loss, norms, *_kept(network))


def _flow(network: Network, data: Dataset, weight: Floats | None, n_jobs: int | None) -> tuple[float, Floats]:
    """Loss and norms; of sequences of unequal length, one length after the other.

    Before a sequence begins, the core hands its first state on, whose gradient is that of no step.
    """
    begin, n = data.arguments.get("begin"), data.n_windows
    if begin is None:
        return network.flow(data.arguments, n, weight, n_jobs)
    each = np.ones(n) if weight is None else weight
    counts = each * (~np.isnan(data.arguments["target"].reshape(n, -1))).sum(axis=1)
    loss = squares = 0.0
    for first in np.unique(begin[counts > 0]):
        mine = np.flatnonzero((begin == first) & (counts > 0))
        given = {name: data.arguments[name].reshape(n, -1)[mine].reshape(-1, data.arguments[name].shape[1])
                 for name in ("past", "target")}  # fmt: skip
        part, norms = network.flow(data.arguments | given | {"begin": begin[mine]}, len(mine), each[mine], n_jobs)
        share = counts[mine].sum() / counts.sum()
        norms[:, :first] = 0.0
        loss, squares = loss + share * part, squares + np.square(share * norms)
    return loss, np.sqrt(squares)


def activity_of(model: Any, X: ArrayLike | Windows, n_jobs: int | None, most_bytes: int) -> Activity:
    """Gates and states inside a fitted `RNNForecaster`, which is not changed.

    Parameters
    ----------
    model : RNNForecaster or RNNClassifier
    X
        As in its `predict`.
    n_jobs : int or None
    most_bytes : int
        What the values may take.

    Returns
    -------
    Activity

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError, ValueError
        X is not as in `fit`, or the values would take more memory than that.
    """
    check_is_fitted(model)
    if hasattr(model, "_examined"):
        network, data = model._examined(X)
    else:
        fitted = model._lookback, model._n_channels, getattr(model, "_n_extra", 0)
        network, data = model._network, placed(model, read_inputs(model, X, *fitted))
    a = network.architecture
    _refuse_matrix(a, "gates and states")
    _refuse_vector(a, "gates and states")
    info = a.core_info
    kinds = len(info["gates"]) + len(info["states"])
    streams = [network.spec.streams[layer.output] for layer in network.spec.recurrent]
    each = kinds * sum(stream.entries for stream in streams) * np.dtype(a.dtype).itemsize
    if each * data.n_windows > most_bytes:
        raise ValueError(
            Refusal(
                f"the gates and states of {data.n_windows} windows would take {each * data.n_windows / 2**30:.3g} "
                f"GiB ({_size(streams)} x {kinds} gates and states x {np.dtype(a.dtype).itemsize} bytes each)",
                where="X:",
                expected=(
                    f"at most {most_bytes / 2**30:.3g} GiB, which are fewer rows of a frame, or "
                    f"{most_bytes // each} windows"
                ),
                fix=Fix(f"X = X[::{-(-data.n_windows * each // most_bytes)}]", ""),
            )
        )
    values = network.activity(data.arguments, data.n_windows, n_jobs)
    begin = data.arguments.get("begin")
    if begin is not None:  # of a shorter sequence there is nothing before its first step
        steps = values["h"].shape[2]
        for value in values.values():
            np.moveaxis(value, 2, 1)[np.arange(steps) < begin[:, None]] = np.nan
    gates, states = ({name: values[name] for name in info[of]} for of in ("gates", "states"))
    return Activity(a.cell_word, gates, states, *_kept(network))


def _refuse_matrix(architecture: Architecture, what: str) -> None:
    if architecture.cell in MATRIX_CELLS:
        raise ValueError(
            Refusal(
                f"cell={architecture.cell!r} holds a matrix and has none", where=f"{what}:", expected="another cell"
            )
        )


def _refuse_vector(architecture: Architecture, what: str) -> None:
    if architecture.encoder == "dense":
        raise ValueError(
            Refusal(
                "they are those of the layers that read the past, and encoder='dense' has no steps", where=f"{what}:"
            )
        )


def _size(streams: list[Stream]) -> str:
    """Layers, steps and units in words: of all recurrent layers, also those of the decoder and the known future."""
    parts: dict[str, int] = {}
    for stream in streams:
        size = f"{stream.steps} steps x {stream.width} units"
        parts[size] = parts.get(size, 0) + 1
    return " + ".join(f"{count} layers x {size}" for size, count in parts.items())


def _kept(network: Network) -> tuple[tuple[str, ...] | None, int]:
    """Names of the encoder's layers, None for a plain stack; and rows of a step."""
    names = tuple(network.spec.encoder)
    return None if names == tuple(str(n) for n in range(len(names))) else names, network.architecture.segment
