"""`freeze`: parts of a network that keep their bits while the rest goes on learning."""

import numpy as np
import pandas as pd
import pytest
from small_networks import small, table

from forecast import SeriesForecaster, Windows, _core, load
from forecast._network import OPTIMIZERS

LENGTH = 6


def panel(rows=60, lookback=8, horizon=4):
    """Windows of two series with known future, a season and a static value."""
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(2 * rows) * 2 * np.pi / LENGTH)[:, None] + 0.3 * rng.normal(size=(2 * rows, 1))
    origins = np.concatenate([np.arange(start + lookback, start + rows - horizon) for start in (0, rows)])
    return Windows(
        values, origins, lookback=lookback, horizon=horizon, future=rng.normal(size=(2 * rows, 1)),
        static=rng.normal(size=(2, 1)), starts=np.array([0, rows, 2 * rows]), series=pd.Index(["a", "b"]),
    )  # fmt: skip


WHOLE = dict(  # every part that there is
    segment=2, bidirectional=True, skip="linear", decoder="steps", decoder_size=5, future_size=3, series_size=2,
    cycle=LENGTH, series_left_out=0.0,
)  # fmt: skip


def bits(model):
    return {name: weight.tobytes() for name, weight in model.weights_.items()}


def kept(model, windows, **changes):
    """Names of the weights that a further fit leaves as they are."""
    before = bits(model)
    model.set_params(**dict(warm_start=True, max_iter=2) | changes).fit(windows)
    after = bits(model)
    return {name for name in before if before[name] == after[name]}


def of(model, *parts):
    return {name for name in model.weights_ if name.partition(".")[0] in parts}


@pytest.mark.parametrize("part", ["0", "segment", "future", "decoder", "skip", "series", "cycle", "head"])
def test_a_frozen_part_keeps_its_bits_and_all_others_learn(part):
    model = small(**WHOLE).fit(panel())
    assert kept(model, panel(), freeze=[part]) == of(model, part)


def test_the_encoder_is_all_that_reads_the_past():
    windows = panel()
    model = small(**WHOLE | {"num_layers": 2}).fit(windows)
    assert kept(model, windows, freeze=("encoder", "head")) == of(model, "segment", "0", "1", "head")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("average", [None, 0.9])
def test_whatever_steps_the_weights(optimizer, average):
    X, y = table()
    model = small(optimizer=optimizer, weight_decay=0.1).fit(X, y)
    changes = dict(weight_average=average, clip_value=0.1, dropout=0.3)
    before = bits(model)
    model.set_params(warm_start=True, freeze=["encoder"], **changes).fit(X, y)
    assert {name for name in before if before[name] == bits(model)[name]} == of(model, "0")


def test_the_norm_of_the_gradient_is_that_of_the_weights_that_learn():
    X, y = table()
    options = dict(warm_start=True, shuffle=False, batch_size=200, max_iter=1, early_stopping=False, dtype="float64")
    model = small(**options).fit(X, y)
    gradient = _gradient(model, X, y)
    head = np.concatenate([gradient[name].ravel() for name in ("head.W", "head.b")])
    model.set_params(freeze=["encoder"]).fit(X, y)
    assert model.gradient_norm_curve_[0] == pytest.approx(np.linalg.norm(head), rel=1e-12)


def _gradient(model, X, y):
    network = model._network
    arguments = dict(past=X.reshape(-1, 1), lookback=6, past_stride=6, target=y[:, None], horizon=1)
    found = network.compiled.gradient(network.theta, network.source(arguments), np.arange(len(X)))["theta"]
    return {
        name: found[offset : offset + int(np.prod(shape))].reshape(shape)
        for name, offset, shape in network.compiled.layout
    }


def test_the_optimisers_state_of_a_frozen_part_stays_too():
    X, y = table()
    model = small().fit(X, y)
    offset, size = model._network.group("0.R_i")
    before = model._optimizer_state["second"][offset : offset + size].tobytes()
    model.set_params(warm_start=True, freeze=["0"]).fit(X, y)
    assert model._optimizer_state["second"][offset : offset + size].tobytes() == before


