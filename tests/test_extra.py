"""The head's extra inputs, gathered from rows and series, and the windows' own anchors: the bits of ready-made arrays.

Every window looks back on a panel: series after series in one array, the second of them without a row.
"""

import pickle
from itertools import pairwise

import numpy as np
import pytest
import tolerances
from cases import CELLS, DTYPES, ISAS, Case, draw_theta, largest_difference, stacked

from forecast import _core
from forecast._network import Architecture, Network, Scaling, windows_scaling

LOOKBACK, INPUTS, COLUMNS, HORIZON = 5, 3, 2, 3
GIVEN, FUTURE, STATIC = 2, 2, 3
EXTRA = GIVEN + HORIZON * FUTURE + STATIC
STARTS = np.array([0, 40, 40, 70, 101], dtype=np.int64)
ROWS, WINDOWS = 101, 37
SHIFT = 1 - LOOKBACK
PARTS = {"extra": GIVEN, "future": HORIZON * FUTURE, "static": STATIC}
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
every_isa = pytest.mark.parametrize("isa", ISAS)


def panel(rng, cell="gru", parts=("extra", "future", "static"), layers=1, hidden=6, **arguments):
    """Windows whose newest row is their origin; the targets and the known future are the rows after it."""
    network = stacked(cell, LOOKBACK, INPUTS, hidden, layers, HORIZON * COLUMNS, sum(PARTS[part] for part in parts))
    origins = np.concatenate([np.arange(first + LOOKBACK - 1, end - HORIZON) for first, end in pairwise(STARTS)])
    target = rng.normal(size=(ROWS, COLUMNS))
    target[rng.random(size=target.shape) < 0.1] = np.nan
    beside = dict(
        extra=rng.normal(size=(WINDOWS, GIVEN)),
        future=rng.normal(size=(ROWS, 2 * FUTURE)).astype(np.float32)[:, ::2],
        static=rng.normal(size=(len(STARTS) - 1, STATIC)),
    )
    plain = dict(
        past=rng.normal(size=(ROWS, INPUTS)) * 2 + 1,
        lookback=LOOKBACK,
        past_shift=SHIFT,
        origin=rng.permutation(origins)[:WINDOWS],
        target=target,
        horizon=HORIZON,
        target_shift=1,
        weight=rng.uniform(0.1, 2.0, size=WINDOWS),
    )
    plain |= {part: beside[part] for part in parts} | ({"starts": STARTS} if "static" in parts else {})
    return Case(network, draw_theta(network, rng), plain | arguments, rng.permutation(WINDOWS)[:19])


def ready_made(case):
    """The same windows with all of their extra inputs in one array."""
    a = case.arguments
    origin = np.asarray(a["origin"])
    parts = [a["extra"]] if a.get("extra") is not None else []
    if a.get("future") is not None:
        parts.append(a["future"][origin[:, None] + 1 + np.arange(HORIZON)].reshape(WINDOWS, -1))
    if a.get("static") is not None:
        parts.append(a["static"][np.searchsorted(STARTS, origin, side="right") - 1])
    return case.with_arguments(extra=np.concatenate(parts, axis=1, dtype=float), future=None, static=None, starts=None)


def everything(case, dtype="float64", isa=None, dropout=0.0):
    """What the core makes of a case on every path: name -> bytes."""
    network, theta, source = case.core(dtype, isa, dropout), case.theta.astype(dtype), case.source()
    found = {}
    for path in ("lanes", "units", "auto"):
        found["predict", path] = network.predict(theta, source, case.index, path=path)
    for threads in (1, 2):
        found["one window", threads] = network.predict(theta, source, case.index[:1], threads=threads)
    found["loss"] = np.array(network.loss(theta, source, case.index))
    gradient = network.gradient(theta, source, case.index, seed=5 if dropout else None)
    found |= {("gradient", name): np.asarray(value) for name, value in gradient.items()}
    for path in ("lanes", "units", "auto"):
        trained, optimizer = theta.copy(), _core.Optimizer("adam", dtype, network.n_parameters)
        result = network.train(trained, optimizer, source, case.index, 9, rate=0.01, seed=3, path=path)
        assert result["finite"]
        found["train", path] = trained
        found["losses", path] = result["losses"]
    found |= {("moments", name): value for name, value in _core.moments(source, case.index).items()}
    return {name: value.tobytes() for name, value in found.items()}


def assert_same(one, other, **arguments):
    found, expected = everything(one, **arguments), everything(other, **arguments)
    assert {name for name in expected if found[name] != expected[name]} == set()


# -------------------- extra inputs


