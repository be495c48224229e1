"""What fine-tuning brings: a panel model, the same fine-tuned on one series, and a model of that series alone.

    FORECAST_DATA=folder python benchmarks/fine_tuning.py [--tuned 12] [--seeds 0 1 2]

The series are M4 Hourly, each with a length of at least 700 hours; the forecast is the 48 hours of the competition's
test set, the error MASE with season 24. The panel model is trained on 60 series. It is fine-tuned on some of these and
on series that it never saw, with all rows of the series or only the newest 240.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import RNNForecaster, SeriesForecaster

HORIZON, LOOKBACK, SEASON, FEW = 48, 96, 24, 240
TUNINGS = {
    "tuned, a tenth of the rate": {},
    "tuned, the same rate": {"learning_rate": 1e-2},
    "tuned, a tenth, encoder frozen": {"freeze": ["encoder"]},
    "tuned, the same, encoder frozen": {"learning_rate": 1e-2, "freeze": ["encoder"]},
}


def series_of_m4():
    """Name -> training values and test values of every M4 Hourly series."""
    folder = Path(os.environ["FORECAST_DATA"]) / "m4"
    train, test = (pd.read_csv(folder / f"Hourly-{part}.csv.gz", index_col=0) for part in ("train", "test"))
    return {name: (row.dropna().to_numpy(), test.loc[name].dropna().to_numpy()) for name, row in train.iterrows()}


def frame(values, name):
    """One series in long format, ending where all others end."""
    hours = pd.date_range(end="2020-01-01", periods=len(values), freq="h")
    return pd.DataFrame({"hour": hours, "name": name, "value": values})


def mase(forecast, train, test):
    """Mean absolute error over the mean absolute seasonal change of the training values."""
    return np.abs(forecast - test).mean() / np.abs(train[SEASON:] - train[:-SEASON]).mean()


def forecaster(seed):
    """The model, of a panel or of one series."""
    network = RNNForecaster(cell="gru", hidden_size=32, max_iter=30, loss="absolute_error", random_state=seed)
    return SeriesForecaster(
        network, target="value", series="name", time="hour", lookback=LOOKBACK, horizon=HORIZON,
        window_norm="standard", validation_fraction=None,
    )  # fmt: skip


def errors_of(model, rows, train, test, seed):
    """The error of every way to forecast one series."""

    def error(fitted, **given):
        return mase(fitted.predict(**given)["value"].to_numpy()[:HORIZON], train, test)

    found = {"panel model": error(model, history=rows)}
    for name, options in TUNINGS.items():
        found[name] = error(model.fine_tune(rows, **options))
    found["own model"] = error(forecaster(seed).fit(rows))
    season = train[-SEASON:]
    found["seasonal naive"] = mase(np.tile(season, HORIZON // SEASON), train, test)
    return found


def main():
    """Fit, tune, and print the mean errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tuned", type=int, default=12, help="series to tune on, of the panel and as many new ones")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    every = series_of_m4()
    names = list(every)[::3]
    panel, new = names[:120:2], names[1:120:2]
    results = []
    for seed in given.seeds:
        begin = time.perf_counter()
        model = forecaster(seed).fit(pd.concat([frame(every[name][0], name) for name in panel]))
        print(f"seed {seed}: panel of {len(panel)} series fitted in {time.perf_counter() - begin:.0f} s", flush=True)
        for kind, some in (("of the panel", panel), ("new", new)):
            for name in some[:: len(some) // given.tuned]:
                train, test = every[name]
                for rows in (len(train), FEW):
                    found = errors_of(model, frame(train[-rows:], name), train, test, seed)
                    results += [(kind, "all" if rows > FEW else FEW, way, error) for way, error in found.items()]
    table = pd.DataFrame(results, columns=["series", "rows", "model", "MASE"])
    print(table.pivot_table(index="model", columns=["series", "rows"], values="MASE", sort=False).round(3))


if __name__ == "__main__":
    main()
