"""Frames of other libraries: polars, Arrow and others that narwhals supports, returned in the same kind.

narwhals is imported only when such a frame comes; conversion goes column by column and needs no other library.
"""

from dataclasses import field
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._files import stored
from .._records import record
from .._refusals import Refusal, install
from .._types import Array, FrameLike
from .columns import as_frame
from .fixes import Source

__all__ = ["Exchange", "enter", "leave", "one_column"]

FOREIGN = {"polars", "pyarrow", "modin", "cudf", "duckdb", "ibis", "dask", "pyspark", "sqlframe", "narwhals"}


@stored("exchange")
@record(frozen=True)
class Exchange:
    """The kind of frame to return.

    Parameters
    ----------
    backend : str
        As narwhals names it, such as "polars".
    dtypes : dict
        Dtypes of the user's columns by name, for those that come back in the answer: names of series and stamps.
    """

    backend: str
    dtypes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.backend


def enter(X: FrameLike, what: str = "X") -> tuple[pd.DataFrame, Exchange | None]:
    """A pandas frame from any frame.

    Parameters
    ----------
    X : pandas.DataFrame, pandas.Series, polars.DataFrame, pyarrow.Table, or a frame that narwhals knows
    what : str, default="X"
        Name of the argument in messages.

    Returns
    -------
    frame : pandas.DataFrame
        A pandas frame is given back as it is, a series as a column of its name, or "y".
    answer_in : Exchange or None
        Exchange that `leave` uses; None for pandas.

    Raises
    ------
    TypeError
        No frame, or one that is not computed yet.
    ImportError
        narwhals is needed and not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> enter(pd.DataFrame({"y": [1.0]}))[1] is None
    True
    """
    if isinstance(X, (pd.DataFrame, pd.Series)):
        return as_frame(X, what), None
    if type(X).__module__.partition(".")[0] not in FOREIGN:
        as_frame(X, what)  # refuses it
    nw = _narwhals(X, what)
    lazy = f"{type(X).__module__.partition('.')[0]}.{type(X).__name__}"
    try:
        frame = nw.from_native(X)
    except TypeError as error:
        code = f"{Source(what=what).name} = pyarrow.Table.from_batches([{Source(what=what).name}])"
        raise TypeError(
            Refusal(
                f"is a {lazy}",
                where=what,
                expected="a frame: a DataFrame or a Table",
                fix=code if lazy == "pyarrow.RecordBatch" else None,
            )
        ) from error
    if isinstance(frame, nw.LazyFrame):
        name = Source(what=what).name
        code = f"{name} = {name}.collect()"
        raise TypeError(Refusal(f"is a {lazy}, which is not computed yet", where=what, expected="rows", fix=code))
    columns = {name: _to_pandas(nw, frame[name]) for name in frame.columns}
    dtypes = {name: dtype for name, dtype in frame.schema.items() if not (dtype.is_nested() or dtype.is_decimal())}
    return pd.DataFrame(columns, copy=False), Exchange(frame.implementation.value, dtypes)


def _narwhals(X: Any, what: str) -> ModuleType:
    try:
        import narwhals.stable.v2 as nw
    except ImportError as error:
        raise ImportError(
            Refusal(
                f"is a {type(X).__module__.partition('.')[0]} frame; reading it needs narwhals",
                where=what,
                fix=install("narwhals"),
            )
        ) from error
    return nw


def _to_pandas(
    nw: ModuleType, column: Any
) -> pd.api.extensions.ExtensionArray | pd.DatetimeIndex | pd.Categorical | Array:
    """One column as a pandas array: zones and categories kept, missing values as pandas has them."""
    dtype = column.dtype
    if dtype == nw.Datetime:
        zone = dtype.time_zone
        if zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        stamps = pd.DatetimeIndex(column.to_numpy())
        return stamps if zone is None else stamps.tz_localize("UTC").tz_convert(zone)
    if dtype == nw.Date:
        return pd.DatetimeIndex(column.to_numpy().astype("datetime64[s]"))
    if isinstance(dtype, nw.Enum) or dtype in (nw.Categorical, nw.Enum):
        return _to_categorical(nw, column)
    if dtype.is_numeric() and dtype != nw.Decimal:
        return column.to_numpy()
    if dtype == nw.Decimal:
        return column.cast(nw.Float64).to_numpy()
    if dtype == nw.Boolean:
        values = column.to_numpy()
        return pd.array(column.to_list(), dtype="boolean") if column.null_count() else values
    if dtype == nw.String:
        return pd.array(column.to_list(), dtype="str" if pd.__version__ >= "3" else object)
    return pd.array(column.to_list())


