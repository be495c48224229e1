"""The oracle stands on its own: its gradients are the central differences of its losses, and it knows every name."""

import numpy as np
import pytest
import reference
import tolerances
from cases import CELLS, LOSSES, draw_away_from_kinks, draw_case, largest_difference

from forecast import _core

STEP = tolerances.DIFFERENCES_STEP


def central_differences(function, x):
    """Of fourth order, along every coordinate of x, which is put back."""
    slope, flat = np.empty(x.size), x.reshape(-1)
    for i in range(x.size):
        kept, values = flat[i], []
        for offset in (-2.0, -1.0, 1.0, 2.0):
            flat[i] = kept + offset * STEP
            values.append(function())
        flat[i] = kept
        slope[i] = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * STEP)
    return slope.reshape(x.shape)


def assert_analytic_is_numeric(case, initial=None, masks=None):
    network, theta, batch = case.network, case.theta.copy(), case.batch()

    def loss():
        outputs, _, _ = network.forward(theta, batch, initial, masks)
        return network.loss_and_derivative(outputs, batch)[0]

    result = network.gradient(theta, batch, initial, masks)
    assert result["loss"] == loss()
    analytic = network.views(result["theta"]) | {"past": result["past"], "extra": result["extra"]}
    places = network.views(theta) | {"past": batch.past, "extra": batch.extra}
    if initial is not None:
        analytic["initial"], places["initial"] = result["initial"], initial
    for name, place in places.items():
        numeric = central_differences(loss, place)
        assert largest_difference(analytic[name], numeric) <= tolerances.DIFFERENCES, name


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_every_cell_are_central_differences(cell, layers):
    shape = dict(steps=4, batch=3, inputs=2, hidden=3, layers=layers, extra=2, weighted=True, missing=0.2)
    case = draw_away_from_kinks(cell, 1, tolerances.KINK_MARGIN, **shape)
    states = len(reference.REFERENCE_CELLS[cell].states)
    initial = np.random.default_rng(2).normal(size=(layers, states, 3, 3)) / 4
    if cell == "rnn_relu":  # its kinks are known for a start at zero only
        initial *= 0.0
        assert case.network.distance_from_kinks(case.theta, case.batch(), initial) >= tolerances.KINK_MARGIN
    assert_analytic_is_numeric(case, initial)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_every_loss_are_central_differences(loss):
    shape = dict(batch=5, targets=3, loss=loss, weighted=True, missing=0.3)
    assert_analytic_is_numeric(draw_away_from_kinks("gru", 3, tolerances.KINK_MARGIN, **shape))


def test_gradients_with_dropout_masks_are_central_differences():
    rng = np.random.default_rng(4)
    case = draw_case("lstm", rng, layers=2, batch=3)
    n = case.network
    masks = (rng.random(size=(n.layers, n.steps, 3, n.hidden)) > 0.4) / 0.6
    assert_analytic_is_numeric(case, masks=masks)


def test_the_loss_is_the_weighted_mean_over_observed_targets():
    network = reference.Network("gru", 1, 1, 1, 1, targets=2, loss="quantile", loss_parameters=(0.2, 0.6))
    outputs = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])  # index = target * levels + level
    batch = reference.Batch(None, np.array([[3.0, np.nan], [4.0, 9.0]]), None, np.array([1.0, 5.0]))
    window_0 = (0.2 * 2.0 + 0.6 * 1.0) / 2
    window_1 = (0.8 * 1.0 + 0.4 * 2.0) / 2 + (0.2 * 2.0 + 0.6 * 1.0) / 2
    loss, _ = network.loss_and_derivative(outputs, batch)
    assert loss == pytest.approx((1.0 * window_0 + 5.0 * window_1) / (1.0 * 1 + 5.0 * 2))


def test_clipping_is_by_value_first_and_then_by_norm():
    g = reference.clip(np.array([3.0, -40.0]), clip_norm=2.5, clip_value=4.0)
    np.testing.assert_allclose(g, [1.5, -2.0])


def test_every_cell_has_an_oracle():
    assert set(reference.REFERENCE_CELLS) == set(_core.CELLS)
    for name, cell in reference.REFERENCE_CELLS.items():
        info = _core.CELLS[name]
        assert (list(cell.rows), list(cell.states)) == (info["rows"], info["states"]), name
        assert (cell.input, cell.state) == (tuple(info["input"]), tuple(info["state"])), name


def test_every_loss_has_an_oracle():
    assert set(reference.REFERENCE_LOSSES) == set(_core.LOSSES)
    for name, loss in reference.REFERENCE_LOSSES.items():
        info = _core.LOSSES[name]
        assert len(loss.parameters) == len(info["parameters"]), name
        assert loss.one_output_per_parameter == info["one_output_per_parameter"], name


def test_every_optimiser_has_an_oracle():
    assert set(reference.REFERENCE_OPTIMIZERS) == set(_core.OPTIMIZERS)
