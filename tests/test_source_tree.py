"""Python started at the top of a clone: the sources there come first, the compiled core is installed elsewhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import forecast

INSTALLED = Path(forecast.__path__[0]).parent
SHOW = "import forecast, forecast.metrics as m; print(forecast.RNNForecaster().get_params()['cell'], m.__file__)"


@pytest.fixture
def clone(tmp_path):
    """A folder with the sources and without the compiled core."""
    shutil.copytree(
        INSTALLED / "forecast", tmp_path / "forecast", ignore=shutil.ignore_patterns("_core*", "__pycache__")
    )
    return tmp_path


def started_in(folder, *options, path=()):
    """Output and errors of a Python that imports the package in this folder."""
    prepare = f"import sys; sys.path[1:1] = {[str(entry) for entry in path]}; "
    run = subprocess.run(
        [sys.executable, *options, "-c", prepare + SHOW],
        cwd=folder,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return run.stdout, run.stderr


def test_the_installed_package_is_used_at_the_top_of_a_clone(clone):
    out, errors = started_in(clone, path=[INSTALLED])
    assert out.split() == ["lstm", str(INSTALLED / "forecast/metrics.py")]
    assert errors == ""


def test_sources_that_are_not_the_installed_ones_are_named(clone):
    with open(clone / "forecast/metrics.py", "a") as file:
        file.write("# Edited.\n")
    out, errors = started_in(clone, path=[INSTALLED])
    assert out.split()[1] == str(INSTALLED / "forecast/metrics.py")
    assert "1 of their files differ, the first metrics.py." in errors
    assert f"Fix: pip install '{clone}'." in errors


def test_without_an_installed_package_one_sentence_says_what_to_do(clone):
    out, errors = started_in(clone, "-S", "-E")  # the standard library alone
    assert out == ""
    assert errors.splitlines()[-1].endswith("these are its sources, not compiled. Fix: pip install .")