def _to_categorical(nw: ModuleType, column: Any) -> pd.Categorical:
    known = column.cat.get_categories().to_list()
    texts = column.cast(nw.String)
    codes = np.full(len(column), -1, dtype=np.int32)
    present = ~texts.is_null().to_numpy()
    numbered = texts.drop_nulls().replace_strict(known, list(range(len(known))), return_dtype=nw.Int32)
    codes[present] = numbered.to_numpy()
    return pd.Categorical.from_codes(codes, categories=known)


def leave(frame: pd.DataFrame, answer_in: Exchange | None) -> Any:
    """The answer in the user's kind of frame.

    Parameters
    ----------
    frame : pandas.DataFrame
    answer_in : Exchange or None
        As `enter` gave it; None leaves the frame as it is.

    Returns
    -------
    pandas.DataFrame or a frame of the user's library
        There, levels of an index become columns.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0]})
    >>> leave(frame, None) is frame
    True
    """
    if answer_in is None:
        return frame
    nw = _narwhals(frame, "the answer")
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    data = {
        str(name): _from_pandas(nw, str(name), frame.iloc[:, position], answer_in)
        for position, name in enumerate(frame.columns)
    }
    return nw.from_dict(data, backend=answer_in.backend).to_native()


def one_column(frame: pd.DataFrame, answer_in: Exchange | None) -> Any:
    """The only column of an answer, as a series of the user's library.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of one column.
    answer_in : Exchange or None

    Returns
    -------
    pandas.Series or a column of the user's library

    Examples
    --------
    >>> import pandas as pd
    >>> one_column(pd.DataFrame({"y": [1.0]}), None).tolist()
    [1.0]
    """
    if answer_in is not None:
        return leave(frame, answer_in)[str(frame.columns[0])]
    column = frame.iloc[:, 0]
    # scikit-learn's TransformedTargetRegressor asks a one-dimensional prediction for it; pandas gives attributes of a
    # single object to no other one, so nothing that is made of the series has it.
    object.__setattr__(column, "reshape", column.to_numpy().reshape)
    return column


def _from_pandas(nw: ModuleType, name: str, column: pd.Series, answer_in: Exchange) -> Any:
    def series(values: list[str] | Array, dtype: npt.DTypeLike | None = None) -> Any:
        return nw.new_series(name, values, dtype, backend=answer_in.backend)

    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        stamps = series(_stamps(column.dt.tz_convert("UTC").dt.tz_localize(None)))
        result = stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(str(dtype.tz))
    elif isinstance(dtype, pd.CategoricalDtype):
        result = series(column.astype(object).where(column.notna(), None).tolist(), nw.String).cast(nw.Categorical)
    elif isinstance(dtype, np.dtype) and dtype.kind in "fiubM":
        result = series(_stamps(column) if dtype.kind == "M" else column.to_numpy())
    else:
        result = series(column.astype(object).where(column.notna(), None).tolist())
    return _as_given(nw, result, answer_in.dtypes.get(name))


def _stamps(column: pd.Series) -> Array:
    """Stamps without a zone as numpy has them; seconds as milliseconds, as polars has none."""
    return (column.dt.as_unit("ms") if column.dt.unit == "s" else column).to_numpy()


def _as_given(nw: ModuleType, result: Any, wanted: Any) -> Any:
    """A column of names or stamps in the dtype that the user gave it, where that has all of its values."""
    if wanted is None or wanted in (result.dtype, nw.Object) or result.dtype.is_float():
        return result  # polars casts nothing to Object, the dtype of an array of Timestamps
    if isinstance(wanted, nw.Enum) and not result.cast(nw.String).is_in(list(wanted.categories)).all():
        return result
    return result.cast(wanted)
