"""Intervals after new rows: what these teach is learnt once, for all series together, with the bits of each alone."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, load
from forecast._series import fresh
from forecast.model_selection import RollingOrigin, backtest

HOURS = pd.date_range("2026-01-01", periods=460, freq="h", name="hour")
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"y": RNG.normal(size=460).cumsum(), "known": RNG.normal(size=460)}, index=HOURS)
PANEL = pd.concat(  # each shop ends an hour before the last
    [
        pd.DataFrame({"hour": HOURS[: 260 - n], "shop": f"s{n}", "y": 10.0**n * np.exp(RNG.normal(size=260 - n))})
        for n in range(4)
    ]
)


def fitted(regressor=None, **more):
    settings = {"target": "y", "lookback": 12, "horizon": 4} | more
    return SeriesForecaster(Ridge() if regressor is None else regressor, **settings).fit(FRAME[["y"]].iloc[:400])


def shops(transform=None):
    model = SeriesForecaster(
        Ridge(), target="y", series="shop", time="hour", lookback=8, horizon=3, transform=transform
    )
    return model.fit(PANEL[(PANEL["hour"] < HOURS[200]) & (PANEL["shop"] != "s3")])


@pytest.fixture
def errors(monkeypatch):
    """Counts how often errors are computed."""
    calls, computed = [], fresh._errors
    monkeypatch.setattr(fresh, "_errors", lambda *given: calls.append(1) or computed(*given))
    return calls


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)])
def test_a_second_call_forecasts_only_what_is_asked_and_has_the_same_bits(regressor, errors, tmp_path):
    model = fitted(regressor)
    history = FRAME[["y"]].iloc[:430]
    first = model.predict_interval(history=history)
    pd.testing.assert_frame_equal(model.predict_interval(history=history.copy()), first, rtol=0, atol=0)
    assert len(errors) == 1
    two = model.predict_interval(2, history=history)
    pd.testing.assert_frame_equal(two, first.iloc[:2], rtol=0, atol=0)
    assert len(errors) == 1
    model.update(history.iloc[400:])
    pd.testing.assert_frame_equal(model.predict_interval(), first, rtol=0, atol=0)
    model.predict_interval()
    assert len(errors) == 2
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(load(tmp_path / "model").predict_interval(), first, rtol=0, atol=0)


def test_a_history_that_differs_in_one_value_is_another(errors):
    model, history = fitted(), FRAME[["y"]].iloc[:430]
    before = model.predict_interval(history=history)
    other = history.copy()
    other.iloc[405, 0] += 50
    others = model.predict_interval(history=other)
    assert len(errors) == 2
    assert not (others["y_upper"] - others["y_lower"]).equals(before["y_upper"] - before["y_lower"])
    pd.testing.assert_frame_equal(fitted().predict_interval(history=other), others, rtol=0, atol=0)
    pd.testing.assert_frame_equal(model.predict_interval(history=history), before, rtol=0, atol=0)
    moved = history.set_axis(history.index + pd.Timedelta(hours=1))
    model.predict_interval(history=moved)
    assert len(errors) == 4  # and once of the other model


def test_other_future_rows_are_another_history(errors):
    model = SeriesForecaster(Ridge(), target="y", lookback=12, horizon=4, future_covariates=["known"])
    model.fit(FRAME.iloc[:400]).update(FRAME.iloc[400:430])
    future = FRAME[["known"]].iloc[430:434]
    found = [model.predict_interval(rows) for rows in (future, future + 9, future)]
    assert len(errors) == 2
    pd.testing.assert_frame_equal(found[0], found[2], rtol=0, atol=0)
    assert not np.allclose(found[0]["y_upper"] - found[0]["y"], found[1]["y_upper"] - found[1]["y"])


def test_what_was_learnt_stays_in_the_model_alone(tmp_path):
    model = fitted().update(FRAME[["y"]].iloc[400:430])
    model.save(tmp_path / "before")
    plain = len(pickle.dumps(model))
    found = model.predict_interval(coverage=[0.5, 0.7])  # of the usual ones, an update learns
    assert model._state.once
    model.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
    assert len(pickle.dumps(model)) < plain + 200_000  # nothing of the errors; the calibration may hold its own
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert not other._state.once
        pd.testing.assert_frame_equal(other.predict_interval(coverage=[0.5, 0.7]), found, rtol=0, atol=0)
    assert not hasattr(clone(model), "_state")


def test_few_answers_are_remembered():
    model = fitted()
    for end in range(410, 430):
        model.predict_interval(history=FRAME[["y"]].iloc[:end])
    assert 1 <= len(model._state.once) <= fresh._REMEMBERED


def test_threads_get_the_same_bits():
    model, histories = fitted(), [FRAME[["y"]].iloc[:end] for end in (405, 420, 440)] * 6
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rows: model.predict_interval(history=rows), histories))
    for rows, one in zip(histories, found, strict=True):
        pd.testing.assert_frame_equal(one, fitted().predict_interval(history=rows), rtol=0, atol=0)


@pytest.mark.parametrize("transform", [None, "log", "standard"])
def test_series_side_by_side_have_the_bits_of_each_alone(transform, errors, monkeypatch):
    model = shops(transform)
    together = model.predict_interval(history=PANEL, coverage=[0.5, 0.9])
    n = len(errors)
    assert n <= 2  # one for the series of the fit, one for the new one, where a transform is learnt of it
    for shop, rows in PANEL.groupby("shop"):
        alone = model.predict_interval(history=rows, coverage=[0.5, 0.9])
        mine = together[together["shop"] == shop].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.reset_index(drop=True), mine, rtol=0, atol=0)
    monkeypatch.setattr(fresh, "_VALUES", 1)  # each by itself
    again = shops(transform).predict_interval(history=PANEL, coverage=[0.5, 0.9])
    pd.testing.assert_frame_equal(again, together, rtol=0, atol=0)
    assert len(errors) > n + 4 + 3


def rain(n=900):
    """Dry for days, then hours of rain."""
    rng = np.random.default_rng(3)
    wet = (np.arange(n) % 150 < 8) & (rng.random(n) < 0.8)
    return pd.DataFrame(
        {"y": np.where(wet, rng.gamma(1.0, 4.0, size=n), 0.0)}, pd.date_range("2026", periods=n, freq="h")
    )


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
@pytest.mark.parametrize(("transform", "times"), [(None, 4), ("asinh", 20)])
def test_the_first_rain_after_dry_days_does_not_widen_intervals_beyond_every_error(transform, times):
    frame = rain()
    model = SeriesForecaster(Ridge(), target="y", lookback=6, horizon=4, transform=transform).fit(frame[:600])
    widest = max(
        (bounds["y_upper"] - bounds["y_lower"]).max()
        for now in range(740, 780)
        for bounds in [model.predict_interval(history=frame[:now], coverage=0.95)]
    )
    assert widest < times * frame["y"].max()
    report = backtest(model, frame[:780], RollingOrigin(n_splits=40, horizon=4, step=1), refit=False, coverage=0.95)
    mine = report.frame.query("model == 'Ridge'")
    assert (mine["upper_0.95"] - mine["lower_0.95"]).max() < times * frame["y"].max()
