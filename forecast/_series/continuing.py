"""Continued training of a fitted state on old and new rows."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._preparation import SHARE, goes_on_from_weights, trained_on, with_parameters
from .._refusals import Fix, Refusal, Words
from .calibration import ticks
from .errors import errors_since
from .growing import JUDGED
from .parameters import is_chosen, member_settings, settings_of
from .span import Span

if TYPE_CHECKING:
    from .._preparation import Rows, RowWeights
    from .calibration import Calibration
    from .forecaster import SeriesForecaster
    from .state import FittedState

__all__ = ["OldRowsWarning", "continued", "joined", "regressors_now", "with_members_trained_on"]


class OldRowsWarning(UserWarning):
    """A regressor that cannot continue from its last fit was fitted again without the oldest rows.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from forecast import SeriesForecaster
    >>> rows = pd.DataFrame({"y": np.sin(np.arange(30_001.0))})
    >>> model = SeriesForecaster(Ridge(), lookback=4, horizon=1, validation_fraction=None).fit(rows[:30_000])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = model.update(rows[30_000:], refit="continue")
    >>> caught[0].category.__name__, model.n_windows_
    ('OldRowsWarning', 19996)
    """


def joined(state: FittedState, old: Rows) -> Rows:
    """Old rows from the user, followed by the later rows of the state.

    Parameters
    ----------
    state : FittedState
    old : Rows

    Returns
    -------
    Rows

    Raises
    ------
    ValueError
        There is a gap between them, or a series that the model does not know.
    """
    rows = state.rows
    number = {key: position for position, key in enumerate(rows.keys)}
    later = []
    for key, label in old.last_labels.items():
        name = "history" if key is None else f"history, series {key!r},"
        if key not in number:
            raise ValueError(
                Refusal("is of no series that the model knows", where=name, expected="only series of the model")
            )
        first, end = (int(bound) for bound in rows.starts[number[key] : number[key] + 2])
        begin = first + int(rows.index[first:end].searchsorted(label, side="right"))
        follows = state.axis.irregular or rows.index[first] == state.axis.after(label, 1)[0]
        if begin == first and not follows:
            raise ValueError(
                Refusal(
                    f"ends at {label}, and the rows that the model keeps begin at {rows.index[first]}",
                    where=name,
                    expected="old rows that reach to these",
                )
            )
        later.append((number[key], begin, end))
    later += [(n, int(rows.starts[n]), int(rows.starts[n + 1])) for key, n in number.items() if key not in old.keys]
    return old.grown(rows.parts([part for part in later if part[1] < part[2]]))


def continued(
    state: FittedState,
    steps: dict[str, int],
    old: Rows | None = None,
    weights: RowWeights | None = None,
    regressors: dict[str, Any] | None = None,
    stacklevel: int = 2,
) -> FittedState:
    """The state after continued training of its regressors.

    Parameters
    ----------
    state : FittedState
        State with the new rows.
    steps : dict of str to int
        Rows from one training window to the next, of each member; "regressor" of one alone.
    old : Rows, default=None
        Older rows; None: those that the state keeps.
    weights : RowWeights, default=None
    regressors : dict of str to estimator, default=None
        The user's regressors, whose parameters apply from now on; None: those of the fit.
    stacklevel : int, default=2
        Stacklevel of the warning.

    Returns
    -------
    FittedState
        Errors of the forecasts made since the last training are behind those that intervals rest on. The report says
        that its errors are of the fit.
    """
    rows = state.rows if old is None else joined(state, old)
    parts = {"regressor": state.parts[0][0]} if state.members is None else state.members
    if old is None and not all(goes_on_from_weights(member.regressor) for member in parts.values()):
        _tell_missing(state, rows, stacklevel + 1)
    trained = with_members_trained_on(state, steps, rows, weights, regressors=regressors).standing(rows)
    return replace(
        trained,
        calibration=_with_errors(state),
        report=state.report.trained_on(max(rows.last_labels.values())),
        span=Span.of(rows.index, rows.starts),
        trained=None,
    )


def with_members_trained_on(
    state: FittedState,
    steps: dict[str, int],
    rows: Rows,
    weights: RowWeights | None = None,
    share: float = SHARE,
    regressors: dict[str, Any] | None = None,
) -> FittedState:
    """The state after continued training; its rows and the errors behind its intervals stay.

    Parameters
    ----------
    state : FittedState
    steps : dict of str to int
        As in `continued`.
    rows : Rows
        Old and new ones.
    weights : RowWeights, default=None
    share : float, default=0.2
        Share of the epochs and optimiser steps that a fit of a network may have.
    regressors : dict of str to estimator, default=None
        As in `continued`.

    Returns
    -------
    FittedState
    """
    now = regressors or {}
    parts = {"regressor": state.parts[0][0]} if state.members is None else state.members
    members = {
        name: trained_on(with_parameters(member, now.get(name)), steps[name], state.axis, rows, weights, share)
        for name, member in parts.items()
    }
    lead = next(iter(members.values()))
    return replace(
        state,
        regressor=lead.regressor,
        preparation=lead.preparation,
        n_windows=lead.n_windows,
        members=None if state.members is None else members,
        since=None,
    )


def _tell_missing(state: FittedState, rows: Rows, stacklevel: int) -> None:
    trained = state.trained_until
    kept = sum(
        int(rows.index[first:end].searchsorted(trained[key], side="right"))
        for key, first, end in zip(rows.keys, rows.starts[:-1], rows.starts[1:], strict=True)
        if key in trained
    )
    before = None if state.span is None else state.span.n_rows
    if before is not None and kept >= before:
        return
    of = "more" if before is None else f"{before:,}"
    text = (
        f"the model keeps {kept:,} of the {of} rows that it was trained on; a regressor that cannot go on from what it "
        "has learnt is fitted again on these and the new ones."
    )
    warnings.warn(
        Words(f"{text} To use all: update(..., history=all old rows).", f"{text} To use all: --history FILE."),
        OldRowsWarning, stacklevel=stacklevel + 1,
    )  # fmt: skip


def _with_errors(state: FittedState) -> Calibration | None:
    """The errors that intervals rest on, and behind them those of forecasts since the last training."""
    calibration = state.calibration
    if calibration is None or state.trained is None:
        return calibration
    found = errors_since(state, state.rows, state.trained, JUDGED)
    if found is None:
        return calibration
    times = ticks(found.labels)
    order = np.argsort(times, kind="stable")
    return calibration.followed_by(found.relative[order], [found.series[at] for at in order], times[order])


def regressors_now(model: SeriesForecaster) -> dict[str, Any]:
    """The regressors of a fitted model with the parameters that they have now.

    Parameters
    ----------
    model : SeriesForecaster

    Returns
    -------
    dict of str to estimator
        By the name of the member, "regressor" for one alone; empty after a recipe.

    Raises
    ------
    ValueError
        The members are other ones than in `fit`.
    """
    if is_chosen(model) and model.recipe_["regressor"] is None:
        return {}
    names = ["regressor"] if model._state.members is None else list(model._state.members)
    now = {}
    if model.members is not None:
        now = {name: settings.regressor for name, (settings, _) in member_settings(model).items()}
    elif model.regressor is not None:
        now = {"regressor": settings_of(model).regressor}
    if len(now) == len(names) == 1:
        return dict(zip(names, now.values(), strict=True))
    if set(now) != set(names):
        raise ValueError(
            Refusal(
                f"the regressors are {list(now) or 'left to a recipe'}, but the continued fit had {names}",
                expected="the same",
                fix=Fix("model.fit(X)", ""),
            )
        )
    return now
