"""The classes of this package that a model file may hold, each under a name that never changes.

A class registers where it is defined, so that this room knows none of them, and a module may be renamed without a file
becoming unreadable: the name in the file stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .._records import record
from .._refusals import Refusal

__all__ = ["BY_CLASS", "BY_NAME", "Registered", "stored"]

T = TypeVar("T")


@record(frozen=True)
class Registered:
    """A registered class.

    Attributes
    ----------
    name : str
        Name in files.
    cls : type
        A dataclass, or an estimator.
    card : callable or None
        Function from a fitted object to its part of the model card.
    left_out : tuple of str
        Parameters that are stored as None, and fitted attributes that are not stored.
    """

    name: str
    cls: Any
    card: Callable[[Any], dict[str, Any]] | None = None
    left_out: tuple[str, ...] = ()


BY_NAME: dict[str, Registered] = {}
BY_CLASS: dict[type, Registered] = {}


def stored(
    name: str, *, card: Callable[[Any], dict[str, Any]] | None = None, left_out: tuple[str, ...] = ()
) -> Callable[[type[T]], type[T]]:
    """A class decorator: model files may hold its objects.

    Of a dataclass the fields are stored, but for those that begin with an underscore; of an estimator its parameters
    and what `fit` set. A method `_check_loaded`, where there is one, refuses what does not fit together.

    Parameters
    ----------
    name : str
        Name in files; never to be changed, or older files are lost.
    card : callable, default=None
        Function from a fitted object to its part of the model card, a dict.
    left_out : tuple of str, default=()
        Parameters that are stored as None, and fitted attributes that are not stored: what no file can hold, and what
        belongs to the machine rather than to the model.

    Returns
    -------
    callable
    """

    def register(cls: type[T]) -> type[T]:
        if name in BY_NAME:
            raise ValueError(Refusal(f"two classes would be {name!r} in model files: {BY_NAME[name].cls} and {cls}"))
        BY_NAME[name] = BY_CLASS[cls] = Registered(name, cls, card, tuple(left_out))
        return cls

    return register
