"""Epochs: order of the windows, schedules, averaged weights, early stopping, history, and what a divergence does."""

from .epochs import train
from .kept import Run
from .recipe import FALLING, SCHEDULES, Recipe
from .tasks import EpochTasks

__all__ = ["FALLING", "SCHEDULES", "EpochTasks", "Recipe", "Run", "train"]
