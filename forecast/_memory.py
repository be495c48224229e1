"""How much memory this process may still take."""

from collections.abc import Iterable
from pathlib import Path

__all__ = ["available_bytes"]

_MEMINFO = Path("/proc/meminfo")
_LIMITS = (  # of a container, cgroup v2 and v1: what it may have, what it has
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def available_bytes(meminfo: Path = _MEMINFO, limits: Iterable[tuple[Path, Path]] = _LIMITS) -> int | None:
    """The least of what the system has left and what the container may take.

    Parameters
    ----------
    meminfo : Path
    limits : iterable of (Path, Path)

    Returns
    -------
    int or None
        None: the system does not say.

    Examples
    --------
    >>> available_bytes() is None or available_bytes() > 0
    True
    """
    found = [_of_system(meminfo), *(_of_container(*paths) for paths in limits)]
    return min((number for number in found if number is not None), default=None)


def _of_system(meminfo: Path) -> int | None:
    lines = [line.split() for line in _text(meminfo).splitlines()]
    sizes = {words[0]: int(words[1]) * 1024 for words in lines if len(words) > 1 and words[1].isdigit()}
    return sizes["MemAvailable:"] + sizes.get("SwapFree:", 0) if "MemAvailable:" in sizes else None


def _of_container(most: Path, used: Path) -> int | None:
    may, has = _text(most).strip(), _text(used).strip()
    return max(0, int(may) - int(has)) if may.isdigit() and has.isdigit() else None  # "max": no limit


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # another system, or none of these containers
        return ""
