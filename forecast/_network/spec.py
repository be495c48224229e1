"""A network as layers over streams: the description that the core computes and that the tests' oracle interprets."""

from dataclasses import dataclass, field

from .._registries import CELLS, MATRIX_CELLS
from .categories import has_codes, refuse_codes, split

__all__ = ["Layer", "NetworkSpec", "Stream", "spec_of"]


@dataclass(frozen=True)
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
    def entries(self):
        return self.steps * self.width


@dataclass(frozen=True)
class Layer:
    """One layer: what it reads, what it writes and, by kind, the rest. Its name is the prefix of its weights' names."""

    name: str
    # "recurrent", "mlstm", "dense", "dropout", "concat", "sum", "norm", "lookup", "embedding", "cycle_off", "cycle_on"
    kind: str
    inputs: tuple[str, ...]
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
    added: str = ""  # dense: stream added before the activation, of one step or as many as the output
    number: int = 0  # dropout, lookup, embedding, recurrent: counter of its random numbers
    rows: int = 0  # lookup, embedding, cycle_off: rows of the table
    rate: float = 0.0  # embedding: share of steps that read the last row while training; 0: no row is for unknown codes
    length: int = 0  # cycle_off, cycle_on: length of the cycle
    channels: int = 0  # cycle_off, cycle_on: target channels
    heads: int = 0  # mlstm: of units; it reads q, k, v and gates [o, i of every head, f of every head]


@dataclass(frozen=True)
class NetworkSpec:
    """Streams, a view after what it views; layers in order of computation; and what the output is compared with."""

    streams: dict[str, Stream]
    layers: tuple[Layer, ...]
    targets: int  # of a window, horizon-major: k = step * columns + column
    columns: int  # target columns
    loss: str
    loss_parameters: tuple
    dropout: float = 0.0  # rate of all dropout layers
    left_out: float = 0.0  # lookup: probability of reading the unknown row while training

    @property
    def recurrent(self):
        """The recurrent layers, in the order in which the core answers for them."""
        return [layer for layer in self.layers if layer.kind == "recurrent"]

    @property
    def encoder(self):
        """Names of the recurrent layers that read the past: "0", "0.reverse", "1", ..."""
        return [layer.name for layer in self.recurrent if layer.name.partition(".")[0].isdecimal()]


MOST_JOINED = 4  # inputs of one concat layer
_MASKS = 1 << 16  # numbers of recurrent layers begin here, far behind those of all other layers


@dataclass(frozen=True)
class _Top:
    """The encoder's top layer: its streams, forward and, where there is one, reversed, and its residual connection."""

    states: list
    added: str = ""  # what the layer read, as wide as its streams together; "": nothing is added


@dataclass
class _Draft:
    """A spec being written. A layer's output stream has the layer's name, except for the last: "out"."""

    streams: dict = field(default_factory=dict)
    layers: list = field(default_factory=list)

    def stream(self, name, steps, width):
        self.streams[name] = Stream(steps, width)
        return name

    def view(self, name, of, steps, width, first=0, pitch=0):
        self.streams[name] = Stream(steps, width, of, first, pitch or width)
        return name

    def layer(self, name, kind, inputs, steps, width, output="", **rest):
        self.layers.append(Layer(name, kind, tuple(inputs), output or name, **rest))
        return self.stream(output or name, steps, width)

    def one_step(self, name, step):
        """View of one step of a stream: -1 is the newest."""
        s = self.streams[name]
        return self.view(f"{name}.last", name, 1, s.width, (step % s.steps) * s.width)

    def flat(self, name, of):
        return self.view(name, of, 1, self.streams[of].entries)

    def joined(self, name, inputs):
        """The streams side by side, in order: one stream as it is, more than a layer takes in several layers."""
        if len(inputs) == 1:
            return inputs[0]
        part = 0
        while len(inputs) > MOST_JOINED:
            inputs = [self._concat(f"{name}.{part}", inputs[:MOST_JOINED]), *inputs[MOST_JOINED:]]
            part += 1
        return self._concat(name, inputs)

    def _concat(self, name, inputs):
        parts = [self.streams[i] for i in inputs]
        return self.layer(name, "concat", inputs, max(p.steps for p in parts), sum(p.width for p in parts))

    def width(self, names):
        return sum(self.streams[name].width for name in names)


