"""The pretrained network behind frames: `SeriesForecaster("pretrained")`, and as a member of the recipe."""

import numpy as np
import pandas as pd
import pytest

from forecast import PretrainedForecaster, RNNForecaster, SeriesForecaster, load
from forecast._recipe import choice, weights
from forecast.baselines import SeasonalNaive
from forecast.model_selection import RollingOrigin, backtest


def hourly(n=200, seed=0, start="2024-01-01"):
    rng = np.random.default_rng(seed)
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(n) / 24) + 0.3 * rng.normal(size=n)
    return pd.DataFrame({"load": values}, pd.date_range(start, periods=n, freq="h"))


def pretrained(regressor="pretrained", **changes):
    return SeriesForecaster(regressor, **{"target": "load", "horizon": 24} | changes)


# -------------------- by itself


def test_the_short_way_is_the_class_itself():
    short, long = pretrained(), pretrained(PretrainedForecaster())
    df = hourly()
    pd.testing.assert_frame_equal(short.fit(df).predict(), long.fit(df).predict(), rtol=0, atol=0)
    assert isinstance(short.regressor_, PretrainedForecaster)
    with pytest.raises(ValueError, match="regressor"):
        pretrained(regressor="pretrained network").fit(df)


def test_it_beats_the_naive_forecasts_without_training():
    assert pretrained().fit(hourly(400)).report_.skill > 0.1


def test_twelve_values_are_enough_and_have_intervals():
    model = pretrained(horizon=30).fit(hourly(12))
    assert model.predict().shape == (30, 1)
    found = model.predict_interval(coverage=[0.5, 0.9])
    inner, outer = (found[f"load_upper_{c}"] - found[f"load_lower_{c}"] for c in (0.5, 0.9))
    assert (outer > inner).all()
    assert (inner > 0).all()
    quantiles = model.predict_quantiles(levels=[0.05, 0.5])
    np.testing.assert_allclose(quantiles["load_0.05"], found["load_lower_0.9"])


@pytest.mark.parametrize(("rows", "said"), [(23, False), (24, True), (47, True), (48, False)])
def test_the_report_says_that_a_season_occurs_less_than_twice(rows, said):
    found = str(pretrained().fit(hourly(rows)).report_)
    assert (f"the series has {rows} rows, less than two seasons of 24" in found) == said
    if said:
        assert "SeasonalNaive(24) repeats the season" in found
        naive = SeriesForecaster(SeasonalNaive(24), target="load", lookback=1, horizon=24, validation_fraction=None)
        expected = hourly(rows)["load"].to_numpy()[-24:]
        if rows > 24:  # 24 rows leave no window to train on
            np.testing.assert_array_equal(naive.fit(hourly(rows)).predict()["load"], expected)
        other = SeriesForecaster(RNNForecaster(max_iter=1), target="load", lookback=4, horizon=2).fit(hourly(rows))
        assert "seasons of 24" not in str(other.report_)


def test_a_network_that_learns_still_needs_its_window():
    with pytest.raises(ValueError, match=r"12 rows, but lookback \+ horizon"):
        SeriesForecaster(RNNForecaster(), target="load", lookback=4, horizon=24).fit(hourly(12))
    with pytest.raises(ValueError, match=r"12 rows, but lookback \+ horizon"):
        pretrained(regressor=PretrainedForecaster(fine_tune=True)).fit(hourly(12))


def test_an_update_moves_on_and_reads_512_rows():
    df = hourly(700)
    whole = pretrained().fit(df).predict()
    updated = pretrained().fit(df[:300]).update(df[300:]).predict()
    pd.testing.assert_frame_equal(updated, whole, rtol=0, atol=0)
    values = df["load"].to_numpy()[None]
    alone = PretrainedForecaster().fit(values, np.zeros((1, 24))).predict(values)
    np.testing.assert_allclose(whole["load"], alone[0], rtol=1e-6)


