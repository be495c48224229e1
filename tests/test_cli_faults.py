"""What the `forecast` command does where a file, a stream or a name is hostile: one line, code 2, nothing lost."""

import io
import os
import subprocess
import sys

import pytest
from command_line import FIT, runner

from forecast.cli import separated
from forecast.cli.terminal import Terminal


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def model(run):
    """A saved model of `data.csv`."""
    assert run(*FIT, "-o", "model.forecast")[0] == 0
    return "model.forecast"


OVER = {  # the command, the file that it would replace, and what that is
    "fit": ((*FIT, "-o", "data.csv"), "data.csv", "DATA"),
    "predict": (("predict", "model.forecast", "data.csv", "-o", "data.csv"), "data.csv", "DATA"),
    "another path": (("predict", "model.forecast", "data.csv", "-o", "./data.csv"), "data.csv", "DATA"),
    "a link": (("predict", "model.forecast", "data.csv", "-o", "link.csv"), "data.csv", "DATA"),
    "template": (("predict", "model.forecast", "data.csv", "--future-template", "data.csv"), "data.csv", "DATA"),
    "future": (("predict", "model.forecast", "--future", "data.csv", "-o", "data.csv"), "data.csv", "--future"),
    "backtest": (("backtest", *FIT[1:], "--output", "data.csv"), "data.csv", "DATA"),
    "fine-tune": (("fine-tune", "model.forecast", "data.csv", "-o", "model.forecast"), "model.forecast", "MODEL"),
    "update": (("update", "model.forecast", "data.csv", "-o", "data.csv"), "data.csv", "DATA"),
}


@pytest.mark.parametrize("name", OVER)
def test_no_output_replaces_an_input(run, model, name, tmp_path):
    command, file, what = OVER[name]
    os.symlink(tmp_path / "data.csv", tmp_path / "link.csv")
    before = (tmp_path / file).read_bytes()
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert f"which is {what} too. Choose another name for --" in err
    assert (tmp_path / file).read_bytes() == before


def test_an_update_may_name_its_own_model(run, model):
    assert run("update", model, "data.csv", "--overlap", "skip", "-o", model)[0] == 0


STREAMS = {  # how a shell starts the command, and its only line
    "full disk": ("show model.forecast > /dev/full", "the standard output could not be written: No space left"),
    "full disk, JSON": ("show model.forecast --json > /dev/full", "the standard output could not be written"),
    "closed stdout": ("show model.forecast >&-", "the standard output is closed"),
    "closed stdin": ("predict model.forecast - <&-", "the standard input is closed"),
    "endless stdin": ("predict model.forecast - < /dev/zero", "the standard input is a device"),
    "endless file": ("predict model.forecast /dev/zero", "the file 'zero' is a device; expected a file or a pipe"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_cannot_be_used_is_said_in_one_line(model, name):
    command, words = STREAMS[name]
    done = subprocess.run(
        f"{sys.executable} -m forecast {command}",
        shell=True,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"forecast: error: {words}")
    assert done.stderr.count("\n") == 1


def test_with_stderr_closed_stdout_has_the_result_alone(model):
    command = f"{sys.executable} -m forecast predict {model} - 2>&- < data.csv"
    done = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0
    assert [line.count(",") for line in done.stdout.splitlines()] == [1] * 7


def test_very_many_columns_are_refused_at_once(run, tmp_path):
    names = ",".join(f"c{number}" for number in range(separated.MOST_COLUMNS))
    (tmp_path / "wide.csv").write_text(f"day,{names}\n2024-01-01{',1' * separated.MOST_COLUMNS}\n")
    code, _, err = run("fit", "wide.csv", "--target", "c0", "-o", "model")
    assert code == 2
    assert "has 10001 columns; expected at most 10000" in err


def test_control_characters_of_a_name_do_not_reach_a_terminal(monkeypatch, capsys):
    Terminal().note("no column 'rain\x1b[2J'")
    assert "rain\\x1b[2J" in capsys.readouterr().err

    class Screen(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Screen(), "rain\\x1b[2J, Zürich\n"), (io.StringIO(), "rain\x1b[2J, Zürich\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        Terminal().show("rain\x1b[2J, Zürich")
        assert stream.getvalue() == shown
