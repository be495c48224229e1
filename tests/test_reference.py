"""The oracle needs no other code: its gradients are the central differences of its losses, and it knows every name."""

from dataclasses import replace

import numpy as np
import pytest
import reference
import reference_random
import tolerances
from cases import (
    CELLS,
    FAMILIES,
    LOSSES,
    draw_away_from_kinks,
    draw_case,
    draw_family,
    draw_initial,
    settle_kinks,
    stacked,
)
from slopes import assert_slopes, named

from forecast import _core
from forecast._network.spec import Layer, NetworkSpec, Stream


def assert_analytic_is_numeric(case, initial=None, masks=None, left_out=None, every=True, coordinates=2):
    network, theta, batch = case.network, case.theta.copy(), case.batch()
    batch = batch._replace(past=batch.past.copy(), extra=batch.extra.copy())
    given = dict(initial=initial, masks=masks, left_out=left_out)

    def loss():
        return network.loss_and_derivative(network.forward(theta, batch, **given), batch)[0]

    result = network.gradient(theta, batch, **given)
    assert result["loss"] == loss()
    tensors = network.views(theta) | {"past": batch.past, "extra": batch.extra}
    if initial is not None:
        tensors |= {f"initial of {layer.name}": states for layer, states in zip(network.starting, initial, strict=True)}
    assert_slopes(loss, tensors, named(network, result), np.random.default_rng(0), every, coordinates)
    return result


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_every_cell_are_central_differences(cell, layers):
    """Of other seeds a rectifier's first layer is dead: a gradient of 0 shows nothing."""
    shape = dict(steps=4, batch=3, inputs=2, hidden=3, layers=layers, extra=2, weighted=True, missing=0.2)
    case = draw_away_from_kinks(cell, 3, tolerances.KINK_MARGIN, **shape)
    states = len(reference.REFERENCE_CELLS[cell].states)
    initial = np.random.default_rng(2).normal(size=(layers, states, 3, 3)) / 4
    initial = reference.REFERENCE_CELLS[cell].first_states(initial)
    if cell.endswith("_relu"):  # its kinks are known for a start at zero only
        initial *= 0.0
        assert case.network.distance_from_kinks(case.theta, case.batch(), initial) >= tolerances.KINK_MARGIN
    assert_analytic_is_numeric(case, initial)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_every_loss_are_central_differences(loss):
    shape = dict(batch=5, targets=3, loss=loss, weighted=True, missing=0.3)
    assert_analytic_is_numeric(draw_away_from_kinks("gru", 3, tolerances.KINK_MARGIN, **shape))


@pytest.mark.slow  # four minutes; the core is compared with the same oracle by default
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_every_family_are_central_differences(family):
    rng = np.random.default_rng(4)
    case = draw_family(family, rng, steps=7, batch=5, missing=0.2, weighted=True)
    initial = draw_initial(case.network, rng, 5)
    settle_kinks(case, initial=initial)
    assert case.network.distance_from_kinks(case.theta, case.batch(), initial) >= tolerances.KINK_MARGIN
    assert_analytic_is_numeric(case, initial, every=False)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("family", ["bidirectional", "segments", "segments tied"])
def test_gradients_of_every_cell_reversed_started_and_tied_are_central_differences(family, cell):
    """A rectifier's layers are drawn until their kinks are far."""
    for seed in range(500):
        case = draw_family(family, np.random.default_rng(seed), cell=cell, steps=5, batch=2, hidden=3, horizon=3)
        if case.network.distance_from_kinks(case.theta, case.batch()) >= tolerances.KINK_MARGIN:
            break
    assert_analytic_is_numeric(case)


@pytest.mark.parametrize("family", ["stacked", "bidirectional 2", "segments", "steps"])
def test_gradients_with_dropout_masks_are_central_differences(family):
    case = draw_family(family, np.random.default_rng(5), dropout=0.4, seed=3, batch=3)
    masks = case.network.masks(3, 3)
    assert masks
    result = assert_analytic_is_numeric(case, masks=masks, every=False)
    assert result["loss"] != case.network.gradient(case.theta, case.batch())["loss"]


