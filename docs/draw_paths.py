"""The picture of docs/guide/paths.md: paths of one forecast, and intervals of their sum.

    python docs/draw_paths.py

Writes docs/images/paths.svg. Needs statsmodels for the series.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.hashsalt": "paths", "svg.fonttype": "none", "font.size": 10}

import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402

from forecast import SeriesForecaster  # noqa: E402
from forecast.datasets import load_co2  # noqa: E402

IMAGES = Path(__file__).parent / "images"
PATHS, BAND, INK = "#3b6ea5", "#e08a1e", "#333333"
HORIZON, SHOWN = 24, 25


def drawn():
    """The actual values, the interval of each step, and paths of shape (steps, paths)."""
    rows = load_co2().interpolate()
    model = SeriesForecaster(Ridge(), lookback=52, horizon=HORIZON, validation_fraction=0.2).fit(rows.iloc[:1_500])
    paths = model.sample(1_000, random_state=0).to_numpy()
    return rows["co2"].iloc[1_500 : 1_500 + HORIZON].to_numpy(), model.predict_interval(coverage=0.8), paths


def main():
    actual, interval, paths = drawn()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2), width_ratios=(3, 2), layout="constrained")
    weeks = np.arange(1, HORIZON + 1)
    left.fill_between(weeks, interval["co2_lower"], interval["co2_upper"], color=BAND, alpha=0.3, linewidth=0)
    left.plot(weeks, paths[:, :SHOWN], color=PATHS, linewidth=0.6, alpha=0.6)
    left.plot(weeks, actual, color=INK, linewidth=1.6)
    left.set_title("80 % interval of each week, 25 paths, actual values", loc="left", fontsize=10)
    left.set_xlabel("weeks ahead")
    left.set_ylabel("ppm")
    independent = np.random.default_rng(0).permuted(paths, axis=1)
    ends = {
        "bounds added": (interval["co2_lower"].sum(), interval["co2_upper"].sum()),
        "paths": np.quantile(paths.sum(axis=0), [0.1, 0.9]),
        "independent weeks": np.quantile(independent.sum(axis=0), [0.1, 0.9]),
    }
    for place, (name, (lower, upper)) in enumerate(reversed(ends.items())):
        colour = PATHS if name == "paths" else BAND
        right.plot([lower, upper], [place, place], color=colour, linewidth=7, solid_capstyle="butt")
        right.text((lower + upper) / 2, place + 0.22, name, ha="center", color=INK)
    right.axvline(actual.sum(), color=INK, linewidth=1.6)
    right.set_title("80 % interval of the sum over 24 weeks", loc="left", fontsize=10)
    right.set_xlabel("ppm x weeks")
    right.set_yticks([])
    right.set_ylim(-0.5, 2.7)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(IMAGES / "paths.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
