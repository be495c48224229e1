"""Forecasts with the random masks of training: `sample_y`."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tolerances
from cases import draw_network, largest_difference
from sklearn.linear_model import Ridge
from small_networks import small

from forecast import SeriesForecaster

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(80, 8)), RNG.normal(size=(80, 2))
MASKS = dict(recurrent_dropout=0.3, zoneout=0.2)


def sampled(outputs=Y, **arguments):
    return small(**{"max_iter": 2, "dropout": 0.3} | arguments).fit(X, outputs)


@pytest.mark.parametrize("rate", ["dropout", "recurrent_dropout", "zoneout"])
def test_samples_are_forecasts_with_the_masks_of_training(rate):
    model = sampled(**{"dropout": 0.0, rate: 0.3, "dtype": "float64"})
    samples = model.sample_y(X[:5], n_samples=400, random_state=0)
    assert samples.shape == (5, 2, 400)
    assert (samples.std(axis=2) > 0).all()
    error = 5 * samples.std(axis=2) / np.sqrt(400) + 0.02
    assert (np.abs(samples.mean(axis=2) - model.predict(X[:5])) < error).all(), "near the forecast of the mean"


def test_samples_are_those_of_the_oracle():
    case = draw_network(np.random.default_rng(9), steps=8, batch=9, dropout=0.3, **MASKS)
    model = sampled(dtype="float64")
    network = case.core()
    rng = np.random.default_rng(3)
    seed = int(rng.integers(2**63))
    outputs = network.sample(network.pack(case.theta), case.source(), np.tile(case.index, 4), seed)
    big = replace(case, index=np.tile(case.index, 4))
    expected = case.network.forward(case.theta, big.batch(), masks=case.network.masks(seed, 36))
    assert largest_difference(outputs, expected) <= tolerances.ORACLE_OUTPUTS["float64"]
    assert model.sample_y(X, 2, 0).shape == (80, 2, 2)


def test_samples_are_reproducible_and_the_first_ones_do_not_depend_on_their_number(monkeypatch):
    from forecast._network import weights

    model = sampled(dropout=0.3, recurrent_dropout=0.2, zoneout=0.1)
    one = model.sample_y(X[:7], n_samples=30, random_state=1)
    assert one.tobytes() == model.sample_y(X[:7], n_samples=30, random_state=1).tobytes()
    assert one.tobytes() == model.set_params(n_jobs=3).sample_y(X[:7], n_samples=30, random_state=1).tobytes()
    assert np.array_equal(one[..., :4], model.sample_y(X[:7], n_samples=4, random_state=1))
    assert not np.array_equal(one, model.sample_y(X[:7], n_samples=30, random_state=2))
    assert not np.array_equal(model.sample_y(X[:7], 3), model.sample_y(X[:7], 3)), "None draws fresh ones"
    state = np.random.RandomState(0)
    assert not np.array_equal(model.sample_y(X, 2, state), model.sample_y(X, 2, state)), "a state goes on"
    monkeypatch.setattr(weights, "_SAMPLED_TOGETHER", 20)
    some = model.sample_y(X[:7], n_samples=30, random_state=1)
    assert np.array_equal(some[..., :1], model.sample_y(X[:7], n_samples=1, random_state=1)), "also over several calls"


def test_samples_have_the_shape_of_a_forecast():
    assert sampled(Y[:, 0]).sample_y(X[:3], 5, 0).shape == (3, 5)
    assert sampled(Y[:, :1]).sample_y(X[:3], 5, 0).shape == (3, 1, 5)
    median = sampled(loss="quantile", quantile=[0.1, 0.5, 0.9])
    assert median.sample_y(X[:3], 5, 0).shape == (3, 2, 5)


def test_a_network_without_random_masks_has_no_samples():
    with pytest.raises(ValueError, match="dropout, recurrent_dropout and zoneout are 0: fit with"):
        sampled(dropout=0.0).sample_y(X)
    with pytest.raises(ValueError, match="n_samples=0: expected a whole number, 1 or more"):
        sampled().sample_y(X, 0)


# -------------------- of frames

DAYS = pd.DataFrame(
    {"a": np.random.default_rng(1).normal(size=120).cumsum() + 50.0},
    pd.date_range("2026-01-05", periods=120, name="day"),
)


def frames(regressor=None, data=DAYS, **parameters):
    regressor = small(dropout=0.3, max_iter=2) if regressor is None else regressor
    return SeriesForecaster(regressor, **dict(lookback=6, horizon=3) | parameters).fit(data)


@pytest.mark.parametrize("parameters", [{}, dict(transform="difference"), dict(window_norm="last", lower=0)], ids=str)
def test_a_frame_of_samples_continues_the_index_with_a_column_each(parameters):
    model = frames(**parameters)
    samples = model.sample_y(n_samples=40, random_state=0)
    assert list(samples.columns) == [f"a_{i}" for i in range(40)]
    assert samples.index.equals(model.predict().index)
    assert (samples.std(axis=1) > 0).all()
    assert samples.equals(model.sample_y(n_samples=40, random_state=0))
    assert samples.iloc[:, :5].equals(model.sample_y(n_samples=5, random_state=0))
    assert np.abs(samples.mean(axis=1) - model.predict()["a"]).max() < 5 * samples.std(axis=1).max()


def test_samples_of_a_panel_have_the_rows_of_its_forecast():
    panel = pd.concat([(DAYS * k).assign(shop=k) for k in (1, 2)]).reset_index()
    model = frames(data=panel, time="day", series="shop", target="a", transform="standard")
    samples, forecast = model.sample_y(n_samples=3, random_state=0), model.predict()
    assert samples.drop(columns=[f"a_{i}" for i in range(3)]).equals(forecast.drop(columns="a"))


def test_members_without_masks_are_the_same_in_every_sample():
    network = small(dropout=0.3, max_iter=2)
    both = SeriesForecaster(
        lookback=6, horizon=3, members={"network": dict(regressor=network), "line": dict(regressor=Ridge())}
    )
    both.fit(DAYS)
    alone, line = frames(network), frames(Ridge()).predict()["a"].to_numpy()
    drawn = both.sample_y(n_samples=9, random_state=0).to_numpy()
    expected = (alone.sample_y(n_samples=9, random_state=0).to_numpy() + line[:, None]) / 2
    assert np.allclose(drawn, expected)


def test_frames_without_masks_or_with_too_many_steps_are_refused():
    with pytest.raises(ValueError, match=r"RNNForecaster with dropout, recurrent_dropout or zoneout"):
        frames(Ridge()).sample_y()
    with pytest.raises(ValueError, match=r"samples of 5 steps were asked for, but horizon is 3.* Fix: horizon=5"):
        frames().sample_y(n=5)
    with pytest.raises(ValueError, match=r"n_samples=1\.5: expected a whole number"):
        frames().sample_y(n_samples=1.5)
