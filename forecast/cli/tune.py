"""`forecast fine-tune`: train the networks of a saved model on with the rows of some series, into another model."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_command, add_data, add_loudness, add_static, count, names

if TYPE_CHECKING:
    import argparse
    from argparse import ArgumentParser, Namespace

    from .terminal import Terminal

__all__ = ["add", "run"]

_DESCRIPTION = """\
Continue to train the networks of a saved model on the rows of DATA, which are those of one or several series of a
panel, or of new ones. Write a model for these series; MODEL stays as it is.
"""
_EXAMPLES = """\
examples:
  forecast fine-tune shops.forecast north.csv -o north.forecast && forecast predict north.forecast
  forecast fine-tune shops.forecast north.csv --freeze encoder --max-iter 10 -o north.forecast
"""


def add(commands: argparse._SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "fine-tune", run, "continue to train a saved model for some series",
        "forecast fine-tune MODEL DATA -o MODEL [options]", _DESCRIPTION, _EXAMPLES,
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="file that `forecast fit` or `model.save` wrote")
    parser.add_argument("data", metavar="DATA", help="file with the rows to learn from; -: standard input")
    parser.add_argument("-o", "--output", metavar="MODEL", required=True, help="file to write")
    parser.add_argument(
        "--freeze", type=names, metavar="PARTS",
        help="parts of the networks to keep fixed, separated by commas: encoder, decoder, head, ...",
    )  # fmt: skip
    parser.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="initial learning rate (default: a tenth of that of fit)"
    )
    parser.add_argument("--max-iter", type=count, metavar="N", help="epochs (default: a fifth of those of fit)")
    add_loudness(parser, progress=False)
    data = add_data(parser)
    data.add_argument(
        "--gaps", choices=("error", "mask", "interpolate"),
        help="what to do with missing time stamps (default: as in training)",
    )  # fmt: skip
    add_static(data, "static covariates of series that the model does not know, a row for each")


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Load, read, tune, save."""
    from .files import load_model
    from .fit import save
    from .forecasting import read_history, statics_of
    from .problems import refusals
    from .writing import check_output

    output = check_output(arguments.output, "--output")
    notes: list[str] = []
    model = load_model(arguments.model)
    own = model.gaps
    if arguments.gaps is not None:
        model.set_params(gaps=arguments.gaps)
    rows = read_history(model, arguments, notes)
    static = statics_of(model, arguments, notes)
    for note in dict.fromkeys(notes):
        terminal.note(note)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with refusals():
            tuned = model.fine_tune(
                rows, freeze=arguments.freeze, learning_rate=arguments.learning_rate, max_iter=arguments.max_iter,
                static=static,
            )  # fmt: skip
    tuned.set_params(gaps=own)
    save(tuned, output)
    for one in caught:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    until, series = tuned.card_["data"]["known_until"], len(tuned._state.tail.keys)
    of = "" if model.series is None else f" of {series} series"
    terminal.show(f"Data        {len(rows)} rows{of}, up to {until}; trained on: {tuned.n_windows_} windows")
    terminal.show(str(tuned.report_))
    terminal.show(f"Model file  {output} ({Path(output).stat().st_size / 1024:.0f} KiB)")
    report = tuned.report_
    terminal.document(
        {
            "model": arguments.model,
            "file": str(output),
            "data": arguments.data,
            "rows": len(rows),
            "series": series,
            "windows": tuned.n_windows_,
            "known_until": until,
            "skill": report.skill,
            "notes": [*notes, *report.notes],
        }
    )
