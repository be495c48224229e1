"""The one oracle: an interpreter of a description of a network, in plain float64 NumPy, to be read like the equations.

Shape letters: T steps, B batch, I inputs, H hidden, L layers, S states, K targets, Q outputs per target, E extra.
Windows are rows here, a stream is (B, steps, width). A prefix d is the derivative of the loss. The formulas of cells,
losses and optimisers are in `reference_formulas`, the layers in `reference_layers`, windows in `reference_gather`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from reference_formulas import REFERENCE_CELLS, REFERENCE_LOSSES, REFERENCE_OPTIMIZERS, clip
from reference_gather import Batch, gather
from reference_layers import REFERENCE_LAYERS, Run
from reference_random import dropout_mask, hidden_mask, kept_mask, mixed, taught_steps

__all__ = [
    "REFERENCE_CELLS",
    "REFERENCE_LAYERS",
    "REFERENCE_LOSSES",
    "REFERENCE_OPTIMIZERS",
    "Batch",
    "Network",
    "clip",
    "gather",
    "step",
]


def step(optimizer, theta, g, state, rate, moved, **constants):
    """The optimiser's step of those entries of theta that are `moved`; the others keep their value and their moments.

    Steps are counted for all alike, also in the correction of Adam's bias.
    """
    before = dict(state)
    state["steps"] += 1
    theta = np.where(moved, REFERENCE_OPTIMIZERS[optimizer](theta, g, state, rate, **constants), theta)
    for name in ("first", "second"):
        state[name] = np.where(moved, state[name], before[name])
    return theta


class Streams:
    """The values of all streams, or the gradients of all: a view reads from the stream that it views, or adds to it."""

    def __init__(self, spec, B):
        self.spec, self.B, self.values = spec, B, {}

    def _places(self, name):
        """(steps, width): the entries of the viewed stream, counted step after step."""
        view = self.spec.streams[name]
        return view.first + np.arange(view.steps)[:, None] * view.pitch + np.arange(view.width)

    def read(self, name):
        stream = self.spec.streams[name]
        if stream.of:
            return self.read(stream.of).reshape(self.B, -1)[:, self._places(name)]
        return self.values.get(name, np.zeros((self.B, stream.steps, stream.width)))

    def add(self, name, d):
        stream = self.spec.streams[name]
        if stream.of:
            viewed = self.spec.streams[stream.of]
            whole = np.zeros((self.B, viewed.steps * viewed.width))
            np.add.at(whole, (slice(None), self._places(name)), d)
            self.add(stream.of, whole.reshape(self.B, viewed.steps, viewed.width))
        else:
            self.values[name] = self.read(name) + d


@dataclass(frozen=True)
class Network:
    """`spec` is a `NetworkSpec`. Dropout masks, windows whose series is left out and first states come from outside.

    masks: name of a dropout layer -> (B, steps, width), already divided by 1 - rate; absent: nothing is dropped; of an
    embedding -> (B, steps) bool, where it reads the row of unknown codes.
    left_out: name of a lookup layer -> (B,) bool.
    initial: first states (S, B, H) of every recurrent layer without `start`, in order; None: zeros.
    """

    spec: Any

    # ---------- sizes, as tests ask for them

    @property
    def recurrent(self):
        return [layer for layer in self.spec.layers if layer.kind == "recurrent"]

    @property
    def starting(self):
        """Recurrent layers that begin with states of their own."""
        return [layer for layer in self.recurrent if not layer.start]

    @property
    def cell(self):
        return self.recurrent[0].cell if self.recurrent else ""

    @property
    def layers(self):
        return len(self.recurrent)

    @property
    def hidden(self):
        return self.spec.streams[self.recurrent[0].output].width

    @property
    def steps(self):
        return self.spec.streams["past"].steps

    @property
    def inputs(self):
        return self.spec.streams["past"].width

    @property
    def extra(self):
        return self.spec.streams["extra"].width if "extra" in self.spec.streams else 0

    @property
    def targets(self):
        return self.spec.targets

    @property
    def levels(self):
        return REFERENCE_LOSSES[self.spec.loss].outputs or len(self.spec.loss_parameters)

    @property
    def n_outputs(self):
        return self.targets * self.levels

    # ---------- weights

    def _own(self, layer):
        """[(name, shape)] of the layer's own weights; a tied one has none."""
        if layer.tied:
            return []
        streams = self.spec.streams
        output = streams[layer.output]
        widths = [streams[name].width for name in layer.inputs]
        shapes = REFERENCE_LAYERS[layer.kind].weights(layer, widths, (output.steps, output.width))
        return [(f"{layer.name}.{short}" if short else layer.name, shape) for short, shape in shapes]

    @property
    def layout(self):
        """(name, offset, shape) in storage order: the layers', then the tables."""
        table = {kind: REFERENCE_LAYERS[kind].table for kind in REFERENCE_LAYERS}
        shapes = [own for layer in self.spec.layers if not table[layer.kind] for own in self._own(layer)]
        shapes += [own for layer in self.spec.layers if table[layer.kind] for own in self._own(layer)]
        offsets = np.cumsum([0] + [int(np.prod(shape)) for _, shape in shapes]).tolist()
        return [(name, offset, shape) for (name, shape), offset in zip(shapes, offsets[:-1], strict=True)]

    @property
    def n_parameters(self):
        _, offset, shape = self.layout[-1]
        return offset + int(np.prod(shape))

    def views(self, theta):
        """Name -> that part of theta."""
        return {name: theta[at : at + int(np.prod(shape))].reshape(shape) for name, at, shape in self.layout}

    def _weights(self, layer, views):
        """Short name -> weight: the layer's own, or those of the layer that it is tied to."""
        owner = layer
        while owner.tied:
            owner = next(other for other in self.spec.layers if other.name == owner.tied)
        prefix = f"{owner.name}."
        return {"" if name == owner.name else name.removeprefix(prefix): views[name] for name, _ in self._own(owner)}

    def masks(self, seed, B):
        """The masks of all layers that have some and of embeddings, as the core draws them for a batch."""
        found = {}
        for layer in self.spec.layers:
            if layer.kind == "dropout":
                x = self.spec.streams[layer.inputs[0]]
                # A view of the last step keeps that step's time.
                times = (x.first + np.arange(x.steps) * x.pitch) // x.width if x.of else np.arange(x.steps)
                found[layer.name] = dropout_mask(mixed(seed), self.spec.dropout, B, times, x.width, layer.number)
            elif layer.kind == "embedding" and layer.rate:
                steps = np.arange(self.spec.streams[layer.output].steps)
                found[layer.name] = dropout_mask(mixed(seed), layer.rate, B, steps, 1, layer.number)[:, :, 0] == 0.0
            elif layer.recurrent_dropout or layer.zoneout:
                out, of = self.spec.streams[layer.output], layer.number
                found[f"{layer.name}.hidden"] = hidden_mask(mixed(seed), layer.recurrent_dropout, B, out.width, of)
                found[f"{layer.name}.kept"] = kept_mask(mixed(seed), layer.zoneout, B, out.steps, out.width, of)
        return found

    def taught(self, seed, probability, B):
        """(B, steps) bool: where the decoder reads true targets, as the core draws it for a batch."""
        feed = self.spec.layers[self._loop]
        return taught_steps(mixed(seed), probability, B, self.spec.streams[feed.output].steps, feed.number)

    # ---------- forward, loss, backward

    @property
    def _loop(self):
        """Number of the layer that feeds outputs back, where a loop to the end begins; without one, of layers."""
        kinds = [layer.kind for layer in self.spec.layers]
        return kinds.index("feed") if "feed" in kinds else len(kinds)

    def _passes(self):
        """A pass over the layers of a loop makes one step more of it right, in the order of time or back."""
        return self.spec.streams["out"].steps if self._loop < len(self.spec.layers) else 0

    def run(self, theta, batch, initial=None, masks=None, left_out=None, taught=False):
        """The streams, what each layer saved for its way back, and the run itself."""
        views, B = self.views(np.asarray(theta, dtype=float)), len(batch.weight)
        run = Run(self.spec, self.levels, batch, masks=masks or {}, left_out=left_out or {})
        if initial is not None:
            run.initial = {layer.name: start for layer, start in zip(self.starting, initial, strict=True)}
        streams, saved = Streams(self.spec, B), {}
        streams.values["past"] = batch.past
        if self.extra:
            streams.values["extra"] = batch.extra[:, None]
        run.taught, run.outputs = taught, streams.read("out")

        def forward(layers):
            for layer in layers:
                x, kind = [streams.read(name) for name in self._reads(layer)], REFERENCE_LAYERS[layer.kind]
                p = self._weights(layer, views)
                streams.values[layer.output], saved[layer.name] = kind.forward(layer, x, p, run)

        forward(self.spec.layers[: self._loop])
        for _ in range(self._passes()):
            forward(self.spec.layers[self._loop :])
            run.outputs = streams.read("out")
        return streams, saved, run

    @staticmethod
    def _reads(layer):
        return [*layer.inputs, *([layer.added] if layer.added else [])]

    def forward(self, theta, batch, initial=None, masks=None, left_out=None):
        """Outputs (B, K * Q)."""
        streams, _, _ = self.run(theta, batch, initial, masks, left_out)
        return streams.read("out").reshape(len(batch.weight), -1)[:, : self.n_outputs]

    def loss_and_derivative(self, outputs, batch):
        """Mean over windows and observed targets, weighted by window; and its derivative by the outputs."""
        loss, B = REFERENCE_LOSSES[self.spec.loss], len(outputs)
        p = outputs.reshape(B, self.targets, self.levels)
        seen = ~np.isnan(batch.target)[:, :, None]
        y = np.where(seen, batch.target[:, :, None], 0.0)
        weight = np.broadcast_to(batch.weight[:, None, None] * seen, p.shape) / self.levels
        total = weight.sum()
        if total == 0.0:
            return 0.0, np.zeros_like(outputs)
        parameters = self.spec.loss_parameters
        if loss.target == "counts":
            parameters = np.broadcast_to(batch.scale, (self.targets,))[None, :, None]
        value = (weight * loss.value(p, y, parameters)).sum() / total
        derivative = weight * loss.derivative(p, y, parameters) / total
        return float(value), derivative.reshape(B, -1)

    def gradient(self, theta, batch, initial=None, masks=None, left_out=None, taught=False):
        """Everything that the core's `gradient` returns, under the same names."""
        streams, saved, run = self.run(theta, batch, initial, masks, left_out, taught)
        out, B = streams.read("out"), len(batch.weight)
        outputs = out.reshape(B, -1)[:, : self.n_outputs]
        loss, dp = self.loss_and_derivative(outputs, batch)
        dout = np.zeros((B, out[0].size))
        dout[:, : self.n_outputs] = dp
        dout, views = dout.reshape(out.shape), self.views(np.asarray(theta, dtype=float))

        def backward(layers, dstreams, dtheta):
            dviews = self.views(dtheta)
            for layer in reversed(layers):
                x = [streams.read(name) for name in self._reads(layer)]
                kind, p, d = REFERENCE_LAYERS[layer.kind], self._weights(layer, views), self._weights(layer, dviews)
                dx, dweights = kind.backward(layer, x, p, run, saved[layer.name], dstreams.read(layer.output))
                for short, value in dweights.items():
                    d[short] += value
                for name, value in zip(self._reads(layer), dx, strict=True):
                    dstreams.add(name, value)

        for _ in range(max(1, self._passes())):
            dstreams, dtheta, run.dlast = Streams(self.spec, B), np.zeros(self.n_parameters), {}
            dstreams.add("out", dout + run.doutputs)
            backward(self.spec.layers[self._loop :], dstreams, dtheta)
        backward(self.spec.layers[: self._loop], dstreams, dtheta)
        dinitial = [run.dinitial[layer.name] for layer in self.starting]
        alike = len({d.shape for d in dinitial}) == 1
        return {
            "loss": loss,
            "outputs": outputs,
            "theta": dtheta,
            "past": dstreams.read("past"),
            "extra": dstreams.read("extra")[:, 0] if self.extra else np.zeros((B, 0)),
            "initial": np.array(dinitial) if alike else dinitial,
        }

    def distance_from_kinks(self, theta, batch, initial=None, masks=None, left_out=None):
        """How far the nearest pre-activation and the nearest observed target are from a kink of layers and loss."""
        streams, saved, _ = self.run(theta, batch, initial, masks, left_out)
        nearest = min(REFERENCE_LAYERS[layer.kind].kink(layer, saved[layer.name]) for layer in self.spec.layers)
        p = streams.read("out").reshape(len(batch.weight), -1)[:, : self.n_outputs]
        p = p.reshape(len(p), self.targets, self.levels)
        seen = ~np.isnan(batch.target)[:, :, None]
        y = np.where(seen, batch.target[:, :, None], 0.0)
        distance = REFERENCE_LOSSES[self.spec.loss].kink(p, y, self.spec.loss_parameters)
        return float(min(nearest, np.where(seen, distance, np.inf).min(initial=np.inf)))

    # ---------- training

    def stepped(self, batch, left_out=None):
        """(n_parameters,) bool: what a step on this batch moves. Of a table only the rows that a window reads."""
        moved = np.ones(self.n_parameters, dtype=bool)
        views, run = self.views(moved), Run(self.spec, self.levels, batch, left_out=left_out or {})
        for layer in self.spec.layers:
            kind = REFERENCE_LAYERS[layer.kind]
            if kind.table and not layer.tied:
                read = kind.rows_read(layer, run)
                views[layer.name][np.setdiff1d(np.arange(layer.rows), read)] = False
        return moved

    def train(self, theta, optimizer, batches, rate, clip_norm=None, clip_value=None, **constants):
        """One step per batch from fresh optimiser state -> theta, losses, norms before clipping, state.

        `rate` is a number or one for each batch.
        """
        theta = np.array(theta, dtype=float)
        state = {"steps": 0, "first": np.zeros_like(theta), "second": np.zeros_like(theta)}
        losses, norms = [], []
        for batch, step_rate in zip(batches, np.broadcast_to(rate, len(batches)), strict=True):
            result, moved = self.gradient(theta, batch), self.stepped(batch)
            g = result["theta"]
            losses.append(result["loss"])
            norms.append(np.sqrt((g**2).sum()))
            theta = step(optimizer, theta, clip(g, clip_norm, clip_value), state, step_rate, moved, **constants)
        return theta, np.array(losses), np.array(norms), state
