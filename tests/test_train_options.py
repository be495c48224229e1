"""The core's training options against plain NumPy: rates per batch, groups, the weight average, noise and clipping."""

import numpy as np
import pytest
import reference
import tolerances
from cases import CELLS, DTYPES, ISAS, draw_case, largest_difference

from forecast import _core
from forecast._network import compiled

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)
BATCH = 8


def case_of(batch=40, **shape):
    return draw_case("gru", np.random.default_rng(3), **dict(batch=batch, layers=2, extra=1) | shape)


def core_of(case, dtype="float64", isa=None, dropout=0.0, clip=None):
    return compiled(case.network.with_dropout(dropout).spec, dtype, isa, clip)


def trained(case, network, optimizer="adam", dtype="float64", batch=BATCH, **arguments):
    theta, weight_decay = case.theta.astype(dtype), arguments.pop("weight_decay", 0.0)
    optimizer = _core.Optimizer(optimizer, dtype, theta.size, weight_decay=weight_decay)
    given = {"rate": 0.02} if "rates" not in arguments else {}
    result = network.train(theta, optimizer, case.source(), case.index, batch, **given | arguments)
    assert result["finite"]
    return theta, optimizer, result


# -------------------- rates


@pytest.mark.parametrize("name", _core.OPTIMIZERS)
def test_every_batch_has_its_own_rate(name):
    case, rates = case_of(), np.array([0.01, 0.03, 0.0, 0.002, 0.05])
    found, _, _ = trained(case, case.core(), name, rates=rates, weight_decay=0.1)
    theta, state = case.theta.copy(), {"steps": 0, "first": 0 * case.theta, "second": 0 * case.theta}
    for first, rate in zip(range(0, 40, BATCH), rates, strict=True):
        gradient = case.network.gradient(theta, case.batch(case.index[first : first + BATCH]))["theta"]
        state["steps"] += 1
        theta = reference.REFERENCE_OPTIMIZERS[name](theta, gradient, state, rate, weight_decay=0.1)
    assert largest_difference(found, theta) <= tolerances.ORACLE_STEPS["float64"]


@every_dtype
def test_one_rate_for_all_is_an_array_of_it(dtype):
    case = case_of(batch=41)
    one, _, _ = trained(case, case.core(dtype), dtype=dtype, rate=0.02)
    each, _, _ = trained(case, case.core(dtype), dtype=dtype, rates=np.full(6, 0.02))
    assert one.tobytes() == each.tobytes()


@pytest.mark.parametrize(("given", "error", "message"), [
    ({"rates": np.ones(4)}, ValueError, "rates: expected 5 elements, got 4"),
    ({"rates": np.ones(5, dtype="float32")}, TypeError, "rates: expected dtype float64"),
    ({"rates": np.ones(5), "rate": 0.1}, TypeError, "rates: expected either rates, one per batch, or rate"),
    ({}, TypeError, "rates: expected either rates, one per batch, or rate"),
    ({"rate": 0.1, "noise": -1.0}, ValueError, "noise: expected a number from 0 on"),
    ({"rate": 0.1, "noise": np.nan}, ValueError, "noise: expected a number from 0 on"),
    ({"rate": 0.1, "average_decay": 1.0}, ValueError, "average_decay: expected 0 <= average_decay < 1"),
    ({"rate": 0.1, "average": np.zeros(3)}, ValueError, "average: expected .* elements, got 3"),
    ({"rate": 0.1, "groups": [(0, 10, 1.0, None), (9, 1, 1.0, None)]}, ValueError, "groups: expected ascending ranges"),
    ({"rate": 0.1, "groups": [(0, 10**6, 1.0, None)]}, ValueError, "groups: expected ascending ranges"),
    ({"rate": 0.1, "groups": [(-1, 2, 1.0, None)]}, ValueError, "groups: expected ascending ranges"),
    ({"rate": 0.1, "groups": [(0, 2, -1.0, None)]}, ValueError, "groups: expected a rate_factor and a weight_decay"),
    ({"rate": 0.1, "groups": [(0, 2, 1.0, np.inf)]}, ValueError, "groups: expected a rate_factor and a weight_decay"),
], ids=str)  # fmt: skip
def test_what_no_training_can_be_given_is_refused(given, error, message):
    case, theta = case_of(), case_of().theta
    optimizer = _core.Optimizer("adam", "float64", theta.size)
    with pytest.raises(error, match=message):
        case.core().train(theta, optimizer, case.source(), case.index, BATCH, **given)
    assert optimizer.steps == 0
    assert theta.tobytes() == case.theta.tobytes()


