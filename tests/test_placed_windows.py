"""Networks that need to know where a window is: its series, its phase in a cycle, a segment to fill up."""

import numpy as np
import pandas as pd
import pytest
import reference
import tolerances
from cases import largest_difference, network_of
from model_bytes import refused_by_load, with_tree

import forecast
from forecast import RNNForecaster, Windows
from forecast._rnn.inside import activity_of, flow_of

ROWS, LOOKBACK, HORIZON, LENGTH = 60, 7, 6, 5
SHOPS = pd.Index(["a", "b", "c"])


def table(seed=0, shops=SHOPS, targets=None, norm=None, n_targets=2, first=0):
    """Windows of series side by side in time, day after day from 2024-01-01 + `first`, with values of every role."""
    rng = np.random.default_rng(seed)
    n = len(shops)
    starts = np.arange(n + 1) * ROWS
    origins = np.concatenate([np.arange(start + LOOKBACK - 1, start + ROWS - HORIZON) for start in starts[:-1]])
    days = pd.date_range("2024-01-01", periods=first + ROWS)[first:]
    return Windows(
        rng.normal(size=(n * ROWS, 3)).cumsum(axis=0), origins, lookback=LOOKBACK, horizon=HORIZON,
        n_targets=n_targets, window_norm=norm, index=pd.DatetimeIndex(np.tile(days, n)), freq=pd.offsets.Day(),
        targets=targets, future=rng.normal(size=(n * ROWS, 2)), static=rng.normal(size=(n, 1)), starts=starts,
        series=shops,
    )  # fmt: skip


def small(**changes):
    return RNNForecaster(**dict(cell="gru", hidden_size=6, max_iter=2, random_state=0, dtype="float64") | changes)


NETWORKS = {
    "padding": dict(segment=3),
    "padding, both directions": dict(segment=4, bidirectional=True, num_layers=2),
    "skip past the padding": dict(segment=3, skip="linear"),
    "segments": dict(segment=3, decoder="segments"),
    "segments over the future": dict(segment=2, decoder="segments", future_size=2),
    "steps": dict(decoder="steps", decoder_size=8, future_size=2),
    "series": dict(series_size=2),
    "cycle": dict(cycle=LENGTH),
    "cycle shared": dict(cycle=(LENGTH, "shared")),
    "quantiles of a cycle": dict(cycle=LENGTH, loss="quantile", quantile=[0.2, 0.5, 0.9]),
    "all of them": dict(
        segment=3, decoder="segments", bidirectional=True, future_size=2, series_size=2, cycle=LENGTH,
        skip="linear-all", dropout=0.1, cell="lstm", input_clip=2.0,
    ),
}  # fmt: skip
every_network = pytest.mark.parametrize("name", NETWORKS)


def expected_outputs(model, windows, rows):
    """The oracle's forecasts of fitted weights; what places a window is counted here by hand."""
    network, a, s = model._network, model._network.architecture, model._network.scaling
    arguments = {k: v for k, v in windows.source_arguments().items() if v is not None}
    arguments["padding"] = -LOOKBACK % a.segment
    arguments["series_row"] = np.asarray(rows)
    oldest = windows.index[windows.origins - LOOKBACK + 1]
    arguments["phase"] = np.array([(day - pd.Timestamp("1970-01-01")).days % LENGTH for day in oldest])
    arguments["cycle_ratio"] = np.array([s.past_scale[k % a.columns] / s.target_scale[k] for k in range(a.targets)])
    for of in ("past", "target", "extra"):
        arguments |= {f"{of}_{what}": getattr(s, f"{of}_{what}") for what in ("mean", "scale")}
    batch = reference.gather(np.arange(len(windows)), **arguments, limit=a.input_clip)
    outputs = network_of(a).forward(network.theta, batch)
    return network.outputs.in_units(np.asarray(outputs), s.target_scale, s.target_mean)


