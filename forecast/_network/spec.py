"""A network as layers over streams: the description that the core computes and that the tests' oracle interprets."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from .._records import record
from .._refusals import Refusal
from .._registries import MATRIX_CELLS
from .categories import has_codes, split
from .unfit import first_residual, refuse_unfit
from .vector import encoded_vector, segments_of_vector, unrolled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .architecture import Architecture

__all__ = ["Layer", "NetworkSpec", "Stream", "spec_of"]


@record(frozen=True)
class Stream:
    """What flows: [step][feature] of every window.

    With `of` it is a view and owns no memory: its entry (s, j) is entry first + s * pitch + j of the stream `of`, whose
    entries are counted step after step.
    """

    steps: int
    width: int
    of: str | None = None
    first: int = 0
    pitch: int = 0  # of a view; for a view of one step any number

    @property
    def entries(self) -> int:
        return self.steps * self.width


@record(frozen=True)
class Layer:
    """One layer: what it reads, what it writes and, by kind, the rest. Its name is the prefix of its weights' names."""

    name: str
    # "recurrent", "mlstm", "dense", "dropout", "concat", "sum", "norm", "lookup", "embedding", "cycle_off", "cycle_on",
    # "feed", "attention_dot" or "attention_additive"
    kind: str
    inputs: tuple[str, ...]  # recurrent: a second one is the time since the step before, with which its states decay
    output: str  # a stream that is not a view, written by this layer alone
    cell: str = ""  # recurrent
    reverse: bool = False  # recurrent, mlstm: from the last step to the first
    start: str = ""  # recurrent: earlier layer of the same cell and width whose last states are the initial ones
    restart: bool = False  # recurrent: every step begins with the initial states
    tied: str = ""  # earlier layer of the same kind and sizes whose weights this one uses
    activation: str = "identity"  # dense: "identity" or "relu"
    bias: str = "one"  # dense: "none", "one" (width,) or "steps" (steps, width)
    dilation: int = 1  # recurrent: steps back to the one whose states a step goes on from
    recurrent_dropout: float = 0.0  # recurrent: share of h that R does not see while training, the same at all steps
    zoneout: float = 0.0  # recurrent: probability of a unit's keeping its states while training
    ragged: bool = False  # recurrent: before a window begins, all units keep their states
    added: str = ""  # dense: stream added before the activation, of one step or as many as the output
    number: int = 0  # dropout, lookup, embedding, recurrent, feed: counter of its random numbers
    rows: int = 0  # lookup, embedding, cycle_off: rows of the table
    rate: float = 0.0  # embedding: share of steps that read the last row while training; 0: no row is for unknown codes
    length: int = 0  # cycle_off, cycle_on: length of the cycle
    channels: int = 0  # cycle_off, cycle_on: target channels
    heads: int = 0  # mlstm: of units; it reads q, k, v and gates [o, i of every head, f of every head]
    level: int = 0  # feed: which of a target's outputs is fed back


@record(frozen=True)
class NetworkSpec:
    """Streams, a view after what it views; layers in order of computation; and what the output is compared with."""

    streams: dict[str, Stream]
    layers: tuple[Layer, ...]
    targets: int  # of a window, horizon-major: k = step * columns + column
    columns: int  # target columns
    loss: str
    loss_parameters: tuple[float, ...]
    dropout: float = 0.0  # rate of all dropout layers
    left_out: float = 0.0  # lookup: probability of reading the unknown row while training

    @property
    def recurrent(self) -> list[Layer]:
        """The recurrent layers, in the order in which the core answers for them."""
        return [layer for layer in self.layers if layer.kind == "recurrent"]

    @property
    def answering(self) -> list[Layer]:
        """The layers that the core's `activity` answers for, in order: recurrent ones, and attention."""
        return [layer for layer in self.layers if layer.kind == "recurrent" or layer.kind.startswith("attention")]

    @property
    def encoder(self) -> list[str]:
        """Names of the recurrent layers that read the past: "0", "0.reverse", "1", ..."""
        return [layer.name for layer in self.recurrent if layer.name.partition(".")[0].isdecimal()]


MOST_JOINED = 4  # inputs of one concat layer
_MASKS = 1 << 16  # numbers of recurrent layers begin here, far behind those of all other layers


@record(frozen=True)
class _Top:
    """The encoder's top layer: its streams, forward and, where there is one, reversed, and its residual connection."""

    states: list[str]
    added: str = ""  # what the layer read, as wide as its streams together; "": nothing is added


