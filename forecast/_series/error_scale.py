"""The scale on which forecast errors are measured: that of a pointwise transform, so that bounds stay in its domain."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import clone

from .._records import record
from .._types import Floats
from ..preprocessing import Log, LogReturn, Scale
from ..preprocessing.transform import SAME

if TYPE_CHECKING:
    from .._preparation import Member, Rows
    from .calibration import Calibration
    from .state import FittedState

__all__ = ["ErrorScales", "Yardstick", "images_of", "yardsticks_of"]

_HALVINGS = 60  # of the way to the last value that has a counterpart


@record(frozen=True)
class ErrorScales:
    """The sources of the scales of all series.

    An error of a forecast of 5 means something else at 10 than at 1,000 where the forecaster works on logarithms, and a
    bound of 10 - 15 is not a value that its series can have. So errors are measured after the pointwise steps of the
    transform, up to the first that looks back ("log" of ["log", "difference"]), and bounds are brought back from there.
    Shifting and stretching ("standard", "minmax", "robust") changes nothing and is left out. Of several members the
    first that has such a step gives the scale.

    Attributes
    ----------
    chains : dict of key to list of Chain
        Fitted, a chain per target, or one of each (key, target); empty: errors are in the units of the series.
    """

    chains: dict[Any, Any]

    @classmethod
    def of(cls, members: list[Member]) -> Self:
        """The scales of a forecaster.

        Parameters
        ----------
        members : list of Member

        Returns
        -------
        ErrorScales
        """
        for member in members:
            chains = member.preparation.chains
            if chains and _pointwise(next(iter(chains.values()))[0].steps_):
                return cls(chains)
        return cls({})

    def has(self, key: Any) -> bool:
        """Whether the transform of a series was learnt in `fit`, by its name or by name and target."""
        return key in self.chains or (key, 0) in self.chains

    def at(self, key: Any, known: Floats) -> list[Mark] | None:
        """The scale of each target of a series.

        Parameters
        ----------
        key : object
        known : ndarray of shape (rows, targets)
            What a series that was not there in `fit` is learnt from.

        Returns
        -------
        list of Mark, or None where errors are in the units of the series
        """
        if not self.chains:
            return None
        n = known.shape[1]
        own = self.chains.get(key, [])
        if len(own) != n:  # each target may have been a series of its own
            own = [self.chains.get((key, column), [None])[0] for column in range(n)]
        if any(chain is None for chain in own):
            like = next(iter(self.chains.values()))
            like = like if len(like) == n else like * n
            own = [clone(chain).fit(column.astype(np.float64)) for chain, column in zip(like, known.T, strict=True)]
        return [Mark(_pointwise(chain.steps_), *chain.range_) for chain in own]


@contextmanager
def _quietly() -> Iterator[None]:
    """Whether a value has a counterpart is found by trying: what a transformer says of it tells a user nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _pointwise(steps: list[Any]) -> list[Any]:
    """The steps before the first that looks back, without a tail of mere shifts and stretches."""
    found = []
    for step in steps:
        if isinstance(step, LogReturn):
            found.append(Log())
        if not step.is_pointwise:
            break
        found.append(step)
    while found and isinstance(found[-1], Scale):
        found.pop()
    return found


