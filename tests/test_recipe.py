"""Without a regressor: what is chosen, that it is said, and that it can be had again."""

import warnings

import numpy as np
import pandas as pd
import pytest

from forecast import LinearForecaster, SeriesForecaster, ShortHistoryWarning, SkippedSeriesWarning, load
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


def daily_cycle(n=900, seed=0, columns=("load",), spread=0.5):
    rng = np.random.default_rng(seed)
    hours = np.arange(n)[:, None]
    level = 20 + np.cumsum(rng.normal(scale=0.1, size=(n, len(columns))), axis=0)
    values = level + 4 * np.sin(2 * np.pi * hours / 24) + rng.normal(scale=spread, size=(n, len(columns)))
    return pd.DataFrame(values, pd.date_range("2024-01-01", periods=n, freq="h", name="hour"), list(columns))


def recipe(**more):
    return SeriesForecaster(**{"target": "load", "horizon": 12, "random_state": 0, "n_jobs": 1} | more)


@pytest.fixture(scope="module")
def fitted():
    return recipe().fit(daily_cycle())


def test_season_and_members_are_chosen_and_said(fitted):
    candidates = fitted.report_.candidates
    weights = candidates["weight"].dropna()
    assert {"linear", "seasonal naive", "last value"} <= set(weights.index)
    assert weights.sum() == pytest.approx(1)
    assert set(weights[weights > 0].index) == set(fitted.recipe_["members"])
    assert candidates["loss"].notna().all()
    assert "the mean of" in str(fitted.report_)
    assert len(str(fitted.report_).splitlines()) == 2
    assert fitted.report_.skill > 0


def test_the_choice_can_be_trained_again_to_the_bit(fitted):
    again = SeriesForecaster(**fitted.recipe_).fit(daily_cycle())
    pd.testing.assert_frame_equal(again.predict(), fitted.predict(), rtol=0, atol=0)
    assert again.recipe_["members"].keys() == fitted.recipe_["members"].keys()


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(fitted):
    other = recipe(n_jobs=2).fit(daily_cycle())
    pd.testing.assert_frame_equal(other.predict(), fitted.predict(), rtol=0, atol=0)
    pd.testing.assert_frame_equal(other.report_.candidates, fitted.report_.candidates, rtol=0, atol=0)


def test_it_is_ahead_of_its_naive_members_and_not_clearly_behind_the_linear_one(fitted):
    losses = fitted.report_.candidates["loss"]
    assert losses["recipe"] < losses[["seasonal naive", "last value"]].min()
    assert losses["recipe"] <= 1.03 * losses["linear"]


def test_nothing_after_the_last_row_is_looked_at():
    df = daily_cycle(1000)
    scrambled = df.copy()
    scrambled.iloc[900:] = 1e3 * np.random.default_rng(1).normal(size=(100, 1))
    splitter = RollingOrigin(n_splits=1, horizon=12, step=12)
    one, other = (
        backtest(recipe(), frame[:912], splitter).frame.query("model == 'recipe'")["forecast"]
        for frame in (df, scrambled)
    )
    np.testing.assert_array_equal(one, other)


def test_a_recipe_survives_a_file(fitted, tmp_path):
    fitted.save(tmp_path / "recipe.rnn")
    again = load(tmp_path / "recipe.rnn")
    pd.testing.assert_frame_equal(again.predict(), fitted.predict(), rtol=0, atol=0)
    assert again.recipe_["members"].keys() == fitted.recipe_["members"].keys()
    pd.testing.assert_frame_equal(again.report_.candidates, fitted.report_.candidates)


def test_what_is_given_is_kept():
    model = recipe(lookback=36, transform=None, window_norm="mean", season=24).fit(daily_cycle(900))
    assert "GRU" in model.report_.candidates.index
    for name, one in model.recipe_["members"].items():
        if name not in ("pretrained", "seasonal naive", "last value"):
            assert (one["lookback"], one["transform"], one["window_norm"]) == (36, None, "mean"), name


