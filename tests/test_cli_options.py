"""Every option of every command: one that is given changes what the command answers or writes, or is refused."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from command_line import frame
from sklearn.linear_model import Ridge

from forecast import SeriesForecaster
from forecast.cli import backtest, demo, main
from forecast.cli.command import _parser

QUICK = ("--hidden-size", "2", "--max-iter", "1", "--horizon", "6", "--lookback", "12")
FIT = ("fit", "data.csv", "--target", "load", *QUICK, "-o", "m")
BACKTEST = ("backtest", "data.csv", "--target", "load", *QUICK, "--origins", "2")
PREDICT = ("predict", "model.forecast")
DEMO = ("demo", "data.csv", "--target", "load", "--origins", "2", "--horizon", "6", "--output", "a.png")

# Of fit and backtest alike: the option with a value, and other options or another file where it needs them.
DATA = {
    "--time": ("--time", "other"),
    "--time-format": ("--time-format", "%d/%m/%Y"),
    "--timezone": ("--timezone", "Asia/Tokyo"),
    "--na": ("--na", "0"),
    "--decimal": ("--decimal", ",", "FILE", "thousands.tsv"),
    "--sheet": ("--sheet", "Second", "FILE", "book.xlsx"),
    "--target": ("--target", "temperature"),
    "--series": ("--series", "station"),
    "--past-covariates": ("--past-covariates", "temperature"),
    "--future-covariates": ("--future-covariates", "temperature"),
    "--static-covariates": ("--static-covariates", "station"),
}
MODEL = {
    "--horizon": ("--horizon", "5"),
    "--lookback": ("--lookback", "13"),
    "--freq": ("--freq", "2h"),
    "--holidays": ("--holidays", "closed.txt"),
    "--gaps": ("--gaps", "interpolate", "FILE", "gaps.csv"),
    "--missing": ("--missing", "mask", "FILE", "holes.csv"),
    "--transform": ("--transform", "standard"),
    "--calendar": ("--calendar", "hour"),
    "--window-norm": ("--window-norm", "none"),
    "--validation-fraction": ("--validation-fraction", "0.3"),
    "--cell": ("--cell", "gru"),
    "--hidden-size": ("--hidden-size", "3"),
    "--layers": ("--layers", "2"),
    "--max-iter": ("--max-iter", "2"),
    "--loss": ("--loss", "huber"),
    "--quantiles": ("--quantiles", "0.1", "0.9"),
    "--seed": ("--seed", "7"),
    "--threads": ("--threads", "1"),
    "--set": ("--set", "dropout=0.5"),
}
LOUD = {"--json": ("--json",), "--verbose": ("--verbose",), "--quiet": ("--quiet",)}
READING = {name: DATA[name] for name in ("--time", "--time-format", "--timezone", "--na", "--decimal", "--sheet")}
WALK = {
    "fit": (FIT, {**DATA, **MODEL, **LOUD, "--output": ("-o", "other")}),
    "backtest": (
        BACKTEST,
        {
            **DATA, **MODEL, **LOUD, "--model": ("--model", "model.forecast"), "--origins": ("--origins", "3"),
            "--step": ("--step", "3"), "--refit": ("--refit", "always"), "--coverage": ("--coverage", "0.5"),
            "--intervals": ("--intervals", "static"), "--output": ("--output", "rows.csv"), 
            "--plot": ("--plot", "b.png"),
        },
    ),
    "predict": (
        PREDICT,
        {
            **READING, "--json": ("--json",), "--quiet": ("data.csv", "--quiet"), "--output": ("-o", "p.csv"),
            "--steps": ("--steps", "2"), "--future": ("--future", "data.csv"),
            "--future-template": ("--future-template", "f.csv"), "--coverage": ("--coverage", "0.5"),
            "--quantiles": ("--quantiles", "0.5"), "--gaps": ("--gaps", "mask"),
        },
    ),
    "demo": (
        DEMO,
        {
            "--json": ("--json",), "--target": ("--target", "temperature"), "--time": ("--time", "other"),
            "--horizon": ("--horizon", "5"), "--lookback": ("--lookback", "13"), "--origins": ("--origins", "3"),
            "--output": ("--output", "c.png"), "--seed": ("--seed", "7"), "--threads": ("--threads", "1"),
        },
    ),
    "show": (("show", "model.forecast"), {"--json": ("--json",)}),
    "config": (("config",), {"--json": ("--json",)}),
}  # fmt: skip
ANSWERS = {}  # without the option, by the arguments
CASES = [(command, option) for command, (_, options) in WALK.items() for option in options]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files, and a model of one of them."""
    place = tmp_path_factory.mktemp("options")
    df = frame().head(120)
    newest_first = df[::-1].assign(other=df.index + pd.Timedelta(days=400), station="north")  # which is noted
    newest_first.to_csv(place / "data.csv")
    df.assign(load=[f"{5000 + n:,}" for n in range(len(df))]).to_csv(place / "thousands.tsv", sep="\t")
    df.drop(index=df.index[9]).to_csv(place / "gaps.csv")
    df.assign(load=df["load"].where(df.index != df.index[9])).to_csv(place / "holes.csv")
    df[["load"]].to_csv(place / "steps.csv", index=False)
    with pd.ExcelWriter(place / "book.xlsx") as book:
        df.to_excel(book, sheet_name="First")
        (df + 5).to_excel(book, sheet_name="Second")
    (place / "closed.txt").write_text("2024-01-01\n")
    assert (
        main([*("fit", str(place / "data.csv")), *FIT[2:-1], str(place / "model.forecast"), "--quiet", "--cell", "gru"])
        == 0
    )
    return place


