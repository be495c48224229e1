"""Many errors that are known are learnt at once; the same as one origin after the other, in a fraction of the time.

How often a level was missed depends on the level at the time. Levels move little, so that most of what was missed is
known from those at the start: it is looked up for many origins together, levels follow from it, and so on until nothing
changes any more. Each round settles at least one origin more, and all cells but a few are settled after two.

Cells are steps times series times targets. Series side by side begin with the same scores, which are stored once.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["SETTLED", "Learnt", "places_of", "quantiles", "running_scale", "scores_of"]

SETTLED = 10  # residuals that a running scale needs
_CHUNK = 64  # origins whose scores are counted from one sorted window
_ELEMENTS = 2**16  # comparisons at once: what a core keeps near
_SETTLED_AT_ONCE = 2**13  # levels


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


def quantiles(at, last, count, rank, side):
    """Order statistics at fractional ranks; beyond the last one, further from the median than it.

    Parameters
    ----------
    at : callable
        From places (n, *cells), the least value being at 0, to the values there; NaN behind the last one.
    last : int
        The last place that can be asked for.
    count : ndarray of int of shape cells
        Values that are there.
    rank : ndarray of shape (n, *cells)
        From 1; upwards on side 1, downwards on side 0.
    side : {0, 1}

    Returns
    -------
    ndarray of shape (n, *cells)
    """
    below = np.clip(np.floor(rank), 1, np.maximum(count - 1, 1)).astype(np.int64)
    first = np.clip(below - 1 if side else count - below, 0, last)
    second = np.clip(first + (1 if side else -1), 0, last)
    low = at(first)
    found = low + np.clip(rank - below, 0, 1) * (at(second) - low)
    lacking = np.maximum(rank - count, 0) / (count + 1)
    if not lacking.any():
        return found
    median = at(np.broadcast_to(np.maximum(count - 1, 0) // 2, first.shape))
    return found + 10 * lacking * (found - median)


def places_of(ordered):
    """What `quantiles` looks values up with.

    Parameters
    ----------
    ordered : ndarray of shape (*cells, W)
        Ascending, NaN last.

    Returns
    -------
    callable
    """
    flat = ordered.reshape(-1)
    start = np.arange(0, ordered.size, ordered.shape[-1]).reshape(ordered.shape[:-1])
    return lambda index: flat.take(start + index)


@dataclass
class Learnt:
    """What a state that waits for nothing has learnt after residuals of further origins, of series side by side.

    Attributes
    ----------
    state : AdaptiveState
        Before; it is not changed.
    group : ndarray of int of shape (cells,)
        Step times target that a cell had the scores of.
    packed : ndarray of shape (n, cells)
        The new scores, without holes, in time order; NaN behind them.
    newer : ndarray of int of shape (cells,)
        How many these are.
    gone : ndarray of int of shape (steps * targets, n), or None
        Places of the oldest of the scores at first among these. None: there are more new ones than a window has.
    place : ndarray of int of shape (n, cells), or None
        Of the new scores among those at first.
    order : ndarray of int of shape (n, cells), or None
        From the least of the new scores to the greatest.
    alpha : ndarray of shape (2, coverages, cells)
    size, weight : ndarray of shape (cells,)
        Of the running scale.
    heard, count : ndarray of int of shape (cells,)
    """

    state: object
    group: np.ndarray
    packed: np.ndarray
    newer: np.ndarray
    gone: np.ndarray | None
    place: np.ndarray | None
    order: np.ndarray | None
    alpha: np.ndarray
    size: np.ndarray
    weight: np.ndarray
    heard: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, state, residual, positions, now, times=1):
        """Learn.

        Parameters
        ----------
        state : AdaptiveState
        residual : ndarray of shape (n, steps, times * targets)
            NaN where it is not known.
        positions : ndarray of int of shape (n,)
            Rising rows of the origins.
        now : int
            Row up to which residuals have come; later ones are left out.
        times : int, default=1
            Series that learn each by itself.

        Returns
        -------
        Learnt
        """
        n, steps, wide = residual.shape
        step, each = np.arange(1, steps + 1), np.arange(steps * wide)
        group = np.tile(np.arange(each.size // times).reshape(steps, -1), (1, times)).ravel()
        before = np.repeat(np.searchsorted(positions, positions[:, None] - step, side="right"), wide, axis=1)
        residual = residual.reshape(n, each.size)
        known = ~np.isnan(residual)
        if n and positions[-1] + steps > now:
            known &= np.repeat(positions[:, None] + step <= now, wide, axis=1)
        table = _sizes(state, residual, known, group)
        heard = state._heard.ravel()[group] + _counted(known)
        scale = running_scale(table[:, 0][before, each], table[:, 1][before, each], heard[before, each], state.decay)
        score = scores_of(residual, scale)
        scored = known & ~np.isnan(scale)
        newer, packed = _counted(scored), _packed(score, scored)
        count = state._count.ravel()[group] + newer[n]
        placed = _placed(state, group, packed) if n <= state.window else [None] * 3
        found = cls(state, group, packed, newer[n], *placed, None, *table[n], heard[n], count)
        found.alpha = found._levels(score, scored, newer[before, each], before)
        return found

    def offsets(self):
        """What to add to a forecast made now for its bounds, as each coverage has learnt by itself.

        Returns
        -------
        ndarray of shape (2, coverages, cells)
        """
        state = self.state
        count = np.minimum(self.count, state.window)
        rank = (count + 1) * (1 - self.alpha)
        at = self._places()
        found = np.stack([quantiles(at, state.window - 1, count, rank[side], side) for side in (0, 1)])
        found = np.where(count >= state._needed.reshape(-1, 1), found, np.nan)
        return found * running_scale(self.size, self.weight, self.heard, state.decay)

    def windows(self, cells, start):
        """Scores of some cells, from the first of a window on, shape (cells, window)."""
        return self._series(cells, start, self.state.window)

    def _series(self, cells, start, k):
        """So many scores of some cells, those at first and the new ones behind them; shape (cells, k)."""
        window = self.state.window
        base, at = self.state._scores.reshape(-1, window), start[:, None] + np.arange(k)
        found = base[self.group[cells][:, None], np.minimum(at, window - 1)]
        if at.max(initial=0) < window:
            return found
        new = self.packed[np.clip(at - window, 0, len(self.packed) - 1), cells[:, None]]
        return np.where(at < window, found, new)

    def _within(self, cells, start):
        """As `windows`, in any order, with some NaN."""
        base, k = self.state._scores.reshape(-1, self.state.window), int(start.max(initial=0))
        if k > self.state.window:
            return self.windows(cells, start)
        found = np.concatenate([base[self.group[cells]], self.packed[:k, cells].T], axis=1)
        moved = np.arange(k)
        found[:, :k][moved < start[:, None]] = np.nan
        found[:, self.state.window :][moved >= start[:, None]] = np.nan
        return found

    def _places(self):
        """The values of the last windows by their places: what is left of the scores at first, and the new ones."""
        window, n = self.state.window, len(self.packed)
        cells = np.arange(len(self.group))
        if n > window or len(cells) == self.state._count.size:  # no two cells share the scores at first
            return places_of(np.sort(self._within(cells, self.newer), axis=1))
        names = self.group * (n + 1) + self.newer
        names, which = np.unique(names, return_inverse=True)
        left, gone = self.state._scores.reshape(-1, window)[names // (n + 1)], names % (n + 1)
        left[:, :n][np.arange(n) < gone[:, None]] = np.nan
        left.sort(axis=1)
        if not n:
            return lambda index: left[which, index]
        # Of a score's place among those at first, those of them that are gone.
        lost = np.zeros((len(names), window + 2), dtype=np.int64)
        row, age = np.nonzero(np.arange(n) < gone[:, None])
        np.add.at(lost, (row, self.gone[names[row] // (n + 1), age] + 1), 1)
        np.cumsum(lost, axis=1, out=lost)
        place = np.take_along_axis(self.place, self.order, axis=0)
        place = place - lost[which, place] + np.arange(n)[:, None]
        place[np.arange(n)[:, None] >= self.newer] = 2 * window + n
        place = np.concatenate([place, np.full((1, len(cells)), 2 * window + n)])

        def at(index):
            before = (place[(slice(None), *[None] * (index.ndim - 1))] < index).sum(axis=0)
            old = left[which, np.clip(index - before, 0, window - 1)]
            own = np.minimum(before, n - 1)
            new = self.packed[self.order[own, cells], cells]
            return np.where(place[before, cells] == index, new, old)

        return at

    # -------------------- levels

    def _levels(self, score, scored, newer, before):
        """Levels after all origins, shape (2, coverages, cells)."""
        state, (n, cells) = self.state, score.shape
        alpha = state._alpha.reshape(2, -1, state._count.size)[..., self.group]
        if not n:
            return alpha
        tail, needed, levels = state._tail.reshape(-1, 1), state._needed.reshape(-1, 1), alpha.shape[1]
        count = np.minimum(state._count.ravel()[self.group] + newer, state.window)
        less, more = self._ranks(score, scored, newer)
        beyond = np.stack([more, less], axis=1)[:, :, None].astype(np.float64)  # downwards and upwards
        valid = scored[:, None] & (count[:, None] >= needed)
        # A rank from `beyond` up to `top` lies between the neighbours of the score: there only the quantile tells.
        top = np.where(beyond == count[:, None, None], np.inf, beyond + 1.0)
        top = np.where(valid.any(axis=1)[:, None, None], top, -np.inf)
        hit, miss = (np.where(valid, state.gamma * (tail - sign), 0.0)[:, None] for sign in (0.0, 1.0))
        ranks = (count + 1.0)[:, None, None]

        def missed_at(path, first, rows, some):
            """What is missed at some rows, (rows, 2, coverages, cells), by the levels from row `first` on."""
            wide = path.shape[3]
            at = (before[rows][:, None, some] - first) * (2 * levels * wide) + np.arange(0, 2 * levels * wide, wide)[
                :, None
            ]
            issued = path.take(at + np.arange(wide)).reshape(-1, 2, levels, wide)
            rank = (1 - issued) * ranks[rows][..., some]
            missed = rank < beyond[rows][..., some]
            near = np.nonzero(~missed & (rank < top[rows][..., some]))
            if len(near[0]):
                row, side, cell = near[0] + rows.start, near[1], each[some][near[3]]
                missed[near] = self._decide(
                    rank[near], self._within(cell, newer[row, cell]), count[row, cell], score[row, cell], side
                )
            return missed

        each, table = np.arange(cells), np.empty((n + 1, *alpha.shape))
        table[0] = alpha
        step = min(max(_SETTLED_AT_ONCE // alpha.size, 32), 256)
        for begin in range(0, n, step):
            end = min(begin + step, n)
            rows, first, left, some = slice(begin, end), min(int(before[begin:end].min()), begin), each, slice(None)
            table[begin + 1 : end + 1] = table[begin]
            missed = missed_at(table[first : end + 1], first, rows, some)
            while len(left):
                path = table[first : end + 1]
                path = path if len(left) == cells else path.take(left, axis=3)
                moves = np.where(missed, miss[rows][..., some], hit[rows][..., some])
                path[begin - first :] = _followed(path[begin - first], moves)
                again = missed_at(path, first, rows, some)
                settled = (again == missed).all(axis=(0, 1, 2))
                if len(left) < cells:
                    table[begin : end + 1, ..., left[settled]] = path[begin - first :, ..., settled]
                left = some = left[~settled]
                missed = again[..., ~settled]
        return table[n]

    def _decide(self, rank, windows, count, score, side):
        """Whether scores lie beyond their quantiles, where ranks alone do not tell.

        Between two neighbours of its window, a score lies beyond a quantile of their rank or not; the window is sorted
        only where the rank lies outside of the first and the last.
        """
        # Downwards as upwards: of the scores with their signs turned.
        sign = 2.0 * side - 1
        windows = windows * sign[:, None]
        own = score * sign
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
                at = places_of(np.sort(windows[mine] * sign[mine, None], axis=1))
                bound = quantiles(at, self.state.window - 1, count[mine], rank[mine][None], one)[0]
                beyond[mine] = own[mine] > bound * sign[mine]
        return beyond

    def _ranks(self, score, scored, newer):
        """How many scores of the window at each origin are less than the score to come, and how many more.

        Those of the window at first, without what left and with what came since: all as places in their order.
        """
        state, (n, cells) = self.state, score.shape
        if n > state.window:
            return self._ranks_in_chunks(score, newer)
        shared, each = state.ordered.reshape(-1, state.window), np.arange(cells)
        small, sorted_at = _small(state.window), self.order * cells + each
        rising = self.packed.take(sorted_at)
        equal = rising[1:] == rising[:-1]
        own = np.broadcast_to(np.arange(n, dtype=small)[:, None], score.shape)
        if equal.any():
            own = np.concatenate([np.zeros((1, cells), small), np.cumsum(~equal, axis=0, dtype=small)])
        rank = np.empty((n, cells), dtype=small)
        rank.reshape(-1)[sorted_at] = own
        at = None
        if not scored.all():  # a hole has no place, and nothing is asked of it
            at = np.minimum(_counted(scored)[:-1], n - 1), each
        k = int(newer.max(initial=0))
        gone = np.ascontiguousarray(self.gone[:, :k].astype(small).T[:, self.group])

        def count(place, compare):
            found, mine = (place, rank) if at is None else (place[at], rank[at])
            return found, _moved(compare, gone, found.astype(small), rank[:k], mine, newer)

        found, moved = count(self.place, np.less)
        less = found + moved
        known = (~np.isnan(shared)).sum(axis=1)[self.group]
        tied = equal.any() or (shared[self.group, np.minimum(found, state.window - 1)] == score).any()
        if not tied:
            return less, np.minimum(state._count.ravel()[self.group] + newer, state.window) - less
        right = np.empty_like(self.place)
        for number in range(len(shared)):
            mine = self.group == number
            right[:, mine] = shared[number].searchsorted(self.packed[:, mine], "right")
        right -= 1  # what follows is greater, except for unknown ones
        gone[np.isnan(state._scores.reshape(-1, state.window)[:, :k]).T[:, self.group]] = -1
        found, moved = count(right, np.greater)
        return less, known - 1 - found + moved

    def _ranks_in_chunks(self, score, newer):
        """As `_ranks`, of more origins than a window has scores: windows are sorted anew again and again."""
        (n, cells), each = score.shape, np.arange(score.shape[1])
        whole = np.sort(self._series(each, np.zeros(cells, dtype=np.int64), self.state.window + n), axis=1)
        tied = (whole[:, 1:] == whole[:, :-1]).any()
        less, more = (np.empty((n, cells), dtype=np.int64) for _ in range(2))
        for begin in range(0, n, _CHUNK):
            part = slice(begin, begin + _CHUNK)
            start = newer[part].min(axis=0)
            since = newer[part] - start
            k, values = int(since.max(initial=0)), np.ascontiguousarray(score[part].T)
            windows = np.sort(self.windows(each, start), axis=1)
            known = (~np.isnan(windows)).sum(axis=1)
            gone, came = (np.ascontiguousarray(self._series(each, start + by, k).T) for by in (0, self.state.window))
            place = [row.searchsorted(some) for row, some in zip(windows, values, strict=True)]
            less[part] = np.stack(place, axis=1) + _moved(np.less, gone, score[part], came, score[part], since)
            if tied:
                place = [row.searchsorted(some, "right") for row, some in zip(windows, values, strict=True)]
                moved = _moved(np.greater, gone, score[part], came, score[part], since)
                more[part] = known - np.stack(place, axis=1) + moved
            else:
                more[part] = (
                    np.minimum(self.state._count.ravel()[self.group] + newer[part], self.state.window) - less[part]
                )
        return less, more


def _moved(compare, gone, known, came, value, since):
    """By how much counts of a window grow when values leave and others come, as many at each row as `since` says.

    Parameters
    ----------
    compare : numpy.ufunc
    gone, came : ndarray of shape (k, cells)
        The oldest ones of the window, and those behind it.
    known, value : ndarray of shape (n, cells)
        What they are compared with.
    since : ndarray of int of shape (n, cells)
    """
    found, cells = np.empty(since.shape, dtype=np.int64), since.shape[1]
    block = max(1, _ELEMENTS // max(1, len(gone) * cells))
    small = _small(int(since.max(initial=0)))
    since = since.astype(small)
    for begin in range(0, len(since), block):
        part = slice(begin, begin + block)
        k = int(since[part].max(initial=0))
        inside, total = np.arange(k, dtype=small)[:, None, None] < since[part], 0
        width = np.uint8 if k < 256 else np.uint16  # many are counted fast
        for values, with_, sign in ((gone, known, -1), (came, value, 1)):
            there = compare(values[:k, None], with_[part])
            there &= inside
            total = total + sign * np.add.reduce(there.view(np.uint8), axis=0, dtype=width).astype(np.int64)
        found[part] = total
    return found


def _small(most):
    """What holds numbers up to one: a core compares four times as many of two bytes."""
    return np.int16 if most < 2**15 else np.int64


def _followed(alpha, moves):
    """Levels before each row and after all, which never rise above a half; shape (n + 1, *levels)."""
    path = np.concatenate([alpha[None], moves])
    np.add.accumulate(path, axis=0, out=path)
    if (path > 0.5).any():
        for row, move in enumerate(moves):
            np.minimum(path[row] + move, 0.5, out=path[row + 1])
    return path


def _counted(events):
    """How many there were before each row, and in all; shape (n + 1, cells)."""
    return np.concatenate([np.zeros((1, events.shape[1]), dtype=np.int64), np.cumsum(events, axis=0)])


def _sizes(state, residual, known, group):
    """Sums and weights of the running scale before each origin, and after all; shape (n + 1, 2, cells)."""
    decay = np.where(known, state.decay, 1.0)
    more = np.stack([(1 - decay) * np.where(known, np.abs(residual), 0.0), 1 - decay], axis=1)
    table = np.empty((len(residual) + 1, 2, residual.shape[1]))
    table[0] = state._sum.ravel()[group], state._weight.ravel()[group]
    for row, part in enumerate(more):
        np.multiply(table[row], decay[row], out=table[row + 1])
        table[row + 1] += part
    return table


def _packed(score, scored):
    """Scores without the holes, shape (n, cells), NaN behind them."""
    if scored.all():
        return score
    order = np.argsort(~scored, axis=0, kind="stable")
    return np.take_along_axis(np.where(scored, score, np.nan), order, axis=0)


def _placed(state, group, packed):
    """Places of the oldest of the scores at first and of the new ones among these, and the new ones in their own order.

    Returns
    -------
    ndarray of int of shape (steps * targets, n)
    ndarray of int of shape (n, cells)
    ndarray of int of shape (n, cells)
    """
    n, base = len(packed), state._scores.reshape(-1, state.window)
    rows, cells = np.ascontiguousarray(packed.T), np.argsort(group, kind="stable")
    order = np.argsort(rows, axis=1)
    rising = np.take_along_axis(rows, order, axis=1)[cells].reshape(len(base), -1)  # found faster than in disorder
    values = np.concatenate([base[:, :n], rising], axis=1)
    places = [ordered.searchsorted(own) for ordered, own in zip(state.ordered.reshape(base.shape), values, strict=True)]
    places = np.stack(places)
    place = np.empty(rows.shape, dtype=np.int64)
    place[cells[:, None], order[cells]] = places[:, n:].reshape(len(group), n)
    return places[:, :n], np.ascontiguousarray(place.T), np.ascontiguousarray(order.T)
