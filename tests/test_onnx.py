"""`to_onnx`: onnxruntime gives what `predict` gives, for what ONNX can say; the rest is refused."""

import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from exported import answers, as_given, difference, session_of
from small_networks import small, table
from test_random_networks import draw_arguments, draw_windows, one_of
from tolerances import ONNX

from forecast import RNNClassifier, RNNForecaster, SeriesForecaster, make_windows
from forecast._network import ACTIVATED_CELLS, ESTIMATOR_CELLS, Architecture, Network, Scaling
from forecast._onnx import onnx_model
from forecast._onnx.cells import STEPS
from forecast._onnx.operators import OPERATORS
from forecast._registries import CELLS

HOURS = pd.date_range("2024-01-01", periods=90, freq="h")


def series(name="s{}", **roles):
    """Windows of three series with every role: past, known future and static values."""
    rng = np.random.default_rng(0)
    parts = []
    for number in range(3):
        values = rng.normal(size=(90, 4))
        day = np.sin(2 * np.pi * np.arange(90) / 24 + number)
        part = pd.DataFrame(values, columns=["y", "z", "past", "known"])
        part["y"], part["z"] = number + day + 0.1 * part["y"], 50 + 9 * part["z"]
        part = part.astype(np.float32).astype(np.float64)  # numbers that a graph is given as they are
        parts.append(part.assign(time=HOURS, name=name.format(number), size=float(number)))
    roles = {"target": ["y", "z"], "series": "name", "time": "time", "lookback": 12, "horizon": 4} | roles
    return make_windows(pd.concat(parts, ignore_index=True), **roles)


ALL_ROLES = {"past_covariates": ["past"], "future_covariates": ["known"], "static_covariates": ["size"]}
PARTS = {  # what is set -> windows of which roles; each on its own and with every role
    "dense": {},
    "two layers": {"num_layers": 2, "dropout": 0.2},
    "bidirectional": {"num_layers": 2, "bidirectional": True},
    "segment": {"segment": 5},
    "identity segment": {"segment": 4, "segment_activation": "identity"},
    "residual, norm": {"num_layers": 3, "residual": True, "layer_norm": True},
    "residual, both ways": {"num_layers": 2, "residual": True, "bidirectional": True},
    "dilation": {"num_layers": 2, "dilation": (5, 1), "bidirectional": True},
    "zoneout": {"zoneout": 0.3, "recurrent_dropout": 0.2, "dilation": (1, 2), "num_layers": 2},
    "skip": {"skip": "linear"},
    "skip of all": {"skip": "linear-all", "segment": 5},
    "future": {"future_size": 3},
    "series": {"series_size": 2},
    "cycle": {"cycle": 5},
    "shared cycle": {"cycle": (7, "shared"), "segment": 5},
    "clip": {"input_clip": 0.5},
    "dot attention": {"attention": "dot"},
    "additive attention": {"attention": "additive", "bidirectional": True},
    "decoder of segments": {"decoder": "segments", "segment": 2, "cycle": 5},
    "tied decoder": {"decoder": "segments", "segment": 4, "decoder_tied": True, "num_layers": 2, "hidden_size": 20},
    "segments, both ways": {"decoder": "segments", "segment": 4, "bidirectional": True, "series_size": 2},
    "decoder of steps": {"decoder": "steps", "decoder_size": 6, "future_size": 2, "attention": "additive"},
    "recurrent decoder": {"decoder": "recurrent", "num_layers": 2, "series_size": 2, "dropout": 0.2},
    "recurrent decoder, attention": {"decoder": "recurrent", "attention": "dot", "skip": "linear"},
    "recurrent decoder, both ways": {"decoder": "recurrent", "attention": "additive", "bidirectional": True},
    "recurrent decoder, dilation": {"decoder": "recurrent", "num_layers": 2, "dilation": (5, 1)},
    "two layers of matrix memory": {"cell": "mlstm", "num_layers": 2, "dtype": "float64"},
    "float64": {"dtype": "float64"},
    "three quantiles": {"loss": "quantile", "quantile": [0.1, 0.5, 0.9], "decoder": "recurrent"},
}


MLSTM = {"dtype": "float64"}  # in float32 its ratio amplifies the rounding of predict itself to 6e-5


def fitted(windows, **arguments):
    return small(max_iter=2, **arguments).fit(windows, windows.y)


# -------------------- families


CELLS_AND_ACTIVATIONS = [(cell, "tanh") for cell in ESTIMATOR_CELLS] + [(cell, "relu") for cell in ACTIVATED_CELLS]


