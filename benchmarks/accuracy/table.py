"""Results as Markdown: our forecaster, its rivals and the bars, and over all tasks how often it is behind."""

from collections import defaultdict

import numpy as np

from .tasks import CHOOSING, GIFT_BARS, HELD_BACK, TASKS

RIVALS = ("ridge", "lightgbm", "seasonal naive", "last value")
COVERAGE = {0.8: (0.76, 0.84), 0.95: (0.92, 0.98)}
MARK = {True: "✓", False: "✗", None: ""}


def collected(lines):
    """Newest result of each task, model and seed: {task: {model: [result, ...]}}."""
    newest = {(line["task"], line["model"], line["seed"]): line for line in lines if "metrics" in line}
    found = defaultdict(lambda: defaultdict(list))
    for (task, model, _), line in newest.items():
        if task in TASKS:
            found[task][model].append(line)
    return found


def value(results, model, metric):
    """Mean over seeds; None where it was not measured."""
    measured = [line["metrics"][metric] for line in results.get(model, ()) if metric in line["metrics"]]
    return float(np.mean(measured)) if measured else None


def bar(results, given, metric):
    """A bar as a number: of several the lowest; None where there is none, or its models were not measured."""
    if isinstance(given, list):
        found = [limit for one in given if (limit := bar(results, one, metric)) is not None]
        return min(found, default=None)
    if not isinstance(given, tuple):
        return given
    model, factor = given
    base = value(results, model, metric)
    return None if base is None else factor * base


def mark(ours, limit):
    return MARK[None if ours is None or limit is None else bool(ours <= limit)]


def number(found):
    return "" if found is None else f"{found:.4g}" if abs(found) >= 10 else f"{found:.3f}"


def ours_cell(results, metric):
    """Mean over seeds, and the range where there are several."""
    seeds = [line["metrics"][metric] for line in results.get("recipe", ()) if metric in line["metrics"]]
    if not seeds:
        return ""
    spread = f" ({number(min(seeds))} to {number(max(seeds))})" if len(seeds) > 1 else ""
    return number(float(np.mean(seeds))) + spread


def rival_cell(results, model, metric):
    thinned = any(line["every"] > 1 for line in results.get(model, ()))
    found = value(results, model, metric)
    return number(found) + ("~" if thinned and found is not None else "")


def fit_cell(task, results):
    """CPU seconds of a fit, ours and LightGBM's, and whether ours is within what a fit may take."""
    ours, trees = (
        float(np.mean([line["fit_cpu"] for line in results[model]])) if results.get(model) else None
        for model in ("recipe", "lightgbm")
    )
    limit = 5 if task.name == "CO2" else min(300, max(60, 4 * (trees or 0)))
    threads = {line.get("threads") for line in results.get("recipe", ())}
    shown = " / ".join("-" if seconds is None else f"{seconds:.1f}" for seconds in (ours, trees))
    return f"{shown} {mark(ours, limit)}".strip() + (f" ({threads.pop()} threads)" if threads - {None, 1} else "")


def task_rows(task, results):
    """One row for each metric."""
    rows = []
    for metric in task.metrics:
        ours = value(results, "recipe", metric)
        must, aim = (bar(results, bars.get(metric), metric) for bars in (task.must, task.aim))
        cells = [task.name, metric, ours_cell(results, metric)]
        cells += [rival_cell(results, model, metric) for model in RIVALS]
        cells += [f"{number(limit)} {mark(ours, limit)}".strip() for limit in (must, aim)]
        for rival in ("ridge", task.baseline):
            base = value(results, rival, metric)
            cells.append("" if ours is None or not base else f"{ours / base:.3f}")
        rows.append([*cells, fit_cell(task, results)])
    return rows


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def gift_means(found):
    """Geometric means over the seasonal naive of the same run, where all ten tasks are measured."""
    tasks = [task for task in TASKS.values() if task.group == "GIFT-Eval"]
    lines = []
    for metric, (must, aim) in GIFT_BARS.items():
        for model in ("recipe", "ridge", "lightgbm"):
            ratios = [
                value(found[task.name], model, metric) / value(found[task.name], "seasonal naive", metric)
                for task in tasks
                if value(found[task.name], model, metric) and value(found[task.name], "seasonal naive", metric)
            ]
            if not ratios:
                continue
            mean = float(np.exp(np.mean(np.log(ratios))))
            whole = len(ratios) == len(tasks)
            note = f" ({len(ratios)} of {len(tasks)} tasks)"
            if whole:
                judged = model == "recipe"
                note = f", must {must} {mark(mean, must)}, aim {aim} {mark(mean, aim)}" if judged else ""
            lines.append(f"- GIFT-Eval, {metric}, {model}: {mean:.3f}{note}")
    return lines


