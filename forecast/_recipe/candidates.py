"""Candidates of the linear search: which are compared, and which of several is the simplest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._linear import LinearForecaster
from .._types import Floats
from ..preprocessing import make_transform
from .judging import TIE

if TYPE_CHECKING:
    from .._preparation import Settings, Task

__all__ = ["Losses", "changed", "is_lost", "is_standard", "least_of", "named", "prepared_lost", "simplest"]

Losses: TypeAlias = dict[tuple[int, Any, int], Floats]  # by lookback, level and the place of the penalty


def prepared_lost(settings: Settings, task: Task) -> int:
    """Rows at the start of a series that a transform leaves without a value."""

    if settings.transform is None:
        return 0
    return make_transform(settings.transform, period=task.axis.season_length).n_lost


def is_lost(losses: Floats, than: Floats) -> bool:
    """Whether a candidate is behind in half of all blocks, whatever the rest of them say."""
    behind = (losses[0] >= than[0, : losses.shape[1]]).sum()
    return bool(2 * behind >= (~np.isnan(than[0])).sum())


def least_of(found: Losses) -> Floats:
    """The losses with the least mean."""
    return min(found.values(), key=lambda losses: np.nanmean(losses[0]))


def simplest(found: Losses) -> tuple[int, Any, int]:
    """Of all that are as good as the best: the shortest lookback, the last value as level, the strongest penalty.

    Where the loss is the absolute error, near ties are first broken by the squared error, whose mean a least squares
    fit is after.
    """
    close = list(found)
    for kind in range(2):
        means = {key: np.nanmean(found[key][kind]) for key in close}
        bound = min(means.values()) * (1 + TIE)
        close = [key for key in close if means[key] <= bound]
    shortest = min(key[0] for key in close)
    close = [key for key in close if key[0] == shortest]
    best = min(close, key=means.__getitem__)[1]
    level = "last" if any(key[1] == "last" for key in close) else best
    return max((key for key in close if key[1] == level), key=lambda key: key[2])


def is_standard(norm: Any) -> bool:
    return norm is not None and (norm == "standard" or norm[0] == "standard")


def changed(regressor: LinearForecaster, **parameters: Any) -> LinearForecaster:
    return LinearForecaster(**(regressor.get_params() | parameters))


def named(settings: Settings) -> str:
    return (
        f"transform={settings.transform!r} with window_norm={settings.window_norm!r}, lookback={settings.lookback}, "
        f"multi_target={settings.multi_target!r}, {settings.regressor!r}"
    )
