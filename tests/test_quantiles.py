"""Several quantiles in one network: levels, coverage, order, the median, levels in between."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from forecast import RNNForecaster, make_windows
from forecast._quantiles import at_levels, in_order

LEVELS = [0.1, 0.5, 0.9]
CELLS = ("lstm", "gru", "rnn")
every_cell = pytest.mark.parametrize("cell", CELLS)


def small(quantile=LEVELS, **changes):
    options = dict(loss="quantile", quantile=quantile, hidden_size=4, max_iter=5, random_state=0)
    return RNNForecaster(**options | changes)


def table(n=120, lookback=6, outputs=None, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, lookback))
    return X, X[:, -1] if outputs is None else X[:, -outputs:] * [1.0, 100.0, 0.01][:outputs] + 7


def heteroscedastic(n, outputs=1, seed=0):
    """Normal noise around the newest value, its deviation set by the value before; and the true quantiles at levels."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 5))
    deviation = 0.2 + 0.5 * (X[:, -2:-1] + 1) * np.arange(1, outputs + 1)
    y = X[:, -1:] * np.arange(1, outputs + 1) + deviation * rng.normal(size=(n, outputs))

    def quantiles(levels):
        return X[:, -1:, None] * np.arange(1, outputs + 1)[:, None] + deviation[:, :, None] * norm.ppf(levels)

    return X, y, quantiles


def pinball(y, forecast, levels):
    """Of scikit-learn: the mean over the levels, forecasts with levels on the last axis."""
    return np.mean([mean_pinball_loss(y, forecast[..., j], alpha=level) for j, level in enumerate(levels)])


def learned(quantile, **changes):
    options = dict(hidden_size=16, max_iter=40, batch_size=256, early_stopping=False)
    return small(quantile, **options | changes)


# -------------------- what is learned


@every_cell
def test_each_level_covers_its_share_of_new_windows_where_the_spread_differs(cell):
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    X, y, _ = heteroscedastic(6000, outputs=2)
    new, actual, truth = heteroscedastic(6000, outputs=2, seed=1)
    forecast = learned(levels, cell=cell).fit(X, y).predict_quantiles(new)
    assert forecast.shape == (6000, 2, 5)
    for calm in (new[:, -2] < -0.3, new[:, -2] > 0.3, np.ones(6000, dtype=bool)):
        covered = np.mean(actual[calm, :, None] <= forecast[calm], axis=0)
        np.testing.assert_allclose(covered, np.broadcast_to(levels, (2, 5)), atol=0.05)
    assert pinball(actual, forecast, levels) < 1.03 * pinball(actual, truth(levels), levels)


def test_one_network_for_all_levels_is_as_good_as_one_for_each():
    X, y, _ = heteroscedastic(3000)
    new, actual, truth = heteroscedastic(3000, seed=1)
    together = learned(LEVELS).fit(X, y).predict_quantiles(new)
    alone = np.stack([learned(level).fit(X, y).predict(new) for level in LEVELS], axis=-1)
    assert pinball(actual, together, LEVELS) < 1.03 * pinball(actual, alone, LEVELS)
    assert pinball(actual, truth(LEVELS), LEVELS) < pinball(actual, together, LEVELS) + 0.01
    assert d2_pinball_score(actual, together[..., 2], alpha=0.9) > 0.2


@every_cell
def test_the_loss_is_the_mean_of_the_levels_and_of_the_targets(cell):
    X, y = table(outputs=3)
    model = small(cell=cell, dtype="float64", learning_rate=1e-12, max_iter=1, batch_size=120).fit(X, y)
    scaled = (y - y.mean(axis=0)) / y.std(axis=0)
    raw = model._network.predict({"past": X.reshape(-1, 1), "lookback": 6, "past_stride": 6}, 120)
    outputs = (raw.reshape(120, 3, 3) - y.mean(axis=0)[:, None]) / y.std(axis=0)[:, None]
    assert model.loss_curve_[0] == pytest.approx(pinball(scaled, outputs, LEVELS), rel=1e-6)


