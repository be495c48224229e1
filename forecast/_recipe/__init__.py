"""What a forecaster chooses by itself: seasons, calendar features, and the weights of its members."""

from .calendar import calendar_of
from .seasons import seasons_of
from .weights import Mix, mix

__all__ = ["Mix", "calendar_of", "mix", "seasons_of"]
