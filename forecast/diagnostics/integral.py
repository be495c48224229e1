"""The integral of a gradient along a straight path, to a tolerance: adaptive Gauss-Legendre quadrature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .._types import Array, Floats, Integers
    from .members import MemberFunction

__all__ = ["integrated", "slope_at_end"]

_NUMBERS = 1 << 22  # values of windows that are looked at together
_NARROWEST = 2.0**-20  # of the way: where a gradient jumps, an interval this wide misses next to nothing
_SHARE = 1.0 / 128  # of the tolerance, that any interval may miss
_LEAST = 1e-5  # of all that is added and taken away: what counts as the difference where these cancel
_MOST = 512  # intervals of each window that are halved; beyond, roundings are all that is left


def slope_at_end(function: MemberFunction, start: Floats, weights: Floats) -> Floats:
    """The gradient at the windows themselves, times the difference from a baseline.

    Parameters
    ----------
    function, start, weights
        As in `integrated`.

    Returns
    -------
    ndarray of shape (n, steps, inputs)
    """
    end = function.matrix
    found = np.empty((len(end), len(weights), end.shape[1]))
    for mine in _blocks(len(end), end.shape[1] * len(weights)):
        _, gradient = function(end[mine], mine)
        for number, wanted in enumerate(weights):
            found[mine, number] = gradient(wanted) * (end[mine] - start[mine])
    return found


def integrated(
    function: MemberFunction, start: Floats, weights: Floats, difference: Floats, n_nodes: int, tolerance: float
) -> Floats:
    """The gradient integrated from a baseline to the windows, times their difference.

    The exact contribution of an interval is the difference of the forecasts at its ends. If the rule's error exceeds
    its share of the tolerance, as at a kink of a ReLU or a clip, the interval is halved.

    Parameters
    ----------
    function : MemberFunction
    start : ndarray of shape (n, inputs)
        The baseline of each of its windows.
    weights : ndarray of shape (steps, horizon)
        Weights of the sums of forecast steps that are differentiated.
    difference : ndarray of shape (n, steps)
        Difference of these sums at both ends.
    n_nodes : int
        Number of nodes of the rule on every interval.
    tolerance : float
        Tolerance, as a share of the difference.

    Returns
    -------
    ndarray of shape (n, steps, inputs)
    """
    end = function.matrix
    n, inputs = end.shape
    at, of = np.polynomial.legendre.leggauss(n_nodes)
    at, of = (at + 1) / 2, of / 2
    found = np.zeros((n, len(weights), inputs))
    size = np.abs(slope_at_end(function, start, weights)).sum(axis=2)
    allowed = tolerance * np.maximum(np.maximum(np.abs(difference), _LEAST * size), np.finfo(float).tiny)
    waiting: tuple[Array, ...] = _intervals(function.kinks(start, np.arange(n)))
    while len(waiting[0]):
        halved, last = [], len(waiting[0]) > _MOST * n
        for some in _blocks(len(waiting[0]), inputs * max(n_nodes, len(weights))):
            which, begin, width = (part[some] for part in waiting)
            base, way = start[which], end[which] - start[which]
            points = base[:, None] + (begin[:, None] + width[:, None] * at)[..., None] * way[:, None]
            _, gradient = function(points.reshape(-1, inputs), np.repeat(which, n_nodes))
            parts = np.empty((len(which), len(weights), inputs))
            for number, wanted in enumerate(weights):
                slopes = gradient(wanted).reshape(len(which), n_nodes, inputs)
                parts[:, number] = np.einsum("mnd,n->md", slopes, of) * way * width[:, None]
            ends = [function(base + place[:, None] * way, which)[0] @ weights.T for place in (begin, begin + width)]
            missed = np.abs(ends[1] - ends[0] - parts.sum(axis=2))
            good = (missed <= allowed[which] * np.maximum(width, _SHARE)[:, None]).all(axis=1)
            good |= (width <= _NARROWEST) | last
            np.add.at(found, which[good], parts[good])
            which, begin, width = which[~good], begin[~good], width[~good] / 2
            halved.append((np.repeat(which, 2), np.stack([begin, begin + width], 1).ravel(), np.repeat(width, 2)))
        waiting = tuple(np.concatenate(part) for part in zip(*halved, strict=True))
    return found


def _intervals(kinks: Floats) -> tuple[Integers, Floats, Floats]:
    """Window, begin and width of the intervals between kinks, none of them empty."""
    n = len(kinks)
    edges = np.concatenate([np.zeros((n, 1)), kinks, np.ones((n, 1))], axis=1)
    widths = np.diff(edges, axis=1)
    which, place = np.nonzero(widths > 0)
    return which, edges[which, place], widths[which, place]


def _blocks(n: int, numbers: int) -> list[Integers]:
    """Places of some at a time, so that all their numbers together fit in memory."""
    together = max(_NUMBERS // max(numbers, 1), 1)
    return [np.arange(first, min(first + together, n)) for first in range(0, n, together)]
