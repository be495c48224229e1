"""For doctests of single files of the package: `pytest --doctest-modules forecast/cli/problems.py`."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "forecast"


def pytest_collect_file(file_path):
    """Import the package of a file first.

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
