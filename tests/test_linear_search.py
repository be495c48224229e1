"""The search for a linear forecaster: its one matrix gives what fits give, and it finds what made the series."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from forecast import LinearForecaster
from forecast._frames import TimeAxis
from forecast._preparation import Rows, Settings, Task, trained
from forecast._recipe.bench import Bench, Benches
from forecast._recipe.judging import folds_of, is_better
from forecast._recipe.lookbacks import lookbacks_of
from forecast._recipe.search import search_linear

HOURS = TimeAxis(pd.offsets.Hour(), "datetime", unit="s")


def rows_of(*series, past=0, future=0, seed=0):
    """Arrays of shape (rows, targets), one for each series."""
    rng = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum([len(values) for values in series])]).astype(np.int64)
    index = pd.DatetimeIndex(np.concatenate([pd.date_range("2024", periods=len(v), freq="h") for v in series]))
    keys = [None] if len(series) == 1 else [f"s{number}" for number in range(len(series))]
    covariates = [rng.normal(size=(starts[-1], n)) for n in (past, future)]
    targets = np.concatenate(series).astype(np.float64)
    return Rows(keys, starts, index, targets, *covariates, np.zeros((len(series), 0)))


def task_of(rows, horizon=6, masked=False):
    sizes = (rows.targets.shape[1], rows.past.shape[1], rows.future.shape[1])
    names = [[f"{kind}{number}" for number in range(n)] for kind, n in zip("tpf", sizes, strict=True)]
    return Task(horizon, HOURS, *names, masked)


def ends_of(rows, share=0.8):
    return rows.starts[:-1] + (np.diff(rows.starts) * share).astype(np.int64)


def walks(n=600, targets=1, seed=0):
    return np.random.default_rng(seed).normal(size=(n, targets)).cumsum(axis=0)


def searched(rows, horizon=6, masked=False, seasons=(), loss="absolute_error", **more):
    return search_linear(task_of(rows, horizon, masked), rows, ends_of(rows), seasons=list(seasons), loss=loss, **more)


# -------------------- one matrix for all

NORMS = [None, "last", "mean", ("mean", 0.3), ("season", 12)]


@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("sharing", ["shared", "joint"])
def test_the_matrix_gives_the_losses_of_the_members(norm, sharing):
    rows = rows_of(walks(500, 2), walks(400, 2, 1), past=1, future=1)
    assert_losses_are_the_members(rows, sharing, norm, masked=False)


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_the_matrix_gives_the_losses_of_the_members_where_targets_are_missing(norm):
    values = walks(500, 2)
    values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    assert_losses_are_the_members(rows_of(values, past=1), "shared", norm, masked=True)


def assert_losses_are_the_members(rows, sharing, norm, masked):
    task, ends = task_of(rows, masked=masked), ends_of(rows)
    folds = folds_of(task, rows, ends, 30, squared=False)
    assert len(folds) == 3
    settings = Settings(LinearForecaster(penalty=0.1), 30, norm, "standard", ("hour",), sharing)
    losses = Benches(task, folds, settings, [30]).losses(30, norm, [0.1])[0]
    expected = []
    for fold in folds:
        member, _ = trained(settings, task, fold.rows.until(fold.ends))
        expected.append(fold.jury.losses(member.forecast(fold.rows, fold.jury.origins)))
    np.testing.assert_allclose(losses, np.concatenate(expected, axis=1), rtol=1e-7)


def test_a_shorter_lookback_is_that_of_fits_on_the_same_windows():
    rows = rows_of(walks(500))
    task, ends = task_of(rows), ends_of(rows)
    folds = folds_of(task, rows, ends, 40, squared=True)
    settings = Settings(LinearForecaster(penalty=0.01), 40, "mean", "standard")
    short = Benches(task, folds, settings, [15, 40]).losses(15, "mean", [0.01])[0]
    alone = Benches(task, folds, settings, [15]).losses(15, "mean", [0.01])[0]
    np.testing.assert_allclose(short, alone, rtol=0.05)
    assert (short != alone).any(), "25 windows at the start are missing"


def test_every_fold_learns_from_rows_before_what_it_is_judged_by():
    rows = rows_of(walks(500), walks(300))
    ends = ends_of(rows)
    folds = folds_of(task_of(rows), rows, ends, 30, squared=False)
    newest = rows.starts[1:]
    for fold in folds:
        which = np.searchsorted(fold.rows.starts, fold.jury.origins, side="right") - 1
        assert (fold.jury.origins + 1 >= fold.ends[which]).all()
        assert (fold.jury.origins + 6 < fold.rows.starts[which + 1]).all()
        assert (fold.ends - fold.rows.starts[:-1] >= (ends - rows.starts[:-1]) / 2).all()
        assert (np.diff(fold.rows.starts) <= newest - rows.starts[:-1]).all()
        newest = ends


# -------------------- what it finds


def test_random_walks_get_the_simplest_settings():
    found = searched(rows_of(*(walks(900, seed=seed) for seed in range(12))))
    assert found.settings.window_norm == "last"
    assert found.settings.lookback == 4
    assert found.settings.transform == "standard"
    assert not found.settings.regressor.per_series


def test_a_season_gets_a_lookback_that_holds_it():
    rng = np.random.default_rng(0)
    t = np.arange(1500)
    values = np.sin(t * 2 * np.pi / 60)[:, None] + np.tile(rng.normal(size=60), 25)[:, None]
    found = searched(rows_of(values + rng.normal(size=(1500, 1)) * 0.1), seasons=[60])
    assert found.settings.lookback >= 60
    assert found.loss < 0.15


def test_a_target_that_follows_another_gets_joint_lags():
    rng = np.random.default_rng(0)
    lead = rng.normal(size=1200)
    values = np.column_stack([lead, np.roll(lead, 6) + 0.1 * rng.normal(size=1200)])
    assert searched(rows_of(values)).settings.multi_target == "joint"
    assert searched(rows_of(values), multi_target="shared").settings.multi_target == "shared"
    assert searched(rows_of(walks(900, 2))).settings.multi_target == "shared"


def test_series_that_differ_get_weights_of_their_own():
    rng = np.random.default_rng(0)

    def wave(period):
        return np.sin(np.arange(900) * 2 * np.pi / period)[:, None] + 0.3 * rng.normal(size=(900, 1))

    assert searched(rows_of(wave(7), wave(-17), wave(29), wave(41)), lookback=8).settings.regressor.per_series
    assert not searched(rows_of(*(walks(900, seed=seed) for seed in range(4)))).settings.regressor.per_series


def test_log1p_is_tried_only_of_values_that_are_never_below_zero():
    rows = rows_of(np.exp(np.random.default_rng(0).normal(size=(800, 1)) * 2 + np.sin(np.arange(800) / 4)[:, None]))
    tried = ["log1p" in str(name) for name in searched(rows, lower=0.0).table["transform"]]
    assert any(tried)
    assert "log1p" not in str(searched(rows).table["transform"].tolist())


def test_what_the_user_says_stays():
    rows = rows_of(walks(600, 2))
    found = searched(
        rows, lookback=20, window_norm=("mean", 0.5), transform="robust", multi_target="joint", loss="squared_error"
    )
    table = found.table
    assert set(table["lookback"]) == {20}
    assert set(table["window_norm"]) == {("mean", 0.5)}
    assert set(table["transform"]) == {"robust"}
    assert set(table["multi_target"]) == {"joint"}
    assert found.settings.lookback == 20
    assert found.settings.transform == "robust"
    assert searched(rows, window_norm="standard").settings.window_norm == "standard"
    assert searched(rows, transform=None).settings.transform is None


def test_the_best_of_the_table_is_not_far_ahead_of_what_is_chosen():
    found = searched(rows_of(walks(700, 2), walks(500, 2, 3)), seasons=[24])
    whole = found.table[found.table["parts"] == found.table["parts"].max()]
    assert found.loss <= whole["loss"].min() * 1.03
    assert found.notes == []


def test_twice_the_same():
    rows = rows_of(walks(600, 2))
    one, two = searched(rows, seasons=[24]), searched(rows, seasons=[24])
    pd.testing.assert_frame_equal(one.table.astype({"transform": str}), two.table.astype({"transform": str}))
    assert one.table["loss"].tolist() == two.table["loss"].tolist()
    assert repr(one.settings) == repr(two.settings)


def test_threads_change_no_bit_of_a_search():
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            found.append(searched(rows_of(walks(600, 2)), seasons=[24]).table["loss"].tolist())
    assert found[0] == found[1]


# -------------------- little data


def test_holes_and_short_series():
    values = walks(300)
    values[50:60] = np.nan
    values[250] = np.nan
    found = searched(rows_of(values, walks(60)), masked=True, seasons=[24])
    assert np.isfinite(found.loss)
    trained(found.settings, task_of(rows_of(values), masked=True), rows_of(values))


def test_the_matrix_is_of_windows_without_holes_where_these_are_most():
    values = walks(500)
    values[[100, 300]] = np.nan
    rows, bounds = rows_of(values), [400]
    task, settings = task_of(rows, masked=True), Settings(LinearForecaster(), 10, window_norm="last")
    fold = folds_of(task, rows, np.array(bounds), 10, False)[0]
    bench = Bench(task, fold, settings)
    assert bench.n_windows == 400 - 10 - 6 + 1 - 2 * 6
    assert len(bench.groups) == 1
    values[:400:8] = np.nan
    bench = Bench(task, folds_of(task, rows_of(values), np.array(bounds), 10, False)[0], settings)
    assert len(bench.groups) > 1


def test_a_calendar_that_brings_nothing_is_left_out_of_long_lookbacks():
    hours = np.arange(5600)
    values = np.sin(hours * 2 * np.pi / 24)[:, None] + 0.3 * np.random.default_rng(0).normal(size=(5600, 1))
    found = searched(rows_of(values), seasons=[24], calendar=("hour",))
    assert found.settings.calendar == ()
    assert found.settings.regressor.covariates is None
    with_it = found.table[found.table["covariates"] == "auto"]
    assert with_it["lookback"].max() <= 168 < found.table["lookback"].max()


def test_a_target_that_begins_late_is_judged_on_fewer_parts():
    values = walks(400, 2)
    values[:300, 1] = np.nan
    found = searched(rows_of(values), masked=True)
    assert set(found.table["parts"]) == {1}
    assert np.isfinite(found.loss)


@pytest.mark.parametrize("length", [20, 24, 40])
def test_very_short_series(length):
    rows = rows_of(walks(length))
    found = searched(rows)
    member, _ = trained(found.settings, task_of(rows), rows)
    assert np.isfinite(member.forecast(rows, rows.ends)).all()


def test_without_anything_to_judge_by_the_settings_are_the_usual_ones():
    rows = rows_of(walks(200))
    found = search_linear(task_of(rows), rows, rows.starts[1:].copy(), seasons=[24], loss="absolute_error")
    assert "not tuned" in found.notes[0] or np.isfinite(found.loss)
    assert found.settings.lookback >= 24


def test_lookbacks():
    assert lookbacks_of(np.array([8640]), 96, [24, 168])[:4] == [24, 32, 48, 72]
    assert max(lookbacks_of(np.array([8640]), 96, [24, 168])) == 2048
    assert {168, 336, 504} <= set(lookbacks_of(np.array([8640]), 96, [24, 168]))
    assert max(lookbacks_of(np.array([100, 400, 400, 800, 800]), 48, [])) == 181
    assert max(lookbacks_of(np.array([100, 100, 400, 800, 800]), 48, [])) == 52
    assert lookbacks_of(np.array([8]), 6, []) == [1, 2]
    assert lookbacks_of(np.array([5]), 6, [24]) == [1]


def test_lookbacks_of_a_short_series_begin_above_its_season():
    assert lookbacks_of(np.array([400]), 12, [12]) == [16, 24, 36, 48, 64, 84]
    assert lookbacks_of(np.array([60]), 12, [12]) == [16, 24, 30]
    assert lookbacks_of(np.array([40]), 4, [4]) == [5, 6, 8, 10, 12, 16, 20]
    assert lookbacks_of(np.array([44]), 4, []) == [4, 6, 8, 11, 16, 22]
    assert lookbacks_of(np.array([40]), 4, [52])[0] == 4  # no window holds that season


def test_a_candidate_has_to_win_by_more_than_a_tie_and_in_most_parts():
    old = np.ones((2, 3))
    assert is_better(old * 0.9, old)
    assert not is_better(old * 0.997, old)
    assert not is_better(np.array([[0.1, 1.01, 1.01]] * 2), old)


def test_the_mean_is_never_what_comes_back_from_a_curve():
    rows = rows_of(np.exp(np.random.default_rng(0).normal(size=(800, 1)) * 2 + np.sin(np.arange(800) / 4)[:, None]))
    tried = str(searched(rows, loss="squared_error", lower=0.0).table["transform"].tolist())
    assert "asinh" not in tried
    assert "log1p" not in tried
    assert "asinh" in str(searched(rows).table["transform"].tolist())


# -------------------- frames of hundreds of columns


def test_the_matrix_of_many_long_series_is_that_of_some(monkeypatch):
    rows = rows_of(walks(300, 6))
    task, ends = task_of(rows), ends_of(rows)
    fold = folds_of(task, rows, ends, 30, squared=False)[0]
    settings = Settings(LinearForecaster(), 30, "last", "standard", multi_target="shared")
    whole = Bench(task, fold, settings)
    monkeypatch.setattr("forecast._recipe.bench._MOST", whole.n_windows // 2)
    some = Bench(task, fold, settings)
    assert some.n_windows == whole.n_windows // 2
    assert some.actual.shape == whole.actual.shape, "all series judge"
    losses = [one.losses(30, "last", [0.1])[0] for one in (whole, some)]
    assert (losses[0] != losses[1]).all()
    np.testing.assert_allclose(*losses, rtol=0.3)


def test_weights_of_many_series_look_back_on_fewer_rows(monkeypatch):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(400, 1)) for _ in range(3)]
    for number, values in enumerate(series):  # each has a rule of its own
        for row in range(3, 400):
            values[row] += 0.9 * values[row - 1 - number]
    monkeypatch.setattr("forecast._recipe.search._OWN", 3 * 20.0**3)
    found = searched(rows_of(*series), horizon=2, lookback=64)
    own = found.table[found.table["per_series"]]
    assert set(own["lookback"]) == {19}  # rounded down
    assert set(found.table.loc[~found.table["per_series"], "lookback"]) == {64}
    assert found.settings.regressor.per_series


def test_wide_frames_are_judged_at_fewer_origins():
    counts = []
    for targets in (1, 20, 60, 120, 400):
        rows = rows_of(np.random.default_rng(0).normal(size=(6000, targets)))
        counts.append(len(folds_of(task_of(rows), rows, ends_of(rows), 2, squared=False)[0].jury))
    np.testing.assert_allclose(counts, [1195, 200, 200, 100, 40], atol=1)
