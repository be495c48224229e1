"""What a new cell's header may get wrong, the compiler says in a sentence: cpp/cell/concept.h on small broken cells."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "cpp"
NARROWEST = ["-DFORECAST_ISA=v2", "-DFORECAST_BYTES=16", "-DFORECAST_NEON=0"]  # compiles on every architecture
SOUND = """
struct Sound {
  static constexpr int rows = 2, kept = 1, states = 2, taped = 3, vectors = 1;
  static constexpr int input[2] = {0, 1}, state[2] = {1, 2};
  static constexpr const char* row_names[] = {"u", "f"};
  static constexpr const char* state_names[] = {"h", "c"};
  static constexpr const char* vector_names[] = {"f"};
  static constexpr double initial_bias[] = {0, 1};
  static constexpr double initial_vector[][2] = {{0, 1}};
  static constexpr int gates = 1, gate[] = {1};
  static constexpr const char* gate_names[] = {"f"};

  static INLINE void forward(auto a, auto prev, auto next, auto tape, auto p) {
    const auto f = tape[1] = sigmoid(madd(p[0], prev[1], a[1]));
    tape[0] = a[0];
    next[1] = f * prev[1] + a[0];
    next[0] = tape[2] = tanh(next[1]);
  }
  template <class V>
  static INLINE void backward(const V* tape, const V* prev, const V*, const V* dnext, V* da, V* dprev, const V*,
                              V* dp) {
    da[0] = dnext[1], da[1] = dnext[1] * prev[1] * d_sigmoid(tape[1]);
    dprev[0] = splat<V>(0), dprev[1] = dnext[1] * tape[1], dp[0] = da[1] * prev[1];
  }
};
"""
MISTAKES = {  # the sentence, up to where it is plain -> the words that are wrong, and what replaces them
    "a cell counts what it owns in rows, states": ("kept = 1, ", ""),
    "a cell lists one name per row in row_names": ('{"u", "f"}', '{"u"}'),
    'one name per state in state_names, "h" first': ('{"h", "c"}', '{"c", "h"}'),
    "the rows that x feeds are a range": ("input[2] = {0, 1}", "input[2] = {0, 3}"),
    "the rows that h feeds are a range": ("state[2] = {1, 2}", "state[2] = {2, 1}"),
    "and no row lies between": ("input[2] = {0, 1}", "input[2] = {0, 0}"),
    "initial_bias has one number per row": ("initial_bias[] = {0, 1}", "initial_bias[] = {0}"),
    "the taped values fit into rows + kept": ("taped = 3", "taped = 4"),
    "every gate is a taped value": ("gate[] = {1}", "gate[] = {3}"),
    "lists one name for each in vector_names": ('vector_names[] = {"f"}', 'vector_names[] = {"f", "o"}'),
    "initial_vector has a lowest and a highest value": ("{{0, 1}}", "{{0, 1}, {0, 1}}"),
    "forward(a, prev, next, tape) can be called": ("auto tape, auto p)", "auto tape)"),
    "backward(tape, prev, next, dnext, da, dprev) can be called": ("void backward", "void back"),
}


def compile_cell(text, tmp_path):
    """What the compiler says about a cell of that text, of which nothing but its contract is asked."""
    compiler = os.environ.get("CXX", "g++")
    assert shutil.which(compiler), f"{compiler} is missing: install the C++ compiler that builds the core"
    source = tmp_path / "cell.cpp"
    source.write_text(
        f'#include "cell/concept.h"\nnamespace forecast::FORECAST_ISA {{\n{text}\n'
        "static_assert(is_cell<Sound>());\n}\n",
        encoding="utf-8",
    )
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wno-attributes", f"-I{CORE}", *NARROWEST, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    return done.returncode, done.stderr


def test_a_sound_cell_is_accepted(tmp_path):
    assert compile_cell(SOUND, tmp_path) == (0, "")


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_in_a_cell_is_named(sentence, tmp_path):
    """In one sentence, and no other one."""
    words, wrong = MISTAKES[sentence]
    assert SOUND.count(words) == 1
    status, said = compile_cell(SOUND.replace(words, wrong), tmp_path)
    assert status
    sentences = re.findall(r"static assertion failed[^\n]*?: (.*)|static assertion failed due to[^\n]*: (.*)", said)
    assert len(sentences) == 1, said
    assert sentence in "".join(sentences[0]).replace('\\"', '"'), said
    assert "Sound" in said


def test_every_cell_of_the_registry_is_checked():
    registry = (CORE / "cell" / "registry.h").read_text(encoding="utf-8")
    check = "#define FORECAST_CELL(name, Cell) static_assert(is_cell<Cell>());\nFORECAST_CELLS(FORECAST_CELL)\n"
    assert check in registry
