"""Intervals after rows that came since the fit: what the errors on these teach, learnt once for each history."""

from hashlib import blake2b

import numpy as np

from .._conformal import nested
from .forecasting import from_origins

__all__ = ["NEWEST", "Once", "completed", "fresh_offsets", "origins_since", "taught", "told"]

NEWEST = 500  # origins of a history whose residuals intervals are calibrated on
_VALUES = 4_000_000  # errors and scores of the series that learn side by side
_REMEMBERED = 8  # answers


class Once(dict):
    """What was computed before and would be the same again: neither copied, nor pickled, nor saved with its owner."""

    def __reduce__(self):
        return type(self), ()

    def of(self, key, compute):
        """The value of a key, computed where it is not there.

        Two threads may both compute it, which gives the same.

        Parameters
        ----------
        key : hashable
        compute : callable

        Returns
        -------
        object
        """
        found = self.get(key)
        if found is None:
            found = compute()
            if len(self) >= _REMEMBERED:
                self.clear()
            self[key] = found
        return found


def fresh_offsets(state, request, yardsticks, levels):
    """What to add to the forecasts asked for after all errors since the fit, of which the actual value is known.

    Parameters
    ----------
    state : FittedState
    request : Request
        With `fresh` rows.
    yardsticks : dict of key to Yardstick
        Of the series that have a history.
    levels : list of float
        Coverages.

    Returns
    -------
    dict of key to (lower, upper)
        Each of shape (levels, horizon, targets), on the scale of errors and in units of the series.
    """
    keys, since = list(yardsticks), state.since if request.fresh is state.rows else None
    if since is not None and since.tells(keys, levels):
        return completed(state, since.offsets_of(keys, levels), levels)
    known = request.fresh.only(keys)
    future = None
    if state.roles.future:  # the newest origins look at the future rows that were given
        future = {key: numbers for key, *numbers in zip(request.keys, request.labels, request.future, strict=True)}
        future = [future[key] for key in keys]
    seen = _seen(state, request.fresh, keys, future)

    def learnt():
        return completed(state, taught(state, known, yardsticks, levels, future, since), levels)

    return learnt() if seen is None else state.once.of((*seen, *levels), learnt)


def origins_since(state, rows, number):
    """Rows of a series that forecasts can start from, that were not trained on, but for its last; the newest.

    Returns
    -------
    ndarray of int
    """
    begin, end = int(rows.starts[number]), int(rows.starts[number + 1])
    first = begin + state.looks_back - 1
    trained = state.trained_until.get(rows.keys[number])
    if trained is not None:
        first = max(first, begin + int(rows.index[begin:end].searchsorted(trained, side="left")))
    return told(state, rows, number, np.arange(max(first, end - 1 - NEWEST), end - 1))


def told(state, rows, number, origins):
    """Those origins of a series that a forecast can start from: not made up, and something is known of each target.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    number : int
        Of the series.
    origins : ndarray of int

    Returns
    -------
    ndarray of int
    """
    if rows.made_up is not None:
        origins = origins[~rows.made_up[origins]]
    if state.preparation.masked:
        begin, end = int(rows.starts[number]), int(rows.starts[number + 1])
        known = np.logical_or.accumulate(~np.isnan(rows.targets[begin:end]), axis=0).all(axis=1)
        origins = origins[known[origins - begin]]
    return origins


def _seen(state, fresh, keys, future):
    """What a history is recognised by; None: by nothing."""
    parts = [] if future is None else [values for _, values in future]
    if fresh is not state.rows:
        ticks = getattr(fresh.index, "asi8", None)
        ticks = fresh.index.to_numpy() if ticks is None else ticks
        if ticks.dtype.kind not in "iu":
            return None
        parts += [ticks, fresh.starts, fresh.targets, fresh.past, fresh.future, fresh.static]
        parts += [] if fresh.made_up is None else [fresh.made_up]
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part))
    return fresh is state.rows, tuple(fresh.keys), tuple(keys), digest.digest()


