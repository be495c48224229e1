"""`gradient_flow` and `gate_activity`: what a fitted network does inside, step by step."""

import copy
import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
import reference
import reference_flow
import tolerances
from cases import stacked
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.diagnostics import gate_activity, gates, gradient_flow

N, T, H = 60, 8, 5
X = np.random.default_rng(0).normal(size=(N, T))
Y = X[:, -3:] * 2.0 + 1.0
every_cell = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
NO_SKILL = pytest.mark.filterwarnings("ignore:.*skill:UserWarning", "ignore:.*beats:UserWarning")


def network(**changes):
    return RNNForecaster(**dict(hidden_size=H, max_iter=2, random_state=0) | changes)


def hourly(n=200, seed=0):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2024-01-01", periods=n, freq="h")
    load = 5 + np.sin(np.arange(n) / 4) + 0.1 * rng.normal(size=n)
    return pd.DataFrame({"load": load, "wind": rng.normal(size=n), "price": rng.normal(size=n)}, index=index)


def same(one, other):
    return one.norms.tobytes() == other.norms.tobytes() and one.loss == other.loss


# -------------------- of a network with windows


@every_cell
@pytest.mark.parametrize("layers", [1, 2])
def test_the_norms_are_the_oracles_on_standardised_data(cell, layers):
    model = network(cell=cell, num_layers=layers, dtype="float64").fit(X, Y)
    a, s = model._network.architecture, model._network.scaling
    oracle = stacked(a.cell, T, 1, H, layers, 3)
    past = (X[:, :, None] - s.past_mean) / s.past_scale
    batch = reference.Batch(past, (Y - s.target_mean) / s.target_scale, np.zeros((N, 0)), np.ones(N))
    loss, dh = reference_flow.state_gradients(oracle, model._network.theta, batch)
    flow = gradient_flow(model, X, Y)
    assert flow.loss == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(
        flow.norms, np.sqrt((dh**2).sum(axis=(2, 3))), rtol=tolerances.ORACLE_GRADIENTS["float64"]
    )
    assert flow.norms.shape == (layers, T)
    assert flow.steps.tolist() == list(range(1 - T, 1))
    assert flow.cell == gate_activity(model, X).cell == cell


def test_gates_make_the_states():
    lstm = gate_activity(network(num_layers=2, dtype="float64").fit(X, Y), X)
    i, f, g, o = (lstm.gates[name] for name in "ifgo")
    c, h = lstm.states["c"], lstm.states["h"]
    assert c.shape == (N, 2, T, H)
    before = np.concatenate([np.zeros_like(c[:, :, :1]), c[:, :, :-1]], axis=2)
    np.testing.assert_allclose(c, f * before + i * g, atol=1e-14)
    np.testing.assert_allclose(h, o * np.tanh(c), atol=1e-14)
    gru = gate_activity(network(cell="gru", dtype="float64").fit(X, Y), X)
    z, n, h = gru.gates["z"], gru.gates["n"], gru.states["h"]
    before = np.concatenate([np.zeros_like(h[:, :, :1]), h[:, :, :-1]], axis=2)
    np.testing.assert_allclose(h, (1 - z) * n + z * before, atol=1e-14)
    assert list(gru.gates) == ["r", "z", "n"]
    assert gate_activity(network(cell="rnn").fit(X, Y), X).gates == {}


@every_cell
def test_the_last_state_makes_the_forecast(cell):
    model = network(cell=cell, dtype="float64").fit(X, Y)
    h = gate_activity(model, X).states["h"][:, -1, -1]
    scale, mean = model._network.scaling.target_scale, model._network.scaling.target_mean
    forecast = (h @ model.weights_["head.W"].T + model.weights_["head.b"]) * scale + mean
    np.testing.assert_allclose(forecast, model.predict(X), rtol=0, atol=1e-12)


