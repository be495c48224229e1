"""Frames of one and many series as arrays: layouts, covariates, gaps and missing values, and what is refused."""

import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from panels import DAYS, LAYOUTS, long, roles

from forecast._frames import Roles, Rules, answer, read_panel

CHUNKED = 5e6  # bytes of temporaries, whatever the length of the frame


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_alike_and_answered_in_kind(name):
    change, more = LAYOUTS[name]
    frame, which = change(long()), roles(**more)
    panel = read_panel(frame, which, Rules())
    assert panel.starts.tolist() == [0, 8, 14, 19]
    assert panel.starts.dtype == np.int64
    np.testing.assert_array_equal(panel.targets[:, 0], long()["y"])
    np.testing.assert_array_equal(panel.past[:, 0], long()["x"])
    np.testing.assert_array_equal(panel.static[:, 0], [0, 1, 2])
    assert list(panel.index) == list(long()["day"])
    assert [str(key).strip("s") for key in panel.keys] == ["0", "1", "2"]
    labels = [panel.axis.after(panel.index[end - 1], 2) for end in panel.starts[1:]]
    got = answer(panel.layout, which, panel.keys, labels, [np.full((2, 1), 7.0)] * 3, ["y"])
    assert got.index.names == (frame.index.names if name != "columns" else [None])
    assert (got["y"] == 7.0).all()
    if "shop" in frame:
        assert got["shop"].dtype == frame["shop"].dtype
    read_panel(got.assign(x=0.0, size=1.0), which, Rules(freq="D"), axis=panel.axis)


def test_one_series_keeps_its_index():
    frame = long()[:8].set_index("day")[["y"]]
    panel = read_panel(frame, Roles(["y"]), Rules())
    assert panel.keys is None
    got = answer(
        panel.layout, Roles(["y"]), [None], [panel.axis.after(DAYS[-1], 3)], [np.zeros((3, 2))], ["y", ("a", 1)]
    )
    assert got.index.equals(pd.date_range("2024-01-09", periods=3, freq="D", tz="Europe/Berlin"))
    assert got.index.name == "day"
    assert list(got.columns) == ["y", ("a", 1)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_of_a_grouped_frame_are_referred_to(dtype):
    frame = long(dtype=dtype)
    which = roles(past=[], static=[], time="day")
    panel = read_panel(frame, which, Rules())
    assert panel.targets.dtype == dtype
    assert np.shares_memory(panel.targets, frame["y"].to_numpy())
    assert np.shares_memory(panel.index.asi8, frame["day"].array.asi8)


def test_float32_is_kept_where_all_numbers_have_it():
    frame = long(dtype=np.float32).assign(kind="a")
    panel = read_panel(frame, roles(time="day", static=["kind"]), Rules())
    assert {array.dtype for array in (panel.targets, panel.past, panel.static)} == {np.dtype(np.float32)}
    mixed = read_panel(frame.astype({"x": np.float64}), roles(time="day", static=["kind"]), Rules())
    assert {array.dtype for array in (mixed.targets, mixed.past, mixed.static)} == {np.dtype(np.float64)}


def test_each_series_has_a_phase_of_its_own():
    weeks = [pd.date_range(start, periods=9, freq="7D") for start in ("2024-01-01", "2024-01-04")]
    frame = pd.DataFrame({"shop": np.repeat(["a", "b"], 9), "y": 0.0}, index=weeks[0].append(weeks[1]))
    panel = read_panel(frame, Roles(["y"], series="shop"), Rules())
    assert panel.axis.after(weeks[1][-1], 1)[0] == weeks[1][-1] + pd.Timedelta(days=7)
    assert panel.axis.after(weeks[0][-1], 1)[0] == weeks[0][-1] + pd.Timedelta(days=7)


def test_the_longest_series_shows_the_frequency_and_short_ones_keep_to_it():
    panel = read_panel(long((8, 1, 2)), roles(time="day"), Rules())
    assert panel.axis.freq == pd.offsets.Day()
    with pytest.raises(ValueError, match=r"'D', 1 of 19 stamps are missing: \('s1', 2024-01-04"):
        read_panel(long().drop(index=9), roles(time="day"), Rules(freq="D"))
    with pytest.raises(ValueError, match="2 rows; expected at least 3"):
        read_panel(long((2, 2)), roles(time="day"), Rules())


# -------------------- roles


def test_roles_are_a_label_or_a_list():
    got = Roles.of(long(), "y", past_covariates="x", static_covariates=["size"], series="shop", time="day")
    assert got == roles(time="day")
    assert Roles.of(long(), past_covariates="x", static_covariates="size", series="shop", time="day").target == ["y"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "yy"}, "target 'yy' is not in the frame; its columns are .*Did you mean 'y'"),
        ({"target": None, "past_covariates": None}, "2 columns that could be it: .*Fix: target="),
        ({"target": []}, "target is empty"),
        ({"target": ["y", "y"]}, "'y' is named twice as target"),
        ({"future_covariates": "x"}, "'x' is named as past covariate and as future covariate"),
        ({"future_covariates": "day"}, "'day' is named as future covariate and as time"),
        ({"series": None}, "static_covariates is .*series is None.*as series=. Fix: static_covariates=None"),
        ({"series": "shops"}, "series 'shops' is neither a column nor a level.*Did you mean 'shop'"),
        ({"time": "date"}, "time 'date' is neither"),
    ],
)
def test_roles_that_cannot_be_are_refused(changes, message):
    given = {"target": "y", "past_covariates": "x", "static_covariates": "size", "series": "shop", "time": "day"}
    with pytest.raises(ValueError, match=message):
        read_panel(long(), Roles.of(long(), **(given | changes)), Rules())


