"""Blocks of whole series out of Parquet files, arrays and functions; and a Parquet file that is written in parts."""

import os

import numpy as np
import pandas as pd
import pytest

from forecast import ArrayBlocks, FrameBlocks, ParquetBlocks
from forecast._blocks import Columns, parquet_parts, read_ahead

COLUMNS = Columns(["item"], "day", ["y"])
DAYS = pd.date_range("2024-01-01", periods=9)


def panel(n=7):
    """Series of 9, 8, 7, ... rows with numbers as names."""
    parts = [pd.DataFrame({"item": k, "day": DAYS[k % 3 :], "y": np.arange(9.0 - k % 3) + 10 * k}) for k in range(n)]
    return pd.concat(parts, ignore_index=True)


def written(frame, folder, cuts=(), rows=5):
    """Files that hold the rows between the cuts, with small row groups."""
    for number, (first, end) in enumerate(zip((0, *cuts), (*cuts, len(frame)), strict=True)):
        frame.iloc[first:end].to_parquet(folder / f"part-{number}.parquet", row_group_size=rows, index=False)
    return folder


def whole(reading):
    return [reading.read(number) for number in range(reading.n_blocks)]


@pytest.mark.parametrize(("cuts", "rows"), [((), 100), ((), 4), ((3, 11, 30), 5), ((9, 10), 1)])
def test_blocks_hold_whole_series_wherever_files_and_row_groups_end(tmp_path, cuts, rows):
    frame = panel()
    found = whole(ParquetBlocks(written(frame, tmp_path, cuts, rows), block_rows=20)._open(COLUMNS))
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), frame, check_dtype=False)
    assert [one["item"].unique().tolist() for one in found] == [[0, 1], [2, 3], [4, 5], [6]]


def test_a_series_longer_than_a_block_is_one(tmp_path):
    reading = ParquetBlocks(written(panel(3), tmp_path), block_rows=1)._open(COLUMNS)
    assert [len(one) for one in whole(reading)] == [9, 8, 7]


def test_only_the_columns_asked_for_are_read(tmp_path):
    written(panel(2).assign(other="text"), tmp_path)
    assert list(ParquetBlocks(tmp_path)._open(COLUMNS).read(0)) == ["item", "day", "y"]


def test_several_columns_name_a_series_also_as_categories(tmp_path):
    frame = panel(4).assign(store="a")
    frame.loc[frame["item"] > 1, "store"] = "b"
    frame = frame.astype({"store": "category", "item": "category"})
    reading = ParquetBlocks(written(frame, tmp_path, (20,)), block_rows=9)._open(
        Columns(["store", "item"], "day", ["y"])
    )
    found = whole(reading)
    assert [len(one) for one in found] == [9, 8, 7, 9]
    assert [one["store"].iloc[0] for one in found] == ["a", "a", "b", "b"]


def test_the_order_of_a_list_of_files_is_kept(tmp_path):
    written(panel(2), tmp_path, (9,))
    files = [tmp_path / "part-1.parquet", tmp_path / "part-0.parquet"]
    assert ParquetBlocks(files)._open(COLUMNS).read(0)["item"].unique().tolist() == [1, 0]


# -------------------- what is refused, with the file and the row group


def test_a_series_in_two_places_is_refused(tmp_path):
    frame = panel(3)
    frame = pd.concat([frame.iloc[:5], frame.iloc[9:], frame.iloc[5:9]])
    with pytest.raises(
        ValueError, match=r"series 0 begins in .*part-0.parquet, row group 0 and again in .*part-1"
    ) as e:
        ParquetBlocks(written(frame, tmp_path, (20,)))._open(COLUMNS)
    assert "Sort the rows by ['item'] and the time" in str(e.value)


@pytest.mark.parametrize("change", ["swapped", "twice"])
def test_time_that_does_not_rise_is_refused(tmp_path, change):
    frame = panel(3)
    days = frame["day"].to_numpy().copy()
    days[[12, 13]] = days[[13, 12]] if change == "swapped" else days[12]
    reading = ParquetBlocks(written(frame.assign(day=days), tmp_path))._open(COLUMNS)
    with pytest.raises(ValueError, match=r"part-0.parquet, row group 2: series 1 goes from 2024-01-0. "):
        reading.read(0)


def test_files_with_other_types_are_refused(tmp_path):
    frame = panel(2)
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    frame.astype({"y": "float32", "item": "int64"}).to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(ValueError, match=r"column 'y' of .*b.parquet is float; expected double, as in .*a.parquet"):
        ParquetBlocks(tmp_path)._open(COLUMNS)


def test_a_missing_name_is_refused(tmp_path):
    frame = panel(2).astype({"item": "Int64"})
    frame.loc[12, "item"] = pd.NA
    with pytest.raises(ValueError, match=r"row group 2: column 'item' has 1 missing names of series"):
        ParquetBlocks(written(frame, tmp_path))._open(COLUMNS)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"contains no \.parquet file"):
        ParquetBlocks(tmp_path)._open(COLUMNS)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ParquetBlocks(tmp_path / "no.parquet")._open(COLUMNS)
    (tmp_path / "text.parquet").write_text("item,day")
    with pytest.raises(ValueError, match=r"text\.parquet is not a Parquet file"):
        ParquetBlocks(tmp_path / "text.parquet")._open(COLUMNS)


