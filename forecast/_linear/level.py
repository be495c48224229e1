"""What a window norm subtracts, as a linear map of the window: then sums over raw windows are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .._types import Floats, Integers

if TYPE_CHECKING:
    from .._windows import Norm
    from .inputs import Inputs

__all__ = ["Level"]


@dataclass(frozen=True)
class Level:
    """A joint window v becomes v - (weights' v)[where]; columns with `where` of -1 stay as they are.

    Attributes
    ----------
    where : ndarray of int of shape (joint columns,)
        Level that is subtracted from each column; covariates, which have none, come last.
    weights : ndarray of shape (joint columns, levels)
        Each level is a mean of lags.
    """

    where: Integers
    weights: Floats

    @classmethod
    def of(cls, norm: Norm, inputs: Inputs) -> Self | None:
        """The level of a norm.

        Parameters
        ----------
        norm : Norm
            Norm of a kind other than "standard", which is not linear.
        inputs : Inputs
            Inputs with all lags of the lookback.

        Returns
        -------
        Level or None
            None: nothing is subtracted.
        """
        if norm.kind is None:
            return None
        season = norm.season if norm.kind == "season" else 1
        joint = inputs.targets * inputs.steps
        target, step = np.divmod(np.arange(joint), inputs.steps)
        level = target * season + step % season
        where = np.concatenate([level, np.full(inputs.extras, -1)])
        newest = {"last": 1, "mean": norm.steps, "season": inputs.lags}[norm.kind]
        read = (step < inputs.lags) & (step >= inputs.lags - newest)
        weights = np.zeros((joint + inputs.extras, inputs.targets * season))
        weights[np.flatnonzero(read), level[read]] = 1.0
        return cls(where, weights / weights.sum(axis=0))

    def squares(self, squares: Floats) -> Floats:
        """Products of windows without their level, from those of raw windows, shape (columns, columns)."""
        taken: Floats = self.weights.T @ squares
        both: Floats = taken @ self.weights
        if len(both) == 1:  # the same, without matrices of copies
            joint = int((self.where == 0).sum())
            out = squares.copy()
            out[:joint] -= taken
            out[:, :joint] -= taken.T
            out[:joint, :joint] += both
            return out
        taken = self._placed(taken)
        both = self._placed(self._placed(both).T)
        return squares - taken - taken.T + both

    def sums(self, sums: Floats) -> Floats:
        """The same of sums of windows, shape (columns,)."""
        return sums - self._placed(self.weights.T @ sums)

    def raw(self, coefficients: Floats, outputs: Integers, columns: Integers) -> Floats:
        """Coefficients that forecast raw values from raw inputs.

        Parameters
        ----------
        coefficients : ndarray of shape (inputs, outputs)
            Coefficients from inputs without their level to outputs without theirs.
        outputs, columns : ndarray of int
            Places of the outputs and the inputs in a joint window.

        Returns
        -------
        ndarray of shape (inputs, outputs)
        """
        where = self.where[columns]
        taken = np.zeros((self.weights.shape[1], coefficients.shape[1]))
        np.add.at(taken, where[where >= 0], coefficients[where >= 0])
        weights = self.weights[columns]
        return coefficients - weights @ taken + weights[:, self.where[outputs]]

    def _placed(self, levels: Floats) -> Floats:
        """Rows of levels at the columns from which they are taken; 0 elsewhere."""
        return np.concatenate([levels, np.zeros((1, *levels.shape[1:]))])[self.where]
