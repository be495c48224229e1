"""X and y of a regressor on windows: arrays, frames or `Windows`, checked and converted to references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import _check_sample_weight, check_array, validate_data

from . import _array_refusals as refusals
from ._dlpack import as_numpy
from ._records import record
from ._refusals import Refusal, extended
from ._types import Array, Booleans, Floats, Integers
from ._windows import Windows, WindowTargets, at_every_step, no_past

if TYPE_CHECKING:
    import pandas as pd


__all__ = [
    "Dataset", "matrix_arguments", "read_examined", "read_inputs", "read_training", "read_validation", "read_weights",
]  # fmt: skip


@record(frozen=True)
class Dataset:
    """Windows by reference: the keyword arguments of the core's source, and the sizes."""

    arguments: dict[str, Any]
    n_windows: int
    lookback: int
    n_channels: int
    n_outputs: int = 0  # of y: horizon times targets, at every step where all have outputs
    is_flat: bool = False  # y was 1-D
    span: int = 1  # steps that a window's targets reach forward
    time: Callable[[], Integers] | None = None  # gives the position in time of each window; None: the row number
    reach: Callable[[], Integers] | None = None  # gives each window's span; None: `span` for all
    n_extra: int = 0  # values of a window other than its past: known future and static
    columns: int = 1  # target columns: n_outputs is horizon times these
    n_future: int = 0  # columns of known future among the extra values
    n_static: int = 0  # static columns among them
    steps: int = 1  # of a window with outputs: 1, or all with `return_sequences`
    n_series: int = 0  # series that the windows are of; 0: plain arrays, which do not say
    loss_parameters: tuple[float, ...] = ()  # of a loss of labels: the weights of the classes
    levels: dict[str, Any] = field(default_factory=dict)  # of columns with codes, by the architecture's fields
    windows: Windows | None = None  # that this was read from; None: an array, which says nothing of series and time

    def placed(self, estimator: Any, series: pd.Index | None = None, cycle: int | None = None) -> Dataset:
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

    def series_names(self, estimator: Any) -> pd.Index:
        """Names of the series in X, for `placed`: a pandas.Index, of one unnamed series [None]."""
        return self._windows_for(estimator, "series_size").series_names

    def _windows_for(self, estimator: Any, name: Literal["cycle", "series_size"]) -> Windows:
        if self.windows is None:
            what = {"cycle": "the time of a window", "series_size": "the series that a window is of"}[name]
            raise ValueError(refusals.without_places(type(estimator).__name__, name, what))
        return self.windows


