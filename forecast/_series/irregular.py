"""gaps="irregular": arguments that need equal steps are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._refusals import Fix, Refusal, argument, joined
from .._windows import Norm, at_every_step
from .parameters import is_chosen, member_settings, settings_of

if TYPE_CHECKING:
    from .forecaster import SeriesForecaster

__all__ = ["refuse_regular"]

IRREGULAR = argument("gaps", "irregular")
DECAY = Fix("RNNForecaster(cell='gru_decay', decoder='steps')", "--cell gru_decay --set decoder=steps")


def refuse_regular(model: SeriesForecaster) -> None:
    """Refuse arguments that need rows at equal steps.

    Parameters
    ----------
    model : SeriesForecaster
        Model with rows at any times.

    Raises
    ------
    ValueError
    """
    if is_chosen(model):
        raise ValueError(
            Refusal(
                "is for a regressor, and none is given",
                where=IRREGULAR,
                got="a recipe looks for seasons, which rows at any times do not count",
                fix=Fix(
                    "SeriesForecaster(RNNForecaster(cell='gru_decay', decoder='steps'), gaps='irregular')",
                    DECAY.command,
                ),
            )
        )
    given = [settings_of(model)] if model.members is None else [one for one, _ in member_settings(model).values()]
    for settings in given:
        if settings.lookback == 0:
            raise ValueError(
                Refusal(
                    joined(argument("lookback", 0), " with ", IRREGULAR),
                    got="times are counted from the newest row of a window, and it has none",
                    expected="1 or more",
                    fix=argument("lookback", 48),
                )
            )
        if at_every_step(settings.regressor):
            raise ValueError(
                Refusal(
                    joined(f"{type(settings.regressor).__name__} with return_sequences or stateful and ", IRREGULAR),
                    got="times are counted from the newest row of a window, which the steps before it do not know",
                    fix=DECAY,
                )
            )
        if Norm.of(settings.window_norm, settings.lookback).kind == "season":
            raise ValueError(
                Refusal(
                    joined(f"window_norm={settings.window_norm!r} with ", IRREGULAR),
                    got="a number of rows is not a season",
                    fix=argument("window_norm", "mean"),
                )
            )
