"""Random networks with their windows, for the core and the oracle alike: the one place where tests make networks."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import reference

from forecast import _core
from forecast._network import compiled
from forecast._network.architecture import Architecture
from forecast._network.spec import spec_of

ISAS = _core.config()["isa_found"]
DTYPES = ("float32", "float64")
CELLS = sorted(_core.CELLS)
LOSSES = sorted(_core.LOSSES)
LOSS_PARAMETERS = {"huber": (0.7,), "quantile": (0.1, 0.5, 0.8), "cross_entropy": (0.5, 1.0, 2.5, 0.7)}


def largest_difference(actual, expected, at_least=0.0):
    """The greatest difference, divided by the greatest absolute entry of `expected` (or `at_least`)."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape
    if expected.size == 0:
        return 0.0
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), at_least, np.finfo(float).tiny))


@dataclass(frozen=True)
class Network(reference.Network):
    """The oracle of a network that an architecture describes."""

    architecture: Architecture

    def with_dropout(self, rate):
        return network_of(replace(self.architecture, dropout=rate))


def network_of(architecture):
    return Network(spec_of(architecture), architecture)


def stacked(cell, steps, inputs, hidden, layers, targets, extra=0, loss="squared_error", loss_parameters=(), **rest):
    """Equal layers of one cell and a dense head on the last state; `rest` are further fields of `Architecture`."""
    sizes = dict(steps=steps, inputs=inputs, hidden=hidden, layers=layers, targets=targets, extra=extra)
    return network_of(Architecture(cell, "float64", **sizes, loss=loss, loss_parameters=loss_parameters, **rest))


@dataclass(frozen=True)
class Case:
    """One network, its weights and its windows."""

    network: Network
    theta: np.ndarray
    arguments: dict  # of Source
    index: np.ndarray

    def batch(self, index=None):
        limit = self.network.architecture.input_clip
        index = self.index if index is None else index
        return reference.gather(index, **self.arguments, limit=limit)

    def source(self):
        return _core.Source(**self.arguments)

    def core(self, dtype="float64", isa=None, dropout=None):
        """The compiled network; `dropout` in place of the rate that it was drawn with."""
        network = self.network if dropout is None else self.network.with_dropout(dropout)
        limit = self.network.architecture.input_clip
        return compiled(network.spec, dtype, isa, **({} if limit is None else {"clip": limit}))

    def gradient(self, dtype="float64", isa=None, dropout=None, **arguments):
        theta = self.theta.astype(dtype)
        return self.core(dtype, isa, dropout).gradient(theta, self.source(), self.index, **arguments)

    def with_arguments(self, **arguments):
        return replace(self, arguments=self.arguments | arguments)


def as_targets(values, loss, rng):
    """Values that a loss is made for, in place: positive ones, counts, or numbers of classes."""
    kind = _core.LOSSES[loss]["target"]
    if kind == "labels":
        values[...] = np.floor(np.abs(values) * 1000) % len(LOSS_PARAMETERS[loss])
    if kind == "positive":
        values[...] = rng.gamma(2.0, size=values.shape) + 0.1
    if kind == "counts":
        values[...] = rng.poisson(4.0, values.shape)
    return values


def draw_theta(network, rng):
    """Orthogonal recurrences; for many steps open gates and small weights too, so that gradients live through them."""
    theta, many = rng.normal(size=network.n_parameters) * 0.3, network.steps > 10
    for name, view in network.views(theta).items():
        if ".R_" in name:
            view[...] = np.linalg.qr(rng.normal(size=view.shape))[0] * (1.0 if "rnn" in network.cell else 0.5)
        elif many and name.endswith(("b_f", "b_z")):  # the gates that carry the state
            view[...] += 3.0
        elif name.endswith("decay_w"):  # unit 0 never decays, unit 1 over the long steps, the others always
            view[...] = [-0.3, 1.0, *rng.uniform(0.1, 0.5, size=len(view) - 2)]
        elif name.endswith("decay_b"):
            view[...] = [-0.1, -0.7, *rng.uniform(0.05, 0.1, size=len(view) - 2)]
        elif view.ndim == 2:
            view[...] = rng.normal(size=view.shape) / np.sqrt(view.shape[1])
        if many and network.cell == "minlstm" and name.endswith("b_i"):  # the other half of what carries the state
            view -= 3.0
        if many and network.cell == "rnn_tanh" and name.endswith(("W_h", "b_h")):
            view *= 0.05  # a saturated tanh carries no gradient
    return theta