@record
class _Draft:
    """A spec being written. A layer's output stream has the layer's name, except for the last: "out"."""

    streams: dict[str, Stream] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)

    def stream(self, name: str, steps: int, width: int) -> str:
        self.streams[name] = Stream(steps, width)
        return name

    def view(self, name: str, of: str, steps: int, width: int, first: int = 0, pitch: int = 0) -> str:
        self.streams[name] = Stream(steps, width, of, first, pitch or width)
        return name

    def layer(
        self, name: str, kind: str, inputs: Sequence[str], steps: int, width: int, output: str = "", **rest: Any
    ) -> str:
        self.layers.append(Layer(name, kind, tuple(inputs), output or name, **rest))
        return self.stream(output or name, steps, width)

    def one_step(self, name: str, step: int) -> str:
        """View of one step of a stream: -1 is the newest."""
        s = self.streams[name]
        return self.view(f"{name}.last", name, 1, s.width, (step % s.steps) * s.width)

    def flat(self, name: str, of: str) -> str:
        return self.view(name, of, 1, self.streams[of].entries)

    def joined(self, name: str, inputs: list[str]) -> str:
        """The streams side by side, in order: one stream as it is, more than a layer takes in several layers."""
        if len(inputs) == 1:
            return inputs[0]
        part = 0
        while len(inputs) > MOST_JOINED:
            inputs = [self._concat(f"{name}.{part}", inputs[:MOST_JOINED]), *inputs[MOST_JOINED:]]
            part += 1
        return self._concat(name, inputs)

    def _concat(self, name: str, inputs: list[str]) -> str:
        parts = [self.streams[i] for i in inputs]
        return self.layer(name, "concat", inputs, max(p.steps for p in parts), sum(p.width for p in parts))

    def dropped(self, a: Architecture, x: str, number: int, name: str) -> str:
        if not a.dropout:
            return x
        return self.layer(name, "dropout", [x], self.streams[x].steps, self.streams[x].width, number=number)

    def width(self, names: Iterable[str]) -> int:
        return sum(self.streams[name].width for name in names)


def spec_of(architecture: Architecture) -> NetworkSpec:
    """Streams and layers of an architecture.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    NetworkSpec

    Raises
    ------
    ValueError
        The architecture's parts do not fit together; the arguments are named.
    """
    a, d = architecture, _Draft()
    refuse_unfit(a)
    past = d.stream("past", max(a.padded_steps, 1), max(a.inputs, 1))  # without a past no layer reads it
    if a.extra:
        d.stream("extra", 1, a.extra)
    x = past
    if a.cycle:
        x = d.layer("cycle", "cycle_off", [past], a.padded_steps, a.inputs, rows=a.cycle_rows, length=a.cycle,
                    channels=a.columns)  # fmt: skip
    top: Any  # the vector's stream, or the states of the stack
    if a.encoder == "dense":
        top = encoded_vector(d, a, [*([_with_vectors(d, a, x)] if a.steps else []), *_static(d, a)])
    else:
        top = _encoder(d, a, _with_vectors(d, a, x))
    known = None
    wants = a.future_size or a.decoder in ("steps", "recurrent") or a.encoder == "dense" or has_codes(a.future_levels)
    if a.future and wants:  # step by step
        known = _known(d, a)
    encoded = _known_future(d, a, known) if known and a.future_size else None
    series = None
    if a.series_size:
        series = d.layer("series.V", "lookup", [], 1, a.series_size, rows=a.series + 1, number=a.layers + 2)
    decode = _at_every_step if a.return_sequences else _DECODERS[a.encoder][a.decoder]
    head = decode(d, a, top, known=known, encoded=encoded, series=series)
    _output(d, a, head, x)
    return NetworkSpec(
        d.streams, tuple(d.layers), a.targets, a.columns, a.loss, tuple(a.loss_parameters), a.dropout,
        a.series_left_out if a.series_size else 0.0,
    )  # fmt: skip


def _with_vectors(d: _Draft, a: Architecture, x: str) -> str:
    """The past with a vector instead of each code."""
    if not has_codes(a.past_levels):
        return x
    return d.joined("past.joined", split(d, a, "past", x, a.padded_steps, 0, a.inputs))


def _known(d: _Draft, a: Architecture) -> str:
    """The known future, (horizon, columns), with a vector instead of each code."""
    if not has_codes(a.future_levels):
        return d.view("known", "extra", a.horizon_steps, a.future, a.own)
    return d.joined("known", split(d, a, "future", "extra", a.horizon_steps, a.own, a.future))