@pytest.mark.parametrize("rows", [5, 15])
def test_validation_rows_that_judge_nothing_leave_the_linear_model(rows):
    df = daily_cycle(900)
    model = recipe().fit(df[:-rows], X_val=df[-rows:])
    assert list(model.recipe_["members"]) == ["linear"]
    assert "could be judged" in str(model.report_)
    assert model.predict().index[0] == df.index[-1] + pd.Timedelta(hours=1)
    again = SeriesForecaster(**model.recipe_).fit(df[:-rows], X_val=df[-rows:])
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


def test_level_and_step_reach_the_members():
    model = recipe(level=True, step=5, clip_covariates=True).fit(daily_cycle(900))
    for name, one in model.recipe_["members"].items():
        assert (one["level"], one["step"], one["clip_covariates"]) == (True, 5, True), name


@pytest.mark.slow
def test_parts_of_few_rows_train_networks_for_as_many_steps():
    days = pd.date_range("2026-01-01", periods=120, freq="D", name="day")
    rng = np.random.default_rng(0)
    wave = 3 + np.sin(2 * np.pi * np.arange(120) / 7)
    shops = pd.concat(
        pd.DataFrame({"shop": f"shop {number}", "day": days, "sold": wave * rng.lognormal(sigma=0.1, size=120)})
        for number in range(30)
    )
    shops = shops.sort_values(["day", "shop"])
    settings = dict(target="sold", series="shop", time="day", horizon=7, random_state=0)
    splitter = RollingOrigin(n_splits=2, horizon=7, time="day")
    report = backtest(SeriesForecaster(**settings), shops, splitter)
    assert report.summary().loc["recipe", "skill"] > 0


def test_several_targets_and_validation_rows():
    df = daily_cycle(900, columns=("a", "b"))
    model = recipe(target=["a", "b"]).fit(df[:750], X_val=df[750:])
    assert list(model.predict().columns) == ["a", "b"]
    assert model.predict().index[0] == df.index[-1] + pd.Timedelta(hours=1)
    again = SeriesForecaster(**model.recipe_).fit(df[:750], X_val=df[750:])
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


@pytest.mark.parametrize("rows", [5, 14, 30, 60])
def test_a_short_series_is_forecast_and_the_report_says_by_what(rows):
    model = recipe(horizon=4).fit(daily_cycle(rows))
    assert np.isfinite(model.predict().to_numpy()).all()
    assert not any(name.startswith(("GRU", "LSTM")) for name in model.recipe_["members"])
    if rows <= 5:
        assert "too few rows" in str(model.report_)


def test_a_panel_of_short_series():
    rng = np.random.default_rng(0)
    months = pd.date_range("2018-01-01", periods=60, freq="MS")
    wave = np.sin(2 * np.pi * np.arange(60) / 12)
    panel = pd.concat(
        pd.DataFrame({"shop": name, "month": months, "sold": size * (3 + wave + 0.2 * rng.normal(size=60))})
        for name, size in (("a", 1), ("b", 100), ("c", 10), ("d", 5))
    )
    model = SeriesForecaster(target="sold", series="shop", time="month", horizon=6, random_state=0).fit(panel)
    assert model.report_.scaled_skill > 0
    assert len(model.predict()) == 24
    other = panel[panel["shop"] == "b"].assign(shop="new")
    assert np.isfinite(model.predict(history=other)["sold"]).all()


def test_missing_values_and_covariates_that_are_known_ahead():
    df = daily_cycle(900)
    df["price"] = np.random.default_rng(2).normal(size=900)
    df["load"] += 2 * df["price"]
    df.loc[df.index[100:120], "load"] = np.nan
    model = recipe(future_covariates="price", missing="mask").fit(df[:-12])
    forecast = model.predict(df[-12:])
    naive = df["load"].iloc[-36:-24].to_numpy()
    actual = df["load"].iloc[-12:].to_numpy()
    assert np.abs(forecast["load"] - actual).mean() < np.abs(naive - actual).mean()


def test_an_integer_index_has_its_season_found():
    df = daily_cycle(900).reset_index(drop=True)
    model = recipe().fit(df)
    assert model.recipe_["members"]["linear"]["calendar"] in (None, [])
    assert model.report_.skill > 0


COVERAGE = [0.8, 0.95]


@pytest.fixture(scope="module")
def covered():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return backtest(
            recipe(), daily_cycle(2400), RollingOrigin(n_splits=40, horizon=12), refit=False, coverage=COVERAGE
        )


