"""Errors of the user in one line: the library's refusals, in their wording for the command."""

from __future__ import annotations

import difflib
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._refusals import Refusal, Words, for_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

__all__ = [
    "ProblemError", "close_to", "described", "in_one_line", "listed", "refusals", "short_problems", "shown",
    "shown_path",
]  # fmt: skip

ROOM = 180  # characters of a message
_WAY_OUT = re.compile(r" Fix(?: in pandas)?: | (?:Use|Give|Leave|Choose|Name) (?=[^.]*--[a-z][^.]*\.$)|$")


class ProblemError(Exception):
    """An error of the user; shown in one line, without a traceback."""


def described(error: BaseException | str, index: str | None = None) -> str:
    """A refusal of the library in the words of the command.

    Parameters
    ----------
    error : Exception, Warning or str
    index : str, default=None
        What the file calls the index; None: the index.

    Returns
    -------
    str
        In one line.

    Examples
    --------
    >>> from forecast._refusals import Fix
    >>> said = Refusal("has gaps", where="the index", fix=Fix("gaps='mask'", "--gaps mask"))
    >>> described(ValueError(said), "column 'day'")
    "column 'day' has gaps. Fix: --gaps mask."
    """
    said = error if isinstance(error, str) else next(iter(error.args), "")
    if isinstance(said, Refusal) and index is not None and said.parts["where"].endswith("the index"):
        said = said.but(where=for_command(said.parts["where"]).removesuffix("the index") + index)
    if isinstance(said, Words):
        return _shortened(" ".join(for_command(said).split()))
    return _shortened(" ".join(str(error).split()))


def _shortened(text: str) -> str:
    """Days without the midnight, and of several places the first, where a message is long."""
    text = re.sub(r"\b(\d{4}-\d\d-\d\d) 00:00:00(?![+.:\d])", r"\1", text)
    text = re.sub(
        r"\b(\d+) days(?: 00:00:00)?\b(?! \d)", lambda found: f"{found[1]} day{'s' * (found[1] != '1')}", text
    )
    text = re.sub(r"\b0 days (?=\d\d:)", "", text)
    if len(text) > ROOM:
        text = re.sub(r"(: (?:(?!: )[^,;])+), (?:(?!: )[^;])*, \.\.\.(?: \(\d+ in all\))?;", r"\1, ...;", text)
    return text


@contextmanager
def short_problems() -> Iterator[None]:
    """Problems with a file are short lines, however long its names and cells are."""
    try:
        yield
    except ProblemError as problem:
        raise ProblemError(in_one_line(problem)) from None


@contextmanager
def refusals(index: str | None = None, of_data: bool = False) -> Iterator[None]:
    """Turn what the library refuses into a problem that is shown in one line.

    Parameters
    ----------
    index : str, default=None
        As in `described`.
    of_data : bool, default=False
        It is the data that may be refused: in a short line.
    """
    try:
        yield
    except (TypeError, ValueError, ImportError) as error:
        text = described(error, index)
        raise ProblemError(in_one_line(text) if of_data else text) from error


def close_to(name: Any, known: Iterable[Any], most: int = 3) -> str:
    """A question after the nearest of some names, or nothing.

    Parameters
    ----------
    name : str
    known : list of str
    most : int, default=3
        Names to offer.

    Returns
    -------
    str

    Examples
    --------
    >>> close_to("temprature", ["pressure", "temperature"])
    " Did you mean 'temperature'?"
    """
    known = [str(other) for other in known]
    folded = {other.casefold(): other for other in reversed(known)}
    near = [folded[other] for other in difflib.get_close_matches(str(name).casefold(), list(folded), n=most)]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def in_one_line(text: object) -> str:
    """A message as one line of at most `ROOM` characters; of a longer one, the fix or the last advice is kept.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> len(in_one_line("column 'y' holds " + "9" * 500 + ". Fix: --target z."))
    180
    """
    text = " ".join(str(text).split())
    if len(text) <= ROOM:
        return text
    mark = next(_WAY_OUT.finditer(text))[0]
    head, _, fix = text.partition(mark) if mark else (text, "", "")
    room = ROOM - len(mark) - len(fix) - 3
    return f"{head[:room]}...{mark}{fix}" if room > 60 else f"{text[: ROOM - 3]}..."


def shown(value: object, room: int = 40) -> str:
    """A value between quotation marks, cut where it is long: a message stays one short line.

    Parameters
    ----------
    value : object
    room : int, default=40
        Characters.

    Returns
    -------
    str

    Examples
    --------
    >>> shown("rain"), shown("a column with a long name", 12)
    ("'rain'", "'a column ...'")
    """
    text = str(value)
    return repr(text if len(text) <= room else text[: room - 3] + "...")


def shown_path(path: Any, room: int = 50) -> str:
    """As `shown`, for a path: its end says most."""
    text = str(path)
    return repr(text if len(text) <= room else "..." + text[3 - room :])


def listed(names: Iterable[Any], room: int = 80) -> str:
    """Names as a list, as many of them as there is room for.

    Parameters
    ----------
    names : iterable
    room : int, default=80
        Characters.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["when", "load"]), listed([f"V{n}" for n in range(1000)], 20)
    ("['when', 'load']", "['V0', 'V1', ... (1000 in all)]")
    """
    names, found, length = list(names), [], 0
    for name in names:
        found.append(shown(name, 30))
        length += len(found[-1]) + 2
        if length > room and len(found) > 1:
            found.pop()
            break
    more = "" if len(found) == len(names) else f", ... ({len(names)} in all)"
    return f"[{', '.join(found)}{more}]"
