"""Sample paths of a fitted forecaster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._distributions import Distribution
from ..._preparation import LEVELS, PARAMETERS
from ..._refusals import Refusal
from ..._seeds import generator
from ..._types import Floats, FrameLike, Seed
from ..calibration import USUAL
from ..forecasting import from_ends
from ..past_paths import ENOUGH, PastPaths
from .host import Host
from .requests import columns_of

if TYPE_CHECKING:
    from ..calibration import Calibration
    from ..state import FittedState
    from .requests import Request

__all__ = ["Paths"]

_COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)  # whose bounds paths read


class Paths(Host):
    """The part of `SeriesForecaster` that samples paths."""

    def sample(
        self,
        n_paths: int = 1000,
        X: FrameLike | int | None = None,
        *,
        random_state: Seed = None,
        history: FrameLike | None = None,
        static: FrameLike | None = None,
        n: int | None = None,
        errors: Literal["warn", "raise"] = "warn",
    ) -> FrameLike:
        """Sample paths of the future: whole forecasts with the dependence between steps and between series.

        Use them for sums over the horizon or over series, and for everything else that is not one step of one series:
        sum the paths, then pass the sums to `path_interval`. Bounds of single steps do not add up.

        At each step the paths have the quantiles of `predict_interval`. A network with `loss="quantile"` uses its own
        quantiles between its lowest and highest level; one with a distribution uses its own throughout, so that paths
        of counts are counts. The dependence between steps comes from the errors on the validation windows (an empirical
        copula, after the Schaake shuffle [1]_ [2]_): each path mixes the ranks of the errors of three past forecasts at
        each step. All series and targets use forecasts from the same origins. A series with errors from fewer than nine
        origins, such as a new one, uses those of other series.

        Parameters
        ----------
        n_paths : int, default=1000
        X : frame or int, default=None
            As in `predict`, for at most `horizon` steps.
        random_state : int, RandomState instance or None, default=None
            Seed. The same seed gives the same bits, and the first paths are the same for any `n_paths`. None: fresh
            paths.
        history, static : frame, default=None
            As in `predict`. The dependence between steps stays that of `fit`.
        n : int, default=None
            As in `predict`, up to `horizon`.
        errors : {"warn", "raise"}, default="warn"
            As in `predict`.

        Returns
        -------
        frame
            The rows of `predict`, with a column `<target>_0`, `<target>_1` and so on for each path. A column is one
            path of all series together.

        Raises
        ------
        ValueError
            n_paths is less than 1, there were fewer than nine validation windows, more than `horizon` steps are
            requested, or the model is from a file of an earlier version.

        See Also
        --------
        forecast.path_interval : Intervals of paths, and of their sums. SeriesForecaster.sample_y : Uncertainty of the
        network, without the noise of the data.

        References
        ----------
        .. [1] Clark et al. (2004), The Schaake shuffle, Journal of Hydrometeorology.
        .. [2] Schefzik, Thorarinsdottir and Gneiting (2013), Uncertainty quantification in complex simulation models
           using ensemble copula coupling, Statistical Science.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from forecast import SeriesForecaster, path_interval
        >>> from forecast.datasets import make_ar1
        >>> model = SeriesForecaster(Ridge(), lookback=12, horizon=6).fit(make_ar1(500, random_state=0))
        >>> paths = model.sample(200, random_state=0)
        >>> paths.shape
        (6, 200)
        >>> total = path_interval(paths.sum().to_frame().T, coverage=0.8)  # of the sum over six steps
        >>> list(total.columns)
        ['y', 'y_lower', 'y_upper']
        """
        check_is_fitted(self)
        if not isinstance(n_paths, (Real, str, type(None))):
            raise TypeError(
                Refusal(
                    f"is a {type(n_paths).__name__}",
                    where="n_paths",
                    expected="a whole number of paths first, and the future rows as X=",
                )
            )
        if not isinstance(n_paths, Integral) or isinstance(n_paths, bool) or n_paths < 1:
            raise ValueError(Refusal(where=f"n_paths={n_paths!r}", expected="a whole number, 1 or more"))
        request = self._request(X, history, errors, n, static)
        arrays = [paths.reshape(len(paths), -1) for paths in self._sampled(request, int(n_paths), random_state)]
        return self._answered(request, arrays, columns_of(self.target_names_, [f"_{i}" for i in range(n_paths)]))

    def _sampled(self, request: Request, n_paths: int, random_state: Seed) -> Iterator[Floats]:
        """Paths of each series, (steps, targets, n_paths)."""
        coverages = _known_coverages(self._state.calibration)
        readers = (coverages and self._distributions(request)) or self._tables(request, coverages)
        drawn = self._past_paths().drawn(n_paths, self._lines(request.keys), generator(random_state))
        for read, scores, labels in zip(readers, drawn, request.labels, strict=True):
            yield np.moveaxis(read(scores[:, : len(labels)]), 0, -1)

    def _judged_paths(self, X: FrameLike, y: Any, n_paths: int, random_state: Seed) -> Iterator[tuple[Floats, Floats]]:
        """For scores: the known values of each series and target, (steps,), and paths of these steps."""
        check_is_fitted(self)
        request = self._request(X, None)
        actual = self._actual(X, y, request)
        for values, paths in zip(actual, self._sampled(request, n_paths, random_state), strict=True):
            for column in range(values.shape[1]):
                known = ~np.isnan(values[:, column])
                if known.any():
                    yield values[known, column], paths[known, column]

    def _distributions(self, request: Request) -> list[Callable[[Floats], Floats]] | None:
        """For each series a function from normal scores to values, by its distributions; None: there are none.

        A series with a short history or none is more uncertain than its distribution, so bounds are used instead.
        """
        state, past = self._state, request.past
        if state.family is None or request.cold or (np.diff(past.starts) < state.looks_back).any():
            return None
        cubes = from_ends(state, past, request.labels, request.future, PARAMETERS)
        return [partial(_drawn_from, Distribution._of(state.family, cube)) for cube in cubes]

    def _tables(self, request: Request, coverages: list[float] | None) -> list[Callable[[Floats], Floats]]:
        """For each series a function from normal scores to values, by quantiles at some levels."""
        levels, tables = self._marginals(request, coverages or [0.8])  # without errors refused, as an interval is
        return [partial(_read, table, levels) for table in tables]

    def _marginals(self, request: Request, coverages: list[float]) -> tuple[Floats, list[Floats]]:
        """Levels, and the quantiles at them of each series, (levels, steps, targets), ascending."""
        state = self._state
        bounded = self._bounded(request, coverages, [level for level in coverages if level in USUAL])
        ends = [(1 - level) / 2 for level in coverages[::-1]] + [(1 + level) / 2 for level in coverages]
        levels = np.round(ends, 12)  # (1 - 0.8) / 2 is less than 0.1
        tables = [np.concatenate([lower[::-1], upper]) for _, lower, upper in bounded]
        own = _own_levels(state, levels) if self.loss != "quantile" else np.empty(0)
        if not len(own):
            return levels, [np.sort(table, axis=0) for table in tables]
        below, above = levels < own[0], levels > own[-1]
        for number, cube in enumerate(self._own_quantiles(request, list(own))):
            inner, outer = np.moveaxis(cube, -1, 0), np.sort(tables[number], axis=0)
            low, high = np.minimum(outer[below], inner[0]), np.maximum(outer[above], inner[-1])
            tables[number] = np.concatenate([low, inner, high])
        return np.concatenate([levels[below], own, levels[above]]), tables

    def _past_paths(self) -> PastPaths:
        calibration = self._state.calibrated
        if calibration.series is None:
            raise ValueError(
                Refusal(
                    "paths need the series and time of each error on the validation windows, and files of earlier "
                    "versions do not hold them",
                    expected="a model that was fitted with this version",
                )
            )
        return PastPaths.of(calibration, self._state.horizon)

    def _lines(self, keys: list[Any]) -> list[list[tuple[int, int]]]:
        """For each series and target, which errors are its own: their number and column."""
        calibration, n = self._state.calibrated, len(self.target_names_)
        number = {key: position for position, key in enumerate(calibration.scales)}
        if calibration.residuals.shape[2] == n:
            return [[(number.get(key, -1), column) for column in range(n)] for key in keys]
        return [[(number.get((key, column), -1), 0) for column in range(n)] for key in keys]


def _known_coverages(calibration: Calibration | None) -> list[float] | None:
    """Coverages whose bounds are known, and the highest that the errors are enough for; None without any errors."""
    if calibration is None:
        return None
    known = calibration.known
    if known < ENOUGH:
        raise ValueError(
            Refusal(
                f"paths need {ENOUGH} known errors of every step on the validation windows; got {known}",
                advice="Use more rows, a shorter lookback, or a larger validation_fraction.",
            )
        )
    found = [level for level in _COVERAGES if calibration.enough([level])]
    highest = (1 - 2 / (known + 1)) * (1 - 1e-9)  # which needs all of them, also if it is rounded
    return [*found, highest] if found[-1] + 1e-6 < highest < _COVERAGES[-1] else found


def _own_levels(state: FittedState, levels: Floats) -> Floats:
    """Levels of the networks' own quantiles, at least two of which enclose the median; none: there are none."""
    if not state.has_quantiles or not all(member.preparation.is_pointwise for member, _ in state.parts):
        return np.empty(0)
    low, high = 0.0, 1.0
    fitted: list[float] = []
    for member, _ in state.parts:
        own = LEVELS if member.spread is not None else getattr(member.regressor, "quantiles_", None)
        if own is not None:
            low, high, fitted = max(low, own[0]), min(high, own[-1]), [*fitted, *own]
    found = np.unique(np.round(np.concatenate([fitted, levels]), 12))
    found = found[(found >= low) & (found <= high)]
    return found if low < 0.5 < high else np.empty(0)