def read_training(estimator: Any, X: Any, y: Any) -> Dataset:
    """X and y of `fit`, checked; sets the estimator's `n_features_in_` and `feature_names_in_`.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        return _read_windows(estimator, X, y)
    X, y = as_numpy(X, "X"), as_numpy(y, "y")
    if y is None:  # in scikit-learn's words, which its own checks look for
        raise ValueError(Refusal(f"{type(estimator).__name__} requires y to be passed, but the target y is None"))
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


def _span_of_sequences(estimator: Any, outputs: int, lookback: int) -> int:
    """Rows from one window to the first whose targets are all others, of rows of a matrix that say nothing of time."""
    if outputs % lookback:
        raise ValueError(refusals.not_at_every_step(outputs, lookback))
    ahead = outputs // lookback
    # Windows that continue each other are a lookback apart, others, as usual, a step.
    return 2 + (ahead - 2) // lookback if getattr(estimator, "stateful", False) else lookback - 1 + ahead


def read_inputs(estimator: Any, X: Any, lookback: int, channels: int, extra: int = 0) -> Dataset:
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
                Refusal(
                    where="X",
                    got=f"{steps} steps of {n} channels",
                    expected=f"{lookback} steps of {channels} channels as in fit",
                )
            )
        X = validate_data(estimator, X, reset=False, dtype=[np.float64, np.float32], order="C")
    arguments = matrix_arguments(X.reshape(len(X), -1), lookback, channels)
    return Dataset(arguments, len(X), lookback, channels, n_extra=extra)


def _inputs_of_windows(estimator: Any, X: Windows, lookback: int, channels: int, extra: int) -> Dataset:
    if _past_sizes(X) != (lookback, channels):
        raise ValueError(
            refusals.fitted_on_another(type(estimator).__name__, X.lookback, X.n_channels, (lookback, channels))
        )
    if X.n_extra != extra:
        raise ValueError(
            Refusal(
                f"windows with {X.n_extra} known future and static values each (horizon * future + static columns), "
                f"but {type(estimator).__name__} was fitted on {extra}",
                where="X:",
                advice="Make them as those of fit were made.",
            )
        )
    _refuse_missing(X, ahead=0)
    arguments = X.source_arguments()
    ahead = X.horizon if arguments.get("future") is not None else 0
    arguments = dict(arguments, target=None, horizon=ahead, target_anchor=None)
    return Dataset(arguments, len(X), lookback, channels, n_extra=extra, windows=X)


def read_examined(estimator: Any, X: Any, y: Any, lookback: int, channels: int, extra: int, n_outputs: int) -> Dataset:
    """X and y for the diagnosis of a fitted estimator, which is not changed; checked against the fit.

    Returns
    -------
    Dataset
    """
    if isinstance(X, Windows):
        y = _targets_of(estimator, X, y)
    if y is None:
        raise ValueError(refusals.targets_needed())
    y = as_numpy(y, "y")
    data = read_inputs(estimator, X, lookback, channels, extra)
    n, (rows, *columns) = data.n_windows, np.shape(y) or (1,)
    if rows != n:
        raise ValueError(Refusal(f"has {n} windows but y has {rows} rows", where="X", expected="one row per window"))
    if int(np.prod(columns)) != n_outputs:
        raise ValueError(
            Refusal(
                where="y",
                got=f"{int(np.prod(columns))}, shape {np.shape(y)}",
                expected=f"{n_outputs} outputs per window as in fit",
            )
        )
    if isinstance(y, WindowTargets) and y.belongs_to(X):
        _refuse_missing(X, ahead=X.horizon)
        return replace(data, arguments=y.source_arguments(), n_outputs=n_outputs)
    table = _targets_apart(y, n_outputs)
    if isinstance(X, Windows):  # their origins cannot address the rows of y
        data = replace(data, arguments=matrix_arguments(np.ascontiguousarray(np.asarray(X)), lookback, channels))
    ahead = {"target": table.reshape(-1, 1), "horizon": n_outputs, "target_stride": n_outputs}
    return replace(data, arguments=data.arguments | ahead, n_outputs=n_outputs)


def read_validation(estimator: Any, X: Any, y: Any, data: Dataset, trained: Any) -> Dataset | None:
    """X_val and y_val of `fit`, checked against its X, `trained`, which `read_training` has read as `data`.

    Returns
    -------
    Dataset or None
        None where neither is given.
    """
    if X is None and y is None:
        return None
    if X is None:
        raise ValueError(
            Refusal("is given without X_val: pass both, or neither to hold out the latest windows of X", where="y_val")
        )
    if y is None and not isinstance(X, Windows):
        raise ValueError(
            Refusal("is given without y_val: pass both; y_val may be left out with Windows only", where="X_val")
        )
    if estimator.early_stopping is False:
        raise ValueError(refusals.unused_validation())
    if isinstance(X, Windows) and isinstance(trained, Windows) and X.window_norm != trained.window_norm:
        raise ValueError(refusals.only_one_norm(X.window_norm, trained.window_norm))
    try:
        found = read_examined(estimator, X, y, data.lookback, data.n_channels, data.n_extra, data.n_outputs)
    except (TypeError, ValueError) as error:
        refusal = TypeError if isinstance(error, TypeError) else ValueError
        raise refusal(extended(error, "Validation set (X_val, y_val): ")) from error
    if not found.n_windows:
        raise ValueError(Refusal(where="Validation set (X_val, y_val)", got="0", expected="at least 1 window"))
    return found


def _targets_apart(y: Any, n_outputs: int) -> Floats:
    _refuse_kind(y, "y")
    _refuse_shape(y)
    y = check_array(np.asarray(y), dtype="numeric", ensure_2d=False, input_name="y")
    return _as_float(y).reshape(-1, n_outputs)


def read_weights(sample_weight: npt.ArrayLike | None, dataset: Dataset) -> Floats | None:
    """Sample weights as float64, or None; refuses negative ones and a sum of 0."""
    if sample_weight is None:
        return None
    rows = np.empty((dataset.n_windows, 0))  # only its length is looked at
    sample_weight = as_numpy(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError(
            Refusal(
                "every weight is 0, so there is nothing to learn from; give some rows a weight", where="sample_weight:"
            )
        )
    # Only their ratios count: a power of two brings them near 1, exactly, so that no sum of them overflows.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def _read_windows(estimator: Any, X: Windows, y: Any) -> Dataset:
    y = _targets_of(estimator, X, y)
    if len(y) != len(X):
        raise ValueError(
            Refusal(f"has {len(X)} windows but y has {len(y)} rows: pass windows.y indexed as windows is", where="X")
        )
    if not len(X):
        raise ValueError(Refusal(where="X", got="0", expected="at least 1 window"))
    if estimator.n_channels not in (1, X.n_channels):
        raise ValueError(
            Refusal(f"has windows of {X.n_channels} channels, but n_channels={estimator.n_channels}", where="X")
        )
    own = isinstance(y, WindowTargets) and y.belongs_to(X)
    _refuse_missing(X, ahead=X.horizon if own else 0)
    arguments = y.source_arguments() if own else X.source_arguments()
    # One kind of check for both kinds of input; a broadcast row tells the number of features and copies nothing.
    validate_data(estimator, np.broadcast_to(np.zeros(()), (1, X.shape[1])), skip_check_array=True)
    steps = X.lookback if own and y.at_every_step else 1

    def time() -> Integers:
        return X.time

    def spans() -> Integers:
        return np.asarray(X.span) + steps - 1

    reach = None if X.settled is None else spans
    sizes = len(X), *_past_sizes(X)
    if own:
        roles = _roles(X, y.shape[1] // steps)
        outputs, span = y.shape[1], X.horizon + steps - 1
        return Dataset(arguments, *sizes, outputs, False, span, time, reach, X.n_extra, steps=steps, **roles, windows=X)
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


def _targets_of(estimator: Any, X: Windows, y: Any) -> Any:
    """The targets of windows as the estimator has outputs: y, or those that follow from X."""
    own = isinstance(y, WindowTargets) and y.belongs_to(X)
    every = at_every_step(estimator)
    if own and y.at_every_step and not every:
        raise ValueError(refusals.of_every_step())
    if y is not None and not own:
        if every:
            raise ValueError(refusals.of_every_step(y))
        return y
    return X.y_sequences if every else X.y


def _roles(X: Windows, n_outputs: int) -> dict[str, Any]:
    """How many series there are and, where the outputs are over their horizon, what outputs and extra values are."""
    series = {"n_series": len(X.starts) - 1}
    if n_outputs % X.horizon:
        return series
    return series | {
        "columns": n_outputs // X.horizon,
        "n_future": 0 if X.future is None else X.future.shape[1],
        "n_static": 0 if X.static is None else X.static.shape[1],
    }


def _past_sizes(X: Windows) -> tuple[int, int]:
    """Steps and channels of a window's past, both 0 where it has none."""
    return X.lookback, X.n_channels if X.lookback else 0


