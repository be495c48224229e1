"""A network that has seen only generated series, with its weights: forecasts without training.

`reading` is what it reads of a window, `network` its architecture, `ahead` its forecasts in units of the series,
`levels` its quantiles, `derivative` how its medians change with the values of a window; `weights` is the file in the
package. `forecaster` is the estimator, which reads `windows`, and `tuning` trains it on.
"""

from .forecaster import PretrainedForecaster

__all__ = ["PretrainedForecaster"]
