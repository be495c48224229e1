"""A member of a forecaster as a function of its windows, in the units of the target, with its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from .._pretrained import PretrainedForecaster
from .._windows import Windows
from ..baselines import Drift, LastValue, SeasonalNaive
from .columns import places_of
from .derivatives import derivative_of, reads_back
from .levels import WindowLevel

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._preparation import Member, Rows
    from .._series.state import FittedState
    from .._types import Array, Booleans, Floats, Integers

__all__ = ["MemberFunction"]

_NUDGE = 1e-6  # of a transformed forecast, to see how its inverse changes


class MemberFunction:
    """From windows, as rows of a matrix, to the forecast of one target.

    Transforms of the target have been taken: a matrix holds transformed values. What follows is part of the function:
    the norm of the window, the regressor, the way back through both.

    Parameters
    ----------
    member : Member
    state : FittedState
        State that the member belongs to.
    rows : Rows
    origins : ndarray of int
        Rows after which to forecast.
    target : int
    n_jobs : int or None
    """

    def __init__(
        self, member: Member, state: FittedState, rows: Rows, origins: Integers, target: int, n_jobs: int | None = None
    ) -> None:
        self._member, self._target = member, target
        self.own = target  # targets are the first of the columns
        preparation = member.preparation
        regressor = getattr(member.regressor, "best_estimator_", member.regressor)
        past, self._reach = [], 0
        if isinstance(regressor, PretrainedForecaster):
            past = regressor._past(preparation.windows(*self._own(rows, origins)))
            self._reach = past[0].shape[1]
        rows, origins = self._own(rows, origins)
        self._rows, self._column = rows, 0 if member.split else target
        windows = preparation.windows(rows, origins)
        # These read the series, whatever the norm.
        plain = bool(past) or isinstance(regressor, (LastValue, SeasonalNaive, Drift))
        lookback = max(windows.lookback, self._reach, reads_back(regressor) or 0)
        self._plain = _plain(windows, lookback)
        self._level = WindowLevel(self._plain if plain else windows, None if plain else preparation.window_norm)
        self._derivative = derivative_of(regressor, self._plain if plain else windows, past, n_jobs)
        self.places = places_of(state, preparation, self._plain, target if member.split else None)
        self.matrix = np.asarray(self._plain, dtype=np.float64)
        self.newest = self._newest(rows)

    def _own(self, rows: Rows, origins: Integers) -> tuple[Rows, Integers]:
        """Rows and origins as the member takes them, with copies of the oldest row where a series is too short."""
        if self._member.pads:
            rows, origins = rows.lengthened(origins, self._member.looks_back)
        if self._reach:
            rows, origins = rows.lengthened(origins, self._reach)
        if self._member.split:
            n = rows.targets.shape[1]
            origins = rows.spread(origins)[self._target :: n]
            rows = rows.split()
        return rows, origins

    def baseline(self, rows: Rows, origins: Integers, calendar: Any) -> tuple[Floats, Floats]:
        """The windows of other rows, with what is held as it is in the own ones.

        Parameters
        ----------
        rows : Rows
            As the own ones, with other values.
        origins : ndarray of int
        calendar : {"mean", "zero"}
            Baseline of the calendar features.

        Returns
        -------
        start : ndarray of the shape of `matrix`
        newest : ndarray of shape (n,)
            As the own ones.
        """
        rows, origins = self._own(rows, origins)
        windows = self._member.preparation.windows(rows, origins)
        matrix = np.asarray(_plain(windows, self._plain.lookback), dtype=np.float64)
        of_calendar, places = self.places.calendar >= 0, self.places
        if of_calendar.any():
            n = places.calendar.max() + 1
            future = cast("Floats", self._plain.future)  # the calendar is in it
            end = future.shape[1] - self._member.preparation.irregular  # the time of each row is the last
            features, which = future[:, end - n : end].astype(np.float64), self._plain.which
            spans = zip(self._plain.starts[:-1], self._plain.starts[1:], strict=True)
            means = np.array([features[first:end].mean(axis=0) for first, end in spans])
            means = means if calendar == "mean" else np.zeros_like(means)
            matrix[:, of_calendar] = means[which][:, places.calendar[of_calendar]]
        return np.where(places.column >= 0, matrix, self.matrix), self._newest(rows)

    def _newest(self, rows: Rows) -> Floats:
        """The newest value of the target in each window, in its own units."""
        known: Array = rows.filled("targets", self._member.preparation.fill)
        return known[self._plain.origins, self._column].astype(np.float64)

    def kinks(self, start: Floats, which: Integers) -> Floats:
        """As `WindowLevel.kinks`, from a baseline to the windows."""
        return self._level.kinks(start, self.matrix[which], which)

    def __call__(self, X: Floats, which: Integers) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Forecasts of variants of windows, and a function that gives gradients of weighted sums of the steps.

        Parameters
        ----------
        X : ndarray of shape (n, inputs)
        which : ndarray of int of shape (n,)
            Number of the window that each row is a variant of.

        Returns
        -------
        forecast : ndarray of shape (n, horizon)
        gradient : callable
            Function from weights of the steps, shape (horizon,), to the gradient, shape (n, inputs).
        """
        levelled = self._level.of(X, which)
        outputs, pull = self._derivative(levelled.matrix, which)
        outputs = outputs.reshape(len(X), -1)
        transformed = levelled.restored(outputs)

        def gradient(weights: Floats) -> Floats:
            return levelled.pulled(self._slopes(transformed, which, weights), outputs, pull)

        return self._undone(transformed, which)[:, :, self._column], gradient

    def standing(self) -> Booleans:
        """Which windows' forecasts are their newest value whatever the regressor says: the series never moved.

        Returns
        -------
        ndarray of bool of shape (n,)
        """
        preparation, n = self._member.preparation, len(self._plain)
        if not preparation.lookback:
            return np.zeros(n, dtype=bool)
        windows = preparation.windows(self._rows, self._plain.origins)
        still = np.ones(n, dtype=bool)
        for other in (0.0, 1.0):
            cube = preparation.restore(self._rows, windows, np.full((n, self._level.horizon * self._level.n), other))
            still &= (cube[:, :, self._column] == self.newest[:, None]).all(axis=1)
        return still

    def _undone(self, transformed: Floats, which: Integers) -> Floats:
        preparation = self._member.preparation
        if preparation.transform is None:
            return transformed
        flat = transformed.reshape(len(transformed), -1)
        return preparation.restore(self._rows, self._plain[which], flat)

    def _slopes(self, transformed: Floats, which: Integers, weights: Floats) -> Floats:
        """Weights of the transformed steps: those of the steps through the derivative of the transform's inverse."""
        out = np.zeros(transformed.shape)
        preparation, column = self._member.preparation, self._column
        if preparation.transform is None:
            out[:, :, column] = weights
            return out

        def slope(nudge: Floats) -> Floats:
            up, down = (self._undone(transformed + sign * nudge, which)[:, :, column] for sign in (1, -1))
            return (up - down) / 2

        nudge = _NUDGE * (1 + np.abs(transformed))
        if preparation.is_pointwise:
            out[:, :, column] = weights * slope(nudge) / nudge[:, :, column]
            return out
        for step in range(transformed.shape[1]):  # a difference goes on into all later steps
            one = np.zeros(transformed.shape)
            one[:, step] = nudge[:, step]
            out[:, step, column] = slope(one) @ weights / nudge[:, step, column]
        return out


def _plain(windows: Windows, lookback: int) -> Windows:
    """The same windows without a norm, looking back further where that is asked for."""
    names = ["horizon", "n_targets", "index", "freq", "channel_names", "future", "static", "starts", "series", "levels"]
    names += ["elapsed", "stamps"]
    return Windows(
        windows.values, windows.origins, lookback=lookback, **{name: getattr(windows, name) for name in names}
    )
