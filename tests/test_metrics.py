"""Metrics against their definitions and against values worked by hand."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, root_mean_squared_error

from forecast.metrics import bias, coverage, crps, interval_score, mae, mase, pinball, rmse, rmsse, smape

pytestmark = pytest.mark.quick

METRICS = {"bias": bias, "mae": mae, "pinball": partial(pinball, level=0.3), "rmse": rmse, "smape": smape}


@pytest.mark.parametrize("shape", [(7,), (7, 3)])
def test_mae_and_rmse_agree_with_scikit_learn(shape):
    actual, forecast = np.random.default_rng(0).normal(size=(2, *shape))
    assert mae(actual, forecast) == pytest.approx(mean_absolute_error(actual.ravel(), forecast.ravel()))
    assert rmse(actual, forecast) == pytest.approx(root_mean_squared_error(actual.ravel(), forecast.ravel()))


def test_smape_is_percent_from_0_to_200():
    assert smape([1.0, 0.0], [1.0, 0.0]) == 0.0
    assert smape([1.0, 0.0], [0.0, 5.0]) == 200.0
    assert smape([1.0], [3.0]) == pytest.approx(100.0)
    assert smape([1.0], [3.0]) == smape([3.0], [1.0])


def test_scaled_errors_are_one_for_the_naive_forecast_in_sample():
    history = np.random.default_rng(1).normal(size=40).cumsum()
    for period in (1, 7):
        actual, naive = history[period:], history[:-period]
        assert mase(actual, naive, history=history, period=period) == pytest.approx(1.0)
        assert rmsse(actual, naive, history=history, period=period) == pytest.approx(1.0)


def test_scaled_errors_worked_by_hand():
    history = [1.0, 5.0, 2.0, 8.0]  # steps 4, 3, 6; seasons of two 1, 3
    assert mase([10.0], [4.0], history=history) == pytest.approx(6 / (13 / 3))
    assert mase([10.0], [4.0], history=history, period=2) == pytest.approx(6 / 2)
    assert rmsse([10.0], [4.0], history=history, period=2) == pytest.approx(6 / np.sqrt(5))


def test_scaled_errors_do_not_depend_on_the_unit():
    rng = np.random.default_rng(2)
    actual, forecast, history = rng.normal(size=5), rng.normal(size=5), rng.normal(size=30)
    for metric in (mase, rmsse):
        assert metric(1e6 * actual, 1e6 * forecast, history=1e6 * history) == pytest.approx(
            metric(actual, forecast, history=history)
        )


@pytest.mark.parametrize("name", METRICS)
def test_a_float_comes_out_of_frames_and_columns(name):
    frame = pd.DataFrame({"y": [1.0, 2.0]})
    assert METRICS[name](frame["y"], frame) == 0.0
    assert type(METRICS[name](frame["y"], frame["y"] + 1)) is float


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("actual", "forecast", "error"),
    [
        ([1.0, np.nan], [1.0, 2.0], ValueError),
        ([1.0, 2.0], [1.0, np.inf], ValueError),
        ([1.0, 2.0], [1.0], ValueError),
        (np.ones((2, 3)), np.ones((3, 2)), ValueError),
        (np.ones((4, 1)), np.ones((1, 4)), ValueError),
        ([], [], ValueError),
        (["a"], ["b"], TypeError),
    ],
)
def test_nan_shapes_and_text_are_refused(name, actual, forecast, error):
    with pytest.raises(error, match="expected"):
        METRICS[name](actual, forecast)


@pytest.mark.parametrize("metric", [mase, rmsse])
@pytest.mark.parametrize(
    ("history", "period", "message"),
    [
        ([1.0], 1, "more than period"),
        ([1.0, 2.0, 1.0, 2.0], 2, "no scale"),
        ([1.0, np.nan, 2.0], 1, "NaN"),
        ([1.0, 2.0], 0, "period is 0"),
        ([1.0, 2.0], 1.5, "period is 1.5"),
        (np.ones((3, 2)), 1, "one series"),
    ],
)
def test_history_without_a_scale_is_refused(metric, history, period, message):
    with pytest.raises(ValueError, match=message):
        metric([1.0], [2.0], history=history, period=period)


def test_pinball_weighs_the_two_sides_by_the_level():
    assert pinball([10.0], [8.0], 0.9) == pytest.approx(1.8)
    assert pinball([8.0], [10.0], 0.9) == pytest.approx(0.2)
    assert pinball([10.0, 8.0], [8.0, 10.0], 0.5) == mae([10.0, 8.0], [8.0, 10.0]) / 2


@pytest.mark.parametrize("level", [0.05, 0.5, 0.8])
def test_pinball_agrees_with_scikit_learn_and_is_least_at_the_quantile(level):
    actual, forecast = np.random.default_rng(3).normal(size=(2, 400))
    assert pinball(actual, forecast, level) == pytest.approx(mean_pinball_loss(actual, forecast, alpha=level))
    at = {shift: pinball(actual, np.full(400, np.quantile(actual, level) + shift), level) for shift in (-0.3, 0, 0.3)}
    assert min(at, key=at.get) == 0


def test_bias_is_positive_where_the_forecast_is_too_high():
    assert bias([1.0, 2.0], [2.0, 2.0]) == 0.5
    assert bias([2.0, 2.0], [1.0, 2.0]) == -0.5


def test_crps_approximates_the_closed_form_of_the_normal_distribution():
    """Gneiting and Raftery 2007: sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    levels = (np.arange(1000) + 0.5) / 1000
    actual = np.array([-1.5, 0.0, 0.4, 3.0])
    exact = actual * (2 * norm.cdf(actual) - 1) + 2 * norm.pdf(actual) - 1 / np.sqrt(np.pi)
    quantiles = np.tile(norm.ppf(levels), (4, 1))
    assert crps(actual, quantiles, levels) == pytest.approx(exact.mean(), abs=1e-4)
    assert crps(actual[:, None], quantiles, levels) == crps(actual, quantiles, levels)
    assert crps(actual, actual[::-1, None], [0.5]) == mae(actual, actual[::-1])


