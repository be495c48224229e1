"""Weights of members: the best that there are, by error where members are good, safe where one is poor."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from forecast._recipe.weights import LEAST, TIE, _Fits, _Judge, _least_absolute, _least_squares, mix

SHAPE = (240, 6, 2)
BLOCKS = np.arange(SHAPE[0]) * 4 // SHAPE[0]


def members(seed=0, **spreads):
    """Actual values, and members whose errors are independent and of these sizes."""
    rng = np.random.default_rng(seed)
    actual = 3 * rng.normal(size=SHAPE)
    return {name.replace("_", " "): actual + s * rng.normal(size=SHAPE) for name, s in spreads.items()}, actual


def check(found, forecasts, actual):
    assert abs(sum(found.weights.values()) - 1) < 1e-12
    assert min(found.weights.values()) > 0
    assert set(found.losses) == set(forecasts)
    assert found.crossfitted.shape == actual.shape


@pytest.mark.parametrize("seed", range(6))
def test_the_least_absolute_error_is_that_of_a_linear_program(seed):
    rng = np.random.default_rng(seed)
    n, k = 300, rng.integers(2, 8)
    errors = rng.standard_t(3, size=(n, k)) * rng.uniform(0.3, 2, k) + rng.normal(size=(n, 1))
    if seed == 3:
        errors[:, 1] = errors[:, 0]
    constraints = np.block([[errors, -np.eye(n)], [-errors, -np.eye(n)]])
    best = linprog(
        np.r_[np.zeros(k), np.full(n, 1 / n)],
        A_ub=constraints,
        b_ub=np.zeros(2 * n),
        A_eq=np.r_[np.ones(k), np.zeros(n)][None],
        b_eq=[1],
    )
    weights = _least_absolute(errors)
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-12
    assert np.abs(errors @ weights).mean() <= best.fun * (1 + 1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_the_least_squared_error_is_that_of_a_quadratic_program(seed):
    rng = np.random.default_rng(seed)
    k = rng.integers(2, 8)
    errors = rng.normal(size=(300, k)) * rng.uniform(0.3, 2, k) + rng.normal(size=(300, 1)) * rng.uniform(0, 3, k)
    best = minimize(
        lambda w: np.mean((errors @ w) ** 2),
        np.full(k, 1 / k),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        tol=1e-12,
    )
    assert np.mean((errors @ _least_squares(errors)) ** 2) <= best.fun * (1 + 1e-6)


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error"])
def test_good_members_all_have_weight(loss):
    forecasts, actual = members(linear=1.0, network_0=1.02, network_1=0.99)
    found = mix(forecasts, actual, BLOCKS, loss=loss)
    check(found, forecasts, actual)
    assert set(found.weights) == set(forecasts)
    assert 0.25 < min(found.weights.values()) < max(found.weights.values()) < 0.4
    for number, weights in found.of_blocks.items():
        mean = sum(weight * forecasts[name] for name, weight in weights.items())
        np.testing.assert_allclose(found.crossfitted[BLOCKS == number], mean[BLOCKS == number])
    errors = np.abs(found.crossfitted - actual) ** (2 if loss == "squared_error" else 1)
    assert found.loss == pytest.approx(errors.mean())


@pytest.mark.parametrize("power", [1, 2])
def test_weights_by_error_fall_with_its_eighth_power(power):
    forecasts, actual = members(linear=1.0, network_0=1.1, network_1=0.9)
    losses = {name: (np.abs(forecast - actual) ** power).mean() for name, forecast in forecasts.items()}
    falls = {name: loss ** (-8 / power) for name, loss in losses.items()}
    found = fits(forecasts, actual, power).on_all(1.0)
    assert found == pytest.approx({name: fall / sum(falls.values()) for name, fall in falls.items()})


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error"])
def test_a_member_a_third_behind_has_no_weight_by_its_error(loss):
    forecasts, actual = members(linear=1.0, network_0=1.25, network_1=1.35)
    of = fits(forecasts, actual, 2 if loss == "squared_error" else 1).on_all(1.0)
    assert of["network 1"] == 0
    assert 0.1 < of["network 0"] < 0.2


def test_a_poor_member_has_little_weight_and_a_hopeless_one_none():
    forecasts, actual = members(linear=1.0, network_0=1.0, network_1=1.45, last_value=5.0)
    found = mix(forecasts, actual, BLOCKS)
    check(found, forecasts, actual)
    assert "last value" not in found.weights
    assert found.weights.get("network 1", 0.0) < 0.3
    assert found.loss < min(found.losses.values())


def test_errors_that_cancel_are_found():
    _, actual = members()
    rng = np.random.default_rng(1)
    shared = rng.normal(size=SHAPE)
    forecasts = {"linear": actual + 1.5 * shared, "network": actual - shared}
    found = mix(forecasts, actual, BLOCKS, loss="squared_error")
    assert found.weights == pytest.approx({"linear": 0.4, "network": 0.6})
    assert found.loss < 1e-12


@pytest.mark.parametrize("simple", ["last value", "seasonal naive"])
def test_where_the_mean_is_no_better_the_naive_member_is_alone(simple):
    rng = np.random.default_rng(0)
    forecasts, actual = members(**{simple: 1.0})
    forecasts["network"] = forecasts[simple] + 0.3 * rng.normal(size=SHAPE)
    found = mix(forecasts, actual, BLOCKS)
    assert found.weights == {simple: 1.0}
    assert found.loss == found.losses[simple]
    assert np.array_equal(found.crossfitted, forecasts[simple])


def behind_in_one_block(size):
    """A network that beats a linear model in three blocks of four, and has errors of some size in the last."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=SHAPE)
    _, actual = members()
    of_block = np.where(BLOCKS == 3, size, 0.9)[:, None, None]
    linear = actual + shared + 0.5 * rng.normal(size=SHAPE)
    return {"linear": linear, "network": actual + of_block * (shared + 0.5 * rng.normal(size=SHAPE))}, actual


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error"])
def test_the_mean_stays_where_one_block_alone_speaks_for_the_linear_model(loss):
    forecasts, actual = behind_in_one_block(1.5)
    found = mix(forecasts, actual, BLOCKS, loss=loss)
    check(found, forecasts, actual)
    assert set(found.weights) == set(forecasts)
    assert found.losses["linear"] < found.loss


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error"])
def test_a_linear_model_far_ahead_is_alone_even_if_only_by_one_block(loss):
    forecasts, actual = behind_in_one_block(1.7)
    found = mix(forecasts, actual, BLOCKS, loss=loss)
    assert found.weights == {"linear": 1.0}
    assert found.loss == found.losses["linear"]