def test_levels_without_a_role_are_refused():
    frame = long().set_index(["shop", "day"])
    with pytest.raises(ValueError, match=r"2 levels .*Fix: series='shop'"):
        read_panel(frame, Roles(["y"]), Rules())
    with pytest.raises(ValueError, match="'shop' is a column and a level"):
        read_panel(frame.assign(shop=1), roles(), Rules())
    with pytest.raises(ValueError, match=r"Fix: series=\['shop', 'x'\]"):
        read_panel(frame.set_index("x", append=True), roles(past=[]), Rules())


def test_stamps_that_are_no_times_are_refused_with_to_datetime():
    frame = long()
    frame["day"] = frame["day"].astype(str)
    with pytest.raises(TypeError, match=r"'day' holds .*Fix: df\['day'\] = pd.to_datetime"):
        read_panel(frame, roles(time="day"), Rules())


def test_duplicates_name_a_column_that_may_name_the_series():
    with pytest.raises(ValueError, match=r"11 duplicates.*Fix: series='shop'"):
        read_panel(long().set_index("day"), Roles(["y"]), Rules())
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index=DAYS[[0, 1, 1]])
    with pytest.raises(ValueError, match=r"1 duplicates: 2024-01-02.*groupby"):
        read_panel(frame, Roles(["y"]), Rules())


def test_rows_without_a_series_are_refused():
    with pytest.raises(ValueError, match="column 'shop' names no series in row 8"):
        read_panel(long().assign(shop=long()["shop"].where(long()["shop"] != "s1")), roles(time="day"), Rules())


# -------------------- covariates


