"""What a reader may take for granted of a tree that a stranger wrote: nothing that it did not ask here."""

from .errors import ModelFileError

__all__ = ["expect"]


def expect(value, kind, what):
    """The value, where it is of that very type.

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
        raise ModelFileError(f"{what}: got a {type(value).__name__}, expected a {kind.__name__}.")
    return value