def test_a_column_that_is_not_there_is_refused(tmp_path):
    written(panel(2), tmp_path)
    with pytest.raises(ValueError, match=r"part-0\.parquet has no column 'z'"):
        ParquetBlocks(tmp_path)._open(Columns(["item"], "day", ["z"]))


def test_without_pyarrow_the_error_has_the_fix(tmp_path, monkeypatch):
    written(panel(2), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"Parquet files need pyarrow\. Fix: pip install 'rnn-forecast\[parquet\]'\."):
        ParquetBlocks(tmp_path)._open(COLUMNS)


@pytest.mark.parametrize("make", [
    lambda: ParquetBlocks("a", block_rows=0), lambda: ParquetBlocks("a", sample=True), lambda: FrameBlocks(panel, 1.5),
    lambda: ArrayBlocks(np.zeros((2, 3)), block_rows=-1),
])  # fmt: skip
def test_sizes_that_are_no_numbers_are_refused(make):
    with pytest.raises(ValueError, match="a whole number, 1 or more"):
        make()


def test_frames_are_made_by_a_function():
    with pytest.raises(TypeError, match="make is a DataFrame; expected a function"):
        FrameBlocks(panel(), 3)


# -------------------- arrays


def test_an_array_is_read_in_blocks_of_whole_series(tmp_path):
    values = np.arange(40, dtype=np.float32).reshape(10, 4)
    np.save(tmp_path / "panel.npy", values)
    mapped = np.load(tmp_path / "panel.npy", mmap_mode="r")
    blocks = ArrayBlocks(mapped, start="2024-01-01", freq="D", names=list("abcdefghij"), block_rows=12)
    found = whole(blocks._open(Columns(["series"], "time", ["y"])))
    assert [len(one) for one in found] == [12, 12, 12, 4]
    together = pd.concat(found, ignore_index=True)
    assert together["y"].dtype == np.float32
    np.testing.assert_array_equal(together["y"], values.ravel())
    assert together["series"].tolist() == [name for name in "abcdefghij" for _ in range(4)]
    assert together["time"].tolist() == pd.date_range("2024-01-01", periods=4).tolist() * 10


def test_columns_of_an_array_have_names():
    values = np.arange(24.0).reshape(2, 4, 3)
    blocks = ArrayBlocks(values, columns=["y", "x", "z"])
    found = blocks._open(Columns(["series"], "time", ["y", "z"])).read(0)
    assert list(found) == ["series", "time", "y", "z"]
    np.testing.assert_array_equal(found["z"], values[:, :, 2].ravel())
    assert found["time"].tolist() == [0, 1, 2, 3] * 2


@pytest.mark.parametrize(("arguments", "words"), [
    (dict(values=np.zeros(3)), r"values: expected an array of float32 or float64"),
    (dict(values=np.zeros((2, 3), int)), r"values: expected an array of float32 or float64"),
    (dict(values=np.zeros((2, 3, 2))), r"columns: expected 2 names"),
    (dict(values=np.zeros((2, 3)), columns=["time"]), r"columns: expected 1 names"),
    (dict(values=np.zeros((2, 3)), start="2024"), r"one of start and freq is given"),
    (dict(values=np.zeros((2, 3)), names=["a", "a"]), r"names: expected 2 different names"),
])  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        ArrayBlocks(**arguments)


def test_names_of_an_array_are_those_of_the_forecaster():
    blocks = ArrayBlocks(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="series of the forecaster is 'item'; expected 'series'"):
        blocks._open(Columns(["item"], "time", ["y"]))
    with pytest.raises(ValueError, match="the array has no column 'z'"):
        blocks._open(Columns(["series"], "time", ["z"]))


# -------------------- ahead, and into a file


def test_the_next_block_is_read_while_one_is_used():
    begun = []

    def read(number):
        begun.append(number)
        return number

    reading = read_ahead(range(4), read)
    next(reading)
    assert set(begun) <= {0, 1}
    reading.close()
    assert 2 not in begun


def test_what_reading_raises_comes_in_order():
    def read(number):
        if number == 1:
            raise ValueError("block 1")
        return number

    reading = read_ahead(range(3), read)
    assert next(reading) == (0, 0)
    with pytest.raises(ValueError, match="block 1"):
        next(reading)


def append(path, frames, error=None):
    """Frames into a file, and an error behind them."""
    with parquet_parts(path) as parts:
        for frame in frames:
            parts.append(frame)
        if error is not None:
            assert len(os.listdir(path.parent)) == 2
            raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_is_not_complete_leaves_the_old_one(tmp_path, error):
    path = tmp_path / "rows.parquet"
    panel(1).to_parquet(path)
    before = path.read_bytes()
    with pytest.raises(error):
        append(path, [panel(2)], error)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["rows.parquet"]


def test_parts_with_other_columns_are_not_written(tmp_path):
    with pytest.raises(KeyError):
        append(tmp_path / "rows.parquet", [panel(1), panel(1).drop(columns="y")])
    assert os.listdir(tmp_path) == []
