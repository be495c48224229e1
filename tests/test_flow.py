"""What the kernels hand out of a network's inside: gradients of every state and values of every gate, when asked."""

import numpy as np
import pytest
import reference_flow
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, draw_away_from_kinks, draw_case, largest_difference

from forecast import _core

every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)
every_depth = pytest.mark.parametrize("layers", [1, 2])
BESIDE = {"plain": {}, "extra, missing, weighted": dict(extra=3, missing=0.3, weighted=True)}


def draw(cell, dtype="float64", seed=0, **shape):
    shape = dict(steps=6, batch=37, hidden=9, targets=3) | shape
    case = draw_away_from_kinks(cell, seed, tolerances.KINK_MARGIN_ROUNDING, **shape)
    return Case(case.network, case.theta.astype(dtype).astype(float), case.arguments, case.index)


def flow(case, dtype="float64", isa=None, **arguments):
    found = case.core(dtype, isa).flow(case.theta.astype(dtype), case.source(), case.index, **arguments)
    return found | {"squares": np.stack(found["squares"])}


def activity(case, dtype="float64", isa=None, index=None, **arguments):
    index = case.index if index is None else index
    found = case.core(dtype, isa).activity(case.theta.astype(dtype), case.source(), index, **arguments)
    return {name: np.stack([layer[name] for layer in found], axis=1) for name in found[0]}


# -------------------- the oracle itself


@every_depth
@every_cell
def test_the_oracles_gradient_of_a_state_is_a_slope_of_its_loss(cell, layers):
    case = draw_away_from_kinks(cell, 1, tolerances.KINK_MARGIN, layers=layers, batch=3, steps=4, **BESIDE["plain"])
    network, batch, rng = case.network, case.batch(), np.random.default_rng(2)
    loss, dh = reference_flow.state_gradients(network, case.theta, batch)
    assert loss == network.gradient(case.theta, batch)["loss"]
    step = tolerances.DIFFERENCES_STEP
    for layer, t in np.ndindex(network.layers, network.steps):
        direction = rng.normal(size=dh.shape[2:])
        nudged = [
            reference_flow.loss_of_nudged(network, case.theta, batch, layer, t, by * step * direction)
            for by in (-2.0, -1.0, 1.0, 2.0)
        ]
        slope = (nudged[0] - 8.0 * nudged[1] + 8.0 * nudged[2] - nudged[3]) / (12.0 * step)
        assert abs(slope - (dh[layer, t] * direction).sum()) <= tolerances.DIFFERENCES * np.abs(dh[layer, t]).max()


# -------------------- the core against it


@every_dtype
@every_isa
@pytest.mark.parametrize("beside", BESIDE)
@every_depth
@pytest.mark.parametrize("loss", LOSSES)
@every_cell
def test_norms_of_gradients_are_those_of_the_oracle(cell, loss, layers, beside, isa, dtype):
    case = draw(cell, dtype, seed=LOSSES.index(loss), layers=layers, loss=loss, **BESIDE[beside])
    expected, dh = reference_flow.state_gradients(case.network, case.theta, case.batch())
    result = flow(case, dtype, isa)
    assert result["loss"] == pytest.approx(expected, rel=tolerances.ORACLE_OUTPUTS[dtype])
    norms, right = np.sqrt(result["squares"]), np.sqrt((dh**2).sum(axis=(2, 3)))
    assert norms.shape == right.shape
    assert np.abs(norms / right - 1).max() <= tolerances.ORACLE_GRADIENTS[dtype]  # each step by its own size


@every_dtype
@every_isa
@every_depth
@every_cell
def test_gates_and_states_are_those_of_the_oracle(cell, layers, isa, dtype):
    case = draw(cell, dtype, layers=layers, extra=2, hidden=13)
    expected = reference_flow.activity(case.network, case.theta, case.batch())
    result = activity(case, dtype, isa)
    info = _core.CELLS[cell]
    assert list(result) == info["gates"] + info["states"]
    assert set(expected) == set(result)
    for name, values in result.items():
        assert values.dtype == dtype
        assert largest_difference(values, expected[name], at_least=1.0) <= tolerances.ORACLE_OUTPUTS[dtype], name