def draw_case(
    cell,
    rng,
    *,
    steps=5,
    batch=7,
    inputs=3,
    hidden=5,
    layers=1,
    targets=2,
    extra=0,
    loss="squared_error",
    missing=0.0,
    weighted=False,
    windows=None,
):
    """Windows that do not overlap, so that each has its own past; `missing` is the share of unobserved targets."""
    windows = windows or batch
    parameters = LOSS_PARAMETERS.get(loss, ())
    network = stacked(cell, steps, inputs, hidden, layers, targets, extra, loss, parameters)
    target = as_targets(rng.normal(size=(windows, targets)), loss, rng)
    target[rng.random(size=target.shape) < missing] = np.nan
    arguments = dict(
        past=rng.normal(size=(windows * steps, inputs)),
        lookback=steps,
        past_stride=steps,
        target=target,
        horizon=1,
    )
    if extra:
        arguments["extra"] = rng.normal(size=(windows, extra))
    if _core.LOSSES[loss]["target"] == "counts":
        arguments["target_scale"] = rng.uniform(1.0, 5.0, size=targets)
    if weighted:
        arguments["weight"] = rng.uniform(0.2, 3.0, size=windows)
    return Case(network, draw_theta(network, rng), arguments, rng.permutation(windows)[:batch])


def draw_away_from_kinks(cell, seed, margin, **shape):
    """The first of the seeds seed, seed + 1000, ... whose case has every kink at least `margin` away."""
    for attempt in range(200):
        case = draw_case(cell, np.random.default_rng(seed + 1000 * attempt), **shape)
        if case.network.distance_from_kinks(case.theta, case.batch()) >= margin:
            return case
    raise AssertionError(f"no case of {cell} with kinks {margin} away within 200 draws: {shape}")


# -------------------- families: every option alone, and some together

SERIES, CYCLE = 4, 5
SEGRNN = dict(segment=3, decoder="segments", decoder_tied=True, cell="gru")
FAMILIES = {  # fields of Architecture; those not named are the defaults of `draw_family`
    "stacked": {},
    "segment": dict(segment=3),
    "segment identity": dict(segment=3, segment_activation="identity"),
    "bidirectional": dict(bidirectional=True),
    "bidirectional 2": dict(bidirectional=True, layers=2),
    "residual over segments": dict(residual=True, segment=3, layers=2),
    "norm": dict(layer_norm=True, layers=2),
    "norm, residual, dilation": dict(
        layer_norm=True, residual=True, layers=3, bidirectional=True, dilation=(1, 4, 2), cell="lstm"
    ),
    "dilation": dict(dilation=(2, 1), layers=2),
    "segments after dilation": SEGRNN | dict(dilation=(1, 2), layers=2, hidden=6, cell="lstm"),
    "every step": dict(return_sequences=True, horizon=2, columns=2),
    "every step, everything": dict(
        return_sequences=True, horizon=3, layers=3, residual=True, layer_norm=True, dilation=(1, 2, 1), static=2,
        static_levels=(0, 5), series=SERIES, series_size=2, inputs=3, past_levels=(0, 0, 4), cell="lstm",
    ),
    "skip linear": dict(skip="linear"),
    "skip linear of some channels": dict(skip="linear", inputs=4, columns=2),
    "skip linear-all": dict(skip="linear-all"),
    "decay": dict(cell="gru_decay", inputs=3, elapsed=1),
    "decay, everything": dict(
        cell="gru_decay", inputs=4, elapsed=3, layers=2, bidirectional=True, layer_norm=True, residual=True,
        decoder="recurrent", attention="additive", future=1, static=1,
    ),
    "decay at every step": dict(cell="gru_decay", inputs=2, elapsed=1, layers=2, return_sequences=True, horizon=2),
    "segments": dict(segment=3, decoder="segments"),
    "segments over the horizon": dict(segment=3, decoder="segments", horizon=4, columns=2),
    "segments tied": dict(segment=3, decoder="segments", decoder_tied=True),
    "segments with known future": dict(segment=3, decoder="segments", future=2, static=1),
    "segments of one step": dict(decoder="segments", future=1),
    "steps": dict(decoder="steps"),
    "steps with known future": dict(decoder="steps", future=2, static=1),
    "recurrent": dict(decoder="recurrent"),
    "recurrent over the known future": dict(decoder="recurrent", future=2, static=1, columns=2, inputs=3),
    "recurrent, everything": dict(
        decoder="recurrent", segment=3, bidirectional=True, layers=2, skip="linear-all", future=2, static=2,
        future_size=2, series=SERIES, series_size=2, columns=2, cell="lstm",
    ),
    "attention": dict(attention="dot"),
    "attention, additive": dict(attention="additive", bidirectional=True, layers=2),
    "attention of segments": dict(attention="additive", segment=3, decoder="segments", bidirectional=True),
    "attention of steps": dict(attention="dot", decoder="steps", future=1),
    "recurrent with attention": dict(decoder="recurrent", attention="dot", layers=2),
    "recurrent with additive attention": dict(
        decoder="recurrent", attention="additive", bidirectional=True, segment=2, future=1, cell="lstm",
    ),
    "known future": dict(future=2, static=2),
    "known future read": dict(future=2, future_size=3),
    "steps over the future read": dict(decoder="steps", future=1, future_size=2, columns=2),
    "segments over the future read": dict(segment=3, decoder="segments", future=1, future_size=2),
    "series": dict(series=SERIES, series_size=3),
    "cycle": dict(series=SERIES, cycle=CYCLE, cycle_rows=SERIES),
    "cycle shared": dict(cycle=CYCLE, cycle_rows=1, columns=2),
    "categories": dict(inputs=4, past_levels=(0, 3, 0, 7), category_left_out=0.2),
    "categories alone": dict(inputs=2, past_levels=(0, 5), future=1, future_levels=(4,), static=1, static_levels=(6,)),
    "categories of segments": dict(
        segment=3, decoder="segments", inputs=3, past_levels=(0, 4, 0), future=2, future_levels=(3, 0), static=2,
        static_levels=(0, 5), category_left_out=0.1, embedding_size=2,
    ),
    "categories of steps": dict(
        decoder="steps", inputs=3, past_levels=(0, 0, 9), future=2, future_levels=(0, 12), future_size=2, static=1,
        static_levels=(3,), skip="linear", cycle=CYCLE, cycle_rows=1, category_left_out=0.1,
    ),
    "SegRNN": SEGRNN | dict(series=SERIES, series_size=2, hidden=6, inputs=3),
    "SegRNN bidirectional": SEGRNN | dict(bidirectional=True, layers=2, hidden=6, cell="lstm", horizon=5),
    "segments, skip, cycle": SEGRNN | dict(skip="linear", cycle=CYCLE, cycle_rows=1, horizon=5, columns=2, inputs=3),
    "steps, everything": dict(
        segment=3, bidirectional=True, layers=2, decoder="steps", skip="linear-all", future=2, static=2, future_size=2,
        series=SERIES, series_size=2, cycle=CYCLE, cycle_rows=SERIES, columns=2, cell="lstm",
    ),
}  # fmt: skip

