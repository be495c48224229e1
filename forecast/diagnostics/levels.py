"""A window norm applied to variants of windows, forwards and, for gradients, backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._windows import Norm

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._types import Booleans, Floats, Integers
    from .._windows import Windows

__all__ = ["Levelled", "WindowLevel"]

_OF_MEAN = 1e-3  # the least deviation where there is no floor, as windows have it: of the mean


class WindowLevel:
    """The norm of some windows.

    Parameters
    ----------
    windows : Windows
    norm : None, str or tuple
        As `window_norm`.
    """

    def __init__(self, windows: Windows, norm: Any) -> None:
        self.norm = Norm.of(norm, windows.lookback)
        self.lookback, self.channels, self.n = windows.lookback, windows.n_channels, windows.n_targets
        self.horizon = windows.horizon
        floor = windows.window_floor if self.norm.kind == "standard" else None
        self._floor = floor
        if floor is not None:
            one = len(floor) == 1
            self._floor = np.broadcast_to(floor, (len(windows), self.n)) if one else floor[windows.which]
        self.season = self.norm.season or 1
        self.place = np.arange(self.lookback + self.horizon) % self.season  # of each step, which centre it has
        # Each centre is a mean of the past: its weights.
        self.weights = np.zeros((self.lookback, self.season))
        if self.norm.kind is not None:
            read = np.arange(self.lookback) >= self.lookback - (1 if self.norm.kind == "last" else self.norm.steps)
            self.weights[read, self.place[: self.lookback][read]] = 1.0
            self.weights /= self.weights.sum(axis=0)

    def past(self, X: Floats) -> Floats:
        """A view of the targets' past in rows of a matrix, shape (n, lookback, targets)."""
        values = X[:, : self.lookback * self.channels]
        return values.reshape(len(X), self.lookback, self.channels)[..., : self.n]

    def of(self, X: Floats, which: Integers) -> Levelled:
        """Variants of windows without their level.

        Parameters
        ----------
        X : ndarray of shape (n, inputs)
        which : ndarray of int of shape (n,)
            Number of the window that each row is a variant of.

        Returns
        -------
        Levelled
        """
        if self.norm.kind is None:
            return Levelled(self, X, None, np.ones((len(X), 1, self.n)), None)
        past = self.past(X)
        centre = np.einsum("tp,mtn->mpn", self.weights, past)
        moved = past - centre[:, self.place[: self.lookback]]
        scale, free = np.ones((len(X), self.n)), None
        if self.norm.kind == "standard":
            deviation = np.sqrt((moved[:, self.lookback - self.norm.steps :] ** 2).mean(axis=1))
            least = _OF_MEAN * np.abs(centre[:, 0]) if self._floor is None else self._floor[which]
            scale, free = np.maximum(deviation, least), deviation > least
            scale[scale == 0] = 1.0
        out = X.copy()
        self.past(out)[...] = moved / scale[:, None]
        return Levelled(self, out, centre, scale[:, None], free)

    def kinks(self, start: Floats, end: Floats, which: Integers) -> Floats:
        """Where on the straight path from one matrix to another a deviation leaves its floor: the slope jumps there.

        Parameters
        ----------
        start, end : ndarray of shape (n, inputs)
        which : ndarray of int of shape (n,)

        Returns
        -------
        ndarray of shape (n, kinks)
            Ascending, between 0 and 1; 1 where there is none.
        """
        if self.norm.kind != "standard":
            return np.ones((len(start), 0))
        newest = slice(self.lookback - self.norm.steps, None)
        a, b = self.past(start)[:, newest], self.past(end)[:, newest]
        first, change = a.mean(axis=1), (b - a).mean(axis=1)
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        # The variance less the square of the floor is a polynomial of the second degree.
        low, cross, high = (a * a).mean(axis=1), (a * (b - a)).mean(axis=1), ((b - a) ** 2).mean(axis=1)
        if self._floor is None:
            low, cross = low - (_OF_MEAN * first) ** 2, cross - _OF_MEAN**2 * first * change
            high = high - (_OF_MEAN * change) ** 2
        else:
            low = low - self._floor[which] ** 2
        root = np.sqrt(np.maximum(cross * cross - high * low, 0.0))
        high = np.where(high == 0, 1.0, high)
        found = np.concatenate([(-cross - root) / high, (-cross + root) / high], axis=1)
        return np.sort(np.where((found > 0) & (found < 1), found, 1.0), axis=1)


@dataclass(frozen=True)
class Levelled:
    """Variants of windows without their level, and what was subtracted.

    Attributes
    ----------
    level : WindowLevel
    matrix : ndarray of shape (n, inputs)
    centre : ndarray of shape (n, places of the season, targets) or None
    scale : ndarray of shape (n, 1, targets)
    free : ndarray of bool of shape (n, targets) or None
        Where the scale is the window's own deviation.
    """

    level: WindowLevel
    matrix: Floats
    centre: Floats | None
    scale: Floats
    free: Booleans | None

    def restored(self, outputs: Floats) -> Floats:
        """Forecasts with their level, shape (n, horizon, targets), from outputs of a regressor."""
        cube = outputs.reshape(len(outputs), self.level.horizon, self.level.n)
        if self.centre is None:
            return cube
        return cube * self.scale + self.centre[:, self.level.place[self.level.lookback :]]

    def pulled(self, weights: Floats, outputs: Floats, pull: Callable[[Floats], Floats]) -> Floats:
        """Gradients of weighted sums of the forecasts with their level, by the windows with theirs.

        Parameters
        ----------
        weights : ndarray of shape (n, horizon, targets)
        outputs : ndarray of shape (n, horizon * targets)
            Outputs of the regressor.
        pull : callable
            The regressor's.

        Returns
        -------
        ndarray of shape (n, inputs)
        """
        level = self.level
        gradient = pull((weights * self.scale).reshape(len(weights), -1))
        if self.centre is None:
            return gradient
        past = level.past(gradient)  # a view: the gradient by values without their level
        inner, steps = past / self.scale, level.lookback
        of_centre = np.zeros(self.centre.shape)
        for place in range(level.season):
            ahead, behind = level.place[steps:] == place, level.place[:steps] == place
            of_centre[:, place] = weights[:, ahead].sum(axis=1) - inner[:, behind].sum(axis=1)
        outer: Any = 0.0
        if self.free is not None:
            cube = outputs.reshape(weights.shape)
            without = level.past(self.matrix)
            of_scale = (weights * cube).sum(axis=1) - (inner * without).sum(axis=1)
            newest = np.arange(steps) >= steps - level.norm.steps
            outer = newest[:, None] * without * np.where(self.free, of_scale, 0.0)[:, None] / level.norm.steps
            if level._floor is None:  # the floor moves with the mean
                of_centre[:, 0] += np.where(self.free, 0.0, of_scale * _OF_MEAN * np.sign(self.centre[:, 0]))
        past[...] = inner + np.einsum("tp,mpn->mtn", level.weights, of_centre) + outer
        return gradient
