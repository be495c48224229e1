"""Every notebook runs from top to bottom in a fresh kernel, draws, ends with a table, and is stored without outputs.

Under the marker `slow`: by default the README's blocks fit the quickstart's recipe to the same series.
"""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
SECONDS = 240  # for one cell; a whole notebook takes a minute on two cores that have nothing else to do
LESSONS = {"03_finance": {"SkillWarning"}, "05_inside_the_network": {"ConvergenceWarning"}}  # warnings to be seen

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path, folder, monkeypatch):
    """What all cells put out, in a kernel that starts outside of the clone and sees the installed package."""
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def check(outputs, name):
    assert [output for output in outputs if output.output_type == "error"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "text/html" in outputs[-1].get("data", {})  # the last thing is a table
    said = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    assert set(re.findall(r"\w*Warning", said)) == LESSONS.get(name, set())


def test_there_are_six_notebooks():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


@pytest.mark.slow
@every_notebook
def test_a_notebook_runs_and_draws(path, tmp_path, monkeypatch):
    check(run(path, tmp_path, monkeypatch), path.stem)
    assert [found.name for found in tmp_path.iterdir() if found.name != "ipython"] == []  # it leaves no files


@every_notebook
def test_a_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in code_cells(notebook) if cell.outputs or cell.execution_count is not None] == []
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == []
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"


@every_notebook
def test_a_notebook_begins_with_a_question_and_ends_with_an_answer(path):
    first, *_, last = nbformat.read(path, as_version=4).cells
    assert first.cell_type == last.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "question" in first.source
    assert last.source.startswith("## What to take from this\n")
    assert len(last.source) > 200
