"""Walks over the options of the command: exit code, both streams and the files that a run leaves."""

import hashlib
import io
import os
import re
import shutil
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from walks import Also, Walk

from forecast import SeriesForecaster
from forecast.cli import command, demo, main

ROWS = 160
TUNED = ["-o", "tuned.forecast"]
SMALL = ["--hidden-size", "3", "--max-iter", "1", "--horizon", "3", "--lookback", "8"]


def write_files():
    """Everything that a command here may read."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=ROWS, name="when")
    load = 5 + np.sin(np.arange(ROWS)) + rng.normal(size=ROWS) / 10
    table = pd.DataFrame({"load": load, "wind": load + rng.normal(size=ROWS), "kind": 1.0}, index=days).round(4)
    table.to_csv("data.csv")
    table.iloc[:80].to_csv("other.csv")
    shops = pd.concat([table.assign(shop="x"), (table * 2).assign(shop="y")])
    shops.to_csv("shops.csv")
    pd.DataFrame({"shop": ["x", "y"], "size": [30, 120], "age": [1, 9]}).to_csv("sizes.csv", index=False)
    pd.DataFrame({"shop": ["z"], "size": [60], "age": [2]}).to_csv("size-z.csv", index=False)
    for name in ("sizes", "size-z"):
        sizes = pd.read_csv(f"{name}.csv")
        with pd.ExcelWriter(f"{name}.xlsx") as book:
            sizes.to_excel(book, sheet_name="one", index=False)
            sizes.assign(size=[7, 500][: len(sizes)]).to_excel(book, sheet_name="two", index=False)
    table.assign(shop="z").to_csv("shop-z.csv")
    table.drop(days[-3]).to_csv("gap.csv")
    shops[(shops["shop"] == "x") | (shops.index != days[-3])].to_csv("gap-shops.csv")
    weekdays = pd.bdate_range("2024-01-01", periods=ROWS, name="when")
    table.set_axis(weekdays, axis=0).to_csv("weekdays.csv")
    table.set_axis(weekdays, axis=0).drop(weekdays[40]).to_csv("holiday.csv")
    table.assign(load=table["load"].where(np.arange(ROWS) != ROWS - 3)).to_csv("hole.csv")
    table.assign(load=table["load"].where(np.arange(ROWS) != ROWS - 3, -999.0)).to_csv("sentinel.csv")
    table.set_axis(days.strftime("%d/%m/%Y"), axis=0).rename_axis("when").to_csv("forms.csv")
    table.assign(then=days + pd.Timedelta(days=2)).to_csv("two.csv")
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h", name="when")
    table.set_axis(hours, axis=0).to_csv("hours.csv")
    table.assign(load=[f"{5000 + n:,}" for n in range(ROWS)]).to_csv("doubt.tsv", sep="\t")
    with pd.ExcelWriter("book.xlsx") as book:
        table.to_excel(book, sheet_name="one")
        (table + 1).to_excel(book, sheet_name="two")
    ahead = pd.date_range(days[-1], periods=4, name="when")[1:]
    pd.DataFrame({"wind": [5.0, 6.0, 7.0]}, index=ahead).to_csv("future.csv")
    newer = pd.date_range(days[-1], periods=4, name="when")[1:]
    new = pd.DataFrame({"load": [4.0, 5.0, 6.0], "then": newer + pd.Timedelta(days=1)}, index=newer)
    new.to_csv("new.csv")
    new.iloc[1:].to_csv("later.csv")
    new.iloc[:2].to_csv("less.csv")
    table.iloc[100:].to_csv("newest.csv")
    new.set_axis(newer.strftime("%d/%m/%Y"), axis=0).rename_axis("when").to_csv("new-forms.csv")
    pd.concat([table[["load"]], new[["load"]]]).to_csv("longer.csv")
    new.assign(shop="x").to_csv("new-shop.csv")
    Path("holidays.txt").write_text("2024-08-12\n", encoding="utf-8")
    main(["fit", "data.csv", "--target", "load", *SMALL, "-o", "model.forecast"])
    main(["fit", "hours.csv", "--target", "load", "--timezone", "UTC", *SMALL, "-o", "hours.forecast"])
    main(["fit", "shops.csv", "--target", "load", "--series", "shop", *SMALL, "-o", "shops.forecast"])
    sized = ["--series", "shop", "--static", "sizes.csv", *SMALL]
    main(["fit", "shops.csv", "--target", "load", *sized, "-o", "sized.forecast"])
    main(["fit", "data.csv", "--target", "wind", *SMALL, "-o", "second.forecast"])
    main(["fit", "data.csv", "--target", "load", "--future-covariates", "wind", *SMALL, "-o", "known.forecast"])


@cache
def files():
    folder = tempfile.mkdtemp()
    here = os.getcwd()
    os.chdir(folder)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            write_files()
    finally:
        os.chdir(here)
    return folder


def stand_ins(plan, arguments, real=demo._models):
    """Ridge regressions for the models of the demo, which take seconds; the settings of the real ones are said."""
    print([(name, one.get_params()) for name, one in real(plan, arguments).items()])
    horizon, lookback = plan["horizon"], plan["lookback"]
    return {name: SeriesForecaster(Ridge(), lookback=lookback, horizon=horizon) for name in ("recipe", "LSTM", "ridge")}


def touch(report, frame, models, title, output):
    """In place of the picture of the demo, which test_cli_demo.py looks at."""
    Path(output).write_text(title, encoding="utf-8")


def run(arguments, beside, given):
    """What a command says and writes; the clock is fixed."""
    return run_once(*map(tuple, (arguments, beside, given)))


@cache
def run_once(arguments, beside, given):
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        shutil.copytree(files(), folder, dirs_exist_ok=True)
        os.chdir(folder)
        before, said = {path.name for path in Path(folder).iterdir()}, (io.StringIO(), io.StringIO())
        still = mock.patch.object(time, "perf_counter", return_value=0.0)
        quick = mock.patch.multiple(demo, _models=stand_ins, _draw=touch)
        try:
            with still, quick, redirect_stdout(said[0]), redirect_stderr(said[1]):
                code = main([*arguments, *beside, *given])
        except SystemExit as stopped:
            code = stopped.code
        finally:
            os.chdir(here)
        written = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(folder).iterdir()
            if path.name not in before
        }
        texts = [stream.getvalue().replace(os.path.realpath(folder), "") for stream in said]
        return code, written, [re.sub(r"\d+\.\d+ s\b", "", text) for text in texts]


class Given:
    """The arguments that give an option, those with it, and the command's own in place of the base's."""

    def __init__(self, *given, beside=(), base=None, says=None):
        self.given, self.beside, self.base, self.says = list(given), list(beside), base, says


def walk_of(base, options):
    """One walk per option, because an option may need a base of its own."""
    found = {}
    for name, one in options.items():
        one = one if isinstance(one, Given) else Given(*one)
        arguments = dict(arguments=base if one.base is None else one.base, beside=one.beside, given=[])
        found[name] = Walk(run, arguments, {"given": Also(one.given, one.says)})
    return found


FIT = ["fit", "data.csv", "--target", "load", *SMALL, "-o", "made.forecast"]
BACK = ["backtest", "data.csv", "--target", "load", *SMALL, "--origins", "2"]


def on(file, command, *more):
    """The command on another file."""
    return [file if part == "data.csv" else part for part in command] + list(more)


def without(option, command):
    """The command without an option and its value."""
    at = command.index(option)
    return command[:at] + command[at + 2 :]


def shared(base):
    """Options of `fit` and `backtest` alike."""
    numbers = ["--json"]
    return {
        "--json": Given("--json"),
        "--verbose": Given("--verbose"),
        "--quiet": Given("--quiet", base=without("--target", base)),
        "--time": Given("--time", "then", base=on("two.csv", base)),
        "--time-format": Given("--time-format", "%m/%d/%Y", base=on("forms.csv", base, "--time", "when")),
        "--timezone": Given("--timezone", "Europe/Berlin", base=on("hours.csv", base), beside=numbers),
        "--na": Given("--na", "-999", base=on("sentinel.csv", base), says="has 1 missing value"),
        "--decimal": Given("--decimal", ".", base=on("doubt.tsv", base)),
        "--sheet": Given("--sheet", "two", base=on("book.xlsx", base)),
        "--target": Given("--target", "wind", base=without("--target", base)),
        "--series": Given("--series", "shop", base=on("shops.csv", base)),
        "--past-covariates": Given("--past-covariates", "wind"),
        "--future-covariates": Given("--future-covariates", "wind"),
        "--static-covariates": Given("--static-covariates", "kind", base=on("shops.csv", base, "--series", "shop")),
        "--static": Given("--static", "sizes.csv", base=on("shops.csv", base, "--series", "shop")),
        "--static-sheet": Given(
            "--static-sheet", "two", base=on("shops.csv", base, "--series", "shop", "--static", "sizes.xlsx")
        ),
        "--horizon": Given("--horizon", "4", base=without("--horizon", base)),
        "--lookback": Given("--lookback", "9", base=without("--lookback", base)),
        "--freq": Given("--freq", "B", base=on("holiday.csv", base)),
        "--holidays": Given("--holidays", "holidays.txt", base=on("weekdays.csv", base)),
        "--gaps": Given("--gaps", "mask", base=on("gap.csv", base)),
        "--missing": Given("--missing", "mask", base=on("hole.csv", base)),
        "--transform": Given("--transform", "asinh"),
        "--calendar": Given("--calendar", "dayofweek"),
        "--window-norm": Given("--window-norm", "none"),
        "--cell": Given("--cell", "gru"),
        "--hidden-size": Given("--hidden-size", "4", base=without("--hidden-size", base)),
        "--layers": Given("--layers", "2"),
        "--max-iter": Given("--max-iter", "2", base=without("--max-iter", base), beside=["--set", "tol=9.0"]),
        "--loss": Given("--loss", "absolute_error"),
        "--quantiles": Given("--quantiles", "0.1", "0.5", "0.9"),
        "--seed": Given("--seed", "1"),
        "--threads": Given("--threads", "2", beside=numbers),
        "--set": Given("--set", "learning_rate=0.5"),
    }


FRACTION = Given("--validation-fraction", "0.3")
COMMANDS = {
    "fit": walk_of(FIT, shared(FIT) | {
        "data": Given(base=FIT),
        "--output": Given("-o", "second.forecast", base=FIT),
        "--validation-fraction": FRACTION,
    }),
    "backtest": walk_of(BACK, shared(BACK) | {
        "data": Given(),
        "--validation-fraction": Given(*FRACTION.given, beside=["--coverage", "0.5", "--intervals", "static"]),
        "--model": Given("--model", "second.forecast", base=["backtest", "data.csv", "--origins", "2"]),
        "--origins": Given("--origins", "4", base=BACK[:-2]),
        "--step": Given("--step", "2"),
        "--refit": Given("--refit", "always"),
        "--coverage": Given("--coverage", "0.5"),
        "--intervals": Given("--intervals", "static", beside=["--coverage", "0.5"]),
        "--output": Given("--output", "rows.csv"),
        "--plot": Given("--plot", "rows.png"),
    }),
    "predict": walk_of(["predict", "model.forecast"], {
        "model": Given(),
        "data": Given("other.csv"),
        "--json": Given("--json"),
        "--output": Given("--output", "next.csv"),
        "--steps": Given("--steps", "2"),
        "--future": Given("--future", "future.csv", base=["predict", "known.forecast"]),
        "--future-template": Given("--future-template", "fill.csv"),
        "--coverage": Given("--coverage", "0.3"),
        "--quantiles": Given("--quantiles", "0.4"),
        "--paths": Given("--paths", "3"),
        "--seed": Given("--seed", "1", beside=["--paths", "3"]),
        "--quiet": Given("--quiet", beside=["--steps", "5"]),
        "--time": Given("--time", "then", base=["predict", "model.forecast", "two.csv"]),
        "--time-format": Given(
            "--time-format", "%m/%d/%Y", base=["predict", "model.forecast", "forms.csv", "--time", "when"]
        ),
        "--timezone": Given(
            "--timezone", "Europe/Berlin", base=["predict", "hours.forecast", "hours.csv"], says="zone Europe/Berlin"
        ),
        "--na": Given("--na", "-999", base=["predict", "model.forecast", "sentinel.csv"], says="has 1 missing value"),
        "--decimal": Given("--decimal", ".", base=["predict", "model.forecast", "doubt.tsv"]),
        "--sheet": Given("--sheet", "two", base=["predict", "model.forecast", "book.xlsx"]),
        "--gaps": Given("--gaps", "interpolate", base=["predict", "model.forecast", "gap.csv"]),
        "--static": Given("--static", "size-z.csv", base=["predict", "sized.forecast", "shop-z.csv"]),
        "--static-sheet": Given(
            "--static-sheet", "two", base=["predict", "sized.forecast", "shop-z.csv", "--static", "size-z.xlsx"]
        ),
        "--errors": Given("--errors", "raise", base=["predict", "shops.forecast", "gap-shops.csv"], says="has gaps"),
    }),
    "update": walk_of(["update", "model.forecast", "new.csv"], {
        "model": Given(),
        "data": Given(),
        "--json": Given("--json"),
        "--output": Given("--output", "next.forecast"),
        "--overlap": Given("--overlap", "skip", base=["update", "model.forecast", "longer.csv"]),
        "--refit": Given("--refit", "continue"),
        "--history": Given("--history", "newest.csv", beside=["--refit", "continue"]),
        "--static": Given("--static", "size-z.csv", base=["update", "sized.forecast", "shop-z.csv"]),
        "--static-sheet": Given(
            "--static-sheet", "two", base=["update", "sized.forecast", "shop-z.csv", "--static", "size-z.xlsx"]
        ),
        "--errors": Given("--errors", "raise", base=["update", "shops.forecast", "new-shop.csv"], says="end before"),
        "--quiet": Given("--quiet", base=["update", "shops.forecast", "new-shop.csv"]),
        "--time": Given("--time", "then", base=["update", "model.forecast", "new.csv"], says="are missing"),
        "--time-format": Given(
            "--time-format", "%m/%d/%Y", base=["update", "model.forecast", "new-forms.csv", "--time", "when"],
            says="has frequency",
        ),
        "--decimal": Given("--decimal", ".", base=["update", "model.forecast", "doubt.tsv"]),
        "--sheet": Given("--sheet", "two", base=["update", "model.forecast", "book.xlsx"]),
        "--timezone": Given(
            "--timezone", "Europe/Berlin", base=["update", "hours.forecast", "hours.csv"], says="zone Europe/Berlin"
        ),
        "--na": Given("--na", "4.0", base=["update", "model.forecast", "new.csv"], says="has 1 missing value"),
        "--gaps": Given("--gaps", "interpolate", base=["update", "model.forecast", "later.csv"]),
    }),
    "fine-tune": walk_of(["fine-tune", "model.forecast", "data.csv", "-o", "tuned.forecast"], {
        "model": Given(),
        "data": Given(),
        "--json": Given("--json"),
        "--output": Given("--output", "next.forecast"),
        "--freeze": Given("--freeze", "encoder"),
        "--learning-rate": Given("--learning-rate", "0.05"),
        "--max-iter": Given("--max-iter", "3"),
        "--static": Given("--static", "size-z.csv", base=["fine-tune", "sized.forecast", "shop-z.csv", *TUNED]),
        "--static-sheet": Given(
            "--static-sheet", "two",
            base=["fine-tune", "sized.forecast", "shop-z.csv", "--static", "size-z.xlsx", *TUNED],
        ),
        "--quiet": Given("--quiet", base=["fine-tune", "model.forecast", "two.csv", *TUNED]),
        "--time": Given("--time", "then", base=["fine-tune", "model.forecast", "two.csv", *TUNED]),
        "--time-format": Given(
            "--time-format", "%m/%d/%Y", base=["fine-tune", "model.forecast", "forms.csv", "--time", "when", *TUNED],
            says="13/01/2024",
        ),
        "--decimal": Given("--decimal", ".", base=["fine-tune", "model.forecast", "doubt.tsv", *TUNED]),
        "--sheet": Given("--sheet", "two", base=["fine-tune", "model.forecast", "book.xlsx", *TUNED]),
        "--timezone": Given(
            "--timezone", "Europe/Berlin", base=["fine-tune", "hours.forecast", "hours.csv", *TUNED],
            says="zone Europe/Berlin",
        ),
        "--na": Given("--na", "-999.0", base=["fine-tune", "model.forecast", "sentinel.csv", *TUNED], says="missing"),
        "--gaps": Given("--gaps", "interpolate", base=["fine-tune", "model.forecast", "gap.csv", *TUNED]),
    }),
    "show": walk_of(["show", "model.forecast"], {"--json": Given("--json"), "model": Given()}),
    "config": walk_of(["config"], {"--json": Given("--json")}),
    "demo": walk_of(["demo", "data.csv", "--horizon", "3", "--origins", "2"], {
        "csv": Given(),
        "--json": Given("--json"),
        "--target": Given("--target", "wind"),
        "--time": Given("--time", "then", base=["demo", "two.csv", "--horizon", "3", "--origins", "2"]),
        "--horizon": Given("--horizon", "4", base=["demo", "data.csv", "--origins", "2"]),
        "--lookback": Given("--lookback", "7"),
        "--origins": Given("--origins", "3", base=["demo", "data.csv", "--horizon", "3"]),
        "--output": Given("--output", "mine.png"),
        "--seed": Given("--seed", "1"),
        "--threads": Given("--threads", "2"),
    }),
}  # fmt: skip
for _name, _option, _other in (
    ("fit", "data", "other.csv"), ("backtest", "data", "other.csv"), ("demo", "csv", "other.csv"),
    ("predict", "model", "second.forecast"), ("show", "model", "second.forecast"),
    ("update", "model", "hours.forecast"), ("update", "data", "less.csv"),
    ("fine-tune", "model", "hours.forecast"), ("fine-tune", "data", "other.csv"),
):  # fmt: skip
    _walk, _at = COMMANDS[_name][_option], 2 if (_name, _option) in (("update", "data"), ("fine-tune", "data")) else 1
    _base = _walk.base["arguments"]
    _more = {"arguments": [*_base[:_at], _other, *_base[_at + 1 :]]}
    COMMANDS[_name][_option] = Walk(run, _walk.base, _more)


def options():
    """Every option of every command, by its long name; positional arguments by their own."""
    parser = command._parser()
    commands = next(action for action in parser._actions if action.dest == "command").choices
    return {
        name: [
            action.option_strings[-1] if action.option_strings else action.dest
            for action in one._actions
            if action.dest != "help"
        ]
        for name, one in commands.items()
    }
