"""Pages outside of docs/ and the links between them, for mkdocs.

So that a file is in one place only and its links are right on both, where the sources are browsed and on the site.
Used as a hook by mkdocs.yml.
"""

import json
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
PAGES = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "cpp/README.md",
    "pretraining/README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "benchmarks").rglob("*.md"))),
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FENCE = re.compile(r"^(`{3,}).*?^\1", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config):
    """List the notebooks in the navigation."""
    for entry in config.nav:
        if "Notebooks" in entry:
            entry["Notebooks"] = [f"notebooks/{path.stem}.md" for path in NOTEBOOKS]
    return config


def on_files(files, config):
    """Add the pages from outside of docs/, and every notebook as a page and as a file."""
    for page in PAGES:
        files.append(File.generated(config, page, abs_src_path=str(ROOT / page)))
    for path in NOTEBOOKS:
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page_of(path)))
        files.append(File.generated(config, f"notebooks/{path.name}", abs_src_path=str(path)))
    return files


def page_of(path):
    """A notebook as Markdown; it is stored without outputs."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = ["".join(cell["source"]) for cell in cells]
    parts = [
        part if cell["cell_type"] == "markdown" else f"```python\n{part}\n```"
        for cell, part in zip(cells, parts, strict=True)
    ]
    note = (
        f"*This is the notebook [`notebooks/{path.name}`]({path.name}). It is stored without outputs and run by the "
        "tests; start it with `jupyter lab`.*"
    )
    head = 1 if cells[0]["cell_type"] == "markdown" else 0
    return "\n\n".join([*parts[:head], note, *parts[head:]])


def on_page_markdown(markdown, *, page, files, **_):
    """Turn links between files of the repository into links between pages; other files become their names."""
    here = page.file.src_uri

    def rewritten(match):
        mark, text, target, anchor = match.groups()
        found = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository(here)), target))
        uri = found.removeprefix("docs/")
        if files.get_file_from_path(uri) is None:
            # A mistake inside of docs/ stays, so that the strict build tells it.
            return match.group() if found.startswith("docs/") or not (ROOT / found).exists() else text
        return f"{mark}[{text}]({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{anchor or ''})"

    kept, end = [], 0
    for fence in FENCE.finditer(markdown):
        kept += [LINK.sub(rewritten, markdown[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*kept, LINK.sub(rewritten, markdown[end:])])


def in_repository(uri):
    """Where a page of the site lies in the repository."""
    return uri if uri in PAGES or uri.startswith("notebooks/") else f"docs/{uri}"
