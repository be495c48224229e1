"""What the arguments of the network are worth on made-up data that has what each of them is for.

    python benchmarks/architectures.py [--seeds 5] [--only cycle]

Prints a Markdown table. Mean absolute error, mean over the seeds of the network, and seconds of a fit with its
forecasts; GRU of 32 units, absolute error, 60 epochs.

Load: 180 days of hours, minus the window's last value: a shape of the day that is smaller at weekends, a level that
wanders, and promotions whose effect builds up over their hours; 24 hours ahead, 28 origins in the last 28 days. Panel:
30 series of days that differ in their weekly shape, which a lookback of 3 days does not show; 7 days ahead. Shops with
promotions: 30 series of days with sales that rise in a promotion and fall after it; 14 days ahead. Short: 120 rows of
an autoregression of order 12; 6 steps ahead. CO2: weekly, two years back, minus the last value; 26 weeks ahead, 6
origins.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster
from forecast.datasets import load_co2
from forecast.model_selection import RollingOrigin, backtest


def load(days=180):
    hours = pd.date_range("2026-01-05", periods=24 * days, freq="h", name="time")
    rng = np.random.default_rng(0)
    clock = 2 * np.pi * hours.hour / 24
    shape = (np.sin(clock) + 0.5 * np.sin(2 * clock)) * np.where(hours.day_of_week < 5, 1.0, 0.4)
    promo = np.repeat(rng.random(days) < 0.3, 24) * ((hours.hour >= 8) & (hours.hour < 20))
    built_up = promo * np.convolve(promo, np.full(12, 1 / 12))[: len(promo)]
    wander = np.cumsum(rng.normal(scale=0.15, size=len(hours)))
    value = 50 + 10 * shape + wander + 8 * built_up + rng.normal(scale=0.7, size=len(hours))
    return pd.DataFrame({"load": value, "promo": promo.astype(float)}, index=hours)


def panel(n=30, length=200):
    days = pd.date_range("2026-01-05", periods=length, name="day")
    parts = []
    for number in range(n):
        rng = np.random.default_rng(number)
        week = rng.normal(size=7) * 3
        value = 20 + 10 * rng.random() + week[days.day_of_week] + rng.normal(size=length)
        parts.append(pd.DataFrame({"day": days, "shop": f"shop {number}", "sold": value}))
    return pd.concat(parts, ignore_index=True)


def promoted(n=30, length=400):
    """Shops with promotions: sales rise on their days, and fall after them by what was bought ahead."""
    days = pd.date_range("2026-01-05", periods=length, name="day")
    parts = []
    for number in range(n):
        rng = np.random.default_rng(number)
        promo = np.repeat(rng.random(length // 4 + 1) < 0.25, 4)[:length].astype(float)
        stock, effect = 0.0, np.zeros(length)
        for t in range(length):
            effect[t] = 6 * promo[t] * (1 - stock) - 4 * stock * (1 - promo[t])
            stock = 0.8 * stock + 0.2 * promo[t]
        week = 3 * np.sin(2 * np.pi * (days.day_of_week + number % 7) / 7)
        level = 20 + 10 * rng.random() + np.cumsum(rng.normal(scale=0.1, size=length))
        sold = level + week + effect + rng.normal(scale=0.7, size=length)
        parts.append(pd.DataFrame({"day": days, "shop": f"shop {number}", "sold": sold, "promo": promo}))
    return pd.concat(parts, ignore_index=True)


def short(length=120):
    rng, y = np.random.default_rng(0), np.zeros(length + 100)
    for t in range(12, len(y)):
        y[t] = 0.5 * y[t - 1] + 0.45 * y[t - 12] + rng.normal()
    return pd.DataFrame({"y": y[100:]}, index=pd.date_range("2016-01-01", periods=length, freq="MS"))


def co2():
    return load_co2().interpolate()


HOURS = dict(target="load", horizon=24, window_norm="last")
KNOWN = HOURS | dict(lookback=48, future_covariates="promo")
STEPS = dict(decoder="steps", decoder_size=32, future_size=8)
SHOPS = dict(target="sold", series="shop", time="day", lookback=3, horizon=7, transform="standard")
PROMOTED = dict(
    target="sold", series="shop", time="day", lookback=28, horizon=14, window_norm="mean", future_covariates="promo"
)  # fmt: skip
MONTHS = dict(target="y", lookback=24, horizon=6)
WEEKS = dict(target="co2", lookback=104, horizon=26, window_norm="last")
CASES = {  # name -> data, settings of SeriesForecaster, arguments of the network
    "load, 168 hours": (load, HOURS | dict(lookback=168), {}),
    "load, 168 hours, `segment=12`": (load, HOURS | dict(lookback=168), dict(segment=12)),
    'load, 168 hours, `segment=12, decoder="segments"`': (
        load, HOURS | dict(lookback=168), dict(segment=12, decoder="segments"),
    ),
    "load, 168 hours, `segment=12, weight_average=0.99`": (
        load, HOURS | dict(lookback=168), dict(segment=12, weight_average=0.99),
    ),
    "load, 168 hours, `segment=12, input_noise=0.05`": (
        load, HOURS | dict(lookback=168), dict(segment=12, input_noise=0.05),
    ),
    "load, 168 hours, `segment=12, warmup_steps=100`": (
        load, HOURS | dict(lookback=168), dict(segment=12, warmup_steps=100),
    ),
    "load, 48 hours": (load, HOURS | dict(lookback=48), {}),
    "load, 48 hours, `bidirectional=True`": (load, HOURS | dict(lookback=48), dict(bidirectional=True)),
    "load, 48 hours, `cycle=24`": (load, HOURS | dict(lookback=48), dict(cycle=24)),
    "load, 48 hours, `cycle=168`": (load, HOURS | dict(lookback=48), dict(cycle=168)),
    "load, 48 hours, promotions known": (load, KNOWN, {}),
    "load, 48 hours, promotions known, `future_size=8`": (load, KNOWN, dict(future_size=8)),
    'load, 48 hours, promotions known, `decoder="steps", future_size=8`': (load, KNOWN, STEPS),
    "load, 48 hours, promotions known, `cycle=168`": (load, KNOWN, dict(cycle=168)),
    'load, 48 hours, promotions known, `decoder="steps", future_size=8, cycle=168`': (
        load, KNOWN, STEPS | dict(cycle=168),
    ),
    "panel": (panel, SHOPS, {}),
    "panel, `series_size=4`": (panel, SHOPS, dict(series_size=4)),
    "panel, `cycle=7`": (panel, SHOPS, dict(cycle=7)),
    "panel, calendar": (panel, SHOPS | dict(calendar=["dayofweek"]), {}),
    "panel, calendar, `series_size=4`": (panel, SHOPS | dict(calendar=["dayofweek"]), dict(series_size=4)),
    'load, 48 hours, promotions known, `decoder="recurrent", future_size=8`': (
        load, KNOWN, dict(decoder="recurrent", future_size=8),
    ),
    'load, 48 hours, promotions known, `decoder="recurrent", future_size=8, attention="additive"`': (
        load, KNOWN, dict(decoder="recurrent", future_size=8, attention="additive"),
    ),
    "shops with promotions": (promoted, PROMOTED, {}),
    'shops with promotions, `decoder="steps", future_size=8`': (promoted, PROMOTED, STEPS),
    'shops with promotions, `decoder="recurrent"`': (promoted, PROMOTED, dict(decoder="recurrent")),
    'shops with promotions, `decoder="recurrent", future_size=8`': (
        promoted, PROMOTED, dict(decoder="recurrent", future_size=8),
    ),
    'shops with promotions, `decoder="recurrent", teacher_forcing=1.0`': (
        promoted, PROMOTED, dict(decoder="recurrent", teacher_forcing=1.0),
    ),
    'shops with promotions, `decoder="recurrent", attention="additive"`': (
        promoted, PROMOTED, dict(decoder="recurrent", attention="additive"),
    ),
    "short": (short, MONTHS, {}),
    'short, `skip="linear"`': (short, MONTHS, dict(skip="linear")),
    'short, `skip="linear", skip_penalty=0.1`': (short, MONTHS, dict(skip="linear", skip_penalty=0.1)),
    'short, `skip="linear", skip_penalty=1`': (short, MONTHS, dict(skip="linear", skip_penalty=1.0)),
    "CO2": (co2, WEEKS, {}),
    'CO2, `skip="linear"`': (co2, WEEKS, dict(skip="linear")),
}  # fmt: skip


def measured(make, settings, arguments, seeds):
    """Mean absolute errors of the seeds, and seconds of a fit and its forecasts."""
    frame, errors, begin = make(), [], time.perf_counter()
    origins = 28 if make is load else 6
    cv = RollingOrigin(n_splits=origins, horizon=settings["horizon"], time=settings.get("time"))
    for seed in range(seeds):
        network = RNNForecaster(
            cell="gru", hidden_size=32, max_iter=60, loss="absolute_error", random_state=seed, **arguments
        )
        report = backtest(SeriesForecaster(network, **settings), frame, cv, refit=False)
        errors.append(report.summary().loc["RNNForecaster", "MAE"])
    return np.array(errors), (time.perf_counter() - begin) / seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # what does not beat a naive forecast is seen in the table
    print("| case | MAE | over the seeds | seconds |\n|---|---|---|---|")
    for name, case in CASES.items():
        if options.only in name:
            errors, seconds = measured(*case, options.seeds)
            print(f"| {name} | {errors.mean():.3f} | ± {errors.std():.3f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
