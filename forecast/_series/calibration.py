"""Residuals of forecasts on rows that were not trained on, in units comparable between series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import pandas as pd

from .._conformal import AdaptiveState, needed_by, resumes, static_offsets
from .._files import ModelFileError, stored
from .._preparation.spread import horizons, trust
from .._records import record
from .._refusals import Refusal
from .._types import Array, Floats, Integers
from .error_scale import images_of

if TYPE_CHECKING:
    from .._preparation import Rows
    from .._windows import Windows
    from .error_scale import ErrorScales

__all__ = ["USUAL", "Calibration", "over", "series_scale", "ticks"]

T = TypeVar("T")

_MOST = 2_000  # residuals of a step: more do not make a quantile better
_REPLAYED = 100_000  # residuals that `fit` learns from for adaptive intervals, which takes a tenth of a second
USUAL = [0.5, 0.8, 0.9, 0.95]  # coverages


@stored("calibration")
@record(frozen=True)
class Calibration:
    """Residuals of a model's forecasts on the newest windows of the training rows.

    Attributes
    ----------
    residuals : ndarray of shape (n, horizon, targets)
        Actual minus forecast, over the unit of its series, in time order; NaN where the actual value is missing.
    scales : dict of key to ndarray of shape (targets,)
        Units; 1 where there is one series.
    transformed : bool
        Whether they were measured on the scale that `ErrorScales` says. Files of 0.1.0 have them in the units of the
        series.
    warm : dict of str to ndarray, or None
        What adaptive intervals of the usual coverages have learnt from these residuals, so that a forecast after newer
        rows need not; None where there are many.
    horizons : float or None
        Horizons that the windows span, summed over series: overlapping errors are nearly equal.
        None: files of 0.1.0.
    of_new : bool
        Whether they are of series that were not trained on until then.
    series : ndarray of int64 of shape (n,), or None
        The series of each residual by its number in `scales`; -1: one that came after `fit`. None: older files.
    times : ndarray of int64 of shape (n,), or None
        When each forecast was made, so that paths know which errors of several series belong together; None as there.
    apart : int
        Rows from one forecast of a series to the next, in most cases; 1 in older files.
    """

    residuals: Floats
    scales: dict[Any, Floats]
    transformed: bool = False
    warm: dict[str, Array] | None = None
    horizons: float | None = None
    of_new: bool = False
    series: Integers | None = None
    times: Integers | None = None
    apart: int = 1
    _once: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def _check_loaded(self) -> None:
        """Refuse a calibration out of a file that adaptive intervals cannot continue from."""
        if self.warm is not None and not resumes(self.warm):
            raise ModelFileError(Refusal("what adaptive intervals have learned does not fit together"))
        if not isinstance(self.apart, int) or self.apart < 1:
            raise ModelFileError(Refusal(f"forecasts of the calibration are {self.apart!r} rows apart"))

    @classmethod
    def of(
        cls, rows: Rows, windows: Windows, actual: Floats, forecast: Floats, scales: ErrorScales, of_new: bool = False,
        alone: bool | None = None,
    ) -> Self:  # fmt: skip
        """Residuals of some windows.

        Parameters
        ----------
        rows : Rows
        windows : Windows
        actual, forecast : ndarray of shape (n, horizon, targets)
            Values in the units of the series.
        scales : ErrorScales
        of_new : bool, default=False
        alone : bool, default=None
            Whether the rows are a single series of no panel. None: whether they are one series.

        Returns
        -------
        Calibration
        """
        order = np.argsort(windows.time, kind="stable")[-_MOST:]
        actual, forecast, which = actual[order], forecast[order], windows.which[order]
        alone = rows.n_series == 1 if alone is None else alone
        residuals, units = actual - forecast, {}
        for number, (key, first, end) in enumerate(zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)):
            known, mine = rows.targets[first:end], which == number
            marks = scales.at(key, known) if scales.has(key) or mine.any() else None
            if marks is not None:
                known = images_of(marks, known)
                residuals[mine] = images_of(marks, actual[mine]) - images_of(marks, forecast[mine])
            units[key] = series_scale(known, alone)
            if not alone:
                residuals[mine] = over(residuals[mine], units[key])
        span = horizons(SimpleNamespace(rows=windows.origins[order], which=which), actual.shape[1]).sum()
        times = ticks(windows.timestamps[order])
        gaps = np.diff(windows.origins[order])
        apart = max(1, int(np.median(gaps))) if rows.n_series == 1 and len(gaps) else 1
        warm = _warm(residuals, units, apart)
        return cls(residuals, units, True, warm, float(span), of_new, which.astype(np.int64), times, apart)

    @classmethod
    def joined(cls, parts: Sequence[Calibration]) -> Self:
        """Residuals of parts of a panel that have no series in common.

        Parameters
        ----------
        parts : sequence of Calibration
            Calibrations with series and times.

        Returns
        -------
        Calibration
            Where there are more residuals than are kept, the newest; at the same time those of later parts.
        """
        units = {key: one for part in parts for key, one in part.scales.items()}
        offsets = np.cumsum([0, *(len(part.scales) for part in parts)])
        series, times = [], []
        for part, offset in zip(parts, offsets, strict=False):
            assert part.series is not None  # as `of` returns it
            assert part.times is not None
            series.append(part.series + offset)
            times.append(part.times)
        order = np.argsort(np.concatenate(times), kind="stable")[-_MOST:]
        residuals = np.concatenate([part.residuals for part in parts])[order]
        share = len(order) / sum(map(len, times))
        span = share * sum(part.horizons or 0.0 for part in parts)
        which, when = np.concatenate(series)[order], np.concatenate(times)[order]
        return cls(residuals, units, True, _warm(residuals, units), span, False, which, when)

    def followed_by(self, relative: Floats, keys: list[Any], times: Integers) -> Calibration:
        """With later residuals behind these; the newest ones are kept.

        Parameters
        ----------
        relative : ndarray of shape (n, horizon, targets)
            Errors on the scale of errors and in the units of their series, in time order.
        keys : list
            The series of each.
        times : ndarray of int64 of shape (n,)
            When each forecast was made, as `ticks` has it.

        Returns
        -------
        Calibration
        """
        if self.residuals.shape[2] != relative.shape[2]:  # each target was a series of its own
            n = relative.shape[2]
            keys, times = [(key, column) for key in keys for column in range(n)], np.repeat(times, n)
            relative = np.moveaxis(relative, 2, 1).reshape(-1, relative.shape[1], 1)
        residuals = np.concatenate([self.residuals, relative])[-_MOST:]
        span = None if self.horizons is None else self.horizons + len(relative) / relative.shape[1]
        warm = _warm(residuals, self.scales, self.apart)
        found = type(self)(residuals, self.scales, self.transformed, warm, span, self.of_new, apart=self.apart)
        if self.series is None or self.times is None:
            return found
        number = {key: position for position, key in enumerate(self.scales)}
        later = np.array([number.get(key, -1) for key in keys], dtype=np.int64)
        series, times = (np.concatenate(pair)[-_MOST:] for pair in ((self.series, later), (self.times, times)))
        return replace(found, series=series, times=times)

    def offsets(self, levels: list[float], n: int) -> tuple[Floats, Floats]:
        """What to add to a forecast for its bounds as right after `fit`, in units of a series.

        Errors of few horizons may all lie on one side by chance: the bounds that they give on each side count with a
        weight of w / (w + 10), w the horizons that they span, and with the rest of it those of their sizes, which lie
        as far below the forecast as above it.

        Parameters
        ----------
        levels : list of float
        n : int
            Targets.

        Returns
        -------
        lower, upper : ndarray of shape (levels, horizon, targets)

        Raises
        ------
        ValueError
            There are too few errors for the highest level.
        """
        return self.once(("offsets", n, *levels), lambda: self._offsets(levels, n))

    def _offsets(self, levels: list[float], n: int) -> tuple[Floats, Floats]:
        residuals = self.of_targets(n)
        sides = static_offsets(residuals, levels)
        if self.horizons is None:
            return sides
        either = static_offsets(np.concatenate([residuals, -residuals]), levels)
        share = trust(self.horizons)
        lower, upper = (share * own + (1 - share) * other for own, other in zip(sides, either, strict=True))
        return lower, upper

    def holds(self, key: Any, n: int) -> bool:
        """Whether the unit of a series of `n` targets was measured in `fit`."""
        if self.residuals.shape[2] == n:
            return key in self.scales
        return all((key, column) in self.scales for column in range(n))

    def once(self, name: Any, compute: Callable[[], T]) -> T:
        """What follows from the residuals, computed where it was not yet."""
        if name not in self._once:
            self._once[name] = compute()
        return self._once[name]

    def enough(self, levels: list[float]) -> bool:
        """Whether there are residuals of every step for intervals of some coverages."""
        return self.known >= int(needed_by(max(levels)))

    @property
    def known(self) -> int:
        """Residuals that are known of every step, at least."""
        return self.once("known", lambda: len(self.residuals) - np.isnan(self.residuals).sum(axis=0).max())

    def unit(self, key: Any, known: Floats, alone: bool = False) -> Floats:
        """What the residuals of a series are measured in.

        Parameters
        ----------
        key : object
        known : ndarray of shape (rows, targets)
            Its known targets on the scale of errors: what a series that was not there in `fit` is
            measured by.
        alone : bool, default=False
            As in `series_scale`.

        Returns
        -------
        ndarray of shape (targets,)
        """
        n = known.shape[1]
        if self.residuals.shape[2] == n:
            scale = self.scales.get(key)
            return series_scale(known, alone) if scale is None else scale
        scales = [self.scales.get((key, column)) for column in range(n)]  # each target was a series of its own
        there = [scale for scale in scales if scale is not None]
        return series_scale(known) if len(there) < n else np.concatenate(there)

    def started(self, levels: list[float], n: int, steps: int | None = None) -> AdaptiveState:
        """What adaptive intervals have learned before the first origin, row 0, in units of a series.

        Learnt in `fit`, or once: other coverages cost as much as some hundred forecasts.

        Parameters
        ----------
        levels : list of float
        n : int
            Targets.
        steps : int, default=None
            Steps of a forecast; None: the horizon. Nothing is known of steps beyond it.

        Returns
        -------
        AdaptiveState
            To be copied before it learns more.
        """
        return self.once((n, steps, *levels), lambda: self._learnt(levels, n, steps))

    def _learnt(self, levels: list[float], n: int, steps: int | None) -> AdaptiveState:
        residuals, horizon = self.of_targets(n), self.residuals.shape[1]
        if self.warm is not None and residuals is self.residuals and steps in (None, horizon):
            state = AdaptiveState.resumed(levels, self.warm)
            if state is not None:
                return state
        if steps is not None:
            beyond = max(0, steps - horizon)
            residuals = np.pad(residuals[:, :steps], ((0, 0), (0, beyond), (0, 0)), constant_values=np.nan)
        return _taught(AdaptiveState(levels), residuals, self.scales, self.apart)

    def largest(self, n: int) -> Floats:
        """Sizes of the largest errors of `n` targets, in units of a series.

        Returns
        -------
        ndarray of shape (horizon, targets)
            NaN where no error is known.
        """
        return self.once(("largest", n), lambda: np.fmax.reduce(np.abs(self.of_targets(n)), axis=0, initial=np.nan))

    def of_targets(self, n: int) -> Floats:
        """The residuals over the units of their series, of `n` targets."""
        return self.residuals if self.residuals.shape[2] == n else np.repeat(self.residuals, n, axis=2)


def _warm(residuals: Floats, scales: dict[Any, Floats], apart: int = 1) -> dict[str, Array] | None:
    """What adaptive intervals of the usual coverages learn from residuals; None where these are many."""
    return None if residuals.size > _REPLAYED else _taught(AdaptiveState(USUAL), residuals, scales, apart).kept()


def _taught(state: AdaptiveState, residuals: Floats, scales: dict[Any, Floats], apart: int) -> AdaptiveState:
    """After the residuals of validation: of several series the newest ones are those of some, and no trend."""
    if len(scales) > 1:
        state.begin(residuals)
    else:
        state.warm_up(residuals, before=0, apart=apart)
    return state


def series_scale(targets: Floats, alone: bool = False) -> Floats:
    """Mean absolute change from one row to the next: the unit of a series' residuals; 0 for a constant.

    Parameters
    ----------
    targets : ndarray of shape (rows, targets)
    alone : bool, default=False
        One series needs no common unit: 1.

    Returns
    -------
    ndarray of shape (targets,)
    """
    if alone:
        return np.ones(targets.shape[1])
    change = np.abs(np.diff(targets.astype(np.float64), axis=0))
    seen = ~np.isnan(change)
    return np.where(seen, change, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)


def ticks(labels: pd.Index) -> Integers:
    """Labels as whole numbers in their order, the same for the same stamp of any unit.

    Parameters
    ----------
    labels : pandas.Index
        Stamps, periods or whole numbers.

    Returns
    -------
    ndarray of int64
    """
    if isinstance(labels, pd.DatetimeIndex):
        return labels.as_unit("us").asi8
    return labels.asi8 if isinstance(labels, pd.PeriodIndex) else labels.to_numpy().astype(np.int64)


def over(residuals: Floats, unit: Floats) -> Floats:
    """Residuals divided by a unit; errors of a constant series say nothing about others."""
    small = np.where(residuals == 0, 0.0, np.nan)
    return np.divide(residuals, unit, out=small, where=unit > 0)
