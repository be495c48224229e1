"""Parity with PyTorch: its answers for the same weights and windows, kept in golden/ (see make_golden.py there).

The oracle is held to them as well, so that core, oracle and PyTorch are three opinions on the same numbers. PyTorch
does not have every cell and loss of the registries: the proof of the others is the oracle and central differences
(test_reference.py, test_gradients.py).
"""

from pathlib import Path

import numpy as np
import pytest
import reference
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, largest_difference, stacked

from forecast import _core

pytestmark = pytest.mark.quick

GOLDEN = Path(__file__).parent / "golden"
PYTORCH_CELLS = ("gru", "lstm", "rnn_relu", "rnn_tanh")
PYTORCH_LOSSES = ("absolute_error", "huber", "quantile", "squared_error")
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


def test_what_pytorch_has_is_compared_with_it():
    """A cell or loss that it does not have has no golden file; one that has a file is among the parameters below."""
    assert set(PYTORCH_CELLS) == {cell for cell in CELLS if (GOLDEN / f"{cell}.npz").exists()}
    with np.load(GOLDEN / "losses.npz", allow_pickle=False) as file:
        assert set(PYTORCH_LOSSES) == {loss for loss in LOSSES if f"{loss}/value" in file.files}


def assert_gradients(result, answers, dtype):
    for name in ("theta", "past", "extra", "initial"):
        difference = largest_difference(result[name], answers[f"gradient_{name}"])
        assert difference <= tolerances.PARITY_GRADIENTS[dtype], name


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", PYTORCH_CELLS)
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


@pytest.mark.parametrize("loss", PYTORCH_LOSSES)
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
@pytest.mark.parametrize("cell", PYTORCH_CELLS)
def test_outputs_agree_with_pytorch(cell, shape, dtype, isa):
    case, answers, _, _ = load(cell, shape, dtype)
    outputs = case.core(dtype, isa).predict(case.theta.astype(dtype), case.source(), case.index)
    assert outputs.dtype == dtype
    assert np.abs(outputs - answers["outputs"]).max() <= tolerances.PARITY_OUTPUTS[dtype]


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", PYTORCH_CELLS)
def test_gradients_agree_with_pytorch(cell, shape, dtype, isa):
    case, answers, initial, _ = load(cell, shape, dtype)
    network = case.core(dtype, isa)
    index = case.index[:BATCH]
    result = network.gradient(case.theta.astype(dtype), case.source(), index, initial=initial.astype(dtype))
    assert result["loss"] == pytest.approx(float(answers["loss"]), rel=tolerances.PARITY_OUTPUTS[dtype])
    assert_gradients(result, answers, dtype)


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", PYTORCH_CELLS)
def test_fifty_adam_steps_follow_pytorchs_loss_curve(cell, shape, dtype, isa):
    case, answers, _, order = load(cell, shape, dtype)
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
    result = network.train(theta, optimizer, case.source(), order, BATCH, rate=0.01)
    assert result["finite"]
    np.testing.assert_allclose(result["losses"], answers["curve"], rtol=tolerances.PARITY_LOSS_CURVE)


# -------------------- networks of several kinds of layers (see make_layers.py)

LAYERED = {  # file -> the network in our words
    "bidirectional_gru": lambda: stacked("gru", 9, 3, 5, 2, 2, extra=2, bidirectional=True),
    "bidirectional_lstm": lambda: stacked("lstm", 9, 3, 5, 2, 2, extra=2, bidirectional=True),
    "steps_gru": lambda: over_the_future("gru"),
    "steps_lstm": lambda: over_the_future("lstm"),
    "segrnn": lambda: stacked(
        "gru",
        24,
        1,
        8,
        1,
        12,
        segment=6,
        decoder="segments",
        decoder_tied=True,
        series=4,
        series_size=4,
        series_left_out=0.0,
    ),
}


def over_the_future(cell):
    own = dict(future=2, static=1, future_size=3, decoder="steps", decoder_size=7)
    return stacked(cell, 8, 2, 6, 1, targets=5, extra=5 * 2 + 1, **own)


