"""Quantiles of a forecast from its errors on rows that were not trained on."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .._files import stored
from .._quantiles import at_levels, in_order, wanted_levels
from .._records import record
from .._types import Floats, Integers

if TYPE_CHECKING:
    from .rows import Rows

__all__ = ["LEVELS", "Spread", "horizons", "trust", "usual_change", "widened", "widths_of"]

# Of networks and of members without quantiles: deciles, and the bounds of an interval of 95 %.
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)

# Horizons of errors that count as much as the doubt that they could as well have had the other sign. ETTh1, 720 steps
# ahead, two horizons of errors: MASE of the median 1.66 without it, 1.42 with it.
_DOUBT = 10

_PAIRS = [(number, len(LEVELS) - 1 - number) for number in range(len(LEVELS) // 2)]  # bounds of intervals, widest first
_MOST = 2.0  # factor that validation may ask for: beyond, it is unlike all else
_SLIGHT = 0.02  # less is not known of a width


class _Origins(Protocol):
    """Of each origin its row, and the number of its series."""

    @property
    def rows(self) -> Integers:
        """Numbers of rows."""

    @property
    def which(self) -> Integers:
        """Numbers of series."""


@stored("spread")
@record(frozen=True)
class Spread:
    """Offsets from a forecast to its quantiles at `LEVELS`.

    Attributes
    ----------
    offsets : ndarray of shape (horizon, targets, levels)
        Offsets in units of a series.
    units : dict of key to ndarray of shape (targets,)
        Usual change of each series from row to row; 1 where there is one series.
    """

    offsets: Floats
    units: dict[Hashable, Floats]

    @classmethod
    def of(cls, errors: Floats, rows: Rows, origins: _Origins) -> Spread:
        """The quantiles of errors, step by step.

        Parameters
        ----------
        errors : ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
            Actual value minus forecast, NaN where it is missing; with levels, minus the quantile at each level.
        rows : Rows
        origins : Origins
            Origins of the errors.

        Returns
        -------
        Spread
        """
        units = _units(rows)
        table = np.array([units[key] for key in rows.keys])[origins.which]
        return cls(error_quantiles(errors, table, horizons(origins, errors.shape[1])), units)

    def knowing(self, rows: Rows) -> Spread:
        """The same, with the units of series that were not there in `fit`."""
        unseen = [key for key in rows.keys if key not in self.units]
        if not unseen:
            return self
        return replace(self, units=self.units | {key: usual_change(rows.only([key]).targets) for key in unseen})

    def around(self, forecast: Floats, rows: Rows, origins: Integers, levels: Sequence[float] | None = None) -> Floats:
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


def widths_of(
    quantiles: Floats, actual: Floats, worth: float, doubt: float = _DOUBT, most: float = _MOST
) -> tuple[float, ...]:
    """Factors on the widths of intervals that give the right coverage.

    The mean of the quantiles of several members is as wide as they are, but nearer to what comes than each of them: so
    it is too wide. Factors from few horizons are drawn to 1, as signs of errors are to none; those within 2 % of 1
    are 1.

    Parameters
    ----------
    quantiles : ndarray of shape (n, horizon, targets, levels)
        Quantiles at `LEVELS`, from rows that were not trained on.
    actual : ndarray of shape (n, horizon, targets)
        NaN where it is missing.
    worth : float
        Horizons that they stand for.
    doubt : float, default=10
        Horizons for which factors are half-way to 1, on a logarithmic scale.
    most : float, default=2
        The largest factor; the smallest is the inverse.

    Returns
    -------
    tuple of float
        Of each interval, the widest first. 1 where nothing is known.
    """
    known = ~np.isnan(actual)
    found, middle = [], quantiles[..., LEVELS.index(0.5)][known]
    apart = actual[known] - middle
    for low, high in _PAIRS:
        reach = np.where(apart > 0, quantiles[..., high][known] - middle, middle - quantiles[..., low][known])
        ratio = np.divide(np.abs(apart), reach, out=np.where(apart == 0, 0.0, np.inf), where=reach > 0)
        factor = np.quantile(ratio, LEVELS[high] - LEVELS[low], method="higher") if len(ratio) else 1.0
        factor = float(factor) if 0 < factor < np.inf else 1.0
        factor = min(max(factor, 1 / most), most) ** trust(float(worth), doubt)
        found.append(1.0 if abs(factor - 1) < _SLIGHT else factor)
    return tuple(found)


def widened(quantiles: Floats, widths: Sequence[float]) -> Floats:
    """Quantiles at `LEVELS`, each at a multiple of its distance from the median.

    Parameters
    ----------
    quantiles : ndarray of shape (..., levels)
    widths : sequence of float
        As of `widths_of`.

    Returns
    -------
    ndarray of that shape
    """
    factors = np.ones(len(LEVELS))
    for (low, high), width in zip(_PAIRS, widths, strict=True):
        factors[[low, high]] = width
    middle = quantiles[..., LEVELS.index(0.5)][..., None]
    return in_order(middle + factors * (quantiles - middle))


def trust(worth: float, doubt: float = _DOUBT) -> float:
    """The weight of what errors that span some horizons say.

    Parameters
    ----------
    worth : float
        Horizons.
    doubt : float, default=10
        Horizons that weigh a half.

    Returns
    -------
    float
    """
    return worth / (worth + doubt)


def horizons(origins: _Origins, horizon: int) -> Floats:
    """The contribution of each origin to the number of horizons spanned by its series.

    Errors of windows that overlap are nearly the same: many origins in a short time say little.

    Parameters
    ----------
    origins : Origins
        Anything with `rows` and `which`.
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