def test_the_pretrained_member_has_weight_where_the_mean_needs_it():
    forecasts, actual = members(linear=1.0, network=1.0, pretrained=1.0)  # three independent errors
    found = mix(forecasts, actual, BLOCKS)
    check(found, forecasts, actual)
    assert found.weights == pytest.approx(dict.fromkeys(forecasts, 1 / 3), abs=0.03)
    alone = {"pretrained": forecasts["pretrained"]}
    assert mix(alone, actual, BLOCKS).weights == {"pretrained": 1.0}


@pytest.mark.parametrize("spread", [1e-9, 0.3])
def test_the_pretrained_member_changes_nothing_where_it_brings_nothing(spread):
    forecasts, actual = members(linear=1.0, network=1.0)
    rng = np.random.default_rng(2)
    mean = (forecasts["linear"] + forecasts["network"]) / 2
    more = forecasts | {
        "pretrained": mean + spread * rng.normal(size=SHAPE)
    }  # as good as the mean, with the same errors
    found, without = mix(more, actual, BLOCKS), mix(forecasts, actual, BLOCKS)
    check(found, more, actual)
    assert found.losses["pretrained"] < min(found.losses["linear"], found.losses["network"])
    assert found.weights == without.weights
    assert found.loss == without.loss
    assert found.of_blocks == without.of_blocks
    assert np.array_equal(found.crossfitted, without.crossfitted)


