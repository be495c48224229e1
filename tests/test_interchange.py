"""polars frames and Arrow tables at the door: read like pandas, answered in kind, and narwhals only for them."""

import sys

import children
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from forecast._frames import Roles, Rules, answer, enter, leave, read_panel

DAYS = pd.date_range("2024-03-28", periods=6, freq="D", tz="Europe/Berlin")
COLUMNS = {
    "shop": ["a"] * 3 + ["b"] * 3,
    "day": [stamp.to_pydatetime() for stamp in DAYS[:3]] * 2,
    "y": [1.0, 2.0, None, 4.0, 5.0, 6.0],
    "n": [1, 2, 3, 4, 5, None],
    "whole": [1, 2, 3, 4, 5, 6],
    "open": [True, False, None, True, True, False],
    "kind": ["p", "q", None, "p", "q", "q"],
}


def a_polars_frame():
    return pl.DataFrame(COLUMNS).with_columns(
        pl.col("day").dt.convert_time_zone("Europe/Berlin"),
        pl.col("kind").cast(pl.Enum(["q", "p", "r"])),
        pl.col("shop").cast(pl.Categorical),
        pl.col("whole").cast(pl.Float32),
    )


def an_arrow_table():
    table = pa.table({name: values for name, values in COLUMNS.items() if name not in ("day", "kind", "shop", "whole")})
    table = table.append_column("day", pa.array(COLUMNS["day"], type=pa.timestamp("ms", tz="Europe/Berlin")))
    table = table.append_column("kind", pa.array(COLUMNS["kind"]).dictionary_encode())
    table = table.append_column("shop", pa.array(COLUMNS["shop"]).dictionary_encode())
    return table.append_column("whole", pa.array(COLUMNS["whole"], type=pa.float32()))


KINDS = {"polars": a_polars_frame, "pyarrow": an_arrow_table}


@pytest.mark.parametrize("name", KINDS)
def test_columns_come_over_with_zones_categories_and_missing_values(name):
    frame, answer_in = enter(KINDS[name]())
    assert str(answer_in) == name
    assert set(frame.columns) == set(COLUMNS)
    assert (frame["day"].array == DAYS[:3].append(DAYS[:3])).all()
    assert str(frame["day"].dt.tz) == "Europe/Berlin"
    np.testing.assert_array_equal(frame["y"], [1, 2, np.nan, 4, 5, 6])
    np.testing.assert_array_equal(frame["n"].astype(float), [1, 2, 3, 4, 5, np.nan])
    assert frame["whole"].dtype == np.float32
    assert frame["open"].isna().tolist() == [False, False, True, False, False, False]
    assert list(frame["kind"].cat.categories) == (["q", "p", "r"] if name == "polars" else ["p", "q"])
    assert frame["kind"].astype(object).where(frame["kind"].notna(), None).tolist() == COLUMNS["kind"]
    assert frame["shop"].tolist() == COLUMNS["shop"]


@pytest.mark.parametrize("name", KINDS)
def test_answers_are_of_the_users_kind(name):
    given = KINDS[name]()
    frame, answer_in = enter(given)
    roles = Roles.of(frame, "whole", series="shop", time="day", answer_in=answer_in)
    panel = read_panel(frame, roles, Rules())
    assert panel.targets.dtype == np.float32
    labels = [panel.axis.after(panel.index[end - 1], 2) for end in panel.starts[1:]]
    got = answer(panel.layout, roles, panel.keys, labels, [np.full((2, 1), 7.0)] * 2, ["whole"])
    left = leave(got, answer_in)
    assert type(left) is type(given)
    back, _ = enter(left)
    assert list(back.columns) == ["shop", "day", "whole"]
    assert back["shop"].tolist() == ["a", "a", "b", "b"]
    assert (back["day"].array == DAYS[3:5].append(DAYS[3:5])).all()
    assert str(back["day"].dt.tz) == "Europe/Berlin"
    assert (back["whole"] == 7.0).all()
    if name == "polars":
        assert left.schema["shop"] == given.schema["shop"]
        assert left.schema["day"] == given.schema["day"]


def test_levels_of_an_index_become_columns():
    _, answer_in = enter(pl.DataFrame({"y": [1.0]}))
    index = pd.MultiIndex.from_arrays([["a", "b"], pd.period_range("2024", periods=2, freq="M").to_timestamp()])
    left = leave(pd.DataFrame({"y": [1.0, 2.0]}, index=index.set_names(["shop", "month"])), answer_in)
    assert left.columns == ["shop", "month", "y"]
    assert left["shop"].to_list() == ["a", "b"]


def test_dates_decimals_and_plain_text_are_read():
    given = pl.DataFrame({"day": list(DAYS[:3].date), "price": ["1.50", "2.50", "3.50"], "text": ["u", None, "v"]})
    frame, _ = enter(given.with_columns(pl.col("price").cast(pl.Decimal(10, 2))))
    assert frame["day"].tolist() == [pd.Timestamp(day) for day in DAYS[:3].date]
    assert frame["price"].tolist() == [1.5, 2.5, 3.5]
    assert frame["text"].isna().tolist() == [False, True, False]


def test_a_frame_without_an_index_needs_its_time_named():
    frame, answer_in = enter(a_polars_frame().drop("day"))
    with pytest.raises(ValueError, match=r"a frame of polars has no index, and time is None.*one of \['shop'"):
        Roles.of(frame, "y", answer_in=answer_in)


def test_pandas_frames_pass_through():
    frame = pd.DataFrame({"y": [1.0]})
    assert enter(frame)[0] is frame
    assert enter(frame["y"])[1] is None
    assert leave(frame, None) is frame


@pytest.mark.parametrize("X", [np.ones((3, 2)), [1.0], None, {"a": [1.0]}, "text"])
def test_what_is_no_frame_is_refused(X):
    with pytest.raises(TypeError, match="expected a pandas DataFrame"):
        enter(X)


def test_a_frame_that_is_not_computed_and_a_series_are_refused():
    with pytest.raises(TypeError, match=r"polars.LazyFrame, which is not computed yet.*collect\(\)"):
        enter(a_polars_frame().lazy())
    with pytest.raises(TypeError, match=r"polars.Series; expected a frame"):
        enter(pl.Series([1.0]))


IMPORTED = """
import json, sys
import pandas as pd
from forecast._frames import Roles, Rules, enter, read_panel

before = "narwhals" in sys.modules
frame, answer_in = enter(pd.DataFrame({"y": [1.0, 2.0, 3.0]}))
read_panel(frame, Roles.of(frame), Rules())
print(json.dumps([before, "narwhals" in sys.modules, answer_in]))
"""


def test_narwhals_is_imported_only_for_other_frames():
    before, after, answer_in = children.run(IMPORTED)
    assert after == before
    assert answer_in is None


def test_without_narwhals_the_fix_is_its_installation(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "narwhals"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match=r"polars frame; reading it needs narwhals. Fix: pip install narwhals"):
        enter(a_polars_frame())
