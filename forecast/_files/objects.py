"""Objects of registered classes and of scikit-learn's public estimators. One that appears twice stays one object.

A class is looked up among those registered, or in the list of `scikit`. Nothing else that a file names is imported. No
method of an object is run but the checks of parameters and of our own classes; `__reduce__` and `__setstate__` never.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils import Bunch

from .._refusals import Refusal
from .columns import NUMBER
from .errors import NEWER, ModelFileError
from .expected import expect
from .registered import BY_CLASS, BY_NAME
from .scikit import check, class_of, name_of

if TYPE_CHECKING:
    from .expected import Tree
    from .registered import Registered
    from .values import Reader, Writer

__all__ = ["READERS", "write"]


def write(writer: Writer, value: Any, place: str, depth: int) -> dict[str, Any] | None:
    """The tree of a value of this room, or None."""
    if type(value) is Bunch:
        return {"is": "bunch", "items": writer(dict(value), place, depth + 1)}
    known, name = BY_CLASS.get(type(value)), name_of(type(value))
    if known is None and name is None:
        return None
    if id(value) in writer.numbers:
        return {"is": "same", "as": writer.numbers[id(value)]}
    writer.numbers[id(value)] = len(writer.numbers)
    writer.alive.append(value)
    if known is None:
        state = _of_any_machine({key: part for key, part in vars(value).items() if key != "_sklearn_version"})
        check(value)
        state = _members(writer, type(value), state, place, depth)
        return {"is": "sklearn", "class": name, "version": sklearn.__version__, "state": state}
    if dataclasses.is_dataclass(value):
        fields = {field: getattr(value, field) for field in _field_names(type(value))}
        return {"is": "object", "class": known.name, "fields": _members(writer, None, fields, place, depth)}
    if hasattr(value, "_settle"):
        value._settle()  # what waits to be put into its state
    parameters = value.get_params(deep=False)
    fitted = {key: part for key, part in vars(value).items() if key not in {*parameters, *known.left_out}}
    parameters |= dict.fromkeys(set(known.left_out) & set(parameters))
    return {
        "is": "estimator",
        "class": known.name,
        "parameters": _members(writer, None, parameters, place, depth),
        "fitted": _members(writer, type(value), fitted, place, depth),
    }


def _members(writer: Writer, cls: type | None, members: dict[str, Any], place: str, depth: int) -> dict[str, Tree]:
    """In the order of their names: the order in which they were set does not belong to the model."""
    if cls is not None:
        _refuse_names(cls, members)
    return {key: writer(members[key], f"{place}.{key}" if place else key, depth + 1) for key in sorted(members)}


def _field_names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")]


def _refuse_names(cls: Any, names: Iterable[str]) -> None:
    """What `fit` sets is data under a separate name; it never replaces a method.

    A parameter may have a default in the class, as `positive` of scikit-learn's LassoLars has.
    """
    own = cls._get_param_names()
    wrong = [k for k in names if not k.isidentifier() or k.startswith("__") or (hasattr(cls, k) and k not in own)]
    if wrong:
        raise ModelFileError(
            Refusal(f"{cls.__name__} with a value under the name {wrong[0][:40]!r}, which is not for values")
        )


def _sklearn(reader: Reader, depth: int, version: Tree, state: Tree, **named: Tree) -> Any:
    name = expect(named["class"], str, "a class")
    cls = class_of(name)
    if cls is None:
        raise ModelFileError(
            Refusal(
                f"a class {name[:80]!r}, not an estimator that a model file may hold",
                advice="A model with it is kept by joblib.dump(model, path).",
            )
        )
    number = _begun(reader)
    state = _of_any_machine(_read_members(reader, depth, state))
    _refuse_names(cls, state)
    version = expect(version, str, "a version")
    made = cls.__new__(cls)
    vars(made).update(state)
    check(made, version)
    if version != sklearn.__version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=cls.__name__,
                current_sklearn_version=sklearn.__version__,
                original_sklearn_version=version[:40],
            ),
            stacklevel=2,
        )
    return _ended(reader, number, made)


def _of_any_machine(state: dict[str, Any]) -> dict[str, Any]:
    """The state without a number of jobs, with which a file could make `predict` start as many processes."""
    return {name: None if name == "n_jobs" else value for name, value in state.items()}


def _object(reader: Reader, depth: int, fields: Tree, **name: Tree) -> Any:
    known = _known(name["class"], dataclass=True)
    number = _begun(reader)
    fields = _read_members(reader, depth, fields)
    _refuse_unknown(known, fields, _field_names(known.cls))
    for field, part in fields.items():
        if isinstance(part, pd.RangeIndex) and field != "index":  # of no rows: it may become a list
            reader.spend(len(part) * NUMBER)
    return _ended(reader, number, known.cls(**fields))


def _estimator(reader: Reader, depth: int, parameters: Tree, fitted: Tree, **name: Tree) -> Any:
    known = _known(name["class"], dataclass=False)
    number = _begun(reader)
    parameters = _read_members(reader, depth, parameters)
    fitted = _read_members(reader, depth, fitted)
    fitted = {key: part for key, part in fitted.items() if key not in known.left_out}  # older files have them
    names = known.cls._get_param_names()
    _refuse_unknown(known, parameters, names)
    parameters |= dict.fromkeys(set(known.left_out) & set(parameters))
    _refuse_names(known.cls, fitted)
    if set(fitted) & set(names):
        raise ModelFileError(Refusal(f"a {known.name} whose parameters are stored with its fitted attributes"))
    made = known.cls(**parameters)
    if hasattr(made, "_parameter_constraints"):
        made._validate_params()
    vars(made).update(fitted)
    return _ended(reader, number, made, is_whole=bool(fitted))  # a parameter need not be fitted


def _known(name: Tree, dataclass: bool) -> Registered:
    if not isinstance(name, str) or name not in BY_NAME or dataclasses.is_dataclass(BY_NAME[name].cls) != dataclass:
        raise ModelFileError(Refusal(f"a class {str(name)[:80]!r}, which this version of forecast does not know"))
    return BY_NAME[name]


def _refuse_unknown(known: Registered, found: Iterable[str], names: Iterable[str]) -> None:
    """Missing fields take their defaults, so older files load; unknown ones are refused, as their meaning is lost."""
    unknown = sorted(set(found) - set(names))
    if unknown:
        raise ModelFileError(
            Refusal(
                f"a {known.name} with {unknown[0][:40]!r}, which this version of forecast does not know",
                advice=NEWER,
            )
        )


def _read_members(reader: Reader, depth: int, members: Tree) -> dict[str, Any]:
    return {key: reader(part, depth) for key, part in expect(members, dict, "the members of an object").items()}


def _begun(reader: Reader) -> int:
    reader.objects.append(None)
    return len(reader.objects) - 1


def _ended(reader: Reader, number: int, made: Any, is_whole: bool = True) -> Any:
    check = getattr(type(made), "_check_loaded", None)
    if check is not None and is_whole:
        check(made)
    reader.objects[number] = made
    return made


def _same(reader: Reader, depth: int, **named: Tree) -> Any:
    number = expect(named["as"], int, "the number of an object")
    if not 0 <= number < len(reader.objects) or reader.objects[number] is None:
        raise ModelFileError(Refusal(f"the object of number {number} is not there yet"))
    return reader.objects[number]


def _bunch(reader: Reader, depth: int, items: Tree) -> Bunch:
    return Bunch(**expect(reader(items, depth), dict, "a bunch"))


READERS = {
    "bunch": (("items",), _bunch),
    "same": (("as",), _same),
    "object": (("class", "fields"), _object),
    "estimator": (("class", "parameters", "fitted"), _estimator),
    "sklearn": (("class", "version", "state"), _sklearn),
}
