"""Means and deviations of windows that are read in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core

if TYPE_CHECKING:
    from typing import Any

    from .._types import Floats, Integers

__all__ = ["Moments"]

_KINDS = ("past", "target", "extra")


class Moments:
    """Moments of windows, part by part; merged as Chan, Golub and LeVeque (1979) do, in float64.

    The parts count by their numbers of windows. The result depends on their order only in the last bits, so parts have
    to come in the same order for the same bits.

    Attributes
    ----------
    n : int
        Windows so far.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.arange(8.0)[:, None]
    >>> whole, parts = Moments(), Moments()
    >>> arguments = {"past": rows, "lookback": 1, "past_stride": 1, "target": rows, "horizon": 1, "target_stride": 1}
    >>> whole.add(arguments, np.arange(8))
    >>> for some in (np.arange(3), np.arange(3, 8)):
    ...     parts.add(arguments, some)
    >>> bool(np.isclose(whole.found()["past_std"], parts.found()["past_std"], rtol=1e-14).all())
    True
    """

    def __init__(self) -> None:
        self.n = 0
        self._mean: dict[str, Floats] = {}
        self._squares: dict[str, Floats] = {}  # sums of squared deviations over n

    def add(self, arguments: dict[str, Any], index: Integers) -> None:
        """Add some windows.

        Parameters
        ----------
        arguments : dict
            Arguments of `_core.Source`.
        index : ndarray of int
        """
        if not len(index):
            return
        found = _core.moments(_core.Source(**arguments), np.ascontiguousarray(index, dtype=np.int64))
        before, self.n = self.n, self.n + len(index)
        share = len(index) / self.n
        for kind in _KINDS:
            mean, variance = found[f"{kind}_mean"], found[f"{kind}_std"] ** 2
            if not before:
                self._mean[kind], self._squares[kind] = mean, variance
                continue
            apart = mean - self._mean[kind]
            self._mean[kind] = self._mean[kind] + share * apart
            self._squares[kind] = (1 - share) * self._squares[kind] + share * variance + share * (1 - share) * apart**2

    def found(self) -> dict[str, Floats]:
        """Means and standard deviations, named as those of the core's `moments`."""
        means = {f"{kind}_mean": self._mean[kind] for kind in _KINDS}
        return means | {f"{kind}_std": np.sqrt(self._squares[kind]) for kind in _KINDS}
