"""Cost of a daily job: 50 stores; a model is loaded, takes the new rows, forecasts and is saved, on 14 days.

On the way one store is late for a day and a new one opens. Every day, the forecast has to be that of
`predict(history=everything)` of the model that was fitted on day one, to the bit. Printed: the CPU time of `update` and
`predict` a day, and of loading and saving.

    python benchmarks/daily.py
    python benchmarks/daily.py --regressor ridge --stores 500
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

import forecast
from forecast import LateSeriesWarning, RNNForecaster, SeriesForecaster, ShortHistoryWarning, SkippedSeriesWarning

DAYS = 14
LATE, OPENS = 5, 3  # the day on which a store is late, and on which the new one opens


def stores(n=50, days=140, seed=0):
    """Daily sales of some stores with a promotion known ahead; the last store opens on day `OPENS` of the job.

    Returns
    -------
    pandas.DataFrame
        Columns day, store, sold, promo; all rows in the order of time.
    """
    rng = np.random.default_rng(seed)
    index = pd.date_range("2026-01-01", periods=days + DAYS, freq="D", name="day")
    parts = []
    for number in range(n + 1):
        promo = (rng.random(len(index)) < 0.2).astype(float)
        week = 1 + 0.3 * np.sin(2 * np.pi * index.day_of_week / 7)
        sold = (20 + 5 * number) * week * (1 + 0.4 * promo) + rng.normal(0, 2, len(index))
        first = days + OPENS if number == n else 0
        parts.append(pd.DataFrame({"day": index, "store": f"s{number}", "sold": sold, "promo": promo}).iloc[first:])
    return pd.concat(parts).sort_values("day", kind="stable", ignore_index=True)


def new_rows(frame, start, day):
    """What comes on a day of the job: a row of each store; the late store's comes a day later."""
    first = start + pd.Timedelta(days=day)
    late, today = frame["store"] == "s1", frame["day"] == first
    if day == LATE:
        today &= ~late
    if day == LATE + 1:
        today |= late & (frame["day"] == first - pd.Timedelta(days=1))
    return frame[today]


def run(model, frame, start, folder, days=DAYS):
    """The job.

    Returns
    -------
    list of (forecast, forecast of the first model after all rows so far, CPU seconds, CPU seconds of the file)
    """
    path, found = Path(folder) / "stores.forecast", []
    known, first = frame[frame["day"] < start], model
    model.save(path)
    for day in range(days):
        rows = new_rows(frame, start, day)
        known = pd.concat([known, rows]).sort_values("day", kind="stable")
        before = time.process_time()
        model = forecast.load(path)
        loaded = time.process_time()
        model.update(rows)
        answer = model.predict()
        done = time.process_time()
        model.save(path)
        file = time.process_time() - done + loaded - before
        found.append((answer, first.predict(history=known), done - loaded, file))
    return found


def fitted(frame, start, regressor, **settings):
    """The model of day one; the new store is not in its rows."""
    settings = {"target": "sold", "series": "store", "time": "day", "lookback": 28, "horizon": 7} | settings
    return SeriesForecaster(regressor, **settings).fit(frame[frame["day"] < start])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--regressor", choices=("gru", "ridge", "recipe"), default="gru")
    parser.add_argument("--stores", type=int, default=50)
    arguments = parser.parse_args()
    regressor = {
        "gru": RNNForecaster(cell="gru", hidden_size=16, max_iter=3, random_state=0), "ridge": Ridge(), "recipe": None,
    }[arguments.regressor]  # fmt: skip
    settings = {"lookback": "auto", "random_state": 0} if arguments.regressor == "recipe" else {"transform": "standard"}
    frame = stores(arguments.stores)
    start = frame["day"].iloc[-1] - pd.Timedelta(days=DAYS - 1)
    model = fitted(frame, start, regressor, **settings)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        for category in (LateSeriesWarning, ShortHistoryWarning, SkippedSeriesWarning):
            warnings.simplefilter("ignore", category)
        found = run(model, frame, start, folder)
    same = sum(answer.equals(other) for answer, other, _, _ in found)
    job, file = (np.array([day[column] for day in found]) * 1e3 for column in (2, 3))
    print(f"{arguments.regressor}, {arguments.stores} stores; as predict(history=everything): {same} of {DAYS} days")
    print(f"update and predict  median {np.median(job):.1f} ms of CPU a day, most {job.max():.1f} ms")
    print(f"load and save       median {np.median(file):.1f} ms of CPU a day, most {file.max():.1f} ms")


if __name__ == "__main__":
    main()
