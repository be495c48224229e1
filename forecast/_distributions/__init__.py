"""Distributions of a forecast: parameters out of a network's outputs, quantiles, densities and scores."""

from .distribution import Distribution
from .families import FAMILIES
from .scores import crps_of, log_score, neg_crps, neg_log_score

__all__ = ["FAMILIES", "Distribution", "crps_of", "log_score", "neg_crps", "neg_log_score"]
