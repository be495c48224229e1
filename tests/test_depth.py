"""Dilated layers, recurrent dropout and zoneout, residual connections and norms: what is true of them by themselves.

The gradients of each, alone and in pairs with all other options, are in `test_layers.py`.
"""

from dataclasses import replace

import numpy as np
import pytest
import tolerances
from cases import CELLS, DTYPES, ISAS, draw_case, draw_network, largest_difference
from slopes import differences_from
from small_networks import small
from test_layers import trained

from forecast import RNNForecaster, load
from forecast._network import CELLS as INFO
from forecast._network import Architecture, compiled, spec_of
from forecast.diagnostics import gate_activity, gradient_flow

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 8)), RNG.normal(size=(80, 2))
MASKS = dict(recurrent_dropout=0.3, zoneout=0.2)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)
every_cell = pytest.mark.parametrize("cell", CELLS)


# -------------------- dilation


def with_layer(case, dtype="float64", isa=None, **fields):
    """The core's network with other fields of its first layer."""
    spec = case.network.spec
    return compiled(replace(spec, layers=(replace(spec.layers[0], **fields), *spec.layers[1:])), dtype, isa)


def every_nth(case, n, first):
    """The same windows, of which every n-th step is left."""
    past = case.arguments["past"].reshape(-1, case.network.steps, case.network.inputs)[:, first::n]
    steps = past.shape[1]
    past = np.ascontiguousarray(past.reshape(-1, case.network.inputs))
    short = draw_case(case.network.cell, np.random.default_rng(0), steps=steps, batch=len(case.index))
    return replace(short, theta=case.theta, index=case.index).with_arguments(
        past=past, lookback=steps, past_stride=steps, target=case.arguments["target"]
    )


@every_dtype
@every_isa
@every_cell
@pytest.mark.parametrize("dilation", [2, 3, 7])
def test_a_dilated_layer_is_interleaved_runs(cell, dilation, isa, dtype):
    case = draw_case(cell, np.random.default_rng(1), steps=11, batch=21)
    theta, network = case.theta.astype(dtype), with_layer(case, dtype, isa, dilation=dilation)
    (whole,) = network.activity(theta, case.source(), case.index)
    for first in range(dilation):
        run = every_nth(case, dilation, first)
        (alone,) = run.core(dtype, isa).activity(theta, run.source(), run.index)
        for name, values in alone.items():
            assert values.tobytes() == np.ascontiguousarray(whole[name][:, first::dilation]).tobytes(), (name, first)
    newest = every_nth(case, dilation, 10 % dilation)  # the run that the head reads
    expected = newest.core(dtype, isa).predict(theta, newest.source(), newest.index)
    for path in ("lanes", "units"):
        assert network.predict(theta, case.source(), case.index, path=path).tobytes() == expected.tobytes(), path
    one = network.predict(theta, case.source(), case.index[:1], threads=2)
    assert one.tobytes() == expected[:1].tobytes()


