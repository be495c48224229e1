"""Pictures as tests see them: data for them, what is drawn, what it says, and whether words lie on words or outside."""

import itertools

import numpy as np
import pandas as pd

__all__ = ["drawn", "faults", "hourly_load", "shop_sales", "words"]


def hourly_load(hours):
    """A load with a day's course, from 1 March 2024 in Berlin."""
    index = pd.date_range("2024-03-01", periods=hours, freq="h", tz="Europe/Berlin", name="hour")
    noise = pd.Series(np.random.default_rng(0).normal(size=hours)).ewm(span=6).mean().to_numpy()
    return pd.DataFrame({"load": 60 + 12 * np.sin(2 * np.pi * index.hour / 24) + 6 * noise}, index)


def shop_sales(names):
    """Random walks of 80 days, one of each shop."""
    days = pd.date_range("2024-01-01", periods=80, freq="D", name="day")
    rng = np.random.default_rng(1)
    return pd.concat([pd.DataFrame({"shop": name, "sold": rng.normal(size=80).cumsum()}, days) for name in names])


def drawn(display):
    """Values of the lines by their label."""
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in display.lines_}


def words(figure):
    """(text, box) of everything that can be read in a figure, legends as one."""
    figure.canvas.draw()
    found = []
    for ax in figure.axes:
        texts = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, ax.xaxis.get_offset_text(), *ax.texts]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            margin = 1e-9 * (high - low)
            ticks = [tick for tick in axis.get_major_ticks() if low - margin <= tick.get_loc() <= high + margin]
            texts += [tick.label1 for tick in ticks]
        found += [(one.get_text(), one.get_window_extent()) for one in texts if one.get_text() and one.get_visible()]
        if ax.get_legend() is not None:
            found.append(("legend", ax.get_legend().get_window_extent()))
    found += [("legend of the figure", one.get_window_extent()) for one in figure.legends]
    return found + [(one.get_text(), one.get_window_extent()) for one in figure.texts if one.get_text()]


def faults(figure):
    """Words on words, words outside of the figure, and legends over data."""
    found = words(figure)
    bad = [
        f"{one!r} lies on {other!r}"
        for (one, box), (other, second) in itertools.combinations(found, 2)
        if _share(box, second) > 0.5
    ]
    frame = figure.bbox
    for text, box in found:
        if box.x0 < frame.x0 - 1 or box.y0 < frame.y0 - 1 or box.x1 > frame.x1 + 1 or box.y1 > frame.y1 + 1:
            bad.append(f"{text!r} is outside of the figure")
        if text == "legend":
            bad += ["the legend lies on data" for ax in figure.axes if _share(box, ax.bbox) > 1]
    return bad


def _share(one, other):
    """Square pixels that two boxes share."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(wide, 0) * max(high, 0)
