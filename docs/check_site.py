"""Is the built site whole? Every public name is in it, and nothing is fetched from elsewhere to read it.

    mkdocs build --strict -d FOLDER && python docs/check_site.py FOLDER

Ends with an error that names what is missing.
"""

import ast
import importlib.util
import pkgutil
import re
import sys
import zlib
from pathlib import Path

import forecast

LOADS = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)")


def public_names():
    """Yield every public name of the package: those of its catalogue and of its public modules."""
    modules = [info.name for info in pkgutil.iter_modules(forecast.__path__) if not info.name.startswith("_")]
    for module in ["forecast", *(f"forecast.{name}" for name in modules)]:
        yield from (f"{module}.{name}" for name in names_of(module))


def names_of(module):
    """A module's `__all__`, read from its source: an import may need another package."""
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    lists = [node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)
             and [getattr(target, "id", None) for target in node.targets] == ["__all__"]]  # fmt: skip
    return ast.literal_eval(lists[0])


def documented(site):
    """Names in the site's inventory."""
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" ", 1)[0] for line in zlib.decompress(inventory).decode().splitlines()}


def main(folder):
    """Check the site; SystemExit says what is wrong."""
    site, names = Path(folder), sorted(public_names())
    missing = sorted(set(names) - documented(site))
    pages = sorted(site.rglob("*.html"))
    fetched = {link for page in pages for link in LOADS.findall(page.read_text(encoding="utf-8"))}
    if missing or fetched:
        sys.exit(
            f"the site misses {missing or 'nothing'}; its pages load from elsewhere: {sorted(fetched) or 'nothing'}"
        )
    print(f"{len(pages)} pages, all {len(names)} public names, nothing loaded from elsewhere")


if __name__ == "__main__":
    main(*sys.argv[1:])
