"""Bytes onto the disk: all of them or none."""

from __future__ import annotations

import os
import platform
import re
import secrets
import shlex
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._refusals import Fix, Refusal

__all__ = ["whole_file", "write_whole"]


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that at any moment the old one or the new one is there, whole.

    Parameters
    ----------
    path : str or os.PathLike
    data : bytes

    Raises
    ------
    OSError
        The folder does not exist or cannot be written, or the disk is full.
    """
    with whole_file(path) as part, open(part, "r+b") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield the name of a temporary file, which becomes the file of that path when it is complete.

    The bytes go to a temporary file of the same folder, which the caller forces to the disk, and take the place of the
    old file in one step. On any failure the old file is untouched and nothing else is left, but for a killed process:
    its temporary file is removed by the next call for the same path. A symbolic link stays one. The new file has the
    mode of the old one and, where the system allows it, its owner and group.

    Parameters
    ----------
    path : str or os.PathLike

    Yields
    ------
    str

    Raises
    ------
    OSError
        The folder does not exist or cannot be written.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        raise IsADirectoryError(Refusal("is a folder or a device", where=f"{path}", expected="the name of a file"))
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        fix = Fix(f"os.makedirs({folder!r})", f"mkdir -p {shlex.quote(folder)}")
        raise FileNotFoundError(Refusal(f"the folder of {path} does not exist", fix=fix))
    _clear(folder, name)
    part = os.path.join(folder, _part_name(name, os.getpid(), secrets.token_hex(8)))
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # as open() would: less what the umask takes
    try:
        if os.path.exists(target):
            _belong(part, os.stat(target))
        yield part
        os.replace(part, target)
    except BaseException:  # also on Ctrl-C
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise
    _sync_folder(folder)


def _part_name(name: str, process: int | str, token: str) -> str:
    host = f"{zlib.crc32(platform.node().encode()):08x}"  # of a shared folder: another machine has other processes
    return f".{name[:100]}.{host}.{process}.{token}.part"


def _clear(folder: str, name: str) -> None:
    """Remove what killed processes of this machine left behind of the same file."""
    before, process, token = re.escape(_part_name(name, "/", "/")).split("/")
    left = re.compile(rf"{before}(\d+){process}[0-9a-f]{{16}}{token}")
    with suppress(OSError):  # a folder that cannot be listed, a file of another user, another save that was faster
        for found in filter(None, map(left.fullmatch, os.listdir(folder))):
            if _is_gone(int(found[1])):
                os.unlink(os.path.join(folder, found[0]))


def _is_gone(process: int) -> bool:
    """Whether no process has this number; on Windows a signal would end it, so there nothing is known."""
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):  # of another user; no number of a process
        return False
    return False


def _belong(path: str, old: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of another, where the system lets this user."""
    for owner, group in ((old.st_uid, -1), (-1, old.st_gid)) if os.name == "posix" else ():
        with suppress(OSError):  # only root may give a file away, and some file systems have no owners
            os.chown(path, owner, group)
    os.chmod(path, stat.S_IMODE(old.st_mode))  # last, because a new owner clears the setuid bits


def _sync_folder(folder: str) -> None:
    """Force the new name to the disk as well; some network file systems cannot, and then it is theirs to do."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
