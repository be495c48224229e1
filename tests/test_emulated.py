"""Instruction sets that this processor may not run, without Python: cross-compiled, emulated, compared with v2.

`wide` has v4's lanes (64 bytes) on v3's instructions, so what is tested of v4 is its logic, not its instructions.
`neon` runs in an emulator. Compiled without optimisation: the arithmetic is written out, so its bits do not change.
"""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
FLAGS = ["-std=c++20", "-O0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi", "-static"]
SETS = {  # compiler, register bytes, flags, how to run it
    "v2": ("g++", 16, ["-msse4.2"], []),
    "v3": ("g++", 32, ["-mavx2", "-mfma"], []),
    "wide": ("g++", 64, ["-mavx2", "-mfma"], []),
    "neon": ("aarch64-linux-gnu-g++", 16, [], ["qemu-aarch64"]),
}
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}  # of the largest entry; float32 after three steps of AdamW

pytestmark = pytest.mark.emulated


def values_of(name, folder):
    """What the kernels of one set give: {(cell, type, what): values}."""
    compiler, size, flags, runner = SETS[name]
    for tool in [compiler, *runner]:
        assert shutil.which(tool), f"{tool} is needed: apt-get install g++-aarch64-linux-gnu qemu-user"
    defines = [f"-DFORECAST_ISA={name}", f'-DFORECAST_NAME="{name}"', f"-DFORECAST_BYTES={size}"]
    sources = ["cpp/kernel/unit.cpp", "cpp/loop/batches.cpp", "cpp/loop/workers.cpp", "tests/native/kernels.cpp"]
    program = folder / name
    neon = f"-DFORECAST_NEON={int(name == 'neon')}"
    command = [compiler, *FLAGS, *flags, *defines, neon, *(ROOT / source for source in sources), "-o", program]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
    run = subprocess.run([*runner, program], check=True, capture_output=True, text=True, timeout=600)
    found = {}
    for line in run.stdout.splitlines():
        cell, kind, what, _, value = line.split()
        found.setdefault((cell, kind, what), []).append(float.fromhex(value))
    return {key: np.array(values) for key, values in found.items()}


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Of every set; a compilation takes a core for itself."""
    folder = tmp_path_factory.mktemp("programs")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return dict(zip(SETS, pool.map(lambda name: values_of(name, folder), SETS), strict=True))


@pytest.mark.parametrize("name", ["v3", "wide", "neon"])
def test_every_instruction_set_gives_the_same_numbers(name, values):
    found, plain = values[name], values["v2"]
    assert found.keys() == plain.keys()
    for key, numbers in found.items():
        scale = np.abs(plain[key]).max()
        assert np.isfinite(numbers).all(), key
        assert np.abs(numbers - plain[key]).max() <= TOLERANCE[key[1]] * scale, key
