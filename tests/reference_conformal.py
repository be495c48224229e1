"""Plain versions of what adaptive intervals learn, one residual after the other."""

import math
from bisect import bisect_left, insort

import numpy as np

SETTLED = 10  # residuals that a running scale needs


def quantile(ordered, rank, up):
    """Of ascending scores at a rank from 1, counted downwards for lower bounds."""
    count = len(ordered)
    below = int(min(max(math.floor(rank), 1), max(count - 1, 1)))
    low, high = (ordered[below - 1], ordered[below]) if up else (ordered[count - below], ordered[count - below - 1])
    found = low + min(max(rank - below, 0.0), 1.0) * (high - low)
    if rank > count:
        found = found + 10 * ((rank - count) / (count + 1)) * (found - ordered[(count - 1) // 2])
    return found


class Cell:
    """One step of one target: scores, levels of both sides and coverages, and the running scale."""

    def __init__(self, state, cell):
        self.state, step, target = state, *cell
        self.scores = [] if state._scores is None else [z for z in state._scores[cell].tolist() if not math.isnan(z)]
        self.ordered = sorted(self.scores)
        self.count = int(state._count[cell])
        self.alpha = state._alpha[:, :, step, target].tolist()
        self.sum, self.weight, self.heard = (float(part[cell]) for part in (state._sum, state._weight, state._heard))

    @property
    def scale(self):
        if self.state.decay == 1:
            return 1.0
        return math.nan if self.heard < SETTLED else self.sum / self.weight if self.sum > 0 else 0.0

    def offsets(self):
        """On each side, of each coverage."""
        found, count = [[], []], len(self.scores)
        for side, level in np.ndindex(2, len(self.state.levels)):
            enough = count >= self.state._needed[level]
            rank = (count + 1) * (1 - self.alpha[side][level])
            found[side].append(quantile(self.ordered, rank, side) * self.scale if enough else math.nan)
        return found

    def learn(self, residual, scale, offsets, gap, enters):
        """A residual `gap` rows after the one before; a score that does not enter has no place in the window."""
        state, steps = self.state, self.state._scores.shape[0]
        gamma = min(0.002 * min(gap, steps), 0.005) if state.gamma is None else state.gamma
        decay = max(0.97, 1 - gap / (2 * steps)) if state.decay is None else state.decay
        for side, level in np.ndindex(2, len(state.levels)):
            offset = offsets[side][level]
            if not math.isnan(offset):
                missed = residual > offset if side else residual < offset
                alpha = self.alpha[side][level] + gamma * (float(state._tail[level]) - missed)
                self.alpha[side][level] = min(alpha, 0.5)
        if not math.isnan(scale) and enters:
            score = residual / scale if scale else float(np.sign(residual))
            self.scores.append(score)
            self.count += 1
            insort(self.ordered, score)
            if len(self.scores) > state.window:
                del self.ordered[bisect_left(self.ordered, self.scores.pop(0))]
        self.weight = decay * self.weight + (1 - decay)
        self.sum = decay * self.sum + (1 - decay) * abs(residual)
        self.heard += 1


def learnt(state, residuals, positions, now, spacing=None):
    """The offsets at each origin and at row `now`, (2, coverages, n + 1, steps, targets), and the cells after all.

    A window that is not full takes every score, unless a `spacing` is given.
    """
    n, steps, targets = residuals.shape
    offsets = np.full((2, len(state.levels), n + 1, steps, targets), np.nan)
    cells = np.empty((steps, targets), dtype=object)
    rows = [int(row) for row in positions]
    gaps = [row - before for row, before in zip(rows[1:], rows, strict=False)]
    gaps = gaps[:1] + gaps if gaps else [1]
    fills, spacing = spacing is None, spacing or state.spacing or 1
    for step, target in np.ndindex(steps, targets):
        cell, waiting = Cell(state, (step, target)), []
        for at, row in enumerate([*rows, now]):
            while waiting and waiting[0][0] <= row:
                _, origin, residual, *known = waiting.pop(0)
                enters = rows[origin] // spacing != (rows[origin] - gaps[origin]) // spacing
                enters = enters or (fills and cell.count < state.window)
                if not math.isnan(residual):
                    cell.learn(residual, *known, gaps[origin], enters)
            issued = cell.offsets()
            offsets[:, :, at, step, target] = issued
            if at < n:
                waiting.append((row + step + 1, at, float(residuals[at, step, target]), cell.scale, issued))
        cells[step, target] = cell
    return offsets, cells
