"""A refusal of one target of one series names both; and it does not refuse the other series of a panel."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, SkippedSeriesWarning

DAYS = pd.date_range("2024-01-01", periods=80, freq="D", name="day")
ONE = pd.DataFrame({"a": np.arange(80) + 1.0, "b": np.arange(80) + 2.0}, index=DAYS)
BAD = ONE.assign(b=ONE["b"].where(np.arange(80) != 70, 0.0))
SHOPS = pd.concat([ONE.assign(shop="x"), (2 * ONE).assign(shop="y")])
BAD_SHOPS = pd.concat([BAD.assign(shop="x"), (2 * ONE).assign(shop="y")])


def model(multi_target, **more):
    options = {"target": ["a", "b"], "lookback": 7, "horizon": 3, "transform": "log", "multi_target": multi_target}
    return SeriesForecaster(Ridge(), **(options | more))


@pytest.mark.parametrize("multi_target", ["shared", "joint"])
def test_a_column_of_several_targets_is_named(multi_target):
    with pytest.raises(ValueError, match=r"^column 'b': Log\(\): 1 of 80 values are not positive"):
        model(multi_target, validation_fraction=None).fit(BAD)
    with pytest.raises(ValueError, match=r"^series 'x': column 'b': Log\(\): 1 of 80 values are not positive"):
        model(multi_target, series="shop", validation_fraction=None).fit(BAD_SHOPS)
    fitted = model(multi_target).fit(ONE)
    with pytest.raises(ValueError, match=r"^column 'b': Log\(\): 1 of 80 values"):
        fitted.predict(history=BAD)
    with pytest.raises(ValueError, match=r"^column 'b': Log\(\): 1 of 1 values"):
        fitted.update(pd.DataFrame({"a": [81.0], "b": [-1.0]}, index=DAYS[-1:] + pd.Timedelta(days=1)))
    with pytest.raises(ValueError, match=r"^column 'b': Scale\(\): 0 known values in 80 rows"):
        model(multi_target, transform="standard", missing="mask").fit(ONE.assign(b=np.nan))


def test_a_forecast_that_cannot_be_brought_back_is_named():
    wild = model("shared", series="shop", window_norm=None).fit(SHOPS)
    wild.regressor_.coef_ = wild.regressor_.coef_ * 1e4
    with pytest.raises(ValueError, match=r"^series 'x': column 'a': Log\(\): 3 of 3 values overflow"):
        wild.predict()


@pytest.mark.parametrize("multi_target", ["shared", "joint"])
def test_the_other_series_are_answered(multi_target):
    fitted = model(multi_target, series="shop").fit(SHOPS)
    expected = fitted.predict(history=SHOPS[SHOPS["shop"] == "y"])
    with pytest.warns(SkippedSeriesWarning, match=r"'x' \(column 'b': Log\(\): 1 of 80 values are not positive"):
        found = fitted.predict(history=BAD_SHOPS)
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(ValueError, match=r"^series 'x': column 'b': Log"):
        fitted.predict(history=BAD_SHOPS, errors="raise")


def test_new_rows_that_the_transform_does_not_take_are_not_taken():
    fitted = model("joint", series="shop").fit(SHOPS)
    before = fitted.predict()
    new = pd.DataFrame({"shop": ["x", "y"], "a": [81.0, 162.0], "b": [0.0, 164.0]}, index=[DAYS[-1] + DAYS.freq] * 2)
    new.index.name = "day"
    with pytest.raises(ValueError, match=r"^series 'x': column 'b': Log"):
        fitted.update(new, errors="raise")
    pd.testing.assert_frame_equal(fitted.predict(), before)
    with pytest.warns(SkippedSeriesWarning, match="new rows of 1 series were not taken: 'x'"):
        fitted.update(new)
    after = fitted.predict()
    pd.testing.assert_frame_equal(after[after["shop"] == "x"], before[before["shop"] == "x"])
    expected = fitted.predict(history=pd.concat([SHOPS, new])[lambda frame: frame["shop"] == "y"])
    pd.testing.assert_frame_equal(after[after["shop"] == "y"], expected, check_freq=False)
