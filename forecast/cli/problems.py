"""What the user can mend, said in one line: the library's refusals in the words of the command, and close matches."""

import difflib
import re
from contextlib import contextmanager

__all__ = [
    "ProblemError", "close_to", "described", "in_one_line", "listed", "refusals", "short_problems", "shown",
    "shown_path",
]  # fmt: skip

ROOM = 180  # characters of a message
# Advice for Python in the library's messages, and what a user of the command does in its place.
_WORDS = (
    (r"Holidays: give the index a CustomBusinessDay frequency", "Holidays: --holidays FILE"),
    (r"\s*Fix: df = df[^ ]*\.resample\(\S+\)\.mean\(\)\.interpolate\(\)(?:\.reset_index\([^)]*\))?\.?", ""),
    (r"\s*In cross-validation, split with .*?tear a series apart", ""),
    (r"\s*X does not continue", "the future rows do not continue"),
    (r"Hours that come twice in autumn: tz_localize\(zone, ambiguous='infer'\)", "Hours twice in autumn: --timezone"),
    (r"model\.future_frame\(n\) gives the rows to fill\.(?: Fix: X = model\.future_frame\(\d*\))?",
     "--future-template FILE writes the rows to fill"),
    (r"fill the frame of model\.future_frame\(n\)", "fill the file that --future-template writes"),
    (r"which predict\(\) cannot know: fill .*? Fix: X = model\.future_frame\(\d*\)",
     "which must be given. Fix: --future FILE; --future-template FILE writes the rows to fill"),
    (r"predict\(history=frame\) with past rows of a new series", "a data file with past rows of the new series"),
    (r"predict\(history=frame\)", "give a data file after the model"),
    (r"model\.update\(new_rows, overlap='skip'\)", "--overlap skip"),
    (r"model\.set_params\((gaps='\w+')\)\.update\(new_rows\)", r"\1"),
    (r"model\.update\(new_rows\)", "a file with rows of each series"),
    (r"update\(\.\.\., history=all old rows\)", "--history FILE"),
    (r"\bnew_rows\b", "the file"),
    (r"^static has (no row for .*?) of (?:X|the history|the file|df): (.*), or columns (\[.*\]) in .*\.$",
     r"static has \1: \2. Fix: --static FILE with their rows, or columns \3."),
    (r"(series of )X(: .*, or columns \[.*\] in )X\b", r"\1the file\2it"),
    (r"static = static(\.drop_duplicates\(|\[~).*", "one row for each series in --static"),
    (r"static\[('[^']*'|\"[^\"]*\")\] = static\[\1\]\.fillna\(.*\)",
     r"fill the cells, or leave \1 out of --static-covariates"),
    (r"predict\(\) (forecasts|leaves)", r"forecast predict \1"),
    (r"until update\(\) has", "until forecast update has"),
    (r"once, or series= where these are several series(.*)Fix: df = df(?:\.groupby\(.*?\)\.mean\(\)|\[~.*?\])",
     r"once\1Fix: one row for each stamp in the file, or --series COLUMN where they are several series"),
    (r"df = df(\.drop_duplicates\(|\[~).*?keep='last'\)(\.to_numpy\(\)\])?", "one row for each stamp and series"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[\1\]\.interpolate\([^)]*\),? or missing=['\"]mask['\"]", "--missing mask"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[('[^']*'|\"[^\"]*\")\]\.interpolate\([^)]*\)", "fill the cells of the file"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = pd\.to_numeric\(df\[\1\], errors='coerce'\)", "numbers in its cells"),
    (r"df\[('[^']*'|\"[^\"]*\")\] = df\[\1\]\.replace\(\[np\.inf.*?limit_direction='both'\)",
     "mend the cells of the file"),
    (r" All of them together: target=.*?\. Fix: target=", " Fix: target="),
    (r"target=(['\"])(.*?)\1", r"--target \2"),
    (r", or fewer splits, or a shorter horizon\.(?: Fix: n_splits=\d+)?",
     ". Fix: fewer --origins, a smaller --step or a shorter --horizon"),
    (r", or gaps='interpolate'(, or another freq=)?\.(.*) Fix: gaps='mask'", r".\2 Fix: gaps='mask' or "
     r"gaps='interpolate'\1"),
    (r"\b(gaps|missing|series|time|freq|errors|refit)=['\"]([^'\"]*)['\"]", r"--\1 \2"),
    (r"\b(freq)=(?=[,. ])", r"--\1"),
    (r"[Gg]ive trading_calendar=\.", "Give --holidays FILE."),
    (r"trading_calendar=\.?", "--holidays FILE"),
    (r"validation_fraction=(\S+?)(?=[,. ]*(?:\s|$))", r"--validation-fraction \1"),
    (r"\bintervals='(\w+)' is for coverage, which is None", r"--intervals \1 is for --coverage, which is missing"),
    (r"\bcoverage=(0\.\d+)", r"--coverage \1"),
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
    text, mark, code = " ".join(str(error).split()).partition("Fix:")
    text += mark + re.sub(r"(?<![\w.'\"])(?:new_rows|history)(?=[\[. ])", "df", code)
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    text = _shortened(re.sub(r"(?<!\.)\.\s*\.(?=\s|$)", ".", text))
    head, mark, fix = text.partition("Fix: ")
    return f"{head}Fix in pandas: {fix}" if mark and re.search(r"\b(df|pd|np)\b|\w+\.\w+\(", fix) else text


def _shortened(text):
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
def short_problems():
    """Problems with a file are short lines, however long its names and cells are."""
    try:
        yield
    except ProblemError as problem:
        raise ProblemError(in_one_line(problem)) from None


@contextmanager
def refusals(instead=(), of_data=False):
    """Turn what the library refuses into a problem that is shown in one line.

    Parameters
    ----------
    instead : list of (str, str), default=()
        Advice that has no option in a command, and what it says in its place.
    of_data : bool, default=False
        It is the data that may be refused: in a short line.
    """
    try:
        yield
    except (TypeError, ValueError, ImportError) as error:
        text = described(error)
        for advice, other in instead:
            text = text.replace(advice, other)
        raise ProblemError(in_one_line(text) if of_data else text) from error


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


def in_one_line(text):
    """A message as one line of at most `ROOM` characters: what is too long is left out before the fix.

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
    head, mark, fix = text.partition(" Fix: ")
    room = ROOM - len(mark) - len(fix) - 3
    return f"{head[:room]}...{mark}{fix}" if room > 60 else f"{text[: ROOM - 3]}..."


def shown(value, room=40):
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


def shown_path(path, room=50):
    """As `shown`, for a path: its end says most."""
    text = str(path)
    return repr(text if len(text) <= room else "..." + text[3 - room :])


def listed(names, room=80):
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
