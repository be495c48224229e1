"""X and y of a regressor on windows: arrays, frames or `Windows`, checked and converted to references."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from ._dlpack import as_numpy
from ._windows import Windows, WindowTargets, at_every_step, no_past

__all__ = [
    "Dataset", "matrix_arguments", "read_examined", "read_inputs", "read_training", "read_validation", "read_weights",
]  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """Windows by reference: the keyword arguments of the core's source, and the sizes."""

    arguments: dict
    n_windows: int
    lookback: int
    n_channels: int
    n_outputs: int = 0  # of y: horizon times targets, at every step where all have outputs
    is_flat: bool = False  # y was 1-D
    span: int = 1  # steps that a window's targets reach forward
    time: Callable | None = None  # gives the position in time of each window; None: the row number
    reach: Callable | None = None  # gives the span of each window where these differ; None: `span` for all
    n_extra: int = 0  # values of a window other than its past: known future and static
    columns: int = 1  # target columns: n_outputs is horizon times these
    n_future: int = 0  # columns of known future among the extra values
    n_static: int = 0  # static columns among them
    steps: int = 1  # of a window with outputs: 1, or all with `return_sequences`
    n_series: int = 0  # series that the windows are of; 0: plain arrays, which do not say
    loss_parameters: tuple = ()  # of a loss of labels: the weights of the classes
    levels: dict = field(default_factory=dict)  # of every column with codes of categories, by the architecture's fields
    windows: Windows | None = None  # that this was read from; None: an array, which says nothing of series and time

    def placed(self, estimator, series=None, cycle=None):
        """With what tables need to know of each window: the row of its series, and its phase in a cycle.

        Parameters
        ----------
        estimator : estimator
            Estimator for messages.
        series : pandas.Index, default=None
            Names of the series that have rows (`Windows.series_names` of those of `fit`); a window of another series
            has the row -1. None: not asked for.
        cycle : int, default=None
            Steps of the cycle; None: not asked for.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            X was an array.
        """
        asked = {}
        if cycle is not None:
            asked["phase"] = self._windows_for(estimator, "cycle").phase(cycle)
        if series is not None:
            asked["series_row"] = self._windows_for(estimator, "series_size").series_rows(series)
        return replace(self, arguments=self.arguments | asked)

    def series_names(self, estimator):
        """Names of the series in X, for `placed`: a pandas.Index, of one unnamed series [None]."""
        return self._windows_for(estimator, "series_size").series_names

    def _windows_for(self, estimator, name):
        if self.windows is None:
            what = {"cycle": "the time of a window", "series_size": "the series that a window is of"}[name]
            raise ValueError(
                f"X: {type(estimator).__name__} with {name} needs {what}, and an array does not say it. Pass Windows, "
                "as make_windows(df, ...) makes them: time from the index, names of several series from series=."
            )
        return self.windows


def read_training(estimator, X, y):
    """X and y of `fit`, checked; sets the estimator's `n_features_in_` and `feature_names_in_`.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        return _read_windows(estimator, X, y)
    X, y = as_numpy(X, "X"), as_numpy(y, "y")
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
    arguments = matrix_arguments(X, lookback, channels)
    outputs = table.shape[1]
    arguments.update(target=table.reshape(-1, 1), horizon=outputs, target_stride=outputs)
    steps, span = 1, outputs
    if at_every_step(estimator):
        steps, span = lookback, _span_of_sequences(estimator, outputs, lookback)
    return Dataset(arguments, len(X), lookback, channels, outputs, targets.ndim == 1, span, steps=steps)


def _span_of_sequences(estimator, outputs, lookback):
    """Rows from one window to the first whose targets are all others, of rows of a matrix that say nothing of time."""
    if outputs % lookback:
        raise ValueError(
            f"return_sequences=True: y has {outputs} columns, which are not a whole number for each of the {lookback} "
            "steps of X; expected (n_windows, lookback * targets), the targets of the oldest step first."
        )
    ahead = outputs // lookback
    # Windows that continue each other are a lookback apart, others, as usual, a step.
    return 2 + (ahead - 2) // lookback if getattr(estimator, "stateful", False) else lookback - 1 + ahead


def read_inputs(estimator, X, lookback, channels, extra=0):
    """X of `predict`, checked against the fit.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        return _inputs_of_windows(estimator, X, lookback, channels, extra)
    X = as_numpy(X, "X")
    if not _is_ready(estimator, X, lookback, channels, extra):
        _refuse_kind(X, "X")
        X, steps, n = _flattened(estimator, X)
        if steps is not None and (steps, n) != (lookback, channels):
            raise ValueError(
                f"X: expected {lookback} steps of {channels} channels as in fit, got {steps} steps of {n} channels."
            )
        X = validate_data(estimator, X, reset=False, dtype=[np.float64, np.float32], order="C")
    arguments = matrix_arguments(X.reshape(len(X), -1), lookback, channels)
    return Dataset(arguments, len(X), lookback, channels, n_extra=extra)


