"""The search for a linear forecaster: lookback, penalty, level, sharing and transform, judged behind `ends`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from .._linear import LinearForecaster
from .._preparation import Settings
from .._types import Floats, Integers
from ..preprocessing import Difference
from .bench import Benches
from .candidates import Losses, changed, is_lost, is_standard, least_of, named, prepared_lost, simplest
from .judging import BLOCKS, TIE, folds_of, is_better
from .lookbacks import LONGEST, lookbacks_of
from .several import penalties_judged

if TYPE_CHECKING:
    from .._preparation import Rows, Task
    from .judging import Fold

__all__ = ["Found", "search_linear"]

PENALTIES = [float(f"{10 ** (number / 2):.1e}") for number in range(-6, 7)]  # up to a line that is all but its level
_USUAL = PENALTIES.index(0.1)
_LONGEST_HOLED = 512  # a step with missing targets has a matrix of its own
_COLUMNS, _COLUMNS_JOINT = 4096, 1024
_JOINT = 8_000  # lags and steps ahead of all targets, whose products are a matrix: gigabytes for 21 targets far ahead
_OWN = 2e11  # cubed lags of all series that have weights of their own: 321 series of 850 lags take 5 s for one penalty
_AT_ONCE = 2  # penalties of weights of each series
_LONG = 1000  # lookbacks from which on a solution takes long
_PATIENCE, _PATIENCE_QUICK = 4, 2  # longer lookbacks without a gain after which the search ends
_GAIN = TIE / 10  # of a step to another penalty
_CLOSE = 1.03  # of the loss on the validation part: what is further behind is not looked at any more
_WINDOWS, _WINDOWS_HOLED = 20_000, 10_000  # to fit a candidate on whose windows are read one by one


@dataclass
class Found:
    """The result of a search.

    Attributes
    ----------
    settings : Settings
    table : pandas.DataFrame
        One row per candidate: lookback, window_norm, transform, multi_target, per_series, covariates, penalty, parts,
        loss. The loss is relative to the deviation of each series before `ends`, the mean over up to 24 steps of the
        horizon and the parts in time. With a single part where others have more, a candidate was far behind on the
        newest and not looked at any more.
    loss : float
        Loss of `settings`; NaN where nothing could be judged.
    notes : list of str
    """

    settings: Settings
    table: pd.DataFrame
    loss: float
    notes: list[str] = field(default_factory=list)


def search_linear(
    task: Task,
    rows: Rows,
    ends: Integers,
    *,
    seasons: list[int],
    loss: str,
    calendar: tuple[str, ...] = (),
    lookback: int | None = None,
    window_norm: Any = "auto",
    transform: Any = "auto",
    multi_target: str = "auto",
    lower: float | None = None,
    step: int = 1,
) -> Found:
    """The linear forecaster with the least loss behind `ends`; near ties go to the simpler one.

    Parameters
    ----------
    task : Task
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Where the rows to learn from end in each series.
    seasons : list of int
        Most important first.
    loss : str
        "squared_error", or any other for the absolute error. With "squared_error" no curve is tried ("asinh", "log1p"):
        what comes back from it is below the mean. With "quantile" no difference is tried: quantiles of changes do not
        add up to those of the series.
    calendar : tuple of str, default=()
    lookback : int, default=None
    window_norm, transform, multi_target : default="auto"
        Other values are the user's and stay.
    lower : float, default=None
        The least value that a target can have.
    step : int, default=1
        Rows from one training window to the next.

    Returns
    -------
    Found
    """
    split = rows.targets.shape[1] > 1 and multi_target != "joint"
    given = not (isinstance(transform, str) and transform == "auto")
    start = Settings(
        LinearForecaster(),
        lookback or 1,
        window_norm="last" if window_norm == "auto" else window_norm,
        transform=transform if given else "standard",
        calendar=tuple(calendar),
        multi_target="shared" if split else "joint",
        step=step,
        pads=True,
    )
    fixed = _Fixed(lookback is not None, window_norm != "auto", given, lower, pointwise=loss == "quantile")
    with threadpool_limits(limits=1, user_api="blas"):
        search = _Search(task, rows, ends, list(seasons), loss == "squared_error", start, fixed)
        return search.run(multi_target == "auto")


@dataclass(frozen=True)
class _Fixed:
    """What the user said: lookback, level, transform; the least value of a target; whether no difference is taken."""

    lookback: bool
    level: bool
    transform: bool
    lower: float | None
    pointwise: bool = False


class _Search:
    def __init__(
        self, task: Task, rows: Rows, ends: Integers, seasons: list[int], squared: bool, start: Settings, fixed: _Fixed
    ) -> None:
        self.task, self.rows, self.ends = task, rows, np.asarray(ends)
        self.seasons, self.fixed, self.start, self.squared = seasons, fixed, start, squared
        self.lengths = self.ends - rows.starts[:-1]
        self.table: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.step = start.step

    def run(self, sharing_is_free: bool) -> Found:
        candidates = [self.start.lookback] if self.fixed.lookback else self._lookbacks(self.start)
        lost = self._lost(self.start)
        self.folds = folds_of(self.task, self.rows, self.ends, candidates[-1] + lost, self.squared)
        found: Losses = {}
        best = self._tuned(self.start, candidates, found=found) if self.folds else None
        if best is None:
            return self._unjudged(candidates)
        needed = best.lookback + lost + self.task.horizon
        self.folds = [fold for fold in self.folds if (fold.ends - fold.rows.starts[:-1]).max() >= needed]
        losses = self._losses(best)
        if losses is None:
            return self._unjudged(candidates)
        incumbent = best, losses
        if best.regressor.covariates is not None and self._has_covariates():
            bare = replace(best, regressor=changed(best.regressor, covariates=None), calendar=())
            incumbent = self._simpler(incumbent, bare)
        n_targets = self.rows.targets.shape[1]
        # Where values are missing, every output would have a matrix of its own: gigabytes for some dozen targets.
        if sharing_is_free and n_targets > 1 and not self._is_holed():
            together = replace(best, multi_target="joint")
            norm = best.window_norm
            limits = [steps for steps in candidates if _least_lags(norm) <= steps and self._is_small(steps * n_targets)]
            joint = self._joint(together, limits, least_of(found)) if limits else None
            incumbent = incumbent if joint is None else self._challenged(incumbent, joint)
        if not self.fixed.level:
            incumbent = self._challenged_by_all(
                incumbent, [replace(incumbent[0], window_norm=norm) for norm in ("standard", ("standard", 0.3))]
            )
        if not self.fixed.transform:
            for several in self._transforms(incumbent[0]):
                incumbent = self._challenged_by_all(incumbent, several)
        if self.rows.n_series > 1 or incumbent[0].multi_target == "shared":
            incumbent = self._own_weights(incumbent)
        settings, losses = incumbent
        return Found(settings, self._frame(), float(np.nanmean(losses[0])), self.notes)

    def _joint(self, settings: Settings, lookbacks: list[int], shared: Floats) -> Settings | None:
        """Joint settings with the best lookback and penalty; None where the newest part alone rules them out.

        Parameters
        ----------
        settings : Settings
        lookbacks : list of int
        shared : ndarray of shape (2, blocks)
            Losses of the best settings with shared weights.
        """
        if len(self.folds) > 1:
            found: Losses = {}
            self._tuned(settings, lookbacks, quick=True, folds=self.folds[:1], found=found)
            least = min((np.nanmean(losses[0]) for losses in found.values()), default=np.inf)
            if not least <= _CLOSE * np.nanmean(shared[0, :BLOCKS]):
                return None
        return self._tuned(settings, lookbacks, quick=True)

    # -------------------- what can be looked at

    def _lost(self, settings: Settings) -> int:
        return prepared_lost(settings, self.task)

    def _is_holed(self) -> bool:
        return bool(self.task.masked and np.isnan(self.rows.targets).any())

    def _has_covariates(self) -> bool:
        return bool(self.start.calendar) or self._has_others()

    def _has_others(self) -> bool:
        return bool(self.task.masked) or any(
            part.shape[1] for part in (self.rows.past, self.rows.future, self.rows.static)
        )

    def _has_only_a_calendar(self) -> bool:
        return bool(self.start.calendar) and not self._has_others()

    def _is_small(self, lags: int) -> bool:
        """Whether a joint window of some lags has few columns, including those known ahead."""
        return lags <= _COLUMNS_JOINT and lags + self.task.horizon * self.rows.targets.shape[1] <= _JOINT

    def _lookbacks(self, settings: Settings) -> list[int]:
        longest = _LONGEST_HOLED if self._is_holed() else LONGEST
        if settings.multi_target == "joint":
            longest = max(1, min(longest, _COLUMNS // self.rows.targets.shape[1]))
        lost = self._lost(settings)
        found = lookbacks_of(np.maximum(self.lengths - lost, 1), self.task.horizon, self.seasons, longest)
        least = _least_lags(settings.window_norm)
        return [steps for steps in found if steps >= least] or [least]

    def _transforms(self, settings: Settings) -> Iterator[list[Settings]]:
        """Other transforms at the best lookback: variants of one, the most promising first."""
        base: list[Any] = ["standard"]
        if not self.squared:  # the mean of what a curve makes of values is not the mean of the values when turned back
            yield [replace(settings, transform=["asinh", *base])]
            if self.fixed.lower == 0:
                yield [replace(settings, transform=["log1p", *base])]
        season = self.seasons[0] if self.seasons else 0
        if self.fixed.pointwise:
            return
        if 1 < season and (self.lengths > 2 * season + settings.lookback + self.task.horizon).mean() >= 0.75:
            norms = (settings.window_norm,) if self.fixed.level else (None, "last")
            yield [replace(settings, transform=[Difference(season), *base], window_norm=norm) for norm in norms]

    # -------------------- lookback, penalty and level, on one matrix

    def _tuned(
        self,
        settings: Settings,
        lookbacks: list[int],
        quick: bool = False,
        folds: list[Fold] | None = None,
        found: Losses | None = None,
    ) -> Settings | None:
        """Settings with the best lookback, penalty and level; None where no window is left to train on.

        `found` is filled with the losses by lookback, level and number of the penalty.
        """
        norm = settings.window_norm
        base = "last" if is_standard(norm) else norm
        if self._is_holed():
            self.step = max(self.start.step, int(self.lengths.sum()) * self._series_of(settings) // _WINDOWS_HOLED)
        thinned = replace(settings, step=self.step)
        bench = Benches(self.task, folds or self.folds, thinned, lookbacks)
        if not bench.n_windows:
            return None
        lookbacks = bench.lookbacks
        found = {} if found is None else found
        settings, at = self._walk(bench, settings, lookbacks, base, found, _PATIENCE_QUICK if quick else _PATIENCE)
        if not self.fixed.level and not quick:
            steps, _, penalty = at
            least = np.nanmean(found[at][0])
            for level in self._levels(steps):
                self._penalty(bench, settings, steps, level, penalty, found, least)
            level = simplest(found)[1]
            if level != base:
                place = lookbacks.index(steps)
                for near in lookbacks[max(0, place - 2) : place + 3]:
                    if near != steps and not (level is not None and level[0] == "season" and level[1] > near):
                        self._penalty(bench, settings, near, level, penalty, found, least)
            at = simplest(found)
        lookback, level, penalty = at
        level = norm if is_standard(norm) else level
        regressor = changed(settings.regressor, penalty=PENALTIES[penalty])
        return replace(settings, regressor=regressor, lookback=int(lookback), window_norm=level)

    def _walk(
        self,
        bench: Benches,
        settings: Settings,
        lookbacks: list[int],
        level: Any,
        found: Losses,
        patience: int,
    ) -> tuple[Settings, tuple[int, Any, int]]:
        """From short lookbacks to long ones, until several in a row bring nothing.

        Where there are long ones, a calendar that brings nothing once the lags hold the season twice is left out from
        there on: it can have more columns than the lags.
        """
        best, idle, penalty = np.inf, 0, _USUAL
        season = max([1, *self.seasons[:1]])
        in_doubt = settings.regressor.covariates is not None and self._has_only_a_calendar() and season > 1
        in_doubt = in_doubt and lookbacks[-1] >= _LONG
        for steps in lookbacks:
            penalty = self._penalty(bench, settings, steps, level, penalty, found)
            loss = np.nanmean(found[steps, level, penalty][0])
            if in_doubt and steps >= 2 * season:
                bare = replace(settings, calendar=(), regressor=changed(settings.regressor, covariates=None))
                alone: Losses = {}
                other = self._penalty(bench, bare, steps, level, penalty, alone)
                without = np.nanmean(alone[steps, level, other][0])
                if without <= (1 + TIE) * min(best, loss):
                    settings, penalty, loss, in_doubt = bare, other, without, False
                    found.clear()
                    found.update(alone)
            idle = 0 if loss < (1 - TIE) * best else idle + 1
            best = min(best, loss)
            if idle > patience and steps >= 8 * season:
                break
        return settings, simplest(found)

    def _levels(self, lookback: int) -> Iterator[Any]:
        yield from (("mean", 0.1), ("mean", 0.3), "mean", None)
        yield from (("season", season) for season in self.seasons if 2 * season <= lookback)

    def _penalty(
        self,
        bench: Benches,
        settings: Settings,
        lookback: int,
        level: Any,
        start: int,
        found: Losses,
        than: float = np.inf,
    ) -> int:
        """The best penalty by steps from a first one; its place in the list.

        A step that gains next to nothing is the last one: of near ties the stronger penalty is taken anyway.
        """
        at = start
        if np.isfinite(than):
            self._tried(bench, settings, lookback, level, [at], found)
            if np.nanmean(found[lookback, level, at][0]) > _CLOSE * than:
                return at
        while True:
            near = [number for number in (at - 1, at, at + 1) if 0 <= number < len(PENALTIES)]
            self._tried(bench, settings, lookback, level, near, found)
            losses = {number: np.nanmean(found[lookback, level, number][0]) for number in near}
            best = min(near, key=losses.__getitem__)
            if not losses[best] < (1 - _GAIN) * losses[at]:
                return at
            at = best

    def _tried(
        self,
        bench: Benches,
        settings: Settings,
        lookback: int,
        level: Any,
        penalties: list[int],
        found: Losses,
    ) -> None:
        new = [number for number in penalties if (lookback, level, number) not in found]
        bare = settings.regressor.covariates is None
        judged = bench.losses(lookback, level, [PENALTIES[number] for number in new], bare) if new else []
        for number, losses in zip(new, judged, strict=True):
            found[lookback, level, number] = losses
            regressor = changed(settings.regressor, penalty=PENALTIES[number])
            self._note(replace(settings, lookback=lookback, window_norm=level, regressor=regressor), losses)

    # -------------------- all else: members, as they will be

    def _losses(self, settings: Settings, than: Floats | None = None, newest: Floats | None = None) -> Floats | None:
        """Losses of a member in the units of the series; None where it cannot be trained, or is far behind others.

        `newest`: its losses on the newest part, where they are known.
        """
        losses = [] if newest is None else [newest]
        try:
            for number, fold in enumerate(self.folds):
                if number == len(losses):
                    losses += self._judged(settings, [settings.regressor.penalty], fold)
                if than is None:
                    continue
                if np.nanmean(losses[0][0]) > _CLOSE * np.nanmean(than[0, :BLOCKS]):
                    self._note(settings, losses[0])
                    return None
                if is_lost(np.concatenate(losses, axis=1), than):
                    break
        except ValueError as error:  # values that a transform does not take, or too few rows for it
            self.notes.append(f"{named(settings)} was not looked at: {error}")
            return None
        whole = np.concatenate(losses, axis=1)
        self._note(settings, whole)
        if than is None:
            return whole
        return np.pad(whole, ((0, 0), (0, than.shape[1] - whole.shape[1])), constant_values=np.inf)

    def _judged(self, settings: Settings, penalties: list[float], fold: Fold) -> list[Floats]:
        """Losses with some penalties; a line whose windows are read one by one learns from fewer of them."""
        step = self.step
        if is_standard(settings.window_norm):
            step = max(step, int(self.lengths.sum() * self._series_of(settings)) // _WINDOWS)
        return penalties_judged(replace(settings, step=step), penalties, self.task, fold)

    def _series_of(self, settings: Settings) -> int:
        return self.rows.targets.shape[1] if settings.multi_target == "shared" else 1

    def _challenged(self, incumbent: tuple[Settings, Floats], settings: Settings) -> tuple[Settings, Floats]:
        """The better of the two; the first is the simpler one."""
        losses = self._losses(settings, incumbent[1])
        if losses is None or not is_better(losses, incumbent[1]):
            return incumbent
        return settings, losses

    def _challenged_by_all(
        self, incumbent: tuple[Settings, Floats], several: Iterable[Settings]
    ) -> tuple[Settings, Floats]:
        """The same of variants, the most promising first, as long as they come close."""
        for settings in several:
            losses = self._losses(settings, incumbent[1])
            if losses is None:
                break
            if is_better(losses, incumbent[1]):
                incumbent = settings, losses
        return incumbent

    def _simpler(self, incumbent: tuple[Settings, Floats], settings: Settings) -> tuple[Settings, Floats]:
        """The second, where the first is not better."""
        losses = self._losses(settings)
        return incumbent if losses is None or is_better(incumbent[1], losses) else (settings, losses)

    def _own_weights(self, incumbent: tuple[Settings, Floats]) -> tuple[Settings, Floats]:
        """Weights of each series; with fewer windows a stronger penalty may do better.

        Of many series with shorter lookbacks, where all of their regressions would take long.
        """
        affordable = int((_OWN / (self.rows.n_series * self._series_of(incumbent[0]))) ** (1 / 3))
        if affordable < _least_lags(incumbent[0].window_norm):
            return incumbent
        first = incumbent[0].regressor.penalty
        place = min(range(len(PENALTIES)), key=lambda number: abs(np.log(PENALTIES[number] / first)))
        own = replace(
            incumbent[0], lookback=min(incumbent[0].lookback, affordable),
            regressor=changed(incumbent[0].regressor, per_series=True),
        )  # fmt: skip
        best, newest = own, None
        ahead: list[Floats] = []
        for number in range(place, len(PENALTIES)):  # by the validation part alone
            ahead = ahead or self._judged(own, PENALTIES[number : number + _AT_ONCE], self.folds[0])
            losses = ahead.pop(0)
            if newest is not None and not np.nanmean(losses[0]) < (1 - TIE) * np.nanmean(newest[0]):
                break
            best, newest = replace(own, regressor=changed(own.regressor, penalty=PENALTIES[number])), losses
        whole = self._losses(best, incumbent[1], newest)
        return incumbent if whole is None or not is_better(whole, incumbent[1], 2 * TIE) else (best, whole)

    # -------------------- the answer

    def _unjudged(self, candidates: list[int]) -> Found:
        self.notes.append("no window lies wholly behind the rows to learn from: the linear forecaster was not tuned.")
        season = max([1, *self.seasons[:1]])
        wanted = [steps for steps in candidates if steps >= 2 * season]
        settings = replace(self.start, lookback=int(wanted[0] if wanted else candidates[-1]))
        return Found(settings, self._frame(), float("nan"), self.notes)

    def _note(self, settings: Settings, losses: Floats) -> None:
        regressor = settings.regressor
        self.table.append(
            {
                "lookback": settings.lookback,
                "window_norm": settings.window_norm,
                "transform": settings.transform,
                "multi_target": settings.multi_target,
                "per_series": regressor.per_series,
                "covariates": regressor.covariates,
                "penalty": regressor.penalty,
                "parts": losses.shape[1] // BLOCKS,
                "loss": float(np.nanmean(losses[0])),
            }
        )

    def _frame(self) -> pd.DataFrame:
        names = ["lookback", "window_norm", "transform", "multi_target", "per_series", "covariates", "penalty"]
        names += ["parts", "loss"]
        rows = self.table
        kinds = {"window_norm": object, "transform": object, "covariates": object}  # which may be None
        columns = {name: pd.Series([row[name] for row in rows], dtype=kinds.get(name)) for name in names}
        return pd.DataFrame(columns)


def _least_lags(norm: Any) -> int:
    """Lags that a window norm needs."""
    return int(norm[1]) if isinstance(norm, (tuple, list)) and norm[0] == "season" else 1
