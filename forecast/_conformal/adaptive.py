"""Conformal intervals whose level adapts in time: after too many misses they widen.

References
----------
Gibbs, Candes: Adaptive conformal inference under distribution shift. NeurIPS 34 (2021), 1660-1672.
"""

import numpy as np

from .fixed import coverages_of, needed_by, three_axes
from .replay import Learnt, places_of, quantiles, running_scale, scores_of

__all__ = ["AdaptiveState", "nested"]

KEPT = ("alpha", "scores", "sum", "weight", "heard", "count")


def nested(offsets, levels):
    """Offsets of several coverages, a higher one around a lower one: each has learnt by itself.

    Parameters
    ----------
    offsets : ndarray of shape (2, coverages, ...)
        Lower and upper.
    levels : array-like of float

    Returns
    -------
    ndarray of that shape
    """
    if len(levels) > 1:
        order, offsets = np.argsort(levels), offsets.copy()
        offsets[0][order] = np.minimum.accumulate(offsets[0][order], axis=0)
        offsets[1][order] = np.maximum.accumulate(offsets[1][order], axis=0)
    return offsets


def _rising(positions):
    positions = np.asarray(positions)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise TypeError(
            f"positions is {positions.ndim}-D {positions.dtype}; expected the row of each origin, whole numbers."
        )
    positions = positions.astype(np.int64)
    if (np.diff(positions) <= 0).any():
        at = int(np.argmax(np.diff(positions) <= 0))
        raise ValueError(
            f"positions do not rise: {positions[at]} is followed by {positions[at + 1]} at origin {at + 1}; expected "
            "each origin once, in time order."
        )
    return positions


