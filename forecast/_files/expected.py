"""Checks of a tree written by a stranger: a reader may rely only on what was checked here."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

from .._refusals import Refusal
from .errors import ModelFileError

__all__ = ["Tree", "expect"]

Tree: TypeAlias = Any  # what JSON holds: None, a boolean, a number, a string, a list or a dict; unchecked when read
T = TypeVar("T")


def expect(value: object, kind: type[T], what: str) -> T:
    """The value, if it has exactly that type.

    Parameters
    ----------
    value : object
    kind : type
    what : str
        Name of the value in the message.

    Returns
    -------
    object
    """
    if type(value) is not kind:
        raise ModelFileError(Refusal(f"got a {type(value).__name__}, expected a {kind.__name__}", where=f"{what}:"))
    return value