@every_dtype
@every_isa
@every_cell
def test_gathered_extra_inputs_have_the_bits_of_ready_made_ones(cell, isa, dtype):
    case = panel(np.random.default_rng(1), cell, layers=2)
    assert_same(case, ready_made(case), dtype=dtype, isa=isa)


@pytest.mark.parametrize(
    "parts", [("future",), ("static",), ("extra", "future"), ("extra", "static"), ("future", "static")], ids="+".join
)
def test_each_part_may_be_alone(parts):
    case = panel(np.random.default_rng(2), parts=parts)
    assert_same(case, ready_made(case), dropout=0.3)


@every_dtype
@every_cell
def test_the_oracle_agrees(cell, dtype):
    rng = np.random.default_rng(3)
    case = panel(rng, cell, extra_mean=rng.normal(size=EXTRA), extra_scale=rng.uniform(0.5, 2.0, size=EXTRA))
    expected = case.network.gradient(case.theta, case.batch())
    result = case.gradient(dtype)
    assert largest_difference(result["outputs"], expected["outputs"], 1.0) <= tolerances.ORACLE_OUTPUTS[dtype]
    for name in ("theta", "extra"):
        assert largest_difference(result[name], expected[name]) <= tolerances.ORACLE_GRADIENTS[dtype], name


def test_scales_reach_over_all_extra_inputs():
    rng = np.random.default_rng(4)
    case = panel(rng, extra_mean=rng.normal(size=EXTRA), extra_scale=rng.uniform(0.5, 2.0, size=EXTRA))
    assert_same(case, ready_made(case))


@pytest.mark.parametrize("order", [np.asarray, np.asfortranarray, lambda a: a[::-1, ::-1].copy()[::-1, ::-1]])
@every_dtype
def test_rows_and_series_of_any_layout_and_float_type_give_the_same_answer(order, dtype):
    case = panel(np.random.default_rng(5))
    plain = {name: np.ascontiguousarray(case.arguments[name], dtype=dtype) for name in ("future", "static")}
    layouts = {name: order(value) for name, value in plain.items()}
    assert_same(case.with_arguments(**layouts), ready_made(case.with_arguments(**plain)))


