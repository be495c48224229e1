"""What a type checker says of the package to somebody who uses it. `nox -s types` checks the package itself."""

import ast
import os
import re
from pathlib import Path

import pytest
from mypy import api

import forecast
from forecast import _core

PROGRAM = Path(__file__).parent / "typing" / "user.py"
PLACE = Path(forecast.__path__[0]).parent

STUB = ast.parse((Path(forecast.__path__[0]) / "_core.pyi").read_text(encoding="utf-8"))


def functions_of(tree, inside=""):
    """Arguments of the stub's functions by name ("Class.name" in a class), in each of their forms; no properties."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= functions_of(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and node.args.vararg is None:
            if [one.id for one in node.decorator_list] != ["property"]:
                found.setdefault(inside + node.name, []).append(node.args)
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
    """stubtest cannot see them; docstrings of the module say them, each form of a function in a numbered line."""
    bound = _core
    for part in name.split("."):
        bound = getattr(bound, part)
    lines = re.findall(r"^\d+\. (.*)", bound.__doc__, re.MULTILINE) or bound.__doc__.splitlines()[:1]
    said = [words_of(ast.parse(f"def {line}: pass").body[0].args) for line in lines]
    assert [words_of(form) for form in functions_of(STUB)[name]] == said


def said_of(text, folder, monkeypatch):
    """mypy's findings in a program, where the package is installed or lies in a clone."""
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
        ("model.save(path)", "model.save()"),
        ("kind=RNNClassifier)", "kind=RNNForecaster)"),
    ]:
        assert right in text
        found = said_of(text.replace(right, wrong), tmp_path, monkeypatch)
        assert len(found) == 1, (wrong, found)
