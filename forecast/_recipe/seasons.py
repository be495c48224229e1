"""The seasons of a series: those that are usual at its frequency and visible in the rows.

A season of m steps shows as a peak of the autocorrelation at lag m. A smooth series has a high autocorrelation there as
well, but no peak: so lag m is compared with the lags half a season before and behind it. Of a season that is a multiple
of a shorter one (a week of hours) the lags one shorter season away are compared, on the differences over the shorter
season, which leave no trace of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .._frames.index import is_clockless, season_length
from .._frames.patterns import Pattern
from .._frames.steps import MONTHS_OF
from .._refusals import Refusal
from .._types import Floats, Integers

if TYPE_CHECKING:
    from .._frames import TimeAxis
    from .._preparation import Rows

__all__ = ["peak", "sampled", "seasons_of", "shown"]

SAMPLE = 64  # series that vote, spread evenly over the panel
NEWEST = 20_000  # rows of a series that are looked at
SHARE = 1 / 4  # of the series that can tell must show a season; of noise, one in twenty does
SMALLEST = 0.1  # of a peak of the autocorrelation, however many rows there are
QUANTILE = 2.0  # of the normal distribution: how high a peak must be for a season that is usual, in standard errors
LONGEST = 2000  # steps of a season that is found without a frequency
WEEKS = 365.25 / 7  # in a year


def seasons_of(
    rows: Rows, ends: Integers, axis: TimeAxis, season: int | Sequence[int] | Literal["auto"] = "auto"
) -> list[int]:
    """The seasons that the rows of each series show before a row of it.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
        Only rows before these are read.
    axis : TimeAxis
    season : "auto", int or list of int, default="auto"
        "auto" tests the usual seasons of the frequency (a day and a week of hours, a week and a year of days, a year of
        weeks, months and quarters); without a frequency, the highest peak of the autocorrelation. Numbers of steps are
        taken as given; an empty list means no season.

    Returns
    -------
    list of int
        In steps. With "auto", the season whose repetition is the best forecast comes first. The user's seasons are
        left out where the rows to learn from hold them less than once.

    Raises
    ------
    TypeError
        `season` is neither "auto" nor whole numbers.
    ValueError
        A season shorter than 2 steps, longer than the longest series, or given twice.
    """
    if not isinstance(season, str):
        return _given(rows, ends, season)
    if season != "auto":
        raise ValueError(
            Refusal(f"is {season!r}", where="season", expected="'auto', a whole number of steps, or a list of these")
        )
    series = [x for _, _, x in sampled(rows, ends)]
    usual = _usual(axis.freq)
    found = _found(series) if usual is None else _confirmed(series, usual)
    return _best_first(series, found)


def _given(rows: Rows, ends: Integers, season: int | Sequence[int]) -> list[int]:
    numbers: list[Any] = list(season) if isinstance(season, (list, tuple, np.ndarray)) else [season]
    longest = int(np.diff(rows.starts).max(initial=0))
    for number in numbers:
        if isinstance(number, (bool, np.bool_)) or not isinstance(number, Integral):
            raise TypeError(
                Refusal(
                    f"is {season!r}", where="season", expected="'auto', a whole number of steps, or a list of these"
                )
            )
        if not 2 <= int(number) <= longest:
            raise ValueError(
                Refusal(
                    f"is {season!r}",
                    where="season",
                    expected=f"2 to {longest} steps: the longest series has {longest} rows",
                )
            )
    if len(set(numbers)) < len(numbers):
        raise ValueError(Refusal(f"is {season!r}", where="season", expected="each length once"))
    learnt = int(np.max(ends - rows.starts[:-1], initial=0))
    return [int(number) for number in numbers if number <= learnt]


# -------------------- which seasons are usual


def _usual(freq: Any) -> list[int] | None:
    """Steps of the usual seasons of a frequency, ascending; None where none are known."""
    if isinstance(freq, Pattern):
        return freq.seasons
    if not isinstance(freq, pd.offsets.BaseOffset):
        return None
    if is_clockless(freq):
        return _of_clock(pd.Timedelta(freq))
    if isinstance(freq, pd.offsets.Day):
        lengths = [7 / freq.n, round(7 * WEEKS / freq.n)]
    elif isinstance(freq, pd.offsets.BusinessDay):
        lengths = [season_length(freq), round(_sessions(freq) / freq.n)] if freq.n == 1 else [5 / freq.n]
    elif isinstance(freq, pd.offsets.Week):
        lengths = [round(WEEKS / freq.n)]
    elif type(freq) in MONTHS_OF:
        lengths = [12 / (MONTHS_OF[type(freq)] * freq.n)]
    elif isinstance(freq, (pd.offsets.SemiMonthBegin, pd.offsets.SemiMonthEnd)):
        lengths = [24 / freq.n]
    else:
        return None
    return [int(length) for length in lengths if length >= 2 and length == int(length)]


def _of_clock(step: pd.Timedelta) -> list[int]:
    day = pd.Timedelta(days=1)
    spans = [pd.Timedelta(minutes=1), pd.Timedelta(hours=1), day, 7 * day]
    # Cycles of a minute or an hour count only where they have at least 12 steps.
    enough = [12, 12, 2, 2]
    lengths = [(span / step, least) for span, least in zip(spans, enough, strict=True)]
    return [int(length) for length, least in lengths if length >= least and length == int(length)]


def _sessions(freq: Any) -> float:
    """Sessions in a year, over the years of the calendar's own holidays."""
    calendar = getattr(freq, "calendar", None)
    calendar = calendar if isinstance(calendar, np.busdaycalendar) else np.busdaycalendar()
    first, last = np.datetime64("2000", "Y"), np.datetime64("2028", "Y")
    if len(calendar.holidays):
        first, last = calendar.holidays[0].astype("M8[Y]"), calendar.holidays[-1].astype("M8[Y]") + 1
    days = np.busday_count(first.astype("M8[D]"), last.astype("M8[D]"), busdaycal=calendar)
    return days / (last - first).astype(int)


