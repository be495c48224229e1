"""What a type checker says of the package to somebody who uses it. `nox -s types` checks the package itself."""

import os
from pathlib import Path

import pytest

import forecast

PROGRAM = Path(__file__).parent / "typing" / "user.py"
PLACE = Path(forecast.__path__[0]).parent


def said_of(text, folder, monkeypatch):
    """mypy's findings in a program, where the package is installed or lies in a clone."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed; the group lint has it")
    (folder / "user.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    if PLACE.name != "site-packages":
        monkeypatch.setenv("MYPYPATH", os.fspath(PLACE))
    options = ["--strict", "--ignore-missing-imports", "--follow-imports=silent", "--no-error-summary"]
    found, fault, _ = api.run([*options, f"--cache-dir={folder / 'cache'}", "user.py"])
    assert fault == ""
    return [line for line in found.splitlines() if " error: " in line]


@pytest.mark.slow
def test_a_typed_program_passes_the_strict_check_and_mistakes_in_it_are_found(tmp_path, monkeypatch):
    text = PROGRAM.read_text(encoding="utf-8")
    assert said_of(text, tmp_path, monkeypatch) == []
    for right, wrong in [
        ("hidden_size=8, quantile", 'hidden_size="8", quantile'),
        ("cv=RollingOrigin(3, horizon=24)", "splits=3"),
        ("model.predict(X))", "model.predict())"),
    ]:
        assert right in text
        found = said_of(text.replace(right, wrong), tmp_path, monkeypatch)
        assert len(found) == 1, (wrong, found)
