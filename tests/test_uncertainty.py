"""Intervals and quantiles: conformal ones by hand, those of networks, in a backtest, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster, make_windows, metrics
from forecast._conformal import AdaptiveState, residuals_needed, static_offsets
from forecast.model_selection import BacktestReport, RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def noise(n, seed=0, level=10.0):
    rng = np.random.default_rng(seed)
    y = level + np.sin(np.arange(n) / 3) + 0.3 * rng.normal(size=n)
    index = pd.date_range("2024-03-20", periods=n, freq="h", tz="Europe/Berlin", name="when")
    return pd.DataFrame({"y": y, "temp": rng.normal(size=n), "promo": rng.integers(0, 2, n) * 1.0}, index=index)


@pytest.fixture
def df():
    return noise(400)


@pytest.fixture
def panel():
    shapes = {"a": (300, 1.0), "b": (260, 100.0), "c": (280, 10.0)}
    parts = [
        noise(n, seed).iloc[:, :1].mul(size).assign(shop=name) for seed, (name, (n, size)) in enumerate(shapes.items())
    ]
    return pd.concat([part.set_axis(noise(300).index[300 - len(part) :]) for part in parts])


def model(regressor=None, **changes):
    parameters = {"target": "y", "lookback": 8, "horizon": 3, "validation_fraction": 0.3}
    return SeriesForecaster(Ridge() if regressor is None else regressor, **(parameters | changes))


def quantiles(**changes):
    parameters = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9], "hidden_size": 4, "max_iter": 2, "random_state": 0}
    return RNNForecaster(**(parameters | changes))


def held_out_residuals(frame, fraction=0.3):
    """Actual less forecast on the newest windows, of a Ridge fitted on those whose targets end before them."""
    windows = make_windows(frame, target="y", lookback=8, horizon=3, window_norm="last")
    late = round(fraction * len(windows))
    held, early = windows[len(windows) - late :], windows[: len(windows) - late - 2]
    ridge = Ridge().fit(np.asarray(early), np.asarray(early.y))
    raw = frame["y"].to_numpy()[held.origins[:, None] + np.arange(1, 4)]
    return (raw - held.restore(ridge.predict(np.asarray(held))))[:, :, None]


def offsets_of(residuals, coverage):
    """Of consecutive windows: sides as they are, in so far as there are many horizons of them, else alike."""
    worth = (len(residuals) - 1) / residuals.shape[1] + 1
    own, alike = static_offsets(residuals, coverage), static_offsets(np.concatenate([residuals, -residuals]), coverage)
    return [(worth * one + 10 * other) / (worth + 10) for one, other in zip(own, alike, strict=True)]


# -------------------- after fit


def test_static_interval_is_the_forecast_and_quantiles_of_held_out_errors(df):
    fitted = model().fit(df)
    forecast, interval = fitted.predict()["y"].to_numpy(), fitted.predict_interval(coverage=0.8)
    lower, upper = offsets_of(held_out_residuals(df), 0.8)
    np.testing.assert_allclose(interval["y_lower"], forecast + lower[:, 0], rtol=1e-9)
    np.testing.assert_allclose(interval["y_upper"], forecast + upper[:, 0], rtol=1e-9)
    assert interval.index.equals(fitted.predict().index)


def test_a_list_of_coverages_gives_one_frame_of_nested_intervals(df):
    fitted = model().fit(df)
    found = fitted.predict_interval(coverage=[0.5, 0.9, 0.8])
    bounds = [f"y_{side}_{level}" for level in (0.5, 0.9, 0.8) for side in ("lower", "upper")]
    assert list(found.columns) == ["y", *bounds]
    alone = fitted.predict_interval(coverage=0.8)
    np.testing.assert_array_equal(found[["y", "y_lower_0.8", "y_upper_0.8"]], alone)
    for inner, outer in ((0.5, 0.8), (0.8, 0.9)):
        assert (found[f"y_lower_{inner}"] >= found[f"y_lower_{outer}"]).all()
        assert (found[f"y_upper_{inner}"] <= found[f"y_upper_{outer}"]).all()
    assert list(fitted.predict_interval(coverage=[0.8]).columns) == ["y", "y_lower_0.8", "y_upper_0.8"]
    assert list(fitted.predict_interval(coverage=[0.8, 0.8]).columns) == ["y", "y_lower_0.8", "y_upper_0.8"]


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_every_target_has_bounds_in_its_own_units(df, multi_target):
    frame = df.assign(big=1000 * df["y"] + df["temp"])
    fitted = model(target=["y", "big"], multi_target=multi_target).fit(frame)
    interval = fitted.predict_interval(coverage=0.8)
    assert list(interval.columns) == ["y", "y_lower", "y_upper", "big", "big_lower", "big_upper"]
    width = {name: (interval[f"{name}_upper"] - interval[f"{name}_lower"]).mean() for name in ("y", "big")}
    assert 500 < width["big"] / width["y"] < 2000


def test_intervals_of_a_panel_scale_with_each_series(panel):
    fitted = model(series="shop").fit(panel)
    interval = fitted.predict_interval(coverage=0.8)
    assert list(interval.columns) == ["shop", "y", "y_lower", "y_upper"]
    width = (interval["y_upper"] - interval["y_lower"]).groupby(interval["shop"]).mean()
    assert width["b"] / width["a"] == pytest.approx(100, rel=0.3)
    assert width["c"] / width["a"] == pytest.approx(10, rel=0.3)
    change = panel.groupby("shop")["y"].apply(lambda y: y.diff().abs().mean())
    relative = (interval["y_upper"] - interval["y_lower"]).to_numpy().reshape(3, 3) / change.to_numpy()[:, None]
    np.testing.assert_allclose(relative, np.broadcast_to(relative[0], (3, 3)), rtol=1e-9)
    new = noise(60, 9).iloc[:, :1].mul(1e4).assign(shop="new")
    got = fitted.predict_interval(history=new, coverage=0.8)
    assert (got["y_upper"] - got["y_lower"]).mean() / width["a"] == pytest.approx(1e4, rel=0.5)


def test_future_rows_and_their_covariates_are_taken(df):
    fitted = model(future_covariates="promo", past_covariates="temp").fit(df.iloc[:300])
    future = fitted.future_frame().assign(promo=[0.0, 1.0, 1.0])
    interval = fitted.predict_interval(future, coverage=0.8)
    np.testing.assert_array_equal(interval["y"], fitted.predict(future)["y"])
    np.testing.assert_allclose(interval[["y_lower", "y_upper"]].mean(axis=1), interval["y"], atol=0.3)
    history = df.iloc[:380]
    future = fitted.future_frame(history=history).assign(promo=1.0)
    assert fitted.predict_interval(future, history=history, coverage=0.8).index.equals(df.index[380:383])


# -------------------- with a history


def test_history_recalibrates_in_a_level_that_follows_the_misses(df):
    fitted = model().fit(df.iloc[:300])
    history = df.iloc[:390]
    interval = fitted.predict_interval(history=history, coverage=[0.5, 0.8])
    residuals = fitted._state.calibration.residuals
    origins = np.arange(299, 389)
    forecast = np.stack([fitted.predict(history=df.iloc[: origin + 1]) for origin in origins])
    actual = np.full(forecast.shape, np.nan)
    for row, origin in enumerate(origins):
        known = df["y"].to_numpy()[origin + 1 : min(origin + 4, 390)]
        actual[row, : len(known), 0] = known
    state = AdaptiveState([0.5, 0.8])
    state.warm_up(residuals, before=299)
    today = fitted.predict(history=history).to_numpy()[None]
    actual, forecast = np.concatenate([actual, np.full(today.shape, np.nan)]), np.concatenate([forecast, today])
    lower, upper = state.bounds(actual, forecast, np.append(origins, 389))
    for position, coverage in enumerate([0.5, 0.8]):
        np.testing.assert_allclose(interval[f"y_lower_{coverage}"], lower[position, -1, :, 0], rtol=1e-9)
        np.testing.assert_allclose(interval[f"y_upper_{coverage}"], upper[position, -1, :, 0], rtol=1e-9)


def test_errors_that_grow_after_fit_widen_the_interval_of_a_history(df):
    fitted = model().fit(df.iloc[:200])
    wild = df.copy()
    wild.iloc[200:, 0] += 3 * np.random.default_rng(1).normal(size=200)
    calm, rough = (fitted.predict_interval(history=frame, coverage=0.8) for frame in (df, wild))
    width = [(got["y_upper"] - got["y_lower"]).mean() for got in (calm, rough)]
    assert width[1] > 3 * width[0]


# -------------------- quantiles


def test_conformal_quantiles_are_bounds_and_the_median_the_forecast(df):
    fitted = model().fit(df)
    found = fitted.predict_quantiles(levels=[0.1, 0.5, 0.9])
    interval = fitted.predict_interval(coverage=0.8)
    np.testing.assert_allclose(found["y_0.1"], interval["y_lower"], rtol=1e-12)
    np.testing.assert_allclose(found["y_0.9"], interval["y_upper"], rtol=1e-12)
    np.testing.assert_array_equal(found["y_0.5"], fitted.predict()["y"])
    pd.testing.assert_frame_equal(fitted.predict_quantiles(levels=0.1), found[["y_0.1"]].set_axis(["y"], axis=1))
    assert list(fitted.predict_quantiles()) == ["y_0.1", "y_0.5", "y_0.9"]


@pytest.mark.parametrize("transform", [None, "log", ["log1p", "standard"]], ids=str)
@pytest.mark.parametrize("series", [None, "shop"])
def test_quantiles_of_a_network_are_its_own_and_in_order(df, panel, transform, series):
    frame = df[["y"]] if series is None else panel
    fitted = model(quantiles(), transform=transform, series=series, validation_fraction=None).fit(frame)
    found = fitted.predict_quantiles(levels=[0.1, 0.3, 0.5, 0.9])
    names = [f"y_{level}" for level in (0.1, 0.3, 0.5, 0.9)]
    assert list(found)[-4:] == names
    table = found[names].to_numpy().T
    assert (np.diff(table, axis=0) >= 0).all()
    np.testing.assert_allclose(found["y_0.5"], fitted.predict()["y"], rtol=1e-12)
    if transform is None and series is None:
        windows = make_windows(frame, target="y", lookback=8, horizon=3, window_norm="last").at([len(frame) - 1])
        own = fitted.regressor_.predict_quantiles(windows, levels=[0.1, 0.9])
        own = np.asarray(own).reshape(3, 2)
        np.testing.assert_allclose(found["y_0.1"], windows.restore(own[:, 0][None])[0], rtol=1e-12)
        np.testing.assert_allclose(found["y_0.9"], windows.restore(own[:, 1][None])[0], rtol=1e-12)


# -------------------- refusals


@pytest.mark.parametrize("transform", ["difference", "log_return", ["log", "seasonal_difference"]], ids=str)
def test_quantiles_of_changes_are_refused_because_they_do_not_add_up(df, transform):
    fitted = model(quantiles(), transform=transform).fit(df[["y"]])
    with pytest.raises(ValueError, match=r"quantiles of changes do not add up.*predict_interval"):
        fitted.predict_quantiles()
    assert np.isfinite(fitted.predict_interval(coverage=0.5).to_numpy()).all()
    assert np.isfinite(model(transform=transform).fit(df).predict_quantiles().to_numpy()).all()
    with pytest.raises(ValueError, match="do not add up"):
        backtest(model(quantiles(), transform=transform), df, RollingOrigin(2, 3), coverage=[0.8], intervals="quantile")


def test_too_few_residuals_are_refused_with_their_number(df):
    fitted = model(validation_fraction=0.1).fit(df.iloc[:130])
    with pytest.raises(ValueError, match=rf"coverage 0.95 needs {residuals_needed(0.95)} known residuals"):
        fitted.predict_interval(coverage=0.95)
    with pytest.raises(ValueError, match=r"no.* held out|validation windows.*validation_fraction"):
        model(validation_fraction=None).fit(df).predict_interval()
    with pytest.raises(ValueError, match="validation windows"):
        model().fit(df.iloc[:20]).predict_quantiles()


def test_more_steps_than_the_horizon_are_refused(df):
    fitted = model().fit(df)
    with pytest.raises(ValueError, match=r"intervals of 4 steps.*horizon = 3"):
        fitted.predict_interval(fitted.future_frame(4))
    with pytest.raises(ValueError, match=r"4 steps.*horizon is 3.*cannot be fed back"):
        model(quantiles()).fit(df).predict_quantiles(X=fitted.future_frame(4))


@pytest.mark.parametrize("bad", [0, 1, -0.5, 1.5, [0.8, 90]])
def test_levels_out_of_range_are_refused(df, bad):
    fitted = model().fit(df)
    with pytest.raises(ValueError, match=r"coverage is .*between 0 and 1"):
        fitted.predict_interval(coverage=bad)
    with pytest.raises(ValueError, match=r"levels is .*between 0 and 1"):
        fitted.predict_quantiles(levels=bad)
    with pytest.raises(ValueError, match=r"coverage is .*between 0 and 1"):
        backtest(model(), df, RollingOrigin(2, 3), coverage=bad)


def test_levels_beyond_those_of_the_network_are_refused(df):
    with pytest.raises(ValueError, match=r"0.05.*beyond the fitted levels"):
        model(quantiles()).fit(df).predict_quantiles(levels=[0.05])


# -------------------- in a backtest


@pytest.mark.parametrize("refit", [True, False])
def test_static_bounds_are_those_of_each_fit(df, refit):
    cv = RollingOrigin(4, 3)
    rows = backtest(model(), df, cv, refit=refit, coverage=[0.8], intervals="static").frame
    rows = rows[rows["model"] == "Ridge"]
    trains = [train for train, _ in cv.split(df)]
    for number, (origin, part) in enumerate(rows.groupby("origin")):
        fitted = model().fit(df.iloc[trains[number if refit else 0]])
        lower, upper = offsets_of(fitted._state.calibration.residuals, 0.8)
        np.testing.assert_allclose(part["lower_0.8"], part["forecast"] + lower[:, 0], rtol=1e-12)
        np.testing.assert_allclose(part["upper_0.8"], part["forecast"] + upper[:, 0], rtol=1e-12)
        assert origin == df.index[trains[number][-1]]


def test_adaptive_bounds_come_from_what_was_known_at_each_origin(df):
    rows = backtest(model(), df, RollingOrigin(40, 3, step=1), refit=False, coverage=[0.5, 0.8]).frame
    rows = rows[rows["model"] == "Ridge"]
    cube = {name: rows[name].to_numpy().reshape(40, 3, 1) for name in ("actual", "forecast", "lower_0.8", "upper_0.8")}
    origins = df.index.get_indexer(rows["origin"].unique())
    state = AdaptiveState([0.5, 0.8])
    first = model().fit(df.iloc[: origins[0] + 1])
    state.warm_up(first._state.calibration.residuals, before=int(origins[0]))
    lower, upper = state.bounds(cube["actual"], cube["forecast"], origins)
    np.testing.assert_allclose(cube["lower_0.8"], lower[1], rtol=1e-9)
    np.testing.assert_allclose(cube["upper_0.8"], upper[1], rtol=1e-9)


def test_quantile_bounds_are_the_networks(df):
    forecaster = model(quantiles())
    rows = backtest(forecaster, df, RollingOrigin(3, 3), refit=False, coverage=[0.8], intervals="quantile").frame
    rows = rows[rows["model"] == "RNNForecaster"]
    origins = rows["origin"].unique()
    fitted = clone(forecaster).fit(df.loc[: origins[0]])
    for origin, part in rows.groupby("origin"):
        found = fitted.predict_quantiles(levels=[0.1, 0.9], history=df.loc[:origin])
        np.testing.assert_array_equal(part["lower_0.8"], found["y_0.1"])
        np.testing.assert_array_equal(part["upper_0.8"], found["y_0.9"])


@pytest.mark.parametrize("intervals", ["adaptive", "static"])
@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_bounds_have_the_units_of_every_target_and_series(panel, intervals, multi_target):
    frame = panel.assign(big=1000 * panel["y"])
    forecaster = model(target=["y", "big"], series="shop", multi_target=multi_target)
    report = backtest(forecaster, frame, RollingOrigin(20, 3), refit=False, coverage=[0.8], intervals=intervals)
    table = report.summary(by=["series", "target"]).loc["Ridge"]
    assert table["coverage_0.8"].between(0.6, 1).all()
    score = table["interval_score_0.8"].unstack()
    np.testing.assert_allclose(score["big"] / score["y"], 1000, rtol=0.35)
    assert score.loc["b", "y"] / score.loc["a", "y"] == pytest.approx(100, rel=0.5)


def test_coverage_of_a_stationary_series_is_near_its_nominal_value():
    frame = noise(1500)[["y"]]
    for intervals, within in (("adaptive", 0.02), ("static", 0.06)):  # of 170 errors a quantile of 0.8 is 0.03 off
        report = backtest(
            model(), frame, RollingOrigin(900, 3, step=1), refit=False, coverage=[0.8], intervals=intervals
        )
        assert report.summary().loc["Ridge", "coverage_0.8"] == pytest.approx(0.8, abs=within)


@pytest.mark.parametrize("intervals", ["adaptive", "static"])
@pytest.mark.parametrize("kind", ["single", "panel"])
def test_nothing_unknown_at_an_origin_reaches_its_bounds(df, panel, intervals, kind):
    """Also the bounds of a series that was not there in fit."""
    frame = df[["y"]] if kind == "single" else panel
    if kind == "panel":
        stamps = panel.index.max() + pd.Timedelta("1h") * np.arange(-18, 1)
        late = noise(19, 7).iloc[:, :1].assign(shop="late").set_axis(stamps)
        frame = pd.concat([panel, late])
    forecaster = model(series=None if kind == "single" else "shop")
    cut = frame.index.max() - pd.Timedelta("6h")
    changed = frame.copy()
    changed.loc[changed.index > cut, "y"] *= -7.3
    cv = RollingOrigin(14, 3, step=1)
    one, other = (
        backtest(forecaster, given, cv, refit=False, coverage=[0.5, 0.8], intervals=intervals).frame
        for given in (frame, changed)
    )
    before = (one["origin"] <= cut).to_numpy()
    columns = ["forecast", "lower_0.5", "upper_0.5", "lower_0.8", "upper_0.8"]
    assert before.sum() > 20
    assert kind == "single" or (one["series"][before] == "late").any()
    assert one.loc[before & (one["model"] == "Ridge").to_numpy(), columns].notna().to_numpy().all()
    np.testing.assert_array_equal(one.loc[before, columns], other.loc[before, columns])
    assert not one.loc[~before, columns].equals(other.loc[~before, columns])


# -------------------- summary


def test_summary_is_what_the_metrics_say():
    rng = np.random.default_rng(0)
    actual, forecast = rng.normal(size=40), rng.normal(size=40)
    lower, upper = forecast - rng.random(40), forecast + rng.random(40)
    stamps = pd.date_range("2024-01-01", periods=40, freq="D")
    frame = pd.DataFrame(
        {"model": "m", "origin": stamps[0], "step": np.arange(40) % 2 + 1, "timestamp": stamps, "target": "y"}
    )
    frame = frame.assign(actual=actual, forecast=forecast, **{"lower_0.8": lower, "upper_0.8": upper})
    naive = frame.assign(model="last value", forecast=0.0, **{"lower_0.8": np.nan, "upper_0.8": np.nan})
    scales = pd.DataFrame({"origin": [stamps[0]], "target": ["y"], "absolute": [2.0], "squared": [4.0]})
    report = BacktestReport(pd.concat([frame, naive]), {"m": 1.0, "last value": 0.0}, 1, scales, [0.8])

    def expected(rows):
        a, f, low, high = actual[rows], forecast[rows], lower[rows], upper[rows]
        return {
            "MAE": metrics.mae(a, f),
            "RMSE": metrics.rmse(a, f),
            "sMAPE": metrics.smape(a, f),
            "MASE": metrics.mae(a, f) / 2,
            "RMSSE": metrics.rmse(a, f) / 2,
            "skill": 1 - metrics.mae(a, f) / np.abs(a).mean(),
            "coverage_0.8": metrics.coverage(a, low, high),
            "interval_score_0.8": metrics.interval_score(a, low, high, coverage=0.8),
            "pinball_0.8": (metrics.pinball(a, low, 0.1) + metrics.pinball(a, high, 0.9)) / 2,
        }

    whole = report.summary().loc["m"]
    by_step = report.summary(by="step")
    for name, value in expected(slice(None)).items():
        assert whole[name] == pytest.approx(value, rel=1e-12), name
    for step in (1, 2):
        for name, value in expected(slice(step - 1, None, 2)).items():
            assert by_step.loc[("m", step), name] == pytest.approx(value, rel=1e-12), name
    assert np.isnan(report.summary().loc["last value", "coverage_0.8"])
