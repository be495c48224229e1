"""Requests to a fitted forecaster as rows and labels, and results row by row or in the user's layout."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import field, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..._frames import (
    Layout,
    StaticTable,
    answer,
    answer_rows,
    enter,
    leave,
    one_column,
    read_future,
    read_panel,
    refuse_retyped,
)
from ..._numbers import LARGEST_FORECAST, are_forecasts
from ..._preparation import Rows
from ..._records import record
from ..._refusals import Fix, Refusal, Words
from ..._types import Floats, FrameLike, Integers
from ..beginnings import refuse_unlearnable, refuse_untransformable, with_likenesses
from ..bounds import note_beyond
from ..codes import note_codes, note_future_codes
from ..feeding import tell_of_feedback
from ..forecasting import from_ends, labels_after
from ..skipping import (
    ShortHistoryWarning,
    check_errors,
    listed,
    read_able,
    rows_by_series,
    warn_left_out,
    warn_of,
)
from ..targets import entered
from ..tools import refuse_shuffled_columns
from .host import Host

if TYPE_CHECKING:
    from ..._frames import Future
    from ..state import FittedState

__all__ = ["Request", "Requests", "after_origins", "columns_of"]


@record(frozen=True)
class Request:
    """Steps to forecast.

    Attributes
    ----------
    past : Rows
        Known rows of the requested series.
    keys : list
    labels : list of pandas.Index
        The steps of each series.
    future : list of ndarray of shape (steps, F)
    order : list of ndarray of int or None
        Position of each series' steps in the user's frame of future rows; None without one.
    index : pandas.Index or None
        Index of that frame.
    cold : dict of key to list of keys
        Series without a history, and the series whose mean replaces it.
    fresh : Rows or None
        The whole history that the user passed, or the rows up to the newest update, for intervals.
    """

    past: Rows
    keys: list[Any]
    labels: list[pd.Index]
    future: list[Floats]
    order: list[Integers] | None = None
    index: pd.Index | None = None
    cold: dict[Any, list[Any]] = field(default_factory=dict)
    fresh: Rows | None = None


class Requests(Host):
    """The part of `SeriesForecaster` that reads requests."""

    def _request(
        self,
        X: FrameLike,
        history: FrameLike,
        errors: Literal["warn", "raise"] = "raise",
        n: int | None = None,
        static: FrameLike | None = None,
    ) -> Request:
        """The future rows X, or `n` steps, or as many as an int passed as X.

        Without the series of a panel that cannot be answered: a warning names them.
        """
        X, history = self._with_static(static, X=X, history=history)
        X, n = _rows_or_steps(X, n)
        check_errors(errors)
        refused: dict[Any, Exception] = {}
        state = self._state
        if history is None:
            state.refuse_without_rows("a forecast without history")
        whole = None
        if history is not None:
            whole, refused = self._read_history(history, errors)
            note_codes(state, whole, "history", 3)
            note_beyond(state.lower, state.upper, state.roles.target, whole, 3, "history", lambda: state.trained_until)
        past = state.tail
        if whole is not None:
            past = _read_by(state, whole)
        if X is None:
            if state.roles.future:
                raise ValueError(
                    Refusal(
                        Words(
                            f"the model was fitted with future covariates {state.roles.future}, which predict() cannot "
                            "know: fill them in the frame of model.future_frame(), and give it to predict",
                            f"the model was fitted with future covariates {state.roles.future}, which must be given",
                        ),
                        fix=Fix(
                            f"X = model.future_frame({'' if n is None else n})",
                            "--future FILE; --future-template FILE writes the rows to fill",
                        ),
                    )
                )
            past, short = self._long_enough(past, errors)
            request = self._next_steps(past, state.horizon if n is None else n)
            refused |= short
        else:
            request, unread = self._future_steps(X, past, errors)
            refused = unread | refused
            if state.roles.future:
                note_future_codes(state, request, 3)
        if refused:
            warn_left_out(refused, len({*past.keys, *refused}), 3)
        self._tell_short(request)
        since = state.rows if whole is None and state.trained is not None else whole
        return replace(request, fresh=since)

    def _tell_short(self, request: Request) -> None:
        """Warn of series whose history was padded, or stood in for."""
        least, past = self._state.looks_back, request.past
        lengths = zip(past.keys, np.diff(past.starts), strict=True)
        short = {key: f"{length} rows" for key, length in lengths if length < least}
        if short:
            what = f"{len(short)} of {past.n_series} series have" if past.keys != [None] else "the series has"
            text = f"{what} fewer rows than a forecast looks back on ({least}): {listed(short)}"
            warn_of(
                ShortHistoryWarning, f"{text}. The oldest row is repeated, and the forecast is less sure.", short, 4
            )
        if request.cold:
            like = {key: ", ".join(map(repr, like)) for key, like in request.cold.items()}
            blind = self._state.reads_no_past
            each = {key: f"errors as those of {like}" if blind else f"the mean of {like}" for key, like in like.items()}
            end = f", most like it in {self._state.roles.static}, replaces it."
            if blind:
                end = ". Their forecasts rest on static covariates, those known ahead and the calendar alone."
            text = f"{len(like)} of {past.n_series} series have no history: {listed(each)}{end}"
            warn_of(ShortHistoryWarning, text, each, 4)

    def _next_steps(self, past: Rows, steps: int) -> Request:
        labels = [self._state.axis.after(last, steps) for last in past.last_labels.values()]
        return Request(past, past.keys, labels, [np.zeros((steps, 0))] * past.n_series)

    def _future_steps(
        self, X: FrameLike, past: Rows, errors: Literal["warn", "raise"]
    ) -> tuple[Request, dict[Any, Exception]]:
        state = self._state
        frame, _ = enter(X)
        refuse_shuffled_columns(frame, state.roles.future)
        cold: dict[Any, list[Any]] = {}
        roles = state.roles
        told = roles.static and (roles.outside is not None or {*frame.columns, *roles.ids} >= set(roles.static))
        if told or (state.reads_no_past and past.keys != [None]):
            unknown = [rows for key, rows in rows_by_series(frame, state.roles, "X").items() if key not in past.keys]
            if unknown:
                past, cold = with_likenesses(state, past, frame.iloc[np.sort(np.concatenate(unknown))])
        number = {key: n for n, key in enumerate(past.keys)}

        def read(some: pd.DataFrame) -> Future:
            given = read_future(some, state.roles, state.schema, state.axis, past.last_labels, at_least=state.horizon)
            for key in given.keys:
                self._refuse_short(past, number[key], "the fitted data")
            return given

        given, refused = (read(frame), {}) if errors == "raise" else read_able(read, frame, state.roles, "X")
        cold = {key: like for key, like in cold.items() if key in given.keys}
        asked = past.only(given.keys)
        return Request(asked, given.keys, given.labels, given.values, given.rows, given.index, cold), refused

    def _long_enough(self, past: Rows, errors: Literal["warn", "raise"]) -> tuple[Rows, dict[Any, Exception]]:
        """The series that a forecast can be made for, and why it cannot for the others."""
        refused: dict[Any, Exception] = {}
        for number, key in enumerate(past.keys):
            try:
                self._refuse_short(past, number, "the fitted data")
            except ValueError as error:
                if errors == "raise" or past.n_series == 1:
                    raise
                refused[key] = error
        if len(refused) == past.n_series:
            raise next(iter(refused.values()))
        return past.only([key for key in past.keys if key not in refused]), refused

    def _refuse_short(self, rows: Rows, number: int, what: str) -> None:
        state = self._state
        key, length, least = rows.keys[number], int(rows.starts[number + 1] - rows.starts[number]), state.least_history
        if length >= least:
            if length < state.looks_back or state.preparation.masked:
                refuse_unlearnable(state, rows.only([key]))
            return
        name = "" if key is None else f" of series {key!r}"
        lost = state.preparation.n_lost if state.members is None else 0
        needed = f"{least - lost} + {lost} of the transform" if lost else f"{least}"
        raise ValueError(
            Refusal(
                f"{what}{name} has {length} rows",
                expected=f"at least lookback = {needed} of them to forecast from",
            )
        )

    def _with_static(self, static: FrameLike, **frames: Any) -> list[Any]:
        """Frames by their names, such as X and a history, with the static covariates of their series as columns."""
        if static is None:
            return list(frames.values())
        roles = self._state.roles
        given = {what: frame for what, frame in frames.items() if not isinstance(frame, (Integral, type(None)))}
        if not roles.static or not given:
            why = f"{' and '.join(frames)} is None" if roles.static else "fit had no static covariates"
            raise ValueError(Refusal(f"is given, but {why}", where="static", expected="it with rows of new series"))
        table = StaticTable.of(enter(static, "static")[0], roles.ids, roles.static)
        if roles.outside is not None:
            roles.outside.refuse_other(table)
        for what, rows in given.items():
            frame, _ = entered(rows, what)
            frames[what] = table.joined_to(frame, Layout.of(frame, roles, what), what)
        return list(frames.values())

    def _forecasts(self, request: Request, recursive: bool | None = None) -> list[Floats]:
        steps = 0 if self._state.roles.past else max(map(len, request.labels))  # with past covariates it is refused
        tell_of_feedback(steps, self._state.horizon, recursive)
        return from_ends(self._state, request.past, request.labels, request.future)

    def _read_history(
        self, history: FrameLike, errors: Literal["warn", "raise"] = "raise"
    ) -> tuple[Rows, dict[Any, Exception]]:
        """Another history, checked like fitted rows; and why series of it are left out."""
        state = self._state
        frame, _ = entered(history, "history")

        def read(some: pd.DataFrame) -> Rows:
            rows = state.read(some, self._rules(), "the history")
            known = set(state.tail.keys)
            new = [key for key in rows.keys if key not in known]
            refuse_retyped(new, known, Layout.of(some, state.roles, "history"), "history")
            for number in range(rows.n_series):
                self._refuse_short(rows, number, "the history")
            refuse_untransformable(state, rows)
            return rows

        return (read(frame), {}) if errors == "raise" else read_able(read, frame, state.roles, "the history")

    def _answered(self, request: Request, arrays: list[Floats], names: list[Any], flat: bool = False) -> FrameLike:
        """Results row by row for rows that the user gave, else with names and stamps in the layout of the data.

        `flat`: of rows that the user gave, a series in place of a frame of one column.
        """
        state = self._state
        _refuse_overflow(request, arrays, names)
        if request.index is None:
            frame = answer(state.layout, state.roles, request.keys, request.labels, arrays, names)
        else:
            index = request.index if self._kind is None else pd.RangeIndex(len(request.index))  # others have none
            frame = answer_rows(index, request.order or [], arrays, names)
            if flat:
                return one_column(frame, self._kind)
        return leave(frame, self._kind)

    def _actual(self, X: FrameLike, y: Any, request: Request) -> list[Floats]:
        """The actual values of the steps asked for, a list of (steps, targets); NaN where missing and allowed."""
        state = self._state
        frame, target = entered(X, "X", y, self.target if y is not None else self.target_names_)
        names = target if isinstance(target, list) else [target]
        roles = replace(state.roles, target=names, past=[], future=[], static=[])
        rows = Rows.of(read_panel(frame, roles, self._rules(), axis=state.axis, what="X"))
        found = dict(zip(rows.keys, zip(rows.starts[:-1], rows.starts[1:], strict=True), strict=True))
        return [rows.targets[slice(*found[key])].astype(np.float64) for key in request.keys]

    def _known(self, past: Rows, key: Any) -> Floats:
        """Targets of a series up to its end, without gaps, shape (rows, targets)."""
        part = past.only([key])
        return part.filled("targets", np.nan_to_num(np.nanmean(part.targets, axis=0)))

    def _series_keys(self, past: Rows) -> list[Any]:
        return past.keys

    def _last_labels(self, past: Rows) -> dict[Any, Any]:
        return past.last_labels


def after_origins(state: FittedState, rows: Rows, origins: Integers, n_steps: int) -> Request:
    """What `history=` up to some rows of several series asks for.

    Parameters
    ----------
    state : FittedState
    rows : Rows
        Rows, including later ones whose labels and future covariates are known ahead.
    origins : ndarray of int
        Newest known row of each series, at most one of a series.
    n_steps : int
        Number of steps, at most `horizon`; with future covariates all of it.

    Returns
    -------
    Request
    """
    which = np.searchsorted(rows.starts, origins, side="right") - 1
    ends = [(int(number), int(rows.starts[number]), int(row) + 1) for number, row in zip(which, origins, strict=True)]
    whole, reach = rows.parts(ends), state.horizon if state.roles.future else n_steps
    labels = [labels_after(state, rows, end - 1, reach, int(rows.starts[number + 1])) for number, _, end in ends]
    future = [rows.future[end : end + reach] if state.roles.future else np.zeros((reach, 0)) for _, _, end in ends]
    return Request(_read_by(state, whole), whole.keys, labels, future, fresh=whole)


def _refuse_overflow(request: Request, arrays: list[Floats], names: list[Any]) -> None:
    """Refuse an answer that is NaN or infinite, as with errors of past forecasts out of a made-up file."""
    for key, labels, values in zip(request.keys, request.labels, arrays, strict=True):
        if are_forecasts(values):
            continue
        step, column = np.argwhere(~(np.abs(values) <= LARGEST_FORECAST))[0]
        raise ValueError(
            Refusal(
                f"is {values[step, column]:.3g} at {labels[step]}",
                where=f"the forecast {names[column]!r}" + ("" if key is None else f" of series {key!r}"),
                expected="a finite number",
                advice="Fit the model again: its weights, or the errors that it remembers, do not fit these values.",
            )
        )


def columns_of(targets: list[Any], ends: Sequence[str]) -> list[Any]:
    """Names of columns, target by target; a target's own name where an end is empty."""
    names = [f"{target}{end}" if end else target for target in targets for end in ends]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            Refusal(
                f"two columns of the answer would be called {twice!r}: the targets are {targets}",
                advice="Expected other names of targets, and numbers that differ within six digits.",
            )
        )
    return names


