"""Labels as numbers of classes, the weights of the classes, and which rows are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from .._dlpack import as_numpy
from .._refusals import Refusal
from .._registries import MOST_OUTPUTS
from .._rnn import LEAST_HELD_OUT

if TYPE_CHECKING:
    from typing import Any

    from .._types import Array, Floats, Integers
    from .estimator import RNNClassifier

__all__ = ["class_weights", "classes_of", "log_softmax", "numbered", "stratified"]


def labels_at_steps(y: Any, begin: Integers | None, n: int, steps: int) -> list[Array]:
    """Labels of every step as rows, each with as many labels as its sequence has steps.

    Parameters
    ----------
    y : array-like of shape (n, steps), or sequence of n sequences
        Values after the end of a sequence are not read.
    begin : ndarray of int64 of shape (n,) or None
        Steps by which each sequence is shorter than `steps`.
    n, steps : int

    Returns
    -------
    list of ndarray
    """
    rows = list(np.asarray(y)) if not isinstance(y, list | tuple) else [np.asarray(row) for row in y]
    if len(rows) != n:
        raise ValueError(
            Refusal(f"has {n} sequences but y has {len(rows)} rows", where="X", expected="one row per sequence")
        )
    lengths = np.full(n, steps) if begin is None else steps - begin
    for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        if row.ndim != 1 or len(row) not in (length, steps):
            raise ValueError(
                Refusal(
                    f"y has a label for every step; row {i} has shape {row.shape}, expected ({length},), as many as X "
                    "has steps there",
                    where="return_sequences=True:",
                )
            )
    return [row[:length] for row, length in zip(rows, lengths, strict=True)]


def flat(model: RNNClassifier, y: Any, begin: Integers | None, n: int, steps: int) -> tuple[Array, Integers | None]:
    """All labels in one array, and how many each row has (None: one)."""
    y = as_numpy(y, "y")
    if not model.return_sequences:
        return check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=None, input_name="y"), None
    rows = labels_at_steps(y, begin, n, steps)
    return np.concatenate(rows), np.array([len(row) for row in rows])


def classes_of(labels: Array) -> Array:
    """The classes among labels, sorted.

    Parameters
    ----------
    labels : ndarray

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        The labels are continuous, or there are too many classes.
    """
    check_classification_targets(labels)
    classes = np.unique(labels)
    if len(classes) > MOST_OUTPUTS:
        raise ValueError(Refusal(f"has {len(classes)} classes", where="y", expected=f"{MOST_OUTPUTS} at most"))
    return classes


def numbered(labels: Array, counts: Integers | None, classes: Array, steps: int, name: str = "y") -> Floats:
    """Labels as numbers of classes.

    Parameters
    ----------
    labels : ndarray
    counts : ndarray of int or None
        Number of labels of each row; None: one.
    classes : ndarray
        Sorted.
    steps : int
    name : str
        Name of the labels, in messages.

    Returns
    -------
    ndarray of float64 of shape (n,) or (n, steps)
        Rows with fewer labels are filled up with NaN at the beginning.

    Raises
    ------
    ValueError
        A label does not belong to the classes.
    """
    at = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    unknown = classes[at] != labels
    if unknown.any():
        first, known = labels[unknown].tolist()[0], classes[:10].tolist()
        raise ValueError(Refusal(f"has the label {first!r}", where=name, expected=f"the classes of fit, {known}"))
    if counts is None:
        return at.astype(np.float64)
    found = np.full((len(counts), steps), np.nan)
    found[np.arange(steps) >= steps - counts[:, None]] = at
    return found


def class_weights(class_weight: Any, classes: Array, codes: Floats, weight: Floats | None) -> tuple[float, ...]:
    """Weights of the classes in the loss, with a mean of 1 over the labels to train on.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray
    codes : ndarray of float64 of shape (n,) or (n, steps)
    weight : ndarray of shape (n,) or None

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        As scikit-learn's `compute_class_weight`, or all weights are 0.
    """
    weight = np.ones(len(codes)) if weight is None else weight
    each = np.broadcast_to(weight.reshape(-1, *[1] * (codes.ndim - 1)), codes.shape)
    there = ~np.isnan(codes) & (each > 0)
    kept = codes[there].astype(np.int64)
    present, found = np.unique(kept), np.ones(len(classes))
    found[present] = compute_class_weight(class_weight, classes=classes[present], y=classes[kept])
    mean = np.average(found[kept], weights=each[there])
    if not (np.isfinite(found).all() and found.min() >= 0 and mean > 0):
        raise ValueError(
            Refusal(where=f"class_weight={class_weight!r}", expected="weights of 0 or more, some of them above 0")
        )
    return tuple(float(one) for one in found / mean)


def stratified(
    model: RNNClassifier, codes: Floats, weight: Floats | None, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Rows to train on, and rows to hold out in which the classes have the same shares.

    Parameters
    ----------
    model : RNNClassifier
    codes : ndarray of float64 of shape (n,) or (n, steps)
        If there is a label at every step, rows are drawn without stratification.
    weight : ndarray of shape (n,) or None
        Rows of weight 0 are in neither part.
    rng : numpy.random.Generator

    Returns
    -------
    ndarrays of int64
        Ascending.

    Raises
    ------
    ValueError
        `early_stopping=True`, and nothing would be held out.
    """
    every = np.arange(len(codes)) if weight is None else np.flatnonzero(weight)
    if model.early_stopping is False:
        return every, every[:0]
    drawn = rng.permutation(every)
    if codes.ndim == 1:
        drawn = drawn[np.argsort(codes[drawn], kind="stable")]
        first = np.unique(codes[drawn], return_index=True)[1]
        drawn = np.delete(drawn, first)  # keep a training row of each class
    ends = np.floor(np.arange(len(drawn) + 1) * model.validation_fraction)
    late = np.sort(drawn[np.diff(ends) > 0])
    early = np.setdiff1d(every, late)
    if len(late) >= LEAST_HELD_OUT and len(early) >= 2 * len(late):
        return early, late
    if model.early_stopping == "auto":
        return every, every[:0]
    if not len(late) or not len(early):
        raise ValueError(
            Refusal(
                f"of {len(every)} rows {len(late)} would be held out and {len(early)} trained on",
                where="early_stopping=True:",
                advice="Change validation_fraction, or set early_stopping=False.",
            )
        )
    return early, late


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of the probabilities, over the last axis of the scores."""
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
