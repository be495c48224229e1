"""Windows: the same numbers as sliding windows, in memory of the series, and a table to scikit-learn."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, train_test_split
from sklearn.utils import _safe_indexing

from forecast._windows import Windows, make_windows

pytestmark = pytest.mark.quick

LOOKBACK, HORIZON = 5, 3


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-03-20", periods=60, freq="h", tz="Europe/Berlin")
    return pd.DataFrame(rng.normal(size=(60, 4)).cumsum(axis=0), columns=list("abcd"), index=index)


def sliding(frame, names, start, stop, length):
    """The oracle: windows of `length` rows, (n, length, channels)."""
    values = frame[names].to_numpy()[start:stop]
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=0).transpose(0, 2, 1)


@pytest.mark.parametrize("target", ["c", ["b", "d"]])
@pytest.mark.parametrize("covariates", [None, ["a", "d"]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matrix_is_the_sliding_windows_time_major(frame, target, covariates, dtype):
    frame = frame.astype(dtype)
    windows = make_windows(frame, target=target, lookback=LOOKBACK, horizon=HORIZON, past_covariates=covariates)
    targets = [target] if isinstance(target, str) else target
    channels = targets + [name for name in covariates or [] if name not in targets]
    past, future = np.asarray(windows), np.asarray(windows.y)
    assert windows.shape == past.shape == (53, LOOKBACK * len(channels))
    assert windows.dtype == past.dtype == dtype
    np.testing.assert_array_equal(past.reshape(53, LOOKBACK, -1), sliding(frame, channels, 0, 60 - HORIZON, LOOKBACK))
    assert windows.y.shape == future.shape == (53, HORIZON * len(targets))
    assert future.dtype == dtype
    np.testing.assert_array_equal(future.reshape(53, HORIZON, -1), sliding(frame, targets, LOOKBACK, 60, HORIZON))


def test_no_window_vanishes(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    assert len(windows) == len(frame) - LOOKBACK - HORIZON + 1
    assert windows.origins[0] == LOOKBACK - 1
    assert windows.origins[-1] == len(frame) - 1 - HORIZON
    assert len(make_windows(frame.iloc[: LOOKBACK + HORIZON], target="a", lookback=LOOKBACK, horizon=HORIZON)) == 1


def test_step_takes_every_so_many_windows(frame):
    every = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    some = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, step=4)
    np.testing.assert_array_equal(some.origins, every[::4].origins)


@pytest.mark.parametrize(
    "key",
    [
        slice(3, 20, 2),
        np.array([4, 1, 1]),
        [0, -1],
        np.arange(53) % 3 == 0,
        (np.array([2, 5]), Ellipsis),
        7,
        [],
        Ellipsis,
        (slice(None, 4), slice(None)),
        np.int64(3),
        np.array([True] * 53),
    ],
    ids=str,
)
def test_indexing_selects_rows_and_shares_the_series(frame, key):
    windows = make_windows(frame, target=["b", "a"], lookback=LOOKBACK, horizon=HORIZON, window_norm="last")
    rows = key[0] if isinstance(key, tuple) else key
    rows = [rows] if isinstance(rows, (int, np.integer)) else rows
    rows = np.asarray(rows, dtype=int) if isinstance(rows, list) else rows
    for table, matrix in ((windows, np.asarray(windows)), (windows.y, np.asarray(windows.y))):
        part = table[key]
        assert type(part) is type(table)
        assert part.shape == matrix[rows].shape
        np.testing.assert_array_equal(np.asarray(part), matrix[rows])
    assert windows[key].values is windows.values
    assert windows.y[key].belongs_to(windows[key])


@pytest.mark.parametrize("key", [(0, 1), (slice(None), 2), np.array([0.5]), np.zeros((2, 2), dtype=int), "a"])
def test_only_rows_can_be_indexed(frame, key):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    with pytest.raises(IndexError):
        windows[key]


def test_row_out_of_range_raises_and_iteration_ends(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    with pytest.raises(IndexError):
        windows[53]
    assert sum(len(window) for window in windows) == 53


def test_series_is_never_copied(frame):
    for dtype in (np.float32, np.float64):
        data = frame.astype(dtype)
        windows = make_windows(data, target="b", lookback=LOOKBACK, horizon=HORIZON, past_covariates=["c", "d"])
        train_X, test_X, train_y, test_y = train_test_split(windows, windows.y, shuffle=False)
        for part in (windows, train_X, test_X, train_y.windows, test_y.windows, _safe_indexing(windows, [3, 4])):
            assert np.shares_memory(part.values, data.to_numpy())
        assert np.shares_memory(windows.source_arguments()["target"], data.to_numpy())
        assert train_y.belongs_to(train_X)
        assert test_y.belongs_to(test_X)
        assert not test_y.belongs_to(train_X)


@pytest.mark.parametrize("rows", [[0, 3], np.array([5, 2]), slice(1, 4), np.arange(53) < 9], ids=str)
def test_scikit_learn_indexes_windows_and_targets(frame, rows):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    for table in (windows, windows.y):
        np.testing.assert_array_equal(np.asarray(_safe_indexing(table, rows)), np.asarray(table)[rows])


def test_cross_validation_and_grid_search_score_as_on_the_matrix(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm="last")
    X, y, cv = np.asarray(windows), np.asarray(windows.y), TimeSeriesSplit(3)
    np.testing.assert_array_equal(
        cross_val_score(Ridge(), windows, windows.y, cv=cv), cross_val_score(Ridge(), X, y, cv=cv)
    )
    grid = {"alpha": [0.1, 10.0]}
    search = GridSearchCV(Ridge(), grid, cv=cv, scoring="neg_mean_absolute_error")
    lazy = search.fit(windows, windows.y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(lazy, search.fit(X, y).cv_results_["mean_test_score"])


def test_window_norm_last_takes_the_newest_target_off_and_leaves_covariates(frame):
    plain = make_windows(frame, target=["a", "b"], lookback=LOOKBACK, horizon=HORIZON, past_covariates="c")
    normed = make_windows(
        frame, target=["a", "b"], lookback=LOOKBACK, horizon=HORIZON, past_covariates="c", window_norm="last"
    )
    past = np.asarray(plain).reshape(-1, LOOKBACK, 3).copy()
    newest = past[:, -1:, :2].copy()
    past[:, :, :2] -= newest
    np.testing.assert_array_equal(np.asarray(normed).reshape(past.shape), past)
    future = np.asarray(plain.y).reshape(-1, HORIZON, 2) - newest
    np.testing.assert_array_equal(np.asarray(normed.y).reshape(future.shape), future)


@pytest.mark.parametrize("norm", [None, "last"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_restore_inverts_the_norm(frame, norm, dtype):
    frame = frame.astype(dtype)
    arguments = {"target": ["a", "b"], "lookback": LOOKBACK, "horizon": HORIZON}
    windows = make_windows(frame, **arguments, window_norm=norm)
    restored = windows.restore(np.asarray(windows.y))
    assert restored.dtype == np.float64
    np.testing.assert_allclose(restored, np.asarray(make_windows(frame, **arguments).y), rtol=0, atol=1e-5)
    np.testing.assert_allclose(windows.normalize(restored), np.asarray(windows.y), rtol=0, atol=1e-5)


def test_restore_takes_flat_predictions_of_one_output_only(frame):
    one = make_windows(frame, target="a", lookback=LOOKBACK, horizon=1, window_norm="last")
    np.testing.assert_array_equal(one.restore(np.zeros(len(one))), frame["a"].to_numpy()[one.origins])
    three = make_windows(frame, target="a", lookback=LOOKBACK, horizon=3)
    for shape in ((len(three),), (len(three), 2), (3, 3)):
        with pytest.raises(ValueError, match="expected"):
            three.restore(np.zeros(shape))


def test_windows_at_the_end_of_the_series_have_a_past_but_no_targets(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm="last")
    last = windows.at([59])
    np.testing.assert_array_equal(np.asarray(last)[0], frame["a"].to_numpy()[-LOOKBACK:] - frame["a"].iloc[-1])
    assert last.values is windows.values
    assert not last.has_future
    assert last.timestamps[0] == frame.index[-1]
    with pytest.raises(ValueError, match="1 of 1 windows have no targets"):
        last.y  # noqa: B018
    given = last.source_arguments()
    assert given["target"] is None
    assert given["horizon"] == 0
    assert given["target_anchor"] is None
    for origin in (LOOKBACK - 2, 60, -1):
        with pytest.raises(ValueError, match="origins"):
            windows.at([origin])


def test_timestamps_are_the_labels_of_the_origins(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    assert windows.origins.dtype == np.int64
    assert windows[10:12].timestamps.equals(frame.index[[14, 15]])


def gather(arguments):
    """What the core does with its arguments, in plain NumPy: anchored pasts and targets."""
    base = arguments["origin"][:, None]
    past_rows = base * arguments["past_stride"] + arguments["past_shift"] + np.arange(arguments["lookback"])
    target_rows = base * arguments["target_stride"] + arguments["target_shift"] + np.arange(arguments["horizon"])
    past = arguments["past"][past_rows].copy()
    target = arguments["target"][target_rows].copy()
    newest = past[:, -1].copy()
    if arguments["anchor"] is not None:
        target -= newest[:, arguments["target_anchor"]][:, None]
        past -= (newest * arguments["anchor"])[:, None]
    return past.reshape(len(base), -1), target.reshape(len(base), -1)


@pytest.mark.parametrize("norm", [None, "last"])
def test_core_gathers_the_matrix_from_its_arguments(frame, norm):
    windows = make_windows(
        frame, target=["c", "a"], lookback=LOOKBACK, horizon=HORIZON, past_covariates="b", window_norm=norm
    )[[5, 40, 3]]
    arguments = windows.source_arguments()
    past, target = gather(arguments)
    np.testing.assert_array_equal(past, np.asarray(windows))
    np.testing.assert_array_equal(target, np.asarray(windows.y))
    assert arguments["origin"].dtype == np.int64
    if norm is not None:
        assert arguments["anchor"].dtype == arguments["target_anchor"].dtype == np.int32


def test_targets_know_their_windows(frame):
    arguments = {"target": "a", "lookback": LOOKBACK, "horizon": HORIZON}
    windows = make_windows(frame, **arguments)
    assert windows.y.belongs_to(windows)
    assert windows.y[:9].belongs_to(windows[:9])
    for other in (windows[::-1], windows[:9], make_windows(frame, **arguments, window_norm="last"), None, "x"):
        assert not windows.y.belongs_to(other)
    assert not windows.y.belongs_to(make_windows(frame.copy(), **arguments))
    together = pickle.loads(pickle.dumps((windows, windows.y)))
    assert together[1].belongs_to(together[0])


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda windows: pickle.loads(pickle.dumps(windows))])
def test_windows_survive_copy_and_pickle(frame, again):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm="last")[3:9]
    other = again(windows)
    np.testing.assert_array_equal(np.asarray(other), np.asarray(windows))
    assert other.timestamps.equals(windows.timestamps)
    np.testing.assert_array_equal(np.asarray(again(windows.y)), np.asarray(windows.y))


def test_array_protocol_converts_and_refuses_a_view(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    assert np.asarray(windows, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.array(windows, copy=False)
    changed = np.asarray(windows)
    changed[:] = 0
    assert np.asarray(windows).any()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("lookback", 0, ValueError),
        ("horizon", 0, ValueError),
        ("step", 0, ValueError),
        ("lookback", 2.5, TypeError),
        ("horizon", "3", TypeError),
        ("lookback", True, ValueError),
        ("lookback", 58, ValueError),
        ("window_norm", "median", ValueError),
        ("target", "z", ValueError),
    ],
)
def test_parameter_out_of_range_is_refused(frame, name, value, error):
    arguments = {"target": "a", "lookback": LOOKBACK, "horizon": HORIZON, name: value}
    with pytest.raises(error, match=name if name != "target" else "'z'"):
        make_windows(frame, **arguments)


def test_series_needs_no_target():
    windows = make_windows(pd.Series(np.arange(9.0), name="s"), lookback=2, horizon=1)
    assert windows.target_names == ["s"]
    assert len(windows) == 7


def test_room_is_left_for_known_future_static_values_and_a_mask(frame):
    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON)
    assert windows.future is None
    assert windows.static is None
    assert windows.mask is None
    assert windows.past is windows.values
    assert windows.ndim == windows.y.ndim == 2


def test_windows_can_be_built_without_a_frame():
    windows = Windows(np.arange(8.0, dtype=np.float32).reshape(4, 2), [1, 2], lookback=2, horizon=1)
    assert windows.channel_names == [0, 1]
    assert windows.shape == (2, 4)
    with pytest.raises(ValueError, match="expected 2-D"):
        Windows(np.arange(4), [1], lookback=1, horizon=1)


def test_without_a_past_the_row_of_an_origin_must_have_one_behind_it():
    """The first step ahead of such a window is a row of the frame; with a past it may lie behind the last one."""
    values, static = np.zeros((4, 1), dtype=np.float32), np.ones((1, 1), dtype=np.float32)
    windows = Windows(values, [-1, 2], lookback=0, horizon=1, static=static, starts=np.array([0, 4]))
    assert len(windows) == 2
    for origin in (3, 4):
        with pytest.raises(ValueError, match=rf"origins go from 0 to {origin}; expected -1 .* to 2 "):
            Windows(values, [0, origin], lookback=0, horizon=1, static=static, starts=np.array([0, 4]))
    assert len(Windows(values, [3], lookback=1, horizon=1)) == 1
    with pytest.raises(ValueError, match=r"origins go from 4 to 4; expected 0 .* to 3 "):
        Windows(values, [4], lookback=1, horizon=1)


def test_network_trains_on_windows_through_cross_validation(frame):
    from forecast._rnn import RNNForecaster

    windows = make_windows(frame, target="a", lookback=LOOKBACK, horizon=HORIZON, window_norm="last")
    model = RNNForecaster(max_iter=2, hidden_size=4, random_state=0)
    assert np.isfinite(cross_val_score(model, windows, windows.y, cv=TimeSeriesSplit(3))).all()


@pytest.mark.parametrize("key", [slice(None, None, 7), slice(None, None, -1), np.arange(0, 60, 5)])
def test_a_network_takes_windows_however_they_were_indexed(key):
    from forecast import RNNForecaster

    windows = make_windows(pd.Series(np.sin(np.arange(120.0))), lookback=8, horizon=2)[key]
    model = RNNForecaster(hidden_size=3, max_iter=2, random_state=0).fit(windows, windows.y)
    arrays = RNNForecaster(hidden_size=3, max_iter=2, random_state=0).fit(np.asarray(windows), np.asarray(windows.y))
    assert np.allclose(model.predict(windows), arrays.predict(np.asarray(windows)), rtol=1e-5, atol=1e-6)
