"""Many linear forecasters from one matrix of products: all lookbacks, levels and penalties.

The matrix is that of the longest lookback. A shorter one takes the rows and columns of its own lags, so it is fitted on
the windows that have the longest lookback behind them: a few at the start of each series are missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._linear import (
    MOST,
    WHOLE,
    Inputs,
    Level,
    LinearForecaster,
    complete,
    moments_of,
    normal_equations,
    penalties_of,
    solved,
)
from .._preparation import prepared
from .._types import Floats, Integers
from .._windows import Norm
from .judging import BLOCKS, deviations, judged_steps

if TYPE_CHECKING:
    from .._preparation import Preparation, Rows, Settings, Task
    from .._windows import Windows
    from .judging import Fold

__all__ = ["Bench", "Benches"]

_LIMITS = (512, 1024)  # lags of a matrix: in one of longer lookbacks, short ones would miss too many windows
_MOST = 2_000_000  # windows of a matrix; of 321 series of three years, those of every fourth
_HOLED = 8  # where too many targets are missing: each step then has a matrix of its own


class Benches:
    """Benches of each fold, for short and for long lookbacks, made on first use.

    Parameters
    ----------
    task : Task
    folds : list of Fold
    settings : Settings
        Their lookback does not matter.
    lookbacks : list of int
        Ascending, all that may be looked at.

    Attributes
    ----------
    lookbacks : list of int
        Those that fit.
    n_windows : int
        Number of training windows of the newest fold at short lookbacks.
    """

    def __init__(self, task: Task, folds: list[Fold], settings: Settings, lookbacks: list[int]) -> None:
        self._made: dict[tuple[int, bool], list[Bench]] = {}
        self._parts = task, folds, settings
        short = [steps for steps in lookbacks if steps <= _LIMITS[0]] or lookbacks[:1]
        first = self._of(short[-1])
        self.n_windows = first[0].n_windows
        inputs = first[0].inputs if self.n_windows else None
        self.lookbacks = lookbacks
        if inputs is not None:
            fit = inputs.lags if inputs.lags < short[-1] else (MOST - inputs.extras) // inputs.targets
            self.lookbacks = [steps for steps in lookbacks if steps <= fit] or [inputs.lags]
        below = [[steps for steps in self.lookbacks if steps <= limit] for limit in _LIMITS]
        self._limits = sorted({short[-1], self.lookbacks[-1], *(steps[-1] for steps in below if steps)})

    def _of(self, longest: int, bare: bool = False) -> list[Bench]:
        """Where lags are the only inputs, benches that have more serve as well."""
        bare = bare and (longest, False) not in self._made
        if (longest, bare) not in self._made:
            task, folds, settings = self._parts
            settings = replace(settings, lookback=longest)
            if bare:
                settings = replace(settings, calendar=(), regressor=LinearForecaster(covariates=None))
            self._made[longest, bare] = [Bench(task, fold, settings) for fold in folds]
        return self._made[longest, bare]

    def losses(self, lookback: int, window_norm: Any, penalties: list[float], bare: bool = False) -> list[Floats]:
        """Losses of some penalties over all folds.

        Parameters
        ----------
        lookback : int
        window_norm : None, str or tuple
            Not "standard".
        penalties : list of float
        bare : bool, default=False
            Whether lags are the only inputs.

        Returns
        -------
        list of ndarray of shape (2, folds * BLOCKS)
        """
        longest = next(limit for limit in self._limits if limit >= lookback)
        found = [bench.losses(lookback, window_norm, penalties, bare) for bench in self._of(longest, bare)]
        return [np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)]


class Bench:
    """Linear forecasters that differ in lookback, level and penalty.

    Parameters
    ----------
    task : Task
    fold : Fold
    settings : Settings
        Settings of the longest lookback.

    Attributes
    ----------
    n_windows : int
        Number of training windows; if 0, the other attributes are not set.
    inputs : Inputs
        Inputs of the longest lookback.
    """

    def __init__(self, task: Task, fold: Fold, settings: Settings) -> None:
        rows, ends = fold.rows, fold.ends
        self.jury = fold.jury
        split = settings.multi_target == "shared" and rows.targets.shape[1] > 1
        learnt, whole = rows.until(ends), rows.split() if split else rows
        learnt = learnt.split() if split else learnt
        preparation = prepared(replace(settings, window_norm=None), task, learnt).fit(learnt)
        windows, steps = _with_targets(_of_some_series(preparation.training_windows(learnt, settings.step, None)))
        self.n_windows = len(windows)
        if not self.n_windows:
            return
        self.inputs = Inputs.of(windows, settings.regressor.covariates)
        moments = moments_of(windows, self.inputs)
        self.offset = moments.offset
        outputs = self.inputs.output_columns[steps].ravel()
        # Without the steps that are not judged, the matrix is small.
        self.columns = np.sort(np.concatenate([self.inputs.input_columns, outputs]))
        self.groups = [
            (some, count, sums[self.columns], squares[np.ix_(self.columns, self.columns)])
            for some, count, sums, squares in moments.groups(self.inputs.input_columns, outputs)
        ]
        scales = deviations(windows.target_values, learnt.starts[:-1], learnt.starts[1:])
        self._read(preparation, rows, whole, split, scales, steps)

    def _read(
        self, preparation: Preparation, rows: Rows, whole: Rows, split: bool, scales: Floats, steps: Integers
    ) -> None:
        """The windows to judge by, raw, and their actual values."""
        origins = rows.spread(self.jury.origins) if split else self.jury.origins
        windows = preparation.windows(whole, origins)
        n, targets = len(origins), self.inputs.targets
        joint = targets * self.inputs.steps
        lags = windows.origins[:, None] + np.arange(1 - self.inputs.lags, 1)
        self.past = windows.values[lags, :targets].transpose(0, 2, 1).astype(np.float64)
        self.past -= self.offset[:joint].reshape(targets, -1)[:, :1]
        self.extra = self.inputs.extra(windows) - self.offset[joint:]
        known = windows.target_values
        if whole.made_up is not None:
            known = np.where(whole.made_up[:, None], np.nan, known)
        ahead = windows.origins[:, None] + 1 + steps
        scale = scales[windows.which][:, None]
        # (windows, steps, targets): so are the output columns laid out.
        self.actual = known[ahead].astype(np.float64).reshape(n, -1)
        self.scale = np.broadcast_to(scale, (n, len(steps), targets)).reshape(n, -1)
        self.place = {column: number for number, column in enumerate(self.inputs.output_columns[steps].ravel())}

    def losses(self, lookback: int, window_norm: Any, penalties: list[float], bare: bool = False) -> list[Floats]:
        """Losses of some penalties.

        Parameters
        ----------
        lookback : int
        window_norm : None, str or tuple
            Not "standard".
        penalties : list of float
        bare : bool, default=False
            Whether lags are the only inputs.

        Returns
        -------
        list of ndarray of shape (2, BLOCKS)
        """
        if not self.n_windows:
            return [np.full((2, BLOCKS), np.nan) for _ in penalties]
        inputs, kept, extras = self._narrowed(lookback, bare)
        level = Level.of(Norm.of(window_norm, lookback), inputs)
        # Of the joint window of this lookback, the columns that are in the matrix, and where they are there.
        there = np.flatnonzero(np.isin(kept, self.columns))
        level = None if level is None else Level(level.where[there], level.weights[there])
        kept = kept[there]
        where = np.searchsorted(self.columns, kept)
        columns = np.searchsorted(there, inputs.input_columns)
        past, extra = self.past[:, :, self.inputs.lags - lookback :], self.extra[:, extras]
        errors = np.full((len(penalties), *self.actual.shape), np.nan)
        for outputs, count, sums, squares in self.groups:
            if not count > 0:
                continue
            own, wanted = np.searchsorted(kept, outputs), [self.place[column] for column in outputs]
            narrow = squares if len(where) == len(squares) else squares[np.ix_(where, where)]
            x, y, gram, cross = normal_equations(count, sums[where], narrow, level, columns, own)
            for number, penalty in enumerate(penalties):
                found = solved(gram, cross, penalties_of(gram, inputs, penalty))
                raw = found if level is None else level.raw(found, own, columns)
                forecast = extra @ raw[inputs.targets * lookback :] + (y - x @ found + self.offset[outputs])
                for target in range(inputs.targets):
                    forecast += past[:, target] @ raw[target * lookback : (target + 1) * lookback]
                errors[number][:, wanted] = (forecast - self.actual[:, wanted]) / self.scale[:, wanted]
        return [self.jury.losses_of(error.reshape(len(self.jury), -1)) for error in errors]

    def _narrowed(self, lookback: int, bare: bool) -> tuple[Inputs, Integers, Integers]:
        """Inputs of a shorter lookback, the places of these and the outputs in the longest, and its extra columns."""
        long, joint = self.inputs, self.inputs.targets * self.inputs.steps
        steps = np.arange(long.lags - lookback, long.steps)
        kept = (np.arange(long.targets)[:, None] * long.steps + steps).ravel()
        if bare:
            return Inputs(long.targets, long.horizon, lookback, lookback), kept, np.empty(0, dtype=np.int64)
        fits = [number for number, back in enumerate(long.backs) if back < lookback]
        inputs = replace(long, lookback=lookback, lags=lookback, backs=tuple(long.backs[number] for number in fits))
        others = (np.array(fits, dtype=np.int64)[:, None] * long.others + np.arange(long.others)).ravel()
        extras = np.concatenate([others, np.arange(long.others * len(long.backs), long.extras)]).astype(np.int64)
        return inputs, np.concatenate([kept, joint + extras]), extras


def _of_some_series(windows: Windows) -> Windows:
    """Windows of every series, or of so few of many long ones that the matrix does not take minutes."""
    every = -(-len(windows) // _MOST)
    return windows if every <= 1 else windows[windows.which % every == 0]


def _with_targets(windows: Windows) -> tuple[Windows, Integers]:
    """Windows to train on, and the steps to judge.

    A step that some windows miss has a separate matrix, and many solutions take long. Where most windows miss
    none, these alone serve.
    """
    judged = judged_steps(windows.horizon)
    for steps in (None, judged):
        whole = complete(windows, steps)
        if not len(windows) or whole.mean() >= WHOLE:
            return windows[whole], judged
    return windows, judged_steps(windows.horizon, _HOLED)
