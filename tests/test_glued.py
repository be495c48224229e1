"""Several series given as one are refused, and the refusal names the columns that tell them apart: its fix works."""

import datetime
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, make_windows

DAYS = pd.date_range("2024-01-01", periods=40, name="ds")
RNG = np.random.default_rng(0)


def long(**columns):
    """Three series of 40 days: unique_id, ds, y."""
    frame = pd.DataFrame(
        {"unique_id": np.repeat(["a", "b", "c"], 40), "ds": np.tile(DAYS, 3), "y": RNG.normal(size=120)}
    )
    return frame.assign(**columns)


def model(**more):
    return SeriesForecaster(
        Ridge(), **({"target": "y", "lookback": 7, "horizon": 3, "validation_fraction": None} | more)
    )


def refusal(frame, **more):
    with pytest.raises(ValueError) as error:
        model(**more).fit(frame)
    return str(error.value)


def fixed(frame, message, **more):
    """Forecasts of the model after what the message says to do, and says again after that."""
    df = frame.copy()
    for _ in range(3):
        code = re.search(r"Fix: (.*)\.$", message)[1]
        if code.startswith("model.set_params"):
            more |= eval(code.replace("model.set_params", "dict"), {})
        else:
            scope = {"df": df, "pd": pd}
            exec(code, scope)
            df = scope.pop("df")
            more |= {name: scope[name] for name in ("series", "time") if name in scope}
        try:
            return model(**more).fit(df).predict()
        except ValueError as error:
            message = str(error)
    raise AssertionError(message)


STEPS = np.tile(np.arange(1, 41), 3)
GLUED = {
    "stamps in the index": (lambda: long().set_index("ds"), {}, 9),
    "a time column": (lambda: long(), {"time": "ds"}, 9),
    "categories": (lambda: long().astype({"unique_id": "category"}), {"time": "ds"}, 9),
    "numbers": (lambda: long(unique_id=np.repeat([7, 3, 5], 40)), {"time": "ds"}, 9),
    "numbers that were floats": (lambda: long(unique_id=np.repeat([1.0, 2.0, 3.0], 40)), {"time": "ds"}, 9),
    "named as a covariate": (
        lambda: long(unique_id=np.repeat([7, 3, 5], 40)),
        {"time": "ds", "past_covariates": "unique_id"},
        9,
    ),
    "periods": (lambda: long(ds=np.tile(pd.period_range("2020-01", periods=40, freq="M"), 3)), {"time": "ds"}, 9),
    "months": (lambda: long(ds=np.tile(pd.date_range("2020-01-31", periods=40, freq="ME"), 3)), {"time": "ds"}, 9),
    "steps": (lambda: long(ds=STEPS), {}, 9),
    "steps in turn": (lambda: long(ds=STEPS).sort_values(["ds", "unique_id"], ignore_index=True), {}, 9),
    "days of M5": (lambda: long(ds=[f"d_{n}" for n in STEPS]), {}, 9),
    "days of M5 as categories": (lambda: long(ds=pd.Categorical([f"d_{n}" for n in STEPS])), {}, 9),
    "names in the index": (lambda: long().set_index("unique_id"), {}, 9),
    "numbers in the index": (lambda: long(unique_id=np.repeat([7, 3, 5], 40)).set_index("unique_id"), {}, 9),
    "names in the index, a time column": (lambda: long().set_index("unique_id"), {"time": "ds"}, 9),
    "no time at all": (lambda: long().drop(columns="ds"), {}, 9),
    "row numbers of each": (lambda: long().set_index(STEPS).drop(columns="ds"), {}, 9),
    "years of countries": (lambda: long(ds=np.tile(np.arange(1980, 2020), 3)), {}, 9),
}


@pytest.mark.parametrize("case", GLUED)
def test_a_long_panel_is_refused_and_the_fix_works(case):
    make, options, rows = GLUED[case]
    frame = make()
    message = refusal(frame, **options)
    assert "series='unique_id'" in message
    more = {name: value for name, value in options.items() if name != "past_covariates"}
    answer = fixed(frame, message, **more)
    assert len(answer) == rows
    assert set(answer.reset_index()["unique_id"]) == set(frame.reset_index()["unique_id"])


def test_two_columns_name_the_series():
    parts = [
        pd.DataFrame({"store": store, "item": item, "kind": "x", "row": np.arange(40), "y": RNG.normal(size=40)}, DAYS)
        for store, item in itertools.product([1, 2], [1, 2, 3])
    ]
    frame = pd.concat(parts)
    message = refusal(frame)
    assert message.endswith("Fix: series=['store', 'item'].")
    assert len(fixed(frame, message)) == 18
    assert refusal(frame, series="store").endswith("Fix: series=['store', 'item'].")


