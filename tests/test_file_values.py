"""What a model file may hold comes out as it went in: values of every kind, and what strangers make of them."""

import datetime
import json
import warnings
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from model_bytes import parts, sealed
from pandas.tseries.holiday import USFederalHolidayCalendar
from saved_models import SERIES
from sklearn.linear_model import Ridge
from sklearn.utils import Bunch

import forecast
from forecast import ModelFileError
from forecast._files.values import Reader, Writer

examples = settings(max_examples=100, deadline=None, derandomize=True)


def through_a_file(value):
    """Out of the JSON and the tensors that a value becomes; and the same again from what came out."""
    writer = Writer()
    text = json.dumps(writer(value, "value"), allow_nan=False)
    reader = Reader({name: array.copy() for name, array in writer.tensors.items()})
    found = reader(json.loads(text))
    assert not reader.tensors
    again = Writer()
    assert json.dumps(again(found, "value"), allow_nan=False) == text
    assert again.tensors.keys() == writer.tensors.keys()
    for name, array in writer.tensors.items():
        assert array.flags.c_contiguous
        assert again.tensors[name].tobytes() == array.tobytes()
    return found


def same(a, b):
    """Equal to the bit and of one type, in every part."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, np.ndarray):
        order = a.flags.f_contiguous == b.flags.f_contiguous or not a.flags.c_contiguous
        alike = a.dtype == b.dtype.newbyteorder(a.dtype.byteorder) and a.shape == b.shape and order
        return alike and (same(a.ravel().tolist(), b.ravel().tolist()) if a.dtype.kind == "O" else bits(a) == bits(b))
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and (a.tobytes() == b.tobytes() or bool(a != a and b != b))
    if isinstance(a, float):
        return np.float64(a).tobytes() == np.float64(b).tobytes() or (a != a and b != b)
    return a is b or a == b  # pd.NA is equal to nothing


def bits(array):
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def test_the_yardstick_tells_things_apart():
    assert not same(1, 1.0)
    assert not same(True, 1)
    assert not same(0.0, -0.0)
    assert not same([1], (1,))
    assert not same({1: 2, 3: 4}, {3: 4, 1: 2})
    assert not same(np.array([[0.0, 1.0], [2.0, 3.0]]), np.asfortranarray([[0.0, 1.0], [2.0, 3.0]]))
    assert not same(np.float32(1), np.float64(1))


# -------------------- round trips

zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]).map(zoneinfo.ZoneInfo)
dtypes = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(),
    arrays.unsigned_integer_dtypes(),
    arrays.floating_dtypes(sizes=(16, 32, 64)),
    arrays.datetime64_dtypes(),
    arrays.timedelta64_dtypes(),
    arrays.unicode_string_dtypes(min_len=1, max_len=9),
    arrays.byte_string_dtypes(min_len=1, max_len=9),
)
whole = st.integers(-(2**64) + 1, 2**64 - 1)
shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    whole,
    st.floats(),
    st.text(st.characters(), max_size=9),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | zones),
    st.timedeltas(),
    st.sampled_from([pd.NaT, pd.NA, datetime.UTC, np.log1p, float, np.float32, np.dtype("<f4"), np.dtype(object)]),
    zones,
    st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 1, 1)).map(pd.Timestamp),
    st.integers(-(10**15), 10**15).map(lambda n: pd.Timedelta(n, "us")),
    dtypes.flatmap(lambda dtype: arrays.arrays(dtype, ()))
    .map(lambda array: array[()])
    .filter(lambda scalar: not isinstance(scalar, bytes)),
)
tables = dtypes.flatmap(lambda dtype: arrays.arrays(dtype, shapes))
values = st.recursive(
    scalars | tables,
    lambda part: st.one_of(
        st.lists(part, max_size=4),
        st.lists(part, max_size=4).map(tuple),
        st.dictionaries(whole | st.text(max_size=5) | st.none() | st.booleans(), part, max_size=4),
        st.builds(slice, *[st.none() | st.integers(-9, 9)] * 3),
    ),
    max_leaves=8,
)


@examples
@given(value=values)
def test_plain_values_come_back_as_they_went(value):
    assert same(through_a_file(value), value)


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "backwards": lambda array: array[::-1],
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "read only": lambda array: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u8", "?", "M8[s]", "m8[ns]", "U3", "S3"])
def test_arrays_of_every_layout_come_back_with_their_values(layout, dtype):
    array = LAYOUTS[layout](np.arange(24).reshape(2, 3, 4).astype("i8" if dtype[0] in "mM" else dtype).astype(dtype))
    found = through_a_file(array)
    assert np.array_equal(found, array)
    assert found.flags.writeable
    assert found.flags.f_contiguous == (layout == "F")


OBJECTS = [
    np.array(["a", 1, None, (1, 2), [3], 2.5, pd.Timestamp("2024")], dtype=object),
    np.array([[[1], "b"], [None, {}]], dtype=object),
    np.empty((0, 3), dtype=object),
]


@pytest.mark.parametrize("array", OBJECTS, ids=["row", "table", "empty"])
def test_arrays_of_objects_come_back(array):
    assert same(through_a_file(array), array)


OFFSETS = [
    pd.offsets.Hour(2), pd.offsets.Day(), pd.offsets.Milli(250), pd.offsets.Week(weekday=2), pd.offsets.MonthEnd(3),
    pd.offsets.MonthBegin(1, normalize=True), pd.offsets.QuarterEnd(startingMonth=2), pd.offsets.YearBegin(month=4),
    pd.offsets.BusinessDay(offset=pd.Timedelta("1h")), pd.offsets.BusinessHour(start="08:00"), pd.offsets.BQuarterEnd(),
    pd.offsets.SemiMonthEnd(), pd.offsets.LastWeekOfMonth(weekday=1), pd.offsets.WeekOfMonth(week=1, weekday=1),
    pd.offsets.FY5253(startingMonth=3, weekday=2), pd.DateOffset(months=2, day=3), pd.offsets.Easter(),
    pd.offsets.CustomBusinessDay(holidays=["2024-01-01"], weekmask="Mon Tue Wed"),
    pd.offsets.CustomBusinessDay(calendar=USFederalHolidayCalendar()),
    pd.offsets.CustomBusinessDay(calendar=np.busdaycalendar("1111000", ["2024-01-01"])),
    pd.offsets.CustomBusinessDay(weekmask="1110000", offset=datetime.timedelta(hours=2)),
    pd.offsets.CustomBusinessMonthEnd(holidays=["2024-01-31"]), pd.offsets.CustomBusinessHour(holidays=["2024-01-01"]),
]  # fmt: skip


@pytest.mark.parametrize("offset", OFFSETS, ids=lambda offset: offset.freqstr)
def test_offsets_come_back_and_step_alike(offset):
    found = through_a_file(offset)
    assert found == offset
    assert found.freqstr == offset.freqstr
    start = pd.Timestamp("2023-12-28 09:30")
    assert [start + number * found for number in range(1, 9)] == [start + number * offset for number in range(1, 9)]


ZONED = pd.date_range("2024-03-30", periods=4, freq="D", tz="Europe/Berlin", name="day")
INDEXES = {
    "range": pd.RangeIndex(3, 30, 3, name="step"),
    "integers": pd.Index(np.array([1, 5, 2], dtype=np.int16)),
    "floats": pd.Index([1.5, np.nan], name=("a", 1)),
    "booleans": pd.Index([True, False]),
    "strings": pd.Index(["a", "ä", ""], name="name"),
    "objects": pd.Index(["a", 1, None, (1, 2)], dtype=object),
    "nullable strings": pd.Index(["a", pd.NA], dtype="string"),
    "nullable integers": pd.Index([1, pd.NA], dtype="Int32"),
    "stamps": pd.date_range("2024", periods=4, freq="h", unit="s", name="hour"),
    "stamps without a frequency": pd.DatetimeIndex(["2024-01-01", "NaT", "2023-01-01"]),
    "zone": ZONED,
    "zone without a frequency": pd.DatetimeIndex(ZONED, freq=None),
    "fixed zone": pd.date_range("2024", periods=3, freq="D", tz=datetime.timezone(datetime.timedelta(hours=-3.5))),
    "utc": pd.date_range("2024", periods=3, freq="W", tz="UTC"),
    "sessions": pd.date_range("2024", periods=9, freq=OFFSETS[17]),
    "durations": pd.timedelta_range("1h", periods=3, freq="30min"),
    "periods": pd.period_range("2024-01", periods=3, freq="Q-FEB", name="quarter"),
    "categories": pd.CategoricalIndex(["a", "b", None], ["b", "a", "c"], ordered=True),
    "numbers as categories": pd.CategoricalIndex([3, 1, 3]),
    "levels": pd.MultiIndex.from_product([["a", "b"], ZONED[:2]], names=["shop", None]),
    "empty": pd.Index([], dtype=np.float64),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_indexes_come_back(kind):
    index = INDEXES[kind]
    found = through_a_file(index)
    pd.testing.assert_index_equal(found, index, exact=True)
    assert getattr(found, "freq", None) == getattr(index, "freq", None)
    if not isinstance(index, pd.MultiIndex):
        assert found.dtype == index.dtype
        assert same(through_a_file(index.dtype), index.dtype)
        pd.testing.assert_series_equal(through_a_file(index.to_series(name=7)), index.to_series(name=7))


@pytest.mark.parametrize("stamp", [*ZONED, pd.Timestamp("2024-10-27 02:30+01:00").tz_convert("Europe/Berlin")])
def test_stamps_keep_zone_resolution_and_instant(stamp):
    for one in (stamp, stamp.as_unit("s"), stamp.tz_localize(None), stamp.tz_convert("UTC")):
        found = through_a_file(one)
        assert (found, found.unit, str(found.tz), found.fold) == (one, one.unit, str(one.tz), one.fold)


def test_periods_and_durations_come_back():
    for one in (pd.Period("2024-03", "M"), pd.Timedelta("1h"), pd.Timedelta(3, "D").as_unit("s")):
        assert same(through_a_file(one), one)


def test_frames_come_back():
    frame = pd.DataFrame(
        {"a": [1.5, np.nan], 3: [1, 2], ("b", 1): ["x", "y"], "c": pd.Categorical(["u", None]), "d": ZONED[:2]},
        index=pd.Index(["p", "q"], name="row"),
    )
    frame.insert(0, "a", [True, False], allow_duplicates=True)
    pd.testing.assert_frame_equal(through_a_file(frame), frame)


def test_random_states_come_back_where_they_were():
    state = np.random.RandomState(3)
    state.normal(size=7)  # an odd number leaves one normal draw in hand
    found = through_a_file(state)
    assert found.normal(size=9).tolist() == state.normal(size=9).tolist()


def test_what_stands_twice_is_one_object_again():
    ridge = Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    found = through_a_file([ridge, {"again": ridge}, Ridge()])
    assert found[0] is found[1]["again"]
    assert found[2] is not found[0]
    assert through_a_file(Bunch(a=1)).a == 1


class Text(str):
    pass


REFUSED = {
    "a function": len,
    "a lambda": lambda: None,
    "a module": json,
    "a class": Ridge,
    "a set": {1},
    "bytes": b"a",
    "a complex number": 1j,
    "a number beyond 64 bits": 2**64,
    "a text of one's own": Text("a"),
    "complex numbers": np.ones(2, complex),
    "long doubles": np.ones(2, np.longdouble),
    "a structure": np.ones(2, "i4,f8"),
    "a masked array": np.ma.masked_array([1, 2], [True, False]),
    "a matrix": np.ones((1, 1)).view(np.matrix),
    "a function of SciPy": __import__("scipy.special").special.expit,
    "a generator": np.random.default_rng(0),
    "an interval": pd.Interval(1, 2),
    "intervals": pd.interval_range(0, 3),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("around", [lambda value: value, lambda value: {"key": [value]}], ids=["alone", "inside"])
def test_everything_else_is_refused_by_its_place(kind, around):
    with pytest.raises(ModelFileError, match=r"^value(\.key\.0)? is a "):
        through_a_file(around(REFUSED[kind]))


# -------------------- strangers


def places(tree, at=()):
    """Ways to all nodes of a tree of JSON."""
    yield at
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(part, (*at, key))


def replaced(tree, way, value):
    if not way:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[way[0]] = replaced(copy[way[0]], way[1:], value)
    return copy


@pytest.mark.parametrize("name", ["panel of categories", "trading calendar", "transform: objects", "covariates"])
def test_whatever_a_stranger_changes_is_a_model_or_an_error_of_the_file(name, tmp_path):
    """A part of the tree becomes another part of it, or any JSON; the checksum is right."""
    SERIES[name]().save(tmp_path / "model")
    header, body = parts((tmp_path / "model").read_bytes())
    tree = json.loads(header["__metadata__"]["model"])
    ways = list(places(tree))
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
        max_leaves=4,
    )
    tried = []

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(way=st.sampled_from(ways), other=st.sampled_from(ways), value=anything, swap=st.booleans())
    def holds(way, other, value, swap):
        part = tree
        for key in other:
            part = part[key]
        changed = replaced(tree, way, part if swap else value)
        metadata = header["__metadata__"] | {"model": json.dumps(changed)}
        (tmp_path / "model").write_bytes(sealed(header | {"__metadata__": metadata}, body))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                forecast.load(tmp_path / "model")
                tried.append(True)
            except ModelFileError:
                tried.append(False)

    holds()
    assert {True, False} == set(tried)