def test_the_mean_with_the_pretrained_member_has_to_beat_the_best_weights_without_it():
    forecasts, actual = members(network_0=1.0)
    noise = 0.4 * np.random.default_rng(3).normal(size=SHAPE)
    forecasts["network 1"] = forecasts["network 0"] + noise
    fitted = mix(forecasts, actual, BLOCKS)
    assert fitted.weights["network 0"] > 0.9  # equal weights are worse, those with a third member are not
    forecasts["pretrained"] = forecasts["network 0"] - noise
    assert mix(forecasts, actual, BLOCKS).weights == fitted.weights


@pytest.mark.parametrize(("more", "weighed"), [(0.001, False), (0.006, True)])
def test_a_mean_that_beats_a_naive_forecast_with_the_pretrained_member_alone_has_it(more, weighed):
    ahead = np.array([0.066, 0.066, -0.02, 0.0])[BLOCKS][:, None, None]  # 2.8 %, and blocks that do not agree
    naive, actual = np.ones(SHAPE), np.zeros(SHAPE)
    forecasts = {"network": naive * (1 - ahead), "last value": naive}
    assert mix(forecasts, actual, BLOCKS).weights == {"last value": 1.0}
    found = mix(forecasts | {"pretrained": naive * (1 - ahead - more)}, actual, BLOCKS)
    assert found.weights == ({"pretrained": 1.0} if weighed else {"last value": 1.0})


@pytest.mark.parametrize(("size", "gain", "needed"), [(0.1, 0.006, False), (0.15, 0.013, True)])
def test_the_pretrained_member_has_to_gain_more_than_a_tie(size, gain, needed):
    forecasts, actual = members(linear=1.0)
    noise = size * np.random.default_rng(4).normal(size=SHAPE)
    one, other = forecasts["linear"] + noise, forecasts["linear"] - noise  # whose mean has less noise
    before = np.abs(one - actual).mean()
    assert 1 - np.abs(forecasts["linear"] - actual).mean() / before == pytest.approx(gain, abs=0.001)
    found = mix({"network": one, "pretrained": other}, actual, BLOCKS)
    assert ("pretrained" in found.weights) == needed


def test_a_network_alone_may_be_best():
    rng = np.random.default_rng(0)
    forecasts, actual = members(network=1.0)
    forecasts["linear"] = forecasts["network"] + rng.normal(size=SHAPE)
    assert mix(forecasts, actual, BLOCKS).weights == {"network": 1.0}


def test_of_simple_members_that_are_as_good_the_simplest_is_taken():
    forecasts, actual = members(linear=1.0)
    naive = {"linear": forecasts["linear"], "last value": forecasts["linear"].copy()}
    assert mix(naive, actual, BLOCKS).weights == {"last value": 1.0}
    naive["last value"] = actual + 1.002 * (forecasts["linear"] - actual)
    assert mix(naive, actual, BLOCKS).weights == {"linear": 1.0}


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_is_never_behind_its_best_simple_member(seed):
    rng = np.random.default_rng(seed)
    forecasts, actual = members(seed, linear=rng.uniform(0.5, 2), network=rng.uniform(0.5, 2), last_value=1.0)
    found = mix(forecasts, actual, BLOCKS)
    check(found, forecasts, actual)
    assert found.loss <= min(found.losses["linear"], found.losses["last value"]) * (1 + 2 * TIE)


