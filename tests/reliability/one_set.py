"""Builds the core, or the native test program, for one instruction set with flags of one's own.

    python tests/reliability/one_set.py FOLDER --isa v3 --flags "-O1 -g -fsanitize=address,undefined"

The folder gets a copy of the package with that core: put it first in PYTHONPATH. Objects are kept there; a file is
compiled again where its command or anything that it reads has changed.
"""

import argparse
import hashlib
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pybind11

ROOT = Path(__file__).resolve().parents[2]
SETS = {  # register bytes, flags: those of cpp/CMakeLists.txt
    "v2": (16, "-msse4.2 -mpopcnt"),
    "v3": (32, "-mavx2 -mfma"),
    "v4": (64, "-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl"),
}
PLAIN = "-std=c++20 -fPIC -ffp-contract=off -Wno-psabi"
KERNEL = "-fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti -fvisibility=hidden"
DOOR = ["module", "source", "spec", "network", "conformal"]
LOOP = ["loop/batches", "loop/workers"]
ONE_SET = "tests/reliability/one_set.cpp"


def macros(isa):
    return [
        f"-DFORECAST_ISA={isa}",
        f'-DFORECAST_NAME="{isa}"',
        f"-DFORECAST_BYTES={SETS[isa][0]}",
        "-DFORECAST_NEON=0",
    ]


def python_headers():
    return [f"-I{sysconfig.get_paths()['include']}", f"-I{pybind11.get_include()}"]


def fingerprint(command, read):
    """Of a command and of all files that the compiler read, as it has noted them itself."""
    digest = hashlib.sha256(shlex.join(command).encode())
    for path in read.read_text().replace("\\\n", " ").split(":", 1)[1].split() if read.is_file() else []:
        digest.update(Path(path).read_bytes() if Path(path).is_file() else b"gone")
    return digest.hexdigest()


def compiled(source, command, folder, root):
    """The object of a source, made where it is not there yet."""
    target = folder / "objects" / (source.replace("/", "_") + ".o")
    target.parent.mkdir(parents=True, exist_ok=True)
    read, note = target.with_suffix(".d"), target.with_suffix(".mark")
    command = [*command, "-MMD", "-MF", str(read), "-c", str(root / source), "-o", str(target)]
    if not (target.is_file() and note.is_file() and note.read_text() == fingerprint(command, read)):
        subprocess.run(command, check=True)
        note.write_text(fingerprint(command, read))
    return str(target)


def objects(folder, isa, flags, compiler, root, sources):
    base = [*compiler, *shlex.split(PLAIN), *flags, "-fopenmp", *macros(isa)]
    kernel = [*base, *shlex.split(KERNEL), *shlex.split(SETS[isa][1])]
    yield compiled("cpp/kernel/unit.cpp", kernel, folder, root)
    for source in sources:
        more = [*python_headers(), "-fvisibility=hidden"] if "/bind/" in source else []
        yield compiled(
            source, [*base, *more, '-DFORECAST_COMPILER="one set"', "-DFORECAST_COMPILER_BUILD=0"], folder, root
        )


def build_core(folder, isa="v3", flags=(), compiler=("g++",), root=ROOT):
    """A package in `folder` with a core of that instruction set; returns the folder."""
    folder = Path(folder)
    sources = [f"cpp/bind/{name}.cpp" for name in DOOR] + [f"cpp/{name}.cpp" for name in LOOP]
    parts = list(objects(folder, isa, list(flags), compiler, root, [*sources, "cpp/conformal/adaptive.cpp", ONE_SET]))
    package = folder / "forecast"
    shutil.copytree(
        root / "forecast", package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("_core*.so", "__pyc*")
    )
    target = package / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run([*compiler, "-shared", *flags, "-fopenmp", *parts, "-o", str(target)], check=True)
    return folder


def build_native(folder, isa="v3", flags=(), compiler=("g++",), root=ROOT):
    """The program of tests/native: every cell's kernels without Python; returns its path."""
    folder = Path(folder)
    sources = [*(f"cpp/{name}.cpp" for name in LOOP), "tests/native/kernels.cpp"]
    parts = list(objects(folder, isa, list(flags), compiler, root, sources))
    target = folder / "kernels"
    subprocess.run([*compiler, *flags, "-fopenmp", *parts, "-o", str(target)], check=True)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--isa", choices=list(SETS), default="v3")
    parser.add_argument("--flags", default="-O1 -g")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--native", action="store_true", help="the program of tests/native instead of the package")
    given = parser.parse_args()
    build = build_native if given.native else build_core
    print(build(given.folder.resolve(), given.isa, shlex.split(given.flags), shlex.split(given.compiler)))


if __name__ == "__main__":
    main()
