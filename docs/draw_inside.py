"""The pictures of docs/inside.md: who does what in a fit, and how a batch lies in the processor.

    python docs/draw_inside.py

Writes docs/images/layers.svg and docs/images/lanes.svg.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.hashsalt": "inside", "svg.fonttype": "none", "font.size": 10}

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.patches import FancyBboxPatch, Rectangle  # noqa: E402

IMAGES = Path(__file__).parent / "images"
PYTHON, CORE, WINDOW, INK, MUTED = "#3b6ea5", "#e08a1e", "#8fb3d9", "#333333", "#777777"
LAYERS = [
    ("your frame", None, ["time index, columns, NaN, many series"]),
    (
        "SeriesForecaster",
        PYTHON,
        ["roles and time axis, transforms and calendar,", "refusals with the fix; restores the forecast"],
    ),
    ("Windows", PYTHON, ["a row number per window; no value is copied"]),
    ("RNNForecaster", PYTHON, ["epochs, order, validation tail, early stopping,", "learning rate, seeds"]),
    ("_core: loop", CORE, ["batches to threads, gradients in a fixed order,", "clipping, optimiser; without the GIL"]),
    ("_core: kernel", CORE, ["gather windows, forward, back through time;", "compiled for SSE, AVX2, AVX-512, NEON"]),
]


def layers():
    figure, ax = plt.subplots(figsize=(8.6, 5.6))
    height, gap, width = 1.0, 0.55, 5.6
    for number, (name, colour, lines) in enumerate(LAYERS):
        y = (len(LAYERS) - 1 - number) * (height + gap)
        box = FancyBboxPatch(
            (0, y), width, height, boxstyle="round,pad=0.02,rounding_size=0.1", fc="white", ec=colour or MUTED, lw=1.6
        )
        ax.add_patch(box)
        ax.text(0.2, y + height / 2, name, va="center", color=colour or INK, fontweight="bold")
        ax.text(2.2, y + height / 2, "\n".join(lines), va="center", color=INK, fontsize=8.5)
        if number:
            ax.annotate(
                "",
                (0.9, y + height + 0.05),
                (0.9, y + height + gap - 0.05),
                arrowprops={"arrowstyle": "->", "color": INK},
            )
            ax.annotate(
                "",
                (4.7, y + height + gap - 0.05),
                (4.7, y + height + 0.05),
                arrowprops={"arrowstyle": "->", "color": INK},
            )
    top = len(LAYERS) * (height + gap) - gap
    ax.text(1.05, top - height - gap / 2, "down: data", va="center", fontsize=8.5, color=MUTED)
    ax.text(4.6, top - height - gap / 2, "up: forecasts, losses", va="center", ha="right", fontsize=8.5, color=MUTED)
    for label, colour, first, last in [("Python:\npolicy", PYTHON, 1, 3), ("C++:\narithmetic", CORE, 4, 5)]:
        low = (len(LAYERS) - 1 - last) * (height + gap)
        high = (len(LAYERS) - 1 - first) * (height + gap) + height
        ax.plot([width + 0.25] * 2, [low, high], color=colour, lw=3)
        ax.text(width + 0.45, (low + high) / 2, label, va="center", color=colour)
    finish(figure, ax, (-0.1, 7.4), (-0.2, top + 0.2), "layers.svg")


def lanes():
    figure, ax = plt.subplots(figsize=(8.6, 3.4))
    rows, steps = 24, 5
    for row in range(rows):
        ax.add_patch(Rectangle((row * 0.3, 4.3), 0.27, 0.55, color="#dddddd"))
    ax.text(-0.2, 4.57, "the series, once", ha="right", va="center", color=INK)
    for window in range(4):
        y = 3.4 - window * 0.42
        ax.add_patch(Rectangle((window * 1.5, y), 7 * 0.3 - 0.03, 0.3, color=WINDOW))
        ax.text(window * 1.5 + 1.05, y + 0.15, f"window {window + 1}", ha="center", va="center", fontsize=8, color=INK)
    ax.text(-0.2, 2.9, "windows:\norigins into it", ha="right", va="center", color=INK)
    for step in range(steps):
        for lane in range(4):
            x, y = step * 1.45, 0.9 - lane * 0.36
            ax.add_patch(Rectangle((x, y), 1.15, 0.3, color=WINDOW))
            ax.text(x + 0.57, y + 0.15, f"window {lane + 1}", ha="center", va="center", fontsize=7.5, color=INK)
        ax.text(step * 1.45 + 0.57, 1.35, f"step {step + 1}", ha="center", color=MUTED, fontsize=9)
        if step:
            ax.annotate(
                "", (step * 1.45 - 0.02, 0.5), (step * 1.45 - 0.28, 0.5), arrowprops={"arrowstyle": "->", "color": CORE}
            )
    ax.text(-0.2, 0.5, "in the processor:\none window per lane", ha="right", va="center", color=INK)
    ax.text(
        3.5,
        -0.6,
        "the state goes from step to step; the gradient the same way back",
        ha="center",
        color=CORE,
        fontsize=9,
    )
    finish(figure, ax, (-2.6, 7.4), (-0.8, 5.0), "lanes.svg")


def finish(figure, ax, across, up, name):
    ax.set_xlim(*across)
    ax.set_ylim(*up)
    ax.axis("off")
    figure.savefig(IMAGES / name, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    layers()
    lanes()