@pytest.mark.parametrize("norm", [None, "standard"])
@every_network
def test_forecasts_are_the_oracles_of_windows_placed_by_hand(name, norm):
    windows = table(norm=norm)
    model = small(**NETWORKS[name]).fit(windows)
    some = windows[3::11]
    found = model._outputs(some).reshape(len(some), -1)
    expected = expected_outputs(model, some, some.which)
    assert largest_difference(found, expected) <= 10 * tolerances.ORACLE_OUTPUTS["float64"]


@every_network
def test_one_window_and_many_have_the_same_bits(name):
    windows = table()
    model = small(**NETWORKS[name]).fit(windows)
    every = model.predict(windows)
    for row in (0, 60, len(windows) - 1):
        assert model.predict(windows[row]).tobytes() == every[row : row + 1].tobytes()
    assert model.set_params(n_jobs=2).predict(windows).tobytes() == every.tobytes()


# -------------------- series


def told_apart(windows):
    """Targets that say which series a window is of, and nothing else; its past does not show it."""
    level = 10.0 * np.repeat(np.arange(len(windows.starts) - 1), ROWS)
    return np.stack([level, -level], axis=1)


def test_a_vector_of_each_series_tells_what_its_past_does_not_show():
    windows = table(targets=told_apart(table()))
    windows.static = None
    truth = np.asarray(windows.y)
    options = dict(max_iter=60, early_stopping=False, learning_rate=0.02)
    series = dict(series_size=2, series_left_out=0.0)
    without, having = (small(**options, **more).fit(windows) for more in ({}, series))
    error = np.abs(having.predict(windows) - truth).mean()
    assert error < 0.5
    assert np.abs(without.predict(windows) - truth).mean() > 4 * error


def test_series_are_known_by_their_names_not_by_their_places():
    """The third shop alone, and all of them in another order."""
    windows = table()
    model = small(series_size=2, cycle=LENGTH).fit(windows)
    model.weights_["cycle"][...] = np.random.default_rng(1).normal(size=model.weights_["cycle"].shape)
    every = model.predict(windows)
    third = np.flatnonzero(windows.which == 2)
    low = 2 * ROWS
    alone = Windows(
        windows.values[low:], windows.origins[third] - low, lookback=LOOKBACK, horizon=HORIZON, n_targets=2,
        index=windows.index[low:], freq=windows.freq, future=windows.future[low:], static=windows.static[2:],
        series=SHOPS[2:],
    )  # fmt: skip
    assert model.predict(alone).tobytes() == every[third].tobytes()
    order = [2, 0, 1]
    rows = np.concatenate([np.arange(ROWS) + ROWS * n for n in order])
    mixed = Windows(
        windows.values[rows], windows.origins, lookback=LOOKBACK, horizon=HORIZON, n_targets=2, index=windows.index,
        freq=windows.freq, future=windows.future[rows], static=windows.static[order], starts=windows.starts,
        series=SHOPS[order],
    )  # fmt: skip
    assert model.predict(mixed)[mixed.which == 0].tobytes() == every[third].tobytes()


def test_a_series_that_was_never_seen_reads_the_unknown_ones_vector_and_no_cycle():
    windows, new = table(), table(shops=pd.Index(["x", "y", "z"]))
    model = small(series_size=2, cycle=LENGTH).fit(windows)
    assert np.any(model.weights_["series.V"][-1]), "a share of the windows has trained it"
    found = model.predict(new)
    assert not np.array_equal(found, model.predict(windows))
    model.weights_["series.V"][:-1] = model.weights_["series.V"][-1]
    model.weights_["cycle"][...] = 0.0
    assert model.predict(windows).tobytes() == found.tobytes()


def test_a_shared_cycle_serves_every_series():
    model = small(cycle=(LENGTH, "shared")).fit(table())
    model.weights_["cycle"][...] = np.random.default_rng(1).normal(size=(1, 2, LENGTH))
    assert model._series_names is None
    assert np.array_equal(model.predict(table()), model.predict(table(shops=pd.Index(["x", "y", "z"]))))


