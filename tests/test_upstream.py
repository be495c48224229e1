"""Gradients of outputs, whatever goes backward from them: those of the loss where that is what goes backward."""

import numpy as np
import pytest
import tolerances
from cases import FAMILIES_OF_ALL, draw_case, draw_family, largest_difference
from slopes import slope

TENSORS = ("theta", "past", "extra")


def upstream_of_loss(case, outputs):
    """The gradient of the squared error by the outputs."""
    batch = case.batch()
    weight = batch.weight[:, None] * np.ones(outputs.shape)
    return 2 * weight * (outputs - batch.target) / weight.sum()


@pytest.mark.parametrize("name", FAMILIES_OF_ALL)
def test_the_losss_own_gradient_sent_backward_gives_that_of_the_loss(name):
    """Which the oracle checks."""
    case = draw_family(name, np.random.default_rng(0), weighted=True)
    expected = case.gradient()
    found = case.gradient(upstream=upstream_of_loss(case, expected["outputs"]))
    for tensor in TENSORS:
        difference = largest_difference(found[tensor], expected[tensor], 1e-6)
        assert difference < tolerances.ORACLE_GRADIENTS["float64"], tensor
    assert found["loss"] == 0.0


@pytest.mark.parametrize("name", ["plain", "recurrent over the known future", "SegRNN", "vector, everything"])
def test_gradients_are_slopes_of_weighted_outputs(name):
    """The loss is of several outputs per target, which a loss's own gradient never weighs at will."""
    rng = np.random.default_rng(1)
    case = draw_family(name if name in FAMILIES_OF_ALL else next(iter(FAMILIES_OF_ALL)), rng, loss="quantile")
    core, source = case.core(), case.source()
    upstream = rng.normal(size=(len(case.index), core.n_outputs))
    gradient = core.gradient(case.theta, source, case.index, upstream=upstream)["theta"]

    def weighted():
        return float((core.predict(case.theta, source, case.index) * upstream).sum())

    scale = np.abs(gradient).max()
    for _ in range(4):
        direction = rng.choice([-1.0, 1.0], size=case.theta.shape)
        expected = slope(weighted, case.theta, direction)
        assert abs(gradient @ direction - expected) < 1e-6 * scale * np.sqrt(len(gradient))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_the_same_for_any_number_of_threads_and_alone(dtype):
    case = draw_case("lstm", np.random.default_rng(2), hidden=13, batch=101, extra=1)
    core, theta, source = case.core(dtype), case.theta.astype(dtype), case.source()
    upstream = np.random.default_rng(3).normal(size=(101, core.n_outputs)).astype(dtype)
    one, many = (core.gradient(theta, source, case.index, upstream=upstream, threads=n) for n in (1, 3))
    for tensor in TENSORS:
        assert one[tensor].tobytes() == many[tensor].tobytes()
    alone = core.gradient(theta, source, case.index[7:8], upstream=upstream[7:8])
    assert alone["past"].tobytes() == one["past"][7:8].tobytes()


def test_targets_are_not_needed_and_not_fed():
    case = draw_family("recurrent", np.random.default_rng(4))
    without = case.with_arguments(target=None, horizon=0)
    upstream = np.ones((len(case.index), case.core().n_outputs))
    expected, found = case.gradient(upstream=upstream), without.gradient(upstream=upstream)
    assert found["past"].tobytes() == expected["past"].tobytes()
    with pytest.raises(ValueError, match="upstream: true targets are fed with the loss's gradient only"):
        case.gradient(upstream=upstream, forced=0.5, seed=1)
    with pytest.raises(ValueError, match="upstream"):
        case.gradient(upstream=upstream[:, :-1])
