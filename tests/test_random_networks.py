"""Random networks of the estimator on random panels: each works or is refused by name, and what works is one model.

A model that fits answers alike in every way that it can be asked: one window or many, after pickle, out of a file, and
trained on one thread or two.
"""

import pickle

import numpy as np
import pandas as pd
import pytest

from forecast import RNNForecaster, load, make_windows

CHOICES = {  # most often the default, so that refusals do not crowd out what works
    "cell": ("lstm", "gru", "rnn", "lstm_peephole", "slstm", "mingru", "mlstm"),
    "hidden_size": (1, 4, 7, 16),
    "num_layers": (1, 1, 2),
    "dropout": (0.0, 0.0, 0.3),
    "loss": ("squared_error", "absolute_error", "huber", "pseudo_huber"),
    "segment": (1, 1, 3, 4, 5),
    "bidirectional": (False, False, True),
    "skip": (None, None, "linear", "linear-all"),
    "decoder": ("dense", "dense", "segments", "steps", "recurrent"),
    "attention": (None, None, None, None, "dot", "additive"),
    "future_size": (0, 0, 3),
    "series_size": (0, 0, 2),
    "cycle": (None, None, None, None, 5, (7, "shared")),
    "weight_average": (None, None, 0.9),
    "input_noise": (0.0, 0.0, 0.1),
    "input_clip": (None, None, 2.0),
    "warmup_steps": (0, 0, 2),
    "max_steps": (None, None, 8),
    "batch_size": (16, 50, 64),
    "dtype": ("float32", "float64"),
    "optimizer": ("adam", "adamw", "sgd"),
}
NORMS = (None, "last", "mean", "standard", ("mean", 0.5), ("standard", 0.5), ("season", 5))


def one_of(rng, choices):
    return choices[rng.integers(len(choices))]


def draw_arguments(rng):
    drawn = {name: one_of(rng, choices) for name, choices in CHOICES.items()}
    if drawn["loss"] == "squared_error" and rng.random() < 0.5:
        drawn |= {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    beside = {
        "decoder_tied": (drawn["decoder"] == "segments", True),
        "teacher_forcing": (drawn["decoder"] == "recurrent", (1.0, 0.0)),
        "skip_start": (drawn["skip"] is not None, "zero"),
        "activation": (drawn["cell"] == "rnn", "relu"),
        "segment_activation": (drawn["segment"] > 1, "identity"),
        "series_left_out": (drawn["series_size"] > 0, 0.3),
        "residual": (drawn["num_layers"] == 2, True),
        "layer_norm": (drawn["num_layers"] == 2, True),
        "dilation": (drawn["num_layers"] == 2, (2, 1)),
        "recurrent_dropout": (drawn["dropout"] > 0, 0.2),
        "zoneout": (drawn["dropout"] > 0, 0.1),
    }
    drawn |= {name: value for name, (fits, value) in beside.items() if fits and rng.random() < 0.5}
    return drawn | {"max_iter": 2, "learning_rate": 1e-3, "random_state": 0}


def draw_windows(rng):
    n_series, rows = one_of(rng, (1, 3)), one_of(rng, (60, 90))
    parts = []
    for number in range(n_series):
        t, noise = np.arange(rows), rng.normal(size=(rows, 3))
        columns = {"y": np.sin(2 * np.pi * t / 24 + number) + 0.1 * noise[:, 0] + number, "p": noise[:, 1]}
        columns |= {"f": noise[:, 2], "s": float(number), "series": f"s{number}"}
        parts.append(pd.DataFrame(columns | {"time": pd.date_range("2024-01-01", periods=rows, freq="h")}))
    df = pd.concat(parts, ignore_index=True)
    roles = {"target": "y", "lookback": one_of(rng, (6, 12, 13)), "horizon": one_of(rng, (1, 3, 4, 8))}
    roles["window_norm"] = one_of(rng, NORMS)
    if n_series > 1 or rng.random() < 0.5:
        roles |= {"series": "series", "time": "time"}
        roles |= {"static_covariates": ["s"]} if rng.random() < 0.5 else {}
    else:
        df = df.drop(columns="series").set_index("time")
    roles |= {"past_covariates": ["p"]} if rng.random() < 0.5 else {}
    roles |= {"future_covariates": ["f"]} if rng.random() < 0.5 else {}
    return make_windows(df, **roles)


def assert_one_model(arguments, windows, path):
    model = RNNForecaster(**arguments, n_jobs=1).fit(windows, windows.y)
    forecast = model.predict(windows)
    assert np.isfinite(forecast).all()
    for row in (0, len(windows) // 2, len(windows) - 1):
        assert np.array_equal(model.predict(windows[row : row + 1]), forecast[row : row + 1]), "one window"
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(windows), forecast), "pickle"
    model.save(path)
    assert np.array_equal(load(path).predict(windows), forecast), "file"
    two = RNNForecaster(**arguments, n_jobs=2).fit(windows, windows.y)
    assert np.array_equal(two.predict(windows), forecast), "two threads"


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 150), pytest.param(2, 4000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_a_network_works_as_one_model_or_is_refused_by_an_arguments_name(seed, count, tmp_path):
    rng, fitted = np.random.default_rng(seed), 0
    for _ in range(count):
        arguments, windows = draw_arguments(rng), draw_windows(rng)
        refusal = None
        try:
            RNNForecaster(**arguments).fit(windows[:1], windows[:1].y)
        except ValueError as error:
            refusal = str(error)
        if refusal is not None:
            assert any(name in refusal for name in arguments), f"{refusal} names no argument of {arguments}"
            continue
        try:
            assert_one_model(arguments, windows, tmp_path / "model.forecast")
        except AssertionError as error:
            raise AssertionError(f"{error}: {arguments}, {windows}") from error
        fitted += 1
    assert fitted >= count / 4
