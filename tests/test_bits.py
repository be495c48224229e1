"""The same bits for any number of threads, any split of the batch, either path, and any state of the process."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import CELLS, DTYPES, ISAS, LOSSES, Case, draw_case

from forecast import _core

THREADS = (1, 2, 3, 7)
every_isa = pytest.mark.parametrize("isa", ISAS)
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 13, 3), (3, 33, 8), (1, 64, 1)], ids="L{0[0]}-H{0[1]}-I{0[2]}".format)
@every_dtype
@every_isa
@every_cell
def test_units_in_the_lanes_give_the_bits_of_windows_in_the_lanes(cell, isa, dtype, shape):
    layers, hidden, inputs = shape
    rng = np.random.default_rng(1)
    case = draw_case(cell, rng, layers=layers, hidden=hidden, inputs=inputs, batch=19, steps=9, extra=2, targets=3)
    network, arguments = case.core(dtype, isa), (case.theta.astype(dtype), case.source(), case.index)
    lanes = network.predict(*arguments, path="lanes")
    assert network.predict(*arguments, path="units").tobytes() == lanes.tobytes()
    assert network.predict(*arguments).tobytes() == lanes.tobytes()


@every_dtype
@every_isa
@every_cell
def test_one_window_at_a_time_is_the_same_as_many(cell, isa, dtype):
    case = draw_case(cell, np.random.default_rng(2), layers=2, hidden=13, batch=41, steps=7, extra=1)
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    many = network.predict(theta, source, case.index)
    single = np.concatenate([network.predict(theta, source, case.index[i : i + 1]) for i in range(41)])
    assert single.tobytes() == many.tobytes()
    for size in (2, 7, 16, 40):
        split = [network.predict(theta, source, case.index[i : i + size]) for i in range(0, 41, size)]
        assert np.concatenate(split).tobytes() == many.tobytes(), size


@every_dtype
@every_isa
@every_cell
def test_threads_that_share_one_window_give_its_bits(cell, isa, dtype):
    """At 270 units every instruction set cuts a layer's step into two parts or more, the last of them ragged."""
    case = draw_case(cell, np.random.default_rng(2), layers=2, hidden=270, batch=2, steps=6, extra=1)
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    expected = network.predict(theta, source, case.index, path="lanes")[:1]
    packed = network.pack(theta)
    for threads in THREADS:
        for _ in range(10):
            found = network.predict(packed, source, case.index[:1], threads=threads)
            assert found.tobytes() == expected.tobytes(), threads


def test_weights_are_packed_again_only_where_they_changed():
    case = draw_case("lstm", np.random.default_rng(6))
    network, other, theta = case.core(), case.core(dtype="float32"), case.theta.copy()
    packed = network.pack(theta)
    assert network.pack(theta, packed) is packed
    before = network.predict(packed, case.source(), case.index)
    theta[-1] += 1.0
    assert network.predict(packed, case.source(), case.index).tobytes() == before.tobytes(), "it keeps a copy"
    again = network.pack(theta, packed)
    assert again is not packed
    expected = network.predict(theta, case.source(), case.index)
    assert network.predict(again, case.source(), case.index).tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match="theta: packed for another network"):
        other.predict(packed, case.source(), case.index)


@every_dtype
@every_cell
def test_rows_follow_the_order_of_the_windows(cell, dtype):
    case = draw_case(cell, np.random.default_rng(3), batch=41, extra=1)
    network, theta, source = case.core(dtype), case.theta.astype(dtype), case.source()
    many = network.predict(theta, source, case.index)
    order = np.random.default_rng(4).permutation(41)
    assert network.predict(theta, source, case.index[order]).tobytes() == many[order].tobytes()
    repeated = network.predict(theta, source, np.repeat(case.index, 3))
    assert repeated.tobytes() == np.repeat(many, 3, axis=0).tobytes()


def test_no_window_gives_no_row():
    case = draw_case("gru", np.random.default_rng(5))
    for path in ("auto", "lanes", "units"):
        assert case.core().predict(case.theta, case.source(), case.index[:0], path=path).shape == (0, 2)


def train(case, dtype, threads, isa=None, dropout=0.0, batch_size=512):
    network, theta = case.core(dtype, isa, dropout), case.theta.astype(dtype)
    optimizer = _core.Optimizer("adam", dtype, network.n_parameters)
    arguments = dict(rate=0.01, clip_norm=1.0, seed=3, threads=threads)
    result = network.train(theta, optimizer, case.source(), case.index, batch_size, **arguments)
    assert result["finite"]
    states = optimizer.first.tobytes() + optimizer.second.tobytes()
    return theta.tobytes() + states + result["losses"].tobytes() + result["norms"].tobytes(), result["threads"]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@every_dtype
