"""The regressor on windows: its start, its inputs, and the windows for its evaluation."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from .._callbacks import regressor_task
from .._numbers import LARGEST, refuse_overflow
from .._refusals import Fix, Refusal
from .._tail import time_tail
from .._types import Floats
from .outputs import EachOutput, fit_all_outputs, kind_of
from .weighting import learns, weight_argument

if TYPE_CHECKING:
    from .._windows import Windows

__all__ = [
    "LEAST", "accepts_windows", "blocks_of", "carries", "fit_regressor", "goes_on", "judged", "needs_windows",
    "predict_windows", "reads_series", "to_fit", "unfrozen",
]  # fmt: skip

LEAST = 10  # windows: fewer say nothing of a forecaster
_MOST = 20_000  # windows that a report looks at
_BLOCK = 256  # windows that a regressor is asked about at once
_GATHERED = 16 * _BLOCK  # windows whose matrix is made at once
_LINEAR = ("ElasticNet", "Lasso", "LinearRegression", "Ridge", "RidgeCV")  # of scikit-learn


def accepts_windows(regressor: Any) -> bool:
    """Whether a regressor takes `Windows` as they are; all others get the matrix.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return getattr(type(regressor), "_accepts_windows", False)


def carries(regressor: Any) -> bool:
    """Whether a regressor carries its states from one window to the next.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return accepts_windows(regressor) and bool(getattr(regressor, "stateful", False))


def needs_windows(regressor: Any) -> bool:
    """Whether a fit needs a window: not of a regressor that has learnt all before.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return getattr(regressor, "_needs_windows", True)


