"""Rolling origins and the backtest: the rows a forecaster would have had, and no others."""

import children
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, ShuffleSplit, TimeSeriesSplit, cross_val_score

from forecast._series import RecursiveForecastWarning, SeriesForecaster
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.metrics import mae, mase, rmse
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

# Whether a model has skill is the topic of one test alone.
pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")

COLUMNS = ["model", "origin", "step", "timestamp", "target", "actual", "forecast"]


@pytest.fixture
def df():
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=260, freq="D", tz="Europe/Berlin", name="day")
    week = np.tile([5.0, 6.0, 5.0, 6.0, 5.0, 1.0, 0.0], 38)[:260]
    return pd.DataFrame({"load": week + 0.3 * rng.normal(size=260), "wind": rng.normal(size=260).cumsum()}, index=days)


def ridge(**changes):
    return SeriesForecaster(**({"regressor": Ridge(), "target": "load", "lookback": 14, "horizon": 7} | changes))


@pytest.mark.parametrize(
    ("cv", "folds"),
    [
        (RollingOrigin(2, 3), [((0, 4), (4, 7)), ((0, 7), (7, 10))]),
        (RollingOrigin(3, 3, step=1), [((0, 5), (5, 8)), ((0, 6), (6, 9)), ((0, 7), (7, 10))]),
        (RollingOrigin(2, 3, gap=2), [((0, 2), (4, 7)), ((0, 5), (7, 10))]),
        (RollingOrigin(2, 3, max_train_size=4), [((0, 4), (4, 7)), ((3, 7), (7, 10))]),
        (RollingOrigin(2, 3, gap=2, max_train_size=2), [((0, 2), (4, 7)), ((3, 5), (7, 10))]),
        (RollingOrigin(1, 9), [((0, 1), (1, 10))]),
    ],
    ids=str,
)
def test_folds_are_the_rows_before_and_after_each_origin(cv, folds):
    got = list(cv.split(np.zeros(10)))
    assert len(got) == cv.get_n_splits() == len(folds)
    for (train, test), (first, second) in zip(got, folds, strict=True):
        np.testing.assert_array_equal(train, np.arange(*first))
        np.testing.assert_array_equal(test, np.arange(*second))


@pytest.mark.parametrize("rows", [9, 10])
def test_too_few_rows_say_how_many_are_needed(rows):
    with pytest.raises(ValueError, match="expected at least 11 rows"):
        list(RollingOrigin(3, 3, gap=1).split(np.zeros(rows)))
    assert len(list(RollingOrigin(3, 3, gap=1).split(np.zeros(11)))) == 3


@pytest.mark.parametrize("name", ["n_splits", "horizon", "step", "gap", "max_train_size"])
@pytest.mark.parametrize("value", [-1, 1.5, "2", True])
def test_count_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        RollingOrigin(**{name: value})


def test_rolling_origin_serves_scikit_learn(df):
    scores = cross_val_score(ridge(), df, df["load"], cv=RollingOrigin(4, 7), error_score="raise")
    same = cross_val_score(ridge(), df, df["load"], cv=TimeSeriesSplit(4, test_size=7), error_score="raise")
    np.testing.assert_array_equal(scores, same)


@pytest.mark.parametrize("refit", [True, False, 2])
def test_report_is_one_long_frame(df, refit):
    report = backtest(ridge(target=["load", "wind"]), df, RollingOrigin(3, 7), refit=refit)
    frame = report.frame
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 5 * 3 * 7 * 2
    assert list(frame["model"].unique()) == ["Ridge", "last value", "seasonal naive", "drift", "mean"]
    assert frame.notna().all(axis=None)
    for column in ("model", "target"):
        assert list(frame[column].cat.categories) == list(frame[column].unique())
    assert report.summary(by="target").index.get_level_values("target").tolist() == ["load"] * 5 + ["wind"] * 5
    assert frame["timestamp"].dtype == frame["origin"].dtype == df.index.dtype
    for target in ("load", "wind"):
        part = frame[frame["target"] == target]
        np.testing.assert_array_equal(part["actual"], df.loc[part["timestamp"], target])
    days = (frame["timestamp"].dt.tz_localize(None) - frame["origin"].dt.tz_localize(None)).dt.days
    np.testing.assert_array_equal(days, frame["step"])


