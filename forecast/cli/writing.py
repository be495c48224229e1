"""Files that the command writes: checked before any work, and written whole or not at all."""

from __future__ import annotations

import io
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .problems import ProblemError

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    import pandas as pd

__all__ = ["check_output", "protect_inputs", "write_picture", "write_table"]

_PARQUET = (".parquet", ".pq")
_OUTPUTS = {"output": "--output", "plot": "--plot", "future_template": "--future-template"}
_INPUTS = {
    "data": "DATA", "csv": "DATA", "model": "MODEL", "static": "--static", "future": "--future", "history": "--history",
    "holidays": "--holidays",
}  # fmt: skip


def protect_inputs(arguments: Namespace) -> None:
    """Refuse an output that would replace a file that the command reads.

    Parameters
    ----------
    arguments : argparse.Namespace

    Raises
    ------
    ProblemError
    """
    given = vars(arguments)
    for output, option in _OUTPUTS.items():
        for source, what in _INPUTS.items():
            paths: Any = given.get(output), given.get(source)
            if None in paths or not all(map(os.path.exists, paths)) or not os.path.samefile(*paths):
                continue
            if not (arguments.command == "update" and source == "model"):
                raise ProblemError(f"{option} is {paths[0]!r}, which is {what} too. Choose another name for {option}.")


def check_output(name: str, option: str, endings: tuple[str, ...] | None = None) -> Path:
    """Everything about an output that can fail, before the work that makes it.

    Parameters
    ----------
    name : str
    option : str
        Option for the message.
    endings : tuple of str, default=None
        One of which the name must have.

    Returns
    -------
    Path

    Raises
    ------
    ProblemError
    """
    path = Path(name)
    if endings and path.suffix.lower() not in endings:
        raise ProblemError(f"{option} is {name!r}; expected a file name that ends in {' or '.join(endings)}.")
    folder = path.absolute().parent
    if not folder.is_dir():
        fix = f"mkdir -p {shlex.quote(str(folder))}"
        raise ProblemError(f"{option} is {name!r}, but the directory {folder} does not exist. Fix: {fix}.")
    if path.is_dir():
        raise ProblemError(f"{option} is {name!r}, which is a folder; expected the name of a file.")
    if path.exists() and not os.access(path, os.W_OK):
        raise ProblemError(f"{option} is {name!r}, which may not be written. Fix: chmod u+w {shlex.quote(name)}.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ProblemError(f"{option} is {name!r}, but nothing can be written in {folder}: {error.strerror}.") from None
    return path.absolute()


def check_table(name: str | None, option: str) -> Path | None:
    """As `check_output` for a table; Parquet needs pyarrow. None passes."""
    if name is None:
        return None
    path = check_output(name, option, (".csv", *_PARQUET))
    if path.suffix.lower() in _PARQUET:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ProblemError(
                f"{option} is {name!r}: Parquet needs pyarrow, which is not installed; a name that ends in .csv does "
                "not. Fix: pip install pyarrow."
            ) from None
    return path


def check_picture(name: str | None, option: str) -> Path | None:
    """As `check_output` for a picture; it needs matplotlib. None passes."""
    if name is None:
        return None
    path = check_output(name, option, (".png",))
    try:
        import matplotlib
    except ImportError:
        raise ProblemError(
            "the picture needs matplotlib, which is not installed. Fix: pip install 'rnn-forecast[demo]'."
        ) from None
    matplotlib.use("Agg")
    return path


def write_table(frame: pd.DataFrame, path: Any) -> None:
    """A frame as CSV or Parquet, by the ending of the name; an index with a name is a column of it.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : Path
    """
    if path.suffix.lower() in _PARQUET:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, engine="pyarrow", index=False)
        _whole(path, buffer.getvalue())
    else:
        _whole(path, frame.to_csv(index=False, lineterminator="\n").encode())


def write_picture(figure: Any, path: Any) -> None:
    """A figure as PNG; it is closed.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
    """
    from matplotlib import pyplot

    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, dpi=130)
    finally:
        pyplot.close(figure)
    _whole(path, buffer.getvalue())


def _whole(path: Any, data: bytes) -> None:
    from .._files.disk import write_whole

    try:
        write_whole(path, data)
    except OSError as error:
        raise ProblemError(f"{str(path)!r} could not be written: {error.strerror or error}.") from None
