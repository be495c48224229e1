"""`forecast fit`: train a network on a file, compare it with naive forecasts, and save it."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_command, add_data, add_loudness, add_model, add_roles

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from typing import Any

    from .._series import SeriesForecaster
    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Train on the columns of a file and save the model. Without an option of the network, the recipe chooses everything
from the data: seasons, lookback, a linear model, networks and their weights. With one, such as --cell or --max-iter,
the model is that recurrent network. Errors on the newest windows, which are held out, are printed next to those of
naive forecasts.

DATA is CSV (comma, semicolon with decimal comma, tab), JSON lines, Excel or Parquet, compressed or not; - is the
standard input.
"""
_EXAMPLES = """\
examples:
  forecast fit load.csv --target load --horizon 24 -o load.forecast
  forecast fit air.csv --target pm25 --past-covariates wind,rain --missing mask --calendar hour -o air.forecast
  forecast fit shops.parquet --target sold --series shop --quantiles 0.1 0.5 0.9 -o shops.forecast
  forecast fit sales.csv --target sold --series shop --static shops.csv -o shops.forecast
  zcat load.csv.gz | forecast fit - --target load --cell gru --set dropout=0.1 -o load.forecast
"""
_USAGE = "forecast fit DATA --target COLUMN --horizon N -o MODEL [options]"


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "fit", run, "train on a file and save the model", _USAGE, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("data", metavar="DATA", help="CSV, JSON lines, Excel or Parquet file; -: standard input")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help="file to write, such as model.forecast")
    add_loudness(parser)
    add_roles(add_data(parser))
    add_model(parser)


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Read, train, report, save."""
    from .planning import index_named, planned, read_data
    from .printing import data_line, name_of, report_table, span
    from .problems import refusals
    from .writing import check_output

    output = check_output(arguments.output, "--output")
    data = read_data(arguments)
    for note in data.notes:
        terminal.note(note)
    model, panel = planned(arguments, data)
    terminal.show(data_line(data, panel))
    terminal.show(f"Model      {described_model(model)}")
    started = time.perf_counter()
    with progress(model, terminal), refusals(index_named(data.frame.index), of_data=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="no trading calendar", category=UserWarning)  # the report says it
        model.fit(data.frame, static=data.table)
    seconds = time.perf_counter() - started
    silent(model)
    save(model, output)
    report = model.report_
    terminal.show(f"Training   {model.n_windows_} windows, {trained(model)}, {seconds:.1f} s\n")
    for line in report_table(report, name_of(model)):
        terminal.show(line)
    terminal.show(f"\nModel file: {output} ({Path(output).stat().st_size / 1024:.0f} KiB)")
    terminal.document(
        {
            "file": str(output),
            "data": span(data, panel),
            "settings": settings(model),
            "windows": model.n_windows_,
            "epochs": getattr(model.regressor_, "n_iter_", None),
            "members": weights(model),
            "seconds": round(seconds, 3),
            "validation": validation(report),
            "notes": data.notes,
        }
    )


def described_model(model: SeriesForecaster) -> str:
    """The network and its inputs, or what the recipe was given, in one line."""
    network = model.regressor
    if network is None:
        read = "" if model.lookback == "auto" else f"lookback {model.lookback}, "
        return f"recipe, which chooses from the data; {read}horizon {model.horizon}, seed {model.random_state}"
    layers = "" if network.num_layers == 1 else f", {network.num_layers} layers"
    return (
        f"{network.cell.upper()} of {network.hidden_size} units{layers}; lookback {model.lookback}, horizon "
        f"{model.horizon}, seed {network.random_state}"
    )


def trained(model: SeriesForecaster) -> str:
    """How many of the most epochs were run; of a recipe, which members it is the mean of."""
    shares = weights(model)
    if shares is not None:
        return "chosen: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    ran = getattr(model.regressor_, "n_iter_", None)
    return "no epochs" if ran is None else f"{ran} of at most {model.regressor_.max_iter} epochs"


def weights(model: SeriesForecaster) -> dict[str, float] | None:
    """The members of a fitted recipe with their weights; None of other models."""
    shares: dict[str, float] | None = model.card_["model"]["members"]
    return shares


@contextmanager
def progress(model: SeriesForecaster, terminal: Terminal | None) -> Iterator[None]:
    """Let the model tell what it does inside of this block, if the terminal shows progress."""
    shown = int(terminal is not None and terminal.progress)
    if hasattr(model.regressor, "verbose"):
        model.regressor.set_params(verbose=shown)
        yield
    else:
        model.set_params(verbose=shown)
        with redirect_stdout(None):  # a recipe prints its report there, which the command shows as a table
            yield


def silent(model: SeriesForecaster) -> None:
    """Reset the progress settings, so that the saved model does not depend on where the command ran."""
    parts: list[Any] = [model, model.regressor, getattr(model, "regressor_", None)]
    for part in parts:
        if hasattr(part, "verbose"):
            part.set_params(verbose=0)
    if hasattr(model, "recipe_"):
        model.recipe_ = model.recipe_ | {"verbose": 0}


def save(model: SeriesForecaster, output: Path) -> None:
    """Write the model file."""
    from .problems import ProblemError, refusals

    try:
        with refusals():
            model.save(output)
    except OSError as error:
        raise ProblemError(f"{str(output)!r} could not be written: {error.strerror or error}.") from None


def settings(model: SeriesForecaster) -> dict[str, Any]:
    """Every parameter, of the network under `regressor`."""
    from .._series.parameters import regressor_of

    found = model.get_params(deep=False)
    regressor = regressor_of(model)
    inner = None if regressor is None else {"class": type(regressor).__name__, **regressor.get_params()}
    return {**found, "regressor": inner}


def validation(report: Any) -> dict[str, Any]:
    """The report as JSON has it."""
    scores = None if report.table is None else report.table.to_dict("index")
    return {
        "scores": scores, "skill": report.skill, "windows": report.n_windows, "chose_epoch": report.chose_epoch,
        "notes": report.notes,
    }  # fmt: skip
