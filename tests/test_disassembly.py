"""The loops of the products in the compiled core: sums stay in registers, on every instruction set of x86-64.

Read off the disassembly of the extension that the other tests use, because a compiler may keep a sum in memory without
a word; the step then takes twice as long and gives the same numbers.
"""

import re
import shutil
import subprocess
from collections import defaultdict

import pytest

from forecast import _core

LEAST_SUMS = 4  # in a loop that counts as a product's
LONGEST = 300  # instructions in such a loop: a full tile has about 60
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)")
REGISTERS = {"zmm": "v4", "ymm": "v3", "xmm": "v2"}
BUILT = [isa for isa in _core.config()["isa_built"] if isa in REGISTERS.values()]  # none on another architecture
# What a product never does between its loads and its multiply-adds; a loop with one of them is a cell's or an update's.
ELEMENTWISE = re.compile(r"v?(div|sub|min|max|sqrt|and|or|xor|cmp|blend|cvt)[a-z0-9]*p[sd]")


@pytest.fixture(scope="module")
def code():
    """Instructions as (address, operation, operands)."""
    assert shutil.which("objdump"), "objdump is missing: install binutils, which every C++ compiler needs anyway"
    command = ["objdump", "-d", "--no-show-raw-insn", "-M", "intel", _core.__file__]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = (INSTRUCTION.match(line) for line in text.splitlines())
    return [(int(m[1], 16), m[2], m[3]) for m in found if m]


def innermost_loops(code):
    """Bodies that end with a jump back to their beginning and jump nowhere else."""
    at = {address: i for i, (address, _, _) in enumerate(code)}
    for i, (address, operation, operands) in enumerate(code):
        target = re.match(r"([0-9a-f]+)", operands) if operation.startswith("j") else None
        if target and int(target[1], 16) <= address and int(target[1], 16) in at:
            first = at[int(target[1], 16)]
            body = code[first : i + 1] if i - first < LONGEST else []
            if body and not any(o.startswith(("j", "call", "ret")) for _, o, _ in body[:-1]):
                yield body


def multiply_adds(body):
    operations = [o for _, o, _ in body]
    fused = sum(bool(re.match(r"vfmadd\d+p[sd]", o)) for o in operations)
    return fused or min(sum(o in pair for o in operations) for pair in (("mulps", "mulpd"), ("addps", "addpd")))


@pytest.fixture(scope="module")
def product_loops(code):
    """Bodies per instruction set."""
    found = defaultdict(list)
    for body in innermost_loops(code):
        if multiply_adds(body) >= LEAST_SUMS and not any(ELEMENTWISE.match(o) for _, o, _ in body):
            text = " ".join(operands for _, _, operands in body)
            found[next(REGISTERS[name] for name in REGISTERS if name in text)].append(body)
    return found


def touches_the_stack(body):
    """Vectors there, and anything written there. A bound of the loop that is only read waits for nothing."""
    found = [(o, a) for _, o, a in body if re.search(r"\[r[sb]p", a)]
    return [f"{o} {a}" for o, a in found if "mm" in a or (o == "mov" and "[r" in a.split(",")[0])]


def test_no_sum_of_a_product_leaves_its_register(product_loops):
    for isa in BUILT:
        loops = product_loops[isa]
        assert len(loops) >= 30, f"{isa}: only {len(loops)} loops were found: the test does not see the products"
        assert max(map(multiply_adds, loops)) >= 8, f"{isa}: no loop with a full tile was found"
        for body in loops:
            assert not touches_the_stack(body), f"{isa}, loop at {body[0][0]:x}: {touches_the_stack(body)}"


def test_the_check_sees_a_spill(product_loops):
    for isa in BUILT:
        body = product_loops[isa][0]
        for operation, operands, harmful in [
            ("vmovaps", "YMMWORD PTR [rsp+0x40],ymm3", True),
            ("vfmadd213ps", "ymm6,ymm0,YMMWORD PTR [rsp+0x1c0]", True),
            ("mov", "QWORD PTR [rsp-0x20],rax", True),
            ("cmp", "QWORD PTR [rsp+0x10],rdi", False),
            ("mov", "rax,QWORD PTR [rsp-0x8]", False),
        ]:
            assert bool(touches_the_stack([(body[0][0], operation, operands), *body])) is harmful
