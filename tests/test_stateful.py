"""Windows that continue each other: truncated backpropagation with carried states, and updates at the cost of a row."""

import pickle
from copy import copy, deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from forecast import RNNForecaster, load, make_windows
from forecast._files import ModelFileError
from forecast._network import CELLS, Network
from forecast._training.streams import Streams

T, ROWS = 10, 500
RNG = np.random.default_rng(0)
SERIES = np.stack([np.sin(np.arange(ROWS + 1) / 5) + RNG.normal(0, 0.1, ROWS + 1), RNG.normal(size=ROWS + 1)], axis=1)
X = SERIES[:-1].reshape(-1, T, 2)
Y = SERIES[1:, 0].reshape(-1, T)
ESTIMATORS = {  # the argument `cell`, of every cell with states that are vectors
    CELLS[name]["estimator"]: {"cell": CELLS[name]["estimator"]} for name in CELLS
} | {"relu": {"cell": "rnn", "activation": "relu"}}  # fmt: skip


def model(**changes):
    return RNNForecaster(**dict(stateful=True, hidden_size=6, max_iter=3, random_state=0, batch_size=4) | changes)


def fitted(**changes):
    return model(**changes).fit(X, Y)


# -------------------- updates


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_rows_one_by_one_are_all_rows_in_one_go(name, layers):
    one = fitted(**ESTIMATORS[name], num_layers=layers, dtype="float64")
    whole = one.predict(X).ravel()
    assert np.array_equal(one.update(None), whole[-1:])  # where fit has left it
    one.reset_states()
    found = [one.update(row[None])[0] for row in SERIES[:ROWS]]
    assert np.abs(np.array(found) - whole).max() <= 1e-12
    assert one.reset_states().update(SERIES[:ROWS]) == pytest.approx(whole[-1], abs=1e-12)


@pytest.mark.parametrize("changes", [{}, dict(num_layers=3, residual=True, layer_norm=True, dropout=0.2, zoneout=0.1)])
def test_updates_in_single_precision_follow_the_whole_history(changes):
    one = fitted(**changes)
    whole = one.predict(X).ravel()
    one.reset_states()
    found = [one.update(SERIES[first : first + 7])[0] for first in range(0, 490, 7)]
    assert np.abs(np.array(found) - whole[6:490:7]).max() <= 1e-6


def test_the_whole_history_is_one_long_window():
    """The oracle: a network with the same weights over all rows at once."""
    one = fitted(dtype="float64", num_layers=2)
    network = one._network
    a = network.architecture
    long = Network(
        type(a)(**{**vars(a), "steps": ROWS, "targets": ROWS, "stateful": False}),
        network.scaling.at_steps(a, ROWS), network.theta,
    )  # fmt: skip
    found = long.predict({"past": SERIES[:-1], "lookback": ROWS}, 1)
    assert np.abs(found.ravel() - one.predict(X).ravel()).max() <= 1e-12


def test_several_sequences_go_on_side_by_side():
    starts = [0, 20, 35]
    one = model().fit(X, Y, starts=starts)
    whole = one.predict(X, starts=starts)
    ends = [19, 34, 49]
    assert np.array_equal(one.update(None), whole[ends, -1:])
    later = RNG.normal(size=(3, 4, 2))
    found = one.update(later)
    assert found.shape == (3, 1)
    for number, (first, end) in enumerate(zip(starts, [20, 35, 50], strict=True)):
        own = np.concatenate([SERIES[first * T : end * T], later[number]])
        alone = deepcopy(one).reset_states().update(own)
        assert found[number] == pytest.approx(alone, abs=1e-6)