def test_arrays_in_two_and_three_dimensions_and_frames_are_the_same_windows():
    model = network(n_channels=2).fit(X, Y)
    flow, activity = gradient_flow(model, X, Y), gate_activity(model, X)
    for form in (X.reshape(N, T // 2, 2), pd.DataFrame(X), np.asfortranarray(X)):
        assert same(gradient_flow(model, form, Y), flow)
        assert gate_activity(model, form).states["h"].tobytes() == activity.states["h"].tobytes()
    assert same(gradient_flow(model, X, pd.DataFrame(Y)), flow)


@pytest.mark.parametrize("window_norm", [None, "last"])
def test_windows_bring_their_own_targets_or_take_others(window_norm):
    windows = make_windows(hourly()["load"], lookback=12, horizon=3, window_norm=window_norm)
    model = network().fit(windows)
    own = gradient_flow(model, windows)
    assert same(gradient_flow(model, windows, windows.y), own)
    apart = gradient_flow(model, windows, np.asarray(windows.y))
    np.testing.assert_allclose(apart.norms, own.norms, rtol=1e-3)
    some = gradient_flow(model, windows[::3])
    assert same(some, gradient_flow(model, windows[::3], windows.y[::3]))
    assert not same(some, own)
    values = np.asarray(windows)
    matrix = gate_activity(model, values)
    np.testing.assert_allclose(gate_activity(model, windows).gates["f"], matrix.gates["f"], atol=1e-5)


def test_a_row_of_no_weight_is_as_if_it_were_not_there():
    model = network(dtype="float64").fit(X, Y)
    weight = np.r_[np.ones(N - 20), np.zeros(20)]
    some, rest = gradient_flow(model, X, Y, sample_weight=weight), gradient_flow(model, X[:-20], Y[:-20])
    np.testing.assert_allclose(some.norms, rest.norms, rtol=1e-12)
    assert some.loss == pytest.approx(rest.loss)
    assert not same(some, gradient_flow(model, X, Y))


def test_threads_leave_the_bits_alone():
    model, many = network(), np.tile(X, (10, 1))
    model.fit(many, np.tile(Y, (10, 1)))
    flows = [gradient_flow(model, many, np.tile(Y, (10, 1)), n_jobs=n) for n in (1, 2, 3)]
    assert same(flows[0], flows[1])
    assert same(flows[0], flows[2])
    states = [gate_activity(model, many, n_jobs=n).states["h"].tobytes() for n in (1, 2, 3)]
    assert len(set(states)) == 1


def test_a_look_does_not_change_the_model():
    model = network().fit(pd.DataFrame(X, columns=[f"x{i}" for i in range(T)]), Y)
    before = copy.deepcopy(model.__dict__)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(T)])
    gradient_flow(model, frame, Y)
    gate_activity(model, frame)
    assert model.__dict__.keys() == before.keys()
    assert model._network.theta.tobytes() == before["_network"].theta.tobytes()
    assert model.feature_names_in_.tolist() == before["feature_names_in_"].tolist()


def test_drop_out_and_quantiles_are_no_obstacle():
    model = network(dropout=0.5, loss="quantile", quantile=[0.1, 0.9], num_layers=2).fit(X, Y)
    assert same(gradient_flow(model, X, Y), gradient_flow(model, X, Y))
    assert (gradient_flow(model, X, Y).norms > 0).all()


# -------------------- of a series forecaster with a frame


class Remembering(RNNForecaster):
    """Keeps the windows that it was fitted on."""

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.seen_ = X
        return self


def panel():
    parts = [hourly(80, seed).assign(station=name) for seed, name in enumerate("ab")]
    return pd.concat(parts)


SERIES = {  # arguments, frame
    "plain": ({}, hourly()),
    "no norm": (dict(window_norm=None), hourly()),
    "transform": (dict(transform=["log", "difference"]), hourly()),
    "covariates": (dict(past_covariates="wind", future_covariates="price", calendar=["hour"]), hourly()),
    "mask": (dict(missing="mask"), hourly().mask(np.random.default_rng(1).random((200, 3)) < 0.05)),
    "shared": (dict(target=["load", "wind"], multi_target="shared"), hourly()),
    "panel": (dict(series="station", transform="standard", step=2), panel()),
}


@NO_SKILL
@pytest.mark.parametrize("kind", SERIES)
def test_a_frame_becomes_the_windows_of_fit(kind):
    arguments, frame = SERIES[kind]
    regressor = Remembering(hidden_size=H, max_iter=1, random_state=0)
    model = SeriesForecaster(regressor, **dict(target="load", lookback=6, horizon=2) | arguments).fit(frame)
    inner = model.regressor_
    flow = gradient_flow(model, frame)
    assert same(flow, gradient_flow(inner, inner.seen_))
    assert (flow.norms > 0).all()
    found, expected = gate_activity(model, frame), gate_activity(inner, inner.seen_)
    for name in ("i", "f", "g", "o"):
        assert found.gates[name].tobytes() == expected.gates[name].tobytes()