def test_each_series_of_a_panel_is_forecast_as_it_is_alone_and_unseen_ones_too():
    parts = {name: hourly(200, seed).assign(load=lambda df, k=k: k * df["load"]) for name, seed, k in
             (("a", 1, 1.0), ("b", 2, 50.0))}  # fmt: skip
    panel = pd.concat([df.assign(shop=name) for name, df in parts.items()])
    model = pretrained(series="shop", horizon=12).fit(panel)
    found = model.predict()
    for name, df in parts.items():
        alone = pretrained(horizon=12).fit(df).predict()["load"]
        np.testing.assert_allclose(found.loc[found["shop"] == name, "load"], alone, rtol=1e-6)
    new = hourly(40, 9)
    unseen = model.predict(history=new.assign(shop="c"))
    np.testing.assert_allclose(unseen["load"], pretrained(horizon=12).fit(new).predict()["load"], rtol=1e-6)
    assert unseen["load"].std() > 0


def test_several_targets_are_each_forecast_by_themselves():
    df = hourly().assign(wind=lambda df: df["load"][::-1].to_numpy() ** 2)
    both = pretrained(target=["load", "wind"]).fit(df).predict()
    for target in ("load", "wind"):
        alone = pretrained(target=target).fit(df).predict()
        np.testing.assert_allclose(both[target], alone[target], rtol=1e-6)


def test_covariates_change_nothing():
    df = hourly().assign(price=np.arange(200.0))
    np.testing.assert_array_equal(pretrained(past_covariates="price").fit(df).predict(), pretrained().fit(df).predict())


def test_gaps_are_masked():
    df = hourly()
    df.iloc[[30, 31, 150]] = np.nan
    found = pretrained(missing="mask").fit(df).predict()
    assert np.abs(found.to_numpy() - pretrained().fit(hourly()).predict().to_numpy()).mean() < 0.3


def test_a_file_holds_the_weights(tmp_path):
    model = pretrained().fit(hourly())
    model.save(tmp_path / "model.forecast")
    assert (tmp_path / "model.forecast").stat().st_size < 1_000_000
    pd.testing.assert_frame_equal(load(tmp_path / "model.forecast").predict(), model.predict(), rtol=0, atol=0)
    tuned = pretrained(regressor=PretrainedForecaster(fine_tune=2, random_state=0)).fit(hourly())
    tuned.save(tmp_path / "tuned.forecast")
    pd.testing.assert_frame_equal(load(tmp_path / "tuned.forecast").predict(), tuned.predict(), rtol=0, atol=0)


def test_a_backtest_runs():
    report = backtest(pretrained(), hourly(300), cv=RollingOrigin(n_splits=3, horizon=24))
    assert report.summary().loc["PretrainedForecaster", "skill"] > 0


def test_weights_are_for_fine_tuning():
    df = hourly(120)
    with pytest.raises(ValueError, match="no effect on what learns nothing, here PretrainedForecaster"):
        pretrained(half_life=50).fit(df)
    model = pretrained(regressor=PretrainedForecaster(fine_tune=2, random_state=0), half_life=50).fit(df)
    assert np.isfinite(model.predict().to_numpy()).all()


# -------------------- in the recipe


def recipe(**changes):
    return SeriesForecaster(**{"target": "load", "horizon": 12, "random_state": 0, "n_jobs": 1} | changes)


@pytest.mark.parametrize(
    ("rows", "horizon", "members", "words"),
    [
        (8, 12, {"pretrained", "last value"}, "mean of the pretrained network and the last value, which need no"),
        (20, 12, {"pretrained", "last value"}, "too few rows to hold any out"),
        (30, 12, {"seasonal naive"}, "the forecast is the seasonal naive, which needs no training"),
        (50, 24, {"pretrained", "seasonal naive"}, "mean of the pretrained network and the seasonal naive"),
        (80, 24, {"linear", "pretrained", "seasonal naive"}, "mean of the linear model, the pretrained network and"),
    ],
)
def test_what_a_recipe_cannot_judge_is_a_plain_mean(rows, horizon, members, words):
    model = recipe(horizon=horizon).fit(hourly(rows))
    assert set(model.recipe_["members"]) == members
    assert {one["weight"] for one in model.recipe_["members"].values()} == {1 / len(members)}
    assert words in str(model.report_)
    again = SeriesForecaster(**model.recipe_).fit(hourly(rows))
    pd.testing.assert_frame_equal(again.predict(), model.predict(), rtol=0, atol=0)


