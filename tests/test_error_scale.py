"""Bounds stay in the domain of the transform: errors are measured on its scale and brought back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer

import forecast
from forecast import SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest
from forecast.preprocessing import Asinh, BoxCox, Log

N = 400
HOURS = pd.date_range("2024-01-01", periods=N, freq="h", name="hour")


def wild(seed=0, size=1.0):
    rng = np.random.default_rng(seed)
    return size * np.exp(rng.normal(size=N) + np.sin(np.arange(N) / 5))


def frame(**columns):
    return pd.DataFrame(columns or {"y": wild()}, index=HOURS)


COUNTS = np.random.default_rng(0).poisson(1 + np.sin(np.arange(N) / 5) ** 2).astype(float)
SHARES = wild() / (1 + wild())


def logit(x):
    return np.log(x / (1 - x))


def expit(z):
    return 1 / (1 + np.exp(-z))


LOGIT, ROOT = FunctionTransformer(logit, expit), FunctionTransformer(np.sqrt, np.square)
CASES = {  # transform, values, the open ends of the domain
    "log": ("log", wild(), 0, np.inf),
    "log1p": ("log1p", COUNTS, -1, np.inf),
    "boxcox": ("boxcox", wild(), 0, np.inf),
    "boxcox, a root": (BoxCox(0.3), wild(), 0, np.inf),
    "boxcox, below 0": (BoxCox(-0.1), wild(), 0, np.inf),
    "asinh": ("asinh", wild(), -np.inf, np.inf),
    "logit": (LOGIT, SHARES, 0, 1),
    "root": (ROOT, COUNTS, -1e-300, np.inf),
    "quantiles": (QuantileTransformer(n_quantiles=50), wild(), 0, np.inf),
    "power": (PowerTransformer("box-cox"), wild(), 0, np.inf),
    "log, difference": (["log", "difference"], wild(), 0, np.inf),
    "log return": ("log_return", wild(), 0, np.inf),
    "log1p, standard, seasonal": (["log1p", "standard", "seasonal_difference"], COUNTS, -1, np.inf),
}
COVERAGES = [0.5, 0.9, 0.98]


def model(regressor=None, **parameters):
    settings = {"target": "y", "lookback": 24, "horizon": 4, "validation_fraction": 0.4} | parameters
    return SeriesForecaster(Ridge() if regressor is None and "members" not in settings else regressor, **settings)


def bounds_of(table):
    return table[[name for name in table.columns if "lower" in str(name) or "upper" in str(name)]]


def backtested(one, df, **given):
    given = {"refit": False, "coverage": [0.5, 0.9]} | given
    rows = backtest(one, df, RollingOrigin(8, horizon=4), **given).frame
    return rows[~rows["model"].isin(["last value", "seasonal naive", "drift", "mean"])]


# -------------------- the domain


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
@pytest.mark.filterwarnings("ignore::forecast.model_selection.BacktestWarning")
@pytest.mark.parametrize("kind", CASES)
def test_bounds_and_quantiles_stay_in_the_domain(kind):
    transform, values, low, high = CASES[kind]
    df, one = frame(y=values), model(transform=transform)
    one.fit(df[:300])
    interval = one.predict_interval(coverage=COVERAGES)
    tables = [
        interval,
        one.predict_interval(history=df, coverage=COVERAGES),
        one.predict_quantiles(levels=[0.01, 0.1, 0.5, 0.99]),
        one.predict_quantiles(levels=[0.01, 0.99], history=df),
        *(bounds_of(backtested(one, df, intervals=intervals)) for intervals in ("adaptive", "static")),
        bounds_of(backtested(model(transform=transform, validation_fraction=None), df)).dropna(),
    ]
    for table in tables:
        found = table.to_numpy()
        assert np.isfinite(found).all()
        assert (found > low).all()
        assert (found < high).all()
    for inner, outer in ((0.5, 0.9), (0.9, 0.98)):
        assert (interval[f"y_lower_{outer}"] <= interval[f"y_lower_{inner}"]).all()
        assert (interval[f"y_upper_{inner}"] <= interval[f"y_upper_{outer}"]).all()


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_series_and_targets_have_scales_of_their_own(multi_target, tmp_path):
    shops = [frame(y=wild(i, size), z=wild(9 + i, 7.0)).assign(shop=f"s{i}") for i, size in enumerate([1.0, 1e3])]
    new = frame(y=wild(5, 40.0), z=wild(6)).assign(shop="new")
    one = model(target=["y", "z"], series="shop", transform="boxcox", multi_target=multi_target)
    panel = pd.concat(shops)
    one.fit(panel.groupby("shop").head(300))
    one.save(tmp_path / "model")
    for given in ({}, {"history": panel}, {"history": new}):
        found = one.predict_interval(coverage=0.9, **given)
        assert (bounds_of(found) > 0).all(axis=None)
        pd.testing.assert_frame_equal(forecast.load(tmp_path / "model").predict_interval(coverage=0.9, **given), found)
    width = (one.predict_interval()["y_upper"] / one.predict_interval()["y_lower"]).to_numpy().reshape(2, -1)
    assert (np.abs(np.log(width[0] / width[1])) < 1).all()


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
@pytest.mark.parametrize("first", ["log", None])
def test_members_with_different_transforms_keep_the_domain_of_the_first_that_has_one(first):
    kinds = {"one": first, "two": None if first else "log"}
    members = {name: {"regressor": Ridge(), "transform": kind} for name, kind in kinds.items()}
    members["two"]["window_norm"] = "mean"
    df, one = frame(), model(members=members)
    one.fit(df[:300])
    assert (bounds_of(one.predict_interval(coverage=COVERAGES)) > 0).all(axis=None)
    assert (bounds_of(one.predict_interval(history=df, coverage=COVERAGES)) > 0).all(axis=None)
    assert (bounds_of(backtested(one, df)) > 0).all(axis=None)


def test_a_mean_of_members_outside_of_the_domain_has_bounds_inside():
    class Below(Ridge):
        def predict(self, X):
            return super().predict(X) - 1e4

    members = {"low": {"regressor": Below(), "transform": None}, "log": {"regressor": Ridge(), "transform": "log"}}
    one = model(members=members).fit(frame())
    found = one.predict_interval(coverage=0.5)
    assert (found["y"] < 0).all()
    assert (bounds_of(found) > 0).all(axis=None)


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
@pytest.mark.filterwarnings("ignore::forecast.BoundsWarning")
@pytest.mark.parametrize("transform", ["log", "asinh", None])
def test_bounds_of_the_forecaster_hold_for_bounds_of_intervals(transform):
    df, one = frame(), model(transform=transform, lower=0.5, upper=3.0)
    one.fit(df[:300])
    tables = [one.predict_interval(coverage=0.9), one.predict_interval(history=df), one.predict_quantiles(levels=0.01)]
    tables += [bounds_of(backtested(one, df, intervals=kind)) for kind in ("adaptive", "static")]
    for table in tables:
        assert table.to_numpy().min() >= 0.5
        assert table.to_numpy().max() <= 3.0


# -------------------- the numbers


def test_errors_are_measured_in_logarithms_and_brought_back():
    one = model(transform="log").fit(frame())
    log = model().fit(np.log(frame()))
    np.testing.assert_allclose(one._state.calibration.residuals, log._state.calibration.residuals, atol=1e-9)
    for history in (None, frame()[:380]):
        given = {"coverage": [0.5, 0.9]}
        want = log.predict_interval(history=None if history is None else np.log(history), **given)
        np.testing.assert_allclose(one.predict_interval(history=history, **given), np.exp(want), rtol=1e-8)


@pytest.mark.parametrize("transform", [None, "standard", "difference", ["standard", "difference"]], ids=str)
def test_without_a_bend_errors_are_in_the_units_of_the_series(transform):
    one = model(transform=transform).fit(frame())
    lower, upper = (side[0] for side in one._state.calibration.offsets([0.8], 1))
    found = one.predict_interval(coverage=0.8)
    np.testing.assert_array_equal(found["y_lower"], found["y"] + lower[:, 0])
    np.testing.assert_array_equal(found["y_upper"], found["y"] + upper[:, 0])


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
def test_bounds_of_a_backtest_are_those_of_a_forecast():
    df, one = frame(), model(transform=[Asinh(), "standard"])
    rows = backtested(one, df, intervals="static")
    first = rows[rows["origin"] == rows["origin"].min()]
    found = one.fit(df.loc[: first["origin"].iloc[0]]).predict_interval(coverage=[0.5, 0.9])
    for side in ("lower", "upper"):
        for level in (0.5, 0.9):
            np.testing.assert_array_equal(found[f"y_{side}_{level}"], first[f"{side}_{level}"])


def test_a_bound_without_a_counterpart_is_the_last_value_that_has_one():
    from forecast._series.error_scale import Mark

    mark = Mark([BoxCox(0.5).fit([1.0, 4.0, 16.0])], 1.0, 16.0)
    least = -2.0  # what the transform of 0 would be
    found = mark.original(np.array([least - 1, least - 1e-3, 0.0, np.nan, 2.0]))
    np.testing.assert_array_equal(found[:2], found[0])
    assert 0 < found[0] < 1e-5
    np.testing.assert_allclose(found[[2, 4]], [4.0, 16.0])
    assert np.isnan(found[3])
    alone = [mark.original(np.array([image]))[0] for image in (least - 1, least - 5)]
    assert alone[0] == alone[1] == found[0]
    root = Mark([_fitted(ROOT, [1.0, 9.0])], 1.0, 9.0)
    np.testing.assert_array_equal(root.original(np.array([-0.5, 2.0])), [0.0, 4.0])


def test_a_value_without_an_image_counts_as_the_nearest_learnt_from():
    from forecast._series.error_scale import Mark

    mark = Mark([Log().fit([2.0, 8.0])], 2.0, 8.0)
    found = mark.image(np.array([-5.0, 0.0, 1.0, np.nan, 100.0]))
    np.testing.assert_allclose(found, np.log([2.0, 2.0, 1.0, np.nan, 100.0]))


def _fitted(transformer, values):
    from forecast.preprocessing import Pointwise

    return Pointwise(transformer).fit(values)


def test_few_errors_give_fixed_bounds_with_a_history_too():
    df = frame().iloc[:100]
    one = model(lookback=12, validation_fraction=0.2, missing="mask")
    df.iloc[60:72, 0] = np.nan
    df.iloc[76:90, 0] = np.nan
    fitted = one.fit(df.iloc[:92])
    found = fitted.predict_interval(history=df.iloc[:93], coverage=0.5)
    assert np.isfinite(found.to_numpy()).all()