def _read_by(state: FittedState, whole: Rows) -> Rows:
    """The rows of a history that a forecast reads.

    Transform and floor of a series that was not there in fit are learnt from all its rows.
    """
    learnt = state.learns_of_series or state.holds_unseen(whole.keys) or state.carries
    return whole if learnt else whole.tail(state.needed)


def _rows_or_steps(X: FrameLike, n: int | None) -> tuple[Any, int | None]:
    """Future rows or a number of steps, at most one of them."""
    number = isinstance(X, (Integral, np.integer)) and not isinstance(X, (bool, np.bool_))
    if number and n is None:
        X, n = None, X
    wanted = "the future rows (a frame, as model.future_frame() gives it), or a number of steps"
    if isinstance(X, (str, datetime.date, np.datetime64)):
        steps = Fix(f"n={int(X)}", "") if isinstance(X, str) and X.strip().isdecimal() else None
        raise TypeError(Refusal(f"is {X!r}", where="X", expected=wanted, fix=steps))
    if isinstance(X, (float, list, tuple)):
        numbers = [X] if isinstance(X, float) else X
        shares = len(numbers) > 0 and all(isinstance(number, float) and 0 < number < 1 for number in numbers)
        raise TypeError(
            Refusal(
                f"is {X!r}" if len(numbers) < 5 else f"is a {type(X).__name__} of {len(numbers)} values",
                where="X",
                expected=wanted,
                advice="Pass coverages by name: predict_interval(coverage=0.8)." if shares else "",
            )
        )
    if isinstance(X, (pd.DatetimeIndex, pd.PeriodIndex)):
        raise TypeError(
            Refusal(
                f"is a {type(X).__name__} of {len(X)} labels",
                where="X",
                expected="a frame with them as its index",
                fix=Fix("X = pd.DataFrame(index=X)", ""),
            )
        )
    if X is not None and n is not None:
        raise ValueError(Refusal("both X and n are given", expected="the future rows, or a number of steps"))
    if n is None:
        return X, None
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, Integral) or n < 1:
        raise ValueError(Refusal(f"is {n!r}", where="n", expected="a whole number of steps, 1 or more"))
    return None, int(n)
