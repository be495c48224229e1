"""Energy score and CRPS of sample paths: in a backtest, and as scorers of scikit-learn's tools."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from forecast import RNNForecaster, SeriesForecaster
from forecast.metrics import crps, energy_score, neg_crps, neg_energy_score, neg_log_score
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

HOURS = pd.date_range("2026-01-01", periods=400, freq="h", name="hour")
FOLDS = TimeSeriesSplit(3, test_size=6)
pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def walk(seed=0, factor=1.0):
    rng = np.random.default_rng(seed)
    y = 50 + np.cumsum(rng.normal(size=400)) * 0.3 + 5 * np.sin(2 * np.pi * np.arange(400) / 24)
    return pd.DataFrame({"y": factor * y}, index=HOURS)


def shops():
    return pd.concat([walk(seed, factor).assign(shop=f"s{seed}") for seed, factor in ((0, 1.0), (1, 5.0))])


def forecaster(regressor=None, **changes):
    parameters = {"target": "y", "lookback": 24, "horizon": 6, "validation_fraction": 0.3} | changes
    return SeriesForecaster(regressor or Ridge(), **parameters)


def network(**changes):
    return RNNForecaster(**dict(loss="normal", hidden_size=6, max_iter=4, random_state=0) | changes)


# -------------------- in a backtest


@pytest.mark.parametrize("refit", [True, False])
def test_the_energy_score_of_an_origin_is_that_of_sample_with_its_rows_as_history(refit):
    df = walk()
    report = backtest(forecaster(), df, RollingOrigin(n_splits=3, horizon=6), refit=refit, n_paths=50)
    model = None
    for fold, end in enumerate((382, 388, 394)):
        model = forecaster().fit(df[:end]) if refit or model is None else model
        paths = model.sample(50, history=df[:end], random_state=fold).to_numpy()
        mine = report.frame[(report.frame["origin"] == df.index[end - 1]) & (report.frame["model"] == "Ridge")]
        assert mine["energy_score"].tolist() == [energy_score(df["y"][end : end + 6], paths)] * 6
        each = [energy_score(df["y"].iloc[[row]], paths[[row - end]]) for row in range(end, end + 6)]
        np.testing.assert_allclose(mine["crps"], each, rtol=1e-12)


def test_a_backtest_draws_the_paths_of_all_series_of_an_origin_together():
    df, model = shops(), forecaster(series="shop")
    report = backtest(model, df, RollingOrigin(n_splits=1, horizon=6), n_paths=40)
    past, later = df[df.index < HOURS[394]], df[df.index >= HOURS[394]]
    paths = model.fit(past).sample(40, history=past, random_state=0)
    mine = report.frame[report.frame["model"] == "Ridge"].groupby("series", observed=True)["energy_score"].first()
    for shop in ("s0", "s1"):
        drawn = paths[paths["shop"] == shop].drop(columns="shop")
        assert mine[shop] == energy_score(later.loc[later["shop"] == shop, "y"], drawn)
    by_shop = report.summary(by="shop")["energy_score"]
    assert by_shop[("Ridge", "s0")] == pytest.approx(mine["s0"])
    assert report.summary()["energy_score"]["Ridge"] == pytest.approx(mine.mean())


def test_future_covariates_reach_the_paths_of_a_backtest():
    df = walk().assign(known=np.random.default_rng(1).normal(size=400))
    df["y"] += 4 * df["known"]
    told = forecaster(future_covariates="known")
    report = backtest({"told": told, "blind": forecaster()}, df, RollingOrigin(n_splits=4, horizon=6), n_paths=100)
    scores = report.summary()["energy_score"]
    assert scores["told"] < 0.5 * scores["blind"]


def test_a_distribution_keeps_its_exact_crps_and_other_models_get_one_of_paths():
    models = {"exact": forecaster(network()), "ridge": forecaster()}
    cv = RollingOrigin(n_splits=2, horizon=6)
    plain = backtest(models, walk(), cv).summary()
    drawn = backtest(models, walk(), cv, n_paths=30).summary()
    assert drawn["CRPS"]["exact"] == plain["CRPS"]["exact"]
    assert np.isnan(plain["CRPS"]["ridge"])
    assert drawn["CRPS"]["ridge"] > 0
    assert drawn.loc["last value", ["CRPS", "energy_score"]].isna().all()
    assert "energy_score" not in plain


def test_the_energy_score_is_of_all_steps_together_so_no_step_has_one_in_a_summary():
    report = backtest(forecaster(), walk(), RollingOrigin(n_splits=2, horizon=6), n_paths=30)
    assert "energy_score" not in report.summary(by="step")
    assert "energy_score" in report.summary(by="target")


def test_steps_without_an_actual_value_have_no_part_in_the_energy_score():
    df = walk()
    df.iloc[396] = np.nan
    model = forecaster(missing="mask")
    report = backtest(model, df, RollingOrigin(n_splits=1, horizon=6), n_paths=30)
    mine = report.frame[report.frame["model"] == "Ridge"]
    assert mine["energy_score"].isna().tolist() == [False, False, True, False, False, False]
    paths, known = model.fit(df[:394]).sample(30, history=df[:394], random_state=0).to_numpy(), [0, 1, 3, 4, 5]
    assert mine["energy_score"].iloc[0] == energy_score(df["y"][394:].iloc[known], paths[known])


@pytest.mark.slow
def test_a_recipe_trained_on_at_later_origins_draws_paths():
    df = walk()
    model = SeriesForecaster(target="y", horizon=6, lookback=24, random_state=0)
    report = backtest(model, df, RollingOrigin(n_splits=2, horizon=6), n_paths=30)
    assert report.frame.loc[report.frame["model"] == "recipe", "energy_score"].gt(0).all()


@pytest.mark.parametrize("n_paths", [1, 2.5, True, "many"])
def test_a_backtest_refuses_a_number_of_paths_that_is_none(n_paths):
    with pytest.raises(ValueError, match=r"expected a whole number, 2 or more\. Fix: n_paths=200"):
        backtest(forecaster(), walk(), RollingOrigin(n_splits=2, horizon=6), n_paths=n_paths)


def test_a_backtest_refuses_paths_without_validation_windows_before_it_fits():
    with pytest.raises(ValueError, match="paths rest on errors on validation windows, and 'Ridge'"):
        backtest(forecaster(validation_fraction=None), walk(), RollingOrigin(n_splits=2, horizon=6), n_paths=20)


# -------------------- scorers


def test_scorers_are_the_scores_of_the_forecaster():
    df = walk()
    model, later = forecaster().fit(df[:394]), df[394:]
    paths = model.sample(200, later, random_state=0)
    assert neg_energy_score(model, later, later["y"]) == -energy_score(later["y"], paths)
    other = neg_energy_score(model, later, later["y"], n_paths=50, random_state=3)
    assert other == -energy_score(later["y"], model.sample(50, later, random_state=3))
    levels = np.arange(0.005, 1, 0.01)
    many = np.quantile(model.sample(1000, later, random_state=0), levels, axis=1).T
    assert -neg_crps(model, later, later["y"]) == pytest.approx(crps(later["y"], many, levels), rel=0.02)


def test_the_energy_scorer_means_over_series():
    df = shops()
    past, later = df[df.index < HOURS[394]], df[df.index >= HOURS[394]]
    model = forecaster(series="shop").fit(past)
    paths, each = model.sample(200, later, random_state=0).to_numpy(), []
    for shop in ("s0", "s1"):
        mine = (later["shop"] == shop).to_numpy()
        each.append(energy_score(later.loc[mine, "y"], paths[mine]))
    assert neg_energy_score(model, later, later["y"]) == pytest.approx(-np.mean(each), rel=1e-12)


@pytest.mark.parametrize("scorer", [neg_crps, neg_log_score, neg_energy_score])
def test_scorers_work_in_cross_validation_and_in_searches(scorer):
    df, model = walk(), forecaster(network())
    scores = cross_val_score(model, df, df["y"], cv=FOLDS, scoring=scorer, error_score="raise")
    assert np.isfinite(scores).all()
    search = GridSearchCV(model, {"regressor__hidden_size": [2, 6]}, cv=FOLDS, scoring=scorer, error_score="raise")
    search.fit(df[:394], df["y"][:394])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert scorer(search, df[394:], df["y"][394:]) == scorer(search.best_estimator_, df[394:], df["y"][394:])


@pytest.mark.parametrize("scorer", [neg_crps, neg_energy_score])
def test_a_search_compares_forecasters_with_a_distribution_and_without(scorer):
    df = walk()
    search = GridSearchCV(
        forecaster(), {"regressor": [Ridge(), network(), network(loss="squared_error")]}, cv=FOLDS, scoring=scorer,
        error_score="raise",
    )  # fmt: skip
    search.fit(df, df["y"])
    assert search.best_params_["regressor"].__class__ is Ridge  # the others have had four epochs


@pytest.mark.parametrize("scorer", [neg_crps, neg_log_score, neg_energy_score])
def test_scorers_leave_out_missing_actual_values_where_the_forecaster_masks_them(scorer):
    df = walk()
    model = forecaster(network(), missing="mask").fit(df[:394])
    later = df[394:].copy()
    shorter = scorer(model, later[:5], later["y"][:5])
    later.iloc[5] = np.nan
    assert scorer(model, later, later["y"]) == pytest.approx(shorter, rel=1e-6)


def test_the_energy_scorer_refuses_what_has_no_paths():
    X = np.random.default_rng(0).normal(size=(60, 5))
    with pytest.raises(TypeError, match="is a RNNForecaster, which has no sample paths; expected a SeriesForecaster"):
        neg_energy_score(network().fit(X, X[:, -1]), X, X[:, -1])
    model = forecaster(missing="mask").fit(walk()[:394])
    later = walk()[394:]
    with pytest.raises(ValueError, match="n_paths=1: expected a whole number, 2 or more"):
        neg_energy_score(model, later, later["y"], n_paths=1)
    with pytest.raises(ValueError, match="there is nothing to judge the paths by"):
        neg_energy_score(model, later * np.nan, later["y"] * np.nan)


def test_without_paths_a_backtest_draws_none():
    with pytest.warns(SkillWarning):
        report = backtest(forecaster(Ridge(1e9)), walk(), RollingOrigin(n_splits=2, horizon=6))
    assert "energy_score" not in report.frame
