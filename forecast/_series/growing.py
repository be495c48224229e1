"""A fitted state with later rows appended: nothing is learned from them, forecasts only continue after them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._frames import Ends, Layout, refuse_retyped
from .._refusals import Fix, Refusal

if TYPE_CHECKING:
    import pandas as pd

    from .._frames import Rules
    from .._network import Carried
    from .._preparation import Rows
    from .state import FittedState

__all__ = ["JUDGED", "behind", "ends_of", "grown", "kept_rows", "read_later", "room_for"]

_KEPT = 20_000  # rows over all series that are kept to train on again
JUDGED = 500  # of the rows since the fit: the newest ones from which errors are looked at


def kept_rows(rows: Rows, needed: int, whole: Collection[Any] = ()) -> Rows | None:
    """The rows that a fitted model keeps in addition to those that a forecast can need; None if there are none.

    Parameters
    ----------
    rows : Rows
    needed : int
        Rows that a forecast can need of each series.
    whole : collection of keys, default=()
        Series of which all rows are kept.

    Returns
    -------
    Rows or None
    """
    room = room_for(rows.n_series)
    return None if room <= needed and rows.made_up is None else rows.newest(max(room, needed), whole)


def room_for(n_series: int) -> int:
    """Rows of each series that are kept to train on again, if a forecast needs no more.

    Parameters
    ----------
    n_series : int

    Returns
    -------
    int
    """
    return _KEPT // n_series


def ends_of(state: FittedState, new: str, verb: str = "update") -> Ends:
    """The ends of the known rows, for reading later ones.

    Parameters
    ----------
    state : FittedState
    new : str
        Name of the frame of later rows, as the user's call has it.
    verb : str, default="update"
        The method that they are given to.

    Returns
    -------
    Ends
    """
    tail, last = state.tail, state.tail.ends
    fill = "mask" if state.preparation.masked else "interpolate"
    return Ends(
        tail.keys, tail.index[last], tail.targets[last], tail.past[last], tail.future[last],
        Fix(f"model.{verb}({new}, overlap='skip')", "--overlap skip"),
        Fix(f"model.set_params(gaps={fill!r}).{verb}({new})", f"--gaps {fill}"),
    )  # fmt: skip


def read_later(
    state: FittedState,
    rules: Rules,
    frame: pd.DataFrame,
    overlap: Literal["error", "skip"],
    what: str = "new_rows",
    verb: str = "update",
) -> Rows | None:
    """Rows that follow those that a model knows.

    Parameters
    ----------
    state : FittedState
    rules : Rules
    frame : pandas.DataFrame
    overlap : {"error", "skip"}
    what : str, default="new_rows"
    verb : str, default="update"
        As in `ends_of`.

    Returns
    -------
    Rows or None
        None: all of them are known already, and `overlap` is "skip".

    Raises
    ------
    TypeError, ValueError
        They do not follow, or are not as those of the fit.
    """
    ends = ends_of(state, what, verb)
    if overlap == "skip":
        frame = ends.newer(frame, state.roles, state.axis, what)
        if not len(frame):
            return None
    later = state.read(frame, rules, what, ends)
    known = set(state.tail.keys)
    new = [key for key in later.keys if key not in known]
    refuse_retyped(new, known, Layout.of(frame, state.roles, what), what)
    _refuse_other_static(state, later, what)
    return later


def _refuse_other_static(state: FittedState, later: Rows, what: str) -> None:
    number = {key: position for position, key in enumerate(state.tail.keys)}
    for position, key in enumerate(later.keys):
        if key not in number:
            continue
        before, now = state.tail.static[number[key]], later.static[position]
        different = np.flatnonzero(before.astype(now.dtype) != now)
        if len(different):
            column = state.schema.static_names[different[0]]
            raise ValueError(
                Refusal(
                    f"series {key!r}: {what} has other static covariates than the fitted rows",
                    got=f"{column!r} was {before[different[0]]:g} and is {now[different[0]]:g}",
                    expected="the same in all rows of a series",
                )
            )


def grown(state: FittedState, later: Rows, carried: dict[Any, Carried] | None = None) -> FittedState:
    """The state with later rows appended.

    Parameters
    ----------
    state : FittedState
    later : Rows
        Behind the end of each series, and rows of series that were not there.
    carried : dict of key to Carried, default=None
        The states after them; None: not computed yet.

    Returns
    -------
    FittedState
    """
    tail, kept = state.tail.grown(later), state.rows.grown(later)
    whole = state.unlearnt(tail.keys)
    if state.carries and carried is None:
        before = {key: states for key, states in (state.tail.carried or {}).items() if key not in whole}
        lengths = dict(zip(later.keys, np.diff(later.starts).tolist(), strict=True))
        member = state.knowing(tail).parts[0][0]
        carried = member.gone_on(tail, lengths, before)
    tail = replace(tail, carried=carried)
    judged = state.needed + state.horizon + JUDGED
    return replace(
        state,
        tail=tail.tail(state.needed, whole),
        kept=kept.newest(max(_KEPT // kept.n_series, judged), whole),
        trained=state.trained_until,
        since=None,
    )


def behind(before: FittedState, state: FittedState, later: Rows) -> dict[Any, Any]:
    """Series that end before the others and should not: they had rows since the fit, or ended with the newest.

    Parameters
    ----------
    before : FittedState
        State before the update.
    state : FittedState
    later : Rows
        The new rows.

    Returns
    -------
    dict of key to label
        The last label of each; empty if rows are at any times.
    """
    if state.axis.irregular:  # no two series end at the same instant
        return {}
    ends, trained = state.tail.last_labels, before.trained_until
    newest, fitted = max(ends.values()), max(trained.values())
    counted = state.axis.kind == "integer"  # labels of series may count their own rows
    return {
        key: end
        for key, end in ends.items()
        if end < newest and not (end == trained.get(key) and end < fitted) and not (counted and key in later.keys)
    }
