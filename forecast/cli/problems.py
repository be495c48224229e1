"""What the user can mend, said in one line: the library's refusals in the words of the command, and close matches."""

import difflib
import re
from contextlib import contextmanager

__all__ = ["ProblemError", "close_to", "described", "refusals"]

# Advice for Python in the library's messages, and what a user of the command does in its place.
_WORDS = (
    (r"\s*In cross-validation, split with .*?tear a series apart", ""),
    (r"\s*X does not continue", "the future rows do not continue"),
    (r"Hours that come twice in autumn: tz_localize\(zone, ambiguous='infer'\)", "Hours twice in autumn: --timezone"),
    (r"model\.future_frame\(n\) gives the rows to fill\.(?: Fix: X = model\.future_frame\(\d*\))?",
     "--future-template FILE writes the rows to fill"),
    (r"fill the frame of model\.future_frame\(n\)", "fill the file that --future-template writes"),
    (r"which predict\(\) cannot know: fill .*? Fix: X = model\.future_frame\(\)", "which must be given. Fix: --future "
     "FILE; --future-template FILE writes the rows to fill"),
    (r"predict\(history=frame\) with past rows of a new series", "a data file with past rows of the new series"),
    (r"predict\(history=frame\)", "give a data file after the model"),
    (r"once, or series= where these are several series(.*)Fix: df = df(?:\.groupby\(.*?\)\.mean\(\)|\[~.*?\])",
     r"once\1Fix: one row for each stamp in the file, or --series COLUMN where they are several series"),
    (r"df = df\[~df\.reset_index\(\)\.duplicated\(.*?keep='last'\)\.to_numpy\(\)\]",
     "one row for each stamp and series"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[\1\]\.interpolate\([^)]*\),? or missing=['\"]mask['\"]", "--missing mask"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[('[^']*'|\"[^\"]*\")\]\.interpolate\([^)]*\)", "fill the cells of the file"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[\1\]\.replace\(\[np\.inf.*?limit_direction='both'\)",
     "mend the cells of the file"),
    (r"target=(['\"])(.*?)\1", r"--target \2"),
    (r", or fewer splits, or a shorter horizon\.(?: Fix: n_splits=\d+)?",
     ". Fix: fewer --origins, a smaller --step or a shorter --horizon"),
    (r", or gaps='interpolate'(, or another freq=)?\.(.*) Fix: gaps='mask'", r".\2 Fix: gaps='mask' or "
     r"gaps='interpolate'\1"),
    (r"\b(gaps|missing|series|time|freq)=['\"]([^'\"]*)['\"]", r"--\1 \2"),
    (r"\b(freq)=(?=[,. ])", r"--\1"),
    (r"[Gg]ive trading_calendar=\.", "Give --holidays FILE."),
    (r"trading_calendar=\.?", "--holidays FILE"),
    (r"validation_fraction=(\S+?)(?=[,. ]*(?:\s|$))", r"--validation-fraction \1"),
)  # fmt: skip


class ProblemError(Exception):
    """What the user can mend; shown in one line, without a traceback."""


def described(error):
    """A refusal of the library in the words of the command.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str
        In one line.

    Examples
    --------
    >>> described(ValueError("2 stamps are missing. Fix: gaps='mask' or another freq=."))
    '2 stamps are missing. Fix: --gaps mask or another --freq.'
    """
    text = " ".join(str(error).split())
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    text = re.sub(r"(?<!\.)\.\s*\.(?=\s|$)", ".", text)
    head, mark, fix = text.partition("Fix: ")
    return f"{head}Fix in pandas: {fix}" if mark and re.search(r"\b(df|pd|np)\b|\w+\.\w+\(", fix) else text


@contextmanager
def refusals(instead=()):
    """Turn what the library refuses into a problem that is shown in one line.

    Parameters
    ----------
    instead : list of (str, str), default=()
        Advice that has no option in a command, and what it says in its place.
    """
    try:
        yield
    except (TypeError, ValueError, ImportError) as error:
        text = described(error)
        for advice, other in instead:
            text = text.replace(advice, other)
        raise ProblemError(text) from error


def close_to(name, known, most=3):
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
