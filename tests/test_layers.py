"""Networks of several kinds of layers: the core against the oracle and against slopes of its own loss.

Every family of `cases.FAMILIES` alone in all sizes, then options together, every pair of them at least once.
"""

from itertools import combinations, product

import numpy as np
import pytest
import reference
import tolerances
from cases import (
    DTYPES,
    FAMILIES,
    ISAS,
    SERIES,
    Case,
    draw_family,
    draw_initial,
    draw_network,
    largest_difference,
    settle_kinks,
)
from slopes import assert_slopes, differences_from, faulty_oracle, named, own_arrays, source_tensors

from forecast import _core

STEPS, BATCHES = (1, 2, 17, 64), (1, 3, 33)
WINDOW_STEPS = 6  # up to this many windows times steps, slopes along all coordinates
CODED = ("categories", "categories of segments", "categories of steps")
every_family = pytest.mark.parametrize("family", FAMILIES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)


def with_initial(case, seed=None):
    """The case, its kinks settled for the first states that come with it."""
    initial = draw_initial(case.network, np.random.default_rng(1), len(case.index))
    masks = None if seed is None else case.network.masks(seed, len(case.index))
    settle_kinks(case, masks, initial)
    nearest = case.network.distance_from_kinks(case.theta, case.batch(), initial, masks)
    assert nearest >= tolerances.KINK_MARGIN
    return case, initial


def assert_gradient(case, initial, seed=None, isa=None, every=False, coordinates=2):
    """Against the oracle, and slopes of the core's own loss along weights, first states and the source's rows."""
    n, network, theta = case.network, case.core(isa=isa), case.theta.copy()
    arguments = own_arrays(case.arguments)
    source = _core.Source(**arguments)

    def evaluate():
        return network.gradient(theta, source, case.index, initial=initial, seed=seed)

    result = evaluate()
    masks = None if seed is None else n.masks(seed, len(case.index))
    expected = n.gradient(theta, case.batch(), initial, masks)
    wrong = differences_from(expected, result, n)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong
    assert result["loss"] == pytest.approx(expected["loss"], rel=tolerances.ORACLE_OUTPUTS["float64"])
    tensors = n.views(theta) | {f"initial of {layer.name}": initial[i] for i, layer in enumerate(n.starting)}
    gradients = named(n, result)
    for name, (rows, gradient) in source_tensors(case, arguments, result).items():
        tensors[name], gradients[name] = rows, gradient
    assert_slopes(lambda: evaluate()["loss"], tensors, gradients, np.random.default_rng(0), every, coordinates)


# -------------------- each option alone


LONG = ("bidirectional 2", "norm, residual, dilation", "recurrent, everything")  # many weights: over 64 steps slow
SLOW_SIZES = {(17, 1), (64, 1), (64, 3)}  # steps and batch; (17, 3) and (64, 33) are quick enough, as are fewer steps


def sizes():
    """Families, steps and batches; one after the other they take minutes."""
    for family, steps, batch in product(FAMILIES, STEPS, BATCHES):
        slow = (steps, batch) in SLOW_SIZES or (family in LONG and steps == max(STEPS))
        yield pytest.param(family, steps, batch, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("family", "steps", "batch"), list(sizes()))
def test_gradients_of_every_family_are_the_oracles_and_slopes(family, steps, batch):
    rng = np.random.default_rng(100 * steps + batch)
    case, initial = with_initial(draw_family(family, rng, steps=steps, batch=batch, weighted=True))
    assert_gradient(case, initial, every=steps * batch <= WINDOW_STEPS)


@every_isa
@every_family
def test_gradients_of_every_family_are_the_oracles_under_every_instruction_set(family, isa):
    rng = np.random.default_rng(2)
    case = draw_family(family, rng, steps=9, batch=37, hidden=13, missing=0.3, weighted=True)
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(isa=isa), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


@pytest.mark.parametrize("family", ["stacked", "bidirectional 2", "segments", "steps", "SegRNN bidirectional", *CODED])
def test_gradients_with_dropout_are_the_oracles_and_slopes(family):
    """A mask belongs to a window, a unit, a time and a layer: the oracle draws the same."""
    case = draw_family(family, np.random.default_rng(3), steps=8, batch=5, dropout=0.3, windows=9)
    case, initial = with_initial(case, seed=11)
    assert_gradient(case, initial, seed=11)


