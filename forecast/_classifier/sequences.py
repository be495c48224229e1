"""The X of RNNClassifier: sequences of equal or unequal length, aligned at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from .._dlpack import as_numpy
from .._refusals import Refusal
from .._windows import Windows

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from .._types import Array, Floats, Integers
    from .estimator import RNNClassifier

__all__ = ["ending_together", "refuse_without_effect"]


def ending_together(model: RNNClassifier, X: Any, steps: int | None = None) -> tuple[Any, NDArray[np.int64] | None]:
    """X with the end of each sequence at the last step.

    Parameters
    ----------
    model : RNNClassifier
    X : array-like, or sequence of arrays
        As in `fit`.
    steps : int, default=None
        Smallest number of steps, as in the fit. None: the length of the longest sequence.

    Returns
    -------
    X : as given, or ndarray of shape (n, steps, channels)
        Sequences of unequal length are filled up with zeros at the beginning.
    begin : ndarray of int64 of shape (n,) or None
        Where each begins; None: all at 0.

    Raises
    ------
    TypeError, ValueError
        The type of X is unknown, a sequence is empty, or a code is outside the vocabulary.
    """
    if isinstance(X, Windows):
        raise TypeError(
            Refusal(
                "RNNClassifier reads arrays of shape (n, steps) or (n, steps, channels), got Windows",
                where="X:",
                advice="Pass np.asarray(windows), and set n_channels.",
            )
        )
    X = as_numpy(X, "X")
    if getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1:  # an array or a Series of sequences
        X = list(X)
    table: Any
    lengths: Any
    if _is_uneven(model, X, steps):
        table, lengths = _padded(X, steps)
    elif type(X) is np.ndarray and X.dtype.kind in "fiu" and X.ndim in (2, 3) and X.size:
        table, lengths = _without_padding(model, X)
    else:
        table = lengths = None
    if model.vocabulary is not None:
        _refuse_no_codes(model, X if table is None else table, lengths)
    if lengths is None:
        return X, None
    begin = table.shape[1] - lengths
    if not begin.any() and steps in (None, table.shape[1]):
        return table, None
    moved = np.zeros_like(table)
    moved[np.arange(table.shape[1]) >= begin[:, None]] = table[np.arange(table.shape[1]) < lengths[:, None]]
    return moved, begin.astype(np.int64)


def _is_uneven(model: RNNClassifier, X: Any, steps: int | None) -> bool:
    """Whether X is a list of sequences that differ in length, among themselves or from those of the fit."""
    if not isinstance(X, list | tuple) or not all(hasattr(row, "__len__") for row in X):
        return False
    lengths = {len(row) for row in X}
    if steps is None or len(lengths) != 1:
        return len(lengths) > 1
    return lengths != {steps} and (model.n_channels == 1 or np.ndim(X[0]) == 2)  # else a row may have all its channels


def _padded(X: Any, steps: int | None) -> tuple[Floats, Integers]:
    """A list of sequences as one array, with NaN behind the end of each."""
    rows = [np.asarray(as_numpy(row, "X")) for row in X]
    shapes = {row.shape[1:] for row in rows}
    kinds = {row.dtype.kind for row in rows}
    if len(shapes) > 1 or len(next(iter(shapes))) > 1 or not kinds <= set("fiub"):
        raise ValueError(
            Refusal(
                where="X",
                got=f"shapes such as {sorted({row.shape for row in rows})[:3]}",
                expected="numbers of shape (steps,) or (steps, channels) for each sequence, with the same channels",
            )
        )
    lengths = np.array([len(row) for row in rows])
    most = max(int(lengths.max()), steps or 0)
    _refuse_empty(lengths)
    for i, row in enumerate(rows):
        if row.dtype.kind == "f" and not np.isfinite(row).all():
            raise ValueError(Refusal(f"sequence {i} contains NaN or infinity", where="X:", expected="finite numbers"))
    single = all(row.dtype == np.float32 for row in rows)
    table = np.full((len(rows), most, *(shapes.pop() or (1,))), np.nan, dtype=np.float32 if single else np.float64)
    for row, to in zip(rows, table, strict=True):
        to[: len(row)] = row.reshape(len(row), -1)
    return table, lengths


def _without_padding(model: RNNClassifier, X: Any) -> tuple[Array, Integers] | tuple[None, None]:
    """An array as (n, steps, channels) with the lengths of its sequences; None, None: none ends early."""
    if X.ndim == 2 and X.shape[1] % model.n_channels:
        return None, None
    table = X.reshape(len(X), -1, X.shape[2] if X.ndim == 3 else model.n_channels)
    empty: Any = np.isnan(table) if X.dtype.kind == "f" else np.zeros(table.shape, dtype=bool)
    if model.vocabulary is not None:
        empty |= table == -1
    empty = empty.all(axis=2)
    if not empty[:, -1].any():
        return None, None
    lengths = table.shape[1] - np.argmin(empty[:, ::-1], axis=1) * empty[:, -1]
    lengths[empty.all(axis=1)] = 0
    _refuse_empty(lengths)
    return table.astype(np.float64 if table.dtype.kind != "f" else table.dtype, copy=False), lengths


def _refuse_empty(lengths: Integers) -> None:
    if (lengths == 0).any():
        raise ValueError(
            Refusal(f"sequence {np.argmin(lengths)} contains NaN or nothing", where="X:", expected="one step or more")
        )


def _refuse_no_codes(model: RNNClassifier, X: Any, lengths: Integers | None) -> None:
    vocabulary = cast("int", model.vocabulary)
    try:
        values = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        return  # what is no number is refused where every X is read
    if lengths is not None:
        values = values[np.arange(values.shape[1]) < lengths[:, None]]
    if (values.ndim == 3 and values.shape[2] != 1) or model.n_channels != 1:
        raise ValueError(Refusal("with vocabulary it holds one code at every step", where="X:", expected="one channel"))
    values = values[np.isfinite(values)]
    bad = (values != np.rint(values)) | (values < 0) | (values >= vocabulary)
    if bad.any():
        raise ValueError(
            Refusal(
                f"holds {values[bad][0]:g}",
                where="X",
                expected=(
                    f"whole numbers from 0 to vocabulary - 1 = {vocabulary - 1} (-1 behind the end of a shorter "
                    "sequence)"
                ),
            )
        )


def refuse_without_effect(model: RNNClassifier) -> None:
    """Refuse arguments for codes where X holds numbers, and arguments for numbers where it holds codes.

    Parameters
    ----------
    model : RNNClassifier

    Raises
    ------
    ValueError
    """
    if model.vocabulary is None and model.embedding_size is not None:
        raise ValueError(
            Refusal(
                f"embedding_size={model.embedding_size} is the length of the vectors of a vocabulary, and "
                "vocabulary is None; leave it None"
            )
        )
    for name, default in (("input_noise", 0.0), ("input_clip", None)) if model.vocabulary is not None else ():
        if getattr(model, name) != default:
            raise ValueError(
                Refusal(
                    f"{name}={getattr(model, name)} is for numbers, and with vocabulary X holds codes; leave it "
                    f"{default}"
                )
            )