def taught(state, known, yardsticks, levels, future=None, since=None):
    """What adaptive intervals have learnt from all errors of some rows since the fit, each coverage by itself.

    Parameters
    ----------
    state : FittedState
    known : Rows
    yardsticks : dict of key to Yardstick
        Of all series of the rows.
    levels : list of float
        Coverages.
    future : list of (labels, ndarray), default=None
        Of each series, what is known ahead of its last row.
    since : Since, default=None
        Forecasts that were made already.

    Returns
    -------
    dict of key to ndarray of shape (2, levels, horizon, targets)
        What to add for the lower and the upper bound; NaN where too few errors are known.
    """
    n = len(state.roles.target)
    started = state.calibration.started(levels, n)
    lengths = np.diff(known.starts)
    most = min(int(lengths.max()), NEWEST) + started.window
    size = max(1, _VALUES // (most * state.horizon * n))
    alone = state.unlearnt(known.keys)  # of these each forecast learns a transform anew, from the rows before it
    together = [key for key in known.keys if key not in alone]
    portions = [together[first : first + size] for first in range(0, len(together), size)]
    found = {}
    for keys in [*portions, *([key] for key in known.keys if key in alone)]:
        ahead = None if future is None else [future[known.keys.index(key)] for key in keys]
        errors, positions = _errors(state, known.only(keys), ahead, [yardsticks[key] for key in keys], since)
        learning = started.side_by_side(len(keys))
        if len(positions):
            learning.learn(*errors, positions - positions[0], int(-positions[0]))
        sides = np.stack(learning.offsets(apart=True))
        sides = sides.reshape(*sides.shape[:3], len(keys), n)
        found |= {key: sides[:, :, :, number] for number, key in enumerate(keys)}
    return found


def completed(state, found, levels):
    """Offsets of coverages around each other, and where too few errors are known those of right after `fit`.

    Parameters
    ----------
    state : FittedState
    found : dict of key to ndarray of shape (2, levels, horizon, targets)
    levels : list of float

    Returns
    -------
    dict of key to ndarray of that shape

    Raises
    ------
    ValueError
        There are too few errors for the highest coverage.
    """
    calibration, n = state.calibration, len(state.roles.target)
    found = {key: nested(sides, levels) for key, sides in found.items()}
    if calibration.enough(levels) and not any(np.isnan(sides).any() for sides in found.values()):
        return found
    fixed = np.stack(calibration.offsets(levels, n))
    return {key: np.where(np.isnan(sides), fixed, sides) for key, sides in found.items()}


def _errors(state, known, ahead, yardsticks, since):
    """Actual values and forecasts on the scale of errors, from all origins of some series, side by side.

    Returns
    -------
    (ndarray, ndarray) of shape (n, horizon, series * targets)
        NaN where no value is known, or a series has no such origin.
    ndarray of int of shape (n,)
        Rows from the newest row of each series.
    """
    horizon, n = state.horizon, known.targets.shape[1]
    origins = [origins_since(state, known, number) for number in range(known.n_series)]
    positions = np.unique(np.concatenate([rows - end for rows, end in zip(origins, known.ends, strict=True)]))
    actual = np.full((len(positions), horizon, known.n_series, n), np.nan)
    forecast = np.zeros_like(actual)
    if len(positions):
        rows, shift = known, np.zeros(known.n_series, dtype=np.int64)
        if ahead is not None:
            rows = known.extended(*(list(part) for part in zip(*ahead, strict=True)))
            shift = rows.starts[:-1] - known.starts[:-1]
        every = np.concatenate([own + by for own, by in zip(origins, shift, strict=True)])
        if since is None:
            made = from_origins(state, rows, every, horizon)
        else:
            ages = [end - own for own, end in zip(origins, known.ends, strict=True)]
            made, there = since.forecasts_of(known.keys, ages)
            if not there.all():
                made[~there] = from_origins(state, rows, every[~there], horizon)
        truth, first = known.true_targets, 0
        for number, (own, end) in enumerate(zip(origins, known.ends, strict=True)):
            steps = own[:, None] + np.arange(1, horizon + 1)
            came = truth[np.minimum(steps, end)].astype(np.float64)
            came[steps > end] = np.nan
            at, yardstick = np.searchsorted(positions, own - end), yardsticks[number]
            actual[at, :, number] = yardstick.image(came) / yardstick.divisor
            forecast[at, :, number] = yardstick.image(made[first : first + len(own)]) / yardstick.divisor
            first += len(own)
    shape = len(positions), horizon, known.n_series * n
    return (actual.reshape(shape), forecast.reshape(shape)), positions
