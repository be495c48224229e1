"""Windows reach the kernels as the oracle gathers them: from strided sources, with anchors, scales and weights."""

import numpy as np
import pytest
import reference
import tolerances
from cases import DTYPES, ISAS, Case, draw_case, draw_theta, largest_difference, stacked

from forecast import _core

ROWS, LOOKBACK, INPUTS, COLUMNS, HORIZON, EXTRA = 90, 6, 3, 2, 3, 2
WINDOWS = 20


def series_case(rng, **arguments):
    """Overlapping windows over one series, targets after them, and extras."""
    network = stacked("gru", LOOKBACK, INPUTS, 5, 1, HORIZON * COLUMNS, EXTRA)
    origin = rng.permutation(ROWS - LOOKBACK - HORIZON)[:WINDOWS].astype(np.int64)
    plain = dict(
        past=rng.normal(size=(ROWS, INPUTS)) * 2 + 1,
        lookback=LOOKBACK,
        origin=origin,
        target=rng.normal(size=(ROWS, COLUMNS)),
        horizon=HORIZON,
        target_shift=LOOKBACK,
        extra=rng.normal(size=(WINDOWS, EXTRA)),
        weight=rng.uniform(0.1, 2.0, size=WINDOWS),
    )
    return Case(network, draw_theta(network, rng), plain | arguments, rng.permutation(WINDOWS)[:13])


ANCHORS = dict(anchor=np.array([1, 0, 1], dtype=np.int32), target_anchor=np.array([2, -1], dtype=np.int32))
MEANS = dict(anchor=np.array([2, 3, 0], dtype=np.int32), target_anchor=np.array([1, 0], dtype=np.int32))
NEWEST = MEANS | dict(anchor_steps=2)
SEASONS = dict(anchor=np.array([4, 0, 4], dtype=np.int32), target_anchor=np.array([2, 0], dtype=np.int32), season=4)
WEEK = SEASONS | dict(season=LOOKBACK)
FLOOR = MEANS | dict(anchor_floor=np.array([[0.0, 2.2, 0.0]]))
STARTS = np.array([0, 30, 30, ROWS], dtype=np.int64)
FLOORS = MEANS | dict(anchor_floor=np.array([[0, 1.9, 0], [0, 77.0, 0], [0, 2.3, 0]]), starts=STARTS, anchor_steps=5)
EVERY = {
    "plain": {}, "anchors": ANCHORS, "means": MEANS, "newest steps": NEWEST, "seasons": SEASONS, "one season": WEEK,
    "floor": FLOOR, "floors": FLOORS,
}  # fmt: skip
SCALES = dict(
    past_mean=np.array([0.3, -1.1, 2.7]),
    past_scale=np.array([2.0, 0.5, 1.5]),
    target_mean=np.linspace(-1, 1, HORIZON * COLUMNS),
    target_scale=np.linspace(0.5, 2, HORIZON * COLUMNS),
    extra_mean=np.array([0.3, -0.2]),
    extra_scale=np.array([1.5, 0.7]),
)


