"""Ridge regression from sums over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._types import Floats, Integers

if TYPE_CHECKING:
    from .inputs import Inputs
    from .level import Level
    from .moments import Moments

__all__ = ["normal_equations", "penalties_of", "ridges", "solved"]

_LEAST = 1e-10  # of the mean square: inputs may depend on each other
_CONSTANT = 1e-12  # of the mean square: a variance below that is rounding


def ridges(
    moments: Moments, inputs: Inputs, level: Level | None, penalties: list[float], steps: Integers | None = None
) -> list[tuple[Floats, Floats]]:
    """Coefficients with an intercept that is not penalised, for each of some penalties.

    Parameters
    ----------
    moments : Moments
    inputs : Inputs
    level : Level or None
        What is subtracted from windows that were added up raw.
    penalties : list of float
        Relative to the mean square of the inputs.
    steps : ndarray of int, default=None
        Steps of the horizon, which are solved for; the others stay 0. None: all.

    Returns
    -------
    list of (coefficients, intercept)
        Of shape (columns, outputs) and (outputs,).
    """
    outputs = inputs.output_columns.ravel()
    columns = inputs.input_columns
    shape = len(columns), len(outputs)
    solutions: list[tuple[Floats, Floats]] = [(np.zeros(shape), np.zeros(shape[1])) for _ in penalties]
    place = {column: number for number, column in enumerate(outputs)}
    outputs = outputs if steps is None else np.sort(inputs.output_columns[steps].ravel())
    level = None if moments.is_levelled else level
    for some, count, sums, squares in moments.groups(columns, outputs):
        if not count > 0:
            continue
        x, y, gram, cross = normal_equations(count, sums, squares, level, columns, some)
        where = [place[column] for column in some]
        for penalty, (coefficients, intercept) in zip(penalties, solutions, strict=True):
            found = solved(gram, cross, penalties_of(gram, inputs, penalty))
            coefficients[:, where] = found
            intercept[where] = y + moments.offset[some] - (x + moments.offset[columns]) @ found
    return solutions


def normal_equations(
    count: float, sums: Floats, squares: Floats, level: Level | None, columns: Integers, outputs: Integers
) -> tuple[Floats, Floats, Floats, Floats]:
    """Means and centred mean products.

    Those of a constant are 0, so that its coefficient is 0. Rounding would leave a quotient of two errors, and
    forecasts in billions: where all windows begin at the same hour (`step=24`), what is known of a step is constant.

    Parameters
    ----------
    count, sums, squares
        Of a group of `Moments`.
    level : Level or None
    columns, outputs : ndarray of int
        Places of the inputs and the outputs in a joint window.

    Returns
    -------
    x, y : ndarray of shape (columns,) and (outputs,)
    gram, cross : ndarray of shape (columns, columns) and (columns, outputs)
    """
    if level is not None:
        sums, squares = level.sums(sums), level.squares(squares)
    x, y = sums[columns] / count, sums[outputs] / count
    gram = squares[np.ix_(columns, columns)] if np.ptp(columns) >= len(columns) else _square(squares, columns)
    gram /= count
    gram -= np.outer(x, x)
    cross = squares[np.ix_(columns, outputs)] / count - np.outer(x, y)
    variances = np.diag(gram)
    constant = np.flatnonzero(variances <= _CONSTANT * (variances + x**2))
    gram[constant], gram[:, constant], cross[constant] = 0.0, 0.0, 0.0
    return x, y, gram, cross


def _square(squares: Floats, columns: Integers) -> Floats:
    """The same of columns in a row, which are copied faster."""
    block = slice(columns[0], columns[-1] + 1)
    return squares[block, block].copy()


def penalties_of(gram: Floats, inputs: Inputs, penalty: float) -> Floats:
    """What is added to the diagonal: a multiple of the mean square of a target's lags; of a covariate, of its own.

    Parameters
    ----------
    gram : ndarray of shape (columns, columns)
        Gram matrix of centred inputs.
    inputs : Inputs
    penalty : float

    Returns
    -------
    ndarray of shape (columns,)
    """
    size = np.diag(gram).copy()
    lags = inputs.targets * inputs.lags
    means = size[:lags].reshape(inputs.targets, inputs.lags).mean(axis=1) if lags else np.zeros(0)
    size[:lags] = np.repeat(means, inputs.lags)
    return penalty * size


def solved(gram: Floats, cross: Floats, penalties: Floats) -> Floats:
    """Solution of the penalised normal equations.

    Parameters
    ----------
    gram : ndarray of shape (columns, columns)
        Gram matrix of centred inputs.
    cross : ndarray of shape (columns, outputs)
    penalties : ndarray of shape (columns,)

    Returns
    -------
    ndarray of shape (columns, outputs)
    """
    from scipy.linalg import lapack  # here, because importing it takes longer than all of this package

    size = np.trace(gram) / max(1, len(gram))
    if not size > 0:
        return np.zeros_like(cross)
    # Of its own mean square, whatever that of others: a target may be in millionths and a covariate in millions. What
    # is below the rounding of the others is a constant.
    least = _LEAST * np.maximum(np.diag(gram), np.finfo(np.float64).eps * size)
    system = _penalised(gram, penalties, least)
    _, found, info = lapack.dposv(system.T, cross, overwrite_a=True)  # symmetric: the order of Fortran costs no copy
    if info == 0:
        return found
    # Not positive by rounding, where inputs depend on each other and the penalty is next to nothing.
    return np.linalg.lstsq(_penalised(gram, penalties, least), cross, rcond=None)[0]


def _penalised(gram: Floats, penalties: Floats, least: Floats) -> Floats:
    system = gram.copy()
    system.flat[:: len(gram) + 1] += np.maximum(penalties, least)
    return system
