"""The model card of a SeriesForecaster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._files import as_json
from .._preparation import kind_of

if TYPE_CHECKING:
    from .forecaster import SeriesForecaster
    from .report import ModelReport
    from .state import FittedState

__all__ = ["card_parts"]

_SHOWN = 5  # names of series


def card_parts(model: SeriesForecaster) -> dict[str, Any]:
    """The forecaster's part of the model card.

    Parameters
    ----------
    model : SeriesForecaster
        Fitted.

    Returns
    -------
    dict
    """
    state = model._state
    regressor = state.regressor
    own = getattr(regressor, "card_", None) or {}  # of a network
    return {
        "model": {
            "class": type(model).__name__,
            "lookback": state.preparation.lookback,
            "horizon": state.preparation.horizon,
            "regressor": own.get("model", {"class": kind_of(regressor)}),
            "members": _weights(model),
        },
        "data": _data_part(state),
        "training": {"n_windows": state.n_windows, **own.get("training", {})},
        "validation": _validation_part(state.report),
        "seed": as_json(getattr(regressor, "random_state", None)),
    }


def _weights(model: SeriesForecaster) -> dict[str, float] | None:
    """The shares of the members in the mean; None of other models, and of models of version 0.1.0."""
    members = getattr(model, "recipe_", {}).get("members")
    if members is None:
        return None
    total = sum(one.get("weight", 1) for one in members.values())
    return {name: one.get("weight", 1) / total for name, one in members.items()}


def _data_part(state: FittedState) -> dict[str, Any]:
    axis, roles, keys = state.axis, state.roles, state.tail.keys
    several = roles.series is not None
    return {
        "start": as_json(getattr(state.span, "start", None)),  # None: a pickle of a version that kept no span
        "end": as_json(getattr(state.span, "end", None)),
        "n_rows": getattr(state.span, "n_rows", None),
        "known_until": as_json(_known_until(state)),
        "index": axis.kind,
        "freq": as_json(axis.freq),
        "season": axis.season_length,
        "zone": None if axis.tz is None else str(axis.tz),
        "n_series": state.n_series or len(keys),
        "series": as_json(keys[:_SHOWN]) if several else None,
        "columns": {
            "target": as_json(roles.target),
            "past_covariates": as_json(roles.past),
            "future_covariates": as_json(roles.future),
            "static_covariates": as_json(roles.static),
            "calendar": as_json(state.preparation.calendar),
            "series": as_json(roles.series),
            "time": as_json(roles.time),
        },
        "missing": "masked" if state.preparation.masked else "none",
    }


def _known_until(state: FittedState) -> Any:
    """The newest stamp; of a fit on blocks, that of all series and not of those of its sample."""
    if state.n_series is not None and state.span is not None:
        return state.span.end
    return max(state.tail.last_labels.values())


def _validation_part(report: ModelReport) -> dict[str, Any]:
    """One fold: the newest windows, as `report_` has them."""
    table = report.table
    return {
        "folds": 0 if table is None else 1,
        "n_windows": report.n_windows,
        "chose_epoch": report.chose_epoch,
        "skill": as_json(report.skill),
        "scores": None if table is None else {name: as_json(dict(row)) for name, row in table.iterrows()},
        "notes": as_json(report.notes),
    }
