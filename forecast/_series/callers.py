"""The caller: the user's line that a warning points to, and the scikit-learn tool that a call comes from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Caller"]

_OWN = __name__.partition(".")[0]


class Caller:
    """The call stack above this package.

    Scikit-learn's tools call an estimator's methods without a word on what they are for, so the stack is the only place
    that distinguishes a search of many folds from a single forecast, and a column that was shuffled on purpose from
    future rows. Nothing but names of modules and of functions is relied on, and what is not found changes nothing.

    Attributes
    ----------
    stacklevel : int
        Argument of `warnings.warn` in the function that made this object: the first line outside this package.
    """

    def __init__(self) -> None:
        frame, self.stacklevel = sys._getframe(1), 1
        while frame.f_back is not None and _package(frame) == _OWN:
            frame, self.stacklevel = frame.f_back, self.stacklevel + 1
        self._frame = frame

    def frames(self) -> Iterator[FrameType]:
        """From the innermost outwards, without those of this package at its start.

        Yields
        ------
        frame
        """
        frame: FrameType | None = self._frame
        while frame is not None:
            yield frame
            frame = frame.f_back

    def tool(self) -> str | None:
        """The name of the scikit-learn estimator or function that makes the call, or None.

        Returns
        -------
        str or None
        """
        for frame in self.frames():
            if _package(frame) not in ("sklearn", "joblib"):
                return None
            owner, name = frame.f_locals.get("self"), frame.f_code.co_name
            if isinstance(owner, BaseEstimator):
                return type(owner).__name__
            if not name.startswith("_") and _package(frame) == "sklearn" and name in frame.f_globals.get("__all__", ()):
                return name
        return None

    def loop(self) -> Any:
        """The `joblib.Parallel` that runs the call as one of many, or None.

        Returns
        -------
        joblib.Parallel or None
            The outermost one: of a search within a search that of the whole.
        """
        found = None
        for frame in self.frames():
            if frame.f_code.co_name == "__call__" and _package(frame) == "joblib":
                one = frame.f_locals.get("self")
                found = one if type(one).__name__ == "Parallel" else found
        return found

    def in_worker(self) -> bool:
        """Whether a thread or process of joblib runs the call, away from the stack of the loop that gave it out."""
        return any(
            frame.f_code.co_name == "__call__" and type(frame.f_locals.get("self")).__name__ == "BatchedCalls"
            for frame in self.frames()
            if _package(frame) == "joblib"
        )


def _package(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]
