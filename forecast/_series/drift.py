"""Whether forecasts got worse: errors since training, compared with those on the validation windows."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._types import Floats

if TYPE_CHECKING:
    from .errors import Errors

__all__ = ["DriftReport", "drift_of"]

_LEAST = 10  # origins: fewer say nothing


@dataclass(frozen=True)
class DriftReport:
    """Errors of forecasts since training, relative to those on the validation windows; it prints the verdict.

    Attributes
    ----------
    drifted : bool or None
        Whether errors have grown by more than `margin`, with `confidence`. None: too few origins are known.
    ratio : float
        Mean absolute error from the newest `window` origins relative to that in validation, step by step and scaled so
        that series of different scale are comparable. 1: as good as in validation.
    lower : float
        Lower bound of the ratio, with `confidence`.
    since : label or None
        If errors have drifted: the origin from which they exceed the midpoint between 1 and `ratio` by the largest sum.
    frame : pandas.DataFrame
        A row for each origin, by its time stamp: `n_series`, the `ratio` of this origin, the `rolling` mean over the
        newest `window` origins, its bound `lower`, and `cusum`, the cumulative excess over 1 + `margin`, never below 0
        [1]_.
    by_series : pandas.DataFrame or None
        For a panel: `ratio` of each series over the same origins and their number `n`, the worst first.
    window, confidence, margin
        The arguments of `monitor`.

    References
    ----------
    .. [1] Page (1954), Continuous inspection schemes, Biometrika.
    """

    drifted: bool | None
    ratio: float
    lower: float
    since: Any
    frame: pd.DataFrame
    by_series: pd.DataFrame | None
    window: int
    confidence: float
    margin: float

    def __repr__(self) -> str:
        n = min(len(self.frame), self.window)
        if self.drifted is None:
            known = f"{n} origin{'s' if n != 1 else ''}"
            return f"too early to say: errors are known from {known} since the training, and {_LEAST} are needed"
        sure = f"{self.ratio:.2f} times those of validation ({self.confidence:.0%} sure: at least {self.lower:.2f})"
        found = f"errors from the newest {n} origins are {sure}"
        if not self.drifted:
            return f"no drift: {found}"
        worst = ""
        if self.by_series is not None:
            names = ", ".join(f"{key!r} ({ratio:.2f})" for key, ratio in self.by_series["ratio"].head(3).items())
            worst = f"; worst: {names}"
        return f"drift: {found}, since about {self.since}{worst}"


def drift_of(
    errors: Errors | None, residuals: Floats, horizon: int, window: int, confidence: float, margin: float
) -> DriftReport:
    """The report from errors since training and residuals of validation windows.

    Parameters
    ----------
    errors : Errors or None
    residuals : ndarray of shape (n, horizon, targets)
        Residuals of validation, in the units of their series and in time order.
    horizon : int
    window : int
    confidence, margin : float

    Returns
    -------
    DriftReport
    """
    usual = _mean(np.abs(residuals), axis=0)
    usual = np.maximum(usual, np.finfo(np.float64).eps)
    if errors is None:
        frame = pd.DataFrame(columns=["n_series", "ratio", "rolling", "lower", "cusum"], dtype=np.float64)
        return DriftReport(None, np.nan, np.nan, None, frame, None, window, confidence, margin)
    each = _mean((np.abs(errors.relative) / usual).reshape(len(errors.labels), -1), axis=1)
    grouped = pd.Series(each, index=errors.labels).groupby(level=0, sort=True)
    ratio, count = grouped.mean(), grouped.size()
    beside = _mean((np.abs(residuals) / usual).reshape(len(residuals), -1), axis=1)
    own = _variance(beside[~np.isnan(beside)], horizon * max(1, round(count.mean())))
    values = ratio.to_numpy()
    rolling, lower = np.empty(len(values)), np.empty(len(values))
    quantile = NormalDist().inv_cdf(confidence)
    for end in range(1, len(values) + 1):
        part = values[max(0, end - window) : end]
        rolling[end - 1] = part.mean()
        lower[end - 1] = part.mean() - quantile * np.sqrt(_variance(part, horizon) + own * part.mean() ** 2)
    excess, cusum = values - 1 - margin, np.zeros(len(values))
    for at in range(len(values)):
        cusum[at] = max(0.0, (cusum[at - 1] if at else 0.0) + excess[at])
    columns = {"n_series": count.to_numpy(), "ratio": values, "rolling": rolling, "lower": lower, "cusum": cusum}
    frame = pd.DataFrame(columns, index=ratio.index)
    drifted = None if len(values) < _LEAST else bool(lower[-1] > 1 + margin)
    since = frame.index[_change(values, rolling[-1])] if drifted else None
    newest = np.asarray(errors.labels >= frame.index[max(0, len(frame) - window)])
    return DriftReport(
        drifted, float(rolling[-1]), float(lower[-1]), since, frame, _by_series(errors, each, newest), window,
        confidence, margin,
    )  # fmt: skip


def _change(values: Floats, now: int) -> int:
    """Where a mean of 1 became that of now: from there on, the sum of what lies above their middle is largest."""
    below = np.concatenate([[0.0], np.cumsum(values - (1 + now) / 2)])[:-1]
    return int(below.argmin())


def _by_series(errors: Errors, each: Floats, newest: Any) -> pd.DataFrame | None:
    if errors.series[0] is None:
        return None
    table = pd.DataFrame({"series": errors.series, "ratio": each})[newest]
    found = table.groupby("series", sort=False)["ratio"].agg(ratio="mean", n="size")
    return found.sort_values("ratio", ascending=False, kind="stable")


def _variance(values: Floats, reach: int) -> float:
    """Of the mean of values that depend on each other up to `reach` steps: Newey and West (1987), Bartlett weights.

    Forecasts of a horizon from neighbouring origins share most of what they forecast.
    """
    n = len(values)
    if n < 2:
        return np.inf
    centred = values - values.mean()
    lags = min(reach - 1, n // 2)
    total = centred @ centred
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * (centred[lag:] @ centred[:-lag])
    total = max(total, centred @ centred)
    return total / n / max(n - lags - 1, 1)


def _mean(array: Floats, axis: Any) -> Floats:
    seen = ~np.isnan(array)
    total = np.where(seen, array, 0).sum(axis=axis)
    return np.where(seen.any(axis=axis), total / np.maximum(seen.sum(axis=axis), 1), np.nan)
