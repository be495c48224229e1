"""One training at a time on an object: two at once would mix their results."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from ._refusals import Refusal

__all__ = ["Alone"]

_CLAIMS: dict[int, Alone] = {}  # id of an object -> the claim of the call that changes it
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_CLAIMS.clear)  # the thread that claimed an object is not in the child


class Alone:
    """While it lasts, no other thread may change the object.

    Parameters
    ----------
    of : object
    verb : str
        The method that claims it, for the message.
    whole : bool, default=False
        If the call raises, put back the attributes that the object had before it; also on Ctrl-C.

    Raises
    ------
    RuntimeError
        On entry: another thread has claimed it.

    Examples
    --------
    >>> model = object()
    >>> with Alone(model, "fit"):
    ...     pass
    """

    def __init__(self, of: Any, verb: str, whole: bool = False) -> None:
        self.of, self.verb, self.whole, self.thread = of, verb, whole, threading.get_ident()
        self.before: dict[str, Any] | None = None

    def __enter__(self) -> None:
        holder = _CLAIMS.setdefault(id(self.of), self)
        if holder.thread != self.thread:
            self._take_over(holder)
        if self.whole:
            self.before = self.of.__dict__.copy()

    def _take_over(self, holder: Alone) -> None:
        if holder.thread not in sys._current_frames():  # it ended without giving the object back: Ctrl-C came between
            _CLAIMS[id(self.of)] = self
            return
        raise RuntimeError(
            Refusal(
                f"{type(self.of).__name__}.{self.verb}: another thread is inside {holder.verb} of the same object",
                expected="one at a time",
                advice="Train a copy in each thread: sklearn.base.clone(model).",
            )
        )

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        if self.whole and raised is not None:
            self.of.__dict__ = self.before
        if _CLAIMS.get(id(self.of)) is self:  # the outermost call of this thread
            del _CLAIMS[id(self.of)]