def test_gradients_of_a_dilated_layer_are_those_of_the_run_that_is_read():
    case = draw_case("lstm", np.random.default_rng(2), steps=11, batch=21)
    network, newest = with_layer(case, dilation=3), every_nth(case, 3, 1)
    whole = network.gradient(case.theta, case.source(), case.index)
    alone = newest.gradient()
    assert largest_difference(whole["theta"], alone["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert largest_difference(whole["past"][:, 1::3], alone["past"]) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert not np.delete(whole["past"], np.s_[1::3], axis=1).any()
    flow, of_run = (net.flow(case.theta, of.source(), of.index)["squares"][0]
                    for net, of in ((network, case), (newest.core(), newest)))  # fmt: skip
    assert flow[1::3] == pytest.approx(of_run)
    assert not np.delete(flow, np.s_[1::3]).any()


def test_every_step_of_the_past_is_read_if_one_layer_has_a_dilation_of_one():
    for dilation in ((1, 2), (2, 1), (4, 2, 1)):
        case = draw_network(np.random.default_rng(3), steps=9, layers=len(dilation), dilation=dilation)
        assert (np.abs(case.gradient()["past"]).max(axis=(0, 2)) > 0).all(), dilation


# -------------------- masks

MASKED = {
    "recurrent dropout": dict(recurrent_dropout=0.3),
    "zoneout": dict(zoneout=0.3),
    "both, both directions": MASKS | dict(layers=2, bidirectional=True),
    "all": MASKS | dict(dropout=0.2, layers=3, dilation=(1, 2, 4), residual=True, layer_norm=True),
    "before a segment decoder": MASKS | dict(segment=2, decoder="segments"),
}
every_masked = pytest.mark.parametrize("masked", MASKED)


def taken(cell, options):
    """Without the masks that a cell refuses: it has no R to hide states from, or states relative to a maximum."""
    state, names = INFO[cell]["state"], INFO[cell]["states"]
    refused = {"recurrent_dropout"} if state[0] == state[1] else {"zoneout"} if "m" in names else set()
    return {name: value for name, value in options.items() if name not in refused}


MASKED_CELLS = [(cell, name) for cell in CELLS for name in MASKED if MASKS.keys() & taken(cell, MASKED[name]).keys()]


def forecasts(network, case, seed, n=None, **options):
    """With the masks of the seed, or without masks."""
    packed, source, index = network.pack(case.theta), case.source(), case.index[:n]
    if seed is None:
        return network.predict(packed, source, index, **options)
    return network.sample(packed, source, index, seed, **options)


@every_isa
@pytest.mark.parametrize(("cell", "masked"), MASKED_CELLS)
def test_masks_are_those_of_the_oracle(cell, isa, masked):
    given = taken(cell, MASKED[masked])
    case = draw_network(np.random.default_rng(4), cell=cell, steps=9, batch=21, hidden=13, **given)
    for seed in (None, 11):
        masks = None if seed is None else case.network.masks(seed, 21)
        result = case.gradient(isa=isa, seed=seed)
        expected = case.network.gradient(case.theta, case.batch(), masks=masks)
        wrong = differences_from(expected, result, case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], (seed, wrong)
        network = case.core(isa=isa)
        lanes, units = (forecasts(network, case, seed, path=path) for path in ("lanes", "units"))
        assert lanes.tobytes() == units.tobytes() == result["outputs"].tobytes()
        shared = forecasts(network, case, seed, n=1, threads=2)
        assert shared.tobytes() == lanes[:1].tobytes()


@every_dtype
@every_masked
def test_training_with_masks_has_the_same_bits_on_two_threads(masked, dtype):
    case = draw_network(np.random.default_rng(5), steps=8, batch=400, **MASKED[masked])
    for path in ("lanes", "units"):
        one, two = (trained(case, dtype, path=path, threads=threads) for threads in (1, 2))
        assert [part.tobytes() for part in one] == [part.tobytes() for part in two]


@every_cell
def test_training_one_window_at_a_time_draws_the_masks_of_many(cell):
    """After one step from the same weights: the same gradient, whose sums differ in order alone."""
    case = draw_network(np.random.default_rng(6), cell=cell, steps=8, batch=40, **taken(cell, MASKS))
    lanes, units = (trained(case, "float64", path=path) for path in ("lanes", "units"))
    assert largest_difference(lanes[0], units[0]) <= tolerances.ORACLE_STEPS["float64"]


def test_one_mask_holds_for_all_steps_and_another_for_every_step():
    case = draw_network(np.random.default_rng(7), steps=9, batch=400, **MASKS)
    masks = case.network.masks(1, 400)
    assert masks["0.hidden"].shape == (400, 5)
    assert (masks["0.hidden"] == 0).mean() == pytest.approx(0.3, abs=0.04)
    assert masks["0.kept"].shape == (400, 9, 5)
    assert masks["0.kept"].mean() == pytest.approx(0.2, abs=0.02)
    assert (masks["0.kept"][:, 0] != masks["0.kept"][:, 1]).any()


@pytest.mark.parametrize("cell", [cell for cell in CELLS if "zoneout" in taken(cell, MASKS)])
def test_the_flow_of_zoneout_is_the_gradient_of_the_initial_states_of_the_rest(cell):
    """States after a step, handed out, begin the rest of the windows: their gradient is that of the step's h."""
    case = draw_network(np.random.default_rng(8), cell=cell, steps=7, batch=11, zoneout=0.4)
    network = case.core()
    (squares,) = network.flow(case.theta, case.source(), case.index)["squares"]
    (states,) = network.activity(case.theta, case.source(), case.index)
    blocks = case.arguments["past"].reshape(-1, case.arguments["past_stride"], 2)
    for step in (0, 3, 5):
        rest = draw_network(np.random.default_rng(8), cell=cell, steps=6 - step, batch=11, zoneout=0.4)
        rest = replace(rest, theta=case.theta, index=case.index).with_arguments(
            past=np.ascontiguousarray(blocks[:, step + 1 :].reshape(-1, 2)), past_stride=blocks.shape[1] - step - 1,
            target=case.arguments["target"], target_stride=case.arguments["target_stride"], target_shift=7,
        )  # fmt: skip
        names = [name for name in states if name in ("h", "c")]
        initial = np.ascontiguousarray([[states[name][:, step] for name in names]])
        gradient = np.asarray(rest.gradient(initial=initial)["initial"])[0, 0]
        assert (gradient**2).sum() == pytest.approx(squares[step], rel=tolerances.ORACLE_GRADIENTS["float64"])


# -------------------- the estimator

DEPTH = {
    "residual": dict(residual=True, num_layers=3),
    "layer_norm": dict(layer_norm=True, num_layers=2),
    "dilation": dict(dilation=(1, 2, 4), num_layers=3),
    "recurrent_dropout": dict(recurrent_dropout=0.3),
    "zoneout": dict(zoneout=0.3),
}
every_depth = pytest.mark.parametrize("name", DEPTH)


@every_depth
def test_a_saved_model_forecasts_the_same_and_its_card_names_the_argument(name, tmp_path):
    model = small(max_iter=2, **DEPTH[name]).fit(X, Y)
    model.save(tmp_path / "model.forecast")
    again = load(tmp_path / "model.forecast")
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    assert name in model.card_["model"]
    layers = model.num_layers
    assert gradient_flow(model, X, Y).norms.shape == (layers, 8)
    assert gate_activity(model, X).states["h"].shape == (80, layers, 8, model.hidden_size)


def test_rates_may_change_between_two_fits_and_the_wiring_may_not():
    model = small(max_iter=1, warm_start=True, num_layers=2).fit(X, Y)
    model.set_params(recurrent_dropout=0.2, zoneout=0.1).fit(X, Y)
    with pytest.raises(ValueError, match="residual, layer_norm, dilation"):
        model.set_params(residual=True).fit(X, Y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(residual=True), "residual=True: .*from num_layers=2 on, but num_layers=1"),
        (dict(residual=True, num_layers=2, decoder="segments"), "from num_layers=3 on, but num_layers=2"),
        (dict(layer_norm=True), "layer_norm=True: .* but num_layers=1"),
        (dict(dilation=2), r"dilation=\(2,\): no layer has 1, .* such as \(1, 2, 4\)"),
        (dict(dilation=(2, 4), num_layers=2), "no layer has 1"),
        (dict(dilation=(1, 2)), r"dilation=\(1, 2\): expected a whole number of 1 or more for each of num_layers=1"),
        (dict(dilation=(1, True), num_layers=2), "whole number"),
        (dict(dilation=(1, 0), num_layers=2), "whole number"),
        (dict(dilation=(1, 8), num_layers=2), "layers have 8 steps, so with a dilation of 8 one would never go on"),
        (dict(dilation=(1, 4), num_layers=2, segment=2), "4 segments of 2 steps, so with a dilation of 4"),
    ],
)
def test_what_would_have_no_effect_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments).fit(X, Y)


