"""What X and y mean to a regressor on windows: arrays, frames or `Windows`, checked and turned into references."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from ._windows import Windows, WindowTargets

__all__ = ["Dataset", "read_inputs", "read_training", "read_weights"]


@dataclass(frozen=True)
class Dataset:
    """Windows by reference: the keyword arguments of the core's source, and the sizes."""

    arguments: dict
    n_windows: int
    lookback: int
    n_channels: int
    n_outputs: int = 0  # of y: horizon times targets
    is_flat: bool = False  # y was 1-D
    span: int = 1  # steps that a window's targets reach forward
    time: np.ndarray | None = None  # position in time of each window; None: the row number


def read_training(estimator, X, y):
    """X and y of `fit`, checked; sets the estimator's `n_features_in_` and `feature_names_in_`.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        return _read_windows(estimator, X, y)
    if y is None:  # in scikit-learn's words, which its own checks look for
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None.")
    _refuse_kind(X, "X")
    _refuse_kind(y, "y")
    _refuse_shape(y)
    X, lookback, channels = _flattened(estimator, X)
    X, y = validate_data(estimator, X, y, dtype=[np.float64, np.float32], order="C", multi_output=True, y_numeric=True)
    lookback, channels = _sizes(estimator, X.shape[1], lookback, channels)
    targets = _as_float(np.asarray(y))
    table = targets.reshape(len(targets), -1)
    arguments = _array_arguments(X, lookback, channels)
    arguments.update(target=table.reshape(-1, 1), horizon=table.shape[1], target_stride=table.shape[1])
    return Dataset(arguments, len(X), lookback, channels, table.shape[1], targets.ndim == 1, table.shape[1])


def read_inputs(estimator, X, lookback, channels):
    """X of `predict`, checked against what was fitted.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        if (X.lookback, X.n_channels) != (lookback, channels):
            raise ValueError(
                f"X: windows of lookback {X.lookback} with {X.n_channels} channels, but "
                f"{type(estimator).__name__} was fitted on lookback {lookback} with {channels}."
            )
        _refuse_missing(X, ahead=0)
        arguments = dict(X.source_arguments(), target=None, horizon=0, target_anchor=None)
        return Dataset(arguments, len(X), lookback, channels)
    if not _is_ready(estimator, X, lookback, channels):
        _refuse_kind(X, "X")
        X, steps, n = _flattened(estimator, X)
        if steps is not None and (steps, n) != (lookback, channels):
            raise ValueError(
                f"X: expected {lookback} steps of {channels} channels as in fit, got {steps} steps of {n} channels."
            )
        X = validate_data(estimator, X, reset=False, dtype=[np.float64, np.float32], order="C")
    return Dataset(_array_arguments(X.reshape(len(X), -1), lookback, channels), len(X), lookback, channels)


def read_weights(sample_weight, dataset):
    """Sample weights as float64, or None; refuses negative ones and a sum of 0."""
    if sample_weight is None:
        return None
    rows = np.empty((dataset.n_windows, 0))  # only its length is looked at
    weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError(
            "sample_weight: every weight is 0, so there is nothing to learn from; give some rows a weight."
        )
    # Only their ratios count: a power of two brings them near 1, exactly, so that no sum of them overflows.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def _read_windows(estimator, X, y):
    if y is None:
        y = X.y
    if len(y) != len(X):
        raise ValueError(f"X has {len(X)} windows but y has {len(y)} rows: pass windows.y indexed as windows is.")
    if not len(X):
        raise ValueError("X: expected at least 1 window, got 0.")
    if estimator.n_channels not in (1, X.n_channels):
        raise ValueError(f"X has windows of {X.n_channels} channels, but n_channels={estimator.n_channels}.")
    own = isinstance(y, WindowTargets) and y.belongs_to(X)
    _refuse_missing(X, ahead=X.horizon if own else 0)
    arguments = X.source_arguments()
    # One kind of check for both kinds of input; a broadcast row tells the number of features and copies nothing.
    validate_data(estimator, np.broadcast_to(np.zeros(()), (1, X.shape[1])), skip_check_array=True)
    if own:
        return Dataset(arguments, len(X), X.lookback, X.n_channels, y.shape[1], False, X.horizon, np.asarray(X.origins))
    _refuse_kind(y, "y")
    _refuse_shape(y)
    targets = _as_float(check_array(np.asarray(y), dtype="numeric", ensure_2d=False, input_name="y"))
    # Rows of y are numbered as the windows are, so the windows' origins cannot address them: materialise the past.
    table = targets.reshape(len(targets), -1)
    plain = _array_arguments(np.ascontiguousarray(np.asarray(X)), X.lookback, X.n_channels)
    plain.update(target=table.reshape(-1, 1), horizon=table.shape[1], target_stride=table.shape[1])
    return Dataset(
        plain, len(X), X.lookback, X.n_channels, table.shape[1], targets.ndim == 1, X.horizon, np.asarray(X.origins)
    )


def _array_arguments(X, lookback, channels):
    return {"past": X.reshape(-1, channels), "lookback": lookback, "past_stride": lookback}


