"""The recipe with one part left out at a time, on tasks that choose defaults: what each part is worth.

    FORECAST_DATA=FOLDER python benchmarks/accuracy/ablation.py --results ablation.jsonl
    python benchmarks/accuracy/ablation.py --table --results ablation.jsonl

A part is left out by an argument of `SeriesForecaster` where there is one, else by a hook that replaces a function or a
constant of `forecast._recipe` while the model is fitted. What is in the file is not measured again. The table has the
ratio of the task's first metric to that of the whole recipe, same seed; below 1 the recipe is better without the part.
"""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

if not __package__:  # as a script: under the name that the package has from its folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = "accuracy"

import numpy as np

from forecast._linear import inputs
from forecast._preparation import anew
from forecast._recipe import choice, networks, validation, weights

from .once import measured
from .recipe import Recipe
from .run import append, lines, machine
from .tasks import TASKS

TASKS_USED = ("Melbourne 1", "ILI 24", "ETTh1 96", "Beijing D1b")
NOTHING = 0.005  # of the mean ratio: a part that is worth less brings nothing on these tasks


def without_networks(*args, **options):
    return {}


def first_network(*args, **options):
    found = _networks(*args, **options)
    return dict(list(found.items())[:1])


def changed_networks(changes, *args, **options):
    """Networks with other arguments; those that a network does not have stay away."""
    found = _networks(*args, **options)
    return {
        name: replace(one, regressor=type(one.regressor)(**(one.regressor.get_params() | changes)))
        for name, one in found.items()
    }


def mixed_without(names, forecasts, *args, **options):
    """The mean of the other members; where there is none, of all."""
    kept = {name: forecast for name, forecast in forecasts.items() if name not in names}
    return _mix(kept or forecasts, *args, **options)


def newest_part(*args, **options):
    return _parts(*args, **options)[:1]


def no_segments(*args, **options):
    return 1


def trained_anew(chosen, n_series):
    """Networks that learn from all rows from the beginning, for as many steps as validation found."""
    found = chosen.settings
    return {name: anew(one, chosen.early[name].regressor) if "GRU" in name else one for name, one in found.items()}


_networks, _mix, _parts = choice.network_settings, choice.mix, choice.parts_in_time
_NAIVE = ("last value", "seasonal naive")


# Name: arguments of `SeriesForecaster`, and hooks (module, name, what replaces it).
PARTS = {
    "whole": ({}, []),
    "no networks": ({}, [(choice, "network_settings", without_networks)]),
    "no second network": ({}, [(choice, "network_settings", first_network)]),
    "no linear member": ({}, [(choice, "mix", partial(mixed_without, ("linear",)))]),
    "no pretrained member": ({"pretrained": False}, []),
    "the pretrained member for any gain": ({}, [(weights, "NEEDED", -1.0)]),
    "no naive members": ({}, [(choice, "mix", partial(mixed_without, _NAIVE))]),
    "weights by error alone": ({}, [(weights, "SHRINKING", (1.0,))]),
    "equal weights of good members": ({}, [(weights, "FALL", 0), (weights, "GOOD", 1.1)]),
    "the linear member wherever it is ahead": ({}, [(weights, "_is_clearly_better", lambda *args: True)]),
    "three values of a past covariate": ({}, [(inputs, "_OLDER", ())]),
    "weights from the newest rows alone": ({}, [(choice, "parts_in_time", newest_part)]),
    "earlier rows judge panels, too": ({}, [(validation, "_SERIES", 10**9)]),
    "networks trained anew on all rows": ({}, [(choice, "settled", trained_anew)]),
    "no trial of the pretrained member": ({}, [(choice, "_TRIAL", 10**12)]),
    "no segments": ({}, [(networks, "_segment", no_segments)]),
    "no decoder": (
        {},
        [(choice, "network_settings", partial(changed_networks, {"decoder": "dense", "future_size": 0}))],
    ),
    "no layer over the known future": (
        {},
        [(choice, "network_settings", partial(changed_networks, {"future_size": 0}))],
    ),
    "no line next to the network": (
        {},
        [(choice, "network_settings", partial(changed_networks, {"skip": None, "skip_penalty": 1e-3}))],
    ),
    "no calendar": ({"calendar": None}, []),
    "the last value as level everywhere": ({"window_norm": "last"}, []),
    "no transform but a scale": ({"transform": "standard"}, []),
    "no season": ({}, [(choice, "seasons_of", lambda *args, **options: [])]),
    "half of the steps": (
        {},
        [(networks, name, getattr(networks, name) / 2) for name in ("_BUDGET", "_BUDGET_COVARIATES", "_LEAST_BUDGET")],
    ),
}


