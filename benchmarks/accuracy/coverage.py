"""What intervals of a recipe of quantiles cover: on validation rows, block by block, and on the test, window by window.

    FORECAST_DATA=FOLDER python benchmarks/accuracy/coverage.py "ett1/H short" "fev jena 10T" [--seed 0]

One fit for each task. On the test also without the factors that validation asked for ("plain"), and of the members as
they were before they learnt from the validation rows ("early"). Errors are those of the median over the deviation of
the rows before the test. Standard errors are over blocks and over windows: for the blocks as if they were independent.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

if not __package__:  # as a script: under the name that the package has from its folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = "accuracy"

import numpy as np

from forecast._preparation import LEVELS
from forecast._recipe import choice
from forecast._series.forecasting import from_origins

from .recipe import Recipe
from .tasks import TASKS

WIDE, USUAL, MEDIAN = 0, 1, len(LEVELS) // 2  # places of the bounds of 95 % and of 80 %


def covered(quantiles, actual, place):
    """The share of known values within an interval, of each origin."""
    known = ~np.isnan(actual)
    inside = (quantiles[..., place] <= actual) & (actual <= quantiles[..., -1 - place])
    return np.nanmean(np.where(known, inside, np.nan), axis=(1, 2))


def said(name, quantiles, actual, scales, groups):
    """One line: coverages with their standard errors over groups of origins, and the error of the median."""
    parts = []
    for level, place in ((0.8, USUAL), (0.95, WIDE)):
        means = np.array([covered(quantiles[groups == group], actual[groups == group], place).mean()
                          for group in np.unique(groups)])  # fmt: skip
        parts.append(f"{level:.0%} {means.mean():.3f} +- {means.std(ddof=1) / len(means) ** 0.5:.3f}")
        parts[-1] += f" ({means.min():.2f} to {means.max():.2f})"
    error = np.nanmean(np.abs(actual - quantiles[..., MEDIAN]) / scales)
    return f"  {name:12s} {'  '.join(parts)}  error {error:.3f}"


def looked_at(task, seed):
    """The lines of a task."""
    seen = {}

    def mix(forecasts, actual, blocks, scales, *more):
        seen.update(actual=actual, blocks=blocks, scales=scales, result=_mix(forecasts, actual, blocks, scales, *more))
        return seen["result"]

    def weighed(*given):
        seen["choice"] = _weighed(*given)
        return seen["choice"]

    problem = task.load()
    with patch.object(choice, "mix", mix), patch.object(choice, "_weighed", weighed):
        model = Recipe(seed=seed).fit(problem)
    state, found = model.model._state, seen["choice"]
    origins = model.starts[problem.which] + problem.row
    actual, windows = problem.actual(problem.which, problem.row), np.arange(len(origins))
    scales = np.nanstd(model.rows.targets[: origins.min() + 1].astype(np.float64), axis=0)
    widths = found.widths
    yield f"{task.name}: widths {'none' if widths is None else ' '.join(f'{width:.3f}' for width in widths)}"
    yield said("validation", seen["result"].crossfitted, seen["actual"], seen["scales"][:, None], seen["blocks"])
    plain = state if widths is None else replace(
        state, members={name: replace(member, widths=None) for name, member in state.members.items()}
    )  # fmt: skip
    for name, one in (("test", state), ("test, plain", plain)):
        yield said(name, from_origins(one, model.rows, origins, problem.horizon, list(LEVELS)), actual, scales, windows)
    early = sum(
        weight * replace(found.early[name], spread=found.spreads.get(name)).forecast(model.rows, origins, list(LEVELS))
        for name, weight in found.weights.items()
    )
    yield said("test, early", early, actual, scales, windows)


_mix, _weighed = choice.mix, choice._weighed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", help="names of tasks of one series, with quantiles")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in given.tasks:
        for line in looked_at(TASKS[name], given.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
