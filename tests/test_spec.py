"""Architectures as streams and layers: families as they are described, and every combination sound or refused."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from layouts import layout, n_parameters

from forecast._network import CELLS, LOSSES, Architecture, spec_of, stacked
from forecast._network.initial import draw

SIZES = dict(cell="gru", dtype="float64", steps=10, inputs=3, hidden=4, layers=1, horizon=6, columns=1)


def architecture(**changes):
    a = SIZES | changes
    horizon, columns = a["horizon"], a["columns"]
    a.setdefault("targets", horizon * columns)
    a.setdefault("extra", horizon * a.get("future", 0) + a.get("static", 0))
    if a.get("cycle"):
        a.setdefault("cycle_rows", 1)
    return Architecture(**a)


def layers_of(spec):
    return {layer.name: layer for layer in spec.layers}


def weights_of(spec):
    return {name: shape for name, _, shape in layout(spec, CELLS)}


# -------------------- families, one by one


def test_a_stack_is_what_it_was():
    spec = spec_of(architecture(layers=2, dropout=0.1, static=2))
    kinds = [(layer.name, layer.kind, layer.inputs, layer.output) for layer in spec.layers]
    assert kinds == [
        ("0", "recurrent", ("past",), "0"),
        ("0.dropout", "dropout", ("0",), "0.dropout"),
        ("1", "recurrent", ("0.dropout",), "1"),
        ("1.dropout", "dropout", ("1.last",), "1.dropout"),
        ("head", "dense", ("1.dropout", "extra"), "out"),
    ]
    last = spec.streams["1.last"]
    assert (last.of, last.steps, last.width, last.first) == ("1", 1, 4, 9 * 4)
    assert [layer.number for layer in spec.layers if layer.kind == "dropout"] == [0, 1]


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_the_weights_of_a_stack_stand_where_the_core_puts_them(cell):
    sizes = dict(steps=10, inputs=3, hidden=4, layers=2, targets=6, extra=2, dropout=0.1)
    core = stacked(cell, "float32", **sizes)
    spec = spec_of(Architecture(cell, "float32", **sizes))
    assert [(name, offset, tuple(shape)) for name, offset, shape in core.layout] == layout(spec, CELLS)
    assert core.n_parameters == n_parameters(spec, CELLS)


def test_both_directions_are_joined_forward_first():
    spec = spec_of(architecture(layers=2, bidirectional=True, dropout=0.1))
    layers, streams = layers_of(spec), spec.streams
    assert layers["0.both"].inputs == ("0", "0.reverse")
    assert layers["0.dropout"].inputs == ("0.both",)
    assert layers["1"].inputs == layers["1.reverse"].inputs == ("0.dropout",)
    assert [layers[name].reverse for name in ("0", "0.reverse", "1", "1.reverse")] == [False, True] * 2
    assert (streams["1.last"].first, streams["1.reverse.last"].first) == (9 * 4, 0), "each after its last step"
    assert layers["head"].inputs == ("1.dropout",)
    assert layers["1.dropout"].inputs == ("last",)
    assert weights_of(spec)["1.reverse.W_r"] == (4, 8)
    assert weights_of(spec)["head.W"] == (6, 8)


def test_the_oldest_segment_is_filled_up():
    spec = spec_of(architecture(segment=4))
    streams = spec.streams
    assert (streams["past"].steps, streams["segments"].steps, streams["segments"].width) == (12, 3, 12)
    assert streams["segments"].pitch == 12
    assert layers_of(spec)["segment"].activation == "relu"
    assert weights_of(spec)["segment.W"] == (4, 12)
    assert weights_of(spec)["0.W_r"] == (4, 4)
    assert streams["0.last"].first == 2 * 4


def test_segrnn_shares_the_encoders_weights_and_starts_from_its_states():
    spec = spec_of(
        architecture(segment=4, decoder="segments", decoder_tied=True, horizon=6, hidden=8, series=5, series_size=3)
    )
    decoder = layers_of(spec)["decoder"]
    assert (decoder.start, decoder.restart, decoder.tied) == ("0", True, "0")
    assert weights_of(spec)["decoder.positions.b"] == (2, 8 - 3), "what the series' vector leaves of the width"
    assert weights_of(spec)["series.V"] == (6, 3), "one row more for the unknown series"
    assert list(weights_of(spec))[-1] == "series.V", "tables stand at the end"
    assert not any(name.startswith("decoder.W") for name in weights_of(spec))
    out = spec.streams["out"]
    assert (out.steps, out.width) == (2, 4), "8 steps, of which the last two are ignored"
    assert "0.last" not in spec.streams


def test_segments_with_weights_of_their_own_read_what_there_is():
    spec = spec_of(
        architecture(segment=3, decoder="segments", future=2, static=1, future_size=5, bidirectional=True, series=4,
                     series_size=2, dropout=0.1, layers=2)
    )  # fmt: skip
    layers, streams = layers_of(spec), spec.streams
    assert layers["decoder.input.0"].inputs == ("decoder.positions", "series.V", "static", "known.segments")
    assert layers["decoder.input"].inputs == ("decoder.input.0", "future.segments", "1.dropout")
    assert layers["1.dropout"].inputs == ("1.reverse.last",)
    assert streams["decoder.input"].width == 2 + 2 + 1 + 3 * 2 + 3 * 2 * 5 + 4
    assert (streams["known.segments"].pitch, streams["known.segments"].first) == (6, 0)
    assert (layers["decoder"].start, layers["decoder"].tied) == ("1", "")
    assert layers["decoder.dropout"].number == 3
    assert weights_of(spec)["head.W"] == (3, 4)


def test_steps_read_their_own_future_and_one_context():
    spec = spec_of(architecture(decoder="steps", decoder_size=7, future=2, static=1, future_size=5, columns=2))
    layers, streams = layers_of(spec), spec.streams
    assert layers["decoder"].inputs == ("known", "future.both")
    assert (layers["decoder"].added, layers["decoder"].bias) == ("decoder.context", "steps")
    assert (streams["newest"].of, streams["newest"].first, streams["newest"].width) == ("past", 9 * 3, 3)
    assert weights_of(spec)["decoder.context.W"] == (7, 4 + 3 + 1)
    assert "decoder.context.b" not in weights_of(spec)
    assert weights_of(spec)["decoder.W"] == (7, 2 + 2 * 5)
    assert weights_of(spec)["decoder.b"] == (6, 7)
    assert (streams["out"].steps, streams["out"].width) == (6, 2)
    alone = spec_of(architecture(decoder="steps", decoder_size=7))
    assert layers_of(alone)["decoder"].inputs == ()
    assert weights_of(alone)["decoder.b"] == (6, 7)


def test_the_skip_reads_the_targets_past_and_is_added_to_the_head():
    some, every = (spec_of(architecture(skip=skip, columns=2, segment=4)) for skip in ("linear", "linear-all"))
    own = some.streams["skip.channels"]
    assert (own.of, own.steps, own.width, own.first, own.pitch) == ("past", 10, 2, 2 * 3, 3), "not the padded steps"
    assert weights_of(some)["skip.W"] == (12, 20)
    assert weights_of(every)["skip.W"] == (12, 30)
    assert layers_of(every)["head"].added == "skip"
    assert "skip.b" not in weights_of(some)
    segments = spec_of(architecture(skip="linear-all", segment=4, decoder="segments"))
    assert weights_of(segments)["skip.W"] == (8, 30), "as many as the head, the surplus too"
    assert layers_of(segments)["head"].added == "skip.steps"
    assert (segments.streams["skip.steps"].steps, segments.streams["skip.steps"].width) == (2, 4)


def test_a_cycle_is_taken_off_first_and_put_back_last():
    spec = spec_of(architecture(cycle=7, cycle_rows=5, series=5, decoder="steps", skip="linear-all"))
    first, last = spec.layers[0], spec.layers[-1]
    assert (first.kind, first.inputs, first.rows, first.length, first.channels) == ("cycle_off", ("past",), 5, 7, 1)
    assert (last.kind, last.inputs, last.output, last.tied) == ("cycle_on", ("head",), "out", "cycle")
    assert layers_of(spec)["0"].inputs == ("cycle",)
    assert spec.streams["skip.past"].of == "cycle"
    assert spec.streams["newest"].of == "past", "before the cycle is taken off"
    assert weights_of(spec)["cycle"] == (5, 1, 7)


def test_levels_stand_side_by_side():
    spec = spec_of(architecture(loss="quantile", loss_parameters=(0.1, 0.5, 0.9), columns=2, decoder="steps"))
    assert (spec.streams["out"].steps, spec.streams["out"].width) == (6, 6)


# -------------------- every combination

CHOICES = dict(
    segment=(1, 3, 4, 11),
    bidirectional=(False, True),
    layers=(1, 2),
    skip=(None, "linear", "linear-all"),
    decoder=("dense", "segments", "steps", "recurrent"),
    attention=(None, "dot", "additive"),
    decoder_tied=(False, True),
    future=(0, 2),
    future_size=(0, 2),
    static=(0, 1),
    series=(0, 1, 4),
    series_size=(0, 3),
    cycle=(0, 5),
    dropout=(0.0, 0.1),
    loss_parameters=((), (0.1, 0.5, 0.9)),
    columns=(1, 2, 4),
    hidden=(1, 24),
)


def covering(count=700):
    """Enough combinations that every pair of choices is among them."""
    rng = np.random.default_rng(0)
    found = [{name: values[rng.integers(len(values))] for name, values in CHOICES.items()} for _ in range(count)]
    for (one, ones), (other, others) in itertools.combinations(CHOICES.items(), 2):
        seen = {(row[one], row[other]) for row in found}
        assert len(seen) == len(ones) * len(others)
    return found


def check(spec, levels):
    streams, layers, ready = spec.streams, [], {"past", "extra"}
    read = {spec.layers[-1].output}
    for layer in spec.layers:
        out, inputs = streams[layer.output], [streams[name] for name in layer.inputs]
        for name in (*layer.inputs, *([layer.added] if layer.added else ())):
            assert (streams[name].of or name) in ready, f"{layer.name} reads {name}, which is not computed yet"
            read |= {name, streams[name].of or name}
        read |= {layer.start}  # its states go on without its output
        assert not out.of
        assert layer.output not in ready, "written once"
        ready.add(layer.output)
        check_kind(layer, out, inputs, streams, {each.name: each for each in layers})
        layers.append(layer)
    assert len({layer.name for layer in layers}) == len(layers)
    assert set(streams) <= read, "no stream is made that nothing reads"
    assert {name for name, stream in streams.items() if not stream.of} == ready & set(streams)
    for number, stream in enumerate(streams.values()):
        if stream.of:
            viewed = streams[stream.of]
            assert list(streams).index(stream.of) < number
            assert not viewed.of
            assert 0 <= stream.first
            assert stream.first + (stream.steps - 1) * stream.pitch + stream.width <= viewed.entries
    out = streams["out"]
    assert out.entries >= spec.targets * levels
    numbers = [layer.number for layer in layers if layer.kind in ("dropout", "lookup", "feed")]
    assert len(set(numbers)) == len(numbers), "random numbers of their own"


def check_kind(layer, out, inputs, streams, before):
    widths = sum(stream.width for stream in inputs)
    if layer.kind == "recurrent":
        assert [stream.steps for stream in inputs] == [out.steps]
        for other in filter(None, (layer.start, layer.tied)):
            assert (before[other].kind, before[other].cell) == ("recurrent", layer.cell)
            assert streams[before[other].output].width == out.width
        if layer.tied:
            assert streams[before[layer.tied].inputs[0]].width == widths
        assert not layer.restart or layer.start
    elif layer.kind in ("dense", "concat"):
        assert len(inputs) <= (2 if layer.kind == "dense" else 4)
        assert {stream.steps for stream in inputs} <= {1, out.steps}
        assert layer.kind == "dense" or widths == out.width
        if layer.added:
            assert streams[layer.added].steps in (1, out.steps)
            assert streams[layer.added].width == out.width
    elif layer.kind.startswith("attention"):
        query, key, value = inputs[0], inputs[1], inputs[-1]
        assert (query.steps, key.steps) == (out.steps, value.steps)
        assert (query.width, value.width) == (key.width, out.width)
    elif layer.kind in ("dropout", "cycle_on"):
        assert [(stream.steps, stream.width) for stream in inputs] == [(out.steps, out.width)]


def test_every_combination_is_sound_or_refused_by_name():
    sound, refused = 0, []
    for row in covering():
        a = architecture(**row, loss="quantile" if row["loss_parameters"] else "squared_error")
        try:
            spec = spec_of(a)
        except ValueError as error:
            refused.append(str(error))
            continue
        check(spec, a.levels)
        weights = weights_of(spec)
        assert all(size > 0 for shape in weights.values() for size in shape)
        assert {name.partition(".")[0] for name in weights} >= {"0", "head"}
        sound += 1
    assert sound > 60
    assert len(refused) > 60
    assert [message for message in refused if not any(f"{name}=" in message for name in CHOICES)] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(segment=11), "segment=11: longer than the lookback of 10 steps"),
        (dict(future_size=2), "future_size=2: there is no known future to read.*future_covariates. of make_windows"),
        (dict(series=1, series_size=2), "series_size=2: .* at least 2 series, got 1"),
        (dict(series_size=2), "series_size=2: .* got no series"),
        (dict(decoder="steps", extra=3), "decoder='steps': 3 of the 3 inputs besides the past belong to no step"),
        (dict(decoder="segments", segment=4, future=1), "horizon of 6 steps is not a multiple of segment=4"),
        (dict(decoder_tied=True), "decoder_tied=True is for decoder='segments'"),
        (dict(decoder_tied=True, decoder="segments", segment=3, future=2), "decoder_tied=True: layer 0 of the encoder"),
        (dict(columns=4, skip="linear"), "skip='linear': the past of the 4 targets must be among the channels, got 3"),
        (dict(columns=4, cycle=5), "cycle=5: the past of the 4 targets"),
        (dict(columns=4, decoder="recurrent"), "decoder='recurrent': the past of the 4 targets"),
        (dict(cycle=5, decoder="recurrent"), "decoder='recurrent' with cycle=5: .* true targets"),
        (dict(decoder="recurrent", loss="quantile", loss_parameters=(0.1, 0.9)), "the median, .* quantile=.0.1, 0.9"),
        (dict(decoder="recurrent", extra=3), "decoder='recurrent': 3 of the 3 inputs besides the past"),
        (dict(attention="dot", bidirectional=True), "attention='dot' with bidirectional=True: a state of 4 values"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        spec_of(architecture(**changes))


def test_every_loss_says_how_many_outputs_a_target_has():
    levels = {name: info["outputs"] or 3 for name, info in LOSSES.items()}
    assert {n: architecture(loss=n, loss_parameters=(0.1, 0.5, 0.9)).levels for n in LOSSES} == levels


# -------------------- first weights


def drawn(seed=0, **changes):
    spec = spec_of(architecture(**changes))
    theta = np.zeros(n_parameters(spec, CELLS))
    views = {name: theta[at : at + np.prod(shape)].reshape(shape) for name, at, shape in layout(spec, CELLS)}
    draw(spec, views, np.random.default_rng(seed))
    return views


def test_first_weights_are_drawn_by_kind():
    views = drawn(
        cell="lstm", segment=3, decoder="segments", series=200, series_size=5, cycle=7, skip="linear", horizon=60,
        hidden=60, bidirectional=True,
    )  # fmt: skip
    for name, view in views.items():
        kind = name.rpartition(".")[2]
        if name in ("cycle", "skip.W"):
            assert not view.any(), name
        elif name in ("series.V", "decoder.positions.b"):
            assert view.std() == pytest.approx(0.1, rel=0.1), name
        elif kind.startswith("R_"):
            np.testing.assert_allclose(view @ view.T, np.eye(60), atol=1e-12)
        elif kind.startswith("W"):
            assert 0.9 < np.abs(view).max() / np.sqrt(6.0 / sum(view.shape)) <= 1.0, name
        else:
            assert np.all(view == (1.0 if kind == "b_f" else 0.0)), name


def test_a_stack_draws_what_it_drew_before():
    """Layer by layer: every W, every R, and then the head, from one generator."""
    rng, views = np.random.default_rng(3), drawn(seed=3, layers=2, static=2)
    for name, view in views.items():
        kind = name.rpartition(".")[2][0]
        if kind == "W":
            limit = np.sqrt(6.0 / sum(view.shape))
            assert np.array_equal(view, rng.uniform(-limit, limit, view.shape)), name
        elif kind == "R":
            q, r = np.linalg.qr(rng.standard_normal(view.shape))
            assert np.array_equal(view, q * np.sign(np.diag(r))), name


def test_learned_positions_of_the_step_decoder_begin_with_zeros():
    views = drawn(decoder="steps", decoder_size=7)
    assert not views["decoder.b"].any()
    assert views["decoder.context.W"].any()


def test_a_cell_that_owns_more_than_rows_begins_with_zeros_there():
    """Such as peepholes: what is neither W, R nor b is left as it is, unless its header says otherwise."""
    spec = spec_of(architecture(cell="lstm_peephole"))
    views = {"0.p_i": np.zeros(4), "head.W": np.zeros((6, 4))}
    draw(SimpleNamespace(layers=spec.layers), views, np.random.default_rng(0))
    assert not views["0.p_i"].any()
    assert views["head.W"].any()
