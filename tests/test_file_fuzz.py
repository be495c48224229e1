"""A few hundred mutants of model files; `reliability/fuzz_loader.py` makes as many as there is time for."""

import importlib.util
from pathlib import Path

import pytest

FUZZER = Path(__file__).parent / "reliability" / "fuzz_loader.py"
NAMES = ["panel of many", "regressor: pipeline", "gru"]


@pytest.fixture(scope="module")
def fuzzer():
    spec = importlib.util.spec_from_file_location("fuzz_loader", FUZZER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_mutant_of_a_model_file_is_refused_or_a_model(fuzzer, tmp_path):
    """No crash, no other error, no more memory and time than its size justifies, no forecast of NaN."""
    whole = fuzzer.Pool(fuzzer.corpus(tmp_path, NAMES))
    files = whole, whole  # to trim them takes a minute
    words, found = fuzzer.fuzz(files, tmp_path, seed=21, count=300)
    assert found == []
    assert sum(words.values()) == 300
    assert words["refused"] > 100
    assert words["loaded"] > 10