def test_rows_of_the_future_are_numbered_as_those_of_the_target():
    """Without origins and with a stride, where past and target are numbered each in its own way."""
    rng = np.random.default_rng(6)
    case = panel(rng, parts=("future", "static"), origin=None, past_stride=2, past_shift=0, weight=None)
    case = case.with_arguments(
        target_stride=3, target_shift=2, target=rng.normal(size=(130, COLUMNS)), future=rng.normal(size=(130, FUTURE))
    )
    expected = case.network.gradient(case.theta, case.batch())
    result = case.gradient()
    assert largest_difference(result["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]
    assert largest_difference(result["outputs"], expected["outputs"], 1.0) <= tolerances.ORACLE_OUTPUTS["float64"]


def test_a_forecast_needs_the_known_future_and_no_target():
    case = panel(np.random.default_rng(7))
    without = case.with_arguments(target=None)
    network = case.core()
    expected = network.predict(case.theta, case.source(), case.index)
    assert network.predict(case.theta, without.source(), case.index).tobytes() == expected.tobytes()
    assert _core.moments(without.source(), case.index)["target_mean"].shape == (0,)


def test_the_series_is_that_of_the_newest_row():
    """Of every first and last row of each series, also where the oldest row of the window lies in another."""
    value = np.arange(10.0, 14.0)[:, None]
    rows = np.arange(LOOKBACK - 1, ROWS)
    source = _core.Source(
        np.zeros((ROWS, 1)), lookback=LOOKBACK, origin=rows, past_shift=SHIFT, static=value, starts=STARTS
    )
    found = [_core.moments(source, np.array([w]))["extra_mean"][0] for w in range(len(rows))]
    assert found == [10.0 if row < 40 else 12.0 if row < 70 else 13.0 for row in rows]


def test_moments_are_those_of_the_extra_inputs():
    case = panel(np.random.default_rng(8))
    found = _core.moments(case.source(), case.index)
    batch = case.batch()
    mean = np.average(batch.extra, axis=0, weights=batch.weight)
    std = np.sqrt(np.average((batch.extra - mean) ** 2, axis=0, weights=batch.weight))
    np.testing.assert_allclose(found["extra_mean"], mean, rtol=tolerances.ORACLE_MOMENTS, atol=1e-13)
    np.testing.assert_allclose(found["extra_std"], std, rtol=tolerances.ORACLE_MOMENTS)


def test_a_constant_has_no_deviation_however_many_windows_there_are():
    n = 200_000
    source = _core.Source(
        np.full((n, 1), 5.1), lookback=1, static=np.array([[0.3, 1e9 + 0.1]]), starts=np.array([0, n])
    )
    found = _core.moments(source, np.arange(n))
    assert found["past_mean"].tolist() == [5.1]
    assert found["extra_mean"].tolist() == [0.3, 1e9 + 0.1]
    assert not found["past_std"].any()
    assert not found["extra_std"].any()


# -------------------- anchors

ANCHOR = np.array([3, 0, 2], dtype=np.int32)
TARGET_ANCHOR = np.array([0, 2], dtype=np.int32)
SCALES = dict(
    past_mean=np.array([0.5, -1.0, 2.0]),
    past_scale=np.array([2.0, 0.5, 1.5]),
    target_mean=np.linspace(-1, 1, HORIZON * COLUMNS),
    target_scale=np.linspace(0.5, 2, HORIZON * COLUMNS),
)


def in_order(x):
    """Sums over time (axis 1) as the core adds them."""
    return np.add.accumulate(x, axis=1)[:, -1:]


def normalised(case):
    """The same windows one after the other, with nothing left to be anchored."""
    a = case.arguments
    past = a["past"][a["origin"][:, None] + SHIFT + np.arange(LOOKBACK)].astype(float)
    mean = in_order(past) / LOOKBACK
    std = np.sqrt(in_order((past - mean) ** 2) / LOOKBACK)
    spread = np.maximum(std, 1e-3 * np.abs(mean))
    spread[spread == 0] = 1.0
    kind = a["anchor"]
    centre = np.where(kind == 0, 0.0, np.where(kind == 1, past[:, -1:], mean))
    spread = np.where(kind == 3, spread, 1.0)
    target = a["target"][a["origin"][:, None] + 1 + np.arange(HORIZON)]
    channels = a["target_anchor"]
    moved = np.where(channels >= 0, (target - centre[:, :, channels]) / spread[:, :, channels], target)
    return ready_made(case).with_arguments(
        past=((past - centre) / spread).reshape(-1, INPUTS),
        past_stride=LOOKBACK,
        past_shift=0,
        target=moved.reshape(-1, COLUMNS),
        target_stride=HORIZON,
        target_shift=0,
        origin=None,
        anchor=None,
        target_anchor=None,
    )


@pytest.mark.parametrize("scales", [{}, SCALES], ids=["plain", "scaled"])
@pytest.mark.parametrize("source_dtype", DTYPES)
@every_dtype
@every_isa
def test_anchored_windows_have_the_bits_of_normalised_ones(isa, dtype, source_dtype, scales):
    case = panel(np.random.default_rng(11), anchor=ANCHOR, target_anchor=TARGET_ANCHOR, **scales)
    case = case.with_arguments(past=case.arguments["past"].astype(source_dtype))
    assert_same(case, normalised(case), dtype=dtype, isa=isa)


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
@pytest.mark.parametrize("to", [-1, 1])
def test_every_kind_of_anchor_is_that_of_its_channel(kind, to):
    anchor = np.array([1, kind, 3], dtype=np.int32)
    channels = np.array([2, to if kind else -1], dtype=np.int32)
    case = panel(np.random.default_rng(12), anchor=anchor, target_anchor=channels)
    assert_same(case, normalised(case))
    expected = case.network.gradient(case.theta, case.batch())
    assert largest_difference(case.gradient()["theta"], expected["theta"]) <= tolerances.ORACLE_GRADIENTS["float64"]


def test_a_window_that_hardly_moves_is_not_blown_up():
    steady = np.array([[5.0, 0.0, 5.0, 1e-3], [5.0, 0.0, 5.0 + 1e-9, -1e-3]])  # rows of one window of 4 channels
    source = _core.Source(steady, lookback=2, anchor=np.full(4, 3, dtype=np.int32))
    found = _core.moments(source, np.array([0]))
    assert found["past_mean"].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert found["past_std"][[0, 1]].tolist() == [0.0, 0.0]
    assert found["past_std"][2] == pytest.approx(0.5e-9 / 5e-3, rel=1e-5)
    assert found["past_std"][3] == 1.0


def test_missing_targets_stay_missing_whatever_the_anchor():
    case = panel(np.random.default_rng(13), anchor=ANCHOR, target_anchor=TARGET_ANCHOR)
    case = case.with_arguments(target=np.full((ROWS, COLUMNS), np.nan))
    assert case.core().loss(case.theta, case.source(), case.index) == 0.0
    assert not case.gradient()["theta"].any()


# -------------------- origins


@every_cell
def test_origins_of_32_bits_give_the_same_bits(cell):
    case = panel(np.random.default_rng(14), cell, anchor=ANCHOR, target_anchor=TARGET_ANCHOR, **SCALES)
    assert case.arguments["origin"].dtype == np.int64
    assert_same(case.with_arguments(origin=case.arguments["origin"].astype(np.int32)), case)


def test_arrays_are_kept_alive_and_never_modified():
    case = panel(np.random.default_rng(15), anchor=ANCHOR, target_anchor=TARGET_ANCHOR)
    case = case.with_arguments(origin=case.arguments["origin"].astype(np.int32))
    arrays = {name: value for name, value in case.arguments.items() if isinstance(value, np.ndarray)}
    before = {name: value.tobytes() for name, value in arrays.items()}
    expected = everything(case)
    assert {name: value.tobytes() for name, value in arrays.items()} == before
    copies = {name: value.copy() for name, value in arrays.items()}
    source = _core.Source(**(case.arguments | copies))
    del copies
    np.full((5000, 100), np.nan)  # would take the place of freed memory
    assert case.core().predict(case.theta, source, case.index).tobytes() == expected["predict", "auto"]


# -------------------- refusals

BAD = {  # arguments, exception, message
    "no horizon": (dict(target=None, horizon=0), ValueError, "horizon: expected at least 1, got 0"),
    "a future of whole numbers": (dict(future=np.zeros((ROWS, 1), int)), TypeError, "future: expected float32 or"),
    "a flat future": (dict(future=np.zeros(ROWS)), ValueError, "future: expected 2 dimensions, got 1"),
    "a short future": (dict(future=np.zeros((2, 1))), ValueError, "future: expected at least horizon = 3 rows, got 2"),
    "static values of one series": (dict(static=np.zeros(4)), ValueError, "static: expected 2 dimensions, got 1"),
    "static values of text": (dict(static=np.full((4, 1), "a")), TypeError, "static: expected float32 or float64"),
    "no starts": (dict(starts=None), ValueError, "static and starts: expected both or neither"),
    "no static": (dict(static=None), ValueError, "static and starts: expected both or neither"),
    "starts too few": (dict(starts=STARTS[:-1]), ValueError, "starts: expected 5 elements, got 4"),
    "starts of 32 bits": (dict(starts=STARTS.astype(np.int32)), TypeError, "starts: expected dtype int64, got int32"),
    "starts that begin late": (dict(starts=np.maximum(STARTS, 1)), ValueError, "from 0 to 101, its number of rows"),
    "starts that end early": (dict(starts=np.minimum(STARTS, 100)), ValueError, "ascending rows of past, from 0 to"),
    "starts that fall": (dict(starts=STARTS[[0, 2, 3, 1, 4]]), ValueError, "ascending rows of past, from 0 to 101"),
    "an unknown kind": (dict(anchor=ANCHOR + 2, target_anchor=None), ValueError, r"anchor: expected 0 \(none\).*got 5"),
    "a negative kind": (dict(anchor=ANCHOR - 1, target_anchor=None), ValueError, "anchor: expected 0 .none.*got -1"),
    "a target without a kind": (
        dict(target_anchor=np.array([1, -1], np.int32)), ValueError, "target_anchor: channel 1 has no anchor"
    ),
    "targets alone": (dict(anchor=None), ValueError, "target_anchor: channel 0 has no anchor"),
    "no such channel": (
        dict(target_anchor=np.array([0, 3], np.int32)), ValueError, "target_anchor: no such channel in past"
    ),
    "origins that are no numbers of rows": (dict(origin=np.zeros(WINDOWS)), TypeError, "origin: expected dtype int64"),
    "origins too few": (
        dict(origin=np.full(3, 10, np.int32)), ValueError, "origin: expected 37 windows as in the other arrays"
    ),
    "weights too few": (dict(weight=np.ones(3)), ValueError, "weight: expected 37 windows as in .* arrays, got 3"),
    "means of another number": (dict(extra_mean=np.zeros(GIVEN)), ValueError, "extra_mean: expected 11 elements"),
    "a scale of 0": (dict(extra_scale=np.zeros(EXTRA)), ValueError, "extra_scale: expected positive finite scales"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_source_that_makes_no_sense_is_refused(what):
    arguments, error, message = BAD[what]
    case = panel(np.random.default_rng(21), anchor=ANCHOR, target_anchor=TARGET_ANCHOR)
    case.source()
    with pytest.raises(error, match=message):
        case.with_arguments(**arguments).source()


@pytest.mark.parametrize("width", [np.int32, np.int64])
@pytest.mark.parametrize("origin", [LOOKBACK - 2, ROWS, -1])
def test_a_window_without_its_past_is_refused(origin, width):
    case = panel(np.random.default_rng(22), parts=("static",), origin=np.array([50, origin], width), weight=None)
    case = case.with_arguments(target=None)
    network, source = case.core(), case.source()
    network.predict(case.theta, source, np.array([0]))
    with pytest.raises(ValueError, match="index: window 1 does not lie inside the source"):
        network.predict(case.theta, source, np.array([0, 1]))


@pytest.mark.parametrize("shift", [1, -60])
def test_a_window_without_its_known_future_is_refused(shift):
    case = panel(np.random.default_rng(23), parts=("future",), origin=np.array([70, 60, 59, 58]), weight=None)
    case = case.with_arguments(target=None, target_shift=shift, future=np.zeros((63, FUTURE)))
    network, source = case.core(), case.source()
    inside = np.array([2, 3]) if shift == 1 else np.array([0, 1])
    network.predict(case.theta, source, inside)
    for outside in {0, 1, 2, 3} - set(inside.tolist()):
        with pytest.raises(ValueError, match=f"index: the known future of window {outside} does not lie inside"):
            network.predict(case.theta, source, np.array([inside[0], outside]))
        with pytest.raises(ValueError, match="the known future of window"):
            _core.moments(source, np.array([outside]))


def test_a_network_of_another_number_of_extra_inputs_is_refused():
    case = panel(np.random.default_rng(24))
    with pytest.raises(ValueError, match="source: expected extra inputs 11, got 8"):
        case.core().predict(case.theta, case.with_arguments(static=None, starts=None).source(), case.index)


# -------------------- their scaling in Python


def learned(case):
    arguments = {name: value for name, value in case.arguments.items() if name != "weight"}
    scaling = windows_scaling(arguments, case.arguments["weight"], case.index)
    shape = case.network
    architecture = Architecture(
        shape.cell, "float64", shape.steps, shape.inputs, shape.hidden, shape.layers, shape.targets, shape.extra
    )
    return Network.initial(architecture, scaling, np.random.default_rng(0)), arguments


def test_extra_inputs_are_standardised_as_learned_and_a_constant_keeps_its_scale():
    case = panel(np.random.default_rng(31))
    static = case.arguments["static"].copy()
    static[:, 1] = 0.1
    case = case.with_arguments(static=static)
    network, arguments = learned(case)
    found = _core.moments(case.source(), case.index)
    constant = EXTRA - 2
    scaling = network.scaling
    assert found["extra_std"][constant] < 1e-15
    assert scaling.extra_scale[constant] == 1.0
    assert scaling.extra_mean[constant] == pytest.approx(0.1, rel=1e-15)
    others = np.delete(np.arange(EXTRA), constant)
    assert np.array_equal(scaling.extra_scale[others], found["extra_std"][others])
    assert np.array_equal(scaling.extra_mean, found["extra_mean"])
    scaled = _core.Source(
        **case.arguments,
        **{name: getattr(scaling, name) for name in ("past_mean", "past_scale", "extra_mean", "extra_scale")},
    )
    outputs = network.compiled.predict(network.theta, scaled, np.arange(WINDOWS))
    forecast = network.predict(arguments, WINDOWS)
    assert forecast.tobytes() == (outputs * scaling.target_scale + scaling.target_mean).tobytes()
    assert pickle.loads(pickle.dumps(network)).predict(arguments, WINDOWS).tobytes() == forecast.tobytes()


def test_without_extra_inputs_there_is_no_scaling_of_them():
    network, arguments = learned(panel(np.random.default_rng(32), parts=()))
    assert network.scaling.extra_mean is network.scaling.extra_scale is None
    assert np.isfinite(network.predict(arguments, WINDOWS)).all()


def test_a_scaling_of_a_version_without_extra_inputs_still_loads():
    new = Scaling(np.zeros(1), np.ones(1), np.zeros(2), np.ones(2))
    old = Scaling.__new__(Scaling)
    old.__dict__.update({name: value for name, value in new.__dict__.items() if not name.startswith("extra")})
    loaded = pickle.loads(pickle.dumps(old))
    assert loaded.extra_mean is loaded.extra_scale is None


def test_known_values_of_no_finite_variance_are_refused():
    case = panel(np.random.default_rng(33))
    with pytest.raises(ValueError, match="X, known future and static values: expected numbers with a finite variance"):
        learned(case.with_arguments(static=case.arguments["static"] * 1e200))
