"""Continued training of a member: a network from its last weights, any other regressor anew."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from .._refusals import Fix, Refusal
from .._types import Floats
from .outputs import as_given
from .regression import accepts_windows, blocks_of, carries, fit_regressor

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._windows import Windows
    from .member import Member
    from .rows import Rows
    from .weighting import RowWeights

__all__ = ["SHARE", "goes_on_from_weights", "trained_on", "with_parameters"]

SHARE = 0.2  # of the epochs and optimiser steps that a fit may have


def goes_on_from_weights(regressor: Any) -> bool:
    """Whether a regressor is a network, which continues from its weights.

    Parameters
    ----------
    regressor : estimator

    Returns
    -------
    bool
    """
    return accepts_windows(regressor) and hasattr(regressor, "warm_start")


def with_parameters(member: Member, regressor: Any) -> Member:
    """A member whose training continues with the parameters that the user's regressor has now.

    Parameters
    ----------
    member : Member
    regressor : estimator or None
        The user's, which may have changed since `fit`. None: a recipe chose it.

    Returns
    -------
    Member
        A network with its weights and the new parameters; any other regressor is not fitted yet.

    Raises
    ------
    ValueError
        The regressor is of another class than in `fit`, or a parameter of a network is out of range.
    """
    if regressor is None:
        return member
    last = as_given(member.regressor)
    if type(last) is not type(regressor):
        raise ValueError(
            Refusal(
                f"the regressor is a {type(regressor).__name__}, but the continued fit had a {type(last).__name__}",
                expected="the same class",
                fix=Fix("model.fit(X)", ""),
            )
        )
    if not goes_on_from_weights(last):
        return replace(member, regressor=regressor)
    own = clone(regressor).get_params(deep=False)
    if isinstance(own["random_state"], np.random.RandomState):  # the fitted one has drawn from its own
        del own["random_state"]
    again = copy(last).set_params(**own)
    again._validate_params()  # `fit` would see a share of the epochs only
    return replace(member, regressor=again)


def trained_on(
    member: Member,
    step: int,
    axis: TimeAxis,
    rows: Rows,
    weights: RowWeights | None = None,
    share: float = SHARE,
    changes: dict[str, Any] | None = None,
) -> Member:
    """A copy of a member, trained on rows with its existing preparation; the member itself is not changed.

    Parameters
    ----------
    member : Member
    step : int
        Rows from one window to the next.
    axis : TimeAxis
    rows : Rows
        Old and new ones of all series. Transforms and floors of series that were not there are learnt from them.
    weights : RowWeights, default=None
    share : float, default=0.2
        Share of the epochs and optimiser steps that a fit of a network may have.
    changes : dict, default=None
        Parameters of a network for this training; an own `max_iter` is all of its epochs, not a share of them.

    Returns
    -------
    Member

    Raises
    ------
    ValueError
        No window is left to train on.
    """
    rows = member.channels(rows)
    preparation = member.preparation.knowing(rows)
    clock = axis.positions(rows.index[rows.starts[:-1]]) if rows.n_series > 1 else None
    windows = preparation.training_windows(rows, step, clock)
    windows = blocks_of(windows) if carries(member.regressor) else windows
    if not len(windows):
        raise ValueError(
            Refusal(
                f"no window is left to train on: no series has {preparation.n_lost + preparation.lookback} rows and "
                f"{preparation.horizon} after them",
                advice="More new rows, or older ones as history=, give it one.",
            )
        )
    weigh = None if weights is None else partial(weights.of_windows, rows, member.split)
    if goes_on_from_weights(member.regressor):
        weight = None if weigh is None else weigh(windows)
        regressor = _on_from_weights(member.regressor, windows, weight, share, changes)
    else:
        complete = partial(preparation.complete, rows)
        regressor = fit_regressor(clone(as_given(member.regressor)), windows, complete, weigh=weigh)
    return replace(member, regressor=regressor, preparation=preparation, n_windows=len(windows))


def _on_from_weights(
    regressor: Any, windows: Windows, weight: Floats | None, share: float, changes: dict[str, Any] | None = None
) -> Any:
    regressor = deepcopy(regressor)
    own = regressor.get_params(deep=False)
    regressor.set_params(
        warm_start=True,
        early_stopping=False,  # the newest windows are those to learn from
        max_iter=max(1, int(own["max_iter"] * share)),
        max_steps=None if own["max_steps"] is None else max(1, int(own["max_steps"] * share)),
        warmup_steps=0,
    )
    if changes:
        regressor.set_params(**changes)
    regressor.fit(windows, windows.y, sample_weight=weight)
    return regressor.set_params(**own)
