"""From the arguments of the process to an exit code: the parser, and the handling of errors, notes and interrupts."""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
import warnings
from collections import namedtuple
from typing import TYPE_CHECKING

from . import backtest, config, demo, fit, predict, show, tune, update
from .problems import ProblemError, close_to, described
from .terminal import Terminal, leave_stdout
from .writing import protect_inputs

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

__all__ = ["main"]

_DESCRIPTION = "Forecast time series with recurrent networks (RNN, GRU, LSTM) trained on the CPU."
_EXAMPLES = """\
examples:
  forecast demo
  forecast demo data.csv --target temperature --horizon 24
  forecast fit data.csv --target temperature --horizon 24 -o model.forecast
  forecast show model.forecast
  forecast predict model.forecast --coverage 0.8 0.95
  forecast update model.forecast new.csv
  forecast fine-tune shops.forecast north.csv -o north.forecast
  forecast backtest data.csv --target temperature --horizon 24

exit codes:
  0    success, even if a model has no skill
  1    a fault of forecast itself, in one line; FORECAST_TRACEBACK=1 shows Python's traceback
  2    an unusable file or option; one line on stderr says which, and what to do
  130  interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit code: 0 success, 1 a fault of forecast itself, 2 a file or an option that cannot be used, 130 interrupted.

    Examples
    --------
    >>> main(["demo", "no-such-file.csv"])
    2
    """
    if sys.stdout is None:
        print("forecast: error: the standard output is closed; send it to a file or to /dev/null.", file=sys.stderr)
        return 2
    atexit.register(gc.freeze)  # no last collection of garbage: it takes longer than the rest of the end
    arguments = _parsed(argv)
    terminal = Terminal(arguments.json, getattr(arguments, "verbose", False), getattr(arguments, "quiet", False))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("always", category=UserWarning)
            warnings.showwarning = _notes(terminal, warnings.showwarning)
            protect_inputs(arguments)
            arguments.run(arguments, terminal)
        return 0
    except ProblemError as problem:
        if _comes_of_interrupt(problem):
            return _interrupted()
        terminal.error(problem)
        return 2
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # The reader of stdout has closed it, as `head` does; Python would complain of it once more when it ends.
        leave_stdout()
        return 0
    except Exception as error:
        if _comes_of_interrupt(error):
            return _interrupted()
        if os.environ.get("FORECAST_TRACEBACK"):
            raise
        terminal.error(_fault(error))
        return 1


def _comes_of_interrupt(error: BaseException | None) -> bool:
    """Whether it was raised because of one: an extension that is interrupted while it is imported fails to import."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _interrupted() -> int:
    """Say so, and let the process end with its own exit code.

    Where an interrupt comes out of text that Python executes, as `namedtuple` and dataclasses do while modules are
    imported, `python -m` ends by the signal, although it was caught: until it executes another text.
    """
    print("\nforecast: interrupted", file=sys.stderr)
    namedtuple("Nothing", ())
    return 130


def _fault(error: BaseException) -> str:
    """An error that no one foresaw, in one line."""
    text = " ".join(str(error).split())
    return f"a fault of forecast: {type(error).__name__}: {text[:90]}. FORECAST_TRACEBACK=1 (environment) shows where."


def _notes(terminal: Terminal, otherwise: Callable[..., Any]) -> Callable[..., None]:
    """Show warnings meant for users as notes; those for programmers as Python does."""
    said = set()

    def show_warning(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, UserWarning):
            otherwise(message, category, *place, **more)
        elif str(message) not in said:
            said.add(str(message))
            terminal.note(described(message))

    return show_warning


class Parser(argparse.ArgumentParser):
    """Errors in two lines: how the command is called, and what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and leave with code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"forecast: error: {message}{'' if message[-1] in '.?' else '.'} See {self.prog} --help.\n")


def _parser() -> Parser:
    parser = Parser(
        "forecast", description=_DESCRIPTION, epilog=_EXAMPLES, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for part in (demo, fit, predict, update, tune, backtest, show, config):
        part.add(commands)
    return parser


def _parsed(argv: Sequence[str] | None) -> Namespace:
    """The arguments; what no command knows is refused with the option that is nearest to it."""
    parser = _parser()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        known = [option for action in arguments.parser._actions for option in action.option_strings]
        hint = close_to(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else ""
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}.{hint}")
    return arguments


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"forecast {version('rnn-forecast')}"
    except PackageNotFoundError:
        return "forecast (not installed)"
