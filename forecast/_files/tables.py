"""pandas' indexes, frames, series and dtypes, and the dtypes of narwhals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._refusals import Refusal
from .._types import Array
from .collisions import refuse_colliding
from .errors import ModelFileError
from .expected import expect
from .times import as_zone

if TYPE_CHECKING:
    from .expected import Tree
    from .values import Reader, Writer

__all__ = ["READERS", "write"]

NULLABLE = (
    "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean",
)  # fmt: skip
# Names of series may have one of Arrow's plain types.
ARROW = r"((u?int(8|16|32|64))|(large_)?string|bool|date32\[day\])\[pyarrow\]"
# Bytes that a value takes besides those of its tensor: a label of a range; a copy; a stamp that pandas counts up to.
LABEL, VALUE, STAMP = 1, 8, 40
FOREIGN = {"Datetime": ("time_unit", "time_zone"), "Duration": ("time_unit",), "Enum": ("categories",)}


def write(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    """The tree of a value of this room, or None."""
    depth += 1
    if type(value) is pd.DataFrame:
        columns = [value.iloc[:, number] for number in range(value.shape[1])]
        return {
            "is": "frame",
            "index": writer(value.index, f"{place}.index", depth),
            "columns": writer(value.columns, f"{place}.columns", depth),
            "data": [_write_column(writer, column, f"{place}.{at}", depth) for at, column in enumerate(columns)],
        }
    if type(value) is pd.Series:
        return {
            "is": "series",
            "index": writer(value.index, f"{place}.index", depth),
            "name": writer(value.name, f"{place}.name", depth),
            "data": _write_column(writer, value, f"{place}.data", depth),
        }
    if isinstance(value, pd.Index):
        tree = _write_index(writer, value, place, depth)
        return tree and tree | {"name": writer(_name(value), f"{place}.name", depth)}
    if isinstance(value, pd.api.extensions.ExtensionDtype):
        return _write_dtype(writer, value, place, depth)
    if type(value).__module__.startswith("narwhals."):
        return _write_foreign(writer, value, place, depth)
    return None


def _name(index: pd.Index) -> Any:
    return list(index.names) if isinstance(index, pd.MultiIndex) else index.name


def _write_column(writer: Writer, column: pd.Series, place: str, depth: int) -> Tree:
    index = pd.Index(column, dtype=column.dtype, name=None)
    return writer(index, place, depth)


def _write_index(writer: Writer, index: pd.Index, place: str, depth: int) -> dict[str, Any] | None:
    kind, dtype = type(index), index.dtype
    if kind is pd.RangeIndex:
        return {"is": "range", "start": index.start, "stop": index.stop, "step": index.step}
    if kind in (pd.DatetimeIndex, pd.TimedeltaIndex):
        tree = {
            "is": "stamps" if kind is pd.DatetimeIndex else "durations",
            "values": writer(_times(index), place, depth),
            "freq": writer(index.freq, f"{place}.freq", depth),
        }
        return tree | {"zone": writer(index.tz, f"{place}.tz", depth)} if kind is pd.DatetimeIndex else tree
    if kind is pd.PeriodIndex:
        ordinals = np.array(index.asi8)
        return {
            "is": "periods",
            "ordinals": writer(ordinals, place, depth),
            "freq": writer(dtype.freq, f"{place}.freq", depth),
        }
    if kind is pd.MultiIndex:
        return {
            "is": "levels",
            "levels": writer([level.rename(None) for level in index.levels], f"{place}.levels", depth),
            "codes": writer([np.array(codes) for codes in index.codes], f"{place}.codes", depth),
        }
    if kind is pd.CategoricalIndex:
        return {
            "is": "categories",
            "codes": writer(np.array(index.codes), place, depth),
            "dtype": writer(dtype, f"{place}.dtype", depth),
        }
    if kind is not pd.Index:
        return None
    if isinstance(dtype, np.dtype):
        return {"is": "index", "values": writer(index.to_numpy(), place, depth)}
    known = _write_dtype(writer, dtype, place, depth)
    return known and {"is": "labels", "values": writer(index.tolist(), place, depth), "dtype": known}


def _times(index: pd.Index) -> Array:
    """datetime64 or timedelta64; of a zone, in UTC."""
    return np.array((index.tz_convert("UTC").tz_localize(None) if getattr(index, "tz", None) else index).to_numpy())


def _write_dtype(writer: Writer, dtype: Any, place: str, depth: int) -> dict[str, Any] | None:
    if isinstance(dtype, pd.StringDtype):
        # Neither pandas 2 nor a machine without Arrow has each of the ways to store a string; what a value is, is kept.
        return {"is": "string dtype", "nullable": getattr(dtype, "na_value", pd.NA) is pd.NA}
    if isinstance(dtype, pd.CategoricalDtype):
        categories = writer(dtype.categories, f"{place}.categories", depth)
        return {"is": "category dtype", "categories": categories, "ordered": dtype.ordered}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return {"is": "stamp dtype", "unit": dtype.unit, "zone": writer(dtype.tz, f"{place}.tz", depth)}
    if isinstance(dtype, pd.PeriodDtype):
        return {"is": "period dtype", "freq": writer(dtype.freq, f"{place}.freq", depth)}
    if isinstance(dtype, pd.ArrowDtype):
        return {"is": "arrow dtype", "name": dtype.name} if re.fullmatch(ARROW, dtype.name) else None
    return {"is": "nullable dtype", "name": dtype.name} if dtype.name in NULLABLE else None


def _write_foreign(writer: Writer, dtype: Any, place: str, depth: int) -> dict[str, Any] | None:
    name = type(dtype).__name__
    if _foreign_class(name) is not type(dtype):
        return None
    options = {option: getattr(dtype, option) for option in FOREIGN.get(name, ())}
    options |= {"categories": list(options["categories"])} if "categories" in options else {}
    return {"is": "narwhals dtype", "name": name, "options": writer(options, f"{place}.options", depth)}


def _foreign_class(name: str) -> type | None:
    import narwhals.stable.v2 as nw

    found = getattr(nw, name, None)
    return found if isinstance(found, type) and issubclass(found, nw.dtypes.DType) else None


def _foreign(reader: Reader, depth: int, name: Tree, options: Tree) -> Any:
    cls = _foreign_class(expect(name, str, "a dtype of narwhals"))
    if cls is None:
        raise ModelFileError(Refusal(f"a dtype of narwhals {name[:40]!r}, which it does not have"))
    return cls(**expect(reader(options, depth), dict, "a dtype of narwhals"))


def _frame(reader: Reader, depth: int, index: Tree, columns: Tree, data: Tree) -> pd.DataFrame:
    index, columns = _an_index(reader(index, depth)), _an_index(reader(columns, depth))
    data = [_an_index(part) for part in reader.items(data, depth, "the columns of a frame")]
    reader.spend(sum(map(len, data)) * VALUE)
    if len(data) != len(columns) or any(len(part) != len(index) for part in data):
        raise ModelFileError(Refusal(f"a frame of {len(index)} rows and {len(columns)} names, but other columns"))
    frame = pd.DataFrame(dict(enumerate(_column(part, index) for part in data)), index=index)
    frame.columns = columns
    return frame


def _series(reader: Reader, depth: int, index: Tree, name: Tree, data: Tree) -> pd.Series:
    data = _an_index(reader(data, depth))
    reader.spend(len(data) * VALUE)
    return _column(data, _an_index(reader(index, depth))).rename(reader(name, depth))


def _column(values: pd.Index, index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index, dtype=values.dtype)


def _an_index(value: Any) -> pd.Index:
    if not isinstance(value, pd.Index):
        raise ModelFileError(Refusal(f"a {type(value).__name__} in place of an index"))
    return value


def _range(reader: Reader, depth: int, start: Tree, stop: Tree, step: Tree, name: Tree) -> pd.RangeIndex:
    bounds = [expect(bound, int, "the bound of a range") for bound in (start, stop, step)]
    found = pd.RangeIndex(*bounds, name=reader(name, depth))
    reader.spend(len(found) * LABEL)  # of rows that the file must have as well
    return found


def _stamps(reader: Reader, depth: int, values: Tree, freq: Tree, zone: Tree, name: Tree) -> pd.DatetimeIndex:
    index, freq, zone = pd.DatetimeIndex(reader(values, depth)), reader(freq, depth), as_zone(reader(zone, depth))
    index = index if zone is None else index.tz_localize("UTC").tz_convert(zone)
    return _with_freq(reader, refuse_colliding(index), freq, reader(name, depth))


def _durations(reader: Reader, depth: int, values: Tree, freq: Tree, name: Tree) -> pd.TimedeltaIndex:
    index, freq = pd.TimedeltaIndex(reader(values, depth)), reader(freq, depth)
    return _with_freq(reader, refuse_colliding(index), freq, reader(name, depth))


def _with_freq(reader: Reader, index: pd.Index, freq: Any, name: Any) -> pd.Index:
    index = index.rename(name)
    if freq is not None:
        reader.spend(len(index) * (VALUE if isinstance(freq, pd.offsets.Tick) else STAMP))
        index.freq = freq  # pandas refuses one that the stamps do not have
    return index


def _periods(reader: Reader, depth: int, ordinals: Tree, freq: Tree, name: Tree) -> pd.PeriodIndex:
    ordinals, freq = expect(reader(ordinals, depth), np.ndarray, "the ordinals of periods"), reader(freq, depth)
    if ordinals.ndim != 1 or ordinals.dtype != np.int64:  # pandas looks at neither, and then reads where nothing is
        raise ModelFileError(
            Refusal(f"ordinals of periods of shape {ordinals.shape} of {ordinals.dtype}", expected="a row of int64")
        )
    return refuse_colliding(pd.PeriodIndex.from_ordinals(ordinals, freq=freq, name=reader(name, depth)))


def _levels(reader: Reader, depth: int, levels: Tree, codes: Tree, name: Tree) -> pd.MultiIndex:
    return pd.MultiIndex(levels=reader(levels, depth), codes=reader(codes, depth), names=reader(name, depth))


def _categories(reader: Reader, depth: int, codes: Tree, dtype: Tree, name: Tree) -> pd.CategoricalIndex:
    values = pd.Categorical.from_codes(reader(codes, depth), dtype=reader(dtype, depth))
    return pd.CategoricalIndex(values, name=reader(name, depth))


def _index(reader: Reader, depth: int, values: Tree, name: Tree) -> pd.Index:
    values = expect(reader(values, depth), np.ndarray, "the values of an index")
    return refuse_colliding(pd.Index(values, dtype=values.dtype, name=reader(name, depth)))


def _labels(reader: Reader, depth: int, values: Tree, dtype: Tree, name: Tree) -> pd.Index:
    values = reader(values, depth)
    # Of a range, pandas would make a number for each of its labels.
    if isinstance(values, pd.Index) or not all(map(_is_label, values)):
        raise ModelFileError(Refusal("a table in place of labels of an index"))
    return refuse_colliding(pd.Index(values, dtype=reader(dtype, depth), name=reader(name, depth)))


def _is_label(value: Any) -> bool:
    return all(map(_is_label, value)) if isinstance(value, tuple) else bool(pd.api.types.is_scalar(value))


def _string_dtype(reader: Reader, depth: int, nullable: Tree) -> Any:
    if expect(nullable, bool, "a dtype of strings"):
        return pd.StringDtype()
    return pd.Index(["a"]).dtype  # what pandas makes of strings: "str" from 3 on, objects before


def _category_dtype(reader: Reader, depth: int, categories: Tree, ordered: Tree) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(reader(categories, depth), ordered)


def _stamp_dtype(reader: Reader, depth: int, unit: Tree, zone: Tree) -> pd.DatetimeTZDtype:
    return pd.DatetimeTZDtype(unit, as_zone(reader(zone, depth)))


def _period_dtype(reader: Reader, depth: int, freq: Tree) -> pd.PeriodDtype:
    return pd.PeriodDtype(reader(freq, depth))


def _nullable_dtype(reader: Reader, depth: int, name: Tree) -> Any:
    if name not in NULLABLE:
        raise ModelFileError(Refusal(f"a dtype {str(name)[:40]!r}", expected=f"one of {list(NULLABLE)}"))
    return pd.api.types.pandas_dtype(name)


def _arrow_dtype(reader: Reader, depth: int, name: Tree) -> Any:
    if not re.fullmatch(ARROW, expect(name, str, "a dtype of Arrow")):
        raise ModelFileError(Refusal(f"a dtype of Arrow {name[:40]!r}", expected="one of numbers, texts or dates"))
    try:
        return pd.api.types.pandas_dtype(name)
    except (ImportError, TypeError):  # a machine without Arrow
        return np.dtype(object)


READERS = {
    "frame": (("index", "columns", "data"), _frame),
    "series": (("index", "name", "data"), _series),
    "range": (("start", "stop", "step", "name"), _range),
    "stamps": (("values", "freq", "zone", "name"), _stamps),
    "durations": (("values", "freq", "name"), _durations),
    "periods": (("ordinals", "freq", "name"), _periods),
    "levels": (("levels", "codes", "name"), _levels),
    "categories": (("codes", "dtype", "name"), _categories),
    "index": (("values", "name"), _index),
    "labels": (("values", "dtype", "name"), _labels),
    "string dtype": (("nullable",), _string_dtype),
    "category dtype": (("categories", "ordered"), _category_dtype),
    "stamp dtype": (("unit", "zone"), _stamp_dtype),
    "period dtype": (("freq",), _period_dtype),
    "narwhals dtype": (("name", "options"), _foreign),
    "nullable dtype": (("name",), _nullable_dtype),
    "arrow dtype": (("name",), _arrow_dtype),
}