def test_gradients_with_series_left_out_are_central_differences():
    case = draw_family("series", np.random.default_rng(6), batch=6)
    left_out = np.array([True, False, False, True, False, False])
    result = assert_analytic_is_numeric(case, left_out={"series.V": left_out})
    row = np.where(left_out | (case.batch().row < 0), 4, case.batch().row)
    moved = case.network.views(result["theta"])["series.V"].any(axis=1)
    assert np.flatnonzero(moved).tolist() == sorted(set(row))


def test_masks_are_of_zero_and_one_over_what_is_kept_and_each_draw_its_own():
    mask = reference_random.dropout_mask(7, 0.25, B=50, times=np.arange(10), width=41, number=2)
    assert sorted(set(mask.ravel())) == [0.0, 1.0 / 0.75]
    assert (mask == 0.0).mean() == pytest.approx(0.25, abs=tolerances.DROPOUT_SHARE)
    late = reference_random.dropout_mask(7, 0.25, B=3, times=[9], width=6, number=2)
    assert np.array_equal(late, mask[:3, 9:, :6]), "a view of the last step has that step's mask"
    assert (reference_random.dropout_mask(7, 0.25, 50, np.arange(10), 41, 3) != mask).any()


def test_philox_gives_the_published_numbers():
    """The known answers of Random123: counter and key all zeros, and all ones."""
    ones = np.full(4, 0xFFFFFFFF)
    assert reference_random.philox(np.zeros(4), 0).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert reference_random.philox(ones, 2**64 - 1).tolist() == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


# -------------------- what the layers' options mean


def one_recurrent(cell, steps=6, inputs=2, hidden=3, start=None, **options):
    """A recurrent layer over the past and a head on all of its steps; with `start` a layer "first" goes before it."""
    streams = {"past": Stream(steps, inputs), "x": Stream(steps, hidden)}
    layers = [Layer("x", "recurrent", ("past",), "x", cell=cell, start="first" if start else "", **options)]
    if start:
        streams["first"] = Stream(steps, hidden)
        layers.insert(0, Layer("first", "recurrent", ("past",), "first", cell=cell))
    streams |= {"flat": Stream(1, steps * hidden, "x"), "out": Stream(1, 2)}
    layers.append(Layer("head", "dense", ("flat",), "out"))
    return reference.Network(NetworkSpec(streams, tuple(layers), 2, 1, "squared_error", ()))


def draw_batch(rng, B=4, steps=6, inputs=2):
    past, target = rng.normal(size=(B, steps, inputs)), rng.normal(size=(B, 2))
    return reference.Batch(past, target, np.zeros((B, 0)), np.ones(B))


