"""The pictures of docs/frames.md: which value of a frame is known when.

    python docs/draw_frames.py

Writes docs/images/known-when.svg and docs/images/origins.svg.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.hashsalt": "frames", "svg.fonttype": "none", "font.size": 10}

from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

IMAGES = Path(__file__).parent / "images"
READ, FORECAST, ABSENT, INK = "#3b6ea5", "#e08a1e", "#ececec", "#333333"
LOOKBACK, HORIZON = 8, 4


def row(ax, y, name, past, future, note):
    for step in range(LOOKBACK + HORIZON):
        colour = past if step < LOOKBACK else future
        ax.add_patch(Rectangle((step + 0.06, y + 0.1), 0.88, 0.8, color=colour))
    ax.text(-0.3, y + 0.5, name, ha="right", va="center", color=INK)
    ax.text(LOOKBACK + HORIZON + 0.3, y + 0.5, note, ha="left", va="center", color=INK, fontsize=9)


def known_when():
    figure, ax = plt.subplots(figsize=(9.5, 2.9))
    row(ax, 4, "target", READ, FORECAST, "forecast")
    row(ax, 3, "past_covariates", READ, ABSENT, "never needed")
    row(ax, 2, "future_covariates", READ, READ, "you give it: future_frame()")
    row(ax, 1, "calendar", READ, READ, "from the time stamps")
    ax.add_patch(Rectangle((0.06, 0.1), LOOKBACK + HORIZON - 0.12, 0.8, color=READ))
    ax.text(-0.3, 0.5, "static_covariates", ha="right", va="center", color=INK)
    ax.text(LOOKBACK + HORIZON + 0.3, 0.5, "one value per series", ha="left", va="center", color=INK, fontsize=9)
    ax.axvline(LOOKBACK, color=INK, linewidth=1.2)
    ax.text(LOOKBACK, 6.0, "origin", ha="center", va="bottom", color=INK)
    ax.annotate("", (0, 5.25), (LOOKBACK, 5.25), arrowprops={"arrowstyle": "<->", "color": INK})
    ax.text(LOOKBACK / 2, 5.35, "lookback", ha="center", va="bottom", color=INK)
    ax.annotate("", (LOOKBACK, 5.25), (LOOKBACK + HORIZON, 5.25), arrowprops={"arrowstyle": "<->", "color": INK})
    ax.text(LOOKBACK + HORIZON / 2 + 0.5, 5.35, "horizon", ha="center", va="bottom", color=INK)
    finish(figure, ax, (-4.2, LOOKBACK + HORIZON + 6), (0, 6.8), "known-when.svg")


def origins():
    figure, ax = plt.subplots(figsize=(9.5, 2.6))
    rows, horizon, folds = 24, 3, 4
    for fold in range(folds):
        first = rows - (folds - fold) * horizon
        y = folds - 1 - fold
        for step in range(rows):
            colour = READ if step < first else FORECAST if step < first + horizon else ABSENT
            ax.add_patch(Rectangle((step + 0.06, y + 0.1), 0.88, 0.8, color=colour))
        ax.text(-0.3, y + 0.5, f"origin {fold + 1}", ha="right", va="center", color=INK)
    ax.text(0, folds + 0.15, "known at the origin: fitted on, looked back on", color=READ, va="bottom")
    ax.text(rows, folds + 0.15, "forecast and compared", color=FORECAST, ha="right", va="bottom")
    ax.text(rows, -0.15, "grey: does not exist yet", color="#777777", ha="right", va="top")
    finish(figure, ax, (-4.2, rows + 0.5), (-0.9, folds + 1), "origins.svg")


def finish(figure, ax, across, up, name):
    ax.set_xlim(*across)
    ax.set_ylim(*up)
    ax.axis("off")
    figure.savefig(IMAGES / name, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    known_when()
    origins()
