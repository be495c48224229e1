"""Style of plots: colours, dashes, axes, dates. It is independent of forecasts and of matplotlib's settings."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._refusals import Fix, Refusal, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from .._types import Array

__all__ = [
    "MANY",
    "NAIVE_STYLES",
    "Tones",
    "broken",
    "colour_of",
    "dashes_of",
    "dress",
    "fills",
    "font_of",
    "is_laid_out",
    "labelled",
    "line_style",
    "looks_of",
    "markers_of",
    "new_axes",
    "new_panels",
    "place",
    "plain_log_axis",
    "pyplot",
    "rows_that_fit",
    "time_axis",
    "tones_of",
]

# Okabe and Ito (2008), without the yellow that vanishes on white: distinct with the usual kinds of colour blindness.
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# In print without colour, dashes and markers tell lines apart.
_DASHES = ("solid", (0, (6, 1.6)), (0, (2.2, 1.2)), (0, (7, 1.5, 1.5, 1.5)), (0, (4, 1.2)), (0, (1.2, 1.0)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
# Naive forecasts are grey and thin wherever they appear, each with the same dashes and marker.
NAIVE_STYLES = {
    "last value": ("#6b6b6b", (0, (1, 1.3)), "x"),
    "seasonal naive": ("#4a4a4a", (0, (5, 1.4, 1, 1.4, 1, 1.4)), "+"),
    "drift": ("#8c8c8c", (0, (9, 2.5)), "1"),
    "mean": ("#a0a0a0", (0, (2, 3)), "."),
}
MANY = 60  # most points of a line that get markers: of more they only hide it


@dataclass(frozen=True)
class Tones:
    """Colours of text, axes and grid, for a light or a dark background."""

    ink: str
    muted: str
    grid: str
    ground: tuple[float, float, float]


def pyplot() -> Any:
    """Return matplotlib.pyplot, or say how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            Refusal("plots need matplotlib, which is not installed", fix=install("'rnn-forecast[plot]'"))
        ) from error
    return pyplot


def tones_of(ax: Axes) -> Tones:
    """Tones that are readable on the background of some axes."""
    from matplotlib.colors import to_rgb

    ground = to_rgb(ax.get_facecolor())
    if np.dot(ground, (0.2126, 0.7152, 0.0722)) < 0.4:
        return Tones("#f2f2f2", "#b5b5b5", "#454545", ground)
    return Tones("#222222", "#5c5c5c", "#e4e4e4", ground)


def colour_of(number: int) -> str:
    """The colour of the model, band or layer of this number, from 0 on."""
    return _COLOURS[number % len(_COLOURS)]


def dashes_of(number: int) -> Any:
    """The dashes of the line of this number, from 0 on; 0 is solid."""
    return _DASHES[number % len(_DASHES)]


def line_style(name: str, number: int, *, points: int | None = None) -> dict[str, Any]:
    """Keywords of `Axes.plot` for a model.

    Parameters
    ----------
    name : str
        Naive forecasts have a look of their own.
    number : int
        Number of the model among those that are not naive.
    points : int, default=None
        Length of the line: a short one gets markers. None: none.

    Returns
    -------
    dict
    """
    short = points is not None and points <= MANY
    style: dict[str, Any]
    if name in NAIVE_STYLES:
        colour, dashes, marker = NAIVE_STYLES[name]
        style = {"color": colour, "linestyle": dashes, "linewidth": 1.2, "zorder": 3}
        return style | ({"marker": marker, "markersize": 5} if short else {})
    style = {
        "color": colour_of(number), "linestyle": _DASHES[number % len(_DASHES)],
        "linewidth": 2.0 if number == 0 else 1.5, "zorder": 5 if number == 0 else 4,
    }  # fmt: skip
    return style | ({"marker": _MARKERS[number % len(_MARKERS)], "markersize": 4.5} if short else {})


def markers_of(values: Any, marker: str, size: float) -> dict[str, Any]:
    """Keywords of `Axes.plot` for the markers of a line: all of a short one, of a long one only lone points.

    A value between two missing ones has no line, so without a marker it would be invisible.
    """
    known = np.isfinite(np.asarray(values, dtype=np.float64))
    look = {"marker": marker, "markersize": size}
    if len(known) <= MANY:
        return look
    lone = known & ~np.r_[False, known[:-1]] & ~np.r_[known[1:], False]
    return look | {"markevery": list(np.flatnonzero(lone))} if lone.any() else {}


def looks_of(
    names: Iterable[str], order: Sequence[str] | None = None, *, points: int | None = None
) -> dict[str, dict[str, Any]]:
    """Keywords of `Axes.plot` for several models by name; those of naive forecasts do not use up a colour.

    Parameters
    ----------
    names : iterable of str
        As drawn.
    order : list of str, default=None
        Order of names in which colours are assigned; None: `names`.
    points : int, default=None
        As for `line_style`.

    Returns
    -------
    dict
    """
    names = list(names)
    order = [name for name in (names if order is None else [*order, *names]) if name not in NAIVE_STYLES]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(order))}
    looks = {name: line_style(name, numbers.get(name, 0), points=points) for name in names}
    if names:  # the first one drawn is the main one, whatever its colour
        looks = {name: look | {"linewidth": 1.4, "zorder": min(look["zorder"], 4)} for name, look in looks.items()}
        looks[names[0]] |= {"linewidth": 2.0, "zorder": 5}
    return looks


def fills(colour: str, ground: tuple[float, float, float], n: int) -> list[tuple[float, float, float]]:
    """Opaque tints of a colour for `n` nested bands, the widest first and lightest; opaque, for print."""
    from matplotlib.colors import to_rgb

    more = 0.12 if np.mean(ground) < 0.5 else 0.0  # on a dark ground faint tints are lost
    shares = more + (np.linspace(0.18, 0.46, n) if n > 1 else np.array([0.28]))
    return [tuple(share * np.array(to_rgb(colour)) + (1 - share) * np.array(ground)) for share in shares]


