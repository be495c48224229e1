"""A plugin of pytest that records which places of the sources gave a fix that a test then ran.

With `-p recorded_fixes` and the variable `FORECAST_FIXES`, the name of the file to write: a JSON list of [path in the
package, line].
"""

import json
import os
import sys
from pathlib import Path

import pasted_fixes

from forecast import _refusals

PACKAGE = Path(_refusals.__file__).parent
NEW = _refusals.Refusal.__new__
place_of, run = {}, set()


def noted(cls, what="", **parts):
    """A refusal; the newest place that gave its fix is kept."""
    refusal = NEW(cls, what, **parts)
    if refusal.fix:
        frame = sys._getframe(1)
        while frame.f_code.co_filename == _refusals.__file__:
            frame = frame.f_back
        place_of[str(refusal.fix)] = (frame.f_code.co_filename, frame.f_lineno)
    return refusal


def noting(function):
    """`exec` or `eval`, which notes the places of the fixes in its code."""

    def noted_run(code, *scopes):
        run.update(place for fix, place in place_of.items() if isinstance(code, str) and fix in code)
        return function(code, *scopes)

    return noted_run


def pytest_collection_finish(session):
    """Put the two in place, in the modules alone that paste fixes."""
    _refusals.Refusal.__new__ = noted
    for module in {item.module for item in session.items} | {pasted_fixes}:
        module.exec, module.eval = noting(exec), noting(eval)


def pytest_sessionfinish(session):
    places = sorted((Path(file).relative_to(PACKAGE).as_posix(), line) for file, line in run if str(PACKAGE) in file)
    Path(os.environ["FORECAST_FIXES"]).write_text(json.dumps(places))
