"""States carried from call to call and from batch to batch: one long window is the oracle, to the bit."""

import numpy as np
import pytest

from forecast import _core
from forecast._network import CELLS
from forecast._network.core import stacked

STEPS, CHANNELS, HIDDEN, BLOCKS, STREAMS = 5, 2, 6, 4, 19  # one chunk and more


def network(cell, dtype, steps, layers=2):
    return stacked(cell, dtype, steps=steps, inputs=CHANNELS, hidden=HIDDEN, layers=layers, targets=2)


def weights_of(net, dtype):
    return np.random.default_rng(1).normal(0.0, 0.4, net.n_parameters).astype(dtype)


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(STREAMS * BLOCKS * STEPS, CHANNELS))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_blocks_that_go_on_are_one_long_window(cell, dtype, rows):
    block, whole = network(cell, dtype, STEPS), network(cell, dtype, STEPS * BLOCKS)
    theta = weights_of(block, dtype)
    expected = whole.predict(theta, _core.Source(rows, lookback=STEPS * BLOCKS), np.array([0]))
    source = _core.Source(rows, lookback=STEPS, past_stride=STEPS)
    for path in ("lanes", "units"):
        carried = np.zeros(block.n_states, dtype)
        index = np.arange(BLOCKS)
        found = block.predict(block.pack(theta), source, index, path=path, carried=carried, batch_size=1)
        assert np.array_equal(found[-1], expected[0])
        again = np.zeros_like(carried)
        for one in index:  # a call for each
            block.predict(block.pack(theta), source, index[[one]], path=path, carried=again, batch_size=1)
        assert np.array_equal(again, carried)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])
def test_streams_side_by_side_and_one_that_begins_anew(cell, threads, rows):
    block = network(cell, "float64", STEPS)
    theta = weights_of(block, "float64")
    order = (np.arange(STREAMS) * BLOCKS + np.arange(BLOCKS)[:, None]).ravel()
    begins = np.zeros(len(order), dtype=bool)
    begins[2 * STREAMS + 7] = True  # stream 7, from its third block on
    source = _core.Source(rows, lookback=STEPS, past_stride=STEPS)
    carried = np.zeros(block.n_states * STREAMS)
    more = {"carried": carried, "batch_size": STREAMS, "begins": begins, "threads": threads}
    found = block.predict(block.pack(theta), source, order, **more)[-STREAMS:]
    for stream in range(STREAMS):
        first = 2 if stream == 7 else 0
        steps = STEPS * (BLOCKS - first)
        own = rows[(stream * BLOCKS + first) * STEPS :]
        expected = network(cell, "float64", steps).predict(theta, _core.Source(own, lookback=steps), np.array([0]))
        assert np.array_equal(found[stream], expected[0])


def test_gradients_are_cut_between_blocks_and_the_loss_goes_on(rows):
    """A step of plain gradient descent with carried states is one with the states given, which gradient() checks."""
    block = network("lstm", "float64", STEPS)
    theta, targets = weights_of(block, "float64"), np.random.default_rng(2).normal(size=(STREAMS * BLOCKS, 2))
    given = {"target": targets.reshape(-1, 1), "horizon": 2, "target_stride": 2}
    source = _core.Source(rows, lookback=STEPS, past_stride=STEPS, **given)
    batch = 3
    order = np.array([0, 4, 8, 1, 5, 9, 2, 6])  # the last batch is smaller
    carried = np.zeros(block.n_states * batch)
    first = carried.copy()
    block.predict(block.pack(theta), source, order[:3], carried=first, batch_size=batch)
    second = first.copy()
    block.predict(block.pack(theta), source, order[3:6], carried=second, batch_size=batch)
    optimizer = _core.Optimizer("sgd", "float64", len(theta))
    trained = theta.copy()
    found = block.train(trained, optimizer, source, order, batch, rate=1e-12, carried=carried)
    small = second.reshape(2, 2, batch, HIDDEN)[:, :, :2]
    losses = [
        block.gradient(theta, source, order[3 * n : 3 * n + 3], initial=None if state is None else state.ravel())
        for n, state in enumerate([None, first, small])
    ]
    assert np.allclose(found["losses"], [one["loss"] for one in losses], rtol=1e-9, atol=0)
    expected = sum(one["theta"] for one in losses)
    assert np.allclose((theta - trained) / 1e-12, expected, rtol=0, atol=2e-3 * np.abs(expected).max())
    mean = block.loss(theta, source, order, carried=np.zeros_like(carried), batch_size=batch)
    assert mean == pytest.approx(sum(one["loss"] * n for one, n in zip(losses, (3, 3, 2), strict=True)) / 8, rel=1e-12)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"carried": np.zeros(3)}, {"carried": None}])
def test_refused_at_the_door(wrong, rows):
    block = network("gru", "float64", STEPS)
    packed = block.pack(weights_of(block, "float64"))
    more = {"carried": np.zeros(block.n_states), "batch_size": 1, "begins": np.zeros(1, dtype=bool)} | wrong
    source, index = _core.Source(rows, lookback=STEPS), np.array([0])
    with pytest.raises(ValueError, match=r"batch_size|carried"):
        block.predict(packed, source, index, **more)