def test_a_target_of_its_own_scale_has_quantiles_of_its_own_scale():
    X, y = table(600, outputs=3)
    forecast = learned(LEVELS, batch_size=64).fit(X, y).predict_quantiles(X)
    for j in range(3):
        assert np.abs(forecast[:, j, 1] - y[:, j]).mean() < 0.3 * y[:, j].std()


@pytest.mark.parametrize("window_norm", [None, "last"])
def test_several_steps_and_targets_of_windows(window_norm):
    noise = np.random.default_rng(0).normal(size=(400, 2)).cumsum(axis=0)
    frame = pd.DataFrame(noise, columns=["a", "b"])
    windows = make_windows(frame, target=["a", "b"], lookback=5, horizon=3, window_norm=window_norm)
    model = small().fit(windows)
    assert model.predict_quantiles(windows).shape == (len(windows), 6, 3)
    assert model.predict(windows).tobytes() == model.predict_quantiles(windows)[..., 1].tobytes()
    assert model.predict_quantiles(windows[3:4]).tobytes() == model.predict_quantiles(windows)[3:4].tobytes()


# -------------------- order


def test_ten_thousand_windows_of_a_badly_trained_network_do_not_cross():
    levels = np.arange(1, 20) / 20
    X, y = table(outputs=3)
    wild = 5 * np.random.default_rng(1).standard_t(2, size=(10_000, 6))
    model = small(levels, max_iter=1).fit(X, y)
    raw = model._network.predict({"past": wild.reshape(-1, 1), "lookback": 6, "past_stride": 6}, 10_000)
    raw = raw.reshape(10_000, 3, 19)
    assert np.mean(np.diff(raw, axis=-1) < 0) > 0.1, "the outputs do cross, or this shows nothing"
    forecast = model.predict_quantiles(wild)
    assert np.all(np.diff(forecast, axis=-1) >= 0)
    np.testing.assert_array_equal(forecast, np.sort(raw, axis=-1))
    between = model.predict_quantiles(wild, np.linspace(0.05, 0.95, 73))
    assert np.all(np.diff(between, axis=-1) >= 0)
    future = np.random.default_rng(2).normal(size=(10_000, 3)) * y.std(axis=0) + y.mean(axis=0)
    assert pinball(future, forecast, levels) < pinball(future, raw, levels)


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_putting_in_order_never_costs_pinball_loss(data):
    numbers = st.floats(-1e3, 1e3)
    levels = sorted(data.draw(st.sets(st.floats(0.001, 0.999), min_size=1, max_size=6)))
    outputs = np.array(data.draw(st.lists(numbers, min_size=len(levels), max_size=len(levels))))
    y = data.draw(numbers)
    before, after = (
        np.sum(np.maximum(levels * (y - p), (levels - 1) * (y - p)))
        for levels, p in ((np.array(levels), outputs), (np.array(levels), in_order(outputs)))
    )
    assert after <= before + 1e-9


# -------------------- the median and the levels in between


def test_the_point_forecast_is_the_level_one_half():
    X, y = table(outputs=3)
    model = small().fit(X, y)
    assert model.predict(X).shape == (120, 3)
    assert model.predict(X).tobytes() == model.predict_quantiles(X)[..., 1].tobytes()


def test_without_the_level_one_half_it_lies_on_the_line_between_its_neighbours():
    X, y = table()
    model = small([0.1, 0.4, 0.8]).fit(X, y)
    _, low, high = model.predict_quantiles(X).T
    np.testing.assert_allclose(model.predict(X), 0.75 * low + 0.25 * high, rtol=1e-12)


@pytest.mark.parametrize(("levels", "nearest"), [([0.6, 0.8], 0), ([0.1, 0.2, 0.45], 2), ([0.9], 0), (0.2, 0)])
def test_with_all_levels_on_one_side_it_is_the_nearest_level(levels, nearest):
    X, y = table()
    model = small(levels).fit(X, y)
    assert model.predict(X).tobytes() == model.predict_quantiles(X)[:, nearest].tobytes()


