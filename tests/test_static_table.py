"""Static covariates as a table of their own, a row for each series: the same forecasts as with columns in every row."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

import forecast
from forecast import RNNForecaster, SeriesForecaster, make_windows
from forecast.diagnostics import check_no_leakage
from forecast.model_selection import RollingOrigin, backtest

DAYS = pd.date_range("2024-01-01", periods=60, name="day")
SHOPS = pd.DataFrame(
    {"shop": ["a", "b", "c"], "size": [30, 120, 80], "kind": ["corner", "mall", "corner"], "open": [True, False, True]}
)
STATIC = ["size", "kind", "open"]


def rows(names="abc"):
    rng, parts = np.random.default_rng(0), []
    for number, name in enumerate(names):
        values = 10 * (number + 1) + np.sin(np.arange(60)) + 0.1 * rng.normal(size=60)
        parts.append(pd.DataFrame({"shop": name, "y": values}, index=DAYS))
    return pd.concat(parts)


def ridge(**more):
    return SeriesForecaster(Ridge(), **({"target": "y", "series": "shop", "lookback": 14, "horizon": 7} | more))


def joined():
    """The same with the covariates in every row."""
    frame = rows().reset_index().merge(SHOPS, on="shop").set_index("day")
    return ridge(static_covariates=STATIC).fit(frame)


TABLES = {
    "a column of names": SHOPS,
    "names in the index": SHOPS.set_index("shop"),
    "an index without a name": SHOPS.set_index("shop").rename_axis(None),
    "another order, one more": pd.concat(
        [SHOPS, pd.DataFrame({"shop": ["z"], "size": [1], "kind": ["mall"], "open": [True]})]
    )[::-1],
    "categories": SHOPS.astype({"kind": "category", "shop": "category"}),
    "nullable": SHOPS.astype({"size": "Int64", "kind": "string", "open": "boolean"}),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_gives_what_columns_in_every_row_give(case, tmp_path):
    model = ridge().fit(rows(), static=TABLES[case])
    expected = joined()
    pd.testing.assert_frame_equal(model.predict(), expected.predict())
    pd.testing.assert_frame_equal(model.predict_interval(coverage=0.5), expected.predict_interval(coverage=0.5))
    assert model.card_["data"]["columns"]["static_covariates"] == STATIC
    model.save(tmp_path / "m.forecast")
    loaded = forecast.load(tmp_path / "m.forecast")
    pd.testing.assert_frame_equal(loaded.predict(), expected.predict())
    pd.testing.assert_frame_equal(loaded.predict(history=rows()), expected.predict())


def test_static_covariates_choose_among_its_columns():
    chosen = ridge(static_covariates="kind").fit(rows(), static=SHOPS)
    alone = ridge().fit(rows(), static=SHOPS[["shop", "kind"]])
    pd.testing.assert_frame_equal(chosen.predict(), alone.predict())
    none = ridge(static_covariates=[]).fit(rows(), static=SHOPS)
    pd.testing.assert_frame_equal(none.predict(), ridge().fit(rows()).predict())


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_other_libraries(library):
    turn = pl.from_pandas if library == "polars" else pa.Table.from_pandas
    frame, table = turn(rows().reset_index()), turn(SHOPS)
    answer = ridge(time="day").fit(frame, static=table).predict()
    assert np.array_equal(answer["y"].to_numpy(), joined().predict()["y"])


@pytest.mark.parametrize("levels", [False, True])
def test_several_id_columns(levels):
    ids = {"region": ["n", "n", "s"], "shop": ["a", "b", "a"]}
    frame = rows().assign(region=np.repeat(ids["region"], 60), shop=np.repeat(ids["shop"], 60))
    table = SHOPS.assign(**ids)
    table = table.set_index(["region", "shop"]) if levels else table
    answer = ridge(series=["region", "shop"]).fit(frame, static=table).predict()
    assert np.array_equal(answer["y"], joined().predict()["y"])
    with pytest.raises(ValueError, match=r"static has no row for 1 of 3 series of X: \('s', 'a'\)"):
        ridge(series=["region", "shop"]).fit(frame, static=table[:2])


def test_a_new_series_brings_its_own(tmp_path):
    model = ridge(transform="standard").fit(rows(), static=SHOPS)
    new = rows("d").assign(shop="d")
    table = pd.DataFrame({"shop": ["d"], "size": [55], "kind": ["mall"], "open": [False]})
    given = model.predict(history=new, static=table)
    beside = new.assign(size=55, kind="mall", open=False)
    pd.testing.assert_frame_equal(given, model.predict(history=beside))
    columns = ridge(transform="standard", static_covariates=STATIC)
    columns.fit(rows().reset_index().merge(SHOPS, on="shop").set_index("day"))
    pd.testing.assert_frame_equal(given, columns.predict(history=beside))
    pd.testing.assert_frame_equal(given, columns.predict(history=new, static=table))
    assert len(model.future_frame(history=new, static=table)) == 7
    assert len(model.predict_interval(history=new, static=table, coverage=0.5)) == 7
    assert len(model.predict_quantiles(levels=0.5, history=new, static=table)) == 7
    both = pd.concat([rows(), new])
    answer = model.predict(history=both, static=table)
    pd.testing.assert_frame_equal(answer[answer["shop"] == "d"], given, check_freq=False)
    pd.testing.assert_frame_equal(answer[answer["shop"] != "d"], model.predict(), check_freq=False)
    early = ridge(transform="standard").fit(rows(), static=pd.concat([SHOPS, table]))
    assert len(early.predict(history=new)) == 7  # fit was given it


def test_a_new_series_without_them_is_refused():
    model = ridge().fit(rows(), static=SHOPS)
    new = rows("d").assign(shop="d")
    with pytest.raises(
        ValueError, match=r"no row for 1 of 1 series of the history: 'd'.*columns \['size', 'kind', 'open'\]"
    ):
        model.predict(history=new)
    with pytest.raises(ValueError, match="unknown category 'barn'"):
        model.predict(history=new.assign(size=1, kind="barn", open=True))
    with pytest.raises(ValueError, match=r"'size' has 1 missing values .*\('d', 2024-01-06"):
        model.predict(history=new.assign(size=np.where(np.arange(60) == 5, np.nan, 1.0), kind="mall", open=True))
    with pytest.raises(ValueError, match="'size' changes within series 'd'"):
        model.predict(history=new.assign(size=np.arange(60), kind="mall", open=True))
    with pytest.raises(ValueError, match=r"gives series 'b' the 'size' 7.0, and fit had 120.0"):
        model.predict(history=rows(), static=SHOPS.assign(size=[30, 7, 80]))
    with pytest.raises(ValueError, match="X and history is None"):
        model.predict(static=SHOPS)
    with pytest.raises(ValueError, match="fit had no static covariates"):
        ridge().fit(rows()).predict(history=rows(), static=SHOPS)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (SHOPS[:2], {}, r"no row for 1 of 3 series of X: 'c'; expected one for each, such as that of 'a', or columns"),
        (SHOPS.assign(shop=[1, 2, 3]), {}, r"no row for 3 of 3 series of X: 'a', 'b', 'c'; .*such as that of 1, or"),
        (
            pd.concat([SHOPS, SHOPS[:1]]),
            {},
            r"2 rows of series 'a'.*Fix: static = static.drop_duplicates\(\['shop'\]\)",
        ),
        (
            SHOPS.assign(size=[30, None, 80]),
            {},
            r"'size' is missing \(NaN\) for 1 of 3 series: 'b'.*fillna\(static\['size'\].median",
        ),
        (SHOPS.assign(kind=["mall", None, "mall"]), {}, r"'kind' is missing .*fillna\('unknown'\)"),
        (SHOPS.assign(size=[30, np.inf, 80]), {}, "1 infinite values, the first in row 1 of static"),
        (SHOPS.assign(shop=["a", None, "c"]), {}, "no name in 'shop' in row 1"),
        (SHOPS.rename(columns={"shop": "store"}), {}, "neither a column nor a level of its index with the name 'shop'"),
        (SHOPS[["shop"]], {}, "static has no columns but"),
        (SHOPS, {"static_covariates": ["colour"]}, "names 'colour', which is not a column of static"),
        (SHOPS.assign(y=1.0), {}, "'y' is named as target and as static covariate"),
    ],
)
def test_tables_that_cannot_be_are_refused(table, options, message):
    model = ridge(**options)
    with pytest.raises(ValueError, match=message):
        model.fit(rows(), static=table)
    assert not hasattr(model, "report_")


def test_dates_and_a_frame_of_one_series_are_refused():
    with pytest.raises(
        TypeError, match=r"'opened' holds datetime64.*static\['opened'\].dt.year. Fix: static = static.drop"
    ):
        ridge().fit(rows(), static=SHOPS.assign(opened=pd.Timestamp("2020-01-01")))
    with pytest.raises(ValueError, match="static is given, but series is None"):
        ridge(series=None).fit(rows("a"), static=SHOPS)


def test_validation_rows_and_judging_have_it_too():
    frame, cv = rows(), RollingOrigin(2, horizon=7)
    wide = frame.reset_index().merge(SHOPS, on="shop").set_index("day")
    columns = ridge(static_covariates=STATIC)
    train, later = frame[frame.index < "2024-02-16"], frame[frame.index >= "2024-02-16"]
    model = ridge().fit(train, X_val=later, static=SHOPS)
    both = columns.fit(wide[wide.index < "2024-02-16"], X_val=wide[wide.index >= "2024-02-16"])
    pd.testing.assert_frame_equal(model.predict(), both.predict())
    short = {"lookback": 3, "horizon": 2, "validation_fraction": 0.3}
    for changes, options in (({}, {"refit": False}), (short, {"coverage": 0.5})):
        cut = RollingOrigin(2, horizon=changes.get("horizon", 7))
        report = backtest(ridge(**changes), frame, cut, static=SHOPS, **options)
        other = backtest(ridge(static_covariates=STATIC, **changes), wide, cut, **options)
        pd.testing.assert_frame_equal(report.frame, other.frame)
    scores = cross_val_score(ridge(), frame, cv=cv, params={"static": SHOPS})
    assert np.array_equal(scores, cross_val_score(columns, wide, cv=cv))
    search = GridSearchCV(ridge(), {"lookback": [7, 14]}, cv=cv).fit(frame, static=SHOPS)
    assert len(search.best_estimator_.predict()) == 21
    assert check_no_leakage(ridge(), frame, cv=cv, static=SHOPS).n_forecasts > 0


def test_a_recipe_and_a_network_take_it():
    network = RNNForecaster(hidden_size=4, max_iter=1, random_state=0, n_jobs=1)
    found = ridge().set_params(regressor=network).fit(rows(), static=SHOPS).predict()
    wide = rows().reset_index().merge(SHOPS, on="shop").set_index("day")
    expected = ridge(static_covariates=STATIC).set_params(regressor=network).fit(wide).predict()
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("layout", ["column", "level"])
def test_the_name_of_a_series_may_be_a_covariate(layout):
    frame = rows().astype({"shop": "category"})
    frame = frame if layout == "column" else frame.set_index("shop", append=True)
    model = ridge(static_covariates="shop").fit(frame)
    copied = ridge(static_covariates="copy").fit(rows().assign(copy=lambda f: f["shop"].astype("category")))
    assert np.array_equal(model.predict()["y"], copied.predict()["y"])
    assert model._state.schema.static_names == ["shop=a", "shop=b", "shop=c"]


def test_windows_take_the_table_too():
    sizes = {"target": "y", "series": "shop", "lookback": 5, "horizon": 2}
    wide = rows().reset_index().merge(SHOPS, on="shop").set_index("day")
    expected = make_windows(wide, static_covariates=STATIC, **sizes)
    found = make_windows(rows(), static=SHOPS, **sizes)
    assert np.array_equal(np.asarray(found), np.asarray(expected))
    assert found.shape == (3 * 54, 5 + 4)  # size, two kinds, open
    kinds = make_windows(rows(), static=SHOPS, static_covariates="kind", **sizes)
    assert np.array_equal(kinds.static, make_windows(wide, static_covariates="kind", **sizes).static)
    with pytest.raises(ValueError, match="static is given, but series is None"):
        make_windows(rows("a"), static=SHOPS, target="y", lookback=5, horizon=2)


def test_a_series_without_a_history_has_its_row_in_a_table():
    table = pd.DataFrame({"shop": ["d"], "size": [55], "kind": ["mall"], "open": [False]})
    days = pd.date_range(DAYS[-1], periods=8, name="day")[1:]
    future = pd.DataFrame({"shop": "d"}, index=days)
    for model in (ridge().fit(rows(), static=SHOPS), joined()):
        with pytest.warns(forecast.ShortHistoryWarning, match="'d'"):
            found = model.predict(future, static=table)
        with pytest.warns(forecast.ShortHistoryWarning, match="'d'"):
            pd.testing.assert_frame_equal(found, model.predict(future.assign(size=55, kind="mall", open=False)))


def test_a_table_of_the_new_series_alone_goes_with_columns_of_the_others():
    columns, new = joined(), rows("d").assign(shop="d")
    table = pd.DataFrame({"shop": ["d"], "size": [55], "kind": ["mall"], "open": [False]})
    wide = rows().reset_index().merge(SHOPS, on="shop").set_index("day")
    given = columns.predict(history=pd.concat([wide, new]), static=table)
    beside = pd.concat([wide, new.assign(size=55, kind="mall", open=False)])
    pd.testing.assert_frame_equal(given, columns.predict(history=beside))
