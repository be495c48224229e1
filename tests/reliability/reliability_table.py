"""The table that `pytest -m reliability` ends with: of each item its bar, and the figure that this run gave.

The items and their bars are in bars.py, together with the tests that decide them: those of this folder, and those that
are elsewhere, which `-m reliability` takes along. A test gives its figure by `record_property("figure", ...)`; where
it gives none, the figure is how many of its cases passed. `record_property("over", True)` marks a bar of time that was
missed: other work on the machine stretches it, so no test fails of it.
"""

import pytest
from bars import BARS, recorded


def asked_for(config):
    return config.option.markexpr == "reliability"


def of_bar(nodeid, test):
    """Whether a case of pytest belongs to a test as bars.py names it, relative to the folder of tests."""
    return nodeid.split("[")[0].removeprefix("tests/") == test


def take_along(config, items):
    """Give the marker to the tests elsewhere that decide a bar; only where they are asked for by it."""
    if not asked_for(config):
        return
    wanted = {test for bar in BARS for test in bar.tests}
    for item in items:
        if item.nodeid.split("[")[0].removeprefix("tests/") in wanted:
            item.add_marker(pytest.mark.reliability)


def cases_of(reporter):
    """The last word on every case: {nodeid: (passed, properties)}."""
    found = {}
    for outcome in ("passed", "failed", "error"):
        for report in reporter.stats.get(outcome, []):
            if not hasattr(report, "user_properties"):  # of a file that could not be collected
                found[report.nodeid] = False, {}
            elif report.when == "call" or outcome != "passed":
                found[report.nodeid] = (outcome == "passed", dict(report.user_properties))
    return found


def figure_of(bar, cases):
    """What this run says of a bar: (state, figure)."""
    mine = {nodeid: case for nodeid, case in cases.items() if any(of_bar(nodeid, test) for test in bar.tests)}
    if not mine:
        return "not run", "; ".join(filter(None, [bar.elsewhere or "its tests were not chosen", recorded(bar)]))
    failed = [nodeid for nodeid, (passed, _) in mine.items() if not passed]
    if failed:
        return "FAILED", f"{len(failed)} of {len(mine)} cases, first {failed[0]}"
    said = [str(properties["figure"]) for _, properties in mine.values() if "figure" in properties]
    over = any(properties.get("over") for _, properties in mine.values())
    counted = f"{len(mine)} of {len(mine)} cases" if len(mine) > len(said) else ""
    return "over" if over else "held", "; ".join([*said, *filter(None, [counted])])


def write_table(reporter, config):
    if not asked_for(config):
        return
    cases = cases_of(reporter)
    reporter.section("reliability")
    counts = {}
    for bar in BARS:
        state, figure = figure_of(bar, cases)
        counts[state] = counts.get(state, 0) + 1
        reporter.write_line(f"{bar.item:<4} {state:<8} {bar.bar}")
        reporter.write_line(f"{'':13} {figure}")
    reporter.write_line(", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
