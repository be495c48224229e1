"""How the errors of the steps of a forecast hang together, in time and between series: the paths that they took before.

An empirical copula (the Schaake shuffle of Clark et al. 2004; Schefzik, Thorarinsdottir and Gneiting 2013). Each past
forecast is one joint draw: the rank of its error at every step, among those of the same step. A path draws a past time
of forecasting, takes the ranks that the errors had then, and reads the quantiles of the new forecast at them. All
series read the errors of the same time, so that sums over series are right too.

A rank of n stands for a share of 1 / n, and where in it a step of a path lies is drawn independently: that lowers a
rank correlation by a share of 1 / n^2, and gives as many different paths as are wanted. Ranks within a series are
uniform, so at each step the paths have the quantiles of the forecast.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["ENOUGH", "PastPaths"]

ENOUGH = 9  # errors of a series that rank its own paths: those that an interval of 80 % needs


@dataclass(frozen=True)
class PastPaths:
    """Errors of past forecasts, which know their series and time.

    Attributes
    ----------
    errors : ndarray of shape (n, steps, columns)
        NaN where unknown, but of each forecast some are known.
    series, times : ndarray of int64 of shape (n,)
        As in `Calibration`.
    """

    errors: np.ndarray
    series: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, calibration, steps):
        """Those that intervals rest on.

        Parameters
        ----------
        calibration : Calibration
            With series and times.
        steps : int
            Of the horizon.

        Returns
        -------
        PastPaths
        """
        errors = calibration.residuals[:, :steps]
        some = ~np.isnan(errors).all(axis=(1, 2))
        return cls(errors[some], calibration.series[some], calibration.times[some])

    def drawn(self, n_paths, lines, rng):
        """Levels of the quantiles that paths go through, series by series.

        A series whose errors are known from fewer than nine times, such as a new one, takes at each time drawn the
        path of another series. One that has no error of the time drawn takes that of another time.

        Parameters
        ----------
        n_paths : int
        lines : list of list of (int, int)
            For each series and target the number of the series in `series`, -1 for none, and its column in `errors`.
        rng : numpy.random.Generator

        Yields
        ------
        ndarray of shape (n_paths, steps, targets)
            In (0, 1), of each series. The first paths are the same for any number of paths.
        """
        dates, at = np.unique(self.times, return_inverse=True)
        common, *others = rng.spawn(1 + 2 * sum(map(len, lines)))
        rounds = [common.permutation(len(dates)) for _ in range(-(-n_paths // len(dates)))]
        when = np.concatenate(rounds)[:n_paths]
        pool, others = _Pool(self, at), iter(others)
        for targets in lines:
            found = []
            for number, column in targets:
                where, within = next(others), next(others)
                mine = np.flatnonzero(self.series == number) if number >= 0 else []
                if len(mine) < ENOUGH:
                    low, width = pool.shares(column)
                    chosen = pool.chosen(when, where)
                else:
                    low, width = _shares(self.errors[mine, :, column])
                    chosen = _at_times(at[mine], when, where)
                found.append(low[chosen] + width * within.random((n_paths, self.errors.shape[1])))
            yield np.stack(found, axis=-1)


class _Pool:
    """The paths of all series, for one that has too few of its own."""

    def __init__(self, past, at):
        self.past, self._shares = past, {}
        self.order = np.argsort(at, kind="stable")
        self.counts = np.bincount(at)
        self.first = np.cumsum(self.counts) - self.counts

    def shares(self, column):
        """Ranks among all errors, as shares."""
        if column not in self._shares:
            self._shares[column] = _shares(self.past.errors[:, :, column])
        return self._shares[column]

    def chosen(self, when, rng):
        """A path of each time, of any series; of a time with few of them, of any time."""
        draw = rng.random(len(when))
        few = self.counts[when] < ENOUGH
        place = self.first[when] + (draw * self.counts[when]).astype(np.int64)
        return self.order[np.where(few, (draw * len(self.order)).astype(np.int64), place)]


def _at_times(own, when, rng):
    """Which path of a series was begun at each of some times; of a time without one, any."""
    place = np.full(max(int(own.max()), int(when.max())) + 1, -1)
    place[own] = np.arange(len(own))
    found = place[when]
    spare = (rng.random(len(when)) * len(own)).astype(np.int64)
    return np.where(found < 0, spare, found)


def _shares(errors):
    """Where the share of each error begins in (0, 1) among those of its step, and how wide a share is.

    A step that is not known takes the rank of the nearest that is: what happened there is unknown, not unusual.

    Parameters
    ----------
    errors : ndarray of shape (n, steps)

    Returns
    -------
    ndarray of shape (n, steps)
    float
    """
    n = len(errors)
    ranks = _ranks(errors)
    unknown = np.isnan(errors)
    if unknown.any():
        ranks = ranks / np.maximum(n - unknown.sum(axis=0), 1)
        ranks = _ranks(np.take_along_axis(ranks, _nearest_known(unknown), axis=1))
    return ranks / n, 1 / n


def _ranks(values):
    """Ranks from 0 in each column, those of equal values in an order drawn for that column; NaN come last."""
    shuffled = np.random.default_rng(0).permuted(np.tile(np.arange(len(values))[:, None], values.shape[1]), axis=0)
    order = np.take_along_axis(values, shuffled, axis=0).argsort(axis=0, kind="stable")
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, np.take_along_axis(shuffled, order, axis=0), np.arange(len(values))[:, None], axis=0)
    return ranks


def _nearest_known(unknown):
    """For each step of each path the nearest one that is known, the earlier of two; itself where it is."""
    steps = np.arange(unknown.shape[1])
    before = np.maximum.accumulate(np.where(unknown, -1, steps), axis=1)
    after = np.minimum.accumulate(np.where(unknown, len(steps) * 2, steps)[:, ::-1], axis=1)[:, ::-1]
    return np.where((before >= 0) & ((after >= len(steps)) | (steps - before <= after - steps)), before, after)
