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

    Parts count by their numbers of windows, or of known targets. The result depends on their order only in the last
    bits, so parts have to come in the same order for the same bits.

    Attributes
    ----------
    n : int
        Windows so far.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.arange(8.0)[:, None]
    >>> whole, parts, last = Moments(), Moments(), Moments()
    >>> arguments = {"past": rows, "lookback": 1, "past_stride": 1, "target": rows, "horizon": 1, "target_stride": 1}
    >>> whole.add(arguments, np.arange(8))
    >>> parts.add(arguments, np.arange(3))
    >>> last.add(arguments, np.arange(3, 8))
    >>> parts.merge(last)
    >>> bool(np.isclose(whole.found()["past_std"], parts.found()["past_std"], rtol=1e-14).all())
    True
    """

    def __init__(self) -> None:
        self.n = 0
        self._counts: dict[str, Floats] = {}
        self._mean: dict[str, Floats] = {}
        self._squares: dict[str, Floats] = {}  # sums of squared deviations over the counts

    def add(self, arguments: dict[str, Any], index: Integers, n: int | None = None, known: Any = None) -> None:
        """Add some windows.

        Parameters
        ----------
        arguments : dict
            Arguments of `_core.Source`.
        index : ndarray of int
        n : int, default=None
            Number of windows that those of `index` are an even sample of. None: they are all.
        known : array-like of shape (outputs,), default=None
            Number of known targets of each output. None: all are known.
        """
        if not len(index):
            return
        found = _core.moments(_core.Source(**arguments), np.ascontiguousarray(index, dtype=np.int64))
        part = Moments()
        part.n = len(index) if n is None else n
        for kind in _KINDS:
            part._mean[kind], part._squares[kind] = found[f"{kind}_mean"], found[f"{kind}_std"] ** 2
            part._counts[kind] = np.full(part._mean[kind].shape, float(part.n))
        if known is not None:
            part._counts["target"] = np.asarray(known, dtype=np.float64).reshape(part._mean["target"].shape)
        self.merge(part)

    def merge(self, part: Moments) -> None:
        """Add the windows of another one.

        Parameters
        ----------
        part : Moments
            Not changed.
        """
        before, self.n = self.n, self.n + part.n
        for kind, counts in part._counts.items():
            if not before:
                self._counts[kind] = counts
                self._mean[kind], self._squares[kind] = part._mean[kind], part._squares[kind]
                continue
            self._counts[kind] = self._counts[kind] + counts
            share = counts / np.maximum(self._counts[kind], 1.0)
            apart = part._mean[kind] - self._mean[kind]
            spread = share * part._squares[kind] + share * (1 - share) * apart**2
            self._mean[kind] = self._mean[kind] + share * apart
            self._squares[kind] = (1 - share) * self._squares[kind] + spread

    def found(self) -> dict[str, Floats]:
        """Means and standard deviations, named as those of the core's `moments`."""
        means = {f"{kind}_mean": self._mean[kind] for kind in _KINDS}
        return means | {f"{kind}_std": np.sqrt(self._squares[kind]) for kind in _KINDS}
