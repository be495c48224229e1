"""Epochs: order of the windows, schedules, averaged weights, early stopping, history, and what a divergence does."""

from .epochs import train
from .kept import Patience, Run
from .recipe import FALLING, SCHEDULES, Recipe
from .schedule import Schedule
from .tasks import EpochTasks

__all__ = ["FALLING", "SCHEDULES", "EpochTasks", "Patience", "Recipe", "Run", "Schedule", "train"]
