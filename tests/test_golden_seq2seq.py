"""Encoder, decoder and dot attention against the same written out in PyTorch (see golden/make_seq2seq.py)."""

from pathlib import Path

import numpy as np
import pytest
import tolerances
from cases import DTYPES, ISAS, Case, largest_difference, stacked

from forecast import _core

GOLDEN, BATCH = Path(__file__).parent / "golden", 16
every_core = pytest.mark.parametrize(("dtype", "isa"), [(dtype, isa) for dtype in DTYPES for isa in ISAS])
every_file = pytest.mark.parametrize("name", ["free_lstm", "taught_gru"])


def load(name):
    """The case, PyTorch's answers, and the probability of reading the true target."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        answers = {key: file[key] for key in file.files}
    taught, cell = name.split("_")
    network = stacked(cell, 8, 2, 6, 1, 5, 10, decoder="recurrent", attention="dot", future=2)
    windows = len(answers["past"])
    arguments = dict(
        past=answers["past"].reshape(-1, 2), lookback=8, past_stride=8,
        target=answers["target"].reshape(-1, 1), horizon=5, target_stride=5, extra=answers["future"].reshape(-1, 10),
    )  # fmt: skip
    theta = np.concatenate([answers[f"weights/{key}"].ravel() for key, _, _ in network.layout]).astype(float)
    return Case(network, theta, arguments, np.arange(windows)), answers, float(taught == "taught")


def bounds(dtype):
    if dtype == "float64":
        return tolerances.PARITY_OUTPUTS[dtype], tolerances.PARITY_GRADIENTS[dtype]
    return tolerances.ORACLE_OUTPUTS[dtype], tolerances.ORACLE_GRADIENTS[dtype]


@every_core
@every_file
def test_outputs_loss_and_gradients_are_those_of_pytorch(name, dtype, isa):
    case, answers, forced = load(name)
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    outputs, gradients = bounds(dtype)
    result = network.gradient(theta, case.source(), case.index, forced=forced)
    assert largest_difference(result["outputs"], answers["outputs"], at_least=1.0) <= outputs
    if not forced:
        found = network.predict(theta, case.source(), case.index)
        assert found.tobytes() == result["outputs"].tobytes()
    result = network.gradient(theta, case.source(), case.index[answers["order"][:BATCH]], forced=forced)
    assert result["loss"] == pytest.approx(float(answers["loss"]), rel=outputs)
    for tensor, d in case.network.views(np.asarray(result["theta"])).items():
        assert largest_difference(d, answers[f"gradient/{tensor}"]) <= gradients, tensor
    assert largest_difference(result["past"], answers["input_gradient/0"]) <= gradients
    future = result["extra"].reshape(BATCH, 5, 2)
    assert largest_difference(future, answers["input_gradient/1"]) <= gradients


@pytest.mark.parametrize("path", ["lanes", "units"])
@pytest.mark.parametrize("dtype", DTYPES)
@every_file
def test_training_follows_pytorchs_loss_curve(name, dtype, path):
    case, answers, forced = load(name)
    network, theta = case.core(dtype), case.theta.astype(dtype)
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
    source, order = case.source(), answers["order"]
    result = network.train(theta, optimizer, source, order, BATCH, rate=0.01, forced=forced, path=path)
    assert result["finite"]
    np.testing.assert_allclose(result["losses"], answers["curve"], rtol=tolerances.PARITY_LOSS_CURVE)


@every_file
def test_the_oracle_is_pytorchs(name):
    case, answers, forced = load(name)
    taught = forced > 0 and np.ones((len(case.index), 5), dtype=bool)
    found = case.network.forward(case.theta, case.batch()) if not forced else None
    result = case.network.gradient(case.theta, case.batch(case.index[answers["order"][:BATCH]]),
                                   taught=taught if taught is False else taught[:BATCH])  # fmt: skip
    if found is not None:
        assert largest_difference(found, answers["outputs"], at_least=1.0) <= tolerances.PARITY_OUTPUTS["float64"]
    for tensor, d in case.network.views(result["theta"]).items():
        assert largest_difference(d, answers[f"gradient/{tensor}"]) <= tolerances.PARITY_GRADIENTS["float64"], tensor
