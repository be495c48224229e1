"""Forecasts on the scale of a transform that no value can have there: a forecast comes, at the edge of the domain."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.preprocessing import PowerTransformer

from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest
from forecast.preprocessing import Asinh, BoxCox, Chain, Log, Pointwise, Scale

DAYS = pd.date_range("2024-01-01", periods=200, freq="D", name="day")
T = np.arange(200)
DOWN = pd.DataFrame({"y": 100 - 0.49 * T}, index=DAYS)  # 2.5 at the end, and below 0 six steps later
UP = pd.DataFrame({"y": 1 / (1 - T / 205)}, index=DAYS)  # 34 at the end, infinite five steps later


def model(transform, **more):
    options = {"target": "y", "lookback": 7, "horizon": 12, "window_norm": None, "transform": transform}
    return SeriesForecaster(LinearRegression(), **(options | more))


@pytest.mark.parametrize(
    "transform", ["boxcox", BoxCox(1.0), BoxCox(0.5), PowerTransformer("box-cox")], ids=lambda one: repr(one)[:30]
)
def test_below_zero_the_forecast_is_zero(transform):
    fitted = model(transform).fit(DOWN)
    forecast = fitted.predict()["y"].to_numpy()
    assert (forecast > 0).all()
    assert np.allclose(forecast[:2], [2.0, 1.5], atol=0.1), "before that, the line goes on"
    assert np.allclose(forecast[-4:], 0, atol=1e-12)
    longer = fitted.predict(30, recursive=True)["y"].to_numpy()
    assert (np.isfinite(longer) & (longer > 0)).all(), "forecasts at the edge can be looked back on"
    bounds = fitted.predict_interval(coverage=0.5)
    assert (bounds["y_lower"] >= 0).all()
    assert (bounds["y_lower"] <= bounds["y_upper"]).all()


def test_the_expected_value_at_the_edge_is_that_of_the_line():
    """A Box-Cox transform with a power of 1 is a shift: the forecast is the straight line, cut off at 0."""
    forecast = model(BoxCox(1.0)).fit(DOWN).predict()["y"].to_numpy()
    line = 100 - 0.49 * np.arange(200, 212)
    np.testing.assert_allclose(forecast, np.maximum(line, 0), atol=1e-9)


@pytest.mark.parametrize("transform", [BoxCox(-1.0), PowerTransformer(), "boxcox"], ids=lambda one: repr(one)[:30])
def test_behind_infinity_the_forecast_is_cut_off_halfway_from_the_greatest_value(transform):
    fitted = model(transform).fit(UP)
    forecast = fitted.predict()["y"].to_numpy()
    assert forecast[0] == pytest.approx(41, rel=0.05)
    assert (np.diff(forecast) >= 0).all(), "what rises on the scale of the transform rises"
    assert np.ptp(forecast[-6:]) == 0
    assert UP["y"].max() < forecast[-1] < 5 * UP["y"].max()
    if isinstance(transform, BoxCox):  # 1 - g / x: half of g / max away from its end is twice the greatest value
        assert forecast[-1] == pytest.approx(2 * UP["y"].max())
    assert np.isfinite(fitted.predict(40, recursive=True)["y"]).all()


def test_a_history_beyond_the_fitted_range_is_forecast_there():
    """The greatest value known may be one of the history: nothing below twice that is cut off."""
    fitted = model(BoxCox(-1.0), lookback=3).fit(UP.iloc[:150])
    history = UP.iloc[190:199]
    assert history["y"].max() > 2 * UP["y"].iloc[:150].max()
    assert fitted.predict(history=history, n=1)["y"].iloc[0] == pytest.approx(UP["y"].iloc[199], rel=1e-6)


def panel(up=False):
    one = UP if up else DOWN
    wave = pd.DataFrame({"y": 20 + 5 * np.sin(T / 3)}, index=DAYS)
    return pd.concat([one.assign(shop="edge"), wave.assign(shop="wave"), (one * 1e6).assign(shop="large")])


@pytest.mark.parametrize("up", [False, True])
def test_of_a_panel_each_series_as_alone(up):
    frame = panel(up)
    fitted = model(BoxCox(-1.0 if up else 1.0), series="shop", lookback=2).fit(frame)
    found = fitted.predict().groupby("shop")["y"]
    edge, large = (found.get_group(name).to_numpy() for name in ("edge", "large"))
    assert np.isfinite(fitted.predict()["y"]).all()
    np.testing.assert_allclose(large, edge * 1e6, rtol=1e-6, atol=1e-6)
    history = fitted.predict(history=frame)
    pd.testing.assert_frame_equal(history, fitted.predict())
    new = frame[frame["shop"] == "edge"].assign(shop="new")
    assert np.isfinite(fitted.predict(history=new)["y"]).all()


def test_members_and_quantiles_stay_within_too(tmp_path):
    members = {"boxcox": {"regressor": LinearRegression(), "transform": "boxcox"}, "plain": {"regressor": Ridge()}}
    mixed = SeriesForecaster(target="y", members=members, lookback=7, horizon=12, window_norm=None).fit(DOWN)
    one = mixed.members_["boxcox"].predict()["y"].to_numpy()
    two = mixed.members_["plain"].predict()["y"].to_numpy()
    assert one[-1] < 1e-12
    np.testing.assert_allclose(mixed.predict()["y"], (one + two) / 2)
    network = RNNForecaster(hidden_size=4, max_iter=2, random_state=0, loss="quantile", quantile=[0.1, 0.5, 0.9])
    learnt = SeriesForecaster(network, target="y", lookback=7, horizon=12, transform=BoxCox(1.0)).fit(DOWN)
    quantiles = learnt.predict_quantiles().to_numpy()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")  # a line is forecast best by a line
@pytest.mark.parametrize("frame", [DOWN, UP], ids=["down", "up"])
def test_a_backtest_has_the_same_forecasts_and_update_too(frame):
    transform = BoxCox(0.5 if frame is DOWN else -1.0)
    cv = RollingOrigin(3, horizon=12)
    report = backtest({"m": model(transform)}, frame, cv, refit=True, coverage=None)
    rows = report.frame[(report.frame["model"] == "m")]
    assert np.isfinite(rows["forecast"]).all()
    last = rows[rows["origin"] == rows["origin"].max()]
    early = model(transform).fit(frame.iloc[:-12])
    assert last["forecast"].tolist() == early.predict()["y"].tolist()
    whole = early.predict(history=frame)
    pd.testing.assert_frame_equal(early.update(frame.iloc[-12:]).predict(), whole)


def test_a_box_cox_transform_of_scikit_learn_with_a_negative_power_leads_back():
    x = 1 / np.linspace(0.05, 1.0, 60) ** 2  # its most likely power is negative, so that images have an end above
    transform = Pointwise(PowerTransformer("box-cox")).fit(x)
    assert transform.transformer_.lambdas_[0] < 0
    np.testing.assert_allclose(transform.inverse_transform(transform.transform(x)[None])[0], x, rtol=1e-6)


def test_the_power_of_a_constant_series_is_one():
    assert BoxCox().fit(np.full(20, 7.0)).lmbda_ == 1.0


def test_scales_and_chains_of_them_are_linear_and_logarithms_are_not():
    assert Scale().is_linear
    assert Chain([Scale(), Scale("minmax")]).is_linear
    assert not Chain([Scale(), Log()]).is_linear


def test_a_chain_knows_whether_its_series_was_constant():
    assert Chain([Scale()]).fit(np.full(20, 5.0)).was_constant
    assert not Chain([Scale()]).fit(np.tile([-1.0, 1.0], 10)).was_constant


def test_a_series_of_zeros_has_a_scale_of_one():
    transform = Asinh().fit(np.zeros(20))
    assert transform.scale_ == 1.0
    assert transform.transform(np.zeros(3)).tolist() == [0.0] * 3