VECTORS = {  # the same of an encoder that reads one vector
    "vector": dict(inputs=3),
    "vector, everything": dict(
        inputs=3, layers=2, future=2, static=2, future_size=2, series=SERIES, series_size=2, columns=2, cell="lstm",
    ),
    "vector of categories": dict(
        inputs=3, past_levels=(0, 4, 0), static=2, static_levels=(3, 0), category_left_out=0.1, columns=2,
    ),
    "segments of a vector": dict(inputs=4, decoder="segments", segment=3, horizon=7, columns=2),
    "segments of a vector, everything": dict(
        inputs=2, decoder="segments", segment=3, future=2, static=1, future_size=2, series=SERIES, series_size=2,
        cell="lstm",
    ),
}  # fmt: skip
VECTORS = {name: dict(encoder="dense", decoder="recurrent", steps=1) | fields for name, fields in VECTORS.items()}
FAMILIES_OF_ALL = FAMILIES | VECTORS


def draw_family(name, rng, **sizes):
    """A case of FAMILIES[name]; `sizes` go before its own: fields of Architecture, and those of `draw_network`."""
    return draw_network(rng, **FAMILIES_OF_ALL[name] | sizes)


def draw_network(rng, *, batch=7, windows=None, missing=0.0, weighted=False, seed=None, unknown=0.2, **fields):
    """A network of any fields of `Architecture`, `horizon` and `columns` in place of `targets`, and windows for it.

    Windows do not overlap: each has `lookback` rows of its own and `horizon` rows after them. They are cut into series,
    of which a share `unknown` is in no table. Kinks of dense layers are put where the batch leaves room, with the
    dropout of `seed`.
    """
    fields = dict(cell="gru", steps=7, inputs=2, hidden=5, layers=1, horizon=6, columns=1, decoder_size=6) | fields
    a = fields.setdefault
    T, horizon, columns = fields["steps"], fields["horizon"], fields["columns"]
    fields["segment"] = a("segment", 1) if "encoder" in fields else min(a("segment", 1), T)
    most = max(-(-T // fields["segment"]) - 1, 1)
    fields["dilation"] = tuple(min(steps, most) for steps in a("dilation", ()))
    fields["inputs"] = max(fields["inputs"], columns)
    fields["loss_parameters"] = LOSS_PARAMETERS.get(a("loss", "squared_error"), ())
    extra = horizon * a("future", 0) + a("static", 0)
    targets = horizon * columns * (T if a("return_sequences", False) else 1)
    fields["horizon"] = horizon
    network = network_of(Architecture(dtype="float64", targets=targets, extra=extra, **fields))
    windows = windows or batch
    arguments = _windows_of(network.architecture, windows, rng)
    if weighted:
        arguments["weight"] = rng.uniform(0.2, 3.0, size=windows)
    as_targets(arguments["target"], fields["loss"], rng)
    arguments["target"][rng.random(size=arguments["target"].shape) < missing] = np.nan
    if "series_row" in arguments:
        arguments["series_row"][rng.random(size=windows) < unknown] = -1
    case = Case(network, draw_theta(network, rng), arguments, rng.permutation(windows)[:batch])
    settle_kinks(case, None if seed is None else network.masks(seed, batch))
    return case


def _windows_of(a, windows, rng):
    """Arguments of Source: `lookback` rows and `horizon` rows for each window, one window after the other."""
    block = a.steps + a.horizon_steps
    rows = windows * block
    arguments = dict(
        past=rng.normal(size=(rows, a.inputs)), lookback=a.steps, past_stride=block,
        target=rng.normal(size=(rows, a.columns)), horizon=a.horizon_steps, target_stride=block, target_shift=a.steps,
    )  # fmt: skip
    if a.elapsed is not None:  # short and long steps, none of which puts a decay on its kink
        long = rng.random(size=rows) < 0.3
        arguments["past"][:, a.elapsed] = np.where(long, rng.uniform(1.0, 1.5, rows), rng.uniform(0.1, 0.4, rows))
    if a.return_sequences:
        arguments |= dict(target=rng.normal(size=(rows, a.step_targets)), horizon=a.steps, target_shift=1)
    cuts = np.sort(rng.integers(0, windows + 1, size=SERIES - 1))
    starts = np.concatenate([[0], cuts, [windows]]).astype(np.int64)
    if a.future:
        arguments["future"] = rng.normal(size=(rows, a.future))
    if a.padded_steps > a.steps:
        arguments["padding"] = a.padded_steps - a.steps
    if a.static:
        arguments |= dict(static=rng.normal(size=(SERIES, a.static)), starts=starts * block)
    for role in ("past", "future", "static"):
        for column, levels in enumerate(getattr(a, f"{role}_levels")):
            if levels:  # also codes that fit never saw
                values = arguments[role][:, column]
                values[:] = rng.integers(-1, levels + 1, size=len(values))
    if a.series:
        arguments["series_row"] = np.repeat(np.arange(SERIES), np.diff(starts)).astype(np.int64)
    if a.cycle:
        arguments["phase"] = rng.integers(0, a.cycle, size=windows)
        arguments["cycle_ratio"] = rng.uniform(0.5, 2.0, size=a.targets)
    if a.decoder == "recurrent":
        arguments["fed_scale"] = rng.uniform(0.5, 1.5, size=a.targets)
        arguments["fed_shift"] = rng.normal(size=a.targets) / 3
    return arguments


def settle_kinks(case, masks=None, initial=None):
    """Move the biases of dense layers with kinks, in place, into a gap of their pre-activations.

    So units are on for some windows and steps and off for others, as far from the kink as it can be.
    """
    views = case.network.views(case.theta)
    for layer in case.network.spec.layers:
        if layer.kind == "dense" and layer.activation == "relu":
            _, saved, _ = case.network.run(case.theta, case.batch(), initial, masks)
            bias, a = views[f"{layer.name}.b"], saved[layer.name]
            a = a.transpose(1, 2, 0) if layer.bias == "steps" else a.transpose(2, 0, 1).reshape(a.shape[2], -1)
            for place in np.ndindex(bias.shape):
                bias[place] -= middle_of_gap(np.sort(a[place]))


def middle_of_gap(values):
    """Of the wide gap in ascending values that is nearest to their median; below all of them where there is none."""
    wide = [(n, (before + after) / 2) for n, (before, after) in enumerate(pairwise(values)) if after - before > 0.06]
    _, middle = min(wide, key=lambda gap: abs(gap[0] + 1 - len(values) / 2), default=(0, values[0] - 0.3))
    return middle


def draw_initial(network, rng, batch):
    """First states of every layer that begins with its own: one array where all are of a size, else a list."""
    found = []
    for layer in network.starting:
        cell, hidden = reference.REFERENCE_CELLS[layer.cell], network.spec.streams[layer.output].width
        found.append(cell.first_states(rng.normal(size=(len(cell.states), batch, hidden)) / 3))
    return np.array(found) if len({states.shape for states in found}) == 1 else found
