"""How columns become numbers: which are numeric, which are one-hot by their categories, or hold a code of each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._files import stored
from .._numbers import beyond, usable
from .._records import record
from .._refusals import Fix, Refusal, Words, argument, joined
from .._types import Booleans, Floats, Integers
from .columns import as_slice, code_of_infinite, refuse_dtype, too_large
from .names import quoted
from .static import static_columns

if TYPE_CHECKING:
    from .roles import Roles
    from .series import FrameRows, Placing

__all__ = ["Encoding", "Schema", "encoded", "float_dtype", "numbers", "refuse_values"]

FEW_CODES = 50  # different values of text and numbers that are rather codes than numbers
MOST_CATEGORIES = 1000  # more are names of rows rather than categories, and one-hot columns would fill the memory


@stored("encoding")
@record(frozen=True)
class Encoding:
    """How one column is read.

    Parameters
    ----------
    label : label
        Label of the column.
    categories : tuple or None
        Known values of a categorical column; None is a numeric one.
    coded : bool
        Whether a category becomes its number, -1 of an unknown one, in place of a column of each.
    """

    label: Hashable
    categories: tuple[Any, ...] | None = None
    coded: bool = False

    @property
    def names(self) -> list[Hashable]:
        """Names of the columns it becomes."""
        if self.categories is None or self.coded:
            return [self.label]
        return [f"{self.label}={category}" for category in self.categories]

    @property
    def levels(self) -> list[int]:
        """Of each column it becomes, how many codes that holds; 0 for numbers."""
        return [len(self.categories or ()) if self.coded else 0 for _ in self.names]

    @classmethod
    def of(cls, frame: pd.DataFrame, label: Hashable, rows: FrameRows, coded: bool = False) -> Encoding:
        """The encoding that a column shows; `coded` is how one of categories is read.

        Raises
        ------
        TypeError
            A string in a column of numbers, dates, or more categories than the limit.
        """
        column = frame[label]
        if not _is_categorical(column, label, rows):
            refuse_dtype(label, column.dtype)
            return cls(label)
        if isinstance(column.dtype, pd.CategoricalDtype):
            categories = list(column.dtype.categories)
        else:
            categories = sorted(column.dropna().unique().tolist(), key=lambda value: (type(value).__name__, value))
        if len(categories) > MOST_CATEGORIES and not coded:
            raise TypeError(
                Refusal(
                    f"has {len(categories)} categories",
                    where=f"column {label!r}",
                    expected=f"at most {MOST_CATEGORIES}",
                    advice=joined(
                        "Group the rare ones, or leave the column out; ", argument("categorical", "embedding"),
                        " takes any number of them.",
                    ),
                )
            )  # fmt: skip
        return cls(label, tuple(categories), coded)


@stored("schema")
@record(frozen=True)
class Schema:
    """How the covariates of the fitted frame were encoded.

    Parameters
    ----------
    past, future, static : tuple of Encoding

    Examples
    --------
    >>> schema = Schema((), (Encoding("weather", ("dry", "rain")),), ())
    >>> schema.future_names
    ['weather=dry', 'weather=rain']
    """

    past: tuple[Encoding, ...] = ()
    future: tuple[Encoding, ...] = ()
    static: tuple[Encoding, ...] = ()

    @property
    def past_names(self) -> list[Hashable]:
        """Names of the encoded past covariates."""
        return [name for encoding in self.past for name in encoding.names]

    @property
    def future_names(self) -> list[Hashable]:
        """Names of the encoded future covariates."""
        return [name for encoding in self.future for name in encoding.names]

    @property
    def static_names(self) -> list[Hashable]:
        """Names of the encoded static covariates."""
        return [name for encoding in self.static for name in encoding.names]

    @property
    def levels(self) -> dict[str, list[int]] | None:
        """Of every encoded covariate by role, how many codes it holds, 0 for numbers; None where all are numbers."""
        roles = {"past": self.past, "future": self.future, "static": self.static}
        found = {role: [n for part in parts for n in part.levels] for role, parts in roles.items()}
        return found if any(map(any, found.values())) else None

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles, rows: FrameRows, coded: bool = False) -> Schema:
        """The schema that a frame shows, and the table of static covariates where there is one."""
        static = static_columns(frame, roles)
        given = (frame, roles.past), (frame, roles.future), (static, roles.static)
        return cls(*(tuple(Encoding.of(table, label, rows, coded) for label in labels) for table, labels in given))

    def numeric(self) -> list[Hashable]:
        """Labels of all numeric covariates."""
        return [part.label for part in (*self.past, *self.future, *self.static) if part.categories is None]


def _is_categorical(column: pd.Series, label: Hashable, rows: Placing) -> bool:
    """Whether a column holds categories; text among numbers is refused."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return True
    if not (pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype)):
        return False
    present = column.dropna()
    if pd.api.types.infer_dtype(present, skipna=True) == "boolean":
        return False
    values = _parsed(present)
    found = ~np.isnan(values)
    texts = np.fromiter((isinstance(value, str) for value in present), dtype=bool, count=len(present))
    codes = texts.all() and found.all() and (values % 1 == 0).all()
    # Whole numbers as text may name shops or zones; anything else in which most values are numbers is numeric.
    if 2 * found.sum() <= len(present) or codes:
        return True
    raise TypeError(text_message(column, label, rows, texts))


