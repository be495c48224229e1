"""Fixed conformal offsets from a calibration set, and checks of coverages and residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._refusals import Refusal, argument, joined
from .._shares import shares
from .._types import Floats

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["coverages_of", "needed_by", "residuals_needed", "static_offsets", "three_axes"]


def residuals_needed(coverage: float | Sequence[float] | Floats) -> int:
    """Number of residuals that a two-sided conformal interval needs: with fewer, its bound would be beyond all of them.

    Parameters
    ----------
    coverage : float or list of floats
        Between 0 and 1; of several, the highest counts.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        `coverage` is not a number between 0 and 1.

    Examples
    --------
    >>> residuals_needed(0.8), residuals_needed(0.95)
    (9, 39)
    """
    return int(needed_by(coverages_of(coverage)[0].max()))


def needed_by(levels: npt.ArrayLike) -> Any:
    """As `residuals_needed`, by each of some coverages that are checked."""
    return _whole_up(2.0 / (1.0 - np.asarray(levels))).astype(np.int64) - 1


def _whole_up(number: npt.ArrayLike) -> Floats:
    """Ceiling that takes 39.00000000001, which means 39, as 39."""
    return np.ceil(np.asarray(number) - 1e-9)


def coverages_of(coverage: float | Sequence[float] | Floats) -> tuple[npt.NDArray[np.float64], bool]:
    """As a float64 array, and whether a single number was given."""
    single = np.ndim(coverage) == 0
    levels = np.array(shares(coverage, "coverage", least=1))
    return levels, single


def three_axes(name: str, numbers: Any, *, finite: bool = False) -> npt.NDArray[np.float64]:
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iuf" or numbers.ndim != 3:
        raise ValueError(
            Refusal(
                f"is {numbers.ndim}-D {numbers.dtype}, shape {numbers.shape}",
                where=name,
                expected="numbers of shape (origins, steps, targets)",
            )
        )
    numbers = numbers.astype(np.float64)
    wrong = ~np.isfinite(numbers) if finite else np.isinf(numbers)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            Refusal(
                f"has {int(wrong.sum())} values that are {'NaN or ' if finite else ''}infinite, the first at (origin, "
                f"step, target) {at}",
                where=name,
                expected=f"finite numbers{'' if finite else ', or NaN where missing'}",
            )
        )
    return numbers


def static_offsets(residuals: Any, coverage: float | Sequence[float]) -> tuple[Floats, Floats]:
    """Offsets of split conformal intervals, per step and target, to add to a forecast for its bounds.

    Each side has half of the misses: the upper offset is the k-th smallest of n residuals, the lower one the k-th
    largest, k = ceil((n + 1) (1 + coverage) / 2). So the interval is as skewed as the residuals are and takes out the
    forecast's bias, at the price of twice as many residuals as their absolute values would need. For exchangeable
    residuals it covers at least `coverage`, and at most 2 / (n + 1) more where there are no ties.

    Parameters
    ----------
    residuals : array-like of shape (n, steps, targets)
        Actual less forecast of a calibration set that the model was not fitted on; NaN where the actual is missing.
    coverage : float or list of floats
        Between 0 and 1.

    Returns
    -------
    lower, upper : ndarray of shape (steps, targets)
        Bounds; with a list, of shape (coverages, steps, targets).

    Raises
    ------
    TypeError, ValueError
        `coverage` is not between 0 and 1, residuals have another shape or are infinite, or are too few for it.

    References
    ----------
    Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World. Springer 2005.
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman: Distribution-free predictive inference for regression. JASA 113 (2018),
    1094-1111.

    Examples
    --------
    >>> import numpy as np
    >>> residuals = np.arange(-4.0, 15.0).reshape(19, 1, 1)
    >>> lower, upper = static_offsets(residuals, 0.8)
    >>> lower.item(), upper.item()
    (-3.0, 13.0)
    """
    levels, single = coverages_of(coverage)
    residuals = three_axes("residuals", residuals)
    known = (~np.isnan(residuals)).sum(axis=0)
    needed = residuals_needed(levels)
    if known.size and known.min() < needed:
        step, target = (int(i) for i in np.argwhere(known == known.min())[0])
        raise ValueError(
            Refusal(
                f"coverage {levels.max():g} needs {needed} known residuals of every step",
                got=f"got {known.min()} of step {step + 1}, target {target}",
                expected=joined(
                    "more of them (", argument("validation_fraction", 0.2), ", more rows), or a lower coverage"
                ),
            )
        )
    rank = _whole_up((known + 1) * (1 + levels[:, None, None]) / 2).astype(np.int64)
    rank = np.minimum(rank, known)
    ordered = np.sort(residuals, axis=0)
    upper = np.take_along_axis(ordered, rank - 1, axis=0)
    lower = np.take_along_axis(ordered, known - rank, axis=0)
    return (lower[0], upper[0]) if single else (lower, upper)
