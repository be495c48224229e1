"""Conformal intervals whose level adapts in time: after too many misses they widen.

References
----------
Gibbs, Candes: Adaptive conformal inference under distribution shift. NeurIPS 34 (2021), 1660-1672.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import _core
from .._refusals import Refusal
from .._types import Array, Floats
from .fixed import coverages_of, needed_by, three_axes

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["AdaptiveState", "largest_known", "nested", "resumes", "within_errors"]

KEPT = ("alpha", "scores", "sum", "weight", "heard", "count")
_DECAY = 0.97  # of the running scale: some 30 residuals
_GAMMA, _FASTEST = 0.002, 0.005  # steps of the level: for a row, and for an origin after many rows
_PARTS = 4  # of a horizon: errors that are nearer than one of them are nearly the same
_SETTLED = 10  # residuals that a running scale needs


def resumes(kept: Mapping[str, Array]) -> bool:
    """Whether a state can continue from arrays, which may come from a file: all are there and fit together.

    Parameters
    ----------
    kept : dict of str to ndarray

    Returns
    -------
    bool
    """
    if not {*KEPT, "levels"} <= kept.keys() or not all(
        isinstance(part, np.ndarray) and part.dtype.kind in "fi" for part in kept.values()
    ):
        return False
    scores, levels, window, spacing = kept["scores"], kept["levels"], kept.get("window"), kept.get("spacing")
    if scores.ndim != 3 or levels.ndim != 1:
        return False
    cells = scores.shape[:2]
    return (
        kept["alpha"].shape == (2, len(levels), *cells)
        and all(kept[name].shape == cells for name in ("sum", "weight", "heard", "count"))
        and (window is None or (window.shape == (1,) and window.dtype.kind == "i" and window[0] >= scores.shape[2]))
        and (spacing is None or (spacing.shape == (1,) and spacing.dtype.kind == "i" and spacing[0] >= 1))
    )


def nested(offsets: Floats, levels: Floats | Sequence[float]) -> Floats:
    """Offsets of several coverages, nested: each was learned independently.

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


def largest_known(sizes: Floats, positions: Any, before: Floats | None = None) -> Floats:
    """The largest error of each step that is known at each of some origins.

    Parameters
    ----------
    sizes : ndarray of shape (n, steps, targets)
        Sizes of the errors of these origins, NaN where missing.
    positions : ndarray of int, shape (n,)
        Rising rows of the origins. The error of step h at the origin in row p is known from row p + h on.
    before : ndarray of shape (steps, targets), default=None
        The largest errors from before them; of some steps, or of more.

    Returns
    -------
    ndarray of shape (n, steps, targets)
        NaN where no error is known.
    """
    found = np.full(sizes.shape, np.nan)
    for step in range(sizes.shape[1]):
        so_far = np.fmax.accumulate(sizes[:, step], axis=0)
        count = np.searchsorted(positions, positions - step - 1, side="right")
        found[count > 0, step] = so_far[count[count > 0] - 1]
    if before is not None:
        both = slice(min(len(before), sizes.shape[1]))
        found[:, both] = np.fmax(found[:, both], before[both])
    return found


def within_errors(offsets: Floats, largest: Floats) -> Floats:
    """Offsets that are no farther from the forecast than its largest error.

    The running scale of a series that mostly rests, such as rain, is tiny before the first error and large after it:
    the score of that error, times the scale of the next hours, is an offset that no error has ever had.

    Parameters
    ----------
    offsets : ndarray
        NaN where not known.
    largest : ndarray
        Sizes of the largest errors, of a shape that fits; NaN where none is known.

    Returns
    -------
    ndarray of the shape of both
    """
    held = np.fmax(np.fmin(offsets, largest), -largest)
    return np.where(np.isnan(offsets) | np.isnan(largest), offsets, held)


def _rising(positions: Any) -> npt.NDArray[np.int64]:
    positions = np.asarray(positions)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise TypeError(
            Refusal(
                f"is {positions.ndim}-D {positions.dtype}",
                where="positions",
                expected="the row of each origin, whole numbers",
            )
        )
    positions = positions.astype(np.int64)
    if (np.diff(positions) <= 0).any():
        at = int(np.argmax(np.diff(positions) <= 0))
        raise ValueError(
            Refusal(
                "do not rise",
                where="positions",
                got=f"{positions[at]} is followed by {positions[at + 1]} at origin {at + 1}",
                expected="each origin once, in time order",
            )
        )
    return positions


