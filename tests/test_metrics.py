"""Metrics against their definitions and against values worked by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from forecast.metrics import mae, mase, rmse, rmsse, smape

METRICS = {"mae": mae, "rmse": rmse, "smape": smape}


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