def test_categories_become_ones_and_zeros():
    frame = long().assign(
        weather=np.resize(["rain", "dry"], 19),
        size=pd.Categorical(np.repeat(["big", "small", "big"], [8, 6, 5]), categories=["small", "big", "huge"]),
        open=np.resize([True, False], 19),
    )
    panel = read_panel(frame, roles(past=["weather"], future=["open"], time="day"), Rules())
    assert panel.schema.past_names == ["weather=dry", "weather=rain"]
    assert panel.schema.future_names == ["open"]
    assert panel.schema.static_names == ["size=small", "size=big", "size=huge"]
    np.testing.assert_array_equal(panel.past[:3], [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(panel.future[:3, 0], [1, 0, 1])
    np.testing.assert_array_equal(panel.static, [[0, 1, 0], [1, 0, 0], [0, 1, 0]])


def test_an_unknown_category_is_refused_with_the_known_ones():
    which = roles(past=["weather"], static=[], time="day")
    panel = read_panel(long().assign(weather=np.resize(["rain", "dry"], 19)), which, Rules())
    for values in (np.resize(["rain", "hail"], 19), pd.Categorical(np.resize(["rain", "hail"], 19))):
        with pytest.raises(ValueError, match=r"'weather' has the unknown category 'hail' at \('s0', 2024-01-02.*'dry'"):
            read_panel(long().assign(weather=values), which, Rules(), schema=panel.schema, axis=panel.axis)


@pytest.mark.parametrize(
    "values", [["1.5", "2.5", "x", "4.5"], [1.0, 2.0, "x", 4.0], ["1.5", "2.5", "3.5", "4.5"]], ids=str
)
def test_text_in_a_column_of_numbers_is_refused_with_the_place(values):
    frame = pd.DataFrame({"y": 0.0, "x": values}, index=DAYS[:4])
    bad = "'x' at 2024-01-03" if "x" in values else "'1.5' at 2024-01-01"
    with pytest.raises(TypeError, match=f"column 'x' holds .* the first {bad}.*pd.to_numeric"):
        read_panel(frame, Roles(["y"], ["x"]), Rules())
    with pytest.raises(TypeError, match=f"column 'x' holds .* the first {bad}"):
        read_panel(frame, Roles(["x"]), Rules())


def test_whole_numbers_as_text_are_names_of_categories():
    panel = read_panel(pd.DataFrame({"y": 0.0, "x": list("2112")}, index=DAYS[:4]), Roles(["y"], ["x"]), Rules())
    assert panel.schema.past_names == ["x=1", "x=2"]


def test_a_column_of_names_is_no_covariate():
    index = pd.RangeIndex(1200)
    frame = pd.DataFrame({"y": 0.0, "x": [f"row {row}" for row in index]}, index=index)
    with pytest.raises(TypeError, match="'x' has 1200 categories; expected at most 1000"):
        read_panel(frame, Roles(["y"], ["x"]), Rules())


@pytest.mark.parametrize(
    "values", [DAYS[:4], pd.to_timedelta([1, 2, 3, 4]), [1j] * 4], ids=["stamps", "spans", "complex"]
)
def test_other_columns_are_refused(values):
    with pytest.raises(TypeError, match=r"column 'x' holds .*expected numbers"):
        read_panel(pd.DataFrame({"y": 0.0, "x": values}, index=DAYS[:4]), Roles(["y"], ["x"]), Rules())


@pytest.mark.parametrize("sort", [False, True])
def test_static_covariates_do_not_change_within_a_series(sort):
    frame = long()
    frame.loc[10, "size"] = 9.0
    frame = frame.sort_values("day", kind="stable") if sort else frame
    with pytest.raises(
        ValueError, match=r"static covariate 'size' changes within series 's1': from 1.0 to 9.0 at 2024-01-05"
    ):
        read_panel(frame, roles(time="day"), Rules())
    with pytest.raises(ValueError, match=r"static covariate 'size' is missing \(NaN\) for 1 of 3 series: 's0'"):
        read_panel(long().assign(size=long()["size"].replace(0.0, np.nan)), roles(time="day"), Rules())
    with pytest.raises(ValueError, match=r"static covariate 'size' has 1 missing values \(NaN\): \('s1', 2024-01-05"):
        read_panel(long().assign(size=long()["size"].where(long().index != 10)), roles(time="day"), Rules())


# -------------------- missing values and gaps


def test_missing_values_are_refused_with_the_first_three_places_or_masked():
    frame = long()
    frame.loc[[2, 9, 10, 15], "y"] = np.nan
    frame.loc[3, "x"] = np.nan
    with pytest.raises(
        ValueError, match=r"target 'y' has 4 missing.*\('s0', 2024-01-03.*\('s1', 2024-01-05.*4 in all.*missing='mask'"
    ):
        read_panel(frame, roles(time="day"), Rules())
    panel = read_panel(frame, roles(time="day"), Rules(missing="mask"))
    assert np.flatnonzero(np.isnan(panel.targets)).tolist() == [2, 9, 10, 15]
    assert np.flatnonzero(np.isnan(panel.past)).tolist() == [3]
    with pytest.raises(ValueError, match=r"future covariate 'x' has 1 missing"):
        read_panel(frame, roles(past=[], future=["x"], time="day"), Rules(missing="mask"))
    frame.loc[3, "x"] = -np.inf
    with pytest.raises(ValueError, match=r"column 'x' has 1 infinite values: \('s0', 2024-01-04"):
        read_panel(frame, roles(time="day"), Rules(missing="mask"))


def test_a_missing_category_is_missing_in_all_its_columns():
    frame = pd.DataFrame({"y": 0.0, "x": ["a", None, "b", "a"]}, index=DAYS[:4])
    panel = read_panel(frame, Roles(["y"], ["x"]), Rules(missing="mask"))
    np.testing.assert_array_equal(panel.past, [[1, 0], [np.nan, np.nan], [0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"past covariate 'x=a' has 1 missing values.*2024-01-02"):
        read_panel(frame, Roles(["y"], ["x"]), Rules())


@pytest.mark.parametrize("sort", [False, True])
def test_gaps_are_masked_or_interpolated(sort):
    frame = long().assign(kind=np.resize(["a", "b"], 19), promo=np.arange(19.0) ** 2).drop(index=[2, 3, 10])
    frame = frame.sort_values("day", kind="stable") if sort else frame
    which = roles(past=["x", "kind"], future=["promo"], time="day")
    with pytest.raises(ValueError, match=r"3 of 19 stamps are missing: \('s0', 2024-01-03.*\('s1', 2024-01-05"):
        read_panel(frame, which, Rules())
    holes = [2, 3, 10]
    masked = read_panel(frame, which, Rules(gaps="mask"))
    filled = read_panel(frame, which, Rules(gaps="interpolate"))
    for panel in (masked, filled):
        assert panel.starts.tolist() == [0, 8, 14, 19]
        assert list(panel.index) == list(long()["day"])
        assert np.flatnonzero(panel.inserted).tolist() == holes
        np.testing.assert_array_equal(panel.future[holes, 0], [1, 1, 81])
        np.testing.assert_array_equal(panel.static[:, 0], [0, 1, 2])
    assert np.flatnonzero(np.isnan(masked.targets)).tolist() == holes
    assert np.isnan(masked.past[holes]).all()
    np.testing.assert_allclose(filled.targets[:, 0], long()["y"], rtol=1e-15)
    np.testing.assert_allclose(filled.past[:, 0], long()["x"], rtol=1e-15)
    np.testing.assert_array_equal(filled.past[holes, 1:], [[0, 1], [0, 1], [0, 1]])


GAPPY = {
    "hours over spring": pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz="Europe/Berlin"),
    "days over spring": pd.date_range("2024-03-26", periods=12, freq="D", tz="Europe/Berlin"),
    "skipped midnight": pd.date_range("2024-09-02", periods=12, freq="D").tz_localize(
        "America/Santiago", nonexistent="shift_forward"
    ),
    "business days": pd.date_range("2024-03-26", periods=12, freq="B"),
    "months": pd.date_range("2024-01-31", periods=12, freq="ME"),
    "periods": pd.period_range("2024-01", periods=12, freq="M"),
    "steps": pd.RangeIndex(0, 60, 5),
    "bare steps": pd.Index(np.arange(0, 24, 2, dtype=np.int16)),
}


@pytest.mark.parametrize("name", GAPPY)
def test_rows_put_in_have_the_stamps_that_were_missing(name):
    index = GAPPY[name].rename("time")
    freq = None if name == "periods" else getattr(index, "step", 2) if "steps" in name else getattr(index, "freq", None)
    frame = pd.DataFrame({"y": np.arange(12.0)}, index=index)
    holey = frame.drop(index=index[[4, 5, 6, 9]])
    for given in (freq, None):
        if given is None and name == "business days":
            continue  # whose missing days are no gaps
        panel = read_panel(holey, Roles(["y"]), Rules(freq=given, gaps="interpolate"))
        assert list(panel.index) == list(index)
        assert panel.index.dtype == index.dtype
        assert panel.index.name == "time"
        assert np.flatnonzero(panel.inserted).tolist() == [4, 5, 6, 9]
        # Linear in time, not in steps: a weekend and the months' lengths show.
        np.testing.assert_allclose(panel.targets[:, 0], np.arange(12.0), atol=1.0)
        assert (np.diff(panel.targets[:, 0]) > 0).all()


def test_a_lone_stamp_far_away_does_not_fill_the_memory():
    index = pd.date_range("2024-01-01", periods=50, freq="min").append(pd.DatetimeIndex(["2054-01-01"]))
    frame = pd.DataFrame({"y": 0.0}, index=index)
    with pytest.raises(ValueError, match=r"rows would be put in .* after 2024-01-01 00:49:00"):
        read_panel(frame, Roles(["y"]), Rules(freq="min", gaps="mask"))


def test_interpolation_leaves_what_was_missing_already():
    frame = pd.DataFrame({"y": [0.0, np.nan, 2.0, 4.0]}, index=DAYS[[0, 1, 3, 5]])
    panel = read_panel(frame, Roles(["y"]), Rules(freq="D", gaps="interpolate", missing="mask"))
    np.testing.assert_array_equal(panel.targets[:, 0], [0, np.nan, np.nan, 2, 3, 4])


# -------------------- other dtypes, and memory


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "float64[pyarrow]", "int32[pyarrow]", "bool", "int8"])
def test_numbers_of_every_dtype_are_read(dtype):
    frame = long().assign(y=np.resize([0, 1], 19))
    frame["y"] = frame["y"].astype(dtype)
    panel = read_panel(frame, roles(time="day"), Rules())
    np.testing.assert_array_equal(panel.targets[:, 0], np.resize([0, 1], 19))
    if dtype[0] in "IF":
        frame.loc[3, "y"] = pd.NA
        assert np.isnan(read_panel(frame, roles(time="day"), Rules(missing="mask")).targets[3, 0])


def test_names_and_stamps_of_arrow_are_read():
    frame = long().astype(
        {"shop": pd.ArrowDtype(pa.string()), "day": pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))}
    )
    panel = read_panel(frame, roles(time="day"), Rules())
    assert list(panel.keys) == ["s0", "s1", "s2"]
    assert list(panel.index) == list(long()["day"])