def test_windows_begin_anew_with_each_series():
    frame = pd.DataFrame({"y": np.r_[SERIES[:, 0], SERIES[:300, 1]], "id": ["a"] * 501 + ["b"] * 300})
    frame["t"] = np.r_[np.arange(501), np.arange(300)]
    windows = make_windows(frame.set_index("t"), target="y", series="id", lookback=T, horizon=3, step=T)
    one = model(loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(windows)
    assert one.update(None).shape == (2, 3)
    assert one.update(None, levels=[0.1, 0.9]).shape == (2, 3, 2)
    found = one.predict(windows)
    alone = one.predict(windows[windows.which == 1])
    assert np.array_equal(found[windows.which == 1], alone)
    last = [np.flatnonzero(windows.which == number)[-1] for number in (0, 1)]
    assert np.array_equal(one.update(None), found[last][:, -3:])


def test_a_failed_update_leaves_the_states():
    one = fitted()
    before = one.update(None)
    for wrong in (np.full((1, 2), np.nan), np.ones((1, 3)), np.ones(2), np.ones((2, 1, 2)), "text"):
        with pytest.raises((ValueError, TypeError)):
            one.update(wrong)
    assert np.array_equal(one.update(None), before)
    assert np.array_equal(deepcopy(one).update(SERIES[:3]), one.update(SERIES[:3]))


def test_files_pickles_and_copies_keep_the_states(tmp_path):
    one = fitted()
    one.update(SERIES[:5])
    one.save(tmp_path / "m.forecast")
    for again in (load(tmp_path / "m.forecast"), pickle.loads(pickle.dumps(one)), deepcopy(one)):
        assert np.array_equal(again.update(SERIES[5:9]), deepcopy(one).update(SERIES[5:9]))
    one._carried.states = one._carried.states[:, :, :, :-1]
    one.save(tmp_path / "bad.forecast")
    with pytest.raises(ModelFileError, match="carried states"):
        load(tmp_path / "bad.forecast")
    assert not hasattr(clone(one), "_carried")


def test_an_update_leaves_a_shallow_copy_where_it_stands():
    one = fitted()
    same, rows = copy(one), SERIES[:5]
    before, later = same.update(None), one.update(rows)
    assert not np.array_equal(before, later)
    assert np.array_equal(same.update(None), before)
    assert np.array_equal(same.update(rows), later)


def test_weights_that_are_edited_are_used():
    one = fitted()
    one.update(SERIES[:1])
    one.weights_["head.b"][...] += 1.0
    after, whole = one.reset_states().update(SERIES[:1]), one.predict(X)[0, 0]
    assert after == pytest.approx(whole, abs=1e-6)


# -------------------- training


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "indrnn"])
def test_training_is_that_of_the_oracle(name):
    """Truncated backpropagation by hand: each block's gradient with the states that the last one left as given."""
    one = model(cell=name, num_layers=2, dtype="float64", optimizer="sgd", momentum=0.0, shuffle=False, max_iter=1,
                learning_rate=0.1, learning_rate_schedule="constant", early_stopping=False, clip_norm=None)  # fmt: skip
    one.fit(X, Y)
    start = clone(one).set_params(learning_rate=1e-300).fit(X, Y)._network
    theta = start.theta.copy()
    arguments = {"past": SERIES[:-1], "lookback": T, "past_stride": T}
    target = {"target": Y.reshape(-1, 1), "horizon": T, "target_stride": T}
    source = start.source(arguments | target)
    order, _ = Streams(np.arange(50), np.arange(50) == 0, 4).order()
    net, states = start.compiled, np.zeros(start.compiled.n_states * 4)
    for first in range(0, 50, 4):
        batch = order[first : first + 4]
        given = states.reshape(2, -1, 4, 6)[:, :, : len(batch)].ravel()
        gradient = net.gradient(theta, source, batch, initial=given)
        net.predict(net.pack(theta), source, batch, carried=states, batch_size=4)
        theta -= 0.1 * gradient["theta"]
    assert np.abs(one._network.theta - theta).max() <= 1e-12


def test_streams_hold_every_window_once_and_go_on():
    begins = np.zeros(57, dtype=bool)
    begins[[0, 11, 30]] = True
    windows = np.delete(np.arange(57), [40, 41])
    for rng in (None, np.random.default_rng(0), np.random.default_rng(1)):
        streams = Streams(windows, begins, 6)
        order, anew = streams.order(rng)
        assert sorted(order) == windows.tolist()
        for place in range(streams.size, len(order)):
            follows = order[place - streams.size] + 1 == order[place] and not begins[order[place]]
            assert follows != anew[place]
        assert anew[: streams.size].all()
    assert Streams(np.arange(9), np.arange(9) == 0, 64).size == 2