# -------------------- which of them the rows show


def sampled(rows: Rows, ends: Integers, newest: int = NEWEST) -> Iterator[tuple[int, int, Floats]]:
    """Some targets of some series.

    Parameters
    ----------
    rows : Rows
    ends : ndarray of int of shape (n_series,)
    newest : int, default=20_000
        Rows of a series at most.

    Yields
    ------
    first, end : int
        Rows, from the first to the last known value.
    values : ndarray of shape (end - first,), float64
        NaN where missing.
    """
    values = rows.true_targets
    n, n_targets = len(ends) * values.shape[1], values.shape[1]
    for number in np.unique(np.linspace(0, n - 1, min(SAMPLE, n)).round().astype(int)):
        one, column = divmod(int(number), n_targets)
        first, end = int(rows.starts[one]), int(ends[one])
        known = np.flatnonzero(~np.isnan(values[first:end, column]))
        if len(known):
            first, end = first + int(known[0]), first + int(known[-1]) + 1
        else:
            end = first
        first = max(first, end - newest)
        yield first, end, values[first:end, column].astype(np.float64)


def _confirmed(series: list[Floats], lengths: list[int]) -> list[int]:
    shorter, found = None, []
    for length in lengths:
        if shown([peak(x, length, shorter) for x in series]):
            found.append(length)
            shorter = length
    return found


def shown(peaks: list[float | None] | list[float]) -> bool:
    """Whether enough series show a season, of those that are long enough, which must be half of them.

    Parameters
    ----------
    peaks : list of float or None
        Peak of each series, as `peak` returns it.

    Returns
    -------
    bool
    """
    voted = [height for height in peaks if height is not None]
    if 2 * len(voted) < max(len(peaks), 1):
        return False
    needed = max(1, SHARE * len(voted), min(2, len(voted) - 1))  # never one of three or more alone
    return sum(height > 0 for height in voted) >= needed


