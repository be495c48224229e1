"""What a type checker says of the package to somebody who uses it. `nox -s types` checks the package itself."""

import ast
import os
from pathlib import Path

import pytest

import forecast
from forecast import _core

PROGRAM = Path(__file__).parent / "typing" / "user.py"
PLACE = Path(forecast.__path__[0]).parent

STUB = ast.parse((Path(forecast.__path__[0]) / "_core.pyi").read_text(encoding="utf-8"))


def functions_of(tree, inside=""):
    """Functions of the stub by name, those of classes as "Class.name"; properties and what says nothing left out."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= functions_of(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and not node.decorator_list and node.args.vararg is None:
            found[inside + node.name] = node.args
    return found


def words_of(arguments):
    """Names in order, with a mark for those that may be left out, after a star where only the name will do."""
    plain, optional = [one.arg for one in arguments.args], len(arguments.args) - len(arguments.defaults)
    words = [name + "=" * (place >= optional) for place, name in enumerate(plain)]
    if arguments.kwonlyargs:
        defaults = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        words += ["*", *(one.arg + "=" * (default is not None) for one, default in defaults)]
    return words


@pytest.mark.parametrize("name", functions_of(STUB))
def test_the_stub_has_the_arguments_of_the_module(name):
    """stubtest cannot see them; the module says them in the first line of a docstring."""
    bound = _core
    for part in name.split("."):
        bound = getattr(bound, part)
    said = ast.parse(f"def {bound.__doc__.splitlines()[0]}: pass").body[0]
    assert words_of(functions_of(STUB)[name]) == words_of(said.args)


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
