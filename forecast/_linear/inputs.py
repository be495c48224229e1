"""Which values of a window are inputs of the regression, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from .._frames import season_length
from .._refusals import Fix, Refusal
from .._types import Floats, Integers

if TYPE_CHECKING:
    from .._windows import Windows

__all__ = ["MOST", "Inputs"]

MOST = 4096  # columns: beyond, a solution takes minutes and gigabytes
_OTHERS = 1024  # columns of the past of other channels, and as many of the known future
# Steps back of another channel that are read besides its seasonal values, the most important first. MAE of the linear
# forecaster with 0 to 2 alone and with all: temperature of notebook 02 2.92 and 2.58, Beijing D1a 44.9 and 44.7,
# Valencia's ozone 5 hours ahead 9.51 and 9.44; with 0 to 11 2.63, 44.7 and 9.43, in a third more time.
_NEWEST, _OLDER = (0, 1, 2), (3, 5, 7, 11)


@dataclass(frozen=True)
class Inputs:
    """The inputs in the order of their columns: lags, target by target, oldest first; others; known future; static.

    Attributes
    ----------
    targets, horizon, lookback : int
    lags : int
        Newest steps of each target that are read; fewer than `lookback` where that would be too many columns.
    others : int
        Channels after the targets.
    backs : tuple of int
        Values that are read, in steps back from the newest.
    features : int
        Values known ahead of each step.
    block : int
        Steps of the horizon over which the known future is averaged: 1 where each step's values fit.
    static : int
    """

    targets: int
    horizon: int
    lookback: int
    lags: int
    others: int = 0
    backs: tuple[int, ...] = ()
    features: int = 0
    block: int = 1
    static: int = 0

    @classmethod
    def of(cls, windows: Windows, covariates: Literal["auto"] | None) -> Self:
        """Of windows.

        Parameters
        ----------
        windows : Windows
        covariates : {"auto", None}

        Returns
        -------
        Inputs
        """
        if windows.stamps is not None:
            raise ValueError(
                Refusal(
                    "has a weight for each lag and each step, which rows at any times do not have",
                    where="LinearForecaster",
                    expected="another regressor",
                    fix=Fix("RNNForecaster(cell='gru_decay', decoder='steps')", "--cell gru_decay --set decoder=steps"),
                )
            )
        n, horizon, lookback = windows.n_targets, windows.horizon, windows.lookback
        if covariates is None:
            return cls(n, horizon, lookback, min(lookback, MOST // n))
        others = windows.n_channels - n
        features = 0 if windows.future is None else windows.future.shape[1]
        backs = ()
        if others:
            season = season_length(windows.freq)
            # The first step's own place in the season, one and two seasons ago.
            seasonal = [season - 1, 2 * season - 1] if season > 1 else []
            older = _OLDER if others > features else ()  # what is known ahead, such as a calendar, tells little more
            wanted = dict.fromkeys(back for back in (*_NEWEST, *seasonal, *older) if back < lookback)
            backs = tuple(sorted(list(wanted)[: max(1, _OTHERS // others)]))
        block = max(1, -(-horizon * features // _OTHERS))
        static = 0 if windows.static is None else windows.static.shape[1]
        found = cls(n, horizon, lookback, 0, others, backs, features, block, static)
        room = MOST - found.extras
        if room < n:
            raise ValueError(
                Refusal(
                    f"{found.extras} values of covariates and {n} targets are more inputs than {MOST}",
                    where="X:",
                    expected="fewer columns",
                    fix=Fix("model.set_params(covariates=None)", ""),
                )
            )
        return cls(n, horizon, lookback, min(lookback, room // n), others, backs, features, block, static)

    @property
    def blocks(self) -> int:
        """Groups of steps of the known future."""
        return -(-self.horizon // self.block) if self.features else 0

    @property
    def extras(self) -> int:
        """Columns after the lags."""
        return self.others * len(self.backs) + self.blocks * self.features + self.static

    @property
    def columns(self) -> int:
        """All columns."""
        return self.targets * self.lags + self.extras

    @property
    def steps(self) -> int:
        """Steps of a target in a joint window: its lags and the horizon."""
        return self.lags + self.horizon

    @property
    def lag_columns(self) -> Integers:
        """Places of the lags of each target in a joint window, shape (targets, lags)."""
        return np.arange(self.targets)[:, None] * self.steps + np.arange(self.lags)

    @property
    def output_columns(self) -> Integers:
        """Places of the targets' future in a joint window, shape (horizon, targets)."""
        return self.lags + np.arange(self.horizon)[:, None] + np.arange(self.targets) * self.steps

    @property
    def input_columns(self) -> Integers:
        """Places of the inputs in a joint window, shape (columns,)."""
        joint = self.targets * self.steps
        return np.concatenate([self.lag_columns.ravel(), np.arange(joint, joint + self.extras)])

    def extra(self, windows: Windows, ahead: bool = True) -> Floats:
        """Covariates of windows.

        Parameters
        ----------
        windows : Windows
        ahead : bool, default=True
            False: without the known future.

        Returns
        -------
        ndarray of shape (n, extras), float64
        """
        n = len(windows)
        parts: list[Floats] = []
        if self.others and self.backs:
            rows = windows.origins[:, None] - np.array(self.backs)
            parts.append(windows.values[rows, self.targets :].reshape(n, -1))
        if self.features and ahead:
            if windows.future is None or not windows.has_future:
                raise ValueError(Refusal(f"some windows have fewer than horizon = {self.horizon} rows of known future"))
            rows = windows.origins[:, None] + np.arange(1, self.horizon + 1)
            known = windows.future[rows].astype(np.float64)
            if self.block > 1:
                begins = np.arange(0, self.horizon, self.block)
                sizes = np.diff(np.append(begins, self.horizon))
                known = np.add.reduceat(known, begins, axis=1) / sizes[:, None]
            parts.append(known.reshape(n, -1))
        if self.static and windows.static is not None:
            parts.append(windows.static[windows.which])
        return np.concatenate([np.empty((n, 0)), *parts], axis=1, dtype=np.float64)

    def past(self, windows: Windows) -> Floats:
        """Lags of windows in the units of their targets, normalised where the windows are.

        Parameters
        ----------
        windows : Windows

        Returns
        -------
        ndarray of shape (n, targets, lags), float64
        """
        rows = windows.origins[:, None] + np.arange(1 - self.lags, 1)
        values = windows.values[rows, : self.targets]
        return windows.normalized(values, first=self.lookback - self.lags).transpose(0, 2, 1).astype(np.float64)

    def table(self, windows: Windows) -> Floats:
        """All inputs of windows.

        Parameters
        ----------
        windows : Windows

        Returns
        -------
        ndarray of shape (n, columns), float64
        """
        return np.concatenate([self.past(windows).reshape(len(windows), -1), self.extra(windows)], axis=1)