def test_partial_fit_goes_on_as_well():
    X, y = table()
    model = small().fit(X, y)
    before = bits(model)
    model.set_params(freeze=["head"]).partial_fit(X, y)
    assert {name for name in before if before[name] == bits(model)[name]} == of(model, "head")


def test_the_number_of_threads_changes_no_bit():
    X, y = table(600)
    one, two = (
        small(n_jobs=n, batch_size=256).fit(X, y).set_params(warm_start=True, freeze=["0"]).fit(X, y) for n in (1, 2)
    )
    assert bits(one) == bits(two)


@pytest.mark.parametrize(
    ("freeze", "says"),
    [
        (["enc"], r"there is no 'enc'; the parts of this network are \['encoder', '0', 'head'\]"),
        ([], "it names no part"),
        (["encoder", "head"], "leaves no weight to train"),
        ([1], "there is no 1"),
    ],
)
def test_what_means_nothing_is_refused_by_name(freeze, says):
    X, y = table()
    model = small(warm_start=True).fit(X, y)
    before = bits(model)
    with pytest.raises(ValueError, match=says):
        model.set_params(freeze=freeze).fit(X, y)
    assert bits(model) == before


@pytest.mark.parametrize(
    ("options", "fix"), [({}, r"set_params\(warm_start=True\)"), ({"warm_start": True}, r"set_params\(freeze=None\)")]
)
def test_a_fit_from_scratch_has_nothing_to_keep(options, fix):
    X, y = table()
    with pytest.raises(ValueError, match=rf"starts from scratch.*Fix: model\.{fix}"):
        small(freeze=["head"], **options).fit(X, y)
    with pytest.raises(ValueError, match="starts from scratch"):
        small(freeze=["head"], **options).partial_fit(X, y)


def test_a_frozen_model_is_cloned_saved_and_loaded(tmp_path):
    X, y = table()
    model = small(warm_start=True).fit(X, y).set_params(freeze=["encoder"]).fit(X, y)
    model.save(tmp_path / "a.forecast")
    loaded = load(tmp_path / "a.forecast")
    assert loaded.freeze == ["encoder"]
    assert bits(loaded.fit(X, y)) == bits(model.fit(X, y))


@pytest.mark.parametrize("rows", [60, 700])
@pytest.mark.parametrize("members", [False, True])
def test_a_forecaster_goes_on_with_a_frozen_part(rows, members):
    """Also where a fit from scratch, which can freeze nothing, has to judge it."""
    days = pd.date_range("2024-01-01", periods=rows, name="day")
    frame = pd.DataFrame({"y": np.sin(np.arange(rows) / 3)}, index=days)
    network = small(warm_start=True)
    given = {"members": {"net": {"regressor": network}}} if members else {"regressor": network}
    model = SeriesForecaster(**given, target="y", lookback=8, horizon=2).fit(frame)
    before = bits(model.regressor_)
    name = "members" if members else "regressor"
    frozen = small(warm_start=True, freeze=["encoder"])
    model.set_params(**{name: {"net": {"regressor": frozen}} if members else frozen}).fit(frame)
    after = bits(model.regressor_)
    assert {name for name in before if before[name] == after[name]} == of(model.regressor_, "0")


def test_the_core_takes_rows_of_tables_out_too():
    """A frozen range may begin within a table: its rows stay, those before it learn."""
    windows = panel()
    model = small(series_size=2, series_left_out=0.0).fit(windows)
    network = model._network
    offset, size = network.group("series.V")
    theta, source = (
        network.theta.copy(),
        network.source(windows.source_arguments() | {"series_row": windows.series_rows(windows.series_names)}),
    )
    index = np.arange(len(windows))
    network.compiled.train(
        theta, _core.Optimizer("adam", "float32", theta.size), source, index, 64, rate=0.1,
        groups=[(offset + 2, size - 2, 0.0, None)],
    )  # fmt: skip
    moved = theta != network.theta
    assert moved[offset : offset + 2].all()
    assert not moved[offset + 2 :].any()