def test_names_of_any_kind_are_categories_in_the_frame_and_names_in_the_summary(df):
    """Numbers, tuples and text; a column of categories sorts by first appearance, a summary by name."""
    columns = pd.Index([(1, "b"), "a"], tupleize_cols=False)
    parts = [df.set_axis(columns, axis=1).assign(shop=number) for number in (30, 4)]
    model = ridge(target=list(columns), series="shop", regressor=LastValue())
    report = backtest(model, pd.concat(parts), RollingOrigin(3, 7))
    assert list(report.frame["series"].cat.categories) == [30, 4]
    assert list(report.frame["target"].cat.categories) == list(columns)
    summary = report.summary(by="series")
    assert summary.index.get_level_values("series").tolist() == [4] * 5 + [30] * 5
    assert summary.loc[("drift", 30), "MAE"] == summary.loc[("drift", 4), "MAE"]
    part = report.frame[(report.frame["series"] == 30) & (report.frame["model"] == "LastValue")]
    expected = part.groupby("step")[["actual", "forecast"]].apply(lambda rows: mae(rows["actual"], rows["forecast"]))
    by_step = report.summary(by=["series", "step"]).xs(("LastValue", 30), level=["model", "series"])["MAE"]
    np.testing.assert_allclose(by_step, expected)


