"""A bound on the time of a fit: networks train for the steps that fit, and a warning says so."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._preparation import trained
from .._refusals import Refusal
from .._types import Integers

if TYPE_CHECKING:
    from .._preparation import Rows, Settings, Task

__all__ = ["within_time"]

_TRIED = 20  # optimiser steps whose time is taken
_SHARE = 0.8  # of what is left; validation and forecasts take the rest
_LEAST = 50  # steps, below which a network is left out


def within_time(
    networks: dict[str, Settings], task: Task, rows: Rows, ends: Integers, seconds: float, times: float
) -> dict[str, Settings]:
    """Settings of networks, with fewer steps if time is short.

    Parameters
    ----------
    networks : dict of str to Settings
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    seconds : float
        Remaining wall-clock seconds.
    times : float
        Number of times that each network is trained.

    Returns
    -------
    dict of str to Settings

    Warns
    -----
    UserWarning
        A network got fewer steps, or was left out: the result then depends on the machine.
    """
    found, told = {}, []
    for name, settings in networks.items():
        network = settings.regressor
        few = dict(max_steps=_TRIED, warmup_steps=0, early_stopping=False)
        begun = time.perf_counter()
        trained(replace(settings, regressor=_changed(network, few)), task, rows, ends)
        step = (time.perf_counter() - begun) / _TRIED
        left = seconds / len(networks) - step * _TRIED
        steps = int(_SHARE * left / times / step)
        if steps >= network.max_steps:
            found[name] = settings
        elif steps < _LEAST:
            told.append(f"{name} is left out")
        else:
            fewer = dict(max_steps=steps, warmup_steps=min(network.warmup_steps, steps // 10))
            found[name] = replace(settings, regressor=_changed(network, fewer))
            told.append(f"{name} is trained for {steps} of {network.max_steps} steps")
    if told:
        warnings.warn(
            Refusal(
                ", ".join(told),
                where="max_seconds:",
                advice="The result depends on the speed of this machine; recipe_ reproduces it on any.",
            ),
            UserWarning,
            stacklevel=2,
        )
    return found


def _changed(network: Any, more: dict[str, Any]) -> Any:
    return type(network)(**(network.get_params() | more))
