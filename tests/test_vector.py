"""Vector to sequence: the core against the oracle and against the equations written out, and the estimator."""

import pickle
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
import tolerances
from cases import (
    DTYPES,
    ISAS,
    VECTORS,
    Case,
    Network,
    draw_family,
    draw_initial,
    draw_network,
    draw_theta,
    largest_difference,
    settle_kinks,
)
from slopes import assert_slopes, differences_from, own_arrays

import forecast
from forecast import RNNForecaster, _core
from forecast._windows import Windows
from forecast.diagnostics import gate_activity, gradient_flow

every_family = pytest.mark.parametrize("family", VECTORS)
every_isa = pytest.mark.parametrize("isa", ISAS)
SERIES = 4


# -------------------- the core


def assert_gradient(case, seed=None, isa=None, forced=0.0):
    """Against the oracle, and against slopes of the core's own loss along weights and first states."""
    n, network, theta, batch = case.network, case.core(isa=isa), case.theta.copy(), len(case.index)
    initial = draw_initial(n, np.random.default_rng(1), batch)
    masks = None if seed is None else n.masks(seed, batch)
    settle_kinks(case, masks, initial)
    source = _core.Source(**own_arrays(case.arguments))

    def evaluate():
        return network.gradient(theta, source, case.index, initial=initial, seed=seed, forced=forced)

    result = evaluate()
    taught = n.taught(seed, forced, batch) if forced else None
    expected = n.gradient(theta, case.batch(), initial, masks, **({"taught": taught} if forced else {}))
    wrong = differences_from(expected, result, n)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong
    assert_slopes(
        lambda: evaluate()["loss"], n.views(theta), n.views(result["theta"]), np.random.default_rng(0), coordinates=2
    )