def reads_series(regressor: Any) -> bool:
    """Whether a regressor reads series beyond their windows and sees by itself whether they ever moved.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return getattr(type(regressor), "_reads_series", False)


def blocks_of(windows: Windows) -> Windows:
    """The windows of series that continue each other and end with the newest.

    Parameters
    ----------
    windows : Windows
        Windows with a future.

    Returns
    -------
    Windows
    """
    ends = windows.starts[1:][windows.which] - 1 - windows.horizon
    return windows[(ends - windows.origins) % windows.lookback == 0]


def goes_on(regressor: Any) -> bool:
    """Whether a regressor continues from its last fit: its `warm_start`, or that of the last step of a pipeline.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.linear_model import SGDRegressor
    >>> goes_on(SGDRegressor()), goes_on(SGDRegressor(warm_start=True))
    (False, True)
    """
    return bool(_own(_last(regressor)).get("warm_start", False))


def to_fit(regressor: Any, before: Any = None) -> Any:
    """The object to fit: a clone, or a copy of the regressor of the last fit if it continues.

    Parameters
    ----------
    regressor : estimator
        As the user gave it.
    before : estimator, default=None
        Regressor of the last fit; it is not changed.

    Returns
    -------
    estimator
    """
    if before is None or not goes_on(regressor):
        if before is not None:
            _refuse_inner_warm_start(regressor)
        return clone(regressor)
    if isinstance(before, EachOutput):
        raise ValueError(
            Refusal(
                f"warm_start=True has no effect: a {type(regressor).__name__} has one output, so that a clone is "
                "fitted for each step and target",
                fix=Fix("model.set_params(regressor__warm_start=False)", ""),
            )
        )
    if type(before) is not type(regressor) or type(_last(before)) is not type(_last(regressor)):
        raise ValueError(
            Refusal(
                f"warm_start=True goes on from the last fit, but that was of a {type(_last(before)).__name__} and not "
                f"of a {type(_last(regressor)).__name__}",
                fix=Fix("warm_start=False", ""),
            )
        )
    fresh = clone(regressor)
    # A network replaces what it has learnt; others change their arrays in place.
    again = copy(before) if accepts_windows(before) else deepcopy(before)
    _last(again).set_params(**_own(_last(fresh)))
    if again is not _last(again):  # its other steps start anew
        again.steps = [*fresh.steps[:-1], (fresh.steps[-1][0], _last(again))]
    return again


def unfrozen(regressor: Any) -> Any:
    """A regressor without frozen parts, for a fit from scratch that is only used for evaluation.

    Parameters
    ----------
    regressor : estimator
        Changed.

    Returns
    -------
    estimator
        The same.
    """
    if _own(_last(regressor)).get("freeze") is not None:
        _last(regressor).set_params(freeze=None)
    return regressor


def _refuse_inner_warm_start(regressor: Any) -> None:
    deep = regressor.get_params() if hasattr(regressor, "get_params") else {}
    for name, value in deep.items():
        if name.endswith("__warm_start") and value is True:
            raise ValueError(
                Refusal(
                    f"{name}=True has no effect: {type(regressor).__name__} clones its regressor in every fit",
                    fix=Fix(f"model.set_params(regressor__{name}=False)", ""),
                )
            )


def _last(regressor: Any) -> Any:
    steps = getattr(regressor, "steps", None)
    return steps[-1][1] if isinstance(steps, list) and steps else regressor


def _own(regressor: Any) -> dict[str, Any]:
    return regressor.get_params(deep=False) if hasattr(regressor, "get_params") else {}


def fit_regressor(
    regressor: Any,
    windows: Windows,
    complete: Callable[[Windows], Windows],
    validation: Windows | None = None,
    weigh: Callable[[Windows], Floats] | None = None,
) -> Any:
    """Fit on windows, or on their matrix; a regressor with one output is cloned for each step and target.

    Parameters
    ----------
    regressor : estimator
    windows : Windows
    complete : callable
        Function from windows to those whose targets are all there: only networks can leave single targets out.
    validation : Windows, default=None
        Validation windows of a network that stops early, in place of the newest of `windows`.
    weigh : callable, default=None
        Function from windows to their weights.

    Returns
    -------
    estimator

    Raises
    ------
    ValueError
        Nothing is left to train on, or the regressor takes no weights.
    """
    named = None if weigh is None or not learns(regressor) else _weight_argument(regressor)
    if accepts_windows(regressor):
        more: dict[str, Any] = {}
        if validation is not None and len(validation) and getattr(regressor, "early_stopping", False):
            more = {"X_val": validation, "y_val": validation.y}
        weight = {} if named is None or weigh is None else {named: weigh(windows)}
        with regressor_task(regressor):
            return regressor.fit(windows, windows.y, **more, **weight)
    windows = complete(windows)
    if not len(windows):
        raise ValueError(
            Refusal(
                f"every window misses some target, and {type(regressor).__name__} cannot leave single targets out, "
                "as RNNForecaster can",
                advice="Or fill them: missing rows with gaps='interpolate', missing values with df.interpolate().",
                fix=Fix("regressor=RNNForecaster()", ""),
            )
        )
    matrix, targets = np.asarray(windows), np.asarray(windows.y)
    _refuse_large(regressor, matrix, targets)
    options = {} if named is None or weigh is None else {named: weigh(windows)}
    # A forecast does not depend on how frames are to be shown.
    with config_context(transform_output="default"), regressor_task(regressor):
        if targets.shape[1] == 1:
            return regressor.fit(matrix, targets.ravel(), **options)
        return fit_all_outputs(regressor, matrix, targets, **options)


def _refuse_large(regressor: Any, *tables: Floats) -> None:
    for table in tables:
        # NaN is smaller than nothing and greater than nothing, so that it is passed over.
        ends = (np.fmax.reduce(table, axis=None), -np.fmin.reduce(table, axis=None)) if table.size else (0.0,)
        largest = max(map(float, ends))  # the limit is beyond float32
        if largest > LARGEST:
            raise ValueError(
                Refusal(
                    where=f"{kind_of(regressor)}.fit",
                    got=f"values up to {largest:.3g}",
                    expected=f"at most {LARGEST:g}, whose squares float64 still holds",
                    advice="Use other units.",
                )
            )


def _weight_argument(regressor: Any) -> str:
    named = weight_argument(regressor)
    if named is None:
        raise ValueError(
            Refusal(
                f"sample_weight and half_life are for regressors that take weights, and {kind_of(regressor)}.fit has "
                "no sample_weight",
                expected="neither of them, or another regressor, such as Ridge() or RNNForecaster()",
            )
        )
    return named


def predict_windows(regressor: Any, windows: Windows, method: str = "predict", **options: Any) -> Floats:
    """The predictions of a fitted regressor for windows.

    Parameters
    ----------
    regressor : estimator
    windows : Windows
    method : str, default="predict"
    options : of the method

    Returns
    -------
    ndarray
    """
    # A network with outputs at every step is asked for those of the newest.
    ask = getattr(getattr(regressor, "_at_newest", regressor), method)
    if accepts_windows(regressor) or not len(windows):
        return _finite(np.asarray(ask(windows, **options)), regressor, method)
    # In blocks of one size: the bits of a matrix product depend on how many rows it has.
    found, whole = [], -(-len(windows) // _BLOCK) * _BLOCK
    for first in range(0, whole, _GATHERED):
        rows = np.arange(first, min(first + _GATHERED, whole))
        matrix = np.asarray(windows[np.minimum(rows, len(windows) - 1)])
        blocks = np.split(matrix, len(rows) // _BLOCK)
        finite = np.isfinite(matrix).all()  # where not, the regressor says what it thinks of that
        if finite and method == "predict" and _is_linear(type(regressor)):
            # What its `predict` computes, whose checks of each block take five times as long.
            with np.errstate(all="ignore"):  # what it gives is looked at below
                found += [block @ regressor.coef_.T + regressor.intercept_ for block in blocks]
            continue
        with config_context(transform_output="default", assume_finite=True if finite else None):
            found += [np.asarray(ask(block, **options)) for block in blocks]
    return _finite((found[0] if len(found) == 1 else np.concatenate(found))[: len(windows)], regressor, method)


def _finite(values: Floats, regressor: Any, method: str) -> Floats:
    """Refuse forecasts that are no numbers: weights too large for the values, or a regressor that failed."""
    advice = "Its weights do not fit these values: fit it again, in other units where they are extreme."
    return refuse_overflow(values, f"{kind_of(regressor)}.{method}:", advice=advice)


def _is_linear(kind: type[Any]) -> bool:
    """Whether forecasts of a class are X @ coef_.T + intercept_; scikit-learn's own, which need not be imported."""
    return kind.__name__ in _LINEAR and kind.__module__.startswith("sklearn.linear_model.")