class AdaptiveState:
    """The state of adaptive conformal intervals, which continues to learn.

    Per step, target, coverage and side there is a level alpha, at first (1 - coverage) / 2. Every residual that becomes
    known moves it: alpha += gamma ((1 - coverage) / 2 - missed), so that misses widen the interval and hits narrow it,
    and the share of misses goes to its nominal value however the residuals are distributed, by drift or by design. The
    bound is the 1 - alpha quantile of the newest `window` residuals, each divided by the running scale (an
    exponentially weighted mean of absolute residuals) of the origin that it belongs to, times the running scale now:
    the scale follows a changing variance within some 30 residuals, the level corrects what remains. Where alpha asks
    for more than the largest of m residuals can tell (below 1 / (m + 1)), that one's distance from the median grows by
    10 % for each missing 0.01: a bound is never infinite.

    Errors that overlap are nearly the same, so what is remembered is measured in rows, not in residuals: a window of
    500 errors in consecutive rows spans three horizons of a week, and says little about the errors of a year.

    Parameters
    ----------
    coverage : float or list of floats
        Between 0 and 1.
    gamma : float, default=None
        Step size of the level, 0 to 1. Larger ones reach the nominal share sooner and make wider intervals; 0 leaves
        the level alone. None: 0.002 for each row since the origin before, at most 0.005.
    window : int, default=None
        Residuals per step and target to take quantiles of; None is 500, or as many as the highest coverage needs.
    decay : float, default=None
        Weight of the past in the running scale, 0 to 1: 0.97 remembers some 30 residuals; 1 does not scale. None: 0.97,
        and where 30 residuals take fewer rows than two horizons, as much as these take.
    spacing : int, default=None
        Rows from one residual of a full window to the next; one that is not full takes all. None: 1, and after many
        calibration residuals so many that these fill the window, at most a quarter of the horizon.

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
    >>> actual = [[[5.5]], [[np.nan]]]  # of the second origin not yet known
    >>> lower, upper = state.bounds(actual, [[[5.0]], [[5.0]]], [0, 1])
    >>> bool((lower < 5.0).all() and (upper > 5.0).all())
    True
    """

    def __init__(
        self, coverage: float | Sequence[float], *, gamma: float | None = None, window: int | None = None,
        decay: float | None = None, spacing: int | None = None,
    ) -> None:  # fmt: skip
        levels, self.single = coverages_of(coverage)
        for name, value in (("gamma", gamma), ("decay", decay)):
            if value is None:
                continue
            if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not 0 <= value <= 1:
                raise ValueError(Refusal(f"is {value!r}", where=name, expected="a number from 0 to 1"))
        least = int(needed_by(levels).max())
        window = max(500, least) if window is None else window
        if isinstance(window, bool) or not isinstance(window, (int, np.integer)) or window < least:
            raise ValueError(
                Refusal(
                    f"is {window!r}",
                    where="window",
                    expected=f"a whole number of residuals, {least} or more for coverage {levels.max():g}",
                )
            )
        if spacing is not None and (
            isinstance(spacing, bool) or not isinstance(spacing, (int, np.integer)) or spacing < 1
        ):
            raise ValueError(Refusal(f"is {spacing!r}", where="spacing", expected="a whole number of rows, 1 or more"))
        self.levels, self.gamma, self.window, self.decay, self.spacing = levels, gamma, int(window), decay, spacing
        self._tail, self._needed = (1 - self.levels) / 2, needed_by(self.levels)
        self._scores: Any = None  # an array, laid out when the first residuals tell the steps and targets

    def _lay_out(self, steps: int, targets: int) -> None:
        if self._scores is not None:
            if self._scores.shape[:2] != (steps, targets):
                raise ValueError(
                    Refusal(f"got {steps} steps of {targets} targets; so far they were {self._scores.shape[:2]}")
                )
            return
        cells = steps, targets
        self._scores = np.full((*cells, self.window), np.nan)  # the newest last
        self._ordered: npt.NDArray[np.float64] | None = None  # the same, sorted when they are needed
        self._count = np.zeros(cells, dtype=np.int64)  # of scores seen
        self._heard = np.zeros(cells, dtype=np.int64)  # residuals that the running scale rests on
        self._weight = np.zeros(cells)  # of the running scale, which starts without a past
        self._sum = np.zeros(cells)
        self._alpha = np.broadcast_to(self._tail[:, None, None], (2, len(self.levels), *cells)).copy()

    @property
    def ordered(self) -> npt.NDArray[np.float64]:
        """Scores ascending, NaN last, of shape (steps, targets, window); sorted when they are first needed."""
        if self._ordered is None:
            self._ordered = np.sort(self._scores, axis=-1)
        return self._ordered

    def warm_up(self, residuals: Any, *, before: int, apart: int = 1) -> None:
        """Learn from calibration origins, of which all residuals are known at row `before`.

        Parameters
        ----------
        residuals : array-like of shape (m, steps, targets)
        before : int
            Row of the first origin to come.
        apart : int, default=1
            Rows from one calibration origin to the next.
        """
        residuals = three_axes("residuals", residuals)
        n, steps, targets = residuals.shape
        self._lay_out(steps, targets)
        if self.decay != 1 and not self._heard.any():  # the first scores need a scale as well
            size, known = np.abs(np.nan_to_num(residuals)).sum(axis=0), (~np.isnan(residuals)).sum(axis=0)
            self._sum = np.divide(size, known, out=np.zeros_like(size), where=known > 0)
            self._weight, self._heard = (known > 0).astype(np.float64), known.copy()
        if self.spacing is None:  # later residuals as far apart as these, so that all count the same
            self.spacing = max(1, min(steps // _PARTS, apart * (n // self.window)))
        positions = before - steps - apart * np.arange(n, dtype=np.int64)[::-1]
        self._keep(self._learnt(residuals, positions, before, fills=False, keep=True))

    def begin(self, residuals: Any) -> None:
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
        scale = np.ones_like(size) if self.decay == 1 else np.where(self._heard >= _SETTLED, self._sum, np.nan)
        scores = np.divide(some, scale, out=np.sign(some), where=scale != 0)
        scores = np.moveaxis(scores, 0, -1)
        scores = np.take_along_axis(scores, np.argsort(~np.isnan(scores), axis=-1, kind="stable"), axis=-1)
        self._scores[..., self.window - scores.shape[-1] :] = scores
        self._count, self._ordered = (~np.isnan(scores)).sum(axis=-1), None

    def kept(self) -> dict[str, Array]:
        """The state as arrays.

        Returns
        -------
        dict of str to ndarray
            Of the scores only as many as are known: of short series most places of the window are empty.
        """
        kept = {name: getattr(self, f"_{name}") for name in KEPT} | {"levels": self.levels}
        known = np.flatnonzero(~np.isnan(self._scores).all(axis=(0, 1)))
        first = known[0] if len(known) else self.window
        scores = {"scores": self._scores[..., first:].copy(), "window": np.array([self.window])}
        return kept | scores | ({} if self.spacing is None else {"spacing": np.array([self.spacing])})

    @classmethod
    def resumed(cls, coverage: Sequence[float], kept: Mapping[str, Array]) -> Self | None:
        """A state that continues from there, for some of its coverages: each was learned independently.

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
        steps, targets, n_scores = kept["scores"].shape
        window = int(kept["window"][0]) if "window" in kept else n_scores  # older files have all places
        places = {level: number for number, level in enumerate(kept["levels"].tolist())}
        if window != state.window or n_scores > window or not places.keys() >= set(state.levels.tolist()):
            return None
        state.spacing = int(kept["spacing"][0]) if "spacing" in kept else 1
        state._lay_out(steps, targets)
        state._scores[..., window - n_scores :] = kept["scores"]
        for name in KEPT:
            if name != "scores":
                setattr(state, f"_{name}", kept[name].copy())
        state._alpha = kept["alpha"].take([places[level] for level in state.levels.tolist()], axis=1)
        state._ordered = np.sort(state._scores, axis=-1)  # now, so that copies share it
        return state

    def learn(self, residuals: Any, positions: npt.ArrayLike, now: int) -> None:
        """Learn from further origins, with the residuals known at a row.

        Parameters
        ----------
        residuals : array-like of shape (n, steps, targets)
            NaN where not known.
        positions : array-like of int, shape (n,)
            Rising rows of the origins. The residual of step h at the origin in row p is known from row p + h on.
        now : int
            Row up to which residuals have come; later ones are left out.
        """
        residuals = three_axes("residuals", residuals)
        self._lay_out(*residuals.shape[1:])
        self._keep(self._learnt(residuals, _rising(positions), now, keep=True))

    def _keep(self, learnt: dict[str, Any]) -> None:
        for name in KEPT:
            setattr(self, f"_{name}", learnt[name])
        self._ordered = None

    def side_by_side(self, residuals: Floats, positions: npt.ArrayLike, now: int) -> Floats:
        """Offsets of series that go on from here each by itself, after what has come by a row.

        Parameters
        ----------
        residuals : ndarray of shape (n, steps, series * targets)
            As in `learn`; the targets of the first series come first.
        positions : array-like of int, shape (n,)
        now : int
            Row from which offsets are asked.

        Returns
        -------
        ndarray of shape (2, coverages, steps, series * targets)
            Lower and upper; as each coverage has learnt by itself.
        """
        return self._learnt(residuals, _rising(positions), now)["offsets"]

    def bounds(self, actual: Any, forecast: Any, positions: Any) -> tuple[Floats, Floats]:
        """Bounds at further origins in time order, each from the residuals known at it; the state stays as it is.

        The residual of step h at the origin in row p is used from the origin in row p + h on.

        Parameters
        ----------
        actual : array-like of shape (n, steps, targets)
            Actual values; step 1 is the row after the origin; NaN where missing or not yet known.
        forecast : array-like of the same shape
        positions : array-like of int, shape (n,)
            Row of the newest known value at each origin; rising.

        Returns
        -------
        lower, upper : ndarray of shape (n, steps, targets), or (coverages, n, steps, targets)
            An interval of higher coverage encloses those of lower. NaN as long as fewer residuals are known than
            `residuals_needed` says.
        """
        actual, forecast = three_axes("actual", actual), three_axes("forecast", forecast, finite=True)
        positions = _rising(positions)
        if actual.shape != forecast.shape or len(positions) != len(actual):
            raise ValueError(
                Refusal(
                    f"has shape {actual.shape}, forecast {forecast.shape}, positions {positions.shape}",
                    where="actual",
                    expected="the same shape, and one position per origin",
                )
            )
        self._lay_out(*forecast.shape[1:])
        now = int(positions[-1]) if len(positions) else 0
        offsets = self._learnt(actual - forecast, positions, now, issue=True)["issued"]
        lower, upper = nested(offsets, self.levels) + forecast
        return (lower[0], upper[0]) if self.single else (lower, upper)

    def _learnt(
        self,
        residuals: Floats,
        positions: npt.NDArray[np.int64],
        now: int,
        fills: bool = True,
        **asked: Any,
    ) -> dict[str, Any]:
        """What the core makes of further residuals of one series or of several side by side."""
        gaps = np.diff(positions, prepend=positions[:1])
        if len(gaps):  # the first has nothing before it
            gaps[0] = gaps[1] if len(gaps) > 1 else 1
        spacing = 1 if self.spacing is None else self.spacing
        return _core.adapted(
            np.ascontiguousarray(residuals), positions, int(now),
            scores=self._scores, ordered=self.ordered, alpha=self._alpha, sum=self._sum, weight=self._weight,
            heard=self._heard, count=self._count, tail=self._tail, needed=self._needed,
            decay=self._decays(gaps), gamma=self._gammas(gaps), fills=fills,
            enters=positions // spacing != (positions - gaps) // spacing,
            settled=_SETTLED, scaled=self.decay != 1, **asked,
        )  # fmt: skip

    def _decays(self, gaps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """What the running scale remembers after each of some origins, from the rows since the one before."""
        if self.decay is not None:
            return np.full(len(gaps), float(self.decay))
        return np.maximum(_DECAY, 1 - gaps / (2 * self._scores.shape[0]))

    def _gammas(self, gaps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The step of the level at each origin."""
        if self.gamma is not None:
            return np.full(len(gaps), float(self.gamma))
        return np.minimum(_GAMMA * np.minimum(gaps, self._scores.shape[0]), _FASTEST)