def error_quantiles(errors: Floats, units: Floats, worth: Floats | None = None) -> Floats:
    """Quantiles of errors at `LEVELS`, over the origins.

    Of n errors, the rank of a level is that of a conformal bound, (n + 1) times the level. Errors of few horizons may
    all lie on one side by chance. So the quantiles of w horizons are those of the errors with a weight of
    w / (w + 10), and with the rest of it those of the errors with either sign.

    Parameters
    ----------
    errors : ndarray of shape (n, horizon, targets) or (n, horizon, targets, levels)
        Errors; with levels, each is the error of a quantile, and keeps its sign.
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
    if own:
        for number, level in enumerate(LEVELS):
            found[known, number] = _quantiles(relative[:, known, number], [level])[:, 0]
        return found
    found[known] = _quantiles(relative[:, known], LEVELS)
    if worth is not None:
        share = trust(worth.sum())
        either = _quantiles(np.concatenate([relative, -relative])[:, known], LEVELS)
        found[known] = share * found[known] + (1 - share) * either
    return found


def _quantiles(errors: Floats, levels: Sequence[float]) -> Floats:
    """As `numpy.nanquantile(method="weibull")` of each column, which takes them one by one.

    Parameters
    ----------
    errors : ndarray of shape (n, columns)
        Errors, at least one number in each column.
    levels : sequence of float

    Returns
    -------
    ndarray of shape (columns, levels)
    """
    ranked = np.sort(errors, axis=0)  # NaN come last
    count = (~np.isnan(ranked)).sum(axis=0)
    columns, out = np.arange(errors.shape[1]), np.empty((errors.shape[1], len(levels)))
    for number, level in enumerate(levels):
        rank = np.clip(count * level + level - 1, 0, count - 1)
        below = rank.astype(np.int64)
        low, high = ranked[below, columns], ranked[np.minimum(below + 1, count - 1), columns]
        out[:, number] = low + (high - low) * (rank - below)
    return out


def usual_change(targets: Floats) -> Floats:
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


def _units(rows: Rows) -> dict[Hashable, Floats]:
    if rows.n_series == 1:
        return {rows.keys[0]: np.ones(rows.targets.shape[1])}
    spans = zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
    return {key: usual_change(rows.targets[first:end]) for key, first, end in spans}
