"""A decoder that reads its own forecasts: taught and free, in the core against the oracle, and in the estimator."""

import numpy as np
import pandas as pd
import pytest
import tolerances
from cases import ISAS, draw_family, draw_network, largest_difference
from slopes import assert_slopes, differences_from, own_arrays

from forecast import RNNForecaster, SeriesForecaster, _core, load, make_windows

FORCED = (0.0, 0.4, 1.0)
every_forced = pytest.mark.parametrize("forced", FORCED)
FAMILIES = ("recurrent", "recurrent over the known future", "recurrent, everything")


def drawn(family="recurrent over the known future", **sizes):
    return draw_family(family, np.random.default_rng(5), **dict(steps=6, batch=37, missing=0.3, weighted=True) | sizes)


def taught(case, forced, seed):
    return case.network.taught(seed, forced, len(case.index))


# -------------------- the core


@pytest.mark.parametrize("isa", ISAS)
@every_forced
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_with_teacher_forcing_are_the_oracles(family, forced, isa):
    case = drawn(family, series_left_out=0.0)
    expected = case.network.gradient(case.theta, case.batch(), taught=taught(case, forced, 11))
    for dtype in ("float64", "float32"):
        result = case.gradient(dtype, isa, seed=11, forced=forced)
        wrong = differences_from(expected, result, case.network)
        assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS[dtype], wrong
        assert largest_difference(result["outputs"], expected["outputs"]) <= tolerances.ORACLE_OUTPUTS[dtype]


@every_forced
def test_gradients_with_teacher_forcing_are_slopes(forced):
    """Through the forecasts fed back too: they move with the weights."""
    case = drawn(batch=5, steps=4)
    network, theta, arguments = case.core(), case.theta.copy(), own_arrays(case.arguments)
    source = _core.Source(**arguments)

    def evaluate():
        return network.gradient(theta, source, case.index, seed=3, forced=forced)

    result = evaluate()
    views = case.network.views
    assert_slopes(lambda: evaluate()["loss"], views(theta), views(result["theta"]), np.random.default_rng(0))


@pytest.mark.parametrize("cell", sorted(_core.CELLS))
def test_every_cell_decodes(cell):
    case = drawn("recurrent over the known future", cell=cell, hidden=11)
    expected = case.network.gradient(case.theta, case.batch(), taught=taught(case, 0.5, 2))
    wrong = differences_from(expected, case.gradient(seed=2, forced=0.5), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


def test_the_median_is_fed_back():
    sizes = dict(decoder="recurrent", loss="quantile", columns=2, inputs=2, batch=9)
    case = draw_network(np.random.default_rng(1), **sizes)
    feed = next(layer for layer in case.network.spec.layers if layer.kind == "feed")
    assert case.network.spec.loss_parameters[feed.level] == 0.5
    wrong = differences_from(case.network.gradient(case.theta, case.batch()), case.gradient(), case.network)
    assert max(wrong.values()) <= tolerances.ORACLE_GRADIENTS["float64"], wrong


def test_what_is_taught_is_read():
    """Wholly taught, a step depends on the true target before it; where that is missing, on the forecast."""
    case = drawn("recurrent", batch=8, missing=0.0)
    outputs = case.gradient(forced=1.0)["outputs"]
    target = case.arguments["target"].copy()
    target[case.arguments["target_shift"] :: case.arguments["target_stride"]] += 1.0  # the first step of the horizon
    moved = case.with_arguments(target=target).gradient(forced=1.0)["outputs"]
    assert (moved[:, 0] == outputs[:, 0]).all()
    assert (moved[:, 1] != outputs[:, 1]).all()
    unknown = case.with_arguments(target=np.full_like(target, np.nan))
    assert (unknown.gradient(forced=1.0)["outputs"] == case.gradient(forced=0.0)["outputs"]).all()


def step(case, forced, **arguments):
    network, theta = case.core("float32"), case.theta.astype("float32")
    optimizer = _core.Optimizer("adam", "float32", network.n_parameters)
    result = network.train(theta, optimizer, case.source(), case.index, 37, rate=0.01, seed=3, forced=forced,
                           **arguments)  # fmt: skip
    return theta, result["losses"]


@every_forced
@pytest.mark.parametrize("family", FAMILIES)
def test_training_is_the_same_in_both_ways_and_on_two_threads(family, forced):
    case = drawn(family, batch=100, windows=100)
    lanes, units = (step(case, forced, path=path) for path in ("lanes", "units"))
    assert largest_difference(units[0], lanes[0]) <= tolerances.ORACLE_STEPS["float32"]
    assert largest_difference(units[1], lanes[1]) <= tolerances.ORACLE_STEPS["float32"]
    several = step(case, forced, path="lanes", threads=2)
    assert several[0].tobytes() == lanes[0].tobytes()
    if forced:
        assert lanes[1].tobytes() != step(case, 0.0, path="lanes")[1].tobytes()


@pytest.mark.parametrize("forced", [-0.1, 1.1, np.nan])
def test_a_probability_is_one(forced):
    with pytest.raises(ValueError, match="forced: expected a probability"):
        drawn().gradient(forced=forced)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(fed_scale=np.ones(12)), "fed_scale and fed_shift: expected both or neither"),
        (dict(fed_scale=np.ones(5), fed_shift=np.zeros(5)), "fed_scale: expected 12 elements"),
        (dict(fed_scale=np.full(12, np.inf), fed_shift=np.zeros(12)), "expected finite numbers"),
    ],
)
def test_scales_of_what_is_fed_back_are_checked(changes, message):
    case = drawn()
    with pytest.raises(ValueError, match=message):
        _core.Source(**case.arguments | dict(fed_scale=None, fed_shift=None) | changes)


