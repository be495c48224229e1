"""How wide the quantiles of a mean of members are: as validation asks."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, load
from forecast._preparation import LEVELS, widths_of
from forecast._preparation.spread import trust, widened

WIDTHS = [0.9, 0.8, 0.7, 0.6, 0.5]
MANY = 1e9  # horizons


def quantiles_of(sigma, shape):
    """Of a normal distribution around 0."""
    return np.broadcast_to(sigma * norm.ppf(LEVELS), (*shape, len(LEVELS))).copy()


def noise(n=600, seed=0):
    values = np.random.default_rng(seed).normal(size=n)
    return pd.DataFrame({"y": values}, pd.date_range("2024-01-01", periods=n, freq="h"))


def members(**more):
    return {name: {"regressor": Ridge(alpha), "lookback": 4, **more} for name, alpha in (("a", 1.0), ("b", 100.0))}


def mean_of(given, **more):
    return SeriesForecaster(target="y", horizon=3, members=given, loss="quantile", **more)


def test_intervals_that_are_too_wide_get_factors_below_one():
    actual = np.random.default_rng(0).normal(size=(4000, 3, 1))
    actual[::7] = np.nan
    found = widths_of(quantiles_of(1.25, actual.shape), actual, MANY)
    np.testing.assert_allclose(found, 0.8, rtol=0.05)
    cube = widened(quantiles_of(1.25, actual.shape), found)
    for low in range(5):
        inside = (cube[..., low] <= actual) & (actual <= cube[..., -1 - low])
        assert inside[~np.isnan(actual)].mean() == pytest.approx(1 - 2 * LEVELS[low], abs=1e-3)


def test_few_horizons_draw_factors_to_one():
    actual = np.random.default_rng(0).normal(size=(400, 3, 1))
    cube = quantiles_of(1.25, actual.shape)
    sure, doubtful = (np.log(widths_of(cube, actual, worth)) for worth in (MANY, 5.0))
    np.testing.assert_allclose(doubtful, trust(5.0) * sure, rtol=1e-6)


def test_a_factor_that_says_little_is_one():
    actual = np.random.default_rng(0).normal(size=(20_000, 3, 1))
    assert widths_of(quantiles_of(1.0, actual.shape), actual, MANY) == (1.0,) * 5


def test_factors_are_bounded_and_one_where_nothing_is_known():
    actual = np.random.default_rng(0).normal(size=(400, 3, 1))
    assert widths_of(quantiles_of(50.0, actual.shape), actual, MANY) == pytest.approx([0.5] * 5)
    assert widths_of(quantiles_of(0.01, actual.shape), actual, MANY) == pytest.approx([2.0] * 5)
    assert widths_of(quantiles_of(1.0, actual.shape), np.full(actual.shape, np.nan), MANY) == (1.0,) * 5
    assert widths_of(np.zeros((4, 3, 1, 11)), np.zeros((4, 3, 1)), MANY) == (1.0,) * 5  # a constant


def test_widened_quantiles_keep_the_median_and_their_order():
    cube = np.sort(np.random.default_rng(0).normal(size=(5, 2, 1, 11)), axis=-1)
    found = widened(cube, [0.5, 0.6, 2.0, 2.0, 2.0])  # inner ones would pass the outer ones
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_array_equal(widened(cube, WIDTHS)[..., 5], cube[..., 5])
    np.testing.assert_array_equal(widened(cube, [1.0] * 5)[..., 5], cube[..., 5])


def test_members_take_widths_and_give_such_quantiles(tmp_path):
    df = noise()
    plain, wide = (mean_of(given).fit(df) for given in (members(), members(widths=WIDTHS)))
    levels = [*LEVELS[:5], 0.5, 0.35]
    one, other = (model.predict_quantiles(levels=levels).to_numpy() for model in (plain, wide))
    expected = np.multiply(one[:, :5] - one[:, [5]], WIDTHS)
    np.testing.assert_allclose(other[:, :5] - other[:, [5]], expected, rtol=1e-9)
    np.testing.assert_allclose(other[:, 6], other[:, 3:5].mean(axis=1), rtol=1e-9)  # between two levels
    pd.testing.assert_frame_equal(plain.predict(), wide.predict(), rtol=0, atol=0)
    bounds = wide.predict_interval(coverage=0.8)
    np.testing.assert_allclose(bounds.filter(like="lower").to_numpy()[:, 0], other[:, 1], rtol=1e-9)
    wide.save(tmp_path / "a.forecast")
    again = clone(wide).fit(df)
    for copy in (load(tmp_path / "a.forecast"), again):
        np.testing.assert_array_equal(copy.predict_quantiles(levels=levels).to_numpy(), other)
    wide.update(noise(620)[600:])
    wide.set_params(members=members()).fit(df)
    np.testing.assert_array_equal(wide.predict_quantiles(levels=levels).to_numpy(), one)


@pytest.mark.slow
def test_a_recipe_of_quantiles_says_the_widths_and_others_have_none():
    hour = np.arange(900) % 24
    df = noise(900) + 5 * np.sin(2 * np.pi * hour / 24)[:, None]
    given = {"target": "y", "horizon": 6, "random_state": 0, "n_jobs": 1, "pretrained": False}
    with pytest.warns(UserWarning, match="max_seconds"):
        absolute = SeriesForecaster(**given, max_seconds=1e-3).fit(df)
    assert all("widths" not in one for one in absolute.recipe_["members"].values())
    quantile = SeriesForecaster(**given, loss="quantile").fit(df)
    chosen = quantile.recipe_["members"]
    assert len(chosen) > 1
    widths = [one["widths"] for one in chosen.values()]
    assert all(one == widths[0] for one in widths)
    assert len(widths[0]) == 5
    assert any(abs(width - 1) > 1e-3 for width in widths[0])


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        (members(widths=WIDTHS), {"loss": "absolute_error"}, "no effect without several members and loss='quantile'"),
        ({"a": {"regressor": Ridge(), "widths": WIDTHS}}, {}, "no effect without several members"),
        (members(widths=WIDTHS[:4]), {}, "expected 5 positive numbers, for the levels 0.025, 0.1, 0.2, 0.3, 0.4"),
        (members(widths=[0.0] * 5), {}, "expected 5 positive numbers"),
        (members(widths="wide!"), {}, "expected 5 positive numbers"),
    ],
)
def test_widths_that_cannot_be_meant_are_refused(given, more, message):
    with pytest.raises(ValueError, match=message):
        mean_of(given).set_params(**more).fit(noise())
