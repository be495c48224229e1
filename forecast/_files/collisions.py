"""Labels that pandas could not look up in reasonable time: many that its hash tables put into one place.

pandas hashes labels with functions that anyone can invert (`khash_python.h`), so a file of a megabyte could name a
hundred thousand labels of one hash, each of which is compared with all others.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._refusals import Refusal
from .._types import Array
from .errors import ModelFileError

__all__ = ["refuse_colliding"]

FEW = 100  # labels of one hash
AT_ONCE = 1 << 16  # labels, so that hashing takes little memory
Hashes: TypeAlias = npt.NDArray[np.uint32]
Bits: TypeAlias = npt.NDArray[np.uint64]
HashOf: TypeAlias = Callable[[Bits], Hashes]


def refuse_colliding(index: pd.Index) -> pd.Index:
    """Refuse an index with many labels of one hash.

    Parameters
    ----------
    index : pd.Index

    Returns
    -------
    pd.Index
        The same.

    Raises
    ------
    ModelFileError

    Examples
    --------
    >>> refuse_colliding(pd.RangeIndex(3))
    RangeIndex(start=0, stop=3, step=1)
    """
    if len(index) > FEW and not isinstance(index, pd.RangeIndex | pd.MultiIndex):
        for values, hash_of in _hashed(index):
            # Labels that are alike have one hash too and do no harm: they are looked at where there are many.
            if _crowded(values, hash_of) and (hash_of is _folded or _crowded(np.unique(values), hash_of)):
                raise ModelFileError(Refusal(f"more than {FEW} labels of one hash"))
    return index


def _hashed(index: pd.Index) -> Iterator[tuple[Array, HashOf]]:
    """What pandas may hash of an index, as numbers of 64 bits, and how; numbers of 32 bits are their own hashes."""
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex):
        yield index.asi8, _of_integers
    elif isinstance(index.dtype, np.dtype) and index.dtype.kind in "iufb":
        if index.dtype.itemsize == 8:
            yield index.to_numpy(), _of_floats if index.dtype.kind == "f" else _of_integers
    else:
        if index.dtype.kind in "iu":
            yield index.to_numpy(dtype=f"{index.dtype.kind}8", na_value=0), _of_integers
        elif index.dtype.kind == "f":
            yield index.to_numpy(dtype="f8", na_value=0.0), _of_floats
        # Hashes of texts are secret. What `values.told_apart` lets through is no burden to a dict.
        labels = dict.fromkeys(value for value in index.to_numpy(dtype=object) if type(value) is not str)
        yield np.array([_of_object(label) for label in labels], dtype=np.uint64), _folded


def _crowded(values: Array, hash_of: HashOf) -> bool:
    """Whether more than a few numbers have one hash."""
    hashes = np.empty(len(values), dtype=np.uint32)
    for first in range(0, len(values), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        hashes[part] = hash_of(np.ascontiguousarray(values[part]).view(np.uint64))
    hashes.sort()
    return bool((hashes[FEW:] == hashes[:-FEW]).any())


def _of_integers(bits: Bits) -> Hashes:
    return (bits >> np.uint64(33) ^ bits ^ bits << np.uint64(11)).astype(np.uint32)


def _folded(bits: Bits) -> Hashes:
    return (bits >> np.uint64(32) ^ bits).astype(np.uint32)


def _of_floats(bits: Bits) -> Hashes:
    """MurmurHash2 of the two halves of a number."""
    hashes = np.full(len(bits), (0xC70F6907 ^ 4) * int(MULTIPLIER) & 0xFFFFFFFF, dtype=np.uint32)
    for half in (bits.astype(np.uint32), (bits >> np.uint64(32)).astype(np.uint32)):
        half *= MULTIPLIER
        half ^= half >> np.uint32(24)
        half *= MULTIPLIER
        hashes ^= half
        hashes *= MULTIPLIER
    # The last product belongs to no half; without it and what follows, which can be undone, as many are alike.
    return hashes


def _of_object(value: Any) -> int:
    """Python's hash; of a tuple, pandas' own of its parts, which are folded."""
    if type(value) is not tuple:
        return hash(value) & MASK
    found = 2870177450012600261
    for part in value:
        inner = _of_object(part)
        found = (found + (inner >> 32 ^ inner & 0xFFFFFFFF) * 14029467366897019727) & MASK
        found = (found << 31 | found >> 33) * 11400714785074694791 & MASK
    return found


MULTIPLIER, MASK = np.uint32(0x5BD1E995), 2**64 - 1
