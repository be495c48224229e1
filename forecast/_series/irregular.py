"""gaps="irregular": arguments that need equal steps are refused."""

from .._windows import Norm, at_every_step
from .parameters import is_chosen, member_settings, settings_of

__all__ = ["refuse_regular"]


def refuse_regular(model):
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
            "gaps='irregular' is for a regressor, and none is given: a recipe looks for seasons, which rows at any "
            "times do not count. Fix: SeriesForecaster(RNNForecaster(cell='gru_decay', decoder='steps'), "
            "gaps='irregular')."
        )
    given = [settings_of(model)] if model.members is None else [one for one, _ in member_settings(model).values()]
    for settings in given:
        if settings.lookback == 0:
            raise ValueError(
                "lookback=0 with gaps='irregular': times are counted from the newest row of a window, and it has none; "
                "expected 1 or more. Fix: lookback=48."
            )
        if at_every_step(settings.regressor):
            raise ValueError(
                f"{type(settings.regressor).__name__} with return_sequences or stateful and gaps='irregular': times "
                "are counted from the newest row of a window, which the steps before it do not know. Fix: "
                "RNNForecaster(cell='gru_decay', decoder='steps')."
            )
        if Norm.of(settings.window_norm, settings.lookback).kind == "season":
            raise ValueError(
                f"window_norm={settings.window_norm!r} with gaps='irregular': a number of rows is not a season. Fix: "
                "window_norm='mean'."
            )
