"""Bytes onto the disk: all of them or none."""

import os
import secrets
import stat
from contextlib import suppress

__all__ = ["write_whole"]


def write_whole(path, data):
    """Write a file so that at any moment the old one or the new one is there, whole.

    The bytes go to a temporary file of the same folder, are forced to the disk, and take the place of the old file in
    one step. On any failure the old file is untouched and nothing else is left. A symbolic link stays one.

    Parameters
    ----------
    path : str or os.PathLike
    data : bytes

    Raises
    ------
    OSError
        The folder does not exist or cannot be written, or the disk is full.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        raise IsADirectoryError(f"{path} is a folder or a device; expected the name of a file.")
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"the folder of {path} does not exist. Fix: os.makedirs({folder!r}).")
    part = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(8)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # as open() would: less what the umask takes
    try:
        with open(handle, "wb") as file:
            if os.path.exists(target):
                os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:  # also on Ctrl-C
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise
    _sync_folder(folder)


def _sync_folder(folder):
    """Force the new name to the disk as well; some network file systems cannot, and then it is theirs to do."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
