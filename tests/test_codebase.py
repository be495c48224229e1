"""The house's rules as tests: sizes, names, who may import or include whom, and what no file may say."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE, CORE = ROOT / "forecast", ROOT / "cpp"
ROOMS = [CORE, PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "pretraining", ROOT / "docs", ROOT / "notebooks"]
SOURCES = sorted(p for room in ROOMS for p in room.rglob("*") if p.suffix in {".py", ".pyi", ".h", ".cpp"})
PYTHON = sorted(PACKAGE.rglob("*.py"))
NATIVE = sorted(p for p in CORE.rglob("*") if p.suffix in {".h", ".cpp"})
CMAKE = [ROOT / "CMakeLists.txt", CORE / "CMakeLists.txt", *sorted(ROOT.glob("*.cmake"))]
BUILD = [ROOT / "pyproject.toml", *CMAKE, *NATIVE]


def name(path):
    return path.relative_to(ROOT).as_posix()


def lines_with(pattern, paths):
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{name(path)}:{number}: {line.strip()}")
    return found


# -------------------- sizes and names


def test_the_rooms_are_where_these_tests_look():
    assert len(PYTHON) > 5
    assert len(NATIVE) > 15
    assert SOURCES


def test_no_file_is_longer_than_500_lines():
    long = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: count for path, count in long.items() if count > 500} == {}


def test_no_file_is_a_drawer_for_leftovers():
    words = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager"}
    assert [name(p) for p in SOURCES if words & set(re.split(r"[_\-.]", p.stem.lower()))] == []


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_no_function_needs_scrolling(path):
    """Eighty lines at most without its docstring."""
    long = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
            if node.end_lineno - first.lineno + 1 > 80:
                long.append(node.name)
    assert long == []


# -------------------- who may import whom in forecast/

CHAIN = [
    {"__main__"},
    {"cli", "_catalogue", "sktime"},
    {"plotting", "distributed"},
    {"_config", "diagnostics"},
    {"model_selection"},
    {"_series"},
    {"_recipe"},
    {"_preparation"},
    {"_classifier"},
    {"_rnn", "_linear", "_pretrained"},
    {"_training", "_onnx"},
    {"_network"},
    {"_registries", "_conformal"},
    {"_core"},
]
RANK = {module: rank for rank, modules in enumerate(CHAIN) for module in modules}


def module_of(path):
    """A package of named parts counts as one module."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """The modules of this package that a file imports, wherever in the file."""
    own, found = module_of(path), set()
    inside = path.parent != PACKAGE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            dots, module = node.level, node.module or ""
            if dots == 0 and module.partition(".")[0] != "forecast":
                continue
            module = module.removeprefix("forecast").removeprefix(".") if dots == 0 else module
            if inside and dots == 1:
                continue  # between the parts of one package
            first = module.partition(".")[0]
            found |= {first} if first else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            found |= {part[1] for part in parts if part[0] == "forecast" and len(part) > 1}
    modules = {module_of(p) for p in PYTHON} | {"_core"}
    return (found & modules) - {own, "__init__"}


IMPORTS = {}
for _path in PYTHON:
    IMPORTS.setdefault(module_of(_path), set()).update(imports_of(_path))


@pytest.mark.parametrize("module", sorted(set(IMPORTS) - {"__init__"}))
def test_a_module_imports_along_the_arrows(module):
    """Along the chain only downwards; leaves, which are not in it, import leaves."""
    for imported in IMPORTS[module]:
        if module in RANK:
            assert imported not in RANK or RANK[imported] > RANK[module], imported
        else:
            assert imported not in RANK, imported


def test_few_modules_import_the_core():
    """And the package itself, which turns a missing core into a sentence with the fix."""
    importers = {module for module, imported in IMPORTS.items() if "_core" in imported}
    assert importers <= {"_network", "_registries", "_conformal", "__init__"}


def test_no_import_is_circular():
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            path.append(module)
            for imported in sorted(IMPORTS.get(module, ())):
                visit(imported)
            done.add(path.pop())

    for module in sorted(set(IMPORTS) - {"__init__"}):
        visit(module)


# -------------------- the map of docs/design.md

MAP = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def rooms_of(folder):
    """The entries of a folder's drawing in the map, each with everything that is said of it."""
    drawing = re.search(rf"```\n{folder}/\n(.*?)```", MAP, re.DOTALL)[1]
    entries = re.findall(r"^  (\S+) (.*\n(?:   .*\n)*)", drawing, re.MULTILINE)
    return {entry.rstrip("/"): words for entry, words in entries}