@pytest.mark.parametrize("cell", CELLS)
def test_reversed_is_mirrored(cell):
    rng = np.random.default_rng(7)
    ahead, back, batch = one_recurrent(cell), one_recurrent(cell, reverse=True), draw_batch(rng)
    theta = rng.normal(size=ahead.n_parameters)
    mirrored = theta.copy()
    back.views(mirrored)["head.W"][...] = ahead.views(theta)["head.W"].reshape(2, 6, 3)[:, ::-1].reshape(2, 18)
    expected = ahead.gradient(theta, batch)
    result = back.gradient(mirrored, batch._replace(past=batch.past[:, ::-1]))
    np.testing.assert_allclose(result["outputs"], expected["outputs"], rtol=1e-13)
    np.testing.assert_allclose(result["past"][:, ::-1], expected["past"], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(result["initial"], expected["initial"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_restart_of_one_step_is_an_ordinary_step_and_every_step_is_alone(cell):
    rng = np.random.default_rng(8)
    ordinary, again = (one_recurrent(cell, steps=1, start=True, restart=restart) for restart in (False, True))
    theta, batch = rng.normal(size=ordinary.n_parameters), draw_batch(rng, steps=1)
    one, other = (network.gradient(theta, batch) for network in (ordinary, again))
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name]), name
    many = one_recurrent(cell, start=True, restart=True)
    theta, batch = rng.normal(size=many.n_parameters), draw_batch(rng)
    changed = batch.past.copy()
    changed[:, 2] += 1.0
    theta_of_first = many.views(theta.copy())
    for name, view in theta_of_first.items():
        if name.startswith("first."):
            view[...] = 0.0  # so that the first layer's last states do not know the past
    theta = np.concatenate([view.ravel() for view in theta_of_first.values()])
    before = many.run(theta, batch)[0].read("x")
    after = many.run(theta, batch._replace(past=changed))[0].read("x")
    assert (before != after).any(axis=(0, 2)).tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_tied_weights_are_the_sum_of_those_untied(cell):
    rng = np.random.default_rng(9)
    tied = one_recurrent(cell, start=True, restart=True, tied="first")
    layers = tuple(replace(layer, tied="") for layer in tied.spec.layers)
    free = reference.Network(replace(tied.spec, layers=layers))
    theta, batch = rng.normal(size=tied.n_parameters), draw_batch(rng)
    views = tied.views(theta)
    copied = np.concatenate([views[name.replace("x.", "first.")].ravel() for name, _, _ in free.layout])
    assert tied.n_parameters < free.n_parameters == copied.size
    one, other = tied.gradient(theta, batch), free.gradient(copied, batch)
    assert one["loss"] == other["loss"]
    ours, theirs = tied.views(one["theta"]), free.views(other["theta"])
    for name, d in ours.items():
        expected = theirs[name] + theirs.get(name.replace("first.", "x.") if "first." in name else None, 0.0)
        np.testing.assert_allclose(d, expected, rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_view_reads_entries_step_after_step_and_adds_its_gradient_to_them():
    spec = NetworkSpec(
        {"past": Stream(6, 2), "pairs": Stream(3, 4, "past", 0, 4), "b": Stream(3, 2, "past", 1, 2),
         "twice": Stream(1, 3, "pairs", 9, 0)}, (), 1, 1, "squared_error", (),
    )  # fmt: skip
    streams, d = reference.Streams(spec, 1), reference.Streams(spec, 1)
    streams.values["past"] = np.arange(12.0).reshape(1, 6, 2)
    assert streams.read("pairs").tolist() == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]]
    assert streams.read("b").tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert streams.read("twice").tolist() == [[[9, 10, 11]]]
    d.add("twice", np.ones((1, 1, 3)))
    d.add("b", np.full((1, 3, 2), 10.0))
    assert d.read("past").ravel().tolist() == [0, 10, 10, 10, 10, 10, 10, 0, 0, 1, 1, 1]


def test_padding_repeats_the_oldest_row_and_is_no_part_of_anchors():
    past = np.arange(10.0)[:, None]
    scaled = dict(anchor=[2], past_scale=0.5, past_mean=1.0, noise=np.full((1, 4, 1), 0.25))
    batch = reference.gather(np.array([1]), past, 4, **scaled, padding=2, limit=4)
    x = np.clip((np.arange(1.0, 5.0) - 2.5 - 1.0) / 0.5, -4, 4) + 0.25
    assert batch.past.ravel().tolist() == [x[0], x[0], *x]
    assert (batch.padding, batch.past.min()) == (2, -3.75)


@pytest.mark.parametrize("family", ["cycle", "cycle shared"])
def test_a_cycle_is_taken_off_the_past_and_put_on_the_targets(family):
    case = draw_family(family, np.random.default_rng(10), steps=7, batch=6, horizon=6, segment=3)
    network, batch, a = case.network, case.batch(), case.network.architecture
    Q, streams = network.views(case.theta)["cycle"], network.run(case.theta, case.batch())[0]
    off, on, head = streams.read("cycle"), streams.read("out").reshape(6, -1), streams.read("head").reshape(6, -1)
    assert batch.padding == 2
    for n in range(6):
        row = 0 if a.cycle_rows == 1 else batch.row[n]
        for column in range(a.columns):
            cycle = Q[row, column] if row >= 0 else np.zeros(a.cycle)
            for t in range(9):
                expected = batch.past[n, t, column] - cycle[(batch.phase[n] + max(t - 2, 0)) % 5]
                assert off[n, t, column] == pytest.approx(expected, abs=1e-14)
            for step in range(6):
                k = step * a.columns + column
                expected = head[n, k] + batch.ratio[k] * cycle[(batch.phase[n] + 7 + step) % 5]
                assert on[n, k] == pytest.approx(expected, abs=1e-14)
        assert np.array_equal(off[n, :, a.columns :], batch.past[n, :, a.columns :])