def _drawn_from(distribution: Distribution, scores: Floats) -> Floats:
    """Quantiles of distributions (steps, targets) at normal scores (n_paths, steps, targets)."""
    from scipy.special import ndtr

    return np.moveaxis(distribution.quantiles(np.moveaxis(ndtr(scores), 0, -1)), -1, 0)


def _read(table: Floats, levels: Floats, scores: Floats) -> Floats:
    """Quantiles at normal scores, linear in the score between two levels; beyond the outermost level those of it.

    Parameters
    ----------
    table : ndarray of shape (levels, steps, targets)
    levels : ndarray of shape (levels,)
    scores : ndarray of shape (n_paths, steps, targets)

    Returns
    -------
    ndarray of shape (n_paths, steps, targets)
    """
    from scipy.special import ndtri  # here, because importing it takes longer than all of this package

    knots = ndtri(levels)
    within = np.clip(scores, knots[0], knots[-1])
    below = np.minimum(np.searchsorted(knots, within, side="right"), len(knots) - 1) - 1
    flat, cell = table.reshape(-1), np.arange(table[0].size).reshape(table.shape[1:])
    at = below * table[0].size + cell
    low, high = flat[at], flat[at + table[0].size]
    part = (within - knots[below]) / np.diff(knots)[below]
    return np.clip(low + part * (high - low), low, high)
