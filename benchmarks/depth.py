"""What the arguments for deep and long networks are worth: a real series, and a task that needs memory.

    python benchmarks/depth.py [--seeds 3] [--only adding]

Prints Markdown tables, mean and standard deviation over the seeds of the network.

CO2: weekly, two years back, minus the last value; 26 weeks ahead, 6 origins; MAE. GRU of 32 units, absolute error, 60
epochs.

Adding (Hochreiter and Schmidhuber 1997): of 100 steps of random numbers in [0, 1) two are marked, one in each half; the
target is their sum. Mean squared error on 1,000 new windows; to say 1 every time scores 0.167. 16 units, 4,000
windows, 30 epochs.
"""

import argparse
import time
import warnings

import numpy as np

from forecast import RNNForecaster, SeriesForecaster
from forecast.datasets import load_co2
from forecast.model_selection import RollingOrigin, backtest

STEPS = 100
DEEP, RNN = dict(num_layers=3), dict(cell="rnn")
FOUR = RNN | dict(num_layers=4)
CO2 = {
    "one layer": {},
    "three layers": DEEP,
    "three layers, `residual=True`": DEEP | dict(residual=True),
    "three layers, `layer_norm=True`": DEEP | dict(layer_norm=True),
    "three layers, `residual=True, layer_norm=True`": DEEP | dict(residual=True, layer_norm=True),
    "three layers, `dilation=(1, 4, 16)`": DEEP | dict(dilation=(1, 4, 16)),
    "one layer, `dropout=0.2`": dict(dropout=0.2),
    "one layer, `recurrent_dropout=0.2`": dict(recurrent_dropout=0.2),
    "one layer, `zoneout=0.1`": dict(zoneout=0.1),
}
WIDE = dict(dilation=(1, 3, 9, 27))
ADDING = {
    "GRU, one layer": {},
    "RNN, one layer": RNN,
    "RNN, four layers": FOUR,
    "RNN, four layers, `residual=True`": FOUR | dict(residual=True),
    "RNN, four layers, `layer_norm=True`": FOUR | dict(layer_norm=True),
    "RNN, four layers, `dilation=(1, 2, 4, 8)`": FOUR | dict(dilation=(1, 2, 4, 8)),
    "RNN, four layers, `dilation=(1, 3, 9, 27)`": FOUR | WIDE,
    "RNN, four layers, `dilation=(1, 3, 9, 27), residual=True`": FOUR | WIDE | dict(residual=True),
}


def co2_error(arguments, seed):
    network = RNNForecaster(
        **dict(cell="gru", hidden_size=32, max_iter=60, loss="absolute_error", random_state=seed) | arguments
    )
    model = SeriesForecaster(network, target="co2", lookback=104, horizon=26, window_norm="last")
    report = backtest(model, load_co2().interpolate(), RollingOrigin(n_splits=6, horizon=26), refit=False)
    return report.summary().loc["RNNForecaster", "MAE"]


def adding(n, rng):
    """Windows (n, STEPS, 2), values and marks, and the sums of the two marked values."""
    values, marks = rng.random((n, STEPS)), np.zeros((n, STEPS))
    rows = np.arange(n)
    first, second = rng.integers(STEPS // 2, size=n), rng.integers(STEPS // 2, STEPS, size=n)
    marks[rows, first] = marks[rows, second] = 1.0
    return np.stack([values, marks], axis=2), values[rows, first] + values[rows, second]


def adding_error(arguments, seed):
    rng = np.random.default_rng(seed)
    (X, y), (X_new, y_new) = adding(4000, rng), adding(1000, rng)
    network = RNNForecaster(
        **dict(cell="gru", hidden_size=16, max_iter=30, random_state=seed, n_channels=2) | arguments
    )
    return np.mean((network.fit(X, y).predict(X_new) - y_new) ** 2)


TASKS = {"CO2, MAE": (co2_error, CO2), "adding, MSE": (adding_error, ADDING)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a task's name")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # what does not beat a naive forecast is seen in the table
    for task, (error, cases) in TASKS.items():
        if options.only not in task:
            continue
        print(f"\n| {task} | mean | over the seeds | seconds of a seed |\n|---|---|---|---|")
        for name, arguments in cases.items():
            begin = time.perf_counter()
            errors = np.array([error(arguments, seed) for seed in range(options.seeds)])
            seconds = (time.perf_counter() - begin) / options.seeds
            print(f"| {name} | {errors.mean():.4f} | ± {errors.std():.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
