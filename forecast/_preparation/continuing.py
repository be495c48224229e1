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
    from .member import Member, Settings, Task
    from .rows import Rows
    from .weighting import RowWeights

__all__ = ["SHARE", "anew", "goes_on_from_weights", "on_all_rows", "trained_on", "with_parameters"]

SHARE = 0.2  # of the epochs and optimiser steps that a fit may have
_SLOWER = 0.5  # times the learning rate, where training without the validation rows continues with all rows


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


def on_all_rows(early: Member, settings: Settings, task: Task, rows: Rows) -> Member:
    """A network that was trained without the validation rows, after continued training on all rows.

    Parameters
    ----------
    early : Member
        Network as validation has judged it; it is not changed.
    settings : Settings
        Settings of the network, with the share of the optimiser steps.
    task : Task
    rows : Rows

    Returns
    -------
    Member
    """
    assert settings.continued is not None
    rate, share = early.regressor.learning_rate, settings.continued
    steps = max(1, round(share * useful_steps(early.regressor)))
    changes = {"learning_rate": _SLOWER * rate, "max_steps": steps, "max_iter": early.regressor.max_iter}
    return trained_on(early, settings.step, task.axis, rows, task.weights, changes=changes)


def anew(settings: Settings) -> Settings:
    """Settings of a network that learns from all rows from the beginning, with all of its steps.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Settings
    """
    network = settings.regressor
    whole = network.get_params() | {"early_stopping": False}
    if network.max_steps is not None:
        whole["warmup_steps"] = min(network.warmup_steps, max(network.max_steps // 4, 1) - 1)
    return replace(settings, regressor=type(network)(**whole), continued=None)


def useful_steps(network: Any) -> int:
    """The number of optimiser steps up to the least validation loss.

    A least loss in the second half of the schedule is one at its end: the learning rate was still falling, and with all
    rows there is more to learn.

    Parameters
    ----------
    network : RNNForecaster
        Fitted.

    Returns
    -------
    int
    """
    curve, steps = network.validation_loss_curve_, network.n_steps_
    share = (int(np.argmin(curve)) + 1) / len(curve) if len(curve) else 1.0
    whole: int = network.max_steps or steps
    return whole if share > 0.5 else max(1, round(steps * share))


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
