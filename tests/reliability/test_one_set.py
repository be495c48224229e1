"""The builds for one instruction set are made of what CMake builds the core of."""

import re

import one_set
import pytest

CMAKE = (one_set.ROOT / "cpp/CMakeLists.txt").read_text(encoding="utf-8")
pytestmark = pytest.mark.reliability


def test_one_set_has_every_source_of_the_core_but_the_choice_of_a_set():
    sources = set(re.findall(r"[\w/]+\.cpp", CMAKE)) - {"kernel/dispatch.cpp"}
    assert set(one_set.CORE) == {f"cpp/{source}" for source in sources - {"kernel/unit.cpp"}} | {one_set.ONE_SET}


def test_one_set_has_the_registers_and_flags_of_every_set():
    found = {name: (int(size), flags) for name, size, flags in re.findall(r"forecast_isa\((v\d) (\d+) (.+)\)", CMAKE)}
    assert one_set.SETS == found


def test_a_file_is_compiled_again_only_where_its_command_or_what_it_reads_has_changed(tmp_path, capsys):
    (tmp_path / "x.h").write_text("int x();\n")
    (tmp_path / "x.cpp").write_text('#include "x.h"\nint x() { return 1; }\n')

    def compiled(*flags):
        one_set.compiled("x.cpp", ["g++", *flags], tmp_path, tmp_path)
        return capsys.readouterr().out.count("x.cpp:")

    assert [compiled(), compiled(), compiled("-O1"), compiled("-O1")] == [1, 0, 1, 0]
    (tmp_path / "x.h").write_text("int x(), y();\n")
    assert [compiled("-O1"), compiled("-O1")] == [1, 0]


def test_the_kernels_take_flags_of_their_own(tmp_path, monkeypatch):
    commands = {}
    monkeypatch.setattr(one_set, "compiled", lambda source, command, *_: commands.update({source: command}))
    one_set.objects(tmp_path, "v3", ["-O0"], ["g++"], one_set.ROOT, ["cpp/loop/batches.cpp"], ["-O1"], 1)
    assert {source: [flag for flag in command if flag in ("-O0", "-O1")] for source, command in commands.items()} == {
        "cpp/kernel/unit.cpp": ["-O1"],
        "cpp/loop/batches.cpp": ["-O0"],
    }