@pytest.fixture
def run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def go(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return go


def answer(run, arguments):
    """Exit code, both streams without times and seconds, and the files that were written."""
    before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
    code, out, err = run(*arguments)
    out = re.sub(r'"seconds": [\d.]+|\d+\.\d s\b|(?m:\d+\.\d\d$)', "", out)
    new = {path.name: path.read_bytes() for path in Path().iterdir() if path.stat().st_mtime_ns != before.get(path)}
    return code, out, re.sub(r"\d+(\.\d+)? ?m?s\b", "", err), new


def test_the_walk_knows_every_option():
    parts = _parser()._subparsers._group_actions[0].choices
    for command, (_, options) in WALK.items():
        known = {max(action.option_strings, key=len) for action in parts[command]._actions if action.option_strings}
        assert known - {"--help"} == set(options), command


@pytest.mark.parametrize(("command", "option"), CASES, ids=lambda part: part)
def test_an_option_has_an_effect_or_is_refused(run, command, option, monkeypatch):
    models = lambda plan, given: {  # noqa: E731
        name: SeriesForecaster(
            Ridge(1 + given.seed + (given.threads or 0)), lookback=plan["lookback"], horizon=plan["horizon"]
        )
        for name in ("recipe", "LSTM", "ridge")
    }
    monkeypatch.setattr(demo, "_models", models)
    for module in (demo, backtest):
        monkeypatch.setattr(module, "_draw", lambda *given: Path(given[-1]).write_text("a picture"))
    base, options = WALK[command]
    given = [*options[option]]
    if "FILE" in given:
        place = given.index("FILE")
        base = tuple(given[place + 1] if part == "data.csv" else part for part in base)
        given = given[:place]
    if command in ("fit", "backtest") and option not in LOUD:
        base = (*base, "--json")  # with every setting and all digits
    if given[0] == "data.csv":
        base, given = (*base, given[0]), given[1:]
    if base not in ANSWERS:
        ANSWERS[base] = answer(run, base)
    first, second = ANSWERS[base], answer(run, (*base, *given))
    assert first != second
    assert "fault of forecast" not in first[2] + second[2]


WITHOUT_EFFECT = {
    "--time": (*PREDICT, "--time", "when"),
    "--na": (*PREDICT, "--na", "-9999"),
    "--gaps": (*PREDICT, "--gaps", "mask"),
    "--coverage": (*PREDICT, "--future-template", "f.csv", "--coverage", "0.5"),
    "--output": (*PREDICT, "--future-template", "f.csv", "-o", "p.csv"),
    "--future": (*PREDICT, "--future-template", "f.csv", "--future", "data.csv"),
    "--intervals": (*BACKTEST, "--intervals", "static"),
    "--set horizon": (*FIT, "--set", "horizon=4"),
    "--set dropout": (*FIT, "--set", "dropout=0.1", "--set", "dropout=0.2"),
    "--set regressor__num_layers": (*FIT, "--layers", "2", "--set", "regressor__num_layers=3"),
    "--sheet": (*FIT, "--sheet", "Second"),
    "--time-format": (*FIT, "--time-format", "%d/%m/%Y"),
    "--timezone": ("fit", "steps.csv", *QUICK, "--timezone", "Europe/Paris", "-o", "m"),
}


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_what_would_have_no_effect_is_refused_by_name(run, name):
    code, out, err = run(*WITHOUT_EFFECT[name])
    assert (code, out) == (2, "")
    assert name in err
    last = err.splitlines()[-1]
    assert last.startswith("forecast: error: ")
    assert len(last) < 200


def test_more_steps_than_future_rows_are_refused(run):
    run(*FIT[:-1], "ahead.forecast", "--future-covariates", "temperature")
    run("predict", "ahead.forecast", "--future-template", "f.csv")
    pd.read_csv("f.csv").assign(temperature=1.0).to_csv("f.csv", index=False)
    assert run("predict", "ahead.forecast", "--future", "f.csv", "--steps", "4")[1].count("\n") == 5
    assert (
        "--steps is 9, but --future 'f.csv' has 6 rows. Fix: --steps 6."
        in run("predict", "ahead.forecast", "--future", "f.csv", "--steps", "9")[2]
    )


def test_a_fault_is_one_line_and_its_traceback_is_shown_on_request(run, monkeypatch, capsys):
    monkeypatch.setattr(SeriesForecaster, "fit", lambda *_: 1 / 0)
    code, _, err = run(*FIT, "--quiet")
    assert code == 1
    assert err == (
        "forecast: error: a fault of forecast: ZeroDivisionError: division by zero. FORECAST_TRACEBACK=1 (environment) "
        "shows where.\n"
    )
    document = json.loads(run(*FIT, "--quiet", "--json")[1])
    assert "ZeroDivisionError" in document["error"]
    monkeypatch.setenv("FORECAST_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run(*FIT)
