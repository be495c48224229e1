"""Losses that are distributions: against scipy.stats, in the core, as quantiles, scores and frames of forecasters."""

import pickle

import numpy as np
import pandas as pd
import pytest
import tolerances
from cases import DTYPES, ISAS, draw_case
from scipy import special, stats
from sklearn.base import clone

from forecast import Distribution, RNNForecaster, SeriesForecaster, _core, load, metrics
from forecast._distributions import FAMILIES
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

EXACT = 1e-10
LEVELS = np.array([1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])


def frozen(name, *, mean=None, std=None, loc=None, scale=None, df=None, dispersion=None, shape=None):
    """The distribution of scipy."""
    if name == "normal":
        return stats.norm(mean, std)
    if name == "student_t":
        return stats.t(df, loc, scale)
    if name == "poisson":
        return stats.poisson(mean)
    if name == "negative_binomial":
        return stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    return stats.gamma(shape, scale=mean / shape)


def parameters(name, rng, n=200):
    few, many = rng.gamma(1.0, 3.0, n) + 0.01, np.exp(rng.normal(0, 2, n))
    return {
        "normal": dict(mean=rng.normal(size=n) * 5, std=few),
        "student_t": dict(loc=rng.normal(size=n), scale=few, df=2.01 + many),
        "poisson": dict(mean=few * many),
        "negative_binomial": dict(mean=few, dispersion=np.clip(many, 1e-4, 100)),
        "gamma": dict(mean=few, shape=0.01 + many),
    }[name]


every_family = pytest.mark.parametrize("name", FAMILIES)


@every_family
def test_densities_distribution_functions_and_quantiles_are_scipys(name):
    rng = np.random.default_rng(0)
    given = parameters(name, rng)
    ours, theirs = Distribution(name, **given), frozen(name, **given)
    y = theirs.rvs(random_state=1)
    log_density = theirs.logpmf(y) if name in ("poisson", "negative_binomial") else theirs.logpdf(y)
    np.testing.assert_allclose(ours.log_density(y), log_density, rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(ours.cdf(y), theirs.cdf(y), rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), rtol=EXACT)
    np.testing.assert_allclose(ours.std(), theirs.std(), rtol=EXACT)
    columns = {key: value[:, None] for key, value in given.items()}
    np.testing.assert_allclose(ours.quantiles(LEVELS), frozen(name, **columns).ppf(LEVELS), rtol=EXACT)


@every_family
def test_each_value_may_have_levels_of_its_own(name):
    rng = np.random.default_rng(2)
    given = parameters(name, rng, 20)
    ranks = rng.uniform(size=(20, 500))  # many: counts are then read off a table
    found = Distribution(name, **given).quantiles(ranks)
    columns = {key: value[:, None] for key, value in given.items()}
    np.testing.assert_allclose(found, frozen(name, **columns).ppf(ranks), rtol=EXACT)
    few = Distribution(name, **given).quantiles(ranks[:, :3])
    np.testing.assert_array_equal(few, found[:, :3])


@every_family
def test_the_crps_is_twice_the_pinball_loss_over_all_levels(name):
    given = parameters(name, np.random.default_rng(3), 30)
    ours = Distribution(name, **given)
    y = np.round(ours.quantiles(np.random.default_rng(4).uniform(size=30)[:, None])[:, 0], 1)
    y = np.floor(y) if name in ("poisson", "negative_binomial") else y
    levels = (np.arange(20_000) + 0.5) / 20_000
    q = ours.quantiles(levels)
    loss = 2 * np.maximum(levels * (y[:, None] - q), (levels - 1) * (y[:, None] - q)).mean(axis=1)
    np.testing.assert_allclose(ours.crps(y), loss, rtol=2e-3, atol=1e-4)
    assert metrics.crps(y, ours) == pytest.approx(ours.crps(y).mean())
    assert metrics.log_score(y, ours) == pytest.approx(-ours.log_density(y).mean())


@pytest.mark.parametrize("dispersion", [1e-4, 0.05, 0.3, 5.0])
def test_the_crps_of_counts_is_the_sum_of_squared_distances(dispersion):
    mean, y = np.array([0.05, 3.0, 400.0]), np.array([1.0, 0.0, 450.0])
    found = Distribution("negative_binomial", mean=mean, dispersion=dispersion).crps(y)
    k = np.arange(20_000)
    reached = frozen("negative_binomial", mean=mean[:, None], dispersion=dispersion).cdf(k)
    np.testing.assert_allclose(found, ((reached - (k >= y[:, None])) ** 2).sum(axis=1), rtol=1e-8)


