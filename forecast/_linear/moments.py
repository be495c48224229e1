"""Sums over windows of their values and of all products of two of them.

A joint window is what a regression reads and what it forecasts: of each target its lags and its horizon, then the
covariates. Contiguous windows are added up by a recursion, others one by one.

A step that some windows miss has sums of its own, so that a forecaster of many steps solves as many regressions. Where
most windows miss no target, these alone serve: one regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .._types import Booleans, Floats, Integers
from .contiguous import contiguous_sums

if TYPE_CHECKING:
    from .._windows import Windows
    from .inputs import Inputs

__all__ = ["WHOLE", "Moments", "complete", "moments_of"]

# Joint windows, the same times their weights, the weights, and what is missing.
_Piece: TypeAlias = tuple[Floats, Floats, Floats, Booleans]

_ENTRIES = 1 << 21  # of a piece of windows: 16 MB
_GRAMS = 1 << 25  # entries of matrices of products that are made in one go: 256 MB
_PRODUCTS = 4e10  # windows times squared columns, where each window is read
_MOST = 200_000  # windows that are read one by one
WHOLE = 2 / 3  # of the windows that miss no target, from which on the others are left out
_RUN = 16  # windows in a row, on average, for which the recursion is worth its start


@dataclass
class Moments:
    """Sums over windows.

    Attributes
    ----------
    count : float
        Windows, or their weights.
    sums : ndarray of shape (joint columns,)
        Sums of raw values less `offset`.
    squares : ndarray of shape (joint columns, joint columns)
    offset : ndarray of shape (joint columns,)
        What was subtracted first, so that nothing cancels. If the level of a window is subtracted anyway, each series
        has its own, and this is 0.
    holes : list of int
        Output columns that are missing in some windows.
    pieces : callable
        Reads the windows once more: yields joint windows, the same times their weights, weights, and which of `holes`
        are missing.
    is_levelled : bool
        Whether the windows were read without their level.
    """

    count: float
    sums: Floats
    squares: Floats
    offset: Floats
    holes: list[int] = field(default_factory=list)
    pieces: Callable[[], Iterator[_Piece]] | None = None
    is_levelled: bool = False

    def groups(self, inputs: Integers, outputs: Integers) -> Iterator[tuple[Integers, float, Floats, Floats]]:
        """Outputs that were seen in the same windows.

        Parameters
        ----------
        inputs : ndarray of int
            Columns of the inputs, all of them.
        outputs : ndarray of int

        Yields
        ------
        outputs : ndarray of int
        count : float
        sums : ndarray of shape (joint columns,)
        squares : ndarray of shape (joint columns, joint columns)
            Squares with the rows and columns of the inputs and of these outputs.
        """
        holed = [column for column in outputs if column in self.holes]
        whole = np.setdiff1d(outputs, holed)
        if len(whole):
            yield whole, self.count, self.sums, self.squares
        together = max(1, _GRAMS // len(inputs) ** 2)
        for first in range(0, len(holed), together):
            for column, (count, sums, squares) in self._missing(inputs, holed[first : first + together]).items():
                own, total = self.squares.copy(), self.sums.copy()
                own[np.ix_(inputs, inputs)] -= squares
                total[inputs] -= sums
                yield np.array([column]), self.count - count, total, own

    def _missing(self, inputs: Integers, columns: list[int]) -> dict[int, tuple[float, Floats, Floats]]:
        """Count, sums and squares of the inputs over the windows in which each of some outputs is missing."""
        found: dict[int, tuple[float, Floats, Floats]] = {
            column: (0.0, np.zeros(len(inputs)), np.zeros((len(inputs), len(inputs)))) for column in columns
        }
        for table, weighted, weight, missing in self.pieces() if self.pieces else ():
            for column in columns:
                gone = np.flatnonzero(missing[:, self.holes.index(column)])
                if len(gone):
                    x, w = table[np.ix_(gone, inputs)], weighted[np.ix_(gone, inputs)]
                    count, sums, squares = found[column]
                    found[column] = count + weight[gone].sum(), sums + w.sum(axis=0), squares + w.T @ x
        return found


def moments_of(windows: Windows, inputs: Inputs, weight: Floats | None = None) -> Moments:
    """Add up windows.

    Parameters
    ----------
    windows : Windows
        Windows with a future. If at least two thirds of them, or of their weight, miss no target, the others are
        left out.
    inputs : Inputs
    weight : ndarray of shape (n,), default=None

    Returns
    -------
    Moments
    """
    windows, weight = _to_learn_from(windows, weight)
    linear = windows._norm.kind != "standard" and inputs.lags == windows.lookback
    order = np.argsort(windows.origins, kind="stable")
    windows, weight = windows[order], None if weight is None else weight[order]
    runs = _runs(windows)
    offset, own = _offsets(windows, inputs, runs, linear)
    contiguous = [(number, piece) for number, part in runs for piece in _split(part)]
    worth = len(contiguous) <= len(runs) + len(windows) // _RUN
    if linear and worth and weight is None and not _has_holes(windows, contiguous):
        count, sums, squares = contiguous_sums(windows, inputs, contiguous, offset, own)
        return Moments(float(count), sums, squares, offset)
    return _one_by_one(windows, inputs, weight, offset, own, linear)


def complete(windows: Windows, steps: Integers | None = None) -> Booleans:
    """Which windows miss no target.

    Parameters
    ----------
    windows : Windows
        Windows with a future.
    steps : ndarray of int, default=None
        Steps of the horizon that are looked at; None: all.

    Returns
    -------
    ndarray of bool of shape (n,)
    """
    if windows.targets is None:
        return np.ones(len(windows), dtype=bool)
    gone = np.asarray(np.isnan(windows.targets).any(axis=1))
    if steps is not None:
        return ~gone[windows.origins[:, None] + 1 + steps].any(axis=1)
    before = np.concatenate([[0], np.cumsum(gone)])
    return before[windows.origins + windows.horizon + 1] == before[windows.origins + 1]


def _to_learn_from(windows: Windows, weight: Floats | None) -> tuple[Windows, Floats | None]:
    kept = complete(windows)
    most, total = (kept.sum(), len(kept)) if weight is None else (weight[kept].sum(), weight.sum())
    if kept.all() or most < WHOLE * total or not most > 0:
        return windows, weight
    return windows[kept], None if weight is None else weight[kept]


def _split(origins: Integers) -> list[Integers]:
    """Origins without a gap between them."""
    return np.split(origins, np.flatnonzero(np.diff(origins) != 1) + 1)


def _runs(windows: Windows) -> list[tuple[int, Integers]]:
    """(number of the series, its origins), in the order of the rows."""
    cuts = np.searchsorted(windows.origins, windows.starts)
    return [
        (int(number), windows.origins[cuts[number] : cuts[number + 1]].astype(np.int64))
        for number in np.flatnonzero(np.diff(cuts))
    ]


def _has_holes(windows: Windows, runs: list[tuple[int, Integers]]) -> bool:
    if windows.targets is None:
        return False
    return any(np.isnan(windows.targets[part[0] + 1 : part[-1] + windows.horizon + 1]).any() for _, part in runs)


def _offsets(windows: Windows, inputs: Inputs, runs: list[tuple[int, Integers]], linear: bool) -> tuple[Floats, Floats]:
    """Means to subtract: of a joint window, and of the targets of each series, shape (series, targets).

    They come from rows that the windows read, and from no other.
    """
    n = inputs.targets
    own = np.zeros((len(windows.starts) - 1, n))
    rows = np.zeros(len(windows.starts) - 1)
    for number, part in runs:
        read = windows.values[part[0] - inputs.lags + 1 : part[-1] + 1, :n]
        own[number], rows[number] = read.mean(axis=0, dtype=np.float64), len(read)
    offset = np.zeros(n * inputs.steps + inputs.extras)
    if not linear:
        own[...] = 0.0
    elif windows._norm.kind is None:
        own[...] = rows @ own / rows.sum()
        offset[: n * inputs.steps] = np.repeat(own[0], inputs.steps)
    if inputs.extras:
        some = windows[:: max(1, len(windows) // 1000)]
        extra = inputs.extra(some).mean(axis=0)
        first = inputs.others * len(inputs.backs)
        known = extra[first : first + inputs.blocks * inputs.features].reshape(inputs.blocks, inputs.features)
        known[...] = known.mean(axis=0) if inputs.features else 0.0  # a recursion from step to step needs one for all
        offset[n * inputs.steps :] = extra
    return offset, own


def _one_by_one(
    windows: Windows, inputs: Inputs, weight: Floats | None, offset: Floats, own: Floats, linear: bool
) -> Moments:
    size, joint = len(offset), inputs.targets * inputs.steps
    most = min(_MOST, max(4 * size, int(_PRODUCTS / size**2)))
    step = -(-len(windows) // most)
    windows, weight = windows[::step], None if weight is None else weight[::step]
    outputs, holed = inputs.output_columns.ravel(), np.zeros(inputs.output_columns.size, dtype=bool)
    rows = max(1, _ENTRIES // size)

    def pieces() -> Iterator[_Piece]:
        for begin in range(0, len(windows), rows):
            table = _joint(windows[begin : begin + rows], inputs, own, linear)
            table[:, joint:] -= offset[joint:]  # the targets' is subtracted already
            missing = np.isnan(table[:, outputs])
            table[np.isnan(table)] = 0.0
            some = np.ones(len(table)) if weight is None else weight[begin : begin + rows]
            yield table, table if weight is None else table * some[:, None], some, missing

    count, sums, squares = 0.0, np.zeros(size), np.zeros((size, size))
    for table, weighted, some, missing in pieces():
        count += some.sum()
        sums += weighted.sum(axis=0)
        squares += weighted.T @ table
        holed |= missing.any(axis=0)

    def narrowed() -> Iterator[_Piece]:
        return ((table, weighted, some, missing[:, holed]) for table, weighted, some, missing in pieces())

    return Moments(count, sums, squares, offset, outputs[holed].tolist(), narrowed, is_levelled=not linear)


def _joint(windows: Windows, inputs: Inputs, own: Floats, linear: bool) -> Floats:
    """Joint windows, shape (n, joint columns): raw less the offset of their series, or as their norm makes them."""
    n = len(windows)
    if not linear:
        past = inputs.past(windows)
        ahead = np.asarray(windows.y, dtype=np.float64).reshape(n, inputs.horizon, inputs.targets).transpose(0, 2, 1)
    else:
        offset = own[windows.which][:, :, None]
        rows = windows.origins[:, None]
        past = windows.values[rows + np.arange(1 - inputs.lags, 1), : inputs.targets].transpose(0, 2, 1) - offset
        ahead = windows.target_values[rows + np.arange(1, inputs.horizon + 1)].transpose(0, 2, 1) - offset
    joint = np.concatenate([past, ahead], axis=2, dtype=np.float64).reshape(n, -1)
    return np.concatenate([joint, inputs.extra(windows)], axis=1)