@pytest.mark.parametrize(("cell", "activation"), CELLS_AND_ACTIVATIONS)
def test_every_cell_forecasts_the_same_in_onnxruntime(cell, activation, tmp_path):
    windows = series(past_covariates=["past"])
    own = {"heads": 2} | MLSTM if cell == "mlstm" else {"elapsed": 2} if cell == "gru_decay" else {}
    model = fitted(windows, cell=cell, activation=activation, bidirectional=True, **own)
    assert difference(model, session_of(model, tmp_path / "a.onnx"), windows) <= ONNX


@pytest.mark.parametrize("cell", [word for word in ESTIMATOR_CELLS if word != "mlstm"])
@pytest.mark.parametrize("decoder", ["recurrent", "segments"])
def test_every_cell_goes_on_in_the_decoder(cell, decoder, tmp_path):
    windows = series(past_covariates=["past"])
    model = fitted(windows, cell=cell, decoder=decoder, elapsed=2 if cell == "gru_decay" else None)
    assert difference(model, session_of(model, tmp_path / "a.onnx"), windows) <= ONNX


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("roles", [{}, ALL_ROLES], ids=["targets alone", "all roles"])
def test_every_part_of_a_network_forecasts_the_same_in_onnxruntime(part, roles, tmp_path):
    if "future_size" in PARTS[part] and not roles:
        roles = {"future_covariates": ["known"]}
    windows = series(**roles)
    model = fitted(windows, **PARTS[part])
    session = session_of(model, tmp_path / "a.onnx")
    assert difference(model, session, windows) <= ONNX
    assert difference(model, session, windows[:1]) <= ONNX


@pytest.mark.parametrize("norm", ["last", "mean", ("standard", 0.5), ("season", 4)], ids=str)
def test_forecasts_of_normalised_windows_are_restored_as_those_of_predict(norm, tmp_path):
    windows = series(window_norm=norm)
    model = fitted(windows)
    given, session = as_given(model, windows), session_of(model, tmp_path / "a.onnx")
    found, expected = windows.restore(answers(session, given)["forecast"]), windows.restore(model.predict(windows))
    assert np.abs(found - expected).max() <= ONNX * np.abs(expected).max()


def test_codes_are_looked_up_and_unknown_ones_have_the_vector_of_predict(tmp_path):
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=(200, 6)), rng.integers(0, 5, size=(200, 6))], axis=2)
    model = small(max_iter=2, categories={"past": {1: 5}}).fit(X, X[:, -1, 0] + X[:, -1, 1])
    X[:5, :, 1] = 99
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X.astype(np.float32)})["forecast"]
    assert found == pytest.approx(model.predict(X), abs=ONNX)


def test_a_code_without_a_vector_is_refused_by_the_runtime(tmp_path):
    X = np.random.default_rng(0).integers(0, 5, size=(200, 6))
    model = RNNClassifier(hidden_size=4, vocabulary=5, max_iter=2, random_state=0).fit(X, X[:, -1] > 2)
    session = session_of(model, tmp_path / "a.onnx")
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, {"X": np.full((1, 6, 1), 5, np.float32)})
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, {"X": np.full((1, 6, 1), -1, np.float32)})


def test_an_unknown_series_is_row_minus_one(tmp_path):
    windows, others = series(), series("other {}")
    model = fitted(windows, series_size=2, cycle=5)
    session = session_of(model, tmp_path / "a.onnx")
    assert set(as_given(model, others)["series"]) == {-1}
    assert difference(model, session, others) <= ONNX
    assert np.abs(model.predict(others) - model.predict(windows)).max() > 100 * ONNX


@pytest.mark.parametrize("decoder", ["recurrent", "segments"])
def test_a_vector_to_sequence_network_forecasts_the_same(decoder, tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    y = X @ np.random.default_rng(1).normal(size=(5, 4))
    model = small(max_iter=3, encoder="dense", decoder=decoder, n_channels=5).fit(X, y)
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, None]})["forecast"]
    assert np.abs(found - model.predict(X)).max() <= ONNX * np.abs(y).max()


def test_states_that_decay_with_the_time_between_rows_are_the_same(tmp_path):
    rng = np.random.default_rng(0)
    X = np.stack([rng.normal(size=(200, 6)), rng.integers(1, 9, size=(200, 6))], axis=2)
    model = small(cell="gru_decay", bidirectional=True, decoder="recurrent").fit(X, X[:, ::-1, 0])
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X.astype(np.float32)})["forecast"]
    assert np.abs(found - model.predict(X)).max() <= ONNX * np.abs(X[:, :, 0]).max()


def test_a_head_at_every_step_gives_the_targets_of_every_step(tmp_path):
    X = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
    model = small(return_sequences=True, num_layers=2, residual=True).fit(X, X.cumsum(axis=1))
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, :, None]})["forecast"]
    assert found.shape == (120, 6)
    assert np.abs(found - model.predict(X)).max() <= ONNX * np.abs(model.predict(X)).max()


