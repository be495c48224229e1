"""Measure tasks and models, one process for each (task, model, seed), and append one line of JSON each.

    FORECAST_DATA=FOLDER python benchmarks/accuracy/run.py --tasks "ETTh1 96" M4 --models recipe ridge lightgbm
    python benchmarks/accuracy/run.py --table --results benchmark-results.jsonl

`--tasks` takes names, the beginning of names ("ETTh1"), groups ("GIFT-Eval"), halves
("choosing", "held back") or "all". The baseline of a task runs first; the run ends if it does not reproduce its
published value, since the split or a metric is then wrong. What is in the file for this commit is not measured again.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

if not __package__:  # as a script: under the name that the package has from its folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = "accuracy"

import forecast

from .models import MODELS, ONLY, SEEDED
from .table import table
from .tasks import TASKS, chosen

BENCHMARKS = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
USUAL = ("recipe", "ridge", "lightgbm", "seasonal naive", "last value")


def commit():
    """The commit that is measured; "+" says that files were changed after it."""

    def git(*words):
        words = ["git", *words]
        return subprocess.run(words, cwd=BENCHMARKS, capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")


def machine():
    """The line on the machine that all benchmarks have."""
    sys.path.append(str(BENCHMARKS))  # they import each other as scripts do
    import measuring

    return measuring.machine()


def lines(path):
    """Lines of a results file; none where there is no file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def append(path, line):
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def once(task, model, seed, threads, minutes):
    """The result of one process; a dict with `error` where it failed."""
    words = [sys.executable, "-m", "accuracy.once", "--task", task, "--model", model]
    words += ["--seed", str(seed), "--threads", str(threads)]
    found = [str(Path(forecast.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    env = os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": os.pathsep.join(filter(None, found))}
    if "FORECAST_DATA" in env:
        env["FORECAST_DATA"] = str(Path(env["FORECAST_DATA"]).resolve())
    try:
        done = subprocess.run(
            words, cwd=BENCHMARKS, capture_output=True, text=True, env=env, timeout=60 * minutes, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {minutes:g} minutes"}
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def departures(task, metrics):
    """Where a baseline is not what is published, as sentences."""
    return [
        f"{task.name}, {task.baseline}: {name} is {metrics[name]:.4f}, published {value:g} (within {task.tolerance:g})"
        for name, value in task.published.items()
        if not abs(metrics[name] - value) <= task.tolerance
    ]


def runs(task, models, seeds):
    """Pairs of model and seed, the baseline first; models of other groups are left out."""
    wanted = [task.baseline, *(model for model in models if model != task.baseline)]
    wanted += [model for model in task.rivals if model not in wanted]
    return [
        (model, seed)
        for model in wanted
        if ONLY.get(model, task.group) == task.group
        for seed in (seeds if model in SEEDED else seeds[:1])
    ]


def measure(given):
    """Run what is not there yet."""
    unknown = [model for model in given.models if model not in MODELS]
    if unknown:
        sys.exit(f"no model is called {unknown[0]!r}; expected some of {list(MODELS)}.")
    now = commit()
    key = lambda line: (line["commit"], line["task"], line["model"], line["seed"])  # noqa: E731
    there = {} if given.again else {key(line): line for line in lines(given.results) if "task" in line}
    append(given.results, {"machine": machine(), "commit": now, "threads": given.threads})
    for task in chosen(given.tasks):
        for model, seed in runs(task, given.models, given.seeds):
            found = there.get((now, task.name, model, seed))
            if found is None or "error" in found:
                stamp = datetime.now(UTC).isoformat(timespec="seconds")
                found = {"time": stamp, "commit": now, "task": task.name, "model": model, "seed": seed}
                found |= {"threads": given.threads} | once(task.name, model, seed, given.threads, given.minutes)
                append(given.results, found)
                print(told(task, found), flush=True)
            if model == task.baseline and "metrics" in found:
                wrong = departures(task, found["metrics"])
                if wrong:
                    sys.exit("\n".join(wrong))


def told(task, line):
    """One line for the screen."""
    head = f"{task.name:20s} {line['model']:22s} seed {line['seed']}  "
    if "error" in line:
        return head + line["error"]
    coverage = [name for name in line["metrics"] if name.startswith("coverage")]
    scores = "  ".join(f"{name} {line['metrics'][name]:.4f}" for name in [*task.metrics, *coverage])
    costs = f"fit {line['fit_cpu']:.1f}, forecasts {line['forecast_cpu']:.1f} CPU s, {line['peak_mb']:.0f} MB"
    thinned = f"  1 of {line['every']} origins" if line["every"] > 1 else ""
    return f"{head}{scores}  {costs}{thinned}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["all"], help="names, groups or halves")
    parser.add_argument("--models", nargs="+", default=list(USUAL), help=", ".join(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=Path("benchmark-results.jsonl"))
    parser.add_argument("--threads", type=int, default=1, help="of the model and of BLAS")
    parser.add_argument("--minutes", type=float, default=60, help="longest time of one process")
    parser.add_argument("--again", action="store_true", help="measure also what is there for this commit")
    parser.add_argument("--table", action="store_true", help="print the table of the results, measure nothing")
    parser.add_argument("--list", action="store_true", help="print the names of the tasks")
    given = parser.parse_args()
    if given.list:
        print("\n".join(f"{task.name:20s} {task.group:14s} {task.half}" for task in TASKS.values()))
    elif given.table:
        print(table(lines(given.results)))
    else:
        measure(given)


if __name__ == "__main__":
    main()
