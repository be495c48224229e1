"""lookback=0: forecasts only from static covariates, known future and calendar; refusals of what needs a past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._preparation import accepts_windows
from .._refusals import Refusal, argument
from ..preprocessing import Log, Log1p, make_transform

if TYPE_CHECKING:
    from .._frames import Roles
    from .._preparation import Settings
    from .forecaster import SeriesForecaster

__all__ = ["refuse_unfounded"]

_FIXED = (Log, Log1p)  # transforms that learn nothing of a series


def refuse_unfounded(model: SeriesForecaster, settings: list[Settings], roles: Roles, period: int) -> None:
    """Refuse arguments that need a past if there is none, and forecasts without any input.

    Parameters
    ----------
    model : SeriesForecaster
    settings : list of Settings
        Settings of its regressor, or of its members.
    roles : Roles
    period : int
        Period of the axis.

    Raises
    ------
    ValueError
    """
    blind = [one for one in settings if one.lookback == 0]
    if not blind:
        return
    if len(blind) < len(settings):
        raise ValueError(
            Refusal(
                "lookback=0 is given for some members and not for others",
                expected=(
                    "it for all of them: with it they forecast series without a history too, and the others cannot"
                ),
            )
        )
    if roles.past:
        raise ValueError(
            Refusal(
                "nothing of the past is read with lookback=0",
                where=f"past_covariates={roles.past}:",
                advice="Leave them out, or give those that are known ahead as future_covariates.",
            )
        )
    for one in blind:
        _refuse_of_past(one, period)
        if not (roles.static or roles.future or one.calendar):
            raise ValueError(
                Refusal(
                    where="lookback=0 leaves nothing to forecast from",
                    expected=(
                        "static_covariates (or static=table in fit), future_covariates or calendar, or a lookback of "
                        "1 or more"
                    ),
                )
            )


def _refuse_of_past(one: Settings, period: int) -> None:
    regressor = one.regressor
    if accepts_windows(regressor) and getattr(regressor, "encoder", None) != "dense":
        name = type(regressor).__name__
        if hasattr(regressor, "encoder"):
            name = f"{name} with encoder={regressor.encoder!r}"
        raise ValueError(
            Refusal(
                f"{name} reads the past of a series",
                where="lookback=0:",
                advice=(
                    "Set a lookback of 1 or more; or use RNNForecaster(encoder='dense', decoder='recurrent'), or a "
                    "regressor of scikit-learn."
                ),
            )
        )
    if one.window_norm is not None:
        raise ValueError(
            Refusal(
                f"window_norm={one.window_norm!r} is taken from the past of a window, and lookback=0 leaves none",
                fix=argument("window_norm", None),
            )
        )
    if one.level:
        none = "level=True is a channel of the past, and lookback=0 leaves none"
        raise ValueError(Refusal(none, fix=argument("level", False)))
    if one.transform is not None:
        steps = make_transform(one.transform, period=period).steps
        learnt = [step for step in steps if not isinstance(step, _FIXED)]
        if learnt:
            raise ValueError(
                Refusal(
                    f"transform={one.transform!r} is learned from the past of each series, and lookback=0 is for "
                    "series without one",
                    expected="None, 'log' or 'log1p'",
                    fix=argument("transform", None),
                )
            )
