"""Panels as shops send them: closed days, several ends, newest rows first, names of another type, codes in numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import forecast
from forecast import SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest

DAYS = pd.date_range("2014-01-01", periods=60, name="Date")


def shops(ends=(60, 60, 53)):
    rng, parts = np.random.default_rng(0), []
    for number, n in enumerate(ends, start=1):
        days = DAYS[:n]
        sales = 1000 * number + 100 * np.sin(np.arange(n)) + rng.normal(size=n)
        holiday = np.where(days.day == 1, "a", "0")
        parts.append(pd.DataFrame({"Store": number, "Date": days, "Sales": sales, "Open": 1, "StateHoliday": holiday}))
    return pd.concat(parts, ignore_index=True)


def ridge(**more):
    given = {"target": "Sales", "series": "Store", "time": "Date", "lookback": 14, "horizon": 7}
    return SeriesForecaster(Ridge(), **(given | {"validation_fraction": None} | more))


def repaired(message, **frames):
    """The frames after the fix that a message names."""
    fix = re.search(r"Fix: (.*)\.$", message)[1]
    scope = {name: frame.copy() if isinstance(frame, pd.DataFrame) else frame for name, frame in frames.items()}
    exec(fix, scope)
    return {name: scope[name] for name in frames}


def refusal(call, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_series_with_other_ends_go_on_from_their_own():
    answer = ridge().fit(shops()).predict()
    assert answer.groupby("Store")["Date"].min().dt.day.tolist() == [2, 2, 23]


@pytest.mark.parametrize("by", [["Date"], ["Store", "Date"]])
def test_rows_newest_first_are_sorted_by_the_fix(by):
    frame = shops().sort_values(by, ascending=[name != "Date" for name in by])
    message = refusal(lambda: ridge().fit(frame))
    pd.testing.assert_frame_equal(
        ridge().fit(repaired(message, df=frame)["df"]).predict(), ridge().fit(shops()).predict()
    )


@pytest.mark.parametrize("layout", ["columns", "levels", "index"])
def test_future_rows_in_another_order_are_sorted_by_the_fix(layout):
    turn = {
        "columns": lambda f: f,
        "levels": lambda f: f.set_index(["Store", "Date"]),
        "index": lambda f: f.set_index("Date"),
    }
    model = ridge(time="Date" if layout == "columns" else None, future_covariates="Open").fit(turn[layout](shops()))
    future = model.future_frame().assign(Open=1)
    message = refusal(lambda: model.predict(future[::-1]))
    assert "does not continue the fitted data in the order of its rows" in message
    answer = model.predict(repaired(message, X=future[::-1])["X"])
    if layout == "columns":
        pd.testing.assert_frame_equal(answer.sort_index(), model.predict(future))
    else:
        assert np.array_equal(np.sort(answer["Sales"]), np.sort(model.predict(future)["Sales"]))


def test_names_of_another_type_are_no_new_series():
    model = ridge().fit(shops())
    future = model.future_frame()
    message = refusal(lambda: model.predict(future.assign(Store=future["Store"].astype(str))))
    assert "column 'Store' holds str values; expected int" in message
    X = repaired(message, X=future.assign(Store=future["Store"].astype(str)))["X"]
    pd.testing.assert_frame_equal(model.predict(X), model.predict(future))
    history = shops().assign(Store=lambda f: f["Store"].astype(str))
    message = refusal(lambda: model.predict(history=history))
    pd.testing.assert_frame_equal(model.predict(history=repaired(message, history=history)["history"]), model.predict())
    levels = ridge(time=None).fit(shops().set_index(["Store", "Date"]))
    message = refusal(lambda: levels.predict(history=history.set_index(["Store", "Date"])))
    turned = repaired(message, history=history.set_index(["Store", "Date"]))["history"]
    pd.testing.assert_frame_equal(levels.predict(history=turned), levels.predict())
    both = ridge(series=["Store", "Kind"]).fit(shops().assign(Kind="x"))
    with pytest.raises(ValueError, match=r"names series \('1', 'x'\), the fitted data \(1, 'x'\): column 'Store'"):
        both.predict(both.future_frame().assign(Store=lambda f: f["Store"].astype(str)))
    assert len(model.predict(history=shops().assign(Store=lambda f: f["Store"] + 10))) == 21  # others are new


def test_floats_that_are_whole_name_the_same_series():
    model = ridge().fit(shops())
    future = model.future_frame()
    pd.testing.assert_frame_equal(model.predict(future.assign(Store=future["Store"] * 1.0)), model.predict(future))


def test_categories_with_unused_levels(tmp_path):
    kind = pd.CategoricalDtype([str(number) for number in range(9)], ordered=True)
    frame = shops().assign(Store=lambda f: f["Store"].astype(str).astype(kind))
    model = ridge(static_covariates="Store").fit(frame)
    assert model.predict()["Store"].dtype == kind
    assert model.future_frame()["Store"].dtype == kind
    report = backtest(ridge(), frame, RollingOrigin(2, horizon=7, time="Date"), refit=False)
    assert report.frame["series"].cat.categories.tolist() == ["1", "2", "3"]
    model.save(tmp_path / "m.forecast")
    assert forecast.load(tmp_path / "m.forecast").predict()["Store"].dtype == kind


def test_one_series_alone():
    frame = shops().query("Store == 2")
    alone = ridge(series=None).fit(frame).predict()
    pd.testing.assert_frame_equal(ridge().fit(frame).predict()[["Date", "Sales"]], alone)


@pytest.mark.parametrize("mixed", [False, True])
def test_codes_among_numbers_become_categories_by_the_fix(mixed):
    frame = shops()
    if mixed:
        frame["StateHoliday"] = [0 if one == "0" else one for one in frame["StateHoliday"]]
    message = refusal(lambda: ridge(past_covariates="StateHoliday").fit(frame), TypeError)
    model = ridge(past_covariates="StateHoliday").fit(repaired(message, df=frame)["df"])
    assert model._state.schema.past_names == ["StateHoliday=0", "StateHoliday=a"]


def test_a_target_with_text_is_read_by_the_fix():
    frame = shops().astype({"Sales": str})
    message = refusal(lambda: ridge().fit(frame), TypeError)
    assert len(ridge().fit(repaired(message, df=frame, pd=pd)["df"]).predict()) == 21


def test_a_series_without_its_static_covariate_is_filled_by_the_fix():
    frame = shops().assign(
        Distance=lambda f: f["Store"].map({1: 100.0, 3: 50.0}), Kind=lambda f: f["Store"].map({1: "a", 3: "b"})
    )
    for label, expected in (("Distance", 75.0), ("Kind", "unknown")):
        message = refusal(lambda label=label: ridge(static_covariates=label).fit(frame))
        assert "for 1 of 3 series: 2" in message
        fixed = repaired(message, df=frame.copy())["df"]
        assert len(ridge(static_covariates=label).fit(fixed).predict()) == 21
        if label == "Kind":
            assert set(fixed.loc[fixed["Store"] == 2, label]) == {expected}


def test_steps_that_are_text_with_a_number():
    frame = shops().assign(Date=lambda f: "d_" + (f.groupby("Store").cumcount() + 1).astype(str))
    for steps in (frame, frame.astype({"Date": "category"})):
        message = refusal(lambda steps=steps: ridge().fit(steps), TypeError)
        assert ridge().fit(repaired(message, df=steps.copy())["df"]).predict()["Date"].tolist()[:7] == list(
            range(61, 68)
        )


def test_closed_days_are_no_gaps_where_all_shops_have_them():
    frame = shops()[shops()["Date"].dt.day_of_week < 6]
    with pytest.warns(UserWarning, match="no trading calendar"):
        model = ridge().fit(frame)
    assert (model.predict()["Date"].dt.day_of_week < 6).all()
