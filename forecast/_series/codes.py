"""Codes for missing values, such as -9999, in new rows of a fitted forecaster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._frames import note_later_sentinels
from .._preparation import Rows
from .._types import Floats

if TYPE_CHECKING:
    from .state import FittedState
    from .verbs.requests import Request

__all__ = ["note_codes", "note_future_codes"]


def note_codes(state: FittedState, rows: Rows, what: str, stacklevel: int) -> None:
    """Warn of codes in rows that came after the fit, next to the rows that the model keeps.

    Parameters
    ----------
    state : FittedState
    rows : Rows
    what : str
        Their name.
    stacklevel : int
        Stacklevel of the caller.
    """
    names, known = (state.roles.target, state.schema.past_names, state.schema.future_names), state.rows
    tables = zip(("target", "past", "future"), names, _tables(rows), _tables(known), strict=True)
    note_later_sentinels(what, rows, _columns(tables), stacklevel + 1)


def note_future_codes(state: FittedState, request: Request, stacklevel: int) -> None:
    """Warn of codes in the future covariates of a request, as `note_codes` does."""
    lengths, none = list(map(len, request.future)), np.zeros((0, 0))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    labels = request.labels[0].append(list(request.labels[1:]))
    future = np.concatenate(request.future)
    rows = Rows(request.keys, starts, labels, none, none, future, none)
    columns = _columns([("future", state.schema.future_names, future, state.rows.future)])
    note_later_sentinels("X", rows, columns, stacklevel + 1)


def _tables(rows: Rows) -> tuple[Floats, Floats, Floats]:
    return rows.targets, rows.past, rows.future


def _columns(tables: Iterable[tuple[str, Any, Any, Any]]) -> list[tuple[str, Any, Floats, Floats]]:
    return [
        (role, label, new, old)
        for role, names, given, known in tables
        for label, new, old in zip(names, given.T, known.T, strict=True)
    ]