# -------------------- the estimator


def waves(n=260, seed=0):
    t = np.arange(n)
    rng = np.random.default_rng(seed)
    promotion = (rng.random(n) < 0.2).astype(float)
    demand = 10 + 3 * np.sin(2 * np.pi * t / 12) + 4 * promotion + 0.1 * rng.normal(size=n)
    index = pd.date_range("2024-01-01", periods=n, freq="D")
    return pd.DataFrame({"demand": demand, "promotion": promotion}, index)


def windows(horizon=4, lookback=12, frame=None, **options):
    frame = waves() if frame is None else frame
    return make_windows(frame, target="demand", lookback=lookback, horizon=horizon, **options)


def model(**changes):
    settings = dict(decoder="recurrent", hidden_size=8, max_iter=3, random_state=0, early_stopping=False)
    return RNNForecaster(**settings | changes)


@pytest.mark.parametrize("given", [0.0, 1.0, 0.3, (1.0, 0.0), [0.5, 0.1]])
def test_every_way_of_teaching_trains(given):
    fitted = model(teacher_forcing=given).fit(windows())
    assert np.isfinite(fitted.predict(windows())).all()
    assert fitted.card_["model"]["decoder"] == "recurrent"
    free = model().fit(windows())
    assert (fitted.weights_["head.W"].tobytes() == free.weights_["head.W"].tobytes()) == (given == 0.0)


def test_a_schedule_goes_from_the_first_epoch_to_the_last():
    from forecast._rnn.arguments import recipe_of

    recipe = recipe_of(model(teacher_forcing=(1.0, 0.2), max_iter=5), 5, False)
    assert np.allclose([recipe.forced(epoch, 5) for epoch in range(6)], [1.0, 0.8, 0.6, 0.4, 0.2, 0.2])
    assert recipe.forced(0, 1) == 1.0
    assert recipe_of(model(teacher_forcing=(1.0, 0.2)), 1, True).forced(0, 1) == 0.2, "partial_fit knows no last epoch"


@pytest.mark.parametrize("given", [(1.0,), (1.0, 0.0, 0.5), (1.0, -0.1), ("linear", 1.0), (True, 0.0)])
def test_other_schedules_are_refused(given):
    with pytest.raises(ValueError, match=r"teacher_forcing=.*expected a probability"):
        model(teacher_forcing=given).fit(windows())


def test_teacher_forcing_is_for_this_decoder():
    with pytest.raises(ValueError, match=r"teacher_forcing=0.5 is for decoder 'recurrent', not decoder='dense'"):
        model(decoder="dense", teacher_forcing=0.5).fit(windows())


def test_one_step_has_nothing_to_teach():
    with pytest.raises(ValueError, match=r"teacher_forcing=1.0: with a horizon of one step"):
        model(teacher_forcing=1.0).fit(windows(horizon=1))


