"""Names of the series of a long frame, out of one column or index level or out of several together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._records import record
from .._refusals import Refusal, joined
from .._types import Integers
from .fixes import frame_named
from .stamps import CHUNK

if TYPE_CHECKING:
    from .._refusals import Fix
    from .roles import IdColumn, Layout

__all__ = ["Blocks", "blocks_of", "changes", "quoted", "refuse_retyped", "sorting"]


def quoted(key: Hashable) -> str:
    """A name as Python writes it, numpy's numbers as plain ones."""
    return repr(key.item() if isinstance(key, np.generic) else key)


@record(frozen=True)
class Blocks:
    """Blocks of rows that belong to one series and follow each other.

    Parameters
    ----------
    heads, lengths : ndarray of int
        First row and number of rows of each block.
    codes : ndarray of int
        Number of the series of each block.
    keys : pandas.Index
        Names of the series in order of first appearance: values of one id column, tuples of several.
    """

    heads: Integers
    lengths: Integers
    codes: Integers
    keys: pd.Index

    @property
    def are_whole(self) -> bool:
        """Whether each series is one block."""
        return len(self.heads) == len(self.keys)

    def by_row(self) -> Integers:
        """Number of the series of each row."""
        return np.repeat(self.codes.astype(np.int32), self.lengths)


def blocks_of(
    frame: pd.DataFrame, layout: Layout, what: str = "X", advice: dict[str, Fix | str] | None = None
) -> Blocks:
    """The blocks of a frame that has series.

    Parameters
    ----------
    frame : pandas.DataFrame
    layout : Layout
    what : str, default="X"
        Name of the frame in messages.
    advice : dict of str to str, default=None
        The parts "advice" and "fix" of the refusal of a row without a name; None is the code that drops it.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        A row without the name of a series.

    Examples
    --------
    >>> import pandas as pd
    >>> from forecast._frames import Roles
    >>> from forecast._frames.roles import Layout
    >>> frame = pd.DataFrame({"store": [1, 1, 2], "item": ["a", "b", "a"], "y": [1.0, 2.0, 3.0]})
    >>> layout = Layout.of(frame, Roles(["y"], series=["store", "item"]))
    >>> list(blocks_of(frame, layout).keys)
    [(1, 'a'), (1, 'b'), (2, 'a')]
    """
    found = [one.read(frame) for one in layout.ids]
    borders = [changes(values) for values, _ in found]
    border = borders[0] if len(borders) == 1 else np.unique(np.concatenate(borders))
    heads = np.concatenate([np.zeros(min(len(frame), 1), dtype=np.int64), border + 1])
    lengths = np.diff(np.append(heads, len(frame)))
    names = [_names(values, level, heads) for values, level in found]
    for one, part in zip(layout.ids, names, strict=True):
        _refuse_unnamed(part, heads, one, what, advice)
    if len(names) == 1:
        codes, keys = pd.factorize(names[0])
        return Blocks(heads, lengths, codes, pd.Index(keys, name=layout.series))
    codes = _combined(names)
    _, firsts = np.unique(codes, return_index=True)
    parts = [part.take(firsts).tolist() for part in names]
    return Blocks(heads, lengths, codes, pd.Index(list(zip(*parts, strict=True)), tupleize_cols=False))


def _combined(names: list[pd.Index]) -> Integers:
    """One number for each combination of names, in order of first appearance."""
    codes = pd.factorize(names[0])[0].astype(np.int64)
    for part in names[1:]:
        more, known = pd.factorize(part)
        codes = pd.factorize(codes * len(known) + more)[0].astype(np.int64)
    return codes


