"""The `forecast` command among other programs: its streams, JSON, exit codes, files, and one line where it cannot."""

import io
import json
import os
import re
import stat
import subprocess
import sys

import children
import numpy as np
import pandas as pd
import pytest
from command_line import FIT, SMALL, csv, frame, runner, same_in_python
from sklearn.linear_model import Ridge

import forecast
from forecast import RNNForecaster, SeriesForecaster
from forecast.cli import demo, main
from forecast.cli.terminal import Terminal


@pytest.fixture(scope="module")
def df():
    return frame()


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def model(run):
    """A saved model of `data.csv`."""
    assert run(*FIT, "-o", "model.forecast")[0] == 0
    return "model.forecast"


# -------------------- streams, exit codes, files

JSON_COMMANDS = {
    "fit": ("fit", "data.csv", "--target", "load", *SMALL, "-o", "other.forecast"),
    "predict": ("predict", "model.forecast", "--coverage", "0.8"),
    "predict to a file": ("predict", "model.forecast", "-o", "next.csv"),
    "backtest": ("backtest", "data.csv", "--target", "load", *SMALL, "--origins", "2", "--coverage", "0.8"),
    "show": ("show", "model.forecast"),
    "config": ("config",),
    "demo": ("demo", "data.csv", "--target", "load", "--origins", "2", "--horizon", "6"),
    "an error": ("predict", "nothing.forecast"),
}


@pytest.mark.parametrize("name", JSON_COMMANDS)
def test_json_is_one_document_and_all_that_stands_on_stdout(run, model, name, monkeypatch):
    models = {name: SeriesForecaster(Ridge(), lookback=12, horizon=6) for name in ("recipe", "LSTM", "ridge")}
    monkeypatch.setattr(demo, "_models", lambda *_: models)
    code, out, err = run(*JSON_COMMANDS[name], "--json")
    document = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(document, dict)
    assert code == (2 if name == "an error" else 0)
    assert ("error" in document) == (name == "an error")
    assert "Traceback" not in err


def test_json_has_the_numbers_to_the_bit(run, df, model):
    document = json.loads(run("predict", model, "--json")[1])
    right = same_in_python(df[["load"]]).predict()
    assert [row["load"] for row in document["forecast"]] == right["load"].tolist()
    assert [row["when"] for row in document["forecast"]] == [stamp.isoformat() for stamp in right.index]


def test_progress_is_for_terminals_and_for_those_who_ask(run, monkeypatch):
    command = ("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast")
    assert run(*command)[2] == ""
    assert "epoch" in run(*command, "--verbose")[2]
    monkeypatch.setattr(Terminal, "_is_terminal", staticmethod(lambda: True))
    assert "epoch" in run(*command)[2]
    assert run(*command, "--quiet")[2] == ""


def test_a_backtest_shows_epochs_of_its_one_fit_or_a_line_for_each_fit(run):
    command = ("backtest", "data.csv", "--target", "load", *SMALL, "--origins", "2", "--verbose", "--refit")
    assert "epoch 1/2" in run(*command, "never")[2]
    err = run(*command, "always")[2]
    assert "epoch" not in err
    assert err.count("LSTM: fit ") == 2


def test_notes_are_on_stderr_and_quiet_leaves_them_out(run, df):
    df[::-1].to_csv("data.csv")
    command = ("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast")
    assert run(*command)[2] == "forecast: note: The file has the newest row first: the order was reversed.\n"
    assert run(*command, "--quiet")[2] == ""


