"""Attention over the encoder's states: its weights, what it is for, and its picture. Gradients: test_layers.py."""

import matplotlib as mpl
import numpy as np
import pytest
from cases import draw_family
from matplotlib import pyplot

from forecast import RNNForecaster, SeriesForecaster, Windows, load
from forecast.datasets import make_ar1
from forecast.diagnostics import gate_activity, gradient_flow
from forecast.plotting import AttentionDisplay

mpl.use("Agg")
KINDS = ("dot", "additive")
DECODERS = {"dense": 1, "segments": 1, "steps": 1, "recurrent": 5}


def table(n=60, steps=8, horizon=5, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, steps))
    return X, np.cumsum(X, axis=1)[:, :horizon]


def model(**changes):
    return RNNForecaster(**dict(hidden_size=6, max_iter=2, random_state=0, early_stopping=False) | changes)


@pytest.mark.parametrize("family", ["attention", "attention of segments", "recurrent with additive attention"])
def test_weights_are_the_oracles(family):
    case = draw_family(family, np.random.default_rng(0), steps=9, batch=35)
    found = case.core().activity(case.theta, case.source(), case.index)
    found = next(layer["weight"] for layer in found if "weight" in layer)
    _, saved, _ = case.network.run(case.theta, case.batch())
    np.testing.assert_allclose(found, saved["attention"][0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_looks_back(decoder, kind):
    X, y = table()
    fitted = model(decoder=decoder, attention=kind).fit(X, y)
    weights = fitted.attention_weights(X)
    assert weights.shape == (60, DECODERS[decoder], 8)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(axis=2), 1.0, atol=1e-5)
    assert fitted.card_["model"]["attention"] == kind
    assert fitted.attention_weights(X[7:9]).tobytes() == weights[7:9].tobytes()


def test_weights_over_any_horizon_and_out_of_a_file(tmp_path):
    X, y = table()
    fitted = model(decoder="recurrent", attention="additive", segment=2, num_layers=2).fit(X, y)
    longer = fitted.attention_weights(X, horizon=9)
    assert longer.shape == (60, 9, 4)
    assert longer[:, :5].tobytes() == fitted.attention_weights(X).tobytes()
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.attention_weights(X).tobytes() == fitted.attention_weights(X).tobytes()


def test_other_networks_have_none():
    X, y = table()
    with pytest.raises(AttributeError, match=r"attention_weights is for a model with attention='dot' or 'additive'"):
        model().fit(X, y).attention_weights(X)
    with pytest.raises(ValueError, match=r"attention='dot' with bidirectional=True"):
        model(attention="dot", bidirectional=True).fit(X, y)


def test_other_looks_inside_still_work():
    X, y = table()
    fitted = model(decoder="recurrent", attention="dot").fit(X, y)
    assert gradient_flow(fitted, X, y).norms.shape == (1, 8)
    assert gate_activity(fitted, X[:3]).states["h"].shape == (3, 1, 8, 6)


def reversal(count, steps, seed, symbols=6):
    drawn = np.random.default_rng(seed).integers(symbols, size=(count, steps))
    rows = np.eye(symbols)[np.concatenate([drawn, drawn[:, ::-1]], axis=1)].reshape(-1, symbols)
    origins = np.arange(count) * 2 * steps + steps - 1
    return Windows(rows, origins, lookback=steps, horizon=steps, n_targets=symbols), drawn[:, ::-1]


def right(steps, epochs, count, **changes):
    train, _ = reversal(count, steps, seed=0)
    test, expected = reversal(200, steps, seed=1)
    fitted = model(
        decoder="recurrent", hidden_size=48, learning_rate=5e-3, max_iter=epochs, n_jobs=1, **changes
    ).fit(train)  # fmt: skip
    found = fitted.predict(test).reshape(*expected.shape, -1).argmax(axis=2)
    return (found == expected).mean(), fitted, test


@pytest.mark.slow
def test_twenty_symbols_are_reversed_with_attention_and_not_without():
    without, _, _ = right(20, 20, 5000)
    shared, fitted, test = right(20, 20, 5000, attention="dot")
    assert shared > 0.99
    assert without < 0.9
    looked_at = fitted.attention_weights(test).mean(axis=0).argmax(axis=1)
    assert np.abs(looked_at - np.arange(20)[::-1]).max() <= 1, "step s looks at the symbol that it repeats"


# -------------------- the picture


@pytest.fixture(scope="module")
def fitted():
    X, y = table()
    return model(decoder="recurrent", attention="dot").fit(X, y), X


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


def test_the_picture_shows_the_weights_of_a_window(fitted):
    network, X = fitted
    display = AttentionDisplay.from_estimator(network, X, window=3, title="Weights")
    np.testing.assert_allclose(display.mesh_.get_array(), network.attention_weights(X)[3], rtol=1e-6)
    assert display.ax_.get_title(loc="left") == "Weights"
    mean = AttentionDisplay.from_estimator(network, X, window="mean", legend=False)
    np.testing.assert_allclose(mean.weights, network.attention_weights(X).mean(axis=0), rtol=1e-5)
    assert len(mean.figure_.axes) == 1
    left, right = display.ax_.get_xlim()
    assert (left, right) == (-7.5, 0.5)


def test_the_picture_of_a_forecaster(fitted):
    df = make_ar1(120, random_state=0)
    series = SeriesForecaster(model(attention="additive"), lookback=12, horizon=3).fit(df)
    assert AttentionDisplay.from_estimator(series, df).mesh_.get_array().shape == (1, 12)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (dict(window=60), ValueError, "window is 60; X has 60 windows, expected -60 to 59"),
        (dict(window=1.0), TypeError, "expected a position among the windows, or 'mean'"),
    ],
)
def test_a_window_that_is_not_there_is_refused(fitted, changes, error, message):
    with pytest.raises(error, match=message):
        AttentionDisplay.from_estimator(*fitted, **changes)


def test_weights_of_several_windows_are_refused(fitted):
    network, X = fitted
    with pytest.raises(ValueError, match=r"expected \(decoder_steps, encoder_steps\), got shape \(60, 5, 8\)"):
        AttentionDisplay.from_weights(network.attention_weights(X))
    with pytest.raises(AttributeError, match="attention_weights is for"):
        AttentionDisplay.from_estimator(model().fit(*table()), X)
