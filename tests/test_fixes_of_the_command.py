"""What follows "Fix:" on stderr is added to the command, or run by the shell; then the command works."""

import re
import shlex
import subprocess

import numpy as np
import pandas as pd
import pytest
from command_line import SMALL, frame, runner

FIT = ("fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast")
DAYS = pd.date_range("2024-01-01", periods=60)
SOLD = pd.DataFrame({"day": DAYS, "sold": 10 + np.sin(np.arange(60.0))})
SHOPS = pd.concat([SOLD.assign(shop=name) for name in ("north", "south")])
OF_DAYS = ("fit", "sold.csv", "--target", "sold", *SMALL[:4], "--lookback", "9", "--horizon", "3", "-o", "m.forecast")
CELLS = SOLD["sold"].round(3).astype(str).where(np.arange(60) != 9, "n.v.")


def trained(run):
    assert run(*FIT)[0] == 0


def future(run):
    assert run(*FIT[:-2], "--future-covariates", "temperature", "-o", "model.forecast")[0] == 0
    hours = pd.date_range(frame().index[-1], periods=7, freq="h", name="when")[1:]
    pd.DataFrame({"temperature": 15.0}, hours).to_csv("ahead.csv")


COMMANDS = {  # what is there beforehand, and the command that is refused
    "a gap": (lambda run: frame().drop(frame().index[50]).to_csv("data.csv"), FIT),
    "several series": (lambda run: SHOPS.to_csv("sold.csv", index=False), OF_DAYS),
    "a mark of missing values": (
        lambda run: SOLD.assign(sold=CELLS).to_csv("sold.csv", index=False),
        (*OF_DAYS, "--missing", "mask"),
    ),
    "missing values": (
        lambda run: SOLD.assign(sold=SOLD["sold"].where(np.arange(60) != 9)).to_csv("sold.csv", index=False),
        OF_DAYS,
    ),
    "a folder that is not there": (lambda run: None, (*FIT[:-1], "a folder/model.forecast")),
    "rows that the model has": (trained, ("update", "model.forecast", "data.csv")),
    "more steps than future rows": (
        future,
        ("predict", "model.forecast", "--future", "ahead.csv", "--steps", "9"),
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_fix_of_the_command_works(name, tmp_path, monkeypatch, capsys):
    run = runner(tmp_path, monkeypatch, capsys)
    prepare, command = COMMANDS[name]
    prepare(run)
    code, _, err = run(*command)
    assert code == 2
    fix = re.search(r" Fix: (.*)\.\n$", err)[1]
    if fix.startswith("--"):
        command = (*command, *shlex.split(fix))
    else:
        subprocess.run(fix, shell=True, check=True)
    code, _, err = run(*command)
    assert code == 0, err
