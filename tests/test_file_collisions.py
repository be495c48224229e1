"""Labels of a model file that hash tables would put into one place are refused, and honest labels never are."""

import numpy as np
import pandas as pd
import pytest

from forecast import ModelFileError
from forecast._files.collisions import FEW
from forecast._files.values import Reader, Writer

N = 3000
LOW = np.arange(1, 4 * N, dtype=np.uint64)
SPREAD = (LOW ^ LOW << np.uint64(11)) & np.uint64(2**32 - 1)
UPWARDS = SPREAD < 2**31
WHOLE = ((SPREAD << np.uint64(33) | LOW)[UPWARDS][:N]).view(np.int64)  # pandas' hash of each is 0
FOLDED = [number << 32 | number for number in range(1, N + 1)]  # the two halves of each hash are alike


def floats():
    """Numbers whose two halves undo each other in MurmurHash2."""
    multiplier, mask = 0x5BD1E995, np.uint64(2**32 - 1)
    back = np.uint64(pow(multiplier, -1, 2**32))
    first = np.arange(1, N + 1, dtype=np.uint64)
    half = first * np.uint64(multiplier) & mask
    half = (half ^ half >> np.uint64(24)) * np.uint64(multiplier) & mask
    half = (np.uint64((0xC70F6907 ^ 4) * multiplier & (2**32 - 1)) ^ half) * np.uint64(multiplier) & mask
    half = half * back & mask
    half = (half ^ half >> np.uint64(24)) * back & mask
    found = (half << np.uint64(32) | first).view(np.float64)
    return found[np.isfinite(found)]


def put_into_words(index):
    """The index as a file has it, and what reads it."""
    writer = Writer()
    tree = writer(index, "index")
    return lambda: Reader(dict(writer.tensors), room=10**7, steps=10**6)(tree)


HOSTILE = {
    "whole numbers": lambda: pd.Index(WHOLE),
    "stamps": lambda: pd.DatetimeIndex(WHOLE.view("M8[ns]")),
    "durations": lambda: pd.TimedeltaIndex(WHOLE.view("m8[ns]")),
    "periods": lambda: pd.PeriodIndex.from_ordinals(WHOLE, freq="D"),
    "floats": lambda: pd.Index(floats()),
    "nullable numbers": lambda: pd.Index([None, *WHOLE], dtype="Int64"),
    "nullable floats": lambda: pd.Index([None, *floats()], dtype="Float64"),
    "objects": lambda: pd.Index([None, *FOLDED], dtype=object),
    "tuples": lambda: pd.Index([(number, "a") for number in FOLDED], tupleize_cols=False),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_labels_of_one_hash_are_refused(kind):
    with pytest.raises(ModelFileError, match=f"more than {FEW} labels of one hash"):
        put_into_words(HOSTILE[kind]())()


def test_categories_and_levels_of_one_hash_are_refused():
    writer = Writer()
    labels = writer(pd.Index(WHOLE), "labels")
    codes = [writer(np.arange(len(WHOLE)), "codes")]
    for tree in (
        {"is": "category dtype", "categories": labels, "ordered": False},
        {"is": "levels", "levels": [labels], "codes": codes, "name": [None]},
    ):
        with pytest.raises(ModelFileError, match="labels of one hash"):
            Reader(dict(writer.tensors))(tree)


rng = np.random.default_rng(0)
HONEST = {
    "random numbers": lambda: pd.Index(rng.integers(-(2**63), 2**63, size=50_000)),
    "multiples": lambda: pd.Index(np.arange(50_000) * 2**32),
    "days of two centuries": lambda: pd.date_range("1900", periods=73_000, unit="ns"),
    "microseconds": lambda: pd.date_range("2024", periods=50_000, freq="us", unit="ns"),
    "years": lambda: pd.PeriodIndex.from_ordinals(np.arange(2000), freq="Y"),
    "the same label often": lambda: pd.Index(np.repeat([3, 4], 1000)),
    "random floats": lambda: pd.Index(rng.normal(size=50_000)),
    "whole floats": lambda: pd.Index(np.arange(50_000.0)),
    "missing floats": lambda: pd.Index([np.nan] * 1000 + [1.0]),
    "small numbers": lambda: pd.Index(np.arange(200, dtype=np.uint8)),
    "nullable numbers": lambda: pd.Index([None, *range(5000)], dtype="Int64"),
    "texts": lambda: pd.Index([f"shop {number}" for number in range(5000)]),
    "tuples": lambda: pd.Index([(number, "a") for number in range(5000)], tupleize_cols=False),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_labels_are_read(kind):
    index = HONEST[kind]()
    assert put_into_words(index)().equals(index)
