"""A walk over the layers of a network in order of computation, which writes a graph."""

from dataclasses import dataclass, field

import numpy as np

from .._network import Layer, Network, NetworkSpec
from .._types import Array
from .cycles import of_outputs, off_the_past
from .ends import Ends
from .graph import Graph
from .layers import attention, concat, dense, embedding, lookup, norm
from .matrix import mlstm
from .recurrent import one_step, over_steps

__all__ = ["Walk"]


@dataclass
class Walk:
    """What is known while a graph is written. A stream is a value of shape (windows, steps, width).

    Parameters
    ----------
    g : Graph
    ends : Ends
        Gets the inputs that say which series a window is of, and its place in the cycle.
    network : Network
    spec : NetworkSpec
        Its layers over streams.
    streams : dict of str to str
        Streams by name; those of the inputs to begin with.
    windows : str
        How many windows there are, a value of shape (1,).
    """

    g: Graph
    ends: Ends
    network: Network
    spec: NetworkSpec
    streams: dict[str, str]
    windows: str
    _weights: dict[str, Array] = field(default_factory=dict)
    _last: dict[str, list[str]] = field(default_factory=dict)  # recurrent layer -> its last states
    _now: dict[str, str] = field(default_factory=dict)  # in the loop of a decoder: its streams at one step
    _parts: dict[tuple[str, int], str] = field(default_factory=dict)  # steps of streams that the loop reads

    def __post_init__(self) -> None:
        self._weights = {name: value.astype(self.g.real) for name, value in self.network.weights.items()}

    def outputs(self) -> str:
        """The outputs of the network, (windows, targets, outputs of a target)."""
        kinds = [layer.kind for layer in self.spec.layers]
        loop = kinds.index("feed") if "feed" in kinds else len(kinds)
        for layer in self.spec.layers[:loop]:
            self.g.scope = layer.name
            self.streams[layer.output] = self._layer(layer)
        out = self._fed_back(self.spec.layers[loop], self.spec.layers[loop + 1 :]) if loop < len(kinds) else "out"
        self.g.scope = "out"
        a = self.network.architecture
        entries = a.targets * a.levels
        flat = self.g.shaped(self.streams.get(out, out), [-1, a.output_steps * a.output_width])
        if a.output_steps * a.output_width > entries:  # segments that reach beyond the horizon
            flat = self.g.slice(flat, 0, entries, 1)
        return self.g.shaped(flat, [-1, a.targets, a.levels])

    # ---------- streams

    def _read(self, name: str, at: int | None = None) -> str:
        """A stream; in the loop of a decoder its step `at`, or the whole of one that has a single step."""
        if at is not None and name in self._now:
            return self._now[name]
        if name not in self.streams:
            self.streams[name] = self._view(name)
        if at is None or self.spec.streams[name].steps == 1:
            return self.streams[name]
        if (name, at) not in self._parts:
            self._parts[name, at] = self.g.slice(self.streams[name], at, at + 1, 1)
        return self._parts[name, at]

    def _view(self, name: str) -> str:
        """A view reads the entries of another stream, counted step after step."""
        view = self.spec.streams[name]
        assert view.of is not None
        raw = self.streams.get(f"raw {view.of}") if name.startswith("code.") else None  # codes are not scaled
        whole = self._read(view.of) if raw is None else raw
        flat = self.g.shaped(whole, [-1, self.spec.streams[view.of].entries])
        if view.pitch == view.width or view.steps == 1:
            found = self.g.slice(flat, view.first, view.first + view.entries, 1)
        else:
            entries = view.first + np.arange(view.steps)[:, None] * view.pitch + np.arange(view.width)
            found = self.g.gather(flat, entries.reshape(-1).astype(np.int64), 1)
        return self.g.shaped(found, [-1, view.steps, view.width])

    def _own(self, layer: Layer) -> dict[str, Array]:
        """The weights of a layer by their short names, or those of the layer that it is tied to; a table's is ""."""
        owner = layer
        while owner.tied:
            owner = next(other for other in self.spec.layers if other.name == owner.tied)
        names = {name: name.removeprefix(f"{owner.name}.") for name in self._weights}
        own = {short: self._weights[name] for name, short in names.items() if short != name and "." not in short}
        return own | ({"": self._weights[owner.name]} if owner.name in self._weights else {})

    # ---------- layers

    def _layer(self, layer: Layer, at: int | None = None) -> str:
        """The output of a layer that has no states; with `at` its step in the loop of a decoder."""
        g, out, p = self.g, self.spec.streams[layer.output], self._own(layer)
        if layer.kind == "recurrent":
            return self._recurrent(layer, p)
        steps = out.steps if at is None else 1
        if layer.kind.startswith("attention"):
            whole = [self._read(name) for name in layer.inputs[1:]]
            return attention(g, layer.kind, self._read(layer.inputs[0], at), whole[0], whole[-1], p)
        x = [self._read(name, at) for name in (*layer.inputs, *([layer.added] if layer.added else []))]
        widths = [self.spec.streams[name].width for name in layer.inputs]
        if layer.kind == "dense":
            return dense(g, layer, x, p, widths, (steps, out.width), self.windows, at)
        if layer.kind == "concat":
            x_steps = [1 if at is not None else self.spec.streams[name].steps for name in layer.inputs]
            return concat(g, x, x_steps, steps)
        if layer.kind == "mlstm":
            return mlstm(g, layer, x, out.steps, out.width, self.windows)
        if layer.kind in ("lookup", "embedding"):
            return (
                lookup(g, layer, self._series(), p[""]) if layer.kind == "lookup" else embedding(g, layer, x[0], p[""])
            )
        if layer.kind in ("cycle_off", "cycle_on"):
            return self._cycle(layer, x[0], p[""])
        return {"dropout": lambda: x[0], "sum": lambda: g.add(*x), "norm": lambda: norm(g, x[0], p)}[layer.kind]()

    def _recurrent(self, layer: Layer, p: dict[str, Array]) -> str:
        start = self._last[layer.start] if layer.start else None
        steps = self.spec.streams[layer.output].steps
        x = [self._read(name) for name in layer.inputs]
        if self.spec.streams[layer.inputs[0]].steps != steps:
            x[0] = self.g.expand(x[0], [1, steps, 1])
        h, self._last[layer.name] = over_steps(self.g, layer, x, steps, p, start, self.windows)
        return h

    def _series(self) -> str:
        return self.ends.ask("series", np.int64)

    def _cycle(self, layer: Layer, x: str, table: Array) -> str:
        a, phase = self.network.architecture, self.ends.ask("phase", np.int64)
        series = self._series() if a.cycle_rows > 1 else None
        if layer.kind == "cycle_off":
            return off_the_past(self.g, a, x, phase, series, table)
        return self.g.add(x, of_outputs(self.g, a, self.network.cycle_ratio, phase, series, table))

    # ---------- a decoder that reads its own forecasts

    def _fed_back(self, feed: Layer, layers: tuple[Layer, ...]) -> str:
        """The output of the last layer, step by step: every step reads the forecast of the one before."""
        g, a = self.g, self.network.architecture
        scale, shift = (part.reshape(-1, 1, 1, a.columns) for part in self.network.fed)
        states = {layer.name: self._last[layer.start] for layer in layers if layer.kind == "recurrent"}
        outputs: list[str] = []
        for at in range(a.output_steps):
            g.scope = f"step {at}"
            if at == 0:
                self._now = {feed.output: self._read(feed.inputs[0])}
            else:
                fed = np.arange(a.columns, dtype=np.int64) * a.levels + feed.level
                z = g.gather(outputs[-1], fed, 2)
                factor, term = (part[at - 1].astype(self.g.real) for part in (scale, shift))
                self._now = {feed.output: g.add(g.mul(z, factor), term)}
            for layer in layers:
                if layer.kind == "recurrent":
                    x, p = self._read(layer.inputs[0], at), self._own(layer)
                    states[layer.name] = one_step(g, layer, x, p, states[layer.name])
                    h = states[layer.name][0]
                    self._now[layer.output] = g.op("Unsqueeze", h, np.array([1], np.int64))
                else:
                    self._now[layer.output] = self._layer(layer, at)
            outputs.append(self._now[layers[-1].output])
        return g.concat(outputs, 1)
