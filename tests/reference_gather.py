"""The oracle's gather: the windows of a source, one by one, as the network sees them."""

from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    past: np.ndarray  # (B, T', I), the oldest row repeated in front where T' is more than the lookback T
    target: np.ndarray  # (B, K), NaN where missing
    extra: np.ndarray  # (B, E)
    weight: np.ndarray  # (B,)
    row: np.ndarray | None = None  # (B,) row of the window's series in the tables, -1 where it is unknown
    phase: np.ndarray | None = None  # (B,) place of the oldest real row in the cycle
    ratio: np.ndarray | None = None  # (K,) scale of the past over the scale of the target; None: 1
    padding: int = 0  # T' - T
    fed: tuple = (1.0, 0.0)  # scale and shift (K,) from the units of a target to those of the past
    raw: dict | None = None  # "past" (B, T', I) and "extra" (B, E) as the source holds them
    scale: np.ndarray | float = 1.0  # (K,) by which the targets were divided


def anchors(x, anchor, n, steps=0, season=0, floor=None):
    """What the kinds of `anchor` (I,) subtract from a window x (T, I) and the n steps after it, and their divisors.

    Both are (T + n, I); `floor` (I,) is the least that a deviation counts for.
    """
    T = len(x)
    centre, phase = np.zeros((T + n, x.shape[1])), np.arange(T + n)
    spread = np.ones(centre.shape)
    for c, kind in enumerate(anchor):
        newest = x[T - (steps or T) :, c]
        if kind == 1:
            centre[:, c] = x[-1, c]
        elif kind in (2, 3):
            centre[:, c] = newest.sum() / len(newest)
        elif kind == 4:
            centre[:, c] = [x[p % season :: season, c].mean() for p in phase]
        if kind == 3:
            deviation = np.sqrt(((newest - centre[0, c]) ** 2).sum() / len(newest))
            spread[:, c] = max(deviation, 1e-3 * abs(centre[0, c]) if floor is None else floor[c]) or 1.0
    return centre, spread


def gather(
    index,
    past,
    lookback,
    origin=None,
    past_stride=1,
    past_shift=0,
    target=None,
    horizon=0,
    target_stride=1,
    target_shift=0,
    extra=None,
    future=None,
    static=None,
    starts=None,
    weight=None,
    anchor=None,
    target_anchor=None,
    past_mean=0.0,
    past_scale=1.0,
    target_mean=0.0,
    target_scale=1.0,
    extra_mean=0.0,
    extra_scale=1.0,
    padding=0,
    anchor_steps=0,
    season=0,
    anchor_floor=None,
    series_row=None,
    phase=None,
    cycle_ratio=None,
    fed_scale=1.0,
    fed_shift=0.0,
    future_anchor=None,
    *,
    limit=None,
    noise=None,
):
    """The windows `index` of a source, window by window; the arguments are those of `Source`.

    What the network and its training add: scaled inputs outside -limit ... limit are clipped, then `noise` (B, T, I) is
    added. Padding repeats what comes of it.
    """
    past_rows, target_rows, extra_rows, raw_rows = [], [], [], []
    for w in index:
        base = w if origin is None else int(origin[w])
        start, ahead = base * past_stride + past_shift, base * target_stride + target_shift
        x = np.asarray(past[start : start + lookback], dtype=float)
        raw_rows.append(x)
        newest = start + lookback - 1
        series = 0 if starts is None else next(s for s in range(len(starts) - 1) if starts[s] <= newest < starts[s + 1])
        floor = None if anchor_floor is None else anchor_floor[series if len(anchor_floor) > 1 else 0]
        kinds = np.zeros(x.shape[1]) if anchor is None else anchor
        centre, spread = anchors(x, kinds, horizon, anchor_steps, season, floor)
        past_rows.append((x - centre[:lookback]) / spread[:lookback])
        if target is not None:
            y = np.array(target[ahead : ahead + horizon], dtype=float)
            for column, channel in enumerate([] if target_anchor is None else target_anchor):
                if channel >= 0:
                    y[:, column] = (y[:, column] - centre[lookback:, channel]) / spread[lookback:, channel]
            target_rows.append(y.reshape(-1))
        beside = [] if extra is None else [extra[w]]
        if future is not None:
            known = np.array(future[ahead : ahead + horizon], dtype=float)
            for column, channel in enumerate([] if future_anchor is None else future_anchor):
                known[:, column] -= x[-1, channel] if channel >= 0 else 0.0
            beside += list(known)
        if static is not None:
            beside.append(static[series])
        extra_rows.append(np.concatenate([np.asarray(part, dtype=float) for part in beside] or [np.zeros(0)]))
    B = len(index)
    target_rows = np.array(target_rows) if target is not None else np.zeros((B, 0))
    x = (np.array(past_rows) - past_mean) / past_scale
    x = x if limit is None else np.clip(x, -limit, limit)
    x = x if noise is None else x + noise
    return Batch(
        _padded(x, padding),
        (target_rows - target_mean) / target_scale,
        (np.array(extra_rows) - extra_mean) / extra_scale,
        np.ones(B) if weight is None else np.asarray(weight, dtype=float)[index],
        None if series_row is None else np.asarray(series_row)[index],
        None if phase is None else np.asarray(phase)[index],
        cycle_ratio,
        padding,
        (fed_scale, fed_shift),
        {"past": _padded(np.array(raw_rows), padding), "extra": np.array(extra_rows)},
        scale=target_scale,
    )


def _padded(x, n):
    """The oldest row n more times in front."""
    return np.concatenate([np.repeat(x[:, :1], n, axis=1), x], axis=1)
