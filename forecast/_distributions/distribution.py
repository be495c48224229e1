"""Distributions of many values: their parameters, and methods for quantiles, densities and scores."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from .._html import block, line, table
from .._refusals import Refusal
from .._types import Floats
from .families import FAMILIES

if TYPE_CHECKING:
    import numpy.typing as npt

    from .families import AnyFamily

__all__ = ["Distribution"]

_SHOWN = 10  # distributions in a notebook


class Distribution:
    """The distribution of each value of a forecast, as `predict_distribution` returns it.

    Parameters
    ----------
    name : {"normal", "student_t", "poisson", "negative_binomial", "gamma"}
        Name of the family.
    **parameters : array-like
        Parameters of the family, of shapes that broadcast. "normal": `mean`, `std`. "student_t": `loc`, `scale`, `df`
        (degrees of freedom). "poisson": `mean`. "negative_binomial": `mean`, `dispersion`; the variance is `mean +
        dispersion * mean**2`. "gamma": `mean`, `shape`; the standard deviation is `mean / sqrt(shape)`.

    Attributes
    ----------
    name : str
    parameters : dict of str to ndarray
        The parameters, each of shape `shape`.
    shape : tuple of int
        Shape of the array of distributions.

    Raises
    ------
    TypeError, ValueError
        The family is unknown, its parameters are not those above, or they are not finite or (except the location of a
        normal or Student-t) negative.

    Examples
    --------
    >>> from forecast import Distribution
    >>> sales = Distribution("negative_binomial", mean=[0.3, 2.0], dispersion=1.5)
    >>> sales.quantiles([0.5, 0.9, 0.99])
    array([[ 0.,  1.,  3.],
           [ 1.,  6., 13.]])
    >>> sales.std().round(3)
    array([0.66 , 2.828])
    >>> sales.cdf(0).round(3)  # the probability that nothing is sold
    array([0.781, 0.397])
    """

    def __init__(self, name: str, **parameters: npt.ArrayLike) -> None:
        if name not in FAMILIES:
            raise ValueError(Refusal(f"is {name!r}", where="name", expected=f"one of {', '.join(map(repr, FAMILIES))}"))
        wanted = FAMILIES[name].parameters
        if set(parameters) != set(wanted):
            raise TypeError(
                Refusal(f"a {name!r} distribution has the parameters {', '.join(wanted)}; got {list(parameters)}")
            )
        arrays = [np.asarray(parameters[key], dtype=np.float64) for key in wanted]
        for key, array in zip(wanted, arrays, strict=True):
            any_sign = key == "loc" or (name, key) == ("normal", "mean")
            if not np.isfinite(array).all() or (not any_sign and (array < 0).any()):
                expected = "finite numbers" if any_sign else "finite numbers, 0 or more"
                raise ValueError(Refusal(f"{key} of a {name!r} distribution holds {array.min()}", expected=expected))
        self.name = name
        self._values: Floats = np.stack(np.broadcast_arrays(*arrays), axis=-1)

    @classmethod
    def _of(cls, name: str, values: Floats) -> Self:
        """Of parameters (..., parameters) that are known to be good."""
        found = object.__new__(cls)
        found.name, found._values = name, values
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape[:-1]

    @property
    def parameters(self) -> dict[str, Floats]:
        return {key: self._values[..., number] for number, key in enumerate(self._family.parameters)}

    @property
    def _family(self) -> AnyFamily:
        return FAMILIES[self.name]

    def __repr__(self) -> str:
        return f"<{self.name} distribution of shape {self.shape}: {', '.join(self._family.parameters)}>"

    def _repr_html_(self) -> str:
        parameters, n = self._family.parameters, math.prod(self.shape)
        index = [str(place[0] if len(place) == 1 else place) for place in islice(np.ndindex(self.shape), _SHOWN)]
        values = self._values.reshape(n, len(parameters))[:_SHOWN]
        parts = [table(pd.DataFrame(values, index, list(parameters)))]
        if n > _SHOWN:
            parts.append(line(f"and {n - _SHOWN:,} more"))
        return block(f"{self.name} distributions of shape {self.shape}", *parts)

    def __getitem__(self, which: Any) -> Self:
        """Select distributions, as in an array of shape `shape`."""
        return self._of(self.name, self._values[which])

    def mean(self) -> Floats:
        """Return the mean of each distribution.

        Returns
        -------
        ndarray of `shape`
        """
        return self._family.mean(self._values).copy()

    def std(self) -> Floats:
        """Return the standard deviation of each distribution.

        Returns
        -------
        ndarray of `shape`
        """
        return np.array(self._family.std(self._values))

    def quantiles(self, levels: npt.ArrayLike) -> Floats:
        """Return quantiles of each distribution; for counts, the smallest count at which the level is reached.

        Parameters
        ----------
        levels : float or array-like of shape (m,) or (*shape, m)
            Levels in (0, 1).

        Returns
        -------
        ndarray of shape (*shape, m), or `shape` of a single number
        """
        wanted = np.asarray(levels, dtype=np.float64)
        if not ((wanted > 0) & (wanted < 1)).all():
            raise ValueError(Refusal(where="levels", got=f"{levels!r}", expected="numbers in (0, 1)"))
        found = self._family.quantiles(self._values, np.atleast_1d(wanted))
        return found if wanted.ndim else found[..., 0]

    def cdf(self, y: npt.ArrayLike) -> Floats:
        """Return the probability of at most y.

        Parameters
        ----------
        y : array-like of a shape that broadcasts with `shape`

        Returns
        -------
        ndarray
        """
        return self._family.cdf(self._values, np.asarray(y, dtype=np.float64))

    def log_density(self, y: npt.ArrayLike) -> Floats:
        """Return the logarithm of the density at y; for counts, of the probability, which is -inf where y is not a
        count.

        Parameters
        ----------
        y : array-like of a shape that broadcasts with `shape`

        Returns
        -------
        ndarray
        """
        return self._family.log_density(self._values, np.asarray(y, dtype=np.float64))

    def crps(self, y: npt.ArrayLike) -> Floats:
        """Return the continuous ranked probability score of each, in the units of y; lower is better.

        Parameters
        ----------
        y : array-like of a shape that broadcasts with `shape`

        Returns
        -------
        ndarray

        References
        ----------
        Closed forms: Gneiting et al. (2005) for the normal distribution; Jordan, Krüger and Lerch (2019) for Student's
        t and gamma; Wei and Held (2014) for counts.
        """
        return self._family.crps(self._values, np.asarray(y, dtype=np.float64))
