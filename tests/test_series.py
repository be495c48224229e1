"""SeriesForecaster: a frame in, the forecast with its own index out, and scikit-learn's tools around it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecast._series import SeriesForecaster
from forecast._windows import Windows, make_windows
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.diagnostics import check_no_leakage
from forecast.model_selection import RollingOrigin, backtest

pytestmark = pytest.mark.quick


@pytest.fixture
def df():
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-03-20", periods=300, freq="h", tz="Europe/Berlin", name="time")
    day = np.sin(np.arange(300) * 2 * np.pi / 24)
    return pd.DataFrame(
        {"temperature": 10 + day + 0.1 * rng.normal(size=300), "pressure": rng.normal(size=300), "station": "north"},
        index=hours,
    )


def model(**changes):
    parameters = {"regressor": Ridge(), "target": "temperature", "lookback": 24, "horizon": 12}
    return SeriesForecaster(**(parameters | changes))


def test_forecast_continues_the_index_with_zone_frequency_and_name(df):
    forecast = model().fit(df.iloc[:264]).predict()
    assert forecast.index.equals(df.index[264:276])
    assert forecast.index.freq == df.index.freq
    assert forecast.index.name == "time"
    assert list(forecast.columns) == ["temperature"]
    assert (forecast.dtypes == np.float64).all()
    assert np.abs(forecast["temperature"] - df["temperature"].iloc[264:276]).mean() < 0.2


def test_forecast_is_the_regressor_on_the_newest_window(df):
    fitted = model(past_covariates=["pressure"]).fit(df)
    windows = make_windows(
        df, target="temperature", lookback=24, horizon=12, past_covariates=["pressure"], window_norm="last"
    )
    alone = Ridge().fit(np.asarray(windows), np.asarray(windows.y))
    newest = windows.at([len(df) - 1])
    expected = newest.restore(alone.predict(np.asarray(newest)))[0]
    np.testing.assert_allclose(fitted.predict()["temperature"], expected, rtol=1e-12)
    assert fitted.n_windows_ == len(windows)
    assert fitted.target_names_ == ["temperature"]


def test_drifting_level_is_followed_with_window_norm_and_not_without():
    frame = pd.DataFrame({"y": np.r_[np.sin(np.arange(200.0)), 1000 + np.sin(np.arange(200.0, 230))]})
    future = 1000 + np.sin(np.arange(230.0, 235))
    errors = {}
    for norm in ("last", None):
        fitted = SeriesForecaster(Ridge(), lookback=20, horizon=5, window_norm=norm).fit(frame.iloc[:200])
        errors[norm] = np.abs(fitted.predict(history=frame)["y"] - future).mean()
    assert errors["last"] < 0.1 < errors[None]


def test_several_targets_come_out_as_columns(df):
    both = model(target=["pressure", "temperature"]).fit(df).predict()
    assert list(both.columns) == ["pressure", "temperature"]
    assert both.shape == (12, 2)
    assert abs(both["temperature"].mean() - 10) < 1
    assert abs(both["pressure"].mean()) < 2


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(300), pd.period_range("2000-01", periods=300, freq="M"), pd.Index(range(0, 600, 2))]
)
def test_integers_and_periods_are_continued_too(df, index):
    frame = df[["temperature"]].set_axis(index)
    assert model().fit(frame.iloc[:280]).predict().index.equals(index[280:292])


def test_future_rows_are_answered_row_by_row(df):
    fitted = model().fit(df.iloc[:200])
    whole = fitted.predict()
    for rows in (1, 7, 12):
        part = fitted.predict(df.iloc[200 : 200 + rows])
        pd.testing.assert_frame_equal(part, whole.iloc[:rows], check_freq=False, check_exact=True)
    empty = pd.DataFrame(index=df.index[200:205])
    pd.testing.assert_frame_equal(fitted.predict(empty), whole.iloc[:5], check_freq=False, check_exact=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_longer_forecasts_feed_back_their_own_steps(df, dtype):
    data = df[["temperature"]].astype(dtype)
    fitted = model().fit(data.iloc[:200])
    long = fitted.predict(data.iloc[200:230], recursive=True)
    assert long.index.equals(data.index[200:230])
    first = fitted.predict()
    pd.testing.assert_frame_equal(long.iloc[:12], first, check_freq=False, check_exact=True)
    second = fitted.predict(history=pd.concat([data.iloc[:200], first.astype(dtype)]))
    np.testing.assert_allclose(long.iloc[12:24], second, rtol=1e-12)


def test_longer_forecasts_are_refused_where_covariates_are_not_known(df):
    fitted = model(past_covariates=["pressure"]).fit(df.iloc[:200])
    with pytest.raises(ValueError, match=r"13 steps .* horizon is 12 .*'pressure'.*horizon=13"):
        fitted.predict(df.iloc[200:213])


def test_nothing_after_the_origin_changes_a_bit_of_the_forecast(df):
    changed = df.copy()
    changed.iloc[200:, :2] = 1e9
    one = model(past_covariates=["pressure"]).fit(df.iloc[:200])
    for frame in (df, changed):
        np.testing.assert_array_equal(one.predict(frame.iloc[200:212]), one.predict())
        np.testing.assert_array_equal(one.predict(history=frame.iloc[:200]), one.predict())


def test_newest_observation_moves_the_first_step(df):
    fitted = model().fit(df)
    moved = df.copy()
    moved.iloc[-1, 0] += 1.0
    assert abs(fitted.predict(history=moved).iloc[0, 0] - fitted.predict().iloc[0, 0]) > 1e-3


def test_another_history_is_forecast_after_its_own_end(df):
    fitted = model().fit(df.iloc[:200])
    got = fitted.predict(history=df.iloc[50:120])
    assert got.index.equals(df.index[120:132])
    np.testing.assert_array_equal(got, fitted.predict(history=df.iloc[96:120]))  # the window alone is enough
    np.testing.assert_array_equal(fitted.predict(df.iloc[120:124], history=df.iloc[:120]), got.iloc[:4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda df: df.iloc[:20], "20 rows; expected at least lookback = 24"),
        (lambda df: df.drop(columns="temperature"), "target 'temperature' is not in the frame"),
        (lambda df: df.iloc[::2], "frequency '2h'.*fitted at 'h'"),
        (lambda df: df.drop(index=df.index[290]), "gaps"),
        (lambda df: df.reset_index(), "same kind"),
        (lambda df: df.assign(temperature=df["temperature"].where(np.arange(300) != 290)), "missing values"),
    ],
    ids=["short", "column", "frequency", "gap", "index", "NaN"],
)
def test_unfit_history_is_refused(df, change, message):
    fitted = model().fit(df)
    with pytest.raises(ValueError, match=message):
        fitted.predict(history=change(df))


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", "r2"])
def test_cross_val_score_takes_frame_and_target_column(df, scoring):
    cv = TimeSeriesSplit(5, test_size=12)
    with_y = cross_val_score(model(), df, df["temperature"], cv=cv, scoring=scoring, error_score="raise")
    assert with_y.shape == (5,)
    assert np.isfinite(with_y).all()
    unnamed = model(target=None)
    again = cross_val_score(unnamed, df[[]], df["temperature"], cv=cv, scoring=scoring, error_score="raise")
    np.testing.assert_array_equal(again, with_y)
    if scoring == "neg_mean_absolute_error":
        train, test = next(iter(cv.split(df)))
        forecast = model().fit(df.iloc[train]).predict(df.iloc[test])["temperature"]
        assert with_y[0] == pytest.approx(-np.abs(forecast - df["temperature"].iloc[test]).mean())


def test_y_may_be_series_frame_or_array(df):
    expected = model().fit(df).predict()
    y = df["temperature"]
    for given in (y, y.to_frame(), y.to_numpy(), y.rename(None)):
        got = model().fit(df.drop(columns="temperature"), given).predict()
        pd.testing.assert_frame_equal(got, expected)
    two = model(target=None).fit(df, df[["temperature", "pressure"]].to_numpy()).predict()
    assert list(two.columns) == ["y0", "y1"]


def test_y_comes_before_a_column_of_its_name(df):
    doubled = (2 * df["temperature"]).rename("temperature")
    got = model().fit(df, doubled).predict()
    np.testing.assert_allclose(got, model().fit(df.assign(temperature=doubled)).predict())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (lambda y: y.iloc[1:], "299 rows"),
        (lambda y: y.reset_index(drop=True), "another index"),
        (lambda y: y.where(y > 9), "missing values"),
        (lambda y: np.ones((300, 1, 1)), "shape"),
    ],
)
def test_unfit_y_is_refused(df, y, message):
    with pytest.raises(ValueError, match=message):
        model().fit(df, y(df["temperature"]))


def test_score_is_skill_over_the_seasonal_naive(df):
    train, test = df.iloc[:240], df.iloc[240:264]
    fitted = model(horizon=24).fit(train)
    actual = test["temperature"].to_numpy()
    naive = train["temperature"].to_numpy()[-24:]
    error = np.abs(fitted.predict(test)["temperature"] - actual).mean()
    assert fitted.score(test) == pytest.approx(1 - error / np.abs(actual - naive).mean())
    assert fitted.score(test, test["temperature"]) == fitted.score(test)
    assert model(regressor=SeasonalNaive(), horizon=24).fit(train).score(test) == pytest.approx(0, abs=1e-12)
    perfect = test.assign(temperature=fitted.predict(test)["temperature"])
    assert fitted.score(perfect) == 1.0


def test_score_stays_finite_where_the_naive_forecast_is_perfect():
    frame = pd.DataFrame({"y": np.ones(50)})
    fitted = SeriesForecaster(LastValue(), lookback=5, horizon=5).fit(frame.iloc[:45])
    assert fitted.score(frame.iloc[45:]) == 0.0
    assert np.isfinite(SeriesForecaster(Drift(), lookback=5, horizon=5).fit(frame.iloc[:45]).score(frame.iloc[45:]))


def test_grid_search_compares_regressors_and_lookbacks_on_the_same_rows(df):
    grid = {"regressor__alpha": [0.1, 10.0], "lookback": [12, 24]}
    search = GridSearchCV(model(), grid, cv=TimeSeriesSplit(3, test_size=12), error_score="raise", n_jobs=2)
    search.fit(df, df["temperature"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict().shape == (12, 1)


@pytest.mark.parametrize("shuffle", [False, True])
def test_kfold_is_refused_by_name(df, shuffle):
    cv = KFold(3, shuffle=shuffle, random_state=0 if shuffle else None)
    with pytest.raises(ValueError, match=r"TimeSeriesSplit.*KFold"):
        cross_val_score(model(), df, df["temperature"], cv=cv, error_score="raise")


def test_gap_between_training_and_test_rows_is_refused(df):
    with pytest.raises(ValueError, match="does not continue"):
        model().fit(df.iloc[:200]).predict(df.iloc[202:210])


def test_regressors_without_windows_get_the_matrix_and_others_the_windows(df):
    class Spy(LastValue):
        def fit(self, X, y):
            self.seen_ = type(X)
            return super().fit(X, y)

    class Blind(Spy):
        _accepts_windows = False

    assert model(regressor=Spy()).fit(df).regressor_.seen_ is Windows
    assert model(regressor=Blind()).fit(df).regressor_.seen_ is np.ndarray
    pipeline = make_pipeline(StandardScaler(), Ridge())
    assert np.isfinite(model(regressor=pipeline).fit(df).predict().to_numpy()).all()


def test_one_output_is_a_flat_target(df):
    class Flat(Ridge):
        def fit(self, X, y):
            assert y.ndim == 1
            return super().fit(X, y)

    assert model(regressor=Flat(), horizon=1).fit(df).predict().shape == (1, 1)


def test_estimator_clones_pickles_and_leaves_its_regressor_alone(df):
    original = model()
    fitted = clone(original).fit(df)
    assert not hasattr(original.regressor, "coef_")
    assert fitted.regressor_ is not fitted.regressor
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(fitted)).predict(), fitted.predict())
    assert original.get_params()["regressor__alpha"] == 1.0
    assert list(fitted.feature_names_in_) == list(df.columns)
    assert fitted.n_features_in_ == 3


def test_second_fit_starts_clean_and_a_failing_one_changes_nothing(df):
    fitted = model().fit(df.iloc[:200])
    before = fitted.predict()
    with pytest.raises(ValueError, match="missing"):
        fitted.fit(df.assign(temperature=np.nan))
    with pytest.raises(ValueError, match="statoin"):
        fitted.set_params(past_covariates=["statoin"]).fit(df)
    pd.testing.assert_frame_equal(fitted.predict(), before)
    fitted.set_params(past_covariates=None).fit(
        df[["temperature"]].rename(columns={"temperature": 0}), df["temperature"]
    )
    pd.testing.assert_frame_equal(fitted.predict(), model().fit(df).predict())
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.parametrize(
    ("name", "value"),
    [("lookback", 5), ("horizon", 9), ("transform", "difference"), ("target", "pressure"), ("lower", 1e6)],
)
def test_a_parameter_that_is_set_after_fit_waits_for_the_next_fit(df, name, value):
    """As everywhere in scikit-learn: what is fitted answers, in every verb."""
    expected = answers(model().fit(df.iloc[:200]), df)
    found = answers(model().fit(df.iloc[:200]).set_params(**{name: value}), df)
    assert all(one.equals(other) for one, other in zip(found, expected, strict=True))


def answers(fitted, df):
    """Of every verb, on the 200 rows of `fit` and those after them."""
    future = df.iloc[200:212]
    scores = pd.Series([fitted.score(future), fitted.score(future, future["temperature"])])
    before = [fitted.predict(), fitted.predict_interval(coverage=0.8), fitted.predict(history=df.iloc[:100])]
    return [*before, scores, fitted.update(future).predict()]


def test_changing_the_frame_after_fit_changes_no_forecast(df):
    data = df[["temperature"]].copy()
    fitted = model().fit(data)
    before = fitted.predict()
    data.iloc[:] = 0.0
    pd.testing.assert_frame_equal(fitted.predict(), before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lookback", -1),
        ("horizon", 0),
        ("step", 0),
        ("lookback", 2.5),
        ("window_norm", "median"),
        ("regressor", "ridge"),
    ],
)
def test_parameter_out_of_range_is_refused_by_name(df, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        model(**{name: value}).fit(df)


def test_too_short_a_frame_says_what_would_work(df):
    with pytest.raises(ValueError, match="longest lookback that works here is 18"):
        model().fit(df.iloc[:30])


def test_predict_before_fit_is_refused():
    with pytest.raises(ValueError, match="not fitted"):
        model().predict()


def test_step_thins_out_the_training_windows(df):
    assert model(step=10).fit(df).n_windows_ == -(-model().fit(df).n_windows_ // 10)


def test_a_network_takes_the_windows_themselves(df):
    from forecast._rnn import RNNForecaster

    fitted = model(regressor=RNNForecaster(max_iter=2, hidden_size=4, random_state=0)).fit(df)
    assert np.isfinite(fitted.predict().to_numpy()).all()
    assert RNNForecaster._accepts_windows


@pytest.mark.parametrize("name", ["load", None])
def test_a_series_is_as_good_as_a_frame_of_one_column(df, name):
    series = df.iloc[:, 0].rename(name)
    frame = series.to_frame("y" if name is None else name)
    one, other = (SeriesForecaster(Ridge(), lookback=24, horizon=3).fit(data.iloc[:-9]) for data in (series, frame))
    assert one.n_features_in_ == 1
    for ask in (
        lambda m, data: m.predict(),
        lambda m, data: m.predict(data.iloc[-9:], recursive=True),
        lambda m, data: m.predict(history=data.iloc[:-5]),
    ):
        pd.testing.assert_frame_equal(ask(one, series), ask(other, frame), check_exact=True)
    assert one.score(series.iloc[-9:-6]) == other.score(frame.iloc[-9:-6])
    cv = RollingOrigin(n_splits=2, horizon=3)
    pd.testing.assert_frame_equal(*(backtest(m, d, cv).frame for m, d in ((one, series), (other, frame))))
    assert check_no_leakage(one, series, cv=cv).n_forecasts > 0


@pytest.mark.parametrize("n_rows", [1, 4, 5, 6, 12])
def test_any_number_of_rows_is_forecast_with_a_calendar(df, n_rows):
    """It is known for as many steps as the windows look ahead, whatever was asked for."""
    fitted = model(regressor=Ridge(), lookback=24, horizon=6, past_covariates=None, calendar=["hour"]).fit(df)
    longest = fitted.predict(fitted.future_frame(12), recursive=True)
    asked = fitted.predict(fitted.future_frame(n_rows), recursive=True)
    pd.testing.assert_frame_equal(asked, longest.iloc[:n_rows], check_exact=True, check_freq=False)
