"""Trained weights and forecasts have the bits that commit 916f4ef gave them (see golden/make_bits.py)."""

import importlib.util
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parent / "golden" / "make_bits.py"


def load():
    spec = importlib.util.spec_from_file_location("make_bits", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bits = load()
RECORDED = bits.recorded()
IN_USE = bits.isa_in_use()


@pytest.mark.parametrize("name", bits.names() if IN_USE in RECORDED else [])
def test_weights_and_forecasts_have_the_recorded_bits(name):
    expected, found = RECORDED[IN_USE][name], bits.run(name)
    assert found == expected, bits.difference(expected, found)


@pytest.mark.slow
@pytest.mark.parametrize("isa", bits.isas_found())
def test_every_instruction_set_gives_the_recorded_bits(isa):
    assert dict(bits.measured(isa)) == RECORDED[isa]


def test_every_case_is_recorded_for_every_instruction_set():
    assert {isa: sorted(cases) for isa, cases in RECORDED.items()} == {isa: sorted(bits.names()) for isa in bits.ISAS}