def matrix_arguments(X: Floats, lookback: int, channels: int) -> dict[str, Any]:
    """A matrix of windows: the past and, if there are more columns, the known future and static values."""
    past, extra = X[:, : lookback * channels], X[:, lookback * channels :]
    if lookback == 0:
        return {**no_past(len(X), X.dtype, shift=0), "extra": extra}
    arguments = {"past": np.ascontiguousarray(past).reshape(-1, channels), "lookback": lookback}
    arguments["past_stride"] = lookback
    return arguments | ({"extra": extra} if extra.shape[1] else {})


def _is_ready(estimator: Any, X: Any, lookback: int, channels: int, extra: int) -> bool:
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


def _flattened(estimator: Any, X: Any) -> tuple[Any, int | None, int | None]:
    """A 3-D array as 2-D with its lookback and channels; anything else as it is, with None."""
    if isinstance(X, list | tuple) and np.ndim(X) == 3:
        X = np.asarray(X)
    if getattr(X, "ndim", 2) > 3:
        raise ValueError(refusals.too_many_dimensions("X", X))
    if getattr(X, "ndim", 2) != 3:
        return X, None, None
    if 0 in X.shape:
        raise ValueError(
            Refusal(
                where="X", got=f"shape {X.shape}", expected="(n_windows, lookback, n_channels) without an empty axis"
            )
        )
    X = np.asarray(X)
    if estimator.n_channels not in (1, X.shape[2]):
        raise ValueError(
            Refusal(f"has {X.shape[2]} channels on its last axis, but n_channels={estimator.n_channels}", where="X")
        )
    return X.reshape(len(X), -1), X.shape[1], X.shape[2]


