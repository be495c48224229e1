"""Parity with PyTorch: its answers for the same weights and windows, kept in golden/ (see make_golden.py there).

The oracle is held to them as well, so that core, oracle and PyTorch are three opinions on the same numbers.
"""

from pathlib import Path

import numpy as np
import pytest
import reference
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, largest_difference, stacked

from forecast import _core

GOLDEN = Path(__file__).parent / "golden"
SHAPES = ("deep", "single", "small")
EVERY_CORE = [(dtype, isa) for dtype in DTYPES for isa in ISAS]
BATCH = 16


def load(cell, shape, dtype):
    """The case in the core's words, PyTorch's answers, and the order of the windows in training."""
    with np.load(GOLDEN / f"{cell}.npz", allow_pickle=False) as file:
        size = {name.rpartition("/")[2]: int(file[name]) for name in file.files if f"{shape}/shape/" in name}
        data = {name: file[f"{shape}/{name}"] for name in ("past", "extra", "target", "initial", "order")}
        prefix = f"{shape}/{dtype}/"
        answers = {name.removeprefix(prefix): file[name] for name in file.files if name.startswith(prefix)}
    windows, steps, inputs = data["past"].shape
    arguments = dict(
        past=data["past"].reshape(-1, inputs), lookback=steps, past_stride=steps, target=data["target"], horizon=1
    )
    if size["extra"]:
        arguments["extra"] = data["extra"]
    case = Case(stacked(cell, **size), answers["theta"].astype(float), arguments, np.arange(windows))
    return case, answers, data["initial"], data["order"]


def assert_gradients(result, answers, dtype):
    for name in ("theta", "past", "extra", "initial"):
        difference = largest_difference(result[name], answers[f"gradient_{name}"])
        assert difference <= tolerances.PARITY_GRADIENTS[dtype], name


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_the_oracle_agrees_with_pytorch(cell, shape):
    case, answers, initial, order = load(cell, shape, "float64")
    outputs = case.network.forward(case.theta, case.batch())
    assert np.abs(outputs - answers["outputs"]).max() <= tolerances.PARITY_OUTPUTS["float64"]
    first = case.batch(case.index[:BATCH])
    result = case.network.gradient(case.theta, first, initial.astype(float))
    assert result["loss"] == pytest.approx(answers["loss"], rel=tolerances.PARITY_OUTPUTS["float64"])
    assert_gradients(result, answers, "float64")
    batches = [case.batch(index) for index in order.reshape(-1, BATCH)]
    _, losses, _, _ = case.network.train(case.theta, "adam", batches, 0.01)
    np.testing.assert_allclose(losses, answers["curve"], rtol=tolerances.PARITY_LOSS_CURVE)


@pytest.mark.parametrize("name", ["sgd", "sgd_momentum", "adam", "adamw", "rmsprop", "rmsprop_momentum"])
def test_the_oracles_optimisers_are_those_of_pytorch(name):
    constants = dict(beta_1=0.8, beta_2=0.95, epsilon=1e-6, weight_decay=0.03)
    constants["momentum"] = 0.8 if name.endswith("_momentum") else 0.0
    with np.load(GOLDEN / "optimizers.npz", allow_pickle=False) as file:
        theta, gradients, path = file["theta"], file["gradients"], file[name]
    state = {"steps": 0, "first": np.zeros_like(theta), "second": np.zeros_like(theta)}
    for gradient, expected in zip(gradients, path, strict=True):
        state["steps"] += 1
        step = reference.REFERENCE_OPTIMIZERS[name.removesuffix("_momentum")]
        theta = step(theta, gradient, state, 0.05, **constants)
        np.testing.assert_allclose(theta, expected, rtol=0, atol=tolerances.PARITY_OUTPUTS["float64"])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_oracles_losses_are_those_of_pytorch(loss):
    parameters = {"huber": (0.7,), "quantile": (0.3,)}.get(loss, ())
    with np.load(GOLDEN / "losses.npz", allow_pickle=False) as file:
        p, y, value, derivative = (file[key] for key in ("p", "y", f"{loss}/value", f"{loss}/derivative"))
    formula = reference.REFERENCE_LOSSES[loss]
    p, y = p[:, None, None], y[:, None, None]
    atol = tolerances.PARITY_OUTPUTS["float64"]
    np.testing.assert_allclose(formula.value(p, y, parameters).ravel(), value, rtol=0, atol=atol)
    np.testing.assert_allclose(formula.derivative(p, y, parameters).ravel(), derivative, rtol=0, atol=atol)


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_agree_with_pytorch(cell, shape, dtype, isa):
    case, answers, _, _ = load(cell, shape, dtype)
    outputs = case.core(dtype, isa).predict(case.theta.astype(dtype), case.source(), case.index)
    assert outputs.dtype == dtype
    assert np.abs(outputs - answers["outputs"]).max() <= tolerances.PARITY_OUTPUTS[dtype]


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_agree_with_pytorch(cell, shape, dtype, isa):
    case, answers, initial, _ = load(cell, shape, dtype)
    network = case.core(dtype, isa)
    index = case.index[:BATCH]
    result = network.gradient(case.theta.astype(dtype), case.source(), index, initial=initial.astype(dtype))
    assert result["loss"] == pytest.approx(float(answers["loss"]), rel=tolerances.PARITY_OUTPUTS[dtype])
    assert_gradients(result, answers, dtype)


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_fifty_adam_steps_follow_pytorchs_loss_curve(cell, shape, dtype, isa):
    case, answers, _, order = load(cell, shape, dtype)
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
    result = network.train(theta, optimizer, case.source(), order, BATCH, rate=0.01)
    assert result["finite"]
    np.testing.assert_allclose(result["losses"], answers["curve"], rtol=tolerances.PARITY_LOSS_CURVE)


def test_the_golden_files_are_small():
    assert sum(path.stat().st_size for path in GOLDEN.iterdir() if path.is_file()) < 1e6