def passed_on(monkeypatch, forecaster, frame):
    """The windows that a fitted forecaster of series passes on to its network."""
    seen, predict = [], RNNForecaster.predict
    with monkeypatch.context() as patched:
        patched.setattr(RNNForecaster, "predict", lambda model, X: (seen.append(X), predict(model, X))[1])
        forecaster.fit(frame).predict()
    return seen[-1]


WITHOUT_A_PAST = {
    "known future": {"calendar": ["dayofweek"]},
    "static values": {"static_covariates": ["size"]},
    "both": {"calendar": ["dayofweek"], "static_covariates": ["size"]},
}


@pytest.mark.parametrize("decoder", ["recurrent", "segments"])
@pytest.mark.parametrize("inputs", WITHOUT_A_PAST)
def test_a_network_without_a_past_reads_known_future_and_static_values(inputs, decoder, tmp_path, monkeypatch):
    days, rng = pd.date_range("2024-01-01", periods=60, freq="D", name="day"), np.random.default_rng(0)
    parts = [
        pd.DataFrame({"day": days, "name": f"s{n}", "size": 1.0 * n, "y": n + rng.normal(size=60)}) for n in range(3)
    ]
    own = {"future_size": 2} if inputs == "known future" else {"series_size": 2}
    network = small(encoder="dense", decoder=decoder, segment=2 if decoder == "segments" else 1, **own)
    roles = {"target": "y", "series": "name", "time": "day", "lookback": 0, "horizon": 4} | WITHOUT_A_PAST[inputs]
    forecaster = SeriesForecaster(network, **roles)
    windows = passed_on(monkeypatch, forecaster, pd.concat(parts))
    model = forecaster.regressor_
    assert "X" not in as_given(model, windows)
    assert difference(model, session_of(model, tmp_path / "a.onnx"), windows) <= ONNX


@pytest.mark.parametrize("cell", ["gru_decay", "lstm"])
def test_rows_at_irregular_times_are_read_alike(cell, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(1, 180, size=200).cumsum(), unit="min")
    network = small(cell=cell, decoder="steps", decoder_size=8)
    forecaster = SeriesForecaster(network, target="y", lookback=8, horizon=4, freq="h", gaps="irregular")
    windows = passed_on(monkeypatch, forecaster, pd.DataFrame({"y": rng.normal(size=200)}, index=stamps))
    assert difference(forecaster.regressor_, session_of(forecaster.regressor_, tmp_path / "a.onnx"), windows) <= ONNX


# -------------------- losses


LOSSES = {
    "absolute_error": {},
    "normal": {},
    "student_t": {},
    "poisson": {},
    "negative_binomial": {},
    "gamma": {},
    "quantile": {"quantile": 0.3},
    "quantile with the median": {"quantile": [0.1, 0.5, 0.9]},
    "quantile around the median": {"quantile": [0.1, 0.4, 0.7]},
    "quantile above the median": {"quantile": [0.6, 0.9]},
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("flat", [True, False], ids=["one output", "three outputs"])
def test_every_loss_gives_the_forecast_of_predict(loss, flat, tmp_path):
    X = np.random.default_rng(0).gamma(2.0, size=(150, 6)).astype(np.float32)
    y = np.round(5 * X[:, -1] + 1) if flat else np.round(5 * X[:, -3:] + 1)
    model = small(loss=loss.split()[0], **LOSSES[loss]).fit(X, y)
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, :, None]})
    assert found["forecast"].shape == y.shape
    assert np.abs(found["forecast"] - model.predict(X)).max() <= ONNX * y.max()
    assert ("quantiles" in found) == isinstance(LOSSES[loss].get("quantile"), list)
    if "quantiles" in found:
        assert np.abs(found["quantiles"] - model.predict_quantiles(X)).max() <= ONNX * y.max()


def test_scaling_is_inside_and_a_constant_target_stays_what_it_was(tmp_path):
    X, y = table()
    X = (1000 + 5 * X).astype(np.float32)
    y = np.column_stack([7e6 + 1e4 * y, np.full(len(y), 3.25)])
    model = small().fit(X, y)
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, :, None]})["forecast"]
    assert np.array_equal(found[:, 1], y[:, 1])
    assert np.abs(found - model.predict(X)).max() <= ONNX * 7e6


# -------------------- labels


@pytest.mark.parametrize(
    "kind",
    [lambda up: np.where(up, "up", "down"), lambda up: np.where(up, "up", "down").astype(object), lambda up: up,
     lambda up: 2 + 3 * up, lambda up: 1.0 * up],
    ids=["text", "objects", "truths", "numbers", "floats"],
)  # fmt: skip
def test_a_classifier_gives_its_own_labels_and_probabilities(kind, tmp_path):
    X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    model = RNNClassifier(hidden_size=4, bidirectional=True, max_iter=3, random_state=0).fit(X, kind(X.sum(axis=1) > 0))
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, :, None]})
    assert (found["label"] == model.predict(X)).all()
    assert np.abs(found["probabilities"] - model.predict_proba(X)).max() <= ONNX


