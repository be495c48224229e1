"""Dependence of errors over the steps of a forecast and between series, learned from past forecasts.

An empirical copula, after the Schaake shuffle (Clark et al. 2004; Schefzik, Thorarinsdottir and Gneiting 2013). Each
past forecast is one joint draw: the normal score z of its error at every step, by its rank among those of the same
step. All series read the errors of the same time, so that sums over series are right too.

There are fewer past forecasts than paths, and those that overlap are nearly the same. So a path mixes three of them,
drawn at random: w_1 z_1 + w_2 z_2 + w_3 z_3 with random weights on the unit sphere. If z_1, z_2, z_3 are independent
and standard normal, so is the mixture, and the correlations stay: at each step the paths have the quantiles of the
forecast. Measured in benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import numpy as np

from .._records import record
from .._types import Booleans, Floats, Integers

if TYPE_CHECKING:
    from .calibration import Calibration

__all__ = ["ENOUGH", "PastPaths"]

_MIXED = 3  # past forecasts in a path
ENOUGH = 9  # errors of a series that rank its own paths: those that an interval of 80 % needs


@record(frozen=True)
class PastPaths:
    """Errors of past forecasts with their series and times.

    Attributes
    ----------
    errors : ndarray of shape (n, steps, columns)
        NaN where unknown, but of each forecast some are known.
    series, times : ndarray of int64 of shape (n,)
        As in `Calibration`.
    """

    errors: Floats
    series: Integers
    times: Integers

    @classmethod
    def of(cls, calibration: Calibration, steps: int) -> Self:
        """Those that intervals rest on.

        Parameters
        ----------
        calibration : Calibration
            Calibration with series and times.
        steps : int
            Steps of the horizon.

        Returns
        -------
        PastPaths
        """
        errors = calibration.residuals[:, :steps]
        some = ~np.isnan(errors).all(axis=(1, 2))
        assert calibration.series is not None  # files of earlier versions are refused
        assert calibration.times is not None
        return cls(errors[some], calibration.series[some], calibration.times[some])

    def drawn(self, n_paths: int, lines: list[list[tuple[int, int]]], rng: np.random.Generator) -> Iterator[Floats]:
        """Where paths lie among the quantiles of a forecast, series by series.

        A series with errors from fewer than nine times, such as a new one, takes the errors of another series at each
        drawn time. A series without an error at a drawn time takes its errors from another time.

        Parameters
        ----------
        n_paths : int
        lines : list of list of (int, int)
            For each series and target, the number of the series in `series` (-1 for none) and its column in `errors`.
        rng : numpy.random.Generator

        Yields
        ------
        ndarray of shape (n_paths, steps, targets)
            Normal scores, of each series. The first paths are the same for any number of paths.
        """
        dates, at = np.unique(self.times, return_inverse=True)
        some, weighing, *each = rng.spawn(2 + sum(map(len, lines)))
        when = (some.random((n_paths, _MIXED)) * len(dates)).astype(np.int64)
        weights = weighing.standard_normal((n_paths, _MIXED))
        weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
        pool, others = _Pool(self, at), iter(each)
        for targets in lines:
            found = []
            for number, column in targets:
                draw = next(others).random(when.shape)
                mine = np.flatnonzero(self.series == number) if number >= 0 else np.empty(0, dtype=np.intp)
                if len(mine) < ENOUGH:
                    scores, chosen = pool.scores(column), pool.chosen(when, draw)
                else:
                    scores, chosen = _scores(self.errors[mine, :, column]), _at_times(at[mine], when, draw)
                mixed = weights[:, :1] * scores[chosen[:, 0]]
                for part in range(1, _MIXED):
                    mixed += weights[:, part : part + 1] * scores[chosen[:, part]]
                found.append(mixed)
            yield np.stack(found, axis=-1)


class _Pool:
    """The errors of all series, for one that has too few of its own."""

    def __init__(self, past: PastPaths, at: Integers) -> None:
        self.past = past
        self._scores: dict[int, Floats] = {}
        self.order = np.argsort(at, kind="stable")
        self.counts = np.bincount(at)
        self.first = np.cumsum(self.counts) - self.counts

    def scores(self, column: int) -> Floats:
        """Normal scores among all errors."""
        if column not in self._scores:
            self._scores[column] = _scores(self.past.errors[:, :, column])
        return self._scores[column]

    def chosen(self, when: Integers, draw: Floats) -> Integers:
        """Errors of each time, of any series; of a time with few of them, of any time."""
        few = self.counts[when] < ENOUGH
        place = self.first[when] + (draw * self.counts[when]).astype(np.int64)
        return self.order[np.where(few, (draw * len(self.order)).astype(np.int64), place)]


def _at_times(own: Integers, when: Integers, draw: Floats) -> Integers:
    """Which errors of a series are of each of some times; of a time without any, those of another."""
    place = np.full(max(int(own.max()), int(when.max())) + 1, -1)
    place[own] = np.arange(len(own))
    found = place[when]
    return np.where(found < 0, (draw * len(own)).astype(np.int64), found)


def _scores(errors: Floats) -> Floats:
    """Normal scores of errors among those of their step, with a mean square of 1.

    A step that is not known takes the rank of the nearest that is: what happened there is unknown, not unusual.

    Parameters
    ----------
    errors : ndarray of shape (n, steps)

    Returns
    -------
    ndarray of shape (n, steps)
    """
    from scipy.special import ndtri  # here, because importing it takes longer than all of this package

    n, ranks, unknown = len(errors), _ranks(errors), np.isnan(errors)
    if unknown.any():
        ranks = ranks / np.maximum(n - unknown.sum(axis=0), 1)
        ranks = _ranks(np.take_along_axis(ranks, _nearest_known(unknown), axis=1))
    scores = ndtri((np.arange(n) + 0.5) / n)
    return (scores / np.sqrt((scores**2).mean()))[ranks.astype(np.int64)]


def _ranks(values: Floats) -> Floats:
    """Ranks from 0 in each column, those of equal values in an order drawn for that column; NaN come last."""
    shuffled = np.random.default_rng(0).permuted(np.tile(np.arange(len(values))[:, None], values.shape[1]), axis=0)
    order = np.take_along_axis(values, shuffled, axis=0).argsort(axis=0, kind="stable")
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, np.take_along_axis(shuffled, order, axis=0), np.arange(len(values))[:, None], axis=0)
    return ranks


def _nearest_known(unknown: Booleans) -> Integers:
    """For each step of each path the nearest one that is known, the earlier of two; itself where it is."""
    steps = np.arange(unknown.shape[1])
    before = np.maximum.accumulate(np.where(unknown, -1, steps), axis=1)
    after = np.minimum.accumulate(np.where(unknown, len(steps) * 2, steps)[:, ::-1], axis=1)[:, ::-1]
    return np.where((before >= 0) & ((after >= len(steps)) | (steps - before <= after - steps)), before, after)