def test_the_score_is_that_of_the_point_forecast():
    X, y = table(300)
    model = learned(LEVELS, batch_size=64).fit(X, y)
    residual = y - model.predict_quantiles(X)[:, 1]
    assert model.score(X, y) == pytest.approx(1 - np.sum(residual**2) / np.sum((y - y.mean()) ** 2))
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("outputs", [None, 1, 3])
def test_quantiles_have_the_shape_of_the_forecast_and_an_axis_of_levels(outputs):
    X, y = table(outputs=outputs)
    model = small().fit(X, y)
    for levels, n in ((None, 3), (0.3, 1), ([0.3], 1), ((0.9, 0.1), 2), (np.linspace(0.1, 0.9, 7), 7)):
        forecast = model.predict_quantiles(X[:11], levels)
        assert (forecast.dtype, forecast.shape) == (np.float64, (*model.predict(X[:11]).shape, n))
    assert model.quantiles_.tolist() == LEVELS
    assert model.n_outputs_ == (outputs or 1)


def test_levels_in_between_are_numpys_interpolation_and_come_in_the_order_asked_for():
    X, y = table()
    model = small([0.1, 0.3, 0.5, 0.9]).fit(X, y)
    levels = [0.77, 0.1, 0.2, 0.9, 0.5]
    fitted, forecast = model.predict_quantiles(X), model.predict_quantiles(X, levels)
    expected = [np.interp(levels, model.quantiles_, row) for row in fitted]
    np.testing.assert_allclose(forecast, expected, rtol=1e-12)
    assert forecast[:, [1, 4, 3]].tobytes() == fitted[:, [0, 2, 3]].tobytes(), "a fitted level has its own bits"


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_interpolated_levels_never_cross(data):
    levels = sorted(data.draw(st.sets(st.floats(0.001, 0.999), min_size=1, max_size=6)))
    quantiles = np.sort(data.draw(st.lists(st.floats(-1e30, 1e30), min_size=len(levels), max_size=len(levels))))
    inside = st.floats(levels[0], levels[-1])
    wanted = sorted([*levels, *data.draw(st.lists(inside, max_size=8))])
    found = at_levels(quantiles, levels, wanted)
    assert np.all(np.diff(found) >= 0)
    assert set(quantiles.tolist()) <= set(found.tolist())


def test_a_rounded_sum_does_not_pass_the_upper_neighbour():
    quantiles = np.sort(np.random.default_rng(0).normal(size=(10_000, 2)) * [1.0, 1e3], axis=-1)
    found = at_levels(quantiles, [0.1, 0.9], [0.1, np.nextafter(0.9, 0), 0.9])
    assert np.all(np.diff(found, axis=-1) >= 0)


@pytest.mark.parametrize("level", [1 - 0.9, np.float32(0.1), np.float32(0.9), 1 - 0.1 + 1e-9])
def test_a_level_off_by_rounding_is_the_level(level):
    X, y = table()
    model = small().fit(X, y)
    nearest = 0 if level < 0.5 else 2
    np.testing.assert_allclose(
        model.predict_quantiles(X, level)[:, 0], model.predict_quantiles(X)[:, nearest], rtol=1e-5, atol=1e-7
    )


# -------------------- one level


@pytest.mark.parametrize("levels", [[0.7], (0.7,), np.array([0.7]), pd.Series([0.7])])
def test_a_level_and_a_list_of_it_give_the_same_bits(levels):
    X, y = table(outputs=2)
    one, many = small(0.7).fit(X, y), small(levels).fit(X, y)
    assert many.predict(X).tobytes() == one.predict(X).tobytes()
    assert many._network.theta.tobytes() == one._network.theta.tobytes()
    assert many.predict_quantiles(X).tobytes() == one.predict(X).tobytes()
    assert many.quantiles_.tolist() == one.quantiles_.tolist() == [0.7]


