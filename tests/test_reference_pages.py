"""Every public name is in the API reference and shows itself in an example that runs."""

import doctest
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import forecast

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
MODULES = [
    "forecast",
    *(f"forecast.{info.name}" for info in pkgutil.iter_modules(forecast.__path__) if info.name[0] != "_"),
]
if importlib.util.find_spec("sktime") is None:  # which forecast.sktime needs
    MODULES.remove("forecast.sktime")
NAMES = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]
every_module = pytest.mark.parametrize("module", MODULES)
every_name = pytest.mark.parametrize(("module", "name"), NAMES, ids=map(".".join, NAMES))
ROOM = {"forecast.RNNForecaster", "forecast.model_selection.backtest", "forecast.metrics.mae", "forecast.cli.main"}


def own(member):
    """Methods and properties that a class has from this package, not from scikit-learn or an exception's class."""
    own = [cls for cls in member.__mro__ if cls.__module__.partition(".")[0] == "forecast"]
    parts = {part: value for cls in own for part, value in vars(cls).items() if not part.startswith("_")}
    return [part for part, value in parts.items() if callable(getattr(member, part)) or isinstance(value, property)]


def test_the_walk_finds_the_public_modules_and_names():
    assert {".".join(found) for found in NAMES} >= ROOM


@every_module
def test_a_public_module_has_its_page_in_the_reference(module):
    """All names of `__all__` are then on it; `docs/check_site.py` looks for each in the built site."""
    page = REFERENCE / f"{module.removeprefix('forecast.')}.md"
    assert re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE) == [module]


@every_name
def test_a_public_name_has_an_example_that_runs(module, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what an example writes
    owner = importlib.import_module(module)
    text = inspect.getdoc(getattr(owner, name))
    assert re.search(r"^Examples\n-+$", text, re.MULTILINE)
    names = vars(importlib.import_module(getattr(owner, name).__module__)) | {"__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(text, names, f"{module}.{name}", None, None)
    assert test.examples
    found = []
    doctest.DocTestRunner(verbose=False).run(test, out=found.append)
    assert "".join(found) == ""


@every_name
def test_a_public_class_says_what_its_methods_and_properties_are(module, name):
    member = getattr(importlib.import_module(module), name)
    parts = own(member) if inspect.isclass(member) else []
    text = inspect.getdoc(member)  # Attributes of its own docstring count
    assert [part for part in parts if not (inspect.getdoc(getattr(member, part)) or f"\n{part} :" in text)] == []
