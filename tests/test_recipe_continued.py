"""The networks of a recipe learn from the validation rows last, and `recipe_` says so."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, SeriesForecaster, load
from forecast._preparation import Settings, anew
from forecast._preparation.continuing import useful_steps
from forecast._recipe import choice, networks

SETTINGS = {"lookback": 24, "window_norm": "last", "transform": "standard", "season": 24, "calendar": None}


def recipe(**more):
    """With little to search."""
    return SeriesForecaster(**{"target": "load", "horizon": 6, "random_state": 0, "n_jobs": 1} | SETTINGS | more)


def hourly(n=500, seed=0):
    rng = np.random.default_rng(seed)
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(n) / 24) + 0.5 * rng.normal(size=n)
    return pd.DataFrame({"load": values}, pd.date_range("2024-01-01", periods=n, freq="h", name="hour"))


def shops(*lengths):
    """Series that end at the same hour."""
    found = [hourly(600, seed)[600 - n :].assign(shop=f"shop {seed}") for seed, n in enumerate(lengths)]
    return pd.concat(found).sort_index(kind="stable")


@pytest.fixture(autouse=True)
def mean_of_two(monkeypatch):
    """Networks of few steps, and the mean of one and the linear model, whatever validation says."""
    real = choice.mix

    def mixed(*args, **options):
        found = real(*args, **options)
        return replace(found, weights={"GRU": 0.5, "linear": 0.5}, of_blocks={number: {} for number in found.of_blocks})

    monkeypatch.setattr(choice, "mix", mixed)
    monkeypatch.setattr(networks, "_BUDGET", 0.01)


@pytest.mark.parametrize(
    ("frame", "more"),
    [
        (hourly(), {}),
        (hourly(), {"validation_fraction": 0.2}),
        (hourly(), {"validation_fraction": None}),
        (hourly(), {"loss": "quantile"}),
        (shops(500, 600), {"series": "shop"}),
    ],
)
def test_the_recipe_says_that_its_network_continues_and_can_be_trained_again_to_the_bit(frame, more, tmp_path):
    model = recipe(**more).fit(frame)
    members = model.recipe_["members"]
    assert {name: one.get("continued") for name, one in members.items()} == {"GRU": 0.35, "linear": None}
    assert members["GRU"]["regressor"].early_stopping
    model.save(tmp_path / "recipe.forecast")
    for parameters in (model.recipe_, load(tmp_path / "recipe.forecast").recipe_):
        again = SeriesForecaster(**parameters).fit(frame)
        pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


def test_series_that_were_too_short_to_be_judged_are_learnt_in_the_last_training():
    frame = shops(500, 600, 30)  # of which 30 rows nothing is left before the validation rows
    model = recipe(series="shop").fit(frame)
    assert model.recipe_["members"]["GRU"]["continued"] == 0.35
    assert model.members_["GRU"].n_windows_ > recipe(series="shop").fit(shops(500, 600)).members_["GRU"].n_windows_
    assert "shop 2" in model.predict().reset_index()["shop"].to_numpy()
    again = SeriesForecaster(**model.recipe_).fit(frame)
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


def test_given_validation_rows_are_not_learnt_from():
    frame = hourly()
    model = recipe().fit(frame[:400], X_val=frame[400:])
    assert "continued" not in model.recipe_["members"]["GRU"]


@pytest.mark.parametrize(("curve", "taken", "steps"), [([3, 1, 2, 2], 60, 30), ([3, 2, 1, 2], 60, 100), ([], 60, 100)])
def test_useful_steps_end_at_the_least_loss_of_validation(curve, taken, steps):
    assert useful_steps(SimpleNamespace(validation_loss_curve_=curve, n_steps_=taken, max_steps=100)) == steps


def test_training_anew_has_all_steps_and_no_validation():
    network = RNNForecaster(max_steps=100, warmup_steps=40, early_stopping=True)
    found = anew(Settings(network, 24, continued=0.5))
    assert found.continued is None
    parameters = found.regressor.max_steps, found.regressor.warmup_steps, found.regressor.early_stopping
    assert parameters == (100, 24, False)
