"""The recipe on synthetic months of every length: its error over that of the seasonal naive forecast.

Three kinds of series, four seeds, 60 to 175 rows, one forecast of twelve months from each length. A length at which the
recipe chooses badly shows in the highest tenth.

    python benchmarks/short_months.py
"""

import warnings

import numpy as np
import pandas as pd

from forecast import SeriesForecaster

HORIZON, ROWS = 12, 320
LENGTHS = ((60, 100), (100, 140), (140, 180))


def kinds(seed):
    """Values of each kind."""
    rng, t = np.random.default_rng(seed), np.arange(ROWS)
    season = np.sin(2 * np.pi * t / 12)
    yield "trend and season", (200 + t) * (1 + 0.2 * season) + 5 * rng.normal(size=ROWS)
    noise = pd.Series(rng.normal(size=ROWS)).ewm(alpha=0.3).mean().to_numpy()
    yield "season and noise", 100 + 20 * season + 8 * np.cos(4 * np.pi * t / 12) + 6 * noise
    yield "walk and season", 2 * rng.normal(size=ROWS).cumsum() + 15 * season + 100


def main():
    warnings.simplefilter("ignore")
    found = {}
    for seed in range(4):
        for name, values in kinds(seed):
            frame = pd.DataFrame({"y": values}, pd.date_range("1995-01-01", periods=ROWS, freq="MS"))
            for n in range(60, 180, 5):
                model = SeriesForecaster(target="y", horizon=HORIZON, random_state=0).fit(frame[:n])
                ahead = values[n : n + HORIZON]
                errors = [np.abs(one - ahead).mean() for one in (model.predict()["y"], values[n - 12 : n])]
                found.setdefault(name, []).append([n, *errors])
    print("| series | rows | error over seasonal naive | highest tenth |\n|---|---|---|---|")
    for name, rows in found.items():
        lengths, ours, naive = np.array(rows).T
        for low, high in LENGTHS:
            some = (lengths >= low) & (lengths < high)
            ratio = ours[some].mean() / naive[some].mean()
            print(f"| {name} | {low} to {high} | {ratio:.3f} | {np.quantile(ours[some] / naive[some], 0.9):.2f} |")


if __name__ == "__main__":
    main()
