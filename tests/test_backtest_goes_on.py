"""Later origins of a backtest that chooses once: members go on from the first fit, and know the rows since then."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast._preparation import Rows, continuing
from forecast._preparation.spread import LEVELS, _quantiles
from forecast._recipe import choice, networks
from forecast._recipe.validation import Part
from forecast._series.backtesting import read_rows, state_trained_on
from forecast._series.forecasting import from_origins
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def days(n=500, seed=0):
    rng = np.random.default_rng(seed)
    hours = np.arange(n)
    values = 20 + 4 * np.sin(2 * np.pi * hours / 24) + rng.normal(scale=0.5, size=n)
    return pd.DataFrame({"load": values}, pd.date_range("2024-01-01", periods=n, freq="h"))


def recipe(**more):
    """With little to search."""
    given = {"lookback": 24, "window_norm": "last", "transform": "standard", "season": 24, "calendar": None}
    return SeriesForecaster(**{"target": "load", "horizon": 6, "random_state": 0, "n_jobs": 1} | given | more)


@pytest.fixture
def shares(monkeypatch):
    """The share of the steps that each network that goes on was given."""
    found, real = [], continuing._on_from_weights

    def counted(regressor, windows, weight, share, changes):
        if changes is None:  # else it is the end of a fit
            found.append(share)
        return real(regressor, windows, weight, share, changes)

    monkeypatch.setattr(continuing, "_on_from_weights", counted)
    return found


def of_recipe(report):
    return report.frame.query("model == 'recipe'").reset_index(drop=True)


@pytest.fixture
def mean_of_two(monkeypatch):
    """Networks of few steps, and the mean of one and the linear model, whatever validation says."""
    real = choice.mix

    def mixed(*args, **options):
        found = real(*args, **options)
        return replace(found, weights={"GRU": 0.5, "linear": 0.5}, of_blocks={})

    monkeypatch.setattr(choice, "mix", mixed)
    monkeypatch.setattr(networks, "_BUDGET", 0.01)


def test_networks_go_on_with_a_fifth_of_the_steps_and_see_nothing_later(shares, mean_of_two):
    df = days()
    report = backtest(recipe(), df, RollingOrigin(3, horizon=6))
    first = recipe().fit(df[: 500 - 18])
    assert shares == [0.2] * 2
    one = of_recipe(report)
    np.testing.assert_array_equal(one["forecast"][:6], first.predict()["load"])
    scrambled = df.copy()
    scrambled.iloc[-6:] = 1e3
    other = of_recipe(backtest(recipe(), scrambled, RollingOrigin(3, horizon=6)))
    np.testing.assert_array_equal(one["forecast"], other["forecast"])


def test_where_most_rows_are_new_most_steps_are_taken(shares):
    df = days()
    model = SeriesForecaster(
        members={"network": {"regressor": RNNForecaster(hidden_size=4, max_iter=2), "lookback": 12}},
        horizon=6, target="load", validation_fraction=None,
    ).fit(df[:100])  # fmt: skip
    state_trained_on(model, df, read_rows(model, df), np.arange(400))
    assert shares == [0.75]


def shops(gaps):
    frame = pd.concat([days(200, seed=1).assign(shop="b"), days(180, seed=2).assign(shop="a")])
    frame = frame.sort_index(kind="stable")
    return frame.drop(frame.index[[150, 151]]) if gaps else frame


@pytest.mark.parametrize("gaps", [False, True])
def test_what_is_fitted_anew_is_what_a_fit_on_these_rows_gives(gaps):
    frame = shops(gaps)
    given = dict(target="load", series="shop", horizon=3, lookback=4, validation_fraction=None)
    given["gaps"] = "interpolate" if gaps else "error"
    early, late = (np.flatnonzero(frame.index < pd.Timestamp(day)) for day in ("2024-01-05", "2024-01-07"))
    model = SeriesForecaster(Ridge(), **given).fit(frame.iloc[early])
    rows = read_rows(model, frame)
    origins = np.array([int(rows.starts[number]) + 143 for number in range(2)])
    weight = np.linspace(0.5, 1.5, len(frame))
    for sample_weight in (None, weight):
        state = state_trained_on(model, frame, rows, late, sample_weight)
        whole = SeriesForecaster(Ridge(), **given).fit(
            frame.iloc[late], sample_weight=None if sample_weight is None else weight[late]
        )
        mine, other = (from_origins(one, rows, origins, 3) for one in (state, whole._state))
        np.testing.assert_allclose(mine, other, rtol=1e-5)
        assert np.abs(mine - from_origins(model._state, rows, origins, 3)).max() > 1e-3


def test_intervals_need_one_report_alone(monkeypatch):
    fitted = []
    real = SeriesForecaster.fit

    def counted(self, *args, **options):
        fitted.append(self.validation_fraction)
        return real(self, *args, **options)

    monkeypatch.setattr(SeriesForecaster, "fit", counted)
    model = SeriesForecaster(Ridge(), target="load", lookback=24, horizon=6)
    report = backtest(model, days(), RollingOrigin(3, horizon=6), coverage=0.8)
    assert fitted == [0.1, None, None]
    assert report.frame.query("model == 'Ridge'")["lower_0.8"].notna().all()


def test_quantiles_of_columns_are_those_of_numpy():
    errors = np.random.default_rng(0).normal(size=(40, 9))
    errors[3:20, 2], errors[1:, 4] = np.nan, np.nan
    wanted = [np.nanquantile(errors, level, axis=0, method="weibull") for level in LEVELS]
    np.testing.assert_allclose(_quantiles(errors, LEVELS), np.stack(wanted, axis=-1), rtol=1e-12)


@pytest.mark.slow
def test_weights_at_some_steps_leave_forecasts_at_all(monkeypatch):
    df = days()
    monkeypatch.setattr(networks, "_BUDGET", 0.01)
    whole = recipe(loss="quantile", horizon=48).fit(df)
    monkeypatch.setattr(choice, "_VALUES", 1)
    thinned = recipe(loss="quantile", horizon=48).fit(df)
    losses = [model.report_.candidates.loc["recipe", "loss"] for model in (whole, thinned)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.2)
    assert thinned.predict_interval(coverage=0.8).notna().all().all()


def test_few_values_are_weighed_at_every_step():
    index = pd.date_range("2024-01-01", periods=900, freq="h")
    empty = np.empty((900, 0))
    rows = Rows([None], np.array([0, 900]), index, np.zeros((900, 1)), empty, empty, np.empty((1, 0)))
    part = Part(rows, np.array([500]))
    assert len(choice._weighed_steps(SimpleNamespace(horizon=48), [part])) == 48
