"""The user's column and the row that each value of a window comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..preprocessing import calendar_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .._frames import Encoding
    from .._preparation import Preparation
    from .._series.state import FittedState
    from .._types import Booleans, Integers
    from .._windows import Windows

__all__ = ["Places", "columns_of", "places_of"]


@dataclass(frozen=True)
class Places:
    """Of each value of a window.

    Attributes
    ----------
    column : ndarray of int of shape (inputs,)
        Number of the user's column; -1 of a value that is held: a code, a mask of missing values.
    lag : ndarray of int of shape (inputs,)
        Rows back from the newest: 0 is the newest, -1 the first step of the horizon.
    static : ndarray of bool of shape (inputs,)
        It belongs to no row.
    calendar : ndarray of int of shape (inputs,)
        Number of the calendar feature, -1 for none.
    codes : list of int
        Columns of the user that are held because they are codes.
    """

    column: Integers
    lag: Integers
    static: Booleans
    calendar: Integers
    codes: list[Any]


def columns_of(state: FittedState) -> list[Any]:
    """The user's columns that forecasts read: targets, covariates, calendar features, static covariates.

    Parameters
    ----------
    state : FittedState

    Returns
    -------
    list of labels
    """
    roles = state.roles
    found = [*roles.target, *roles.past, *roles.future, *roles.static]
    calendar = [name for member, _ in state.parts for name in member.preparation.calendar]
    known = [_calendar_label(name, state) for name in dict.fromkeys(calendar)]
    return [*found[: len(found) - len(roles.static)], *known, *roles.static]


def _calendar_label(name: str, state: FittedState) -> Any:
    roles = state.roles
    taken = {*roles.target, *roles.past, *roles.future, *roles.static}
    return f"calendar {name}" if name in taken else name


def places_of(state: FittedState, preparation: Preparation, windows: Windows, target: int | None) -> Places:
    """Where the values of a member's windows come from.

    Parameters
    ----------
    state : FittedState
    preparation : Preparation
        Preparation of the member.
    windows : Windows
    target : int or None
        The only target that the member reads; None: all of them.

    Returns
    -------
    Places
    """
    number = {label: place for place, label in enumerate(columns_of(state))}

    def of(encodings: Sequence[Encoding]) -> list[int]:
        return [number[one.label] for one in encodings for _ in one.names]

    own = [number[state.roles.target[target]]] if target is not None else list(range(len(state.roles.target)))
    past, ahead, still = (of(getattr(state.schema, role)) for role in ("past", "future", "static"))
    calendar = []
    for name in preparation.calendar:
        names = calendar_features(windows.index[:1], [name])[1]
        calendar += [number[_calendar_label(name, state)]] * len(names)
    times = [-1] * preparation.irregular  # of rows at any times: known ahead, and in the past with that since the last
    since = [-1] * (preparation.irregular or preparation.decays)
    held = [-1] * (len(own) + len(past)) if preparation.masked else []
    level = own if preparation.level else []
    channels: Integers = np.array([*own, *past, *ahead, *calendar, *times, *since, *held, *level], dtype=np.intp)
    which = np.full(len(channels), -1)
    first = len(own) + len(past) + len(ahead)
    which[first : first + len(calendar)] = np.arange(len(calendar))
    known: Integers = np.array([*ahead, *calendar, *times], dtype=np.intp)
    known_which = np.array([-1] * len(ahead) + list(range(len(calendar))) + times, dtype=np.intp)
    channels, known, static, codes = _without_codes(windows.levels, channels, known, np.array(still, dtype=np.intp))
    steps, horizon = windows.lookback, windows.horizon if len(known) else 0
    lag = np.concatenate([
        np.repeat(np.arange(steps)[::-1], len(channels)), np.repeat(-1 - np.arange(horizon), len(known)),
        np.zeros(len(static), dtype=np.intp),
    ])  # fmt: skip
    return Places(
        np.concatenate([np.tile(channels, steps), np.tile(known, horizon), static]),
        lag,
        np.arange(len(lag)) >= len(lag) - len(static),
        np.concatenate([np.tile(which, steps), np.tile(known_which, horizon), np.full(len(static), -1)]),
        codes,
    )


def _without_codes(
    levels: dict[str, Any] | None, channels: Integers, known: Integers, static: Integers
) -> tuple[Integers, Integers, Integers, list[Any]]:
    """Numbers of columns with -1 where a column holds codes, and which columns do."""
    found: set[Any] = set()
    out: list[Integers] = []
    for role, columns in (("past", channels), ("future", known), ("static", static)):
        levels_of = np.array((levels or {}).get(role) or [0] * len(columns), dtype=np.intp)
        found |= set(columns[levels_of > 0].tolist())
        out.append(np.where(levels_of > 0, -1, columns))
    return out[0], out[1], out[2], sorted(found - {-1})
