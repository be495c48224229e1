"""Pictures of forecasts: Display objects in scikit-learn's manner, drawn with matplotlib (extra `plot`)."""

from .forecasts import ForecastDisplay

__all__ = ["ForecastDisplay"]