def test_coverage_counts_the_bounds_as_inside():
    assert coverage([1.0, 2.0, 3.0, 4.0], [1.0] * 4, [3.0] * 4) == 0.75
    frame = pd.DataFrame({"y": [1.0, 5.0]})
    assert coverage(frame["y"], frame, frame) == 1.0


def test_interval_score_worked_by_hand():
    assert interval_score([2.0], [1.0], [4.0], coverage=0.8) == 3.0
    assert interval_score([5.0], [1.0], [4.0], coverage=0.8) == pytest.approx(3 + 10)
    assert interval_score([0.5], [1.0], [4.0], coverage=0.5) == pytest.approx(3 + 2)


def test_interval_score_is_the_pinball_losses_of_its_bounds():
    actual, one, two = np.random.default_rng(4).normal(size=(3, 50))
    lower, upper = np.minimum(one, two), np.maximum(one, two)
    losses = pinball(actual, lower, 0.05) + pinball(actual, upper, 0.95)
    assert interval_score(actual, lower, upper, coverage=0.9) == pytest.approx(2 / 0.1 * losses)


@pytest.mark.parametrize(("share", "error"), [(0, ValueError), (1.0, ValueError), (90, ValueError), ("0.9", TypeError)])
def test_levels_and_coverages_out_of_range_are_refused(share, error):
    with pytest.raises(error, match=r"level is .*expected"):
        pinball([1.0], [1.0], share)
    with pytest.raises(error, match=r"coverage is .*expected"):
        interval_score([1.0], [1.0], [1.0], coverage=share)


@pytest.mark.parametrize(
    ("quantiles", "levels", "message"),
    [
        ([[1.0, 2.0]], [0.9, 0.1], "that rise"),
        ([[1.0, 2.0]], [0.5, 1.0], "between 0 and 1"),
        ([[1.0, 2.0]], [0.5], "on the last axis the 1 levels"),
        ([1.0, 2.0], [0.1, 0.9], "on the last axis"),
        ([[1.0, np.nan]], [0.1, 0.9], "NaN"),
        ([[]], [], "levels is"),
    ],
)
def test_quantiles_that_do_not_fit_their_levels_are_refused(quantiles, levels, message):
    with pytest.raises(ValueError, match=message):
        crps([1.0], quantiles, levels)


def test_crossed_and_unfit_intervals_are_refused():
    with pytest.raises(ValueError, match=r"lower is above upper in 1 intervals, the first at position \(1,\): 3 > 2"):
        coverage([1.0, 1.0], [0.0, 3.0], [2.0, 2.0])
    with pytest.raises(ValueError, match=r"shapes differ: actual \(2,\), lower \(1,\), upper \(2,\)"):
        interval_score([1.0, 1.0], [0.0], [2.0, 2.0], coverage=0.9)
    with pytest.raises(ValueError, match="upper has 1 values that are NaN"):
        coverage([1.0], [0.0], [np.nan])
