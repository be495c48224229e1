"""The pretrained network as it is: milliseconds of a forecast, and M4's series cut to their newest values.

MASE as M4 has it, the mean over the series. The seasonal naive forecast repeats the last day of hours, or the last
week; the mean of both is what a recipe takes where it cannot judge either. Coverage of the interval between the levels
0.1 and 0.9.

    FORECAST_DATA=FOLDER python benchmarks/pretrained.py [--lengths 12 24 48 64 128 512]
"""

import argparse
import time

import numpy as np
from accuracy.sources import m4

from forecast import PretrainedForecaster

GROUPS = {"Weekly": (13, 1), "Hourly": (48, 24)}  # horizon, season


def milliseconds(steps=512, horizon=64, times=50):
    """The least and the median time of one forecast on one core."""
    series = np.random.default_rng(0).normal(size=(1, steps)).cumsum(axis=1)
    model = PretrainedForecaster(n_jobs=1).fit(series, np.zeros((1, horizon)))
    model.predict(series)
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        model.predict(series)
        taken.append(1e3 * (time.perf_counter() - begin))
    return min(taken), float(np.median(taken))


def scores(group, length):
    """MASE of the network, of the seasonal naive forecast and of their mean, and the coverage."""
    horizon, season = GROUPS[group]
    train, test, _ = m4(group)
    past = [row[~np.isnan(row)] for row in train.to_numpy(float)]
    actual = test.to_numpy(float)[:, :horizon]
    scale = np.array([np.abs(row[season:] - row[:-season]).mean() for row in past])
    newest = np.full((len(past), length), np.nan)
    for row, values in zip(newest, past, strict=True):
        row[-min(length, len(values)) :] = values[-length:]
    model = PretrainedForecaster().fit(newest, actual)
    found = model.predict_quantiles(newest, [0.1, 0.5, 0.9])
    own = found[..., 1]
    step = np.arange(horizon) % season if length >= season else np.full(horizon, -1)
    naive = newest[:, -season:][:, step] if length >= season else np.repeat(newest[:, -1:], horizon, axis=1)
    mase = [(np.abs(one - actual).mean(axis=1) / scale).mean() for one in (own, naive, (own + naive) / 2)]
    return *mase, ((actual >= found[..., 0]) & (actual <= found[..., 2])).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[12, 24, 48, 64, 128, 512])
    given = parser.parse_args()
    least, median = milliseconds()
    print(f"one forecast of 64 steps from 512 values: {least:.2f} ms at least, {median:.2f} ms in the median")
    print("\n| M4 | newest values | pretrained | seasonal naive | mean of both | coverage of 80 % |")
    print("|---" * 6 + "|")
    for group in GROUPS:
        for length in given.lengths:
            own, naive, both, inside = scores(group, length)
            cells = f"{own:.3f} | {naive:.3f} | {both:.3f} | {inside:.1%}"
            print(f"| {group} | {length} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
