"""The build and what it uses on this machine."""

from __future__ import annotations

import os
from typing import Any, Literal

from ._network import core_config
from ._refusals import Refusal
from ._threads import thread_count

__all__ = ["show_config"]


def show_config(mode: Literal["print", "dict"] = "print") -> dict[str, Any] | None:
    """Print the compiler, the instruction sets found and used, OpenMP and threads, and the reasons.

    Parameters
    ----------
    mode : {"print", "dict"}, default="print"
        "dict" returns the same as a dictionary.

    Returns
    -------
    dict or None

    Examples
    --------
    >>> import forecast
    >>> sorted(forecast.show_config(mode="dict"))
    ['compiler', 'instruction sets built', 'instruction sets found', 'openmp', 'threads', 'used']
    """
    if mode not in ("print", "dict"):
        raise ValueError(Refusal(where="mode", got=f"{mode!r}", expected="'print' or 'dict'"))
    core = core_config()
    shown = {
        "compiler": core["compiler"],
        "instruction sets built": ", ".join(core["isa_built"]),
        "instruction sets found": ", ".join(core["isa_found"]),
        "used": f"{core['isa_used']} ({core['isa_reason']}; FORECAST_ISA forces one)",
        "openmp": f"version {core['openmp']}" if core["openmp"] else "none: the core starts threads itself",
        "threads": f"{thread_count(None, core['openmp_max_threads'])} ({_reason(core)}; n_jobs sets another)",
    }
    if mode == "dict":
        return shown
    for name, value in shown.items():
        print(f"{name:24}{value}")
    return None


def _reason(core: Any) -> str:
    if core["forked"]:
        return "one in a forked child"
    if os.environ.get("OMP_NUM_THREADS"):
        return "OMP_NUM_THREADS"
    limits = "affinity, container quota and OpenMP's limit" if core["openmp"] else "affinity and container quota"
    return f"usable cores: the least of {limits}"