def _encoder(d: _Draft, a: Architecture, x: str) -> _Top:
    """Segments, then the stacked layers, each with its norm and its residual connection.

    As Wu et al. (2016) have it, only what layers have made is added: nothing of the raw past, whatever its width.
    """
    if a.segment > 1:
        view = d.view("segments", x, a.encoder_steps, a.segment * d.streams[x].width)
        x = d.layer("segment", "dense", [view], a.encoder_steps, a.hidden, activation=a.segment_activation)
    elapsed = None
    if a.elapsed is not None:
        elapsed = d.view("elapsed", "past", a.encoder_steps, 1, a.elapsed, a.inputs)
    directions = ("", ".reverse") if a.bidirectional else ("",)
    for n in range(a.layers):
        added = x if a.residual and n >= first_residual(a) else ""
        if a.layer_norm and n:
            x = d.layer(f"{n}.norm", "norm", [x], a.encoder_steps, d.streams[x].width)
        outputs = [
            _recurrent(d, a, f"{n}{way}", x, a.encoder_steps, a.hidden, bool(way), _stacked(a, n, bool(way)), elapsed)
            for way in directions
        ]
        if n + 1 < a.layers:
            x = d.dropped(a, d.joined(f"{n}.both", outputs), n, f"{n}.dropout")
            if added:
                x = d.layer(f"{n}.sum", "sum", [x, added], a.encoder_steps, d.streams[x].width)
    return _Top(outputs, added)


def _masks(a: Architecture, number: int) -> dict[str, Any]:
    if not a.recurrent_dropout and not a.zoneout:
        return {}
    return {"recurrent_dropout": a.recurrent_dropout, "zoneout": a.zoneout, "number": _MASKS + number}


def _stacked(a: Architecture, n: int, reverse: bool) -> dict[str, Any]:
    """What a layer of the stack has besides its cell."""
    return {"dilation": a.dilations[n], "ragged": a.ragged, **_masks(a, 2 * n + reverse)}


def _recurrent(
    d: _Draft,
    a: Architecture,
    name: str,
    x: str,
    steps: int,
    width: int,
    reverse: bool,
    stacked: dict[str, Any] | None = None,
    elapsed: str | None = None,
) -> str:
    """A layer of the architecture's cell; a matrix memory reads its x through dense layers."""
    if a.cell not in MATRIX_CELLS:
        inputs = [x] if elapsed is None else [x, elapsed]
        return d.layer(name, "recurrent", inputs, steps, width, cell=a.core_cell, reverse=reverse, **(stacked or {}))
    widths = {"q": width, "k": width, "v": width, "gates": width + 2 * a.heads}
    inputs = [d.layer(f"{name}.{part}", "dense", [x], steps, size) for part, size in widths.items()]
    return d.layer(name, a.cell, inputs, steps, width, reverse=reverse, heads=a.heads)


def _last(d: _Draft, a: Architecture, top: _Top) -> str:
    """The last states as one stream, after dropout; the reversed layer computes the oldest step last."""
    ends = [d.one_step(stream, step) for stream, step in zip(top.states, (-1, 0), strict=False)]
    last = d.dropped(a, d.joined("last", ends), a.layers - 1, f"{a.layers - 1}.dropout")
    return _with_residual(d, a, top, last, range(len(ends)))


def _last_of_reversed(d: _Draft, a: Architecture, top: _Top) -> str:
    """For decoders that go on from the forward layers' states."""
    last = d.dropped(a, d.one_step(top.states[1], 0), a.layers - 1, f"{a.layers - 1}.dropout")
    return _with_residual(d, a, top, last, [1])


def _with_residual(d: _Draft, a: Architecture, top: _Top, last: str, ways: Iterable[int]) -> str:
    """The last states of some directions (0 forward, 1 reversed) with what the top layer read at their steps added."""
    if not top.added:
        return last
    steps, width = a.encoder_steps, d.streams[top.added].width
    first = ((steps - 1) * width, a.hidden)  # each direction has its half of the features, at its own last step
    ends = [d.view(f"residual.{way}", top.added, 1, a.hidden, first[way]) for way in ways]
    return d.layer(f"{a.layers - 1}.sum", "sum", [last, d.joined("residual", ends)], 1, d.streams[last].width)


def _known_future(d: _Draft, a: Architecture, known: str) -> str:
    """The known future read in both directions, (horizon, 2 * future_size)."""
    ways = [
        _recurrent(d, a, f"future{way}", known, a.horizon_steps, a.future_size, bool(way)) for way in ("", ".reverse")
    ]
    return d.joined("future.both", ways)


