"""The pretrained network's derivative: that of differences, and its attributions add up to the forecast."""

import numpy as np
import pandas as pd
import pytest

from forecast import PretrainedForecaster, SeriesForecaster
from forecast._pretrained.ahead import newest
from forecast._pretrained.derivative import MedianDerivative, _through_standardising
from forecast._pretrained.reading import LARGEST, Past
from forecast._pretrained.weights import shipped
from forecast.diagnostics import explain

HORIZON = 70  # more than one pass


def windows(steps=120):
    """Without and with gaps, of one season and two, at a high level, with a value that is clipped."""
    rng = np.random.default_rng(0)
    time = np.arange(steps)
    values = 5 * np.sin(2 * np.pi * time / 24) + np.cumsum(rng.normal(size=(4, steps)), axis=1) / 3
    values[1, 20:35] = np.nan
    values[2] += 1e4 + 4 * np.sin(2 * np.pi * time / 7)
    values[3, -4] = 1e3
    return values


VALUES = windows()
WEIGHTS = np.random.default_rng(1).uniform(size=(len(VALUES), HORIZON)) / HORIZON
MEDIANS = MedianDerivative(shipped(), 1)


def test_the_forecast_is_that_of_the_forecaster():
    model = PretrainedForecaster(n_jobs=1).fit(VALUES, np.zeros((len(VALUES), HORIZON)))
    np.testing.assert_allclose(MEDIANS(VALUES, HORIZON)[0], model.predict(VALUES), rtol=1e-6, atol=1e-5)


def test_the_gradient_is_that_of_differences():
    gradient = MEDIANS(VALUES, HORIZON)[1](WEIGHTS)
    direction = np.random.default_rng(2).normal(size=VALUES.shape)
    scale = np.nanstd(VALUES, axis=1, keepdims=True)
    step = 3e-4 * scale * direction
    up, down = (MEDIANS(VALUES + sign * step, HORIZON)[0] for sign in (1, -1))
    expected = ((up - down) * WEIGHTS).sum(axis=1) / 6e-4
    found = (gradient * scale * direction).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.01 * scale.min())


def test_standardising_is_differentiated_also_where_it_clips():
    inside = newest(VALUES)
    past = Past(inside)
    rng = np.random.default_rng(3)
    slope, weights = rng.normal(size=past.z.shape), rng.uniform(size=(len(VALUES), 1))
    assert (past.z[3] == LARGEST).any()

    def total(values):  # of a median that is linear in the standardised values
        observed = np.isfinite(values)
        centre, scale = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
        z = np.where(observed, (values - centre[:, None]) / scale[:, None], 0.0).clip(-LARGEST, LARGEST)
        return weights[:, 0] * ((slope * z).sum(axis=1) * scale + centre), (slope * z).sum(axis=1)

    found = _through_standardising(past, inside, weights * slope, weights, total(inside)[1][:, None])
    for column in np.flatnonzero(np.isfinite(inside).all(axis=0))[-5:]:
        step = np.zeros(inside.shape[1])
        step[column] = 1e-4
        expected = (total(inside + step)[0] - total(inside - step)[0]) / 2e-4
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-5, atol=1e-6)


def test_missing_values_have_no_gradient():
    gradient = MEDIANS(VALUES, HORIZON)[1](WEIGHTS)
    assert (gradient[np.isnan(VALUES)] == 0).all()
    assert (gradient[~np.isnan(VALUES)] != 0).mean() > 0.9


@pytest.mark.parametrize("level", [0.0, -30.0])
def test_a_forecast_is_its_gradient_times_the_distance_from_any_level(level):
    forecast, pull = MEDIANS(VALUES, HORIZON)
    shares = pull(WEIGHTS) * np.nan_to_num(VALUES - level)
    np.testing.assert_allclose(shares.sum(axis=1), ((forecast - level) * WEIGHTS).sum(axis=1), rtol=1e-9)


def test_a_gradient_does_not_depend_on_the_other_windows():
    together = MEDIANS(VALUES, HORIZON)[1](WEIGHTS)
    for row in range(len(VALUES)):
        alone = MEDIANS(VALUES[[row]], HORIZON)[1](WEIGHTS[[row]])
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-9, atol=1e-12)


def test_variants_of_a_window_share_what_is_read_of_it():
    one = VALUES[[0]]
    variants = np.concatenate([one.mean() + share * (one - one.mean()) for share in (0.2, 0.6, 1.0)])
    gradient = MEDIANS(variants, HORIZON)[1](np.repeat(WEIGHTS[:1], 3, axis=0))
    for row in gradient[1:]:
        np.testing.assert_allclose(row, gradient[0], rtol=1e-5, atol=1e-8)


def test_a_window_that_never_moves_has_no_gradient():
    forecast, pull = MEDIANS(np.full((1, 40), 3.0), 5)
    assert (forecast == 3).all()
    assert (pull(np.ones((1, 5))) == 0).all()


# -------------------- explain


def hourly(rows=300, gap=None):
    rng = np.random.default_rng(0)
    load = 20 + 3 * np.sin(2 * np.pi * np.arange(rows) / 24) + rng.normal(size=rows) / 2
    index = pd.date_range("2024-01-01", periods=rows, freq="h")
    df = pd.DataFrame({"load": load, "wind": rng.normal(size=rows)}, index)
    if gap:
        df.iloc[gap, 0] = np.nan
    return df


def explained(df, *, target="load", **options):
    model = SeriesForecaster("pretrained", **{"target": target, "horizon": 30} | options).fit(df)
    return model, explain(model)


@pytest.mark.parametrize(
    ("df", "options"),
    [
        (hourly(), {"past_covariates": "wind"}),
        (hourly(30), {}),
        (hourly(gap=slice(200, 230)), {"missing": "mask"}),
        (hourly(), {"transform": "asinh"}),
        (hourly(), {"target": ["wind", "load"]}),
        (hourly(), {"lookback": 40, "window_norm": "standard"}),
    ],
    ids=["with a covariate", "short", "with a gap", "transformed", "two targets", "with a norm"],
)
def test_contributions_add_up_to_the_forecast(df, options):
    model, found = explained(df, **options)
    assert abs(found.missing).max() <= 1e-6 * abs(found.forecast - found.baseline).max() + 1e-9
    expected = model.predict()[found.target].mean()
    assert found.forecast[0, 0] == pytest.approx(expected, rel=1e-6)
    assert set(found.by_column().query("size > 0").index) == {found.target}  # it reads nothing else


def test_series_of_different_lengths_are_explained():
    df = pd.concat([hourly().assign(shop="long"), hourly(60).assign(shop="short")])
    model, found = explained(df, series="shop", past_covariates="wind")
    assert abs(found.missing).max() < 1e-9
    expected = model.predict().groupby("shop")["load"].mean()
    np.testing.assert_allclose(found.forecast[:, 0], expected[found.series], rtol=1e-6)
    short = found.values[found.series.index("short"), 0, found.lags >= 60]
    assert (short == 0).all()  # before its first row


def test_a_recipe_with_the_pretrained_member_is_explained():
    model = SeriesForecaster(target="load", horizon=80).fit(hourly(150)[["load"]])
    assert set(model.members_) == {"pretrained", "seasonal naive"}
    found = explain(model, step=[1, 40])
    assert abs(found.missing).max() < 1e-9
    np.testing.assert_allclose(found.forecast[0], model.predict()["load"].iloc[[0, 39]], rtol=1e-6)
