"""The `forecast` command as the tests run it: in a folder with two files, and its answer as code, stdout and stderr."""

import argparse
import io
import re

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster
from forecast.cli import command, main

ROWS = 400
SMALL = ("--hidden-size", "4", "--max-iter", "2", "--horizon", "6", "--lookback", "24")
FIT = ("fit", "data.csv", "--target", "load", *SMALL)


def parsers():
    """The parser of each subcommand by its name."""
    (commands,) = (one for one in command._parser()._actions if isinstance(one, argparse._SubParsersAction))
    return commands.choices


OPTIONS = {option for parser in parsers().values() for action in parser._actions for option in action.option_strings}


def frame():
    """What `data.csv` holds, as a file has it."""
    rng = np.random.default_rng(0)
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h", name="when")
    load = 50 + 10 * np.sin(2 * np.pi * np.arange(ROWS) / 24) + rng.normal(size=ROWS)
    table = pd.DataFrame({"load": load, "temperature": 15 + rng.normal(size=ROWS)}, index=hours).round(3)
    return pd.read_csv(io.StringIO(table.to_csv()), parse_dates=["when"], index_col="when")


def runner(folder, monkeypatch, capsys):
    """Write `data.csv` and `panel.csv` (stations north and south); a function that runs the command in their folder.

    It returns the exit code, stdout and stderr.
    """
    monkeypatch.chdir(folder)
    df = frame()
    df.to_csv("data.csv")
    pd.concat([df.assign(station="north"), (df * 2).assign(station="south")]).to_csv("panel.csv")

    def go(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return go


def same_in_python(df, **more):
    """The model of `forecast fit data.csv --target load` with the options of `SMALL`."""
    network = RNNForecaster(hidden_size=4, max_iter=2, random_state=0)
    return SeriesForecaster(network, target="load", horizon=6, lookback=24, **more).fit(df)


def csv(source):
    """A table with its numbers to the bit; pandas' own reading of them may differ in the last place."""
    text = io.StringIO(source) if "\n" in str(source) else source
    table = pd.read_csv(text, dtype=str, keep_default_na=False)
    for name in table.columns.difference(["when", "day", "station"]):
        table[name] = [float(cell or "nan") if re.fullmatch(r"[-+\d.e]*", cell) else cell for cell in table[name]]
    return table