def _parsed(column: pd.Series) -> Floats:
    """Text as numbers, NaN where it is not numeric; isna() of Arrow text takes that NaN for a value."""
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def text_message(column: pd.Series, label: Hashable, rows: Placing, texts: Booleans | None = None) -> Refusal:
    """The refusal of a column that is not numeric, with the place; with `texts` it is a covariate."""
    present = np.flatnonzero(column.notna().to_numpy())
    code, more = f"df[{label!r}] = pd.to_numeric(df[{label!r}], errors='coerce')", ""
    if texts is None:
        texts = np.fromiter((isinstance(column.iloc[row], str) for row in present), dtype=bool, count=len(present))
    elif column.astype(str).nunique() <= FEW_CODES:  # letters among few numbers may be codes
        more = Words(f", if it has none: {code}", "")
        code = f"df[{label!r}] = df[{label!r}].astype(str).astype('category')"
    else:
        more = Words(" (categories: astype(str).astype('category'))", "")
    parsed = np.isnan(_parsed(column.iloc[present]))
    bad = present[parsed] if parsed.any() else present[texts]
    what = f"has dtype {column.dtype}" + (", but its values are numbers" if len(present) else " and no values")
    if len(bad):
        first = f"the first {column.iloc[bad[0]]!r} at {rows.place_in_frame(bad[0])}"
        what = f"holds {column.dtype} values, {len(bad)} of {len(column)} are not numbers, {first}"
    return Refusal(
        what,
        where=f"column {label!r}",
        expected=joined("numbers (float, integer or bool), or categories", more),
        advice=Words("", "Write numbers in its cells, or name its missing values by --na TEXT."),
        fix=Fix(code, ""),
    )


def float_dtype(frame: pd.DataFrame, labels: Sequence[Hashable]) -> np.dtype[Any]:
    """float32 where all numeric columns of the frame are, else float64."""
    found = [frame[label].dtype for label in labels if label in frame.columns]
    return np.dtype(np.float32 if all(dtype == np.float32 for dtype in found) else np.float64)


def numbers(frame: pd.DataFrame, labels: Sequence[Hashable], dtype: np.dtype[Any], rows: Placing) -> Floats:
    """Numeric columns of the frame's rows, shape (rows, len(labels)); a view of the frame where its layout allows.

    Raises
    ------
    TypeError
        A column holds no numbers; the first place of one.
    """
    for label in labels:
        column = frame[label]
        if column.dtype.kind in "fiub":
            continue
        if pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype):
            if pd.api.types.infer_dtype(column, skipna=True) == "boolean":
                continue
            raise TypeError(text_message(column, label, rows))
        refuse_dtype(label, column.dtype)
    if not labels:
        return np.empty((len(frame), 0), dtype=dtype)
    if len(labels) == 1 and frame[labels[0]].dtype == dtype:
        return frame[labels[0]].to_numpy()[:, None]  # pandas 2 copies a slice of a frame of several dtypes
    part = frame.iloc[:, as_slice([frame.columns.get_loc(label) for label in labels])]
    if all(found == dtype for found in part.dtypes):
        return part.to_numpy()  # pandas 2 copies if it is given a value for missing ones
    return part.to_numpy(dtype=dtype, na_value=np.nan)


def _numbered(column: pd.Series, encoding: Encoding) -> tuple[Integers, Booleans]:
    """The number of each row's category, -1 of an unknown or missing one; and which are missing."""
    known = pd.Index(list(encoding.categories or ()))
    if isinstance(column.dtype, pd.CategoricalDtype):
        translated = known.get_indexer(column.dtype.categories)
        codes = np.append(translated, -1)[column.cat.codes.to_numpy()]
    else:
        codes = known.get_indexer(pd.Index(column.array, dtype=column.dtype))
    return codes, column.isna().to_numpy()