def test_a_short_recipe_has_intervals_about_its_forecast():
    model = recipe(horizon=20).fit(hourly(16))
    found = model.predict_interval(coverage=0.8)
    assert (found["load_lower"] < found["load"]).all()
    assert (found["load"] < found["load_upper"]).all()
    np.testing.assert_array_equal(found["load"], model.predict()["load"])
    np.testing.assert_allclose(model.predict_quantiles(levels=[0.9])["load_0.9"], found["load_upper"])


def test_the_member_can_be_left_out():
    assert set(recipe(pretrained=False).fit(hourly(20)).recipe_["members"]) == {"last value"}
    with pytest.raises(ValueError, match="has no effect where a regressor is given"):
        pretrained(pretrained=False).fit(hourly())


def test_validation_gives_the_member_its_weight():
    model = recipe(horizon=3).fit(hourly(70))
    assert "pretrained" in model.report_.candidates.index
    assert model.report_.candidates.loc["pretrained", "loss"] > 0


def test_a_median_has_no_weight_where_the_mean_is_asked_for():
    model = recipe(horizon=3, loss="squared_error").fit(hourly(70))
    assert "linear" in model.report_.candidates.index
    assert "pretrained" not in model.report_.candidates.index
    assert "pretrained" in recipe(loss="squared_error").fit(hourly(20)).members_  # nothing to judge by


@pytest.fixture
def read(monkeypatch):
    """Numbers of windows that the network read, call by call; the recipe has no networks of its own."""
    found, real = [], PretrainedForecaster.predict_quantiles

    def predict_quantiles(self, X, levels=None):
        found.append(len(X))
        return real(self, X, levels)

    monkeypatch.setattr(PretrainedForecaster, "predict_quantiles", predict_quantiles)
    monkeypatch.setattr(choice, "network_settings", lambda *args, **options: {})
    for name, value in {"_better_alone": lambda *args: None, "SHRINKING": (1.0,), "GOOD": 9.0}.items():
        monkeypatch.setattr(weights, name, value)  # always a mean, of all members
    return found


@pytest.mark.parametrize("needed", [1.0, -1.0])
@pytest.mark.parametrize("loss", ["absolute_error", "quantile"])
def test_a_trial_at_some_origins_saves_the_forecasts_that_have_no_weight(read, monkeypatch, needed, loss):
    monkeypatch.setattr(weights, "NEEDED", needed)  # the share of the loss that the member has to gain
    whole = recipe(loss=loss).fit(hourly(700, start="2024-03-01"))
    assert ("pretrained" in whole.recipe_["members"]) == (needed < 0)
    read.clear()
    monkeypatch.setattr(choice, "_TRIAL", 10)
    monkeypatch.setattr(choice, "_TRIED", 12)
    tried = recipe(loss=loss).fit(hourly(700, start="2024-03-01"))
    origins = tried.report_.n_windows
    assert read[0] <= origins / 2  # the trial
    assert (max(read) == origins) == (needed < 0)
    assert list(tried.report_.candidates.index) == list(whole.report_.candidates.index)
    others = whole.report_.candidates.index != "pretrained"
    pd.testing.assert_frame_equal(tried.report_.candidates[others], whole.report_.candidates[others], rtol=0, atol=0)
    loss = [model.report_.candidates.loc["pretrained", "loss"] for model in (tried, whole)]
    assert loss[0] == pytest.approx(loss[1], rel=0.0 if needed < 0 else 0.2)
    pd.testing.assert_frame_equal(tried.predict(), whole.predict(), rtol=0, atol=0)


def test_few_origins_need_no_trial(read):
    model = recipe().fit(hourly(700))
    assert min(read) == model.report_.n_windows


@pytest.mark.slow
def test_a_distribution_has_no_pretrained_member():
    model = recipe(loss="normal", horizon=3).fit(hourly(600))
    assert "pretrained" not in model.report_.candidates.index