def test_the_unknown_series_learns_only_where_some_are_left_out():
    first, after = (small(series_size=2, series_left_out=0.0, max_iter=n).fit(table()) for n in (1, 3))
    before, now = first.weights_["series.V"], after.weights_["series.V"]
    assert np.array_equal(before[-1], now[-1])
    assert np.all(before[:-1] != now[:-1])


# -------------------- cycles


def test_a_cycle_is_learnt_and_is_not_the_networks():
    """A network that sees one step forecasts a season of five."""
    season = np.array([3.0, -1.0, 0.5, 4.0, -2.0])
    days = pd.date_range("2024-01-01", periods=400)
    y = pd.Series(np.tile(season, 80) + 0.1 * np.random.default_rng(0).normal(size=400), index=days, name="y")
    windows = forecast.make_windows(y, lookback=2, horizon=12)
    options = dict(hidden_size=4, max_iter=60, learning_rate=0.02, early_stopping=False)
    model = small(cycle=LENGTH, **options).fit(windows)
    assert np.abs(model.predict(windows) - np.asarray(windows.y)).mean() < 0.2
    learnt = model.weights_["cycle"][0, 0] * model._network.scaling.past_scale[0]
    phase = (days[0] - pd.Timestamp("1970-01-01")).days % LENGTH
    true = np.roll(season, phase)
    assert np.corrcoef(learnt, true)[0, 1] > 0.95


def test_a_phase_belongs_to_the_time_not_to_the_row():
    windows, later = table(), table(first=2)
    model = small(cycle=LENGTH).fit(windows)
    model.weights_["cycle"][...] = np.random.default_rng(1).normal(size=model.weights_["cycle"].shape)
    assert not np.allclose(model.predict(windows), model.predict(later)), "the same values two days later"
    week = table(first=LENGTH)
    assert model.predict(week).tobytes() == model.predict(windows).tobytes()


def test_targets_of_ones_own_have_the_phase_of_their_windows():
    """y as an array takes another way to the core, with the past as rows of its own."""
    windows = table()
    arrays = np.array(windows.y)
    options = dict(series_size=2, cycle=LENGTH, segment=3, decoder="segments", max_iter=3)
    one, other = small(**options).fit(windows), small(**options).fit(windows, arrays)
    assert one._network.theta == pytest.approx(other._network.theta, abs=1e-9)
    loss, same = flow_of(one, windows, None, None, 1).loss, flow_of(one, windows, arrays, None, 1).loss
    assert same == pytest.approx(loss, rel=1e-9)


# -------------------- the other ways in: validation set, a look inside, going on


def test_a_validation_set_is_placed_by_the_fitted_names():
    windows, late = table(), table(seed=1, shops=SHOPS[[2, 0]])
    options = dict(series_size=2, cycle=LENGTH, segment=3)
    model = small(**options, max_iter=3).fit(windows, X_val=late)
    error = (model.predict(late) - np.asarray(late.y)) / model._network.scaling.target_scale
    assert model.best_loss_ == pytest.approx(np.mean(error**2), rel=1e-9)
    assert model._series_names == ["a", "b", "c"]


def test_a_look_inside_is_of_placed_windows():
    windows = table()
    model = small(series_size=2, cycle=LENGTH, segment=3, bidirectional=True).fit(windows)
    s, some = model._network.scaling, windows[:40]
    flow = flow_of(model, some, None, None, 1)
    error = (model.predict(some) - np.asarray(some.y)) / s.target_scale
    assert flow.loss == pytest.approx(np.mean(error**2), rel=1e-9)
    assert (flow.layers, flow.norms.shape, flow.segment) == (("0", "0.reverse"), (2, 3), 3)
    gates = activity_of(model, some, 1, 2**30)
    assert gates.states["h"].shape == (40, 2, 3, 6)
    renamed = table(shops=pd.Index(["x", "y", "z"]))[:40]
    assert flow_of(model, renamed, None, None, 1).loss != flow.loss