def test_the_forecast_is_that_of_the_equations():
    """Step by step from the weights, without the core."""
    frame = waves()
    fitted = model(cell="rnn", dtype="float64").fit(windows(frame=frame, future_covariates=["promotion"]))
    w, s = fitted.weights_, fitted._network.scaling
    asked = windows(frame=frame, future_covariates=["promotion"])[:3]
    found = fitted.predict(asked)
    values, known = frame.to_numpy(), frame["promotion"].to_numpy()  # a known column's past is read too
    for row in range(3):
        h = np.zeros(8)
        for t in range(12):
            x = (values[row + t] - s.past_mean) / s.past_scale
            h = np.tanh(w["0.W_h"] @ x + w["0.R_h"] @ h + w["0.b_h"])
        fed = (values[row + 11, 0] - s.past_mean[0]) / s.past_scale[0]
        for t in range(4):
            future = (known[row + 12 + t] - s.extra_mean[t]) / s.extra_scale[t]
            h = np.tanh(w["decoder.0.W_h"] @ [future, fed] + w["decoder.0.R_h"] @ h + w["decoder.0.b_h"])
            forecast = (w["head.W"] @ h + w["head.b"])[0] * s.target_scale[t] + s.target_mean[t]
            assert found[row, t] == pytest.approx(forecast, rel=1e-12)
            fed = (forecast - s.past_mean[0]) / s.past_scale[0]


def test_one_scale_for_all_steps():
    fitted = model().fit(windows(future_covariates=["promotion"]))
    s, y = fitted._network.scaling, np.asarray(windows().y)
    assert np.ptp(s.target_scale) == np.ptp(s.target_mean) == np.ptp(s.extra_scale) == np.ptp(s.extra_mean) == 0
    assert s.target_mean[0] == pytest.approx(y.mean())
    assert s.target_scale[0] == pytest.approx(y.std())


# -------------------- any horizon


def test_any_horizon_begins_with_the_same_forecasts():
    fitted, X = model(num_layers=2).fit(windows()), windows()[:40]
    plain = fitted.predict(X)
    for horizon in (1, 3, 4, 5, 30):
        found = fitted.predict(X, horizon=horizon)
        assert found.shape == (40, horizon)
        both = min(horizon, 4)
        assert found[:, :both].tobytes() == plain[:, :both].tobytes()
    assert fitted.predict(np.asarray(X), horizon=30).tobytes() == found.tobytes()


def test_a_model_of_one_step_forecasts_on():
    X, y = np.asarray(windows(horizon=1)), np.asarray(windows(horizon=1).y)[:, 0]
    fitted = model(max_iter=60).fit(X, y)
    assert fitted.predict(X[:3]).shape == (3,)
    assert fitted.predict(X[:3], horizon=1).shape == (3, 1)
    found = fitted.predict(X[:3], horizon=5)
    assert found.shape == (3, 5)
    assert found[:, 0].tobytes() == fitted.predict(X[:3]).tobytes()
    assert (np.ptp(found, axis=1) > 0).all()


def test_known_future_is_needed_for_all_steps():
    options = dict(future_covariates=["promotion"])
    fitted = model().fit(windows(**options))
    longer = windows(horizon=9, **options)[:7]
    found = fitted.predict(longer, horizon=9)
    assert found.shape == (7, 9)
    assert found[:, :4].tobytes() == fitted.predict(windows(**options)[:7]).tobytes()
    with pytest.raises(ValueError, match=r"horizon=9, .* fitted on 4 steps: every step reads its own known future"):
        fitted.predict(windows(**options), horizon=9)
    with pytest.raises(ValueError, match=r"got ndarray. Make the windows with horizon=9"):
        fitted.predict(np.asarray(longer), horizon=9)


