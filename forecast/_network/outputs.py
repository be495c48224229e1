"""What the outputs of a network mean, loss by loss: how many a target has, which of them is the forecast, its units."""

import numpy as np

from .._quantiles import at_levels, in_order, median_level
from .architecture import LOSSES

__all__ = ["Levels", "Point", "outputs_of"]


class Point:
    """One output for each target: the forecast itself."""

    levels = (0.5,)

    @property
    def of_a_target(self):
        """Outputs of each target."""
        return len(self.levels)

    def in_units(self, outputs, scale, mean):
        """Outputs of the network in the targets' own units.

        Parameters
        ----------
        outputs : ndarray of shape (n_windows, n_targets * outputs of a target)
            Standardised.
        scale, mean : ndarray of shape (n_targets,)

        Returns
        -------
        ndarray of the same shape, float64
        """
        n = self.of_a_target
        if n > 1:
            scale, mean = np.repeat(scale, n), np.repeat(mean, n)
        return outputs.astype(np.float64) * scale + mean

    def point(self, values):
        """The forecast of each target.

        Parameters
        ----------
        values : ndarray of shape (..., outputs of a target)
            In units.

        Returns
        -------
        ndarray of shape (...)
        """
        return values[..., 0]

    def quantiles(self, values, levels=None):
        """Refused: this loss has none.

        Raises
        ------
        AttributeError
        """
        raise AttributeError("the outputs of this loss are not quantiles.")


class Levels(Point):
    """An output for each target and level: the quantile at it.

    Parameters
    ----------
    levels : sequence of float
        Strictly ascending, in (0, 1).
    """

    def __init__(self, levels):
        self.levels = tuple(levels)

    def point(self, values):
        """The median, or the nearest level if all are on one side of it; linear in the level."""
        return self.quantiles(values, [median_level(self.levels)])[..., 0]

    def quantiles(self, values, levels=None):
        """Quantiles, put in order so that they do not cross.

        Parameters
        ----------
        values : ndarray of shape (..., n_fitted)
            In units.
        levels : sequence of float, default=None
            Enclosed by the fitted ones; None: the fitted ones.

        Returns
        -------
        ndarray of shape (..., n_levels)
        """
        return at_levels(in_order(values), self.levels, self.levels if levels is None else levels)


def outputs_of(architecture):
    """What the outputs of an architecture's loss mean.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    Point or Levels
    """
    if LOSSES[architecture.loss]["one_output_per_parameter"]:
        return Levels(architecture.loss_parameters)
    return Point()
