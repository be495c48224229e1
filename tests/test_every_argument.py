"""Every public argument has an effect or raises: of constructors, functions, methods and options of the command.

A new argument makes `test_every_argument_is_in_a_table` red, a new option `test_every_option_is_in_a_table`, until a
table says how its effect is seen: `walks_of_models.py` and its neighbours.
"""

import importlib
import inspect
import re

import pytest
import test_promises
from walks import IGNORED, Refusal, difference, public_arguments
from walks_of_blocks import BLOCKS
from walks_of_clusters import CLUSTERS
from walks_of_commands import COMMANDS, options
from walks_of_distributions import DISTRIBUTIONS
from walks_of_labels import LABELS
from walks_of_models import MODELS
from walks_of_plots import PLOTS
from walks_of_scikit_learn import SCIKIT_LEARN
from walks_of_tools import TOOLS
from walks_of_updates import UPDATES, with_panels

WALKS = MODELS | with_panels(MODELS) | UPDATES | TOOLS | PLOTS | LABELS | DISTRIBUTIONS | SCIKIT_LEARN
WALKS |= BLOCKS | CLUSTERS
PAIRS = [(name, argument) for name, walk in WALKS.items() for argument in walk.changes]
EFFECTS = [pair for pair in PAIRS if WALKS[pair[0]].changes[pair[1]] is not IGNORED]
OPTIONS = [(name, option) for name, walks in COMMANDS.items() for option in walks]


def test_every_argument_is_in_a_table():
    found = public_arguments()
    assert set(found.pop("RNNForecaster")) == set(test_promises.EFFECTS)  # it has a table and a test there
    assert {name: set(arguments) for name, arguments in found.items()} == {
        name: set(walk.changes) for name, walk in WALKS.items()
    }


def test_every_option_is_in_a_table():
    assert {name: set(found) for name, found in options().items()} == {
        name: set(walks) for name, walks in COMMANDS.items()
    }


@pytest.mark.parametrize(("name", "argument"), EFFECTS, ids=[".".join(pair) for pair in EFFECTS])
def test_an_argument_has_an_effect(name, argument):
    for given, without, with_it in difference(WALKS[name], argument):
        assert without != with_it, f"{given.value!r} changes nothing: {str(without)[:300]}"
        if isinstance(with_it[0], Refusal) and not isinstance(without[0], Refusal):
            assert (given.says or argument) in with_it[0], f"refused for another reason: {with_it[0]}"


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=[" ".join(pair) for pair in OPTIONS])
def test_an_option_has_an_effect(name, option):
    walk = COMMANDS[name][option]
    for given, (without, *_), (with_it, *_) in difference(walk, next(iter(walk.changes))):
        assert without != with_it, f"{given.value} changes nothing: {without}"
        code, _, (_, err) = with_it
        assert code in (without[0], "0") or (given.says or option) in err, f"refused for another reason: {err}"


@pytest.mark.parametrize(("name", "argument"), [pair for pair in PAIRS if pair not in EFFECTS], ids=".".join)
def test_what_scikit_learns_protocol_passes_for_nothing_is_documented_so(name, argument):
    *path, method = name.split(".")
    public = importlib.import_module(".".join(["forecast", *path[:-1]]))
    text = inspect.getdoc(getattr(getattr(public, path[-1]), method))
    assert re.search(rf"^(.*, )?{argument}\b.*(\n +)?[Ii]gnored", text, re.MULTILINE), text
