"""The build itself, with the sources of the core replaced by empty ones: what it compiles again, and what it says.

pip makes a new environment for each of these builds, as it does for a user's.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULE = "#include <pybind11/pybind11.h>\nPYBIND11_MODULE(_core, m) {}\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path):
    """The project with the build files as they are, and of each source its name alone."""
    tree = tmp_path / "tree"
    for name in ["CMakeLists.txt", "cpp/CMakeLists.txt", "cpp/exports.map", "pyproject.toml", "README.md", "LICENSE"]:
        (tree / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(ROOT / name, tree / name)
    sources = re.findall(r"[\w/]+\.cpp", (tree / "cpp/CMakeLists.txt").read_text(encoding="utf-8"))
    assert {"bind/module.cpp", "kernel/unit.cpp"} <= set(sources)
    for source in sources:
        path = tree / "cpp" / source
        path.parent.mkdir(exist_ok=True, parents=True)
        kernel = path.parent.name == "kernel"
        path.write_text(MODULE if path.name == "module.cpp" else '#include "table.h"\n' if kernel else "")
    (tree / "cpp/kernel/table.h").write_text("// A header.\n")
    (tree / "forecast").mkdir()
    (tree / "forecast/__init__.py").write_text('__version__ = "0.0.1"\n')
    return tree


def build(tree, compiler, **variables):
    """pip's words, and the names of the sources that were compiled."""
    command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-cache-dir", "-w", tree.parent / "w", tree]
    environment = {k: v for k, v in os.environ.items() if k not in {"CC", "CXXFLAGS", "CMAKE_ARGS"}}
    environment |= variables | {"CXX": str(compiler)}
    run = subprocess.run(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False
    )
    return run.stdout, set(re.findall(r"Building CXX object \S*\.dir/(\S+)\.o", run.stdout))


def wrapped(compiler, version):
    """g++ with another text of `--version`: how an upgrade in its place looks to CMake, which knows path and number."""
    compiler.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version}\nexec g++ "$@"\n')
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    return compiler


def test_a_second_installation_compiles_only_what_changed(tree, tmp_path):
    compiler = wrapped(tmp_path / "c++", "build 1")
    text, every = build(tree, compiler)
    assert {"bind/module.cpp", "kernel/unit.cpp", "kernel/dispatch.cpp"} <= every, text
    assert "compiles the kernels once per instruction set" in text
    text, compiled = build(tree, compiler)
    assert compiled == set(), text
    assert "ninja: no work to do" in text
    (tree / "cpp/kernel/table.h").write_text("// A header that was edited.\n")
    text, compiled = build(tree, compiler)
    assert compiled == {"kernel/unit.cpp", "kernel/dispatch.cpp"}, text
    text, compiled = build(tree, compiler, CXXFLAGS="-DA_FLAG")
    assert compiled == every, text
    text, compiled = build(tree, wrapped(compiler, "build 2"), CXXFLAGS="-DA_FLAG")
    assert compiled == every, text


def test_without_a_compiler_one_sentence_says_what_to_install(tree):
    text, compiled = build(tree, "/nonexistent/c++")
    assert compiled == set()
    said = "needs a C++20 compiler, and CXX=/nonexistent/c++ does not work. Fix: apt-get install g++"
    assert said in " ".join(text.split()), text
