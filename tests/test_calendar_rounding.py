"""Half a turn of the calendar has the sine 0: what rounding leaves of it is no scale."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast import LinearForecaster, RNNForecaster, SeriesForecaster
from forecast.preprocessing import calendar_features

REGRESSORS = {
    "network": RNNForecaster(hidden_size=4, max_iter=2, random_state=0),
    "scaled": make_pipeline(StandardScaler(), Ridge()),
    "least squares": LinearRegression(),
    "linear": LinearForecaster(),
}


@pytest.mark.parametrize(("name", "freq"), [("hour", "h"), ("month", "MS"), ("minute", "min"), ("dayofyear", "D")])
def test_no_value_is_left_of_rounding(name, freq):
    index = pd.date_range("2023-01-01", periods=800, freq=freq)
    found, _ = calendar_features(index, [name])
    assert (found == 0).any()
    assert np.abs(found[found != 0]).min() > 1e-4


@pytest.mark.parametrize("regressor", REGRESSORS.values(), ids=REGRESSORS)
def test_hours_that_no_training_window_has_seen_are_no_explosion(regressor):
    hours = pd.date_range("2024-01-01", periods=500, freq="h")
    frame = pd.DataFrame({"y": np.sin(np.arange(500) / 5) + 0.1 * np.cos(np.arange(500))}, hours)
    model = SeriesForecaster(regressor, lookback=6, horizon=2, calendar=["hour"], step=12).fit(frame[:480])
    for end in range(480, 492):
        found = model.predict(history=frame[:end])
        assert np.abs(found["y"]).max() < 100, f"after {frame.index[end - 1]}"