def peak(x: Floats, length: int, shorter: int | None = None) -> float | None:
    """How far the autocorrelation of a series at a lag is above its surroundings.

    Parameters
    ----------
    x : ndarray of shape (rows,)
        NaN where missing.
    length : int
        The lag.
    shorter : int, default=None
        A shorter season already found. A multiple of it has to show on its own.

    Returns
    -------
    float or None
        Height above the lags it is compared with, in units of what chance explains, minus 1: positive for a season.
        None where the series is too short to tell.
    """
    if len(x) < 2 * length:
        return None
    views: list[Floats]
    if shorter is not None and length % shorter == 0 and length > 2 * shorter:
        views, others = [x[shorter:] - x[:-shorter]], [length - shorter, length + shorter]
    else:
        views, others = _views(x if shorter is None else _smoothed(x, shorter)), _half_away(length)
    heights = [_height(_autocorrelation(view, 2 * length), length, others, QUANTILE) for view in views]
    return max((height for height in heights if height is not None), default=None)


def _views(x: Floats) -> list[Floats]:
    """Of a series, what a season is looked for in.

    Noise hides a long season in the differences, and a level that wanders hides a short one in the values.
    """
    return [_straightened(x), np.diff(x)]


def _half_away(length: int) -> list[Any]:
    """The lags half a season before and behind a lag; of an odd season the two next to it."""
    half = length // 2
    return [half, length + half] if length % 2 == 0 else [(half, half + 1), (length + half, length + half + 1)]


def _smoothed(x: Floats, width: int) -> Floats:
    """The mean over a shorter season, which removes it."""
    known = ~np.isnan(x)
    sums = np.cumsum(np.insert(np.where(known, x, 0.0), 0, 0.0))
    counts = np.cumsum(np.insert(known.astype(np.float64), 0, 0.0))
    n = counts[width:] - counts[:-width]
    return np.where(n > 0, (sums[width:] - sums[:-width]) / np.maximum(n, 1), np.nan)


def _straightened(x: Floats) -> Floats:
    """Without its straight line."""
    known = np.flatnonzero(~np.isnan(x))
    if len(known) < 2:
        return x
    at = known - known.mean()
    values = x[known] - x[known].mean()
    return x - x[known].mean() - (np.arange(len(x)) - known.mean()) * (np.sum(at * values) / np.sum(at * at))


@dataclass(frozen=True)
class _Correlation:
    """The autocorrelation of a series.

    Attributes
    ----------
    at : ndarray of shape (lags + 1,)
    rows : int
        Rows of the series.
    pairs : float
        Pairs of known rows one lag apart that a short lag has.
    """

    at: Floats
    rows: int
    pairs: float


def _autocorrelation(x: Floats, most: int) -> _Correlation | None:
    """Of ranks, which no outlier rules, at lags up to `most`, over pairs of known rows; None of constants."""
    known = ~np.isnan(x)
    n, most = int(known.sum()), min(most, len(x) - 1)
    values, place, counts = np.unique(x[known], return_inverse=True, return_counts=True)
    if len(values) < 2 or not values[-1] - values[0] > _rounding(values):
        return None
    ranks = np.cumsum(counts) - counts / 2  # of equal values their mean
    centred = np.zeros(len(x))
    centred[known] = ranks[place] / n - 0.5
    size = 1 << int(len(x) + most).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2, size)[: most + 1]
    pairs = np.fft.irfft(np.abs(np.fft.rfft(known.astype(np.float64), size)) ** 2, size)[: most + 1].round()
    at = np.where(pairs > 0, products / np.maximum(pairs, 1), 0.0) / (products[0] / n)
    return _Correlation(at, len(x), n * n / len(x))


def _rounding(values: Floats) -> float:
    """What differences of a constant can be."""
    precision = values.dtype if values.dtype.kind == "f" else np.float64
    return 10 * np.finfo(precision).eps * np.abs(values).max()


