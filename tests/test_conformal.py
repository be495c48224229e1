"""Conformal intervals: exact on small examples, right in coverage, and never wiser than the rows known at an origin."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast._conformal import AdaptiveState, largest_known, residuals_needed, static_offsets, within_errors


def adaptive_bounds(actual, forecast, positions, coverage, *, initial=None, **settings):
    """Bounds at origins in time order, of a state that residuals of consecutive rows before them may have warmed up."""
    state = AdaptiveState(coverage, **settings)
    if initial is not None:
        state.warm_up(initial, before=positions[0])
    return state.bounds(actual, forecast, positions)


def cube(values):
    return np.asarray(values, dtype=float).reshape(-1, 1, 1)


def noise(n, steps=3, targets=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, steps, targets))


def inside(actual, lower, upper):
    return (lower <= actual) & (actual <= upper)


# -------------------- fixed offsets


def test_offsets_are_the_order_statistics_of_the_corrected_rank():
    residuals = cube(np.random.default_rng(0).permutation(np.arange(1.0, 40.0)))
    for coverage, rank in ((0.95, 39), (0.9, 38), (0.8, 36), (0.5, 30)):  # ceil(40 (1 + coverage) / 2)
        lower, upper = static_offsets(residuals, coverage)
        assert (lower.item(), upper.item()) == (40 - rank, rank)
    lower, upper = static_offsets(cube(np.arange(1.0, 41.0)), 0.8)
    assert (lower.item(), upper.item()) == (4, 37)  # of 40: ceil(41 x 0.9), not 40 x 0.9


def test_offsets_are_as_skewed_as_the_residuals_and_take_out_a_bias():
    residuals = noise(99) ** 2
    lower, upper = static_offsets(residuals, 0.8)
    shifted_lower, shifted_upper = static_offsets(residuals + 10, 0.8)
    assert (np.median(residuals, axis=0) - lower < upper - np.median(residuals, axis=0)).all()
    np.testing.assert_allclose([shifted_lower, shifted_upper], [lower + 10, upper + 10])


def test_several_coverages_stand_on_a_leading_axis_and_enclose_each_other():
    residuals = noise(200)
    lower, upper = static_offsets(residuals, [0.5, 0.8, 0.95])
    assert lower.shape == upper.shape == (3, 3, 2)
    for number, coverage in enumerate([0.5, 0.8, 0.95]):
        np.testing.assert_array_equal(static_offsets(residuals, coverage), [lower[number], upper[number]])
    assert (np.diff(lower, axis=0) < 0).all()
    assert (np.diff(upper, axis=0) > 0).all()


def test_missing_residuals_count_for_nothing():
    residuals = noise(60)
    holes = np.full((20, 3, 2), np.nan)
    mixed = np.concatenate([holes, residuals])[np.random.default_rng(1).permutation(80)]
    np.testing.assert_array_equal(static_offsets(mixed, 0.9), static_offsets(residuals, 0.9))


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.95, 39), (0.99, 199)])
def test_too_few_residuals_say_how_many_are_needed(coverage, needed):
    assert residuals_needed(coverage) == needed
    residuals = noise(needed)
    lower, upper = static_offsets(residuals, coverage)
    np.testing.assert_array_equal([lower, upper], [residuals.min(axis=0), residuals.max(axis=0)])
    residuals[0, 1, 1] = np.nan
    said = rf"needs {needed} known residuals .* got {needed - 1} of step 2, target 1.*validation_fraction=0\.2, more"
    with pytest.raises(ValueError, match=said):
        static_offsets(residuals, coverage)


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_fixed_offsets_cover_exchangeable_noise_as_promised(coverage):
    """Between the nominal share and 2 / (n + 1) more, in the mean over calibration sets; here of 1,000 cells."""
    rng = np.random.default_rng(2)
    calibration, test = rng.exponential(size=(59, 1000, 1)), rng.exponential(size=(200, 1000, 1))
    share = inside(test, *static_offsets(calibration, coverage)).mean()
    assert coverage - 0.005 < share < coverage + 2 / 60 + 0.005


# -------------------- levels that adapt


def by_hand(actual, forecast, positions, coverage, gamma, window, decay):
    """One step, one target, one coverage, slowly: from the definition, over lists."""
    tail = (1 - coverage) / 2
    alpha, scores, size, weight, heard = [tail, tail], [], 0.0, 0.0, 0
    issued, out = [], []
    for y, f, position in zip(actual, forecast, positions, strict=True):
        for entry in [entry for entry in issued if entry["due"] <= position]:
            issued.remove(entry)
            residual = entry["y"] - entry["f"]
            if np.isnan(residual):
                continue
            if entry["bounds"] is not None:
                missed = residual < entry["bounds"][0], residual > entry["bounds"][1]
                alpha = [min(a + gamma * (tail - m), 0.5) for a, m in zip(alpha, missed, strict=True)]
            if entry["scale"] is not None:
                scores = [*scores, residual / entry["scale"]][-window:]
            size, weight, heard = decay * size + (1 - decay) * abs(residual), decay * weight + 1 - decay, heard + 1
        scale = size / weight if heard >= 10 else None
        bounds = None
        if scale is not None and len(scores) >= residuals_needed(coverage):
            middle = sorted(scores)[(len(scores) - 1) // 2]
            bounds = []
            for side, ordered in ((0, sorted(scores)[::-1]), (1, sorted(scores))):
                rank = (len(scores) + 1) * (1 - alpha[side])
                if rank >= len(scores):
                    reach = 1 + 10 * (rank - len(scores)) / (len(scores) + 1)
                    start = sorted(scores)[(len(scores) - 1) // 2] if side == 1 else middle
                    bounds.append(scale * (start + reach * (ordered[-1] - start)))
                else:
                    k = int(rank)
                    bounds.append(scale * (ordered[k - 1] + (rank - k) * (ordered[k] - ordered[k - 1])))
        issued.append({"due": position + 1, "y": y, "f": f, "bounds": bounds, "scale": scale})
        out.append([np.nan, np.nan] if bounds is None else [f + bounds[0], f + bounds[1]])
    return np.array(out).T


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    coverage=st.sampled_from([0.5, 0.8, 0.9]),
    gamma=st.sampled_from([0.0, 0.01, 0.2]),
    window=st.sampled_from([19, 30, 200]),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_bounds_are_those_of_the_definition(seed, coverage, gamma, window, missing):
    rng = np.random.default_rng(seed)
    actual, forecast = rng.standard_t(2, size=90), rng.normal(size=90)
    actual[rng.random(90) < missing] = np.nan
    positions = np.cumsum(rng.integers(1, 4, size=90))
    chosen = {"gamma": gamma, "window": window, "decay": 0.9}
    lower, upper = adaptive_bounds(cube(actual), cube(forecast), positions, coverage, **chosen)
    slow = by_hand(actual, forecast, positions, coverage, **chosen)
    np.testing.assert_allclose([lower.ravel(), upper.ravel()], slow, rtol=1e-9, atol=1e-9)


def test_level_moves_by_gamma_times_the_surprise():
    state = AdaptiveState(0.8, gamma=0.05, decay=1)
    residuals = cube([*np.zeros(10), 0.0, 3.0, -3.0, np.nan, 0.0])  # bounds from the tenth origin on
    state.learn(residuals, range(15), 15)
    hits, misses = np.array([5 - 1, 5 - 1]), np.array([1, 1])
    np.testing.assert_allclose(state._alpha.ravel(), 0.1 + 0.05 * (0.1 * hits - 0.9 * misses))


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_bounds_stay_finite_however_often_they_miss(scale):
    """Every residual ten times the last one: the level falls far below what the residuals can tell."""
    actual = cube(scale * 10.0 ** np.minimum(np.arange(400) / 4, 100))
    lower, upper = adaptive_bounds(actual, np.zeros_like(actual), np.arange(400), 0.8, gamma=0.1)
    assert np.isfinite([lower[20:], upper[20:]]).all()


def test_no_bounds_before_there_are_residuals_enough():
    actual = noise(100, steps=2)
    lower, upper = adaptive_bounds(actual, np.zeros_like(actual), np.arange(100), 0.9)
    first = 10 + np.array([0, 1]) + 18 + np.array([1, 2])  # ten residuals for the scale, then the 19th score
    for step in (0, 1):
        known = np.flatnonzero(~np.isnan(lower[:, step]).any(axis=1))
        assert known[0] == first[step]
        assert (np.diff(known) == 1).all()
    np.testing.assert_array_equal(np.isnan(lower), np.isnan(upper))


def test_a_calibration_part_gives_bounds_from_the_first_origin():
    actual = noise(50)
    lower, upper = adaptive_bounds(actual, np.zeros_like(actual), np.arange(50), [0.5, 0.95], initial=noise(60, seed=1))
    assert lower.shape == (2, *actual.shape)
    assert (lower < upper).all()
    assert (np.diff(lower, axis=0) <= 0).all()
    assert (np.diff(upper, axis=0) >= 0).all()


def test_coverages_enclose_each_other_in_any_order():
    actual = np.random.default_rng(5).standard_t(2, size=(400, 2, 1))
    lower, upper = adaptive_bounds(actual, np.zeros_like(actual), np.arange(400), [0.9, 0.5, 0.8], gamma=0.1)
    lower, upper = lower[:, 60:], upper[:, 60:]
    assert (lower[0] <= lower[2]).all()
    assert (lower[2] <= lower[1]).all()
    assert (upper[0] >= upper[2]).all()
    assert (upper[2] >= upper[1]).all()


VOLATILE = np.repeat([1.0, 2.0, 1.0, 0.5, 2.0, 0.5], 400)


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_coverage_holds_when_the_variance_doubles_and_halves(coverage):
    actual = noise(2400, steps=4, targets=5, seed=3) * VOLATILE[:, None, None]
    initial = noise(300, steps=4, targets=5, seed=4)
    fixed = inside(actual, *static_offsets(initial, coverage))
    bounds = adaptive_bounds(actual, np.zeros_like(actual), np.arange(2400), coverage, initial=initial)
    held = inside(actual, *bounds)
    assert abs(held.mean() - coverage) < 0.02
    assert np.abs(held.mean(axis=(0, 2)) - coverage).max() < 0.02
    by_part = np.abs(held.reshape(6, 400, -1).mean(axis=(1, 2)) - coverage)
    assert by_part.max() < 0.04
    assert abs(fixed.mean() - coverage) > 0.02
    assert np.abs(fixed.reshape(6, 400, -1).mean(axis=(1, 2)) - coverage).max() > 0.1


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_coverage_holds_on_exchangeable_and_on_biased_noise(coverage):
    skewed = np.random.default_rng(6).exponential(size=(1500, 3, 4))
    for bias in (0.0, 5.0):
        bounds = adaptive_bounds(skewed + bias, np.zeros_like(skewed), np.arange(1500), coverage, initial=skewed[:200])
        missed = np.array([(skewed + bias < bounds[0]).mean(), (skewed + bias > bounds[1]).mean()])
        assert np.abs(missed - (1 - coverage) / 2).max() < 0.01


# -------------------- what is known when


@settings(deadline=None, max_examples=15, derandomize=True)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 5), cut=st.integers(40, 110))
def test_rows_after_an_origin_change_no_bit_of_its_bounds(seed, steps, cut):
    rng = np.random.default_rng(seed)
    positions = np.cumsum(rng.integers(1, 3, size=120))
    actual, forecast = rng.normal(size=(2, 120, steps, 2))
    scrambled = actual.copy()
    later = positions[:, None] + np.arange(1, steps + 1) > positions[cut]
    scrambled[later] = 1e9 * rng.normal(size=(int(later.sum()), 2))
    before = adaptive_bounds(actual, forecast, positions, [0.5, 0.8])
    after = adaptive_bounds(scrambled, forecast, positions, [0.5, 0.8])
    np.testing.assert_array_equal(np.array(before)[:, :, : cut + 1], np.array(after)[:, :, : cut + 1])


@pytest.mark.parametrize(("steps", "apart"), [(1, 1), (3, 1), (3, 2), (3, 7)])
def test_newest_known_residual_moves_the_next_bound(steps, apart):
    positions, actual = apart * np.arange(100), noise(100, steps, 1)
    changed = actual.copy()
    newest = 99 - int(np.ceil(steps / apart))
    changed[newest, -1] += 50.0  # its row is that of the last origin, or up to one interval before
    one, two = (np.array(adaptive_bounds(rows, 0 * rows, positions, 0.8)) for rows in (actual, changed))
    np.testing.assert_array_equal(one[:, :-1], two[:, :-1])
    assert (one[:, -1, -1] != two[:, -1, -1]).all()


@pytest.mark.parametrize("cut", [0, 1, 40, 119])
def test_a_state_that_goes_on_gives_the_bits_of_one_call(cut):
    """With one step, so that the last residual of the first part is known at the first origin of the second."""
    rng = np.random.default_rng(cut)
    positions = np.flatnonzero(rng.random(160) < 0.9)[:120]
    actual, forecast, initial = noise(120, 1), noise(120, 1, seed=1), noise(30, 1, seed=2)
    actual[rng.random(actual.shape) < 0.1] = np.nan
    whole = adaptive_bounds(actual, forecast, positions, [0.5, 0.8], initial=initial)
    state = AdaptiveState([0.5, 0.8])
    state.warm_up(initial, before=positions[0])
    state.learn(actual[:cut] - forecast[:cut], positions[:cut], positions[cut])
    state = pickle.loads(pickle.dumps(state))
    for _ in range(2):  # bounds leave the state as it was
        part = state.bounds(actual[cut:], forecast[cut:], positions[cut:])
        np.testing.assert_array_equal(part, np.array(whole)[:, :, cut:])


def test_cells_do_not_touch_each_other():
    actual = noise(150, steps=3, targets=2)
    actual[40:60, 1, 0] = np.nan
    whole = adaptive_bounds(actual, np.zeros_like(actual), np.arange(150), 0.8)
    for target in (0, 1):
        alone = adaptive_bounds(actual[..., [target]], np.zeros((150, 3, 1)), np.arange(150), 0.8)
        np.testing.assert_array_equal(np.array(whole)[..., [target]], alone)


def test_unit_of_the_series_changes_nothing():
    actual = noise(200)
    small, large = (np.array(adaptive_bounds(k * actual, 0 * actual, np.arange(200), 0.8)) for k in (1.0, 1024.0))
    np.testing.assert_array_equal(1024 * small, large)


def test_missing_actuals_leave_finite_bounds():
    actual = noise(300)
    actual[np.random.default_rng(1).random(actual.shape) < 0.2] = np.nan
    actual[:, 0, 1] = np.nan
    lower, upper = adaptive_bounds(actual, np.zeros_like(actual), np.arange(300), 0.8, initial=noise(40, seed=1))
    assert np.isfinite([lower, upper]).all()


# -------------------- refusals


@pytest.mark.parametrize(
    ("coverage", "error", "message"),
    [(0, ValueError, "between 0 and 1"), (1.0, ValueError, "between 0 and 1"), (90, ValueError, "90 %"),
     ([0.8, np.nan], ValueError, "between 0 and 1"), ("0.9", TypeError, "number"), ([], ValueError, "numbers")],
)  # fmt: skip
def test_coverage_out_of_range_is_refused(coverage, error, message):
    with pytest.raises(error, match=message):
        static_offsets(noise(50), coverage)
    with pytest.raises(error, match=message):
        AdaptiveState(coverage)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("gamma", -0.1), ("gamma", "slow"), ("decay", 1.1), ("decay", True), ("window", 8), ("window", 9.5)],
)
def test_setting_out_of_range_is_refused_by_name(setting, value):
    with pytest.raises(ValueError, match=f"{setting} is {value!r}; expected"):
        AdaptiveState(0.8, **{setting: value})


def test_window_is_as_long_as_the_coverage_needs():
    assert AdaptiveState(0.8).window == 500
    assert AdaptiveState(0.999).window == residuals_needed(0.999)


@pytest.mark.parametrize(
    ("actual", "forecast", "positions", "error", "message"),
    [
        (noise(3), noise(2), [0, 1, 2], ValueError, "expected the same shape"),
        (noise(3), noise(3), [0, 1], ValueError, "one position per origin"),
        (noise(3), noise(3), [0, 2, 2], ValueError, "2 is followed by 2 at origin 2"),
        (noise(3), noise(3), [0.0, 1.0, 2.0], TypeError, "whole numbers"),
        (noise(3)[0], noise(3)[0], [0, 1, 2], ValueError, r"shape \(origins, steps, targets\)"),
        (noise(3) * np.inf, noise(3), [0, 1, 2], ValueError, "actual has 18 values that are infinite"),
        (noise(3), noise(3) * np.nan, [0, 1, 2], ValueError, r"NaN or infinite, the first at .* \(0, 0, 0\)"),
    ],
)
def test_unfit_origins_are_refused(actual, forecast, positions, error, message):
    with pytest.raises(error, match=message):
        adaptive_bounds(actual, forecast, positions, 0.8)


def test_steps_and_targets_are_those_of_the_first_residuals():
    state = AdaptiveState(0.8)
    state.learn(noise(3), [0, 1, 5], 8)
    with pytest.raises(ValueError, match=r"got 2 steps of 2 targets; so far they were \(3, 2\)"):
        state.bounds(noise(1, steps=2), noise(1, steps=2), [6])


def test_a_step_without_residuals_begins_with_nothing():
    residuals = noise(60)
    residuals[:, 1, 0] = np.nan
    state = AdaptiveState(0.8)
    state.begin(residuals)
    kept = state.kept()
    assert (kept["sum"][1, 0], kept["weight"][1, 0], kept["heard"][1, 0]) == (0, 0, 0)
    assert np.isnan(kept["scores"][1, 0]).all()
    assert (np.delete(kept["sum"].ravel(), 2) > 0).all()


def test_a_state_is_resumed_for_its_own_window_and_coverages_alone():
    residuals = noise(80)
    state = AdaptiveState([0.5, 0.8])
    state.warm_up(residuals, before=0)
    again = AdaptiveState.resumed([0.8], state.kept())
    expected = state.bounds(residuals[:1], residuals[:1] * 0, [0])
    found = again.bounds(residuals[:1], residuals[:1] * 0, [0])
    np.testing.assert_array_equal([side[0] for side in found], [side[1] for side in expected])
    assert AdaptiveState.resumed([0.9], state.kept()) is None
    longer = AdaptiveState([0.5, 0.8], window=600)
    longer.warm_up(residuals, before=0)
    assert AdaptiveState.resumed([0.8], longer.kept()) is None


@pytest.mark.parametrize("n", [0, 3, 700])
def test_a_state_keeps_the_known_scores_alone_and_resumes_with_all_places(n):
    residuals, state = noise(n + 2), AdaptiveState([0.5, 0.8])
    residuals[n:] = np.nan
    state.warm_up(residuals, before=0)
    kept = state.kept()
    places = AdaptiveState.resumed([0.5, 0.8], kept)._scores
    np.testing.assert_array_equal(places, state._scores)
    assert kept["scores"].shape[-1] == (~np.isnan(places)).any(axis=(0, 1)).sum()
    older = {name: values for name, values in kept.items() if name != "window"} | {"scores": places}
    np.testing.assert_array_equal(AdaptiveState.resumed([0.5, 0.8], older)._scores, places)


def test_one_residual_is_enough_for_a_running_scale():
    residuals = np.full((12, 2, 1), np.nan)
    residuals[5, 0] = -3.0
    state = AdaptiveState(0.5)
    state.warm_up(residuals, before=0)
    kept = state.kept()
    np.testing.assert_allclose(kept["weight"].ravel(), [1, 0])
    np.testing.assert_allclose(kept["sum"].ravel(), [3, 0])


@pytest.mark.parametrize("n", [40, 500, 1200])
def test_residuals_to_begin_with_count_from_the_first_to_the_last(n):
    state = AdaptiveState(0.5, decay=1)
    state.begin(cube(np.arange(1, n + 1)))
    scores = state.kept()["scores"].ravel()
    scores = scores[~np.isnan(scores)]
    assert (len(scores), scores[0], scores[-1]) == (min(n, 500), 1, n)
    assert set(np.diff(scores)) <= {1, 2, 3}


# -------------------- never beyond the largest error


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_known_error_is_that_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    sizes, positions = rng.random((9, 3, 2)), np.cumsum(rng.integers(1, 4, size=9))
    sizes[rng.random(sizes.shape) < 0.3] = np.nan
    before = rng.random((2, 2))  # of fewer steps
    found = largest_known(sizes, positions, before)
    for i, step, target in np.ndindex(sizes.shape):
        known = [sizes[j, step, target] for j in range(9) if positions[j] + step + 1 <= positions[i]]
        known += [before[step, target]] if step < 2 else []
        known = [size for size in known if not np.isnan(size)]
        assert found[i, step, target] == (max(known) if known else pytest.approx(np.nan, nan_ok=True))


def test_offsets_beyond_the_largest_error_are_held_and_others_stay():
    offsets = np.array([-3.0, -0.5, 2.0, np.nan, 7.0])
    largest = np.array([1.0, 1.0, 1.5, 1.0, np.nan])
    np.testing.assert_array_equal(within_errors(offsets, largest), [-1.0, -0.5, 1.5, np.nan, 7.0])


@pytest.mark.parametrize(("steps", "apart", "decay"), [(1, 1, 0.97), (16, 1, 0.97), (48, 1, 1 - 1 / 96), (48, 3, 0.97)])
def test_the_running_scale_remembers_the_rows_of_two_horizons(steps, apart, decay):
    residuals = np.random.default_rng(0).normal(size=(60, steps, 1))
    state, same = AdaptiveState(0.8), AdaptiveState(0.8, decay=decay)
    for one in (state, same):
        one.warm_up(residuals, before=0, apart=apart)
    np.testing.assert_array_equal(state.kept()["sum"], same.kept()["sum"])


# -------------------- memory in rows


@pytest.mark.parametrize(("n", "apart", "rows"), [(2000, 1, 4), (1000, 1, 2), (2000, 5, 10), (300, 1, 1)])
def test_calibration_fills_the_window_and_later_residuals_are_as_far_apart(n, apart, rows):
    state, steps = AdaptiveState(0.8, decay=1), 40
    state.warm_up(np.arange(float(n))[:, None, None] * np.ones((1, steps, 1)), before=0, apart=apart)
    scores = state.kept()["scores"][0, 0]
    assert len(scores) == min(n, 500)
    np.testing.assert_array_equal(np.diff(scores), max(1, rows // apart))  # numbers of the residuals
    room = 500 - len(scores)
    state.learn(np.full((room + 40, steps, 1), 5000.0), np.arange(room + 40), room + 80)
    entered = (state.kept()["scores"] == 5000).sum(axis=2).ravel()
    np.testing.assert_array_equal(entered, room + 40 // rows)
    again, before = AdaptiveState.resumed([0.8], state.kept()), state.kept()["count"]
    again.learn(noise(40, steps, 1), np.arange(40) + room + 80, room + 200)
    np.testing.assert_array_equal(again.kept()["count"] - before, 40 // rows)


def test_states_of_older_files_take_every_residual():
    state = AdaptiveState(0.8)
    state.warm_up(noise(2000, steps=8), before=0)
    older = {name: part for name, part in state.kept().items() if name != "spacing"}
    again = AdaptiveState.resumed([0.8], older)
    again.learn(noise(40, steps=8), np.arange(40), 48)
    assert (again.kept()["count"] - older["count"] == 40).all()


def test_the_level_moves_faster_where_origins_are_far_apart():
    moved = []
    for apart in (1, 2, 24):
        state = AdaptiveState(0.8)
        state.warm_up(noise(200, steps=24, targets=1), before=0)
        before = state.kept()["alpha"][1, 0, 0, 0]
        state.learn(np.full((2, 24, 1), 100.0), np.array([0, apart]), 60)
        moved.append((before - state.kept()["alpha"][1, 0, 0, 0]) / (2 * 0.9))
    np.testing.assert_allclose(moved, [0.002, 0.004, 0.005], rtol=1e-6)


def test_weekly_backtests_of_hours_cover_what_they_say():
    """Errors of a calm quarter before a year as usual: 500 errors in consecutive hours knew the quarter alone."""
    rng = np.random.default_rng(0)
    size = np.repeat(np.r_[np.full(50, 1.0), np.full(10, 0.5), np.full(60, 1.0)], 168)  # a week each
    shocks = rng.normal(size=len(size)) * size
    level = np.convolve(shocks, np.ones(72) / np.sqrt(72), mode="same")
    residuals = np.lib.stride_tricks.sliding_window_view(level, 168)[:, :, None]
    state = AdaptiveState(0.8)
    state.warm_up(residuals[: 60 * 168 : 5], before=0, apart=5)
    test = residuals[61 * 168 :: 168]
    lower, upper = state.bounds(test, np.zeros_like(test), 168 * np.arange(len(test)))
    assert 0.65 < inside(test, lower, upper).mean() < 0.88  # 0.47 with 500 residuals in a row
