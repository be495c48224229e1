"""The pretrained network's medians as a function of a window's values, with their derivative.

The seasons that the network reads are found in the window, not computed from it, so they have no derivative. Along a
straight path from a constant window they do not change: standardising removes everything but the shape of the window.
So forecasts change in proportion along such a path, and the derivative with fixed seasons is the same everywhere on it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .ahead import newest, units_of
from .network import HORIZON, LEVELS, arguments
from .reading import KNOWN, LARGEST, TURNED, Past, Windows, known_of, mirrored, static_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._network import Network
    from .._types import Booleans, Floats, Integers

__all__ = ["MedianDerivative"]

_MEDIAN = LEVELS.index(0.5)
_NUDGE = 1e-4  # of a standardised value, to see how the static values change
_ALIKE = 1e-3  # standardised windows that differ less have the same derivative of what is read of them


class _Gradient(NamedTuple):
    """Of a weighted sum of standardised medians, by what the network reads of each window."""

    z: Floats
    known: Floats
    static: Floats


class MedianDerivative:
    """Medians of the steps after some windows, and their derivative by the windows' values.

    Parameters
    ----------
    network : Network
    n_jobs : int or None
        It changes no bit.
    """

    def __init__(self, network: Network, n_jobs: int | None = None) -> None:
        from .._network import Sensitivity

        self._sensitivity = Sensitivity(network, n_jobs)

    def __call__(self, values: Floats, horizon: int) -> tuple[Floats, Callable[[Floats], Floats]]:
        """Return medians, and a function that gives gradients of weighted sums of them.

        Parameters
        ----------
        values : ndarray of shape (n, T)
            NaN where missing.
        horizon : int

        Returns
        -------
        forecast : ndarray of shape (n, horizon)
        pull : callable
            Function from weights of the steps, shape (n, horizon), to the gradient, shape (n, T); 0 where missing.
        """
        steps, values = values.shape[1], newest(values)
        middle, unit = units_of(values)
        inside = (values / 2 - middle / 2) / np.where(unit > 0, unit, 1.0)
        past = Past(inside)
        passes = range(0, horizon, HORIZON)
        medians = [self._median(both)[0] for both in (_both(past, skipped) for skipped in passes)]
        median = np.concatenate(medians, axis=1)[:, :horizon]

        def pull(weights: Floats) -> Floats:
            weights = np.where(unit > 0, weights, 0.0)  # the forecast of a window that never moves is its newest value
            gradient = np.zeros(inside.shape)
            for skipped in passes:
                some = np.zeros((len(inside), HORIZON))
                part = weights[:, skipped : skipped + HORIZON]
                some[:, : part.shape[1]] = part
                if some.any():
                    gradient += _through_reading(past, skipped, self._pulled(_both(past, skipped), some))
            return _through_standardising(past, inside, gradient, weights, median)[:, max(inside.shape[1] - steps, 0) :]

        return 2 * ((median * past.scale + past.centre) * unit) + middle, pull

    def _median(self, both: Windows) -> tuple[Floats, Integers]:
        """Standardised medians (n, H), and which output of each window and its mirror image is the median."""
        n = len(both.past)
        outputs = self._sensitivity.outputs(arguments(both), n)
        order = np.argsort(outputs, axis=2)[..., _MEDIAN]
        found = np.take_along_axis(outputs, order[..., None], axis=2)[..., 0]
        return (found[: n // 2] - found[n // 2 :]) / 2, order

    def _pulled(self, both: Windows, weights: Floats) -> _Gradient:
        n = len(weights)
        upstream = np.zeros((2 * n, HORIZON, len(LEVELS)))
        sent = np.concatenate([weights, -weights]) / 2
        np.put_along_axis(upstream, self._median(both)[1][..., None], sent[..., None], axis=2)
        past, extra = self._sensitivity.pulled(arguments(both), 2 * n, upstream)
        known, static = np.split(extra, [HORIZON * KNOWN], axis=1)
        return _Gradient(
            past[:n, :, 0] - past[n:, :, 0], known[:n] - known[n:], static[:n] + static[n:] * TURNED
        )  # fmt: skip


def _both(past: Past, skipped: int) -> Windows:
    windows = past.windows(HORIZON, skipped)
    return Windows(*(np.concatenate(pair) for pair in zip(windows, mirrored(windows), strict=True)))


def _through_reading(past: Past, skipped: int, gradient: _Gradient) -> Floats:
    """The gradient by the standardised past, (n, T): direct, and through the known and static values."""
    found = gradient.z * past.mask
    for rows in _alike(past):
        seen = np.flatnonzero(past.mask[rows.start])
        known, static = _slopes(past, rows.start, seen, skipped)
        found[rows, seen] += gradient.known[rows] @ known.T + gradient.static[rows] @ static.T
    return found


def _alike(past: Past) -> Iterator[slice]:
    """Runs of windows with the same shape and seasons."""
    same = (np.abs(np.diff(past.z, axis=0)) < _ALIKE).all(axis=1) & (np.diff(past.mask, axis=0) == 0).all(axis=1)
    for season in past.seasons:
        same &= np.diff(season) == 0
    edges = [0, *(np.flatnonzero(~same) + 1).tolist(), len(past.z)]
    return (slice(first, end) for first, end in pairwise(edges) if end > first)


def _slopes(past: Past, row: int, seen: Integers, skipped: int) -> tuple[Floats, Floats]:
    """How the known values (of one window, flat) and its static values change with each value that was seen."""
    n = len(seen)
    unit = np.zeros((n, past.z.shape[1]))
    unit[np.arange(n), seen] = 1.0
    mask = np.broadcast_to(past.mask[row], unit.shape)
    first, second = (np.repeat(season[row], n) for season in past.seasons)
    seasons = first, second
    known = known_of(unit, mask, seasons, HORIZON, np.full(n, skipped)).reshape(n, -1)
    up, down = (static_of(past.z[row] + sign * _NUDGE * unit, mask, seasons) for sign in (1, -1))
    return known, (up - down) / (2 * _NUDGE)


def _through_standardising(past: Past, inside: Floats, of_z: Floats, weights: Floats, median: Floats) -> Floats:
    """The gradient of weighted sums of `median * scale + centre` by the values; `of_z` is that of the medians."""
    observed: Booleans = past.mask > 0
    count = observed.sum(axis=1, keepdims=True)
    off = np.where(observed, inside - past.centre, 0.0)
    of_off = np.where(np.abs(off) < LARGEST * past.scale, of_z, 0.0)
    of_scale = (weights * median).sum(axis=1, keepdims=True) - (of_off * off).sum(axis=1, keepdims=True) / past.scale
    of_off = np.where(observed, of_off + of_scale * off / (count * past.scale), 0.0)
    level = weights.sum(axis=1, keepdims=True) - of_off.sum(axis=1, keepdims=True)
    return np.where(observed, of_off + level / count, 0.0)
