"""`--static shops.csv`: static covariates as a file of their own, as `static=` in Python, to the bit."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from command_line import csv
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast.cli import main

DAYS = pd.date_range("2024-01-01", periods=60, name="day")
SHOPS = pd.DataFrame({"shop": ["a", "b", "c"], "size": [30, 120, 80], "kind": ["corner", "mall", "corner"]})
D = pd.DataFrame({"shop": ["d"], "size": [55], "kind": ["mall"]})
SMALL = ("--target", "y", "--hidden-size", "3", "--max-iter", "1", "--horizon", "4", "--lookback", "8", "--quiet")
FIT = ("fit", "rows.csv", "--series", "shop", *SMALL)


def rows(names="abc", first=0, end=60):
    parts = []
    for number, name in enumerate(names):
        values = (10 * (number + 1) + np.sin(np.arange(60) * (number + 1))).round(3)
        parts.append(pd.DataFrame({"shop": name, "y": values}, index=DAYS).iloc[first:end])
    return pd.concat(parts)


def python(frame=None, static=SHOPS, **more):
    network = RNNForecaster(hidden_size=3, max_iter=1, random_state=0)
    model = SeriesForecaster(network, target="y", series="shop", horizon=4, lookback=8, **more)
    return model.fit(rows() if frame is None else frame, static=static)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows().to_csv("rows.csv")
    rows(end=50).to_csv("early.csv")
    rows("abcd", 50).to_csv("late.csv")
    rows("d").to_csv("d.csv")
    SHOPS.to_csv("shops.csv", index=False)
    D.to_csv("d-shop.csv", index=False)

    def go(*arguments):
        code = main(list(map(str, arguments)))
        return code, *capsys.readouterr()

    return go


def values(answer):
    code, out, err = answer
    assert code == 0, err
    return csv(out)["y"].tolist()


def test_fit_and_predict_are_those_of_python(run):
    assert run(*FIT, "--static", "shops.csv", "-o", "m.forecast")[0] == 0
    expected = python()
    assert values(run("predict", "m.forecast")) == expected.predict()["y"].tolist()
    read = pd.read_csv("rows.csv", parse_dates=["day"], index_col="day")[["y", "shop"]]
    same = expected.set_params(static_covariates=["size", "kind"]).fit(read, static=SHOPS)
    same.save("python.forecast")
    with open("m.forecast", "rb") as mine, open("python.forecast", "rb") as other:
        assert mine.read() == other.read()
    assert json.loads(run("show", "m.forecast", "--json")[1])["data"]["columns"]["static_covariates"] == [
        "size", "kind",
    ]  # fmt: skip


def test_columns_are_chosen_with_static_covariates(run):
    assert run(*FIT, "--static", "shops.csv", "--static-covariates", "kind", "-o", "m.forecast")[0] == 0
    expected = python(static_covariates="kind").predict()["y"].tolist()
    assert values(run("predict", "m.forecast")) == expected
    code, _, err = run(*FIT, "--static", "shops.csv", "--static-covariates", "knid", "-o", "n.forecast")
    assert code == 2
    assert "--static-covariates: there is no column 'knid'" in err


@pytest.mark.parametrize("saved", ["by the command", "by Python"])
def test_a_new_series_brings_its_own_row(run, saved):
    if saved == "by Python":
        python().save("m.forecast")
    else:
        run(*FIT, "--static", "shops.csv", "-o", "m.forecast")
    model = python()
    expected = model.predict(history=rows("d"), static=D)["y"].tolist()
    assert values(run("predict", "m.forecast", "d.csv", "--static", "d-shop.csv")) == expected
    rows("d").merge(D, on="shop").set_axis(DAYS, axis=0).to_csv("d-wide.csv")
    assert values(run("predict", "m.forecast", "d-wide.csv")) == expected, "or columns of its rows"
    assert values(run("predict", "m.forecast", "rows.csv")) == model.predict()["y"].tolist(), "known ones need none"
    bounds = model.predict_interval(history=rows("d"), static=D, coverage=0.5)["y_lower"].tolist()
    out = run("predict", "m.forecast", "d.csv", "--static", "d-shop.csv", "--coverage", "0.5")[1]
    assert csv(out)["y_lower_0.5"].tolist() == bounds
    code, _, err = run("predict", "m.forecast", "d.csv")
    assert code == 2
    assert "static has no row for 1 of 1 series" in err
    assert "--static FILE" in err
    code, _, err = run("predict", "m.forecast", "--static", "d-shop.csv")
    assert code == 2
    assert "--static has no effect here: neither DATA nor --future is read" in err


def test_a_series_without_a_history_has_its_row_in_the_file_too(run):
    model = python(static=SHOPS)
    model.save("m.forecast")
    future = pd.DataFrame({"shop": "d", "day": pd.date_range("2024-03-01", periods=4)})
    future.to_csv("future.csv", index=False)
    with pytest.warns(forecast.ShortHistoryWarning):
        expected = model.predict(future.set_index("day"), static=D)
    with pytest.warns(forecast.ShortHistoryWarning):
        beside = model.predict(future.assign(size=55, kind="mall").set_index("day"))
    pd.testing.assert_frame_equal(expected, beside)
    assert values(run("predict", "m.forecast", "--future", "future.csv", "--static", "d-shop.csv")) == (
        expected["y"].tolist()
    )
    future.assign(size=55, kind="mall").to_csv("wide.csv", index=False)
    assert values(run("predict", "m.forecast", "--future", "wide.csv")) == expected["y"].tolist()


@pytest.mark.parametrize("layout", ["column", "level", "time column"])
def test_future_rows_of_a_panel_are_answered_with_their_names(run, layout):
    frame = rows().assign(open=np.tile([0.0, 1.0], 90))
    frame = frame.reset_index() if layout == "time column" else frame
    frame = frame.set_index("shop", append=True) if layout == "level" else frame
    options = {"time": "day"} if layout == "time column" else {}
    model = SeriesForecaster(
        Ridge(), target="y", series="shop", horizon=4, lookback=8, future_covariates="open", **options
    ).fit(frame)
    model.save("m.forecast")
    assert run("predict", "m.forecast", "--future-template", "f.csv")[0] == 0
    future = pd.read_csv("f.csv").assign(open=1.0).sort_values("day", kind="stable")
    future.to_csv("f.csv", index=False)
    code, out, err = run("predict", "m.forecast", "--future", "f.csv", "--coverage", "0.5")
    assert code == 0, err
    found = csv(out).sort_values(["shop", "day"])
    assert found["shop"].tolist() == [name for name in "abc" for _ in range(4)]
    assert found["y"].tolist() == model.predict(model.future_frame().assign(open=1.0))["y"].tolist()
    future.drop(future.index[future["shop"] == "b"][0]).to_csv("f.csv", index=False)
    code, out, err = run("predict", "m.forecast", "--future", "f.csv")
    assert code == 0
    assert csv(out)["shop"].tolist() == ["a", "c"] * 4
    assert "1 of 3 series are left out: 'b'" in err


def test_update_takes_new_series_with_their_rows(run):
    assert run("fit", "early.csv", *FIT[2:], "--static", "shops.csv", "-o", "m.forecast")[0] == 0
    assert run("update", "m.forecast", "late.csv", "--static", "d-shop.csv")[0] == 0
    model = python(rows(end=50)).update(rows("abcd", 50), static=D)
    assert values(run("predict", "m.forecast")) == model.predict()["y"].tolist()
    run("fit", "early.csv", *FIT[2:], "--static", "shops.csv", "-o", "m.forecast")
    code, out, err = run("update", "m.forecast", "late.csv", "--json")
    assert code == 0
    assert json.loads(out)["skipped"] == ["d"]
    assert "static has no row" in err


def of_lstm(path):
    table = pd.read_csv(path, dtype=str)
    return table[table["model"] == "LSTM"]["forecast"].map(float).tolist()


def test_a_backtest_is_that_of_python(run):
    back = ("--origins", "2", "--output", "out.csv", "--json")
    assert run("backtest", "rows.csv", "--static", "shops.csv", "--series", "shop", *SMALL, *back)[0] == 0
    cv = forecast.model_selection.RollingOrigin(2, horizon=4)
    model = SeriesForecaster(
        RNNForecaster(hidden_size=3, max_iter=1, random_state=0), target="y", series="shop", horizon=4, lookback=8
    )
    with pytest.warns(forecast.model_selection.SkillWarning):
        report = forecast.model_selection.backtest({"LSTM": model}, rows(), cv, refit=False, static=SHOPS)
    lstm = report.frame[report.frame["model"] == "LSTM"]["forecast"].tolist()
    assert of_lstm("out.csv") == lstm
    python().save("m.forecast")
    assert run("backtest", "rows.csv", "--model", "m.forecast", "--static", "shops.csv", "--quiet", *back)[0] == 0
    assert of_lstm("out.csv") == lstm
    code, _, err = run("backtest", "rows.csv", "--model", "m.forecast", "--quiet")
    assert code == 2
    assert err.rstrip().endswith("['size', 'kind'] in a file of their own. Give it with --static FILE.")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_the_reader_of_files_reads_it(run, kind):
    if kind == "xlsx":
        SHOPS.to_excel("t.xlsx", index=False)
    elif kind == "parquet":
        SHOPS.to_parquet("t.parquet")
    elif kind == "jsonl":
        SHOPS.to_json("t.jsonl", orient="records", lines=True)
    else:
        SHOPS.assign(size=["30,0", "120,0", "80,0"]).to_csv("t.csv", sep=";")  # and the rows counted
    rows().to_csv("rows.csv", sep=";", decimal=",")
    more = ("--decimal", ",", "-o", "m.forecast")
    assert run(*FIT, "--static", f"t.{kind}", *more)[0] == 0
    assert values(run("predict", "m.forecast")) == python().predict()["y"].tolist()


def named(shops, names):
    return rows(shops).assign(shop=lambda frame: frame["shop"].map(names))


def test_names_that_look_like_numbers_in_one_file_alone(run):
    names = {"a": "01", "b": "02", "c": "X"}
    named("abc", names).to_csv("rows.csv")
    table = SHOPS.assign(shop=SHOPS["shop"].map(names))
    table[:2].to_csv("shops.csv", index=False)  # read as the numbers 1 and 2
    _, _, err = run(*FIT, "--static", "shops.csv", "-o", "m.forecast")
    assert "static has no row for 1 of 3 series: 'X'" in err
    table.to_csv("shops.csv", index=False)
    run(*FIT, "--static", "shops.csv", "-o", "m.forecast")
    model = python(named("abc", names), table)
    named("ab", names).to_csv("some.csv")
    assert values(run("predict", "m.forecast", "some.csv")) == model.predict()["y"].tolist()[:8]
    named("ab", {"a": 1, "b": 2}).to_csv("rows.csv")
    SHOPS.assign(shop=["1", "2", "other"]).to_csv("shops.csv", index=False)
    assert run(*FIT, "--static", "shops.csv", "-o", "m.forecast")[0] == 0


REFUSED = {
    "no series": ((*FIT[:2], *SMALL), SHOPS, r"--static has a row for each series, but nothing names them. Give --ser"),
    "no such column": (FIT, SHOPS.rename(columns={"shop": "store"}), r"--static 's.csv': there is no column 'shop'"),
    "dates": (FIT, SHOPS.assign(opened="2019-04-01"), r"'opened' of --static 's.csv' holds dates, the first '2019-04"),
    "text": (FIT, SHOPS.assign(size=["30", "120", "big"]), r"column 'size' holds text: 'big' in row 3"),
    "twice": (FIT, pd.concat([SHOPS, SHOPS]), r"static has 4 rows of series 'a' or .*; expected one row for each"),
    "none": (FIT, SHOPS[:2], r"static has no row for 1 of 3 series: 'c'"),
    "empty": (FIT, SHOPS.assign(size=[30, None, 80]), r"'size' is missing \(NaN\) for 1 of 3 series: 'b'.* Fill the"),
    "two roles": (FIT, SHOPS.assign(y=1.0), r"column 'y' is named for two roles"),
    "only names": (FIT, SHOPS[["shop"]], r"has no columns but \['shop'\]; expected static"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_cannot_be_are_refused_in_one_line(run, case):
    command, table, message = REFUSED[case]
    table.to_csv("s.csv", index=False)
    code, out, err = run(*command, "--static", "s.csv", "-o", "m.forecast")
    assert (code, out) == (2, "")
    assert re.search(message, err), err
    assert err.count("\n") == 1
    assert len(err) < 250
    assert not re.search(r"static\[|df\.|drop_dup", err)


def test_a_model_without_static_covariates_takes_no_file(run):
    run(*FIT, "-o", "m.forecast")
    for command in (("predict", "m.forecast", "d.csv"), ("update", "m.forecast", "d.csv")):
        code, _, err = run(*command, "--static", "d-shop.csv")
        assert code == 2
        assert "the model has no static covariates" in err
    code, _, err = run(*FIT, "--static", "-", "-o", "m.forecast")
    assert code == 2
    assert "the standard input is for DATA" in err


@pytest.fixture
def book(run):
    """A workbook with a first sheet of something else, and two that name the shops."""
    with pd.ExcelWriter("book.xlsx") as sheets:
        about = pd.DataFrame({"note": ["made by", "on"], "of": ["us", "monday"]})
        about.to_excel(sheets, sheet_name="about", index=False)
        SHOPS.to_excel(sheets, sheet_name="shops", index=False)
        SHOPS.assign(size=[1, 2, 3]).to_excel(sheets, sheet_name="older", index=False)


def test_of_a_workbook_the_first_sheet_that_names_the_series_is_read_and_named(run, book):
    loud = [argument for argument in FIT if argument != "--quiet"]
    code, out, err = run(*loud, "--static", "book.xlsx", "-o", "model")
    assert code == 0, err
    assert (
        "Sheet 'shops' of the file 'book.xlsx' was read, the first with ['shop'] of ['about', 'shops', 'older'] "
        "(choose with --static-sheet)" in out + err
    )
    assert values(run("predict", "model")) == python().predict()["y"].tolist()


def test_another_sheet_of_the_workbook_is_chosen_by_name(run, book):
    code, out, err = run(*FIT, "--static", "book.xlsx", "--static-sheet", "older", "-o", "model")
    assert (code, "Sheet" in out + err) == (0, False)
    assert values(run("predict", "model")) == python(static=SHOPS.assign(size=[1, 2, 3])).predict()["y"].tolist()
    for arguments, says in {
        ("--static", "book.xlsx", "--static-sheet", "oldr"): "--static-sheet: there is no sheet 'oldr'; the sheets are",
        ("--static", "book.xlsx", "--static-sheet", "about"): "--static 'book.xlsx'",
        ("--static", "shops.csv", "--static-sheet", "older"): "--static-sheet is for Excel files",
        ("--static-sheet", "older"): "--static-sheet is a sheet of --static, which is not given. Give --static FILE.",
    }.items():
        code, out, err = run(*FIT, *arguments, "-o", "other")
        assert (code, says in err) == (2, True), err
        assert len(err.splitlines()[-1]) < 200
