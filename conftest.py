"""For all tests: how many processes run them. For doctests of single files of the package: their import."""

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "forecast"
MOST = 4  # processes; each takes up to 1 GB
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

# Before numpy is imported, and for the processes that tests start: a thread that waits leaves its core to others. The
# matrices of tests are small, and OpenBLAS's threads wait for each other most of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite in a process for each core; a file stays in one, for its fixtures. `-n 0` for one in all."""
    option, cores = config.option, min(CORES, MOST)
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    free = getattr(option, "numprocesses", 0) is None and not option.usepdb and option.capture != "no"
    if whole and free and cores > 1 and option.markexpr != "reliability":  # which measures: one after the other
        option.numprocesses, option.dist = cores, "loadfile"


def pytest_collect_file(file_path):
    """Import the package of a file first: `pytest --doctest-modules forecast/cli/problems.py`.

    With `--import-mode=importlib` pytest imports the package and then the file, although the package may have imported
    it already. The second module has classes of its own, so that `except ProblemError` misses the other one.
    """
    if file_path.is_relative_to(PACKAGE):
        import_module(".".join(file_path.parent.relative_to(PACKAGE.parent).parts))


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Examples draw one picture each; matplotlib warns of more than twenty open ones."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