# -------------------- in the core


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["log", "softplus", "log_gamma", "digamma"])
def test_functions_of_likelihoods_are_within_their_bound(name, dtype, isa):
    small = 1e-3 if name.endswith("gamma") else 1e-30
    x = np.concatenate([np.geomspace(small, 1e6, 40_001), np.linspace(0.3, 12, 40_001)])
    x = np.concatenate([-x[x < 80], x]) if name == "softplus" else x
    x = x.astype(dtype)
    wide = x.astype(np.longdouble)
    right = {
        "log": np.log,
        "softplus": lambda a: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))),
        "log_gamma": lambda a: special.gammaln(a.astype(float)),
        "digamma": lambda a: special.psi(a.astype(float)),
    }[name](wide)
    unit = np.spacing(np.abs(right).astype(dtype))
    if name.endswith("gamma"):
        unit = np.finfo(dtype).eps * np.maximum(1, np.abs(right))
    normal = np.abs(right) >= np.finfo(dtype).tiny
    y = _core.activation(name, x, isa)
    assert (np.abs(y - right)[normal] / unit[normal]).max() <= tolerances.ULP_OF_LIKELIHOODS[name]
    assert np.isnan(_core.activation(name, np.array([np.nan], dtype=dtype), isa)).all()


@every_family
def test_the_loss_is_the_negative_log_density_in_units(name):
    case = draw_case("gru", np.random.default_rng(5), loss=name, targets=3, batch=9)
    scale = np.full(3, 2.0) if FAMILIES[name].target == "counts" else np.ones(3)
    case = case.with_arguments(target_scale=scale)
    result = case.gradient()
    family = FAMILIES[name]
    raw = result["outputs"].reshape(9, 3, len(family.parameters))
    distribution = Distribution._of(name, family.linked(raw, scale, np.zeros(3)))
    actual = case.arguments["target"][case.index]
    assert result["loss"] == pytest.approx(metrics.log_score(actual, distribution), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@every_family
def test_outputs_of_any_size_have_finite_losses_and_gradients(name, dtype):
    case = draw_case("rnn_tanh", np.random.default_rng(6), loss=name, targets=2, batch=20, missing=0.2)
    for size in (1e2, 1e6, 1e12, 1e30):
        theta = case.theta.copy()
        signs = np.random.default_rng(7).choice([-1, 1], 2 * case.network.levels)
        case.network.views(theta)["head.b"][...] = size * signs
        result = case.core(dtype).gradient(theta.astype(dtype), case.source(), case.index)
        assert np.isfinite(result["loss"]), size
        assert np.isfinite(result["theta"]).all(), size


def test_the_gradient_of_a_small_dispersion_keeps_its_digits_in_single_precision():
    case = draw_case("gru", np.random.default_rng(8), loss="negative_binomial", targets=1, batch=16)
    case.network.views(case.theta)["head.b"][1] = -12.0  # an alpha of 1e-4: r is 10,000
    case.network.views(case.theta)["head.W"][...] *= 0.1
    wide = case.gradient("float64")["theta"]
    narrow = case.gradient("float32")["theta"]
    at = case.network.n_parameters - 1
    assert narrow[at] == pytest.approx(wide[at], rel=1e-2)


# -------------------- in the estimators


def draws(name, n, seed=0):
    rng = np.random.default_rng(seed)
    level = 3 + 2 * np.sin(np.arange(n) / 6)
    return {
        "normal": lambda: rng.normal(level),
        "student_t": lambda: level + rng.standard_t(3, n),
        "poisson": lambda: rng.poisson(level).astype(float),
        "negative_binomial": lambda: rng.negative_binomial(2, 2 / (2 + level)).astype(float),
        "gamma": lambda: rng.gamma(3, level / 3),
    }[name]()


def windows(name, n=300):
    y = draws(name, n + 12)
    return np.lib.stride_tricks.sliding_window_view(y, 12)[:-1], y[12:]


def network(name, **more):
    return RNNForecaster(**dict(loss=name, hidden_size=8, max_iter=3, random_state=0) | more)


def frame(name, n=160):
    return pd.DataFrame({"y": draws(name, n)}, index=pd.date_range("2024-01-01", periods=n, freq="D", name="day"))


@every_family
def test_predict_is_the_mean_and_quantiles_are_those_of_the_distribution(name):
    X, y = windows(name)
    model = network(name).fit(X, y)
    found = model.predict_distribution(X[:5])
    np.testing.assert_array_equal(found.mean(), model.predict(X[:5]))
    np.testing.assert_array_equal(found.quantiles([0.001, 0.7]), model.predict_quantiles(X[:5], [0.001, 0.7]))
    assert model.predict_quantiles(X[:5]).shape == (5, 3)
    assert (np.diff(model.predict_quantiles(X[:5], LEVELS), axis=1) >= 0).all()
    if FAMILIES[name].target == "counts":
        q = model.predict_quantiles(X[:5], LEVELS)
        assert (q == np.floor(q)).all()
        assert q.min() >= 0
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_quantiles(X[:5]), model.predict_quantiles(X[:5]))
    with pytest.raises(ValueError, match="level in"):
        model.predict_quantiles(X, 1.5)
    scores = metrics.neg_crps(model, X, y), metrics.neg_log_score(model, X, y)
    assert np.isfinite(scores).all()


