"""Distributions beside simpler losses: intermittent counts, and the returns of the S&P 500.

    python benchmarks/distributions.py counts [--items 200] [--seeds 1]
    python benchmarks/distributions.py returns --data FOLDER [--seeds 1]

`counts`: made-up items with sales of 0 in most periods, each with a rate and a dispersion of its own and a season of 12.
One network learns all items; one of squared error with conformal quantiles, bounded below by 0, and one with the
negative binomial likelihood, the same otherwise. Scored on the last 12 periods: CRPS from the same 19 levels of both.
`returns`: daily log returns of the index in percent (FOLDER holds sp500/), in windows of 40 days of returns and their
sizes, each over its own root mean square. Trained on the first 70 %, scored on the last 30 %: the mean pinball loss at the levels
0.01, 0.05, 0.95 and 0.99 and the share of returns below each.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster
from forecast.metrics import crps, pinball

PERIODS, AHEAD = 96, 12
DAYS = 40
LEVELS = np.arange(0.05, 0.96, 0.05).round(2)
TAILS = (0.01, 0.05, 0.95, 0.99)


def made_items(n, seed=0):
    """Sales of n items, one row per month and item."""
    rng = np.random.default_rng(seed)
    months = pd.date_range("2015-01-01", periods=PERIODS, freq="MS")
    parts = []
    for item in range(n):
        rate = rng.gamma(0.8, 0.8) + 0.05
        season = np.exp(rng.normal(0, 0.4) * np.sin(2 * np.pi * (np.arange(PERIODS) / 12 + rng.random())))
        r = 1 / rng.uniform(0.5, 3.0)
        mean = rate * season
        sold = rng.negative_binomial(r, r / (r + mean)).astype(float)
        parts.append(pd.DataFrame({"item": f"item {item}", "sold": sold}, index=months))
    return pd.concat(parts)


def counts(items, seeds):
    frame = made_items(items)
    end = frame.index.unique()[-AHEAD - 1]
    known, later = frame[frame.index <= end], frame[frame.index > end]
    print(f"{items} items, {(frame['sold'] == 0).mean():.0%} of the values are 0, mean {frame['sold'].mean():.2f}")
    for seed in range(seeds):
        for loss, more in (("squared_error", {"lower": 0}), ("negative_binomial", {})):
            network = RNNForecaster(
                loss=loss, cell="gru", hidden_size=32, batch_size=256, learning_rate=3e-3, max_iter=40, random_state=seed
            )
            model = SeriesForecaster(
                network, target="sold", series="item", lookback=24, horizon=AHEAD, window_norm=None, **more
            ).fit(known)
            found = model.predict_quantiles(levels=list(LEVELS)).set_index("item", append=True)
            rows = later.set_index("item", append=True)["sold"]
            values = found.loc[rows.index].to_numpy()
            score = crps(rows.to_numpy(), np.sort(values, axis=1), LEVELS)
            print(f"seed {seed}, {loss}: CRPS {score:.4f}, least quantile {values.min():.3f}", flush=True)


def returns(folder, seeds):
    close = pd.read_csv(next(iter(sorted((Path(folder) / "sp500").glob("*.csv*")))))["Close"].to_numpy(float)
    change = 100 * np.diff(np.log(close))
    channels = np.stack([change, np.abs(change)], axis=1)
    X = np.lib.stride_tricks.sliding_window_view(channels, DAYS, axis=0)[:-1].swapaxes(1, 2)
    unit = np.sqrt(np.square(X[:, :, 0]).mean(axis=1))  # so that decades of other volatility are alike
    X, y = X / unit[:, None, None], change[DAYS:] / unit
    cut = int(0.7 * len(y))
    print(f"{len(y)} returns, {len(y) - cut} of them to score")
    for seed in range(seeds):
        for loss in ("normal", "student_t"):
            model = RNNForecaster(
                loss=loss, cell="gru", hidden_size=16, batch_size=128, learning_rate=3e-3, max_iter=20, random_state=seed
            ).fit(X[:cut], y[:cut])
            found = model.predict_quantiles(X[cut:], TAILS) * unit[cut:, None]
            actual = y[cut:] * unit[cut:]
            loss_of = [pinball(actual, found[:, k], level) for k, level in enumerate(TAILS)]
            below = [float((actual <= found[:, k]).mean()) for k in range(len(TAILS))]
            shares = ", ".join(f"{level}: {share:.4f}" for level, share in zip(TAILS, below, strict=True))
            each = ", ".join(f"{one:.5f}" for one in loss_of)
            print(f"seed {seed}, {loss}: pinball {np.mean(loss_of):.5f} ({each}); {shares}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("counts", "returns"))
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", default=None)
    given = parser.parse_args()
    if given.what == "counts":
        counts(given.items, given.seeds)
    else:
        returns(given.data, given.seeds)
