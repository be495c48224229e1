"""Columns of codes: a vector of each level, learned with the network; by RNNForecaster's arguments and by Windows."""

import numpy as np
import pandas as pd
import pytest
from small_networks import small

from forecast import Windows, _core, load
from forecast._network import embedding_size

LOOKBACK, HORIZON, LEVELS = 6, 3, 5


def coded(n=400, seed=0, levels=LEVELS):
    """3-D windows of noise and a column of codes; the target is a number that belongs to the newest code."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, levels, size=(n, LOOKBACK))
    X = np.stack([rng.normal(size=codes.shape), codes], axis=2)
    meaning = np.random.default_rng(9).normal(size=levels)
    return X, meaning[codes[:, -1]]


def windows(rows=80, levels=True, unknown=False):
    """Windows of two series with codes in the past, in what is known ahead and in what never changes."""
    rng = np.random.default_rng(1)
    day = np.tile(np.arange(2 * rows) % 7, 1).astype(float)
    if unknown:
        day[::5] = -1
    meaning = rng.normal(size=7)
    level = np.repeat([0.0, 1.0], rows)
    target = meaning[(np.arange(2 * rows) % 7)] + level + 0.05 * rng.normal(size=2 * rows)
    values = np.stack([target, day, rng.normal(size=2 * rows)], axis=1)
    origins = np.concatenate([np.arange(start + LOOKBACK, start + rows - HORIZON) for start in (0, rows)])
    return Windows(
        values, origins, lookback=LOOKBACK, horizon=HORIZON, future=np.stack([rng.normal(size=2 * rows), day], axis=1),
        static=np.array([[0.0, 3.0], [1.0, 4.0]]), starts=np.array([0, rows, 2 * rows]), series=pd.Index(["a", "b"]),
        levels={"past": [0, 7, 0], "future": [0, 7], "static": [2, 0]} if levels else None,
    )  # fmt: skip


# -------------------- counts


def test_the_parameters_are_those_of_the_textbook():
    """A vocabulary of 1000, vectors of 64, an LSTM of 128, ten outputs; our LSTM has one bias a gate, as there."""
    X = np.random.default_rng(0).integers(0, 1000, size=(70, 12)).astype(float)
    model = small(
        hidden_size=128, max_iter=1, categories={"past": {0: 1000}}, embedding_size=64, category_left_out=0.0
    ).fit(X, np.zeros((70, 10)))
    sizes = {}
    for name, weight in model.weights_.items():
        part = name.partition(".")[0]
        sizes[part] = sizes.get(part, 0) + weight.size
    assert sizes == {"embedding": 64_000, "0": 98_816, "head": 1_290}
    assert model.n_parameters_ == 164_106


@pytest.mark.parametrize(("levels", "size"), [(1, 1), (2, 1), (3, 2), (7, 4), (99, 50), (100, 50), (10_000, 50)])
def test_vectors_are_half_as_long_as_there_are_levels_and_at_most_50(levels, size):
    assert embedding_size(levels) == size


def test_a_row_of_unknown_codes_comes_after_the_levels():
    X, y = coded()
    shapes = {}
    for rate in (0.0, 0.1):
        model = small(categories={"past": {1: None}}, category_left_out=rate).fit(X, y)
        shapes[rate] = model.weights_["embedding.past.1"].shape
    assert shapes == {0.0: (LEVELS, 3), 0.1: (LEVELS + 1, 3)}


# -------------------- learning


def test_vectors_learn_what_codes_mean_and_numbers_cannot():
    X, y = coded(1500)
    fresh, truth = coded(500, seed=1)
    options = dict(hidden_size=8, max_iter=25, learning_rate=0.02)
    numbers, vectors = (small(**options, **more).fit(X, y) for more in ({}, {"categories": {"past": {1: LEVELS}}}))
    error = {name: np.abs(one.predict(fresh) - truth).mean() for name, one in (("n", numbers), ("v", vectors))}
    assert error["v"] < 0.15 < 0.5 * np.abs(truth - truth.mean()).mean()
    assert error["v"] < 0.7 * error["n"]


def test_an_unknown_code_reads_the_vector_that_was_learned_of_left_out_ones():
    X, y = coded(600)
    model = small(categories={"past": {1: LEVELS}}, category_left_out=0.2).fit(X, y)
    unknown = X[:20].copy()
    found = []
    for code in (-1, LEVELS, 7.0, 1e9):
        unknown[:, :, 1] = code
        found.append(model.predict(unknown))
    assert all(np.array_equal(one, found[0]) for one in found)
    assert np.abs(found[0] - y.mean()).max() < np.abs(y - y.mean()).max()


def test_without_that_vector_an_unknown_code_is_refused():
    X, y = coded()
    model = small(categories={"past": {1: LEVELS}}, category_left_out=0.0).fit(X, y)
    X[3, 2, 1] = LEVELS
    with pytest.raises(ValueError, match=r"column 1 of its 'past' values holds 5; expected the codes 0 to 4"):
        model.predict(X)
    assert np.isfinite(model.predict(X[:3])).all()


def test_samples_leave_no_code_out_and_refuse_unknown_ones():
    X, y = coded(200)
    options = {"n_channels": 2, "categories": {"past": {1: LEVELS}}}
    model = small(**options, dropout=1e-9, category_left_out=0.5).fit(X, y)
    samples = model.sample_y(X[:5], n_samples=20, random_state=0)
    np.testing.assert_array_equal(samples, np.repeat(samples[:, :1], 20, axis=1))
    model = small(**options, dropout=0.1, category_left_out=0.0).fit(X, y)
    X[0, 0, 1] = LEVELS
    with pytest.raises(ValueError, match="category_left_out=0 leaves no vector"):
        model.sample_y(X[:5])


STACKS = {
    "slstm": {"cell": "slstm", "recurrent_dropout": 0.1},
    "mlstm": {"cell": "mlstm", "heads": 2},
    "both ways": {"cell": "mlstm", "segment": 2, "bidirectional": True, "num_layers": 2, "residual": True},
    "deep": {"num_layers": 2, "residual": True, "layer_norm": True, "dilation": (1, 2), "zoneout": 0.1},
    "indrnn": {"cell": "indrnn", "zoneout": 0.1},
}


@pytest.mark.parametrize("options", STACKS.values(), ids=STACKS)
def test_every_stack_reads_vectors_and_can_be_frozen_above_them(options):
    X, y = coded(100)
    model = small(n_channels=2, categories={"past": {1: LEVELS}}, warm_start=True, **options).fit(X, y)
    before = {name: weight.copy() for name, weight in model.weights_.items()}
    assert np.array_equal(np.concatenate([model.predict(X[i : i + 1]) for i in range(20)]), model.predict(X[:20]))
    model.set_params(freeze=["encoder"]).fit(X, y)
    changed = [name for name, weight in model.weights_.items() if not np.array_equal(weight, before[name])]
    assert {name.partition(".")[0] for name in changed} == {"head", "embedding"}


def test_a_code_that_no_window_of_the_training_had_counts_as_unknown():
    X, y = coded()
    X[:, :, 1] = np.where(X[:, :, 1] == 2, 3, X[:, :, 1])
    model = small(categories={"past": {1: LEVELS}}).fit(X, y)
    table = model.weights_["embedding.past.1"]
    assert np.array_equal(table[2], table[-1])
    assert not np.array_equal(table[3], table[-1])


@pytest.mark.parametrize("change", [{"embedding_size": 2}, {"category_left_out": 0.3}])
def test_each_argument_has_an_effect(change):
    X, y = coded()
    named = {"categories": {"past": {1: LEVELS}}}
    assert not np.array_equal(small(**named).fit(X, y).predict(X), small(**named, **change).fit(X, y).predict(X))


# -------------------- windows, roles, both ways


@pytest.mark.parametrize(
    "options",
    [{}, dict(decoder="steps"), dict(decoder="segments", segment=3), dict(future_size=2), dict(skip="linear", cycle=7)],
    ids=["dense", "steps", "segments", "future read", "skip and cycle"],
)
def test_one_window_and_many_have_the_same_bits_in_every_role(options):
    some = windows(unknown=True)
    model = small(**options).fit(some)
    names = {name for name in model.weights_ if name.startswith("embedding")}
    assert names == {"embedding.past.1", "embedding.future.1", "embedding.static.0"}
    every = model.predict(some)
    for row in (0, 40, len(some) - 1):
        assert model.predict(some[row]).tobytes() == every[row : row + 1].tobytes()
    assert model.set_params(n_jobs=2).predict(some).tobytes() == every.tobytes()


def test_the_number_of_threads_changes_no_weight():
    one, two = (small(n_jobs=n, batch_size=128).fit(windows(200)) for n in (1, 2))
    assert one._network.theta.tobytes() == two._network.theta.tobytes()


def test_codes_are_neither_scaled_nor_clipped_nor_noisy():
    """A clip of 0.1 and loud noise change numbers, and the code still matters."""
    X, y = coded(1500)
    model = small(
        hidden_size=8, max_iter=25, learning_rate=0.02, categories={"past": {1: LEVELS}}, input_clip=0.1,
        input_noise=2.0,
    ).fit(X, y)  # fmt: skip
    assert np.abs(model.predict(X) - y).mean() < 0.5 * np.abs(y - y.mean()).mean()


def test_the_argument_names_the_same_columns_as_the_windows():
    named = {"past": {1: 7}, "future": {1: 7}, "static": {0: 2}}
    one, two = small().fit(windows()), small(categories=named).fit(windows(levels=False))
    assert one._network.theta.tobytes() == two._network.theta.tobytes()


def test_the_matrix_of_the_windows_is_read_alike():
    some = windows()
    model = small().fit(some)
    matrix = np.asarray(some)
    assert np.allclose(model.predict(matrix), model.predict(some), rtol=1e-6)


def test_windows_keep_their_levels_through_an_index_and_a_file(tmp_path):
    some = windows()
    assert some[:5].levels == some.levels == {"past": [0, 7, 0], "future": [0, 7], "static": [2, 0]}
    model = small(embedding_size=2, category_left_out=0.1).fit(some)
    model.save(tmp_path / "a.forecast")
    assert load(tmp_path / "a.forecast").predict(some).tobytes() == model.predict(some).tobytes()
    assert model.card_["model"]["embedding_size"] == 2


def test_training_goes_on_with_the_levels_of_the_first_fit():
    X, y = coded()
    model = small(categories={"past": {1: None}}, warm_start=True).fit(X, y)
    shape = model.weights_["embedding.past.1"].shape
    X[:, :, 1] = np.minimum(X[:, :, 1], 2)
    before = model.weights_["embedding.past.1"].copy()
    model.fit(X, y)
    after = model.weights_["embedding.past.1"]
    assert after.shape == shape
    assert np.array_equal(after[3:5], before[3:5]), "codes that are not there keep their vectors"
    assert not np.array_equal(after[0], before[0])
    frozen = after.copy()
    model.set_params(freeze=["embedding"]).fit(X, y)
    assert np.array_equal(model.weights_["embedding.past.1"], frozen)


# -------------------- refusals


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (dict(categories={}), "expected a dict such as"),
        (dict(categories={"pasts": {1: 3}}), "has the key 'pasts'"),
        (dict(categories={"past": {2: 3}}), r"has 2: 3 under 'past'; expected a number of one of its 2 columns"),
        (dict(categories={"past": {1: 0}}), "how many levels"),
        (dict(categories={"static": {0: 3}}), "one of its 0 columns"),
        (dict(categories={"past": {1: 3}}), r"column 1 of its 'past' values holds 3, .*from -1 to 2"),
        (dict(categories={"past": {0: None}}), "not a code; expected whole numbers from -1 "),
        (dict(categories={"past": {1: 5}}, skip="linear-all"), "skip='linear-all' is a linear map from all channels"),
        (dict(categories={"past": {0: 5}}, skip="linear"), "not a code"),
        (dict(embedding_size=3), "embedding_size=3 is for columns of codes"),
        (dict(category_left_out=0.3), "category_left_out=0.3 is for columns of codes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(options, says):
    X, y = coded()
    with pytest.raises(ValueError, match=says):
        small(**options).fit(X, y)


def test_windows_with_levels_and_the_argument_are_one_too_many():
    with pytest.raises(ValueError, match=r"categories is given, and the windows name.*categories=None"):
        small(categories={"past": {1: 7}}).fit(windows())


@pytest.mark.parametrize("levels", [{"past": [0, 7]}, {"passt": [1]}, {"past": [0, -1, 0]}, {"past": [0, 0.5, 0]}])
def test_levels_of_windows_are_one_for_each_column(levels):
    some = windows(levels=False)
    with pytest.raises(ValueError, match="levels has"):
        Windows(some.values, some.origins, lookback=LOOKBACK, horizon=HORIZON, levels=levels)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dict(inputs=("x",)), "one column of 'past' or 'extra'"),
        (dict(inputs=("past",)), "one column of 'past' or 'extra'"),
        (dict(rows=0), "rows of an embedding"),
        (dict(rows=1, rate=0.5), "rows of an embedding"),
        (dict(rate=1.0), "expected 0 <= rate < 1"),
    ],
)
def test_the_core_refuses_what_it_could_not_look_up(change, says):
    streams = [("past", 4, 2, "", 0, 0), ("code", 4, 1, "past", 1, 2), ("x", 4, 2, "", 0, 0), ("e", 4, 3, "", 0, 0)]
    layers = [
        dict(name="x", kind="dropout", inputs=("past",), output="x"),
        dict(name="e", kind="embedding", inputs=("code",), output="e", rows=5) | change,
    ]
    with pytest.raises(ValueError, match=says):
        _core.Network(streams, layers, dtype="float64", targets=1)
