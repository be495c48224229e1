"""The benchmark of accuracy: metrics by hand, windows counted as published, every task and bar there, a table."""

import json
import re
import subprocess
import sys
from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from accuracy import competitions, long_horizon, own, run, stations, trees, windows
from accuracy.models import MODELS, make
from accuracy.naive import HAR, RollingMean, SeasonalNaive
from accuracy.once import measured
from accuracy.problem import Problem, ends, every_window, single, split
from accuracy.recipe import Recipe
from accuracy.ridge import TunedRidge
from accuracy.scores import LEVELS, M4, Errors, Quantiles, Variance, interval_score, owa, pinball, qlike, smape
from accuracy.table import bar, table
from accuracy.tasks import CHOOSING, HELD_BACK, TASKS, chosen
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from forecast import metrics
from forecast.preprocessing import calendar_features

# LightGBM is an optional rival; it is tested where it is installed.
FITTED = ["ridge", "recipe", *(["lightgbm"] if find_spec("lightgbm") else [])]


def hourly(n, columns=1, seed=0):
    """Noise on a season of 24 steps."""
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(n) / 24)[:, None]
    index = pd.date_range("2024-01-01", periods=n, freq="h")
    return pd.DataFrame(wave + 0.1 * rng.normal(size=(n, columns)), index=index).rename(columns="y{}".format)


def problem(n=600, horizon=12, columns=1, **options):
    frame = hourly(n, columns)
    given = {"loss": "absolute_error", "mean": True, "season": 24, "new_score": Errors} | options
    origins = every_window(n - 100, n, horizon)
    part = split(n, n - 100, n - 100)
    return Problem(frame=frame, part=part, target=[*frame], horizon=horizon, **given, **single(n, origins))


@pytest.fixture
def quick(monkeypatch):
    """Models by name, with little to train."""
    monkeypatch.setattr(trees, "TREES", 40)
    monkeypatch.setattr(trees, "ROWS", 4000)

    def made(name):
        settings = {"regressor": Ridge(), "lookback": 24}
        return Recipe(settings=settings) if name == "recipe" else make(name)

    return made


# -------------------- metrics


def test_metrics_are_those_of_the_package():
    rng = np.random.default_rng(0)
    actual, forecast = rng.uniform(1, 2, (2, 40))
    assert_allclose(smape(actual, forecast).mean(), metrics.smape(actual, forecast))
    width = interval_score(actual, forecast - 0.1, forecast + 0.1, 0.95).mean()
    assert_allclose(width, metrics.interval_score(actual, forecast - 0.1, forecast + 0.1, coverage=0.95))
    assert_allclose(
        pinball(actual, forecast[:, None], np.array([0.3])).mean(), 2 * metrics.pinball(actual, forecast, 0.3)
    )


def test_owa_is_one_for_naive2_and_follows_the_competition():
    assert owa(18.383, 2.395, 18.383, 2.395) == 1.0
    assert round(owa(13.912, 1.193, 18.383, 2.395), 3) in {0.627, 0.628}
    assert round(owa(9.328, 0.893, 18.383, 2.395), 3) == 0.440


def test_qlike_is_least_at_the_truth_and_punishes_low_forecasts_more():
    assert qlike(2.0, 2.0) == 0
    assert qlike(2.0, 1.0) > qlike(2.0, 4.0) > 0


def test_quantile_scores_of_points_are_absolute_errors():
    given = problem(new_score=Quantiles)
    score, which, row = given.new_score(given), given.which[:5], given.row[:5]
    actual = given.actual(which, row)
    score.add(which, row, actual, actual + 0.5)
    found = score.result()
    values = given.arrays[0].targets
    scales = [np.abs(values[24 : r + 1] - values[: r - 23]).mean() for r in row]
    assert_allclose(found["MASE"], np.mean(0.5 / np.array(scales)))
    assert_allclose(found["SQL"], found["MASE"])
    assert_allclose(found["WQL"], 0.5 / np.abs(actual).mean())


