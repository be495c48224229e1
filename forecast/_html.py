"""How results look in a notebook: a heading, a few lines, tables. Everything from data is escaped."""

from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

__all__ = ["block", "folded", "line", "lines", "table"]

_STYLE = """<style>
.forecast-result{max-width:100%;overflow-x:auto;font-size:.95em;line-height:1.4}
.forecast-result h4{margin:.3em 0;font-size:1em;font-weight:600}
.forecast-result p{margin:.2em 0}
.forecast-result ul{margin:.3em 0;padding-left:1.4em}
.forecast-result summary{cursor:pointer;margin:.4em 0}
.forecast-result table{border-collapse:collapse;border:none;margin:.4em 0;font-variant-numeric:tabular-nums}
.forecast-result th,.forecast-result td{padding:.2em .7em;text-align:right;border:none;white-space:nowrap}
.forecast-result th{font-weight:600}
.forecast-result tbody th,.forecast-result thead th:first-child{text-align:left}
.forecast-result tbody th{font-weight:400}
.forecast-result thead{border-bottom:1px solid currentColor}
.forecast-result .first tbody tr:first-child,.forecast-result .first tbody tr:first-child th{font-weight:600}
</style>"""


def block(title: str, *parts: str) -> str:
    """A result: its title and parts that are HTML already.

    Parameters
    ----------
    title : str
        Plain text.
    *parts : str

    Returns
    -------
    str
    """
    inside = "".join(parts)
    # A name such as "$y$" is no formula.
    return f'<div class="forecast-result tex2jax_ignore mathjax_ignore">{_STYLE}<h4>{escape(title)}</h4>{inside}</div>'


def line(text: str) -> str:
    """A plain sentence.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return f"<p>{escape(text)}</p>"


def lines(texts: Iterable[str]) -> str:
    """Plain sentences as a list; nothing where there are none.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    str
    """
    items = "".join(f"<li>{escape(str(text))}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def table(frame: pd.DataFrame, shares: Iterable[str] = (), first: bool = False) -> str:
    """A table.

    Parameters
    ----------
    frame : pandas.DataFrame
    shares : iterable of str, default=()
        Columns to show in percent.
    first : bool, default=False
        Whether the first row stands out.

    Returns
    -------
    str
    """
    if frame.index.nlevels == 1:  # the name of the index in the line of the columns
        frame = frame.rename_axis(index=None, columns=frame.index.name)
    formatters: dict[Any, Any] = {name: _percent for name in shares if name in frame.columns}
    return str(
        frame.to_html(border=0, na_rep="", float_format="{:.4g}".format, formatters=formatters, escape=True)
        .replace(' class="dataframe"', ' class="first"' if first else "")
        .replace(' style="text-align: right;"', "")
    )


def folded(title: str, inside: str) -> str:
    """A part that is shown on a click.

    Parameters
    ----------
    title : str
        Plain text.
    inside : str

    Returns
    -------
    str
    """
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{share:+.1%}"
