"""`forecast update`: new rows into a saved model, which is written back; as in Python, to the bit."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from command_line import SMALL, csv, frame, runner

import forecast

CUT, PANEL = 360, ("fit", "early-panel.csv", "--target", "load", "--series", "station", *SMALL, "--quiet")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    go = runner(tmp_path, monkeypatch, capsys)
    df = frame()
    df.iloc[:CUT].to_csv("early.csv")
    df.iloc[CUT:].to_csv("new.csv")
    df.iloc[[CUT]].to_csv("one.csv")
    panel = pd.read_csv("panel.csv", parse_dates=["when"])
    late = panel["when"] >= df.index[CUT]
    panel[~late].to_csv("early-panel.csv", index=False)
    panel[late].to_csv("new-panel.csv", index=False)
    assert go("fit", "early.csv", "--target", "load", *SMALL, "--quiet", "-o", "model.forecast")[0] == 0
    return go


def test_the_model_goes_on_after_the_new_rows_as_in_python(run):
    python = forecast.load("model.forecast").update(csv_frame("new.csv"))
    code, out, err = run("update", "model.forecast", "new.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "Data        40 rows; the model knows rows up to 2024-01-17 15:00:00"
    assert "Model file" in out.splitlines()[1]
    assert csv(run("predict", "model.forecast")[1])["load"].tolist() == python.predict()["load"].tolist()
    python.save("python.forecast")
    assert Path("model.forecast").read_bytes() == Path("python.forecast").read_bytes()


def csv_frame(path):
    return pd.read_csv(path, parse_dates=["when"], index_col="when")[["load"]]


def test_day_by_day_through_a_pipe_of_one_row_into_another_file(run):
    before = Path("model.forecast").read_bytes()
    code, out, _ = run("update", "model.forecast", "one.csv", "-o", "next.forecast", "--json")
    assert code == 0
    document = json.loads(out)
    assert Path("model.forecast").read_bytes() == before
    assert document["known_until"] == "2024-01-16 00:00:00"
    assert (document["rows"], document["late"], document["skipped"], document["refit"]) == (1, [], [], "no")
    assert Path(document["file"]).name == "next.forecast"
    assert csv(run("predict", "next.forecast")[1])["when"].iloc[0] == "2024-01-16 01:00:00"
    assert json.loads(run("show", "next.forecast", "--json")[1])["data"]["known_until"] == "2024-01-16 00:00:00"


def test_rows_that_overlap_or_leave_a_gap_are_refused_and_the_fix_works(run):
    before = Path("model.forecast").read_bytes()
    code, out, err = run("update", "model.forecast", "data.csv")
    assert (code, out) == (2, "")
    assert err.startswith("forecast: error: the file begins at 2024-01-01")
    assert err.rstrip().endswith("Fix: --overlap skip.")
    frame().iloc[CUT + 2 :].to_csv("gap.csv")
    code, _, err = run("update", "model.forecast", "gap.csv")
    assert code == 2
    assert "2 of 41 stamps are missing" in err
    assert err.rstrip().endswith("Fix: --gaps interpolate.")
    assert Path("model.forecast").read_bytes() == before
    assert run("update", "model.forecast", "gap.csv", "--gaps", "interpolate", "-o", "filled.forecast")[0] == 0
    assert forecast.load("filled.forecast").gaps == "error", "the setting stays the model's own"
    assert run("update", "model.forecast", "data.csv", "--overlap", "skip")[0] == 0
    assert run("update", "model.forecast", "data.csv", "--overlap", "skip")[0] == 0, "a second time nothing is new"
    assert csv(run("predict", "model.forecast")[1])["when"].iloc[0] == "2024-01-17 16:00:00"


def test_training_on(run):
    python = forecast.load("model.forecast")
    python.update(csv_frame("new.csv"), refit="continue")
    code, out, _ = run("update", "model.forecast", "new.csv", "--refit", "continue", "-o", "a.forecast")
    assert code == 0
    assert f"trained on: {python.n_windows_} windows" in out
    run("update", "model.forecast", "new.csv", "--refit", "continue", "--history", "early.csv", "-o", "b.forecast")
    expected = python.predict()["load"].tolist()
    for path in ("a.forecast", "b.forecast"):
        assert csv(run("predict", path)[1])["load"].tolist() == expected
    code, _, err = run("update", "model.forecast", "new.csv", "--history", "early.csv")
    assert code == 2
    assert err.rstrip().endswith("Fix: --refit continue.")


def test_a_late_series_and_one_with_a_gap_are_named(run):
    assert run(*PANEL, "-o", "panel.forecast")[0] == 0
    panel = pd.read_csv("new-panel.csv")
    panel[panel["station"] == "north"].to_csv("late.csv", index=False)
    code, out, err = run("update", "panel.forecast", "late.csv", "-o", "late.forecast", "--json")
    assert code == 0
    assert "'south' (ends at 2024-01-15 23:00:00). forecast predict forecasts each series after its own last row" in err
    assert json.loads(out)["late"] == ["south"]
    panel.drop(index=50).to_csv("gap.csv", index=False)
    code, out, err = run("update", "panel.forecast", "gap.csv", "-o", "gap.forecast", "--json")
    assert code == 0
    assert "new rows of 1 series were not taken: 'south' (the index has gaps" in err
    assert json.loads(out)["skipped"] == ["south"]
    for file in ("late.csv", "gap.csv"):
        code, _, err = run("update", "panel.forecast", file, "--errors", "raise")
        assert code == 2
        assert err.count("\n") == 1
    assert len(csv(run("predict", "late.forecast")[1])) == 12


def test_predict_names_what_it_leaves_out(run):
    assert run(*PANEL, "-o", "panel.forecast")[0] == 0
    pd.read_csv("early-panel.csv").drop(index=CUT + 100).to_csv("gap.csv", index=False)
    code, out, err = run("predict", "panel.forecast", "gap.csv", "--coverage", "0.5")
    assert code == 0
    assert "note: 1 of 2 series are left out: 'south' (the index has gaps" in err
    assert "--errors raise refuses instead" in err
    assert set(csv(out)["station"]) == {"north"}
    assert run("predict", "panel.forecast", "gap.csv", "--errors", "raise")[0] == 2


def test_what_cannot_be_used_is_one_line(run):
    for arguments, words in {
        ("model.forecast", "none.csv"): "there is no file",
        ("none.forecast", "new.csv"): "there is no model file",
        ("model.forecast", "new.csv", "-o", "none/model.forecast"): "does not exist",
        ("early.csv", "new.csv"): "not a forecast model file",
    }.items():
        code, out, err = run("update", *arguments)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert re.search(words, err)