def test_advice_names_no_column_that_does_not_explain():
    frame = pd.concat([long().query("unique_id == 'a'")] * 2).set_index("ds")
    frame["counter"], frame["noise"] = np.arange(80), RNG.integers(0, 9, 80)
    message = refusal(frame)
    assert "40 duplicates" in message
    assert "series='" not in message
    assert "series=[" not in message
    few = long().query("unique_id == 'a'").iloc[[*range(20), 19, *range(20, 40)]].set_index("ds")
    few["weather"] = ["sun", "rain"] * 20 + ["sun"]
    assert "series='" not in refusal(few)  # one row came twice, in one of two weathers


HOURS = pd.date_range("2011-01-01", periods=240, freq="h")


@pytest.mark.parametrize(
    "hour",
    [
        HOURS.hour,
        HOURS.hour + 1,
        [f"{hour:02d}:00" for hour in HOURS.hour],
        [f"{hour}:00:00" for hour in HOURS.hour],
        [datetime.time(hour) for hour in HOURS.hour],
    ],
    ids=["hour", "hour ending", "text", "text with seconds", "times"],
)
@pytest.mark.parametrize("time", [None, "day"])
def test_a_column_with_the_hour_is_added_to_the_day(hour, time):
    frame = pd.DataFrame({"instant": np.arange(240), "day": HOURS.normalize(), "hr": hour, "y": np.arange(240.0)})
    frame = frame if time else frame.set_index("day")
    message = refusal(frame, time=time)
    answer = fixed(frame, message, time=time)
    stamps = pd.DatetimeIndex(answer["day"] if time else answer.index)
    assert len(stamps) == 3
    assert stamps[1] - stamps[0] == pd.Timedelta(hours=1)


SINGLE = {
    "names of days": {"weekday": DAYS.day_name()},
    "short names of days": {"wd": DAYS.day_name().str[:3]},
    "years and quarters": {"year": np.repeat(np.arange(2010, 2020), 4), "quarter": np.tile(np.arange(1, 5), 10)},
    "the same under other names": {"a": np.repeat(np.arange(2010, 2020), 4), "b": np.tile(np.arange(1, 5), 10)},
    "months and days": {"Month": DAYS.month, "DayOfMonth": DAYS.day},
    "weather": {"weather": RNG.choice(["sun", "rain"], 40)},
    "a count so far": {"users": np.cumsum(RNG.integers(0, 3, 40))},
    "a rate that rises": {"rate": np.repeat([0, 25, 50], [10, 13, 17])},
    "seasons": {"season": np.repeat(["2019/20", "2020/21"], 20)},
    "flags in turn": {"flag": np.resize(["", "-", "E"], 40)},
    "a switch": {"open": np.repeat([True, False], 20)},
    "numbers of rows": {"id": np.arange(40)},
    "small numbers": {f"c{n}": RNG.integers(0, 4, 40) for n in range(5)},
}


@pytest.mark.parametrize("case", SINGLE)
def test_one_series_whose_rows_are_counted_is_taken(case):
    frame = pd.DataFrame(SINGLE[case] | {"y": RNG.normal(size=40)})
    assert len(model().fit(frame).predict()) == 3


def test_windows_are_not_glued_either():
    for frame in (long(ds=STEPS), long().set_index("ds")):
        with pytest.raises(ValueError, match="series='unique_id'"):
            make_windows(frame, target="y", lookback=7, horizon=3)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f,
        lambda f: f.set_index(["unique_id", "ds"]),
        lambda f: f.set_index("ds"),
        lambda f: f.set_index("ds").rename_axis(None),
        lambda f: f.set_index("unique_id"),
    ],
)
def test_rows_that_come_twice_are_dropped_by_the_fix(change):
    frame = long(text="x")
    frame = change(pd.concat([frame, frame.iloc[[50]]]).sort_values(["unique_id", "ds"]))
    time = "ds" if "ds" in frame.columns else None
    message = refusal(frame, series="unique_id", time=time)
    assert len(fixed(frame, message, series="unique_id", time=time)) == 9


def test_rows_out_of_order_are_sorted_by_the_fix():
    for frame in (long().set_index("ds"), long().set_index("ds").rename_axis(None)):
        message = refusal(frame.iloc[::-1], series="unique_id")
        fix = re.search(r"Fix: (df = .*)\.$", message)[1]
        scope = {"df": frame.iloc[::-1]}
        exec(fix, scope)
        assert len(model(series="unique_id").fit(scope["df"]).predict()) == 9
