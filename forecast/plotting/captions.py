"""Titles and legends: above the axes if there is room, otherwise inside, above the data; never over other axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from .style import broken, font_of, is_laid_out, tones_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.transforms import Bbox

    from .._types import Floats

__all__ = ["caption", "figure_caption", "room_beside"]

_POINTS = 72.0
_LETTER = 0.55  # usual width of a letter, in sizes of the font
_LABELS = 30.0  # points that the tick labels and the label of axes take up, where they are not drawn yet
_MOST_ABOVE, _MOST_INSIDE = 0.35, 0.5  # share of the axes' height that a legend may take


def caption(ax: Axes, title: str | None = None, handles: Sequence[Any] | None = None, *, legend: bool = True) -> None:
    """A title above the axes and a legend that covers neither data nor other axes.

    The legend is between the title and the axes if there is room: where a layout engine of the figure makes it,
    or where it is free. Otherwise it is inside, with smaller letters if necessary, and the axis of values is extended
    upwards so that the data stay below it. Axes that are too small for it, under about an inch, get none.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Drawn already: the legend reads the limits.
    title : str, default=None
    handles : list of artists, default=None
        Artists in the legend; None: everything with a label.
    legend : bool, default=True
        Whether there is a legend.
    """
    found, labels = ax.get_legend_handles_labels() if handles is None else (handles, [h.get_label() for h in handles])
    labels = [str(label) for label in labels]
    tall = _title(ax, title)
    if not legend or not labels:
        return
    laid = is_laid_out(ax)
    pixels = ax.figure.dpi / _POINTS
    free = _MOST_ABOVE * ax.bbox.height - max(tall - 20 * pixels, 0)  # more lines of a title leave less
    free = free if laid else min(free, _room_above(ax) - tall)
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3}
    size = _fitted(ax, found, labels, ax.bbox.width, free - 4 * pixels, above)
    if size is not None:
        if title:  # above the legend
            ax.set_title(ax.get_title(loc="left"), loc="left", pad=size[1] / pixels + 7)
        return
    within = 0.85 if laid else 0.97  # a layout engine may still make the axes smaller
    inside = {"loc": "upper left", "borderaxespad": 0.2, "frameon": True, "framealpha": 0.75, "edgecolor": "none"}
    inside["facecolor"] = tones_of(ax).ground
    size = _fitted(
        ax, found, labels, within * ax.bbox.width, within * _MOST_INSIDE * ax.bbox.height, inside, shorten=True
    )
    drawn = ax.get_legend()
    if drawn is None:
        return
    if size is not None:
        drawn.set_zorder(9)
        _raise_top(ax, (size[1] + 5 * pixels) / (within * ax.bbox.height))
    else:
        drawn.remove()


def figure_caption(
    figure: Figure | SubFigure, axes: list[Axes], title: str | None = None, *, legend: bool = True
) -> None:
    """A title and one legend above all axes of a figure that is laid out by an engine.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    axes : list of matplotlib.axes.Axes
        The legend explains what has a label in any of them.
    title : str, default=None
    legend : bool, default=True
    """
    ink = tones_of(axes[0]).ink
    found: dict[Any, Any] = {}
    for ax in axes if legend else []:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found and title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=ink)
    if found:
        columns = _columns(list(found), figure.bbox.width / figure.dpi * _POINTS, 9.0)
        drawn = figure.legend(
            list(found.values()), list(found), loc="outside upper left", ncols=columns, frameon=False, fontsize=9.0,
            labelcolor=ink, columnspacing=1.4, handlelength=2.6, title=title, title_fontsize=11, alignment="left",
        )  # fmt: skip
        drawn.get_title().set_color(ink)


def room_beside(ax: Axes, points: float) -> bool:
    """Whether text of some points fits to the right of the axes without covering other axes or leaving the figure."""
    if is_laid_out(ax):
        return True
    pixels = ax.figure.dpi / _POINTS
    box, limits = ax.bbox, [ax.figure.bbox.x1]
    for other in _others(ax):
        if other.bbox.x0 >= box.x1 - 1 and other.bbox.y0 < box.y1 and other.bbox.y1 > box.y0:
            limits.append(min(_outside(other).x0, other.bbox.x0 - _LABELS * pixels))
    return min(limits) - box.x1 >= points * pixels


# -------------------- room


def _outside(ax: Axes) -> Bbox:
    """The box of visible axes with what is written around them."""
    return cast("Bbox", ax.get_tightbbox())


def _others(ax: Axes) -> list[Axes]:
    """Axes of the figure at other places."""
    return [other for other in ax.figure.canvas.figure.axes if other is not ax and other.get_visible()]


def _room_above(ax: Axes) -> float:
    """Free pixels between the axes and what is above them."""
    pixels = ax.figure.dpi / _POINTS
    box, limits = ax.bbox, [ax.figure.bbox.y1]
    for other in _others(ax):
        if other.bbox.y0 >= box.y1 - 1 and other.bbox.x0 < box.x1 and other.bbox.x1 > box.x0:
            limits.append(min(_outside(other).y0, other.bbox.y0 - _LABELS * pixels))
    return min(limits) - box.y1


def _raise_top(ax: Axes, share: float) -> None:
    """Extend the axis of values so that its upper `share` is free."""
    if ax.get_aspect() != "auto":
        ax.set_aspect("auto")
    scale = ax.yaxis.get_transform()
    bottom, top = scale.transform(np.array(ax.get_ylim()))
    raised = scale.inverted().transform(np.array([bottom + (top - bottom) / (1 - min(share, 0.8))]))[0]
    ax.set_ylim(top=raised, auto=None)


# -------------------- words


def _title(ax: Axes, title: str | None) -> float:
    """Draw a title, in lines as long as the axes are wide; its height in pixels."""
    if not title:
        return 0.0
    pixels = ax.figure.dpi / _POINTS
    free = np.inf if is_laid_out(ax) else _room_above(ax)
    for font in (font_of(ax) + 2, font_of(ax), 6.0):  # smaller letters where the title would leave the figure
        text = ax.set_title(title, loc="left", fontsize=font, color=tones_of(ax).ink, pad=6)
        text.set_text(broken(title, ax.bbox.width, text.get_window_extent().width))
        high = text.get_window_extent().height + 6 * pixels
        if high <= free:
            break
    return high


def _fitted(
    ax: Axes,
    handles: Sequence[Any],
    labels: list[str],
    width: float,
    height: float,
    options: dict[str, Any],
    *,
    shorten: bool = False,
) -> tuple[float, float] | None:
    """Draw a legend within some pixels, with the largest letters that fit; its width and height, None where none do."""
    pixels, ink = ax.figure.dpi / _POINTS, tones_of(ax).ink
    largest, drawn = font_of(ax), None
    for font in dict.fromkeys((largest, min(largest, 7.5), min(largest, 6.5), 5.5)):
        names = _shortened(labels, width / pixels, font) if shorten and font == 5.5 else labels
        for columns in range(_columns(names, width / pixels, font), 0, -1):
            if -(-len(names) // columns) * font * pixels > height:
                break  # fewer columns are higher still
            drawn = ax.legend(
                handles, names, ncols=columns, fontsize=font, labelcolor=ink, borderpad=0.2, columnspacing=1.4,
                handlelength=2.6, **({"frameon": False} | options),
            )  # fmt: skip
            box = drawn.get_window_extent()
            if box.width <= width + 1:
                if box.height <= height:
                    return box.width, box.height
                break
    if drawn is not None:
        drawn.remove()
    return None


def _widths(labels: list[str], font: float) -> Floats:
    """Points that entries of a legend take up, by the usual width of letters."""
    return np.array([len(label) for label in labels]) * _LETTER * font + 4.7 * font


def _columns(labels: list[str], width: float, font: float) -> int:
    """Most columns of a legend that fit into some points."""
    sizes = _widths(labels, font)
    fits = (n for n in range(len(labels), 1, -1) if sum(part.max() for part in np.array_split(sizes, n)) <= width)
    return next(fits, 1)


def _shortened(labels: list[str], width: float, font: float) -> list[str]:
    """Labels cut to the letters that fit into one column."""
    most = max(int((width - 4.7 * font) / (0.62 * font)), 3)
    return [label if len(label) <= most else label[: most - 1].rstrip() + "…" for label in labels]
