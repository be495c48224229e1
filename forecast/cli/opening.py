"""The bytes of a file or of the standard input, unpacked; other kinds of files are refused by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import sys
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .problems import ProblemError, close_to, shown, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PARQUET", "ZIP", "read_bytes"]

PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"
_PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ\x00": lzma.decompress}
_DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)
_SAVE = "Save the table as CSV or Parquet."
_OTHERS = {
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it first: unzstd."),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "Unpack it first: 7z x."),
    b"Rar!": ("a rar archive", "Unpack it first: unrar x."),
    b"\xd0\xcf\x11\xe0": ("an Excel file of the old kind (xls)", "Save it as xlsx or CSV."),
    b"ARROW1": ("an Arrow file", _SAVE),
    b"ORC": ("an ORC file", _SAVE),
    b"\x89HDF": ("an HDF5 file", _SAVE),
    b"CDF": ("a NetCDF file", _SAVE),
    b"SQLite format 3": ("an SQLite database", _SAVE),
    b"\x93NUMPY": ("a NumPy array", _SAVE),
    b"%PDF": ("a PDF document", _SAVE),
}
_WEB = (b"<!doctype html", b"<html")


def read_bytes(path: str) -> tuple[str, bytes]:
    """The bytes of a table's file.

    Parameters
    ----------
    path : str or path
        "-" is the standard input.

    Returns
    -------
    name : str
        Name for messages.
    data : bytes
        Out of gzip, bzip2, xz or zip, where it is packed; an Excel file, which is a zip archive too, as it is.

    Raises
    ------
    ProblemError
        It cannot be read, is empty, damaged, or of a kind that is not a table.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rain.csv.gz"
    ...     _ = path.write_bytes(gzip.compress(b"day,rain"))
    ...     read_bytes(path)
    ("the file 'rain.csv.gz'", b'day,rain')
    """
    if str(path) == "-":
        name, data = "the standard input", _from_stdin()
    else:
        place = Path(path)
        name = f"the file {shown_path(place.name)}"
        data = _from_disk(place, name)
    data = _unpacked(name, data)
    if not data.strip():
        raise ProblemError(f"{name} is empty; expected a header and rows.")
    _refuse_other_kinds(name, data)
    return name, data


def _from_stdin() -> bytes:
    if sys.stdin is None:
        raise ProblemError("the standard input is closed; expected a table there, or the name of a file.")
    try:
        number: int | None = sys.stdin.fileno()
    except io.UnsupportedOperation:  # a stream in memory, which ends
        number = None
    if number is not None:
        _refuse_device(number, "the standard input")
    return sys.stdin.buffer.read()


def _refuse_device(place: Path | int, name: str) -> None:
    """Refuse /dev/zero and the like, which never end; a terminal ends."""
    if stat.S_ISCHR(os.stat(place).st_mode) and not (isinstance(place, int) and os.isatty(place)):
        raise ProblemError(f"{name} is a device; expected a file or a pipe.")


def _from_disk(path: Path, name: str) -> bytes:
    try:
        _refuse_device(path, name)
        return path.read_bytes()
    except FileNotFoundError:
        folder = path.absolute().parent
        near = close_to(path.name, sorted(other.name for other in folder.iterdir()), 1) if folder.is_dir() else ""
        raise ProblemError(f"there is no file {shown_path(path)}.{near}") from None
    except IsADirectoryError:
        raise ProblemError(f"{shown_path(path)} is a folder; it cannot be read as a file. Name a file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ProblemError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _unpacked(name: str, data: bytes) -> bytes:
    for mark, unpack in _PACKED.items():
        if data.startswith(mark):
            with _unpacking(name):
                return unpack(data)
    if data.startswith(ZIP):
        return _from_zip(name, data)
    return data


@contextmanager
def _unpacking(name: str) -> Iterator[None]:
    """What an unpacker raises for a file, as a problem of this file."""
    try:
        yield
    except _DAMAGED as error:
        raise ProblemError(f"{name} is damaged: {shown(str(error), 80)}.") from None
    except NotImplementedError as error:  # zipfile raises it for a compression or a version that it does not know
        reason = shown(str(error), 80)
        raise ProblemError(f"{name} is a zip archive that cannot be read ({reason}). Unpack it first: unzip.") from None


def _from_zip(name: str, data: bytes) -> bytes:
    """The one file of an archive."""
    with _unpacking(name):
        archive = zipfile.ZipFile(io.BytesIO(data))
        # Not `is_dir()`, which fails on a part without a name.
        inside = [part for part in archive.infolist() if not part.filename.endswith("/")]
    names = {part.filename for part in inside}
    if "xl/workbook.xml" in names:
        return data
    if "mimetype" in names or any(part.startswith("word/") for part in names):
        raise ProblemError(f"{name} is neither Excel (xlsx) nor CSV. Save the table as one of them.")
    inside = [part for part in inside if not part.filename.startswith(("__MACOSX/", "."))]
    if len(inside) != 1:
        few = ", ".join(shown(part.filename, 30) for part in inside[:3]) + (", ..." if len(inside) > 3 else "")
        raise ProblemError(
            f"{name} is a zip archive of {len(inside)} files ({few}); expected one. Unpack it first: unzip."
        )
    if inside[0].flag_bits & 1:
        raise ProblemError(f"{name} is a zip archive with a password. Unpack it first: unzip.")
    with _unpacking(name):
        return archive.read(inside[0])


def _refuse_other_kinds(name: str, data: bytes) -> None:
    for mark, (kind, advice) in _OTHERS.items():
        if data.startswith(mark):
            raise ProblemError(f"{name} is {kind}; expected CSV, JSON lines, Excel or Parquet. {advice}")
    if data[257:262] == b"ustar":
        raise ProblemError(f"{name} is a tar archive; expected one file. Unpack it first: tar -xf.")
    start = data[:200].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith(_WEB):
        raise ProblemError(f"{name} is a web page (HTML), not a table. Download the data file itself.")
    if start.startswith(b"<?xml"):
        raise ProblemError(f"{name} is XML; expected CSV, JSON lines, Excel or Parquet. {_SAVE}")
