"""A call that is refused, and again after what its refusal says behind "Fix:"."""

import ast

from forecast import ModelFileError
from forecast._refusals import refusal_of


def chosen(scope, **usual):
    """Arguments, as a fix has set them or as they were."""
    return {name: scope.get(name, value) for name, value in usual.items()}


def tried(call, scope):
    """What a call gives, and None; or None, and the code of the fix of its refusal."""
    try:
        return call(scope), None
    except (TypeError, ValueError, AttributeError, OSError, ModelFileError) as error:
        fix = refusal_of(error).fix
        if not fix:
            raise
        return None, str(fix)


def runs_and_helps(scope, call):
    """A fix sets an argument, is a statement, or is an expression, whose value is `made`; then the call works."""
    scope, seen = dict(scope), []
    found, code = tried(call, scope)
    assert code is not None
    while code is not None:
        assert code not in seen
        seen.append(code)
        if isinstance(ast.parse(code).body[0], ast.Expr):
            scope["made"] = eval(code, scope)
        else:
            exec(code, scope)
        found, code = tried(call, scope)
    return found
