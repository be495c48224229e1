"""No hidden constants: another unit or another level of a series changes its forecast by that and nothing else."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import LinearForecaster, RNNForecaster, SeriesForecaster
from forecast._conformal import AdaptiveState
from forecast.model_selection import RollingOrigin, backtest

N = 300
HOURS = pd.date_range("2024-01-01", periods=N, freq="h", name="hour")
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
WAVE = np.sin(2 * np.pi * np.arange(N) / 12) + 0.3 * RNG.normal(size=N) + 0.5 * np.r_[0, NOISE[:-1]]


def network(**parameters):
    return RNNForecaster(**{"hidden_size": 4, "max_iter": 2, "random_state": 0} | parameters)


def model(regressor, **parameters):
    settings = {"target": "y", "lookback": 24, "horizon": 4, "validation_fraction": 0.2}
    return SeriesForecaster(regressor, **settings | parameters)


MODELS = {
    "ridge, norm": model(Ridge(), window_norm="standard"),
    "ridge, fraction": model(Ridge(), window_norm=("standard", 0.5)),
    "ridge, standard": model(Ridge(), transform="standard"),
    "ridge, asinh": model(Ridge(), transform="asinh", window_norm="mean"),
    "ridge, difference": model(Ridge(), transform=["robust", "difference"], window_norm=None),
    "linear": model(LinearForecaster(), window_norm=("season", 12)),
    "linear, covariate": model(LinearForecaster(), past_covariates="z"),
    "linear, targets": model(LinearForecaster(), target=["y", "z"]),
    "network": model(network()),
    "network, norm": model(network(), window_norm="standard"),
    "network, raw": model(network(skip="linear"), window_norm=None, transform="minmax"),
    "network, covariate": model(network(early_stopping=True), past_covariates="z", window_norm="mean"),
    "recipe": SeriesForecaster(target="y", past_covariates="z", horizon=4, random_state=0),
}

UNITS = [1e-9, 1e-4, 1e9]


def said(one, y, z=NOISE):
    found = one.fit(pd.DataFrame({"y": y, "z": z}, index=HOURS)).predict_interval(coverage=0.5)
    return found[["y", "y_lower", "y_upper"]].to_numpy()


SLOW_RECIPE = pytest.param("recipe", 1e-9, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def plain():
    found = {}
    return lambda kind: found.setdefault(kind, said(MODELS[kind], WAVE))


@pytest.mark.parametrize(
    ("kind", "unit"), [*((kind, unit) for kind in MODELS if kind != "recipe" for unit in UNITS), SLOW_RECIPE]
)
def test_another_unit_is_the_unit_of_the_forecast(plain, kind, unit):
    np.testing.assert_allclose(said(MODELS[kind], unit * WAVE) / unit, plain(kind), atol=1e-11)


@pytest.mark.parametrize(
    ("kind", "unit"),
    [*((kind, unit) for kind in MODELS if kind.endswith(("covariate", "targets")) for unit in UNITS), SLOW_RECIPE],
)
def test_the_unit_of_a_covariate_changes_nothing(plain, kind, unit):
    np.testing.assert_allclose(said(MODELS[kind], WAVE, unit * NOISE), plain(kind), atol=1e-11)


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "recipe"])
@pytest.mark.parametrize(("unit", "level"), [(1.0, 1e-3), (1.0, 1e3), (1e-3, 1e3), (1e-9, 1.0), (1e3, 1e9)])
def test_another_level_is_added_and_nothing_else(plain, kind, unit, level):
    rounding = 2e-16 * abs(level) / unit  # of the level, in the unit of the wave
    found = (said(MODELS[kind], unit * WAVE + level) - level) / unit
    single = 5e-7 if kind.startswith("network") and rounding > 1e-13 else 0.0  # of weights in float32
    np.testing.assert_allclose(found, plain(kind), atol=1e-11 + 300 * rounding + single)


# -------------------- constants


REGRESSORS = {"ridge": Ridge(), "linear": LinearForecaster(), "network": network(), "skip": network(skip="linear")}
LEVELS = [0.0, 1e-9, 1e-6, 7.78, -273.15, 1e9 + 1 / 3]


@pytest.mark.parametrize("regressor", REGRESSORS)
@pytest.mark.parametrize("transform", [None, "standard", "asinh", "difference"])
@pytest.mark.parametrize("norm", ["last", "standard", ("season", 12)], ids=str)
def test_a_constant_is_forecast_exactly_whatever_stands_beside_it(regressor, transform, norm):
    one = model(REGRESSORS[regressor], transform=transform, window_norm=norm, past_covariates="z", calendar=["hour"])
    for level in LEVELS:
        found = said(one, np.full(N, level))
        np.testing.assert_array_equal(found, np.full(found.shape, level))


def test_a_constant_target_of_a_network_on_arrays_is_exact_and_may_begin_to_move(tmp_path):
    X, y = RNG.normal(size=(200, 6)), np.stack([np.full(200, 1e-6), RNG.normal(size=200)], axis=1)
    fitted = network().fit(X, y)
    assert (fitted.predict(X)[:, 0] == 1e-6).all()
    fitted.save(tmp_path / "model")
    np.testing.assert_array_equal(forecast.load(tmp_path / "model").predict(X), fitted.predict(X))
    quantiles = network(loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(X, y).predict_quantiles(X)
    assert (quantiles[:, 0] == 1e-6).all()
    still = network(warm_start=True).fit(X, y)
    assert (still.fit(X, y).predict(X)[:, 0] == 1e-6).all()
    moved = still.fit(X, y + np.outer(X[:, 0], [1.0, 0.0])).predict(X)
    assert moved[:, 0].std() > 0


@pytest.mark.parametrize("regressor", ["ridge", "linear", "network"])
@pytest.mark.parametrize(
    "settings",
    [
        {"transform": "standard"},
        {"transform": "asinh"},
        {"window_norm": "standard"},
        {"window_norm": "last"},
        {"window_norm": None, "missing": "mask"},
    ],
    ids=str,
)
def test_a_constant_series_among_others_is_forecast_exactly_with_bounds_on_it(regressor, settings):
    walks = [pd.DataFrame({"y": RNG.normal(size=N).cumsum(), "shop": name}, index=HOURS) for name in "ab"]
    for level in (0.0, 7.78):
        panel = pd.concat([*walks, pd.DataFrame({"y": level, "shop": "still"}, index=HOURS)])
        one = model(REGRESSORS[regressor], series="shop", **settings).fit(panel)
        for given in ({}, {"history": panel}):
            found = one.predict_interval(coverage=0.5, **given)
            still = found.loc[found["shop"] == "still", ["y", "y_lower", "y_upper"]].to_numpy()
            np.testing.assert_array_equal(still, np.full(still.shape, level))
            assert (found["y_lower"] < found["y_upper"]).to_numpy()[:4].all()
    later = panel[panel["shop"] == "still"].iloc[:50].assign(y=np.r_[np.full(49, 7.78), 9.0])
    assert (one.predict(history=later)["y"] != 7.78).all()


@pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
def test_a_backtest_of_a_constant_series_among_others_has_bounds_on_it():
    walk = pd.DataFrame({"y": RNG.normal(size=N).cumsum(), "shop": "a"}, index=HOURS)
    panel = pd.concat([walk, pd.DataFrame({"y": 1e-6, "shop": "still"}, index=HOURS)])
    given = {"refit": False, "coverage": 0.5}
    for intervals in ("adaptive", "static"):
        one = model(Ridge(), series="shop", transform="standard")
        rows = backtest(one, panel, RollingOrigin(4, horizon=4), intervals=intervals, **given).frame
        rows = rows[(rows["model"] == "Ridge") & (rows["series"] == "still")]
        assert (rows[["forecast", "lower_0.5", "upper_0.5"]] == 1e-6).all(axis=None)


def test_errors_that_were_all_zero_have_no_unit():
    """A series that begins to move after years: twice the unit is twice the bounds."""
    residual = np.zeros((60, 2, 1))
    residual[40:] = RNG.normal(size=(20, 2, 1))
    found = []
    for unit in (1.0, 1024.0):
        state = AdaptiveState(0.5)
        state.warm_up(np.zeros((50, 2, 1)), before=0)
        found.append(state.side_by_side(unit * residual, np.arange(60), 70))
    np.testing.assert_array_equal(1024 * found[0], found[1])


def test_skill_does_not_depend_on_the_unit():
    frame = pd.DataFrame({"y": WAVE}, index=HOURS)
    one = model(Ridge(), transform="standard")
    scores = [one.fit(unit * frame[:-4]).score(unit * frame[-4:]) for unit in (1.0, 2.0**-80)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)