def assert_is_the_oracles(case, dtype="float64"):
    expected = case.network.gradient(case.theta, case.batch())
    result = case.gradient(dtype)
    assert largest_difference(result["outputs"], expected["outputs"], 1.0) <= tolerances.ORACLE_OUTPUTS[dtype]
    assert largest_difference(result["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scales", [{}, SCALES], ids=["", "scales"])
@pytest.mark.parametrize("extras", EVERY.values(), ids=EVERY)
def test_windows_are_those_of_the_oracle(extras, scales, dtype):
    assert_is_the_oracles(series_case(np.random.default_rng(1), **extras, **scales), dtype)


@pytest.mark.parametrize("padding", [0, 1, 5])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("extras", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("isa", ISAS)
def test_the_past_is_that_of_the_oracle_after_steps_that_repeat_its_oldest(extras, dtype, layout, padding, isa):
    case = series_case(np.random.default_rng(11), **extras, **SCALES, padding=padding)
    absent = dict.fromkeys(["origin", "extra", "weight", "extra_mean", "extra_scale"])
    case = case.with_arguments(past=np.array(case.arguments["past"], order=layout), **absent)
    source, index = case.source(), np.random.default_rng(12).permutation(80)
    found = _core.gathered(source, index, dtype=dtype, isa=isa)
    plain = {name: value for name, value in case.arguments.items() if value is not None}
    expected = reference.gather(index, **plain).past
    assert found.shape == (80, padding + LOOKBACK, INPUTS)
    assert found.dtype == dtype
    assert largest_difference(found, expected, 1.0) <= tolerances.ORACLE_OUTPUTS[dtype]
    one_by_one = [_core.gathered(source, index[i : i + 1], dtype=dtype, isa=isa) for i in range(80)]
    assert found.tobytes() == np.concatenate(one_by_one).tobytes()
    assert (found[:, :padding] == found[:, padding : padding + 1]).all()


def test_moments_do_not_see_padding():
    case = series_case(np.random.default_rng(13), **ANCHORS)
    with_padding = _core.moments(case.with_arguments(padding=3).source(), case.index)
    for name, expected in _core.moments(case.source(), case.index).items():
        assert with_padding[name].tobytes() == expected.tobytes()


BAD = {  # arguments, message
    "padding": (dict(padding=-1), "padding: expected 0 or more, got -1"),
    "steps": (dict(anchor_steps=LOOKBACK + 1), "anchor_steps: expected 1 to lookback = 6, or 0 for all, got 7"),
    "no season": (SEASONS | dict(season=0), "season: expected 1 to lookback = 6, got 0"),
    "long season": (SEASONS | dict(season=7), "season: expected 1 to lookback = 6, got 7"),
    "floor of other channels": (FLOOR | dict(anchor_floor=np.ones((1, 2))), "expected a row of 3 channels"),
    "negative floor": (MEANS | dict(anchor_floor=np.full((1, 3), -1.0)), "anchor_floor: expected finite numbers of 0"),
    "floors without starts": (FLOORS | dict(starts=None), "anchor_floor of several series: expected starts as well"),
    "floors of other series": (FLOORS | dict(starts=STARTS[1:]), "starts: expected 4 elements, got 3"),
    "series": (dict(series_row=np.zeros(3, np.int64)), "series_row: expected 20 windows as in the other arrays"),
    "no series": (dict(series_row=np.full(WINDOWS, -2)), "series_row: expected -1 or more, got -2 of window 0"),
    "phases": (dict(phase=np.zeros(WINDOWS + 1, np.int64)), "phase: expected 20 windows as in the other arrays"),
    "negative phase": (dict(phase=np.arange(WINDOWS) - 3), "phase: expected 0 or more, got -3 of window 0"),
    "ratios": (dict(cycle_ratio=np.ones(5)), "cycle_ratio: expected 6 elements, got 5"),
    "ratio of 0": (dict(cycle_ratio=np.zeros(6)), "cycle_ratio: expected positive finite numbers, got 0"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_source_that_cannot_be_gathered_is_refused(what):
    arguments, message = BAD[what]
    case = series_case(np.random.default_rng(14))
    case.with_arguments(
        series_row=np.arange(WINDOWS) - 1, phase=np.arange(WINDOWS), cycle_ratio=np.full(6, 0.5), padding=2
    ).source()
    with pytest.raises(ValueError, match=message):
        case.with_arguments(**arguments).source()


@pytest.mark.parametrize("stride", [1, 2, 6])
def test_windows_without_origins_step_by_their_stride(stride):
    rng = np.random.default_rng(2)
    case = series_case(
        rng, origin=None, past_stride=stride, past_shift=1, target_stride=stride, target_shift=LOOKBACK + 1
    )
    case = case.with_arguments(past=rng.normal(size=(ROWS + 60, INPUTS)), target=rng.normal(size=(ROWS + 60, COLUMNS)))
    assert_is_the_oracles(case)


@pytest.mark.parametrize("name", ["past", "target", "extra"])
@pytest.mark.parametrize("source_dtype", DTYPES)
def test_sources_of_any_layout_and_float_type_give_the_same_answer(name, source_dtype):
    rng = np.random.default_rng(3)
    case = series_case(rng, **ANCHORS, **SCALES)
    plain = np.ascontiguousarray(case.arguments[name].astype(source_dtype))
    wide = np.zeros((2 * len(plain), 3 * plain.shape[1]), source_dtype)
    wide[::2, ::3] = plain
    read_only = plain.copy()
    read_only.flags.writeable = False
    layouts = {
        "fortran": np.asfortranarray(plain),
        "strided": wide[::2, ::3],
        "reversed": plain[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": read_only,
    }
    expected = case.with_arguments(**{name: plain}).gradient()
    for layout, array in layouts.items():
        assert np.array_equal(array, plain)
        result = case.with_arguments(**{name: array}).gradient()
        assert result["theta"].tobytes() == expected["theta"].tobytes(), layout


@pytest.mark.parametrize("layout", ["rows", "columns", "some of the columns", "reversed"])
@pytest.mark.parametrize("source_dtype", DTYPES)
@pytest.mark.parametrize(
    "extras",
    [{}, ANCHORS, MEANS, SCALES, MEANS | SCALES, SEASONS | SCALES, FLOORS],
    ids=["plain", "newest", "means", "scales", "both", "seasons", "floors"],
)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("isa", ISAS)
def test_a_full_chunk_holds_the_bits_of_its_windows(extras, source_dtype, layout, dtype, isa):
    """A full chunk is gathered in squares where the layout allows it, fewer windows are gathered one by one."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(ROWS, INPUTS)).astype(source_dtype)
    wide = np.zeros((ROWS, INPUTS + 2), source_dtype)
    wide[:, 1:-1] = values
    past = {
        "rows": values,
        "columns": np.asfortranarray(values),
        "some of the columns": wide[:, 1:-1],
        "reversed": values[::-1].copy()[::-1],
    }[layout]
    case = series_case(rng, past=past, origin=None, extra=rng.normal(size=(80, EXTRA)), weight=None, **extras)
    network, theta, source = case.core(dtype, isa), case.theta.astype(dtype), case.source()
    index = rng.permutation(80)
    expected = np.concatenate([network.predict(theta, source, index[i : i + 1]) for i in range(80)])
    assert network.predict(theta, source, index, path="lanes").tobytes() == expected.tobytes()


def test_a_broadcast_source_gives_the_same_answer():
    case = series_case(np.random.default_rng(4))
    row = case.arguments["extra"][:1]
    result = case.with_arguments(extra=np.broadcast_to(row, (WINDOWS, EXTRA))).gradient()
    expected = case.with_arguments(extra=np.repeat(row, WINDOWS, axis=0)).gradient()
    assert result["theta"].tobytes() == expected["theta"].tobytes()


def test_float32_sources_are_scaled_in_double_before_they_are_rounded():
    rng = np.random.default_rng(5)
    level = np.float32(1e4)  # a spacing of 1e-3: the difference is exact in double, and in float32 as well
    past = (level + rng.normal(size=(ROWS, INPUTS))).astype(np.float32)
    mean = np.full(INPUTS, 1e4 + 1e-4)  # 1e4 in float32
    case = series_case(rng, past=past, past_mean=mean, past_scale=np.full(INPUTS, 1e-3))
    batch = case.batch()
    rounded = batch._replace(past=batch.past.astype(np.float32).astype(float))
    expected = case.network.forward(case.theta.astype(np.float32), rounded)
    result = case.core("float32").predict(case.theta.astype(np.float32), case.source(), case.index)
    assert largest_difference(result, expected, 1.0) <= tolerances.ORACLE_OUTPUTS["float32"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "extras",
    [{}, ANCHORS, ANCHORS | SCALES, NEWEST, SEASONS, FLOORS],
    ids=["plain", "anchors", "own scales left out", "newest steps", "seasons", "floors"],
)
def test_moments_are_weighted_and_of_anchored_windows(extras, weighted):
    rng = np.random.default_rng(6)
    case = series_case(rng, **extras)
    target = case.arguments["target"].copy()
    target[rng.random(size=target.shape) < 0.3] = np.nan
    case = case.with_arguments(target=target, **({} if weighted else {"weight": None}))
    found = _core.moments(case.source(), case.index)
    plain = {name: value for name, value in case.arguments.items() if not name.endswith(("_mean", "_scale"))}
    batch = reference.gather(case.index, **plain)
    for name in ("past", "target", "extra"):
        x = getattr(batch, name)
        weight = np.broadcast_to(batch.weight.reshape(-1, *[1] * (x.ndim - 1)), x.shape).reshape(-1, x.shape[-1])
        x = x.reshape(-1, x.shape[-1])
        for column in range(x.shape[1]):
            seen = ~np.isnan(x[:, column])
            mean = np.average(x[seen, column], weights=weight[seen, column])
            std = np.sqrt(np.average((x[seen, column] - mean) ** 2, weights=weight[seen, column]))
            assert found[f"{name}_mean"][column] == pytest.approx(mean, rel=tolerances.ORACLE_MOMENTS, abs=1e-13)
            assert found[f"{name}_std"][column] == pytest.approx(std, rel=tolerances.ORACLE_MOMENTS)


def test_moments_survive_a_large_level():
    rng = np.random.default_rng(7)
    past = 1e9 + rng.normal(size=(ROWS, INPUTS))
    case = series_case(rng, past=past)
    found = _core.moments(case.source(), case.index)
    batch = case.batch()
    x = batch.past.reshape(-1, INPUTS) - 1e9
    weight = np.repeat(batch.weight, LOOKBACK)
    mean = np.average(x, axis=0, weights=weight)
    np.testing.assert_allclose(
        found["past_std"], np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)), rtol=1e-6
    )


def test_a_target_that_is_missing_has_no_part():
    case = draw_case("lstm", np.random.default_rng(8), batch=9, targets=3, missing=0.4)
    expected = case.network.gradient(case.theta, case.batch())
    result = case.gradient()
    assert np.isnan(case.arguments["target"]).any()
    assert np.isfinite(result["theta"]).all()
    assert largest_difference(result["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]


def test_inputs_are_never_modified():
    case = series_case(np.random.default_rng(9), **ANCHORS, **SCALES)
    arrays = [value for value in case.arguments.values() if isinstance(value, np.ndarray)] + [case.theta, case.index]
    before = [array.tobytes() for array in arrays]
    network, source = case.core(), case.source()
    _core.moments(source, case.index)
    network.predict(case.theta, source, case.index)
    network.loss(case.theta, source, case.index)
    initial = np.ones((1, 1, len(case.index), 5))
    network.gradient(case.theta, source, case.index, initial=initial)
    optimizer = _core.Optimizer("adam", "float64", network.n_parameters)
    network.train(case.theta.copy(), optimizer, source, case.index, 4, rate=0.1)
    assert [array.tobytes() for array in arrays] == before
    assert (initial == 1.0).all()


def test_sources_keep_their_arrays_alive():
    case = series_case(np.random.default_rng(10))
    expected = case.core().predict(case.theta, case.source(), case.index)
    copies = {name: value.copy() for name, value in case.arguments.items() if isinstance(value, np.ndarray)}
    source = _core.Source(**(case.arguments | copies))
    del copies
    np.full((5000, 100), np.nan)  # would take the place of freed memory
    assert np.array_equal(case.core().predict(case.theta, source, case.index), expected)