REFUSED = {
    "a wrong column": ((*FIT[:3], "laod", *SMALL, "-o", "m"), r"no column 'laod'; .* Did you mean 'load'\?"),
    "a missing file": (("fit", "dat.csv", "-o", "m"), r"there is no file 'dat\.csv'\. Did you mean 'data\.csv'\?"),
    "a folder": (("fit", ".", "-o", "m"), "is a folder; it cannot be read"),
    "an empty file": (("fit", "empty.csv", "-o", "m"), "is empty; expected a header and rows"),
    "a header alone": (("fit", "header.csv", "-o", "m"), "has no rows under its header"),
    "no folder for the output": ((*FIT, "-o", "nowhere/m"), r"--output .* does not exist\. Fix: mkdir -p"),
    "a folder as output": ((*FIT, "-o", "."), "--output is '.', which is a folder"),
    "too short": (
        ("fit", "short.csv", "--target", "load", "-o", "m", "--lookback", "90"), "the longest series has 20 rows"
    ),
    "an unknown parameter": ((*FIT, "-o", "m", "--set", "dropuot=0.1"), r"--set dropuot: .* Did you mean 'dropout'\?"),
    "a value out of range": (
        (*FIT, "-o", "m", "--set", "dropout=1.5"), r"'dropout' parameter of RNNForecaster .* Got 1\.5"
    ),
    "a parameter with an option": ((*FIT, "-o", "m", "--set", "random_state=1"), "Use --seed"),
    "quantiles of another loss": (
        (*FIT, "-o", "m", "--loss", "huber", "--quantiles", "0.5"), "--quantiles is for --loss quantile"
    ),
    "no model": (("predict", "data.csv"), r"data\.csv: not a forecast model file"),
    "a missing model": (
        ("predict", "modle.forecast"), r"no model file 'modle\.forecast'\. Did you mean 'model\.forecast'\?"
    ),
    "a cut model": (("predict", "cut.forecast"), "cut short"),
    "a damaged model": (("show", "damaged.forecast"), "damaged: its checksum"),
    "a network alone": (("predict", "network.forecast"), "holds a RNNForecaster, which forecasts windows"),
    "a column of the model that is not there": (
        ("predict", "model.forecast", "other.csv"),
        r"does not have every column of the model: there is no column 'load'",
    ),
    "too short a history": (("predict", "model.forecast", "short.csv"), "20 rows; expected at least lookback = 24"),
    "a history with gaps": (
        ("predict", "model.forecast", "gap.csv"), r"1 of 400 stamps .* or --gaps interpolate\. Fix: --gaps mask\.$"
    ),
    "too long an interval": (
        ("predict", "model.forecast", "--steps", "7", "--coverage", "0.8"), "known for horizon = 6"
    ),
    "another ending": (("predict", "model.forecast", "-o", "next.xls"), r"ends in \.csv or \.parquet"),
    "too many origins": (
        ("backtest", "data.csv", "--target", "load", *SMALL, "--origins", "90"), "Use fewer --origins, a smaller"
    ),
    "a picture of another kind": (("backtest", "data.csv", *SMALL, "--plot", "a.pdf"), r"ends in \.png"),
}  # fmt: skip


@pytest.fixture
def odd_files(model, df, tmp_path):
    whole = (tmp_path / model).read_bytes()
    (tmp_path / "cut.forecast").write_bytes(whole[:2000])
    (tmp_path / "damaged.forecast").write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("when,load\n")
    df.head(20).to_csv("short.csv")
    df.drop(index=df.index[9]).to_csv("gap.csv")
    df[["temperature"]].to_csv("other.csv")
    X = np.random.default_rng(0).normal(size=(60, 5))
    RNNForecaster(hidden_size=2, max_iter=1).fit(X, X[:, -1]).save("network.forecast")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_said_in_one_line_with_code_2(run, odd_files, name, tmp_path):
    arguments, message = REFUSED[name]
    before = sorted(path.name for path in tmp_path.iterdir())
    code, _, err = run(*arguments)
    assert code == 2
    assert err.startswith("forecast: error: ")
    assert err.count("\n") == 1
    assert re.search(message, err), err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_output_that_cannot_be_written_is_refused_before_the_training(run, monkeypatch, tmp_path):
    monkeypatch.setattr(SeriesForecaster, "fit", lambda *_: pytest.fail("it trained first"))

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    code, _, err = run(*FIT, "-o", "model.forecast")
    assert code == 2
    assert f"nothing can be written in {tmp_path}: No space left on device" in err


def test_a_file_without_permission_is_refused(run, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", forbidden)  # as root every file may be read
    code, _, err = run(*FIT, "-o", "model.forecast")
    assert code == 2
    assert "the file 'data.csv' cannot be read: Permission denied." in err


def test_an_output_that_is_there_is_replaced_whole_and_keeps_its_mode(run, model, tmp_path):
    path = tmp_path / "next.csv"
    path.write_text("old" * 1000)
    path.chmod(0o640)
    assert run("predict", model, "-o", path)[0] == 0
    assert len(pd.read_csv(path)) == 6
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (tmp_path / "new.csv").touch()
    assert run("predict", model, "-o", "next.parquet")[0] == 0
    assert stat.S_IMODE((tmp_path / "next.parquet").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "new.csv").stat().st_mode
    )
    assert pd.read_parquet("next.parquet")["load"].tolist() == csv(path)["load"].tolist()


def test_the_standard_input_is_a_file_too(run, df, model, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(df.to_csv().encode())))
    piped = run("predict", model, "-")
    assert piped[0] == 0
    assert piped[1] == run("predict", model, "data.csv")[1]


