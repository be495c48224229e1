"""Output: results on stdout, or one JSON document there; progress and notes on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import TYPE_CHECKING

from .problems import ProblemError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["Terminal", "leave_stdout"]


class Terminal:
    """The two streams of a command.

    Parameters
    ----------
    as_json : bool, default=False
        One JSON document is all that stdout gets.
    verbose : bool, default=False
        Show progress even if stderr is not a terminal.
    quiet : bool, default=False
        Neither progress nor notes.

    Attributes
    ----------
    progress : bool
        Whether progress is shown.

    Examples
    --------
    >>> Terminal(as_json=True).document({"skill": float("nan")})
    {
      "skill": null
    }
    """

    def __init__(self, as_json: bool = False, verbose: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self.progress = verbose or (not quiet and self._is_terminal())

    def show(self, text: str = "") -> None:
        """A result for people, on stdout."""
        if not self.as_json:
            _out(text)

    def document(self, content: dict[str, Any]) -> None:
        """The result for scripts, on stdout; with `--json` nothing else is written there."""
        if self.as_json:
            _out(json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False))

    def note(self, text: str) -> None:
        """Something that was chosen or found and that the user should know."""
        if not self.quiet:
            self._error_line(f"forecast: note: {' '.join(str(text).split())}")

    def error(self, text: object) -> None:
        """What went wrong, in one line; with `--json` stdout has it too."""
        text = " ".join(str(text).split())
        self._error_line(f"forecast: error: {text}")
        self.document({"error": text})

    @staticmethod
    def _is_terminal() -> bool:
        return sys.stderr is not None and sys.stderr.isatty()

    @staticmethod
    def _error_line(text: str) -> None:
        if sys.stderr is not None:  # `print` would take stdout in place of a closed stderr
            print(_harmless(text), file=sys.stderr, flush=True)


def _out(text: str) -> None:
    """A text on stdout, at once; a full disk is a problem of the user's, in one line."""
    try:
        print(_harmless(text) if sys.stdout.isatty() else text, flush=True)
    except BrokenPipeError:
        raise  # its reader has read enough
    except OSError as error:
        leave_stdout()
        raise ProblemError(f"the standard output could not be written: {error.strerror or error}.") from None


def leave_stdout() -> None:
    """Send what is left in stdout's buffer nowhere: Python would try again, and complain, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _harmless(text: str) -> str:
    r"""Control characters of names and cells as text, because a terminal would obey them.

    Examples
    --------
    >>> print(_harmless("rain \x1b[2J"))
    rain \x1b[2J
    """
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def _plain(content: Any) -> Any:
    """Numbers, strings, lists and dicts that JSON knows; what is not finite is null."""
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple, set)):
        return [_plain(value) for value in content]
    if content is None or isinstance(content, (str, bool, int)):
        return content
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if hasattr(content, "isoformat"):
        return None if content != content else content.isoformat()
    if hasattr(content, "tolist"):
        return _plain(content.tolist())
    return str(content)
