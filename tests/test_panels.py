"""Many series, one model: long frames, covariates in their places, rows answered one by one, longer forecasts."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from forecast import RNNForecaster, SeriesForecaster
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.model_selection import BacktestWarning, RollingOrigin, SkillWarning, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")
SHAPES = {"ann": (90, 0, 1.0), "bob": (70, 20, 100.0), "cec": (60, 30, 10.0)}  # rows, late start, size


def series(name, rows, late, size, seed=0):
    rng = np.random.default_rng([seed, rows])
    index = pd.date_range("2024-10-25", periods=rows + late, freq="h", tz="Europe/Berlin", name="when")[late:]
    return pd.DataFrame(
        {
            "shop": name,
            "y": size * (10 + np.sin(np.arange(rows) / 4) + 0.1 * rng.normal(size=rows)),
            "temp": rng.normal(size=rows),
            "promo": rng.integers(0, 2, rows).astype(float),
            "kind": "big" if size > 10 else "small",
            "area": np.log10(size),
        },
        index=index,
    )


@pytest.fixture
def panel():
    return pd.concat([series(name, *shape) for name, shape in SHAPES.items()])


def model(regressor=None, **changes):
    parameters = {"target": "y", "lookback": 6, "horizon": 3, "series": "shop"}
    return SeriesForecaster(Ridge() if regressor is None else regressor, **(parameters | changes))


COVARIATES = {"past_covariates": "temp", "future_covariates": "promo", "static_covariates": ["kind", "area"]}


class Spy(Ridge):
    """A Ridge that keeps what it was given."""

    def fit(self, X, y):
        self.X_, self.y_ = X.copy(), y.copy()
        return super().fit(X, y)

    def predict(self, X):
        self.asked_ = X.copy()
        return super().predict(X)


def filled(fitted, value=1.0, **options):
    return fitted.future_frame(**options).assign(promo=value)


def named(fitted, future, **options):
    """The forecast of future rows next to their names."""
    return future.assign(y=fitted.predict(future, **options)["y"])


# -------------------- layouts


def test_column_level_and_time_column_give_the_same_numbers(panel):
    expected = model().fit(panel).predict()
    assert list(expected.columns) == ["shop", "y"]
    assert expected.index.name == "when"
    for name, part in expected.groupby("shop", sort=False):
        own = panel.index[panel["shop"] == name]
        assert part.index.equals(pd.date_range(own[-1], periods=4, freq="h", name="when")[1:])
    level = model().fit(panel.set_index("shop", append=True)).predict()
    assert level.index.names == ["when", "shop"]
    np.testing.assert_array_equal(level["y"], expected["y"])
    first = model().fit(panel.set_index("shop", append=True).swaplevel()).predict()
    assert first.index.names == ["shop", "when"]
    np.testing.assert_array_equal(first["y"], expected["y"])
    column = model(time="when").fit(panel.reset_index()).predict()
    assert list(column.columns) == ["shop", "when", "y"]
    np.testing.assert_array_equal(column["y"], expected["y"])
    assert pd.DatetimeIndex(column["when"]).equals(expected.index.rename("when"))


def test_rows_in_the_order_of_time_are_the_same_panel(panel):
    mixed = panel.reset_index().sort_values(["when", "shop"]).set_index("when")
    one, other = model(**COVARIATES).fit(panel), model(**COVARIATES).fit(mixed)
    pd.testing.assert_frame_equal(one.predict(filled(one)), other.predict(filled(one)))


def test_rows_of_the_future_are_answered_one_by_one_in_their_order(panel):
    fitted = model(**COVARIATES).fit(panel)
    future = filled(fitted)
    future["promo"] = np.arange(len(future)) % 2.0
    straight = fitted.predict(future)
    mixed = future.reset_index().sort_values(["when", "shop"], kind="stable").set_index("when")
    got = fitted.predict(mixed)
    assert got.index.equals(mixed.index)
    assert list(got.columns) == ["y"]
    keys = ["shop", "when"]
    expected = (
        future.assign(y=straight["y"])
        .reset_index()
        .set_index(keys)
        .loc[pd.MultiIndex.from_frame(mixed.reset_index()[keys]), "y"]
    )
    np.testing.assert_array_equal(got["y"], expected)
    others = (mixed["shop"] != "bob").to_numpy()
    np.testing.assert_array_equal(fitted.predict(mixed[others])["y"], got.loc[others, "y"])


# -------------------- what reaches the regressor


@pytest.mark.parametrize("window_norm", [None, "last"])
def test_matrix_is_past_then_future_step_by_step_then_static(panel, window_norm):
    fitted = model(Spy(), window_norm=window_norm, validation_fraction=None, **COVARIATES).fit(panel)
    X, y = [], []
    for _, part in panel.groupby("shop", sort=False):
        past, promo = part[["y", "temp", "promo"]].to_numpy(), part["promo"].to_numpy()
        static = [float(part["kind"].iloc[0] == "big"), float(part["kind"].iloc[0] == "small"), part["area"].iloc[0]]
        for origin in range(5, len(part) - 3):
            window, ahead = past[origin - 5 : origin + 1].copy(), part["y"].to_numpy()[origin + 1 : origin + 4]
            centre = window[-1, 0] if window_norm == "last" else 0.0
            window[:, 0] -= centre
            X.append(np.concatenate([window.ravel(), promo[origin + 1 : origin + 4], static]))
            y.append(ahead - centre)
    np.testing.assert_array_equal(fitted.regressor_.X_, np.array(X))
    np.testing.assert_array_equal(fitted.regressor_.y_, np.array(y))
    assert fitted.n_windows_ == len(X)
    fitted.predict(filled(fitted, value=[0.0, 1.0, 0.0] * 3))
    asked = fitted.regressor_.asked_[:3]
    np.testing.assert_array_equal(asked[:, 18:21], [[0.0, 1.0, 0.0]] * 3)
    np.testing.assert_array_equal(asked[:, 21:], [[0, 1, 0.0], [1, 0, 2.0], [0, 1, 1.0]])
    np.testing.assert_array_equal(
        asked[:, 15:18][:, 1:], [panel[panel["shop"] == k].iloc[-1][["temp", "promo"]] for k in SHAPES]
    )


def test_windows_of_different_series_never_overlap(panel):
    fitted = model(Spy(), window_norm=None, validation_fraction=None).fit(panel)
    sizes = [
        (np.round(np.log10(row / 10))).astype(int) for row in np.hstack([fitted.regressor_.X_, fitted.regressor_.y_])
    ]
    assert all((row == row[0]).all() for row in sizes)
    assert fitted.n_windows_ == sum(rows - 6 - 3 + 1 for rows, _, _ in SHAPES.values())


def test_future_and_static_values_move_the_forecast(panel):
    fitted = model(**COVARIATES).fit(panel)
    assert (fitted.predict(filled(fitted))["y"] != fitted.predict(filled(fitted, value=0.0))["y"]).all()


def test_future_frame_is_what_predict_needs_and_errors_name_the_place(panel):
    fitted = model(**COVARIATES).fit(panel)
    future = fitted.future_frame()
    assert list(future.columns) == ["shop", "promo"]
    assert future["promo"].isna().all()
    with pytest.raises(ValueError, match=r"'promo' has 9 missing values.*\('ann', 2024-10-28 17:00:00\+01:00\)"):
        fitted.predict(future)
    future["promo"] = 0.0
    assert fitted.predict(future).shape == (9, 1)
    with pytest.raises(ValueError, match=r"series 'bob'.*first missing one is 2024-10-28 19:00:00"):
        fitted.predict(future.iloc[[0, 1, 2, 3, 4, 6, 7, 8]], errors="raise")
    with pytest.raises(ValueError, match="future covariate 'promo' is not in the frame"):
        fitted.predict(future.drop(columns="promo"))
    with pytest.raises(ValueError, match=r"unknown series 'zoe'"):
        fitted.predict(future.assign(shop="zoe"))
    with pytest.raises(ValueError, match=r"series 'cec'.*does not continue"):
        fitted.predict(pd.concat([future.iloc[:6], future.iloc[6:].shift(freq="1h")]), errors="raise")
    with pytest.raises(ValueError, match=r"future covariates \['promo'\].*future_frame"):
        fitted.predict()


# -------------------- series never seen, several targets


@pytest.mark.parametrize("transform", [None, "standard", ["log", "standard"], "difference"])
def test_series_never_seen_is_forecast_in_its_own_units(panel, transform):
    new = series("new", 50, 100, 1e4)
    fitted = model(transform=transform, **COVARIATES).fit(panel)
    got = fitted.predict(filled(fitted, history=new), history=new)
    assert got["y"].between(0.7e5, 1.3e5).all()
    both = pd.concat([panel, new])
    same = named(fitted, filled(fitted, history=both), history=both)
    np.testing.assert_array_equal(same.loc[(same["shop"] == "new").to_numpy(), "y"], got["y"])


def test_transform_of_a_new_series_is_learnt_from_its_history(panel):
    new = series("new", 50, 100, 1e4)
    fitted = model(Spy(), transform="standard", window_norm=None).fit(panel)
    fitted.predict(history=new)
    known = new["y"].to_numpy()
    expected = (known[-6:] - known.mean()) / known.std()
    np.testing.assert_allclose(fitted.regressor_.asked_[0], expected, rtol=1e-9)


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)], ids=type)
def test_several_targets_joint_or_shared(panel, regressor):
    for multi in ("joint", "shared"):
        fitted = model(regressor, target=["y", "temp"], multi_target=multi).fit(panel)
        got = fitted.predict()
        assert list(got.columns) == ["shop", "y", "temp"]
        assert np.isfinite(got[["y", "temp"]].to_numpy()).all()
    single = series("ann", 90, 0, 1.0).drop(columns="shop")
    shared = model(Spy(), series=None, target=["y", "temp"], multi_target="shared", validation_fraction=None).fit(
        single
    )
    assert shared.regressor_.X_.shape == (2 * (90 - 8), 6)
    alone = [model(series=None, target=one).fit(single).n_windows_ for one in ("y", "temp")]
    assert shared.n_windows_ == sum(alone)


# -------------------- permutation


@pytest.mark.parametrize("transform", [None, "standard"])
def test_order_of_the_series_changes_no_forecast(panel, transform):
    turned = pd.concat([panel[panel["shop"] == name] for name in ("cec", "ann", "bob")])
    for regressor, rtol in [(Ridge(), 1e-9), (LastValue(), 0), (SeasonalNaive(6), 0), (Drift(), 0)]:
        one, other = (model(regressor, transform=transform).fit(frame).predict() for frame in (panel, turned))
        for name in SHAPES:
            mine, same = (got.loc[(got["shop"] == name).to_numpy(), "y"] for got in (one, other))
            np.testing.assert_allclose(mine, same, rtol=rtol, atol=0)


# -------------------- predict and backtest, to the bit

SETTINGS = {
    "single": {"series": None},
    "panel": {},
    "covariates": COVARIATES,
    "calendar": {"calendar": ["hour"]},
    "transform": {"transform": ["log", "difference"], "window_norm": "standard"},
    "masked": {"missing": "mask", "transform": "standard", "past_covariates": "temp"},
    "network": {"regressor": RNNForecaster(hidden_size=4, max_iter=2, random_state=0), "missing": "mask"},
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("refit", [True, False])
def test_predict_at_an_origin_is_the_row_of_the_backtest_to_the_bit(panel, name, refit):
    frame = panel if name != "single" else panel[panel["shop"] == "ann"].drop(columns="shop")
    if SETTINGS[name].get("missing") == "mask":
        frame = frame.copy()
        frame.iloc[np.random.default_rng(0).choice(len(frame), 25, replace=False), [1, 2]] = np.nan
    forecaster = model(**SETTINGS[name])
    report = backtest(forecaster, frame, RollingOrigin(4, 3, step=5), refit=refit).frame
    rows = report[~report["model"].isin(["last value", "seasonal naive", "drift", "mean"])]
    origins = rows["origin"].unique()
    assert len(origins) == 4
    for origin in origins:
        known = frame[frame.index <= (origin if refit else origins.min())]
        fitted = forecaster.fit(known)
        ahead = frame[(frame.index > origin) & (frame.index <= origin + pd.Timedelta("3h"))]
        history = None if refit else frame[frame.index <= origin]
        got = fitted.predict(ahead, history=history)
        expected = rows[rows["origin"] == origin]
        np.testing.assert_array_equal(got["y"], expected["forecast"])
        assert (got.index == expected["timestamp"]).all()


# -------------------- longer than trained


@pytest.mark.parametrize("regressor", [Ridge(), RNNForecaster(hidden_size=4, max_iter=2, random_state=0)], ids=type)
@pytest.mark.parametrize(
    "changes", [{}, {"calendar": ["hour"]}, {"transform": "difference"}, {"future_covariates": "promo"}]
)
def test_longer_forecasts_are_the_models_own_fed_back(panel, regressor, changes):
    if isinstance(regressor, RNNForecaster) and not {"calendar", "future_covariates"}.isdisjoint(changes):
        regressor = Ridge(10.0)
    fitted = model(regressor, horizon=2, **changes).fit(panel)
    promo = "future_covariates" in changes
    future = filled(fitted, n=6) if promo else fitted.future_frame(n=6)
    long = named(fitted, future, recursive=True)
    short = named(fitted, filled(fitted, n=2) if promo else fitted.future_frame(n=2))
    np.testing.assert_array_equal(long.groupby("shop", sort=False).head(2)["y"], short["y"])
    extended = panel[["shop", "y", "promo"]]
    for block in range(3):
        steps = filled(fitted, n=2, history=extended) if promo else fitted.future_frame(2, history=extended)
        got = named(fitted, steps, history=extended)
        expected = long.groupby("shop", sort=False).nth([2 * block, 2 * block + 1])
        np.testing.assert_allclose(got["y"], expected["y"], rtol=1e-12)
        rows = [extended, got.assign(promo=1.0)]
        extended = pd.concat([part[part["shop"] == name] for name in SHAPES for part in rows])
    uneven = fitted.predict(future.groupby("shop", sort=False).head(5), recursive=True)
    np.testing.assert_allclose(uneven["y"].iloc[:4], long["y"].iloc[:4], rtol=1e-12)


def test_past_covariates_cannot_be_fed_back(panel):
    fitted = model(past_covariates="temp").fit(panel)
    with pytest.raises(ValueError, match=r"4 steps .* horizon is 3 and past covariates \['temp'\]"):
        fitted.predict(fitted.future_frame(4))


# -------------------- scores and scikit-learn's tools


def test_score_is_the_mean_skill_over_the_series(panel):
    last = panel.index.max() - pd.Timedelta("3h")
    train, test = panel[panel.index <= last], panel[panel.index > last]
    fitted = model().fit(train)
    got, skills = named(fitted, test), []
    for name in SHAPES:
        actual, past = (part.loc[part["shop"] == name, "y"].to_numpy() for part in (test, train))
        naive = past[-24:][:3]
        error = np.abs(got.loc[(got["shop"] == name).to_numpy(), "y"].to_numpy() - actual).mean()
        skills.append(1 - error / np.abs(actual - naive).mean())
    assert fitted.score(test) == pytest.approx(np.mean(skills))
    assert fitted.score(test.drop(columns="y"), test["y"]) == fitted.score(test)


LAYOUTS = {
    "names in a column": (lambda frame: frame, {}),
    "names in the index": (lambda frame: frame.set_index("shop", append=True), {}),
    "names and stamps in columns": (lambda frame: frame.reset_index(), {"time": "when"}),
    "names before stamps in the index": (lambda frame: frame.set_index("shop", append=True).swaplevel(), {}),
}
SCORERS = ["neg_mean_absolute_error", "neg_root_mean_squared_error", "r2"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_answer_to_rows_has_their_index_and_numbers_alone(panel, name):
    lay_out, changes = LAYOUTS[name]
    fitted = model(future_covariates="promo", target=["y", "temp"], **changes).fit(lay_out(panel))
    future = filled(fitted)
    plain = model(future_covariates="promo", target=["y", "temp"]).fit(panel)
    expected = plain.predict(filled(plain)).to_numpy()
    got = fitted.predict(future)
    assert got.index.equals(future.index)
    assert list(got.columns) == ["y", "temp"]
    np.testing.assert_array_equal(got.to_numpy(), expected)
    for frame in (fitted.predict_interval(future, coverage=0.5), fitted.predict_quantiles(future, 0.3)):
        assert frame.index.equals(future.index)
        assert (frame.dtypes == np.float64).all()


@pytest.mark.parametrize("scoring", [None, *SCORERS])
def test_scorers_give_every_layout_the_same_scores_to_the_bit(panel, scoring):
    cv = RollingOrigin(3, 3, time="when")
    scores = []
    for lay_out, changes in LAYOUTS.values():
        frame = lay_out(panel)
        scores.append(cross_val_score(model(**changes), frame, frame["y"], cv=cv, scoring=scoring, error_score="raise"))
    assert all((other == scores[0]).all() for other in scores)
    if scoring == SCORERS[0]:
        train, test = list(cv.split(panel))[-1]
        got = model().fit(panel.iloc[train]).predict(panel.iloc[test])["y"]
        assert scores[0][-1] == pytest.approx(-np.abs(got.to_numpy() - panel["y"].iloc[test]).mean())


def test_polars_is_scored_like_pandas_and_answered_row_by_row(panel):
    frame = pl.from_pandas(panel.reset_index())
    cv = RollingOrigin(3, 3, time="when")
    settings = {"cv": cv, "scoring": SCORERS[0], "error_score": "raise"}
    scores = cross_val_score(model(time="when"), frame, frame["y"], **settings)
    expected = cross_val_score(model(), panel, panel["y"], **settings)
    np.testing.assert_array_equal(scores, expected)
    fitted = model(time="when").fit(frame)
    got = fitted.predict(fitted.future_frame())
    assert isinstance(got, pl.DataFrame)
    assert got.columns == ["y"]
    assert fitted.predict().columns == ["shop", "when", "y"]


def test_grid_search_over_a_panel_is_the_same_in_every_layout_to_the_bit(panel):
    grid = {"lookback": [4, 8], "window_norm": ["last", "standard"]}
    tables = []
    for lay_out, changes in LAYOUTS.values():
        frame = lay_out(panel)
        search = GridSearchCV(
            model(**changes),
            grid,
            cv=RollingOrigin(3, 3, time="when"),
            scoring=SCORERS,
            refit=SCORERS[0],
            error_score="raise",
        )
        search.fit(frame, frame["y"])
        tables.append([search.cv_results_[f"split{fold}_test_{name}"] for fold in range(3) for name in SCORERS])
        assert len(search.best_estimator_.predict()) == 9
    assert all((np.array(other) == np.array(tables[0])).all() for other in tables)
    assert np.isfinite(tables).all()


# -------------------- series that come late or end early


@pytest.mark.parametrize("transform", [None, "difference"])
@pytest.mark.parametrize("refit", [True, False])
def test_series_too_young_to_train_on_is_left_out_until_it_is_old_enough(panel, refit, transform):
    young = pd.concat([panel, series("dan", 14, 76, 5.0)])
    report = backtest(model(transform=transform), young, RollingOrigin(4, 3), refit=refit).frame
    counts = report[report["model"] == "Ridge"].groupby("series", observed=True).size()
    assert counts[["ann", "bob", "cec"]].eq(12).all()
    assert counts["dan"] == 6  # 2, 5, 8 and 11 rows before the origins; 6 or 7 are needed
    assert report["forecast"].notna().all()


def test_series_that_ends_within_a_fold_is_left_out_where_its_future_is_looked_at(panel):
    ended = panel[(panel["shop"] != "bob") | (panel.index < panel.index.max())]
    plain = backtest(model(), ended, RollingOrigin(2, 3), refit=False)
    assert (plain.frame["series"] == "bob").sum() == (3 + 2) * plain.frame["model"].nunique()
    with pytest.warns(BacktestWarning, match="1 origins left out: the future covariates of 3 steps"):
        seen = backtest(model(future_covariates="promo"), ended, RollingOrigin(2, 3), refit=False)
    assert (seen.frame["series"] == "bob").sum() == 3 * seen.frame["model"].nunique()
    assert seen.notes[0].startswith("1 origins left out: the future covariates of 3 steps")


def test_series_that_a_backtest_leaves_out_are_named_once(panel):
    """Four shops that closed before the first origin, two that opened too late for any."""
    closed = [series(f"old{k}", 40, k, 2.0) for k in range(4)]
    opened = [series(f"new{k}", 5, 85, 2.0) for k in range(2)]
    with warnings.catch_warnings(record=True, action="always") as caught:
        report = backtest(model(), pd.concat([panel, *closed, *opened]), RollingOrigin(4, 3), refit=False)
    told = [str(warning.message) for warning in caught if warning.category is BacktestWarning]
    assert told == [
        "4 of 9 series left out, because no row of theirs is tested: 'old0', 'old1', 'old2', ...",
        "2 of 9 series left out, because they have fewer than 6 rows before every origin: 'new0', 'new1'",
    ]
    assert report.notes[:2] == told
    skill = [str(warning.message) for warning in caught if warning.category is SkillWarning]
    assert report.notes[2:] == skill
    assert set(report.frame["series"]) == set(SHAPES)
    assert list(report.frame["series"].cat.categories) == list(SHAPES)


def test_nothing_left_out_is_no_backtest_warning(panel):
    with warnings.catch_warnings(record=True, action="always") as caught:
        report = backtest(model(), panel, RollingOrigin(2, 3), refit=False)
    assert [warning.category for warning in caught if warning.category is not SkillWarning] == []
    assert [note for note in report.notes if "left out" in note] == []