def test_an_interrupt_ends_with_code_130_and_without_a_file(run, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(SeriesForecaster, "fit", interrupted)
    code, _, err = run(*FIT, "-o", "model.forecast")
    assert (code, err) == (130, "\nforecast: interrupted\n")
    assert not (tmp_path / "model.forecast").exists()


COMMAND = """
import atexit, gc, json
from forecast.cli import main
from forecast import SeriesForecaster

def interrupted(*_, **__):
    raise KeyboardInterrupt

def at_the_end():  # registered first, so the last to be called
    print(json.dumps([code, within, gc.get_freeze_count() > 10_000]))

SeriesForecaster.fit = interrupted
atexit.register(at_the_end)
with open("data.csv", "w") as file:
    file.write("day,y\\n" + "\\n".join(f"2024-01-{day:02},{day % 3}" for day in range(1, 31)))
code = main(["fit", "data.csv", "--target", "y", "--horizon", "2", "-o", "model"])
within = gc.get_freeze_count()
"""


def test_a_command_ends_without_a_last_collection():
    """It looks at every object of pandas and scikit-learn once more: a quarter of a second after Ctrl-C."""
    code, frozen_while_it_runs, frozen_at_the_end = children.run(COMMAND)
    assert (code, frozen_while_it_runs, frozen_at_the_end) == (130, 0, True)


WHILE_TEXT_IS_EXECUTED = (
    COMMAND.replace("    raise KeyboardInterrupt", '    exec("raise KeyboardInterrupt")')
    + """
raise SystemExit(code)
"""
)


def test_an_interrupt_while_python_executes_text_ends_with_130_and_not_by_the_signal(tmp_path):
    """Imports do so: `namedtuple` and dataclasses are made from text. Only `python -m` looks for it."""
    (tmp_path / "as_module.py").write_text(WHILE_TEXT_IS_EXECUTED)
    command = [sys.executable, "-m", "as_module"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (130, "\nforecast: interrupted\n")


def test_an_interrupt_while_an_extension_is_imported_is_one_and_no_fault(run, monkeypatch):
    def interrupted(*_, **__):
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr(SeriesForecaster, "fit", interrupted)
    code, _, err = run(*FIT, "-o", "model.forecast")
    assert (code, err) == (130, "\nforecast: interrupted\n")


WRONG = {
    ("fit", "data.csv", "-o", "m", "--hidden-sise", "8"): r"Did you mean '--hidden-size'\? See forecast fit --help",
    ("fit", "data.csv"): "the following arguments are required: -o/--output",
    ("fit", "data.csv", "-o", "m", "--horizon", "0"): "0 is not a number of 1 or more",
    ("fit", "data.csv", "-o", "m", "--set", "dropout"): r"'dropout' is not NAME=VALUE",
    ("predict", "m", "--coverage", "80"): "80 is not a number between 0 and 1",
    ("backtest", "data.csv", "--refit", "sometimes"): "sometimes is not a number of 1 or more",
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: arguments[-1])
def test_wrong_options_take_two_lines(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert err.count("\n") == 2
    assert err.startswith(f"usage: forecast {arguments[0]} ")
    assert re.search(WRONG[arguments], err), err


@pytest.mark.parametrize("command", ["fit", "predict", "backtest", "show", "config"])
def test_help_fits_the_page_and_has_examples(capsys, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert max(map(len, out.splitlines())) <= 120
    assert "--json" in out
    assert command in ("show", "config") or f"  forecast {command} " in out


def test_the_help_says_what_the_exit_codes_mean(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(re.search(rf"^  {code} ", out, re.MULTILINE) for code in (0, 2, 130))


# -------------------- fresh interpreters

HELP = """
import json, sys
from forecast.cli import demo, main
try:
    main({arguments})
except SystemExit as stop:
    heavy = {{"numpy", "pandas", "sklearn", "matplotlib"}} & set(sys.modules)
    print()
    print(json.dumps([stop.code, sorted(heavy)]))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"], ["fit", "--cell", "x"]])
def test_help_and_wrong_options_wait_for_no_pandas(arguments):
    code, heavy = children.run(HELP.format(arguments=arguments))
    assert code == (2 if "x" in arguments else 0)
    assert heavy == []


def test_a_reader_that_stops_early_is_no_error(df, tmp_path):
    model = same_in_python(df[["load"]])
    model.save(tmp_path / "model.forecast")
    script = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from forecast.cli import demo, main
sys.exit(main(["predict", sys.argv[1]]))
"""
    done = children.start(script, arguments=[tmp_path / "model.forecast"])
    assert (done.returncode, done.stderr) == (0, "")


def test_the_catalogue_and_the_package_name_the_same():
    from forecast import _catalogue

    assert sorted(forecast.__all__) == sorted(_catalogue.__all__)
    assert all(getattr(forecast, name) is getattr(_catalogue, name) for name in forecast.__all__)
    assert set(forecast.__all__) <= set(dir(forecast))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        forecast.nothing  # noqa: B018
    assert forecast.metrics.__name__ == "forecast.metrics"
    assert os.path.dirname(forecast.__file__) == os.path.dirname(_catalogue.__file__)
