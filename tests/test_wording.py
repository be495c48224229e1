"""Turns that a native reader has to read twice stay out of the documentation, docstrings, comments and messages."""

import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Say instead: next to, with or compared with; is missing or does not have; anyone; barely or almost; should; ...
BANNED = re.compile(
    r"(?<![\w.(-])(beside|lacks?|lacking|anybody|nobody|hardly|for ever|who asks|shall|somewhat too|on the wall|"
    r"in silence|costs? nothing|what came true|as far as|(?<!there )(?:is|are) no (?!longer\b)|"
    r"stands?(?! for| in for| out))(?![\w(-])",
    re.IGNORECASE,
)
PAGES = [
    ROOT / "README.md",
    ROOT / "cpp" / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
WORDS = {"COMMENT", "STRING", "FSTRING_MIDDLE"}


def found(text, first=1):
    """Banned turns in a text, with their lines."""
    return [(first + text.count("\n", 0, turn.start()), turn[0]) for turn in BANNED.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_in_plain_words(page):
    assert found(page.read_text()) == []


@pytest.mark.parametrize(
    "module", sorted((ROOT / "forecast").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_module_speaks_in_plain_words(module):
    with open(module, "rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if tokenize.tok_name[token.type] in WORDS]
    assert [turn for token in tokens for turn in found(token.string, token.start[0])] == []


@pytest.mark.parametrize(
    "source",
    sorted(path for path in (ROOT / "cpp").rglob("*") if path.suffix in {".h", ".cpp"}),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_comment_of_the_core_is_in_plain_words(source):
    lines = enumerate(source.read_text(encoding="utf-8").splitlines(), 1)
    assert [turn for number, line in lines for turn in found(line.partition("//")[2], number)] == []


def test_a_turn_is_seen_in_a_sentence_and_not_in_a_name():
    assert found("errors\nbeside naive ones") == [(2, "beside")]
    assert found("table.beside(rows), d.width(beside) and #beside-2-busy-processes") == []
