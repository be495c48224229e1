"""Many errors learnt at once leave the bits of one origin after the other, and no forecast replays those of `fit`."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import forecast
from forecast import SeriesForecaster
from forecast._conformal import AdaptiveState

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


def one_by_one(state, residual, before):
    """As `warm_up` learns, but origin by origin."""
    n, steps, _ = residual.shape
    state._lay_out(*residual.shape[1:])
    if state.decay < 1:
        size, known = np.abs(np.nan_to_num(residual)).sum(axis=0), (~np.isnan(residual)).sum(axis=0)
        state._sum = np.divide(size, known, out=np.zeros_like(size), where=known > 0)
        state._weight, state._heard = (known > 0).astype(np.float64), known.copy()
    state.bounds(residual, np.zeros_like(residual), np.arange(n) + (before - n - steps + 1))
    state._learn(before)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["plain", "ties", "missing", "growing"]),
    coverage=st.sampled_from([[0.5], [0.9], [0.95], [0.8, 0.5]]),
    gamma=st.sampled_from([0.0, 0.002, 0.05, 0.3]),
    window=st.sampled_from([39, 60, 500]),
    decay=st.sampled_from([0.97, 0.9, 1.0]),
)
def test_many_origins_at_once_leave_the_bits_of_one_after_the_other(seed, kind, coverage, gamma, window, decay):
    rng = np.random.default_rng(seed)
    n, steps, targets, more = (int(rng.integers(*ends)) for ends in ((5, 200), (1, 6), (1, 3), (1, 40)))
    chosen = {"gamma": gamma, "window": window, "decay": decay}
    slow, fast = AdaptiveState(coverage, **chosen), AdaptiveState(coverage, **chosen)
    first = errors(kind, (n, steps, targets), rng)
    one_by_one(slow, first, 0)
    fast.warm_up(first, before=0)
    positions = np.cumsum(rng.integers(1, 4, size=more))
    now = int(positions[-1]) + int(rng.integers(1, 3))
    actual, forecasts = errors(kind, (more, steps, targets), rng), rng.normal(size=(more, steps, targets))
    actual[positions[:, None] + np.arange(1, steps + 1) > now] = np.nan
    slow.bounds(actual, forecasts, positions)
    fast.learn(actual, forecasts, positions, now)
    unknown = np.full((1, steps, targets), np.nan)
    lower, upper = slow.bounds(unknown, np.zeros_like(unknown), [now])
    np.testing.assert_array_equal(fast.offsets(), [lower[:, 0], upper[:, 0]])
    np.testing.assert_array_equal(fast._alpha, slow._alpha)
    np.testing.assert_array_equal(fast._scores, slow._scores)


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
