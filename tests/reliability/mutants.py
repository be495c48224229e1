"""Plants faults, one at a time, and lists those that the tests of the room let pass.

    python tests/reliability/mutants.py --rooms windows preprocessing conformal --n 27
    python tests/reliability/mutants.py --rooms cell loss layer adaptive --n 22 --folder build/mutants

A fault is a small change of one line: a comparison that is off by one, another operator, another number. Python's are
planted in functions that are imported already. Those of the core are planted in a copy of its sources, all in one build
for one instruction set (switched.py). The tests of its room that run the line are run, or all of them for the core,
until the first failure (hunt.py). Faults that change nothing are explained in survivors.md.
"""

import argparse
import ast
import collections
import ctypes
import json
import os
import random
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hunt import Hunt, replaced
from one_set import ROOT, build_core
from switched import plant, with_switch

ROOMS = {  # folder or file, and the tests that know it, quick ones first
    "windows": (
        "forecast/_windows",
        "windows window_norms window_places placed_windows panel_windows many_windows no_past many_to_many",
    ),
    "preprocessing": ("forecast/preprocessing", "preprocessing domain_of_transforms calendar"),
    "conformal": ("forecast/_conformal", "conformal fresh_intervals since_batch"),
    "cell": ("cpp/cell", "gradients core golden cell_contract"),
    "loss": ("cpp/loss", "gradients core golden distributions"),
    "layer": ("cpp/layer", "layers attention mlstm random_networks depth golden_seq2seq"),
    "adaptive": ("cpp/conformal", "conformal fresh_intervals"),
}
NAMED = {"elman": "rnn_"}  # in the tests, where it is not the name of the file


@dataclass(frozen=True)
class Fault:
    path: str
    line: int
    before: str
    after: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.before.strip()}  ->  {self.after.strip()}"


def swapped(node):
    """Another word for an operator or a constant of Python, where there is one that changes the meaning."""
    words = {
        ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
        ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.And: "or", ast.Or: "and", ast.FloorDiv: "/",
    }  # fmt: skip
    return words.get(type(node))


OPERATORS = re.compile(r"<=|>=|==|!=|//|\band\b|\bor\b|[<>+\-*/]")


def between(source, left, right, word):
    """The line with the operator between two operands replaced; None where they are on two lines."""
    if left.end_lineno != right.lineno:
        return None
    line = source[left.end_lineno - 1]
    middle = line[left.end_col_offset : right.col_offset]
    changed, n = OPERATORS.subn(word, middle, count=1)
    return line[: left.end_col_offset] + changed + line[right.col_offset :] if n else None


def of_functions(tree):
    """What runs when a function is called, and not on import."""
    found = {}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            found |= {id(node): node for part in function.body for node in ast.walk(part)}
    return found.values()