def _is_ready(estimator, X, lookback, channels):
    """A plain float array of the fitted shape needs one pass for finiteness, not scikit-learn's full validation."""
    return (
        type(X) is np.ndarray
        and X.dtype in (np.float32, np.float64)
        and X.flags.c_contiguous
        and X.shape[1:] in ((lookback * channels,), (lookback, channels))
        and len(X) > 0
        and not hasattr(estimator, "feature_names_in_")
        and bool(np.isfinite(X).all())
    )


def _flattened(estimator, X):
    """A 3-D array as 2-D with its lookback and channels; anything else as it is, with None."""
    if isinstance(X, list | tuple) and np.ndim(X) == 3:
        X = np.asarray(X)
    if getattr(X, "ndim", 2) > 3:
        raise ValueError(
            f"X: expected (n_windows, lookback) or (n_windows, lookback, n_channels), got {X.ndim} dimensions, "
            f"shape {X.shape}."
        )
    if getattr(X, "ndim", 2) != 3:
        return X, None, None
    if 0 in X.shape:
        raise ValueError(f"X: expected (n_windows, lookback, n_channels) without an empty axis, got shape {X.shape}.")
    X = np.asarray(X)
    if estimator.n_channels not in (1, X.shape[2]):
        raise ValueError(f"X has {X.shape[2]} channels on its last axis, but n_channels={estimator.n_channels}.")
    return X.reshape(len(X), -1), X.shape[1], X.shape[2]


def _sizes(estimator, n_features, lookback, channels):
    if lookback is not None:
        return lookback, channels
    if n_features % estimator.n_channels:
        raise ValueError(
            f"X: {n_features} columns are not a whole number of steps of n_channels={estimator.n_channels} channels; "
            "columns run over steps, and within a step over channels."
        )
    return n_features // estimator.n_channels, estimator.n_channels


def _as_float(y):
    return np.ascontiguousarray(y, dtype=np.float32 if y.dtype == np.float32 else np.float64)


def _refuse_missing(X, ahead):
    """`Windows` stand over any array; each must be finite over its past and the `ahead` rows after it."""
    if not len(X):
        return
    first = int(X.origins.min()) - X.lookback + 1
    bad = ~np.isfinite(X.values[first : int(X.origins.max()) + ahead + 1]).all(axis=1)
    if not bad.any():
        return
    before = np.concatenate([[0], np.cumsum(bad)])
    start, stop = X.origins - X.lookback + 1 - first, X.origins + ahead + 1 - first
    reach = before[stop] > before[start]
    if reach.any():
        row = first + int(np.flatnonzero(bad[start[reach][0] :])[0] + start[reach][0])
        raise ValueError(
            f"X: expected finite numbers, got NaN or infinity in {int(reach.sum())} of {len(X)} windows, first in row "
            f"{X.index[row]!r} of the series. Fill it, or leave those windows out."
        )


def _refuse_shape(y):
    shape = getattr(y, "shape", ())
    if len(shape) > 2:
        raise ValueError(
            f"y: expected (n_windows,) or (n_windows, horizon * targets), horizon-major, got {len(shape)} dimensions, "
            f"shape {tuple(shape)}. y.reshape(len(y), -1) flattens (n_windows, horizon, targets)."
        )


def _refuse_kind(a, name):
    """Dates, durations and text pass scikit-learn's checks as numbers; here they are most likely the wrong column."""
    if name == "y" and hasattr(a, "toarray"):
        raise TypeError(f"y: expected a dense array, got {type(a).__name__}. Convert it with .toarray() first.")
    if hasattr(a, "dtypes") and hasattr(a, "columns"):
        kinds = {str(column): dtype for column, dtype in zip(a.columns, a.dtypes, strict=True)}
    else:
        dtype = getattr(a, "dtype", None)
        kinds = {None: dtype if dtype is not None else _dtype_of(a)}
    for column, dtype in kinds.items():
        kind = getattr(dtype, "kind", "f")
        where = f"{name}, column {column!r}" if column is not None else name
        if kind in "mM" or str(dtype).startswith("period"):
            raise TypeError(
                f"{where}: expected numbers, got {dtype}. Leave the time stamps out, or turn them into features."
            )
        if kind == "c":  # begins in scikit-learn's words, which its own checks look for
            raise ValueError(f"Complex data not supported: {where}: expected real numbers, got {dtype}.")
        if kind in "US" or (kind == "O" and _holds_text(a, column)):
            raise ValueError(f"{where}: expected numbers, got text ({dtype}). Convert it with pandas.to_numeric first.")


def _dtype_of(a):
    if hasattr(a, "toarray"):  # sparse: scikit-learn's own check refuses it, with the fix
        return None
    try:
        return np.asarray(a).dtype
    except ValueError:  # ragged: scikit-learn's own check names the problem
        return None


def _holds_text(a, column):
    values = np.asarray(a if column is None else a.loc[:, [c for c in a.columns if str(c) == column]], dtype=object)
    return any(isinstance(value, str | bytes) for value in values.flat)