def test_a_cell_whose_states_cannot_be_masked_is_refused(monkeypatch):
    from forecast._network import spec

    plain = dict(cell="gru", dtype="float64", steps=5, inputs=1, hidden=2, layers=1, targets=1)
    cell = spec.CELLS["gru"]
    monkeypatch.setitem(spec.CELLS, "gru", cell | {"state": (3, 3)})
    with pytest.raises(ValueError, match=r"recurrent_dropout=0\.1: cell='gru' multiplies its states by no matrix"):
        spec_of(Architecture(**plain, recurrent_dropout=0.1))
    monkeypatch.setitem(spec.CELLS, "gru", cell | {"states": ["h", "n", "m"]})
    with pytest.raises(ValueError, match=r"zoneout=0\.1: the states of cell='gru' are stored relative"):
        spec_of(Architecture(**plain, zoneout=0.1))


def test_a_residual_stack_adds_what_a_layer_reads_to_what_it_makes():
    spec = spec_of(Architecture("gru", "float64", 6, 1, 4, 3, 2, residual=True, layer_norm=True, dropout=0.1))
    layers = {layer.name: layer for layer in spec.layers}
    assert "0.sum" not in layers, "the raw past is not added"
    assert layers["1"].inputs == ("1.norm",)
    assert layers["1.norm"].inputs == ("0.dropout",)
    assert layers["1.sum"].inputs == ("1.dropout", "0.dropout")
    assert layers["2.sum"].inputs == ("2.dropout", "residual.0")
    assert (spec.streams["residual.0"].of, spec.streams["residual.0"].first) == ("1.sum", 5 * 4)
    assert layers["head"].inputs == ("2.sum",)


