"""What the core learns of errors has the bits of the plain version, and no forecast replays the errors of `fit`."""

import math

import numpy as np
import pandas as pd
import pytest
import reference_conformal
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import forecast
from forecast import SeriesForecaster
from forecast._conformal import AdaptiveState, nested

HOURS = pd.date_range("2024-01-01", periods=700, freq="h", name="hour")
FRAME = pd.DataFrame({"y": np.random.default_rng(0).normal(size=700).cumsum()}, index=HOURS)


def errors(kind, shape, rng):
    found = rng.standard_t(2, size=shape)
    if kind == "ties":
        return np.round(found)
    if kind == "missing":
        found[rng.random(shape) < 0.3] = np.nan
    if kind == "growing":
        found *= np.exp(np.arange(len(found)) / 50)[:, None, None]
    return found


def warmed_slowly(state, residual, before, apart):
    """As `warm_up` learns, but residual by residual."""
    n, steps, _ = residual.shape
    state._lay_out(*residual.shape[1:])
    if state.decay != 1:
        size, known = np.abs(np.nan_to_num(residual)).sum(axis=0), (~np.isnan(residual)).sum(axis=0)
        state._sum = np.divide(size, known, out=np.zeros_like(size), where=known > 0)
        state._weight, state._heard = (known > 0).astype(np.float64), known.copy()
    rows = [before - steps - apart * (n - 1 - number) for number in range(n)]
    spacing = state.spacing or max(1, min(steps // 4, apart * (n // state.window)))
    return reference_conformal.learnt(state, residual, rows, before, spacing)


def assert_same(state, cells):
    """The state is what the plain version has learnt, to the bit."""
    for at in np.ndindex(*cells.shape):
        cell = cells[at]
        scores = [math.nan] * (state.window - len(cell.scores)) + cell.scores
        np.testing.assert_array_equal(state._scores[at], scores)
        np.testing.assert_array_equal(state._alpha[:, :, *at], cell.alpha)
        assert (state._sum[at], state._weight[at], state._heard[at]) == (cell.sum, cell.weight, cell.heard)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["plain", "ties", "missing", "growing"]),
    coverage=st.sampled_from([[0.5], [0.9], [0.95], [0.8, 0.5]]),
    gamma=st.sampled_from([None, 0.0, 0.002, 0.05, 0.3]),
    window=st.sampled_from([39, 60, 500]),
    decay=st.sampled_from([None, 0.97, 0.9, 1.0]),
    spacing=st.sampled_from([None, 1, 3]),
    apart=st.sampled_from([1, 2]),
)
def test_the_core_learns_to_the_bit_what_the_plain_version_does(
    seed, kind, coverage, gamma, window, decay, spacing, apart
):
    rng = np.random.default_rng(seed)
    n, steps, targets, more = (int(rng.integers(*ends)) for ends in ((5, 200), (1, 25), (1, 3), (1, 40)))
    chosen = {"gamma": gamma, "window": window, "decay": decay, "spacing": spacing}
    slow, state = AdaptiveState(coverage, **chosen), AdaptiveState(coverage, **chosen)
    first = errors(kind, (n, steps, targets), rng)
    state.warm_up(first, before=0, apart=apart)
    assert_same(state, warmed_slowly(slow, first, 0, apart)[1])
    positions = np.cumsum(rng.integers(1, 4, size=more))
    now = int(positions[-1]) + int(rng.integers(1, 3))
    residuals = errors(kind, (more, steps, targets), rng)
    want, cells = reference_conformal.learnt(state, residuals, positions, now)
    found = state.bounds(residuals, np.zeros_like(residuals), positions)
    np.testing.assert_array_equal(np.reshape(found, want[:, :, :-1].shape), nested(want[:, :, :-1], state.levels))
    np.testing.assert_array_equal(state.side_by_side(residuals, positions, now), want[:, :, -1])
    state.learn(residuals, positions, now)
    assert_same(state, cells)


def test_each_coverage_learns_by_itself():
    residual = errors("plain", (300, 3, 2), np.random.default_rng(1))
    both, alone = AdaptiveState([0.9, 0.5]), AdaptiveState([0.5])
    both.warm_up(residual, before=0)
    alone.warm_up(residual, before=0)
    np.testing.assert_array_equal(both._alpha[:, 1:], alone._alpha)


@pytest.fixture(scope="module")
def fitted():
    return SeriesForecaster(Ridge(), lookback=24, horizon=6, validation_fraction=0.4).fit(FRAME[:600])


def test_a_forecast_after_newer_rows_replays_no_error_of_fit(fitted, monkeypatch, tmp_path):
    want = fitted.predict_interval(history=FRAME, coverage=[0.5, 0.8, 0.9, 0.95])
    fitted.save(tmp_path / "model")
    again = forecast.load(tmp_path / "model")

    def refuse(*_, **__):
        raise AssertionError("replayed")

    monkeypatch.setattr(AdaptiveState, "warm_up", refuse)
    pd.testing.assert_frame_equal(again.predict_interval(history=FRAME, coverage=[0.5, 0.8, 0.9, 0.95]), want)
    levels = [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975]
    found = again.predict_quantiles(levels=levels, history=FRAME)
    np.testing.assert_array_equal(found["y_0.05"], want["y_lower_0.9"])
    np.testing.assert_array_equal(found["y_0.975"], want["y_upper_0.95"])
    with pytest.raises(AssertionError, match="replayed"):
        again.predict_interval(history=FRAME, coverage=0.7)


def test_other_coverages_replay_once_and_leave_the_model_as_it_was(fitted, monkeypatch, tmp_path):
    fitted.save(tmp_path / "before")
    calls, replayed = [], AdaptiveState.warm_up
    monkeypatch.setattr(AdaptiveState, "warm_up", lambda *given, **named: calls.append(1) or replayed(*given, **named))
    first = fitted.predict_interval(history=FRAME, coverage=0.7)
    assert fitted.predict_interval(history=FRAME, coverage=0.7).equals(first)
    assert len(calls) == 1
    fitted.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()


def test_the_forecast_among_its_bounds_is_that_of_predict(fitted):
    for history in (FRAME, FRAME[:600], FRAME[100:150] + 5):
        found = fitted.predict_interval(history=history)
        np.testing.assert_array_equal(found["y"], fitted.predict(history=history)["y"])