def _sizes(estimator: Any, n_features: int, lookback: int | None, channels: int | None) -> tuple[int, int]:
    if lookback is not None and channels is not None:
        return lookback, channels
    if getattr(estimator, "encoder", None) == "dense":  # a row is one vector
        if estimator.n_channels not in (1, n_features):
            raise ValueError(
                Refusal(f"has vectors of {n_features} values, but n_channels={estimator.n_channels}", where="X")
            )
        return 1, n_features
    if n_features % estimator.n_channels:
        raise ValueError(refusals.not_in_steps(n_features, estimator.n_channels))
    return n_features // estimator.n_channels, estimator.n_channels


def _as_float(y: Array) -> Floats:
    return np.ascontiguousarray(y, dtype=np.float32 if y.dtype == np.float32 else np.float64)


_PIECE = 1 << 16  # rows or windows looked at together: no temporary grows with the panel


def _refuse_missing(X: Windows, ahead: int) -> None:
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
            raise ValueError(refusals.before_the_horizon(X.horizon))
        _refuse_rows(X, future, 1, X.horizon, _not_finite, "X, known future: expected finite")
    if static is not None and not np.isfinite(static).all():
        series = np.flatnonzero(_not_finite(static).any(axis=1))
        raise ValueError(refusals.missing_static(series, len(static)))


def _not_finite(a: Floats) -> Booleans:
    return ~np.isfinite(a)


def _refuse_rows(
    X: Windows, array: Floats, first: int, last: int, bad: Callable[[Floats], Booleans], expected: str
) -> None:
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
        where, _, expected = expected.partition(": expected ")
        got = f"{what} in {count} of {len(X)} windows, first in row {X.index[worst]!r} of the series"
        raise ValueError(refusals.not_finite(where, f"{expected} numbers", got))


def _refuse_shape(y: Any) -> None:
    shape = getattr(y, "shape", ())
    if len(shape) > 2:
        raise ValueError(refusals.too_many_dimensions("y", y))


def _refuse_kind(a: Any, name: str) -> None:
    """Dates, durations and text pass scikit-learn's checks as numbers; here they are most likely the wrong column."""
    if name == "y" and hasattr(a, "toarray"):
        raise TypeError(refusals.not_dense(a))
    if hasattr(a, "dtypes") and hasattr(a, "columns"):
        kinds: dict[str | None, Any] = {str(column): dtype for column, dtype in zip(a.columns, a.dtypes, strict=True)}
    else:
        dtype = getattr(a, "dtype", None)
        kinds = {None: dtype if dtype is not None else _dtype_of(a)}
    for column, dtype in kinds.items():
        kind = getattr(dtype, "kind", "f")
        where = f"{name}, column {column!r}" if column is not None else name
        if kind in "mM" or str(dtype).startswith("period"):
            raise TypeError(
                refusals.not_numbers(where, str(dtype), "Leave the time stamps out, or turn them into features.")
            )
        if kind == "c":  # begins in scikit-learn's words, which its own checks look for
            raise ValueError(Refusal(f"Complex data not supported: {where}: expected real numbers, got {dtype}"))
        if kind in "US" or (kind == "O" and _holds_text(a, column)):
            raise ValueError(refusals.not_numbers(where, f"text ({dtype})", "Convert it with pandas.to_numeric first."))


def _dtype_of(a: Any) -> np.dtype[Any] | None:
    if hasattr(a, "toarray"):  # sparse: scikit-learn's own check refuses it, with the fix
        return None
    try:
        return np.asarray(a).dtype
    except ValueError:  # ragged: scikit-learn's own check names the problem
        return None


def _holds_text(a: Any, column: str | None) -> bool:
    values = np.asarray(a if column is None else a.loc[:, [c for c in a.columns if str(c) == column]], dtype=object)
    return any(isinstance(value, str | bytes) for value in values.flat)