def test_the_map_lists_every_room_and_no_other():
    inside = {p.name for p in PACKAGE.iterdir() if p.suffix in (".py", ".pyi") or (p / "__init__.py").exists()}
    assert set(rooms_of("forecast")) == inside
    assert set(rooms_of("cpp")) == {p.name for p in CORE.iterdir() if p.is_dir()}


@pytest.mark.parametrize("folder", ["forecast", "cpp"])
def test_files_that_the_map_names_exist(folder):
    found = {entry: {p.name for p in (ROOT / folder / entry).rglob("*")} for entry in rooms_of(folder)}
    named = {entry: set(re.findall(r"[\w.]+\.(?:py|h|cpp)\b|\w+/", words)) for entry, words in rooms_of(folder).items()}
    missing = {entry: {one for one in names if one.rstrip("/") not in found[entry]} for entry, names in named.items()}
    assert {entry: names for entry, names in missing.items() if names} == {}


def test_the_maps_arrows_are_those_that_are_tested():
    arrows = re.search(r"`forecast/`, policy: `([^`]+)`", MAP)[1]
    assert [set(re.findall(r"\w+", part)) for part in arrows.split("→")] == CHAIN


# -------------------- who may include whom in cpp/

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
INTRINSICS = {"immintrin.h", "arm_neon.h"}
MAY_INCLUDE = {  # a file's room (or name) -> what its quoted includes may match
    "bind": r"bind/.*|loop/.*|conformal/.*|kernel/table\.h",
    "conformal": r"conformal/.*",
    "loop": r"loop/.*|kernel/table\.h",
    "cell": r"cell/.*|kernel/(math|vec)\.h",
    "loss": r"loss/.*|kernel/(math|gamma|vec)\.h",
    "kernel/vec.h": r"$",
    "kernel/several.h": r"kernel/vec\.h",
    "kernel/math.h": r"kernel/several\.h",
    "kernel/gamma.h": r"kernel/math\.h",
    "kernel/table.h": r"$",
    "kernel/dispatch.cpp": r"kernel/table\.h",
    "kernel/unit.cpp": r"kernel/.*\.h",
    "kernel/network.h": r"kernel/(plan|noise)\.h|loss/registry\.h",
    "kernel/plan.h": r"layer/registry\.h",
    "layer": r"layer/.*|cell/registry\.h|kernel/(way|random|math)\.h",
    "kernel/way.h": r"kernel/(units|inner|gather_lanes)\.h",
    "kernel": r"kernel/.*\.h",
}


def includes_of(path):
    """(quoted, named): the files of this tree, from its top, and the headers of the system."""
    found = INCLUDE.findall(path.read_text(encoding="utf-8"))
    quoted = {
        (path.parent / file).resolve().relative_to(CORE.resolve()).as_posix() for mark, file in found if mark == '"'
    }
    return quoted, {file for mark, file in found if mark == "<"}


@pytest.mark.parametrize("path", NATIVE, ids=name)
def test_a_native_file_includes_along_the_arrows(path):
    inside = path.relative_to(CORE).as_posix()
    allowed = MAY_INCLUDE.get(inside) or MAY_INCLUDE[inside.partition("/")[0]]
    quoted, _ = includes_of(path)
    assert {file for file in quoted if not re.fullmatch(allowed, file)} == set()
    assert {file for file in quoted if not (CORE / file).is_file()} == set()


