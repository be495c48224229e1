"""Options shared by several commands, and the types of their values."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from .._registries import ESTIMATOR_CELLS, LOSSES
from .problems import ProblemError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    from .terminal import Terminal

__all__ = [
    "READING", "add_command", "add_data", "add_loudness", "add_model", "add_roles", "add_static", "count", "names",
    "refuse_without_effect", "setting", "share",
]  # fmt: skip

_RECIPE = """\
With one of --cell, --hidden-size, --layers, --max-iter, --loss and --quantiles, or a parameter of RNNForecaster in
--set, the model is one network. Without, it is the recipe, which chooses from the data."""
READING = ("time", "time_format", "timezone", "na", "decimal", "sheet")  # of `add_data`


def add_command(
    commands: argparse._SubParsersAction[ArgumentParser],
    name: str,
    run: Callable[[Namespace, Terminal], None],
    summary: str,
    usage: str,
    description: str | None = None,
    epilog: str | None = None,
) -> ArgumentParser:
    """Add a command with the options that all commands have.

    Parameters
    ----------
    commands : argparse subparsers
    name : str
    run : callable
        Takes the arguments and the terminal.
    summary : str
        Line in the list of commands.
    usage : str
        Usage, shown with errors.
    description, epilog : str, default=None

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = commands.add_parser(
        name, help=summary, usage=usage, description=description or summary, epilog=epilog, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run, parser=parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout and nothing else")
    return parser


def add_loudness(parser: ArgumentParser, progress: bool = True) -> None:
    """`--quiet`, and `--verbose` where there is progress to show."""
    loudness = parser.add_mutually_exclusive_group()
    if progress:
        loudness.add_argument("--verbose", action="store_true", help="show progress even if stderr is not a terminal")
    loudness.add_argument("--quiet", action="store_true", help="print neither progress nor notes on stderr")


def add_data(parser: ArgumentParser) -> argparse._ArgumentGroup:
    """Options for reading a file.

    Parameters
    ----------
    parser : argparse.ArgumentParser or group
    """
    data = parser.add_argument_group("the file")
    data.add_argument(
        "--time",
        metavar="COLUMN",
        help="column of dates, or Date,Time or year,month,day,hour; none: count rows (default: first with dates)",
    )
    data.add_argument(
        "--time-format",
        metavar="FORM",
        help="format of the dates, such as %%d/%%m/%%Y; s or ms: time since 1970 (default: inferred)",
    )
    data.add_argument(
        "--timezone",
        metavar="ZONE",
        help="time zone of dates without an offset; others are converted to it (default: UTC)",
    )
    data.add_argument(
        "--na",
        action="append",
        default=[],
        metavar="VALUE",
        help="code for a missing value, such as -9999; may be repeated",
    )
    data.add_argument("--decimal", choices=(".", ","), help="decimal mark of numbers in text (default: inferred)")
    data.add_argument("--sheet", metavar="NAME", help="sheet of an Excel file (default: the first)")
    return data


def add_roles(data: argparse._ArgumentGroup) -> None:
    """Options for the roles of columns."""
    data.add_argument(
        "--target", action="append", type=str, metavar="COLUMN",
        help="column to forecast; may be repeated (default: the first numeric one that is not an index and varies)",
    )  # fmt: skip
    data.add_argument(
        "--series", action="append", metavar="COLUMN",
        help="column that names the series in a file with many; store,item: two columns together",
    )  # fmt: skip
    roles = (
        ("past", "further columns whose past is read"),
        ("future", "columns known ahead; pass their future to predict with --future"),
        ("static", "columns that do not change within a series, from --static if it is given"),
    )
    for role, text in roles:
        data.add_argument(
            f"--{role}-covariates", action="append", metavar="COLUMNS", help=f"{text}; separated by commas, or repeated"
        )
    add_static(data, "file with the static covariates, a row for each series")


def add_static(data: argparse._ArgumentGroup, text: str) -> None:
    """`--static`, a table next to the file."""
    data.add_argument("--static", metavar="FILE", help=text)
    data.add_argument(
        "--static-sheet", metavar="NAME",
        help="sheet of --static, if it is an Excel file (default: the first that names series)",
    )  # fmt: skip


def add_model(parser: ArgumentParser) -> None:
    """Options that describe a forecaster; the default is None, so that defaults can depend on the data.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    """
    series = parser.add_argument_group("the forecaster (see forecast.SeriesForecaster)")
    series.add_argument("--horizon", type=count, metavar="N", help="number of steps to forecast (default: one season)")
    series.add_argument(
        "--lookback", type=count_or_none_of_it, metavar="N",
        help="number of past steps that a forecast reads; 0: none (default: chosen; of a network, two seasons)",
    )  # fmt: skip
    series.add_argument(
        "--freq", metavar="STEP", help="time between rows: h, 15min, D, B, W-SUN, MS, ... (default: inferred)"
    )
    series.add_argument("--holidays", metavar="FILE", help="text file with the days without trading, one date per line")
    series.add_argument(
        "--gaps", choices=("error", "mask", "interpolate", "irregular"),
        help="what to do with missing time stamps; irregular: rows are at irregular times (default: error)",
    )  # fmt: skip
    series.add_argument("--missing", choices=("error", "mask"), help="what to do with empty cells (default: error)")
    series.add_argument(
        "--transform",
        type=names,
        metavar="NAMES",
        help="transforms of the target: standard, log, difference, ... (default: chosen)",
    )
    series.add_argument(
        "--calendar",
        type=names,
        metavar="NAMES",
        help="calendar features: hour, dayofweek, month, holidays:DE, ...; auto: those that are chosen (default: auto)",
    )
    series.add_argument(
        "--window-norm", type=window_norm, metavar="NORM",
        help="normalisation of each window: last, mean, standard, mean:SHARE or standard:SHARE (newest steps), "
        "season:LENGTH, none (default: chosen; of a network, last)",
    )  # fmt: skip
    series.add_argument(
        "--validation-fraction", type=_share_or_none, metavar="SHARE",
        help="share of the newest windows for the report and the intervals, or none (default: 0.1)",
    )  # fmt: skip
    network = parser.add_argument_group("the network (see forecast.RNNForecaster)", _RECIPE)
    network.add_argument("--cell", choices=sorted(ESTIMATOR_CELLS), help="recurrent cell (default: lstm)")
    network.add_argument("--hidden-size", type=count, metavar="N", help="number of units per layer (default: 64)")
    network.add_argument("--layers", type=count, metavar="N", help="number of stacked layers (default: 1)")
    network.add_argument("--max-iter", type=count, metavar="N", help="maximum number of epochs (default: 100)")
    network.add_argument("--loss", choices=sorted(LOSSES), help="loss to minimise (default: squared_error)")
    network.add_argument(
        "--quantiles", type=share, nargs="+", metavar="Q", help="quantiles that the network learns, such as 0.1 0.5 0.9"
    )
    network.add_argument("--seed", type=int, metavar="N", help="random seed of weights and order (default: 0)")
    network.add_argument("--threads", type=count, metavar="N", help="number of training threads (default: all cores)")
    network.add_argument(
        "--set", action="append", type=setting, default=[], metavar="NAME=VALUE",
        help="any other parameter of the two classes, such as dropout=0.1; the value is JSON or text",
    )  # fmt: skip


def refuse_without_effect(arguments: Namespace, names: Sequence[str], reason: str) -> None:
    """Refuse options that were given and would have no effect.

    Parameters
    ----------
    arguments : argparse.Namespace
    names : list of str
        Attributes of the arguments; None, an empty list and False are not given.
    reason : str
        Why they have no effect.

    Raises
    ------
    ProblemError
    """
    values = {name: getattr(arguments, name, None) for name in names}
    given = [name for name, value in values.items() if value is not None and value is not False and value != []]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise ProblemError(f"{option} has no effect here: {reason}. Leave {option} out.")


def count(text: str) -> int:
    """A whole number, 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
    return number


def count_or_none_of_it(text: str) -> int:
    """A whole number, 0 or more."""
    return 0 if text.strip() == "0" else count(text)


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number between 0 and 1")
    return number


def _share_or_none(text: str) -> float | Literal["none"]:
    return "none" if text.casefold() == "none" else share(text)


def window_norm(text: str) -> Any:
    """What is subtracted from each window.

    Parameters
    ----------
    text : str
        `last`, `mean`, `standard` or `none`, or a name, a colon and a number.

    Returns
    -------
    str or tuple of (str, number)

    Examples
    --------
    >>> window_norm("last"), window_norm("mean:0.1"), window_norm("season:24")
    ('last', ('mean', 0.1), ('season', 24))
    """
    name, mark, number = text.partition(":")
    try:
        found = (name, int(number) if name == "season" else float(number)) if mark else name
    except ValueError:
        found = None
    if mark and found is not None and name in ("mean", "standard", "season"):
        return found
    if not mark and name in ("last", "mean", "standard", "none"):
        return name
    raise argparse.ArgumentTypeError(
        f"{text} is not last, mean, standard, none, mean:SHARE, standard:SHARE or season:LENGTH, such as mean:0.1"
    )


def names(text: str) -> list[str]:
    """Names separated by commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names with commas between them")
    return found


def setting(text: str) -> tuple[str, Any]:
    """A name and a value.

    Parameters
    ----------
    text : str
        `name=value`; the value is JSON, None, True or False; anything else is read as text.

    Returns
    -------
    tuple of (str, object)

    Examples
    --------
    >>> setting("dropout=0.1"), setting("dtype=float64"), setting("clip_norm=None")
    (('dropout', 0.1), ('dtype', 'float64'), ('clip_norm', None))
    """
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as dropout=0.1")
    value = value.strip()
    words = {"None": None, "none": None, "True": True, "False": False}
    if value in words:
        return name.strip(), words[value]
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value
