"""Every place in the sources that gives a fix is one whose fix a test runs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "forecast"
PASTE = (  # the modules that run what follows "Fix:"
    "test_codes_later", "test_distributed", "test_file_refusals", "test_fixes", "test_fixes_of_calls",
    "test_fixes_of_plots", "test_fixes_of_settings", "test_fixes_of_tables", "test_glued", "test_new_rows_refused",
    "test_object_time", "test_repeated_hour", "test_sentinels", "test_shops", "test_time_columns", "test_update",
    "test_wide_frames",
)  # fmt: skip
SKTIME = "sktime is not among the packages of the tests; test_sktime.py runs it where it is installed"
ELSEWHERE = {  # function: why its fix is not one that these modules run
    "_series/forecasting.py, _refuse_unknown": "the second check of future rows; the fix of the first is the same",
    "sktime.py, _given": SKTIME,
    "sktime.py, _pretrain": SKTIME,
    "_frames/static.py, refuse_changing": "of the command alone, and to be filled in: --static FILE",
}


def sources():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "cli"]


def gives_fix(call):
    """Whether a call has a fix of its own, other than None and the installation of a package."""
    fixes = [one.value for one in call.keywords if one.arg == "fix"]
    installs = any(isinstance(fix, ast.Call) and getattr(fix.func, "id", "") == "install" for fix in fixes)
    return any(getattr(fix, "value", "") is not None for fix in fixes) and not installs


def places(path):
    """[(function, first line, last line)] of the calls that give a fix."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and gives_fix(call):
            around = [one for one in functions if one.lineno <= call.lineno <= one.end_lineno]
            name = max(around, key=lambda one: one.lineno).name if around else "<module>"
            found.append((f"{path.relative_to(PACKAGE).as_posix()}, {name}", call.lineno, call.end_lineno))
    return found


@pytest.mark.slow
def test_every_fix_of_the_sources_is_run_by_a_test(tmp_path):
    said = tmp_path / "places.json"
    environment = os.environ | {"FORECAST_FIXES": str(said), "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "recorded_fixes", "-p", "no:cacheprovider"]
    modules = [str(TESTS / f"{name}.py") for name in PASTE]
    ran = subprocess.run(
        [*command, *modules], env=environment, capture_output=True, text=True, cwd=TESTS.parent, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    lines = {(path, line) for path, line in json.loads(said.read_text())}
    missed = {
        name: first
        for path in sources()
        for name, first, last in places(path)
        if not any((path.relative_to(PACKAGE).as_posix(), line) in lines for line in range(first, last + 1))
    }
    assert sorted(missed) == sorted(ELSEWHERE), "\n".join(f"{name}, line {line}" for name, line in missed.items())


def test_places_that_give_a_fix_are_seen():
    assert [name for name, *_ in places(PACKAGE / "_threads.py")] == ["_threads.py, thread_count"]
