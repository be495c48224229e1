"""`forecast demo`: its table and picture, and errors that help where a file is odd."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast.cli import demo, main

ROWS = 400


@pytest.fixture
def df():
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    wave = np.sin(np.arange(ROWS) * 2 * np.pi / 24) + 0.1 * rng.normal(size=ROWS)
    return pd.DataFrame({"when": hours, "station": "north", "count": 1, "temperature": wave})


def stand_ins(penalties):
    """Ridge regressions in place of the models."""
    return lambda plan, _: {
        name: SeriesForecaster(Ridge(penalty), lookback=plan["lookback"], horizon=plan["horizon"])
        for name, penalty in penalties.items()
    }


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in an empty directory with quick stand-ins for the models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_models", stand_ins({"recipe": 10, "LSTM": 1e4, "ridge": 1e4}))

    def go(frame, *options):
        if frame is not None:
            frame.to_csv("data.csv", index=False)
        code = main(["demo", *([] if frame is None else ["data.csv"]), *options])
        return code, *capsys.readouterr()

    return go


FEW = ("--horizon", "6", "--origins", "3", "--target", "temperature")


def test_own_file_gives_a_table_a_picture_and_a_verdict(run, df, tmp_path):
    code, out, err = run(df, *FEW)
    assert code == 0
    assert err == ""
    lines = out.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("model"))
    assert lines[header].split() == ["model", "MAE", "RMSE", "MASE", "seconds"]
    names = {line[:16].strip() for line in lines[header + 1 : header + 8]}
    assert names == {"recipe", "LSTM", "ridge", "last value", "seasonal naive", "drift", "mean"}
    assert f"Picture: {tmp_path / 'forecast-demo.png'}" in lines
    assert (tmp_path / "forecast-demo.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "forecast-demo.png"]
    assert lines[-1].startswith("The recipe beats the best naive forecast (seasonal naive) by")
    assert "Better still" not in lines[-1]


@pytest.mark.parametrize(
    ("better", "named"), [("ridge", "ridge regression"), ("LSTM", "a plain LSTM")], ids=["ridge", "LSTM"]
)
def test_verdict_says_so_where_another_model_is_better(run, df, monkeypatch, better, named):
    monkeypatch.setattr(demo, "_models", stand_ins({"recipe": 1e9, "LSTM": 1e9, "ridge": 1e9} | {better: 0.1}))
    _, out, _ = run(df, *FEW)
    last = out.splitlines()[-1]
    assert last.startswith("The recipe does not beat the best naive forecast (seasonal naive): MAE")
    assert f"Better still here: {named}, MAE" in last


def test_co2_is_the_default_and_its_gaps_are_said_to_be_filled(run):
    code, out, _ = run(None, "--origins", "2")
    assert code == 0
    assert "co2: 2284 rows from 1958-03-29 to 2001-12-29, frequency W-SAT" in out
    assert "59 missing values filled by linear interpolation, none of them after the first origin" in out
    assert "Training   each model once" in out


def test_short_gaps_are_filled_and_counted(run, df):
    holes = df.assign(temperature=df["temperature"].where(np.arange(ROWS) % 40 > 1))
    code, out, _ = run(holes, *FEW)
    assert code == 0
    assert "20 missing values filled" in out


ODD = {
    "too many gaps": (
        lambda df: df.assign(temperature=df["temperature"].where(df.index % 4 > 0)),
        FEW,
        "25%.*at most 20 %",
    ),
    "no such target": (lambda df: df, ("--target", "wind"), r"no column 'wind'; the columns are \['when', 'station'"),
    "no such time": (lambda df: df, ("--time", "day"), "no column 'day'"),
    "target is the time": (lambda df: df, ("--target", "when", "--time", "when"), "is the time of the rows"),
    "target of text": (lambda df: df, ("--target", "station"), "'station' holds text: 'north' in row 1"),
    "some text": (
        lambda df: df.assign(temperature=df["temperature"].astype(str).where(df.index != 7, "n.a.")),
        FEW,
        "text: 'n.a.' in row 8, and 1 such",
    ),
    "infinite": (
        lambda df: df.assign(temperature=df["temperature"].where(df.index != 7, np.inf)),
        FEW,
        "infinite.*row 8",
    ),
    "duplicates": (lambda df: pd.concat([df, df.tail(1)]), FEW, "1 row repeats .*: 2024-01-17 15:00:00"),
    "gap": (lambda df: df.drop(index=[5, 6]), FEW, "2 of 400 stamps are missing: 2024-01-01 05:00:00"),
    "no date": (
        lambda df: df.assign(when=df["when"].astype(str).where(df.index != 70, "soon")),
        FEW,
        "'soon' in row 71",
    ),
    "short": (lambda df: df.head(30), FEW, "30 rows; .* at least 42 are needed"),
    "long lookback": (lambda df: df, (*FEW, "--lookback", "390"), "424 are needed"),
    "nothing to forecast": (lambda df: df[["when", "station"]], (), "no column holds numbers"),
    "no rows": (lambda df: df.head(0), (), "no rows under its header"),
    "not a picture": (lambda df: df, ("--output", "a.pdf"), "ends in .png"),
    "no directory": (lambda df: df, ("--output", "nowhere/a.png"), "does not exist"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_file_or_option_ends_with_a_message_and_code_2(run, df, name, tmp_path):
    change, options, message = ODD[name]
    code, _, err = run(change(df), *options)
    assert code == 2
    assert err.startswith("forecast: error: ")
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert re.search(message, err), err
    assert "TimeSeriesSplit" not in err
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (bytes(range(256)), "not text in UTF-8"),
        (b"a,b\n1,2\n1,2,3\n", "not a regular table"),
        (None, "no file"),
    ],
)
def test_file_that_is_no_table_is_refused(run, tmp_path, content, message, capsys):
    if content is not None:
        (tmp_path / "odd.csv").write_bytes(content)
    assert main(["demo", "odd.csv"]) == 2
    assert message in capsys.readouterr().err


def test_directory_is_refused(run, tmp_path, capsys):
    assert main(["demo", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("options", [["demo", "--horizon", "0"], ["demo", "--origins", "x"], ["nothing"], []])
def test_wrong_options_end_with_code_2(options, capsys):
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert "usage: forecast" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--help"], ["demo", "--help"]])
def test_help_reads_well(options, capsys):
    with pytest.raises(SystemExit) as stop:
        main(options)
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert "forecast demo data.csv --target temperature --horizon 24" in out
    assert max(map(len, out.splitlines())) <= 120


def test_version_is_printed(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("forecast ")


def test_interrupt_ends_quietly(run, df, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_compare", interrupted)
    code, _, err = run(df, *FEW)
    assert code == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_the_recipe_chooses_for_real(df, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    df.to_csv("data.csv", index=False)
    assert main(["demo", "data.csv", *FEW, "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    errors = {line[:16].strip(): float(line.split()[-4]) for line in lines if line[16:].count(".") == 4}
    assert errors["recipe"] < errors["seasonal naive"]
    assert (tmp_path / "forecast-demo.png").exists()
