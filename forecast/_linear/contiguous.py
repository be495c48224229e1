"""Sums over contiguous windows, in a time that is almost independent of their number.

The product of steps i + 1 and j + 1 is that of steps i and j less one boundary product and plus another. So the first
row and the first column, by fast Fourier transforms, give the whole matrix, for the steps of the targets as for those
of what is known ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Floats, Integers

if TYPE_CHECKING:
    from .._windows import Windows
    from .inputs import Inputs

__all__ = ["contiguous_sums"]

_ENTRIES = 1 << 21  # of columns that are transformed at once: 16 MB


def contiguous_sums(
    windows: Windows, inputs: Inputs, runs: list[tuple[int, Integers]], offset: Floats, own: Floats
) -> tuple[int, Floats, Floats]:
    """Sums of joint windows and of their products.

    Parameters
    ----------
    windows : Windows
    inputs : Inputs
    runs : list of (int, ndarray of int)
        Number of a series and its origins, one after the other without a gap.
    offset : ndarray of shape (joint columns,)
        What is subtracted from covariates: for a feature known ahead, the same at all steps.
    own : ndarray of shape (series, targets)
        What is subtracted from targets.

    Returns
    -------
    count : int
    sums : ndarray of shape (joint columns,)
    squares : ndarray of shape (joint columns, joint columns)
        0 where both are outputs: no regression reads these.
    """
    n, steps, horizon, features = inputs.targets, inputs.steps, inputs.horizon, inputs.features
    joint, known = n * steps, _known_columns(inputs)
    loose = np.setdiff1d(np.arange(joint, len(offset)), known)
    sums, squares = np.zeros(len(offset)), np.zeros((len(offset), len(offset)))
    past, crossed, ahead = _Products(steps, steps), _Products(steps, horizon), _Products(horizon, horizon)
    count = 0
    for number, part in runs:
        m = len(part)
        low, end = part[0] - inputs.lags + 1, part[-1] + horizon + 1
        z = _Run(windows.values[low:end, :n] - own[number], m, m + steps - 1)
        past.add(z, z)
        count += m
        sums[:joint] += z.sums(steps).ravel()
        f = None
        if features and windows.future is not None:
            f = _Run(windows.future[part[0] + 1 : end] - offset[known[:features]], m, z.length)
            crossed.add(z, f)
            ahead.add(f, f)
            sums[known] += _averaged(f.sums(horizon), inputs).T.ravel()
        if len(loose):
            _add_loose(windows.at(part), inputs, offset, loose, z, f, sums, squares)
    squares[:joint, :joint] = past.symmetric(inputs.lags).reshape(joint, joint)
    for feature in range(features):
        mine = known[feature::features]
        squares[:joint, mine] = _averaged(crossed.whole(feature)[:, :, 0], inputs).reshape(joint, -1)
        squares[mine, :joint] = squares[:joint, mine].T
        for other in range(feature, features):
            both = _averaged(ahead.whole(other, feature)[0, :, 0], inputs)
            both = _averaged(both.T, inputs)
            squares[np.ix_(known[other::features], mine)] = both
            squares[np.ix_(mine, known[other::features])] = both.T
    return count, sums, squares


def _known_columns(inputs: Inputs) -> Integers:
    """Columns of what is known ahead: step by step, or block by block, all features of each."""
    first = inputs.targets * inputs.steps + inputs.others * len(inputs.backs)
    return np.arange(first, first + inputs.blocks * inputs.features)


def _averaged(values: Floats, inputs: Inputs) -> Floats:
    """Means over the blocks of steps of the last axis."""
    if inputs.block == 1:
        return values
    begins = np.arange(0, inputs.horizon, inputs.block)
    return np.add.reduceat(values, begins, axis=-1) / np.diff(np.append(begins, inputs.horizon))


def _add_loose(
    windows: Windows,
    inputs: Inputs,
    offset: Floats,
    loose: Integers,
    z: _Run,
    f: _Run | None,
    sums: Floats,
    squares: Floats,
) -> None:
    """Add the inputs that are not lags: newest and seasonal values of other channels, and static values."""
    joint, known = inputs.targets * inputs.steps, _known_columns(inputs)
    values = inputs.extra(windows, ahead=False) - offset[loose]
    squares[np.ix_(loose, loose)] += values.T @ values
    sums[loose] += values.sum(axis=0)
    size = max(1, _ENTRIES // z.length)
    for begin in range(0, len(loose), size):
        columns = loose[begin : begin + size]
        w = _Run(values[:, begin : begin + size], len(values), z.length)
        new = w.correlated(z, inputs.steps).reshape(len(columns), joint)
        squares[columns, :joint] += new
        squares[:joint, columns] += new.T
        if f is not None:
            new = _averaged(w.correlated(f, inputs.horizon), inputs).transpose(0, 2, 1).reshape(len(columns), -1)
            squares[np.ix_(columns, known)] += new
            squares[np.ix_(known, columns)] += new.T


class _Run:
    """Channels of contiguous rows, and their transforms.

    Parameters
    ----------
    values : ndarray of shape (rows, channels)
    m : int
        Windows: at step i, rows i to i + m - 1.
    length : int
        Rows of the longest run that it is multiplied with.
    """

    def __init__(self, values: Floats, m: int, length: int) -> None:
        from scipy.fft import next_fast_len  # here, because importing it takes longer than all of this package

        self.values, self.m, self.length = values.astype(np.float64, copy=False), m, length
        self._size = next_fast_len(int(length), real=True)
        self._head = np.conj(np.fft.rfft(self.values[:m].T, self._size))
        self._whole = self._head.conj() if len(values) == m else np.fft.rfft(self.values.T, self._size)

    def sums(self, steps: int) -> Floats:
        """Of each channel at each step, shape (channels, steps)."""
        total = np.concatenate([np.zeros((1, self.values.shape[1])), np.cumsum(self.values, axis=0)])
        return (total[self.m : self.m + steps] - total[:steps]).T

    def correlated(self, other: _Run, steps: int) -> Floats:
        """Products of the first step with each step of another run, shape (channels, its channels, steps)."""
        return np.stack([np.fft.irfft(one * other._whole, self._size)[:, :steps] for one in self._head])


class _Products:
    """Of each step of some channels with each step of others.

    Parameters
    ----------
    left, right : int
        How many steps.
    """

    def __init__(self, left: int, right: int) -> None:
        self.steps = left, right
        self.row: Any = 0.0  # arrays from the first run on
        self.column: Any = 0.0
        self.before: list[tuple[Floats, Floats]] = []
        self.after: list[tuple[Floats, Floats]] = []

    def add(self, left: _Run, right: _Run) -> None:
        """Add a run."""
        (i, j), m = self.steps, left.m
        self.row = self.row + left.correlated(right, j)
        self.column = self.column + (right.correlated(left, i) if right is not left else 0.0)
        self.same = right is left
        self.before.append((left.values[: i - 1], right.values[: j - 1]))
        self.after.append((left.values[m : m + i - 1], right.values[m : m + j - 1]))

    def whole(self, of_right: int | None = None, of_left: int | None = None) -> Floats:
        """The matrix, or that of single channels, shape (left channels, left steps, right channels, right steps)."""
        some = [slice(None) if of is None else slice(of, of + 1) for of in (of_left, of_right)]
        row = self.row[some[0], some[1]]
        out = np.empty((row.shape[0], self.steps[0], row.shape[1], self.steps[1]))
        self._fill(out, row, (self.row if self.same else self.column)[some[1], some[0]], some)
        return out

    def symmetric(self, first: int) -> Floats:
        """Of channels with themselves: the rows and columns of the first steps, 0 if both are later ones."""
        channels, steps = self.row.shape[0], self.steps[0]
        out = np.zeros((channels, steps, channels, steps))
        if first:
            self._fill(out[:, :first], self.row, self.row[:, :, :first], [slice(None)] * 2)
            out[:, first:, :, :first] = out[:, :first, :, first:].transpose(2, 3, 0, 1)
        return out

    def _fill(self, out: Floats, row: Floats, column: Floats, some: list[slice]) -> None:
        """Products of the left steps that `out` has, from those of the first one with all right steps and of all."""
        _, i, _, j = out.shape
        out[:, 0] = row
        out[:, :, :, 0] = column.transpose(1, 2, 0)
        if i > 1 and j > 1:
            moved = self._moved(some, i - 1).reshape(row.shape[0], i - 1, row.shape[1], j - 1)
            for step in range(i - 1):
                np.add(out[:, step, :, :-1], moved[:, step], out=out[:, step + 1, :, 1:])

    def _moved(self, some: list[slice], left_steps: int) -> Floats:
        """What comes at each step less what goes."""
        pairs = self.after + self.before
        left = np.array([pair[0][:left_steps, some[0]].T.ravel() for pair in pairs])
        right = np.array([pair[1][:, some[1]].T.ravel() for pair in pairs])
        right[len(self.after) :] *= -1
        return left.T @ right
