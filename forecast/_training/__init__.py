"""Epochs: order of the windows, schedules, averaged weights, early stopping, history, and what a divergence does.

`parts` trains on windows that are in memory only part by part.
"""

from .epochs import train
from .kept import Patience, Run
from .parts import PartsTraining, shares
from .recipe import FALLING, SCHEDULES, Recipe
from .schedule import Schedule
from .tasks import EpochTasks

__all__ = [
    "FALLING", "SCHEDULES", "EpochTasks", "PartsTraining", "Patience", "Recipe", "Run", "Schedule", "shares", "train",
]  # fmt: skip