def test_gradients_under_a_limit_of_the_inputs_are_the_oracles():
    case = draw_family("segment", np.random.default_rng(4), steps=7, batch=9, input_clip=0.8)
    assert (np.abs(case.arguments["past"]) > 0.8).any()
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


@every_family
def test_gradients_with_anchors_and_scales_are_those_of_the_scaled_windows(family):
    rng = np.random.default_rng(5)
    case = draw_family(family, rng, steps=8, batch=9)
    a = case.network.architecture
    scales = {}
    for of, width in (("past", a.inputs), ("target", a.targets), ("extra", a.extra)):
        if width:
            scales |= {f"{of}_mean": rng.normal(size=width), f"{of}_scale": rng.uniform(0.5, 2.0, size=width)}
    anchor = np.full(a.inputs, 3, dtype=np.int32)
    of = np.arange(case.arguments["target"].shape[1], dtype=np.int32) % a.columns
    case = case.with_arguments(anchor=anchor, target_anchor=of, **scales)
    settle_kinks(case)
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


# -------------------- options together

OPTIONS = {
    "cell": ("lstm", "gru", "rnn_tanh"),
    "layers": (1, 2),
    "segment": (1, 3),
    "bidirectional": (False, True),
    "residual": (False, True),
    "layer_norm": (False, True),
    "dilation": ((), (1, 2)),
    "recurrent_dropout": (0.0, 0.3),
    "zoneout": (0.0, 0.2),
    "decoder": ("dense", "segments", "tied segments", "steps", "recurrent"),
    "attention": (None, "dot", "additive"),
    "skip": (None, "linear", "linear-all"),
    "future": (0, 2),
    "future_size": (0, 2),
    "static": (0, 1),
    "series_size": (0, 2),
    "cycle": ("none", "shared", "of each series"),
    "columns": (1, 2),
    "loss": ("squared_error", "quantile"),
    "dropout": (0.0, 0.3),
}
HORIZON, HIDDEN, SEED = 6, 24, 5


def fits(row):
    """Whether the options go together: no future is read where none is known, a tied decoder has room for positions."""
    if row["future_size"] and not row["future"]:
        return False
    one_way = not row["bidirectional"]
    goes_on = row["decoder"].endswith("segments") or row["decoder"] == "recurrent"
    if row["layers"] < (2 if row["layer_norm"] or row["dilation"] else 1):
        return False
    if row["residual"] and row["layers"] < 2 - (one_way and row["segment"] > 1) + (one_way and goes_on):
        return False
    if row["attention"] and (row["decoder"] == "tied segments" or (row["attention"] == "dot" and row["bidirectional"])):
        return False
    if row["decoder"] == "recurrent" and row["cycle"] != "none":
        return False
    if row["decoder"] != "tied segments":
        return True
    read = row["series_size"] + row["static"] + row["segment"] * (row["future"] + 2 * row["future_size"])
    if row["layers"] == 2:
        return (HIDDEN if row["bidirectional"] else 0) + read < HIDDEN * (1 + row["bidirectional"])
    return row["segment"] > 1 and not row["bidirectional"] and read < HIDDEN


def pairs_of(row):
    return set(combinations(sorted(row.items()), 2))


def possible_pairs():
    """Of values of two options each that go together: a future that is not known cannot be read, for one."""
    found = set()
    for one, other in combinations(sorted(OPTIONS), 2):
        found |= set(product(((one, value) for value in OPTIONS[one]), ((other, value) for value in OPTIONS[other])))
    never = {
        (("future", 0), ("future_size", 2)),
        (("layer_norm", True), ("layers", 1)),
        (("dilation", (1, 2)), ("layers", 1)),
        (("attention", "dot"), ("bidirectional", True)),
        *((("attention", kind), ("decoder", "tied segments")) for kind in ("dot", "additive")),
        *((("cycle", kind), ("decoder", "recurrent")) for kind in ("shared", "of each series")),
    }
    return found - never


