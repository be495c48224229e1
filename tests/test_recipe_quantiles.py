"""`loss="quantile"` without a regressor: quantiles of networks, of errors, and of their mean."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_pinball_loss

from forecast import RNNForecaster, SeriesForecaster, load
from forecast._preparation import LEVELS, Rows, Spread
from forecast._preparation.spread import error_quantiles, horizons
from forecast._recipe.validation import Origins
from forecast._recipe.weights import mix

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def noisy_days(n=800, seed=1):
    """A daily cycle with much noise by day and little by night."""
    rng = np.random.default_rng(seed)
    hour = np.arange(n) % 24
    noise = rng.normal(size=n) * np.where((hour >= 8) & (hour < 20), 2.0, 0.2)
    values = 10 + 5 * np.sin(2 * np.pi * hour / 24) + noise
    return pd.DataFrame({"load": values}, pd.date_range("2024-01-01", periods=n, freq="h"))


def recipe(**more):
    return SeriesForecaster(target="load", horizon=12, loss="quantile", random_state=0, n_jobs=1, **more)


@pytest.fixture(scope="module")
def fitted():
    return recipe().fit(noisy_days()[:-18])  # to 05:00: half of the forecast is by day


def test_quantiles_are_in_order_and_the_median_is_the_forecast(fitted):
    found = fitted.predict_quantiles(levels=list(LEVELS))
    assert (np.diff(found.to_numpy(), axis=1) >= 0).all()
    np.testing.assert_allclose(found["load_0.5"], fitted.predict()["load"], rtol=1e-12)


def test_they_are_as_wide_as_the_hour_is_noisy(fitted):
    found = fitted.predict_quantiles(levels=[0.1, 0.9])
    width = found["load_0.9"] - found["load_0.1"]
    hour = width.index.hour
    day = (hour >= 8) & (hour < 20)
    assert width[day].mean() > 3 * width[~day].mean()


@pytest.mark.slow
def test_the_choice_can_be_trained_again_to_the_bit_quantiles_too(fitted, tmp_path):
    assert fitted.recipe_["loss"] == "quantile"
    again = SeriesForecaster(**fitted.recipe_).fit(noisy_days()[:-18])
    fitted.save(tmp_path / "a.forecast")
    for other in (again, load(tmp_path / "a.forecast")):
        mine, others = (one.predict_quantiles(levels=[0.1, 0.5, 0.85]) for one in (fitted, other))
        pd.testing.assert_frame_equal(mine, others, rtol=0, atol=0)


def test_candidates_are_compared_by_pinball_loss(fitted):
    losses = fitted.report_.candidates["loss"]
    absolute = SeriesForecaster(**(fitted.recipe_ | {"members": None, "loss": "absolute_error", "n_jobs": 1}))
    absolute.set_params(random_state=0, max_seconds=1e-3)  # no networks: the linear model alone
    with pytest.warns(UserWarning, match="max_seconds"):
        other = absolute.fit(noisy_days()[:-18]).report_.candidates["loss"]
    assert losses["linear"] < other["linear"]  # of nine tenths of the levels less than of the median


def test_a_linear_member_alone_has_the_quantiles_of_its_errors():
    noise = np.random.default_rng(3).normal(size=3000)
    df = pd.DataFrame({"load": noise}, pd.date_range("2024-01-01", periods=3000, freq="h"))
    given = {"ridge": {"regressor": Ridge(), "lookback": 4, "window_norm": None}}
    model = SeriesForecaster(target="load", horizon=4, members=given, loss="quantile").fit(df)
    found = model.predict_quantiles(levels=[0.1, 0.5, 0.9])
    np.testing.assert_array_equal(found["load_0.5"], model.predict()["load"])
    width = found["load_0.9"] - found["load_0.1"]
    np.testing.assert_allclose(width, 2 * 1.2816, rtol=0.15)


def test_levels_beyond_the_outermost_are_refused(fitted):
    with pytest.raises(ValueError, match=r"0\.99.* beyond the fitted levels, 0\.025 to 0\.975"):
        fitted.predict_quantiles(levels=[0.99])


def test_a_difference_has_no_quantiles_and_is_refused_before_work():
    with pytest.raises(ValueError, match="quantiles of changes do not add up"):
        recipe(transform="difference").fit(noisy_days(300))


def test_the_loss_is_refused_where_a_regressor_has_its_own():
    with pytest.raises(ValueError, match="loss='quantile' has no effect"):
        SeriesForecaster(RNNForecaster(), target="load", loss="quantile").fit(noisy_days(300))


def test_a_panel_has_units_of_each_series_and_new_ones():
    small, large = noisy_days(700), noisy_days(700, seed=1) * 1000
    df = pd.concat([small.assign(site="small"), large.assign(site="large")])
    given = {"ridge": {"regressor": Ridge(), "lookback": 48}}
    model = SeriesForecaster(
        target="load", horizon=24, members=given, loss="quantile", series="site", transform="standard"
    ).fit(df)
    found = model.predict_quantiles(levels=[0.1, 0.9])
    width = (found["load_0.9"] - found["load_0.1"]).groupby(found["site"]).mean()
    assert width["large"] == pytest.approx(1000 * width["small"], rel=0.2)
    new = model.predict_quantiles(levels=[0.1, 0.9], history=(small * 10).assign(site="new"))
    assert (new["load_0.9"] - new["load_0.1"]).mean() == pytest.approx(10 * width["small"], rel=0.2)


# -------------------- the parts


def test_weights_make_the_pinball_loss_small_not_the_absolute_error():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(400, 1, 1))
    levels = (0.1, 0.5, 0.9)
    right = np.broadcast_to(np.array([-1.2816, 0.0, 1.2816]), (400, 1, 1, 3))
    narrow = np.broadcast_to(np.array([-0.1, 0.0, 0.1]), (400, 1, 1, 3))
    blocks = np.arange(400) // 100
    found = mix({"right": right, "narrow": narrow}, actual, blocks, loss="quantile", levels=levels)
    assert found.weights["right"] > 0.85
    assert found.losses["right"] < found.losses["narrow"]
    expected = np.mean([mean_pinball_loss(actual[:, 0, 0], right[:, 0, 0, n], alpha=q) for n, q in enumerate(levels)])
    assert found.losses["right"] == pytest.approx(2 * expected)
    assert found.crossfitted.shape == right.shape


def test_of_the_median_alone_the_loss_is_the_absolute_error():
    rng = np.random.default_rng(1)
    actual, one, two = rng.normal(size=(3, 60, 2, 1))
    blocks = np.arange(60) // 15
    plain = mix({"a": one, "b": two}, actual, blocks)
    levelled = mix({"a": one[..., None], "b": two[..., None]}, actual, blocks, loss="quantile", levels=[0.5])
    assert levelled.weights == pytest.approx(plain.weights, abs=1e-6)
    assert levelled.loss == pytest.approx(plain.loss)


def test_error_quantiles_have_the_rank_of_a_conformal_bound():
    errors = np.arange(1.0, 40.0).reshape(39, 1, 1)
    found = error_quantiles(errors, np.ones((39, 1)))[0, 0]
    np.testing.assert_allclose(found, np.array(LEVELS) * 40, rtol=1e-12)
    holed = np.concatenate([errors, np.full((7, 1, 1), np.nan)])
    np.testing.assert_array_equal(error_quantiles(holed, np.ones((46, 1)))[0, 0], found)


def test_a_spread_is_put_around_a_forecast_in_units_of_its_series():
    index = pd.RangeIndex(8)
    none = np.zeros((8, 0))
    targets = np.array([0.0, 1, 0, 1, 0, 10, 0, 10])[:, None]
    rows = Rows(["a", "b"], np.array([0, 4, 8]), index, targets, none, none, np.zeros((2, 0)))
    origins = Origins(np.array([1, 2, 5, 6]), np.array([0, 0, 1, 1]), np.zeros(4, np.int64))
    errors = np.array([1.0, -1.0, 10.0, -10.0]).reshape(4, 1, 1)
    spread = Spread.of(errors, rows, origins)
    assert spread.units["a"] == 1.0
    assert spread.units["b"] == 10.0
    cube = spread.around(np.array([5.0, 5.0]).reshape(2, 1, 1), rows, np.array([3, 7]), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(cube[:, 0, 0], [[4.0, 5.0, 6.0], [-5.0, 5.0, 15.0]])


def test_errors_of_few_horizons_may_have_had_the_other_sign():
    errors = np.linspace(1.0, 3.0, 41).reshape(41, 1, 1)  # all on one side
    many = error_quantiles(errors, np.ones((41, 1)))[0, 0]
    few = error_quantiles(errors, np.ones((41, 1)), worth=np.full(41, 10 / 41))[0, 0]
    either = error_quantiles(np.concatenate([errors, -errors]), np.ones((82, 1)))[0, 0]
    np.testing.assert_allclose(few, (many + either) / 2, rtol=1e-12)  # ten horizons: half of each
    assert few[LEVELS.index(0.5)] == pytest.approx(1.0)


def test_errors_of_quantiles_keep_their_sign():
    errors = np.random.default_rng(0).normal(size=(30, 2, 1, len(LEVELS)))
    units = np.ones((30, 1))
    np.testing.assert_array_equal(error_quantiles(errors, units, np.full(30, 0.01)), error_quantiles(errors, units))


def test_overlapping_windows_are_worth_the_horizons_that_they_span():
    origins = Origins(np.array([10, 12, 14, 30, 110]), np.array([0, 0, 0, 0, 1]), np.zeros(5, np.int64))
    np.testing.assert_allclose(horizons(origins, 10), [0.75, 0.75, 0.75, 0.75, 1.0])