def _static(d: _Draft, a: Architecture) -> list[str]:
    if has_codes(a.static_levels):
        return split(d, a, "static", "extra", 1, a.extra - a.static, a.static)
    return [d.view("static", "extra", 1, a.static, a.extra - a.static)] if a.static else []


def _further(d: _Draft, a: Architecture, known: str | None) -> list[str]:
    """What the dense decoder reads next to the last states: a window's own inputs, known future, static values."""
    if not (has_codes(a.future_levels) or has_codes(a.static_levels)):
        return ["extra"] if a.extra else []
    own = [d.view("own", "extra", 1, a.own)] if a.own else []
    ahead = []
    if known and has_codes(a.future_levels):
        ahead = [d.flat("known.flat", known)]
    elif a.future:
        ahead = [d.view("known.flat", "extra", 1, a.horizon_steps * a.future, a.own)]
    return [*own, *ahead, *_static(d, a)]


def _newest(d: _Draft, a: Architecture) -> list[str]:
    """The newest row of the past."""
    first = (a.padded_steps - 1) * a.inputs
    if not has_codes(a.past_levels):
        return [d.view("newest", "past", 1, a.inputs, first)]
    ends = []
    for name, stream in list(d.streams.items()):
        kind, _, column = name.rpartition(".")
        if kind == "embedding.past":
            ends.append(d.one_step(name, -1))
        elif kind == "numbers.past":
            ends.append(d.view(f"newest.{column}", "past", 1, stream.width, first + int(column)))
    return ends