def test_carried_states_learn_what_lies_before_the_window():
    """The sign at the beginning of a sequence of 40 rows is all that says what comes, in blocks of 5 rows."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], size=40)
    rows = np.zeros((40, 40, 1))
    rows[:, 0, 0] = sign
    x, y = rows.reshape(-1, 5, 1), np.repeat(sign, 40).reshape(-1, 5)
    settings = dict(cell="rnn", hidden_size=8, max_iter=60, random_state=0, batch_size=8, early_stopping=False)
    starts = np.arange(0, len(x), 8)
    one = RNNForecaster(stateful=True, **settings).fit(x, y, starts=starts)
    other = RNNForecaster(return_sequences=True, **settings).fit(x, y)
    late = np.arange(len(x)) % 8 > 0
    assert np.abs(one.predict(x, starts=starts) - y)[late].mean() < 0.1
    assert np.abs(other.predict(x) - y)[late].mean() > 0.9


@pytest.mark.parametrize("threads", [1, 2])
def test_training_has_the_same_bits_on_any_threads(threads):
    one, other = (fitted(n_jobs=n, dropout=0.2, batch_size=20, hidden_size=20).weights_["head.W"] for n in (1, threads))
    assert np.array_equal(one, other)


def test_what_else_training_takes():
    stopped = fitted(early_stopping=True, validation_fraction=0.3, max_iter=5)
    assert len(stopped.validation_loss_curve_) == 5
    given = fitted(max_iter=2).fit(X[:30], Y[:30], X_val=X[30:], y_val=Y[30:])
    assert len(given.validation_loss_curve_) == 3 - 1
    weighed = model().fit(X, Y, sample_weight=np.arange(50) > 20)
    assert np.isfinite(weighed.predict(X)).all()
    assert fitted(max_steps=5).n_steps_ == 5
    assert model().partial_fit(X, Y).partial_fit(X, Y).n_iter_ == 2
    again = fitted(warm_start=True)
    assert again.fit(X, Y).n_iter_ == 3
    assert np.isfinite(fitted(input_noise=0.1, weight_average=0.9, recurrent_dropout=0.1).predict(X)).all()


# -------------------- refused


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"cell": "mlstm"}, "cell='mlstm'"), ({"num_layers": 2, "dilation": (1, 2)}, "dilation"),
        ({"bidirectional": True}, "bidirectional"), ({"segment": 2}, "segment"), ({"decoder": "steps"}, "decoder"),
        ({"attention": "dot"}, "attention"), ({"skip": "linear"}, "skip"), ({"cycle": 5}, "cycle"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_refused(given, named):
    with pytest.raises(ValueError, match=named):
        fitted(**given)


def test_weighted_windows_that_would_all_be_held_out_are_refused():
    with pytest.raises(ValueError, match="of 1 windows 1 would be held out and none is left"):
        model(early_stopping=True).fit(X[:1], Y[:1], sample_weight=[2.0])


def test_windows_that_do_not_continue_each_other_are_refused():
    frame = pd.DataFrame({"y": SERIES[:, 0]})
    windows = make_windows(frame, lookback=T, horizon=1, step=T)
    with pytest.raises(ValueError, match=r"windows overlap.*Fix: step=10"):
        model().fit(make_windows(frame, lookback=T, horizon=1))
    with pytest.raises(ValueError, match="not in the order of time"):
        model().fit(windows[::-1])
    with pytest.raises(ValueError, match="windows say which series"):
        model().fit(windows, starts=[0])
    with pytest.raises(ValueError, match="from 0 to 49, got 0 to 50"):
        model().fit(X, Y, starts=[0, 50])
    with pytest.raises(TypeError, match="numbers of rows"):
        model().fit(X, Y, starts=[0.5])
    with pytest.raises(ValueError, match="for stateful=True"):
        model(stateful=False, return_sequences=True).fit(X, Y, starts=[0])
    gap = model().fit(windows[np.delete(np.arange(50), 20)])
    assert gap.update(None).shape == (2, 1)  # a sequence before the gap and one behind it


def test_codes_are_read_and_unknown_ones_refused():
    codes = np.stack([SERIES[:-1, 0], np.arange(ROWS) % 3], axis=1).reshape(-1, T, 2)
    one = model(categories={"past": {1: 3}}, category_left_out=0.0).fit(codes, Y)
    whole = one.predict(codes).ravel()
    assert one.reset_states().update(codes.reshape(-1, 2)[:77]) == pytest.approx(whole[76], abs=1e-6)
    with pytest.raises(ValueError, match="channel 1 holds 3; expected the codes 0 to 2"):
        one.update([[0.5, 3.0]])
    known = model(categories={"past": {1: 3}}).fit(codes, Y)
    assert np.isfinite(known.update([[0.5, 3.0]])).all()


def test_models_that_carry_nothing_refuse_updates():
    with pytest.raises(NotFittedError):
        model().update(SERIES[:1])
    plain = model(stateful=False).fit(X, Y[:, -1])
    with pytest.raises(AttributeError, match=r"Fix: RNNForecaster\(stateful=True\)"):
        plain.update(SERIES[:1])
    with pytest.raises(AttributeError, match="carries its states"):
        plain.reset_states()
    with pytest.raises(ValueError, match="for a model with stateful=True"):
        plain.predict(X, starts=[0])
    one = fitted(dropout=0.1)
    with pytest.raises(ValueError, match="would not carry"):
        one.sample_y(X)
    with pytest.raises(ValueError, match="n_sequences=0"):
        one.reset_states(0)
    with pytest.raises(ValueError, match="no row was read"):
        one.reset_states().update(None)
