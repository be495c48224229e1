"""What an interval after a history forecasts is forecast in one call; few or many origins, with the same bits."""

import numpy as np
import pandas as pd
import pytest
import reference_conformal
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast._conformal import AdaptiveState
from forecast._series import fresh

DAYS = pd.date_range("2025-01-01", periods=130, freq="D", name="day")
RNG = np.random.default_rng(4)
FRAME = pd.concat(
    [
        pd.DataFrame({"day": DAYS, "store": f"s{n}", "sold": RNG.poisson(3.0 * n, 130), "promo": RNG.random(130) < 0.3})
        for n in range(3)
    ]
).astype({"sold": float, "promo": float})
SETTINGS = {
    "plain": {},
    "future": {"future_covariates": ["promo"]},
    "calendar": {"calendar": ["dayofweek"]},
    "masks": {"missing": "mask"},
}


def fitted(**settings):
    own = {"target": "sold", "series": "store", "time": "day", "lookback": 7, "horizon": 3, "validation_fraction": 0.3}
    columns = ["day", "store", "sold", *settings.get("future_covariates", [])]
    return SeriesForecaster(Ridge(), **own | settings).fit(FRAME.loc[FRAME["day"] < DAYS[100], columns])


@pytest.mark.parametrize("name", SETTINGS)
def test_an_interval_after_a_history_asks_the_regressor_once(name, monkeypatch):
    model, known = fitted(**SETTINGS[name]), FRAME[FRAME["day"] < DAYS[120]]
    if name != "future":
        known = known.drop(columns="promo")
    ahead = FRAME[(FRAME["day"] >= DAYS[120]) & (FRAME["day"] < DAYS[123])].drop(columns="sold")
    asked = {"X": ahead} if name == "future" else {}
    calls, forecasts = [], type(model._state).forecast

    def counted(state, rows, origins, levels=None):
        calls.append(len(origins))
        return forecasts(state, rows, origins, levels)

    monkeypatch.setattr(type(model._state), "forecast", counted)
    found = model.predict_interval(**asked, history=known)
    assert calls == [3 + 3 * 20]  # the last row of the fit is an origin, too, and the newest one has no error
    monkeypatch.setattr(fresh, "_VALUES", 1)  # series by series
    again = fitted(**SETTINGS[name])
    pd.testing.assert_frame_equal(again.predict_interval(**asked, history=known), found, rtol=0, atol=0)
    assert len(calls) > 4
    np.testing.assert_array_equal(found["sold"], again.predict(**asked, history=known)["sold"])


@pytest.mark.parametrize("kind", ["plain", "ties", "missing", "short"])
def test_series_that_go_on_from_the_same_scores_have_the_bits_of_one_origin_after_the_other(kind):
    rng, (n, steps, series, more) = np.random.default_rng(7), (60, 3, 4, 61)
    started = AdaptiveState([0.5, 0.9], gamma=0.05, window=61)
    first = rng.normal(size=(n if kind != "short" else 25, steps, 1))
    actual = rng.normal(size=(more, steps, series)) * np.exp(rng.normal(size=series))
    if kind == "ties":
        first, actual = np.round(first), np.round(actual)
    if kind == "missing":
        actual[rng.random(actual.shape) < 0.3] = np.nan
    started.begin(first)
    found = started.side_by_side(actual, np.arange(more), more + steps)
    for number in range(series):
        alone = AdaptiveState([0.5, 0.9], gamma=0.05, window=61)
        alone.begin(first)
        own = actual[:, :, [number]]
        offsets, _ = reference_conformal.learnt(alone, own, range(more), more + steps)
        np.testing.assert_array_equal(found[:, :, :, number], offsets[:, :, -1, :, 0])


def test_a_window_of_more_scores_than_two_bytes_can_number():
    rng = np.random.default_rng(3)
    first = np.sort(rng.normal(size=40_000))
    missed = first[30_003] + (first[30_004] - first[30_003]) * np.linspace(0.9, 0.1, 20)  # at the quartile
    first = np.concatenate([first[-200:], rng.permutation(first[:-200])]).reshape(-1, 1, 1)  # the greatest leave first
    started, alone = (AdaptiveState([0.5], gamma=1e-6, window=40_000, decay=1.0) for _ in range(2))
    for state in (started, alone):
        state.begin(first)
    more = missed.reshape(-1, 1, 1)
    found = started.side_by_side(more, np.arange(20), 21)
    offsets, _ = reference_conformal.learnt(alone, more, range(20), 21)
    np.testing.assert_array_equal(found, offsets[:, :, -1])
