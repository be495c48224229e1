"""The constructor's arguments and the windows as an architecture."""

import numpy as np
import pytest

from forecast import RNNForecaster, Windows
from forecast._arrays import read_training
from forecast._network import (
    ACTIVATED_CELLS,
    CELLS,
    DECAYING_CELLS,
    ESTIMATOR_CELLS,
    LOSSES,
    MATRIX_CELLS,
    core_cell,
    spec_of,
)
from forecast._rnn.arguments import architecture_of

LOOKBACK, HORIZON, ROWS = 6, 4, 40


def windows(targets=2, series=3, future=2, static=1):
    rng = np.random.default_rng(0)
    starts = np.arange(series + 1) * ROWS
    origins = np.concatenate([np.arange(start + LOOKBACK - 1, start + ROWS - HORIZON) for start in starts[:-1]])
    return Windows(
        rng.normal(size=(series * ROWS, 3)), origins, lookback=LOOKBACK, horizon=HORIZON, n_targets=targets,
        future=rng.normal(size=(series * ROWS, future)) if future else None,
        static=rng.normal(size=(series, static)) if static else None, starts=starts,
    )  # fmt: skip


def architecture(X, y=None, **arguments):
    model = RNNForecaster(**arguments)
    return architecture_of(model, read_training(model, X, y))


def test_windows_say_what_the_network_reads():
    a = architecture(windows())
    assert (a.steps, a.inputs, a.targets, a.columns, a.horizon) == (LOOKBACK, 3, 8, 2, HORIZON)
    assert (a.extra, a.future, a.static, a.own, a.series) == (HORIZON * 2 + 1, 2, 1, 0, 3)


@pytest.mark.parametrize(("columns", "known"), [(2, True), (3, True), (None, False)])
def test_targets_of_ones_own_are_over_the_horizon_where_they_can_be(columns, known):
    X = windows()
    y = np.zeros((len(X), HORIZON * columns if columns else 7))
    a = architecture(X, y)
    assert (a.columns, a.horizon) == ((columns, HORIZON) if known else (1, 7))
    assert (a.future, a.static, a.own) == ((2, 1, 0) if known else (0, 0, HORIZON * 2 + 1))
    if not known:
        with pytest.raises(ValueError, match="decoder='steps': 9 of the 9 inputs besides the past belong to no step"):
            spec_of(architecture(X, y, decoder="steps"))


def test_plain_arrays_have_one_column_over_their_outputs():
    a = architecture(np.zeros((20, 5)), np.zeros((20, 7)))
    assert (a.columns, a.horizon, a.targets, a.future, a.static, a.series) == (1, 7, 7, 0, 0, 0)


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [(None, (0, 0)), (24, (24, 3)), ((24, "shared"), (24, 1)), ([24, "shared"], (24, 1)), ((12,), (12, 3))],
)
def test_a_cycle_is_each_series_own_or_shared(cycle, expected):
    a = architecture(windows(), cycle=cycle)
    assert (a.cycle, a.cycle_rows) == expected


def test_every_cell_of_the_registry_is_a_choice_and_back():
    found = set()
    for word in ESTIMATOR_CELLS:
        for activation in ("tanh", "relu") if word in ACTIVATED_CELLS else ("tanh",):
            a = architecture(np.zeros((20, 5, 2)), np.zeros(20), cell=word, activation=activation)
            assert a.cell == core_cell(word, activation)
            assert a.cell_word == word
            found.add(a.cell)
    assert found == {*CELLS, *MATRIX_CELLS, *DECAYING_CELLS}


def test_the_choices_are_the_registries():
    constraints = RNNForecaster._parameter_constraints
    assert constraints["cell"][0].options == set(ESTIMATOR_CELLS)
    assert constraints["loss"][0].options == set(LOSSES)


REFUSED = {  # what the windows do not have, by the argument that needs it
    "future_size=4: there is no known future": (windows(future=0), {"future_size": 4}),
    "series_size=2: .* got 1": (windows(series=1), {"series_size": 2}),
    "with series_size needs the series that a window is of": ((np.zeros((90, 5)), np.zeros(90)), {"series_size": 2}),
    "future_size=4: .* no known": ((np.zeros((90, 5)), np.zeros(90)), {"future_size": 4}),
    "not a multiple of segment=3": (windows(), {"segment": 3, "decoder": "segments"}),
    "segment=7: longer than the lookback of 6": (windows(), {"segment": 7}),
    "decoder_tied=True: layer 0 .* reads 8": (
        windows(), {"segment": 2, "decoder": "segments", "decoder_tied": True, "hidden_size": 8, "future_size": 2},
    ),
    "skip='linear': .* 4 targets": (windows(targets=3), {"skip": "linear", "n": 4}),
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_the_windows_lack_is_refused_before_any_work(message, monkeypatch):
    X, arguments = REFUSED[message]
    X, y = X if isinstance(X, tuple) else (X, None)
    arguments = dict(arguments)
    if arguments.pop("n", None):
        y = np.zeros((len(X), HORIZON * 4))

    def refuse(*arguments, **named):
        raise AssertionError("work has begun")

    monkeypatch.setattr("forecast._rnn.start.windows_scaling", refuse)
    with pytest.raises(ValueError, match=message):
        RNNForecaster(**arguments).fit(X, y)


@pytest.mark.parametrize(
    "change", [{"cell": "rnn", "activation": "relu"}, {"segment": 2}, {"bidirectional": True}, {"decoder": "steps"}]
)
def test_a_warm_start_into_another_network_is_refused(change):
    X = np.random.default_rng(0).normal(size=(60, 6))
    model = RNNForecaster(cell="rnn", hidden_size=3, max_iter=1, warm_start=True, random_state=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"another architecture.*warm_start=False"):
        model.set_params(**change).fit(X, X[:, 0])