KERNELS = [p for p in NATIVE if p.parent.name in {"kernel", "layer", "cell", "loss"} and p.name != "dispatch.cpp"]


@pytest.mark.parametrize("path", KERNELS, ids=name)
def test_kernels_know_no_standard_library_and_cannot_fail(path):
    """dispatch.cpp is not one of them: it is baseline code, compiled once."""
    _, named = includes_of(path)
    assert named <= {"stdint.h", "stddef.h"} | INTRINSICS
    words = r"\bstd::|\bthrow\b|\btry\b|\bcatch\b|\bnew\s+\w|\bmalloc\b|\bdelete\b|\bpy::|Python\.h|#pragma omp"
    code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    assert re.findall(words, code) == []


def test_a_native_file_opens_with_what_it_is():
    assert [name(path) for path in NATIVE if not path.read_text(encoding="utf-8").startswith("//")] == []


# -------------------- what no file may say


def test_the_build_never_trades_exactness_or_portability_for_speed():
    """No flags of fast mathematics, none of the build machine's own processor."""
    assert lines_with(r"-O[f]ast|f[a]st-math|f[a]st_math|unsafe-m[a]th|march=n[a]tive|mtune=n[a]tive", BUILD) == []
    assert (CORE / "CMakeLists.txt").read_text(encoding="utf-8").count("-ffp-contract=off") == 2


def test_threads_are_a_matter_of_the_call():
    """Nothing sets the process's threads, and every parallel region says how many."""
    assert lines_with(r"\bomp_s[e]t_", [*NATIVE, *PYTHON]) == []
    regions = lines_with(r"#\s*pragma\s+omp\s+.*\bparallel\b", NATIVE)
    assert regions, "the pattern finds no region any more"
    assert [line for line in regions if "num_threads(" not in line] == []


def test_sums_are_added_in_fixed_order():
    assert lines_with(r"#\s*pragma\s+omp\b.*\breduction\b", NATIVE) == []


def test_no_file_is_loaded_by_executing_it():
    words = r"\bpickle\.loads?\b|\bjoblib\.load\b|allow_p[i]ckle\s*=\s*True|(?<![\w.])e[v]al\(|(?<![\w.])e[x]ec\("
    assert lines_with(words, PYTHON) == []


def test_numpys_global_random_state_is_left_alone():
    allowed = "default_rng|Generator|RandomState|SeedSequence|PCG64|Philox|BitGenerator|get_state"
    paths = [path for path in SOURCES if path.suffix == ".py"]
    assert lines_with(rf"\b(np|numpy)\.random\.(?!{allowed})\w", paths) == []


def brought_by_the_extra_of_tests():
    """Names of the packages that `pip install ".[test]"` asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, extras, read = set(project["dependencies"]), ["test"], set()
    while extras:
        if (extra := extras.pop()) not in read:
            read.add(extra)
            own = project["optional-dependencies"][extra]
            found |= set(own)
            extras += [
                name
                for one in own
                for name in re.findall(r"^rnn-forecast\[(.*)\]", one)[:1]
                for name in name.split(",")
            ]
    return {re.match(r"[\w-]+", one)[0] for one in found}


def test_no_test_is_skipped_or_expected_to_fail():
    """But for those of a package that the extra of the tests does not bring, because it is large."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    skips = lines_with(r"pytest\.(s[k]ip|importors[k]ip|x[f]ail)|mark\.(s[k]ip|x[f]ail)", tests)
    packages = {line: re.search(r'importors[k]ip\("(\w+)[\w.]*"', line) for line in skips}
    brought = brought_by_the_extra_of_tests()
    assert {"pytest", "numpy", "onnx"} < brought
    assert [line for line, package in packages.items() if package is None or package[1] in brought] == []


def test_no_line_of_python_is_longer_than_120_characters():
    assert lines_with(r"^.{121,}$", [path for path in SOURCES if path.suffix == ".py"]) == []