def _inputs_of_windows(estimator, X, lookback, channels, extra):
    if _past_sizes(X) != (lookback, channels):
        raise ValueError(
            f"X: windows of lookback {X.lookback} with {X.n_channels} channels, but "
            f"{type(estimator).__name__} was fitted on lookback {lookback} with {channels}."
        )
    if X.n_extra != extra:
        raise ValueError(
            f"X: windows with {X.n_extra} known future and static values each (horizon * future + static columns), "
            f"but {type(estimator).__name__} was fitted on {extra}. Make them as those of fit were made."
        )
    _refuse_missing(X, ahead=0)
    arguments = X.source_arguments()
    ahead = X.horizon if arguments.get("future") is not None else 0
    arguments = dict(arguments, target=None, horizon=ahead, target_anchor=None)
    return Dataset(arguments, len(X), lookback, channels, n_extra=extra, windows=X)


def read_examined(estimator, X, y, lookback, channels, extra, n_outputs):
    """X and y for the diagnosis of a fitted estimator, which is not changed; checked against the fit.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        y = _targets_of(estimator, X, y)
    if y is None:
        raise ValueError("y: the gradient is that of a loss, so targets are needed, but y is None. Pass y as in fit.")
    y = as_numpy(y, "y")
    data = read_inputs(estimator, X, lookback, channels, extra)
    n, (rows, *columns) = data.n_windows, np.shape(y) or (1,)
    if rows != n:
        raise ValueError(f"X has {n} windows but y has {rows} rows; expected one row per window.")
    if int(np.prod(columns)) != n_outputs:
        raise ValueError(
            f"y: expected {n_outputs} outputs per window as in fit, got {int(np.prod(columns))}, shape {np.shape(y)}."
        )
    if isinstance(y, WindowTargets) and y.belongs_to(X):
        _refuse_missing(X, ahead=X.horizon)
        return replace(data, arguments=y.source_arguments(), n_outputs=n_outputs)
    table = _targets_apart(y, n_outputs)
    if isinstance(X, Windows):  # their origins cannot address the rows of y
        data = replace(data, arguments=matrix_arguments(np.ascontiguousarray(np.asarray(X)), lookback, channels))
    ahead = {"target": table.reshape(-1, 1), "horizon": n_outputs, "target_stride": n_outputs}
    return replace(data, arguments=data.arguments | ahead, n_outputs=n_outputs)


def read_validation(estimator, X, y, data, trained):
    """X_val and y_val of `fit`, checked against its X, `trained`, which `read_training` has read as `data`.

    Returns
    -------
    Dataset or None
        None where neither is given.
    """
    if X is None and y is None:
        return None
    if X is None:
        raise ValueError("y_val is given without X_val: pass both, or neither to hold out the latest windows of X.")
    if y is None and not isinstance(X, Windows):
        raise ValueError("X_val is given without y_val: pass both; y_val may be left out with Windows only.")
    if estimator.early_stopping is False:
        raise ValueError(
            "X_val is given, but early_stopping=False, so nothing would look at it. Set early_stopping to True or "
            "'auto', or leave X_val out."
        )
    if isinstance(X, Windows) and isinstance(trained, Windows) and X.window_norm != trained.window_norm:
        raise ValueError(
            f"X_val has window_norm={X.window_norm!r}, but X has {trained.window_norm!r}: make both windows alike."
        )
    try:
        found = read_examined(estimator, X, y, data.lookback, data.n_channels, data.n_extra, data.n_outputs)
    except (TypeError, ValueError) as error:
        refusal = TypeError if isinstance(error, TypeError) else ValueError
        raise refusal(f"Validation set (X_val, y_val): {error}") from error
    if not found.n_windows:
        raise ValueError("Validation set (X_val, y_val): expected at least 1 window, got 0.")
    return found


def _targets_apart(y, n_outputs):
    _refuse_kind(y, "y")
    _refuse_shape(y)
    y = check_array(np.asarray(y), dtype="numeric", ensure_2d=False, input_name="y")
    return _as_float(y).reshape(-1, n_outputs)


def read_weights(sample_weight, dataset):
    """Sample weights as float64, or None; refuses negative ones and a sum of 0."""
    if sample_weight is None:
        return None
    rows = np.empty((dataset.n_windows, 0))  # only its length is looked at
    sample_weight = as_numpy(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError(
            "sample_weight: every weight is 0, so there is nothing to learn from; give some rows a weight."
        )
    # Only their ratios count: a power of two brings them near 1, exactly, so that no sum of them overflows.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def _read_windows(estimator, X, y):
    y = _targets_of(estimator, X, y)
    if len(y) != len(X):
        raise ValueError(f"X has {len(X)} windows but y has {len(y)} rows: pass windows.y indexed as windows is.")
    if not len(X):
        raise ValueError("X: expected at least 1 window, got 0.")
    if estimator.n_channels not in (1, X.n_channels):
        raise ValueError(f"X has windows of {X.n_channels} channels, but n_channels={estimator.n_channels}.")
    own = isinstance(y, WindowTargets) and y.belongs_to(X)
    _refuse_missing(X, ahead=X.horizon if own else 0)
    arguments = y.source_arguments() if own else X.source_arguments()
    # One kind of check for both kinds of input; a broadcast row tells the number of features and copies nothing.
    validate_data(estimator, np.broadcast_to(np.zeros(()), (1, X.shape[1])), skip_check_array=True)
    steps = X.lookback if own and y.at_every_step else 1

    def time():
        return X.time

    def reach():
        return X.span + steps - 1

    reach = None if X.settled is None else reach
    sizes = len(X), *_past_sizes(X)
    if own:
        return Dataset(
            arguments,
            *sizes,
            y.shape[1],
            False,
            X.horizon + steps - 1,
            time,
            reach,
            X.n_extra,
            steps=steps,
            **_roles(X, y.shape[1] // steps),
            windows=X,
        )
    _refuse_kind(y, "y")
    _refuse_shape(y)
    targets = _as_float(check_array(np.asarray(y), dtype="numeric", ensure_2d=False, input_name="y"))
    # Rows of y are numbered as the windows are, so the windows' origins cannot address them: materialise the past.
    table = targets.reshape(len(targets), -1)
    plain = matrix_arguments(np.ascontiguousarray(np.asarray(X)), *_past_sizes(X))
    plain.update(target=table.reshape(-1, 1), horizon=table.shape[1], target_stride=table.shape[1])
    roles = _roles(X, table.shape[1])
    return Dataset(
        plain, *sizes, table.shape[1], targets.ndim == 1, X.horizon, time, reach, X.n_extra, **roles, windows=X
    )


def _targets_of(estimator, X, y):
    """The targets of windows as the estimator has outputs: y, or those that follow from X."""
    own = isinstance(y, WindowTargets) and y.belongs_to(X)
    every = at_every_step(estimator)
    if own and y.at_every_step and not every:
        raise ValueError(
            "y: windows.y_sequences are targets at every step, for return_sequences=True; expected windows.y."
        )
    if y is not None and not own:
        if every:
            raise ValueError(
                "return_sequences=True: the targets at every step follow from the windows; expected no y, or "
                f"windows.y_sequences of these windows, got {type(y).__name__}."
            )
        return y
    return X.y_sequences if every else X.y


def _roles(X, n_outputs):
    """How many series there are and, where the outputs are over their horizon, what outputs and extra values are."""
    series = {"n_series": len(X.starts) - 1}
    if n_outputs % X.horizon:
        return series
    return series | {
        "columns": n_outputs // X.horizon,
        "n_future": 0 if X.future is None else X.future.shape[1],
        "n_static": 0 if X.static is None else X.static.shape[1],
    }


def _past_sizes(X):
    """Steps and channels of a window's past, both 0 where it has none."""
    return X.lookback, X.n_channels if X.lookback else 0


