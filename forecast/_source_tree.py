"""Python started at the top of a clone finds the sources first; the compiled core is in the installed package."""

from __future__ import annotations

import filecmp
import sys
import warnings
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["installed_instead"]


def installed_instead(folder: str) -> str | None:
    """The folder of the installed package, if there is one.

    Parameters
    ----------
    folder : str
        The sources, without a compiled core.

    Returns
    -------
    str or None

    Warns
    -----
    UserWarning
        The installed files differ from the sources: edits in the clone have no effect before the next installation.
    """
    top = Path(folder).resolve().parent
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != top]
    found = PathFinder.find_spec("forecast", elsewhere)
    if found is None or not found.submodule_search_locations:
        return None
    installed = found.submodule_search_locations[0]
    if PathFinder.find_spec("forecast._core", [installed]) is None:
        return None
    differing = [
        name.as_posix()
        for name in sorted(path.relative_to(folder) for path in Path(folder).rglob("*.py"))
        if not (Path(installed) / name).is_file() or not filecmp.cmp(Path(folder) / name, Path(installed) / name, False)
    ]
    if differing:
        warnings.warn(
            f"forecast is imported from {installed}, not from the sources in {folder}, and {len(differing)} of their "
            f"files differ, the first {differing[0]}. Fix: pip install '{top}'.",
            stacklevel=3,
        )
    return installed
