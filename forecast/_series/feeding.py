"""Forecasts beyond the horizon, which read earlier forecasts: with one warning, or refused."""

from __future__ import annotations

import warnings
from typing import Any
from weakref import WeakSet

from .._refusals import Refusal, longer_horizon
from .callers import Caller

__all__ = ["RecursiveForecastWarning", "tell_of_feedback"]

_TOLD: WeakSet[Any] = WeakSet()  # loops in which it was said
_TOLD_IN_WORKERS: set[str] = set()  # and what: a worker does not know which loop it works for


class RecursiveForecastWarning(UserWarning):
    """More steps than `horizon` were requested: later steps are forecast from forecasts, not from observations.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> from forecast.datasets import make_ar1
    >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=3).fit(make_ar1(200, random_state=0))
    >>> future = model.future_frame(10)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = model.predict(future)
    >>> [warning.category.__name__ for warning in caught]
    ['RecursiveForecastWarning']
    >>> len(model.predict(future, recursive=True))
    10
    """


def tell_of_feedback(steps: int, horizon: int, recursive: bool | None = None) -> None:
    """Warn of a forecast that is longer than the horizon, once per call of the user's.

    A search or `cross_val_score` with folds longer than the horizon is one call, however many folds it has.

    Parameters
    ----------
    steps, horizon : int
    recursive : bool or None, default=None
        True: it is meant, and nothing is said. False: it is refused.

    Raises
    ------
    TypeError
        `recursive` is not one of these.
    ValueError
        `recursive` is False, and there are more steps than `horizon`.

    Warns
    -----
    RecursiveForecastWarning
    """
    if recursive not in (None, True, False):
        raise TypeError(Refusal(f"is {recursive!r}", where="recursive", expected="True, False or None"))
    if steps <= horizon or recursive:
        return
    what = f"{steps} steps were asked for, but horizon is {horizon}"
    if recursive is not None:
        fix = longer_horizon(steps)
        raise ValueError(Refusal(f"{what}, and recursive=False", expected=f"at most {horizon}", fix=fix))
    text = Refusal(
        what,
        got="the steps after it are forecast from forecasts, not from observations, and their errors add up",
        advice=f"To judge forecasts of {horizon} steps: "
        f"backtest(model, df, RollingOrigin(n_splits=5, horizon={horizon})), or "
        f"cv=RollingOrigin(n_splits=5, horizon={horizon}) in scikit-learn's tools. If it is intended: "
        "predict(X, recursive=True).",
    )
    caller = Caller()
    if not _was_said(text, caller):
        warnings.warn(text, RecursiveForecastWarning, stacklevel=caller.stacklevel)


def _was_said(text: str, caller: Any) -> bool:
    loop = caller.loop()
    if loop is None and not caller.in_worker():
        return False
    told, this = (_TOLD_IN_WORKERS, text) if loop is None else (_TOLD, loop)
    before = this in told
    told.add(this)
    return before
