"""Matrix memory: `cell="mlstm"` against the oracle, slopes, its own sums written out, and in the estimator."""

from dataclasses import replace

import numpy as np
import pytest
import tolerances
from cases import DTYPES, ISAS, Case, draw_network, largest_difference
from slopes import assert_slopes, differences_from, named, own_arrays, source_tensors

from forecast import RNNForecaster, _core, load
from forecast._network import compiled
from forecast._network.initial import draw as initial_draw
from forecast.diagnostics import gate_activity, gradient_flow

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)
NETWORKS = {  # fields of Architecture
    "one head": dict(hidden=5),
    "two heads": dict(hidden=6, heads=2),
    "more units than lanes": dict(hidden=36, heads=2, batch=3),
    "both directions, two layers": dict(hidden=4, heads=2, bidirectional=True, layers=2),
    "dropout": dict(hidden=4, layers=2, dropout=0.3),
    "known future, decoder of steps": dict(hidden=4, heads=2, future=2, future_size=2, decoder="steps"),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def draw(margin, grown=1.0, **fields):
    """The first of many draws whose |n q| are all that far from their bound; `grown` scales weights of q and gates."""
    for attempt in range(500):
        rng = np.random.default_rng(1000 * attempt)
        case = draw_network(rng, **dict(cell="mlstm", steps=5, batch=4) | fields)
        for part, view in case.network.views(case.theta).items():
            if ".gates." in part or ".q." in part:
                view *= grown
        if case.network.distance_from_kinks(case.theta, case.batch()) >= margin:
            return case
    raise AssertionError(f"no case {margin} away from a kink")


@every_isa
@every_dtype
@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"dropout"}))
def test_outputs_and_gradients_are_the_oracles(name, dtype, isa):
    case = draw(tolerances.KINK_MARGIN_ROUNDING, steps=9, grown=2.0, **NETWORKS[name])
    case = Case(case.network, case.theta.astype(dtype).astype(float), case.arguments, case.index)
    expected, result = case.network.gradient(case.theta, case.batch()), case.gradient(dtype, isa)
    outputs = case.core(dtype, isa).predict(case.theta.astype(dtype), case.source(), case.index)
    assert largest_difference(result["outputs"], expected["outputs"], 1.0) <= tolerances.ORACLE_OUTPUTS[dtype]
    assert np.array_equal(outputs, result["outputs"])
    for of in ("theta", "past"):
        assert largest_difference(result[of], expected[of]) <= tolerances.ORACLE_GRADIENTS[dtype], of


@every_network
def test_gradients_are_slopes_of_the_loss(name):
    seed = 3 if "dropout" in NETWORKS[name] else None
    case = draw(tolerances.KINK_MARGIN, missing=0.2, weighted=True, seed=seed, **NETWORKS[name])
    n, network, theta = case.network, case.core(), case.theta.copy()
    arguments = own_arrays(case.arguments)
    source = _core.Source(**arguments)

    def evaluate():
        return network.gradient(theta, source, case.index, seed=seed)

    result = evaluate()
    if seed is None:
        wrong = differences_from(n.gradient(theta, case.batch()), result, n)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong
    tensors, gradients = n.views(theta), named(n, result)
    for tensor, (rows, gradient) in source_tensors(case, arguments, result).items():
        tensors[tensor], gradients[tensor] = rows, gradient
    assert_slopes(lambda: evaluate()["loss"], tensors, gradients, np.random.default_rng(0))


@every_isa
@every_dtype
@every_network
def test_one_window_and_many_have_the_same_bits(name, dtype, isa):
    case = draw(0.0, batch=37, steps=9, **{k: v for k, v in NETWORKS[name].items() if k not in ("batch", "dropout")})
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    many = network.predict(theta, source, case.index)
    for row in (0, 17, 36):
        assert network.predict(theta, source, case.index[row : row + 1]).tobytes() == many[row].tobytes()
    units = network.predict(theta, source, case.index, path="units")
    assert units.tobytes() == network.predict(theta, source, case.index, path="lanes").tobytes() == many.tobytes()