def load_layered(name):
    """The case, PyTorch's answers, and the order of the windows in training."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        answers = {key: file[key] for key in file.files}
    network, past, target = LAYERED[name](), answers["past"], answers["target"]
    windows, steps = past.shape[:2]
    horizon = target.shape[1]
    arguments = dict(
        past=past.reshape(windows * steps, -1), lookback=steps, past_stride=steps,
        target=target.reshape(-1, 1), horizon=horizon, target_stride=horizon,
    )  # fmt: skip
    beside = [answers[key].reshape(windows, -1) for key in ("extra", "future", "static") if key in answers]
    if beside:
        arguments["extra"] = np.concatenate(beside, axis=1)
    if "channel" in answers:  # SegRNN takes the last value off
        last = np.array([1], np.int32), np.array([0], np.int32)
        arguments |= dict(series_row=answers["channel"], anchor=last[0], target_anchor=last[1])
    theta = np.concatenate([answers[f"weights/{key}"].ravel() for key, _, _ in network.layout]).astype(float)
    return Case(network, theta, arguments, np.arange(windows)), answers, answers["order"]


def assert_layered(case, answers, outputs, result, losses, dtype):
    """Outputs of all windows, loss and gradients of the first batch, and the losses of training."""
    if "channel" in answers:
        outputs = outputs + answers["past"][:, -1:]
    bound = {"float64": tolerances.PARITY_OUTPUTS, "float32": tolerances.ORACLE_OUTPUTS}[dtype][dtype]
    assert largest_difference(outputs, answers["outputs"], at_least=1.0) <= bound
    assert result["loss"] == pytest.approx(float(answers["loss"]), rel=bound)
    bound = {"float64": tolerances.PARITY_GRADIENTS, "float32": tolerances.ORACLE_GRADIENTS}[dtype][dtype]
    for name, d in case.network.views(np.asarray(result["theta"])).items():
        assert largest_difference(d, answers[f"gradient/{name}"]) <= bound, name
    past = answers["input_gradient/0"].reshape(result["past"].shape)
    if "channel" in answers:  # there the newest value is also in what is subtracted
        assert largest_difference(result["past"][:, :-1], past[:, :-1]) <= bound
    else:
        assert largest_difference(result["past"], past) <= bound
        beside = [
            answers[f"input_gradient/{n}"].reshape(len(past), -1) for n in (1, 2) if f"input_gradient/{n}" in answers
        ]
        assert largest_difference(result["extra"], np.concatenate(beside, axis=1)) <= bound
    np.testing.assert_allclose(losses, answers["curve"], rtol=tolerances.PARITY_LOSS_CURVE)


@pytest.mark.parametrize("name", LAYERED)
def test_the_oracle_of_layers_agrees_with_pytorch(name):
    case, answers, order = load_layered(name)
    batches = [case.batch(index) for index in order.reshape(-1, BATCH)]
    result = case.network.gradient(case.theta, batches[0])
    _, losses, _, _ = case.network.train(case.theta, "adam", batches, 0.01)
    assert_layered(case, answers, case.network.forward(case.theta, case.batch()), result, losses, "float64")


@pytest.mark.parametrize(("dtype", "isa"), EVERY_CORE)
@pytest.mark.parametrize("name", LAYERED)
def test_networks_of_layers_agree_with_pytorch(name, dtype, isa):
    case, answers, order = load_layered(name)
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    outputs = network.predict(theta, source, case.index)
    result = network.gradient(theta, source, order[:BATCH])
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
    rates = np.full(len(order) // BATCH, 0.01)
    losses = network.train(theta, optimizer, source, order, BATCH, rates=rates)["losses"]
    assert_layered(case, answers, outputs, result, losses, dtype)


def test_rows_of_tables_are_stepped_as_by_pytorchs_sparse_adam():
    """Moments and values of rows that no window reads stay; the correction of the bias counts all steps."""
    with np.load(GOLDEN / "sparse_adam.npz", allow_pickle=False) as file:
        theta, read, gradients, path = (file[key] for key in ("table", "read", "gradients", "path"))
    state = {"steps": 0, "first": np.zeros_like(theta), "second": np.zeros_like(theta)}
    for rows, g, expected in zip(read, gradients, path, strict=True):
        constants = dict(beta_1=0.8, beta_2=0.95, epsilon=1e-300)
        theta = reference.step("adam", theta, g, state, 0.05, np.broadcast_to(rows[:, None], g.shape), **constants)
        np.testing.assert_allclose(theta, expected, rtol=0, atol=tolerances.PARITY_OUTPUTS["float64"])


def test_the_golden_files_are_small():
    assert sum(path.stat().st_size for path in GOLDEN.iterdir() if path.is_file()) < 1e6
