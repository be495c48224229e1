"""After `fit(X, y)` with a one-dimensional `y`, `predict(X)` answers with a series, as scikit-learn's tools expect."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import forecast
from forecast import SeriesForecaster


@pytest.fixture
def df():
    days = pd.date_range("2024-01-01", periods=140, name="day")
    noise = np.random.default_rng(0).normal(size=140)
    load = 10 + 3 * np.sin(np.arange(140) * 2 * np.pi / 7) + 0.1 * noise
    return pd.DataFrame({"load": load, "wind": load**2 + noise}, index=days)


def ridge(lookback=14, **changes):
    return SeriesForecaster(Ridge(), **dict(target="load", lookback=lookback, horizon=5) | changes)


def split(df):
    return df[:-5], df[-5:]


Y = {
    "series": lambda train: train["load"],
    "unnamed": lambda train: train["load"].rename(None),
    "array": lambda train: train["load"].to_numpy(),
    "list": lambda train: train["load"].tolist(),
    "polars": lambda train: pl.Series("load", train["load"].to_numpy()),
}


@pytest.mark.parametrize("kind", Y)
def test_a_flat_y_is_answered_with_a_series(df, kind):
    train, test = split(df)
    expected = ridge().fit(train).predict(test)["load"]
    model = ridge().fit(train, Y[kind](train))
    pd.testing.assert_series_equal(model.predict(test), expected)
    pd.testing.assert_series_equal(model.predict(test[:2]), expected[:2])
    # What is not asked of rows is laid out as the data, and has columns.
    pd.testing.assert_frame_equal(model.predict(), expected.to_frame(), check_freq=False)
    assert list(model.predict_interval(test, coverage=0.8).columns) == ["load", "load_lower", "load_upper"]


def test_any_other_y_is_answered_with_a_frame(df):
    train, test = split(df)
    for y in (None, train[["load"]], train[["load"]].to_numpy()):
        assert ridge().fit(train, y).predict(test).shape == (5, 1)
    two = ridge(target=None).fit(train, train[["load", "wind"]])
    assert list(two.predict(test).columns) == ["load", "wind"]
    assert isinstance(ridge().fit(train, train["load"]).fit(train).predict(test), pd.DataFrame)


def test_series_of_a_panel_follow_the_rows_that_were_given(df):
    shops = pd.concat([df.assign(shop=name, load=df["load"] * factor) for name, factor in [("a", 1), ("b", 2)]])
    train = shops[shops.index < "2024-05-10"]
    test = shops[shops.index >= "2024-05-10"].groupby("shop").head(4).sort_values("shop", ascending=False)
    frame = ridge(series="shop").fit(train).predict(test)
    flat = ridge(series="shop").fit(train, train["load"]).predict(test)
    pd.testing.assert_series_equal(flat, frame["load"])


def test_other_libraries_are_answered_in_kind(df):
    rows = df.reset_index()
    train, test = (pl.from_pandas(part) for part in (rows[:-5], rows[-5:]))
    expected = ridge().fit(*[split(df)[0]]).predict(split(df)[1])["load"].to_numpy()
    answer = ridge(time="day").fit(train, train["load"]).predict(test)
    assert isinstance(answer, pl.Series)
    assert answer.name == "load"
    np.testing.assert_allclose(answer.to_numpy(), expected)
    train, test = (pa.Table.from_pandas(part, preserve_index=False) for part in (rows[:-5], rows[-5:]))
    model = ridge(time="day").fit(train, train["load"])
    assert isinstance(model.predict(test), pa.ChunkedArray)
    np.testing.assert_allclose(model.predict(test).to_numpy(), expected)


def test_a_file_and_a_pickle_remember_it(df, tmp_path):
    train, test = split(df)
    model = ridge().fit(train, train["load"])
    model.save(tmp_path / "flat.forecast")
    for again in (forecast.load(tmp_path / "flat.forecast"), pickle.loads(pickle.dumps(model))):
        pd.testing.assert_series_equal(again.predict(test), model.predict(test))


def test_voting_averages_over_models_and_not_over_time(df):
    train, test = split(df)
    one, two = ridge(14), ridge(7)
    expected = np.mean([model.fit(train).predict()["load"] for model in (one, two)], axis=0)
    vote = VotingRegressor([("one", one), ("two", two)]).fit(train, train["load"])
    np.testing.assert_allclose(vote.predict(test), expected)
    weighted = VotingRegressor([("one", one), ("two", two)], weights=[1, 3]).fit(train, train["load"])
    expected = one.predict()["load"] / 4 + 3 * two.predict()["load"] / 4
    np.testing.assert_allclose(weighted.predict(test), expected)


def test_several_targets_one_by_one(df):
    train, test = split(df)
    many = MultiOutputRegressor(ridge(target=None)).fit(train, train[["load", "wind"]])
    alone = [ridge(target=name).fit(train).predict(test)[name] for name in ("load", "wind")]
    np.testing.assert_allclose(many.predict(test), np.stack(alone, axis=1))


def test_a_target_transformed_from_outside(df):
    train, test = split(df)
    model = TransformedTargetRegressor(ridge(), func=np.log, inverse_func=np.exp).fit(train, train["load"])
    logs = ridge().fit(np.log(train)).predict(np.log(test))["load"]
    np.testing.assert_allclose(model.predict(test), np.exp(logs))
    assert not hasattr(model.regressor_.predict(test) + 1, "reshape")


def test_scorers_searches_and_pipelines_go_on(df):
    cv = TimeSeriesSplit(3, test_size=5)
    scores = cross_val_score(ridge(), df, df["load"], cv=cv, scoring="neg_mean_absolute_error", error_score="raise")
    train, test = next(iter(cv.split(df)))
    forecast = ridge().fit(df.iloc[train]).predict(df.iloc[test])
    assert scores[0] == pytest.approx(-mean_absolute_error(df["load"].iloc[test], forecast))
    search = GridSearchCV(ridge(), {"lookback": [7, 14]}, cv=cv, scoring="r2", error_score="raise")
    assert search.fit(df[:-5], df["load"][:-5]).predict(df[-5:]).shape == (5,)
    pipeline = make_pipeline(FunctionTransformer(), ridge()).fit(df[:-5], df["load"][:-5])
    assert pipeline.predict(df[-5:]).shape == (5,)
