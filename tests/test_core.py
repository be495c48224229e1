"""The compiled core against the oracle: every cell, loss, instruction set, dtype, optimiser, gather, activation."""

import itertools

import numpy as np
import pytest
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, draw_away_from_kinks, draw_case, largest_difference
from slopes import least_of

from forecast import _core
from forecast._distributions import FAMILIES

HIDDEN, INPUTS, BATCHES = (1, 5, 13, 16, 33), (1, 3, 8), (1, 7, 17, 40)
every_isa = pytest.mark.parametrize("isa", ISAS)
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


# -------------------- kernels against the oracle


def odd_shapes(seed):
    """Every hidden size once, with the other sizes drawn."""
    rng = np.random.default_rng(seed)
    for hidden in HIDDEN:
        yield dict(
            hidden=hidden,
            inputs=int(rng.choice(INPUTS)),
            batch=int(rng.choice(BATCHES)),
            layers=int(rng.integers(1, 4)),
            steps=int(rng.integers(1, 8)),
            targets=int(rng.integers(1, 5)),
            extra=int(rng.integers(0, 4)),
            missing=0.2,
            weighted=True,
        )


@every_dtype
@every_isa
@pytest.mark.parametrize("loss", LOSSES)
@every_cell
def test_outputs_and_gradients_are_those_of_the_oracle(cell, loss, isa, dtype):
    seed = CELLS.index(cell) * 10 + LOSSES.index(loss)
    for shape in odd_shapes(seed):
        case = draw_away_from_kinks(cell, seed, tolerances.KINK_MARGIN_ROUNDING, loss=loss, **shape)
        case = Case(case.network, case.theta.astype(dtype).astype(float), case.arguments, case.index)
        expected = case.network.gradient(case.theta, case.batch())
        network, theta = case.core(dtype, isa), case.theta.astype(dtype)
        result = network.gradient(theta, case.source(), case.index)
        outputs = network.predict(theta, case.source(), case.index)
        assert np.array_equal(outputs, result["outputs"]), shape
        assert outputs.dtype == result["theta"].dtype == dtype
        bound = tolerances.ORACLE_OUTPUTS[dtype]
        assert largest_difference(outputs, expected["outputs"], at_least=1.0) <= bound, shape
        # An error e of an output moves a squared error d^2 by 2 d e, which is more than its share where d is small.
        value = pytest.approx(expected["loss"], rel=bound, abs=2 * bound * np.sqrt(abs(expected["loss"])))
        assert result["loss"] == value, shape
        assert network.loss(theta, case.source(), case.index) == value, shape
        actual, right = case.network.views(result["theta"]), case.network.views(expected["theta"])
        for name in ("past", "extra", "initial"):
            actual[name], right[name] = result[name], expected[name]
        for name, d in right.items():
            layer = name.rpartition(".")[0]
            largest = max(np.abs(right[n]).max(initial=0.0) for n in right if n.rpartition(".")[0] == layer)
            cancels = dtype == "float32" and ".p_" in name
            least = tolerances.VECTOR_LEAST * largest if cancels else least_of(d, largest, dtype)
            bound = tolerances.ORACLE_LIKELIHOODS if loss in FAMILIES else tolerances.ORACLE_GRADIENTS
            assert largest_difference(actual[name], d, least) <= bound[dtype], (name, shape)


@every_cell
def test_float64_results_agree_across_instruction_sets(cell):
    case = draw_case(cell, np.random.default_rng(1), hidden=13, layers=2, batch=17, steps=20, extra=3)
    results = [case.gradient(isa=isa) for isa in ISAS]
    for result, name in itertools.product(results[1:], ("outputs", "theta", "past", "extra", "initial")):
        assert largest_difference(result[name], results[0][name]) <= tolerances.ISA_AGREEMENT, name


@pytest.mark.parametrize("extra", [0, 2])
@pytest.mark.parametrize("loss", ["squared_error", "quantile"])
@every_cell
def test_parameters_are_stored_in_the_documented_order(cell, loss, extra):
    case = draw_case(cell, np.random.default_rng(2), layers=3, hidden=4, inputs=2, extra=extra, loss=loss)
    network = case.core()
    assert [(name, at, tuple(shape)) for name, at, shape in network.layout] == case.network.layout
    assert network.n_parameters == case.network.n_parameters
    assert network.n_outputs == case.network.n_outputs


def test_no_observed_target_is_no_loss_and_no_gradient():
    case = draw_case("gru", np.random.default_rng(3))
    case = case.with_arguments(target=np.full_like(case.arguments["target"], np.nan))
    result = case.gradient()
    assert result["loss"] == case.core().loss(case.theta, case.source(), case.index) == 0.0
    assert not result["theta"].any()