def test_a_block_has_no_part_in_its_own_weights():
    """The actual values of a block are changed beyond recognition; the forecasts mixed for it keep their bits."""
    forecasts, actual = members(linear=1.0, network=0.8, last_value=1.3)
    before = mix(forecasts, actual, BLOCKS).crossfitted
    for number in range(4):
        changed = actual.copy()
        changed[BLOCKS == number] += 0.01 * np.random.default_rng(number).normal(size=changed[BLOCKS == number].shape)
        after = mix(forecasts, changed, BLOCKS).crossfitted
        assert np.array_equal(before[BLOCKS == number], after[BLOCKS == number])


def fits(forecasts, actual, power=1):
    judge = _Judge(actual, BLOCKS, 1.0, power)
    return _Fits(judge, forecasts, {name: judge.losses(forecast) for name, forecast in forecasts.items()})


@pytest.mark.parametrize("shrinking", [1.0, 0.5, 0.0])
def test_which_members_are_good_is_what_the_other_blocks_say(shrinking):
    forecasts, actual = members(linear=1.0, network=1.05)
    before = fits(forecasts, actual)
    actual[BLOCKS == 0] = forecasts["linear"][BLOCKS == 0]
    after = fits(forecasts, actual)
    assert before.without(0, shrinking) == after.without(0, shrinking)
    assert all(before.on_all(shrinking)[name] != after.on_all(shrinking)[name] for name in forecasts)


def test_a_weight_that_is_too_small_becomes_none():
    rng = np.random.default_rng(0)
    forecasts, actual = members(linear=1.0)
    errors = forecasts["linear"] - actual
    noise = rng.normal(size=SHAPE)
    noise -= errors * (noise * errors).sum() / (errors**2).sum()
    forecasts["network"] = actual + 0.99 * errors + 0.8 * noise
    cells = np.stack([(forecast - actual).ravel() for forecast in forecasts.values()], axis=1)
    assert 0 < _least_squares(cells)[1] < LEAST
    assert fits(forecasts, actual, power=2).on_all(0.0) == {"linear": 1.0, "network": 0.0}


def test_one_block_gives_weights_by_error():
    forecasts, actual = members(linear=1.0, network_0=0.95, network_1=1.4)
    found = mix(forecasts, actual, np.zeros(len(actual), dtype=int))
    ratio = (found.losses["linear"] / found.losses["network 0"]) ** 8
    assert found.weights == pytest.approx({"linear": 1 / (1 + ratio), "network 0": ratio / (1 + ratio)})


@pytest.mark.parametrize("loss", ["absolute_error", "squared_error"])
def test_missing_values_are_left_out(loss):
    forecasts, actual = members(linear=1.0, network=0.7, last_value=1.3)
    kept = np.arange(len(actual)) % 2 == 0
    holes = np.where(kept[:, None, None], actual, np.nan)
    found = mix(forecasts, holes, BLOCKS, loss=loss)
    alone = mix({name: f[kept] for name, f in forecasts.items()}, actual[kept], BLOCKS[kept], loss=loss)
    assert found.weights == pytest.approx(alone.weights)
    assert found.losses == pytest.approx(alone.losses)
    assert np.isfinite(found.crossfitted).all()


def test_a_block_without_a_known_value_is_mixed_with_the_weights_of_all():
    forecasts, actual = members(linear=1.0, network=1.0)
    actual[BLOCKS == 2] = np.nan
    found = mix(forecasts, actual, BLOCKS)
    mean = sum(weight * forecasts[name] for name, weight in found.weights.items())
    assert np.allclose(found.crossfitted[BLOCKS == 2], mean[BLOCKS == 2])


def test_scales_make_targets_count_alike():
    forecasts, actual = members(linear=1.0, network=1.0)
    scales = np.broadcast_to([1e6, 1e-3], (SHAPE[0], 2))
    large = {name: forecast * scales[:, None] for name, forecast in forecasts.items()}
    found, expected = mix(large, actual * scales[:, None], BLOCKS, scales), mix(forecasts, actual, BLOCKS)
    assert found.weights == pytest.approx(expected.weights)
    assert found.loss == pytest.approx(expected.loss)


