"""`record`: a dataclass that takes a tenth of the time at import.

`dataclasses.dataclass` writes and compiles up to six functions for each class, half a millisecond each time the package
is imported. Here all classes share functions that are compiled once. `dataclasses.replace`, `fields` and `asdict` take
them, and to a type checker `record` is `dataclass`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["record"]


def _bound(self: Any, names: list[str], values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Arguments by name; any that Python would refuse are refused here."""
    given = dict(zip(names, values, strict=False))
    wrong = [name for name in named if name in given or name not in names]
    if wrong or len(values) > len(names):
        what = f"an unexpected or repeated argument {wrong[0]!r}" if wrong else f"{len(values)} values by position"
        raise TypeError(f"{type(self).__name__} has the fields {', '.join(names)}, but got {what}")
    return given | named


def _init(self: Any, *values: Any, **named: Any) -> None:
    own = fields(self)
    given = _bound(self, [one.name for one in own if one.init], values, named)
    for one in own:
        if one.name in given:
            value = given[one.name]
        elif one.default_factory is not MISSING:
            value = one.default_factory()
        elif one.default is not MISSING:
            value = one.default
        else:
            raise TypeError(f"{type(self).__name__} got no value for its field {one.name!r}")
        vars(self)[one.name] = value
    if hasattr(self, "__post_init__"):
        self.__post_init__()


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, one.name) for one in fields(self) if one.compare)


def _eq(self: Any, other: object) -> Any:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _refuse(self: Any, name: str, *value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


_METHODS = {"__init__": _init, "__repr__": _repr, "__eq__": _eq}
_FROZEN = {"__hash__": _hash, "__setattr__": _refuse, "__delattr__": _refuse}

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(cls: type | None = None, *, frozen: bool = False) -> type | Callable[[type], type]:
        """A class decorator as `dataclasses.dataclass`, of which it takes the one option that is in use."""
        if cls is None:
            return lambda cls: record(cls, frozen=frozen)
        methods = _METHODS | (_FROZEN if frozen else {"__hash__": None})
        for name, method in methods.items():
            if name not in vars(cls):
                setattr(cls, name, method)
        return dataclass(init=False, repr=False, eq=False)(cls)