@pytest.mark.parametrize("levels", [[0.1, 0.9], [0.2, 0.5, 0.9], [0.1, 0.4, 0.9]])
def test_other_levels_give_another_forecast(levels):
    X, y = table()
    fitted = (small(q).fit(X, y).predict_quantiles(X, [0.3, 0.7]) for q in (LEVELS, levels))
    assert np.abs(np.subtract(*fitted)).max() > 1e-6


# -------------------- refusals


@pytest.mark.parametrize(
    "levels",
    [[], [0.5, 0.1], [0.1, 0.1], [0.0, 0.5], [0.5, 1.0], [0.5, np.nan], [[0.1, 0.9]], [[0.1], [0.2, 0.3]], ["0.5"],
     "0.5", [None], {0.1, 0.9}, np.array([[0.5]]), [True], np.array(0.5)],
    ids=repr,
)  # fmt: skip
def test_levels_that_are_none_are_refused_in_fit(levels):
    X, y = table()
    message = r"(?s)The 'quantile' parameter of RNNForecaster must be .*\. Got .* instead"
    with pytest.raises(ValueError, match=message):
        small(levels).fit(X, y)
    model = small().fit(X, y)
    before = model.predict(X).tobytes()
    with pytest.raises(ValueError, match=message):
        model.set_params(quantile=levels).partial_fit(X, y)
    assert model.predict(X).tobytes() == before


def test_several_levels_beside_another_loss_are_refused():
    X, y = table()
    with pytest.raises(ValueError, match=r"quantile=\[0.1, 0.5, 0.9\] is for loss='quantile', not 'huber'"):
        small(loss="huber").fit(X, y)


@pytest.mark.parametrize("levels", [[], "half", [0.5, "x"], [0.0], 1.0, [np.nan], [[0.5]], np.array([[0.5]])], ids=repr)
def test_wanted_levels_that_are_none_are_refused(levels):
    X, y = table()
    with pytest.raises(ValueError, match=r"levels: expected a level in \(0, 1\) or a list of them, got"):
        small().fit(X, y).predict_quantiles(X, levels)


def test_levels_beyond_the_fitted_ones_are_refused_by_name():
    X, y = table()
    message = r"levels: \[0.05, 0.99\] beyond the fitted levels, 0.1 to 0.9.*quantile=\[0.05, 0.1, 0.5, 0.9, 0.99\]"
    with pytest.raises(ValueError, match=message):
        small().fit(X, y).predict_quantiles(X, [0.05, 0.5, 0.99])
    with pytest.raises(ValueError, match=r"levels: \[0.5\] beyond the fitted levels, 0.7 to 0.7"):
        small(0.7).fit(X, y).predict_quantiles(X, 0.5)


def test_quantiles_are_there_with_the_quantile_loss_only():
    X, y = table()
    point, quantiles = RNNForecaster(max_iter=1), small()
    assert not hasattr(point, "predict_quantiles")
    assert hasattr(quantiles, "predict_quantiles")
    with pytest.raises(NotFittedError):
        quantiles.predict_quantiles(X)
    with pytest.raises(NotFittedError):
        _ = quantiles.quantiles_
    with pytest.raises(AttributeError, match="no attribute 'predict_quantiles'") as caught:
        point.fit(X, y).predict_quantiles(X)
    assert "predict_quantiles is for loss='quantile', not 'squared_error'" in str(caught.value.__cause__)
    with pytest.raises(AttributeError, match="loss='quantile'"):
        _ = point.quantiles_


def test_what_was_fitted_counts_not_what_was_set_since():
    X, y = table()
    model = small().fit(X, y)
    before = model.predict_quantiles(X).tobytes()
    model.set_params(loss="huber", quantile=0.5)
    assert model.predict_quantiles(X).tobytes() == before
    model.fit(X, y)
    assert not hasattr(model, "predict_quantiles")
    assert not hasattr(model, "quantiles_")
    model.set_params(loss="quantile", quantile=[0.2, 0.8])
    assert not hasattr(model, "predict_quantiles"), "not before the next fit"
    assert model.fit(X, y).quantiles_.tolist() == [0.2, 0.8]


