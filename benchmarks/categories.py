"""Columns of categories as vectors or one-hot: errors and times on real data and on made-up shops.

    FORECAST_DATA=folder python benchmarks/categories.py beijing [--seeds 0 1 2]
    python benchmarks/categories.py shops [--seeds 0 1 2]

beijing: hourly PM2.5, the next 24 hours once a day in the last 365 days, one fit on the rows before. The wind is a past
covariate of 4 directions; hour, weekday and month are known ahead as categories, or the calendar's sine and cosine.

shops: 60 series of 300 days, each day with one of 5, 50 or 500 campaigns, known ahead, each with an effect of its own.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster
from forecast.model_selection import RollingOrigin, backtest

CLOCK = ["hour", "weekday", "month"]


def measured(name, model, frame, cv, seed):
    """Print the error of a model and the CPU time of fit and forecasts; return the error."""
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skill
        report = backtest({"network": model}, frame, cv, refit=False)
    rows = report.frame[report.frame["actual"].notna()]
    error = (rows["forecast"] - rows["actual"]).abs().groupby(rows["model"], observed=True).mean()["network"]
    print(f"{name:44s} seed {seed}: MAE {error:.3f}  {time.process_time() - begin:.0f} CPU s", flush=True)
    return error


def beijing():
    """The hourly frame with wind and clock as categories."""
    name = Path(os.environ["FORECAST_DATA"]) / "beijing_pm25" / "PRSA_data_2010.1.1-2014.12.31.csv.gz"
    frame = pd.read_csv(name)
    frame.index = pd.to_datetime(frame[["year", "month", "day", "hour"]])
    frame = frame.assign(weekday=frame.index.day_of_week)[["pm2.5", "cbwd", *CLOCK]].iloc[24:]
    return frame.astype(dict.fromkeys(["cbwd", *CLOCK], "category"))


def on_beijing(seeds):
    """Four ways to read wind and clock."""
    frame, cv, results = beijing(), RollingOrigin(n_splits=365, horizon=24, step=24), {}
    ways = {
        "wind one-hot, calendar": {},
        "wind as vectors, calendar": {"categorical": "embedding"},
        "wind and clock one-hot": {"future_covariates": CLOCK, "calendar": None},
        "wind and clock as vectors": {"categorical": "embedding", "future_covariates": CLOCK, "calendar": None},
    }
    for seed in seeds:
        for name, options in ways.items():
            network = RNNForecaster(
                cell="gru", hidden_size=32, max_iter=20, loss="absolute_error", learning_rate=3e-3, batch_size=256,
                decoder="steps", random_state=seed,
            )  # fmt: skip
            given = dict(calendar=["hour", "dayofweek", "month"]) | options
            model = SeriesForecaster(
                network, target="pm2.5", lookback=72, horizon=24, past_covariates="cbwd", missing="mask",
                transform="log1p", step=2, validation_fraction=None, **given,
            )  # fmt: skip
            results.setdefault(name, []).append(measured(name, model, frame, cv, seed))
    return results


def shops(n_campaigns, n=60, rows=300, seed=0):
    """A panel whose sales depend on the day's campaign; campaigns come in families that share most of their effect."""
    rng = np.random.default_rng(seed)
    family = rng.normal(size=5)[rng.integers(0, 5, n_campaigns)]
    effect = np.exp(0.4 * family + 0.1 * rng.normal(size=n_campaigns))
    days, parts = pd.date_range("2024-01-01", periods=rows, name="day"), []
    for shop in range(n):
        campaign = rng.integers(0, n_campaigns, rows)
        week = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(rows) + shop) / 7)
        sold = 10 * week * effect[campaign] * np.exp(0.1 * rng.normal(size=rows))
        names = np.array([f"campaign {number}" for number in range(n_campaigns)])[campaign]
        parts.append(pd.DataFrame({"day": days, "shop": f"shop {shop}", "sold": sold, "campaign": names}))
    return pd.concat(parts, ignore_index=True)


def on_shops(seeds):
    """One-hot and vectors, with few and many campaigns."""
    cv, results = RollingOrigin(n_splits=6, horizon=7, step=7, time="day"), {}
    for n_campaigns in (5, 50, 500):
        frame = shops(n_campaigns)
        for seed in seeds:
            for way in ("one-hot", "embedding"):
                network = RNNForecaster(
                    cell="gru", hidden_size=32, max_iter=20, decoder="steps", batch_size=256, random_state=seed
                )
                model = SeriesForecaster(
                    network, target="sold", series="shop", time="day", lookback=28, horizon=7, calendar=["dayofweek"],
                    future_covariates="campaign", categorical=way, transform="log", validation_fraction=None,
                )  # fmt: skip
                name = f"{n_campaigns} campaigns, {way}"
                results.setdefault(name, []).append(measured(name, model, frame, cv, seed))
    return results


def main():
    """Measure one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("beijing", "shops"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    results = on_beijing(given.seeds) if given.task == "beijing" else on_shops(given.seeds)
    for name, errors in results.items():
        print(f"{name:44s} mean MAE {np.mean(errors):.3f} ({min(errors):.3f} to {max(errors):.3f})")


if __name__ == "__main__":
    main()