def changes(values: pd.api.extensions.ExtensionArray | Integers | pd.Categorical) -> Integers:
    """Rows whose successor holds another value; missing values differ from everything."""
    if isinstance(values, pd.Categorical):
        values = values.codes
    values = getattr(values, "_ndarray", values) if isinstance(values, pd.arrays.NumpyExtensionArray) else values
    found = []
    for first in range(0, max(len(values) - 1, 0), CHUNK):
        part = values[first : first + CHUNK + 1]
        differs = part[1:] != part[:-1]
        if not isinstance(differs, np.ndarray):
            differs = differs.to_numpy(dtype=bool, na_value=True)
        found.append(np.flatnonzero(differs) + first)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _names(
    values: pd.api.extensions.ExtensionArray | Integers | pd.Categorical, level: pd.Index | None, rows: Integers
) -> pd.Index:
    """Names in some rows, as an Index."""
    part = values.take(rows)
    if level is not None:
        names = _plain(level.take(np.maximum(part, 0)))
        return names.where(part >= 0) if (part < 0).any() else names
    if isinstance(part, pd.Categorical):
        part = pd.CategoricalIndex(part)
    return _plain(pd.Index(part))


def _plain(names: pd.Index) -> pd.Index:
    """Names as they are, without the dtype of their categories."""
    return names.astype(names.categories.dtype) if isinstance(names, pd.CategoricalIndex) else names


def _refuse_unnamed(
    names: pd.Index, heads: Integers, one: IdColumn, what: str, advice: dict[str, Fix | str] | None
) -> None:
    missing = names.isna()
    if missing.any():
        row = int(heads[int(missing.argmax())])
        raise ValueError(
            Refusal(
                f"{one.place} names no series in row {row}",
                where=joined(frame_named(what), ":"),
                expected="the name of the series in every row",
                **(advice or {"fix": f"df = df[df{one.access}.notna()]"}),
            )
        )


def sorting(layout: Layout) -> str:
    """The call that puts the rows of a frame of this layout in order."""
    by = [*(one.label for one in layout.ids), layout.time_name]
    if None in by:
        return "sort_index(kind='stable')"
    return f"sort_values({by if len(by) > 1 else by[0]!r})"


def refuse_retyped(names: Sequence[Hashable], known: Iterable[Hashable], layout: Layout, what: str) -> None:
    """Refuse names that are known ones of another type or with blanks around, such as "1" for 1 and "a " for "a".

    They are the same series, read again, not new ones.

    Parameters
    ----------
    names : list
        Names of series that are not known.
    known : iterable
        Names of those that are.
    layout : Layout
        Layout of the frame that has these names.
    what : str
        Name of the frame in messages.

    Raises
    ------
    ValueError
    """
    written: dict[Any, Any] = {_written(key): key for key in known if key is not None}
    here = set(names)
    for name in names:
        meant = written.get(_written(name))
        if meant is None or meant in here:
            continue
        pairs = zip(name, meant, strict=True) if isinstance(name, tuple) and len(layout.ids) > 1 else [(name, meant)]
        for one, (got, expected) in zip(layout.ids, pairs, strict=True):
            if type(got) is not type(expected):
                kind = type(expected).__name__
                if one.at == "column":
                    fix = f"{what}[{one.label!r}] = {what}[{one.label!r}].astype({kind})"
                elif layout.levels == (one.label,):
                    fix = f"{what}.index = {what}.index.astype({kind})"
                else:
                    turned = f"reset_index().astype({{{one.label!r}: {kind}}}).set_index({list(layout.levels)})"
                    fix = f"{what} = {what}.{turned}"
                raise ValueError(
                    Refusal(
                        f"names series {quoted(name)}, the fitted data {quoted(meant)}",
                        where=frame_named(what),
                        got=f"{one.place} holds {type(got).__name__} values",
                        expected=kind,
                        fix=fix,
                    )
                )
            if got != expected and isinstance(got, str) and got.strip() == expected:
                strip = f"{what}[{one.label!r}] = {what}[{one.label!r}].str.strip()" if one.at == "column" else None
                raise ValueError(
                    Refusal(
                        f"names series {quoted(name)}, the fitted data {quoted(meant)}",
                        where=frame_named(what),
                        got=f"{one.place} holds names with blanks around",
                        fix=strip,
                    )
                )


def _written(key: Hashable) -> str | tuple[Any, ...]:
    """A name as text without blanks around, whole numbers alike whatever their type; parts of several side by side."""
    if isinstance(key, tuple):
        return tuple(_written(part) for part in key)
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key).strip()
