"""A fitted model as a tree of JSON and named tensors, and back.

JSON's own values stand for None, booleans, whole numbers of 64 bits, finite floats, strings and lists. Everything else
is an object whose member "is" names its kind; the other members are those of the kind, no more and no fewer. A kind is
a pair of functions, writer and reader, in `plain`, `arrays`, `times`, `tables` and `objects`.
"""

import numpy as np

from . import arrays, objects, plain, tables, times
from .errors import ModelFileError

__all__ = ["Reader", "Writer"]

DEEPEST = 60  # values inside of values; a model has some twenty
LARGEST = 2**64  # whole numbers

ROOMS = (plain, arrays, times, tables, objects)  # the order in which they are asked
READERS = {name: reader for room in ROOMS for name, reader in room.READERS.items()}


class Writer:
    """Turns values into a tree.

    Attributes
    ----------
    tensors : dict of str to ndarray
        Found on the way, named by their place.
    numbers : dict of int to int
        Of the objects met so far, by `id`.
    """

    def __init__(self):
        self.tensors = {}
        self.numbers = {}
        self.alive = []  # so that an `id` is not given twice

    def __call__(self, value, place, depth=0):
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
            raise ModelFileError(f"{place}: more than {DEEPEST} values inside of each other, or one inside of itself.")
        kind = type(value)
        if value is None or kind is bool or kind is str or (kind is int and abs(value) < LARGEST):
            return value
        if kind is float and np.isfinite(value):
            return value
        if kind is list:
            return self.items(value, place, depth)
        for room in ROOMS:
            tree = room.write(self, value, place, depth)
            if tree is not None:
                return tree
        raise ModelFileError(
            f"{place} is a {kind.__module__}.{kind.__qualname__}; a model file holds plain values, arrays, time labels "
            "and such estimators of forecast and scikit-learn as are made of these. A pickle can hold it: use "
            "joblib.dump(model, path), and load one only from people you trust, because it runs what it says."
        )

    def items(self, values, place, depth):
        """The trees of some values side by side."""
        return [self(value, f"{place}.{number}", depth + 1) for number, value in enumerate(values)]

    def tensor(self, array, place):
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
    """

    def __init__(self, tensors):
        self.tensors = dict(tensors)
        self.objects = []

    def __call__(self, tree, depth=0):
        """The value of a tree."""
        if depth > DEEPEST:
            raise ModelFileError(f"more than {DEEPEST} values inside of each other.")
        if isinstance(tree, list):
            return [self(part, depth + 1) for part in tree]
        if not isinstance(tree, dict):
            return tree
        members = dict(tree)
        name = members.pop("is", None)
        if not isinstance(name, str) or name not in READERS:
            raise ModelFileError(
                f"a value of the kind {str(name)[:40]!r}, which this version of forecast does not know."
            )
        names, read = READERS[name]
        if set(members) != set(names):
            raise ModelFileError(
                f"a value of the kind {name!r} with the members {sorted(members)[:9]}, not {list(names)}."
            )
        return read(self, depth + 1, **members)

    def tensor(self, name):
        """The tensor of a name; each is read once."""
        if not isinstance(name, str) or name not in self.tensors:
            raise ModelFileError(f"no tensor {str(name)[:80]!r}, or it is read twice.")
        return self.tensors.pop(name)
