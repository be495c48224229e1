"""Refusals and warnings as data: what, where, got, expected, the fix; one wording in Python, one on the command line.

A refusal is a string, the sentence that Python's users read, so that `ValueError(Refusal(...))` is a plain ValueError.
It also holds its parts and the sentence for users of the command, which `cli/problems.py` prints.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any, Self

__all__ = [
    "Fix", "Refusal", "Words", "argument", "extended", "for_command", "install", "joined", "longer_horizon",
    "refusal_of", "sentences", "split_advice", "way_out",
]  # fmt: skip


class Words(str):
    """A text for Python's users that also holds the words for users of the command.

    Parameters
    ----------
    python : str
    command : str or None, default=None
        None: the same text.

    Attributes
    ----------
    command : str

    Examples
    --------
    >>> words = Words("predict(history=frame)", "give a data file after the model")
    >>> str(words), words.command
    ('predict(history=frame)', 'give a data file after the model')
    """

    command: str

    def __new__(cls, python: str, command: str | None = None) -> Self:
        words = super().__new__(cls, python)
        words.command = str(python) if command is None else command
        return words

    def __reduce__(self) -> tuple[Any, ...]:
        return Words, (str(self), self.command)


class Fix(Words):
    """The way out of a refused call: code for Python's users, options for users of the command.

    Parameters
    ----------
    python : str or None
        One statement or one argument that can be pasted; None: there is no such code.
    command : str or None, default=None
        Options, with their values. "": nothing is said. None: the code, as a fix in pandas.

    Examples
    --------
    >>> Refusal("stamps are missing", fix=Fix("gaps='mask'", "--gaps mask")).command
    'stamps are missing. Fix: --gaps mask.'
    >>> Refusal("the rows are not sorted", fix=Fix("df = df.sort_index()")).command
    'the rows are not sorted. Fix in pandas: df = df.sort_index().'
    """

    in_pandas: bool

    def __new__(cls, python: str | None, command: str | None = None) -> Self:
        fix = super().__new__(cls, python or "", command)
        fix.in_pandas = command is None
        return fix

    def __reduce__(self) -> tuple[Any, ...]:
        return Fix, (str(self), None if self.in_pandas else self.command)

    def renamed(self, rename: Callable[[str], str]) -> Fix:
        """The same with other names in the code.

        Parameters
        ----------
        rename : callable
            Function from code to code.

        Returns
        -------
        Fix
        """
        return Fix(rename(str(self)), None if self.in_pandas else self.command)


class Refusal(Words):
    """A refusal in its parts: "{where} {what}: {got}; expected {expected}. {advice} Fix: {fix}."

    Without `what`, it begins "{where}: expected {expected}, got {got}."

    Parameters
    ----------
    what : str or Words, default=""
        What is wrong.
    where : str or Words, default=""
        The column, the frame or the argument.
    got : str or Words, default=""
        The values or places that show it.
    expected : str or Words, default=""
    advice : str or Words, default=""
        Whole sentences.
    fix : Fix, str or None, default=None
        Text is code for pandas.

    Attributes
    ----------
    command : str
        The sentence for users of the command.
    parts : dict of str to object
        The parameters.

    Examples
    --------
    >>> refusal = Refusal(
    ...     "has 2 duplicates", where="the index", got="2024-01-03", expected="every stamp once",
    ...     fix=Fix("series='shop'", "--series shop"),
    ... )
    >>> raise ValueError(refusal)
    Traceback (most recent call last):
        ...
    ValueError: the index has 2 duplicates: 2024-01-03; expected every stamp once. Fix: series='shop'.
    >>> refusal.command
    'the index has 2 duplicates: 2024-01-03; expected every stamp once. Fix: --series shop.'
    >>> refusal.parts["where"], refusal.parts["expected"]
    ('the index', 'every stamp once')
    >>> str(Refusal(where="X", expected="1 window or more", got="0"))
    'X: expected 1 window or more, got 0.'
    """

    parts: dict[str, Any]

    def __new__(
        cls,
        what: str = "",
        *,
        where: str = "",
        got: str = "",
        expected: str = "",
        advice: str = "",
        fix: str | None = None,
    ) -> Self:
        if fix is not None and not isinstance(fix, Fix):
            fix = Fix(fix)
        parts = {"what": what, "where": where, "got": got, "expected": expected, "advice": advice, "fix": fix}
        refusal = super().__new__(cls, _sentence(parts, str), _sentence(parts, for_command))
        refusal.parts = parts
        return refusal

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (self.parts,)

    @property
    def fix(self) -> Fix | None:
        """The fix, or None."""
        return self.parts["fix"]

    def but(self, **parts: Any) -> Refusal:
        """The same refusal with other parts.

        Parameters
        ----------
        **parts
            As those of the class.

        Returns
        -------
        Refusal
        """
        return _made_again(self.parts | parts)


def _made_again(parts: dict[str, Any]) -> Refusal:
    return Refusal(**parts)


def _sentence(parts: dict[str, Any], said: Callable[[str], str]) -> str:
    """The parts as one text; `said` takes a part to the words of one audience."""
    what, where, got, expected, advice = (said(parts[name]) for name in ("what", "where", "got", "expected", "advice"))
    if what or not expected:
        text = f"{where} {what}" if where else what
        text += f": {got}" if got else ""
        text += f"; expected {expected}" if expected else ""
    else:
        text = f"{where}: expected {expected}"
        text += f", got {got}" if got else ""
    text += "" if text[-1:] in ".?" else "."
    text += f" {advice}" if advice else ""
    fix = parts["fix"]
    if fix is None or not said(fix):
        return text
    if said is str:
        return f"{text} Fix: {fix}."
    return f"{text} Fix in pandas: {said(fix)}." if fix.in_pandas else f"{text} {way_out(said(fix))}"


_COMMANDS = ("pip install ", "mkdir -p ")
_TO_FILL_IN = {"or", "COLUMN", "FILE", "NAME", "VALUE", "ZONE"}


def way_out(words: str) -> str:
    """What follows a refusal of the command: a fix that can be pasted, else a sentence.

    Parameters
    ----------
    words : str
        Options with their values, a command of the shell, or a description of them.

    Returns
    -------
    str

    Examples
    --------
    >>> for words in ("--gaps mask", "--series COLUMN", "leave out --freq", "fewer --origins"):
    ...     print(way_out(words))
    Fix: --gaps mask.
    Use --series COLUMN.
    Leave out --freq.
    Use fewer --origins.
    """
    tokens = shlex.split(words)
    options = [token.startswith("--") for token in tokens]
    paired = options[0] and not any(not one and not other for one, other in pairwise(options))
    if (words.startswith(_COMMANDS) or paired) and not _TO_FILL_IN & set(tokens):
        return f"Fix: {words}."
    return f"{words[0].upper()}{words[1:]}." if words.startswith("leave out") else f"Use {words}."


def for_command(text: str) -> str:
    """A text in the words of the command.

    Parameters
    ----------
    text : str or Words

    Returns
    -------
    str

    Examples
    --------
    >>> for_command(Words("gaps='mask'", "--gaps mask")), for_command("2 rows")
    ('--gaps mask', '2 rows')
    """
    return str(getattr(text, "command", text))


def sentences(*given: str) -> Words:
    """Sentences one after the other, without the empty ones.

    Parameters
    ----------
    *given : str or Words

    Returns
    -------
    Words

    Examples
    --------
    >>> said = sentences("Use more rows.", Words("", "Or --missing mask."))
    >>> said, said.command
    ('Use more rows.', 'Use more rows. Or --missing mask.')
    """
    command = [text for text in map(for_command, given) if text]
    return Words(" ".join(filter(None, given)), " ".join(command))


def joined(*texts: str) -> Words:
    """Texts with nothing between them, each in the words of both audiences.

    Parameters
    ----------
    *texts : str or Words

    Returns
    -------
    Words

    Examples
    --------
    >>> joined("a row for each, or ", argument("gaps", "mask")).command
    'a row for each, or --gaps mask'
    """
    return Words("".join(texts), "".join(map(for_command, texts)))


def refusal_of(error: Exception) -> Refusal:
    """The refusal that an exception or a warning carries; one without parts becomes the part `what`.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    Refusal

    Examples
    --------
    >>> refusal_of(ValueError("3 rows")).parts["what"]
    '3 rows'
    """
    said = error.args[0] if error.args and isinstance(error.args[0], Words) else str(error)
    return said if isinstance(said, Refusal) else Refusal(said)


def extended(error: Exception, before: str = "", **parts: Any) -> Refusal:
    """The refusal of an exception with something before it, and with other parts.

    Parameters
    ----------
    error : Exception
    before : str, default=""
        Such as "series 'a': ".
    **parts
        As those of `Refusal`.

    Returns
    -------
    Refusal

    Examples
    --------
    >>> str(extended(ValueError(Refusal("is empty", where="the file")), "series 'a': ", advice="Leave it out."))
    "series 'a': the file is empty. Leave it out."
    """
    refusal = refusal_of(error)
    name = "where" if refusal.parts["where"] else "what"
    first = refusal.parts[name]
    if before:
        parts = {name: Words(f"{before}{first}", f"{before}{for_command(first)}")} | parts
    return refusal.but(**parts)


# -------------------- arguments and their options

OPTIONS = {"num_layers": "layers", "random_state": "seed", "n_jobs": "threads"}  # with another name
NONE = ("time", "validation_fraction", "window_norm")  # whose option knows the word none
NAMED = (
    "calendar", "cell", "coverage", "errors", "freq", "gaps", "history", "horizon", "intervals", "lookback", "loss",
    "max_iter", "missing", "overlap", "refit", "series", "static_covariates", "target", "time", "transform",
    "validation_fraction", "window_norm",
)  # fmt: skip


def argument(name: str, value: Any) -> Fix:
    """The fix that sets an argument: of a call in Python, by an option of the command.

    Parameters
    ----------
    name : str
        Name of the argument. The command sets those without an option of their own by `--set`.
    value : object
        None: the option is left out.

    Returns
    -------
    Fix

    Examples
    --------
    >>> for name, value in (("gaps", "mask"), ("series", ["store", "my item"]), ("freq", None), ("step", 1)):
    ...     print(argument(name, value), "|", argument(name, value).command)
    gaps='mask' | --gaps mask
    series=['store', 'my item'] | --series 'store,my item'
    freq=None | leave out --freq
    step=1 | --set step=1
    """
    code = f"{name}={value!r}"
    if name not in NAMED and name not in OPTIONS:
        return Fix(code, f"--set {name}={value}")
    option = f"--{OPTIONS.get(name, name).replace('_', '-')}"
    if value is None:
        return Fix(code, f"{option} none" if name in NONE else f"leave out {option}")
    texts = [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
    return Fix(code, f"{option} {shlex.quote(','.join(texts))}")


def longer_horizon(steps: int) -> Fix:
    """The fix of a model that forecasts too few steps, which is another fit.

    Parameters
    ----------
    steps : int

    Returns
    -------
    Fix

    Examples
    --------
    >>> longer_horizon(48).command
    '--horizon 48 in forecast fit'
    """
    return Fix(f"horizon={steps}", f"--horizon {steps} in forecast fit")


def install(package: str) -> Fix:
    """The fix where a package is missing, the same for both audiences.

    Parameters
    ----------
    package : str
        As pip takes it.

    Returns
    -------
    Fix

    Examples
    --------
    >>> install("narwhals"), install("narwhals").command
    ('pip install narwhals', 'pip install narwhals')
    """
    return Fix(f"pip install {package}", f"pip install {package}")


# -------------------- scikit-learn's cross-validation


def split_advice() -> Words:
    """How to split rows of a series, where scikit-learn's cross-validation made the call; else nothing.

    Its functions call an estimator's methods without saying so: the stack of calls is the only place that tells.

    Returns
    -------
    Words
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("sklearn.model_selection."):
            return Words(SPLIT_ADVICE, "")
        frame = frame.f_back
    return Words("", "")


SPLIT_ADVICE = (
    "In cross-validation, split with sklearn.model_selection.TimeSeriesSplit or "
    "forecast.model_selection.RollingOrigin: KFold and shuffled splits tear a series apart."
)