def test_a_warm_start_keeps_the_fitted_series():
    """Fewer of them, and in another order: each goes on with its own row, and the others stay as they are."""
    model = small(series_size=2, cycle=LENGTH, warm_start=True, series_left_out=0.0).fit(table())
    before = {name: model.weights_[name].copy() for name in ("series.V", "cycle")}
    model.fit(table(seed=3, shops=pd.Index(["c", "new"])))
    assert model._series_names == ["a", "b", "c"]
    for name, was in before.items():
        now = model.weights_[name]
        assert np.array_equal(now[:2], was[:2]), name
        assert np.all(now[2] != was[2]), name


# -------------------- refusals

PLAIN = np.zeros((90, LOOKBACK)), np.zeros((90, HORIZON))
NEEDS = {"cycle": (dict(cycle=LENGTH), "the time of a"), "series_size": (dict(series_size=2), "the series that a")}


@pytest.mark.parametrize("name", NEEDS)
def test_arrays_are_refused_by_name(name):
    options, what = NEEDS[name]
    message = f"^X: RNNForecaster with {name} needs {what} .*Pass Windows, as make_windows"
    with pytest.raises(ValueError, match=message):
        small(**options).fit(*PLAIN)
    windows = table()
    windows.static = windows.future = None
    model = small(**options).fit(windows)
    X, y = np.asarray(windows), np.asarray(windows.y)
    for ask in (model.predict, lambda X: flow_of(model, X, y, None, 1), lambda X: activity_of(model, X, 1, 2**30)):
        with pytest.raises(ValueError, match=message):
            ask(X)
    with pytest.raises(ValueError, match=r"^Validation set \(X_val, y_val\): " + message[1:]):
        small(**options).fit(windows, X_val=X, y_val=y)


def test_series_without_names_are_refused():
    windows = table()
    windows.series = None
    for options in ({"series_size": 2}, {"cycle": LENGTH}):
        with pytest.raises(ValueError, match="windows of 3 series without names"):
            small(**options).fit(windows)
    small(cycle=(LENGTH, "shared")).fit(windows)


def test_a_cycle_is_for_targets_of_the_horizon():
    windows = table()
    with pytest.raises(ValueError, match=r"cycle=5: y has 1 outputs, which are not horizon \* targets"):
        small(cycle=LENGTH).fit(windows, np.zeros(len(windows)))


def test_a_network_that_needs_no_names_keeps_none():
    assert small().fit(table())._series_names is None


# -------------------- files


@pytest.mark.parametrize("names", [SHOPS, pd.Index([3, 1, 2]), pd.date_range("2024-01-01", periods=3)])
def test_a_file_keeps_the_names_of_the_series(names, tmp_path):
    windows = table(shops=names)
    model = small(series_size=2, cycle=LENGTH, segment=3).fit(windows)
    model.save(tmp_path / "model")
    again = forecast.load(tmp_path / "model")
    assert again._series_names == list(names)
    assert again.predict(windows).tobytes() == model.predict(windows).tobytes()


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "b"], "it names 2 series, but the network has tables of 3"), (["a", "a", "b"], "list of unique names"),
     (None, "it names None series"), ("abc", "list of unique names")],
)  # fmt: skip
def test_a_file_whose_names_do_not_fit_is_refused(names, message, tmp_path):
    model = small(series_size=2).fit(table())

    def change(tree):
        tree["fitted"]["_series_names"] = names

    refused_by_load(tmp_path, with_tree(model, tmp_path, change), message)


# -------------------- what the skip's own arguments do in training


def test_the_skip_steps_at_its_own_rate_and_decays_by_its_own_penalty():
    windows = table()
    options = dict(skip="linear", early_stopping=False, skip_start="zero", max_iter=3)
    still, free, held = (
        np.abs(small(**options, **more).fit(windows).weights_["skip.W"]).mean()
        for more in ({"skip_learning_rate": 1e-9, "skip_penalty": 0.0}, {"skip_penalty": 0.0}, {"skip_penalty": 30.0})
    )
    assert still < 1e-6
    assert held < 0.5 * free
