"""Quantiles of a forecast out of the errors that it made on rows that were not learnt from."""

from dataclasses import dataclass, replace

import numpy as np

from .._files import stored
from .._network import at_levels, in_order
from .._rnn.quantiles import wanted_levels

__all__ = ["LEVELS", "Spread", "usual_change"]

# Of networks and of members without quantiles: deciles, and the bounds of an interval of 95 %.
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)

# Horizons of errors that count as much as the doubt that they could as well have had the other sign. ETTh1, 720 steps
# ahead, two horizons of errors: MASE of the median AAA without it, BBB with it.
_DOUBT = 10


@stored("spread")
@dataclass(frozen=True)
class Spread:
    """What is added to a forecast for its quantiles at `LEVELS`.

    Attributes
    ----------
    offsets : ndarray of shape (horizon, targets, levels)
        In units of a series.
    units : dict of key to ndarray of shape (targets,)
        Of each series: its usual change from row to row; 1 where there is one series.
    """

    offsets: np.ndarray
    units: dict

    @classmethod
    def of(cls, errors, rows, origins):
        """The quantiles of errors, step by step.

        Parameters
        ----------
        errors : ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
            Actual value minus forecast, NaN where it is missing; with levels, minus the quantile at each level.
        rows : Rows
        origins : Origins
            Of the errors.

        Returns
        -------
        Spread
        """
        units = _units(rows)
        table = np.array([units[key] for key in rows.keys])[origins.which]
        return cls(error_quantiles(errors, table, horizons(origins, errors.shape[1])), units)

    def knowing(self, rows):
        """The same, with the units of series that were not there in `fit`."""
        unseen = [key for key in rows.keys if key not in self.units]
        if not unseen:
            return self
        return replace(self, units=self.units | {key: usual_change(rows.only([key]).targets) for key in unseen})

    def around(self, forecast, rows, origins, levels=None):
        """Quantiles of forecasts.

        Parameters
        ----------
        forecast : ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
        rows : Rows
        origins : ndarray of int of shape (n,)
        levels : list of float, default=None
            None: the median alone, without an axis for levels.

        Returns
        -------
        ndarray of shape (n, horizon, targets, levels), or (n, horizon, targets)
        """
        which = np.searchsorted(rows.starts, origins, side="right") - 1
        table = np.array([self.units[key] for key in rows.keys])[which]
        cube = forecast if forecast.ndim == 4 else forecast[..., None]
        cube = in_order(cube + self.offsets * table[:, None, :, None])
        if levels is None:
            return cube[..., LEVELS.index(0.5)]
        return at_levels(cube, LEVELS, wanted_levels(levels, LEVELS))


def horizons(origins, horizon):
    """What each origin adds to the number of horizons that the origins of its series span.

    Errors of windows that overlap are nearly the same: many origins in a short time say little.

    Parameters
    ----------
    origins : Origins
    horizon : int

    Returns
    -------
    ndarray of shape (n,)
    """
    found = np.zeros(len(origins.rows))
    for number in np.unique(origins.which):
        mine = origins.which == number
        found[mine] = (np.ptp(origins.rows[mine]) / horizon + 1) / mine.sum()
    return found


def error_quantiles(errors, units, worth=None):
    """Quantiles of errors at `LEVELS`, over the origins.

    Of n errors, the rank of a level is that of a conformal bound, (n + 1) times the level. Errors of few horizons may
    all lie on one side by chance. So the quantiles of w horizons are those of the errors with a weight of
    w / (w + 10), and with the rest of it those of the errors with either sign.

    Parameters
    ----------
    errors : ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
        With levels, each is the error of a quantile, and keeps its sign.
    units : ndarray of shape (n, targets)
    worth : ndarray of shape (n,), default=None
        Horizons, of each origin; None: many.

    Returns
    -------
    ndarray of shape (horizon, targets, levels), 0 where no error is known
    """
    own = errors.ndim == 4
    relative = errors / units[:, None, :, None] if own else errors / units[:, None]
    found = np.zeros((*errors.shape[1:3], len(LEVELS)))
    known = ~np.isnan(relative[..., 0] if own else relative).all(axis=0)
    for number, level in enumerate(LEVELS):
        found[known, number] = _quantile((relative[..., number] if own else relative)[:, known], level)
    if not own and worth is not None:
        share = worth.sum() / (worth.sum() + _DOUBT)
        either = np.concatenate([relative, -relative])[:, known]
        for number, level in enumerate(LEVELS):
            found[known, number] = share * found[known, number] + (1 - share) * _quantile(either, level)
    return found


def _quantile(errors, level):
    return np.nanquantile(errors, level, axis=0, method="weibull")


def usual_change(targets):
    """Mean absolute change of each target from one row to the next, 1 where it never changes.

    Parameters
    ----------
    targets : ndarray of shape (rows, targets)

    Returns
    -------
    ndarray of shape (targets,)
    """
    change = np.abs(np.diff(targets.astype(np.float64), axis=0))
    seen = ~np.isnan(change)
    mean = np.where(seen, change, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(mean > 0, mean, 1.0)


def _units(rows):
    if rows.n_series == 1:
        return {rows.keys[0]: np.ones(rows.targets.shape[1])}
    spans = zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
    return {key: usual_change(rows.targets[first:end]) for key, first, end in spans}
