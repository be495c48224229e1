"""The core's gradients in float64 are the slopes of its own loss, for all weights, biases, inputs and initial states.

Every entry of every gradient is compared with the oracle's (itself proven by differences in test_reference.py). The
slopes are central differences of the core's own loss: along every coordinate where a case is small (WINDOW_STEPS), and
where it is larger along random directions of each tensor, which every entry moves, and a random choice of coordinates.
"""

from itertools import product

import numpy as np
import pytest
import reference
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, draw_away_from_kinks, draw_case, draw_theta, largest_difference
from slopes import assert_slopes, differences_from, faulty_oracle, named, own_arrays, source_tensors

from forecast import _core

WINDOW_STEPS = 66  # up to this many windows times steps, all coordinates


def draw_switching_relu(network, rng, past):
    """Weights whose units are far from the kink at every step, in place of chance.

    Unit 0 of every layer switches on and off with the sign of channel 0; the others stay on and leak slowly, so that
    the gradient lives through 64 steps. Over one or two, larger weights keep it alive through the layers.
    """
    upper = (0.002, 0.006) if network.steps > 2 else (0.1, 0.3)
    past[:, 0] = rng.choice([-1.0, 1.0], size=len(past)) * rng.uniform(0.9, 1.1, size=len(past))
    theta = draw_theta(network, rng)
    for name, view in network.views(theta).items():
        layer, _, weight = name.partition(".")
        if weight == "W_h":
            view[...] = rng.uniform(*(upper if layer != "0" else (0.002, 0.006)), size=view.shape)
            view[0] = rng.uniform(0.002, 0.006, size=view.shape[1])
            view[0, 0] = 1.5 if layer == "0" else 2.0
        elif weight == "R_h":
            view[...] = rng.uniform(0.001, 0.004, size=view.shape) + 0.96 * np.eye(len(view))
            view[0] = rng.uniform(0.001, 0.002, size=len(view))
        elif weight == "p_h":  # R's diagonal alone
            view[...] = rng.uniform(0.961, 0.964, size=view.shape)
            view[0] = rng.uniform(0.001, 0.002)
        elif weight == "b_h":
            view[...] = rng.uniform(0.2, 0.3, size=len(view))
            view[0] = 0.1 if layer == "0" else -1.5
    return theta


def draw(cell, seed, **shape):
    """A case with initial states, away from every kink."""
    rng = np.random.default_rng(seed)
    case = draw_case(cell, rng, **shape)
    n = case.network
    states = reference.REFERENCE_CELLS[cell].states
    initial = rng.normal(size=(n.layers, len(states), len(case.index), n.hidden)) / 3
    initial = reference.REFERENCE_CELLS[cell].first_states(initial)
    if cell.endswith("_relu"):
        past = case.arguments["past"].copy()
        case = Case(n, draw_switching_relu(n, rng, past), case.arguments | {"past": past}, case.index)
        initial = np.abs(initial)
    assert n.distance_from_kinks(case.theta, case.batch(), initial) >= tolerances.KINK_MARGIN
    return case, initial


def assert_gradient(case, initial, seed=None, dropout=0.0, isa=None):
    """Against central differences in any case, against the oracle where there is no dropout; the result."""
    n, network, theta = case.network, case.core(isa=isa, dropout=dropout), case.theta.copy()
    arguments = own_arrays(case.arguments)
    source = _core.Source(**arguments)

    def evaluate():
        return network.gradient(theta, source, case.index, initial=initial, seed=seed)

    result = evaluate()
    if seed is None:
        wrong = differences_from(n_result := n.gradient(theta, case.batch(), initial), result, n)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong
        assert result["loss"] == pytest.approx(n_result["loss"], rel=tolerances.ORACLE_OUTPUTS["float64"])
    tensors = n.views(theta) | {f"initial of {layer.name}": initial[i] for i, layer in enumerate(n.starting)}
    gradients = named(n, result)
    for name, (rows, gradient) in source_tensors(case, arguments, result).items():
        tensors[name], gradients[name] = rows, gradient
    every = len(case.index) * n.steps <= WINDOW_STEPS
    assert_slopes(lambda: evaluate()["loss"], tensors, gradients, np.random.default_rng(0), every)
    return result


QUICK_DEEP = {(1, 1), (2, 33), (17, 3), (64, 8)}  # steps and batch of three layers; the other pairs are slow


