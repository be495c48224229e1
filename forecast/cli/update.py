"""`forecast update`: append new rows to those that a saved model knows, and write the model back."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_command, add_data, add_loudness, add_static

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Append the rows of DATA to those that a saved model knows, and write the model back. `forecast predict MODEL` then
forecasts the steps after them. Nothing is trained, except with --refit continue.
"""
_EXAMPLES = """\
examples:
  forecast update load.forecast today.csv && forecast predict load.forecast
  forecast update shops.forecast last-week.csv --overlap skip
  forecast update load.forecast month.csv --refit continue -o newer.forecast
"""


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    usage = "forecast update MODEL DATA [-o MODEL] [options]"
    parser = add_command(commands, "update", run, "append new rows to a saved model", usage, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("model", metavar="MODEL", help="file that `forecast fit` or `model.save` wrote")
    parser.add_argument("data", metavar="DATA", help="file with the new rows; -: standard input")
    parser.add_argument("-o", "--output", metavar="MODEL", help="file to write (default: MODEL itself)")
    parser.add_argument(
        "--overlap", choices=("error", "skip"), default="error",
        help="what to do with rows that the model already knows (default: error)",
    )  # fmt: skip
    parser.add_argument(
        "--refit", choices=("no", "continue"), default="no",
        help="continue: continue training on old and new rows (default: no)",
    )  # fmt: skip
    parser.add_argument("--history", metavar="FILE", help="old rows for --refit continue (default: the kept ones)")
    parser.add_argument(
        "--errors", choices=("warn", "raise"), default="warn",
        help="what to do if rows of some series cannot be appended; warn: append the others (default: warn)",
    )  # fmt: skip
    add_loudness(parser, progress=False)
    data = add_data(parser)
    data.add_argument(
        "--gaps", choices=("error", "mask", "interpolate"),
        help="what to do with missing time stamps (default: as in training)",
    )  # fmt: skip
    add_static(data, "static covariates of series that the model does not know, a row for each")


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Load, read, update, save."""
    from .files import load_model
    from .fit import save
    from .forecasting import read_history, statics_of
    from .problems import refusals
    from .writing import check_output

    output = check_output(arguments.output or arguments.model, "--output" if arguments.output else "MODEL")
    notes: list[str] = []
    model = load_model(arguments.model)
    own = model.gaps
    if arguments.gaps is not None:
        model.set_params(gaps=arguments.gaps)
    rows = read_history(model, arguments, notes)
    old = None
    if arguments.history is not None:
        old = read_history(model, argparse.Namespace(**(vars(arguments) | {"data": arguments.history})), notes)
    static = statics_of(model, arguments, notes)
    for note in dict.fromkeys(notes):
        terminal.note(note)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with refusals():
            model.update(
                rows, refit=arguments.refit, history=old, static=static, overlap=arguments.overlap,
                errors=arguments.errors,
            )  # fmt: skip
    model.set_params(gaps=own)
    save(model, output)
    for one in caught:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    until = model.card_["data"]["known_until"]
    trained = f", trained on: {model.n_windows_} windows" if arguments.refit == "continue" else ""
    terminal.show(f"Data        {len(rows)} rows; the model knows rows up to {until}{trained}")
    terminal.show(f"Model file  {output} ({Path(output).stat().st_size / 1024:.0f} KiB)")
    terminal.document(
        {
            "model": arguments.model,
            "file": str(output),
            "data": arguments.data,
            "rows": len(rows),
            "known_until": until,
            "refit": arguments.refit,
            "late": _named(caught, "LateSeriesWarning"),
            "skipped": _named(caught, "SkippedSeriesWarning"),
            "notes": notes,
        }
    )


def _named(caught: list[warnings.WarningMessage], category: str) -> list[str]:
    """Names of series in the warnings of a class."""
    messages: list[Any] = [one.message for one in caught if one.category.__name__ == category]
    return [key for message in messages for key in message.series]