def _height(correlation: _Correlation | None, length: int, others: list[Any], quantile: float) -> float | None:
    if correlation is None or len(correlation.at) <= length:
        return None
    # A lag that few pairs of rows have says little.
    last = min(len(correlation.at) - 1, correlation.rows - length // 2)
    around = [correlation.at[np.atleast_1d(lags)].mean() for lags in others if np.max(lags) <= last]
    if not around:
        return None
    chance = quantile * np.sqrt((1 + 2 * np.sum(correlation.at[1:length] ** 2)) / correlation.pairs)
    return (correlation.at[length] - max(around)) / max(chance, SMALLEST) - 1


# -------------------- without a frequency


def _found(series: list[Floats]) -> list[int]:
    """The season that stands out most, and a longer one that is a multiple of it."""
    most = min(LONGEST, max((len(x) // 3 for x in series), default=0))
    if most < 2:
        return []
    curves = [[_autocorrelation(view, 2 * most) for view in _views(x)] for x in series]
    candidates = _candidates(curves, most)
    tests: dict[int, float] = {}
    # Among many lags the highest peak of noise is high.
    quantile = np.sqrt(2 * np.log(100 * max(len(candidates), 1)))
    for length in candidates:
        peaks = [_highest(views, length, quantile) for views in curves]
        if shown(peaks):
            tests[length] = float(np.median([height for height in peaks if height is not None]))
    if not tests:
        return []
    first = best = max(tests, key=tests.__getitem__)
    for length in sorted(tests):  # two or three seasons may stand out as high as one
        whole = round(best / length)
        if whole > 1 and abs(best - whole * length) <= whole and tests[length] >= 0.8 * tests[best]:
            first = length
            break
    for length in range(3 * first, most + 1, first):
        if length in tests and shown([peak(x, length, first) for x in series]):
            return [first, length]
    return [_sharpened(curves, first)]


def _highest(views: list[_Correlation | None], length: int, quantile: float) -> float | None:
    """As `peak`, of autocorrelations that are there already."""
    heights = [
        _height(view, length, _half_away(length), quantile)
        for view in views
        if view is not None and view.rows + 1 >= 2 * length
    ]
    return max((height for height in heights if height is not None), default=None)


def _candidates(curves: list[list[_Correlation | None]], most: int) -> list[int]:
    """Lags at which the median autocorrelation of values or differences is higher than around them."""
    lags = set()
    for views in zip(*curves, strict=True):
        known = [view.at[: most + 1] for view in views if view is not None and len(view.at) > most]
        if not known:
            continue
        curve = np.median(known, axis=0)
        for lag in range(2, most):
            reach = max(1, lag // 8)
            around = curve[max(1, lag - reach) : lag + reach + 1]
            if curve[lag] > 0 and curve[lag] >= around.max():
                lags.add(lag)
    return sorted(lags)


def _sharpened(curves: list[list[_Correlation | None]], length: int) -> int:
    """The length near a season whose multiples stand out most: of a noisy one the first peak is broad."""
    near = np.arange(max(2, length - length // 12), length + length // 12 + 1)
    heights = np.zeros(len(near))
    for view in (view for views in curves for view in views if view is not None):
        last = min(len(view.at) - 1, 3 * view.rows // 4)
        times = max((2 * last // int(near[-1]) - 1) // 2, 0)
        for time in range(1, times + 1):
            around = view.at[time * near - near // 2] + view.at[time * near + near // 2]
            heights += (view.at[time * near] - around / 2) / times
    return int(near[heights.argmax()]) if heights.any() else length


def _best_first(series: list[Floats], lengths: list[int]) -> list[int]:
    """By the error of repeating each season, relative to the change from step to step; near ties to the shorter."""
    if len(lengths) < 2:
        return lengths
    errors: dict[int, list[float]] = {length: [] for length in lengths}
    for x in series:
        if len(x) < 2 * max(lengths):
            continue
        changes = {length: np.abs(x[length:] - x[:-length]) for length in lengths}
        step = np.nanmean(np.abs(np.diff(x))) if np.isfinite(np.diff(x)).any() else 0.0
        if step > 0 and all(np.isfinite(change).any() for change in changes.values()):
            for length, change in changes.items():
                errors[length].append(float(np.nanmean(change) / step))
    return sorted(lengths, key=lambda length: (round(float(np.median(errors[length] or [0.0])), 2), length))