def sizes():
    for layers, steps, batch in product([1, 2, 3], [1, 2, 17, 64], [1, 3, 8, 33]):
        slow = layers == 3 and (steps, batch) not in QUICK_DEEP
        yield pytest.param(layers, steps, batch, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("layers", "steps", "batch"), list(sizes()))
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_slopes_of_the_loss(cell, layers, steps, batch):
    case, initial = draw(cell, 10 * steps + batch, layers=layers, steps=steps, batch=batch, inputs=2)
    assert_gradient(case, initial)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(
    ("inputs", "hidden"), [*((inputs, 6) for inputs in (1, 3, 4, 5, 6, 7, 8, 12, 13, 19)), (6, 100)]
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_the_oracles_for_any_number_of_inputs(cell, dtype, inputs, hidden, isa):
    """Few inputs' weights take another way than many's, and so do few whose sums are large."""
    case = draw_case(cell, np.random.default_rng(4), inputs=inputs, hidden=hidden, layers=2, steps=9, batch=35)
    expected = case.network.gradient(case.theta, case.batch())
    result = case.gradient(dtype, isa)
    assert largest_difference(result["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS[dtype]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_slopes_under_every_instruction_set(cell, isa):
    case, initial = draw(cell, 1, layers=2, steps=3, batch=11, extra=2, weighted=True, missing=0.3)
    assert_gradient(case, initial, isa=isa)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_slopes_with_dropout(cell, layers):
    case, initial = draw(cell, 2, layers=layers, steps=4, batch=9, extra=2)
    result = assert_gradient(case, initial, seed=5, dropout=0.4)
    assert result["loss"] != case.gradient(initial=initial)["loss"]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_every_loss_are_slopes(loss):
    shape = dict(batch=8, steps=2, targets=3, extra=3, missing=0.3, weighted=True, loss=loss)
    case = draw_away_from_kinks("gru", 4, tolerances.KINK_MARGIN, **shape)
    initial = np.zeros((1, 1, 8, case.network.hidden))
    assert_gradient(case, initial)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_with_anchors_and_scales_are_those_of_the_scaled_windows(cell):
    shape = dict(batch=8, steps=4, targets=2, extra=2)
    case = draw_away_from_kinks(cell, 6, tolerances.KINK_MARGIN, **shape)
    rng = np.random.default_rng(7)
    scaled = case.with_arguments(
        anchor=np.array([1, 0, 1], dtype=np.int32),
        target_anchor=np.array([2, -1], dtype=np.int32),
        past_mean=rng.normal(size=3),
        past_scale=rng.uniform(0.5, 2.0, size=3),
        target_mean=rng.normal(size=2),
        target_scale=rng.uniform(0.5, 2.0, size=2),
        extra_mean=rng.normal(size=2),
        extra_scale=rng.uniform(0.5, 2.0, size=2),
    )
    expected = scaled.network.gradient(scaled.theta, scaled.batch())
    wrong = differences_from(expected, scaled.gradient(), scaled.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


FAULTS = {  # what is planted into the oracle: cell, the line's words, and what they become
    "input and forget gate swapped": ("lstm", "ai, af, ag, ao = a\n    _, c = ", "af, ai, ag, ao = a\n    _, c = "),
    "candidate and output gate swapped": ("lstm", "do * o * (1.0 - o))\n", "do * o * (1.0 - o))[::-1]\n"),
    "carry of the cell state forgotten": ("lstm", "(np.zeros_like(dh), dc * f)", "(np.zeros_like(dh), 0.0 * dc)"),
    "new cell state for the old": ("lstm", "df = dc * c", "df = dc * (f * c + i * g)"),
    "tanh not squared": ("lstm", "(1.0 - tanh_c**2)", "(1.0 - tanh_c)"),
    "reset factor missing": ("gru", "dnh = dnx * r", "dnh = dnx"),
    "sign of the update gate": ("gru", "dz = dh * (h - n)", "dz = dh * (n - h)"),
    "carry of the state reversed": ("gru", "(dh * z,)", "(dh * (1.0 - z),)"),
    "reset before the product": ("gru", "np.tanh(nx + r * nh)", "np.tanh(r * (nx + nh))"),
    "old state for the new": ("rnn_tanh", "h, (dh,) = saved, dstates", "(h,), (dh,) = states, dstates"),
    "kink ignored": ("rnn_relu", "da = dh * (saved > 0.0)", "da = dh"),
    "wrong step": ("rnn_tanh", "h, dstates = before[t][0]", "h, dstates = before[max(t - 1, 0)][0]"),
    "bias omitted": ("gru", "+= da[k].sum(axis=0)", "+= 0.0"),
    "bias of one window only": ("lstm", "+= da[k].sum(axis=0)", "+= da[k][0]"),
    "R not transposed": ("gru", '* (da[k] @ p[f"R_{row}"])', '* (da[k] @ p[f"R_{row}"].T)'),
    "last row alone reaches the input": ("lstm", "dx[:, t] += da[k]", "dx[:, t] = da[k]"),
    "head at the first step": (
        "rnn_tanh",
        "np.add.at(whole, (slice(None), self._places(name)), d)",
        "whole[:, : d[0].size] += d.reshape(len(d), -1)",
    ),
    "missing targets counted": ("gru", "total = weight.sum()", "total = batch.weight.sum() * self.targets"),
    "weights ignored": ("gru", "batch.weight[:, None, None] * seen", "1.0 * seen"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault):
    cell, words, wrong_words = FAULTS[fault]
    faulty = faulty_oracle(words, wrong_words)
    case, initial = draw(cell, 8, layers=2, steps=4, batch=6, extra=2, missing=0.3, weighted=True)
    result = case.gradient(initial=initial)
    sound = differences_from(case.network.gradient(case.theta, case.batch(), initial), result, case.network)
    network = faulty.Network(case.network.spec)
    wrong = differences_from(network.gradient(case.theta, case.batch(), initial), result, case.network)
    assert max(sound.values()) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert max(wrong.values()) > 1e3 * tolerances.DIFFERENCES
