"""`cell="gru_decay"`: states that decay with the time since the row before. Its gradients are in `test_layers.py`."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import tolerances
from cases import DTYPES, ISAS, draw_family, draw_initial, settle_kinks
from slopes import differences_from
from small_networks import small
from test_layers import assert_gradient

from forecast import Windows, load
from forecast._files import ModelFileError
from forecast._network import compiled, spec_of
from forecast.diagnostics import gate_activity, gradient_flow

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 7, 3))
X[:, :, 2] = RNG.exponential(size=(90, 7))
Y = X[:, -1, 0] * np.exp(-X[:, -1, 2])


def decaying(**changes):
    return small(**dict(cell="gru_decay") | changes)


# -------------------- the core


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_both_ways_and_a_shared_step_have_the_same_bits(dtype, isa):
    case = draw_family("decay, everything", np.random.default_rng(1), hidden=37, batch=21)
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    lanes, units = (network.predict(theta, case.source(), case.index, path=path) for path in ("lanes", "units"))
    assert lanes.tobytes() == units.tobytes()
    assert network.predict(theta, case.source(), case.index[:1], threads=2).tobytes() == lanes[:1].tobytes()


@pytest.mark.parametrize("family", ["decay", "decay at every step"])
def test_gradients_with_recurrent_dropout_and_zoneout_are_the_oracles_and_slopes(family):
    case = draw_family(family, np.random.default_rng(2), steps=6, batch=3, recurrent_dropout=0.3, zoneout=0.2)
    initial, masks = draw_initial(case.network, np.random.default_rng(1), 3), case.network.masks(5, 3)
    settle_kinks(case, masks, initial)
    assert_gradient(case, initial, seed=5)


def test_without_a_decay_it_is_the_gru_bit_by_bit():
    """exp(-0) is 1, and where w e + b is below 0 nothing decays either."""
    case = draw_family("decay", np.random.default_rng(3), batch=20)
    views = case.network.views(case.theta)
    views["0.decay_w"][:], views["0.decay_b"][:] = -1.0, [0.0, -1.0, -2.0, 0.0, -0.5]
    plain = draw_family("decay", np.random.default_rng(3), batch=20, cell="gru", elapsed=None)
    theta = np.concatenate([view.ravel() for name, view in views.items() if "decay" not in name])
    expected = plain.core().predict(theta, case.source(), case.index)
    assert case.core().predict(case.theta, case.source(), case.index).tobytes() == expected.tobytes()


def test_after_a_long_time_nothing_of_before_is_left():
    case = draw_family("decay", np.random.default_rng(4), batch=20, steps=7)
    case.network.views(case.theta)["0.decay_w"][:] = 1.0
    past = case.arguments["past"].reshape(20, -1, 3).copy()
    past[:, 4, 1] = 1e4
    other = past.copy()
    other[:, :4, [0, 2]] += 1.0
    found = [
        case.with_arguments(past=x.reshape(-1, 3)).core().predict(
            case.theta, case.with_arguments(past=x.reshape(-1, 3)).source(), case.index
        )
        for x in (past, other)
    ]  # fmt: skip
    assert np.array_equal(*found)


def test_the_flow_through_a_decay_is_the_gradient_by_the_states():
    """Squares of the gradient by h after the first step of two."""
    case = draw_family("decay", np.random.default_rng(5), batch=1, steps=2, hidden=2)
    flow = case.core().flow(case.theta, case.source(), case.index)["squares"][0]
    streams, _, _ = case.network.run(case.theta, case.batch())
    # The last step alone, from the states after the first: the gradient by these is what flows there.
    one = draw_family("decay", np.random.default_rng(5), batch=1, steps=1, hidden=2)
    past = case.arguments["past"].reshape(-1, case.network.steps + 6, 3)[:, 1:2].reshape(-1, 3)
    one = one.with_arguments(
        past=past, past_stride=1, lookback=1, target=case.arguments["target"],
        target_stride=case.arguments["target_stride"], target_shift=case.arguments["target_shift"],
    )  # fmt: skip
    states = streams.read("0")[:, 0][None, None]
    found = one.network.gradient(case.theta, one.batch(), states)
    assert flow[0] == pytest.approx((found["initial"] ** 2).sum(), rel=1e-10)


def test_the_oracle_sees_a_wrong_sign_of_the_decay():
    case = draw_family("decay", np.random.default_rng(6), batch=5)
    sound = case.gradient()
    views = case.network.views(case.theta)
    views["0.decay_w"][:] = -views["0.decay_w"]
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), sound, case.network)
    assert max(wrong.values()) > 1e3 * tolerances.ORACLE_GRADIENTS["float64"]


def test_the_door_refuses_what_the_kernels_do_not_compute():
    case = draw_family("decay", np.random.default_rng(7))
    spec = case.network.spec

    def with_layer(**fields):
        return compiled(replace(spec, layers=(replace(spec.layers[0], **fields), *spec.layers[1:])), "float64")

    for fields, message in (
        (dict(cell="lstm"), "a cell of one state"),
        (dict(dilation=2), "goes on from the step before"),
        (dict(inputs=("elapsed", "past")), "one time at each step"),
    ):
        with pytest.raises(ValueError, match=message):
            with_layer(**fields)


# -------------------- the estimator


def test_it_learns_how_fast_the_past_is_forgotten():
    """What is left of the newest value after some time: a GRU without that time cannot know."""
    late = np.concatenate([X, np.zeros((90, 1, 3))], axis=1)
    late[:, -1, 2] = RNG.exponential(size=90)
    target = X[:, -1, 0] * np.exp(-late[:, -1, 2])
    model = decaying(hidden_size=16, max_iter=150, early_stopping=False).fit(late, target)
    assert model.score(late, target) > 0.95
    assert set(model.weights_) >= {"0.decay_w", "0.decay_b"}


@pytest.mark.parametrize("elapsed", [None, -1, 2])
def test_the_channel_of_time_is_the_last_one_or_named(elapsed):
    model = decaying(elapsed=elapsed).fit(X, Y)
    assert model._network.architecture.elapsed == 2
    assert model.card_["model"].get("elapsed") == elapsed


def test_another_channel_is_another_network():
    first, last = decaying(elapsed=0).fit(X, Y), decaying().fit(X, Y)
    assert first._network.architecture.elapsed == 0
    assert not np.array_equal(first.predict(X), last.predict(X))
    swapped = X[:, :, [2, 1, 0]]
    with pytest.raises(ValueError, match="elapsed"):
        last.set_params(warm_start=True, elapsed=0).fit(swapped, Y)


@pytest.mark.parametrize("changes", [
    {}, {"num_layers": 2, "bidirectional": True, "residual": True, "layer_norm": True},
    {"decoder": "recurrent"}, {"decoder": "segments"}, {"decoder": "steps"}, {"attention": "dot"},
    {"skip": "linear-all"}, {"zoneout": 0.2, "recurrent_dropout": 0.2}, {"dtype": "float64"},
])  # fmt: skip
def test_it_comes_back_from_a_file_and_predicts_one_by_one_with_the_same_bits(changes, tmp_path):
    y = np.stack([Y, Y], axis=1)
    model = decaying(**changes).fit(X, y)
    model.save(tmp_path / "model.forecast")
    found = model.predict(X)
    for other in (load(tmp_path / "model.forecast"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(X), found)
    assert np.array_equal(np.concatenate([model.predict(x[None]) for x in X[:5]]), found[:5])


def test_states_are_carried_over_the_time_between_two_windows():
    long = X[:80].reshape(-1, 3)
    model = decaying(stateful=True, batch_size=2).fit(long.reshape(-1, 8, 3)[:70], long[:560, 0].reshape(70, 8))
    whole = model.predict(long.reshape(-1, 8, 3)[:4])
    assert np.isfinite(whole).all()
    moved = long[:32].copy()
    moved[8, 2] += 20.0  # the first row of the second window, from which on the states of the first are forgotten
    other = model.predict(moved.reshape(-1, 8, 3))
    assert np.array_equal(whole[0], other[0])
    assert not np.isclose(whole[1], other[1]).any()


def test_at_every_step_nothing_after_it_is_seen():
    y = np.cumsum(X[:, :, 0], axis=1)
    model = decaying(return_sequences=True, num_layers=2).fit(X, y)
    changed = X.copy()
    changed[:, 4:] += 1.0
    before, after = model.predict(X), model.predict(changed)
    assert np.array_equal(before[:, :4], after[:, :4])
    assert not np.isclose(before[:, 4:], after[:, 4:]).all()


def test_gates_and_the_flow_of_the_gradient_can_be_looked_at():
    model = decaying().fit(X, Y)
    assert set(gate_activity(model, X).gates) == {"r", "z", "n"}
    assert np.isfinite(gradient_flow(model, X, Y).norms).all()


def windows_of(**more):
    rows = np.concatenate(X[:12])
    return Windows(rows, np.arange(6, 80), lookback=7, horizon=1, **more)


def test_windows_name_their_channel():
    model = decaying().fit(windows_of(elapsed=2))
    assert model._network.architecture.elapsed == 2
    assert windows_of(elapsed=2)[3:5].elapsed == windows_of(elapsed=2).at([20]).elapsed == 2
    assert decaying(elapsed=2).fit(windows_of())._network.architecture.elapsed == 2


REFUSED = {
    "elapsed=1 is for cell 'gru_decay', not cell='lstm'": (dict(cell="lstm", elapsed=1), X),
    "got 1 channel": ({}, X[:, :, 0]),
    "with elapsed=3: expected X with 2 or more channels": (dict(elapsed=3), X),
    "segment=2: a step of the encoder is a segment of rows": (dict(segment=2), X),
    "dilation=2: a step goes on": (dict(dilation=(1, 2), num_layers=2), X),
    "decoder_tied=True: the weights of the decay": (dict(decoder="segments", decoder_tied=True), X),
    "with encoder='dense': it decays": (dict(encoder="dense", decoder="recurrent"), X[:, 0]),
    "this channel holds codes": (dict(elapsed=1, categories={"past": {1: None}}), np.abs(np.rint(X))),
    "no channel of these windows is named": ({}, windows_of()),
    "the windows name their channel of elapsed time already, 2": (dict(elapsed=2), windows_of(elapsed=2)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_work_is_refused_by_name(message):
    changes, windows = REFUSED[message]
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        decaying(**changes).fit(windows, None if isinstance(windows, Windows) else Y)


@pytest.mark.parametrize("elapsed", [0, 3, -1])
def test_a_channel_of_time_is_not_a_target(elapsed):
    with pytest.raises(ValueError, match=f"elapsed is {elapsed}; expected .* a channel that is not a target"):
        windows_of(elapsed=elapsed)


def test_a_file_with_another_channel_than_the_network_has_is_refused():
    a = decaying().fit(X, Y)._network.architecture
    for wrong in (None, 3, -1, True):
        with pytest.raises(ModelFileError, match="elapsed"):
            replace(a, elapsed=wrong).check_loaded(10_000, 10_000)
    assert "elapsed" in spec_of(a).streams