def standing(found):
    """How often ours is behind, and ahead of, the rivals of the same run, on the first metric of each task."""
    behind = {rival: [] for rival in RIVALS[:3]}
    ahead = 0
    measured = [task for task in TASKS.values() if value(found[task.name], "recipe", task.metrics[0]) is not None]
    for task in measured:
        results, metric = found[task.name], task.metrics[0]
        ours = value(results, "recipe", metric)
        others = {rival: value(results, rival, metric) for rival in behind}
        for rival, base in others.items():
            if base is not None:
                behind[rival].append((ours / base - 1, task.name))
        ahead += all(base is None or ours < base for base in others.values())
    if not measured:
        return []
    count = f"{ahead} of {len(measured)} tasks"
    lines = [f"- ahead of ridge, seasonal naive and LightGBM on {count} (three quarters wanted)"]
    for rival, gaps in behind.items():
        worst = sorted(gaps, reverse=True)[:3]
        shown = ", ".join(f"{name} {gap:+.1%}" for gap, name in worst)
        far, near = (sum(gap > limit for gap, _ in gaps) for limit in (0.03, 0.01))
        lines.append(f"- behind {rival} by more than 3 % on {far}, by more than 1 % on {near}; worst: {shown}")
    return lines


def coverages(found):
    """Shares inside the intervals of ours, with the bars."""
    rows = []
    for task in TASKS.values():
        shares = [value(found[task.name], "recipe", f"coverage {level:.0%}") for level in COVERAGE]
        if any(share is not None for share in shares):
            marks = [
                f"{share:.1%} {MARK[low <= share <= high]}"
                for share, (low, high) in zip(shares, COVERAGE.values(), strict=True)
            ]
            rows.append([task.name, *marks])
    return rows


def failures(lines, found):
    """What failed and has no result."""
    measured = [line for results in found.values() for runs in results.values() for line in runs]
    there = {(line["task"], line["model"], line["seed"]) for line in measured}
    newest = {(line["task"], line["model"], line["seed"]): line["error"] for line in lines if "error" in line}
    return [
        f"- {task}, {model}, seed {seed}: {error}"
        for (task, model, seed), error in newest.items()
        if (task, model, seed) not in there
    ]


def table(lines):
    """The whole report.

    Parameters
    ----------
    lines : list of dict
        Entries of a results file.

    Returns
    -------
    str
        Markdown.
    """
    found = collected(lines)
    head = ["task", "metric", "ours", "ridge", "LightGBM", "seasonal naive", "last value", "must", "aim"]
    head += ["ours / ridge", "ours / baseline", "fit CPU s, ours / LightGBM"]
    parts = []
    for half in (CHOOSING, HELD_BACK):
        rows = [
            row
            for task in TASKS.values()
            if task.half == half and found[task.name]
            for row in task_rows(task, found[task.name])
        ]
        if rows:
            title = "Tasks that chose the defaults" if half == CHOOSING else "Tasks held back"
            parts += [f"### {title}", markdown(head, rows)]
    if any(line["every"] > 1 for results in found.values() for runs in results.values() for line in runs):
        parts.append("~: every k-th test window only, because a rival would take hours on all.")
    parts.append("\n".join([*gift_means(found), *standing(found)]))
    inside = coverages(found)
    if inside:
        parts.append(markdown(["intervals of ours", "inside 80 %", "inside 95 %"], inside))
    lost = failures(lines, found)
    if lost:
        parts.append("Not measured:\n\n" + "\n".join(lost))
    return "\n\n".join(part for part in parts if part)
