"""Covariates held within what training has shown of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, load

N, HORIZON = 800, 4


def rows():
    """A target that follows a covariate between -1 and 1, which is 50 in three of the training rows."""
    rng = np.random.default_rng(0)
    known = rng.uniform(-1, 1, N)
    frame = pd.DataFrame(
        {"y": 3 * known + rng.normal(0, 0.1, N), "known": known, "past": rng.uniform(-1, 1, N)},
        index=pd.date_range("2026-01-01", periods=N, freq="h", name="time"),
    )
    frame.iloc[[100, 200, 300], 1] = 50.0
    return frame


def fitted(**settings):
    given = dict(target="y", future_covariates="known", past_covariates="past", lookback=8, horizon=HORIZON)
    return SeriesForecaster(Ridge(), **(given | {"clip_covariates": True} | settings)).fit(rows()[:-HORIZON])


def forecast(model, known=None, past=None):
    history, future = rows()[:-HORIZON], rows()[-HORIZON:].drop(columns=["y", "past"])
    if known is not None:
        future["known"] = known
    if past is not None:
        history.iloc[-1, 2] = past
    return model.predict(future, history=history).to_numpy()


def most(name):
    """The fourth greatest: 0.5 % of 796 values are three."""
    return np.sort(rows()[name].to_numpy()[:-HORIZON])[-4]


@pytest.mark.parametrize("value", [2.0, 50.0, 1e9])
def test_a_value_beyond_training_is_its_limit(value):
    model = fitted()
    np.testing.assert_array_equal(forecast(model, known=value), forecast(model, known=most("known")))
    np.testing.assert_array_equal(forecast(model, past=value), forecast(model, past=most("past")))
    assert np.abs(forecast(model, known=value)).max() < 5


def test_values_within_are_as_they_were():
    model = fitted()
    assert np.abs(forecast(model, known=0.5) - forecast(model, known=0.4)).min() > 0


def test_without_it_a_value_beyond_training_is_taken_as_it_is():
    model = fitted(clip_covariates=False)
    assert np.abs(forecast(model, known=1e9)).max() > 1e6


def test_limits_are_in_the_file(tmp_path):
    model = fitted()
    model.save(tmp_path / "model.forecast")
    again = load(tmp_path / "model.forecast")
    np.testing.assert_array_equal(forecast(again, known=7.0), forecast(model, known=7.0))


def test_static_covariates_of_an_unseen_series_are_held_too():
    shops = pd.concat(rows()[["y"]][:100].assign(shop=f"shop {k}", size=float(k)) for k in range(4))
    model = SeriesForecaster(
        Ridge(), target="y", series="shop", static_covariates="size", lookback=8, horizon=HORIZON, clip_covariates=True
    ).fit(shops)
    new = rows()[["y"]][:60].assign(shop="new", size=3.0)
    far = new.assign(size=1e9)
    np.testing.assert_array_equal(model.predict(history=far)["y"], model.predict(history=new)["y"])


def test_each_member_has_its_own():
    member = dict(regressor=Ridge(), lookback=8)
    model = fitted().set_params(regressor=None, clip_covariates=False, lookback="auto")
    model.set_params(members={"held": member | {"clip_covariates": True}, "free": member}).fit(rows()[:-HORIZON])
    held, free = (forecast(one, known=1e9) for one in model.members_.values())
    assert np.abs(held).max() < 5 < 1e6 < np.abs(free).max()