@every_cell
def test_the_gradient_of_a_state_is_that_of_the_initial_state_of_the_remaining_steps(cell):
    """Core against core: the states after a step, handed out, begin the rest of the windows."""
    case = draw(cell, steps=7, batch=11, inputs=2)
    squares, states = flow(case)["squares"], activity(case)
    names = _core.CELLS[cell]["states"]
    past = case.arguments["past"].reshape(-1, 7, 2)
    for step in range(6):
        rest = draw(cell, steps=6 - step, batch=11, inputs=2)
        late = past[:, step + 1 :].reshape(-1, 2)
        rest = Case(rest.network, case.theta, case.arguments, case.index)
        rest = rest.with_arguments(past=late, lookback=6 - step, past_stride=6 - step)
        initial = np.ascontiguousarray([[states[name][:, 0, step] for name in names]])
        gradient = np.asarray(rest.gradient(initial=initial)["initial"])[0, 0]
        assert (gradient**2).sum() == pytest.approx(squares[0, step], rel=tolerances.ORACLE_GRADIENTS["float64"])


def test_a_gradient_far_below_the_squares_of_float32_is_still_measured():
    """Norms of 1e-30 have squares of 1e-60."""
    case = draw("rnn_tanh", "float32", steps=30)
    theta = case.theta.copy()
    case.network.views(theta)["0.R_h"][...] *= 0.1
    case = Case(case.network, theta.astype("float32").astype(float), case.arguments, case.index)
    _, dh = reference_flow.state_gradients(case.network, case.theta, case.batch())
    norms, right = np.sqrt(flow(case, "float32")["squares"]), np.sqrt((dh**2).sum(axis=(2, 3)))
    assert right[0, 0] < 1e-28
    assert norms[0, 0] == pytest.approx(right[0, 0], rel=1e-3)


def test_a_gradient_of_no_window_is_refused():
    case = draw("gru")
    none = Case(case.network, case.theta, case.arguments, case.index[:0])
    with pytest.raises(ValueError, match="index: a gradient is a mean over windows; expected at least 1, got none"):
        flow(none)
    assert activity(none)["h"].shape == (0, 1, 6, 9)


# -------------------- the same bits


@every_dtype
@every_isa
@every_cell
def test_threads_and_splits_leave_the_bits_alone(cell, isa, dtype):
    case = draw(cell, dtype, layers=2, batch=203, windows=203)
    one, values = flow(case, dtype, isa), activity(case, dtype, isa)
    for threads in (2, 3, 7):
        many = flow(case, dtype, isa, threads=threads)
        assert many["squares"].tobytes() == one["squares"].tobytes()
        assert many["loss"] == one["loss"]
    for threads, size in ((2, 203), (3, 50), (1, 7), (1, 1)):
        parts = [
            activity(case, dtype, isa, case.index[i : i + size], threads=threads)
            for i in range(0, 203 if size > 1 else 20, size)
        ]
        for name, whole in values.items():
            found = np.concatenate([part[name] for part in parts])
            assert found.tobytes() == whole[: len(found)].tobytes(), (name, size)


@every_dtype
@every_isa
@every_cell
def test_a_look_has_the_bits_of_training_and_prediction(cell, isa, dtype):
    """The loss is that of `gradient`; the last state, with the head's weights, is the forecast."""
    case = draw(cell, dtype, layers=2)
    assert flow(case, dtype, isa)["loss"] == case.gradient(dtype, isa)["loss"]
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    views = case.network.views(theta.copy())
    views["head.W"][...], views["head.b"][...] = np.eye(3, 9), 0.0  # outputs are the first units
    theta = np.concatenate([view.ravel() for view in views.values()])
    outputs = network.predict(theta, case.source(), case.index)
    assert activity(case, dtype, isa)["h"][:, -1, -1, :3].tobytes() == outputs.tobytes()


# -------------------- refusals


@pytest.mark.parametrize("name", ["flow", "activity"])
def test_what_does_not_fit_is_refused_before_any_work(name):
    case = draw_case("gru", np.random.default_rng(0))
    ask = getattr(case.core("float32"), name)
    theta = case.theta.astype("float32")
    with pytest.raises(TypeError, match="theta: expected dtype float32, got float64"):
        ask(case.theta, case.source(), case.index)
    with pytest.raises(ValueError, match="index"):
        ask(theta, case.source(), np.array([10**6]))
    if name == "flow":
        with pytest.raises(ValueError, match="target"):
            ask(theta, case.with_arguments(target=None).source(), case.index)