def _dense(
    d: _Draft, a: Architecture, top: _Top, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """Head on the last states and everything else: (1, targets * levels)."""
    rest = _further(d, a, known)
    rest += [d.flat("future.flat", encoded)] if encoded else []
    rest += [series] if series else []
    last = _last(d, a, top)
    rest += _of_last(d, a, top)
    return [last, d.joined("rest", rest)] if rest else [last]


def _at_every_step(
    d: _Draft, a: Architecture, top: _Top, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """The dense decoder's head, on the states of every step: (steps, targets of a step * levels)."""
    rest = [*_static(d, a), *([series] if series else [])]
    states = d.dropped(a, d.joined("states", top.states), a.layers - 1, f"{a.layers - 1}.dropout")
    if top.added:
        states = d.layer(f"{a.layers - 1}.sum", "sum", [states, top.added], a.steps, d.streams[states].width)
    return [states, d.joined("rest", rest)] if rest else [states]


def _segments(
    d: _Draft, a: Architecture, top: _Top, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """SegRNN's decoder: one step of the cell for each segment of the horizon, each from the encoder's last states."""
    w, count, encoder = a.segment, a.output_steps, top.states[0]
    further = [series] if series else []
    further += _static(d, a)
    if known and has_codes(a.future_levels):
        further.append(d.view("known.segments", known, count, w * d.streams[known].width))
    elif a.future:
        further.append(d.view("known.segments", "extra", count, w * a.future, a.own))
    if encoded:
        further.append(d.view("future.segments", encoded, count, w * 2 * a.future_size))
    if a.bidirectional:  # the forward layer's states go on by `start`
        further.append(_last_of_reversed(d, a, top))
    further += _of_last(d, a, top)
    size = max(a.hidden // 2, 1)
    if a.decoder_tied:
        wanted = d.width(next(layer for layer in d.layers if layer.name == encoder).inputs)
        size = wanted - d.width(further)
        if size < 1:
            raise ValueError(
                Refusal(
                    f"layer {encoder} of the encoder reads {wanted} values a step, but the decoder reads "
                    f"{d.width(further)} and its learned positions need room",
                    where="decoder_tied=True:",
                    advice="Set decoder_tied=False, or a greater hidden_size.",
                )
            )
    positions = d.layer("decoder.positions", "dense", [], count, size, bias="steps")
    x = d.joined("decoder.input", [positions, *further])
    h = d.layer("decoder", "recurrent", [x], count, a.hidden, cell=a.core_cell, start=encoder, restart=True,
                tied=encoder if a.decoder_tied else "")  # fmt: skip
    return [d.dropped(a, h, a.layers + 1, "decoder.dropout")]


def _steps(
    d: _Draft, a: Architecture, top: _Top, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """One hidden layer shared by the steps of the horizon: each reads its own known future, all read one context."""
    further = [*_newest(d, a), *_static(d, a), *([series] if series else []), *_of_last(d, a, top)]
    joined = d.joined("decoder.further", further)
    context = d.layer("decoder.context", "dense", [_last(d, a, top), joined], 1, a.decoder_size, bias="none")
    ahead = [stream for stream in (known, encoded) if stream]
    h = d.layer("decoder", "dense", ahead, a.output_steps, a.decoder_size, activation="relu",
                bias="one" if a.timed else "steps", added=context)  # fmt: skip
    return [d.dropped(a, h, a.layers + 1, "decoder.dropout")]


def _goes_on(
    d: _Draft, a: Architecture, top: _Top, known: str | None, encoded: str | None, series: str | None
) -> list[str]:
    """Layers of the cell from the encoder's last states, a step for each of the horizon: it reads its own known future
    and the forecast of the step before."""
    further = [*([series] if series else []), *_static(d, a)]
    if a.bidirectional:  # the forward layers' states go on by `start`
        further.append(_last_of_reversed(d, a, top))
    further = [d.joined("decoder.further", further)] if further else []
    if a.skip:  # before the loop begins
        _skip(d, a, "past")
    memory = _memory(d, a, top) if a.attention else None
    newest = d.view("newest", "past", 1, a.columns, (a.padded_steps - 1) * a.inputs)
    fed = d.layer("decoder.fed", "feed", [newest], a.output_steps, a.columns, number=a.layers + 3, level=a.median)
    x = d.joined("decoder.input", [*(stream for stream in (known, encoded) if stream), fed, *further])
    for n in range(a.layers):
        x = d.layer(f"decoder.{n}", "recurrent", [x], a.output_steps, a.hidden, cell=a.core_cell, start=str(n))
        state = x
        x = d.dropped(a, x, a.layers + (4 + n if n + 1 < a.layers else 1), f"decoder.{n}.dropout")
    return [x, _attention(d, a, state, memory)] if memory else [x]


def _memory(d: _Draft, a: Architecture, top: _Top) -> list[str]:
    """What attention looks at: the keys, if they are not the values, and the states of the top layers at every step."""
    values = d.joined("memory", top.states)
    if a.attention == "dot":
        return [values]
    return [d.layer("attention.key", "dense", [values], a.encoder_steps, a.hidden), values]


def _attention(d: _Draft, a: Architecture, asked: str, memory: list[str]) -> str:
    """The context at every step of the stream that asks."""
    steps, width = d.streams[asked].steps, d.streams[memory[-1]].width
    if a.attention == "additive":
        asked = d.layer("attention.query", "dense", [asked], steps, a.hidden, bias="none")
    return d.layer("attention", f"attention_{a.attention}", [asked, *memory], steps, width)


def _of_last(d: _Draft, a: Architecture, top: _Top) -> list[str]:
    """The context of the newest state of the top layer, for the decoders that do not ask at every step."""
    if not a.attention:
        return []
    name = f"{top.states[0]}.last"
    asked = name if name in d.streams else d.one_step(top.states[0], -1)
    return [_attention(d, a, asked, _memory(d, a, top))]


def _output(d: _Draft, a: Architecture, inputs: list[str], x: str) -> None:
    """Head, with the straight line past the network added to it, and the cycle put back on."""
    steps, width = a.output_steps, a.output_width
    added = ""
    if a.skip:
        added = "skip" if "skip" in d.streams else _skip(d, a, x)
        if steps > 1:
            added = d.view("skip.steps", added, steps, width)
    head = d.layer("head", "dense", inputs, steps, width, output="head" if a.cycle else "out", added=added)
    if a.cycle:
        d.layer("cycle.on", "cycle_on", [head], steps, width, output="out", tied="cycle", length=a.cycle,
                channels=a.columns)  # fmt: skip


def _skip(d: _Draft, a: Architecture, x: str) -> str:
    return d.layer("skip", "dense", [_line(d, a, x)], 1, a.output_steps * a.output_width, bias="none")


def _line(d: _Draft, a: Architecture, x: str) -> str:
    """What the skip reads: the window's own steps, without padding, as one step."""
    oldest = (a.padded_steps - a.steps) * a.inputs
    if a.skip == "linear-all" or a.inputs == a.columns:
        return d.view("skip.past", x, 1, a.steps * a.inputs, oldest)
    own = d.view("skip.channels", x, a.steps, a.columns, oldest, a.inputs)
    return d.flat("skip.past", d._concat("skip.targets", [own]))


_DECODERS: dict[str, dict[str, Callable[..., list[str]]]] = {
    "recurrent": {"dense": _dense, "segments": _segments, "steps": _steps, "recurrent": _goes_on},
    "dense": {"segments": segments_of_vector, "recurrent": unrolled},
}
