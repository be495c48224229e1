"""Schedules by epoch and by optimiser step, warm-up, the number of steps, the finished schedule, averaged weights."""

import math
from dataclasses import replace

import numpy as np
import pytest

from forecast import RNNForecaster
from forecast._training import FALLING, SCHEDULES, Recipe
from forecast._training.schedule import Schedule

RECIPE = Recipe(
    learning_rate=0.1, schedule="constant", batch_size=8, max_iter=20, shuffle=True, patience=8, tol=1e-3,
    clip_norm=None, clip_value=None,
)  # fmt: skip


def schedule(batches=3, **changes):
    return Schedule(replace(RECIPE, **changes), batches)


def by_epoch(plan, epochs=20):
    rates = [plan.rates(epoch, epoch * plan.batches, plan.batches) for epoch in range(epochs)]
    assert all(len(set(rate)) == 1 for rate in rates), "one rate in all batches of an epoch"
    return [rate[0] for rate in rates]


def by_step(plan):
    """As training asks for them: an epoch at a time."""
    parts = [(first, min(plan.batches, plan.steps - first)) for first in range(0, plan.steps, plan.batches)]
    return np.concatenate([plan.rates(epoch, first, n) for epoch, (first, n) in enumerate(parts)])


def table(n=300, lookback=6, noise=1.0):
    """Little to learn and much noise, so that patience ends a fit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, lookback))
    return X, X[:, -1] + noise * rng.normal(size=n)


def fitted(told=None, **changes):
    given = dict(hidden_size=6, max_iter=40, early_stopping=True, n_iter_no_change=4, random_state=0, batch_size=32)
    callbacks = None if told is None else [told.append]
    return RNNForecaster(**given | dict(callbacks=callbacks) | changes).fit(*table())


# -------------------- by epoch


def test_constant_stays():
    assert by_epoch(schedule()) == [0.1] * 20


def test_cosine_goes_from_the_rate_to_nothing():
    values = by_epoch(schedule(schedule="cosine"))
    assert values[0] == 0.1
    assert values[10] == pytest.approx(0.05)
    assert values[5] == pytest.approx(0.1 * (1 + math.sqrt(0.5)) / 2)
    assert np.all(np.diff(values) < 0)
    assert values[-1] > 0


def test_step_halves_at_each_quarter():
    values = by_epoch(schedule(schedule="step"))
    found = [values[e] for e in (0, 4, 5, 9, 10, 14, 15, 19)]
    assert found == [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125]


def test_plateau_halves_after_a_quarter_of_the_patience_without_improvement():
    plan, seen = schedule(schedule="plateau"), []
    for epoch, loss in enumerate([1.0, 0.5, 0.5, 0.4995, 0.3, 0.3, 0.3, 0.3]):
        seen.append(plan.rates(epoch, 3 * epoch, 1)[0])
        plan.saw(loss)
    assert seen == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025]
    assert plan.rates(8, 24, 1)[0] == 0.025


def test_every_schedule_is_tested_here():
    assert set(SCHEDULES) == {"constant", "cosine", "step", "plateau"}
    assert set(FALLING) == {"cosine", "step"}


# -------------------- by step


def test_warm_up_is_linear_and_ends_at_the_rate():
    values = by_step(schedule(warmup_steps=5))
    np.testing.assert_allclose(values[:5], [0.02, 0.04, 0.06, 0.08, 0.1])
    np.testing.assert_allclose(values[5:], 0.1)


def test_cosine_runs_from_the_end_of_warm_up_to_the_last_step():
    values = by_step(schedule(schedule="cosine", warmup_steps=10, max_steps=50))
    assert len(values) == 50
    expected = [0.1 * (s + 1) / 10 for s in range(10)]
    expected += [0.05 * (1 + math.cos(math.pi * (s - 10) / 40)) for s in range(10, 50)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert 0 < values[-1] < 0.001 * 0.2


def test_step_halves_at_each_quarter_of_the_steps():
    values = by_step(schedule(schedule="step", max_steps=16))
    np.testing.assert_allclose(values, np.repeat([0.1, 0.05, 0.025, 0.0125], 4))


def test_plateau_warms_up_as_well():
    plan = schedule(schedule="plateau", warmup_steps=4, patience=4)
    for loss in (1.0, 1.0):
        plan.saw(loss)
    np.testing.assert_allclose(by_step(plan)[:5], [0.0125, 0.025, 0.0375, 0.05, 0.05])


@pytest.mark.parametrize(("max_iter", "max_steps", "steps", "epochs"), [
    (20, None, 60, 20), (20, 1000, 60, 20), (20, 60, 60, 20), (20, 59, 59, 20), (20, 6, 6, 2), (20, 7, 7, 3),
    (1, 2, 2, 1),
])  # fmt: skip
def test_training_ends_with_the_epochs_or_the_steps_whichever_come_first(max_iter, max_steps, steps, epochs):
    plan = schedule(max_iter=max_iter, max_steps=max_steps)
    assert (plan.steps, plan.epochs) == (steps, epochs)


def test_warm_up_as_long_as_the_training_is_refused():
    X, y = table()
    model = RNNForecaster(max_iter=2, batch_size=100, warmup_steps=6, early_stopping=False)
    with pytest.raises(ValueError, match=r"warmup_steps=6, but training has 6 optimiser steps in all \(3 an epoch\)"):
        model.fit(X, y)
    assert model.set_params(warmup_steps=5).fit(X, y).n_steps_ == 6


def test_steps_are_counted_and_the_last_epoch_is_cut():
    told = []
    model = fitted(told, early_stopping=False, max_steps=25)
    assert (model.n_steps_, model.n_iter_, len(model.gradient_norm_curve_)) == (25, 3, 25), "10 batches an epoch"
    assert [info["max_iter"] for info in told] == [3, 3, 3]
    assert fitted(early_stopping=False, max_iter=2).n_steps_ == 20


def test_a_cut_epoch_trains_on_the_batches_that_are_left():
    """Three whole batches, whatever the rest of the windows holds."""
    X, y = table()
    changed = y.copy()
    changed[96:] = 0.0
    options = dict(
        early_stopping=False, shuffle=False, batch_size=32, max_steps=3, hidden_size=4, random_state=0,
        warm_start=True, learning_rate_schedule="constant",
    )  # fmt: skip
    start = RNNForecaster(**options).fit(X, y)
    weights = []
    for targets in (y, changed):
        model = RNNForecaster(**options)
        model.__dict__.update({name: value for name, value in start.__dict__.items() if name not in model.__dict__})
        weights.append(model.fit(X, targets)._network.theta.tobytes())
    assert weights[0] == weights[1]


def test_the_callbacks_hear_the_rate_of_the_last_step():
    told = []
    fitted(told, early_stopping=False, max_iter=2, warmup_steps=15, learning_rate=0.03)
    assert told[0]["learning_rate"] == pytest.approx(0.03 * 10 / 15)
    assert told[1]["learning_rate"] == pytest.approx(0.015 * (1 + math.cos(math.pi * 4 / 5)))


def test_the_progress_line_counts_the_epochs_that_the_steps_allow(capfd):
    fitted(early_stopping=False, max_steps=25, verbose=1)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("epoch 1/3")
    assert lines[-1].startswith("finished 3 epochs after")


def test_a_warm_start_begins_the_schedule_again():
    told = []
    model = fitted(told, early_stopping=False, max_steps=10, warmup_steps=5, warm_start=True)
    model.fit(*table())
    assert told[0]["learning_rate"] == told[1]["learning_rate"]
    assert model.n_steps_ == 10, "of this fit"
    assert model._optimizer_state["steps"] == 20, "the optimiser goes on"


def test_partial_fit_has_neither_warm_up_nor_an_end():
    told = []
    model = RNNForecaster(hidden_size=4, warmup_steps=1000, max_steps=2, weight_average=0.9, callbacks=told.append)
    model.partial_fit(*table()).partial_fit(*table())
    assert [info["learning_rate"] for info in told] == [0.01, 0.01]
    assert model.n_steps_ == 2 * 5


@pytest.mark.parametrize("options", [
    {"warmup_steps": 12}, {"max_steps": 55}, {"weight_average": 0.9}, {"input_noise": 0.2}, {"input_clip": 0.5},
    {"finish_schedule": True},
], ids=str)  # fmt: skip
def test_two_threads_give_the_bits_of_one(options):
    one, two = (fitted(n_jobs=n, max_iter=12, hidden_size=40, batch_size=200, **options) for n in (1, 2))
    assert (one.n_threads_, two.n_threads_) == (1, 2)
    assert one._network.theta.tobytes() == two._network.theta.tobytes()
    assert one.validation_loss_curve_ == two.validation_loss_curve_


# -------------------- the finished schedule


def test_what_is_left_of_the_schedule_is_run_in_the_tail():
    plan = schedule(schedule="cosine", batches=5)
    before = by_step(plan)
    plan.finish(step=40, epochs=2)
    assert plan.steps == 50
    tail = plan.rates(8, 40, 10)
    assert tail[0] == pytest.approx(before[40]), "it goes on where the schedule is"
    np.testing.assert_allclose(tail, [0.05 * (1 + math.cos(math.pi * (0.4 + 0.6 * i / 10))) for i in range(10)])


def test_the_tail_ends_with_the_fit():
    plan = schedule(schedule="step", batches=5, max_steps=43)
    plan.finish(step=40, epochs=2)
    np.testing.assert_allclose(plan.rates(8, 40, 3), [0.0125, 0.0125, 0.0125])
    plan = schedule(batches=5)
    plan.finish(step=100, epochs=2)
    assert plan.steps == 100, "nothing is left"


@pytest.mark.parametrize("name", FALLING)
def test_the_rate_reaches_its_end_where_patience_ends_the_fit(name):
    told, plain = [], []
    model = fitted(told, max_iter=200, learning_rate_schedule=name, finish_schedule=True, n_iter_no_change=8)
    fitted(plain, max_iter=200, learning_rate_schedule=name, n_iter_no_change=8)
    assert len(plain) < len(told) == len(plain) + 2 < 200, "a quarter of the patience more"
    assert [info["loss"] for info in told[:-2]] == [info["loss"] for info in plain]
    assert plain[-1]["learning_rate"] > 0.2 * 0.01
    assert told[-1]["learning_rate"] < (0.02 if name == "cosine" else 0.13) * 0.01
    assert model.best_loss_ == min(model.validation_loss_curve_)


def test_the_best_weights_are_kept_whether_the_tail_finds_better_ones_or_not():
    X, _ = table()
    for rate in (0.01, 0.03):
        told = []
        options = dict(max_iter=200, n_iter_no_change=8, finish_schedule=True, learning_rate=rate, dtype="float64")
        model = fitted(told, **options)
        best = min(told, key=lambda info: info["validation_loss"])
        assert model.best_loss_ == best["validation_loss"]
        again = fitted(callbacks=[lambda info, last=best: info["epoch"] == last["epoch"]], **options)
        assert model.predict(X).tobytes() == again.predict(X).tobytes()


def test_auto_finishes_where_the_schedule_counts_steps():
    by_epoch, by_step = fitted(), fitted(warmup_steps=1)
    assert by_epoch.n_iter_ == fitted(finish_schedule=False).n_iter_
    assert by_step.n_iter_ == fitted(warmup_steps=1, finish_schedule=True).n_iter_
    assert by_step.n_iter_ == fitted(warmup_steps=1, finish_schedule=False).n_iter_ + 1


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - set(FALLING)))
def test_finishing_what_has_no_end_is_refused(name):
    with pytest.raises(ValueError, match="finish_schedule=True is for a schedule with an end, 'cosine' or 'step', not"):
        fitted(learning_rate_schedule=name, finish_schedule=True)
    fitted(learning_rate_schedule=name, warmup_steps=1, max_iter=2)


def test_a_callback_stops_in_the_tail_too():
    n = fitted(finish_schedule=False, n_iter_no_change=12, max_iter=200).n_iter_
    options = dict(finish_schedule=True, n_iter_no_change=12, max_iter=200)
    assert fitted(**options).n_iter_ == n + 3
    assert fitted(callbacks=[lambda info: info["epoch"] == n + 1], **options).n_iter_ == n + 1


# -------------------- averaged weights


def averages(decay, thetas):
    weights = decay ** np.arange(len(thetas) - 1, -1, -1.0)
    return np.average(thetas, axis=0, weights=weights)


def weights_after_each_step(steps, **changes):
    options = dict(early_stopping=False, shuffle=False, learning_rate_schedule="constant", dtype="float64")
    return [fitted(max_steps=n, **options | changes)._network.theta for n in range(1, steps + 1)]


def test_the_weights_kept_are_the_average_of_those_after_each_step():
    thetas = weights_after_each_step(13)
    expected = averages(0.8, thetas)
    found = weights_after_each_step(13, weight_average=0.8)[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    assert np.abs(found - thetas[-1]).max() > 1e-4


def test_the_first_average_is_the_first_weights_and_not_the_initial_ones():
    plain, averaged = (weights_after_each_step(1, **changes)[0] for changes in ({}, {"weight_average": 0.999}))
    np.testing.assert_allclose(averaged, plain, rtol=1e-11)


def test_the_average_is_what_validation_judges_and_what_is_kept():
    X, y = table()
    model = fitted(weight_average=0.97, max_iter=8, dtype="float64")
    plain = fitted(max_iter=8, dtype="float64")
    assert model.loss_curve_ == plain.loss_curve_, "training itself goes on from the weights, not from their average"
    assert model.validation_loss_curve_ != plain.validation_loss_curve_
    scale = model._network.scaling.target_scale[0]
    mean = np.mean(((model.predict(X[270:]) - y[270:]) / scale) ** 2)
    assert model.best_loss_ == pytest.approx(mean, rel=1e-9)


def test_averaging_smooths_what_a_high_constant_rate_leaves():
    options = dict(early_stopping=False, learning_rate_schedule="constant", learning_rate=0.05, max_iter=15)
    X, y = table(2000)
    clean = X[:, -1]
    errors = [
        np.mean((RNNForecaster(hidden_size=8, random_state=0, **options, **c).fit(X, y).predict(X) - clean) ** 2)
        for c in ({}, {"weight_average": 0.98})
    ]
    assert errors[1] < 0.7 * errors[0]
