"""Many values of one kind as columns: numbers and texts as arrays, objects as one pattern and what differs in it.

A description of 10,000 series would otherwise be megabytes of JSON, which take many times as much memory when they are
read. What was described by a pattern is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .._types import Array
from .errors import ModelFileError
from .expected import expect

if TYPE_CHECKING:
    from .expected import Tree
    from .values import Reader, Writer

__all__ = ["READERS", "Alike", "AlikeDict", "alike", "column"]

MANY = 16  # values; fewer are written one by one
NUMBER = 40  # bytes of a Python number in a list
TEXT = 80  # of a text, besides its characters


def column(writer: Writer, values: list[Any], place: str) -> dict[str, Any] | None:
    """The tree of many numbers or texts, or None."""
    kinds = set(map(type, values)) if len(values) >= MANY else set()
    if kinds == {float}:
        array = np.array(values, dtype="<f8")
    elif kinds == {int} and -(2**63) <= min(values) and max(values) < 2**63:
        array = np.array(values, dtype="<i8")
    elif kinds == {str} and max(map(len, values)) and not any(value.endswith("\0") for value in values):
        array = np.array(values, dtype=str)
        if array.nbytes > 8 * sum(map(len, values)) + 64 * len(values):  # one long text among short ones
            return None
    else:
        return None
    return {"is": "column", "values": writer(array, place)}


def _column(reader: Reader, depth: int, values: Tree) -> list[Any]:
    array = reader(values, depth)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "fiuU":
        raise ModelFileError(Refusal("a column is not an array of numbers or texts"))
    reader.spend(array.size * (TEXT if array.dtype.kind == "U" else NUMBER))
    return array.tolist()


def alike(writer: Writer, values: Sequence[Any], place: str) -> dict[str, Any] | None:
    """The tree of many objects that differ only in numbers, texts and what their arrays hold, or None."""
    if len(values) < MANY or not writer.folds or len(set(map(type, values))) > 1:
        return None
    inner = [type(writer)(folds=False) for _ in values]
    trees = [one(value, "") for one, value in zip(inner, values, strict=True)]
    columns: list[Array] = []
    try:
        pattern = _folded(trees, columns)
        stacks = {name: _stacked([one.tensors[name] for one in inner]) for name in inner[0].tensors}
    except _UnlikeError:
        return None
    return {
        "is": "alike",
        "count": len(values),
        "pattern": pattern,
        "columns": [writer(part, f"{place}.({number})") for number, part in enumerate(columns)],
        "tensors": {name: writer.tensor(stack, f"{place}.(all){name}") for name, stack in stacks.items()},
    }


class _UnlikeError(Exception):
    """Values that need a description each."""


def _folded(trees: list[Tree], columns: list[Array]) -> Tree:
    """One tree for many; where they differ, the number of a column."""
    first, kinds = trees[0], set(map(type, trees))
    if kinds == {dict} and all(list(tree) == list(first) for tree in trees):
        for name in {"is", "class", "tensor"} & set(first):
            if any(tree[name] != first[name] for tree in trees):
                raise _UnlikeError
        return {name: _folded([tree[name] for tree in trees], columns) for name in first}
    if kinds == {list} and len(set(map(len, trees))) == 1:
        return [_folded([tree[number] for tree in trees], columns) for number in range(len(first))]
    if len(kinds) > 1 or kinds & {dict, list}:
        raise _UnlikeError
    if all(repr(tree) == repr(first) for tree in trees):
        return first
    array = np.array(trees) if kinds <= {int, float, str} else None
    if array is None or array.tolist() != trees or array.dtype.kind not in "ifU":
        raise _UnlikeError
    columns.append(array)
    return {"is": "item", "of": len(columns) - 1}


def _stacked(tensors: list[Array]) -> Array:
    first = tensors[0]
    if any((tensor.shape, tensor.dtype) != (first.shape, first.dtype) for tensor in tensors):
        raise _UnlikeError
    return np.stack(tensors)


class Alike(Sequence[Any]):
    """Values of one pattern, each made when it is first asked for.

    Parameters
    ----------
    count : int
    pattern : tree
    columns : list of ndarray of shape (count,)
        What fills the places of the pattern.
    tensors : dict of str to ndarray of shape (count, ...)
    """

    def __init__(self, count: int, pattern: Tree, columns: list[Array], tensors: dict[str, Array]) -> None:
        self._count, self._pattern, self._columns, self._tensors = count, pattern, columns, tensors
        self._made: dict[int, Any] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[at] for at in range(self._count)[number]]
        number = range(self._count)[number]
        if number not in self._made:
            self._made[number] = self.made(number)
        return self._made[number]

    def made(self, number: int) -> Any:
        """A value, made anew."""
        from .values import Reader  # which reads through this room

        reader = Reader({name: tensor[number].copy() for name, tensor in self._tensors.items()})
        made = reader(self._filled(self._pattern, number))
        if reader.tensors:
            raise ModelFileError(Refusal(f"nothing reads its tensor {next(iter(reader.tensors))[:80]!r}"))
        return made

    def _filled(self, tree: Tree, number: int) -> Tree:
        if isinstance(tree, list):
            return [self._filled(part, number) for part in tree]
        if not isinstance(tree, dict):
            return tree
        if tree.get("is") == "item":
            return self._columns[tree["of"]][number].item()
        return {name: self._filled(part, number) for name, part in tree.items()}


class AlikeDict(Mapping[Any, Any]):
    """A dict whose values are of one pattern.

    Parameters
    ----------
    keys : list
    values : Alike
    """

    def __init__(self, keys: Sequence[Any], values: Alike) -> None:
        self._numbers, self._values = {key: number for number, key in enumerate(keys)}, values

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._numbers)

    def __getitem__(self, key: Any) -> Any:
        return self._values[self._numbers[key]]

    def __contains__(self, key: object) -> bool:  # without making the value
        return key in self._numbers

    def __or__(self, other: Mapping[Any, Any]) -> dict[Any, Any]:
        return {**self, **other}


def _alike(reader: Reader, depth: int, count: Tree, pattern: Tree, columns: Tree, tensors: Tree) -> Alike:
    count = expect(count, int, "how many values are alike")
    columns = reader(expect(columns, list, "columns"), depth)
    tensors = {name: reader.tensor(of) for name, of in expect(tensors, dict, "stacked tensors").items()}
    parts = [*columns, *tensors.values()]
    if count < 0 or any(not isinstance(part, np.ndarray) or part.shape[:1] != (count,) for part in parts):
        raise ModelFileError(Refusal(f"{count} values that are alike, in columns of other lengths"))
    if any(part.ndim != 1 or part.dtype.kind not in "ifU" for part in columns):
        raise ModelFileError(Refusal("columns of values that are alike, but of no numbers or texts"))
    reader.spend(0, steps=count * _size(pattern))
    found = Alike(count, pattern, columns, tensors)
    for number in range(count):  # what cannot be made is refused now, not in a forecast
        found.made(number)
    return found


def _size(tree: Tree) -> int:
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return 1 + sum(map(_size, parts))


READERS = {
    "column": (("values",), _column),
    "alike": (("count", "pattern", "columns", "tensors"), _alike),
}
