"""The documents say what is true: examples run, links lead somewhere, the commands are those that are tested."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from forecast import _network
from forecast._files.values import READERS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "cpp" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "benchmarks").rglob("*.md"))
SLOW = {
    "architectures.md",
    "cookbook.md",
    "many-series.md",
    "recipe.md",
    "tour.md",
    "troubleshooting.md",
}  # 5 s and more
# test_cli_docs.py, test_gallery.py, test_neighbours.py, and below
OWN_TESTS = {"command-line.md", "plots.md", "neighbours.md", "progress.md"}
NEW = ["installation", "when-a-network-wins", "glossary", "stability", "faq", "tour", "guide/cookbook"]
NEW += ["guide/troubleshooting", "guide/production", "guide/cold-start"]
SHORT_SENTENCES = {README: 35} | {ROOT / "docs" / f"{name}.md": 35 if name == "tour" else 30 for name in NEW}  # words
PAGES_WITH_CODE = [
    pytest.param(page, id=page.relative_to(ROOT).as_posix(), marks=[pytest.mark.slow] * (page.name in SLOW))
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name not in OWN_TESTS and re.search(r"^```python\b", page.read_text(encoding="utf-8"), re.MULTILINE)
]
WIDEST = 120  # characters in a line of code: the site shows them at 1280 pixels without a scroll bar, and some more
COMMANDS = ['pip install ".[demo]" && forecast demo', 'pip install ".[test]" && pytest']


def text(path):
    return path.read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"^```{language}(?: [^\n]*)?\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def examples(page):
    """Pairs of a Python block and what the page says that it prints: the text block right after it, or None."""
    python, text = r"^```python(?: [^\n]*)?\n(.*?)^```", r"(?:\n\n```text\n(.*?)^```)?"
    return [(code, printed or None) for code, printed in re.findall(python + text, page, re.DOTALL | re.MULTILINE)]


def differing(found, printed):
    """Words of an output that are not those of the page. Numbers may differ by one unit of the page's last digit."""
    found, printed = found.split(), printed.split()
    if len(found) != len(printed):
        return [f"{len(found)} words for {len(printed)}: {' '.join(found)}"]
    number = re.compile(r"([-+]?\d+(?:\.(\d+))?)(%?[,;]?)")
    pairs = []
    for ours, theirs in zip(found, printed, strict=True):
        ours_parts, parts = number.fullmatch(ours), number.fullmatch(theirs)
        near = ours_parts and parts and ours_parts[3] == parts[3]
        if ours != theirs and not (near and abs(float(ours_parts[1]) - float(parts[1])) <= 1.01 * unit(parts[2])):
            pairs.append((ours, theirs))
    return pairs


def unit(decimals):
    return 10.0 ** -len(decimals or "")


def sentences(page):
    """Of paragraphs and entries of lists and tables; without code, links' targets and headings."""
    page = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    page = re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", page))
    page = re.sub(r"^(#.*| *[-*] |\d+\. )", "\n\n", page, flags=re.MULTILINE).replace("|", "\n\n")
    parts = [part for block in re.split(r"\n\s*\n", page) for part in re.split(r"(?<=[.?!])[^\w(]*\s", block)]
    return [" ".join(part.split()) for part in parts if part.strip()]