def coded(column: pd.Series, encoding: Encoding, dtype: np.dtype[Any]) -> Floats:
    """The number of each row's category, shape (rows, 1): -1 of an unknown one, NaN where it is missing."""
    codes, absent = _numbered(column, encoding)
    return np.where(absent, np.nan, codes).astype(dtype)[:, None]


def one_hot(column: pd.Series, encoding: Encoding, dtype: np.dtype[Any], rows: Placing) -> Floats:
    """Zeros and a one for the category of each row, shape (rows, categories); NaN where it is missing.

    Raises
    ------
    ValueError
        A category that the fitted data did not have.
    """
    codes, absent = _numbered(column, encoding)
    unknown = np.flatnonzero((codes < 0) & ~absent)
    if len(unknown):
        row = int(unknown[0])
        raise ValueError(
            Refusal(
                f"has the unknown category {quoted(column.iloc[row])} at {rows.place_in_frame(row)}",
                where=f"column {encoding.label!r}",
                expected=f"one of {list(encoding.categories or ())}, as in the fitted data",
                advice=Words(
                    "Fit on data with it, or declare it there: astype(pd.CategoricalDtype([...])).",
                    "Fit on data with it.",
                ),
            )
        )
    values = np.zeros((len(column), len(encoding.categories or ())), dtype=dtype)
    present = np.flatnonzero(~absent)
    values[present, codes[present]] = 1
    values[absent] = np.nan
    return values


def encoded(frame: pd.DataFrame, encodings: Sequence[Encoding], dtype: np.dtype[Any], rows: Placing) -> Floats:
    """Covariates of the frame's rows as numbers, shape (rows, encoded columns)."""
    if all(part.categories is None for part in encodings):
        return numbers(frame, [part.label for part in encodings], dtype, rows)
    return np.hstack(
        [
            numbers(frame, [part.label], dtype, rows)
            if part.categories is None
            else coded(frame[part.label], part, dtype)
            if part.coded
            else one_hot(frame[part.label], part, dtype, rows)
            for part in encodings
        ]
    )


FILL_CELLS = Words("", "Fill the cells of the file.")


def refuse_values(
    values: Floats,
    names: Sequence[Hashable],
    rows: Any,
    *,
    role: str,
    missing: str = "error",
    fitted: bool = False,
) -> None:
    """Refuse infinite values, too large ones, and missing ones unless they are to be masked; `rows` place the rows.

    With `fitted`, a fitted model reads them, and what it does with missing values stays.

    Raises
    ------
    ValueError
        Column, first three places, number and fix.
    """
    if usable(values):
        return
    for name, column in zip(names, values.T, strict=True):
        infinite = np.flatnonzero(np.isinf(column))
        if len(infinite):
            raise ValueError(
                Refusal(
                    f"has {len(infinite)} infinite values",
                    where=f"column {name!r}",
                    got=rows.places(infinite),
                    expected="finite numbers",
                    advice=FILL_CELLS,
                    fix=Fix(code_of_infinite(name), ""),
                )
            )
        large = np.flatnonzero(beyond(column))
        if len(large):
            raise ValueError(too_large(name, len(large), rows.places(large)))
        absent = np.flatnonzero(np.isnan(column)) if missing == "error" else np.zeros(0, dtype=np.intp)
        if len(absent):
            ends, more, fix = "limit_direction='both'" if absent[0] == 0 else "", "", ""
            advice: str = FILL_CELLS
            code = f"df[{name!r}] = df[{name!r}].interpolate({ends})"
            if role in ("target", "past covariate"):
                more = Words(", or a model fitted with missing='mask'", "") if fitted else ", or missing='mask'"
                more = Words(more, ", or a model that was trained with --missing mask" if fitted else "")
                advice, fix = (advice, "") if fitted else ("", "--missing mask")
            if role == "target" and len(names) > 1 and rows.keys is None and _are_ends(absent, len(column)):
                more = joined(
                    more,
                    Words(
                        "; for columns that begin or end at different times df.melt(ignore_index=False, "
                        "var_name='series', value_name='y').dropna(), with target='y' and series='series'",
                        "",
                    ),
                )
            raise ValueError(
                Refusal(
                    f"has {len(absent)} missing values (NaN) in {len(column)} rows",
                    where=f"{role} {name!r}",
                    got=rows.places(absent),
                    expected=joined("a number in every row", more),
                    advice=advice,
                    fix=Fix(code, fix),
                )
            )


def _are_ends(absent: Integers, count: int) -> bool:
    """Whether missing rows are the first or the last ones, or both."""
    inside = absent[(absent >= np.arange(len(absent)) + 1) & (absent < count - np.arange(len(absent), 0, -1))]
    return len(inside) == 0
