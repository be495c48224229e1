"""The two ends of a graph: from what `predict` is given to the network's streams, and from its outputs to forecasts.

Both are computed in double, as in the core: means and scales are those of the raw series.
"""

from dataclasses import dataclass, field

import numpy as np

from .._distributions import FAMILIES
from .._network import Architecture, Levels, Network, Parameters
from .._quantiles import median_level
from .._types import Array
from .graph import Graph

__all__ = ["Ends", "forecasts", "labels", "streams_of"]

# As forecast/_distributions/families.py has them.
FARTHEST, LEAST_MEAN = 1e6, 1e-6

KINDS: dict[str, type[np.generic]] = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}  # of labels


@dataclass
class Ends:
    """Inputs and outputs by name: their kind of number, and their shape with "n" for the number of windows."""

    inputs: dict[str, tuple[type[np.generic], list[int | str]]] = field(default_factory=dict)
    outputs: dict[str, tuple[type[np.generic], list[int | str]]] = field(default_factory=dict)

    def ask(self, name: str, dtype: type[np.generic], *shape: int) -> str:
        """An input of every window."""
        self.inputs[name] = dtype, ["n", *shape]
        return name

    def give(self, g: Graph, name: str, value: str, dtype: type[np.generic], *shape: int) -> None:
        """An output of every window; a shape without axes is one number."""
        self.outputs[name] = dtype, ["n", *shape]
        g.named(name, value)


def streams_of(g: Graph, ends: Ends, network: Network) -> dict[str, str]:
    """The streams that a network reads, by name, and the same numbers as they are given, "raw past" and "raw extra".

    Parameters
    ----------
    g : Graph
    ends : Ends
        Gets the inputs.
    network : Network

    Returns
    -------
    dict of str to str
    """
    a, s, found = network.architecture, network.scaling, {}
    if a.steps:
        raw = g.cast(ends.ask("X", np.float32, a.steps, a.inputs), np.float64)
        x = g.cast(g.op("Div", g.sub(raw, s.past_mean), s.past_scale), g.real)
        if a.input_clip is not None:
            x = g.op("Clip", x, float(-a.input_clip), float(a.input_clip))
        found["past"], found["raw past"] = _padded(g, a, x), _padded(g, a, raw)
    parts = []
    if a.own:
        parts.append(ends.ask("extra", np.float32, a.own))
    if a.future:
        ahead = ends.ask("future", np.float32, a.horizon_steps, a.future)
        parts.append(g.shaped(ahead, [-1, a.horizon_steps * a.future]))
    if a.static:
        parts.append(ends.ask("static", np.float32, a.static))
    if parts:
        assert s.extra_mean is not None  # a fit with such values learned them
        assert s.extra_scale is not None
        raw = g.cast(g.concat(parts, 1), np.float64)
        x = g.cast(g.op("Div", g.sub(raw, s.extra_mean), s.extra_scale), g.real)
        found["extra"], found["raw extra"] = g.shaped(x, [-1, 1, a.extra]), g.shaped(raw, [-1, 1, a.extra])
    return found


def _padded(g: Graph, a: Architecture, x: str) -> str:
    """The oldest row once more for each step that fills up the oldest segment."""
    n = a.padded_steps - a.steps
    return g.concat([g.expand(g.slice(x, 0, 1, 1), [1, n, 1]), x], 1) if n else x


def forecasts(g: Graph, ends: Ends, network: Network, out: str, is_flat: bool) -> None:
    """What `predict` gives, "forecast", and with the loss of several quantiles these, in order, "quantiles".

    Parameters
    ----------
    g : Graph
    ends : Ends
        Gets the outputs.
    network : Network
    out : str
        Outputs of the network, (windows, targets, outputs of a target).
    is_flat : bool
        Whether `fit` had a one-dimensional y.
    """
    a, s, outputs = network.architecture, network.scaling, network.outputs
    raw, shape = g.cast(out, np.float64), [] if is_flat else [a.targets]
    scale, mean = s.output_scale[None, :, None], s.target_mean[None, :, None]
    if isinstance(outputs, Parameters):
        point = _mean(g, raw, scale, mean, centred=FAMILIES[a.loss].target == "real")
    else:
        point = g.add(g.mul(raw, scale), mean)
    if isinstance(outputs, Levels) and len(outputs.levels) > 1:
        size = np.array([len(outputs.levels)], np.int64)
        point = g.ops("TopK", point, size, outputs=2, axis=2, largest=0)[0]
        each = g.cast(g.shaped(point, [-1, *shape, len(outputs.levels)]), np.float32)
        ends.give(g, "quantiles", each, np.float32, *shape, len(outputs.levels))
        point = _median(g, point, outputs.levels)
    ends.give(g, "forecast", g.cast(g.shaped(point, [-1, *shape]), np.float32), np.float32, *shape)


def _mean(g: Graph, raw: str, scale: Array, mean: Array, centred: bool) -> str:
    """The mean of each distribution out of its first parameter."""
    first = g.slice(raw, 0, 1, 2)
    most, least = np.array(FARTHEST), np.array(-FARTHEST)
    if centred:
        return g.add(g.mul(g.op("Min", g.op("Max", first, least), most), scale), mean)
    held = g.op("Min", first, most)
    tail = g.op(
        "Log", g.add(g.op("Exp", g.op("Neg", g.op("Abs", held))), np.array(1.0))
    )  # log(1 + exp(x)), no overflow
    return g.mul(g.add(g.op("Max", held, np.array(0.0)), tail, np.array(LEAST_MEAN)), scale)


def _median(g: Graph, quantiles: str, levels: tuple[float, ...]) -> str:
    """As `at_levels` has it, linear between the two levels around the median."""
    wanted, fitted = median_level(levels), np.asarray(levels)
    below = int(np.searchsorted(fitted, wanted, side="right")) - 1
    low = g.slice(quantiles, below, below + 1, 2)
    if fitted[below] == wanted:
        return low
    share = (wanted - fitted[below]) / (fitted[below + 1] - fitted[below])
    return g.add(low, g.mul(g.sub(g.slice(quantiles, below + 1, below + 2, 2), low), np.array(share)))


def labels(g: Graph, ends: Ends, a: Architecture, out: str, classes: Array) -> None:
    """What a classifier gives: "label" and "probabilities".

    Parameters
    ----------
    g : Graph
    ends : Ends
        Gets the outputs.
    a : Architecture
    out : str
        Outputs of the network, (windows, targets, classes).
    classes : ndarray of shape (classes,)
        Labels.
    """
    shape = [a.targets] if a.return_sequences else []
    scores = g.shaped(out, [-1, *shape, a.levels])
    kind = KINDS.get(classes.dtype.kind, np.object_)
    label = g.gather(classes.astype(kind), g.op("ArgMax", scores, axis=-1, keepdims=0), 0)
    ends.give(g, "label", label, kind, *shape)
    probabilities = g.cast(g.op("Softmax", scores, axis=-1), np.float32)
    ends.give(g, "probabilities", probabilities, np.float32, *shape, a.levels)
