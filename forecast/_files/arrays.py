"""NumPy's arrays, dtypes and random states."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .._types import Array
from .errors import ModelFileError
from .expected import expect
from .plain import plain_dtype

if TYPE_CHECKING:
    from .expected import Tree
    from .values import Reader, Writer

__all__ = ["READERS", "write"]

LARGEST_RANK = 8


def write(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    """The tree of a value of this room, or None."""
    if type(value) in (np.ndarray, np.memmap):
        return _write_array(writer, np.asarray(value), place, depth)
    if isinstance(value, np.dtype):
        if value.kind == "O":
            return {"is": "dtype", "name": "object"}
        known = value.kind in "biufmMUS" and value.itemsize
        return {"is": "dtype", "name": value.newbyteorder("<").str} if known else None
    if type(value) is np.random.RandomState:
        return _write_random_state(writer, value, place)
    return None


def _write_array(writer: Writer, array: Array, place: str, depth: int) -> dict[str, Any] | None:
    if array.dtype.kind == "O":
        shape = list(array.shape)
        return {"is": "objects", "shape": shape, "items": writer.items(array.ravel().tolist(), place, depth)}
    if array.dtype.kind not in "biufmMUS" or array.itemsize == 0 or (array.dtype.kind == "f" and array.itemsize > 8):
        return None
    # The order in memory decides the bits of a matrix product, so it is kept, as pickle keeps it.
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    array = array.T if order == "F" else array
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    name = writer.tensor(_bare(array), place)
    return {"is": "array", "tensor": name, "dtype": array.dtype.newbyteorder("<").str, "order": order}


def _bare(array: Array) -> Array:
    """As a tensor: times as whole numbers, texts as code points on an axis of their own."""
    if array.dtype.kind in "mM":
        return array.view("<i8")
    if array.dtype.kind == "U":
        return np.frombuffer(array.tobytes(), "<u4").reshape(*array.shape, array.itemsize // 4)
    if array.dtype.kind == "S":
        return np.frombuffer(array.tobytes(), "|u1").reshape(*array.shape, array.itemsize)
    return array


def _array(reader: Reader, depth: int, tensor: Tree, dtype: Tree, order: Tree) -> Array:
    bare, dtype = reader.tensor(tensor), plain_dtype(dtype)
    if dtype.kind in "US":
        unit = "<u4" if dtype.kind == "U" else "|u1"
        length = dtype.itemsize // np.dtype(unit).itemsize
        if bare.dtype.str != unit or bare.ndim == 0 or bare.shape[-1] != length:
            raise ModelFileError(
                Refusal(f"tensor {tensor!r}: {bare.dtype} of shape {bare.shape}, but texts of {dtype}")
            )
        if dtype.kind == "U" and bare.max(initial=0) > sys.maxunicode:
            raise ModelFileError(Refusal("holds what is no character", where=f"tensor {tensor!r}"))
        array = bare.view(dtype)[..., 0]
    else:
        if bare.dtype.str != ("<i8" if dtype.kind in "mM" else dtype.str):
            raise ModelFileError(Refusal(f"tensor {tensor!r}: {bare.dtype}, but its values are {dtype}"))
        array = bare.view(dtype)
    if order not in ("C", "F"):
        raise ModelFileError(Refusal(f"tensor {tensor!r}", got=f"order {str(order)[:20]!r}", expected="C or F"))
    return array.T if order == "F" else array


ROW = 128  # bytes of an empty row


def _objects(reader: Reader, depth: int, shape: Tree, items: Tree) -> Array:
    values = reader.items(items, depth, "an array of objects")
    sizes = [expect(size, int, "a shape") for size in expect(shape, list, "a shape")]
    count = 1
    for size in sizes:  # not numpy's product, which goes round beyond 64 bits
        count *= size
    if count != len(values) or len(sizes) > LARGEST_RANK or min(sizes, default=0) < 0:
        raise ModelFileError(Refusal(f"an array of objects of shape {sizes[:9]} with {len(values)} values"))
    if not values:
        reader.spend(ROW * sum(sizes))  # an axis of any length takes nothing here, but a list of its rows does
    array = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):  # a slice would unpack values that are lists themselves
        array[number] = value
    return array.reshape(sizes)


def _dtype(reader: Reader, depth: int, name: Tree) -> np.dtype[Any]:
    return np.dtype(object) if name == "object" else plain_dtype(name)


def _write_random_state(writer: Writer, value: np.random.RandomState, place: str) -> dict[str, Any] | None:
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        return None
    return {
        "is": "RandomState",
        "key": writer(state["state"]["key"], f"{place}.key"),
        "position": int(state["state"]["pos"]),
        "has_gauss": int(state["has_gauss"]),
        "gauss": float(state["gauss"]),
    }


def _random_state(
    reader: Reader, depth: int, key: Tree, position: Tree, has_gauss: Tree, gauss: Tree
) -> np.random.RandomState:
    key = reader(key, depth)
    if not isinstance(key, np.ndarray) or key.dtype != np.uint32 or key.shape != (624,):
        raise ModelFileError(Refusal("the state of a RandomState: expected 624 numbers of 32 bits"))
    if not 0 <= expect(position, int, "the position of a RandomState") <= 624:
        raise ModelFileError(Refusal(f"the position of a RandomState is {position}", expected="0 to 624"))
    made = np.random.RandomState(0)
    made.set_state(("MT19937", key, position, int(has_gauss == 1), expect(gauss, float, "a RandomState's number")))
    return made


READERS = {
    "array": (("tensor", "dtype", "order"), _array),
    "objects": (("shape", "items"), _objects),
    "dtype": (("name",), _dtype),
    "RandomState": (("key", "position", "has_gauss", "gauss"), _random_state),
}
