"""What a fitted forecaster exposes: attributes, members, the newest rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._frames import answer
from .._preparation import as_given
from .._refusals import Refusal
from .one_row import OneRow
from .verbs.host import Host

if TYPE_CHECKING:
    import pandas as pd

    from .._preparation import Member
    from .state import FittedState

__all__ = ["Remembered"]


class Remembered(Host):
    """The part of `SeriesForecaster` that holds the results of `fit`.

    Rows that were read one by one wait in `_waiting` (`OneRow`), which then holds the state instead of `_state`;
    reading `_state` puts the rows into it.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "_state" and self._settle():
            return self.__dict__[name]
        return self.__getattribute__(name)  # raises again, also what a property of an unfitted forecaster says

    def _settle(self) -> bool:
        """Move waiting rows into the state; return whether there were any."""
        waiting = self.__dict__.pop("_waiting", None)
        if waiting is not None:
            self.__dict__["_state"] = waiting.settled()
        return waiting is not None

    def _one_row(self) -> OneRow | None:
        """The fast path for single rows if it applies, otherwise None."""
        waiting, state = self.__dict__.get("_waiting"), self.__dict__.get("_state")
        if waiting is None and state is not None and state.carries:
            waiting = OneRow.of(state, self._kind)
            if waiting is not None:
                self.__dict__["_waiting"] = waiting
                del self.__dict__["_state"]
        return waiting

    def __getstate__(self) -> Any:
        self._settle()
        return super().__getstate__()

    def _remember(self, state: FittedState, columns: Any, kind: Any) -> None:
        """Set the whole fitted state at once, after everything that can fail."""
        self.__dict__.pop("_waiting", None)
        self._state = state
        self._kind = kind
        self.regressor_ = state.regressor
        self.report_ = state.report
        self.target_names_ = list(state.roles.target)
        self.freq_ = state.axis.freq
        self.n_windows_ = state.n_windows
        self.n_features_in_ = len(columns)
        if all(isinstance(name, str) for name in columns):
            self.feature_names_in_ = np.asarray(columns, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    @property
    def members_(self) -> dict[str, Any]:
        """Each member as a separate fitted forecaster."""
        check_is_fitted(self)
        if self._state.members is None:
            return {"regressor": self}
        return {name: self._alone(member) for name, member in self._state.members.items()}

    def _alone(self, member: Member) -> Any:
        preparation = member.preparation
        names = ("lookback", "window_norm", "transform", "calendar", "level", "clip_covariates")
        own = {name: getattr(preparation, name) for name in names}
        own |= {"multi_target": "shared" if member.split else "joint", "members": None}
        own["regressor"] = as_given(member.regressor)
        one = type(self)(**(self.get_params(deep=False) | own))
        columns = getattr(self, "feature_names_in_", range(self.n_features_in_))
        one._remember(self._state.alone(member), columns, self._kind)
        one.recipe_ = one.get_params(deep=False)
        return one

    @property
    def history_(self) -> pd.DataFrame:
        """The newest fitted rows of targets and past covariates."""
        check_is_fitted(self)
        state = self._state
        if state.n_series is not None:
            raise AttributeError(Refusal("history_ is not there, because a fit on blocks keeps no rows"))
        tail = state.tail
        bounds = list(zip(tail.starts[:-1], tail.starts[1:], strict=True))
        values = np.concatenate([tail.targets, tail.past], axis=1)
        names = [*state.roles.target, *state.schema.past_names]
        return answer(
            state.layout,
            state.roles,
            tail.keys,
            [tail.index[first:end] for first, end in bounds],
            [values[first:end] for first, end in bounds],
            names,
        )
