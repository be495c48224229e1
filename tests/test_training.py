"""Epochs: which windows are held out, what the schedules give, when training stops and what divergence leaves."""

import math

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from forecast import RNNForecaster
from forecast._rnn.start import LEAST_HELD_OUT
from forecast._tail import time_tail
from forecast._training import Recipe, Run
from forecast._training.epochs import _epoch_order
from forecast._training.kept import Patience

CELLS = ("lstm", "gru", "rnn")


def recipe(**changes):
    given = dict(
        learning_rate=0.1, schedule="constant", batch_size=8, max_iter=20, shuffle=True, patience=8, tol=1e-3,
        clip_norm=None, clip_value=None,
    )  # fmt: skip
    return Recipe(**given | changes)


def table(n=120, lookback=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, lookback))
    return X, X[:, -1] - 0.5 * X[:, -2]


# -------------------- the tail in time


def test_the_latest_windows_are_held_out():
    train, validation = time_tail(np.arange(100), 0.1, 1)
    assert validation.tolist() == list(range(90, 100))
    assert train.tolist() == list(range(90))


@pytest.mark.parametrize("span", [1, 2, 12])
def test_no_target_is_in_both_parts(span):
    train, validation = time_tail(np.arange(100), 0.1, span)
    assert validation.tolist() == list(range(90, 100))
    assert train.tolist() == list(range(90 - span + 1)), "a gap of horizon - 1 windows"
    targets = [{int(o) + k for o in part for k in range(1, span + 1)} for part in (train, validation)]
    assert targets[0] & targets[1] == set()


def test_the_order_of_the_windows_does_not_matter():
    origins = np.random.default_rng(0).permutation(np.arange(50, 150))
    train, validation = time_tail(origins, 0.2, 5)
    assert sorted(origins[validation]) == list(range(130, 150))
    assert sorted(origins[train]) == list(range(50, 126))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(validation) > 0)


def test_windows_with_steps_between_lose_only_those_in_the_gap():
    train, validation = time_tail(np.arange(0, 1000, 10), 0.1, 12)
    assert validation.tolist() == list(range(90, 100))
    assert train.tolist() == list(range(89)), "origin 890 reaches to 902, origin 880 to 892"
    train, _ = time_tail(np.arange(0, 1000, 12), 0.1, 12)
    assert len(train) == 84 - 9


@pytest.mark.parametrize(("n", "fraction", "expected"), [(10, 0.1, 1), (11, 0.1, 2), (100, 0.07, 7), (50, 0.28, 14)])
def test_the_share_is_rounded_up(n, fraction, expected):
    assert len(time_tail(np.arange(n), fraction, 1)[1]) == expected


def test_nothing_is_left_to_train_on_where_the_gap_is_longer_than_the_rest():
    train, validation = time_tail(np.arange(10), 0.5, 40)
    assert len(train) == 0
    assert len(validation) == 5


# -------------------- the order within an epoch


def test_every_window_comes_once_an_epoch_and_in_time_order_within_a_batch():
    windows = np.arange(30, 103)
    order = _epoch_order(windows, 16, True, np.random.default_rng(0))
    assert sorted(order) == windows.tolist()
    assert order.tolist() != windows.tolist()
    for start in range(0, len(order), 16):
        assert np.all(np.diff(order[start : start + 16]) > 0)


def test_the_order_is_that_of_the_windows_without_shuffle():
    windows = np.arange(30, 103)
    assert _epoch_order(windows, 16, False, np.random.default_rng(0)) is windows


# -------------------- patience and the best weights


def test_patience_counts_epochs_that_do_not_improve_by_tol():
    run = Run(np.zeros(1))
    patience, theta = Patience(run, recipe(patience=3, tol=0.1)), np.zeros(1)
    for loss, exhausted in [(1.0, False), (0.95, False), (0.94, False), (0.8, False), (0.8, False), (0.9, False)]:
        theta += 1
        patience.saw(loss, theta)
        assert patience.exhausted is exhausted
    patience.saw(0.9, theta)
    assert patience.exhausted
    assert run.best_loss == 0.8
    assert run.theta == 4, "the weights of the least loss, the first of equals"


def test_small_improvements_are_kept_though_they_do_not_count():
    run = Run(np.zeros(1))
    patience = Patience(run, recipe(tol=0.1))
    patience.saw(1.0, np.full(1, 1.0))
    patience.saw(0.95, np.full(1, 2.0))
    assert (run.best_loss, run.theta[0], patience.waited) == (0.95, 2.0, 1)


def test_training_stops_when_the_patience_is_exhausted():
    X = np.random.default_rng(0).normal(size=(300, 4))
    y = np.random.default_rng(1).normal(size=300)  # nothing to learn
    model = RNNForecaster(hidden_size=8, max_iter=200, early_stopping=True, n_iter_no_change=4, random_state=0)
    model.fit(X, y)
    curve = np.array(model.validation_loss_curve_)
    assert model.n_iter_ < 200
    assert len(curve) == model.n_iter_
    assert model.n_iter_ - 1 - curve.argmin() <= 4
    assert model.best_loss_ == curve.min()


