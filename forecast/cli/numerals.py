"""Text as numbers: thousands separators, decimal commas, currencies, percent, and the mark that stays in doubt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from typing import Any

    from .._types import Booleans

__all__ = ["DOUBT", "are_numerals", "as_numbers", "decimal_of", "is_numeral", "to_numbers"]

_DIGITS = 300  # of the longest number
DOUBT = "?"  # commas that may separate thousands or decimals
_AROUND = re.compile(r"^(?:[$€£¥₹]|(?:USD|EUR|GBP|CHF)\b)\s*|\s*(?:[$€£¥₹%]|\b(?:USD|EUR|GBP|CHF))$")
_BRACKETED = re.compile(r"\(\s*[^()]*\d[^()]*\)")
_THOUSANDS = re.compile(r"(?<=\d)[\u0020\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")
_NUMERAL = re.compile(r"[-+]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][-+]?\d+)?")
_WHOLE = {
    mark: re.compile(rf"[-+]?(?:\d{{1,3}}(?:[{other}]\d{{3}})+|\d*)(?:[{mark}]\d*)?(?:[eE][-+]?\d+)?")
    for mark, other in (".,", ",.")
}
_GROUPS = {mark: re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:[{mark}]\d{{3}})+") for mark in ".,"}


def _cleaned(text: pd.Series) -> pd.Series:
    """Cells without what surrounds or separates a number: currency, percent, blanks and apostrophes of thousands."""
    text = text.astype(str).str.strip().str.replace("\u2212", "-")
    bracketed = text.str.fullmatch(_BRACKETED)
    text = text.where(~bracketed, "-" + text.str.strip("()").str.strip())
    sign = text.str.extract(r"^([-+]?)\s*(.*)$")
    return sign[0] + sign[1].str.replace(_AROUND, "", regex=True).str.replace(_THOUSANDS, "", regex=True)


def is_numeral(cell: Any) -> bool:
    """Whether one cell is a number in some spelling, as `are_numerals` has it for a column."""
    text = cell.strip().replace("\u2212", "-")
    if _BRACKETED.fullmatch(text):
        text = text.strip("()").strip()
    text = _THOUSANDS.sub("", _AROUND.sub("", text.lstrip("+-").strip()))
    return _NUMERAL.fullmatch(text) is not None


def are_numerals(column: pd.Series) -> Booleans:
    """Which cells are numbers in some spelling.

    Parameters
    ----------
    column : pandas.Series
        Text, numbers or both.

    Returns
    -------
    ndarray of shape (rows,), bool
        An empty cell is not a number.

    Examples
    --------
    >>> are_numerals(pd.Series(["1,234.5", "$5", "(3 000,25)", "12.5%", "n/e", None])).tolist()
    [True, True, True, True, False, False]
    """
    plain = as_numbers(column).notna().to_numpy(copy=True)
    rest = np.flatnonzero(~plain & column.notna().to_numpy())
    if len(rest):
        cells = _cleaned(column.iloc[rest])
        plain[rest] = (cells.str.fullmatch(_NUMERAL) & (cells.str.len() <= _DIGITS)).to_numpy()
    return plain


def as_numbers(values: pd.Series) -> pd.Series:
    """Numbers from text; NaN if a cell is not a number.

    Parameters
    ----------
    values : pandas.Series or scalar

    Returns
    -------
    pandas.Series or float

    Examples
    --------
    >>> as_numbers(pd.Series(["1", "x"])).tolist(), as_numbers(pd.Series([1, 9**400], dtype=object)).tolist()
    ([1.0, nan], [1.0, nan])
    """
    try:
        return pd.to_numeric(values, errors="coerce")
    except OverflowError:  # a whole number that no float holds
        if np.ndim(values) == 0:
            return np.nan
        short = [len(str(cell)) <= _DIGITS for cell in values]
        return pd.to_numeric(values.where(short), errors="coerce")


def decimal_of(column: pd.Series) -> str | None:
    """The decimal mark of numbers in text.

    Parameters
    ----------
    column : pandas.Series
        Numerals.

    Returns
    -------
    str or None
        "." or ","; `DOUBT` where every comma has three digits after it, and no cell says whether these are thousands
        or decimals; None where the cells contradict each other. "." where no cell has a mark.

    Examples
    --------
    >>> [decimal_of(pd.Series([text])) for text in ("1,234.5", "1.234,5", "0,5", "1,234", "1.234.567", "7")]
    ['.', ',', ',', '?', ',', '.']
    """
    text = _cleaned(column.dropna()).drop_duplicates()
    dots, commas = text.str.contains(".", regex=False), text.str.contains(",", regex=False)
    both = text[dots & commas]
    found = {"," if cell.rfind(",") > cell.rfind(".") else "." for cell in both}
    for mark, other, marked in ((",", ".", commas & ~dots), (".", ",", dots & ~commas)):
        one = text[marked]
        grouped = one.str.fullmatch(_GROUPS[mark])
        several = one.str.count(re.escape(mark)) > 1
        if (grouped & several).any():
            found.add(other)  # 1,234,567: this mark separates thousands
        if (~grouped).any():
            found.add(mark if not (~grouped & several).any() else "neither")
    if len(found) > 1:
        return None
    if found:
        return next(iter(found)) if found != {"neither"} else None
    return DOUBT if commas.any() else "."


def to_numbers(column: pd.Series, decimal: str | None) -> pd.Series:
    """Text as float64.

    Parameters
    ----------
    column : pandas.Series
        Numerals.
    decimal : str
        "." or ",".

    Returns
    -------
    pandas.Series
        NaN where a cell is empty, or is not a number with this mark.

    Examples
    --------
    >>> to_numbers(pd.Series(["1.234,5", "(7)", "1.5", None]), ",").tolist()
    [1234.5, -7.0, nan, nan]
    """
    text = _cleaned(column.dropna())
    thousands = "." if decimal == "," else ","
    text = text.where(text.str.fullmatch(_WHOLE[cast("str", decimal)]))  # there is a mark where there are numbers
    text = text.str.replace(thousands, "", regex=False).str.replace(decimal, ".", regex=False)
    return as_numbers(text).reindex(column.index).astype("float64")