def links(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", page)
    return [target.partition("#")[0] for target in targets if not re.match(r"\w+:|#", target)]


def test_the_readmes_python_blocks_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, examples = {}, blocks(text(README), "python")
    assert len(examples) == 6
    for number, example in enumerate(examples):
        exec(compile(example, f"README.md, block {number}", "exec"), names)
    assert len(names["model"].predict()) == 26
    assert {"last value", "seasonal naive"} < set(names["report"].summary().index)
    assert "MASE" in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["shops.forecast"]


def test_the_python_blocks_on_model_files_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, examples = {}, blocks(text(ROOT / "docs" / "files.md"), "python")
    assert len(examples) == 2
    for number, example in enumerate(examples):
        exec(compile(example, f"files.md, block {number}", "exec"), names)
    assert "500 rows" in capsys.readouterr().out


def test_every_kind_of_value_in_a_model_file_is_documented():
    table = text(ROOT / "docs" / "files.md").partition("### Values")[2].partition("### Older")[0]
    rows = [row.split("|")[1:3] for row in re.findall(r"^\| `(?!is`).*$", table, re.MULTILINE)]
    documented = {kind for kinds, _ in rows for kind in re.findall(r"`([^`]+)`", kinds)}
    assert documented == set(READERS)
    for kinds, members in rows:
        for kind in re.findall(r"`([^`]+)`", kinds):
            assert set(READERS[kind][0]) <= set(re.findall(r"`([^`]+)`", members)), kind


@pytest.mark.parametrize("path", PAGES_WITH_CODE)
def test_a_pages_python_blocks_run_one_after_the_other(path, tmp_path, monkeypatch, capsys):
    """In one namespace per page, and print what the page shows. Blocks marked `py` are other packages', only shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {"__name__": "__main__"}
    try:
        for number, (example, printed) in enumerate(examples(text(path))):
            exec(compile(example, f"{path.name}, block {number}", "exec"), names)
            found = capsys.readouterr().out
            assert printed is None or differing(found, printed) == [], f"block {number} prints\n{found}"
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def test_an_output_is_compared_word_by_word_and_number_by_number():
    assert differing("a  0.0334\nb +73.0%;", "a 0.033 b +72.9%;") == []
    assert differing("lower 371.06", "lower 371.03") == [("371.06", "371.03")]
    assert differing("best: linear", "best: recipe") == [("linear", "recipe")]
    assert differing("5%", "5") == [("5%", "5")]
    assert differing("one two", "one") == ["2 words for 1: one two"]
    assert examples("```python\nprint(1)\n```\n\n```text\n1\n```\n") == [("print(1)\n", "1\n")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_line_of_code_is_wider_than_the_site(path):
    """Output wraps, as in a terminal: blocks marked `console`, `text` or not at all (docs/site.css)."""
    code = re.findall(r"^```([^\n]*)\n(.*?)^```", text(path), re.DOTALL | re.MULTILINE)
    lines = [line for kind, block in code if kind not in {"", "console", "text"} for line in block.splitlines()]
    assert [line for line in lines if len(line) > WIDEST] == []


def test_every_page_of_the_guide_shows_code():
    guide = sorted((ROOT / "docs" / "guide").glob("*.md"))
    assert guide
    assert [page.name for page in guide if not blocks(text(page), "python")] == []


def test_the_python_blocks_on_progress_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, examples = {}, blocks(text(ROOT / "docs" / "progress.md"), "python")
    assert len(examples) == 3
    log = logging.getLogger("forecast")
    monkeypatch.setattr(log, "handlers", list(log.handlers))
    before = log.level
    try:
        for number, example in enumerate(examples):
            exec(compile(example, f"progress.md, block {number}", "exec"), names)
    finally:
        log.setLevel(before)
    out = capsys.readouterr().out
    assert "epoch,max_iter,loss,validation_loss,learning_rate,gradient_norm,seconds,epoch_seconds" in out
    assert "fit ends: finished 3 epochs" in out
    assert names["model"].n_iter_ < 10_000
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", SHORT_SENTENCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sentences_are_short(path):
    found = sentences(text(path))
    assert len(found) > 20
    assert [sentence for sentence in found if len(sentence.split()) > SHORT_SENTENCES[path]] == []


def test_the_questions_name_no_issues_of_other_projects():
    assert re.findall(r"#\d+|/issues/|/pull/", text(ROOT / "docs" / "faq.md")) == []


def test_the_daily_commands_run_after_the_code_before_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = text(ROOT / "docs" / "guide" / "production.md")
    before, script, _ = re.split(r"^```bash\n(.*?)^```", page, maxsplit=1, flags=re.DOTALL | re.MULTILINE)
    exec(compile("\n".join(blocks(before, "python")), "production.md", "exec"), {})
    command = tmp_path / "forecast"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m forecast "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    Path("models/forecast.csv").unlink()
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(Path("models/forecast.csv").read_text().splitlines()) == 22


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_a_file(path):
    assert [link for link in links(text(path)) if not (path.parent / link).exists()] == []


def test_every_page_is_in_the_sites_navigation():
    """As `mkdocs build --strict` demands, but without building the site."""
    navigation = re.findall(r"^ +- (?:.*: )?(\S+\.md)$", text(ROOT / "mkdocs.yml"), re.MULTILINE)
    docs = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    outside = {page.relative_to(ROOT).as_posix() for page in (ROOT / "benchmarks").rglob("*.md")}
    assert sorted((docs | outside) - set(navigation)) == []


def test_the_readme_has_the_two_commands_as_lines_of_their_own():
    lines = [line for block in blocks(text(README), "bash") for line in block.splitlines()]
    assert [line for line in lines if line in COMMANDS] == COMMANDS


def test_what_is_run_on_every_change_are_the_readmes_commands():
    """`.ci/run` does not retype them: its pattern for lines of the README finds these two and no other."""
    pattern = re.search(r"grep -E '([^']+)' README\.md", text(ROOT / ".ci" / "run")).group(1)
    assert [line for line in text(README).splitlines() if re.search(pattern, line)] == COMMANDS


ADVICE = {  # heading of the guide on choosing -> the names that have long been weighed there, and all that there are
    "Which cell?": ({"gru", "lstm", "rnn"}, _network.ESTIMATOR_CELLS),
    "Loss": ({"absolute_error", "huber", "quantile", "squared_error"}, _network.LOSSES),
}


@pytest.mark.parametrize("heading", ADVICE)
def test_the_guide_advises_what_there_is_and_says_where_all_stand(heading):
    """A new name is in the equations; in the guide, once somebody has measured when to take it."""
    page = text(ROOT / "docs" / "guide" / "choosing.md")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    weighed, known = ADVICE[heading]
    assert weighed <= set(re.findall(r'`"(\w+)"`', section)) <= set(known)
    assert "](../equations.md" in section


@pytest.mark.parametrize("kind", ["CELLS", "LOSSES", "OPTIMIZERS"])
def test_every_name_of_the_registries_stands_in_the_equations(kind):
    page = text(ROOT / "docs" / "equations.md")
    missing = [name for name in getattr(_network, kind) if not re.search(rf"`{name}`|^    {name} ", page, re.MULTILINE)]
    assert missing == []