@every_isa
@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"dropout"}))
def test_a_single_window_is_trained_as_many_are(name, isa):
    """Units in the lanes: the same gradients, and of 33 windows the last alone."""
    case = draw(tolerances.KINK_MARGIN_ROUNDING, steps=7, grown=2.0, **NETWORKS[name] | {"batch": 33})
    for index in (case.index[:1], case.index):
        expected = case.network.gradient(case.theta, case.batch(index))
        result = case.core(isa=isa).gradient(case.theta, case.source(), index)
        assert largest_difference(result["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]


@every_dtype
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_memory_is_a_weighted_sum_of_what_was_stored(steps, heads, dtype):
    """h = o sum_s w_s (k_s q) v_s / max(|sum_s w_s k_s q|, 1), w_s = exp(a_i of s + later a_f), not stabilised."""
    hidden, d = 4, 4 // heads
    case = draw(tolerances.KINK_MARGIN_ROUNDING, steps=steps, hidden=hidden, heads=heads, horizon=hidden, grown=2.0)
    w = case.network.views(case.theta)
    w["head.W"][...], w["head.b"][...] = np.eye(hidden), 0.0
    x = case.batch().past
    q, k, v, gates = (x @ w[f"0.{part}.W"].T + w[f"0.{part}.b"] for part in ("q", "k", "v", "gates"))
    expected = []
    for head in range(heads):
        own = slice(head * d, head * d + d)
        a_i, a_f = gates[:, :, hidden + head], gates[:, :, hidden + heads + head]
        o = 1.0 / (1.0 + np.exp(-gates[:, -1, own]))
        weights = [np.exp(a_i[:, s] + a_f[:, s + 1 :].sum(axis=1)) for s in range(steps)]
        alike = [(k[:, s, own] * q[:, -1, own]).sum(axis=1) / np.sqrt(d) for s in range(steps)]
        top = sum((weights[s] * alike[s])[:, None] * v[:, s, own] for s in range(steps))
        below = np.maximum(np.abs(sum(weights[s] * alike[s] for s in range(steps))), 1.0)
        expected.append(o * top / below[:, None])
    found = case.core(dtype).predict(case.theta.astype(dtype), case.source(), case.index)
    assert largest_difference(found, np.concatenate(expected, axis=1), 1.0) <= tolerances.ORACLE_OUTPUTS[dtype]


@every_dtype
@pytest.mark.parametrize("value", [-300.0, 300.0])
@pytest.mark.parametrize("gate", ["i", "f"])
def test_gates_whose_exponential_no_number_holds_stay_finite(gate, value, dtype):
    case = draw(0.0, steps=30, hidden=4, heads=2)
    case.network.views(case.theta)["0.gates.b"][4 if gate == "i" else 6] = value
    result = case.gradient(dtype)
    assert np.isfinite(result["outputs"]).all()
    assert np.isfinite(result["theta"]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(heads=0), "heads: expected a divisor of its width"),
        (dict(heads=4), "heads: expected a divisor of its width"),
        (dict(heads=3), "q, k and v are as wide as the output, the gates wider by 2 for each head"),
        (dict(inputs=("0.q", "0.k", "0.v")), "number of inputs"),
        (dict(inputs=("0.q", "0.k", "0.gates", "0.v")), "q, k and v are as wide as the output"),
    ],
)
def test_the_door_refuses_what_no_kernel_may_see(changes, message):
    spec = draw(0.0, hidden=6, heads=2).network.spec
    layers = [replace(layer, **changes) if layer.kind == "mlstm" else layer for layer in spec.layers]
    with pytest.raises(ValueError, match=f"layer '0': {message}"):
        compiled(replace(spec, layers=tuple(layers)), "float64")


# -------------------- in the estimator


WAVE = np.lib.stride_tricks.sliding_window_view(np.sin(np.arange(90) / 3), 14)
X, Y = WAVE[:, :12], WAVE[:, 12:]


def test_an_estimator_learns_and_comes_out_of_a_file(tmp_path):
    model = RNNForecaster(cell="mlstm", hidden_size=8, heads=2, max_iter=60, random_state=0).fit(X, Y)
    assert model.score(X, Y) > 0.5
    model.save(tmp_path / "model.forecast")
    loaded = load(tmp_path / "model.forecast")
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    assert loaded.heads == 2
    assert model.weights_["0.gates.W"].shape == (8 + 2 * 2, 1)
    assert "0.R_i" not in model.weights_
    assert model.predict(X[:1]).tobytes() == model.predict(X)[:1].tobytes()
    again = RNNForecaster(cell="mlstm", hidden_size=8, heads=2, max_iter=60, random_state=0, n_jobs=2).fit(X, Y)
    assert again.predict(X).tobytes() == model.predict(X).tobytes()


def test_it_begins_as_a_mean_of_all_values():
    """Without weights of q and k, and with gates of one size, h is o times the mean of v."""
    case = draw(0.0, steps=6, hidden=4, horizon=4)
    w = case.network.views(case.theta)
    case.theta[...] = 0.0
    initial_draw(case.network.spec, w, np.random.default_rng(0))
    for name in ("0.q.W", "0.k.W", "0.gates.W"):
        w[name][...] = 0.0
    w["head.W"][...], w["head.b"][...] = np.eye(4), 0.0
    expected = 0.5 * (case.batch().past @ w["0.v.W"].T + w["0.v.b"]).mean(axis=1)
    np.testing.assert_allclose(case.core().predict(case.theta, case.source(), case.index), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(cell="lstm", heads=2), "heads=2 is for cell 'mlstm', not cell='lstm'; leave it 1"),
        (dict(heads=3), "heads=3: expected a divisor of hidden_size=8"),
        (dict(decoder="segments"), "decoder='segments' begins with the last states .* cell='mlstm'"),
        (dict(decoder="recurrent"), "decoder='recurrent' begins with the last states .* cell='mlstm'"),
        (dict(activation="relu"), "activation='relu' is for cell='rnn' or 'indrnn', not 'mlstm'"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        RNNForecaster(**dict(cell="mlstm", hidden_size=8) | changes).fit(X, Y)


@pytest.mark.parametrize(
    "ask", [lambda m: gradient_flow(m, X, Y), lambda m: gate_activity(m, X)], ids=["flow", "gates"]
)
def test_what_a_matrix_does_not_have_is_not_shown(ask):
    with pytest.raises(ValueError, match="cell='mlstm' holds a matrix"):
        ask(RNNForecaster(cell="mlstm", hidden_size=4, max_iter=1).fit(X, Y))
