"""Single rows: the fast path for an update of a carried state and the forecast from it.

Reading a frame in general, which takes milliseconds, is for all that is not as it was in the last row: anything that
this way does not know is left to the general one, which takes it or says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._numbers import usable
from .._preparation import Rows
from .growing import grown

if TYPE_CHECKING:
    from .state import FittedState

__all__ = ["OneRow"]

_AHEAD = 256  # rows whose labels are made together, and that are put into the state together


class OneRow:
    """A fitted state of one series, and the newer rows that are not part of it yet.

    Attributes
    ----------
    state : FittedState
        State without these rows.
    """

    def __init__(self, state: FittedState) -> None:
        roles, preparation, axis = state.roles, state.preparation, state.axis
        self.state = state
        self.member = state.parts[0][0]
        self.network = self.member.regressor._network
        (self.key,) = state.tail.keys
        assert state.tail.carried is not None  # `of` has looked
        self.carried = state.tail.carried[self.key]
        columns = pd.Index(state.layout.columns, tupleize_cols=False)
        names = [*roles.target, *(part.label for part in state.schema.past)]
        self.order = np.array([columns.get_loc(name) for name in names])
        self.columns, self.seen = columns, columns
        self.n_targets, self.dtype = len(roles.target), state.tail.targets.dtype
        self.repeated = np.arange(self.n_targets) if preparation.level else None
        self.limits = preparation.limits
        self.labels = axis.after(state.tail.index[-1], _AHEAD + state.horizon)
        self.kind, self.index_dtype = type(state.tail.index), state.tail.index.dtype
        self.answers = pd.Index(list(roles.target), tupleize_cols=False)
        self.bounded = state.lower is not None or state.upper is not None
        self.rows: list[Any] = []

    @staticmethod
    def of(state: FittedState, kind: Any) -> OneRow | None:
        """Of a state that this way is enough for, or None.

        Parameters
        ----------
        state : FittedState
        kind : object
            Kind of the frames, None for pandas.

        Returns
        -------
        OneRow or None
        """
        roles, layout, preparation = state.roles, state.layout, state.preparation
        plain = (
            kind is None
            and state.carries
            and state.tail.keys == [None]
            and roles.time is None
            and layout.series_at is None
            and layout.time_at == "index"
            and len(layout.levels) == 1
            and len(set(layout.columns)) == len(layout.columns)
            and set(roles.target) <= set(layout.columns)
            and all(part.categories is None for part in state.schema.past)
            and preparation.transform is None
            and not preparation.masked
            and preparation.levels is None
            and not preparation.calendar
            and not preparation.irregular
            and not np.isnan(state.tail.targets[-1]).any()
        )
        return OneRow(state) if plain else None

    def takes(self, frame: Any) -> bool:
        """Whether a frame is the next row, as the others were; it is read if so.

        Parameters
        ----------
        frame : object
            The user's frame.

        Returns
        -------
        bool
            False: it is left to the general way.
        """
        if type(frame) is not pd.DataFrame or len(frame) != 1 or len(self.rows) == _AHEAD:
            return False
        index, columns = frame.index, frame.columns
        if columns is not self.seen:
            if not columns.equals(self.columns):
                return False
            self.seen = columns
        labels = self.labels
        if index.dtype != self.index_dtype or index.name != labels.name or index[0] != labels[len(self.rows)]:
            return False
        values = frame.to_numpy()
        if values.dtype != self.dtype:
            return False
        row = values[0, self.order]
        if not usable(row):
            return False
        targets = row[: self.n_targets]
        if self.bounded and (self.state.within(targets) != targets).any():  # which is said
            return False
        seen = row
        if self.limits is not None:
            seen = row.copy()
            past = slice(self.n_targets, None)
            seen[past] = np.clip(row[past], *self.limits[:, : len(row) - self.n_targets].astype(self.dtype))
        if self.repeated is not None:
            seen = np.concatenate([seen, row[self.repeated]])
        self.carried = self.carried.advanced(self.network, seen.astype(np.float64, copy=False)[None, None])
        self.rows.append(row)
        return True

    def forecast(self) -> pd.DataFrame:
        """The forecast of a horizon after the newest row.

        Returns
        -------
        pandas.DataFrame
        """
        state, outputs = self.state, self.network.outputs
        assert self.carried.outputs is not None  # of the newest row
        values = outputs.point(self.carried.outputs.reshape(1, -1, outputs.of_a_target))
        first = len(self.rows)
        values = state.within(values.reshape(state.horizon, self.n_targets))
        return pd.DataFrame(values, index=self.labels[first : first + state.horizon], columns=self.answers)

    def settled(self) -> FittedState:
        """The state with the rows that have come.

        Returns
        -------
        FittedState
        """
        if not self.rows:
            return self.state
        table, n, tail = np.array(self.rows), len(self.rows), self.state.tail
        targets, past = (np.ascontiguousarray(part) for part in np.split(table, [self.n_targets], axis=1))
        starts, future = np.array([0, n], dtype=np.int64), np.empty((n, 0), dtype=self.dtype)
        later = Rows(tail.keys, starts, self.labels[:n], targets, past, future, tail.static)
        return grown(self.state, later, {self.key: self.carried})
