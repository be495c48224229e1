"""Baselines: what they say, under any window norm, and with seasons longer than the lookback."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from forecast._series import SeriesForecaster
from forecast._windows import make_windows
from forecast.baselines import Drift, LastValue, SeasonalNaive, seasonal_naive

pytestmark = pytest.mark.quick

WEEKS = pd.date_range("2010-01-03", periods=200, freq="W-SUN")


@pytest.fixture
def frame():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)).cumsum(axis=0), index=WEEKS, columns=["a", "b"])


def forecast(regressor, frame, norm, **changes):
    arguments = {"target": ["a", "b"], "lookback": 26, "horizon": 60, "window_norm": norm} | changes
    return SeriesForecaster(regressor, **arguments).fit(frame).predict().to_numpy()


@pytest.mark.parametrize("norm", ["last", None])
def test_last_value_repeats_the_newest_row_exactly(frame, norm):
    np.testing.assert_array_equal(forecast(LastValue(), frame, norm), np.tile(frame.to_numpy()[-1], (60, 1)))


@pytest.mark.parametrize("norm", ["last", None])
def test_seasonal_naive_looks_back_further_than_the_lookback(frame, norm):
    season = frame.to_numpy()[-52:]
    np.testing.assert_allclose(forecast(SeasonalNaive(), frame, norm), np.r_[season, season[:8]], rtol=1e-13)
    season = frame.to_numpy()[-7:]
    np.testing.assert_allclose(forecast(SeasonalNaive(7), frame, norm), np.tile(season, (9, 1))[:60], rtol=1e-13)
    fitted = SeriesForecaster(SeasonalNaive(120), target="a", lookback=3, horizon=2, window_norm=norm).fit(frame)
    np.testing.assert_allclose(fitted.predict()["a"], frame["a"].iloc[80:82], rtol=1e-13)


@pytest.mark.parametrize("norm", ["last", None])
def test_drift_continues_the_line_from_the_first_to_the_newest_value(frame, norm):
    values = frame.to_numpy()
    slope = (values[-1] - values[-26]) / 25
    np.testing.assert_allclose(
        forecast(Drift(), frame, norm), values[-1] + np.arange(1, 61)[:, None] * slope, rtol=1e-11
    )
    one = forecast(Drift(), frame, norm, lookback=1)
    np.testing.assert_array_equal(one, np.tile(values[-1], (60, 1)))


@pytest.mark.parametrize("regressor", [LastValue(), SeasonalNaive(5), Drift()])
def test_windows_and_arrays_give_the_same(frame, regressor):
    windows = make_windows(frame, target="a", lookback=10, horizon=4)
    X, y = np.asarray(windows), np.asarray(windows.y)
    lazy = clone(regressor).fit(windows, windows.y).predict(windows)
    for array in (X, X[:, :, None]):
        np.testing.assert_array_equal(clone(regressor).fit(array, y).predict(array), lazy)
    assert lazy.shape == y.shape
    assert lazy.dtype == np.float64


def test_flat_targets_give_flat_forecasts(frame):
    windows = make_windows(frame, target="a", lookback=10, horizon=1)
    for regressor in (LastValue(), SeasonalNaive(5), Drift()):
        got = regressor.fit(np.asarray(windows), np.asarray(windows.y).ravel()).predict(np.asarray(windows))
        assert got.shape == (len(windows),)


def test_baselines_run_through_scikit_learns_evaluation(frame):
    windows = make_windows(frame, target="a", lookback=10, horizon=4, window_norm="last")
    for regressor in (LastValue(), Drift()):
        assert np.isfinite(cross_val_score(regressor, windows, windows.y, cv=TimeSeriesSplit(3))).all()


def test_seasonal_naive_on_an_array_needs_a_period_that_fits(frame):
    X, y = np.ones((5, 10)), np.ones((5, 2))
    with pytest.raises(ValueError, match="period is None"):
        SeasonalNaive().fit(X, y)
    with pytest.raises(ValueError, match="period is 11, but there are 10 rows"):
        SeasonalNaive(11).fit(X, y)
    for period in (0, 1.5, True):
        with pytest.raises(ValueError, match="period is"):
            SeasonalNaive(period).fit(X, y)


def test_season_that_leaves_the_series_is_refused(frame):
    windows = make_windows(frame, target="a", lookback=10, horizon=4)
    with pytest.raises(ValueError, match="leaves the series"):
        SeasonalNaive(52).fit(windows, windows.y).predict(windows)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected \(n,\) or"):
        LastValue().fit(np.ones((5, 3)), np.ones(4))
    with pytest.raises(ValueError, match="4 features"):
        LastValue().fit(np.ones((5, 3)), np.ones(5)).predict(np.ones((5, 4)))


def test_seasonal_naive_function_repeats_the_season():
    np.testing.assert_array_equal(seasonal_naive(np.arange(6), 5, 3), [3, 4, 5, 3, 4])
    np.testing.assert_array_equal(seasonal_naive(np.arange(6).reshape(3, 2), 2), [[4, 5], [4, 5]])
    with pytest.raises(ValueError, match="season of 7"):
        seasonal_naive(np.arange(6), 5, 7)
