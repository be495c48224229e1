"""Options that would have no effect are refused by name (that the others have one: test_every_argument.py)."""

import json

import pandas as pd
import pytest
from command_line import frame

from forecast import SeriesForecaster
from forecast.cli import main

QUICK = ("--hidden-size", "2", "--max-iter", "1", "--horizon", "6", "--lookback", "12")
FIT = ("fit", "data.csv", "--target", "load", *QUICK, "-o", "m")
BACKTEST = ("backtest", "data.csv", "--target", "load", *QUICK, "--origins", "2")
PREDICT = ("predict", "model.forecast")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files, and a model of one of them."""
    place = tmp_path_factory.mktemp("options")
    df = frame().head(120)
    df.to_csv(place / "data.csv")
    df[["load"]].to_csv(place / "steps.csv", index=False)
    assert main(["fit", str(place / "data.csv"), *FIT[2:-1], str(place / "model.forecast"), "--quiet"]) == 0
    return place


@pytest.fixture
def run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def go(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return go


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
    "--static-sheet": (*FIT, "--static-sheet", "Second"),
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


def test_a_lookback_of_auto_is_not_compared_with_the_rows(run):
    code, out, _ = run(*FIT[:-4], "--set", "lookback=auto", "-o", "auto.forecast")
    assert code == 0
    assert "lookback auto" in out


def test_a_fault_is_one_line_and_its_traceback_is_shown_on_request(run, monkeypatch, capsys):
    monkeypatch.setattr(SeriesForecaster, "fit", lambda *_, **more: 1 / 0)
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
