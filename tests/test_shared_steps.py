"""The decoder of segments: what its steps, and its windows, have in common is computed once (cpp/layer/shared.h)."""

import numpy as np
import pytest
import tolerances
from cases import CELLS, DTYPES, ISAS, draw_initial, draw_network
from slopes import differences_from

HORIZON = 19  # steps of segments of one value: more than the lanes of any instruction set, the last of them ragged
DECODER = dict(decoder="segments", horizon=HORIZON, hidden=13, steps=4)
READS = {  # what else a step of the decoder reads than its position
    "positions alone": {},
    "positions alone, the encoder's weights": dict(decoder_tied=True),
    "known future": dict(future=2, static=1),
    "series, two layers": dict(series=4, series_size=2, layers=2, bidirectional=True),
}
every_isa = pytest.mark.parametrize("isa", ISAS)
every_cell = pytest.mark.parametrize("cell", CELLS)


def draw(cell, seed=0, **fields):
    return draw_network(np.random.default_rng(seed), cell=cell, **DECODER | fields)


@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize("dtype", DTYPES)
@every_isa
@every_cell
def test_forecasts_have_the_same_bits_in_lanes_in_units_and_in_training(cell, isa, dtype, reads):
    case = draw(cell, batch=19, **READS[reads])
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    lanes, units = (network.predict(theta, source, case.index, path=path) for path in ("lanes", "units"))
    assert np.isfinite(lanes).all()
    assert lanes.tobytes() == units.tobytes()
    assert lanes.tobytes() == network.gradient(theta, source, case.index)["outputs"].tobytes()


@pytest.mark.parametrize("reads", ["positions alone", "known future"])
@every_isa
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_threads_that_share_one_window_give_its_bits(cell, isa, reads):
    """At 270 units every instruction set cuts a step into two parts or more."""
    case = draw(cell, batch=1, horizon=5, **READS[reads] | dict(hidden=270))
    network, theta, source = case.core(isa=isa), case.theta, case.source()
    expected = network.predict(theta, source, case.index, path="lanes")
    for threads in (1, 2, 3):
        found = network.predict(network.pack(theta), source, case.index, threads=threads)
        assert found.tobytes() == expected.tobytes(), threads


@pytest.mark.parametrize("reads", READS)
@every_isa
@every_cell
def test_gradients_are_the_oracles(cell, isa, reads):
    case = draw(cell, batch=37, weighted=True, missing=0.2, **READS[reads])
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(isa=isa), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 5, 8, 9, 16, 17, 33])
@pytest.mark.parametrize("reads", ["positions alone", "known future"])
def test_any_number_of_steps_is_the_oracles(reads, horizon):
    for cell in ("gru", "lstm"):
        case = draw(cell, batch=3, **READS[reads] | dict(horizon=horizon))
        expected = case.network.gradient(case.theta, case.batch())
        wrong = differences_from(expected, case.gradient(), case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], (cell, wrong)


@every_cell
def test_a_first_step_from_zero_states_is_one_from_initial_states_of_zero(cell):
    """Without initial states R h is left out there, forward and in its gradient."""
    case = draw_network(np.random.default_rng(1), cell=cell, layers=2, hidden=13, batch=19, bidirectional=True)
    network, source = case.core(), case.source()
    zeros = np.zeros_like(draw_initial(case.network, np.random.default_rng(0), 19))
    one, other = (network.gradient(case.theta, source, case.index, initial=initial) for initial in (None, zeros))
    for name in ("outputs", "theta", "loss"):
        assert np.array_equal(one[name], other[name]), name
