"""What a release rests on: one version, pinned actions, wheels for every Python that is promised."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import forecast

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Of this one no copy could be read to verify a hash; release.yml says so.
BY_TAG = {"pypa/gh-action-pypi-publish@v1.13.0"}


def actions(text):
    """What the steps of a workflow use, without the workflows of this repository."""
    return [found for found in re.findall(r"uses: (\S+)", text) if not found.startswith("./")]


def test_the_version_is_written_once():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    source = ROOT / PROJECT["tool"]["scikit-build"]["metadata"]["version"]["input"]
    written = [
        path
        for path in sorted((ROOT / "forecast").rglob("*.py"))
        if re.search(r"^__version__\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert written == [source]


def test_unreleased_code_says_so():
    """Its version is the newest of the changelog, with `.dev0` as long as that has no date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, date = re.search(r"^## (\S+) - (\S+)$", changelog, re.MULTILINE).groups()
    assert forecast.__version__ == newest + ".dev0" * (date == "unreleased")


def test_the_workflows_are_where_these_tests_look():
    assert {"docs.yml", "lint.yml", "release.yml", "tests.yml", "wheels.yml"} <= {path.name for path in WORKFLOWS}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_whole_hash(workflow):
    loose = [used for used in actions(workflow.read_text(encoding="utf-8")) if not re.search(r"@[0-9a-f]{40}$", used)]
    assert [used for used in loose if used not in BY_TAG] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_asks_for_more(workflow):
    assert "\npermissions:\n  contents: read\n" in workflow.read_text(encoding="utf-8")


def test_only_a_published_release_is_uploaded_and_without_a_token():
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert "if: github.event_name == 'release'" in text
    assert "id-token: write" in text
    assert "attestations: true" in text
    assert "secrets." not in text


def test_there_are_wheels_for_every_python_that_is_promised():
    promised = [c.rsplit(" ", 1)[1] for c in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", c)]
    built = PROJECT["tool"]["cibuildwheel"]["build"].split()
    assert built == [*(f"cp{version.replace('.', '')}-*" for version in promised), "cp314t-*"]


def test_a_wheel_is_tested_by_files_that_are_there():
    commands = PROJECT["tool"]["cibuildwheel"]["test-command"]
    files = re.findall(r"tests/\S+\.py", " ".join(commands))
    assert len(files) > 3
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert " ".join(files) in " ".join((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8").split())


def test_the_sessions_that_workflows_run_are_there():
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    run = re.findall(r"run: nox -s (.+)", "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS))
    assert len(run) > 3
    assert set(" ".join(run).split()) - sessions == set()


def test_a_package_that_a_test_may_lack_is_installed_by_ci_for_that_test():
    """A test that skips in one environment runs in another: none is skipped everywhere."""
    named = re.findall(r"^([\w-]+)==", (ROOT / "tests/neighbours.txt").read_text(encoding="utf-8"), re.MULTILINE)
    run = (ROOT / ".ci/run").read_text(encoding="utf-8")
    lacking = {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for package in re.findall(r'pytest\.importorskip\("(\w+)', path.read_text(encoding="utf-8")):
            lacking.setdefault(package, []).append(f"tests/{path.name}")
    assert set(lacking) - set(named) == set()
    assert {file for files in lacking.values() for file in files if file not in run} == set()
