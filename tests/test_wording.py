"""Turns that a native reader has to read twice stay out of the documentation, docstrings, comments and messages."""

import json
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Say instead: next to, with or compared with; is missing or does not have; anyone; barely or almost; should;
# distinguished or reported; depend on each other; to see it, set ...; actual values; a given number of; instead of;
# subtracted; is not one of; did not help; as before; memorised; ...
BANNED = re.compile(
    r"(?<![\w.(-])(beside|lacks?|lacking|anybody|nobody|hardly|for ever|who asks|shall|somewhat too|on the wall|"
    r"in silence|costs? nothing|as far as|(?<!there )(?:is|are) no (?!longer\b)|"
    r"told|the more so|hangs? together|who wants|what came(?: true)?(?! out)|whatever made|in the place of|"
    r"take[ns]? off|(?:is|are) none of th(?:e|ese|ose)|did not pay|as ever|is rid of|by heart|"
    r"as it likes|when they like|so many(?! that)|"
    r"(?<!there )(?:is|are) (?-i:none)(?! of)|whoever|in peace|can bear|likewise|so to say|"
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
    *sorted((ROOT / "benchmarks").rglob("*.md")),
    *sorted((ROOT / "pretraining").rglob("*.md")),
]
# Words that a sentence may have at most. README and tour are read first, by people who know nothing yet.
LONGEST = {
    ROOT / "README.md": 35,
    ROOT / "docs" / "tour.md": 35,
    **dict.fromkeys(sorted((ROOT / "docs" / "guide").glob("*.md")), 45),
}
WORDS = {"COMMENT", "STRING", "FSTRING_MIDDLE"}
FOLDERS = ("forecast", "benchmarks", "pretraining", "docs")
MODULES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
TESTS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path.name != Path(__file__).name]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BUILD = [ROOT / "CMakeLists.txt", ROOT / "cpp" / "CMakeLists.txt", ROOT / "pyproject.toml"]
# A description of a parameter names what it describes: "Number of steps", not "Of steps".
FRAGMENTS = r"(?:Of|That|Whose|Which|Who|To|From|Without|Before|After|Also|By|On|At) |(?:For|With|In) (?![^.]*[,:])"
DESCRIBED = re.compile(rf"^( *)[\w*, ]+ : .+\n\1 {{4}}((?:{FRAGMENTS}).*)$", re.MULTILINE)


def found(text, first=1):
    """Banned turns in a text, with their lines."""
    return [(first + text.count("\n", 0, turn.start()), turn[0]) for turn in BANNED.finditer(text)]


def sentences(page):
    """Sentences of paragraphs and list items; without code blocks, tables, headings, pictures and link targets."""
    text = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |#|\|))", text):
        if not block.lstrip().startswith(("|", "#", "![")):
            prose = re.sub(r"`[^`]*`", "code", re.sub(r"\]\([^)]*\)", "]", " ".join(block.split())))
            yield from re.split(r"(?<=[.!?])[)*]*\s+(?=[A-Z\"*\[(0-9]|code)", prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_in_plain_words(page):
    assert found(page.read_text()) == []


def words_of(module):
    """The comments and the texts of a module, as tokens."""
    with open(module, "rb") as file:
        return [token for token in tokenize.tokenize(file.readline) if tokenize.tok_name[token.type] in WORDS]


def turns_in(tokens):
    return [turn for token in tokens for turn in found(token.string, token.start[0])]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_speaks_in_plain_words(module):
    assert turns_in(words_of(module)) == []


@pytest.mark.parametrize("module", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_comments_and_docstrings_of_tests_are_in_plain_words(module):
    assert turns_in(one for one in words_of(module) if one.string.startswith(("#", '"""'))) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_in_plain_words(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert [turn for cell in cells for turn in found("".join(cell["source"]))] == []


@pytest.mark.parametrize("file", BUILD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_build_speaks_in_plain_words(file):
    assert found(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_description_of_a_parameter_names_what_it_describes(module):
    assert [found[2] for found in DESCRIBED.finditer(module.read_text(encoding="utf-8"))] == []


def test_a_fragment_is_seen_in_a_list_of_parameters():
    listed = "    size : int\n        {}\n"
    for fragment in ("Of the file, in bytes.", "That was given.", "For `leave`; None for pandas.", "In steps."):
        assert [one[2] for one in DESCRIBED.finditer(listed.format(fragment))] == [fragment]
    for whole in ("Size of the file.", "With `stateful=True`: rows at which a sequence begins.", "Offers."):
        assert DESCRIBED.search(listed.format(whole)) is None


@pytest.mark.parametrize(
    "source",
    sorted(path for path in (ROOT / "cpp").rglob("*") if path.suffix in {".h", ".cpp"}),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_comment_of_the_core_is_in_plain_words(source):
    lines = enumerate(source.read_text(encoding="utf-8").splitlines(), 1)
    assert [turn for number, line in lines for turn in found(line.partition("//")[2], number)] == []


@pytest.mark.parametrize("page", LONGEST, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_sentence_is_read_once(page):
    assert [text for text in sentences(page.read_text()) if len(text.split()) > LONGEST[page]] == []


def test_a_sentence_is_counted_without_code_and_links():
    page = "# A title\n\nOne `two three` [four](five six).\nSeven.\n\n- Eight.\n\n```\nnine\n```\n\n| ten |\n"
    assert [len(text.split()) for text in sentences(page)] == [3, 1, 2]


def test_a_turn_is_seen_in_a_sentence_and_not_in_a_name():
    assert found("errors\nbeside naive ones") == [(2, "beside")]
    assert found("table.beside(rows), d.width(beside) and #beside-2-busy-processes") == []
