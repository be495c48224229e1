"""`explain`: integrated gradients and gradient x input of forecasts, with respect to everything that they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from .._refusals import Refusal, extended
from .._series import rows_to_forecast
from .._threads import thread_count
from .attribution import Attribution
from .columns import columns_of
from .integral import integrated, slope_at_end
from .members import MemberFunction
from .networks import refuse_no_forecaster

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Literal

    from .._preparation import Rows
    from .._series.state import FittedState
    from .._types import Floats, FrameLike, Integers

__all__ = ["explain"]

_METHODS = ("integrated_gradients", "gradient_x_input")


def explain(
    model: Any,
    X: FrameLike | None = None,
    *,
    history: FrameLike | None = None,
    method: Literal["integrated_gradients", "gradient_x_input"] = "integrated_gradients",
    baseline: Literal["mean", "zero"] | Mapping[Any, float] = "mean",
    target: Hashable | None = None,
    step: Literal["mean", "each"] | int | Sequence[int] | Integers = "mean",
    n_origins: int = 1,
    tolerance: float = 0.003,
    n_nodes: int = 8,
    n_jobs: int | None = None,
) -> Attribution:
    """Explain forecasts: the contribution of each column and row, by integrated gradients or gradient x input.

    The forecast is compared with that of a baseline, in which every column stays at one value. Integrated gradients
    [1]_ divide the difference among all values that the forecast reads; the contributions add up to it. Gradient x
    input uses only the gradient at the forecast itself; it is the same if the model is linear.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted model: the recipe, or with an `RNNForecaster`, a `PretrainedForecaster`, a `LinearForecaster`, a linear
        regressor of scikit-learn or a naive forecaster. It is not changed.
    X : frame or int, default=None
        The future rows, as in `SeriesForecaster.predict`, at most `horizon` steps of each series.
    history : frame, default=None
        Rows to forecast after, as in `SeriesForecaster.predict`. None: the fitted ones.
    method : {"integrated_gradients", "gradient_x_input"}, default="integrated_gradients"
    baseline : {"mean", "zero"} or mapping from columns to numbers, default="mean"
        The value at which each column stays. "mean": its mean over the rows of the series that are read; for a static
        covariate, the mean over the fitted series. "zero": 0. A mapping: these values, and the mean for all other
        columns.
    target : label, default=None
        Target whose forecasts are explained; None: the first.
    step : "mean", "each", int or list of int, default="mean"
        Steps of the horizon, counted from 1. "mean": the mean of the forecast over all requested steps, in one pass.
        "each": each step separately.
    n_origins : int, default=1
        Number of forecasts to explain for each series: after the newest row, after the one before, and so on. More than
        one needs a `history` that reaches back far enough. A hundred or more show which columns matter overall.
    tolerance : float, default=0.003
        Tolerated error of the integral, relative to the difference between a forecast and that of its baseline: see
        `Attribution.missing`. Intervals of the path with a larger error, such as those with the kink of a ReLU, are
        halved.
    n_nodes : int, default=8
        Number of points of the Gauss-Legendre rule on each interval of the path.
    n_jobs : int, default=None
        Number of threads of networks; results are bit-identical for any value.

    Returns
    -------
    Attribution

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    TypeError
        The model is not a `SeriesForecaster`, or its regressor has no derivative, such as gradient boosting: use
        `channel_importance`.
    ValueError
        An argument is invalid as in `predict`, the model has carried states, a transform does not accept the baseline,
        or the history is too short for `n_origins`.

    See Also
    --------
    channel_importance : For any regressor, how much worse forecasts are without a column.
    forecast.plotting.AttributionDisplay : Draws the result.

    Notes
    -----
    Each member of the recipe is explained separately, with its weight. The window norm and all scalings are part of the
    function, so the level that a norm adds back is attributed to the rows from which it is computed. With a
    `transform`, the path from the baseline is straight in the transformed values, and results are in the target's
    units; with a difference, the values to which changes are added stay the same. Category codes, the vector of the
    series and masks of missing values are the same in the baseline.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan: Axiomatic attribution for deep networks. ICML 2017.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from forecast import RNNForecaster, SeriesForecaster
    >>> rng = np.random.default_rng(0)
    >>> df = pd.DataFrame(rng.normal(size=(300, 3)), columns=["load", "wind", "noise"])
    >>> df["load"] += 3 * df["wind"].shift(1, fill_value=0.0)  # yesterday's wind
    >>> network = RNNForecaster(hidden_size=8, max_iter=20, random_state=0)
    >>> model = SeriesForecaster(network, target="load", past_covariates=["wind", "noise"], lookback=6, horizon=1)
    >>> found = explain(model.fit(df), history=df, n_origins=20)
    >>> found.by_column().index[0]
    'wind'
    """
    _check(model, method, n_nodes, n_origins, tolerance, n_jobs)
    with threadpool_limits(limits=1, user_api="blas"):  # sums depend on how many threads share them
        state, rows, origins, n_steps = rows_to_forecast(model, X, history, n_origins)
        number = _target_of(state, target)
        steps, weights = _functionals(step, n_steps, state.horizon)
        start = _baseline_rows(state, rows, baseline)
        calendar = "zero" if isinstance(baseline, str) and baseline == "zero" else "mean"
        total = _Total(state, rows, origins, len(steps))
        for member, weight in state.parts:
            function = MemberFunction(member, state, rows, origins, number, n_jobs)
            try:
                base, newest = function.baseline(start, origins, calendar)
            except ValueError as error:
                refused = extended(error, f"baseline={baseline!r}: the transform of the target does not take it: ")
                raise ValueError(refused) from error
            rule = (int(n_nodes), float(tolerance)) if method == _METHODS[0] else None
            total.add(function, weight, *_shared(function, base, newest, weights, rule))
    return total.result(steps, state.roles.target[number], method)


def _check(model: Any, method: str, n_nodes: int, n_origins: int, tolerance: float, n_jobs: int | None) -> None:
    refuse_no_forecaster(model, "explain", "shares forecasts among the columns of a frame")
    if method not in _METHODS:
        raise ValueError(Refusal(f"is {method!r}", where="method", expected=f"one of {list(_METHODS)}"))
    for name, value in (("n_nodes", n_nodes), ("n_origins", n_origins)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(Refusal(f"is {value!r}", where=name, expected="a whole number, 1 or more"))
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0 < tolerance < 1:
        raise ValueError(
            Refusal(f"is {tolerance!r}", where="tolerance", expected="a share of the difference, above 0 and below 1")
        )
    thread_count(n_jobs, 1)  # checks n_jobs, also for a regressor that needs no threads


def _target_of(state: FittedState, target: Hashable | None) -> int:
    targets = list(state.roles.target)
    if target is not None and target not in targets:
        raise ValueError(Refusal(f"target {target!r} is not there", expected=f"one of {targets}"))
    return 0 if target is None else targets.index(target)


def _functionals(step: Any, n_steps: int, horizon: int) -> tuple[list[Any], Floats]:
    """Names of the steps, and what each is of the horizon: weights of shape (steps, horizon)."""
    if isinstance(step, str) and step == "mean":
        return ["mean"], np.where(np.arange(horizon) < n_steps, 1.0 / n_steps, 0.0)[None]
    steps = list(range(1, n_steps + 1)) if isinstance(step, str) and step == "each" else step
    steps = steps if isinstance(steps, (list, tuple, range, np.ndarray)) else [steps]
    whole = all(isinstance(one, Integral) and not isinstance(one, bool) for one in steps)
    if not len(steps) or not whole or not all(1 <= one <= n_steps for one in steps):
        raise ValueError(
            Refusal(
                f"is {step!r}", where="step", expected=f"'mean', 'each', or steps of the horizon from 1 to {n_steps}"
            )
        )
    return [int(one) for one in steps], np.eye(horizon)[[int(one) - 1 for one in steps]]


def _baseline_rows(state: FittedState, rows: Rows, baseline: Any) -> Rows:
    """The rows with every column at one value of each series; what is missing stays missing."""
    zero = isinstance(baseline, str) and baseline == "zero"
    if not zero and not isinstance(baseline, Mapping) and not (isinstance(baseline, str) and baseline == "mean"):
        raise ValueError(
            Refusal(
                f"is {baseline!r}", where="baseline", expected="'mean', 'zero', or a mapping from columns to numbers"
            )
        )
    given = dict(baseline) if isinstance(baseline, Mapping) else {}
    schema = state.schema
    labels = {"targets": list(state.roles.target)}
    for role in ("past", "future", "static"):
        labels[role] = [one.label for one in getattr(schema, role) for _ in one.names]
    known = [*state.roles.target, *schema.numeric()]
    for label, value in given.items():
        if label not in known:
            raise ValueError(
                Refusal(f"has {label!r}", where="baseline", expected=f"some of the columns of numbers {known}")
            )
        if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(float(value)):
            raise ValueError(Refusal(f"has {value!r} for {label!r}", where="baseline", expected="a finite number"))
    spans = list(zip(rows.starts[:-1], rows.starts[1:], strict=True))
    changed: dict[str, Any] = {}
    for role, names in labels.items():
        table = getattr(rows, role)
        if role == "static":
            values = np.broadcast_to(state.tail.static.mean(axis=0), table.shape).copy()
        else:
            values = np.zeros((len(spans), table.shape[1]))
            for place, (first, end) in enumerate(spans):
                values[place] = [_mean(column) for column in table[first:end].T]
        values = np.zeros_like(values) if zero else values
        for place, label in enumerate(names):
            if label in given:
                values[:, place] = given[label]
        if role != "static":
            values = np.repeat(values, np.diff(rows.starts), axis=0)
        changed[role] = np.where(np.isnan(table), table, values).astype(table.dtype)
    return replace(rows, **changed)


def _mean(column: Floats) -> float:
    seen = column[~np.isnan(column)]
    return seen.mean(dtype=np.float64) if len(seen) else 0.0


def _shared(
    function: MemberFunction, start: Floats, newest: Floats, weights: Floats, rule: tuple[int, float] | None
) -> tuple[Floats, Floats, Floats]:
    """The difference to the baseline, shared among the values of each window.

    Parameters
    ----------
    function : MemberFunction
    start : ndarray of shape (n, inputs)
        The baseline.
    newest : ndarray of shape (n,)
        Its newest value of the target.
    weights : ndarray of shape (steps, horizon)
    rule : (int, float) or None
        Nodes and tolerance; None: the gradient at the window itself.

    Returns
    -------
    shares : ndarray of shape (n, steps, inputs)
    forecast, baseline : ndarray of shape (n, steps)
    """
    which = np.arange(len(start))
    forecast, before = (function(X, which)[0] @ weights.T for X in (function.matrix, start))
    if rule is None:
        shares = slope_at_end(function, start, weights)
    else:
        shares = integrated(function, start, weights, forecast - before, *rule)
    still = function.standing()
    if still.any():  # the newest value, whatever the regressor says
        places = function.places
        read = (places.lag == 0) & ~places.static & (places.column == function.own)
        forecast[still], before[still] = function.newest[still, None], newest[still, None]
        shares[still] = np.where(read, (forecast - before)[still, :, None] / read.sum(), 0.0)
    return shares, forecast, before


class _Total:
    """Weighted sums over members, by the user's columns and rows."""

    def __init__(self, state: FittedState, rows: Rows, origins: Integers, n_steps: int) -> None:
        self._state, self._rows, self._origins = state, rows, origins
        self._columns = columns_of(state)
        self._parts: list[tuple[int, int, Floats]] = []
        self._held: set[Any] = set()
        self._static = np.zeros((len(origins), n_steps, len(self._columns)))
        self._forecast, self._baseline = np.zeros((len(origins), n_steps)), np.zeros((len(origins), n_steps))
        self._which = np.searchsorted(rows.starts, origins, side="right") - 1

    def add(self, function: MemberFunction, weight: float, shares: Floats, forecast: Floats, baseline: Floats) -> None:
        """A member: its shares, shape (n, steps, inputs), and its forecasts."""
        places = function.places
        self._held |= set(places.codes)
        self._forecast += weight * forecast
        self._baseline += weight * baseline
        read = (places.column >= 0) & ~places.static
        oldest, newest = int(places.lag[read].max(initial=0)), int(places.lag[read].min(initial=0))
        values = np.zeros((*forecast.shape, oldest - newest + 1, len(self._columns)))
        at: Any = (..., oldest - places.lag[read], places.column[read])
        np.add.at(values, at, weight * shares[..., read])
        # Copies of the oldest row before a short series count as that row.
        known = self._origins - self._rows.starts[self._which]
        for number in np.flatnonzero(known < oldest):
            first = oldest - max(int(known[number]), 0)
            values[number, :, first] += values[number, :, :first].sum(axis=1)
            values[number, :, :first] = 0.0
        self._parts.append((oldest, newest, values))
        still = (places.column >= 0) & places.static
        columns: Any = (..., places.column[still])
        np.add.at(self._static, columns, weight * shares[..., still])

    def result(self, steps: list[Any], target: Any, method: str) -> Attribution:
        oldest, newest = max(part[0] for part in self._parts), min(part[1] for part in self._parts)
        values = np.zeros((*self._forecast.shape, oldest - newest + 1, len(self._columns)))
        for own, _, part in self._parts:
            values[:, :, oldest - own : oldest - own + part.shape[2]] += part
        series = None if self._rows.keys == [None] else [self._rows.keys[number] for number in self._which]
        read_at_origin = self._rows.index[self._origins]
        return Attribution(
            values, self._static, self._columns, np.arange(oldest, newest - 1, -1), steps, pd.Index(read_at_origin),
            series, self._forecast, self._baseline, target, method, [self._columns[one] for one in sorted(self._held)],
        )  # fmt: skip
