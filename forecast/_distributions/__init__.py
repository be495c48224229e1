"""Distributions of a forecast: parameters out of a network's outputs, quantiles, densities and scores."""

from .distribution import Distribution
from .families import FAMILIES

__all__ = ["FAMILIES", "Distribution"]