class AdaptiveState:
    """What adaptive conformal intervals have learned so far; it goes on where it stopped.

    Per step, target, coverage and side there is a level alpha, at first (1 - coverage) / 2. Every residual that becomes
    known moves it: alpha += gamma ((1 - coverage) / 2 - missed), so that misses widen the interval and hits narrow it,
    and the share of misses goes to its nominal value however the residuals are distributed, by drift or by design. The
    bound is the 1 - alpha quantile of the newest `window` residuals, each divided by the running scale (an
    exponentially weighted mean of absolute residuals) of the origin that it belongs to, times the running scale now:
    the scale follows a changing variance within some 30 residuals, the level corrects what remains. Where alpha asks
    for more than the largest of m residuals can tell (below 1 / (m + 1)), that one's distance from the median grows by
    10 % for each missing 0.01: a bound is never infinite.

    Parameters
    ----------
    coverage : float or list of floats
        Between 0 and 1.
    gamma : float, default=0.002
        Step size of the level, 0 to 1. Larger ones reach the nominal share sooner and make wider intervals; 0 leaves
        the level alone.
    window : int, default=None
        Residuals per step and target to take quantiles of; None is 500, or as many as the highest coverage needs.
    decay : float, default=0.97
        Weight of the past in the running scale, 0 to 1: 0.97 remembers some 30 residuals; 1 does not scale.

    Raises
    ------
    TypeError, ValueError
        A parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> state = AdaptiveState(0.8)
    >>> state.warm_up(rng.normal(size=(200, 1, 1)), before=0)
    >>> unknown = np.full((1, 1, 1), np.nan)
    >>> lower, upper = state.bounds(unknown, [[[5.0]]], [0])  # today, row 0
    >>> state.observe([[5.5]], 1)  # row 1 has come
    >>> lower, upper = state.bounds(unknown, [[[5.0]]], [1])
    >>> bool(lower.item() < 5.0 < upper.item())
    True
    """

    def __init__(self, coverage, *, gamma=0.002, window=None, decay=0.97):
        levels, self.single = coverages_of(coverage)
        for name, value in (("gamma", gamma), ("decay", decay)):
            if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not 0 <= value <= 1:
                raise ValueError(f"{name} is {value!r}; expected a number from 0 to 1.")
        least = int(needed_by(levels).max())
        window = max(500, least) if window is None else window
        if isinstance(window, bool) or not isinstance(window, (int, np.integer)) or window < least:
            raise ValueError(
                f"window is {window!r}; expected a whole number of residuals, {least} or more for "
                f"coverage {levels.max():g}."
            )
        self.levels, self.gamma, self.window, self.decay = levels, float(gamma), int(window), float(decay)
        self._scores = None  # laid out when the first residuals tell the steps and targets

    def _lay_out(self, steps, targets):
        if self._scores is not None:
            if self._scores.shape[:2] != (steps, targets):
                raise ValueError(f"got {steps} steps of {targets} targets; so far they were {self._scores.shape[:2]}.")
            return
        cells, issued, waiting = (steps, targets), (2, len(self.levels), steps, targets), steps + 1
        self._tail = ((1 - self.levels) / 2)[:, None, None]
        self._needed = needed_by(self.levels)[:, None, None]
        self._scores = np.full((*cells, self.window), np.nan)  # the newest last
        self._ordered = None  # the same, sorted when they are needed
        self._count = np.zeros(cells, dtype=np.int64)  # of scores seen
        self._heard = np.zeros(cells, dtype=np.int64)  # residuals that the running scale rests on
        self._weight = np.zeros(cells)  # of the running scale, which starts without a past
        self._sum = np.zeros(cells)
        self._alpha = np.broadcast_to(self._tail, issued).copy()
        # origins whose residuals are not all known yet, oldest first; at most one per row, so steps + 1
        self._position = np.arange(waiting) - 2**62
        self._open = np.zeros((waiting, steps), dtype=bool)
        self._residual = np.full((waiting, *cells), np.nan)
        self._forecast = np.zeros((waiting, *cells))
        self._scale = np.full((waiting, *cells), np.nan)
        self._offset = np.full((waiting, *issued), np.nan)

    @property
    def ordered(self):
        """Scores ascending, NaN last, of shape (steps, targets, window); sorted when they are first needed."""
        if self._ordered is None:
            self._ordered = np.sort(self._scores, axis=-1)
        return self._ordered

    def warm_up(self, residuals, *, before):
        """Learn from calibration origins in consecutive rows, of which all residuals are known at row `before`.

        Parameters
        ----------
        residuals : array-like of shape (m, steps, targets)
        before : int
            Row of the first origin to come.
        """
        residuals = three_axes("residuals", residuals)
        n, steps, targets = residuals.shape
        self._lay_out(steps, targets)
        if self.decay < 1 and not self._heard.any():  # the first scores need a scale as well
            size, known = np.abs(np.nan_to_num(residuals)).sum(axis=0), (~np.isnan(residuals)).sum(axis=0)
            self._sum = np.divide(size, known, out=np.zeros_like(size), where=known > 0)
            self._weight, self._heard = (known > 0).astype(np.float64), known.copy()
        self._take_over(residuals, np.arange(n) + (before - n - steps + 1), before)

    def begin(self, residuals):
        """Start from residuals whose order says nothing, as those of several series: the level is not moved by them.

        The running scale is their mean size. Of more than `window` residuals as many count, evenly spread.

        Parameters
        ----------
        residuals : array-like of shape (m, steps, targets)
        """
        residuals = three_axes("residuals", residuals)
        n, steps, targets = residuals.shape
        self._lay_out(steps, targets)
        known = ~np.isnan(residuals)
        self._heard = known.sum(axis=0)
        size = np.abs(np.where(known, residuals, 0.0)).sum(axis=0)
        self._sum = np.divide(size, self._heard, out=np.zeros_like(size), where=self._heard > 0)
        self._weight = (self._heard > 0).astype(np.float64)
        some = residuals[np.unique(np.linspace(0, n - 1, min(n, self.window)).astype(np.int64))]
        scores = np.moveaxis(scores_of(some, np.broadcast_to(self._running_scale(), some.shape)), 0, -1)
        scores = np.take_along_axis(scores, np.argsort(~np.isnan(scores), axis=-1, kind="stable"), axis=-1)
        self._scores[..., self.window - scores.shape[-1] :] = scores
        self._count, self._ordered = (~np.isnan(scores)).sum(axis=-1), None

    def kept(self):
        """What was learnt, as arrays, where no origin waits for residuals.

        Returns
        -------
        dict of str to ndarray
        """
        return {name: getattr(self, f"_{name}") for name in KEPT} | {"levels": self.levels}

    @classmethod
    def resumed(cls, coverage, kept):
        """A state that goes on from there, for some of its coverages: each has learnt by itself.

        Parameters
        ----------
        coverage : list of float
        kept : dict of str to ndarray
            As `kept` gave it, of a state with default settings.

        Returns
        -------
        AdaptiveState or None
            None where it was not kept for these coverages.
        """
        state = cls(coverage)
        steps, targets, window = kept["scores"].shape
        places = {level: number for number, level in enumerate(kept["levels"].tolist())}
        if window != state.window or not places.keys() >= set(state.levels.tolist()):
            return None
        state._lay_out(steps, targets)
        for name in KEPT:
            setattr(state, f"_{name}", kept[name].copy())
        state._alpha = kept["alpha"][:, [places[level] for level in state.levels.tolist()]]
        state._ordered = np.sort(state._scores, axis=-1)  # now, so that copies share it
        return state

    def side_by_side(self, actual, forecast, positions, now, n):
        """Offsets of `n` series that go on from here each by itself, after what has come by a row.

        Parameters
        ----------
        actual, forecast : array-like of shape (n_origins, steps, n * targets)
            As in `bounds`; the targets of the first series come first. No origin may wait for residuals.
        positions : array-like of int, shape (n_origins,)
        now : int
            Row from which offsets are asked.
        n : int
            Series.

        Returns
        -------
        ndarray of shape (2, coverages, steps, n * targets)
            Lower and upper; as each coverage has learnt by itself.
        """
        residual = np.asarray(actual, dtype=np.float64) - forecast
        learnt = Learnt.of(self, residual, _rising(positions), now, n)
        return learnt.offsets().reshape(2, len(self.levels), *residual.shape[1:])

    def learn(self, actual, forecast, positions, now):
        """Learn from further origins what has come by a row, without their bounds.

        Parameters
        ----------
        actual, forecast : array-like of shape (n, steps, targets)
            As in `bounds`.
        positions : array-like of int, shape (n,)
        now : int
            Row from which `offsets` are asked.
        """
        actual, forecast, positions = self._origins(actual, forecast, positions)
        if self._open.any():
            raise ValueError("earlier origins wait for residuals; expected `learn` before any `bounds`.")
        self._take_over(actual - forecast, positions, now)

    def _take_over(self, residual, positions, now):
        """What `Learnt` says after further origins."""
        if not len(residual):
            return
        learnt, shape = Learnt.of(self, residual, positions, now), residual.shape[1:]
        scores = learnt.windows(np.arange(len(learnt.group)), learnt.newer)
        self._scores, self._ordered = scores.reshape(*shape, -1), None
        self._alpha = learnt.alpha.reshape(self._alpha.shape)
        self._sum, self._weight = learnt.size.reshape(shape).copy(), learnt.weight.reshape(shape).copy()
        self._heard, self._count = learnt.heard.reshape(shape), learnt.count.reshape(shape)
        self._position = np.append(self._position[1:], positions[-1])  # a copy of the state may share the array

    def offsets(self, *, apart=False):
        """What to add to a forecast made now for its bounds, after all that was learnt.

        Parameters
        ----------
        apart : bool, default=False
            As each coverage has learnt by itself: a higher one need not enclose a lower one.

        Returns
        -------
        lower, upper : ndarray of shape (steps, targets), or (coverages, steps, targets)
        """
        found = self._quantiles() * self._running_scale()
        lower, upper = found if apart else nested(found, self.levels)
        return (lower[0], upper[0]) if self.single else (lower, upper)

    def observe(self, actual, start):
        """Fill in what has come, for the origins that wait for it; `bounds` of a later origin learns from it.

        Parameters
        ----------
        actual : array-like of shape (rows, targets)
            NaN where missing.
        start : int
            Row of the first.
        """
        actual = three_axes("actual", np.asarray(actual)[None])[0]
        if self._scores is None:
            return
        if actual.shape[1] != self._scores.shape[1]:
            raise ValueError(f"actual has {actual.shape[1]} columns; expected the {self._scores.shape[1]} targets.")
        rows = self._position[:, None] + np.arange(1, self._open.shape[1] + 1) - start
        there = self._open & (rows >= 0) & (rows < len(actual))
        self._residual[there] = actual[rows[there]] - self._forecast[there]

    def bounds(self, actual, forecast, positions):
        """Bounds at further origins in time order, each from the residuals known at it.

        The residual of step h at the origin in row p is used from the origin in row p + h on.

        What an earlier origin forecast for rows up to the new one and was not given, here or to `observe`, counts as
        missing from then on.

        Parameters
        ----------
        actual : array-like of shape (n, steps, targets)
            What came, step 1 the row after the origin; NaN where missing or not yet known.
        forecast : array-like of the same shape
        positions : array-like of int, shape (n,)
            Row of the newest known value at each origin; rising, after those of earlier calls.

        Returns
        -------
        lower, upper : ndarray of shape (n, steps, targets), or (coverages, n, steps, targets)
            An interval of higher coverage encloses those of lower. NaN as long as fewer residuals are known than
            `residuals_needed` says.
        """
        actual, forecast, positions = self._origins(actual, forecast, positions)
        offsets = np.empty((2, len(self.levels), *forecast.shape))
        residual = actual - forecast
        for at, position in enumerate(positions):
            self._learn(position)
            offsets[:, :, at] = self._issue(position, residual[at], forecast[at])
        lower, upper = offsets + forecast
        return (lower[0], upper[0]) if self.single else (lower, upper)

    def _origins(self, actual, forecast, positions):
        """Origins that follow those before, checked."""
        actual, forecast = three_axes("actual", actual), three_axes("forecast", forecast, finite=True)
        positions = _rising(positions)
        if actual.shape != forecast.shape or len(positions) != len(actual):
            raise ValueError(
                f"actual has shape {actual.shape}, forecast {forecast.shape}, positions {positions.shape}; expected "
                "the same shape, and one position per origin."
            )
        self._lay_out(*forecast.shape[1:])
        newest = self._position[-1]
        if len(positions) and positions[0] <= newest:
            raise ValueError(f"positions start at {positions[0]}; expected after {newest}, the newest origin so far.")
        return actual, forecast, positions

    def _learn(self, now):
        """Take in every residual whose row is not after `now`, oldest origin first."""
        steps = np.arange(1, self._open.shape[1] + 1)
        due = self._open & (self._position[:, None] + steps <= now)
        self._open ^= due
        while due.any():
            oldest, step = due.argmax(axis=0), np.flatnonzero(due.any(axis=0))
            oldest = oldest[step]
            due[oldest, step] = False
            self._take_in(step, self._residual[oldest, step], self._scale[oldest, step], oldest)

    def _take_in(self, step, residual, scale, origin):
        """One residual of each of some steps, shape (steps, targets)."""
        known = ~np.isnan(residual)
        offset = np.moveaxis(self._offset[origin, :, :, step], 0, 2)  # (2, L, steps, targets)
        beyond = np.stack([residual < offset[0], residual > offset[1]])
        move = np.where(known & ~np.isnan(offset), self.gamma * (self._tail - beyond), 0.0)
        self._alpha[:, :, step] = np.minimum(self._alpha[:, :, step] + move, 0.5)
        scaled = known & ~np.isnan(scale)
        row, target = np.nonzero(scaled)
        cells = step[row], target
        self._scores[cells] = np.roll(self._scores[cells], -1, axis=-1)
        self._scores[(*cells, -1)] = scores_of(residual[scaled], scale[scaled])
        self._ordered = None
        self._count[step] += scaled
        self._heard[step] += known
        decay = np.where(known, self.decay, 1.0)
        self._weight[step] = decay * self._weight[step] + (1 - decay)
        self._sum[step] = decay * self._sum[step] + (1 - decay) * np.where(known, np.abs(residual), 0.0)

    def _issue(self, position, residual, forecast):
        """Offsets at an origin, which then waits for its residuals; shape (2, L, steps, targets)."""
        scale = self._running_scale()
        offset = self._quantiles() * scale
        waiting = (self._position, position), (self._open, True), (self._residual, residual)
        for kept, new in (*waiting, (self._forecast, forecast), (self._scale, scale), (self._offset, offset)):
            kept[:-1] = kept[1:].copy()
            kept[-1] = new
        return nested(offset, self.levels)

    def _running_scale(self):
        return running_scale(self._sum, self._weight, self._heard, self.decay)

    def _quantiles(self):
        """Of the scores, at the current levels: lower and upper, NaN where they are too few."""
        count = np.minimum(self._count, self.window)
        rank = (count + 1) * (1 - self._alpha)  # from 1; upwards for the upper bound, downwards for the lower
        at = places_of(self.ordered)
        found = np.stack([quantiles(at, self.window - 1, count, rank[side], side) for side in (0, 1)])
        return np.where(count >= self._needed, found, np.nan)
