#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Tasks of a developer: `nox -l` lists them, `nox -s lint` runs one. `.ci/run` holds for the last commit as a whole."""

import hashlib
import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"

NUMERIC = [f"tests/test_{name}.py" for name in ["core", "gradients", "golden", "gather", "bits", "threads"]]


@nox.session
def lint(session):
    """Style and spelling of all files, as pre-commit runs them before a commit."""
    session.install("pre-commit>=4.2")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def tests(session):
    """The tests; arguments after `--` go to pytest."""
    session.install(".[test]")
    session.run("pytest", "-p", "no:cacheprovider", *session.posargs)


@nox.session(default=False)
@nox.parametrize("openmp", ["ON", "OFF"])
def clang(session, openmp):
    """The numeric suite on a core that clang built, with libomp and without OpenMP."""
    session.install(
        ".[test]",
        f"--config-settings=build-dir=build/clang-{openmp.lower()}",
        f"--config-settings=cmake.define.FORECAST_OPENMP={openmp}",
        env={"CC": "clang", "CXX": "clang++"},
    )
    session.run("pytest", "-p", "no:cacheprovider", *NUMERIC, *session.posargs)


@nox.session(default=False)
def neighbours(session):
    """The tests with sktime, Darts, MLflow and others, as `.ci/run` runs them; none is skipped."""
    session.install("-r", "tests/neighbours.txt", ".", "pytest", "pytest-xdist", "safetensors", "skops")
    files = [f"tests/test_{name}.py" for name in ["sktime", "neighbours", "deployment"]]
    session.run("pytest", "-p", "no:cacheprovider", "-m", "slow or not slow", *files, *session.posargs)


@nox.session(default=False)
def tidy(session):
    """clang-tidy on the core; `.clang-tidy` says what it looks for. Needs clang-tidy-14, as each version finds more."""
    session.install("cmake", "ninja", "pybind11>=3.0")
    build = session.create_tmp()
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    session.run(
        *["cmake", "-G", "Ninja", "-S", ".", "-B", build, "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
        f"-Dpybind11_DIR={pybind11}",
        env={"CC": "clang-14", "CXX": "clang++-14"},
    )
    files = sorted(map(str, Path("cpp").glob("*/*.cpp")))
    session.run("clang-tidy-14", "--quiet", "-p", build, *(session.posargs or files), external=True)


@nox.session(default=False)
def docs(session):
    """The site, into `site`; a warning is an error."""
    session.install(".[docs]")
    session.run("mkdocs", "build", "--strict", "-d", "site", env={"NO_MKDOCS_2_WARNING": "1"})
    root = Path.cwd()
    with session.chdir(session.create_tmp()):
        session.run("python", str(root / "docs" / "check_site.py"), str(root / "site"))


@nox.session(default=False)
def types(session):
    """The package's types, and those of the compiled core's stub against the module."""
    session.install("mypy>=2.4", ".[plot]")
    session.run("mypy", *session.posargs)
    root = Path.cwd()
    with session.chdir(session.create_tmp()):
        session.run(
            "python", "-m", "mypy.stubtest", "forecast._core", "--mypy-config-file", str(root / "pyproject.toml")
        )


@nox.session(default=False)
def review(session):
    """What scientific-python expects of a package; docs/decisions/release.md answers what is ignored."""
    session.install("repo-review[cli]", "sp-repo-review[pyproject]")
    session.run("repo-review", ".")


@nox.session(default=False)
def reproducible(session):
    """Build sdist and wheel twice without a network, in folders of their own, and compare; the result is in `dist`."""
    session.install("build", "scikit-build-core>=0.11", "pybind11>=3.0", "cmake", "ninja")
    offline = {"PIP_NO_INDEX": "1", "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "1735689600")}
    found = []
    for folder in ["dist", "dist-again"]:
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "--no-isolation", "-o", folder, env=offline)
        built = sorted(Path(folder).iterdir())
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in built})
    shutil.rmtree("dist-again")
    if found[0] != found[1]:
        session.error(f"two builds differ: {found}")
    session.log("\n".join(f"{digest}  {name}" for name, digest in found[0].items()))


if __name__ == "__main__":
    nox.main()
