"""Residuals of forecasts that were not trained on, in units that series of different size share."""

from dataclasses import dataclass, replace

import numpy as np

from .._conformal import AdaptiveState
from .._files import stored

__all__ = ["Calibration", "series_scale"]

_MOST = 2_000  # residuals of a step: more do not make a quantile better


@stored("calibration")
@dataclass(frozen=True)
class Calibration:
    """What a model's forecasts missed by, on the newest windows of the training rows.

    Attributes
    ----------
    residuals : ndarray of shape (n, horizon, targets)
        Actual minus forecast, over the scale of its series, in time order; NaN where the actual value is missing.
    scales : dict of key to ndarray of shape (targets,)
        1 where there is one series.
    """

    residuals: np.ndarray
    scales: dict

    @classmethod
    def of(cls, rows, windows, residuals):
        """Residuals of some windows.

        Parameters
        ----------
        rows : Rows
        windows : Windows
        residuals : ndarray of shape (n, horizon, targets)

        Returns
        -------
        Calibration
        """
        scales = {
            key: series_scale(rows.targets[first:end], alone=rows.n_series == 1)
            for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
        }
        if rows.n_series > 1:
            table = np.array(list(scales.values()))
            residuals = residuals / table[windows.which][:, None, :]
        order = np.argsort(windows.time, kind="stable")[-_MOST:]
        return cls(residuals[order], scales)

    def followed_by(self, relative):
        """With later residuals behind these; the newest ones are kept.

        Parameters
        ----------
        relative : ndarray of shape (n, horizon, targets)
            In the units of their series, in time order.

        Returns
        -------
        Calibration
        """
        if self.residuals.shape[2] != relative.shape[2]:  # each target was a series of its own
            relative = np.moveaxis(relative, 2, 1).reshape(-1, relative.shape[1], 1)
        return replace(self, residuals=np.concatenate([self.residuals, relative])[-_MOST:])

    def of_series(self, key, known, alone=False):
        """The residuals in the units of a series.

        Parameters
        ----------
        key : object
        known : ndarray of shape (rows, targets)
            Its targets as far as they are known: what a series that was not there in `fit` is measured by.
        alone : bool, default=False
            As in `series_scale`.

        Returns
        -------
        ndarray of shape (n, horizon, targets)
        """
        return self.of_targets(known.shape[1]) * self.unit(key, known, alone)

    def holds(self, key, n):
        """Whether the unit of a series of `n` targets was measured in `fit`."""
        if self.residuals.shape[2] == n:
            return key in self.scales
        return all((key, column) in self.scales for column in range(n))

    def unit(self, key, known, alone=False):
        """What the residuals of a series are measured in; parameters as in `of_series`.

        Returns
        -------
        ndarray of shape (targets,)
        """
        n = known.shape[1]
        if self.residuals.shape[2] == n:
            scale = self.scales.get(key)
            return series_scale(known, alone) if scale is None else scale
        scales = [self.scales.get((key, column)) for column in range(n)]  # each target was a series of its own
        return series_scale(known) if any(scale is None for scale in scales) else np.concatenate(scales)

    def started(self, levels, n):
        """What adaptive intervals have learned before the first origin, row 0, in units of a series.

        It costs as much as some thousand origins, so that a panel's series take copies of it.

        Parameters
        ----------
        levels : list of float
        n : int
            Targets.

        Returns
        -------
        AdaptiveState
        """
        state = AdaptiveState(levels)
        state.warm_up(self.of_targets(n), before=0)
        return state

    def of_targets(self, n):
        """The residuals over the units of their series, of `n` targets."""
        return self.residuals if self.residuals.shape[2] == n else np.repeat(self.residuals, n, axis=2)


def series_scale(targets, alone=False):
    """Mean absolute change from one row to the next: what residuals of a series are measured in.

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
    mean = np.where(seen, change, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(mean > 0, mean, 1.0)
