"""Forecasts since the fit, kept from one update to the next, and what their errors teach: learnt as rows come."""

from dataclasses import dataclass, replace

import numpy as np

from .._files import ModelFileError, stored
from .calibration import USUAL
from .error_scale import yardsticks_of
from .forecasting import from_origins
from .fresh import origins_since, taught

__all__ = ["Since", "with_since"]

_MOST = 200_000  # values of forecasts that are kept; of more, intervals are learnt when they are asked for
_TAUGHT = 80_000  # values of forecasts that an update learns from, which takes up to a tenth of a second
_CELLS = 2_500  # series times steps times targets: each has 500 scores to go on from
_ALONE = 100  # forecasts that learn a transform anew, which takes a millisecond and more


@stored("forecasts since the fit")
@dataclass(frozen=True)
class Since:
    """Forecasts from the rows that a state keeps and was not trained on.

    Attributes
    ----------
    keys : list
    starts : ndarray of int64 of shape (n_series + 1,)
        Of the forecasts of each series, the oldest first.
    ages : ndarray of int64 of shape (n,)
        Rows from the origin of a forecast to the newest row of its series.
    forecasts : ndarray of shape (n, horizon, targets)
        In the units of the series.
    offsets : ndarray of shape (n_series, 2, coverages, horizon, targets) or None
        What the errors teach of the usual coverages, each by itself. None: there are many forecasts, or they read
        values that are known ahead, so that the errors of the newest ones depend on the rows that are asked for.
    """

    keys: list
    starts: np.ndarray
    ages: np.ndarray
    forecasts: np.ndarray
    offsets: np.ndarray | None = None

    def tells(self, keys, levels):
        """Whether it has what the errors of some series teach of some coverages."""
        return self.offsets is not None and set(levels) <= set(USUAL) and set(keys) <= set(self.keys)

    def offsets_of(self, keys, levels):
        """What `taught` found for them, by series."""
        at, number = [USUAL.index(level) for level in levels], {key: n for n, key in enumerate(self.keys)}
        return {key: self.offsets[number[key]][:, at] for key in keys}

    def forecasts_of(self, keys, ages):
        """Forecasts that are there.

        Parameters
        ----------
        keys : list
        ages : list of ndarray of int
            Of the forecasts wanted of each series, the oldest first.

        Returns
        -------
        ndarray of shape (n, horizon, targets)
        ndarray of bool of shape (n,)
            Which are there; the others are 0.
        """
        number, places = {key: n for n, key in enumerate(self.keys)}, []
        for key, wanted in zip(keys, ages, strict=True):
            first, end = (self.starts[number[key] + more] for more in (0, 1)) if key in number else (0, 0)
            own = self.ages[first:end]
            at = np.minimum(np.searchsorted(-own, -wanted), max(len(own) - 1, 0))
            same = own[at] == wanted if len(own) else np.zeros(len(wanted), dtype=bool)
            places.append(np.where(same, first + at, -1))
        places = np.concatenate(places)
        there, found = places >= 0, np.zeros((len(places), *self.forecasts.shape[1:]))
        found[there] = self.forecasts[places[there]]
        return found, there

    def aged(self, later):
        """After so many rows as came of each series."""
        lengths = dict(zip(later.keys, np.diff(later.starts), strict=True))
        more = np.array([lengths.get(key, 0) for key in self.keys], dtype=np.int64)
        return replace(self, ages=self.ages + np.repeat(more, np.diff(self.starts)))

    def refuse_damaged(self, state):
        """Refuse what a file holds where it does not fit to the rest of the state.

        Parameters
        ----------
        state : FittedState

        Raises
        ------
        ModelFileError
        """
        n, shape = len(self.ages), (state.horizon, len(state.roles.target))
        offsets = None if self.offsets is None else self.offsets.shape
        whole = self.starts.shape == (len(self.keys) + 1,) and self.starts[0] == 0 and self.starts[-1] == n
        if (
            not whole
            or (np.diff(self.starts) < 0).any()
            or self.ages.shape != (n,)
            or self.forecasts.shape != (n, *shape)
            or offsets not in (None, (len(self.keys), 2, len(USUAL), *shape))
        ):
            raise ModelFileError("the forecasts since the fit do not fit to each other.")


def with_since(state, before=None, later=None):
    """The state with its forecasts since the fit, and with what their errors teach, where that is not too much work.

    Parameters
    ----------
    state : FittedState
        With rows that came after the fit.
    before : Since, default=None
        Of the state without the newest rows, with the same regressors.
    later : Rows, default=None
        The newest rows.

    Returns
    -------
    FittedState
    """
    state = replace(state, since=None)
    if state.carries:  # from the rows that are kept, which may be few of those that its states have seen
        return state
    rows, values = state.rows, state.horizon * len(state.roles.target)
    if state.calibration is None or state.trained is None or rows.n_series * values > _CELLS:
        return state
    reach = state.horizon if state.roles.future else 1  # known values ahead are known of the rows alone
    ends = rows.ends
    ages = [ends[number] - origins_since(state, rows, number) for number in range(rows.n_series)]
    ages = [own[own >= reach] for own in ages]
    counts = np.array([len(own) for own in ages])
    if counts.sum() * values > _MOST:
        return state
    try:
        forecasts = _forecasts(state, ages, None if before is None else before.aged(later))
        if forecasts is None:
            return state
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        since = Since(list(rows.keys), starts, np.concatenate(ages).astype(np.int64), forecasts)
        if not state.roles.future and forecasts.size <= _TAUGHT:
            found = taught(state, rows, yardsticks_of(state, state.tail), USUAL, since=since)
            since = replace(since, offsets=np.stack([found[key] for key in rows.keys]))
    except ValueError:  # an update takes rows from which nothing can be forecast; the call that asks for it says so
        return state
    return replace(state, since=since)


def _forecasts(state, ages, before):
    """Those that are there, and the others made; None where too many would be made one by one."""
    rows, shape = state.rows, (state.horizon, len(state.roles.target))
    which = np.repeat(np.arange(rows.n_series), [len(own) for own in ages])
    flat = np.concatenate(ages)
    if before is None:
        found, there = np.zeros((len(flat), *shape)), np.zeros(len(flat), dtype=bool)
    else:
        found, there = before.forecasts_of(rows.keys, ages)
    unlearnt = state.unlearnt(rows.keys)
    alone = np.array([key in unlearnt for key in rows.keys])
    if (alone[which] & ~there).sum() > _ALONE:
        return None
    for numbers in [np.flatnonzero(~alone), *np.flatnonzero(alone)[:, None]]:
        mine = ~there & np.isin(which, numbers)
        if not mine.any():
            continue
        part = rows.only([rows.keys[number] for number in numbers])
        if not alone[numbers[0]]:
            part = part.newest(state.needed + int(flat[mine].max()))
        origins = part.ends[np.searchsorted(numbers, which[mine])] - flat[mine]
        found[mine] = from_origins(state, part, origins, state.horizon)
    return found