def test_a_member_that_is_not_finite_has_no_weight():
    forecasts, actual = members(linear=1.0, network=0.5)
    forecasts["network"][7, 2, 1] = np.nan
    forecasts["other"] = np.full(SHAPE, np.inf)
    found = mix(forecasts, actual, BLOCKS)
    assert found.weights == {"linear": 1.0}
    assert found.losses["network"] == found.losses["other"] == np.inf


def test_perfect_forecasts_are_no_trouble():
    _, actual = members()
    found = mix({"linear": actual.copy(), "network": actual.copy()}, actual, BLOCKS)
    assert found.weights == {"linear": 1.0}
    assert found.loss == 0
    one = mix({"linear": actual + 1, "network": actual.copy(), "other": actual.copy()}, actual, BLOCKS)
    assert one.weights == {"network": 0.5, "other": 0.5}


def test_many_values_are_drawn_from_always_the_same_way():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(400, 60, 4))
    forecasts = {name: actual + s * rng.normal(size=actual.shape) for name, s in (("linear", 1), ("network", 0.6))}
    first, second = (mix(forecasts, actual, np.arange(400) * 5 // 400) for _ in range(2))
    assert first.weights == second.weights
    assert first.weights["network"] == pytest.approx(1 / 1.36, abs=0.02)  # inverse variances


SAME_BITS = """
import numpy as np
from forecast._recipe.weights import mix
rng = np.random.default_rng(0)
actual = rng.normal(size=(900, 24, 2))
forecasts = {f"m {k}": actual + (1 + k / 4) * rng.normal(size=actual.shape) for k in range(5)}
for loss in ("absolute_error", "squared_error"):
    print([w.hex() for w in mix(forecasts, actual, np.arange(900) // 180, loss=loss).weights.values()])
"""


@pytest.mark.slow
def test_the_number_of_blas_threads_changes_no_bit(tmp_path):
    out = set()
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads)}
        # Elsewhere: in the clone, its sources would be imported, which have no compiled core.
        call = dict(env=env, cwd=tmp_path, capture_output=True, text=True)
        run = subprocess.run([sys.executable, "-c", SAME_BITS], **call, check=True)
        out.add(run.stdout)
    assert len(out) == 1


def test_what_cannot_be_weighed_is_refused():
    forecasts, actual = members(linear=1.0)
    with pytest.raises(ValueError, match="loss is 'mape'"):
        mix(forecasts, actual, BLOCKS, loss="mape")
    with pytest.raises(ValueError, match="0 known values"):
        mix(forecasts, np.full(SHAPE, np.nan), BLOCKS)
    with pytest.raises(ValueError, match="0 members"):
        mix({}, actual, BLOCKS)


# -------------------- a naive forecast that is not clearly beaten


def _gains(of_blocks, seed=0):
    """A naive forecast whose error is 1, and a linear one that gains so much of it in each block."""
    actual = np.zeros((40 * len(of_blocks), 1, 1))
    blocks = np.arange(len(actual)) // 40
    linear = 1.0 - np.array(of_blocks)[blocks].reshape(actual.shape)
    return {"linear": linear, "last value": np.ones_like(actual)}, actual, blocks


def test_a_small_gain_that_the_blocks_do_not_agree_on_leaves_the_naive_forecast():
    assert mix(*_gains([0.05, 0.05, -0.02, -0.02])).weights == {"last value": 1.0}


def test_a_small_gain_in_every_block_is_taken():
    assert mix(*_gains([0.012, 0.015, 0.01, 0.016])).weights == {"linear": 1.0}


def test_a_large_gain_is_taken_whatever_the_blocks_say():
    assert mix(*_gains([0.3, 0.2, -0.1, -0.1])).weights == {"linear": 1.0}


def test_one_block_has_no_standard_error():
    assert mix(*_gains([0.02])).weights == {"linear": 1.0}
