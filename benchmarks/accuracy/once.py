"""One (task, model, seed) in this process; the last line on stdout is its result as JSON.

python -m benchmarks.accuracy.once --task "ETTh1 96" --model ridge
"""

import argparse
import json
import resource
import sys
import time

import numpy as np

from .models import make
from .tasks import TASKS


def cpu_seconds():
    """Of all threads of this process and of the processes that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(problem, model):
    """Fit, forecast every tested origin, and score.

    Parameters
    ----------
    problem : Problem
    model : object
        Not fitted, of `models`.

    Returns
    -------
    dict
        `metrics`, `origins` and `every` (tested origins; 1 where all are), CPU and wall seconds and the peak of memory
        (MB, of the whole process up to then) of `fit` and of the forecasts apart, and what the model says of itself.
    """
    loaded, began, wall = peak_megabytes(), cpu_seconds(), time.perf_counter()
    model.fit(problem)
    fitted, fit_wall, fit_peak = cpu_seconds(), time.perf_counter() - wall, peak_megabytes()
    every = model.every() if hasattr(model, "every") else 1
    tested = problem.thinned(every) if every > 1 else problem
    score, forecasts, wall = tested.new_score(tested), [], time.perf_counter()
    for block in tested.blocks():
        which, row = tested.which[block], tested.row[block]
        forecast = model.forecast(which, row)
        quantiles = None
        if problem.quantiles and hasattr(model, "quantiles"):
            quantiles = model.quantiles(which, row, forecast)
            forecast = quantiles[..., 4]  # the median
        forecasts.append((which, row, forecast, quantiles))
        if not problem.intervals:
            score.add(which, row, tested.actual(which, row), *forecasts.pop()[2:])
    if forecasts:
        which, row, forecast, quantiles = (
            None if parts[0] is None else np.concatenate(parts) for parts in zip(*forecasts, strict=True)
        )
        bounds = model.intervals(which, row, forecast) if hasattr(model, "intervals") else None
        score.add(which, row, tested.actual(which, row), forecast, quantiles, bounds)
    return {
        "metrics": score.result(),
        "origins": len(tested.which),
        "every": every,
        "fit_cpu": fitted - began,
        "fit_seconds": fit_wall,
        "forecast_cpu": cpu_seconds() - fitted,
        "forecast_seconds": time.perf_counter() - wall,
        "loaded_mb": loaded,
        "fit_mb": fit_peak,
        "peak_mb": peak_megabytes(),
        "notes": model.notes() if hasattr(model, "notes") else {},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    problem = TASKS[given.task].load()
    found = measured(problem, make(given.model, given.seed, given.threads))
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
