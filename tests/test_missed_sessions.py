"""Business data of several series: a day on which others have a row was missed, one that none has is a holiday."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast._frames import Roles, Rules, read_panel
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

HOLIDAYS = pd.to_datetime(["2024-03-29", "2024-04-01", "2024-05-01"])
DAYS = pd.date_range("2024-02-01", "2024-06-28", freq="B").drop(HOLIDAYS)
MISSED = pd.to_datetime(["2024-03-06", "2024-03-28", "2024-04-02"])  # around the holidays of Easter as well
ROLES = Roles(["y"], series="shop")


def shops(missed=MISSED, hours=None):
    index = DAYS if hours is None else pd.DatetimeIndex([day + pd.Timedelta(hours=h) for day in DAYS for h in hours])
    rng = np.random.default_rng(0)
    parts = [pd.DataFrame({"shop": name, "y": rng.normal(10, 1, len(index))}, index=index) for name in "ab"]
    parts[1] = parts[1][~parts[1].index.normalize().isin(missed)]
    return pd.concat(parts)


@pytest.mark.parametrize("gaps", ["mask", "interpolate"])
def test_a_missing_day_of_one_shop_is_put_in_and_a_holiday_is_not(gaps):
    for frame in (shops(), shops().sort_index(kind="stable")):
        panel = read_panel(frame, ROLES, Rules(gaps=gaps))
        assert list(panel.index) == [*DAYS, *DAYS]
        assert list(panel.index[panel.inserted]) == list(MISSED)
        assert np.isnan(panel.targets).sum() == (3 if gaps == "mask" else 0)
        assert panel.axis.freq == read_panel(frame, ROLES, Rules()).axis.freq  # no holidays of the past in it


def test_by_default_it_is_a_session_that_did_not_take_place_and_the_note_says_so():
    panel = read_panel(shops(), ROLES, Rules())
    assert panel.inserted is None
    assert "3 rows are missing, and count as days without a session; gaps='mask' puts them in" in panel.axis.note
    assert "rows are missing" not in read_panel(shops([]), ROLES, Rules()).axis.note
    assert "rows are missing" not in read_panel(shops(), ROLES, Rules(gaps="mask")).axis.note


def test_of_one_series_missing_weekdays_may_be_holidays_and_the_note_says_how_to_say_they_are_not():
    frame = shops().query("shop == 'b'").drop(columns="shop")
    panel = read_panel(frame, Roles(["y"]), Rules(gaps="mask"))
    assert panel.inserted is None
    assert "gaps='mask' leaves the 6 missing weekdays alone" in panel.axis.note
    assert read_panel(frame, Roles(["y"]), Rules(gaps="mask", freq="B")).inserted.sum() == 6


def test_a_shop_without_any_holiday_shows_the_weekdays():
    days = pd.date_range("2024-02-01", "2024-06-28", freq="B")
    parts = [pd.DataFrame({"shop": "a", "y": 1.0}, index=days), pd.DataFrame({"shop": "b", "y": 1.0}, index=days[:-9])]
    frame = pd.concat([parts[0], parts[1].drop(MISSED)])
    panel = read_panel(frame, ROLES, Rules(gaps="mask"))
    assert list(panel.index[panel.inserted]) == list(MISSED)


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)], ids=str)
def test_the_mask_has_an_effect_on_models_and_a_backtest_agrees_with_predict(regressor):
    frame = shops()
    found = []
    for gaps in ("error", "mask"):
        with pytest.warns(UserWarning, match="no trading calendar"):
            model = SeriesForecaster(regressor, target="y", series="shop", lookback=5, horizon=3, gaps=gaps).fit(frame)
        found.append(model.predict()["y"].to_numpy())
        again = model.predict(history=frame)["y"].to_numpy()
        np.testing.assert_array_equal(again, found[-1])
        known = frame[frame.index <= DAYS[-4]]
        with pytest.warns(UserWarning, match="no trading calendar"):
            early = SeriesForecaster(regressor, target="y", series="shop", lookback=5, horizon=3, gaps=gaps,
                                     validation_fraction=None).fit(known)  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkillWarning)
            report = backtest(model, frame, RollingOrigin(1, horizon=3)).frame
        report = report[report["model"] == report["model"].iloc[0]]
        np.testing.assert_array_equal(report["forecast"], early.predict()["y"])
    assert (found[0] != found[1]).all()


def test_whole_days_of_opening_hours_that_other_shops_have_are_put_in():
    frame = shops(hours=range(9, 17))
    panel = read_panel(frame, ROLES, Rules(gaps="mask"))
    assert panel.inserted.sum() == 8 * 3 + 8 * 2  # the holidays of Easter lie within one of the gaps
    assert read_panel(frame, ROLES, Rules()).inserted is None
    assert read_panel(shops([], hours=range(9, 17)), ROLES, Rules(gaps="mask")).inserted is None
