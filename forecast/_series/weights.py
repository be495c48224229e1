"""The user's weights: one for each row of the frame, and a decay with age."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._frames import read_panel
from .._preparation import RowWeights, learns
from .._refusals import Fix, Refusal, argument
from .._types import Floats
from .parameters import regressors_of

if TYPE_CHECKING:
    from .._frames import Roles, TimeAxis
    from .forecaster import SeriesForecaster

__all__ = ["row_weights"]


def row_weights(
    model: SeriesForecaster, frame: pd.DataFrame, roles: Roles, axis: TimeAxis, sample_weight: Any
) -> RowWeights | None:
    """The weights of a fit, or None.

    Parameters
    ----------
    model : SeriesForecaster
        Its parameters are read.
    frame : pandas.DataFrame
        Frame that `roles` belong to.
    roles : Roles
    axis : TimeAxis
    sample_weight : array-like of shape (rows,) or None

    Returns
    -------
    RowWeights or None

    Raises
    ------
    ValueError
        The weights are not one finite number of 0 or more for each row, or there is nothing that they could change.
    """
    if sample_weight is None and model.half_life is None:
        return None
    given = regressors_of(model)
    if not any(regressor is None or learns(regressor) for regressor in given):
        what = "half_life" if sample_weight is None else "sample_weight"
        naive = " and ".join(type(regressor).__name__ for regressor in given)
        raise ValueError(
            Refusal(f"has no effect on what learns nothing, here {naive}", where=what, fix=argument(what, None))
        )
    if sample_weight is None:
        return RowWeights.of(axis, model.half_life)
    # As if they were a target, so that the weights have the order of the rows, including gaps.
    only = replace(roles, target=[roles.target[0]], past=[], future=[], static=[])
    stand_in = frame.copy(deep=False)
    stand_in[roles.target[0]] = _checked(sample_weight, frame)
    return RowWeights.of(axis, model.half_life, read_panel(stand_in, only, model._rules(), axis=axis))


def _checked(sample_weight: Any, frame: pd.DataFrame) -> Floats:
    if isinstance(sample_weight, pd.Series) and not sample_weight.index.equals(frame.index):
        raise ValueError(
            Refusal(
                "has another index than X",
                where="sample_weight",
                expected="the same labels in the same order",
                fix=Fix("sample_weight = sample_weight.loc[X.index]", ""),
            )
        )
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (len(frame),):
        raise ValueError(
            Refusal(
                f"has shape {weight.shape}", where="sample_weight", expected=f"one weight for each row, {(len(frame),)}"
            )
        )
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            Refusal(
                f"has {int(bad.sum())} values that are not weights, the first {weight[row]} in row {row}",
                where="sample_weight",
                expected="finite numbers of 0 or more",
            )
        )
    return weight
