"""What a backtest cannot judge is refused before any fit, or named in a note."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast.model_selection import BacktestWarning, RollingOrigin, backtest
from forecast.plotting import CoverageDisplay

DAYS = pd.date_range("2024-01-01", periods=120, name="day")


def frame(**columns):
    rng = np.random.default_rng(0)
    wave = 10 + np.sin(np.arange(120)) + 0.1 * rng.normal(size=120)
    return pd.DataFrame({"y": wave} | columns, index=DAYS)


class Counted(Ridge):
    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        return super().fit(X, y)


def model(regressor=None, **parameters):
    return SeriesForecaster(regressor or Ridge(), **{"target": "y", "lookback": 8, "horizon": 4} | parameters)


def shops(df):
    return pd.concat([df.assign(shop=name) for name in ("a", "b")])


# -------------------- actual values


@pytest.mark.parametrize("kind", ["one", "panel", "two targets", "recipe"])
def test_a_backtest_without_any_actual_value_is_refused_before_any_fit(kind):
    df, given, cv = frame(), {"missing": "mask"}, RollingOrigin(2, horizon=6)
    df.iloc[-12:] = np.nan
    if kind == "panel":
        df, given["series"] = shops(df), "shop"
    if kind == "two targets":
        df["b"], given["target"] = df["y"], ["y", "b"]
    Counted.fits = 0
    one = SeriesForecaster(target="y", horizon=6, missing="mask") if kind == "recipe" else model(Counted(), **given)
    with pytest.raises(ValueError, match=r"no tested row .* has a value of 'y'.* nothing to judge"):
        backtest(one, df, cv)
    assert Counted.fits == 0


@pytest.mark.filterwarnings("ignore::forecast.RecursiveForecastWarning")
def test_the_fix_for_a_sensor_that_is_off_at_the_end_works():
    df = frame()
    df.iloc[-12:] = np.nan
    with pytest.raises(ValueError) as caught:
        backtest(model(missing="mask"), df, RollingOrigin(2, horizon=6))
    fix = str(caught.value).split("Fix: ")[1].removesuffix(".")
    assert fix == "df = df.loc[:'2024-04-17 00:00:00']"
    assert len(backtest(model(missing="mask"), df.loc[:"2024-04-17 00:00:00"], RollingOrigin(2, horizon=6)).frame)


def test_a_target_or_series_without_actual_values_is_named():
    df = frame(b=np.arange(120.0))
    df.iloc[-12:, 1] = np.nan
    with pytest.warns(BacktestWarning, match="target 'b' is not judged"):
        report = backtest(model(target=["y", "b"], missing="mask"), df, RollingOrigin(3, horizon=4))
    assert any("'b'" in note for note in report.notes)
    assert np.isfinite(report.summary().loc["Ridge", "MAE"])
    panel = shops(frame())
    panel.iloc[-12:, 0] = np.nan
    with pytest.warns(BacktestWarning, match="1 of 2 series are not judged.*'b'"):
        backtest(model(series="shop", missing="mask"), panel, RollingOrigin(3, horizon=4))


def test_score_without_any_actual_value_is_refused():
    df = frame()
    fitted = model(missing="mask").fit(df[:-4])
    with pytest.raises(ValueError, match="no row of X has a value of 'y'"):
        fitted.score(df[-4:].assign(y=np.nan))


# -------------------- intervals


def test_intervals_without_validation_windows_are_named():
    with pytest.warns(BacktestWarning, match="48 of 48 intervals of coverage 0.5 are missing.*validation"):
        report = backtest(model(), frame(), RollingOrigin(12, horizon=4), refit=False, coverage=0.5)
    assert report.frame.query("model == 'Ridge'")["lower_0.5"].isna().all()
    assert sum("intervals of coverage 0.5" in note for note in report.notes) == 1


@pytest.mark.usefixtures("closed_figures")
def test_a_coverage_that_needs_more_errors_than_there_are_is_named_and_the_other_is_drawn():
    given = {"refit": False, "coverage": [0.5, 0.99]}
    with pytest.warns(BacktestWarning, match="coverage 0.99 are missing.*need 199 errors of a step"):
        report = backtest(model(validation_fraction=0.3), frame(), RollingOrigin(3, horizon=4), **given)
    assert report.frame.query("model == 'Ridge'")["lower_0.5"].notna().all()
    assert list(CoverageDisplay.from_report(report).table.index) == [0.5]


@pytest.mark.filterwarnings("ignore::forecast.RecursiveForecastWarning")
@pytest.mark.parametrize("intervals", ["adaptive", "static"])
def test_steps_beyond_the_horizon_have_no_interval_and_that_is_named(intervals):
    given = {"refit": False, "coverage": 0.5, "intervals": intervals}
    one = model(validation_fraction=0.3)
    with pytest.warns(BacktestWarning, match="12 of 24 intervals .* known for horizon = 4 steps only"):
        report = backtest(one, frame(), RollingOrigin(3, horizon=8), **given)
    rows = report.frame.query("model == 'Ridge'")
    assert (rows["lower_0.5"].notna() == (rows["step"] <= 4)).all()


def test_fewer_steps_than_the_horizon_start_from_the_errors_of_these_steps():
    given = {"refit": False, "coverage": 0.5}
    short, whole = (
        backtest(model(validation_fraction=0.3), frame()[:end], RollingOrigin(3, horizon=steps, step=4), **given).frame
        for end, steps in ((118, 2), (120, 4))
    )
    short, whole = (part.query("model == 'Ridge'").set_index(["origin", "step"]) for part in (short, whole))
    first = short.index.get_level_values("origin").min()
    pd.testing.assert_frame_equal(short.loc[[first]], whole.loc[[first]].query("step <= 2"))


def test_intervals_that_no_fit_could_give_are_refused_before_any_fit():
    Counted.fits = 0
    cv = RollingOrigin(3, horizon=4)
    with pytest.raises(ValueError, match="'Counted' has validation_fraction=None"):
        backtest(model(Counted(), validation_fraction=None), frame(), cv, coverage=0.5, intervals="static")
    with pytest.raises(ValueError, match="Counted does not forecast quantiles"):
        backtest(model(Counted()), frame(), cv, coverage=0.5, intervals="quantile")
    with pytest.raises(ValueError, match="A model without a regressor does not forecast quantiles"):
        backtest(SeriesForecaster(horizon=4), frame(), cv, coverage=0.5, intervals="quantile")
    assert Counted.fits == 0
