"""A series that does not move and that `fit` never saw keeps its value, in whatever unit the other series are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, ShortHistoryWarning, load

DAYS = pd.date_range("2025-01-01", periods=160, freq="D", name="day")
RNG = np.random.default_rng(0)


def rows(name, values, first=0):
    return pd.DataFrame({"day": DAYS[first : first + len(values)], "shop": name, "y": np.asarray(values, dtype=float)})


PANEL = pd.concat([rows("a", 100 + RNG.normal(size=150)), rows("b", 1000 + 20 * RNG.normal(size=150).cumsum())])


def fitted(regressor, **settings):
    settings = {"target": "y", "series": "shop", "time": "day", "lookback": 7, "horizon": 3} | settings
    return SeriesForecaster(regressor, **settings).fit(PANEL)


@pytest.mark.parametrize("value", [42.0, 0.0, 1e-6])
@pytest.mark.parametrize("norm", ["auto", None, "standard"])
@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)])
def test_it_is_forecast_as_its_value_with_bounds_on_it(regressor, norm, value, tmp_path):
    model = fitted(regressor, window_norm=norm)
    still = rows("new", np.full(40, value), first=110)
    model.save(tmp_path / "model")
    for answer in (
        model.predict_interval(history=still),
        load(tmp_path / "model").predict_interval(history=still),
        model.predict_interval(history=pd.concat([PANEL, still])).query("shop == 'new'"),
        model.update(still).predict_interval().query("shop == 'new'"),
    ):
        assert (answer[["y", "y_lower", "y_upper"]] == value).all(axis=None), answer


def test_it_moves_once_its_window_moves():
    model = fitted(Ridge())
    moved = rows("new", [*np.full(38, 42.0), 41.0, 43.0])
    assert not np.isclose(model.predict(history=moved)["y"], 42.0, atol=1e-3).any()


def test_copies_of_one_row_are_no_still_window():
    model = fitted(RNNForecaster(hidden_size=4, max_iter=2, random_state=0), missing="mask")
    with pytest.warns(ShortHistoryWarning, match="'new'"):
        found = model.predict(history=rows("new", [42.0, 42.0], first=148))
    assert (found["y"] != 42.0).all()


def test_series_of_the_fit_are_not_concerned():
    rest = PANEL[PANEL["shop"] == "a"].copy()
    rest.loc[rest.index[-10:], "y"] = 100.0  # it moved in training, so that a pause is a pause
    found = fitted(Ridge()).predict(history=rest)
    assert (found["y"] != 100.0).all()