@pytest.mark.parametrize("clip", [0.0, -1.0, np.nan])
def test_a_clip_that_bounds_nothing_is_refused(clip):
    with pytest.raises(ValueError, match="clip: expected None or a positive number"):
        core_of(case_of(), clip=clip)


# -------------------- groups and the average


@pytest.mark.parametrize("name", _core.OPTIMIZERS)
def test_groups_have_their_own_rate_and_decay(name):
    case, groups = case_of(), [(5, 20, 0.1, None), (25, 7, 2.0, 0.5), (200, 9, 0.0, 0.0)]
    found, _, _ = trained(case, case.core(), name, weight_decay=0.1, groups=groups)
    factor, decay = np.ones(case.theta.size), np.full(case.theta.size, 0.1)
    for offset, n, times, own in groups:
        factor[offset : offset + n] = times
        decay[offset : offset + n] = 0.1 if own is None else own
    theta, state = case.theta.copy(), {"steps": 0, "first": 0 * case.theta, "second": 0 * case.theta}
    for first in range(0, 40, BATCH):
        gradient = case.network.gradient(theta, case.batch(case.index[first : first + BATCH]))["theta"]
        state["steps"] += 1
        theta = reference.REFERENCE_OPTIMIZERS[name](theta, gradient, state, 0.02 * factor, weight_decay=decay)
    assert largest_difference(found, theta) <= tolerances.ORACLE_STEPS["float64"]
    assert np.array_equal(found[200:209], case.theta[200:209]), "a rate of 0"


@every_isa
@every_dtype
def test_groups_that_say_nothing_change_no_bit(dtype, isa):
    """Also where they cut the vectors and the parts of the step's work."""
    case = case_of(hidden=40)
    groups = [(n, 1, 1.0, None) for n in (0, 3, 4095, 4096)] + [(5000, 1001, 1.0, 0.1)]
    plain, whole, _ = trained(case, case.core(dtype, isa), "adamw", dtype, weight_decay=0.1)
    cut, parts, _ = trained(case, case.core(dtype, isa), "adamw", dtype, weight_decay=0.1, groups=groups)
    assert cut.tobytes() == plain.tobytes()
    assert parts.second.tobytes() == whole.second.tobytes()


@every_isa
@every_dtype
def test_the_average_is_taken_after_every_step(dtype, isa):
    case, decay = case_of(hidden=40), 0.75
    network, theta = case.core(dtype, isa), case.theta.astype(dtype)
    average = np.zeros_like(theta)
    found, _, _ = trained(case, network, dtype=dtype, average=average, average_decay=decay)
    optimizer, expected = _core.Optimizer("adam", dtype, theta.size), np.zeros(theta.size)
    for first in range(0, 40, BATCH):
        network.train(theta, optimizer, case.source(), case.index[first : first + BATCH], BATCH, rate=0.02)
        expected = decay * expected + (1 - decay) * theta
    assert found.tobytes() == theta.tobytes(), "the average changes nothing of the training"
    assert largest_difference(average, expected) <= {"float32": 1e-6, "float64": 1e-15}[dtype]


# -------------------- noise and clipping