def covering_rows(rng):
    """Rows of options in which every possible pair of values is together at least once."""

    def draw_row():
        while not fits(row := {name: values[rng.integers(len(values))] for name, values in OPTIONS.items()}):
            pass
        return row

    rows, missing = [], possible_pairs()
    while missing:
        rows.append(max((draw_row() for _ in range(40)), key=lambda row: len(pairs_of(row) & missing)))
        missing -= pairs_of(rows[-1])
    return rows


def fields_of(row):
    """The fields of `Architecture`."""
    fields = dict(row)
    if row["decoder"] == "tied segments":
        fields |= dict(decoder="segments", decoder_tied=True)
    rows = {"none": 0, "shared": 1, "of each series": SERIES}[row["cycle"]]
    return fields | dict(cycle=5 if rows else 0, cycle_rows=rows, series=SERIES, inputs=3, series_left_out=0.0)


PAIRS = covering_rows(np.random.default_rng(6))


def assert_row(row, seed, steps, batch):
    if row["dilation"] and -(-steps // row["segment"]) <= max(row["dilation"]):
        row = row | {"dilation": ()}  # no step would go on from another one
    case = draw_network(
        np.random.default_rng(seed), **fields_of(row), horizon=HORIZON, hidden=HIDDEN, steps=steps, batch=batch
    )
    seed = SEED if row["dropout"] or row["recurrent_dropout"] or row["zoneout"] else None
    masks = None if seed is None else case.network.masks(seed, batch)
    initial = draw_initial(case.network, np.random.default_rng(1), batch)
    settle_kinks(case, masks, initial)
    if case.network.distance_from_kinks(case.theta, case.batch(), initial, masks) < tolerances.KINK_MARGIN:
        target = case.arguments["target"]  # a kink of the pinball: the targets are moved off it
        target += np.where(np.random.default_rng(2).random(size=target.shape) < 0.5, -6.0, 6.0)
    assert case.network.distance_from_kinks(case.theta, case.batch(), initial, masks) >= tolerances.KINK_MARGIN
    assert_gradient(case, initial, seed=seed, coordinates=0)


def test_every_pair_of_options_is_drawn():
    assert set().union(*(pairs_of(row) for row in PAIRS)) == possible_pairs()
    assert all(fits(row) for row in PAIRS)


@pytest.mark.parametrize("row", PAIRS, ids=range(len(PAIRS)))
def test_gradients_of_pairs_of_options_are_the_oracles_and_slopes(row):
    """Over 8 steps, so that segments of 3 need padding."""
    assert_row(row, 8, steps=8, batch=5)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("steps", [3, 17])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_more_options_together_are_the_oracles_and_slopes(seed, steps, batch):
    for number, row in enumerate(covering_rows(np.random.default_rng(7 + seed))):
        assert_row(row, 100 + number, steps, batch)


# -------------------- both ways, threads, precisions


@every_dtype
@every_isa
@every_family
def test_forecasts_have_the_same_bits_in_lanes_in_units_and_in_any_batch(family, isa, dtype):
    case = draw_family(family, np.random.default_rng(9), steps=8, batch=33)
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    lanes, units = (network.predict(theta, source, case.index, path=path) for path in ("lanes", "units"))
    assert lanes.dtype == dtype
    assert lanes.tobytes() == units.tobytes()
    assert lanes.tobytes() == network.gradient(theta, source, case.index)["outputs"].tobytes()
    single = np.concatenate([network.predict(theta, source, case.index[i : i + 1]) for i in range(33)])
    assert single.tobytes() == lanes.tobytes()
    assert network.predict(network.pack(theta), source, case.index).tobytes() == lanes.tobytes()


def trained(case, dtype, **arguments):
    """Weights and losses after 10 batches."""
    network, theta = case.core(dtype), case.theta.astype(dtype)
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters, weight_decay=0.01)
    size = -(-len(case.index) // 10)
    rates = np.linspace(0.02, 0.01, 10)
    result = network.train(theta, optimizer, case.source(), case.index, size, rates=rates, seed=3, **arguments)
    assert result["finite"]
    assert optimizer.steps == 10
    return theta, result["losses"], optimizer.first


@every_dtype
@every_family
def test_training_is_the_oracles_in_both_ways_and_the_same_on_two_threads(family, dtype):
    rates = dict(series_left_out=0.0, category_left_out=0.0)
    case = draw_family(family, np.random.default_rng(10), steps=8, batch=200, weighted=True, **rates)
    start = case.theta.astype(dtype).astype(float)
    batches = [case.batch(case.index[i : i + 20]) for i in range(0, 200, 20)]
    right, losses, _, state = case.network.train(start, "adam", batches, np.linspace(0.02, 0.01, 10), weight_decay=0.01)
    for path in ("lanes", "units"):
        one, two = (trained(case, dtype, path=path, threads=threads) for threads in (1, 2))
        for a, b in zip(one, two, strict=True):
            assert a.tobytes() == b.tobytes(), path
        bound = tolerances.ORACLE_STEPS[dtype]
        assert largest_difference(one[0], right) <= bound, path
        assert largest_difference(one[1], losses) <= bound, path
        if dtype == "float64":
            assert largest_difference(one[2], state["first"]) <= bound, path


@every_dtype
@pytest.mark.parametrize("family", ["bidirectional 2", "SegRNN", "steps, everything"])
def test_training_with_dropout_and_series_left_out_has_the_same_bits_on_two_threads(family, dtype):
    case = draw_family(family, np.random.default_rng(11), steps=8, batch=900, dropout=0.3, series_left_out=0.3)
    for path in ("lanes", "units"):
        one, two = (trained(case, dtype, path=path, threads=threads) for threads in (1, 2))
        assert [part.tobytes() for part in one] == [part.tobytes() for part in two]


@every_family
def test_float32_follows_float64(family):
    case = draw_family(family, np.random.default_rng(12), steps=8, batch=33, weighted=True, missing=0.2)
    case = Case(case.network, case.theta.astype(np.float32).astype(float), case.arguments, case.index)
    assert case.network.distance_from_kinks(case.theta, case.batch()) >= tolerances.KINK_MARGIN_ROUNDING
    expected, result = case.gradient("float64"), case.gradient("float32")
    wrong = differences_from(expected, result, case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float32"], wrong
    outputs = largest_difference(result["outputs"], expected["outputs"], at_least=1.0)
    assert outputs <= tolerances.ORACLE_OUTPUTS["float32"]


# -------------------- layout, tables, what is not there


@every_family
def test_parameters_are_stored_in_the_documented_order(family):
    case = draw_family(family, np.random.default_rng(13), loss="quantile")
    network = case.core()
    assert [(name, at, tuple(shape)) for name, at, shape in network.layout] == case.network.layout
    assert (network.n_parameters, network.n_outputs) == (case.network.n_parameters, case.network.n_outputs)


def test_series_are_left_out_with_their_probability_and_read_the_unknown_row():
    case = draw_family("series", np.random.default_rng(14), batch=600, unknown=0.0, series_left_out=0.3)
    n, batch = case.network, case.batch()
    result = case.gradient(seed=21)
    known, unknown = (n.forward(case.theta, batch, left_out={"series.V": np.full(600, out)}) for out in (False, True))
    left_out = np.abs(result["outputs"] - unknown).max(axis=1) < 1e-9
    assert ((np.abs(result["outputs"] - known).max(axis=1) < 1e-9) == ~left_out).all()
    assert left_out.mean() == pytest.approx(0.3, abs=0.06), "three standard deviations of 600 draws"
    expected = n.gradient(case.theta, batch, left_out={"series.V": left_out})
    wrong = differences_from(expected, result, n)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong
    assert largest_difference(case.gradient()["outputs"], known) <= 1e-9, "no series is left out without a seed"
    assert (case.gradient(seed=22)["outputs"] != result["outputs"]).any()


@every_dtype
@pytest.mark.parametrize("optimizer", _core.OPTIMIZERS)
@pytest.mark.parametrize(("family", "table"), [("series", "series.V"), ("cycle", "cycle")])
def test_only_rows_that_a_batch_reads_are_stepped(family, table, optimizer, dtype):
    case = draw_family(family, np.random.default_rng(15), batch=60, unknown=0.0, series_left_out=0.0)
    rows = case.batch().row
    order = np.concatenate([case.index[rows == row][:4] for row in (0, 1, 0, 2)])
    assert len(order) == 16
    network, theta, start = case.core(dtype), case.theta.astype(dtype), case.theta.astype(dtype)
    state = _core.Optimizer(optimizer, dtype, network.n_parameters, weight_decay=0.1)
    network.train(theta, state, case.source(), order, 4, rates=np.full(4, 0.05))
    batches = [case.batch(order[i : i + 4]) for i in range(0, 16, 4)]
    right, _, _, moments = case.network.train(start, optimizer, batches, 0.05, weight_decay=0.1)
    views = case.network.views(theta)
    moved = (views[table] != case.network.views(start)[table]).reshape(len(views[table]), -1).any(axis=1)
    assert moved[:4].tolist() == [True, True, True, False]
    assert largest_difference(theta, right) <= tolerances.ORACLE_STEPS[dtype]
    assert largest_difference(state.first, moments["first"], 1e-6) <= 50 * tolerances.ORACLE_STEPS[dtype]


def test_an_unknown_series_has_no_cycle():
    case = draw_family("cycle", np.random.default_rng(16), batch=9, unknown=1.0)
    assert (case.batch().row == -1).all()
    plain = case.core().predict(case.theta, case.source(), case.index)
    theta = case.theta.copy()
    case.network.views(theta)["cycle"][...] += 1.0
    assert case.core().predict(theta, case.source(), case.index).tobytes() == plain.tobytes()
    assert not case.network.views(case.gradient()["theta"])["cycle"].any()


# -------------------- planted faults

FAULTS = {  # what is planted into the oracle: family, fields, the line's words, and what they become
    "not reversed": ("bidirectional", {}, "[:: -1 if layer.reverse else 1]", "[::1]"),
    "start forgotten": ("segments", {}, "run.last[layer.start] if layer.start else", "0.0 * zeros if layer.start else"),
    "h alone handed on": (
        "segments", dict(cell="lstm"), "tuple(run.last[layer.start] if",
        "tuple(run.last[layer.start] * np.eye(2)[0][:, None, None] if",
    ),
    "gradient of the start lost": ("segments", {}, "layer.start, 0.0) + dstart", "layer.start, 0.0) + 0.0 * dstart"),
    "restart ignored": ("segments", {}, "start if layer.restart else states", "states"),
    "restart of the last step alone": (
        "segments", {}, "            dstart += np.array(dstates)", "            dstart = np.array(dstates)",
    ),
    "restart carries on, going back": ("segments", {}, "dstates = [np.zeros_like(d) for d in dstates]", "pass"),
    "tied gradient overwrites": ("segments tied", {}, "d[short] += value", "d[short][...] = value"),
    "no rectifier": ("segment", {}, '(np.maximum(a, 0.0) if layer.activation == "relu" else a), a', "a, a"),
    "kink ignored": ("steps", {}, 'da = dout * (a > 0.0) if layer.activation == "relu" else dout', "da = dout"),
    "one bias for all steps": (
        "steps", {}, 'da.sum(axis=0) if layer.bias == "steps" else', 'da.mean(axis=1) if layer.bias == "?" else',
    ),
    "added is not added": ("steps", {}, "a = a + x[-1]", "a = a + 0.0 * x[-1]"),
    "added at the last step alone, going back": ("steps", {}, "dx.sum(axis=1, keepdims=True) if", "dx[:, -1:] if"),
    "weights of the last step alone": (
        "segment", {}, 'np.einsum("bsn,bsm->nm", da, u)', "da[:, -1].T @ u[:, -1]",
    ),
    "second input has no gradient": (
        "known future", {}, 'parts(da @ p["W"], inputs)',
        'parts(da @ np.where(np.arange(p["W"].shape[1]) < 5, p["W"], 0.0), inputs)',
    ),
    "concat in the wrong order": ("bidirectional", {}, "for part in x], axis=2)", "for part in x[::-1]], axis=2)"),
    "view from its first entry": ("bidirectional", {}, "return view.first +", "return 0 * view.first +"),
    "pitch of a view is its width": (
        "skip linear of some channels", {}, "[:, None] * view.pitch", "[:, None] * view.width",
    ),
    "an unknown series reads the first row": (
        "series", {}, "np.where(row < 0, layer.rows - 1, row)", "np.maximum(row, 0)",
    ),
    "a row's gradient is one window's": (
        "series", {}, "np.add.at(dV, lookup_rows(layer, run), dout[:, 0])", "dV[lookup_rows(layer, run)] = dout[:, 0]",
    ),
    "padding counts in the cycle": (
        "cycle", dict(segment=3), "np.maximum(np.arange(steps) - run.batch.padding, 0)", "np.arange(steps)",
    ),
    "padding behind": (
        "segment", {}, "[np.repeat(x[:, :1], n, axis=1), x]", "[x, np.repeat(x[:, -1:], n, axis=1)]",
    ),
    "padding of zeros": ("segment", {}, "np.repeat(x[:, :1], n", "np.repeat(0.0 * x[:, :1], n"),
    "cycle put on, going back": ("cycle", {}, "places[known]), -dout", "places[known]), dout"),
    "cycle one step late": ("cycle", {}, "lookback + k // run.spec.columns", "lookback + 1 + k // run.spec.columns"),
    "cycle of the wrong column": ("cycle shared", {}, "k % run.spec.columns, lookback", "0 * k, lookback"),
    "levels counted as targets": (
        "cycle", dict(loss="quantile"), "np.arange(entries) // run.levels", "np.arange(entries)",
    ),
    "ratio ignored": ("cycle", {}, 'ratio[k[entry]] * p[""]', '1.0 * p[""]'),
    "ratio ignored, going back": ("cycle", {}, "ratio[k[entry]] * flat", "1.0 * flat"),
    "an unknown series has a cycle": ("cycle", {}, "== 1 else run.row()", "== 1 else np.abs(run.row())"),
    "mask forgotten, going back": ("steps", dict(dropout=0.4), "return [dout * mask], {}", "return [dout], {}"),
    "mask of the oldest step": (
        "stacked", dict(dropout=0.4), "(x.first + np.arange(x.steps) * x.pitch) // x.width if x.of else", "0 *",
    ),
    "mask of another layer": ("steps", dict(dropout=0.4), "x.width, layer.number)", "x.width, 0)"),
    "steps go on from the first run": ("dilation", {}, "states = chains[n % layer.dilation]", "states = chains[0]"),
    "gradient of a run lost": ("dilation", {}, "carries[n % layer.dilation] = dstates", "carries[0] = dstates"),
    "mask of h forgotten, going back": (
        "stacked", dict(dropout=0.1, recurrent_dropout=0.4), "hidden * (da[k] @", "1.0 * (da[k] @",
    ),
    "nothing kept, going back": ("stacked", dict(zoneout=0.3), "past_cell = [kept(t) * d", "past_cell = [0.0 * d"),
    "second summand has no gradient": (
        "residual over segments", {}, "return [dout, dout], {}", "return [dout, 0.0 * dout], {}",
    ),
    "mean of the gradient ignored": ("norm", {}, "e - e.mean(axis=2, keepdims=True)", "e - 0.0"),
    "gain ignored": ("norm", {}, 'return p["g"] * centred', "return centred"),
    "not clipped": ("segment", dict(input_clip=0.5), "np.clip(x, -limit, limit)", "x"),
    "surplus beyond the horizon": (
        "segments over the horizon", {},
        "self.n_outputs]\n        loss, dp", "self.n_outputs + 1][:, 1:]\n        loss, dp",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault):
    family, fields, words, wrong_words = FAULTS[fault]
    faulty = faulty_oracle(words, wrong_words)
    fields = dict(steps=7, batch=8, missing=0.2, weighted=True) | fields
    case = draw_family(family, np.random.default_rng(17), **fields)
    seed = SEED if case.network.architecture.dropout else None
    result = case.gradient(seed=seed)

    def differences(oracle):
        network, limit = oracle.Network(case.network.spec), case.network.architecture.input_clip
        batch = oracle.gather(case.index, **case.arguments, limit=limit)
        expected = network.gradient(case.theta, batch, masks=None if seed is None else network.masks(seed, 8))
        outputs = largest_difference(result["outputs"], expected["outputs"])
        return max(outputs, *differences_from(expected, result, case.network).values())

    assert differences(reference) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert differences(faulty) > 1e3 * tolerances.DIFFERENCES