def judged(
    regressor: Any,
    windows: Windows,
    fraction: float,
    complete: Callable[[Windows], Windows],
    weigh: Callable[[Windows], Floats] | None = None,
) -> tuple[Any, Windows, bool] | None:
    """A regressor and the newest windows, which it was not trained on.

    Parameters
    ----------
    regressor : estimator
        Fitted on all of `windows`. Where it held out the newest itself, to know when to stop, it is judged on these;
        where not, a clone is fitted on the windows before them.
    windows : Windows
    fraction : float
        Share to hold out.
    complete, weigh : callable
        As in `fit_regressor`.

    Returns
    -------
    estimator, Windows, bool
        Or None where there are too few. The last: whether the windows decided when training ended.
    """
    own = bool(len(getattr(regressor, "validation_loss_curve_", ())))
    time = np.asarray(windows.time)
    early, late = time_tail(time, regressor.validation_fraction if own else fraction, windows.span)
    fewest = -(-LEAST // windows.lookback) if carries(regressor) else LEAST
    before = len(windows) - len(late)  # of which the gap leaves too few in a short series
    if len(late) < fewest or (len(early) < min(len(late), before / 2) and not own):
        return None
    held_out = windows[late[:: -(-len(late) // _MOST)]]
    if carries(regressor):  # it forecasts after every row of a block
        held_out = windows.at((held_out.origins[:, None] + np.arange(1 - windows.lookback, 1)).ravel())
    if own:
        return regressor, held_out, True
    return fit_regressor(unfrozen(clone(regressor)), windows[early], complete, weigh=weigh), held_out, False