def test_quantiles_and_bounds_are_scored_where_they_are_given():
    given = problem(new_score=Quantiles)
    score, which, row = given.new_score(given), given.which[:5], given.row[:5]
    actual = given.actual(which, row)
    right = np.repeat(actual[..., None], len(LEVELS), axis=-1)
    score.add(which, row, actual, actual, right, {0.8: (actual - 1, actual + 1), 0.95: (actual + 1, actual + 2)})
    assert score.result() == {"MASE": 0, "WQL": 0, "SQL": 0, "coverage 80%": 1, "coverage 95%": 0}


def test_missing_values_are_not_scored_and_forecasts_that_are_not_finite_are_refused():
    given = problem()
    score, which, row = given.new_score(given), given.which[:2], given.row[:2]
    actual = given.actual(which, row)
    actual[0] = np.nan
    score.add(which, row, actual, np.zeros_like(actual))
    assert_allclose(score.result()["MAE"], np.abs(actual[1]).mean())
    with pytest.raises(ValueError, match="12 forecasts are not finite"):
        score.add(which, row, actual, np.where(np.isnan(actual), np.nan, 0.0))


def test_variance_is_scored_as_the_mean_over_the_horizon():
    given = problem(new_score=partial(Variance, least=1e-6))
    score = given.new_score(given)
    actual = np.array([1.0, 3.0] * 6).reshape(1, 12, 1)
    score.add(given.which[:1], given.row[:1], actual, np.full((1, 12, 1), 2.0))
    assert score.result() == {"QLIKE": 0, "MSE": 0}


def test_m4_weights_by_the_given_naive2():
    frame = pd.concat([hourly(100).assign(id=key) for key in "ab"])
    part = np.tile(split(100, 88, 88), 2)
    given = Problem(
        frame=frame, part=part, target=["y0"], horizon=12, loss="absolute_error", mean=False, season=24,
        which=np.array([0, 1]), row=np.array([87, 87]), series="id",
        new_score=partial(M4, naive2=np.full((2, 12), 3.0), whole=np.array([1.0, 4.0])),
    )  # fmt: skip
    actual = given.actual(given.which, given.row)
    score = given.new_score(given)
    score.add(given.which, given.row, actual, np.full((2, 12, 1), 3.0))
    assert_allclose(score.result()["OWA"], 1)
    errors = np.abs(actual - 3).mean(axis=(1, 2))
    assert_allclose(score.result()["MASE"], (errors / [1, 4]).mean())  # scaled by the whole series


# -------------------- splits


@pytest.mark.parametrize(
    ("name", "n", "counts"),
    [
        ("ETTh1", 17420, {96: 2785, 192: 2689, 336: 2545, 720: 2161}),
        ("ETTm1", 69680, {96: 11425, 192: 11329, 336: 11185, 720: 10801}),
        ("weather", 52696, {96: 10444, 192: 10348, 336: 10204, 720: 9820}),
        ("ILI", 966, {24: 170, 36: 158, 48: 146, 60: 134}),
    ],
)
def test_long_horizon_has_all_windows_on_the_scale_of_the_training_rows(name, n, counts):
    frame = pd.DataFrame({"a": np.arange(n, dtype=float)})
    for horizon, count in counts.items():
        given = long_horizon.from_frame(name, frame, horizon)
        assert len(given.which) == count
        assert given.row[-1] + horizon == len(given.frame) - 1
        train, known, _ = long_horizon.bounds(name, n)
        assert given.row[0] == known - 1
        assert_allclose(given.train.to_numpy().std(), 1)
        assert (len(given.train), len(given.validation)) == (train, known - train)
        actual = given.actual(given.which[-1:], given.row[-1:])
        assert_allclose(actual[0, -1], given.frame.iloc[-1])


