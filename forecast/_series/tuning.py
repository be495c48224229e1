"""Fine-tuning: training of a fitted state's networks continued on some series, and evaluated on their newest rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._frames import frame_named
from .._preparation import Task, goes_on_from_weights, kind_of, trained_on, with_parameters
from .._refusals import Fix, Refusal, Words, joined
from .growing import kept_rows
from .report import ModelReport
from .span import Span
from .verdict import verdict_of_origins

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._preparation import Member, Rows, RowWeights
    from .calibration import Calibration
    from .state import FittedState

__all__ = ["fine_tuned"]

_RATE = 0.1  # of the learning rate of a fit
_FEW = 40  # errors of each step, which a coverage of 0.95 needs
_NOTE = "fine-tuned, from a model that may have seen the validation rows"


def fine_tuned(
    state: FittedState,
    rows: Rows,
    steps: dict[str, int],
    changes: dict[str, Any],
    weights: RowWeights | None = None,
    fraction: float | None = 0.1,
    regressors: dict[str, Any] | None = None,
) -> FittedState:
    """A state with other rows, after continued training of its networks on them.

    Parameters
    ----------
    state : FittedState
        It is not changed.
    rows : Rows
        Rows of series that the state knows or does not know.
    steps : dict of str to int
        Rows from one training window to the next, of each member; "regressor" of one alone.
    changes : dict
        Parameters of the networks for this training, where they are not by default.
    weights : RowWeights, default=None
    fraction : float, default=0.1
        Share of the rows of a series to judge on; None: nothing is judged.
    regressors : dict of str to estimator, default=None
        The user's regressors, whose parameters apply from now on; None: those of the fit.

    Returns
    -------
    FittedState

    Raises
    ------
    ValueError
        There is no network among the members, or no window to train on.
    """
    members = {"regressor": state.parts[0][0]} if state.members is None else state.members
    now = regressors or {}
    if not any(goes_on_from_weights(member.regressor) for member in members.values()):
        kinds = " and ".join(dict.fromkeys(kind_of(member.regressor) for member in members.values()))
        raise ValueError(
            Refusal(
                f"fine_tune trains networks on from their weights, and the regressor of this model is {kinds}",
                expected="an RNNForecaster among its regressors",
                fix=Fix("sklearn.base.clone(model).fit(X)", ""),
            )
        )

    def tuned(some: Any) -> dict[str, Member]:
        given = some, weights, changes
        return {
            name: _tuned(member, now.get(name), steps[name], state.axis, *given) for name, member in members.items()
        }

    report, calibration = _verdict(state, rows, tuned, fraction)
    if state.calibration is not None and (calibration is None or len(calibration.residuals) < _FEW):
        calibration = state.calibration
    final = tuned(rows)
    lead = next(iter(final.values()))
    tuned_state = replace(
        state,
        regressor=lead.regressor,
        preparation=lead.preparation,
        spread=lead.spread if state.members is None else None,
        n_windows=lead.n_windows,
        members=None if state.members is None else final,
        tail=rows.tail(state.needed),
        kept=kept_rows(rows, state.needed),
        trained=None,
        since=None,
        span=Span.of(rows.index, rows.starts),
        report=report,
        calibration=calibration,
    )
    return tuned_state.standing(rows)


def _tuned(
    member: Member,
    regressor: Any,
    step: int,
    axis: TimeAxis,
    rows: Rows,
    weights: RowWeights | None,
    changes: dict[str, Any],
) -> Member:
    """A network trained on; any other member as it is, with what has to be learnt of new series."""
    known = member.knowing(rows)
    if not goes_on_from_weights(member.regressor):
        return known
    known = with_parameters(known, regressor)
    preparation, longest = known.preparation, int(np.diff(rows.starts).max())
    least = preparation.n_lost + preparation.lookback + preparation.horizon
    if longest < least:
        raise ValueError(
            Refusal(
                joined("the longest series of ", frame_named("X"), f" has {longest} rows"),
                expected=f"at least {least}, lookback={preparation.lookback} and horizon={preparation.horizon} in one",
                advice=Words(
                    "Without training, a shorter one is forecast by predict(history=X).",
                    "Without training, a shorter one is forecast by forecast predict.",
                ),
            )
        )
    slower = {"learning_rate": _RATE * known.regressor.learning_rate}
    return trained_on(known, step, axis, rows, weights, changes=slower | changes)


def _verdict(
    state: FittedState, rows: Rows, tuned: Any, fraction: float | None
) -> tuple[ModelReport, Calibration | None]:
    """Errors on the newest rows, of copies that were tuned on those before them."""
    from .._recipe.validation import judged_rows, origins_behind, validation_ends

    nothing = ModelReport(None, np.nan, 0, False, [_NOTE]), None
    ends = None if fraction is None else validation_ends(rows, state.axis, state.horizon, fraction)
    if ends is None:
        return nothing
    judged, ends = judged_rows(rows, ends, state.horizon)
    try:
        members = tuned(judged.until(ends))
    except ValueError:  # enough rows to learn from, but not without those that would judge
        return nothing
    origins = origins_behind(judged, ends, state.horizon, state.least_history)
    if not len(origins):
        return nothing
    copies = list(members.values())
    shares = [1.0] if state.members is None else [(state.weights or {})[name] for name in members]
    forecasts = sum(share * member.forecast(judged, origins.rows) for share, member in zip(shares, copies, strict=True))
    preparation = state.preparation
    task = Task(
        state.horizon, state.axis, list(state.roles.target), state.schema.past_names, state.schema.future_names,
        preparation.masked, state.schema.static_names, state.schema.levels,
    )  # fmt: skip
    name = kind_of(copies[0].regressor) if state.members is None else "members"
    report, calibration = verdict_of_origins(task, judged, origins, forecasts, name, copies)
    return replace(report, notes=[*report.notes, _NOTE]), calibration