def once(task, part, seed):
    """The result of the recipe without a part."""
    settings, hooks = PARTS[part]
    with ExitStack() as stack:
        for module, name, instead in hooks:
            stack.enter_context(patch.object(module, name, instead))
        return measured(TASKS[task].load(), Recipe(seed, 1, settings))


def measure(given):
    there = {(line["task"], line["part"], line["seed"]) for line in lines(given.results) if "metrics" in line}
    append(given.results, {"machine": machine()})
    for task in given.tasks:
        for part in given.parts:
            if (task, part, given.seed) in there:
                continue
            found = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "task": task, "part": part}
            began = time.process_time()
            try:
                result = once(task, part, given.seed)
                found |= {"seed": given.seed, "metrics": result["metrics"], "fit_cpu": result["fit_cpu"]}
            except ValueError as error:  # an argument that a network of this task cannot do without
                found |= {"seed": given.seed, "error": str(error)}
            append(given.results, found)
            metric = TASKS[task].metrics[0]
            value = found["metrics"][metric] if "metrics" in found else found["error"]
            print(f"{task:14s} {part:36s} {value}  {time.process_time() - began:.0f} CPU s", flush=True)


def table(found):
    """Ratios to the whole recipe as Markdown, and the parts that bring nothing."""
    values = {}
    for line in found:
        if "metrics" in line:
            values[line["part"], line["task"]] = line["metrics"][TASKS[line["task"]].metrics[0]], line["fit_cpu"]
    tasks = [task for task in TASKS_USED if ("whole", task) in values]
    out = [
        "| | " + " | ".join(f"{task}, {TASKS[task].metrics[0]}" for task in tasks) + " | mean |",
        "|---" * (len(tasks) + 2) + "|",
        "| whole | " + " | ".join(f"{values['whole', task][0]:.4g}" for task in tasks) + " | |",
        "| CPU seconds of `fit` | " + " | ".join(f"{values['whole', task][1]:.0f}" for task in tasks) + " | |",
    ]
    idle = []
    for part in list(PARTS)[1:]:
        ratios = [
            values[part, task][0] / values["whole", task][0] if (part, task) in values else np.nan for task in tasks
        ]
        if np.isnan(ratios).all():
            continue
        mean = float(np.exp(np.nanmean(np.log(ratios))))
        cells = ["" if np.isnan(ratio) else "same" if ratio == 1 else f"{ratio:.3f}" for ratio in ratios]
        out.append(f"| {part} | " + " | ".join(cells) + f" | {mean:.3f} |")
        if mean < 1 + NOTHING:
            idle.append(part)
    named = ", ".join(f'"{part}"' for part in idle) or "none"
    last = f"Less than {NOTHING:.1%} worse, so that the part brings nothing on these tasks: {named}."
    return "\n".join([*out, "", last])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS_USED), choices=list(TASKS), metavar="TASK")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), metavar="PART")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("ablation.jsonl"))
    parser.add_argument("--table", action="store_true", help="print the table of the results, measure nothing")
    given = parser.parse_args()
    if given.table:
        print(table(lines(given.results)))
    else:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        measure(given)


if __name__ == "__main__":
    main()