def philox(counter, seed):
    x, mask = [int(c) for c in counter], 0xFFFFFFFF
    k0, k1 = seed & mask, seed >> 32
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(b >> 32) ^ x[1] ^ k0, b & mask, (a >> 32) ^ x[3] ^ k1, a & mask]
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return x


def mixed(x):
    mask = (1 << 64) - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def normal(seed, windows, entries):
    """N(0, 1) of each window of a batch and each entry of its past, counted step after step."""
    z = np.empty((windows, -(-entries // 4) * 4))
    for window in range(windows):
        for draw in range(z.shape[1] // 4):
            x = philox((window, draw, 0, 0xFFFFFFFF), seed)
            for pair in (0, 2):
                radius = np.sqrt(-2 * np.log((x[pair] + 0.5) / 2**32))
                angle = (((x[pair + 1] & 0x3FFFFFFF) + 0.5) / 2**30 - 0.5) * np.pi / 2
                side, turned = (-1.0 if x[pair + 1] >> 31 else 1.0), x[pair + 1] >> 30 & 1
                first, second = (np.sin(angle), np.cos(angle)) if turned else (np.cos(angle), np.sin(angle))
                z[window, 4 * draw + pair : 4 * draw + pair + 2] = side * radius * first, side * radius * second
    return z[:, :entries]


def with_past(case, change):
    """The case with another scaled past: change(past) of (windows of the batch, entries), by position in the batch."""
    n = case.network
    past = case.arguments["past"].reshape(-1, n.steps * n.inputs).copy()
    past[case.index] = change(past[case.index])
    return case.with_arguments(past=past.reshape(-1, n.inputs))


@pytest.mark.parametrize("path", ["lanes", "units"])
@pytest.mark.parametrize("inputs", [1, 3])
@every_isa
@every_dtype
def test_noise_is_that_of_the_formula(dtype, isa, inputs, path):
    case = case_of(batch=37, inputs=inputs, steps=7)
    network = core_of(case, dtype, isa, clip=1.0)
    noisy = with_past(case, lambda past: np.clip(past, -1, 1) + 0.3 * normal(mixed(11 + mixed(0)), 37, past.shape[1]))
    gradient = noisy.gradient(dtype, isa)["theta"]
    theta, _, result = trained(case, network, "sgd", dtype, 37, rate=1.0, noise=0.3, seed=11, path=path)
    tolerance = tolerances.ORACLE_STEPS[dtype]
    assert largest_difference(case.theta.astype(dtype) - theta, gradient) <= tolerance
    assert result["losses"][0] == pytest.approx(noisy.gradient(dtype, isa)["loss"], rel=tolerance)


def test_noise_is_new_in_every_batch_and_for_every_seed():
    case = case_of(batch=8)
    network, losses = core_of(case), []
    for seed in (1, 2):
        again = np.tile(case.index, 2)
        theta, optimizer = case.theta.copy(), _core.Optimizer("sgd", "float64", case.theta.size)
        result = network.train(theta, optimizer, case.source(), again, 8, rate=0.0, noise=0.3, seed=seed)
        losses += result["losses"].tolist()
    assert len(set(losses)) == 4


def test_noise_is_normal():
    z = normal(5, 60, 400)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / z.size)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / z.size)
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < 4 / np.sqrt(z.size)
    assert abs((z**2)[:, ::2].ravel() @ (z**2)[:, 1::2].ravel() / (z.size / 2) - 1) < 4 * np.sqrt(8 / (z.size / 2))
    quarters = np.bincount((2 * (z[:, ::2] > 0) + (z[:, 1::2] > 0)).ravel()) / (z.size / 2)
    assert np.abs(quarters - 0.25).max() < 4 * np.sqrt(0.1875 / (z.size / 2))


def test_without_noise_and_clip_not_one_bit_is_another():
    case = case_of(batch=37)
    plain, _, _ = trained(case, case.core("float32"), dtype="float32", seed=3)
    for network, arguments in ((core_of(case, "float32"), {"noise": 0.0}), (core_of(case, "float32", clip=1e6), {})):
        assert trained(case, network, dtype="float32", seed=3, **arguments)[0].tobytes() == plain.tobytes()


@every_isa
@every_dtype
@pytest.mark.parametrize("cell", CELLS)
def test_a_clipped_past_is_the_bounded_past(cell, dtype, isa):
    case = draw_case(cell, np.random.default_rng(4), batch=41, steps=5, inputs=3, extra=1)
    bounded = with_past(case, lambda past: np.clip(past, -0.5, 0.5))
    clipped, plain, theta = core_of(case, dtype, isa, clip=0.5), case.core(dtype, isa), case.theta.astype(dtype)
    for path in ("lanes", "units"):
        found = clipped.predict(theta, case.source(), case.index, path=path)
        assert found.tobytes() == plain.predict(theta, bounded.source(), case.index, path=path).tobytes()
    one = clipped.predict(theta, case.source(), case.index[:1], threads=2)
    assert one.tobytes() == found[:1].tobytes()
    assert clipped.loss(theta, case.source(), case.index) == plain.loss(theta, bounded.source(), case.index)
    gradients = clipped.gradient(theta, case.source(), case.index), plain.gradient(theta, bounded.source(), case.index)
    assert gradients[0]["theta"].tobytes() == gradients[1]["theta"].tobytes()


def test_predictions_and_losses_know_no_noise():
    """It is an argument of training alone; what is trained is noisy, what is asked is not."""
    case = case_of()
    theta, _, _ = trained(case, core_of(case), noise=0.5)
    assert core_of(case).loss(theta, case.source(), case.index) == case.core().loss(theta, case.source(), case.index)


# -------------------- the same bits, whole batches


@every_isa
@every_dtype
def test_all_of_it_has_the_same_bits_for_any_number_of_threads(dtype, isa):
    case = case_of(batch=700, hidden=24)
    network, found = core_of(case, dtype, isa, dropout=0.2, clip=1.5), set()
    for threads in (1, 2, 7):
        average = np.zeros(case.theta.size, dtype)
        theta, optimizer, result = trained(
            case, network, "adamw", dtype, 300, rates=np.array([0.01, 0.02, 0.03]), noise=0.1, average=average,
            average_decay=0.9, groups=[(10, 5000, 0.5, 0.2)], threads=threads, seed=4,
        )  # fmt: skip
        found.add(theta.tobytes() + average.tobytes() + optimizer.first.tobytes() + result["losses"].tobytes())
    assert len(found) == 1


def test_the_left_over_windows_have_the_noise_of_their_number():
    """Of 33 windows one is trained units in the lanes: the gradient is that of 33 in the lanes, to rounding."""
    lanes = case_of().core().lanes
    case = case_of(batch=lanes + 1, hidden=12)
    automatic, _, _ = trained(case, core_of(case), "sgd", batch=lanes + 1, rate=1.0, noise=0.4, seed=9)
    together, _, _ = trained(case, core_of(case), "sgd", batch=lanes + 1, rate=1.0, noise=0.4, seed=9, path="lanes")
    assert largest_difference(automatic, together) <= tolerances.ORACLE_GRADIENTS["float64"]


def test_a_step_that_is_not_taken_leaves_the_average_alone():
    case = case_of(batch=16)
    theta, average = case.theta.copy(), np.ones(case.theta.size)
    optimizer = _core.Optimizer("adam", "float64", theta.size)
    target = case.arguments["target"].copy()
    target[case.index[9]] = 1e300  # of the second batch
    broken = case.with_arguments(target=target)
    arguments = dict(rate=0.01, average=average, average_decay=0.5)
    result = case.core().train(theta, optimizer, broken.source(), case.index, 8, **arguments)
    assert (result["finite"], optimizer.steps) == (False, 1)
    assert largest_difference(average, 0.5 + 0.5 * theta) <= 1e-15
