"""The table behind RNNForecaster's defaults: learning rate, schedule and patience on three kinds of data.

    python benchmarks/defaults.py [--cells lstm gru rnn] [--seeds 2] [--rates 0.001 0.01]

Prints a Markdown table. AR(1): mean absolute error over the optimal forecast's at steps 1 and 12 (the bars are 1.08 and
1.10), on windows as they are (raw) and minus their last value. CO2: mean absolute error on the last 300 weekly
windows (104 weeks in, 26 out) over the last value's. Regression: R2 on the half of a tabular
`make_regression` that was not trained on, where a constant scores 0.
"""

import argparse
import itertools
import time
import warnings

import numpy as np
from sklearn.datasets import make_regression

from forecast import RNNForecaster, make_windows
from forecast.datasets import load_co2, make_ar1

TEST = 300  # windows


def fit_windows(frame, lookback, horizon, parameters, window_norm="last"):
    """Mean absolute errors per step on the last TEST windows, and epochs."""
    windows = make_windows(frame, lookback=lookback, horizon=horizon, window_norm=window_norm)
    train, test = windows[: len(windows) - TEST - horizon + 1], windows[len(windows) - TEST :]
    model = RNNForecaster(**parameters).fit(train, train.y)
    return np.abs(model.predict(test) - np.asarray(test.y)).mean(axis=0), model.n_iter_


def ar1(parameters, seed):
    frame, phi, horizon = make_ar1(random_state=seed), 0.95, 12
    values = frame["y"].to_numpy()
    origins = np.arange(len(values) - TEST - horizon, len(values) - horizon)
    optimal = np.array([np.abs(phi**k * values[origins] - values[origins + k]).mean() for k in range(1, horizon + 1)])
    found, epochs = {}, []
    for name, norm in (("raw", None), ("last", "last")):
        error, n = fit_windows(frame, 48, horizon, parameters, norm)
        ratio = error / optimal
        found.update({f"AR(1) {name}, step 1": ratio[0], f"AR(1) {name}, step 12": ratio[-1]})
        epochs.append(n)
    return {**found, "epochs": np.mean(epochs)}


def co2(parameters, seed):
    frame, horizon = load_co2().interpolate(), 26
    error, epochs = fit_windows(frame, 104, horizon, parameters)
    values = frame.iloc[:, 0].to_numpy()
    origins = np.arange(len(values) - TEST - horizon, len(values) - horizon)
    naive = np.mean([np.abs(values[origins] - values[origins + k]).mean() for k in range(1, horizon + 1)])
    return {"CO2 MAE / last value": error.mean() / naive, "epochs": epochs}


def regression(parameters, seed):
    X, y = make_regression(400, 10, n_informative=5, noise=10.0, random_state=seed)
    model = RNNForecaster(**parameters).fit(X[:200], y[:200])
    return {"regression R2": model.score(X[200:], y[200:]), "epochs": model.n_iter_}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["lstm"])
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-3, 3e-3, 1e-2, 3e-2])
    parser.add_argument("--schedules", nargs="+", default=["constant", "cosine"])
    parser.add_argument("--patience", nargs="+", type=int, default=[10, 20])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--n-jobs", type=int, default=None)
    arguments = parser.parse_args()
    columns = [f"AR(1) {norm}, step {step}" for norm in ("raw", "last") for step in (1, 12)]
    columns += ["CO2 MAE / last value", "regression R2"]
    print("| cell | learning_rate | schedule | n_iter_no_change | " + " | ".join(columns) + " | epochs | seconds |")
    print("|---" * (len(columns) + 6) + "|")
    grid = itertools.product(arguments.cells, arguments.rates, arguments.schedules, arguments.patience)
    for cell, rate, schedule, patience in grid:
        found, epochs, begin = {}, [], time.perf_counter()
        for task, seed in itertools.product((ar1, co2, regression), range(arguments.seeds)):
            parameters = dict(
                cell=cell, learning_rate=rate, learning_rate_schedule=schedule, n_iter_no_change=patience,
                random_state=seed, n_jobs=arguments.n_jobs,
            )  # fmt: skip
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a diverged candidate is no candidate
                result = task(parameters, seed)
            epochs.append(result.pop("epochs"))
            for name, value in result.items():
                found.setdefault(name, []).append(value)
        cells = [cell, f"{rate:g}", schedule, str(patience), *(f"{np.mean(found[name]):.3f}" for name in columns)]
        seconds = time.perf_counter() - begin
        print("| " + " | ".join(cells) + f" | {np.mean(epochs):.0f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
