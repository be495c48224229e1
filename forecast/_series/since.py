"""Forecasts since the fit, kept from one update to the next; intervals learn from their errors as rows arrive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._files import ModelFileError, stored
from .._records import record
from .._refusals import Refusal
from .._types import Booleans, Floats, Integers
from .calibration import USUAL
from .due import Due
from .error_scale import yardsticks_of
from .forecasting import from_origins
from .fresh import taught

if TYPE_CHECKING:
    from .._preparation import Rows
    from .state import FittedState

__all__ = ["Since", "with_since"]

_MOST = 400_000  # values of forecasts that are kept; of more, intervals are learnt when they are asked for
_TAUGHT = 300_000  # values of forecasts that an update learns from, which takes up to a third of a second
_CELLS = 20_000  # series times steps times targets: each goes on by itself
_ALONE = 100  # forecasts that learn a transform anew, which takes a millisecond and more


@stored("forecasts since the fit")
@record(frozen=True)
class Since:
    """Forecasts from the rows of a state that were not trained on.

    Attributes
    ----------
    keys : list
    starts : ndarray of int64 of shape (n_series + 1,)
        Starts of the forecasts of each series, the oldest first.
    ages : ndarray of int64 of shape (n,)
        Rows from the origin of a forecast to the newest row of its series.
    forecasts : ndarray of shape (n, horizon, targets)
        Forecasts in the units of the series.
    offsets : ndarray of shape (n_series, 2, coverages, horizon, targets) or None
        What the errors teach of the usual coverages, each by itself. None: there are many forecasts, or they read
        values that are known ahead, so that the errors of the newest ones depend on the rows that are asked for.
    """

    keys: list[Any]
    starts: Integers
    ages: Integers
    forecasts: Floats
    offsets: Floats | None = None

    def tells(self, keys: list[Any], levels: list[float]) -> bool:
        """Whether it has what the errors of some series teach of some coverages."""
        return self.offsets is not None and set(levels) <= set(USUAL) and set(keys) <= set(self.keys)

    def offsets_of(self, keys: list[Any], levels: list[float]) -> dict[Any, Floats]:
        """What `taught` found for them, by series."""
        at, number = [USUAL.index(level) for level in levels], {key: n for n, key in enumerate(self.keys)}
        assert self.offsets is not None  # `tells` was asked
        return {key: self.offsets[number[key]][:, at] for key in keys}

    def forecasts_of(self, keys: list[Any], which: Integers, ages: Integers) -> tuple[Floats, Booleans]:
        """Forecasts that are there.

        Parameters
        ----------
        keys : list
        which : ndarray of int of shape (n,)
            Number of the series of each forecast wanted, rising.
        ages : ndarray of int of shape (n,)
            The oldest of each series first.

        Returns
        -------
        ndarray of shape (n, horizon, targets)
        ndarray of bool of shape (n,)
            Which are there; the others are 0.
        """
        number, width = {key: n for n, key in enumerate(self.keys)}, max(self.ages.max(initial=0), ages.max(initial=0))
        own = np.repeat(np.arange(len(self.keys)), np.diff(self.starts)) * (width + 1) - self.ages
        wanted = np.array([number.get(key, -2) for key in keys])[which] * (width + 1) - ages
        at = np.minimum(own.searchsorted(wanted), max(len(own) - 1, 0))
        there = own[at] == wanted if len(own) else np.zeros(len(wanted), dtype=bool)
        found = np.zeros((len(wanted), *self.forecasts.shape[1:]))
        found[there] = self.forecasts[at[there]]
        return found, there

    def aged(self, later: Rows) -> Self:
        """After the new rows of each series."""
        lengths = dict(zip(later.keys, np.diff(later.starts), strict=True))
        more = np.array([lengths.get(key, 0) for key in self.keys], dtype=np.int64)
        return replace(self, ages=self.ages + np.repeat(more, np.diff(self.starts)))

    def refuse_damaged(self, state: FittedState) -> None:
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
            raise ModelFileError(Refusal("the forecasts since the fit do not fit to each other"))


def with_since(state: FittedState, before: Since | None = None, later: Rows | None = None) -> FittedState:
    """The state with its forecasts since the fit and, if that is not too much work, intervals learned from their
    errors.

    Parameters
    ----------
    state : FittedState
        State with rows that came after the fit.
    before : Since, default=None
        Errors of the state without the newest rows, with the same regressors.
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
    try:
        due = Due.of(state, rows, None if before is None or later is None else before.aged(later))
        if state.roles.future:  # known values ahead are known of the rows alone
            due = due.only(due.ages >= state.horizon)
        if due.forecasts.size > _MOST or not _made(state, due):
            return state
        starts = np.concatenate([[0], np.bincount(due.which, minlength=rows.n_series).cumsum()]).astype(np.int64)
        since = Since(list(rows.keys), starts, due.ages.astype(np.int64), due.forecasts)
        if not state.roles.future and due.forecasts.size <= _TAUGHT:
            found = taught(state, due, yardsticks_of(state, state.tail), USUAL)
            since = replace(since, offsets=np.stack([found[key] for key in rows.keys]))
    except ValueError:  # an update takes rows from which nothing can be forecast; the call that asks for it says so
        return state
    return replace(state, since=since)


def _made(state: FittedState, due: Due) -> bool:
    """Make the forecasts that are not there; False where too many would be made one by one."""
    rows, missing = due.rows, np.flatnonzero(~due.there)
    unlearnt = state.unlearnt(rows.keys)
    alone = np.array([key in unlearnt for key in rows.keys])
    if alone[due.which[missing]].sum() > _ALONE:
        return False
    ages = due.ages
    for numbers in [np.flatnonzero(~alone), *np.flatnonzero(alone)[:, None]]:
        mine = missing[np.isin(due.which[missing], numbers)]
        if not len(mine):
            continue
        part = rows.only([rows.keys[number] for number in numbers])
        if not alone[numbers[0]]:
            part = part.newest(state.needed + int(ages[mine].max()))
        origins = part.ends[np.searchsorted(numbers, due.which[mine])] - ages[mine]
        due.forecasts[mine] = from_origins(state, part, origins, state.horizon)
        due.there[mine] = True
    return True