def test_quantiles_over_any_horizon():
    fitted = model(loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(windows())
    found = fitted.predict_quantiles(windows()[:5], horizon=7)
    assert found.shape == (5, 7, 3)
    assert (np.diff(found, axis=2) >= 0).all()
    with pytest.raises(ValueError, match=r"feeds back the median, which is not among quantile=.0.9."):
        model(loss="quantile", quantile=0.9).fit(windows())


@pytest.mark.parametrize(
    ("changes", "horizon", "error", "message"),
    [
        (dict(decoder="dense"), 5, ValueError, "decoder='dense' has weights for them alone"),
        (dict(decoder="steps"), 3, ValueError, "decoder='steps' has weights for them alone"),
        (dict(skip="linear"), 5, ValueError, "skip='linear' has weights for them alone"),
        ({}, 0, ValueError, "expected 1 step or more, got 0"),
        ({}, 2.0, TypeError, "expected a number of steps or None, got 2.0"),
        ({}, True, TypeError, "got True"),
    ],
)
def test_other_horizons_are_refused(changes, horizon, error, message):
    fitted = model(**changes).fit(windows())
    with pytest.raises(error, match=message):
        fitted.predict(windows(), horizon=horizon)
    if "decoder" in changes:
        assert fitted.predict(windows(), horizon=4).tobytes() == fitted.predict(windows()).tobytes()


# -------------------- with the rest


@pytest.mark.parametrize("norm", [None, "last", "mean", "standard"])
def test_norms_of_windows_and_several_targets(norm):
    frame = waves().assign(other=lambda f: f["demand"][::-1].to_numpy())
    X = make_windows(frame, target=["demand", "other"], lookback=12, horizon=4, window_norm=norm)
    fitted = model(max_iter=40, teacher_forcing=0.5).fit(X)
    assert fitted.score(X, np.asarray(X.y)) > 0.3
    assert fitted.predict(X[:3], horizon=6).shape == (3, 12)


def test_missing_targets_and_series_of_a_panel():
    frame = waves()
    frame.iloc[50:60, 0] = np.nan
    pair = pd.concat({"a": frame, "b": frame * 2}, names=["shop", "day"]).reset_index()
    inner = model(series_size=2, teacher_forcing=1.0, future_size=3)
    options = dict(target="demand", series="shop", time="day", lookback=6, horizon=4)
    fitted = SeriesForecaster(inner, future_covariates=["promotion"], missing="mask", **options).fit(pair)
    ahead = fitted.future_frame()
    ahead["promotion"] = 0.0
    assert np.isfinite(fitted.predict(ahead).to_numpy(dtype=float, na_value=np.nan)[:, -1].astype(float)).all()


def test_a_fit_does_not_depend_on_threads_and_survives_a_file(tmp_path):
    one, two = (model(teacher_forcing=(1.0, 0.0), n_jobs=n, dropout=0.1).fit(windows()) for n in (1, 2))
    assert one.predict(windows()).tobytes() == two.predict(windows()).tobytes()
    one.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.predict(windows(), horizon=9).tobytes() == one.predict(windows(), horizon=9).tobytes()
    assert again.card_["model"]["teacher_forcing"] == [1.0, 0.0]


def test_a_series_goes_on_beyond_the_horizon():
    fitted = SeriesForecaster(model(), target="demand", lookback=12, horizon=4).fit(waves()[["demand"]])
    assert len(fitted.predict(fitted.future_frame(10), recursive=True)) == 10


def test_a_constant_target_stays_constant():
    X = np.random.default_rng(0).normal(size=(60, 5))
    fitted = model().fit(X, np.full((60, 3), 7.0))
    assert (fitted.predict(X) == 7.0).all()
    assert (fitted.predict(X, horizon=5) == 7.0).all()


def test_going_on_with_another_teaching_is_allowed():
    fitted = model(warm_start=True).fit(windows())
    fitted.set_params(teacher_forcing=1.0).fit(windows())
    with pytest.raises(ValueError, match="another architecture"):
        fitted.set_params(decoder="dense", teacher_forcing=0.0).fit(windows())


def test_a_network_described_wrongly_is_refused():
    spec = drawn("recurrent").network.spec
    layers = [dict(vars(layer)) for layer in spec.layers]
    streams = [(name, s.steps, s.width, s.of or "", s.first, s.pitch) for name, s in spec.streams.items()]

    def network(changes):
        changed = [layer | changes.get(layer["name"], {}) for layer in layers]
        return _core.Network(streams, changed, dtype="float32", targets=spec.targets, columns=spec.columns)

    assert network({}).n_parameters == drawn("recurrent").network.n_parameters
    for changes, message in {
        "level": (dict(level=1), "feeds back one output of every target column"),
        "reverse": (dict(reverse=True), "cannot follow 'decoder.fed'"),
        "dilation": (dict(dilation=2), "cannot follow 'decoder.fed'"),
        "masks": (dict(zoneout=0.1), "cannot follow 'decoder.fed'"),
    }.values():
        name = "decoder.fed" if "level" in changes else "decoder.0"
        with pytest.raises(ValueError, match=message):
            network({name: changes})
