"""Descriptions of parameters in scikit-learn's HTML view of an estimator: shown under the mouse, without a link.

scikit-learn shows a description only next to a link to a page, and there are no pages yet that a link could lead to.
"""

import re
from functools import lru_cache
from html import escape
from inspect import getdoc
from textwrap import wrap
from typing import Any

__all__ = ["DescribesParameters"]

_WIDTH = 72  # characters in a line of a description
_ROW = re.compile(r'<td class="param">\s*(\w+)\s*</td>')
_SHOWN = """<td class="param"><a class="param-doc-link" style="anchor-name: --doc-link-{name};">{name}
<span class="param-doc-description" style="position-anchor: --doc-link-{name};">{text}</span></a></td>"""


class DescribesParameters:
    """The part of an estimator that describes its parameters from its docstring."""

    _described_by: type | None = None  # another class, whose parameters this one has by the same names

    def _get_params_html(self, *arguments: Any, **options: Any) -> Any:
        """As scikit-learn makes it, with the descriptions."""
        found = super()._get_params_html(*arguments, **options)  # type: ignore[misc]
        if getattr(found, "doc_link", None) == "":  # versions before 1.8 have no descriptions at all
            html, kind = found._html_repr(), type(self)
            found._html_repr = lambda: _ROW.sub(lambda row: _described(kind, row), html)
        return found


def _described(kind: type, row: re.Match[str]) -> str:
    text = description(kind, row[1])
    return row[0] if text is None else _SHOWN.format(name=row[1], text=text)


def description(kind: type, name: str) -> str | None:
    """The description of a parameter as HTML; None: the docstring has none."""
    from sklearn.utils._repr_html.common import scrape_estimator_docstring

    for one in (kind, getattr(kind, "_described_by", None)):
        found = None if one is None else _parameters(one, scrape_estimator_docstring).get(name)
        if found is not None and not found[1].startswith("As in "):
            head = f"{name}: {found[0]}" if found[0] else name
            return "<br>".join(map(escape, [*wrap(head, _WIDTH), "", *wrap(found[1], _WIDTH)]))
    return None


@lru_cache
def _parameters(kind: type, scrape: Any) -> dict[str, tuple[str, str]]:
    """Type and text of each parameter, also of several that are described together."""
    found = {}
    for item in scrape(getdoc(kind))["Parameters"]:
        text = re.sub(r"\s*\[\d+\]_", "", " ".join(" ".join(item.desc).split()))  # the references are not shown
        for name in item.name.split(","):
            found[name.strip()] = (item.type, text.replace("`", ""))
    return found