def test_training_finds_the_parameters_of_what_was_drawn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 4))
    y = rng.negative_binomial(2, 2 / (2 + 5.0), 4000).astype(float)
    model = network("negative_binomial", max_iter=30, dtype="float64").fit(X, y)
    found = model.predict_distribution(X)
    assert found.parameters["mean"].mean() == pytest.approx(5.0, rel=0.1)
    assert found.parameters["dispersion"].mean() == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_several_targets_and_missing_ones(dtype):
    X, y = windows("gamma")
    both = np.stack([y, 2 * y], axis=1)
    model = network("gamma", dtype=dtype).fit(X, both)
    assert model.predict_distribution(X).shape == both.shape
    assert model.predict_quantiles(X, [0.2, 0.4]).shape == (*both.shape, 2)


@every_family
def test_series_have_parameters_in_their_own_units_and_index(name, tmp_path):
    df = frame(name)
    model = SeriesForecaster(network(name), target="y", lookback=12, horizon=3).fit(df)
    found = model.predict_distribution()
    assert list(found.columns) == [f"y_{key}" for key in FAMILIES[name].parameters]
    assert found.index.equals(model.predict().index)
    given = {key: found[f"y_{key}"] for key in FAMILIES[name].parameters}
    levels = [0.01, 0.5, 0.99]
    q = Distribution(name, **given).quantiles(levels)
    np.testing.assert_allclose(q, model.predict_quantiles(levels=levels), rtol=1e-9, atol=1e-9)
    interval = model.predict_interval(coverage=0.8)
    assert (interval["y_lower"] <= interval["y_upper"]).all()
    if FAMILIES[name].least == 0:
        assert interval["y_lower"].min() >= 0
    model.save(tmp_path / "model.rnn")
    pd.testing.assert_frame_equal(load(tmp_path / "model.rnn").predict_distribution(), found)
    model.update(frame(name, 164).iloc[160:])
    assert model.predict_distribution().index[0] == pd.Timestamp("2024-06-13")
    assert clone(model).regressor.loss == name


def test_a_panel_a_linear_transform_and_several_targets():
    one = frame("normal", 80).assign(z=lambda d: 10 * d["y"])
    panel = pd.concat([one.assign(shop=shop) for shop in ("a", "b")])
    model = SeriesForecaster(
        network("student_t"), target=["y", "z"], series="shop", lookback=8, horizon=2, transform="standard",
        multi_target="shared", window_norm="mean",
    ).fit(panel)  # fmt: skip
    found = model.predict_distribution()
    assert [c for c in found if c != "shop"] == ["y_loc", "y_scale", "y_df", "z_loc", "z_scale", "z_df"]
    q = Distribution("student_t", loc=found["z_loc"], scale=found["z_scale"], df=found["z_df"]).quantiles(0.9)
    np.testing.assert_allclose(q, model.predict_quantiles(levels=[0.9])["z_0.9"], rtol=1e-9)


def test_quantiles_go_through_a_transform_that_bends_them_and_parameters_do_not():
    df = np.exp(frame("normal") / 4)
    model = SeriesForecaster(network("normal"), lookback=8, horizon=2, transform="log").fit(df)
    q = model.predict_quantiles(levels=[0.1, 0.9])
    assert (q.to_numpy() > 0).all()
    assert (q["y_0.1"] < q["y_0.9"]).all()
    with pytest.raises(AttributeError) as refused:
        model.predict_distribution()
    assert "transform='log' leads to another family" in str(refused.value.__cause__)


def test_a_backtest_has_scores_where_a_model_has_a_distribution():
    df = frame("poisson")
    models = {
        "error": SeriesForecaster(network("squared_error"), target="y", lookback=8, horizon=3),
        "poisson": SeriesForecaster(network("poisson"), target="y", lookback=8, horizon=3),
    }
    with pytest.warns(SkillWarning):
        report = backtest(models, df, RollingOrigin(n_splits=2, horizon=3), refit=False)
    mine = report.frame[report.frame["model"] == "poisson"]
    assert mine[["crps", "log_score"]].notna().all(axis=None)
    assert report.frame.loc[report.frame["model"] != "poisson", ["crps", "log_score"]].isna().all(axis=None)
    summary = report.summary()
    assert summary.loc["poisson", "CRPS"] == pytest.approx(mine["crps"].mean())
    assert summary.loc["error", ["CRPS", "log_score"]].isna().all()
    assert "CRPS" in report.summary(by="step")
    model = models["poisson"].fit(df.iloc[:-6])
    assert metrics.neg_crps(model, df.iloc[-6:-3], df["y"].iloc[-6:-3]) < 0


