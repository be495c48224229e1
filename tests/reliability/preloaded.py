"""A small library between Python and the system (guests.c), for tests that count or fail what native code asks for."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("guests.c")


def library(folder):
    """Its path, compiled; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    target = Path(folder) / "guests.so"
    command = [compiler, "-O1", "-fexceptions", "-shared", "-fPIC", str(SOURCE), "-o", str(target), "-ldl", "-lstdc++"]
    subprocess.run(command, check=True)
    return target