def spec_of(architecture):
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
    past = d.stream("past", a.padded_steps, a.inputs)
    if a.extra:
        d.stream("extra", 1, a.extra)
    x = past
    if a.cycle:
        x = d.layer("cycle", "cycle_off", [past], a.padded_steps, a.inputs, rows=a.cycle_rows, length=a.cycle,
                    channels=a.columns)  # fmt: skip
    top = _encoder(d, a, _with_vectors(d, a, x))
    known = None  # the known future step by step
    if a.future and (a.future_size or a.decoder == "steps" or has_codes(a.future_levels)):
        known = _known(d, a)
    encoded = _known_future(d, a, known) if a.future_size else None
    series = None
    if a.series_size:
        series = d.layer("series.V", "lookup", [], 1, a.series_size, rows=a.series + 1, number=a.layers + 2)
    decode = {"dense": _dense, "segments": _segments, "steps": _steps}[a.decoder]
    head = decode(d, a, top, known=known, encoded=encoded, series=series)
    _output(d, a, head, x)
    return NetworkSpec(
        d.streams, tuple(d.layers), a.targets, a.columns, a.loss, tuple(a.loss_parameters), a.dropout,
        a.series_left_out if a.series_size else 0.0,
    )  # fmt: skip


def _with_vectors(d, a, x):
    """The past with a vector in the place of each code."""
    if not has_codes(a.past_levels):
        return x
    return d.joined("past.joined", split(d, a, "past", x, a.padded_steps, 0, a.inputs))


def _known(d, a):
    """The known future, (horizon, columns), with a vector in the place of each code."""
    if not has_codes(a.future_levels):
        return d.view("known", "extra", a.horizon_steps, a.future, a.own)
    return d.joined("known", split(d, a, "future", "extra", a.horizon_steps, a.own, a.future))


def _encoder(d, a, x):
    """Segments, then the stacked layers, each with its norm and its residual connection.

    As Wu et al. (2016) have it, only what layers have made is added: nothing of the raw past, whatever its width.
    """
    if a.segment > 1:
        view = d.view("segments", x, a.encoder_steps, a.segment * d.streams[x].width)
        x = d.layer("segment", "dense", [view], a.encoder_steps, a.hidden, activation=a.segment_activation)
    directions = ("", ".reverse") if a.bidirectional else ("",)
    for n in range(a.layers):
        added = x if a.residual and n >= first_residual(a) else ""
        if a.layer_norm and n:
            x = d.layer(f"{n}.norm", "norm", [x], a.encoder_steps, d.streams[x].width)
        outputs = [
            _recurrent(d, a, f"{n}{way}", x, a.encoder_steps, a.hidden, bool(way), _stacked(a, n, bool(way)))
            for way in directions
        ]
        if n + 1 < a.layers:
            x = _dropped(d, a, d.joined(f"{n}.both", outputs), n, f"{n}.dropout")
            if added:
                x = d.layer(f"{n}.sum", "sum", [x, added], a.encoder_steps, d.streams[x].width)
    return _Top(outputs, added)


def _masks(a, number):
    if not a.recurrent_dropout and not a.zoneout:
        return {}
    return {"recurrent_dropout": a.recurrent_dropout, "zoneout": a.zoneout, "number": _MASKS + number}


def first_residual(a):
    """The first layer whose input was made by a layer and is as wide as its output: segments are, of one direction."""
    return 0 if a.segment > 1 and not a.bidirectional else 1


def _stacked(a, n, reverse):
    """What a layer of the stack has besides its cell."""
    return {"dilation": a.dilations[n], **_masks(a, 2 * n + reverse)}


