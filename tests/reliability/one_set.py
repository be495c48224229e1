"""Builds the core, or the native test program, for one instruction set with flags of one's own.

    python tests/reliability/one_set.py FOLDER --isa v3 --flags "-O1 -g -fsanitize=address,undefined"

The folder gets a copy of the package with that core: put it first in PYTHONPATH. Objects are kept there; a file is
compiled again where its command or anything that it reads has changed. Each file that is compiled is printed with the
CPU seconds that it took. `--kernel-flags` are for the kernels alone, in place of `--flags`; `--no-openmp` builds the
core that starts threads itself, which ThreadSanitizer understands.
"""

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = {  # register bytes, flags: those of cpp/CMakeLists.txt
    "v2": (16, "-msse4.2 -mpopcnt"),
    "v3": (32, "-mavx2 -mfma"),
    "v4": (64, "-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl"),
}
PLAIN = "-std=c++20 -fPIC -ffp-contract=off -Wno-psabi"
KERNEL = "-fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti -fvisibility=hidden"
ONE_SET = "tests/reliability/one_set.cpp"
LOOP = ["cpp/loop/batches.cpp", "cpp/loop/workers.cpp"]
CORE = [f"cpp/bind/{name}.cpp" for name in ("module", "source", "spec", "network", "conformal")]
CORE += [*LOOP, "cpp/conformal/adaptive.cpp", ONE_SET]


def macros(isa):
    return [
        '-DFORECAST_COMPILER="one set"',
        "-DFORECAST_COMPILER_BUILD=0",
        f"-DFORECAST_ISA={isa}",
        f'-DFORECAST_NAME="{isa}"',
        f"-DFORECAST_BYTES={SETS[isa][0]}",
        "-DFORECAST_NEON=0",
    ]


def python_headers():
    import pybind11  # the tests of this file's lists do not need it

    return [f"-I{sysconfig.get_paths()['include']}", f"-I{pybind11.get_include()}"]


def fingerprint(command, read):
    """Of a command and of all files that the compiler read, as it has noted them itself."""
    digest = hashlib.sha256(shlex.join(command).encode())
    for path in read.read_text().replace("\\\n", " ").split(":", 1)[1].split() if read.is_file() else []:
        digest.update(Path(path).read_bytes() if Path(path).is_file() else b"gone")
    return digest.hexdigest()


def run(command):
    """CPU seconds of a command and of what it started."""
    child = subprocess.Popen(command)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return used.ru_utime + used.ru_stime


def compiled(source, command, folder, root):
    """The object of a source, made where it is not there yet."""
    target = folder / "objects" / (source.replace("/", "_") + ".o")
    target.parent.mkdir(parents=True, exist_ok=True)
    read, note = target.with_suffix(".d"), target.with_suffix(".mark")
    command = [*command, "-MMD", "-MF", str(read), "-c", str(root / source), "-o", str(target)]
    if not (target.is_file() and note.is_file() and note.read_text() == fingerprint(command, read)):
        print(f"{source}: {run(command):.0f} CPU seconds", flush=True)
        note.write_text(fingerprint(command, read))
    return str(target)


def objects(folder, isa, flags, compiler, root, sources, kernel_flags, jobs):
    """The kernels, which take longest, and the other sources."""
    start, plain = [*compiler, *shlex.split(PLAIN)], macros(isa)
    kernel = [*start, *(flags if kernel_flags is None else kernel_flags), *plain, *shlex.split(KERNEL)]
    commands = {"cpp/kernel/unit.cpp": [*kernel, *shlex.split(SETS[isa][1])]}
    for source in sources:
        more = [*python_headers(), "-fvisibility=hidden"] if "/bind/" in source else []
        commands[source] = [*start, *flags, *plain, *more]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda item: compiled(*item, folder, root), commands.items()))


def build_core(folder, isa="v3", flags=("-fopenmp",), compiler=("g++",), root=ROOT, kernel_flags=None, jobs=1):
    """A package in `folder` with a core of that instruction set; returns the folder."""
    folder = Path(folder)
    parts = objects(folder, isa, flags, compiler, root, CORE, kernel_flags, jobs)
    package = folder / "forecast"
    shutil.copytree(
        root / "forecast", package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("_core*.so", "__pyc*")
    )
    target = package / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run([*compiler, "-shared", *flags, *parts, "-o", str(target)], check=True)
    return folder


def build_native(folder, isa="v3", flags=("-fopenmp",), compiler=("g++",), root=ROOT, kernel_flags=None, jobs=1):
    """The program of tests/native: every cell's kernels without Python; returns its path."""
    folder = Path(folder)
    sources = [*LOOP, "tests/native/kernels.cpp"]
    parts = objects(folder, isa, flags, compiler, root, sources, kernel_flags, jobs)
    target = folder / "kernels"
    subprocess.run([*compiler, *flags, *parts, "-o", str(target)], check=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--isa", choices=list(SETS), default="v3")
    parser.add_argument("--flags", default="-O1 -g")
    parser.add_argument("--kernel-flags", help="in place of --flags for the kernels")
    parser.add_argument("--no-openmp", action="store_true", help="threads of the core's own")
    parser.add_argument("--jobs", type=int, default=1, help="files that are compiled at the same time")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--native", action="store_true", help="the program of tests/native instead of the package")
    given = parser.parse_args()
    build = build_native if given.native else build_core
    threads = "-pthread" if given.no_openmp else "-fopenmp"
    flags = [*shlex.split(given.flags), threads]
    kernel = None if given.kernel_flags is None else shlex.split(given.kernel_flags)
    compiler = shlex.split(given.compiler)
    print(build(given.folder.resolve(), given.isa, flags, compiler, kernel_flags=kernel, jobs=given.jobs))


if __name__ == "__main__":
    main()
