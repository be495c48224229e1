"""Checks of a tree written by a stranger: a reader may rely only on what was checked here."""

from .._refusals import Refusal
from .errors import ModelFileError

__all__ = ["expect"]


def expect(value, kind, what):
    """The value, if it has exactly that type.

    Parameters
    ----------
    value : object
    kind : type
    what : str
        For the message.

    Returns
    -------
    object
    """
    if type(value) is not kind:
        raise ModelFileError(Refusal(f"got a {type(value).__name__}, expected a {kind.__name__}", where=f"{what}:"))
    return value