def _recurrent(d, a, name, x, steps, width, reverse, stacked=None):
    """A layer of the architecture's cell; a matrix memory reads its x through dense layers."""
    if a.cell not in MATRIX_CELLS:
        return d.layer(name, "recurrent", [x], steps, width, cell=a.cell, reverse=reverse, **(stacked or {}))
    widths = {"q": width, "k": width, "v": width, "gates": width + 2 * a.heads}
    inputs = [d.layer(f"{name}.{part}", "dense", [x], steps, size) for part, size in widths.items()]
    return d.layer(name, a.cell, inputs, steps, width, reverse=reverse, heads=a.heads)


def _dropped(d, a, x, number, name):
    if not a.dropout:
        return x
    return d.layer(name, "dropout", [x], d.streams[x].steps, d.streams[x].width, number=number)


def _last(d, a, top):
    """The last states as one stream, after dropout; the reversed layer computes the oldest step last."""
    ends = [d.one_step(stream, step) for stream, step in zip(top.states, (-1, 0), strict=False)]
    last = _dropped(d, a, d.joined("last", ends), a.layers - 1, f"{a.layers - 1}.dropout")
    return _with_residual(d, a, top, last, range(len(ends)))


def _with_residual(d, a, top, last, ways):
    """The last states of some directions (0 forward, 1 reversed) with what the top layer read at their steps added."""
    if not top.added:
        return last
    steps, width = a.encoder_steps, d.streams[top.added].width
    first = ((steps - 1) * width, a.hidden)  # each direction has its half of the features, at its own last step
    ends = [d.view(f"residual.{way}", top.added, 1, a.hidden, first[way]) for way in ways]
    return d.layer(f"{a.layers - 1}.sum", "sum", [last, d.joined("residual", ends)], 1, d.streams[last].width)


def _known_future(d, a, known):
    """The known future read in both directions, (horizon, 2 * future_size)."""
    ways = [
        _recurrent(d, a, f"future{way}", known, a.horizon_steps, a.future_size, bool(way)) for way in ("", ".reverse")
    ]
    return d.joined("future.both", ways)


def _static(d, a):
    if has_codes(a.static_levels):
        return split(d, a, "static", "extra", 1, a.extra - a.static, a.static)
    return [d.view("static", "extra", 1, a.static, a.extra - a.static)] if a.static else []


def _beside(d, a, known):
    """What the dense decoder reads next to the last states: a window's own inputs, known future, static values."""
    if not (has_codes(a.future_levels) or has_codes(a.static_levels)):
        return ["extra"] if a.extra else []
    own = [d.view("own", "extra", 1, a.own)] if a.own else []
    ahead = []
    if has_codes(a.future_levels):
        ahead = [d.flat("known.flat", known)]
    elif a.future:
        ahead = [d.view("known.flat", "extra", 1, a.horizon_steps * a.future, a.own)]
    return [*own, *ahead, *_static(d, a)]


def _newest(d, a):
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


def _dense(d, a, top, known, encoded, series):
    """Head on the last states and everything else: (1, targets * levels)."""
    rest = _beside(d, a, known)
    rest += [d.flat("future.flat", encoded)] if encoded else []
    rest += [series] if series else []
    last = _last(d, a, top)
    return [last, d.joined("rest", rest)] if rest else [last]


