"""`forecast predict`: the next steps of a saved model, after the data it was trained on or after those of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .options import READING, add_command, add_data, add_loudness, add_static, count, refuse_without_effect, share

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace

    import pandas as pd

    from .._series import SeriesForecaster
    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Forecast with a saved model. Without DATA, it forecasts the steps after the training rows; with DATA, the steps after
the rows of that file, which may be newer rows or another series. The forecast is printed as CSV, or written to a file.
"""
_EXAMPLES = """\
examples:
  forecast predict load.forecast
  forecast predict load.forecast newer.csv --coverage 0.8 0.95 -o next.csv
  forecast predict air.forecast --future-template future.csv      (fill in its columns, then:)
  forecast predict air.forecast --future future.csv --quantiles 0.1 0.5 0.9
  forecast predict load.forecast --paths 1000 -o paths.csv        (to add up over steps or series)
"""
# What cannot be chosen any more once a model is trained.


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    usage = "forecast predict MODEL [DATA] [-o FORECAST] [options]"
    parser = add_command(commands, "predict", run, "forecast with a saved model", usage, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("model", metavar="MODEL", help="file that `forecast fit` or `model.save` wrote")
    parser.add_argument("data", nargs="?", metavar="DATA", help="file to forecast after (default: the training rows)")
    parser.add_argument("-o", "--output", metavar="FORECAST", help="CSV or Parquet file (default: CSV on stdout)")
    parser.add_argument("--steps", type=count, metavar="N", help="number of steps (default: the model's horizon)")
    parser.add_argument("--future", metavar="FILE", help="file with the future rows of the columns known ahead")
    parser.add_argument("--future-template", metavar="FILE", help="write a file of future rows to fill in, and stop")
    parser.add_argument(
        "--coverage", type=share, nargs="+", metavar="C", help="coverage of intervals, such as 0.8 0.95"
    )
    parser.add_argument("--quantiles", type=share, nargs="+", metavar="Q", help="quantile levels, such as 0.1 0.5 0.9")
    parser.add_argument("--paths", type=count, metavar="N", help="number of sample paths to write instead")
    parser.add_argument("--seed", type=int, help="seed of the paths (default: 0)")
    parser.add_argument(
        "--errors", choices=("warn", "raise"), default="warn",
        help="what to do if some series cannot be forecast; warn: forecast the others (default: warn)",
    )  # fmt: skip
    add_loudness(parser, progress=False)
    data = add_data(parser)
    data.add_argument(
        "--gaps", choices=("error", "mask", "interpolate"),
        help="what to do with missing time stamps (default: as in training)",
    )  # fmt: skip
    add_static(data, "static covariates of series that the model does not know, a row for each")


def _refuse_without_effect(arguments: Namespace) -> None:
    if arguments.future_template is not None:
        reason = "--future-template writes the rows to fill, and stops"
        refuse_without_effect(arguments, ("output", "coverage", "quantiles", "paths", "future"), reason)
    if arguments.paths is None:
        refuse_without_effect(arguments, ("seed",), "without --paths nothing is drawn")
    else:
        reason = "--paths writes paths in place of the forecast, whose quantiles are in them"
        refuse_without_effect(arguments, ("coverage", "quantiles"), reason)
    if arguments.data is None:
        refuse_without_effect(arguments, ("gaps",), "no DATA is read")
        if arguments.future is None:
            refuse_without_effect(arguments, (*READING, "static", "static_sheet"), "neither DATA nor --future is read")


def _refuse_short(future: pd.DataFrame, model: SeriesForecaster, arguments: Namespace) -> None:
    """More steps than the file of future rows has."""
    from .problems import ProblemError, shown_path

    one = model.series is None
    rows = len(future) if one else int(future.groupby(model.series, observed=True).size().min())
    if arguments.steps > rows:
        raise ProblemError(
            f"--steps is {arguments.steps}, but --future {shown_path(arguments.future)} has {rows} rows"
            f"{'' if one else ' of a series'}. Fix: --steps {rows}."
        )


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Load, read, forecast, write."""
    from .files import load_model
    from .forecasting import as_table, first_steps, forecast_columns, read_future, read_history, statics_of
    from .problems import refusals, short_problems
    from .writing import check_table, write_table

    _refuse_without_effect(arguments)
    output = check_table(arguments.output, "--output")
    template = check_table(arguments.future_template, "--future-template")
    notes: list[str] = []
    model = load_model(arguments.model)
    if arguments.gaps is not None:
        model.set_params(gaps=arguments.gaps)
    with short_problems():
        history = None if arguments.data is None else read_history(model, arguments, notes)
        future = None if arguments.future is None else read_future(model, arguments, notes)
        static = statics_of(model, arguments, notes)
    for note in notes:
        terminal.note(note)
    if future is not None and arguments.steps is not None:
        _refuse_short(future, model, arguments)
    with refusals():
        if template is not None:
            table = as_table(model.future_frame(arguments.steps, history=history, static=static), model)
        else:
            steps = arguments.steps if future is None else None
            if arguments.paths is not None:
                asked = {"history": history, "static": static, "n": steps, "errors": arguments.errors}
                found = model.sample(arguments.paths, future, random_state=arguments.seed or 0, **asked)
            else:
                found = forecast_columns(
                    model, future, history, arguments.coverage, arguments.quantiles, steps, arguments.errors, static
                )
            table = as_table(found, model)
            table = first_steps(table, model, arguments.steps)
            _tell_of_feedback(table, model, notes, terminal)
    path = output if template is None else template
    if path is not None:
        write_table(table, path)
        terminal.note(f"{len(table)} rows written to {path}")
    elif not terminal.as_json:
        terminal.show(table.to_csv(index=False, lineterminator="\n").rstrip("\n"))
    terminal.document(
        {
            "model": arguments.model,
            "data": arguments.data,
            "file": None if path is None else str(path),
            "columns": list(table.columns),
            "forecast" if template is None else "future": table.to_dict("records"),
            "notes": notes,
        }
    )


def _tell_of_feedback(table: pd.DataFrame, model: SeriesForecaster, notes: list[str], terminal: Terminal) -> None:
    longest = len(table) if model.series is None else int(table[model.series].value_counts().max())
    if longest > model.horizon:
        first = model.horizon + 1
        notes.append(f"steps {first} to {longest} are forecast from forecasts: the model's horizon is {model.horizon}")
        terminal.note(notes[-1])
