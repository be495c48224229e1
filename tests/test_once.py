"""What several places need has one home: naive forecasts, skill, the check of a coverage."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, make_windows
from forecast.baselines import NAIVE, Drift, LastValue, SeasonalNaive, naive_forecasts
from forecast.metrics import interval_score, pinball, skill
from forecast.model_selection import RollingOrigin, SkillWarning, backtest
from forecast.plotting import CoverageDisplay, ForecastDisplay


@pytest.fixture(scope="module")
def df():
    days = pd.date_range("2024-01-01", periods=120, freq="D", name="day")
    return pd.DataFrame({"y": np.random.default_rng(0).normal(size=120).cumsum()}, days)


def test_naive_forecasts_are_those_of_the_baselines(df):
    windows = make_windows(df, target="y", lookback=10, horizon=5)
    values = df[["y"]].to_numpy()
    found = naive_forecasts(values, values, windows.first_rows, windows.origins, 5, period=7, lookback=10)
    for name, regressor in {"last value": LastValue(), "seasonal naive": SeasonalNaive(7), "drift": Drift()}.items():
        expected = regressor.fit(windows, windows.y).predict(windows)
        np.testing.assert_allclose(found[name][:, :, 0], expected, rtol=1e-14)
    np.testing.assert_allclose(found["mean"][3, :, 0], df["y"].iloc[: windows.origins[3] + 1].mean())
    assert list(found) == list(NAIVE)


def test_a_series_shorter_than_the_season_repeats_its_last_value_and_drifts_over_what_there_is():
    values = np.array([[100.0], [1.0], [2.0], [4.0]])  # the first row is of another series
    found = naive_forecasts(values, values, np.array([1]), np.array([3]), 2, period=7, lookback=10)
    np.testing.assert_array_equal(found["seasonal naive"][0, :, 0], [4.0, 4.0])
    np.testing.assert_array_equal(found["drift"][0, :, 0], [5.5, 7.0])


def test_fit_and_backtest_compare_with_the_same_naive_forecasts(df):
    model = SeriesForecaster(Ridge(), target="y", lookback=10, horizon=5).fit(df)
    n = model.report_.n_windows
    with pytest.warns(SkillWarning):
        report = backtest(model, df, RollingOrigin(n, 5, step=1), refit=False)
    table = report.summary()
    for name in NAIVE:
        assert model.report_.table.loc[name, "MAE"] == pytest.approx(table.loc[name, "MAE"], rel=1e-12), name


def test_skill_has_its_edges():
    assert skill(1.0, 1.0) == 0
    assert skill(0.0, 0.0) == 0
    assert skill(1.0, 0.0) == -np.inf
    assert skill(1.0, 0.0, floor=0.5) == -1
    assert np.isnan(skill(np.nan, 1.0))
    with pytest.raises(ValueError, match="an error is negative"):
        skill(-1.0, 1.0)


def test_a_coverage_is_refused_in_the_same_words_everywhere(df):
    model = SeriesForecaster(Ridge(), target="y", lookback=10, horizon=5).fit(df)
    calls = {
        "coverage": [
            lambda: backtest(model, df, RollingOrigin(2, 5), coverage=90),
            lambda: backtest(model, df, RollingOrigin(2, 5), coverage=[0.5, 90]),
            lambda: interval_score([1.0], [0.0], [2.0], coverage=90),
            lambda: ForecastDisplay.from_estimator(model, coverage=[0.5, 90]),
        ],
        "level": [lambda: pinball([1.0], [1.0], 90)],
        "intervals": [lambda: CoverageDisplay.from_predictions([1.0], intervals={90: ([0.0], [2.0])})],
    }
    for what, several in calls.items():
        for call in several:
            with pytest.raises(ValueError, match=rf"^{what} is \[?.*90\]?; expected (a )?numbers? between 0 and 1"):
                call()
    for wrong in ("0.9", True, [0.5, None]):
        with pytest.raises(TypeError, match=r"between 0 and 1, such as 0\.9 for 90 %"):
            backtest(model, df, RollingOrigin(2, 5), coverage=wrong)