@every_isa
@every_family
def test_gradients_are_the_oracles_and_slopes(family, isa):
    assert_gradient(draw_family(family, np.random.default_rng(2), batch=5, weighted=True), isa=isa)
    case = draw_family(family, np.random.default_rng(3), batch=37, hidden=13, missing=0.3, weighted=True)
    for dtype in DTYPES:
        expected, found = case.network.gradient(case.theta, case.batch()), case.gradient(dtype, isa)
        wrong = differences_from(expected, found, case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS[dtype], wrong


@pytest.mark.parametrize("family", ["vector", "vector, everything"])
def test_gradients_of_a_taught_decoder_are_the_oracles_and_slopes(family):
    assert_gradient(draw_family(family, np.random.default_rng(4), batch=5, series_left_out=0.0), seed=11, forced=0.5)


@pytest.mark.parametrize("cell", sorted(_core.CELLS))
def test_every_cell_begins_with_a_vector(cell):
    for family in ("vector", "segments of a vector"):
        case = draw_family(family, np.random.default_rng(5), cell=cell, hidden=11, batch=3)
        wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(), case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


OPTIONS = {
    "cell": ("lstm", "gru", "rnn_tanh"),
    "layers": (1, 2),
    "decoder": ("recurrent", "segments"),
    "segment": (1, 3),
    "future": (0, 2),
    "future_size": (0, 2),
    "static": (0, 2),
    "series_size": (0, 2),
    "past_levels": ((), (0, 4, 0)),
    "columns": (1, 2),
    "loss": ("squared_error", "quantile"),
    "dropout": (0.0, 0.3),
}


def fits(row):
    if row["future_size"] and not row["future"]:
        return False
    return row["layers"] == 1 if row["decoder"] == "segments" else row["segment"] == 1


def pairs_of(row):
    return set(combinations(sorted(row.items()), 2))


def rows_of_pairs():
    """Rows in which every two values that go together are together at least once."""
    rng = np.random.default_rng(6)
    every = [dict(zip(OPTIONS, values, strict=True)) for values in product(*OPTIONS.values())]
    every = [row for row in every if fits(row)]
    missing, rows = set().union(*map(pairs_of, every)), []
    while missing:
        some = [every[number] for number in rng.integers(len(every), size=200)]
        rows.append(max(some, key=lambda row: len(pairs_of(row) & missing)))
        missing -= pairs_of(rows[-1])
    return rows


@pytest.mark.parametrize("row", rows_of_pairs(), ids=str)
def test_gradients_of_pairs_of_options_are_the_oracles_and_slopes(row):
    fields = row | dict(encoder="dense", steps=1, inputs=3, series=SERIES, series_left_out=0.0)
    case = draw_network(np.random.default_rng(7), **fields, batch=5)
    if row["loss"] == "quantile":  # off the kinks of the pinball
        target = case.arguments["target"]
        target += np.where(np.random.default_rng(2).random(size=target.shape) < 0.5, -9.0, 9.0)
    assert_gradient(case, seed=5 if row["dropout"] else None)


@every_isa
@every_family
def test_forecasts_have_the_same_bits_in_both_ways_and_in_any_batch(family, isa):
    case = draw_family(family, np.random.default_rng(9), batch=33)
    for dtype in DTYPES:
        network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
        lanes, units = (network.predict(theta, source, case.index, path=path) for path in ("lanes", "units"))
        assert lanes.tobytes() == units.tobytes()
        assert lanes.tobytes() == network.gradient(theta, source, case.index)["outputs"].tobytes()
        single = np.concatenate([network.predict(theta, source, case.index[i : i + 1]) for i in range(33)])
        assert single.tobytes() == lanes.tobytes()


@every_isa
def test_a_dense_layer_in_the_loop_leaves_the_gradient_of_later_steps_alone(isa):
    """It reads a stream that is made before the loop, whose steps lie without gaps, and goes back from the last one."""
    drawn = draw_family("vector, everything", np.random.default_rng(3), batch=20, hidden=5, series_left_out=0.0)
    spec = drawn.network.spec
    layers = tuple(
        replace(layer, inputs=(*layer.inputs, "decoder.ahead"), added="") if layer.name == "decoder.input" else layer
        for layer in spec.layers
    )
    network = Network(replace(spec, layers=layers), drawn.network.architecture)
    case = Case(network, draw_theta(network, np.random.default_rng(4)), drawn.arguments, drawn.index)
    right = network.train(case.theta, "sgd", [case.batch()], [0.1], momentum=0.0, weight_decay=0.0)[0]
    for path in ("lanes", "units"):
        core, theta = case.core(isa=isa), case.theta.copy()
        optimizer = _core.Optimizer("sgd", "float64", core.n_parameters, momentum=0.0)
        core.train(theta, optimizer, case.source(), case.index, 20, rates=np.array([0.1]), seed=3, path=path)
        assert largest_difference(theta - case.theta, right - case.theta) <= tolerances.ORACLE_STEPS["float64"], path


@every_family
def test_training_is_the_oracles_in_both_ways_and_the_same_on_two_threads(family):
    rates = dict(series_left_out=0.0, category_left_out=0.0)
    case = draw_family(family, np.random.default_rng(10), batch=80, weighted=True, **rates)
    batches, steps = [case.batch(case.index[i : i + 20]) for i in range(0, 80, 20)], [0.02] * 4
    right = case.network.train(case.theta, "adam", batches, steps, weight_decay=0.0)[0]
    for path, threads in (("lanes", 1), ("lanes", 2), ("units", 1)):
        network, theta = case.core(), case.theta.copy()
        optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
        network.train(theta, optimizer, case.source(), case.index, 20, rates=np.array(steps), seed=3, path=path,
                      threads=threads)  # fmt: skip
        assert largest_difference(theta, right) <= tolerances.ORACLE_STEPS["float64"], path


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_the_forecast_is_that_of_the_equations(cell):
    """docs/equations.md, line by line, without the oracle's layers."""
    case = draw_family("vector", np.random.default_rng(11), cell=cell, batch=4, future=1, static=2)
    w, a, batch = case.network.views(case.theta), case.network.architecture, case.batch()
    future, static = batch.extra[:, : a.horizon_steps], batch.extra[:, a.horizon_steps :]
    scale, shift = batch.fed
    expected = []
    for n in range(4):
        e = w["encoder.W"] @ np.concatenate([batch.past[n, 0], static[n]]) + w["encoder.b"]
        states, fed, out = cell_step(cell, w, e, np.zeros((2, a.hidden))), w["decoder.begin.b"], []
        for s in range(a.horizon_steps):
            x = w["decoder.ahead.W"] @ future[n, s : s + 1] + w["decoder.input.W"] @ fed + w["decoder.input.b"]
            states = cell_step(cell, w, x, states)
            z = w["head.W"] @ states[0] + w["head.b"]
            out.append(z)
            fed = scale[s] * z + shift[s]
        expected.append(np.concatenate(out))
    assert largest_difference(case.gradient()["outputs"], expected) <= tolerances.ORACLE_OUTPUTS["float64"]


def cell_step(cell, w, x, states):
    """(2, H): h, and c of the LSTM."""

    def row(name, read_x=True, read_h=True):
        a = w[f"decoder.0.b_{name}"]
        a = a + w[f"decoder.0.W_{name}"] @ x if read_x else a
        return a + w[f"decoder.0.R_{name}"] @ states[0] if read_h else a

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    if cell == "rnn_tanh":
        return np.stack([np.tanh(row("h")), states[1]])
    if cell == "gru":
        r, z = sigmoid(row("r")), sigmoid(row("z"))
        n = np.tanh(row("nx", read_h=False) + r * row("nh", read_x=False))
        return np.stack([(1 - z) * n + z * states[0], states[1]])
    c = sigmoid(row("f")) * states[1] + sigmoid(row("i")) * np.tanh(row("g"))
    return np.stack([sigmoid(row("o")) * np.tanh(c), c])


# -------------------- the estimator


def curves(n=120, horizon=12, seed=0):
    """Sales after a launch: features say how high and how fast."""
    rng = np.random.default_rng(seed)
    level, peak = rng.uniform(1, 5, size=n), rng.uniform(2, 6, size=n)
    t = np.arange(1, horizon + 1)
    y = level[:, None] * t / peak[:, None] * np.exp(1 - t / peak[:, None])
    return np.column_stack([level, peak, rng.normal(size=n)]), y + 0.05 * rng.normal(size=y.shape)


def model(**changes):
    settings = dict(encoder="dense", decoder="recurrent", cell="gru", hidden_size=8, max_iter=2, random_state=0)
    return RNNForecaster(**settings | changes)


def test_curves_are_learnt_from_features():
    (X, y), (new, truth) = curves(), curves(seed=1)
    for decoder, segment in (("recurrent", 1), ("segments", 3)):
        fitted = model(decoder=decoder, segment=segment, hidden_size=16, max_iter=60).fit(X, y)
        errors = [np.abs(one - truth).mean() for one in (fitted.predict(new), y.mean(axis=0))]
        assert errors[0] < errors[1] / 4, decoder


def test_what_a_fitted_one_holds(tmp_path):
    X, y = curves()
    fitted = model(num_layers=2).fit(X, y)
    assert fitted.n_features_in_ == 3
    assert fitted.weights_["encoder.W"].shape == (8, 3)
    assert fitted.weights_["decoder.input.W"].shape == (8, 1)
    assert {name.partition(".")[0] for name in fitted.weights_} == {"encoder", "decoder", "head"}
    assert fitted.card_["model"]["encoder"] == "dense"
    expected = fitted.predict(X)
    fitted.save(tmp_path / "model")
    assert forecast.load(tmp_path / "model").predict(X).tobytes() == expected.tobytes()
    assert pickle.loads(pickle.dumps(fitted)).predict(X).tobytes() == expected.tobytes()
    assert fitted.predict(X[:, None]).tobytes() == expected.tobytes()  # one step of 3 channels


def test_the_encoder_can_be_frozen():
    X, y = curves()
    fitted = model().fit(X, y)
    before = {name: view.copy() for name, view in fitted.weights_.items()}
    fitted.set_params(warm_start=True, freeze=["encoder"]).fit(X, y)
    same = {name for name, view in fitted.weights_.items() if (view == before[name]).all()}
    assert same == {"encoder.W", "encoder.b"}


def test_any_horizon_can_be_forecast():
    X, y = curves()
    fitted = model(max_iter=3).fit(X, y)
    longer = fitted.predict(X[:5], horizon=20)
    assert longer.shape == (5, 20)
    assert longer[:, :12].tobytes() == fitted.predict(X[:5]).tobytes()


def test_quantiles_dropout_and_codes():
    X, y = curves()
    coded = np.column_stack([X, np.arange(len(X)) % 4])
    fitted = model(categories={"past": {3: 4}}, dropout=0.2, loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(coded, y)
    assert fitted.weights_["embedding.past.3"].shape[0] == 5
    assert fitted.predict_quantiles(coded[:7]).shape == (7, 12, 3)
    assert fitted.sample_y(coded[:7], n_samples=3, random_state=0).shape == (7, 12, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *((changes, f"{name}=.* has no effect with encoder='dense'")
          for changes in (dict(bidirectional=True), dict(residual=True), dict(layer_norm=True), dict(dilation=2),
                          dict(recurrent_dropout=0.1), dict(zoneout=0.1), dict(skip="linear"), dict(attention="dot"),
                          dict(cycle=7), dict(segment=3), dict(segment_activation="identity", segment=1),
                          dict(decoder_tied=True))
          for name in list(changes)[:1]),
        (dict(decoder="dense"), "decoder='dense' would leave no recurrent layer"),
        (dict(decoder="steps"), "decoder='steps' would leave no recurrent layer"),
        (dict(decoder="segments", num_layers=2), "num_layers=2: decoder='segments' is one layer"),
        (dict(cell="mlstm"), "cell='mlstm' has a matrix"),
        (dict(n_channels=2), "vectors of 3 values, but n_channels=2"),
        (dict(heads=2), "heads=2 is for cell"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        model(**changes).fit(*curves(20))


def test_steps_of_a_past_are_refused():
    X, y = curves()
    with pytest.raises(ValueError, match="reads one vector for each sample, and these windows have a past of 2 steps"):
        model().fit(np.stack([X, X], axis=1), y)
    with pytest.raises(ValueError, match="expected 1 steps of 3 channels"):
        model().fit(X, y).predict(np.stack([X, X], axis=1))


@pytest.mark.parametrize("look", [gate_activity, gradient_flow])
def test_a_look_at_steps_that_are_not_there_is_refused(look):
    X, y = curves()
    arguments = (X, y) if look is gradient_flow else (X,)
    with pytest.raises(ValueError, match="encoder='dense' has no steps"):
        look(model().fit(X, y), *arguments)


def of_no_past(**changes):
    """Windows without a past: the first begins before the first row of its series."""
    rng = np.random.default_rng(0)
    options = dict(
        lookback=0, horizon=2, static=rng.normal(size=(3, 2)), starts=np.array([0, 4, 7, 12]),
        series=pd.Index(["a", "b", "c"]), future=rng.normal(size=(12, 1)), clock=np.array([5, 0, 2]),
    )  # fmt: skip
    return Windows(rng.normal(size=(12, 1)), [-1, 0, 3, 4, 6, 9], **options | changes)


def test_windows_without_a_past_are_of_the_series_after_their_origin():
    windows = of_no_past()
    assert windows.which.tolist() == [0, 0, 1, 1, 2, 2]
    assert windows.shape == (6, 4)
    assert windows.time.tolist() == [4, 5, -1, 0, 1, 4]
    matrix = np.asarray(windows)
    assert (matrix[:, 2:] == windows.static[windows.which]).all()
    assert (matrix[:, :2] == windows.future[:, 0][windows.origins[:, None] + [1, 2]]).all()
    assert (np.asarray(windows.y)[0] == windows.values[:2, 0]).all()
    with pytest.raises(ValueError, match="expected -1"):
        windows.at([11])  # no row is behind it


def test_the_core_gathers_what_the_matrix_has():
    windows = of_no_past()
    fitted = model(max_iter=3).fit(windows)
    assert fitted.weights_["encoder.W"].shape == (8, 2)
    assert fitted.predict(np.asarray(windows)).tobytes() == fitted.predict(windows).tobytes()
    other = replace_static(windows)
    assert (fitted.predict(other) != fitted.predict(windows)).all()
    moved = of_no_past()
    moved.values[:] = 7.0  # no value of the series is read
    assert fitted.predict(moved).tobytes() == fitted.predict(windows).tobytes()


def replace_static(windows):
    return of_no_past(static=windows.static + 1.0)


def test_nothing_but_known_future():
    windows = of_no_past(static=None)
    fitted = model(series_size=2).fit(windows)
    assert fitted.weights_["encoder.b"].shape == (8,)
    assert "encoder.W" not in fitted.weights_
    assert np.isfinite(fitted.predict(windows)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(encoder="recurrent"), "encoder='recurrent' reads the steps of a past, and lookback=0 leaves none"),
        (dict(input_noise=0.1), "input_noise=0.1 is for the scaled past"),
        (dict(input_clip=3.0), "input_clip=3.0 is for the scaled past"),
    ],
)
def test_what_needs_a_past_is_refused_without_one(changes, message):
    with pytest.raises(ValueError, match=message):
        model(**changes).fit(of_no_past())


def test_a_damaged_file_is_refused():
    fitted = model().fit(*curves(20))
    for changes in (dict(steps=3), dict(decoder="dense"), dict(encoder="none"), dict(inputs=0)):
        network = replace(fitted._network, architecture=replace(fitted._network.architecture, **changes))
        with pytest.raises(forecast.ModelFileError):
            network._check_loaded()
