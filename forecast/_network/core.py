"""A spec as a network of the compiled core: the only place that knows the core's constructor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from .architecture import Architecture
from .spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .._types import Array
    from .spec import NetworkSpec

__all__ = ["activity", "compiled", "flow", "stacked"]


def compiled(spec: NetworkSpec, dtype: str, isa: str | None = None, clip: float | None = None) -> _core.Network:
    """The network of a spec.

    Parameters
    ----------
    spec : NetworkSpec
    dtype : {"float32", "float64"}
    isa : str, default=None
        Instruction set; None: the one chosen at import.
    clip : float, default=None
        Largest size of a scaled input; None: no clipping.

    Returns
    -------
    _core.Network
    """
    streams = [(name, s.steps, s.width, s.of or "", s.first, s.pitch) for name, s in spec.streams.items()]
    return _core.Network(
        streams, [vars(layer) for layer in spec.layers], dtype=dtype, targets=spec.targets, columns=spec.columns,
        loss=spec.loss, loss_parameters=list(spec.loss_parameters), dropout=spec.dropout, left_out=spec.left_out,
        clip=clip, isa=isa,
    )  # fmt: skip


def stacked(
    cell: str,
    dtype: str,
    *,
    steps: int,
    inputs: int,
    hidden: int,
    layers: int,
    targets: int,
    extra: int = 0,
    loss: str = "squared_error",
    loss_parameters: Sequence[float] = (),
    dropout: float = 0.0,
    isa: str | None = None,
) -> _core.Network:
    """Equal layers of one cell and a dense head on the last state and the extra inputs; for tests and benchmarks.

    Parameters
    ----------
    cell, dtype, steps, inputs, hidden, layers, targets, extra, loss, loss_parameters, dropout
        As in `Architecture`.
    isa : str, default=None

    Returns
    -------
    _core.Network
    """
    architecture = Architecture(
        cell, dtype, steps, inputs, hidden, layers, targets, extra, loss, tuple(loss_parameters), dropout
    )
    return compiled(spec_of(architecture), dtype, isa=isa)


def flow(
    network: _core.Network,
    spec: NetworkSpec,
    theta: Array,
    source: _core.Source,
    index: NDArray[np.int64],
    threads: int,
) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """Mean loss, and the squared gradients by h of every recurrent layer: name -> (steps,)."""
    found = network.flow(theta, source, index, threads=threads)
    return found["loss"], dict(zip([layer.name for layer in spec.recurrent], found["squares"], strict=True))


def activity(
    network: _core.Network,
    spec: NetworkSpec,
    theta: Array,
    source: _core.Source,
    index: NDArray[np.int64],
    threads: int,
) -> dict[str, dict[str, Array]]:
    """Gates and states of every recurrent layer: name -> gate -> (windows, steps, units); of attention its weights."""
    found = network.activity(theta, source, index, threads=threads)
    return dict(zip([layer.name for layer in spec.answering], found, strict=True))