# -------------------- training


@pytest.mark.parametrize("optimizer", reference.REFERENCE_OPTIMIZERS)
def test_only_rows_that_a_batch_reads_are_stepped(optimizer):
    case = draw_family("series", np.random.default_rng(11), batch=20, unknown=0.0)
    network, all_rows = case.network, case.batch().row
    few = [case.batch(case.index[all_rows == row]) for row in (0, 1, 0)]
    if min(len(batch.weight) for batch in few) == 0:
        raise AssertionError("the draw has no windows of one series")
    theta, _, _, state = network.train(case.theta, optimizer, few, 0.1, weight_decay=0.1)
    start, end = (network.views(t)["series.V"] for t in (case.theta, theta))
    assert (start != end).any(axis=1).tolist() == [True, True, False, False, False]
    assert not network.views(state["first"])["series.V"][2:].any()
    # Row 1 has been stepped once, in the second batch: its state is that of one step, with the bias of two.
    after_one, _, _, _ = network.train(case.theta, optimizer, few[:1], 0.1, weight_decay=0.1)
    g = network.views(network.gradient(after_one, few[1])["theta"])["series.V"][1]
    one = {"steps": 2, "first": np.zeros(len(g)), "second": np.zeros(len(g))}
    expected = reference.REFERENCE_OPTIMIZERS[optimizer](start[1], g, one, 0.1, weight_decay=0.1)
    np.testing.assert_allclose(end[1], expected, rtol=1e-12)


def test_rates_may_differ_from_batch_to_batch():
    case = draw_case("gru", np.random.default_rng(12))
    first, _, _, _ = case.network.train(case.theta, "sgd", [case.batch()], 0.1)
    both, _, _, _ = case.network.train(case.theta, "sgd", [case.batch()] * 2, [0.1, 0.0])
    assert np.array_equal(first, both)


def test_the_loss_is_the_weighted_mean_over_observed_targets():
    network = stacked("gru", 1, 1, 1, 1, targets=2, loss="quantile", loss_parameters=(0.2, 0.6))
    outputs = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])  # index = target * levels + level
    batch = reference.Batch(None, np.array([[3.0, np.nan], [4.0, 9.0]]), None, np.array([1.0, 5.0]))
    window_0 = (0.2 * 2.0 + 0.6 * 1.0) / 2
    window_1 = (0.8 * 1.0 + 0.4 * 2.0) / 2 + (0.2 * 2.0 + 0.6 * 1.0) / 2
    loss, _ = network.loss_and_derivative(outputs, batch)
    assert loss == pytest.approx((1.0 * window_0 + 5.0 * window_1) / (1.0 * 1 + 5.0 * 2))


def test_clipping_is_by_value_first_and_then_by_norm():
    g = reference.clip(np.array([3.0, -40.0]), clip_norm=2.5, clip_value=4.0)
    np.testing.assert_allclose(g, [1.5, -2.0])


def test_every_cell_has_an_oracle():
    assert set(reference.REFERENCE_CELLS) == set(_core.CELLS)
    for name, cell in reference.REFERENCE_CELLS.items():
        info = _core.CELLS[name]
        assert (list(cell.rows), list(cell.states)) == (info["rows"], info["states"]), name
        assert (cell.input, cell.state) == (tuple(info["input"]), tuple(info["state"])), name
        assert list(cell.vectors) == info["vectors"], name
        assert sorted(cell.gates) == sorted(info["gates"]), name


def test_every_layer_has_an_oracle():
    assert set(reference.REFERENCE_LAYERS) == {"recurrent", *_core.LAYERS}


def test_every_loss_has_an_oracle():
    assert set(reference.REFERENCE_LOSSES) == set(_core.LOSSES)
    for name, loss in reference.REFERENCE_LOSSES.items():
        info = _core.LOSSES[name]
        assert len(loss.parameters) == len(info["parameters"]), name
        assert (loss.outputs, loss.target) == (info["outputs"], info["target"]), name


def test_every_optimiser_has_an_oracle():
    assert set(reference.REFERENCE_OPTIMIZERS) == set(_core.OPTIMIZERS)
