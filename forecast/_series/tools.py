"""Tools of scikit-learn that are meaningless with a forecaster: refused by name.

A forecast comes from the rows before the ones that are asked for, and of these only future covariates are read. A tool
that shuffles or sets any other column of them finds that nothing depends on it; one that shuffles rows has no series
left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._refusals import Fix, Refusal
from .._types import FrameLike
from .callers import Caller

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["refuse_arrays", "refuse_shuffled_columns", "refuse_shuffled_rows"]

_INSPECTION = "sklearn.inspection"
_OF_ROWS = {  # what it does, advice, fix
    "learning_curve": (
        "trains on the first rows of each fold, and the rows that it tests do not follow them",
        (
            "For each size n: cross_val_score(model, X, y, cv=RollingOrigin(n_splits=5, horizon={horizon}, "
            "max_train_size=n))."
        ),
        None,
    ),
    "permutation_test_score": (
        "shuffles the target, which leaves no series to forecast",
        "The summary of a backtest has the skill over naive forecasts.",
        "backtest(model, df, RollingOrigin(n_splits=5, horizon={horizon}))",
    ),
}


def refuse_shuffled_rows(horizon: int) -> None:
    """Refuse a fit that a tool asks for on rows in another order, or that no test rows follow.

    Parameters
    ----------
    horizon : int
        Horizon for the message.

    Raises
    ------
    ValueError
    """
    for frame in Caller().frames():
        name = frame.f_code.co_name.lstrip("_")
        if name in _OF_ROWS and frame.f_globals.get("__name__", "").startswith("sklearn.model_selection"):
            what, advice, fix = _OF_ROWS[name]
            fix = None if fix is None else Fix(fix.format(horizon=horizon), "")
            advice = advice.format(horizon=horizon)
            raise ValueError(Refusal(f"cannot judge a forecaster: it {what}", where=name, advice=advice, fix=fix))


def refuse_arrays(X: FrameLike) -> None:
    """Refuse the array that a scikit-learn tool made from a frame, naming the tool.

    Parameters
    ----------
    X : object
        An object that is not a frame.

    Raises
    ------
    TypeError
    """
    # Looked for on the class: a lazy frame warns where it is asked for its columns.
    tool = None if hasattr(type(X), "columns") or hasattr(type(X), "index") else Caller().tool()
    if tool is not None:
        raise TypeError(
            Refusal(
                f"gives its regressor a {type(X).__name__} without time stamps, which a forecaster needs",
                where=tool,
                expected="the frame as it was",
                advice=(
                    "Of scikit-learn's ensembles VotingRegressor leaves frames alone, of its transformers those with "
                    "set_output(transform='pandas')."
                ),
            )
        )


def refuse_shuffled_columns(frame: pd.DataFrame, known: list[Any]) -> None:
    """Refuse a forecast that a tool requests to measure the effect of a column which is not read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Future rows.
    known : list of labels
        Future covariates.

    Raises
    ------
    ValueError
    """
    caller = Caller()
    inside = [one for one in caller.frames() if one.f_globals.get("__name__", "").startswith(_INSPECTION)]
    if not inside:
        return
    unread = [label for label in _looked_at(inside, frame) if label not in known]
    if not unread:
        return
    name = next((one.f_code.co_name for one in inside if not one.f_code.co_name.startswith("_")), "scikit-learn")
    fix = (
        "forecast.diagnostics.channel_importance(model, df), which exchanges whole windows of a column, or "
        "permutation_importance(model.regressor_, X, y) on the matrix of windows, np.asarray(make_windows(...))"
    )
    if known:
        fix = f"{name} of {known} alone, which are read, or {fix}"
    raise ValueError(
        Refusal(
            f"{name} changes the columns {unread} of future rows, but a forecast does not read them: it comes from "
            "the rows before, so that nothing would seem to depend on them",
            advice=f"Possible is {fix}.",
        )
    )


def _looked_at(inside: Any, frame: pd.DataFrame) -> list[Any]:
    """Columns that a tool changes: those that `partial_dependence` names, else all."""
    for one in inside:
        features = one.f_locals.get("features") if one.f_code.co_name.startswith("_partial_dependence") else None
        if features is not None:
            places = [part for part in list(features) if not isinstance(part, str)]
            return [frame.columns[int(part)] for part in places if 0 <= int(part) < len(frame.columns)]
    return list(frame.columns)
