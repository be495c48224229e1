"""Many errors that are known are learnt at once; the same as one origin after the other, in a tenth of the time.

How often a level was missed depends on the level at the time, so that levels are followed origin by origin. Everything
else (running scales, scores, and how many scores of its window each one exceeds) is computed for all origins together.
Cells are steps times targets.
"""

import numpy as np

__all__ = ["SETTLED", "quantiles", "replay", "running_scale", "scores_of"]

SETTLED = 10  # residuals that a running scale needs
_CHUNK = 32  # origins whose windows are counted at once


def running_scale(size, weight, heard, decay):
    """The exponentially weighted mean of absolute residuals, NaN where it rests on too few.

    Parameters
    ----------
    size, weight : ndarray
        Weighted sum, and its weights.
    heard : ndarray of int
        Residuals behind it.
    decay : float
        1: no scale.

    Returns
    -------
    ndarray
    """
    if decay == 1:
        return np.ones_like(size)
    scale = np.divide(size, weight, out=np.zeros_like(size), where=size > 0)
    return np.where(heard >= SETTLED, scale, np.nan)


def scores_of(residual, scale):
    """Residuals over their scale; of a scale of 0, which only errors of 0 have had, their signs.

    Parameters
    ----------
    residual, scale : ndarray of one shape

    Returns
    -------
    ndarray of that shape
    """
    return np.divide(residual, scale, out=np.sign(residual), where=scale != 0)


