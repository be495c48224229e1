"""What the core refuses before it computes: objects that are not arrays, changed arrays and impossible sizes."""

import numpy as np
import pytest
from cases import draw_case

from forecast import _core

CASE = draw_case("gru", np.random.default_rng(0), steps=4, batch=6, hidden=3, layers=1, inputs=2, targets=2)
ROWS = len(CASE.arguments["past"])
N = len(CASE.index)
VECTORS = {  # of each window
    "origin": np.arange(N),
    "weight": np.ones(N),
    "series_row": np.zeros(N, dtype=np.int64),
    "phase": np.zeros(N, dtype=np.int64),
    "begin": np.zeros(N, dtype=np.int64),
}
MATRICES = {"past": (ROWS, 2), "target": (N, 2), "extra": (N, 2), "future": (N, 2), "static": (1, 2)}


def source(**arguments):
    return CASE.with_arguments(**arguments).source()


def called(name, source, index=CASE.index, **arguments):
    network, theta = CASE.core("float64"), CASE.theta.astype("float64")
    return getattr(network, name)(theta, source, np.asarray(index, dtype=np.int64), **arguments)


# -------------------- no windows


@pytest.mark.parametrize("name", ["gradient", "flow"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_of_no_windows_is_refused(name, dtype):
    network, nothing = CASE.core(dtype), np.empty(0, dtype=np.int64)
    with pytest.raises(ValueError, match="index: a gradient is a mean over windows; expected at least 1, got none"):
        getattr(network, name)(CASE.theta.astype(dtype), source(), nothing)


def test_other_calls_on_no_windows_give_empty_answers():
    nothing = np.empty(0, dtype=np.int64)
    assert called("predict", source(), nothing).shape == (0, 2)
    assert called("loss", source(), nothing) == 0.0
    assert _core.gathered(source(), nothing).shape == (0, 4, 2)
    network, theta = CASE.core("float64"), CASE.theta.copy()
    optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
    assert len(network.train(theta, optimizer, source(), nothing, 4, rate=0.1)["losses"]) == 0
    assert theta.tobytes() == CASE.theta.tobytes()


# -------------------- what is no array


BESIDE = {"fed_scale": {"fed_shift": np.ones(2)}, "starts": {"static": np.ones((1, 1))}}
OTHERS = ["target", "extra", "past_mean", "past_scale", "anchor", "starts", "fed_scale"]


@pytest.mark.parametrize("name", [*VECTORS, *OTHERS])
def test_a_list_in_an_arrays_place_is_refused_by_name(name):
    with pytest.raises(TypeError, match=rf"{name}: expected a numpy array, got list"):
        source(**BESIDE.get(name, {}), **{name: [1.0, 1.0]})


@pytest.mark.parametrize("name", ["upstream", "initial"])
def test_a_list_in_an_arrays_place_of_a_gradient_is_refused(name):
    given = {"upstream": [1.0], "initial": (1.0,)}[name]
    with pytest.raises(TypeError, match=rf"{name}: expected a numpy array"):
        called("gradient", source(), **{name: given})


@pytest.mark.parametrize("name", ["rates", "average", "carried"])
def test_a_list_in_an_arrays_place_of_a_training_is_refused(name):
    network = CASE.core("float64")
    optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
    arguments = {"rate": 0.1, name: [0.1]} if name != "rates" else {name: [0.1]}
    with pytest.raises(TypeError, match=rf"{name}: expected a numpy array, got list"):
        network.train(CASE.theta.copy(), optimizer, source(), CASE.index, N, **arguments)


# -------------------- shapes


@pytest.mark.parametrize("name", sorted(VECTORS))
@pytest.mark.parametrize("shape", [(N, 0), (N, 1), ()], ids=str)
def test_what_is_of_each_window_has_one_dimension(name, shape):
    with pytest.raises(ValueError, match=rf"{name}: expected 1 dimension, got {len(shape)}"):
        source(**{name: np.zeros(shape, dtype=VECTORS[name].dtype)})


@pytest.mark.parametrize("name", sorted(MATRICES))
def test_a_matrix_without_columns_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name}: expected at least 1 column, got 0"):
        source(**{name: np.zeros((MATRICES[name][0], 0))})


@pytest.mark.parametrize("name", ["lookback", "horizon", "padding"])
@pytest.mark.parametrize("value", [2**31 + 1, 2**62])
def test_steps_that_cannot_be_are_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name}: expected at most 2\*\*31, got {value}"):
        source(**{name: value})


