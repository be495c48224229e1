"""Fine-tuning of the pretrained network: the same steps from its weights, and from weights drawn at random.

Three series of `FORECAST_DATA`, some windows to learn from and the 200 origins behind them to judge at. MAE over that
of the pretrained network as it is.

    FORECAST_DATA=FOLDER python benchmarks/pretrained_tuning.py [--windows 300] [--steps 200] [--rates 3e-4 1e-3]
"""

import argparse

import numpy as np
from accuracy.sources import illness, read, transformer

from forecast import PretrainedForecaster, make_windows
from forecast._pretrained.network import network_of
from forecast._pretrained.tuning import tuned
from forecast._pretrained.weights import card, shipped

JUDGED = 200


def series():
    """Name, values and horizon."""
    yield "ETTh1, oil temperature, hourly", transformer("ETTh1")["OT"], 24
    temperatures = read("melbourne_min_temp/daily-min-temperatures.csv.gz", "Date").iloc[:, 0]
    yield "Melbourne, lowest temperature, daily", temperatures, 14
    yield "influenza-like illness, weekly", illness()["OT"], 12


def error(model, network, windows):
    """Mean absolute error of a forecaster with some network."""
    model._weights = network
    return float(np.abs(model.predict(windows) - np.asarray(windows.y)).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=300)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4, 1e-3])
    parser.add_argument("--scratch", type=float, nargs="+", default=[2e-3], help="rates from random weights")
    given = parser.parse_args()
    for name, values, horizon in series():
        values = values.interpolate().reset_index(drop=True)
        windows = make_windows(values[: given.windows + 2 * horizon + JUDGED], lookback=1, horizon=horizon)
        learnt = windows[: given.windows]
        judged = windows[given.windows + horizon :][:JUDGED]
        model = PretrainedForecaster().fit(learnt, learnt.y)
        as_it_is = error(model, shipped(), judged)
        print(f"{name}: {len(learnt)} windows, horizon {horizon}, pretrained MAE {as_it_is:.4g}", flush=True)
        runs = [("fine-tuned", shipped(), rate) for rate in given.rates]
        runs += [("from scratch", network_of(**card()["network"]), rate) for rate in given.scratch]
        for kind, start, rate in runs:
            network = tuned(
                start, learnt, learnt.y, None, steps=given.steps, rate=rate, random_state=0, n_jobs=None
            )  # fmt: skip
            print(f"  {kind}, rate {rate:g}: {error(model, network, judged) / as_it_is:.3f}", flush=True)


if __name__ == "__main__":
    main()
