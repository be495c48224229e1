"""Wide frames: the advice for a user who named no target, or who has a column for each step of time; the fixes work."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster, make_windows

DAYS = pd.date_range("2024-01-01", periods=40)
RNG = np.random.default_rng(0)


def model(**more):
    return SeriesForecaster(Ridge(), lookback=7, horizon=3, validation_fraction=None, **more)


def refusal(frame, **more):
    with pytest.raises(ValueError) as error:
        model(**more).fit(frame)
    return str(error.value)


def many(n=30):
    return pd.DataFrame(RNG.normal(size=(40, n)), index=DAYS, columns=[f"s{number}" for number in range(n)])


@pytest.mark.parametrize(
    ("frame", "options", "one", "all_of"),
    [
        (many(), {}, "s0", 30),
        (many().reset_index(drop=True), {}, "s0", 30),
        (many(3).assign(y=1.0), {}, "y", 4),
        (many(4).assign(text="x"), {}, "s0", 4),
        (many(4).rename_axis("day").reset_index(), {"time": "day"}, "s0", 4),
        (many(2).assign(a="x", b="x", c="x"), {}, "s0", 2),
    ],
)
def test_without_a_target_one_column_and_all_of_them_are_offered(frame, options, one, all_of):
    message = refusal(frame, **options)
    assert len(message) < 260
    fix = re.search(r"All of them together: target=(.*)\. Fix: target=(.*)\.$", message)
    assert eval(fix[2]) == one
    target = eval(fix[1], {"df": frame})
    assert len(target) == all_of
    assert target[0] in model(target=target, **options).fit(frame).predict()


def test_windows_say_the_same():
    with pytest.raises(ValueError, match=r"All of them together: target=list\(df\)\."):
        make_windows(many(), lookback=7, horizon=3)
    with pytest.raises(ValueError, match=r"its columns are \['s0', .* \(30 in all\)"):
        make_windows(many(), target="z", lookback=7, horizon=3)


def test_no_numeric_column_is_said():
    assert "Fix: df['y'] = pd.to_numeric(df['y'])." in refusal(many(2).assign(y=0.0).astype(str))


def pages(columns, first=("Page", list("abc"))):
    frame = pd.DataFrame(RNG.normal(size=(3, 40)), columns=columns)
    frame.iloc[0, -5:] = np.nan
    frame.insert(0, *first)
    return frame


def m5():
    frame = pages([f"d_{number}" for number in range(1, 41)], ("id", ["a_1", "b_1", "c_1"]))
    frame.insert(1, "item_id", list("abc"))
    frame.insert(2, "store_id", "CA_1")
    return frame


STEPS_AS_COLUMNS = {
    "web traffic": pages(DAYS.astype(str)),
    "names in the index": pages(DAYS.astype(str)).set_index("Page"),
    "no names": pages(DAYS.astype(str)).drop(columns="Page"),
    "stamps": pages(DAYS.astype(str)).set_index("Page").set_axis(DAYS, axis=1),
    "day first": pages(DAYS.strftime("%d/%m/%Y")),
    "month first": pages(DAYS.strftime("%m/%d/%y")).assign(Lat=1.5),
    "digits": pages(DAYS.strftime("%Y%m%d")),
    "M4": pages([f"V{number}" for number in range(2, 42)], ("V1", ["H1", "H2", "H3"])),
    "M5": m5(),
    "numbers": pages(range(40)).set_index("Page"),
}


@pytest.mark.parametrize("case", STEPS_AS_COLUMNS)
@pytest.mark.parametrize("target", [None, "y"])
def test_a_column_for_each_step_is_refused_with_the_code_that_turns_the_frame(case, target):
    frame = STEPS_AS_COLUMNS[case]
    message = refusal(frame, target=target)
    assert "are 40 steps of time, and each row a series" in message
    arguments, code = re.search(r"for each step, and (.*)\. Fix: (.*)\.$", message).groups()
    scope = {"df": frame.copy(), "pd": pd}
    exec(code, scope)
    answer = model(**eval(f"dict({arguments})")).fit(scope["df"]).predict()
    assert len(answer) == 9
    last = {"M4": 44, "M5": 43, "numbers": 42}.get(case, pd.Timestamp("2024-02-12"))
    assert answer["time"].max() == last


def test_columns_that_were_named_are_believed():
    frame = pd.DataFrame(RNG.normal(size=(40, 28)), columns=[f"V{number}" for number in range(1, 29)]).assign(name="x")
    model(target="V3", past_covariates="V4").fit(frame)
    model(target=list(frame)[:28]).fit(frame)


def test_many_targets_that_begin_at_other_times_are_shown_the_long_form():
    frame = many(4)
    frame.iloc[:12, 1] = np.nan
    message = refusal(frame, target=list(frame))
    code = re.search(r"different times (df.melt.*), with target='y' and series='series'\. Fix: ", message)[1]
    assert len(model(target="y", series="series").fit(eval(code, {"df": frame})).predict()) == 12
    frame.iloc[:12, 1], frame.iloc[20, 2] = 0.0, np.nan
    assert "melt" not in refusal(frame, target=list(frame))