@pytest.mark.parametrize("name", ["past_stride", "past_shift", "target_stride", "target_shift"])
@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**62])
def test_places_beyond_64_bits_do_not_come_around(name, value):
    moved = source(**{name: value, "origin": np.full(N, 4, dtype=np.int64)})
    with pytest.raises(ValueError, match="index: window 1 does not lie inside the source"):
        called("loss", moved, [1])


@pytest.mark.parametrize("batch_size", [0, -1, 2**31 + 1, 2**62])
def test_a_batch_that_cannot_be_is_refused(batch_size):
    network = CASE.core("float64")
    optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
    with pytest.raises(ValueError, match=rf"batch_size: expected 1 to 2\*\*31, got {batch_size}"):
        network.train(CASE.theta.copy(), optimizer, source(), CASE.index, batch_size, rate=0.1)


def test_a_view_beyond_64_bits_is_refused():
    layers = [dict(name="head", kind="dense", inputs=("part",), output="out")]
    for first, pitch in [(0, 2**62), (2**62, 0), (2**62, 2**62), (1, 2**61)]:
        streams = [("past", 4, 2, "", 0, 0), ("part", 4, 1, "past", first, pitch), ("out", 4, 1, "", 0, 0)]
        with pytest.raises(ValueError, match="the view reaches beyond what it views"):
            _core.Network(streams, layers, dtype="float32", targets=4)


def test_a_table_beyond_64_bits_is_refused():
    streams = [("past", 4, 2, "", 0, 0), ("row", 1, 2, "", 0, 0), ("out", 1, 1, "", 0, 0)]
    layers = [
        dict(name="series", kind="lookup", inputs=(), output="row", rows=2**61),
        dict(name="head", kind="dense", inputs=("row",), output="out"),
    ]
    with pytest.raises(ValueError, match=r"rows and length: expected at most 2\*\*31"):
        _core.Network(streams, layers, dtype="float32", targets=1)


# -------------------- arrays that change after the source was made


@pytest.mark.parametrize("name", [*sorted(VECTORS), "past", "target"])
def test_an_array_that_was_resized_since_is_refused(name):
    given = np.array(VECTORS[name] if name in VECTORS else CASE.arguments[name])
    made = source(**{name: given})
    called("loss", made)
    given.resize((1, *given.shape[1:]), refcheck=False)
    with pytest.raises(ValueError, match=rf"{name}: the shape or the memory of the array has changed"):
        called("loss", made)


WRITTEN = {"origin": 2**40, "series_row": -2, "phase": -1, "begin": 2**40}


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_number_of_a_window_that_was_written_since_is_checked_again(name):
    given = VECTORS[name].copy()
    made = source(**{name: given})
    called("loss", made)
    given[2] = WRITTEN[name]
    with pytest.raises(ValueError, match=r"window 2"):
        called("loss", made)
    assert np.isfinite(called("loss", made, [0, 1]))


def test_what_is_of_a_channel_is_copied():
    anchor, floor = np.array([3, 0], dtype=np.int32), np.ones((1, 2))
    scale, starts = np.array([2.0, 1.0]), np.array([0, ROWS])
    made = source(anchor=anchor, anchor_floor=floor, past_scale=scale, static=np.ones((1, 1)), starts=starts)
    before = _core.gathered(made, CASE.index).tobytes()
    anchor[:], floor[:], scale[:], starts[:] = 99, np.nan, 0.0, 2**50
    assert _core.gathered(made, CASE.index).tobytes() == before


def test_the_state_of_an_optimiser_is_checked_in_every_call():
    network = CASE.core("float64")
    optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
    for name, value in [("first", np.zeros(1)), ("second", np.zeros(1)), ("steps", -1), ("steps", 2**62)]:
        before = getattr(optimizer, name)
        setattr(optimizer, name, value)
        with pytest.raises(ValueError, match=rf"optimizer\.{name}: expected"):
            network.train(CASE.theta.copy(), optimizer, source(), CASE.index, N, rate=0.1)
        setattr(optimizer, name, before)