def test_a_classifier_of_every_step_and_of_codes(tmp_path):
    X = np.random.default_rng(0).integers(0, 7, size=(150, 5))
    model = RNNClassifier(hidden_size=4, vocabulary=7, return_sequences=True, max_iter=3, random_state=0).fit(X, X % 3)
    found = answers(session_of(model, tmp_path / "a.onnx"), {"X": X[:, :, None].astype(np.float32)})
    assert (found["label"] == model.predict(X)).all()
    assert np.abs(found["probabilities"] - model.predict_proba(X)).max() <= ONNX


# -------------------- many networks


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 8), pytest.param(2, 200, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_random_networks_forecast_the_same_in_onnxruntime(seed, count, tmp_path):
    rng, differences = np.random.default_rng(seed), []
    cells = [word for word in ESTIMATOR_CELLS if word != "gru_decay"]  # which needs a channel of times
    while len(differences) < count:
        arguments, windows = draw_arguments(rng) | {"cell": one_of(rng, cells)}, draw_windows(rng)
        arguments |= MLSTM if arguments["cell"] == "mlstm" else {}
        try:
            model = RNNForecaster(**arguments).fit(windows, windows.y)
        except ValueError:  # parts that do not fit together: test_random_networks.py
            continue
        differences.append(difference(model, session_of(model, tmp_path / "a.onnx"), windows))
        assert differences[-1] <= ONNX, f"{arguments}, {windows}"
    print(f"largest difference over {count} networks: {max(differences):.1e}")


# -------------------- files and refusals


def test_the_same_model_gives_the_same_bytes(tmp_path):
    X, y = table()
    model = small().fit(X, y)
    for name in "ab":
        model.to_onnx(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_names_the_series_and_the_levels(tmp_path):
    windows = series()
    fitted(windows, series_size=2, loss="quantile", quantile=[0.1, 0.5]).to_onnx(tmp_path / "a.onnx")
    notes = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert notes == {"series": '["s0", "s1", "s2"]', "levels": "[0.1, 0.5]"}


def test_the_regressor_of_a_series_forecaster_is_exported(tmp_path):
    index = pd.date_range("2024-01-01", periods=120, freq="D")
    df = pd.DataFrame({"y": np.sin(np.arange(120) / 3)}, index=index)
    model = SeriesForecaster(small(), target="y", lookback=14, horizon=3, window_norm="last").fit(df)
    session = session_of(model.regressor_, tmp_path / "a.onnx")
    last = df["y"].to_numpy()[-1]
    (found,) = session.run(None, {"X": (df["y"].to_numpy()[None, -14:, None] - last).astype(np.float32)})
    assert found[0] + last == pytest.approx(model.predict()["y"].to_numpy(), abs=ONNX)


def stateful():
    X, _ = table()
    return small(stateful=True).fit(X, X)


def ragged():
    X = [np.arange(n, dtype=float) for n in (4, 6, 5) * 10]
    return RNNClassifier(hidden_size=4, max_iter=1, random_state=0).fit(X, [0, 1, 1] * 10)


REFUSED = {
    "stateful=True": stateful,
    "sequences of unequal length": ragged,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_onnx_cannot_say_is_refused_by_name_and_nothing_is_written(what, tmp_path):
    model = REFUSED[what]()
    with pytest.raises(ValueError, match=f"to_onnx: .*{what}"):
        model.to_onnx(tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_reads_nothing_of_a_window_is_refused():
    nothing = dict(steps=0, inputs=0, hidden=4, layers=1, targets=3, encoder="dense", decoder="recurrent")
    architecture = Architecture("lstm", "float32", **nothing, series=2, series_size=2)
    scaling = Scaling(np.zeros(1), np.ones(1), np.zeros(3), np.ones(3))
    network = Network.initial(architecture, scaling, np.random.default_rng(0))
    with pytest.raises(ValueError, match="to_onnx: windows without a past, known future and static values"):
        onnx_model(network)


def test_without_the_package_the_error_has_the_fix(tmp_path, monkeypatch):
    X, y = table()
    model = small().fit(X, y)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'rnn-forecast\[onnx\]'"):
        model.to_onnx(tmp_path / "a.onnx")


def test_every_cell_has_a_step_and_every_operator_is_a_cells():
    assert set(STEPS) == set(CELLS)
    assert set(OPERATORS) <= set(CELLS)
