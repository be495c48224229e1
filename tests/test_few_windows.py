"""The windows that a batch leaves over are trained one by one, units in the lanes: the gradient is the same.

One step of plain gradient descent gives it; it is compared with the oracle's, and where masks are drawn with that of
the other path.
"""

import numpy as np
import pytest
import tolerances
from cases import CELLS, DTYPES, ISAS, LOSSES, draw_case, largest_difference

from forecast import _core

RATE = 0.5
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)


def step(case, dtype, isa=None, dropout=0.0, index=None, **arguments):
    """The gradient and the loss of one batch, from the step of gradient descent along it."""
    network, start = case.core(dtype, isa, dropout), case.theta.astype(dtype)
    index = case.index if index is None else index
    theta, optimizer = start.copy(), _core.Optimizer("sgd", dtype, network.n_parameters)
    result = network.train(theta, optimizer, case.source(), index, len(index), rate=RATE, **arguments)
    return theta, (start.astype(float) - theta) / RATE, result["losses"][0]


def assert_paths_agree(case, dtype, isa=None, dropout=0.0):
    (_, lanes, lanes_loss), (_, units, units_loss) = (
        step(case, dtype, isa, dropout, path=path, seed=3) for path in ("lanes", "units")
    )
    assert np.abs(lanes).max() > 0
    if not dropout:
        expected = case.network.gradient(case.theta, case.batch())
        assert largest_difference(units, expected["theta"]) <= tolerances.ORACLE_GRADIENTS[dtype]
        assert units_loss == pytest.approx(expected["loss"], rel=tolerances.ORACLE_OUTPUTS[dtype])
    assert largest_difference(units, lanes) <= tolerances.ORACLE_GRADIENTS[dtype]
    assert units_loss == pytest.approx(lanes_loss, rel=tolerances.ORACLE_OUTPUTS[dtype])


@every_dtype
@every_isa
@every_cell
@pytest.mark.parametrize("hidden", [1, 5, 16, 33])
def test_one_by_one_gives_the_gradient_of_a_chunk(cell, isa, dtype, hidden):
    case = draw_case(cell, np.random.default_rng(hidden), steps=11, batch=3, inputs=3, hidden=hidden, extra=2)
    assert_paths_agree(case, dtype, isa)


@every_dtype
@every_cell
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_layers_and_dropout_masks_are_the_same(cell, dtype, layers, dropout):
    case = draw_case(cell, np.random.default_rng(layers), steps=6, batch=3, hidden=17, layers=layers)
    assert_paths_agree(case, dtype, dropout=dropout)


@every_cell
@pytest.mark.parametrize("loss", LOSSES)
def test_missing_targets_and_weights_are_the_same(cell, loss):
    rng = np.random.default_rng(7)
    case = draw_case(cell, rng, batch=4, hidden=9, targets=5, loss=loss, missing=0.3, weighted=True, inputs=20)
    assert_paths_agree(case, "float64")


@every_dtype
@every_isa
@pytest.mark.parametrize("hidden", [4, 32, 64])
def test_few_windows_go_one_by_one_and_a_full_chunk_does_not(isa, dtype, hidden):
    lanes = draw_case("gru", np.random.default_rng(0), hidden=hidden).core(dtype, isa).lanes
    case = draw_case("gru", np.random.default_rng(0), hidden=hidden, batch=lanes)
    taken = []
    for n in range(1, lanes + 1):
        lanes_way, units_way, way = (
            step(case, dtype, isa, index=case.index[:n], path=path)[0].tobytes() for path in ("lanes", "units", "auto")
        )
        assert way in (lanes_way, units_way)
        if lanes_way != units_way:  # a handful of sums may round to the same bits
            taken.append("lanes" if way == lanes_way else "units")
    assert taken[-1] == "lanes"
    assert taken == sorted(taken, reverse=True), "first those that are few, then the others"
    # at 4 lanes and 4 units a single window is all that is few, and one has the same bits either way
    assert taken[0] == "units" or (lanes, hidden) == (4, 4)


@every_cell
@pytest.mark.parametrize("over", [1, 3])
def test_a_chunk_and_what_is_left_over_add_up_for_any_number_of_threads(cell, over):
    lanes = draw_case(cell, np.random.default_rng(0)).core("float32").lanes
    case = draw_case(cell, np.random.default_rng(1), hidden=24, layers=2, batch=2 * lanes + over)
    by_threads = [step(case, "float32", dropout=0.2, threads=threads)[0].tobytes() for threads in (1, 2, 3)]
    assert len(set(by_threads)) == 1
    expected = case.gradient("float64")
    _, found, loss = step(case, "float64")
    assert largest_difference(found, expected["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert loss == pytest.approx(expected["loss"], rel=tolerances.ORACLE_OUTPUTS["float64"])


def test_an_unknown_path_is_refused():
    case = draw_case("gru", np.random.default_rng(0))
    with pytest.raises(ValueError, match="path: expected 'auto', 'lanes' or 'units', got 'row'"):
        step(case, "float32", path="row")
