"""Every refusal and warning of the package is a `Refusal`: nothing is raised with a plain text."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "forecast"
REASON = "a reason, which the refusal of the file quotes"
PLAIN = {  # where a plain text may be raised, and why
    "__init__.py, <module>": "the package is not compiled, so nothing of it can be imported",
    "__init__.py, __getattr__": "Python's own words",
    "_source_tree.py, installed_instead": "nothing of the package can be imported yet",
    "_records.py, _init": "Python's own words",
    "_records.py, _refuse": "Python's own words",
    "_records.py, _refuse_arguments": "Python's own words",
    "_files/container.py, _once": REASON,
    "_files/container.py, _refuse_constant": REASON,
    "_files/container.py, parsed": REASON,
}
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "cli"]  # whose users are one audience
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
BINDINGS = (ast.Assign, ast.AnnAssign, ast.NamedExpr)


def within(scope):
    """The nodes of a module or a function, without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, FUNCTIONS):
            yield from within(child)


def called(node):
    """The last name of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def returned():
    """{name of a function: [(its node, what it returns)]} of the whole package."""
    found = defaultdict(list)
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, FUNCTIONS[:2]):
                found[node.name] += [(node, one.value) for one in within(node) if isinstance(one, ast.Return)]
    return found


def bound(scope, name):
    """What a name is set to in a scope."""
    given = [node for node in within(scope) if isinstance(node, BINDINGS)]
    targets = [(node.targets if isinstance(node, ast.Assign) else [node.target], node.value) for node in given]
    return [value for names, value in targets if any(getattr(one, "id", None) == name for one in names)]


def is_plain(value, scope, seen=()):
    """Whether an expression may be a text that is not a `Refusal`, judged by the sources alone."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str)
    if isinstance(value, ast.JoinedStr | ast.BinOp):
        return True
    if isinstance(value, ast.IfExp):
        return is_plain(value.body, scope, seen) or is_plain(value.orelse, scope, seen)
    if isinstance(value, ast.Name) and value.id not in seen:
        return any(is_plain(one, scope, (*seen, value.id)) for one in bound(scope, value.id))
    if isinstance(value, ast.Call):
        name = called(value)
        if name in ("str", "join", "format"):
            return True
        made = returned()[name] if name not in seen else []
        return any(is_plain(one, function, (*seen, name)) for function, one in made)
    return False


def raised(scope):
    """[what is raised as an exception with something in it, or warned of] in a scope."""
    found = [node.exc for node in within(scope) if isinstance(node, ast.Raise)]
    warned = [node for node in within(scope) if isinstance(node, ast.Call) and called(node) == "warn"]
    return [call for call in found + warned if isinstance(call, ast.Call) and call.args]


def plain_refusals(tree, name):
    """{"file, function": lines at which a plain text is raised}."""
    found = defaultdict(list)
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))]:
        for call in raised(scope):
            made = returned()[called(call)]  # of a function that makes the exception, such as _missing(...)
            made = [(function, one) for function, one in made if isinstance(one, ast.Call) and one.args]
            texts = [(function, one.args[0]) for function, one in made if called(one).endswith("Error")]
            if any(is_plain(text, function) for function, text in texts or [(scope, call.args[0])]):
                found[f"{name}, {getattr(scope, 'name', '<module>')}"].append(call.lineno)
    return dict(found)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_refusal_is_a_plain_text(path):
    name = path.relative_to(PACKAGE).as_posix()
    found = plain_refusals(tree_of(path), name)
    assert sorted(found) == sorted(place for place in PLAIN if place.startswith(f"{name},"))


@pytest.mark.parametrize(
    "raises",
    [
        "raise ValueError('text')",
        "warnings.warn(f'{n} rows', UserWarning)",
        "raise ModelFileError(f'{n} rows')",
        "raise TypeError('a' + more)",
        "raise ValueError('{} rows'.format(n))",
        "raise ValueError(str(error)) from error",
        "raise ValueError('one' if n else Refusal('two'))",
        "message = f'{n} rows'\n    raise ValueError(message)",
        "if (fault := 'text') is not None:\n        raise ValueError(fault)",
    ],
)
def test_plain_texts_are_seen(raises):
    assert list(plain_refusals(ast.parse(f"def f(n, more, error):\n    {raises}\n"), "x.py")) == ["x.py, f"]


@pytest.mark.parametrize(
    "raises",
    [
        "raise ValueError(extended(error, 'x: ', fix='n=1'))",
        "what = Refusal('x')\n    raise ValueError(what)",
        "raise ValueError(longer_horizon(3))",
    ],
)
def test_refusals_are_no_plain_texts(raises):
    assert plain_refusals(ast.parse(f"def f(error):\n    {raises}\n"), "x.py") == {}
