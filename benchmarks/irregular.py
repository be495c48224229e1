"""Irregular times: a noisy sine of which 70 % of the rows are dropped at random, as rows as they are and on a grid.

    python benchmarks/irregular.py [--seeds 0 1] [--rows 6000] [--period 192] [--noise 0.3] [--dropped 0.7]

Both have the same rows, units, epochs and lookback: 48 steps, which are 48 rows, or 48 stamps of which some 14 have a
row. `--grid-lookback 160` gives the grid as long a past as the rows have. The error is that of the next 12 stamps of
the full grid against the sine without noise, at rows of the last fifth. One thread; seconds are CPU seconds of `fit`.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster

HORIZON, ORIGINS = 12, 200
NETWORK = dict(hidden_size=32, max_iter=40, n_jobs=1)


def made(seed, given):
    """Rows that are left, the sine at every stamp, and where the last fifth begins."""
    rng, t = np.random.default_rng(seed), np.arange(given.rows)
    sine = pd.Series(np.sin(2 * np.pi * t / given.period), pd.date_range("2024-01-01", periods=given.rows, freq="h"))
    rows = pd.DataFrame({"y": sine + given.noise * rng.normal(size=given.rows)})
    return rows[rng.random(given.rows) >= given.dropped], sine, sine.index[int(0.8 * given.rows)]


def models(seed, given):
    shared = dict(target="y", horizon=HORIZON, freq="h", window_norm=None, validation_fraction=0.1)

    def grid(cell, lookback):
        network = RNNForecaster(cell=cell, random_state=seed, **NETWORK)
        return SeriesForecaster(network, lookback=lookback, gaps="mask", missing="mask", **shared)

    def rows(cell):
        network = RNNForecaster(cell=cell, decoder="steps", random_state=seed, **NETWORK)
        return SeriesForecaster(network, lookback=48, gaps="irregular", **shared)

    return {
        "masked grid, gru": grid("gru", given.grid_lookback),
        "masked grid, gru_decay": grid("gru_decay", given.grid_lookback),
        "rows as they are, gru_decay": rows("gru_decay"),
        "rows as they are, gru": rows("gru"),
    }


def error(model, rows, sine, begin):
    """Mean absolute error of the forecasts after rows of the last fifth, and CPU seconds of the fit."""
    started = time.process_time()
    model.fit(rows[rows.index < begin])
    seconds = time.process_time() - started
    late = rows.index[(rows.index >= begin) & (rows.index < sine.index[-HORIZON])]
    found = []
    for origin in late[:: max(len(late) // ORIGINS, 1)]:
        forecast = model.predict(history=rows[:origin])["y"]
        found.append(np.abs(forecast - sine[forecast.index]))
    return float(np.mean(found)), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--period", type=float, default=192)
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--dropped", type=float, default=0.7)
    parser.add_argument("--grid-lookback", type=int, default=48)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # skill against a naive forecast is not what is asked here
    errors = {}
    for seed in given.seeds:
        data = made(seed, given)
        for name, model in models(seed, given).items():
            found, seconds = error(model, *data)
            errors.setdefault(name, []).append(found)
            print(f"{name:28s} seed {seed}: error {found:.4f}, {seconds:.1f} CPU s", flush=True)
    grid = np.mean(errors["masked grid, gru"])
    for name, found in errors.items():
        print(f"{name:28s} mean {np.mean(found):.4f}, {np.mean(found) / grid:.2f} of the masked grid")


if __name__ == "__main__":
    main()
