"""Scores of a checkpoint on open tasks, next to the seasonal naive forecast. Look rarely: they are the only judge.

FORECAST_DATA=FOLDER PYTHONPATH=benchmarks python pretraining/judge.py weights.npz [TASK ...]
"""

import json
import sys
from pathlib import Path

import numpy as np
from accuracy.naive import SeasonalNaive
from accuracy.once import measured
from accuracy.tasks import TASKS
from train import NETWORK

from forecast._pretrained.ahead import quantiles_ahead
from forecast._pretrained.network import LOOKBACK, network_of

GIFT_EVAL = [name for name, task in TASKS.items() if task.group == "GIFT-Eval"]


class ZeroShot:
    """Forecasts of a checkpoint that has seen nothing of the task."""

    def __init__(self, path):
        path = Path(path)
        options = json.loads(path.with_suffix(".json").read_text())
        self.network = network_of(**{name: options[name] for name in NETWORK})
        with np.load(path) as kept:
            self.theta = kept["average"]

    def fit(self, problem):
        self.problem = problem
        return self

    def quantiles(self, which, row, forecast):
        arrays, targets, horizon = self.problem.arrays, len(self.problem.target), self.problem.horizon
        past = np.full((len(which), targets, LOOKBACK), np.nan)
        for i, (number, newest) in enumerate(zip(which, row, strict=True)):
            known = arrays[number].targets[max(0, newest + 1 - LOOKBACK) : newest + 1]
            past[i, :, LOOKBACK - len(known) :] = known.T
        found = quantiles_ahead(self.network, self.theta, past.reshape(-1, LOOKBACK), horizon, 2)
        return found.reshape(len(which), targets, horizon, -1).transpose(0, 2, 1, 3)

    def forecast(self, which, row):
        found = self.quantiles(which, row, None)
        return found[..., found.shape[-1] // 2]


def main():
    model, names = ZeroShot(sys.argv[1]), sys.argv[2:] or [*GIFT_EVAL, "M4 Hourly", "M4 Weekly"]
    ratios = []
    for name in names:
        problem = TASKS[name].load()
        problem.intervals = False
        ours, naive = (measured(problem, one)["metrics"] for one in (model, SeasonalNaive()))
        for metric, value in ours.items():
            print(f"{name:18s} {metric:12s} {value:8.4f}   seasonal naive {naive[metric]:8.4f}", flush=True)
        if name in GIFT_EVAL:
            ratios.append([ours[metric] / naive[metric] for metric in ("MASE", "WQL")])
    if ratios:
        mase, wql = np.exp(np.log(ratios).mean(axis=0))
        print(
            f"{len(ratios)} tasks of GIFT-Eval, geometric mean over the seasonal naive: MASE {mase:.3f}, WQL {wql:.3f}"
        )


if __name__ == "__main__":
    main()