def matrix_arguments(X, lookback, channels):
    """A matrix of windows: the past and, if there are more columns, the known future and static values."""
    past, extra = X[:, : lookback * channels], X[:, lookback * channels :]
    if lookback == 0:
        return {**no_past(len(X), X.dtype, shift=0), "extra": extra}
    arguments = {"past": np.ascontiguousarray(past).reshape(-1, channels), "lookback": lookback}
    arguments["past_stride"] = lookback
    return arguments | ({"extra": extra} if extra.shape[1] else {})


def _is_ready(estimator, X, lookback, channels, extra):
    """A plain float array of the fitted shape needs one pass for finiteness, not scikit-learn's full validation."""
    flat = (lookback * channels + extra,)
    return (
        type(X) is np.ndarray
        and X.dtype in (np.float32, np.float64)
        and X.flags.c_contiguous
        and X.shape[1:] in (flat, flat if extra else (lookback, channels))
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
    if getattr(estimator, "encoder", None) == "dense":  # a row is one vector
        if estimator.n_channels not in (1, n_features):
            raise ValueError(f"X has vectors of {n_features} values, but n_channels={estimator.n_channels}.")
        return 1, n_features
    if n_features % estimator.n_channels:
        raise ValueError(
            f"X: {n_features} columns are not a whole number of steps of n_channels={estimator.n_channels} channels; "
            "columns run over steps, and within a step over channels."
        )
    return n_features // estimator.n_channels, estimator.n_channels


def _as_float(y):
    return np.ascontiguousarray(y, dtype=np.float32 if y.dtype == np.float32 else np.float64)


_PIECE = 1 << 16  # rows or windows looked at together: no temporary grows with the panel


def _refuse_missing(X, ahead):
    """`Windows` may refer to any arrays: a past, a known future and static values are finite; a target may be missing.

    Where the targets are channels of the past, they are finite over the `ahead` rows as well.
    """
    if not len(X):
        return
    targets, future, static = (getattr(X, name, None) for name in ("targets", "future", "static"))
    last = 0 if targets is not None else ahead
    if X.lookback or last:
        _refuse_rows(X, X.values, 1 - X.lookback, last, _not_finite, "X: expected finite")
    if targets is not None and ahead:
        _refuse_rows(X, targets, 1, ahead, np.isinf, "y: expected finite or missing")
    if future is not None:
        if not X.has_future:
            raise ValueError(
                f"X: some windows have fewer than horizon = {X.horizon} rows of known future after them in their "
                "series. Give the future rows too, or leave those windows out."
            )
        _refuse_rows(X, future, 1, X.horizon, _not_finite, "X, known future: expected finite")
    if static is not None and not np.isfinite(static).all():
        series = np.flatnonzero(_not_finite(static).any(axis=1))
        raise ValueError(
            f"X, static values: expected finite numbers, got NaN or infinity in {len(series)} of {len(static)} series, "
            f"first in series {series[0]} (counted from 0). Fill it, or leave those series out."
        )


def _not_finite(a):
    return ~np.isfinite(a)


def _refuse_rows(X, array, first, last, bad, expected):
    """Refuse windows with a bad number in the rows from origin + first to origin + last of `array`."""
    start, stop = int(X.origins.min()) + first, int(X.origins.max()) + last + 1
    pieces = [(row, array[row : min(row + _PIECE, stop)]) for row in range(start, stop, _PIECE)]
    rows = np.concatenate([row + np.flatnonzero(bad(piece).any(axis=1)) for row, piece in pieces])
    if not len(rows):
        return
    count, worst = 0, None
    for piece in range(0, len(X), _PIECE):
        origins = X.origins[piece : piece + _PIECE]
        nearest = np.searchsorted(rows, origins + first)
        reach = nearest < np.searchsorted(rows, origins + last, side="right")
        count += int(reach.sum())
        if worst is None and reach.any():
            worst = rows[nearest[reach][0]]
    if count:
        what = "infinity" if bad is np.isinf else "NaN or infinity"
        raise ValueError(
            f"{expected} numbers, got {what} in {count} of {len(X)} windows, first in row {X.index[worst]!r} of the "
            "series. Fill it, or leave those windows out."
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