@pytest.mark.parametrize(("beside", "held_out"), [(-10, False), (-9, True), (0, True), (100, True)])
def test_auto_holds_out_where_enough_windows_can_be(beside, held_out):
    X, y = table(10 * LEAST_HELD_OUT + beside)  # a tenth of them, rounded up
    model = RNNForecaster(hidden_size=2, max_iter=2, random_state=0).fit(X, y)
    assert bool(model.validation_loss_curve_) is held_out


def test_auto_wants_twice_as_many_windows_to_train_on():
    X, y = table(5 * LEAST_HELD_OUT)
    for fraction, held_out in [(0.3, True), (0.33, True), (0.34, False), (0.6, False)]:
        model = RNNForecaster(hidden_size=2, max_iter=1, validation_fraction=fraction, random_state=0).fit(X, y)
        assert bool(model.validation_loss_curve_) is held_out, fraction


def test_early_stopping_false_runs_every_epoch_and_true_holds_out_a_single_window():
    X, y = table(300)
    model = RNNForecaster(hidden_size=2, max_iter=3, early_stopping=False, random_state=0).fit(X, y)
    assert (model.n_iter_, model.validation_loss_curve_) == (3, [])
    model.set_params(early_stopping=True).fit(X[:8], y[:8])
    assert len(model.validation_loss_curve_) == model.n_iter_


def test_what_is_held_out_is_not_trained_on():
    X, y = table(300)
    changed = y.copy()
    changed[-30:] += 100.0
    one, other = (
        RNNForecaster(hidden_size=4, max_iter=1, random_state=0, early_stopping=True).fit(X, t) for t in (y, changed)
    )
    assert one._network.theta.tobytes() == other._network.theta.tobytes()
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_loss_curve_ != other.validation_loss_curve_


# -------------------- divergence

DIVERGED = (
    r"Training diverged: loss or gradient is not finite in epoch \d+, step \d+, at learning rate \S+\. "
    r"The last finite best weights are kept \((those of epoch \d+|the initial ones)\)\. "
    r"Lower learning_rate, or set clip_norm or clip_value\."
)


def reckless(cell, rate, **changes):
    given = dict(hidden_size=8, max_iter=12, clip_norm=None, optimizer="sgd", learning_rate_schedule="constant")
    return RNNForecaster(cell=cell, learning_rate=rate, random_state=0, **given | changes)


def assert_sound(model, X):
    assert all(np.isfinite(view).all() for view in model.weights_.values())
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.loss_curve_).all()
    assert len(model.loss_curve_) == model.n_iter_


@pytest.mark.parametrize("scale", [1.0, 1e6], ids=["scaled", "unscaled"])
@pytest.mark.parametrize("early_stopping", [False, True], ids=["all", "held-out"])
@pytest.mark.parametrize("rate", [1e3, 1e8, 1e20])
@pytest.mark.parametrize("cell", CELLS)
def test_divergence_is_named_and_leaves_finite_weights(cell, rate, early_stopping, scale):
    X, y = table(200)
    X, y = X * scale + 3 * scale, y * scale
    model = reckless(cell, rate, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning, match=DIVERGED) as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert f"learning rate {rate:g}." in str(caught[0].message)
    assert_sound(model, X)


@pytest.mark.parametrize("early_stopping", [False, True], ids=["all", "held-out"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("rate", [1e3, 1e39])
def test_an_exploding_rectifier_leaves_finite_weights(rate, optimizer, early_stopping):
    X, y = table(200, lookback=12)
    model = reckless("rnn", rate, activation="relu", optimizer=optimizer, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning, match=DIVERGED):
        model.fit(X, y)
    assert_sound(model, X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_last_step_that_goes_too_far_is_noticed(cell, dtype):
    """With one batch in one epoch no later batch shows what the step did."""
    X, y = table(50)
    rate = {"float32": 1e39, "float64": 1e300}[dtype]
    model = reckless(cell, rate, max_iter=1, batch_size=50, dtype=dtype)
    with pytest.warns(ConvergenceWarning, match=DIVERGED):
        model.fit(X, y)
    assert_sound(model, X)


def test_the_weights_kept_are_those_that_the_warning_names():
    X, y = table(200)
    model = reckless("rnn", 1e39, early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="the initial ones"):
        model.fit(X, y)
    kept = model._network.theta
    model.set_params(learning_rate=1e-30, max_iter=1).fit(X, y)
    assert np.allclose(kept, model._network.theta, atol=1e-20)


def test_the_warning_points_at_the_line_that_called_fit():
    X, y = table(100)
    with pytest.warns(ConvergenceWarning) as caught:
        reckless("lstm", 1e8).fit(X, y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("clip", [{"clip_norm": 1e-3}, {"clip_value": 1e-4}], ids=["norm", "value"])
def test_clipping_keeps_a_high_rate_from_diverging(clip):
    X, y = table(200)
    model = reckless("rnn", 10.0, max_iter=5, **clip).fit(X, y)
    assert model.n_iter_ == 5
    assert_sound(model, X)


def test_the_norm_of_every_step_is_recorded_before_clipping():
    X, y = table(200)
    model = RNNForecaster(hidden_size=4, max_iter=3, early_stopping=False, clip_norm=1e-6, random_state=0).fit(X, y)
    assert model.gradient_norm_curve_.shape == (3 * math.ceil(200 / 64),)
    assert np.all(model.gradient_norm_curve_ > 1e-3)
