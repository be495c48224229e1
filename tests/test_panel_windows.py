"""make_windows over panels: the windows that SeriesForecaster makes."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

from forecast import RNNForecaster, SeriesForecaster, Windows, make_windows
from forecast._windows.build import windows_of
from forecast.model_selection import PurgedTimeSeriesSplit


def shops(index):
    rng = np.random.default_rng(0)
    parts = []
    for name, first, last in (("a", 0, 90), ("b", 20, 100), ("c", 5, 60)):
        n = last - first
        columns = {"shop": name, "y": rng.normal(size=n), "x": rng.normal(size=n), "promo": rng.normal(size=n)}
        parts.append(pd.DataFrame(columns | {"size": float(len(parts))}, index=index[first:last]))
    return pd.concat(parts)


ROLES = dict(target="y", past_covariates="x", future_covariates="promo", static_covariates="size", series="shop")
INDEXES = {
    "hours in a zone": pd.date_range("2024-03-30", periods=100, freq="h", tz="Europe/Berlin"),
    "days": pd.date_range("2024-01-01", periods=100, freq="D"),
    "business days": pd.bdate_range("2024-01-01", periods=100),
    "months": pd.date_range("2010-01-01", periods=100, freq="MS", tz="America/New_York"),
    "periods": pd.period_range("2024-01-01", periods=100, freq="2h"),
    "steps": pd.RangeIndex(0, 300, 3),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_windows_of_a_panel_are_those_of_the_forecaster(kind):
    frame = shops(INDEXES[kind])
    seen = []

    class Spy(RNNForecaster):
        def fit(self, X, y=None):
            seen.append(X)
            return super().fit(X, y)

    spy = Spy(max_iter=1, hidden_size=2, random_state=0, early_stopping=False)
    SeriesForecaster(spy, lookback=8, horizon=3, validation_fraction=None, **ROLES).fit(frame)
    windows = make_windows(frame, lookback=8, horizon=3, window_norm="last", **ROLES)
    assert type(windows) is Windows
    assert windows.shape == (80 + 70 + 45, 8 * 3 + 3 * 1 + 1)
    np.testing.assert_array_equal(np.asarray(windows), np.asarray(seen[0]))
    np.testing.assert_array_equal(np.asarray(windows.y), np.asarray(seen[0].y))
    np.testing.assert_array_equal(windows.time, seen[0].time)
    first = windows.time[[0, 80, 80 + 70]] - 7
    np.testing.assert_array_equal(first, [0, 20, 5])


@pytest.mark.parametrize(
    ("roles", "channels"),
    [
        ({}, ["y"]),
        ({"past_covariates": "x"}, ["y", "x"]),
        ({"future_covariates": "promo"}, ["y", "promo"]),
        ({"past_covariates": "x", "future_covariates": "promo"}, ["y", "x", "promo"]),
    ],
    ids=["target", "past", "future", "past and future"],
)
def test_the_channels_of_a_panel_are_target_past_and_future(roles, channels):
    frame = shops(INDEXES["days"])
    windows = make_windows(frame, target="y", series="shop", lookback=4, horizon=2, window_norm=None, **roles)
    first = np.asarray(windows)[0, : 4 * len(channels)].reshape(4, len(channels))
    np.testing.assert_array_equal(first, frame[channels].iloc[:4])


def test_the_validation_tail_of_a_panel_is_the_latest_in_time_across_series():
    frame = shops(INDEXES["days"])
    windows = make_windows(frame, lookback=8, horizon=3, target="y", series="shop")
    late = windows.time >= np.sort(windows.time)[-20]
    assert set(windows.which[late]) == {0, 1}, "the third series ends long before"


def test_folds_of_a_panels_windows_keep_time_apart():
    frame = shops(INDEXES["days"])
    windows = make_windows(frame, lookback=8, horizon=3, target="y", series="shop")
    for train, test in PurgedTimeSeriesSplit(3, purge=2, past_only=True).split(windows):
        assert windows.timestamps[train].max() + pd.Timedelta(days=2) < windows.timestamps[test].min()
    scores = cross_val_score(Ridge(), windows, windows.y, cv=PurgedTimeSeriesSplit(3, purge=2), error_score="raise")
    assert np.isfinite(scores).all()


def test_windows_without_a_future_are_counted_by_the_end_of_their_series():
    windows = make_windows(shops(INDEXES["days"]), lookback=8, horizon=3, target="y", series="shop")
    ends = windows.starts[1:] - 1
    with pytest.raises(ValueError, match="3 of 4 windows have no targets"):
        np.asarray(windows.at(np.array([50, *ends])).y)


@pytest.mark.parametrize("seed", range(20))
def test_all_windows_of_some_series_are_those_of_each_in_turn(seed):
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, 30, rng.integers(2, 9)))])
    lookback, horizon, step, lost = (int(rng.integers(low, high)) for low, high in ((1, 8), (1, 6), (1, 12), (0, 3)))
    windows = windows_of(np.zeros((starts[-1], 1)), starts, lookback=lookback, horizon=horizon, step=step, lost=lost)
    expected = [
        (origin, number)
        for number, (first, end) in enumerate(pairwise(starts.tolist()))
        for origin in range(first + lost + lookback - 1, end - horizon, step)
    ]
    assert list(zip(windows.origins.tolist(), windows.which.tolist(), strict=True)) == expected


def test_windows_in_any_order_know_their_series():
    starts, rng = np.array([0, 40, 40, 90, 200]), np.random.default_rng(0)
    windows = windows_of(np.zeros((200, 1)), starts, lookback=3, horizon=2)
    order = rng.permutation(len(windows))
    assert windows[order].which.tolist() == windows.which[order].tolist()
    assert windows[np.sort(order[:4])].which.tolist() == windows.which[np.sort(order[:4])].tolist()