def test_a_window_of_no_weight_moves_nothing():
    case = draw_case("lstm", np.random.default_rng(4), batch=9)
    weight = np.ones(9)
    weight[case.index[4]] = 0.0
    target = case.arguments["target"].copy()
    target[case.index[4]] = 1e6
    some = case.with_arguments(weight=weight, target=target).gradient()
    rest = Case(case.network, case.theta, case.arguments, np.delete(case.index, 4)).gradient()
    assert largest_difference(some["theta"], rest["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert not some["past"][4].any()


# -------------------- dropout


def head_row(result, network):
    """What the head saw of each unit: with one output and one window its gradient is dp times [h ; extra]."""
    d = network.views(result["theta"])
    return d["head.W"][0] / d["head.b"][0]


@every_cell
def test_dropout_drops_its_share_and_scales_the_rest(cell):
    case = draw_case(cell, np.random.default_rng(5), batch=1, hidden=40, targets=1, extra=2)
    whole = head_row(case.gradient(), case.network)
    dropped = []
    for seed in range(500):
        seen = head_row(case.gradient(dropout=0.5, seed=seed), case.network)
        np.testing.assert_allclose(seen[40:], whole[40:], rtol=1e-9)
        zero = seen[:40] == 0.0
        np.testing.assert_allclose(seen[:40][~zero], 2.0 * whole[:40][~zero], rtol=1e-9)
        dropped.append(zero & (whole[:40] != 0.0))
    alive = (whole[:40] != 0.0).sum()
    assert np.sum(dropped) / (500 * alive) == pytest.approx(0.5, abs=tolerances.DROPOUT_SHARE)


def test_dropout_masks_depend_on_seed_window_and_layer():
    case = draw_case("rnn_tanh", np.random.default_rng(6), batch=3, hidden=40, layers=2, targets=1, windows=3)
    case = case.with_arguments(past=np.tile(case.arguments["past"][: case.network.steps], (3, 1)))
    outputs = case.gradient(dropout=0.5, seed=1)["outputs"]
    assert len(np.unique(outputs)) == 3
    assert np.array_equal(outputs, case.gradient(dropout=0.5, seed=1)["outputs"])
    assert not np.isin(case.gradient(dropout=0.5, seed=2)["outputs"], outputs).any()


def test_predictions_and_losses_are_without_dropout():
    case = draw_case("gru", np.random.default_rng(7), layers=2)
    plain, dropping = case.core(), case.core(dropout=0.5)
    arguments = case.theta, case.source(), case.index
    assert np.array_equal(plain.predict(*arguments), dropping.predict(*arguments))
    assert plain.loss(*arguments) == dropping.loss(*arguments)
    assert plain.gradient(*arguments)["loss"] == dropping.gradient(*arguments)["loss"]


# -------------------- optimisers

OPTIMIZERS = {
    "sgd": dict(),
    "sgd-momentum": dict(momentum=0.9, weight_decay=0.02),
    "adam": dict(weight_decay=0.02),
    "adam-constants": dict(beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    "adamw": dict(weight_decay=0.1),
    "rmsprop": dict(),
    "rmsprop-momentum": dict(momentum=0.9, weight_decay=0.02, epsilon=1e-4),
}
CLIPS = {"free": {}, "norm": {"clip_norm": 0.3}, "value": {"clip_value": 0.02}}
CLIPS["both"] = CLIPS["norm"] | CLIPS["value"]


@every_dtype
@every_isa
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_steps_are_those_of_the_oracle(name, clip, isa, dtype):
    kind, constants = name.partition("-")[0], OPTIMIZERS[name]
    case = draw_case("gru", np.random.default_rng(8), batch=50, windows=50, weighted=True, missing=0.2, extra=1)
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    optimizer = _core.Optimizer(kind, dtype, network.n_parameters, **constants)
    result = network.train(theta, optimizer, case.source(), case.index, 8, rate=0.02, **CLIPS[clip])
    batches = [case.batch(case.index[i : i + 8]) for i in range(0, 50, 8)]  # the last one has two windows
    start = case.theta.astype(dtype)
    right, losses, norms, _ = case.network.train(start, kind, batches, 0.02, **CLIPS[clip], **constants)
    bound = tolerances.ORACLE_STEPS[dtype]
    assert result["finite"]
    assert optimizer.steps == len(batches)
    assert largest_difference(theta, right) <= bound
    assert largest_difference(result["losses"], losses) <= bound
    assert largest_difference(result["norms"], norms) <= bound
    assert largest_difference(theta - start, right - start) <= 50 * bound


def test_every_optimiser_is_tested():
    assert {name.partition("-")[0] for name in OPTIMIZERS} == set(_core.OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_in_two_calls_is_training_in_one(name):
    case = draw_case("lstm", np.random.default_rng(9), batch=40, windows=40)
    network, kind = case.core("float32"), name.partition("-")[0]
    thetas = []
    for cuts in ((0, 40), (0, 16, 40)):
        theta = case.theta.astype("float32")
        optimizer = _core.Optimizer(kind, "float32", network.n_parameters, **OPTIMIZERS[name])
        for first, last in itertools.pairwise(cuts):
            network.train(theta, optimizer, case.source(), case.index[first:last], 8, rate=0.02)
        thetas.append(theta)
    assert thetas[0].tobytes() == thetas[1].tobytes()


@pytest.mark.parametrize("bad", [np.inf, 1e200])
@every_dtype
def test_a_loss_that_is_not_finite_stops_training_before_its_step(dtype, bad):
    case = draw_case("gru", np.random.default_rng(10), batch=40, windows=40)
    target = case.arguments["target"].copy()
    target[case.index[20]] = bad  # in the third batch of eight
    case = case.with_arguments(target=target)
    network = case.core(dtype)

    def train(windows):
        theta = case.theta.astype(dtype)
        optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
        return network.train(theta, optimizer, case.source(), case.index[:windows], 8, rate=0.02), theta, optimizer

    result, theta, optimizer = train(40)
    whole, expected, _ = train(16)
    assert whole["finite"]
    assert not result["finite"]
    assert optimizer.steps == len(result["losses"]) == len(result["norms"]) == 2
    assert theta.tobytes() == expected.tobytes()


# -------------------- activations


def ulp_points(dtype):
    edges = [0.0, 1e-30, 1e-8, 1e-4, 0.125, 0.5, 0.625, 1.0, np.log(2.0), 4.0, 9.0, 17.0, 20.0, 40.0, 80.0, 87.0]
    dense = np.concatenate([np.linspace(0, 12, 200_001), np.geomspace(1e-12, 87, 100_001), edges])
    return np.concatenate([dense, -dense]).astype(dtype)


@every_dtype
@every_isa
@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh"])
def test_activations_are_within_their_ulp_bound(name, isa, dtype):
    x = ulp_points(dtype)
    wide = x.astype(np.float64 if dtype == "float32" else np.longdouble)
    right = {"exp": np.exp, "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a))}[name](wide)
    y = _core.activation(name, x, isa)
    assert y.dtype == dtype
    normal = np.abs(right) >= np.finfo(dtype).tiny
    error = np.abs(y.astype(wide.dtype) - right)[normal] / np.spacing(np.abs(right[normal]).astype(dtype))
    worst = np.argmax(error)
    assert error[worst] <= tolerances.ULP, f"at {x[normal][worst]!r}"
    assert (np.abs(y[~normal]) <= np.finfo(dtype).tiny).all()


@every_dtype
@every_isa
@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh"])
def test_activations_saturate_and_pass_nan_on(name, isa, dtype):
    limit = tolerances.EXP_LIMIT[dtype]
    low, high = {"exp": (0.0, np.exp(limit)), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}[name]
    for far in (1e4, 1e30, np.inf):
        x = np.array([-far, np.nan, far, 0.0], dtype=dtype)
        y = _core.activation(name, x, isa)
        assert abs(y[0] - low) <= 1.01 * np.exp(-limit), far
        assert y[2] == pytest.approx(high, rel=1e-6 if name == "exp" else 0.0, abs=0.0), far
        assert np.isnan(y[1]), far
        assert y[3] == {"exp": 1.0, "sigmoid": 0.5, "tanh": 0.0}[name]


@every_isa
def test_activations_are_the_same_at_every_place_of_a_vector(isa):
    x = np.linspace(-9, 9, 67).astype(np.float32)
    for name in ("exp", "sigmoid", "tanh"):
        whole = _core.activation(name, x, isa)
        assert np.array_equal(whole, np.concatenate([_core.activation(name, x[i : i + 1], isa) for i in range(len(x))]))


@every_dtype
@every_isa
def test_sigmoid_has_the_bits_of_a_division(isa, dtype):
    """v4 refines a seed instead of dividing. The theorem leaves out divisors whose mantissa is all ones."""
    x = ulp_points(dtype)
    x = x[np.abs(x) < 86]  # beyond, a reciprocal is below the smallest normal number
    divisor = 1 + _core.activation("exp", -x, isa)
    refined, divided = _core.activation("sigmoid", x, isa), 1 / divisor
    ones = np.int64(2) ** np.finfo(dtype).nmant - 1
    theorem = (divisor.view(f"i{x.itemsize}") & ones) != ones
    assert refined[theorem].tobytes() == divided[theorem].tobytes()
    assert np.allclose(refined, divided, rtol=np.finfo(dtype).eps, atol=0)