def test_a_stateful_network_goes_on_with_its_distribution():
    y = draws("normal", 401)
    model = network("normal", stateful=True).fit(y[:400].reshape(-1, 20), y[1:].reshape(-1, 20))
    assert model.update(y[400:].reshape(1, 1), levels=[0.001, 0.5]).shape == (1, 2)


# -------------------- refusals


@pytest.mark.parametrize(
    ("loss", "values", "message"),
    [
        ("poisson", -1.0, "is for counts, and y holds -1; expected whole numbers, 0 or more"),
        ("negative_binomial", 0.5, "is for counts, and y holds 0.5; expected whole numbers, because"),
        ("gamma", 0.0, "is for positive targets, and y holds 0; expected numbers over 0"),
    ],
)
def test_targets_that_a_distribution_cannot_have_are_refused(loss, values, message):
    X, y = windows(loss)
    y = y.copy()
    y[3] = values
    model = network(loss)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "n_iter_")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (dict(loss="poisson", decoder="recurrent"), "not yet the mean of the distribution. Set decoder='steps'"),
        (dict(loss="gamma", skip="linear"), "a line goes below 0, and a mean of these targets does not"),
    ],
)
def test_what_does_not_go_with_a_distribution_is_refused(more, message):
    X, y = windows(more["loss"])
    with pytest.raises(ValueError, match=message):
        network(**({"name": more["loss"]} | more)).fit(X, y)


def test_a_cycle_is_refused():
    model = SeriesForecaster(network("normal", cycle=(4, "shared")), lookback=8, horizon=2)
    with pytest.raises(ValueError, match="the cycle is put back on every output"):
        model.fit(frame("normal"))


def test_a_level_is_not_subtracted_from_counts():
    model = SeriesForecaster(network("poisson"), lookback=8, horizon=2, window_norm="last")
    with pytest.raises(ValueError, match=r"window_norm='last', which subtracts a level .* Fix: window_norm=None"):
        model.fit(frame("poisson"))


def test_a_fit_goes_on_with_its_own_loss_only():
    X, y = windows("gamma")
    model = network("gamma", warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="had loss='gamma', whose outputs mean something else"):
        model.set_params(loss="normal").fit(X, y)


def test_other_losses_have_no_distribution():
    X, y = windows("normal")
    model = network("squared_error").fit(X, y)
    with pytest.raises(AttributeError, match="predict_distribution"):
        model.predict_distribution(X)
    with pytest.raises(ValueError, match="std of a 'normal' distribution holds -1"):
        Distribution("normal", mean=0.0, std=-1.0)
    with pytest.raises(TypeError, match="has the parameters mean, std"):
        Distribution("normal", mu=0.0)
    with pytest.raises(ValueError, match="name is 'cauchy'"):
        Distribution("cauchy", loc=0.0)


@pytest.mark.parametrize("decoder", ["recurrent", "segments", "steps"])
def test_decoders_and_the_line_go_with_a_location(decoder):
    y = draws("normal", 320)
    X = np.lib.stride_tricks.sliding_window_view(y[:-4], 12)
    Y = np.lib.stride_tricks.sliding_window_view(y[12:], 4)
    skip = "linear" if decoder != "recurrent" else None
    model = network("normal", decoder=decoder, skip=skip, segment=2).fit(X, Y)
    assert model.predict_distribution(X).shape == Y.shape


# -------------------- recipe


def test_a_recipe_can_be_asked_for_a_distribution():
    df = frame("poisson", 420)
    model = SeriesForecaster(loss="poisson", horizon=3, lookback=14, random_state=0).fit(df)
    assert list(model.predict_distribution().columns) == ["y_mean"]
    assert len(model.recipe_["members"]) == 1
    again = SeriesForecaster(**model.recipe_).fit(df)
    pd.testing.assert_frame_equal(again.predict_distribution(), model.predict_distribution())
    pd.testing.assert_frame_equal(again.predict_interval(), model.predict_interval())
    assert (model.predict_quantiles(levels=[0.01])["y_0.01"] >= 0).all()
    with pytest.raises(ValueError, match=r"loss='poisson' is that of a network, and there are too few rows"):
        SeriesForecaster(loss="poisson", horizon=3).fit(df.iloc[:60])


def test_members_are_all_of_the_loss_that_is_asked_for():
    members = {"one": {"regressor": network("squared_error")}}
    model = SeriesForecaster(members=members, loss="normal", lookback=8, horizon=2)
    with pytest.raises(ValueError, match="loss='normal' has no effect where members are given"):
        model.fit(frame("normal"))