MANY_ORIGINS = """
import json, resource, warnings
import numpy as np
import pandas as pd
from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, SkillWarning, backtest

warnings.simplefilter("ignore", SkillWarning)
rows, series = 960, 414
rng = np.random.default_rng(0)
stamps = pd.date_range("2024-01-01", periods=rows, freq="h")
names = np.repeat([f"H{number}" for number in range(series)], rows)
values = np.tile(np.sin(2 * np.pi * np.arange(rows) / 24), series) + rng.normal(size=rows * series)
frame = pd.DataFrame({"series": names, "y": values}, index=pd.DatetimeIndex(np.tile(stamps, series)))
network = RNNForecaster(cell="rnn", hidden_size=2, max_iter=1, early_stopping=False, random_state=0)
model = SeriesForecaster(network, target="y", series="series", lookback=24, horizon=48, step=24)
report = backtest(model, frame, RollingOrigin(100, 48, step=1), refit=False)
assert len(report.frame) == 5 * series * 100 * 48
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""


@pytest.mark.slow
def test_a_hundred_origins_of_414_series_take_less_than_a_gigabyte():
    """Ten million rows of five models: 3,000 MB with names as objects, 900 MB with categories."""
    assert children.run(MANY_ORIGINS, seconds=600) < 1000


@pytest.mark.parametrize("refit", [True, False, 2])
@pytest.mark.parametrize("gap", [0, 3])
def test_each_row_is_what_the_model_would_have_said_at_its_origin(df, refit, gap):
    cv = RollingOrigin(4, 7, gap=gap)
    report = backtest(ridge(past_covariates=["wind"]), df, cv, refit=refit)
    mine = report.frame[report.frame["model"] == "Ridge"]
    folds = list(cv.split(df))
    every = {True: 1, False: 4}.get(refit, refit)
    for number, (_, test) in enumerate(folds):
        trained_on = folds[number - number % every][0]
        fitted = ridge(past_covariates=["wind"]).fit(df.iloc[trained_on])
        alone = fitted.predict(history=df.iloc[: test[0]])["load"]
        row = mine[mine["origin"] == df.index[test[0] - 1]].set_index("timestamp")["forecast"]
        np.testing.assert_allclose(row, alone, rtol=1e-12)
        assert row.index.equals(alone.index)


@pytest.mark.filterwarnings("ignore::forecast.SentinelWarning")
@pytest.mark.parametrize("refit", [True, False])
def test_nothing_after_an_origin_changes_a_bit_of_its_forecast(df, refit):
    def forecasts(frame):
        long = backtest(ridge(past_covariates=["wind"]), frame, RollingOrigin(4, 7), refit=refit).frame
        return long[long["origin"] == df.index[259 - 14]].sort_values(["model", "step"])["forecast"].to_numpy()

    changed = df.copy()
    changed.iloc[246:] = -1e6
    np.testing.assert_array_equal(forecasts(df), forecasts(changed))


def test_naive_forecasts_stand_beside_and_agree_with_the_baselines(df):
    models = {"last": ridge(regressor=LastValue()), "season": ridge(regressor=SeasonalNaive(), lookback=2)}
    report = backtest(models, df, RollingOrigin(5, 7))
    assert report.period == 7
    summary = report.summary()
    errors = ["MAE", "RMSE", "MASE"]
    np.testing.assert_allclose(summary.loc["last", errors], summary.loc["last value", errors], rtol=1e-12)
    np.testing.assert_allclose(summary.loc["season", errors], summary.loc["seasonal naive", errors], rtol=1e-12)


def test_summary_has_the_errors_of_the_definitions(df):
    cv = RollingOrigin(5, 7)
    report = backtest(ridge(), df, cv)
    summary = report.summary()
    rows = report.frame[report.frame["model"] == "Ridge"]
    assert summary.loc["Ridge", "MAE"] == pytest.approx(mae(rows["actual"], rows["forecast"]))
    assert summary.loc["Ridge", "RMSE"] == pytest.approx(rmse(rows["actual"], rows["forecast"]))
    scaled = [
        mase(part["actual"], part["forecast"], history=df["load"].iloc[train], period=7)
        for (train, _), (_, part) in zip(cv.split(df), rows.groupby("origin"), strict=True)
    ]
    assert summary.loc["Ridge", "MASE"] == pytest.approx(np.mean(scaled))
    assert (summary["seconds"] > 0).all()
    assert summary["MAE"].is_monotonic_increasing
    assert summary.loc["Ridge", "MASE"] < summary.loc["last value", "MASE"]


def test_constant_series_has_no_scale():
    frame = pd.DataFrame({"y": np.ones(60)})
    summary = backtest(SeriesForecaster(LastValue(), lookback=5, horizon=3), frame, RollingOrigin(2, 3)).summary()
    assert summary["MASE"].isna().all()
    assert (summary["MAE"] == 0).all()


def test_longer_test_folds_are_fed_back(df):
    with pytest.warns(RecursiveForecastWarning, match=r"20 steps and horizon is 7.*RollingOrigin"):
        report = backtest(ridge(), df, TimeSeriesSplit(3, test_size=20), refit=False)
    assert report.frame["step"].max() == 20
    assert np.isfinite(report.frame["forecast"]).all()


def test_refit_false_calls_the_regressor_once_for_all_origins(df):
    calls = []

    class Counted(Ridge):
        def fit(self, X, y):
            calls.append(("fit", len(X)))
            return super().fit(X, y)

        def predict(self, X):
            calls.append(("predict", len(X)))
            return super().predict(X)

    backtest(ridge(regressor=Counted()), df, RollingOrigin(6, 7), refit=False)
    assert [name for name, _ in calls] == ["fit", "predict"]
    assert calls[0] == ("fit", 260 - 42 - 14 - 7 + 1)
    calls.clear()
    backtest(ridge(regressor=Counted()), df, RollingOrigin(6, 7), refit=4)
    assert [name for name, _ in calls] == ["fit", "predict", "fit", "predict"]


def test_model_is_not_changed_and_jobs_change_nothing(df):
    model = ridge()
    one = backtest(model, df, RollingOrigin(3, 7)).frame
    assert not hasattr(model, "regressor_")
    pd.testing.assert_frame_equal(backtest(model, df, RollingOrigin(3, 7), n_jobs=2).frame, one)


@pytest.mark.parametrize("cv", [KFold(3), ShuffleSplit(2, random_state=0)], ids=["KFold", "ShuffleSplit"])
def test_splitters_that_do_not_follow_time_are_refused(df, cv):
    with pytest.raises(ValueError, match=r"does not follow time.*RollingOrigin"):
        backtest(ridge(), df, cv)


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        (Ridge(), TypeError, "expected a SeriesForecaster"),
        ({}, ValueError, "empty dict"),
        ({"last value": ridge()}, ValueError, "name of a naive forecast"),
        ({"one": ridge(), "two": ridge(target="wind")}, ValueError, "different targets"),
        (ridge(lookback=250), ValueError, "longest lookback"),
    ],
)
def test_unfit_models_are_refused(df, models, error, message):
    with pytest.raises(error, match=message):
        backtest(models, df, RollingOrigin(3, 7))


@pytest.mark.parametrize("refit", [0, -1, 1.5, "yes"])
def test_refit_out_of_range_is_refused(df, refit):
    with pytest.raises(ValueError, match="refit is"):
        backtest(ridge(), df, RollingOrigin(3, 7), refit=refit)


def test_any_regressor_is_named_by_its_class(df):
    report = backtest(ridge(regressor=Drift()), df, RollingOrigin(2, 7))
    assert "Drift" in set(report.frame["model"])


def test_network_runs_through_the_same_backtest(df):
    from forecast._rnn import RNNForecaster

    network = RNNForecaster(max_iter=2, hidden_size=4, random_state=0)
    for refit in (True, False):
        summary = backtest(ridge(regressor=network), df, RollingOrigin(2, 7), refit=refit).summary()
        assert np.isfinite(summary.to_numpy()).all()


def test_network_says_the_same_bits_alone_and_in_a_backtest(df):
    from forecast._rnn import RNNForecaster

    model = ridge(regressor=RNNForecaster(max_iter=2, hidden_size=4, random_state=0))
    cv = RollingOrigin(4, 7)
    long = backtest(model, df, cv, refit=False).frame
    folds = list(cv.split(df))
    fitted = model.fit(df.iloc[folds[0][0]])
    for _, test in folds:
        row = long[(long["model"] == "RNNForecaster") & (long["origin"] == df.index[test[0] - 1])]["forecast"]
        np.testing.assert_array_equal(row, fitted.predict(history=df.iloc[: test[0]])["load"])


def test_mean_is_of_all_values_up_to_the_origin(df):
    gone = df.copy()
    gone.iloc[3:9] = np.nan
    report = backtest(ridge(regressor=LastValue(), missing="mask"), gone, RollingOrigin(3, 7))
    mean = report.frame[report.frame["model"] == "mean"].groupby("origin")["forecast"].agg(["min", "max"])
    for origin, (least, most) in mean.iterrows():
        assert least == most == pytest.approx(gone.loc[:origin, "load"].mean())


def test_white_noise_is_not_called_skill():
    """The last value is a poor forecast of it, the mean is not."""
    noise = pd.DataFrame({"return": np.random.default_rng(0).normal(size=600)}, index=pd.RangeIndex(600))
    model = ridge(target="return", lookback=60, horizon=2, window_norm=None, validation_fraction=0.2)
    with pytest.warns(SkillWarning, match="Ridge does not beat mean"):
        report = backtest(model, noise, RollingOrigin(100, 2))
    assert report.summary().loc["Ridge", "skill"] < 0
    assert "no skill: mean is as good or better" in model.fit(noise).report_.notes
    assert model.fit(noise).report_.table["MAE"].idxmin() == "mean"