def test_both_directions_add_their_own_half_of_what_the_top_layer_reads():
    spec = spec_of(Architecture("gru", "float64", 6, 1, 4, 2, 2, residual=True, bidirectional=True))
    forward, reverse = spec.streams["residual.0"], spec.streams["residual.1"]
    assert (forward.of, forward.first, forward.width) == ("0.both", 5 * 8, 4)
    assert (reverse.of, reverse.first, reverse.width) == ("0.both", 4, 4)


def test_a_gain_begins_with_one_and_a_norms_bias_with_zero():
    weights = RNNForecaster(hidden_size=3, num_layers=2, layer_norm=True, max_iter=1, learning_rate=1e-12).fit(X, Y)
    assert np.allclose(weights.weights_["1.norm.g"], 1.0)
    assert np.allclose(weights.weights_["1.norm.b"], 0.0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (dict(dilation=0), "dilation: expected 1 to its steps"),
        (dict(dilation=6), "dilation: expected 1 to its steps"),
        (dict(zoneout=1.0), "expected a probability below 1"),
        (dict(recurrent_dropout=-0.1), "expected a probability below 1"),
        (dict(recurrent_dropout=float("nan")), "expected a probability below 1"),
        (dict(zoneout=0.1, start="0", restart=True), "are for recurrent layers without restart"),
    ],
)
def test_the_cores_door_refuses_what_a_layer_cannot_do(fields, message):
    case = draw_case("gru", np.random.default_rng(0), layers=2)
    spec = case.network.spec
    layers = (spec.layers[0], replace(spec.layers[1], **fields), *spec.layers[2:])
    with pytest.raises(ValueError, match=message):
        compiled(replace(spec, layers=layers), "float64")


def test_the_cores_door_refuses_a_sum_of_different_widths():
    spec = spec_of(Architecture("gru", "float64", 6, 3, 4, 3, 2, residual=True))
    wrong = tuple(replace(layer, inputs=("1", "past")) if layer.name == "1.sum" else layer for layer in spec.layers)
    with pytest.raises(ValueError, match=r"'1\.sum': every input has the steps and the width of the output"):
        compiled(replace(spec, layers=wrong), "float64")


@pytest.mark.parametrize("name", ["dilation", "recurrent_dropout", "zoneout"])
def test_a_file_with_another_field_is_refused(name):
    from forecast._files import ModelFileError

    broken = replace(Architecture("gru", "float64", 6, 3, 4, 3, 2), **{name: "many"})
    with pytest.raises(ModelFileError, match=f"{name} = 'many'"):
        broken.check_loaded(1000, 1000)