@record(frozen=True)
class Mark:
    """The scale of one target of one series.

    Attributes
    ----------
    steps : list of fitted transforms
        Each rises with the value.
    low, high : float
        The least and the greatest value that they were learnt from: these have an image.
    """

    steps: list[Any]
    low: float
    high: float

    def image(self, values: Floats) -> Floats:
        """Values on this scale; one that the transform cannot take counts as the nearest value learnt from.

        A weighted mean of members may be such a value: where one of them has no transform, it can lie below zero.

        Parameters
        ----------
        values : ndarray
            Values in the units of the series; NaN stays NaN.

        Returns
        -------
        ndarray of the same shape
        """
        found = self._forward(values)
        if found is None:
            least, most = self._reach(values, self.low, self.high, lambda value: self._forward(value) is not None)
            outside = (values < least) | (values > most)
            found = self._forward(np.where(outside, np.clip(values, self.low, self.high), values))
        return _there(found)

    def original(self, images: Floats) -> Floats:
        """Bounds in the units of the series.

        A bound that has no counterpart there (below the least value of a Box-Cox transform, say) is the last value that
        has one.

        Parameters
        ----------
        images : ndarray
            Values on this scale; NaN stays NaN.

        Returns
        -------
        ndarray of the same shape
        """
        found = self._back(images)
        if found is not None:
            return found
        bottom, top = _there(self._forward(np.array([self.low, self.high])))
        least, most = self._reach(images, bottom, top, lambda image: self._back(image) is not None)
        below, above = images < least, images > most
        found = _there(self._back(np.where(below | above, bottom, images)))
        for beyond, end, way in ((below, bottom, -1), (above, top, 1)):
            if beyond.any():
                found[beyond] = self._edge(end, way * (top - bottom or max(abs(end), 1.0)))
        return found

    def _edge(self, good: float, step: float) -> float:
        """The last value with a counterpart, from an image that has one on: whichever bounds ask for it."""
        for _ in range(_HALVINGS):
            bad = good + step
            if self._back(np.array([bad])) is None:
                break
            good, step = bad, 2 * step
        for _ in range(_HALVINGS):
            middle = good + (bad - good) / 2
            good, bad = (middle, bad) if self._back(np.array([middle])) is not None else (good, middle)
        edge = _there(self._back(np.array([good])))[0]
        # A root that is squared comes close to the end of its domain, 0: a whole number that has an image is the end.
        whole = np.round(edge)
        image = self._forward(np.array([whole])) if abs(whole - edge) <= SAME * max(self.high - self.low, 1.0) else None
        return edge if image is None or abs(image[0] - good) > 2 * self._near(good) else whole

    @staticmethod
    def _reach(values: Floats, low: float, high: float, possible: Callable[[Floats], bool]) -> list[float]:
        """The least and the greatest of some values, and of low and high, that are possible; those between all are."""
        values = np.unique(values[~np.isnan(values)])
        found = []
        for beyond, end in ((values[values < low][::-1], low), (values[values > high], high)):
            first, last = 0, len(beyond)  # the further from low and high, the less possible
            while first < last:
                middle = (first + last) // 2
                first, last = (middle + 1, last) if possible(beyond[middle : middle + 1]) else (first, middle)
            found.append(float(beyond[first - 1]) if first else end)
        return found

    def _forward(self, values: Floats) -> Floats | None:
        """Images, or None where one of the values has none."""
        try:
            with _quietly(), np.errstate(all="ignore"):
                for step in self.steps:
                    values = step._forward(values)
        except ValueError:
            return None
        return values

    def _back(self, images: Floats) -> Floats | None:
        """What the images are of, or None where one of them is of nothing, which shows in the way there again."""
        known = ~np.isnan(images)
        values = images[known]
        try:
            with _quietly(), np.errstate(all="ignore"):
                for step in reversed(self.steps):
                    values = step._inverse(values, None)
        except ValueError:
            return None
        again = self._forward(values)
        if again is None or (np.abs(again - images[known]) > self._near(images[known])).any():
            return None
        found = np.full(images.shape, np.nan)
        found[known] = values
        return found

    def _near(self, images: Floats | float) -> Floats:
        """How near the way back and there again must lead."""
        ends = _there(self._forward(np.array([self.low, self.high])))
        return SAME * np.maximum(np.abs(images), np.abs(ends).max())


def _there(found: Floats | None) -> Floats:
    """What is there for the ends of a domain, and for all between them."""
    assert found is not None
    return found


@record(frozen=True)
class Yardstick:
    """The scale and the unit of errors of one series, for each target.

    Attributes
    ----------
    marks : list of Mark or None
        Per target; None: in the units of the series.
    unit : ndarray of shape (targets,)
        0 of a constant series among others, whose bounds are its forecast.
    """

    marks: list[Mark] | None
    unit: Floats

    @classmethod
    def of(
        cls, calibration: Calibration | None, scales: ErrorScales, key: Any, known: Floats, alone: bool = False
    ) -> Self:
        """That of a series.

        Parameters
        ----------
        calibration : Calibration or None
        scales : ErrorScales
        key : object
        known : ndarray of shape (rows, targets)
            Its known targets, for a series that was not there in `fit`.
        alone : bool, default=False
            Whether it is the only series.

        Returns
        -------
        Yardstick
        """
        if calibration is None:
            return cls(scales.at(key, known), np.ones(known.shape[1]))
        marks = scales.at(key, known) if calibration.transformed else None
        return cls(marks, calibration.unit(key, images_of(marks, known), alone))

    @property
    def divisor(self) -> Floats:
        """The unit to divide by: 1 where it is 0, so that what is finite stays so."""
        return np.where(self.unit > 0, self.unit, 1.0)

    def image(self, values: Floats) -> Floats:
        """Values (..., targets) in the units of the series on the scale of errors; NaN stays NaN."""
        return images_of(self.marks, values)

    def original(self, images: Floats) -> Floats:
        """Bounds on the scale of errors in the units of the series."""
        return images if self.marks is None else _by_target(lambda mark, part: mark.original(part), self.marks, images)


def yardsticks_of(state: FittedState, past: Rows) -> dict[Any, Yardstick]:
    """The yardsticks of some series.

    Parameters
    ----------
    state : FittedState
        State with a calibration.
    past : Rows
        What is known of the series.

    Returns
    -------
    dict of key to Yardstick
    """
    scales, alone = state.error_scales, len(state.calibrated.scales) == 1
    spans = zip(past.keys, past.starts[:-1], past.starts[1:], strict=True)
    return {
        key: Yardstick.of(state.calibration, scales, key, past.targets[first:end], alone) for key, first, end in spans
    }


def images_of(marks: list[Mark] | None, values: Floats) -> Floats:
    """Values (..., targets) on the scale of each target; None leaves them unchanged.

    Parameters
    ----------
    marks : list of Mark or None
    values : ndarray of shape (..., targets)
        Values in the units of the series; NaN stays NaN.

    Returns
    -------
    ndarray of the same shape
    """
    return values if marks is None else _by_target(lambda mark, part: mark.image(part), marks, values)


def _by_target(function: Callable[[Mark, Floats], Floats], marks: list[Mark], array: Floats) -> Floats:
    array = np.asarray(array, dtype=np.float64)
    return np.stack([function(mark, array[..., number]) for number, mark in enumerate(marks)], axis=-1)
