"""What makes a fit cheaper changes nothing that counts: fewer windows for means, fewer steps and parts to choose by."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_linear_search import rows_of, task_of, walks

from forecast import LinearForecaster, RNNForecaster, make_windows
from forecast._network import line, windows_scaling
from forecast._preparation import Settings, trained
from forecast._recipe import search, weights
from forecast._recipe.judging import folds_of, judged_steps
from forecast._recipe.several import penalties_judged
from forecast._rnn import start


def panel(n=2_000, horizon=4):
    season = np.sin(np.arange(n) * 2 * np.pi / 24) + 0.1 * np.random.default_rng(0).normal(size=n)
    return make_windows(pd.Series(5 + season, name="y"), lookback=12, horizon=horizon, window_norm="last")


def test_of_many_windows_some_give_the_same_means_and_scales():
    windows = panel()
    every = np.arange(len(windows))
    whole = windows_scaling(windows.source_arguments(), None, every)
    some = windows_scaling(windows.source_arguments(), None, every, most=300)
    assert not np.array_equal(whole.past_mean, some.past_mean)
    np.testing.assert_allclose(some.past_mean, whole.past_mean, atol=0.05 * whole.past_scale.max())
    np.testing.assert_allclose(some.past_scale, whole.past_scale, rtol=0.05)
    np.testing.assert_allclose(some.target_scale, whole.target_scale, rtol=0.05)
    same = windows_scaling(windows.source_arguments(), None, every, most=len(windows))
    np.testing.assert_array_equal(same.past_mean, whole.past_mean)


@pytest.mark.parametrize(("bound", "changes"), [({}, False), ({"max_steps": 20}, True)])
def test_only_fits_of_bounded_steps_take_means_from_some_windows(monkeypatch, bound, changes):
    windows = panel(500)
    model = RNNForecaster(hidden_size=4, max_iter=2, random_state=0, **bound)
    before = model.fit(windows, windows.y).predict(windows[:5])
    monkeypatch.setattr(start, "_SCALED", 100)
    after = model.fit(windows, windows.y).predict(windows[:5])
    assert np.array_equal(before, after) != changes


@pytest.mark.parametrize("per_series", [False, True])
def test_some_steps_have_the_same_solution_as_all(per_series):
    values = pd.DataFrame({"s": np.repeat([0, 1], 200), "y": walks(400)[:, 0]}, index=[*range(200)] * 2)
    windows = make_windows(values, target="y", series="s", lookback=8, horizon=30)
    model, steps = LinearForecaster(per_series=per_series), np.array([0, 7, 29])
    few, many = (model._fit_several(windows, windows.y, [0.1, 1.0], given) for given in (steps, None))
    for one, whole in zip(few, many, strict=True):
        np.testing.assert_allclose(one.coef_[:, steps], whole.coef_[:, steps], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(one.intercept_[steps], whole.intercept_[steps], rtol=1e-9, atol=1e-12)
        for own, expected in zip(one.series_coef_, whole.series_coef_, strict=True):
            np.testing.assert_allclose(own[:, steps], expected[:, steps], rtol=1e-9, atol=1e-12)
        assert not one.intercept_[1:7].any()


@pytest.mark.parametrize(
    ("transform", "fitted"), [("standard", judged_steps(40)), (["difference", "standard"], None)], ids=str
)
@pytest.mark.parametrize("per_series", [False, True])
def test_a_candidate_is_judged_on_some_steps_by_lines_of_these_alone(monkeypatch, transform, fitted, per_series):
    """The losses of the whole member on the same steps; changes are added up from the first, so all are fitted."""
    rows = rows_of(walks(600), walks(600, seed=1))
    task = task_of(rows, 40)
    fold = folds_of(task, rows, rows.starts[1:] - 120, 20, squared=False)[0]
    settings = Settings(LinearForecaster(per_series=per_series), 10, "last", transform)
    asked = []
    original = LinearForecaster._fit_several

    def fit_several(self, windows, y, penalties, steps=None):
        asked.append(steps)
        return original(self, windows, y, penalties, steps)

    monkeypatch.setattr(LinearForecaster, "_fit_several", fit_several)
    found = penalties_judged(settings, [0.1, 1.0], task, fold)
    assert [None if steps is None else list(steps) for steps in asked] == [None if fitted is None else list(fitted)]
    for penalty, losses in zip([0.1, 1.0], found, strict=True):
        one = replace(settings, regressor=LinearForecaster(penalty=penalty, per_series=per_series))
        member = trained(one, task, fold.rows.until(fold.ends))[0]
        whole = fold.jury.losses(member.forecast(fold.rows, fold.jury.origins), judged_steps(40))
        np.testing.assert_allclose(losses, whole, rtol=1e-10)


def test_joint_weights_that_are_far_behind_on_the_newest_part_are_looked_at_no_more(monkeypatch):
    """Walks that have nothing to do with each other: joint weights only overfit. Of one that leads another they win."""
    parts = []
    original = search.Benches

    def benches(task, folds, settings, lookbacks):
        if settings.multi_target == "joint":
            parts.append(len(folds))
        return original(task, folds, settings, lookbacks)

    monkeypatch.setattr(search, "Benches", benches)
    monkeypatch.setattr(search, "_CLOSE", 1.001)

    def found(values):
        parts.clear()
        rows = rows_of(values)
        ends = np.array([int(0.8 * len(values))])
        return search.search_linear(task_of(rows, 6), rows, ends, seasons=[], loss="absolute_error").settings

    apart = np.random.default_rng(0).normal(size=(260, 24)).cumsum(axis=0)
    assert found(apart).multi_target == "shared"
    assert parts == [1]
    leads = np.random.default_rng(0).normal(size=700)
    assert found(np.stack([leads, np.roll(leads, 7)], axis=1)).multi_target == "joint"
    assert parts == [1, 3]


def test_only_fits_of_bounded_steps_start_their_line_from_some_windows(monkeypatch, windows_read):
    windows = panel(700)
    monkeypatch.setattr(line, "_BOUNDED", 200 * 12**2)
    for bound, expected in (({}, range(600, 700)), ({"max_steps": 20}, range(195, 206))):
        windows_read.clear()
        model = RNNForecaster(skip="linear", hidden_size=4, max_iter=2, random_state=0, early_stopping=False, **bound)
        model.fit(windows, windows.y)
        assert sum(windows_read) in expected


def test_fitted_weights_end_where_they_settle(monkeypatch):
    """With many values a third of the steps gives the same weights."""
    rng = np.random.default_rng(0)
    errors = rng.standard_t(3, size=(20_000, 3)) * [1.0, 1.1, 1.3] + rng.normal(size=(20_000, 1))
    steps = []
    original = weights._on_simplex
    monkeypatch.setattr(weights, "_on_simplex", lambda gram: steps.append(1) or original(gram))
    settled = weights._least_absolute(errors)
    assert len(steps) < weights.STEPS / 2
    monkeypatch.setattr(weights, "PATIENCE", weights.STEPS)
    np.testing.assert_allclose(settled, weights._least_absolute(errors), atol=0.01)
