"""What is said of arrays that are refused: the inputs and targets of an estimator on windows."""

from collections.abc import Sequence
from typing import Any

from ._refusals import Refusal
from ._types import Array, Integers

__all__ = [
    "before_the_horizon", "fitted_on_another", "missing_static", "not_at_every_step", "not_dense", "not_finite",
    "not_in_steps", "not_numbers", "of_every_step", "only_one_norm", "targets_needed", "too_many_dimensions",
    "unused_validation", "without_places",
]  # fmt: skip


def without_places(kind: str, name: str, needed: str) -> Refusal:
    """An array where the argument `name` needs to know when a window is, or of which series."""
    return Refusal(
        f"{kind} with {name} needs {needed}, and an array does not say it",
        where="X:",
        advice="Pass Windows, as make_windows(df, ...) makes them: time from the index, names of several series from "
        "series=.",
    )


def fitted_on_another(kind: str, lookback: int, channels: int, fitted: Sequence[int]) -> Refusal:
    """Windows of another size than those of fit; `fitted` has both sizes."""
    return Refusal(
        f"windows of lookback {lookback} with {channels} channels, but {kind} was fitted on lookback {fitted[0]} with "
        f"{fitted[1]}",
        where="X:",
    )


def before_the_horizon(horizon: int) -> Refusal:
    """Windows at the end of their series, without the known future that they need."""
    return Refusal(
        f"some windows have fewer than horizon = {horizon} rows of known future after them in their series",
        where="X:",
        advice="Give the future rows too, or leave those windows out.",
    )


def missing_static(series: Integers, n_series: int) -> Refusal:
    """Static values that are not finite, in the series of these numbers."""
    return Refusal(
        where="X, static values",
        got=f"NaN or infinity in {len(series)} of {n_series} series, first in series {series[0]} (counted from 0)",
        expected="finite numbers",
        advice="Fill it, or leave those series out.",
    )


def not_finite(where: str, expected: str, got: str) -> Refusal:
    """Values of some windows that are not what is expected."""
    return Refusal(where=where, got=got, expected=expected, advice="Fill it, or leave those windows out.")


def not_in_steps(n_features: int, n_channels: int) -> Refusal:
    """Columns of a matrix that make no whole number of steps."""
    return Refusal(
        f"{n_features} columns are not a whole number of steps of n_channels={n_channels} channels; columns run over "
        "steps, and within a step over channels",
        where="X:",
    )


def too_many_dimensions(name: str, array: Array) -> Refusal:
    """X or y of more dimensions than it may have."""
    wanted = {
        "X": "(n_windows, lookback) or (n_windows, lookback, n_channels)",
        "y": "(n_windows,) or (n_windows, horizon * targets), horizon-major",
    }
    return Refusal(
        where=name,
        got=f"{len(array.shape)} dimensions, shape {tuple(array.shape)}",
        expected=wanted[name],
        advice="y.reshape(len(y), -1) flattens (n_windows, horizon, targets)." if name == "y" else "",
    )


def not_dense(a: Any) -> Refusal:
    """Sparse targets."""
    return Refusal(
        where="y",
        got=type(a).__name__,
        expected="a dense array",
        advice="Convert it with .toarray() first.",
    )


def not_numbers(where: str, got: str, advice: str) -> Refusal:
    """Values of another kind."""
    return Refusal(where=where, got=got, expected="numbers", advice=advice)


def targets_needed() -> Refusal:
    """No y, where a loss is computed."""
    return Refusal("is None, but a gradient needs targets", where="y", advice="Pass y as in fit.")


def not_at_every_step(outputs: int, lookback: int) -> Refusal:
    """Columns of y that make no whole number of targets at each step."""
    return Refusal(
        f"y has {outputs} columns, which are not a whole number for each of the {lookback} steps of X",
        where="return_sequences=True:",
        expected="(n_windows, lookback * targets), the targets of the oldest step first",
    )


def of_every_step(y: Any = None) -> Refusal:
    """Targets at every step where those of the horizon are needed (None), or another y than those of the windows."""
    if y is None:
        return Refusal(
            "windows.y_sequences are targets at every step, for return_sequences=True",
            where="y:",
            expected="windows.y",
        )
    return Refusal(
        "the targets at every step follow from the windows",
        where="return_sequences=True:",
        expected=f"no y, or windows.y_sequences of these windows, got {type(y).__name__}",
    )


def unused_validation() -> Refusal:
    """Windows to validate on, and no validation."""
    return Refusal(
        "is given, but early_stopping=False, so nothing would look at it",
        where="X_val",
        advice="Set early_stopping to True or 'auto', or leave X_val out.",
    )


def only_one_norm(validated: Any, trained: Any) -> Refusal:
    """Windows to validate on with another norm than those to train on."""
    return Refusal(
        f"has window_norm={validated!r}, but X has {trained!r}: make both windows alike",
        where="X_val",
    )
