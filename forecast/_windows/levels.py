"""Which columns of windows hold codes of categories, and how many categories there are."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .table import Windows

from .._refusals import Refusal

__all__ = ["ROLES", "read_levels"]

ROLES = ("past", "future", "static")


def read_levels(windows: Windows, levels: dict[str, list[int]] | None) -> dict[str, list[int]] | None:
    """Levels of every column that windows read, as `Windows` takes them.

    Parameters
    ----------
    windows : Windows
    levels : dict of str to list of int, or None

    Returns
    -------
    dict of str to list of int, or None
        None: every column holds numbers.

    Raises
    ------
    ValueError
        They are not whole numbers of 0 or more, one for each column.
    """
    if levels is None:
        return None
    arrays = {"past": windows.values, "future": windows.future, "static": windows.static}
    found = {}
    for role, each in levels.items():
        array = arrays.get(role)
        n = 0 if array is None else array.shape[1]
        whole = all(isinstance(one, Integral) and not isinstance(one, bool) and one >= 0 for one in each)
        if role not in ROLES or len(each) != n or not whole:
            raise ValueError(
                Refusal(
                    f"has {list(each)} for {role!r}",
                    where="levels",
                    expected=(
                        "lists of whole numbers for 'past', 'future' and 'static', one for each of their columns, of "
                        f"which there are {n}: 0 for a column of numbers"
                    ),
                )
            )
        found[role] = [int(one) for one in each]
    return found if any(map(any, found.values())) else None
