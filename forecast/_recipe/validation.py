"""Validation rows, which are not trained on: the newest of each series, in blocks of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._types import Booleans, Integers

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._preparation import Rows

__all__ = [
    "Origins", "Part", "judged_rows", "known_before", "known_up_to", "origins_behind", "parts_in_time",
    "validation_ends",
]  # fmt: skip

_MOST = 2_000  # origins, over all series: more do not make a mean error better
_VALUES = 4_000_000  # forecast at the origins: of many targets far ahead, fewer origins
# Bounds on their number; the fewest if each forecast has several levels: far horizons overlap. With 200, ett1/H long
# and jena/10T medium take 1.1 and 1.4 times the CPU seconds; scores of ett1 and jena, far horizons, are within 0.4 %.
_FEW, _FEWEST = 500, 80
_BLOCKS = 4  # in time, so that one stretch of it does not decide alone
_JUDGED = 8  # forecasts, that a horizon more of held-out rows brings of a short series; with fewer nothing is weighed
_LEAST_LEARNT = 2  # horizons that are left to learn from
_ENOUGH = 6  # horizons that do not overlap: with fewer, one stretch of weather or of a market decides
_PARTS = 3
_SERIES = 30  # whose errors say enough in one part: M4 Hourly, OWA 0.4435 with three, 0.4439 with one


def validation_ends(rows: Rows, axis: TimeAxis, horizon: int, fraction: float) -> Integers | None:
    """The end of the training rows in each series.

    Held out are the newest `fraction` of the rows of a typical series, but at least two horizons and eight rows, or a
    third of them where they are few. The cut is the same
    moment for all series with time stamps, so that nothing that is learnt is later than what judges; a panel whose
    integer labels say nothing of time is cut in each series by itself.

    Parameters
    ----------
    rows : Rows
    axis : TimeAxis
    horizon : int
    fraction : float

    Returns
    -------
    ndarray of int of shape (n_series,), or None
        Positions in `rows`. None: there are too few rows to hold any out.
    """
    first, lengths = rows.starts[:-1], np.diff(rows.starts)
    typical = float(np.median(lengths))
    held = int(max(np.ceil(round(fraction * typical, 9)), min(2 * horizon + _JUDGED, typical // 3), horizon))
    if typical - held < _LEAST_LEARNT * horizon + 1:
        return None
    if rows.n_series == 1 or axis.kind == "integer":
        return first + np.where(lengths > held + horizon, lengths - held, lengths)
    begin = axis.positions(rows.index[first])
    cut = (begin + lengths).max() - held
    return first + np.clip(cut - begin, 0, lengths)


def known_up_to(rows: Rows) -> Integers:
    """How many values of each target are known before each row and before the end, shape (rows + 1, targets)."""
    seen = ~np.isnan(rows.targets)
    return np.concatenate([np.zeros((1, seen.shape[1]), np.int64), np.cumsum(seen, axis=0)])


def known_before(rows: Rows, ends: Integers) -> Booleans:
    """Of which series every target has a value before its end: transforms are learnt from them.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)

    Returns
    -------
    ndarray of bool of shape (n_series,)
    """
    total = known_up_to(rows)
    return np.asarray((total[ends] > total[rows.starts[:-1]]).all(axis=1))


def judged_rows(rows: Rows, ends: Integers, horizon: int) -> tuple[Rows, Integers]:
    """Without the series that have too few rows before their end, or no value, to learn anything from.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    horizon : int

    Returns
    -------
    Rows, ndarray of int
    """
    learnt = ends - rows.starts[:-1]
    kept = np.flatnonzero((learnt > horizon) & known_before(rows, ends))
    if len(kept) == rows.n_series or not len(kept):
        return rows, ends
    some = rows.parts([(int(number), int(rows.starts[number]), int(rows.starts[number + 1])) for number in kept])
    return some, some.starts[:-1] + learnt[kept]


@dataclass(frozen=True)
class Origins:
    """Origins for validation.

    Attributes
    ----------
    rows : ndarray of int of shape (n,)
        Positions of the newest known rows.
    which : ndarray of int of shape (n,)
        Series.
    blocks : ndarray of int of shape (n,)
        Number of the block in time.
    """

    rows: Integers
    which: Integers
    blocks: Integers

    def __len__(self) -> int:
        return len(self.rows)


def origins_behind(rows: Rows, ends: Integers, horizon: int, looks_back: int, levels: int = 1) -> Origins:
    """Origins whose steps all lie behind the ends, evenly thinned, numbered by blocks in time.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    horizon : int
    looks_back : int
        Rows that are needed up to an origin.
    levels : int, default=1
        Values of each forecast: of several, fewer origins.

    Returns
    -------
    Origins
    """
    first, last = rows.starts[:-1], rows.starts[1:]
    total, found = known_up_to(rows), []
    few = _FEW if levels == 1 else _FEWEST
    most = min(_MOST, max(few, _VALUES // (horizon * rows.targets.shape[1] * levels)))
    for number in range(rows.n_series):
        begin = max(int(ends[number]) - 1, int(first[number]) + looks_back - 1)
        origins = np.arange(begin, max(int(last[number]) - horizon, begin))
        if rows.made_up is not None:
            origins = origins[~rows.made_up[origins]]
        known = (total[origins + 1] > total[first[number]]).all(axis=1)
        ahead = (total[origins + 1 + horizon] > total[origins + 1]).any(axis=1)
        found.append(origins[known & ahead])
    # Thinned only now: a target of every seventh row would have all or none of every seventh origin.
    every = max(1, sum(map(len, found)) // most)
    found = [origins[::-every][::-1] for origins in found]  # the newest is always one of them
    origins, series = np.concatenate(found), np.repeat(np.arange(rows.n_series), [len(one) for one in found])
    age = origins - last[series]  # rows before the end of its series
    order = np.argsort(age, kind="stable")
    block = np.empty(len(order), np.int64)
    block[order] = np.arange(len(order)) * _BLOCKS // max(len(order), 1)
    return Origins(origins, series, block)


@dataclass(frozen=True)
class Part:
    """Rows up to a moment, and where those to learn from end.

    Attributes
    ----------
    rows : Rows
        Rows up to the end of the part.
    ends : ndarray of int of shape (n_series,)
    """

    rows: Rows
    ends: Integers


def parts_in_time(rows: Rows, ends: Integers, horizon: int, least: int) -> list[Part]:
    """The newest rows behind `ends`, and where these hold few horizons, as many before them, and before those.

    A panel of many series has the newest rows alone. Each part is judged by members that learnt from nothing after its
    own start, and keeps at least half of the rows to learn from.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    horizon : int
    least : int
        Rows of the longest series without which a member learns too little.

    Returns
    -------
    list of Part
        The newest first.
    """
    learnt, held = ends - rows.starts[:-1], rows.starts[1:] - ends
    found = [Part(rows, ends)]
    length = int(max(held.max(initial=0), 1.5 * horizon))
    most = _PARTS if rows.n_series < _SERIES else 1
    while len(found) < most and len(found) * length < _ENOUGH * horizon:
        before = learnt - len(found) * length
        if before.max(initial=0) < max(learnt.max(initial=0) / 2, _LEAST_LEARNT * horizon + 1, least):
            break
        part = rows.until(rows.starts[:-1] + np.maximum(before + length, 0))
        part, own = judged_rows(part, part.starts[:-1] + np.maximum(before, 0), horizon)
        if not known_before(part, own).all():
            break
        found.append(Part(part, own))
    return found