@NO_SKILL
def test_another_frame_is_read_with_what_fit_learnt():
    old, new = hourly(), hourly(seed=1) * 3.0
    model = SeriesForecaster(network(), target="load", lookback=6, horizon=2, transform="standard").fit(old)
    whole, late = gradient_flow(model, new), gradient_flow(model, new.iloc[100:])
    assert not same(whole, late)
    again = SeriesForecaster(network(), target="load", lookback=6, horizon=2, transform="standard").fit(new)
    assert not same(whole, gradient_flow(again, new))


@NO_SKILL
def test_the_target_may_come_as_y():
    frame = hourly()[["load", "wind"]]
    shared = dict(lookback=6, horizon=2, past_covariates="wind")
    model = SeriesForecaster(network(), target="load", **shared).fit(frame[["wind"]], frame["load"])
    assert same(gradient_flow(model, frame[["wind"]], frame["load"]), gradient_flow(model, frame))


# -------------------- as tables


def test_norms_as_a_frame():
    flow = gradient_flow(network(num_layers=2).fit(X, Y), X, Y)
    frame = flow.to_frame()
    assert frame.index.name == "step"
    assert frame.index.tolist() == flow.steps.tolist()
    assert frame.columns.tolist() == [0, 1]
    assert np.array_equal(frame[1], flow.norms[1])
    with pytest.raises(dataclasses.FrozenInstanceError):
        flow.loss = 0.0


@every_cell
def test_means_of_gates_as_a_frame(cell):
    activity = gate_activity(network(cell=cell, num_layers=2).fit(X, Y), X)
    frame = activity.to_frame()
    names = [*activity.gates, *activity.states]
    assert frame.columns.tolist() == [(layer, name) for layer in (0, 1) for name in names]
    assert frame.dtypes.eq(np.float64).all()
    for name, values in (activity.gates | activity.states).items():
        np.testing.assert_allclose(frame[1, name], values[:, 1].mean(axis=(0, 2)), atol=1e-6)


# -------------------- refusals

FITTED = network().fit(X, Y)
BAD = {  # what is asked, exception, message
    "unfitted": (lambda ask: ask(network(), X, Y), NotFittedError, "not fitted"),
    "unfitted series": (lambda ask: ask(SeriesForecaster(network()), hourly(), None), NotFittedError, "not fitted"),
    "unfitted default": (lambda ask: ask(SeriesForecaster(), hourly(), None), NotFittedError, "not fitted"),
    "a ridge": (lambda ask: ask(Ridge().fit(X, Y), X, Y), TypeError, "got Ridge, in which no network"),
    "a class": (lambda ask: ask(RNNForecaster, X, Y), TypeError, "got RNNForecaster|got ABCMeta|got type"),
    "a series around a ridge": (
        lambda ask: ask(SeriesForecaster(Ridge(), lookback=4, horizon=2).fit(hourly()[["load"]]), hourly(), None),
        TypeError,
        r"got a SeriesForecaster around Ridge.*Give a SeriesForecaster\(RNNForecaster\(\.\.\.\)\)",
    ),
    "a pipeline": (lambda ask: ask(make_pipeline(StandardScaler(), network()).fit(X, Y), X, Y), TypeError, "last step"),
    "another lookback": (lambda ask: ask(FITTED, X[:, 1:], Y), ValueError, "X has 7 features"),
    "nan": (lambda ask: ask(FITTED, np.where(X > 2, np.nan, X), Y), ValueError, "X contains NaN"),
}
BAD_Y = {
    "no y": (None, ValueError, "y is None, but a gradient needs targets. Pass y as in fit"),
    "short y": (Y[:-1], ValueError, "X has 60 windows but y has 59 rows"),
    "other outputs": (Y[:, :2], ValueError, r"expected 3 outputs per window as in fit, got 2, shape \(60, 2\)"),
    "flat": (Y[:, 0], ValueError, "expected 3 outputs per window as in fit, got 1"),
    "nan": (np.where(Y > 3, np.nan, Y), ValueError, "y contains NaN"),
    "three dimensions": (Y[:, :, None], ValueError, r"y: expected \(n_windows,\)"),
    "text": (Y.astype(str), ValueError, "y: expected numbers, got text"),
}


@NO_SKILL
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("ask", [gradient_flow, lambda model, X, y: gate_activity(model, X)], ids=["flow", "gates"])
def test_what_cannot_be_looked_at_is_refused(ask, kind):
    call, error, message = BAD[kind]
    with pytest.raises(error, match=message):
        call(ask)