# -------------------- going on


def test_a_warm_start_goes_on_with_the_same_levels_only():
    X, y = table()
    options = dict(warm_start=True, learning_rate_schedule="constant", shuffle=False, early_stopping=False)
    twice, once = small(max_iter=2, **options).fit(X, y).fit(X, y), small(max_iter=4, **options).fit(X, y)
    assert twice.predict_quantiles(X).tobytes() == once.predict_quantiles(X).tobytes()
    assert twice.set_params(quantile=tuple(LEVELS)).fit(X, y).quantiles_.tolist() == LEVELS
    before = twice.predict_quantiles(X).tobytes()
    for levels in ([0.1, 0.5, 0.8], [0.1, 0.9], 0.5):
        for method in ("fit", "partial_fit"):
            with pytest.raises(ValueError, match=r"had the levels \[0.1, 0.5, 0.9\], but quantile=.*warm_start=False"):
                getattr(twice.set_params(quantile=levels), method)(X, y)
    assert twice.predict_quantiles(X).tobytes() == before
    with pytest.raises(ValueError, match="another architecture or number of outputs"):
        twice.set_params(loss="squared_error", quantile=0.5).fit(X, y)


def test_levels_are_not_taken_for_targets_by_a_warm_start():
    """Two targets have as many outputs as one with two levels."""
    X, y = table(outputs=2)
    model = RNNForecaster(hidden_size=4, max_iter=2, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="another architecture or number of outputs"):
        model.set_params(loss="quantile", quantile=[0.1, 0.9]).fit(X, y[:, 0])


def test_partial_fits_are_epochs_of_one_fit():
    X, y = table()
    options = dict(learning_rate_schedule="constant", early_stopping=False, shuffle=False)
    whole, parts = small(max_iter=3, **options).fit(X, y), small(**options)
    for _ in range(3):
        parts.partial_fit(X, y)
    assert parts.predict_quantiles(X).tobytes() == whole.predict_quantiles(X).tobytes()


# -------------------- among scikit-learn's tools


@pytest.mark.parametrize("levels", [LEVELS, tuple(LEVELS), np.array(LEVELS)], ids=["list", "tuple", "array"])
def test_a_clone_and_a_pickle_keep_the_levels_as_given(levels):
    X, y = table()
    model = small(levels).fit(X, y)
    assert model.quantile is levels
    copy, again = pickle.loads(pickle.dumps(model)), clone(model)
    assert type(again.quantile) is type(levels)
    assert repr(again).startswith("RNNForecaster(")
    for other in (copy, again.fit(X, y)):
        assert other.predict_quantiles(X, [0.2, 0.6]).tobytes() == model.predict_quantiles(X, [0.2, 0.6]).tobytes()
        assert other.quantiles_.tolist() == LEVELS


@pytest.mark.slow
def test_a_grid_search_over_lists_of_levels():
    X, y = table()
    grid = {"quantile": [0.5, [0.5], [0.1, 0.9], LEVELS], "hidden_size": [2, 4]}
    searches = [
        GridSearchCV(small(), grid, cv=TimeSeriesSplit(2), n_jobs=n, error_score="raise").fit(X, y) for n in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in searches)
    assert one.tobytes() == two.tobytes()
    assert searches[0].best_estimator_.predict_quantiles(X).shape[0] == 120


def test_threads_and_batches_do_not_change_one_bit():
    X, y = table(1500, outputs=2)
    one, many = (small(n_jobs=n, batch_size=512, max_iter=2).fit(X, y) for n in (1, 3))
    forecast = one.predict_quantiles(X)
    assert many.predict_quantiles(X).tobytes() == forecast.tobytes()
    assert np.concatenate([one.predict_quantiles(X[i : i + 1]) for i in range(20)]).tobytes() == forecast[:20].tobytes()