@every_isa
@every_cell
def test_weights_have_the_same_bits_for_any_number_of_threads(cell, isa, dtype, dropout):
    case = draw_case(
        cell, np.random.default_rng(6), layers=2, hidden=13, batch=1300, extra=1, missing=0.1, weighted=True
    )
    expected, _ = train(case, dtype, 1, isa, dropout)
    for threads in THREADS:
        weights, used = train(case, dtype, threads, isa, dropout)
        assert used == threads
        assert weights == expected, threads


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_has_the_same_bits_for_any_number_of_threads(loss):
    case = draw_case("gru", np.random.default_rng(7), batch=700, loss=loss, missing=0.2, weighted=True)
    expected, _ = train(case, "float32", 1, batch_size=300)
    for threads in THREADS:
        assert train(case, "float32", threads, batch_size=300)[0] == expected, threads


@every_dtype
@every_cell
def test_forecasts_losses_and_gradients_have_the_same_bits_for_any_number_of_threads(cell, dtype):
    case = draw_case(cell, np.random.default_rng(8), hidden=13, batch=513, extra=1)
    network, arguments = case.core(dtype), (case.theta.astype(dtype), case.source(), case.index)
    forecast, loss = network.predict(*arguments), network.loss(*arguments)
    gradient = network.gradient(*arguments)
    for threads in THREADS:
        assert network.predict(*arguments, threads=threads).tobytes() == forecast.tobytes()
        assert network.loss(*arguments, threads=threads) == loss
        result = network.gradient(*arguments, threads=threads)
        for name in ("outputs", "theta", "past", "extra", "initial"):
            assert np.asarray(result[name]).tobytes() == np.asarray(gradient[name]).tobytes(), (name, threads)


def test_dropout_draws_do_not_depend_on_threads():
    case = draw_case("lstm", np.random.default_rng(9), hidden=13, batch=300, layers=2)
    one = case.gradient("float32", dropout=0.4, seed=11, threads=1)
    many = case.gradient("float32", dropout=0.4, seed=11, threads=7)
    assert one["theta"].tobytes() == many["theta"].tobytes()


def test_scratch_of_earlier_calls_moves_no_bit():
    """Larger and smaller networks of both types in turn, so that memory is found dirty, too short and too long."""
    scratch = _core.Scratch()
    for hidden, batch, dtype in [(5, 41, "float32"), (33, 9, "float64"), (33, 80, "float32"), (5, 41, "float32")]:
        case = draw_case("lstm", np.random.default_rng(8), layers=2, hidden=hidden, batch=80, inputs=3, steps=9)
        trained = []
        for memory in (None, scratch):
            theta = case.theta.astype(dtype)
            optimizer = _core.Optimizer("adam", dtype, theta.size)
            arguments = dict(rate=0.01, clip_norm=1.0, threads=2, scratch=memory)
            case.core(dtype).train(theta, optimizer, case.source(), case.index, batch, **arguments)
            trained.append(theta.tobytes())
        assert trained[0] == trained[1], (hidden, batch, dtype)


def test_calls_at_the_same_time_do_not_share_scratch():
    case = draw_case("gru", np.random.default_rng(9), hidden=40, batch=64, inputs=3, steps=40)
    network, order, scratch = case.core("float32"), np.tile(case.index, 30), _core.Scratch()

    def train(memory):
        theta = case.theta.astype("float32")
        optimizer = _core.Optimizer("adam", "float32", theta.size)
        network.train(theta, optimizer, case.source(), order, 64, rate=1e-3, scratch=memory)
        return theta.tobytes()

    expected = train(None)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(train, [scratch] * 12)) == {expected}


def test_no_more_threads_are_used_than_there_are_chunks():
    case = draw_case("gru", np.random.default_rng(10), batch=3)
    _, used = train(case, "float32", 7, batch_size=3)
    assert used == 1


def test_twenty_runs_give_the_same_bits():
    case = draw_case("lstm", np.random.default_rng(11), hidden=13, batch=600, extra=1)
    assert len({train(case, "float32", 2)[0] for _ in range(20)}) == 1


def test_a_call_leaves_numpys_global_random_state_alone():
    before = [np.copy(part) for part in np.random.get_state(legacy=True)[1:]]
    case = draw_case("gru", np.random.default_rng(12), batch=40)
    train(case, "float32", 2, dropout=0.5)
    case.gradient(dropout=0.5, seed=1)
    after = np.random.get_state(legacy=True)[1:]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_last_chunks_empty_lanes_move_nothing():
    whole = draw_case("lstm", np.random.default_rng(13), batch=40)
    for count in range(1, 40, 3):
        part = Case(whole.network, whole.theta, whole.arguments, whole.index[:count])
        filled = Case(whole.network, whole.theta, whole.arguments, np.tile(whole.index[:count], 40))
        assert np.isclose(part.gradient()["loss"], filled.gradient()["loss"], rtol=1e-12, atol=0.0)
