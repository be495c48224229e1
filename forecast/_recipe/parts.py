"""Members that learnt from the rows before a part in time, and their forecasts of that part."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from .._preparation import LEVELS, trained
from .._types import Floats, Integers
from .candidates import prepared_lost
from .counts import training_windows
from .validation import Origins, origins_behind

if TYPE_CHECKING:
    from .._preparation import Member, Rows, Settings, Task
    from .validation import Part

__all__ = ["JudgedPart", "judged_part"]

_MEDIAN = LEVELS.index(0.5)


@dataclass(frozen=True)
class JudgedPart:
    """A part in time, the members that learnt from what is before it, and their forecasts.

    Attributes
    ----------
    rows : Rows
    members : dict of str to Member
    origins : Origins
    actual : ndarray of shape (n, horizon, targets)
        NaN where missing.
    scales : ndarray of shape (n, targets)
        For each origin, the deviation of its series' rows before the part.
    forecasts : dict of str to ndarray of shape (n, horizon, targets)
        Forecasts of the members that were asked; medians where they have quantiles and these are weighed.
    quantiles : dict of str to ndarray of shape (n, steps, targets, levels)
        Quantiles of the same members, if they have any, at some steps of the horizon, where they are weighed.
    """

    rows: Rows
    members: dict[str, Member]
    origins: Origins
    actual: Floats
    scales: Floats
    forecasts: dict[str, Floats] = field(default_factory=dict)
    quantiles: dict[str, Floats] = field(default_factory=dict)

    def asked(self, name: str, steps: Integers | None) -> Self:
        """The same, with the forecasts of one member more.

        Parameters
        ----------
        name : str
        steps : ndarray of int or None
            Steps of the horizon at which quantiles are weighed; None: they are not.
        """
        member, rows, origins, quantiles = self.members[name], self.rows, self.origins.rows, {}
        if steps is None or not member.has_quantiles:
            forecast = member.forecast(rows, origins)
        else:
            found = member.forecast(rows, origins, LEVELS)
            quantiles[name] = found if len(steps) == found.shape[1] else found[:, steps]
            has_mean = hasattr(member.regressor, "predict_distribution")  # which is then the forecast
            forecast = member.forecast(rows, origins) if has_mean else found[..., _MEDIAN].copy()
        return replace(self, forecasts=self.forecasts | {name: forecast}, quantiles=self.quantiles | quantiles)

    def without(self, name: str) -> Self:
        """The same without a member."""
        return replace(self, members={other: one for other, one in self.members.items() if other != name})

    def at_every(self, number: int) -> Self:
        """The same at one of some origins, the newest among them."""
        kept = np.arange(len(self.origins))[::-number][::-1]
        origins = Origins(self.origins.rows[kept], self.origins.which[kept], self.origins.blocks[kept])
        return replace(
            self,
            origins=origins,
            actual=self.actual[kept],
            scales=self.scales[kept],
            forecasts={name: forecast[kept] for name, forecast in self.forecasts.items()},
            quantiles={name: found[kept] for name, found in self.quantiles.items()},
        )


def judged_part(
    task: Task,
    part: Part,
    settings: dict[str, Settings],
    windows: dict[str, int],
    tell: Callable[[str], object],
    levels: int,
    least: int,
) -> JudgedPart:
    """Members, trained on what is before a part. They are not asked yet.

    Parameters
    ----------
    task : Task
    part : Part
    settings : dict of str to Settings
    windows : dict of str to int
        Training windows of the newest part by member; empty for this part, which writes them.
    tell : callable
        Called with a line of text for each member.
    levels : int
        Values of each forecast.
    least : int
        Origins, below which nothing is trained.

    Returns
    -------
    JudgedPart
    """
    origins, members = origins_behind(part.rows, part.ends, task.horizon, 1, levels=levels), {}
    if len(origins) < least:
        return JudgedPart(part.rows, {}, origins, np.empty(0), np.empty(0))
    for name, one in settings.items():
        count = _count(one, task, part)
        windows.setdefault(name, count)
        members[name] = trained(_for_fewer(one, count, windows[name]), task, part.rows, part.ends)[0]
        n_steps = getattr(members[name].regressor, "n_steps_", None)
        tell(f"{name}: {'trained' if n_steps is None else f'{n_steps} optimiser steps'}")
    ahead = origins.rows[:, None] + np.arange(1, task.horizon + 1)
    actual = part.rows.true_targets[ahead].astype(np.float64)
    return JudgedPart(part.rows, members, origins, actual, _scales(part.rows, part.ends)[origins.which])


def _count(settings: Settings, task: Task, part: Part) -> int:
    """How many windows there are to train on, at least one."""
    looks_back, joint = settings.lookback + prepared_lost(settings, task), settings.multi_target == "joint"
    return max(1, training_windows(part.rows, part.ends, task.horizon, looks_back, settings.step, joint))


def _for_fewer(settings: Settings, count: int, newest: int) -> Settings:
    """A network of an earlier part has fewer windows: as many optimiser steps take more epochs."""
    network = settings.regressor
    if count == newest or not hasattr(network, "max_iter"):
        return settings
    epochs = {"max_iter": 1 + math.ceil(network.max_iter * newest / count)}
    return replace(settings, regressor=type(network)(**(network.get_params() | epochs)))


def _scales(rows: Rows, ends: Integers) -> Floats:
    """Standard deviation of what each series and target shows before its end, shape (n_series, targets)."""
    out = np.ones((rows.n_series, rows.targets.shape[1]))
    for number, (first, end) in enumerate(zip(rows.starts[:-1], ends, strict=True)):
        for column in range(out.shape[1]):
            seen = rows.targets[first:end, column].astype(np.float64)
            seen = seen[~np.isnan(seen)]
            spread = seen.std() if len(seen) else 0.0
            out[number, column] = spread if spread > 0 else 1.0
    return out
