"""Cells whose states are weighted means, against those means written out for one, two and three steps."""

import numpy as np
import pytest
import tolerances
from cases import DTYPES, stacked

from forecast import _core
from forecast._network import compiled

B, CHANNELS, H = 5, 3, 4
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
one_to_three_steps = pytest.mark.parametrize("steps", [1, 2, 3])


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


def last_states(cell, steps, dtype, theta=None, past=None):
    """What the core computes, and what it is computed from: h (B, H), x (B, T, CHANNELS), weights by short name."""
    rng = np.random.default_rng(steps)
    network = stacked(cell, steps, CHANNELS, H, 1, H)
    theta = rng.normal(size=network.n_parameters) if theta is None else theta
    views = network.views(theta)
    views["head.W"][...], views["head.b"][...] = np.eye(H), 0.0
    past = rng.normal(size=(B * steps, CHANNELS)) if past is None else past
    source = _core.Source(past=past, lookback=steps, past_stride=steps, target=np.zeros((B, H)), horizon=1)
    core = compiled(network.spec, dtype)
    h = core.predict(theta.astype(dtype), source, np.arange(B))
    return h, past.reshape(B, steps, CHANNELS), {name.removeprefix("0."): w for name, w in views.items()}


def assert_same(h, expected, dtype):
    np.testing.assert_allclose(h, expected, rtol=0, atol=tolerances.ORACLE_OUTPUTS[dtype])


@every_dtype
@one_to_three_steps
def test_mingru_is_a_weighted_mean_of_the_candidates(steps, dtype):
    h, x, w = last_states("mingru", steps, dtype)
    z, n = sigm(x @ w["W_z"].T + w["b_z"]), x @ w["W_n"].T + w["b_n"]
    expected = {
        1: lambda: (1 - z[:, 0]) * n[:, 0],
        2: lambda: z[:, 1] * (1 - z[:, 0]) * n[:, 0] + (1 - z[:, 1]) * n[:, 1],
        3: lambda: (
            z[:, 2] * z[:, 1] * (1 - z[:, 0]) * n[:, 0] + z[:, 2] * (1 - z[:, 1]) * n[:, 1] + (1 - z[:, 2]) * n[:, 2]
        ),
    }[steps]()
    assert_same(h, expected, dtype)


@every_dtype
@one_to_three_steps
def test_minlstm_is_a_weighted_mean_of_the_candidates(steps, dtype):
    h, x, w = last_states("minlstm", steps, dtype)
    f, i, n = sigm(x @ w["W_f"].T + w["b_f"]), sigm(x @ w["W_i"].T + w["b_i"]), x @ w["W_n"].T + w["b_n"]
    kept, new = f / (f + i), i / (f + i)
    expected = sum(new[:, s] * n[:, s] * kept[:, s + 1 :].prod(axis=1) for s in range(steps))
    assert_same(h, expected, dtype)


@every_dtype
@one_to_three_steps
def test_indrnn_sees_its_own_past_alone(steps, dtype):
    h, x, w = last_states("indrnn_tanh", steps, dtype)
    a = x @ w["W_h"].T + w["b_h"]
    expected = np.zeros((B, H))
    for t in range(steps):
        expected = np.tanh(a[:, t] + w["p_h"] * expected)
    assert_same(h, expected, dtype)


def slstm_by_weights(x, w):
    """h as o times a mean of the candidates with the weights exp(a_i + later a_f), without a stabiliser."""
    h, candidates, log_weights = np.zeros((len(x), H)), [], []
    for t in range(x.shape[1]):
        a = {row: x[:, t] @ w[f"W_{row}"].T + h @ w[f"R_{row}"].T + w[f"b_{row}"] for row in "ifgo"}
        log_weights = [log_weight + a["f"] for log_weight in log_weights] + [a["i"]]
        candidates.append(np.tanh(a["g"]))
        weights = np.exp(log_weights)
        h = sigm(a["o"]) * (weights * candidates).sum(axis=0) / weights.sum(axis=0)
    return h


@every_dtype
@one_to_three_steps
def test_slstm_is_a_weighted_mean_of_the_candidates(steps, dtype):
    h, x, w = last_states("slstm", steps, dtype)
    assert_same(h, slstm_by_weights(x, w), dtype)


@every_dtype
def test_slstm_over_one_step_is_the_output_gate_times_the_candidate(dtype):
    h, x, w = last_states("slstm", 1, dtype)
    x = x[:, 0]
    assert_same(h, sigm(x @ w["W_o"].T + w["b_o"]) * np.tanh(x @ w["W_g"].T + w["b_g"]), dtype)


@every_dtype
@pytest.mark.parametrize("gate", ["b_i", "b_f"])
@pytest.mark.parametrize("value", [-300.0, 300.0])
def test_slstm_stays_finite_for_gates_whose_exponential_is_not(gate, value, dtype):
    network = stacked("slstm", 40, CHANNELS, H, 1, H)
    theta = np.random.default_rng(0).normal(size=network.n_parameters) / 3
    network.views(theta)[f"0.{gate}"][...] = value
    h, x, w = last_states("slstm", 40, dtype, theta)
    assert np.isfinite(h).all()
    if gate == "b_i":  # it scales all weights alike
        assert_same(h, slstm_by_weights(x, w | {"b_i": np.zeros(H)}), dtype)
    source = _core.Source(past=x.reshape(-1, CHANNELS), lookback=40, past_stride=40, target=np.ones((B, H)), horizon=1)
    result = compiled(network.spec, dtype).gradient(theta.astype(dtype), source, np.arange(B))
    assert np.isfinite(result["theta"]).all()


def test_the_input_gates_bias_of_slstm_has_no_gradient_from_zeros():
    network = stacked("slstm", 6, CHANNELS, H, 1, H)
    theta = np.random.default_rng(0).normal(size=network.n_parameters)
    past = np.random.default_rng(1).normal(size=(B * 6, CHANNELS))
    source = _core.Source(past=past, lookback=6, past_stride=6, target=np.ones((B, H)), horizon=1)
    gradient = network.views(compiled(network.spec, "float64").gradient(theta, source, np.arange(B))["theta"])
    assert np.abs(gradient["0.b_i"]).max() <= 1e-15 * np.abs(gradient["0.b_g"]).max() + 1e-15