def _segments(d, a, top, known, encoded, series):
    """SegRNN's decoder: one step of the cell for each segment of the horizon, each from the encoder's last states."""
    w, count, encoder = a.segment, a.output_steps, top.states[0]
    beside = [series] if series else []
    beside += _static(d, a)
    if has_codes(a.future_levels):
        beside.append(d.view("known.segments", known, count, w * d.streams[known].width))
    elif a.future:
        beside.append(d.view("known.segments", "extra", count, w * a.future, a.own))
    if encoded:
        beside.append(d.view("future.segments", encoded, count, w * 2 * a.future_size))
    if a.bidirectional:  # the forward layer's states go on by `start`
        reverse = _dropped(d, a, d.one_step(top.states[1], 0), a.layers - 1, f"{a.layers - 1}.dropout")
        beside.append(_with_residual(d, a, top, reverse, [1]))
    size = max(a.hidden // 2, 1)
    if a.decoder_tied:
        wanted = d.width(next(layer for layer in d.layers if layer.name == encoder).inputs)
        size = wanted - d.width(beside)
        if size < 1:
            raise ValueError(
                f"decoder_tied=True: layer {encoder} of the encoder reads {wanted} values a step, but the decoder "
                f"already reads {d.width(beside)} (series, static values, known future, the reversed layer's state) "
                "and needs room for its learned positions. Set decoder_tied=False, or a greater hidden_size."
            )
    positions = d.layer("decoder.positions", "dense", [], count, size, bias="steps")
    x = d.joined("decoder.input", [positions, *beside])
    h = d.layer("decoder", "recurrent", [x], count, a.hidden, cell=a.cell, start=encoder, restart=True,
                tied=encoder if a.decoder_tied else "")  # fmt: skip
    return [_dropped(d, a, h, a.layers + 1, "decoder.dropout")]


def _steps(d, a, top, known, encoded, series):
    """One hidden layer shared by the steps of the horizon: each reads its own known future, all read one context."""
    beside = d.joined("decoder.beside", [*_newest(d, a), *_static(d, a), *([series] if series else [])])
    context = d.layer("decoder.context", "dense", [_last(d, a, top), beside], 1, a.decoder_size, bias="none")
    ahead = [stream for stream in (known, encoded) if stream]
    h = d.layer("decoder", "dense", ahead, a.output_steps, a.decoder_size, activation="relu", bias="steps",
                added=context)  # fmt: skip
    return [_dropped(d, a, h, a.layers + 1, "decoder.dropout")]


def _output(d, a, inputs, x):
    """Head, with the straight line past the network added to it, and the cycle put back on."""
    steps, width = a.output_steps, a.output_width
    added = ""
    if a.skip:
        line = _line(d, a, x)
        added = d.layer("skip", "dense", [line], 1, steps * width, bias="none")
        if steps > 1:
            added = d.view("skip.steps", added, steps, width)
    name = "head" if a.cycle else "out"
    head = d.layer("head", "dense", inputs, steps, width, output=name, added=added)
    if a.cycle:
        d.layer("cycle.on", "cycle_on", [head], steps, width, output="out", tied="cycle", length=a.cycle,
                channels=a.columns)  # fmt: skip


def _line(d, a, x):
    """What the skip reads: the window's own steps, without padding, as one step."""
    oldest = (a.padded_steps - a.steps) * a.inputs
    if a.skip == "linear-all" or a.inputs == a.columns:
        return d.view("skip.past", x, 1, a.steps * a.inputs, oldest)
    own = d.view("skip.channels", x, a.steps, a.columns, oldest, a.inputs)
    return d.flat("skip.past", d._concat("skip.targets", [own]))


def refuse_unfit(a):
    """Refuse an architecture whose parts do not fit together, by the arguments' names.

    Parameters
    ----------
    a : Architecture

    Raises
    ------
    ValueError
    """
    refuse_codes(a)
    if a.segment > a.steps:
        raise ValueError(f"segment={a.segment}: longer than the lookback of {a.steps} steps.")
    _refuse_unfit_stack(a)
    if a.future_size and not a.future:
        raise ValueError(
            f"future_size={a.future_size}: there is no known future to read. Pass windows with known future columns "
            "(`future_covariates` of make_windows or SeriesForecaster, or `calendar` of SeriesForecaster), or set "
            "future_size=0."
        )
    if a.future_size % a.heads:
        raise ValueError(
            f"future_size={a.future_size}: expected a multiple of heads={a.heads}, which cut its units as well."
        )
    if a.cell in MATRIX_CELLS and a.decoder == "segments":
        raise ValueError(
            f"decoder='segments' begins with the last states of the encoder, and cell={a.cell!r} has a matrix that it "
            "cannot begin with. Set another cell, or decoder='steps' or 'dense'."
        )
    if a.series_size and a.series < 2:
        raise ValueError(
            f"series_size={a.series_size}: a vector for each series needs windows of at least 2 series, got "
            f"{a.series or 'no series'}. Set series_size=0."
        )
    if a.decoder != "dense" and a.own:
        raise ValueError(
            f"decoder={a.decoder!r}: {a.own} of the {a.extra} inputs besides the past belong to no step of the "
            "horizon; y is not (n_windows, horizon * targets) of these windows. Set decoder='dense'."
        )
    if a.decoder == "segments" and a.future and a.horizon_steps % a.segment:
        raise ValueError(
            f"decoder='segments' with known future: the horizon of {a.horizon_steps} steps is not a multiple of "
            f"segment={a.segment}, so the last segment's future is not known. Choose a segment that divides it."
        )
    if a.decoder_tied and a.decoder != "segments":
        raise ValueError(f"decoder_tied=True is for decoder='segments', not {a.decoder!r}.")
    if a.columns > a.inputs and (a.cycle or a.skip == "linear"):
        what = f"cycle={a.cycle}" if a.cycle else "skip='linear'"
        raise ValueError(
            f"{what}: the past of the {a.columns} targets must be among the channels, got {a.inputs} channels."
        )


def _refuse_unfit_stack(a):
    """What concerns the stacked layers alone."""
    if 1 not in a.dilations:
        raise ValueError(
            f"dilation={a.dilation}: no layer has 1, so a forecast would never read some steps of the past. Give at "
            "least one layer the dilation 1, such as (1, 2, 4)."
        )
    if max(a.dilations) >= max(a.encoder_steps, 2):
        what = "steps" if a.segment == 1 else f"segments of {a.segment} steps"
        raise ValueError(
            f"dilation={a.dilation}: the layers have {a.encoder_steps} {what}, so with a dilation of "
            f"{max(a.dilations)} one would never go on from a state. Lower the dilation, or lengthen the lookback."
        )
    _refuse_unfit_cell(a)
    if a.layer_norm and a.layers < 2:
        raise ValueError(
            "layer_norm=True: it normalises what one recurrent layer hands to the next, but num_layers=1. Set "
            "num_layers=2 or more, or layer_norm=False."
        )
    # A segment decoder goes on from the states of the top forward layer, to which nothing is added.
    least = first_residual(a) + 1 + (a.decoder == "segments" and not a.bidirectional)
    if a.residual and a.layers < least:
        raise ValueError(
            f"residual=True: with segment={a.segment}, bidirectional={a.bidirectional} and decoder={a.decoder!r} there "
            f"is a layer to add the input of from num_layers={least} on, but num_layers={a.layers}. Set "
            f"num_layers={least} or more, or residual=False."
        )


def _refuse_unfit_cell(a):
    """What is done to states that are vectors, and what a cell cannot do."""
    if a.cell in MATRIX_CELLS:
        given = {"dilation": max(a.dilations) > 1, "recurrent_dropout": a.recurrent_dropout, "zoneout": a.zoneout}
        for name, is_given in given.items():
            if is_given:
                raise ValueError(
                    f"{name}={getattr(a, name)}: the state of cell={a.cell!r} is a matrix, and {name} is for states "
                    f"that are vectors. Set another cell, or leave {name} out."
                )
        return
    cell = CELLS[a.cell]
    if a.recurrent_dropout and cell["state"][0] == cell["state"][1]:
        raise ValueError(
            f"recurrent_dropout={a.recurrent_dropout}: cell={a.cell_word!r} multiplies its states by no matrix, so "
            "there is nothing to drop. Set recurrent_dropout=0, or use zoneout."
        )
    if a.zoneout and "m" in cell["states"]:
        raise ValueError(
            f"zoneout={a.zoneout}: the states of cell={a.cell_word!r} are stored relative to a running maximum, so a "
            "mean of two of them means nothing. Set zoneout=0, or use recurrent_dropout."
        )
