"""Several id columns: a series is named by a tuple, and everything answers as with one column of the joined names."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

import forecast
from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.diagnostics import check_no_leakage
from forecast.model_selection import RollingOrigin, backtest
from forecast.plotting import BacktestDisplay, ForecastDisplay

IDS = ["store", "item"]


def sales():
    """Four series of 60 to 75 days, one after the other."""
    days, rng, parts = pd.date_range("2024-01-01", periods=75, name="day"), np.random.default_rng(0), []
    for number, (store, item) in enumerate(itertools.product([1, 2], ["a", "b"])):
        n = 75 - 5 * number
        values = 10 * (number + 1) + np.sin(np.arange(n)) + 0.1 * rng.normal(size=n)
        parts.append(pd.DataFrame({"day": days[-n:], "store": store, "item": item, "y": values, "size": 1.0 * number}))
    return pd.concat(parts, ignore_index=True)


def ridge(**more):
    return SeriesForecaster(Ridge(), target="y", lookback=14, horizon=7, **({"series": IDS, "time": "day"} | more))


def joined():
    """Forecasts of the same data with one column of names."""
    frame = sales()
    frame["id"] = frame["store"].astype(str) + frame["item"]
    return ridge(series="id").fit(frame).predict()["y"].to_numpy()


LAYOUTS = {
    "columns": (lambda f: f, "day"),
    "over a time index": (lambda f: f.set_index("day"), None),
    "levels": (lambda f: f.set_index([*IDS, "day"]), None),
    "levels in another order": (lambda f: f.set_index(["day", "item", "store"]), None),
    "a column and a level": (lambda f: f.set_index(["item", "day"]), None),
    "a level beside columns": (lambda f: f.set_index("item"), "day"),
    "in the order of time": (lambda f: f.sort_values(["day", *IDS]), "day"),
    "categories": (lambda f: f.assign(item=pd.Categorical(f["item"], categories=["z", "b", "a"])), "day"),
    "categories as levels": (lambda f: f.astype(dict.fromkeys(IDS, "category")).set_index([*IDS, "day"]), None),
    "nullable": (lambda f: f.astype({"store": "Int16", "item": "string"}), "day"),
    "dates": (lambda f: f.assign(store=pd.to_datetime("2020-01-0" + f["store"].astype(str))), "day"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_answer_has_the_ids_as_the_user_has_them(layout, tmp_path):
    change, time = LAYOUTS[layout]
    frame = change(sales())
    model = ridge(time=time).fit(frame)
    answer = model.predict()
    order = frame.reset_index()[IDS].drop_duplicates()
    flat = answer.reset_index()
    assert list(flat[IDS].drop_duplicates().itertuples(index=False)) == list(order.itertuples(index=False))
    expected = joined() if layout != "in the order of time" else np.sort(joined())
    found = answer["y"].to_numpy() if layout != "in the order of time" else np.sort(answer["y"].to_numpy())
    assert np.array_equal(found, expected)
    assert list(answer.index.names) == list(frame.index.names)
    for label in [*IDS, "day"]:
        assert flat[label].dtype == frame.reset_index()[label].dtype
    future = model.future_frame()
    assert list(future.index.names) == list(frame.index.names)
    assert np.array_equal(model.predict(future)["y"], answer["y"])
    pd.testing.assert_frame_equal(model.predict(history=frame), answer)
    model.save(tmp_path / "m.forecast")
    pd.testing.assert_frame_equal(forecast.load(tmp_path / "m.forecast").predict(), answer)


def test_arrow_dtypes_come_back_also_out_of_a_file(tmp_path):
    frame = sales().astype({"store": "int32[pyarrow]", "item": "string[pyarrow]"})
    model = ridge().fit(frame)
    model.save(tmp_path / "m.forecast")
    answer = forecast.load(tmp_path / "m.forecast").predict()
    assert answer["store"].dtype == frame["store"].dtype
    assert np.array_equal(answer["y"], joined())


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_frames_of_other_libraries(library):
    frame = pl.from_pandas(sales()) if library == "polars" else pa.Table.from_pandas(sales())
    model = ridge().fit(frame)
    answer = model.predict()
    assert np.array_equal(answer["y"].to_numpy(), joined())
    names = answer.columns if library == "polars" else answer.column_names
    assert list(names) == ["store", "item", "day", "y"]
    assert answer["store"].to_numpy().dtype == np.int64


def test_rows_of_some_series_in_any_order():
    model = ridge().fit(sales())
    future = model.future_frame()
    some = future[(future["store"] == 2) & (future["item"] == "a")]
    shuffled = pd.concat([some, future[future["store"] == 1]])
    whole = future.assign(y=model.predict(future)["y"])
    assert np.array_equal(model.predict(shuffled)["y"], whole.loc[shuffled.index, "y"])
    with pytest.raises(ValueError, match=r"unknown series \(3, 'a'\); expected some of \(1, 'a'\), \(1, 'b'\)"):
        model.predict(some.assign(store=3))


def test_a_series_that_was_never_seen():
    frame = sales()
    model = ridge(transform="standard").fit(frame)
    fresh = model.predict(history=frame[frame["store"] == 2].assign(store=9))
    assert fresh[IDS].drop_duplicates().to_numpy().tolist() == [[9, "a"], [9, "b"]]
    bounds = model.predict_interval(history=frame[frame["store"] == 2].assign(store=9), coverage=0.8)
    assert list(bounds.columns) == [*IDS, "day", "y", "y_lower", "y_upper"]


def test_judging():
    frame = sales()
    cv = RollingOrigin(2, horizon=7, time="day")
    train, test = frame[frame["day"] < "2024-03-01"], frame[frame["day"].between("2024-03-01", "2024-03-07")]
    model = ridge().fit(train)
    one = ridge(series="id")
    both = [f.assign(id=f["store"].astype(str) + f["item"]) for f in (train, test, frame)]
    assert model.score(test) == one.fit(both[0]).score(both[1])
    assert np.array_equal(cross_val_score(model, frame, cv=cv), cross_val_score(one, both[2], cv=cv))
    fitted = ridge().fit(train, X_val=test)
    assert fitted.predict()["day"].min() == pd.Timestamp("2024-03-08")
    assert check_no_leakage(model, frame, cv=cv).n_forecasts > 0


def test_a_report_names_series_by_tuples_and_sums_up_by_each_id():
    frame = sales()
    report = backtest(ridge(), frame, RollingOrigin(3, horizon=7, time="day"), refit=False)
    assert list(report.frame["series"].cat.categories) == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert report.summary(by="series").loc["Ridge"].shape[0] == 4
    rows = report.frame[report.frame["model"] == "Ridge"]
    error = (rows["forecast"] - rows["actual"]).abs()
    in_two = rows["series"].isin([(2, "a"), (2, "b")])
    assert report.summary(by="store").loc[("Ridge", 2), "MAE"] == pytest.approx(error[in_two].mean())
    assert report.summary(by=["item", "step"]).index.names == ["model", "item", "step"]
    with pytest.raises(ValueError, match=r"expected one of .*'store', 'item'"):
        report.summary(by="shop")


def test_a_report_sums_up_by_an_id_whose_label_is_a_number():
    frame = sales()
    cv = RollingOrigin(2, horizon=7, time="day")
    expected = backtest(ridge(), frame, cv, refit=False).summary(by="store")["MAE"]
    numbered = frame.rename(columns={"store": 0, "item": 1})
    found = backtest(ridge(series=[0, 1]), numbered, cv, refit=False).summary(by=0)["MAE"]
    assert found.index.names == ["model", 0]
    assert np.array_equal(found.to_numpy(), expected.to_numpy())


@pytest.mark.usefixtures("closed_figures")
def test_plots_take_the_tuple():
    frame = sales()
    model = ridge().fit(frame)
    display = ForecastDisplay.from_estimator(model, series=(2, "a"))
    assert display.history.iloc[-1] == frame.loc[(frame["store"] == 2) & (frame["item"] == "a"), "y"].iloc[-1]
    report = backtest(model, frame, RollingOrigin(2, horizon=7, time="day"), refit=False)
    BacktestDisplay.from_report(report, series=(2, "a"))
    for data in (frame, frame.set_index([*IDS, "day"])):
        display = ForecastDisplay.from_report(report, df=data, series=(2, "a"))
        assert 28 < display.history.mean() < 32
    with pytest.raises(ValueError, match=r"expected one of \[\(1, 'a'\)"):
        ForecastDisplay.from_estimator(model, series=(3, "a"))


@pytest.mark.parametrize("options", [{"series_size": 2}, {"cycle": 7}])
def test_networks_that_know_each_series(options, tmp_path):
    frame = sales()
    network = RNNForecaster(hidden_size=4, max_iter=1, random_state=0, n_jobs=1, **options)
    model = ridge(static_covariates="size").set_params(regressor=network).fit(frame)
    model.save(tmp_path / "m.forecast")
    assert np.array_equal(forecast.load(tmp_path / "m.forecast").predict()["y"], model.predict()["y"])


def test_windows_and_the_card_know_the_names():
    windows = make_windows(sales(), target="y", lookback=14, horizon=7, series=IDS, time="day")
    assert list(windows.series_names) == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    data = ridge().fit(sales()).card_["data"]
    assert data["columns"]["series"] == IDS
    assert data["series"][:2] == [[1, "a"], [1, "b"]]


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="the frame is empty"):
        ridge().fit(sales()[:0])
    with pytest.raises(ValueError, match="has no rows"):
        ridge().fit(sales()).predict(sales()[:0])


def test_a_list_of_one_label_is_that_label():
    frame = sales().query("item == 'a'")
    pd.testing.assert_frame_equal(
        ridge(series=["store"]).fit(frame).predict(), ridge(series="store").fit(frame).predict()
    )


@pytest.mark.parametrize(
    ("series", "change", "message"),
    [
        (("store", "item"), None, r"Fix: series=\['store', 'item'\]\."),
        ([], None, "series is empty"),
        (["store", "store"], None, "'store' is named twice as series"),
        (["store", "y"], None, "'y' is named as target and as series"),
        (["store", "itm"], None, "series 'itm' is neither a column nor a level .* Did you mean 'item'"),
        (IDS, lambda f: f.assign(item=f["item"].where(f.index != 80)), "column 'item' names no series in row 80"),
        (IDS, lambda f: pd.concat([f, f.iloc[[3]]]), r"\(\(1, 'a'\), 2024-01-04 00:00:00\) in row 270"),
    ],
)
def test_refusals_name_what_is_wrong(series, change, message):
    frame = sales() if change is None else change(sales())
    with pytest.raises(ValueError, match=message):
        ridge(series=series).fit(frame)


def test_levels_that_are_left_over_are_offered():
    frame = sales().set_index([*IDS, "day"])
    with pytest.raises(ValueError, match=r"droplevel\(\['item'\]\) .*Fix: series=\['store', 'item'\]\."):
        ridge(series="store", time=None).fit(frame)
    with pytest.raises(ValueError, match=r"Fix: series=\['store', 'item'\]"):
        ridge(series=None, time=None).fit(frame)