def python_faults(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    source = text.splitlines()
    if not text.isascii():
        return  # columns of the parser are bytes
    for node in of_functions(ast.parse(text)):
        after = None
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and swapped(node.ops[0]):
            after = between(source, node.left, node.comparators[0], swapped(node.ops[0]))
        elif isinstance(node, ast.BinOp) and swapped(node.op):
            after = between(source, node.left, node.right, swapped(node.op))
        elif isinstance(node, ast.BoolOp):
            after = between(source, node.values[0], node.values[1], swapped(node.op))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
            line, value = source[node.lineno - 1], node.value
            word = str(not value) if isinstance(value, bool) else repr(value + 1)
            after = line[: node.col_offset] + word + line[node.end_col_offset :]
        if after is not None and after != source[node.lineno - 1]:
            yield Fault(path, node.lineno, source[node.lineno - 1], after)


NATIVE = [  # of a line without its comment
    (re.compile(r" \+ "), " - "),
    (re.compile(r" - "), " + "),
    (re.compile(r" \* "), " + "),
    (re.compile(r" < "), " <= "),
    (re.compile(r" > "), " >= "),
    (re.compile(r" == "), " != "),
    (re.compile(r"\b1\.0\b"), "2.0"),
    (re.compile(r"\bT\(1\)"), "T(2)"),
    (re.compile(r"\b0\.5\b"), "0.25"),
    (re.compile(r"\btanh\("), "sigmoid("),
    (re.compile(r"\bsigmoid\("), "tanh("),
    (re.compile(r"\+="), "-="),
]


def native_faults(path):
    for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
        code = line.split("//")[0]
        if not code.strip() or code.lstrip().startswith(("#", "template", "static_assert", "const char")):
            continue
        for pattern, word in NATIVE:
            for match in pattern.finditer(code):
                yield Fault(path, number, line, code[: match.start()] + word + code[match.end() :])


def faults_of(room):
    place = ROOT / ROOMS[room][0]
    for path in sorted([*place.rglob("*.py"), *place.rglob("*.h"), *place.rglob("*.cpp")]):
        name = path.relative_to(ROOT).as_posix()
        yield from python_faults(name) if path.suffix == ".py" else native_faults(name)


def chosen(room, draw, n):
    """Faults of a room by chance; of the core at most one of a line, and such as can be switched."""
    every = list(dict.fromkeys(faults_of(room)))
    draw.shuffle(every)
    if not is_native(room):
        return every[:n]
    lines = {fault.path: (ROOT / fault.path).read_text(encoding="utf-8").splitlines() for fault in every}
    able = {(fault.path, fault.line): fault for fault in every if with_switch(lines[fault.path], fault, 1)}
    return list(able.values())[:n]


def is_native(room):
    return ROOMS[room][0].startswith("cpp")


def planted_in_python(fault):
    path = ROOT / fault.path
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[fault.line - 1] = fault.after
    replaced(str(path), "\n".join(lines) + "\n")


def built(faults, folder):
    """The package with a core that has all of some faults, and their numbers."""
    root = folder / "tree"
    shutil.rmtree(root, ignore_errors=True)
    for name in ["forecast", "cpp", "tests/native", "tests/reliability"]:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    numbers = plant(root, faults)
    plain = ["-O0", "-w", "-fopenmp"]  # the kernels take longer to compile with -O1, and their tests half the time
    return build_core(folder / "build", "v2", plain, root=root, kernel_flags=["-O1", *plain[1:]]), numbers


def switch_on(numbers):
    """What plants a fault of the core in this process."""

    def switch(fault):
        from forecast import _core

        number = next(number for number, one in numbers.items() if one == fault)
        ctypes.c_int.in_dll(ctypes.CDLL(_core.__file__), "forecast_fault").value = number

    return switch


def of_its_own(fault, test):
    """Order of a test: those that name the cell, the layer or the loss come first, then those of gradients."""
    name = Path(fault.path).stem
    return Path(fault.path).suffix == ".py" or NAMED.get(name, name) not in test, "gradients" not in test


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", nargs="+", choices=list(ROOMS), required=True, help="of Python, or of the core")
    parser.add_argument("--n", type=int, default=25, help="faults of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keeps objects, lines and verdicts for the next run")
    given = parser.parse_args()
    native = {is_native(room) for room in given.rooms}
    if len(native) > 1:
        parser.error("expected rooms of Python or rooms of the core, not both")
    draw, counts = random.Random(given.seed), collections.Counter()
    faults = {room: chosen(room, draw, given.n) for room in given.rooms}

    def told(fault, found):
        counts[found is not None] += 1
        judged[str(fault)] = found
        note.write_text(json.dumps(judged, indent=1))
        print("SURVIVED" if found is None else "killed  ", fault, f"  [{found}]", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / "judged.json"
        judged = json.loads(note.read_text()) if note.is_file() else {}
        package, work = ROOT, planted_in_python
        if native == {True}:
            package, numbers = built([fault for some in faults.values() for fault in some], folder)
            faults = {room: [fault for fault in some if fault in numbers.values()] for room, some in faults.items()}
            work = switch_on(numbers)
        sys.path.insert(0, str(package))
        os.chdir(ROOT)
        for room in given.rooms:
            before = [fault for fault in faults[room] if str(fault) in judged]
            for fault in before:
                told(fault, judged[str(fault)])
            faults[room] = [fault for fault in faults[room] if fault not in before]
            tests = [f"tests/test_{name}.py" for name in ROOMS[room][1].split()]
            hunt = Hunt(package, folder / f"reach-{room}.json", faults[room], work, of_its_own, told, native == {False})
            pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain", *tests], plugins=[hunt])
    print(f"{counts[True]} of {counts.total()} faults found")


if __name__ == "__main__":
    main()