@pytest.mark.parametrize("coverage", COVERAGE)
def test_intervals_of_a_recipe_cover(covered, coverage):
    mine = covered.frame[covered.frame["model"] == "recipe"]
    inside = (mine["actual"] >= mine[f"lower_{coverage}"]) & (mine["actual"] <= mine[f"upper_{coverage}"])
    assert abs(inside.mean() - coverage) < 0.06


@pytest.mark.filterwarnings("ignore::forecast.BoundsWarning")
def test_bounds_hold_everywhere():
    df = daily_cycle(900)
    df["load"] = (df["load"] - 20).clip(lower=0)
    model = recipe(lower=0.0, upper=5.0).fit(df)
    interval = model.predict_interval(coverage=0.9)
    assert (model.predict().to_numpy() >= 0).all()
    assert interval.to_numpy().min() == 0.0
    assert interval.to_numpy().max() <= 5.0
    with pytest.raises(ValueError, match="expected lower below upper"):
        recipe(lower=2.0, upper=1.0).fit(df)


@pytest.mark.slow
def test_squared_error_gives_a_mean_and_absolute_error_a_median():
    rng = np.random.default_rng(0)
    skewed = pd.DataFrame({"load": rng.exponential(size=800)}, pd.date_range("2024-01-01", periods=800, freq="h"))
    losses = ("absolute_error", "squared_error")
    middle, mean = (recipe(loss=loss, horizon=3).fit(skewed).predict()["load"].mean() for loss in losses)
    assert abs(mean - 1.0) < 0.25
    assert middle < mean


def test_time_is_bounded_and_that_it_bites_is_said():
    df = daily_cycle()
    with pytest.warns(UserWarning, match="max_seconds: .*depends on the speed"):
        model = recipe(max_seconds=0.05).fit(df)
    again = SeriesForecaster(**model.recipe_).fit(df)
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


def test_progress_goes_to_stderr_and_only_where_it_is_asked_for(capsys):
    recipe(verbose=1, horizon=3).fit(daily_cycle(120))
    said = capsys.readouterr()
    assert "season 24" in said.err
    assert "linear model: lookback" in said.err
    assert len(said.out.splitlines()) == 2
    recipe(horizon=3).fit(daily_cycle(120))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_series_shorter_than_the_lookback_has_its_oldest_row_repeated():
    long = daily_cycle(600).assign(site="long")
    short = daily_cycle(30, seed=1).assign(site="short")
    short.index = long.index[-30:]
    panel = pd.concat([long, short]).rename_axis(index="hour").reset_index()
    settings = dict(target="load", series="site", time="hour", horizon=4)
    member = {"regressor": LinearForecaster(), "lookback": 48, "window_norm": "mean"}
    model = SeriesForecaster(members={"linear": member}, **settings).fit(panel)
    with pytest.warns(ShortHistoryWarning, match=r"'short' \(30 rows\)"):
        forecast = model.predict().query("site == 'short'")["load"].to_numpy()
    padded = pd.concat([short.iloc[[0] * 18], short]).assign(hour=long.index[-48:])
    given = model.predict(history=padded.reset_index(drop=True))["load"].to_numpy()
    np.testing.assert_allclose(forecast, given, rtol=1e-12)
    with pytest.warns(SkippedSeriesWarning, match="1 of 2 series take no part in training: 'short'"):
        SeriesForecaster(**member, **settings).fit(panel)


@pytest.mark.parametrize("n", [100, 119, 120])
def test_a_part_that_leaves_one_window_to_learn_from_decides_no_weight(n):
    """Of an earlier part. The linear model of it was useless, and so lost its weight."""
    rng, month = np.random.default_rng(0), np.arange(n)
    trips = (200 + month) * (1 + 0.2 * np.sin(2 * np.pi * month / 12)) + 5 * rng.normal(size=120)[:n]
    frame = pd.DataFrame({"load": trips}, pd.date_range("2015-01-01", periods=n, freq="MS"))
    fitted = recipe().fit(frame)
    assert fitted.recipe_["members"]["linear"]["weight"] > 0.5
    assert fitted.report_.skill > 0.5
