"""Plants faults, one at a time, and lists those that the tests of the room let pass.

    python tests/reliability/mutants.py --rooms windows preprocessing conformal --n 90
    python tests/reliability/mutants.py --rooms cell loss layer adaptive --n 60 --folder build/mutants

A fault is a small change of one line: a comparison that is off by one, another operator, another number. Python's are
planted in a copy of the package; those of the core in a copy of its sources, compiled for one instruction set without
optimisation. For each the tests of its room run until the first failure. Faults that change nothing are explained in
EQUIVALENT, by the line that they give; every other survivor is a test that lacks.
"""

import argparse
import ast
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy
import pandas
import pytest
import sklearn.linear_model
import sklearn.pipeline
from one_set import ROOT, build_core

FORKED = (hypothesis, numpy, pandas, pytest, sklearn)  # imported once, for all children

ROOMS = {  # folder or file, and the tests that know it, quick ones first
    "windows": (
        "forecast/_windows",
        "windows window_norms window_places placed_windows panel_windows many_windows no_past",
    ),
    "preprocessing": ("forecast/preprocessing", "preprocessing domain_of_transforms calendar"),
    "conformal": ("forecast/_conformal", "conformal fresh_intervals since_batch"),
    "cell": ("cpp/cell", "gradients core golden cell_contract"),
    "loss": ("cpp/loss", "gradients core golden distributions"),
    "layer": ("cpp/layer", "layers attention random_networks depth golden_seq2seq"),
    "adaptive": ("cpp/conformal", "conformal fresh_intervals"),
}
EQUIVALENT = {  # "path: line after the change": why no test can see it
    'forecast/_windows/source.py: arguments["future_anchor"] = np.full(windows.future.shape[1], -2, dtype=np.int32)': (
        "the core takes any negative number for no channel"
    ),
}
SECONDS = 900  # of the tests of one fault; a fault that makes them endless is found


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


def python_faults(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    source = text.splitlines()
    if not text.isascii():
        return  # columns of the parser are bytes
    for node in ast.walk(ast.parse(text)):
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


def planted(fault, root):
    """Write the fault into a copy; returns what puts it right again."""
    path = root / fault.path
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    lines[fault.line - 1] = fault.after + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    return lambda: path.write_text(text, encoding="utf-8")


def of_tests(tests, package, output):
    """In a child: the tests, with the package in that folder; the exit code of pytest."""
    with open(output, "w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.path.insert(0, str(package))
        os.environ |= {"PYTHONPATH": str(package)}
        sys.dont_write_bytecode = True
        os.chdir(ROOT)
        return int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain", *tests]))


def found_by(room, package, folder):
    """The test that fails with the package in that folder, or None.

    A fork of this process, which has imported all but the package, begins at once.
    """
    tests = [f"tests/test_{name}.py" for name in ROOMS[room][1].split()]
    output = Path(folder) / "output"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = of_tests(tests, package, output)
        except BaseException:  # whatever it is, a child must not go on as its parent would
            traceback.print_exc()
        finally:
            os._exit(code)
    end = time.monotonic() + SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "no end"
        time.sleep(0.05)
    if status == 0:
        return None
    named = re.findall(r"^(?:FAILED|ERROR) (\S+)", output.read_text(), re.MULTILINE)
    return named[0] if named else f"status {status}"


class Copy:
    """Where faults are planted: a copy of package, core and tests' native files."""

    def __init__(self, folder, native):
        self.root, self.native = Path(folder) / "tree", native
        shutil.rmtree(self.root, ignore_errors=True)
        left_out = shutil.ignore_patterns("__pycache__")
        for name in ["forecast", "cpp", "tests/native", "tests/reliability"]:
            shutil.copytree(ROOT / name, self.root / name, ignore=left_out)
        self.build = Path(folder) / "build"

    def package(self):
        """What goes first in PYTHONPATH; None where the fault does not compile."""
        if not self.native:
            return self.root
        try:
            return build_core(self.build, "v2", ["-O0", "-w"], root=self.root)
        except subprocess.CalledProcessError:
            return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", nargs="+", choices=list(ROOMS), default=["windows", "preprocessing", "conformal"])
    parser.add_argument("--n", type=int, default=90, help="faults of all rooms together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="keeps the objects of the core from one run to the next")
    given = parser.parse_args()
    draw, counts, survivors = random.Random(given.seed), [0, 0], []
    with tempfile.TemporaryDirectory() as temporary:
        for room in given.rooms:
            copy = Copy(given.folder or temporary, ROOMS[room][0].startswith("cpp"))
            found = found_by(room, copy.package(), temporary)
            if found is not None:
                said = (Path(temporary) / "output").read_text()[-3000:]
                raise SystemExit(f"{room}: the tests fail without a fault: {found}\n{said}")
            every = list(dict.fromkeys(faults_of(room)))
            for fault in draw.sample(every, min(len(every), given.n // len(given.rooms))):
                restore = planted(fault, copy.root)
                package = copy.package()
                found = found_by(room, package, temporary) if package else "the compiler"
                restore()
                if found == "the compiler":
                    continue
                counts[found is not None] += 1
                print("killed  " if found else "SURVIVED", fault, "" if found is None else f"  [{found}]", flush=True)
                if found is None:
                    survivors.append(fault)
    open_ones = [fault for fault in survivors if f"{fault.path}: {fault.after.strip()}" not in EQUIVALENT]
    print(f"{counts[1]} of {sum(counts)} faults found; {len(survivors) - len(open_ones)} survivors change nothing")
    for fault in open_ones:
        print("survivor:", fault)


if __name__ == "__main__":
    main()
