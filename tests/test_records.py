"""`record` makes what `dataclasses.dataclass` makes; the standard library's classes are the oracle."""

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field
from functools import cached_property

import pytest

from forecast._records import record


def written(decorator, **options):
    """The same class by either decorator."""

    @decorator(**options)
    class Point:
        """One of each kind of field."""

        x: int
        y: float = 1.5
        names: list = field(default_factory=list)
        _kept: dict = field(default_factory=dict, init=False, repr=False, compare=False)

        def __post_init__(self):
            self._kept["sum"] = self.x + self.y

    return Point


BOTH = [dataclass, record]
CALLS = [((1,), {}), ((1, 2.0), {}), ((1,), {"names": ["a"]}), ((), {"y": 2.0, "x": 3})]
WRONG = [((), {}), ((1, 2.0, [], 4), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((1,), {"_kept": {}}), ((), {"y": 2.0})]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("values", "named"), CALLS)
def test_a_record_holds_and_shows_what_a_dataclass_does(values, named, frozen):
    theirs, ours = (written(decorator, frozen=frozen)(*values, **named) for decorator in BOTH)
    assert vars(ours) == vars(theirs)
    assert list(vars(ours)) == list(vars(theirs))
    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert vars(dataclasses.replace(ours, x=7)) == vars(dataclasses.replace(theirs, x=7))
    assert vars(copy.deepcopy(ours)) == vars(theirs)


@pytest.mark.parametrize(("values", "named"), WRONG)
def test_a_record_refuses_arguments_that_a_dataclass_refuses(values, named):
    for decorator in BOTH:
        with pytest.raises(TypeError):
            written(decorator)(*values, **named)


def test_a_list_is_made_anew_for_each_record():
    point = written(record)
    assert point(1).names is not point(1).names


@pytest.mark.parametrize("decorator", BOTH)
def test_records_are_equal_by_the_fields_that_are_compared(decorator):
    point, other = written(decorator), written(decorator)
    first, second = point(1), point(1)
    second._kept["sum"] = 0
    assert first == second
    assert first != point(2)
    assert first != other(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


@dataclass(frozen=True)
class _Theirs:
    name: str
    size: int = 0


@record(frozen=True)
class _Ours:
    name: str
    size: int = 0

    @cached_property
    def doubled(self):
        """Kept in the record, though its fields are frozen."""
        return 2 * self.size


def test_a_frozen_record_has_a_dataclass_s_hash_and_is_pickled():
    assert hash(_Ours("a", 2)) == hash(_Theirs("a", 2))
    assert pickle.loads(pickle.dumps(_Ours("a", 2))) == _Ours("a", 2)
    assert _Ours("a", 2).doubled == 4


@pytest.mark.parametrize("kind", [_Theirs, _Ours])
def test_a_frozen_record_cannot_be_changed(kind):
    one = kind("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="size"):
        one.size = 3
    with pytest.raises(dataclasses.FrozenInstanceError, match="size"):
        del one.size
    assert one == kind("a")


def test_a_record_keeps_methods_of_its_own():
    @record
    class Named:
        name: str

        def __repr__(self):
            return f"<{self.name}>"

        def __eq__(self, other):
            return True

        __hash__ = None

    assert repr(Named("a")) == "<a>"
    assert Named("a") == Named("b")


def test_a_record_that_holds_itself_can_be_shown():
    @record
    class Loop:
        of: object = None

    loop = Loop()
    loop.of = loop
    assert repr(loop).endswith("Loop(of=...)")