# -------------------- axes


def is_laid_out(ax: Axes) -> bool:
    """Whether the figure makes room for what surrounds its axes."""
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    engine = ax.figure.canvas.figure.get_layout_engine()
    return engine is not None and not isinstance(engine, PlaceHolderLayoutEngine)


def new_axes(ax: Axes | None = None, size: tuple[float, float] = (9, 4.2)) -> Axes:
    """The axes to draw on: those given, or new ones in a figure of their own."""
    if ax is not None:
        return ax
    return pyplot().subplots(figsize=size, layout="constrained")[1]


def new_panels(axes: Any, n: int, make: Callable[[], list[Axes]]) -> list[Axes]:
    """The axes of a picture of several panels.

    Parameters
    ----------
    axes : sequence of matplotlib.axes.Axes or None
    n : int
        How many there must be.
    make : callable
        Gives them as a list where `axes` is None.

    Raises
    ------
    ValueError
        `axes` are not `n` axes.
    """
    if axes is None:
        return make()
    given = list(np.ravel(np.asarray(axes, dtype=object)))
    if len(given) != n or not all(hasattr(ax, "plot") for ax in given):
        raise ValueError(
            Refusal(
                f"has {len(given)} entries",
                where="axes",
                expected=(
                    f"{n} matplotlib axes, one per panel, as pyplot.subplots({n}) makes them, or None for a new figure"
                ),
                fix=Fix("axes=None", ""),
            )
        )
    return given


def font_of(ax: Axes) -> float:
    """Points of the letters of axes: smaller where they are small."""
    wide, high = (side / ax.figure.dpi for side in (ax.bbox.width, ax.bbox.height))
    return 9.0 if wide >= 2.6 and high >= 1.25 else 7.5 if wide >= 1.6 and high >= 0.8 else 6.0


def rows_that_fit(ax: Axes) -> int:
    """How many names of rows fit below each other in axes, at least 1."""
    return max(int(ax.bbox.height / ax.figure.dpi * 72 / (1.5 * font_of(ax))), 1)


def broken(text: str, room: float, width: float) -> str:
    """Words in lines, where in one line of some `width` they are longer than there is `room`."""
    return text if width <= room else "\n".join(textwrap.wrap(text, max(int(len(text) * room / width), 8)))


def labelled(name: str, unit: str | None = None) -> str:
    """A label with its unit: "load (MW)"."""
    return str(name) if unit is None else f"{name} ({unit})"


def dress(ax: Axes, xlabel: str | None, ylabel: str | None, *, grid: Literal["x", "y", "both"] | None = "y") -> None:
    """Labels, quiet spines and a grid behind the data."""
    from matplotlib.dates import ConciseDateFormatter

    tones, font = tones_of(ax), font_of(ax)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(tones.muted)
    ax.tick_params(which="both", colors=tones.muted, labelsize=font)
    ax.xaxis.get_offset_text().set_color(tones.muted)
    ax.xaxis.get_offset_text().set_fontsize(font)
    if grid:
        ax.grid(axis=grid, color=tones.grid, linewidth=0.8)
    ax.set_axisbelow(True)
    dates = isinstance(ax.xaxis.get_major_formatter(), ConciseDateFormatter)
    across = ax.bbox.width * (0.7 if dates else 1.0)  # the year is right of the label of a time axis
    for name, label, room in ((ax.set_xlabel, xlabel, across), (ax.set_ylabel, ylabel, ax.bbox.height)):
        if label is None:
            continue
        size = font + 0.5
        width = 0.5 * size * max(len(line) for line in label.splitlines()) * ax.figure.dpi / 72
        if is_laid_out(ax) and "\n" not in label:
            label = broken(label, room, width)
        elif width > room:  # lines below each other would lie on other axes
            size = max(size * room / width, 6.0)
        name(label, color=tones.ink, fontsize=size)


def plain_log_axis(axis: Axis) -> None:
    """Readable numbers on a logarithmic axis, also if it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    choices: Any = ((4, (1.0,)), (2, (1.0, 3.0)), (0.7, (1.0, 2.0, 5.0)), (-np.inf, np.arange(1.0, 10.0)))
    subs = next(subs for least, subs in choices if decades > least)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


# -------------------- time


def place(index: pd.Index) -> Array:
    """Labels as numbers or dates for matplotlib; a period is drawn at its start, a zone is removed.

    Stamps of a zone are placed by their instant: the hour that a clock repeats is drawn twice as long, not over itself.
    """
    index = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    if isinstance(index, pd.DatetimeIndex):
        return (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)).to_numpy()
    return index.to_numpy()


def time_axis(ax: Axes, index: pd.Index, name: str | None = None) -> str:
    """Set the ticks of a time axis in the user's local time; return the label.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    index : pandas.Index
        The labels drawn.
    name : str, default=None
        Name of the axis. None: the name of the index; "time" or "step" if it has none.

    Returns
    -------
    str
        Label, with the zone.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    dates = isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex))
    most = max(int(ax.bbox.width / ax.figure.dpi / 0.45), 2)  # labels side by side
    name = index.name if name is None else name
    name = ("time" if dates else "step") if name is None else name
    if not dates:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=min(most, 10), integer=True))
        return str(name)
    zone = getattr(index, "tz", None)
    most = max(min(most, 8), 3)
    least = 3 if most >= 7 else 2 if most >= 5 else 1  # more would leave ranges for which no interval fits
    locator = AutoDateLocator(tz=zone, minticks=least, maxticks=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    return str(name) if zone is None else f"{name} ({zone})"