@pytest.mark.parametrize("kind", BAD_Y)
def test_targets_that_do_not_fit_are_refused(kind):
    y, error, message = BAD_Y[kind]
    with pytest.raises(error, match=message):
        gradient_flow(FITTED, X, y)


@NO_SKILL
def test_frames_without_a_window_and_weights_of_frames_are_refused():
    frame = hourly()[["load"]]
    model = SeriesForecaster(network(), lookback=6, horizon=2).fit(frame)
    with pytest.raises(ValueError, match=r"6 \(lookback\) \+ 2 \(horizon\) rows .* the longest has 7 rows"):
        gradient_flow(model, frame[:7])
    with pytest.raises(ValueError, match="sample_weight: a SeriesForecaster"):
        gradient_flow(model, frame, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match="windows of lookback 5 with 1 channels"):
        gradient_flow(model.regressor_, make_windows(frame["load"], lookback=5, horizon=2))
    with pytest.raises(ValueError, match="expected 2 outputs per window as in fit, got 3"):
        gradient_flow(model.regressor_, make_windows(frame["load"], lookback=6, horizon=3))


def test_more_values_than_fit_into_memory_are_refused_with_the_number_of_windows_that_do(monkeypatch):
    each = 6 * T * H * 4
    monkeypatch.setattr(gates, "_MOST_BYTES", 20 * each)
    with pytest.raises(ValueError, match=r"60 windows would take .* at most .* 20 windows. Fix: .*X\[::3\]"):
        gate_activity(FITTED, X)
    assert len(gate_activity(FITTED, X[::3]).states["h"]) == 20


# -------------------- what it is for


def drawn(cell, X, y, **changes):
    """A network as it was drawn: one epoch that does not move it."""
    untrained = dict(max_iter=1, optimizer="sgd", learning_rate=1e-12, hidden_size=16, random_state=0) | changes
    return RNNForecaster(cell=cell, **untrained).fit(X, y)


def test_the_gradient_vanishes_in_the_plain_network_and_lasts_in_the_lstm():
    """The target is the first of 100 steps."""
    far = np.random.default_rng(0).normal(size=(1000, 100))
    reach = {}
    for cell in ("rnn", "lstm"):
        model = RNNForecaster(cell=cell, hidden_size=16, max_iter=25, early_stopping=False, random_state=0)
        for name, fitted in (("drawn", drawn(cell, far, far[:, 0])), ("trained", model.fit(far, far[:, 0]))):
            norms = gradient_flow(fitted, far, far[:, 0]).norms[0]
            reach[name, cell] = norms[0] / norms[-1]
    assert reach["drawn", "rnn"] < 1e-6
    assert reach["drawn", "lstm"] > 1e-5
    assert reach["trained", "rnn"] < 0.02
    assert reach["trained", "lstm"] > 0.1


def test_an_untrained_network_has_the_weights_that_were_drawn():
    small, smaller = (drawn("gru", X, Y, learning_rate=rate)._network.theta for rate in (1e-12, 1e-15))
    np.testing.assert_allclose(small, smaller, rtol=0, atol=1e-11)
    assert np.array_equal(small[smaller > 1e-3], smaller[smaller > 1e-3])


def test_an_exploding_gradient_grows_towards_the_oldest_steps_and_clipping_lets_it_learn():
    far = np.random.default_rng(0).normal(size=(1000, 100))
    y = far.mean(axis=1)
    shape = dict(cell="rnn", activation="relu", hidden_size=32, early_stopping=False, random_state=0)
    model = RNNForecaster(**shape, optimizer="sgd", learning_rate=1e-12, max_iter=1).fit(far, y)
    model.weights_["0.R_h"][...] *= 1.6
    norms = gradient_flow(model, far, y).norms[0]
    assert norms[0] > 100 * norms[-1]
    model.weights_["0.R_h"][...] *= 2.0
    with pytest.raises(ValueError, match=r"exploded beyond float32\..*Fix: dtype='float64'"):
        gradient_flow(model, far, y)
    shape |= dict(optimizer="sgd", learning_rate=0.01, max_iter=20)
    with pytest.warns(ConvergenceWarning, match="set clip_norm"):
        free = RNNForecaster(**shape, clip_norm=None).fit(far, y)
    clipped = RNNForecaster(**shape, clip_norm=1.0).fit(far, y)
    assert free.gradient_norm_curve_.max() > 100
    assert clipped.loss_curve_[-1] < 0.5 < free.loss_curve_[-1]


def test_a_look_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient_flow(FITTED, X, Y)
        gate_activity(FITTED, X).to_frame()
