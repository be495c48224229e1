"""Files that are no plain CSV: Excel, JSON, packed ones and damaged ones, each read or refused in one short line."""

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from forecast.cli import main
from forecast.cli.planning import read_data
from forecast.cli.problems import ProblemError
from forecast.cli.reading import read_table

ROWS = 48
HOURS = pd.date_range("2024-01-01", periods=ROWS, freq="h")
LOAD = 20 + np.arange(ROWS) / 8
TABLE = pd.DataFrame({"when": HOURS, "load": LOAD})
TEXT = TABLE.to_csv(index=False).encode()


def read(path, **options):
    given = {"time": None, "time_format": None, "timezone": None, "na": [], "decimal": None, "sheet": None} | options
    return read_data(Namespace(data=str(path), **given))


def excel(*frames, **options):
    book = io.BytesIO()
    with pd.ExcelWriter(book) as writer:
        for number, frame in enumerate(frames):
            frame.to_excel(writer, sheet_name=f"Sheet {number + 1}", **{"index": False} | options)
    return book.getvalue()


def archive(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(name.replace("_", "."), data)
    return packed.getvalue()


def json_lines(records):
    return "\n".join(map(json.dumps, records)).encode()


RECORDS = [{"when": str(hour), "load": load} for hour, load in zip(HOURS, LOAD, strict=True)]
SAME = {
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zip": archive(a_csv=TEXT),
    "Excel in zip": archive(a_xlsx=excel(TABLE)),
    "Parquet in gzip": gzip.compress(TABLE.to_parquet()),
    "Excel": excel(TABLE),
    "Excel with rows above and a column before": excel(TABLE, startrow=3, startcol=1),
    "Excel with its text": excel(TABLE.astype(str)),
    "Excel with a page of notes": excel(pd.DataFrame({"Notes": ["about"]}), TABLE),
    "Excel with date and time of day": excel(pd.DataFrame({"Date": HOURS.date, "Time": HOURS.time, "load": LOAD})),
    "JSON lines": json_lines(RECORDS),
    "JSON lines in gzip": gzip.compress(json_lines(RECORDS)),
    "a list of records": json.dumps(RECORDS).encode(),
    "JSON with text": json_lines([{"when": row["when"], "load": str(row["load"])} for row in RECORDS]),
    "JSON in levels": json_lines([{"when": row["when"], "site": {"load": row["load"]}} for row in RECORDS]),
    "Parquet with days of Arrow": TABLE.assign(when=HOURS).convert_dtypes(dtype_backend="pyarrow").to_parquet(),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_table_is_read_from_every_kind_of_file(tmp_path, kind):
    (tmp_path / "file").write_bytes(SAME[kind])
    data = read(tmp_path / "file")
    assert (pd.DatetimeIndex(data.frame.index) == HOURS).all()
    assert data.frame[data.target[0]].tolist() == LOAD.tolist()
    assert data.target[0].endswith("load")


def test_a_sheet_is_chosen_by_its_name(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(excel(TABLE, TABLE.assign(load=LOAD + 5)))
    data = read(tmp_path / "a.xlsx")
    assert data.frame["load"].iloc[0] == 20
    assert "Sheet 'Sheet 1' was read, the first with a table of ['Sheet 1', 'Sheet 2']" in data.notes[0]
    assert read(tmp_path / "a.xlsx", sheet="Sheet 2").frame["load"].iloc[0] == 25


def test_empty_and_named_cells_have_no_value(tmp_path):
    holes = TABLE.assign(load=[None, -9999, *LOAD[2:]])
    for name, data in {
        "a.xlsx": excel(holes),
        "a.jsonl": json_lines(holes.astype({"when": str}).to_dict("records")),
    }.items():
        (tmp_path / name).write_bytes(data)
        frame = read(tmp_path / name, na=["-9999"]).frame
        assert frame["load"].isna().to_numpy().nonzero()[0].tolist() == [0, 1]
    assert read(tmp_path / "a.xlsx", na=["-1"]).notes == ["No cell is '-1' (--na)."]


def test_excel_without_openpyxl_is_refused_with_the_fix(tmp_path, monkeypatch):
    (tmp_path / "a.xlsx").write_bytes(excel(TABLE))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ProblemError, match=r"needs openpyxl.* CSV\. Fix: pip install 'rnn-forecast\[excel\]'"):
        read_table(tmp_path / "a.xlsx")


def flipped(data):
    """With one bit of the middle changed."""
    half = len(data) // 2
    return data[:half] + bytes([data[half] ^ 255]) + data[half + 1 :]


def directory(data, offset, value):
    """An archive with one byte of its directory's entry changed."""
    at = data.rindex(b"PK\x01\x02") + offset
    return data[:at] + bytes([value]) + data[at + 1 :]


REFUSED = {
    "bzip2, cut": (bz2.compress(TEXT)[:-9], "is damaged"),
    "bzip2, a bit": (flipped(bz2.compress(TEXT)), "is damaged"),
    "xz, cut": (lzma.compress(TEXT)[:-9], "is damaged"),
    "gzip, a bit": (flipped(gzip.compress(TEXT)), "is damaged"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "zip, cut": (archive(a_csv=TEXT)[:-9], "is damaged"),
    "zip, a bit": (flipped(archive(a_csv=TEXT)), "is damaged"),
    "zip of two": (archive(a_csv=TEXT, b_csv=TEXT), r"a zip archive of 2 files \('a\.csv', 'b\.csv'\)"),
    "zip of a later version": (directory(archive(a_csv=TEXT), 6, 99), "cannot be read .*version.* unzip"),
    "zip with deflate64": (directory(archive(a_csv=TEXT), 10, 9), "a zip archive that cannot be read .* unzip"),
    "zip of a file without a name": (directory(archive(a_csv=TEXT), 46, 0), "is damaged"),
    "OpenDocument": (archive(mimetype=b"application/vnd.oasis", content_xml=b"<a/>"), "is neither Excel"),
    "Excel, cut": (excel(TABLE)[:3000], "is damaged"),
    "Excel, a header alone": (excel(TABLE.head(0)), r"no rows under its header, \['when', 'load'\]"),
    "Excel, empty": (excel(pd.DataFrame()), "is empty"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"old kind \(xls\)"),
    "zstd": (b"\x28\xb5\x2f\xfd\x00", "packed with zstd"),
    "tar": (b"a.csv".ljust(257, b"\0") + b"ustar" + b"\0" * 250, "a tar archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "a web page": (b"<!DOCTYPE html><html><body>Not found</body></html>", "a web page"),
    "XML": (b"<?xml version='1.0'?><rows/>", "is XML"),
    "noise": (bytes(range(256)) * 4, "is not text in UTF-8"),
    "JSON lines, cut": (json_lines(RECORDS)[:-5], 'line 48 is \'{"when"'),
    "JSON, cut": (json.dumps(RECORDS).encode()[:-5], "is not readable JSON"),
    "JSON, very deep": (b"[" * 100_000, "is not readable JSON"),
    "JSON of numbers": (b"[1, 2, 3]", "no list of records"),
    "JSON, one object": (json.dumps({"data": RECORDS}).encode(), r"one JSON object with \['data'\]"),
    "a row with more cells": (TEXT + b"2024-01-03,1,2\n", "more cells|line 50 has 3 cells, and the header has 2 names"),
    "a quote without an end": (TEXT.replace(b"2024-01-01 05", b'"2024-01-01 05'), "is not a regular table"),
    "no header": (TEXT.split(b"\n", 1)[1], r"has no header: its first line is '2024-01-01 00:00:00, 20\.0'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_short_line(tmp_path, kind, capsys):
    data, words = REFUSED[kind]
    path = tmp_path / ("a name of a file that is rather long, as downloads have it, " * 3 + ".csv")
    path.write_bytes(data)
    with pytest.raises(ProblemError, match=words):
        read(path)
    assert main(["fit", str(path), "-o", str(tmp_path / "m")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("forecast: error: ")
    assert len(err) < 200


def test_an_option_for_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(excel(TABLE))
    (tmp_path / "a.csv").write_bytes(TEXT)
    with pytest.raises(ProblemError, match=r"--decimal is for text"):
        read(tmp_path / "a.xlsx", decimal=",")
    with pytest.raises(ProblemError, match=r"--sheet is for Excel files"):
        read(tmp_path / "a.csv", sheet="Sheet 1")
    with pytest.raises(
        ProblemError, match=r"no sheet 'Sheet 3'; the sheets are \['Sheet 1'\]\. Did you mean 'Sheet 1'"
    ):
        read(tmp_path / "a.xlsx", sheet="Sheet 3")
    with pytest.raises(ProblemError, match=r"--decimal ,: column 'load' holds '20\.0'"):
        read(tmp_path / "a.csv", decimal=",")


def test_long_names_and_cells_leave_the_line_short_and_the_fix_whole(tmp_path, capsys):
    name, cell = "a column of more words than any line has room for, " * 5, "a cell of many words, " * 9
    table = TABLE.rename(columns={"load": name}).astype(str)
    table.loc[3, name] = cell
    table.to_csv(tmp_path / "a.csv", index=False)
    assert main(["fit", str(tmp_path / "a.csv"), "-o", str(tmp_path / "m")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("forecast: error: column 'a column of more words")
    assert len(err) < 200
    gone = pd.concat([TABLE.head(9), TABLE.tail(5)]).rename(columns={"when": name})
    gone.to_csv(tmp_path / "b.csv", index=False)
    assert main(["fit", str(tmp_path / "b.csv"), "--target", "load", "-o", str(tmp_path / "m")]) == 2
    err = capsys.readouterr().err
    assert err.endswith("Fix: --gaps mask.\n")
    assert len(err) < 200
