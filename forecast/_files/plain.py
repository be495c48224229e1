"""Python's containers, the floats that JSON has not, slices, NumPy's scalars, and NumPy's functions by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .columns import Alike, AlikeDict, alike
from .errors import ModelFileError
from .expected import expect

if TYPE_CHECKING:
    from .expected import Tree
    from .values import Reader, Writer

__all__ = ["READERS", "write"]

ENTRY = 120  # bytes of a dict and of the sets that are made of its keys
TYPES = {kind.__name__: kind for kind in (bool, int, float, str, object)}


def write(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    """The tree of a value of this room, or None."""
    kind = type(value)
    if kind is float:
        return {"is": "float", "value": str(value)}
    if kind is tuple:
        return {"is": "tuple", "items": writer.items(value, place, depth)}
    if kind is dict or kind is AlikeDict:
        if (many := alike(writer, list(value.values()), place)) is not None:
            return {"is": "alike dict", "keys": writer.items(value, f"{place}.(keys)", depth), "values": many}
        places = [f"{place}.{key if _is_name(key) else number}" for number, key in enumerate(value)]
        keys = writer.items(value, f"{place}.(keys)", depth)
        values = [writer(part, at, depth + 1) for part, at in zip(value.values(), places, strict=True)]
        return {"is": "dict", "keys": keys, "values": values}
    if kind is slice:
        return {"is": "slice", "bounds": writer.items((value.start, value.stop, value.step), place, depth)}
    if isinstance(value, np.generic):
        return _write_number(value)
    name = getattr(value, "__name__", "")
    if kind is np.ufunc and vars(np).get(name) is value:
        return {"is": "numpy function", "name": name}
    if isinstance(value, type):
        if TYPES.get(name) is value:
            return {"is": "type", "name": name}
        if issubclass(value, np.generic) and vars(np).get(name) is value:
            return {"is": "numpy type", "name": name}
    return None


def _is_name(key: object) -> bool:
    return type(key) is str and key.isascii() and key.isidentifier()


def _write_number(value: np.generic) -> dict[str, Any] | None:
    dtype = value.dtype
    if dtype.kind == "f" and dtype.itemsize <= 8:
        plain = float(value) if np.isfinite(value) else str(float(value))
    elif dtype.kind in "iu":
        plain = int(value)
    elif dtype.kind in "mM":
        plain = int(value.view(np.int64))
    elif dtype.kind in "bU":
        plain = value.item()
    else:
        return None
    name = "str" if dtype.kind == "U" else dtype.newbyteorder("<").str
    return {"is": "number", "dtype": name, "value": plain}


def _number(reader: Reader, depth: int, dtype: Tree, value: Any) -> np.generic:
    if dtype == "str":
        return np.str_(expect(value, str, "a numpy string"))
    dtype = plain_dtype(dtype)
    if dtype.kind == "b":
        return np.bool_(expect(value, bool, "a numpy boolean"))
    if dtype.kind in "mM":
        return np.int64(expect(value, int, "a numpy time")).view(dtype)
    if dtype.kind in "iu":
        return dtype.type(expect(value, int, "a numpy number"))
    number = _float(reader, depth, value) if isinstance(value, str) else expect(value, float, "a numpy number")
    return dtype.type(number)


def plain_dtype(name: Tree) -> np.dtype[Any]:
    """A dtype of plain values by the name that NumPy gives it; structures and Python objects are refused."""
    dtype = np.dtype(expect(name, str, "a dtype")) if len(str(name)) < 20 else None
    if dtype is None or dtype.kind not in "biufmMUS" or dtype.str != name or dtype.itemsize == 0:
        raise ModelFileError(Refusal(f"a dtype {str(name)[:40]!r}, which is none of a model file"))
    return dtype


def _float(reader: Reader, depth: int, value: Any) -> float:
    if value not in ("nan", "inf", "-inf"):
        raise ModelFileError(Refusal(f"a float {str(value)[:40]!r}", expected="nan, inf or -inf"))
    return float(value)


def _tuple(reader: Reader, depth: int, items: Tree) -> tuple[Any, ...]:
    return tuple(reader.items(items, depth, "a tuple"))


def _keys(reader: Reader, keys: Tree, depth: int, values: Sequence[Any]) -> list[Any]:
    keys = reader.items(keys, depth, "a dict")
    reader.spend(len(keys) * ENTRY)
    if len(set(keys)) != len(keys) or len(keys) != len(values):
        raise ModelFileError(Refusal(f"a dict of {len(keys)} keys, some of them twice, or without as many values"))
    return keys


def _dict(reader: Reader, depth: int, keys: Tree, values: Tree) -> dict[Any, Any]:
    found = reader.items(values, depth, "a dict")
    return dict(zip(_keys(reader, keys, depth, found), found, strict=True))


def _alike_dict(reader: Reader, depth: int, keys: Tree, values: Tree) -> AlikeDict:
    found = reader(values, depth)
    if not isinstance(found, Alike):
        raise ModelFileError(Refusal(f"a {type(found).__name__} in place of values that are alike"))
    return AlikeDict(_keys(reader, keys, depth, found), found)


def _slice(reader: Reader, depth: int, bounds: Tree) -> slice:
    return slice(*reader(expect(bounds, list, "a slice"), depth))


def _function(reader: Reader, depth: int, name: Tree) -> np.ufunc:
    found = vars(np).get(expect(name, str, "a function of NumPy"))  # not getattr, at which NumPy imports modules
    if type(found) is not np.ufunc:  # arithmetic on arrays, nothing else
        raise ModelFileError(Refusal(f"a function of NumPy {name[:40]!r}, which is not a ufunc"))
    return found


def _type(reader: Reader, depth: int, name: Tree) -> type:
    if not isinstance(name, str) or name not in TYPES:
        raise ModelFileError(Refusal(f"a type {str(name)[:40]!r}", expected=f"one of {sorted(TYPES)}"))
    return TYPES[name]


def _numpy_type(reader: Reader, depth: int, name: Tree) -> type[np.generic]:
    found = vars(np).get(expect(name, str, "a type of NumPy"))
    if not isinstance(found, type) or not issubclass(found, np.generic):
        raise ModelFileError(Refusal(f"a type of NumPy {name[:40]!r}, which is not a scalar"))
    return found


READERS = {
    "float": (("value",), _float),
    "tuple": (("items",), _tuple),
    "dict": (("keys", "values"), _dict),
    "alike dict": (("keys", "values"), _alike_dict),
    "slice": (("bounds",), _slice),
    "number": (("dtype", "value"), _number),
    "numpy function": (("name",), _function),
    "type": (("name",), _type),
    "numpy type": (("name",), _numpy_type),
}
