"""The straight line past the network: its start is the ridge regression on the windows to train on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from layouts import layout, n_parameters
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from forecast import RNNForecaster, Windows, make_windows
from forecast._network import CELLS, Architecture, Network, Scaling, line, spec_of, start_with_line, windows_scaling
from forecast._network.gathered import scaled_windows
from forecast._rnn.arguments import groups_of

LOOKBACK, HORIZON, PENALTY = 8, 3, 1e-3


def series(rows=200, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return 5.0 + 3.0 * np.cumsum(rng.normal(size=(rows, channels)), axis=0)


def windows_of(values, norm=None, n_targets=1, targets=None):
    origins = np.arange(LOOKBACK - 1, len(values) - HORIZON)
    return Windows(
        values, origins, lookback=LOOKBACK, horizon=HORIZON, window_norm=norm, n_targets=n_targets, targets=targets
    )


def started(windows, weight=None, rows=None, penalty=PENALTY, **changes):
    """A network whose skip has begun; its head is not 0 before."""
    columns = windows.n_targets
    fields = dict(cell="gru", dtype="float64", steps=LOOKBACK, inputs=windows.n_channels, hidden=4, layers=1)
    fields |= dict(targets=HORIZON * columns, columns=columns, skip="linear") | changes
    a = Architecture(**fields)
    spec = spec_of(a)
    core = SimpleNamespace(layout=layout(spec, CELLS), n_parameters=n_parameters(spec, CELLS))
    rows = np.arange(len(windows)) if rows is None else rows
    scaling = windows_scaling(windows.source_arguments(), weight, rows)
    network = Network(a, scaling, np.full(core.n_parameters, 0.5), _compiled=core)
    start_with_line(network, windows.source_arguments(), weight, rows, penalty)
    return network


def scaled(network, windows):
    s = network.scaling
    past = np.asarray(windows).reshape(len(windows), LOOKBACK, -1)
    return (past - s.past_mean) / s.past_scale, (np.asarray(windows.y) - s.target_mean) / s.target_scale


def ridge(x, y, weight=None, penalty=PENALTY):
    """Coefficients (outputs, inputs), by scikit-learn; its penalty is of the sum."""
    weight = np.ones(len(x)) if weight is None else weight
    alpha = penalty * np.mean((weight[:, None] * x**2).sum(axis=0))
    return Ridge(alpha=alpha, fit_intercept=False).fit(x, y, sample_weight=weight).coef_


@pytest.mark.parametrize("norm", [None, "last", "mean", "standard"])
def test_gathered_windows_are_those_of_the_table(norm):
    windows = windows_of(series(), norm, n_targets=2)
    s = Scaling(np.arange(3.0), np.array([1.0, 2.0, 3.0]), np.arange(6.0), np.arange(1.0, 7.0))
    index = np.array([5, 0, 17])
    past, targets = scaled_windows(windows.source_arguments(), s, index)
    expected, y = scaled(SimpleNamespace(scaling=s), windows[index])
    np.testing.assert_allclose(past, expected, atol=1e-12)
    np.testing.assert_allclose(targets, y, atol=1e-12)
    clipped, _ = scaled_windows(windows.source_arguments(), s, index, clip=0.25)
    np.testing.assert_allclose(clipped, np.clip(expected, -0.25, 0.25), atol=1e-12)


def test_gathered_windows_know_seasons_newest_steps_and_floors():
    """Window by window and step by step, as `Source` says it."""
    values = series(60)
    floor, starts = np.array([[0.0, 0.0, 1.5], [0.0, 0.0, 9.5]]), np.array([0, 30, 60])
    origin = np.array([12, 20, 45, 52])
    arguments = dict(
        past=values, lookback=LOOKBACK, origin=origin, past_shift=1 - LOOKBACK, target=values, horizon=HORIZON,
        target_shift=1, anchor=np.array([4, 2, 3]), target_anchor=np.array([0, 1, 2]), season=3, anchor_steps=5,
        anchor_floor=floor, starts=starts,
    )  # fmt: skip
    plain = Scaling(np.zeros(3), np.ones(3), np.zeros(3 * HORIZON), np.ones(3 * HORIZON))
    past, targets = scaled_windows(arguments, plain, np.arange(4))
    for n, newest in enumerate(origin):
        x = values[newest - LOOKBACK + 1 : newest + 1]
        whole = np.concatenate([past[n], targets[n].reshape(HORIZON, 3)])
        rows = values[newest - LOOKBACK + 1 : newest + 1 + HORIZON]
        for step in range(LOOKBACK + HORIZON):
            assert whole[step, 0] == pytest.approx(rows[step, 0] - x[step % 3 :: 3, 0].mean())
        assert whole[:, 1] == pytest.approx(rows[:, 1] - x[-5:, 1].mean())
        spread = max(x[-5:, 2].std(), floor[int(newest >= 30), 2])
        assert whole[:, 2] == pytest.approx((rows[:, 2] - x[-5:, 2].mean()) / spread)


@pytest.mark.parametrize("skip", ["linear", "linear-all"])
def test_the_skip_begins_with_ridges_coefficients(skip):
    windows = windows_of(series(), n_targets=2)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(windows))
    network = started(windows, weight, skip=skip)
    past, y = scaled(network, windows)
    x = (past[:, :, :2] if skip == "linear" else past).reshape(len(past), -1)
    np.testing.assert_allclose(network.weights["skip.W"], ridge(x, y, weight), atol=1e-9)
    assert not network.weights["head.W"].any()
    assert not network.weights["head.b"].any()
    assert np.all(network.weights["0.R_r"] == 0.5), "the other layers keep their weights"


def test_windows_that_are_not_trained_on_have_no_part_in_it():
    values = series()
    rows = np.arange(100)
    before = started(windows_of(values), rows=rows).theta
    values[100 + LOOKBACK + HORIZON :] *= 1e6
    assert started(windows_of(values), rows=rows).theta.tobytes() == before.tobytes()


def test_a_missing_target_is_left_out_of_its_output_alone():
    values = series(channels=1)
    targets = values.copy()
    targets[50:60] = targets[100] = np.nan
    windows = windows_of(values, targets=targets)
    network = started(windows)
    past, y = scaled(network, windows)
    x = past.reshape(len(past), -1)
    assert np.isnan(y).any(axis=0).all()
    for output in range(HORIZON):
        seen = ~np.isnan(y[:, output])
        assert not seen.all()
        expected = ridge(x[seen], y[seen, output])
        np.testing.assert_allclose(network.weights["skip.W"][output], expected, atol=1e-9)


def test_pieces_add_up_to_the_whole(monkeypatch):
    values = series(channels=1)
    targets = values.copy()
    targets[50:60] = np.nan
    whole = started(windows_of(values, targets=targets)).theta
    monkeypatch.setattr(line, "_ENTRIES", 64)
    pieces = started(windows_of(values, targets=targets)).theta
    np.testing.assert_allclose(pieces, whole, atol=1e-10)


def test_all_levels_begin_with_the_same_line():
    windows = windows_of(series(channels=1))
    one, three = started(windows), started(windows, loss="quantile", loss_parameters=(0.1, 0.5, 0.9))
    assert np.array_equal(three.weights["skip.W"], np.repeat(one.weights["skip.W"], 3, axis=0))


def test_outputs_behind_the_horizon_begin_with_zeros():
    windows = windows_of(series(channels=1))
    network = started(windows, decoder="segments", segment=2)
    assert network.weights["skip.W"].shape == (4, LOOKBACK)
    assert np.array_equal(network.weights["skip.W"][:3], started(windows).weights["skip.W"])
    assert not network.weights["skip.W"][3].any()


def test_a_constant_series_begins_with_zeros():
    network = started(windows_of(np.full((60, 1), 3.0)))
    assert not network.weights["skip.W"].any()


def test_an_output_that_was_never_seen_begins_with_zeros():
    values = series(channels=2)
    targets = np.column_stack([values[:, 0], np.full(len(values), np.nan)])
    targets[:LOOKBACK, 1] = values[:LOOKBACK, 1]  # a mean to scale by needs a value; no window has it
    network = started(windows_of(values, n_targets=2, targets=targets))
    assert not network.weights["skip.W"][1::2].any()
    assert network.weights["skip.W"][0::2].any()


def test_the_skip_learns_by_rules_of_its_own():
    network = started(windows_of(series(channels=1)))
    offset, size = network.group("skip.W")
    network.theta[offset : offset + size] = 7.0
    assert np.all(network.weights["skip.W"] == 7.0)
    assert groups_of(RNNForecaster(), network) == ()
    model = RNNForecaster(skip="linear", learning_rate=0.01, skip_learning_rate=0.002, skip_penalty=0.3)
    assert groups_of(model, network) == ((offset, HORIZON * LOOKBACK, 0.2, 0.3),)
    assert groups_of(model.set_params(skip_learning_rate=None), network)[0][2] == 1.0


def test_a_fit_begins_near_the_ridge():
    """A rate so small that nothing moves: the first epoch's loss is the regression's."""
    values = series(600, 1)[:, 0]
    windows = make_windows(pd.Series(values), lookback=LOOKBACK, horizon=HORIZON)
    options = dict(hidden_size=4, max_iter=1, learning_rate=1e-7, early_stopping=False, random_state=0)
    model = RNNForecaster(skip="linear", **options).fit(windows)
    past, y = scaled(model._network, windows)
    x = past.reshape(len(past), -1)
    expected = np.mean((y - x @ ridge(x, y).T) ** 2)
    assert model.loss_curve_[0] == pytest.approx(expected, rel=0.05)
    zero = RNNForecaster(skip="linear", skip_start="zero", **options).fit(windows)
    assert zero.loss_curve_[0] > 3 * expected


def test_the_start_has_the_same_bits_for_any_number_of_blas_threads():
    values = series(rows=6000, channels=12)
    windows = Windows(values, np.arange(39, len(values) - 20), lookback=40, horizon=20, n_targets=12)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            model = RNNForecaster(skip="linear-all", hidden_size=2, max_steps=1, max_iter=1, random_state=0)
            found.append(model.fit(windows, windows.y).weights_["skip.W"].tobytes())
    assert found[0] == found[1]


def test_windows_are_read_twice_only_where_a_target_is_missing(windows_read):
    values = series(channels=1)
    targets = values.copy()
    targets[100] = np.nan
    windows = windows_of(values, targets=targets)
    started(windows)
    assert sum(windows_read) == len(windows) + HORIZON


def test_inputs_that_the_line_does_not_read_change_nothing():
    """Of the first channel alone, with the anchors of all: the same bits as from all channels."""
    windows = windows_of(series(), "standard", n_targets=2)
    s = Scaling(np.arange(3.0), np.array([1.0, 2.0, 3.0]), np.arange(6.0), np.arange(1.0, 7.0))
    index = np.arange(40)
    past, targets = scaled_windows(windows.source_arguments(), s, index, 0.5)
    some, same = scaled_windows(windows.source_arguments(), s, index, 0.5, 2)
    np.testing.assert_array_equal(some, past[..., :2])
    np.testing.assert_array_equal(same, targets)