def quantiles(ordered, count, rank, side):
    """Order statistics at fractional ranks; beyond the last one, further from the median than it.

    Parameters
    ----------
    ordered : ndarray of shape (*cells, W)
        Ascending, NaN last.
    count : ndarray of int of shape cells
        Values that are there.
    rank : ndarray of shape (n, *cells)
        From 1; upwards on side 1, downwards on side 0.
    side : {0, 1}

    Returns
    -------
    ndarray of shape (n, *cells)
    """
    last, flat = ordered.shape[-1] - 1, ordered.reshape(-1)
    start = np.arange(0, ordered.size, last + 1).reshape(ordered.shape[:-1])
    below = np.clip(np.floor(rank), 1, np.maximum(count - 1, 1)).astype(np.int64)
    first = np.clip(below - 1 if side else count - below, 0, last)
    second = np.clip(first + (1 if side else -1), 0, last)

    def at(index):
        return flat.take(start + index)

    low = at(first)
    found = low + np.clip(rank - below, 0, 1) * (at(second) - low)
    lacking = np.maximum(rank - count, 0) / (count + 1)
    if not lacking.any():
        return found
    median = at(np.broadcast_to(np.maximum(count - 1, 0) // 2, first.shape))
    return found + 10 * lacking * (found - median)


def replay(state, residual, positions, now):
    """Let a state that waits for nothing learn residuals of further origins.

    Parameters
    ----------
    state : AdaptiveState
        Changed.
    residual : ndarray of shape (n, steps, targets)
        NaN where it is not known.
    positions : ndarray of int of shape (n,)
        Rising rows of the origins.
    now : int
        Row up to which residuals have come; later ones are left out.
    """
    n, steps, targets = residual.shape
    if not n:
        return
    step, each = np.arange(1, steps + 1), np.arange(steps * targets)
    before = np.repeat(np.searchsorted(positions, positions[:, None] - step, side="right"), targets, axis=1)
    residual = residual.reshape(n, -1)
    known = ~np.isnan(residual) & np.repeat(positions[:, None] + step <= now, targets, axis=1)
    table = _sizes(state, residual, known)
    heard = state._heard.ravel() + _counted(known)
    at = before, each
    scale = running_scale(table[:, 0][at], table[:, 1][at], heard[at], state.decay)
    score = scores_of(residual, scale)
    scored = known & ~np.isnan(scale)
    newer = _counted(scored)
    series = np.concatenate([state._scores.reshape(len(each), -1), _packed(score, scored)], axis=1)
    alpha = _levels(state, series, score, scored, newer[at], before)
    shape = (steps, targets)
    state._alpha = np.moveaxis(alpha, 0, -1).reshape(state._alpha.shape)
    state._sum, state._weight = (side.reshape(shape).copy() for side in table[n])
    state._heard = heard[n].reshape(shape)
    kept = newer[n][:, None] + np.arange(state.window)
    state._scores = np.take_along_axis(series, kept, axis=1).reshape(*shape, -1)
    state._ordered = None
    state._count = state._count + newer[n].reshape(shape)
    state._position = np.append(state._position[1:], positions[-1])  # a copy of the state may share the array


def _counted(events):
    """How many there were before each row, and in all; shape (n + 1, cells)."""
    return np.concatenate([np.zeros((1, events.shape[1]), dtype=np.int64), np.cumsum(events, axis=0)])


def _sizes(state, residual, known):
    """Sums and weights of the running scale before each origin, and after all; shape (n + 1, 2, cells)."""
    decay = np.where(known, state.decay, 1.0)
    more = np.stack([(1 - decay) * np.where(known, np.abs(residual), 0.0), 1 - decay], axis=1)
    table = np.empty((len(residual) + 1, 2, residual.shape[1]))
    table[0] = state._sum.ravel(), state._weight.ravel()
    for row, part in enumerate(more):
        np.multiply(table[row], decay[row], out=table[row + 1])
        table[row + 1] += part
    return table


def _packed(score, scored):
    """Scores without the holes, shape (cells, n), NaN behind them."""
    if scored.all():
        return score.T
    order = np.argsort(~scored, axis=0, kind="stable")
    return np.take_along_axis(np.where(scored, score, np.nan), order, axis=0).T


def _levels(state, series, score, scored, newer, before):
    """Levels after all origins, shape (cells, 2, L)."""
    n, cells = score.shape
    levels, each = len(state.levels), np.arange(cells)
    count = np.minimum(state._count.ravel() + newer, state.window)
    less, more = _ranks(series, score, newer, state.ordered)
    beyond = np.stack([more, less], axis=2)[..., None].astype(np.float64)  # downwards and upwards
    # A rank from `beyond` up to `top` lies between the neighbours of the score: there only the exact quantile tells.
    top = np.where(beyond == count[..., None, None], np.inf, beyond + 1.0)
    valid = scored[..., None] & (count[..., None] >= state._needed.ravel())
    top[~valid.any(axis=-1)] = -np.inf
    hit, miss = (np.where(valid, state.gamma * (state._tail.ravel() - sign), 0.0)[:, :, None] for sign in (0.0, 1.0))
    ranks, place = (count + 1.0)[..., None, None], before * cells + each
    table = np.empty((n + 1, cells, 2, levels))
    table[0] = np.moveaxis(state._alpha.reshape(2, levels, cells), -1, 0)
    flat = table.reshape(-1, 2, levels)
    for row in range(n):
        rank = flat.take(place[row], axis=0)  # levels when the origin was issued
        np.subtract(1, rank, out=rank)
        rank *= ranks[row]
        missed = rank < beyond[row]
        near = rank < top[row]
        near ^= missed & near
        if near.any():
            _decide(missed, near, rank, series, newer[row], count[row], score[row], state.window)
        np.add(table[row], np.where(missed, miss[row], hit[row]), out=table[row + 1])
        np.minimum(table[row + 1], 0.5, out=table[row + 1])
    return table[n]


def _decide(missed, near, rank, series, newer, count, score, window):
    """Whether scores lie beyond their quantiles, where ranks alone do not tell.

    Between two neighbours of its window, a score lies beyond a quantile of their rank or not; the window is sorted only
    where the rank lies outside of the first and the last.
    """
    at = near.ravel().nonzero()[0]
    sides, levels = near.shape[1:]
    cell, side = at // (sides * levels), at // levels % sides
    windows = series[cell[:, None], newer[cell][:, None] + np.arange(window)]
    own, rank, count = score[cell], rank.ravel()[at], count[cell]
    # Downwards as upwards: of the scores with their signs turned.
    sign = 2.0 * side - 1
    windows *= sign[:, None]
    own = own * sign
    less = windows < own[:, None]
    place = less.sum(axis=1)
    inner = (place >= 1) & (place < count) & (np.floor(rank) == place)
    low = np.where(less, windows, -np.inf).max(axis=1, initial=-np.inf)
    high = np.where(windows >= own[:, None], windows, np.inf).min(axis=1, initial=np.inf)
    with np.errstate(invalid="ignore"):
        beyond = own > low + (rank - place) * (high - low)
    if not inner.all():
        for one in (0, 1):
            mine = (~inner & (side == one)).nonzero()[0]
            ordered = np.sort(windows[mine] * sign[mine, None], axis=1)
            bound = quantiles(ordered, count[mine], rank[mine][None], one)[0]
            beyond[mine] = own[mine] > bound * sign[mine]
    missed.ravel()[at] = beyond


def _ranks(series, score, newer, ordered):
    """How many scores of the window at each origin are less than the score to come, and how many more.

    A window is that of the first origin of a chunk, sorted once (`ordered` is the first), without what left and with
    what came since.
    """
    window, ordered = ordered.shape[-1], ordered.reshape(score.shape[1], -1)
    less, more = np.empty((2, *score.shape), dtype=np.int64)
    each = np.arange(score.shape[1])[:, None]
    for begin in range(0, len(score), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        start = newer[part].min(axis=0)
        since = newer[part] - start
        if start.any():
            ordered = np.sort(series[each, start[:, None] + np.arange(window)], axis=1)
        values = np.ascontiguousarray(score[part].T)
        left = np.stack([row.searchsorted(some) for row, some in zip(ordered, values, strict=True)])
        known = window - np.isnan(ordered).sum(axis=1)[:, None]
        tied = (ordered[each, np.minimum(left, window - 1)] == values).any()
        less[part] = left.T
        moved = np.arange(int(since.max()))
        inside, value = moved < since[..., None], score[part][..., None]
        others = [series[each, np.minimum(start[:, None] + by + moved, series.shape[1] - 1)] for by in (0, window)]
        for other, sign in zip(others, (-1, 1), strict=True):
            less[part] += sign * ((other < value) & inside).sum(axis=-1)
        if tied or ((others[1] == value) & inside).any():
            right = np.stack([row.searchsorted(some, "right") for row, some in zip(ordered, values, strict=True)])
            more[part] = (known - right).T
            for other, sign in zip(others, (-1, 1), strict=True):
                more[part] += sign * ((other > value) & inside).sum(axis=-1)
        else:
            gone = (~np.isnan(others[0]) & inside).sum(axis=-1)
            more[part] = known.T - gone + (~np.isnan(others[1]) & inside).sum(axis=-1) - less[part]
    return less, more
