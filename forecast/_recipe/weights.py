"""Weights of members: the shares that give the best mean, judged on blocks of time that did not determine them.

Fitted weights are noisy where several members are good. Weights by error, a power of each member's own, are not, but
know nothing of errors that cancel. So the fitted weights are shrunk towards those by error, by as much as the other
blocks bear out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from .._refusals import Refusal
from .._types import Floats, Integers

__all__ = ["EXTRA", "SIMPLE", "Mix", "best_alone", "mix"]

NAIVE = ("last value", "seasonal naive")
SIMPLE = ("last value", "seasonal naive", "linear")  # how the names of simple members begin, the simplest first
EXTRA = "pretrained"  # a member that the mean is first tried without
NEEDED = 0.0075  # of the loss: ETTm1 gains 0.5 % here with that member 336 steps ahead, and loses 1.3 % later
TIE = 0.005  # of the loss: what is nearer than that goes to the simpler choice
FALL = 8  # power of weights by error: a member whose error is a tenth above the best has half the weight
GOOD = 1.3  # times the best error: a member beyond that has no weight by its error
POOR = 2.0  # times the best error of a block: a member beyond that in every block has no weight
LEAST = 0.02  # fitted weight of a member: for less, its forecasts are not worth their time
CLEAR = 0.03  # a gain of less on a naive forecast, or of a linear model on the mean, must also be
ERRORS = 2.0  # times its standard error over the blocks; exchange rates gain 1.4 % here, and lose 2.6 % later
SHRINKING = (1.0, 0.5, 0.0)  # towards weights by error, the simplest first
CELLS = 50_000  # values that weights are fitted on
LEAST_CELLS = 10_000  # of several levels
STEPS = 60  # of the weighted least squares that end in the least absolute error
SETTLED, PATIENCE = 1e-6, 3  # gains below the first do not count; after more steps in a row without one, they end
POWERS = {"absolute_error": 1, "squared_error": 2, "quantile": 1}


@dataclass(frozen=True)
class Mix:
    """The weighted mean of members.

    Attributes
    ----------
    weights : dict of str to float
        Positive, their sum is 1; members without a weight are left out.
    loss : float
        Loss of the mean; where there are several blocks, each with the weights that the others gave.
    losses : dict of str to float
        Loss of each member alone, inf where it has no finite forecast.
    crossfitted : ndarray of shape (n, horizon, targets)
        The forecasts that `loss` is the loss of.
    of_blocks : dict of int to dict of str to float
        The weights that they are mixed with, by the number of the block.
    """

    weights: dict[str, float]
    loss: float
    losses: dict[str, float]
    crossfitted: Floats
    of_blocks: dict[int, dict[str, float]]


def mix(
    forecasts: dict[str, Floats],
    actual: Floats,
    blocks: Integers,
    scales: Floats | float = 1.0,
    loss: str = "absolute_error",
    levels: Sequence[float] | None = None,
) -> Mix:
    """The weights that give the best mean of some members.

    Parameters
    ----------
    forecasts : dict of str to ndarray of shape (n, horizon, targets); with levels (n, horizon, targets, levels)
        Forecasts of each member. Names that begin with one of `SIMPLE` are linear or naive members.
    actual : ndarray of shape (n, horizon, targets)
        Actual values, NaN where missing.
    blocks : ndarray of int of shape (n,)
        Number of the block in time of each origin.
    scales : ndarray of shape (n, targets) or float, default=1.0
        What errors are divided by.
    loss : {"absolute_error", "squared_error", "quantile"}, default="absolute_error"
        "quantile": twice the pinball loss, the mean over the levels; of the median alone it is the absolute error.
    levels : sequence of float, default=None
        Levels of the quantiles on the last axis, whose mean over the members is taken level by level.

    Returns
    -------
    Mix
        Of the naive member alone, where the mean is not better than that by half a percent, or by less than 3 % and
        within two standard errors over the blocks. Of the linear one alone, where its error is less than that of the
        mean, by 3 % or by two standard errors. With the pretrained member, where that is better by three quarters of a
        percent than all weights without it, or where only the mean with it is better than a naive forecast.

    Raises
    ------
    ValueError
        No member, no known value, or an unknown loss.

    Examples
    --------
    >>> actual = np.zeros((4, 1, 1))
    >>> above, below = actual + 1.0, actual - 1.0
    >>> mix({"linear": above, "network": below}, actual, np.array([0, 0, 1, 1])).weights
    {'linear': 0.5, 'network': 0.5}
    """
    if loss not in POWERS:
        raise ValueError(Refusal(f"is {loss!r}", where="loss", expected=f"one of {sorted(POWERS)}"))
    with threadpool_limits(limits=1, user_api="blas"):  # sums of several threads would depend on their number
        judge = _Judge(np.asarray(actual, dtype=np.float64), blocks, scales, POWERS[loss], levels)
        return _mixed(forecasts, np.asarray(blocks), judge)


def best_alone(
    forecasts: dict[str, Floats], actual: Floats, blocks: Integers, scales: Floats, levels: Sequence[float]
) -> Mix:
    """The member whose quantiles have the least pinball loss, which approximates the CRPS.

    Parameters
    ----------
    forecasts, actual, blocks, scales, levels
        As in `mix`, with levels.

    Returns
    -------
    Mix
        Of this member.
    """
    judge = _Judge(np.asarray(actual, dtype=np.float64), blocks, scales, POWERS["quantile"], levels)
    losses = {name: judge.mean(judge.losses(forecast)) for name, forecast in forecasts.items()}
    return _alone(min(losses, key=losses.__getitem__), forecasts, np.asarray(blocks), losses)


def _mixed(forecasts: dict[str, Floats], blocks: Integers, judge: _Judge) -> Mix:
    power = judge.power
    if not forecasts or not judge.counts.sum():
        raise ValueError(
            Refusal(
                f"{len(forecasts)} members and {int(judge.counts.sum())} known values", expected="one of each at least"
            )
        )
    table = {name: judge.losses(forecast) for name, forecast in forecasts.items()}
    losses = {name: judge.mean(row) for name, row in table.items()}
    names = _not_poor(table, losses, power)
    tried = [
        _tried(_Fits(judge, {name: forecasts[name] for name in some}, table), forecasts, blocks)
        for some in _with_and_without(names)
    ]
    best = _simplest(tried[0])
    alone = _better_alone(table, losses, best, judge)
    if len(tried) > 1:
        more = _simplest(tried[1])
        gains = more.value < (1 - NEEDED) * min(one.value for one in tried[0])
        if gains or alone in NAIVE:
            instead = _better_alone(table, losses, more, judge)
            best, alone = (more, instead) if gains or instead is None else (best, alone)
    if alone is not None:
        return _alone(alone, forecasts, blocks, losses)
    weights = {name: weight for name, weight in best.fit.on_all(best.shrinking).items() if weight > 0}
    return Mix(weights, best.value, losses, best.crossed, best.of_blocks)


def _better_alone(table: dict[str, Floats], losses: dict[str, float], tried: _Tried, judge: _Judge) -> str | None:
    """The naive or linear member that is used instead of the mean."""
    mean, value = tried.losses, tried.value
    unbeaten = _not_clearly_beaten(table, losses, mean, value, judge.counts)
    simple = _best_simple(losses)
    if simple is None or value < (1 - TIE) * losses[simple]:
        return unbeaten
    instead = _not_clearly_beaten(table, losses, table[simple], losses[simple], judge.counts) or simple
    # The best member of several is partly so by luck, their mean less so: a linear model has to be clearly better.
    clearly = _is_clearly_better(table[simple], losses[simple], mean, judge)
    return instead if instead in NAIVE or unbeaten is not None or clearly else None


class _Tried(NamedTuple):
    """Weights that were tried, and the losses of the mean with them, each block with the weights of the others."""

    value: float
    losses: Floats
    fit: _Fits
    shrinking: float
    crossed: Floats
    of_blocks: dict[int, dict[str, float]]


def _tried(fit: _Fits, forecasts: dict[str, Floats], blocks: Integers) -> list[_Tried]:
    """Weights of some members, the simplest first."""
    found = []
    for shrinking in SHRINKING if len(fit.judge.numbers) > 1 else SHRINKING[:1]:
        of_blocks = {int(number): fit.without(number, shrinking) for number in np.unique(blocks)}
        crossed = _crossed(forecasts, blocks, of_blocks)
        losses = fit.judge.losses(crossed)
        found.append(_Tried(fit.judge.mean(losses), losses, fit, shrinking, crossed, of_blocks))
    return found


def _simplest(tried: list[_Tried]) -> _Tried:
    """The best weights; nearly as good ones if they are simpler."""
    best = tried[0]
    for one in tried[1:]:
        best = one if one.value < (1 - TIE) * best.value else best
    return best


def _with_and_without(names: list[str]) -> list[list[str]]:
    """The members without the pretrained one, which needs no training and has seen none of the rows, and all."""
    others = [name for name in names if name != EXTRA]
    return [others, names] if 0 < len(others) < len(names) else [names]


def _alone(name: str, forecasts: dict[str, Floats], blocks: Integers, losses: dict[str, float]) -> Mix:
    """One member."""
    of_blocks = {int(number): {name: 1.0} for number in np.unique(blocks)}
    return Mix({name: 1.0}, losses[name], losses, np.array(forecasts[name], dtype=np.float64), of_blocks)


class _Judge:
    """Losses of forecasts, block by block; `numbers` are those of the blocks in which something is known.

    An error at a level counts twice the level below the actual value, and twice the rest of it above.
    """

    def __init__(
        self,
        actual: Floats,
        blocks: Integers,
        scales: Floats | float,
        power: int,
        levels: Sequence[float] | None = None,
    ) -> None:
        self.actual, self.known, self.power = actual, ~np.isnan(actual), power
        self.levels = None if levels is None else np.asarray(levels, dtype=np.float64)
        scales = np.broadcast_to(np.asarray(scales, dtype=np.float64), (len(actual), actual.shape[2]))
        self.scales = scales[:, None]
        known = self.known.sum(axis=(1, 2))
        self.numbers = np.unique(blocks[known > 0])
        self.rows = [np.flatnonzero(blocks == number) for number in self.numbers]
        self.counts = np.array([known[rows].sum() for rows in self.rows], dtype=np.float64)

    def errors(self, forecast: Floats) -> Floats:
        """In units of the scales, 0 where nothing is known."""
        actual, scales, known = self.actual, self.scales, self.known
        if self.levels is not None:
            actual, scales, known = actual[..., None], scales[..., None], known[..., None]
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(known, (forecast - actual) / scales, 0.0)

    def sizes(self, errors: Floats) -> Floats:
        """What errors count for: each its size, at a level with the weight of its side; the mean over the levels."""
        if self.levels is None:
            return np.abs(errors) ** self.power
        return (np.abs(errors) * sides(errors, self.levels)).mean(axis=-1)

    def losses(self, forecast: Floats) -> Floats:
        """Of each block, inf where a forecast is not finite."""
        with np.errstate(invalid="ignore", over="ignore"):
            of_origins = self.sizes(self.errors(forecast)).sum(axis=(1, 2))
            means = np.array([of_origins[rows].sum() for rows in self.rows]) / self.counts
        return np.where(np.isfinite(means), means, np.inf)

    def mean(self, losses: Floats) -> float:
        """Over all known values."""
        return float(np.sum(losses * self.counts) / self.counts.sum())


def _not_poor(table: dict[str, Floats], losses: dict[str, float], power: int) -> list[str]:
    """Members that are near the best one in some block, and finite in all."""
    rows = np.stack(list(table.values()))
    near = (rows <= POOR**power * rows.min(axis=0)).any(axis=1) & np.isfinite(rows).all(axis=1)
    names = [name for name, is_near in zip(table, near, strict=True) if is_near]
    return names or [min(losses, key=losses.__getitem__)]


def _best_simple(losses: dict[str, float]) -> str | None:
    """Of the linear and naive members the best one, of equals the simpler; never one that is behind another."""
    simple = sorted(
        (name for name in losses if name.startswith(SIMPLE) and np.isfinite(losses[name])),
        key=lambda name: next(rank for rank, prefix in enumerate(SIMPLE) if name.startswith(prefix)),
    )
    return min(simple, key=losses.__getitem__, default=None)


def _not_clearly_beaten(
    table: dict[str, Floats], losses: dict[str, float], best: Floats, value: float, counts: Floats
) -> str | None:
    """The naive forecast that a gain of a few percent does not speak against, where the blocks do not agree on it."""
    naive = min((name for name in losses if name in NAIVE), key=losses.__getitem__, default=None)
    if naive is None or len(counts) < 2 or not value > (1 - CLEAR) * losses[naive]:
        return None
    mean, spread = _gain(table[naive] - best, counts)
    return naive if mean <= ERRORS * spread else None


def _is_clearly_better(losses: Floats, loss: float, than: Floats, judge: _Judge) -> bool:
    """Whether a member gains more than a few percent of its error, or the blocks agree on a gain."""
    if len(judge.counts) < 2:
        return True
    mean, spread = _gain(than - losses, judge.counts)
    return mean > ((1 + CLEAR) ** judge.power - 1) * loss or mean >= max(ERRORS * spread, 0.0)


def _gain(gains: Floats, counts: Floats) -> tuple[float, float]:
    """The mean gain over the blocks, and its standard error."""
    shares = counts / counts.sum()
    mean = float(gains @ shares)
    spread = np.sqrt((shares**2 @ (gains - mean) ** 2) * len(counts) / (len(counts) - 1))
    return mean, float(spread)


def _crossed(forecasts: dict[str, Floats], blocks: Integers, of_blocks: dict[int, dict[str, float]]) -> Floats:
    """The forecasts of each block, mixed with its weights."""
    out = np.zeros(np.shape(next(iter(forecasts.values()))))
    for number, weights in of_blocks.items():
        rows = blocks == number
        for name, weight in weights.items():
            if weight > 0:
                out[rows] += weight * forecasts[name][rows]
    return out


class _Fits:
    """Weights fitted on blocks, each set of blocks once."""

    def __init__(self, judge: _Judge, forecasts: dict[str, Floats], table: dict[str, Floats]) -> None:
        self.judge, self.names = judge, list(forecasts)
        self.table = np.stack([table[name] for name in forecasts])
        self._fitted: dict[int | None, Floats] = {}
        known = np.flatnonzero(judge.known)
        several = 1 if judge.levels is None else len(judge.levels)
        most = max(CELLS // several, LEAST_CELLS)
        if len(known) > most:  # drawn always the same way
            known = known[np.sort(np.random.default_rng(0).choice(len(known), most, replace=False))]
        drawn = [judge.errors(forecast).reshape(judge.known.size, -1)[known] for forecast in forecasts.values()]
        self.errors = np.stack(drawn, axis=-1)  # (cells, levels, members)
        block = np.empty(len(judge.known), dtype=np.intp)
        for place, rows in enumerate(judge.rows):
            block[rows] = place
        self.block = block[known // judge.known[0].size]

    def without(self, number: int, shrinking: float) -> dict[str, float]:
        """Weights that a block has no part in; where no other is known, those that all give."""
        place = np.flatnonzero(self.judge.numbers == number)
        return self._named(int(place[0]) if len(place) and len(self.judge.numbers) > 1 else None, shrinking)

    def on_all(self, shrinking: float) -> dict[str, float]:
        """Weights that all blocks give."""
        return self._named(None, shrinking)

    def _named(self, left_out: int | None, shrinking: float) -> dict[str, float]:
        return dict(zip(self.names, map(float, self._weights(left_out, shrinking)), strict=True))

    def _weights(self, left_out: int | None, shrinking: float) -> Floats:
        kept = np.arange(len(self.judge.numbers)) != (-1 if left_out is None else left_out)
        counts = self.judge.counts[kept]
        means = self.table[:, kept] @ counts / counts.sum()
        by_error = _by_error(means, self.judge.power)
        if shrinking == 1.0:
            return by_error
        if left_out not in self._fitted:
            cells = self.errors if left_out is None else self.errors[self.block != left_out]
            # The draw may have left out a whole block; then nothing speaks against weights by error.
            fitted = self._least(cells) if len(cells) else by_error
            fitted = np.where(fitted < min(LEAST, fitted.max()), 0.0, fitted)
            self._fitted[left_out] = fitted / fitted.sum()
        return shrinking * by_error + (1 - shrinking) * self._fitted[left_out]

    def _least(self, cells: Floats) -> Floats:
        flat = cells.reshape(-1, cells.shape[-1])
        if self.judge.power == 2:
            return _least_squares(flat)
        levels = self.judge.levels
        return _least_absolute(flat, None if levels is None else np.tile(levels, len(cells)))


def _by_error(means: Floats, power: int) -> Floats:
    """Weights that fall with the error, from mean losses, which are errors to a power.

    Bates and Granger (1969, The combination of forecasts) take the inverse of the squared error, the best weights of
    members whose errors are independent. Members that learn from the same rows share errors, so the better one is worth
    more than that; the power was chosen on the tasks of `benchmarks/accuracy` that choose defaults.
    """
    best = means.min()
    if not best > 0:
        return (means == best) / np.count_nonzero(means == best)
    weights = np.where(means <= GOOD**power * best, (best / means) ** (FALL / power), 0.0)
    return weights / weights.sum()


def sides(errors: Floats, levels: Floats) -> Floats:
    """The weight of an error of forecast minus actual at a level: 2 (1 - level) above, 2 level below."""
    return np.where(errors > 0, 2 * (1 - levels), 2 * levels)


def _least_squares(errors: Floats) -> Floats:
    """Weights of the least squared error."""
    return _on_simplex(errors.T @ errors)


def _least_absolute(errors: Floats, levels: Floats | None = None) -> Floats:
    """Weights of the least absolute error, or pinball loss at levels, by weighted least squares.

    Schlossmacher's method, with a falling floor.
    """

    def size(left: Floats, side: Floats | None) -> Floats:
        return np.abs(left) if side is None else np.abs(left) * side

    pair = None if levels is None else (2 * (1 - levels), 2 * levels)  # of `sides`, made once for all steps

    def side_of(left: Floats) -> Floats | None:
        return None if pair is None else np.where(left > 0, *pair)

    weights = _least_squares(errors)
    left = errors @ weights
    side = side_of(left)
    best, least = weights, size(left, side).mean()
    single = np.array([size(column, side_of(column)).mean() for column in errors.T])
    if single.min() < least:
        best, least = np.eye(len(single))[single.argmin()], single.min()
    if not least > 0:
        return best
    floor, idle = least, 0
    for step in range(STEPS):
        by = floor / np.maximum(np.abs(left), floor * max(0.7**step, 1e-6))
        by = by if side is None else by * side
        weights = _on_simplex((errors * by[:, None]).T @ errors)
        left = errors @ weights
        side = side_of(left)
        value = size(left, side).mean()
        idle = 0 if value < (1 - SETTLED) * least else idle + 1
        if value < least:
            best, least = weights, value
        if idle > PATIENCE:
            break
    return best


def _on_simplex(gram: Floats) -> Floats:
    """The w of least w'Gw, not negative and of sum 1: Wolfe's algorithm for the nearest point of a polytope."""
    n = len(gram)
    size = np.trace(gram) / n
    if not size > 0:
        return np.full(n, 1 / n)
    gram = gram / size + 1e-10 * np.eye(n)  # of two members that are the same, each has half
    weights = np.zeros(n)
    weights[gram.diagonal().argmin()] = 1.0
    for _ in range(10 * n):
        slope = gram @ weights
        newest = int(np.where(weights > 0, np.inf, slope).argmin())
        if weights[newest] > 0 or slope[newest] >= (1 - 1e-9) * (weights @ slope):
            break
        held = weights > 0
        held[newest] = True
        while True:
            places = np.flatnonzero(held)
            step = np.linalg.solve(gram[np.ix_(places, places)], np.ones(len(places)))
            target = np.zeros(n)
            target[places] = step / step.sum()
            if (target[places] > 0).all():
                weights = target
                break
            falling = held & (target <= 0)
            share = (weights[falling] / (weights[falling] - target[falling])).min()
            weights = weights + share * (target - weights)
            held &= weights > 1e-15
            weights = np.where(held, weights, 0.0)
    return weights / weights.sum()
