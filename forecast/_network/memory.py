"""What a network takes of memory, counted before it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._memory import available_bytes
from .._refusals import Refusal
from .architecture import CELLS

if TYPE_CHECKING:
    from .spec import NetworkSpec

__all__ = ["refuse_too_large"]

_SLOTS = 16  # gradients at once, at most one for each chunk of windows
_LEAST_LANES, _MOST_LANES = 4, 64  # windows of a chunk, by instruction set and dtype
_COPIES = 6  # of the weights: trained, best, two moments, packed for both ways


def refuse_too_large(spec: NetworkSpec, dtype: str, batch: int) -> None:
    """Refuse to train what the memory cannot hold.

    The bytes are a lower bound: weights, their gradients and moments, and the values of one chunk of windows. Without
    this check, the system would end the process in the middle of the training.

    Parameters
    ----------
    spec : NetworkSpec
    dtype : {"float32", "float64"}
    batch : int
        Windows of a batch.

    Raises
    ------
    MemoryError
        With the number of bytes.
    """
    size = 8 if dtype == "float64" else 4
    slots = min(_SLOTS, max(1, -(-batch // _MOST_LANES)))
    weights, values = _weights(spec), _values(spec)
    needed = size * (weights * (_COPIES + slots) + values * min(batch, _LEAST_LANES))
    available = available_bytes()
    if available is not None and needed > available:
        raise MemoryError(
            Refusal(
                f"Training this network needs at least {needed:,} bytes ({weights:,} weights), and {available:,} are "
                "available",
                expected="a smaller network",
                advice="Lower hidden_size, num_layers or the lookback.",
            )
        )


def _weights(spec: NetworkSpec) -> int:
    total = 0
    for layer in spec.layers:
        out = spec.streams[layer.output].width
        inputs = sum(spec.streams[name].width for name in layer.inputs)
        if layer.tied:
            continue
        if layer.kind == "recurrent":
            reads, goes_on = ((last - first) for first, last in (CELLS[layer.cell][k] for k in ("input", "state")))
            total += out * (reads * inputs + goes_on * out)
        elif layer.kind == "dense":
            total += out * inputs
        elif layer.kind in ("lookup", "embedding"):
            total += layer.rows * out
    return total


def _values(spec: NetworkSpec) -> int:
    """Numbers that one window leaves on its way forward, for the way back."""
    written = [(spec.streams[layer.output], layer) for layer in spec.layers]
    return sum(out.steps * out.width * (len(CELLS[layer.cell]["rows"]) if layer.kind == "recurrent" else 1)
               for out, layer in written)  # fmt: skip
