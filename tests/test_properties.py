"""Properties of windows and forecasters on random series: round trips, shifts, permutations, splits, pickle, units."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast._windows import Windows
from forecast.baselines import Drift, LastValue, SeasonalNaive

many = settings(max_examples=80, derandomize=True, deadline=None)
seeds = st.integers(0, 2**32 - 1)
NORMS = [None, "last", "mean", "standard", ("mean", 0.3), ("standard", 0.5), ("season", 1)]
EPS = np.finfo(np.float64).eps


def walk(seed, rows, size=1.0, level=0.0):
    """A random walk with a season."""
    rng = np.random.default_rng(seed)
    return level + size * (rng.normal(size=rows).cumsum() + 3 * np.sin(np.arange(rows) / 2))


def forecaster(regressor=None, **changes):
    parameters = {"lookback": 5, "horizon": 3, "target": "y", "validation_fraction": None}
    return SeriesForecaster(Ridge() if regressor is None else regressor, **(parameters | changes))


# -------------------- round trips


@many
@given(
    seed=seeds,
    norm=st.sampled_from(NORMS),
    lookback=st.integers(1, 6),
    horizon=st.integers(1, 4),
    n_targets=st.integers(1, 3),
    size=st.sampled_from([1e-6, 1.0, 1e6]),
    level=st.sampled_from([0.0, 1.0, -1e3]),
    flat=st.booleans(),
)
def test_normalize_and_restore_undo_each_other(seed, norm, lookback, horizon, n_targets, size, level, flat):
    rng = np.random.default_rng(seed)
    values = np.stack([walk(seed + k, 30, size, level * size) for k in range(n_targets)], axis=1)
    if flat:
        values[8:22] = values[8]  # windows without a spread
    origins = np.sort(rng.choice(np.arange(lookback - 1, 30 - horizon), 5))
    windows = Windows(values, origins, lookback=lookback, horizon=horizon, n_targets=n_targets, window_norm=norm)
    forecast = np.abs(values).max() * rng.normal(size=(5, horizon * n_targets))
    there_and_back = windows.restore(windows.normalize(forecast))
    largest = np.abs(values).max() + np.abs(forecast).max()
    np.testing.assert_allclose(there_and_back, forecast, rtol=0, atol=8 * EPS * largest)
    raw = values[origins[:, None] + np.arange(1, horizon + 1)].reshape(5, -1)
    np.testing.assert_allclose(windows.restore(np.asarray(windows.y)), raw, rtol=0, atol=8 * EPS * largest)
    np.testing.assert_allclose(np.asarray(windows.y), windows.normalize(raw), rtol=1e-12, atol=0)


@many
@given(seed=seeds, norm=st.sampled_from(NORMS), data=st.data())
def test_rows_of_a_matrix_do_not_depend_on_the_other_rows(seed, norm, data):
    values = walk(seed, 60).reshape(30, 2)
    starts = np.array([0, 12, 30])
    origins = np.r_[np.arange(3, 10), np.arange(15, 28)]
    windows = Windows(values, origins, lookback=4, horizon=2, starts=starts, window_norm=norm, future=values[:, 1:])
    rows = data.draw(st.lists(st.integers(0, len(origins) - 1), min_size=1, max_size=9))
    np.testing.assert_array_equal(np.asarray(windows[rows]), np.asarray(windows)[rows])
    np.testing.assert_array_equal(np.asarray(windows[rows].y), np.asarray(windows.y)[rows])


# -------------------- shift of time


@many
@given(
    seed=seeds,
    steps=st.integers(-10_000, 10_000),
    freq=st.sampled_from(["15min", "h", "D", "W", "MS", "B", None]),
    norm=st.sampled_from(NORMS),
    transform=st.sampled_from([None, "standard", "difference"]),
)
def test_a_shift_of_all_stamps_shifts_the_forecast_and_nothing_else(seed, steps, freq, norm, transform):
    """Where there is no calendar."""
    assume(abs(steps) < 200 or freq not in ("W", "MS"))
    frame = pd.DataFrame({"y": walk(seed, 40)})
    if freq is None:
        indices = [pd.RangeIndex(start, start + 40) for start in (0, steps)]
    else:
        start = pd.Timestamp("2001-01-01")
        moved = pd.date_range(start, periods=abs(steps) + 1, freq=freq)[-1] if steps > 0 else None
        moved = pd.date_range(end=start, periods=abs(steps) + 1, freq=freq)[0] if moved is None else moved
        indices = [pd.date_range(begin, periods=40, freq=freq) for begin in (start, moved)]
    model = forecaster(window_norm=norm, transform=transform, freq=1 if freq is None else freq)
    one, other = (model.fit(frame.set_axis(index)).predict() for index in indices)
    np.testing.assert_array_equal(one.to_numpy(), other.to_numpy())
    for index, got in zip(indices, (one, other), strict=True):
        follows = index[-1] + np.arange(1, 4) if freq is None else pd.date_range(index[-1], periods=4, freq=freq)[1:]
        assert list(got.index) == list(follows)


# -------------------- permutation of series


@many
@given(
    seed=seeds,
    order=st.permutations(range(4)),
    regressor=st.sampled_from([Ridge(), LastValue(), SeasonalNaive(4), Drift()]),
    transform=st.sampled_from([None, "standard"]),
)
def test_order_of_series_changes_no_forecast(seed, order, regressor, transform):
    rng = np.random.default_rng(seed)
    parts = [pd.DataFrame({"id": f"s{k}", "y": walk(seed + k, int(rng.integers(12, 25)), 10.0**k)}) for k in range(4)]
    model = forecaster(regressor, series="id", transform=transform, freq=1)
    one = model.fit(pd.concat(parts)).predict()
    other = model.fit(pd.concat([parts[k] for k in order])).predict()
    for part in parts:
        name = part["id"].iloc[0]
        mine, same = (got.loc[(got["id"] == name).to_numpy(), "y"].to_numpy() for got in (one, other))
        if isinstance(regressor, Ridge):
            np.testing.assert_allclose(mine, same, rtol=1e-9, atol=1e-9 * np.abs(part["y"]).max())
        else:
            np.testing.assert_array_equal(mine, same)


# -------------------- batch split


@pytest.fixture(scope="module", params=["lstm", "gru"])
def network(request):
    windows = Windows(walk(0, 300).reshape(100, 3), np.arange(7, 90), lookback=8, horizon=3, window_norm="last")
    model = RNNForecaster(cell=request.param, hidden_size=4, max_iter=2, random_state=0)
    return model.fit(windows, windows.y), windows


@many
@given(cuts=st.lists(st.integers(0, 83), max_size=8))
def test_windows_predicted_in_parts_have_the_bits_of_all_at_once(network, cuts):
    model, windows = network
    edges = [0, *sorted(set(cuts) - {0, 83}), 83]
    parts = [model.predict(windows[begin:end]) for begin, end in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts), model.predict(windows))


@many
@given(seed=seeds, lookback=st.integers(1, 30), horizon=st.integers(1, 7))
def test_histories_forecast_one_by_one_have_the_bits_of_a_panel(seed, lookback, horizon):
    """Whatever the regressor: the bits of a matrix product depend on how many rows it has."""
    model = forecaster(series="id", lookback=lookback, horizon=horizon, freq=1)
    parts = [pd.DataFrame({"id": k, "y": walk(seed + k, 40)}) for k in range(5)]
    fitted = model.fit(pd.concat(parts))
    together = fitted.predict()["y"].to_numpy()
    alone = np.concatenate([fitted.predict(history=part)["y"].to_numpy() for part in parts])
    np.testing.assert_array_equal(together, alone)


# -------------------- pickle


@many
@given(
    seed=seeds,
    norm=st.sampled_from(NORMS),
    transform=st.sampled_from([None, "standard", ["difference", "robust"]]),
    masked=st.booleans(),
    is_network=st.booleans(),
)
def test_a_pickled_forecaster_has_the_same_bits(seed, norm, transform, masked, is_network):
    frame = pd.DataFrame(
        {"y": walk(seed, 40)}, index=pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Rome")
    )
    if masked:
        frame.iloc[[5, 20, 39]] = np.nan
    regressor = RNNForecaster(hidden_size=2, max_iter=1, random_state=0) if is_network else Ridge()
    fitted = forecaster(regressor, window_norm=norm, transform=transform, missing="mask").fit(frame)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(again.predict(), fitted.predict(), check_exact=True)
    pd.testing.assert_frame_equal(again.history_, fitted.history_, check_exact=True)
    other = frame.iloc[:30]
    np.testing.assert_array_equal(again.predict(history=other), fitted.predict(history=other))


# -------------------- units


@many
@given(
    seed=seeds,
    factor=st.floats(1e-3, 1e3),
    shift=st.floats(-100, 100),
    norm=st.sampled_from(["standard", ("standard", 0.5), "last", "mean", ("mean", 0.3), ("season", 2)]),
    flat=st.booleans(),
)
def test_another_unit_of_the_series_is_another_unit_of_the_forecast(seed, factor, shift, norm, flat):
    """A shift alone with most norms; with "standard" a factor too, also where windows barely move."""
    y = walk(seed, 40)
    if flat:
        y[20:34] = y[20] + 1e-3 * walk(seed + 1, 14)
    if "standard" not in (norm, norm[0]):
        factor = 1.0
    moved = factor * (y + shift)
    model = forecaster(window_norm=norm)
    one, other = (model.fit(pd.DataFrame({"y": values})).predict()["y"].to_numpy() for values in (y, moved))
    np.testing.assert_allclose(other, factor * (one + shift), rtol=1e-7, atol=1e-7 * np.abs(moved).max())


@many
@given(
    seed=seeds,
    factor=st.floats(1e-3, 1e3),
    shift=st.floats(-100, 100),
    scale=st.sampled_from(["standard", "minmax", "robust"]),
)
def test_a_scaled_target_makes_the_regressor_blind_to_units(seed, factor, shift, scale):
    y = walk(seed, 40)
    moved = factor * (y + shift)
    model = forecaster(transform=scale, window_norm=None)
    one, other = (model.fit(pd.DataFrame({"y": values})).predict()["y"].to_numpy() for values in (y, moved))
    np.testing.assert_allclose(other, factor * (one + shift), rtol=1e-7, atol=1e-7 * np.abs(moved).max())