def test_last_windows_do_not_overlap_and_nothing_after_the_first_origin_is_learnt():
    assert [competitions.gift_windows(69680, h) for h in (48, 480, 720)] == [20, 15, 10]
    assert [competitions.gift_windows(17420, h) for h in (48, 480, 720)] == [20, 4, 3]
    assert [competitions.gift_windows(52696, h) for h in (48, 480, 720)] == [20, 11, 8]
    given = competitions.last_windows(hourly(1000, 2), 48, 3, 24)
    assert list(given.row) == [1000 - 1 - 3 * 48, 1000 - 1 - 2 * 48, 1000 - 1 - 48]
    assert len(given.train) == 1000 - 3 * 48
    assert given.validation is None


def test_blocks_cover_every_origin_once():
    given = problem()
    blocks = given.blocks(values=40)
    assert np.array_equal(np.concatenate([given.row[block] for block in blocks]), given.row)
    assert len(given.thinned(3).row) == -(-len(given.row) // 3)


def test_origins_outside_the_rows_are_refused():
    with pytest.raises(ValueError, match="do not lie in 10 rows"):
        single(10, [9])


# -------------------- models


def test_seasonal_naive_and_last_value_repeat():
    given = problem(horizon=30)
    values = given.frame["y0"].to_numpy()
    row = given.row[0]
    season = SeasonalNaive().fit(given).forecast(given.which[:1], given.row[:1])[0, :, 0]
    assert np.array_equal(season, np.r_[values[row - 23 : row + 1], values[row - 23 : row - 17]])
    last = SeasonalNaive(last=True).fit(given).forecast(given.which[:1], given.row[:1])
    assert (last == values[row]).all()


def test_ridge_is_that_of_scikit_learn():
    given = problem(mean=True)
    model = TunedRidge().fit(given)
    model.lag, model.choice = 24, {"lag": 24, "penalty": 0.1, "shared": True, "level": True}
    model.maps = model._maps(model._sums("known", 24), **model.choice)
    column, row = model.flat.window_ends("known", 12, least=24)
    X, newest = model._inputs(column, row, 24)[:, 1:], model.flat.newest(column, row)[:, None]
    theirs = Ridge(alpha=0.1 * len(X)).fit(X, model.flat.ahead(column, row, 12) - newest)
    asked = np.zeros(5, int), given.row[:5]
    expected = theirs.predict(model._inputs(*asked, 24)[:, 1:]) + model.flat.newest(*asked)[:, None]
    found = model.forecast(given.which[:5], given.row[:5])
    assert_allclose(found, model.flat.restored(given, asked[0], expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", FITTED)
def test_models_beat_the_last_value_and_do_not_look_ahead(name, quick):
    given = problem(n=500)
    after = given.row[0] + 1
    changed = problem(n=500)
    changed.frame = given.frame.copy()
    changed.frame.iloc[after:] = 1e3
    first = given.which[:1], given.row[:1]
    assert np.array_equal(quick(name).fit(given).forecast(*first), quick(name).fit(changed).forecast(*first))
    found = measured(given, quick(name))
    naive = measured(given, SeasonalNaive(last=True))
    assert found["metrics"]["MSE"] < naive["metrics"]["MSE"]
    assert found["fit_cpu"] > 0
    assert found["peak_mb"] >= found["fit_mb"] >= found["loaded_mb"] > 0


def test_models_read_covariates_gaps_and_several_targets(quick):
    frame = hourly(400, 2).assign(kind=np.resize(["a", "b"], 400))
    frame.iloc[50:60, 0] = np.nan
    options = {"loss": "absolute_error", "mean": False, "season": 24, "new_score": Errors, "missing": "mask"}
    origins = ends(400, 6, 5)
    for extra in ({"past": ["y1", "kind"]}, {"future": ["y1", "kind"]}):
        given = Problem(
            frame=frame, part=split(400, 370, 370), target=["y0"], horizon=6, **options, **extra, **single(400, origins)
        )  # fmt: skip
        for name in FITTED:
            assert measured(given, quick(name))["metrics"]["MAE"] < 1
    both = problem(n=400, columns=3, new_score=Quantiles, quantiles=True)
    for name in (*FITTED, "seasonal naive"):
        assert measured(both.thinned(30), quick(name))["metrics"]["WQL"] < 0.5


def test_cells_to_learn_from_are_drawn_from_all_columns_and_all_times():
    given = problem(n=600, columns=3)
    model = trees.Trees()
    model.problem, model.flat = given, windows.Flat.of(given)
    column, row, step = model._drawn(np.random.default_rng(0), "known", 1000)
    assert len(column) == 1000
    assert_allclose([np.mean(column == number) for number in range(3)], 1 / 3, atol=0.06)
    assert abs(np.quantile(row, 0.75) - 370) < 20  # rows 22 to 487
    assert set(step) == set(range(1, 13))


def test_har_and_rolling_mean_forecast_a_variance():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"variance": np.exp(0.1 * np.cumsum(rng.normal(size=800))) * rng.chisquare(3, 800)})
    frame.index = pd.date_range("2000-01-03", periods=800, freq="B")
    given = stations.one(
        frame, "variance", 5, every_window(700, 800, 5), season=1, loss="squared_error", mean=True,
        new_score=partial(Variance, least=1e-3),
    )  # fmt: skip
    scores = {
        type(model).__name__ + str(getattr(model, "logarithm", "")): measured(given, model)["metrics"]["QLIKE"]
        for model in (HAR(), HAR(logarithm=True), RollingMean(), SeasonalNaive(last=True))
    }
    assert max(scores["HARFalse"], scores["HARTrue"]) < scores["SeasonalNaive"]


def test_rows_to_tune_on_come_after_those_to_learn_from():
    flat = windows.Flat.of(problem(n=600))
    for part, low, high in (("learnt", 0, flat.learnt[0]), ("tuned", flat.learnt[0], 500), ("known", 0, 500)):
        _, row = flat.window_ends(part, 12)
        assert row.min() + 1 >= low
        assert row.max() + 12 == high - 1


# -------------------- registry, runner, table


def test_every_task_of_the_table_is_registered_with_its_bar():
    sets = {"ETTh1", "ETTm1", "weather", "exchange"}
    names = {f"{name} {steps}" for name in sets for steps in (96, 192, 336, 720)}
    names |= {f"ILI {steps}" for steps in (24, 36, 48, 60)}
    names |= {f"ett1/{freq} {term}" for freq in ("15T", "H") for term in ("short", "medium", "long")}
    names |= {f"jena/10T {term}" for term in ("short", "medium", "long")} | {"jena/H short"}
    names |= {"fev jena 10T", "fev jena H", "M4 Hourly", "M4 Weekly", "M4 Hourly 64", "M4 Weekly 64"}
    names |= {"Beijing D1a", "Beijing D1b"}
    names |= {"Valencia o3 5", "Valencia o3 24", "Melbourne 1", "Melbourne 7"}
    names |= {f"sp500 variance {steps}" for steps in (1, 5, 22)}
    names |= {"CO2", "notebook 01", "notebook 02", "notebook 06", "notebook 06 unseen"}
    assert set(TASKS) == names
    for task in TASKS.values():
        assert task.half in {CHOOSING, HELD_BACK}
        assert task.baseline in MODELS
        assert task.group == "GIFT-Eval" or task.must.keys() <= set(task.metrics)
        assert task.group == "GIFT-Eval" or task.must
        assert set(task.rivals) <= set(MODELS)


def test_no_source_is_in_both_halves_and_both_have_every_kind():
    source = {
        "ETTh1": "transformer",
        "ETTm1": "transformer",
        "ett1": "transformer",
        "jena": "weather",
        "fev": "weather",
    }
    source |= {"CO2": "co2", "notebook 01": "co2"}
    halves = {}
    for task in TASKS.values():
        first = re.split(r"[ /]", task.name)[0]
        key = source.get(task.name, source.get(first, task.name if first in {"M4", "notebook"} else first))
        halves.setdefault(key, set()).add(task.half)
    assert [key for key, found in halves.items() if len(found) > 1] == []
    for half in (CHOOSING, HELD_BACK):
        assert 0.4 < sum(task.half == half for task in TASKS.values()) / len(TASKS) < 0.6


def test_tasks_are_chosen_by_name_beginning_group_or_half_in_the_order_given():
    assert [task.name for task in chosen(["ETTh1 96"])] == ["ETTh1 96"]
    assert [task.name for task in chosen(["Melbourne 7", "Melbourne"])] == ["Melbourne 7", "Melbourne 1"]
    assert len(chosen(["ETTh1"])) == 4
    assert len(chosen(["GIFT-Eval"])) == 10
    assert len(chosen([CHOOSING])) + len(chosen([HELD_BACK])) == len(chosen(["all"])) == len(TASKS)
    with pytest.raises(ValueError, match="no task is called 'ETTh'"):
        chosen(["ETTh"])


def test_the_baseline_runs_first_and_only_ours_once_for_every_seed():
    assert run.runs(TASKS["ETTh1 96"], ["recipe", "ridge", "har"], [0, 1]) == [
        ("last value", 0), ("recipe", 0), ("recipe", 1), ("ridge", 0),
    ]  # fmt: skip
    assert [model for model, _ in run.runs(TASKS["sp500 variance 1"], ["ridge"], [0])][2:] == [
        "har", "log-har", "rolling mean",
    ]  # fmt: skip


def given(tmp_path, **options):
    arguments = {"tasks": ["ETTh1 96"], "models": ["ridge"], "seeds": [0], "threads": 1, "minutes": 1, "again": False}
    return run.argparse.Namespace(results=tmp_path / "lines.jsonl", **(arguments | options))


@pytest.fixture
def without_processes(monkeypatch):
    """Runs that take no time; what was run, in order."""
    done = []

    def once(task, model, seed, threads, minutes):
        done.append(model)
        metrics = {"MSE": 1.294 if model == "last value" else 0.4, "MAE": 0.713}
        costs = dict.fromkeys(("fit_cpu", "forecast_cpu", "peak_mb"), 1.0)
        return {"metrics": metrics, "every": 1, **costs}

    monkeypatch.setattr(run, "once", once)
    monkeypatch.setattr(run, "commit", lambda: "abc")
    monkeypatch.setattr(run, "machine", dict)
    return done


def test_what_is_in_the_file_for_a_commit_is_not_measured_again(tmp_path, without_processes):
    run.measure(given(tmp_path))
    assert without_processes == ["last value", "ridge"]
    run.measure(given(tmp_path, models=["ridge", "lightgbm"]))
    assert without_processes == ["last value", "ridge", "lightgbm"]
    run.measure(given(tmp_path, again=True))
    assert without_processes[3:] == ["last value", "ridge"]
    found = run.lines(tmp_path / "lines.jsonl")
    assert [line["model"] for line in found if "task" in line] == without_processes


def test_a_baseline_that_is_not_as_published_ends_the_run(tmp_path, without_processes):
    with pytest.raises(SystemExit, match=r"weather 96, last value: MSE is 1\.2940, published 0\.259"):
        run.measure(given(tmp_path, tasks=["weather 96"]))
    assert without_processes == ["last value"]


def test_the_table_has_ours_the_rivals_the_bars_and_who_is_behind():
    def line(task, model, seed=0, **scores):
        costs = {"fit_cpu": 10.0, "every": 2 if model == "lightgbm" else 1}
        return {"task": task, "model": model, "seed": seed, "metrics": scores, **costs}

    lines = [
        line("ETTh1 96", "recipe", 0, MSE=0.34, MAE=0.38),
        line("ETTh1 96", "recipe", 1, MSE=0.36, MAE=0.40),
        line("ETTh1 96", "ridge", MSE=0.364, MAE=0.391),
        line("ETTh1 96", "lightgbm", MSE=0.44, MAE=0.45),
        line("ETTh1 96", "last value", MSE=1.294, MAE=0.713),
        line("exchange 96", "last value", MSE=0.08, MAE=0.2),
        line("exchange 96", "recipe", MSE=0.09, MAE=0.2),
        line("ett1/H short", "recipe", MASE=0.8, WQL=0.1, **{"coverage 80%": 0.8, "coverage 95%": 0.9}),
        line("ett1/H short", "seasonal naive", MASE=1.0, WQL=0.2),
        {"machine": {}, "commit": "abc"},
        {"task": "ETTh1 192", "model": "recipe", "seed": 0, "error": "MemoryError"},
    ]
    found = table(lines)
    assert (
        "| ETTh1 96 | MSE | 0.350 (0.340 to 0.360) | 0.364 | 0.440~ |  | 1.294 | 0.355 ✓ | 0.345 ✗ | 0.962 |" in found
    )
    assert "| exchange 96 | MSE | 0.090 |  |  |  | 0.080 | 0.082 ✗ | 0.080 ✗ |" in found
    assert "- GIFT-Eval, MASE, recipe: 0.800 (1 of 10 tasks)" in found
    assert "behind ridge by more than 3 % on 0" in found
    assert "| ett1/H short | 80.0% ✓ | 90.0% ✗ |" in found
    assert "| ETTh1 192 |" not in found
    assert "- ETTh1 192, recipe, seed 0: MemoryError" in found
    assert "| 10.0 / 10.0 ✓ |" in found


def test_of_several_bars_the_lowest_that_was_measured_counts():
    results = {"ridge": [{"metrics": {"MAE": 3.0}}], "lightgbm": [{"metrics": {"MAE": 2.0}}]}
    both = [4.0, ("ridge", 1.0), ("lightgbm", 1.2), ("neuralforecast LSTM", 1.0)]
    assert_allclose(bar(results, both, "MAE"), 2.4)
    assert bar(results, ("neuralforecast LSTM", 1.0), "MAE") is None
    assert bar(results, None, "MAE") is None


def test_the_runner_is_a_script_that_lists_its_tasks():
    done = subprocess.run([sys.executable, run.__file__, "--list"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len(TASKS)


def test_results_are_one_line_of_json_each(tmp_path):
    run.append(tmp_path / "lines.jsonl", {"a": 1.0})
    run.append(tmp_path / "lines.jsonl", {"a": 2.0})
    assert [json.loads(line)["a"] for line in (tmp_path / "lines.jsonl").read_text().splitlines()] == [1.0, 2.0]


def test_a_series_of_ones_own_is_measured(tmp_path, monkeypatch, capsys):
    """Days of the week show in the sales, and holidays, of which one of two runs knows."""
    days = pd.date_range("2021-01-01", periods=1200, freq="D")
    closed = calendar_features(days, "holidays:DE")[0][:, 0]
    sold = days.day_of_week + np.random.default_rng(0).normal(scale=0.3, size=1200) - 20 * closed
    rows = pd.DataFrame({"day": days, "sold": sold})
    rows = pd.concat([rows[:300], rows[299:300].assign(sold=99.0), rows[301:]])  # a stamp twice, a gap
    rows.to_csv(tmp_path / "shop.csv", index=False)

    def measure(*more):
        asked = ["--time", "day", "--target", "sold", "--freq", "D", "--horizon", "7", "--season", "7", *more]
        monkeypatch.setattr(sys, "argv", ["own.py", str(tmp_path / "shop.csv"), "--windows", "30", *asked])
        own.main()
        lines = capsys.readouterr().out.splitlines()
        assert all("30 windows" in line for line in lines)
        return {line.split("  ")[0].strip(): float(re.search(r"MAE ([\d.e-]+)", line)[1]) for line in lines}

    plain = measure("--models", "last value", "seasonal naive", "recipe")
    assert plain["recipe"] < plain["last value"]
    assert plain["seasonal naive"] < plain["last value"]
    known = measure("--models", "recipe", "--calendar", "auto", "holidays:DE")
    assert known["recipe"] < 0.7 * plain["recipe"]
