"""The compiled library as a file: what it shows to others, and how the linker protects it. Read without any tool."""

import struct
import sys
from pathlib import Path

import pytest

from forecast import _core

GNU_RELRO, GNU_STACK, DYNAMIC = 0x6474E552, 0x6474E551, 2
EXECUTABLE, BIND_NOW, NOW, UNDEFINED = 1, 24, 1, 0
STRTAB, SYMTAB, GNU_HASH, FLAGS, FLAGS_1 = 5, 6, 0x6FFFFEF5, 30, 0x6FFFFFFB


class Library:
    """The parts of an ELF file of 64 bits that these tests ask for."""

    def __init__(self, path):
        self.bytes = Path(path).read_bytes()
        assert self.bytes[:5] == b"\x7fELF\x02", "an ELF file of 64 bits"
        (headers,), (n,) = struct.unpack_from("<Q", self.bytes, 32), struct.unpack_from("<H", self.bytes, 56)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.bytes, headers + 56 * i) for i in range(n)]
        at, size = next((s[2], s[5]) for s in self.segments if s[0] == DYNAMIC)
        entries = [struct.unpack_from("<QQ", self.bytes, at + i) for i in range(0, size, 16)]
        self.dynamic = dict(reversed(entries))

    def segment(self, kind):
        return next((s for s in self.segments if s[0] == kind), None)

    def place(self, address):
        """Of an address in memory, in the file."""
        first = next(s for s in self.segments if s[0] == 1 and s[3] <= address < s[3] + s[5])
        return address - first[3] + first[2]

    def symbols(self):
        """(name, whether it is defined here) of the dynamic symbols; their table ends where their names begin."""
        at, names = self.place(self.dynamic[SYMTAB]), self.place(self.dynamic[STRTAB])
        found = []
        for place in range(at + 24, names, 24):
            name, _, _, section = struct.unpack_from("<IBBH", self.bytes, place)
            end = self.bytes.index(b"\0", names + name)
            found.append((self.bytes[names + name : end].decode(), section != UNDEFINED))
        return found


@pytest.fixture(scope="module")
def library():
    assert sys.platform == "linux"
    return Library(_core.__file__)


def test_the_library_shows_its_entry_alone(library):
    assert [name for name, defined in library.symbols() if defined] == ["PyInit__core"]


def test_all_addresses_are_bound_at_the_start_and_then_read_only(library):
    assert library.dynamic.get(FLAGS, 0) & 8 or BIND_NOW in library.dynamic
    assert library.dynamic[FLAGS_1] & NOW
    assert library.segment(GNU_RELRO) is not None


def test_the_stack_holds_no_code_and_is_watched(library):
    assert not library.segment(GNU_STACK)[1] & EXECUTABLE
    assert "__stack_chk_fail" in {name for name, _ in library.symbols()}