def test_a_level_of_categories_is_read_and_answered():
    frame = long().astype({"shop": "category"}).set_index(["shop", "day"])
    panel = read_panel(frame, roles(), Rules())
    assert not isinstance(panel.keys, pd.CategoricalIndex)
    labels = [panel.axis.after(DAYS[-1], 1)] * 3
    got = answer(panel.layout, roles(), panel.keys, labels, [np.zeros((1, 1))] * 3, ["y"])
    assert got.index.levels[0].dtype == frame.index.levels[0].dtype


def test_a_column_of_stamps_beside_rows_that_are_only_counted_is_named():
    with pytest.raises(ValueError, match=r"column 'day' holds time stamps.*Fix: time='day'"):
        read_panel(long(), roles(), Rules())


@pytest.mark.parametrize("names", ["category", "int", "str"])
def test_a_grouped_panel_is_read_in_a_fraction_of_its_own_memory(names):
    n_series, n = 400, 1000
    shop = np.repeat(np.arange(n_series), n)
    shop = {"int": shop, "category": pd.Categorical(shop), "str": np.char.add("s", shop.astype(str))}[names]
    day = pd.DatetimeIndex(np.tile(pd.date_range("2020-01-01", periods=n, freq="D").to_numpy(), n_series))
    frame = pd.DataFrame({"shop": shop, "day": day, "y": np.ones(n_series * n, dtype=np.float32)})
    which = Roles(["y"], series="shop", time="day")
    read_panel(frame, which, Rules())
    tracemalloc.start()
    panel = read_panel(frame, which, Rules())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(panel.keys) == n_series
    assert peak < 0.35 * (frame["day"].array.asi8.nbytes + frame["y"].to_numpy().nbytes) + CHUNKED
