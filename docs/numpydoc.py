"""Docstrings for the site: what numpydoc writes in reStructuredText (references, See Also) becomes Markdown.

An extension of griffe, which reads the sources; used by mkdocs.yml.
"""

import re

import griffe

REFERENCE = re.compile(r"^(\s*)\.\. \[(\d+)\] ", re.MULTILINE)
CITATION = re.compile(r"\[(\d+)\]_")
SEE_ALSO = re.compile(r"(^See Also\n-+\n)((?:.+\n?)+)", re.MULTILINE)
CHOICES = re.compile(r"^(\w+ : .*?)\{([^}]*)\}", re.MULTILINE)


class Numpydoc(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_package(self, *, pkg, **_):
        """Where a function has the name of its own module (`backtest`), show the function: that is what one imports."""
        for module in pkg.modules.values():
            for name, target in module.imports.items():
                inner = module.members.get(name)
                if isinstance(inner, griffe.Module) and target == f"{inner.path}.{name}":
                    module.members[name] = inner.members[name]
                    module.members[name].parent = module

    def on_instance(self, *, obj, **_):
        """Called for each object of the package."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text):
    """A docstring without reStructuredText, and with choices as a type; griffe takes the first for the default."""
    text = SEE_ALSO.sub(lambda match: match.group(1) + listed(match.group(2)), text)
    text = CHOICES.sub(lambda match: match.group(1) + match.group(2).replace(", ", " | "), text)
    return CITATION.sub(r"\\[\1\\]", REFERENCE.sub(r"\1\2. ", text))


def listed(block):
    """`name : what it is` lines as a list; names in full (`forecast. ...`) as links."""
    items = []
    for line in block.splitlines():
        name, _, rest = line.strip().partition(" : ")
        items.append(f"- [`{name}`][{name}]: {rest}" if name.startswith("forecast.") else f"- `{name}`: {rest}")
    return "\n".join(items) + "\n"
