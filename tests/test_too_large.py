"""Values whose squares overflow float64 are refused wherever they enter; no forecast is infinite because of one."""

import numpy as np
import pandas as pd
import pytest
from model_bytes import refused_by_load
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, make_windows

DAYS = pd.date_range("2024-01-01", periods=60, freq="D", name="day")
FRAME = pd.DataFrame({"y": 10 + np.sin(np.arange(60)), "x": np.arange(60.0), "k": np.cos(np.arange(60))}, DAYS)
LARGEST = 1e150


def with_value(frame, column, row, value):
    frame = frame.copy()
    frame.loc[DAYS[row], column] = value
    return frame


def fitted(**more):
    settings = {"target": "y", "past_covariates": "x", "future_covariates": "k", "lookback": 7, "horizon": 3}
    return SeriesForecaster(Ridge(), **settings | more).fit(FRAME[:50])


def future(frame):
    return frame[["k"]][50:53]


CALLS = {
    "fit": lambda value, column: fitted().fit(with_value(FRAME, column, 52, value)),
    "history": lambda value, column: fitted().predict(future(FRAME), history=with_value(FRAME[:50], column, 48, value)),
    "update": lambda value, column: fitted().update(with_value(FRAME[50:], column, 52, value)),
    "windows": lambda value, column: make_windows(
        with_value(FRAME, column, 52, value), target="y", past_covariates=["x", "k"], lookback=7, horizon=3
    ),
}


@pytest.mark.parametrize("value", [1.001 * LARGEST, -1e200, np.finfo(float).max])
@pytest.mark.parametrize("column", ["y", "x", "k"])
@pytest.mark.parametrize("call", CALLS)
def test_a_value_whose_square_overflows_is_refused_by_column_and_stamp(call, column, value):
    row = 48 if call == "history" else 52
    with pytest.raises(ValueError, match=rf"column '{column}' has 1 values beyond 1e\+150.*{DAYS[row].date()}"):
        CALLS[call](value, column)


def test_future_rows_and_static_values_whose_squares_overflow_are_refused_too():
    with pytest.raises(ValueError, match=r"column 'k' has 1 values beyond 1e\+150: the first at 2024-02-21"):
        fitted().predict(with_value(future(FRAME), "k", 51, 1e200))
    panel = pd.concat([FRAME.assign(shop=shop, size=size) for shop, size in (("a", 1.0), ("b", 1e200))])
    with pytest.raises(ValueError, match=r"column 'size' has 1 values beyond 1e\+150"):
        SeriesForecaster(Ridge(), target="y", series="shop", static_covariates="size", lookback=7, horizon=3).fit(panel)


@pytest.mark.filterwarnings("ignore:column 'y' of history holds")
def test_the_largest_value_is_forecast_from_with_a_finite_answer():
    history = with_value(FRAME[:50], "y", 48, LARGEST)
    for norm in (None, "last", "mean", "standard", ("season", 7)):
        assert np.isfinite(fitted(window_norm=norm).predict(future(FRAME), history=history)["y"]).all()


def test_single_precision_holds_no_such_value_and_is_read_as_before():
    windows = make_windows(FRAME.astype(np.float32), target="y", lookback=7, horizon=3)
    assert windows.values.dtype == np.float32
    huge = with_value(FRAME.astype(np.float32), "y", 52, np.float32(3e38))
    assert make_windows(huge, target="y", lookback=7, horizon=3).values.max() == np.float32(3e38)
    with pytest.raises(ValueError, match="column 'y' has 1 infinite values"):
        make_windows(with_value(huge, "y", 52, np.inf), target="y", lookback=7, horizon=3)


def test_a_single_row_of_a_carried_state_is_looked_at_as_others_are():
    network = RNNForecaster(hidden_size=2, max_iter=1, random_state=0, stateful=True, n_jobs=1)
    model = SeriesForecaster(network, target="y", lookback=7, horizon=3).fit(FRAME[["y"]][:50])
    model.update(FRAME[["y"]][50:51])
    with pytest.raises(ValueError, match=r"column 'y' has 1 values beyond 1e\+150"):
        model.update(pd.DataFrame({"y": [1e200]}, DAYS[51:52]))


@pytest.mark.parametrize("part", ["targets", "past", "future"])
@pytest.mark.parametrize("value", [7.33e179, -2.08e160, np.inf])
def test_a_file_whose_newest_rows_hold_such_a_value_is_refused(part, value, tmp_path):
    """Rows of 7e179 and -2e160 once loaded, and the forecast was infinite."""
    model = fitted(window_norm="standard")
    getattr(model._state.tail, part)[-2, 0] = value
    model.save(tmp_path / "model")
    refused_by_load(tmp_path, (tmp_path / "model").read_bytes(), f"newest rows have .* {part}: .*numbers up to 1e")


def test_a_prediction_that_overflows_in_the_units_of_the_series_is_refused():
    windows = make_windows(FRAME * 1e148, target="y", lookback=7, horizon=3, window_norm="standard")[:2]
    assert np.isfinite(windows.restore(np.full((2, 3), 1e100))).all()
    with pytest.raises(ValueError, match=r"1 of 6 predictions overflow where the window norm is undone; expected"):
        windows.restore([[0.0, 0.0, 0.0], [0.0, 1e200, 0.0]])


@pytest.mark.parametrize("upper", [None, 1e145])
def test_a_forecast_that_overflows_is_refused_and_not_cut_to_a_bound(upper):
    model = SeriesForecaster(Ridge(), target="y", lookback=7, horizon=1, window_norm="standard", upper=upper)
    model.fit(FRAME[["y"]] * 1e140)
    model.regressor_.coef_[...], model.regressor_.intercept_ = 0.0, 1e200
    with pytest.raises(ValueError, match="predictions overflow where the window norm is undone"):
        model.predict()


def test_forecasts_that_are_fed_back_until_they_overflow_are_refused():
    model = SeriesForecaster(Ridge(), target="y", lookback=7, horizon=1, window_norm="standard").fit(FRAME[["y"]])
    model.regressor_.coef_[..., -1] = 1e9
    with pytest.raises(ValueError, match="predictions overflow where the window norm is undone"):
        model.predict(40, recursive=True)
