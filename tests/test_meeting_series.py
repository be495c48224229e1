"""Where parts of the daily job meet on one series: calendars, weights, bounds, zones; each answer in two ways."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
LOOKBACK, HORIZON = 10, 4


def frame(index, seed=0):
    values = np.sin(np.arange(len(index)) / 3) + 0.2 * np.random.default_rng(seed).normal(size=len(index)) + 5
    return pd.DataFrame({"y": values}, index=index)


def model(regressor=None, **more):
    regressor = Ridge() if regressor is None else regressor
    return SeriesForecaster(regressor, **({"target": "y", "lookback": LOOKBACK, "horizon": HORIZON} | more))


def network(**more):
    return RNNForecaster(**({"hidden_size": 4, "max_iter": 2, "random_state": 0, "n_jobs": 1} | more))


def same(found, expected):
    pd.testing.assert_frame_equal(found, expected, check_freq=False)


# -------------------- patterns of days x backtest x update

WEEKDAYS = pd.bdate_range("2024-01-01", periods=90, name="day")
TERMS = pd.DatetimeIndex(
    [day for day in pd.date_range("2024-01-01", periods=210) if day.weekday() in (0, 2, 4)], name="day"
)
HOURS = pd.DatetimeIndex(
    [hour for hour in pd.date_range("2024-01-01", periods=24 * 12, freq="h") if 9 <= hour.hour < 17], name="hour"
)
GAPPY = pd.date_range("2024-01-01", periods=90, name="day").delete([20, 21, 55, 83])
GRIDS = {
    "business days": (WEEKDAYS, {}),
    "business days, holidays": (
        WEEKDAYS.drop(["2024-04-01", "2024-05-01"]), {"trading_calendar": ["2024-04-01", "2024-05-01"]},
    ),
    "Mondays, Wednesdays, Fridays": (TERMS, {}),
    "opening hours": (HOURS, {}),
    "gaps masked": (GAPPY, {"gaps": "mask", "missing": "mask"}),
    "gaps on a line": (GAPPY, {"gaps": "interpolate"}),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:no trading calendar:UserWarning")
@pytest.mark.parametrize("grid", GRIDS)
def test_backtest_update_and_history_agree_on_every_pattern_of_days(grid):
    index, options = GRIDS[grid]
    options = options | {"validation_fraction": 0.3}
    rows = frame(index)
    cut = len(rows) - 12
    fitted = model(**options).fit(rows[:cut])
    expected = fitted.predict(history=rows)
    one_by_one = model(**options).fit(rows[:cut])
    for n in range(cut, len(rows)):
        one_by_one.update(rows[n : n + 1])
    same(one_by_one.predict(), expected)
    at_once = model(**options).fit(rows[:cut]).update(rows[cut:])
    same(at_once.predict(), expected)
    same(at_once.predict_interval(coverage=0.5), fitted.predict_interval(history=rows, coverage=0.5))
    report = backtest({"m": fitted}, rows, RollingOrigin(3, horizon=HORIZON), refit=True)
    told = report.frame[report.frame["model"] == "m"]
    for origin, part in told.groupby("origin"):
        alone = model(**options).fit(rows[rows.index <= origin]).predict(len(part))
        assert part["forecast"].tolist() == alone["y"].tolist()
        assert part["timestamp"].tolist() == alone.index.tolist()
    if "gaps" not in options:
        assert expected.index[0] not in rows.index
        assert set(expected.index.day_of_week) <= set(rows.index.day_of_week)
        assert set(expected.index.hour) <= set(rows.index.hour)


# -------------------- weights x warm start x going on


@pytest.mark.parametrize("half_life", [None, 12.0])
def test_weights_reach_a_second_fit_that_goes_on(half_life):
    rows = frame(pd.date_range("2024-01-01", periods=60, name="day"))
    weight = np.linspace(0, 2, 60)
    more = {"half_life": half_life, "window_norm": None, "validation_fraction": None}
    one = model(network(warm_start=True), **more)
    windows = make_windows(rows, lookback=LOOKBACK, horizon=HORIZON)
    aged = weight if half_life is None else weight * 0.5 ** (np.arange(59, -1, -1) / half_life)
    of_windows = np.array([aged[n + LOOKBACK : n + LOOKBACK + HORIZON].mean() for n in range(len(windows))])
    alone = network(warm_start=True)
    for _ in range(2):
        one.fit(rows, sample_weight=weight)
        alone.fit(windows, windows.y, sample_weight=of_windows / of_windows.mean())
    newest = rows["y"].to_numpy()[-LOOKBACK:]
    np.testing.assert_allclose(one.predict()["y"], alone.predict(newest[None])[0], rtol=1e-6)
    plain = model(network(warm_start=True), **more).fit(rows).fit(rows)
    assert not np.allclose(plain.predict()["y"], one.predict()["y"], rtol=1e-6)


def test_going_on_after_an_update_weighs_old_rows_less():
    """Ridge is fitted again: going on is a fit of all rows with the same half-life."""
    rows = frame(pd.date_range("2024-01-01", periods=80, name="day"))
    rows.iloc[60:] = rows.iloc[60:] * 3 - 10
    found = {}
    for half_life in (None, 5.0):
        one = model(LinearRegression(), half_life=half_life).fit(rows[:70]).update(rows[70:], refit="continue")
        again = model(LinearRegression(), half_life=half_life).fit(rows)
        np.testing.assert_allclose(one.predict()["y"], again.predict()["y"], rtol=1e-9)
        found[half_life] = one.predict()["y"].to_numpy()
    assert not np.allclose(found[None], found[5.0], rtol=1e-3)
    decayed = model(network(), half_life=5.0).fit(rows[:70])
    plain = clone(decayed).set_params(half_life=None).fit(rows[:70])
    for one in (decayed, plain):
        one.update(rows[70:], refit="continue")
    assert not np.allclose(decayed.predict()["y"], plain.predict()["y"])
    same(decayed.predict(history=rows), decayed.predict())


def test_a_refit_is_not_weighed_by_the_sample_weight_of_the_fit():
    """`update` says so: weights belong to the rows of `fit`."""
    rows = frame(pd.date_range("2024-01-01", periods=80, name="day"))
    weight = np.linspace(0.1, 2, 70)
    one = model().fit(rows[:70], sample_weight=weight).update(rows[70:], refit="continue")
    np.testing.assert_allclose(one.predict()["y"], model().fit(rows).predict()["y"], rtol=1e-9)


# -------------------- bounds x transform x quantile loss


@pytest.mark.filterwarnings("ignore::forecast.BoundsWarning")
@pytest.mark.parametrize("transform", [None, "standard", "log1p", ["log1p", "standard"], "boxcox"])
def test_bounds_hold_for_learnt_quantiles_under_every_transform(transform):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=120, name="day")
    rows = pd.DataFrame({"y": np.maximum(rng.gamma(1.0, 3.0, size=120), 1e-3)}, index=days)
    quantile = network(loss="quantile", quantile=[0.1, 0.5, 0.9], max_iter=3)
    free = model(clone(quantile), transform=transform).fit(rows)
    kept = model(clone(quantile), transform=transform, lower=2.0, upper=4.0).fit(rows)
    for levels in ([0.1, 0.5, 0.9], [0.3]):
        expected = free.predict_quantiles(levels=levels)
        assert ((expected < 2) | (expected > 4)).any(axis=None)
        same(kept.predict_quantiles(levels=levels), expected.clip(2.0, 4.0))
    same(kept.predict(), free.predict().clip(2.0, 4.0))
    bounds = kept.predict_interval(coverage=0.5)
    assert bounds["y"].tolist() == kept.predict()["y"].tolist()
    assert ((bounds >= 2) & (bounds <= 4)).all(axis=None)
    assert (bounds["y_lower"] <= bounds["y_upper"]).all()
    later = pd.DataFrame({"y": [1.0, 9.0]}, index=days[-1:].repeat(2) + pd.to_timedelta([1, 2], "D"))
    later.index.name = "day"
    expected = kept.predict_quantiles(history=pd.concat([rows, later]))
    same(kept.update(later).predict_quantiles(), expected)


# -------------------- clocks that change x update


@pytest.mark.parametrize(("start", "change"), [("2024-03-24", "2024-03-31"), ("2024-10-20", "2024-10-27")])
@pytest.mark.parametrize("calendar", [None, ["hour"]], ids=str)
def test_updates_through_a_change_of_clocks_are_those_of_the_whole_history(start, change, calendar, tmp_path):
    hours = pd.date_range(start, periods=24 * 9, freq="h", tz="Europe/Berlin", name="hour")
    rows, cut = frame(hours), 24 * 6 + 20
    fitted = model(calendar=calendar).fit(rows[:cut])
    daily = model(calendar=calendar).fit(rows[:cut])
    for n in range(cut, len(rows), 7):
        part = rows[n : n + 7]
        daily.update(part)
        expected = fitted.predict(history=rows[: n + 7])
        same(daily.predict(), expected)
        np.testing.assert_array_equal(expected.index, pd.date_range(part.index[-1], periods=HORIZON + 1, freq="h")[1:])
    assert str(expected.index.tz) == "Europe/Berlin"
    assert (hours.normalize() == pd.Timestamp(change, tz="Europe/Berlin")).sum() == (23 if "03" in change else 25)
    daily.save(tmp_path / "m")
    same(forecast.load(tmp_path / "m").predict(), expected)
    plain = model().fit(frame(hours.tz_convert("UTC"))[:cut]).update(frame(hours.tz_convert("UTC"))[cut:])
    if calendar is None:  # nothing but local time differs
        np.testing.assert_array_equal(plain.predict()["y"], expected["y"])
        assert (plain.predict().index == expected.index).all()


def test_daily_rows_through_a_change_of_clocks_stay_at_midnight():
    days = pd.date_range("2024-02-20", periods=60, freq="D", tz="Europe/Berlin", name="day")
    rows = frame(days)
    daily = model().fit(rows[:38])
    for n in range(38, 45):
        daily.update(rows[n : n + 1])
        assert (daily.predict().index.hour == 0).all()
    same(daily.predict(), model().fit(rows[:38]).predict(history=rows[:45]))
