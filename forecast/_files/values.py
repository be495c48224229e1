"""A fitted model as a tree of JSON and named tensors, and back.

JSON's own values stand for None, booleans, whole numbers of 64 bits, finite floats, strings and lists. Everything else
is an object whose member "is" names its kind; the other members are those of the kind, no more and no fewer. A kind is
a pair of functions, writer and reader, in `plain`, `arrays`, `times`, `tables` and `objects`; many values of one kind
are those of `columns`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal
from .._types import Array
from . import arrays, columns, objects, plain, tables, times
from .errors import ModelFileError

if TYPE_CHECKING:
    from .expected import Tree

__all__ = ["Reader", "Writer", "told_apart"]

DEEPEST = 60  # values inside of values; a model has some twenty
LARGEST = 2**64  # whole numbers; the hashes of greater ones can be made to collide

FEW = 100  # values of one hash
ROOM, STEPS = 1 << 20, 50_000  # bytes and values that any file may ask for
PLAIN = {bool, int, float, str, type(None)}

ROOMS = (plain, arrays, times, tables, objects)  # the order in which they are asked
READERS = {name: reader for room in (*ROOMS, columns) for name, reader in room.READERS.items()}


class Writer:
    """Turns values into a tree.

    Attributes
    ----------
    tensors : dict of str to ndarray
        Found on the way, named by their place.
    numbers : dict of int to int
        Numbers of the objects met so far, by `id`.
    folds : bool
        Whether many objects that are alike become one pattern.
    """

    def __init__(self, folds: bool = True) -> None:
        self.folds = folds
        self.tensors: dict[str, Array] = {}
        self.numbers: dict[int, int] = {}
        self.alive: list[Any] = []  # so that an `id` is not given twice

    def __call__(self, value: Any, place: str, depth: int = 0) -> Tree:
        """The tree of a value.

        Parameters
        ----------
        value : object
        place : str
            Its place in the model: the name of its tensor, also for messages.
        depth : int
            Values around it.

        Returns
        -------
        None, bool, int, float, str, list or dict
        """
        if depth > DEEPEST:
            raise ModelFileError(
                Refusal(f"more than {DEEPEST} values inside of each other, or one inside of itself", where=f"{place}:")
            )
        kind = type(value)
        if value is None or kind is bool or kind is str or (kind is int and abs(value) < LARGEST):
            return value
        if kind is float and np.isfinite(value):
            return value
        if kind is list or kind is columns.Alike:
            return columns.alike(self, value, place) or self.items(value, place, depth)
        for room in ROOMS:
            tree = room.write(self, value, place, depth)
            if tree is not None:
                return tree
        raise ModelFileError(
            Refusal(
                f"is a {kind.__module__}.{kind.__qualname__}; a model file holds plain values, arrays, time labels "
                "and such estimators of forecast and scikit-learn as are made of these",
                where=place,
                advice=(
                    "A pickle can hold it: use joblib.dump(model, path), and load one only from people you trust, "
                    "because it runs what it says."
                ),
            )
        )

    def items(self, values: Iterable[Any], place: str, depth: int) -> Tree:
        """The trees of some values side by side, or of their column."""
        return columns.column(self, list(values), place) or [
            self(value, f"{place}.{number}", depth + 1) for number, value in enumerate(values)
        ]

    def tensor(self, array: Array, place: str) -> str:
        """Keep an array of a plain dtype, in C order; the name that stands for it."""
        self.tensors[place] = array
        return place


class Reader:
    """Turns a tree back into values.

    Attributes
    ----------
    tensors : dict of str to ndarray
        Those not read yet.
    objects : list
        Those read so far, in the order in which they begin; None while they are being read.
    room : int
        Bytes of memory that may still be asked for.
    steps : int
        Values that patterns may still become.
    zones : set of str
        Names of the zones read so far, which Python keeps.
    """

    def __init__(self, tensors: dict[str, Array], room: int = 0, steps: int = 0) -> None:
        self.tensors = dict(tensors)
        self.room = room + ROOM
        self.steps = steps + STEPS
        self.objects: list[Any] = []
        self.zones: set[str] = set()

    def __call__(self, tree: Tree, depth: int = 0) -> Any:
        """The value of a tree."""
        if depth > DEEPEST:
            raise ModelFileError(Refusal(f"more than {DEEPEST} values inside of each other"))
        if isinstance(tree, list):
            return told_apart([self(part, depth + 1) for part in tree])
        if not isinstance(tree, dict):
            if type(tree) is int and abs(tree) >= LARGEST:
                raise ModelFileError(Refusal("a whole number of more than 64 bits"))
            return tree
        members = dict(tree)
        name = members.pop("is", None)
        if not isinstance(name, str) or name not in READERS:
            raise ModelFileError(
                Refusal(f"a value of the kind {str(name)[:40]!r}, which this version of forecast does not know")
            )
        names, read = READERS[name]
        if set(members) != set(names):
            raise ModelFileError(
                Refusal(f"a value of the kind {name!r} with the members {sorted(members)[:9]}, not {list(names)}")
            )
        return read(self, depth + 1, **members)

    def tensor(self, name: Tree) -> Array:
        """The tensor of a name; each is read once."""
        if not isinstance(name, str) or name not in self.tensors:
            raise ModelFileError(Refusal(f"no tensor {str(name)[:80]!r}, or it is read twice"))
        return self.tensors.pop(name)

    def items(self, tree: Tree, depth: int, what: str) -> list[Any]:
        """The values of what `Writer.items` wrote."""
        found = self(tree, depth)
        if type(found) is not list:
            raise ModelFileError(Refusal(f"got a {type(found).__name__}, expected a list", where=f"{what}:"))
        return found

    def spend(self, size: int, steps: int = 0) -> None:
        """Count memory and work that are about to be asked for; refuse what the size of the file does not justify."""
        self.room -= size
        self.steps -= steps
        if self.room < 0 or self.steps < 0:
            raise ModelFileError(Refusal("it asks for more memory or time than its size justifies"))


def told_apart(values: list[Any]) -> list[Any]:
    """The values, unless many that differ have one hash: a set would compare each with all others.

    Of plain values no hash has many: those of texts are secret, those of numbers are nearly the numbers.
    """
    groups: dict[int | None, list[Any]] = {}
    for value in values if len(values) > FEW else ():
        if type(value) not in PLAIN:
            groups.setdefault(_hash(value), []).append(value)
    for number, group in groups.items():
        if number is not None and sum(one is not group[0] and one != group[0] for one in group) > FEW:
            raise ModelFileError(Refusal(f"{len(group)} values of one hash"))
    return values


def _hash(value: Any) -> int | None:
    try:
        return hash(value)
    except TypeError:  # no key of anything
        return None
