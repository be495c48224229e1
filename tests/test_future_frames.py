"""Histories and future rows: aligned by series and time, and refused where they do not fit what was fitted."""

import numpy as np
import pandas as pd
import pytest
from panels import DAYS, LAYOUTS, long, roles

from forecast._frames import Roles, Rules, future_frame, read_future, read_panel


def test_a_history_has_the_kind_the_zone_and_the_frequency_that_were_fitted():
    which = roles(time="day", static=[])
    fitted = read_panel(long(), which, Rules())

    def history(frame, **rules):
        return read_panel(frame, which, Rules(**rules), schema=fitted.schema, axis=fitted.axis, what="history")

    assert history(long((1, 2))).axis is fitted.axis
    zoned = long().assign(day=long()["day"].dt.tz_convert("UTC"))
    with pytest.raises(ValueError, match=r"history's stamps have zone UTC.*Europe/Berlin.*tz_convert"):
        history(zoned)
    with pytest.raises(ValueError, match=r"have zone None.*tz_localize"):
        history(long().assign(day=long()["day"].dt.tz_localize(None)))
    with pytest.raises(ValueError, match=r"frequency '2D', but the model was fitted at 'D'.*resample"):
        history(long((8,)).iloc[::2])
    with pytest.raises(ValueError, match="same kind"):
        history(long().assign(day=np.arange(19)))
    with pytest.raises(ValueError, match="gaps: at frequency 'D', 1 of 19"):
        history(long().drop(index=3))
    assert history(long().drop(index=3), gaps="mask").inserted.sum() == 1
    with pytest.raises(ValueError, match="past covariate 'x' is not in the frame"):
        history(long().drop(columns="x"))


def future_of(frame, which):
    panel = read_panel(frame, which, Rules())
    keys = [None] if panel.keys is None else list(panel.keys)
    expected = {key: panel.index[end - 1] for key, end in zip(keys, panel.starts[1:], strict=True)}
    labels = [panel.axis.after(last, 3) for last in expected.values()]
    return panel, expected, future_frame(panel.layout, which, panel.schema, keys, labels)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_future_frame_is_the_frame_to_fill(name):
    change, more = LAYOUTS[name]
    frame = change(long().assign(promo=1.0, kind="a"))
    which = roles(future=["promo", "kind"], **more)
    panel, expected, future = future_of(frame, which)
    assert set(future.columns) == {"promo", "kind"} | ({"shop", "day"} & set(frame.columns))
    assert list(future["kind"].cat.categories) == ["a"]
    assert future[["promo", "kind"]].isna().all().all()
    with pytest.raises(ValueError, match=r"'promo' has 9 missing values.*, 2024-01-09.*future_frame"):
        read_future(future, which, panel.schema, panel.axis, expected)
    future["promo"], future["kind"] = np.arange(9.0), "a"
    shuffled = future.iloc[[3, 0, 6, 1, 4, 7, 2, 5, 8]]
    got = read_future(shuffled, which, panel.schema, panel.axis, expected, at_least=3)
    assert [str(key).strip("s") for key in got.keys] == ["1", "0", "2"]
    assert [values[:, 0].tolist() for values in got.values] == [[3, 4, 5], [0, 1, 2], [6, 7, 8]]
    assert [rows.tolist() for rows in got.rows] == [[0, 4, 7], [1, 3, 6], [2, 5, 8]]
    assert got.index.equals(shuffled.index)
    assert all(part.equals(panel.axis.after(DAYS[-1], 3)) for part in got.labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(index=5), r"series 's1'.*needed: the first missing one is 2024-01-11.*future_frame"),
        (lambda f: f.drop(index=4), r"series 's1': X does not continue.*row 1 is 2024-01-11.*expected 2024-01-10"),
        (lambda f: f.drop(columns="promo"), "'promo' is not in the frame.*future_frame"),
        (lambda f: f.assign(shop=f["shop"].replace("s1", "s9")), "unknown series 's9'; expected some of 's0', 's1'"),
        (lambda f: f.assign(shop=f["shop"].where(f.index != 3)), "names no series in row 3"),
        (lambda f: f.assign(promo=f["promo"].where(f.index != 4)), r"'promo' has 1 missing.*\('s1', 2024-01-10"),
        (lambda f: f.assign(promo=f["promo"].replace(4.0, np.inf)), r"'promo' has infinite.*\('s1', 2024-01-10"),
        (lambda f: f.assign(kind="b"), r"unknown category 'b' at \('s0', 2024-01-09"),
        (lambda f: f.assign(day=f["day"].dt.tz_localize(None)), r"does not continue.*predict\(history=frame\)"),
        (lambda f: f.iloc[:0], "X has no rows"),
        (lambda f: f.iloc[::-1], "does not continue"),
    ],
)
def test_future_rows_that_do_not_fit_are_refused_with_series_stamp_and_column(change, message):
    which = roles(future=["promo", "kind"], time="day")
    panel, expected, future = future_of(long().assign(promo=1.0, kind="a"), which)
    future["promo"], future["kind"] = np.arange(9.0), "a"
    read_future(future, which, panel.schema, panel.axis, expected, at_least=3)
    with pytest.raises(ValueError, match=message):
        read_future(change(future), which, panel.schema, panel.axis, expected, at_least=3)


def test_some_series_may_be_left_out_and_any_zone_will_do():
    which = roles(time="day")
    panel, expected, future = future_of(long(), which)
    part = future[future["shop"] == "s1"].assign(
        day=lambda f: f["day"].dt.tz_convert("UTC").astype("datetime64[s, UTC]")
    )
    got = read_future(part, which, panel.schema, panel.axis, expected)
    assert got.keys == ["s1"]
    assert str(got.labels[0].tz) == "UTC"
    assert got.values[0].shape == (3, 0)


def sessions(*without):
    days = pd.DatetimeIndex(pd.date_range("2024-04-01", periods=40, freq="B").drop(list(without)), freq=None)
    frame = pd.DataFrame({"y": 0.0}, index=days)
    return read_panel(frame, Roles(["y"]), Rules()), days


def test_future_sessions_may_skip_a_day_where_no_calendar_is_known():
    panel, days = sessions("2024-05-01")
    after = pd.date_range(days[-1], periods=8, freq="B")[1:]

    def read(labels):
        frame = pd.DataFrame(index=labels)
        return read_future(frame, Roles(["y"]), panel.schema, panel.axis, {None: days[-1]}).labels[0]

    assert read(after.delete(1)).equals(after.delete(1))
    saturday = after[:1] + pd.Timedelta(days=(5 - after[0].day_of_week) % 7)
    late = after[1:] + pd.Timedelta(hours=1)
    for wrong in (after.delete([1, 2]), after[2:], late, after.union(saturday), days[-2:]):
        with pytest.raises(ValueError, match="does not continue"):
            read(wrong)


def test_weekdays_without_any_holiday_may_have_some_in_a_history_but_not_in_the_future_rows():
    panel, days = sessions()
    with_holiday = pd.DataFrame({"y": 0.0}, index=days.drop("2024-05-01"))
    history = read_panel(with_holiday, Roles(["y"]), Rules(), schema=panel.schema, axis=panel.axis, what="history")
    assert len(history.targets) == 39
    after = pd.date_range(days[-1], periods=8, freq="B")[1:]
    with pytest.raises(ValueError, match="does not continue"):
        read_future(pd.DataFrame(index=after[1:]), Roles(["y"]), panel.schema, panel.axis, {None: days[-1]})
