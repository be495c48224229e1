"""What the outputs of a network mean, loss by loss: how many a target has, which of them is the forecast, its units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._distributions import FAMILIES, Distribution
from .._numbers import refuse_overflow
from .._quantiles import at_levels, in_order, median_level
from .._refusals import Refusal
from .._registries import EVERY_LOSS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .._types import Array, Floats, Integers
    from .architecture import Architecture

__all__ = ["Levels", "Parameters", "Point", "Scores", "outputs_of"]


class Point:
    """One output for each target: the forecast itself."""

    levels: tuple[float, ...] = (0.5,)
    family: Any = None  # one of FAMILIES: of the distribution whose parameters they are

    @property
    def of_a_target(self) -> int:
        """Outputs of each target."""
        return len(self.levels)

    def in_units(self, outputs: Array, scale: Array, mean: Array) -> Floats:
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
        found: Floats = np.multiply(outputs, scale, dtype=np.float64)  # the bits of a conversion first
        found += mean
        return found

    def point(self, values: Array) -> Array:
        """The forecast of each target.

        Parameters
        ----------
        values : ndarray of shape (..., outputs of a target)
            Values in units.

        Returns
        -------
        ndarray of shape (...)
        """
        return values[..., 0]

    def quantiles(self, values: Array, levels: Sequence[float] | Floats | None = None) -> Floats:
        """Refused: this loss has none.

        Raises
        ------
        AttributeError
        """
        raise AttributeError(Refusal("the outputs of this loss are not quantiles"))


class Levels(Point):
    """An output for each target and level: the quantile at it.

    Parameters
    ----------
    levels : sequence of float
        Strictly ascending, in (0, 1).
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = tuple(levels)

    def point(self, values: Array) -> Floats:
        """The median, or the nearest level if all are on one side of it; linear in the level."""
        return self.quantiles(values, [median_level(self.levels)])[..., 0]

    def quantiles(self, values: Array, levels: Sequence[float] | Floats | None = None) -> Floats:
        """Quantiles, put in order so that they do not cross.

        Parameters
        ----------
        values : ndarray of shape (..., n_fitted)
            Values in units.
        levels : sequence of float, default=None
            Enclosed by the fitted ones; None: the fitted ones.

        Returns
        -------
        ndarray of shape (..., n_levels)
        """
        return at_levels(in_order(values), self.levels, self.levels if levels is None else levels)


class Scores(Point):
    """An output for each target and class: the score whose exponential is in proportion to the probability.

    Parameters
    ----------
    classes : int
    """

    def __init__(self, classes: int) -> None:
        self.levels = (None,) * classes  # type: ignore[assignment]  # only their number counts

    def point(self, values: Array) -> Integers:
        """The number of the most probable class; of several, the first."""
        return values.argmax(axis=-1)


class Parameters(Point):
    """Outputs that are the parameters of a distribution of each target.

    Parameters
    ----------
    name : str
        Its family: the name of the loss.
    """

    levels = (0.1, 0.5, 0.9)

    def __init__(self, name: str) -> None:
        self.name, self.family = name, FAMILIES[name]

    @property
    def of_a_target(self) -> int:
        """Parameters of each target."""
        return len(self.family.parameters)

    def in_units(self, outputs: Array, scale: Array, mean: Array) -> Floats:
        """Parameters in the targets' own units, out of outputs of the network; as `Point.in_units`."""
        raw = outputs.astype(np.float64).reshape(*outputs.shape[:-1], len(scale), self.of_a_target)
        return self.family.linked(raw, scale, mean).reshape(outputs.shape)

    def point(self, values: Array) -> Floats:
        """The mean of each distribution."""
        return self.family.mean(values)

    def quantiles(self, values: Array, levels: Sequence[float] | Floats | None = None) -> Floats:
        """Quantiles of each distribution.

        Parameters
        ----------
        values : ndarray of shape (..., parameters)
            Values in units.
        levels : array-like of shape (m,) or (..., m), default=None
            Levels in (0, 1), any of them; with an axis for each of `values` levels of its own. None: 0.1, 0.5 and 0.9.

        Returns
        -------
        ndarray of shape (..., m)
        """
        wanted = np.asarray(self.levels if levels is None else levels, dtype=np.float64)
        found = self.family.quantiles(values, wanted)
        return refuse_overflow(found, f"quantiles of {self.name!r}:", advice="Ask for levels farther from 0 and 1.")

    def distribution(self, values: Array) -> Distribution:
        """The distributions of parameters (..., parameters)."""
        return Distribution._of(self.name, values)


def outputs_of(architecture: Architecture) -> Point:
    """What the outputs of an architecture's loss mean.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    Point, Levels, Parameters or Scores
    """
    if architecture.of_labels:
        return Scores(architecture.levels)
    if EVERY_LOSS[architecture.loss]["outputs"] == 0:
        return Levels(architecture.loss_parameters)
    if architecture.loss in FAMILIES:
        return Parameters(architecture.loss)
    return Point()
