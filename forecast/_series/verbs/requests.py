"""What is asked of a fitted forecaster, as rows and labels; and the answer, row by row or in the user's layout."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import pandas as pd

from ..._frames import (
    Layout,
    StaticTable,
    answer,
    answer_rows,
    as_frame,
    enter,
    leave,
    one_column,
    read_future,
    read_panel,
    refuse_retyped,
)
from ..._preparation import Rows
from ..feeding import tell_of_feedback
from ..forecasting import from_ends
from ..targets import with_target
from ..tools import refuse_shuffled_columns

__all__ = ["Request", "Requests"]


@dataclass(frozen=True)
class Request:
    """Steps to forecast.

    Attributes
    ----------
    past : Rows
        What is known of the series asked for.
    keys : list
    labels : list of pandas.Index
        The steps of each series.
    future : list of ndarray of shape (steps, F)
    order : list of ndarray of int or None
        Position of each series' steps in the frame of future rows that the user gave; None without one.
    index : pandas.Index or None
        Of that frame.
    fresh : Rows or None
        The whole history that the user gave, for intervals.
    """

    past: Rows
    keys: list
    labels: list
    future: list
    order: list | None = None
    index: object = None
    fresh: Rows | None = None


class Requests:
    """The part of `SeriesForecaster` that reads requests."""

    def _request(self, X, history, n=None):
        """The future rows X, or as many steps as `n` or a whole number in the place of X says."""
        X, n = _rows_or_steps(X, n)
        state = self._state
        whole = None if history is None else self._read_history(history, whole=True)
        past = state.tail
        if whole is not None:  # transform and floor of a series that was not there in fit are learnt from all its rows
            learnt = state.learns_of_series or state.holds_unseen(whole.keys)
            past = whole if learnt else whole.tail(state.needed)
        if X is None:
            steps = state.horizon if n is None else n
            if state.roles.future:
                raise ValueError(
                    f"the model was fitted with future covariates {state.roles.future}, which predict() cannot know: "
                    "fill them in the frame of model.future_frame(), and give it to predict. Fix: X = "
                    f"model.future_frame({'' if n is None else n})."
                )
            labels = [state.axis.after(last, steps) for last in past.last_labels.values()]
            return Request(past, past.keys, labels, [np.zeros((steps, 0))] * past.n_series, fresh=whole)
        frame, _ = enter(X)
        refuse_shuffled_columns(frame, state.roles.future)
        given = read_future(
            frame, state.roles, state.schema, state.axis, past.last_labels, at_least=state.horizon
        )
        return Request(
            past.only(given.keys), given.keys, given.labels, given.values, given.rows, given.index, fresh=whole
        )

    def _with_static(self, history, static):
        """The history with the static covariates of its series as columns."""
        if static is None:
            return history
        roles = self._state.roles
        if history is None or not roles.static:
            why = "history is None" if history is None else "the model was fitted without static covariates"
            raise ValueError(f"static is given, but {why}; expected it with the rows of new series, as history.")
        frame = as_frame(enter(history, "history")[0], "history")
        table = StaticTable.of(enter(static, "static")[0], roles.ids, roles.static)
        if roles.outside is not None:
            roles.outside.refuse_other(table)
        return table.beside(frame, Layout.of(frame, roles, "history"), "history")

    def _forecasts(self, request, recursive=None):
        steps = 0 if self._state.roles.past else max(map(len, request.labels))  # with past covariates it is refused
        tell_of_feedback(steps, self._state.horizon, recursive)
        return from_ends(self._state, request.past, request.labels, request.future)

    def _read_history(self, history, whole=True):
        """Another history, checked like fitted rows."""
        state = self._state
        frame, _ = enter(history, "history")
        frame = as_frame(frame, "history")
        rows = Rows.of(
            read_panel(frame, state.roles, self._rules(), schema=state.schema, axis=state.axis, what="the history")
        )
        known = set(state.tail.keys)
        new = [key for key in rows.keys if key not in known]
        refuse_retyped(new, known, Layout.of(frame, state.roles, "history"), "history")
        least = state.least_history
        lengths = np.diff(rows.starts)
        if (lengths < least).any():
            number = int(np.argmax(lengths < least))
            name = "" if rows.keys == [None] else f" of series {rows.keys[number]!r}"
            lost = state.preparation.n_lost if state.members is None else 0
            lost = f"{least - lost} + {lost} of the transform" if lost else f"{least}"
            raise ValueError(
                f"the history{name} has {lengths[number]} rows; expected at least lookback = {lost} of them to "
                "forecast from."
            )
        return rows

    def _answered(self, request, arrays, names, flat=False):
        """Results row by row for rows that the user gave, else with names and stamps in the layout of the data.

        `flat`: of rows that the user gave, a series in place of a frame of one column.
        """
        state = self._state
        if request.index is None:
            frame = answer(state.layout, state.roles, request.keys, request.labels, arrays, names)
        else:
            index = request.index if self._kind is None else pd.RangeIndex(len(request.index))  # others have none
            frame = answer_rows(index, request.order, arrays, names)
            if flat:
                return one_column(frame, self._kind)
        return leave(frame, self._kind)

    def _actual(self, X, y, request):
        """The actual values of the steps asked for, a list of (steps, targets); NaN where missing and allowed."""
        state = self._state
        frame, _ = enter(X)
        frame, target = with_target(frame, y, self.target if y is not None else self.target_names_)
        names = target if isinstance(target, list) else [target]
        roles = replace(state.roles, target=names, past=[], future=[], static=[])
        rows = Rows.of(read_panel(frame, roles, self._rules(), axis=state.axis, what="X"))
        found = dict(zip(rows.keys, zip(rows.starts[:-1], rows.starts[1:], strict=True), strict=True))
        return [rows.targets[slice(*found[key])].astype(np.float64) for key in request.keys]

    def _known(self, past, key):
        """Targets of a series up to its end, without gaps, shape (rows, targets)."""
        part = past.only([key])
        return part.filled("targets", np.nan_to_num(np.nanmean(part.targets, axis=0)))

    def _series_keys(self, past):
        return past.keys

    def _last_labels(self, past):
        return past.last_labels


def _rows_or_steps(X, n):
    """Future rows or a number of steps, at most one of them."""
    number = isinstance(X, (Integral, np.integer)) and not isinstance(X, (bool, np.bool_))
    if number and n is None:
        X, n = None, X
    if X is not None and n is not None:
        raise ValueError("both X and n are given; expected the future rows, or a number of steps.")
    if n is None:
        return X, None
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n is {n!r}; expected a whole number of steps, 1 or more.")
    return None, int(n)
